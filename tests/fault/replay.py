#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Power cuts at every step of a command, on the worst disk that POSIX allows.

record_io.c writes down what a command changes; disk.py makes from that what a disk may hold if the power goes at any
step; each such state is made a folder, and the judge looks at it. This finds a missing sync, which no kill finds, and
which a real disk may take years to show.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

import disk
import support
from support import Archive, Judge, NotRun, Result, Wrong

BATCH_SECONDS = 1.1  # an import closes a batch after a second
QUICK, SELF_TEST = 150, 150
SAMPLES = 4


# --- recording ---

class Known:
    """What the user knows at a step: what was acknowledged, and the import that can be tried again."""

    def __init__(self, archive, rerun=None):
        self.acknowledged, self.rerun = archive.acknowledged.copy(), rerun


class Recording:
    """Commands, and what they changed in the folder `place`. `swallow`: syncs that are not made (record_io.c)."""

    def __init__(self, scratch, swallow=""):
        self.scratch, self.place, self.swallow = scratch, scratch / "place", swallow
        self.place.mkdir()
        self.archive = Archive(self.place / "a")
        self.trace, self.inputs = None, 0

    def prepare(self, *documents):
        """An archive to start from, all of it on the disk."""
        self.archive = Archive.make(self.archive.path)
        for name in documents:
            self.archive.add(name)
        self.begin()

    def begin(self):
        self.trace = disk.Trace(self.place)
        if self.archive.acknowledged.checkpoints:
            self.trace.told(Known(self.archive))

    def input(self, sizes):
        self.inputs += 1
        folder, made = self.scratch / f"input-{self.inputs}", {}
        for name, size in sizes.items():
            made.update(support.write_documents(folder, [name], size))
        return folder, made

    def init(self):
        self.command(support.init_words(self.archive.path))

    def put(self, **sizes):
        """An import of documents, by name and size."""
        folder, made = self.input(sizes)
        self.trace.told(Known(self.archive, (folder, made)))
        self.command(["-C", self.archive.path, "import", folder, "--json"], made)

    def put_in_batches(self, first, second):
        """Standard input that comes slowly closes the first batch."""
        (one, made), (two, more) = self.input({first: 60}), self.input({second: 60})
        made.update(more)
        self.command(["-C", self.archive.path, "import", one, "-", two, "--json"], made, slowly=b"slow\n")

    def recover(self):
        self.command(["-C", self.archive.path, "recover"])

    def key(self, *words):
        self.command(["-C", self.archive.path, "key", *words])

    def command(self, words, documents=None, slowly=None):
        log, out = self.scratch / "log", self.scratch / "out"
        log.unlink(missing_ok=True)
        result = self.run(words, log, out, slowly)
        if result.code != 0:
            raise Wrong(str(result))
        self.trace.read(log, lambda count: self.said(words, result.raw[:count], documents))
        self.archive.acknowledged.told(result, documents)
        self.trace.told(Known(self.archive))

    def said(self, words, printed, documents):
        """What the user knew when only so much had been printed."""
        archive = Archive(self.archive.path, self.archive.acknowledged.copy())
        done = subprocess.CompletedProcess(words, 0, printed, b"")
        archive.acknowledged.told(Result(words, done), documents)
        return Known(archive)

    def run(self, words, log, out, slowly):
        env = support.environment(LD_PRELOAD=support.built("fault_record_io"), RECORD_IO_LOG=str(log),
                                  RECORD_IO_FOLDER=str(self.place), RECORD_IO_SWALLOW=self.swallow)
        with open(out, "wb") as to, subprocess.Popen(
                [support.VIDIMUS, *map(str, words)], stdin=subprocess.PIPE, stdout=to, stderr=subprocess.PIPE,
                env=env) as process:
            if slowly:
                time.sleep(BATCH_SECONDS)
            _, err = process.communicate(slowly, timeout=support.SECONDS)
        done = subprocess.CompletedProcess(words, process.returncode, out.read_bytes(), err)
        return Result(words, done)

    def check_complete(self):
        """A change that the recorder did not see would make all that follows worthless."""
        if disk.stopped(self.trace).tree() != disk.read_tree(self.place):
            raise NotRun("record_io.c missed a change")


# --- what is recorded ---

def init(r):
    r.begin()
    r.init()


def first_import(r):
    r.prepare()
    r.put(one=60, two=60)


def imports(r):
    """The second follows what the first left, journals for example."""
    r.prepare("before")
    r.put(a=60, b=700, c=60)
    r.put(large=(1 << 20) + 700)


def batches(r):
    r.prepare("before")
    r.put_in_batches("early", "late")


