#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory that runs out: one allocation fails, or it and every later one. See fail_malloc.c.

No crash. The command has done its work all the same, or it says that memory ran out, and nothing is lost.
"""

import re
import sys

import scenarios
import support

FULL, QUICK = 2400, 90
COMMANDS = (scenarios.Import, scenarios.Bundle, scenarios.BundleZstd, scenarios.Prove, scenarios.Verify,
            scenarios.VerifyBundle, scenarios.VerifyBundleZstd)


def environment(**more):
    return {"LD_PRELOAD": support.built("fault_fail_malloc"), **{k: str(v) for k, v in more.items()}}


def count(folder, *words):
    """The allocations of a command that has all the memory it wants."""
    support.must(*words, **environment(FAULT_MALLOC_COUNT=folder / "count"))
    return int((folder / "count").read_text())


def all_points(made, folder, only):
    points = []
    for scenario in made:
        scenario.start()
        numbers = range(1, count(folder, *scenario.words()) + 1)
        points += [(scenario, number, for_good) for number in numbers for for_good in (False, True)]
    return [point for point in points if only in label(*point)]


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
    """OpenSSL and libsodium do not say why they do not start; nor can libmagic, which crashes in its worker."""
    return re.search("memory|libcrypto gives no|libsodium does not start|the worker crashed", result.err + result.out)


def harness(tally, options, kinds=COMMANDS, plant=None):
    judge = support.Judge()
    with support.scratch() as folder:
        points = all_points([kind(folder, judge) for kind in kinds], folder, options.only)
        points = support.spread(points, QUICK if options.quick else FULL, options.seed)
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
