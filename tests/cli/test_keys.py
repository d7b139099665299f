#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Passphrases, key files, the keys' list and export, the trusted folder."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import unittest

import support
from support import run

PASSPHRASE = "correct horse battery"


class Passphrases(support.Case):
    @classmethod
    def setUpClass(cls):
        support.easy_passphrases()
        super().setUpClass()
        secret = cls.shared / "pass"
        secret.write_text(PASSPHRASE + "\n")
        secret.chmod(0o600)
        made = run("init", str(cls.shared / "locked"), "--origin", support.ORIGIN, "--signer",
                   support.SIGNER, "--passphrase-file", str(secret))
        if made.code:
            raise AssertionError(str(made))

    def locked(self):
        target = self.dir / "locked"
        shutil.copytree(self.shared / "locked", target)
        return str(target)

    def secret(self, text, mode=0o600):
        path = self.dir / "secret"
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def test_import_with_file(self):
        a, doc = self.locked(), self.file("d.txt")
        self.ok("-C", a, "import", doc, "--passphrase-file",
                self.secret(PASSPHRASE + "\r\nnot this line\n"))
        self.verified(a, 3)

    def test_in_earnest(self):
        """At full cost, too; and the other tests do not pay it."""
        a, doc, secret = str(self.dir / "earnest"), self.file("d.txt"), self.secret(PASSPHRASE + "\n")
        full = {"LD_PRELOAD": ""}
        self.ok("init", a, "--origin", "x.example", "--signer", "me@x", "--passphrase-file", secret, **full)
        self.ok("-C", a, "import", doc, "--passphrase-file", secret, **full)
        self.expect(3, "-C", a, "import", doc, "--again", "--passphrase-file", self.secret("wrong\n"), **full)
        if "EASY_KDF" in os.environ:
            self.expect(3, "-C", self.locked(), "import", doc, "--passphrase-file", self.secret(PASSPHRASE), **full)

    def test_wrong_passphrase(self):
        a, doc = self.locked(), self.file("d.txt")
        before = support.listing(a)
        r = self.expect(3, "-C", a, "import", doc, "--passphrase-file", self.secret("wrong\n"))
        self.assertIn("passphrase", r.err)
        self.assertEqual(len(r.err.splitlines()), 1, r.err)
        self.assertNotIn("wrong\n", r.out)
        now = support.listing(a)
        changed = [k for k in now if now[k] != before.get(k) and os.path.isfile(k)]
        self.assertEqual(changed, [])

    def test_refusals_come_before_the_passphrase(self):
        """Who cannot write anyway is told so, and not asked for a secret first."""
        def no_guard(a):
            os.remove(a + "/keys/last-checkpoint")

        def in_doubt(a):
            ledger = pathlib.Path(a, "store/ledger.db")
            ledger.write_bytes(ledger.read_bytes().replace(b"genesis/v1", b"genesis/v7"))
            pathlib.Path(a, "keys/needs-verify").touch()

        def rolled_back(a):
            older = shutil.copytree(a + "/store", self.dir / "older")
            self.ok("-C", a, "import", doc, "--passphrase-file", self.secret(PASSPHRASE + "\n"))
            shutil.rmtree(a + "/store")
            older.rename(a + "/store")

        doc = self.file("d.txt")
        for make, word in ((no_guard, "is missing"), (in_doubt, "a write failed here"), (rolled_back, "rolled-back")):
            a = self.locked()
            self.ok("-C", a, "key", "new", "other", "--role", "signer", "--no-passphrase")
            make(a)
            for words in (["import", doc], ["amend", "2", "--title", "t"], ["withdraw", "2", "--decided-by", "x"],
                          ["key", "retire", support.SIGNER], ["key", "revoke", support.SIGNER, "--since", "1"],
                          ["key", "authorize", "other", "--role", "signer"]):
                r = self.expect(3, "-C", a, *words, "--passphrase-file", str(self.dir / "nowhere"))
                self.assertIn(word, r.err)
                self.assertNotIn("nowhere", r.err)
                asked = support.on_terminal("-C", a, *words, seconds=10)
                self.assertEqual(asked.code, 3, str(asked))
                self.assertNotIn("assphrase", asked.out)
            shutil.rmtree(a)

    def test_no_request_that_cannot_be_taken_in(self):
        """The authority is not asked to sign for a history that was put back to an older state."""
        a, out = self.archive(), self.dir / "request"
        for n in (2, 3):
            self.ok("-C", a, "import", self.file(f"{n}.txt", f"{n}"))
            if n == 2:
                shutil.copytree(a + "/store", self.dir / "older")
        shutil.rmtree(a + "/store")
        (self.dir / "older").rename(a + "/store")
        for words in (["key", "revoke", support.SIGNER, "--since", "2"], ["withdraw", "2", "--decided-by", "x"]):
            r = self.expect(3, "-C", a, *words, "--request", str(out))
            self.assertIn("rolled-back", r.err)
            self.assertFalse(out.exists())

    def test_interrupted_at_the_prompt(self):
        """One line says so, and nothing of a step of the work, since none has begun."""
        a, doc = self.locked(), self.file("d.txt")
        for words in (["import", doc], ["key", "new", "other", "--role", "signer"]):
            r = support.on_terminal("-C", a, *words, answers=[("Passphrase for", "\x03")])
            self.assertEqual(r.code, 3, str(r))
            self.assertRegex(r.out, r"\APassphrase for [^\r]*\r\nvidimus: [^\r]*interrupted\r\n\Z")

    def test_bad_passphrase_files(self):
        a, doc = self.locked(), self.file("d.txt")
        for text, mode in (("", 0o600), ("\n", 0o600), (PASSPHRASE + "\n", 0o644),
                           (PASSPHRASE + "\n", 0o640), ("x" * 5000 + "\n", 0o600)):
            r = self.expect(3, "-C", a, "import", doc, "--passphrase-file",
                            self.secret(text, mode))
            self.assertIn("secret", r.err)
        self.expect(3, "-C", a, "import", doc, "--passphrase-file", str(self.dir / "none"))
        r = self.expect(2, "init", str(self.dir / "n"), "--origin", "x.example", "--no-passphrase",
                        "--passphrase-file", self.secret(PASSPHRASE))
        self.assertFalse((self.dir / "n").exists(), str(r))

    @unittest.skipUnless(support.IS_ROOT, "a credential belongs to root")
    def test_a_credential_of_systemd(self):
        a, doc = self.locked(), self.file("d.txt")
        secret = self.secret(PASSPHRASE + "\n", 0o440)
        os.chown(secret, 0, 0)
        self.ok("-C", a, "import", doc, "--passphrase-file", secret)
        os.chown(secret, 0, 1)
        self.expect(3, "-C", a, "import", doc, "--again", "--passphrase-file", secret)

    def test_no_terminal_and_no_file(self):
        a, doc = self.locked(), self.file("d.txt")
        r = self.expect(3, "-C", a, "import", doc, prefix=("setsid", "-w"))
        self.assertIn("--passphrase-file", r.err)
        r = self.expect(3, "init", str(self.dir / "n"), "--origin", "x.example",
                        prefix=("setsid", "-w"))
        self.assertIn("--passphrase-file", r.err)
        self.assertFalse((self.dir / "n").exists())

    def test_asked_on_the_terminal(self):
        a = str(self.dir / "t")
        r = support.on_terminal("init", a, "--origin", "x.example", "--signer", "me@x",
                                answers=[("Passphrase", "first\n"), ("once more", "other\n"),
                                         ("not the same", ""), ("Passphrase", "sesame\n"),
                                         ("once more", "sesame\n")])
        self.assertEqual(r.code, 0, str(r))
        self.assertNotIn("sesame", r.out)
        self.assertNotIn("other", r.out.replace("another", ""))
        doc = self.file("d.txt")
        r = support.on_terminal("-C", a, "import", doc, answers=[("Passphrase for", "sesame\n")])
        self.assertEqual(r.code, 0, str(r))
        self.assertNotIn("sesame", r.out)
        self.assertEqual(r.out.count("Passphrase for"), 1, "asked once for both keys")
        self.assertIn("1 statement recorded", r.out)

    def test_mistyped(self):
        """A person has three tries; a file says the same each time."""
        a, doc = self.locked(), self.file("d.txt")
        ask = "Passphrase for"
        r = support.on_terminal("-C", a, "import", doc,
                                answers=[(ask, "sesam\n"), (ask, "seasme\n"), (ask, PASSPHRASE + "\n")])
        self.assertEqual(r.code, 0, str(r))
        r = support.on_terminal("-C", a, "import", doc, answers=[(ask, "no\n")] * 4)
        self.assertEqual(r.code, 3, str(r))
        self.assertIn("wrong passphrase", r.out)
        self.assertEqual(r.out.count(ask), 3, str(r))

    def test_init_looks_before_it_asks(self):
        a = self.archive()
        r = support.on_terminal("init", a, "--origin", "x.example", "--signer", "me@x")
        self.assertEqual(r.code, 3, str(r))
        self.assertIn("holds an archive already", r.out)
        self.assertNotIn("Passphrase", r.out)

    def test_keys_are_sealed_and_private(self):
        a = pathlib.Path(self.locked())
        for key in a.glob("keys/*.key"):
            self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
            self.assertNotIn("PRIVATE+KEY", key.read_text())
        self.assertEqual(len(list(a.glob("keys/*.key"))), 3)


