#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Full disks, archives that may not be written, what an interrupted write leaves for readers."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

import support
from support import run

SECOND_VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"


class Mounted:
    """A small file system of its own for the length of a `with`."""

    def __init__(self, test, where, *options):
        self.where = str(where)
        os.makedirs(self.where, exist_ok=True)
        done = subprocess.run(["mount", *options, self.where], capture_output=True, check=False)
        if done.returncode:
            test.skipTest("may not mount here")

    def __enter__(self):
        return pathlib.Path(self.where)

    def __exit__(self, *what):
        subprocess.run(["umount", self.where], check=True)


def fill(folder, leave):
    """Leaves about so many bytes free."""
    free = os.statvfs(folder)
    count = max(0, free.f_bavail * free.f_frsize - leave)
    (folder / "filler").write_bytes(b"\0" * count)


@unittest.skipUnless(support.IS_ROOT, "mounts need root")
class FullDisk(support.Case):
    def small(self, size="2m"):
        return Mounted(self, self.dir / "disk", "-t", "tmpfs", "-o", f"size={size}", "tmpfs")

    def full(self, result):
        self.assertEqual(result.code, 3, str(result))
        self.assertIn("No space left on device", result.err.replace("disk is full",
                                                                    "No space left on device"))
        self.one_clear_line(result)

    def test_import(self):
        src = self.folder(40)
        self.file("src/big", os.urandom(300000))
        with self.small() as disk:
            a = disk / "a"
            shutil.copytree(self.archive(20), a)
            failed = 0
            for leave in (0, 4096, 20000, 60000, 100000, 200000, 400000):
                fill(disk, leave)
                before = run("-C", str(a), "status", "--json").json
                r = run("-C", str(a), "import", str(src), "--json")
                os.remove(disk / "filler")
                if r.code == 3:
                    failed += 1
                    self.full(r)
                    told = r.json["imported"] if r.out else 0
                    self.verified(str(a), before["size"] + told)
                    self.assertEqual(list((a / "store/tmp").iterdir()), [])
                else:
                    self.assertEqual(r.code, 0, str(r))
            self.assertGreaterEqual(failed, 3)
            self.ok("-C", str(a), "import", str(src))
            self.verified(str(a), 2 + 20 + 41)

    def test_room_is_asked_for_before(self):
        """What fits is recorded, whole; what does not is refused before a byte of it is stored."""
        a, src = self.archive(), self.folder(3)
        self.file("src/e-large", os.urandom(3 << 20))
        with self.small("4m") as disk:
            shutil.copytree(a, disk / "a")
            fill(disk, 2 << 20)
            r = run("-C", str(disk / "a"), "import", str(src), "--json")
            self.full(r)
            self.assertRegex(r.err, r"e-large: the disk is full: \d+ bytes are needed, .* and \d+ are free")
            self.assertEqual(r.json["imported"], 3)
            report = self.verified(str(disk / "a"), 5)
            self.assertEqual(report["notices"][0]["kind"], "freshness-unknown")
            self.assertEqual(len(report["notices"]), 1, "no document without an entry")
            self.ok("-C", str(disk / "a"), "import", str(src), "--dry-run")

    def test_acknowledged_batches_stay(self):
        """The first batches fit, a later one does not: what was told is what is there."""
        with self.small("100m") as disk:
            a = disk / "a"
            shutil.copytree(self.archive(), a)
            src = self.dir / "src"
            src.mkdir()
            for i in range(12):
                (src / f"{i:02}").write_bytes(os.urandom(1024) + bytes(12 << 20))
            r = run("-C", str(a), "import", str(src), "--json")
            self.full(r)
            done = r.json
            self.assertGreater(done["imported"], 0)
            self.assertLess(done["imported"], 12)
            self.verified(str(a), 2 + done["imported"])
            self.ok("-C", str(a), "verify", "--checkpoint",
                    self.file("kept", done["checkpoint"]))

    def test_init(self):
        with self.small() as disk:
            for leave in (0, 8192, 40000):
                fill(disk, leave)
                r = run("init", str(disk / "n"), "--origin", "x.example", "--no-passphrase")
                os.remove(disk / "filler")
                if r.code == 0:
                    shutil.rmtree(disk / "n")
                    continue
                self.full(r)
                # No half of an archive is taken for one, and the next try succeeds.
                r = run("-C", str(disk / "n"), "status")
                self.assertEqual(r.code, 3, str(r))
                self.ok("init", str(disk / "n"), "--origin", "x.example", "--no-passphrase")
                self.verified(str(disk / "n"), 2)
                shutil.rmtree(disk / "n")

    def test_outputs(self):
        a = self.archive(3)
        with self.small() as disk:
            fill(disk, 0)
            for words in (["bundle", "-o", "out.tar", "--all"],
                          ["bundle", "-o", "out.tar.gz", "--all"],
                          ["bundle", "-o", "out.tar.zst", "--all"], ["prove", "2", "-o", "out"],
                          ["checkpoint", "-o", "out"]):
                self.full(run("-C", a, *words, cwd=disk))
                self.assertEqual([p.name for p in disk.iterdir()], ["filler"], words)
            r = run("-C", a, "import", str(self.folder(1)), "--receipt", "out", cwd=disk)
            self.full(r)
            self.assertIn("--receipt", r.err)
            self.assertEqual([p.name for p in disk.iterdir()], ["filler"])
            self.verified(a)

    def test_scratch_files(self):
        """Where what waits beside the bundle does not fit, it is not made and says why."""
        a = self.archive(300)
        with self.small("256k") as disk:
            r = run("-C", a, "bundle", "-o", str(disk / "o.tar"), "--all")
            self.full(r)
            self.assertIn("scratch file", r.err)
            self.assertEqual(list(disk.iterdir()), [])


