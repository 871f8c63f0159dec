"""Turns bits of a log in memory, cuts its files, and takes away, swaps and repeats its entries; the verifier must find it.

    sweep.py VERIFIER FOLDER VKEY some|each HALF

`some` turns one bit of every octet, `each` all eight; HALF is 0 or 1, every other case. The verifier's functions of octets
alone remember what they said of the same octets, so that only what differs is computed.
"""
import functools
import sys

sys.path.insert(0, sys.argv[1])
import varco_verify as v  # noqa: E402

FOLDER, VKEY, BITS, HALF = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
for name in ("checkpoint", "tile_hash", "edge_hashes", "bundle"):
    setattr(v, name, functools.lru_cache(64)(getattr(v, name)))
read, NAMES = v.reader(FOLDER)
WHOLE = {name: read(name) for name in NAMES}


def finds(changed):
    """Whether the log with other files is found not to be whole."""
    files = {**WHOLE, **changed}

    def patched(name):
        if files.get(name) is None:
            raise v.Missing(name)
        return files[name]
    try:
        v.verify(patched, [name for name in files if files[name] is not None], VKEY)
    except v.Bad:
        return True
    return False


def cases():
    for name, octets in sorted(WHOLE.items()):
        every = BITS == "each" or len(octets) < 1000
        for at, octet in enumerate(octets):
            for bit in range(8) if every else (at % 8,):
                yield "%s: octet %d bit %d" % (name, at, bit), {
                    name: octets[:at] + bytes([octet ^ 1 << bit]) + octets[at + 1:]}
        for length in range(0, len(octets), 1 if BITS == "each" else 97):
            yield "%s cut to %d" % (name, length), {name: octets[:length]}
    yield from moved()


def moved():
    """Entries gone, swapped with the next, or repeated, in bundles whose tiles were made again to fit, up to the root."""
    for name in sorted(name for name in WHOLE if name.startswith("tile/entries/")):
        entries, at, octets = [], 0, WHOLE[name]
        while at < len(octets):
            end = at + 2 + int.from_bytes(octets[at:at + 2], "big")
            entries.append(octets[at:end])
            at = end
        tile = name.replace("tile/entries/", "tile/0/")
        for at in range(len(entries) - 1):
            for what, other in (("gone", entries[:at] + entries[at + 1:]),
                                ("swapped", entries[:at] + [entries[at + 1], entries[at]] + entries[at + 2:]),
                                ("repeated", entries[:at + 1] + [entries[at]] + entries[at + 2:])):
                bundle = b"".join(other)
                yield "%s: entry %d %s" % (name, at, what), {name: bundle}
                hashes = b"".join(v.leaf_hash(entry[2:]) for entry in other)
                yield "%s: entry %d %s, with its tile" % (name, at, what), {name: bundle, tile: hashes}


STRAY = ["tile/foo/000.p/5", "tile/0/abc.p/5", "tile/0/000.p/\u00b2", "tile/0/000.p/256", "tile/0/000.p/05", "tile/9/000.p/5",
         "tile/0/999.p/5", "tile/entries/x000/001.p/5", "tile/.p/5", "tile/0", "notes.txt", "tile/entries/003.p/233"]
assert not finds({}), "the log is not whole to begin with"
assert not finds({name: b"?" for name in STRAY}), "files that no checkpoint stands for are no damage"
count = 0
for number, (case, changed) in enumerate(cases()):
    if number % 2 == HALF:
        count += 1
        if not finds(changed):
            sys.exit("not found: " + case)
print("%d cases, all found" % count)
