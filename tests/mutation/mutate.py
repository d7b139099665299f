#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do our tests notice when one condition of the code is broken?

usage: mutate.py [--own] [--jobs N] [FOLDER|FILE]...
       mutate.py --check                     only: does every line of survivors.txt name a mutant?
       mutate.py --sanitizers                with them: is that seen of which survivors.txt says so?
       mutate.py --self-test                 on a small program: a test that is taken out must show

Without a name: format, tlog, ledger and bundle. Others: src/tlog/tile.c and such, or ops (its checks; not all of its
survivors have been looked at). `--own`: only the unit tests of the folder. `--jobs`: side by side, usually one a core.

Works on a copy of the sources in build/mutate, which holds every mutant and is built once (schemata.py). A mutant is
first tried on the unit tests of its folder; what survives without an excuse, on those of ops, unless --own.

Fails where a mutant survives that survivors.txt does not excuse, and where survivors.txt excuses what is noticed.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import runner
import schemata

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
WORK = ROOT / "build" / "mutate"
COPIED = ["CMakeLists.txt", "cmake", "docs", "src", "tests"]
SOURCES = {"format": "src/format/*.c", "tlog": "src/tlog/*.c", "ledger": "src/ledger/*.c", "bundle": "src/bundle/*.c",
           "store": "src/store/pack*.c src/store/store_packs.c", "ops": "src/ops/*_check.c src/ops/*verify_*.c"}
USUAL = ["format", "tlog", "ledger", "bundle"]
SECOND = "unit/ops/"
TOO_SLOW = {"unit/ops/test_flips", "unit/ops/test_bundle_by_hand"}  # a run for each mutant would take days
CHANCE = "which the sanitizers see"  # in a reason: what is read is not ours, and a test may notice it by chance
EXCUSE = re.compile(r"(\S+ \S+ `[^`]+` \S+): (.+)")


def sources(root):
    """Folder and path of each file that is mutated, in one order, so that numbers do not depend on what is asked."""
    for folder, patterns in SOURCES.items():
        for path in sorted(p for pattern in patterns.split() for p in root.glob(pattern)):
            yield folder, path


def write_if_new(path, data):
    """An unchanged file keeps its time and is not compiled again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def copy_tree(root, tree):
    """What the build needs, and no file that went away since."""
    here = set()
    for name in COPIED:
        whole = root / name
        for path in [whole] if whole.is_file() else whole.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                here.add(tree / path.relative_to(root))
                if path.suffix != ".c":
                    write_if_new(tree / path.relative_to(root), path.read_bytes())
                    shutil.copymode(path, tree / path.relative_to(root))
    for path in list(tree.rglob("*")):
        if path.is_file() and path not in here:
            path.unlink()


def mutated(root):
    """The new text of each file that is mutated, and all mutants."""
    options = ["-std=c17", "-D_GNU_SOURCE", f"-I{root / 'src'}"]
    texts, mutants = {}, []
    for _, path in sources(root):
        text, more = schemata.mutate_file(path, str(path.relative_to(root)), len(mutants), options)
        texts[path] = text.encode()
        mutants += more
    return texts, mutants


def write_mutants(root, tree):
    """All C files: those to be mutated with their mutants, the others as they are. Returns the mutants."""
    texts, mutants = mutated(root)
    for path in [p for folder in ("src", "tests") for p in (root / folder).rglob("*.c")]:
        write_if_new(tree / path.relative_to(root), texts.get(path) or path.read_bytes())
    return mutants


def must_run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise runner.Broken(f"the mutated copy does not build:\n{done.stdout}{done.stderr}")


def configure(root, work, out="out", options=()):
    """Writes the mutated copy and returns its mutants."""
    tree = work / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    copy_tree(root, tree)
    mutants = write_mutants(root, tree)
    # What a call should have set and did not is no zero here, as it is in other builds: it would hide much.
    must_run(["cmake", "-S", tree, "-B", work / out, "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc",
              f"-DCMAKE_C_FLAGS=-w -O1 -ftrivial-auto-var-init=pattern -I{tree / 'tests'}",
              "-DHAVE_ftrivial_auto_var_init_zero=OFF", *options])
    return mutants


def build(out, prefix):
    """Builds the unit tests whose names begin so, and returns them."""
    names = [n for n in runner.tests_of(out) if n.startswith(prefix) and n not in TOO_SLOW]
    # The names of their programs are made by vdm_unit_test() in tests/CMakeLists.txt.
    must_run(["ninja", "-C", out, *(n.removeprefix("unit/").replace("/", "_") for n in names)])
    tests = runner.tests_of(out)
    return [tests[name] for name in names]


def folder_of(mutant):
    return mutant.file.split("/")[1]


def chosen(mutants, words):
    """The mutants of the folders and files named."""
    known = {folder_of(m) for m in mutants} | {m.file for m in mutants}
    for word in words:
        if word not in known:
            sys.exit(f"mutate: {word}: neither of {', '.join(SOURCES)} nor a file that is mutated there")
    return [m for m in mutants if folder_of(m) in words or m.file in words]


def read_excuses(path):
    """The survivors that are accepted: key and reason."""
    excuses = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = EXCUSE.fullmatch(line)
        if not match or match[1] in excuses:
            sys.exit(f"{path}:{number}: no line of the form FILE FUNCTION `CONDITION` CHANGE: REASON, or the second one")
        excuses[match[1]] = match[2]
    return excuses


def show_progress(done, total, survivor):
    """To follow a long run; the result is printed at the end of each folder."""
    if survivor:
        print(f"  not noticed so far: {survivor.key}", file=sys.stderr)
    if done % 100 == 0:
        print(f"{done} of {total}", file=sys.stderr)


def judge(folder, mutants, survived, excuses):
    """Prints one folder's result. Returns how much is wrong: survivors without an excuse, excuses without a survivor."""
    keys = {m.key for m in survived}
    open_ones = [m for m in survived if m.key not in excuses]
    for mutant in open_ones:
        print(f"{mutant.file}:{mutant.line}: survived: {mutant.key}")
    stale = [m.key for m in mutants if m.key in excuses and m.key not in keys and CHANCE not in excuses[m.key]]
    for key in stale:
        print(f"survivors.txt: a test notices this one: {key}")
    print(f"{folder} mutants={len(mutants)} killed={len(mutants) - len(survived)} "
          f"reasoned={len(survived) - len(open_ones)} open={len(open_ones)}", flush=True)
    return len(open_ones) + len(stale)


