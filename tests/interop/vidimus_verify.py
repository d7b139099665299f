#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks vidimus bundles, single proofs, checkpoints and fork proofs, without vidimus.

It needs Python 3 and the file `vidimus_format.py` beside it, nothing else (for .tar.zst also the program `zstd`). It
uses no network, writes nothing, unpacks nothing, and reads a bundle once, from front to back, in bounded memory.
"""
import argparse
import bisect
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import threading
import zlib
from array import array
from collections import namedtuple
from contextlib import contextmanager

sys.dont_write_bytecode = True  # who verifies writes nothing, not even beside the program
import vidimus_format as fmt  # noqa: E402
from vidimus_format import Malformed  # noqa: E402

VERIFIED, NOT_TRUSTED = "VERIFIED", "INTACT, KEY NOT TRUSTED"
ALTERED, INCOMPLETE, COULD_NOT_CHECK = "ALTERED", "INCOMPLETE", "COULD NOT CHECK"
NO_MATCH = "NO MATCH"
EXIT = {VERIFIED: 0, ALTERED: 1, INCOMPLETE: 1, NO_MATCH: 1, COULD_NOT_CHECK: 3, NOT_TRUSTED: 4}
WORST_FIRST = (1, 3, 4, 0)
MAX_WHOLES = 65536
ONLY_INCOMPLETE = {"truncated", "document-missing", "record-missing"}

CHUNK = 1 << 16
WITHDRAWALS_KEPT = 4            # of one capture
KEPT = 1000                     # findings, notices and the like that are kept; more are counted
LIST_KEPT = 64 << 20            # bytes of a selection or manifest that are held in memory
ZSTD_WINDOW = 8 << 20
ZSTD_BLOCK = 128 << 10


class Truncated(Exception):
    """The input ends where more must follow."""


class StructureError(Exception):
    """A fault of the container after which nothing that follows can be placed."""


class CouldNotCheck(Exception):
    """Nothing can be said about the input: it cannot be read, or it is something else."""


# -------------------------------------------------------------------------------------------------------- output

# Controls, directional marks and zero-width characters: they can make a terminal, or a reader, see something else.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0\U000e0000-\U000e0fff]")


def visible(text):
    """Untrusted text (or bytes) in a form that is safe to show: every unsafe byte as \\xhh."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    return _UNSAFE.sub(lambda match: "".join(
        f"\\x{byte:02x}" for byte in match.group().encode("utf-8", _surrogates(match.group()))), text)


def _surrogates(char):
    return "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"


def shown_value(value):
    """A decoded record value, again in its escaped form and safe to show."""
    return visible(fmt.escape(value))


def shown_digest(digest):
    return "sha256:" + digest.hex()


def fingerprint(vkey):
    """The key's name, and the first 8 bytes of its SHA-256 to compare with the owner over the telephone."""
    digest = fmt.sha256(vkey.public_key).hex()
    return f"{vkey.name}, " + " ".join(digest[i:i + 4] for i in range(0, 16, 4))


