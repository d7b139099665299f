#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""audit: what it finds and how it names it, what it repairs, what the ledger then says."""

import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time
import zlib

import support

AUDITOR = "watch@test.example"
TESTS = pathlib.Path(__file__).resolve().parents[1]
PAGE = 4096


class AuditCase(support.Case):
    DOCUMENTS = 40

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        template = str(cls.shared / "template")
        src = cls.shared / "src"
        src.mkdir()
        for i in range(cls.DOCUMENTS):
            (src / f"{i:03}.txt").write_text(f"statement {i} ".ljust(300, "y") + "\n")
        for args in (("key", "new", AUDITOR, "--role", "auditor", "--no-passphrase"),
                     ("key", "authorize", AUDITOR, "--role", "auditor"), ("import", str(src), "-q")):
            r = support.run("-C", template, *args)
            if r.code:
                raise AssertionError(str(r))

    def audit(self, a, *args, code=0, **env):
        return self.expect(code, "-C", a, "audit", "--json", *args, **env).json

    def history(self, a):
        return self.ok("-C", a, "audit", "--history", "--json").json

    def digest_of(self, a, n):
        return self.ok("-C", a, "show", str(n), "--json").json["document"].split(":")[1]

    def path_of(self, a, n):
        return support.Document(a, self.digest_of(a, n))

    def rot(self, path, at=7):
        path.chmod(0o644)
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    def found(self, report):
        return [(f["kind"], f["entry"]) for f in report["findings"]]

    def damage_page(self, a, n, whole=False):
        """A byte of entry n, or the whole page that it lies in, as the disk may lose it."""
        path = pathlib.Path(a, "store/ledger.db")
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        note = db.execute("SELECT note FROM entry WHERE n = ?", (n,)).fetchone()[0]
        db.close()
        raw = bytearray(path.read_bytes())
        at = raw.find(note[:200])
        self.assertGreater(at, 0)
        if whole:
            raw[at // PAGE * PAGE:(at // PAGE + 1) * PAGE] = bytes(PAGE)
        else:
            raw[at + 150] ^= 1
        path.write_bytes(raw)


class Audit(AuditCase):
    def test_a_clean_one(self):
        a = self.archive()
        done = self.audit(a)
        self.assertEqual((done["verdict"], done["ok"], done["covered"]), ("VERIFIED", True, [[0, 42]]))
        self.assertEqual(done["documents_checked"], self.DOCUMENTS)
        self.assertEqual(done["first_entry"], 43)
        past = self.history(a)["audits"]
        self.assertEqual([(p["entry"], p["mode"], p["covered"], p["auditor"], p["valid"]) for p in past],
                         [(43, "full", "0-42", AUDITOR, True)])
        self.verified(a, 44)
        self.assertIn("audit", self.ok("-C", a, "show", "43").out)
        self.assertIn("by entry 43", self.ok("-C", a, "status").out)
        self.assertEqual(self.ok("-C", a, "status", "--json").json["last_audit"], past[0]["recorded"])

    def test_who_may_sign(self):
        a = self.archive()
        os.rename(a + "/keys/" + AUDITOR + ".key", self.dir / "elsewhere.key")
        r = self.expect(3, "-C", a, "audit")
        self.assertIn("key new NAME --role auditor", r.err)
        self.ok("-C", a, "audit", "--auditor-key", str(self.dir / "elsewhere.key"))
        self.ok("-C", a, "audit", VIDIMUS_AUDITOR_KEY=str(self.dir / "elsewhere.key"))
        self.ok("-C", a, "audit", "--auditor-key", f"{a}/keys/{support.SIGNER}.key")
        self.expect(3, "-C", a, "audit", "--auditor-key", f"{a}/keys/ledger.key")
        self.ok("-C", a, "key", "retire", AUDITOR)
        self.expect(3, "-C", a, "audit", "--auditor-key", str(self.dir / "elsewhere.key"))
        self.assertEqual([p["valid"] for p in self.history(a)["audits"]], [True] * 3, "what it signed stays good")

    def test_an_audit_by_a_key_that_may_not_counts_for_nothing(self):
        a = self.archive()
        self.audit(a)
        self.ok("-C", a, "key", "revoke", AUDITOR, "--since", "43", "--reason", "stolen")
        past = self.history(a)
        self.assertEqual([p["valid"] for p in past["audits"]], [False])
        self.assertEqual(past["never_audited"], self.DOCUMENTS)

    def test_findings_are_named_right(self):
        a = self.archive()
        self.rot(self.path_of(a, 5))
        self.path_of(a, 9).unlink()
        one, two = self.path_of(a, 12), self.path_of(a, 13)
        first, second = one.read_bytes(), two.read_bytes()
        one.chmod(0o644), two.chmod(0o644)
        one.write_bytes(second), two.write_bytes(first)
        place = self.path_of(a, 20).as_file()
        place.unlink(), place.mkdir()
        done = self.audit(a, code=1)
        self.assertEqual(self.found(done), [("document-corrupt", 5), ("document-missing", 9), ("document-corrupt", 12),
                                            ("document-corrupt", 13), ("document-corrupt", 20)])
        words = {f["entry"]: f["message"] for f in done["findings"]}
        self.assertIn("other bytes", words[5])
        self.assertIn("the document of entry 13", words[12])
        self.assertIn("the document of entry 12", words[13])
        self.assertIn("not a file", words[20])
        self.assertEqual((done["missing"], done["corrupt"], done["repaired"]), (1, 4, 0))
        self.assertEqual(done["verdict"], "ALTERED")
        past = self.history(a)
        self.assertEqual(self.found(past), self.found(done), "they stand")
        self.assertEqual([len(p["findings"]) for p in past["audits"]], [5])

    def test_what_is_kept_of_findings_names_no_document(self):
        """Its digest would tell, after a withdrawal, what the document was."""
        a, good = self.archive(), str(self.dir / "good")
        shutil.copytree(a, good)
        self.rot(self.path_of(a, 5))
        place = self.path_of(a, 20).as_file()
        place.unlink(), place.mkdir()
        told = self.audit(a, "--repair-from", good, code=1)["findings"]
        self.assertIn(self.digest_of(a, 20)[2:], told[1]["message"], "the control")
        kept = self.history(a)["audits"][0]["findings_file"].split(":")[1]
        text = support.Document(a, kept).read_bytes()
        self.assertEqual(hashlib.sha256(text).hexdigest(), kept)
        for n in (5, 20):
            self.assertNotIn(self.digest_of(a, n)[:16].encode(), text)
            self.assertNotIn(self.digest_of(a, n)[2:18].encode(), text)
        sys.path.insert(0, str(TESTS / "interop"))
        sys.dont_write_bytecode = True
        import vidimus_format
        head, findings, more = vidimus_format.decode_findings(text)
        self.assertEqual((head["ledger"], more), (support.ORIGIN, 0))
        self.assertEqual([(f.kind, f.entry, f.repaired) for f in findings],
                         [("document-corrupt", 5, True), ("document-corrupt", 20, False)])
        with self.assertRaises(vidimus_format.Malformed):
            vidimus_format.decode_findings(text + b"\n")
        self.assertNotIn(kept, self.expect(1, "-C", a, "verify").out, "verify knows the file")

    def test_findings_that_are_lost_are_told(self):
        a = self.archive()
        self.path_of(a, 9).unlink()
        self.audit(a, code=1)
        kept = self.history(a)["audits"][0]["findings_file"].split(":")[1]
        support.Document(a, kept).unlink()
        self.assertIn(("document-missing", 43), self.found(self.audit(a, code=1)))
        self.assertIn("document-missing", self.expect(1, "-C", a, "verify").out)
        self.assertEqual(support.run("-C", a, "audit", "--history", "--format", "nagios").code, 2)

    def test_unreadable(self):
        a = self.archive()
        path = str(self.path_of(a, 5).as_file())
        done = self.audit(a, code=1, LD_PRELOAD=os.environ["FAKE_DISK"], READ_OF=path[-62:], READ_AS="eio",
                          ASAN_OPTIONS="verify_asan_link_order=0")
        self.assertEqual(self.found(done), [("document-unreadable", 5)])
        self.assertIn("Input/output error", done["findings"][0]["message"])
        self.assertEqual(done["verdict"], "COULD NOT CHECK", "bad is not mixed with what could not be looked at")
        good = str(self.dir / "good")
        shutil.copytree(a, good)
        done = self.audit(a, "--repair-from", good, code=1, LD_PRELOAD=os.environ["FAKE_DISK"],
                          READ_OF=os.path.realpath(path), READ_AS="eio", ASAN_OPTIONS="verify_asan_link_order=0")
        self.assertEqual(done["findings"][0]["kind"], "document-unreadable")
        self.assertEqual([n for n in os.listdir(a + "/store/tmp") if n.startswith("damaged-")][0][8:72],
                         self.digest_of(a, 5), "set aside unread")
        self.audit(a)

    def test_memory_is_told_from_disk(self):
        a = self.archive()
        done = self.audit(a, code=1, LD_PRELOAD=os.environ["FAKE_DISK"], READ_OF=str(self.path_of(a, 5).as_file())[-62:],
                          READ_AS="once", ASAN_OPTIONS="verify_asan_link_order=0")
        self.assertEqual(self.found(done), [("read-unsteady", 5)])
        self.assertEqual((done["missing"], done["corrupt"]), (0, 0))
        self.assertEqual(self.found(self.audit(a)), [])
        self.assertEqual(self.found(self.history(a)), [], "the newest audit says all of such")

    def test_busy_is_not_corrupt(self):
        """A restore is under way: what is just being written is left for the next audit."""
        a = self.archive()
        path = self.path_of(a, 5).as_file()
        content = path.read_bytes()
        os.chmod(path, 0o644)
        with open(path, "wb") as f:
            f.write(content[:100])
            f.flush()
            done = self.audit(a)
            self.assertEqual((done["ok"], done["busy"], done["covered"]), (True, 1, [[0, 4], [6, 42]]))
            self.assertEqual([n["kind"] for n in done["notices"]], ["document-busy"])
            f.write(content[100:])
        done = self.audit(a, "--max-bytes", "1")
        self.assertEqual(done["covered"][0], [5, 5], "it comes first")

    def test_withdrawn_is_good(self):
        a = self.archive()
        self.ok("-C", a, "withdraw", "5", "7", "--decided-by", "x", "--yes", "-q")
        done = self.audit(a)
        self.assertEqual((done["withdrawn"], done["missing"]), (2, 0))

    def test_the_ledger_each_time(self):
        for whole in (False, True):
            a = self.archive(name=f"a{whole}")
            self.audit(a, "--max-bytes", "1")
            self.damage_page(a, 25, whole)
            done = self.audit(a, "--max-bytes", "1", code=1)
            kinds = [f["kind"] for f in done["findings"]]
            self.assertIn("ledger-damaged" if whole else "leaf-mismatch", kinds)

    def test_a_forged_tail(self):
        """A signature of what is new since the last audit."""
        a = self.archive()
        self.audit(a, "--max-bytes", "1")
        self.ok("-C", a, "import", self.file("new.txt"), "-q")
        db = sqlite3.connect(a + "/store/ledger.db")
        note = db.execute("SELECT note FROM entry WHERE n = 44").fetchone()[0]
        for trigger in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger[0]}")
        forged = note.replace(b"recorded 20", b"recorded 19")
        db.execute("UPDATE entry SET note = ? WHERE n = 44", (forged,))
        db.commit()
        db.close()
        kinds = {f["kind"] for f in self.audit(a, "--max-bytes", "1", code=1)["findings"]}
        self.assertLessEqual({"signature-invalid", "leaf-mismatch"}, kinds)

    def test_slack_rot_is_told_from_changed_content(self):
        a = self.archive()
        self.audit(a)
        path = pathlib.Path(a, "store/ledger.db")
        raw = bytearray(path.read_bytes())
        raw[raw.find(bytes(64), 3 * PAGE) + 30] ^= 1
        path.write_bytes(raw)
        done = self.audit(a, code=1)
        self.assertEqual([f["kind"] for f in done["findings"]], ["slack-rot"])
        self.assertEqual(self.found(self.audit(a)), [])
        self.damage_page(a, 25)
        self.assertNotIn("slack-rot", [f["kind"] for f in self.audit(a, code=1)["findings"]])

    def test_rolled_back(self):
        a = self.archive()
        shutil.copytree(a + "/store", self.dir / "older")
        self.audit(a)
        shutil.rmtree(a + "/store")
        shutil.copytree(self.dir / "older", a + "/store")
        done = self.audit(a, code=1)
        self.assertIn("rolled-back", [f["kind"] for f in done["findings"]])
        self.assertIsNone(done["last_entry"])
        self.assertEqual([n["kind"] for n in done["notices"]], ["audit-not-recorded"])

    def test_on_finding(self):
        a = self.archive()
        out = self.dir / "told"
        self.audit(a, "--on-finding", f"cat > {out}")
        self.assertFalse(out.exists(), "nothing found, nobody told")
        self.path_of(a, 9).unlink()
        r = self.expect(1, "-C", a, "audit", "--on-finding", f"cat > {out}; exit 3")
        self.assertIn("ended with status 3", r.err)
        told = json.loads(out.read_text())
        self.assertEqual(self.found(told), [("document-missing", 9)])
        self.expect(1, "-C", a, "audit", "--on-finding", "exec true")

    def test_an_import_meanwhile_is_not_lost(self):
        a = self.archive()
        child = subprocess.Popen([support.VIDIMUS, "-C", a, "audit", "--json", "--rate", "12k"], stdout=subprocess.PIPE,
                                 env=support.environment())
        self.ok("-C", a, "import", self.file("new.txt"), "-q")
        done = json.loads(child.communicate(timeout=60)[0])
        self.assertTrue(done["ok"])
        self.verified(a, 45)

    def test_idle(self):
        a = self.archive()
        self.assertTrue(self.audit(a, "--idle")["ok"])

    def test_command_lines(self):
        a = self.archive()
        for option in ("--max-time", "--within", "--overdue"):
            self.assertIn(f"{option}: 30 of what? Say 30s, 30m, 30h, 30d or 30w",
                          self.expect(2, "-C", a, "audit", option, "30").err)
        for args in (("--max-time", "0"), ("--max-time", "x"), ("--max-bytes", "-1"), ("--sample", "0%"), ("--sample", "101"),
                     ("--sample", "5%", "--within", "30d"), ("--format", "xml"), ("--history", "--idle"), ("-o", "x"),
                     ("--overdue", "soon"), ("--rate", "1x")):
            self.expect(2, "-C", a, "audit", *args)
        self.expect(3, "-C", a, "audit", "--repair-from", str(self.dir / "nowhere"))


