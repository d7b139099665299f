#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writing where it can go wrong: a disk that fails to sync, several writers, file systems of others, no room."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

import support
from support import run

# As statfs(2) gives them.
NETWORK = {"NFS": "6969", "SMB": "517b", "CIFS": "ff534d42", "SMB2": "fe534d42", "9P": "1021997",
           "FUSE": "65735546"}


def disk(**more):
    """The environment in which the disk is another. The sanitizers would want to be first."""
    return {"LD_PRELOAD": os.environ["FAKE_DISK"], "ASAN_OPTIONS": "verify_asan_link_order=0", **more}


class Doubt(support.Case):
    def mark(self, archive):
        return pathlib.Path(archive, "keys/needs-verify")

    def in_doubt(self, archive):
        self.assertTrue(self.mark(archive).exists())
        self.assertIn("in doubt", self.ok("-C", archive, "status").out)
        self.assertTrue(self.ok("-C", archive, "status", "--json").json["needs_verify"])

    def settled(self, archive, *words):
        r = self.ok("-C", archive, *words)
        self.assertIn("the whole archive was verified", r.err)
        self.assertFalse(self.mark(archive).exists())
        self.assertFalse(self.ok("-C", archive, "status", "--json").json["needs_verify"])
        self.assertNotIn("verified", self.ok("-C", archive, "recover").err)

    def test_each_sync_that_fails(self):
        """Of documents, of journal and ledger, of the guard: one after another, until none is left."""
        failed = 0
        for call in ("syncfs", "fdatasync", "fsync"):
            for n in range(1, 40):
                a = self.archive(2, f"{call}{n}")
                r = run("-C", a, "import", self.file("d.txt", "new"), **disk(FAIL_SYNC=f"{call}:{n}"))
                if r.code == 0:
                    self.assertFalse(self.mark(a).exists())
                    break
                failed += 1
                self.assertEqual(r.code, 3, str(r))
                self.one_clear_line(r)
                if self.mark(a).exists():
                    self.assertIn("verifies the whole archive first", r.err)
                    self.in_doubt(a)
                    self.settled(a, "import", self.file("d.txt", "new"))
                else:       # the catalog, which is derived
                    self.assertIn("catalog", r.err)
                self.ok("-C", a, "import", self.file("d.txt", "new"))
                self.verified(a, 5)
            else:
                self.fail(f"{call} fails for ever")
        self.assertGreaterEqual(failed, 4)

    def test_recover_and_reindex(self):
        for words in (["recover"], ["reindex"]):
            a = self.archive(2, words[0])
            self.mark(a).write_text("")
            self.settled(a, *words)

    def test_readers_do_not_mind(self):
        a = self.archive(2)
        self.mark(a).write_text("")
        for words in (["verify"], ["log"], ["cat", "2"], ["bundle", "-o", str(self.dir / "o.tar"), "--all"]):
            self.ok("-C", a, *words)
        self.assertTrue(self.mark(a).exists())

    def damage(self, archive):
        victim = support.documents(archive)[0]
        good = victim.read_bytes()
        victim.chmod(0o644)
        victim.write_bytes(good[:-1] + b"?")
        return victim, good

    def test_damaged_documents_are_mended(self):
        """What would mend a document must not be held up by it; and it is told until it is mended."""
        a = self.archive(2)
        victim, good = self.damage(a)
        self.mark(a).write_text("")
        r = self.ok("-C", a, "--quiet", "recover")
        self.assertIn("documents are missing or damaged (1), all else is good", r.err)
        self.assertIn("`vidimus verify` names them", r.err)
        self.assertFalse(self.mark(a).exists())
        self.expect(1, "-C", a, "verify")
        self.mark(a).write_text("")
        r = self.ok("-C", a, "import", self.file("again.txt", good))
        self.assertIn("missing or damaged (1)", r.err)
        self.assertEqual(victim.read_bytes(), good)
        self.verified(a, 4)
        victim.unlink()
        self.mark(a).write_text("")
        self.assertIn("missing or damaged (1)", self.ok("-C", a, "import", self.file("again.txt", good)).err)
        self.verified(a, 4)

    def test_catalog_that_lies_is_made_anew(self):
        a = self.archive(2)
        db = sqlite3.connect(pathlib.Path(a, "store/catalog.db"))
        db.execute("UPDATE capture SET source = 'https://elsewhere.example/' WHERE n = 2")
        db.commit()
        db.close()
        self.assertIn("catalog-mismatch", self.expect(1, "-C", a, "verify").out)
        self.mark(a).write_text("")
        self.settled(a, "recover")
        self.verified(a, 4)

    def test_stays_where_the_ledger_is_damaged(self):
        """Of a record one byte: nothing more is signed on top of that."""
        a = self.archive(2)
        self.damage(a)
        ledger = pathlib.Path(a, "store/ledger.db")
        good = ledger.read_bytes()
        at = good.index(b"file-name")
        ledger.write_bytes(good[:at] + b"file-nama" + good[at + 9:])
        self.mark(a).write_text("")
        for words in (["import", self.file("d.txt")], ["recover"], ["reindex"]):
            r = self.expect(3, "-C", a, *words)
            self.assertIn("not as it was signed", r.err)
            self.assertIn("`vidimus verify`", r.err)
            self.assertTrue(self.mark(a).exists())
        ledger.write_bytes(good)
        self.assertIn("missing or damaged (1)", self.ok("-C", a, "import", self.file("d.txt")).err)
        self.assertFalse(self.mark(a).exists())

    def test_odd_guard(self):
        """In the guard's place stands what nobody wrote there: told with the way out, and nothing is signed."""
        makers = {"fifo": os.mkfifo, "folder": os.mkdir, "link": lambda p: os.symlink("nowhere", p),
                  "good-link": lambda p: os.symlink("ledger.pub", p)}
        for name, make in makers.items():
            a = self.archive(2, name)
            guard = pathlib.Path(a, "keys/last-checkpoint")
            aside = guard.rename(guard.with_name("aside"))
            make(guard)
            for words in (["import", self.file("d.txt")], ["recover"]):
                r = self.expect(3, "-C", a, *words)
                self.one_clear_line(r)
                self.assertRegex(r.err, "not a file|it is a link")
                self.assertIn("move it away and put back the file that was there", r.err)
            guard.rename(guard.with_name("odd"))
            self.ok("-C", a, "recover")
            self.assertTrue(guard.is_file())
            guard.unlink()
            aside.rename(guard)
            self.ok("-C", a, "import", self.file("d.txt"))
            self.verified(a, 5)

    def test_file_size_limit(self):
        """`ulimit -f`: an error like a full disk, at any size, and nothing is half written."""
        source, failed = self.folder(3), 0
        large = self.file("large", "x" * 300_000)
        for kib in (4, 8, 20, 40, 60, 100, 200, 1000):
            a = self.archive(2, f"limit{kib}")
            r = run("-C", a, "import", source, large, prefix=("prlimit", f"--fsize={kib * 1024}"))
            self.assertIn(r.code, (0, 3), str(r))
            failed += r.code == 3
            if r.code:
                self.assertIn("too large", r.err)
            self.ok("-C", a, "import", source, large)
            self.verified(a, 8)
        self.assertGreaterEqual(failed, 3)

    def test_a_mark_that_cannot_be_made(self):
        a = self.archive(2)
        os.mkdir(self.mark(a))
        r = self.expect(3, "-C", a, "import", self.file("d.txt"), **disk(FAIL_SYNC="fdatasync"))
        self.assertIn("needs-verify", r.err)
        os.rmdir(self.mark(a))
        r = self.expect(3, "-C", a, "import", self.file("d.txt"), **disk(FAIL_SYNC="fsync"))
        self.assertIn("run `vidimus verify` before you write again", r.err)
        self.assertIn("keys/needs-verify", r.err)