def stages_of(folder, own_only):
    """The tests to try, one list after the other; each is built when its turn comes."""
    yield build(WORK / "out", f"unit/{folder}/")
    if folder != "ops" and not own_only:
        yield build(WORK / "out", SECOND)


def unknown_excuses(excuses, mutants):
    """Excuses for what is not there (any more)."""
    unknown = sorted(excuses.keys() - {m.key for m in mutants})
    for key in unknown:
        print(f"survivors.txt: no such mutant: {key}")
    return len(unknown)


def check():
    _, mutants = mutated(ROOT)
    return 1 if unknown_excuses(read_excuses(HERE / "survivors.txt"), mutants) else 0


def mutate(words, own_only, jobs):
    excuses = read_excuses(HERE / "survivors.txt")
    mutants = configure(ROOT, WORK)
    wrong = unknown_excuses(excuses, mutants)
    asked = chosen(mutants, words or USUAL)
    for folder in SOURCES:
        own = [m for m in asked if folder_of(m) == folder]
        if own:
            survived, first = runner.survivors(own, stages_of(folder, own_only), excuses, show_progress, jobs)
            for test, count in first.most_common():
                print(f"  {count} noticed by {test}")
            wrong += judge(folder, own, survived, excuses)
    return 1 if wrong else 0


def check_sanitizers(jobs):
    """Do they see what the reasons say that they see?"""
    excuses = read_excuses(HERE / "survivors.txt")
    runner.MEMORY = runner.resource.RLIM_INFINITY  # their shadow of it is large
    claimed = [m for m in configure(ROOT, WORK, "sanitized", ["-DVDM_SANITIZE=ON"]) if CHANCE in excuses.get(m.key, "")]
    unseen = []
    for folder in dict.fromkeys(map(folder_of, claimed)):
        own = [m for m in claimed if folder_of(m) == folder]
        unseen += runner.survivors(own, [build(WORK / "sanitized", f"unit/{folder}/")], (), show_progress, jobs)[0]
    for mutant in unseen:
        print(f"survivors.txt: the sanitizers do not see this one: {mutant.key}")
    print(f"sanitizers claimed={len(claimed)} unseen={len(unseen)}")
    return 1 if unseen else 0


# --- Would it be seen? ---

PROGRAM = """#include <stdbool.h>
static bool digit(int c)
{
    return c >= '0' && c <= '9';
}
static int digits(const char *s)
{
    int n = 0;
    for (; *s; s++)
        if (digit(*s))
            n++;
    return n;
}
int main(void)
{
    if (digits("0 9") != 2 || digits("5") != 1 || digits("/") != 0)
        return 1;
%s
    return 0;
}
"""
LAST_TEST = '    if (digits(":") != 0)\n        return 1;\n'
BOUNDARY = "src/sample/sample.c digit `c <= '9'` always"


def survivors_of_sample(folder, last_test):
    """The mutants of the sample's own two functions that its main does not notice."""
    path = folder / "sample.c"
    path.write_text(PROGRAM % last_test, encoding="utf-8")
    text, mutants = schemata.mutate_file(path, "src/sample/sample.c", 0, [])
    (folder / "mutated.c").write_text(text, encoding="utf-8")
    subprocess.run(["gcc", "-w", f"-I{HERE.parent}", "-D_GNU_SOURCE", "-o", "mutated", "mutated.c"], check=True,
                   cwd=folder)
    own = [m for m in mutants if m.function != "main"]
    return own, runner.survivors(own, [[runner.Test("sample", [str(folder / "mutated")])]], (), lambda *_: None, 2)[0]


def self_test():
    """All tests: no survivor. The test of one comparison taken out: that comparison survives, and counts as open; an
    excuse for it helps, and an excuse for a mutant that is noticed is told."""
    with tempfile.TemporaryDirectory() as name:
        own, none = survivors_of_sample(Path(name), LAST_TEST)
        _, one = survivors_of_sample(Path(name), "")
    checks = {
        "mutants are made": len(own) > 8,
        "with all tests none survives": not none,
        "without the test of a comparison it survives": [m.key for m in one] == [BOUNDARY],
        "a survivor is wrong": judge("sample", own, one, {}) == 1,
        "an excuse for it helps": judge("sample", own, one, {BOUNDARY: "reason"}) == 0,
        "an excuse for what is noticed is wrong": judge("sample", own, none, {BOUNDARY: "reason"}) == 1,
        "an excuse for nothing is wrong": unknown_excuses({BOUNDARY + "x": "reason"}, own) == 1,
    }
    for what, good in checks.items():
        print(f"self-test: {what}: {'yes' if good else 'NO'}")
    return 0 if all(checks.values()) else 1


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if arguments == ["--check"]:
        return check()
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--sanitizers", action="store_true")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args(arguments)
    try:
        if asked.sanitizers:
            return check_sanitizers(asked.jobs)
        return mutate(asked.words, asked.own, asked.jobs)
    except runner.Broken as broken:
        print(f"mutate: {broken}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
