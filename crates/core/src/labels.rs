//! The label registry: `docs/protocol.md` B1. Every label has exactly one use.

/// `lbl(s) = u8(len(L)) || L` with `L = "carevow/v1/" || s`, spelled out: the first byte is the length of the rest.
macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $framed:literal,)*) => {
        /// One use of a key, a hash or a signature.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(dead_code, reason = "a label is registered before what it is for is built")]
        pub(crate) enum Label {
            $($(#[$doc])* $name,)*
        }

        impl Label {
            /// `lbl(s)`.
            pub(crate) const fn framed(self) -> &'static [u8] {
                match self {
                    $(Self::$name => $framed,)*
                }
            }

            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

labels! {
    Manifest = b"\x13carevow/v1/manifest",
    DevicePop = b"\x15carevow/v1/device-pop",
    Prekey = b"\x11carevow/v1/prekey",
    Bundle = b"\x11carevow/v1/bundle",
    Transcript = b"\x15carevow/v1/transcript",
    Handshake = b"\x14carevow/v1/handshake",
    Hdr = b"\x0ecarevow/v1/hdr",
    Root = b"\x0fcarevow/v1/root",
    PqLane = b"\x12carevow/v1/pq-lane",
    Msg = b"\x0ecarevow/v1/msg",
    Com = b"\x0ecarevow/v1/com",
    Sealed = b"\x11carevow/v1/sealed",
    EnvRecord = b"\x15carevow/v1/env-record",
    SealedExport = b"\x18carevow/v1/sealed-export",
    SealedAuth = b"\x16carevow/v1/sealed-auth",
    SealedTag = b"\x15carevow/v1/sealed-tag",
    IssuerCert = b"\x16carevow/v1/issuer-cert",
    DeviceCert = b"\x16carevow/v1/device-cert",
    Revocation = b"\x15carevow/v1/revocation",
    Att = b"\x0ecarevow/v1/att",
    AttCom = b"\x12carevow/v1/att-com",
    Safety = b"\x11carevow/v1/safety",
    GroupState = b"\x16carevow/v1/group-state",
    Statement = b"\x14carevow/v1/statement",
    LinkKey = b"\x13carevow/v1/link-key",
    LinkBox = b"\x13carevow/v1/link-box",
    Link = b"\x0fcarevow/v1/link",
    LinkReply = b"\x15carevow/v1/link-reply",
    LinkCode = b"\x14carevow/v1/link-code",
    Conv = b"\x0fcarevow/v1/conv",
    Envelope = b"\x13carevow/v1/envelope",
    OrgDirectory = b"\x18carevow/v1/org-directory",
    OrgKey = b"\x12carevow/v1/org-key",
    Invitation = b"\x15carevow/v1/invitation",
    InviteCommit = b"\x18carevow/v1/invite-commit",
    InviteCode = b"\x16carevow/v1/invite-code",
    Audit = b"\x10carevow/v1/audit",
    AuditHead = b"\x15carevow/v1/audit-head",
    Erasure = b"\x12carevow/v1/erasure",
    History = b"\x12carevow/v1/history",
    /// The relay's challenge (B21): reserved here so that no other signature can ever be one.
    RelayAuth = b"\x15carevow/v1/relay-auth",
    // The store at rest: `docs/store.md`.
    StoreWrap = b"\x15carevow/v1/store-wrap",
    StoreRecords = b"\x18carevow/v1/store-records",
    StoreLookup = b"\x17carevow/v1/store-lookup",
    StoreSet = b"\x14carevow/v1/store-set",
    StoreHeader = b"\x17carevow/v1/store-header",
    StoreKey = b"\x14carevow/v1/store-key",
    StoreParent = b"\x17carevow/v1/store-parent",
    StoreRow = b"\x14carevow/v1/store-row",
    StoreInSet = b"\x17carevow/v1/store-in-set",
    StoreBucket = b"\x17carevow/v1/store-bucket",
    StoreHead = b"\x15carevow/v1/store-head",
    StoreSealedKey = b"\x1bcarevow/v1/store-sealed-key",
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn each_label_begins_with_its_length() {
        for label in Label::ALL {
            let (length, text) = label.framed().split_first().unwrap();
            assert_eq!(usize::from(*length), text.len(), "{label:?}");
            assert!(text.starts_with(b"carevow/v1/"), "{label:?}");
        }
    }

    #[test]
    fn no_label_is_the_beginning_of_another() {
        for (i, one) in Label::ALL.iter().enumerate() {
            for (j, other) in Label::ALL.iter().enumerate() {
                assert!(i == j || !other.framed().starts_with(one.framed()), "{one:?} {other:?}");
            }
        }
        assert_eq!(Label::ALL.len(), 53);
    }
}
