"""B6.5: body framing, PQ lanes, attach policy."""
from .primitives import *
from .errors import DecryptFailed
from . import padding

EK_COST, CT_COST = 4 + 1184, 4 + 1088
MAX_EPOCH = 2**32 - 1
SENDER_INFO_MINIMUM = 3072


def lane_secret(ss, sid, owner_dir, e, ek_hash, ct):
    return KDF(Z32, ss, "pq-lane", sid + u8(owner_dir) + u32(e) + ek_hash + sha256(ct), 32)


# -- framing
def frame(ek, ct, content, size):
    """ek, ct: None or (epoch, raw)."""
    out = u8(1) + u8((1 if ek else 0) | (2 if ct else 0))
    if ek:
        out += u32(ek[0]) + ek[1]
    if ct:
        out += u32(ct[0]) + ct[1]
    out += u32(len(content)) + content
    return out + bytes(size - len(out))


def unframe(body):
    """(ek, ct, content) or DecryptFailed."""
    def bad(why):
        raise DecryptFailed("body " + why)
    i = 2
    if len(body) < 2 or body[0] != 1 or body[1] & ~3:
        bad("head")
    ek = ct = None
    if body[1] & 1:
        if len(body) < i + EK_COST:
            bad("ek")
        ek = (int.from_bytes(body[i:i + 4], "big"), body[i + 4:i + EK_COST])
        i += EK_COST
        if not KEM768.modulus_ok(ek[1]):
            bad("ek modulus")
    if body[1] & 2:
        if len(body) < i + CT_COST:
            bad("ct")
        ct = (int.from_bytes(body[i:i + 4], "big"), body[i + 4:i + CT_COST])
        i += CT_COST
    if len(body) < i + 4:
        bad("length")
    n = int.from_bytes(body[i:i + 4], "big")
    i += 4
    if n > 262_144 or i + n > len(body):
        bad("content_len")
    content = body[i:i + n]
    if any(body[i + n:]):
        bad("padding")
    return ek, ct, content


# -- lanes are the dicts of SessionState (own_lane phase 1 idle 2 offered 3 ready; peer_lane 1 idle 2 asked 3 pending)
def own_idle(created): return {"phase": 1, "epoch": 1, "seed": b"", "secret": b"", "messages": 0, "mixed_at_ms": created,
                               "since_attached": 0}


def peer_idle(): return {"phase": 1, "epoch": 0, "ek": b"", "ek_hash": b"", "ct": b"", "secret": b"", "since_attached": 0}


def take_ready(own, now):
    """In a send step: (k, e) or (None, 0)."""
    if own["phase"] != 3:
        return None, 0
    k, e = own["secret"], own["epoch"]
    own.update(phase=1, epoch=e + 1, secret=b"", seed=b"", messages=0, mixed_at_ms=now)
    return k, e


def receive_ek(peer, ek):
    e, raw = ek
    if e == 0:
        raise DecryptFailed("ek epoch 0")
    last = peer["epoch"] if peer["phase"] == 1 else peer["epoch"] - 1
    if e <= last:
        return
    if e == last + 1:
        if peer["phase"] == 1:
            peer.update(phase=2, epoch=e, ek=raw)
            return
        have = sha256(peer["ek"]) if peer["phase"] == 2 else peer["ek_hash"]
        if have == sha256(raw):
            return
    raise DecryptFailed("ek epoch")


def receive_ct(own, ct, sid, mydir):
    e, raw = ct
    open_ = own["epoch"] if own["phase"] != 1 else own["epoch"] - 1
    if e == 0 or e > open_:
        raise DecryptFailed("ct epoch")
    if e == open_ and own["phase"] == 2:
        ek, _ = KEM768.keygen(own["seed"])
        k = lane_secret(KEM768.decaps(own["seed"], raw), sid, mydir, e, sha256(ek), raw)
        own.update(phase=3, seed=b"", secret=k)


def answer(peer, m, sid, peerdir):
    """Asked -> Pending."""
    ct, ss = KEM768.encaps(peer["ek"], m)
    h = sha256(peer["ek"])
    k = lane_secret(ss, sid, peerdir, peer["epoch"], h, ct)
    peer.update(phase=3, ek=b"", ek_hash=h, ct=ct, secret=k)
    return ss


def wishes(own, peer, first_of_chain, now, app_asks, first_of_initiator):
    if own["phase"] == 3 or (own["phase"] == 1 and own["epoch"] >= MAX_EPOCH):
        ek = "never"
    elif own["phase"] == 1:
        ek = "must" if (own["messages"] >= 50 or max(0, now - own["mixed_at_ms"]) >= DAY or app_asks
                        or first_of_initiator) else "free"
    else:
        ek = "must" if first_of_chain or own["since_attached"] >= 8 else "free"
    if peer["phase"] == 1:
        ct = "never"
    elif peer["phase"] == 2:
        ct = "must"
    else:
        ct = "must" if first_of_chain or peer["since_attached"] >= 8 else "free"
    return ek, ct


def plan(ek, ct, content_len, minb, minimum):
    """(attach ek, attach ct, padded size)"""
    P = lambda x: padding.P(x, minb, minimum)
    L = 6 + content_len + (CT_COST if ct == "must" else 0) + (EK_COST if ek == "must" else 0)
    a_ct, a_ek = ct == "must", ek == "must"
    if ct == "free" and P(L + CT_COST) == P(L):
        a_ct, L = True, L + CT_COST
    if ek == "free" and P(L + EK_COST) == P(L):
        a_ek, L = True, L + EK_COST
    return a_ek, a_ct, P(L)