class Few(list):
    """A list that keeps its first KEPT items and counts the others, so that hostile input cannot fill the memory."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def add(self, item):
        self.total += 1
        if len(self) < KEPT:
            self.append(item)


Finding = namedtuple("Finding", "kind entry document expected found message")
Notice = namedtuple("Notice", "kind entry message")
Item = namedtuple("Item", "entry withdrawn withdrawals partly_disclosed record amended hidden_lines")


class Report:
    """What a check saw."""

    def __init__(self, name):
        self.name = name
        self.kind = self.origin = self.size = self.root = self.time = self.problem = None
        self.contradicts = None         # of a fork proof: the other checkpoint
        self.entries_checked = self.documents_checked = self.bytes_checked = 0
        self.selected = 0
        self.trusted_key = self.continues = None
        self.findings, self.notices, self.items = Few(), Few(), Few()
        self.captures = Few()           # of a bundle: an Item each
        self.partly_disclosed = self.documents_absent = self.slices_checked = 0
        self.finding_kinds = set()

    def add(self, kind, message, entry=None, document=None, expected=None, found=None):
        self.finding_kinds.add(kind)
        shown = [None if text is None else visible(text) for text in (document, expected, found, message)]
        self.findings.add(Finding(kind, entry, *shown))

    def notice(self, kind, message, entry=None):
        self.notices.add(Notice(kind, entry, visible(message)))

    @property
    def verdict(self):
        faults = self.finding_kinds - {"key-untrusted", "document-unmatched"}
        if faults:
            return INCOMPLETE if faults <= ONLY_INCOMPLETE else ALTERED
        if self.problem:
            return COULD_NOT_CHECK
        if "document-unmatched" in self.finding_kinds:
            return NO_MATCH
        return NOT_TRUSTED if self.finding_kinds else VERIFIED

    def all_notices(self):
        yield from self.notices
        if self.problem:
            yield Notice("could-not-check", None, visible(self.problem))
        for kept, what in ((self.findings, "findings"), (self.notices, "notices"), (self.items, "captures")):
            if kept.total > len(kept):
                yield Notice("not-listed", None, f"{kept.total - len(kept):,} more {what}")

    def as_json(self):
        return json.dumps({
            "verdict": self.verdict, "ok": self.verdict == VERIFIED, "kind": self.kind,
            "origin": self.origin, "size": self.size,
            "root": self.root and fmt.encode_base64(self.root).decode(), "time": self.time,
            "entries_checked": self.entries_checked, "documents_checked": self.documents_checked,
            "bytes_checked": self.bytes_checked, "trusted": self.trusted_key is not None,
            "findings": [finding._asdict() for finding in self.findings],
            "notices": [notice._asdict() for notice in self.all_notices()],
            **(self._captures_as_json() if self.kind == "bundle" else {}),
            **({"contradicts": {"size": self.contradicts.size,
                                "root": fmt.encode_base64(self.contradicts.root).decode()}}
               if self.contradicts else {})})

    def _captures_as_json(self):
        return {"partly_disclosed": self.partly_disclosed, "documents_absent": self.documents_absent,
                "slices_checked": self.slices_checked,
                "items": [item._asdict() for item in self.captures]}

    def as_text(self):
        lines = [f"{self.verdict}  {self._headline()}"]
        if self._not_shown():
            lines.append("  not shown     " + "; ".join(self._not_shown()))
        lines += self._facts()
        for finding in self.findings:
            lines += self._finding_lines(finding)
        if self.verdict != COULD_NOT_CHECK:
            lines += [f"  notice        {n.kind}{_at_entry(n.entry)}: {n.message}" for n in self.all_notices()]
        return "\n".join(lines + self._sentences())

    def _not_shown(self):
        """What the bundle keeps from its reader."""
        said = []
        if self.partly_disclosed:
            said.append(f"{self.partly_disclosed:,} of {_count(self.selected, 'capture')} PARTLY DISCLOSED: hidden lines "
                        "may qualify or contradict what is shown")
        if self.documents_absent:
            said.append(_count(self.documents_absent, "document is", "documents are")
                        + " not here and not given, so not checked")
        return said

    def _headline(self):
        name = visible(self.name)
        if self.verdict == COULD_NOT_CHECK:
            return f"{name}: {visible(self.problem)}"
        if self.findings:
            return f"{_count(self.findings.total, 'finding')} in {name}"
        what = {"bundle": _count(self.documents_checked, "document"), "proof": "1 entry", "checkpoint": "checkpoint",
                "fork-proof": "two histories"}
        time = f", {self.time}" if self.time else ""
        return f"{what[self.kind]} of {self.origin}, as of {_count(self.size, 'entry', 'entries')}{time}"

    def _facts(self):
        lines = []
        if self.trusted_key:
            lines.append(f"  trusted key   {fingerprint(self.trusted_key)} (yours)")
        if self.verdict not in (VERIFIED, NOT_TRUSTED):
            return lines
        if self.contradicts:
            lines.append(f"  contradicts   {_count(self.contradicts.size, 'entry', 'entries')}, "
                         f"root {fmt.encode_base64(self.contradicts.root).decode()}")
        elif self.kind != "checkpoint":
            lines.append("  time          recorded by the archive's own clock")
        if self.continues:
            origin, size, root = self.continues
            lines.append(f"  continues     {origin}, as of {_count(size, 'entry', 'entries')}, "
                         f"{fmt.encode_base64(root).decode()}")
        if self.slices_checked:
            lines.append(f"  slices        {self.slices_checked:,} compared with the document that it is cut out of")
        if self.kind == "bundle":
            lines.append(f"  selection     {_count(self.selected, 'chosen capture')}; completeness not proved")
            lines.append("  not evidence  data/INDEX.txt and vidimus/VERIFY.txt are the sender's words; "
                         "what counts is printed here")
        return lines + [line for item in self.items for line in item]

    @staticmethod
    def _finding_lines(finding):
        document = f"  {finding.document}" if finding.document else ""
        lines = [f"  {finding.kind}{_at_entry(finding.entry)}{document}", f"    {finding.message}"]
        lines += [f"    {word:9}{value}" for word, value in
                  (("expected", finding.expected), ("found", finding.found)) if value is not None]
        return lines

    def _sentences(self):
        shows = {
            VERIFIED: "This shows that " + _SHOWN.get(self.kind, _SHOWN["bundle"]),
            NOT_TRUSTED: "This shows that the parts fit together; it does not show whose they are, as no key of yours "
                         "vouches for them: get the archive's key from elsewhere and give it with --trust.",
            ALTERED: "This shows that what is here is not, or not as you asked for it, what was recorded and signed.",
            NO_MATCH: "What was checked is as it was recorded. The file that you gave is another: it was changed, or it "
                      "is the document of something that is not here.",
            INCOMPLETE: "This shows that a part is not here; it does not show that what is here was changed.",
            COULD_NOT_CHECK: "This shows nothing about the file, good or bad."}
        not_shown = ("which of the two is the true one, nor who holds the key" if self.kind == "fork-proof" else
                     "that a statement is true, who wrote it, or that the source served it")
        return [shows[self.verdict], f"It does not show {not_shown}."]


_SHOWN = {
    "bundle": "the archive recorded exactly these bytes under these keys, and that nothing before that point in its "
              "ledger was changed since.",
    "proof": "the ledger, as the trusted key signed it, holds exactly this entry.",
    "checkpoint": "the trusted key signed this state of the ledger.",
    "fork-proof": "the holder of the trusted key signed two histories that contradict each other."}


def _at_entry(entry):
    return "" if entry is None else f"  entry {entry}"


def _count(number, noun, plural=None):
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


# -------------------------------------------------------------------------------------------------------- anchor

class Anchor:
    """What the reader brings: keys, a policy, documents."""

    def __init__(self, keys=(), policy=None, documents=(), allow_unsealed=False):
        self.keys, self.policy, self.allow_unsealed = list(keys), policy, allow_unsealed
        self.documents = {digest: (size, name) for digest, size, name in documents}
        self.matched = set()

    def cosigners(self, note):
        """Names (in the policy) of the witnesses that cosigned this checkpoint, and of those whose line is wrong."""
        good, bad = set(), set()
        for name, key in (self.policy.witnesses if self.policy else {}).items():
            lines = [line for line in note.signatures if (line.name, line.key_id) == key.ref]
            if lines:
                (good if all(key.signed(note.text, line) for line in lines) else bad).add(name)
        return good, bad

    def vouching_key(self, signed, cosigned, authority=None):
        """The key of the reader that vouches: the authority, or a ledger key that signed the checkpoint, or a log of
        the policy that did and whose checkpoint the quorum cosigned."""
        for key in self.keys:
            if key == authority or key in signed:
                return key
        if self.policy and self.policy.met(cosigned):
            return next((key for key in self.policy.logs if key in signed), None)
        return None

    def judge(self, report, signed, cosigned, authority=None):
        """Adds `key-untrusted` and `quorum-unmet` where they are due."""
        if self.policy and not self.policy.met(cosigned):
            known = _count(len(cosigned), "witness", "witnesses")
            report.add("quorum-unmet", f"{known} of your policy cosigned this checkpoint; its quorum asks for more")
        report.trusted_key = self.vouching_key(signed, cosigned, authority)
        if report.trusted_key is None:
            offered = authority or next(iter(signed), None)
            report.add("key-untrusted", "no key that you gave vouches for this ledger",
                       found=offered and offered.encode())


# ------------------------------------------------------------------------------------------------------- sources

class Source:
    """Bytes of a tar, read in order. Subclasses say where they come from (`_more`: the next bytes, or b"" at the end)
    and fail when anything follows the end."""

    def __init__(self, file):
        self.file, self.ahead, self.offset = file, b"", 0

    def peek(self, count):
        while len(self.ahead) < count:
            more = self._more()
            if not more:
                break
            self.ahead += more
        return self.ahead[:count]

    def chunks(self, count):
        """Exactly `count` bytes, in pieces."""
        while count:
            if not self.ahead:
                self.ahead = self._more()
            if not self.ahead:
                raise Truncated(f"the tar ends after {self.offset:,} bytes, where more must follow")
            piece, self.ahead = self.ahead[:count], self.ahead[count:]
            count -= len(piece)
            self.offset += len(piece)
            yield piece

    def exact(self, count):
        return b"".join(self.chunks(count))

    def finish(self):
        if self.peek(1):
            raise StructureError("something follows the end of the tar")

    def close(self):
        pass

    def _more(self):
        return self.file.read(CHUNK)


class GzipSource(Source):
    """Exactly one gzip member."""

    def __init__(self, file):
        super().__init__(file)
        self.inflate = zlib.decompressobj(wbits=31)

    def _more(self):
        while not self.inflate.eof:
            data = self.inflate.unconsumed_tail or self.file.read(CHUNK)
            if not data:
                raise Truncated("the gzip member is cut off")
            try:
                out = self.inflate.decompress(data, CHUNK)
            except zlib.error as error:
                raise StructureError(f"the gzip member is damaged ({error})") from None
            if out:
                return out
        if self.inflate.unused_data or self.file.read(1):
            raise StructureError("something follows the gzip member")
        return b""


class ZstdSource(Source):
    """Exactly one zstd frame. The program `zstd` would also take several frames, skippable ones and large windows, so
    the frame is walked here, block by block, on its way to the program."""

    def __init__(self, file):
        super().__init__(file)
        self.problem = None
        self.given = 0
        self.said = None
        try:
            self.process = subprocess.Popen(["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL)
        except OSError:
            raise CouldNotCheck("the program zstd is needed to read a .tar.zst") from None
        self.feeder = threading.Thread(target=self._feed, daemon=True)
        self.feeder.start()

    def _says(self, size):
        self.said = size

    def _feed(self):
        raw = Source(self.file)
        try:
            for piece in zstd_frame(raw, self._says):
                self.process.stdin.write(piece)
            if raw.peek(1):
                raise StructureError("something follows the zstd frame")
        except (Truncated, StructureError) as problem:
            self.problem = problem
        except OSError:
            pass                        # zstd gave up or was stopped: its exit status or the reader says why
        finally:
            try:
                self.process.stdin.close()
            except OSError:
                pass

    def _more(self):
        data = self.process.stdout.read1(CHUNK)
        if not data:
            self.feeder.join()
            status = self.process.wait()
            if self.problem:
                raise self.problem
            if status:
                raise StructureError("the zstd frame is damaged")
            if self.said not in (None, self.given):
                raise StructureError("the zstd frame does not hold as much as it says")
        self.given += len(data)
        return data

    def close(self):
        self.process.kill()
        self.process.stdout.close()
        self.feeder.join()
        self.process.wait()


def zstd_frame(raw, says=lambda size: None):
    """The bytes of one frame, in pieces, as its own header and block headers measure them. `says` is given the size of
    the content, if the header tells it."""
    def exact(count):
        try:
            return raw.exact(count)
        except Truncated:
            raise Truncated("the zstd frame is cut off") from None

    start = exact(5)
    descriptor = start[4]
    single_segment = descriptor & 0x20
    if descriptor & 0x0b:
        raise StructureError("a zstd frame of a bundle uses no dictionary and no reserved bit")
    sizes = (1 if single_segment else 0, 2, 4, 8)
    window = b"" if single_segment else exact(1)
    content = exact(sizes[descriptor >> 6])
    if _zstd_window(window, content) > ZSTD_WINDOW:
        raise StructureError("the window of the zstd frame is larger than 8 MiB")
    if content:
        says(_zstd_number(content))
    yield start + window + content
    last = False
    while not last:
        header = exact(3)
        number = int.from_bytes(header, "little")
        last, kind, size = number & 1, number >> 1 & 3, number >> 3
        if kind == 3 or size > ZSTD_BLOCK:
            raise StructureError("the zstd frame has an impossible block")
        yield header + exact(1 if kind == 1 else size)
    if descriptor & 0x04:
        yield exact(4)


def _zstd_number(content):
    return int.from_bytes(content, "little") + (256 if len(content) == 2 else 0)


def _zstd_window(window, content):
    if not window:
        return _zstd_number(content)
    base = 1 << 10 + (window[0] >> 3)
    return base + base // 8 * (window[0] & 7)


# ----------------------------------------------------------------------------------------------------------- tar

_TOP = r"[A-Za-z0-9][A-Za-z0-9._-]{0,16}"
_FIRST_NAME = re.compile(rf"{_TOP}/bagit\.txt\0".encode())
LONGEST_FIRST_NAME = 17 + len("/bagit.txt\0")
_ANY_NAME = re.compile(rf"{_TOP}/(?:bagit\.txt|bag-info\.txt|(?:tag)?manifest-sha256\.txt|vidimus/|data/)".encode())
_PATH = re.compile(rf"({_TOP})/([!-~]+)".encode())
_OCTAL = re.compile(rb"[0-7]{11}\0")


def begins_like_a_bundle(start):
    """Its first name, or that of another member in a header of a bundle (then a member is missing: a finding)."""
    return bool(_FIRST_NAME.match(start) or (_ANY_NAME.match(start) and _is_header(start)))


def _is_header(block):
    try:
        return len(block) == fmt.BLOCK and TarReader(Source(io.BytesIO(block))).next() is not None
    except StructureError:
        return False


PACKED_AGAIN = "it looks like a bundle that was unpacked and packed again. Ask for the file as it was handed out"
LOOKED_THROUGH = 1 << 30


def looks_packed_again(source):
    """Whether a tar of any program, from its start, holds the member that every bundle has. A guess, for a message."""
    try:
        while source.offset < LOOKED_THROUGH:
            header = source.exact(fmt.BLOCK)
            if re.search(rb"(?:^|/)vidimus/checkpoint\0", header[:101]):
                return True
            size = re.fullmatch(rb" *([0-7]+)[ \0]*", header[124:136])
            if not size:
                return False
            for _ in source.chunks(-(-int(size.group(1), 8) // fmt.BLOCK) * fmt.BLOCK):
                pass
    except (Truncated, StructureError):
        pass
    return False


class Member:
    """One file in the tar; its content is read once, or loaded and kept when it is small."""

    def __init__(self, source, name, size):
        self.source, self.name, self.size = source, name, size
        self.data = self.digest = None

    def load(self, limit):
        """The content, or None if it is larger than `limit`."""
        if self.data is None and self.size <= limit:
            self.data = self.source.exact(self.size)
        return self.data

    def consume(self, sink=None):
        digest = hashlib.sha256()
        for piece in self.source.chunks(self.size) if self.data is None else (self.data,):
            digest.update(piece)
            if sink:
                sink(piece)
        self.digest = digest.digest()
        if any(self.source.exact(fmt.padding(self.size))):
            raise StructureError(f"the padding after {self.name} is not zero")


class TarReader:
    """Strict ustar: a header is right when it is byte for byte the one that its name, size and time give."""

    def __init__(self, source):
        self.source = source
        self.top = self.mtime = None

    def next(self):
        """The next member, or None after a proper end."""
        where = self.source.offset
        header = self.source.exact(fmt.BLOCK)
        if not any(header):
            return self._end()
        match = _PATH.fullmatch(header[:100].rstrip(b"\0"))
        mtime, size = header[136:148], self._size(header[124:136])
        if not match or size is None or not _OCTAL.fullmatch(mtime):
            raise StructureError(f"no header of a bundle's member at byte {where:,}" + self._hint(where))
        path, mtime = match.group().decode(), int(mtime[:11], 8)
        if fmt.tar_header(path, size, mtime) != header:
            raise StructureError(f"the tar header of {path} at byte {where:,} is not the one that belongs there"
                                 + self._hint(where))
        self._same_for_all(match.group(1), mtime, path)
        return Member(self.source, match.group(2).decode(), size)

    @staticmethod
    def _hint(where):
        return "" if where else ": perhaps " + PACKED_AGAIN

    @staticmethod
    def _size(field):
        if _OCTAL.fullmatch(field):
            return int(field[:11], 8)
        size = int.from_bytes(field[1:], "big")
        return size if field[0] == 0x80 and size <= fmt.MAX_NUMBER else None

    def _same_for_all(self, top, mtime, path):
        self.top, self.mtime = self.top or top, mtime if self.mtime is None else self.mtime
        if top != self.top:
            raise StructureError(f"{path} is not in the bundle's one top folder")
        if mtime != self.mtime:
            raise StructureError(f"{path} has another time than the members before it")

    def _end(self):
        if any(self.source.exact(fmt.BLOCK)):
            raise StructureError("the tar ends with one zero block instead of two")
        self.source.finish()
        return None


# ----------------------------------------------------------------------------------------------------------- bag

class Kept:
    """A sink that holds a list in memory up to a limit."""

    def __init__(self):
        self.data, self.whole = bytearray(), True

    def __call__(self, piece):
        self.whole = self.whole and len(self.data) + len(piece) <= LIST_KEPT
        if self.whole:
            self.data += piece


class Manifest:
    """A manifest, compared line by line with the members as they come.

    Until it is `open`ed its lines wait (three of them: those of the members before the tag manifest). One that is
    too large to hold is compared by its digest at the end. A fault that a finding already names is not named twice,
    and after a slip, where lines and members no longer stand side by side, comparing stops."""

    def __init__(self, name, report):
        self.name, self.report = name, report
        self.text, self.position = None, 0
        self.waiting = []
        self.rolling = self.wanted = None
        self.off = False

    def open(self, kept, digest):
        if kept.whole:
            self.text = kept.data
        else:
            self.rolling, self.wanted = hashlib.sha256(), digest
        for line in self.waiting:
            self.check(*line)

    def check(self, name, digest, excused=False, expected=True):
        if self.off:
            return
        line = fmt.manifest_line(digest, name)
        if self.rolling:
            self.rolling.update(line)
        elif self.text is None:
            self.waiting.append((name, digest, excused, expected))
        else:
            self._compare(line, name, excused, expected)

    def _compare(self, line, name, excused, expected):
        listed = self._peek()
        if listed[64:] != line[64:]:
            if expected:
                self._slip("the members and the lines of this manifest part here", name)
            return
        self.position += len(listed)
        if listed != line and not excused:
            self.report.add("bag-invalid", f"not the bytes that {self.name} lists", document=name,
                            expected="sha256:" + listed[:64].decode("latin-1"),
                            found="sha256:" + line[:64].decode())

    def absent(self, name):
        """A member that is missing, which has its own finding: its line, if it has one, is passed over."""
        if self.text is not None and self._peek()[64:] == f"  {name}\n".encode():
            self.position += len(self._peek())

    def end(self):
        if self.off:
            return
        if self.rolling and self.rolling.digest() != self.wanted:
            self._slip("it does not list the members of this bundle", self.name)
        elif self.text is not None and self._peek():
            self._slip("this manifest lists what is not here", self.name)

    def _peek(self):
        end = self.text.find(b"\n", self.position, self.position + 256)
        return bytes(self.text[self.position:end + 1 if end >= 0 else self.position + 256])

    def _slip(self, message, document):
        self.off = True
        self.report.add("bag-invalid", f"{self.name}: {message}", document=document)


SEAL, TAGMANIFEST, CHECKPOINT = "vidimus/seal", "tagmanifest-sha256.txt", "vidimus/checkpoint"
MANIFEST, SELECTION, INDEX = "manifest-sha256.txt", "vidimus/selection", "data/INDEX.txt"
EVIDENCE = "vidimus/evidence/"
# The members that always stand here, and where keys and entries come among them.
ORDER = ("bagit.txt", "bag-info.txt", MANIFEST, TAGMANIFEST, SEAL, CHECKPOINT, SELECTION, "vidimus/VERIFY.txt",
         "vidimus/keys/", INDEX, "vidimus/entries/", EVIDENCE)


def place_in_order(name):
    """Where a member of this name belongs, or -1."""
    for place, item in enumerate(ORDER):
        if name == item or (item.endswith("/") and name.startswith(item)):
            return place
    if name.startswith(("vidimus/proofs/", "vidimus/records/", "data/files/")):
        return ORDER.index("vidimus/entries/")
    return -1


def numbered(name, pattern):
    """The number in a member name such as vidimus/entries/000012, or None."""
    match = re.fullmatch(pattern, name or "")
    if not match or match.group(1) != f"{int(match.group(1)):06d}":
        return None
    number = int(match.group(1))
    return number if number <= fmt.MAX_NUMBER else None


def entry_number(name):
    return numbered(name, r"vidimus/entries/([0-9]{6,16})")


class Bag:
    """The members in order, each accounted for in its manifest and in the payload's size."""

    def __init__(self, source, report):
        self.report = report
        self.tar = TarReader(source)
        self.payload = Manifest(MANIFEST, report)
        self.tags = Manifest(TAGMANIFEST, report)
        self.octets = self.files = 0
        self.absent_octets = self.absent_files = self.changed_octets = 0
        self.current = self.tar.next()

    @property
    def name(self):
        return self.current and self.current.name

    def peek_note(self):
        """The current member's content if it is no larger than a note, else b""."""
        return self.current.load(fmt.MAX_NOTE) or b""

    @contextmanager
    def take(self, limit=None, sink=None, expected=True):
        """The current member, read; its `data` is None when it is larger than `limit`, or when there is none."""
        member = self.current
        if limit is not None:
            member.load(limit)
        member.consume(sink)
        before = self.report.findings.total
        yield member
        self._account(member, self.report.findings.total != before, expected)
        self.current = self.tar.next()

    def unexpected(self, message="this member does not belong here"):
        self.report.add("unexpected-member", message, document=self.name)
        with self.take(expected=False):
            pass

    def _account(self, member, excused, expected):
        name = member.name
        if name.startswith("data/"):
            self.payload.check(name, member.digest, excused, expected)
            self.octets += member.size
            self.files += 1
        elif name not in (SEAL, TAGMANIFEST) and not name.startswith(EVIDENCE):
            self.tags.check(name, member.digest, excused, expected)

    def absent(self, name):
        (self.payload if name.startswith("data/") else self.tags).absent(name)

    def absent_document(self, name, size):
        self.payload.absent(name)
        self.absent_octets += size
        self.absent_files += 1

    def payload_is(self, octets, files):
        """Is this the size of the payload, with or without the documents that are reported missing, and with or
        without the change in length of those that are reported corrupt?"""
        sizes = ((self.octets, self.files), (self.octets + self.absent_octets, self.files + self.absent_files))
        return (octets, files) in sizes or (octets + self.changed_octets, files) in sizes


