#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disks of many sizes that fill up during an import; then they are enlarged, and the work goes on.

Root, for tmpfs. Each disk begins with an archive and has a little more room than the one before. On every other disk the
file system says that it has room: as it is when others fill it meanwhile.
"""

import os
import re
import subprocess
import sys

import support

FULL, QUICK = 100, 8
STEP_KIB = 8
DOCUMENTS, LARGE = 40, 4


class Disk:
    """A tmpfs for the length of a `with`. What an earlier run left is for the kernel's reboot, not for us: the
    folder is new."""

    def __init__(self, where, kib):
        self.where, self.kib = str(where), kib

    def __enter__(self):
        os.makedirs(self.where)
        self.mount(f"size={self.kib}k")
        return self

    def mount(self, options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.where], capture_output=True,
                              check=False)
        if done.returncode:
            raise support.NotRun(f"may not mount tmpfs: {done.stderr.decode().strip()}")

    def enlarge(self):
        self.mount("remount,size=64m")

    def __exit__(self, *what):
        subprocess.run(["umount", self.where], check=True)
        os.rmdir(self.where)


def used_kib(folder):
    """What an archive occupies there, found out on a disk with room."""
    with Disk(folder / "measure", 65536) as disk:
        archive = support.Archive.make(os.path.join(disk.where, "a"))
        archive.add("before", 3)
        st = os.statvfs(disk.where)
        return (st.f_blocks - st.f_bfree) * st.f_frsize // 1024


def fill(tally, folder, kib, plant):
    source = folder / "src"
    with tally.point(f"{kib} KiB"), Disk(folder / f"disk{kib}", kib) as disk:
        archive = support.Archive.make(os.path.join(disk.where, "a"))
        archive.add("before", 3)
        bugs = ["room"] * (tally.injected % 2) + plant.get("bugs", [])
        result = support.run("-C", archive.path, "import", source, "--json", program=plant.get("program"),
                             **support.planted(",".join(bugs)))
        archive.acknowledged.told(result, plant["documents"])
        tally.more["full" if result.code else "fitted"] += 1
        if result.code not in (0, 3):
            raise support.Wrong(str(result))
        if result.code and not re.search("No space left on device|disk is full|room|free", result.err):
            raise support.Wrong(f"does not say that the disk is full: {result}")
        disk.enlarge()
        support.Judge().archive(archive)
        if archive.put(source, plant["documents"]).code != 0:
            raise support.Wrong("does not go on when there is room again")
        support.Judge().intact(archive)


def harness(tally, options, plant=None):
    with support.scratch() as folder:
        documents = support.write_documents(folder / "src", [f"d{i}" for i in range(DOCUMENTS)])
        documents |= support.write_documents(folder / "src", [f"large{i}" for i in range(LARGE)], 100_000)
        start = used_kib(folder)
        sizes = [start + 80 + STEP_KIB * i for i in range(FULL)]
        sizes = support.spread(sizes, QUICK if options.quick else None, options.seed)
        for kib in sizes:
            fill(tally, folder, kib, {"documents": documents, **(plant or {})})
        return len(sizes)


def self_test(make_tally, options):
    """A write that failed and says that it wrote; a program that says "done" whatever happened."""
    options.quick, tally = True, make_tally()
    harness(tally, options, {"bugs": ["write-error"]})
    seen = {"an error of write is swallowed": tally.lost + tally.wrong > 0}
    with support.scratch() as folder:
        liar = folder / "liar"
        liar.write_text(f"#!/bin/sh\n{support.VIDIMUS} \"$@\"\nexit 0\n")
        liar.chmod(0o755)
        tally = make_tally()
        harness(tally, options, {"program": liar})
    return {**seen, "done is said where it is not": tally.lost + tally.wrong > 0}


if __name__ == "__main__":
    sys.exit(support.main("full-disk", harness, self_test))