class Standing(AuditCase):
    """What an audit found bad comes first in the next, whatever is due, until it is good."""

    def test_comes_first(self):
        a, mirror = self.archive(), str(self.dir / "mirror")
        self.ok("-C", a, "mirror", mirror, "-q")
        self.assertNotIn("NOT GOOD", self.ok("-C", a, "status").out)
        self.rot(self.path_of(a, 5))
        self.path_of(a, 30).unlink()
        bad = [("document-corrupt", 5), ("document-missing", 30)]
        self.assertEqual(self.found(self.audit(a, code=1)), bad)
        self.assertIn("2 findings of audits stand", self.ok("-C", a, "status").out)
        self.assertEqual(self.ok("-C", a, "status", "--json").json["findings_standing"], 2)
        for args in (("--within", "30d"), ("--max-bytes", "1")):
            again = self.audit(a, *args, code=1)
            self.assertEqual(self.found(again), bad[:2 if "--within" in args else 1])
        done = self.audit(a, "--within", "30d", "--repair-from", mirror, code=1)
        self.assertEqual((self.found(done), done["repaired"]), (bad, 2))
        self.assertEqual(self.found(self.audit(a, "--within", "30d")), [])
        self.assertEqual(self.ok("-C", a, "status", "--json").json["findings_standing"], 0)
        self.verified(a)