@unittest.skipUnless(support.IS_ROOT, "mounts need root")
class KeysDisk(support.Case):
    """keys/ lies on a disk of its own, as it should, and that one is full: the guard finds no room after the ledger has
    committed, nor does the mark that says so. (tests/fault fills the disk that both lie on.)"""

    def archive_with_keys_apart(self, name, options):
        a = pathlib.Path(self.archive(2, name))
        aside = a / "aside"
        (a / "keys").rename(aside)
        disk = Mounted(self, a / "keys", "-t", "tmpfs", "-o", options, "tmpfs")
        for path in aside.iterdir():
            shutil.copy2(path, a / "keys")
        os.chmod(a / "keys", 0o700)
        return str(a), disk

    def test_no_room_for_the_guard(self):
        outcomes = set()
        for name, options, leave in (("bytes0", "size=1m", 0), ("bytes1", "size=1m", 4096),
                                     ("bytes2", "size=1m", 8192), ("inodes", "size=1m,nr_inodes=11", 1 << 20)):
            a, disk = self.archive_with_keys_apart(name, options)
            with disk as keys:
                if leave < 1 << 20:
                    fill(keys, leave)
                while leave == 1 << 20 and os.statvfs(keys).f_ffree:
                    (keys / f"filler{os.statvfs(keys).f_ffree}").touch()
                r = run("-C", a, "import", self.file("d.txt", name), "--json")
                outcomes.add(r.code)
                if r.code:
                    self.assertEqual(r.code, 3, str(r))
                    self.assertRegex(r.err, "last-checkpoint: .*No space left on device")
                    self.assertRegex(r.err, "verifies the whole archive first|run `vidimus verify` before you write")
                    # What was not acknowledged may be there; it is whole, and nobody is told of a finding.
                    self.assertEqual(self.ok("-C", a, "verify", "--json").json["findings"], [])
                    again = run("-C", a, "import", self.file("d.txt", name))
                    self.assertEqual(again.code, 3, "the guard cannot follow: nothing is signed meanwhile")
                for path in keys.glob("filler*"):
                    path.unlink()
                self.ok("-C", a, "import", self.file("d.txt", name), self.file("e.txt", "later " + name))
                self.assertEqual(sorted(p.name for p in keys.iterdir() if p.name.startswith((".", "needs"))), [])
                self.verified(a, 6)
        self.assertEqual(outcomes, {0, 3}, "both were tried")


