#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""log, show, cat, status, verify of an archive, reindex; colour and progress."""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import sqlite3

import support
from support import run


class Looking(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a, cls.docs = cls.fill()

    def filled(self):
        target = str(self.dir / "copy")
        shutil.copytree(self.a, target, copy_function=shutil.copy2)
        return target

    def numbers(self, *words):
        return [l["entry"] for l in self.ok("-C", self.a, "log", "--json", *words).lines]

    def test_log(self):
        self.assertEqual(self.numbers(), [7, 6, 5, 4, 3, 2])
        self.assertEqual(self.numbers("--limit", "2"), [7, 6])
        self.assertEqual(self.numbers("--limit", "0"), [])
        self.assertEqual(self.numbers("--source", "https://e/1"), [7, 5, 3])
        self.assertEqual(self.numbers("--collection", "C1"), [6, 3])
        self.assertEqual(self.numbers("--issuer", "Issuer 2"), [4])
        self.assertEqual(self.numbers("--issuer", "Issuer"), [])
        self.assertEqual(self.numbers("--source", "https://e/1", "--collection", "C1"), [3])
        self.assertEqual(len(self.numbers("--from", "2026")), 6)
        self.assertEqual(self.numbers("--to", "2025-12-31"), [])
        self.assertEqual(len(self.numbers("--to", "9999")), 6)
        self.assertEqual(self.numbers("--from", "9999-12"), [])
        recorded = self.ok("-C", self.a, "log", "--json").lines[0]["recorded"]
        for part in (recorded, recorded[:10], recorded[:7], recorded[:4]):
            self.assertIn(7, self.numbers("--from", part, "--to", part))
        out = self.ok("-C", self.a, "log").out.splitlines()
        self.assertRegex(out[0], r"^ +7  \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  Title 5  ·  https://e/1$")

    def test_show_entry(self):
        out = self.ok("-C", self.a, "show", "4").out
        for text in ("entry 4", "capture", support.SIGNER, "Title 2", "Issuer 2", "https://e/0",
                     "text/plain", "12 bytes", "d2.txt", "captures 2, 4, 6"):
            self.assertIn(text, out)
        self.assertIn("genesis", self.ok("-C", self.a, "show", "0").out)
        self.assertIn(support.SIGNER + " as signer", self.ok("-C", self.a, "show", "1").out)
        for n in ("8", "99999999"):
            r = self.expect(3, "-C", self.a, "show", n)
            self.assertIn(f"no entry {n}", r.err)
        note = self.ok("-C", self.a, "show", "4", "--json").json["entry_note"]
        self.assertTrue(note.startswith("vidimus/capture/v1\n"))
        self.ok("-C", self.a, "show", "1", "--json")

    def test_show_file(self):
        r = self.ok("-C", self.a, "show", str(self.docs / "d3.txt"))
        self.assertTrue(r.out.startswith("entry 5 "))
        digest = hashlib.sha256(b"statement 3\n").hexdigest()
        self.assertEqual(self.ok("-C", self.a, "show", "sha256:" + digest).out, r.out)
        r = self.expect(1, "-C", self.a, "show", self.file("new", "statement 3"))
        self.assertIn("is not in this ledger", r.out)
        r = self.expect(1, "-C", self.a, "show", self.dir / "new", "--json")
        self.assertIsNone(r.json["entry"])
        r = self.expect(1, "-C", self.a, "show", "sha256:" + "0" * 64)
        self.assertIn("not in this ledger", r.out)
        self.expect(3, "-C", self.a, "show", "missing")
        self.expect(3, "-C", self.a, "show", ".")

    def test_number_or_file(self):
        self.file("5", "statement 1\n")
        r = self.ok("-C", self.a, "show", "5", cwd=self.dir)
        self.assertTrue(r.out.startswith("entry 5 "))
        r = self.ok("-C", self.a, "show", "./5", cwd=self.dir)
        self.assertTrue(r.out.startswith("entry 3 "))
        self.assertEqual(self.ok("-C", self.a, "cat", "5").out, "statement 3\n")

    def test_cat(self):
        self.assertEqual(self.ok("-C", self.a, "cat", "2").raw_out, b"statement 0\n")
        self.expect(2, "-C", self.a, "cat", "0")
        self.expect(3, "-C", self.a, "cat", "99")
        a = self.filled()
        digest = hashlib.sha256(b"statement 0\n").hexdigest()
        doc = support.Document(a, digest)
        doc.chmod(0o644)
        doc.write_bytes(b"statement X\n")
        r = self.expect(3, "-C", a, "cat", "2")
        self.assertIn("damaged", r.err)
        r = self.expect(1, "-C", a, "verify")
        self.assertTrue(r.out.startswith("ALTERED  1 finding in "))
        self.assertRegex(r.out, r"document-corrupt +entry 2")
        for other in (b"statement X\n", b"cut short"):
            doc.write_bytes(other)
            finding, = self.expect(1, "-C", a, "verify", "--json").json["findings"]
            self.assertEqual((finding["expected"], finding["found"]), (digest, hashlib.sha256(other).hexdigest()))
        r = self.ok("-C", a, "verify", "--no-documents")
        self.assertIn("No document itself was looked at", r.out)
        doc.unlink()
        r = self.expect(1, "-C", a, "verify", "--json").json
        self.assertEqual([f["kind"] for f in r["findings"]], ["document-missing"])
        self.assertFalse(r["ok"])
        self.expect(3, "-C", a, "cat", "2")
        # The same bytes, imported again, mend it.
        r = self.ok("-C", a, "import", str(self.docs / "d0.txt"))
        self.verified(a)

    def test_many_notices_of_one_kind(self):
        a = self.archive()
        for i in range(45):
            name = hashlib.sha256(b"%d" % i).hexdigest()
            path = pathlib.Path(a, "store/objects", name[:2], name[2:])
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"%d" % i)
        r = self.ok("-C", a, "verify")
        self.assertEqual(len(re.findall(r"^  orphan-document +[0-9a-f]{64}$", r.out, re.M)), 20)
        self.assertRegex(r.out, r"(?m)^  orphan-document +and 25 more ")
        self.assertTrue(r.out.endswith("or that the source served it.\n"))
        self.assertEqual(self.ok("-C", a, "verify", "-v").out.count("orphan-document"), 45)
        kinds = [n["kind"] for n in self.ok("-C", a, "verify", "--json").json["notices"]]
        self.assertEqual(kinds.count("orphan-document"), 45)

    def test_status(self):
        r = self.ok("-C", self.a, "status")
        for text in (support.ORIGIN, "entries      8", "6 of 6 documents", "agrees", "authority"):
            self.assertIn(text, r.out)
        j = self.ok("-C", self.a, "status", "--json").json
        self.assertEqual((j["size"], j["captures"], j["documents"], j["bytes"], j["guard"]),
                         (8, 6, 6, 72, "current"))
        root = self.ok("-C", self.a, "checkpoint").out.splitlines()[2]
        self.assertEqual(j["root"], root)
        self.assertIn(root, r.out)

    def test_verify_archive(self):
        r = self.ok("-C", self.a, "verify")
        self.assertTrue(r.out.startswith("VERIFIED  "))
        self.assertIn("8 entries, 6 documents, 72 bytes", r.out)
        self.assertIn(support.ORIGIN + "/authority", r.out)
        self.assertNotIn("freshness", self.ok("-C", self.a, "verify", "-q").out)
        other = self.archive(name="other")
        self.ok("init", str(self.dir / "o"), "--origin", "o.example", "--no-passphrase")
        r = self.expect(4, "-C", self.a, "verify", "--trust",
                        str(self.dir / "o/keys/authority.pub"))
        self.assertTrue(r.out.startswith("INTACT, KEY NOT TRUSTED"))
        a = self.filled()
        os.remove(a + "/keys/authority.pub")
        r = self.expect(3, "-C", a, "verify")
        self.assertIn("authority.pub", r.err)
        self.ok("-C", a, "verify", "--trust", other + "/keys/authority.pub")

    def edit_catalog(self, archive, statement, *values):
        with sqlite3.connect(archive + "/store/catalog.db") as catalog:
            catalog.execute(statement, values)
        catalog.close()

    def test_catalog_that_lies(self):
        """It leads to entries, and never decides what they are."""
        a = self.filled()
        new = self.file("new.txt", "a brand new statement\n")
        digest = hashlib.sha256(b"a brand new statement\n").digest()
        self.edit_catalog(a, "UPDATE capture SET document = ?, source = NULL, captured = NULL "
                          "WHERE n = 3", digest)
        self.edit_catalog(a, "INSERT INTO lead0 VALUES(?, 3)", int.from_bytes(digest[:8], "big") >> 1)
        self.one_clear_line(self.expect(3, "-C", a, "import", str(new)))
        self.one_clear_line(self.expect(3, "-C", a, "show", str(new)))
        self.ok("-C", a, "reindex")
        self.edit_catalog(a, "UPDATE capture SET source = 'https://e/new' WHERE n = 3")
        key = int.from_bytes(hashlib.sha256(b"https://e/new").digest()[:8], "big") >> 1
        self.edit_catalog(a, "INSERT INTO lead0 VALUES(?, 3)", -1 - key)
        self.expect(3, "-C", a, "import", str(new), "--source", "https://e/new")
        self.ok("-C", a, "reindex")
        self.ok("-C", a, "import", str(new), "--source", "https://e/new")
        self.verified(a)

    def test_journal_that_is_no_file(self):
        a = self.filled()
        journal = pathlib.Path(a, "store/ledger.db-journal")
        journal.unlink(missing_ok=True)
        os.mkfifo(journal)
        self.assertIn("ledger-schema", self.expect(1, "-C", a, "verify", timeout=20).out)
        self.expect(3, "-C", a, "import", str(self.docs), timeout=20)

    def test_kept_checkpoint_over_nothing(self):
        a = self.filled()
        lines = self.ok("-C", a, "checkpoint").out.split("\n")
        lines[1:3] = ["0", base64.b64encode(hashlib.sha256(b"").digest()).decode()]
        kept = self.file("kept", "\n".join(lines))
        r = self.expect(1, "-C", a, "verify", "--checkpoint", str(kept))
        self.assertIn("checkpoint-invalid", r.out)

    def test_catalog_lost(self):
        a = self.filled()
        os.remove(a + "/store/catalog.db")
        for words in (["log"], ["show", str(self.docs / "d3.txt")],
                      ["bundle", "-o", str(self.dir / "o.tar"), "--collection", "C0"]):
            r = self.expect(3, "-C", a, *words)
            self.assertIn("reindex", r.err)
        self.assertIn("reindex", self.ok("-C", a, "status").out)
        self.ok("-C", a, "show", "4")
        self.ok("-C", a, "verify")
        self.assertIn("8 entries", self.ok("-C", a, "reindex").out)
        self.assertEqual(self.ok("-C", a, "log").out, self.ok("-C", self.a, "log").out)
        pathlib.Path(a, "store/catalog.db").write_bytes(b"junk" * 3000)
        self.expect(3, "-C", a, "log")
        self.ok("-C", a, "reindex")
        self.assertEqual(self.ok("-C", a, "log").out, self.ok("-C", self.a, "log").out)
        os.remove(a + "/store/catalog.db")
        self.ok("-C", a, "import", self.file("d.txt"))
        self.assertEqual(len(self.ok("-C", a, "log").out.splitlines()), 7)

    def test_no_colour_in_a_pipe(self):
        r = self.ok("-C", self.a, "verify")
        self.assertNotIn("\x1b", r.out + r.err)
        self.assertNotIn("\r", r.out + r.err)

    def test_colour_on_a_terminal(self):
        r = support.on_terminal("-C", self.a, "verify")
        self.assertEqual(r.code, 0)
        self.assertIn("\x1b[1;32mVERIFIED\x1b[0m", r.out)
        r = support.on_terminal("-C", self.a, "verify", NO_COLOR="1")
        self.assertNotIn("\x1b[1;32m", r.out)
        r = support.on_terminal("-C", self.a, "verify", NO_COLOR="")
        self.assertIn("\x1b[1;32m", r.out)

    def test_progress(self):
        a = self.archive()
        src = self.folder(1)
        (src / "big").write_bytes(bytes(200 << 20))
        seen = support.on_terminal("-C", a, "import", str(src), "--dry-run")
        self.assertEqual(seen.code, 0, str(seen))
        self.assertRegex(seen.out, r"importing  [█░]{20}  .* of 2 ")
        # It is wiped away before the result.
        self.assertRegex(seen.out, r"\r\x1b\[K2 statements would be recorded")
        for words in (["--no-progress"], ["-q"], ["--json"]):
            r = support.on_terminal("-C", a, "import", str(src), "--dry-run", *words)
            self.assertNotIn("importing", r.out, words)
        r = self.ok("-C", a, "import", str(src), "--dry-run")
        self.assertNotIn("importing", r.out + r.err)


if __name__ == "__main__":
    support.main()
