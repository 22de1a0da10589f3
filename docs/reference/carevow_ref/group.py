"""B13.1, B13.2, B13.3 (the pure parts) and the OrgDirectory of B17."""
from . import wire, identity as idn
from .primitives import *
from .wire import need
from .errors import Rejected, Rollback, Fork

MEMBER, OWNER, ARCHIVE, OBSERVER, PATIENT, PROXY = 1, 2, 3, 4, 5, 6
CLINICAL, FRONT_DESK, BILLING, SUPERVISOR, CUSTODIAN, R_ARCHIVE, CONNECTOR = range(1, 8)


# B17
def make_directory(org_seed, **f):
    m = dict(f, version=1, org_key=tagged(ED, ed_pub(org_seed)))
    return idn.sign_object(org_seed, "org-directory", "OrgDirectory", m)


def open_directory(signed):
    m = idn.open_body("OrgDirectory", signed, limit=1_048_576)
    need(len(m["org_id"]) == 16 and len(m["prev_hash"]) == 32)
    key = idn._key(ED, m["org_key"])
    if m["next_org_key"]:
        idn._key(ED, m["next_org_key"])
    need(m["seq"] >= 1 and (m["seq"] > 1 or m["prev_hash"] == Z32), "Chain")
    need(0 < m["expires_at_ms"] - m["issued_at_ms"] <= 90 * DAY, "Lifetime")
    ids = [x["account_id"] for x in m["members"]]
    need(len(ids) <= 5000 and all(a < b for a, b in zip(ids, ids[1:])), "Members")
    for x in m["members"]:
        need(len(x["account_id"]) == 16)
        idn._key(ED, x["aik"])
        need(all(a < b for a, b in zip(x["roles"], x["roles"][1:])), "Roles")
        need(len(x["previous_aiks"]) <= 8)
        for a in x["previous_aiks"]:
            idn._key(ED, a)
    need(VERIFY(key, "org-directory", signed["body"], signed["sig"]), "Signature")
    m["hash"], m["body"] = sha256(signed["body"]), signed["body"]
    return m


def judge_directory(m, pin):
    """B17 rule 1: as B2.3 with next_org_key as next_aik; another key that was not announced is refused."""
    as_manifest = lambda d: {"body": d["body"], "seq": d["seq"], "prev_hash": d["prev_hash"], "hash": d["hash"],
                             "aik": d["org_key"], "next_aik": d["next_org_key"]}
    r = idn.judge_manifest(as_manifest(m), as_manifest(pin))
    if r == "other-aik":
        raise Rejected("org_key")
    return r


def lists(directory, account, role, now):
    """B17 rule 5."""
    if directory is None:
        return None
    for x in directory["members"]:
        if x["account_id"] == account:
            ok = x["not_before_ms"] <= now and (x["not_after_ms"] == 0 or now < x["not_after_ms"])
            return x if ok and role in x["roles"] else None
    return None


def leads(directory, account, now):
    """Who may own a clinical group."""
    return lists(directory, account, CLINICAL, now) or lists(directory, account, CUSTODIAN, now)


# B13.1
def make_state(dsk_seed, **f):
    return idn.sign_object(dsk_seed, "group-state", "GroupState", dict(f, version=1))


def open_state(signed):
    """Parse, B13.1 and rule 5 (and one owner of rule 3); the signature apart."""
    m = idn.open_body("GroupState", signed)
    need(len(m["group_id"]) == 16 and len(m["prev_hash"]) == 32 and len(m["actor_account"]) == 16)
    need(1 <= m["actor_device"] <= idn.ID_MAX and len(m["org_id"]) in (0, 16))
    need(m["epoch"] < 1 << 32, "Epoch")
    need(m["policy"] is not None)
    ids = [x["account_id"] for x in m["members"]]
    need(1 <= len(ids) <= 50 and all(a < b for a, b in zip(ids, ids[1:])), "Members")
    for x in m["members"]:
        need(len(x["account_id"]) == 16 and 1 <= x["role"] <= 6)
        idn._key(ED, x["aik"])
    c = m["class_"] = m["policy"]["class"]
    need(c in (1, 2), "Class")
    need(sum(x["role"] == OWNER for x in m["members"]) == 1, "Owner")
    need(c == 2 or (not m["org_id"] and all(x["role"] != ARCHIVE for x in m["members"])), "Class1")
    need(len(m["title"].encode()) <= 256, "Title")
    m.update(hash=sha256(signed["body"]), body=signed["body"], sig=signed["sig"])
    return m


