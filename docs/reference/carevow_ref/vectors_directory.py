"""The vectors of directories (B17)."""
from . import group as g
from .vectors_common import *
from .errors import Fork, Rejected, Rollback
from .wire import need

DAY = 86_400_000


class Pin:
    """B17 rule 1: a practice's chain as far as it was seen."""

    def __init__(self, first):
        self.current, self.settled, self.passed, self.since = first, None, [], None
        self.lost, self.former, self.loser = set(), set(), None

    def take(self, d):
        x = self.loser                      # B2.3 gap rule 3: how long what it took away stays away
        if x and (d["seq"] > x["seq"] or d["hash"] == x["hash"]
                  or self.current["org_key"] == x["org_key"] != d["org_key"]):
            self.loser = None
        if d["org_key"] != self.current["org_key"]:
            self.former.add(self.current["org_key"])
        self.former.discard(d["org_key"])
        self.current = d

    def judge(self, d, source, now):
        c = self.current
        need(d["org_id"] == c["org_id"], "Org")
        if d["hash"] == c["hash"]:
            return
        if d["seq"] == c["seq"] + 1 and d["prev_hash"] == c["hash"] and d["org_key"] in (c["org_key"], c["next_org_key"]):
            return self.take(d)
        need(not {d["hash"], d["prev_hash"]} & self.lost, "Missing")
        need(d["org_key"] in {c["org_key"], c["next_org_key"]} | self.former, "Key")
        if d["seq"] < c["seq"]:
            if source == "directory":
                raise Rollback("directory")
            return
        if d["seq"] <= c["seq"] + 1 or d["org_key"] in self.former:
            raise Fork("directory")
        need(d["org_key"] == c["org_key"] and not self.lost, "Missing")
        if self.settled is None:
            self.settled, self.since = c, now
        else:
            self.passed.append(c["hash"])
        self.take(d)

    def answer(self, ds, now):
        if self.settled is not None and not ds and now - self.since < 30 * DAY:
            return None                     # no answer, or nothing in it: no lie
        if self.settled is not None:
            at, walked, reached = self.settled, {self.settled["hash"]}, False
            leads = lambda d, to: to["seq"] == d["seq"] + 1 and to["prev_hash"] == d["hash"] and \
                to["org_key"] in (d["org_key"], d["next_org_key"])
            for d in ds:
                if leads(at, d):
                    at = d
                    walked.add(d["hash"])
                reached |= leads(at, self.current)
            if not ((reached or self.current["hash"] in walked) and set(self.passed) <= walked):
                self.lost |= (set(self.passed) | {self.current["hash"]}) - walked
                loser = self.current
                self.take(at)
                self.loser = loser if at["seq"] <= loser["seq"] and at["hash"] != loser["hash"] else None
            self.settled, self.passed = None, []
        for d in ds:
            if d["seq"] >= self.current["seq"]:
                try:
                    self.judge(d, "directory", now)
                except CarevowError as e:
                    return e
        return None

    def counts(self, account, now):
        """Whether the practice lists the account, and what lost does too."""
        def entry(d):
            return next((x["aik"] for x in d["members"] if x["account_id"] == account and x["not_before_ms"] <= now
                         and (x["not_after_ms"] == 0 or now < x["not_after_ms"])), None)
        mine = entry(self.current)
        return mine is not None and (self.loser is None or entry(self.loser) == mine)

    def result(self):
        gap = self.settled
        return {"current": self.current["hash"], "seq": self.current["seq"], "missing_after_seq": gap and gap["seq"],
                "deadline_ms": gap and self.since + 30 * DAY}


def pinned(i):
    held = [g.open_directory(d) for d in i["held"]]
    p = Pin(held[0])
    for d in held[1:]:
        p.judge(d, "message", i.get("accepted_ms", i["now_ms"]))
    return p


def organizations(name, i, C):
    if "org_key_seed" in i:
        f = {k: v for k, v in i.items() if k != "org_key_seed"}
        f["next_org_key"] = f["next_org_key"] or b""
        s = g.make_directory(i["org_key_seed"], **f)
        return {"signed": s, "hash": g.open_directory(s)["hash"]}
    if name.startswith("parse: "):
        m = g.open_directory(i["signed"])
        return {"hash": m["hash"], "seq": m["seq"]}
    p = pinned(i)
    if name.startswith("pin: "):
        p.judge(g.open_directory(i["signed"]), i["source"], i["now_ms"])
        return p.result()
    if name.startswith("answer: "):
        error = p.answer([g.open_directory(d) for d in i["answer"] or []], i["now_ms"])
        assert (error is None) == (C[name]["output"]["reason"] is None)
        return p.result()
    if name.startswith("staff: "):          # rule 4
        d, before = i["newer"] and g.open_directory(i["newer"]), p.current["seq"]
        verdict = "IdentityChanged"
        if d and d["seq"] > before:
            p.judge(d, "message", i["now_ms"])
            now = i["now_ms"]
            for x in d["members"]:
                valid = x["not_before_ms"] <= now and (x["not_after_ms"] == 0 or now < x["not_after_ms"])
                if x["account_id"] == i["account_id"] and valid and x["aik"] == i["new"] and i["pinned"] in x["previous_aiks"]:
                    verdict = "StaffKeyRotated"
        return {"verdict": verdict}
    ever = {x["account_id"] for d in i["held"] for x in g.open_directory(d)["members"]}
    if "answer" in i:
        p.answer([g.open_directory(d) for d in i["answer"]], i["now_ms"])
        return {"current": p.current["hash"], "closed": i["account_id"] in ever and not p.counts(i["account_id"], i["now_ms"])}
    return {"closed": i["account_id"] in ever and not p.counts(i["account_id"], i["now_ms"])}
