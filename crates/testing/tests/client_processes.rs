//! A client in a process that is killed, again and again, at any time.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests count")]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carevow::{Client, Config, Delivery, Outcome};
use carevow_core::DeviceAddress;
use carevow_core::identity::DeviceKind;
use carevow_core::primitives::PublicKey as _;
use carevow_testing::pipe;
use carevow_testing::service::{Mail, Service};
use carevow_testing::worker::{ACCESS, Worker, now, rng};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

/// How often the process is killed.
const KILLS: u32 = 500;

struct Peer {
    client: Client,
    address: DeviceAddress,
    said: u32,
}

/// Carries out what a client in this process asks for, and brings it its mail.
fn network(peer: &mut Peer, service: &mut Service, rng: &mut ChaCha20Rng) {
    while let Some(request) = peer.client.poll_request(now(), rng).unwrap() {
        let response = service.perform(peer.address, &request.operation, now().wall, rng);
        peer.client.complete(request.id, response, now(), rng).unwrap();
    }
    let mail = service.mail(peer.address);
    let deliveries: Vec<_> =
        mail.iter().map(|mail| Delivery { received: mail.received, envelope: &mail.envelope }).collect();
    for (outcome, mail) in peer.client.receive(&deliveries, now(), rng).unwrap().iter().zip(&mail) {
        // No ciphertext left the process without the state that made it: each opens, once.
        assert!(matches!(outcome, Outcome::Accepted | Outcome::Duplicate | Outcome::NotNow), "{outcome:?}");
        if outcome.is_final() {
            service.acknowledge(peer.address, &mail.envelope);
        }
    }
}

fn says(peer: &mut Peer, to: DeviceAddress, rng: &mut ChaCha20Rng) {
    peer.client.send_text(to.account, &format!("peer {}", peer.said), None, now(), rng).unwrap();
    peer.said += 1;
}

/// One line of the process; `None` if it needs no answer.
fn answered(line: &str, of: DeviceAddress, service: &mut Service, rng: &mut ChaCha20Rng) -> Option<String> {
    if let Some(operation) = pipe::to_operation(line) {
        return Some(pipe::answer(&service.perform(of, &operation, now().wall, rng)));
    }
    match line.split_once(' ').unwrap_or((line, "")) {
        ("roots", _) => Some(hex::encode(service.root().to_tagged())),
        ("mail", _) => {
            let word = |mail: &Mail| format!("{}:{}", mail.received.as_millis(), hex::encode(&mail.envelope));
            Some(service.mail(of).iter().map(word).collect::<Vec<_>>().join(" "))
        }
        ("forget", envelope) => {
            service.acknowledge(of, &hex::decode(envelope).unwrap());
            None
        }
        _ => None,
    }
}

fn person(folder: &std::path::Path, service: &mut Service, rng: &mut ChaCha20Rng) -> Peer {
    let policy = carevow::Policy { idle_ms: u64::MAX };
    let config = Config { roots: service.roots(), policy };
    let mut client = Client::create(folder, ACCESS, DeviceKind::Mobile, config, now(), rng).unwrap();
    let address = client.address(now(), rng).unwrap();
    let mut peer = Peer { client, address, said: 0 };
    network(&mut peer, service, rng);
    peer
}

fn texts(client: &mut Client, of: DeviceAddress, with: DeviceAddress, rng: &mut ChaCha20Rng) -> BTreeMap<String, u32> {
    let conversation = carevow_core::content::pair_id(&of.account, &with.account);
    let mut counted = BTreeMap::new();
    for message in client.messages(conversation, 0..u64::MAX, now(), rng).unwrap() {
        *counted.entry(message.text().unwrap().to_owned()).or_default() += 1;
    }
    counted
}

#[test]
fn t136_a_process_that_is_killed_five_hundred_times_loses_and_doubles_nothing() {
    let (mut rng, folder) = (rng(), tempfile::tempdir().unwrap());
    let mut service = Service::new(now().wall, &mut rng);
    let mut worker = person(&folder.path().join("worker"), &mut service, &mut rng);
    let mut peer = person(&folder.path().join("peer"), &mut service, &mut rng);
    worker.client.add_contact(peer.address.account, now(), &mut rng).unwrap();
    peer.client.add_contact(worker.address.account, now(), &mut rng).unwrap();
    let (of, with) = (worker.address, peer.address);
    drop(worker);
    let (store, account) = (folder.path().join("worker"), hex::encode(with.account.as_bytes()));
    let arguments = [store.to_str().unwrap(), account.as_str(), "worker", "1000000", "1"];
    let (mut reported, mut killed_before_a_message) = (0, 0);
    for kill in 0..KILLS {
        let mut process = Worker::start(env!("CARGO_BIN_EXE_client_worker"), &arguments);
        let wait = Duration::from_micros(rng.next_u64() % 60_000);
        let id = process.id().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait);
            Command::new("kill").args(["-9", &id]).status().unwrap();
        });
        let before = reported;
        while let Some(line) = process.hear() {
            if let Some(number) = line.strip_prefix("sent ") {
                // What was said to be sent is never said again, and no number is left out.
                let number: u32 = number.parse().unwrap();
                assert!(number >= reported, "{number} again");
                reported = number + 1;
            }
            if let Some(answer) = answered(&line, of, &mut service, &mut rng)
                && !process.try_tell(&answer)
            {
                break;
            }
        }
        killer.join().unwrap();
        killed_before_a_message += u32::from(before == reported);
        if kill % 3 == 0 {
            says(&mut peer, of, &mut rng);
        }
        network(&mut peer, &mut service, &mut rng);
    }
    assert!(reported > KILLS / 4 && killed_before_a_message > 10, "{reported} {killed_before_a_message}");
    // At the end everything arrives.
    let policy = carevow::Policy { idle_ms: u64::MAX };
    let mut client = Client::open(&store, Config { roots: service.roots(), policy }, None).unwrap();
    client.unlock(ACCESS, now(), &mut rng).unwrap();
    let mut worker = Peer { client, address: of, said: 0 };
    for _ in 0..10 {
        network(&mut worker, &mut service, &mut rng);
        network(&mut peer, &mut service, &mut rng);
    }
    let at_peer = texts(&mut peer.client, with, of, &mut rng);
    let at_worker = texts(&mut worker.client, of, with, &mut rng);
    assert_eq!(at_peer, at_worker);
    assert!(at_peer.values().all(|count| *count == 1), "{at_peer:?}");
    let from = |who: &str| u32::try_from(at_peer.keys().filter(|text| text.starts_with(who)).count()).unwrap();
    assert!(from("worker") == reported || from("worker") == reported + 1);
    assert_eq!(from("peer"), peer.said);
}

