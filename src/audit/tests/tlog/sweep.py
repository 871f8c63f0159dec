"""Turns every bit of a log of 1,000 entries in memory, cuts its files at every length, and takes away, swaps, repeats and
puts back entries and files; the verifier must find it.

    sweep.py VERIFIER FOLDER OLDER VKEY HALF

OLDER has a checkpoint of each earlier size, named by it; HALF is 0 or 1, every other case. The verifier's own functions do
it. What they would say again of octets that are as they were is not done again: entries before the changed one, bundles and
tiles before the first changed one; and in the last part functions of octets alone remember what they said of the same octets.
"""
import functools
import os
import sys

sys.path.insert(0, sys.argv[1])
import varco_leaves  # noqa: E402
import varco_verify as v  # noqa: E402

FOLDER, OLDER, VKEY, HALF = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
READ, NAMES = v.reader(FOLDER)
WHOLE = {name: READ(name) for name in NAMES}
SIZE, ROOT = v.checkpoint(WHOLE["checkpoint"], VKEY)
LOG = v.Log(WHOLE.__getitem__, SIZE, ROOT)
count = turn = 0


def check(case, finds):
    """Every other case is ours."""
    global count, turn
    turn += 1
    if turn % 2 == HALF:
        count += 1
        if not finds():
            sys.exit("not found: " + case)


def finds(changed, seen=(), whole=None):
    """Whether the whole verification finds the log with other files not to be whole."""
    files = {**(WHOLE if whole is None else whole), **changed}

    def patched(name):
        if files.get(name) is None:
            raise v.Missing(name)
        return files[name]
    try:
        v.verify(patched, [name for name in files if files[name] is not None], VKEY, seen)
    except v.Bad as bad:
        return bad.code
    return 0


def bad(function, *arguments):
    try:
        function(*arguments)
    except v.Bad:
        return True
    return False


