#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""I9: nothing that comes from a document, its name or its metadata reaches a terminal or a page raw."""

import html.parser
import os
import pathlib
import re

import support
from support import run

WRITTEN = [
    "\x1b[2J", "\x1b]0;owned\x07", "\x1b[31m", "\u202etxt.exe", "\u2066a\u2069", "\u200b", "\ufeff",
    "\u2028", "\u2029", "\u0085", "\x9b31m", "\r", "\n", "\t", "\x7f", "\x08\x08", "\x00"[:0] + "\x01",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><b>", "'><i>", "&lt;", "&#60;b",
    "</td></tr></table><h1>", "<!--", "-->", "<![CDATA[", "</style><style>", "<link rel=x href=//e>",
    "javascript:alert(1)", "</title>", "<svg/onload=alert(1)>", "<a href='http://evil'>", "`", "${x}",
    "%n%s%x", "\\x1b[2J", "\\", "\\n", "=cmd|' /C calc'!A0", "+ADw-script+AD4-", "\u061c", "\u200f",
    "\u2060", "\U000e0041", "\ufff9", "\u180e", "\u3164", "\U000e0101", "<\u200bscript>", "<scr\nipt>", "\r\nVERIFIED  all",
    "\nvidimus: done", "  \x1b", "—", "é\u0301", "<iframe src=http://e>", "<base href=//e>",
    "<meta http-equiv=refresh content=0>", "<form action=//e>", "<object data=//e>", "<math><mtext>",
    "&", "<", ">", "\"", "'", "﷽",
]
# What a terminal obeys: links, clipboard, title, device control, queries, other screens, character sets, reset; in
# seven bits and in eight.
CONTROLS = [
    b"\x1b]8;;http://e.example/\x1b\\here\x1b]8;;\x1b\\", b"\x1b]52;c;aGk=\x07", b"\x1b]2;title\x1b\\", b"\x1bP$q\x1b\\",
    b"\x1b_x\x1b\\", b"\x1b^x\x1b\\", b"\x1bXx\x1b\\", b"\x1b[1A\x1b[2K", b"\x1b[6n", b"\x1b[?1049h", b"\x1b(0", b"\x1bc",
    b"\xc2\x9d52;c;x\xc2\x9c", b"\x9b31m", b"\x0e\x0f", b"\x07", b"\x1b",
]
# No UTF-8: overlong, surrogate, beyond the end, five bytes, cut off, alone, Latin-1.
NO_UTF8 = [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
           b"\xfe\xff", b"\x80", b"\xe2\x82", b"caf\xe9"]
FORGED = [b"\nVERIFIED  everything\n", b"\r\n  entry 2        good             document checked", b"\nALTERED",
          b"\x0bVERIFIED", b"\x0cVERIFIED", "\u2028VERIFIED".encode()]
LONG = [b"long " * 400, b"e" + "\u0301".encode() * 400, "مرحبا בעולם".encode(), "\U000e0101".encode()]
MARKUP = [b'" onmouseover="x', b"<img srcset=//e>", b"<a href=data:text/html,x>", b"&#x3c;script>", b"]]>", b"<?x ?>",
          b"<plaintext>", b"<noscript><p title=\"</noscript><img src=x>\">", b"<template>", b"</small></td>"]
PIECES = [p.encode() for p in WRITTEN] + CONTROLS + NO_UTF8 + FORGED + LONG + MARKUP
TITLES = [b"t%d %s end" % (i, p) for i, p in enumerate(PIECES)]
NAMES = [b"new\nline.txt", b"esc\x1b[2J.txt", b"bad\xff\xfe.txt", "bidi\u202etxt.exe".encode(),
         b"<b>x&amp;<i>.html", b"tab\there", b"cr\rname", b"c1\xc2\x9b31m", b"quote\"'&.txt", b" lead",
         b"back\\slash", b"\xe2\x80\xa8sep", b"--title", b"zero\xe2\x80\x8bwidth"]


