#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of vidimus_format.py and vidimus_verify.py, against the vectors of the project, against those of others where
they are at hand (environment variable VIDIMUS_SHARED, or the folder `shared` beside the project), and against bundles
that are damaged, cut, forged or hostile.

    python3 -m unittest tests/interop/test_format.py
"""
import base64
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
import tempfile
import tracemalloc
import unittest
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
LEDGER = VECTORS / "ledger"
SHARED = Path(os.environ.get("VIDIMUS_SHARED") or HERE.parents[2] / "shared") / "vectors"
sys.path[:0] = [str(HERE), str(VECTORS)]

import make_vectors as make  # noqa: E402
import vidimus_format as fmt  # noqa: E402
import vidimus_verify as verify  # noqa: E402
from vidimus_format import Malformed  # noqa: E402

# The same signatures are met in thousands of damaged copies, and Python takes milliseconds for each.
fmt.ed25519_verify = functools.lru_cache(None)(fmt.ed25519_verify)

ORIGIN = make.ORIGIN
# Controls, marks of direction, characters of no width, bytes that are no UTF-8: none of it may reach a terminal.
UNSAFE = "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u061c\u202a-\u202e\u2060\u2066-\u2069\ufeff\udc80-\udcff]"
INTACT = verify.NOT_TRUSTED


def read_json(path):
    return json.loads(path.read_text())


def public_key(name, folder=LEDGER):
    return fmt.decode_vkey((folder / "keys" / f"{name}.pub").read_bytes().strip())


def check(data, *trust, name="input", **anchor):
    """The report on these bytes. That the verifier itself failed is never an answer."""
    report = verify.check_file(name, verify.Anchor(keys=trust, **anchor), lambda *_: io.BytesIO(data))
    assert not str(report.problem).startswith("this program failed"), report.problem
    return report


def kinds(report):
    return {finding.kind for finding in report.findings}


def shared(*parts):
    """A test that needs the vectors of others."""
    path = SHARED.joinpath(*parts)
    return unittest.skipUnless(path.exists(), f"no {'/'.join(parts)} at hand")


# -------------------------------------------------------------------------------------------------------- pieces

class Escapes(unittest.TestCase):
    def check_table(self, table):
        for row in table:
            with self.subTest(row=row):
                if "refuse" in row:
                    self.assertRaises(Malformed, fmt.unescape, row["refuse"].encode())
                elif row["line"] is None:
                    self.assertRaises(Malformed, fmt.escape, bytes.fromhex(row["value_hex"]))
                else:
                    self.assertEqual(fmt.escape(bytes.fromhex(row["value_hex"])), row["line"].encode())
                    self.assertEqual(fmt.unescape(row["line"].encode()), bytes.fromhex(row["value_hex"]))

    def test_own_table(self):
        self.check_table(read_json(LEDGER / "escapes.json"))

    @shared("vidimus")
    def test_shared_table(self):
        self.check_table(read_json(SHARED / "vidimus/escapes.json"))

    def test_every_value_comes_back(self):
        source = random.Random(1)
        for _ in range(2000):
            value = source.randbytes(source.randint(1, 12))
            written = fmt.escape(value)
            self.assertEqual(fmt.unescape(written), value)
            self.assertEqual(written.decode("utf-8").splitlines(), [written.decode("utf-8")])

    def test_every_byte_alone(self):
        for byte in range(256):
            written = fmt.escape(bytes([byte]))
            plain = 0x21 <= byte <= 0x7e and byte != 0x5c
            self.assertEqual(written == bytes([byte]), plain, byte)


class Primitives(unittest.TestCase):
    def test_numbers(self):
        for text, value in ((b"0", 0), (b"9007199254740991", 2 ** 53 - 1)):
            self.assertEqual(fmt.decode_number(text), value)
        for text in (b"", b"00", b"01", b"+1", b"-1", b"1 ", b" 1", b"1\n", b"9007199254740992", b"1" * 400, b"0x1",
                     "١".encode()):
            self.assertRaises(Malformed, fmt.decode_number, text)

    def test_times(self):
        self.assertEqual(fmt.decode_time(b"2020-02-29T23:59:59Z"), "2020-02-29T23:59:59Z")
        for text in (b"2021-02-29T00:00:00Z", b"2020-13-01T00:00:00Z", b"2020-01-01T24:00:00Z", b"2020-01-01T00:00:60Z",
                     b"2020-01-01 00:00:00Z", b"2020-01-01T00:00:00", b"2020-01-01T00:00:00Z\n", b"0000-01-01T00:00:00Z"):
            self.assertRaises(Malformed, fmt.decode_time, text)

    def test_ranges(self):
        for text in (b"0", b"1-400,512", b"0-1,3"):
            self.assertEqual(fmt.encode_ranges(fmt.decode_ranges(text)), text)
        for text in (b"", b"1-1", b"2-1", b"1,2", b"1-2,3", b"3,1", b"1,1", b"1-", b"-1", b"1,,3", b"1-2-3", b"01"):
            self.assertRaises(Malformed, fmt.decode_ranges, text)

    def test_document_suffix(self):
        for name, suffix in ((b"a.TXT", "txt"), (b"a.b.html", "html"), (b".html", "bin"), (b"a.", "bin"), (b"a", "bin"),
                             (b"a.123456789", "bin"), (b"a.t t", "bin"), ("a.тхт".encode(), "bin"), (b"..x", "x"),
                             (None, "bin"), (b"x.d/y", "bin")):
            self.assertEqual(fmt.document_suffix(name), suffix, name)

    def test_visible(self):
        for char in "\x00\x1b\x7f\x85\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\u061c\u2028\udcff":
            self.assertRegex(verify.visible(f"a{char}b"), r"^a(\\x[0-9a-f]{2})+b$")
        self.assertEqual(verify.visible("Größe ١٦"), "Größe ١٦")
        self.assertEqual(verify.visible(b"r\xe9"), "r\\xe9")


class Ed25519(unittest.TestCase):
    def test_own_edges(self):
        cases = read_json(VECTORS / "ed25519.json")
        self.assertGreaterEqual(len(cases), 25)
        for case in cases:
            key, message, signature = (bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))
            self.assertIs(fmt.ed25519_verify(key, message, signature), case["valid"], case["name"])

    def test_the_edges_are_real(self):
        """A verifier with any one rule left out accepts an edge case that the full rule refuses."""
        cases = {case["name"]: case for case in read_json(VECTORS / "ed25519.json")}
        for name, cofactor, key_rule, nonce_rule, s_rule in (
                ("S plus 1 times L", False, True, True, False),
                ("A has order 8", False, False, True, True),
                ("A has mixed order, the equation holds", False, False, True, True),
                ("A has mixed order, it holds with the cofactor only", True, False, True, True),
                ("R has mixed order, it holds with the cofactor only", True, True, True, True),
                ("R is the neutral point, the equation holds", False, True, False, True),
                ("R has order 8, it holds with the cofactor only", True, True, False, True)):
            case = [bytes.fromhex(cases[name][part]) for part in ("public_key", "message", "signature")]
            self.assertTrue(lenient_verify(*case, cofactor, key_rule, nonce_rule, s_rule), name)

    def test_rfc_8032(self):
        seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        self.assertEqual(fmt.ed25519_public_key(seed).hex(),
                         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        self.assertTrue(fmt.ed25519_sign(seed, b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974"))

    def test_small_order_points(self):
        points = [fmt.point_decode(encoded) for encoded in fmt.SMALL_ORDER]
        self.assertEqual(len({fmt.point_encode(point) for point in points}), 8)
        for point in points:
            self.assertEqual(fmt.point_encode(fmt.point_multiply(8, point)), fmt.point_encode(fmt.IDENTITY))

    @shared("ed25519")
    def test_cctv(self):
        cases = read_json(SHARED / "ed25519/cctv-ed25519vectors.json")
        accepted = [case["number"] for case in cases if fmt.ed25519_verify(
            bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))]
        self.assertEqual((len(cases), accepted), (914, [305]))

    @shared("ed25519")
    def test_wycheproof(self):
        table = read_json(SHARED / "ed25519/wycheproof-ed25519_test.json")
        cases = [(group["publicKey"]["pk"], case) for group in table["testGroups"] for case in group["tests"]]
        self.assertEqual(len(cases), 151)
        for key, case in cases:
            valid = fmt.ed25519_verify(bytes.fromhex(key), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            self.assertEqual(valid, case["result"] == "valid", case["tcId"])


def lenient_verify(key, message, signature, cofactor, key_rule, nonce_rule, s_rule):
    """The rule with parts left out, by plain point arithmetic."""
    encoded_r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if (s_rule and s >= fmt.L) or (nonce_rule and encoded_r in fmt.SMALL_ORDER):
        return False
    if key_rule and not fmt.is_public_key(key):
        return False
    h = fmt.hash_scalar(encoded_r, key, message)
    point, nonce = fmt.point_decode(key), fmt.point_decode(encoded_r)
    left = fmt.point_multiply(s, fmt.BASE)
    right = fmt.point_add(nonce, fmt.point_multiply(h, point))
    if cofactor:
        left, right = fmt.point_multiply(8, left), fmt.point_multiply(8, right)
    return fmt.point_encode(left) == fmt.point_encode(right)


class Merkle(unittest.TestCase):
    def test_own_table(self):
        table = read_json(VECTORS / "merkle.json")
        leaves = [fmt.leaf_hash(b"leaf %d" % number) for number in range(40)]
        self.assertEqual(table["roots"], [recursive_root(leaves[:size]).hex() for size in range(41)])
        for case in table["inclusion"]:
            self.assertIs(fmt.verify_inclusion(
                case["index"], case["size"], bytes.fromhex(case["leaf"]), list(map(bytes.fromhex, case["proof"])),
                bytes.fromhex(case["root"])), case["valid"], case)
        for case in table["consistency"]:
            self.assertIs(fmt.verify_consistency(
                case["old_size"], case["size"], list(map(bytes.fromhex, case["proof"])),
                bytes.fromhex(case["old_root"]), bytes.fromhex(case["root"])), case["valid"], case)

    def test_every_proof_up_to_24_leaves(self):
        leaves = [fmt.leaf_hash(b"%d" % number) for number in range(24)]
        roots = [fmt.tree_root(leaves[:size]) for size in range(25)]
        for size in range(1, 25):
            for index in range(size):
                proof = fmt.inclusion_proof(leaves[:size], index)
                for other in range(size):
                    self.assertIs(fmt.verify_inclusion(other, size, leaves[index], proof, roots[size]), other == index)
            for old in range(1, size + 1):
                proof = fmt.consistency_proof(leaves[:size], old)
                for other in range(1, size + 1):
                    self.assertIs(fmt.verify_consistency(other, size, proof, roots[old], roots[size]), other == old)

    @shared("merkle-proofs")
    def test_vectors_of_transparency_dev(self):
        folder = SHARED / "merkle-proofs/testdata"
        verdicts = []
        for path in sorted(folder.glob("inclusion/**/*.json")) + sorted(folder.glob("consistency/**/*.json")):
            case = read_json(path)
            proof = [base64.b64decode(item) for item in case["proof"] or ()]
            good = inclusion_of(case, proof) if "leafIdx" in case else consistency_of(case, proof)
            self.assertIs(good, not case["wantErr"], path)
            verdicts.append(good)
        self.assertGreater(verdicts.count(True), 10)
        self.assertGreater(verdicts.count(False), 100)

    @shared("derived")
    def test_tree_of_70000(self):
        table = read_json(SHARED / "derived/tree70000.json")
        leaves = [fmt.leaf_hash(b"entry %d" % number) for number in range(70000)]
        root, proof = fmt.tree_root(leaves), fmt.inclusion_proof(leaves, 69999)
        self.assertEqual(fmt.encode_base64(root).decode(), table["root_b64"])
        self.assertEqual([fmt.encode_base64(item).decode() for item in proof], table["inclusion_69999"])
        self.assertTrue(fmt.verify_inclusion(69999, 70000, leaves[-1], proof, root))
        consistency = fmt.consistency_proof(leaves, 65537)
        self.assertEqual([fmt.encode_base64(item).decode() for item in consistency],
                         table["consistency_65537_to_70000"])
        self.assertTrue(fmt.verify_consistency(65537, 70000, consistency, fmt.tree_root(leaves[:65537]), root))


def recursive_root(leaves):
    """As RFC 9162 section 2.1.1 words it, to check the loop that is used elsewhere."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else fmt.sha256(b"")
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return fmt.node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


