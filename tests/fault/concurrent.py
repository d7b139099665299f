#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Four importers and a verifier at once, and one who kills importers at random.

An importer that is not killed succeeds: it waits for its turn, and mends what a killed one left. The verifier sees
whole states only. At the end everything that was acknowledged is there.
"""

import random
import subprocess
import sys
import threading
import time

import support

KILLS_FULL, KILLS_QUICK = 250, 20
IMPORTERS, LONGEST = 4, 0.25  # seconds between two kills
MANY = 300  # documents: some are stored while others are recorded


class Run:
    """One archive, those who work on it, and what went wrong."""

    def __init__(self, folder, seed, plant):
        self.folder, self.seed, self.env = folder, seed, support.environment(**plant)
        self.archive = support.Archive.make(folder / "a")
        self.lock, self.over = threading.Lock(), threading.Event()
        self.working, self.problems = {}, []
        self.imports = self.verified = self.kills = 0

    def start(self, kills):
        threads = [threading.Thread(target=self.guarded, args=(self.importer, i)) for i in range(IMPORTERS)]
        threads += [threading.Thread(target=self.guarded, args=(self.verifier,)),
                    threading.Thread(target=self.guarded, args=(self.killer, kills))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def guarded(self, work, *more):
        """A problem of one ends it for all."""
        try:
            work(*more)
        except (support.Lost, support.Wrong) as problem:
            self.problems.append(problem)
            self.over.set()

    def importer(self, who):
        rng = random.Random(f"{self.seed} {who}")
        turn = 0
        while not self.over.is_set():
            turn += 1
            source = self.folder / f"src-{who}-{turn}"
            count = MANY if turn % 8 == 4 else rng.randint(1, 8)
            documents = support.write_documents(source, [f"{who}-{turn}-{i}" for i in range(count)])
            result = self.run(who, ["-C", self.archive.path, "import", source, "--json"])
            if not result.killed and result.code != 0:
                raise support.Wrong(f"an importer that nobody killed fails: {result}")
            with self.lock:
                self.archive.acknowledged.told(result, documents)
                self.imports += result.code == 0

    def run(self, who, words):
        """Where the killer finds it."""
        process = subprocess.Popen([support.VIDIMUS, *map(str, words)], stdin=subprocess.DEVNULL, env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with self.lock:
            self.working[who] = process
        out, err = process.communicate(timeout=support.SECONDS)
        with self.lock:
            del self.working[who]
        result = support.Result(words, subprocess.CompletedProcess(words, process.returncode, out, err))
        support.check_end(result)
        return result

    def verifier(self):
        while not self.over.is_set():
            result = self.archive.run("verify", "--json")
            waits = result.code == 3 and ("`vidimus recover`" in result.err or "locked" in result.err)
            if result.code != 0 and not waits:
                findings = (result.json or {}).get("findings")
                raise support.Wrong(f"the verifier sees a broken archive: {findings or result}")
            self.verified += result.code == 0

    def killer(self, kills):
        rng = random.Random(self.seed)
        while self.kills < kills and not self.over.is_set():
            time.sleep(rng.random() * LONGEST)
            with self.lock:
                if self.working:
                    self.working[rng.choice(sorted(self.working))].kill()
                    self.kills += 1
        self.over.set()

    def judge(self):
        if self.problems:
            raise self.problems[0]
        support.Judge().archive(self.archive)
        support.Judge.second_opinion(self.archive)


def harness(tally, options, plant=None, kills=None):
    kills = kills or (KILLS_QUICK if options.quick else KILLS_FULL)
    with support.scratch() as folder:
        run = Run(folder, options.seed, plant or {})
        run.start(kills)
        with tally.point(f"the end, after {run.kills} kills"):
            run.judge()
        tally.injected += run.kills - 1
        tally.survived += (run.kills - 1) * tally.survived
        tally.more.update(imports=run.imports, verified=run.verified)
    return kills


def self_test(make_tally, options):
    seen = {}
    for bug in ("no-locks", "object-name"):
        tally = make_tally()
        harness(tally, options, support.planted(bug), kills=60)
        seen[bug] = tally.lost + tally.wrong > 0
    return seen


if __name__ == "__main__":
    sys.exit(support.main("concurrent", harness, self_test))