class Bundle:
    """A bundle, its entries, and the tile that was found to be theirs."""

    def __init__(self, index):
        self.index, self.tile = index, LOG.tile(0, index)
        self.name = v.path("entries", index, len(self.tile) // 32)
        self.octets, self.entries, self.starts = WHOLE[self.name], [], []
        at = 0
        while at < len(self.octets):
            end = at + 2 + int.from_bytes(self.octets[at:at + 2], "big")
            self.starts.append(at)
            self.entries.append(self.octets[at:end])
            at = end
        self.starts.append(at)

    def finds(self, first, octets):
        """Whether octets that stand there from an entry on, of which those before are as they were, are found."""
        return bad(v.bundle, octets, self.tile[32 * first:], 256 * self.index + first, True, v.Heard(b"library"))


BUNDLES = [Bundle(index) for index in range(-(-SIZE // 256))]


def bundle_bits(this):
    for number, entry in enumerate(this.entries):
        rest = bytearray(this.octets[this.starts[number]:])
        for at in range(len(entry)):
            for bit in range(8):
                def turned():
                    rest[at] ^= 1 << bit
                    found = this.finds(number, bytes(rest))
                    rest[at] ^= 1 << bit
                    return found
                check("%s: entry %d, octet %d bit %d" % (this.name, number, at, bit), turned)
            check("%s: entry %d cut to %d" % (this.name, number, at), lambda: this.finds(number, bytes(rest[:at])))


def other_bits(name):
    """Of the checkpoint, and of tiles and bundles by the function that reads each first."""
    octets = bytearray(WHOLE[name])
    parts = name.split("/")
    level, full = parts[1] if name != "checkpoint" else "", ".p" not in name
    edge = level != "entries" and name == v.path(level, int(parts[2][:3]), (SIZE >> 8 * int(level)) % 256) if level else False

    def read(asked):
        return bytes(octets) if asked == name else WHOLE[asked]

    def once():
        if not level:
            return bad(v.checkpoint, bytes(octets), VKEY)
        if edge:
            return bad(v.Log, read, SIZE, ROOT)
        LOG.read, LOG.tiles = read, {}
        return bad(LOG.tile, int(level), int(parts[2])) if full else bad(LOG.others, [name])

    for at in range(len(octets)):
        for bit in range(8):
            def turned():
                octets[at] ^= 1 << bit
                found = once()
                octets[at] ^= 1 << bit
                return found
            check("%s: octet %d bit %d" % (name, at, bit), turned)
    whole, LOG.read = bytes(octets), WHOLE.__getitem__
    for length in range(len(whole)):
        def cut():
            octets[:] = whole[:length]
            found = once()
            octets[:] = whole
            return found
        check("%s cut to %d" % (name, length), cut)
    LOG.read, LOG.tiles = WHOLE.__getitem__, {}


def swaps():
    """Any two entries: the first of the two places has another entry."""
    for one in range(SIZE):
        this = BUNDLES[one // 256]
        for other in range(one + 1, SIZE):
            entry = BUNDLES[other // 256].entries[other % 256]
            check("%d and %d swapped" % (one, other),
                  lambda: bad(v.entry, entry, 0, one, this.tile[one % 256 * 32:][:32], v.Heard(b"library")))


def order(way, at):
    here, after = list(range(at)), list(range(at + 1, SIZE))
    return {"gone": here + after,
            "swapped": here + after[:1] + [at] + after[1:],
            "repeated": here + [at, at] + after[:-1],
            "in the place of the next": here + [at, at] + after[1:] if after else [at] + here[1:] + [at]}[way]


def moved():
    """An entry gone, swapped with the next, or repeated: its bundles, with its tile, and with the whole tree made again."""
    entries = [entry for this in BUNDLES for entry in this.entries]
    hashes = [v.leaf_hash(entry[2:]) for entry in entries]
    for at in range(SIZE):
        for way in ("gone", "swapped", "repeated", "in the place of the next"):
            new = order(way, at)
            if new[:SIZE] == list(range(SIZE)):
                this = BUNDLES[-1]
                check("the last entry repeated", lambda: this.finds(0, this.octets + entries[at]))
                continue
            files, case = {}, "entry %d %s" % (at, way)
            for this in BUNDLES:
                first = 256 * this.index
                now = new[first:first + len(this.entries)]
                if now != list(range(first, first + len(this.entries))):
                    files[this.name] = b"".join(entries[n] for n in now)
            tiles = [new[first:first + 256] for first in range(0, SIZE, 256)]
            tiles = [b"".join(hashes[n] for n in tile) for tile in tiles]
            names = [v.path(0, n, min(256, SIZE - 256 * n)) for n in range(len(tiles))]
            this = BUNDLES[at // 256]

            def alone():
                first = min(n for n, (a, b) in enumerate(zip(new + [None], range(SIZE))) if a != b)
                where = BUNDLES[first // 256]
                octets = files[where.name]
                return where.finds(first % 256, octets[where.starts[first % 256]:])
            check(case, alone)
            check(case + ", its tile made again", lambda: finds({**files, names[this.index]: tiles[this.index]}))
            top = {"tile/1/000.p/3": b"".join(v.tile_hash(tile) for tile in tiles[:3])}
            check(case + ", the tree made again", lambda: finds({**files, **dict(zip(names, tiles)), **top}))


def files_moved():
    for name in NAMES:
        if ".p/" in name and any(other.split(".p/")[0] == name.split(".p/")[0] and len(WHOLE[other]) > len(WHOLE[name])
                                 for other in NAMES):
            assert not finds({name: None}), "nothing needs what it was before: " + name
        else:
            check(name + " gone", lambda: finds({name: None}))
        for other in NAMES:
            if other != name:
                check(other + " in the place of " + name, lambda: finds({name: WHOLE[other]}))


def earlier(size):
    """The files of the log when it had this size, and nothing of other sizes."""
    files = {}
    for level, width in [("entries", 1)] + [(n, 32) for n in range(2)]:
        total = size >> (0 if level == "entries" else 8 * level)
        for index in range(-(-total // 256)):
            now = min(256, total - 256 * index)
            if level == "entries":
                octets = BUNDLES[index].octets[:BUNDLES[index].starts[now]]
            else:
                octets = LOG.octets(level, index)[:32 * now]
            files[v.path(level, index, now)] = octets
    return files


def replays():
    """Each earlier size put back, whole or its checkpoint alone: found by the newest checkpoint, which was seen."""
    seen = [WHOLE["checkpoint"]]
    for size in range(SIZE):
        with open(os.path.join(OLDER, str(size)), "rb") as file:
            note = file.read()
        check("the log of %d" % size, lambda: finds({"checkpoint": note}, seen, earlier(size)) == 6)
        check("the checkpoint of %d" % size, lambda: finds({"checkpoint": note}, seen))
        for name, octets in earlier(size).items():
            place = name.split(".p/")[0]
            for now in NAMES:
                if now.split(".p/")[0] == place and WHOLE[now] != octets and len(WHOLE[now]) > len(octets):
                    check("%s of %d in the place of %s" % (name, size, now), lambda: finds({now: octets}))


STRAY = ["tile/foo/000.p/5", "tile/0/abc.p/5", "tile/0/000.p/\u00b2", "tile/0/000.p/256", "tile/0/000.p/05", "tile/9/000.p/5",
         "tile/0/999.p/5", "tile/entries/x000/001.p/5", "tile/.p/5", "tile/0", "notes.txt", "tile/entries/003.p/233"]
assert not finds({}), "the log is not whole to begin with"
assert not finds({name: b"?" for name in STRAY}), "files that no checkpoint stands for are no damage"
for this in BUNDLES:
    assert not this.finds(0, this.octets) and not this.finds(7, this.octets[this.starts[7]:]), "whole"
    bundle_bits(this)
for name in sorted(set(NAMES) - {this.name for this in BUNDLES}):
    other_bits(name)
for module, name in ((v, "leaf_hash"), (v, "leaf"), (varco_leaves, "nanoseconds"), (v, "tile_hash")):
    setattr(module, name, functools.lru_cache(4096)(getattr(module, name)))
for part in (swaps, moved, files_moved, replays):
    part()
print("%d cases, all found" % count)
