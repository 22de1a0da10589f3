"""B4: handshake, both roles."""
from . import ratchet
from .identity import Device, ID_MAX
from .prekey import bundle_hash, KEM_ONCE, KEM_LAST, SPK, OPK
from .primitives import *
from .errors import *

INIT_LEN = 1802


def make_init_header(own, peer, generation, spk_id, opk_id, kem_id, last_resort, bhash, ek_pub, ct):
    """own, peer: Device. opk_id None if no OPK."""
    flags = (1 if opk_id is not None else 0) | (2 if last_resort else 0)
    h = (b"\x31\x01" + u16(1) + u8(flags) + u32(generation) + own.id_x() + peer.account + u32(peer.device_id)
         + u32(peer.reg_nonce) + u32(spk_id) + u32(opk_id or 0) + u32(kem_id) + bhash + tagged(X, ek_pub)
         + tagged(CT1024, ct))
    assert len(h) == INIT_LEN
    return h


def parse_init_header(h):
    if len(h) != INIT_LEN:
        raise DecryptFailed("length")
    if h[:4] != b"\x31\x01\0\1":
        raise UnsupportedVersion("InitHeader")
    i = lambda a: int.from_bytes(h[a:a + 4], "big")
    r = {"flags": h[4], "generation": i(5), "account_b": h[132:148], "device_b": i(148), "reg_b": i(152), "spk_id": i(156),
         "opk_id": i(160), "kem_id": i(164), "bundle_hash": h[168:200]}
    try:
        wrong = (h[4] & ~3 or (not h[4] & 1 and r["opk_id"]) or r["generation"] == 0)
        for d, n in ((i(25), i(29)), (r["device_b"], r["reg_b"])):
            wrong = wrong or not 1 <= d <= ID_MAX or n == 0
        if wrong:
            raise Rejected("field")
        r["a"] = Device(h[9:25], i(25), i(29), parse_key(ED, h[33:66]), parse_key(ED, h[66:99]), parse_key(X, h[99:132]))
        r["ek"] = parse_key(X, h[200:233])
        r["ct"] = parse_key(CT1024, h[233:])
    except Rejected as e:
        raise DecryptFailed(str(e))
    r["opk_used"], r["last_resort"] = bool(h[4] & 1), bool(h[4] & 2)
    return r


def session_id(header): return HASH("transcript", header)


def secrets(sid, ss, dh0, dh1, dh2, dh3, dh4):
    okm = KDF(sid, ss + dh0 + dh1 + dh2 + dh3 + dh4, "handshake", sid, 96)
    return okm


def initiate(own, peer, generation, spk_rec, opk_rec, kem_rec, ek_seed, m, now):
    """own: Device with seeds; peer: Device; *_rec: parsed records (prekey.parse_record), opk_rec may be None.
    -> (state, detail)"""
    if not 1 <= generation <= 2**32 - 1:
        raise LimitExceeded("generation")
    bh = bundle_hash(peer.aik, peer.dsk, peer.ddk, spk_rec["bytes"], opk_rec["bytes"] if opk_rec else b"", kem_rec["bytes"])
    ct, ss = KEM1024.encaps(kem_rec["key"], m)
    h = make_init_header(own, peer, generation, spk_rec["key_id"], opk_rec["key_id"] if opk_rec else None, kem_rec["key_id"],
                         kem_rec["type"] == KEM_LAST, bh, x25519_pub(ek_seed), ct)
    sid = session_id(h)
    dh = [DH(own.ddk_seed, peer.ddk), DH(own.ddk_seed, spk_rec["key"]), DH(ek_seed, peer.ddk), DH(ek_seed, spk_rec["key"]),
          DH(ek_seed, opk_rec["key"]) if opk_rec else Z32]
    okm = secrets(sid, ss, *dh)
    st = ratchet.new_state(sid, 1, generation, peer, okm[:32], okm[32:64], okm[64:], spk_rec["key"], None, h, now)
    return st, {"bundle_hash": bh, "init_header": h, "sid": sid, "ss": ss, "dh": dh, "okm": okm}


class Prekeys:
    """Private prekeys of a device: {(type, key_id): (seed, record bytes)}; new ones last."""

    def __init__(self):
        self.keys = {}

    def add(self, seed, record):
        self.keys[(record[0], int.from_bytes(record[28:32], "big"))] = (seed, record)

    def get(self, type_, key_id): return self.keys.get((type_, key_id))


def accept(own, prekeys, init, now, highest_generation=0, seen=(), sessions=None, expected_a=None, own_aiks=None):
    """B4.5 from step 1 with steps 2 and 7 left to the caller (envelope.py): expected_a is the Device that the
    certificate names. sessions: {sid: state}. -> (state, content, info); no state change on failure.
    info: {'used': [(type, id)], 'seen': bool, 'existing': bool, 'last_resort', 'opk_used'}"""
    h = parse_init_header(init[:INIT_LEN])
    a = h["a"]
    if (h["account_b"], h["device_b"], h["reg_b"]) != (own.account, own.device_id, own.reg_nonce):
        raise DecryptFailed("not for this registration")
    if (a.account, a.device_id) == (own.account, own.device_id):
        raise DecryptFailed("self")
    if expected_a is not None and (a.account, a.device_id, a.reg_nonce, a.aik, a.dsk, a.ddk) != (
            expected_a.account, expected_a.device_id, expected_a.reg_nonce, expected_a.aik, expected_a.dsk, expected_a.ddk):
        raise DecryptFailed("certificate")
    msg = init[INIT_LEN:]
    sid = session_id(init[:INIT_LEN])
    if sessions and sid in sessions:
        st, content = ratchet.receive(sessions[sid], msg, now)
        return st, content, {"existing": True, "used": [], "sid": sid}
    if sid in seen:
        raise DecryptFailed("seen")
    if h["generation"] > highest_generation + 65_536:
        raise DecryptFailed("generation")
    kem_type = KEM_LAST if h["last_resort"] else KEM_ONCE
    spk, kem = prekeys.get(SPK, h["spk_id"]), prekeys.get(kem_type, h["kem_id"])
    opk = prekeys.get(OPK, h["opk_id"]) if h["opk_used"] else None
    if spk is None or kem is None or (h["opk_used"] and opk is None):
        raise DecryptFailed("prekey id")
    if not any(ct_eq(h["bundle_hash"], bundle_hash(x, own.dsk, own.ddk, spk[1], opk[1] if opk else b"", kem[1]))
               for x in (own_aiks or [own.aik])):
        raise DecryptFailed("bundle_hash")
    try:
        ss = KEM1024.decaps(kem[0], h["ct"])
        dh = [DH(own.ddk_seed, a.ddk), DH(spk[0], a.ddk), DH(own.ddk_seed, h["ek"]), DH(spk[0], h["ek"]),
              DH(opk[0], h["ek"]) if opk else Z32]
    except Rejected as e:
        raise DecryptFailed(str(e))
    okm = secrets(sid, ss, *dh)
    st = ratchet.new_state(sid, 2, h["generation"], a, okm[:32], okm[32:64], okm[64:], None, spk[0], None, now)
    try:
        st, content = ratchet.receive(st, msg, now)
    except NoSession:
        raise DecryptFailed("header")
    used = ([(OPK, h["opk_id"])] if opk else []) + ([(KEM_ONCE, h["kem_id"])] if not h["last_resort"] else [])
    return st, content, {"existing": False, "used": used, "seen": not used, "sid": sid, "last_resort": h["last_resort"],
                         "opk_used": h["opk_used"], "header": h}
