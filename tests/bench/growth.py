# SPDX-License-Identifier: MIT
"""Does it cost the same in a large archive? scripts/bench growth [SIZE...]

Texts of 100 bytes go into one archive until it has each of the sizes; there a fixed number more is imported
and measured, an entry is proved, the newest one listed and all of it verified. Ratios are to the first size.
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

STEP = 50000  # files at a time: what is imported is taken away, so the disk holds only the archive


def must(measured, what):
    if measured.status != 0:
        sys.exit(f"growth: {what} failed with status {measured.status}")
    return measured


class Growing:
    def __init__(self, work, files, log, sample):
        self.work, self.files, self.log, self.sample = work, files, log, sample
        self.archive = os.path.join(work, "archive")
        self.vidimus = os.environ["VIDIMUS"]
        self.made = 0
        must(self.run("init", self.archive, "--origin", "bench.example/growth", "--signer", "bench@bench.example",
                      "--no-passphrase", archive=False), "init")

    def run(self, *arguments, archive=True):
        return meter.run([self.vidimus] + (["-C", self.archive] if archive else []) + list(arguments), self.work,
                         self.log)

    def take(self, count):
        files = os.path.join(self.files, "files")
        subprocess.run([os.environ["CORPUS"], "T", files, str(count), str(self.made)], check=True)
        measured = must(self.run("import", files, "--no-progress"), "import")
        self.made += count
        shutil.rmtree(files)
        return measured

    def grow(self, size):
        while self.made < size:
            self.take(min(STEP, size - self.made))

    def median(self, *arguments, times=5):
        runs = [must(self.run(*arguments), arguments[0]) for _ in range(times)]
        return statistics.median(m.cpu for m in runs), statistics.median(m.seconds for m in runs)

    def measure(self, size):
        self.grow(size - self.sample)
        taken, whole = self.take(self.sample), must(self.run("verify"), "verify")
        prove, start = self.median("prove", str(size // 2), "-o", "-"), self.median("log", "--limit", "1")
        ledger = os.path.getsize(os.path.join(self.archive, "store", "ledger.db"))
        catalog = os.path.getsize(os.path.join(self.archive, "store", "catalog.db"))
        return {"entries": size,
                "import_cpu_us": round(taken.cpu / self.sample * 1e6, 1),
                "import_docs_s": round(self.sample / taken.seconds),
                "import_peak_mib": round(taken.peak_kib / 1024, 1),
                "verify_cpu_us": round(whole.cpu / size * 1e6, 1),
                "verify_docs_s": round(size / whole.seconds),
                "verify_peak_mib": round(whole.peak_kib / 1024, 1),
                "prove_cpu_ms": round(prove[0] * 1e3, 2), "prove_ms": round(prove[1] * 1e3, 2),
                "start_cpu_ms": round(start[0] * 1e3, 2), "start_ms": round(start[1] * 1e3, 2),
                "ledger_bytes": round(ledger / size), "catalog_bytes": round(catalog / size)}


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
    first = None
    try:
        with open(os.path.join(work, "log"), "w", encoding="utf-8") as log, \
                open(args.json or os.devnull, "a", encoding="utf-8") as report:
            growing = Growing(work, files, log, args.sample)
            for size in sorted(args.sizes):
                line = growing.measure(size)
                first = first or line
                report.write(json.dumps(line) + "\n")
                report.flush()  # a long run may be broken off: what it has measured stays
                print(f"{size} entries")
                for name, value in line.items():
                    if name != "entries":
                        print(f"  {name:18} {value:10}   {value / max(first[name], 1e-9):6.2f} of the first", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(files, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
