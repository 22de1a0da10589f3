//! Attachments: `docs/protocol.md` B10.

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::node::{Fields, Node, fields};
use super::script::ScriptedRng;
use crate::attachment::{Attachment, Labels, Purpose, seal_bytes};
use crate::labels::Label;
use crate::primitives::aead::AeadKey;
use crate::primitives::kdf;
use crate::wire::v1;

pub(super) fn area() -> Area {
    let mut area = Area::new("attachment");
    let short = sealed(&mut area, "short file", b"%PDF short", Purpose::Message);
    sealed(&mut area, "empty file", b"", Purpose::Avatar);
    sealed(&mut area, "1 025 bytes", &[0x5a; 1_025], Purpose::History);
    sealed(&mut area, "two chunks", &[0x33; 65_537], Purpose::Message);
    refused(&mut area, &short);
    refused_plaintexts(&mut area);
    area
}

/// A descriptor and its blob.
struct Sealed {
    descriptor: v1::AttachmentMsg,
    blob: Vec<u8>,
}

fn sealed(area: &mut Area, name: &str, file: &[u8], purpose: Purpose) -> Sealed {
    let mut rng = ScriptedRng::named(&format!("attachment {name}"));
    let (made, blob) = seal_bytes(purpose, file, &mut rng).unwrap();
    let key = rng.into_draws().concat();
    let descriptor = Attachment::new(made, Labels::default()).to_wire();
    let okm = stream(&key, purpose);
    let repeated = file.len() > 2_000;
    let input = fields! {
        "ak" => &key,
        "purpose" => u32::from(purpose.as_u16()),
        "file" => if repeated { Node::Absent } else { file.into() },
        "file_is" => repeated.then(|| fields! { "byte" => u32::from(file[0]), "times" => file.len() }),
    };
    let output = fields! {
        "k" => &okm[..32], "prefix" => &okm[32..39], "kcom" => &okm[39..], "header" => &blob[..40],
        "padded_size" => descriptor.padded_size, "blob_size" => blob.len(), "blob_id" => &descriptor.blob_id,
        "sha256" => &descriptor.sha256,
        "blob" => (!repeated).then(|| blob.clone()),
        "last_chunk" => repeated.then(|| blob[40 + 65_552..].to_vec()),
    };
    let comment = "A file of one repeated byte is written as `file_is`; of its blob only the last chunk is given.";
    area.gives(name, comment, input, output);
    Sealed { descriptor, blob }
}

fn stream(key: &[u8], purpose: Purpose) -> [u8; 71] {
    *kdf::kdf::<71>(&[0; 32], &[key], Label::Att, &[&purpose.as_u16().to_be_bytes()])
}

fn judge(area: &mut Area, name: &str, comment: &str, descriptor: &v1::AttachmentMsg, blob: &[u8], wanted: Purpose) {
    let input = fields! {
        "descriptor" => described(descriptor), "wanted_purpose" => u32::from(wanted.as_u16()), "blob" => blob,
    };
    let result = Attachment::parse(descriptor.clone(), wanted).and_then(|attachment| {
        let mut quarantine = Vec::new();
        attachment.open(&mut &blob[..], &mut quarantine).map(drop)?;
        Ok(fields! { "file" => quarantine })
    });
    area.judged(format!("open: {name}"), comment, input, result);
}

fn described(descriptor: &v1::AttachmentMsg) -> Fields {
    fields! {
        "blob_id" => &descriptor.blob_id, "key" => &descriptor.key, "size" => descriptor.size,
        "padded_size" => descriptor.padded_size, "sha256" => &descriptor.sha256, "purpose" => descriptor.purpose,
    }
}

fn refused(area: &mut Area, honest: &Sealed) {
    let Sealed { descriptor, blob } = honest;
    let named = |blob: &[u8]| v1::AttachmentMsg { blob_id: kdf::sha256(&[blob]).to_vec(), ..descriptor.clone() };
    let edited = |edit: fn(&mut v1::AttachmentMsg)| {
        let mut descriptor = descriptor.clone();
        edit(&mut descriptor);
        descriptor
    };
    let message = Purpose::Message;
    judge(area, "control", "", descriptor, blob, message);
    judge(area, "another purpose wanted", "", descriptor, blob, Purpose::Avatar);
    judge(area, "purpose 4", "", &edited(|d| d.purpose = 4), blob, message);
    judge(
        area,
        "purpose changed in the descriptor",
        "The key is bound to the purpose.",
        &edited(|d| d.purpose = 2),
        blob,
        Purpose::Avatar,
    );
    judge(area, "padded_size not by the formula", "", &edited(|d| d.padded_size += 1), blob, message);
    judge(area, "size above 4 GiB", "", &edited(|d| d.size = (1 << 32) + 1), blob, message);
    judge(area, "key of 31 bytes", "", &edited(|d| d.key.truncate(31)), blob, message);
    judge(area, "another key", "", &edited(|d| d.key[0] ^= 1), blob, message);
    judge(area, "another sha256", "", &edited(|d| d.sha256[0] ^= 1), blob, message);
    judge(area, "another blob_id", "", &edited(|d| d.blob_id[0] ^= 1), blob, message);
    let comment = "blob_id fits what is given.";
    for (name, blob) in [
        ("magic", written(blob, 0, b"CVA2")),
        ("chunk size in the header", written(blob, 5, &[0x11])),
        ("com flipped", flipped(blob, 8)),
        ("chunk flipped", flipped(blob, 40)),
        ("tag flipped", flipped(blob, blob.len() - 1)),
        ("one byte short", cut(blob)),
        ("one byte long", longer(blob)),
        ("header only", blob[..40].to_vec()),
        ("empty", Vec::new()),
    ] {
        judge(area, name, comment, &named(&blob), &blob, message);
    }
}

/// Blobs that somebody with the key made against the rules.
fn refused_plaintexts(area: &mut Area) {
    let file = [0x41; 1_000];
    let padded = [&file[..], &[0; 24]].concat();
    for (name, plaintext, last) in [
        ("control, sealed again", padded.clone(), 1),
        ("padding not zero", written(&padded, 1_023, &[1]), 1),
        ("last flag missing", padded, 0),
    ] {
        let mut rng = ScriptedRng::named("attachment forged");
        let (made, blob) = seal_bytes(Purpose::Message, &file, &mut rng).unwrap();
        let okm = stream(&rng.into_draws().concat(), Purpose::Message);
        let nonce: [u8; 12] = [&okm[32..39], &[0, 0, 0, 0, last]].concat().try_into().unwrap();
        let chunk = AeadKey::new(okm[..32].try_into().unwrap()).seal(&nonce, &blob[..40], &plaintext).unwrap();
        let forged = [&blob[..40], &chunk].concat();
        let descriptor = v1::AttachmentMsg {
            blob_id: kdf::sha256(&[&forged]).to_vec(),
            ..Attachment::new(made, Labels::default()).to_wire()
        };
        judge(area, name, "Made with the right key.", &descriptor, &forged, Purpose::Message);
    }
}
