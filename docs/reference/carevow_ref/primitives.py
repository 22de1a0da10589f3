"""B1: primitives, labels, key encodings."""
import hashlib
import hmac as _hmac
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kyber_py.ml_kem import ML_KEM_768, ML_KEM_1024
from .errors import Rejected

Z32 = bytes(32)
DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000


def u8(x): return int(x).to_bytes(1, "big")
def u16(x): return int(x).to_bytes(2, "big")
def u32(x): return int(x).to_bytes(4, "big")
def u64(x): return int(x).to_bytes(8, "big")
def LP(x): return u32(len(x)) + x
def ct_eq(a, b): return _hmac.compare_digest(bytes(a), bytes(b))


# B1.0.4 functions
def lbl(s):
    L = b"carevow/v1/" + s.encode("ascii")
    return u8(len(L)) + L


def sha256(x): return hashlib.sha256(x).digest()
def sha512(x): return hashlib.sha512(x).digest()
def HASH(s, x): return sha256(lbl(s) + x)
def hmac256(k, x): return _hmac.new(k, x, hashlib.sha256).digest()


def MAC(k, s, x):
    assert len(k) == 32
    return hmac256(k, lbl(s) + x)


def hkdf_extract(salt, ikm): return hmac256(salt, ikm)


def hkdf_expand(prk, info, n):
    out, t, i = b"", b"", 1
    while len(out) < n:
        t = hmac256(prk, t + info + u8(i))
        out += t
        i += 1
    return out[:n]


def KDF(salt, ikm, s, ctx, n):
    assert len(salt) == 32
    return hkdf_expand(hkdf_extract(salt, ikm), lbl(s) + ctx, n)


def gcm_seal(key, nonce, aad, pt): return AESGCM(key).encrypt(nonce, pt, aad)


def gcm_open(key, nonce, aad, ct):
    """None if it does not open."""
    try:
        return AESGCM(key).decrypt(nonce, ct, aad)
    except (InvalidTag, ValueError):
        return None


# X25519
def x25519_pub(seed):
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


_P = 2**255 - 19


def x25519_raw(seed, pub):
    """X25519 with an all-zero result allowed (own ladder only where the library refuses)."""
    try:
        return X25519PrivateKey.from_private_bytes(seed).exchange(X25519PublicKey.from_public_bytes(pub))
    except ValueError:
        return Z32


def DH(a, B):
    r = x25519_raw(a, B)
    if ct_eq(r, Z32):
        raise Rejected("DH all zero")
    return r


LOW_ORDER = {
    int.to_bytes(0, 32, "little"), int.to_bytes(1, 32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (2**255 - 20).to_bytes(32, "little"),
}


def low_order(raw): return bytes(raw) in LOW_ORDER


# Ed25519 (B1.0.6), small own arithmetic in extended coordinates
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)


def _add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


_O = (0, 1, 1, 0)


def _mul(s, p):
    q = _O
    while s:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


def _compress(p):
    zi = pow(p[2], _P - 2, _P)
    x, y = p[0] * zi % _P, p[1] * zi % _P
    return (y | ((x & 1) << 255)).to_bytes(32, "little")


