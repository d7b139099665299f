# SPDX-License-Identifier: MIT
"""Does it cost the same in a large archive? scripts/bench growth [SIZE...]

Texts of 100 bytes go into one archive until it has each of the sizes; there a fixed number more is imported, an
entry is proved, the newest one listed and all of it verified. A machine is not always as fast: all is done in turn with
a copy of the archive as it was at the first size, and the ratios are to that. Medians of three; above a million entries,
where one takes minutes, of one.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import meter

ROUNDS = 3
MANY = 1000000
STEP = 50000  # files at a time: what is imported is taken away, so the disk holds only the archive


def must(measured, what):
    if measured.status != 0:
        sys.exit(f"growth: {what} failed with status {measured.status}")
    return measured


class Growing:
    def __init__(self, work, files, log, sample):
        self.work, self.files, self.log, self.sample = work, files, log, sample
        self.archive, self.first, self.copy = (os.path.join(work, n) for n in ("archive", "first", "copy"))
        self.vidimus = os.environ["VIDIMUS"]
        self.made = self.held = self.small = 0  # texts made; captures in the archive, and in the copy
        must(self.run(None, "init", self.archive, "--origin", "bench.example/growth", "--signer", "bench@bench.example",
                      "--no-passphrase"), "init")

    def run(self, archive, *arguments):
        return meter.run([self.vidimus] + (["-C", archive] if archive else []) + list(arguments), self.work, self.log)

    def take(self, archive, count):
        files = os.path.join(self.files, "files")
        subprocess.run([os.environ["CORPUS"], "T", files, str(count), str(self.made)], check=True)
        measured = must(self.run(archive, "import", files, "--no-progress"), "import")
        self.made += count
        shutil.rmtree(files)
        return measured

    def grow(self, size):
        while self.held < size:
            count = min(STEP, size - self.held)
            self.take(self.archive, count)
            self.held += count

    def round(self, archive, size):
        """What each costs, of an archive with so many entries."""
        taken = self.take(archive, self.sample)
        whole, n = must(self.run(archive, "verify"), "verify"), size + self.sample
        prove = must(self.run(archive, "prove", str(size // 2), "-o", "-"), "prove")
        start = must(self.run(archive, "log", "--limit", "1"), "log")
        return {"import_cpu_us": taken.cpu / self.sample * 1e6, "import_docs_s": self.sample / taken.seconds,
                "import_peak_mib": taken.peak_kib / 1024,
                "verify_cpu_us": whole.cpu / n * 1e6, "verify_docs_s": n / whole.seconds,
                "verify_peak_mib": whole.peak_kib / 1024,
                "prove_cpu_ms": prove.cpu * 1e3, "prove_ms": prove.seconds * 1e3,
                "start_cpu_ms": start.cpu * 1e3, "start_ms": start.seconds * 1e3,
                "ledger_bytes": os.path.getsize(os.path.join(archive, "store", "ledger.db")) / n,
                "catalog_bytes": os.path.getsize(os.path.join(archive, "store", "catalog.db")) / n}

    def measure(self, size):
        self.grow(size)
        if not self.small:
            shutil.copytree(self.archive, self.first)
            self.small = size
        large, small = [], []
        for _ in range(ROUNDS if size <= MANY else 1):
            shutil.copytree(self.first, self.copy)
            small.append(self.round(self.copy, self.small))
            shutil.rmtree(self.copy)
            large.append(self.round(self.archive, self.held))
            self.held += self.sample
        line = {"entries": size}
        for name in large[0]:
            value, before = (statistics.median(r[name] for r in rounds) for rounds in (large, small))
            line[name], line[name + "_ratio"] = round(value, 2), round(value / max(before, 1e-9), 2)
        return line


def main():
    p = argparse.ArgumentParser(prog="bench growth", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sizes", nargs="*", type=int, default=[10000, 100000, 1000000])
    p.add_argument("--sample", type=int, default=5000, help="documents whose import is measured at each size")
    p.add_argument("--json", help="append a line a size to this file")
    p.add_argument("--work", help="where to work, on the disk that is to be measured")
    p.add_argument("--files", default="/dev/shm", help="where what is imported is made, a file system in memory (%(default)s)")
    args = p.parse_args()
    work = tempfile.mkdtemp(prefix="vidimus-growth-", dir=args.work)
    files = tempfile.mkdtemp(prefix="vidimus-growth-", dir=args.files)
    try:
        with open(os.path.join(work, "log"), "w", encoding="utf-8") as log, \
                open(args.json or os.devnull, "a", encoding="utf-8") as report:
            growing = Growing(work, files, log, args.sample)
            for size in sorted(args.sizes):
                line = growing.measure(size)
                report.write(json.dumps(line) + "\n")
                report.flush()  # a long run may be broken off: what it has measured stays
                print(f"{size} entries")
                for name, value in line.items():
                    if name + "_ratio" in line:
                        print(f"  {name:18} {value:10}   {line[name + '_ratio']:6.2f} of the first", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(files, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
