#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dates: which are taken, and what show says of those that a document writes."""

import unittest

import support

HIJRI = "Thursday, 01st Rabii’ II 1441 AH"


class Dates(support.Case):
    def setUp(self):
        super().setUp()
        self.a = self.archive()
        self.n = 1

    def show(self, *lines, issued=None):
        """What is said of a document with these lines: as text, and as JSON."""
        self.n += 1
        options = [x for line in lines for x in ("--issued-as-written", line)]
        options += ["--issued", issued] if issued else []
        self.ok("-C", self.a, "import", self.file("a.txt", str(self.n)), "--no-text", *options)
        text = self.ok("-C", self.a, "show", str(self.n)).out
        for line in lines:
            self.assertIn(line, text)  # both stay as they are
        start = text.find("  dates ")
        return text[start:] if start >= 0 else None, self.ok("-C", self.a, "show", str(self.n), "--json").json["dates"]

    def test_agree(self):
        text, told = self.show(HIJRI, "28/11/2019 CE", issued="2019-11-28")
        self.assertEqual(text, "  dates              agree: 1441-04-01 AH is 2019-11-28 (Umm al-Qura), 2019-11-28 is written\n")
        self.assertEqual((told["verdict"], told["days"], told["weekday_fits"], told["compared"], told["with"]),
                         ("agree", 0, True, 0, 1))
        self.assertEqual([(r["line"], r["calendar"], r["date"], r["weekday"]) for r in told["read"]],
                         [(0, "islamic-umalqura", "1441-04-01", "Thursday"), (1, "gregorian", "2019-11-28", None)])
        text, told = self.show("٢ ربيع الآخر ١٤٤١ هـ", "٢٨ تشرين الثاني ٢٠١٩ م")
        self.assertIn("(a day apart: months begin by sighting)", text)
        self.assertEqual((told["verdict"], told["days"]), ("agree", 1))
        self.assertEqual(self.show("Rabi II 1441", "November 2019")[1]["part"], True)

    def test_differ(self):
        text, told = self.show(HIJRI, "1 December 2019")
        self.assertIn("differ by 3 days: 1441-04-01 AH is 2019-11-28 (Umm al-Qura), 2019-12-01 is written\n", text)
        self.assertEqual((told["verdict"], told["days"]), ("differ", 3))
        text, told = self.show(HIJRI, issued="2019-11-25")
        self.assertIn("differ by 3 days: 1441-04-01 AH is 2019-11-28 (Umm al-Qura), issued is 2019-11-25\n", text)
        self.assertEqual(told["with"], "issued")
        text, told = self.show(HIJRI, "28/11/2019", issued="2019-11-30")
        self.assertIn("issued differs by 2 days from what is written\n", text)
        self.assertEqual((told["verdict"], told["issued_differs_by"]), ("agree", 2))

    def test_weekday(self):
        text, told = self.show("Friday, 1 Rabi II 1441 AH", "28/11/2019")
        self.assertIn("the day of the week contradicts: Friday is written, 2019-11-28 was a Thursday\n", text)
        self.assertEqual((told["verdict"], told["weekday_fits"]), ("agree", False))

    def test_cannot_tell(self):
        for lines, issued, why in (((HIJRI,), None, "no Gregorian date is written or stated as issued"),
                                   (("28/11/2019",), None, "one date is written, and none is stated as issued"),
                                   ((HIJRI,), "2019/..", "what is stated as issued has no beginning or no end"),
                                   (("28/11/2019",), "../2019", "what is stated as issued has no beginning or no end"),
                                   (("some day in spring",), "2019", "no date is read in what is written"),
                                   (("1 Muharram 2019 CE",), "2019", "no date is read in what is written")):
            text, told = self.show(*lines, issued=issued)
            self.assertIn("cannot tell: " + why + "\n", text)
            self.assertEqual((told["verdict"], told["why"], told["days"]), ("cannot-tell", why, None))

    def test_nothing_written(self):
        self.assertEqual(self.show(issued="2019"), (None, None))

    def test_hostile_lines(self):
        for line in ("1" * 1000 + " Rabi II 1441", "9" * 30 + "/11/2019", "\u202e28/11/2019\u202c", "a " * 1000, "١" * 400):
            self.n += 1
            self.ok("-C", self.a, "import", self.file("a.txt", str(self.n)), "--issued-as-written", line)
            r = self.ok("-C", self.a, "show", str(self.n))
            self.assertNotRegex(r.out, support.FORBIDDEN)
        self.assertEqual(self.ok("-C", self.a, "show", str(self.n), "--json").json["dates"]["verdict"], "cannot-tell")

    def test_taken(self):
        path = self.file("x.pdf", "%PDF-")
        for issued in ("1985-04-12", "2004-06~", "2004-06-11%", "201X", "1985-XX-XX", "2001-21", "1984~/2004-06", "../1985",
                       "/1985", "Y170000002", "-0753", "1985-04-12T23:20:30-04"):
            self.ok("-C", self.a, "import", path, "--issued", issued, "--again")
        for issued in ("28/11/2019", "2019-02-3x", "2004/1984", "2001-25", "156X-12-25", "2019-11-28T10:00Z/2020"):
            r = self.expect(1, "-C", self.a, "import", path, "--issued", issued, "--again")
            self.assertIn("issued is not a date like", r.err)
            self.assertIn("(keep it as issued-as-written)", r.err)
        for issued in ("2025-02-30", "2019-02-29", "2019-04-31T10:00:00Z", "2019-04-00~", "2019-11-99/2020"):
            r = self.expect(1, "-C", self.a, "import", path, "--issued", issued, "--again")
            self.assertIn(f"issued is no date: there is no such day: {issued} (keep it as issued-as-written)", r.err)


if __name__ == "__main__":
    unittest.main()
