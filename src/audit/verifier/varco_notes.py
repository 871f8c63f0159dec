"""What both verifiers of Varco's begin with: hashes of RFC 6962, and signed notes, checkpoints and cosignatures of C2SP."""
import base64
import datetime
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Bad(Exception):
    """The log is not whole; the code says how."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Missing(Bad):
    """A file is not there."""

    def __init__(self, name):
        super().__init__(4, name + " is missing")


def need(holds, text, code=4):
    if not holds:
        raise Bad(code, text)


def unbase64(text):
    """Standard base64 in its only spelling."""
    octets = base64.b64decode(text, validate=True)
    if base64.b64encode(octets).decode() != text:
        raise ValueError("not the only spelling")
    return octets


# RFC 6962, section 2.1

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_hash(hashes):
    """Over hashes that stand for subtrees of one height: pairs become one, an odd one at the end goes up as it is."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    while len(hashes) > 1:
        pairs = list(map(node_hash, hashes[::2], hashes[1::2]))
        hashes = pairs + hashes[2 * len(pairs):]
    return hashes[0]


# C2SP signed-note, tlog-checkpoint

def parts_of(note):
    """The text of a note, and name, identifier and signature of each line below; raises ValueError."""
    text, lines = note.decode().rsplit("\n\n", 1)
    if any(c < " " and c != "\n" for c in note.decode()) or not lines.endswith("\n"):
        raise ValueError
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, signer, signature = line.split(" ")
        signature = unbase64(signature)
        if dash != "\u2014" or len(signature) < 5:
            raise ValueError
        signatures.append((signer, signature[:4], signature[4:]))
    return text + "\n", signatures


def signed_text(note, vkey):
    """The name of the key and the lines of the text that it signed; raises ValueError or InvalidSignature."""
    name, key_id, key = key_of(vkey)
    text, signatures = parts_of(note)
    mine = [octets for *by, octets in signatures if by == [name, key_id]]
    for signature in mine:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, text.encode())
    if not mine:
        raise ValueError
    return name, text[:-1].split("\n")


def cosigned(notes, vkey):
    """When a witness cosigned one of the notes (https://c2sp.org/tlog-cosignature)."""
    name, key_id, key = key_of(vkey, 4)
    for note in notes:
        text, signatures = parts_of(note)
        for octets in (octets for *by, octets in signatures if by == [name, key_id]):
            seconds = int.from_bytes(octets[:8], "big")
            said = "cosignature/v1\ntime %d\n%s" % (seconds, text)
            try:
                Ed25519PublicKey.from_public_bytes(key[1:]).verify(octets[8:], said.encode())
                return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
            except (InvalidSignature, ValueError, OverflowError, OSError):
                raise Bad(5, "the cosignature of %s is wrong" % name) from None
    raise Bad(5, "%s has not cosigned" % name)


def key_of(vkey, kind=1):
    """Name, identifier and kind with key of a log's public key, or of a witness's (kind 4)."""
    try:
        name, key_id, key = vkey.split("+", 2)
        key_id, key = bytes.fromhex(key_id), unbase64(key)
        good_key = key[0] == kind and hashlib.sha256(name.encode() + b"\n" + key).digest()[:4] == key_id
    except (ValueError, IndexError):
        good_key = False
    if not good_key:
        raise Bad(64, "this is not the public key of a %s" % ("log" if kind == 1 else "witness"))
    return name, key_id, key


def checkpoint(note, vkey):
    """Size and root of a checkpoint that the key signed."""
    try:
        name, (origin, size, root, *rest) = signed_text(note, vkey)
        root = unbase64(root)
        if not (origin == name and str(int(size)) == size and len(root) == 32 and all(rest)):
            raise ValueError
    except (ValueError, InvalidSignature):
        raise Bad(5, "the checkpoint is not signed by this key, or not one of this log") from None
    return int(size), root


def pruned(note, vkey, keepers):
    """The minimum index of the log that its key or a keeper's signed."""
    for by in (vkey, *keepers):
        try:
            form, origin, below, _ = signed_text(note, by)[1]
            if form == "varco-pruned/1" and origin == key_of(vkey)[0] and str(int(below)) == below and int(below) % 256 == 0:
                return int(below)
        except (ValueError, InvalidSignature):
            pass
    raise Bad(5, "pruned is not signed by the log's key or a keeper's")


def noted(note):
    """The text of a note, and its signature lines as they are."""
    try:
        text, lines = note.decode().rsplit("\n\n", 1)
    except ValueError:
        raise Bad(4, "no signed note") from None
    need(lines.endswith("\n") and not lines.startswith("\n"), "no signed note")
    return text + "\n", lines.splitlines(True)
