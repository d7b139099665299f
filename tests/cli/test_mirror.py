#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mirror: a second copy that is checked on its way."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import support
import test_audit


class Mirror(test_audit.AuditCase):
    def mirror(self, a, *args, code=0):
        return self.expect(code, "-C", a, "mirror", str(self.dir / "m"), "--json", *args).json

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
        self.assertEqual(sum(len(files) for _, _, files in os.walk(m + "/store/objects")), self.DOCUMENTS - 2)
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
                          ("ledger.db", "catalog.db", "catalog.db-journal", "objects", "tmp")], [])


if __name__ == "__main__":
    support.main()
