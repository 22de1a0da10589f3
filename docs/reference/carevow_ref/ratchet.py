"""B5, B6: session state format 1 and the ratchet."""
import copy
from . import wire, lanes
from .primitives import *
from .errors import *
from .padding import MINB

MAX_N = 1 << 24
MAX_BODY = 270_336
OVERHEAD = 126
JUMP, PER_JUMP, OLD_CHAINS, TOTAL, AGE = 25_000, 1_000, 5, 2_000, 14 * DAY


def root_step(rk, dh, k, e, dir_, sid):
    okm = KDF(rk, (k or Z32) + dh, "root", sid + u8(dir_) + u32(e), 96)
    return okm[:32], okm[32:64], okm[64:]


def chain_step(ck): return hmac256(ck, b"\x01"), hmac256(ck, b"\x02")


def message_keys(mk, hdr_nonce, hdr_ct, sid, dir_):
    okm = KDF(sha256(hdr_nonce + hdr_ct), mk, "msg", sid + u8(dir_), 76)
    ad = b"\x03\x01" + sid + u8(dir_) + hdr_nonce + hdr_ct
    return okm, ad


def seal_message(hk, mk, hdr, body, hdr_nonce, sid, dir_):
    """B6.3, B6.4 -> (bytes, detail)"""
    hdr_ct = gcm_seal(hk, hdr_nonce, lbl("hdr") + sid + u8(dir_), hdr)
    okm, ad = message_keys(mk, hdr_nonce, hdr_ct, sid, dir_)
    com = MAC(okm[44:], "com", ad)
    ct = gcm_seal(okm[:32], okm[32:44], ad + com, body)
    return b"\x03\x01" + hdr_nonce + hdr_ct + com + ct, {"okm": okm, "ad": ad, "com": com}


def open_body(msg, mk, sid, dir_):
    okm, ad = message_keys(mk, msg[2:14], msg[14:78], sid, dir_)
    com = msg[78:110]
    if not ct_eq(com, MAC(okm[44:], "com", ad)):
        raise DecryptFailed("com")
    body = gcm_open(okm[:32], okm[32:44], ad + com, msg[110:])
    if body is None:
        raise DecryptFailed("gcm")
    return body


def make_header(dh_pub, pn, n, mix): return b"\x01\0\0\0" + dh_pub + u32(pn) + u32(n) + u32(mix)


def parse_header(h):
    i = lambda a: int.from_bytes(h[a:a + 4], "big")
    r = {"dh": h[4:36], "pn": i(36), "n": i(40), "mix": i(44)}
    if h[:4] != b"\x01\0\0\0" or not x25519_canonical(r["dh"]) or r["n"] >= MAX_N:
        raise DecryptFailed("header")
    return r


def check_message(msg):
    if len(msg) == 0:
        raise DecryptFailed("empty")
    if msg[0] != 3 or (len(msg) > 1 and msg[1] != 1):
        raise UnsupportedVersion("message")
    if not OVERHEAD <= len(msg) <= OVERHEAD + MAX_BODY:
        raise DecryptFailed("length")


# -- session state (B5): the dict of SessionState
def new_state(sid, role, generation, peer, rk0, hka, nhkb, spk_b_pub, spk_b_seed, init_header, now):
    """peer: identity.Device. role 1: spk_b_pub used; role 2: spk_b_seed used."""
    a = role == 1
    return {
        "format": 1, "sid": sid, "role": role, "generation": generation,
        "peer": {"account_id": peer.account, "device_id": peer.device_id, "reg_nonce": peer.reg_nonce, "aik": peer.aik,
                 "dsk": peer.dsk, "ddk": peer.ddk},
        "root_key": rk0, "dh_private": b"" if a else spk_b_seed, "dh_remote": spk_b_pub if a else b"",
        "sending": None, "next_send_header_key": hka if a else nhkb, "previous_count": 0, "receiving": None,
        "next_receive_header_key": nhkb if a else hka, "need_send_step": a, "skipped": [],
        "own_lane": lanes.own_idle(now), "peer_lane": lanes.peer_idle(), "init_header": init_header if a else b"",
        "confirmed_at_ms": 0 if a else now, "unanswered": {"count": 0, "since_ms": 0},
        "unacknowledged": {"count": 0, "since_ms": 0}, "certificate_seen_until_ms": 0, "sender_info_sent_at_ms": 0,
        "created_at_ms": now, "last_progress_ms": now,
        "state_seq": 1}     # QUESTIONS 1: the text says 0 at the start, the vectors count the making as a commit


