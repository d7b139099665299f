#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keys over the years: made, authorized, retired, revoked, the ledger's own key changed."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import time

import support

PASSPHRASE = "correct horse battery"
BADR = "badr@test.example"


def reads_standard_input(pid):
    """Does the process wait in read(0, ...)? Seen twice: other calls with a first argument of 0 are short."""
    seen = []
    for _ in range(2):
        time.sleep(0.1)
        seen.append(pathlib.Path(f"/proc/{pid}/syscall").read_text())
    return seen[0] == seen[1] and re.match(r"\d+ 0x0 ", seen[0]) is not None


class KeyCase(support.Case):
    """An archive whose authority key lies elsewhere, as it should."""

    @classmethod
    def setUpClass(cls):
        support.easy_passphrases()
        super().setUpClass()

    def offline(self, documents=0, name="a"):
        a = self.archive(documents, name)
        self.authority = str(self.dir / (name + "-authority.key"))
        shutil.move(a + "/keys/authority.key", self.authority)
        return a

    def change(self, a, *words, code=0):
        return self.expect(code, "-C", a, "key", *words, "--authority-key", self.authority)

    def new(self, a, name, role):
        words = [name] if name else []
        made = self.ok("-C", a, "key", "new", *words, "--role", role, "--no-passphrase", "--json")
        return f"{a}/keys/{made.json['file']}"

    def keys(self, a):
        return self.ok("-C", a, "key", "list", "--json").lines

    def key(self, a, name, state="authorized"):
        found = [k for k in self.keys(a) if (k["name"], k["state"]) == (name, state)]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def one_more(self, a, name, *words, code=0):
        return self.expect(code, "-C", a, "import", self.file(name, name), *words)


