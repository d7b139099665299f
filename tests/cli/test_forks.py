#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two histories of one ledger: how they are proved, and to whom."""

import os
import pathlib
import shutil
import sqlite3
import sys
import unittest

import support
from support import run

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop" / "vidimus_verify.py"


class ForkProof(support.Case):
    """left and right begin alike and went on separately: 5 entries each, then 7 on the right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        left, right = str(cls.shared / "left"), str(cls.shared / "right")
        shutil.copytree(cls.shared / "template", left)
        cls.take(left, "both")
        shutil.copytree(left, right)
        cls.take(left, "left 1", "left 2")
        cls.take(right, "right 1", "right 2")
        cls.save(left, "left5")
        cls.save(right, "right5")
        cls.take(right, "right 3", "right 4")
        cls.save(right, "right7")
        cls.left, cls.right = left, right
        cls.key = left + "/keys/ledger.pub"

    @classmethod
    def take(cls, archive, *texts):
        folder = cls.shared / "src"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for text in texts:
            (folder / text).write_text(text)
        result = run("-C", archive, "import", str(folder))
        if result.code:
            raise AssertionError(str(result))

    @classmethod
    def save(cls, archive, name):
        run("-C", archive, "checkpoint", "-o", str(cls.shared / name))

    def kept(self, name):
        return str(self.shared / name)

    def make(self, code, a, b, *more):
        out = str(self.dir / f"{len(os.listdir(self.dir))}.fork-proof")
        r = self.expect(code, "fork-proof", a, b, "-o", out, *more)
        self.assertEqual(os.path.exists(out), code == 0, str(r))
        return (out, r) if code == 0 else r

    def good(self, a, b, sizes, *more):
        """Made, the same either way round, and taken by both verifiers for who knows the key."""
        out, r = self.make(0, a, b, *more)
        self.assertIn("two histories", r.out)
        turned, _ = self.make(0, b, a, *more)
        self.assertEqual(pathlib.Path(out).read_bytes(), pathlib.Path(turned).read_bytes())
        said = self.ok("verify", out, "--trust", self.key, "--json").json
        self.assertEqual((said["verdict"], said["kind"]), ("VERIFIED", "fork-proof"))
        self.assertEqual((said["contradicts"]["size"], said["size"]), sizes)
        self.assertNotEqual(said["contradicts"]["root"], said["root"])
        self.ok(str(VERIFIER), out, "--trust", self.key, program=sys.executable)
        return out

    def test_from_archives(self):
        self.good(self.left, self.right, (5, 5))

    def test_from_checkpoints(self):
        self.good(self.left, self.kept("right5"), (5, 5))
        self.good(self.right, self.kept("left5"), (5, 5))
        key = ("--ledger-key", self.key)
        self.good(self.kept("left5"), self.kept("right5"), (5, 5), *key)
        r = self.make(3, self.kept("left5"), self.kept("right5"))
        self.assertIn("--ledger-key", r.err)

    def test_two_sizes(self):
        """Six entries on the left, of which the right has signed none: the tree leads to seven."""
        a = str(self.dir / "left")
        shutil.copytree(self.left, a)
        self.take(a, "left 3")
        kept = str(self.dir / "left6")
        self.ok("-C", a, "checkpoint", "-o", kept)
        self.good(self.right, kept, (6, 7))
        self.good(self.right, a, (6, 7))

    def test_from_bundles_and_proofs(self):
        tar, proof = str(self.dir / "l.tar.gz"), str(self.dir / "r.tlog-proof")
        self.ok("-C", self.left, "bundle", "--all", "-o", tar)
        self.ok("-C", self.right, "prove", "1", "-o", proof)
        self.good(tar, self.right, (5, 5))
        self.good(tar, self.kept("right5"), (5, 5))
        self.assertIn("alone cannot show", self.make(3, self.left, proof).err)
        self.assertIn("No contradiction", self.make(1, self.right, proof).out)

    def test_evidence_of_a_bundle(self):
        """What leads from the smaller to the larger may also stand in a bundle."""
        import vidimus_format as fmt
        sys.path.append(str(VERIFIER.parents[1] / "vectors"))
        import make_vectors as make
        fork = make.Fork()
        large = fork.right.checkpoint("ledger", size=8)
        # Its own checkpoint of size 5 is not by the ledger key: only the hashes count.
        small = fork.right.checkpoint("lena", size=5)
        evidence = [(fmt.evidence_path(5, "checkpoint"), small),
                    (fmt.evidence_path(5, "consistency"), fork.right.consistency(5, large))]
        tar = self.file("e.tar", make.Bundle(fork.right, [2], large, evidence=evidence).tar())
        kept = self.file("kept", fork.left.checkpoint("ledger", size=5))
        out, _ = self.make(0, tar, kept)
        self.assertEqual(pathlib.Path(out).read_bytes(), fmt.encode_fork_proof(fork.proof(5, 8)))

    def test_no_contradiction(self):
        for a, b in ((self.left, self.left), (self.right, self.kept("right5")),
                     (self.kept("right7"), self.kept("right7")),
                     (self.right, self.right + "/keys/last-checkpoint")):
            self.assertIn("No contradiction", self.make(1, a, b).out)
        self.assertEqual(run("fork-proof", self.left, self.left, "-o", "x", "--json").json,
                         {"contradiction": False})

    def test_what_cannot_be_told(self):
        r = self.make(3, self.kept("left5"), self.kept("right7"))
        self.assertIn("alone cannot show", r.err)
        self.assertIn("whole archive", r.err)
        r = self.make(3, self.left, self.kept("right7"))
        self.assertIn("5 entries", r.err)
        other = self.dir / "other"
        self.ok("init", str(other), "--origin", "other.example", "--no-passphrase")
        self.assertIn("two ledgers", self.make(3, self.left, str(other)).err)
        same_name = self.dir / "same"
        self.ok("init", str(same_name), "--origin", support.ORIGIN, "--no-passphrase")
        self.assertIn("no key at hand signed both", self.make(3, self.left, str(same_name)).err)
        for wrong in (str(self.dir / "none"), self.file("x", "text\n"), self.file("e", "")):
            self.assertIn(wrong, self.make(3, self.left, wrong).err)

    def test_usage(self):
        self.expect(2, "fork-proof", self.left, self.right)
        self.expect(2, "fork-proof", self.left, "-o", "x")
        there = self.file("there", "precious")
        self.assertIn("not written over",
                      self.expect(3, "fork-proof", self.left, self.right, "-o", there).err)
        r = self.ok("fork-proof", self.left, self.right, "-o", "-")
        self.assertTrue(r.out.startswith("vidimus/fork-proof/v1\n"))
        said = self.ok("fork-proof", self.left, self.right, "-o", "-", "--json").json
        self.assertEqual(said["proof"].replace("\\n", "\n"), r.out)
        self.assertEqual([c["size"] for c in said["checkpoints"]], [5, 5])

    def test_verify(self):
        out, _ = self.make(0, self.left, self.right)
        r = self.expect(4, "verify", out)
        self.assertIn("INTACT, KEY NOT TRUSTED", r.out)
        r = self.expect(4, "verify", out, "--trust", self.left + "/keys/authority.pub")
        self.assertIn("nothing here leads from the authority's key", r.out)
        page = str(self.dir / "page.html")
        r = self.ok("verify", out, "--trust", self.key, "--report", page)
        self.assertIn("signed two histories", r.out)
        self.assertIn("which of the two is the true one", r.out)
        self.assertIn("signed two histories", pathlib.Path(page).read_text())
        text = pathlib.Path(out).read_text()
        for bad in (text[:-10], text + "\n", text.replace("\n5\n", "\n6\n", 1)):
            r = self.expect(1, "verify", self.file("bad", bad), "--trust", self.key)
            self.assertIn("proof-invalid", r.out)

    def test_verify_names_the_way_to_prove_it(self):
        """The command that `forked` names is run as it is printed."""
        r = self.expect(1, "-C", self.right, "verify", "--checkpoint", self.kept("left5"))
        self.assertIn("forked", r.out)
        command = next(l for l in r.out.splitlines() if "vidimus fork-proof" in l)
        words = command.split("vidimus ")[1].split()
        self.ok(*words, cwd=self.dir)
        self.ok("verify", str(self.dir / "FILE.fork-proof"), "--trust", self.key)


class PutBack(support.Case):
    """What was put back, cut off, or comes from elsewhere: found at the next write and at verify."""

    def copy(self, archive, name):
        target = self.dir / name
        shutil.copytree(archive, target)
        return str(target)

    def put_store(self, archive, other):
        shutil.rmtree(archive + "/store")
        shutil.copytree(other + "/store", archive + "/store")

    def found(self, archive, word, way_out, *options):
        """By verify, which names the kind; by the next write, before anything is changed."""
        r = self.expect(1, "-C", archive, "verify", *options)
        self.assertIn(word, r.out)
        self.assertRegex(r.out, way_out)
        before = support.listing(archive + "/store")
        for words in (["import", self.file("next.txt", "next")], ["recover"]):
            r = self.expect(3, "-C", archive, *words)
            self.assertRegex(r.err, way_out)
        self.assertEqual({k: v for k, v in support.listing(archive + "/store").items() if b"catalog" not in k},
                         {k: v for k, v in before.items() if b"catalog" not in k})

    def test_older_store(self):
        a = self.archive(2)
        old = self.copy(a, "old")
        self.ok("-C", a, "import", self.file("d.txt"))
        self.put_store(a, old)
        self.found(a, "rolled-back", "estore the newer store")

    def test_ledger_cut_off(self):
        """Rows taken out with another tool, the triggers with them and back again."""
        a = self.archive(2)
        self.ok("-C", a, "import", self.file("d.txt"))
        db = sqlite3.connect(a + "/store/ledger.db", isolation_level=None)
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM record WHERE n >= 4")
        db.execute("DELETE FROM entry WHERE n >= 4")
        db.execute("DELETE FROM checkpoint WHERE size > 4")
        db.execute("UPDATE tile SET hashes = substr(hashes, 1, 4 * 32)")
        for _, sql in triggers:
            db.execute(sql)
        db.close()
        self.found(a, "rolled-back", "estore the newer store")

    def test_two_copies_went_on(self):
        a = self.archive(2)
        b = self.copy(a, "b")
        self.ok("-C", a, "import", self.file("one.txt", "one"))
        self.ok("-C", b, "import", self.file("two.txt", "two"))
        self.put_store(a, b)
        self.found(a, "forked", "vidimus fork-proof|vidimus verify")
        self.ok("fork-proof", a, a + "/keys/last-checkpoint", "-o", str(self.dir / "p"))

    def test_store_and_guard_put_back(self):
        """Only a checkpoint that was kept elsewhere shows it."""
        a = self.archive(2)
        old = self.copy(a, "old")
        self.ok("-C", a, "import", self.file("d.txt"))
        kept = str(self.dir / "kept")
        self.ok("-C", a, "checkpoint", "-o", kept)
        r = self.expect(1, "-C", old, "verify", "--checkpoint", kept)
        self.assertIn("rolled-back", r.out)
        self.assertIn("kept covers 5 entries, the ledger only 4", r.out)
        self.ok("-C", old, "import", self.file("other.txt", "other"))   # nothing here can know
        r = self.expect(1, "-C", old, "verify", "--checkpoint", kept)
        self.assertIn("forked", r.out)
        self.assertIn("vidimus fork-proof", r.out)
        self.assertIn("freshness-unknown", self.ok("-C", old, "verify").out)

    def test_ledger_of_another_archive(self):
        a = self.archive(2)
        b = str(self.dir / "b")
        self.ok("init", b, "--origin", "other.example", "--no-passphrase")
        self.put_store(a, b)
        self.found(a, "checkpoint-invalid", "store of another archive stands here")

    def test_ledger_of_another_with_the_same_name(self):
        a = self.archive(2)
        b = str(self.dir / "b")
        self.ok("init", b, "--origin", support.ORIGIN, "--no-passphrase")
        self.put_store(a, b)
        self.found(a, "rolled-back", "estore the newer store")
        self.ok("-C", b, "import", str(self.folder(5)))
        self.put_store(a, b)
        r = self.expect(1, "-C", a, "verify")
        self.assertIn("last-checkpoint is not signed by this ledger's key", r.out)
        r = self.expect(3, "-C", a, "import", self.file("next.txt"))
        self.assertIn("forked", r.err)


if __name__ == "__main__":
    support.main()
