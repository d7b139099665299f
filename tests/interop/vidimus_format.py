# SPDX-License-Identifier: MIT
"""The byte formats of vidimus, in plain Python: a second implementation, written from the format page alone.

Every `decode_...` takes bytes and either returns a value or raises `Malformed`; every value encodes back to exactly the
bytes it was decoded from. Nothing here reads a file, a clock or the network. Standard library only, so that the
verifier beside this file runs wherever Python 3 does.

    primitives   numbers, digests, base64, times, names
    text         escapes, `key value` lines, layouts
    Ed25519      one strict rule for what is a valid key and a valid signature
    notes        signed notes, verifier keys, signing keys, cosignatures
    entries      genesis, key, capture, amendment, withdrawal, audit; request, seal
    records      record, commitment, disclosure
    tree         leaf, node, root, inclusion, consistency; checkpoint, tlog-proof, fork proof
    keyring      who may sign what, at which entry
    policy       logs, witnesses, groups, quorum
    bag          ustar header, bag-info, PEM, member names
"""
import base64
import binascii
import calendar
import datetime
import hashlib
import re
from collections import namedtuple
from functools import lru_cache

MAX_NUMBER = 2 ** 53 - 1
MAX_NOTE = 65535                 # a note, a record and a proof, each
MAX_EVIDENCE = 1 << 20
MAX_FORK_PROOF = 1 << 18
MAX_KEY_ENTRIES = 10000
MAX_PROOF_HASHES = 63


class Malformed(ValueError):
    """These bytes are not in the format; the text says in what way."""


def sha256(data):
    return hashlib.sha256(data).digest()


# ---------------------------------------------------------------------------------------------------- primitives

NUMBER = re.compile(rb"0|[1-9][0-9]{0,15}")
HEX32 = re.compile(rb"[0-9a-f]{64}")
TIME = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z")
NAME = re.compile(r"[A-Za-z0-9._@/-]{1,64}")


def decode_number(text):
    if not NUMBER.fullmatch(text) or int(text) > MAX_NUMBER:
        raise Malformed("not a number from 0 to 2^53-1 in plain decimal")
    return int(text)


def encode_number(value):
    return b"%d" % value


def decode_hex32(text):
    if not HEX32.fullmatch(text):
        raise Malformed("not 64 lower-case hex digits")
    return bytes.fromhex(text.decode())


def encode_hex(value):
    return value.hex().encode()


def decode_digest(text):
    if not text.startswith(b"sha256:"):
        raise Malformed("a digest starts with sha256:")
    return decode_hex32(text[7:])


def encode_digest(value):
    return b"sha256:" + encode_hex(value)


def decode_base64(text, length=None):
    """Standard base64 with padding. Decoders forgive spare bits and line feeds; comparing the encoding does not."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if not text or base64.b64encode(value) != text:
        raise Malformed("not canonical base64")
    if length is not None and len(value) != length:
        raise Malformed(f"base64 of {len(value)} bytes instead of {length}")
    return value


encode_base64 = base64.b64encode


def decode_time(text):
    match = TIME.fullmatch(text)
    try:
        datetime.datetime(*map(int, match.groups()))
    except (AttributeError, ValueError):
        raise Malformed("not a real time of the form YYYY-MM-DDTHH:MM:SSZ") from None
    return text.decode()


def unix_time(time):
    return calendar.timegm(datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").timetuple())


def ascii_text(text):
    try:
        return text.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("not ASCII") from None


def decode_name(text):
    name = ascii_text(text)
    if not NAME.fullmatch(name):
        raise Malformed("a name is 1 to 64 of A-Z a-z 0-9 . _ @ / -")
    return name


def decode_origin(text):
    name = decode_name(text)
    if name.startswith(("vidimus/", "cosignature/")):
        raise Malformed("an origin starts neither with vidimus/ nor with cosignature/")
    return name


# ---------------------------------------------------------------------------------------------------------- text

# What must not stand as itself in a value. Bytes that are no UTF-8 arrive as U+DC80..DCFF from `surrogateescape`.
_TO_ESCAPE = re.compile("[\\\\\x00-\x1f\x7f\x80-\x9f\u2028\u2029\udc80-\udcff]|\\A | \\Z")
_SHORT = {"\\": b"\\\\", "\n": b"\\n", "\r": b"\\r", "\t": b"\\t"}
_ESCAPE = re.compile(rb"\\(?:([\\nrt])|x([0-9a-f]{2})|)")
_LONG = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _escape_one(match):
    char = match.group()
    short = _SHORT.get(char)
    raw = char.encode("utf-8", "surrogateescape")
    return (short or b"".join(b"\\x%02x" % byte for byte in raw)).decode()


def escape(value):
    """The one written form of a value (bytes)."""
    if not value:
        raise Malformed("a value is never empty")
    return _TO_ESCAPE.sub(_escape_one, value.decode("utf-8", "surrogateescape")).encode()


def _unescape_one(match):
    short, code = match.groups()
    if short:
        return _LONG[short]
    if code:
        return bytes.fromhex(code.decode())
    raise Malformed("a backslash that starts no escape")


def unescape(written):
    """The value (bytes) of its written form, which must be the only form `escape` gives it."""
    value = _ESCAPE.sub(_unescape_one, written)
    if escape(value) != written:
        raise Malformed("not the one escaped form of this value")
    return value


def split_lines(text):
    """The lines of a text that ends in LF. (`splitlines` would also split at U+2028, FF and more.)"""
    if not text.endswith(b"\n"):
        raise Malformed("the last line does not end in LF")
    return text[:-1].split(b"\n")


def split_line(line):
    key, space, value = line.partition(b" ")
    if not space or not value:
        raise Malformed("a line is a key, a space and a value")
    return key, value


# A codec turns the written value of one field into a Python value and back.
Codec = namedtuple("Codec", "decode encode")
Field = namedtuple("Field", "key codec optional repeats", defaults=(False, False))


def choice(*words):
    def decode(text):
        if text.decode("latin-1") not in words:
            raise Malformed("not one of " + ", ".join(words))
        return text.decode()
    return Codec(decode, str.encode)


def match_layout(lines, layout, partial=False):
    """Pairs each line with its field of `layout`: order kept, nothing unknown, nothing required left out, only
    repeatable fields repeated. `partial` is for disclosures, where any line may be hidden."""
    pairs, position = [], 0
    for line in lines:
        key, value = split_line(line)
        while position < len(layout) and layout[position].key != key:
            _may_be_absent(layout[position], partial)
            position += 1
        if position == len(layout):
            raise Malformed(f"line {_show(key)} is unknown, out of order or repeated")
        pairs.append((layout[position], value))
        if not layout[position].repeats:
            position += 1
    for field in layout[position:]:
        _may_be_absent(field, partial)
    return pairs


def _may_be_absent(field, partial):
    if not (field.optional or partial):
        raise Malformed(f"no line {_show(field.key)} where one must stand")


def _show(key):
    return ascii(key[:40].decode("latin-1"))


def decode_fields(lines, layout, partial=False):
    """[(key, value)] in the order of the lines."""
    fields = []
    for field, value in match_layout(lines, layout, partial):
        try:
            fields.append((field.key.decode(), field.codec.decode(value)))
        except Malformed as error:
            raise Malformed(f"{field.key.decode()}: {error}") from None
    return fields


def encode_fields(values, layout):
    """Lines for `values`, a mapping from key to value."""
    unknown = set(values) - {field.key.decode() for field in layout}
    if unknown:
        raise Malformed(f"no such field: {sorted(unknown)[0]}")
    present = [field for field in layout if field.key.decode() in values]
    return [field.key + b" " + field.codec.encode(values[field.key.decode()]) for field in present]


# ------------------------------------------------------------------------------------------------------- Ed25519
# A signature is valid when A is a canonical encoding of a point of prime order, R is canonical and not of small
# order, S is below the group order, and R is, byte for byte, the encoding of [S]B - [h]A (no cofactor).
# Points are extended coordinates (X, Y, Z, T) on -x^2 + y^2 = 1 + d x^2 y^2; the formulas hold for every point.

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)

# The canonical encodings of the eight points of small order.
SMALL_ORDER = frozenset(bytes.fromhex(text) for text in (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"))


def _prepare(point):
    """What an addition needs of its second operand."""
    x, y, z, t = point
    return (y - x) % P, (y + x) % P, 2 * D * t % P, 2 * z % P


def _add_prepared(point, prepared):
    x, y, z, t = point
    minus, plus, t2d, z2 = prepared
    a, b, c, d = (y - x) * minus % P, (y + x) * plus % P, t * t2d % P, z * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_add(first, second):
    return _add_prepared(first, _prepare(second))


def point_double(point):
    x, y, z, _ = point
    a, b = x * x % P, y * y % P
    h = a + b
    e, g = h - (x + y) * (x + y) % P, a - b
    f = 2 * z * z % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_negate(point):
    x, y, z, t = point
    return -x % P, y, z, -t % P


def point_multiply(scalar, point):
    """Any multiple of any point, by double and add; `scalar` is not reduced, so it is right for every order."""
    result, prepared = IDENTITY, _prepare(point)
    for bit in bin(scalar)[2:]:
        result = point_double(result)
        if bit == "1":
            result = _add_prepared(result, prepared)
    return result


def point_encode(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def point_decode(data):
    """The point of a canonical encoding, or None."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if len(data) != 32 or y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * SQRT_M1 % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_decode(bytes.fromhex("58" + "66" * 31))


