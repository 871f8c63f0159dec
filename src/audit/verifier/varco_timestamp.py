"""Timestamps of an authority (RFC 3161), verified offline: a reader of DER, and the rules of RFC 3161, 5652 (CMS) and 5816.

Certificates that the one who verifies has pinned are believed, and none else. Whether one was revoked is not asked.
"""
import collections
import datetime
import hashlib
import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from varco_notes import Bad

# Tags of DER
BOOLEAN, INTEGER, BITS, OCTETS, NULL, OID = 1, 2, 3, 4, 5, 6
TIME, SEQUENCE, SET, FIRST, SECOND = 0x18, 0x30, 0x31, 0xA0, 0xA1

Node = collections.namedtuple("Node", "tag content whole")


def wrong(text):
    return Bad(5, "the timestamp: " + text)


def nodes(octets):
    """The values that stand one behind the other, each in the only spelling of its length."""
    found, at = [], 0
    while at < len(octets):
        begin, tag, length, at = at, octets[at], octets[at + 1], at + 2
        if length > 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(octets[at:at + size], "big"), at + size
            if size > 3 or length < 0x80 or length >> 8 * (size - 1) == 0:
                raise ValueError("a length in another spelling")
        elif length == 0x80:
            raise ValueError("a length that is not said")
        if tag & 0x1F == 0x1F or at + length > len(octets):
            raise ValueError("cut off")
        found.append(Node(tag, octets[at:at + length], octets[begin:at + length]))
        at += length
    return found


def take(found, tag):
    """The next value, which must be of this kind."""
    if not found or found[0].tag != tag:
        raise ValueError("another value is due")
    return found.pop(0)


def take_if(found, tag):
    return found.pop(0) if found and found[0].tag == tag else None


def only(octets, tag):
    """What is in the only value."""
    found = nodes(octets)
    node = take(found, tag)
    if found:
        raise ValueError("there is more")
    return node.content


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    made = bytearray()
    for arc in (40 * first + second, *rest):
        made += bytes(arc >> shift & 0x7F | 0x80 for shift in (28, 21, 14, 7) if arc >> shift) + bytes([arc & 0x7F])
    return bytes(made)


def der(tag, *parts):
    """A value of up to 127 octets."""
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


