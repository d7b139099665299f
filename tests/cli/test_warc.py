#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""WARCs: each payload a capture, with what its record says; what is broken is told, the rest is taken."""

import csv
import hashlib
import json
import pathlib
import resource
import signal
import subprocess
import sys
import time

import support
from support import Document, run

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))
import warcs  # noqa: E402
from warcs import BODY  # noqa: E402

CASES = warcs.cases()


class Warcs(support.Case):
    @classmethod
    def setUpClass(cls):
        """All cases are imported once, into one archive."""
        super().setUpClass()
        cls.a = str(cls.shared / "template")
        (cls.shared / "warcs").mkdir()
        for name, content in CASES.items():
            (cls.shared / "warcs" / name).write_bytes(content)
        r = run("-C", cls.a, "import", str(cls.shared / "warcs"), "--json")
        if r.code != 1 or run("-C", cls.a, "verify").code != 0:
            raise AssertionError(str(r))
        cls.problems = {}
        for p in r.json["problem_list"]:
            cls.problems.setdefault(pathlib.Path(p["path"]).name, []).append(p["reason"])
        cls.found = cls.members(cls.a)

    def archive(self, documents=0, name="a"):
        """An empty one."""
        target = self.dir / name
        self.ok("init", str(target), "--origin", support.ORIGIN, "--signer", support.SIGNER, "--no-passphrase")
        return str(target)

    def imported(self, content, *words, code=0, archive=None, name="x.warc"):
        a = archive or self.archive()
        r = self.expect(code, "-C", a, "import", self.file(name, content), "--json", *words)
        return a, r.json

    def verified(self, a):
        self.assertEqual(self.ok("-C", a, "verify", "--json").json["verdict"], "VERIFIED")

    @staticmethod
    def members(a):
        """Records of what was taken out of WARCs, oldest first, each with its document."""
        found = []
        for line in reversed(run("-C", a, "log", "--json").lines):
            if "derived_from" in line["record"]:
                digest = line["document"][7:]
                m = line["record"]
                m["bytes"] = Document(a, digest).read_bytes()
                fields = m.pop("field", [])
                m["text"] = [f for f in fields if f.startswith("text-fingerprint: ")]
                m["field"] = [f for f in fields if f not in m["text"]]
                found.append(m)
        return found

    def case(self, name):
        whole = "sha256:" + hashlib.sha256(CASES[name]).hexdigest()
        return ([m for m in self.found if m["derived_from"][0].startswith(whole)], self.problems.get(name, []))

    def bodies(self, name):
        members, problems = self.case(name)
        return [m["bytes"] for m in members], problems

    # --- what is taken ---

    def test_what_a_record_says(self):
        a, r = self.imported(CASES["plain"], "--collection", "Crawls", "--title", "The crawl of January")
        self.assertEqual((r["imported"], r["problems"]), (3, 0))
        first, second = self.members(a)
        self.assertEqual(first["bytes"], BODY)
        self.assertEqual(first["source"], "https://a.example/")
        self.assertEqual(first["captured"], "2026-01-02T03:04:05Z")
        self.assertEqual((first["captured_by"], first["method"]), ("A Library", "crawler 1.0"))
        self.assertEqual(first["record_id"], ["urn:uuid:00000000-0000-0000-0000-000000000001"])
        self.assertEqual(first["collection"], "Crawls")
        self.assertNotIn("title", first)  # it can be true of one document only
        self.assertNotIn("file_name", first)
        self.assertIn("status: HTTP/1.1 200 OK", first["header"])
        self.assertIn("Content-Type: text/plain", first["header"])
        self.assertIn("WARC-Type: response", first["header"])
        self.assertEqual(first["field"], ["payload-digest: match", "block-digest: match"])
        self.assertEqual(second["bytes"], b"Another page.\n")
        text = hashlib.sha256(second["bytes"]).hexdigest()
        self.assertEqual(second["text"], [f"text-fingerprint: sha256:{text} 14 plain/1"])
        whole = self.ok("-C", a, "log", "--json").lines[-1]["record"]
        self.assertEqual((whole["file_name"], whole["title"]), ("x.warc", "The crawl of January"))

    def test_what_is_stated_of_a_warc_that_is_not_kept(self):
        """Its records say it where they say nothing themselves; what none of them can say is refused."""
        words = ("--note", "N", "--unknown", "author", "--field", "k=v", "--collection", "C", "--captured", "1999",
                 "--rights", "O", "--unknown", "source")
        a, r = self.imported(CASES["plain"], "--warc", "records", *words)
        self.assertEqual(r["imported"], 2)
        for m in self.members(a):
            self.assertEqual((m["note"], m["unknown"], m["collection"], m["rights"]), (["N"], ["author"], "C", ["O"]))
            self.assertEqual(m["captured"][:4], "2026")
            self.assertTrue(m["source"].startswith("https://a.example/"))
            self.assertEqual(m["field"], ["payload-digest: match", "block-digest: match", "k: v"])
        for field in ("title", "source", "issued", "issued-as-written", "reference", "record-id"):
            table = self.file("t.csv", f"file,{field}\nx.warc,2024\n")
            for stated in (["--" + field, "2024"], ["--metadata", table]):
                _, r = self.imported(CASES["plain"], "--warc", "records", *stated, "--again", code=1, archive=a)
                self.assertEqual((r["imported"], r["refused"]), (0, 1))
                self.assertIn(field + " can be true of one document only", r["refusals"][0]["reason"])
                self.assertIn("so does --warc both", r["refusals"][0]["reason"])
        row = json.dumps([{"file": "x.warc", "note": "N2", "unknown": "issuer", "field": "r: w"}])
        a, _ = self.imported(CASES["plain"], "--warc", "records", "--metadata", self.file("t.json", row),
                             archive=self.archive(name="b"))
        for m in self.members(a):
            self.assertEqual((m["note"], m["unknown"], m["field"][-1]), (["N2"], ["issuer"], "r: w"))

    def test_what_is_stated_of_a_warc_that_is_kept(self):
        """What is remarked on it is said of it alone."""
        words = ("--note", "N", "--unknown", "author", "--field", "k=v", "--record-id", "I", "--reference", "R")
        a, _ = self.imported(CASES["plain"], *words)
        for m in self.members(a):
            self.assertNotIn("note", m)
            self.assertNotIn("unknown", m)
            self.assertNotIn("reference", m)
            self.assertEqual(m["field"], ["payload-digest: match", "block-digest: match"])
        whole = self.ok("-C", a, "log", "--json").lines[-1]["record"]
        self.assertEqual((whole["note"], whole["unknown"], whole["record_id"]), (["N"], ["author"], ["I"]))

    def test_where_it_stands(self):
        for name, words in (("plain", "slice: payload of a WARC record"),
                            ("by-record", "payload of the WARC record in a gzip member"),
                            ("chunked", "payload, chunks removed, of a WARC record")):
            for m in self.case(name)[0]:
                digest, offset, length, method = m["derived_from"][0].split(" ", 3)
                self.assertEqual(digest, "sha256:" + hashlib.sha256(CASES[name]).hexdigest())
                self.assertEqual(method, words)
                piece = CASES[name][int(offset):int(offset) + int(length)]
                if name == "plain":
                    self.assertEqual(piece, m["bytes"])
                if name == "by-record":
                    self.assertTrue(warcs.gzip.decompress(piece).startswith(b"WARC/1.1"))
                if name == "chunked":
                    self.assertTrue(piece.startswith(b"WARC/1.1") and piece.endswith(b"0\r\n\r\n"))
        for name in ("by-file", "across"):
            places = [m["derived_from"][0].split(" ", 3)[1:] for m in self.case(name)[0]]
            self.assertEqual([p[:2] for p in places], [["-", "-"]] * 2)
            self.assertEqual(len({p[2] for p in places}), 2)

    def test_every_compression(self):
        plain = self.bodies("plain")
        for name in ("by-record", "by-file", "across"):
            self.assertEqual(self.bodies(name), plain, name)

    def zstd(self, data, *words):
        return subprocess.run(["zstd", "-q", "-c", *words], input=data, stdout=subprocess.PIPE, check=True).stdout

    def test_zstd(self):
        """A frame for each record; with a dictionary in front, as it stands and compressed."""
        frames = b"".join(self.zstd(r) for r in warcs.TWO)
        dictionary = pathlib.Path(self.file("dict", b"".join(warcs.TWO) * 20))
        packed = b"".join(self.zstd(r, "-D", str(dictionary)) for r in warcs.TWO)
        for name, d in (("plain", dictionary.read_bytes()), ("packed", self.zstd(dictionary.read_bytes()))):
            head = b"\x5d\x2a\x4d\x18" + len(d).to_bytes(4, "little") + d
            a, _ = self.imported(head + packed, name=name, archive=self.archive(name="a-" + name))
            self.assertEqual([m["bytes"] for m in self.members(a)], self.bodies_of_two())
        a, _ = self.imported(frames, archive=self.archive(name="frames"))
        self.assertEqual([m["bytes"] for m in self.members(a)], self.bodies_of_two())
        offset, length, method = self.members(a)[0]["derived_from"][0].split(" ", 3)[1:]
        self.assertEqual(method, "payload of the WARC record in a zstd frame")
        self.assertEqual((int(offset), int(length)), (len(self.zstd(warcs.TWO[0])), len(self.zstd(warcs.TWO[1]))))

    @staticmethod
    def bodies_of_two():
        return [BODY, b"Another page.\n"]

    def test_payloads_that_were_sent_compressed(self):
        """They are kept as they were sent, so they have no text; history says that this is why."""
        def page(i, coding, kind="text/html; charset=utf-8", name="Content-Encoding"):
            block = warcs.http(warcs.gzip.compress(b"<!doctype html><p>%d</p>" % i, mtime=0), f"content-type: {kind}",
                               f"{name}: {coding}")
            return warcs.record("response", block, id=i, date=f"2026-01-{i:02}T00:00:00Z",
                                content_type="application/http; msgtype=response")
        long = "gzip, " * 60 + "gzip"
        a, _ = self.imported(warcs.warcinfo() + page(1, "gzip") + page(2, "x-gzip", name="content-encoding")
                             + page(3, long) + page(4, "gzip", "application/gzip") + page(5, "identity"))
        sent = "it is stored as it was sent, in the content encoding "
        none = "neither HTML nor plain text"
        told = [line["text"]["why"] for line in self.ok("-C", a, "history", "https://a.example/", "--json").lines]
        self.assertEqual(told, [sent + "gzip", sent + "x-gzip", sent + long[:40], none, none])
        out = self.ok("-C", a, "history", "https://a.example/").out.splitlines()
        self.assertTrue(out[1].endswith("changed, no text to compare: " + sent + "x-gzip"))
        self.assertIn(sent + "gzip", self.expect(3, "-C", a, "history", "--diff", "3", "4").err)
        self.assertRegex(self.ok("import", "--help").out, r"sent\s+compressed\s+\(Content-Encoding\)")

    def test_whole_or_records(self):
        for mode, entries in (("whole", 1), ("records", 2), ("both", 3)):
            a, r = self.imported(CASES["plain"], "--warc", mode, archive=self.archive(name=mode))
            self.assertEqual((r["imported"], len(self.members(a))), (entries, min(entries - 1, 2) if mode != "records" else 2))
        a, r = self.imported(CASES["plain"], "--as-file", archive=self.archive(name="file"))
        self.assertEqual(r["imported"], 1)
        self.expect(2, "-C", a, "import", self.file("y", "y"), "--warc", "none")
        requests = warcs.record("request", warcs.http(b""), content_type="application/http; msgtype=request")
        _, r = self.imported(requests, "--warc", "records", code=1, archive=a, name="requests.warc")
        self.assertEqual((r["imported"], [p["reason"] for p in r["problem_list"]]),
                         (0, ["nothing in it is of a kind that is taken"]))
        self.imported(requests, archive=a, name="requests.warc")
        # Known by its bytes, not by its name; and what only looks like one is a file.
        a, r = self.imported(CASES["plain"], name="page.html", archive=self.archive(name="named"))
        self.assertEqual(r["imported"], 3)
        a, r = self.imported(warcs.gzip.compress(b"no WARC"), name="x.gz", archive=self.archive(name="none"))
        self.assertEqual((r["imported"], r["problems"]), (1, 0))

    def test_each_once(self):
        """Also where two records are alike, or the same WARC comes again."""
        a, r = self.imported(CASES["twice"])
        self.assertEqual(r["imported"], 3)
        _, r = self.imported(CASES["twice"], archive=a, name="again.warc")
        self.assertEqual((r["imported"], r["already_known"]), (0, 3))
        _, r = self.imported(CASES["twice"], "--again", archive=a)
        self.assertEqual(r["imported"], 3)

    def test_dry_run_and_require(self):
        a = self.archive()
        r = self.ok("-C", a, "import", self.file("x", CASES["plain"]), "--dry-run", "--json")
        self.assertEqual(r.json["imported"], 3)
        self.assertEqual(self.ok("-C", a, "log", "--json").lines, [])
        r = self.expect(1, "-C", a, "import", self.file("x", CASES["no-date"]), "--warc", "records", "--json",
                        "--require", "captured").json
        self.assertEqual((r["imported"], r["refused"]), (0, 1))
        self.assertIn("captured is required", r["refusals"][0]["reason"])

    def test_require_is_of_the_records(self):
        """A WARC has no source; what is in it has. Kept alone, it is held to --require as any file."""
        a, r = self.imported(CASES["plain"], "--require", "source")
        self.assertEqual((r["imported"], r["refused"]), (3, 0))
        a = self.archive(name="b")
        _, r = self.imported(CASES["no-date"], "--require", "captured", archive=a, code=1)
        self.assertEqual((r["imported"], r["refused"]), (1, 1))
        for words in (["--warc", "whole"], ["--as-file"]):
            _, r = self.imported(CASES["plain"], "--require", "source", *words, archive=a, code=1)
            self.assertEqual((r["imported"], r["refused"]), (0, 1))

    def test_dates_and_identifiers(self):
        members, problems = self.case("year")
        self.assertEqual([m["captured"] for m in members], ["2026", "2026-01-02T03:04:05.123456Z"])
        self.assertEqual(self.case("angles")[0][0]["source"], "https://a.example/x y")
        members, problems = self.case("no-date")
        self.assertNotIn("captured", members[0])
        self.assertEqual(problems, ["the record has no WARC-Date"])
        members, problems = self.case("bad-date")
        self.assertIn("WARC-Date: 20260102030405", members[0]["header"])

    def test_warcinfo_in_force(self):
        by_id, newest = self.case("infos")[0]
        self.assertEqual((by_id["method"], by_id["captured_by"]), ("crawler 1.0", "A Library"))
        self.assertEqual(newest["method"], "other 2")
        self.assertNotIn("captured_by", newest)

    def test_kinds_of_records(self):
        self.assertEqual(self.bodies("types"), ([BODY], []))
        self.assertEqual(self.bodies("old"), ([BODY] * 2, []))
        self.assertEqual(self.bodies("bare-lf"), ([BODY] * 2, []))
        self.assertEqual(self.bodies("empty-body"), ([b""], []))
        self.assertEqual(self.bodies("dns")[0][0][:8], b"20260102")
        folded = self.case("folded")[0][0]
        self.assertIn('WARC-JSON-Metadata: {"a": 1}', folded["header"])
        _, problems = self.case("segments")
        self.assertEqual(len(problems), 2)

    # --- digests and transfer encoding ---

    def digests(self, name):
        members, problems = self.case(name)
        return [members[0]["bytes"], *members[0]["field"]], problems

    def test_digests(self):
        match, block = "payload-digest: match", "block-digest: match"
        self.assertEqual(self.digests("chunked"), ([BODY, match, block], []))
        self.assertEqual(self.digests("chunked-digest"),
                         ([BODY, "payload-digest: match over the transfer-encoded bytes", block], []))
        said, problems = self.digests("bad-digest")
        self.assertEqual(said, [BODY, "payload-digest: mismatch", block])
        self.assertIn("WARC-Payload-Digest", problems[0])
        self.assertEqual(self.digests("hex-digest")[0],
                         [BODY, match, "block-digest: not checked: a form that is not known"])

    def test_chunks(self):
        said, problems = self.digests("not-chunked")
        self.assertEqual((said[0], problems), (BODY, []))
        self.assertIn("transfer-encoding: said to be chunked, and is not: taken as it stands", said)
        for n in (255, 256, 257, 100000):  # around the longest line with a size that is waited for
            body = b"x" * n
            a, _ = self.imported(warcs.response(body, "Transfer-Encoding: chunked"), archive=self.archive(name=f"raw{n}"))
            self.assertEqual([m["bytes"] for m in self.members(a)], [body])
            self.verified(a)
        said, problems = self.digests("broken-chunks")
        self.assertTrue(said[0] and BODY.startswith(said[0]))
        self.assertTrue("incomplete: the chunks of the body break off or are not as they should be" in said)

    # --- revisits ---

    def test_revisits(self):
        for name in ("revisit", "revisit-id", "revisit-digest"):
            first, again = self.case(name)[0]
            self.assertEqual(again["bytes"], BODY, name)
            self.assertEqual(again["captured"], "2026-02-01")
            self.assertTrue(again["derived_from"][0].endswith("the document that this record repeats"))
            self.assertIn("status: HTTP/1.1 304 Not Modified", again["header"])
        for name in ("revisit-unresolved", "revisit-other"):
            again = self.case(name)[0][-1]
            self.assertIn("revisit: unresolved, the document is the revisit record in place of the payload",
                          again["field"])
            self.assertTrue(again["bytes"].startswith(b"WARC/1.1\r\nWARC-Type: revisit"), name)
            self.assertIn("slice: revisit record of a WARC record", again["derived_from"][0])

    def test_revisit_of_what_is_in_the_ledger(self):
        a, _ = self.imported(warcs.TWO[1], "--warc", "records")
        _, r = self.imported(warcs.revisit(WARC_Refers_To_Target_URI="https://a.example/",
                                           WARC_Refers_To_Date="2026-01-02T03:04:05Z"), archive=a, name="later.warc")
        self.assertEqual(self.members(a)[-1]["bytes"], BODY)
        # A revisit that stands in for its payload is nobody's payload.
        b, _ = self.imported(CASES["revisit-unresolved"], archive=self.archive(name="b"))
        self.imported(warcs.revisit(WARC_Refers_To_Target_URI="https://a.example/", WARC_Refers_To_Date="2026-02-01",
                                    id=8), archive=b, name="later.warc")
        self.assertIn("revisit: unresolved", self.members(b)[-1]["field"][0])

    def test_revisit_before_what_it_repeats(self):
        """One record, one capture: also once its payload is there."""
        early = warcs.revisit(WARC_Refers_To_Target_URI="https://a.example/", WARC_Refers_To_Date="2026-01-02T03:04:05Z")
        a, r = self.imported(early, "--warc", "records")
        self.assertEqual((r["imported"], r["revisits_unresolved"]), (1, 1))
        _, r = self.imported(warcs.TWO[1], "--warc", "records", archive=a, name="payload.warc")
        self.assertEqual(r["revisits_unresolved"], 0)
        for _ in range(2):
            _, r = self.imported(early, "--warc", "records", archive=a)
            self.assertEqual((r["imported"], r["already_known"]), (0, 1))
        self.assertIn("revisit: unresolved", self.members(a)[0]["field"][0])
        self.verified(a)

    # --- what is broken ---

    def test_broken(self):
        """name: bodies that are taken, words of the problems, what the first incomplete one says."""
        page = b"Another page.\n"
        expected = {
            "too-short": ([BODY[:10], BODY], ["does not end there"]),
            "too-long": ([BODY] * 20, ["another record begins inside"]),
            "too-long-gz": ([BODY], ["another record begins inside"]),
            "no-length": ([BODY], ["no Content-Length"]),
            "garbage": ([BODY, page], ["no record begins here"]),
            "cut": ([BODY, page[:-6]], ["breaks off after"]),
            "cut-in-head": ([BODY, b""], ["breaks off after"]),
            "damaged-gz": ([page], [""]),  # by where the damage is: a head, a body or the check value
            "bad-check-gz": ([page], ["the gzip data is damaged"]),
            "trailing-gz": ([BODY, page], ["no gzip member"]),
            "long-head": ([BODY], ["head of a record does not end"]),
            "many-headers": ([BODY], []),
            "long-headers": ([BODY], []),
        }
        for name, (bodies, words) in expected.items():
            members, problems = self.case(name)
            self.assertEqual([m["bytes"] for m in members], bodies, name)
            for word in words:
                self.assertTrue(any(word in p for p in problems), f"{name}: {problems}")
        members, problems = self.case("cut-gz")
        self.assertIn("incomplete", str(members[-1]["field"]))
        self.assertTrue(any("breaks off" in p for p in problems))
        for name in ("damaged-gz", "garbage", "no-length"):
            self.assertIn("salvaged", str(self.case(name)[0][-1]["field"]), name)
        self.assertIn("left-out", str(self.case("many-headers")[0][0]["field"]))
        self.assertIn("left-out", str(self.case("long-headers")[0][0]["field"]))

    def test_problems_say_where(self):
        a = self.archive()
        r = self.expect(1, "-C", a, "import", self.file("x.warc", CASES["garbage"]))
        at = len(b"".join(warcs.TWO[:2]))
        self.assertIn(f"x.warc    at byte {at}: no record begins here", r.err)
        self.assertIn("1 problem in containers", r.out)

    def test_receipt_says_where(self):
        a, out = self.archive(), self.dir / "r.csv"
        r = self.expect(1, "-C", a, "import", self.file("x.warc", CASES["garbage"]), "--receipt", str(out))
        with open(out, newline="", encoding="utf-8") as f:
            told = [row["reason"] for row in csv.DictReader(f) if row["status"] == "problem"]
        self.assertEqual(told, [f"at byte {len(b''.join(warcs.TWO[:2]))}: no record begins here"])
        self.assertIn(told[0], r.err)

    def test_problems_say_where_in_what_it_unpacks_to(self):
        """Of a WARC that is one gzip member or zstd frame all problems are at its byte 0."""
        bad = warcs.response(BODY, payload=b"other", id=2)
        for plain, told in ((b"".join(warcs.TWO) + bad, "the payload is not what WARC-Payload-Digest says"),
                            (b"".join(warcs.TWO) + bytes(700), "no record begins here")):
            for content in (warcs.gzip.compress(plain), self.zstd(plain)):
                _, r = self.imported(content, code=1, archive=self.archive(name=f"a{len(list(self.dir.iterdir()))}"))
                self.assertEqual([(p["offset"], p["reason"]) for p in r["problem_list"]],
                                 [(0, f"{told}, at byte {len(b''.join(warcs.TWO))} of what it unpacks to")])
        # Where it begins with a member of its own, the offset says it all.
        before = warcs.by_record(*warcs.TWO)
        _, r = self.imported(before + warcs.by_record(bad), code=1, archive=self.archive(name="own"))
        self.assertEqual([(p["offset"], p["reason"]) for p in r["problem_list"]],
                         [(len(before), "the payload is not what WARC-Payload-Digest says")])

    def test_every_byte_cut_off(self):
        """However it is cut: no crash, what was taken is right, and the archive verifies."""
        a = self.archive()
        names = []
        for at in range(7, len(CASES["by-record"]), 61):
            names.append(self.file(f"cut-{at}.warc.gz", CASES["by-record"][:at]))
        r = run("-C", a, "import", *names, "--warc", "records", "--json")
        self.assertIn(r.code, (0, 1), str(r))
        self.verified(a)
        for m in self.members(a):
            if "incomplete" not in str(m.get("field")):
                self.assertIn(m["bytes"], (BODY, b"Another page.\n"))

    def test_hostile(self):
        for name in ("hostile", "nul"):
            a = self.archive(name=name)
            self.safe(run("-C", a, "import", self.file("x.warc", CASES[name]), "--require", "title"))
            self.safe(run("-C", a, "import", self.file("x.warc", CASES[name])))
            self.safe(self.ok("-C", a, "show", "3"))
            self.safe(self.ok("-C", a, "log"))

    def test_bomb(self):
        bomb = warcs.by_record(warcs.TWO[1]) + warcs.gzip.compress(
            warcs.record("resource", bytes(400 << 20)), 9, mtime=0)
        a, r = self.imported(bomb, code=1)
        self.assertEqual(len(self.members(a)), 1)
        self.assertTrue(any("unpacks to more" in p["reason"] for p in r["problem_list"]))

    def test_lengths_that_overlap(self):
        """Each of many records says that all that follows is its own: that costs no more than reading them once."""
        n, size = 1800, 400
        one = [warcs.record("resource", b"x" * size, id=i, length=(n - i) * 600) for i in range(n)]
        a, r = self.imported(b"".join(one), code=1)
        self.assertEqual((r["imported"], r["refused"]), (2, n - 1))  # the WARC, and the last, which is cut off
        self.assertIn("breaks off", str(self.members(a)[0]["field"]))

    def test_lengths_that_lead_to_one_place(self):
        """As many that all end at one place, where a line ends and no record: none is read as far as that."""
        many, follow = [], 0
        for i in range(6000, 0, -1):
            many.append(warcs.record("resource", b"x" * 600, id=i, length=604 + follow))
            follow += len(many[-1])
        _, r = self.imported(b"".join(many[::-1]) + b"\r\nno record", code=1)
        self.assertFalse([p for p in r["problem_list"] if "unpacks to more" in p["reason"]])
        self.assertEqual(r["refused"], 5999)  # the last does not end where it says

    def cost(self, content):
        """CPU seconds of a dry run, its workers' with it; and what it said."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        r = self.expect(1, "-C", self.a, "import", self.file("x.warc", content), "--dry-run", "--json")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, r.json

    def test_heads_that_never_end(self):
        """Many that begin where none ends cost little more than the run itself: each byte is looked through once."""
        def heads(line, n):
            return warcs.record("resource", BODY) + line * n
        for name, line, pack in (("lines", b"WARC/1.0\r\n", bytes), ("amid lines", b"x WARC/1.0\n", bytes),
                                 ("one line", b"WARC/1.0\r", bytes), ("gzip", b"WARC/1.0\r\n", warcs.gzip.compress),
                                 ("pieces", b"WARC/1.0\r\n" * 100, warcs.gzip.compress),
                                 ("zstd", b"WARC/1.0\r\n", self.zstd)):
            n = 200000 * 10 // len(line)
            many = b"".join(map(pack, [heads(line, 0)] + [line] * n)) if name == "pieces" else pack(heads(line, n))
            few, said = self.cost(pack(heads(line, 10)))
            self.assertEqual(said["imported"], 2, name)
            spent, said = self.cost(many)
            self.assertEqual((said["imported"], said["problems"]), (2, 1000), name)
            self.assertLess(spent, 20 * few + 1, name)

    # --- interrupted ---

    def test_interrupted_among_problems(self):
        """Who asks to stop does not wait until the worker has told all that is wrong; and nothing of it is recorded."""
        a = self.archive()
        path = self.file("x.warc", b"WARC/1.0\r\n" * 8000000)
        p = subprocess.Popen([support.VIDIMUS, "-C", a, "import", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        p.send_signal(signal.SIGTERM)
        err = p.communicate()[1]
        self.assertEqual(p.returncode, 3, err)
        self.assertIn(b"x.warc    interrupted", err)
        self.assertEqual(self.ok("-C", a, "log", "--json").lines, [])

    def test_interrupted_and_run_again(self):
        """Each record once, wherever it was interrupted."""
        many = b"".join(warcs.response(b"page %d\n" % (i // 3), id=i + 1, uri=f"https://a.example/{i // 3}")
                        for i in range(2000))
        path = self.file("many.warc", many)
        for number in (signal.SIGINT, signal.SIGKILL):
            a = self.archive(name=f"a{number}")
            ledger = pathlib.Path(a, "store", "ledger.db")
            empty = ledger.stat().st_size
            with subprocess.Popen([support.VIDIMUS, "-C", a, "import", path], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as p:
                # Some are recorded, most are not.
                while p.poll() is None and ledger.stat().st_size == empty:
                    time.sleep(0.01)
                p.send_signal(number)
                p.communicate()
            self.assertNotEqual(p.returncode, 0, "it was not interrupted")
            self.assertGreater(ledger.stat().st_size, empty)
            self.ok("-C", a, "import", path)
            lines = self.ok("-C", a, "log", "--json").lines
            ids = [l["record"]["record_id"][0] for l in lines if "record_id" in l["record"]]
            self.assertEqual((len(ids), len(set(ids))), (2000, 2000))
            self.verified(a)


if __name__ == "__main__":
    support.main()
