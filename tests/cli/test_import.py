#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Import: options, what is refused, receipts, dry runs, standard input, links and other things."""

import csv
import hashlib
import io
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import zipfile

import support
from support import run


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Import(support.Case):
    def test_record_as_given(self):
        a = self.archive()
        doc = self.file("page.html", "<p>x</p>")
        r = self.ok("-C", a, "import", doc, "--source", "https://x.example/1", "--captured",
                    "2019-11-28T10:00:00Z", "--captured-by", "me", "--method", "hand",
                    "--received-from", "r1", "--received-from", "r2", "--record-id", "id",
                    "--collection", "c", "--title", "T", "--author", "A", "--author", "B",
                    "--issuer", "I", "--publisher", "P", "--issued", "2019-11", "--issued-as-written",
                    "Nov 19", "--reference", "12", "--language", "en", "--rights", "free",
                    "--unknown", "note", "--field", "colour=blue=green", "--json").json
        self.assertEqual((r["imported"], r["first_entry"], r["last_entry"], r["bytes"]),
                         (1, 2, 2, 8))
        record = self.ok("-C", a, "show", "2", "--json").json["record"]
        want = {"source": "https://x.example/1", "captured": "2019-11-28T10:00:00Z",
                "captured_by": "me", "method": "hand", "received_from": ["r1", "r2"],
                "record_id": ["id"], "collection": "c", "title": "T", "author": ["A", "B"],
                "issuer": ["I"], "publisher": ["P"], "issued": "2019-11",
                "issued_as_written": ["Nov 19"], "reference": ["12"], "language": ["en"],
                "rights": ["free"], "unknown": ["note"],
                "file_name": "page.html"}
        for key, value in want.items():
            self.assertEqual(record.get(key), value, key)
        self.assertEqual(record["field"][0], "colour: blue=green")
        self.assertRegex(record["field"][1], "^text-fingerprint: ")
        self.assertEqual(len(record["field"]), 2)
        out = self.ok("-C", a, "show", "2").out
        for text in ("https://x.example/1", "Nov 19", "colour: blue=green", "r2", "8 bytes"):
            self.assertIn(text, out)

    def test_summary(self):
        a = self.archive()
        r = self.ok("-C", a, "import", str(self.folder(3)))
        self.assertIn("3 statements recorded (entries 2 to 4)", r.out)
        self.assertRegex(r.out, r"\n  not stated: source 3, (\S+ 3, )+\S+ 3   \(--require source refuses these\)\n")
        self.assertRegex(r.out, r"\n— test\.example/log ")
        self.assertEqual(r.err, "")
        printed = r.out[r.out.index(support.ORIGIN):]
        self.assertEqual(printed, self.ok("-C", a, "checkpoint").out)
        self.ok("-C", a, "verify", "--checkpoint", self.file("kept", printed))

    def test_known_and_again(self):
        a, src = self.archive(), str(self.folder(3))
        self.ok("-C", a, "import", src, "--collection", "c")
        r = self.ok("-C", a, "import", src, "--collection", "c")
        self.assertIn("3 already known", r.out)
        self.assertIn("0 statements recorded", r.out)
        self.assertNotIn("checkpoint", r.out)
        r = self.ok("-C", a, "import", src, "--collection", "d")
        self.assertIn("collection", r.err)
        r = self.ok("-C", a, "import", src, "--again", "--json").json
        self.assertEqual((r["imported"], r["already_known"]), (3, 0))
        r = self.ok("-C", a, "import", src, "--captured", "2020", "--json").json
        self.assertEqual((r["imported"], r["already_known"]), (3, 0))
        self.verified(a, 2 + 9)

    def test_quiet(self):
        a = self.archive()
        r = self.ok("-C", a, "-q", "import", str(self.folder(2)))
        self.assertEqual(r.err, "")

    def test_options_of_one_document(self):
        a, src = self.archive(), str(self.folder(2))
        one = self.file("one.txt")
        for words in (["--source", "s"], ["--title", "t"], ["--issued", "2020"],
                      ["--issued-as-written", "x"], ["--reference", "1"],
                      ["--derived-from", "not-held", "--derived-method", "ocr"]):
            r = self.expect(2, "-C", a, "import", src, *words)
            self.assertIn(words[0], r.err)
            self.expect(2, "-C", a, "import", one, one, *words)
            self.ok("-C", a, "import", one, *words, "--again")
        self.verified(a, 2 + 6)

    def test_bad_options(self):
        a, doc = self.archive(), self.file("d.txt")
        for words in (["--captured", "yesterday"], ["--issued", "28/11/2019"],
                      ["--unknown", "nonsense"], ["--field", "x"], ["--field", "=x"],
                      ["--title", ""], ["--title", "a", "--title", "b"], ["--require", "nonsense"],
                      ["--derived-from", "0", "--derived-method", "x"], ["--derived-from", "2"],
                      ["--derived-from", "x", "--derived-method", "x"],
                      ["--unknown", "title", "--title", "x"]):
            r = run("-C", a, "import", doc, *words)
            self.assertIn(r.code, (1, 2, 3), str(r))
            self.assertTrue(r.err, str(r))
            self.assertIn(words[0].lstrip("-"), r.err, str(r))
        self.verified(a, 2)

    def test_derived_from(self):
        a = self.archive(1)
        self.ok("-C", a, "import", self.file("ocr.txt"), "--derived-from", "2", "--derived-method",
                "tesseract 5")
        r = self.ok("-C", a, "show", "3", "--json").json["record"]["derived_from"]
        digest = self.ok("-C", a, "show", "2", "--json").json["document"]
        self.assertEqual(r, [f"{digest} - - tesseract 5"])

    def test_require(self):
        a, src = self.archive(), str(self.folder(2))
        r = self.expect(1, "-C", a, "import", src, "--require", "source,captured")
        self.assertIn("0 statements recorded", r.out)
        self.assertEqual(r.err.count("refused  "), 2)
        self.assertIn("source", r.err)
        self.verified(a, 2)
        self.ok("-C", a, "import", src, "--require", "collection", "--collection", "c")

    def test_dry_run_writes_nothing(self):
        a, src = self.archive(2), str(self.folder(3))
        before = support.listing(self.dir)
        r = self.ok("-C", a, "import", src, "--dry-run")
        self.assertIn("3 statements would be recorded", r.out)
        self.assertNotIn("checkpoint", r.out)
        r = self.ok("-C", a, "import", src, self.dir / "a-src", "--dry-run", "--json").json
        self.assertEqual((r["imported"], r["already_known"], r["first_entry"], r["checkpoint"], r["dry_run"]),
                         (3, 2, None, None, True))
        self.assertEqual(support.listing(self.dir), before)

    def test_dry_run_needs_no_key(self):
        a, src = self.archive(), str(self.folder(1))
        for key in pathlib.Path(a, "keys").glob("*.key"):
            key.unlink()
        self.ok("-C", a, "import", src, "--dry-run")

    def test_dry_run_without_catalog(self):
        a, src = self.archive(1), str(self.folder(1))
        os.remove(a + "/store/catalog.db")
        r = self.expect(3, "-C", a, "import", src, "--dry-run")
        self.assertIn("reindex", r.err)

    def test_receipt(self):
        a, src = self.archive(1), self.folder(3)
        (src / "sub").mkdir()
        os.symlink("nowhere", src / "sub/link,\"quoted\"")
        out = self.dir / "r.csv"
        self.expect(1, "-C", a, "import", str(src), str(self.dir / "a-src"), "--receipt", str(out),
                    "--collection", "first")
        with open(out, newline="", encoding="utf-8", errors="surrogateescape") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(list(rows[0]), ["path", "status", "entry", "digest", "reason"])
        self.assertEqual(len(rows), 5)
        by = {os.path.basename(r["path"]) + r["status"]: r for r in rows}
        for i in range(3):
            row = by[f"d{i:05}.txtrecorded"]
            self.assertEqual(row["digest"], "sha256:" + sha((src / f"d{i:05}.txt").read_bytes()))
            shown = self.ok("-C", a, "show", row["entry"], "--json").json
            self.assertEqual(shown["document"], row["digest"])
        self.assertEqual(by["d00000.txtalready known"]["entry"], "2")
        refused = by['link,"quoted"refused']
        self.assertEqual((refused["entry"], refused["digest"]), ("", ""))
        self.assertTrue(refused["reason"])
        self.assertEqual([p.name for p in self.dir.glob(".*")], [])

    def test_no_receipt_of_nothing(self):
        """An import that does not begin does not stand in the way of the next."""
        a, out = self.archive(), self.dir / "r.csv"
        bad = self.file("bad.csv", "file,no such column\r\nx,y\r\n")
        self.expect(3, "-C", a, "import", str(self.folder(1)), "--metadata", bad, "--receipt", str(out))
        self.assertEqual(sorted(p.name for p in self.dir.glob("*r.csv*")), [])
        self.ok("-C", a, "import", str(self.folder(1)), "--receipt", str(out))
        self.assertEqual(len(out.read_text().splitlines()), 2)

    def test_receipt_holds_no_formula(self):
        a = self.archive()
        names = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1"]
        (self.dir / "f").mkdir()
        for name in names:
            (self.dir / "f" / name).write_text(name)
        out = self.dir / "r.csv"
        self.ok("-C", a, "import", "--receipt", str(out), "--", *names, cwd=self.dir / "f")
        with open(out, newline="", encoding="utf-8") as f:
            paths = [row["path"] for row in csv.DictReader(f)]
        self.assertEqual(sorted(paths), sorted("'" + n if n != "a=1" else n for n in names))

    def test_receipt_is_never_written_over(self):
        a, src = self.archive(), str(self.folder(1))
        out = self.file("r.csv", "precious")
        self.expect(3, "-C", a, "import", src, "--receipt", out)
        self.assertEqual(pathlib.Path(out).read_text(), "precious")
        self.verified(a, 2)
        self.expect(3, "-C", a, "import", src, "--receipt", str(self.dir / "no/r.csv"))
        self.verified(a, 2)

    def test_receipt_of_a_dry_run(self):
        a, src = self.archive(), str(self.folder(1))
        out = self.dir / "r.csv"
        self.ok("-C", a, "import", src, "--dry-run", "--receipt", str(out))
        self.assertIn("would be recorded", out.read_text())

    def test_stdin(self):
        a = self.archive()
        self.ok("-C", a, "import", "-", "--title", "from a pipe", stdin=b"piped bytes")
        shown = self.ok("-C", a, "show", "2", "--json").json
        self.assertEqual(shown["document"], "sha256:" + sha(b"piped bytes"))
        self.assertEqual(shown["size"], 11)
        self.assertEqual(self.ok("-C", a, "cat", "2").raw_out, b"piped bytes")
        self.ok("-C", a, "import", "-", "--again", stdin=b"")
        self.verified(a, 4)

    def test_stdin_is_not_looked_into(self):
        a = self.archive()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as z:
            z.writestr("inner.txt", "zipped")
        r = self.ok("-C", a, "import", "-", "--title", "T", "--json", stdin=packed.getvalue()).json
        self.assertEqual((r["imported"], r["dry_run"]), (1, False))
        self.assertEqual(self.ok("-C", a, "cat", "2").raw_out, packed.getvalue())

    def test_empty_and_large(self):
        a = self.archive()
        big = os.urandom(3 << 20)
        self.ok("-C", a, "import", self.file("empty", b""), self.file("big", big))
        self.assertEqual(self.ok("-C", a, "cat", "3").raw_out, big)
        self.assertEqual(self.ok("-C", a, "cat", "2").raw_out, b"")
        self.verified(a, 4)

    def test_links_and_other_things(self):
        a, src = self.archive(), self.folder(1)
        os.symlink(src / "d00000.txt", src / "link")
        os.symlink("/nowhere/at/all", src / "dangling")
        os.symlink(".", src / "loop")
        os.mkfifo(src / "pipe")
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(os.path.relpath(src / "socket"))
        sock.close()
        r = self.expect(1, "-C", a, "import", str(src), timeout=20)
        self.assertIn("1 statement recorded", r.out)
        for name in ("link", "dangling", "loop", "pipe", "socket"):
            self.assertRegex(r.err, rf"refused  \S*/{name}    \S")
        self.assertIn("5 refused", r.out)
        r = self.expect(1, "-C", a, "import", str(src), "--json", timeout=20)
        self.assertEqual(len(r.json["refusals"]), 5)
        self.assertEqual(r.err, "")
        # Named on the command line, a link is followed, a fifo still is not waited for.
        r = self.ok("-C", a, "import", str(src / "link"), "--again")
        self.assertIn("1 statement", r.out)
        for name in ("dangling", "pipe", "socket", "missing"):
            r = self.expect(1, "-C", a, "import", str(src / name), timeout=20)
            self.assertIn("0 statements recorded", r.out)
        self.expect(1, "-C", a, "import", "/dev/null")
        self.verified(a, 4)

    def test_unreadable(self):
        src = self.folder(2)
        os.chmod(src / "d00001.txt", 0)
        a = self.archive()
        if support.IS_ROOT:
            for base, dirs, files in os.walk(a):
                for name in [".", *dirs, *files]:
                    os.chown(os.path.join(base, name), 65534, 65534)
        r = support.as_nobody("-C", a, "import", str(src))
        self.assertEqual(r.code, 1, str(r))
        self.assertIn("1 statement recorded", r.out)
        self.assertRegex(r.err, r"refused  \S*d00001\.txt    .*[Pp]ermission denied")
        os.chmod(src, 0)
        r = support.as_nobody("-C", a, "import", str(src))
        self.assertEqual(r.code, 1, str(r))
        os.chmod(src, 0o755)
        self.verified(a, 3)

    def test_archive_does_not_swallow_itself(self):
        a = self.archive(1)
        r = self.expect(1, "-C", a, "import", a)
        self.assertIn("0 statements recorded", r.out)
        self.assertEqual(r.err.count("part of the archive itself"), 2, "keys/ and store/, each once")
        self.verified(a, 3)

    def test_other_archives_are_refused(self):
        """Their keys are secret."""
        a = self.archive()
        src = self.folder(2)
        other = self.archive(1, "other")
        os.rename(other, src / "other")
        (src / "keys").mkdir()
        (src / "keys" / "mine.txt").write_text("no archive")
        r = self.expect(1, "-C", a, "import", str(src))
        self.assertIn("3 statements recorded", r.out)
        self.assertEqual(r.err.count("another archive: import a bundle of it"), 1)
        for words in ([], ["--as-file"]):
            r = self.expect(1, "-C", a, "import", str(src / "other"), *words)
            self.assertIn("another archive", r.err)
            self.assertIn("0 statements recorded", r.out)
        self.verified(a, 5)

    def test_secret_keys_are_refused(self):
        """Wherever they lie, and whatever is their name."""
        a, keys = self.archive(), pathlib.Path(self.archive(0, "other"), "keys")
        secret = sorted(p for p in keys.glob("*.key"))
        self.assertEqual(len(secret), 3)
        at = self.dir / "delivery"
        at.mkdir()
        (at / "clear.txt").write_text("PRIVATE+KEY+x.example+00000000+AAAA\n")
        shutil.copy(secret[0], at / "note.txt")
        with zipfile.ZipFile(at / "keys.zip", "w") as z, tarfile.open(at / "keys.tar", "w") as t:
            for key in secret:
                z.write(key, "k/" + key.name)
                t.add(key, "k/" + key.name)
            z.writestr("k/about.txt", "vidimus/key/v1\nis how an entry about a key begins\n")
        for path, refused, taken in ((keys, 3, len(list(keys.iterdir())) - 3), (at, 8, 1)):
            r = self.expect(1, "-C", a, "import", str(path))
            self.assertEqual(r.err.count("a secret key of an archive, and no document"), refused)
            self.assertIn(f"{taken} statement", r.out)
        self.expect(1, "-C", a, "import", "-", stdin=secret[0].read_bytes())

    def test_source_is_left_alone(self):
        a, src = self.archive(), self.folder(3)
        before = support.listing(src)
        self.ok("-C", a, "import", str(src))
        self.assertEqual(support.listing(src), before)

    def test_two_at_once(self):
        a = self.archive()
        running = []
        for name in ("one", "two"):
            src = self.folder(300, name)
            running.append(subprocess.Popen(
                [support.VIDIMUS, "-C", a, "import", str(src), "--json"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=support.environment()))
        for p in running:
            out, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0, err)
            self.assertIn(b'"imported":300', out)
        self.verified(a, 602)


if __name__ == "__main__":
    support.main()
