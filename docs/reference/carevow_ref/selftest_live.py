"""Two processes in conversation, and groups: LIVE.md, B13."""
from .selftest_common import *


def live():
    def cfg(n):
        base = {"op": "init", "role": "initiator" if n == 1 else "responder", "account_id": rb(16).hex(), "device_id": n,
                "reg_nonce": n + 5, "aik_seed": rb(32).hex(), "dsk_seed": rb(32).hex(), "ddk_seed": rb(32).hex(),
                "roots": [tagged(ED, ed_pub(ROOT)).hex()], "revocation_list": None,
                "manifest": {"issued_at_ms": T0, "expires_at_ms": T0 + 30 * DAY, "kind": 1},
                "certify": {"root_seed": ROOT.hex(), "issuer_seed": ISSUER.hex(), "issuer_id": 7, "issuer_not_before_ms": T0,
                            "issuer_not_after_ms": T0 + DAY * 300, "max_leaf_ms": DAY, "serial": rb(16).hex(),
                            "not_before_ms": T0, "not_after_ms": T0 + DAY}, "prekeys": {}}
        for k, (s, n_, d) in enumerate((("spk", 32, 30), ("opk", 32, 90), ("kem", 64, 90), ("env", 32, 60))):
            base["prekeys"][s] = {"key_id": k, "seed": rb(n_).hex(), "not_before_ms": T0, "not_after_ms": T0 + d * DAY}
        return base
    ps = [subprocess.Popen([sys.executable, "-m", "carevow_ref.live"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
          for _ in range(2)]

    def ask(k, **q):
        ps[k].stdin.write(json.dumps(q) + "\n")
        ps[k].stdin.flush()
        return json.loads(ps[k].stdout.readline())
    R = lambda: {k: v.hex() for k, v in rnd().items()}
    c1, c2 = cfg(1), cfg(2)
    i1 = ask(0, **c1)
    ask(1, **c2)
    b = ask(1, op="bundle")["bytes"]
    r = ask(0, op="connect", bundle=b, account_id=c2["account_id"], device_id=2, now=T0, random={"ek_seed": rb(32).hex(), "m": rb(32).hex()})
    w = ask(0, op="send", content=b"hi".hex(), now=T0, random=R())
    e = ask(0, op="seal", inner=w["bytes"], random={"encapsulation": rb(64).hex()})
    o = ask(1, op="open", bytes=e["bytes"], now=T0)
    check("live: INIT", o.get("content") == b"hi".hex() and o["what"] == "INIT" and o["sid"] == r.get("sid"))
    check("live: Duplicate", ask(1, op="open", bytes=e["bytes"], now=T0).get("error") == "Duplicate")
    w = ask(1, op="send", content="beef", now=T0 + 1, random=R())
    check("live: SESSION", ask(0, op="receive", bytes=w["bytes"], now=T0 + 2).get("content") == "beef")
    check("live: DecryptFailed", ask(0, op="receive", bytes=w["bytes"][:-2] + "00", now=T0 + 2).get("error") in ("Duplicate", "DecryptFailed"))
    env = i1["records"]["env"]
    check("live: peer_env", ask(1, op="peer_env", now=T0, **env) == {})
    w = ask(1, op="send", content="cafe", now=T0 + 3, random=R())
    e = ask(1, op="seal", inner=w["bytes"], random={"encapsulation": rb(64).hex()})
    o = ask(0, op="open", bytes=e["bytes"], now=T0 + 4)
    check("live: SEALED SESSION", o.get("content") == "cafe" and o.get("what") == "SEALED SESSION")
    s = ask(0, op="state")
    check("live: load", ask(0, op="load", state=s["state"]).get("sid") == s["sid"])
    check("live: bad command", ask(0, op="nothing").get("error") == "InvalidInput")
    for p in ps:
        p.stdin.write('{"op":"quit"}\n')
        p.stdin.close()
        p.wait()


def groups():
    from . import group as g
    o, p, ar, cu = make(), make(), make(), make()
    man = lambda d: idn.open_manifest(d.manifest)
    org, key = rb(16), rb(32)
    om = lambda d, roles: {"account_id": d.dev.account, "aik": tagged(ED, d.dev.aik), "display_name": "x", "roles": roles}
    srt = lambda l: sorted(l, key=lambda m: m["account_id"])
    dr = g.open_directory(g.make_directory(key, org_id=org, seq=1, prev_hash=Z32, issued_at_ms=T0, expires_at_ms=T0 + 90 * DAY,
                                           display_name="P", members=srt([om(o, [1]), om(ar, [6]), om(cu, [5])])))
    mem = lambda d, role: {"account_id": d.dev.account, "aik": tagged(ED, d.dev.aik), "role": role}
    gid = rb(16)

    def state(actor, epoch, prev, members, **k):
        pol = {"class": k.pop("cls", 2), "keep_at_least_ms": k.pop("keep", 5)}
        return g.open_state(g.make_state(actor.dev.dsk_seed, **{**dict(group_id=gid, epoch=epoch, prev_hash=prev, members=srt(members),
                            actor_account=actor.dev.account, actor_device=1, at_ms=T0, policy=pol, org_id=org), **k}))
    base = [mem(o, 2), mem(p, 5), mem(ar, 3)]
    s0 = state(o, 0, Z32, base)
    g.check_first(s0, man(o), dr, T0)
    check("group: first", True)
    s1 = state(o, 1, s0["hash"], base, title="t")
    check("group: owner's", g.check_successor(s1, s0, man(o), dr, T0) == "owner")
    c1 = state(cu, 1, s0["hash"], base)
    check("group: custodian's", g.check_successor(c1, s0, man(cu), dr, T0) == "custodian")
    bad = lambda n, s, m, prev=s0: raises("group: " + n, "rejected", g.check_successor, s, prev, m, dr, T0)
    bad("by the patient", state(p, 1, s0["hash"], base), man(p))
    bad("class falls", state(o, 1, s0["hash"], [mem(o, 2)], cls=1, org_id=b""), man(o))
    bad("keep falls", state(o, 1, s0["hash"], base, keep=4), man(o))
    bad("without archive", state(o, 1, s0["hash"], base[:2]), man(o))
    bad("archive not listed", state(o, 1, s0["hash"], base[:2] + [mem(cu, 3)]), man(o))
    bad("other prev", state(o, 1, rb(32), base), man(o))
    bad("owner not clinical", state(o, 1, s0["hash"], [mem(o, 1), mem(p, 2), mem(ar, 3)]), man(o))
    raises("group: two owners", "rejected", state, o, 1, s0["hash"], [mem(o, 2), mem(p, 2), mem(ar, 3)])
    check("group: custodian replaces", g.which_stays([(s1, "owner")], [(c1, "custodian")], o.dev.account) == "other")
    s1b = state(o, 1, s0["hash"], base, title="u")
    check("group: smaller hash", g.which_stays([(s1, "owner")], [(s1b, "owner")], o.dev.account) ==
          ("current" if s1["hash"] < s1b["hash"] else "other"))
