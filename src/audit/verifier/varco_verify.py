#!/usr/bin/python3
"""Verifies a log of Varco's, so that trust need not rest on Varco's own program.

    varco_verify.py [--site SITE] [--expired-below N] [--keeper VKEY] [--witness VKEY] [--silence MINUTES] [--strict]
                    [--tsa PEM [--timestamp FILE [--stamped FILE]]] FOLDER VKEY [SEEN...]

    varco_verify.py pack FILE       an evidence pack: varco_pack.py, beside this file, says how

--site   whose log it is; without it, the site that the first entry names
--expired-below N   entries below N have expired: their bundles may be gone, their hashes not; without it, what the signed
         file `pruned` says
--keeper the public key of who keeps the copy, and may have signed `pruned`
--witness   the public key of a witness that must have cosigned `checkpoint` or `checkpoint.witnessed`
--tsa PEM   certificates of the timestamp authority, or of its unit: it must have signed every stamp in the folder, one at
         least, or that of --timestamp, which is of `checkpoint` or of the checkpoint --stamped (RFC 3161)
--silence MINUTES   how long a program that runs may be without a heartbeat before it is told; 15
--strict   end with 4 where the log is whole, but nothing was heard for longer than that, or time goes back by more
FOLDER   a copy of the log: `checkpoint` and `tile/` (C2SP tlog-tiles, https://c2sp.org/tlog-tiles)
VKEY     the log's public key, from elsewhere than the folder: NAME+ID+KEY (https://c2sp.org/signed-note)
SEEN     checkpoints of this log that you have from before: it must continue each

Exit codes: 0 whole, 1 cannot be read, 4 not what was signed, or with --strict something to ask about, 5 not signed by the
key or a witness or another log, 6 does not continue a checkpoint seen before, 64 wrong arguments. Needs Python 3.9,
python3-cryptography and the other files of this folder.
"""
import argparse
import os
import re
import sys

import varco_timestamp
from varco_leaves import Heard, leaf
from varco_notes import Bad, Missing, checkpoint, cosigned, key_of, leaf_hash, node_hash, parts_of, pruned, tree_hash


# C2SP tlog-tiles

def path(kind, index, width):
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "tile/%s/%s" % (kind, "/".join(parts)) + (".p/%d" % width if width < 256 else "")


def hashes_of(octets):
    return [octets[i:i + 32] for i in range(0, len(octets), 32)]


def tile_hash(octets):
    return tree_hash(hashes_of(octets))


def edge_hashes(octets):
    """A partial tile's full subtrees, from the left."""
    hashes, at, made = hashes_of(octets), 0, []
    for bit in range(7, -1, -1):
        if len(hashes) & 1 << bit:
            made.append(tree_hash(hashes[at:at + (1 << bit)]))
            at += 1 << bit
    return made


# The entries and the tree

def entry(octets, at, number, expected, heard):
    """Compares the entry at this place of its bundle with its hash, and its header; returns where it ends."""
    end = at + 2 + int.from_bytes(octets[at:at + 2], "big")
    text = octets[at + 2:end]
    if end > len(octets) or end < at + 2 or leaf_hash(text) != expected:
        raise Bad(4, "entry %d is not what was signed" % number)
    parts = leaf(text)
    if not parts:
        raise Bad(4, "entry %d is no leaf, or not sealed as its class must be" % number)
    words, body = parts
    heard.site = heard.site or words[2]
    if words[3] != b"%d" % number or words[2] != heard.site:
        raise Bad(4, "entry %d is of another place or site" % number)
    heard.take(number, words, body)
    return end


def bundle(octets, tile, first, exact, heard):
    """Compares entries from number `first` on with the hashes of their tile. A bundle that is not `exact` may go on after
    them."""
    at = 0
    for number, expected in enumerate(hashes_of(tile), first):
        at = entry(octets, at, number, expected, heard)
    if exact and at != len(octets):
        raise Bad(4, "there is more than entry %d in its bundle" % number)


# Files beside the tree that are read otherwise, or hold nothing.
BESIDE = ("checkpoint", "checkpoint.witnessed", "lock", "pruned")
STAMP = re.compile(r"timestamps/(?:0|[1-9][0-9]*)\.(tsr|checkpoint)")