def known(r):
    """Documents that are there: with an entry, without one, and without one and damaged."""
    r.prepare("before")
    r.put(again=60)
    for name, good in (("orphan", True), ("damaged", False)):
        data = support.document(name)
        digest = hashlib.sha256(data).hexdigest()
        path = r.archive.path / "store" / "objects" / digest[:2] / digest[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data if good else b"bad")
    r.begin()
    r.put(again=60, orphan=60, new=60)
    r.put(damaged=60)


def recover(r):
    """After an import that was stopped when its journal was written, and of its ledger a page."""
    r.prepare("before")
    r.put(stopped=60)
    node = r.trace.node("a/store/ledger.db")
    writes = [i for i, s in enumerate(r.trace.steps) if isinstance(s, disk.Write) and s.node == node]
    before, state = r.trace.steps[0][1], disk.stopped(r.trace, writes[0] + 1)
    r.archive.acknowledged = before.acknowledged
    shutil.rmtree(r.place)
    r.place.mkdir()
    disk.write_tree(state.tree(), r.place)
    r.begin()
    r.recover()
    r.put(later=60)


def reindex(r):
    r.prepare("one", "two")
    r.command(["-C", r.archive.path, "reindex"])
    r.put(later=60)


def keys(r):
    """Commits one after the other, without a document; from the first on another key signs."""
    r.prepare("before")
    r.key("new", "--role", "ledger", "--no-passphrase")
    r.key("authorize", support.ORIGIN, "--role", "ledger", "--json")
    r.key("retire", "old-ledger", "--json")


def ahead(r):
    """Documents that threads store while those before them are recorded: one a folder, as 64 folders end a group."""
    r.prepare("before")
    folder, made = r.input({})
    for i in range(140):
        made.update(support.write_documents(folder / str(i), [f"ahead-{i}"]))
    r.trace.told(Known(r.archive, (folder, made)))
    r.command(["-C", r.archive.path, "import", folder, "--json"], made)


SCENARIOS = {f.__name__.replace("_", "-"): f for f in (init, first_import, imports, batches, ahead, known, recover,
                                                          reindex, keys)}
MOST = {"ahead": 1200}  # states to look at; of the others all


# --- judging ---

def judge_state(judge, state, now, folder):
    disk.write_tree(state.tree(), folder)
    archive = Archive(folder / "a")
    if now is None:
        support.try_init_again(archive)
    else:
        archive.acknowledged = now.acknowledged.copy()
    judge.archive(archive, now and now.rerun)


def record(scenario, scratch, swallow=""):
    recording = Recording(scratch, swallow)
    scenario(recording)
    recording.check_complete()
    return recording


def harness(tally, options):
    judge, asked = Judge(), 0
    for name, scenario in SCENARIOS.items():
        with support.scratch() as scratch:
            found = disk.states(record(scenario, scratch).trace, options.seed, SAMPLES)
            count = QUICK // len(SCENARIOS) if options.quick else MOST.get(name)
            asked += look_at(support.spread(found, count, options.seed), tally, judge, name, options.only)
    return asked


def look_at(found, tally, judge, name, only):
    chosen = [(f"{name}, {state}", state, now) for state, now in found]
    chosen = [c for c in chosen if only in c[0]]
    for label, state, now in chosen:
        with tally.point(label), support.scratch() as folder:
            judge_state(judge, state, now, folder)
    return len(chosen)


# Syncs to take away, one kind at a time: (pattern of record_io.c, where it must be noticed).
SYNCS = {
    "documents": ("fdatasync */packs/0*", first_import),
    "name of a new pack": ("fsync */packs", first_import),
    "large documents": ("syncfs *", imports),
    "ledger": ("fdatasync */ledger.db", first_import),
    "ledger's journal": ("fdatasync */ledger.db-journal", imports),
    "name of the ledger's journal": ("fdatasync */store", recover),
    "guard": ("fsync */keys/[#.]*", first_import),  # before it has its name
    "name of the guard": ("fsync */keys", first_import),
    "init, all at once": ("syncfs *", init),
    "catalog": ("fdatasync */catalog.db*", imports),
    "everything": ("*", batches),
}


def self_test(make_tally, options):
    return {f"no sync of the {name}": is_noticed(scenario, pattern, make_tally(), options.seed)
            for name, (pattern, scenario) in SYNCS.items()}


def is_noticed(scenario, pattern, tally, seed):
    """Looks first at what is left after an acknowledgement: there most is promised."""
    judge = Judge()
    with support.scratch() as scratch, open(os.devnull, "w", encoding="utf-8") as null:
        trace = record(scenario, scratch, pattern).trace
        found = list(disk.states(trace, seed, SAMPLES))
        told = [both for both in found if trace.is_told(both[0].at)]
        for state, now in told + support.spread(found, SELF_TEST, seed):
            with tally.point(state, null), support.scratch() as folder:
                judge_state(judge, state, now, folder)
            if tally.lost + tally.wrong:
                return True
    return False


if __name__ == "__main__":
    sys.exit(support.main("replay", harness, self_test))
