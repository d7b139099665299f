# SPDX-License-Identifier: MIT
"""A large WARC beside its payloads as plain files. scripts/bench warc [RECORDS]

Both are imported in turn, each into a fresh archive. Then the WARC is imported once more, with a Ctrl-C in the middle, a
kill -9 in what follows, and once again to the end: every record must be there exactly once."""

import argparse
import collections
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import meter

FOLDER = 1000  # files in one
WORDS = b"the council said on that day a report of its members was read and kept in public for all who asked".split()


def payload(number, size):
    """Prose, so that its kind is told as fast as that of most captures."""
    chosen = hashlib.sha256(b"%d" % number).digest()
    line = b" ".join(WORDS[byte % len(WORDS)] for byte in chosen) + b".\n"
    return (b"Statement %d\n\n" % number + line * (size // len(line) + 1))[:size]


def record(kind, number, body, *more):
    lines = [b"WARC/1.1", b"WARC-Type: " + kind, b"WARC-Record-ID: <urn:uuid:%032x>" % number,
             b"WARC-Date: 2026-01-02T03:04:05Z", b"Content-Length: %d" % len(body), *more]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body + b"\r\n\r\n"


def make(work, count, size):
    """One WARC, and a folder with the same payloads."""
    warc, files = os.path.join(work, "large.warc"), os.path.join(work, "files")
    with open(warc, "wb") as f:
        f.write(record(b"warcinfo", 0, b"software: bench\r\n", b"Content-Type: application/warc-fields"))
        for i in range(1, count + 1):
            body = payload(i, size)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
            f.write(record(b"response", i, head + body, b"WARC-Target-URI: https://bench.example/%d" % i,
                           b"Content-Type: application/http;msgtype=response"))
            folder = os.path.join(files, f"{i // FOLDER:04}")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, f"{i}.txt"), "wb") as out:
                out.write(body)
    return warc, files


class Bench:
    def __init__(self, work, log):
        self.work, self.log, self.archives = work, log, 0
        self.vidimus = os.environ["VIDIMUS"]

    def archive(self):
        self.archives += 1
        path = os.path.join(self.work, f"archive-{self.archives}")
        subprocess.run([self.vidimus, "init", path, "--origin", "bench.example/warc", "--signer", "bench@bench.example",
                        "--no-passphrase"], stdout=self.log, check=True)
        return path

    def words(self, archive, source):
        return [self.vidimus, "-C", archive, "import", source, "--no-progress"]

    def measured(self, source):
        done = meter.run(self.words(self.archive(), source), self.work, self.log)
        if done.status != 0:
            sys.exit(f"warc: the import failed with status {done.status}")
        return done

    def stopped(self, archive, source, seconds, how):
        """Of an import so much; the entries that there are then."""
        child = subprocess.Popen(self.words(archive, source), stdout=self.log, stderr=self.log)
        time.sleep(seconds)
        child.send_signal(how)
        child.wait()
        subprocess.run([self.vidimus, "-C", archive, "recover"], stdout=self.log, check=True)
        return len(self.entries(archive))

    def entries(self, archive):
        done = subprocess.run([self.vidimus, "-C", archive, "log", "--json"], stdout=subprocess.PIPE, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def broken_off(self, warc, count, seconds):
        """Ctrl-C, kill -9, and to the end. Gives the entries after each."""
        archive = self.archive()
        had = [self.stopped(archive, warc, seconds / 3, signal.SIGINT),
               self.stopped(archive, warc, seconds / 2, signal.SIGKILL)]
        subprocess.run(self.words(archive, warc), stdout=self.log, check=True)
        entries = self.entries(archive)
        seen = collections.Counter(e["record"].get("source", "") for e in entries if "record" in e)
        del seen[""]  # the WARC itself
        if len(seen) != count or set(seen.values()) != {1}:
            sys.exit(f"warc: {len(seen)} records of {count}, {sum(seen.values())} entries")
        if subprocess.run([self.vidimus, "-C", archive, "verify"], stdout=self.log, check=False).returncode != 0:
            sys.exit("warc: the archive does not verify")
        return had + [len(entries)]


def main():
    p = argparse.ArgumentParser(prog="bench warc", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("records", nargs="?", type=int, default=200000)
    p.add_argument("--size", type=int, default=10240, help="bytes of each payload")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--json", help="append a line to this file")
    p.add_argument("--work", help="where to work, on the disk that is to be measured")
    args = p.parse_args()
    work = tempfile.mkdtemp(prefix="vidimus-warc-", dir=args.work)
    try:
        with open(os.path.join(work, "log"), "w", encoding="utf-8") as log:
            bench, (warc, files) = Bench(work, log), make(work, args.records, args.size)
            runs = [(bench.measured(files), bench.measured(warc)) for _ in range(args.rounds)]
            plain, one = (statistics.median(pair[i].seconds for pair in runs) for i in range(2))
            line = {"records": args.records, "warc_bytes": os.path.getsize(warc), "files_s": round(plain, 2),
                    "warc_s": round(one, 2), "rate_of_files": round(plain / one, 2),
                    "files_peak_mib": round(max(pair[0].peak_kib for pair in runs) / 1024, 1),
                    "warc_peak_mib": round(max(pair[1].peak_kib for pair in runs) / 1024, 1),
                    "entries_when_broken_off": bench.broken_off(warc, args.records, one)}
        for name, value in line.items():
            print(f"  {name:24} {value}")
        if args.json:
            with open(args.json, "a", encoding="utf-8") as f:
                f.write(json.dumps(line) + "\n")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