def _window_table(point):
    """j * 16^i * point for j in 0..15 and i in 0..63: a multiple then costs 64 additions and no doubling."""
    table = []
    for _ in range(64):
        row, prepared, multiple = [None], _prepare(point), IDENTITY
        for _ in range(15):
            multiple = _add_prepared(multiple, prepared)
            row.append(_prepare(multiple))
        table.append(row)
        point = _add_prepared(multiple, prepared)
    return table


def _table_multiply(start, scalar, table):
    for row in table:
        if scalar & 15:
            start = _add_prepared(start, row[scalar & 15])
        scalar >>= 4
    return start


@lru_cache(maxsize=32)
def _table_of(encoded, negated):
    point = point_decode(encoded)
    return _window_table(point_negate(point) if negated else point)


def _base_multiply(scalar):
    return _table_multiply(IDENTITY, scalar, _table_of(point_encode(BASE), False))


@lru_cache(maxsize=4096)
def is_public_key(data):
    """A canonical encoding of a point of prime order?"""
    point = point_decode(data)
    if point is None or data in SMALL_ORDER:
        return False
    x, y, z, _ = point_multiply(L, point)
    return x == 0 and y == z


def hash_scalar(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def ed25519_verify(public_key, message, signature):
    if len(public_key) != 32 or len(signature) != 64 or not is_public_key(public_key):
        return False
    encoded_r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L or encoded_r in SMALL_ORDER:
        return False
    h = hash_scalar(encoded_r, public_key, message)
    expected = _table_multiply(_base_multiply(s), h, _table_of(public_key, True))
    return point_encode(expected) == encoded_r


def expand_seed(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, digest[32:]


def ed25519_public_key(seed):
    return point_encode(_base_multiply(expand_seed(seed)[0]))


def ed25519_sign(seed, message):
    scalar, prefix = expand_seed(seed)
    public_key = point_encode(_base_multiply(scalar))
    r = hash_scalar(prefix, message)
    encoded_r = point_encode(_base_multiply(r))
    s = (r + hash_scalar(encoded_r, public_key, message) * scalar) % L
    return encoded_r + s.to_bytes(32, "little")


# --------------------------------------------------------------------------------------------------------- notes

ED25519, COSIGNATURE = 0x01, 0x04
MAX_SIGNATURES = 100
EM_DASH = "\u2014 ".encode()
HEX8 = re.compile(rb"[0-9a-f]{8}")

KeyRef = namedtuple("KeyRef", "name key_id")                        # how a signature or a `signer` line names a key
SignatureLine = namedtuple("SignatureLine", "name key_id payload")
Note = namedtuple("Note", "text signatures")


def key_id(name, kind, public_key):
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key)[:4]


class VerifierKey(namedtuple("VerifierKey", "name kind public_key")):
    """A vkey: NAME+8 hex digits+base64 of type and public key."""
    __slots__ = ()

    @property
    def key_id(self):
        return key_id(self.name, self.kind, self.public_key)

    @property
    def ref(self):
        return KeyRef(self.name, self.key_id)

    def encode(self):
        body = encode_base64(bytes([self.kind]) + self.public_key)
        return b"%s+%s+%s" % (self.name.encode(), encode_hex(self.key_id), body)

    def signed(self, text, line):
        """Did this key make this signature line over this note text?"""
        if (line.name, line.key_id) != self.ref:
            return False
        if self.kind == COSIGNATURE:
            return self._cosigned(text, line.payload)
        return ed25519_verify(self.public_key, text, line.payload)

    def _cosigned(self, text, payload):
        time = int.from_bytes(payload[:8], "big")
        return (len(payload) == 72 and time < 2 ** 63
                and ed25519_verify(self.public_key, cosigned_message(time, text), payload[8:]))


def cosigned_message(time, text):
    return b"cosignature/v1\ntime %d\n%s" % (time, text)


def is_note_name(name):
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def decode_vkey(text, kinds=(ED25519,)):
    """Our own names for our own kind of key; whatever a note allows for the keys of witnesses."""
    try:
        name, hexed, body = text.decode("utf-8").split("+", 2)
    except (UnicodeDecodeError, ValueError):
        raise Malformed("a vkey is NAME+8 hex digits+base64") from None
    payload = decode_base64(body.encode())
    if payload[0] not in kinds:
        raise Malformed(f"key type 0x{payload[0]:02x} is not one of those that belong here")
    if len(payload) != 33 or not is_public_key(payload[1:]):
        raise Malformed("the public key is no canonical encoding of a point of prime order")
    if payload[0] == ED25519:
        decode_name(name.encode())
    elif not is_note_name(name):
        raise Malformed("not a key name")
    key = VerifierKey(name, payload[0], payload[1:])
    if encode_hex(key.key_id) != hexed.encode():
        raise Malformed("the key id does not belong to this name and key")
    return key


class SigningKey(namedtuple("SigningKey", "name seed")):
    """An unencrypted key file: PRIVATE+KEY+NAME+8 hex digits+base64 of type and seed."""
    __slots__ = ()

    @property
    def vkey(self):
        return VerifierKey(self.name, ED25519, ed25519_public_key(self.seed))

    def encode(self):
        body = encode_base64(bytes([ED25519]) + self.seed)
        return b"PRIVATE+KEY+%s+%s+%s" % (self.name.encode(), encode_hex(self.vkey.key_id), body)

    def sign(self, text):
        return SignatureLine(self.name, self.vkey.key_id, ed25519_sign(self.seed, text))


def decode_signing_key(text):
    parts = text.split(b"+", 4)
    if len(parts) != 5 or parts[:2] != [b"PRIVATE", b"KEY"]:
        raise Malformed("not PRIVATE+KEY+NAME+8 hex digits+base64")
    payload = decode_base64(parts[4], 33)
    if payload[0] != ED25519:
        raise Malformed("not an Ed25519 key")
    key = SigningKey(decode_name(parts[2]), payload[1:])
    if encode_hex(key.vkey.key_id) != parts[3]:
        raise Malformed("the key id does not belong to this name and key")
    return key


def decode_note(data):
    """TEXT, a blank line, signature lines. The text ends at the last blank line, so it may hold blank lines itself."""
    if len(data) > MAX_NOTE:
        raise Malformed("larger than a note may be")
    _check_note_bytes(data)
    split = data.rfind(b"\n\n")
    if split < 0:
        raise Malformed("no blank line between text and signatures")
    lines = split_lines(data[split + 2:])
    if len(lines) > MAX_SIGNATURES:
        raise Malformed("too many signature lines")
    return Note(data[:split + 1], [decode_signature_line(line) for line in lines])


def _check_note_bytes(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    if re.search(rb"[\x00-\x09\x0b-\x1f]", data):
        raise Malformed("a control character")
    if not data.endswith(b"\n"):
        raise Malformed("the last line does not end in LF")


def decode_signature_line(line):
    if not line.startswith(EM_DASH):
        raise Malformed("a signature line starts with an em dash and a space")
    name, space, body = line[len(EM_DASH):].decode("utf-8").partition(" ")
    if not space or not is_note_name(name):
        raise Malformed("a signature line is an em dash, a key name and base64")
    payload = decode_base64(body.encode())
    if len(payload) < 5:
        raise Malformed("a signature line without a signature")
    return SignatureLine(name, payload[:4], payload[4:])


def encode_signature_line(line):
    return EM_DASH + line.name.encode() + b" " + encode_base64(line.key_id + line.payload) + b"\n"


def encode_note(text, signatures):
    return text + b"\n" + b"".join(map(encode_signature_line, signatures))


def sign_note(text, *keys):
    return encode_note(text, [key.sign(text) for key in keys])


# ------------------------------------------------------------------------------------------------------- entries

def decode_key_ref(text):
    name, plus, hexed = text.partition(b"+")
    if not plus or not HEX8.fullmatch(hexed):
        raise Malformed("a signer is NAME+8 hex digits")
    return KeyRef(decode_name(name), bytes.fromhex(hexed.decode()))


def encode_key_ref(ref):
    return ref.name.encode() + b"+" + encode_hex(ref.key_id)


def decode_tree_head(text):
    """<size> <base64 root>"""
    size, _, root = text.partition(b" ")
    return decode_number(size), decode_base64(root, 32)


def encode_tree_head(head):
    return b"%d %s" % (head[0], encode_base64(head[1]))


def decode_continues(text):
    origin, _, head = text.partition(b" ")
    return (decode_origin(origin),) + decode_tree_head(head)


def encode_continues(value):
    return value[0].encode() + b" " + encode_tree_head(value[1:])


def decode_ranges(text):
    """Rising, merged ranges of entry numbers: 1-400,512. Neighbours that touch are one range."""
    ranges, last = [], -2
    for part in text.split(b","):
        first, dash, end = part.partition(b"-")
        first = decode_number(first)
        end = decode_number(end) if dash else first
        if first <= last + 1 or end < first or (dash and end == first):
            raise Malformed("ranges rise and are merged")
        ranges.append((first, end))
        last = end
    return ranges


def encode_ranges(ranges):
    return b",".join(b"%d" % a if a == b else b"%d-%d" % (a, b) for a, b in ranges)


NUMBER_CODEC = Codec(decode_number, encode_number)
DIGEST_CODEC = Codec(decode_digest, encode_digest)
TEXT_CODEC = Codec(unescape, escape)
TIME_CODEC = Codec(decode_time, str.encode)
ORIGIN_CODEC = Codec(decode_origin, str.encode)
VKEY_CODEC = Codec(decode_vkey, VerifierKey.encode)
TREE_HEAD_CODEC = Codec(decode_tree_head, encode_tree_head)
RANGES_CODEC = Codec(decode_ranges, encode_ranges)
CONTINUES_CODEC = Codec(decode_continues, encode_continues)

HEAD = (
    Field(b"ledger", ORIGIN_CODEC),
    Field(b"entry", NUMBER_CODEC),
    Field(b"previous", DIGEST_CODEC),
    Field(b"keyring", NUMBER_CODEC),
    Field(b"recorded", TIME_CODEC),
    Field(b"signer", Codec(decode_key_ref, encode_key_ref)),
)

ENTRY_LAYOUTS = {
    "genesis": (
        Field(b"authority", VKEY_CODEC),
        Field(b"ledger-key", VKEY_CODEC),
        Field(b"software", TEXT_CODEC),
        Field(b"continues", CONTINUES_CODEC, optional=True),
    ),
    "key": (
        Field(b"action", choice("authorize", "retire", "revoke")),
        Field(b"role", choice("signer", "auditor", "ledger")),
        Field(b"key", VKEY_CODEC),
        Field(b"since", NUMBER_CODEC, optional=True),
        Field(b"reason", TEXT_CODEC, optional=True),
    ),
    "capture": (Field(b"record", DIGEST_CODEC),),
    "amendment": (Field(b"amends", NUMBER_CODEC), Field(b"record", DIGEST_CODEC)),
    "withdrawal": (
        Field(b"withdraws", NUMBER_CODEC),
        Field(b"scope", choice("document", "record", "both")),
        Field(b"decided-by", TEXT_CODEC),
        Field(b"reason", TEXT_CODEC, optional=True),
    ),
    "audit": (
        Field(b"checkpoint", TREE_HEAD_CODEC),
        Field(b"mode", choice("full", "partial")),
        Field(b"covered", RANGES_CODEC),
        Field(b"documents", NUMBER_CODEC),
        Field(b"missing", NUMBER_CODEC),
        Field(b"corrupt", NUMBER_CODEC),
        Field(b"repaired", NUMBER_CODEC),
        Field(b"findings", DIGEST_CODEC, optional=True),
    ),
}
KEYRING_KINDS = ("genesis", "key")

ROLES = ("authority", "ledger", "signer", "auditor")
SIGNER_ROLES = {
    "genesis": ("authority",),
    "key": ("authority",),
    "withdrawal": ("authority",),
    "capture": ("signer",),
    "amendment": ("signer",),
    "audit": ("auditor", "signer"),
}

_FIRST_LINE = re.compile(rb"vidimus/([a-z][a-z-]*)/v([1-9][0-9]{0,15})")


class Entry:
    """One ledger entry. `fields` is None for a kind or version that is not known here; `body` has its lines."""

    def __init__(self, kind, version, head, fields, body, note):
        self.kind, self.version, self.head = kind, version, head
        self.fields, self.body, self.note = fields, body, note

    number = property(lambda self: self.head["entry"])
    origin = property(lambda self: self.head["ledger"])
    signer = property(lambda self: self.head["signer"])
    known = property(lambda self: self.fields is not None)
    text = property(lambda self: self.note.text)

    def names_capture(self):
        """The capture that this amendment or withdrawal is about, else None."""
        return (self.fields or {}).get("amends", (self.fields or {}).get("withdraws"))

    def encode(self):
        body = self.body if self.fields is None else encode_fields(self.fields, ENTRY_LAYOUTS[self.kind])
        return encode_note(entry_text(self.kind, self.version, self.head, body), self.note.signatures)


def entry_text(kind, version, head, body):
    first = b"vidimus/%s/v%d" % (kind.encode(), version)
    return b"\n".join([first, *encode_fields(head, HEAD), *body]) + b"\n"


def entry_kind(data):
    """What a note says it is, without a look at the rest: lets a reader keep its place when an entry is damaged."""
    match = _FIRST_LINE.match(data)
    return match.group(1).decode() if match else None


def parse_entry_text(text):
    """(kind, version, head, fields, body) of an entry's text; `fields` is None for what is not known here."""
    lines = split_lines(text)
    first = _FIRST_LINE.fullmatch(lines[0])
    if not first:
        raise Malformed("the first line is not vidimus/<kind>/v<version>")
    kind, version = first.group(1).decode(), decode_number(first.group(2))
    head = dict(decode_fields(lines[1:7], HEAD))
    body = lines[7:]
    known = version == 1 and kind in ENTRY_LAYOUTS
    fields = dict(decode_fields(body, ENTRY_LAYOUTS[kind])) if known else None
    _check_entry_place(kind, head)
    if known:
        _check_entry_fields(kind, fields, head["entry"])
    return kind, version, head, fields, body


def decode_entry(data):
    note = decode_note(data)
    entry = Entry(*parse_entry_text(note.text), note)
    _check_entry_signature(entry)
    if entry.encode() != data:
        raise Malformed("another encoding of the same entry")
    return entry


def _check_entry_place(kind, head):
    if (kind == "genesis") != (head["entry"] == 0):
        raise Malformed("genesis is entry 0, and entry 0 is genesis")
    if head["keyring"] >= max(head["entry"], 1):
        raise Malformed("keyring names no earlier entry")


def _check_entry_signature(entry):
    if len(entry.note.signatures) != 1:
        raise Malformed("an entry has exactly one signature line")
    line = entry.note.signatures[0]
    if KeyRef(line.name, line.key_id) != entry.signer:
        raise Malformed("the signature line is not by `signer`")
    if len(line.payload) != 64:
        raise Malformed("not an Ed25519 signature")


def _check_entry_fields(kind, fields, number):
    if kind in ("amendment", "withdrawal") and fields.get("amends", fields.get("withdraws")) >= number:
        raise Malformed("it names no earlier entry")
    if kind == "key" and ("since" in fields) != (fields["action"] == "revoke"):
        raise Malformed("`since` belongs to a revocation, and a revocation has one")


REQUEST_FIRST_LINE = b"vidimus/request/v1"
REQUEST_LAYOUT = (
    Field(b"authority", VKEY_CODEC),
    Field(b"checkpoint", TREE_HEAD_CODEC),
    Field(b"effect", TEXT_CODEC, optional=True, repeats=True),
)
Request = namedtuple("Request", "fields text entry")


# What an audit found, kept beside the documents.

FINDINGS_HEAD = (
    Field(b"ledger", ORIGIN_CODEC),
    Field(b"checkpoint", TREE_HEAD_CODEC),
    Field(b"begun", TIME_CODEC),
    Field(b"ended", TIME_CODEC),
)
FINDINGS_MAX = 1 << 20
Finding = namedtuple("Finding", "kind entry repaired text")
_FINDING = re.compile(rb"finding ([a-z][a-z-]{0,63}) (-|0|[1-9][0-9]*) (open|repaired) (.+)", re.DOTALL)


def decode_finding(line):
    match = _FINDING.fullmatch(line)
    if not match:
        raise Malformed("not a finding")
    kind, entry, state, text = match.groups()
    return Finding(kind.decode(), None if entry == b"-" else decode_number(entry), state == b"repaired", unescape(text))


def encode_finding(finding):
    entry = b"-" if finding.entry is None else b"%d" % finding.entry
    return b"finding %s %s %s %s" % (finding.kind.encode(), entry, b"repaired" if finding.repaired else b"open",
                                     escape(finding.text))


def encode_findings(head, findings, more):
    lines = [b"vidimus/findings/v1", *encode_fields(head, FINDINGS_HEAD), *map(encode_finding, findings)]
    return b"\n".join(lines + ([b"more %d" % more] if more else [])) + b"\n"


def decode_findings(data):
    """(head, findings, how many more there were) of a findings file."""
    if len(data) > FINDINGS_MAX:
        raise Malformed("too large")
    lines = split_lines(data)
    if lines[0] != b"vidimus/findings/v1":
        raise Malformed("not findings of an audit")
    head = dict(decode_fields(lines[1:5], FINDINGS_HEAD))
    rest, more = lines[5:], 0
    if rest and rest[-1].startswith(b"more "):
        more = decode_number(rest.pop()[5:])
        if more == 0:
            raise Malformed("no more is no line")
    findings = [decode_finding(line) for line in rest]
    if not findings:
        raise Malformed("no finding")
    if encode_findings(head, findings, more) != data:
        raise Malformed("another encoding of the same findings")
    return head, findings, more


def encode_request(fields, text):
    """`fields`: pairs of key and value, in order."""
    lines = [line for key, value in fields for line in encode_fields({key: value}, REQUEST_LAYOUT)]
    return b"\n".join([REQUEST_FIRST_LINE, *lines]) + b"\n\n" + text


def decode_request(data):
    """What an archive asks its authority to sign; `entry` is what parse_entry_text says of `text`."""
    if len(data) > MAX_NOTE:
        raise Malformed("larger than a request may be")
    head, _, text = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if lines[0] != REQUEST_FIRST_LINE:
        raise Malformed("the first line is not vidimus/request/v1")
    fields = decode_fields(lines[1:], REQUEST_LAYOUT)
    kind, version, entry_head, entry_fields, body = entry = parse_entry_text(text)
    values = dict(fields)
    if entry_fields is None or kind not in ("key", "withdrawal"):
        raise Malformed("not an entry that an authority signs for a ledger that is there")
    if entry_head["signer"] != values["authority"].ref or entry_head["entry"] != values["checkpoint"][0]:
        raise Malformed("not an entry for this authority to sign at this place")
    again = entry_text(kind, version, entry_head, encode_fields(entry_fields, ENTRY_LAYOUTS[kind]))
    if encode_request(fields, again) != data:
        raise Malformed("another encoding of the same request")
    return Request(fields, text, entry)


SEAL_LAYOUT = (
    Field(b"ledger", ORIGIN_CODEC),
    Field(b"created", TIME_CODEC),
    Field(b"checkpoint", TREE_HEAD_CODEC),
    Field(b"selection", DIGEST_CODEC),
    Field(b"tagmanifest", DIGEST_CODEC),
)
SEAL_FIRST_LINE = b"vidimus/seal/v1"


def seal_text(fields):
    return b"\n".join([SEAL_FIRST_LINE, *encode_fields(fields, SEAL_LAYOUT)]) + b"\n"


def decode_seal(data):
    """(fields, note)"""
    note = decode_note(data)
    lines = split_lines(note.text)
    if lines[0] != SEAL_FIRST_LINE:
        raise Malformed("the first line is not vidimus/seal/v1")
    fields = dict(decode_fields(lines[1:], SEAL_LAYOUT))
    if len(note.signatures) != 1 or len(note.signatures[0].payload) != 64:
        raise Malformed("a seal has exactly one Ed25519 signature line")
    decode_name(note.signatures[0].name.encode())
    if encode_note(seal_text(fields), note.signatures) != data:
        raise Malformed("another encoding of the same seal")
    return fields, note


VERIFIED_LAYOUT = (
    Field(b"ledger", ORIGIN_CODEC),
    Field(b"authority", VKEY_CODEC),
    Field(b"checkpoint", TREE_HEAD_CODEC),
    Field(b"verified", TIME_CODEC),
)
VERIFIED_FIRST_LINE = b"vidimus/verified/v1"


def encode_verified(fields):
    """A reader's own note of what its check has covered; signed by nobody."""
    return b"\n".join([VERIFIED_FIRST_LINE, *encode_fields(fields, VERIFIED_LAYOUT)]) + b"\n"


def decode_verified(data):
    lines = split_lines(data)
    if lines[0] != VERIFIED_FIRST_LINE:
        raise Malformed("the first line is not vidimus/verified/v1")
    fields = dict(decode_fields(lines[1:], VERIFIED_LAYOUT))
    if fields["checkpoint"][0] == 0:
        raise Malformed("nothing was covered")
    if encode_verified(fields) != data:
        raise Malformed("another encoding of the same note")
    return fields


# ------------------------------------------------------------------------------------------------------- records

RECORD_FIRST_LINE = b"vidimus/record/v1"
DISCLOSURE_FIRST_LINE = b"vidimus/disclosure/v1"


def decode_document(text):
    """sha256:<hex> <size in bytes>"""
    digest, _, size = text.partition(b" ")
    return decode_digest(digest), decode_number(size)


def encode_document(value):
    return encode_digest(value[0]) + b" %d" % value[1]


def decode_derived_from(text):
    """<sha256:<hex> | not-held> <offset | -> <length | -> <method>"""
    parts = text.split(b" ", 3)
    if len(parts) != 4 or not parts[3]:
        raise Malformed("a digest or not-held, an offset, a length and a method")
    if parts[0] != b"not-held":
        decode_digest(parts[0])
    if parts[1:3] != [b"-", b"-"]:
        decode_number(parts[1]), decode_number(parts[2])
    unescape(text)
    return text


def decode_slice(text):
    """(digest, offset, length) of a `derived-from` that says that the document is a piece of another, or None."""
    parts = text.split(b" ", 3)
    if not (parts[3] == b"slice" or parts[3].startswith(b"slice: ")) or parts[0] == b"not-held" or parts[1] == b"-":
        return None
    return decode_digest(parts[0]), decode_number(parts[1]), decode_number(parts[2])


def decode_named_value(text):
    """<name>: <value>"""
    name, separator, value = unescape(text).partition(b": ")
    if not separator or not name or b":" in name or not value:
        raise Malformed("a name without a colon, a colon, a space and a value")
    return text


def decode_record_key(text):
    if text not in RECORD_KEYS - {b"document"}:
        raise Malformed("names no key of a record")
    return text


def decode_inferred(text):
    key, space, value = text.partition(b" ")
    if not space or not value:
        raise Malformed("a key and a value")
    decode_record_key(key)
    unescape(text)
    return text


def _text(key, repeats=False):
    return Field(key, TEXT_CODEC, True, repeats)


def _checked(key, decode):
    """A repeatable field with a structure, which is checked and then kept as it was written."""
    return Field(key, Codec(decode, bytes), True, True)


RECORD_LAYOUT = (
    Field(b"document", Codec(decode_document, encode_document)),
    Field(b"follows", NUMBER_CODEC, optional=True),
    _text(b"collection"), _text(b"file-name"), _text(b"media-type"), _text(b"source"), _text(b"captured"),
    _text(b"captured-by"), _text(b"method"), _text(b"received-from", True), _text(b"record-id", True),
    _checked(b"derived-from", decode_derived_from),
    _text(b"title"), _text(b"author", True), _text(b"issuer", True), _text(b"publisher", True),
    _text(b"issued"), _text(b"issued-as-written", True), _text(b"reference", True), _text(b"language", True),
    _text(b"rights", True),
    _checked(b"unknown", decode_record_key),
    _checked(b"inferred", decode_inferred),
    _text(b"note", True),
    _checked(b"header", decode_named_value),
    _checked(b"field", decode_named_value),
)
RECORD_KEYS = frozenset(field.key for field in RECORD_LAYOUT)


def decode_record_lines(lines, partial=False):
    """[(key, value)] of lines in the record's order and by its rules."""
    fields = decode_fields(lines, RECORD_LAYOUT, partial)
    present = {key.encode() for key, _ in fields}
    for key, value in fields:
        if key in ("unknown", "inferred") and value.split(b" ")[0] in present:
            raise Malformed(f"{key} names a key that has a line of its own")
    return fields


def record_salt(secret, index):
    return sha256(secret + index.to_bytes(8, "big"))


def line_hash(salt, line):
    return sha256(salt + line)


def commitment_of(hashes):
    return sha256(RECORD_FIRST_LINE + b"\n" + len(hashes).to_bytes(8, "big") + b"".join(hashes))


class Record:
    """What is known about a capture. `lines` are those after `secret`, as written; `fields` the same, decoded."""
    hidden, hidden_lines = 0, []

    def __init__(self, secret, lines):
        self.secret, self.lines = secret, lines
        self.fields = decode_record_lines(lines)

    def commitment(self):
        return commitment_of([line_hash(record_salt(self.secret, i), line) for i, line in enumerate(self.lines)])

    def encode(self):
        return b"\n".join([RECORD_FIRST_LINE, b"secret " + encode_hex(self.secret), *self.lines]) + b"\n"


def decode_record(data):
    if len(data) > MAX_NOTE:
        raise Malformed("larger than a record may be")
    lines = split_lines(data)
    if lines[0] != RECORD_FIRST_LINE:
        raise Malformed("the first line is not vidimus/record/v1")
    if len(lines) < 2 or not lines[1].startswith(b"secret "):
        raise Malformed("no line secret where one must stand")
    return Record(decode_hex32(lines[1][len(b"secret "):]), lines[2:])


OpenLine = namedtuple("OpenLine", "salt line")
HiddenLine = namedtuple("HiddenLine", "hash")


class Disclosure:
    """A record of which only some lines are shown."""

    def __init__(self, items):
        self.items = items
        self.hidden_lines = [number for number, item in enumerate(items) if isinstance(item, HiddenLine)]
        self.hidden = len(self.hidden_lines)
        self.fields = decode_record_lines([item.line for item in items if isinstance(item, OpenLine)], partial=True)
        self._check_document_line()

    def _check_document_line(self):
        for index, item in enumerate(self.items):
            is_document = isinstance(item, OpenLine) and item.line.startswith(b"document ")
            if isinstance(item, OpenLine) and is_document != (index == 0):
                raise Malformed("line 0 is the document line, and no other is")

    def commitment(self):
        return commitment_of([item.hash if isinstance(item, HiddenLine) else line_hash(*item) for item in self.items])

    def encode(self):
        lines = [DISCLOSURE_FIRST_LINE, b"lines %d" % len(self.items)]
        for index, item in enumerate(self.items):
            kind = b"hidden" if isinstance(item, HiddenLine) else b"open"
            rest = [encode_hex(item[0]), *item[1:]]
            lines.append(b" ".join([b"%d" % index, kind, *rest]))
        return b"\n".join(lines) + b"\n"


def disclose(record, keys):
    """Opens the lines of `record` whose key is in `keys`."""
    items = []
    for index, line in enumerate(record.lines):
        salt = record_salt(record.secret, index)
        is_open = split_line(line)[0].decode() in keys
        items.append(OpenLine(salt, line) if is_open else HiddenLine(line_hash(salt, line)))
    return Disclosure(items)


def _decode_disclosure_line(index, line):
    parts = line.split(b" ", 3)
    if len(parts) < 3 or decode_number(parts[0]) != index:
        raise Malformed("every line once, in rising order")
    if parts[1] == b"open" and len(parts) == 4:
        return OpenLine(decode_hex32(parts[2]), parts[3])
    if parts[1] == b"hidden" and len(parts) == 3:
        return HiddenLine(decode_hex32(parts[2]))
    raise Malformed("a line is open with salt and line, or hidden with hash")


def decode_disclosure(data):
    if len(data) > MAX_NOTE:
        raise Malformed("larger than a disclosure may be")
    lines = split_lines(data)
    if lines[0] != DISCLOSURE_FIRST_LINE:
        raise Malformed("the first line is not vidimus/disclosure/v1")
    if len(lines) < 3 or lines[1] != b"lines %d" % (len(lines) - 2):
        raise Malformed("`lines` is not the number of lines that follow, at least one")
    return Disclosure([_decode_disclosure_line(index, line) for index, line in enumerate(lines[2:])])


def decode_record_or_disclosure(data):
    is_disclosure = data.startswith(DISCLOSURE_FIRST_LINE + b"\n")
    return decode_disclosure(data) if is_disclosure else decode_record(data)


def document_suffix(file_name):
    """The ending of a document's file in a bundle: the last suffix of the name it had, where that is harmless."""
    stem, dot, suffix = (file_name or b"").rpartition(b".")
    suffix = suffix.lower()
    return suffix.decode() if dot and stem and re.fullmatch(rb"[a-z0-9]{1,8}", suffix) else "bin"


# ---------------------------------------------------------------------------------------------------------- tree

EMPTY_ROOT = sha256(b"")


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def _levels(leaves):
    """The tree from leaves to root; the odd one at the end of a level moves up as it is."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(above + below[len(below) & ~1:])
    return levels


def tree_root(leaves):
    return _levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def inclusion_proof(leaves, index):
    proof = []
    for level in _levels(leaves)[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        index >>= 1
    return proof


def consistency_proof(leaves, old_size):
    def subproof(old, part, complete):
        if old == len(part):
            return [] if complete else [tree_root(part)]
        split = 1 << (len(part) - 1).bit_length() - 1
        if old <= split:
            return subproof(old, part[:split], complete) + [tree_root(part[split:])]
        return subproof(old - split, part[split:], False) + [tree_root(part[:split])]
    return subproof(old_size, list(leaves), True)


def _are_hashes(*items):
    return all(len(item) == 32 for item in items)


def verify_inclusion(index, size, leaf, proof, root):
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    position, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(old_size, size, proof, old_root, root):
    """RFC 9162 section 2.1.4.2. Nothing is consistent with the empty tree: such a proof would say nothing."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if not proof or not _are_hashes(old_root, root, *proof):
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    position, last = old_size - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_hash = new_hash = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_hash, new_hash = node_hash(sibling, old_hash), node_hash(sibling, new_hash)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_hash = node_hash(new_hash, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old_hash == old_root and new_hash == root


Checkpoint = namedtuple("Checkpoint", "origin size root note")


def checkpoint_text(origin, size, root):
    return b"%s\n%d\n%s\n" % (origin.encode(), size, encode_base64(root))


def decode_checkpoint(data):
    """Origin, size, root and no further line; any signatures."""
    note = decode_note(data)
    lines = split_lines(note.text)
    if len(lines) != 3:
        raise Malformed("a checkpoint is origin, size and root, and no other line")
    checkpoint = Checkpoint(decode_origin(lines[0]), decode_number(lines[1]), decode_base64(lines[2], 32), note)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Malformed("a tree without leaves has another root")
    return checkpoint


Proof = namedtuple("Proof", "index hashes checkpoint extra", defaults=(None,))
PROOF_FIRST_LINE = b"c2sp.org/tlog-proof@v1"


def encode_proof(proof):
    lines = [PROOF_FIRST_LINE]
    if proof.extra is not None:
        lines.append(b"extra " + encode_base64(proof.extra))
    lines.append(b"index %d" % proof.index)
    return b"\n".join(lines + list(map(encode_base64, proof.hashes))) + b"\n\n" + proof.checkpoint


def _decode_hashes(lines):
    if len(lines) > MAX_PROOF_HASHES:
        raise Malformed("more hashes than a tree has levels")
    return [decode_base64(line, 32) for line in lines]


def decode_proof(data):
    """A c2sp.org/tlog-proof@v1; `checkpoint` is the bytes of the note at its end, which is well-formed."""
    if len(data) > MAX_NOTE:
        raise Malformed("larger than a proof may be")
    head, blank, checkpoint = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if not blank or lines[0] != PROOF_FIRST_LINE:
        raise Malformed("not a c2sp.org/tlog-proof@v1")
    extra = None
    if len(lines) > 1 and lines[1].startswith(b"extra "):
        extra = decode_base64(lines.pop(1)[len(b"extra "):])
    if len(lines) < 2 or not lines[1].startswith(b"index "):
        raise Malformed("no line index where one must stand")
    decode_checkpoint(checkpoint)
    return Proof(decode_number(lines[1][len(b"index "):]), _decode_hashes(lines[2:]), checkpoint, extra)


ConsistencyProof = namedtuple("ConsistencyProof", "old_size hashes checkpoint")


def encode_consistency(proof):
    return b"\n".join([b"old %d" % proof.old_size, *map(encode_base64, proof.hashes)]) + b"\n\n" + proof.checkpoint


def decode_consistency(data):
    """The body of an add-checkpoint request."""
    if len(data) > MAX_NOTE:
        raise Malformed("larger than a proof may be")
    head, blank, checkpoint = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if not blank or not lines[0].startswith(b"old "):
        raise Malformed("not the body of an add-checkpoint request")
    decode_checkpoint(checkpoint)
    return ConsistencyProof(decode_number(lines[0][len(b"old "):]), _decode_hashes(lines[1:]), checkpoint)


ForkProof = namedtuple("ForkProof", "key root hashes notes")
FORK_PROOF_FIRST_LINE = b"vidimus/fork-proof/v1"


def encode_fork_proof(proof):
    """`notes` are the bytes of the two checkpoints; `root` is None where they are of one size."""
    lines = [FORK_PROOF_FIRST_LINE, b"ledger-key " + proof.key.encode()]
    if proof.root is not None:
        lines += [b"root " + encode_base64(proof.root), *map(encode_base64, proof.hashes)]
    return b"\n".join(lines) + b"\n\n" + b"\n".join(proof.notes)


def _split_notes(data):
    """A checkpoint's text has no empty line, so its note ends before the second."""
    text, _, rest = data.partition(b"\n\n")
    signatures, blank, other = rest.partition(b"\n\n")
    if not blank:
        raise Malformed("not two checkpoints")
    return text + b"\n\n" + signatures + b"\n", other


def decode_fork_proof(data):
    """Well-formed, and of two checkpoints that say different things; whether it holds is not looked at."""
    if len(data) > MAX_FORK_PROOF:
        raise Malformed("larger than a fork proof may be")
    head, blank, rest = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if not blank or lines[0] != FORK_PROOF_FIRST_LINE or not lines[1:] or not lines[1].startswith(b"ledger-key "):
        raise Malformed("not a fork proof")
    key, root = decode_vkey(lines[1][len(b"ledger-key "):]), None
    decode_origin(key.name.encode())
    if lines[2:]:
        if not lines[2].startswith(b"root "):
            raise Malformed("no line root where one must stand")
        root = decode_base64(lines[2][len(b"root "):], 32)
    proof = ForkProof(key, root, _decode_hashes(lines[3:]), _split_notes(rest))
    _check_fork_proof(proof, *map(decode_checkpoint, proof.notes))
    return proof


def _check_fork_proof(proof, first, second):
    if {first.origin, second.origin} != {proof.key.name}:
        raise Malformed("checkpoints of another ledger than the key's")
    if not 0 < first.size <= second.size:
        raise Malformed("not a smaller checkpoint, over one entry at least, and a larger one")
    if (proof.root is None) != (first.size == second.size):
        raise Malformed("a root belongs to two sizes, and to them only")
    if proof.root == first.root or (proof.root is None and first.root >= second.root):
        raise Malformed("no contradiction, or roots of one size that fall")


# ------------------------------------------------------------------------------------------------------- keyring

class Key:
    """A key that a ledger has authorized: valid for entries `authorized` < n < `end`."""

    def __init__(self, vkey, role, authorized):
        self.vkey, self.role, self.authorized = vkey, role, authorized
        self.end = None
        self.retired = self.revoked = None      # the entries that say so

    def valid_at(self, number):
        return self.authorized < number and (self.end is None or number < self.end)

    def current_at(self, size):
        """Authorized before `size`, and neither retired nor revoked by an entry before it?"""
        ended = [entry for entry in (self.retired, self.revoked) if entry is not None and entry < size]
        return self.authorized < size and not ended


class Keyring:
    """Who may sign, as genesis and the key entries say it. Entries are applied in order.

    `apply` raises Malformed for an entry that breaks a rule; it then has no effect. After a key entry of unknown
    version (`undecided_after`) no authorization can be relied on."""

    def __init__(self, origin):
        self.origin = origin
        self.keys = {}                  # KeyRef -> Key
        self.public_keys = set()
        self.key_entries = 0
        self.undecided_after = None

    def find(self, ref):
        return self.keys.get(KeyRef(*ref))

    def with_role(self, role):
        return [key for key in self.keys.values() if key.role == role]

    def apply(self, entry):
        if not entry.known:
            self.undecided_after = entry.number if self.undecided_after is None else self.undecided_after
        elif entry.kind == "genesis":
            self._apply_genesis(entry.fields)
        else:
            self._apply_key(entry.fields, entry.number)

    def _apply_genesis(self, fields):
        authority, ledger_key = fields["authority"], fields["ledger-key"]
        self._check_name(authority, "authority")
        self._check_name(ledger_key, "ledger")
        if authority.public_key == ledger_key.public_key:
            raise Malformed("one key in two roles")
        self._authorize(authority, "authority", -1)
        self._authorize(ledger_key, "ledger", 0)

    def _apply_key(self, fields, number):
        self.key_entries += 1
        if self.key_entries > MAX_KEY_ENTRIES:
            raise Malformed(f"a ledger has at most {MAX_KEY_ENTRIES} key entries")
        if fields["action"] == "authorize":
            self._check_name(fields["key"], fields["role"])
            self._authorize(fields["key"], fields["role"], number)
            return
        key = self.find(fields["key"].ref)
        if key is None or key.vkey != fields["key"] or key.role != fields["role"]:
            raise Malformed("this key is not authorized in this role")
        if fields["action"] == "retire":
            self._shrink(key, number)
            key.retired = number
        else:
            self._revoke(key, fields["since"], number)

    def _check_name(self, vkey, role):
        if (vkey.name == self.origin) != (role == "ledger"):
            raise Malformed("ledger keys, and only they, are named like the origin")

    def _authorize(self, vkey, role, number):
        if vkey.public_key in self.public_keys:
            raise Malformed("a public key is authorized once")
        if vkey.ref in self.keys:
            raise Malformed("name and key id are unique in a ledger")
        self.public_keys.add(vkey.public_key)
        self.keys[vkey.ref] = Key(vkey, role, number)

    def _revoke(self, key, since, number):
        if not key.authorized < since <= number:
            raise Malformed("`since` lies after the authorization and not after the revocation")
        self._shrink(key, since)
        if key.revoked is None:         # a second revocation may only reach further back
            key.revoked = number

    @staticmethod
    def _shrink(key, end):
        if key.end is not None and end >= key.end:
            raise Malformed("ranges only shrink")
        key.end = end

    def ledger_key_at(self, size):
        """The key that signs the checkpoint of this size."""
        current = [key for key in self.with_role("ledger") if key.current_at(size)]
        return max(current, key=lambda key: key.authorized, default=None)

    def earlier_ledger_keys(self, size):
        """Keys that signed checkpoints of smaller sizes, and whose line may stand before the current one's. Every
        ledger key was the newest one right after its authorization."""
        current = self.ledger_key_at(size)
        return [key for key in self.with_role("ledger") if key.authorized + 1 < size and key is not current]


# -------------------------------------------------------------------------------------------------------- policy

class Policy:
    """Logs, witnesses and the quorum of witnesses that a reader asks for. Names are opaque octets."""

    def __init__(self):
        self.logs, self.witnesses, self.groups = [], {}, {}
        self.quorum = None              # a name; None is "none"
        self.quorum_seen = False
        self._grouped = set()

    def met(self, cosigned, name=None):
        """Do these witnesses (a set of names) make up the quorum?"""
        name = name or self.quorum
        if name is None:
            return True
        if name in self.witnesses:
            return name in cosigned
        threshold, members = self.groups[name]
        return sum(self.met(cosigned, member) for member in members) >= threshold

    def add(self, words):
        known = {b"log": self._log, b"witness": self._witness, b"group": self._group, b"quorum": self._set_quorum}
        if words[0] not in known:
            raise Malformed("not a log, witness, group or quorum line")
        known[words[0]](words[1:])

    def _log(self, words):
        if len(words) not in (1, 2):
            raise Malformed("log <vkey> [<url>]")
        key = decode_vkey(words[0])
        decode_origin(key.name.encode())
        self._check_new(key, self.logs)
        self.logs.append(key)

    def _witness(self, words):
        if len(words) not in (2, 3):
            raise Malformed("witness <name> <vkey> [<url>]")
        key = decode_vkey(words[1], kinds=(COSIGNATURE,))
        self._check_new(key, self.witnesses.values())
        self._check_free(words[0])
        self.witnesses[words[0]] = key

    def _group(self, words):
        if len(words) < 3:
            raise Malformed("group <name> all|any|<k> <member>...")
        name, threshold, *members = words
        self._check_free(name)
        for member in members:
            self._check_defined(member)
            if member in self._grouped:
                raise Malformed("a name is a member of one group only")
            self._grouped.add(member)
        counts = {b"all": len(members), b"any": 1}
        threshold = counts[threshold] if threshold in counts else decode_number(threshold)
        if not 1 <= threshold <= len(members):
            raise Malformed("a threshold is between 1 and the number of members")
        self.groups[name] = (threshold, members)

    def _set_quorum(self, words):
        if len(words) != 1 or self.quorum_seen:
            raise Malformed("exactly one quorum line, with one name")
        self.quorum_seen = True
        if words[0] != b"none":
            self._check_defined(words[0])
            self.quorum = words[0]

    def _check_new(self, key, others):
        if any(key.public_key == other.public_key for other in others):
            raise Malformed("a public key stands here twice")

    def _check_free(self, name):
        if name == b"none" or name in self.witnesses or name in self.groups:
            raise Malformed("this name is taken")

    def _check_defined(self, name):
        if name not in self.witnesses and name not in self.groups:
            raise Malformed("a name that no line before this one defines")


def decode_policy(data):
    if re.search(rb"[^\t\n\x20-\x7e\x80-\xff]", data):
        raise Malformed("a control character")
    policy = Policy()
    for number, line in enumerate(split_lines(data), 1):
        words = re.findall(rb"[^ \t]+", line)
        if words and not words[0].startswith(b"#"):
            try:
                policy.add(words)
            except Malformed as error:
                raise Malformed(f"line {number}: {error}") from None
    if not policy.quorum_seen:
        raise Malformed("no quorum line")
    return policy


# ----------------------------------------------------------------------------------------------------------- bag

BLOCK = 512
END_OF_TAR = bytes(2 * BLOCK)
BASE256_FROM = 8 << 30              # sizes from here on do not fit eleven octal digits
BAGIT_TXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

BagInfo = namedtuple("BagInfo", "origin date octets files agent")
_BAG_INFO = re.compile(rb"External-Identifier: ([^\n]+)\nBagging-Date: (\d{4}-\d\d-\d\d)\n"
                       rb"Payload-Oxum: ([0-9]+)\.([0-9]+)\nBag-Software-Agent: (?! )([ -~]{1,200})(?<! )\n")


def tar_header(path, size, mtime):
    """The one ustar header that a member of a bundle may have."""
    name = path.encode("ascii")
    if len(name) > 100:
        raise ValueError("a name of a bundle fits 100 bytes")
    size_field = b"%011o\0" % size if size < BASE256_FROM else b"\x80" + size.to_bytes(11, "big")
    before = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size_field + b"%011o\0" % mtime
    after = b"0" + bytes(100) + b"ustar\0" + b"00" + bytes(32 + 32 + 8 + 8 + 155 + 12)
    checksum = sum(before) + sum(after) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + after


def padding(size):
    return -size % BLOCK


def encode_bag_info(info):
    return (f"External-Identifier: {info.origin}\nBagging-Date: {info.date}\n"
            f"Payload-Oxum: {info.octets}.{info.files}\nBag-Software-Agent: {info.agent}\n").encode()


def decode_bag_info(data):
    match = _BAG_INFO.fullmatch(data)
    if not match:
        raise Malformed("not exactly External-Identifier, Bagging-Date, Payload-Oxum, Bag-Software-Agent")
    origin, date, octets, files, agent = match.groups()
    decode_time(date + b"T00:00:00Z")
    return BagInfo(decode_origin(origin), date.decode(), decode_number(octets), decode_number(files), agent.decode())


def manifest_line(digest, name):
    return encode_hex(digest) + b"  " + name.encode() + b"\n"


_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")


def encode_pem(public_key):
    body = encode_base64(_DER_PREFIX + public_key)
    return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"


def decode_pem(data):
    lines = data.split(b"\n")
    payload = decode_base64(lines[1], 44) if len(lines) == 4 else b""
    if not payload.startswith(_DER_PREFIX) or encode_pem(payload[12:]) != data:
        raise Malformed("not the PEM of an Ed25519 public key")
    if not is_public_key(payload[12:]):
        raise Malformed("the public key is no canonical encoding of a point of prime order")
    return payload[12:]


def entry_path(number):
    return f"vidimus/entries/{number:06d}"


def proof_path(number):
    return f"vidimus/proofs/{number:06d}.tlog-proof"


def record_path(number):
    return f"vidimus/records/{number:06d}"


def key_path(public_key):
    return f"vidimus/keys/{public_key.hex()}.pem"


def document_path(number, suffix):
    return f"data/files/{number:06d}.{suffix}"


def evidence_path(size, name):
    return f"vidimus/evidence/{size}/{name}"
