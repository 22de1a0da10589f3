"""B1.2: protobuf by schema tables, strict and content reading."""
from .errors import Rejected

# field: (number, name, kind, repeated, oneof)   kind: u32 u64 bool bytes string or a message name


class WireError(Rejected):
    code = "rejected"


def F(num, name, kind, rep=False, oneof=None): return (num, name, kind, rep, oneof)


SCHEMA = {
    "Signed": [F(1, "body", "bytes"), F(2, "sig", "bytes")],
    "SignedRecord": [F(1, "record", "bytes"), F(2, "sig", "bytes")],
    "Ext": [F(1, "id", "u32"), F(2, "critical", "bool"), F(3, "data", "bytes")],
    "DeviceEntry": [F(1, "device_id", "u32"), F(2, "reg_nonce", "u32"), F(3, "dsk", "bytes"), F(4, "ddk", "bytes"),
                    F(5, "added_at_ms", "u64"), F(6, "kind", "u32"), F(7, "pop", "bytes")],
    "DeviceManifest": [F(1, "version", "u32"), F(2, "account_id", "bytes"), F(3, "aik", "bytes"), F(4, "seq", "u64"),
                       F(5, "prev_hash", "bytes"), F(6, "issued_at_ms", "u64"), F(7, "expires_at_ms", "u64"),
                       F(8, "devices", "DeviceEntry", True), F(9, "next_aik", "bytes"), F(100, "ext", "Ext", True)],
    "LinkGrant": [F(1, "device_id", "u32"), F(2, "manifest", "Signed")],
    "IssuerCert": [F(1, "version", "u32"), F(2, "issuer_id", "u32"), F(3, "key", "bytes"), F(4, "not_before_ms", "u64"),
                   F(5, "not_after_ms", "u64"), F(6, "max_leaf_ms", "u32"), F(100, "ext", "Ext", True)],
    "DeviceCert": [F(1, "version", "u32"), F(2, "issuer_id", "u32"), F(3, "serial", "bytes"), F(4, "account_id", "bytes"),
                   F(5, "aik", "bytes"), F(6, "device_id", "u32"), F(7, "reg_nonce", "u32"), F(8, "dsk", "bytes"),
                   F(9, "ddk", "bytes"), F(10, "not_before_ms", "u64"), F(11, "not_after_ms", "u64"),
                   F(12, "org_id", "bytes"), F(13, "assurance", "u32"), F(100, "ext", "Ext", True)],
    "RevokedDevice": [F(1, "account_id", "bytes"), F(2, "device_id", "u32"), F(3, "reg_nonce", "u32")],
    "RevocationList": [F(1, "version", "u32"), F(2, "seq", "u64"), F(3, "issued_at_ms", "u64"), F(4, "next_update_ms", "u64"),
                       F(5, "issuer_ids", "u32", True), F(6, "serials", "bytes", True),
                       F(7, "devices", "RevokedDevice", True), F(100, "ext", "Ext", True)],
    "PrekeyBundle": [F(1, "manifest", "Signed"), F(2, "device_id", "u32"), F(3, "device_cert", "Signed"),
                     F(4, "issuer_cert", "Signed"), F(5, "spk", "SignedRecord"), F(6, "opk", "SignedRecord"),
                     F(7, "kem", "SignedRecord"), F(8, "env", "SignedRecord")],
    "SealedContent": [F(1, "kind", "u32"), F(2, "device_cert", "Signed"), F(3, "issuer_cert", "Signed"),
                      F(4, "inner", "bytes"), F(5, "manifest", "Signed")],
    # B5
    "SessionState": [F(1, "format", "u32"), F(2, "sid", "bytes"), F(3, "role", "u32"), F(4, "generation", "u32"),
                     F(5, "peer", "PeerDevice"), F(6, "root_key", "bytes"), F(7, "dh_private", "bytes"),
                     F(8, "dh_remote", "bytes"), F(9, "sending", "ChainState"), F(10, "next_send_header_key", "bytes"),
                     F(11, "previous_count", "u32"), F(12, "receiving", "ChainState"),
                     F(13, "next_receive_header_key", "bytes"), F(14, "need_send_step", "bool"),
                     F(15, "skipped", "SkippedChain", True), F(16, "own_lane", "OwnLaneState"),
                     F(17, "peer_lane", "PeerLaneState"), F(18, "init_header", "bytes"), F(19, "confirmed_at_ms", "u64"),
                     F(20, "unanswered", "Tally"), F(21, "unacknowledged", "Tally"),
                     F(22, "certificate_seen_until_ms", "u64"), F(23, "sender_info_sent_at_ms", "u64"),
                     F(24, "created_at_ms", "u64"), F(25, "last_progress_ms", "u64"), F(26, "state_seq", "u64")],
    "PeerDevice": [F(1, "account_id", "bytes"), F(2, "device_id", "u32"), F(3, "reg_nonce", "u32"), F(4, "aik", "bytes"),
                   F(5, "dsk", "bytes"), F(6, "ddk", "bytes")],
    "ChainState": [F(1, "header_key", "bytes"), F(2, "chain_key", "bytes"), F(3, "n", "u32"), F(4, "dh_public", "bytes"),
                   F(5, "mix_epoch", "u32")],
    "SkippedChain": [F(1, "header_key", "bytes"), F(2, "keys", "SkippedKey", True)],
    "SkippedKey": [F(1, "n", "u32"), F(2, "message_key", "bytes"), F(3, "stored_at_ms", "u64")],
    "OwnLaneState": [F(1, "phase", "u32"), F(2, "epoch", "u32"), F(3, "seed", "bytes"), F(4, "secret", "bytes"),
                     F(5, "messages", "u32"), F(6, "mixed_at_ms", "u64"), F(7, "since_attached", "u32")],
    "PeerLaneState": [F(1, "phase", "u32"), F(2, "epoch", "u32"), F(3, "ek", "bytes"), F(4, "ek_hash", "bytes"),
                      F(5, "ct", "bytes"), F(6, "secret", "bytes"), F(7, "since_attached", "u32")],
    "Tally": [F(1, "count", "u32"), F(2, "since_ms", "u64")],
    # B9
    "Content": [F(1, "message_id", "bytes"), F(2, "sent_at_ms", "u64"), F(3, "conversation_id", "bytes"),
                F(4, "group", "GroupContext"), F(5, "required_features", "u32", True), F(6, "retention", "Retention"),
                F(8, "seq", "u64"), F(10, "text", "Text", oneof="body"), F(11, "fhir", "ClinicalRef", oneof="body"),
                F(12, "attachment", "AttachmentMsg", oneof="body"), F(13, "receipt", "Receipt", oneof="body"),
                F(14, "edit", "Edit", oneof="body"), F(15, "del", "Delete", oneof="body"),
                F(16, "reaction", "Reaction", oneof="body"), F(17, "statement", "SignedStatement", oneof="body"),
                F(18, "history", "HistoryOffer", oneof="body"), F(20, "control", "Control", oneof="body"),
                F(21, "sync", "Sync", oneof="body"), F(22, "group_update", "GroupUpdate", oneof="body")],
    "GroupContext": [F(1, "state_hash", "bytes")],
    "Retention": [F(2, "keep_until_ms", "u64"), F(3, "delete_after_read_ms", "u64")],
    "Text": [F(1, "text", "string"), F(2, "reply_to", "bytes")],
    "ClinicalRef": [F(1, "resource_type", "string"), F(2, "reference", "string"), F(3, "inline", "bytes"),
                    F(4, "inline_type", "string"), F(5, "display", "string")],
    "AttachmentMsg": [F(1, "blob_id", "bytes"), F(2, "key", "bytes"), F(3, "size", "u64"), F(4, "padded_size", "u64"),
                      F(5, "content_type", "string"), F(6, "filename", "string"), F(7, "sha256", "bytes"),
                      F(8, "purpose", "u32"), F(9, "caption", "string")],
    "Edit": [F(1, "target", "bytes"), F(2, "text", "Text")],
    "Delete": [F(1, "target", "bytes"), F(2, "reason", "u32")],
    "Reaction": [F(1, "target", "bytes"), F(2, "emoji", "string"), F(3, "remove", "bool")],
    "Receipt": [F(1, "type", "u32"), F(2, "message_ids", "bytes", True), F(3, "digests", "bytes", True), F(4, "at_ms", "u64")],
    "SenderInfo": [F(1, "device_cert", "Signed"), F(2, "issuer_cert", "Signed"), F(3, "manifest", "Signed"),
                   F(4, "env", "SignedRecord")],
    "Control": [F(1, "retry", "RetryRequest", oneof="c"), F(2, "refresh", "SessionRefresh", oneof="c"),
                F(4, "sender_info", "SenderInfo", oneof="c"), F(5, "invitation", "InvitationUse", oneof="c"),
                F(6, "delivery_token", "bytes", oneof="c"), F(7, "audit_head", "Signed", oneof="c"),
                F(8, "emergency", "Emergency", oneof="c")],
    "Emergency": [F(1, "conversation_id", "bytes"), F(2, "at_ms", "u64"), F(3, "reason", "u32")],
    "RetryRequest": [F(1, "failed_sid", "bytes")],
    "SessionRefresh": [F(1, "new_sid", "bytes")],
    "InvitationUse": [F(1, "token", "bytes"), F(2, "display_name", "string"), F(3, "commit", "bytes"), F(4, "nonce", "bytes")],
    "Sync": [F(1, "sent", "SyncSent", oneof="s"), F(2, "receipted", "SyncIds", oneof="s"),
             F(3, "read", "SyncIds", oneof="s"), F(4, "pop", "DevicePop", oneof="s")],
    "DevicePop": [F(1, "device_id", "u32"), F(2, "reg_nonce", "u32"), F(3, "aik", "bytes"), F(4, "pop", "bytes")],
    "SyncSent": [F(1, "peer_account_id", "bytes"), F(2, "content", "bytes")],
    "SyncIds": [F(1, "message_ids", "bytes", True), F(2, "at_ms", "u64")],
    "GroupUpdate": [F(1, "states", "Signed", True), F(2, "want_after", "bytes"), F(3, "directories", "Signed", True),
                    F(4, "leave", "bool"), F(5, "manifests", "Signed", True), F(6, "want", "bytes")],
    "SignedStatement": [F(1, "body", "bytes"), F(2, "sig", "bytes"), F(3, "kind", "u32"), F(4, "device_cert", "Signed"),
                        F(5, "issuer_cert", "Signed"), F(6, "manifest", "Signed")],
    "StatementExport": [F(1, "conversation_id", "bytes"), F(2, "message_id", "bytes"), F(3, "statement", "SignedStatement")],
    "HistoryOffer": [F(1, "grant", "Signed"), F(2, "archive", "AttachmentMsg")],
    # B18, at rest
    "InvitationState": [F(1, "format", "u32"), F(2, "phase", "u32"), F(3, "org_id", "bytes"), F(4, "org_key_hash", "bytes"),
                        F(5, "account_id", "bytes"), F(6, "expires_ms", "u64"), F(7, "relay", "bytes"),
                        F(8, "succeeds", "bytes"), F(9, "history_from_ms", "u64"), F(10, "sids", "bytes", True),
                        F(11, "commit", "bytes"), F(12, "nonce", "bytes"), F(13, "code", "bytes"), F(14, "token", "bytes")],
    # B12.8
    "DeviceSessionsState": [F(1, "format", "u32"), F(2, "active", "PlacedSession"), F(3, "archived", "PlacedSession", True),
                            F(4, "low", "PlacedSession"), F(5, "highest_generation", "u32"), F(6, "highest_sid", "bytes"),
                            F(15, "complete", "u32")],
    "PlacedSession": [F(1, "sid", "bytes"), F(2, "generation", "u32"), F(3, "made", "u32"), F(4, "confirmed_at_ms", "u64"),
                      F(5, "created_at_ms", "u64"), F(6, "archived_at_ms", "u64")],
    "SeenState": [F(1, "format", "u32"), F(2, "inits", "SeenInit", True), F(15, "complete", "u32")],
    "SeenInit": [F(1, "sid", "bytes"), F(2, "spk_id", "u32"), F(3, "kem_id", "u32")],
    "DailyCountState": [F(1, "format", "u32"), F(2, "day", "u64"), F(3, "count", "u32"), F(15, "complete", "u32")],
    "SecondRateState": [F(1, "format", "u32"), F(2, "began_ms", "u64"), F(3, "count", "u32"), F(15, "complete", "u32")],
    "HourlyRateState": [F(1, "format", "u32"), F(2, "at_ms", "u64", True), F(15, "complete", "u32")],
    "AcknowledgementState": [F(1, "format", "u32"), F(2, "sent_before", "bool"), F(3, "received", "u32"),
                             F(4, "has_content", "bool"), F(5, "content_at_ms", "u64"), F(6, "due", "bool"),
                             F(7, "due_at_ms", "u64"), F(8, "on_archived", "bool"), F(15, "complete", "u32")],
    "AccountTrafficState": [F(1, "format", "u32"), F(2, "contents", "u32"), F(3, "arrived", "bool"),
                            F(4, "arrived_at_ms", "u64"), F(15, "complete", "u32")],
    "SafetyQr": [F(1, "version", "u32"), F(2, "local", "bytes"), F(3, "remote", "bytes")],
    # B13
    "GroupState": [F(1, "version", "u32"), F(2, "group_id", "bytes"), F(3, "epoch", "u64"), F(4, "prev_hash", "bytes"),
                   F(5, "members", "Member", True), F(6, "actor_account", "bytes"), F(7, "actor_device", "u32"),
                   F(8, "at_ms", "u64"), F(9, "title", "string"), F(10, "policy", "GroupPolicy"), F(11, "org_id", "bytes"),
                   F(100, "ext", "Ext", True)],
    "Member": [F(1, "account_id", "bytes"), F(2, "aik", "bytes"), F(3, "role", "u32")],
    "GroupPolicy": [F(1, "class", "u32"), F(2, "keep_at_least_ms", "u64"), F(3, "expire_after_ms", "u64"),
                    F(4, "allow_export", "bool"), F(5, "allow_previews", "bool"), F(6, "padding_profile", "u32")],
    # B17
    "OrgDirectory": [F(1, "version", "u32"), F(2, "org_id", "bytes"), F(3, "org_key", "bytes"), F(4, "seq", "u64"),
                     F(5, "prev_hash", "bytes"), F(6, "issued_at_ms", "u64"), F(7, "expires_at_ms", "u64"),
                     F(8, "display_name", "string"), F(9, "members", "OrgMember", True), F(10, "next_org_key", "bytes"),
                     F(100, "ext", "Ext", True)],
    "OrgMember": [F(1, "account_id", "bytes"), F(2, "aik", "bytes"), F(3, "display_name", "string"), F(4, "roles", "u32", True),
                  F(5, "not_before_ms", "u64"), F(6, "not_after_ms", "u64"), F(7, "previous_aiks", "bytes", True)],
    # B19, B20
    "AuditEntry": [F(1, "seq", "u64"), F(2, "at_ms", "u64"), F(3, "server_ts_ms", "u64"), F(4, "actor_account", "bytes"),
                   F(5, "actor_device", "u32"), F(6, "person", "string"), F(7, "event", "u32"),
                   F(8, "conversation_id", "bytes"), F(9, "patient_account", "bytes"), F(10, "subject_ids", "bytes", True),
                   F(11, "outcome", "u32"), F(12, "reason", "u32"), F(13, "note", "string"), F(14, "info_type", "u32"),
                   F(15, "prune_seq", "u64"), F(16, "prune_h", "bytes")],
    "AuditHead": [F(1, "store_id", "bytes"), F(2, "account_id", "bytes"), F(3, "device_id", "u32"), F(4, "seq", "u64"),
                  F(5, "h", "bytes"), F(6, "at_ms", "u64"), F(7, "org_id", "bytes")],
    "ErasureCertificate": [F(1, "store_id", "bytes"), F(2, "conversation_id", "bytes"), F(3, "basis", "u32"),
                           F(4, "at_ms", "u64"), F(5, "key_ids", "bytes", True), F(6, "chain_seq", "u64"),
                           F(7, "kept", "Kept", True), F(8, "earlier_copies", "u32"), F(9, "emergency_shares", "u32")],
    "Kept": [F(1, "what", "u32"), F(2, "reason", "u32"), F(3, "until_ms", "u64")],
    "HistoryItem": [F(1, "sender_account", "bytes"), F(2, "sender_device", "u32"), F(3, "server_ts_ms", "u64"),
                    F(4, "content", "bytes"), F(5, "blob", "AttachmentMsg")],
    "HistoryGrant": [F(1, "conversation_id", "bytes"), F(2, "from_account", "bytes"), F(3, "to_account", "bytes"),
                     F(4, "from_ms", "u64"), F(5, "to_ms", "u64"), F(6, "reason", "u32"), F(7, "count", "u64"),
                     F(8, "sha256", "bytes"), F(9, "at_ms", "u64")],
    "Consent": [F(1, "consent_id", "bytes"), F(2, "scope", "string"), F(3, "text_sha256", "bytes"),
                F(4, "text_version", "string"), F(5, "channel", "u32"), F(6, "given_at_ms", "u64"),
                F(7, "expires_at_ms", "u64"), F(8, "withdrawn_at_ms", "u64"), F(9, "patient_account", "bytes"),
                F(10, "alternative", "string")],
}
SCALARS = {"u32": 0, "u64": 0, "bool": False, "bytes": b"", "string": ""}
LIMIT = {"OrgDirectory": 1_048_576, "StatementExport": 327_680, "Content": 262_144, "HistoryItem": 266_240,
         "Signed": 65_536 + 256, "SignedRecord": 65_536 + 256, "SealedContent": 393_216, "SessionState": 1 << 40,
         "InvitationState": 1 << 40, "DeviceSessionsState": 1 << 40, "SeenState": 1 << 40, "DailyCountState": 1 << 40,
         "SecondRateState": 1 << 40, "HourlyRateState": 1 << 40, "AcknowledgementState": 1 << 40,
         "AccountTrafficState": 1 << 40}
