"""The vectors of groups (B13)."""
from . import content, group as g
from .vectors_common import *
from .errors import Rejected
from .wire import need

DAY = 86_400_000
LOCAL = "stored: "              # cases of one library's own store: nothing for another implementation


class Lacking(Exception):
    """B13.2: it waits."""


class Unverified(Exception):
    """B13.2: nobody here can tell who signed it; it is asked for again."""


def known(name, C):
    i = norm(C["known: " + name]["input"])
    i["directory"] = i["directory"] and g.open_directory(i["directory"])
    i["older_directories"] = [g.open_directory(d) for d in i["older_directories"]]
    return i


def keys(k, account):
    return next((a for a in k["accounts"] if a["account_id"] == account), None)


def signed(m, k):
    """-> 'listed' or 'older': by a manifest; 'wrong': the pinned one lists the device with other keys; None"""
    a = keys(k, m["actor_account"])
    devices = [d for d in a["devices"] if d["device_id"] == m["actor_device"]] if a else []
    devices.sort(key=lambda d: not d["listed"])
    for d in devices[:8]:
        if VERIFY(d["dsk"][1:], "group-state", m["body"], m["sig"]):
            return "listed" if d["listed"] else "older"
    return "wrong" if any(d["listed"] for d in devices) else None


def verified(m, k):
    by = signed(m, k)
    if by is None:
        raise Unverified
    need(by != "wrong", "Signature")
    return by


def strict(m, k, aik, by):
    """Rule 1, after the signature verified. No vector has a manifest that expired, or an AIK that was led away from."""
    if by != "listed" or keys(k, m["actor_account"])["aik"] != aik:
        raise Lacking("manifest")


def has_archive(m):
    need(m["class_"] == 1 or len(m["org_id"]) == 16 and any(x["role"] == g.ARCHIVE for x in m["members"]), "Clinical")


def meant(account, k):
    """B13.2 rule 4: whether what is pinned of an account is whom the practice means, if it lists it now."""
    a, now = keys(k, account), k["now_ms"]
    x = next((x for x in (k["directory"] or {"members": []})["members"] if x["account_id"] == account
              and x["not_before_ms"] <= now and (x["not_after_ms"] == 0 or now < x["not_after_ms"])), None)
    return not a or not x or a["aik"] == x["aik"] or a["aik"] in x["previous_aiks"]


def clinical(m, k):
    try:
        g.check_clinical(m, k["directory"], k["now_ms"])
    except Rejected as e:
        raise Lacking(str(e))
    if m["class_"] == 2 and not all(meant(x["account_id"], k) for x in m["members"] if x["role"] in (g.OWNER, g.ARCHIVE)):
        raise Lacking("identity")


def follows(m, prev):
    need(m["group_id"] == prev["group_id"] and m["epoch"] == prev["epoch"] + 1 and m["prev_hash"] == prev["hash"], "Chain")
    need(m["class_"] >= prev["class_"] and m["policy"]["keep_at_least_ms"] >= prev["policy"]["keep_at_least_ms"], "Falls")
    need(not prev["org_id"] or m["org_id"] == prev["org_id"], "Org")


def judge(m, prev, k):
    """B13.2, strict rules -> 'owner' or 'custodian'; Rejected; Lacking; Unverified."""
    follows(m, prev)
    o = g.owner(prev)
    owns = m["actor_account"] == o["account_id"]
    need(owns or prev["class_"] == 2, "Actor")
    has_archive(m)
    ok = verified(m, k)
    if owns:
        by, aik = "owner", o["aik"]
        if prev["class_"] == 2 and not (g.leads(k["directory"], o["account_id"], k["now_ms"])
                                        and meant(o["account_id"], k)):
            raise Lacking("owner")
    else:
        x = g.lists(k["directory"], m["actor_account"], g.CUSTODIAN, k["now_ms"])
        if x is None:
            raise Lacking("custodian")
        by, aik = "custodian", x["aik"]
    strict(m, k, aik, ok)
    clinical(m, k)
    return by


def relaxed(m, prev, k):
    """B13.2, catching up. -> 'owner', 'former', or None"""
    try:
        follows(m, prev)
    except Rejected:
        return None
    by, aik = "owner", g.owner(prev)["aik"]
    if m["actor_account"] != g.owner(prev)["account_id"]:
        chained, at = [], k["directory"]
        while at:
            chained.append(at)
            at = next((d for d in k["older_directories"] if d["hash"] == at["prev_hash"]), None)
        listed = [x["aik"] for d in chained for x in d["members"]
                  if x["account_id"] == m["actor_account"] and g.CUSTODIAN in x["roles"]]
        if prev["class_"] != 2 or not listed:
            return None
        by, aik = "former", listed[0]
    ok = signed(m, k) in ("listed", "older")
    return by if ok and keys(k, m["actor_account"])["aik"] == aik else None


