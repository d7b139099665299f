#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""history: what changed in the text of one source, and text fingerprints as import makes them."""

import hashlib
import os
import random
import unittest

import support

SOURCE = "https://e/page"
PAGE = """<!doctype html><html><head><title>Council</title><meta charset=utf-8></head><body>
<h1>Council of Pellindon</h1>{middle}<footer>Council press office</footer></body></html>"""


class History(support.Case):
    def setUp(self):
        super().setUp()
        self.a = self.archive()
        self.day = 0

    def take(self, content, *more, name="page.html"):
        """One more capture; its entry."""
        self.day += 1
        return self.ok("-C", self.a, "import", self.file(name, content), "--source", SOURCE, "--captured",
                       f"2026-01-{self.day:02}", "--json", *more).json["first_entry"]

    def take_all(self, middles, *more):
        return [self.take(PAGE.format(middle=m), *more) for m in middles]

    def told(self, *more):
        return [line["text"] for line in self.ok("-C", self.a, "history", SOURCE, "--json", *more).lines]

    def edits(self):
        return [(i, e["gone"], e["new"]) for i, t in enumerate(self.told()) for e in t["edits"]]

    @staticmethod
    def letters(rng):
        return "".join(rng.choice("bcdfghjkmnpqrstvwxz23456789") for _ in range(6))

    def check_ten(self, middles, wanted, *more):
        """Ten captures in which one edit is real: it is named, and nothing else."""
        self.take_all(middles, *more)
        texts = self.told()
        at = wanted[0]
        self.assertEqual([t["change"] for t in texts],
                         ["first"] + ["changed" if i == at else "changing" for i in range(1, 10)])
        self.assertEqual(self.edits(), [wanted])
        lines = self.ok("-C", self.a, "history", SOURCE).out.splitlines()
        self.assertEqual(len(lines), 11)
        self.assertIn(f"[-{wanted[1]}-] {{+{wanted[2]}+}}", lines[at + 1])
        for i, line in enumerate(lines):
            if i not in (0, at, at + 1):
                self.assertRegex(line, "changed, same text but for [0-9] words that keep changing$")

    def test_ten_captures(self):
        rng = random.Random(4)
        middles = [f"<p>The council met on Thursday and {'agreed' if i < 6 else 'did not agree'} on the price.</p>"
                   f"<form>Type: <b>{self.letters(rng)} {self.letters(rng)}</b></form><p>Visitor {1000 + 7 * i}</p>"
                   for i in range(10)]
        self.check_ten(middles, (6, "agreed", "did not agree"))

    def test_ten_captures_recorded_before_there_were_fingerprints(self):
        rng = random.Random(5)
        self.check_ten([f"<p>{self.letters(rng)} {self.letters(rng)}</p><p>Rise: {'three' if i < 4 else 'nine'} in a hundred.</p>"
                        for i in range(10)], (4, "three", "nine"), "--no-text")
        self.assertIn("10 texts were extracted now", self.ok("-C", self.a, "history", SOURCE).err)

    def test_the_edit_touches_what_changes(self):
        """The captcha stands right behind the words that were edited; the edit is in the newest capture."""
        for at in (3, 9):
            rng = random.Random(at)
            self.setUp()
            middles = [f"<p>Closed on {'Monday' if i < at else 'Friday'} {self.letters(rng)} {self.letters(rng)}</p>"
                       for i in range(10)]
            self.check_ten(middles, (at, "Monday", "Friday"))

    def test_without_spaces(self):
        """In a script that writes none, the edit and the captcha are not one word."""
        rng = random.Random(8)
        self.take_all([f"<p>阅览室将于{'八' if i < 4 else '九'}月开放。验证码{self.letters(rng)}请输入。</p>" for i in range(8)])
        self.assertEqual(self.edits(), [(4, "八", "九")])
        out = self.ok("-C", self.a, "history", SOURCE).out
        self.assertIn("阅览室将于 [-八-] {+九+} 月开放。验", out)

    def test_an_edit_that_is_taken_back(self):
        rng = random.Random(6)
        self.take_all([f"<p>{self.letters(rng)}</p><p>The price {'falls' if i == 5 else 'rises'}.</p>" for i in range(10)])
        self.assertEqual(self.edits(), [(5, "rises.", "falls."), (6, "falls.", "rises.")])

    def test_what_stood_in_two_captures_is_never_left_out(self):
        self.take_all([f"<p>Draft {i // 2}</p>" for i in range(10)])
        self.assertEqual([e[1:] for e in self.edits()], [(str(i), str(i + 1)) for i in range(4)])

    def states(self, words, counter=False):
        """What each of these captures is told to be, and the edits; each is of the same sentence."""
        self.take_all([f"<p>The ferry is {w} today.</p>" + (f"<p>Visitor {1000 + 7 * i}</p>" if counter else "")
                       for i, w in enumerate(words)])
        return [t["change"] for t in self.told()], self.edits()

    def test_words_that_come_back_are_shown(self):
        """Each was in two captures of one place, even if never in two in a row."""
        changes, edits = self.states(("open", "closed") * 2)
        self.assertEqual(changes, ["first"] + ["changed"] * 3)
        self.assertEqual(edits, [(1, "open", "closed"), (2, "closed", "open"), (3, "open", "closed")])

    def test_words_that_come_back_beside_a_counter(self):
        changes, edits = self.states(("open", "open", "closed", "open", "closed"), counter=True)
        self.assertEqual(changes, ["first", "changing"] + ["changed"] * 3)
        self.assertEqual(edits, [(2, "open", "closed"), (3, "closed", "open"), (4, "open", "closed")])
        self.assertEqual([t["words_changing"] for t in self.told()], [0, 1, 1, 1, 1])

    def test_a_place_where_some_words_come_back(self):
        """What stood there before for long counts, and so does what comes for once among them."""
        for words in (("open", "open", "closed", "open", "shut"), ("open", "closed", "open", "shut", "full"),
                      ("a", "b", "c", "d", "d", "e", "b", "f", "g")):
            self.setUp()
            edits = self.states(words)[1]
            self.assertEqual(edits, [(i, a, b) for i, (a, b) in enumerate(zip(words, words[1:]), 1) if a != b])

    def test_a_word_twice_in_one_capture_has_not_come_back(self):
        rng = random.Random(9)
        letters = [self.letters(rng) for _ in range(6)]
        self.assertEqual(self.states([f"{w} {w}" for w in letters]), (["first"] + ["changing"] * 5, []))

    # --- the order ---

    def take_at(self, word, captured):
        more = ("--captured", captured) if captured else ()
        return self.ok("-C", self.a, "import", self.file("page.html", PAGE.format(middle=f"<p>It is {word}</p>")),
                       "--source", SOURCE, "--json", *more).json["first_entry"]

    def ordered(self, *captured):
        """In which order captures that state these times are told, each by its place in this list."""
        first = [self.take_at(f"w{i}", c) for i, c in enumerate(captured)][0]
        return [line["entry"] - first for line in self.ok("-C", self.a, "history", SOURCE, "--json").lines]

    def test_imported_out_of_order(self):
        order = (3, 1, 5, 0, 4, 2)
        words = ("nine", "nine", "nine", "five", "five", "five")
        for i in order:
            self.take_at(f"{words[i]} <!-- {i} -->", f"2026-03-{i + 1:02}T08:00:00Z")
        lines = self.ok("-C", self.a, "history", SOURCE, "--json").lines
        self.assertEqual([line["record"]["captured"][8:10] for line in lines], [f"{i + 1:02}" for i in range(6)])
        self.assertEqual([line["text"]["change"] for line in lines],
                         ["first", "same-text", "same-text", "changed", "same-text", "same-text"])
        self.assertEqual(self.edits(), [(3, "nine", "five")])
        out = self.ok("-C", self.a, "history", SOURCE).out
        self.assertRegex(out, r"(?s)2026-03-03T[^\n]*same text\n[^\n]*2026-03-04T[^\n]*1 word gone, 1 word new\n"
                              r"[^\n]*\[-nine-\] \{\+five\+\}")
        bytes_alone = self.ok("-C", self.a, "history", SOURCE, "--no-text", "--json").lines
        self.assertEqual([line["entry"] for line in bytes_alone], [line["entry"] for line in lines])

    def test_times_of_any_precision(self):
        for captured, wanted in (
                (("2026-01-02", "2026-01-02T10:00Z", "2026-01-02T09:00Z"), [0, 2, 1]),
                (("2026-05", "2026", "2026-03"), [1, 2, 0]),
                (("2026-03-01T10:00:00+02:00", "2026-03-01T08:30:00Z", "2026-03-01T03:00:00-05:00"), [0, 2, 1]),
                (("2026-03-01T10:00:00.5Z", "2026-03-01T10:00:00.25Z"), [1, 0]),
                (("2026-02/2026-03", "2025", "2026-03-05", "../2026-01"), [1, 3, 0, 2]),
                (("2026",) * 5, [0, 1, 2, 3, 4])):
            self.setUp()
            self.assertEqual(self.ordered(*captured), wanted, captured)

    def test_no_time_is_that_of_the_entry(self):
        """The clock of these tests is later than 2020 and earlier than 2090."""
        self.assertEqual(self.ordered("2090", None, "2020-01", None), [2, 1, 3, 0])

    def test_many_out_of_order(self):
        """Against the plain way: the lowest entry that nothing left must come before."""
        rng = random.Random(11)
        days = [(d := rng.randint(1, 25), rng.choice((d, d, d + rng.randint(1, 3)))) for _ in range(40)]
        left, wanted = list(range(len(days))), []
        while left:
            wanted.append(next(i for i in left if all(days[k][1] >= days[i][0] for k in left)))
            left.remove(wanted[-1])
        self.assertEqual(self.ordered(*[f"2026-01-{a:02}/2026-01-{b:02}" for a, b in days]), wanted)

    def test_an_amended_time_counts(self):
        first = self.take_at("a", "2026-01-01")
        second = self.take_at("b", "2026-01-02")
        self.ok("-C", self.a, "amend", str(first), "--captured", "2026-01-03")
        lines = self.ok("-C", self.a, "history", SOURCE, "--json").lines
        self.assertEqual([line["entry"] for line in lines], [second, first])

    def test_what_comes_to_stay_where_words_kept_changing(self):
        rng = random.Random(8)
        self.take_all([f"<p>Type {self.letters(rng)}</p>" for _ in range(5)] + ["<p>Type closed</p>", "<p>Type closed</p><!-- -->"])
        self.assertEqual([t["change"] for t in self.told()], ["first"] + ["changing"] * 4 + ["changed", "same-text"])
        self.assertEqual(self.edits(), [(5, "", "closed")])

    def test_few_captures_show_all(self):
        self.take_all(["<p>a one</p>", "<p>a two</p>", "<p>a three</p>"])
        self.assertEqual(self.edits(), [(1, "one", "two"), (2, "two", "three")])
        self.take(PAGE.format(middle="<p>a four</p>"))
        self.assertEqual(self.edits(), [])
        self.assertEqual([t["words_changing"] for t in self.told()], [0, 1, 1, 1])

    def test_captures_of_one_text_make_it_older(self):
        """The first text was captured five times: its words are no captcha, whatever comes later."""
        one = PAGE.format(middle="<p>Open daily</p>")
        for content in [one] * 5 + [PAGE.format(middle=f"<p>Open {w}</p>") for w in ("x1", "x2", "x3", "x4")]:
            self.take(content)
        texts = self.told()
        self.assertEqual([t["change"] for t in texts],
                         ["first"] + ["same-bytes"] * 4 + ["changed"] + ["changing"] * 3)
        self.assertEqual(self.edits(), [(5, "daily", "")])

    def test_other_bytes_same_text(self):
        self.take(PAGE.format(middle="<p>one two</p>"))
        self.take(PAGE.format(middle="<p class=x>one\n two</p><!-- served by host 7 -->"))
        self.take(PAGE.format(middle="<p>one</p><p>two</p>"))
        self.assertEqual([t["change"] for t in self.told()], ["first", "same-text", "same-words"])
        self.assertEqual([t["change"] for t in self.told()], ["first", "same-text", "same-words"])
        out = self.ok("-C", self.a, "history", SOURCE)
        self.assertRegex(out.out, "changed, same text\n.*changed, same words in other lines\n$")
        self.assertEqual(out.err, "")

    def test_diff(self):
        a = self.take("The council met.\nIt spoke of water.\nThe end.\n", name="a.txt")
        b = self.take("The council met.\nIt spoke of fire and water.\nNew \x1b[31m\u202eline.\nThe end.\n", name="b.txt")
        diff = ("-C", self.a, "history", "--diff")
        out = self.ok(*diff, str(a), str(b)).out
        self.assertNotRegex(out, support.FORBIDDEN)
        self.assertIn("It spoke of {+fire and+} water.", out)
        self.assertIn("{+New \\x1b[31m\\xe2\\x80\\xaeline.+}", out)
        back = self.ok(*diff, str(b), str(a), "--json").json
        self.assertEqual((back["words_gone"], back["words_new"], back["same_text"]), (4, 0, False))
        self.assertEqual(back["edits"][0], {"before": "It spoke of", "gone": "fire and", "new": "", "after": "water."})
        same = self.ok(*diff, str(a), str(a))
        self.assertEqual(same.out, "same bytes\n")
        self.expect(2, *diff, str(a))
        self.expect(2, *diff, str(a), "x")
        self.expect(2, *diff, str(a), str(b), "--no-text")
        self.expect(2, "-C", self.a, "history", SOURCE, "x")
        self.assertIn("no capture", self.expect(2, *diff, "0", str(a)).err)

    def test_no_text(self):
        a = self.take(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", name="a.pdf")
        b = self.take(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n2 0 obj\n", name="a.pdf")
        self.assertEqual([(t["change"], t["why"]) for t in self.told()],
                         [("unknown", "neither HTML nor plain text")] * 2)
        self.assertIn(f"entry {a} has no text", self.expect(3, "-C", self.a, "history", "--diff", str(a), str(b)).err)
        self.assertEqual(self.told("--no-text"), [None, None])

    def withdraw(self, entry, scope):
        self.ok("-C", self.a, "withdraw", str(entry), "--decided-by", "court", "--scope", scope, "--yes")

    def test_withdrawn(self):
        entries = self.take_all([f"<p>word{i}</p>" for i in (1, 2, 2.5, 3, 3, 4)])
        self.take("never again", name="x.txt")
        self.withdraw(entries[1], "document")
        self.withdraw(entries[2], "both")
        lines = self.ok("-C", self.a, "history", SOURCE, "--json").lines
        texts = {line["entry"]: line.get("text") for line in lines}
        self.assertEqual(texts[entries[1]]["change"], "changed")
        self.assertEqual(texts[entries[1]]["why"], "its document was withdrawn")
        self.assertNotIn(entries[2], texts)  # nobody knows any more which source it was
        self.assertEqual(texts[entries[3]]["edits"][0]["gone"], "word1")  # the newest text that can be read
        self.assertEqual(texts[entries[4]]["change"], "same-bytes")
        out = self.ok("-C", self.a, "history", SOURCE).out
        self.assertIn("changed, the text too, how is not known: its document was withdrawn", out)
        for entry in entries[1:3]:
            self.assertIn("withdrawn", self.expect(3, "-C", self.a, "history", "--diff", str(entry), str(entries[0])).err)

    def test_with_which_it_was_compared(self):
        """Said where it is not the one just above: those between cannot be read any more, or have no text."""
        words = ("one", "two", "three", "three", "four", "four<!-- -->")
        pages = [PAGE.format(middle=f"<p>It is {w}.</p>") for w in words]
        entries = [self.take(p) for p in pages[:3]]
        entries.append(self.take(pages[3], "--again"))
        entries += [self.take(pages[4]), self.take("%PDF-1.7\n1 0 obj\n", name="a.pdf"), self.take(pages[5])]
        for i in (1, 2):
            self.withdraw(entries[i], "document")
        one, four = entries[0], entries[4]
        lines = self.ok("-C", self.a, "history", SOURCE).out.splitlines()
        lines = {int(line.split()[0]): line for line in lines if "captured" in line}
        self.assertIn("changed, the text too", lines[entries[1]])
        self.assertTrue(lines[entries[2]].endswith(f": its document was withdrawn (compared with entry {one})"))
        self.assertTrue(lines[entries[3]].endswith(f"same bytes, 1 word gone, 1 word new (compared with entry {one})"))
        self.assertTrue(lines[four].endswith("changed, 1 word gone, 1 word new"))
        self.assertTrue(lines[entries[6]].endswith(f"changed, same text (compared with entry {four})"))
        self.assertEqual([t["compared_with"] for t in self.told()],
                         [None, one, one, one, entries[3], None, four])

    def test_a_text_that_cannot_be_read_makes_its_words_older(self):
        """By its fingerprint it is the text of the next capture, which would look like one of a counter."""
        words = ("1", "2", "three", "three<!-- -->", "4", "5", "6")
        entries = self.take_all([f"<p>It is {w}.</p>" for w in words])
        self.withdraw(entries[2], "document")
        self.assertEqual([e[1:] for e in self.edits()], [("1.", "2."), ("2.", "three."), ("three.", "")])

    def test_first_text_withdrawn(self):
        entries = self.take_all([f"<p>word{i}</p>" for i in range(3)], "--no-text")
        self.withdraw(entries[0], "document")
        texts = self.told()
        self.assertEqual([t["change"] for t in texts], ["first", "unknown", "changed"])
        self.assertEqual([t["compared_with"] for t in texts], [None, None, entries[1]])
        self.assertEqual(self.edits(), [(2, "word1", "word2")])

    def test_damaged_document(self):
        entries = self.take_all(["<p>one</p>", "<p>two</p>", "<p>three</p>"])
        digest = self.ok("-C", self.a, "show", str(entries[1]), "--json").json["document"][7:]
        document = support.Document(self.a, digest)
        document.write_bytes(b"X" + document.read_bytes()[1:])
        texts = self.told()
        self.assertEqual([t["change"] for t in texts], ["first", "changed", "changed"])
        self.assertIn("damaged", texts[1]["why"])
        self.assertEqual(self.edits(), [(2, "one", "three")])

    # --- the fingerprint itself ---

    def fields(self, entry):
        return self.ok("-C", self.a, "show", str(entry), "--json").json["record"].get("field", [])

    def test_recorded(self):
        entry = self.take(b"The  council\r\n", name="a.txt")
        digest = hashlib.sha256(b"The council\n").hexdigest()
        self.assertEqual(self.fields(entry), [f"text-fingerprint: sha256:{digest} 12 plain/1"])
        self.assertEqual(self.fields(self.take(b"again", "--no-text", name="b.txt")), [])
        self.assertIn("VERIFIED", self.ok("-C", self.a, "verify").out)

    def test_is_not_stated_and_no_difference(self):
        path = self.file("a.txt", "text\n")
        r = self.expect(1, "-C", self.a, "import", path, "--field", "text-fingerprint=sha256:00 1 plain/1")
        self.assertIn("is found out of the document, not stated", r.err)
        self.ok("-C", self.a, "import", path, "--no-text", "--field", "a=b")
        known = self.ok("-C", self.a, "import", path, "--field", "a=b")
        self.assertIn("1 already known", known.out)
        self.assertNotIn("field", known.err)
        self.assertIn("field", self.ok("-C", self.a, "import", path, "--field", "a=c").err)
        other = self.file("b.txt", "other\n")
        self.ok("-C", self.a, "import", other)
        for more in ((), ("--no-text",)):
            known = self.ok("-C", self.a, "import", other, *more)
            self.assertIn("1 already known", known.out)
            self.assertNotIn("field", known.err)
        self.assertIn("not stated", self.expect(3, "-C", self.a, "amend", "2", "--field", "text-fingerprint=x").err)

    def test_not_searched(self):
        self.take("text\n", name="a.txt")
        self.assertEqual(self.ok("-C", self.a, "find", "fingerprint").out, "")

    def test_no_room_in_the_record(self):
        """A record that is as long as it may be goes without."""
        path = self.file("a.txt", "text\n")
        for length in range(993, 0, -60):
            r = support.run("-C", self.a, "import", path, "--again", "--json",
                            *[x for _ in range(65) for x in ("--note", "n" * 993)], "--note", "n" * length)
            if r.code == 0:
                break
        self.assertEqual((r.code, r.json["texts_not_extracted"]), (0, 1), r)
        self.assertIn("no room", r.err)
        self.assertIn("VERIFIED", self.ok("-C", self.a, "verify").out)

    def test_too_large(self):
        r = self.ok("-C", self.a, "import", self.file("a.txt", "word\n" * (1 << 21)), "--json")
        self.assertEqual(r.json["texts_not_extracted"], 1)
        self.assertIn("1 text could not be extracted (no text fingerprint): it is too large", r.err)

    def test_hostile_pages(self):
        """What would cost a parser its memory or its stack costs the page its fingerprint at most."""
        pages = {"deep": b"<!doctype html>" + b"<b>" * 20000 + b"x", "attributes": b"<!doctype html><p " + b"a" * 3000000 + b">",
                 "entities": b"<!doctype html><p>" + b"&amp;" * 200000, "cut": b"<!doctype html><p><a href='",
                 "nul": b"<!doctype html><p>a\0b\0</p>", "tables": b"<!doctype html>" + b"<table><tr><td>" * 2000}
        for name, page in pages.items():
            r = self.ok("-C", self.a, "import", self.file(name + ".html", page), "--json", timeout=60)
            self.assertEqual(r.json["imported"], 1, name)
        self.assertIn("VERIFIED", self.ok("-C", self.a, "verify").out)


if __name__ == "__main__":
    unittest.main()
