#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the test vectors in this folder: the same bytes every time, from fixed seeds.

    make_vectors.py            writes ledger/, forks/, malformed/, bundles/, ed25519.json, keyring.json and merkle.json
                               beside this file
    make_vectors.py --check    compares what is here with what would be written, and exits with 1 where they differ

    ledger/         keys, 22 entries of every kind, records, documents, a disclosure, a checkpoint, proofs, a seal,
                    escapes; sample.tar (sealed, with documents), receipt.tar (without), cosigned.tar (with evidence)
                    and two policies for it; entry-000004.tlog-proof (a proof that carries its entry)
    forks/          fork proofs that hold, and well-formed ones that do not, told in index.json
    malformed/      files with exactly one fault each, told in index.json
    bundles/        whole bundles, good and bad in what their entries say of each other; verdict and kinds in index.json
    ed25519.json    signatures at the edges of the one rule for valid signatures
    keyring.json    who may sign at which entry; key entries that break a rule; which ledger key signs which size
    merkle.json     roots, inclusion and consistency proofs, good and bad

The keys are test keys: anybody has them."""
import argparse
import datetime
import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))

import vidimus_format as fmt  # noqa: E402  (it stands in the folder named above)

ORIGIN = "archive.example.net/statements"
STARTED = datetime.datetime(2021, 3, 4, 5, 6, 7)
CREATED = "2021-03-05T00:00:00Z"
SOFTWARE = b"vidimus 0.0-test-vectors"


def fixed_bytes(label):
    return hashlib.sha256(f"vidimus test vector: {label}".encode()).digest()


def signing_key(name, label=None):
    return fmt.SigningKey(name, fixed_bytes(label or name))


KEYS = {
    "authority": signing_key(f"{ORIGIN}/authority"),
    "ledger": signing_key(ORIGIN, "first ledger key"),
    "ledger2": signing_key(ORIGIN, "second ledger key"),
    "lena": signing_key("lena@archive.example.net"),
    "tomas": signing_key("tomas@archive.example.net"),
    "vera": signing_key("vera@archive.example.net"),
    "weekly": signing_key("weekly-audit"),
}
WITNESSES = {name: signing_key(f"witness.example.com/{name}") for name in ("north", "south", "east")}


# ------------------------------------------------------------------------------------------- an archive in memory

class Archive:
    """A ledger with its records and documents. Tests build their own, right and wrong, with it."""

    def __init__(self, origin=ORIGIN, keys=None):
        self.origin, self.keys = origin, dict(keys or KEYS)
        self.notes, self.entries = [], []
        self.records, self.documents = {}, {}
        self.keyring_numbers = []

    def append(self, kind, signer, fields, version=1, **head):
        """Adds an entry and returns its number. `fields` is a mapping, or lines as they are to stand."""
        number = len(self.notes)
        values = {"ledger": self.origin, "entry": number, "previous": self._previous(),
                  "keyring": max(self.keyring_numbers, default=0), "recorded": time_of(number),
                  "signer": self.keys[signer].vkey.ref, **head}
        layout = fmt.ENTRY_LAYOUTS.get(kind)
        body = fmt.encode_fields(fields, layout) if isinstance(fields, dict) else fields
        return self.append_note(fmt.sign_note(fmt.entry_text(kind, version, values, body), self.keys[signer]))

    def request(self, kind, fields, *effects, **head):
        """What the authority is asked to sign next."""
        number = len(self.notes)
        values = {"ledger": self.origin, "entry": number, "previous": self._previous(),
                  "keyring": max(self.keyring_numbers, default=0), "recorded": time_of(number),
                  "signer": self.keys["authority"].vkey.ref, **head}
        text = fmt.entry_text(kind, 1, values, fmt.encode_fields(fields, fmt.ENTRY_LAYOUTS[kind]))
        lines = [("authority", self.keys["authority"].vkey), ("checkpoint", self.tree_head()),
                 *(("effect", effect) for effect in effects)]
        return fmt.encode_request(lines, text)

    def append_note(self, note):
        number = len(self.notes)
        self.notes.append(note)
        if fmt.entry_kind(note) in fmt.KEYRING_KINDS:
            self.keyring_numbers.append(number)
        return number

    def _previous(self):
        return fmt.sha256(fmt.decode_note(self.notes[-1]).text if self.notes else b"")

    def genesis(self, **fields):
        return self.append("genesis", "authority", {
            "authority": self.keys["authority"].vkey, "ledger-key": self.keys["ledger"].vkey,
            "software": SOFTWARE, **fields})

    def key(self, action, role, key, **fields):
        return self.append("key", "authority", {"action": action, "role": role, "key": self.keys[key].vkey, **fields})

    def _record(self, document, lines, size=None):
        number = len(self.notes)
        size = len(document) if size is None else size
        first = b"document " + fmt.encode_document((fmt.sha256(document), size))
        self.documents[number] = document
        self.records[number] = fmt.Record(fixed_bytes(f"secret {number}"), [first, *lines])
        return self.records[number].commitment()

    def capture(self, signer, document, *lines):
        return self.append("capture", signer, {"record": self._record(document, lines)})

    def amend(self, signer, number, *lines, size=None):
        return self.append("amendment", signer, {
            "amends": number, "record": self._record(self.documents[number], lines, size)})

    def withdraw(self, number, scope, signer="authority", **fields):
        return self.append("withdrawal", signer, {
            "withdraws": number, "scope": scope, "decided-by": b"decision 4/2021", **fields})

    def leaves(self, size=None):
        return [fmt.leaf_hash(note) for note in self.notes[:size]]

    def tree_head(self, size=None):
        leaves = self.leaves(size)
        return len(leaves), fmt.tree_root(leaves)

    def checkpoint(self, *signers, size=None):
        text = fmt.checkpoint_text(self.origin, *self.tree_head(size))
        return fmt.sign_note(text, *(self.keys[signer] for signer in signers))

    def proof(self, number, checkpoint, extra=None):
        leaves = self.leaves(fmt.decode_checkpoint(checkpoint).size)
        return fmt.encode_proof(fmt.Proof(number, fmt.inclusion_proof(leaves, number), checkpoint, extra))

    def consistency(self, old_size, checkpoint):
        leaves = self.leaves(fmt.decode_checkpoint(checkpoint).size)
        return fmt.encode_consistency(
            fmt.ConsistencyProof(old_size, fmt.consistency_proof(leaves, old_size), checkpoint))

    def about(self, number):
        """Amendments and withdrawals of a capture."""
        entries = [(n, readable(note)) for n, note in enumerate(self.notes)]
        return [(n, entry) for n, entry in entries if entry and entry.names_capture() == number]


def readable(note):
    """The entry, or None: tests put notes into a ledger that are none."""
    try:
        return fmt.decode_entry(note)
    except fmt.Malformed:
        return None


def time_of(number):
    return (STARTED + datetime.timedelta(seconds=61 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def cosign(checkpoint, witness, time):
    """The checkpoint note with one more line, by a witness."""
    note = fmt.decode_note(checkpoint)
    key = cosigner(witness)
    signature = fmt.ed25519_sign(witness.seed, fmt.cosigned_message(time, note.text))
    line = fmt.SignatureLine(key.name, key.key_id, time.to_bytes(8, "big") + signature)
    return fmt.encode_note(note.text, [*note.signatures, line])


def cosigner(witness):
    return fmt.VerifierKey(witness.name, fmt.COSIGNATURE, witness.vkey.public_key)


# -------------------------------------------------------------------------------------------------------- bundles

class Bundle:
    """What goes into one bundle of an archive. `members` are (name, bytes); `edit` may change them before the manifests
    and the seal are made, so that a test can make a bundle that is wrong in itself but properly sealed."""

    def __init__(self, archive, selection, checkpoint, sealed_by="lena", disclose=(), documents=True, evidence=(),
                 edit=None, created=CREATED):
        self.archive, self.selection, self.checkpoint = archive, selection, checkpoint
        self.disclose, self.documents, self.created = dict(disclose), documents, created
        self.size = fmt.decode_checkpoint(checkpoint).size
        self.files = []
        entries = self._entries()
        body = [("vidimus/checkpoint", checkpoint),
                ("vidimus/selection", b"".join(b"%d\n" % number for number in selection)),
                ("vidimus/VERIFY.txt", self._verify_text()),
                *self._pem_keys(),
                ("data/INDEX.txt", self._index_text()),
                *entries]
        body = list(edit(body)) if edit else body
        self.members = self._bag(body, sealed_by) + list(evidence)

    def tar(self, top="sample"):
        newest = readable(self.archive.notes[self.size - 1])
        recorded = newest.head["recorded"] if newest else time_of(self.size - 1)
        return tar_of(self.members, top, fmt.unix_time(recorded))

    def _entry(self, number):
        return [(fmt.entry_path(number), self.archive.notes[number]),
                (fmt.proof_path(number), self.archive.proof(number, self.checkpoint))]

    def _keyring_numbers(self):
        return [number for number in self.archive.keyring_numbers if number < self.size]

    def _pem_keys(self):
        keys = set()
        for number in self._keyring_numbers():
            fields = fmt.decode_entry(self.archive.notes[number]).fields or {}
            keys |= {value.public_key for name, value in fields.items() if name in ("authority", "ledger-key", "key")}
        return [(fmt.key_path(key), fmt.encode_pem(key)) for key in sorted(keys)]

    def _entries(self):
        members, stood = [], set(self._keyring_numbers())
        for number in self._keyring_numbers():
            members += self._entry(number)
        for number in self.selection:
            followers = [(n, entry) for n, entry in self.archive.about(number) if n < self.size]
            stood |= {number, *(n for n, _ in followers)}
            members += self._capture(number, followers)
        return members + ([] if self.size - 1 in stood else self._entry(self.size - 1))

    def _capture(self, number, followers):
        authority = self.archive.keys["authority"].name
        scopes = {entry.fields["scope"] for _, entry in followers
                  if entry.kind == "withdrawal" and entry.signer.name == authority}
        keep_record = number in self.archive.records and not scopes & {"record", "both"}
        members = self._entry(number) + self._record(number, keep_record)
        for follower, entry in followers:
            members += self._entry(follower) + self._record(follower, keep_record and entry.kind == "amendment")
        if self.documents and keep_record and "document" not in scopes and self._open(number, "document"):
            file_name = dict(self.archive.records[number].fields).get("file-name")
            suffix = fmt.document_suffix(file_name if self._open(number, "file-name") else None)
            self.files.append((number, suffix))
            members.append((fmt.document_path(number, suffix), self.archive.documents[number]))
        return members

    def _open(self, number, key):
        return number not in self.disclose or key in self.disclose[number]

    def _record(self, number, here):
        if not here or number not in self.archive.records:
            return []
        record = self.archive.records[number]
        shown = fmt.disclose(record, self.disclose[number]) if number in self.disclose else record
        return [(fmt.record_path(number), shown.encode())]

    def _verify_text(self):
        number = self.selection[0]
        signer = fmt.decode_entry(self.archive.notes[number]).signer.name
        key = next(key.vkey.public_key for key in self.archive.keys.values() if key.name == signer)
        return VERIFY_TEXT.format(entry=fmt.entry_path(number), pem=fmt.key_path(key)).encode()

    def _index_text(self):
        lines = ["What the sender says is in this bundle. None of it is proof; the check is what counts.", ""]
        suffixes = dict(self.files)
        for number in self.selection:
            lines.append(f"entry {number}, recorded {time_of(number)}")
            if number in suffixes:
                digest = fmt.sha256(self.archive.documents[number]).hex()
                lines.append(f"  file    {fmt.document_path(number, suffixes[number])}\n  sha256  {digest}")
        return "\n".join(lines).encode() + b"\n"

    def _bag(self, body, sealed_by):
        payload = [(name, data) for name, data in body if name.startswith("data/")]
        info = fmt.BagInfo(self.archive.origin, self.created[:10], sum(len(data) for _, data in payload), len(payload),
                           SOFTWARE.decode())
        tags = [("bagit.txt", fmt.BAGIT_TXT), ("bag-info.txt", fmt.encode_bag_info(info)),
                ("manifest-sha256.txt", manifest_of(payload))]
        tagmanifest = manifest_of(tags + [member for member in body if member not in payload])
        return tags + [("tagmanifest-sha256.txt", tagmanifest)] + self._seal(body, tagmanifest, sealed_by) + body

    def _seal(self, body, tagmanifest, sealed_by):
        if sealed_by is None:
            return []
        checkpoint = fmt.decode_checkpoint(self.checkpoint)
        text = fmt.seal_text({
            "ledger": self.archive.origin, "created": self.created, "checkpoint": (checkpoint.size, checkpoint.root),
            "selection": fmt.sha256(dict(body).get("vidimus/selection", b"")),
            "tagmanifest": fmt.sha256(tagmanifest)})
        return [("vidimus/seal", fmt.sign_note(text, self.archive.keys[sealed_by]))]


def manifest_of(members):
    return b"".join(fmt.manifest_line(fmt.sha256(data), name) for name, data in members)


def tar_of(members, top, mtime):
    blocks = []
    for name, data in members:
        blocks += [fmt.tar_header(f"{top}/{name}", len(data), mtime), data, bytes(fmt.padding(len(data)))]
    return b"".join(blocks) + fmt.END_OF_TAR


VERIFY_TEXT = """Get the key from elsewhere: a key that came with this bundle proves nothing about its sender.

