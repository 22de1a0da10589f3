"""This implementation against itself: `python -m carevow_ref.selftest`."""
from . import selftest_common
from .selftest_common import *
from .selftest_live import *


def agree(a, b, sid):
    """What both states share."""
    x, y = a.sessions[sid], b.sessions[sid]
    return x["root_key"] == y["root_key"] or x["sending"] and y["receiving"]


def handshakes():
    for lr in (False, True):
        for no in (False, True):
            a, b = pair(lr, no)
            tag = f"handshake{' last resort' if lr else ''}{' without OPK' if no else ''}"
            st, w, det = a.send(b"first", T0, rnd(), profile="compact")
            env, _ = a.seal(w, rb(64))
            check(tag + ": sizes", len(w) == 1802 + 126 + padding.P(6 + 5 + 1188, 256, 0) and len(env) % 1024 == 1139 % 1024)
            check(tag + ": first message offers", det["inside"]["body"][1] == 1)
            st2, c, what = b.open(env, T0 + 5, T0 + 5)
            check(tag, c == b"first" and what == "INIT" and st2["sid"] == st["sid"])
            raises(tag + ": same envelope", "Duplicate", b.open, env, T0 + 6, T0 + 6)
            # the second message is an INIT too
            _, w2, _ = a.send(b"second", T0 + 9, rnd())
            check(tag + ": repeats the header", w2[:1802] == w[:1802])
            _, c, _ = b.open(a.seal(w2, rb(64))[0], T0 + 9, T0 + 9)
            check(tag + ": second on the same session", c == b"second")
            raises(tag + ": inner replayed in a new envelope", "Duplicate", b.open, a.seal(w2, rb(64))[0], T0 + 9, T0 + 9)
            _, w3, _ = b.send(b"answer", T0 + 10, rnd())
            _, c, what = a.open(w3, T0 + 11, T0 + 11)
            check(tag + ": answer confirms", c == b"answer" and what == "SESSION" and not a.active()["init_header"])
            _, w4, _ = a.send(b"third", T0 + 12, rnd())
            check(tag + ": no header any more", w4[0] == 3)
            # session dropped at B: one-time keys are gone, the last-resort INIT is in the seen-set
            b.sessions.clear()
            raises(tag + ": INIT replayed after the session was dropped", "DecryptFailed", b.open, a.seal(w, rb(64))[0] if not a.active()["init_header"] else env, T0 + 13, T0 + 13)
            raises(tag + ": SESSION without session", "NoSession", b.open, w4, T0 + 13, T0 + 13)


def conversation(profile, loss, seed):
    r = random.Random(seed)
    a, b = pair()
    now = T0
    _, w, _ = a.send(b"hello", now, rnd(), profile=profile)
    b.open(a.seal(w, rb(64))[0], now, now)
    b.learn_env(a.records["env"], b.addr(b.active()), now)
    wire_ = {"a": [], "b": []}      # in flight to
    sent = {"a": {}, "b": {}}
    got = lost = mixes = bad = 0
    for turn in range(50):
        who = "ab"[turn % 2] if r.random() < 0.8 else r.choice("ab")
        me, other, to = (a, b, "b") if who == "a" else (b, a, "a")
        for k in range(r.choice((1, 1, 2, 4))):
            now += r.randrange(1, 3 * HOUR) if r.random() < 0.2 else 1000
            c = rb(r.choice((5, 200, 900, 2000)))
            if me.active()["sending"] is None and me.active()["role"] == 2 and not me.active()["need_send_step"]:
                continue
            st, w, det = me.send(c, now, rnd(), profile=profile)
            mixes += bool(det["inside"]["mix_epoch"]) and det["inside"]["n"] == 0
            if r.random() < loss:
                lost += 1
                continue
            if w[0] == 0x31 or r.random() < 0.2 and now < T0 + 22 * HOUR:
                w = me.seal(w, rb(64))[0]
            wire_[to].append((w, c))
        for side, dev in (("a", a), ("b", b)):
            q = wire_[side]
            r.shuffle(q)
            keep = []
            for w, c in q:
                if r.random() < 0.25 and turn < 49:
                    keep.append((w, c))
                    continue
                before = {s: ratchet.encode_state(x) for s, x in dev.sessions.items()}
                x = bytearray(w)
                x[r.randrange(len(x))] ^= 1 << r.randrange(8)
                try:
                    dev.open(bytes(x), min(now, T0 + 22 * HOUR), min(now, T0 + 22 * HOUR))
                    bad += 1
                except CarevowError as e:
                    bad += e.code not in ("DecryptFailed", "NoSession", "UnsupportedVersion")
                bad += before != {s: ratchet.encode_state(x) for s, x in dev.sessions.items()}
                t = min(now, T0 + 22 * HOUR)
                try:
                    _, p, _ = dev.open(w, t, t)
                    got += p == c
                    bad += p != c
                except CarevowError as e:
                    print("   ", e)
                    bad += 1
                try:
                    dev.open(w, t, t)
                    bad += 1
                except (Duplicate, NoSession):
                    pass
                except DecryptFailed:
                    bad += w[0] == 3
                s = dev.active()
                bad += ratchet.encode_state(ratchet.decode_state(ratchet.encode_state(s))) != ratchet.encode_state(s)
            wire_[side] = keep
    check(f"conversation {profile} loss {loss}: {got} delivered, {lost} lost, {mixes} lane mixes, {bad} bad", bad == 0 and got > 20)
    check(f"conversation {profile} loss {loss}: lanes mix", mixes >= (5 if profile == "clinical" else 1))


