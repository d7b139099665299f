#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dates of sources: the program takes those that a second implementation takes.

    VIDIMUS=build/dev/vidimus python3 -m unittest tests/interop/test_date.py
"""
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
VIDIMUS = os.environ.get("VIDIMUS") or str(HERE.parents[1] / "build" / "dev" / "vidimus")
sys.path[:0] = [str(HERE)]

import vidimus_date as date  # noqa: E402

TABLE = [line.split() for line in (HERE.parent / "vectors" / "dates.txt").read_text().splitlines() if not line.startswith("#")]


def takes(text):
    try:
        date.decode_date(text)
    except date.Malformed:
        return False
    return True


def changed(rng, text):
    """A small change of a date: often it stays one."""
    at = rng.randrange(len(text) + 1)
    what = rng.choice("0123456789XYTZ?~%-/.:+")
    return rng.choice((text[:at] + what + text[at:], text[:at] + text[at + 1:], text[:at] + what + text[at + 1:],
                       text + rng.choice("?~%/Z"), text + "/" + text, text[at:] + text[:at]))


class Dates(unittest.TestCase):
    def test_table(self):
        for kind, text, *ends in TABLE:
            if kind == "bad":
                self.assertFalse(takes(text), text)
            else:
                self.assertEqual(["-" if e is None else str(e) for e in date.decode_date(text)], ends, text)

    def test_program(self):
        """A dry run says which rows it would refuse for their date."""
        rng = random.Random(1985)
        texts = sorted({text for _, text, *_ in TABLE} | {t for t in (changed(rng, rng.choice(TABLE)[1]) for _ in range(1100)) if t})
        with tempfile.TemporaryDirectory(prefix="vidimus-date-") as folder:
            subprocess.run([VIDIMUS, "init", folder + "/a", "--origin", "date.example/log", "--no-passphrase"], check=True,
                           capture_output=True)
            os.mkdir(folder + "/in")
            with open(folder + "/in/table.csv", "w", newline="") as f:
                rows = csv.writer(f)
                rows.writerow(["file", "issued", "captured"])
                for i, text in enumerate(texts):
                    Path(folder, "in", f"{i:05}").write_bytes(b"%PDF-")
                    rows.writerow([f"{i:05}", text if i % 2 else "", "" if i % 2 else text])
            done = subprocess.run([VIDIMUS, "-C", folder + "/a", "import", folder + "/in", "--metadata", folder + "/in/table.csv",
                                   "--dry-run", "--json"], capture_output=True, text=True, check=False)
        refused = {texts[int(r["path"].rsplit("/", 1)[1])]: r["reason"] for r in json.loads(done.stdout)["refusals"]}
        self.assertTrue(all("is not a date like" in reason or "there is no such day" in reason for reason in refused.values()))
        self.assertEqual(sorted(refused), [t for t in texts if not takes(t)])
        self.assertGreater(sum(map(takes, texts)), 150)
        self.assertIn(len(refused), range(400, 1000))  # more are not listed


if __name__ == "__main__":
    unittest.main()
