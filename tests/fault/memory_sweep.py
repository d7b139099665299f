#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory that runs out: one allocation fails, or it and every later one. See fail_malloc.c.

No crash. The command has done its work all the same, or it says that memory ran out, and nothing is lost.
"""

import re
import sys

import scenarios
import support

FULL, QUICK = 1400, 90
# The full sweep has no gap over the commit, from so many allocations before its first sync on, where the checkpoint is
# made and signed; nor over what allocates little: the workers that judge bundles.
COMMIT, LITTLE = 250, 1000
COMMANDS = (scenarios.Import, scenarios.ImportAhead, scenarios.Bundle, scenarios.BundleZstd, scenarios.Prove, scenarios.Verify,
            scenarios.VerifyBundle, scenarios.VerifyBundleZstd)


def environment(**more):
    return {"LD_PRELOAD": support.built("fault_fail_malloc"), **{k: str(v) for k, v in more.items()}}


def count(folder, *words):
    """The allocations of a command that has all the memory it wants, and those before its first sync (0: none)."""
    support.must(*words, **environment(FAULT_MALLOC_COUNT=folder / "count"))
    return map(int, (folder / "count").read_text().split())


def all_points(made, folder, options):
    """Of all points a selection; in full also those without a gap."""
    points, without_gap = [], []
    for scenario in made:
        scenario.start()
        total, before_commit = count(folder, *scenario.words())
        first = 1 if total < LITTLE else before_commit - COMMIT if before_commit else total + 1
        its = [(scenario, number, for_good) for number in range(1, total + 1) for for_good in (False, True)]
        if scenario.most or options.quick:
            points += support.spread(its, scenario.most, 1)
        else:
            points += [point for point in its if point[1] < first]
            without_gap += [point for point in its if point[1] >= first]
    points, without_gap = ([p for p in some if options.only in label(*p)] for some in (points, without_gap))
    return support.spread(points, QUICK if options.quick else FULL, options.seed) + without_gap


def label(scenario, number, for_good):
    return f"{scenario.name} {number} {'for good' if for_good else 'once'}"


def hit(tally, point, plant):
    scenario, number, for_good = point
    with tally.point(label(*point)):
        scenario.start()
        more = {"FAULT_MALLOC_FOR_GOOD": 1} if for_good else {}
        result = scenario.hurt(**environment(FAULT_MALLOC_AT=number, **more, **plant))
        tally.more["done" if result.code == 0 else "failed"] += 1
        if result.code not in (0, 3) or (result.code == 3 and not says_so(result)):
            raise support.Wrong(f"does not say that memory ran out: {result}")
        scenario.look(result)


def says_so(result):
    """OpenSSL and libsodium do not say why they do not start."""
    return re.search("memory|libcrypto gives no|libsodium does not start", result.err + result.out)


def harness(tally, options, kinds=COMMANDS, plant=None):
    judge = support.Judge()
    with support.scratch() as folder:
        points = all_points([kind(folder, judge) for kind in kinds], folder, options)
        for point in points:
            hit(tally, point, plant or {})
        return len(points)


def self_test(make_tally, options):
    """An allocation that failed and is used all the same."""
    options.quick, options.only, tally = True, "prove", make_tally()
    harness(tally, options, (scenarios.Prove,), {"FAULT_PLANT": "no-null"})
    return {"a failed allocation is not looked at": tally.wrong > 0}


if __name__ == "__main__":
    sys.exit(support.main("memory-sweep", harness, self_test))