def lane_policy():
    P = lambda *a: lanes.plan(*a)
    check("policy: clinical 342 bytes hide ek", P("free", "never", 342, 1536, 0) == (True, False, 1536))
    check("policy: clinical 343 bytes do not", P("free", "never", 343, 1536, 0) == (False, False, 1536))
    check("policy: clinical 438 bytes hide ct", P("never", "free", 438, 1536, 0) == (False, True, 1536))
    check("policy: of two free only ct", P("free", "free", 100, 1536, 0) == (False, True, 1536))
    check("policy: SenderInfo minimum takes both", P("free", "free", 700, 1536, 3072) == (True, True, 3072))
    own = lanes.own_idle(T0)
    check("policy: 24 h", lanes.wishes(own, lanes.peer_idle(), False, T0 + DAY - 1, False, False)[0] == "free"
          and lanes.wishes(own, lanes.peer_idle(), False, T0 + DAY, False, False)[0] == "must")
    own.update(phase=2, seed=rb(64), since_attached=7)
    w = lambda: lanes.wishes(own, lanes.peer_idle(), False, T0, False, False)[0]
    x = w()
    own["since_attached"] = 8
    check("policy: the ninth carries it again", x == "free" and w() == "must")
    own.update(phase=1, epoch=2**32 - 1)
    check("policy: epoch 2^32-1 is never offered", lanes.wishes(own, lanes.peer_idle(), True, T0 + 9 * DAY, True, True)[0] == "never")
    check("Padme examples", [padding.padme(x) for x in (1537, 3072, 264430)] == [1600, 3072, 270336])


def skipped_limits():
    a, b = pair()
    _, w, _ = a.send(b"0", T0, rnd())
    b.receive(w, T0)
    _, w, _ = b.send(b"1", T0, rnd())
    a.receive(w, T0)
    now = T0 + 1
    msgs = [a.send(b"%d" % k, now, rnd(), profile="compact")[1] for k in range(1300)]
    b.receive(msgs[1299], now)
    s = b.active()
    check("skipped: 1000 of a jump of 1299", [k["n"] for c in s["skipped"] for k in c["keys"]] == list(range(299, 1299)))
    raises("skipped: 298 is gone", "Duplicate", b.receive, msgs[298], now)
    check("skipped: 299 opens", b.receive(msgs[299], now)[1] == b"299")
    raises("skipped: 14 days", "Duplicate", b.receive, msgs[300], now + 14 * DAY)
    check("skipped: 14 days less 1 ms", b.receive(msgs[300], now + 14 * DAY - 1)[1] == b"300")
    check("state loads", ratchet.decode_state(ratchet.encode_state(b.active())) is not None)
    x = ratchet.encode_state(b.active())
    raises("state: cut off", "Storage", ratchet.decode_state, x[:-1])
    raises("state: format 2", "Storage", ratchet.decode_state, b"\x08\x02" + x[2:])
    # old chains
    for k in range(7):
        _, w, _ = b.send(b"turn", now, rnd(), profile="compact")
        a.receive(w, now)
        ws = [a.send(b"c%d" % j, now, rnd(), profile="compact")[1] for j in range(3)]
        b.receive(ws[2], now)
    check("skipped: five old chains and the current", len(b.active()["skipped"]) == 6)


