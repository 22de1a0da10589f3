"""B8: padding."""
CLINICAL, COMPACT = 1536, 256
MINB = {"clinical": CLINICAL, "compact": COMPACT}


def padme(L):
    if L < 2:
        return L            # QUESTIONS: B8 defines L >= 2 only
    E = L.bit_length() - 1
    S = E.bit_length()      # floor(log2 E) + 1
    m = (1 << (E - S)) - 1
    return (L + m) & ~m


def pad(L, minb): return minb if L <= minb else padme(L)
def P(L, minb, minimum): return max(pad(L, minb), minimum)
def profile_minb(padding_profile): return COMPACT if padding_profile == 2 else CLINICAL
