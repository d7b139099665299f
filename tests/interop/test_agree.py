#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two verifiers, written apart from each other, must say the same: the program (VIDIMUS) and
vidimus_verify.py read the same good and damaged bundles. Compared are exit status, verdict, and what is
found wrong with which entry. What follows from a finding that both have (manifests that do not match
either, the chain behind a malformed entry, members after one that is out of place) may be told by one
and not by the other."""
import contextlib
import functools
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VECTORS = ROOT / "tests/vectors/ledger"
FORKS = ROOT / "tests/vectors/forks"
VIDIMUS = os.environ["VIDIMUS"]
sys.path[:0] = [str(HERE), str(ROOT / "tests/vectors")]

import make_vectors as make  # noqa: E402
import vidimus_format  # noqa: E402
import vidimus_verify  # noqa: E402

# The same signatures are met in hundreds of damaged copies, and Python takes milliseconds for each.
vidimus_format.ed25519_verify = functools.lru_cache(None)(vidimus_format.ed25519_verify)


def members(tar):
    """[(header, content with padding)], and the end."""
    found, at = [], 0
    while tar[at:at + 512].strip(b"\0"):
        size = int(tar[at + 124:at + 135], 8)
        end = at + 512 + (size + 511) // 512 * 512
        found.append((tar[at:at + 512], tar[at + 512:end]))
        at = end
    return found, tar[at:]


def name(member):
    return member[0][:100].rstrip(b"\0").decode()


def content(member):
    size = int(member[0][124:135], 8)
    return member[1][:size]


def with_content(member, data):
    header = bytearray(member[0])
    header[124:135] = b"%011o" % len(data)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header), data + bytes(-len(data) % 512)


def join(parts, end):
    return b"".join(header + body for header, body in parts) + end


FOLLOW_UPS = {"bag-invalid", "chain-broken", "unexpected-member"}


class Agree(unittest.TestCase):
    maxDiff = None
    compared = 0

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "b.tar"

    def tearDown(self):
        self.folder.cleanup()

    def understood(self, status, printed):
        """(exit status, verdict, [(kind, entry)])"""
        if status == 3 or not printed:
            return status, None, []
        said = json.loads(printed.splitlines()[0])
        self.reports.append(said)
        return status, said["verdict"], [(f["kind"], f["entry"]) for f in said["findings"]]

    def ask(self, *command):
        done = subprocess.run([str(c) for c in command], capture_output=True, timeout=120)
        self.said.append((done.stdout + done.stderr).decode())
        return self.understood(done.returncode, done.stdout)

    def ask_second(self, *arguments):
        """Without a process of its own: test_as_programs shows that it makes no difference."""
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = vidimus_verify.main([str(a) for a in arguments])
        self.said.append(out.buffer.getvalue().decode())
        return self.understood(status, out.buffer.getvalue())

    def compare(self, data, what, key="authority.pub", about=None, options=()):
        """`about`: compare also what is said of this entry."""
        self.reports, self.said = [], []
        self.file.write_bytes(data)
        trust = ("--trust", VECTORS / "keys" / key) if key else ()
        ours = self.ask(VIDIMUS, "--json", "verify", self.file, *trust, *options)
        theirs = self.ask_second("--json", *trust, *options, self.file)
        self.assertEqual(ours[:2], theirs[:2], what)
        if ours[1] in ("VERIFIED", "INTACT, KEY NOT TRUSTED", "NO MATCH"):
            self.assertEqual(*map(self.shown, self.reports), what)
        if about is not None:
            said = [{k for k, n in findings if n == about} - FOLLOW_UPS
                    for findings in (ours[2], theirs[2])]
            self.assertEqual(*said, what)
        Agree.compared += 1
        return ours

    @staticmethod
    def shown(report):
        """What of a good bundle is here and what is hidden; another file has none of this."""
        items = [[item[key] for key in ("entry", "withdrawn", "withdrawals", "partly_disclosed", "record", "amended", "hidden_lines")]
                 for item in report.get("items", [])]
        return report.get("partly_disclosed"), report.get("documents_absent"), items

    def each_bundle(self):
        for tar in sorted(VECTORS.glob("*.tar")):
            yield tar.name, tar.read_bytes()

    def test_as_programs(self):
        """The second verifier, started as a user starts it, says what it says when it is called."""
        sample = (VECTORS / "sample.tar").read_bytes()
        for data in (sample, sample[:9000], sample + b"x", b"no bundle"):
            self.file.write_bytes(data)
            self.reports, self.said = [], []
            words = ("--json", "--trust", VECTORS / "keys/authority.pub", self.file)
            called = self.ask_second(*words)
            self.assertEqual(self.ask(sys.executable, HERE / "vidimus_verify.py", *words), called)
            self.assertEqual(*(self.reports or (0, 0)))

    def test_good(self):
        for which, data in self.each_bundle():
            for key in ("authority.pub", "ledger2.pub", None):
                status, verdict, _ = self.compare(data, f"{which} {key}", key)
                self.assertIn(status, (0, 4), which)
                self.assertEqual(verdict == "VERIFIED", status == 0)

    def test_amended(self):
        """A record that is an amendment's stands under the time and the signer of that amendment, in both."""
        self.compare((VECTORS / "sample.tar").read_bytes(), "sample")
        amendments = {5: (8, "2021-03-04T05:14:15Z", "tomas"), 9: (17, "2021-03-04T05:23:24Z", "lena"),
                      10: (12, "2021-03-04T05:18:19Z", "tomas")}
        expected = {n: {"entry": by, "recorded": recorded, "signer": f"{signer}@archive.example.net"}
                    for n, (by, recorded, signer) in amendments.items()}
        for report in self.reports:
            said = {item["entry"]: item["amended"] for item in report["items"]}
            self.assertEqual({n: amended for n, amended in said.items() if amended}, expected)

    def test_flipped(self):
        """One bit in the middle of each member's content."""
        for which, data in self.each_bundle():
            parts, end = members(data)
            for i, member in enumerate(parts):
                body = bytearray(content(member))
                if not body or (which != "sample.tar" and "/entries/" in name(member)):
                    continue
                body[len(body) // 2] ^= 1
                changed = parts[:i] + [with_content(member, bytes(body))] + parts[i + 1:]
                number = name(member).rsplit("/", 1)[1].split(".")[0]
                status, *_ = self.compare(join(changed, end), f"{which} flip {name(member)}",
                                          about=int(number) if number.isdigit() else None)
                if "/evidence/" not in name(member):
                    self.assertEqual(status, 1, name(member))

    def test_dropped_doubled_swapped(self):
        for which, data in self.each_bundle():
            parts, end = members(data)
            # All members of one bundle; of the others, those that it has not.
            first = 0 if which == "sample.tar" else len(parts) - 6
            for i in range(first, len(parts)):
                self.compare(join(parts[:i] + parts[i + 1:], end), f"{which} drop {name(parts[i])}")
                self.compare(join(parts[:i + 1] + parts[i:], end), f"{which} double {name(parts[i])}")
                if i:
                    swapped = parts[:i - 1] + [parts[i], parts[i - 1]] + parts[i + 1:]
                    self.compare(join(swapped, end), f"{which} swap {name(parts[i])}")

    def test_cut_off_and_trailing(self):
        data = (VECTORS / "sample.tar").read_bytes()
        chance = random.Random(7)
        for at in [0, 1, 511, 512, 513] + [chance.randrange(514, len(data)) for _ in range(40)]:
            self.compare(data[:at], f"cut at {at}")
        for more in (b"\0", bytes(512), b"x" * 512, data):
            self.compare(data + more, f"{len(more)} bytes behind the end")

    def test_zstd_content_size(self):
        """A frame whose header says more than is in it, in the one way that libzstd passes over."""
        data = (VECTORS / "sample.tar").read_bytes()
        for size, status in ((len(data), 0), (1 << 20, 1)):
            frame = b"\x28\xb5\x2f\xfd\x80\x58" + size.to_bytes(4, "little")
            frame += (len(data) << 3).to_bytes(3, "little") + data + b"\1\0\0"
            self.assertEqual(self.compare(frame, f"zstd frame that says {size}")[0], status)

    def test_random_bytes(self):
        data = (VECTORS / "sample.tar").read_bytes()
        chance = random.Random(11)
        for _ in range(60):
            at = chance.randrange(len(data))
            changed = bytearray(data)
            changed[at] ^= 1 << chance.randrange(8)
            self.compare(bytes(changed), f"bit at {at}")

    def test_forged(self):
        """Properly signed and sealed, and wrong all the same."""
        def archive():
            made = make.Archive()
            made.genesis()
            made.key("authorize", "signer", "lena")
            made.capture("lena", b"one", b"title One")
            return made

        def told(made, status, what, **how):
            bundle = make.Bundle(made, [2], made.checkpoint("ledger"), **how)
            self.assertEqual(self.compare(bundle.tar(), what)[0], status, what)

        told(archive(), 0, "good")
        made = archive()
        made.documents[1] = b"one"
        made.amend("lena", 1, b"title Not a capture")
        told(made, 1, "the newest entry amends a key entry")
        told(archive(), 1, "evidence of size 0",
             evidence=[("vidimus/evidence/0/checkpoint", archive().checkpoint("ledger"))])

    def test_bundles_of_the_vectors(self):
        """Each says what must be found; an index that lost a file would pass unseen otherwise."""
        folder = ROOT / "tests/vectors/bundles"
        index = json.loads((folder / "index.json").read_text())
        self.assertEqual({case["file"] for case in index}, {path.name for path in folder.glob("*.tar")})
        for case in index:
            with self.subTest(case["file"]):
                self.compare((folder / case["file"]).read_bytes(), case["why"])
                for said in self.reports:
                    self.assertEqual(said["verdict"], case["verdict"])
                    self.assertEqual(sorted({f["kind"] for f in said["findings"]}), case["findings"])
                    self.assertLessEqual(set(case["notices"]), {n["kind"] for n in said["notices"]})

    def test_a_document_that_is_not_in_it(self):
        """Nothing is wrong with the receipt; the reader's file is another."""
        receipt = (VECTORS / "receipt.tar").read_bytes()
        for path, expected in ((VECTORS / "documents/000004", (0, "VERIFIED")), (Path(__file__), (1, "NO MATCH"))):
            status, verdict, _ = self.compare(receipt, path.name, options=("--document", path))
            self.assertEqual((status, verdict), expected)
        _, verdict, found = self.compare(receipt[:9000], "cut off", options=("--document", Path(__file__)))
        self.assertEqual(verdict, "INCOMPLETE")
        self.assertIn(("document-unmatched", None), found)
        _, verdict, _ = self.compare(receipt, "no key", key=None, options=("--document", Path(__file__)))
        self.assertEqual(verdict, "NO MATCH")

    def packed(self, where, names, how):
        """The same members, packed by another program. `how`: a command, or a format of Python's tarfile."""
        again = Path(self.folder.name) / "again.tar"
        if isinstance(how, int):
            with tarfile.open(again, "w", format=how) as tar:
                for each in names:
                    tar.add(Path(where) / each, each, recursive=False)
        else:
            subprocess.run([*how, again, "-C", where, *names], check=True, timeout=60)
        return again.read_bytes()

    def test_packed_again(self):
        """Unpacked and packed again, it is no bundle any more, whatever is in it, and both say why. With bagit.txt first
        it still begins like one: then that is a finding."""
        data = (VECTORS / "sample.tar").read_bytes()
        self.file.write_bytes(data)
        where = Path(self.folder.name) / "unpacked"
        where.mkdir()
        subprocess.run(["tar", "xf", self.file, "-C", where], check=True, timeout=60)
        names = [name(member) for member in members(data)[0]]
        orders = {"a folder": ["sample"], "this folder": ["."], "in order": names, "reversed": names[::-1],
                  "bag-info.txt first": sorted(names)}
        programs = {"GNU tar": ("tar", "cf"), "GNU tar, pax": ("tar", "--format=pax", "-cf"),
                    "GNU tar, ustar": ("tar", "--format=ustar", "-cf"),
                    "bsdtar": ("bsdtar", "-cf"), "bsdtar, pax": ("bsdtar", "--format=pax", "-cf"),
                    "bsdtar, ustar": ("bsdtar", "--format=ustar", "-cf"),
                    "Python, pax": tarfile.PAX_FORMAT, "Python, GNU": tarfile.GNU_FORMAT}
        for program, how in programs.items():
            if isinstance(how, tuple) and not shutil.which(how[0]):
                continue
            for order, these in orders.items():
                if these[0] in ("sample", ".") and isinstance(how, int):
                    continue
                again = self.packed(where, these, how)
                for form in (again, gzip.compress(again)):
                    what = f"{program}, {order}, {'plain' if form is again else 'gzip'}"
                    status, *_ = self.compare(form, what)
                    begins_like_one = again.startswith(b"sample/bagit.txt\0")
                    self.assertEqual(status, 1 if begins_like_one else 3, what)
                    for said in self.said:
                        self.assertIn("unpacked and packed again", said, what)

    def test_other_tars(self):
        """A tar that has nothing of a bundle is not said to have been one."""
        other = Path(self.folder.name) / "other"
        other.mkdir()
        (other / "letter.txt").write_text("a letter\n\n\u2014 signed\n")
        self.assertEqual(self.compare(self.packed(other, ["letter.txt"], ("tar", "cf")), "another tar")[0], 3)
        for said in self.said:
            self.assertNotIn("packed again", said)

    def test_another_order(self):
        """Headers as they should be, in another order: it is a bundle, and altered."""
        parts, end = members((VECTORS / "sample.tar").read_bytes())
        for some in (parts[::-1], parts[1:] + parts[:1], sorted(parts)):
            self.assertEqual(self.compare(join(some, end), "another order")[0], 1)

    def test_a_document_and_no_bundle(self):
        """A proof and a checkpoint name no document: of the reader's file nothing can be said. A fault comes first."""
        made = make.Archive()
        made.genesis()
        made.key("authorize", "signer", "lena")
        made.capture("lena", b"a document")
        bundle, _ = members(make.Bundle(made, [2], made.checkpoint("ledger")).tar())
        parts = {name(member).split("/", 1)[1]: content(member) for member in bundle}
        head, rest = parts["vidimus/proofs/000002.tlog-proof"].split(b"\n", 1)
        extra = vidimus_format.encode_base64(parts["vidimus/entries/000002"])
        proof = head + b"\nextra " + extra + b"\n" + rest
        document = Path(self.folder.name) / "document"
        document.write_bytes(b"a document")
        options = ("--document", document)
        for data, what in ((proof, "proof"), (parts["vidimus/checkpoint"], "checkpoint")):
            for key in ("ledger.pub", None):
                self.assertIn(self.compare(data, what, key)[0], (0, 4), what)
                self.assertEqual(self.compare(data, what, key, options=options)[0], 3, what)
        wrong = proof.replace(b"index 2", b"index 1")
        self.assertEqual(self.compare(wrong, "wrong proof", "ledger.pub", options=options)[0], 1)

    def test_key_events(self):
        """Nine cases: a key that is authorized, retired, revoked; an entry before, at and after."""
        for event in ("authorize", "retire", "revoke"):
            for when in ("before", "at", "after"):
                made = make.Archive()
                made.genesis()
                made.key("authorize", "signer", "lena")
                if event != "authorize":
                    made.key("authorize", "signer", "tomas")
                capture = len(made.notes)
                if event == "authorize" and when == "after":
                    made.key("authorize", "signer", "tomas")
                    capture += 1
                if event == "retire" and when == "after":
                    made.key("retire", "signer", "tomas")
                    capture += 1
                made.capture("tomas", b"a document", b"title A document")
                if event == "authorize" and when == "before":
                    made.key("authorize", "signer", "tomas")
                if event == "retire" and when != "after":
                    made.key("retire", "signer", "tomas")
                if event == "revoke":
                    since = {"before": capture + 1, "at": capture, "after": capture}[when]
                    if when == "after":
                        made.capture("lena", b"another")
                    made.key("revoke", "signer", "tomas", since=since)
                bundle = make.Bundle(made, [capture], made.checkpoint("ledger"))
                good = (event, when) in {("authorize", "after"), ("retire", "before"),
                                         ("retire", "at"), ("revoke", "before")}
                status, *_ = self.compare(bundle.tar(), f"{event} {when}", about=capture)
                self.assertEqual(status, 0 if good else 1, f"{event} {when}")


    def test_fork_proofs(self):
        """Those that hold, those that do not, and each that is malformed; known by another key, or by none."""
        table = json.loads((FORKS / "index.json").read_text())
        for row in table:
            data = (FORKS / row["file"]).read_bytes()
            for key, good in (("ledger.pub", 0), ("ledger2.pub", 4), ("authority.pub", 4), (None, 4)):
                status, *_ = self.compare(data, f"{row['file']} {key}", key)
                self.assertEqual(status, good if row["holds"] else 1, row["file"])
        for path in sorted((FORKS.parent / "malformed").glob("fork-proof-*")):
            self.assertEqual(self.compare(path.read_bytes(), path.name, "ledger.pub")[0], 1, path.name)

    def test_ledger_keys_in_one_commit(self):
        """The line before that of the key in force is of any key that was in force before it: one commit can
        change the key twice, and then the one in the middle has signed nothing."""
        keys = {**make.KEYS, "ledger3": make.signing_key(make.ORIGIN, "third ledger key")}

        def told(status, *signers):
            made = make.Archive(keys=keys)
            made.genesis()
            made.key("authorize", "signer", "lena")
            made.capture("lena", b"one")
            made.key("authorize", "ledger", "ledger2")
            made.key("authorize", "ledger", "ledger3")
            bundle = make.Bundle(made, [2], made.checkpoint(*signers))
            self.assertEqual(self.compare(bundle.tar(), f"signed by {signers}")[0], status, signers)

        for signers in (("ledger3",), ("ledger", "ledger3"), ("ledger2", "ledger3")):
            told(0, *signers)
        for signers in (("ledger",), ("ledger2",), ("ledger3", "ledger"), ("ledger3", "ledger3"),
                        ("lena", "ledger3"), ("authority", "ledger3"), ("ledger", "ledger2", "ledger3")):
            told(1, *signers)


def main():
    done = unittest.main(exit=False).result
    wrong = len(done.failures) + len(done.errors)
    print(f"verifiers compared={Agree.compared} disagreements={wrong}")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
