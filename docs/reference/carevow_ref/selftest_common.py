"""python -m carevow_ref.selftest: this implementation against itself."""
import hashlib
import json
import random
import subprocess
import sys
from . import content, envelope, handshake, identity as idn, lanes, padding, prekey, ratchet, wire
from .device import LiveDevice
from .live import Live
from .primitives import *
from .errors import *

T0 = 1_767_225_600_000
_n = [0]


def rb(n):
    _n[0] += 1
    return hashlib.shake_256(b"selftest" + u32(_n[0])).digest(n)


def rnd(): return {"header_nonce": rb(12), "dh_seed": rb(32), "offer_seed": rb(64), "encapsulation_m": rb(32)}


passed = failed = 0


def check(name, ok):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("PASS " if ok else "FAIL ") + name, flush=True)


def raises(name, code, f, *a, **k):
    try:
        f(*a, **k)
        check(f"{name}: {code}", False)
    except CarevowError as e:
        check(f"{name}: {code}" + ("" if e.code == code else f" (got {e})"), e.code == code)


ROOT, ISSUER = rb(32), rb(32)


def make(last_resort=False, account=None, device_id=1):
    dev = idn.Device.from_seeds(account or rb(16), device_id, int.from_bytes(rb(4), "big") | 1, rb(32), rb(32), rb(32))
    lst = idn.open_revocation_list(idn.make_revocation_list(ROOT, 1, T0, T0 + 90 * DAY), [ed_pub(ROOT)])
    d = LiveDevice(dev, [ed_pub(ROOT)], lst)
    d.manifest = idn.make_manifest(dev.aik_seed, dev.account, 1, Z32, T0, T0 + 30 * DAY, [idn.device_entry(dev, 1, T0)])
    d.issuer_cert = idn.make_issuer_cert(ROOT, ed_pub(ISSUER), 7, T0 - DAY, T0 + 300 * DAY, DAY)
    d.device_cert = idn.make_device_cert(ISSUER, 7, rb(16), dev, T0 - HOUR, T0 + 23 * HOUR)
    d.add_prekey("spk", prekey.SPK, 0xFFFFFFFF, T0, T0 + 30 * DAY, rb(32))
    d.add_prekey("opk", prekey.OPK, 0, T0, T0 + 90 * DAY, rb(32))
    d.add_prekey("kem", prekey.KEM_LAST if last_resort else prekey.KEM_ONCE, 9, T0, T0 + (30 if last_resort else 90) * DAY, rb(64))
    d.add_prekey("env", prekey.ENV, 0x1234, T0, T0 + 60 * DAY, rb(32))
    return d


def pair(last_resort=False, without_opk=False):
    a, b = make(), make(last_resort)
    a.connect(b.bundle(without_opk), b.dev.account, 1, rb(32), rb(32), T0)
    return a, b
