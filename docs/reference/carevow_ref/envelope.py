"""B7: envelopes and sealed sender."""
from . import wire, identity as idn, handshake, ratchet
from .prekey import select_env_keys
from .primitives import *
from .errors import *

MAX_ENVELOPE = 393_216
K = {1: 1656, 2: 544}


def envelope_id(b): return HASH("envelope", b)


def env_info(acc_b, dev_b, reg_b, env_record):
    return lbl("sealed") + idn.address(acc_b, dev_b, reg_b) + HASH("env-record", env_record)


def padded_size(kind, inner_len, content_len):
    return -(-max(inner_len + K[kind], 36 + content_len) // 1024) * 1024


def sealed_body(content, size):
    return u32(len(content)) + content + bytes(size - 36 - len(content))


def seal_body(body, id_a, id_b, dh, enc, ctx, hint):
    """Tag and HPKE of a given body -> (envelope, detail)."""
    export = ctx.export(lbl("sealed-export"), 32)
    ka = KDF(Z32, export + dh, "sealed-auth", enc + u8(hint), 32)
    tag = MAC(ka, "sealed-tag", sha256(body) + id_a + id_b)
    ct = ctx.seal(bytes([1, 1, hint]), tag + body)
    return bytes([1, 1, hint]) + enc + ct, {"export": export, "dh": dh, "tag_key": ka, "tag": tag}


def seal(kind, own, peer, env_record, device_cert, issuer_cert, manifest, inner, r):
    """own: Device with seeds; peer: Device; env_record: parsed ENV record; r: 64 bytes of X-Wing."""
    hint = env_record["key_id"] & 0xFF
    info = env_info(peer.account, peer.device_id, peer.reg_nonce, env_record["bytes"])
    content = wire.encode("SealedContent", {"kind": kind, "device_cert": device_cert, "issuer_cert": issuer_cert,
                                            "inner": inner, "manifest": manifest if kind == 1 else None})
    size = padded_size(kind, len(inner), len(content))
    enc, ctx = setup_base_s(env_record["key"], info, r)
    env, det = seal_body(sealed_body(content, size), own.id_x(), peer.id_x(), DH(own.ddk_seed, peer.ddk), enc, ctx, hint)
    if len(env) > MAX_ENVELOPE:
        raise LimitExceeded("envelope")
    det.update(info=info, enc=enc, sealed_content=content, padded_pt_length=size, id_a=own.id_x(), id_b=peer.id_x(),
               env_hint=hint, envelope_id=envelope_id(env))
    return env, det


def check_outer(b):
    """Type of the envelope: 1 or 3."""
    if len(b) == 0 or len(b) > MAX_ENVELOPE:
        raise DecryptFailed("envelope length")
    if b[0] not in (1, 3):
        raise UnsupportedVersion("envelope type")
    if len(b) > 1 and b[1] != 1:
        raise UnsupportedVersion("envelope version")
    return b[0]


def open_sealed(b, own, env_keys, roots, revocation, server_ms, now, own_aiks=None, pin=None, predecessors=(),
                known_ids=()):
    """B7.2 receiving, steps 1 to 8. own: Device with seeds. env_keys: {key_id: (seed, record bytes)}, newest last.
    pin: callable(account) -> opened manifest or None, or None.
    -> dict kind, inner, a (Device of the certificate), manifest (opened or None), manifest_result, id
    Raises DecryptFailed, Duplicate, UnsupportedVersion, Held. e.tag_ok is True if the tag verified before."""
    state = {"tag": False}
    try:
        return _open(b, own, env_keys, roots, revocation, server_ms, now, own_aiks, pin, predecessors, known_ids, state)
    except (Rejected, Rollback, Fork) as e:
        err = DecryptFailed(str(e))
    except ClockSkew as e:
        err = Held(str(e))
    except CarevowError as e:
        # versions of objects inside are the enclosing step's error (B1.2); those of the outside come first
        err = DecryptFailed(str(e)) if state.get("inside") and isinstance(e, UnsupportedVersion) else e
    err.tag_ok = state["tag"]
    raise err


def _open(b, own, env_keys, roots, revocation, server_ms, now, own_aiks, pin, predecessors, known_ids, state):
    if check_outer(b) != 1:
        raise UnsupportedVersion("not SEALED")
    if len(b) < 1139:
        raise DecryptFailed("short")
    eid = envelope_id(b)
    if eid in known_ids:
        raise Duplicate("envelope id")
    state["inside"] = True
    hint, enc, ct = b[2], b[3:1123], b[1123:]
    pt = None
    for key_id, (seed, record) in select_env_keys(env_keys, hint):
        ctx = setup_base_r(enc, seed, env_info(own.account, own.device_id, own.reg_nonce, record))
        pt = ctx.open(bytes([1, 1, hint]), ct)
        if pt is not None:
            break
    if pt is None:
        raise DecryptFailed("hpke")
    if len(pt) % 1024 or len(pt) < 1024:
        raise DecryptFailed("size")
    tag, body = pt[:32], pt[32:]
    n = int.from_bytes(body[:4], "big")
    if 4 + n > len(body) or any(body[4 + n:]):
        raise DecryptFailed("padding")
    sc = wire.decode("SealedContent", body[4:4 + n])
    kind = sc["kind"]
    if kind not in (1, 2) or sc["device_cert"] is None or sc["issuer_cert"] is None or (sc["manifest"] is not None) != (kind == 1):
        raise DecryptFailed("SealedContent")
    d, i = idn.open_certs(sc["device_cert"], sc["issuer_cert"], roots)
    if idn.is_revoked(d, revocation):
        raise DecryptFailed("revoked")
    a = idn.cert_device(d)
    dh = DH(own.ddk_seed, a.ddk)
    ka = KDF(Z32, ctx.export(lbl("sealed-export"), 32) + dh, "sealed-auth", enc + u8(hint), 32)
    ok = False
    for aik in (own_aiks or [own.aik]):
        idb = idn.Device(own.account, own.device_id, own.reg_nonce, aik, own.dsk, own.ddk).id_x()
        ok |= ct_eq(tag, MAC(ka, "sealed-tag", sha256(body) + a.id_x() + idb))
    if not ok:
        raise DecryptFailed("tag")
    state["tag"] = True
    if (a.account, a.device_id) == (own.account, own.device_id):
        raise DecryptFailed("self")
    t = idn.validation_time(server_ms, now)
    idn.judge_times(d, i, server_ms, now)
    pinned = pin(a.account) if pin else None
    if kind == 1 and pinned is None and not idn.list_usable(revocation, now):
        raise Held("RevocationList")
    man, result = None, None
    if kind == 1:
        man = idn.open_manifest(sc["manifest"])
        if man["account_id"] != a.account or not idn.vouches(tagged(ED, a.aik), man["aik"], pinned, predecessors):
            raise DecryptFailed("manifest")
        result = "first"
        if pinned is not None:
            result = idn.judge_manifest(man, pinned, predecessors, from_directory=False)
            if result in ("other-aik", "held"):
                raise Held("AIK")
            if result == "older":
                man = pinned
        if t >= man["expires_at_ms"]:
            raise DecryptFailed("manifest expired")
    else:
        man = pinned
        if man is None:
            raise DecryptFailed("no pin")
    e = idn.entry_of(man, a.device_id)
    if e is None or e["reg_nonce"] != a.reg_nonce or (e["dsk"][1:], e["ddk"][1:]) != (a.dsk, a.ddk):
        raise DecryptFailed("not listed")
    return {"kind": kind, "inner": sc["inner"], "a": a, "manifest": man, "manifest_result": result, "id": eid, "cert": d}
