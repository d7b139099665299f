# SPDX-License-Identifier: MIT
"""Documents of an archive as they are stored, in a pack or as a file, for tests that look at them or damage them. Written
from docs/FORMATS.md, "Store", and not from the program's code."""

import hashlib
import os
import pathlib
import re
import struct
import tarfile

BLOCK = 512
INDEX_SLOTS = 4096 + 16384 * 8


def padded(size):
    return -(-size // BLOCK) * BLOCK


def header(name, size):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o444, 0
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT)[:BLOCK])
    block[329:345] = bytes(16)    # device numbers: zeros, not digits
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def packs(archive):
    return sorted(pathlib.Path(archive, "store/packs").glob("[0-9]*.tar"))


def member_at(raw, at):
    """Name and size, or None where no member stands."""
    name, octal = raw[at:at + 100].rstrip(b"\0"), raw[at + 124:at + 135]
    if not re.fullmatch(rb"[0-7]{11}", octal) or at + BLOCK + padded(size := int(octal, 8)) > len(raw):
        return None
    return (name.decode(), size) if raw[at:at + BLOCK] == header(name.decode("ascii", "replace"), size) else None


def is_good(raw, at, name, size):
    return name.startswith("withdrawn-") or hashlib.sha256(raw[at + BLOCK:at + BLOCK + size]).hexdigest() == name


def members_of(raw):
    """Those withdrawn too: name, offset, size. Behind damage the next one that is good."""
    at, damaged = 0, False
    while at + BLOCK <= len(raw):
        member = member_at(raw, at)
        damaged = not member or (damaged and not is_good(raw, at, *member))
        if damaged:
            at += BLOCK
            continue
        yield member[0], at, member[1]
        at += BLOCK + padded(member[1])


def members(archive):
    """Of all packs: pack, name, offset, size."""
    for pack in packs(archive):
        yield from ((pack, *member) for member in members_of(pack.read_bytes()))


def stored(archive):
    """Every document that is there, by its digest. Of several members of one name a good one counts."""
    found = {p.parent.name + p.name: p.read_bytes() for p in pathlib.Path(archive, "store/objects").glob("*/*")}
    for pack in packs(archive):
        raw = pack.read_bytes()
        for name, at, size in members_of(raw):
            if is_good(raw, at, name, size) or name not in found:
                found[name] = raw[at + BLOCK:at + BLOCK + size]
    return found


def put(pack, at, data):
    with open(pack, "r+b") as f:
        f.seek(at)
        f.write(data)


def erase(pack, at, size):
    put(pack, at, header(f"withdrawn-{at}", size) + bytes(padded(size)))


class Document:
    """Has the calls of pathlib.Path that tests use, for a member of a pack as for a file."""

    def __init__(self, archive, digest):
        self.archive, self.digest, self.name = archive, digest, digest[2:]
        self.file = pathlib.Path(archive, "store/objects", digest[:2], digest[2:])

    def __str__(self):
        return str(self.file)

    def member(self):
        found = [m for m in members(self.archive) if m[1] == self.digest]
        return found[-1] if found else None

    def exists(self):
        return self.file.exists() or self.member() is not None

    def chmod(self, mode):
        if self.file.exists():
            self.file.chmod(mode)

    def read_bytes(self):
        if self.file.exists():
            return self.file.read_bytes()
        pack, _, at, size = self.member()
        return pack.read_bytes()[at + BLOCK:at + BLOCK + size]

    @property
    def size(self):
        return len(self.read_bytes())


    def write_bytes(self, data):
        """In place, as far as there is room; what is longer goes to the pack's end, and the index is told."""
        if self.file.exists() or not self.member():
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_bytes(data)
            return
        pack, _, at, size = self.member()
        if padded(len(data)) > padded(size):
            self.move(pack, at, data)
            return
        put(pack, at, header(self.digest, len(data)) + data + bytes(padded(len(data)) - len(data)))
        rest, after = padded(size) - padded(len(data)), at + BLOCK + padded(len(data))
        if rest:
            put(pack, after, header(f"withdrawn-{after}", rest - BLOCK) + bytes(rest - BLOCK))

    def slot(self, pack, at):
        key = int.from_bytes(bytes.fromhex(self.digest[:16]), "big")
        return struct.pack("<QQ", key, 1 | at // BLOCK << 2 | int(pack.stem) << 24)

    def move(self, pack, at, data):
        index, end = pack.parent / "index", pack.stat().st_size
        self.unlink()
        put(pack, end, header(self.digest, len(data)) + data + bytes(padded(len(data)) - len(data)))
        raw = index.read_bytes()
        where = raw.index(self.slot(pack, at), INDEX_SLOTS)
        put(index, where, self.slot(pack, end))

    def unlink(self):
        if self.file.exists():
            self.file.unlink()
            return
        pack, _, at, size = self.member()
        erase(pack, at, size)

    def as_file(self):
        """Stored as a file from now on, for tests of what may stand in a file's place. Returns its path."""
        if not self.file.exists():
            data = self.read_bytes()
            self.unlink()
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_bytes(data)
            self.file.chmod(0o444)
        return self.file


def documents(archive):
    """All that are there, in no order that means anything."""
    digests = {name for _, name, _, _ in members(archive) if not name.startswith("withdrawn-")}
    digests |= {p.parent.name + p.name for p in pathlib.Path(archive, "store/objects").glob("*/*")}
    return [Document(archive, d) for d in sorted(digests)]


def set_aside(archive):
    """Bad ones that were kept apart."""
    raw = b""
    if os.path.exists(index := f"{archive}/store/packs/index"):
        raw = pathlib.Path(index).read_bytes()[INDEX_SLOTS:]
    flagged = sum(raw[i + 8] & 3 == 3 for i in range(0, len(raw), 16))
    return flagged + len(list(pathlib.Path(archive, "store/tmp").glob("damaged-*")))


def as_files(archive):
    for document in documents(archive):
        document.as_file()
