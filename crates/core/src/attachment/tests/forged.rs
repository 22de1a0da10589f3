//! What the author of a key can still not do, and what its blob is bound to: T99, T100, T101.

use super::*;

#[test]
fn t099_a_changed_header_is_not_what_the_key_commits_to() {
    let file = file(100);
    let (attachment, blob) = sealed(&file, 1);
    for byte in 0..HEADER_BYTES {
        for bit in 0..8 {
            let mut bad = blob.clone();
            bad[byte] ^= 1 << bit;
            let bad_attachment = renamed(&attachment, &bad);
            assert_eq!(
                open(&bad_attachment, &bad).0.unwrap_err(),
                AttachmentError::Commitment,
                "{byte} {bit}"
            );
        }
    }
    assert_eq!(open(&attachment, &blob).0.unwrap(), file);
}

#[test]
fn t099_a_header_that_commits_to_another_form_is_refused() {
    // Whoever knows the key can commit to anything; what is committed to must still be this form and purpose.
    let (attachment, blob) = sealed(&file(100), 1);
    let forged = |change: fn(&mut [u8; 8])| {
        let keys = Forge::new(&attachment, Purpose::Message).keys;
        let mut form = form(Purpose::Message);
        change(&mut form);
        let header = keys.header(&form);
        let padded = [file(100), vec![0; 924]].concat();
        let blob = Forge::with_header(keys, header).chunk(0, Last::Yes, &padded).blob;
        open(&renamed(&attachment, &blob), &blob).0
    };
    assert_eq!(forged(|form| form[0] = b'X').unwrap_err(), AttachmentError::Header);
    assert_eq!(forged(|form| form[4] = 2).unwrap_err(), AttachmentError::Header);
    assert_eq!(forged(|form| form[5] = 0x11).unwrap_err(), AttachmentError::Header);
    let wanted = Purpose::Message;
    assert_eq!(
        forged(|form| form[7] = 2).unwrap_err(),
        AttachmentError::Purpose { wanted }
    );
    assert_eq!(forged(|_| {}).unwrap(), open(&attachment, &blob).0.unwrap());
}

#[test]
fn t100_another_valid_blob_under_the_same_key_is_refused() {
    let (asked, blob) = sealed(b"the picture of Tuesday", 1);
    let (other, other_blob) = sealed(b"the picture of Monday!", 1);
    assert_eq!(asked.file().key.as_bytes(), other.file().key.as_bytes());
    assert_eq!(open(&asked, &other_blob).0.unwrap_err(), AttachmentError::BlobId);
    assert_eq!(asked.open_bytes(&other_blob).unwrap_err(), AttachmentError::BlobId);
    assert_eq!(open(&asked, &blob).0.unwrap(), b"the picture of Tuesday");
}

#[test]
fn t100_another_file_than_the_digest_names_is_refused() {
    let (attachment, blob) = sealed(b"the picture of Tuesday", 1);
    let mut message = attachment.to_wire();
    message.sha256[31] ^= 1;
    let liar = Attachment::parse(message, Purpose::Message).unwrap();
    let (result, quarantine) = open(&liar, &blob);
    assert_eq!(result.unwrap_err(), AttachmentError::Digest);
    assert!(quarantine.dropped);
    assert_eq!(open(&attachment, &blob).0.unwrap(), b"the picture of Tuesday");
}

#[test]
fn t101_the_key_of_an_avatar_opens_no_message_attachment() {
    let (avatar, blob) = sealed_for(Purpose::Avatar, b"face", 1);
    let mut message = avatar.to_wire();
    // Passed off as the attachment of a message.
    message.purpose = 1;
    let passed_off = Attachment::parse(message, Purpose::Message).unwrap();
    assert_eq!(open(&passed_off, &blob).0.unwrap_err(), AttachmentError::Commitment);
    assert_eq!(open(&avatar, &blob).0.unwrap(), b"face");
}

#[test]
fn t101_a_descriptor_for_another_purpose_is_refused() {
    let all = [Purpose::Message, Purpose::Avatar, Purpose::History];
    for purpose in all {
        let (attachment, _) = sealed_for(purpose, b"face", 1);
        for wanted in all {
            let parsed = Attachment::parse(attachment.to_wire(), wanted).map(|parsed| parsed.file().purpose());
            let expected = if purpose == wanted {
                Ok(wanted)
            } else {
                Err(AttachmentError::Purpose { wanted })
            };
            assert_eq!(parsed, expected);
        }
        for unknown in [0, 4, 65_537, u32::MAX] {
            let mut message = attachment.to_wire();
            message.purpose = unknown;
            let error = AttachmentError::Purpose { wanted: purpose };
            assert_eq!(Attachment::parse(message, purpose).unwrap_err(), error);
        }
    }
}

#[test]
fn padding_that_is_not_zero_is_refused() {
    let (attachment, blob) = sealed(b"short", 1);
    for place in [5, 1_023] {
        let mut padded = [b"short".to_vec(), vec![0; 1_019]].concat();
        let forge = || Forge::new(&attachment, Purpose::Message);
        assert_eq!(forge().chunk(0, Last::Yes, &padded).blob, blob);
        padded[place] = 1;
        let bad = forge().chunk(0, Last::Yes, &padded).blob;
        assert_eq!(
            open(&renamed(&attachment, &bad), &bad).0.unwrap_err(),
            AttachmentError::Padding
        );
    }
    assert_eq!(open(&attachment, &blob).0.unwrap(), b"short");
}

#[test]
fn descriptor_fields_of_another_length_are_refused() {
    let (attachment, _) = sealed(b"x", 1);
    let fields: [fn(&mut crate::wire::v1::AttachmentMsg) -> &mut Vec<u8>; 3] = [
        |message| &mut message.key,
        |message| &mut message.blob_id,
        |message| &mut message.sha256,
    ];
    for field in fields {
        for length in [0, 31, 33] {
            let mut message = attachment.to_wire();
            field(&mut message).resize(length, 0);
            assert_eq!(
                Attachment::parse(message, Purpose::Message).unwrap_err(),
                AttachmentError::Descriptor
            );
        }
    }
    assert!(Attachment::parse(attachment.to_wire(), Purpose::Message).is_ok());
}
