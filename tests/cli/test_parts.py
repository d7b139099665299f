#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Parts of a capture: a page that holds several statements, each cut out of it and proved to be of it."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

import support

PYTHON_VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"
FIRST, SECOND = "The pier is open.\nIssued on 3 March 2026.\n", "La jetée est fermée.\nIssued on 4 March 2026.\n"
PAGE = ("Notices\n\n" + FIRST + "\n" + SECOND + "\n(c) the harbour\n").encode()


def place(statement):
    return PAGE.index(statement.encode()), len(statement.encode())


class Parts(support.Case):
    def page(self):
        a = self.archive()
        self.ok("-C", a, "import", self.file("page.txt", PAGE), "--source", "https://harbour.example/notices",
                "--captured", "2026-03-05", "--collection", "Notices", "--title", "Notices of the harbour")
        return a

    def cut(self, a, statement, *words):
        return self.ok("-C", a, "import", "--derived-from", "2", "--range", "%d,%d" % place(statement), *words)

    def both_verify(self, bundle, code, *words):
        a = str(self.dir / "a/keys/authority.pub")
        ours = self.expect(code, "verify", bundle, "--trust", a, "--json", *words)
        theirs = subprocess.run([sys.executable, "-B", PYTHON_VERIFIER, "--trust", a, "--json", *words, bundle],
                                stdout=subprocess.PIPE, check=False)
        self.assertEqual(theirs.returncode, code, theirs.stdout)
        theirs = json.loads(theirs.stdout)
        self.assertEqual(ours.json["verdict"], theirs["verdict"])
        self.assertEqual(*[sorted((f["kind"], f["entry"]) for f in report["findings"]) for report in (ours.json, theirs)])
        self.assertEqual(ours.json["slices_checked"], theirs["slices_checked"])
        return ours.json

    def test_each_is_a_document(self):
        a = self.page()
        self.cut(a, FIRST, "--title", "The pier is open", "--issued", "2026-03-03")
        rows = [("range", "title", "issued"), ('"%d,%d"' % place(SECOND), "La jetée", "2026-03-04"),
                ('"0,%d"' % (len(PAGE) + 1), "Too far", "2026"), ('"0,0"', "Nothing", "2026"), ("x", "No range", "2026")]
        table = self.file("t.csv", "".join(",".join(row) + "\r\n" for row in rows))
        r = self.expect(1, "-C", a, "import", "--derived-from", "2", "--metadata", table, "--derived-method", "by hand", "--json")
        self.assertEqual((r.json["imported"], r.json["refused"]), (1, 3))
        second, first, page = self.ok("-C", a, "log", "--json").lines
        for line, statement, method in ((first, FIRST, "slice"), (second, SECOND, "slice: by hand")):
            self.assertEqual(self.ok("-C", a, "cat", str(line["entry"])).out, statement)
            offset, length = place(statement)
            self.assertEqual(line["record"]["derived_from"], [f"sha256:{hashlib.sha256(PAGE).hexdigest()} {offset} {length} {method}"])
            # What goes for the page goes for its parts; what can be true of one document only does not.
            self.assertEqual((line["record"]["collection"], line["record"]["captured"]), ("Notices", "2026-03-05"))
            self.assertNotIn("source", line["record"])
        self.assertEqual((first["record"]["title"], first["record"]["issued"]), ("The pier is open", "2026-03-03"))
        r = self.ok("-C", a, "import", "--derived-from", "2", "--range", "%d,%d" % place(FIRST), "--title", "The pier is open",
                    "--issued", "2026-03-03", "--json")
        self.assertEqual(r.json["already_known"], 1)
        r = self.ok("-C", a, "verify", "--json").json
        self.assertEqual((r["verdict"], r["slices_checked"]), ("VERIFIED", 2))

    def test_of_a_page(self):
        """A piece of a page is read as a page, also where it looks like any text."""
        page = b"<!DOCTYPE html><html><body><article>The pier is <b>open</b>.</article>plain words</body></html>\n"
        a = self.archive()
        self.ok("-C", a, "import", self.file("page.html", page))
        for piece, text in ((b"<article>The pier is <b>open</b>.</article>", b"The pier is open.\n"),
                            (b"plain words", b"plain words\n")):
            self.ok("-C", a, "import", "--derived-from", "2", "--range", f"{page.index(piece)},{len(piece)}")
            record = self.ok("-C", a, "log", "--json").lines[0]["record"]
            self.assertEqual(record["media_type"], "text/html")
            wanted = f"text-fingerprint: sha256:{hashlib.sha256(text).hexdigest()} {len(text)} html/2"
            self.assertTrue(any(f.startswith(wanted) for f in record["field"]), (record["field"], wanted))

    def test_the_example_of_the_help(self):
        """The table that it names works with the columns that it names."""
        shown = re.search(r"# several: a row for each part, with the columns (\S+)\n  vidimus (.*)\n",
                          self.ok("import", "--help").out)
        self.assertIsNotNone(shown)
        columns, command = shown.groups()
        values = {"range": '"%d,%d"' % place(SECOND), "title": "La jetée", "issued": "2026-03-04"}
        table = self.file("parts.csv", f"{columns}\n{','.join(values[c] for c in columns.split(','))}\n")
        a = self.page()
        self.ok("-C", a, *command.replace("parts.csv", table).replace(" 17 ", " 2 ").split())
        self.assertEqual(self.ok("-C", a, "cat", "3").out, SECOND)

    def test_alone_and_provably_of_the_page(self):
        a = self.page()
        self.cut(a, SECOND)
        bundle, page = str(self.dir / "part.tar"), str(self.dir / "page.txt")
        self.ok("-C", a, "bundle", "-o", bundle, "--entries", "3")
        self.assertEqual(self.both_verify(bundle, 0)["slices_checked"], 0)
        self.assertEqual(self.both_verify(bundle, 0, "--document", page)["slices_checked"], 1)
        other = self.file("other.txt", PAGE.replace(b"pier", b"peer"))
        self.assertEqual(self.both_verify(bundle, 1, "--document", other)["verdict"], "NO MATCH")
        partly = str(self.dir / "partly.tar.gz")
        self.ok("-C", a, "bundle", "-o", partly, "--entries", "3", "--disclose", "document,derived-from")
        self.both_verify(partly, 0, "--document", page)

    def lying(self):
        """An archive whose record 3 says that it is another slice: of a whole that was not there when that was said."""
        a = self.page()
        self.cut(a, FIRST)
        offset, length = place(FIRST)
        digest = hashlib.sha256(PAGE).hexdigest()
        table = self.file("t.csv", f"entry,derived-from\r\n3,sha256:{digest} {offset + 1} {length} slice\r\n")
        whole = support.Document(a, digest).as_file()
        whole.rename(self.dir / "aside")
        self.ok("-C", a, "amend", "--metadata", table)
        (self.dir / "aside").rename(whole)
        return a

    def test_what_is_no_slice_is_found(self):
        a = self.lying()
        r = self.expect(1, "-C", a, "verify", "--json").json
        self.assertEqual((r["verdict"], [f["kind"] for f in r["findings"]]), ("ALTERED", ["slice-mismatch"]))
        both, alone, packed = (str(self.dir / name) for name in ("both.tar", "alone.tar", "both.tar.gz"))
        self.ok("-C", a, "bundle", "-o", both, "--entries", "2,3")
        self.ok("-C", a, "bundle", "-o", alone, "--entries", "3")
        self.ok("-C", a, "bundle", "-o", packed, "--entries", "2,3")
        page = str(self.dir / "page.txt")
        self.assertEqual(self.both_verify(both, 1)["findings"][0]["kind"], "slice-mismatch")
        self.both_verify(alone, 0)  # nothing to compare with
        self.assertEqual(self.both_verify(alone, 1, "--document", page)["findings"][0]["kind"], "slice-mismatch")
        # A compressed bundle cannot be gone back to: that is told.
        self.assertIn("slice-not-checked", [n["kind"] for n in self.both_verify(packed, 0)["notices"]])
        self.both_verify(packed, 1, "--document", page)

    def test_stated_by_hand(self):
        """What a table says to be a slice is looked at before it is recorded."""
        a = self.page()
        offset, length = place(FIRST)
        self.file("mine.txt", FIRST)
        for shift, code in ((1, 1), (0, 0)):
            table = self.file("t.csv", "file,derived-from\r\nmine.txt,"
                              f"sha256:{hashlib.sha256(PAGE).hexdigest()} {offset + shift} {length} slice: by an editor\r\n")
            self.expect(code, "-C", a, "import", str(self.dir / "mine.txt"), "--metadata", table)
            r = self.ok("-C", a, "verify", "--json").json
            self.assertEqual(r["verdict"], "VERIFIED")
            self.assertNotIn("orphan-document", [n["kind"] for n in r["notices"]], "what was refused is not kept")

    def test_command_line(self):
        a = self.page()
        for words in ((), ("--range", "0,5"), ("--derived-from", "2"), ("--derived-from", "1", "--range", "0,5"),
                      ("--derived-from", "2", "--range", "0,5", self.file("x")),
                      ("--derived-from", "2", "--range", "0,5", "--range", "5,5", "--title", "x"),
                      ("--derived-from", "not-held", "--range", "0,5")):
            self.expect(2, "-C", a, "import", *words)
        r = self.ok("-C", a, "import", "--derived-from", "2", "--range", "0,5", "--range", "5,5", "--dry-run", "--json")
        self.assertEqual(r.json["imported"], 2)
        digest = hashlib.sha256(PAGE).hexdigest()
        stored = support.Document(a, digest)
        stored.chmod(0o600)
        stored.write_bytes(PAGE.replace(b"pier", b"peer"))
        self.assertIn("damaged", self.expect(3, "-C", a, "import", "--derived-from", "2", "--range", "0,5").err)


if __name__ == "__main__":
    support.main()
