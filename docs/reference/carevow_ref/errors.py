"""B15: errors of the protocol."""


class CarevowError(Exception):
    code = "Internal"

    def __init__(self, reason=""):
        super().__init__(reason)
        self.reason = reason

    def __str__(self):
        return f"{self.code}({self.reason})"


def _make(name):
    return type(name, (CarevowError,), {"code": name})


InvalidInput = _make("InvalidInput")
BundleRejected = _make("BundleRejected")
UntrustedIdentity = _make("UntrustedIdentity")
DowngradeRejected = _make("DowngradeRejected")
Rollback = _make("Rollback")
UnsupportedVersion = _make("UnsupportedVersion")
NoSession = _make("NoSession")
StaleDevice = _make("StaleDevice")
LimitExceeded = _make("LimitExceeded")
Storage = _make("Storage")
Duplicate = _make("Duplicate")
DecryptFailed = _make("DecryptFailed")
# not errors of B15, but what this library uses inside
Rejected = _make("rejected")          # a parser or a verifier says no (no error of B15)
Held = _make("Held")                  # B2.5
Fork = _make("ManifestFork")          # refused with an event
ClockSkew = _make("ClockSkew")        # held, B2.7