SIGNED_DATA, TST_INFO = oid("1.2.840.113549.1.7.2"), oid("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE, MESSAGE_DIGEST = oid("1.2.840.113549.1.9.3"), oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE = oid("1.2.840.113549.1.9.16.2.47")
RSA, PSS, MGF1 = oid("1.2.840.113549.1.1.1"), oid("1.2.840.113549.1.1.10"), oid("1.2.840.113549.1.1.8")
HASHES = {oid("2.16.840.1.101.3.4.2.1"): hashes.SHA256(), oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
          oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512()}
# Nothing with SHA-1, and as the first verifier, no ECDSA with SHA-512.
ECDSA = {oid("1.2.840.10045.4.3.2"): hashes.SHA256(), oid("1.2.840.10045.4.3.3"): hashes.SHA384()}
PKCS1 = {oid("1.2.840.113549.1.1.11"): hashes.SHA256(), oid("1.2.840.113549.1.1.12"): hashes.SHA384(),
         oid("1.2.840.113549.1.1.13"): hashes.SHA512()}


def algorithm(node):
    """Identifier and parameters, of which NULL means none (RFC 5754, section 2)."""
    found = nodes(node)
    return take(found, OID).content, b"" if not found or found == [Node(NULL, b"", b"\5\0")] else found[0].whole


def hash_of(node):
    named, parameters = algorithm(node)
    if named not in HASHES or parameters:
        raise wrong("a hash that is not taken")
    return HASHES[named]


def digest(kind, octets):
    return hashlib.new(kind.name, octets).digest()


def pss(kind):
    """The parameters of RSASSA-PSS with one hash throughout, the salt as long as it."""
    named = der(SEQUENCE, der(OID, next(k for k, v in HASHES.items() if v.name == kind.name)), der(NULL))
    return der(SEQUENCE, der(FIRST, named), der(SECOND, der(SEQUENCE, der(OID, MGF1), named)),
               der(0xA2, der(INTEGER, bytes([kind.digest_size]))))


def holds(key, node, signature, signed, kind=None):
    """Raises where a signature does not hold. `node` is its algorithm; `kind` the hash where that stands elsewhere."""
    named, parameters = algorithm(node)
    by_pss = [known for known in HASHES.values() if pss(known) == parameters]
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and named in ECDSA and not parameters:
            if key.curve.name not in ("secp256r1", "secp384r1"):
                raise wrong("a curve that is not taken")
            return key.verify(signature, signed, ec.ECDSA(ECDSA[named]))
        if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192:
            if named == PSS and by_pss:
                mask = padding.PSS(padding.MGF1(by_pss[0]), by_pss[0].digest_size)
                return key.verify(signature, signed, mask, by_pss[0])
            known = kind if named == RSA else PKCS1.get(named)
            if known and not parameters:
                return key.verify(signature, signed, padding.PKCS1v15(), known)
    except InvalidSignature:
        pass
    raise wrong("its signature is wrong, or of a kind that is not taken")


class Certificate:
    """A certificate, its names and its signature as octets."""

    def __init__(self, octets):
        self.octets, self.parsed = octets, x509.load_der_x509_certificate(octets)
        self.tbs, self.algorithm, bits = nodes(only(octets, SEQUENCE))
        self.signature = bits.content[1:]
        parts = nodes(self.tbs.content)
        take_if(parts, FIRST)
        self.serial, inner, self.issuer, _, self.subject = (node.whole for node in parts[:5])
        if bits.tag != BITS or bits.content[:1] != b"\0" or inner != self.algorithm.whole:
            raise ValueError("no certificate")
        self.key = self.parsed.public_key()
        # Newer versions of the package have the second names alone.
        times = (getattr(self.parsed, name + "_utc", None) or getattr(self.parsed, name)
                 for name in ("not_valid_before", "not_valid_after"))
        self.begins, self.ends = (time.replace(tzinfo=None) for time in times)
        self.extensions = {extension.oid.dotted_string: extension for extension in self.parsed.extensions}

    def extension(self, dotted):
        return self.extensions[dotted].value if dotted in self.extensions else None

    def valid(self, at):
        return self.begins <= at <= self.ends

    def known(self):
        """Nothing in it is critical that is not looked at here."""
        return all(not e.critical or name in ("2.5.29.15", "2.5.29.19", "2.5.29.37") for name, e in self.extensions.items())

    def purposes(self):
        usage = self.extension("2.5.29.37")
        return None if usage is None else [purpose.dotted_string for purpose in usage]

    def stamps_only(self):
        """One purpose, and it is critical (RFC 3161, section 2.3)."""
        return self.purposes() == [TIME_STAMPING] and self.extensions["2.5.29.37"].critical

    def issues(self, below):
        """Whether it is an authority that may have so many others below it."""
        basic, usage = self.extension("2.5.29.19"), self.extension("2.5.29.15")
        return (basic is not None and basic.ca and (basic.path_length is None or basic.path_length >= below)
                and (usage is None or usage.key_cert_sign) and self.purposes() in (None, [TIME_STAMPING]) and self.known())

    def signed_by(self, issuer):
        try:
            holds(issuer.key, self.algorithm.content, self.signature, self.tbs.whole)
        except Bad:
            return False
        return self.issuer == issuer.subject


# What is raised by octets that are no DER, or no certificate.
UNREADABLE = (ValueError, IndexError, KeyError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
              x509.UnsupportedGeneralNameType)
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
# Of a way to a pinned certificate.
LONGEST = 6


def pinned(pem):
    """The certificates of a file that whoever verifies has from elsewhere."""
    blocks = re.findall(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    try:
        loaded = [x509.load_pem_x509_certificate(block).public_bytes(serialization.Encoding.DER) for block in blocks]
        certificates = [Certificate(octets) for octets in loaded]
    except UNREADABLE:
        raise Bad(64, "a certificate of the authority cannot be read") from None
    if not certificates:
        raise Bad(64, "there is no certificate of an authority in the file")
    return certificates


def vouched(signer, others, anchors, at, below=0):
    """Whether a way leads from a certificate to a pinned one, through authorities that were valid."""
    if any(signer.octets == anchor.octets or signer.signed_by(anchor) for anchor in anchors):
        return True
    ways = (o for o in others if below < LONGEST and o.issues(below) and o.valid(at) and signer.signed_by(o))
    return any(vouched(way, [o for o in others if o is not way], anchors, at, below + 1) for way in ways)


def stamped(octets, text):
    """The instant that a statement (`TSTInfo`) of this text names."""
    found = nodes(only(octets, SEQUENCE))
    version, _, imprint = take(found, INTEGER), take(found, OID), nodes(take(found, SEQUENCE).content)
    kind, hashed = take(imprint, SEQUENCE), take(imprint, OCTETS)
    if version.content != b"\1" or imprint:
        raise ValueError("another version")
    named, parameters = algorithm(kind.content)
    if (named, parameters) != (oid("2.16.840.1.101.3.4.2.1"), b"") or hashed.content != hashlib.sha256(text).digest():
        raise wrong("it stamps another text")
    take(found, INTEGER)
    instant = take(found, TIME).content.decode()
    for tag in (SEQUENCE, BOOLEAN, INTEGER, FIRST):
        take_if(found, tag)
    extensions = take_if(found, SECOND)
    for extension in nodes(extensions.content if extensions else b""):
        if any(node.tag == BOOLEAN and node.content != b"\0" for node in nodes(extension.content)):
            raise wrong("it has a critical extension that is not known")
    if found or not re.fullmatch(r"\d{14}(\.\d{0,8}[1-9])?Z", instant, re.ASCII):
        raise ValueError("another instant")
    return datetime.datetime.strptime(instant[:14], "%Y%m%d%H%M%S"), instant


class Signed:
    """CMS `SignedData` of one signer."""

    def __init__(self, content):
        found = nodes(only(content, SEQUENCE))
        version, listed = take(found, INTEGER), take(found, SET)
        encapsulated = nodes(take(found, SEQUENCE).content)
        certificates = take_if(found, FIRST)
        take_if(found, SECOND)
        (signer,) = nodes(take(found, SET).content)
        if version.content != b"\3" or found or take(encapsulated, OID).content != TST_INFO or signer.tag != SEQUENCE:
            raise ValueError("no timestamp")
        self.content = only(take(encapsulated, FIRST).content, OCTETS)
        self.certificates = [Certificate(node.whole) for node in nodes(certificates.content if certificates else b"")]
        self.signer(nodes(signer.content), [node.whole for node in nodes(listed.content)])
        if encapsulated:
            raise ValueError("there is more")

    def signer(self, found, listed):
        version, self.sid, kind, attributes, self.algorithm, signature = (
            take(found, tag) for tag in (INTEGER, SEQUENCE, SEQUENCE, FIRST, SEQUENCE, OCTETS))
        take_if(found, SECOND)
        if version.content != b"\1" or found or kind.whole not in listed:
            raise ValueError("another signer")
        self.kind, self.signature = hash_of(kind.content), signature.content
        # Signed is their SET (RFC 5652, section 5.4).
        self.signed = bytes([SET]) + attributes.whole[1:]
        self.attributes = collections.defaultdict(list)
        for attribute in nodes(attributes.content):
            named, values = nodes(only(attribute.whole, SEQUENCE))
            self.attributes[named.content] += nodes(values.content)

    def attribute(self, named, tag):
        (value,) = self.attributes[named]
        return only(value.whole, tag)

    def certificate(self):
        """The one that the signed attributes name by its hash (RFC 5816), and that `sid` names too."""
        try:
            first = nodes(nodes(nodes(self.attribute(SIGNING_CERTIFICATE, SEQUENCE))[0].content)[0].content)
        except (ValueError, IndexError):
            raise wrong("the certificate that signed it is not named by a hash of SHA-2") from None
        kind = hash_of(first.pop(0).content) if first[0].tag == SEQUENCE else hashes.SHA256()
        hashed = take(first, OCTETS).content
        for certificate in self.certificates:
            if digest(kind, certificate.octets) == hashed and self.sid.content == certificate.issuer + certificate.serial:
                return certificate
        raise wrong("the certificate that signed it is not there")

    def verify(self):
        if self.attribute(CONTENT_TYPE, OID) != TST_INFO or self.attribute(MESSAGE_DIGEST, OCTETS) != digest(self.kind, self.content):
            raise wrong("its signature is of something else")
        certificate = self.certificate()
        holds(certificate.key, self.algorithm.content, self.signature, self.signed, self.kind)
        return certificate


def verify(reply, text, anchors):
    """The instant of an authority's answer about a text, and who signed it; raises Bad."""
    try:
        found = nodes(only(reply, SEQUENCE))
        status = nodes(take(found, SEQUENCE).content)
        if take(status, INTEGER).content not in (b"\0", b"\1"):
            raise wrong("the authority refused")
        token = nodes(take(found, SEQUENCE).content)
        if found or take(token, OID).content != SIGNED_DATA or len(token) != 1:
            raise ValueError("no token")
        signed = Signed(take(token, FIRST).content)
        at, instant = stamped(signed.content, text)
        signer = signed.verify()
        if not (signer.stamps_only() and signer.known()):
            raise wrong("its certificate is not for timestamps alone")
        if not signer.valid(at):
            raise wrong("its certificate was not valid at the instant that it names")
        if not vouched(signer, [o for o in signed.certificates if o is not signer], anchors, at):
            raise wrong("its certificate does not come from the authority that is trusted")
        return instant, signer.parsed.subject.rfc4514_string()
    except UNREADABLE:
        raise wrong("this is no answer of a timestamp authority") from None
