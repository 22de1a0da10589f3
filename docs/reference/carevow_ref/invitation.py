"""B18: invitations."""
import base64
import re
from . import wire
from .primitives import *
from .wire import need
from .errors import Rejected, InvalidInput, UnsupportedVersion


def b64e(b): return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def b64d(s):
    need(re.fullmatch(r"[A-Za-z0-9_-]*", s) is not None and len(s) % 4 != 1, "Malformed")
    b = base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
    need(b64e(b) == s, "Malformed")     # unused bits
    return b


def lp_url(url):
    u = url.encode()
    if len(u) > 255:
        raise InvalidInput("URL")
    return LP(u)


def parse_lp_url(b):
    need(len(b) >= 4, "Malformed")
    n = int.from_bytes(b[:4], "big")
    need(n <= 255 and len(b) == 4 + n, "Malformed")
    try:
        return b[4:].decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected("Malformed")


def make(org_id, org_key, account, expires_ms, token, relay):
    """org_key raw."""
    inv = b"\x41\x01" + org_id + HASH("org-key", tagged(ED, org_key)) + account + u64(expires_ms) + token + lp_url(relay)
    return "carevow:" + b64e(inv + HASH("invitation", inv)[:4])


def parse(text, relays, now):
    if text.startswith("https://"):                 # "an https link carries it only in its fragment"
        need("#" in text, "Malformed")
        text = text.split("#", 1)[1]
    need(text.startswith("carevow:"), "Malformed")
    b = b64d(text[8:])
    need(len(b) >= 98, "Malformed")
    inv, check = b[:-4], b[-4:]
    need(HASH("invitation", inv)[:4] == check, "Checksum")
    if inv[0] != 0x41:
        raise Rejected("Malformed")
    if inv[1] != 1:
        raise UnsupportedVersion("Invitation")
    r = {"org_id": inv[2:18], "org_key_hash": inv[18:50], "account_id": inv[50:66],
         "expires_ms": int.from_bytes(inv[66:74], "big"), "token": inv[74:90], "relay": parse_lp_url(inv[90:])}
    need(r["relay"] in relays, "ForeignRelay")
    need(now < r["expires_ms"], "Expired")
    need(r["expires_ms"] - now <= 14 * DAY, "TooLong")
    return r


def commit(nonce_a): return HASH("invite-commit", nonce_a)


def step1(token, name, nonce_a):
    return wire.encode("InvitationUse", {"token": token, "display_name": name, "commit": commit(nonce_a)})


def step23(token, nonce): return wire.encode("InvitationUse", {"token": token, "nonce": nonce})


def check_use(m):
    need(len(m["token"]) == 16)
    first = len(m["commit"]) == 32 and not m["nonce"]
    later = not m["commit"] and len(m["nonce"]) == 16 and not m["display_name"]
    need(first or later)
    return "commit" if first else "nonce"


def check_step3(use, token, commit_):
    need(use["token"] == token, "Token")
    need(check_use(use) == "nonce" and ct_eq(commit(use["nonce"]), commit_), "CommitMismatch")


def code(sid, token, nonce_a, nonce_b):
    return "%06d" % (int.from_bytes(HASH("invite-code", sid + token + nonce_a + nonce_b)[:4], "big") % 10**6)
