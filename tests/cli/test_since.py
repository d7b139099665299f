#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""verify --since: what this reader has checked before is not checked again, and nobody else can say so."""

import json
import os
import pathlib
import shutil
import sqlite3
import sys

import support

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
import vidimus_format as fmt  # noqa: E402  the second implementation


class Since(support.Case):
    def setUp(self):
        super().setUp()
        self.a = self.archive(3)
        self.note = self.dir / "checked"

    def check(self, *options, archive=None):
        return support.run("-C", archive or self.a, "verify", "--since", str(self.note), *options)

    def first(self):
        r = self.check()
        self.assertEqual(r.code, 0, r.err)
        return self.note.read_text()

    def stranger(self):
        """An archive of other keys; that of setUp and its like are copies of one."""
        path = str(self.dir / "stranger")
        self.ok("init", path, "--origin", support.ORIGIN, "--signer", support.SIGNER, "--no-passphrase")
        self.ok("-C", path, "import", self.file("s.txt", "s"))
        return path

    def edit(self, sql, *values):
        db = sqlite3.connect(self.a + "/store/ledger.db")
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(sql, values)
        for _, text in triggers:
            db.execute(text)
        db.commit()
        db.close()

    def test_goes_on(self):
        first = self.first()
        self.assertIn("vidimus/verified/v1\n", first)
        self.assertEqual(self.note.stat().st_mode & 0o777, 0o600)
        self.ok("-C", self.a, "import", self.file("more", "more"))
        r = self.check()
        self.assertEqual(r.code, 0, r.err)
        self.assertIn("signatures    of the first 5 entries not checked again", r.out)
        self.assertIn("checkpoint 6 ", self.note.read_text())
        r = self.check("--json")
        self.assertEqual(json.loads(r.out)["signatures_checked_before"]["entries"], 6)

    def test_both_implementations_agree(self):
        good = self.first().encode()
        fields = fmt.decode_verified(good)
        self.assertEqual(fields["checkpoint"][0], 5)
        self.assertEqual(fmt.encode_verified(fields), good)
        authority = good.splitlines()[2] + b"\n"
        root = good.splitlines()[3].rsplit(b" ", 1)[1]
        for old, new in ((b"/v1", b"/v2"), (b"checkpoint 5", b"checkpoint 05"), (b"checkpoint 5", b"checkpoint 0"),
                         (b"checkpoint 5", b"checkpoint  5"), (authority, b""), (authority, authority * 2),
                         (root, root[:-2] + b"B="), (b"T", b" "), (b"Z\n", b"Z"), (b"Z\n", b"Z\n\n"), (b"\n", b"\r\n")):
            bad = good.replace(old, new)
            self.assertNotEqual(bad, good)
            self.assertRaises(fmt.Malformed, fmt.decode_verified, bad)
            self.note.write_bytes(bad)
            self.assertEqual(self.check().code, 3, bad)

    def forge(self, n):
        """Entry n with a signature of nobody: well-formed, and wrong."""
        db = sqlite3.connect(self.a + "/store/ledger.db")
        note = bytes(db.execute("SELECT note FROM entry WHERE n = ?", (n,)).fetchone()[0])
        db.close()
        head, _, blob = note.rstrip(b"\n").rpartition(b" ")
        swapped = blob[:40] + (b"A" if blob[40:41] != b"A" else b"B") + blob[41:]
        return head + b" " + swapped + b"\n"

    def test_changed_entries_are_found(self):
        """The note covers an entry; not any entry that stands in its place."""
        self.first()
        self.edit("UPDATE entry SET note = ? WHERE n = 3", self.forge(3))
        r = self.check()
        self.assertEqual(r.code, 1)
        self.assertIn("forked", r.out)
        self.assertIn("leaf-mismatch", r.out)
        r = support.run("-C", self.a, "verify")
        self.assertIn("signature-invalid", r.out)

    def test_new_entries_are_checked(self):
        self.first()
        self.ok("-C", self.a, "import", self.file("more", "more"))
        self.edit("UPDATE entry SET note = ? WHERE n = 5", self.forge(5))
        r = self.check()
        self.assertEqual(r.code, 1)
        self.assertIn("signature-invalid", r.out)

    def test_records_and_documents_are_read_again(self):
        self.first()
        document = support.documents(self.a)[0]
        document.chmod(0o600)
        document.write_bytes(b"x" * document.size)
        before = self.note.read_text()
        r = self.check()
        self.assertEqual(r.code, 1)
        self.assertIn("document-corrupt", r.out)
        self.assertEqual(self.note.read_text(), before)

    def test_only_a_clean_trusted_end_is_noted(self):
        r = self.check("--trust", self.stranger() + "/keys/authority.pub")
        self.assertEqual(r.code, 4)
        self.assertFalse(self.note.exists())

    def refused(self, words, archive=None):
        before = self.note.read_text()
        r = self.check(archive=archive)
        self.assertEqual(r.code, 3, r.out + r.err)
        self.assertIn(words, r.err)
        self.assertNotIn("VERIFIED", r.out)
        self.assertEqual(self.note.read_text(), before)

    def test_others_could_write_it(self):
        self.first()
        for mode in (0o620, 0o602, 0o666):
            self.note.chmod(mode)
            self.refused("others than you")
        self.note.chmod(0o600)
        self.dir.chmod(0o777)
        self.refused("others than you")
        self.dir.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.note, 4711, 4711)
            self.refused("others than you")

    def test_no_file_of_that_kind(self):
        good = self.first()
        for text in ("", "x\n", good + "\n", good.replace("v1", "v2"), good[:-1], "a" * 70000):
            self.note.write_text(text)
            self.refused("verified")
        self.note.unlink()
        (self.dir / "real").write_text(good)
        self.note.symlink_to(self.dir / "real")
        r = self.check()
        self.assertEqual(r.code, 3)
        self.note.unlink()
        self.note.mkdir()
        self.assertEqual(self.check().code, 3)
        self.note.rmdir()
        os.mkfifo(self.note)
        self.assertEqual(self.check().code, 3)

    def test_not_in_the_archive(self):
        for place in ("checked", "keys/checked", "store/checked"):
            r = support.run("-C", self.a, "verify", "--since", self.a + "/" + place)
            self.assertEqual(r.code, 3)
            self.assertIn("kept apart", r.err)
            self.assertFalse(os.path.exists(self.a + "/" + place))

    def test_a_folder_that_is_not_there(self):
        for note in (self.dir / "no" / "checked", "no/checked"):
            r = support.run("-C", self.a, "verify", "--since", str(note))
            self.assertEqual(r.code, 3)
            self.assertRegex(r.err, "its folder .*no: No such file or directory")

    def test_of_another_archive(self):
        self.first()
        self.refused("another ledger or authority", archive=self.stranger())

    def test_older_state(self):
        shutil.copytree(self.a, self.dir / "before")
        self.ok("-C", self.a, "import", self.file("more", "more"))
        self.first()
        r = self.check(archive=str(self.dir / "before"))
        self.assertEqual(r.code, 1)
        self.assertIn("rolled-back", r.out)

    def test_commandline(self):
        r = self.check("--no-documents")
        self.assertEqual(r.code, 2)
        r = support.run("verify", self.file("b.tar", "x"), "--since", str(self.note))
        self.assertEqual(r.code, 2)


if __name__ == "__main__":
    support.main()
