#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Text fingerprints: those of the program are those that a second implementation finds.

    VIDIMUS=build/dev/vidimus python3 -m unittest tests/interop/test_text.py
"""
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

import vidimus_text as text  # noqa: E402

PLAIN = [
    "".join(f"a{c}b {c} c" for c in text.SPACES + text.LINE_ENDS + text.NOTHING).encode(), "e\u0301".encode(),
    b"", b"\n", b" \t\n", b"The council met.", b"The council met.\n", b"The  council\tmet. \r\nOn Thursday.\r\n\r\n\r\nAll.",
    "é e\u0301 \u212b A\u030a".encode(), "a\u00a0b\u2003c\u3000d\u2028e\u0085f".encode(), "so\u00adft\u200b \u2060\ufeffx".encode(),
    "\ufeffwith a mark".encode(), "اجتمع المجلس\nيوم الخميس ١ ربيع الثاني ١٤٤١ هـ".encode(), "院は本日開会。が".encode(),
    b"caf\xe9 \x93quoted\x94 \x81", "UTF-16, little".encode("utf-16"), b"\xfe\xff" + "big é".encode("utf-16-be"),
    "\u1100\u1161\u11a8 \u0928\u093c q\u0323\u0307 q\u0307\u0323".encode(), b"\x0bvt\x0cff\x1c\x1f",
]
PAGE = """<!DOCTYPE html><html lang=en><head><meta charset="{charset}"><title>Not seen</title>
<style>p {{ color: red }}</style><script>var a = "<p>no</p>";</script></head>
<body class=x><header><h1>The   council</h1></header>
<p>The council <b>met</b>
on <a href="#">Thursday</a>.&nbsp;All &amp; sundry &#233;t&#xe9; {extra}</p><!-- no -->
<div hidden>no <p>no</p></div><div style="Color:red; DISPLAY : none">no</div><span style="visibility:hidden">no</span>
<p>seen<img src=x alt="no"><br>next<input value=no> line</p><noscript><p>no</p></noscript>
<table><tbody><tr><td>1</td><td>2</td></tr><tr><th>3</th><td>4</td></tr></tbody></table>
<ul><li>one</li><li>two</li></ul><pre>
 kept
  lines</pre><textarea>a
b</textarea><select><option>no</option></select><template><p>no</p></template><svg><text>no</text></svg>
<iframe>no</iframe><object>no</object><p>in<i>side</i> a w<wbr>ord</p><hr><footer>end</footer></body></html>
"""
PAGES = [
    PAGE.format(charset="utf-8", extra="اجتمع é").encode(),
    PAGE.format(charset="utf-8", extra="no é in it").encode("cp1252"),
    PAGE.format(charset="ISO-8859-1", extra="é €").encode("cp1252"),
    PAGE.format(charset="windows-1256", extra="اجتمع المجلس").encode("cp1256"),
    PAGE.format(charset="windows-1251", extra="Совет").encode("cp1251"),
    PAGE.format(charset="shift_jis", extra="院は本日").encode("shift_jis"),
    PAGE.format(charset="utf-16", extra="é").encode(),
    PAGE.format(charset="no-such-name", extra="é").encode(),
    "\ufeff".encode() + PAGE.format(charset="windows-1251", extra="é").encode(),
    b"<html><body><p>b\x01a\x0br\x1fe \xc2\x81 \xc2\x85 \x7f</p></body></html>", b"<html><body><p>bare</p></body></html>", b"<!doctype html><html><head></head><body></body></html>",
]


def random_text(rng):
    alphabet = "ab \t\n\r\x0b\xa0\u2028\u200b\u0301\u0327\u00e9\u0644\u0627\u0653\u3000\u1100\u1161\xad"
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(60))).encode()


class Text(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="vidimus-text-")
        cls.addClassCleanup(folder.cleanup)
        cls.dir = Path(folder.name)
        cls.run_program("init", str(cls.dir / "a"), "--origin", "text.example/log", "--no-passphrase")

    @classmethod
    def run_program(cls, *args):
        return subprocess.run([VIDIMUS, *args], capture_output=True, text=True, check=True).stdout

    def recorded(self, documents, media_type, name):
        """What the program put into the records of these documents."""
        folder = self.dir / name
        folder.mkdir()
        rows = ["file,media-type"]
        for i, document in enumerate(documents):
            (folder / f"{i:04}").write_bytes(document)
            rows.append(f"{i:04},{media_type}")
        table = folder / "table.csv"
        table.write_text("\n".join(rows) + "\n")
        self.run_program("-C", str(self.dir / "a"), "import", str(folder), "--metadata", str(table), "--again",
                         "--collection", name, "--json")
        lines = self.run_program("-C", str(self.dir / "a"), "log", "--collection", name, "--json").splitlines()
        records = sorted((json.loads(line)["record"] for line in lines), key=lambda r: r["file_name"])
        self.assertEqual(len(records), len(documents))
        return [[f for f in r.get("field", []) if f.startswith("text-fingerprint: ")] for r in records]

    def agree(self, documents, media_type, name):
        for document, found in zip(documents, self.recorded(documents, media_type, name)):
            wanted = text.fingerprint(document, media_type)
            self.assertEqual([" ".join(f.split()[1:4]) for f in found], [wanted] if wanted else [], document)

    def test_plain(self):
        self.agree(PLAIN, "text/plain", "plain")

    def test_pages(self):
        self.agree(PAGES, "text/html", "pages")
        found = self.recorded(PAGES[:1], "Application/XHTML+XML; charset=utf-8", "xhtml")
        self.assertRegex(found[0][0], r" html/2 libxml2/[0-9.]+$")

    def test_what_a_page_shows(self):
        shown = text.page_text(PAGES[0]).decode()
        self.assertNotRegex(shown, r"\bno\b|Not seen|color")
        self.assertEqual(shown.splitlines()[:3], ["The council", "The council met on Thursday. All & sundry été اجتمع é", "seen"])
        self.assertIn("1 2\n3 4\none\ntwo\nkept\nlines\na\nb\ninside a word\nend\n", shown)

    def test_random(self):
        rng = random.Random(20261127)
        self.agree([random_text(rng) for _ in range(300)], "text/markdown; charset=x", "random")

    def test_no_text(self):
        self.agree([b"%PDF-1.7\n"], "application/pdf", "pdf")


if __name__ == "__main__":
    unittest.main()
