"""Turns one bit of every octet of a pack, and cuts it at every so many; the verifier must find each.

    octets.py VERIFIER HALF HALVES CUTS PACK [KEYS OF varco_verify.py pack]...

The whole verification is run on each. Functions of octets alone remember what they said of the same octets.
"""
import functools
import sys

sys.path.insert(0, sys.argv[1])
import varco_pack  # noqa: E402
from varco_notes import Bad  # noqa: E402

HALF, HALVES, CUTS, PACK = *map(int, sys.argv[2:5]), sys.argv[5]
for name in ("header", "sha256"):
    setattr(varco_pack, name, functools.lru_cache(None)(getattr(varco_pack, name)))
with open(PACK, "rb") as file:
    WHOLE = file.read()
GIVEN = varco_pack.asked([*sys.argv[6:], PACK])


def found(octets):
    try:
        varco_pack.Pack(varco_pack.archive(octets), GIVEN).verify()
    except (Bad, *varco_pack.MALFORMED):
        return True
    return False


assert not found(WHOLE), "it is not whole to begin with"
count = 0
for place in range(HALF, len(WHOLE), HALVES):
    turned = bytearray(WHOLE)
    turned[place] ^= 1 << place % 8
    if not found(bytes(turned)):
        sys.exit("octet %d" % place)
    if place % CUTS == HALF and not found(WHOLE[:place]):
        sys.exit("cut to %d" % place)
    count += 1
print(count)