def inclusion_of(case, proof):
    leaf, root = (base64.b64decode(case[name] or "") for name in ("leafHash", "root"))
    return fmt.verify_inclusion(case["leafIdx"], case["treeSize"], leaf, proof, root)


def consistency_of(case, proof):
    roots = [base64.b64decode(case[name] or "") for name in ("root1", "root2")]
    return fmt.verify_consistency(case["size1"], case["size2"], proof, *roots)


class Notes(unittest.TestCase):
    @shared("signed-note")
    def test_signed_note(self):
        folder = SHARED / "signed-note"
        for note_name, key_name in (("c2sp-example.note", "c2sp-example.vkey"), ("sumdb-35225469.note", "sumdb.vkey")):
            key = fmt.decode_vkey((folder / key_name).read_bytes().strip())
            data = (folder / note_name).read_bytes()
            note = fmt.decode_note(data)
            self.assertEqual(fmt.encode_note(*note), data)
            self.assertTrue(key.signed(note.text, note.signatures[0]))
            self.assertFalse(key.signed(note.text + b"\n", note.signatures[0]))

    @shared("signed-note")
    def test_two_signatures(self):
        note = fmt.decode_note((SHARED / "signed-note/peterneumann.note").read_bytes())
        lines = (SHARED / "signed-note/peterneumann.keys").read_bytes().split(b"\n")
        vkey, private = fmt.decode_vkey(lines[0]), fmt.decode_signing_key(lines[1])
        self.assertEqual((private.vkey, private.encode()), (vkey, lines[1]))
        self.assertEqual([vkey.signed(note.text, line) for line in note.signatures], [True, False])
        enoch = fmt.SigningKey("EnochRoot", bytes(32))
        self.assertEqual(fmt.sign_note(note.text, private, enoch), fmt.encode_note(*note))

    @shared("signed-note")
    def test_bad_vkeys(self):
        for line in (SHARED / "signed-note/bad-vkeys.txt").read_bytes().split():
            self.assertRaises(Malformed, fmt.decode_vkey, line)
        lines = (SHARED / "signed-note/other-vkeys.txt").read_bytes().split(b"\n")
        self.assertEqual(fmt.decode_vkey(lines[1], kinds=(fmt.COSIGNATURE,)).encode(), lines[1])
        for line in lines[1:]:
            self.assertRaises(Malformed, fmt.decode_vkey, line)

    @shared("signed-note")
    def test_foreign_checkpoint(self):
        data = (SHARED / "signed-note/c2sp-checkpoint-cosigned.note").read_bytes()
        checkpoint = fmt.decode_checkpoint(data)
        self.assertEqual((checkpoint.origin, checkpoint.size), ("example.com/behind-the-sofa", 20852163))
        payload = checkpoint.note.signatures[1].payload
        self.assertEqual((len(payload), int.from_bytes(payload[:8], "big")), (72, 1679315147))

    @shared("derived")
    def test_cosignature(self):
        folder = SHARED / "derived"
        data = (folder / "checkpoint.15.cosigned").read_bytes()
        checkpoint = fmt.decode_checkpoint(data)
        key = fmt.decode_vkey((folder / "witness.vkey").read_bytes().strip(), kinds=(fmt.COSIGNATURE,))
        line = checkpoint.note.signatures[1]
        self.assertEqual(fmt.cosigned_message(1700000000, checkpoint.note.text),
                         (folder / "cosignature-signed-message.bin").read_bytes())
        self.assertTrue(key.signed(checkpoint.note.text, line))
        self.assertFalse(key.signed(checkpoint.note.text, line._replace(payload=bytes(8) + line.payload[8:])))
        witness = fmt.SigningKey(key.name, bytes.fromhex((folder / "witness.seed.hex").read_text()))
        unsigned = fmt.encode_note(checkpoint.note.text, checkpoint.note.signatures[:1])
        self.assertEqual(make.cosign(unsigned, witness, 1700000000), data)

    @shared("derived")
    def test_tlog_proof(self):
        folder = SHARED / "derived"
        data = (folder / "entry5.tlog-proof").read_bytes()
        proof = fmt.decode_proof(data)
        self.assertEqual(fmt.encode_proof(proof), data)
        checkpoint = fmt.decode_checkpoint(proof.checkpoint)
        leaf = fmt.leaf_hash((folder / "entry5.bin").read_bytes())
        self.assertTrue(fmt.verify_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root))
        self.assertFalse(fmt.verify_inclusion(4, checkpoint.size, leaf, proof.hashes, checkpoint.root))
        self.assertEqual(check(data).verdict, verify.COULD_NOT_CHECK)

    @shared("derived")
    def test_add_checkpoint_body(self):
        data = (SHARED / "derived/add-checkpoint-6-to-15.body").read_bytes()
        proof = fmt.decode_consistency(data)
        self.assertEqual((proof.old_size, fmt.encode_consistency(proof)), (6, data))

    def test_limits(self):
        line = fmt.encode_signature_line(make.KEYS["lena"].sign(b"x\n"))
        self.assertEqual(len(fmt.decode_note(b"x\n\n" + line * 100).signatures), 100)
        self.assertRaises(Malformed, fmt.decode_note, b"x\n\n" + line * 101)
        room = fmt.MAX_NOTE - len(line) - 2
        self.assertTrue(fmt.decode_note(b"x" * room + b"\n\n" + line))
        self.assertRaises(Malformed, fmt.decode_note, b"x" * (room + 1) + b"\n\n" + line)

    def test_signatures_of_any_length(self):
        for length in (1, 5000):
            line = fmt.SignatureLine("someone", b"\1\2\3\4", bytes(length))
            self.assertEqual(fmt.decode_note(fmt.encode_note(b"x\n", [line])).signatures, [line])

    def test_signing_keys(self):
        good = make.KEYS["lena"].encode()
        self.assertEqual(fmt.decode_signing_key(good), make.KEYS["lena"])
        head, body = good.rsplit(b"+", 1)
        for bad in (good[1:], good + b"\n", head, head + b"+B" + body[1:], good.replace(b"lena", b"lina"),
                    good.replace(b"+" + fmt.encode_hex(make.KEYS["lena"].vkey.key_id), b"+00000000")):
            self.assertRaises(Malformed, fmt.decode_signing_key, bad)

    def test_seal_with_another_kind_of_signature(self):
        fields, note = fmt.decode_seal((LEDGER / "seal").read_bytes())
        for payload in (bytes(63), bytes(72)):
            line = note.signatures[0]._replace(payload=payload)
            self.assertRaises(Malformed, fmt.decode_seal, fmt.encode_note(fmt.seal_text(fields), [line]))

    def test_request(self):
        data = (LEDGER / "request").read_bytes()
        request = fmt.decode_request(data)
        self.assertEqual(request.entry[3]["action"], "revoke")
        self.assertEqual([key for key, _ in request.fields], ["authority", "checkpoint", "effect", "effect"])
        self.assertEqual(fmt.encode_request(request.fields, request.text), data)

    def test_text_may_hold_blank_lines(self):
        note = fmt.sign_note(b"one\n\n\nfour\n", make.KEYS["lena"])
        self.assertEqual(fmt.decode_note(note).text, b"one\n\n\nfour\n")


DECODERS = {
    "note": fmt.decode_note, "entry": fmt.decode_entry, "record": fmt.decode_record, "seal": fmt.decode_seal,
    "disclosure": fmt.decode_disclosure, "checkpoint": fmt.decode_checkpoint, "proof": fmt.decode_proof,
    "fork-proof": fmt.decode_fork_proof, "request": fmt.decode_request,
    "vkey": lambda data: fmt.decode_vkey(fmt.split_lines(data)[0]),
}


class OneFault(unittest.TestCase):
    """tests/vectors/malformed: each file is refused, and would not be without its fault."""

    def test_each_is_refused(self):
        index = read_json(VECTORS / "malformed/index.json")
        self.assertGreaterEqual(len(index), 60)
        self.assertEqual({row["type"] for row in index}, set(DECODERS))
        for row in index:
            with self.subTest(**row):
                data = (VECTORS / "malformed" / row["file"]).read_bytes()
                self.assertRaises(Malformed, DECODERS[row["type"]], data)

    def test_reasons_differ(self):
        """That a decoder refuses everything for one reason would go unnoticed above."""
        reasons = {}
        for row in read_json(VECTORS / "malformed/index.json"):
            try:
                DECODERS[row["type"]]((VECTORS / "malformed" / row["file"]).read_bytes())
            except Malformed as error:
                reasons.setdefault(row["type"], set()).add(str(error))
        for kind, texts in reasons.items():
            self.assertGreater(len(texts), 3, kind)

    def test_signatures_of_the_malformed_entries_are_good(self):
        for path in sorted((VECTORS / "malformed").glob("entry-*")):
            note = fmt.decode_note(path.read_bytes())
            keys = [key.vkey for key in make.KEYS.values() if key.name == note.signatures[0].name]
            if path.name != "entry-cosignature":
                self.assertTrue(any(key.signed(note.text, note.signatures[0]) for key in keys), path.name)


class Forks(unittest.TestCase):
    """tests/vectors/forks: all are well-formed; those that hold verify, and only for who knows the key."""

    def test_each(self):
        ledger = make.KEYS["ledger"].vkey
        index = read_json(VECTORS / "forks/index.json")
        self.assertEqual({row["holds"] for row in index}, {True, False})
        for row in index:
            with self.subTest(**row):
                data = (VECTORS / "forks" / row["file"]).read_bytes()
                self.assertEqual(fmt.encode_fork_proof(fmt.decode_fork_proof(data)), data)
                self.assertEqual(check(data, ledger).verdict, verify.VERIFIED if row["holds"] else verify.ALTERED)
                for trust in ((), (make.KEYS["authority"].vkey,), (make.KEYS["ledger2"].vkey,)):
                    verdict = check(data, *trust).verdict
                    self.assertEqual(verdict, verify.NOT_TRUSTED if row["holds"] else verify.ALTERED)

    def test_report(self):
        report = check((VECTORS / "forks/two-sizes.fork-proof").read_bytes(), make.KEYS["ledger"].vkey)
        self.assertEqual((report.kind, report.size, report.contradicts.size), ("fork-proof", 8, 5))
        self.assertEqual(json.loads(report.as_json())["contradicts"]["size"], 5)
        self.assertIn("signed two histories", report.as_text())
        self.assertIn("which of the two is the true one", report.as_text())


