#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What keys do to a verdict over the years: archive, bundles made before and after, both verifiers."""

import pathlib
import subprocess
import sys

import support
from test_key_changes import BADR, KeyCase

PYTHON = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"


class YearsCase(KeyCase):
    def capture(self, a, name, signer):
        r = self.one_more(a, name, "--signer", signer, "--json")
        return r.json["first_entry"]

    def bundle(self, a, entry, name, signer=support.SIGNER):
        path = str(self.dir / name)
        self.ok("-C", a, "bundle", "-o", path, "--entries", str(entry), "--signer", signer)
        return path

    def both_say(self, bundle, code, trust):
        """The verdict of the program, on which the second verifier agrees."""
        ours = self.expect(code, "verify", bundle, "--trust", trust, "--json").json
        theirs = subprocess.run([sys.executable, "-B", str(PYTHON), "--json", "--trust", trust, bundle],
                                capture_output=True, check=False)
        self.assertEqual(theirs.returncode, code, theirs.stdout)
        return ours


class NineCases(YearsCase):
    """A key is authorized, retired, revoked; it signs before, at and after. An entry cannot stand at the
    number of another, so "at" is the entry next to the event: the first that an authorization reaches, the
    last before a retirement, the one that a revocation names."""

    CASES = [  # event, when it is signed, is it good
        ("authorized", "before", False), ("authorized", "at", True), ("authorized", "after", True),
        ("retired", "before", True), ("retired", "at", True), ("retired", "after", False),
        ("revoked", "before", True), ("revoked", "at", False), ("revoked", "after", False)]

    def story(self, event, when):
        """An archive, a bundle from before the event if there can be one, the entry that it is about. What the
        program refuses to sign is None."""
        a = self.offline(1)
        trust = a + "/keys/authority.pub"
        self.new(a, BADR, "signer")
        authorize = ("authorize", BADR, "--role", "signer")
        if event == "authorized":
            if when == "before":
                return a, trust, None, None
            self.change(a, *authorize)
            if when == "after":
                self.capture(a, "other", support.SIGNER)
            return a, trust, None, self.capture(a, "doc", BADR)
        self.change(a, *authorize)
        first = self.capture(a, "first", BADR)
        second = self.capture(a, "second", BADR)
        third = self.capture(a, "third", BADR)
        entry = {"before": first, "at": second if event == "revoked" else third, "after": third}[when]
        early = self.bundle(a, entry, "early.tar")
        if event == "revoked":
            self.change(a, "revoke", BADR, "--since", str(second))
        else:
            self.change(a, "retire", BADR)
        if (event, when) == ("retired", "after"):
            return a, trust, early, None
        return a, trust, early, entry

    def test_all(self):
        for event, when, good in self.CASES:
            with self.subTest(event=event, when=when):
                self.setUp()
                self.one_case(event, when, good)
                self.tearDown()

    def one_case(self, event, when, good):
        a, trust, early, entry = self.story(event, when)
        if early:       # made before anybody knew
            self.both_say(early, 0, trust)
        if entry is None:
            self.assertFalse(good)
            r = self.one_more(a, "late", "--signer", BADR, code=3)
            self.assertIn("may sign", r.err)
            return
        late = self.bundle(a, entry, "late.tar")
        report = self.both_say(late, 0 if good else 1, trust)
        archive = self.expect(1 if event == "revoked" else 0, "-C", a, "verify", "--json").json
        found = [f for f in archive["findings"] if f["entry"] == entry]
        self.assertEqual([f["kind"] for f in found], [] if good else ["signer-unauthorized"])
        self.assertEqual([f["kind"] for f in report["findings"]],
                         [] if good else ["signer-unauthorized"])
        if not good:
            for finding in found + report["findings"]:
                self.assertRegex(finding["message"], r"revoked by entry \d+ since \d+")


