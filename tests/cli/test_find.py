#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""find, history, and the collections of status."""

import json
import shutil

import support
from support import run

ROWS = [
    {"file": "a.txt", "title": "Council opens the new library", "source": "https://c.example/1",
     "issuer": "Council Press Office", "collection": "Council", "reference": "No. 12/2019"},
    {"file": "b.txt", "title": "المجلسُ يفتتح المكتبة", "source": "https://c.example/2",
     "issuer": ["مكتب الإعلام"], "collection": "Council"},
    {"file": "c.txt", "title": "关于延长阅览室开放时间的公告", "source": "https://q.example/7"},
    {"file": "d.txt", "title": "Ménage, brûlée", "source": "https://c.example/1",
     "note": ["Opening hours of the library\nchange soon"], "captured": "2026-01-02"},
]


class Find(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        src = cls.shared / "docs"
        src.mkdir()
        for row in ROWS:
            (src / row["file"]).write_text(row["title"] + "\n")
        (src / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS))
        cls.a = str(cls.shared / "filled")
        shutil.copytree(cls.shared / "template", cls.a)
        r = run("-C", cls.a, "import", "--metadata", str(src / "t.jsonl"),
                *[str(src / row["file"]) for row in ROWS])
        if r.code:
            raise AssertionError(str(r))

    def found(self, *words):
        return [l["entry"] for l in self.ok("-C", self.a, "find", "--json", *words).lines]

    def test_words_in_any_script(self):
        self.assertEqual(self.found("library"), [5, 2])
        self.assertEqual(self.found("LIBRARY", "council"), [2])
        self.assertEqual(self.found("menage"), [5])
        self.assertEqual(self.found("المجلس"), [3])
        self.assertEqual(self.found("الاعلام"), [3])
        self.assertEqual(self.found("阅览"), [4])
        self.assertEqual(self.found("公"), [4])
        self.assertEqual(self.found("告公"), [])
        self.assertEqual(self.found("12/2019"), [2])

    def test_phrases_beginnings_and_exclusion(self):
        self.assertEqual(self.found("opening hours"), [5])
        self.assertEqual(self.found("hours opening"), [])
        self.assertEqual(self.found("open*"), [5, 2])
        self.assertEqual(self.found("open"), [])
        self.assertEqual(self.found("library", "--without", "council"), [5])
        self.assertEqual(self.found("library change"), [5])  # a newline parts words, no more
        self.assertEqual(self.found("example", "--collection", "Council"), [3, 2])
        self.assertEqual(self.found("example", "--limit", "1"), [5])
        self.assertEqual(len(self.found("example", "--limit", "0")), 4)

    def test_nothing_in_words_is_syntax(self):
        for words in ('"library"', "library' OR 1=1", 'a"b', "NOT", "title:council", "(x", "^library",
                      "a AND b", "NEAR(a b)", "-library", "{a}:b", "*library"):
            plain = self.found(words.strip('^-*"'))  # as if the signs were not there
            self.assertEqual(self.found("--", words), plain, words)

    def test_no_word_is_a_wrong_command_line(self):
        self.assertIn("no word to search for", self.expect(2, "-C", self.a, "find", "...").err)
        self.expect(2, "-C", self.a, "find")
        self.expect(2, "-C", self.a, "find", *["w"] * 33)

    def test_what_is_shown(self):
        out = self.ok("-C", self.a, "find", "library", "opening").out
        self.assertRegex(out, r"^ +5  .*Ménage, brûlée  ·  https://c.example/1\n +note +Opening hours")
        self.assertEqual(self.ok("-C", self.a, "find", "nowhere").out, "")
        r = self.ok("-C", self.a, "find", "example", "--limit", "1")
        self.assertIn("there may be more", r.err)

    def test_the_index_is_made_anew(self):
        a = str(self.dir / "copy")
        shutil.copytree(self.a, a, copy_function=shutil.copy2)
        (self.dir / "copy" / "store" / "catalog.db").unlink()
        self.assertIn("vidimus reindex", self.expect(3, "-C", a, "find", "library").err)
        self.ok("-C", a, "reindex")
        self.assertEqual([l["entry"] for l in self.ok("-C", a, "find", "--json", "阅览").lines], [4])

    def test_history(self):
        page = self.dir / "page.html"
        a = str(self.dir / "h")
        shutil.copytree(self.shared / "template", a)
        for day, content in enumerate(("one", "one", "two", "one"), 1):
            page.write_text(content)
            self.ok("-C", a, "import", str(page), "--source", "https://e/p", "--captured",
                    f"2026-01-0{day}")
        lines = self.ok("-C", a, "history", "https://e/p", "--json").lines
        self.assertEqual([(l["entry"], l["change"], l["same_bytes_as"]) for l in lines],
                         [(2, "first", None), (3, "same", 2), (4, "changed", None), (5, "changed", 2)])
        out = [l for l in self.ok("-C", a, "history", "https://e/p").out.splitlines() if "captured" in l]
        self.assertRegex(out[0], r"^ +2  captured 2026-01-01  3 bytes  [0-9a-f]{8}\.\.\.[0-9a-f]{5}  first$")
        self.assertTrue(out[1].endswith("same bytes"))
        self.assertIn("changed, back to the bytes of 2, ", out[3])
        r = self.ok("-C", a, "history", "https://e/")
        self.assertEqual(r.out, "")
        self.assertIn("exactly this source", r.err)

    def test_collections(self):
        self.assertIn("collections  Council: 2 captures\n", self.ok("-C", self.a, "status").out)
        status = self.ok("-C", self.a, "status", "--json").json
        self.assertEqual(status["collections"], [{"collection": "Council", "captures": 2}])


if __name__ == "__main__":
    support.main()
