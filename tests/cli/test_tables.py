#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Metadata tables as a user gives them: CSV, JSON, JSON Lines."""

import json

import support
from support import run


class Tables(support.Case):
    def setUp(self):
        super().setUp()
        for name in ("one.txt", "two.txt", "sub/three.txt"):
            self.file("docs/" + name, f"content of {name}\n")

    def imported(self, a, *words, code=0, src="docs"):
        return self.expect(code, "-C", a, "import", str(self.dir / src), *words)

    def records(self, a):
        return {l["record"]["file_name"]: l["record"]
                for l in self.ok("-C", a, "log", "--json").lines}

    ROWS = [{"file": "docs/one.txt", "title": "One", "author": ["A", "B"], "source": "https://e/1"},
            {"file": "docs/two.txt", "title": "Two, \"quoted\"\nsecond line", "source": "https://e/2"},
            {"file": "docs/sub/three.txt", "title": "三", "author": ["C"]}]
    CSV = ('file,title,author,author,source\r\n'
           'docs/one.txt,One,A,B,https://e/1\r\n'
           'docs/two.txt,"Two, ""quoted""\nsecond line",,,https://e/2\r\n'
           'docs/sub/three.txt,三,C,,\r\n')

    def test_three_forms_say_the_same(self):
        texts = {"t.csv": self.CSV, "b.csv": "\ufeff" + self.CSV.replace("\r\n", "\n"),
                 "t.json": json.dumps(self.ROWS),
                 "t.jsonl": "\n".join(json.dumps(r) for r in self.ROWS) + "\n",
                 "t.ndjson": "\n".join(json.dumps(r) for r in self.ROWS)}
        seen = []
        for name, text in texts.items():
            a = self.archive(name="a-" + name)
            self.imported(a, "--metadata", self.file(name, text))
            seen.append(self.records(a))
        for other in seen:
            self.assertEqual(other, seen[0])
        self.assertEqual(seen[0]["one.txt"]["author"], ["A", "B"])
        self.assertEqual(seen[0]["two.txt"]["title"], 'Two, "quoted"\\nsecond line')
        self.assertNotIn("source", seen[0]["three.txt"])

    def test_options_fill_what_a_row_leaves_empty(self):
        a = self.archive()
        self.imported(a, "--metadata", self.file("t.csv", self.CSV), "--author", "Z",
                      "--collection", "c")
        r = self.records(a)
        self.assertEqual(r["one.txt"]["author"], ["A", "B"])
        self.assertEqual(r["two.txt"]["author"], ["Z"])
        self.assertEqual({x["collection"] for x in r.values()}, {"c"})

    def test_derived_from(self):
        """It has the method behind it, as in a record; the option's other half is no column."""
        a, one = self.archive(), str(self.dir / "docs/one.txt")
        table = self.file("t.csv", "file,derived-from\ndocs/one.txt,not-held - - by hand\n")
        self.ok("-C", a, "import", one, "--metadata", table)
        self.assertEqual(self.records(a)["one.txt"]["derived_from"], ["not-held - - by hand"])
        table = self.file("u.csv", "file,derived-from,derived-method\ndocs/one.txt,not-held,by hand\n")
        r = run("-C", a, "import", one, "--metadata", table)
        self.assertEqual(r.code, 3)
        self.assertIn("derived-method", r.err)

    def test_file_without_row_and_row_without_file(self):
        a = self.archive()
        table = self.file("t.csv", "file,title\ndocs/one.txt,One\ndocs/missing.txt,Gone\n")
        r = self.imported(a, "--metadata", table, code=1)
        self.assertIn("1 statement recorded", r.out)
        self.assertRegex(r.err, r"refused  \S*docs/missing\.txt    row 3 of the table")
        self.assertRegex(r.err, r"refused  \S*two\.txt    the table has no row")
        self.assertRegex(r.err, r"refused  \S*three\.txt    the table has no row")
        self.assertIn("3 refused", r.out)

    def test_a_table_that_names_its_files_from_elsewhere(self):
        a, hint = self.archive(), "relative to the table's folder"
        rows = "file,title\nwrong/one.txt,One\nwrong/two.txt,Two\n"
        self.assertEqual(self.imported(a, "--metadata", self.file("t.csv", rows), code=1).err.count(hint), 1)
        some = rows.replace("wrong/one", "docs/one")
        self.assertNotIn(hint, self.imported(a, "--metadata", self.file("s.csv", some), code=1).err)

    def test_mismatches_are_told_before_anything_is_written(self):
        a = self.archive()
        table = self.file("t.csv", "file,title\ndocs/one.txt,One\ndocs/missing.txt,Gone\n")
        # Nobody can sign: so nothing is written, and still the mismatches were told by a dry run.
        r = self.imported(a, "--metadata", table, "--dry-run", "--json", code=1)
        self.assertEqual(r.json["refused"], 3)
        self.verified(a, 2)
        receipt = self.dir / "r.csv"
        self.imported(a, "--metadata", table, "--receipt", str(receipt), code=1)
        lines = receipt.read_text().splitlines()
        self.assertEqual([l.split(",")[1] for l in lines[1:]],
                         ["refused", "refused", "refused", "recorded"])

    def test_bad_tables(self):
        a = self.archive()
        before = support.listing(a + "/store")
        for name, text in (("t.csv", ""), ("t.csv", "title\nx\n"), ("t.csv", "file,nonsense\nx,y\n"),
                           ("t.csv", "file,title\ndocs/one.txt\n"),
                           ("t.csv", "file,title\n\"docs/one.txt,x\n"),
                           ("t.csv", "file,title\ndocs/one.txt,a\ndocs/one.txt,b\n"),
                           ("t.csv", "file,title,title\ndocs/one.txt,a,b\n"),
                           ("t.json", "{}"), ("t.json", "[{"), ("t.json", '[{"title":"x"}]'),
                           ("t.json", '[{"file":"docs/one.txt","title":["a","b"]}]'),
                           ("t.json", '[{"file":"docs/one.txt","title":1}]'),
                           ("t.jsonl", '{"file":"docs/one.txt"}\nnonsense\n'),
                           ("t.jsonl", '{"file":"docs/one.txt","frob":"x"}\n'),
                           ("t.xlsx", "x"), ("table", "file\n")):
            r = run("-C", a, "import", str(self.dir / "docs"), "--metadata", self.file(name, text))
            self.assertIn(r.code, (2, 3), str(r))
            self.assertIn(name, r.err)
            self.assertEqual(r.out, "")
            self.one_clear_line(r)
        self.expect(3, "-C", a, "import", str(self.dir / "docs"), "--metadata", "/nowhere/t.csv")
        self.assertEqual({k: v[3] for k, v in support.listing(a + "/store").items() if len(v) > 3},
                         {k: v[3] for k, v in before.items() if len(v) > 3})

    def test_line_of_a_bad_row_is_named(self):
        a = self.archive()
        table = self.file("t.csv", "file,title\ndocs/one.txt,x\ndocs/two.txt,y,z\n")
        r = self.expect(3, "-C", a, "import", str(self.dir / "docs"), "--metadata", table)
        self.assertIn("line 3", r.err)

    def test_bad_value_refuses_one_row(self):
        a = self.archive()
        table = self.file("t.csv", "file,captured\ndocs/one.txt,yesterday\ndocs/two.txt,2020\n"
                                   "docs/sub/three.txt,2020-13\n")
        r = self.imported(a, "--metadata", table, code=1)
        self.assertIn("1 statement recorded", r.out)
        self.assertRegex(r.err, r"refused  \S*one\.txt    .*captured")
        self.verified(a, 3)

    def test_table_beside_its_files(self):
        a = self.archive()
        self.file("docs/t.csv", "file,title\none.txt,1\ntwo.txt,2\nsub/three.txt,3\n")
        r = self.imported(a, "--metadata", str(self.dir / "docs/t.csv"))
        self.assertIn("3 statements recorded", r.out)

    def test_row_for_stdin(self):
        a = self.archive()
        table = self.file("t.csv", "file,title\n-,From a pipe\n")
        self.ok("-C", a, "import", "-", "--metadata", table, stdin=b"x")
        self.assertEqual(self.ok("-C", a, "show", "2", "--json").json["record"]["title"],
                         "From a pipe")

    def test_other_ways_to_name_the_same_file(self):
        a = self.archive()
        table = self.file("t.csv", f"file,title\n./docs/../docs/one.txt,1\n{self.dir}/docs/two.txt,2\n"
                                   "docs//sub/three.txt,3\n")
        r = self.ok("-C", a, "import", "docs/", "--metadata", table, cwd=self.dir)
        self.assertIn("3 statements recorded", r.out)

    def test_require_with_a_table(self):
        a = self.archive()
        r = self.imported(a, "--metadata", self.file("t.csv", self.CSV), "--require", "source",
                          code=1)
        self.assertIn("2 statements recorded", r.out)
        self.assertRegex(r.err, r"refused  \S*three\.txt    .*source")

    def test_unknown_counts_as_said(self):
        a = self.archive()
        table = self.file("t.csv", "file,source,unknown\ndocs/one.txt,,source\n"
                                   "docs/two.txt,https://e,\ndocs/sub/three.txt,https://e,\n")
        self.imported(a, "--metadata", table, "--require", "source")
        self.assertEqual(self.records(a)["one.txt"]["unknown"], ["source"])


if __name__ == "__main__":
    support.main()
