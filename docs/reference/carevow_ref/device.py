"""A small device over the other modules: one registration, its prekeys, sessions and pins (B4.5, B7, B12.2).
It keeps everything in memory and commits only on success."""
from . import envelope, handshake, identity as idn, prekey, ratchet
from .primitives import *
from .errors import *


class LiveDevice:
    def __init__(self, dev, roots, revocation):
        self.dev, self.roots, self.revocation = dev, roots, revocation
        self.prekeys, self.records, self.env_keys = handshake.Prekeys(), {}, {}
        self.manifest = self.device_cert = self.issuer_cert = None
        self.sessions = {}          # sid -> state; of all peers
        self.archived = {}          # sid -> archived at
        self.pins = {}              # account -> opened manifest
        self.envs = {}              # address -> parsed ENV record
        self.highest = {}           # address -> generation
        self.seen, self.ids = set(), {}

    # own keys
    def add_prekey(self, slot, type_, key_id, nb, na, seed):
        r = prekey.make_record(type_, self.dev, key_id, nb, na, seed)
        self.records[slot] = r
        if type_ == prekey.ENV:
            self.env_keys[key_id] = (seed, r["record"])
        else:
            self.prekeys.add(seed, r["record"])
        return r

    def bundle(self, without_opk=False):
        g = self.records.get
        return prekey.make_bundle(self.manifest, self.dev.device_id, self.device_cert, self.issuer_cert, g("spk"),
                                  None if without_opk else g("opk"), g("kem"), g("env"))

    # sessions of an address (B12.2)
    @staticmethod
    def addr(st):
        p = st["peer"]
        return idn.address(p["account_id"], p["device_id"], p["reg_nonce"])

    def of(self, addr): return [s for s in self.sessions.values() if self.addr(s) == addr]

    def active(self, addr=None):
        """By placement: highest generation, then the smaller sid. Only one peer: addr may be left out."""
        c = [s for s in self.sessions.values() if s["sid"] not in self.archived and (addr is None or self.addr(s) == addr)]
        if not c:
            raise InvalidInput("no active session")
        return min(c, key=lambda s: (-s["generation"], s["sid"]))

    def _place(self, st, now):
        addr = self.addr(st)
        self.sessions[st["sid"]] = st
        self.highest[addr] = max(self.highest.get(addr, 0), st["generation"])
        for s in self.of(addr):
            if s["sid"] != self.active(addr)["sid"] and s["sid"] not in self.archived:
                self.archived[s["sid"]] = now
        old = sorted((s for s in self.of(addr) if s["sid"] in self.archived), key=lambda s: self.archived[s["sid"]])
        for s in old[:-3]:
            del self.sessions[s["sid"]], self.archived[s["sid"]]

    # handshake
    def connect(self, bundle, account, device_id, ek_seed, m, now):
        pin = self.pins.get(account)
        b = prekey.verify_bundle(bundle, self.roots, self.revocation, now, account, device_id, own=self.dev, pin=pin)
        addr = idn.address(b.device.account, b.device.device_id, b.device.reg_nonce)
        gen = self.highest.get(addr, 0) + 1
        st, det = handshake.initiate(self.dev, b.device, gen, b.spk, b.opk, b.kem, ek_seed, m, now)
        self.pins[account] = b.manifest
        self.envs[addr] = b.env
        self._place(st, now)
        return st, det

    def send(self, content, now, rnd, **opt):
        addr = opt.pop("address", None)
        st, wire_, det = ratchet.send(self.active(addr), content, now, rnd, **opt)
        self.sessions[st["sid"]] = st
        return st, wire_, det

    def _accept_init(self, inner, now, expected_a=None):
        h = handshake.parse_init_header(inner[:handshake.INIT_LEN])
        addr = idn.address(h["a"].account, h["a"].device_id, h["a"].reg_nonce)
        st, content, info = handshake.accept(self.dev, self.prekeys, inner, now, self.highest.get(addr, 0), self.seen,
                                             self.sessions, expected_a)
        for k in info["used"]:
            self.prekeys.keys.pop(k, None)
        if info.get("seen"):
            self.seen.add(info["sid"])
        if info["existing"]:
            self.sessions[st["sid"]] = st
        else:
            self._place(st, now)
        return st, content

    def _receive_session(self, msg, now, addr=None):
        ratchet.check_message(msg)
        c = self.of(addr) if addr else list(self.sessions.values())
        if addr:
            c.sort(key=lambda s: (s["sid"] in self.archived, -self.archived.get(s["sid"], 0)))
        else:
            c.sort(key=lambda s: -s["last_progress_ms"])
        for s in c:
            if ratchet.find_header(s, msg, now) is not None:
                st, content = ratchet.receive(s, msg, now)
                self.sessions[st["sid"]] = st
                return st, content
        raise NoSession("no header opens")

    def receive(self, b, now):
        """Bare inner bytes without an envelope: an INIT (0x31) or a SessionMessage (0x03)."""
        if b[:1] == b"\x31":
            return self._accept_init(b, now)
        return self._receive_session(b, now)

    # envelopes
    def seal(self, inner, r, address=None):
        st = self.active(address)
        addr = self.addr(st)
        env = self.envs.get(addr)
        if env is None:
            raise InvalidInput("no ENV record of the peer")
        p = st["peer"]
        peer = idn.Device(p["account_id"], p["device_id"], p["reg_nonce"], p["aik"], p["dsk"], p["ddk"])
        return envelope.seal(1 if inner[:1] == b"\x31" else 2, self.dev, peer, env, self.device_cert, self.issuer_cert,
                             self.manifest, inner, r)

    def learn_env(self, signed, addr, now):
        p = next(s["peer"] for s in self.sessions.values() if self.addr(s) == addr)
        peer = idn.Device(p["account_id"], p["device_id"], p["reg_nonce"], p["aik"], p["dsk"], p["ddk"])
        self.envs[addr] = prekey.check_record(signed, peer, {prekey.ENV}, now)

    def open_sealed(self, b, server_ms, now):
        known = {k for k, t in self.ids.items() if max(0, now - t) < 48 * HOUR}
        return envelope.open_sealed(b, self.dev, self.env_keys, self.roots, self.revocation, server_ms, now,
                                    pin=self.pins.get, known_ids=known)

    def open(self, b, server_ms, now):
        """A whole envelope -> (state, content, what)"""
        if envelope.check_outer(b) == 3:
            st, c = self._receive_session(b, now)
            return st, c, "SESSION"
        try:
            o = self.open_sealed(b, server_ms, now)
        except CarevowError as e:
            if getattr(e, "tag_ok", False) and not isinstance(e, Held):
                self.ids[envelope.envelope_id(b)] = now
            raise
        self.ids[o["id"]] = now
        a = o["a"]
        try:
            if o["inner"][:1] == (b"\x03" if o["kind"] == 1 else b"\x31"):
                raise DecryptFailed("kind")
            if o["kind"] == 1:
                st, c = self._accept_init(o["inner"], now, expected_a=a)
                self.pins[a.account] = o["manifest"]
            else:
                st, c = self._receive_kind2(o["inner"], now, a)
        except NoSession:                   # B15: inside SEALED a header that opens nothing is DecryptFailed
            raise DecryptFailed("no session")
        st["certificate_seen_until_ms"] = max(st["certificate_seen_until_ms"], o["cert"]["not_after_ms"])
        st["state_seq"] += 1
        return st, c, "INIT" if o["kind"] == 1 else "SEALED SESSION"

    def _receive_kind2(self, inner, now, a):
        addr = idn.address(a.account, a.device_id, a.reg_nonce)
        for s in self.of(addr):
            p = s["peer"]
            if (p["dsk"], p["ddk"], p["aik"]) != (a.dsk, a.ddk, a.aik) and ratchet.find_header(s, inner, now) is not None:
                raise DecryptFailed("certificate of another session")
        return self._receive_session(inner, now, addr)
