"""Says of each line, a name of JSON with `reply`, `text` and `pem` in hexadecimal, what the second verifier says: the instant and
who signed, or `-`. With `octets` in place of a line's end one bit of each octet of the reply is turned, and what is taken is told.
"""
import json
import sys
import warnings

sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
import varco_timestamp  # noqa: E402
from varco_notes import Bad  # noqa: E402


def says(reply, text, anchors):
    try:
        return "%s %s" % varco_timestamp.verify(reply, text, anchors)
    except Bad:
        return "-"


def turned(reply, text, anchors):
    taken = []
    for place in range(len(reply)):
        for bit in (0, place % 7 + 1):
            other = bytearray(reply)
            other[place] ^= 1 << bit
            if says(bytes(other), text, anchors) != "-":
                taken.append("%d.%d" % (place, bit))
    cuts = [end for end in range(len(reply)) if says(reply[:end], text, anchors) != "-"]
    return " ".join(taken + ["cut to %d" % end for end in cuts])


for line in sys.stdin:
    case = json.loads(line)
    reply, text, pem = (bytes.fromhex(case[name]) for name in ("reply", "text", "pem"))
    print((turned if case["turn"] else says)(reply, text, varco_timestamp.pinned(pem)))
