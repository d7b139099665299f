#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What earlier releases made (tests/fixtures) keeps its verdict, and can be read, written to and indexed again.

A change of a format that breaks one of these breaks what people keep. The expected words stand here, not in the files.
"""

import os
import pathlib
import shutil
import sys

import support

TESTS = pathlib.Path(__file__).resolve().parents[1]
FIXTURES, PYTHON_VERIFIER = TESTS / "fixtures", TESTS / "interop/vidimus_verify.py"
AMAL, BADR = "amal@fixture.example", "badr@fixture.example"
GOOD, UNKNOWN, BAD = "VERIFIED", "INTACT, KEY NOT TRUSTED", "ALTERED"
AUTHORITY, FIRST, SECOND = (f"archive/keys/{name}.pub" for name in ("authority", "ledger", "fixture.example-log"))

# What was handed out, and its verdict for who trusts the authority's key, the first ledger key, the second.
HANDED_OUT = {
    "v0.1.0": {
        "one.tar": (GOOD, UNKNOWN, GOOD),
        "before.tar.gz": (GOOD, GOOD, UNKNOWN),
        "all.tar.zst": (GOOD, UNKNOWN, GOOD),
        "in-doubt.tar.zst": (BAD, BAD, BAD),
        "receipt.tar.gz": (GOOD, UNKNOWN, GOOD),
        "partly.tar.gz": (GOOD, UNKNOWN, GOOD),
        "entry-3.tlog-proof": (UNKNOWN, UNKNOWN, GOOD),
        "two.fork-proof": (UNKNOWN, UNKNOWN, GOOD),
        "kept": (UNKNOWN, GOOD, UNKNOWN),
    },
}
# How many entries the archive has, which are vouched for again, and what it holds: entry, title, document.
ARCHIVES = {
    "v0.1.0": (13, [7], [(7, "Notice of the pier", "The pier is open.\n"), (4, None, None),
                         (3, "The market of the harbour", "The market is on Monday.\n"),
                         (2, "Notice of the bridge", "The bridge is closed.\n")]),
}


class Versions(support.Case):
    def copy(self, version):
        """As git keeps it: without modes and empty folders."""
        a = self.dir / version
        shutil.copytree(FIXTURES / version / "archive", a)
        for base, _, files in os.walk(a):
            for name in files:
                os.chmod(os.path.join(base, name), 0o600)
        return str(a)

    def sees(self, archive, entries, vouched, held):
        report = self.verified(archive, entries)
        self.assertEqual([n["entry"] for n in report["notices"] if n["kind"] == "re-attested"], vouched)
        self.assertEqual(report["documents_checked"], len([h for h in held if h[2]]))
        listed = self.ok("-C", archive, "log", "--json").lines
        self.assertEqual([(line["entry"], line.get("record", {}).get("title")) for line in listed],
                         [h[:2] for h in held])
        for n, _, document in held:
            r = self.expect(0 if document else 3, "-C", archive, "cat", str(n))
            self.assertEqual(r.out, document or "")

    def test_every_kept_version_is_expected(self):
        kept = sorted(path.name for path in FIXTURES.glob("v*"))
        self.assertEqual((sorted(HANDED_OUT), sorted(ARCHIVES)), (kept, kept))
        said = self.ok("--version").out.split()[1]
        self.assertIn("v" + said, kept, "a release keeps its own: tests/fixtures/make_fixtures.py")

    def test_what_was_handed_out(self):
        for version, expected in HANDED_OUT.items():
            folder = FIXTURES / version
            self.assertEqual({p.name for p in folder.iterdir()}, {"archive", *expected})
            for column, key in enumerate((AUTHORITY, FIRST, SECOND)):
                words = ["--json", "--trust", str(folder / key), *(str(folder / name) for name in expected)]
                for program, before in ((support.VIDIMUS, ["verify"]), (sys.executable, [str(PYTHON_VERIFIER)])):
                    said = self.expect(1, *before, *words, program=program).lines
                    self.assertEqual({name: line["verdict"] for name, line in zip(expected, said, strict=True)},
                                     {name: verdicts[column] for name, verdicts in expected.items()}, (program, key))

    def test_read(self):
        for version, expected in ARCHIVES.items():
            a = self.copy(version)
            before = support.listing(a)
            self.sees(a, *expected)
            self.ok("-C", a, "verify", "--checkpoint", str(FIXTURES / version / "kept"))
            steps = self.ok("-C", a, "show", "3", "--json").json["amendments"]
            self.assertEqual([(s["entry"], s["changes"][0]["was"]) for s in steps], [(6, ["Notice of the market"])])
            self.assertIn("entry 4", self.ok("-C", a, "show", "4").out)
            self.assertIn("bridge", self.ok("-C", a, "find", "bridge").out)
            self.assertEqual(support.listing(a), before, "reading writes nothing")

    def test_written_to(self):
        for version, (entries, vouched, held) in ARCHIVES.items():
            a = self.copy(version)
            self.ok("-C", a, "import", self.file("new.txt", "new\n"), "--title", "New", "--signer", AMAL)
            self.ok("-C", a, "amend", "2", "--title", "Newer", "--signer", AMAL)
            held = [(entries, "New", "new\n"), *held[:-1], (2, "Newer", held[-1][2])]
            self.sees(a, entries + 2, vouched, held)
            self.ok("-C", a, "reindex")
            self.sees(a, entries + 2, vouched, held)
            self.ok("-C", a, "withdraw", "2", "--decided-by", "the board", "--yes")
            self.verified(a, entries + 3)
            self.ok("-C", a, "verify", "--checkpoint", str(FIXTURES / version / "kept"))

    def test_its_sealed_key(self):
        """A passphrase that was set then opens the key today; it may sign no more, since it was revoked."""
        for version in ARCHIVES:
            a = self.copy(version)
            secret = pathlib.Path(self.file("passphrase", "for tests alone\n"))
            secret.chmod(0o600)
            self.ok("-C", a, "key", "passwd", BADR, "--passphrase-file", str(secret), "--no-passphrase")
            self.assertTrue(pathlib.Path(a, f"keys/{BADR}.key").read_text().startswith(f"PRIVATE+KEY+{BADR}+"))
            r = self.expect(3, "-C", a, "import", self.file("x"), "--signer", BADR)
            self.assertIn("may sign now", r.err)


if __name__ == "__main__":
    support.main()
