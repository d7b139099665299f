#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""System calls that fail: EIO, a full disk, a quota, no more descriptors, interruptions; once, or from then on.

A command that exits 0 has done its work all the same. One that fails says why, acknowledges nothing that is not
there, and leaves an archive that goes on. A verifier that could not read says so, and finds nothing.
"""

import sys

import inject
import scenarios
import support

FULL, QUICK, QUICK_VERIFY = 1400, 45, 25

_ROOM = ("openat", "write", "pwrite64", "pwritev", "fsync", "fdatasync", "syncfs", "ftruncate", "fallocate", "linkat",
         "renameat", "mkdirat")
_SLOW = ("openat", "read", "pread64", "write", "pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "fallocate",
         "flock")
# Not `close`: strace leaves out the call that fails, and Linux closes even where it says EIO.
ALL = tuple(kind for kind in dict.fromkeys(inject.WRITING + inject.READING) if kind != "close")

# The error, the calls that may give it, and how often in a row (None: for good).
ERRORS = (("EIO", ALL, (1, None)), ("ENOSPC", _ROOM, (1, None)), ("EDQUOT", _ROOM, (1, None)),
          ("EMFILE", ("openat",), (1, None)), ("EINTR", _SLOW, (1, 10)))


def all_points(made, only):
    points = []
    for scenario in made:
        scenario.start()
        calls, result = inject.trace(scenario.words(), ALL, scenario.touches, **scenario.env)
        if result.code != 0:
            raise support.Wrong(f"without a fault: {result}")
        its = [(scenario, call, error, times) for call in calls if scenario.counts(call)
               for error, kinds, often in ERRORS if call.kind in kinds for times in often]
        points += support.spread(its, scenario.most, 1)
    return [point for point in points if only in label(*point)]


def label(scenario, call, error, times):
    return f"{scenario.name} {call.kind} {call.number} {error} {'for good' if times is None else times}"


def check_told(scenario, call, error, times, result):
    """Done or not, and why."""
    if (result.code == 0 and error == "EIO" and isinstance(scenario, scenarios.Verify)
            and (times is None or scenario.reads_once)):
        reads = call.kind in ("openat", "read", "pread64", "getdents64")
        if reads and any(part in call.text for part in scenario.needed):
            raise support.Wrong(f"VERIFIED, and this was not read: {call.text}")
    mute = call.kind == "write" and times != 1  # so does writing the reason
    told = "vidimus: " in result.err or result.json
    if result.code != 0 and not told and not mute:
        raise support.Wrong(f"does not say why: {result}")
    if result.code == 2:
        raise support.Wrong(f"blames the command line: {result}")


def hit(tally, point, folder, plant):
    scenario, call, error, times = point
    with tally.point(label(*point)):
        output, env = folder / "injected", {**scenario.env, **plant}
        result = scenario.hurt_at(call, lambda call: inject.failing_at(call, error, times, output, **env),
                                  lambda _: inject.was_injected(output))
        tally.more["done" if result.code == 0 else "failed"] += 1
        check_told(scenario, call, error, times, result)
        scenario.look(result)


def choose(points, options):
    """The verifier of an archive stands on many reads, each with a way of its own to say that it failed."""
    if not options.quick:
        return support.spread(points, FULL, options.seed)
    reads = [p for p in points if p[0].name == "verify" and p[2] == "EIO" and p[3] == 1]
    return support.spread(points, QUICK, options.seed) + support.spread(reads, QUICK_VERIFY, options.seed)


def harness(tally, options, kinds=scenarios.WRITERS + scenarios.READERS, plant=None):
    inject.need_strace()
    judge = support.Judge()
    with support.scratch() as folder:
        made = [kind(folder, judge) for kind in kinds]
        points = choose(all_points(made, options.only), options)
        for point in points:
            hit(tally, point, folder, plant or {})
        return len(points)


def self_test(make_tally, options):
    """A write that failed and says that it wrote."""
    seen = {}
    for only in ("import write", "import pwrite64"):
        options.quick, options.only = True, only
        tally = make_tally()
        harness(tally, options, (scenarios.Import,), support.planted("write-error"))
        seen[f"an error of {only} is swallowed"] = tally.lost + tally.wrong > 0
    return seen


if __name__ == "__main__":
    sys.exit(support.main("error-sweep", harness, self_test))
