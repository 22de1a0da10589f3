"""B10: attachments."""
from .primitives import *
from .padding import padme
from .errors import Rejected
from .wire import need

CHUNK = 65_536
MAX = 1 << 32


def keys(ak, purpose):
    okm = KDF(Z32, ak, "att", u16(purpose), 71)
    return okm[:32], okm[32:39], okm[39:]


def sizes(size):
    """(padded_size, chunks, blob_size)"""
    need(0 <= size <= MAX, "TooLarge")
    p = padme(max(size, 1024))
    n = -(-p // CHUNK)
    return p, n, 40 + p + 16 * n


def header(kcom, purpose):
    h = b"CVA1\x01\x10" + u16(purpose)
    return h + MAC(kcom, "att-com", h)


def seal(ak, purpose, file):
    k, prefix, kcom = keys(ak, purpose)
    p, n, _ = sizes(len(file))
    h = header(kcom, purpose)
    pt = file + bytes(p - len(file))
    out = [h]
    for i in range(n):
        out.append(gcm_seal(k, prefix + u32(i) + u8(i == n - 1), h, pt[i * CHUNK:(i + 1) * CHUNK]))
    return b"".join(out)


def check_descriptor(d, wanted):
    need(len(d["key"]) == 32 and len(d["blob_id"]) == 32 and len(d["sha256"]) == 32, "Descriptor")
    need(d["purpose"] == wanted and wanted in (1, 2, 3), "Purpose")
    need(d["size"] <= MAX, "TooLarge")
    need(d["padded_size"] == sizes(d["size"])[0], "PaddedSize")


def open_blob(d, wanted, blob):
    """d: AttachmentMsg. -> file"""
    check_descriptor(d, wanted)
    p, n, blob_size = sizes(d["size"])
    k, prefix, kcom = keys(d["key"], d["purpose"])
    need(len(blob) >= 40, "Truncated")
    h = blob[:40]
    need(ct_eq(h, header(kcom, d["purpose"])), "Commitment")
    need(len(blob) >= blob_size, "Truncated")
    need(len(blob) <= blob_size, "TrailingData")
    out, at = [], 40
    for i in range(n):
        m = min(CHUNK, p - i * CHUNK) + 16
        pt = gcm_open(k, prefix + u32(i) + u8(i == n - 1), h, blob[at:at + m])
        need(pt is not None, f"Chunk {i}")
        out.append(pt)
        at += m
    pt = b"".join(out)
    need(not any(pt[d["size"]:]), "Padding")
    need(ct_eq(sha256(blob), d["blob_id"]), "BlobId")
    file = pt[:d["size"]]
    need(ct_eq(sha256(file), d["sha256"]), "Digest")
    return file
