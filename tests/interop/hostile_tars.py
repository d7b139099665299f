# SPDX-License-Identifier: MIT
"""Tars that somebody made to deceive or to exhaust: each row changes one thing in a good bundle, so that what is
wrong is that thing and nothing else. The bundles of bags() are even sealed properly.

A row is (what, bytes, accepted). `accepted`: our tar reader reads it to its end; that all rows but the first few are
no VERIFIED bundle is another question, and always so."""
import gzip
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/vectors"))

import make_vectors as make  # noqa: E402
import vidimus_format as fmt  # noqa: E402

TOP = b"sample"
END = bytes(1024)
MIB = 1 << 20


def good():
    return (ROOT / "tests/vectors/ledger/sample.tar").read_bytes()


# ---------------------------------------------------------------------------------------------------------- headers

# Where the fields of a ustar header start.
AT = {"name": 0, "mode": 100, "uid": 108, "size": 124, "mtime": 136, "checksum": 148, "type": 156, "link": 157,
      "magic": 257, "uname": 265, "devmajor": 329, "prefix": 345}


def mended(blocks):
    """The same with the right checksum in its first header."""
    block = bytearray(blocks[:512])
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(blocks[512:])


def header(name, length=0, **fields):
    """A header of ours with other fields; its checksum is right unless it is given. The name may be anything."""
    block = bytearray(fmt.tar_header("x", 0, 1614834367))
    fields = {"name": name.ljust(100, b"\0")[:100], "size": b"%011o\0" % length, **fields}
    for field, value in fields.items():
        block[AT[field]:AT[field] + len(value)] = value
    return bytes(block) if "checksum" in fields else mended(block)


def member(name, data=b"", **fields):
    return header(name, len(data), **fields) + data + bytes(-len(data) % 512)


def behind(*more):
    """The good bundle with these blocks in front of its end."""
    return good()[:-1024] + b"".join(more) + END


def base256(value, sign=0x80):
    return bytes([sign]) + (value % (1 << 88)).to_bytes(11, "big")


# ------------------------------------------------------------------------------------------------------------- rows

def accepted():
    yield "the good bundle", good(), True
    yield "one more member", behind(member(TOP + b"/data/x", b"x" * 600)), True
    yield "a name of 100 bytes", behind(member(TOP + b"/" + b"n" * 93)), True
    yield "nothing but the end", END, True
    for level in (1, 9):
        yield f"gzip -{level}", gzip.compress(good(), level, mtime=0), True
        yield f"zstd -{level}", zstd(good(), f"-{level}"), True


def names():
    rows = {
        "name with ..": TOP + b"/../../etc/passwd", "name is ..": b"..", "absolute name": b"/etc/passwd",
        "name ./a": b"./a", "name a/./b": TOP + b"/./b", "name a//b": TOP + b"//b",
        "name ends in a slash": TOP + b"/data/", "empty name": b"", "name without a folder": b"x",
        "name in another folder": b"other/x", "NUL inside the name": TOP + b"/a\0b",
        "newline in the name": TOP + b"/a\n0000 b", "space in the name": TOP + b"/a b",
        "escape sequence in the name": TOP + b"/\x1b[2J", "name that is no UTF-8": TOP + b"/\xff\xfe",
        "overlong UTF-8 in the name": TOP + b"/\xc0\xae\xc0\xae/x", "name with a right-to-left override":
        TOP + "/\u202etxt".encode(), "backslashes": TOP + b"\\..\\x", "drive letter": b"C:/x",
        "name like an option": TOP + b"/--checkpoint",
    }
    for what, name in rows.items():
        yield what, behind(member(name)), what == "name like an option"
    yield "name of 155 + 100 bytes", behind(member(b"n" * 100, prefix=TOP + b"/" + b"p" * 148)), False
    yield "prefix that climbs out", behind(member(b"x", prefix=TOP + b"/../..")), False


