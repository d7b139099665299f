# SPDX-License-Identifier: MIT
"""scripts/bench and scripts/bench growth run to their end on a handful of files, and say what did not run."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def run(program, *arguments, **environment):
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "lines")
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, program), "--json", out, "--work", work,
                               *arguments], env={**os.environ, **environment}, capture_output=True, text=True)
        with open(out, encoding="utf-8") as f:
            return done, [json.loads(line) for line in f]


class Bench(unittest.TestCase):
    def test_small(self):
        done, lines = run("bench.py", "S", "--count", "20", "--rounds", "2", "--alone", BAGIT="/nowhere")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        ways = {(line["job"], line["way"]): line for line in lines}
        for job in ("import", "verify", "verify again", "bundle", "bundle.zst", "verify bundle"):
            self.assertEqual(ways[job, "vidimus"]["rounds"], 2)
        self.assertGreater(ways["bundle", "tar"]["vidimus_wall_ratio"], 0)
        self.assertGreater(ways["import", "cp -r and sync"]["without_text_wall_ratio"], 0)
        for job, way in (("import", "floor: read, hash, sign, write"), ("verify again", "floor: read, hash"),
                         ("verify", "floor: read, hash, check a signature")):
            self.assertGreater(ways[job, way]["vidimus_wall_ratio"], 0)

    def test_missing_peer_is_said(self):
        done, lines = run("bench.py", "T", "--count", "3", "--rounds", "1", "--job", "import", BAGIT="/nowhere")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        bag = [line for line in lines if "bagit" in line["way"]]
        self.assertEqual([line["not_run"] for line in bag], ["BAGIT does not name bagit.py"])
        self.assertIn("not run: BAGIT", done.stdout)

    def test_failure_is_no_figure(self):
        done, lines = run("bench.py", "T", "--count", "3", "--rounds", "1", "--job", "import", "--alone",
                          VIDIMUS="/bin/false")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not_run", [line for line in lines if line["way"] == "vidimus"][0])

    def test_growth(self):
        done, lines = run("growth.py", "40", "80", "--sample", "10")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([line["entries"] for line in lines], [40, 80])

    def test_warc(self):
        done, lines = run("warc.py", "300", "--size", "2000", "--rounds", "1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([line["records"] for line in lines], [300])
        self.assertEqual(lines[0]["entries_when_broken_off"][-1], 1 + 300)


if __name__ == "__main__":
    unittest.main()
