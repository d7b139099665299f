#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Audits that go round: budgets of a tenth, signals in the middle, what the ledger then proves.

VIDIMUS_AUDIT_DOCUMENTS says how many documents the archive has (default 1,000); the story is told of 200,000 in
scripts/audit-story."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import support

COVERAGE = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_audits.py"
DOCUMENTS = int(os.environ.get("VIDIMUS_AUDIT_DOCUMENTS", "1000"))
SIZE = 100
AUDITOR = "watch@test.example"
# Slow enough that a signal comes in the middle: a tenth takes a second, or as long as it takes at this many a second.
SLOW = str(SIZE * min(-(-DOCUMENTS // 10), 1000))


class Rounds(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        template = str(cls.shared / "template")
        src = cls.shared / "src"
        for i in range(DOCUMENTS):
            if i % 1000 == 0:
                (src / f"{i // 1000:03}").mkdir(parents=True)
            (src / f"{i // 1000:03}" / f"{i:06}.txt").write_text(f"statement {i} ".ljust(SIZE - 1, "x") + "\n")
        for args in (("key", "new", AUDITOR, "--role", "auditor", "--no-passphrase"),
                     ("key", "authorize", AUDITOR, "--role", "auditor"), ("import", str(src), "-q")):
            r = support.run("-C", template, *args)
            if r.code:
                raise AssertionError(str(r))

    def budget(self, tenths=1):
        return str(-(-DOCUMENTS * SIZE * tenths // 10))

    def audit(self, a, *args, code=0):
        return self.expect(code, "-C", a, "audit", "--json", *args).json

    def later(self, days, code, a, *args):
        """An audit some days from now, by the archive's clock."""
        return self.expect(code, "-C", a, "audit", *args, LD_PRELOAD=os.environ["FAKE_CLOCK"],
                           FAKE_TIME=str(int(time.time()) + days * 86400),
                           ASAN_OPTIONS="verify_asan_link_order=0")

    def proved(self, a):
        """What the second implementation computes from the ledger alone."""
        r = subprocess.run([sys.executable, "-B", str(COVERAGE), a, "--json"], capture_output=True, check=False,
                           timeout=10 * support.SECONDS)
        self.assertEqual(r.returncode, 0, r.stderr + r.stdout)
        return json.loads(r.stdout)

    def start(self, a, *args):
        return subprocess.Popen([support.VIDIMUS, "-C", a, "audit", "--json", *args], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=support.environment())

    @staticmethod
    def wait_until_reading(child, a):
        """Until the audit holds a document open, or lately did: some of the rate's time has passed."""
        end = time.monotonic() + 60 + DOCUMENTS / 200
        while time.monotonic() < end and child.poll() is None:
            try:
                sleeps = pathlib.Path(f"/proc/{child.pid}/wchan").read_text()
                opened = [os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")]
            except OSError:
                continue
            if "nanosleep" in sleeps and any("/packs/0" in path for path in opened):
                return
            time.sleep(0.002)

    def test_ten_budgets_cover_each_document_once(self):
        a = self.archive()
        for tenth in range(10):
            done = self.audit(a, "--max-bytes", self.budget())
            self.assertEqual(done["documents_checked"], DOCUMENTS // 10, tenth)
            self.assertEqual(done["ended_by"], "bytes")
        proved = self.proved(a)
        self.assertEqual(proved["captures_by_times_covered"], {"1": DOCUMENTS})
        self.assertEqual(proved["documents"], DOCUMENTS)
        self.audit(a, "--max-bytes", self.budget())
        again = self.proved(a)["captures_by_times_covered"]
        self.assertEqual(again, {"1": DOCUMENTS - DOCUMENTS // 10, "2": DOCUMENTS // 10}, "it goes round")

    def test_a_signal_in_the_middle(self):
        """Opens of documents are counted by the system: none is opened twice, and none that is not covered."""
        a = self.archive()
        rate, opened, covered = str(int(SLOW) * 10), [], 0
        for turn in range(10):
            log = self.dir / f"calls{turn}"
            child = subprocess.Popen(
                ["strace", "-f", "-qq", "-y", "-e", "trace=pread64", "-o", str(log), support.VIDIMUS, "-C", a, "audit", "--json",
                 "--max-bytes", self.budget(), "--rate", rate],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=support.environment(ASAN_OPTIONS="detect_leaks=0"))
            audit = self.child_of(child)
            while child.poll() is None and self.opened(log) < 5:
                time.sleep(0.002)
            os.kill(audit, signal.SIGTERM)
            out, err = child.communicate(timeout=10 * support.SECONDS)
            self.assertEqual(child.returncode, 0, err)
            done = json.loads(out)
            covered += done["documents_checked"]
            self.assertLess(done["documents_checked"], DOCUMENTS)
            opened += self.documents(log)
        self.assertEqual(len(opened), len(set(opened)), "nothing is read twice")
        self.assertEqual(len(opened), covered)
        proved = self.proved(a)
        self.assertEqual(proved["captures_by_times_covered"].get("1"), covered)
        self.assertNotIn("2", proved["captures_by_times_covered"])
        self.assertEqual(proved["documents"], covered)
        rest = self.audit(a, "--max-bytes", str((DOCUMENTS - covered) * SIZE))
        self.assertEqual(self.proved(a)["captures_by_times_covered"], {"1": DOCUMENTS}, rest)

    @staticmethod
    def documents(log):
        """Places of the documents that were opened, by the system calls: the header of each is read once,
        with what is behind it."""
        text = log.read_text() if log.exists() else ""
        return re.findall(r"(packs/[0-9]{6}\.tar>), .*, 16384, ([0-9]+)\) = [0-9]+", text)

    def opened(self, log):
        return len(self.documents(log))

    @staticmethod
    def child_of(strace):
        """The process that strace has started."""
        while strace.poll() is None:
            for pid in pathlib.Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split():
                try:
                    if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == os.path.basename(support.VIDIMUS):
                        return int(pid)
                except OSError:
                    pass        # strace is just being started anew
        raise AssertionError("it ended at once")

    def test_a_kill_loses_only_what_it_was_at(self):
        a = self.archive()
        for turn in range(11):
            if turn != 4:
                self.audit(a, "--max-bytes", self.budget())
                continue
            before = self.proved(a)
            child = self.start(a, "--max-bytes", self.budget(), "--rate", SLOW)
            self.wait_until_reading(child, a)
            child.kill()
            child.communicate()
            self.assertEqual(self.proved(a), before, "nothing is recorded that was not covered")
        self.assertEqual(self.proved(a)["captures_by_times_covered"], {"1": DOCUMENTS})
        report = self.expect(0, "-C", a, "verify", "--json").json
        self.assertEqual(report["verdict"], "VERIFIED")

    def test_a_second_audit_is_told(self):
        a = self.archive()
        child = self.start(a, "--max-bytes", self.budget(), "--rate", SLOW)
        self.wait_until_reading(child, a)
        r = self.expect(3, "-C", a, "audit")
        self.assertIn("another audit", r.err)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(json.loads(child.communicate(timeout=10 * support.SECONDS)[0])["ended_by"], "signal")

    def test_max_time(self):
        a = self.archive()
        self.audit(a, "--max-bytes", "1")       # the signatures of a ledger that is new take their time
        done = self.audit(a, "--max-time", f"{2 + DOCUMENTS // 20000}s", "--rate", str(max(DOCUMENTS * SIZE // 4000, 1)))
        self.assertEqual(done["ended_by"], "time")
        self.assertGreater(done["documents_checked"], 0)
        self.assertLess(done["documents_checked"], DOCUMENTS)

    def test_a_sample_can_be_checked(self):
        """Who has the checkpoint says which blocks were to be looked at."""
        sys.path.insert(0, str(COVERAGE.parent))
        sys.dont_write_bytecode = True
        import base64
        import hashlib
        a = self.archive()
        done = self.audit(a, "--sample", "30%")
        root = base64.b64decode(done["root"])
        blocks = -(-done["size"] // 1000)
        ranks = sorted(range(blocks), key=lambda i: hashlib.sha256(
            b"vidimus/sample/v1\n" + root + i.to_bytes(8, "big")).digest()[:8])
        wanted = sorted(ranks[:-(-blocks * 30 // 100)])
        covered = {n // 1000 for first, last in done["covered"] for n in range(first, last + 1)}
        self.assertEqual(sorted(covered), wanted)

    def test_within_spreads_evenly(self):
        """A clock that goes on by a day each time: thirty nights see everything, each about a thirtieth."""
        a = self.archive()
        counts = []
        for night in range(1, 31):
            done = self.later(night, 0, a, "--json", "--within", "30d").json
            counts.append(done["documents_checked"])
        proved = self.proved(a)["captures_by_times_covered"]
        self.assertNotIn("0", proved, counts)
        self.assertLessEqual(max(counts), DOCUMENTS * 1.5 / 30 + 40, counts)
        late = self.later(30, 0, a, "--overdue", "30d", "--json").json
        self.assertEqual(late["overdue"], 0)

    def test_overdue(self):
        a = self.archive()
        self.audit(a, "--max-bytes", self.budget())
        r = self.later(3, 1, a, "--overdue", "2d")
        self.assertIn("audit-overdue", r.out)
        late = self.later(3, 1, a, "--overdue", "2d", "--json").json
        self.assertEqual([f["kind"] for f in late["findings"]], ["audit-overdue"])
        self.assertEqual((late["overdue"], late["oldest_entry"]), (DOCUMENTS, 3 + DOCUMENTS // 10))
        r = self.later(3, 0, a, "--overdue", "4d", "--json")
        self.assertEqual(r.json["never_audited"], DOCUMENTS - DOCUMENTS // 10)


if __name__ == "__main__":
    support.main()
