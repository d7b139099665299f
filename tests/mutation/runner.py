# SPDX-License-Identifier: MIT
"""Runs tests with one mutant after the other and says which notice.

A first run without a mutant must pass; it also tells how long each test takes and which mutants it comes by, so that a
mutant is tried only on tests that reach it, the quick ones first. A mutant that crashes or hangs its test is noticed.
"""
import concurrent.futures
import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MEMORY = 2 << 30     # an endless loop may append for ever: stop it before the machine does
FILE_SIZE = 1 << 30  # likewise for files
WAITING = 30         # seconds, for a mutant that sleeps instead of working


@dataclass
class Test:
    name: str
    command: list
    environment: dict = field(default_factory=dict)
    folder: str = "."
    seconds: float = 0.0
    cpu: float = 0.0
    reached: bytes = b""
    kills: int = 0


class Broken(Exception):
    """A test that fails without a mutant: nothing can be measured."""


def tests_of(build):
    """The tests that CMake registered, by name; those that are not built yet without a command."""
    out = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True).stdout
    tests = {}
    for entry in json.loads(out)["tests"]:
        properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
        environment = dict(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
        tests[entry["name"]] = Test(entry["name"], entry.get("command"), environment,
                                    properties.get("WORKING_DIRECTORY", str(build)))
    return tests


def limit(pid, cpu):
    """Bounds for a test with a mutant in it."""
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu, cpu + 1))
    except ProcessLookupError:
        pass  # it has ended already


def run(test, environment, cpu, seconds):
    """Does the test pass? Whatever it started is ended with it."""
    process = subprocess.Popen(test.command, env={**os.environ, **test.environment, **environment}, cwd=test.folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        limit(process.pid, cpu)
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def run_clean(test, mutants):
    """Without a mutant: the test passes, and we learn its time and which mutants it reaches."""
    with tempfile.NamedTemporaryFile() as reached:
        reached.truncate(mutants)
        used, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        passed = run(test, {"VDM_MUTANT_REACHED": reached.name}, 600, 1200)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        test.seconds = time.monotonic() - start
        test.cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        test.reached = Path(reached.name).read_bytes()
    if not passed:
        raise Broken(f"{test.name} fails without a mutant")


def run_mutant(test, mutant):
    """Does the test notice? It has a few times the time that it needs, and ends with its first failure."""
    environment = {"VDM_MUTANT": str(mutant.number), "CMOCKA_TEST_ABORT": "1"}
    passed = run(test, environment, int(3 * test.cpu) + 2, WAITING + 10 * test.seconds)
    test.kills += not passed
    return not passed


def killer(mutant, tests):
    """The first test that notices, or None. Quick tests that have noticed much before come first."""
    fitting = [t for t in tests if t.reached[mutant.number]]
    for test in sorted(fitting, key=lambda t: t.seconds / (1 + t.kills)):
        if run_mutant(test, mutant):
            return test.name
    return None


def survivors(mutants, stages, excused, progress, jobs):
    """Those that no test notices, and how many each test was the first to notice; `jobs` are tried side by side. A
    stage of tests is tried on what the one before let pass; what is excused is tried on the first stage only."""
    total = 1 + max((m.number for m in mutants), default=0)
    left, done, first = list(mutants), [], Counter()
    for tests in stages:
        for test in tests:
            run_clean(test, total)
        still = []
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            noticed = pool.map(lambda mutant, now=tests: killer(mutant, now), left)
            for tried, (mutant, name) in enumerate(zip(left, noticed), 1):
                still += [mutant] * (name is None)
                first.update([name] if name else [])
                progress(tried, len(left), mutant if name is None else None)
        done += [m for m in still if m.key in excused]
        left = [m for m in still if m.key not in excused]
        if not left:
            break
    return done + left, first