class Log:
    """`read` gives a file by its path; every tile is compared with the one above it, the highest with the root."""

    def __init__(self, read, size, root, expired=0):
        self.read, self.size, self.tiles, self.expired = read, size, {}, expired
        edge = []
        for level in range(7, -1, -1):
            count = size >> 8 * level
            if count % 256:
                edge += edge_hashes(self.octets(level, count // 256))
        made = edge.pop() if edge else tree_hash([])
        while edge:
            made = node_hash(edge.pop(), made)
        if made != root:
            raise Bad(4, "the right edge of the tree does not make the root of the checkpoint")

    def octets(self, level, index):
        """A tile as it is on the disk, its length checked."""
        width = min(256, (self.size >> 8 * level) - 256 * index)
        octets, exact = self.file(level, index, width)
        if len(octets) != 32 * (width if exact else 256):
            raise Bad(4, path(level, index, width) + " does not have its length")
        return octets[:32 * width]

    def file(self, kind, index, width):
        """A file, and whether it is the very one: where a partial one is gone, the full one has taken its place."""
        try:
            return self.read(path(kind, index, width)), True
        except Missing:
            if width == 256:
                raise
        try:
            return self.read(path(kind, index, 256)), False
        except Missing:
            raise Missing(path(kind, index, width)) from None

    def tile(self, level, index):
        """A tile that belongs to the tree."""
        if (level, index) not in self.tiles:
            octets = self.octets(level, index)
            if len(octets) == 8192:
                above = self.tile(level + 1, index // 256)
                if above[index % 256 * 32:][:32] != tile_hash(octets):
                    raise Bad(4, path(level, index, 256) + " is not what was signed")
            self.tiles = {k: v for k, v in self.tiles.items() if k[0] != level}
            self.tiles[level, index] = octets
        return self.tiles[level, index]

    def entries(self, heard):
        """Compares every entry."""
        for index in range(-(-self.size // 256)):
            tile = self.tile(0, index)
            try:
                octets, exact = self.file("entries", index, len(tile) // 32)
            except Missing:
                if 256 * (index + 1) > self.expired:
                    raise
                heard.skip()
            else:
                bundle(octets, tile, 256 * index, exact, heard)
        heard.skip()

    def others(self, names):
        """Partial tiles and bundles of earlier sizes are the beginning of what they have become. Returns the files that no
        checkpoint stands for."""
        return sorted(name for name in names if name not in BESIDE and not self.known(name))

    def known(self, name):
        if STAMP.fullmatch(name):
            return True
        parts = re.fullmatch(r"tile/(entries|[0-7])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", name)
        if not parts:
            return False
        kind, index, width = parts[1], int(re.sub("[x/]", "", parts[2])), int(parts[3] or 256)
        now = min(256, (self.size >> (0 if kind == "entries" else 8 * int(kind))) - 256 * index)
        if width > now or name != path(kind, index, width):
            return False
        try:
            return width == now or self.begins(kind, index, width, now)
        except Missing:
            # It was listed and is gone since, or what it became has expired.
            return False

    def begins(self, kind, index, width, now):
        before, end = self.read(path(kind, index, width)), 32 * width
        if kind == "entries":
            became, end = self.file(kind, index, now)[0], 0
            for _ in range(width):
                end += 2 + int.from_bytes(became[end:end + 2], "big")
        else:
            became = self.tile(int(kind), index)
        if became[:end] != before:
            raise Bad(4, path(kind, index, width) + " is not what was signed")
        return True

    def root_at(self, size):
        """The root when the log had `size` entries."""
        made, end = None, size
        while end:
            height = (end & -end).bit_length() - 1
            level, count, end = height // 8, 1 << height % 8, end - (1 << height)
            first = end >> 8 * level
            block = hashes_of(self.tile(level, first // 256))[first % 256:][:count]
            made = tree_hash(block) if made is None else node_hash(tree_hash(block), made)
        return made or tree_hash([])


def verify(read, names, vkey, seen=(), heard=None, expired=0, keepers=(), witnesses=()):
    """Raises Bad or returns the size, the files that no checkpoint stands for, and when each witness cosigned; OSError where a
    file cannot be read.
    `names` are all files that there are. What lies beside is read before the checkpoint, which may grow meanwhile."""
    witnessed = [read(name) for name in names if name == "checkpoint.witnessed"]
    stamped = [read(name) for name in names if name.endswith(".checkpoint") and STAMP.fullmatch(name)]
    newest = read("checkpoint")
    size, root = checkpoint(newest, vkey)
    if "pruned" in names:
        expired = max(expired, pruned(read("pruned"), vkey, keepers))
    log = Log(read, size, root, expired)
    log.entries(heard or Heard())
    strangers = log.others(names)
    for note in [*witnessed, *stamped, *seen]:
        old, old_root = checkpoint(note, vkey)
        if old > size or log.root_at(old) != old_root:
            raise Bad(6, "the log does not continue its checkpoint of %d entries" % old)
    return size, strangers, [cosigned([newest, *witnessed], witness) for witness in witnesses]


def stamps(read, names, vkey, authority):
    """Size and instant of each timestamp of a folder, and who signed it; that the log continues what they stamp, `verify` finds."""
    found = []
    for name in names:
        if STAMP.fullmatch(name) and name.endswith(".tsr"):
            try:
                found.append(stamp(read(name), read(name[:-3] + "checkpoint"), vkey, authority))
            except Missing:
                pass  # It was listed and is gone since.
    if not found:
        raise Bad(5, "there is no timestamp")
    return sorted(found)


def stamp(reply, note, vkey, authority):
    size, _ = checkpoint(note, vkey)
    return (size, *varco_timestamp.verify(reply, parts_of(note)[0].encode(), authority))


def reader(folder):
    """The function that reads the folder's files, and all their names."""
    if not os.path.isdir(folder):
        raise OSError(folder + " is no folder")

    def read(name):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(name) from None

    names = (os.path.join(at, name) for at, _, files in os.walk(folder) for name in files)
    return read, [os.path.relpath(name, folder) for name in names]


def asked(arguments):
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.error = lambda _: parser.exit(64, __doc__)
    parser.add_argument("--site", type=os.fsencode, default=b"")
    parser.add_argument("--expired-below", type=int, default=0)
    parser.add_argument("--keeper", action="append", default=[])
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--silence", type=int, default=15)
    parser.add_argument("--strict", action="store_true")
    for name in ("--tsa", "--timestamp", "--stamped"):
        parser.add_argument(name)
    parser.add_argument("folder")
    parser.add_argument("vkey")
    parser.add_argument("seen", nargs="*")
    given = parser.parse_args(arguments)
    if (given.timestamp and not given.tsa) or (given.stamped and not given.timestamp):
        parser.error("")
    return given


def of_time(ask, read, names):
    """What the authority says, where one is named."""
    if not ask.tsa:
        return []
    authority = varco_timestamp.pinned(content(ask.tsa))
    if not ask.timestamp:
        return stamps(read, names, ask.vkey, authority)
    return [stamp(content(ask.timestamp), content(ask.stamped) if ask.stamped else read("checkpoint"), ask.vkey, authority)]


def content(name):
    with open(name, "rb") as file:
        return file.read()


def main(arguments):
    if arguments[:1] == ["pack"]:
        import varco_pack
        return varco_pack.main(arguments[1:])
    ask = asked(arguments)
    try:
        seen = [content(name) for name in [*ask.seen, *filter(None, [ask.stamped])]]
        read, names = reader(ask.folder)
        times = of_time(ask, read, names)
        heard = Heard(ask.site, ask.silence)
        size, strangers, signed = verify(read, names, ask.vkey, seen, heard, ask.expired_below, ask.keeper, ask.witness)
    except Bad as bad:
        print(bad, file=sys.stderr)
        return bad.code
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    for line in heard.lines():
        print(line)
    for name in strangers:
        print("unsigned: %s" % ascii(name)[1:-1])
    for witness, at in zip(ask.witness, signed):
        print("cosigned by %s at %s" % (key_of(witness, 4)[0], at.isoformat()))
    for stamped in times[:1] + times[1:][-1:]:
        print("timestamp  %d entries existed at %s, says %s" % stamped)
    if not seen and not ask.witness:
        print("nothing proves that it was not cut back: no checkpoint seen before was given, and no witness")
    print("whole: %d entries of %s" % (size, heard.site.decode("ascii", "replace") or "no site"))
    return 4 if ask.strict and heard.odd() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