def _decompress(b):
    """Canonical points only, else None."""
    if len(b) != 32:
        return None
    y = int.from_bytes(b, "little")
    sign = y >> 255
    y &= 2**255 - 1
    if y >= _P:
        return None
    x2 = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if x2 == 0:
        if sign:
            return None
        x = 0
    else:
        x = pow(x2, (_P + 3) // 8, _P)
        if (x * x - x2) % _P:
            x = x * _I % _P
        if (x * x - x2) % _P:
            return None
        if x & 1 != sign:
            x = _P - x
    return (x, y, 1, x * y % _P)


_B = _decompress((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def _small(p):
    q = _mul(8, p)
    return q[0] % _P == 0 and (q[1] - q[2]) % _P == 0


def ed_point_check(raw):
    """None if good, else a reason."""
    p = _decompress(raw)
    if p is None:
        return "NotCanonical"
    if _small(p):
        return "SmallOrder"
    return None


def ed_pub(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def SIGN(seed, s, m):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(lbl(s) + m)


def VERIFY(pk, s, m, sig):
    if len(pk) != 32 or len(sig) != 64:
        return False
    R, S = sig[:32], int.from_bytes(sig[32:], "little")
    if S >= _L:
        return False
    A = _decompress(pk)
    if A is None or _small(A):
        return False
    Rp = _decompress(R)
    if Rp is None or _small(Rp):
        return False
    k = int.from_bytes(sha512(R + pk + lbl(s) + m), "little") % _L
    negA = (_P - A[0], A[1], 1, _P - A[3])
    return _compress(_add(_mul(S, _B), _mul(k, negA))) == R


# ML-KEM (B1.0.7)
class MLKEM:
    def __init__(self, k, impl, ek_len, ct_len):
        self.k, self.impl, self.ek_len, self.ct_len = k, impl, ek_len, ct_len

    def keygen(self, seed):
        if len(seed) != 64:
            raise Rejected("ML-KEM seed")
        return self.impl._keygen_internal(seed[:32], seed[32:])

    def encaps(self, ek, m):
        """(ct, ss)"""
        ss, ct = self.impl._encaps_internal(ek, m)
        return ct, ss

    def decaps(self, seed, ct):
        _, dk = self.keygen(seed)
        return self.impl._decaps_internal(dk, ct)

    def modulus_ok(self, ek):
        if len(ek) != self.ek_len:
            return False
        t = ek[:384 * self.k]
        for i in range(0, len(t), 3):
            a, b, c = t[i], t[i + 1], t[i + 2]
            if a | (b & 15) << 8 >= 3329 or (b >> 4) | c << 4 >= 3329:
                return False
        return True


KEM768 = MLKEM(3, ML_KEM_768, 1184, 1088)
KEM1024 = MLKEM(4, ML_KEM_1024, 1568, 1568)


# X-Wing (B1.0.8)
_XLABEL = bytes.fromhex("5c2e2f2f5e5c")


def _xwing_expand(seed):
    e = hashlib.shake_256(seed).digest(96)
    return e[:64], e[64:96]


def xwing_pub(seed):
    m, x = _xwing_expand(seed)
    return KEM768.keygen(m)[0] + x25519_pub(x)


def _combine(ssm, ssx, ctx, pkx): return hashlib.sha3_256(ssm + ssx + ctx + pkx + _XLABEL).digest()


def xwing_encaps(pk, r):
    if len(pk) != 1216 or len(r) != 64:
        raise Rejected("X-Wing length")
    ctm, ssm = KEM768.encaps(pk[:1184], r[:32])
    ek = r[32:]
    ctx, pkx = x25519_pub(ek), pk[1184:]
    return ctm + ctx, _combine(ssm, x25519_raw(ek, pkx), ctx, pkx)


def xwing_decaps(seed, ct):
    if len(ct) != 1120:
        raise Rejected("X-Wing length")
    m, x = _xwing_expand(seed)
    ssm = KEM768.decaps(m, ct[:1088])
    return _combine(ssm, x25519_raw(x, ct[1088:]), ct[1088:], x25519_pub(x))


# HPKE (B1.0.9)
_SUITE = b"HPKE" + u16(0x647A) + u16(1) + u16(2)


def _lext(salt, label, ikm): return hkdf_extract(salt, b"HPKE-v1" + _SUITE + label + ikm)
def _lexp(prk, label, info, n): return hkdf_expand(prk, u16(n) + b"HPKE-v1" + _SUITE + label + info, n)


class HpkeContext:
    def __init__(self, ss, info):
        ksc = b"\0" + _lext(b"", b"psk_id_hash", b"") + _lext(b"", b"info_hash", info)
        secret = _lext(ss, b"secret", b"")
        self.key = _lexp(secret, b"key", ksc, 32)
        self.nonce = _lexp(secret, b"base_nonce", ksc, 12)
        self.exporter = _lexp(secret, b"exp", ksc, 32)

    def seal(self, aad, pt): return gcm_seal(self.key, self.nonce, aad, pt)
    def open(self, aad, ct): return gcm_open(self.key, self.nonce, aad, ct)
    def export(self, c, n): return _lexp(self.exporter, b"sec", c, n)


def setup_base_s(pk, info, r):
    enc, ss = xwing_encaps(pk, r)
    return enc, HpkeContext(ss, info)


def setup_base_r(enc, seed, info):
    return HpkeContext(xwing_decaps(seed, enc), info)


# B1.1 encodings
ED, X, EK768, EK1024, XW, CT768, CT1024, XWCT = 0x01, 0x02, 0x03, 0x04, 0x05, 0x13, 0x14, 0x15
RAW_LEN = {ED: 32, X: 32, EK768: 1184, EK1024: 1568, XW: 1216, CT768: 1088, CT1024: 1568, XWCT: 1120}


def x25519_canonical(raw):
    return len(raw) == 32 and int.from_bytes(raw, "little") < _P


def check_raw(tag, raw):
    """None or a reason."""
    if len(raw) != RAW_LEN[tag]:
        return "Length"
    if tag == ED:
        return ed_point_check(raw)
    ok = True
    if tag == X:
        ok = x25519_canonical(raw)
    elif tag == EK768:
        ok = KEM768.modulus_ok(raw)
    elif tag == EK1024:
        ok = KEM1024.modulus_ok(raw)
    elif tag == XW:
        ok = KEM768.modulus_ok(raw[:1184]) and x25519_canonical(raw[1184:])
    return None if ok else "NotCanonical"


def parse_key(tag, b):
    """raw of a tagged key or ciphertext; Rejected otherwise."""
    if len(b) != 1 + RAW_LEN[tag]:
        raise Rejected("Length")
    if b[0] != tag:
        raise Rejected("Tag")
    why = check_raw(tag, b[1:])
    if why:
        raise Rejected(why)
    return b[1:]


def tagged(tag, raw): return u8(tag) + raw


LABELS = """manifest device-pop issuer-cert device-cert revocation link-key link-box link link-reply link-code
prekey bundle transcript handshake root hdr msg com pq-lane envelope sealed env-record sealed-export sealed-auth
sealed-tag statement conv att att-com safety group-state org-directory org-key invitation invite-commit invite-code
audit audit-head erasure history relay-auth""".split()
