"""Verifies an evidence pack of Varco's: the second program, which shares nothing with the first.

    varco_verify.py pack [--hub-vkey K] [--mirror K] [--vkey K]... [--witness K]... [--holders FOLDER] [--tsa PEM] FILE

Keys that are not given are taken from the pack itself, which is then said; those of a timestamp authority never are.
Exit codes: 0 whole, 1 cannot be read, 4 not what was signed, 5 not signed by the key, 64 wrong arguments.
"""
import argparse
import hashlib
import os
import re
import sys

import varco_timestamp
from varco_answer import MINUTE, clock, nanoseconds, sessions, worse
from varco_notes import Bad, checkpoint, cosigned, key_of, need, noted, parts_of, unbase64
from varco_proofs import Entry, Holder, consistent, document

# What is raised by files that are written otherwise.
MALFORMED = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)
STEPS = ("asked", "allowed", "answered")
BROKEN = "this is no evidence pack, or an octet of the archive was changed"


def sha256(octets):
    return hashlib.sha256(octets).hexdigest()


def header(name, size):
    head = bytearray(512)
    fields = ((0, name), (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"), (124, b"%011o\0" % size),
              (136, b"00000000000\0"), (148, b" " * 8), (156, b"0"), (257, b"ustar\00000"))
    for at, value in fields:
        head[at:at + len(value)] = value
    head[148:156] = b"%07o\0" % sum(head)
    return bytes(head)


def archive(octets):
    """The files of a pack by their names: ustar in its one spelling, so that each octet of it counts."""
    files, at, last = {}, 0, ""
    while octets[at:at + 512].strip(b"\0"):
        head = octets[at:at + 512]
        name, size = head[:100].rstrip(b"\0"), head[124:135]
        need(name and re.fullmatch(b"[0-7]{11}", size) and header(name, int(size, 8)) == head, BROKEN)
        begin, end = at + 512, at + 512 + int(size, 8)
        at = end + -end % 512
        name = name.decode()
        need(name > last and at <= len(octets) and not octets[end:at].strip(b"\0"), BROKEN)
        files[name], last = octets[begin:end], name
    need(files and octets[at:] == bytes(1024), BROKEN)
    return files


class Pack:
    def __init__(self, files, given):
        self.files, self.taken, self.believed = files, set(), []
        self.hub, self.mirror = given.hub_vkey or self.own("keys/hub.vkey"), given.mirror or self.own("keys/mirror.vkey")
        self.sites = given.vkey or self.all_own("keys/sites/")
        self.tsa = varco_timestamp.pinned(open(given.tsa, "rb").read()) if given.tsa else None
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
        text, lines = noted(self.take("manifest"))
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
        for vouched in ("LEGGIMI.txt", "digests"):
            self.take(vouched)
        stranger = [n for n in self.files if n not in self.taken and not n.startswith("keys/")]
        need(not stranger, "%s has no place in a pack" % (stranger or [""])[0])
        return case, question, answer

    def steps(self, case):
        self.note = self.take("hub/checkpoint").decode("utf-8", "replace")
        checkpoint(self.note.encode(), self.hub)
        self.signed = [(key_of(witness, 4)[0], cosigned([self.note.encode()], witness)) for witness in self.witnesses]
        self.stamp = self.timestamp()
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

    def timestamp(self):
        """What the authority says of the hub's checkpoint. Its certificates are nothing that a pack could bring."""
        there = "hub/timestamp.tsr" in self.files
        if not self.tsa:
            return ("there, and not verified: give --tsa" if self.take("hub/timestamp.tsr") else "") if there else "none"
        text = parts_of(self.note.encode())[0]
        return "%s by %s" % varco_timestamp.verify(self.take("hub/timestamp.tsr"), text.encode(), self.tsa)

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
        copied = self.entry("sites/%s/copied.proof" % site)
        need(copied.cls == "R5", "the hub's log does not say what it has of " + site)
        copied = copied.content()["body"].get("copied", {}).get("checkpoint", "")
        vkey = [key for key in self.sites if copied.startswith(key.split("+")[0] + "\n")]
        need(vkey, "no key for the log of " + site, 5)
        head = checkpoint(copied.encode(), vkey[0])

        def proved(name):
            entry = Entry(name, self.take(name), vkey[0])
            need((entry.size, entry.root) == head and entry.site == site, name + " is of another log or checkpoint")
            cosigned([entry.note.encode()], self.mirror)
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
    for one in ("--hub-vkey", "--mirror", "--holders", "--tsa"):
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
    except MALFORMED as error:
        print("malformed: %r" % error, file=sys.stderr)
        return 4
    print("case %s\nact %s, %s" % (case, question["act"], question["authority"]))
    for key, value in [i for i in question.items() if i[0] in ("address", "port", "protocol", "at", "tolerance")] + answer:
        print(key, value)
    for witness, at in pack.signed:
        print("cosigned by %s at %s" % (witness, at.isoformat()))
    if not pack.signed:
        print("cosigned by no witness: that the hub shows everybody one log rests on the hub alone")
    print("timestamp", pack.stamp)
    for key in pack.believed:
        print("taken from the pack itself: " + key)
    print("whole")
    return 0
