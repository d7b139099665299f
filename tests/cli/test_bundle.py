#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bundles, receipts, proofs, checkpoints: made, checked, cut off, altered."""

import io
import os
import pathlib
import tarfile

import support
from support import run


class Handed(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a, _ = cls.fill(times=20)
        cls.pub = cls.a + "/keys/authority.pub"

    def bundle(self, *words, name="o.tar", code=0, **env):
        out = str(self.dir / name)
        r = self.expect(code, "-C", self.a, "bundle", "-o", out, *words, **env)
        self.assertEqual(os.path.exists(out), code == 0)
        return out, r

    def verify(self, code, *words):
        r = run("verify", *words, cwd=self.dir)
        self.assertEqual(r.code, code, str(r))
        return r

    def members(self, path):
        with tarfile.open(path) as t:
            return [m.name.split("/", 1)[1] for m in t.getmembers()]

    def test_forms(self):
        for name in ("o.tar", "o.tar.gz", "o.tgz", "o.tar.zst"):
            out, r = self.bundle("--all", name=name)
            self.assertIn("6 captures, 6 documents", r.out)
            self.assertIn("completeness is not proved", r.out)
            self.assertIn("authority.pub", r.out)
            r = self.verify(0, out, "--trust", self.pub)
            self.assertTrue(r.out.startswith("VERIFIED  "))
            self.assertIn("completeness not proved", r.out)
            self.assertIn("It does not show that a statement is true", r.out)
            self.assertIn(support.ORIGIN + "/authority", r.out)
        for name in ("o", "o.zip", "o.tar.xz", "tar"):
            self.bundle("--all", name=name, code=2)

    def test_selection(self):
        for words, files in ((["--entries", "3,5-7"], 4), (["--source", "https://e/1"], 3),
                             (["--collection", "C0"], 2), (["--issuer", "Issuer 4"], 1),
                             (["--from", "2020"], 6), (["--collection", "C0", "--source",
                                                        "https://e/0"], 1)):
            out, _ = self.bundle(*words)
            got = [m for m in self.members(out) if m.startswith("data/files/")]
            self.assertEqual(len(got), files, words)
            self.verify(0, out, "--trust", self.pub)
            os.remove(out)
        for words in (["--entries", "0"], ["--entries", "99"], ["--source", "nowhere"],
                      ["--to", "2020"], ["--entries", "x"], ["--from", "2020", "--all"]):
            self.bundle(*words, code=2)
        _, r = self.bundle("--entries", "99", code=2)
        size = int(self.ok("-C", self.a, "checkpoint").out.splitlines()[1])
        self.assertIn(f"there is no entry 99: the ledger has {size} entries, 0 to {size - 1}\n", r.err)

    def test_not_written_over(self):
        out = pathlib.Path(self.file("o.tar", "precious"))
        r = self.expect(3, "-C", self.a, "bundle", "-o", str(out), "--all")
        self.assertRegex(r.err, "exists|already")
        self.assertEqual(out.read_text(), "precious")
        self.expect(3, "-C", self.a, "bundle", "-o", str(self.dir / "no/o.tar"), "--all")
        self.expect(3, "-C", self.a, "prove", "2", "-o", str(out))
        self.expect(3, "-C", self.a, "checkpoint", "-o", str(out))
        self.assertEqual(out.read_text(), "precious")
        good, _ = self.bundle("--all", name="g.tar")
        r = self.expect(3, "verify", good, "--trust", self.pub, "--report", str(out))
        self.assertEqual(r.out, "", "refused before the work")
        self.assertEqual(out.read_text(), "precious")
        for command, words in (("verify", "a new file"), ("bundle", "a new file"),
                               ("audit", "in place of an older one")):
            self.assertIn(words, " ".join(self.ok(command, "--help").out.split()))

    def test_disclosure(self):
        out, r = self.bundle("--all", "--disclose", "document,title")
        self.assertIn("6 partly disclosed", r.out)
        raw = pathlib.Path(out).read_bytes()
        self.assertIn(b"Title 3", raw)
        self.assertNotIn(b"https://e/1", raw)
        r = self.verify(0, out, "--trust", self.pub)
        self.assertIn("6 of 6 captures PARTLY DISCLOSED", r.out)
        self.assertIn("may qualify or contradict", r.out)
        out, _ = self.bundle("--all", "--disclose", "title", name="no-doc.tar")
        self.assertFalse([m for m in self.members(out) if m.startswith("data/files/")])
        self.verify(0, out, "--trust", self.pub)

    def test_receipt(self):
        out, r = self.bundle("--entries", "3", "--without-documents")
        self.assertNotIn(b"statement 1\n", pathlib.Path(out).read_bytes())
        r = self.verify(0, out, "--trust", self.pub)
        self.assertIn("No document itself was looked at", r.out)
        doc = str(self.shared / "docs/d1.txt")
        r = self.verify(0, out, "--trust", self.pub, "--document", doc)
        self.assertIn("exactly these bytes", r.out)
        page = self.dir / "r.html"
        self.verify(0, out, "--trust", self.pub, "--document", doc, "--report", str(page))
        self.assertIn("your file", page.read_text())
        r = self.verify(1, out, "--trust", self.pub, "--document", self.file("other", "other"))
        self.assertNotIn("VERIFIED", r.out)
        self.verify(3, out, "--trust", self.pub, "--document", "missing")

    def test_seal(self):
        out, _ = self.bundle("--all", "--unsealed")
        r = self.verify(1, out, "--trust", self.pub)
        self.assertIn("unsealed", r.out)
        self.verify(0, out, "--trust", self.pub, "--allow-unsealed")
        a = self.archive(1, name="nokeys")
        for key in pathlib.Path(a, "keys").glob("*.key"):
            key.unlink()
        self.expect(3, "-C", a, "bundle", "-o", str(self.dir / "s.tar"), "--all")
        self.ok("-C", a, "bundle", "-o", str(self.dir / "u.tar"), "--all", "--unsealed")

    def test_reproducible(self):
        made = []
        for name, words, env in (
                ("1/o.tar.gz", ["--created", "2026-01-02T03:04:05Z"], {}),
                ("2/o.tar.gz", ["--created", "2026-01-02T03:04:05Z"],
                 {"SOURCE_DATE_EPOCH": "5"}),
                ("3/o.tar.gz", [], {"SOURCE_DATE_EPOCH": "1767323045"})):
            (self.dir / name).parent.mkdir()
            out, _ = self.bundle("--all", *words, name=name, **env)
            made.append(pathlib.Path(out).read_bytes())
        self.assertEqual(made[0], made[1])
        self.assertEqual(made[0], made[2])
        self.bundle("--all", code=2, SOURCE_DATE_EPOCH="soon")
        self.bundle("--all", "--created", "2026", code=2)

    def test_trust(self):
        out, _ = self.bundle("--all")
        r = self.verify(4, out)
        self.assertTrue(r.out.startswith("INTACT, KEY NOT TRUSTED"), r.out)
        self.assertIn("key-untrusted", r.out)
        ledger = self.ok("-C", self.a, "key", "export", support.ORIGIN).out
        self.verify(0, out, "--trust", ledger.strip())
        self.verify(0, out, "--trust", self.file("l.pub", ledger))
        other = self.dir / "other"
        self.ok("init", str(other), "--origin", support.ORIGIN, "--no-passphrase")
        self.verify(4, out, "--trust", str(other / "keys/authority.pub"))
        self.verify(0, out, "--trust", str(other / "keys/authority.pub"), "--trust", self.pub)
        self.verify(3, out, "--trust", "missing.pub")
        self.verify(2, out, "--trust", "")

    def test_policy(self):
        out, _ = self.bundle("--all")
        ledger = self.ok("-C", self.a, "key", "export", support.ORIGIN).out.strip()
        good = self.file("good", f"log {ledger}\nquorum none\n")
        self.verify(0, out, "--policy", good)
        witness = self.ok("-C", self.a, "key", "export", support.SIGNER).out.strip()
        strict = self.file("strict", f"log {ledger}\nwitness w {witness}\nquorum w\n")
        r = run("verify", out, "--policy", strict)
        self.assertIn(r.code, (1, 3), str(r))
        if r.code == 1:
            self.assertIn("quorum-unmet", r.out)
        self.verify(3, out, "--policy", self.file("bad", "nonsense\n"))
        self.verify(3, out, "--policy", "missing")

    def test_cut_off_anywhere(self):
        for name in ("o.tar", "o.tar.gz", "o.tar.zst"):
            out, _ = self.bundle("--entries", "2,5", name=name)
            whole = pathlib.Path(out).read_bytes()
            n = len(whole)
            points = {1024 if name == "o.tar" else 40, 600, n // 7, n // 3, n // 2, n * 3 // 4,
                      n - 600, n - 1}
            for at in sorted(p for p in points if p < n):
                cut = self.file("cut.tar", whole[:at])
                r = self.verify(1, cut, "--trust", self.pub)
                self.assertTrue(r.out.startswith("INCOMPLETE"), f"{name} at {at}: {r}")
                self.assertEqual(self.verify(1, cut, "--trust", self.pub, "--json")
                                 .json["verdict"], "INCOMPLETE")

    def test_altered_anywhere(self):
        out, _ = self.bundle("--entries", "2,5")
        whole = bytearray(pathlib.Path(out).read_bytes())
        for at in range(100, len(whole), len(whole) // 40):
            whole[at] ^= 1
            r = run("verify", self.file("bad.tar", bytes(whole)), "--trust", self.pub)
            self.assertIn(r.code, (1, 3), f"at {at}: {r}")
            self.assertNotIn("VERIFIED", r.out)
            whole[at] ^= 1

    def test_one_byte_of_a_document(self):
        out, _ = self.bundle("--all")
        raw = pathlib.Path(out).read_bytes().replace(b"statement 3\n", b"statement 4\n", 1)
        r = self.verify(1, self.file("bad.tar", raw), "--trust", self.pub)
        self.assertTrue(r.out.startswith("ALTERED"), r.out)
        self.assertRegex(r.out, r"document-corrupt +entry 5  data/files/000005\.txt")
        self.assertRegex(r.out, r"expected \S*[0-9a-f]{64}\n    found    \S*[0-9a-f]{64}\n")
        f = [f for f in self.verify(1, "bad.tar", "--trust", self.pub, "--json").json["findings"]
             if f["kind"] == "document-corrupt"][0]
        self.assertEqual(f["entry"], 5)
        for key in ("document", "expected", "found", "message"):
            self.assertTrue(f[key])

    def test_extra_member(self):
        out, _ = self.bundle("--all")
        with tarfile.open(out, "a") as t:
            m = tarfile.TarInfo("../../etc/evil")
            m.size = 4
            t.addfile(m, io.BytesIO(b"evil"))
        before = support.listing(self.dir)
        self.verify(1, out, "--trust", self.pub)
        self.assertEqual(support.listing(self.dir), before)

    def test_not_a_bundle(self):
        for content in (b"", b"x", b"hello world\n" * 5, os.urandom(3000), bytes(20),
                        b"%PDF-1.4\n%\xff\n" + bytes(2000)):
            r = run("verify", self.file("x.tar", content), "--trust", self.pub)
            self.assertEqual(r.code, 3, f"{content[:20]}: {r}")
            self.assertIn("COULD NOT CHECK", r.err + r.out)
        for what in ("missing.tar", ".", "/dev/null"):
            r = self.verify(3, what, "--trust", self.pub)
            self.assertIn(what, r.err)
        os.mkfifo(self.dir / "pipe")
        self.verify(3, "pipe")
        r = self.verify(3, "x.tar", "--json")
        self.assertEqual((r.json["verdict"], r.json["ok"]), ("COULD NOT CHECK", False))

    def test_several(self):
        good, _ = self.bundle("--all", name="good.tar")
        raw = pathlib.Path(good).read_bytes()
        bad = self.file("bad.tar", raw.replace(b"statement 3\n", b"statement 4\n", 1))
        none = self.file("none.tar", "nothing\n" * 10)
        trust = ["--trust", self.pub]
        self.verify(0, good, good, *trust)
        for order in ([good, bad, none], [none, good, bad], [bad, none, good]):
            r = self.verify(1, *order, *trust)
            self.assertIn("VERIFIED  ", r.out)
            self.assertIn("ALTERED", r.out)
            self.assertIn("COULD NOT CHECK", r.err)
        self.verify(3, good, none, *trust)
        self.verify(3, none, good, *trust)
        self.verify(3, none, good)
        self.verify(4, good, good)
        r = self.verify(1, good, bad, none, "--json", *trust)
        self.assertEqual([l["verdict"] for l in r.lines], ["VERIFIED", "ALTERED",
                                                           "COULD NOT CHECK"])
        page = self.dir / "r.html"
        self.verify(1, good, bad, none, "--report", str(page), *trust)
        for words in ("VERIFIED", "ALTERED", "COULD NOT CHECK", "none.tar"):
            self.assertIn(words, page.read_text())

    def test_checking_writes_nothing(self):
        good, _ = self.bundle("--all", name="good.tar.zst")
        empty = self.dir / "empty"
        empty.mkdir()
        before = support.listing(self.dir)
        self.ok("verify", good, "--trust", self.pub, cwd=empty, TMPDIR=str(empty))
        self.assertEqual(support.listing(self.dir), before)

    def test_items(self):
        out, _ = self.bundle("--entries", "2-4")
        r = self.verify(0, out, "--trust", self.pub, "-v")
        for n in (2, 3, 4):
            self.assertRegex(r.out, rf"entry {n} +good +document checked   Title {n - 2}")
        self.assertNotIn("Title 2", self.verify(0, out, "--trust", self.pub).out)

    def test_proof(self):
        ledger = self.ok("-C", self.a, "key", "export", support.ORIGIN).out.strip()
        p = str(self.dir / "2.tlog-proof")
        r = self.ok("-C", self.a, "prove", "2", "-o", p)
        text = pathlib.Path(p).read_text()
        self.assertTrue(text.startswith("c2sp.org/tlog-proof@v1\n"))
        self.assertEqual(self.ok("-C", self.a, "prove", "2", "-o", "-").out, text)
        r = self.verify(0, p, "--trust", ledger)
        self.assertIn("VERIFIED", r.out)
        self.assertIn("were not looked at", r.out)
        self.assertNotIn("exactly these bytes", r.out)
        self.assertEqual(self.verify(0, p, "--trust", ledger, "--json").json["kind"], "proof")
        self.verify(4, p)
        bad = text.replace("\nindex 2\n", "\nindex 3\n")
        self.assertNotEqual(bad, text)
        r = self.verify(1, self.file("bad.tlog-proof", bad), "--trust", ledger)
        self.assertRegex(r.out, "proof-invalid|leaf-mismatch")
        self.expect(3, "-C", self.a, "prove", "99", "-o", p + "2")
        self.assertFalse(os.path.exists(p + "2"))

    def test_no_bundle_to_compare_a_document_with(self):
        """A proof says nothing of a document, right or wrong; with a bundle beside it, the bundle does."""
        proof, bundle = str(self.dir / "2.tlog-proof"), self.bundle("--entries", "2")[0]
        self.ok("-C", self.a, "prove", "2", "-o", proof)
        self.ok("-C", self.a, "checkpoint", "-o", str(self.dir / "checkpoint"))
        right = self.file("right.txt", self.ok("-C", self.a, "cat", "2").out)
        ledger = self.ok("-C", self.a, "key", "export", support.ORIGIN).out.strip()
        for document in (right, self.file("wrong.txt", "another\n")):
            r = self.verify(3, proof, "--document", document, "--trust", ledger)
            for words in ("COULD NOT CHECK", "not the record", "without --document, it is VERIFIED", "bundle"):
                self.assertIn(words, r.err)
            self.assertNotIn("NO MATCH", r.out + r.err)
            self.verify(3, str(self.dir / "checkpoint"), "--document", document, "--trust", ledger)
        wrong = self.file("bad.tlog-proof", pathlib.Path(proof).read_text().replace("\nindex 2\n", "\nindex 3\n"))
        self.verify(1, wrong, "--document", right, "--trust", ledger)
        for files in ((bundle, proof), (proof, bundle)):
            words = (*files, "--trust", ledger, "--trust", self.pub, "--document")
            self.verify(0, *words, right)
            self.assertIn("NO MATCH", self.verify(1, *words, self.file("wrong.txt", "another\n")).out)

    def test_checkpoints(self):
        a = self.archive(1)
        self.ok("-C", a, "import", self.file("d.txt"))
        first = self.ok("-C", a, "checkpoint", "--at", "3").out
        self.assertEqual(first.splitlines()[:2], [support.ORIGIN, "3"])
        newest = str(self.dir / "newest")
        self.ok("-C", a, "checkpoint", "-o", newest)
        self.assertEqual(pathlib.Path(newest).read_text(), self.ok("-C", a, "checkpoint").out)
        r = self.expect(2, "-C", a, "checkpoint", "--at", "1")
        self.assertIn("no checkpoint of size 1", r.err)
        for at in ("77", "x", "-1"):
            self.expect(2, "-C", a, "checkpoint", "--at", at)
        old = self.file("old", first)
        r = self.ok("-C", a, "verify", "--checkpoint", old, "--checkpoint", newest)
        self.assertNotIn("freshness-unknown", r.out)
        self.assertIn("freshness-unknown", self.ok("-C", a, "verify").out)
        b = self.archive(2, name="b")
        r = self.expect(1, "-C", b, "verify", "--checkpoint", newest)
        self.assertRegex(r.out, "forked")
        c = self.archive(name="c")
        r = self.expect(1, "-C", c, "verify", "--checkpoint", newest)
        self.assertRegex(r.out, "rolled-back|truncated")
        self.expect(3, "-C", a, "verify", "--checkpoint", "missing")
        r = run("-C", a, "verify", "--checkpoint", self.file("junk", "junk\n"))
        self.assertIn(r.code, (1, 3), str(r))
        ledger = self.ok("-C", a, "key", "export", support.ORIGIN).out.strip()
        r = self.verify(0, old, "--trust", ledger)
        self.assertIn("No entry and no document was looked at", r.out)
        self.assertNotIn("exactly these bytes", r.out)


if __name__ == "__main__":
    support.main()
