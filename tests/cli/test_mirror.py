#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mirror: a second copy that is checked on its way."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import time

import support
import test_audit


class Mirror(test_audit.AuditCase):
    def mirror(self, a, *args, code=0):
        return self.expect(code, "-C", a, "mirror", str(self.dir / "m"), "--json", *args).json

    def test_no_room_for_the_ledger(self):
        """It says why, and goes on once there is room."""
        a, m = self.archive(), str(self.dir / "m")
        self.ok("-C", a, "import", str(self.folder(600, "many")), "-q")
        self.assertGreater(os.path.getsize(a + "/store/ledger.db"), 400000)
        r = self.expect(3, "-C", a, "mirror", m, prefix=("prlimit", "--fsize=300000"))
        self.assertRegex(r.err, "copy ledger.db: (disk I/O error|database or disk is full)")
        self.ok("-C", a, "mirror", m)
        self.verified(m)

    def test_the_story(self):
        a, m = self.archive(), str(self.dir / "m")
        done = self.mirror(a)
        self.assertEqual((done["size"], done["size_before"], done["documents_copied"]), (43, 0, self.DOCUMENTS))
        self.verified(m, 43)
        self.assertEqual([n for n in os.listdir(m + "/keys") if n.endswith(".key")], [], "no secret key")
        self.assertEqual(self.mirror(a)["documents_copied"], 0)
        self.ok("-C", a, "import", self.file("new.txt"), "-q")
        done = self.mirror(a)
        self.assertEqual((done["size_before"], done["documents_copied"]), (43, 1))
        self.verified(m, 44)

    def test_nobody_writes_to_it(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        self.expect(3, "-C", m, "import", self.file("new.txt"))
        self.expect(3, "-C", a, "mirror", a)

    def test_what_is_bad_here_does_not_get_there(self):
        a, m = self.archive(), str(self.dir / "m")
        self.rot(self.path_of(a, 5))
        self.path_of(a, 9).unlink()
        done = self.mirror(a, code=1)
        self.assertEqual(self.found(done), [("document-corrupt", 5), ("document-missing", 9)])
        self.assertEqual(done["documents_copied"], self.DOCUMENTS - 2)
        self.assertEqual(len(support.documents(m)), self.DOCUMENTS - 2)
        good = str(self.dir / "good")
        shutil.copytree(self.shared / "template", good)
        self.audit(a, "--repair-from", good, code=1)
        done = self.mirror(a)
        self.assertEqual(done["documents_copied"], 3, "those two, and what the audit found")
        self.verified(m)

    def test_a_good_copy_is_not_replaced_by_a_bad_one(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        self.rot(self.path_of(a, 5))
        self.assertEqual(self.found(self.mirror(a)), [])
        self.verified(m)

    def test_all_reads_the_copy_again(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        self.rot(self.path_of(m, 5))
        self.assertEqual(self.mirror(a)["repaired"], 0)
        done = self.mirror(a, "--all")
        self.assertEqual((done["documents_checked"], done["repaired"]), (self.DOCUMENTS, 1))
        self.verified(m)

    def test_what_is_no_file(self):
        """In the place of a document, here or there: one more that is bad, and no reason to leave off all the others."""
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        for make in (os.mkfifo, lambda path: path.symlink_to("/etc/hostname"), lambda path: path.symlink_to(path)):
            there = self.path_of(m, 7).as_file()
            there.unlink()
            make(there)
            done = self.mirror(a)
            self.assertEqual((done["repaired"], done["bytes_copied"]), (1, there.stat().st_size))
            self.verified(m)
            here = self.path_of(a, 5).as_file()
            here.rename(self.dir / "aside")
            make(here)
            self.ok("-C", a, "import", self.file("more.txt", repr(make)), "-q")
            done = self.mirror(a, code=1)
            self.assertEqual((self.found(done), done["documents_copied"]), ([("document-unreadable", 5)], 1))
            here.unlink()
            (self.dir / "aside").rename(here)
            self.verified(m)
        there = self.path_of(m, 7).as_file()
        there.unlink()
        there.mkdir()
        r = self.expect(3, "-C", a, "mirror", m)
        self.assertIn(f"mirror: {m}: store: ", r.err)
        self.assertIn("is a folder, not a file", r.err)

    def test_a_bad_ledger_does_not_get_there(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        before = pathlib.Path(m, "store/ledger.db").read_bytes()
        self.ok("-C", a, "import", self.file("new.txt"), "-q")
        self.damage_page(a, 25)
        r = self.expect(3, "-C", a, "mirror", m)
        self.assertIn("not as it was signed", r.err)
        self.assertEqual(pathlib.Path(m, "store/ledger.db").read_bytes(), before)
        self.verified(m, 43)

    def test_another_history(self):
        a, b = self.archive(name="a"), self.archive(name="b")
        self.mirror(a)
        self.ok("-C", a, "import", self.file("one.txt", "1"), "-q")
        self.ok("-C", b, "import", self.file("two.txt", "2"), "-q")
        self.mirror(a)
        self.assertIn("forked", self.expect(3, "-C", b, "mirror", str(self.dir / "m")).err)
        self.assertIn("rolled-back", self.expect(3, "-C", self.archive(name="c"), "mirror", str(self.dir / "m")).err)

    def test_only_into_a_folder_of_its_own(self):
        a, b = self.archive(), str(self.dir / "b")
        self.ok("init", b, "--origin", "other.example", "--signer", "x", "--no-passphrase")
        holders = {"papers": "letter.txt", "hidden": ".profile", "trust": "keys/own.pub", "secret": "keys/own.key",
                   "shop": "store/stock.txt"}
        for folder, name in holders.items():
            path = self.dir / folder / name
            path.parent.mkdir(parents=True)
            path.write_text("mine\n")
            before = support.listing(str(self.dir / folder))
            self.expect(3, "-C", a, "mirror", str(self.dir / folder))
            self.assertEqual(support.listing(str(self.dir / folder)), before)
        (self.dir / "m" / "lost+found").mkdir(parents=True)
        self.mirror(a)
        self.assertIn("another ledger", self.expect(3, "-C", b, "mirror", str(self.dir / "m")).err)
        pathlib.Path(self.dir, "m", "letter.txt").write_text("mine\n")
        self.assertIn("letter.txt", self.expect(3, "-C", a, "mirror", str(self.dir / "m")).err)

    def test_rolled_back_is_not_mirrored(self):
        a = self.archive()
        shutil.copytree(a + "/store", str(self.dir / "old"))
        self.ok("-C", a, "import", self.file("one.txt", "1"), "-q")
        shutil.rmtree(a + "/store")
        shutil.copytree(str(self.dir / "old"), a + "/store")
        self.assertIn("rolled-back", self.expect(3, "-C", a, "mirror", str(self.dir / "m")).err)
        self.assertFalse((self.dir / "m").exists())

    def test_withdrawn_goes_there_too(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        document = self.path_of(a, 5).read_bytes()
        self.ok("-C", a, "withdraw", "5", "--decided-by", "x", "--yes", "-q")
        self.assertEqual(self.mirror(a)["erased"], 1)
        self.verified(m)
        everything = b"".join(p.read_bytes() for p in pathlib.Path(m, "store").rglob("*") if p.is_file())
        self.assertNotIn(document[:40], everything)

    def test_a_link_in_the_mirror_leads_nowhere(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        before = pathlib.Path(a, "store/ledger.db").read_bytes()
        incoming = pathlib.Path(m, "store/incoming")
        for target in ("../../a/store", a + "/store/ledger.db", "nowhere"):
            incoming.symlink_to(target)
            self.mirror(a)
            self.assertFalse(incoming.is_symlink())
            self.assertEqual(pathlib.Path(a, "store/ledger.db").read_bytes(), before)
        self.verified(m, 43)

    def test_no_secret_gets_there(self):
        a, m = self.archive(), pathlib.Path(self.dir, "m")
        keys = pathlib.Path(a, "keys")
        secret = next(keys.glob("*.key"))
        (keys / "link.pub").symlink_to(secret.name)
        (keys / "alias.pub").symlink_to(next(keys.glob("*@*.pub")).name)
        (keys / "copy.pub").write_bytes(secret.read_bytes())
        (keys / "long.pub").write_bytes(next(keys.glob("*.pub")).read_bytes() * 9999)
        self.assertEqual(self.mirror(a)["keys_not_copied"], 4)
        for path in m.glob("keys/*.pub"):
            self.assertEqual(path.read_bytes(), (keys / path.name).read_bytes())
            self.assertNotIn(path.name, ("link.pub", "alias.pub", "copy.pub", "long.pub"))
        self.assertGreater(len(list(m.glob("keys/*.pub"))), 1)
        self.assertIn("4 not copied", self.ok("-C", a, "mirror", m).out)

    def test_its_keys_are_no_link(self):
        a, m = self.archive(), pathlib.Path(self.dir, "m")
        elsewhere = pathlib.Path(self.dir, "elsewhere")
        for folder in (m, elsewhere):
            folder.mkdir()
        (m / "keys").symlink_to("../elsewhere")
        self.assertIn("keys", self.expect(3, "-C", a, "mirror", m).err)
        self.assertEqual(os.listdir(elsewhere), [])

    def test_it_lies_outside_the_archive(self):
        a = self.archive()
        link, before = pathlib.Path(self.dir, "link"), support.listing(a)
        link.symlink_to("a/keys")
        for inside in (a, a + "/store", a + "/keys/m", a + "/m/", a + "/store/objects/m", str(link), f"{link}/m"):
            self.assertIn("lies in the archive itself", self.expect(3, "-C", a, "mirror", inside).err)
            self.assertEqual(support.listing(a), before)
        self.ok("-C", a, "mirror", ".", cwd=self.folder(0, "here"))

    def test_its_parts_lie_outside_too(self):
        a = self.archive()
        before = support.listing(a)
        for i, (part, words) in enumerate((("store", "lies in the archive itself"),
                                           ("store/objects", "lies in the archive itself"),
                                           ("store/packs", "not a folder: packs"))):
            m = pathlib.Path(self.dir, f"m{i}")
            (m / part).parent.mkdir(parents=True)
            (m / part).symlink_to(pathlib.Path(a, part))
            self.assertIn(words, self.expect(3, "-C", a, "mirror", m).err)
            self.assertEqual(support.listing(a), before)

    def test_what_lies_in_the_way(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        store, ours = pathlib.Path(m, "store"), pathlib.Path(a, "store/catalog.db")
        before = ours.read_bytes()
        for i, name in enumerate(("catalog.db", "catalog.db-journal", "catalog.db", "incoming")):
            (store / name).unlink(missing_ok=True)
            (store / name).symlink_to("nowhere" if i == 2 else ours)
            self.ok("-C", a, "import", self.file(f"{i}.txt", str(i)), "-q")
            before = ours.read_bytes()
            self.assertEqual(self.mirror(a)["documents_copied"], 1)
            self.assertTrue(ours.read_bytes() == before)
            self.assertFalse((store / name).is_symlink())
            self.verified(m, 44 + i)
        (store / "incoming").mkdir()
        for name in ("ledger.db", "ledger.db-journal", "ledger.db-wal"):
            (store / "incoming" / name).write_text("left")
        self.mirror(a)
        self.assertFalse((store / "incoming").exists())

    def test_what_is_not_ours_is_told_before_anything_changes(self):
        a, m = self.archive(), str(self.dir / "m")
        self.mirror(a)
        store = pathlib.Path(m, "store")
        self.ok("-C", a, "import", self.file("new.txt"), "-q")
        for foreign in (store / "incoming/letter.txt", store / "catalog.db/letter.txt"):
            if foreign.parent.is_file():
                foreign.parent.unlink()
            foreign.parent.mkdir()
            foreign.write_text("mine")
            before = (store / "ledger.db").read_bytes()
            self.assertIn(foreign.parent.name, self.expect(3, "-C", a, "mirror", m).err)
            self.assertTrue((store / "ledger.db").read_bytes() == before)
            self.assertEqual(foreign.read_text(), "mine")
            shutil.rmtree(foreign.parent)
        self.mirror(a)
        self.verified(m, 44)

    def again(self):
        """An archive with its mirror: entry 43 is another capture of entry 5's document."""
        a, m = self.archive(), str(self.dir / "m")
        self.ok("-C", a, "import", str(self.shared / "src/002.txt"), "--again", "-q")
        self.assertEqual(self.digest_of(a, 43), self.digest_of(a, 5))
        self.mirror(a)
        path = self.path_of(a, 5)
        return a, m, path, support.Document(m, path.digest)

    def test_the_last_copy_is_not_erased(self):
        a, m, here, there = self.again()
        self.ok("-C", a, "withdraw", "5", "--decided-by", "x", "--yes", "-q")
        here.unlink()
        done = self.mirror(a, code=1)
        self.assertEqual((done["erased"], self.found(done)), (0, [("document-missing", 43)]))
        self.assertTrue(there.exists())
        self.audit(a, "--repair-from", m, code=1)
        self.assertEqual(self.found(self.mirror(a)), [])
        self.ok("-C", a, "withdraw", "43", "--decided-by", "x", "--yes", "-q")
        self.assertEqual(self.mirror(a)["erased"], 1)
        self.assertFalse(there.exists())
        self.verified(m)

    def test_nor_by_a_record_that_lies_or_is_lost(self):
        a, _, here, there = self.again()
        self.ok("-C", a, "withdraw", "5", "--scope", "document", "--decided-by", "x", "--yes", "-q")
        here.unlink()
        with self.tampered(a) as db:
            db.execute("UPDATE record SET text = (SELECT text FROM record WHERE n = 6) WHERE n = 43")
        done = self.mirror(a, code=1)
        self.assertEqual((done["erased"], self.found(done)), (0, [("record-mismatch", 43)]))
        with self.tampered(a) as db:
            db.execute("DELETE FROM record WHERE n = 43")
        for _ in range(2):
            done = self.mirror(a, code=1)
            self.assertEqual((done["erased"], self.found(done)), (0, [("record-missing", 43)]))
        self.assertTrue(there.exists())

    @contextlib.contextmanager
    def tampered(self, a):
        """Its ledger, open to somebody who leaves no trace but what they change."""
        db = sqlite3.connect(pathlib.Path(a, "store/ledger.db"))
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for _, sql in triggers:
            db.execute(sql)
        db.commit()
        db.close()

    def test_killed_and_resumed(self):
        a, m = self.archive(), str(self.dir / "m")
        for _ in range(6):
            child = subprocess.Popen([support.VIDIMUS, "-C", a, "mirror", m], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, env=support.environment())
            time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            child.wait()
        self.mirror(a)
        self.verified(m, 43)
        self.assertEqual([n for n in os.listdir(m + "/store") if n not in
                          ("ledger.db", "catalog.db", "catalog.db-journal", "objects", "packs", "tmp")], [])


if __name__ == "__main__":
    support.main()