Check by hand, in this folder:

  sha256sum -c manifest-sha256.txt
  sha256sum -c tagmanifest-sha256.txt

An entry is text, a blank line and a signature. This checks one; every other goes the same way.

  sed '/^$/,$d' {entry} > text
  tail -n 1 {entry} | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature
  openssl pkeyutl -verify -pubin -inkey {pem} -rawin -in text -sigfile signature
"""


# --------------------------------------------------------------------------------------------------------- ledger

HOURS = "The reading room is open from nine to five.\n".encode()
NOTICE = "From Monday on the reading room is open from ten to four.\n".encode()
LETTER = "Dear reader, the catalogue has moved to the first floor.\n".encode()
TABLE = "Timetable, draft: القاعة 2, salle 3, зал 4.\n".encode()
CARD = "A card that was put into the wrong box.\n".encode()

DISCLOSED = ("document", "file-name", "title", "issued", "issued-as-written")


def sample_archive():
    archive = Archive()
    archive.genesis(continues=("archive.example.net/statements-2019", 7, fixed_bytes("root of the ledger before")))
    archive.key("authorize", "signer", "lena")
    archive.key("authorize", "signer", "tomas")
    archive.key("authorize", "auditor", "weekly", reason="runs every Sunday".encode())
    archive.capture("lena", HOURS, *RICH_LINES)
    archive.capture("tomas", LETTER, b"unknown source", b"unknown captured-by", b"inferred issuer Town Library",
                    rb"note found between two books\nsecond line \\ end\x20")
    archive.key("authorize", "signer", "vera")
    archive.capture("vera", NOTICE, b"follows 4", rb"file-name r\xe9ading\x1b[1m.HTML",
                    b"source https://library.example/notices/3", b"captured 2021-03", b"title Opening hours")
    archive.amend("tomas", 5, b"inferred source letter in box 3", b"note the envelope names the box")
    archive.capture("vera", CARD, b"file-name .card", b"title A card")
    archive.capture("lena", TABLE, b"file-name timetable.final.Txt", b"title Timetable")
    archive.capture("lena", b"", b"title An empty page")
    archive.amend("tomas", 10, b"title Timetable, draft", b"note marked as a draft in the margin")
    archive.key("retire", "signer", "tomas", reason=b"has left the archive")
    archive.key("authorize", "ledger", "ledger2")
    archive.key("retire", "ledger", "ledger")
    archive.key("revoke", "signer", "vera", since=9, reason=b"a lost telephone")
    archive.amend("lena", 9, b"title A card, compared with the paper")
    archive.withdraw(10, "document")
    archive.withdraw(11, "both", reason=b"asked for by the author")
    archive.append("audit", "weekly", {
        "checkpoint": archive.tree_head(12), "mode": "full", "covered": [(4, 5), (7, 7), (9, 11)],
        "documents": 6, "missing": 0, "corrupt": 0, "repaired": 0})
    archive.append("audit", "lena", {
        "checkpoint": archive.tree_head(12), "mode": "partial", "covered": [(4, 4)], "documents": 1, "missing": 0,
        "corrupt": 1, "repaired": 1, "findings": fixed_bytes("a report of findings")})
    return archive


RICH_LINES = [line.encode() for line in (
    "collection Notices", "file-name Notice 3.TXT", "media-type text/plain", "source https://library.example/notices/3",
    "captured 2021-02-28T17:30Z", "captured-by Lena\\tM.", "method browser, page saved as text",
    "received-from front desk", "received-from reading room",
    "record-id <urn:uuid:0a1b2c3d-0000-4000-8000-000000000003>",
    "derived-from not-held 512 44 cut from a crawl",
    "derived-from sha256:" + fixed_bytes("a page").hex() + " - - text of the page",
    "title Opening hours of the reading room", "author A. Clerk", "author B. Clerk", "issuer Town Library",
    "publisher library.example", "issued 2021-02-28", "issued-as-written 28. Februar 2021",
    "issued-as-written ١٦ رجب ١٤٤٢", "reference L-3/2021", "language en", "rights CC0-1.0",
    "inferred follows none", "note checked twice", "header Content-Type: text/plain", "header X-Trace: a:b : c",
    "field shelf: 12 B")]

ESCAPED_VALUES = [
    b"plain text", "Größe ١٦".encode(), b"tab\there", b"\\", b"a\\nb", b"line\nand\r", b" both ends ", b" ",
    b"in  side",
    b"\x00\x1f\x7f", b"\xc2\x80\xc2\x9f\xc2\xa0", b"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", b"\xff\xfe",
    b"\xe2\x82", b"\xe2\xe2\x82\xac", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xf0\x9f\x93\x9c",
    b"\x1b[31mred"]
REFUSED_ESCAPES = [
    "", " x", "x ", "\\", "x\\", "\\0", "\\x4", "\\x41", "\\xC3", "\\x0a", "\\x09", "\\x5c", "\\xc3\\xa9", "a\\x20b",
    "\x7f", "\u0085", "\u2028", "a\tb", "\\xf0\\x9f\\x93\\x9c", "\\N"]


def escapes_table():
    """Values with their one written form (none for the empty value), and what must be refused."""
    rows = [{"value_hex": value.hex(), "line": fmt.escape(value).decode()} for value in ESCAPED_VALUES]
    return rows + [{"value_hex": "", "line": None}] + [{"refuse": text} for text in REFUSED_ESCAPES]


def policy_text(pair):
    """North, and `pair` (any or all) of the two others; east never cosigns."""
    lines = ["# which log, which witnesses, how many of them", f"log {KEYS['ledger2'].vkey.encode().decode()}"]
    for name, key in WITNESSES.items():
        lines.append(f"witness {name} {cosigner(key).encode().decode()} https://{key.name}/")
    lines += [f"group pair {pair} south east", "group both 2 north pair", "quorum both"]
    return "\n".join(lines).encode() + b"\n"


def revocation_request(archive):
    return archive.request("key", {"action": "revoke", "role": "signer", "key": archive.keys["lena"].vkey,
                                   "since": len(archive.notes) - 1, "reason": b"laptop stolen"},
                           b"This revokes a signer's key.", b"Captures and amendments: 1.")


def ledger_files():
    archive = sample_archive()
    checkpoint = archive.checkpoint("ledger", "ledger2")
    size = len(archive.notes)
    sample = Bundle(archive, [4, 5, 9, 10, 11], checkpoint, disclose={4: DISCLOSED})
    early = cosign(archive.checkpoint("ledger", size=12), WITNESSES["north"], 1614834567)
    late = cosign(cosign(checkpoint, WITNESSES["north"], 1614921000), WITNESSES["south"], 1614921007)
    evidence = [(fmt.evidence_path(12, "checkpoint"), early),
                (fmt.evidence_path(12, "consistency"), archive.consistency(12, checkpoint)),
                (fmt.evidence_path(size, "checkpoint"), late)]
    files = {f"keys/{name}.key": key.encode() + b"\n" for name, key in KEYS.items()}
    files.update({f"keys/{name}.pub": key.vkey.encode() + b"\n" for name, key in KEYS.items()})
    files.update({f"keys/witness-{name}.pub": cosigner(key).encode() + b"\n" for name, key in WITNESSES.items()})
    for number, note in enumerate(archive.notes):
        files[f"entries/{number:06d}"] = note
        files[f"proofs/{number:06d}.tlog-proof"] = archive.proof(number, checkpoint)
    for number, record in archive.records.items():
        files[f"records/{number:06d}"] = record.encode()
        files[f"documents/{number:06d}"] = archive.documents[number]
    files.update({
        "disclosures/000004": fmt.disclose(archive.records[4], DISCLOSED).encode(),
        "checkpoint": checkpoint,
        "seal": dict(sample.members)["vidimus/seal"],
        "request": revocation_request(archive),
        "escapes.json": as_json(escapes_table()),
        "entry-000004.tlog-proof": archive.proof(4, checkpoint, extra=archive.notes[4]),
        "policies/met": policy_text("any"),
        "policies/unmet": policy_text("all"),
        "sample.tar": sample.tar(),
        "receipt.tar": Bundle(archive, [4, 5], checkpoint, documents=False).tar("receipt"),
        "cosigned.tar": Bundle(archive, [4], checkpoint, evidence=evidence).tar("cosigned")})
    return {f"ledger/{name}": data for name, data in files.items()}


# -------------------------------------------------------------------------------------------------------- bundles

def doubted_archive():
    """Entry 3 is by a signer whose key was revoked, later, from that entry on."""
    archive = Archive()
    archive.genesis()
    archive.key("authorize", "signer", "lena")
    archive.key("authorize", "signer", "vera")
    archive.capture("vera", CARD, b"title A card")
    archive.key("revoke", "signer", "vera", since=3)
    return archive


def plain_archive():
    """Entry 2 is a capture about which nothing is wrong."""
    archive = Archive()
    archive.genesis()
    archive.key("authorize", "signer", "lena")
    archive.capture("lena", LETTER, b"title A letter")
    return archive


def flip_last_bit(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def with_bad_signature(archive):
    """The newest entry stands in the tree as it is here: only its signature is not good."""
    note = fmt.decode_note(archive.notes.pop())
    line = note.signatures[0]
    bad = line._replace(payload=flip_last_bit(line.payload, 40))
    archive.append_note(fmt.encode_note(note.text, [bad]))
    return archive


def amended(archive, number, **how):
    archive.amend("lena", number, b"title Compared with the paper", **how)
    return archive


def withdrawn(archive, number, scope, **how):
    archive.withdraw(number, scope, **how)
    return archive


def without_records(body):
    return [(name, data) for name, data in body if not name.startswith("vidimus/records/")]


def with_bad_proof(body):
    return [(name, data.replace(b"index 5", b"index 4") if name == fmt.proof_path(5) else data) for name, data in body]


def bundle_cases():
    """(name, why, archive, selected, edit, verdict, kinds of findings, notices that must be among others)"""
    doubted, plain = doubted_archive, plain_archive
    unauthorized = ["signer-unauthorized"]
    return [
        ("re-attested", "a capture in doubt, and an amendment that vouches for it",
         amended(doubted(), 3), 3, None, "VERIFIED", [], ["re-attested"]),
        ("in-doubt", "a capture in doubt, and nothing that vouches for it",
         doubted(), 3, None, "ALTERED", unauthorized, []),
        ("re-attested-by-a-bad-signature", "the amendment's signature is not good: it vouches for nothing",
         with_bad_signature(amended(doubted(), 3)), 3, None, "ALTERED", ["signature-invalid", *unauthorized], []),
        ("re-attested-by-a-bad-proof", "the amendment's place in the tree is not proved: it vouches for nothing",
         amended(doubted(), 3), 3, with_bad_proof, "ALTERED", ["proof-invalid", *unauthorized], []),
        ("amendment-of-another-size", "the amendment names the same digest and another size",
         amended(plain(), 2, size=len(LETTER) + 1), 2, None, "ALTERED", ["record-mismatch"], []),
        ("amendment-after-withdrawal", "what was withdrawn is amended all the same",
         amended(withdrawn(plain(), 2, "document"), 2), 2, None, "ALTERED", ["entry-malformed"], []),
        ("withdrawn", "record and document were withdrawn by the authority",
         withdrawn(plain(), 2, "both"), 2, None, "VERIFIED", [], []),
        ("withdrawn-after-amendment", "an amendment, then a withdrawal of both",
         withdrawn(amended(plain(), 2), 2, "both"), 2, None, "VERIFIED", [], []),
        ("withdrawn-by-a-signer", "a withdrawal that is in the tree, by a key that may not withdraw",
         withdrawn(plain(), 2, "both", signer="lena"), 2, None, "ALTERED", unauthorized, []),
        ("erased-by-a-signer", "the same, and the record is not here: nothing accounts for that",
         withdrawn(plain(), 2, "record", signer="lena"), 2, without_records, "ALTERED",
         ["record-missing", *unauthorized], []),
    ]


def bundle_files():
    files, index = {}, []
    for name, why, archive, selected, edit, verdict, kinds, notices in bundle_cases():
        bundle = Bundle(archive, [selected], archive.checkpoint("ledger"), edit=edit)
        files[f"bundles/{name}.tar"] = bundle.tar()
        index.append({"file": f"{name}.tar", "why": why, "verdict": verdict, "findings": sorted(kinds),
                      "notices": notices})
    return {**files, "bundles/index.json": as_json(index)}


# ---------------------------------------------------------------------------------------------------------- forks

class Fork:
    """Two histories of one ledger with three entries in common."""

    def __init__(self, key="ledger"):
        self.key = key
        self.left, self.right = self._history("left"), self._history("right")

    @staticmethod
    def _history(name):
        archive = Archive()
        archive.genesis()
        archive.key("authorize", "signer", "lena")
        archive.capture("lena", HOURS)
        for number in range(3, 9):
            archive.capture("lena", f"{name} {number}".encode())
        return archive

    def proof(self, first, second):
        """Of size `first` on the left and `second` on the right; bytes, and their parts."""
        notes = [self.left.checkpoint(self.key, size=first), self.right.checkpoint(self.key, size=second)]
        if first == second:
            notes.sort(key=lambda note: fmt.decode_checkpoint(note).root)
            return fmt.ForkProof(KEYS[self.key].vkey, None, [], notes)
        leaves = self.right.leaves(second)
        return fmt.ForkProof(KEYS[self.key].vkey, fmt.tree_root(leaves[:first]),
                             fmt.consistency_proof(leaves, first), notes)


def fork_proofs():
    """(name, why it holds or not, does it?, the proof)"""
    fork = Fork()
    two = fork.proof(5, 8)
    other = Fork("ledger2").proof(5, 8)
    wrong = fmt.encode_note(fmt.decode_note(two.notes[1]).text, fmt.decode_note(two.notes[0]).signatures)
    yield "same-size", "one size, two roots", True, fork.proof(7, 7)
    yield "two-sizes", "from 5 to 8", True, two
    yield "power-of-two", "from 4 to 7: the smaller tree is perfect, no hash is its root", True, fork.proof(4, 7)
    yield "cosigned", "a witness has cosigned one of them", True, two._replace(
        notes=[cosign(two.notes[0], WITNESSES["north"], 1614834567), two.notes[1]])
    yield "bad-first-key", "the smaller checkpoint is by another key", False, two._replace(
        notes=[other.notes[0], two.notes[1]])
    yield "bad-second-key", "the larger checkpoint is by another key", False, two._replace(
        notes=[two.notes[0], other.notes[1]])
    yield "bad-signature", "the signature is over another text", False, two._replace(
        notes=[two.notes[0], wrong])
    yield "bad-root", "the root is another", False, two._replace(root=fixed_bytes("a root"))
    yield "bad-root-perfect", "the root is another, of a perfect tree", False, fork.proof(4, 7)._replace(
        root=fixed_bytes("a root"))
    yield "bad-hash", "a hash is another", False, two._replace(hashes=[*two.hashes[:-1], fixed_bytes("a hash")])
    yield "bad-hash-less", "a hash is missing", False, two._replace(hashes=two.hashes[:-1])
    yield "bad-hash-more", "a hash too many", False, two._replace(hashes=[*two.hashes, two.hashes[-1]])


def fork_files():
    files, index = {}, []
    for name, why, holds, proof in fork_proofs():
        files[f"forks/{name}.fork-proof"] = fmt.encode_fork_proof(proof)
        index.append({"file": f"{name}.fork-proof", "holds": holds, "why": why})
    return {**files, "forks/index.json": as_json(index)}


# ------------------------------------------------------------------------------------------------------ malformed

class Faults:
    """Collects files that have one fault each."""

    def __init__(self):
        self.files, self.index = {}, []
        archive = Archive()
        archive.genesis()
        archive.key("authorize", "signer", "lena")
        archive.capture("lena", HOURS, b"title Opening hours", b"note one")
        self.archive, self.checkpoint = archive, archive.checkpoint("ledger")

    def add(self, kind, name, data, why):
        path = f"malformed/{kind}-{name}"
        assert path not in self.files, path
        self.files[path] = data
        self.index.append({"file": path.partition("/")[2], "type": kind, "why": why})

    def entry(self, name, why, kind, fields, signer="authority", replace=None, **head):
        """An entry whose text has a fault, and a good signature over just that text."""
        values = {"ledger": ORIGIN, "entry": 5, "previous": fixed_bytes("entry 4"), "keyring": 1,
                  "recorded": time_of(5), "signer": KEYS[signer].vkey.ref, **head}
        text = fmt.entry_text(kind, 1, values, fmt.encode_fields(fields, fmt.ENTRY_LAYOUTS[kind]))
        self.add("entry", name, fmt.sign_note(swap(text, *replace) if replace else text, KEYS[signer]), why)


def swap(data, old, new):
    assert data.count(old) == 1, (old, data)
    return data.replace(old, new)


def malformed_files():
    collected = Faults()
    for part in (malformed_notes, malformed_vkeys, malformed_entries, malformed_records, malformed_disclosures,
                 malformed_checkpoints, malformed_proofs, malformed_fork_proofs, malformed_seals,
                 malformed_requests):
        part(collected)
    return {**collected.files, "malformed/index.json": as_json(collected.index)}


def malformed_notes(out):
    key = KEYS["lena"]
    good = fmt.sign_note(b"A note.\n", key)
    line = fmt.encode_signature_line(key.sign(b"A note.\n"))
    body = line.split(b" ")[2]

    def note(name, data, why):
        out.add("note", name, data, why)

    note("no-blank-line", b"A note.\n" + line, "text and signatures are not parted by a blank line")
    note("no-last-newline", good[:-1], "the last line does not end in LF")
    note("no-signature", b"A note.\n\n", "there is no signature line")
    note("line-after-signatures", good + b"more\n", "a line after the signatures is none")
    note("control-character", swap(good, b"A note", b"A\tnote"), "a control character other than LF")
    note("crlf", good.replace(b"\n", b"\r\n"), "lines end in CR LF")
    note("not-utf8", swap(good, b"A note", b"A \xff note"), "not UTF-8")
    note("hyphen", swap(good, fmt.EM_DASH, b"- "), "a signature line starts with an em dash")
    note("name-with-plus", swap(good, b"lena@", b"lena+"), "a key name has no plus sign")
    note("name-with-space", swap(good, b"lena@", "lena\u00a0".encode()), "a key name has no space of any kind")
    note("no-padding", swap(good, b"=\n", b"\n"), "base64 without padding")
    note("spare-bits", swap(good, body, _spare_bits(body)), "base64 whose unused bits are not zero")
    note("key-id-only", swap(good, body, fmt.encode_base64(key.vkey.key_id) + b"\n"), "a signature of no bytes")


def _spare_bits(line):
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = line.index(b"=") - 1
    return line[:place] + alphabet[alphabet.index(line[place]) | 1:][:1] + line[place + 1:]


def malformed_vkeys(out):
    name = "lena@archive.example.net"
    good = KEYS["lena"].vkey.encode()
    prime = KEYS["lena"].vkey.public_key

    def vkey(label, kind, public_key, why, name=name):
        body = fmt.encode_base64(bytes([kind]) + public_key)
        identity = fmt.encode_hex(fmt.key_id(name, kind, public_key))
        out.add("vkey", label, b"%s+%s+%s\n" % (name.encode(), identity, body), why)

    vkey("short", 1, prime[:31], "31 bytes of key")
    vkey("long", 1, prime + b"\0", "33 bytes of key")
    vkey("unknown-type", 2, prime, "a type that is not Ed25519")
    vkey("cosignature-type", 4, prime, "a witness's type where a key of ours must stand")
    vkey("not-on-curve", 1, (2).to_bytes(32, "little"), "no point of the curve")
    vkey("not-canonical", 1, (fmt.P + 1).to_bytes(32, "little"), "y is not below the field prime")
    vkey("small-order", 1, bytes(32), "a point of small order")
    vkey("mixed-order", 1, fmt.point_encode(_mixed(prime)), "a point of mixed order")
    vkey("name-with-space", 1, prime, "a name with a space", "lena m")
    vkey("name-too-long", 1, prime, "a name of 65 characters", "n" * 65)
    out.add("vkey", "other-id", swap(good, KEYS["lena"].vkey.key_id.hex().encode(), b"00000000") + b"\n",
            "the key id of something else")
    out.add("vkey", "upper-case-id", swap(good, KEYS["lena"].vkey.key_id.hex().encode(),
                                          KEYS["lena"].vkey.key_id.hex().upper().encode()) + b"\n",
            "a key id in upper case")
    out.add("vkey", "no-key", good.rpartition(b"+")[0] + b"\n", "only name and key id")


def malformed_entries(out):
    malformed_heads(out)
    malformed_signatures(out)
    malformed_fields(out)


def malformed_heads(out):
    lena, commitment = KEYS["lena"].vkey, {"record": fixed_bytes("a commitment")}

    def capture(name, why, *replace, **head):
        out.entry(name, why, "capture", commitment, "lena", replace or None, **head)

    capture("leading-zero", "a number with a leading zero", b"entry 5", b"entry 05")
    capture("sign", "a number with a sign", b"entry 5", b"entry +5")
    capture("number-too-large", "a number above 2^53-1", b"entry 5", b"entry 9007199254740992")
    capture("no-such-date", "29 February 2021", recorded="2021-02-29T00:00:00Z")
    capture("no-such-second", "second 60", recorded="2021-02-28T23:59:60Z")
    capture("local-time", "a time that does not end in Z", b":12Z", b":12+00:00")
    digest = fmt.encode_hex(commitment["record"])
    capture("upper-case-digest", "a digest in upper case", digest, digest.upper())
    capture("missing-line", "no line `keyring`", b"keyring 1\n", b"")
    capture("wrong-order", "`keyring` before `previous`", b"previous sha256:%s\nkeyring 1\n" % (
        fmt.encode_hex(fixed_bytes("entry 4"))), b"keyring 1\nprevious sha256:%s\n" % (
        fmt.encode_hex(fixed_bytes("entry 4"))))
    capture("unknown-line", "a line that this kind does not have", b"record sha256:", b"colour green\nrecord sha256:")
    capture("repeated-line", "a line that may stand once stands twice", b"keyring 1\n", b"keyring 1\nkeyring 1\n")
    capture("two-spaces", "two spaces after the key", b"keyring 1", b"keyring  1")
    capture("version-leading-zero", "a version with a leading zero", b"/v1\n", b"/v01\n")
    capture("reserved-origin", "an origin that starts with vidimus/", b"ledger archive", b"ledger vidimus/archive")
    capture("entry-0", "entry 0 is not genesis", entry=0, keyring=0)
    capture("keyring-itself", "`keyring` names no earlier entry", keyring=5)
    capture("other-signer", "the signature line is not by `signer`", fmt.encode_key_ref(lena.ref),
            fmt.encode_key_ref(KEYS["tomas"].vkey.ref))


def malformed_signatures(out):
    good = out.archive.notes[2]
    line = fmt.encode_signature_line(fmt.decode_note(good).signatures[0])
    out.add("entry", "two-signatures", good + line, "an entry has one signature line")
    note = fmt.decode_note(good)
    longer = note.signatures[0]._replace(payload=bytes(8) + note.signatures[0].payload)
    out.add("entry", "cosignature", fmt.encode_note(note.text, [longer]), "a signature of 72 bytes")


def malformed_fields(out):
    lena, commitment = KEYS["lena"].vkey, {"record": fixed_bytes("a commitment")}
    authorize = {"action": "authorize", "role": "signer", "key": lena}
    audit = {"checkpoint": (4, fixed_bytes("a root")), "mode": "full", "covered": [(1, 3)], "documents": 1,
             "missing": 0, "corrupt": 0, "repaired": 0}
    withdrawal = {"withdraws": 2, "scope": "both", "decided-by": b"decision 4"}
    out.entry("genesis-later", "genesis that is not entry 0", "genesis", {
        "authority": KEYS["authority"].vkey, "ledger-key": KEYS["ledger"].vkey, "software": SOFTWARE})
    out.entry("since-without-revoke", "`since` in an authorization", "key", {**authorize, "since": 3})
    out.entry("revoke-without-since", "a revocation without `since`", "key", {**authorize, "action": "revoke"})
    out.entry("unknown-role", "a role that does not exist", "key", authorize, replace=(b"role signer", b"role reader"))
    out.entry("mixed-order-key", "a key of mixed order", "key", {**authorize, "key": lena._replace(
        public_key=fmt.point_encode(_mixed(lena.public_key)))})
    out.entry("empty-reason", "a value of no characters", "key", {**authorize, "reason": b"x"},
              replace=(b"reason x", b"reason "))
    out.entry("space-at-end", "a space at the end that is not escaped", "key", {**authorize, "reason": b"x"},
              replace=(b"reason x", b"reason x "))
    out.entry("escaped-letter", "an escape where none is needed", "key", {**authorize, "reason": b"x"},
              replace=(b"reason x", b"reason \\x78"))
    out.entry("c1-control", "U+0085 that is not escaped", "key", {**authorize, "reason": b"x"},
              replace=(b"reason x", b"reason \xc2\x85"))
    out.entry("amends-later", "an amendment of no earlier entry", "amendment", {"amends": 5, **commitment}, "lena")
    out.entry("unknown-scope", "a scope that does not exist", "withdrawal", withdrawal,
              replace=(b"scope both", b"scope all"))
    out.entry("ranges-touch", "ranges that are not merged", "audit", audit, "weekly",
              (b"covered 1-3", b"covered 1,2-3"))
    out.entry("ranges-fall", "ranges that do not rise", "audit", audit, "weekly", (b"covered 1-3", b"covered 3,1"))
    out.entry("range-of-one", "a range from a number to itself", "audit", audit, "weekly",
              (b"covered 1-3", b"covered 3-3"))
    out.entry("short-root", "a root of 31 bytes", "audit", {**audit, "checkpoint": (4, bytes(31))}, "weekly")


def malformed_records(out):
    good = out.archive.records[2].encode()
    document = good.split(b"\n")[2]

    def record(name, why, *replace):
        out.add("record", name, swap(good, *replace), why)

    record("short-secret", "a secret of 31 bytes", good.split(b"\n")[1], good.split(b"\n")[1][:-2])
    record("no-secret", "no line `secret`", good.split(b"\n")[1] + b"\n", b"")
    record("no-document", "no line `document`", document + b"\n", b"")
    record("document-second", "`document` is not line 0", document + b"\ntitle Opening hours",
           b"title Opening hours\n" + document)
    record("no-size", "`document` without a size", document, document.rpartition(b" ")[0])
    record("wrong-order", "`title` after `note`", b"title Opening hours\nnote one", b"note one\ntitle Opening hours")
    record("two-titles", "a second title", b"title Opening hours", b"title Opening hours\ntitle Hours")
    record("two-issued", "a second `issued`", b"title Opening hours", b"title Opening hours\nissued 2021\nissued 2022")
    record("unknown-key", "a key that is not in the list", b"title Opening hours", b"colour green")
    record("unknown-stated", "`unknown` names a key that has a line", b"note one", b"unknown title\nnote one")
    record("unknown-secret", "`unknown` names `secret`", b"note one", b"unknown secret\nnote one")
    record("inferred-document", "`inferred` names `document`", b"note one", b"inferred document x\nnote one")
    record("inferred-nothing", "`inferred` without a value", b"note one", b"inferred source\nnote one")
    record("half-derived", "an offset without a length", b"title ", b"derived-from not-held 5 - cut\ntitle ")
    record("derived-no-method", "`derived-from` without a method", b"title ", b"derived-from not-held - -\ntitle ")
    record("header-no-value", "a header without a value", b"note one", b"note one\nheader Date:")
    record("field-colon", "a name with a colon", b"note one", b"note one\nfield a:b: c")
    record("tab", "a TAB that is not escaped", b"note one", b"note\tone")
    record("empty-line", "an empty line", b"note one", b"\nnote one")
    out.add("record", "no-last-newline", good[:-1], "the last line does not end in LF")


def malformed_disclosures(out):
    record = out.archive.records[2]
    good = fmt.disclose(record, ("document", "title")).encode()
    lines = good.split(b"\n")

    def disclosure(name, why, *replace):
        out.add("disclosure", name, swap(good, *replace), why)

    disclosure("wrong-count", "`lines` is not their number", b"lines 3", b"lines 4")
    disclosure("index-twice", "an index that stands twice", b"\n1 open", b"\n0 open")
    disclosure("neither", "a line that is neither open nor hidden", b"2 hidden", b"2 closed")
    disclosure("hidden-text", "a hidden line with text", lines[4], lines[4] + b" note one")
    disclosure("short-salt", "a salt of 31 bytes", lines[3], lines[3][:7] + lines[3][9:])
    title, document = b"title Opening hours", record.lines[0]
    out.add("disclosure", "document-second", swap(fmt.disclose(record, ("title",)).encode(), title, document),
            "`document` at an index that is not 0")
    out.add("disclosure", "title-first", swap(fmt.disclose(record, ("document",)).encode(), document, title),
            "line 0 is open and not `document`")
    disclosure("bad-escape", "an open line that is not escaped as it must be", b"Opening hours", b"Opening hours ")
    out.add("disclosure", "no-lines", b"vidimus/disclosure/v1\nlines 0\n", "a record has at least one line")
    order = fmt.disclose(fmt.Record(record.secret, [record.lines[0], b"title T", b"note N"]),
                         ("document", "title", "note")).encode()
    out.add("disclosure", "wrong-order", swap(swap(order, b"title T", b"note T"), b"note N", b"title N"),
            "open lines are not in the record's order")


def malformed_checkpoints(out):
    good = fmt.decode_note(out.checkpoint).text

    def checkpoint(name, why, text):
        out.add("checkpoint", name, fmt.sign_note(text, KEYS["ledger"]), why)

    checkpoint("extension", "a line after the root", good + b"more\n")
    checkpoint("leading-zero", "a size with a leading zero", swap(good, b"\n3\n", b"\n03\n"))
    checkpoint("short-root", "a root of 31 bytes", fmt.checkpoint_text(ORIGIN, 3, bytes(31)))
    checkpoint("no-root", "only origin and size", good[:good.rindex(b"\n", 0, -1) + 1])
    checkpoint("reserved-origin", "an origin that starts with cosignature/", b"cosignature/" + good)
    checkpoint("origin-with-space", "an origin with a space", swap(good, b"archive", b"the archive"))
    checkpoint("root-of-nothing", "size 0 with a root that is not that of the empty tree",
               fmt.checkpoint_text(ORIGIN, 0, bytes(32)))
    out.add("checkpoint", "unsigned", good + b"\n", "no signature line")


def malformed_proofs(out):
    good = out.archive.proof(2, out.checkpoint, extra=out.archive.notes[2])
    lines = good.split(b"\n")

    def proof(name, why, *replace):
        out.add("proof", name, swap(good, *replace), why)

    proof("other-version", "another version", b"@v1", b"@v2")
    proof("leading-zero", "an index with a leading zero", b"index 2", b"index 02")
    proof("no-index", "no line `index`", b"index 2\n", b"")
    proof("extra-after-index", "`extra` after `index`", lines[1] + b"\nindex 2", b"index 2\n" + lines[1])
    proof("empty-extra", "`extra` without a value", lines[1], b"extra ")
    proof("short-hash", "a hash of 31 bytes", lines[3], fmt.encode_base64(bytes(31)))
    proof("no-blank-line", "no blank line before the checkpoint", lines[3] + b"\n\n", lines[3] + b"\n")
    proof("too-many-hashes", "64 hashes", lines[3], b"\n".join([lines[3]] * 64))
    proof("bad-checkpoint", "its checkpoint is malformed", b"\n3\n", b"\n03\n")


def malformed_fork_proofs(out):
    fork = Fork()
    two, same = fork.proof(5, 8), fork.proof(7, 7)
    good = fmt.encode_fork_proof(two)
    root = b"root " + fmt.encode_base64(two.root) + b"\n"
    hashes = [fmt.encode_base64(item) for item in two.hashes]

    def proof(name, why, *replace):
        out.add("fork-proof", name, swap(good, *replace), why)

    def parts(name, why, whole=two, **changes):
        out.add("fork-proof", name, fmt.encode_fork_proof(whole._replace(**changes)), why)

    def checkpoint(size, tree_root, origin=ORIGIN):
        return fmt.sign_note(fmt.checkpoint_text(origin, size, tree_root), KEYS["ledger"])

    proof("other-version", "another version", b"fork-proof/v1", b"fork-proof/v2")
    proof("no-key", "no line `ledger-key`", b"ledger-key " + two.key.encode() + b"\n", b"")
    parts("other-name", "a key that is not named like the ledger", key=KEYS["lena"].vkey)
    proof("other-key-id", "a key id that does not fit", b"ledger-key " + two.key.encode()[:-45],
          b"ledger-key " + KEYS["ledger2"].vkey.encode()[:-45])
    proof("no-root", "two sizes and no root", root, b"")
    proof("short-root", "a root of 31 bytes", root, b"root " + fmt.encode_base64(bytes(31)) + b"\n")
    proof("root-after-hashes", "the root stands after the first hash",
          root + hashes[0] + b"\n", hashes[0] + b"\n" + root)
    proof("short-hash", "a hash of 31 bytes", hashes[0], fmt.encode_base64(bytes(31)))
    parts("too-many-hashes", "64 hashes", hashes=[bytes(32)] * 64)
    proof("no-blank-line", "no blank line before the checkpoints", hashes[-1] + b"\n\n", hashes[-1] + b"\n")
    out.add("fork-proof", "one-checkpoint", good[:good.rindex(b"\n" + ORIGIN.encode())], "only one checkpoint")
    out.add("fork-proof", "last-newline", good + b"\n", "a byte after the end")
    parts("same-root", "its root is that of the smaller checkpoint: no contradiction",
          root=fmt.tree_root(fork.left.leaves(5)))
    parts("larger-first", "the larger checkpoint stands first", notes=two.notes[::-1])
    parts("roots-fall", "two of one size in the wrong order", same, notes=same.notes[::-1])
    parts("roots-equal", "twice the same", same, notes=[same.notes[0]] * 2)
    parts("root-of-one-size", "one size and a root", same, root=two.root)
    out.add("fork-proof", "hashes-of-one-size", swap(fmt.encode_fork_proof(same), b"\n\n" + same.notes[0],
            b"\n" + hashes[0] + b"\n\n" + same.notes[0]), "one size and hashes")
    parts("of-nothing", "a checkpoint of size 0", notes=[checkpoint(0, fmt.EMPTY_ROOT), two.notes[1]])
    parts("other-origin", "a checkpoint of another ledger", notes=[checkpoint(5, two.root, "x.example"), two.notes[1]])
    proof("bad-checkpoint", "a checkpoint is malformed", b"\n8\n", b"\n08\n")


def malformed_seals(out):
    size, root = out.archive.tree_head()
    good = fmt.seal_text({"ledger": ORIGIN, "created": CREATED, "checkpoint": (size, root),
                          "selection": fixed_bytes("a selection"), "tagmanifest": fixed_bytes("a tag manifest")})

    def seal(name, why, *replace):
        out.add("seal", name, fmt.sign_note(swap(good, *replace), KEYS["lena"]), why)

    selection = b"selection sha256:" + fmt.encode_hex(fixed_bytes("a selection")) + b"\n"
    seal("no-selection", "no line `selection`", selection, b"")
    seal("wrong-order", "`selection` before `created`", b"created ", selection + b"created ")
    seal("unknown-line", "a line that a seal does not have", b"created ", b"purpose a trial\ncreated ")
    seal("no-zone", "a time that does not end in Z", b"00Z", b"00")
    seal("other-version", "another version", b"/v1\n", b"/v2\n")
    out.add("seal", "two-signatures", fmt.sign_note(good, KEYS["lena"], KEYS["tomas"]),
            "a seal has one signature line")


def malformed_requests(out):
    good = revocation_request(out.archive)

    def request(name, why, *replace):
        out.add("request", name, swap(good, *replace), why)

    vkey = KEYS["authority"].vkey.encode()
    request("other-version", "another version", b"request/v1", b"request/v2")
    request("no-checkpoint", "no line `checkpoint`", good.split(b"\n")[2] + b"\n", b"")
    request("wrong-order", "`effect` before `checkpoint`", b"checkpoint ", b"effect early\ncheckpoint ")
    request("unknown-line", "a line that a request does not have", b"effect This", b"hurry yes\neffect This")
    request("bad-escape", "an effect that is not in its one form", b"effect This", b"effect \\x41 This")
    request("no-blank-line", "no empty line before the entry", b"1.\n\nvidimus", b"1.\nvidimus")
    request("other-place", "the entry does not go on from the checkpoint", b"\nentry 3\n", b"\nentry 4\n")
    request("other-authority", "the entry is to be signed by another key", b"authority " + vkey,
            b"authority " + KEYS["tomas"].vkey.encode())
    request("bad-entry", "a revocation without `since`", b"since 2\n", b"")
    request("two-line-ends", "something follows the entry", b"laptop stolen\n", b"laptop stolen\n\n")
    capture = fmt.encode_fields({"record": fixed_bytes("a record")}, fmt.ENTRY_LAYOUTS["capture"])
    body = good[good.index(b"action revoke"):]
    out.add("request", "capture", swap(swap(good, b"vidimus/key/v1", b"vidimus/capture/v1"), body, capture[0] + b"\n"),
            "a capture is not for the authority to sign")


# -------------------------------------------------------------------------------------------------------- Ed25519

ORDER_8 = fmt.point_decode(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))


def _mixed(public_key, torsion=1):
    """A public key plus a point of small order."""
    return fmt.point_add(fmt.point_decode(public_key), fmt.point_multiply(torsion, ORDER_8))


def _base(scalar):
    return fmt.point_multiply(scalar, fmt.BASE)


class Edge:
    """Signatures made from their parts: a nonce r, a secret scalar a, and points of small order added at will."""

    def __init__(self):
        self.cases = []
        self.scalar = int.from_bytes(fixed_bytes("a secret scalar"), "little") % fmt.L
        self.key = fmt.point_encode(_base(self.scalar))

    def add(self, name, valid, public_key, message, signature):
        self.cases.append({"name": name, "valid": valid, "public_key": public_key.hex(), "message": message.hex(),
                           "signature": signature.hex()})

    def forge(self, name, public_key, torsion_of_r=0, scalar=None, residue=None):
        """The first message for which S = r + h*a, with h of the given residue modulo 8."""
        scalar = self.scalar if scalar is None else scalar
        r = int.from_bytes(fixed_bytes(f"nonce {name}"), "little") % fmt.L
        encoded_r = fmt.point_encode(fmt.point_add(_base(r), fmt.point_multiply(torsion_of_r, ORDER_8)))
        for attempt in range(1000):
            message = f"{name}, {attempt}".encode()
            h = fmt.hash_scalar(encoded_r, public_key, message)
            if residue is None or h % 8 == residue:
                break
        s = (r + h * scalar) % fmt.L
        self.add(name, False, public_key, message, encoded_r + s.to_bytes(32, "little"))

    def nonceless(self, name, encoded_r, message=b"R was chosen first"):
        """R is a point of small order, and S = h*a."""
        s = fmt.hash_scalar(encoded_r, self.key, message) * self.scalar % fmt.L
        self.add(name, False, self.key, message, encoded_r + s.to_bytes(32, "little"))


def ed25519_cases():
    edge = Edge()
    seed, message = fixed_bytes("an ordinary key"), b"An ordinary message."
    key, signature = fmt.ed25519_public_key(seed), fmt.ed25519_sign(seed, message)
    s = int.from_bytes(signature[32:], "little")
    edge.add("ordinary", True, key, message, signature)
    edge.add("empty message", True, key, b"", fmt.ed25519_sign(seed, b""))
    edge.add("message of 1000 bytes", True, key, bytes(1000), fmt.ed25519_sign(seed, bytes(1000)))
    edge.add("another message", False, key, message + b".", signature)
    edge.add("another key", False, edge.key, message, signature)
    edge.add("a bit of R changed", False, key, message, bytes([signature[0] ^ 1]) + signature[1:])
    edge.add("a bit of S changed", False, key, message, signature[:32] + bytes([signature[32] ^ 1]) + signature[33:])
    edge.add("R and S swapped", False, key, message, signature[32:] + signature[:32])
    for times in (1, 2, 15):
        edge.add(f"S plus {times} times L", False, key, message,
                 signature[:32] + (s + times * fmt.L).to_bytes(32, "little"))
    edge.add("top bit of S set", False, key, message, signature[:63] + bytes([signature[63] | 0x80]))
    edge.add("signature cut short", False, key, message, signature[:63])
    edge.add("signature with a byte more", False, key, message, signature + b"\0")
    edge.add("no signature", False, key, message, b"")
    edge.add("key cut short", False, key[:31], message, signature)
    edge.add("signed with a context", False, key, message, _sign_with_context(seed, message))
    _key_cases(edge)
    _nonce_cases(edge)
    return edge.cases


def _sign_with_context(seed, message):
    """Ed25519ctx of RFC 8032: another scheme under the same key."""
    prefix = b"SigEd25519 no Ed25519 collisions\0\x03ctx"
    scalar, nonce_key = fmt.expand_seed(seed)
    r = fmt.hash_scalar(prefix, nonce_key, message)
    encoded_r = fmt.point_encode(_base(r))
    s = (r + fmt.hash_scalar(prefix, encoded_r, fmt.point_encode(_base(scalar)), message) * scalar) % fmt.L
    return encoded_r + s.to_bytes(32, "little")


def _key_cases(edge):
    """Keys that are no canonical encoding of a point of prime order. In all but two the equation itself holds."""
    torsion = [fmt.point_encode(fmt.point_multiply(times, ORDER_8)) for times in range(8)]
    edge.forge("A is the neutral point", torsion[0], scalar=0)
    edge.forge("A has order 2", torsion[4], scalar=0, residue=0)
    edge.forge("A has order 4", torsion[2], scalar=0, residue=4)
    edge.forge("A has order 8", torsion[1], scalar=0, residue=0)
    mixed = fmt.point_encode(_mixed(edge.key))
    edge.forge("A has mixed order, the equation holds", mixed, residue=0)
    edge.forge("A has mixed order, it holds with the cofactor only", mixed, residue=3)
    edge.forge("A and R have mixed order, the equation holds", mixed, torsion_of_r=7, residue=1)
    edge.forge("A is not canonical: y = p + 1", (fmt.P + 1).to_bytes(32, "little"), scalar=0)
    edge.forge("A is not canonical: x = 0 with the sign bit", (1 | 1 << 255).to_bytes(32, "little"), scalar=0)
    edge.forge("A is no point of the curve", (2).to_bytes(32, "little"))


def _nonce_cases(edge):
    edge.forge("R has mixed order, it holds with the cofactor only", edge.key, torsion_of_r=1)
    edge.nonceless("R is the neutral point, the equation holds", fmt.point_encode(fmt.IDENTITY))
    edge.nonceless("R has order 8, it holds with the cofactor only", fmt.point_encode(ORDER_8))
    edge.nonceless("R is not canonical: y = p + 1", (fmt.P + 1).to_bytes(32, "little"))
    edge.nonceless("R is not canonical: x = 0 with the sign bit", (1 | 1 << 255).to_bytes(32, "little"))


# -------------------------------------------------------------------------------------------------------- keyring

def keyring_table():
    return {"origin": ORIGIN, "validity": validity_cases(), "rules": rule_cases(), "checkpoints": checkpoint_keys()}


def validity_cases():
    """A signer authorized at 3; retired at 9; or revoked at 9 with since 7: before, at and after each of these."""
    edges = {"authorized": (3, (False, False, True)), "retired": (9, (True, False, False)),
             "revoked": (7, (True, False, False))}
    return [{"state": state, "when": when, "authorized": 3, "retired": 9 if state == "retired" else None,
             "revoked": 9 if state == "revoked" else None, "since": 7 if state == "revoked" else None,
             "entry": edge + offset, "valid": valid}
            for state, (edge, verdicts) in edges.items()
            for when, offset, valid in zip(("before", "at", "after"), (-1, 0, 1), verdicts)]


def rule_cases():
    """Key entries, each right after genesis and the authorization of `lena` as signer at entry 3. Those listed in
    `malformed` break a rule and have no effect; `end` is the first entry for which lena's key is no longer valid."""
    lena, tomas = KEYS["lena"].vkey, KEYS["tomas"].vkey

    def entry(number, action, role="signer", key=lena, **since):
        return {"entry": number, "action": action, "role": role, "key": key.encode().decode(), **since}

    rows = [
        ("authorized again", [entry(5, "authorize")], [5], None),
        ("authorized in a second role", [entry(5, "authorize", "auditor")], [5], None),
        ("the same key under another name", [entry(5, "authorize", key=lena._replace(name="lm"))], [5], None),
        ("authorized again after its retirement", [entry(5, "retire"), entry(6, "authorize")], [6], 5),
        ("retired in another role", [entry(5, "retire", "auditor")], [5], None),
        ("a key that is not authorized is retired", [entry(5, "retire", key=tomas)], [5], None),
        ("retired twice", [entry(5, "retire"), entry(6, "retire")], [6], 5),
        ("revoked, then retired", [entry(6, "revoke", since=5), entry(7, "retire")], [7], 5),
        ("retired, then revoked further back", [entry(6, "retire"), entry(7, "revoke", since=5)], [], 5),
        ("retired, then revoked from later on", [entry(6, "retire"), entry(8, "revoke", since=7)], [8], 6),
        ("revoked twice, further back", [entry(8, "revoke", since=7), entry(9, "revoke", since=5)], [], 5),
        ("revoked since its authorization", [entry(5, "revoke", since=3)], [5], None),
        ("revoked since the entry after its authorization", [entry(5, "revoke", since=4)], [], 4),
        ("revoked since the revocation", [entry(5, "revoke", since=5)], [], 5),
        ("revoked since a later entry", [entry(5, "revoke", since=6)], [5], None),
        ("a signer named like the origin", [entry(5, "authorize", key=tomas._replace(name=ORIGIN))], [5], None),
        ("a ledger key not named like the origin", [entry(5, "authorize", "ledger", key=tomas)], [5], None),
        ("the authority as signer", [entry(5, "authorize", key=KEYS["authority"].vkey)], [5], None)]
    return [{"why": why, "entries": entries, "malformed": malformed, "end": end}
            for why, entries, malformed, end in rows]


