#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Help, options, what is refused before anything is done, --json of every command."""

import re

import support
from support import run


KEY_WORDS = "list new authorize retire revoke sign submit passwd export".split()


def commands():
    """The names in the list of commands."""
    return re.findall(r"^  ([a-z-]+(?: [a-z]+)?) +[a-z]", run("--help").out.split("\noptions\n")[0], re.M)


class CommandLine(support.Case):
    def test_list_of_commands(self):
        r = self.ok("--help")
        self.assertEqual(r.err, "")
        self.assertEqual(sorted(commands()),
                         sorted("init import amend withdraw status log find history show cat verify audit mirror bundle "
                                "checkpoint prove fork-proof recover reindex trust".split()
                                + ["key " + word for word in KEY_WORDS]))
        self.assertEqual(self.ok("-h").out, r.out)

    def test_help_of_each(self):
        for c in commands():
            for words in ([*c.split(), "--help"], [*c.split(), "-h"],
                          ["--json", *c.split(), "--help"]):
                r = self.ok(*words)
                self.assertRegex(r.out, r"\nexamples?:\n  # .*\n  vidimus ", c)
                self.assertIn("usage: vidimus", r.out)
                self.assertIn("exit status", r.out)
                self.assertEqual(r.err, "", c)
                for line in r.out.splitlines():
                    self.assertLessEqual(len(line), 80, f"{c}: {line}")

    def test_help_names_every_option_that_signs(self):
        for c in ("import", "bundle"):
            out = self.ok(c, "--help").out
            self.assertIn("--passphrase-file", out)
            self.assertIn("--signer", out)
        self.assertNotIn("--signer", self.ok("log", "--help").out)

    def test_every_option_of_help_is_known(self):
        """No option in --help that does not work: at worst the rest of the line is wrong."""
        a = self.archive(1)
        for c in commands():
            for name, value in re.findall(r"^ {2}(?:-., |    )--([a-z-]+)( [^ ]+)?",
                                          self.ok(*c.split(), "--help").out, re.M):
                if name in ("help", "version"):
                    continue
                words = [f"--{name}"] + (["x"] if value else [])
                r = run("-C", a, *c.split(), *words, cwd=self.dir)
                self.assertNotIn("unknown option", r.err, f"{c} --{name}")
                self.assertIn(r.code, (0, 1, 2, 3, 4), str(r))

    def test_version(self):
        r = self.ok("--version")
        self.assertRegex(r.out, r"^vidimus \d+\.\d+\.\d+\n")

    def test_nothing_given(self):
        r = run()
        self.assertEqual((r.code, r.out), (2, ""))
        self.assertIn("usage: vidimus", r.err)

    def test_wrong_command_lines(self):
        a = self.archive(1)
        for words in (["frobnicate"], ["--frobnicate"], ["log", "--frobnicate"], ["log", "-x"],
                      ["log", "--limit"], ["log", "--limit", "many"], ["log", "--from", "soon"],
                      ["log", "extra"], ["show"], ["show", "1", "2"], ["import"], ["cat", "x"],
                      ["bundle"], ["bundle", "-o", "x.tar"], ["bundle", "-o", "x.tar", "--all",
                      "--entries", "2"], ["bundle", "-o", "x.tar", "--entries", "9-7"],
                      ["bundle", "-o", "x.tar", "--entries", "2,"], ["bundle", "-o", "x.doc",
                      "--all"], ["bundle", "-o", "x.tar", "--all", "--disclose", "nonsense"],
                      ["bundle", "-o", "x.tar", "--all", "--created", "now"], ["prove", "2"],
                      ["checkpoint", "--at", "0"], ["checkpoint", "--at", "x"], ["key"],
                      ["key", "frob"], ["key", "export"], ["trust"], ["trust", "add"],
                      ["trust", "frob"], ["verify", "--document", "x"], ["verify", "--report",
                      "x"], ["verify", "--json=1"], ["recover", "x"], ["show", "sha256:12"],
                      ["status", "--quiet=yes"], ["log", "--source", ""]):
            r = self.expect(2, "-C", a, *words, cwd=self.dir)
            self.assertEqual(r.out, "", str(r))
        r = self.expect(2, "init", str(self.dir / "new"), "--no-passphrase")
        self.assertIn("--origin", r.err)
        self.assertFalse((self.dir / "new").exists())
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["a", "a-src"])

    def test_bad_names_make_no_archive(self):
        for origin in ("", "a b", "vidimus/x", "cosignature/x", "x" * 65, "x\ny", "x+y"):
            r = self.expect(2, "init", str(self.dir / "n"), "--origin", origin, "--no-passphrase")
            self.assertFalse((self.dir / "n").exists(), str(r))
        self.expect(2, "init", str(self.dir / "n"), "--origin", "x", "--signer", "a b",
                    "--no-passphrase")
        self.assertFalse((self.dir / "n").exists())

    def test_global_options_before_and_after(self):
        a = self.archive(1)
        first = self.ok("-C", a, "--json", "status").json
        for words in (["status", "-C", a, "--json"], ["--json", "status", "-C", a],
                      [f"-C{a}", "status", "--json"], [f"--archive={a}", "status", "--json"],
                      ["status", "--archive", a, "-q", "-v", "--json", "--no-progress"],
                      ["-qv", "--json", "status", "-C", a]):
            again = self.ok(*words).json
            for changing in ("free_bytes",):
                first.pop(changing, None), again.pop(changing, None)
            self.assertEqual(again, first)

    def test_an_option_value_may_look_like_a_command(self):
        a = self.archive(0, name="status")
        r = self.ok("-C", "status", "status", "--json", cwd=self.dir)
        self.assertEqual(r.json["origin"], support.ORIGIN)
        self.ok("-C", a, "import", self.file("import"), "--title", "import")

    def test_double_dash_ends_options(self):
        a = self.archive()
        self.file("-odd", "odd")
        r = self.ok("-C", a, "import", "--", "-odd", cwd=self.dir)
        self.assertIn("1 statement recorded", r.out)
        self.ok("import", "-C", a, "--again", "--", "-odd", cwd=self.dir)

    def test_environment_names_the_archive(self):
        a, b = self.archive(1), self.archive(2, name="b")
        self.assertEqual(self.ok("status", "--json", VIDIMUS_ARCHIVE=a).json["size"], 3)
        self.assertEqual(self.ok("status", "--json", "-C", b, VIDIMUS_ARCHIVE=a).json["size"], 4)
        self.assertEqual(self.ok("status", "--json", cwd=a, VIDIMUS_ARCHIVE="").json["size"], 3)
        self.expect(3, "status", cwd=self.dir)

    def test_no_archive(self):
        self.file("plain", "x")
        for where in ("missing", "plain", "."):
            for words in (["status"], ["log"], ["verify"], ["show", "1"], ["recover"],
                          ["key", "list"], ["trust", "list"], ["import", "plain"],
                          ["bundle", "-o", "x.tar", "--all"]):
                r = self.expect(3, "-C", where, *words, cwd=self.dir)
                self.assertIn("no archive at", r.err, str(r))
                self.assertEqual(r.out, "")
        self.assertEqual([p.name for p in self.dir.iterdir()], ["plain"])

    def test_init_over_an_archive(self):
        a = self.archive(1)
        before = support.listing(a)
        r = self.expect(3, "init", a, "--origin", "other.example", "--no-passphrase")
        self.assertRegex(r.err, "already|holds an archive")
        self.assertEqual(support.listing(a), before)

    def test_init_says_what_matters(self):
        r = self.ok("init", str(self.dir / "n"), "--origin", "x.example", "--no-passphrase")
        self.assertIn("authority.key", r.out)
        self.assertIn("no passphrase", r.out)
        self.assertRegex(r.out, r"authority  [0-9a-f]{4} [0-9a-f]{4}")
        self.verified(str(self.dir / "n"), 2)
        made = self.ok("-C", str(self.dir / "m"), "init", "--origin", "y.example",
                       "--no-passphrase", "--json").json
        self.assertEqual(made["origin"], "y.example")
        self.assertTrue((self.dir / "m/keys/authority.pub").exists())
        self.ok("-C", str(self.dir / "m"), "verify")

    def test_json_of_every_command(self):
        a = self.archive(2)
        out, doc = str(self.dir / "o.tar"), self.file("doc.txt", "one more\n")
        names = {
            ("status",): "origin size root time captures documents bytes guard ledger_bytes "
                         "catalog_bytes free_bytes",
            ("import", doc): "imported already_known refused bytes first_entry last_entry "
                             "not_stated checkpoint refusals",
            ("import", doc, "--dry-run"): "imported already_known refused bytes first_entry",
            ("show", "2"): "entry recorded signer document size record entry_note amendments "
                           "withdrawn evidence",
            ("verify",): "verdict ok kind origin size root time entries_checked "
                         "documents_checked bytes_checked trusted findings notices",
            ("bundle", "-o", out, "--all"): "file bytes captures documents sealed size root",
            ("verify", out, "--trust", a + "/keys/authority.pub"): "verdict ok kind origin trusted",
            ("checkpoint",): "size root checkpoint",
            ("prove", "2", "-o", str(self.dir / "p")): "entry proof file",
            ("recover",): "entries leftovers guard_made",
            ("reindex",): "entries",
            ("trust", "add", a + "/keys/authority.pub"): "added fingerprint name vkey",
            ("trust", "remove", support.ORIGIN + "/authority"): "removed",
        }
        for words, keys in names.items():
            got = self.ok("-C", a, *words, "--json").json
            for key in keys.split():
                self.assertIn(key, got, f"{words}: {key}")
        for words, keys in {("log",): "entry recorded signer document size record",
                            ("key", "list"): "name vkey fingerprint role state from to"}.items():
            got = self.ok("-C", a, *words, "--json").lines
            self.assertGreater(len(got), 1)
            for line in got:
                for key in keys.split():
                    self.assertIn(key, line, words)
        self.expect(2, "-C", a, "cat", "2", "--json")
        got = self.ok("-C", a, "key", "export", support.ORIGIN, "--json").lines
        self.assertEqual(got[0]["name"], support.ORIGIN)

    def test_unwritable_output(self):
        a = self.archive(1)
        with open("/dev/full", "wb") as full:
            import subprocess
            for words in (["status"], ["log"], ["cat", "2"], ["verify"], ["status", "--json"]):
                done = subprocess.run([support.VIDIMUS, "-C", a, *words], stdout=full,
                                      stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 3, words)
                self.assertIn(b"No space left", done.stderr, words)


if __name__ == "__main__":
    support.main()
