"""B11: safety numbers."""
from . import wire
from .primitives import *
from .errors import UnsupportedVersion


def fingerprint(aik, account):
    a = tagged(ED, aik)
    f = sha512(lbl("safety") + u16(0) + a + account)
    for _ in range(5200):
        f = sha512(f + a)
    return f


def digits30(f): return "".join("%05d" % (int.from_bytes(f[5 * j:5 * j + 5], "big") % 100000) for j in range(6))
def digits(fa, fb): return "".join(sorted([digits30(fa), digits30(fb)]))
def qr(flocal, fremote): return wire.encode("SafetyQr", {"version": 1, "local": flocal[:32], "remote": fremote[:32]})


def compare(scanned, flocal, fremote):
    m = wire.decode("SafetyQr", scanned)
    if m["version"] != 1:
        raise UnsupportedVersion("SafetyQr")
    wire.need(len(m["local"]) == 32 and len(m["remote"]) == 32)
    return ct_eq(m["local"], fremote[:32]) & ct_eq(m["remote"], flocal[:32])
