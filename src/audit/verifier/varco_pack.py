"""Verifies an evidence pack of Varco's: the second program, which shares nothing with the first.

    varco_verify.py pack [--hub-vkey K] [--mirror K] [--vkey K]... [--witness K]... [--holders FOLDER] FILE

Keys that are not given are taken from the pack itself, which is then said. Time stamps are not looked at (openssl ts).
Exit codes: 0 whole, 1 cannot be read, 4 not what was signed, 5 not signed by the key, 64 wrong arguments.
"""
import argparse
import base64
import datetime
import hashlib
import hmac
import io
import json
import os
import re
import struct
import sys
import tarfile
import uuid

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from varco_verify import Bad, checkpoint, leaf_hash, node_hash, tree_hash, unbase64

STEPS = ("asked", "allowed", "answered")
MINUTE = 60 * 10 ** 9


def need(holds, text, code=4):
    if not holds:
        raise Bad(code, text)


def sha256(octets):
    return hashlib.sha256(octets).hexdigest()


# The archive: ustar in its one spelling

def header(name, size):
    head = bytearray(512)
    fields = ((0, name), (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"), (124, b"%011o\0" % size),
              (136, b"00000000000\0"), (148, b" " * 8), (156, b"0"), (257, b"ustar\00000"))
    for at, value in fields:
        head[at:at + len(value)] = value
    head[148:156] = b"%07o\0" % sum(head)
    return bytes(head)


def archive(octets):
    """The files of a pack by their names."""
    try:
        with tarfile.open(fileobj=io.BytesIO(octets), mode="r:") as tar:
            files = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
    except (tarfile.TarError, AttributeError, ValueError, OSError, EOFError):
        files = {}
    made = b"".join(header(name.encode(), len(text)) + text + bytes(-len(text) % 512)
                    for name, text in sorted(files.items()))
    need(files and all(len(n) <= 100 for n in files) and made + bytes(1024) == octets,
         "this is no evidence pack, or an octet of the archive was changed")
    return files


# Signed notes of the officers

class Holder:
    """A line `varco-holder/2 <role> <name> <vkey> <opening key>`."""

    def __init__(self, line):
        form, self.role, self.name, vkey, _ = line.rstrip("\n").split(" ")
        name, key_id, key = vkey.split("+", 2)
        key = unbase64(key)
        over = self.name.encode() + b"\n" + key if key[0] == 1 else key[1:]
        same = name == self.name and hashlib.sha256(over).digest()[:4].hex() == key_id
        need(form == "varco-holder/2" and same, "a holder's key is malformed", 5)
        self.id, self.kind, self.key = bytes.fromhex(key_id), key[0], key[1:]

    def verify(self, text, line):
        """Whether a signature line, with its newline, is theirs over this text."""
        try:
            dash, name, signature = line.rstrip("\n").split(" ")
            octets = unbase64(signature)
            need(dash == "\u2014" and name == self.name and octets[:4] == self.id, "signed by somebody else", 5)
            if self.kind == 1:
                Ed25519PublicKey.from_public_bytes(self.key).verify(octets[4:], text.encode())
            else:
                key = serialization.load_der_public_key(self.key)
                key.verify(octets[4:], text.encode(), ec.ECDSA(hashes.SHA256()))
        except (ValueError, InvalidSignature):
            raise Bad(5, "the signature of %s is wrong" % self.name) from None


def note(octets):
    """Text and signature lines."""
    try:
        text, lines = octets.decode().rsplit("\n\n", 1)
    except ValueError:
        raise Bad(4, "no signed note") from None
    need(lines.endswith("\n") and not lines.startswith("\n"), "no signed note")
    return text + "\n", lines.splitlines(True)


def document(octets, form, people, role):
    """The lines of a document that one holder of a role signed."""
    text, lines = note(octets)
    fields = [line.split(" ", 1) for line in text.splitlines()]
    need(fields[0] == [form] and len(lines) == 1 and all(len(f) == 2 for f in fields[1:]), "no " + form)
    by = people.get(dict(fields[1:]).get("by"))
    need(by and by.role == role, form + " is signed by nobody who may", 5)
    by.verify(text, lines[0])
    return fields[1:]


# Logs

def inclusion_root(index, size, leaf, proof):
    if size == 1:
        need(not proof, "a proof is too long")
        return leaf
    need(proof and index < size, "a proof is too short")
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        return node_hash(inclusion_root(index, left, leaf, proof[:-1]), proof[-1])
    return node_hash(proof[-1], inclusion_root(index - left, size - left, leaf, proof[:-1]))


def continued(old, size, known, proof):
    """Both roots that a consistency proof leads to (RFC 6962, section 2.1.2)."""
    if old == size:
        need(len(proof) == (0 if known else 1), "a consistency proof has another length")
        root = known or proof[0]
        return root, root
    need(proof and old < size, "a consistency proof is too short")
    left = 1 << (size - 1).bit_length() - 1
    if old <= left:
        before, now = continued(old, left, known, proof[:-1])
        return before, node_hash(now, proof[-1])
    before, now = continued(old - left, size - left, None, proof[:-1])
    return node_hash(proof[-1], before), node_hash(proof[-1], now)


def consistent(old, old_root, size, root, proof):
    if old == 0:
        return not proof and old_root == tree_hash([])
    return old <= size and continued(old, size, old_root, proof) == (old_root, root)


class Entry:
    """A C2SP tlog-proof, verified by the key of its log."""

    def __init__(self, name, octets, vkey):
        try:
            proof, self.note = octets.decode().split("\n\n", 1)
            first, extra, index, *path = proof.split("\n")
            entry, path = unbase64(extra.split(" ")[1]), [unbase64(h) for h in path]
            number = int(index.split(" ")[1])
            whole = "\n".join(["c2sp.org/tlog-proof@v1", "extra " + base64.b64encode(entry).decode(), "index %d" % number]
                              + [base64.b64encode(h).decode() for h in path])
            need(whole == proof, name + " is no proof")
        except (ValueError, IndexError):
            raise Bad(4, name + " is no proof") from None
        self.size, self.root = checkpoint(self.note.encode(), vkey)
        need(inclusion_root(number, self.size, leaf_hash(entry), path) == self.root, name + " proves nothing")
        self.line, _, self.body = entry.partition(b"\n")
        words = self.line.decode("ascii", "replace").split(" ")
        need(len(words) == 7 and words[0] == "varco-leaf/1" and words[3] == str(number), name + " is no leaf of its place")
        self.name, self.cls, self.site, self.at, self.period, self.mark = name, words[1], words[2], *words[4:]
        self.number = number

    def content(self, keys=None):
        """What it says: opened by the secrets, or clear."""
        body = self.body
        if self.period != "-":
            need(keys is not None and body[:1] == b"\5", self.name + " is not sealed to two")
            halves = [bytes.fromhex(line.split(" ")[1]) for line in keys.decode("ascii", "replace").splitlines()]
            body = opened(halves, self.line, body[1:])
        try:
            return session_record(body) if self.period != "-" and body[:1] != b"{" else json.loads(body)
        except (ValueError, IndexError, OverflowError, struct.error):
            raise Bad(4, self.name + " says nothing") from None


def opened(halves, line, body):
    """Two encapsulated keys, a commitment, and a ChaCha20-Poly1305 text, by both halves of the leaf's key."""
    public, commitment, text = body[:64], body[64:96], body[96:]
    need(len(halves) == 2, "a record wants two secrets")
    made = hmac.new(b"".join(halves), b"varco leaf commitment" + public, hashlib.sha256).digest()
    need(hmac.compare_digest(made, commitment), "a secret does not open its record")
    key = hmac.new(b"".join(halves), b"varco leaf key", hashlib.sha256).digest()
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), text, line)
    except InvalidTag:
        raise Bad(4, "a record was changed") from None


