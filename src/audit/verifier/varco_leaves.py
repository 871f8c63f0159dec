"""What a leaf of Varco's log is, and what the instants of a log's leaves say."""
import datetime
import json
import re


# `varco-leaf/1 <class> <site> <sequence> <instant> <period> <tag|tagkey|step:case|day|expired|->`, a new line, and the body: 5
# to two, 4 to one (the key of the tags alone), or clear JSON in the classes without personal data.

LEAF = re.compile(rb"varco-leaf/1 (\w+) ([!-~]+) [0-9]+ "
                  rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{0,8}[1-9])?Z "
                  rb"([-0-9W]+) (-|tagkey|day|expired|[0-9a-f]{16}|"
                  rb"(?:asked|allowed|refused|answered|named|held|released):[0-9a-f]{32})")
# By the period's kind and the mark: which classes, and the body's first octet.
HOW = {("none", b"-"): (b"R1 R5 R6", b"{"), ("week", b"-"): (b"R2a R4", b"\5"), ("week", b"tag"): (b"R2a R2b", b"\5"),
       ("week", b"tagkey"): (b"R2b", b"\4"), ("week", b"case"): (b"R4", b"\5"), ("day", b"-"): (b"R3", b"\5"),
       ("none", b"day"): (b"R6", b"{"), ("none", b"expired"): (b"R5", b"{")}


def kind_of(period):
    """Whether it is a week, a day or none; raises ValueError where it is nothing of these."""
    if re.fullmatch(rb"[0-9]{4}-W[0-9]{2}", period):
        datetime.date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
        return "week"
    if re.fullmatch(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}", period):
        datetime.date(*map(int, period.split(b"-")))
        return "day"
    if period != b"-":
        raise ValueError
    return "none"


def leaf(entry):
    """The words of a leaf's header and its body; None when it is none, or its body is not sealed as its class must be."""
    line, newline, body = entry.partition(b"\n")
    parts = LEAF.fullmatch(line)
    if not parts or not newline:
        return None
    named, site, instant, period, mark = parts.groups()
    kind = b"tag" if len(mark) == 16 else b"case" if b":" in mark else mark
    try:
        datetime.datetime(*map(int, re.split(b"[-T:]", instant)))
        classes, how = HOW[kind_of(period), kind]
    except (ValueError, KeyError):
        return None
    right = named in classes.split() and body[:1] == how and (kind not in (b"case", b"expired") or site == b"@hub")
    return (line.split(b" "), body) if right else None


def nanoseconds(instant):
    """Of an instant as it stands in a header, from the beginning of 1970."""
    whole, _, part = instant[:-1].partition(b".")
    moment = datetime.datetime(*map(int, re.split(b"[-T:]", whole)))
    return (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1) * 10**9 + int(part.ljust(9, b"0"))


class Heard:
    """What the instants of the leaves say. A log has a heartbeat every five minutes and says when its program was started."""

    def __init__(self, site=b"", minutes=15):
        self.site, self.limit = site, minutes * 60 * 10**9
        self.beat = self.last = None
        self.told = {"silence": [], "stopped": [], "back": []}

    def take(self, number, words, body):
        now = nanoseconds(words[4]), words[4].decode(), number
        last, self.last = self.last, now
        if last and now[0] < last[0]:
            self.told["back"].append((last, now))
        self.beat = self.beat or now
        kind = self.kind(body) if words[1] in (b"R5", b"R6") else None
        if kind:
            self.gap(kind, now)
            self.beat = now

    @staticmethod
    def kind(body):
        try:
            what = set(json.loads(body)["body"])
        except (ValueError, TypeError, KeyError):
            return None
        return "stopped" if what == {"resumed"} else "silence" if what == {"heartbeat"} else None

    def gap(self, kind, now):
        if self.beat and now[0] - self.beat[0] > self.limit:
            self.told[kind].append((self.beat, now))

    def skip(self):
        """The next entries have expired, or there is none."""
        if self.last:
            self.gap("silence", self.last)
        self.beat = self.last = None

    def odd(self):
        return bool(self.told["silence"]) or any(a[0] - b[0] > self.limit for a, b in self.told["back"])

    def lines(self):
        for kind, stretches in self.told.items():
            for begin, end in stretches[:10]:
                yield "%-10s from %s to %s, entry %d" % (kind, begin[1], end[1], end[2])
            if len(stretches) > 10:
                yield "%-10s %d times more" % (kind, len(stretches) - 10)
