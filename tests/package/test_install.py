#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs the build that was just made into a folder of its own, and works with what is there and nothing else."""

import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = os.environ["BUILD"]
ORIGIN = "test.example/log"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.place = Path(cls.temporary.name)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": cls.temporary.name}, timeout=100)
        cls.usr = cls.place / "usr"

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def call(self, *words, **more):
        done = subprocess.run([str(w) for w in words], text=True, capture_output=True, timeout=60, check=False, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{words}: {done.stdout}")
        return done.stdout

    def vidimus(self, *words):
        return self.call(self.usr / "bin/vidimus", "--no-progress", *words)

    def installed(self):
        return sorted(p.relative_to(self.place).as_posix() for p in self.place.rglob("*") if p.is_file())

    def test_places(self):
        """Every file lies where the system looks for its kind, and only programs can be run."""
        places = re.compile(
            r"usr/bin/vidimus|usr/share/man/man1/vidimus(-[a-z-]+)?\.1|usr/share/man/man5/vidimus-formats\.5|"
            r"usr/share/bash-completion/completions/vidimus|usr/share/zsh/vendor-completions/_vidimus|"
            r"usr/share/fish/vendor_completions\.d/vidimus\.fish|"
            r"usr/share/doc/vidimus/((docs|keys|store)/)?[A-Z]+(\.md)?|"
            r"usr/share/vidimus/samples/.+|usr/share/vidimus/verify/vidimus_(verify|format|audits)\.py|"
            r"usr/lib/systemd/system/vidimus-audit@\.(service|timer)|usr/share/doc/vidimus/examples/vidimus-audit\.cron")
        for name in self.installed():
            self.assertRegex(name, rf"\A({places.pattern})\Z")
            mode = (self.place / name).stat().st_mode
            may_run = name.startswith("usr/bin/") or name.endswith(("vidimus_verify.py", "vidimus_audits.py"))
            self.assertEqual(stat.S_IMODE(mode), 0o755 if may_run else 0o644, name)

    def test_nothing_is_missing(self):
        names = set(self.installed())
        listed = self.vidimus("--help").split("\noptions\n")[0]
        for command in re.findall(r"^  ([a-z-]+(?: [a-z]+)?) +[a-z]", listed, re.M):
            self.assertIn(f"usr/share/man/man1/vidimus-{command.replace(' ', '-')}.1", names)
        for name in ("man/man1/vidimus.1", "man/man5/vidimus-formats.5", "bash-completion/completions/vidimus",
                     "zsh/vendor-completions/_vidimus", "fish/vendor_completions.d/vidimus.fish",
                     "doc/vidimus/README.md", "doc/vidimus/LICENSE", "doc/vidimus/CHANGELOG.md",
                     "doc/vidimus/docs/FORMATS.md", "vidimus/samples/statements.csv",
                     "vidimus/verify/vidimus_format.py"):
            self.assertIn(f"usr/share/{name}", names)

    def test_the_readme_leads_somewhere(self):
        """Its links work from where it was installed, but for what is about the source alone."""
        folder = self.usr / "share/doc/vidimus"
        for target in re.findall(r"\]\(([^)#:]+)\)", (folder / "README.md").read_text(encoding="utf-8")):
            self.assertTrue((folder / target).exists() or target in SOURCE_ONLY, target)

    def test_work(self):
        """The samples go into an archive and out as a bundle, and both verifiers take it."""
        archive, bundle = self.place / "archive", self.place / "evidence.tar"
        samples = self.usr / "share/vidimus/samples"
        self.vidimus("-q", "init", archive, "--origin", ORIGIN, "--signer", "amal@test.example", "--no-passphrase")
        self.vidimus("-q", "-C", archive, "import", samples / "statements", "--metadata", samples / "statements.csv")
        self.vidimus("-q", "-C", archive, "bundle", "-o", bundle, "--all")
        key = archive / "keys/authority.pub"
        self.assertIn("VERIFIED", self.vidimus("verify", bundle, "--trust", key))
        verifier = self.usr / "share/vidimus/verify/vidimus_verify.py"
        self.assertIn("VERIFIED", self.call(sys.executable, verifier, "--trust", key, bundle, cwd="/",
                                            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""}))
        self.assertEqual({p.name for p in verifier.parent.iterdir()}, {"vidimus_verify.py", "vidimus_format.py", "vidimus_audits.py"})


SOURCE_ONLY = {"CONTRIBUTING.md"}

if __name__ == "__main__":
    unittest.main()