class Clock(support.Case):
    """A clock that jumps is told as a notice. It is never a finding: it says nothing about what was changed."""

    DAY = 86400

    def at(self, seconds, *words, code=0):
        return self.expect(code, *words, LD_PRELOAD=os.environ["FAKE_CLOCK"], FAKE_TIME=str(seconds),
                           ASAN_OPTIONS="verify_asan_link_order=0")

    def test_jumps(self):
        a, now = self.archive(), 1795000000
        for i, seconds in enumerate((now, 1_000_000_000, 4_102_444_800, 0, now)):  # 2026, 2001, 2100, 1970, 2026
            self.at(seconds, "-C", a, "import", self.file(f"{i}.txt", f"text {i}"))
            self.at(now, "-C", a, "recover")
        report = self.verified(a, 7)
        back = [n for n in report["notices"] if n["kind"] == "clock-backwards"]
        self.assertEqual(len(back), 3, report["notices"])
        self.assertEqual(report["findings"], [])
        bundle = str(self.dir / "b.tar")
        self.at(1_000_000_000, "-C", a, "bundle", "--all", "-o", bundle)
        for seconds in (0, 1_000_000_000, now, 4_102_444_800):
            r = self.at(seconds, "verify", bundle, "--trust", a + "/keys/authority.pub", "--json")
            self.assertEqual((r.json["verdict"], r.json["findings"]), ("VERIFIED", []))
            self.assertEqual([n["kind"] for n in r.json["notices"]].count("clock-backwards"), 3)
            self.at(seconds, "-C", a, "verify")
        done = subprocess.run([sys.executable, "-B", SECOND_VERIFIER, "--trust", a + "/keys/authority.pub", bundle],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("clock-backwards", done.stdout)

    def test_time_that_cannot_be_written(self):
        """Before year 0 and after 9999 there is no time to record: refused, and nothing is written."""
        a = self.archive(1)
        for seconds in (-62_200_000_000, 253_402_300_800, 1 << 62):
            r = self.at(seconds, "-C", a, "import", self.file("d.txt", "new"), code=3)
            self.one_clear_line(r)
            self.verified(a, 3)


class ReadOnly(support.Case):
    READERS = (["verify"], ["verify", "--no-documents"], ["log"], ["show", "2"], ["cat", "2"],
               ["status"], ["checkpoint"], ["key", "list"], ["prove", "2", "-o", "-"],
               ["trust", "list"], ["verify", "--json"])

    def test_reading_writes_nothing(self):
        a = self.archive(3)
        before = support.listing(a)
        for words in self.READERS:
            self.ok("-C", a, *words)
            self.assertEqual(support.listing(a), before, words)
        self.ok("-C", a, "bundle", "-o", str(self.dir / "o.tar"), "--all")
        self.assertEqual(support.listing(a), before)

    def test_read_only_mount(self):
        a = self.archive(3)
        if not support.IS_ROOT:
            self.skipTest("mounts need root")
        with Mounted(self, self.dir / "ro", "--bind", "-o", "ro", a) as ro:
            for words in self.READERS:
                self.ok("-C", str(ro), *words)
            self.ok("-C", str(ro), "bundle", "-o", str(self.dir / "o.tar"), "--all")
            self.ok("-C", str(ro), "import", self.file("dry.txt"), "--dry-run")
            for words in (["import", self.file("d.txt")], ["reindex"], ["audit"], ["recover"]):
                r = self.expect(3, "-C", str(ro), *words)
                self.assertIn(f"the archive {ro} is read-only here", r.err)
                self.one_clear_line(r)
            self.expect(3, "-C", str(ro), "trust", "add", a + "/keys/authority.pub")

    def test_somebody_else_reads(self):
        a = self.archive(3)
        for base, dirs, files in os.walk(a):
            for name in [".", *dirs]:
                os.chmod(os.path.join(base, name), 0o555)
            for name in files:
                if not name.endswith(".key"):
                    os.chmod(os.path.join(base, name), 0o444)
        before = support.listing(a)
        for words in self.READERS:
            r = support.as_nobody("-C", a, *words, cwd="/")
            self.assertEqual(r.code, 0, str(r))
        out = self.dir / "elsewhere"
        out.mkdir()
        out.chmod(0o777)
        r = support.as_nobody("-C", a, "bundle", "--unsealed", "--all", "-o", str(out / "o.tar"), cwd="/")
        self.assertEqual(r.code, 0, str(r))
        self.ok("verify", str(out / "o.tar"), "--allow-unsealed", "--trust", a + "/keys/authority.pub")
        r = support.as_nobody("-C", a, "import", self.file("d.txt"), "--dry-run", cwd="/")
        self.assertEqual(r.code, 0, str(r))
        r = support.as_nobody("-C", a, "import", self.file("d.txt"), cwd="/")
        self.assertEqual(r.code, 3, str(r))
        self.assertRegex(r.err, "[Pp]ermission|read-?only")
        self.assertEqual(support.listing(a), before)
        if not support.IS_ROOT:
            for base, dirs, files in os.walk(a):
                os.chmod(base, 0o755)


class Interrupted(support.Case):
    def hot(self, db="ledger.db"):
        """An archive whose last writer died in the middle of a transaction that had reached the
        file, as after a power cut."""
        a = self.archive(3)
        if os.fork() == 0:
            c = sqlite3.connect(f"{a}/store/{db}", isolation_level=None)
            c.execute("pragma cache_size=2")
            c.execute("begin immediate")
            c.execute("create table junk(x)")
            for _ in range(200):
                c.execute("insert into junk values (randomblob(4000))")
            os._exit(0)
        os.wait()
        self.assertGreater(os.path.getsize(f"{a}/store/{db}-journal"), 512)
        return a

    def test_reader_names_the_way_out(self):
        a = self.hot()
        doc = self.file("d.txt")
        before = support.listing(a)
        for words in (["verify"], ["log"], ["show", "2"], ["status"], ["checkpoint"],
                      ["import", doc, "--dry-run"],
                      ["bundle", "-o", str(self.dir / "o.tar"), "--all"]):
            r = self.expect(3, "-C", a, *words)
            self.assertIn("interrupted", r.err)
            self.assertIn("`vidimus recover`", r.err)
            self.assertEqual(support.listing(a), before)
        self.ok("-C", a, "recover")
        self.verified(a, 5)
        self.ok("-C", a, "log")

    def test_read_only_media(self):
        """Where nothing can be written, the way out is a copy."""
        a = self.hot()
        if not support.IS_ROOT:
            self.skipTest("mounts need root")
        with Mounted(self, self.dir / "ro", "--bind", "-o", "ro", a) as ro:
            before = support.listing(ro)
            for words in (["verify"], ["log"], ["cat", "2"], ["status"],
                          ["bundle", "-o", str(self.dir / "o.tar"), "--all"]):
                r = self.expect(3, "-C", str(ro), *words)
                self.assertIn("`vidimus recover`", r.err)
                self.assertIn("in a copy of the archive", r.err)
            self.expect(3, "-C", str(ro), "recover")
            self.assertEqual(support.listing(ro), before)
            shutil.copytree(ro, self.dir / "copy")
        self.ok("-C", str(self.dir / "copy"), "recover")
        self.verified(str(self.dir / "copy"), 5)

    def test_not_ours_to_write(self):
        a = self.hot()
        for base, _, files in os.walk(a):
            os.chmod(base, 0o555)
            for name in files:
                if not name.endswith(".key"):
                    os.chmod(os.path.join(base, name), 0o444)
        before = support.listing(a)
        for words in (["verify"], ["log"], ["status"]):
            r = support.as_nobody("-C", a, *words, cwd="/")
            self.assertEqual(r.code, 3, str(r))
            self.assertIn("in a copy of the archive", r.err)
        self.assertEqual(support.listing(a), before)
        for base, *_ in os.walk(a):
            os.chmod(base, 0o755)

    def test_writer_mends_by_itself(self):
        a = self.hot()
        self.ok("-C", a, "import", self.file("d.txt"))
        self.verified(a, 6)

    def test_catalog(self):
        a = self.hot("catalog.db")
        r = run("-C", a, "verify")
        self.assertIn(r.code, (0, 1, 3), str(r))
        if r.code == 3:
            self.assertIn("recover", r.err)
        r = run("-C", a, "log")
        self.assertEqual(r.code, 3, str(r))
        self.assertRegex(r.err, "reindex|recover")
        self.ok("-C", a, "recover")
        self.ok("-C", a, "log")
        self.verified(a, 5)

    def test_recover_says_what_it_did(self):
        a = self.archive(2)
        self.assertIn("Nothing was left undone", self.ok("-C", a, "recover").out)
        tmp = pathlib.Path(a) / "store/tmp"
        (tmp / "put-0123456789abcdef").write_text("x")
        (tmp / "not ours").write_text("x")
        self.assertIn("1 leftover file removed", self.ok("-C", a, "recover").out)
        self.assertEqual([p.name for p in tmp.iterdir()], ["not ours"])
        os.remove(a + "/keys/last-checkpoint")
        r = self.expect(3, "-C", a, "import", self.file("d.txt"))
        self.assertIn("recover", r.err)
        r = self.ok("-C", a, "recover")
        self.assertIn("last-checkpoint", r.out)
        self.assertIn("--checkpoint", r.out)
        self.ok("-C", a, "import", self.file("d.txt"))

    def test_guard_behind(self):
        """Killed between the commit and the guard."""
        a = self.archive(2)
        old = pathlib.Path(a, "keys/last-checkpoint").read_bytes()
        self.ok("-C", a, "import", self.file("d.txt"))
        pathlib.Path(a, "keys/last-checkpoint").write_bytes(old)
        self.assertIn("recover", self.ok("-C", a, "status").out)
        self.assertEqual(self.ok("-C", a, "status", "--json").json["guard"], "behind")
        self.assertIn("1 entry was committed but not acknowledged", self.ok("-C", a, "recover").out)
        self.assertEqual(self.ok("-C", a, "status", "--json").json["guard"], "current")
        self.verified(a, 5)

    def test_rolled_back(self):
        a = self.archive(2)
        shutil.copytree(a + "/store", self.dir / "old")
        self.ok("-C", a, "import", self.file("d.txt"))
        shutil.rmtree(a + "/store")
        shutil.copytree(self.dir / "old", a + "/store")
        r = self.expect(1, "-C", a, "verify")
        self.assertIn("rolled-back", r.out)
        r = self.expect(3, "-C", a, "import", self.file("e.txt", "e"))
        self.assertIn("rolled-back", r.err)
        self.expect(3, "-C", a, "recover")


if __name__ == "__main__":
    support.main()
