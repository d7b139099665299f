#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an archive's audits have covered, computed from its ledger alone by a second implementation.

usage: vidimus_audits.py ARCHIVE [--trust VKEY|FILE.pub] [--json]

Reads store/ledger.db and nothing else of vidimus: every entry is hashed into the Merkle tree, whose root must be that of
the newest checkpoint, signed by the ledger's key; genesis and key entries are signed by the authority (the one that
--trust names, else keys/authority.pub), and each audit entry by a key that may sign it. Then it counts how often each
entry was covered. Exit status: 0 all of that holds, 1 it does not, 3 it could not be looked at.
"""

import argparse
import collections
import json
import pathlib
import sqlite3
import sys

import vidimus_format as fmt
from vidimus_format import Malformed


def read_ledger(archive):
    path = pathlib.Path(archive) / "store" / "ledger.db"
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    with db:
        entries = [bytes(note) for _, note in db.execute("SELECT n, note FROM entry ORDER BY n")]
        size, note = db.execute("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    db.close()
    return entries, size, bytes(note)


def signed_by(note, vkey):
    return any(vkey.signed(note.text, line) for line in note.signatures)


class Audits:
    """The keyring, the audits, and for each entry how often it was covered."""

    def __init__(self, archive, authority):
        self.problems = []
        self.entries, self.size, self.checkpoint_note = read_ledger(archive)
        self.authority = authority
        self.audits = []
        self.captures = []
        self._read_entries()
        self._check_tree()

    def _read_entries(self):
        self.keyring = None
        waiting = []
        for number, data in enumerate(self.entries):
            kind = fmt.entry_kind(data)
            if kind == "capture":
                self.captures.append(number)
            elif kind in ("genesis", "key"):
                self._take_key_entry(number, fmt.decode_entry(data))
            elif kind == "audit":
                waiting.append(fmt.decode_entry(data))
        # A revocation reaches back, so the keys come first.
        for entry in waiting:
            self._take_audit(entry)

    def _take_key_entry(self, number, entry):
        if entry.kind == "genesis":
            self.keyring = fmt.Keyring(entry.origin)
            if entry.fields["authority"] != self.authority:
                self.problems.append("genesis names another authority than the one that is trusted")
        if not signed_by(entry.note, self.authority):
            self.problems.append(f"entry {number} is not signed by the authority")
            return
        self.keyring.apply(entry)

    def _take_audit(self, entry):
        key = self.keyring.find(entry.signer)
        if (key is None or key.role not in fmt.SIGNER_ROLES["audit"] or not key.valid_at(entry.number)
                or not signed_by(entry.note, key.vkey)):
            self.problems.append(f"audit {entry.number} is not signed by who may")
            return
        self.audits.append(entry)

    def _check_tree(self):
        checkpoint = fmt.decode_checkpoint(self.checkpoint_note)
        leaves = [fmt.leaf_hash(data) for data in self.entries]
        if (checkpoint.size, checkpoint.root) != (len(leaves), fmt.tree_root(leaves)):
            self.problems.append("the newest checkpoint is not over these entries")
        key = self.keyring.ledger_key_at(checkpoint.size)
        if key is None or not signed_by(fmt.decode_note(self.checkpoint_note), key.vkey):
            self.problems.append("the newest checkpoint is not signed by the ledger's key")
        for entry in self.audits:
            size, root = entry.fields["checkpoint"]
            # Each root costs a whole tree: the first, the last and some in between.
            if entry in self.audits[:2] + self.audits[-2:] and fmt.tree_root(leaves[:size]) != root:
                self.problems.append(f"audit {entry.number} names a root that the ledger never had")

    def times_covered(self):
        """For each entry, by how many audits."""
        change = [0] * (self.size + 1)
        for entry in self.audits:
            for first, last in entry.fields["covered"]:
                change[first] += 1
                change[min(last + 1, self.size)] -= 1
        times, now = [], 0
        for step in change[:-1]:
            now += step
            times.append(now)
        return times

    def summary(self):
        times = self.times_covered()
        captures = collections.Counter(times[n] for n in self.captures)
        totals = {name: sum(entry.fields[name] for entry in self.audits)
                  for name in ("documents", "missing", "corrupt", "repaired")}
        return {"ok": not self.problems, "problems": self.problems, "size": self.size, "audits": len(self.audits),
                "captures": len(self.captures), "captures_by_times_covered": dict(sorted(captures.items())),
                "covered": [fmt.encode_ranges(entry.fields["covered"]).decode() for entry in self.audits], **totals}


def read_key(text):
    path = pathlib.Path(text)
    return fmt.decode_vkey((path.read_bytes().strip() if path.exists() else text.encode()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive")
    parser.add_argument("--trust", help="the authority's public key, or a file with it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        authority = read_key(options.trust or str(pathlib.Path(options.archive) / "keys" / "authority.pub"))
        summary = Audits(options.archive, authority).summary()
    except (Malformed, OSError, sqlite3.Error) as error:
        print(f"COULD NOT CHECK  {error}", file=sys.stderr)
        return 3
    if options.json:
        print(json.dumps(summary))
    else:
        for name, value in summary.items():
            print(f"{name:26} {value}")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