def types():
    rows = {
        "hard link": (b"1", b"/etc/passwd"), "hard link to a member": (b"1", TOP + b"/bagit.txt"),
        "symbolic link": (b"2", b"/etc/passwd"), "symbolic link upwards": (b"2", b"../../x"),
        "character device": (b"3", b""), "block device": (b"4", b""), "folder": (b"5", b""),
        "FIFO": (b"6", b""), "contiguous file": (b"7", b""), "old regular file (NUL)": (b"\0", b""),
        "unknown type Z": (b"Z", b""), "GNU multi-volume": (b"M", b""), "GNU volume label": (b"V", b""),
        "GNU dump folder": (b"D", b""), "file with a link name": (b"0", b"/etc/passwd"),
    }
    for what, (kind, link) in rows.items():
        yield what, behind(member(TOP + b"/data/x", type=kind, link=link)), False
    for what, kind in (("hard link with data", b"1"), ("symbolic link with data", b"2"),
                       ("folder with data", b"5"), ("device with data", b"3")):
        yield what, behind(member(TOP + b"/data/x", b"data" * 200, type=kind, link=b"y")), False
    sparse = bytearray(member(TOP + b"/data/x", b"x" * 512, type=b"S", magic=b"ustar  \0"))
    sparse[386:410] = b"%011o\0%011o\0" % (0, 512)
    sparse[483:495] = b"%011o\0" % (1 << 30)
    yield "GNU sparse file of 1 GiB", behind(mended(sparse)), False


def pax(*records):
    lines = b""
    for record in records:
        n = len(record) + 3
        while len(b"%d %s\n" % (n, record)) != n:
            n += 1
        lines += b"%d %s\n" % (n, record)
    return lines


def extended():
    rows = {"path": b"path=" + TOP + b"/data/other", "size": b"size=3", "linkpath": b"linkpath=/etc/passwd",
            "path that climbs out": b"path=../../etc/passwd", "huge size": b"size=" + b"9" * 30,
            "charset": b"hdrcharset=BINARY", "sparse": b"GNU.sparse.realsize=1073741824"}
    for what, record in rows.items():
        plain = member(TOP + b"/data/x", b"12345")
        yield f"pax header: {what}", behind(member(b"pax/x", pax(record), type=b"x"), plain), False
        yield f"pax global header: {what}", behind(member(b"pax/g", pax(record), type=b"g"), plain), False
    long = b"n" * 300 + b"\0"
    for kind, what in ((b"L", "name"), (b"K", "link name")):
        block = member(b"././@LongLink", long, type=kind, magic=b"ustar  \0")
        yield f"GNU long {what}", behind(block, member(TOP + b"/data/x")), False


def fields():
    rows = {
        "wrong checksum": {"checksum": b"000001\0 "}, "checksum without its space": {"checksum": b"0000010\0"},
        "mode 0755": {"mode": b"0000755\0"}, "set-user-id": {"mode": b"0004755\0"}, "user 0001": {"uid": b"0000001\0"},
        "user name": {"uname": b"root"}, "device number": {"devmajor": b"0000001\0"},
        "old magic": {"magic": b"\0" * 8}, "GNU magic": {"magic": b"ustar  \0"}, "trailing bytes": {"prefix": b"\0" * 160 + b"x"},
        "another time": {"mtime": b"%011o\0" % 5}, "time before 1970": {"mtime": base256(-1, 0xFF)},
    }
    for what, changed in rows.items():
        yield f"header: {what}", behind(member(TOP + b"/data/x", **changed)), what == "another time"
    sizes = {
        "size 2^33 - 1, octal": b"77777777777\0", "size of 12 octal digits": b"777777777777",
        "size in spaces": b"          0\0", "size empty": bytes(12), "size with a sign": b"-0000000001\0",
        "size in base 256, small": base256(5), "size 2^33": base256(1 << 33), "size 2^53 - 1": base256((1 << 53) - 1),
        "size 2^53": base256(1 << 53), "size 2^63": base256(1 << 63), "size 2^64 - 1": base256((1 << 64) - 1),
        "size 2^64 + 5": base256((1 << 64) + 5), "size 2^87": base256(1 << 87), "size -1": base256(-1, 0xFF),
    }
    for what, size in sizes.items():
        yield what, behind(header(TOP + b"/data/x", size=size)), False


def ends():
    bundle = good()
    yield "nothing", b"", False
    yield "a byte behind the end", bundle + b"\0", False
    yield "a line behind the end", bundle + b"more\n", False
    yield "a zero block behind the end", bundle + bytes(512), False
    yield "filled up to 10 KiB", bundle + bytes(-len(bundle) % 10240), False
    yield "one zero block only", bundle[:-512], False
    yield "no end", bundle[:-1024], False
    yield "a byte in the second zero block", bundle[:-1] + b"x", False
    yield "a zero block among the members", bundle[:-1024] + bytes(512) + member(TOP + b"/data/x") + END, False
    yield "two tars one after another", bundle + bundle, False
    padded = bytearray(member(TOP + b"/data/x", b"x"))
    padded[-1] = 1
    yield "padding that is not zero", behind(padded), False
    at = bundle.index(TOP + b"/data/INDEX.txt\0")
    for what, length in (("inside a name", at + 20), ("inside a header", at + 300), ("behind a header", at + 512),
                         ("inside content", at + 520), ("before padding ends", at + 1000), ("inside the end", len(bundle) - 100),
                         ("after the first header", 512), ("inside the first header", 100)):
        yield f"cut off {what}", bundle[:length], False


