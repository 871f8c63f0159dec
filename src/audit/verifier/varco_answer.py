"""The answer of an evidence pack once more, from the records that it shows."""
import datetime
import re
import struct
import uuid

from varco_notes import need

MINUTE = 60 * 10 ** 9


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
