#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Partial disclosure: what is shown of which capture, what the reader is told, and that a hidden line cannot be
guessed."""

import base64
import datetime
import hashlib
import json
import pathlib
import re
import sqlite3
import subprocess
import sys

import support
from support import run

PYTHON_VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"
LANGUAGES = [a + b for a in "abcdefghijklmnopqrst" for b in "aefklnrstu"]
DAYS = [str(datetime.date(2015, 1, 1) + datetime.timedelta(days)) for days in range(3653)]
GUESSES = ([f"issued {day}" for day in DAYS] + [f"language {code}" for code in LANGUAGES]
           + [f"field signed: {answer}" for answer in ("yes", "no")])


class Disclosed(support.Case):
    """Five captures, 2 to 6, one of which (3) is amended by 7."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a = str(cls.shared / "template")
        table = ["file,title,issued,language,source,field"]
        for i in range(2, 7):
            (cls.shared / f"d{i}.txt").write_text(f"statement {i}\n")
            table.append(f"d{i}.txt,Title {i},2019-0{i}-1{i},fr,https://e/{i},signed: yes")
        (cls.shared / "t.csv").write_text("\n".join(table) + "\n")
        files = [str(cls.shared / f"d{i}.txt") for i in range(2, 7)]
        for words in (["import", *files, "--metadata", str(cls.shared / "t.csv")],
                      ["amend", "3", "--title", "Another title"]):
            r = run("-C", cls.a, *words)
            if r.code:
                raise AssertionError(str(r))

    def bundle(self, *words, code=0):
        self.made = str(self.dir / f"{len(list(self.dir.iterdir()))}.tar")
        return self.expect(code, "-C", self.a, "bundle", "-o", self.made, *words)

    def verify(self, *words):
        return self.ok("verify", self.made, "--trust", self.a + "/keys/authority.pub", *words)

    def python(self, *words):
        done = subprocess.run([sys.executable, "-B", str(PYTHON_VERIFIER), "--trust", self.a + "/keys/authority.pub",
                               *words, self.made], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def records(self):
        """The records of the bundle, as they stand in it."""
        raw = pathlib.Path(self.made).read_bytes()
        found = re.findall(rb"vidimus/records/(\d+)\0.*?(vidimus/(?:record|disclosure)/v1\n[^\0]*)", raw, re.S)
        return {int(n): text.decode() for n, text in found}

    @staticmethod
    def keys(text):
        """Of a disclosure, the open lines' keys and the numbers of the others."""
        lines = [line.split(" ") for line in text.splitlines()[2:]]
        return ([line[3] for line in lines if line[1] == "open"], [int(line[0]) for line in lines if line[1] == "hidden"])


class Choice(Disclosed):
    def told(self):
        """What all reports say of the hidden lines, which must be the same."""
        ours, theirs = self.verify("--json").json, json.loads(self.python("--json"))
        for key in ("partly_disclosed", "documents_absent"):
            self.assertEqual(ours[key], theirs[key])
        picked = [[{key: item[key] for key in ("entry", "partly_disclosed", "record", "hidden_lines")}
                   for item in report["items"]] for report in (ours, theirs)]
        self.assertEqual(*picked)
        return ours

    def test_for_each_capture(self):
        table = self.file("t.csv", 'entry,disclose\n6,title\n3,"document,title,issued"\n4,all\n')
        self.bundle("--all", "--disclose", "document,title", "--disclose-table", table)
        records = self.records()
        self.assertEqual(sorted(records), [2, 3, 4, 5, 6, 7])
        self.assertTrue(records[4].startswith("vidimus/record/v1\nsecret "))
        shown = {n: self.keys(text)[0] for n, text in records.items() if n != 4}
        self.assertEqual(shown, {2: ["document", "title"], 5: ["document", "title"], 6: ["title"],
                                 3: ["document", "title", "issued"], 7: ["document", "title", "issued"]})
        report = self.told()
        self.assertEqual((report["partly_disclosed"], report["documents_absent"]), (4, 1))
        hidden = {item["entry"]: (item["record"], item["hidden_lines"]) for item in report["items"]}
        of_record = {n: 7 if n == 3 else n for n in range(2, 7)}
        self.assertEqual(hidden, {n: (of_record[n], [] if n == 4 else self.keys(records[of_record[n]])[1])
                                  for n in range(2, 7)})

    def test_the_others_are_whole(self):
        self.bundle("--all", "--disclose-table", self.file("t.jsonl", '{"entry": 5, "disclose": "source"}\n'))
        whole = {n for n, text in self.records().items() if text.startswith("vidimus/record/")}
        self.assertEqual(whole, {2, 3, 4, 6, 7})
        self.assertEqual(self.told()["partly_disclosed"], 1)

    def test_what_the_table_may_not_say(self):
        for row, words in (("2,titel", "entry 2: no field of a record: titel"), ("2,", "entry 2: `disclose` is empty"),
                           ('2,"title,all"', "no field of a record: all"), ("7,title", "entry 7: no capture that is"),
                           ("1,title", "entry 1: no capture"), ("99,title", "entry 99: no capture"),
                           ("2 ,title", "no capture"), ("02,title", "entry 02: no capture"), ("x\x1b[1m,title", "no cap"),
                           ("2,title\n2,source", "line 3: the same entry as in line 2"), (",title", "entry")):
            r = self.bundle("--all", "--disclose-table", self.file("t.csv", f"entry,disclose\n{row}\n"),
                            code=3 if "line 3" in words or row == ",title" else 2)
            self.assertIn(words, r.err, row)
            self.safe(r)
            self.assertFalse(pathlib.Path(self.made).exists())
        table = self.file("t.csv", "entry,disclose\n3,title\n")
        self.assertIn("entry 3: no capture that is selected",
                      self.bundle("--entries", "2", "--disclose-table", table, code=2).err)
        self.bundle("--all", "--disclose-table", self.file("t.csv", "entry,show\n2,title\n"), code=3)
        self.bundle("--all", "--disclose-table", "missing.csv", code=3)

    def test_told_to_people(self):
        self.bundle("--entries", "2-4", "--disclose-table",
                    self.file("t.csv", "entry,disclose\n2,\"title,source\"\n3,document\n"))
        page = self.dir / "page.html"
        out, theirs = self.verify("--report", str(page)).out, self.python()
        line = ("2 of 3 captures PARTLY DISCLOSED: hidden lines may qualify or contradict what is shown; "
                "1 document is not here and not given, so not checked")
        for text in (out, theirs):
            self.assertEqual(text.splitlines()[1], f"  not shown     {line}")
        self.assertIn(f"<p>{line}</p>", page.read_text())
        hidden = self.keys(self.records()[2])[1]
        self.assertRegex(out, r"\n  entry 2 +PARTLY DISCLOSED, record 2: hidden lines [0-9, -]+ \(of 0-\d+\)\n")
        ranges = re.search(r"record 2: hidden lines ([0-9, -]+) \(", out)[1]
        spread = []
        for part in ranges.split(", "):
            first, _, last = part.partition("-")
            spread += range(int(first), int(last or first) + 1)
        self.assertEqual(spread, hidden)
        self.assertIn(f"record 2: hidden lines {ranges} (of ", page.read_text())
        self.assertIn(f"of record 2: {', '.join(map(str, hidden))}, which", theirs)
        self.assertIn("PARTLY DISCLOSED, record 7: hidden lines", out)
        self.assertNotRegex(out, r"entry 4 .*PARTLY")

    def test_nothing_is_told_where_all_is_shown(self):
        self.bundle("--entries", "4")
        for text in (self.verify().out, self.python()):
            self.assertNotIn("not shown", text)
            self.assertNotIn("PARTLY", text)
        report = self.told()
        self.assertEqual((report["partly_disclosed"], report["documents_absent"]), (0, 0))
        self.assertEqual([item["hidden_lines"] for item in report["items"]], [[]])

    def test_receipts(self):
        """A document that the reader holds is not absent."""
        self.bundle("--entries", "2,4", "--without-documents")
        self.assertEqual(self.told()["documents_absent"], 2)
        document = str(self.shared / "d4.txt")
        self.assertEqual(self.verify("--json", "--document", document).json["documents_absent"], 1)
        self.assertEqual(json.loads(self.python("--json", "--document", document))["documents_absent"], 1)


def in_every_form(data):
    """Every value of 32 bytes that somebody could find in the bundle: plain, in hex, in base64, at any place."""
    found = {data[i:i + 32] for i in range(0, len(data) - 31)}
    found |= {bytes.fromhex(m.decode()) for m in re.findall(rb"(?=([0-9a-f]{64}))", data)}
    for text in re.findall(rb"[A-Za-z0-9+/]{43,}={0,2}", data):
        for at in range(0, len(text) - 42):
            found.add(base64.b64decode(text[at:at + 43] + b"="))
    return found


def worth_trying(data):
    """Those of them that could be a salt or a secret: whatever is written as a digest."""
    found = {bytes.fromhex(m.decode()) for m in re.findall(rb"\b[0-9a-f]{64}\b", data)}
    for text in re.findall(rb"[A-Za-z0-9+/]{43}=", data):
        found.add(base64.b64decode(text))
    return found | {b"", bytes(32)}


def confirmed(guesses, salts, everything):
    """The guesses whose hash, with one of the salts before or behind, stands in the bundle."""
    good = set()
    for guess in guesses:
        line = guess.encode()
        for salt in salts:
            for tried in (salt + line, line + salt, salt + line + b"\n"):
                if hashlib.sha256(tried).digest() in everything:
                    good.add(guess)
    return good


class Guessing(Disclosed):
    """A reader who has all of the bundle and tries every date of ten years, every language, yes and no."""

    def secret(self, n):
        db = sqlite3.connect(f"file:{self.a}/store/ledger.db?mode=ro", uri=True)
        text, = db.execute("SELECT text FROM record WHERE n = ?", (n,)).fetchone()
        db.close()
        return bytes.fromhex(bytes(text).split(b"\n")[1].split(b" ")[1].decode())

    @staticmethod
    def salt(secret, number):
        return hashlib.sha256(secret + number.to_bytes(8, "big")).digest()

    def test_hidden_lines_resist(self):
        self.bundle("--entries", "4", "--disclose", "document,title")
        plain = pathlib.Path(self.made).read_bytes()
        hidden = self.keys(self.records()[4])[1]
        truth = {"issued 2019-04-14", "language fr", "field signed: yes"}
        self.assertLessEqual(truth, set(GUESSES))
        self.assertEqual([line for line in truth if line.encode() in plain or b"2019-04-14" in plain], [])
        everything, salts = in_every_form(plain), worth_trying(plain)
        self.assertFalse(self.secret(4) in everything)
        self.assertEqual(confirmed(GUESSES, salts, everything), set())
        # What would be a secret gives salts for the hidden lines: on those that are true this would show.
        derived = {self.salt(value, number) for value in salts for number in hidden}
        self.assertEqual(confirmed(truth, derived, everything), set())
        # The control: with the true salts the same guesses are found.
        right = {self.salt(self.secret(4), number) for number in hidden}
        self.assertEqual(confirmed(GUESSES, right, everything), truth)

    def test_the_same_line_twice(self):
        """Two captures that hide the same line do not show that it is the same."""
        self.bundle("--entries", "2,4", "--disclose", "document")
        hashes = [line.split(" ")[2] for text in self.records().values() for line in text.splitlines()[2:]]
        self.assertEqual(len(hashes), len(set(hashes)))


if __name__ == "__main__":
    support.main()