def may_vouch(tip, account, k):
    d, now, a, o = k["directory"], k["now_ms"], keys(k, account), g.owner(tip)
    owns = a is not None and account == o["account_id"] and a["aik"] == o["aik"]
    if tip["class_"] == 1:
        return owns
    custodian = g.lists(d, account, g.CUSTODIAN, now)
    named = custodian or (owns and g.lists(d, account, g.CLINICAL, now))
    return bool(a and named and a["aik"] == named["aik"])


class Holder:
    """A device's states of one group."""

    def __init__(self, first, k):
        self.k, self.states, self.chain = k, {first["hash"]: (first, "first")}, [first["hash"]]
        self.stopped, self.waiting = False, []
        self.keep = first["policy"]["keep_at_least_ms"]

    def current(self): return self.states[self.chain[-1]][0]

    def children(self, h): return [x for x, (m, _) in self.states.items() if m["prev_hash"] == h and x != self.chain[0]]

    def by(self, h):
        """A former custodian's state counts on the chain on which it was accepted only."""
        by = self.states[h][1]
        return by if by != "former" or h in self.chain else "owner"

    def best(self, h):
        """-> (the states from h on, whether two hand-overs stop it)"""
        options = [self.best(c) for c in sorted(self.children(h), key=lambda c: c not in self.chain)]
        me = (self.states[h][0], self.by(h))
        if not options:
            return [me], False
        pick = options[0]
        stop = False
        for other in options[1:]:
            r = g.which_stays(pick[0], other[0], g.owner(self.states[h][0])["account_id"])
            stop = r == "fork" or (stop and r != "other")
            pick = other if r == "other" else pick
        return [me] + pick[0], stop or pick[1]

    def insert(self, m, by):
        self.states[m["hash"]] = (m, by)
        chain, self.stopped = self.best(self.chain[0])
        self.chain = [s["hash"] for s, _ in chain]
        self.keep = max(self.keep, self.current()["policy"]["keep_at_least_ms"])

    def apply(self, states):
        refused, pool = [], list(states)
        while True:
            waiting, done = [], None
            for m in sorted(pool, key=lambda m: m["epoch"]):
                if m["hash"] in self.states:
                    done = (m, None)
                    break
                if m["group_id"] != self.current()["group_id"]:
                    done = (m, "group")
                    break
                if m["prev_hash"] not in self.states:
                    continue
                try:
                    done = (m, judge(m, self.states[m["prev_hash"]][0], self.k))
                except (Lacking, Unverified) as e:
                    if isinstance(e, Lacking):
                        waiting.append(m)
                    run = self.run(m, pool)
                    if run:
                        done = (m, run)
                except Rejected as e:
                    done = (m, e)
                if done:
                    break
            if done is None:
                break
            m, what = done
            if isinstance(what, list):
                for s, by in what:
                    self.insert(s, by)
                pool = [p for p in pool if p["hash"] not in self.states]
                continue
            pool.remove(m)
            if what in ("owner", "custodian"):
                self.insert(m, what)
            elif what is not None:
                refused.append(m["hash"])
        for m in sorted(pool, key=lambda m: m["epoch"]):
            ours = signed(m, self.k) in ("listed", "older")
            if m not in waiting and ours and any(w["hash"] == m["prev_hash"] for w in waiting):
                waiting.append(m)
        missing = [m for m in pool if m not in waiting and m["epoch"] > self.states[self.chain[0]][0]["epoch"]]
        waiting = [m for m in states if m in waiting]
        return refused, waiting, self.chain[-1] if missing else None

    def run(self, first, pool):
        """By relaxed checks to one that is valid by the strict ones, and whose author vouches."""
        tip = self.states[first["prev_hash"]][0]
        on_current = tip["hash"] == self.chain[-1]
        by = relaxed(first, tip, self.k)
        paths = [[(first, by)]] if by else []
        while paths:
            path = paths.pop(0)
            for m in (m for m in pool if m["prev_hash"] == path[-1][0]["hash"]):
                try:
                    by = judge(m, path[-1][0], self.k)
                    if may_vouch(tip, m["actor_account"], self.k) if on_current else by == "custodian":
                        return path + [(m, by)]
                except (Lacking, Rejected, Unverified):
                    by = relaxed(m, path[-1][0], self.k)
                if by:
                    paths.append(path + [(m, by)])
        return None


