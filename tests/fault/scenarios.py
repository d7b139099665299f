# SPDX-License-Identifier: MIT
"""The commands that are hurt, each with the archive it starts from and what has to hold afterwards."""

import shutil

import support
from support import Archive, Wrong, must, run


class Scenario:
    """One command. `prepare` makes what every point starts from; `start` copies it for one point."""

    name = ""
    recovers = True  # there is something that `recover` finishes or undoes

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

    def told(self, result):
        pass

    def look(self, result):
        """What is left, judged. Raises Lost or Wrong."""
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


class Interrupted(Scenario):
    """`recover` where an import was killed: `at` finds the call at which."""

    def prepare(self):
        from inject import WRITING, killed_at, trace
        other = Import(self.folder, self.judge)
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

    def words(self):
        return ["-C", self.archive.path, "bundle", "--all", "-o", self.out]

    def look(self, result):
        if self.out.exists():
            must("verify", self.out, "--trust", self.archive.path / "keys" / "authority.pub")
        elif result.code == 0:
            raise Wrong("done, but there is no bundle")
        self.judge.intact(self.archive)


class BundleZstd(Bundle):
    name, ending = "bundle-zstd", "tar.zst"


WRITERS = (Init, Import, ImportBatches, RecoverJournal, RecoverGuard, RecoverCatalog, Reindex, Bundle, BundleZstd)