def encode_state(st): return wire.encode("SessionState", st)


def decode_state(b):
    """All or nothing: Storage otherwise."""
    try:
        st = wire.decode("SessionState", b)
        need = wire.need
        need(st["format"] == 1 and st["role"] in (1, 2) and st["generation"] >= 1)
        p = st["peer"]
        for f in ("peer", "own_lane", "peer_lane", "unanswered", "unacknowledged"):
            need(st[f] is not None)
        need(len(p["account_id"]) == 16 and 1 <= p["device_id"] < 2**31 and p["reg_nonce"] != 0)
        need(not check_raw(ED, p["aik"]) and not check_raw(ED, p["dsk"]) and not check_raw(X, p["ddk"]))
        for f in ("sid", "root_key", "next_send_header_key", "next_receive_header_key"):
            need(len(st[f]) == 32)
        need(len(st["dh_private"]) in (0, 32))
        need(st["dh_remote"] == b"" or not check_raw(X, st["dh_remote"]))
        for f in ("sending", "receiving"):
            c = st[f]
            if c:
                need(len(c["header_key"]) == 32 and len(c["chain_key"]) == 32 and c["n"] <= MAX_N
                     and not check_raw(X, c["dh_public"]))
        need(len(st["skipped"]) <= OLD_CHAINS + 1)
        total = 0
        for c in st["skipped"]:
            need(len(c["header_key"]) == 32 and c["keys"])
            ns = [k["n"] for k in c["keys"]]
            need(all(x < y for x, y in zip(ns, ns[1:])) and ns[-1] < MAX_N)
            need(all(len(k["message_key"]) == 32 for k in c["keys"]))
            total += len(ns)
        need(total <= TOTAL)
        o, q = st["own_lane"], st["peer_lane"]
        need((o["phase"], len(o["seed"]), len(o["secret"])) in ((1, 0, 0), (2, 64, 0), (3, 0, 32)) and o["epoch"] >= 1)
        need((q["phase"], len(q["ek"]), len(q["ek_hash"]), len(q["ct"]), len(q["secret"])) in
             ((1, 0, 0, 0, 0), (2, 1184, 0, 0, 0), (3, 0, 32, 1088, 32)) and (q["phase"] == 1 or q["epoch"] >= 1))
        need(q["phase"] != 2 or KEM768.modulus_ok(q["ek"]))
        need(len(st["init_header"]) in (0, 1802))
        for t in ("unanswered", "unacknowledged"):
            need(st[t]["count"] or not st[t]["since_ms"])
        return st
    except CarevowError as e:
        raise Storage(str(e))


def _dirs(st):
    """(mydir, peerdir)"""
    return (0, 1) if st["role"] == 1 else (1, 0)


def _bump(t, now):
    if t["count"] == 0:
        t["since_ms"] = now
    t["count"] = min(t["count"] + 1, 2**32 - 1)


def _zero(t): t.update(count=0, since_ms=0)