class Selection:
    """The selected captures, in order."""

    def __init__(self, data, size):
        self.numbers = array("Q")
        for line in io.BytesIO(data):
            if not line.endswith(b"\n"):
                raise Malformed("the last line does not end in LF")
            number = fmt.decode_number(line[:-1])
            if self.numbers and number <= self.numbers[-1]:
                raise Malformed("the numbers do not rise")
            self.numbers.append(number)
        if not self.numbers:
            raise Malformed("it selects nothing")
        if size is not None and self.numbers[-1] >= size:
            raise Malformed("it names an entry that the checkpoint does not cover")

    def __contains__(self, number):
        return is_among(number, self.numbers)


def is_among(number, rising):
    place = bisect.bisect_left(rising, number)
    return place < len(rising) and rising[place] == number


# ------------------------------------------------------------------------------------------------------- entries

Previous = namedtuple("Previous", "number digest recorded")


class Checked:
    """What came of one entry: `entry` is None if it could not be read; `good` if nothing is wrong with it and a key
    signed it that may; `revoked` if its key was revoked back to a point before it, which an amendment can heal."""

    def __init__(self, number, entry):
        self.number, self.entry = number, entry
        self.good = self.revoked = False


class Ledger:
    """Checks entries against a checkpoint and the keyring, in the order in which they come."""

    def __init__(self, report):
        self.report = report
        self.origin = self.checkpoint = self.checkpoint_bytes = None
        self.keyring = None
        self.keyring_numbers = []       # of genesis and key entries
        self.named_keys = set()
        self.every_key_known = True     # False once a key entry could not be read
        self.previous = None
        self.newest = None              # the newest entry's number, once it was here
        self.missing_key_entry = None
        self.undecided = False          # was it told that authorizations are undecided?

    @property
    def size(self):
        return self.checkpoint and self.checkpoint.size

    def set_checkpoint(self, data):
        try:
            self.checkpoint = fmt.decode_checkpoint(data)
        except Malformed as error:
            self.report.add("checkpoint-invalid", str(error), document=CHECKPOINT)
            return
        self.checkpoint_bytes = data
        self.origin = self.checkpoint.origin
        self.report.origin, self.report.size, self.report.root = self.checkpoint[:3]

    # -- one entry

    def check_entry(self, number, data, path):
        checked = Checked(number, self._decode(number, data, path))
        if checked.entry:
            before = self.report.findings.total
            self._check_place(checked.entry, number)
            self._check_previous(checked.entry, number)
            self._check_keyring_number(checked.entry, number)
            authorized = self._check_authority(checked, number)
            checked.good = authorized and self.report.findings.total == before
        self._remember(checked.entry, number, data)
        return checked

    def _decode(self, number, data, path):
        self.report.entries_checked += 1
        try:
            if data is None:
                raise Malformed("larger than a note may be")
            return fmt.decode_entry(data)
        except Malformed as error:
            self.report.add("entry-malformed", str(error), number, path)
            return None

    def _check_place(self, entry, number):
        if entry.number != number:
            self.report.add("entry-malformed", "it stands under another number", number,
                            expected=f"entry {number}", found=f"entry {entry.number}")
        if self.origin is not None and entry.origin != self.origin:
            self.report.add("entry-malformed", "it belongs to another ledger", number,
                            expected=self.origin, found=entry.origin)
        if not entry.known:
            self.report.add("entry-unknown", f"kind {entry.kind} version {entry.version} is not known here", number)
        named = entry.names_capture()
        if named is not None and is_among(named, self.keyring_numbers):
            self.report.add("entry-malformed", f"entry {named}, which it names, is no capture", number)

    def _check_previous(self, entry, number):
        before = self.previous if self.previous and self.previous.number == number - 1 else None
        expected = fmt.EMPTY_ROOT if number == 0 else before and before.digest
        if expected and entry.head["previous"] != expected:
            self.report.add("chain-broken", "`previous` is not the digest of the entry before it", number,
                            expected=shown_digest(expected), found=shown_digest(entry.head["previous"]))
        if before and before.recorded and entry.head["recorded"] < before.recorded:
            self.report.notice("clock-backwards", f"recorded {entry.head['recorded']}, before its predecessor", number)

    def _check_keyring_number(self, entry, number):
        """`keyring` leads back through every key entry: this is what shows that none was left out."""
        place = bisect.bisect_left(self.keyring_numbers, number)
        if place == 0:
            return
        newest, named = self.keyring_numbers[place - 1], entry.head["keyring"]
        if named < newest:
            self.report.add("entry-malformed", "`keyring` is not the newest key entry before it", number,
                            expected=str(newest), found=str(named))
        elif named > newest and named != self.missing_key_entry:
            self.missing_key_entry = named
            self.report.add("bag-invalid", f"key entry {named} is missing", number, fmt.entry_path(named))

    def _remember(self, entry, number, data):
        text = entry and entry.text
        if text is None:
            try:
                text = fmt.decode_note(data or b"").text
            except Malformed:
                pass
        self.previous = Previous(number, text and fmt.sha256(text), entry and entry.head["recorded"])
        if self.size is not None and number == self.size - 1:
            self.newest = number
            self.report.time = entry and entry.head["recorded"]

    # -- keys and signatures

    def _check_authority(self, checked, number):
        entry = checked.entry
        if entry.kind == "genesis" and self.keyring is None:
            self.keyring = fmt.Keyring(entry.origin)
            self.report.continues = (entry.fields or {}).get("continues")
            self._extend_keyring(entry)         # genesis names the key that signs it
        authorized = self._check_signature(checked, number)
        if entry.kind == "key" and (authorized or not entry.known):
            self._extend_keyring(entry)
        return authorized

    def _extend_keyring(self, entry):
        if self.keyring is None:
            return
        try:
            self.keyring.apply(entry)
        except Malformed as error:
            self.report.add("entry-malformed", f"{error}; it has no effect", entry.number)

    def _check_signature(self, checked, number):
        """Is it a good signature by a key that may sign this?"""
        entry = checked.entry
        key = self.keyring and self.keyring.find(entry.signer)
        if not key:
            self._unauthorized(entry, number, "no key entry before it authorizes this key")
            return False
        good = key.vkey.signed(entry.text, entry.note.signatures[0])
        if not good:
            self.report.add("signature-invalid", f"not a signature by {fingerprint(key.vkey)}", number)
        roles = fmt.SIGNER_ROLES[entry.kind] if entry.known else fmt.ROLES
        if key.role not in roles:
            self.add_unauthorized(entry, number, f"a key of role {key.role} does not sign this kind of entry")
            return False
        if not key.valid_at(number):
            checked.revoked = (key.revoked is not None and number >= key.end
                               and entry.known and entry.kind in ("capture", "amendment"))
            if not checked.revoked:
                self._unauthorized(entry, number, "the key is not valid at this entry")
            return False
        return good

    def _unauthorized(self, entry, number, message):
        if self.decided(number):
            self.add_unauthorized(entry, number, message)

    def add_unauthorized(self, entry, number, message):
        self.report.add("signer-unauthorized", message, number, found=fmt.encode_key_ref(entry.signer))

    def decided(self, number):
        """Can it be said who may sign at this entry? Not after a key entry of unknown version (which is a finding in
        itself): what looks unauthorized from there on is told once, as a notice."""
        after = self.keyring and self.keyring.undecided_after
        if after is None or number < after:
            return True
        if not self.undecided:
            self.undecided = True
            self.report.notice("undecided", f"who may sign after entry {after} is not known here", after)
        return False

    # -- one proof

    def check_proof(self, number, entry_data, data, path):
        try:
            if data is None:
                raise Malformed("larger than a proof may be")
            proof = fmt.decode_proof(data)
            if proof.extra is not None:
                raise Malformed("a proof in a bundle has no `extra` line")
            if proof.index != number:
                raise Malformed(f"it is about entry {proof.index}")
            if self.checkpoint_bytes is not None and proof.checkpoint != self.checkpoint_bytes:
                raise Malformed("its checkpoint is not the bundle's")
        except Malformed as error:
            self.report.add("proof-invalid", str(error), number, path)
            return
        checkpoint = self.checkpoint or fmt.decode_checkpoint(proof.checkpoint)
        if entry_data is not None and not fmt.verify_inclusion(
                number, checkpoint.size, fmt.leaf_hash(entry_data), proof.hashes, checkpoint.root):
            self.report.add("leaf-mismatch", "these bytes are not this entry of the signed tree", number,
                            expected=f"root {fmt.encode_base64(checkpoint.root).decode()}")

    # -- the checkpoint

    def check_checkpoint(self):
        """The vkeys whose line on the checkpoint is good and may be relied on."""
        if self.checkpoint is None or self.keyring is None or not self.keyring.keys:
            return set()
        lines = self.checkpoint.note.signatures
        earlier = self.keyring.earlier_ledger_keys(self.size)
        keys = [self.keyring.find((line.name, line.key_id)) for line in lines]
        current = self.keyring.ledger_key_at(self.size)
        expected = keys[-1] is not None and keys[-1] is current and (len(keys) == 1 or keys[0] in earlier)
        if (len(lines) > 2 or not expected) and self.decided(self.size):
            self._bad_checkpoint("its signature lines are not those of the ledger key, or of the one before it and it")
        good = [key for key, line in zip(keys, lines) if key and key.vkey.signed(self.checkpoint.note.text, line)]
        if len(good) < len([key for key in keys if key]):
            self._bad_checkpoint("a signature is not good")
        # A key that this very ledger calls stolen may carry its line, but vouches for nothing.
        return {key.vkey for key in good if key.role == "ledger" and key.revoked is None}

    def _bad_checkpoint(self, message):
        self.report.add("checkpoint-invalid", message, document=CHECKPOINT)