def doubles():
    bundle = good()
    first = bundle[:1024]
    yield "a member twice, at once", first + bundle, True
    yield "a member twice, far apart", behind(first), True
    yield "names that differ in case", behind(member(TOP + b"/BAGIT.TXT", b"x")), True
    yield "folders that differ in case", behind(member(b"SAMPLE/bagit.txt", b"x")), False
    yield "names that are equal in NFC", behind(member(TOP + "/e\u0301".encode()), member(TOP + "/\u00e9".encode())), False


def zstd(data, *options):
    return subprocess.run(["zstd", "-cq", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def zeros_behind(size):
    """A member of so many zeros behind the good bundle, in pieces: a test must stay small itself."""
    yield good()[:-1024] + header(TOP + b"/data/zeros", size)
    for _ in range(size // MIB):
        yield bytes(MIB)
    yield END


def piped(pieces, *command):
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out) as program:
            for piece in pieces:
                program.stdin.write(piece)
        out.seek(0)
        return out.read()


def compressed(bomb=64 * MIB):
    bundle = good()
    packed, frame = gzip.compress(bundle, mtime=0), zstd(bundle)
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"abcd"
    yield "two gzip members", gzip.compress(bundle[:512], mtime=0) + gzip.compress(bundle[512:], mtime=0), False
    yield "20,000 empty gzip members behind", packed + gzip.compress(b"", mtime=0) * 20000, False
    yield "zeros behind the gzip member", packed + bytes(512), False
    yield "gzip cut off", packed[:-5], False
    yield "gzip with a wrong checksum", packed[:-8] + b"\0\0\0\0" + packed[-4:], False
    yield "two zstd frames", zstd(bundle[:512]) + zstd(bundle[512:]), False
    yield "20,000 empty zstd frames behind", frame + zstd(b"") * 20000, False
    yield "skippable frame in front", skippable + frame, False
    yield "skippable frame behind", frame + skippable, False
    yield "20,000 skippable frames in front", skippable * 20000 + frame, False
    yield "zstd cut off", frame[:-5], False
    yield "zstd window of 16 MiB", zstd(bundle, "--long=24"), False
    yield "zstd window of 2 GiB", zstd(bundle, "--ultra", "--long=31"), False
    size = b"\x80\x58" + struct.pack("<I", MIB)
    yield "zstd frame that says too much", (b"\x28\xb5\x2f\xfd" + size + struct.pack("<I", len(bundle) << 3)[:3] +
                                            bundle + b"\1\0\0"), False
    yield f"gzip of {bomb // MIB} MiB of zeros", piped(zeros_behind(bomb), "gzip", "-9cn"), True
    yield f"zstd of {bomb // MIB} MiB of zeros", piped(zeros_behind(bomb), "zstd", "-9cq"), True
    yield "gzip in gzip", gzip.compress(packed, mtime=0), False
    for program in ("xz", "bzip2"):
        yield program, subprocess.run([program, "-c"], input=bundle, stdout=subprocess.PIPE, check=True).stdout, False


# ------------------------------------------------------------------------------------------------------------ bags

class Sealed(make.Bundle):
    """A bundle of two captures whose tag files are changed before its seal is made: `tags` gets the members that
    stand before the tagmanifest, `lines` the tagmanifest."""

    def __init__(self, tags=lambda members: members, lines=lambda text: text, body=None):
        self._tags, self._lines = tags, lines
        archive = make.Archive()
        archive.genesis()
        archive.key("authorize", "signer", "lena")
        archive.capture("lena", b"one\n", b"file-name one.txt", b"title One")
        archive.capture("lena", b"two\n", b"file-name two.txt", b"title Two")
        super().__init__(archive, [2, 3], archive.checkpoint("ledger"), edit=body)

    def _bag(self, body, sealed_by):
        tags = self._tags(super()._bag(body, None)[:3])
        rest = [member for member in body if not member[0].startswith("data/")]
        lines = self._lines(make.manifest_of(tags + rest))
        return tags + [("tagmanifest-sha256.txt", lines)] + self._seal(body, lines, sealed_by) + body


def edited(name, change):
    return lambda members: [(n, change(data)) if n == name else (n, data) for n, data in members]


def manifest(change):
    return Sealed(edited("manifest-sha256.txt", change))


def inserted(name, data, before):
    def insert(members):
        at = [n for n, _ in members].index(before)
        return members[:at] + [(name, data)] + members[at:]
    return insert


def line(path, data=b""):
    return fmt.manifest_line(fmt.sha256(data), path)


def bags():
    """Every rule of the bag itself, broken under a good seal. All are tars that we read to their end, but no bundles."""
    first = lambda text: text[:text.index(b"\n") + 1]  # noqa: E731
    rows = {
        "good": Sealed(),
        "fetch.txt": Sealed(lambda tags: tags + [("fetch.txt", b"http://e.example/ 4 data/files/000002.txt\n")]),
        "fetch.txt, and the document away": Sealed(
            lambda tags: tags + [("fetch.txt", b"http://e.example/ 4 data/files/000002.txt\n")],
            body=lambda body: [m for m in body if m[0] != "data/files/000002.txt"]),
        "payload that is in no manifest": manifest(lambda text: text[text.index(b"\n") + 1:]),
        "manifest line of a file that is not here": manifest(lambda text: text + line("data/files/000009.txt")),
        "manifest line twice": manifest(lambda text: first(text) + text),
        "manifest with a wrong digest": manifest(lambda text: b"0" + text[1:] if text[:1] != b"0" else b"1" + text[1:]),
        "manifest in upper case": manifest(lambda text: text[:64].upper() + text[64:]),
        "manifest with CRLF": manifest(lambda text: text.replace(b"\n", b"\r\n")),
        "manifest in another order": manifest(lambda text: b"".join(reversed(text.splitlines(True)))),
        "manifest with one space": manifest(lambda text: text.replace(b"  ", b" ")),
        "manifest with a binary mark": manifest(lambda text: text.replace(b"  ", b" *")),
        "manifest path with ./": manifest(lambda text: text.replace(b"  data", b"  ./data")),
        "manifest path that climbs out": manifest(lambda text: text + line("data/../../etc/passwd")),
        "manifest path in percents": manifest(lambda text: text.replace(b"data/files", b"data%2Ffiles")),
        "manifest with a byte order mark": manifest(lambda text: b"\xef\xbb\xbf" + text),
        "manifest with an empty line": manifest(lambda text: text + b"\n"),
        "manifest without its last LF": manifest(lambda text: text[:-1]),
        "empty manifest": manifest(lambda text: b""),
        "a second manifest, md5": Sealed(lambda tags: tags + [("manifest-md5.txt", b"")]),
        "tag file that is not covered": Sealed(
            lines=lambda text: b"".join(x for x in text.splitlines(True) if b"VERIFY" not in x)),
        "tagmanifest line twice": Sealed(lines=lambda text: first(text) + text),
        "tagmanifest of itself": Sealed(lines=lambda text: text + line("tagmanifest-sha256.txt")),
        "one more tag file": Sealed(body=inserted("vidimus/more", b"x", "data/INDEX.txt")),
        "one more document": Sealed(body=inserted("data/files/000007.txt", b"x", "vidimus/entries/000003")),
        "bagit.txt of version 0.97": Sealed(edited("bagit.txt", lambda text: text.replace(b"1.0", b"0.97"))),
        "bagit.txt with a byte order mark": Sealed(edited("bagit.txt", lambda text: b"\xef\xbb\xbf" + text)),
        "bagit.txt with CRLF": Sealed(edited("bagit.txt", lambda text: text.replace(b"\n", b"\r\n"))),
        "Payload-Oxum is wrong": Sealed(edited("bag-info.txt", lambda text: text.replace(b".3\n", b".4\n"))),
        "bag-info.txt with a line twice": Sealed(edited("bag-info.txt", lambda text: first(text) + text)),
        "bag-info.txt that goes on in the next line": Sealed(
            edited("bag-info.txt", lambda text: text.replace(b"vidimus", b"vidimus\n  more"))),
        "no seal": Sealed(),
    }
    rows["no seal"].members = [m for m in rows["no seal"].members if m[0] != "vidimus/seal"]
    for what, bundle in rows.items():
        yield f"bag: {what}", bundle.tar(), True


def rows():
    for group in (accepted, names, types, extended, fields, ends, doubles, compressed, bags):
        yield from group()
