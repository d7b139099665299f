# SPDX-License-Identifier: MIT
"""The commands that are hurt, each with the archive it starts from and what has to hold afterwards."""

import hashlib
import re
import shutil

import support
from support import Archive, Wrong, must, run


TRIES = 5


class Scenario:
    """One command. `prepare` makes what every point starts from; `start` copies it for one point."""

    name = ""
    recovers = True  # there is something that `recover` finishes or undoes
    most = None  # so many points of it are enough, evenly spread; None: all
    threads = False  # they share the work as chance will have it

    def __init__(self, folder, judge):
        self.folder, self.judge = folder / self.name, judge
        self.env = {}
        self.folder.mkdir()
        self.prepare()

    def prepare(self):
        self.base = Archive.make(self.folder / "base")

    def start(self):
        self.end()
        self.archive = self.base.copy(self.folder / "now")

    def end(self):
        shutil.rmtree(self.folder / "now", ignore_errors=True)

    @property
    def touches(self):
        return self.folder / "now"

    def words(self):
        raise NotImplementedError

    def hurt(self, prefix=(), **env):
        """Runs the command once, perhaps under strace, and takes in what it acknowledged."""
        result = run(*self.words(), prefix=prefix, **env)
        self.told(result)
        return result

    def hurt_at(self, call, prefix, was_hit):
        """The same from the start, under prefix(call). With threads that call may not come: then one a little before."""
        for _ in range(TRIES if self.threads else 1):
            self.start()
            result = self.hurt(prefix(call))
            if was_hit(result):
                return result
            call = call._replace(number=max(1, call.number * 9 // 10))
        raise Wrong(f"the call was not made this time: {result}")

    def counts(self, call):
        """Is a fault at this call of a first run sure to come in the next?"""
        return True

    def told(self, result):
        pass

    def look(self, result):
        """What the command said and what is left, judged. Raises Lost or Wrong."""
        self.judge.archive(self.archive)


class Init(Scenario):
    """Until its end nothing is acknowledged. What it leaves is an archive, or `init` says what to remove."""

    name, recovers = "init", False

    def prepare(self):
        pass

    def start(self):
        self.end()
        self.archive = Archive(self.folder / "now")

    def words(self):
        return support.init_words(self.archive.path)

    def told(self, result):
        self.archive.acknowledged.told(result)

    def look(self, result):
        if not self.archive.acknowledged.size:
            support.try_init_again(self.archive)
        self.judge.archive(self.archive)


class Import(Scenario):
    """Documents of several sizes, one of them twice; the receipt tells of each."""

    name = "import"
    documents = 4

    def prepare(self):
        super().prepare()
        self.write()

    def write(self):
        source = self.folder / "src"
        self.given = support.write_documents(source, [f"{self.name}-{i}" for i in range(self.documents)])
        self.given |= support.write_documents(source, [f"{self.name}-large"], size=(1 << 20) + 7)
        shutil.copy(source / f"{self.name}-0.txt", source / "once more.txt")

    def words(self):
        return ["-C", self.archive.path, "import", self.folder / "src", "--json",
                "--receipt", self.archive.path / "receipt.csv"]

    def told(self, result):
        self.archive.acknowledged.told(result, self.given, self.archive.path / "receipt.csv")

    def look(self, result):
        told = result.json or {}
        if result.code == 0 and (told.get("imported", 0) + told.get("already_known", 0) != self.documents + 2
                                 or not told.get("checkpoint")):
            raise Wrong(f"done, but does not tell all: {result}")
        self.judge.archive(self.archive, rerun=(self.folder / "src", self.given))


class ImportBatches(Import):
    """Into an archive that holds something, in batches of a few documents: the clock runs fast."""

    name = "import-batches"
    documents = 9

    def __init__(self, folder, judge):
        super().__init__(folder, judge)
        self.env = {"LD_PRELOAD": support.built("fault_fast_clock")}

    def prepare(self):
        super().prepare()
        self.base.add("before", 3)


class ImportAhead(Import):
    """Files enough for several threads, which store them while others are recorded: each in a folder of its own, as so
    many folders end a group."""

    name, most, threads = "import-ahead", 200, True
    documents = 140

    def write(self):
        super().write()
        source = self.folder / "src"
        for path in sorted(source.glob(f"{self.name}-[0-9]*.txt")):
            path.with_suffix("").mkdir()
            path.rename(path.with_suffix("") / path.name)

    def counts(self, call):
        """How often each worker process is asked is chance."""
        return not re.search(r"<(pipe|socket|UNIX)", call.text)


class Amend(Scenario):
    """Three records at once. What was acknowledged stays; else the command is asked again."""

    name = "amend"

    def prepare(self):
        super().prepare()
        self.base.add("before", 3)
        (self.folder / "table.csv").write_text("entry,title\n2,two\n3,three\n4,four\n", "utf-8")

    def words(self):
        return ["-C", self.archive.path, "amend", "--metadata", self.folder / "table.csv", "--json"]

    def told(self, result):
        self.archive.acknowledged.told(result)

    def look(self, result):
        if result.code == 0 and len(self.archive.acknowledged.amended) != 3:
            raise Wrong(f"done, but does not tell all: {result}")
        self.judge.archive(self.archive)


class Withdraw(Scenario):
    """A capture with an amendment. Until the ledger has the withdrawal, all of it is there; then nothing is, wherever in
    the store one looks, once a command that writes went on with it. Until that the archive tells what is pending."""

    name, scope, entry = "withdraw", "both", 2
    document = support.document("goingqwqw", 700)

    def prepare(self):
        super().prepare()
        self.add("--title", "qwzxqwzx first")
        self.base.must("amend", self.entry, "--title", "qwzxqwzx bustanqw")
        self.base.add("staying", 3)
        for piece in self.pieces():
            if piece not in support.store_bytes(self.base):
                raise Wrong(f"the control: {piece} is not to be found")
        self.base.acknowledged.may_go(self.entry, self.document, *self.pieces())

    def pieces(self):
        digest = hashlib.sha256(self.document)
        return [digest.digest(), digest.hexdigest()[2:].encode(), b"qwzxqwzx", b"bustanqw"]

    def add(self, *options):
        path = self.folder / "a.txt"
        path.write_bytes(self.document)
        self.base.acknowledged.told(self.base.must("import", path, "--json", *options))

    def withdrawing(self, entry, scope):
        return ["withdraw", entry, "--scope", scope, "--decided-by", "officer 7", "--yes", "--json"]

    def words(self):
        return ["-C", self.archive.path, *self.withdrawing(self.entry, self.scope)]

    def told(self, result):
        self.archive.acknowledged.told(result)

    def look(self, result):
        if result.code == 0 and self.entry not in self.archive.acknowledged.withdrawn:
            raise Wrong(f"done, but does not tell all: {result}")
        self.pending_is_told()
        self.judge.archive(self.archive)

    def pending_is_told(self):
        seen = self.archive.run("verify", "--json")
        if seen.code == 3 and "recover" in seen.err:
            return
        if seen.code != 0:
            raise Wrong(f"a finding where there is none: {seen}")
        kinds = {n["kind"] for n in seen.json["notices"]}
        held = hashlib.sha256(self.document).hexdigest() in support.stored(self.archive.path)
        withdrawn = self.archive.must("show", self.entry, "--json").json["withdrawn"] is not None
        if withdrawn and held and "erasure-pending" not in kinds:
            raise Wrong("what is withdrawn is still there, and verify does not tell")


class WithdrawDocument(Withdraw):
    """The document alone."""

    name, scope = "withdraw-document", "document"

    def pieces(self):
        return []


class WithdrawLast(Withdraw):
    """The record of the last capture of a document that another capture had given up."""

    name, scope = "withdraw-last", "record"

    def prepare(self):
        super().prepare()
        self.add("--source", "elsewhere")
        self.base.acknowledged.may_go(self.entry, self.document, *self.pieces())
        twin = self.base.acknowledged.size - 1
        self.base.acknowledged.told(self.base.must(*self.withdrawing(twin, "document")))

    def pieces(self):
        return [b"qwzxqwzx", b"bustanqw"]


class Interrupted(Scenario):
    """`recover` where another command was killed: `at` finds the call at which."""

    command = Import

    def prepare(self):
        from inject import WRITING, killed_at, trace
        other = self.command(self.folder, self.judge)
        other.base.add("before", 3)
        other.start()
        calls, _ = trace(other.words(), WRITING, other.touches)
        call = [c for c in calls if self.at(c)][self.which]
        other.start()
        other.hurt(prefix=killed_at(call))
        self.base = other.archive.copy(self.folder / "base")
        other.end()

    def words(self):
        return ["-C", self.archive.path, "recover"]


class RecoverJournal(Interrupted):
    """In the commit: half of the pages are written, the journal is hot."""

    name, which = "recover-journal", 2

    @staticmethod
    def at(call):
        return call.kind == "pwrite64" and "/ledger.db>" in call.text


class RecoverGuard(Interrupted):
    """After the commit, before the guard: entries that nobody was told of, and a catalog behind."""

    name, which = "recover-guard", 0

    @staticmethod
    def at(call):
        return call.kind == "renameat" and "last-checkpoint" in call.text


class RecoverCatalog(Interrupted):
    """In the commit of the catalog."""

    name, which = "recover-catalog", 1

    @staticmethod
    def at(call):
        return call.kind == "pwrite64" and "/catalog.db>" in call.text


class RecoverErasing(Interrupted):
    """A withdrawal that is committed; of the document a part is overwritten."""

    name, which, command = "recover-erasing", 0, Withdraw

    @staticmethod
    def at(call):
        return call.kind in ("write", "pwrite64") and "/packs/0" in call.text


class Reindex(Scenario):
    name = "reindex"

    def prepare(self):
        super().prepare()
        self.base.add("before", 5)

    def words(self):
        return ["-C", self.archive.path, "reindex"]


class Bundle(Scenario):
    """The file is there as a whole or not at all; the archive is not touched."""

    name, ending, recovers = "bundle", "tar", False

    def prepare(self):
        super().prepare()
        self.base.add("before", 3)
        self.base.add("large", 1, (1 << 20) + 7)

    @property
    def out(self):
        return self.archive.path / f"out.{self.ending}"

    @property
    def trusted(self):
        return self.archive.path / "keys" / "authority.pub"

    def words(self):
        return ["-C", self.archive.path, "bundle", "--all", "-o", self.out]

    def look(self, result):
        if self.out.exists():
            must("verify", self.out, "--trust", self.trusted)
        elif result.code == 0:
            raise Wrong("done, but there is no bundle")
        self.judge.intact(self.archive)


class BundleZstd(Bundle):
    name, ending, threads = "bundle-zstd", "tar.zst", True


class Prove(Bundle):
    """A proof of one entry."""

    name, ending = "prove", "tlog-proof"

    def words(self):
        return ["-C", self.archive.path, "prove", "3", "-o", self.out]

    @property
    def trusted(self):
        return self.archive.path / "keys" / "ledger.pub"


class Verify(Scenario):
    """What could not be read is told as such: it is neither good nor bad."""

    name, recovers = "verify", False
    needed = ("/ledger.db", "/objects", "/packs", "/keys/authority.pub", "/keys/last-checkpoint")
    reads_once = True

    def prepare(self):
        super().prepare()
        self.base.add("before", 3)
        self.base.add("large", 1, (1 << 20) + 7)

    def words(self):
        return ["-C", self.archive.path, "verify", "--json"]

    @staticmethod
    def check_told(result):
        told = result.json or {}
        if told.get("verdict") != "VERIFIED" or not told.get("root"):
            raise Wrong(f"good, but does not tell all: {result}")

    def look(self, result):
        if result.code == 0:
            self.check_told(result)
        kinds = {f["kind"] for f in (result.json or {}).get("findings", [])}
        if result.code not in (0, 1, 3):
            raise Wrong(f"neither good nor bad nor unknown: {result}")
        if result.code == 1 and (not kinds or kinds - {"document-corrupt", "document-missing"}):
            raise Wrong(f"a finding where there is none: {sorted(kinds)} {result}")


class VerifyBundle(Verify):
    name, ending, needed = "verify-bundle", "tar", ("/out.tar",)
    reads_once = False  # its beginning is read to see what it is

    def prepare(self):
        super().prepare()
        self.base.must("bundle", "--all", "-o", self.base.path / f"out.{self.ending}")

    def words(self):
        return ["verify", self.archive.path / f"out.{self.ending}", "--trust",
                self.archive.path / "keys" / "authority.pub", "--json"]

    def look(self, result):
        if result.code == 0:
            self.check_told(result)
        if result.code not in (0, 3):
            raise Wrong(f"a verdict on what was not read: {result}")


class VerifyBundleZstd(VerifyBundle):
    name, ending, needed = "verify-zstd", "tar.zst", ("/out.tar.zst",)


WRITERS = (Init, Import, ImportBatches, ImportAhead, Amend, Withdraw, WithdrawDocument, WithdrawLast, RecoverJournal,
           RecoverGuard, RecoverCatalog, RecoverErasing, Reindex, Bundle, BundleZstd)
READERS = (Verify, VerifyBundle, VerifyBundleZstd)