class LedgerFiles(unittest.TestCase):
    """Every file of a vector tree is decoded, encoded again and checked against the others."""

    def check_tree(self, folder, origin):
        entries = self.check_entries(folder, origin)
        self.check_records(folder, entries)
        self.check_heads(folder, entries)

    def check_entries(self, folder, origin):
        keyring, entries, previous = fmt.Keyring(origin), [], b""
        for number, path in enumerate(sorted((folder / "entries").iterdir())):
            entry = fmt.decode_entry(path.read_bytes())
            self.assertEqual((entry.encode(), entry.number, path.name), (path.read_bytes(), number, f"{number:06d}"))
            self.assertEqual(entry.head["previous"], fmt.sha256(previous))
            previous = entry.text
            entries.append(entry)
            if entry.kind in fmt.KEYRING_KINDS:
                keyring.apply(entry)
        for entry in entries:
            key = keyring.find(entry.signer)
            self.assertTrue(key.vkey.signed(entry.text, entry.note.signatures[0]))
            self.assertIn(key.role, fmt.SIGNER_ROLES[entry.kind])
        self.assertEqual({entry.kind for entry in entries}, set(fmt.ENTRY_LAYOUTS))
        self.keyring = keyring
        return entries

    def check_records(self, folder, entries):
        for part in ("records", "disclosures"):
            for path in (folder / part).iterdir():
                data = path.read_bytes()
                record = fmt.decode_record_or_disclosure(data)
                self.assertEqual(record.encode(), data)
                self.assertEqual(record.commitment(), entries[int(path.name)].fields["record"])
        for path in (folder / "documents").iterdir():
            record = fmt.decode_record((folder / "records" / path.name).read_bytes())
            document = path.read_bytes()
            self.assertEqual(dict(record.fields)["document"], (fmt.sha256(document), len(document)))
        for path in (folder / "disclosures").iterdir():
            record = fmt.decode_record((folder / "records" / path.name).read_bytes())
            shown = {key for key, _ in fmt.decode_disclosure(path.read_bytes()).fields}
            self.assertEqual(fmt.disclose(record, shown).encode(), path.read_bytes())

    def check_heads(self, folder, entries):
        data = (folder / "checkpoint").read_bytes()
        checkpoint = fmt.decode_checkpoint(data)
        leaves = [fmt.leaf_hash((folder / f"entries/{number:06d}").read_bytes()) for number in range(len(entries))]
        self.assertEqual((checkpoint.size, checkpoint.root), (len(leaves), fmt.tree_root(leaves)))
        for number in range(len(entries)):
            proof_data = (folder / f"proofs/{number:06d}.tlog-proof").read_bytes()
            proof = fmt.decode_proof(proof_data)
            self.assertEqual((fmt.encode_proof(proof), proof.checkpoint, proof.index), (proof_data, data, number))
            self.assertEqual(proof.hashes, fmt.inclusion_proof(leaves, number))
        fields, note = fmt.decode_seal((folder / "seal").read_bytes())
        self.assertEqual(fields["checkpoint"], (checkpoint.size, checkpoint.root))
        self.assertEqual(fmt.encode_note(*note), (folder / "seal").read_bytes())
        self.check_keys(folder)

    def check_keys(self, folder):
        for path in (folder / "keys").glob("*.key"):
            private, vkey = fmt.decode_signing_key(path.read_bytes().strip()), public_key(path.stem, folder)
            self.assertEqual((private.vkey, private.encode() + b"\n"), (vkey, path.read_bytes()))
            self.assertEqual(vkey.encode() + b"\n", path.with_suffix(".pub").read_bytes())

    def test_own_tree(self):
        self.check_tree(LEDGER, ORIGIN)
        self.assertEqual([(key.vkey.name.split("@")[0], key.authorized, key.end)
                          for key in self.keyring.with_role("signer")], [("lena", 1, None), ("tomas", 2, 13), ("vera", 6, 9)])

    @shared("vidimus")
    def test_shared_tree(self):
        self.check_tree(SHARED / "vidimus", "archive.example.org/statements")
        self.assertFalse(self.keyring.find(public_key("eve", SHARED / "vidimus").ref).valid_at(10))

    def test_every_field_of_a_record_is_there(self):
        seen = set()
        for path in (LEDGER / "records").iterdir():
            seen |= {key.encode() for key, _ in fmt.decode_record(path.read_bytes()).fields}
        self.assertEqual(seen, fmt.RECORD_KEYS)


class Keyrings(unittest.TestCase):
    def setUp(self):
        self.table = read_json(VECTORS / "keyring.json")

    @staticmethod
    def entry(number, action, role, vkey, since=None):
        fields = {"action": action, "role": role, "key": vkey, **({} if since is None else {"since": since})}
        return fmt.Entry("key", 1, {"entry": number}, fields, [], None)

    def ring(self):
        ring = fmt.Keyring(ORIGIN)
        ring.apply(fmt.Entry("genesis", 1, {"entry": 0}, {
            "authority": make.KEYS["authority"].vkey, "ledger-key": make.KEYS["ledger"].vkey}, [], None))
        ring.apply(self.entry(3, "authorize", "signer", make.KEYS["lena"].vkey))
        return ring, ring.find(make.KEYS["lena"].vkey.ref)

    def test_nine_cases(self):
        cases = self.table["validity"]
        self.assertEqual(len({(case["state"], case["when"]) for case in cases}), 9)
        for case in cases:
            ring, key = self.ring()
            if case["retired"]:
                ring.apply(self.entry(case["retired"], "retire", "signer", key.vkey))
            if case["revoked"]:
                ring.apply(self.entry(case["revoked"], "revoke", "signer", key.vkey, case["since"]))
            self.assertIs(key.valid_at(case["entry"]), case["valid"], case)

    def test_rules(self):
        for case in self.table["rules"]:
            with self.subTest(why=case["why"]):
                ring, key = self.ring()
                before = {ref: (other.role, other.authorized) for ref, other in ring.keys.items()}
                for row in case["entries"]:
                    vkey = fmt.decode_vkey(row["key"].encode())
                    entry = self.entry(row["entry"], row["action"], row["role"], vkey, row.get("since"))
                    if row["entry"] in case["malformed"]:
                        self.assertRaises(Malformed, ring.apply, entry)
                    else:
                        ring.apply(entry)
                self.assertEqual(key.end, case["end"])
                self.assertEqual({ref: (other.role, other.authorized) for ref, other in ring.keys.items()}, before)

    def test_checkpoint_keys(self):
        ring = fmt.Keyring(ORIGIN)
        for path in sorted((LEDGER / "entries").iterdir()):
            if fmt.entry_kind(path.read_bytes()) in fmt.KEYRING_KINDS:
                ring.apply(fmt.decode_entry(path.read_bytes()))
        for case in self.table["checkpoints"]:
            self.assertEqual(ring.ledger_key_at(case["size"]).vkey.encode().decode(), case["key"], case["size"])
        self.assertIsNone(ring.ledger_key_at(0))

    def test_too_many(self):
        ring, key = self.ring()
        ring.key_entries = fmt.MAX_KEY_ENTRIES
        self.assertRaises(Malformed, ring.apply, self.entry(5, "retire", "signer", key.vkey))


class Policies(unittest.TestCase):
    LOG = make.KEYS["ledger"].vkey.encode().decode()
    WITNESS = {name: make.cosigner(key).encode().decode() for name, key in make.WITNESSES.items()}

    def policy(self, *lines):
        return fmt.decode_policy("\n".join(lines + ("",)).encode())

    def test_groups(self):
        lines = [f"witness {name} {key}" for name, key in self.WITNESS.items()]
        policy = self.policy(" # a comment", "", f"log {self.LOG} https://log.example/", *lines,
                             "group some\tany south east", "group pair 2 north some", "quorum pair")
        for cosigned, met in (((), False), (("north",), False), (("south", "east"), False), (("north", "east"), True)):
            self.assertIs(policy.met({name.encode() for name in cosigned}), met, cosigned)
        self.assertTrue(self.policy("quorum none").met(set()))

    def test_refused(self):
        north, south = f"witness n {self.WITNESS['north']}", f"witness s {self.WITNESS['south']}"
        for lines in ([], ["quorum"], ["quorum x"], ["quorum none", "quorum none"], ["quorum n", north], [north],
                      [north, north, "quorum n"], [north, f"witness m {self.WITNESS['north']}", "quorum n"],
                      [north, south, "group g all n s", "group h any n", "quorum h"], ["group g any x", "quorum g"],
                      [north, "group g 2 n", "quorum g"], [north, "group g 0 n", "quorum g"],
                      [north, "group g any", "quorum g"], [f"witness none {self.WITNESS['north']}", "quorum none"],
                      [f"witness n {self.LOG}", "quorum n"], [f"log {self.WITNESS['north']}", "quorum none"],
                      [f"log {self.LOG}", f"log {self.LOG}", "quorum none"], ["mirror x", "quorum none"],
                      ["quorum none\r"], ["quorum \x00"]):
            self.assertRaises(Malformed, self.policy, *lines)
        self.assertRaises(Malformed, fmt.decode_policy, b"quorum none")


# -------------------------------------------------------------------------------------------------------- bundles

class Tar:
    """A bundle's members, to be changed and put together again."""

    def __init__(self, data):
        self.members, offset = [], 0
        self.mtime = int(data[136:147], 8)
        while any(data[offset:offset + 512]):
            path = data[offset:offset + 100].rstrip(b"\0").decode()
            size = int(data[offset + 124:offset + 135], 8)
            self.top, _, name = path.partition("/")
            self.members.append((name, data[offset + 512:offset + 512 + size]))
            offset += 512 + size + fmt.padding(size)

    def names(self):
        return [name for name, _ in self.members]

    def data(self, members=None):
        return make.tar_of(self.members if members is None else members, self.top, self.mtime)

    def with_member(self, name, content):
        return self.data([(n, content if n == name else c) for n, c in self.members])


# What must be among the findings when the bytes of such a member are changed.
CHANGED = {
    "bagit.txt": {"bag-invalid"}, "bag-info.txt": {"bag-invalid"}, "manifest-sha256.txt": {"bag-invalid"},
    "tagmanifest-sha256.txt": {"bag-invalid"}, "vidimus/selection": {"bag-invalid"},
    "vidimus/VERIFY.txt": {"bag-invalid"}, "data/INDEX.txt": {"bag-invalid"}, "vidimus/keys/": {"bag-invalid"},
    "vidimus/seal": {"bag-invalid", "signature-invalid", "signer-unauthorized"},
    "vidimus/checkpoint": {"checkpoint-invalid"},
    "vidimus/entries/": {"leaf-mismatch"},
    "vidimus/proofs/": {"proof-invalid", "leaf-mismatch"},
    "vidimus/records/": {"record-mismatch"}, "data/files/": {"document-corrupt"}}
MISSING = {
    "vidimus/seal": "unsealed", "vidimus/proofs/": "proof-invalid", "vidimus/records/": "record-missing",
    "data/files/": "document-missing"}


def by_name(table, name, default=None):
    return next((value for prefix, value in table.items() if name.startswith(prefix)), default)