def certificates():
    a, b = pair()
    _, w, _ = a.send(b"x", T0, rnd())
    env = a.seal(w, rb(64))[0]
    raises("certificate at server time run out", "DecryptFailed", b.open, env, T0 + 23 * HOUR, T0 + 23 * HOUR)
    raises("the failed envelope is remembered (its tag verified)", "Duplicate", b.open, env, T0, T0)
    b.ids.clear()
    raises("local clock behind", "Held", b.open, env, T0, T0 - 2 * HOUR)
    rev = idn.make_revocation_list(ROOT, 2, T0, T0 + DAY, devices=[
        {"account_id": a.dev.account, "device_id": 1, "reg_nonce": a.dev.reg_nonce}])
    old, b.revocation = b.revocation, idn.open_revocation_list(rev, b.roots)
    raises("device revoked", "DecryptFailed", b.open, env, T0, T0)
    b.revocation = None
    raises("no revocation list, stranger", "Held", b.open, env, T0, T0)
    b.revocation = old
    mid = make()
    mid.dev = idn.Device(b.dev.account, b.dev.device_id, b.dev.reg_nonce, b.dev.aik, b.dev.dsk, mid.dev.ddk, None, None, mid.dev.ddk_seed)
    mid.env_keys = b.env_keys
    raises("ENV key stolen, other DDK: tag", "DecryptFailed", mid.open, env, T0, T0)
    check("and then it opens", b.open(env, T0, T0)[1] == b"x")
    raises("own bundle", "InvalidInput", a.connect, a.bundle(), a.dev.account, 1, rb(32), rb(32), T0)
    c = make()
    bundle = c.bundle()
    raises("bundle: expired", "BundleRejected", a.connect, bundle, c.dev.account, 1, rb(32), rb(32), T0 + 31 * DAY)
    raises("bundle: other target", "BundleRejected", a.connect, bundle, b.dev.account, 1, rb(32), rb(32), T0)
    raises("bundle: cut", "BundleRejected", a.connect, bundle[:-1], c.dev.account, 1, rb(32), rb(32), T0)
    a.connect(bundle, c.dev.account, 1, rb(32), rb(32), T0)
    e = make(account=c.dev.account)
    raises("bundle: other AIK than pinned", "UntrustedIdentity", a.connect, e.bundle(), c.dev.account, 1, rb(32), rb(32), T0)


def manifests():
    d = make()
    m1 = idn.open_manifest(d.manifest)
    nxt = rb(32)
    mk = lambda seed, seq, prev, issued, next_aik=b"", dev=None: idn.open_manifest(idn.make_manifest(
        seed, d.dev.account, seq, prev, issued, issued + DAY,
        [idn.device_entry(dev or d.dev, 1, T0, idn.make_pop(d.dev, ed_pub(seed)))], next_aik))
    m2 = mk(d.dev.aik_seed, 2, m1["hash"], T0 + 1, tagged(ED, ed_pub(nxt)))
    check("judge: same", idn.judge_manifest(m1, m1) == "same")
    check("judge: next", idn.judge_manifest(m2, m1) == "adopt")
    m3 = mk(nxt, 3, m2["hash"], T0 + 2)
    check("judge: rotated", idn.judge_manifest(m3, m2) == "rotated")
    raises("judge: older", "Rollback", idn.judge_manifest, m1, m2)
    raises("judge: fork same seq", "ManifestFork", idn.judge_manifest, mk(d.dev.aik_seed, 2, m1["hash"], T0 + 3), m2)
    raises("judge: fork other prev", "ManifestFork", idn.judge_manifest, mk(d.dev.aik_seed, 3, rb(32), T0 + 3), m2)
    check("judge: gap", idn.judge_manifest(mk(d.dev.aik_seed, 4, rb(32), T0 + 3), m2) == "gap")
    check("judge: other AIK", idn.judge_manifest(mk(rb(32), 9, rb(32), T0 + 3), m2) == "other-aik")
    raises("judge: predecessor signs on", "ManifestFork", idn.judge_manifest, mk(d.dev.aik_seed, 5, rb(32), T0 + 3), m3, (m1["aik"],))


