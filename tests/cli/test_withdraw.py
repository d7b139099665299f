#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takedowns: what goes, what stays, what is left to be found, what a crash leaves."""

import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys

import support

PYTHON_VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"
DECIDED = ("--decided-by", "officer 7", "--yes")


def words_of(n, size):
    """Bytes that stand nowhere else, and are found again piece by piece."""
    chance = random.Random(n)
    return "".join(chance.choice("abcdefghijklmnop") for _ in range(size)).encode()


def store_bytes(archive):
    """Every byte of store/, file names included."""
    found = b""
    for base, _, files in os.walk(archive + "/store"):
        for name in files:
            found += os.path.join(base, name).encode() + pathlib.Path(base, name).read_bytes()
    return found


def lead(text):
    """What the catalog finds a document by."""
    return (int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1).to_bytes(8, "big")


def traces(archive, document, title):
    """Which pieces of a document, its digest and its title are in the store."""
    everything = store_bytes(archive)
    digest = hashlib.sha256(document)
    pieces = [document[i:i + 64] for i in range(0, len(document) - 63, 64)]
    pieces += [digest.digest(), digest.hexdigest().encode(), digest.hexdigest()[2:].encode(), lead(document)]
    # A search index writes a word in small letters, and leaves out what it shares with the one before.
    pieces += [part for word in title.encode().split() for part in (word, word.lower()[4:])]
    return [p for p in pieces if p in everything]