class Keys(support.Case):
    def test_key_file_readable_by_others(self):
        a, doc = self.archive(), self.file("d.txt")
        for key in pathlib.Path(a, "keys").glob("*.key"):
            if "authority" not in key.name:
                key.chmod(0o644)
        r = self.expect(3, "-C", a, "import", doc)
        self.assertRegex(r.err, "others|0600|permission")
        self.verified(a, 2)

    def test_daily_work_without_the_authority_key(self):
        a = self.archive()
        os.remove(a + "/keys/authority.key")
        self.ok("-C", a, "import", self.file("d.txt"))
        self.verified(a, 3)

    def test_missing_and_unknown_signer(self):
        a, doc = self.archive(), self.file("d.txt")
        r = self.expect(3, "-C", a, "import", doc, "--signer", "nobody@x")
        self.assertIn("nobody@x", r.err)
        for key in pathlib.Path(a, "keys").glob("*.key"):
            key.unlink()
        self.expect(3, "-C", a, "import", doc)
        self.verified(a, 2)

    def test_list(self):
        a = self.archive()
        roles = {k["role"]: k for k in self.ok("-C", a, "key", "list", "--json").lines}
        self.assertEqual(set(roles), {"authority", "ledger", "signer"})
        for k in roles.values():
            self.assertEqual(k["state"], "authorized")
            self.assertTrue(k["vkey"].startswith(k["name"] + "+"))
            self.assertIsNone(k["to"])
            self.assertRegex(k["fingerprint"], r"^[0-9a-f]{4}( [0-9a-f]{4})+$")
        self.assertEqual(roles["ledger"]["name"], support.ORIGIN)
        self.assertEqual(roles["authority"]["vkey"],
                         pathlib.Path(a, "keys/authority.pub").read_text().strip())
        out = self.ok("-C", a, "key", "list").out
        self.assertEqual(len(out.splitlines()), 3)
        for k in roles.values():
            self.assertIn(k["fingerprint"], out)

    def test_new_once(self):
        """A second key of a name whose first is not authorized yet could not be told from it."""
        a, name = self.archive(), "badr@test.example"
        new = ("-C", a, "key", "new", name, "--role", "signer", "--no-passphrase")
        self.ok(*new)
        before = support.listing(a + "/keys")
        refused = self.expect(3, *new)
        self.assertIn(f"keys/{name}.pub", refused.err)
        self.one_clear_line(refused)
        self.assertEqual(support.listing(a + "/keys"), before)
        self.ok("-C", a, "key", "authorize", name, "--role", "signer")
        self.ok(*new)

    def test_what_new_says_works_as_printed(self):
        a = self.archive()
        for words in (("badr@test.example", "--role", "signer"), ("badr@test.example", "--role", "signer"),
                      ("--role", "ledger")):
            for cwd, folder in ((a, ()), (None, ("-C", a))):
                made = self.ok(*folder, "key", "new", *words, "--no-passphrase", cwd=cwd)
                hint = made.out.splitlines()[-1].split()
                self.assertEqual(hint[0], "vidimus")
                file = re.search(r"keys/(\S+)\.pub", made.out)[1]
                self.assertEqual(hint[-3].endswith(f"keys/{file}.pub"), file != words[0])
                self.ok(*hint[1:], cwd=cwd)

    def test_list_tells_what_is_not_authorized(self):
        a = self.archive()
        self.ok("-C", a, "key", "new", "badr@test.example", "--role", "signer", "--no-passphrase")
        pathlib.Path(a, "keys/none.pub").write_text("no key")
        last = self.ok("-C", a, "key", "list", "--json").lines[-1]
        self.assertEqual((last["name"], last["state"], last["role"], last["public_key"], last["secret_key"]),
                         ("badr@test.example", "not authorized", None, "badr@test.example.pub", "badr@test.example.key"))
        out = self.ok("-C", a, "key", "list").out.splitlines()
        self.assertEqual(len(out), 4)
        for words in ("not authorized", last["fingerprint"], "keys/badr@test.example.pub"):
            self.assertIn(words, out[-1])
        self.ok("-C", a, "key", "authorize", "badr@test.example", "--role", "signer")
        self.assertNotIn("not authorized", self.ok("-C", a, "key", "list").out)

    def test_export(self):
        a = self.archive()
        name = support.ORIGIN + "/authority"
        vkey = self.ok("-C", a, "key", "export", name).out
        self.assertEqual(vkey, pathlib.Path(a, "keys/authority.pub").read_text())
        pem = self.ok("-C", a, "key", "export", name, "--pem").out
        if shutil.which("openssl"):
            done = subprocess.run(["openssl", "pkey", "-pubin", "-noout", "-text"],
                                  input=pem.encode(), capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b"ED25519", done.stdout.upper())
        r = self.expect(3, "-C", a, "key", "export", "nobody")
        self.assertIn("nobody", r.err)

    def test_trusted_folder(self):
        a, b = self.archive(1), self.archive(1, name="b")
        theirs = str(self.dir / "theirs.tar")
        self.ok("init", str(self.dir / "o"), "--origin", "other.example", "--no-passphrase")
        self.ok("-C", str(self.dir / "o"), "import", self.file("d.txt"))
        self.ok("-C", str(self.dir / "o"), "bundle", "-o", theirs, "--all")
        self.assertEqual(self.ok("-C", a, "trust", "list").out, "")
        self.expect(4, "-C", a, "verify", theirs)
        self.expect(3, "-C", a, "verify", theirs, "--trust", "other.example/authority")
        r = self.ok("-C", a, "trust", "add", str(self.dir / "o/keys/authority.pub"))
        self.assertRegex(r.out, r"^added   [0-9a-f]{4} .*other\.example/authority\n")
        r = self.ok("-C", a, "trust", "add", str(self.dir / "o/keys/authority.pub"))
        self.assertIn("already there", r.out)
        r = self.ok("-C", a, "verify", theirs, "--trust", "other.example/authority")
        self.assertIn("VERIFIED", r.out)
        self.expect(3, "-C", b, "verify", theirs, "--trust", "other.example/authority")
        self.expect(2, "verify", theirs, "--trust", "other.example/authority", cwd=self.dir)
        listed = self.ok("-C", a, "trust", "list", "--json").lines
        self.assertEqual([(l["kind"], l["name"]) for l in listed],
                         [("key", "other.example/authority")])
        self.assertIn("fingerprint", listed[0])
        self.assertIn("other.example/authority", self.ok("-C", a, "trust", "list").out)
        self.expect(3, "-C", a, "trust", "remove", "nobody")
        self.expect(3, "-C", a, "trust", "remove", "../authority.pub")
        self.assertTrue(pathlib.Path(a, "keys/authority.pub").exists())
        self.ok("-C", a, "trust", "remove", "other.example/authority")
        self.assertEqual(self.ok("-C", a, "trust", "list").out, "")
        vkey = pathlib.Path(self.dir, "o/keys/authority.pub").read_text().strip()
        self.ok("-C", a, "trust", "add", vkey)
        file = self.ok("-C", a, "trust", "list", "--json").lines[0]["file"]
        self.ok("-C", a, "trust", "remove", file)
        self.assertEqual(self.ok("-C", a, "trust", "list").out, "")

    def test_trust_refuses_what_is_no_key(self):
        a = self.archive()
        for what in ("nonsense", self.file("x.pub", "no key\n"), a + "/keys/nothing.pub",
                     str(next(pathlib.Path(a, "keys").glob("*.key")))):
            r = run("-C", a, "trust", "add", what)
            self.assertIn(r.code, (2, 3), str(r))
            self.assertNotIn("PRIVATE", r.out + r.err)
        self.assertEqual(self.ok("-C", a, "trust", "list").out, "")


if __name__ == "__main__":
    support.main()
