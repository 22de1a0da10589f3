"""Linking, invitations and records against the vectors: B2.6, B18, B19."""
from . import vectors_common
from .vectors_common import *


def linkings(name, i, C):
    if "relay" in i:
        t, box, E = linking.offer(i["secret"], xwing_pub(i["x_wing_seed"]), i["relay"])
        return {"text": t, "box_id": box, "e": E}
    if "configured" in i:
        return {"box_id": linking.scan(i["text"], [i["configured"]])["box_id"]}

    def grant(i):
        return linking.make_grant(linking.scan(i["text"], ["https://relay.example"]), i["e"], i["device_id"], i["manifest"],
                                  i["encapsulation"])
    g = lambda: grant(norm(C["2 grant"]["input"]))
    if "encapsulation" in i:
        return {"box": grant(i)[0]}
    if "made_at_ms" in i:
        s = linking.open_grant(i["secret"], i["x_wing_seed"], i["made_at_ms"], i["now_ms"], i["box"])
        return {"device_id": s["device_id"], "manifest": s["signed"]}
    if "reg_draw" in i:
        s = linking.open_grant(i["secret"], i["x_wing_seed"], 1767225600000, 1767225600000, i["box"])
        reg = 1 + int.from_bytes(i["reg_draw"], "big") % (2**32 - 1)
        box, code, _ = linking.make_reply(s, reg, i["dsk_seed"], i["ddk_seed"], i["kind"])
        return {"box": box, "code": code}
    if "typed" in i:
        e, code = linking.open_reply(g()[1], norm(C["3 reply"]["output"])["box"])
        if code != i["typed"]:
            raise Rejected("Code")
        aik_seed = H(json.load(open(os.path.join(vectors_common.DIR, "identity.json")))["cases"][0]["input"]["device"]["aik_seed"])
        return {"signed": linking.add_device(aik_seed, i["previous"], e, i["now_ms"])}
    return {"kind": linking.open_reply(g()[1], i["box"])[0]["kind"]}


def invitations(name, i, C):
    if "org_key" in i:
        return {"text": invitation.make(i["org_id"], i["org_key"][1:], i["account_id"], i["expires_ms"], i["token"], i["relay"])}
    if "text" in i:
        r = invitation.parse(i["text"], [i["configured"]], i["now_ms"])
        return {k: r[k] for k in ("org_id", "account_id", "expires_ms")}
    if "phase" in i:
        f = {k: v.encode() if isinstance(v, str) else v for k, v in i.items()}
        state = invitation.store(f)
        invitation.load("client" if i["phase"] >= 6 else "practice", state)
        return {"state": state}
    if "side" in i:
        invitation.load(i["side"], i["state"])
        return {}
    t, c = i["token"], invitation.commit(i["nonce_a"])
    if "step_3" in i:
        invitation.check_step3(wire.decode("InvitationUse", i["step_3"], strict=False), t, c)
        return {}
    return {"step_1": invitation.step1(t, i["display_name"], i["nonce_a"]), "step_2": invitation.step23(t, i["nonce_b"]),
            "step_3": invitation.step23(t, i["nonce_a"]), "commit": c,
            "code": invitation.code(i["sid"], t, i["nonce_a"], i["nonce_b"])}


def placements(name, i, C):
    if "state" in i:
        placement.load(i["kind"], i["state"])
        return {}
    state = placement.store(i["kind"], i)
    placement.load(i["kind"], state)
    return {"state": state}


def record(name, i, C):
    if "previous_h" in i:
        e = records.open_entry(i["entry"])
        assert e["seq"] == i["seq"]
        return {"h": records.audit_next(i["previous_h"], i["entry"])}
    if "entries" in i:
        s, h = records.verify_chain([(e["entry"], e["h"]) for e in i["entries"]], [(x["seq"], x["h"]) for x in i["heads"]])
        return {"seq": s, "h": h}
    if "export_of" in i:
        s = wire.decode("SignedStatement", i["export_of"], strict=False)
        e = {"conversation_id": i["conversation_id"], "message_id": i["message_id"], "statement": s}
        return {"export": wire.encode("StatementExport", e)}
    if "received_ms" in i:
        roots = [i["root"][1:]]
        revocations = idn.open_revocation_list(i["revocation_list"], roots)
        if "export" in i:
            e = content.open_export(i["export"])
            return content.verify_statement(e["statement"], e["conversation_id"], e["message_id"], roots, revocations,
                                            i["received_ms"])
        sender = idn.Device(i["sender_account"], i["sender_device"], i["sender_reg"], dsk=i["sender_dsk"][1:],
                            ddk=i["sender_ddk"][1:])
        return content.verify_statement(wire.decode("SignedStatement", i["statement"], strict=False), i["conversation_id"],
                                        i["message_id"], roots, revocations, i["received_ms"], sender,
                                        idn.open_manifest(i["pinned_manifest"]))
    d = person(i["device"])
    if "contents" in i:
        items = [{"sender_account": d.account, "sender_device": i["sender_device"], "server_ts_ms": i["server_ts_ms"],
                  "content": c} for c in i["contents"]]
        f, s = records.history_grant(d, items, i["conversation_id"], i["to_account"], i["from_ms"], i["to_ms"], i["reason"],
                                     i["at_ms"])
        records.open_history(s, f, d.dsk)
        return {"file": f, "sha256": sha256(f), "signed": s}
    if "basis" in i:
        return {"signed": records.erasure(d, **{k: v for k, v in i.items() if k != "device"})}
    if "body" in i:
        return {"sig": content.sign_statement(d.dsk_seed, i["conversation_id"], i["message_id"], i["kind"], i["body"])}
    return {"signed": records.audit_head(d, i["store_id"], i["seq"], i["h"], i["at_ms"])}
