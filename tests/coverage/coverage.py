#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a run of the tests took of the code, by folder of src, out of what gcc's coverage wrote.

usage: coverage.py BUILD [FOLDER...]    fails if a FOLDER has a branch that was not taken
       coverage.py --self-test          sees one on a small program

A line with an assertion is not asked for its branches: no test can take the side that aborts.
"""
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSERTION = re.compile(r"\bassert\(")


def measured(build):
    """For each source file the lines that gcov knows. Each object is compiled once, so each line comes once."""
    for data in sorted(build.rglob("*.gcda")):
        command = ["gcov", "--json-format", "--branch-probabilities", "--stdout", data.resolve()]
        out = subprocess.run(command, check=True, capture_output=True, cwd=build).stdout
        for file in json.loads(out)["files"]:
            yield Path(file["file"]), file["lines"]


class Folder:
    """Counts of one folder, and the places of the branches that nobody took."""

    def __init__(self):
        self.lines, self.lines_run, self.branches, self.branches_taken = 0, 0, 0, 0
        self.missed = []

    def count(self, name, text, lines):
        for line in lines:
            number = line["line_number"]
            self.lines += 1
            self.lines_run += line["count"] > 0
            branches = [] if ASSERTION.search(text[number - 1]) else line["branches"]
            taken = sum(branch["count"] > 0 for branch in branches)
            self.branches += len(branches)
            self.branches_taken += taken
            if taken < len(branches):
                self.missed.append(f"{name}:{number}: {text[number - 1].strip()}")


def percent(part, whole):
    """Rounded down: 100 means all."""
    return f"{part * 1000 // whole / 10:.1f}" if whole else "100.0"


def folders_of(build, root):
    folders = defaultdict(Folder)
    for path, lines in measured(build):
        path = path if path.is_absolute() else root / path
        if path.suffix == ".c" and path.is_relative_to(root / "src"):
            name = path.relative_to(root)
            folders[name.parts[1]].count(name, path.read_text(encoding="utf-8").splitlines(), lines)
    return folders


def report(build, root, wanted):
    """Prints the table; returns the places that were missed in the folders where none may be."""
    folders = folders_of(build, root)
    for name, f in sorted(folders.items()):
        print(f"coverage folder={name} lines={percent(f.lines_run, f.lines)} "
              f"branches={percent(f.branches_taken, f.branches)}")
    absent = [f"src/{name}: no coverage at all" for name in wanted if name not in folders]
    return absent + [place for name in wanted if name in folders for place in folders[name].missed]


PROGRAM = """#include <assert.h>
int main(int argc, char **argv)
{
    (void)argv;
    assert(argc > 0);
    if (argc > 1)
        return 1;
    return 0;
}
"""


def self_test():
    """A program that is run without, then with an argument: the branch is missed, then taken."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        source = root / "src" / "sample" / "sample.c"
        source.parent.mkdir(parents=True)
        source.write_text(PROGRAM, encoding="utf-8")
        subprocess.run(["gcc", "--coverage", "-o", "sample", source], check=True, cwd=root)
        subprocess.run([root / "sample"], check=True)
        missed = report(root, root, ["sample", "absent"])
        subprocess.run([root / "sample", "argument"], check=False)
        taken = report(root, root, ["sample"])
    good = len(missed) == 2 and "sample.c:6" in missed[1] and not taken
    print("self-test: " + ("a branch that is not taken is seen" if good else f"FAILED: {missed} {taken}"))
    return 0 if good else 1


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    missed = report(Path(arguments[0]), ROOT, arguments[1:])
    for place in missed:
        print(f"a branch that no test takes: {place}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
