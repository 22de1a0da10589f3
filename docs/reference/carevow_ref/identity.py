"""B2: accounts, manifests, certificates, revocation lists."""
from dataclasses import dataclass
from . import wire
from .primitives import *
from .wire import need
from .errors import Rejected, UnsupportedVersion, Rollback, Fork, ClockSkew, Held

ID_MAX = 2**31 - 1


def address(account, device, reg): return account + u32(device) + u32(reg)


@dataclass
class Device:
    """A registration with its private seeds (own) or public keys only (seeds None). Keys are raw."""
    account: bytes
    device_id: int
    reg_nonce: int
    aik: bytes = None
    dsk: bytes = None
    ddk: bytes = None
    aik_seed: bytes = None
    dsk_seed: bytes = None
    ddk_seed: bytes = None

    @staticmethod
    def from_seeds(account, device_id, reg_nonce, aik_seed, dsk_seed, ddk_seed, aik=None):
        return Device(account, device_id, reg_nonce, ed_pub(aik_seed) if aik_seed else aik, ed_pub(dsk_seed),
                      x25519_pub(ddk_seed), aik_seed, dsk_seed, ddk_seed)

    def id_x(self):
        """ID_X of B7.2, 123 bytes."""
        return (address(self.account, self.device_id, self.reg_nonce) + tagged(ED, self.aik) + tagged(ED, self.dsk)
                + tagged(X, self.ddk))


# Signed (B1.2)
def sign_object(seed, label, name, msg):
    body = wire.encode(name, msg)
    return {"body": body, "sig": SIGN(seed, label, body)}


def _key(tag, b):
    try:
        return parse_key(tag, b)
    except Rejected as e:
        raise Rejected("Field") from e


def open_body(name, signed, limit=None):
    """Strict decode of a signed object's body. Version first is the caller's affair (versions are in the body)."""
    need(len(signed["sig"]) == 64)
    m = wire.decode(name, signed["body"], limit=limit)
    if "version" in m and m["version"] != 1:
        raise UnsupportedVersion(name)
    if "ext" in m:
        wire.check_ext(m["ext"])
    return m


def check_device_ids(m):
    need(1 <= m["device_id"] <= ID_MAX)
    need(m["reg_nonce"] != 0)


# B2.2 manifest
def pop_message(account, device_id, reg, aik, ddk):
    return address(account, device_id, reg) + tagged(ED, aik) + tagged(X, ddk)


def make_pop(dev, aik=None):
    return SIGN(dev.dsk_seed, "device-pop", pop_message(dev.account, dev.device_id, dev.reg_nonce, aik or dev.aik, dev.ddk))


def device_entry(dev, kind, added_at_ms, pop=None):
    return {"device_id": dev.device_id, "reg_nonce": dev.reg_nonce, "dsk": tagged(ED, dev.dsk), "ddk": tagged(X, dev.ddk),
            "added_at_ms": added_at_ms, "kind": kind, "pop": pop or make_pop(dev)}


def make_manifest(aik_seed, account, seq, prev_hash, issued, expires, entries, next_aik=b"", ext=()):
    m = {"version": 1, "account_id": account, "aik": tagged(ED, ed_pub(aik_seed)), "seq": seq, "prev_hash": prev_hash,
         "issued_at_ms": issued, "expires_at_ms": expires, "devices": entries, "next_aik": next_aik, "ext": list(ext)}
    return sign_object(aik_seed, "manifest", "DeviceManifest", m)


def check_entry(e, account, aik):
    check_device_ids(e)
    dsk, _ = _key(ED, e["dsk"]), _key(X, e["ddk"])
    need(len(e["pop"]) == 64)
    if not VERIFY(dsk, "device-pop", address(account, e["device_id"], e["reg_nonce"]) + aik + e["ddk"], e["pop"]):
        raise Rejected("ProofOfPossession")


def open_manifest(signed):
    """A valid manifest (B2.2), as dict; Rejected otherwise."""
    m = open_body("DeviceManifest", signed)
    need(len(m["account_id"]) == 16)
    need(len(m["prev_hash"]) == 32)
    aik = _key(ED, m["aik"])
    if m["next_aik"]:
        _key(ED, m["next_aik"])
    need(m["seq"] >= 1, "Chain")
    need(m["seq"] > 1 or m["prev_hash"] == Z32, "Chain")
    need(0 < m["expires_at_ms"] - m["issued_at_ms"] <= 30 * DAY, "Lifetime")
    ids = [e["device_id"] for e in m["devices"]]
    need(1 <= len(ids) <= 16 and all(a < b for a, b in zip(ids, ids[1:])), "Devices")
    if not VERIFY(aik, "manifest", signed["body"], signed["sig"]):
        raise Rejected("Signature")
    for e in m["devices"]:
        check_entry(e, m["account_id"], m["aik"])
    m["hash"] = sha256(signed["body"])
    m["body"] = signed["body"]
    return m


def entry_of(m, device_id):
    return next((e for e in m["devices"] if e["device_id"] == device_id), None)


