"""python -m carevow_ref.vectors DIR: runs the JSON vectors."""
import json
import os
import sys
import time
from . import (attachment, content, envelope, handshake, identity as idn, invitation, lanes, linking, padding, placement, prekey,
               ratchet, records, safety_number, wire)
from .primitives import *
from .errors import *

H = bytes.fromhex


def unhex(v):
    """dicts and lists of hex -> bytes, other texts stay."""
    if isinstance(v, dict):
        return {k: unhex(x) for k, x in v.items()}
    if isinstance(v, list):
        return [unhex(x) for x in v]
    if isinstance(v, str):
        try:
            return H(v)
        except ValueError:
            return v
    return v


TEXT = {"label", "profile", "text", "relay", "configured", "code", "typed", "digits", "kind", "lane_offer", "sender",
        "receiver", "display_name", "name", "side", "title", "known", "made", "event", "reason", "lacks", "verdict", "source"}


def norm(v, key=None):
    if isinstance(v, dict):
        return {k: norm(x, k) for k, x in v.items()}
    if isinstance(v, list):
        return [norm(x, key) for x in v]
    if isinstance(v, str) and key not in TEXT:
        return H(v)
    return v


def person(p):
    d = idn.Device(p["account_id"], p["device_id"], p["reg_nonce"], p["aik"][1:], p["dsk"][1:], p["ddk"][1:],
                   p.get("aik_seed"), p.get("dsk_seed"), p.get("ddk_seed"))
    for s, f, pub in (("aik_seed", "aik", ed_pub), ("dsk_seed", "dsk", ed_pub), ("ddk_seed", "ddk", x25519_pub)):
        if p.get(s):
            assert pub(p[s]) == getattr(d, f), f"{f} of its seed"
    return d


DIR = None                     # where the vector files are
