"""python -m carevow_ref.live: the line protocol of LIVE.md on stdin and stdout."""
import json
import sys
from . import attachment, content, identity as idn, prekey, ratchet, safety_number
from .device import LiveDevice
from .primitives import *
from .errors import *

H = bytes.fromhex
TYPES = {"spk": prekey.SPK, "opk": prekey.OPK, "kem": prekey.KEM_ONCE, "env": prekey.ENV}


def hexed(v):
    if isinstance(v, (bytes, bytearray)):
        return v.hex()
    if isinstance(v, dict):
        return {k: hexed(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [hexed(x) for x in v]
    return v


def signed(d): return {k: H(v) for k, v in d.items()}


class Live:
    def __init__(self):
        self.d = None

    def op_init(self, q):
        dev = idn.Device.from_seeds(H(q["account_id"]), q["device_id"], q["reg_nonce"], H(q["aik_seed"]), H(q["dsk_seed"]),
                                    H(q["ddk_seed"]))
        roots = [parse_key(ED, H(r)) for r in q["roots"]]
        lst = idn.open_revocation_list(signed(q["revocation_list"]), roots) if q.get("revocation_list") else None
        d = LiveDevice(dev, roots, lst)
        m = q["manifest"]
        d.manifest = signed(m) if "body" in m else idn.make_manifest(
            dev.aik_seed, dev.account, 1, Z32, m["issued_at_ms"], m["expires_at_ms"],
            [idn.device_entry(dev, m.get("kind", 1), m["issued_at_ms"])])
        idn.open_manifest(d.manifest)
        if "device_cert" in q:
            d.device_cert, d.issuer_cert = signed(q["device_cert"]), signed(q["issuer_cert"])
        else:
            c = q["certify"]
            s = H(c["issuer_seed"])
            d.issuer_cert = idn.make_issuer_cert(H(c["root_seed"]), ed_pub(s), c["issuer_id"], c["issuer_not_before_ms"],
                                                 c["issuer_not_after_ms"], c["max_leaf_ms"])
            d.device_cert = idn.make_device_cert(s, c["issuer_id"], H(c["serial"]), dev, c["not_before_ms"], c["not_after_ms"])
            if lst is None and q.get("revocation_list", 0) is None:
                x = idn.make_revocation_list(H(c["root_seed"]), 1, c["not_before_ms"], c["not_after_ms"] + 30 * DAY)
                d.revocation = idn.open_revocation_list(x, roots)
        for slot, p in q["prekeys"].items():
            if p:
                t = prekey.KEM_LAST if p.get("last_resort") else TYPES[slot]
                d.add_prekey(slot, t, p["key_id"], p["not_before_ms"], p["not_after_ms"], H(p["seed"]))
        self.d = d
        return {"aik": tagged(ED, dev.aik), "dsk": tagged(ED, dev.dsk), "ddk": tagged(X, dev.ddk), "manifest": d.manifest,
                "device_cert": d.device_cert, "issuer_cert": d.issuer_cert, "records": d.records}

    def op_bundle(self, q): return {"bytes": self.d.bundle(q.get("without_opk", False))}

    def op_connect(self, q):
        r = q["random"]
        st, det = self.d.connect(H(q["bundle"]), H(q["account_id"]), q["device_id"], H(r["ek_seed"]), H(r["m"]), q["now"])
        return {"sid": st["sid"], "bundle_hash": det["bundle_hash"], "init_header": det["init_header"],
                "generation": st["generation"]}

    def _addr(self, q): return H(q["address"]) if q.get("address") else None

    def op_send(self, q):
        rnd = {k: H(v) for k, v in q["random"].items() if v}
        st, w, det = self.d.send(H(q["content"]), q["now"], rnd, profile=q.get("profile", "clinical"),
                                 minimum_body=q.get("minimum_body", 0), lane_offer_now=q.get("lane_offer", "policy") == "now",
                                 address=self._addr(q))
        return {"bytes": w, "sid": st["sid"], "drawn": det["drawn"], "n": det["inside"]["n"], "pn": det["inside"]["pn"],
                "mix_epoch": det["inside"]["mix_epoch"], "pq_flags": det["inside"]["body"][1]}

    def op_receive(self, q):
        st, c = self.d.receive(H(q["bytes"]), q["now"])
        return {"content": c, "sid": st["sid"]}

    def op_seal(self, q):
        b, det = self.d.seal(H(q["inner"]), H(q["random"]["encapsulation"]), self._addr(q))
        return {"bytes": b, "envelope_id": det["envelope_id"], "kind": 1 if H(q["inner"])[:1] == b"\x31" else 2}

    def op_open(self, q):
        st, c, what = self.d.open(H(q["bytes"]), q.get("server_ms", q["now"]), q["now"])
        return {"content": c, "sid": st["sid"], "what": what}

    def op_peer_env(self, q):
        st = self.d.active(self._addr(q))
        self.d.learn_env({"record": H(q["record"]), "sig": H(q["sig"])}, self.d.addr(st), q["now"])
        return {}

    def op_state(self, q):
        st = self.d.sessions[H(q["sid"])] if q.get("sid") else self.d.active(self._addr(q))
        return {"state": ratchet.encode_state(st), "sid": st["sid"]}

    def op_load(self, q):
        st = ratchet.decode_state(H(q["state"]))
        addr = self.d.addr(st)
        self.d.sessions[st["sid"]] = st
        self.d.highest[addr] = max(self.d.highest.get(addr, 0), st["generation"])
        return {"sid": st["sid"]}

    def op_pin(self, q):
        m = idn.open_manifest(signed(q["manifest"]))
        self.d.pins[m["account_id"]] = m
        return {}

    def op_pair_id(self, q): return {"conversation_id": content.pair_id(H(q["account_a"]), H(q["account_b"]))}

    def op_content(self, q):
        m = content.parse(H(q["content"]))
        return {"body": m["body"], "opaque": m["opaque"], "message_id": m["message_id"], "digest": m["digest"]}

    def op_safety(self, q):
        fp = lambda x: safety_number.fingerprint(parse_key(ED, H(x["aik"])), H(x["account_id"]))
        a, b = fp(q["local"]), fp(q["remote"])
        return {"digits": safety_number.digits(a, b), "qr": safety_number.qr(a, b)}

    def op_attach(self, q):
        f, ak = H(q["file"]), H(q["ak"])
        blob = attachment.seal(ak, q["purpose"], f)
        return {"blob": blob, "blob_id": sha256(blob), "sha256": sha256(f), "size": len(f),
                "padded_size": attachment.sizes(len(f))[0]}

    def op_detach(self, q):
        d = {k: H(v) if isinstance(v, str) else v for k, v in q["descriptor"].items()}
        return {"file": attachment.open_blob(d, q["purpose"], H(q["blob"]))}


def main():
    live = Live()
    for line in sys.stdin:
        if not line.strip():
            continue
        q = {}
        try:
            q = json.loads(line)
            if q["op"] == "quit":
                break
            f = getattr(live, "op_" + q["op"], None)
            if f is None:
                raise InvalidInput("op")
            if live.d is None and q["op"] not in ("init", "pair_id", "content", "safety", "attach", "detach"):
                raise InvalidInput("init first")
            r = hexed(f(q))
        except CarevowError as e:
            r = {"error": e.code, "reason": str(e.reason)}
        except (KeyError, ValueError, TypeError, IndexError) as e:
            r = {"error": "InvalidInput", "reason": f"{type(e).__name__}: {e}"}
        if "id" in q:
            r["id"] = q["id"]
        print(json.dumps(r), flush=True)


if __name__ == "__main__":
    main()