def instant(nanoseconds):
    """As an instant is written: RFC 3339 in UTC, the second's fraction without zeros at its end."""
    second, fraction = divmod(nanoseconds, 10 ** 9)
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=second)).isoformat()
    return text + ("." + ("%09d" % fraction).rstrip("0") if fraction else "") + "Z"


CAUSES = ["logged-out", "provider-logged-out", "expired", "idle", "expelled", "replaced", "closed", "spent", "moved"]


def session_record(octets):
    """A record of a session as JSON has it: its kind, the pass, and what the kind has."""
    if octets[0] & 0x80:
        error, = struct.unpack(">Q", octets[1:9])
        told = session_record(bytes([octets[0] & 0x7f]) + octets[9:])
        return {**told, "clock": "unknown" if error == 2 ** 64 - 1 else {"within-ms": error}}
    kind, rest = octets[0], octets[17:]
    passed = str(uuid.UUID(bytes=octets[1:17]))
    if kind == 1:
        until, = struct.unpack(">q", rest[:8])
        return {"body": {"began": {"pass": passed, "subject": rest[8:].decode("ascii"), "until": instant(until)}}}
    if kind == 2 and len(rest) == 1 and rest[0] > 0:
        return {"body": {"ended": {"pass": passed, "cause": CAUSES[rest[0] - 1]}}}
    if kind == 3:
        a, b, c, d, first, last, connection = struct.unpack(">4B2HQ", rest)
        slot = {"address": "%d.%d.%d.%d" % (a, b, c, d), "first_port": first, "last_port": last}
        return {"body": {"lent": {"pass": passed, "slot": slot, "connection": connection}}}
    raise ValueError


