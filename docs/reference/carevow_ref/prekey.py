"""B3: prekey records and bundles."""
from . import wire, identity as idn
from .primitives import *
from .wire import need
from .errors import *

SPK, OPK, KEM_ONCE, KEM_LAST, ENV = 0x21, 0x22, 0x23, 0x24, 0x25
KEY_TAG = {SPK: X, OPK: X, KEM_ONCE: EK1024, KEM_LAST: EK1024, ENV: XW}
MAX_LIFE = {SPK: 30 * DAY, OPK: 90 * DAY, KEM_ONCE: 90 * DAY, KEM_LAST: 30 * DAY, ENV: 60 * DAY}
SUITE = 0x0001
RANK = {0x0001: 1}


def public_of(type_, seed):
    if type_ in (SPK, OPK):
        return x25519_pub(seed)
    if type_ == ENV:
        return xwing_pub(seed)
    return KEM1024.keygen(seed)[0]


def make_record(type_, dev, key_id, not_before, not_after, seed):
    """-> SignedRecord dict"""
    rec = (u8(type_) + u8(1) + u16(SUITE) + idn.address(dev.account, dev.device_id, dev.reg_nonce) + u32(key_id)
           + u64(not_before) + u64(not_after) + tagged(KEY_TAG[type_], public_of(type_, seed)))
    return {"record": rec, "sig": SIGN(dev.dsk_seed, "prekey", rec)}


def parse_record(b):
    need(len(b) >= 49, "Malformed")
    t = b[0]
    need(t in KEY_TAG, "Malformed")
    if b[1] != 1 or int.from_bytes(b[2:4], "big") != SUITE:
        raise UnsupportedVersion("record")
    i = lambda a, n: int.from_bytes(b[a:a + n], "big")
    r = {"type": t, "suite": i(2, 2), "account": b[4:20], "device_id": i(20, 4), "reg_nonce": i(24, 4), "key_id": i(28, 4),
         "not_before": i(32, 8), "not_after": i(40, 8), "bytes": b}
    need(1 <= r["device_id"] <= idn.ID_MAX and r["reg_nonce"] != 0, "Malformed")
    try:
        r["key"] = parse_key(KEY_TAG[t], b[48:])
    except Rejected:
        raise Rejected("Malformed")
    if KEY_TAG[t] == X and low_order(r["key"]):
        raise Rejected("LowOrder")
    return r


def check_record(signed, dev, allowed, now):
    """B3.3 step 4. dev: Device with public keys. BundleRejected otherwise."""
    try:
        need(len(signed["sig"]) == 64)
        r = parse_record(signed["record"])
        need(r["type"] in allowed, "slot")
        need(VERIFY(dev.dsk, "prekey", signed["record"], signed["sig"]), "signature")
        need((r["account"], r["device_id"], r["reg_nonce"]) == (dev.account, dev.device_id, dev.reg_nonce), "address")
        need(0 < r["not_after"] - r["not_before"] <= MAX_LIFE[r["type"]], "lifetime")
        need(max(0, r["not_before"] - 5 * MINUTE) <= now < r["not_after"], "time")
        return r
    except CarevowError as e:
        raise BundleRejected(str(e))


def bundle_hash(aik, dsk, ddk, spk_rec, opk_rec, kem_rec):
    """Keys raw; records without signature; opk_rec b"" if absent."""
    return HASH("bundle", tagged(ED, aik) + tagged(ED, dsk) + tagged(X, ddk) + LP(spk_rec) + LP(opk_rec) + LP(kem_rec))


def make_bundle(manifest, device_id, device_cert, issuer_cert, spk, opk, kem, env):
    return wire.encode("PrekeyBundle", {"manifest": manifest, "device_id": device_id, "device_cert": device_cert,
                                        "issuer_cert": issuer_cert, "spk": spk, "opk": opk, "kem": kem, "env": env})


class Bundle:
    """A verified bundle."""


def verify_bundle(b, roots, revocation, now, account, device_id, own=None, pin=None, pin_rank=0, predecessors=()):
    """B3.3. revocation: opened list or None. pin: opened manifest or None. own: own Device."""
    try:
        m = wire.decode("PrekeyBundle", b)
        for f in ("manifest", "device_cert", "issuer_cert", "spk", "kem", "env"):
            need(m[f] is not None, f)
        for name, f in (("DeviceManifest", "manifest"), ("DeviceCert", "device_cert"), ("IssuerCert", "issuer_cert")):
            idn.open_body(name, m[f])
        need(len({parse_record(m[f]["record"])["suite"] for f in ("spk", "opk", "kem", "env") if m[f]}) == 1, "suites")
    except UnsupportedVersion:
        raise
    except CarevowError as e:
        raise BundleRejected(str(e))
    try:
        d, i = idn.open_certs(m["device_cert"], m["issuer_cert"], roots)
        idn.judge_times(d, i, now, now)
        need(not idn.is_revoked(d, revocation), "revoked")
        need(pin is not None or idn.list_usable(revocation, now), "no list")
        need(d["account_id"] == account and d["device_id"] == device_id and m["device_id"] == device_id, "target")
        man = idn.open_manifest(m["manifest"])
        need(man["account_id"] == d["account_id"] and idn.vouches(d["aik"], man["aik"], pin, predecessors), "manifest")
    except CarevowError as e:
        raise BundleRejected(str(e))
    result = "first"
    if pin is not None:
        try:
            result = idn.judge_manifest(man, pin, predecessors)
        except Fork as e:
            raise BundleRejected(str(e))
        if result == "other-aik":
            raise UntrustedIdentity("AIK")
    try:
        need(result != "held", "the manifests between come first")
        need(now < man["expires_at_ms"], "expired")
        e = idn.entry_of(man, device_id)
        need(e is not None, "entry")
        need((e["reg_nonce"], e["dsk"], e["ddk"]) == (d["reg_nonce"], d["dsk"], d["ddk"]), "entry keys")
        need(not low_order(e["ddk"][1:]), "ddk")
    except CarevowError as x:
        raise BundleRejected(str(x))
    r = Bundle()
    r.device = idn.cert_device(d)
    r.spk = check_record(m["spk"], r.device, {SPK}, now)
    r.opk = check_record(m["opk"], r.device, {OPK}, now) if m["opk"] is not None else None
    r.kem = check_record(m["kem"], r.device, {KEM_ONCE, KEM_LAST}, now)
    r.env = check_record(m["env"], r.device, {ENV}, now)
    rank = RANK[r.spk["suite"]]
    if rank < pin_rank:
        raise DowngradeRejected("suite")
    if own and (own.account, own.device_id) == (account, device_id):
        raise InvalidInput("own")
    r.rank, r.manifest, r.manifest_result, r.cert = rank, man, result, d
    r.bundle_hash = bundle_hash(r.device.aik, r.device.dsk, r.device.ddk, r.spk["bytes"],
                                r.opk["bytes"] if r.opk else b"", r.kem["bytes"])
    r.last_resort = r.kem["type"] == KEM_LAST
    return r


def select_env_keys(env_keys, hint):
    """env_keys: {key_id: (seed, record)} newest last -> list in the order of B7.2 step 2."""
    newest = list(reversed(list(env_keys.items())))
    return [k for k in newest if k[0] & 0xFF == hint] + [k for k in newest if k[0] & 0xFF != hint]
