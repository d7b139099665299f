#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at every writing system call of every command that writes; and again while that is mended.

The program is killed as it enters the call, so the call is not made. Calls between which the disk does not change are
one point. Together the points stand behind every change that the command makes to the disk, one by one.
"""

import os
import random
import shutil
import sys

import inject
import scenarios
import support

QUICK = 50
AGAIN = 4  # every so many points `recover` is killed, too


def all_points(made, only):
    """(scenario, call) for each call that a command makes when nothing is in its way."""
    points = []
    for scenario in made:
        scenario.start()
        calls, result = inject.trace(scenario.words(), inject.WRITING, scenario.touches, **scenario.env)
        if result.code != 0:
            raise support.Wrong(f"without a fault: {result}")
        calls = [call for call in calls if scenario.counts(call)]
        its = [(scenario, call) for before, call in zip([None, *calls], calls)
               if (not before or inject.changes(before)) and only in label(scenario, call)]
        points += support.spread(its, scenario.most, 1)
    return points


def label(scenario, call):
    return f"{scenario.name} {call.kind} {call.number}"


def kill_recovery(archive, rng):
    """Kills `recover` at one of its calls. Which it has is found out on a copy that takes its place for so long."""
    aside = archive.path.with_name("aside")
    shutil.copytree(archive.path, aside, symlinks=True)
    words = ["-C", archive.path, "recover"]
    calls, _ = inject.trace(words, inject.WRITING, archive.path)
    shutil.rmtree(archive.path)
    os.rename(aside, archive.path)
    if not support.run(*words, prefix=inject.killed_at(rng.choice(calls))).killed:
        raise support.Wrong("`recover` made other calls on a copy")


def hit(tally, scenario, call, rng, plant):
    with tally.point(label(scenario, call)):
        env = {**scenario.env, **plant}
        result = scenario.hurt_at(call, lambda call: inject.killed_at(call, **env), lambda result: result.killed)
        if scenario.recovers and tally.injected % AGAIN == 0:
            tally.more["killed_again"] += 1
            kill_recovery(scenario.archive, rng)
        scenario.look(result)


def harness(tally, options, kinds=scenarios.WRITERS, plant=None):
    inject.need_strace()
    rng, judge = random.Random(options.seed), support.Judge()
    with support.scratch() as folder:
        made = [kind(folder, judge) for kind in kinds]
        points = support.spread(all_points(made, options.only), QUICK if options.quick else None, options.seed)
        for scenario, call in points:
            hit(tally, scenario, call, rng, plant or {})
        return len(points)


def self_test(make_tally, options):
    """Without what SQLite writes to its journal, a commit that was cut in two cannot be undone."""
    options.quick, options.only = True, "import pwrite64"
    tally = make_tally()
    harness(tally, options, (scenarios.Import,), support.planted("journal-write"))
    return {"the journal is not written": tally.wrong + tally.lost > 0}


if __name__ == "__main__":
    sys.exit(support.main("kill-sweep", harness, self_test))