class Several(support.Case):
    def test_four_importers_and_a_verifier(self):
        a = self.archive()
        importers = [subprocess.Popen(
            [support.VIDIMUS, "-C", a, "import", str(self.folder(40, f"src{i}")), "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=support.environment()) for i in range(4)]
        sizes, looks = [], 0
        while looks < 3 or any(p.poll() is None for p in importers):
            looks += 1
            r = run("-C", a, "verify", "--json")
            if r.code == 3:     # it came upon a transaction under way, and says so
                self.assertRegex(r.err, "interrupted|locked", str(r))
                continue
            self.assertEqual(r.code, 0, str(r))
            sizes.append(r.json["entries_checked"])
        entries = []
        for p in importers:
            out, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0, err)
            said = json.loads(out)
            self.assertEqual((said["imported"], said["refused"]), (40, 0))
            entries += [said["first_entry"], said["last_entry"]]
        self.assertEqual((min(entries), max(entries)), (2, 161))
        self.assertEqual(sizes, sorted(sizes))
        for size in sizes:      # whole states only: at each stands a signed checkpoint
            self.ok("-C", a, "checkpoint", "--at", str(size))
        report = self.verified(a, 162)
        self.assertEqual(report["documents_checked"], 160)

    def test_nobody_is_in_the_way_of_a_withdrawal(self):
        """It takes texts out of the catalog that others have open, or open just then."""
        a, key = self.archive(30), "--decided-by=the board"
        loops = [[["withdraw", str(n), key, "--yes"] for n in range(2, 12)], [["reindex"]] * 10,
                 [["import", self.file(f"new{i}", f"new {i}")] for i in range(10)],
                 [["find", "nothing"], ["log", "--limit", "1"]] * 10, [["verify"]] * 10,
                 [["bundle", "-o", str(self.dir / f"{i}.tar"), "--all"] for i in range(20)]]
        failed = []
        def go(commands):
            failed.extend(str(r) for r in (run("-C", a, *c) for c in commands) if r.code != 0)
        threads = [threading.Thread(target=go, args=(commands,)) for commands in loops]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])
        report = self.verified(a, 2 + 30 + 10 + 10)
        self.assertNotIn("catalog-behind", [n["kind"] for n in report["notices"]])

    def stopped_at_guard(self, archive, *words):
        """A command that stands still as it has looked for the guard and is about to open it. (process, its number)"""
        log = self.dir / "trace"
        log.unlink(missing_ok=True)
        p = subprocess.Popen(["strace", "-f", "-qq", "-o", str(log), "-P", "last-checkpoint", "-e", "trace=newfstatat",
                              "-e", "inject=newfstatat:signal=STOP:when=1", support.VIDIMUS, "-C", archive, *words],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir,
                             env=support.environment(ASAN_OPTIONS="detect_leaks=0"))
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        for _ in range(3000):
            text = log.read_text(errors="replace") if log.exists() else ""
            stop = re.search(r"^(\d+) +--- stopped by SIGSTOP", text, re.M)
            if stop:
                return p, int(stop[1])
            if p.poll() is not None:
                break
            time.sleep(0.02)
        p.kill()
        self.fail(f"it was not stopped at the guard: {words}")

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_who_commits_in_between_rolls_nothing_back(self):
        """Between a look at the ledger and one at the guard, or the other way round, another commits. (`recover` looks
        under the lock.)"""
        a = self.archive(2)
        commands = (["import", self.file("mine.txt", "mine"), "--json"], ["verify", "--json"],
                    ["status", "--json"], ["amend", "2", "--title", "t", "--json"])
        for i, words in enumerate(commands):
            p, pid = self.stopped_at_guard(a, *words)
            other = run("-C", a, "import", self.file(f"other{i}.txt", f"other {i}"))
            os.kill(pid, signal.SIGCONT)
            out, err = p.communicate(timeout=120)
            self.assertEqual(other.code, 0, str(other))
            self.assertEqual(p.returncode, 0, (words, out, err))
            self.assertNotIn(b"rolled-back", out + err, words)
        self.verified(a, 4 + 2 + len(commands))

    def test_who_waits_is_told_for_whom(self):
        a, doc = self.archive(), self.file("d.txt")
        folder = os.open(a + "/store", os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        p = subprocess.Popen([support.VIDIMUS, "-C", a, "import", doc], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=support.environment())
        err = p.stderr.readline()       # told while it waits, however slow this machine is
        self.assertIn(b"waiting for another program", err)
        os.close(folder)
        rest = p.communicate(timeout=60)[1]
        self.assertEqual(p.returncode, 0, rest)
        self.assertNotIn(b"waiting", rest)
        inode = f":{os.stat(a + '/store').st_ino} "
        if any(inode in line for line in self.locks):
            self.assertIn(f"(process {os.getpid()})".encode(), err)
        self.verified(a, 3)

    def test_who_waits_can_be_stopped(self):
        a, doc = self.archive(), self.file("d.txt")
        folder = os.open(a + "/store", os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        p = subprocess.Popen([support.VIDIMUS, "-C", a, "import", doc], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=support.environment())
        self.assertIn(b"waiting for another program", p.stderr.readline())
        p.send_signal(signal.SIGINT)
        err = p.communicate(timeout=20)[1]      # the lock is still held
        self.assertEqual(p.returncode, 3, err)
        self.assertIn(b"interrupted while it waited", err)
        os.close(folder)
        self.ok("-C", a, "import", doc)
        self.verified(a, 3)

    @property
    def locks(self):
        """/proc/locks while this process holds such a lock: not every file system tells its device."""
        folder = self.dir / "own"
        folder.mkdir()
        fd = os.open(folder, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        st = os.stat(folder)
        place = f"{os.major(st.st_dev):02x}:{os.minor(st.st_dev):02x}:{st.st_ino} "
        told = any(place in line for line in pathlib.Path("/proc/locks").read_text().splitlines())
        os.close(fd)
        return [f":{os.stat(self.dir / 'a' / 'store').st_ino} "] if told else []

    def test_nobody_is_told_who_need_not_wait(self):
        self.assertNotIn("waiting", self.ok("-C", self.archive(), "import", self.file("d.txt")).err)


class OtherFileSystems(support.Case):
    def test_network(self):
        a, doc = self.archive(2), self.file("d.txt")
        before = support.listing(a)
        for name, number in NETWORK.items():
            there = disk(FAKE_F_TYPE=number)
            for words in (["import", doc], ["recover"], ["reindex"]):
                r = self.expect(3, "-C", a, *words, **there)
                self.assertIn(f"on {name}:", r.err)
                self.assertIn("network file system", r.err)
            self.ok("-C", a, "verify", **there)
            self.assertEqual(support.listing(a), before, name)
        for words in (["log"], ["cat", "2"], ["import", doc, "--dry-run"],
                      ["bundle", "-o", str(self.dir / "o.tar"), "--all"]):
            self.ok("-C", a, *words, **there)
        r = self.expect(3, "init", str(self.dir / "n"), "--origin", "x.example", "--no-passphrase", **there)
        self.assertIn("network file system", r.err)
        self.assertFalse((self.dir / "n").exists())
        self.ok("-C", a, "import", doc, **disk(FAKE_F_TYPE="ef53"))     # ext4


if __name__ == "__main__":
    support.main()