/// Texts that each of two processes sends, and those that come to them.
const SENT: [u32; 3] = [4_000, 4_000, 2_000];
const AT_ONCE: u32 = 20;
/// At 20 ms each and more: what is lost ends the test rather than holds it up.
const MOST_ROUNDS: u32 = 50_000;

/// While it lives; then the processes end, also if the test fails.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Serves one process until it ends; whether it ended well.
fn serve(mut process: Worker, of: DeviceAddress, service: &Mutex<Service>, ended: &AtomicBool) -> bool {
    let mut rng = rng();
    while let Some(line) = process.hear() {
        let answer = match line.as_str() {
            "mail" if ended.load(Ordering::SeqCst) => Some("end".to_owned()),
            line => answered(line, of, &mut service.lock().unwrap(), &mut rng),
        };
        if let Some(answer) = answer {
            process.try_tell(&answer);
        }
    }
    process.finish().1
}

#[test]
fn t129_two_processes_on_one_store_send_and_receive_ten_thousand_messages_once_each() {
    let (mut rng, folder) = (rng(), tempfile::tempdir().unwrap());
    let mut service = Service::new(now().wall, &mut rng);
    let mut both = person(&folder.path().join("both"), &mut service, &mut rng);
    let mut peer = person(&folder.path().join("peer"), &mut service, &mut rng);
    both.client.add_contact(peer.address.account, now(), &mut rng).unwrap();
    peer.client.add_contact(both.address.account, now(), &mut rng).unwrap();
    let (of, with) = (both.address, peer.address);
    drop(both);
    let (store, account) = (folder.path().join("both"), hex::encode(with.account.as_bytes()));
    let (service, ended) = (Mutex::new(service), AtomicBool::new(false));
    std::thread::scope(|threads| {
        let served = ["app", "extension"].into_iter().zip(SENT).map(|(name, count)| {
            let (count, at_once) = (count.to_string(), AT_ONCE.to_string());
            let arguments = [store.to_str().unwrap(), account.as_str(), name, count.as_str(), at_once.as_str()];
            let process = Worker::start(env!("CARGO_BIN_EXE_client_worker"), &arguments);
            let (service, ended) = (&service, &ended);
            threads.spawn(move || serve(process, of, service, ended))
        });
        let served: Vec<_> = served.collect();
        let conversation = carevow_core::content::pair_id(&with.account, &of.account);
        let (mut rounds, mut rounds_after_the_last, mut arrived) = (0, 0, 0);
        let running = Running(&ended);
        let all_run = |served: &[std::thread::ScopedJoinHandle<'_, bool>]| served.iter().all(|one| !one.is_finished());
        while rounds_after_the_last < 50 && rounds < MOST_ROUNDS && all_run(&served) {
            rounds += 1;
            for _ in 0..AT_ONCE.min(SENT[2] - peer.said) {
                says(&mut peer, of, &mut rng);
            }
            network(&mut peer, &mut service.lock().unwrap(), &mut rng);
            std::thread::sleep(Duration::from_millis(20));
            let new = peer.client.messages(conversation, arrived..u64::MAX, now(), &mut rng).unwrap();
            arrived = new.last().map_or(arrived, |last| last.number + 1);
            let all = arrived >= u64::from(SENT.iter().sum::<u32>());
            let quiet = all && service.lock().unwrap().mail(of).is_empty();
            rounds_after_the_last += u32::from(quiet);
        }
        drop(running);
        assert!(rounds < MOST_ROUNDS, "{arrived} arrived, and no more");
        assert!(served.into_iter().all(|process| process.join().unwrap()), "both processes end by themselves");
    });
    let policy = carevow::Policy { idle_ms: u64::MAX };
    let config = Config { roots: service.lock().unwrap().roots(), policy };
    let mut client = Client::open(&store, config, None).unwrap();
    client.unlock(ACCESS, now(), &mut rng).unwrap();
    let at_peer = texts(&mut peer.client, with, of, &mut rng);
    assert_eq!(texts(&mut client, of, with, &mut rng), at_peer);
    let from = |(who, count)| (0..count).map(move |number| (format!("{who} {number}"), 1));
    let expected = ["app", "extension", "peer"].into_iter().zip(SENT).flat_map(from).collect();
    assert_eq!(at_peer, expected);
}