def holder(i, C, k):
    held = [g.open_state(s) for s in i["held"]]
    h = Holder(held[0], k)
    for m in held[1:]:
        h.apply([m])
    return h


def judge_message(h, i):
    sender, now, kind = i["sender_account"], i["now_ms"], i["kind"]
    named = i["state_hash"]
    need(named is not None, "NoContext")
    member = lambda m: next((x for x in m["members"] if x["account_id"] == sender), None)

    def permits(m):
        x = member(m)
        need(x is not None, "NotMember")
        need(x["role"] not in (g.ARCHIVE, g.OBSERVER) or kind in ("Receipt", "Control", "GroupUpdate"), "Role")
    if named == h.chain[-1]:
        permits(h.current())
        return {"verdict": "accepted"}
    if named not in h.states:
        need(keys(h.k, sender) is not None, "Stranger")
        return {"verdict": "unseen"}
    need(now - i["accepted_ms"] <= 30 * DAY, "TooOld")
    permits(h.states[named][0])
    permits(h.current())
    return {"verdict": "StaleRoster"}


def join(m, i, k):
    """B13.4 rule 1."""
    ids = [x["account_id"] for x in m["members"]]
    need(i["own"] in ids, "NotMember")
    need(i["from"] in (m["actor_account"], g.owner(m)["account_id"]), "Sender")
    o = g.owner(m)
    x = o if o["account_id"] == m["actor_account"] else \
        m["class_"] == 2 and g.lists(k["directory"], m["actor_account"], g.CUSTODIAN, k["now_ms"])
    need(x, "Actor")
    has_archive(m)
    try:
        strict(m, k, x["aik"], verified(m, k))
        clinical(m, k)
    except (Lacking, Unverified) as e:
        raise Rejected(str(e))
    return {"current": m["hash"]}


def groups(name, i, C):
    if name == "people":
        for who, p in i.items():
            if who != "owner 2":
                person(p)
        return {"directories": norm(C[name]["output"])["directories"]}
    if name.startswith("known: "):
        k = known(name[len("known: "):], C)
        return {"custodians": [x["account_id"] for x in (k["directory"] or {"members": []})["members"] if g.CUSTODIAN in x["roles"]]}
    if name.startswith("state 0"):
        d = person(i["device"])
        s = g.make_state(d.dsk_seed, group_id=i["group_id"], epoch=0, prev_hash=Z32, members=i["members"],
                         actor_account=d.account, actor_device=d.device_id, at_ms=i["at_ms"], title=i["title"],
                         policy=i["policy"], org_id=i["org_id"] or b"")
        return {"signed": s, "state_hash": g.open_state(s)["hash"]}
    if name.startswith("parse: "):
        m = g.open_state(i["signed"])
        need(len(i["signed"]["sig"]) == 64, "Signature")
        if m["epoch"] == 0:
            need(m["prev_hash"] == Z32 and m["actor_account"] == g.owner(m)["account_id"], "First")
        ids = [x["account_id"] for x in m["members"]]
        need(all(content.pair_id(a, b) != m["group_id"] for a in ids for b in ids), "PairId")
        return {"state_hash": m["hash"]}
    k = known(i["known"], C)
    if "now_ms" in i:
        k["now_ms"] = i["now_ms"]
    if name.startswith("message: "):
        return judge_message(holder(i, C, dict(k, now_ms=i["accepted_ms"])), i)
    if "state" in i:
        m = g.open_state(i["state"])
        if name.startswith("rejoin"):       # B13.4 rule 2
            held = holder(i, C, k).current()
            need(m["class_"] == 2 and m["epoch"] > held["epoch"] and i["now_ms"] - i["asked_ms"] >= 7 * DAY, "Between")
            need(m["policy"]["keep_at_least_ms"] >= held["policy"]["keep_at_least_ms"] and m["org_id"] == held["org_id"])
            need(may_vouch(held, m["actor_account"], k), "Issuer")
        return join(m, i, k)
    h = holder(i, C, k)
    refused, waiting, want_after = h.apply([g.open_state(s) for s in i["states"]])
    if "error" in C[name]:
        need(not refused, "Refused")
    m = h.current()
    return {"current": m["hash"], "epoch": m["epoch"], "keep_at_least_ms": h.keep, "stopped": h.stopped,
            "refused": refused, "waiting": [m["hash"] for m in waiting], "want_after": want_after}


def shaped(name, want):
    """What of an output is compared: reasons are this library's own, events are told by what they did."""
    want.pop("events", None)
    want.pop("reason", None)
    if "waiting" in want:
        want["waiting"] = [w["state_hash"] for w in want["waiting"]]
        want["refused"] = [w["state_hash"] for w in want["refused"]]
    return want
