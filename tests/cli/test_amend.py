#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Corrections: what an amendment changes, what it carries over, what it refuses."""

import json
import pathlib
import sqlite3
import subprocess
import sys

import support

PYTHON_VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"
STATED = ("--title", "Old", "--note", "one", "--note", "two", "--field", "shelf=1", "--field",
          "box=2", "--unknown", "issuer", "--captured", "2019")


class Amend(support.Case):
    def setUp(self):
        super().setUp()
        self.a = self.archive()
        self.ok("-C", self.a, "import", self.file("a.txt", "a document\n"), *STATED)

    def record(self, n=2):
        return self.ok("-C", self.a, "show", str(n), "--json").json["record"]

    def test_verifiers_say_so(self):
        """A record made later, by another: not shown as if the first signer had signed it."""
        self.ok("-C", self.a, "import", self.file("b.txt", "not amended\n"))
        self.ok("-C", self.a, "amend", "2", "--title", "Newer")
        self.ok("-C", self.a, "amend", "2", "--title", "Newest")
        entry = self.ok("-C", self.a, "show", "5", "--json").json
        by = {"entry": 5, "recorded": entry["recorded"], "signer": entry["signer"]}
        words = f"by entry 5, recorded {by['recorded']} by {by['signer']}, whose record is shown"
        bundle, page, trust = str(self.dir / "b.tar"), self.dir / "p.html", self.a + "/keys/authority.pub"
        self.ok("-C", self.a, "bundle", "--all", "-o", bundle)

        def python(*more):
            return subprocess.run([sys.executable, "-B", str(PYTHON_VERIFIER), "--trust", trust, *more, bundle],
                                  capture_output=True, text=True, check=True).stdout

        out = self.ok("verify", "-v", bundle, "--trust", trust, "--report", str(page)).out
        self.assertRegex(out, rf"(?m)^  entry 2 .*\n    amended {words}\n  entry 3 ")
        self.assertIn(f"<tr><th>amended</th><td>{words}</td></tr>", page.read_text())
        self.assertIn(f"\n    amended       {words}\n", python())
        for text in (out, page.read_text(), python()):
            self.assertEqual(text.count("whose record is shown"), 1)
        for report in (self.ok("verify", bundle, "--trust", trust, "--json").json, json.loads(python("--json"))):
            self.assertEqual([(item["entry"], item["amended"]) for item in report["items"]], [(2, by), (3, None)])

    def refused(self, words, *args):
        before = support.listing(self.a + "/store/packs")
        r = self.expect(1, "-C", self.a, "amend", *args)
        self.assertRegex(r.err, words)
        self.assertIn("0 records amended", r.out)
        self.assertEqual(support.listing(self.a + "/store/packs"), before)
        return r

    def test_given_replaces_and_the_rest_stays(self):
        before = self.record()
        self.ok("-C", self.a, "amend", "2", "--title", "New", "--field", "shelf=9", "--issuer", "T")
        after = self.record()
        self.assertEqual((after["title"], after["issuer"]), ("New", ["T"]))
        self.assertEqual(sorted(f for f in after["field"] if not f.startswith("text-fingerprint: ")),
                         ["box: 2", "shelf: 9"])
        self.assertEqual([f for f in after["field"] if f.startswith("text-fingerprint: ")],
                         [f for f in before["field"] if f.startswith("text-fingerprint: ")])
        self.assertNotIn("unknown", after, "what is stated is not unknown any more")
        for key in ("document", "file_name", "media_type", "captured", "note"):
            self.assertEqual(after[key], before[key], key)
        self.ok("-C", self.a, "amend", "2", "--unknown", "title")
        after = self.record()
        self.assertNotIn("title", after)
        self.assertEqual(after["unknown"], ["title"])
        self.verified(self.a, 5)

    def test_clear(self):
        self.ok("-C", self.a, "amend", "2", "--clear", "note,field", "--clear", "unknown")
        after = self.record()
        for key in ("note", "field", "unknown"):
            self.assertNotIn(key, after)
        self.assertEqual(after["title"], "Old")
        self.verified(self.a, 4)

    def test_show_and_log(self):
        self.ok("-C", self.a, "amend", "2", "--title", "Newer")
        self.ok("-C", self.a, "amend", "2", "--title", "Newest", "--clear", "note")
        out = self.ok("-C", self.a, "show", "2").out
        for words in (r"title +Newest\n", r"entry 4   amendment   recorded .* by " + support.SIGNER,
                      r"(?s)  - title +Newer\n  \+ title +Newest\n.*  - note +one\n  - note +two\n"
                      r".*entry 3   amendment.*  - title +Old\n  \+ title +Newer\n"):
            self.assertRegex(out, words)
        steps = self.ok("-C", self.a, "show", "2", "--json").json["amendments"]
        self.assertEqual([s["entry"] for s in steps], [4, 3])
        self.assertEqual(steps[0]["changes"], [
            {"field": "title", "was": ["Newer"], "now": ["Newest"]},
            {"field": "note", "was": ["one", "two"], "now": []}])
        self.assertEqual(steps[0]["signer"], support.SIGNER)
        log = self.ok("-C", self.a, "log").out
        self.assertIn("Newest", log)
        self.assertNotIn("Old", log)

    def test_dry_run(self):
        before = support.listing(self.a)
        r = self.ok("-C", self.a, "amend", "2", "--title", "New", "--dry-run")
        self.assertRegex(r.out, r"would be amended\n  - title +Old\n  \+ title +New\n")
        self.assertEqual(support.listing(self.a), before)
        self.expect(1, "-C", self.a, "amend", "2", "--title", "Old", "--dry-run")

    def test_refused(self):
        self.refused("nothing to amend: entry 2 says this already", "2", "--title", "Old")
        self.refused("nothing to amend", "2")
        self.refused("entry 1 is no capture but a key", "1", "--title", "x")
        self.refused("no entry 9", "9", "--title", "x")
        self.refused("title is both given and cleared", "2", "--title", "x", "--clear", "title")
        self.refused("issuer is both given", "2", "--unknown", "issuer", "--clear", "issuer")
        self.refused("document is the archive's", "2", "--clear", "document")
        self.refused("follows is the archive's", "2", "--clear", "follows")
        self.ok("-C", self.a, "amend", "2", "--title", "New")
        self.refused("entry 3 is an amendment itself: amend 2", "3", "--title", "x")
        self.verified(self.a, 4)

    def test_wrong_command_lines(self):
        for args in ((), ("2", "--metadata", "t.csv"), ("x",), ("2", "--title", ""),
                     ("2", "3", "--title", "x"), ("2", "--clear", "nothing")):
            self.expect(2, "-C", self.a, "amend", *args)
        r = self.expect(3, "-C", self.a, "amend", "2", "--issued", "yesterday")
        self.assertIn("issued is not a date", r.err)

    def test_vouch(self):
        before = self.record()
        self.ok("-C", self.a, "amend", "2", "--vouch")
        self.assertEqual(self.record(), before)
        self.assertIn("vouches for the record as it was", self.ok("-C", self.a, "show", "2").out)
        self.verified(self.a, 4)

    def test_a_record_that_was_edited_is_not_signed(self):
        """Else an amendment would make somebody's edit look like the archive's word."""
        db = sqlite3.connect(self.a + "/store/ledger.db")
        trigger, = db.execute("SELECT sql FROM sqlite_schema WHERE name='record_keep_update'").fetchone()
        db.execute("DROP TRIGGER record_keep_update")
        db.execute("UPDATE record SET text = CAST(replace(CAST(text AS TEXT), 'title Old', 'title Odd') AS BLOB)")
        db.execute(trigger)
        db.commit()
        db.close()
        for args in (("--note", "x"), ("--vouch",)):
            self.refused("not the one that was signed: run `vidimus verify`", "2", *args)

    def test_table(self):
        self.ok("-C", self.a, "import", self.file("b.txt", "another\n"))
        for name, text in (("t.csv", 'entry,title,clear,note\n2,T2,"field,captured",\n3,T3,,new\n77,x,,\nx,x,,\n'),
                           ("t.jsonl", '{"entry": 2, "title": "J2"}\n{"entry": "3", "note": ["a", "b"]}\n')):
            r = run_table(self, name, text)
            self.assertEqual(r.code, 1 if name == "t.csv" else 0, str(r))
            self.assertIn("2 records amended", r.out)
        self.assertEqual(self.record(2)["title"], "J2")
        self.assertNotIn("captured", self.record(2))
        self.assertEqual((self.record(3)["title"], self.record(3)["note"]), ("T3", ["a", "b"]))
        r = run_table(self, "clear.csv", "entry,clear\n2,nonsense\n")
        self.assertIn("no field of a record: nonsense", r.err)
        for bad in ("file,title\na.txt,x\n", "entry,title\n2,a\n2,b\n", "entry,entry\n2,2\n"):
            self.assertEqual(run_table(self, "bad.csv", bad).code, 3, bad)
        self.verified(self.a, 8)

    def test_a_slice_that_is_none(self):
        """What an amendment says it is cut out of is compared first: recorded, it would be a finding for ever."""
        self.ok("-C", self.a, "import", self.file("part.txt", "docu"))
        whole = self.ok("-C", self.a, "show", "2", "--json").json["document"]
        for offset, length in ((3, 4), (2, 5), (900, 4)):
            r = run_table(self, "t.csv", f"entry,derived-from\n3,{whole} {offset} {length} slice\n")
            self.assertEqual(r.code, 1, r)
            self.assertIn("a slice of a document that is held, and it is not", r.err)
        self.assertEqual(run_table(self, "t.csv", f"entry,derived-from\n3,{whole} 2 4 slice\n").code, 0)
        self.ok("-C", self.a, "amend", "3", "--title", "What it says of its whole is carried over")
        self.assertEqual(self.record(3)["derived_from"], [f"{whole} 2 4 slice"])
        self.ok("-C", self.a, "verify")

    def test_json(self):
        r = self.expect(1, "-C", self.a, "amend", "1-2", "--note", "x", "--json").json
        self.assertEqual((r["amended"], r["refused"]), (1, 1))
        self.assertEqual(r["entries"][0]["amendment"], 3)
        self.assertEqual(r["entries"][0]["changes"],
                         [{"field": "note", "was": ["one", "two"], "now": ["x"]}])
        self.assertEqual(r["refusals"][0]["entry"], "1")
        self.assertTrue(r["checkpoint"].startswith(support.ORIGIN + "\n4\n"))

    def test_bundles_carry_both(self):
        self.ok("-C", self.a, "amend", "2", "--title", "New")
        bundle = str(self.dir / "b.tar")
        self.ok("-C", self.a, "bundle", "-o", bundle, "--entries", "2")
        names = subprocess.run(["tar", "-tf", bundle], capture_output=True, text=True, check=True).stdout
        self.assertIn("vidimus/records/000002\n", names)
        self.assertIn("vidimus/records/000003\n", names)
        key = self.a + "/keys/authority.pub"
        self.ok("verify", bundle, "--trust", key)
        said = subprocess.run([sys.executable, PYTHON_VERIFIER, "--json", "--trust", key, bundle],
                              capture_output=True, text=True, check=False)
        self.assertEqual(json.loads(said.stdout)["verdict"], "VERIFIED", said.stdout)

    def test_import_names_it(self):
        r = self.ok("-C", self.a, "import", self.dir / "a.txt", "--captured", "2019", "--title", "X")
        self.assertRegex(r.err, r"entry 2 says something else of:.* title .*`vidimus amend 2`")

    def test_nothing_is_obeyed_by_a_terminal(self):
        self.safe(self.ok("-C", self.a, "amend", "2", "--title", "a\x1b[31m\u202eb"))
        self.safe(self.ok("-C", self.a, "show", "2"))


def run_table(case, name, text):
    return support.run("-C", case.a, "amend", "--metadata", case.file(name, text))


if __name__ == "__main__":
    support.main()
