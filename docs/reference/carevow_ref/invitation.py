"""B18: invitations."""
import base64
import re
from . import wire
from .primitives import *
from .wire import need
from .errors import Rejected, InvalidInput, Storage, UnsupportedVersion


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


# At rest: phase -> side, fields that must be there with their lengths, fields that may be there
PHASES = {1: ("practice", {"org_id": 16, "org_key_hash": 32, "account_id": 16, "relay": None, "token": 16},
              {"expires_ms", "succeeds"}),
          2: ("practice", {"account_id": 16, "sids": 1, "commit": 32, "nonce": 16, "token": 16}, {"succeeds"}),
          3: ("practice", {"account_id": 16, "code": 6, "token": 16}, {"succeeds"}),
          4: ("practice", {"account_id": 16, "token": 16}, {"succeeds", "history_from_ms"}),
          5: ("practice", {"account_id": 16, "token": 16}, set()),
          6: ("client", {"nonce": 16, "token": 16}, {"sids"}),
          7: ("client", {"sids": 1, "code": 6}, set())}


def store(fields): return wire.encode("InvitationState", dict(fields, format=1))


def load(side, raw):
    """A state whole or not at all; Storage otherwise."""
    try:
        s = wire.decode("InvitationState", raw)
        need(s["format"] == 1, "UnknownFormat")
        need(s["phase"] in PHASES and PHASES[s["phase"]][0] == side, "Phase")
        _, must, may = PHASES[s["phase"]]
        for f, n in must.items():
            need(len(s[f]) == n if n else 1 <= len(s[f]) <= 255, f)
        need(all(not v or f in must or f in may or f in ("format", "phase") for f, v in s.items()), "Field")
        s["relay"].decode("utf-8")
        need(re.fullmatch(rb"([0-9]{6})?", s["code"]) is not None, "code")
        need(len(s["succeeds"]) in (0, 16) and (s["succeeds"] or not s["history_from_ms"]), "succeeds")
        need(all(len(x) == 32 for x in s["sids"]) and all(a < b for a, b in zip(s["sids"], s["sids"][1:])), "sids")
        return s
    except (Rejected, UnicodeDecodeError) as e:
        raise Storage(str(e)) from e
