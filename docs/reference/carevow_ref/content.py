"""B9: content."""
from . import wire, attachment, identity as idn
from .primitives import *
from .wire import need
from .errors import Rejected

USER_VISIBLE = {"text", "fhir", "attachment", "edit", "del", "reaction", "statement", "history"}
BODIES = ["text", "fhir", "attachment", "receipt", "edit", "del", "reaction", "statement", "history", "control", "sync",
          "group_update"]


def pair_id(a, b): return HASH("conv", min(a, b) + max(a, b))[:16]
def digest(content_bytes): return sha256(content_bytes)
def encode(msg): return wire.encode("Content", msg)
def body_of(m): return next((b for b in BODIES if m[b] is not None), None)


def _ids(*xs):
    for x in xs:
        need(len(x) == 16)


def _signed(s, mandatory=True, body="body"):
    if s is None:
        need(not mandatory)
    else:
        need(s[body] and len(s["sig"]) == 64)


def _member(name, m): return next(((f[1], m[f[1]]) for f in wire.SCHEMA[name] if m[f[1]] is not None), None)


def _attachment(a, purpose):
    need(a is not None)
    attachment.check_descriptor(a, purpose)


def _text(t):
    need(len(t["reply_to"]) in (0, 16), "ReplyTo")


def _body_rules(name, b, m):
    if name == "text":
        _text(b)
    elif name == "fhir":
        need(len(b["inline"]) <= 65_536, "Inline")
    elif name == "attachment":
        _attachment(b, 1)
    elif name == "receipt":
        need(b["type"] in (1, 2), "ReceiptType")
        need(b["message_ids"], "MessageIds")
        _ids(*b["message_ids"])
        need(len(b["digests"]) == (len(b["message_ids"]) if b["type"] == 1 else 0), "Digests")
        need(all(len(d) == 32 for d in b["digests"]), "Digests")
    elif name == "edit":
        _ids(b["target"])
        need(b["text"] is not None, "EditText")
        _text(b["text"])
    elif name in ("del", "reaction"):
        need(len(b["target"]) == 16, "Target")
    elif name == "statement":
        need(b["body"], "Body")
        need(len(b["sig"]) == 64)
        need(1 <= b["kind"] <= 5, "StatementKind")
        for f in ("device_cert", "issuer_cert", "manifest"):
            _signed(b[f])
    elif name == "history":
        _signed(b["grant"])
        _attachment(b["archive"], 3)
    elif name == "control":
        k, v = _member("Control", b)
        if k == "retry":
            need(len(v["failed_sid"]) in (0, 32))
        elif k == "refresh":
            need(len(v["new_sid"]) == 32)
        elif k == "sender_info":
            _signed(v["device_cert"]), _signed(v["issuer_cert"]), _signed(v["manifest"], False)
            _signed(v["env"], False, "record")
        elif k == "invitation":
            from .invitation import check_use
            check_use(v)
        elif k == "delivery_token":
            need(len(v) == 16)
        elif k == "audit_head":
            _signed(v)
        elif k == "emergency":
            _ids(v["conversation_id"])
    elif name == "sync":
        k, v = _member("Sync", b)
        if k == "sent":
            need(len(v["peer_account_id"]) in (0, 16))
            inner = parse(v["content"])
            need(inner["body"] != "sync" and (inner["opaque"] or inner["body"] != "control"), "Sync")
            need(all(inner[f] == m[f] for f in ("message_id", "conversation_id", "group")), "Sync")
            need((not v["peer_account_id"]) == (inner["group"] is not None), "Peer")
        elif k in ("receipted", "read"):
            need(v["message_ids"], "MessageIds")
            _ids(*v["message_ids"])
        else:
            need(1 <= v["device_id"] < 2**31 and v["reg_nonce"] != 0 and len(v["pop"]) == 64)
            parse_key(ED, v["aik"])
    elif name == "group_update":
        need(len(b["want_after"]) in (0, 32) and len(b["want"]) in (0, 32))
        for f in ("states", "directories", "manifests"):
            for s in b[f]:
                _signed(s)


def parse(raw):
    """Content reading and the rules of B9 that need nothing else. -> dict with 'body' and 'opaque'; Rejected otherwise."""
    m = wire.decode("Content", raw, strict=False)
    need(len(m["message_id"]) == 16, "MessageId")
    need(len(m["conversation_id"]) == 16, "ConversationId")
    if m["group"] is not None:
        need(len(m["group"]["state_hash"]) == 32, "StateHash")
    b = m["body"] = body_of(m)
    unknown_member = b in ("control", "sync") and _member(b.capitalize(), m[b]) is None
    m["opaque"] = b is None or unknown_member or bool(m["required_features"])
    if m["opaque"]:
        m["user_visible"] = m["seq"] != 0
    else:
        m["user_visible"] = b in USER_VISIBLE
        need((m["seq"] != 0) == m["user_visible"], "Sequence")
        _body_rules(b, m[b], m)
    m["digest"] = digest(raw)
    return m


# SignedStatement
def statement_message(conversation_id, message_id, kind, body): return conversation_id + message_id + u32(kind) + body


def sign_statement(dsk_seed, conversation_id, message_id, kind, body):
    return SIGN(dsk_seed, "statement", statement_message(conversation_id, message_id, kind, body))


def verify_statement(statement, conversation_id, message_id, roots, revocations, received_ms, sender=None, pin=None):
    """B9.1, steps 1 to 5. sender: idn.Device of the session, pin: its account's manifest; None for a third party."""
    need(0 < len(statement["body"]) <= 262_144, "Empty or TooLong")
    need(1 <= statement["kind"] <= 5, "UnknownKind")
    need(all(statement[f] is not None for f in ("device_cert", "issuer_cert", "manifest")), "Incomplete")
    d, i = idn.open_certs(statement["device_cert"], statement["issuer_cert"], roots)
    need(not idn.is_revoked(d, revocations), "Revoked")
    need(all(c["not_before_ms"] <= received_ms < c["not_after_ms"] for c in (d, i)), "Time")
    m = idn.open_manifest(statement["manifest"])
    need(m["account_id"] == d["account_id"] and m["aik"] == d["aik"], "NotListed")
    need(any(all(e[f] == d[f] for f in ("device_id", "reg_nonce", "dsk", "ddk")) for e in m["devices"]), "NotListed")
    signer = idn.cert_device(d)
    if sender is not None:
        need((signer.account, signer.device_id, signer.reg_nonce, signer.dsk, signer.ddk)
             == (sender.account, sender.device_id, sender.reg_nonce, sender.dsk, sender.ddk), "OtherDevice")
        need(pin["account_id"] == signer.account and pin["aik"] == d["aik"], "OtherIdentity")   # no predecessors here
    if not VERIFY(signer.dsk, "statement", statement_message(conversation_id, message_id, statement["kind"], statement["body"]),
                  statement["sig"]):
        raise Rejected("Signature")
    return {"account_id": signer.account, "device_id": signer.device_id, "reg_nonce": signer.reg_nonce,
            "kind": statement["kind"], "body": statement["body"], "digest": sha256(statement["body"])}


def open_export(raw):
    """StatementExport, read strictly; nothing is verified."""
    e = wire.decode("StatementExport", raw)
    need(len(e["conversation_id"]) == 16 and len(e["message_id"]) == 16 and e["statement"] is not None)
    return e
