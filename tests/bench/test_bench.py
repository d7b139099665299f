# SPDX-License-Identifier: MIT
"""scripts/bench and scripts/bench growth run to their end on a handful of files, and say what did not run."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import table

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
        self.assertEqual(lines[0]["machine"]["kernel"], os.uname().release)
        self.assertRegex(lines[0]["machine"]["versions"]["tar"], r"^\d")
        ways = {(line["job"], line["way"]): line for line in lines[1:]}
        for job in ("import", "verify", "verify again", "bundle", "bundle.zst", "verify bundle"):
            self.assertEqual(ways[job, "vidimus"]["rounds"], 2)
        self.assertGreater(ways["bundle", "tar"]["vidimus_wall_ratio"], 0)
        self.assertGreater(ways["import", "cp -r and sync"]["without_text_wall_ratio"], 0)
        for job, way in (("import", "floor: read, hash, sign, write"), ("import", "floor, and two rows of a database"),
                         ("verify again", "floor: read, hash"), ("verify", "floor: read, hash, check a signature")):
            self.assertGreater(ways[job, way]["vidimus_wall_ratio"], 0)

    def test_missing_peer_is_said(self):
        done, lines = run("bench.py", "T", "--count", "3", "--rounds", "1", "--job", "import", BAGIT="/nowhere")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        bag = [line for line in lines if "bagit" in line.get("way", "")]
        self.assertEqual([line["not_run"] for line in bag], ["BAGIT does not name bagit.py"])
        self.assertIn("not run: BAGIT", done.stdout)

    def test_failure_is_no_figure(self):
        done, lines = run("bench.py", "T", "--count", "3", "--rounds", "1", "--job", "import", "--alone",
                          VIDIMUS="/bin/false")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not_run", [line for line in lines if line.get("way") == "vidimus"][0])

    def test_table(self):
        """Each kind of line has its part, in the page and nowhere else."""
        with tempfile.TemporaryDirectory() as work:
            table.PAGE, given = os.path.join(work, "page"), os.path.join(work, "lines")
            machine = {"processor": "P", "processors": 2, "kernel": "6.1", "versions": {"tar": "1.34"}}
            way = {"corpus": "S", "job": "bundle", "way": "tar", "seconds": 2, "cpu": 3, "peak_mib": 4,
                   "vidimus_wall_ratio": 1.51, "vidimus_cpu_ratio": 1}
            imported = {**way, "job": "import", "way": "borg", "vidimus_wall_ratio": 0.5, "without_text_wall_ratio": 0.4}
            floor = {**imported, "way": "floor, and two rows of a database", "seconds": 1.2}
            lines = [{"machine": machine}, way, floor, imported, {"machine": machine},
                     {"entries": 40, "start_ms": 5, "start_ms_ratio": 1}]
            with open(given, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(line) + "\n" for line in lines)
            with open(table.PAGE, "w", encoding="utf-8") as f:
                f.write(f"before\n{table.BEGIN}\nold\n{table.END}\nbehind\n")
            table.main([given])
            with open(table.PAGE, encoding="utf-8") as f:
                page = f.read()
        self.assertTrue(page.startswith("before\n") and page.endswith("\nbehind\n"))
        self.assertIn("1.51 | 1.00 |  |  | 1.50: **missed** |", page)
        self.assertIn("| 0.50 | 1.00 | 0.40 | 0.60 | 0.25: **missed**, by the floor too |", page)
        self.assertEqual(page.count("2 processors (P), Linux 6.1; tar 1.34."), 1)
        self.assertIn("| start ms | 5 (1.00) |", page)
        self.assertNotIn("old", page)

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