# -- send (B6.1)
def send(st, content, now, rnd, profile="clinical", minimum_body=0, lane_offer_now=False, first=None):
    """rnd: {header_nonce, dh_seed?, offer_seed?, encapsulation_m?} -> (new state, wire, detail).
    `wire` has the InitHeader in front until the session is confirmed (B4.4)."""
    if len(content) > 262_144:
        raise InvalidInput("content")
    st = copy.deepcopy(st)
    mydir, peerdir = _dirs(st)
    det = {"root_step": None, "lane_answer": None, "drawn": ["header_nonce"]}

    def draw(name):
        v = rnd.get(name)
        if v is None:
            raise InvalidInput("random " + name)
        det["drawn"].append(name)
        return v
    nonce = rnd["header_nonce"]
    own, peer = st["own_lane"], st["peer_lane"]
    first_of_initiator = st["role"] == 1 and st["sending"] is None
    first_of_chain = st["need_send_step"]
    if first_of_chain:
        st["previous_count"] = st["sending"]["n"] if st["sending"] else 0
        seed = draw("dh_seed")
        k, e = lanes.take_ready(own, now)
        dh = DH(seed, st["dh_remote"])
        hk = st["next_send_header_key"]
        given = {"rk": st["root_key"], "dh": dh, "k": k, "e": e, "dir": mydir, "sid": st["sid"]}
        rk, ck, nhk = root_step(st["root_key"], dh, k, e, mydir, st["sid"])
        det["root_step"] = {"given": given, "gives": {"next_rk": rk, "ck": ck, "nhk": nhk}}
        st.update(root_key=rk, next_send_header_key=nhk, dh_private=seed, need_send_step=False)
        st["sending"] = {"header_key": hk, "chain_key": ck, "n": 0, "dh_public": x25519_pub(seed), "mix_epoch": e}
    s = st["sending"]
    if s is None:
        raise InvalidInput("a responder cannot send before it has decrypted a message")
    if s["n"] >= MAX_N:
        raise LimitExceeded("chain")
    minb = MINB[profile] if isinstance(profile, str) else profile
    wek, wct = lanes.wishes(own, peer, first_of_chain, now, lane_offer_now, first_of_initiator)
    a_ek, a_ct, size = lanes.plan(wek, wct, len(content), minb, minimum_body)
    ek = ct = None
    if a_ek:
        if own["phase"] == 1:
            own.update(phase=2, seed=draw("offer_seed"))
        ek = (own["epoch"], KEM768.keygen(own["seed"])[0])
        own["since_attached"] = 0
    else:
        own["since_attached"] += 1
    if peer["phase"] == 2:
        ss = lanes.answer(peer, draw("encapsulation_m"), st["sid"], peerdir)
        det["lane_answer"] = {"lane_owner_dir": peerdir, "e": peer["epoch"], "ct": peer["ct"], "ss": ss, "k": peer["secret"]}
    if a_ct:
        ct = (peer["epoch"], peer["ct"])
        peer["since_attached"] = 0
    else:
        peer["since_attached"] += 1
    own["messages"] += 1
    body = lanes.frame(ek, ct, content, size)
    hdr = make_header(s["dh_public"], st["previous_count"], s["n"], s["mix_epoch"])
    ck = s["chain_key"]
    mk, s["chain_key"] = chain_step(ck)
    n = s["n"]
    s["n"] += 1
    msg, d = seal_message(s["header_key"], mk, hdr, body, nonce, st["sid"], mydir)
    det["inside"] = {"dir": mydir, "hk": s["header_key"], "ck": ck, "mk": mk, "header": hdr, "pn": st["previous_count"],
                     "n": n, "mix_epoch": s["mix_epoch"], "body": body, **d}
    _bump(st["unanswered"], now)
    _zero(st["unacknowledged"])
    st["state_seq"] += 1
    return st, st["init_header"] + msg, det


# -- receive (B6.1)
def _take(st, hk, n):
    for c in st["skipped"]:
        if c["header_key"] == hk:
            for k in c["keys"]:
                if k["n"] == n:
                    c["keys"].remove(k)
                    st["skipped"] = [x for x in st["skipped"] if x["keys"]]
                    return k["message_key"]
    return None


def _skip(st, to, now, is_pn):
    """B6.2 rules 1, 2, 4 on the current receiving chain."""
    r = st["receiving"]
    if to <= r["n"]:
        return
    if to - r["n"] > JUMP or (is_pn and to > MAX_N):
        if is_pn:
            return              # the rest of the old chain is abandoned
        raise DecryptFailed("jump")
    new = []
    while r["n"] < to:
        mk, r["chain_key"] = chain_step(r["chain_key"])
        if r["n"] >= to - PER_JUMP:
            new.append({"n": r["n"], "message_key": mk, "stored_at_ms": now})
        r["n"] += 1
    c = next((c for c in st["skipped"] if c["header_key"] == r["header_key"]), None)
    if c is None:
        c = {"header_key": r["header_key"], "keys": []}
    else:
        st["skipped"].remove(c)
    c["keys"] += new
    st["skipped"].append(c)
    over = sum(len(c["keys"]) for c in st["skipped"]) - TOTAL
    while over > 0:
        c = st["skipped"][0]
        drop = min(over, len(c["keys"]))
        del c["keys"][:drop]
        over -= drop
        if not c["keys"]:
            st["skipped"].pop(0)


