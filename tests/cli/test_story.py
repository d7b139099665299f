#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ten years of one archive. What it holds, and how each bundle is judged at the end, stands here and is not asked."""

import calendar
import json
import os
import pathlib
import shutil
import sys
import time

import support

PYTHON_VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "interop/vidimus_verify.py"
AMAL, BADR, CELIA = (f"{name}@test.example" for name in ("amal", "badr", "celia"))
GOOD, UNKNOWN, BAD = "VERIFIED", "INTACT, KEY NOT TRUSTED", "ALTERED"

# Bundle: the size and the day that it is as of; its verdict for who trusts the authority's key, the first ledger key,
# the second. No bundle knows what was decided after it.
BUNDLES = {
    "b2016.tar": (5, "2016-03-01", GOOD, GOOD, UNKNOWN),
    "b2018.tar.gz": (11, "2018-06-12", GOOD, GOOD, UNKNOWN),
    "change.tar": (12, "2019-01-07", GOOD, GOOD, GOOD),
    "receipt.tar.zst": (14, "2019-04-30", GOOD, UNKNOWN, GOOD),
    "unaware.tar": (21, "2021-10-05", GOOD, UNKNOWN, GOOD),
    "revoked.tar.gz": (22, "2022-02-02", BAD, BAD, BAD),
    "partly.tar": (26, "2023-05-01", GOOD, UNKNOWN, GOOD),
    "all.tar.zst": (28, "2025-11-11", GOOD, UNKNOWN, GOOD),
}
FORGED = [17, 18, 19]       # what the thief signed with Badr's key; entry 21 revokes it since 17