def judge_manifest(m, pin, predecessors=(), from_directory=True):
    """B2.3 without gap bookkeeping: 'same','adopt','rotated','gap','older','held'; raises Rollback, Fork;
    'other-aik' leaves it to B2.4 rule 5. predecessors: AIKs (tagged) that the chain led away from at most 30 d ago."""
    if m["body"] == pin["body"]:
        return "same"
    nxt = m["seq"] == pin["seq"] + 1 and m["prev_hash"] == pin["hash"]
    if nxt and m["aik"] == pin["aik"]:
        return "adopt"
    if nxt and pin["next_aik"] and m["aik"] == pin["next_aik"]:
        return "rotated"
    announced = m["aik"] == pin["next_aik"]
    if m["aik"] != pin["aik"] and m["aik"] not in predecessors and not announced:
        return "other-aik"
    if m["seq"] < pin["seq"]:
        if from_directory:
            raise Rollback("manifest")
        return "older"
    if m["aik"] in predecessors or m["seq"] <= pin["seq"] + 1:
        raise Fork("manifest")
    return "held" if announced else "gap"


def vouches(cert_aik, aik, pin=None, predecessors=()):
    """B3.3 step 3, B4.5 step 2: the certificate's AIK and the manifest's, all tagged, belong together."""
    known = (pin["aik"], *predecessors) if pin else ()
    return cert_aik == aik or (cert_aik in known and (aik in known or aik == pin["next_aik"]))


# B2.7 certificates
def make_issuer_cert(root_seed, issuer_key, issuer_id, not_before, not_after, max_leaf):
    return sign_object(root_seed, "issuer-cert", "IssuerCert", {
        "version": 1, "issuer_id": issuer_id, "key": tagged(ED, issuer_key), "not_before_ms": not_before,
        "not_after_ms": not_after, "max_leaf_ms": max_leaf})


def make_device_cert(issuer_seed, issuer_id, serial, dev, not_before, not_after, org_id=b"", assurance=0):
    return sign_object(issuer_seed, "device-cert", "DeviceCert", {
        "version": 1, "issuer_id": issuer_id, "serial": serial, "account_id": dev.account, "aik": tagged(ED, dev.aik),
        "device_id": dev.device_id, "reg_nonce": dev.reg_nonce, "dsk": tagged(ED, dev.dsk), "ddk": tagged(X, dev.ddk),
        "not_before_ms": not_before, "not_after_ms": not_after, "org_id": org_id, "assurance": assurance})


def open_certs(device_cert, issuer_cert, roots):
    """Signatures, fields, lifetimes; times and revocation apart. roots: raw Ed25519 keys. -> (leaf, issuer)"""
    i = open_body("IssuerCert", issuer_cert)
    ikey = _key(ED, i["key"])
    ok = False
    for r in roots:
        ok |= VERIFY(r, "issuer-cert", issuer_cert["body"], issuer_cert["sig"])
    if not ok:
        raise Rejected("Signature")
    need(0 < i["not_after_ms"] - i["not_before_ms"] <= 366 * DAY, "Lifetime")
    d = open_body("DeviceCert", device_cert)
    need(len(d["serial"]) == 16 and len(d["account_id"]) == 16 and len(d["org_id"]) in (0, 16))
    check_device_ids(d)
    _key(ED, d["aik"]), _key(ED, d["dsk"]), _key(X, d["ddk"])
    if not VERIFY(ikey, "device-cert", device_cert["body"], device_cert["sig"]):
        raise Rejected("Signature")
    need(d["issuer_id"] == i["issuer_id"], "Issuer")
    need(0 < d["not_after_ms"] - d["not_before_ms"] <= min(i["max_leaf_ms"], DAY), "Lifetime")
    return d, i


def validation_time(s, now):
    return min(max(s, max(0, now - 30 * DAY)), min(now + 5 * MINUTE, 2**64 - 1))


def judge_times(d, i, s, now):
    """Rejected or ClockSkew."""
    def holds(x):
        return all(c["not_before_ms"] <= x < c["not_after_ms"] for c in (d, i))
    t = validation_time(s, now)
    if not holds(s):
        raise Rejected("Invalid")
    if not holds(t):
        raise ClockSkew("certificate")


def cert_device(d):
    return Device(d["account_id"], d["device_id"], d["reg_nonce"], d["aik"][1:], d["dsk"][1:], d["ddk"][1:])


# Revocation
def make_revocation_list(root_seed, seq, issued, next_update, issuer_ids=(), serials=(), devices=()):
    return sign_object(root_seed, "revocation", "RevocationList", {
        "version": 1, "seq": seq, "issued_at_ms": issued, "next_update_ms": next_update, "issuer_ids": list(issuer_ids),
        "serials": list(serials), "devices": list(devices)})


def open_revocation_list(signed, roots):
    m = open_body("RevocationList", signed)
    need(all(len(s) == 16 for s in m["serials"]))
    for d in m["devices"]:
        need(len(d["account_id"]) == 16)
        check_device_ids(d)
    ok = False
    for r in roots:
        ok |= VERIFY(r, "revocation", signed["body"], signed["sig"])
    if not ok:
        raise Rejected("Signature")
    m["body"] = signed["body"]
    return m


def judge_revocation_list(m, pin):
    if pin is not None:
        if m["seq"] < pin["seq"]:
            raise Rollback("RevocationList")
        if m["seq"] == pin["seq"] and m["body"] != pin["body"]:
            raise Fork("RevocationFork")
    return m


def list_usable(lst, now): return lst is not None and not now > lst["next_update_ms"] + 7 * DAY


def is_revoked(d, lst):
    return lst is not None and (
        d["issuer_id"] in lst["issuer_ids"] or d["serial"] in lst["serials"]
        or any((r["account_id"], r["device_id"], r["reg_nonce"]) == (d["account_id"], d["device_id"], d["reg_nonce"])
               for r in lst["devices"]))