def cosigned(text, vkey):
    """A cosignature of kind 4 on a checkpoint's note (C2SP tlog-cosignature); the second of it."""
    try:
        name, key_id, key = vkey.split("+", 2)
        key = unbase64(key)
        need(key[0] == 4 and hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id, "no witness's key", 64)
        body, lines = note(text.encode())
        for line in lines:
            _, signer, signature = line.rstrip("\n").split(" ")
            octets = unbase64(signature)
            if signer == name and octets[:4].hex() == key_id:
                second = int.from_bytes(octets[4:12], "big")
                message = "cosignature/v1\ntime %d\n%s" % (second, body)
                Ed25519PublicKey.from_public_bytes(key[1:]).verify(octets[12:], message.encode())
                return second
    except (ValueError, InvalidSignature):
        pass
    raise Bad(5, "not cosigned by " + vkey.split("+")[0])


# The answer

def nanoseconds(text):
    """An instant of RFC 3339 as nanoseconds since 1970."""
    parts = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    need(parts, "no instant: " + text)
    year, month, day, hour, minute, second = map(int, parts.groups()[:6])
    # Days by the civil calendar, from 0000-03-01.
    y, m = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + day - 1 - 719468
    zone = parts[8].replace("Z", "+00:00")
    offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    return ((days * 24 + hour) * 60 + minute - offset) * MINUTE + second * 10 ** 9 + int((parts[7] or "0").ljust(9, "0"))


def clock(value):
    """An error of a clock as an answer writes it."""
    return "unknown" if value in ("unknown", None) else "%dms" % value["within-ms"]


def worse(*clocks):
    return "unknown" if "unknown" in clocks else "%dms" % max(int(c[:-2]) for c in clocks)


def sessions(records, question):
    """The lines of an answer from a site's records: number → entry and content."""
    told, used = {}, set()
    for number in sorted(records):
        entry, content = records[number]
        kind, body = next(iter(content["body"].items()))
        if kind == "ended":
            need(body["pass"] in told, "an end without its beginning")
            used.add(number)
            session = told[body["pass"]]
            session["records"].append(number)
            if session["ended"] == "open":
                own = [clock(content["clock"])] if content.get("clock") else []
                session.update({"ended": body["cause"], "until": entry.at, "clocks": session["clocks"] + own})
        if kind != "lent":
            continue
        slot, link, passed = body["slot"], body["connection"], body["pass"]
        need(slot["address"] == question["address"] and slot["first_port"] <= int(question["port"]) <= slot["last_port"]
             and link in records, "record %d does not belong to the answer" % number)
        used |= {number, link}
        named, of = next(iter(records[link][1]["body"].items()))
        need(of["pass"] == passed and named == "began", "records of two passes")
        own = [clock(content["clock"])] if content.get("clock") else []
        told[passed] = {"site": entry.site, "subject": of["subject"], "from": entry.at, "until": of["until"],
                        "ended": "open", "clocks": own, "records": [link, number], "slot": slot}
    need(used == set(records), "a record does not belong to the answer")
    return told