# -------------------------------------------------------------------------------------------------------- bundle

class Group:
    """A selected capture with its amendments and withdrawals, as far as it was read."""

    def __init__(self, number):
        self.number = number
        self.last = number
        self.capture = None
        self.document_seen = False          # here or given, good or bad
        self.document = None                # (digest, size) once a record that was checked opens it
        self.file_name = None
        self.shown = None                   # the newest record that was checked
        self.shown_of = None                # its number
        self.amended = None                 # of an amendment whose record is shown: entry, recorded, signer
        self.record_faults = 0
        self.record_withdrawn = self.document_withdrawn = False
        self.withdrawals = []               # that are good, as far as they are told
        self.here, self.missing, self.revoked = Few(), Few(), Few()


class BundleCheck:
    """Walks through a bundle in member order."""

    def __init__(self, source, report, anchor):
        self.report, self.anchor = report, anchor
        self.source = source
        self.ledger = Ledger(report)
        self.selection = self.seal = self.bag_info = None
        self.selection_digest = self.tagmanifest_digest = None
        self.pem_keys = []
        self.signed, self.cosigned = set(), set()
        self.wholes = {}                    # documents that were good: where they begin in the file, and their size
        self.unseen_documents = 0           # neither here nor given by the reader
        self.can_judge = False              # once genesis and checkpoint were read

    def run(self):
        try:
            self.bag = Bag(self.source, self.report)
            self._head()
            self._keyring()
            self._captures()
            self._newest()
            self._evidence()
            self._end()
        except Truncated as cut:
            self.report.add("truncated", str(cut))
        except StructureError as fault:
            self.report.add("bag-invalid", str(fault))
        if self.can_judge:
            self.anchor.judge(self.report, self.signed, self.cosigned, self._authority())
        if self.unseen_documents:
            unseen = _count(self.unseen_documents, "document")
            self.report.notice("document-not-here", f"{unseen} not here and not checked: give them with --document")
        self.report.notice("completeness-not-proved", "a selection: other captures, and later entries, may exist")
        self.report.notice("freshness-unknown", "nothing here says that this is the newest checkpoint")

    def _authority(self):
        keys = self.ledger.keyring.with_role("authority") if self.ledger.keyring else []
        return keys[0].vkey if keys else None

    # -- what stands before the entries

    def _head(self):
        self._fixed("bagit.txt", self._read_bagit)
        self._fixed("bag-info.txt", self._read_bag_info)
        self._list(MANIFEST, self.bag.payload)
        self.tagmanifest_digest = self._list(TAGMANIFEST, self.bag.tags)
        if self._seek(SEAL):
            with self.bag.take(fmt.MAX_NOTE) as member:
                self._read_seal(member.data)
        elif self.anchor.allow_unsealed:
            self.report.notice("unsealed", "nobody signed for this selection")
        else:
            self.report.add("unsealed", "nobody signed for this selection", document=SEAL)
        self._fixed(CHECKPOINT, self._read_checkpoint)
        self._read_selection()
        self._fixed("vidimus/VERIFY.txt")
        self._read_pem_keys()
        self._fixed(INDEX)

    def _seek(self, name):
        """Is this member next, once those that do not belong before it are passed over?"""
        place = ORDER.index(name)
        while self.bag.name is not None and place_in_order(self.bag.name) < place:
            self.bag.unexpected()
        return self.bag.name == name

    def _fixed(self, name, read=None):
        if not self._seek(name):
            self.bag.absent(name)
            self._missing(name)
            return
        with self.bag.take(fmt.MAX_NOTE if read else None) as member:
            if read:
                read(member.data or b"")

    def _missing(self, name, kind="bag-invalid", entry=None):
        self.report.add(kind, "this member is missing", entry, name)

    def _list(self, name, manifest):
        if not self._seek(name):
            manifest.off = True
            self._missing(name)
            return None
        kept = Kept()
        with self.bag.take(sink=kept) as member:
            manifest.open(kept, member.digest)
        return member.digest

    def _read_bagit(self, data):
        if data != fmt.BAGIT_TXT:
            self.report.add("bag-invalid", "not the declaration of a BagIt 1.0 bag", document="bagit.txt")

    def _read_bag_info(self, data):
        try:
            self.bag_info = fmt.decode_bag_info(data)
        except Malformed as error:
            self.report.add("bag-invalid", str(error), document="bag-info.txt")

    def _read_seal(self, data):
        try:
            if data is None:
                raise Malformed("larger than a note may be")
            self.seal = fmt.decode_seal(data)
        except Malformed as error:
            self.report.add("bag-invalid", f"the seal: {error}", document=SEAL)

    def _read_checkpoint(self, data):
        self.ledger.set_checkpoint(data)
        if self.bag_info and self.ledger.origin and self.bag_info.origin != self.ledger.origin:
            self.report.add("bag-invalid", "External-Identifier is not the ledger's origin", document="bag-info.txt",
                            expected=self.ledger.origin, found=self.bag_info.origin)

    def _read_selection(self):
        if not self._seek(SELECTION):
            self._missing(SELECTION)
            return
        kept = Kept()
        with self.bag.take(sink=kept) as member:
            self.selection_digest = member.digest
            if not kept.whole:
                raise CouldNotCheck(f"the selection is larger than the {LIST_KEPT >> 20} MiB that this program holds")
            try:
                self.selection = Selection(kept.data, self.ledger.size)
            except Malformed as error:
                self.report.add("bag-invalid", str(error), document=SELECTION)

    def _read_pem_keys(self):
        place = ORDER.index("vidimus/keys/")
        while self.bag.name is not None and place_in_order(self.bag.name) <= place:
            if place_in_order(self.bag.name) < place or not self._pem_key_in_order():
                self.bag.unexpected()
                continue
            with self.bag.take(fmt.MAX_NOTE) as member:
                self._read_pem_key(member)

    def _pem_key_in_order(self):
        match = re.fullmatch(r"vidimus/keys/([0-9a-f]{64})\.pem", self.bag.name)
        rises = match and (not self.pem_keys or bytes.fromhex(match.group(1)) > self.pem_keys[-1])
        return rises and len(self.pem_keys) < fmt.MAX_KEY_ENTRIES + 2

    def _read_pem_key(self, member):
        named = bytes.fromhex(member.name[len("vidimus/keys/"):-len(".pem")])
        self.pem_keys.append(named)
        try:
            if fmt.decode_pem(member.data or b"") != named:
                raise Malformed("not the key that the file is named after")
        except Malformed as error:
            self.report.add("bag-invalid", str(error), document=member.name)

    # -- genesis and the key entries

    def _keyring(self):
        """Every entry up to the first capture. What is neither genesis nor key entry is passed over."""
        while self.bag.name is not None and not self.bag.name.startswith(EVIDENCE):
            number, kind = entry_number(self.bag.name), None
            if number is not None:
                kind = fmt.entry_kind(self.bag.peek_note())
            if number is None:
                self.bag.unexpected()
            elif kind in fmt.KEYRING_KINDS:
                self._key_entry(number)
            elif kind == "capture" or self._is_selected(number) or self._is_newest(number):
                break
            else:
                self._stray_entry(number)
        self._check_keys()

    def _key_entry(self, number):
        numbers = self.ledger.keyring_numbers
        if numbers and number <= numbers[-1]:
            self._stray_entry(number)
            return
        if not numbers and number != 0:
            self._missing(fmt.entry_path(0))
        checked = self._entry_and_proof(number)
        if len(numbers) > fmt.MAX_KEY_ENTRIES:
            return                              # each has its finding; no more are kept
        numbers.append(number)
        if checked.entry is None or not checked.entry.known:
            self.ledger.every_key_known = False
        else:
            self.ledger.named_keys |= {value.public_key for key, value in checked.entry.fields.items()
                                       if key in ("authority", "ledger-key", "key")}

    def _check_keys(self):
        """All that had to wait for the keyring: the PEM files, the checkpoint's signature, the seal."""
        if not self.ledger.keyring_numbers and self.bag.name is not None:
            self._missing(fmt.entry_path(0))
        named, here = self.ledger.named_keys, set(self.pem_keys)
        for key in sorted(named - here):
            self._missing(fmt.key_path(key))
        if self.ledger.every_key_known and named:
            for key in sorted(here - named):
                self.report.add("unexpected-member", "no genesis or key entry names it", document=fmt.key_path(key))
        self.signed = self.ledger.check_checkpoint()
        self.can_judge = self.ledger.checkpoint is not None and self.ledger.keyring is not None
        if self.seal:
            self._check_seal(*self.seal)

    def _check_seal(self, fields, note):
        checkpoint = self.ledger.checkpoint
        wanted = {
            "ledger": self.ledger.origin,
            "checkpoint": checkpoint and (checkpoint.size, checkpoint.root),
            "selection": self.selection_digest,
            "tagmanifest": self.tagmanifest_digest}
        for key, value in wanted.items():
            if value is not None and fields[key] != value:
                self.report.add("bag-invalid", f"the seal was made for another {key}", document=SEAL)
        if self.bag_info and fields["created"][:10] != self.bag_info.date:
            self.report.add("bag-invalid", "Bagging-Date is not the day on which the seal was made",
                            document="bag-info.txt", expected=fields["created"][:10], found=self.bag_info.date)
        if checkpoint:
            self._check_seal_signer(note, checkpoint.size)

    def _check_seal_signer(self, note, size):
        line = note.signatures[0]
        key = self.ledger.keyring and self.ledger.keyring.find((line.name, line.key_id))
        if not (key and key.role == "signer" and key.valid_at(size)) and self.ledger.decided(size):
            self.report.add("signer-unauthorized", "the seal is not by a signer whose key is valid at this checkpoint",
                            document=SEAL, found=fmt.encode_key_ref(fmt.KeyRef(line.name, line.key_id)))
        if key and not key.vkey.signed(note.text, line):
            self.report.add("signature-invalid", f"the seal is not signed by {fingerprint(key.vkey)}", document=SEAL)

    # -- entries in general

    def _is_selected(self, number):
        return self.selection is not None and number in self.selection

    def _is_newest(self, number):
        return self.ledger.size is not None and number == self.ledger.size - 1

    def _entry_and_proof(self, number):
        """The entry that is next, and its proof."""
        with self.bag.take(fmt.MAX_NOTE) as member:
            data = member.data
            checked = self.ledger.check_entry(number, data, member.name)
        before = self.report.findings.total
        path = fmt.proof_path(number)
        if self.bag.name != path:
            self.bag.absent(path)
            self._missing(path, "proof-invalid", number)
        else:
            with self.bag.take(fmt.MAX_NOTE) as member:
                self.ledger.check_proof(number, data, member.data, path)
        checked.good = checked.good and self.report.findings.total == before
        return checked

    def _stray_entry(self, number):
        """An entry that stands where it should not, or cannot be read and so cannot be placed."""
        before = self.report.findings.total
        path = self.bag.name
        checked = self._entry_and_proof(number)
        if self.report.findings.total == before or (checked.entry and checked.entry.known):
            self.report.add("unexpected-member", "this entry does not belong here", number, path)
        if self.bag.name == fmt.record_path(number):
            with self.bag.take(expected=False):
                pass

    # -- the selected captures

    def _captures(self):
        for number in self._selected_numbers():
            self.report.selected += 1
            group = Group(number)
            if self._seek_capture(number):
                self._capture(group)
            else:
                self.bag.absent(fmt.entry_path(number))
                self._missing(fmt.entry_path(number), entry=number)
                self._pass_over(group)

    def _selected_numbers(self):
        """From the selection; without a readable one, the captures as they come."""
        if self.selection:
            yield from self.selection.numbers
            return
        while True:
            number = entry_number(self.bag.name)
            if number is None or fmt.entry_kind(self.bag.peek_note()) != "capture":
                return
            yield number

    def _seek_capture(self, number):
        while self.bag.name is not None and not self.bag.name.startswith(EVIDENCE):
            found = entry_number(self.bag.name)
            if found == number:
                return True
            if found is None:
                if self._belongs_to(number):
                    return False
                self.bag.unexpected()
                continue
            kind = fmt.entry_kind(self.bag.peek_note())
            if found > number and (kind == "capture" or self._is_newest(found)):
                return False
            self._stray_entry(found)
        return False

    def _belongs_to(self, number):
        return self.bag.name in (fmt.proof_path(number), fmt.record_path(number)) or self._document_here(number)

    def _document_here(self, number):
        return numbered(self.bag.name, r"data/files/([0-9]{6,16})\.[a-z0-9]{1,8}") == number

    def _pass_over(self, group):
        """The rest of a capture whose entry is missing: here, but with nothing to check it against."""
        for path in (fmt.proof_path(group.number), fmt.record_path(group.number)):
            if self.bag.name == path:
                with self.bag.take():
                    pass
        self._followers(group)
        if self._document_here(group.number):
            with self.bag.take():
                pass
        self._settle(group)

    def _capture(self, group):
        checked = group.capture = self._entry_and_proof(group.number)
        if checked.revoked:
            group.revoked.add(checked)
        if checked.entry and checked.entry.known and checked.entry.kind != "capture":
            self.report.add("bag-invalid", "a selected entry is not a capture", group.number, SELECTION)
        self._record(group, checked)
        self._followers(group)
        self._document(group)
        self._settle(group)
        self._show_item(group)

    def _record(self, group, checked):
        """The record of a capture or an amendment, which stands next unless it was withdrawn."""
        path = fmt.record_path(checked.number)
        if self.bag.name != path:
            self.bag.absent(path)
            group.missing.add(checked.number)
            return
        group.here.add(checked.number)
        with self.bag.take(fmt.MAX_NOTE) as member:
            record = self._checked_record(checked, member.data, path)
        if record is None:
            group.record_faults += 1
            return
        fields = dict(reversed(record.fields))      # the first value of a key that repeats
        if checked is group.capture:
            group.file_name = fields.get("file-name")
        self._compare_document(group, checked.number, fields.get("document"))
        group.shown, group.shown_of = (record, fields), checked.number
        if checked is not group.capture:
            group.amended = {"entry": checked.number, "recorded": checked.entry.head["recorded"],
                             "signer": checked.entry.signer.name}

    def _checked_record(self, checked, data, path):
        try:
            if data is None:
                raise Malformed("larger than a record may be")
            record = fmt.decode_record_or_disclosure(data)
        except Malformed as error:
            self.report.add("record-mismatch", str(error), checked.number, path)
            return None
        committed = checked.entry and (checked.entry.fields or {}).get("record")
        if not committed:
            return None                         # the entry has its own finding; there is nothing to compare with
        if record.commitment() != committed:
            self.report.add("record-mismatch", "not the record that the entry commits to", checked.number, path,
                            expected=shown_digest(committed), found=shown_digest(record.commitment()))
            return None
        return record

    def _compare_document(self, group, number, document):
        if document and group.document and document != group.document:
            self.report.add("record-mismatch", "an amendment is about the same document as its capture", number,
                            expected=shown_digest(group.document[0]), found=shown_digest(document[0]))
        group.document = group.document or document

    def _followers(self, group):
        """Amendments and withdrawals of this capture."""
        while True:
            number = entry_number(self.bag.name)
            if number is None or number <= group.last or self._is_selected(number):
                return
            data = self.bag.peek_note()
            kind = fmt.entry_kind(data)
            if kind == "capture" or (self._is_newest(number) and not self._is_about(data, group.number)):
                return
            if kind in ("amendment", "withdrawal"):
                self._follower(group, number, kind)
            else:
                self._stray_entry(number)
            group.last = number

    @staticmethod
    def _is_about(data, number):
        try:
            return fmt.decode_entry(data).names_capture() == number
        except Malformed:
            return False

    def _follower(self, group, number, kind):
        checked = self._entry_and_proof(number)
        entry = checked.entry
        mine = entry is None or entry.names_capture() in (None, group.number)
        if not mine:
            self.report.add("bag-invalid", f"it stands with capture {group.number} but is about another", number)
        if kind == "amendment":
            self._amendment(group, checked, mine)
        elif checked.good and mine:
            scope = entry.fields["scope"]
            group.record_withdrawn |= scope in ("record", "both")
            group.document_withdrawn |= scope in ("document", "both")
            if len(group.withdrawals) < WITHDRAWALS_KEPT:
                said = {key: entry.fields.get(key) for key in ("decided-by", "reason")}
                group.withdrawals.append({
                    "entry": number, "recorded": entry.head["recorded"], "scope": scope,
                    **{key.replace("-", "_"): text and shown_value(text) for key, text in said.items()}})
            if scope != "document":
                self._settle_revoked(group, f"withdrawal {checked.number} took it down")

    def _settle_revoked(self, group, by):
        for earlier in group.revoked:
            self.report.notice("re-attested", f"its key was revoked; {by}", earlier.number)
        group.revoked = Few()

    def _amendment(self, group, checked, mine):
        if mine and (group.record_withdrawn or group.document_withdrawn):
            self.report.add("entry-malformed", f"it amends capture {group.number}, which was withdrawn before",
                            checked.number)
        elif checked.good and mine:
            self._settle_revoked(group, f"amendment {checked.number} vouches for it")
        elif checked.revoked:
            group.revoked.add(checked)
        self._record(group, checked)

    def _document(self, group):
        here = self._document_here(group.number)
        withdrawn = group.document_withdrawn or group.record_withdrawn
        if group.document is None or withdrawn:
            if here and (withdrawn or not (group.record_faults or group.missing.total)):
                self.bag.unexpected("no document belongs here: it was withdrawn, or its digest is not disclosed")
            elif here:
                with self.bag.take():           # its record has a finding, so there is nothing to compare with
                    pass
            return
        digest, size = group.document
        path = fmt.document_path(group.number, fmt.document_suffix(group.file_name))
        if here:
            self._document_file(group.number, path, digest, size)
        elif self.bag_info is None or self.bag_info.files != 1:
            self.bag.absent_document(path, size)
            self._missing(path, "document-missing", group.number)
        given = self._given(digest, size, counted=here)
        group.document_seen = here or given
        if not group.document_seen:
            self.unseen_documents += 1

    def _document_file(self, number, path, digest, size):
        if self.bag.name != path:
            self.report.add("unexpected-member", "the document has another name here than its record gives it", number,
                            self.bag.name, expected=path)
        source = self.bag.tar.source
        plain = type(source) is Source and source.file.rest.seekable()      # subclasses unpack
        start = source.offset if plain else None
        with self.bag.take() as member:
            self.report.documents_checked += 1
            self.report.bytes_checked += member.size
            if (member.digest, member.size) == (digest, size) and len(self.wholes) < MAX_WHOLES:
                self.wholes.setdefault(digest, (start, size))
            if (member.digest, member.size) != (digest, size):
                self.report.add("document-corrupt", "not the bytes that were recorded", number, member.name,
                                expected=f"{shown_digest(digest)}, {size} bytes",
                                found=f"{shown_digest(member.digest)}, {member.size} bytes")
        self.bag.changed_octets += member.size - size

    def _given(self, digest, size, counted):
        """Is this one of the documents that the reader holds?"""
        if self.anchor.documents.get(digest, (None,))[0] != size:
            return False
        self.anchor.matched.add(digest)
        if not counted:
            self.report.documents_checked += 1
            self.report.bytes_checked += size
        return True

    def _slices(self, group):
        """What the record says to be a slice of another document, where one can go back to that."""
        if not group.shown or group.document is None or group.document_withdrawn or group.record_withdrawn:
            return
        for key, value in group.shown[0].fields:
            cut = fmt.decode_slice(value) if key == "derived-from" else None
            if cut:
                self._slice(group, *cut)

    def _slice(self, group, whole, offset, length):
        digest, size = group.document
        if length != size:
            self._not_a_slice(group, whole, "the document has another length")
        elif whole in self.anchor.documents:
            self.anchor.matched.add(whole)
            total, name = self.anchor.documents[whole]
            with open(name, "rb") as file:
                self._compare_slice(group, whole, file, 0, total, (offset, length, digest))
        elif whole in self.wholes:
            start, total = self.wholes[whole]
            if start is None:
                self.report.notice("slice-not-checked", "whether it is cut out of that document cannot be looked at in a "
                                   "compressed bundle", group.number)
                return
            file = self.bag.tar.source.file.rest
            here = file.tell()
            self._compare_slice(group, whole, file, start, total, (offset, length, digest))
            file.seek(here)

    def _compare_slice(self, group, whole, file, start, total, wanted):
        offset, length, digest = wanted
        if offset + length > total:
            self._not_a_slice(group, whole, "that one is shorter")
            return
        file.seek(start + offset)
        found = hashlib.sha256()
        while length and (piece := file.read(min(length, 1 << 20))):
            found.update(piece)
            length -= len(piece)
        if length or found.digest() != digest:
            self._not_a_slice(group, whole, "there are other bytes")
        else:
            self.report.slices_checked += 1

    def _not_a_slice(self, group, whole, why):
        self.report.add("slice-mismatch", f"its record says that it is cut out of another document: {why}", group.number,
                        whole.hex())

    def _settle(self, group):
        """What only the end of a group can tell."""
        self._slices(group)
        for number in group.missing if not group.record_withdrawn else ():
            self._missing(fmt.record_path(number), "record-missing", number)
        for number in group.here if group.record_withdrawn else ():
            self.report.add("unexpected-member", "this record was withdrawn", number, fmt.record_path(number))
        for checked in group.revoked:
            self.ledger.add_unauthorized(checked.entry, checked.number, "the key was revoked back to before this entry")

    def _show_item(self, group):
        entry = group.capture.entry
        if entry is None:
            return
        record, fields = group.shown or (None, {})
        item = self._item(group, record)
        state = ["WITHDRAWN"] if item.withdrawn else []
        state += ["PARTLY DISCLOSED"] if record and record.hidden else []
        lines = [f"  entry {group.number}   recorded {entry.head['recorded']} by {entry.signer.name}" + "".join(
            f"   {word}" for word in state)]
        if item.amended:
            lines.append("    amended       by entry {entry}, recorded {recorded} by {signer}, whose record is shown"
                         .format(**item.amended))
        if record and record.hidden:
            lines.append(f"    hidden        of the lines 0-{len(record.items) - 1} of record {item.record}: "
                         f"{', '.join(map(str, item.hidden_lines))}, which may qualify or contradict what is shown")
            self.report.notice("partly-disclosed", f"{record.hidden} of {len(record.items)} lines are hidden; they may "
                                                   "qualify or contradict what is shown", group.number)
        for withdrawal in item.withdrawals:
            lines.append("    withdrawn     scope {scope}, by entry {entry}, recorded {recorded}, decided by {decided_by}"
                         .format(**withdrawal) + (f", reason: {withdrawal['reason']}" if withdrawal["reason"] else ""))
        if state[:1] == ["WITHDRAWN"]:
            self.report.notice("withdrawn", "what was recorded here was withdrawn", group.number)
        for key in ("title", "issuer", "issued", "source", "captured"):
            if fields.get(key):
                lines.append(f"    {key:13} {shown_value(fields[key])}")
        if group.document:
            lines.append(f"    document      {shown_digest(group.document[0])}, {_count(group.document[1], 'byte')}")
        self.report.items.add(lines)

    def _item(self, group, record):
        hidden = record.hidden_lines if record else []
        item = Item(group.number, group.record_withdrawn or group.document_withdrawn, group.withdrawals, bool(hidden), group.shown_of,
                    group.amended, hidden)
        self.report.captures.add(item)
        self.report.partly_disclosed += item.partly_disclosed
        self.report.documents_absent += not (item.withdrawn or group.document_seen)
        return item

    # -- the newest entry, evidence, the end

    def _newest(self):
        while self.bag.name is not None and not self.bag.name.startswith(EVIDENCE):
            number = entry_number(self.bag.name)
            if number is None:
                self.bag.unexpected()
            elif self.ledger.newest is None and (self.ledger.size is None or self._is_newest(number)):
                self._newest_entry(number)
            else:
                self._stray_entry(number)
        if self.ledger.size and self.ledger.newest is None:
            self._missing(fmt.entry_path(self.ledger.size - 1), entry=self.ledger.size - 1)

    def _newest_entry(self, number):
        path = self.bag.name
        checked = self._entry_and_proof(number)
        self.ledger.newest = number
        entry = checked.entry
        if entry and entry.kind in fmt.KEYRING_KINDS:
            self.report.add("unexpected-member", "a key entry stands before the captures", number, path)
        elif entry and entry.known and entry.names_capture() is not None and self._is_selected(entry.names_capture()):
            self.report.add("bag-invalid", f"it belongs to the selected capture {entry.names_capture()}", number, path)

    def _evidence(self):
        last, checkpoint = (-1, ""), None
        while self.bag.name is not None:
            match = re.fullmatch(r"vidimus/evidence/([1-9][0-9]{0,15})/([a-z0-9][a-z0-9.-]{0,63})", self.bag.name)
            place = match and (int(match.group(1)), match.group(2))
            if not match or place[0] > fmt.MAX_NUMBER or place <= last or not _is_evidence_name(place[1]):
                self.bag.unexpected()
                continue
            checkpoint = checkpoint if place[0] == last[0] else None
            last = place
            with self.bag.take(fmt.MAX_EVIDENCE) as member:
                checkpoint = self._one_evidence(*place, member, checkpoint)

    def _one_evidence(self, size, name, member, checkpoint):
        """Bad evidence is told and otherwise ignored. Returns the checkpoint that the rest of this folder is about."""
        try:
            if member.data is None:
                raise Malformed("larger than evidence may be")
            if name == "checkpoint":
                return self._evidence_checkpoint(size, member.data)
            if name == "consistency":
                self._evidence_consistency(size, member.data, checkpoint)
            else:
                self.report.notice("evidence-unchecked", f"{member.name} cannot be checked by this program")
        except Malformed as error:
            self.report.notice("evidence-invalid", f"{member.name}: {error}")
        return checkpoint

    def _evidence_checkpoint(self, size, data):
        checkpoint, mine = fmt.decode_checkpoint(data), self.ledger.checkpoint
        if mine is None or self.ledger.keyring is None:
            raise Malformed("nothing to compare it with")
        if (checkpoint.origin, checkpoint.size) != (mine.origin, size) or size > mine.size:
            raise Malformed("not a checkpoint of this ledger and this size, up to the bundle's")
        signed = [key for key in self.ledger.keyring.with_role("ledger") if _signed_by(checkpoint.note, key.vkey)]
        if size == mine.size and signed and checkpoint.root != mine.root:
            self.report.add("forked", "a ledger key signed another tree of the bundle's own size",
                            document=fmt.evidence_path(size, "checkpoint"),
                            expected=fmt.encode_base64(mine.root), found=fmt.encode_base64(checkpoint.root))
        if self.ledger.keyring.ledger_key_at(size) not in signed:
            raise Malformed("not signed by the ledger key of its time")
        good, bad = self.anchor.cosigners(checkpoint.note)
        if (size, checkpoint.root) == (mine.size, mine.root):
            self.cosigned |= good
        if bad:
            raise Malformed("a cosignature by a witness of your policy is not good")
        return checkpoint

    def _evidence_consistency(self, size, data, checkpoint):
        proof, mine = fmt.decode_consistency(data), self.ledger.checkpoint
        if checkpoint is None or mine is None:
            raise Malformed("no good checkpoint of this size stands before it")
        if proof.old_size != size or proof.checkpoint != self.ledger.checkpoint_bytes:
            raise Malformed("not from this size to the bundle's checkpoint")
        if not fmt.verify_consistency(size, mine.size, proof.hashes, checkpoint.root, mine.root):
            raise Malformed("it does not show that the bundle's tree extends that one")

    def _end(self):
        self.bag.payload.end()
        self.bag.tags.end()
        if self.bag_info and not self.bag.payload_is(self.bag_info.octets, self.bag_info.files):
            self.report.add("bag-invalid", "Payload-Oxum is not the size of the payload", document="bag-info.txt",
                            expected=f"{self.bag_info.octets}.{self.bag_info.files}",
                            found=f"{self.bag.octets}.{self.bag.files}")
        if self.report.time and self.bag.tar.mtime != fmt.unix_time(self.report.time):
            self.report.add("bag-invalid", "the members do not have the newest entry's time")


