# SPDX-License-Identifier: MIT
"""vidimus beside its peers, on the same files in turn (A B A B): scripts/bench. What counts are the ratios.

Prints a table for people, and for each way a line of JSON for programs (--json FILE). Asserts no time.

Also `scripts/bench growth` (does it cost the same in a large archive?) and `scripts/bench warc`, each with --help; and
`scripts/bench table LINES...`, which puts what --json wrote into docs/PERFORMANCE.md. The variable BAGIT names bagit.py, where
that is to be measured. S and M with all peers take 8 and 4 minutes and 30 GB of the disk, L 3 minutes a round and 35 GB.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import jobs
import meter

COUNTS = {"S": 100000, "M": 5000, "L": 4, "T": 10000}
ONCE = {"import"}  # leaves what the other jobs read: its folder is kept


def die(what):
    sys.exit(f"bench: {what}")


def prepare(way, place, log):
    for command in way.prepare(place) if way.prepare else []:
        done = meter.run(command, place.path, log)
        if done.status != 0:
            return f"what comes before it failed ({done.status})"
    return None


def round_of(r, way, place, log):
    """One measurement, or why there is none."""
    if way.makes and os.path.exists(place / way.makes):
        # Out of the way, not deleted: that would slow what follows.
        os.rename(place / way.makes, place / f"{way.makes}.{r}")
    os.sync()  # what the way before has left to be written is not this one's
    measured = meter.run(way.command(place), place.path, log)
    return measured if measured.status == 0 else f"failed with status {measured.status}"


def measure(job, ways, places, rounds, log):
    """{name: [Measured] or reason}. Import needs a place of its own each time; the rest shares the last one."""
    results = {}
    for r in range(rounds):
        place = places(r)
        for way in ways:
            known = results.setdefault(way.name, [])
            if isinstance(known, str):
                continue
            why = way.missing()
            if not why and (r == 0 or job in ONCE):
                why = prepare(way, place, log)
            got = why or round_of(r, way, place, log)
            if isinstance(got, str):
                results[way.name] = got
            else:
                known.append(got)
    return results


def ratio(ours, result):
    # Side by side: round by round, so that what slows the machine for a while slows both.
    return round(statistics.median(a.seconds / b.seconds for a, b in zip(ours, result)), 3)


def line_of(form, job, name, result, ours, plain, files, size):
    line = {"corpus": form, "job": job, "way": name}
    if isinstance(result, str):
        line["not_run"] = result
        return line
    median = statistics.median(m.seconds for m in result)
    cpu = statistics.median(m.cpu for m in result)
    line.update(seconds=round(median, 3), cpu=round(cpu, 3), rounds=len(result),
                peak_mib=round(max(m.peak_kib for m in result) / 1024, 1),
                written_mb=round(statistics.median(m.written for m in result) / 1e6, 1))
    if job != "start":
        line.update(documents_a_second=round(files / median), mb_a_second=round(size / median / 1e6, 1))
    if isinstance(ours, list):
        line.update(vidimus_wall_ratio=ratio(ours, result),
                    vidimus_cpu_ratio=round(statistics.median(m.cpu for m in ours) / max(cpu, 1e-3), 3))
    if isinstance(plain, list):
        line.update(without_text_wall_ratio=ratio(plain, result))
    return line


def show(line):
    if "not_run" in line:
        print(f"  {line['way']:28} not run: {line['not_run']}")
        return
    wall, plain = line.get("vidimus_wall_ratio"), line.get("without_text_wall_ratio")
    rate = "" if "mb_a_second" not in line else (f"{line['documents_a_second']:8} docs/s "
                                                 f"{line['mb_a_second']:8.1f} MB/s ")
    print(f"  {line['way']:28} {line['seconds']:8.3f} s {line['cpu']:8.3f} CPU s {rate}"
          f"{line['peak_mib']:7.1f} MiB {line['written_mb']:8.1f} MB written"
          + (f"   vidimus / it: {wall:.2f} wall, {line['vidimus_cpu_ratio']:.2f} CPU" if wall else "")
          + (f"; --no-text / it: {plain:.2f} wall" if plain else ""))


def make_corpus(args, work):
    if args.corpus_path:
        return os.path.abspath(args.corpus_path)
    path = os.path.join(work, "corpus")
    subprocess.run([args.maker, args.form, path, str(args.count or COUNTS[args.form])], check=True)
    return path


def size_of(corpus):
    sizes = [os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(corpus) for name in names]
    return len(sizes), sum(sizes)


def run(args, work, report):
    corpus = make_corpus(args, work)
    files, size = size_of(corpus)
    machine = meter.machine()
    report.write(json.dumps({"machine": machine}) + "\n")
    print(f"corpus {args.form}: {files} files, {size / 1e6:.1f} MB; {machine['processors']} processors "
          f"({machine['processor']}), load {os.getloadavg()[0]:.1f}; medians of {args.rounds} rounds")
    made = {}

    def place(r):
        if r not in made:
            path = os.path.join(work, f"round-{r}")
            os.mkdir(path)
            made[r] = jobs.Place(path, corpus, args.vidimus, args.floor)
        return made[r]

    failed = False
    with open(os.path.join(work, "log"), "w", encoding="utf-8") as log:
        for job in args.job or jobs.JOBS:
            ways = [w for w in jobs.JOBS[job] if not args.alone or w.name.startswith("vidimus") or not w.needs]
            if args.form == "L":  # the floor is for many files: it takes each whole, and a run of them to a thread
                ways = [w for w in ways if not w.name.startswith("floor")]
            places = place if job in ONCE else lambda r: place(0)
            results = measure(job, ways, places, args.rounds, log)
            ours = results[ways[0].name]
            failed = failed or isinstance(ours, str)
            print(f"{job}:")
            for name, result in results.items():
                line = line_of(args.form, job, name, result, ours if name != ways[0].name else None,
                               results.get(jobs.WITHOUT_TEXT) if not name.startswith("vidimus") else None, files, size)
                show(line)
                report.write(json.dumps(line, sort_keys=True) + "\n")
                report.flush()  # a long run may be broken off
    if failed:
        with open(os.path.join(work, "log"), encoding="utf-8", errors="replace") as log:
            sys.stderr.write(log.read()[-2000:])
    return not failed


def main():
    p = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("form", nargs="?", default="S", choices=sorted(COUNTS), metavar="CORPUS",
                   help="S: 100,000 texts and pages, 6 KB in the median and 10 KB on average; M: 5,000 of 200 KB; "
                   "L: 4 of 1 GiB; T: texts of 100 bytes")
    p.add_argument("--count", type=int, help="another number of files")
    p.add_argument("--corpus-path", help="files that are there already, instead of making them")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--job", action="append", choices=list(jobs.JOBS),
                   help="only this job (may repeat; the others read what import leaves, so name it too)")
    p.add_argument("--alone", action="store_true", help="without peers that must be installed")
    p.add_argument("--json", help="append a line a measurement to this file")
    p.add_argument("--work", help="where to work, on the disk that is to be measured")
    p.add_argument("--vidimus", default=os.environ.get("VIDIMUS"), help=argparse.SUPPRESS)
    p.add_argument("--maker", default=os.environ.get("CORPUS"), help=argparse.SUPPRESS)
    p.add_argument("--floor", default=os.environ.get("FLOOR"), help=argparse.SUPPRESS)
    args = p.parse_args()
    if not args.vidimus or not args.maker or not args.floor:
        die("VIDIMUS, CORPUS and FLOOR name the three programs; scripts/bench sets them")
    work = tempfile.mkdtemp(prefix="vidimus-bench-", dir=args.work)
    try:
        with open(args.json or os.devnull, "a", encoding="utf-8") as report:
            return 0 if run(args, work, report) else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