def wires():
    c = content.encode({"message_id": rb(16), "sent_at_ms": T0, "conversation_id": rb(16), "seq": 1, "text": {"text": "hi"}})
    check("content: text", content.parse(c)["body"] == "text")
    check("content: unknown field passed over", content.parse(c + b"\xa0\x06\x01")["body"] == "text")
    check("content: empty member of the oneof", content.parse(content.encode({"message_id": rb(16), "conversation_id": rb(16),
                                                                          "seq": 1, "text": {}}))["body"] == "text")
    raises("content: delete twice", "rejected", content.parse, c + c[-6:])
    raises("wire: group", "rejected", wire.decode, "Text", b"\x0b\x0c")
    raises("wire: strict, over-long", "rejected", wire.decode, "LinkGrant", b"\x08\x81\x00")
    raises("wire: strict, u32 too large", "rejected", wire.decode, "LinkGrant", b"\x08\x81\x80\x80\x80\x20")
    check("wire: content, low 32 bits", wire.decode("Delete", b"\x10\x81\x80\x80\x80\x20", strict=False)["reason"] == 1)
    raises("wire: varint of 11 bytes", "rejected", wire.decode, "Delete", b"\x10" + b"\x80" * 10 + b"\x00", strict=False)
    check("kem: other library agrees", _other_kem())


def _other_kem():
    from cryptography.hazmat.primitives.asymmetric import mlkem
    for kem, cls in ((KEM768, mlkem.MLKEM768PrivateKey), (KEM1024, mlkem.MLKEM1024PrivateKey)):
        s = rb(64)
        sk = cls.from_seed_bytes(s)
        ek = kem.keygen(s)[0]
        ct, ss = kem.encaps(ek, rb(32))
        if sk.public_key().public_bytes_raw() != ek or sk.decapsulate(ct) != ss:
            return False
        bad = bytes([ct[0] ^ 1]) + ct[1:]
        if sk.decapsulate(bad) != kem.decaps(s, bad):
            return False
    return True


def crossed():
    """B12.2: two INITs that cross; the smaller sid is active on both sides; a later one has a higher generation."""
    a, b = make(), make()
    a.connect(b.bundle(), b.dev.account, 1, rb(32), rb(32), T0)
    b.connect(a.bundle(), a.dev.account, 1, rb(32), rb(32), T0)
    ea = a.seal(a.send(b"from a", T0, rnd())[1], rb(64))[0]
    eb = b.seal(b.send(b"from b", T0, rnd())[1], rb(64))[0]
    check("crossed: both arrive", b.open(ea, T0, T0)[1] == b"from a" and a.open(eb, T0, T0)[1] == b"from b")
    check("crossed: one active", a.active()["sid"] == b.active()["sid"] == min(a.sessions) and len(a.sessions) == 2)
    _, w, _ = a.send(b"on active", T0, rnd())
    w = a.seal(w, rb(64))[0] if w[0] == 0x31 else w
    check("crossed: goes on", b.open(w, T0, T0)[1] == b"on active")
    c = b.prekeys.keys.copy()
    b.add_prekey("opk", prekey.OPK, 77, T0, T0 + DAY, rb(32))
    b.add_prekey("kem", prekey.KEM_ONCE, 78, T0, T0 + DAY, rb(64))
    check("one-time keys were deleted", (prekey.OPK, 0) not in c and (prekey.KEM_ONCE, 9) not in c)
    st, _ = a.connect(b.bundle(), b.dev.account, 1, rb(32), rb(32), T0)
    b.open(a.seal(a.send(b"fresh", T0, rnd())[1], rb(64))[0], T0, T0)
    check("refresh: generation 2 is active", st["generation"] == 2 and b.active()["sid"] == a.active()["sid"] == st["sid"])


def main():
    for f in (groups, crossed, wires, manifests, lane_policy, handshakes, certificates, skipped_limits, live):
        try:
            f()
        except Exception as e:
            check(f"{f.__name__} crashed: {type(e).__name__}: {e}", False)
            import traceback
            traceback.print_exc()
    for a in (("clinical", 0.0, 1), ("compact", 0.15, 2), ("compact", 0.35, 3)):
        conversation(*a)
    print(f"{selftest_common.passed} passed, {selftest_common.failed} failed")
    return selftest_common.failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