def _is_evidence_name(name):
    return name in ("checkpoint", "consistency") or name.endswith((".tsr", ".ots"))


def _signed_by(note, vkey):
    lines = [line for line in note.signatures if (line.name, line.key_id) == vkey.ref]
    return bool(lines) and all(vkey.signed(note.text, line) for line in lines)


# ------------------------------------------------------------------------------------- single proofs, checkpoints

def check_head(checkpoint, report, anchor):
    """A checkpoint that stands alone: only the reader's keys can say whose it is."""
    report.origin, report.size, report.root = checkpoint[:3]
    logs = anchor.policy.logs if anchor.policy else []
    signed = set()
    for key in dict.fromkeys(anchor.keys + logs):
        if not any((line.name, line.key_id) == key.ref for line in checkpoint.note.signatures):
            continue
        if not _signed_by(checkpoint.note, key):
            report.add("checkpoint-invalid", f"not signed by {fingerprint(key)}, whose line it carries")
        elif key.name == checkpoint.origin:
            signed.add(key)
    cosigned, bad = anchor.cosigners(checkpoint.note)
    if bad:
        report.add("checkpoint-invalid", "a cosignature by a witness of your policy is not good")
    anchor.judge(report, signed, cosigned)
    report.notice("freshness-unknown", "nothing here says that this is the newest checkpoint")