DIRECTORIES = {("GroupUpdate", "directories")}     # where a Signed holds an OrgDirectory


def varint(x):
    out = bytearray()
    while x > 127:
        out.append(x & 127 | 128)
        x >>= 7
    out.append(x)
    return bytes(out)


def encode(name, msg):
    """Canonical encoding. msg: dict; absent message or oneof member: missing key or None."""
    out = bytearray()
    for num, f, kind, rep, oneof in SCHEMA[name]:
        v = msg.get(f)
        if kind in ("u32", "u64", "bool"):
            if rep:
                if v:
                    p = b"".join(varint(int(x)) for x in v)
                    out += varint(num << 3 | 2) + varint(len(p)) + p
            elif v or (oneof and v is not None):
                out += varint(num << 3) + varint(int(v))
            continue
        for x in ((v or []) if rep else [v]):
            if x is None:
                continue
            if kind == "bytes":
                b = bytes(x)
            elif kind == "string":
                b = x.encode("utf-8")
            else:
                b = encode(kind, x)
            if kind in SCALARS and not b and not rep and not oneof:
                continue
            out += varint(num << 3 | 2) + varint(len(b)) + b
    return bytes(out)


def _read_varint(b, i):
    v = s = 0
    for k in range(10):
        if i >= len(b):
            raise WireError("Malformed")
        c = b[i]
        i += 1
        v |= (c & 127) << s
        s += 7
        if not c & 128:
            if v >= 1 << 64:
                raise WireError("Malformed")
            return v, i
    raise WireError("Malformed")