class Damage(unittest.TestCase):
    """sample.tar, changed in every way: the kind of the finding fits, and nothing passes."""
    folder, trust = LEDGER, "authority"

    def setUp(self):
        self.key = public_key(self.trust, self.folder)
        self.good = (self.folder / "sample.tar").read_bytes()
        self.tar = Tar(self.good)
        self.assertEqual(self.tar.data(), self.good)

    def assert_found(self, data, verdict=verify.ALTERED):
        report = check(data, self.key)
        self.assertEqual(report.verdict, verdict, kinds(report))
        return kinds(report)

    def test_good(self):
        for name in ("authority", "ledger", "ledger2"):
            report = check(self.good, public_key(name, self.folder))
            self.assertEqual((report.verdict, kinds(report)), (verify.VERIFIED, set()))
        report = check(self.good)
        self.assertEqual((report.verdict, kinds(report)), (INTACT, {"key-untrusted"}))
        for path in (self.folder / "keys").glob("*.pub"):
            if path.stem not in ("authority", "ledger", "ledger2") and "witness" not in path.stem:
                self.assertEqual(check(self.good, public_key(path.stem, self.folder)).verdict, INTACT)

    def test_a_byte_of_every_member(self):
        for name, content in self.tar.members:
            for place in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
                changed = bytearray(content)
                changed[place] ^= 1
                found = self.assert_found(self.tar.with_member(name, bytes(changed)))
                self.assertTrue(found & by_name(CHANGED, name), (name, place, found))

    def test_a_changed_document_is_one_finding(self):
        for name, content in self.tar.members:
            if name.startswith("data/files/"):
                report = check(self.tar.with_member(name, b"X" + content), self.key)
                self.assertEqual([(f.kind, f.document) for f in report.findings], [("document-corrupt", name)])

    def test_every_member_left_out(self):
        for name in self.tar.names():
            report = check(self.tar.data([member for member in self.tar.members if member[0] != name]), self.key)
            expected = by_name(MISSING, name, "bag-invalid")
            self.assertIn(expected, kinds(report), name)
            whole = verify.INCOMPLETE if expected in verify.ONLY_INCOMPLETE else verify.ALTERED
            self.assertEqual(report.verdict, whole, (name, kinds(report)))

    def test_every_member_twice(self):
        for place, member in enumerate(self.tar.members):
            for second in (place + 1, len(self.tar.members)):
                members = self.tar.members[:second] + [member] + self.tar.members[second:]
                self.assertIn("unexpected-member", self.assert_found(self.tar.data(members)), member[0])

    def test_every_neighbour_swapped(self):
        for place in range(len(self.tar.members) - 1):
            members = list(self.tar.members)
            members[place:place + 2] = reversed(members[place:place + 2])
            self.assertTrue(self.assert_found(self.tar.data(members)) & {"unexpected-member", "bag-invalid"}, place)

    def test_a_member_that_belongs_nowhere(self):
        for place in range(len(self.tar.members) + 1):
            for name in ("data/files/note.txt", "vidimus/entries/12", "vidimus/other", "README", "vidimus/evidence/x"):
                members = self.tar.members[:place] + [(name, b"x")] + self.tar.members[place:]
                if place or name.startswith(("vidimus/", "data/")):
                    self.assertIn("unexpected-member", self.assert_found(self.tar.data(members)), (place, name))

    def test_every_byte_of_a_header(self):
        offsets = [0, self.good.index(b"\0" * 8 + b"0000644\0", 1024) // 512 * 512, self.good.rindex(b"0000644\0") - 100]
        for offset in offsets:
            for place in range(512):
                changed = bytearray(self.good)
                changed[offset + place] ^= 1
                report = check(bytes(changed), self.key)
                if offset or place >= 40:       # in the first name, it may no longer look like a bundle at all
                    self.assertEqual((report.verdict, kinds(report) & {"bag-invalid"}), (verify.ALTERED, {"bag-invalid"}))
                self.assertNotEqual(report.verdict, verify.VERIFIED)

    def test_padding_and_end(self):
        for place in (len(self.good) - 1, len(self.good) - 512, len(self.good) - 513, len(self.good) - 1024,
                      512 + len(fmt.BAGIT_TXT), 1023):
            changed = bytearray(self.good)
            changed[place] ^= 1
            self.assertEqual(self.assert_found(bytes(changed)), {"bag-invalid"})

    def test_cut_off_anywhere(self):
        lengths = {*range(27, len(self.good), 1009), *range(512, len(self.good), 8192), 28, 511, 512, 513,
                   len(self.good) - 1, len(self.good) - 512, len(self.good) - 513, len(self.good) - 1024}
        for length in sorted(lengths):
            report = check(self.good[:length], self.key)
            self.assertEqual((report.verdict, kinds(report)), (verify.INCOMPLETE, {"truncated"}), length)

    def test_something_after_the_end(self):
        for tail in (b"\0", b"x", bytes(512), self.good):
            self.assertEqual(self.assert_found(self.good + tail), {"bag-invalid"})

    def test_another_time_or_top_folder(self):
        self.assertEqual(self.assert_found(make.tar_of(self.tar.members, self.tar.top, self.tar.mtime + 1)), {"bag-invalid"})
        start = make.tar_of(self.tar.members[:5], self.tar.top, self.tar.mtime)[:-1024]
        for top, mtime in (("other", self.tar.mtime), (self.tar.top, self.tar.mtime + 1)):
            self.assertEqual(self.assert_found(start + make.tar_of(self.tar.members[5:], top, mtime)), {"bag-invalid"})
        for top in ("a", "A-b_c.d", "x" * 17):
            self.assertEqual(check(make.tar_of(self.tar.members, top, self.tar.mtime), self.key).verdict, verify.VERIFIED)

    def test_no_bundle_at_all(self):
        for data in (b"", b"x", b"hello\n", bytes(1024), b"\x1f\x8b", gzip.compress(b"hello" * 99), b"PK\3\4" + bytes(600)):
            report = check(data, self.key)
            self.assertEqual((report.verdict, verify.EXIT[report.verdict]), (verify.COULD_NOT_CHECK, 3), data[:20])


@shared("vidimus")
class DamageToTheSharedSample(Damage):
    folder = SHARED / "vidimus"


class Compressed(unittest.TestCase):
    def setUp(self):
        self.key = public_key("authority")
        self.good = (LEDGER / "sample.tar").read_bytes()

    def verdict(self, data):
        report = check(data, self.key)
        return report.verdict, kinds(report)

    def test_gzip(self):
        packed = gzip.compress(self.good, mtime=0)
        self.assertEqual(self.verdict(packed), (verify.VERIFIED, set()))
        for tail in (b"\0", b"x", gzip.compress(b""), gzip.compress(b"more"), packed):
            self.assertEqual(self.verdict(packed + tail), (verify.ALTERED, {"bag-invalid"}))
        self.assertEqual(self.verdict(gzip.compress(self.good + b"\0")), (verify.ALTERED, {"bag-invalid"}))
        for middle in (512, 40000):
            halves = gzip.compress(self.good[:middle]) + gzip.compress(self.good[middle:])
            self.assertEqual(self.verdict(halves), (verify.ALTERED, {"bag-invalid"}))

    def test_gzip_damaged(self):
        packed = gzip.compress(self.good, mtime=0)
        for place in list(range(10, len(packed), 701)) + [len(packed) - 8, len(packed) - 4, len(packed) - 1, 3]:
            changed = bytearray(packed)
            changed[place] ^= 0x40
            self.assertEqual(self.verdict(bytes(changed))[0], verify.ALTERED, place)

    def test_gzip_cut_off(self):
        packed = gzip.compress(self.good, mtime=0)
        for length in list(range(3, len(packed), 397)) + [len(packed) - 1, len(packed) - 8]:
            self.assertEqual(self.verdict(packed[:length]), (verify.INCOMPLETE, {"truncated"}), length)
        whole = gzip.compress(self.good[:-512], mtime=0)
        self.assertEqual(self.verdict(whole), (verify.INCOMPLETE, {"truncated"}))

    def zstd(self, data, *options):
        return subprocess.run(["zstd", "-cq", *options], input=data, stdout=subprocess.PIPE, check=True).stdout

    @unittest.skipUnless(shutil.which("zstd"), "no program zstd")
    def test_zstd(self):
        packed = self.zstd(self.good)
        for other in (packed, self.zstd(self.good, "--no-check"), self.zstd(self.good, "-19"), self.zstd(self.good, "-1")):
            self.assertEqual(self.verdict(other), (verify.VERIFIED, set()))
        skippable = b"\x50\x2a\x4d\x18\4\0\0\0abcd"
        for tail in (b"\0", self.zstd(b""), packed, skippable):
            self.assertEqual(self.verdict(packed + tail), (verify.ALTERED, {"bag-invalid"}))
        self.assertEqual(self.verdict(skippable + packed)[0], verify.COULD_NOT_CHECK)
        self.assertEqual(self.verdict(self.zstd(self.good, "--long=24")), (verify.ALTERED, {"bag-invalid"}))
        self.assertEqual(self.verdict(self.zstd(self.good, "--long=23")), (verify.VERIFIED, set()))

    @unittest.skipUnless(shutil.which("zstd"), "no program zstd")
    def test_zstd_with_the_size_in_its_header(self):
        with tempfile.TemporaryDirectory() as folder:
            for data in (self.good, self.good + bytes(9 << 20)):
                Path(folder, "b.tar").write_bytes(data)
                command = ["zstd", "-cq", "--ultra", "-22", Path(folder, "b.tar")]
                packed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
                expected = (verify.VERIFIED, set()) if data is self.good else (verify.ALTERED, {"bag-invalid"})
                self.assertEqual(self.verdict(packed), expected)

    @unittest.skipUnless(shutil.which("zstd"), "no program zstd")
    def test_zstd_content_size(self):
        """libzstd passes over a size that is too large where an empty block ends the frame."""
        for size, verdict in ((len(self.good), verify.VERIFIED), (1 << 20, verify.ALTERED)):
            frame = b"\x28\xb5\x2f\xfd\x80\x58" + size.to_bytes(4, "little")
            frame += (len(self.good) << 3).to_bytes(3, "little") + self.good + b"\1\0\0"
            self.assertEqual(self.verdict(frame)[0], verdict, size)

    def test_zstd_frames(self):
        """The walk along a frame's blocks, without the program."""
        magic = b"\x28\xb5\x2f\xfd"

        def walk(data):
            return b"".join(verify.zstd_frame(verify.Source(io.BytesIO(data))))
        raw, repeated, packed = b"\x18\0\0abc", b"\xfa\3\0x", b"\x15\0\0zz"      # 3 raw bytes; 127 times x; 2 packed
        for good in (b"\0\x58" + raw + packed, b"\4\x58" + raw + repeated + packed + b"sum.", b"\x20\7" + packed,
                     b"\x60\0\0" + packed, b"\xa0\0\0\x80\0" + packed, b"\xe0" + bytes(8) + packed):
            self.assertEqual(walk(magic + good + b"rest"), magic + good)
            for length in range(5, 4 + len(good)):
                self.assertRaises(verify.Truncated, walk, magic + good[:length - 4])
        for bad in (b"\1\x58\0" + packed, b"\x08\x58" + packed, b"\0\x69" + packed, b"\xa0\1\0\x80\0" + packed,
                    b"\0\x58\7\0\0", b"\0\x58\1\1\x20" + bytes(1 << 18)):
            self.assertRaises(verify.StructureError, walk, magic + bad)

    @unittest.skipUnless(shutil.which("zstd"), "no program zstd")
    def test_zstd_damaged_or_cut_off(self):
        packed = self.zstd(self.good)
        for length in list(range(4, len(packed), 1499)) + [len(packed) - 1, len(packed) - 4]:
            self.assertEqual(self.verdict(packed[:length]), (verify.INCOMPLETE, {"truncated"}), length)
        for place in range(9, len(packed), 1499):
            changed = bytearray(packed)
            changed[place] ^= 0x40
            self.assertNotEqual(self.verdict(bytes(changed))[0], verify.VERIFIED, place)

    def test_zstd_without_the_program(self):
        path, os.environ["PATH"] = os.environ["PATH"], "/nowhere"
        try:
            report = check(b"\x28\xb5\x2f\xfd" + bytes(600), self.key)
        finally:
            os.environ["PATH"] = path
        self.assertEqual(report.verdict, verify.COULD_NOT_CHECK)
        self.assertIn("zstd", report.problem)


class Forged(unittest.TestCase):
    """Bundles that somebody with some of the keys could make: properly packed and sealed, and wrong."""

    def archive(self):
        """Genesis, the signers lena and tomas, a capture by each (entries 3 and 4)."""
        archive = make.Archive()
        archive.genesis()
        archive.key("authorize", "signer", "lena")
        archive.key("authorize", "signer", "tomas")
        archive.capture("lena", make.HOURS, b"file-name hours.txt", b"title Hours")
        archive.capture("tomas", make.LETTER, b"title Letter")
        return archive

    def check(self, archive, selection=(3, 4), signers=("ledger",), trust="authority", anchor=None, **options):
        checkpoint = options.pop("checkpoint", None) or archive.checkpoint(*signers)
        bundle = make.Bundle(archive, list(selection), checkpoint, **options)
        return check(bundle.tar(), make.KEYS[trust].vkey, **(anchor or {}))

    def assert_kinds(self, report, *expected, verdict=verify.ALTERED):
        self.assertEqual((report.verdict, kinds(report)), (verdict, set(expected)), list(report.findings))

    def assert_notice(self, report, kind):
        self.assertIn(kind, [notice.kind for notice in report.notices])

    @staticmethod
    def replacing(name, change):
        return lambda body: [(n, change(data) if n == name else data) for n, data in body]

    @staticmethod
    def without(*names):
        return lambda body: [(n, data) for n, data in body if n not in names]

    def test_good(self):
        self.assert_kinds(self.check(self.archive()), verdict=verify.VERIFIED)
        self.assert_kinds(self.check(self.archive(), trust="ledger"), verdict=verify.VERIFIED)
        self.assert_kinds(self.check(self.archive(), trust="lena"), "key-untrusted", verdict=INTACT)

    # documents, records

    def test_document_exchanged(self):
        report = self.check(self.archive(), edit=self.replacing("data/files/000003.txt", lambda data: b"other"))
        self.assert_kinds(report, "document-corrupt")

    def test_document_left_out(self):
        report = self.check(self.archive(), edit=self.without("data/files/000003.txt"))
        self.assert_kinds(report, "document-missing", verdict=verify.INCOMPLETE)

    def test_document_under_another_name(self):
        rename = {"data/files/000003.txt": "data/files/000003.exe"}
        report = self.check(self.archive(), edit=lambda body: [(rename.get(n, n), data) for n, data in body])
        self.assert_kinds(report, "unexpected-member")

    def test_hidden_document_is_not_here(self):
        archive = self.archive()
        good = self.check(archive, disclose={3: ("title",)})
        self.assert_kinds(good, verdict=verify.VERIFIED)
        self.assert_notice(good, "partly-disclosed")
        last = 4                        # entry, proof, record and document of the other capture
        report = self.check(archive, disclose={3: ("title",)}, edit=lambda body: [
            *body[:-last], ("data/files/000003.bin", make.HOURS), *body[-last:]])
        self.assert_kinds(report, "unexpected-member")

    def test_record_of_another(self):
        archive = self.archive()
        other = archive.records[4].encode()
        report = self.check(archive, edit=self.replacing("vidimus/records/000003", lambda data: other))
        self.assert_kinds(report, "record-mismatch")

    def test_record_with_a_line_changed(self):
        for old, new in ((b"title Hours", b"title hours"), (b"title Hours", b"title Hours "), (b"title ", b"colour ")):
            report = self.check(self.archive(), edit=self.replacing(
                "vidimus/records/000003", lambda data: data.replace(old, new)))
            self.assert_kinds(report, "record-mismatch")

    def test_record_left_out(self):
        report = self.check(self.archive(), edit=self.without("vidimus/records/000003"))
        self.assert_kinds(report, "record-missing", verdict=verify.INCOMPLETE)

    def test_amendment_with_another_document(self):
        archive = self.archive()
        archive.documents[3] = make.NOTICE
        archive.amend("lena", 3, b"title Other")
        archive.documents[3] = make.HOURS
        self.assert_kinds(self.check(archive), "record-mismatch")

    # entries

    def test_entry_of_another_ledger_or_number(self):
        for head in ({"ledger": "archive.example.net/other"}, {"entry": 9}):
            archive = self.archive()
            archive.append("capture", "lena", {"record": bytes(32)}, **head)
            self.assert_kinds(self.check(archive, [3]), "entry-malformed")

    def test_entry_that_cannot_be_read(self):
        archive = self.archive()
        archive.append_note(b"no entry at all\n")
        self.assert_kinds(self.check(archive, [3]), "entry-malformed")

    def test_proof_of_another_kind(self):
        archive = self.archive()
        checkpoint = archive.checkpoint("ledger")
        for proof in (archive.proof(3, checkpoint, extra=archive.notes[3]), archive.proof(2, checkpoint),
                      archive.proof(3, archive.checkpoint("ledger", size=4)), b"?", bytes(fmt.MAX_NOTE + 1)):
            report = self.check(archive, edit=self.replacing(fmt.proof_path(3), lambda data: proof))
            self.assert_kinds(report, "proof-invalid")
        other = fmt.decode_proof(archive.proof(3, checkpoint))._replace(hashes=[bytes(32)] * 3)
        report = self.check(archive, edit=self.replacing(fmt.proof_path(3), lambda data: fmt.encode_proof(other)))
        self.assert_kinds(report, "leaf-mismatch")

    def test_genesis(self):
        lena = make.signing_key("lena@archive.example.net")
        for keys in ({"ledger": make.signing_key("another/name")}, {"authority": make.signing_key(ORIGIN)},
                     {"authority": make.signing_key("authority", "k"), "ledger": make.signing_key(ORIGIN, "k")}):
            archive = make.Archive(keys={**make.KEYS, "lena": lena, **keys})
            archive.genesis()
            archive.key("authorize", "signer", "lena")
            archive.capture("lena", make.HOURS)
            self.assertIn("entry-malformed", kinds(self.check(archive, [2])))
        archive = make.Archive()
        archive.append("genesis", "lena", {"authority": make.KEYS["authority"].vkey, "software": b"x",
                                           "ledger-key": make.KEYS["ledger"].vkey})
        archive.key("authorize", "signer", "tomas")
        archive.capture("tomas", make.HOURS)
        self.assert_kinds(self.check(archive, [2], sealed_by="tomas"), "signer-unauthorized")

    def test_unknown_genesis_version(self):
        archive = make.Archive()
        archive.append("genesis", "authority", [b"authority unknown"], version=2)
        archive.capture("lena", make.HOURS)
        report = self.check(archive, [1])
        self.assertIn("entry-unknown", kinds(report))
        self.assertNotIn("signer-unauthorized", kinds(report))
        self.assert_notice(report, "undecided")

    def test_chain_broken(self):
        archive = self.archive()
        archive.append("capture", "lena", {"record": bytes(32)}, previous=bytes(32))
        self.assert_kinds(self.check(archive, [3, 4]), "chain-broken")
        first = make.Archive()
        first.append("genesis", "authority", {
            "authority": first.keys["authority"].vkey, "ledger-key": first.keys["ledger"].vkey,
            "software": b"x"}, previous=bytes(32))
        first.key("authorize", "signer", "lena")
        first.capture("lena", b"x")
        self.assert_kinds(self.check(first, [2]), "chain-broken")

    def test_clock_backwards_is_a_notice(self):
        archive = self.archive()
        archive.append("audit", "lena", self.audit(archive), recorded="2021-03-04T00:00:00Z")
        report = self.check(archive)
        self.assert_kinds(report, verdict=verify.VERIFIED)
        self.assert_notice(report, "clock-backwards")

    @staticmethod
    def audit(archive):
        return {"checkpoint": archive.tree_head(), "mode": "full", "covered": [(3, 4)], "documents": 2, "missing": 0,
                "corrupt": 0, "repaired": 0}

    def test_signature_of_another_text(self):
        archive = self.archive()
        note = fmt.decode_note(archive.notes[-1])
        archive.notes[-1] = fmt.encode_note(note.text, [make.KEYS["tomas"].sign(b"another text\n")])
        self.assert_kinds(self.check(archive), "signature-invalid")

    def test_signer_not_authorized(self):
        for signer in ("vera", "ledger", "authority"):
            archive = self.archive()
            archive.capture(signer, make.NOTICE)
            self.assert_kinds(self.check(archive, [3, 5]), "signer-unauthorized")

    def test_roles(self):
        archive = self.archive()
        archive.key("authorize", "auditor", "weekly")
        archive.append("audit", "weekly", self.audit(archive))
        self.assert_kinds(self.check(archive), verdict=verify.VERIFIED)
        archive.capture("weekly", make.NOTICE)
        self.assert_kinds(self.check(archive, [7]), "signer-unauthorized")
        archive = self.archive()
        archive.append("withdrawal", "lena", {"withdraws": 3, "scope": "both", "decided-by": b"me"})
        self.assert_kinds(self.check(archive), "signer-unauthorized")
        without = self.without(fmt.record_path(3))
        self.assert_kinds(self.check(archive, edit=without), "signer-unauthorized", "record-missing")

    def test_key_entry_by_a_signer_has_no_effect(self):
        archive = self.archive()
        archive.append("key", "lena", {"action": "authorize", "role": "signer", "key": make.KEYS["vera"].vkey})
        archive.capture("vera", make.NOTICE)
        self.assert_kinds(self.check(archive, [3]), "signer-unauthorized")

    def test_key_entry_that_breaks_a_rule_has_no_effect(self):
        archive = self.archive()
        archive.key("retire", "auditor", "lena")
        archive.capture("lena", make.NOTICE)
        report = self.check(archive, [3, 6])
        self.assert_kinds(report, "entry-malformed")
        self.assertEqual([finding.entry for finding in report.findings], [5])

    def test_retired_signer(self):
        archive = self.archive()
        archive.key("retire", "signer", "tomas")
        self.assert_kinds(self.check(archive), verdict=verify.VERIFIED)
        archive.capture("tomas", make.NOTICE)
        archive.amend("lena", 6)
        self.assert_kinds(self.check(archive, [6]), "signer-unauthorized")
        self.assert_kinds(self.check(archive, [4], sealed_by="tomas"), "signer-unauthorized")

    def test_revoked_signer(self):
        archive = self.archive()
        archive.capture("tomas", make.NOTICE)
        archive.key("revoke", "signer", "tomas", since=5)
        self.assert_kinds(self.check(archive, [4]), verdict=verify.VERIFIED)
        report = self.check(archive, [4, 5])
        self.assert_kinds(report, "signer-unauthorized")
        self.assertEqual([finding.entry for finding in report.findings], [5])
        archive.amend("tomas", 5)
        self.assert_kinds(self.check(archive, [5]), "signer-unauthorized")
        archive.amend("lena", 5, b"note compared")
        report = self.check(archive, [5])
        self.assert_kinds(report, verdict=verify.VERIFIED)
        self.assert_notice(report, "re-attested")
        archive.amend("tomas", 5, b"note after all")
        report = self.check(archive, [5])
        self.assertEqual([(f.kind, f.entry) for f in report.findings], [("signer-unauthorized", 9)])
        archive.withdraw(5, "document")
        self.assert_kinds(self.check(archive, [5]), "signer-unauthorized")
        archive.withdraw(5, "record")
        report = self.check(archive, [5])
        self.assert_kinds(report, verdict=verify.VERIFIED)
        self.assert_notice(report, "re-attested")

    def test_unknown_entries(self):
        archive = self.archive()
        archive.append("poem", "lena", [b"line one", b"line two"])
        report = self.check(archive)
        self.assert_kinds(report, "entry-unknown")
        archive.append("capture", "lena", [b"record v2"], version=2)
        self.assert_kinds(self.check(archive, [3]), "entry-unknown")
        archive.append("poem", "vera", [b"line one"])
        self.assert_kinds(self.check(archive, [3]), "entry-unknown", "signer-unauthorized")

    def test_unknown_key_version_leaves_the_rest_undecided(self):
        archive = self.archive()
        archive.append("key", "authority", [b"action authorize"], version=2)
        archive.capture("vera", make.NOTICE)
        for signer, sealer in (("ledger", "lena"), ("ledger2", "lena"), ("ledger", "vera")):
            report = self.check(archive, [3, 6], signers=(signer,), sealed_by=sealer)
            self.assertEqual(kinds(report) - {"key-untrusted"}, {"entry-unknown"})
            self.assertEqual([notice.kind for notice in report.notices].count("undecided"), 1)

    def test_what_came_before_is_decided(self):
        archive = self.archive()
        archive.capture("vera", make.NOTICE)
        archive.append("key", "authority", [b"action authorize"], version=2)
        self.assert_kinds(self.check(archive, [3, 5]), "entry-unknown", "signer-unauthorized")

    def test_undecided_is_no_way_in(self):
        """What nobody can decide is not a finding of its own, but it gives nobody a right either."""
        archive = self.archive()
        archive.append("key", "authority", [b"action authorize"], version=2)
        for forger in ("lena", "vera"):
            archive.append("key", forger, {"action": "authorize", "role": "signer", "key": make.KEYS["weekly"].vkey})
        archive.capture("weekly", make.NOTICE)
        report = self.check(archive, [3, 8])
        self.assert_kinds(report, "entry-unknown", "signer-unauthorized")
        self.assertEqual([(f.kind, f.entry) for f in report.findings], [("entry-unknown", 5), ("signer-unauthorized", 6)])

    def test_keyring_number(self):
        archive = self.archive()
        archive.append("capture", "lena", {"record": bytes(32)}, keyring=1)
        self.assert_kinds(self.check(archive, [3]), "entry-malformed")

    def test_key_entry_left_out(self):
        archive = self.archive()
        archive.key("revoke", "signer", "tomas", since=4)
        archive.append("audit", "lena", self.audit(archive))
        names = (fmt.entry_path(5), fmt.proof_path(5))
        self.assert_kinds(self.check(archive, [4]), "signer-unauthorized")
        self.assert_kinds(self.check(archive, [4], edit=self.without(*names)), "bag-invalid")

    def test_key_entry_after_the_captures(self):
        archive = self.archive()
        archive.key("retire", "signer", "tomas")

        def moved_to_the_end(body):
            names = (fmt.entry_path(5), fmt.proof_path(5))
            return [m for m in body if m[0] not in names] + [m for m in body if m[0] in names]
        self.assert_kinds(self.check(archive, edit=moved_to_the_end), "unexpected-member")

    def test_newest_entry_left_out(self):
        archive = self.archive()
        archive.append("audit", "lena", self.audit(archive))
        names = (fmt.entry_path(5), fmt.proof_path(5))
        self.assert_kinds(self.check(archive, edit=self.without(*names)), "bag-invalid")

    def test_withdrawal_left_out_of_its_group(self):
        archive = self.archive()
        archive.withdraw(3, "document")
        good = self.check(archive)
        self.assert_kinds(good, verdict=verify.VERIFIED)
        self.assert_notice(good, "withdrawn")

        def moved_to_the_end(body):
            names = (fmt.entry_path(5), fmt.proof_path(5))
            document = [("data/files/000003.txt", make.HOURS)]
            place = [name for name, _ in body].index(names[0])
            kept = body[:place] + document + body[place + 2:]
            return kept + body[place:place + 2]
        self.assert_kinds(self.check(archive, edit=moved_to_the_end), "bag-invalid")

    def test_withdrawn_things_are_not_here(self):
        for scope, name, data in (("document", "data/files/000003.txt", make.HOURS),
                                  ("record", "vidimus/records/000003", None), ("both", "vidimus/records/000003", None)):
            archive = self.archive()
            archive.amend("lena", 3, b"title Amended")
            archive.withdraw(3, scope)
            self.assert_kinds(self.check(archive), verdict=verify.VERIFIED)
            after = fmt.proof_path(6 if scope == "document" else 3)

            def put_back(body):
                place = [n for n, _ in body].index(after) + 1
                return body[:place] + [(name, data or archive.records[3].encode())] + body[place:]
            self.assert_kinds(self.check(archive, edit=put_back), "unexpected-member")

    def test_amendment_in_the_wrong_group(self):
        archive = self.archive()
        archive.amend("lena", 4, b"title Amended")
        archive.append("audit", "lena", self.audit(archive))

        def moved(body):
            names = [fmt.entry_path(5), fmt.proof_path(5), fmt.record_path(5)]
            members = [member for member in body if member[0] in names]
            rest = [member for member in body if member[0] not in names]
            place = [name for name, _ in rest].index("data/files/000003.txt")
            return rest[:place] + members + rest[place:]
        self.assertIn("bag-invalid", kinds(self.check(archive, edit=moved)))

    def test_amendment_of_what_is_no_capture(self):
        archive = self.archive()
        archive.append("amendment", "lena", {"amends": 1, "record": bytes(32)})
        self.assert_kinds(self.check(archive), "entry-malformed")

    def test_selected_entry_is_no_capture(self):
        archive = self.archive()
        archive.append("audit", "lena", self.audit(archive))
        self.assertIn("bag-invalid", kinds(self.check(archive, [3, 5])))

    def test_selection(self):
        for text in (b"", b"3\n3\n", b"4\n3\n", b"03\n", b"3", b"3\n4\n99\n", b"3\r\n4\n"):
            report = self.check(self.archive(), edit=self.replacing("vidimus/selection", lambda data: text))
            self.assertIn("bag-invalid", kinds(report), text)

    # keys, checkpoint, seal

    def test_pem_files(self):
        archive = self.archive()
        vera = make.KEYS["vera"].vkey.public_key

        def one_more(body):
            pems = sorted([m for m in body if m[0].startswith("vidimus/keys/")]
                          + [(fmt.key_path(vera), fmt.encode_pem(vera))])
            return body[:3] + pems + [m for m in body[3:] if not m[0].startswith("vidimus/keys/")]
        self.assert_kinds(self.check(archive, edit=one_more), "unexpected-member")
        lena = fmt.key_path(make.KEYS["lena"].vkey.public_key)
        self.assert_kinds(self.check(archive, edit=self.without(lena)), "bag-invalid")
        for change in (lambda data: data.replace(b"\n", b"\r\n"), lambda data: fmt.encode_pem(vera),
                       lambda data: fmt.encode_pem(bytes(32)), lambda data: b""):
            self.assert_kinds(self.check(archive, edit=self.replacing(lena, change)), "bag-invalid")
        archive.append("key", "authority", [b"action authorize"], version=2)    # it may name any key
        self.assert_kinds(self.check(archive, edit=one_more), "entry-unknown")

    def test_who_signs_the_checkpoint(self):
        archive = self.archive()
        self.assert_kinds(self.check(archive, signers=("ledger2",)), "checkpoint-invalid")
        self.assert_kinds(self.check(archive, signers=("ledger", "ledger2")), "checkpoint-invalid")
        archive.key("authorize", "ledger", "ledger2")
        for signers, good in ((("ledger2",), True), (("ledger", "ledger2"), True), (("ledger",), False),
                              (("ledger2", "ledger"), False), (("ledger", "ledger", "ledger2"), False)):
            report = self.check(archive, signers=signers)
            self.assert_kinds(report, *(() if good else ("checkpoint-invalid",)),
                              verdict=verify.VERIFIED if good else verify.ALTERED)

    def test_checkpoint_after_a_revoked_ledger_key(self):
        archive = self.archive()
        archive.key("authorize", "ledger", "ledger2")
        archive.key("revoke", "ledger", "ledger", since=4)
        self.assert_kinds(self.check(archive, signers=("ledger", "ledger2")), verdict=verify.VERIFIED)
        self.assert_kinds(self.check(archive, signers=("ledger",)), "checkpoint-invalid")
        # A key that the ledger itself calls stolen is no anchor.
        self.assert_kinds(self.check(archive, signers=("ledger", "ledger2"), trust="ledger"), "key-untrusted",
                          verdict=INTACT)

    def test_genesis_that_names_a_key_is_not_enough(self):
        """Anybody can write a genesis that names a ledger key which the reader trusts."""
        mallory = make.Archive(keys={**make.KEYS, "authority": make.signing_key("mallory/authority")})
        mallory.genesis()
        mallory.key("authorize", "signer", "lena")
        mallory.key("authorize", "ledger", "ledger2")
        mallory.capture("lena", make.HOURS)
        report = self.check(mallory, [3], signers=("ledger2",), trust="ledger")
        self.assert_kinds(report, "key-untrusted", verdict=INTACT)
        self.assert_kinds(self.check(mallory, [3], signers=("ledger2",)), "key-untrusted", verdict=INTACT)

    def test_checkpoint_of_another_tree(self):
        archive = self.archive()
        text = fmt.checkpoint_text(ORIGIN, 5, bytes(32))
        report = self.check(archive, checkpoint=fmt.sign_note(text, make.KEYS["ledger"]))
        self.assert_kinds(report, "leaf-mismatch")

    def test_seal(self):
        archive = self.archive()
        self.assert_kinds(self.check(archive, sealed_by="vera"), "signer-unauthorized")
        self.assert_kinds(self.check(archive, sealed_by="ledger"), "signer-unauthorized")
        report = self.check(archive, sealed_by=None)
        self.assert_kinds(report, "unsealed")
        allowed = self.check(archive, sealed_by=None, anchor={"allow_unsealed": True})
        self.assert_kinds(allowed, verdict=verify.VERIFIED)
        self.assert_notice(allowed, "unsealed")

    def reseal(self, archive, change):
        bundle = make.Bundle(archive, [3, 4], archive.checkpoint("ledger"))
        fields, _ = fmt.decode_seal(dict(bundle.members)["vidimus/seal"])
        seal = fmt.sign_note(fmt.seal_text({**fields, **change}), make.KEYS["lena"])
        bundle.members = [(name, seal if name == "vidimus/seal" else data) for name, data in bundle.members]
        return check(bundle.tar(), make.KEYS["authority"].vkey)

    def test_seal_that_is_none(self):
        archive = self.archive()
        for change, found in ((lambda seal: b"?", "bag-invalid"), (lambda seal: bytes(fmt.MAX_NOTE + 1), "bag-invalid"),
                              (self.signed_for_another_text, "signature-invalid")):
            bundle = make.Bundle(archive, [3, 4], archive.checkpoint("ledger"))
            bundle.members = [(name, change(data) if name == "vidimus/seal" else data) for name, data in bundle.members]
            self.assert_kinds(check(bundle.tar(), make.KEYS["authority"].vkey), found)

    @staticmethod
    def signed_for_another_text(seal):
        return fmt.encode_note(fmt.decode_note(seal).text, [make.KEYS["lena"].sign(b"another text\n")])

    def test_seal_of_another_bundle(self):
        archive = self.archive()
        for change in ({"selection": bytes(32)}, {"tagmanifest": bytes(32)}, {"checkpoint": (4, bytes(32))},
                       {"ledger": "archive.example.net/other"}, {"created": "2021-03-06T00:00:00Z"}):
            self.assert_kinds(self.reseal(archive, change), "bag-invalid")
        self.assert_kinds(self.reseal(archive, {}), verdict=verify.VERIFIED)

    def test_bag_info(self):
        archive = self.archive()
        bundle = make.Bundle(archive, [3, 4], archive.checkpoint("ledger"))
        for old, new in ((b"External-Identifier: archive", b"External-Identifier: another"), (b".3\n", b".4\n"),
                         (b"Bag-Software-Agent: ", b"Bag-Software-Agent:  "), (b"Bagging-Date: 2021", b"Bagging-Date: 2020")):
            info = make.swap(dict(bundle.members)["bag-info.txt"], old, new)
            self.assertIn("bag-invalid", kinds(check(repacked(bundle, info), make.KEYS["authority"].vkey)), new)

    # receipts and documents of the reader

    def test_receipt(self):
        archive = self.archive()
        hours = (fmt.sha256(make.HOURS), len(make.HOURS), "hours.txt")
        report = self.check(archive, documents=False)
        self.assert_kinds(report, verdict=verify.VERIFIED)
        self.assertEqual(report.documents_checked, 0)
        self.assert_notice(report, "document-not-here")
        report = self.check(archive, documents=False, anchor={"documents": [hours]})
        self.assertEqual((report.documents_checked, report.bytes_checked), (1, len(make.HOURS)))

    # evidence, policies

    def evidence(self, archive, size=None, checkpoint=None, **files):
        size = size or len(archive.notes)
        files = {"checkpoint": checkpoint or archive.checkpoint("ledger", size=size), **files}
        return [(fmt.evidence_path(size, name.replace("_", ".")), data) for name, data in sorted(files.items())]

    def test_evidence(self):
        archive = self.archive()
        checkpoint = archive.checkpoint("ledger")
        evidence = self.evidence(archive, 3, consistency=archive.consistency(3, checkpoint), a_tsr=b"?", b_ots=b"?")
        report = self.check(archive, evidence=evidence + self.evidence(archive))
        self.assert_kinds(report, verdict=verify.VERIFIED)
        self.assertEqual([n.kind for n in report.notices if n.kind.startswith("evidence")], ["evidence-unchecked"] * 2)

    def test_bad_evidence_is_told_and_otherwise_ignored(self):
        archive = self.archive()
        checkpoint = archive.checkpoint("ledger")
        proof = fmt.decode_consistency(archive.consistency(3, checkpoint))
        wrong = fmt.encode_consistency(proof._replace(hashes=proof.hashes[:-1] + [bytes(32)]))
        elsewhere = fmt.encode_consistency(proof._replace(checkpoint=archive.checkpoint("lena")))
        for evidence in (self.evidence(archive, 3, consistency=archive.consistency(2, checkpoint)),
                         self.evidence(archive, 3, consistency=wrong),
                         self.evidence(archive, 3, consistency=elsewhere),
                         self.evidence(archive, 3, consistency=b"?"), self.evidence(archive, 3, checkpoint=b"?"),
                         self.evidence(archive, 3, checkpoint=archive.checkpoint("lena", size=3)),
                         self.evidence(archive, 3, checkpoint=archive.checkpoint("ledger", size=2)),
                         self.evidence(archive, 3, consistency=bytes(fmt.MAX_EVIDENCE + 1)),
                         [(fmt.evidence_path(3, "consistency"), archive.consistency(3, checkpoint))]):
            report = self.check(archive, evidence=evidence)
            self.assert_kinds(report, verdict=verify.VERIFIED)
            self.assert_notice(report, "evidence-invalid")

    def test_evidence_out_of_order(self):
        archive = self.archive()
        five, three = self.evidence(archive), self.evidence(archive, 3)
        for evidence in (five + three, five + five, [("vidimus/evidence/05/checkpoint", b"x")],
                         [(fmt.evidence_path(5, "note.txt"), b"x")], [(fmt.evidence_path(5, "A.tsr"), b"x")]):
            self.assert_kinds(self.check(archive, evidence=evidence), "unexpected-member")

    def test_fork(self):
        archive, other = self.archive(), self.archive()
        other.notes[-1] = other.notes[0]
        evidence = self.evidence(archive, checkpoint=other.checkpoint("ledger"))
        report = self.check(archive, evidence=evidence)
        self.assert_kinds(report, "forked")
        unsigned = self.evidence(archive, checkpoint=other.checkpoint("ledger2"))
        self.assert_kinds(self.check(archive, evidence=unsigned), verdict=verify.VERIFIED)

    def policy(self, quorum):
        lines = [f"log {make.KEYS['ledger'].vkey.encode().decode()}"]
        lines += [f"witness {name} {make.cosigner(key).encode().decode()}" for name, key in make.WITNESSES.items()]
        return fmt.decode_policy("\n".join(lines + [f"quorum {quorum}", ""]).encode())

    def test_policy(self):
        archive = self.archive()
        cosigned = make.cosign(archive.checkpoint("ledger"), make.WITNESSES["north"], 1614921000)
        evidence = self.evidence(archive, checkpoint=cosigned)
        bundle = make.Bundle(archive, [3], archive.checkpoint("ledger"), evidence=evidence).tar()
        for quorum, found in (("north", set()), ("none", set()), ("south", {"quorum-unmet", "key-untrusted"})):
            self.assertEqual(kinds(check(bundle, policy=self.policy(quorum))), found, quorum)
        report = check(bundle, make.KEYS["authority"].vkey, policy=self.policy("south"))
        self.assert_kinds(report, "quorum-unmet")

    def test_cosignature_on_another_tree_does_not_count(self):
        archive = self.archive()
        for checkpoint, size in ((make.cosign(archive.checkpoint("ledger", size=4), make.WITNESSES["north"], 1), 4),
                                 (self.with_bad_cosignature(archive), 5)):
            evidence = self.evidence(archive, size, checkpoint=checkpoint)
            bundle = make.Bundle(archive, [3], archive.checkpoint("ledger"), evidence=evidence).tar()
            self.assertIn("quorum-unmet", kinds(check(bundle, policy=self.policy("north"))))

    @staticmethod
    def with_bad_cosignature(archive):
        note = fmt.decode_note(make.cosign(archive.checkpoint("ledger"), make.WITNESSES["north"], 1))
        line = note.signatures[1]
        return fmt.encode_note(note.text, [note.signatures[0], line._replace(payload=bytes(7) + b"\2" + line.payload[8:])])


def repacked(bundle, bag_info):
    """The bundle with another bag-info.txt, and tag manifest and seal to match."""
    members = [(name, bag_info if name == "bag-info.txt" else data) for name, data in bundle.members
               if name not in ("tagmanifest-sha256.txt", "vidimus/seal")]
    tags = [member for member in members if not member[0].startswith("data/")]
    tagmanifest = make.manifest_of(tags)
    fields, _ = fmt.decode_seal(dict(bundle.members)["vidimus/seal"])
    seal = fmt.sign_note(fmt.seal_text({**fields, "tagmanifest": fmt.sha256(tagmanifest)}), make.KEYS["lena"])
    made = [("tagmanifest-sha256.txt", tagmanifest), ("vidimus/seal", seal)]
    return make.tar_of(members[:3] + made + members[3:], "sample", fmt.unix_time(make.time_of(bundle.size - 1)))


class OwnBundles(unittest.TestCase):
    """receipt.tar, cosigned.tar and the single proof among the project's vectors."""

    def test_sample_says_what_it_holds(self):
        report = check((LEDGER / "sample.tar").read_bytes(), public_key("authority"))
        self.assertEqual((report.size, report.entries_checked, report.documents_checked), (22, 20, 3))
        self.assertEqual(sorted(n.kind for n in report.notices), [
            "completeness-not-proved", "freshness-unknown", "partly-disclosed", "re-attested", "withdrawn", "withdrawn"])

    def test_receipt(self):
        data = (LEDGER / "receipt.tar").read_bytes()
        letter = (LEDGER / "documents/000005").read_bytes()
        report = check(data, public_key("authority"), documents=[(fmt.sha256(letter), len(letter), "letter")])
        self.assertEqual((report.verdict, report.documents_checked), (verify.VERIFIED, 1))

    def test_cosigned(self):
        data = (LEDGER / "cosigned.tar").read_bytes()
        for name, found in (("met", set()), ("unmet", {"quorum-unmet", "key-untrusted"})):
            policy = fmt.decode_policy((LEDGER / "policies" / name).read_bytes())
            self.assertEqual(kinds(check(data, policy=policy)), found)

    def test_single_proof(self):
        data = (LEDGER / "entry-000004.tlog-proof").read_bytes()
        report = check(data, public_key("ledger2"))
        self.assertEqual((report.verdict, report.kind, report.entries_checked), (verify.VERIFIED, "proof", 1))
        self.assertIn("entry 4   capture, recorded 2021-03-04T05:10:11Z by lena@", report.as_text())
        self.assertIn("signer-unknown", [notice.kind for notice in report.notices])
        self.assertEqual(check(data).verdict, INTACT)
        self.assertEqual(check(data, public_key("authority")).verdict, INTACT)
        lines = data.split(b"\n")
        flipped = fmt.encode_base64(bytes([base64.b64decode(lines[3])[0] ^ 1]) + base64.b64decode(lines[3])[1:])
        other = b"extra " + fmt.encode_base64((LEDGER / "entries/000005").read_bytes())
        for changed, found in ((data.replace(lines[3], flipped), "leaf-mismatch"),
                               (data.replace(lines[1], other), "leaf-mismatch"),
                               (data.replace(lines[1], b"extra AA=="), "entry-malformed"),
                               (data.replace(b"index 4", b"index 5"), "leaf-mismatch"),
                               (data[:300], "proof-invalid"), (data.replace(b"@v1", b"@v2"), "proof-invalid")):
            report = check(changed, public_key("ledger2"))
            self.assertEqual(report.verdict, verify.ALTERED)
            self.assertIn(found, kinds(report))

    def test_single_proof_by_a_known_signer(self):
        data = (LEDGER / "entry-000004.tlog-proof").read_bytes()
        proof = fmt.decode_proof(data)
        note = fmt.decode_note(proof.extra)
        forged = fmt.encode_note(note.text, [make.KEYS["lena"].sign(b"another text\n")])
        changed = fmt.encode_proof(proof._replace(extra=forged))
        report = check(changed, public_key("ledger2"), public_key("lena"))
        self.assertEqual(kinds(report), {"leaf-mismatch", "signature-invalid"})

    def test_single_proof_of_other_entries(self):
        archive = make.Archive()
        archive.genesis()
        archive.append("poem", "authority", [b"line one"])
        archive.append("genesis", "lena", {"authority": make.KEYS["authority"].vkey, "software": b"x",
                                           "ledger-key": make.KEYS["ledger"].vkey}, entry=0, keyring=0)
        archive.append("capture", "lena", {"record": bytes(32)}, ledger="archive.example.net/other")
        checkpoint = archive.checkpoint("ledger")
        for number, found in enumerate((set(), {"entry-unknown"}, {"entry-malformed", "signer-unauthorized"},
                                        {"entry-malformed"})):
            data = archive.proof(number, checkpoint, extra=archive.notes[number])
            self.assertEqual(kinds(check(data, public_key("ledger"))), found, number)

    def test_policy_for_a_checkpoint(self):
        good = make.cosign((LEDGER / "checkpoint").read_bytes(), make.WITNESSES["north"], 1)
        good = make.cosign(good, make.WITNESSES["south"], 1)
        policy = fmt.decode_policy((LEDGER / "policies/met").read_bytes())
        self.assertEqual(check(good, policy=policy).verdict, verify.VERIFIED)
        note = fmt.decode_note(good)
        lines = note.signatures[:3] + [note.signatures[3]._replace(payload=bytes(72))]
        self.assertEqual(kinds(check(fmt.encode_note(note.text, lines), policy=policy)),
                         {"checkpoint-invalid", "quorum-unmet", "key-untrusted"})

    def test_checkpoint(self):
        data = (LEDGER / "checkpoint").read_bytes()
        for name, verdict in (("ledger", verify.VERIFIED), ("ledger2", verify.VERIFIED), ("lena", INTACT)):
            self.assertEqual(check(data, public_key(name)).verdict, verdict)
        changed = data.replace(b"\n22\n", b"\n23\n")
        self.assertEqual(kinds(check(changed, public_key("ledger"))), {"checkpoint-invalid", "key-untrusted"})
        self.assertEqual(kinds(check(data.replace(b"\n22\n", b"\n022\n"), public_key("ledger"))), {"checkpoint-invalid"})
        for name in ("entries/000004", "seal"):
            report = check((LEDGER / name).read_bytes(), public_key("lena"))
            self.assertEqual(report.verdict, verify.COULD_NOT_CHECK)

    @unittest.skipUnless(shutil.which("openssl") and shutil.which("sha256sum"), "no openssl or sha256sum")
    def test_the_check_by_hand_works(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, data in Tar((LEDGER / "sample.tar").read_bytes()).members:
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            commands = [line.strip() for line in Path(folder, "vidimus/VERIFY.txt").read_text().splitlines()
                        if line.startswith("  ")]
            self.assertEqual(len(commands), 5)
            script = "set -e\n" + "\n".join(commands)
            self.assertEqual(subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True).returncode, 0)
            Path(folder, "vidimus/entries/000004").write_bytes(Path(folder, "vidimus/entries/000005").read_bytes())
            self.assertNotEqual(subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True).returncode, 0)