def check_checkpoint(data, report, anchor):
    report.kind = "checkpoint"
    try:
        checkpoint = fmt.decode_checkpoint(data)
    except Malformed as error:
        report.add("checkpoint-invalid", str(error))
        return
    check_head(checkpoint, report, anchor)


def check_proof(data, report, anchor):
    """A tlog-proof that carries the entry itself in its `extra` line."""
    report.kind = "proof"
    try:
        proof = fmt.decode_proof(data)
    except Malformed as error:
        report.add("proof-invalid", str(error))
        return
    if proof.extra is None:
        raise CouldNotCheck("the proof has no `extra` line, so the entry that it is about is not here")
    checkpoint = fmt.decode_checkpoint(proof.checkpoint)
    leaf = fmt.leaf_hash(proof.extra)
    if not fmt.verify_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root):
        report.add("leaf-mismatch", "the entry is not the leaf that this proof leads to", proof.index)
    check_lone_entry(proof, checkpoint, report, anchor)
    check_head(checkpoint, report, anchor)


def check_lone_entry(proof, checkpoint, report, anchor):
    report.entries_checked = 1
    try:
        entry = fmt.decode_entry(proof.extra)
    except Malformed as error:
        report.add("entry-malformed", str(error), proof.index)
        return
    if (entry.number, entry.origin) != (proof.index, checkpoint.origin):
        report.add("entry-malformed", "not this entry of this ledger", proof.index,
                   expected=f"entry {proof.index} of {checkpoint.origin}",
                   found=f"entry {entry.number} of {entry.origin}")
    if not entry.known:
        report.add("entry-unknown", f"kind {entry.kind} version {entry.version} is not known here", entry.number)
    recorded, signer = entry.head["recorded"], entry.signer.name
    report.items.add([f"  entry {entry.number}   {entry.kind}, recorded {recorded} by {signer}"])
    report.time = entry.head["recorded"] if proof.index == checkpoint.size - 1 else None
    known = [key for key in anchor.keys if key.ref == entry.signer]
    if entry.kind == "genesis" and entry.known:
        known.append(entry.fields["authority"])
    for key in known:
        if key.ref != entry.signer:
            report.add("signer-unauthorized", "genesis is signed by the authority that it names", entry.number)
        elif not key.signed(entry.text, entry.note.signatures[0]):
            report.add("signature-invalid", f"not a signature by {fingerprint(key)}", entry.number)
    if not known:
        report.notice("signer-unknown", "the signer's key is not here, so the entry's own signature was not checked; "
                                        "a bundle holds it", entry.number)


