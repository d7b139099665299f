#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the program writes, checked by other people's tools: Go's sumdb/note and sumdb/tlog, GNU tar,
bsdtar, sha256sum, openssl, gzip, zstd, and the independent Python verifier. A tool that is missing is
a failure. Run with VIDIMUS=<program>."""
import base64
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VIDIMUS = os.environ["VIDIMUS"]


def run(*command, cwd=None, status=0, stdin=None):
    done = subprocess.run([str(c) for c in command], cwd=cwd, input=stdin, capture_output=True,
                          timeout=120)
    if done.returncode != status:
        raise AssertionError(f"{command}: exit status {done.returncode}, not {status}\n"
                             f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done.stdout


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = Path(cls.folder.name)
        cls.archive = cls.at / "archive"
        run(VIDIMUS, "init", cls.archive, "--origin", "peers.example/log", "--signer",
            "a@peers.example", "--no-passphrase")
        run(VIDIMUS, "-C", cls.archive, "import", ROOT / "samples/statements", "--metadata",
            ROOT / "samples/statements.csv")
        many = cls.at / "many"
        many.mkdir()
        for i in range(300):  # more than one tile
            (many / f"{i}.txt").write_text(f"statement {i}\n")
        run(VIDIMUS, "-C", cls.archive, "import", many)
        for end in ("tar", "tar.gz", "tar.zst"):  # of one time, so that their content is the same
            run(VIDIMUS, "-C", cls.archive, "bundle", "-o", cls.at / f"b.{end}", "--entries",
                "2-11,100,311", "--created", "2026-11-21T12:00:00Z")
        cls.ledger = (cls.archive / "keys/ledger.pub").read_text().strip()
        cls.authority = cls.archive / "keys/authority.pub"
        cls.build_go()

    @classmethod
    def build_go(cls):
        environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="",
                           GOCACHE=str(cls.at / "gocache"))
        cls.go = cls.at / "interop-go"
        subprocess.run(["go", "build", "-o", cls.go, "main.go"], cwd=HERE / "go", env=environment,
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def unpack(self, tool, end):
        into = self.at / f"{tool}-{end}"
        into.mkdir()
        run(tool, "-x", "-f", self.at / f"b.{end}", "-C", into)
        tops = list(into.iterdir())
        self.assertEqual(len(tops), 1)
        return tops[0]

    def test_tar_and_sha256sum(self):
        for tool in ("tar", "bsdtar"):
            for end in ("tar", "tar.gz", "tar.zst"):
                with self.subTest(tool=tool, end=end):
                    top = self.unpack(tool, end)
                    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
                        run("sha256sum", "-c", "--quiet", "--strict", manifest, cwd=top)
                    listed = {line.split("  ", 1)[1] for m in ("manifest", "tagmanifest")
                              for line in (top / f"{m}-sha256.txt").read_text().splitlines()}
                    there = {str(p.relative_to(top)) for p in top.rglob("*") if p.is_file()}
                    self.assertEqual(there - listed, {"tagmanifest-sha256.txt", "vidimus/seal"})
                    document = next((top / "data/files").iterdir())
                    document.chmod(0o644)
                    document.write_bytes(document.read_bytes() + b"x")
                    run("sha256sum", "-c", "--quiet", "manifest-sha256.txt", cwd=top, status=1)

    def test_compressors(self):
        plain = (self.at / "b.tar").read_bytes()
        self.assertEqual(run("gzip", "-dc", self.at / "b.tar.gz"), plain)
        self.assertEqual(run("zstd", "-dcq", self.at / "b.tar.zst"), plain)

    def test_go(self):
        top = self.at / "go-top"
        top.mkdir()
        run("tar", "-x", "-f", self.at / "b.tar", "-C", top)
        said = run(self.go, "bundle", top / "b", self.ledger)
        self.assertIn(b"checkpoint=ok", said)
        entry = top / "b/vidimus/entries/000005"
        entry.write_bytes(entry.read_bytes().replace(b"record sha256:", b"record sha256;", 1))
        run(self.go, "bundle", top / "b", self.ledger, status=1)

    def test_go_proofs(self):
        """Proofs of many entries, checked in bulk by sumdb/tlog against all leaves."""
        lines, root, size = [], None, None
        for n in range(312):
            run(VIDIMUS, "-C", self.archive, "prove", n, "-o", self.at / "p")
            text = (self.at / "p").read_text()
            (self.at / "p").unlink()
            head, note = text.split("\n\n", 1)
            fields = head.split("\n")
            entry = base64.b64decode(fields[1].split(" ", 1)[1])
            lines.append("leaf " + base64.b64encode(entry).decode())
            size, root = note.split("\n")[1:3]
            if n % 7 == 0 or n > 300:
                lines.append((n, fields[3:]))
        out = [line for line in lines if isinstance(line, str)] + [f"root {size} {root}"]
        out += [f"inclusion {n} {size} " + " ".join(h) for n, h in
                (line for line in lines if not isinstance(line, str))]
        run(self.go, "tree", stdin=("\n".join(out) + "\n").encode())
        out[-1] = out[-1].replace(out[-1].split()[3], root)
        run(self.go, "tree", stdin=("\n".join(out) + "\n").encode(), status=1)

    def test_openssl(self):
        top = self.at / "ssl"
        top.mkdir()
        run("tar", "-x", "-f", self.at / "b.tar", "-C", top)
        note = (top / "b/vidimus/checkpoint").read_bytes()
        text, signature = note.rsplit(b"\n\n", 1)
        (top / "text").write_bytes(text + b"\n")
        (top / "sig").write_bytes(base64.b64decode(signature.split()[-1])[4:])
        pem = run(VIDIMUS, "-C", self.archive, "key", "export", "peers.example/log", "--pem")
        (top / "key.pem").write_bytes(pem)
        verify = ("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", top / "key.pem", "-rawin",
                  "-in", top / "text", "-sigfile", top / "sig")
        run(*verify)
        (top / "text").write_bytes(text.replace(b"312", b"313") + b"\n")
        run(*verify, status=1)

    def test_python_verifier(self):
        for end in ("tar", "tar.gz", "tar.zst"):
            said = json.loads(run(sys.executable, HERE / "vidimus_verify.py", "--json", "--trust",
                                  self.authority, self.at / f"b.{end}"))
            ours = json.loads(run(VIDIMUS, "--json", "verify", self.at / f"b.{end}", "--trust",
                                  self.authority))
            for name in ("verdict", "origin", "size", "root", "time", "documents_checked",
                         "bytes_checked", "trusted"):
                self.assertEqual(said[name], ours[name], name)


if __name__ == "__main__":
    unittest.main()
