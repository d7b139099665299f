#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Import of bundles that other archives made: verified, kept whole, and nothing in them recorded as ours."""

import gzip
import hashlib
import pathlib
import tarfile

import support
from support import run


class Foreign(support.Case):
    def setUp(self):
        super().setUp()
        self.other = str(self.dir / "other")
        self.ok("init", self.other, "--origin", "other.example/log", "--signer", "b@other.example", "--no-passphrase")
        self.ok("-C", self.other, "import", str(self.folder(2, "theirs")))
        self.ours = self.archive()

    def bundle(self, name="b.tar.gz", *options):
        path = self.dir / name
        self.ok("-C", self.other, "bundle", "-o", str(path), "--all", *options)
        return path

    def records(self):
        return [line["record"] for line in self.ok("-C", self.ours, "log", "--json").lines]

    def taken(self, path, untrusted=0):
        r = self.ok("-C", self.ours, "import", str(path), "--json")
        self.assertEqual(r.json["bundles_untrusted"], untrusted)
        records = self.records()
        self.assertEqual([r["file_name"] for r in records], [path.name])
        return dict(line.split(": ", 1) for line in records[0]["field"])

    def test_of_nobody_that_is_trusted(self):
        fields = self.taken(self.bundle(), untrusted=1)
        self.assertRegex(fields["bundle"], r"^of other\.example/log, as of 4 entries, root [A-Za-z0-9+/]{43}=$")
        self.assertRegex(fields["bundle-verdict"], "^INTACT, KEY NOT TRUSTED when it was imported, by no key that was "
                         "trusted here; its authority is other.example/log/authority, ([0-9a-f]{4} ?){4}$")
        self.assertEqual(fields["bundle-holds"], "2 captures, 2 documents")
        r = self.ok("-C", self.ours, "import", "--again", str(self.dir / "b.tar.gz"))
        self.assertIn("\n  1 bundle is by a key that is not trusted here", r.out)

    def test_of_a_trusted_key(self):
        self.ok("-C", self.ours, "trust", "add", self.other + "/keys/authority.pub")
        for name in ("b.tar", "c.tar.gz", "d.tar.zst"):
            self.ours = self.archive(name="a-" + name)
            self.ok("-C", self.ours, "trust", "add", self.other + "/keys/authority.pub")
            self.assertRegex(self.taken(self.bundle(name))["bundle-verdict"],
                             "^VERIFIED when it was imported, by the trusted key other.example/log/authority, ")

    def test_kept_as_it_came(self):
        """What the bundle proves can be shown again from what is kept."""
        path = self.bundle()
        self.taken(path, untrusted=1)
        kept = self.ok("-C", self.ours, "cat", "2").raw_out
        self.assertEqual(hashlib.sha256(kept).digest(), hashlib.sha256(path.read_bytes()).digest())
        again = self.dir / "again.tar.gz"
        again.write_bytes(kept)
        self.ok("verify", str(again), "--trust", self.other + "/keys/authority.pub")

    def test_of_our_own(self):
        self.ok("-C", self.ours, "import", str(self.folder(1, "ours")))
        self.ok("-C", self.ours, "bundle", "-o", str(self.dir / "own.tar"), "--all")
        self.ok("-C", self.ours, "import", str(self.dir / "own.tar"))
        self.assertIn("VERIFIED when", str(self.records()))

    def refused(self, path, *wanted):
        before = len(self.records())
        r = run("-C", self.ours, "import", str(path))
        self.assertEqual(r.code, 1, r)
        for words in wanted:
            self.assertIn(words, r.err)
        self.assertEqual(len(self.records()), before)
        return r

    def test_altered(self):
        data = self.bundle("b.tar").read_bytes()
        with tarfile.open(self.dir / "b.tar") as t:
            at = {m.name.split("/", 1)[1]: m.offset_data for m in t}
        for name, kind in (("data/files/000002.txt", "document-corrupt"), ("vidimus/seal", ""),
                           ("vidimus/checkpoint", ""), ("vidimus/entries/000003", "")):
            forged = bytearray(data)
            forged[at[name] + 5] ^= 1
            path = self.dir / "forged.tar"
            path.write_bytes(forged)
            self.refused(path, "ALTERED: this bundle of", kind, "cannot be vouched for")

    def test_cut_off(self):
        path = self.bundle("b.tar")
        data = path.read_bytes()
        (self.dir / "cut.tar").write_bytes(data[:len(data) * 2 // 3])
        self.refused(self.dir / "cut.tar", "truncated")

    def test_changed_can_be_kept_as_a_file(self):
        path = self.bundle("b.tar")
        data = bytearray(path.read_bytes())
        data[-2000] ^= 1
        path.write_bytes(data)
        self.ok("-C", self.ours, "import", "--as-file", str(path))
        self.assertNotIn("bundle-verdict", str(self.records()))

    def test_receipt(self):
        fields = self.taken(self.bundle("r.tar", "--without-documents"), untrusted=1)
        self.assertEqual(fields["bundle-holds"], "2 captures, 0 documents")

    def test_not_quite_a_bundle(self):
        """A tar whose names are those of a bundle says nothing by that."""
        path = self.dir / "x.tar.gz"
        with tarfile.open(self.dir / "x.tar", "w") as t:
            for name in ("b/bagit.txt", "b/vidimus/seal", "b/data/x"):
                info = tarfile.TarInfo(name)
                t.addfile(info)
        path.write_bytes(gzip.compress((self.dir / "x.tar").read_bytes()))
        self.refused(path)
        self.assertFalse(pathlib.Path(self.dir / "b").exists())


if __name__ == "__main__":
    support.main()
