#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The systemd units of nightly audits: does systemd take them as they are, and how much does the service expose?"""

import os
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

UNITS = Path(__file__).resolve().parents[2] / "systemd"
VIDIMUS = Path(os.environ["BUILD"]) / "vidimus"
NAME = "vidimus-audit@srv-archive"
# Tenths of systemd's own measure, which goes from 0 to 10.
MOST_EXPOSED = 10


class Units(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        for kind in ("service", "timer"):
            text = (UNITS / f"vidimus-audit@.{kind}").read_text(encoding="utf-8")
            # It is not installed where this runs.
            (self.folder / f"{NAME}.{kind}").write_text(text.replace("ExecStart=vidimus ", f"ExecStart={VIDIMUS} "))

    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "SYSTEMD_COLORS": "0"})

    def test_systemd_takes_them(self):
        done = self.analyze("verify", "--man=no", str(self.folder / f"{NAME}.service"), str(self.folder / f"{NAME}.timer"))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_word_that_systemd_does_not_know_is_told(self):
        unit = self.folder / f"{NAME}.service"
        unit.write_text(unit.read_text().replace("ProtectClock=", "ProtectClocks="))
        self.assertIn("ProtectClocks", self.analyze("verify", "--man=no", str(unit)).stderr)

    def test_how_much_it_exposes(self):
        done = self.analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}",
                            str(self.folder / f"{NAME}.service"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Overall exposure level", done.stdout)
        unit = self.folder / f"{NAME}.service"
        unit.write_text(unit.read_text().replace("CapabilityBoundingSet=\n", "").replace("PrivateNetwork=yes", ""))
        done = self.analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(unit))
        self.assertNotEqual(done.returncode, 0, "the control")

    def test_the_command_is_one_that_there_is(self):
        """Options are taken by the program that was just built; only the archive is not there."""
        lines = (UNITS / "vidimus-audit@.service").read_text() + (UNITS / "vidimus-audit.cron").read_text()
        commands = [line.split("vidimus -C", 1)[1] for line in lines.splitlines()
                    if line.startswith(("ExecStart=", "0 1"))]
        self.assertEqual(len(commands), 2)
        for command in commands:
            words = shlex.split(command.replace("%f", "/nowhere").replace("/srv/archive", "/nowhere").replace("%d", "/nowhere"))
            done = subprocess.run([VIDIMUS, "-C", *words], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("no archive at /nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()
