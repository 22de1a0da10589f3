//! Requests and answers as lines of text, between a client in one process and the service in another.

use carevow::{Addressed, Operation, Response, Submission};
use carevow_core::{AccountId, DeviceAddress, DeviceId, RegNonce};

/// A request as one line.
pub fn request(operation: &Operation) -> String {
    let (name, fields) = match operation {
        Operation::PublishManifest(bytes) => ("publish-manifest", vec![hex::encode(bytes)]),
        Operation::PublishPrekeys(records) => ("publish-prekeys", records.iter().map(hex::encode).collect()),
        Operation::CountPrekeys => ("count", Vec::new()),
        Operation::FetchCertificate => ("certificate", Vec::new()),
        Operation::FetchRevocations => ("revocations", Vec::new()),
        Operation::FetchManifest(account) => ("manifest", vec![hex::encode(account.as_bytes())]),
        // The processes of the tests miss no manifest.
        Operation::FetchManifests(..) => ("manifests", Vec::new()),
        Operation::FetchBundles(account, devices) => {
            let devices = devices.iter().map(|device| device.as_u32().to_string());
            ("bundles", core::iter::once(hex::encode(account.as_bytes())).chain(devices).collect())
        }
        // The processes of the tests link nothing.
        Operation::FetchBox(_) | Operation::AppendBox(..) => ("box", Vec::new()),
        Operation::Submit(submission) => {
            let devices = submission.devices.iter().map(|device| hex::encode(device.to_bytes())).collect::<Vec<_>>();
            let pairs = submission.envelopes.iter();
            let pairs = pairs.flat_map(|one| [hex::encode(one.to.to_bytes()), hex::encode(&one.envelope)]);
            let head = [hex::encode(submission.account.as_bytes()), devices.join(",")];
            ("submit", head.into_iter().chain(pairs).collect())
        }
    };
    core::iter::once(name.to_owned()).chain(fields).collect::<Vec<_>>().join(" ")
}

/// The request that a line is; `None` for something else that the process says.
pub fn to_operation(line: &str) -> Option<Operation> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let fields: Vec<&str> = words.collect();
    let bytes = |field: &&str| hex::decode(field).unwrap();
    let account = || AccountId::from_slice(&hex::decode(fields[0]).unwrap()).unwrap();
    Some(match name {
        "publish-manifest" => Operation::PublishManifest(bytes(&fields[0])),
        "publish-prekeys" => Operation::PublishPrekeys(fields.iter().map(bytes).collect()),
        "count" => Operation::CountPrekeys,
        "certificate" => Operation::FetchCertificate,
        "revocations" => Operation::FetchRevocations,
        "manifest" => Operation::FetchManifest(account()),
        "bundles" => {
            let device = |field: &&str| DeviceId::new(field.parse().unwrap()).unwrap();
            Operation::FetchBundles(account(), fields[1..].iter().map(device).collect())
        }
        "submit" => {
            let addressed = |pair: &[&str]| Addressed { to: address(pair[0]), envelope: bytes(&pair[1]) };
            Operation::Submit(Submission {
                account: account(),
                devices: fields[1].split(',').map(address).collect(),
                envelopes: fields[2..].chunks(2).map(addressed).collect(),
            })
        }
        _ => return None,
    })
}

/// An answer as one line.
pub fn answer(response: &Response) -> String {
    let (name, fields): (_, Vec<String>) = match response {
        Response::Done => ("done", Vec::new()),
        Response::Certificate { device, issuer } => ("certificate", vec![hex::encode(device), hex::encode(issuer)]),
        Response::PrekeysLeft { one_time, one_time_kem } => {
            ("left", vec![format!("{one_time:04x}"), format!("{one_time_kem:04x}")])
        }
        Response::Revocations(list) => ("revocations", vec![hex::encode(list)]),
        Response::Manifest(manifest) => ("manifest", vec![hex::encode(manifest)]),
        Response::Bundles(bundles) => ("bundles", bundles.iter().map(hex::encode).collect()),
        Response::Failed | Response::Box(_) | Response::Manifests(_) => ("failed", Vec::new()),
        Response::NotFound => ("unknown", Vec::new()),
    };
    core::iter::once(name.to_owned()).chain(fields).collect::<Vec<_>>().join(" ")
}

/// The answer that a line is.
pub fn to_response(line: &str) -> Response {
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let fields: Vec<Vec<u8>> = words.map(|field| hex::decode(field).unwrap()).collect();
    match name {
        "done" => Response::Done,
        "certificate" => Response::Certificate { device: fields[0].clone(), issuer: fields[1].clone() },
        "revocations" => Response::Revocations(fields[0].clone()),
        "manifest" => Response::Manifest(fields[0].clone()),
        "left" => {
            let number = |field: &Vec<u8>| usize::from(u16::from_be_bytes([field[0], field[1]]));
            Response::PrekeysLeft { one_time: number(&fields[0]), one_time_kem: number(&fields[1]) }
        }
        "bundles" => Response::Bundles(fields),
        "failed" => Response::Failed,
        "unknown" => Response::NotFound,
        other => panic!("no answer: {other}"),
    }
}

/// As `DeviceAddress::to_bytes`, in hexadecimal digits.
pub fn address(text: &str) -> DeviceAddress {
    let bytes = hex::decode(text).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    DeviceAddress {
        account: AccountId::from_slice(&bytes[..16]).unwrap(),
        device: DeviceId::new(number(16)).unwrap(),
        reg: RegNonce::new(number(20)).unwrap(),
    }
}
