#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an audit at full speed costs an import beside it, as a ratio within one run, and how long an import waits.

usage: VIDIMUS=build/release/vidimus audit_beside_import.py [DOCUMENTS]

Imports the same folder into two copies of an archive, once alone and once while audits follow one another without a pause;
then single documents, one after another, and says how long the slowest took in both cases. Exit status 1 if the import
kept less than half of its rate, or one waited for more than a second longer than the slowest did alone."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

VIDIMUS = os.environ["VIDIMUS"]
DOCUMENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 20000


def run(*args):
    return subprocess.run([VIDIMUS, *args], check=True, capture_output=True)


def documents(folder, name, count):
    for i in range(count):
        if i % 1000 == 0:
            (folder / name / f"{i // 1000}").mkdir(parents=True)
        (folder / name / f"{i // 1000}/{i}.txt").write_text(f"{name} {i} ".ljust(2000, "z"))
    return str(folder / name)


class Audits:
    """One audit after another, until told to stop."""

    def __init__(self, archive):
        self.archive, self.stop, self.count, self.read = archive, False, 0, 0
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.stop:
            out = subprocess.run([VIDIMUS, "-C", self.archive, "audit", "--json"], capture_output=True, check=False).stdout
            self.count += 1
            self.read += int(out.split(b'"documents_checked":')[1].split(b",")[0])

    def __enter__(self):
        self.thread.start()
        time.sleep(0.2)
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()


def timed(*args):
    begun = time.monotonic()
    run(*args)
    return time.monotonic() - begun


def singles(archive, folder, count):
    times = []
    for i in range(count):
        path = folder / f"one-{time.monotonic_ns()}.txt"
        path.write_text(f"{path} {i}")
        times.append(timed("-C", archive, "import", str(path), "-q"))
    return max(times), sorted(times)[len(times) // 2]


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        one, two = str(folder / "one"), str(folder / "two")
        run("init", one, "--origin", "bench.example", "--signer", "x", "--no-passphrase")
        run("-C", one, "key", "new", "auditor", "--role", "auditor", "--no-passphrase")
        run("-C", one, "key", "authorize", "auditor", "--role", "auditor")
        run("-C", one, "import", documents(folder, "first", DOCUMENTS), "-q")
        shutil.copytree(one, two)
        source = documents(folder, "second", DOCUMENTS)
        alone = timed("-C", one, "import", source, "-q")
        with Audits(two) as audits:
            beside = timed("-C", two, "import", source, "-q")
        slowest_alone, median_alone = singles(one, folder, 60)
        with Audits(two) as more:
            slowest, median = singles(two, folder, 60)
    kept = alone / beside
    print(f"import of {DOCUMENTS:,} documents    alone {alone:.2f} s, beside audits {beside:.2f} s: "
          f"{kept:.2f} of its rate kept ({audits.count} audits, {audits.read:,} documents read meanwhile)")
    print(f"single imports              alone: median {median_alone * 1000:.0f} ms, slowest {slowest_alone * 1000:.0f} ms; "
          f"beside audits: median {median * 1000:.0f} ms, slowest {slowest * 1000:.0f} ms ({more.count} audits)")
    return 0 if kept >= 0.5 and slowest < slowest_alone + 1 else 1


if __name__ == "__main__":
    sys.exit(main())