class Withdraw(support.Case):
    def add(self, a, name, document, *options):
        self.ok("-C", a, "import", self.file(name, document), *options)

    def withdraw(self, a, *args, code=0):
        return self.expect(code, "-C", a, "withdraw", *args, *DECIDED)

    def test_no_trace(self):
        """Records of all sizes, taken down here and there: SQLite leaves copies of rows in unused
        parts of its pages when it moves them, which deleting alone does not reach."""
        a = self.archive()
        rows, table, chance = {}, ["file,title,note"], random.Random(5)
        (self.dir / "src").mkdir()
        for n in range(2, 102):
            document = words_of(n, 64 * chance.randint(1, 9))
            title = f"{words_of(n + 1000, 16).decode()} {words_of(n + 2000, 16).decode()}"
            (self.dir / f"src/d{n:03}").write_bytes(document)
            table.append(f'd{n:03},{title},{"z" * chance.choice((9, 300, 3000))}')
            rows[n] = (document, title)
        self.ok("-C", a, "import", str(self.dir / "src"), "--metadata",
                self.file("src/t.csv", "\n".join(table) + "\n"))
        numbers = {json.loads(self.ok("-C", a, "show", str(n), "--json").out)["record"]["title"]: n
                   for n in range(2, 102)}
        self.ok("-C", a, "amend", "7", "--note", "a note")
        order = list(rows.values())
        chance.shuffle(order)
        for document, title in order[:8]:
            self.assertGreater(len(traces(a, document, title)), 4, "the control")
            self.assertIn(lead(document), traces(a, document, title), "the control")
        for start in range(0, 60, 20):
            self.withdraw(a, *[str(numbers[title]) for _, title in order[start:start + 20]])
            for document, title in order[:start + 20]:
                self.assertEqual(traces(a, document, title), [], title)
        db = sqlite3.connect(f"file:{a}/store/ledger.db?mode=ro", uri=True)
        self.assertEqual(db.execute("PRAGMA freelist_count").fetchone(), (0,), "written anew")
        db.close()
        for document, title in order[60:]:
            self.assertGreater(len(traces(a, document, title)), 4, "what stays")
        self.verified(a)

    def test_words(self):
        """What `find` searches has neither the words of a record nor those of its amendments; others stay."""
        a = self.archive()
        for n, end in ((2, "zz"), (3, "yy"), (4, "xx")):
            self.add(a, f"{n}.txt", words_of(n, 640), "--title", "qahwa" + end, "--note", "zaytun" + end)
        for n, end in ((5, "zz"), (6, "yy"), (7, "xx")):
            self.ok("-C", a, "amend", str(n - 3), "--title", "bustan" + end)
        for end in ("zz", "yy", "xx"):
            self.assertTrue(self.ok("-C", a, "find", "bustan" + end, "zaytun" + end).out)
            for word in ("qahwa", "bustan", "zaytun"):
                self.assertIn((word + end).encode(), store_bytes(a), "the control")
        self.withdraw(a, "2", "3")
        for end in ("zz", "yy"):
            for word in ("qahwa", "bustan", "zaytun"):
                self.assertEqual(self.ok("-C", a, "find", word + end).out, "")
                for part in (word + end, word[1:] + end, word[2:] + end):
                    self.assertNotIn(part.encode(), store_bytes(a))
        self.assertTrue(self.ok("-C", a, "find", "bustanxx", "zaytunxx").out)
        self.verified(a, 10)

    def test_a_bad_copy_that_was_set_aside_goes_too(self):
        a, document = self.archive(), words_of(1, 640)
        self.add(a, "a.txt", document)
        path = support.documents(a)[0]
        path.chmod(0o600)
        path.write_bytes(document[:-1] + b"!")
        self.ok("-C", a, "import", str(self.dir / "a.txt"), "--again")
        self.assertEqual(support.set_aside(a), 1)
        self.withdraw(a, "2-3")
        self.assertEqual(traces(a, document, "Qwzqwzqwz Qwyqwyqwy"), [])

    def test_what_leads_to_it_is_damaged(self):
        """The header of its member, or the slot in the index: it goes all the same, and the archive goes on."""
        def header(a, digest):
            pack, _, at, _ = next(m for m in support.members(a) if m[1] == digest)
            support.put(pack, at + 5, b"x")

        def slot(a, digest):
            index = pathlib.Path(a, "store/packs/index")
            raw = bytearray(index.read_bytes())
            raw[raw.index(bytes.fromhex(digest[:16])[::-1], 135168)] ^= 4
            index.write_bytes(raw)

        for damage in ([header], [slot], [header, slot]):
            a, document = self.archive(name="-".join(d.__name__ for d in damage)), words_of(1, 640)
            self.add(a, "a.txt", document)
            self.add(a, "b.txt", words_of(2, 640))
            for d in damage:
                d(a, hashlib.sha256(document).hexdigest())
            self.withdraw(a, "2")
            self.assertEqual(traces(a, document, "Qwzqwzqwz"), [])
            self.add(a, "c.txt", words_of(3, 640))
            self.verified(a)

    def test_scopes(self):
        """Of a capture whose document another one shares, so that each scope can be asked for."""
        for scope, record in (("document", True), ("record", False), ("both", False)):
            a = self.archive(name=scope)
            for title in ("A title", "Its twin"):
                self.add(a, "a.txt", "a document\n", "--title", title, "--again")
            self.ok("-C", a, "amend", "2", "--title", "Another")
            r = self.withdraw(a, "2", "--scope", scope, "--reason", "as asked")
            self.assertIn("This withdraws for good", r.err)
            self.assertIn("its document stays: entry 3 is a capture of it, too", r.err)
            shown = self.ok("-C", a, "show", "2", "--json").json
            self.assertEqual("record" in shown, record, scope)
            self.assertEqual((shown["withdrawn"], shown["decided_by"]), (5, "officer 7"))
            self.assertRegex(self.ok("-C", a, "show", "2").out,
                             rf"withdrawn +by entry 5, .* \({scope}\), decided by officer 7: as asked")
            self.assertEqual(self.ok("-C", a, "cat", "3").out, "a document\n")
            self.assertEqual(self.verified(a, 6)["documents_checked"], 1)
            r = self.expect(3, "-C", a, "cat", "2")
            self.assertIn("withdrawn by entry 5, decided by officer 7", r.err)
            self.expect(1, "-C", a, "amend", "2", "--title", "x")
            self.withdraw(a, "2", "--scope", scope, code=3)

    def test_all_scopes_in_each_order(self):
        """Two or three captures share a document, and go one after the other, each in one of the scopes."""
        for captures in (2, 3):
            base = self.archive(name=f"base{captures}")
            for n in range(captures):
                self.add(base, "a.txt", words_of(8, 640), "--source", f"s{n}")
            path = support.documents(base)[0].digest
            for i, scopes in enumerate(itertools.product(("document", "record", "both"), repeat=captures)):
                order = range(captures) if i % 2 else reversed(range(captures))
                self.one_after_the_other(base, path, list(zip(order, scopes)))

    def one_after_the_other(self, base, path, steps):
        """What the page says, capture by capture: a document goes once each of its captures is withdrawn, in whatever
        scope, and one of them with its document; a record alone is not withdrawn where none would tell of a document."""
        a = str(self.dir / "now")
        shutil.rmtree(a, ignore_errors=True)
        shutil.copytree(base, a)
        known, open_, claimed = set(range(len(steps))), set(range(len(steps))), set()
        for capture, scope in steps:
            claims = (claimed & known) | ({capture} - {capture if scope == "record" else None})
            if open_ == {capture} and not claims:
                r = self.withdraw(a, str(capture + 2), "--scope", scope, code=3)
                self.assertIn("no capture would tell of it. Withdraw both", r.err)
                self.assertTrue(support.Document(a, path).exists(), steps)
                scope = "both"
            open_.discard(capture)
            claimed |= {capture} if scope != "record" else set()
            known -= {capture} if scope != "document" else set()
            told = self.withdraw(a, str(capture + 2), "--scope", scope, "--json").json["withdrawn"][0]
            self.assertEqual((told["record_erased"], told["document_erased"]), (scope != "document", not open_), steps)
            self.assertEqual(support.Document(a, path).exists(), bool(open_), steps)
        self.assertEqual([n["kind"] for n in self.verified(a)["notices"]], ["freshness-unknown"], steps)
        left = traces(a, words_of(8, 640), "Qwzqwzqwz Qwyqwyqwy")
        self.assertEqual(bool(left), bool(known), steps)   # a record that stays tells the digest

    def test_what_is_derived_from_a_document_that_stays(self):
        """It stays in the archive by another capture: nothing that goes is named."""
        a = self.archive()
        for source in ("one", "two"):
            self.add(a, "a.txt", "the same bytes\n", "--source", source)
        self.add(a, "part", "part", "--derived-from", "2", "--derived-method", "cut out")
        self.withdraw(a, "2")
        self.assertIn("would stay behind, and names its digest: entries 4.", self.withdraw(a, "3", code=3).err)
        self.withdraw(a, "3", "--with-parts")
        self.assertEqual(support.documents(a), [])
        self.verified(a, 8)

    def test_both_in_two_steps(self):
        a = self.archive(1)
        self.withdraw(a, "2", "--scope", "document")
        self.withdraw(a, "2", "--scope", "record")
        self.assertRegex(self.withdraw(a, "2", code=3).err, "withdrawn by entry 4 already")
        self.verified(a, 5)

    def test_a_record_alone(self):
        """Nobody could find its document any more, nor take it down: it is refused. With what may be known
        of the document in a record of its own, it goes; and of what is gone nothing more is withdrawn."""
        a = self.archive()
        self.add(a, "a.txt", "bytes\n", "--title", "what must go")
        for words in (("2",), ("2", "--with-parts")):
            r = self.withdraw(a, *words, "--scope", "record", code=3)
            self.assertIn("its document would stay, and no capture would tell of it", r.err)
        self.add(a, "a.txt", "bytes\n", "--title", "what may stay", "--again")
        self.withdraw(a, "2", "3", "--scope", "record", code=3)
        self.withdraw(a, "2", "--scope", "record")
        for scope in ("document", "both"):
            self.assertIn("import the document again", self.withdraw(a, "2", "--scope", scope, code=3).err)
        self.assertEqual(self.ok("-C", a, "cat", "3").out, "bytes\n")
        self.verified(a, 5)

    def test_a_record_alone_of_a_document_that_was_lost(self):
        a = self.archive(1)
        support.documents(a)[0].unlink()
        self.assertIn("its document is not here", self.withdraw(a, "2", "--scope", "record").err)
        self.verified(a, 4)

    def test_shared_documents(self):
        a = self.archive()
        for source in ("one", "two"):
            self.add(a, "a.txt", "the same bytes\n", "--source", source)
        r = self.withdraw(a, "2")
        self.assertIn("its document stays: entry 3 is a capture of it, too", r.err)
        self.assertEqual(self.ok("-C", a, "cat", "3").out, "the same bytes\n")
        self.verified(a, 5)
        self.assertRegex(self.withdraw(a, "3").err, "its document, 15 bytes")
        self.assertEqual(support.documents(a), [])
        self.verified(a, 6)

    def test_parts(self):
        a = self.archive()
        self.add(a, "whole.txt", "whole\n")
        for n, name in (("2", "part"), ("3", "part of part")):
            self.add(a, name, name, "--derived-from", n, "--derived-method", "cut out")
        before = support.listing(a + "/keys")
        r = self.withdraw(a, "2", code=3)
        self.assertIn("would stay behind, and names its digest: entries 3. --with-parts", r.err)
        self.assertEqual(support.listing(a + "/keys"), before)
        self.verified(a, 5)
        r = self.withdraw(a, "2", "--with-parts", "--json")
        self.assertEqual([w["entry"] for w in r.json["withdrawn"]], [2, 3, 4])
        self.assertTrue(all(w["document_erased"] and w["record_erased"] for w in r.json["withdrawn"]))
        self.assertEqual(traces(a, b"whole\n" * 20, "Qwzqwzqwz Qwyqwyqwy"), [])
        self.verified(a, 8)

    def test_refused(self):
        a = self.archive(1)
        self.ok("-C", a, "amend", "2", "--note", "x")
        for n, words in (("1", "is no capture but a key"), ("3", "is no capture but an amendment"),
                         ("9", "no entry 9")):
            self.assertIn(words, self.withdraw(a, n, code=3).err)
        for args in (("2",), ("2", "--decided-by", ""), ("2", *DECIDED, "--scope", "all"),
                     ("2", *DECIDED, "--reason", ""), DECIDED, ("x", *DECIDED)):
            self.expect(2, "-C", a, "withdraw", *args)
        self.expect(2, "-C", a, "withdraw", "2", "--decided-by", "me")
        os.remove(a + "/keys/authority.key")
        self.assertIn("--authority-key", self.withdraw(a, "2", code=3).err)
        self.verified(a, 4)

    def test_asks(self):
        a = self.archive(1)
        asked = ("-C", a, "withdraw", "2", "--decided-by", "me")
        r = support.on_terminal(*asked, answers=[("Type yes:", "no\n")])
        self.assertEqual(r.code, 3, str(r))
        self.verified(a, 3)
        r = support.on_terminal(*asked, answers=[("Type yes:", "yes\n")])
        self.assertEqual(r.code, 0, str(r))
        self.verified(a, 4)

    def test_signed_on_another_machine(self):
        a, document = self.archive(), words_of(4, 640)
        self.add(a, "a.txt", document, "--title", "Qwzxqwzxqwzx")
        self.ok("-C", a, "amend", "2", "--note", "x")
        authority = shutil.move(a + "/keys/authority.key", self.dir / "authority.key")
        request, signed = str(self.dir / "request"), str(self.dir / "signed")
        before = support.listing(a)
        r = self.ok("-C", a, "withdraw", "2", "--decided-by", "officer \x1b[1m7", "--reason", "as asked",
                    "--request", request)
        self.assertIn("vidimus key submit signed", r.out)
        self.assertEqual(support.listing(a), before)
        r = self.ok("key", "sign", request, "-o", signed, "--authority-key", str(authority), "--yes")
        self.assertRegex(r.err, r"as entry 4 of test.example/log\n  withdraw +entry 2, its document and record\n"
                                r"  decided by officer \\x1b\[1m7\n  reason     as asked\n")
        self.assertIn(f"its document, 640 bytes, sha256 {hashlib.sha256(document).hexdigest()}", r.err)
        self.safe(r)
        self.assertEqual(support.listing(a), before)
        self.assertGreater(len(traces(a, document, "Qwzxqwzxqwzx")), 4, "the control")
        r = self.ok("-C", a, "key", "submit", signed, "--json")
        self.assertIn("This withdraws for good", r.err)
        self.assertEqual(r.json["withdrawn"], [{"entry": 2, "withdrawal": 4, "record_erased": True,
                                                "document_erased": True}])
        self.assertEqual(traces(a, document, "Qwzxqwzxqwzx"), [])
        self.verified(a, 5)
        self.assertIn("has 5 entries now", self.expect(3, "-C", a, "key", "submit", signed).err)

    def test_scope_of_a_request(self):
        for scope, erased in (("document", [False, True]), ("record", [True, False])):
            a = self.archive(1, scope)
            if scope == "record":
                self.ok("-C", a, "import", str(self.dir / "record-src"), "--again")
            request, signed = str(self.dir / (scope + ".r")), str(self.dir / (scope + ".s"))
            self.ok("-C", a, "withdraw", "2", "--decided-by", "me", "--scope", scope, "--request", request)
            self.ok("key", "sign", request, "-o", signed, "--authority-key", a + "/keys/authority.key", "--yes")
            done = self.ok("-C", a, "key", "submit", signed, "--json").json["withdrawn"][0]
            self.assertEqual([done["record_erased"], done["document_erased"]], erased)
            self.verified(a)

    def test_what_a_request_may_not_do(self):
        a = self.archive(3)
        asked = ("--decided-by", "me", "--request", str(self.dir / "r"))
        self.add(a, "part", "part", "--derived-from", "2", "--derived-method", "cut out")
        for words, said in ((("3", "4"), "a request is for one entry"), (("2",), "--with-parts"), (("9",), "no entry 9"),
                            (("2", "--with-parts"), "parts first"), (("1",), "is no capture")):
            r = self.expect(3, "-C", a, "withdraw", *words, *asked)
            self.assertIn(said, r.err)
            self.assertNotIn("This withdraws", r.err, "nothing is told that will not be")
        self.expect(2, "-C", a, "withdraw", "2", *asked[2:])
        self.assertFalse((self.dir / "r").exists())

    def test_the_same_is_asked_when_it_is_submitted(self):
        """A signed withdrawal that nobody would have been let ask for: of no capture, with
        a part left behind; or altered after it was signed."""
        a = self.archive(1)
        self.add(a, "part", "part", "--derived-from", "2", "--derived-method", "cut out")
        request, signed = self.dir / "r", self.dir / "s"
        self.ok("-C", a, "withdraw", "3", "--decided-by", "me", "--request", str(request))
        good = request.read_text()
        for n, said in (("2", "would stay behind"), ("1", "is no capture")):
            request.write_text(good.replace("\nwithdraws 3\n", f"\nwithdraws {n}\n"))
            self.assertNotEqual(request.read_text(), good)
            self.ok("key", "sign", str(request), "-o", str(signed), "--authority-key", a + "/keys/authority.key", "--yes")
            self.assertIn(said, self.expect(3, "-C", a, "key", "submit", str(signed)).err)
            signed.unlink()
        request.write_text(good)
        self.ok("key", "sign", str(request), "-o", str(signed), "--authority-key", a + "/keys/authority.key", "--yes")
        note = signed.read_bytes()
        for bad in (note.replace(b"scope both", b"scope record"), note[:-9] + b"AAAAAAA=\n", b""):
            self.assertNotEqual(bad, note)
            signed.write_bytes(bad)
            self.expect(3, "-C", a, "key", "submit", str(signed))
        self.verified(a, 4)

    def test_interrupted(self):
        """The entry is committed and the erasing stops: it is told, and the next write goes on."""
        a, document = self.archive(), words_of(3, 640)
        self.add(a, "a.txt", document, "--title", "Qwzxqwzxqwzx")
        path = support.documents(a)[0].as_file()
        os.rename(path, self.dir / "aside")
        path.mkdir()
        self.assertIn("not all is erased yet", self.withdraw(a, "2", code=3).err)
        path.rmdir()
        os.rename(self.dir / "aside", path)
        report = self.verified(a, 4)
        self.assertIn("erasure-pending", [n["kind"] for n in report["notices"]])
        path.chmod(0o644)
        path.write_bytes(bytes(320) + document[320:])   # the erasing came as far as this
        self.assertIn("erasure-pending", [n["kind"] for n in self.verified(a, 4)["notices"]])
        b = str(self.dir / "b")
        shutil.copytree(a, b)
        self.ok("-C", a, "recover")
        self.add(b, "b.txt", "another\n")
        for archive in (a, b):
            self.assertEqual(traces(archive, document, "Qwzxqwzxqwzx"), [])
            report = self.verified(archive)
            self.assertNotIn("erasure-pending", [n["kind"] for n in report["notices"]])

    def stopped(self, *scope):
        """Entries 2 and 3 of one source, entry 2 amended by 4, withdrawn by 5 and stopped before anything was erased.
        Returns the archive, and the document of entry 2."""
        a, document = self.archive(), words_of(11, 640)
        self.add(a, "a.txt", document, "--title", "Qwzxqwzxqwzx", "--source", "s")
        path = support.documents(a)[0].as_file()
        self.add(a, "b.txt", "another\n", "--source", "s")
        self.ok("-C", a, "amend", "2", "--title", "Qwzxvbnmvbnm")
        os.rename(path, self.dir / "aside")
        path.mkdir()
        self.withdraw(a, "2", *scope, code=3)
        path.rmdir()
        os.rename(self.dir / "aside", path)
        return a, document

    def shown_nowhere(self, a, document):
        shown = self.ok("-C", a, "show", "2")
        self.assertIn("by entry 5", shown.out)
        self.assertEqual(self.ok("-C", a, "show", "2", "--json").json["withdrawn"], 5)
        refused = self.expect(3, "-C", a, "cat", "2")
        self.assertIn("entry 2 was withdrawn by entry 5", refused.err)
        said = shown.out + refused.out
        for command in (("show", "2", "--json"), ("show", "4"), ("show", "4", "--json"), ("history", "s")):
            said += self.ok("-C", a, *command).out
        for command in (("log",), ("log", "--json"), ("find", "Qwzxvbnmvbnm"), ("find", "Qwzxqwzxqwzx", "--json")):
            said += support.run("-C", a, *command).out
        for word in ("Qwzx", document[:20].decode(), hashlib.sha256(document).hexdigest()):
            self.assertNotIn(word, said)

    def test_recover_without_the_guard(self):
        """Of all entries: a document that is gone was withdrawn, by the capture's number, or is missing."""
        a = self.archive()
        for n in (2, 3, 4, 5):
            self.add(a, f"{n}.txt", words_of(n, 64))
        self.ok("-C", a, "amend", "3", "--note", "seen again")
        self.withdraw(a, "3", "5", "--scope", "document")
        guard = pathlib.Path(a, "keys/last-checkpoint")
        guard.unlink()
        self.assertIn("made anew", self.ok("-C", a, "recover").out)
        guard.unlink()
        digest = hashlib.sha256(words_of(4, 64)).hexdigest()
        support.Document(a, digest).unlink()
        self.assertIn("entry 4: its document is missing", self.expect(3, "-C", a, "recover").err)
        self.assertFalse(guard.exists())

    def test_readers_between_the_withdrawal_and_the_erasing(self):
        """Nobody is shown what is withdrawn, also where the catalog does not know of it yet, or there is none."""
        a, document = self.stopped()
        self.assertGreater(len(traces(a, document, "Qwzxqwzxqwzx")), 4, "the control: all is still there")
        status = self.ok("-C", a, "status")
        self.assertIn("is still stored: `vidimus recover` erases it", status.out)
        self.assertNotIn("reindex", status.out)
        self.assertEqual(self.ok("-C", a, "status", "--json").json["erasure_pending"], True)
        self.shown_nowhere(a, document)
        mirror = str(self.dir / "m")
        done = self.ok("-C", a, "mirror", mirror, "--json").json
        self.assertEqual((done["documents_copied"], done["erased"]), (1, 0))
        self.assertEqual(traces(mirror, document, "Qwzxqwzxqwzx Qwzxvbnmvbnm"), [])
        self.verified(mirror, 6)
        b = str(self.dir / "b")
        shutil.copytree(a, b)
        self.ok("-C", b, "reindex")
        self.shown_nowhere(b, document)
        digest = hashlib.sha256(document).hexdigest()
        support.Document(b, digest).unlink()
        self.assertIs(self.ok("-C", b, "status", "--json").json["erasure_pending"], True, "of the records")
        done = self.ok("-C", a, "recover", "--json").json
        self.assertEqual((done["erased"], done["documents_erased"], done["records_erased"]), (True, 1, 2))
        self.assertEqual(traces(a, document, "Qwzxqwzxqwzx"), [])
        self.assertEqual(self.ok("-C", a, "status", "--json").json["erasure_pending"], False)
        self.shown_nowhere(a, document)

    def test_a_mirror_that_has_it_loses_it_before_it_is_erased_here(self):
        a, document = self.archive(), words_of(11, 640)
        self.add(a, "a.txt", document, "--title", "Qwzxqwzxqwzx")
        self.ok("-C", a, "mirror", str(self.dir / "m"))
        path = support.documents(a)[0].as_file()
        os.rename(path, self.dir / "aside")
        path.mkdir()
        self.withdraw(a, "2", code=3)
        path.rmdir()
        os.rename(self.dir / "aside", path)
        started = self.dir / "started"  # a first run that was stopped: documents, and no ledger yet that knows them
        shutil.copytree(self.dir / "m", started)
        for name in [*started.glob("store/*.db*"), *started.glob("keys/*"), *started.glob("keys/.*")]:
            name.unlink()
        for mirror in ("m", "started"):
            self.assertEqual(self.ok("-C", a, "mirror", str(self.dir / mirror), "--json").json["erased"], 1, mirror)
            self.assertEqual(traces(str(self.dir / mirror), document, "Qwzxqwzxqwzx"), [])
            self.verified(str(self.dir / mirror), 4)

    def test_a_document_alone_that_is_withdrawn_and_still_there(self):
        a, document = self.stopped("--scope", "document")
        self.assertIn("Qwzxvbnmvbnm", self.ok("-C", a, "show", "2").out)
        self.assertIn("entry 2 was withdrawn by entry 5", self.expect(3, "-C", a, "cat", "2").err)
        self.assertIs(self.ok("-C", a, "status", "--json").json["erasure_pending"], True)
        done = self.ok("-C", a, "mirror", str(self.dir / "m"), "--json").json
        self.assertEqual((done["documents_copied"], done["erased"]), (1, 0), "it was not there for a moment")
        self.assertNotIn(document[:64], store_bytes(str(self.dir / "m")))
        self.verified(str(self.dir / "m"), 6)

    def test_bundles(self):
        a = self.archive(2)
        self.ok("-C", a, "amend", "2", "--note", "x")
        self.withdraw(a, "2")
        bundle, key = str(self.dir / "b.tar"), a + "/keys/authority.pub"
        self.ok("-C", a, "bundle", "-o", bundle, "--all")
        self.assertIn("1 WITHDRAWN", self.ok("verify", bundle, "--trust", key).out)
        said = subprocess.run([sys.executable, PYTHON_VERIFIER, "--json", "--trust", key, bundle],
                              capture_output=True, text=True, check=False)
        self.assertEqual(json.loads(said.stdout)["verdict"], "VERIFIED", said.stdout)

    def test_what_a_bundle_says_of_them(self):
        """Which are withdrawn, by whose decision, when and why: as text, JSON and page; none is `not disclosed`."""
        a = self.archive(4)
        self.ok("-C", a, "import", "--again", self.file("again.txt", self.ok("-C", a, "cat", "4").out))
        self.withdraw(a, "2", "--reason", "a <b>name</b>")
        self.withdraw(a, "3", "--scope", "document")
        self.withdraw(a, "4", "--scope", "record")
        self.withdraw(a, "3", "--scope", "record", "--reason", "later")
        bundle, page = str(self.dir / "b.tar"), self.dir / "page.html"
        self.ok("-C", a, "bundle", "-o", bundle, "--all")
        words = ("verify", bundle, "--trust", a + "/keys/authority.pub")
        said = [(2, "record and document", 7, "a <b>name</b>"), (3, "the document", 8, None),
                (3, "the record", 10, "later"), (4, "the record", 9, None)]
        text, lines = self.ok(*words).out, self.ok(*words, "-v", "--report", str(page)).out
        html = page.read_text()
        for n, what, by, reason in said:
            why = f", reason: {reason}" if reason else ", no reason given"
            line = rf"{what}, by entry {by}, recorded \d{{4}}-[-0-9T:]+Z, decided by officer 7"
            for out in (text, lines):
                self.assertRegex(out, rf"(?m)^  entry {n} +WITHDRAWN, {line}{why}$")
            self.assertRegex(html, rf"<th>WITHDRAWN</th><td>{line}{why.replace('<', '&lt;').replace('>', '&gt;')}</td>")
        self.assertNotIn("not disclosed", lines + html)
        for n, document in ((2, "WITHDRAWN"), (3, "WITHDRAWN"), (4, "not here: the record that names it is WITHDRAWN"),
                            (5, "checked")):
            self.assertRegex(lines, rf"(?m)^  entry {n} +\w+ +document {document}")
        items = {i["entry"]: i["withdrawals"] for i in self.ok(*words, "--json").json["items"]}
        scopes = {"record and document": "both", "the document": "document", "the record": "record"}
        self.assertEqual([(n, w["entry"], w["scope"], w["reason"], w["decided_by"]) for n in items for w in items[n]],
                         [(n, by, scopes[what], reason, "officer 7") for n, what, by, reason in said])
        second = subprocess.run([sys.executable, PYTHON_VERIFIER, "--json", *words[2:], bundle],
                                capture_output=True, text=True, check=False)
        self.assertEqual({i["entry"]: i["withdrawals"] for i in json.loads(second.stdout)["items"]}, items)

    def pending(self, a):
        return [n["entry"] for n in self.verified(a)["notices"] if n["kind"] == "erasure-pending"]

    def test_a_document_that_is_still_there(self):
        """The erasing of a document alone stops at once; or it comes back from a backup. It is told, unless another
        capture keeps it, and `recover` erases it."""
        a, document = self.archive(), words_of(6, 640)
        self.add(a, "a.txt", document, "--title", "Qwzxqwzxqwzx")
        path = support.documents(a)[0].as_file()
        os.rename(path, self.dir / "aside")
        path.mkdir()
        self.assertIn("not all is erased yet", self.withdraw(a, "2", "--scope", "document", code=3).err)
        path.rmdir()
        shutil.copy(self.dir / "aside", path)
        self.assertEqual(self.pending(a), [3])
        self.ok("-C", a, "recover")
        self.assertEqual((path.exists(), self.pending(a)), (False, []))
        shutil.copy(self.dir / "aside", path)
        self.assertEqual(self.pending(a), [3])
        self.assertNotIn("erasure-pending", self.ok("-C", a, "verify", "--no-documents").out)
        self.assertIn("What was withdrawn, and was still there, is erased: 1 document, 0 records.", self.ok("-C", a, "recover").out)
        self.assertEqual((path.exists(), self.pending(a)), (False, []))
        written = os.stat(a + "/store/ledger.db").st_mtime_ns, os.stat(a + "/store/catalog.db").st_mtime_ns
        self.assertEqual(self.ok("-C", a, "recover").out, "Nothing was left undone.\n")
        self.assertEqual((os.stat(a + "/store/ledger.db").st_mtime_ns, os.stat(a + "/store/catalog.db").st_mtime_ns),
                         written)
        self.add(a, "a.txt", document, "--again")
        self.assertEqual(self.pending(a), [])
        self.assertEqual(self.ok("-C", a, "recover").out, "Nothing was left undone.\n")
        support.documents(a)[0].write_bytes(document[:-1])
        kinds = [f["kind"] for f in self.expect(1, "-C", a, "verify", "--json").json["findings"]]
        self.assertEqual(kinds, ["document-corrupt"])

    def test_the_last_record_takes_a_document_that_another_gave_up(self):
        """Half erased when it stops, the document belongs to nobody's finding."""
        a, document = self.archive(), words_of(9, 640)
        for source in ("one", "two"):
            self.add(a, "a.txt", document, "--source", source)
        self.withdraw(a, "3", "--scope", "document")
        path = support.documents(a)[0].as_file()
        path.chmod(0o644)
        path.write_bytes(bytes(64) + document[64:])
        kinds = [(f["kind"], f["entry"]) for f in self.expect(1, "-C", a, "verify", "--json").json["findings"]]
        self.assertEqual(kinds, [("document-corrupt", 2)])
        path.unlink()
        path.mkdir()
        self.withdraw(a, "2", "--scope", "record", code=3)
        path.rmdir()
        path.write_bytes(bytes(64) + document[64:])
        self.assertEqual(sorted(self.pending(a)), [4, 5])
        self.ok("-C", a, "recover")
        self.assertEqual((path.exists(), self.pending(a)), (False, []))

    def test_what_a_stolen_key_signed(self):
        """It cannot be amended once it is withdrawn, so the withdrawal settles it, whether the key was revoked before or
        after; that of the document alone does not. The archive and both verifiers of bundles say so."""
        for name, withdrawals, settled in (("before", ["both"], True), ("later", ["both"], True),
                                           ("document", ["document"], False), ("in-two", ["document", "record"], True)):
            a = self.archive(name=name)
            self.ok("-C", a, "key", "new", "badr@test.example", "--role", "signer", "--no-passphrase")
            self.ok("-C", a, "key", "authorize", "badr@test.example", "--role", "signer")
            self.add(a, "forged.txt", "forged\n", "--signer", "badr@test.example")
            revoke = ("-C", a, "key", "revoke", "badr@test.example", "--since", "3")
            if name == "before":
                self.ok(*revoke)
                kinds = [(f["kind"], f["entry"]) for f in self.expect(1, "-C", a, "verify", "--json").json["findings"]]
                self.assertEqual(kinds, [("signer-unauthorized", 3)])
            for scope in withdrawals:
                self.withdraw(a, "3", "--scope", scope)
            if name != "before":
                self.ok(*revoke)
            self.settled(a, name, settled)

    def settled(self, a, name, settled):
        bundle, key = str(self.dir / f"{name}.tar"), a + "/keys/authority.pub"
        self.ok("-C", a, "bundle", "-o", bundle, "--entries", "3", "--signer", support.SIGNER)
        for words, program in ((("-C", a, "verify", "--json"), support.VIDIMUS),
                               (("verify", "--json", "--trust", key, bundle), support.VIDIMUS),
                               ((str(PYTHON_VERIFIER), "--json", "--trust", key, bundle), sys.executable)):
            report = support.run(*words, program=program).json
            seen = [(f["kind"], f["entry"]) for f in report["findings"] + report["notices"] if f["entry"] == 3]
            self.assertIn(("re-attested" if settled else "signer-unauthorized", 3), seen, f"{name}: {words}")
            self.assertEqual(report["verdict"], "VERIFIED" if settled else "ALTERED", f"{name}: {words}")

    def test_an_erasure_without_a_withdrawal_is_missing(self):
        a = self.archive(1)
        support.documents(a)[0].unlink()
        r = self.expect(1, "-C", a, "verify", "--json").json
        self.assertEqual([f["kind"] for f in r["findings"]], ["document-missing"])

    def test_again(self):
        """The ledger does not know any more what it was: the same bytes are new."""
        a = self.archive(1)
        self.withdraw(a, "2")
        self.ok("-C", a, "import", str(self.dir / "a-src"))
        self.verified(a, 5)
        self.assertIn("(withdrawn, decided by officer 7)", self.ok("-C", a, "log").out)


if __name__ == "__main__":
    support.main()
