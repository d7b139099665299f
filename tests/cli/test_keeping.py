#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Safe keeping: backups, what is said when one is put back, and databases of later versions."""

import pathlib
import shutil
import sqlite3
import subprocess
import time

import support


class Backup(support.Case):
    """As docs/vidimus.1.in tells it: store/ under its own lock, keys/ apart and without the guard."""

    def setUp(self):
        super().setUp()
        self.a = self.archive(2)
        self.store, self.keys = self.dir / "backup-store", self.dir / "backup-keys"

    def back_up(self):
        shutil.rmtree(self.store, ignore_errors=True)
        subprocess.run(["flock", self.a + "/store", "cp", "-a", self.a + "/store", str(self.store)], check=True)
        shutil.rmtree(self.keys, ignore_errors=True)
        shutil.copytree(self.a + "/keys", self.keys)
        (self.keys / "last-checkpoint").unlink()

    def put_back_store(self):
        shutil.rmtree(self.a + "/store")
        shutil.copytree(self.store, self.a + "/store")

    def put_back_all(self):
        self.put_back_store()
        shutil.rmtree(self.a + "/keys")
        shutil.copytree(self.keys, self.a + "/keys")

    def kept(self):
        path = str(self.dir / "kept")
        pathlib.Path(path).unlink(missing_ok=True)
        self.ok("-C", self.a, "checkpoint", "-o", path)
        return path

    def one_more(self, name):
        self.ok("-C", self.a, "import", self.file(name, name))

    def test_the_newest_goes_on(self):
        self.back_up()
        kept = self.kept()
        self.put_back_store()
        self.ok("-C", self.a, "verify", "--checkpoint", kept)
        self.one_more("next")
        self.verified(self.a, 5)
        self.ok("-C", self.a, "verify", "--checkpoint", kept)

    def test_an_older_one_is_refused(self):
        """Whoever has the entries since then would have two histories in hand."""
        self.back_up()
        self.one_more("later")
        newest = str(self.dir / "newest")
        shutil.copytree(self.a + "/store", newest)
        self.put_back_store()
        r = self.expect(1, "-C", self.a, "verify")
        self.assertRegex(r.out, "(?s)rolled-back.*Restore the newer store")
        for words in (["import", self.file("x")], ["recover"], ["amend", "2", "--note", "x"]):
            r = self.expect(3, "-C", self.a, *words)
            self.assertRegex(r.err, "rolled-back: the ledger has 4 entries, but 5 were signed.* restore the newer "
                                    "store, or go on in a new archive")
        self.assertEqual(self.ok("-C", self.a, "cat", "2").out[:5], "a-src", "what is there can be read")
        self.ok("-C", self.a, "bundle", "--all", "-o", str(self.dir / "b.tar"))
        self.ok("verify", str(self.dir / "b.tar"), "--trust", self.a + "/keys/authority.pub")
        shutil.rmtree(self.a + "/store")
        shutil.copytree(newest, self.a + "/store")
        self.one_more("next")
        self.verified(self.a, 6)

    def test_the_machine_is_lost(self):
        """Keys from their own backup: nothing is signed before somebody says that this is the newest."""
        self.back_up()
        kept = self.kept()
        self.put_back_all()
        self.assertIn("is missing: nothing is signed without it",
                      self.expect(3, "-C", self.a, "import", self.file("x")).err)
        self.ok("-C", self.a, "verify", "--checkpoint", kept)
        r = self.ok("-C", self.a, "recover")
        self.assertIn("was made anew", r.out)
        self.one_more("next")
        self.verified(self.a, 5)

    def test_the_machine_is_lost_and_the_backup_is_old(self):
        """Only the checkpoint that was kept elsewhere knows; it is asked before `recover`."""
        self.back_up()
        self.one_more("later")
        kept = self.kept()
        self.put_back_all()
        r = self.expect(1, "-C", self.a, "verify", "--checkpoint", kept)
        self.assertRegex(r.out, "rolled-back")
        self.assertRegex(r.out, "kept covers 5 entries, the ledger only 4")

    def test_the_guard_put_back_with_the_store(self):
        """Why the guard is left out of backups."""
        old = self.dir / "old"
        shutil.copytree(self.a, old)
        self.one_more("later")
        kept = self.kept()
        self.ok("-C", str(old), "verify")
        self.expect(1, "-C", str(old), "verify", "--checkpoint", kept)

    def test_a_copy_without_empty_folders(self):
        """As git and some backup programs make it."""
        shutil.rmtree(self.a + "/store/tmp")
        self.verified(self.a, 4)
        self.ok("-C", self.a, "recover")
        shutil.rmtree(self.a + "/store/tmp")
        self.one_more("next")
        self.verified(self.a, 5)

    def test_while_imports_run(self):
        """The lock is that of the writers: they wait, and the copy is of one moment."""
        held = subprocess.Popen(["flock", self.a + "/store", "sh", "-c", "echo held; read x"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        held.stdout.readline()
        writer = subprocess.Popen([support.VIDIMUS, "-C", self.a, "import", self.file("x")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=support.environment())
        time.sleep(0.3)
        self.assertIsNone(writer.poll(), "it waits")
        self.assertEqual(self.ledger_size(), 4)
        held.communicate(b"\n")
        self.assertEqual(writer.wait(30), 0)
        self.back_up()
        self.put_back_store()
        self.verified(self.a, 5)

    def test_copies_under_load(self):
        """Each copy that is made while imports go on is an archive that verifies."""
        script = 'for i in 1 2 3 4 5 6 7 8; do echo "$i" | "$0" -C "$1" import - || exit 1; done'
        busy = subprocess.Popen(["sh", "-c", script, support.VIDIMUS, self.a], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env=support.environment())
        sizes = []
        while busy.poll() is None:
            self.back_up()
            copy = self.dir / f"copy{len(sizes)}"
            shutil.copytree(self.keys, copy / "keys")
            shutil.copytree(self.store, copy / "store")
            sizes.append(self.verified(str(copy))["entries_checked"])
        self.assertEqual(busy.returncode, 0)
        self.assertEqual(sizes, sorted(sizes))
        self.verified(self.a, 12)

    def ledger_size(self):
        db = sqlite3.connect(f"file:{self.a}/store/ledger.db?mode=ro", uri=True)
        size, = db.execute("SELECT count(*) FROM entry").fetchone()
        db.close()
        return size


class Versions(support.Case):
    def of_version(self, archive, name, version, *statements):
        db = sqlite3.connect(f"{archive}/store/{name}")
        for statement in (f"PRAGMA user_version={version}", *statements):
            db.execute(statement)
        db.commit()
        db.close()

    def test_a_newer_ledger(self):
        """Nothing can be said of it: neither good nor bad. No command touches it."""
        a = self.archive(1)
        self.of_version(a, "ledger.db", 258, "CREATE TABLE of_later(x)")
        before = support.listing(a)
        said = "made by a newer vidimus (version 258 of the database, this program knows 1): use that one"
        for words in ("verify", "log", "status", "recover", "reindex", "show 2", "cat 2", "find x", "history x",
                      "checkpoint", "prove 2 -o p", "bundle -o b.tar --all", "key list", "amend 2 --title x",
                      "withdraw 2 --decided-by x --yes", "key retire amal@test.example",
                      "key new b --role signer --no-passphrase", f"import {self.file('x')}"):
            self.assertIn(said, self.expect(3, "-C", a, *words.split(), cwd=self.dir).err, words)
        r = self.expect(3, "-C", a, "verify", "--json")
        self.assertIn("COULD NOT CHECK: ledger.db: " + said, r.err)
        self.assertEqual((r.json["verdict"], r.json["ok"], r.json["kind"]), ("COULD NOT CHECK", False, "archive"))
        self.assertEqual(support.listing(a), before)

    def test_a_number_that_was_changed(self):
        """A newer version has other tables: whoever only writes its number has altered the file."""
        a = self.archive(1)
        self.of_version(a, "ledger.db", 2)
        r = self.expect(1, "-C", a, "verify")
        self.assertIn("ledger-schema", r.out)
        self.assertIn("it says that a newer vidimus made it, but its tables are those of version 1", r.out)
        self.expect(3, "-C", a, "log")

    def test_a_version_that_never_was(self):
        a = self.archive(1)
        self.of_version(a, "ledger.db", 0)
        self.assertIn("version 0 of the database, which is none", self.expect(1, "-C", a, "verify").out)

    def test_a_newer_catalog(self):
        """It is derived: what it says is not read, and `reindex` makes one of our own."""
        a = self.archive(1)
        self.of_version(a, "catalog.db", 3)
        r = self.expect(3, "-C", a, "log")
        self.assertRegex(r.err, "made by a newer vidimus .*: run `vidimus reindex`")
        self.verified(a, 3)
        self.ok("-C", a, "reindex")
        self.ok("-C", a, "log")


if __name__ == "__main__":
    support.main()