def owner(m): return next(x for x in m["members"] if x["role"] == OWNER)


def check_signature(m, manifest, aiks):
    """Rule 1. manifest: opened one of actor_account; aiks: tagged AIKs that it may have (listed, or chained from it)."""
    need(manifest["account_id"] == m["actor_account"] and manifest["aik"] in aiks, "Aik")
    e = idn.entry_of(manifest, m["actor_device"])
    need(e is not None and VERIFY(e["dsk"][1:], "group-state", m["body"], m["sig"]), "Signature")


def check_clinical(m, directory, now):
    """Rule 4."""
    if m["class_"] != 2:
        return
    need(len(m["org_id"]) == 16 and directory is not None and directory["org_id"] == m["org_id"], "Org")
    arch = [x for x in m["members"] if x["role"] == ARCHIVE]
    need(arch and all(lists(directory, x["account_id"], R_ARCHIVE, now) for x in arch), "Archive")
    o = owner(m)["account_id"]
    need(lists(directory, o, CLINICAL, now) or lists(directory, o, CUSTODIAN, now), "OwnerRole")


def check_first(m, manifest, directory, now, aiks=None):
    need(m["epoch"] == 0 and m["prev_hash"] == Z32, "Chain")
    o = owner(m)
    need(m["actor_account"] == o["account_id"], "Actor")
    check_signature(m, manifest, aiks or {o["aik"]})
    check_clinical(m, directory, now)


def check_successor(m, prev, manifest, directory, now, aiks=None, pair_ids=()):
    """B13.2. directory: the pinned one of prev's org_id. -> 'owner' or 'custodian'"""
    need(m["group_id"] == prev["group_id"] and m["epoch"] == prev["epoch"] + 1 and m["prev_hash"] == prev["hash"], "Chain")
    o = owner(prev)
    if m["actor_account"] == o["account_id"]:
        by, listed = "owner", o["aik"]
        need(prev["class_"] == 1 or leads(directory, o["account_id"], now), "Owner")
    else:
        need(prev["class_"] == 2 and directory is not None and directory["org_id"] == prev["org_id"], "Actor")
        x = lists(directory, m["actor_account"], CUSTODIAN, now)
        need(x is not None, "Actor")
        by, listed = "custodian", x["aik"]
    check_signature(m, manifest, aiks or {listed})
    need(m["class_"] >= prev["class_"] and m["policy"]["keep_at_least_ms"] >= prev["policy"]["keep_at_least_ms"], "Falls")
    need(not prev["org_id"] or m["org_id"] == prev["org_id"], "Org")
    need(m["group_id"] not in pair_ids, "PairId")
    check_clinical(m, directory, now)
    return by


def which_stays(current, other, parent_owner):
    """B13.3 (a) and (b) for two branches on one parent. Branch: list of (state, by), first state first; by: 'owner',
    'custodian' (listed now), 'former' (an accepted former custodian's). -> 'current', 'other' or 'fork'"""
    def first_custodian(b): return next((s["hash"] for s, by in b if by == "custodian"), None)

    def passes_on(b, before): return any(owner(s)["account_id"] != before for s, _ in b)
    (c0, cby), (o0, oby) = current[0], other[0]
    if "custodian" in (cby, oby):           # (a)
        if cby != oby:
            return "current" if cby == "custodian" else "other"
        return "current" if c0["hash"] <= o0["hash"] else "other"
    a, b = first_custodian(current), first_custodian(other)
    if a or b:
        if a and b:
            return "current" if a <= b else "other"
        return "current" if a else "other"
    fa, fb = (any(by == "former" for _, by in x) for x in (current, other))
    if fa or fb:
        return "current" if fa else "other"
    author = parent_owner
    pa, pb = passes_on(current, author), passes_on(other, author)
    if pa and pb:
        return "fork"
    if pa or pb:
        return "current" if pa else "other"
    return "current" if c0["hash"] <= o0["hash"] else "other"