# -------------------------------------------------------------------------------------------------------- hostile

class Hostile(unittest.TestCase):
    def setUp(self):
        self.key = public_key("authority")
        self.good = (LEDGER / "sample.tar").read_bytes()

    def test_random_changes(self):
        """Any change gives a verdict other than VERIFIED, and never an error of the program (`check` sees to that)."""
        source = random.Random(7)
        for _ in range(400):
            data = bytearray(self.good)
            for _ in range(source.randint(1, 4)):
                place = source.randrange(len(data))
                source.choice((lambda: data.__setitem__(place, source.randrange(256)),
                               lambda: data.__delitem__(slice(place, place + source.randint(1, 700))),
                               lambda: data.insert(place, source.randrange(256)),
                               lambda: data.extend(source.randbytes(source.randint(1, 600)))))()
            if data != self.good:
                self.assertNotEqual(check(bytes(data), self.key).verdict, verify.VERIFIED)

    def test_random_content_in_every_member(self):
        source, tar = random.Random(8), Tar(self.good)
        for name in tar.names():
            for content in (b"", source.randbytes(70000), b"\n" * 70000, b"\xff\xfe", b"vidimus/key/v1\n\n"):
                report = check(tar.with_member(name, content), self.key)
                self.assertNotEqual(report.verdict, verify.VERIFIED, name)

    def test_random_content_for_every_decoder(self):
        source = random.Random(9)
        texts = [path.read_bytes() for part in ("entries", "records", "proofs", "disclosures")
                 for path in (LEDGER / part).iterdir()]
        decoders = [*DECODERS.values(), fmt.decode_consistency, fmt.decode_policy, fmt.decode_bag_info, fmt.decode_pem,
                    fmt.decode_signing_key]
        for _ in range(1500):
            data = bytearray(source.choice(texts))
            for _ in range(source.randint(1, 5)):
                data[source.randrange(len(data))] = source.choice(b"\n :+-0x\\\xe2\x94=A") if data else 0
            for decode in decoders:
                with contextlib.suppress(Malformed):
                    decode(bytes(data))

    def test_a_bomb_needs_little_memory(self):
        """300 MiB of zeros, well packed, in the place of a document, of a list and of an entry."""
        tar = Tar(self.good)
        for name in ("data/files/000004.txt", "manifest-sha256.txt", "vidimus/selection", "vidimus/entries/000000"):
            packed = self.bomb(tar, name, 300 << 20)
            tracemalloc.start()
            report = check(packed, self.key)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertNotEqual(report.verdict, verify.VERIFIED)
            self.assertLess(peak, 3 * verify.LIST_KEPT, name)

    @staticmethod
    def bomb(tar, name, size):
        place = tar.names().index(name)
        packer = zlib.compressobj(9, wbits=31)
        before = make.tar_of(tar.members[:place], tar.top, tar.mtime)[:-1024]
        parts = [packer.compress(before + fmt.tar_header(f"{tar.top}/{name}", size, tar.mtime))]
        parts += [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
        parts += [packer.compress(make.tar_of(tar.members[place + 1:], tar.top, tar.mtime)), packer.flush()]
        return b"".join(parts)

    def test_sizes_in_headers(self):
        tar = Tar(self.good)
        start = make.tar_of(tar.members[:1], tar.top, tar.mtime)[:-1024]
        for size in (2 ** 33 - 1, 2 ** 33, 2 ** 53 - 1):
            header = fmt.tar_header(f"{tar.top}/manifest-sha256.txt", size, tar.mtime)
            self.assertIn("truncated", kinds(check(start + header + bytes(2000), self.key)))
        header = bytearray(fmt.tar_header(f"{tar.top}/bag-info.txt", 5, tar.mtime))
        header[124:136] = b"\x80" + (5).to_bytes(11, "big")
        header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * 32)
        self.assertEqual(kinds(check(start + bytes(header) + bytes(2000), self.key)), {"bag-invalid"})

    def test_findings_are_counted_not_hoarded(self):
        tar = Tar(self.good)
        many = tar.members + [(f"vidimus/entries/{number:06d}", b"x") for number in range(100, 2600)]
        report = check(tar.data(many), self.key)
        self.assertEqual(len(report.findings), verify.KEPT)
        self.assertGreater(report.findings.total, 2500)
        self.assertIn("not-listed", report.as_json())

    def test_nothing_unsafe_is_shown(self):
        evil = "\x1b[31m\u202eevil\u200b\u2066\ufeff\x85\x9b".encode() + b"\xff\x7f"
        archive = make.Archive()
        archive.genesis(software=evil)
        archive.key("authorize", "signer", "lena", reason=evil)
        archive.capture("lena", b"x", *(key + b" " + fmt.escape(evil) for key in
                                        (b"file-name", b"source", b"captured", b"title", b"issuer", b"issued")))
        tar = make.Bundle(archive, [2], archive.checkpoint("ledger")).tar()
        report = check(tar, archive.keys["authority"].vkey, name=evil.decode("utf-8", "surrogateescape"))
        self.assertEqual(report.verdict, verify.VERIFIED)
        shown = report.as_text()
        self.assertIn("\\x1b[31m\\xe2\\x80\\xaeevil", shown)
        report.add("bag-invalid", evil.decode("utf-8", "surrogateescape"), document=evil, found=evil)
        report.notice("clock-backwards", evil.decode("utf-8", "surrogateescape"))
        for text in (shown, report.as_text(), json.loads(report.as_json())["findings"][0]["message"]):
            self.assertNotRegex(text.replace("\n", ""), UNSAFE)