def checkpoint_keys():
    """The key that signs the checkpoint of each size of the sample ledger."""
    keyring = fmt.Keyring(ORIGIN)
    archive = sample_archive()
    for number in archive.keyring_numbers:
        keyring.apply(fmt.decode_entry(archive.notes[number]))
    return [{"size": size, "key": keyring.ledger_key_at(size).vkey.encode().decode()}
            for size in (1, 2, 14, 15, 16, 22)]


# --------------------------------------------------------------------------------------------------------- Merkle

def merkle_table():
    leaves = [fmt.leaf_hash(b"leaf %d" % number) for number in range(40)]
    return {"leaf_data": "the ASCII text `leaf N`, N from 0",
            "roots": [fmt.tree_root(leaves[:size]).hex() for size in range(41)],
            "inclusion": inclusion_cases(leaves), "consistency": consistency_cases(leaves)}


def _case(valid, why, proof, **values):
    return {"valid": valid, "why": why, **values, "proof": [item.hex() for item in proof]}


def _bad_proofs(proof):
    """(why, proof) for changes after which a proof of at least two hashes must fail."""
    flipped = bytes([proof[0][0] ^ 1]) + proof[0][1:]
    yield "a bit of the first hash changed", [flipped, *proof[1:]]
    yield "the last hash is missing", proof[:-1]
    yield "a hash too many", [*proof, proof[-1]]
    yield "the first two hashes swapped", [proof[1], proof[0], *proof[2:]]
    yield "no hashes", []