class LedgerKey(YearsCase):
    def test_readers_on_both_sides(self):
        a = self.offline(2)
        authority, old = a + "/keys/authority.pub", a + "/keys/ledger.pub"
        kept = self.dir / "kept"
        self.ok("-C", a, "checkpoint", "-o", str(kept))
        bundles = [self.bundle(a, 2, "before.tar")]
        new = self.new(a, None, "ledger") + ".pub"
        self.change(a, "authorize", support.ORIGIN, "--role", "ledger")
        bundles.append(self.bundle(a, 2, "at.tar"))
        self.change(a, "retire", "old-ledger")
        bundles.append(self.bundle(a, 2, "after.tar"))
        for bundle, by_old, by_new in zip(bundles, (0, 0, 4), (4, 0, 0)):
            self.both_say(bundle, 0, authority)
            self.both_say(bundle, by_old, old)
            self.both_say(bundle, by_new, new)
        self.ok("-C", a, "verify", "--checkpoint", str(kept))
        self.ok("-C", a, "verify", "--trust", new)
        self.expect(4, "-C", a, "verify", "--trust", old)
        self.assertEqual(self.ok("-C", a, "status", "--json").json["guard"], "current")

    def test_many_changes_in_a_row(self):
        """Without a capture in between, and back to an older key."""
        a = self.offline(1)
        for _ in range(3):
            path = self.new(a, None, "ledger") + ".pub"
            self.change(a, "authorize", path, "--role", "ledger")
        self.change(a, "retire", path)
        self.change(a, "retire", a + "/keys/ledger.pub")
        bundle = self.bundle(a, 2, "b.tar")
        self.both_say(bundle, 0, a + "/keys/authority.pub")
        self.both_say(bundle, 4, path)
        self.one_more(a, "more")
        self.verified(a, 9)

    def test_a_revoked_ledger_key(self):
        a = self.offline(1)
        self.new(a, None, "ledger")
        self.change(a, "authorize", support.ORIGIN, "--role", "ledger")
        early = self.bundle(a, 2, "early.tar")
        self.change(a, "revoke", "old-ledger", "--since", "2", "--reason", "machine broken into")
        late = self.bundle(a, 2, "late.tar")
        for bundle, by_old in ((early, 0), (late, 4)):
            self.both_say(bundle, 0, a + "/keys/authority.pub")
            self.both_say(bundle, by_old, a + "/keys/ledger.pub")
        self.verified(a, 5)


class Continues(YearsCase):
    def test_a_new_ledger_goes_on(self):
        old = self.archive(2)
        kept = str(self.dir / "kept")
        self.ok("-C", old, "checkpoint", "-o", kept)
        head = self.ok("-C", old, "checkpoint", "--json").json
        a = str(self.dir / "new")
        self.ok("init", a, "--origin", "new.example/log", "--signer", support.SIGNER,
                "--no-passphrase", "--continues", kept)
        line = f"{support.ORIGIN}, as of 4 entries, {head['root']}\n"
        self.assertIn("continues    " + line, self.ok("-C", a, "status").out)
        self.assertIn("continues     " + line, self.ok("-C", a, "verify").out)
        self.assertEqual(self.verified(a)["continues"],
                         {"origin": support.ORIGIN, "size": 4, "root": head["root"]})
        entry = self.capture(a, "doc", support.SIGNER)
        bundle = self.bundle(a, entry, "b.tar")
        trust = a + "/keys/authority.pub"
        self.assertEqual(self.both_say(bundle, 0, trust)["continues"]["size"], 4)
        theirs = subprocess.run([sys.executable, "-B", str(PYTHON), "--trust", trust, bundle],
                                capture_output=True, check=False, text=True)
        self.assertIn("continues     " + line, theirs.stdout)
        self.assertNotIn("continues", self.verified(old))

    def test_what_it_cannot_go_on_from(self):
        old = self.archive()
        kept = self.ok("-C", old, "checkpoint").out
        init = ["init", str(self.dir / "n"), "--no-passphrase", "--continues"]
        for text, origin in ((kept, support.ORIGIN), ("nonsense\n", "new.example"), ("", "new.example"),
                             (kept.replace("\n2\n", "\n02\n"), "new.example"),
                             (kept.replace(support.ORIGIN, "vidimus/x"), "new.example")):
            r = support.run(*init, self.file("c", text), "--origin", origin)
            self.assertIn(r.code, (2, 3), str(r))
            self.assertIn("--continues", r.err)
            self.assertFalse((self.dir / "n").exists())
        self.expect(3, *init, str(self.dir / "none"), "--origin", "new.example")


if __name__ == "__main__":
    support.main()
