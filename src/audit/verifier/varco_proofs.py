"""What an evidence pack's proofs are made of: documents that officers signed, and entries that are in a log (C2SP tlog-proof)."""
import base64
import hashlib
import hmac
import json
import struct

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from varco_answer import session_record
from varco_notes import Bad, checkpoint, leaf_hash, need, node_hash, noted, tree_hash, unbase64


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


def document(octets, form, people, role):
    """The lines of a document that one holder of a role signed."""
    text, lines = noted(octets)
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
