"""B2.6: linking."""
from . import wire, identity as idn
from .primitives import *
from .wire import need
from .errors import Rejected, UnsupportedVersion
from .invitation import b64e, b64d, lp_url, parse_lp_url

LIFE = 5 * MINUTE


def offer(secret, e_raw, relay):
    """-> (text, box id, E)"""
    E = tagged(XW, e_raw)
    o = b"\x42\x01" + secret + HASH("link-key", E) + lp_url(relay)
    return "carevow-link:" + b64e(o), box_id(secret), E


def box_id(secret): return HASH("link-box", secret)[:16]


def scan(text, relays):
    need(text.startswith("carevow-link:"), "Malformed")
    o = b64d(text[13:])
    need(len(o) >= 2 and o[0] == 0x42, "Malformed")
    if o[1] != 1:
        raise UnsupportedVersion("LinkOffer")
    need(len(o) >= 54, "Malformed")
    r = {"secret": o[2:18], "key_hash": o[18:50], "relay": parse_lp_url(o[50:])}
    need(r["relay"] in relays, "ForeignRelay")
    r["box_id"] = box_id(r["secret"])
    return r


def _info(secret): return lbl("link") + secret


def make_grant(scanned, E, device_id, manifest, r64):
    """P, step 2 -> (box entry, state of P)"""
    e = parse_key(XW, E)
    need(ct_eq(HASH("link-key", E), scanned["key_hash"]), "KeyHash")
    grant = wire.encode("LinkGrant", {"device_id": device_id, "manifest": manifest})
    enc, ctx = setup_base_s(e, _info(scanned["secret"]), r64)
    return enc + ctx.seal(b"", grant), {"E": E, "enc": enc, "grant": grant, "K": ctx.export(lbl("link-reply"), 32),
                                        "device_id": device_id, "manifest": manifest}


def open_grant(secret, seed, made_at, now, box):
    """N, step 3 -> state of N"""
    need(max(0, now - made_at) < LIFE, "Expired")
    need(len(box) >= 1120 + 16, "DoesNotOpen")
    enc = box[:1120]
    ctx = setup_base_r(enc, seed, _info(secret))
    grant = ctx.open(b"", box[1120:])
    need(grant is not None, "DoesNotOpen")
    g = wire.decode("LinkGrant", grant)
    need(1 <= g["device_id"] <= idn.ID_MAX and g["manifest"] is not None)
    man = idn.open_manifest(g["manifest"])
    need(now < man["expires_at_ms"], "Expired")
    need(idn.entry_of(man, g["device_id"]) is None, "Malformed")
    return {"E": tagged(XW, xwing_pub(seed)), "enc": enc, "grant": grant, "K": ctx.export(lbl("link-reply"), 32),
            "device_id": g["device_id"], "signed": g["manifest"], "manifest": man}


def code(st, entry):
    return "%06d" % (int.from_bytes(HASH("link-code", st["E"] + st["enc"] + LP(st["grant"]) + LP(entry))[:4], "big") % 10**6)


def make_reply(st, reg_nonce, dsk_seed, ddk_seed, kind):
    """N -> (box entry, code, Device)"""
    m = st["manifest"]
    dev = idn.Device.from_seeds(m["account_id"], st["device_id"], reg_nonce, None, dsk_seed, ddk_seed, aik=m["aik"][1:])
    entry = wire.encode("DeviceEntry", idn.device_entry(dev, kind, 0))
    return gcm_seal(st["K"], bytes(12), b"", entry), code(st, entry), dev


def open_reply(st, box):
    """P, step 4 -> (entry, code)"""
    b = gcm_open(st["K"], bytes(12), b"", box)
    need(b is not None, "DoesNotOpen")
    e = wire.decode("DeviceEntry", b)
    man = idn.open_manifest(st["manifest"])
    need(e["device_id"] == st["device_id"] and e["added_at_ms"] == 0, "Entry")
    idn.check_entry(e, man["account_id"], man["aik"])
    need(not low_order(e["ddk"][1:]), "LowOrder")
    need(all(x["dsk"] != e["dsk"] for x in man["devices"]), "Dsk")
    return e, code(st, b)


def add_device(aik_seed, previous, entry, now, lifetime=30 * DAY):
    """The manifest with seq + 1."""
    m = idn.open_manifest(previous)
    entries = sorted(m["devices"] + [dict(entry, added_at_ms=now)], key=lambda e: e["device_id"])
    return idn.make_manifest(aik_seed, m["account_id"], m["seq"] + 1, m["hash"], now, now + lifetime, entries, m["next_aik"])
