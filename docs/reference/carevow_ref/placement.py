"""B12.8: what is kept of placement. Each state is loaded whole or not at all."""
from . import wire
from .errors import Rejected, Storage
from .wire import need

MADE = {"here, unconfirmed": 1, "here, confirmed": 2, "there": 3}
HOUR, DAY = 3_600_000, 86_400_000
DAY_LIMIT = 3  # RetryRequests; another count of days has its own
U64 = 2**64


def rank(s):
    """B12.2: the higher generation, then the smaller sid."""
    return (s["generation"], bytes(255 - b for b in s["sid"]))


def check_sessions(s):
    highest = {"generation": s["highest_generation"], "sid": s["highest_sid"]}
    placed = s["archived"] + ([s["low"]] if s["low"] else [])
    every = placed + ([s["active"]] if s["active"] else [])
    if not highest["generation"]:
        need(not highest["sid"] and not every, "none ever was")
        return
    for p in every:
        need(len(p["sid"]) == 32 and p["generation"], "sid or generation")
        need(p["made"] in (1, 2, 3) and (p["made"] == 2 or not p["confirmed_at_ms"]), "made")
    need(len(highest["sid"]) == 32, "highest")
    if s["active"]:
        need(not s["active"]["archived_at_ms"] and rank(s["active"]) == rank(highest), "active")
    need(len(s["archived"]) <= 3, "archived")
    need(all(rank(a) < rank(b) for a, b in zip(s["archived"], s["archived"][1:])), "order")
    need(all(rank(p) < rank(highest) for p in placed), "above the highest")
    sids = [p["sid"] for p in placed] + [highest["sid"]]
    need(len(set(sids)) == len(sids), "twice")


def check_seen(s):
    sids = [i["sid"] for i in s["inits"]]
    need(all(len(x) == 32 for x in sids) and len(sids) <= 10_000, "sid")
    need(all(a < b for a, b in zip(sids, sids[1:])), "order")


def check_day(s):
    need(s["count"] <= DAY_LIMIT, "limit")
    need(s["day"] * DAY < U64 if s["count"] else s["day"] == 0, "day")


def check_second(s):
    need(s["count"] <= 10 and (s["count"] or not s["began_ms"]), "second")


def check_hour(s):
    times = s["at_ms"]
    need(len(times) <= 30 and all(abs(t - times[-1]) < HOUR for t in times), "hour")


def check_acknowledgement(s):
    need(s["has_content"] or not s["content_at_ms"], "content_at_ms")
    need(s["due"] or not s["due_at_ms"], "due_at_ms")
    need(s["received"] or not s["has_content"], "content")
    at_once = s["received"] > 0 and (not s["sent_before"] or s["received"] >= 20)
    need(s["due"] == at_once or (s["due"] and s["on_archived"]), "due")


def check_traffic(s):
    need(s["arrived"] or not s["arrived_at_ms"], "arrived_at_ms")


KINDS = {"sessions": ("DeviceSessionsState", check_sessions), "seen": ("SeenState", check_seen),
         "day": ("DailyCountState", check_day), "second": ("SecondRateState", check_second),
         "hour": ("HourlyRateState", check_hour), "acknowledgement": ("AcknowledgementState", check_acknowledgement),
         "traffic": ("AccountTrafficState", check_traffic)}


def load(kind, raw):
    """A state whole or not at all; Storage otherwise."""
    message, check = KINDS[kind]
    try:
        s = wire.decode(message, raw)
        need(s["format"] == 1 and s["complete"] == 1, "format or complete")
        check(s)
        return s
    except Rejected as e:
        raise Storage(str(e)) from e


def store(kind, state):
    """`state`: None for a time, a session or a rank that is not there."""
    there = lambda flag, time: {flag: state[time] is not None, time: state[time] or 0}
    f = {k: v for k, v in state.items() if k != "kind"}
    if kind == "sessions":
        highest = f.pop("highest") or {"generation": 0, "sid": b""}
        f |= {"highest_generation": highest["generation"], "highest_sid": highest["sid"]}
        f |= {"active": placed(f["active"]), "low": placed(f["low"]), "archived": [placed(p) for p in f["archived"]]}
    elif kind == "seen":
        f["inits"] = sorted(f["inits"], key=lambda init: init["sid"])
    elif kind == "acknowledgement":
        f |= there("has_content", "content_at_ms") | there("due", "due_at_ms")
    elif kind == "traffic":
        f |= there("arrived", "arrived_at_ms")
    return wire.encode(KINDS[kind][0], dict(f, format=1, complete=1))


def placed(p):
    return p and dict({k: v or 0 for k, v in p.items()}, made=MADE[p["made"]])
