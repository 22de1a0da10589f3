//! A process that uses a client: `client_worker FOLDER PEER NAME COUNT AT_ONCE`. It asks for the roots of the service first,
//! then sends COUNT texts, "NAME 0" and so on, to the account PEER, AT_ONCE of them before it carries its requests to whoever
//! watches and takes its mail. It goes on with that after the last text, until the answer to "mail" is "end".
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "whoever watches sees that it ended"
)]

use std::io::{BufRead as _, stdin};

use carevow::{Client, Config, Delivery, Outcome, Policy};
use carevow_core::errors::DecryptError;
use carevow_core::identity::TrustRoots;
use carevow_core::primitives::{Ed25519PublicKey, PublicKey as _};
use carevow_core::{AccountId, Timestamp};
use carevow_testing::pipe;
use carevow_testing::worker::{ACCESS, now, rng, say};
use rand_chacha::ChaCha20Rng;

fn ask(line: &str) -> String {
    say(line);
    let mut answer = String::new();
    let bytes = stdin().lock().read_line(&mut answer).unwrap();
    assert!(bytes > 0, "nobody watches any more");
    answer.trim_end().to_owned()
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let peer = AccountId::from_slice(&hex::decode(&arguments[1]).unwrap()).unwrap();
    let root = Ed25519PublicKey::from_tagged(&hex::decode(ask("roots")).unwrap()).unwrap();
    let config = Config { roots: TrustRoots::new(&[root]).unwrap(), policy: Policy { idle_ms: u64::MAX } };
    let mut rng = rng();
    let mut client = Client::open(arguments[0].as_ref(), config, None).unwrap();
    client.unlock(ACCESS, now(), &mut rng).unwrap();
    let own = client.address(now(), &mut rng).unwrap().account;
    let conversation = carevow_core::content::pair_id(&own, &peer);
    let (name, count, at_once) =
        (&arguments[2], arguments[3].parse::<usize>().unwrap(), arguments[4].parse::<usize>().unwrap());
    let all = client.messages(conversation, 0..u64::MAX, now(), &mut rng).unwrap();
    let mine = |text: &str| text.strip_prefix(name).is_some_and(|rest| rest.starts_with(' '));
    let mut number = all.iter().filter(|message| message.account == own && message.text().is_some_and(mine)).count();
    let mut goes_on = true;
    while goes_on {
        for _ in 0..at_once.min(count - number.min(count)) {
            client.send_text(peer, &format!("{name} {number}"), None, now(), &mut rng).unwrap();
            say(format_args!("sent {number}"));
            number += 1;
        }
        goes_on = network(&mut client, &mut rng);
    }
}

/// Requests and mail, once; whether it goes on.
fn network(client: &mut Client, rng: &mut ChaCha20Rng) -> bool {
    while let Some(request) = client.poll_request(now(), rng).unwrap() {
        let response = pipe::to_response(&ask(&pipe::request(&request.operation)));
        client.complete(request.id, response, now(), rng).unwrap();
    }
    let mail = ask("mail");
    if mail == "end" {
        return false;
    }
    let mail: Vec<(Timestamp, Vec<u8>)> = mail
        .split(' ')
        .filter_map(|word| word.split_once(':'))
        .map(|(at, envelope)| (Timestamp::from_millis(at.parse().unwrap()), hex::decode(envelope).unwrap()))
        .collect();
    let deliveries: Vec<_> =
        mail.iter().map(|(received, envelope)| Delivery { received: *received, envelope }).collect();
    for (outcome, (_, envelope)) in client.receive(&deliveries, now(), rng).unwrap().iter().zip(&mail) {
        // The other process may have had it, and its chain be gone since.
        let had = Outcome::Failed(DecryptError::NoSession);
        let known = matches!(outcome, Outcome::Accepted | Outcome::Duplicate | Outcome::NotNow) || *outcome == had;
        assert!(known, "{outcome:?}");
        if outcome.is_final() {
            say(format_args!("forget {}", hex::encode(envelope)));
        }
    }
    true
}