# message kinds that are read strictly also inside content
STRICT_INSIDE = {"Signed", "SignedRecord"}


def _decode(name, b, strict, depth):
    if depth > 16:
        raise WireError("Malformed")
    byNum = {f[0]: f for f in SCHEMA[name]}
    out = {f[1]: ([] if f[3] else (None if f[4] or f[2] not in SCALARS else SCALARS[f[2]])) for f in SCHEMA[name]}
    seen, i = set(), 0
    while i < len(b):
        key, i = _read_varint(b, i)
        if key >= 1 << 32 or key >> 3 == 0:
            raise WireError("Malformed")
        num, wt = key >> 3, key & 7
        if wt == 0:
            val, i = _read_varint(b, i)
        elif wt in (1, 5):
            n = 8 if wt == 1 else 4
            if i + n > len(b):
                raise WireError("Malformed")
            val, i = b[i:i + n], i + n
        elif wt == 2:
            n, i = _read_varint(b, i)
            if i + n > len(b):
                raise WireError("Malformed")
            val, i = b[i:i + n], i + n
        else:
            raise WireError("Malformed")
        if num not in byNum:
            if strict:
                raise WireError("NotCanonical")
            continue
        _, f, kind, rep, oneof = byNum[num]
        isnum = kind in ("u32", "u64", "bool")

        def conv(x):
            if kind == "bool":
                return x != 0
            if kind == "u32":
                if x >= 1 << 32 and strict:
                    raise WireError("NotCanonical")
                return x & 0xFFFFFFFF
            return x
        if rep and isnum:
            if wt == 2:
                j, vals = 0, []
                while j < len(val):
                    x, j = _read_varint(val, j)
                    vals.append(conv(x))
                out[f] += vals
            elif wt == 0 and not strict:
                out[f].append(conv(val))
            else:
                raise WireError("NotCanonical" if wt == 0 else "Malformed")
            continue
        if wt != (0 if isnum else 2):
            raise WireError("Malformed")
        if not rep:
            if (oneof or f) in seen:
                raise WireError("Repeated")
            seen.add(oneof or f)
        if isnum:
            v = conv(val)
        elif kind == "bytes":
            v = bytes(val)
        elif kind == "string":
            try:
                v = val.decode("utf-8")
            except UnicodeDecodeError:
                raise WireError("Malformed")
        elif kind in STRICT_INSIDE:
            limit = 1_048_576 + 256 if (name, f) in DIRECTORIES else LIMIT[kind]
            v = decode(kind, bytes(val), strict=True, limit=limit, depth=depth + 1)
        else:
            v = _decode(kind, bytes(val), strict, depth + 1)
        if rep:
            out[f].append(v)
        else:
            out[f] = v
    return out


def decode(name, b, strict=True, limit=None, depth=1):
    if len(b) > (limit or LIMIT.get(name, 65_536)):
        raise WireError("Malformed")
    m = _decode(name, b, strict, depth)
    if strict and encode(name, m) != b:
        raise WireError("NotCanonical")
    return m


def check_ext(exts):
    """B1.2 extensions: ascending, unique, no unknown critical one (version 1 defines none)."""
    last = None
    for e in exts:
        if last is not None and e["id"] <= last:
            raise Rejected("Extension")
        last = e["id"]
        if e["critical"]:
            raise Rejected("Extension")


def need(cond, why="Field"):
    if not cond:
        raise Rejected(why)
