#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every command of README.md, in order, in one fresh folder, and compares what it prints.

A `console` block holds commands (`$ ...`) and lines of their output. Each of those lines must come
out, in that order; others may stand between them. What differs from run to run (digests, keys,
times, sizes in bytes, fingerprints) counts as equal.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARYING = [
    (r"\b[0-9a-f]{4}( [0-9a-f]{4}){3}\b", "<fingerprint>"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?", "<time>"),
    (r"\b[0-9a-f]{8,}\b", "<hex>"),
    (r"\b[A-Za-z0-9+/]{43}=", "<root>"),
    (r"[\d,]+ bytes:", "<size>:"),
    (r"in \d+\.\d s", "in <seconds>"),
]


def normal(line):
    for pattern, name in VARYING:
        line = re.sub(pattern, name, line)
    return " ".join(line.split())


def commands(text):
    """(command, expected lines) of every console block."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.S | re.M):
        command, expected = None, []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, expected
                command, expected = line[2:], []
            else:
                expected.append(line)
        if command:
            yield command, expected


def missing_line(expected, printed):
    """The first expected line that does not come out in its place, or None."""
    rest = iter([normal(line) for line in printed])
    for line in expected:
        if not any(normal(line) == other for other in rest):
            return line
    return None


def prepare(folder, vidimus):
    (folder / "samples").symlink_to(ROOT / "samples")
    (folder / "tests").symlink_to(ROOT / "tests")
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o600)
    (folder / "bin").mkdir()
    (folder / "bin" / "vidimus").symlink_to(Path(vidimus).resolve())


def main():
    text = (ROOT / "README.md").read_text()
    count = backups = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, sys.argv[1])
        environment = dict(os.environ, PATH=f"{folder / 'bin'}:{os.environ['PATH']}")
        environment.pop("VIDIMUS_ARCHIVE", None)
        if "EASY_KDF" in environment:  # two dozen commands with a passphrase, a third of a second for each key
            environment.update(LD_PRELOAD=environment["EASY_KDF"], ASAN_OPTIONS="verify_asan_link_order=0")
        for command, expected in commands(text):
            done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            lost = missing_line(expected, done.stdout.splitlines())
            if done.returncode or lost is not None:
                print(f"README.md: $ {command}\nexit status {done.returncode}")
                print(f"not printed: {lost}\n--- printed:\n{done.stdout}{done.stderr}")
                return 1
            count += 1
            if command.endswith("backup/store"):
                again = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, timeout=120)
                if again.returncode or sorted(os.listdir(folder / "backup")) != ["store"] or \
                        sorted(os.listdir(folder / "backup/store")) != sorted(os.listdir(folder / "archive/store")):
                    print(f"README.md: a second run makes another backup: $ {command}")
                    return 1
                backups += 1
    for script in re.findall(r"^    (scripts/\w+)$", text, re.M):
        if not os.access(ROOT / script, os.X_OK):
            print(f"README.md: {script} cannot be run")
            return 1
    if backups != 1:
        print("README.md: no backup found that can be run again")
        return 1
    if count < 15:
        print(f"README.md: only {count} commands found")
        return 1
    print(f"{count} commands of README.md ran as printed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