class Page(html.parser.HTMLParser):
    """Gathers what a browser would do with a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.elements, self.text = [], [], [], ""
        self.comments = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.elements.append((tag, attrs))
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.comments.append(data)


ALLOWED = set("html head meta title style body h1 h2 h3 p table tr th td small code ul li strong"
              .split())


COLUMNS = ("file title source author author issuer publisher note method reference field rights captured-by"
           " issued-as-written collection").split()


def quoted(cell):
    return b'"' + cell.replace(b'"', b'""') + b'"'


def unescaped(value):
    """The bytes that a value of a record stands for."""
    def byte(match):
        word = match.group(1)
        return bytes.fromhex(word[1:].decode()) if word[:1] == b"x" else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(word, word)
    return re.sub(rb"\\(x..|.)", byte, value.encode())


class Hostile(support.Case):
    def table(self, titles):
        """A table of documents d0.txt, d1.txt ...: every field of each is its title. CSV, because it holds any bytes."""
        rows = [",".join(COLUMNS).encode()]
        for i, t in enumerate(titles):
            cells = {"file": b"src/d%d.txt" % i, "source": b"https://e/" + t, "field": b"k: " + t}
            rows.append(b",".join(quoted(cells.get(column, t)) for column in COLUMNS))
        path = self.dir / "t.csv"
        path.write_bytes(b"\n".join(rows) + b"\n")
        return str(path)

    def filled(self):
        """An archive of documents whose every field is hostile."""
        a = self.archive()
        for i in range(len(TITLES)):
            self.file(f"src/d{i}.txt", f"document {i}")
        r = run("-C", a, "import", str(self.dir / "src"), "--metadata", self.table(TITLES))
        self.assertEqual(r.code, 0, str(r))
        self.safe(r)
        return a

    def no_line_forged(self, result):
        for line in result.out.splitlines():
            self.assertNotRegex(line, r"^(VERIFIED  everything|ALTERED|  entry 2 .*document checked$)")

    def test_metadata(self):
        a = self.filled()
        count = len(TITLES)
        for words in (["log"], ["log", "--json"], ["status"], ["verify"], ["verify", "-v"],
                      ["log", "--collection", TITLES[1]], ["log", "--source", "\x1b[2J"],
                      *[["show", str(n + 2)] for n in range(count)],
                      ["show", "3", "--json"]):
            r = self.ok("-C", a, *words)
            self.safe(r)
        self.assertEqual(len(self.ok("-C", a, "log").out.splitlines()), count)
        # A word that is found nowhere is told, and not obeyed either.
        for title in TITLES[::6]:
            self.safe(self.ok("-C", a, "log", "--collection", title, "--issuer", title))
            self.safe(run("-C", a, "find", "--", title))
            self.safe(self.ok("-C", a, "history", b"https://e/" + title))
        everything = self.ok("-C", a, "find", "end")
        self.safe(everything)
        self.no_line_forged(everything)
        self.safe(self.ok("-C", a, "find", "end", "--json"))
        self.no_line_forged(self.ok("-C", a, "log"))
        titles = [l["record"]["title"] for l in self.ok("-C", a, "log", "--json").lines]
        self.assertEqual(sorted(map(unescaped, titles)), sorted(TITLES))

    def test_on_a_terminal(self):
        """Colours and progress are ours; nothing else that a terminal obeys is."""
        a = self.filled()
        out = str(self.dir / "o.tar")
        self.ok("-C", a, "bundle", "-o", out, "--all")
        os.symlink("nowhere", os.path.join(os.fsencode(self.dir), b"src/gone\x1b]52;c;x\x07\n"))
        for words in (["-C", a, "log"], ["-C", a, "show", "20"], ["-C", a, "status"], ["-C", a, "verify", "-v"],
                      ["verify", out, "--trust", a + "/keys/authority.pub", "-v"],
                      ["-C", a, "import", str(self.dir / "src")]):
            r = support.on_terminal(*words, TERM="xterm-256color")
            ours = re.sub(rb"\x1b\[[0-9;]*m|\r\x1b\[K", b"", r.raw_out).replace(b"\r\n", b"\n")
            self.assertIsNone(support.FORBIDDEN.search(ours.decode("utf-8", "strict")), f"{words}: {ours!r}")
            self.assertTrue(ours, words)

    def test_refusals(self):
        """What no record can hold is refused, in words that are safe as well."""
        a = self.archive()
        for title in (b"nul \0 inside", b"\x1b[2J" * 20000, b'bare " quote \x1b[2J'):
            self.file("src/d0.txt", "document")
            table = self.table([title])
            if b"bare" in title:
                path = pathlib.Path(table)
                path.write_bytes(path.read_bytes().replace(b'""', b'"'))
            for more in ([], ["--json"]):
                r = run("-C", a, "import", str(self.dir / "src"), "--metadata", table, *more)
                self.assertNotEqual(r.code, 0, str(r)[:500])
                self.safe(r)

    def test_bundle_and_report(self):
        a = self.filled()
        name = str(self.dir / "o<b>&\x1b[2J.tar")
        r = self.ok("-C", a, "bundle", "-o", name, "--all")
        self.safe(r)
        page = str(self.dir / "r.html")
        r = self.ok("verify", name, "--trust", a + "/keys/authority.pub", "-v", "--report", page)
        self.safe(r)
        self.no_line_forged(r)
        self.assertEqual(len(re.findall("^  entry [0-9]+ +good ", r.out, re.M)), len(TITLES))
        self.safe(self.ok("verify", name, "--trust", a + "/keys/authority.pub", "--json"))
        self.check_page(page, len(TITLES))

    def check_page(self, path, items):
        raw = pathlib.Path(path).read_bytes()
        text = raw.decode("utf-8", "strict")
        self.assertIsNone(support.FORBIDDEN.search(text))
        page = Page(text)
        self.assertEqual(set(page.tags) - ALLOWED, set())
        self.assertEqual(page.tags.count("h3"), items + 1, "one heading an item, one for notices")
        self.assertEqual(page.tags.count("h1"), 1)
        self.assertEqual(page.tags.count("table"), items + 1)
        self.assertEqual(page.comments, [])
        self.assertEqual({k for k, _ in page.attributes},
                         {"lang", "charset", "http-equiv", "content", "class"})
        self.assertIn("default-src 'none'", text)
        self.assertNotIn("src", dict(page.attributes))
        csp = [dict(attributes) for tag, attributes in page.elements if tag == "meta"]
        self.assertTrue(any(c.get("http-equiv") == "Content-Security-Policy" for c in csp))
        for title in ("t17 <script>alert(1)</script> end", "t0 \\x1b[2J end"):
            self.assertIn(title, page.text)

    def test_findings_are_escaped(self):
        """A bundle that somebody else made, with names of members and values of their choosing."""
        a = self.filled()
        good, bad = str(self.dir / "g.tar"), self.dir / "b\x1b[2J<i>.tar"
        self.ok("-C", a, "bundle", "-o", good, "--all")
        raw = pathlib.Path(good).read_bytes().replace(b"d5.txt", b"d\x1b<b>x")
        bad.write_bytes(raw)
        page = str(self.dir / "r.html")
        r = run("verify", str(bad), "--trust", a + "/keys/authority.pub", "--report", page, "-v")
        self.assertEqual(r.code, 1, str(r))
        self.safe(r)
        text = pathlib.Path(page).read_text(encoding="utf-8")
        self.assertIsNone(support.FORBIDDEN.search(text))
        self.assertEqual(set(Page(text).tags) - ALLOWED, set())
        self.safe(run("verify", str(bad), "--json"))

    def test_file_names(self):
        a = self.archive()
        src = self.dir / "src"
        src.mkdir()
        for name in NAMES:
            with open(os.path.join(os.fsencode(src), name), "wb") as f:
                f.write(b"content of " + name)
        os.symlink("nowhere", os.path.join(os.fsencode(src), b"gone\x1b[2J\n\xff"))
        receipt = self.dir / "r.csv"
        r = self.expect(1, "-C", a, "import", str(src), "--receipt", str(receipt))
        self.safe(r)
        self.assertIn("\\x1b[2J", r.err)
        self.assertIn(f"{len(NAMES)} statements recorded", r.out)
        self.safe(self.expect(1, "-C", a, "import", str(src), "--json"))
        for words in (["log"], ["log", "--json"], *[["show", str(n + 2)] for n in range(len(NAMES))]):
            self.safe(self.ok("-C", a, *words))
        self.assertEqual(len(self.ok("-C", a, "log").out.splitlines()), len(NAMES))
        self.verified(a)
        out, page = str(self.dir / "o.tar"), str(self.dir / "r.html")
        self.ok("-C", a, "bundle", "-o", out, "--all")
        r = self.ok("verify", out, "--trust", a + "/keys/authority.pub", "--report", page, "-v")
        self.safe(r)
        self.assertIn("<b>x&amp;<i>.html", Page(pathlib.Path(page).read_text("utf-8")).text)

    def test_arguments_in_messages(self):
        a = self.archive()
        evil = "x\x1b[2J\n\u202e"
        for words in (["frob" + evil], ["--" + evil], ["-C", evil, "status"], ["show", evil],
                      ["cat", evil], ["verify", evil], ["import", evil], ["trust", "add", evil],
                      ["trust", "remove", evil], ["key", "export", evil], ["key", evil],
                      ["verify", "--trust", evil], ["verify", "--checkpoint", evil],
                      ["bundle", "-o", evil, "--all"], ["bundle", "-o", "x.tar", "--entries", evil],
                      ["bundle", "-o", "x.tar", "--all", "--disclose", evil],
                      ["log", "--from", evil], ["import", a, "--metadata", evil],
                      ["import", a, "--receipt", evil + "/x"], ["init", "--origin", evil],
                      ["show", b"bad\xff\xfe"], ["show", "sha256:" + evil],
                      ["import", "/dev/null", "--captured", evil], ["log", evil]):
            r = run("-C", a, *words, cwd=self.dir)
            self.assertNotEqual(r.code, 0, str(r))
            self.safe(r)
            self.assertTrue(r.err)

    def test_other_people_s_key_names(self):
        a = self.archive()
        folder = pathlib.Path(a, "keys/trusted")
        folder.mkdir(exist_ok=True)
        (folder / "evil\x1b[2J\n.pub").write_bytes(b"\x1b[2J nonsense \xff\n")
        self.safe(self.ok("-C", a, "trust", "list"))
        self.safe(self.ok("-C", a, "trust", "list", "--json"))
        folder_name = os.fsencode(self.dir) + b"/odd\xff\x1b[2J"
        r = self.ok("init", folder_name, "--origin", "x.example", "--no-passphrase")
        self.safe(r)
        self.safe(self.ok("-C", folder_name, "verify"))
        self.safe(self.ok("-C", folder_name, "verify", "--json"))
        r = self.ok("init", folder_name + b"2", "--origin", "x.example", "--no-passphrase", "--json")
        self.safe(r)
        self.assertIn("path", r.json)


if __name__ == "__main__":
    support.main()
