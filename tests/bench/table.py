# SPDX-License-Identifier: MIT
"""The figures of docs/PERFORMANCE.md, out of what scripts/bench --json and scripts/bench growth --json wrote:

    scripts/bench table LINES...       into the page, in place of what stands between its marks: give all of them at once
"""

import json
import os
import sys

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "PERFORMANCE.md")
BEGIN, END = "<!-- scripts/bench table: begin -->", "<!-- scripts/bench table: end -->"

# The time of vidimus divided by that of the peer, or by what the machine can do at most, is to be at most this.
TARGETS = {
    ("S", "import"): {"floor, and two rows of a database": 1.43, "borg": 0.25, "ostree": 0.29, "cp -r and bagit.py": 0.5, "cp -r and sync": 1.6},
    ("M", "import"): {"floor, and two rows of a database": 1.67, "borg": 0.25, "cp -r and sync": 1.5},
    ("L", "import"): {"borg": 0.25, "cp -r and sync": 1.5},
    ("S", "verify"): {"floor: read, hash, check a signature": 1.25, "sha256sum -c": 1.0, "borg check": 0.67, "bagit.py --validate": 0.67, "restic check": 0.5},
    ("M", "verify"): {"floor: read, hash, check a signature": 1.11, "xargs -P2 openssl dgst": 1.15},
    ("L", "verify"): {"xargs -P2 openssl dgst": 1.15},
    ("S", "verify again"): {"floor: read, hash": 1.25, "sha256sum -c": 0.25, "xargs -P2 openssl dgst": 1.0},
    ("S", "bundle"): {"tar": 1.5, "bsdtar": 1.0},
    ("S", "bundle.zst"): {"tar | zstd -T2": 1.1},
    ("S", "verify bundle"): {"vidimus verify, the archive": 1.0},
}


# What the machine takes at least for a job.
FLOORS = {"import": "floor, and two rows of a database", "verify": "floor: read, hash, check a signature",
          "verify again": "floor: read, hash"}


def judge(line, floor):
    """What the target says of it: of the whole, and of what peers do too; and whether it can be had."""
    target = TARGETS.get((line["corpus"], line["job"]), {}).get(line["way"])
    ratio, plain = line["vidimus_wall_ratio"], line.get("without_text_wall_ratio")
    if target is None:
        return ""
    if ratio <= target:
        return f"{target:.2f}: met"
    return f"{target:.2f}: **missed**" + (", met without text" if plain and plain <= target else
                                          ", by the floor too" if floor and floor > target else "")


def cell(line, floors):
    if "vidimus_wall_ratio" not in line:
        return "", "", "", "", ""
    floor, plain = floors.get((line["corpus"], line["job"])), line.get("without_text_wall_ratio")
    share = floor / line["seconds"] if floor and not line["way"].startswith(("floor", "vidimus")) else None
    return (f"{line['vidimus_wall_ratio']:.2f}", f"{line['vidimus_cpu_ratio']:.2f}", f"{plain:.2f}" if plain else "",
            f"{share:.2f}" if share else "", judge(line, share))


def peers(lines):
    out = ["| corpus, job | way | seconds | CPU s | documents/s | MB/s | memory MiB | vidimus / it, time | CPU "
           "| `--no-text` / it | floor / it | target |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    floors = {(line["corpus"], line["job"]): line["seconds"] for line in lines
              if "seconds" in line and line["way"] == FLOORS.get(line["job"])}
    for line in lines:
        head = f"| {line['corpus']} {line['job']} | {line['way'].replace('|', '/')} "
        if "not_run" in line:
            out.append(head + f"| not run: {line['not_run']} | | | | | | | | | |")
            continue
        ratio, cpu, plain, floor, judged = cell(line, floors)
        out.append(head + f"| {line['seconds']} | {line['cpu']} | {line.get('documents_a_second', '')} "
                   f"| {line.get('mb_a_second', '')} | {line['peak_mib']} | {ratio} | {cpu} | {plain} | {floor} | {judged} |")
    return out


def growth(lines):
    names = [name for name in lines[0] if name + "_ratio" in lines[0]]
    out = ["| | " + " | ".join(f"{line['entries']:,} entries" for line in lines) + " |",
           "|---" * (len(lines) + 1) + "|"]
    for name in names:
        out.append(f"| {name.replace('_', ' ')} | " + " | ".join(
            f"{line[name]:.5g} ({line[name + '_ratio']:.2f})" for line in lines) + " |")
    return out


def machines(lines):
    """Each once: mostly there is one."""
    said = []
    for m in (line["machine"] for line in lines):
        programs = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
        said.append(f"{m['processors']} processors ({m['processor']}), Linux {m['kernel']}; {programs}.")
    return list(dict.fromkeys(said))


KINDS = {"way": peers, "machine": machines, "entries": growth}


def main(paths):
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            lines += [json.loads(line) for line in f]
    if not any("way" in line or "entries" in line for line in lines):
        sys.exit("table: no figures in what was given; nothing is changed")
    of = {mark: [line for line in lines if mark in line] for mark in KINDS}
    parts = [KINDS[mark](some) for mark, some in of.items() if some]
    table = "\n\n".join("\n".join(part) for part in parts)
    with open(PAGE, encoding="utf-8") as f:
        before, _, rest = f.read().partition(BEGIN)
    if END not in rest:
        sys.exit("table: docs/PERFORMANCE.md has no place for it")
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\n\n" + table + "\n\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1:])