class Found(AuditCase):
    def test_the_index_of_packs_lost_its_slots(self):
        """Nothing is called missing for that."""
        a = self.archive()
        index = pathlib.Path(a, "store/packs/index")
        raw = bytearray(index.read_bytes())
        raw[135168:] = bytes(len(raw) - 135168)
        index.write_bytes(raw)
        done = self.audit(a, code=1)
        self.assertEqual(self.found(done), [("catalog-mismatch", None)])
        self.assertIn("did not lead to 40 of the documents", done["findings"][0]["message"])
        self.assertEqual((done["missing"], done["corrupt"]), (0, 0))
        self.assertEqual(self.found(self.audit(a)), [])
        self.verified(a)

    def test_an_audit_of_the_future_counts_as_none(self):
        a = self.archive()
        ahead = {"LD_PRELOAD": os.environ["FAKE_CLOCK"], "FAKE_TIME": str(int(time.time()) + 700 * 86400),
                 "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.audit(a, **ahead)
        self.assertEqual(self.audit(a, "--within", "1d")["documents_checked"], self.DOCUMENTS)
        later = {**ahead, "FAKE_TIME": str(int(time.time()) + 90 * 86400)}
        r = self.expect(1, "-C", a, "audit", "--overdue", "30d", "--format", "nagios", **later)
        self.assertIn("WARNING", r.out)
        self.assertIn("not counted", self.ok("-C", a, "audit", "--history").out)


class Repair(AuditCase):
    def story(self, source):
        """Rot, a missing document, a swapped pair: found, named, repaired, verified, told by the ledger."""
        a = self.archive()
        self.audit(a)
        source = source(a)
        self.rot(self.path_of(a, 5))
        self.path_of(a, 9).unlink()
        one, two = self.path_of(a, 12), self.path_of(a, 13)
        first, second = one.read_bytes(), two.read_bytes()
        one.chmod(0o644), two.chmod(0o644)
        one.write_bytes(second), two.write_bytes(first)
        done = self.audit(a, "--repair-from", source, code=1)
        self.assertEqual(self.found(done), [("document-corrupt", 5), ("document-missing", 9), ("document-corrupt", 12),
                                            ("document-corrupt", 13)])
        self.assertEqual((done["missing"], done["corrupt"], done["repaired"]), (1, 3, 4))
        self.assertEqual(support.set_aside(a), 3, "kept aside")
        self.verified(a)
        self.assertEqual(self.found(self.audit(a)), [])
        past = self.history(a)
        self.assertEqual([(p["missing"], p["corrupt"], p["repaired"]) for p in past["audits"]],
                         [(0, 0, 0), (1, 3, 4), (0, 0, 0)])
        self.assertEqual(past["findings"], [])
        self.assertTrue(all(f["repaired"] for f in past["audits"][1]["findings"]))

    def mirror(self, a):
        self.ok("-C", a, "mirror", str(self.dir / "mirror"))
        return str(self.dir / "mirror")

    def test_from_a_mirror(self):
        self.story(self.mirror)

    def test_from_another_archive(self):
        self.story(lambda a: shutil.copytree(a, self.dir / "copy"))

    def test_from_a_bundle(self):
        for ending in ("tar", "tar.gz", "tar.zst"):
            with self.subTest(ending):
                def bundle(a, name=f"b.{ending}"):
                    self.ok("-C", a, "bundle", "-o", str(self.dir / name), "--all", "-q")
                    return str(self.dir / name)
                self.story(bundle)
                shutil.rmtree(self.dir / "a")

    def test_a_bundle_that_is_a_bomb(self):
        """What it unpacks to is written down only as far as a bundle of its size may go."""
        a, plain, bomb = self.archive(), self.dir / "b.tar", self.dir / "bomb.tar.gz"
        self.ok("-C", a, "bundle", "-o", str(plain), "--all", "-q")
        self.rot(self.path_of(a, 5))
        data = plain.read_bytes()
        first = data.index(b"/data/files/") // 512 * 512
        head = bytearray(data[first:first + 512])
        head[124:136] = b"%011o\0" % (1 << 30)
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        pack = zlib.compressobj(6, wbits=31)
        bomb.write_bytes(b"".join([pack.compress(data[:first] + head), *(pack.compress(bytes(1 << 20)) for _ in range(430)),
                                   pack.flush()]))
        self.assertLess(bomb.stat().st_size, 1 << 19)
        r = self.expect(3, "-C", a, "audit", "--repair-from", str(bomb))
        self.assertIn("it unpacks to more than a bundle of its size may", r.err)

    def test_a_copy_that_is_bad_itself_repairs_nothing(self):
        a = self.archive()
        copy = str(self.dir / "copy")
        shutil.copytree(a, copy)
        for archive in (a, copy):
            self.rot(self.path_of(archive, 5))
        before = self.path_of(a, 5).read_bytes()
        done = self.audit(a, "--repair-from", copy, code=1)
        self.assertEqual((self.found(done), done["repaired"]), ([("document-corrupt", 5)], 0))
        self.assertEqual(self.path_of(a, 5).read_bytes(), before)
        bad = self.file("bad.tar", b"x" * 5000)
        self.assertEqual(self.audit(a, "--repair-from", bad, code=1)["repaired"], 0)

    def test_a_damaged_ledger(self):
        """From a mirror that is older: what it lacks is read from the damaged one."""
        for entry, whole in ((25, False), (25, True), (0, True)):
            with self.subTest(entry=entry, whole=whole):
                a = self.archive()
                mirror = self.mirror(a)
                self.ok("-C", a, "import", self.file("new.txt"), "-q")
                self.ok("-C", a, "withdraw", "7", "--decided-by", "x", "--yes", "-q")
                before = self.ok("-C", a, "checkpoint").out
                secret = sqlite3.connect(f"file:{mirror}/store/ledger.db?mode=ro", uri=True).execute(
                    "SELECT text FROM record WHERE n = 7").fetchone()[0]
                self.damage_page(a, entry, whole)
                done = self.audit(a, "--repair-from", mirror, code=1)
                self.assertTrue(all(f["repaired"] for f in done["findings"]), done)
                self.assertIn("ledger-damaged" if whole else "leaf-mismatch", [f["kind"] for f in done["findings"]])
                self.verified(a)
                self.assertEqual(self.found(self.audit(a)), [])
                self.assertEqual(self.ok("-C", a, "checkpoint", "--at", before.split("\n")[1]).out, before)
                self.assertNotIn(secret, pathlib.Path(a, "store/ledger.db").read_bytes(), "withdrawn stays withdrawn")
                shutil.rmtree(a), shutil.rmtree(mirror)

    def edit(self, a, *statements):
        """As somebody does who writes into the file: the triggers do not stop him, and he puts them back."""
        db = sqlite3.connect(f"{a}/store/ledger.db")
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for sql, values in statements:
            db.execute(sql, values)
        for _, sql in triggers:
            db.execute(sql)
        db.commit()
        db.close()

    def test_a_record_that_is_not_the_signed_one_is_not_shown(self):
        """Neither as a capture nor in a list, by number, by file, or amended; the rest is."""
        a = self.archive()
        self.ok("-C", a, "amend", "7", "--title", "amended")
        self.ok("-C", a, "amend", "8", "--title", "amended")
        at = self.ok("-C", a, "show", "8", "--json").json["amendments"][0]["entry"]
        put = "UPDATE record SET text = CAST(replace(CAST(text AS TEXT), ?, ?) AS BLOB) WHERE n = ?"
        self.edit(a, (put, (".txt", ".tex", 5)), (put, (".txt", ".tex", 7)), (put, ("amended", "AMENDED", at)),
                  ("UPDATE record SET text = x'6e6f' WHERE n = 9", ()))
        for entry in ("5", "8", "9"):
            r = self.expect(1, "-C", a, "show", entry)
            self.assertIn("record-mismatch", r.out)
            self.assertNotIn(".tex", r.out + r.err)
            self.assertNotIn("AMENDED", r.out + r.err)
            told = self.expect(1, "-C", a, "show", entry, "--json").json
            self.assertTrue(told["record_mismatch"])
            self.assertNotIn("record", told)
        self.ok("-C", a, "show", "7")  # the record of its amendment is the one that counts
        listed = self.ok("-C", a, "log").out
        self.assertEqual(listed.count("record-mismatch"), 3)
        self.assertNotIn(".tex", listed)
        kinds = {f["kind"] for f in self.expect(1, "-C", a, "verify", "--json").json["findings"]}
        self.assertEqual(kinds, {"record-mismatch"})

    def forged(self):
        """The entries of a ledger of the same name, with keys of its own, that withdraws two captures."""
        b = str(self.dir / "b")
        self.ok("init", b, "--origin", support.ORIGIN, "--signer", support.SIGNER, "--no-passphrase")
        for i in range(4):
            self.ok("-C", b, "import", self.file(f"b{i}.txt", f"{i}\n"), "-q")
        self.ok("-C", b, "withdraw", "3", "4", "--decided-by", "x", "--yes", "-q")
        db = sqlite3.connect(f"file:{b}/store/ledger.db?mode=ro", uri=True)
        rows = db.execute("SELECT note, n FROM entry").fetchall()
        db.close()
        return [("UPDATE entry SET note = ? WHERE n = ?", row) for row in rows]

    def objects(self, a):
        return [d.digest for d in support.documents(a)]

    def repair_refused(self, a, mirror, why):
        before = self.objects(a)
        r = self.expect(1, "-C", a, "audit", "--repair-from", mirror)
        self.assertIn(why, r.err)
        self.assertEqual([n for n in os.listdir(a + "/store") if "damaged" in n or n == "incoming"], [])
        support.run("-C", a, "recover")
        self.assertLessEqual(set(before), set(self.objects(a)), "nothing was erased")

    def test_a_mirror_with_forged_entries(self):
        """Its tree and checkpoints are the right ones; only the entries are not."""
        a, forged = self.archive(), self.forged()
        mirror = self.mirror(a)
        self.edit(mirror, *forged)
        self.damage_page(a, 25)
        self.repair_refused(a, mirror, "not the ledger that was signed here")

    def test_recover_erases_nothing_for_forged_entries(self):
        for which in (lambda rows: rows, lambda rows: rows[-2:]):
            a, forged = self.archive(), self.forged()
            self.edit(a, *which(forged))
            before = self.objects(a)
            support.run("-C", a, "recover")
            self.assertEqual(self.objects(a), before)
            shutil.rmtree(a), shutil.rmtree(self.dir / "b")

    def test_recover_erases_nothing_for_a_swapped_record(self):
        """The record of what was withdrawn names another document: that one stays."""
        a = self.archive()
        self.ok("-C", a, "withdraw", "7", "--scope", "document", "--decided-by", "x", "--yes", "-q")
        before = self.objects(a)
        self.edit(a, ("UPDATE record SET text = (SELECT text FROM record WHERE n = 9) WHERE n = 7", ()),
                  ("DELETE FROM record WHERE n = 9", ()))
        self.assertIn("nothing is erased", self.expect(3, "-C", a, "recover").err)
        self.assertEqual(self.objects(a), before)

    def test_a_mirror_without_records(self):
        """What it lacks is taken from here; what is good on neither side is not given up."""
        a = self.archive()
        mirror = self.mirror(a)
        self.edit(mirror, ("DELETE FROM record", ()))
        self.damage_page(a, 25)
        done = self.audit(a, "--repair-from", mirror, code=1)
        self.assertTrue(all(f["repaired"] for f in done["findings"]), done)
        self.verified(a)
        self.edit(a, ("UPDATE record SET text = substr(text, 2) WHERE n = 9", ()))
        before = len([n for n in os.listdir(a + "/store") if "damaged" in n])
        r = self.expect(1, "-C", a, "audit", "--repair-from", mirror)
        self.assertIn("the record of entry 9 is good neither there nor here", r.err)
        self.assertEqual(len([n for n in os.listdir(a + "/store") if "damaged" in n]), before)

    def test_records_from_either_side(self):
        a = self.archive()
        mirror = self.mirror(a)
        swap = "UPDATE record SET text = (SELECT text FROM record WHERE n = 12) WHERE n = ?"
        self.edit(mirror, (swap, (9,)))
        self.edit(a, (swap, (10,)))
        done = self.audit(a, "--repair-from", mirror, code=1)
        self.assertTrue(all(f["repaired"] for f in done["findings"]), done)
        self.verified(a)

    def test_what_was_committed_and_not_acknowledged_stays(self):
        a = self.archive()
        mirror = self.mirror(a)
        guard = pathlib.Path(a, "keys/last-checkpoint")
        before = guard.read_bytes()
        self.ok("-C", a, "import", self.file("new.txt"), "-q")
        guard.write_bytes(before)
        self.damage_page(a, 25)
        self.audit(a, "--repair-from", mirror, code=1)
        self.verified(a, 45)  # with the import, and the audit
        self.ok("-C", a, "cat", "42")

    def test_a_ledger_that_a_group_shares(self):
        a = self.archive()
        mirror = self.mirror(a)
        os.chmod(a + "/store", 0o2770)
        self.damage_page(a, 25)
        self.audit(a, "--repair-from", mirror, code=1)
        self.assertEqual(os.stat(a + "/store/ledger.db").st_mode & 0o777, 0o660)

    def test_a_withdrawal_names_the_damaged_ledger(self):
        """It stays as evidence, and has what is withdrawn later: who withdraws is told so."""
        a = self.archive()
        mirror = self.mirror(a)
        words = ("withdraw", "9", "--decided-by", "x", "--yes")
        self.damage_page(a, 25)
        self.audit(a, "--repair-from", mirror, code=1)
        kept, = [n for n in os.listdir(a + "/store") if "damaged" in n]
        self.assertIn(f"store/{kept}, from before a repair, may hold what is withdrawn: remove it",
                      self.ok("-C", a, *words).err)
        self.assertNotIn("repair", self.ok("-C", a, "withdraw", "10", *words[2:], "-q").err)
        os.remove(a + "/store/" + kept)
        odd = pathlib.Path(a, "store/ledger.db.damaged-\x1b[2J")
        odd.touch()
        self.assertNotRegex(self.ok("-C", a, "withdraw", "11", *words[2:]).err, support.FORBIDDEN)
        odd.unlink()
        self.assertNotIn("repair", self.ok("-C", a, "withdraw", "12", *words[2:]).err)

    def test_a_foreign_ledger_repairs_nothing(self):
        a = self.archive()
        self.ok("init", str(self.dir / "b"), "--origin", support.ORIGIN, "--signer", support.SIGNER, "--no-passphrase")
        self.ok("-C", str(self.dir / "b"), "import", str(self.shared / "src"), "-q")
        self.ok("-C", str(self.dir / "b"), "import", str(self.shared / "src"), "--again", "-q")
        self.damage_page(a, 25)
        before = pathlib.Path(a, "store/ledger.db").read_bytes()
        r = self.expect(1, "-C", a, "audit", "--repair-from", str(self.dir / "b"))
        self.assertIn("not the ledger that was signed here", r.err)
        after = pathlib.Path(a, "store/ledger.db").read_bytes()
        self.assertEqual(len([n for n in os.listdir(a + "/store") if "damaged" in n]), 0, "nothing was changed")
        self.assertEqual(after[:len(before) // 2].count(before[PAGE:2 * PAGE]), 1)
        self.assertIn("leaf-mismatch", r.out)


class Story(AuditCase):
    """One of a thousand rots, one is missing, a pair is swapped, and the ledger loses a page: scripts/audit-story."""

    DOCUMENTS = int(os.environ.get("VIDIMUS_AUDIT_DOCUMENTS", "2000"))

    def hurt(self, a):
        """The entries: those that rot, those that are missing, those that are swapped."""
        rows = [json.loads(line) for line in self.ok("-C", a, "log", "--json").out.splitlines()]
        entry = {r["document"].split(":")[1]: r["entry"] for r in rows if r.get("document")}
        places = {name: (pack, at, size) for pack, name, at, size in support.members(a)}
        names, share = sorted(entry, key=entry.get), self.DOCUMENTS // 1000
        rot, missing, one, two = (names[i::1000][:share] for i in (3, 340, 510, 511))
        for name in rot:
            pack, at, _ = places[name]
            raw = self.read(pack, at + 512 + 7, 1)
            support.put(pack, at + 512 + 7, bytes([raw[0] ^ 1]))
        for name in missing:
            support.erase(*places[name])
        for first, second in zip(one, two):
            (pack, at, size), (other, there, length) = places[first], places[second]
            left, right = self.read(pack, at + 512, size), self.read(other, there + 512, length)
            self.assertEqual(len(left), len(right))
            support.put(pack, at + 512, right)
            support.put(other, there + 512, left)
        return [{entry[name] for name in some} for some in (rot, missing, one + two)]

    @staticmethod
    def read(path, at, n):
        with open(path, "rb") as f:
            f.seek(at)
            return f.read(n)

    def test_found_named_repaired_and_told(self):
        a, mirror = self.archive(), str(self.dir / "mirror")
        self.audit(a)
        self.ok("-C", a, "mirror", mirror, "-q")
        rot, missing, swapped = self.hurt(a)
        self.damage_page(a, 1500, whole=True)
        done = self.audit(a, "--repair-from", mirror, code=1)
        corrupt = {f["entry"] for f in done["findings"] if f["kind"] == "document-corrupt"}
        self.assertEqual(corrupt, rot | swapped)
        self.assertEqual({f["entry"] for f in done["findings"] if f["kind"] == "document-missing"}, missing)
        self.assertIn("ledger-damaged", [f["kind"] for f in done["findings"]])
        self.assertTrue(all(f["repaired"] for f in done["findings"]))
        self.assertEqual(done["repaired"], len(done["findings"]))
        self.verified(a)
        self.assertEqual(self.found(self.audit(a)), [])
        told = self.history(a)["audits"]
        self.assertEqual([(t["missing"], t["corrupt"]) for t in told],
                         [(0, 0), (len(missing), len(rot | swapped)), (0, 0)])
        self.assertEqual({f["entry"] for f in told[1]["findings"] if f["kind"].startswith("document-")},
                         rot | missing | swapped)


if __name__ == "__main__":
    support.main()