# --------------------------------------------------------------------------------------------------- fork proofs

def check_fork_proof(data, report, anchor):
    """Only the key that it names can vouch. Who cosigned does not matter: two contradicting checkpoints are a fork."""
    report.kind = "fork-proof"
    try:
        proof = fmt.decode_fork_proof(data)
    except Malformed as error:
        report.add("proof-invalid", str(error))
        return
    first, second = map(fmt.decode_checkpoint, proof.notes)
    report.origin, report.size, report.root = second[:3]
    report.contradicts = first
    if not all(_signed_by(checkpoint.note, proof.key) for checkpoint in (first, second)):
        report.add("checkpoint-invalid", "a checkpoint has no good signature by the key that the proof is about")
    elif first.size < second.size and not fmt.verify_consistency(first.size, second.size, proof.hashes, proof.root,
                                                                 second.root):
        report.add("proof-invalid", "its hashes do not lead from its root to that of the larger checkpoint")
    if proof.key in anchor.keys + (anchor.policy.logs if anchor.policy else []):
        report.trusted_key = proof.key
    else:
        report.add("key-untrusted", "the key that it is about is none that you gave; only the ledger's own can vouch",
                   found=proof.key.encode())


# ------------------------------------------------------------------------------------------------------ dispatch

GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"


def check_file(name, anchor, open_file=open):
    report = Report(name)
    try:
        with open_file(name, "rb") as file:
            check_stream(file, report, anchor)
    except CouldNotCheck as problem:
        report.problem = str(problem)
    except OSError as error:
        report.problem = error.strerror or "it cannot be read"
    except Exception as error:  # a fault of this program must not pass for one of the file
        report.problem = f"this program failed ({type(error).__name__}: {error})"
    return report


