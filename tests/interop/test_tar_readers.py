#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Four readers of one tar: ours (TAR_LIST), libarchive (bsdtar), GNU tar and Python's tarfile. What ours reads to its
end, all list alike, name by name and size by size. Whatever is given, `vidimus verify` (VIDIMUS) says VERIFIED to
nothing but the good bundles, ends by itself, soon, and in little memory.

    test_tar_readers.py          the tests
    test_tar_readers.py table    what each reader did with each row, as a table"""
import os
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

import hostile_tars as hostile

VIDIMUS, TAR_LIST = os.environ["VIDIMUS"], os.environ["TAR_LIST"]
TRUST = hostile.ROOT / "tests/vectors/ledger/keys/authority.pub"
VERIFIED = {"the good bundle", "gzip -1", "gzip -9", "zstd -1", "zstd -9", "bag: good"}
# The sanitizers take memory of their own, and address space without end.
SANITIZED = b"__asan_init" in Path(VIDIMUS).read_bytes()
RSS_MAX = (512 if SANITIZED else 48) << 20
SECONDS_MAX = 60 if SANITIZED else 20


class Done:
    """What a program did: its exit status, what it printed, how long it took, and its largest resident size."""

    def __init__(self, *command):
        started = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                     preexec_fn=self.limit, env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"})
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = self.status = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read(), err.read().decode("utf-8", "replace").strip()
        self.seconds, self.rss = time.monotonic() - started, usage.ru_maxrss << 10

    @staticmethod
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if not SANITIZED:
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    def lines(self):
        return self.out.decode("utf-8", "surrogateescape").splitlines()


# Each reader gives [(size, name)], or a text: why not.

def ours(path):
    done = Done(TAR_LIST, path)
    if done.status not in (0, 1):
        raise AssertionError(f"tar_list: {done.status} {done.err}")
    if done.status:
        return done.err
    return [(int(size), name) for size, name in (line.split(" ", 1) for line in done.lines())]


def columns(done, size, name):
    if done.status:
        return (done.err.splitlines() or ["no"])[0]
    return [(line.split(None, size + 1)[size], line.split(None, name)[-1]) for line in done.lines()]


def numbers(found):
    """Sizes as numbers; a device has none."""
    return found if isinstance(found, str) else [(int(s) if s.isdigit() else s, n) for s, n in found]


def bsdtar(path):
    return numbers(columns(Done("bsdtar", "-tvf", path), 4, 8))


def gnu_tar(path):
    return numbers(columns(Done("tar", "--full-time", "-tvf", path), 2, 5))


def python(path):
    try:
        with tarfile.open(path) as tar:
            return [(member.size, member.name) for member in tar]
    except (tarfile.TarError, OSError, EOFError, ValueError, ArithmeticError) as problem:
        return (str(problem).splitlines() or [type(problem).__name__])[0]


OTHERS = {"libarchive": bsdtar, "GNU tar": gnu_tar, "Python": python}


class Readers(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.path = Path(self.folder.name) / "b.tar"

    def tearDown(self):
        self.folder.cleanup()

    def alike(self, what):
        """Whether ours reads it; then the others list the same."""
        mine = ours(self.path)
        if isinstance(mine, str):
            self.assertTrue(mine, what)
            return False
        for who, reader in OTHERS.items():
            # Python takes a tar without a member, or one whose compression it does not know, for none.
            if who != "Python" or (mine and self.path.read_bytes()[:4] != b"\x28\xb5\x2f\xfd"):
                self.assertEqual(reader(self.path), mine, f"{what}: {who}")
        return True

    def check_verify(self, what):
        done = Done(VIDIMUS, "verify", self.path, "--trust", TRUST)
        self.assertIn(done.status, (0,) if what in VERIFIED else (1, 3), f"{what}\n{done.out}\n{done.err}")
        self.assertLess(done.rss, RSS_MAX, what)
        self.assertLess(done.seconds, SECONDS_MAX, what)
        if done.status == 1:
            self.assertRegex(done.out, rb"ALTERED|INCOMPLETE", what)
        elif done.status == 3:
            self.assertIn("not a bundle", done.err, what)

    def test_rows(self):
        seen = set()
        for what, data, accepted in hostile.rows():
            self.assertNotIn(what, seen)
            seen.add(what)
            self.path.write_bytes(data)
            with self.subTest(what):
                self.assertEqual(self.alike(what), accepted, what)
                self.check_verify(what)
        self.assertLessEqual(VERIFIED, seen)

    def test_any_header(self):
        """Headers with random fields and a right checksum: of those that we read, all read the same."""
        chance = random.Random(5)
        places = [*hostile.AT.values(), 6, 97, 134, 144, 262, 500]
        read = 0
        for _ in range(400):
            block = bytearray(hostile.header(b"sample/data/x", 0))
            for _ in range(chance.choice((1, 1, 2))):
                at = chance.choice(places) + chance.randrange(3)
                block[at] = chance.choice(b"\0 017/.xX\x80\xff")
            self.path.write_bytes(hostile.mended(block) + bytes(1024))
            read += self.alike(bytes(block[:160]))
        self.assertGreater(read, 20)


def told(found):
    """A refusal, or how many members and the last of them: it is the one that a row is about."""
    if isinstance(found, str):
        return found
    return f"{len(found)}, last {ascii(found[-1][1])} of {found[-1][0]}" if found else "none"


def table():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.tar"
        print("| what | ours | vidimus verify | " + " | ".join(OTHERS) + " |")
        print("|---|---|---|" + "---|" * len(OTHERS))
        for what, data, _ in hostile.rows():
            path.write_bytes(data)
            done = Done(VIDIMUS, "verify", path, "--trust", TRUST)
            verdict = f"{done.status}, {done.seconds:.1f} s, {done.rss >> 20} MiB"
            cells = [ours(path), verdict, *(reader(path) for reader in OTHERS.values())]
            print(f"| {what} | " + " | ".join(c if c is verdict else told(c) for c in cells) + " |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        table()
    else:
        unittest.main()