class Pack:
    def __init__(self, files, given):
        self.files, self.taken, self.believed = files, set(), []
        self.hub, self.mirror = given.hub_vkey or self.own("keys/hub.vkey"), given.mirror or self.own("keys/mirror.vkey")
        self.sites = given.vkey or self.all_own("keys/sites/")
        self.witnesses = given.witness or self.all_own("keys/witnesses/")
        if given.holders:
            names = [n for n in os.listdir(given.holders) if n.endswith(".pub")]
            lines = [open(os.path.join(given.holders, n), encoding="utf-8").read() for n in names]
        else:
            lines = self.all_own("keys/holders/")
        try:
            self.people = {holder.name: holder for holder in map(Holder, lines)}
        except (ValueError, IndexError):
            raise Bad(5, "a holder's key is malformed") from None

    def own(self, name):
        need(name in self.files, name + " is missing", 5)
        text = self.files[name].decode("utf-8", "replace").rstrip("\n")
        self.believed.append(text)
        return text

    def all_own(self, folder):
        return [self.own(name) for name in sorted(self.files) if name.startswith(folder)]

    def take(self, name):
        need(name in self.files, name + " is missing")
        self.taken.add(name)
        return self.files[name]

    def below(self, folder, end):
        return [name for name in sorted(self.files) if name.startswith(folder) and name.endswith(end)]

    def manifest(self):
        text, lines = note(self.take("manifest"))
        need(len(lines) == 2, "the manifest is not signed by two")
        for line, role in zip(lines, ("requester", "approver")):
            by = self.people.get(line.split(" ")[1] if line.count(" ") == 2 else "")
            need(by and by.role == role, "the manifest is not signed by a " + role, 5)
            by.verify(text, line)
        form, case, _, *listed = text.splitlines()
        files = sorted(name for name in self.files if name != "manifest")
        need(form == "varco-pack/1" and listed == ["%s  %s" % (sha256(self.files[n]), n) for n in files],
             "the manifest does not list these files")
        return case.split(" ")[1]

    def verify(self):
        """Raises Bad, or returns question and answer."""
        case = self.manifest()
        request = dict(document(self.take("request"), "varco-request/1", self.people, "requester"))
        need(sha256(self.files["request"])[:32] == case, "the manifest is of another case")
        approval = dict(document(self.take("approval"), "varco-approval/1", self.people, "approver"))
        answer = document(self.take("answer"), "varco-answer/1", self.people, "approver")
        need(approval["case"] == case == dict(answer)["case"], "the documents are of several cases")
        text = self.take("question")
        need(sha256(text) == request["question"], "the question is not the one that was asked")
        question = dict(line.split(" ", 1) for line in text.decode().splitlines()[1:])
        self.steps(case)
        told = self.all_sites(question, answer)
        need([v for k, v in answer if k == "session"] == told, "the answer does not follow from the records")
        self.take("LEGGIMI.txt"), self.take("digests"), "hub/timestamp.tsr" in self.files and self.take("hub/timestamp.tsr")
        stranger = [n for n in self.files if n not in self.taken and not n.startswith("keys/")]
        need(not stranger, "%s has no place in a pack" % (stranger or [""])[0])
        return case, question, answer

    def steps(self, case):
        self.note = self.take("hub/checkpoint").decode("utf-8", "replace")
        checkpoint(self.note.encode(), self.hub)
        for witness in self.witnesses:
            cosigned(self.note, witness)
        before = -1
        for step, file in zip(STEPS, ("request", "approval", "answer")):
            entry = self.entry("hub/%s.proof" % step)
            body = entry.content(self.take("hub/%s.keys" % step))["body"].get(step, {})
            own = self.files[file]
            same = body.get("digest") == sha256(own) if step == "answered" else body.get(file) == own.decode()
            need(entry.cls == "R4" and entry.mark == "%s:%s" % (step, case) and body.get("case") == case and same,
                 "the hub's log does not say that this case was " + step)
            need(entry.number > before, "the steps are not in their order")
            before = entry.number

    def entry(self, name):
        """An entry of the hub's log under its newest checkpoint."""
        entry = Entry(name, self.take(name), self.hub)
        need(entry.note == self.note and entry.site == "@hub", name + " is of another log or checkpoint")
        return entry

    def all_sites(self, question, answer):
        names = sorted({name.split("/")[1] for name in self.files if name.startswith("sites/")})
        told = []
        for site in names:
            need(question["sites"] == "-" or site in question["sites"].split(","), site + " was not asked about")
            told += self.site(site, question, answer)
        return [line for _, _, line in sorted(told)]

    def site(self, site, question, answer):
        copied = self.entry("sites/%s/copied.proof" % site).content()["body"].get("copied", {}).get("checkpoint", "")
        vkey = [key for key in self.sites if copied.startswith(key.split("+")[0] + "\n")]
        need(vkey, "no key for the log of " + site, 5)
        head = checkpoint(copied.encode(), vkey[0])

        def proved(name):
            entry = Entry(name, self.take(name), vkey[0])
            need((entry.size, entry.root) == head and entry.site == site, name + " is of another log or checkpoint")
            cosigned(entry.note, self.mirror)
            return entry

        records = {}
        for name in self.below("sites/%s/records/" % site, ".proof"):
            entry = proved(name)
            records[entry.number] = entry, entry.content(self.take(name[:-5] + "keys"))
        at, off = nanoseconds(question["at"]), int(question["tolerance"]) * 10 ** 9
        beats = [proved(name) for name in self.below("sites/%s/heartbeats/" % site, ".proof")]
        need(all(abs(nanoseconds(b.at) - at) <= off + 11 * MINUTE for b in beats), "a heartbeat of another time")
        here = worse(*[clock(b.content()["body"]["heartbeat"]["clock"]) for b in beats]) if beats else "unknown"
        stated = dict(answer)["clock"]
        need(worse(here, stated) == stated, "the clock was less right than the answer says")
        self.searched(site, head, vkey[0].split("+")[0], answer)
        lent = [line.split(" ") for line in self.take("sites/%s/slots" % site).decode().splitlines()]
        return [self.told(p, s, (at, off, here), lent) for p, s in sessions(records, question).items()]

    def searched(self, site, head, origin, answer):
        """What was searched is the beginning of what is proved here."""
        then = [v.split(" ") for k, v in answer if k == "searched" and v.split(" ")[0] == site]
        proof = [unbase64(line) for line in self.take("sites/%s/searched.proof" % site).decode().splitlines()]
        need(then and then[0][1] == origin and consistent(int(then[0][2]), unbase64(then[0][3]), *head, proof),
             "the log of %s does not continue the one that was searched" % site)

    @staticmethod
    def told(passed, s, when, lent):
        at, off, here = when
        doubt = worse(here, *s["clocks"])
        doubt = 2 * MINUTE if doubt == "unknown" else int(doubt[:-2]) * 10 ** 6
        need(nanoseconds(s["from"]) - doubt <= at + off and nanoseconds(s["until"]) + doubt >= at - off,
             "a session was not within the time asked about")
        slot = s["slot"]
        size = slot["last_port"] - slot["first_port"] + 1
        need([slot["address"], str(size)] in lent and (slot["first_port"] - 1024) % size == 0, "the slot is not lent there")
        marked = worse(*s["clocks"]) if s["clocks"] else "-"
        words = [s["site"], passed, s["subject"], s["from"], s["until"], s["ended"], marked]
        return nanoseconds(s["from"]), s["site"], " ".join(words + [",".join(map(str, s["records"]))])


def asked(arguments):
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.error = lambda _: parser.exit(64, __doc__)
    for one in ("--hub-vkey", "--mirror", "--holders"):
        parser.add_argument(one)
    for several in ("--vkey", "--witness"):
        parser.add_argument(several, action="append", default=[])
    parser.add_argument("file")
    return parser.parse_args(arguments)


def main(arguments):
    given = asked(arguments)
    try:
        with open(given.file, "rb") as file:
            pack = Pack(archive(file.read()), given)
        case, question, answer = pack.verify()
    except Bad as bad:
        print(bad, file=sys.stderr)
        return bad.code
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        print("malformed: %r" % error, file=sys.stderr)
        return 4
    print("case %s\nact %s, %s" % (case, question["act"], question["authority"]))
    for key, value in [i for i in question.items() if i[0] in ("address", "port", "protocol", "at", "tolerance")] + answer:
        print(key, value)
    for key in pack.believed:
        print("taken from the pack itself: " + key)
    print("whole")
    return 0
