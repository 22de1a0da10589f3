"""B19, B20: audit chain, erasure, history, consent."""
from . import wire, identity as idn
from .primitives import *
from .wire import need
from .errors import Rejected


def audit_next(h, entry_bytes): return HASH("audit", h + LP(entry_bytes))


def open_entry(b):
    e = wire.decode("AuditEntry", b)
    for f in ("actor_account", "conversation_id", "patient_account"):
        need(len(e[f]) in (0, 16))
    need(all(len(s) == 16 for s in e["subject_ids"]))
    need(len(e["note"].encode()) <= 256 and 1 <= e["event"] <= 18 and 1 <= e["outcome"] <= 3)
    need(e["actor_device"] <= idn.ID_MAX and bool(e["actor_account"]) == bool(e["actor_device"]))
    if e["event"] == 18:
        need(len(e["prune_h"]) == 32 and e["prune_seq"] >= 1)
    else:
        need(e["prune_seq"] == 0 and not e["prune_h"])
    return e


class AuditBad(Rejected):
    def __init__(self, seq, why):
        super().__init__(f"{seq}: {why}")
        self.seq = seq


def verify_chain(entries, heads):
    """B19.1 rules 4 and 6. entries: [(bytes, stored h or None)], heads: [(seq, h)]. -> (seq, h); AuditBad otherwise."""
    heads = dict(heads)
    seq, h, matched = 0, Z32, 0          # matched: the last head that agreed; below it nothing is in doubt
    parsed, states = [], {}
    for b, hh in entries:
        try:
            parsed.append((open_entry(b), b, hh))
        except Rejected:
            parsed.append((None, b, hh))
    if parsed and parsed[0][0] is not None and parsed[0][0]["seq"] > 1:
        first = parsed[0][0]["seq"]
        here = (p for p, _, _ in parsed if p and p["event"] == 18 and p["prune_seq"] == first - 1)
        prune = next(here, None) if first - 1 in heads else None
        if prune is None:
            ks = [p["prune_seq"] for p, _, _ in parsed if p and p["event"] == 18 and p["prune_seq"] < first - 1]
            raise AuditBad(max(ks, default=0) + 1, "Prune")
        seq, h = prune["prune_seq"], prune["prune_h"]
        if seq in heads and heads[seq] != h:
            raise AuditBad(seq, "Head")
    for e, b, hh in parsed:
        if e is None:
            raise AuditBad(seq + 1, "Entry")
        if e["seq"] != seq + 1:
            raise AuditBad(seq + 1, "Missing")
        before, seq, h = (seq, h), seq + 1, audit_next(h, b)
        states[before[0]] = before[1]
        if e["event"] == 18 and (e["prune_seq"] >= seq or states.get(e["prune_seq"], e["prune_h"]) != e["prune_h"]):
            raise AuditBad(seq, "Prune")
        if hh is not None and hh != h:
            raise AuditBad(seq, "Hash")
        if seq in heads:
            if heads[seq] != h:
                raise AuditBad(matched + 1, "Head")
            matched = seq
    if any(s > seq for s in heads):
        raise AuditBad(seq + 1, "Missing")
    return seq, h


def audit_head(dev, store_id, seq, h, at_ms, org_id=b""):
    return idn.sign_object(dev.dsk_seed, "audit-head", "AuditHead", {
        "store_id": store_id, "account_id": dev.account, "device_id": dev.device_id, "seq": seq, "h": h, "at_ms": at_ms,
        "org_id": org_id})


def erasure(dev, **f): return idn.sign_object(dev.dsk_seed, "erasure", "ErasureCertificate", f)


def history_file(items): return b"".join(LP(wire.encode("HistoryItem", i)) for i in items)


def history_grant(dev, items, conversation_id, to_account, from_ms, to_ms, reason, at_ms):
    f = history_file(items)
    return f, idn.sign_object(dev.dsk_seed, "history", "HistoryGrant", {
        "conversation_id": conversation_id, "from_account": dev.account, "to_account": to_account, "from_ms": from_ms,
        "to_ms": to_ms, "reason": reason, "count": len(items), "sha256": sha256(f), "at_ms": at_ms})


def open_history(signed, file, dsk):
    need(VERIFY(dsk, "history", signed["body"], signed["sig"]), "Signature")
    g = wire.decode("HistoryGrant", signed["body"])
    need(g["reason"] in (1, 2, 3), "Reason")
    need(sha256(file) == g["sha256"], "Digest")
    items, i = [], 0
    while i < len(file):
        need(i + 4 <= len(file))
        n = int.from_bytes(file[i:i + 4], "big")
        need(i + 4 + n <= len(file))
        it = wire.decode("HistoryItem", file[i + 4:i + 4 + n], strict=False)
        need(len(it["sender_account"]) == 16 and 1 <= it["sender_device"] <= idn.ID_MAX and 0 < len(it["content"]) <= 262_144)
        items.append(it)
        i += 4 + n
    need(len(items) == g["count"], "Count")
    return g, items


def open_consent(body):
    c = wire.decode("Consent", body)
    need(len(c["consent_id"]) == 16 and len(c["text_sha256"]) == 32 and len(c["patient_account"]) == 16)
    need(c["channel"] in (1, 2, 3), "Channel")
    return c
