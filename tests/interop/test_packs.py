#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packs by other people's programs: what the ledger says is stored is what GNU tar, bsdtar and Python's tarfile find there,
under the digests that hashlib computes, and where the index says (docs/FORMATS.md, "Packs")."""

import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cli"), str(HERE.parent / "support")]
import documents  # noqa: E402
import support  # noqa: E402


RECENT = 18


def put_slots(raw, start, bits, slots):
    """Written as docs/FORMATS.md has it, from nothing."""
    for slot in slots:
        place = int.from_bytes(slot[:8], "little") >> (64 - bits)
        while raw[start + 16 * place + 8]:
            place = (place + 1) % (1 << bits)
        raw[start + 16 * place:start + 16 * place + 16] = slot


class Packs(support.Case):
    def filled(self):
        a = self.archive(12)
        for i, size in enumerate((0, 1, 511, 512, 513, 100000, (1 << 20) - 1, 1 << 20)):
            self.file(f"more/{i}", bytes([i + 1]) * size)
        self.ok("-C", a, "import", str(self.dir / "more"), "-q")
        return a

    def said(self, a):
        """Digests and sizes by the ledger."""
        return {line["document"][7:] for line in self.ok("-C", a, "log", "--json").lines if line.get("document")}

    def by_tarfile(self, a):
        found = set()
        for pack in documents.packs(a):
            with tarfile.open(pack, "r:") as tar:
                for member in tar:
                    self.assertEqual((member.mode, member.uid, member.gid, member.mtime), (0o444, 0, 0, 0))
                    data = tar.extractfile(member).read()
                    if member.name.startswith("withdrawn-"):
                        self.assertEqual(data, bytes(member.size))
                        self.assertEqual(member.name, f"withdrawn-{member.offset}")
                    else:
                        self.assertEqual(hashlib.sha256(data).hexdigest(), member.name)
                        self.assertLess(member.size, 1 << 20)
                        found.add(member.name)
        return found

    def by_program(self, a, program):
        out = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        for pack in documents.packs(a):
            r = subprocess.run([program, "-xf", str(pack), "-C", str(out)], capture_output=True, check=False)
            self.assertEqual((r.returncode, r.stderr), (0, b""), program)
        names = sorted(n for n in os.listdir(out) if not n.startswith("withdrawn-"))
        r = subprocess.run(["sha256sum", *names], cwd=out, capture_output=True, check=True)
        self.assertEqual([line.split()[0].decode() for line in r.stdout.splitlines()], names)
        return set(names)

    def by_index(self, a):
        raw = pathlib.Path(a, "store/packs/index").read_bytes()
        bits = int.from_bytes(raw[16:24], "little")
        recent = bits > RECENT
        self.assertEqual(raw[:16], b"vidimus-packs-2\n" if recent else b"vidimus-packs-1\n")
        tables = [(documents.INDEX_SLOTS, bits)]
        if recent:
            tables.append((documents.INDEX_SLOTS + (16 << bits), RECENT))
        self.assertEqual(len(raw), tables[-1][0] + (16 << tables[-1][1]))
        found = set()
        for pack, name, at, _ in documents.members(a):
            slot = documents.Document(a, name).slot(pack, at) if not name.startswith("w") else None
            for start, bits in tables:
                where = raw.find(slot, start, start + (16 << bits)) if slot else -1
                if where >= 0:
                    home = int(name[:16], 16) >> (64 - bits)
                    self.assertLess(((where - start) // 16 - home) % (1 << bits), 64)
                    found.add(name)
        for pack in documents.packs(a):
            at = 4096 + 8 * int(pack.stem)
            self.assertEqual(int.from_bytes(raw[at:at + 8], "little"), pack.stat().st_size, "all was synced")
        return found

    def agree(self, a, gone=frozenset()):
        large = {p.parent.name + p.name for p in pathlib.Path(a, "store/objects").glob("*/*")}
        small = self.said(a) - large - gone
        self.assertEqual(len(large), 1)
        self.assertGreater(len(small), 10)
        ours = self.by_tarfile(a)
        self.assertEqual(ours, small)
        self.assertEqual(self.by_index(a), small)
        programs = [p for p in ("tar", "bsdtar") if shutil.which(p)]
        self.assertIn("tar", programs)
        for program in programs:
            self.assertEqual(self.by_program(a, program), small)

    def test_others_read_packs(self):
        a = self.filled()
        self.agree(a)
        gone = self.ok("-C", a, "show", "3", "--json").json["document"][7:]
        self.ok("-C", a, "withdraw", "3", "--decided-by", "x", "--yes", "-q")
        self.agree(a, {gone})
        self.ok("-C", a, "reindex")
        self.agree(a, {gone})
        self.ok("-C", a, "mirror", str(self.dir / "m"), "-q")
        self.assertEqual(self.by_tarfile(str(self.dir / "m")), self.by_tarfile(a))

    def test_a_large_index(self):
        """As it is of 200,000 documents: with a table of its own for what is recent."""
        a = self.filled()
        index = pathlib.Path(a, "store/packs/index")
        old, bits = index.read_bytes(), RECENT + 1
        slots = [documents.Document(a, name).slot(pack, at) for pack, name, at, _ in documents.members(a)]
        raw = bytearray(documents.INDEX_SLOTS + (16 << bits) + (16 << RECENT))
        counts = (bits, len(slots) - 7, *struct.unpack("<QQ", old[32:48]), 7)
        raw[:56] = b"vidimus-packs-2\n" + struct.pack("<5Q", *counts)
        raw[4096:documents.INDEX_SLOTS] = old[4096:documents.INDEX_SLOTS]
        put_slots(raw, documents.INDEX_SLOTS, bits, slots[7:])
        put_slots(raw, documents.INDEX_SLOTS + (16 << bits), RECENT, slots[:7])
        index.write_bytes(raw)
        self.agree(a)
        self.verified(a)
        self.ok("-C", a, "import", self.file("new", b"new\n"), "-q")
        self.assertEqual(struct.unpack("<5Q", index.read_bytes()[16:56])[::4], (bits, 8))
        gone = {self.ok("-C", a, "show", n, "--json").json["document"][7:] for n in ("3", "9")}
        for entry in ("3", "9"):
            self.ok("-C", a, "withdraw", entry, "--decided-by", "x", "--yes", "-q")
        self.agree(a, gone)
        self.verified(a)

    def test_without_packs(self):
        """The owner removed the empty folder: all are files, in a mirror of it too."""
        a = self.archive(0)
        os.rmdir(a + "/store/packs")
        self.ok("-C", a, "import", self.file("x", b"x"), "-q")
        self.ok("-C", a, "mirror", str(self.dir / "m"), "-q")
        for archive in (a, str(self.dir / "m")):
            self.assertEqual(len(list(pathlib.Path(archive, "store/objects").glob("*/*"))), 1)
            self.assertFalse(os.path.exists(archive + "/store/packs"))
        self.verified(a)

    def test_a_lost_index(self):
        a = self.filled()
        index = pathlib.Path(a, "store/packs/index")
        index.unlink()
        self.assertIn("vidimus reindex", self.expect(3, "-C", a, "verify").err)
        self.ok("-C", a, "reindex")
        self.agree(a)
        raw = bytearray(index.read_bytes())
        at = next(i for i in range(documents.INDEX_SLOTS, len(raw), 16) if raw[i + 8])
        raw[at:at + 16] = bytes(16)
        index.write_bytes(raw)
        r = self.expect(1, "-C", a, "verify", "--json").json
        self.assertIn("store/packs/index does not lead to all documents", str(r["findings"] + r["notices"]))
        self.ok("-C", a, "reindex")
        self.verified(a)


if __name__ == "__main__":
    unittest.main()