def inclusion_cases(leaves):
    cases = []
    for size, index in ((1, 0), (2, 0), (2, 1), (3, 2), (5, 4), (7, 6), (8, 3), (13, 12), (21, 16), (40, 39), (40, 0)):
        proof = fmt.inclusion_proof(leaves[:size], index)
        root, leaf = fmt.tree_root(leaves[:size]).hex(), leaves[index].hex()
        cases.append(_case(True, "good", proof, size=size, index=index, leaf=leaf, root=root))
    for why, changed in _bad_proofs(proof):
        cases.append(_case(False, why, changed, size=size, index=index, leaf=leaf, root=root))
    values = {"size": 40, "index": 0, "leaf": leaf, "root": root}
    for why, change in (("another index", {"index": 1}), ("an index outside the tree", {"index": 40}),
                        ("another leaf", {"leaf": leaves[1].hex()}), ("a size of zero", {"size": 0}),
                        ("another root", {"root": fmt.tree_root(leaves[:39]).hex()}),
                        ("a size too large", {"size": 80})):
        cases.append(_case(False, why, proof, **{**values, **change}))
    return cases


def consistency_cases(leaves):
    cases = []
    for old, size in ((1, 1), (1, 2), (2, 3), (3, 4), (4, 8), (6, 7), (7, 8), (8, 21), (13, 40), (32, 40), (39, 40)):
        proof = fmt.consistency_proof(leaves[:size], old)
        roots = {"old_root": fmt.tree_root(leaves[:old]).hex(), "root": fmt.tree_root(leaves[:size]).hex()}
        cases.append(_case(True, "good", proof, old_size=old, size=size, **roots))
    for why, changed in _bad_proofs(proof):
        cases.append(_case(False, why, changed, old_size=old, size=size, **roots))
    values = {"old_size": 39, "size": 40, **roots}
    for why, change in (("sizes swapped", {"old_size": 40, "size": 39}), ("from the empty tree", {"old_size": 0}),
                        ("another old root", {"old_root": roots["root"]}),
                        ("another root", {"root": roots["old_root"]}), ("same size, a proof", {"old_size": 40}),
                        ("another old size", {"old_size": 38})):
        cases.append(_case(False, why, proof, **{**values, **change}))
    same = {"old_size": 40, "size": 40, "old_root": roots["old_root"], "root": roots["root"]}
    return cases + [_case(False, "same size, other roots", [], **same)]


# ----------------------------------------------------------------------------------------------------------- files

def as_json(value):
    return json.dumps(value, indent=1).encode() + b"\n"


def all_files():
    return {**ledger_files(), **fork_files(), **malformed_files(), **bundle_files(),
            "ed25519.json": as_json(ed25519_cases()),
            "keyring.json": as_json(keyring_table()), "merkle.json": as_json(merkle_table())}


def files_on_disk(folder):
    parts = ("ledger", "forks", "malformed", "bundles")
    found = [path for part in parts for path in (folder / part).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix() for path in found}


def differences(folder, files):
    for name, data in sorted(files.items()):
        path = folder / name
        if not path.is_file():
            yield f"missing    {name}"
        elif path.read_bytes() != data:
            yield f"different  {name}"
    for name in sorted(files_on_disk(folder) - set(files)):
        yield f"unknown    {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit with 1 if anything differs")
    parser.add_argument("--into", type=Path, default=HERE, metavar="FOLDER", help="another folder than this file's")
    options = parser.parse_args()
    files = all_files()
    if not options.check:
        for name, data in files.items():
            path = options.into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    found = list(differences(options.into, files))
    print("\n".join(found or [f"{len(files)} files as they must be"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