class Life(KeyCase):
    def test_a_second_archivist(self):
        a = self.offline(1)
        base = self.new(a, BADR, "signer")
        self.assertEqual(stat.S_IMODE(os.stat(base + ".key").st_mode), 0o600)
        self.assertIn("no signer", self.one_more(a, "early", "--signer", BADR, code=3).err)
        r = self.change(a, "authorize", BADR, "--role", "signer", "--reason", "second \"eyes\"\n")
        self.assertRegex(r.err, r"authorizes as entry 3 the signer key .*badr@test.example\n")
        self.assertIn("may sign from entry 4 on", r.err)
        self.assertRegex(r.out, r"^authorized .*\n.*entry 3.*\n" + support.ORIGIN + "\n4\n")
        self.assertEqual(self.key(a, BADR)["from"], 4)
        self.assertIn("--signer", self.one_more(a, "whose", code=2).err)
        self.one_more(a, "mine", "--signer", BADR)
        self.verified(a, 5)

    def test_by_file_and_by_vkey(self):
        a = self.offline()
        elsewhere = self.dir / "their.pub"
        base = self.new(a, BADR, "signer")
        shutil.move(base + ".pub", elsewhere)
        r = self.change(a, "authorize", BADR, "--role", "signer", code=3)
        self.assertIn("keys/ holds no public key of the name " + BADR, r.err)
        self.change(a, "authorize", str(elsewhere), "--role", "signer")
        self.change(a, "retire", elsewhere.read_text().strip())
        self.assertEqual(self.key(a, BADR, "retired")["to"], 2)
        self.verified(a, 4)

    def test_retire_and_come_back(self):
        a = self.offline(1)
        self.new(a, BADR, "signer")
        self.change(a, "authorize", BADR, "--role", "signer")
        r = self.change(a, "retire", support.SIGNER, "--reason", "left")
        self.assertIn("stays good", r.err)
        self.one_more(a, "new", "--signer", BADR)
        self.assertIn("may sign", self.one_more(a, "old", "--signer", support.SIGNER, code=3).err)
        r = self.change(a, "retire", support.SIGNER, code=3)
        self.assertIn("has not ended", r.err)
        self.new(a, support.SIGNER, "signer")
        self.change(a, "authorize", support.SIGNER, "--role", "signer")
        self.one_more(a, "back", "--signer", support.SIGNER)
        self.verified(a, 8)

    def test_the_last_signer(self):
        a = self.offline()
        r = self.change(a, "retire", support.SIGNER)
        self.assertIn("No signer is left", r.err)
        self.one_more(a, "x", code=3)
        self.verified(a, 3)

    def test_retired_while_an_import_waits(self):
        """It opened the key while that was good; what it signs now would be reported for ever."""
        a = self.offline()
        with subprocess.Popen([support.VIDIMUS, "-C", a, "import", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
            while not reads_standard_input(waiting.pid):
                pass
            self.change(a, "retire", support.SIGNER)
            out, err = waiting.communicate(b"too late\n", timeout=60)
        self.assertEqual(waiting.returncode, 3, out + err)
        self.assertIn(b"ended meanwhile", err)
        self.verified(a, 3)

    def test_revoke_says_what_it_costs(self):
        a = self.offline(3)
        r = self.change(a, "revoke", support.SIGNER, "--since", "3", "--reason", "stolen")
        self.assertIn("from entry 3 on counts no more. Captures and amendments: 2.", r.err)
        self.assertIn("amendment by another signer", r.err)
        report = self.expect(1, "-C", a, "verify", "--json").json
        self.assertEqual([(f["kind"], f["entry"]) for f in report["findings"]],
                         [("signer-unauthorized", 3), ("signer-unauthorized", 4)])
        for finding in report["findings"]:
            self.assertIn("revoked by entry 5 since 3", finding["message"])

    def test_a_bundle_of_what_is_in_doubt_says_so(self):
        """Who hands it out learns it before the one who gets it; until somebody vouches, or it is withdrawn."""
        a = self.offline(3)
        other = "other@test.example"
        self.ok("-C", a, "key", "new", other, "--role", "signer", "--no-passphrase")
        self.change(a, "authorize", other, "--role", "signer")
        self.change(a, "revoke", support.SIGNER, "--since", "3", "--reason", "stolen")

        def check(doubted):
            bundle = ("-C", a, "bundle", "-o", str(self.dir / "b.tar"), "--all")
            self.assertEqual(self.ok(*bundle, "--json").json["in_doubt"], len(doubted))
            (self.dir / "b.tar").unlink()
            said = self.ok(*bundle).out
            self.assertEqual(f"In doubt: {len(doubted)} of the captures" in said, bool(doubted), said)
            r = support.run("verify", str(self.dir / "b.tar"), "--trust", a + "/keys/authority.pub", "--json").json
            self.assertEqual([(f["kind"], f["entry"]) for f in r["findings"]],
                             [("signer-unauthorized", n) for n in doubted])
            (self.dir / "b.tar").unlink()
        check([3, 4])
        self.ok("-C", a, "amend", "3", "--vouch")
        check([4])
        self.ok("-C", a, "withdraw", "4", "--decided-by", "x", "--yes", "--authority-key", self.authority)
        check([])

    def test_nothing_is_asked_before_it_is_told(self):
        a = self.offline(1)
        secret = self.dir / "secret"
        secret.write_text(PASSPHRASE)
        secret.chmod(0o600)
        self.ok("key", "passwd", self.authority, "--new-passphrase-file", str(secret))
        r = support.on_terminal("-C", a, "key", "revoke", support.SIGNER, "--since", "2",
                                "--authority-key", self.authority,
                                answers=[("revokes as entry 3", ""), ("amendments: 1", ""),
                                         ("Passphrase for " + support.ORIGIN, PASSPHRASE + "\n")])
        self.assertEqual(r.code, 0, str(r))
        self.assertLess(r.out.index("revokes as entry"), r.out.index("Passphrase"))
        self.assertEqual(self.key(a, support.SIGNER, "revoked")["to"], 1)


class Rules(KeyCase):
    """What a verifier would call without effect is refused before it is signed."""

    def refused(self, a, words, *said):
        before = support.listing(a + "/store")
        r = self.change(a, *words, code=3)
        for text in said:
            self.assertIn(text, r.err)
        self.assertEqual(support.listing(a + "/store"), before)

    def test_where_the_authority_key_is(self):
        a = self.offline()
        self.new(a, BADR, "signer")
        words = ["-C", a, "key", "authorize", BADR, "--role", "signer"]
        self.assertIn("--authority-key FILE", self.expect(3, *words).err)
        self.assertIn("no such file",
                      self.expect(3, *words, "--authority-key", str(self.dir / "none")).err)
        r = self.expect(3, *words, "--authority-key", a + "/keys/ledger.key")
        self.assertIn("not this ledger's authority", r.err)
        os.chmod(self.authority, 0o644)
        self.assertIn("chmod 600", self.expect(3, *words, "--authority-key", self.authority).err)
        self.verified(a, 2)

    def test_a_key_once_and_in_one_role(self):
        a = self.offline()
        base = self.new(a, BADR, "signer")
        self.refused(a, ["authorize", a + "/keys/authority.pub", "--role", "signer"], "authorized once")
        self.change(a, "authorize", BADR, "--role", "signer")
        self.refused(a, ["authorize", base + ".pub", "--role", "auditor"], "authorized once")
        self.change(a, "retire", BADR)
        self.refused(a, ["authorize", base + ".pub", "--role", "signer"], "retired", "key new")

    def test_names(self):
        a = self.offline()
        other = self.new(a, BADR, "auditor")
        ledger = self.new(a, None, "ledger")
        self.refused(a, ["authorize", other + ".pub", "--role", "ledger"], "named like the ledger")
        self.refused(a, ["authorize", ledger + ".pub", "--role", "signer"], "another name")
        for words in ((support.ORIGIN, "--role", "signer"), (BADR, "--role", "ledger"),
                      ("--role", "signer"), ("a b", "--role", "signer"), (BADR, "--role", "boss"),
                      (BADR,)):
            self.expect(2, "-C", a, "key", "new", *words, "--no-passphrase")

    def test_ends(self):
        a = self.offline(3)
        revoke = ["revoke", support.SIGNER, "--since"]
        self.refused(a, [*revoke, "1"], "authorized by entry 1", "2")
        self.refused(a, [*revoke, "6"], "later than now", "5")
        self.assertIn("--since N is needed", self.change(a, "revoke", support.SIGNER, code=2).err)
        self.refused(a, ["retire", "nobody"], "nobody")
        self.refused(a, ["retire", a + "/keys/authority.pub"], "neither retired nor revoked")
        self.change(a, *revoke, "4")
        self.refused(a, [*revoke, "4"], "further back")
        self.refused(a, ["retire", a + "/keys/amal@test.example.pub"], "revoked by entry 5 already")
        self.change(a, *revoke, "3")
        self.assertEqual(self.key(a, support.SIGNER, "revoked")["to"], 2)

    def test_somebody_must_sign_checkpoints(self):
        a = self.offline()
        self.refused(a, ["retire", "ledger"], "without a key that signs")
        self.refused(a, ["revoke", "ledger", "--since", "1"], "without a key that signs")
        base = self.new(a, None, "ledger")
        os.rename(base + ".key", self.dir / "away")
        self.refused(a, ["authorize", support.ORIGIN, "--role", "ledger"], "does not hold the secret")


class LedgerKey(KeyCase):
    def change_it(self, a):
        self.new(a, None, "ledger")
        return self.change(a, "authorize", support.ORIGIN, "--role", "ledger")

    def signatures(self, a, size=None):
        words = ["--at", str(size)] if size else []
        return self.ok("-C", a, "checkpoint", *words).out.count("\n\u2014 ")

    def test_both_sign_the_first(self):
        a = self.offline(2)
        r = self.change_it(a)
        self.assertIn("signed by the key before it too", r.err)
        self.assertEqual([self.signatures(a, n) for n in (2, 4, 5)], [1, 1, 2])
        self.one_more(a, "next")
        self.assertEqual(self.signatures(a), 1)
        self.assertIn("are called ledger", self.change(a, "retire", "ledger", code=2).err)
        r = self.change(a, "retire", "old-ledger")
        self.assertNotIn("From this checkpoint on", r.err)
        os.remove(a + "/keys/ledger.key")
        self.one_more(a, "last")
        self.verified(a, 8)

    def test_without_the_old_one(self):
        a = self.offline(1)
        os.remove(a + "/keys/ledger.key")
        self.one_more(a, "x", code=3)
        r = self.change_it(a)
        self.assertIn("cannot follow", r.err)
        self.assertEqual(self.signatures(a), 1)
        self.one_more(a, "y")
        self.verified(a, 5)


class Requests(KeyCase):
    """The authority on a machine that is never connected."""

    def asked(self, a, *words):
        request = self.dir / f"request{len(list(self.dir.iterdir()))}"
        self.ok("-C", a, "key", *words, "--request", str(request))
        return request

    def signed(self, request, code=0, key=None):
        signed = str(request) + ".signed"
        r = self.expect(code, "key", "sign", str(request), "-o", signed, "--authority-key",
                        key or self.authority, "--yes")
        return r, signed

    def test_there_and_back(self):
        a = self.offline(2)
        self.new(a, BADR, "signer")
        before = support.listing(a + "/store")
        request = self.asked(a, "authorize", BADR, "--role", "signer", "--reason", "more \x1b[1mhands")
        self.assertEqual(support.listing(a + "/store"), before)
        self.assertIn("\neffect This authorizes as entry 4", request.read_text())
        r, signed = self.signed(request)
        self.assertRegex(r.err, r"as entry 4 of test.example/log\n  authorize +the signer key .*badr@")
        self.assertIn("reason     more \\x1b[1mhands", r.err)
        self.safe(r)
        r = self.ok("-C", a, "key", "submit", signed)
        self.assertIn("authorizes as entry 4", r.err)
        self.one_more(a, "x", "--signer", BADR)
        self.verified(a, 6)
        self.assertIn("has 6 entries now", self.expect(3, "-C", a, "key", "submit", signed).err)

    def test_each_change(self):
        a = self.offline(2)
        self.new(a, None, "ledger")
        for words in (("revoke", support.SIGNER, "--since", "3"),
                      ("authorize", support.ORIGIN, "--role", "ledger"), ("retire", "old-ledger")):
            _, signed = self.signed(self.asked(a, *words))
            self.ok("-C", a, "key", "submit", signed)
        states = [(k["role"], k["state"]) for k in self.keys(a)]
        self.assertEqual(states, [("authority", "authorized"), ("ledger", "retired"),
                                  ("signer", "revoked"), ("ledger", "authorized")])
        report = self.expect(1, "-C", a, "verify", "--json").json
        self.assertEqual([f["entry"] for f in report["findings"]], [3])

    def test_the_ledger_went_on(self):
        a = self.offline(1)
        _, signed = self.signed(self.asked(a, "retire", support.SIGNER))
        self.one_more(a, "meanwhile")
        before = support.listing(a + "/store")
        r = self.expect(3, "-C", a, "key", "submit", signed)
        self.assertIn("which has 4 entries now", r.err)
        self.assertIn("--request", r.err)
        self.assertEqual(support.listing(a + "/store"), before)

    def test_what_is_not_signed(self):
        a = self.offline(1)
        request = self.asked(a, "retire", support.SIGNER)
        r, _ = self.signed(request, 3, a + "/keys/ledger.key")
        self.assertIn("is another", r.err)
        good = request.read_text()
        for bad in (good.replace("entry 3", "entry 2"), good + "\n", good.replace("retire", "genesis"),
                    good.replace("/key/v1", "/capture/v1"), "", "x" * 70000):
            request.write_text(bad)
            self.signed(request, 3)
        request.write_text(good)
        self.expect(2, "key", "sign", str(request), "-o", str(self.dir / "s"), "--authority-key",
                    self.authority)
        self.assertFalse((self.dir / "s").exists())
        answer = [("Type yes", "no\n")]
        r = support.on_terminal("key", "sign", str(request), "-o", str(self.dir / "s"),
                                "--authority-key", self.authority, answers=answer)
        self.assertEqual(r.code, 3, str(r))
        self.assertFalse((self.dir / "s").exists())

    def test_what_is_not_taken(self):
        a = self.offline(1)
        _, foreign = self.signed(self.asked(a, "retire", support.SIGNER))
        self.ok("init", str(self.dir / "o"), "--origin", "other.example", "--no-passphrase")
        self.expect(3, "-C", str(self.dir / "o"), "key", "submit", foreign)
        good = pathlib.Path(foreign).read_bytes()
        for bad in (good.replace(b"retire", b"revoke"), good[:-9] + b"AAAAAAA=\n", b"", good + b"\n",
                    good.replace(b"\naction retire", b"\naction authorize")):
            pathlib.Path(foreign).write_bytes(bad)
            self.expect(3, "-C", a, "key", "submit", foreign)
        self.verified(a, 3)


class Files(KeyCase):
    def test_new_overwrites_nothing(self):
        a = self.offline()
        first = self.new(a, BADR, "signer")
        os.rename(first + ".pub", first + ".aside")
        second = self.new(a, BADR, "signer")
        os.rename(first + ".aside", first + ".pub")
        self.assertNotEqual(first, second)
        self.assertIn("several keys", self.change(a, "authorize", BADR, "--role", "signer", code=2).err)
        self.change(a, "authorize", second + ".pub", "--role", "signer")
        self.change(a, "authorize", BADR, "--role", "signer")
        self.verified(a, 4)

    def test_passwd(self):
        a = self.offline()
        old, new = self.secret("old", "one\n"), self.secret("new", "other\n")
        key = self.authority
        self.ok("key", "passwd", key, "--new-passphrase-file", old)
        sealed = pathlib.Path(key).read_bytes()
        self.assertTrue(sealed.startswith(b"vidimus/key/v1\n"))
        r = self.expect(3, "key", "passwd", key, "--passphrase-file", new, "--no-passphrase")
        self.assertIn("wrong passphrase", r.err)
        self.assertEqual(pathlib.Path(key).read_bytes(), sealed)
        self.ok("key", "passwd", key, "--passphrase-file", old, "--new-passphrase-file", new)
        self.assertNotEqual(pathlib.Path(key).read_bytes(), sealed)
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        self.ok("-C", a, "key", "retire", support.SIGNER, "--authority-key", key,
                "--passphrase-file", new)
        self.ok("-C", a, "key", "passwd", "ledger", "--new-passphrase-file", new)
        self.ok("-C", a, "key", "passwd", support.SIGNER, "--new-passphrase-file", new)
        self.expect(3, "-C", a, "key", "passwd", "nobody", "--no-passphrase")
        self.expect(3, "key", "passwd", "ledger", "--no-passphrase", cwd=self.dir)
        self.assertEqual([f for f in os.listdir(a + "/keys") if f.startswith(".")], [])

    def secret(self, name, text):
        path = pathlib.Path(self.file(name, text))
        path.chmod(0o600)
        return str(path)

    def test_list_and_export(self):
        a = self.offline()
        here = {k["role"]: k["secret_key"] for k in self.keys(a)}
        self.assertEqual(here, {"authority": None, "ledger": "ledger.key",
                                "signer": support.SIGNER + ".key"})
        self.assertEqual(self.ok("-C", a, "key", "list").out.count("secret key: keys/"), 2)
        for word in ("authority", "ledger"):
            pub = pathlib.Path(a, f"keys/{word}.pub").read_text()
            self.assertEqual(self.ok("-C", a, "key", "export", word).out, pub)
            fingerprint = self.ok("-C", a, "key", "export", word, "--fingerprint").out
            self.assertRegex(fingerprint, r"^[0-9a-f]{4}( [0-9a-f]{4}){3}   test.example/log")
        self.expect(2, "-C", a, "key", "export", "ledger", "--pem", "--fingerprint")


if __name__ == "__main__":
    support.main()