def check_stream(file, report, anchor):
    """What a file is, is told by how it begins, whatever its name says."""
    raw = Source(file)
    start = raw.peek(fmt.BLOCK)
    if start.startswith((GZIP_MAGIC, ZSTD_MAGIC)) or begins_like_a_bundle(start):
        report.kind = "bundle"
        check_bundle(Again(raw.ahead, file), start, report, anchor)
        return
    if start.startswith(b"vidimus/fork-proof/"):
        check_fork_proof(raw.peek(fmt.MAX_FORK_PROOF + 1), report, anchor)
        return
    data = raw.peek(fmt.MAX_NOTE + 1)
    if data.startswith(b"c2sp.org/tlog-proof@") or report.name.endswith(".tlog-proof"):
        check_proof(data, report, anchor)
    elif b"\n\n" + fmt.EM_DASH in data and b"\0" not in data and not data.startswith(b"vidimus/"):
        check_checkpoint(data, report, anchor)
    elif looks_packed_again(raw):
        raise CouldNotCheck("this is no bundle: " + PACKED_AGAIN)
    else:
        raise CouldNotCheck("this is no bundle, no tlog-proof, no checkpoint and no fork proof")


class Again:
    """A file of which the first bytes, read to see what it is, are read again."""

    def __init__(self, start, file):
        self.start, self.rest = start, file

    def read(self, count):
        piece, self.start = self.start[:count], self.start[count:]
        return piece or self.rest.read(count)


def check_bundle(file, start, report, anchor):
    kinds = {GZIP_MAGIC: GzipSource, ZSTD_MAGIC[:3]: ZstdSource}
    source = kinds.get(start[:3], Source)(file)
    try:
        if _can_be_bundle(source):
            BundleCheck(source, report, anchor).run()
        else:
            again = looks_packed_again(source)
            raise CouldNotCheck("this is no bundle" + (": " + PACKED_AGAIN if again else ""))
    except (Truncated, StructureError) as fault:
        kind = "truncated" if isinstance(fault, Truncated) else "bag-invalid"
        report.add(kind, str(fault))
    finally:
        source.close()


def _can_be_bundle(source):
    """Also when compressed data is cut off, or breaks, before the first header is whole."""
    try:
        return begins_like_a_bundle(source.peek(fmt.BLOCK))
    except (Truncated, StructureError):
        if len(source.ahead) >= LONGEST_FIRST_NAME and not begins_like_a_bundle(source.ahead):
            return False
        raise


# -------------------------------------------------------------------------------------------------- command line

EXAMPLE = """example:
  vidimus_verify.py --trust authority.pub evidence.tar.zst
  vidimus_verify.py --trust authority.pub --document letter.pdf receipt.tar

exit status: 0 verified; 1 a finding (altered or incomplete); 2 wrong command line; 3 could not check;
4 intact, but no key that you gave vouches for it. Over several files the worst counts: 1, then 3, then 4.
The key must come from elsewhere than the bundle: everything in a bundle is what its sender put there."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        super().error(visible(message))


def parse_arguments(arguments):
    parser = Parser(
        prog="vidimus_verify.py", epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Checks vidimus bundles (.tar, .tar.gz, .tar.zst), .tlog-proof files, checkpoints and fork proofs, "
                    "offline.")
    parser.add_argument("--trust", action="append", default=[], metavar="VKEY|FILE",
                        help="a key to trust, the archive's authority or its ledger key, as text or in a file")
    parser.add_argument("--policy", metavar="FILE", help="a policy: logs, witnesses and the quorum of witnesses")
    parser.add_argument("--document", action="append", default=[], metavar="FILE",
                        help="a document that you hold, to be found in a bundle or receipt")
    parser.add_argument("--allow-unsealed", action="store_true", help="take a bundle that nobody sealed")
    parser.add_argument("--json", action="store_true", help="one JSON object a file")
    parser.add_argument("files", nargs="+", metavar="FILE")
    return parser, parser.parse_args(arguments)


def read_small(name):
    with open(name, "rb") as file:
        data = file.read(fmt.MAX_EVIDENCE + 1)
    if len(data) > fmt.MAX_EVIDENCE:
        raise CouldNotCheck(f"{name}: larger than such a file can be")
    return data


def trusted_key(text, parser):
    """A vkey given as text, or the one in a file."""
    if os.path.exists(text) or "+" not in text:
        try:
            return fmt.decode_vkey(read_small(text).strip())
        except Malformed as error:
            raise CouldNotCheck(f"{text}: {error}") from None
    try:
        return fmt.decode_vkey(os.fsencode(text))
    except Malformed as error:
        parser.error(f"--trust {visible(text)}: {error}")


def read_policy(name):
    try:
        return fmt.decode_policy(read_small(name))
    except Malformed as error:
        raise CouldNotCheck(f"{name}: {error}") from None


def hash_document(name):
    digest, size = hashlib.sha256(), 0
    with open(name, "rb") as file:
        while True:
            piece = file.read(1 << 20)
            if not piece:
                return digest.digest(), size, name
            digest.update(piece)
            size += len(piece)


def read_anchor(options, parser):
    return Anchor(
        keys=[trusted_key(text, parser) for text in options.trust],
        policy=read_policy(options.policy) if options.policy else None,
        documents=[hash_document(name) for name in options.document],
        allow_unsealed=options.allow_unsealed)


def add_unmatched(reports, anchor):
    """A document that the reader holds and that no file here knows. Without a bundle there is nothing to compare with."""
    if not any(report.kind == "bundle" for report in reports):
        if anchor.documents and not reports[-1].problem:
            reports[-1].problem = ("no bundle and no receipt was given: nothing else holds what says which document an "
                                   "entry is about, so the file that you gave cannot be compared; by itself, without "
                                   f"--document, this is {reports[-1].verdict}")
        return
    for digest, (size, name) in anchor.documents.items():
        for report in reports if digest not in anchor.matched else ():
            report.add("document-unmatched", "the file that you gave is not the document of any capture here", document=name,
                       found=f"{shown_digest(digest)}, {size} bytes")


def main(arguments=None):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")       # a terminal that is not UTF-8 is no reason to fail
    parser, options = parse_arguments(arguments)
    try:
        anchor = read_anchor(options, parser)
    except CouldNotCheck as problem:
        print(f"vidimus_verify.py: {visible(str(problem))}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"vidimus_verify.py: {visible(str(error.filename))}: {error.strerror}", file=sys.stderr)
        return 3
    reports = [check_file(name, anchor) for name in options.files]
    add_unmatched(reports, anchor)
    for report in reports:
        print(report.as_json() if options.json else report.as_text())
    sys.stdout.flush()
    return min((EXIT[report.verdict] for report in reports), key=WORST_FIRST.index)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:             # whoever read the output has gone; the interpreter must not flush it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)