def find_header(st, msg, now):
    """(header key, kind, header bytes) or None; kind: current, next, old."""
    _, peerdir = _dirs(st)
    r = st["receiving"]
    cands = ([(r["header_key"], "current")] if r else []) + [(st["next_receive_header_key"], "next")]
    for c in st["skipped"]:
        keep = any(max(0, now - k["stored_at_ms"]) < AGE for k in c["keys"])
        if keep and not (r and c["header_key"] == r["header_key"]):
            cands.append((c["header_key"], "old"))
    for hk, kind in cands:
        h = gcm_open(hk, msg[2:14], lbl("hdr") + st["sid"] + u8(peerdir), msg[14:78])
        if h is not None:
            return hk, kind, h
    return None


def receive(st, msg, now):
    """msg: SessionMessage -> (new state, content). Raises; then nothing has changed."""
    check_message(msg)
    st = copy.deepcopy(st)
    mydir, peerdir = _dirs(st)
    for c in st["skipped"]:
        c["keys"] = [k for k in c["keys"] if max(0, now - k["stored_at_ms"]) < AGE]
    st["skipped"] = [c for c in st["skipped"] if c["keys"]]
    found = find_header(st, msg, now)
    if found is None:
        raise NoSession("header")
    hk, kind, h = found
    hdr = parse_header(h)
    mk = None
    if kind == "old":
        mk = _take(st, hk, hdr["n"])
        if mk is None:
            raise Duplicate()
    elif kind == "current":
        r = st["receiving"]
        if hdr["dh"] != r["dh_public"] or hdr["mix"] != r["mix_epoch"]:
            raise DecryptFailed("chain")
        if hdr["n"] < r["n"]:
            mk = _take(st, hk, hdr["n"])
            if mk is None:
                raise Duplicate()
    else:
        priv = st["dh_private"]
        if not priv:
            raise DecryptFailed("step without a key")
        if hdr["dh"] == st["dh_remote"] or hdr["dh"] == x25519_pub(priv):
            raise DecryptFailed("dh repeated")
        try:
            dh = DH(priv, hdr["dh"])
        except Rejected:
            raise DecryptFailed("dh zero")
        peer = st["peer_lane"]
        k, e = None, 0
        if hdr["mix"]:
            if peer["phase"] != 3 or peer["epoch"] != hdr["mix"]:
                raise DecryptFailed("mix_epoch")
            k, e = peer["secret"], peer["epoch"]
        if st["receiving"]:
            _skip(st, hdr["pn"], now, True)
        st["skipped"] = st["skipped"][-OLD_CHAINS:]
        hk = st["next_receive_header_key"]
        rk, ck, nhk = root_step(st["root_key"], dh, k, e, peerdir, st["sid"])
        st.update(root_key=rk, next_receive_header_key=nhk, dh_remote=hdr["dh"], dh_private=b"", need_send_step=True)
        st["receiving"] = {"header_key": hk, "chain_key": ck, "n": 0, "dh_public": hdr["dh"], "mix_epoch": hdr["mix"]}
        if e:
            peer.update(phase=1, epoch=e, ek=b"", ek_hash=b"", ct=b"", secret=b"")
    if mk is None:
        _skip(st, hdr["n"], now, False)
        r = st["receiving"]
        mk, r["chain_key"] = chain_step(r["chain_key"])
        r["n"] += 1
    body = open_body(msg, mk, st["sid"], peerdir)
    ek, ct, content = lanes.unframe(body)
    if ek:
        lanes.receive_ek(st["peer_lane"], ek)
    if ct:
        lanes.receive_ct(st["own_lane"], ct, st["sid"], mydir)
    st["init_header"] = b""
    st["confirmed_at_ms"] = st["confirmed_at_ms"] or now
    _zero(st["unanswered"])
    if content:
        _bump(st["unacknowledged"], now)
    st["own_lane"]["messages"] += 1
    st["last_progress_ms"] = now
    st["state_seq"] += 1
    return st, content
