#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several archivists, users of the machine with a group in common, on one archive. Needs root to be them."""

import os
import pathlib
import shutil
import stat
import subprocess
import unittest

import support
from support import IS_ROOT, ORIGIN, SIGNER

GROUP = 54300
AMAL, BADR, OTHER = 54301, 54302, 54303
SECOND = "badr@test.example"


def become(user, groups=(GROUP,), umask=0o077):
    """What the child does before it runs the program."""
    def change():
        os.umask(umask)
        os.setgroups(list(groups))
        os.setgid(user)
        os.setuid(user)
    return change


@unittest.skipUnless(IS_ROOT, "only root can be two other users")
class Group(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = shutil.copy(support.VIDIMUS, cls.shared)
        os.chmod(cls.program, 0o755)

    def run_as(self, user, *args, code=0, groups=(GROUP,), umask=0o077, **env):
        done = subprocess.run([self.program, *args], capture_output=True, check=False, timeout=60,
                              env=support.environment(**env), cwd="/",
                              preexec_fn=become(user, groups, umask))
        result = support.Result(args, done.returncode, done.stdout, done.stderr)
        self.assertEqual(result.code, code, str(result))
        return result

    def file(self, name, content="content\n"):
        path = super().file(name, content)
        os.chmod(path, 0o644)
        return path

    def shared_archive(self):
        """Amal's, with a second archivist whose key lies in a folder of his own."""
        home = self.dir / "archives"
        home.mkdir()
        os.chown(home, AMAL, GROUP)
        own = self.dir / "badr"
        own.mkdir(mode=0o700)
        os.chown(own, BADR, BADR)
        a = str(home / "a")
        self.run_as(AMAL, "init", a, "--origin", ORIGIN, "--signer", SIGNER, "--no-passphrase",
                    "--group", str(GROUP))
        os.chmod(a, 0o755)      # the umask of these tests is as narrow as can be
        self.run_as(BADR, "-C", a, "key", "new", SECOND, "--role", "signer", "--no-passphrase")
        self.run_as(AMAL, "-C", a, "key", "authorize", SECOND, "--role", "signer")
        key = own / "badr.key"
        shutil.move(f"{a}/keys/{SECOND}.key", key)
        return a, str(key)

    def test_both_import(self):
        a, key = self.shared_archive()
        for i, umask in enumerate((0o077, 0o022, 0o002)):
            self.run_as(AMAL, "-C", a, "import", self.file(f"a{i}", f"a{i}"), umask=umask)
            self.run_as(BADR, "-C", a, "import", self.file(f"b{i}", f"b{i}"), "--signer-key", key,
                        umask=umask)
        self.run_as(BADR, "-C", a, "import", self.file("env", "env"), VIDIMUS_SIGNER_KEY=key)
        self.run_as(BADR, "-C", a, "reindex")
        self.run_as(AMAL, "-C", a, "import", self.file("again", "again"))
        for user in (AMAL, BADR):
            report = self.run_as(user, "-C", a, "verify", "--json").json
            self.assertEqual((report["verdict"], report["entries_checked"]), ("VERIFIED", 11))
            self.assertEqual(report["notices"][0]["kind"], "freshness-unknown")
        signers = {line["signer"].split("+")[0] for line in self.run_as(BADR, "-C", a, "log", "--json").lines}
        self.assertEqual(signers, {SIGNER, SECOND})

    def test_secret_keys_stay_own(self):
        a, key = self.shared_archive()
        for path, reader in ((f"{a}/keys/{SIGNER}.key", BADR), (f"{a}/keys/authority.key", BADR),
                             (key, AMAL), (f"{a}/keys/ledger.key", OTHER)):
            groups = () if reader == OTHER else (GROUP,)
            done = subprocess.run(["/bin/cat", path], capture_output=True, check=False,
                                  preexec_fn=become(reader, groups))
            self.assertIn(b"denied", done.stderr, path)
            self.assertEqual(done.stdout, b"")
        r = self.run_as(BADR, "-C", a, "import", self.file("x"), code=3)
        self.assertIn("holds no signer key", r.err)
        self.run_as(OTHER, "-C", a, "status", code=3, groups=())
        modes = {name: stat.S_IMODE(os.stat(f"{a}/{name}").st_mode)
                 for name in ("keys", "store", "store/objects", "store/objects/00", "store/packs", "store/tmp",
                              "store/ledger.db", "store/catalog.db", "keys/ledger.key")}
        self.assertEqual(modes, {"keys": 0o2775, "store": 0o2770, "store/objects": 0o2770,
                                 "store/objects/00": 0o2770, "store/packs": 0o2770, "store/tmp": 0o2770,
                                 "store/ledger.db": 0o660, "store/catalog.db": 0o660,
                                 "keys/ledger.key": 0o640})

    def test_only_the_group_may_read_the_ledger_key(self):
        a, key = self.shared_archive()
        ledger = f"{a}/keys/ledger.key"
        for mode, group in ((0o644, GROUP), (0o660, GROUP), (0o640, BADR)):
            os.chmod(ledger, mode)
            os.chown(ledger, AMAL, group)
            r = self.run_as(AMAL, "-C", a, "import", self.file("x"), code=3)
            self.assertIn("chmod 600", r.err)
        os.chown(ledger, AMAL, GROUP)
        os.chmod(ledger, 0o640)
        self.run_as(BADR, "-C", a, "import", self.file("x"), "--signer-key", key)
        stray = self.dir / "archives/stray.key"
        shutil.copy(ledger, stray)
        os.chown(stray, AMAL, GROUP)
        os.chmod(stray, 0o640)
        self.run_as(AMAL, "-C", a, "import", self.file("y"), "--signer-key", str(stray), code=3)

    def test_the_signer_key_must_fit(self):
        a, key = self.shared_archive()
        r = self.run_as(BADR, "-C", a, "import", self.file("x"), "--signer-key", key, "--signer",
                        SIGNER, code=3)
        self.assertIn("may sign now", r.err)
        r = self.run_as(BADR, "-C", a, "import", self.file("x"), "--signer-key", key + "x", code=3)
        self.assertIn("--signer-key", r.err)
        self.run_as(AMAL, "-C", a, "key", "retire", SECOND)
        self.run_as(BADR, "-C", a, "import", self.file("x"), "--signer-key", key, code=3)

    def test_no_such_group(self):
        r = self.run_as(AMAL, "init", str(self.dir / "n"), "--origin", ORIGIN, "--no-passphrase",
                        "--group", "no-such-group", code=2)
        self.assertIn("--group", r.err)

    def test_without_a_group_nothing_is_shared(self):
        home = pathlib.Path(self.dir, "own")
        home.mkdir()
        os.chown(home, AMAL, GROUP)
        self.run_as(AMAL, "init", str(home / "a"), "--origin", ORIGIN, "--no-passphrase", umask=0)
        self.assertEqual(stat.S_IMODE(os.stat(home / "a/store").st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(home / "a/store/ledger.db").st_mode), 0o600)
        self.run_as(BADR, "-C", str(home / "a"), "status", code=3)


if __name__ == "__main__":
    support.main()
