#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/release makes the same bytes from two clones of one commit, whatever else differs between them.

The commit is one of a small repository made here: the test also runs where the source came without its history."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHO = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@test.example", "GIT_COMMITTER_NAME": "A",
       "GIT_COMMITTER_EMAIL": "a@test.example", "GIT_AUTHOR_DATE": "2026-11-21T10:00:00Z",
       "GIT_COMMITTER_DATE": "2026-11-21T10:00:00Z", "GIT_CONFIG_NOSYSTEM": "1"}


class Release(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.dir = Path(temporary.name)
        self.make_repository(self.dir / "origin")

    def call(self, *words, cwd, umask=0o022, **env):
        return subprocess.run([str(w) for w in words], cwd=cwd, text=True, capture_output=True, timeout=60, check=False,
                              umask=umask, env={**os.environ, "HOME": str(self.dir), **WHO, **env})

    def done(self, *words, **more):
        done = self.call(*words, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def make_repository(self, place):
        (place / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts/release", place / "scripts/release")
        shutil.copy(ROOT / "CMakeLists.txt", place)
        shutil.copy(ROOT / "CHANGELOG.md", place)
        (place / ".gitignore").write_text("/build/\n")
        (place / "سجل.txt").write_text("one line\nand another\n", encoding="utf-8")
        self.done("git", "init", "-q", "-b", "main", cwd=place)
        self.commit(place)

    def commit(self, place):
        self.done("git", "add", "-A", cwd=place)
        self.done("git", "commit", "-q", "-m", "all", cwd=place)

    def clone(self, name, **more):
        self.done("git", "clone", "-q", "--no-local", self.dir / "origin", self.dir / name, cwd=self.dir, **more)
        return self.dir / name

    def release(self, clone, **more):
        self.done("scripts/release", cwd=clone, **more)
        made = sorted((clone / "build/dist").iterdir())
        self.assertEqual([p.suffix for p in made], ["", ".gz"])
        return made[1]

    def test_same_bytes(self):
        one = self.clone("one")
        other = self.clone("a second clone", umask=0o077)
        self.done("git", "config", "tar.umask", "0077", cwd=other)
        self.done("git", "config", "core.autocrlf", "true", cwd=other)
        for path in other.glob("*.*"):
            os.utime(path, (1, 1))
        first = self.release(one, TZ="UTC", LC_ALL="C.UTF-8")
        second = self.release(other, umask=0o077, TZ="Asia/Kathmandu", LC_ALL="C")
        self.assertEqual(first.name, second.name)
        self.assertEqual(hashlib.sha256(first.read_bytes()).hexdigest(),
                         hashlib.sha256(second.read_bytes()).hexdigest())
        self.assertEqual(first.read_bytes()[3:8], bytes(5), "the gzip header holds a name or a time")
        self.done("sha256sum", "--check", "SHA256SUMS", cwd=first.parent)

    def test_what_is_in_it(self):
        made = self.release(self.clone("one"))
        with tarfile.open(made) as tar:
            members = {m.name: m for m in tar}
        top = made.name.removesuffix(".tar.gz")
        self.assertRegex(top, r"\Avidimus-\d+\.\d+\.\d+\Z")
        self.assertEqual({name for name in members if name.count("/") == 1},
                         {f"{top}/{name}" for name in (".gitignore", "CHANGELOG.md", "CMakeLists.txt", "scripts",
                                                       "سجل.txt")})
        self.assertEqual(members[f"{top}/scripts/release"].mode, 0o755)
        self.assertEqual(members[f"{top}/CHANGELOG.md"].mode, 0o644)

    def test_refused(self):
        clone = self.clone("one")
        (clone / "CMakeLists.txt").write_text("project(vidimus VERSION 9.9.9 LANGUAGES C)\n")
        done = self.call("scripts/release", cwd=clone)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not committed", done.stderr)
        self.commit(clone)
        done = self.call("scripts/release", cwd=clone)
        self.assertEqual(done.returncode, 1)
        self.assertIn("9.9.9", done.stderr)
        self.assertFalse((clone / "build").exists())


if __name__ == "__main__":
    unittest.main()