class CommandLine(unittest.TestCase):
    def run_it(self, *arguments, **environment):
        return subprocess.run([sys.executable, HERE / "vidimus_verify.py", *arguments], capture_output=True,
                              text=True, env={**os.environ, **environment})

    def test_exit_codes_and_words(self):
        sample, key = LEDGER / "sample.tar", LEDGER / "keys/authority.pub"
        vkey = key.read_text().strip()
        with tempfile.TemporaryDirectory() as folder:
            cut = Path(folder, "cut.tar")
            cut.write_bytes(sample.read_bytes()[:20000])
            for arguments, code, word in (
                    (["--trust", key, sample], 0, "VERIFIED  3 documents"),
                    (["--trust", vkey, sample], 0, "VERIFIED"),
                    ([sample], 4, "INTACT, KEY NOT TRUSTED"),
                    (["--trust", LEDGER / "keys/lena.pub", sample], 4, "INTACT, KEY NOT TRUSTED"),
                    (["--trust", key, cut], 1, "INCOMPLETE"),
                    (["--trust", key, __file__], 3, "COULD NOT CHECK"),
                    ([folder], 3, "COULD NOT CHECK"),
                    (["--trust", key, sample, cut, __file__], 1, "VERIFIED"),
                    (["--trust", key, sample, __file__], 3, "VERIFIED"),
                    ([sample, __file__], 3, "INTACT"),
                    (["--policy", LEDGER / "policies/met", LEDGER / "cosigned.tar"], 0, "VERIFIED"),
                    (["--policy", LEDGER / "policies/unmet", LEDGER / "cosigned.tar"], 1, "ALTERED"),
                    (["--trust", key, "--document", LEDGER / "documents/000004", LEDGER / "receipt.tar"], 0, "VERIFIED"),
                    (["--trust", key, "--document", __file__, LEDGER / "receipt.tar"], 1, "NO MATCH")):
                result = self.run_it(*arguments)
                self.assertEqual((result.returncode, result.stderr), (code, ""), arguments)
                self.assertTrue(result.stdout.startswith(word), result.stdout)

    def test_wrong_use(self):
        sample = LEDGER / "sample.tar"
        for arguments, code in (([], 2), (["--colour", sample], 2), (["--trust", "a+b+c", sample], 2),
                                (["--trust", "/nowhere/a.pub", sample], 3), (["--policy", sample, sample], 3),
                                (["--document", "/nowhere/x", sample], 3), (["--trust", sample, sample], 3)):
            result = self.run_it(*arguments)
            self.assertEqual((result.returncode, result.stdout), (code, ""), arguments)
            self.assertNotIn("Traceback", result.stderr)

    def test_help_has_an_example(self):
        result = self.run_it("--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("example", result.stdout)

    def test_json(self):
        result = self.run_it("--json", LEDGER / "sample.tar", LEDGER / "checkpoint", LEDGER / "entry-000004.tlog-proof")
        objects = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([item["kind"] for item in objects], ["bundle", "checkpoint", "proof"])
        of_all = ["verdict", "ok", "kind", "origin", "size", "root", "time", "entries_checked", "documents_checked",
                  "bytes_checked", "trusted", "findings", "notices"]
        self.assertEqual(list(objects[0]), of_all + ["partly_disclosed", "documents_absent", "slices_checked", "items"])
        self.assertEqual(list(objects[0]["items"][0]),
                         ["entry", "withdrawn", "withdrawals", "partly_disclosed", "record", "amended", "hidden_lines"])
        self.assertEqual(list(objects[1]), of_all)
        self.assertEqual(list(objects[0]["findings"][0]), ["kind", "entry", "document", "expected", "found", "message"])
        self.assertEqual((objects[0]["ok"], objects[0]["trusted"], objects[0]["origin"]), (False, False, ORIGIN))

    def test_a_terminal_of_another_age(self):
        result = self.run_it("--trust", LEDGER / "keys/authority.pub", LEDGER / "sample.tar", PYTHONIOENCODING="ascii")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_two_files_are_enough(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("vidimus_verify.py", "vidimus_format.py"):
                shutil.copy(HERE / name, folder)
            result = subprocess.run([sys.executable, "-I", Path(folder, "vidimus_verify.py"), LEDGER / "sample.tar"],
                                    capture_output=True, cwd="/")
            self.assertIn(result.returncode, (1, 4), result.stderr)


class Generator(unittest.TestCase):
    def test_same_bytes_every_time(self):
        self.assertEqual(make.all_files(), make.all_files())

    def test_what_is_here_is_what_it_writes(self):
        self.assertEqual(list(make.differences(VECTORS, make.all_files())), [])

    def test_check_sees_a_difference(self):
        files = make.all_files()
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, VECTORS / "make_vectors.py", "--into", folder]
            self.assertEqual(subprocess.run(command, capture_output=True).returncode, 0)
            self.assertEqual(subprocess.run([*command, "--check"], capture_output=True).returncode, 0)
            Path(folder, "ledger/seal").write_bytes(files["ledger/seal"] + b"\n")
            Path(folder, "malformed/stray").write_bytes(b"")
            Path(folder, "merkle.json").unlink()
            result = subprocess.run([*command, "--check"], capture_output=True, text=True)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(sorted(line.split()[0] for line in result.stdout.splitlines()),
                             ["different", "missing", "unknown"])


if __name__ == "__main__":
    unittest.main()