class Story(support.Case):
    """The authority's key lies in another folder for all of the ten years."""

    def setUp(self):
        super().setUp()
        self.a, self.safe, self.day = str(self.dir / "a"), self.dir / "safe", None
        self.safe.mkdir()

    # ---- what is done in the archive

    def do(self, *words, code=0):
        now = calendar.timegm(time.strptime(self.day, "%Y-%m-%d"))
        return self.expect(code, "-C", self.a, *words, LD_PRELOAD=os.environ["FAKE_CLOCK"], FAKE_TIME=str(now),
                           ASAN_OPTIONS="verify_asan_link_order=0")

    def decide(self, *words):
        return self.do(*words, "--authority-key", str(self.safe / "authority.key"))

    def take(self, entry, who, name, text=None):
        """Imports one document and says which entry it becomes."""
        path = self.file(f"{entry}/{name}", text or f"What the {name} says.\n" * 9)
        r = self.do("import", path, "--signer", who, "--title", f"The {name}", "--source", f"https://e.example/{entry}",
                    "--json")
        self.assertTrue(r.json["checkpoint"].startswith(f"{support.ORIGIN}\n{entry + 1}\n"), str(r))

    def archivist(self, name):
        self.do("key", "new", name, "--role", "signer", "--no-passphrase")
        self.decide("key", "authorize", name, "--role", "signer")

    def hand_out(self, name, who, *words):
        self.do("bundle", "-o", str(self.dir / name), "--signer", who, *words)

    def signatures(self, size):
        return self.do("checkpoint", "--at", str(size)).out.count("\n\u2014 ")

    # ---- what is looked at

    def judged(self, code, *words):
        """By the archive's own check: (findings, notices) as pairs of kind and entry."""
        report = self.expect(code, "-C", self.a, "verify", "--json", *words).json
        return tuple([(seen["kind"], seen["entry"]) for seen in report[kind] if seen["entry"] is not None]
                     for kind in ("findings", "notices"))

    def judge_bundles(self, key):
        """The reports on all bundles, in order, of both verifiers."""
        words = ["--json", "--trust", str(key), *(str(self.dir / name) for name in BUNDLES)]
        ours = self.expect(1, "verify", *words)
        theirs = self.expect(1, str(PYTHON_VERIFIER), *words, program=sys.executable)
        return {"C": dict(zip(BUNDLES, ours.lines, strict=True)),
                "Python": dict(zip(BUNDLES, theirs.lines, strict=True))}

    # ---- the years

    def two_archivists(self):
        self.day = "2016-03-01"
        self.do("init", self.a, "--origin", support.ORIGIN, "--signer", AMAL, "--no-passphrase")    # 0, 1
        shutil.move(self.a + "/keys/authority.key", self.safe)
        shutil.copy(self.a + "/keys/ledger.pub", self.safe / "first-ledger.pub")
        self.take(2, AMAL, "pier", "The pier is closed until spring.\n")
        self.take(3, AMAL, "bridge")
        self.take(4, AMAL, "school")
        self.hand_out("b2016.tar", AMAL, "--entries", "2-4")
        self.do("checkpoint", "-o", str(self.dir / "kept2016"))
        self.day = "2017-09-15"
        self.archivist(BADR)                                                                        # 5
        self.take(6, BADR, "copy", "The pier is closed until spring.\n")
        self.take(7, BADR, "market")

    def a_third_and_a_new_ledger_key(self):
        self.day = "2018-06-12"
        self.archivist(CELIA)                                                                       # 8
        self.take(9, CELIA, "hall")
        self.do("amend", "3", "--title", "The old bridge", "--signer", AMAL)                        # 10
        self.hand_out("b2018.tar.gz", AMAL, "--entries", "3,6,9")
        self.day = "2019-01-07"
        made = self.do("key", "new", "--role", "ledger", "--no-passphrase", "--json").json
        shutil.copy(f"{self.a}/keys/{made['file']}.pub", self.safe / "second-ledger.pub")
        self.decide("key", "authorize", support.ORIGIN, "--role", "ledger")                         # 11
        self.hand_out("change.tar", CELIA, "--entries", "3")
        self.decide("key", "retire", "old-ledger")                                                  # 12
        self.day = "2019-04-30"
        self.take(13, CELIA, "tram")
        self.assertEqual([self.signatures(n) for n in (11, 12, 13, 14)], [1, 2, 1, 1])
        self.hand_out("receipt.tar.zst", CELIA, "--entries", "7,13", "--without-documents")

    def one_retires_and_a_key_is_stolen(self):
        self.day = "2020-12-31"
        self.decide("key", "retire", AMAL, "--reason", "retires")                                   # 14
        self.assertIn("may sign", self.do("amend", "3", "--title", "x", "--signer", AMAL, code=3).err)
        self.do("amend", "3", "--title", "The new bridge", "--signer", CELIA)                       # 15
        self.take(16, BADR, "ferry")
        self.day = "2021-10-05"
        self.take(17, BADR, "first forgery")
        self.take(18, BADR, "second forgery")
        self.do("amend", "9", "--title", "The town hall", "--signer", BADR)                         # 19
        self.take(20, CELIA, "library")
        self.hand_out("unaware.tar", CELIA, "--entries", "16,17,20")
        self.assertEqual(self.judged(0), ([], []), "nobody knows yet")

    def revoked_and_vouched_for_again(self):
        self.day = "2022-02-02"
        self.decide("key", "revoke", BADR, "--since", "17", "--reason", "stolen")                   # 21
        self.assertEqual(self.judged(1), ([("signer-unauthorized", n) for n in FORGED], []))
        for finding in self.expect(1, "-C", self.a, "verify", "--json").json["findings"]:
            self.assertIn("revoked by entry 21 since 17", finding["message"])
        self.hand_out("revoked.tar.gz", CELIA, "--entries", "9,16,17")
        self.do("amend", "9", "17", "--vouch", "--signer", CELIA)                                   # 22, 23
        self.assertEqual(self.judged(1), ([("signer-unauthorized", 18)], [("re-attested", n) for n in (17, 19)]))
        self.do("amend", "18", "--note", "looked into, and good", "--signer", CELIA)                # 24
        self.assertEqual(self.judged(0), ([], [("re-attested", n) for n in FORGED]))

    def two_documents_are_taken_down(self):
        self.day = "2023-05-01"
        self.withdraw("2", "its document stays: entry 6 is a capture of it, too")                   # 25
        self.assertEqual(self.do("cat", "6").out, "The pier is closed until spring.\n")
        self.hand_out("partly.tar", CELIA, "--entries", "2,3,6", "--disclose", "document,title")
        self.day = "2025-11-11"
        self.withdraw("4", "its document, 198 bytes")                                               # 26
        self.withdraw("6", "its document, 33 bytes")                                                # 27
        self.assertIn("withdrawn by entry 27", self.do("cat", "6", code=3).err)
        self.hand_out("all.tar.zst", CELIA, "--all")

    def withdraw(self, n, said):
        r = self.decide("withdraw", n, "--decided-by", "the board", "--yes")
        self.assertIn(said, r.err)

    # ---- the end

    def the_archive(self):
        self.assertEqual(self.judged(0), ([], [("re-attested", n) for n in FORGED]))
        report = self.verified(self.a, 28)
        # 11 captures, two of them of one document, which is gone like that of entry 4.
        self.assertEqual(report["documents_checked"], 8)
        self.ok("-C", self.a, "verify", "--checkpoint", str(self.dir / "kept2016"))
        self.assertEqual(self.titles(), {3: "The new bridge", 7: "The market", 9: "The town hall", 13: "The tram",
                                         16: "The ferry", 17: "The first forgery", 18: "The second forgery",
                                         20: "The library"})
        self.assertFalse(os.path.exists(self.a + "/keys/authority.key"))

    def titles(self):
        listed = self.ok("-C", self.a, "log", "--json").lines
        return {line["entry"]: line["record"]["title"] for line in listed if "record" in line}

    def the_bundles(self):
        for column, key in enumerate((self.a + "/keys/authority.pub", self.safe / "first-ledger.pub",
                                      self.safe / "second-ledger.pub")):
            for verifier, reports in self.judge_bundles(key).items():
                for name, (size, day, *verdicts) in BUNDLES.items():
                    with self.subTest(name=name, verifier=verifier, key=str(key)):
                        said = reports[name]
                        self.assertEqual(said["verdict"], verdicts[column], json.dumps(said, indent=1))
                        self.assertEqual((said["size"], said["time"]), (size, day + "T00:00:00Z"))
                        self.assertEqual(self.seen(said, "findings", "signer-unauthorized"),
                                         [17, 19] if name == "revoked.tar.gz" else [])
                        self.assertEqual(self.seen(said, "notices", "re-attested"),
                                         FORGED if name == "all.tar.zst" else [])

    @staticmethod
    def seen(report, where, kind):
        return sorted(seen["entry"] for seen in report[where] if seen["kind"] == kind)

    def the_receipt(self):
        """What it is about is held by somebody else, and fits it still."""
        words = [str(self.dir / "receipt.tar.zst"), "--trust", self.a + "/keys/authority.pub", "--document"]
        for document, code in (("7/market", 0), ("13/tram", 0), ("16/ferry", 1)):
            self.expect(code, "verify", *words, str(self.dir / document))
            self.expect(code, str(PYTHON_VERIFIER), *words, str(self.dir / document), program=sys.executable)

    def test_ten_years(self):
        self.two_archivists()
        self.a_third_and_a_new_ledger_key()
        self.one_retires_and_a_key_is_stolen()
        self.revoked_and_vouched_for_again()
        self.two_documents_are_taken_down()
        self.the_archive()
        self.the_bundles()
        self.the_receipt()


if __name__ == "__main__":
    support.main()
