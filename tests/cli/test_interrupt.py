#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ctrl-C and kill -9 while an import runs."""

import os
import random
import signal
import subprocess
import time

import support
from support import run


class Stopped(support.Case):
    def start(self, *args):
        return subprocess.Popen([support.VIDIMUS, *args], bufsize=0, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=support.environment())

    def waiting(self, a, *more):
        """An import that has read 50 files and waits for the rest of its standard input; more
        files would follow."""
        p = self.start("-C", a, "import", str(self.folder(50, "one")), "-",
                       str(self.folder(50, "two")), *more)
        os.write(p.stdin.fileno(), bytes(300000))  # more than the pipe holds: it is being read
        return p

    def finish(self, p, code):
        out, err = p.communicate(timeout=30)
        self.assertEqual(p.returncode, code, (out, err))
        return out.decode(), err.decode()

    def test_once(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            a = self.archive(name=f"a{how}")
            p = self.waiting(a)
            p.send_signal(how)
            self.assertEqual(p.stderr.read(1), b"\n")
            out, err = self.finish(p, 3)
            self.assertIn("stopping after the current step", err)
            self.assertIn("vidimus: interrupted", err)
            self.assertIn("51 statements recorded (entries 2 to 52)", out)
            self.assertIn("Keep this checkpoint", out)
            self.verified(a, 53)
            r = self.ok("-C", a, "import", str(self.dir / "one"), str(self.dir / "two"))
            self.assertIn("50 statements recorded", r.out)

    def test_once_json(self):
        a = self.archive()
        receipt = self.dir / "r.csv"
        p = self.waiting(a, "--json", "--receipt", str(receipt))
        p.send_signal(signal.SIGINT)
        p.stderr.read(1)
        out, _ = self.finish(p, 3)
        self.assertIn('"imported":51', out)
        self.assertEqual(receipt.read_text().count(",recorded,"), 51)
        self.verified(a, 53)

    def test_twice(self):
        a = self.archive()
        p = self.waiting(a)
        p.send_signal(signal.SIGINT)
        p.stderr.read(1)
        p.send_signal(signal.SIGINT)
        p.wait(timeout=10)  # its standard input is still open
        out, _ = self.finish(p, 3)
        self.assertEqual(out, "")
        self.ok("-C", a, "recover")
        self.verified(a, 2)
        self.assertEqual(os.listdir(a + "/store/tmp"), [])

    def test_in_the_check_of_a_bag(self):
        """Nothing of the bag is recorded, and nobody waits for the end of its largest file."""
        a, bag = self.archive(), self.dir / "bag"
        (bag / "data").mkdir(parents=True)
        (bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        (bag / "manifest-sha256.txt").write_text("0" * 64 + "  data/large\n")
        with open(bag / "data" / "large", "wb") as f:
            f.truncate(1 << 40)
        p = self.start("-C", a, "import", str(bag))
        self.wait_until_open(p, bag / "data" / "large")
        p.send_signal(signal.SIGINT)
        _, err = self.finish(p, 3)
        self.assertIn("interrupted", err)
        self.verified(a, 2)

    @staticmethod
    def wait_until_open(p, path):
        until = time.monotonic() + 20
        while time.monotonic() < until and p.poll() is None:
            try:
                if str(path) in [os.readlink(f"/proc/{p.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{p.pid}/fd")]:
                    return
            except OSError:
                continue
        raise AssertionError(f"{path} is not read")

    def test_bundle_leaves_nothing(self):
        a = self.archive(150)
        out = self.dir / "out"
        out.mkdir()
        for i in range(4):
            p = self.start("-C", a, "bundle", "-o", str(out / "b.tar.zst"), "--all")
            time.sleep(0.01 + 0.02 * i)
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=30)
            if p.returncode == 0:
                self.ok("verify", str(out / "b.tar.zst"), "--trust", a + "/keys/authority.pub")
                os.remove(out / "b.tar.zst")
            else:
                self.assertIn(p.returncode, (3, -signal.SIGTERM))
            self.assertEqual(os.listdir(out), [])

    def test_closed_pipe(self):
        """`vidimus log | head -1`"""
        a = self.archive(150)
        p = subprocess.Popen([support.VIDIMUS, "-C", a, "log", "--json"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=support.environment(), pipesize=4096)
        p.stdout.readline()
        p.stdout.close()
        err = p.stderr.read()
        p.stderr.close()
        self.assertEqual(p.wait(timeout=20), 3, err)
        self.assertIn(b"Broken pipe", err)

    def test_killed_at_any_moment(self):
        a = self.archive()
        seconds = time.monotonic()
        self.ok("-C", a, "import", str(self.folder(120, "first")))
        seconds = time.monotonic() - seconds
        known = 122
        kept = self.file("kept", self.ok("-C", a, "checkpoint").out)
        rng = random.Random(5)
        asked = killed = 0
        for i in range(20):
            p = self.start("-C", a, "import", str(self.folder(120, f"k{i}")))
            time.sleep(rng.random() * seconds * 0.9)
            p.kill()
            out, _ = p.communicate(timeout=30)
            killed += p.returncode == -signal.SIGKILL
            r = run("-C", a, "status", "--json")
            if r.code != 0:
                self.assertEqual(r.code, 3, str(r))
                self.assertIn("`vidimus recover`", r.err)
                asked += 1
            self.ok("-C", a, "recover", "-q")
            size = self.ok("-C", a, "status", "--json").json["size"]
            # A batch is there as a whole or not at all, and nothing that was told is lost.
            self.assertIn(size, (known, known + 120), i)
            if b"120 statements recorded" in out:
                self.assertEqual(size, known + 120)
            known = size
            if i % 5 == 4:
                self.ok("-C", a, "verify", "--checkpoint", kept)
        self.assertGreater(killed, 2)
        self.ok("-C", a, "import", *[str(self.dir / f"k{i}") for i in range(20)])
        self.verified(a, 122 + 20 * 120)
        self.ok("-C", a, "verify", "--checkpoint", kept, "--no-documents")


if __name__ == "__main__":
    support.main()
