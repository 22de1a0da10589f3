//! A process that uses a client, to be killed: `client_worker FOLDER PEER`. It asks for the roots of the service first, then
//! sends one numbered text after the other to the account PEER, carries its requests to whoever watches, and takes its mail.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "whoever watches sees that it ended")]

use std::io::{BufRead as _, stdin};

use carevow::{Client, Config, Delivery, Outcome, Policy};
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
    let all = client.messages(conversation, 0..u64::MAX, now(), &mut rng).unwrap();
    let first = all.iter().filter(|message| message.account == own).count();
    for number in first.. {
        client.send_text(peer, &format!("worker {number}"), None, now(), &mut rng).unwrap();
        say(format_args!("sent {number}"));
        network(&mut client, &mut rng);
    }
}

/// Requests and mail, once.
fn network(client: &mut Client, rng: &mut ChaCha20Rng) {
    while let Some(request) = client.poll_request(now(), rng).unwrap() {
        let response = pipe::to_response(&ask(&pipe::request(&request.operation)));
        client.complete(request.id, response, now(), rng).unwrap();
    }
    let mail = ask("mail");
    let mail: Vec<(Timestamp, Vec<u8>)> = mail
        .split(' ')
        .filter_map(|word| word.split_once(':'))
        .map(|(at, envelope)| (Timestamp::from_millis(at.parse().unwrap()), hex::decode(envelope).unwrap()))
        .collect();
    let deliveries: Vec<_> =
        mail.iter().map(|(received, envelope)| Delivery { received: *received, envelope }).collect();
    for (outcome, (_, envelope)) in client.receive(&deliveries, now(), rng).unwrap().iter().zip(&mail) {
        assert!(matches!(outcome, Outcome::Accepted | Outcome::Duplicate | Outcome::NotNow), "{outcome:?}");
        if outcome.is_final() {
            say(format_args!("forget {}", hex::encode(envelope)));
        }
    }
}
