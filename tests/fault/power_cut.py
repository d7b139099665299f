#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Power cuts on a real file system: ext4 in a file, shut down at a random moment without its journal being written.

What the program acknowledged until then must be there after the next mount. A control comes first: the same, with a
few plain writes and syncs in place of the program. If that loses anything, the kernel does, and the result is void.
"""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading

import support
from support import Archive, Judge, NotRun

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN and its argument
DISK_BYTES = 160 << 20
PREFIX = "vidimus-power-"

# Rounds: (quick, full). Together 25 and 1,200, without the control.
ROUNDS = {"control": (5, 100), "small": (8, 450), "large": (5, 300), "ahead": (2, 100), "recover": (5, 200),
          "init": (5, 150)}
SELF_TEST = 10
# So many rounds on one archive, then a new one: the judge looks at all of it each time.
ARCHIVE_ROUNDS = {"small": 25, "large": 5, "ahead": 4}


# --- the disk ---

class Disk:
    """A file system that can lose its power."""

    def __init__(self, folder):
        self.image, self.place = folder / "image", folder / "mounted"
        self.place.mkdir()
        with open(self.image, "wb") as f:
            f.truncate(DISK_BYTES)
        tool("mkfs.ext4", "-q", "-F", str(self.image))
        self.mount()

    def mount(self):
        tool("mount", "-o", "loop", str(self.image), str(self.place))

    def shut_down(self):
        fd = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def power_again(self):
        tool("umount", str(self.place))
        self.mount()

    @contextlib.contextmanager
    def cut_after(self, seconds):
        """The power goes so long after the beginning of the block, at its end at the latest."""
        off = threading.Event()
        timer = threading.Thread(target=lambda: (off.wait(seconds), self.shut_down()))
        timer.start()
        try:
            yield timer
        finally:
            off.set()
            timer.join()
            self.power_again()


def tool(*words):
    try:
        done = subprocess.run(words, capture_output=True, check=False)
    except FileNotFoundError as e:
        raise NotRun(f"{words[0]} is missing") from e
    if done.returncode != 0:
        raise NotRun(f"{' '.join(words)}: {done.stderr.decode().strip()}")


@contextlib.contextmanager
def disk():
    """A fresh disk. It goes with us, or if we are killed, with the next who needs one."""
    if os.geteuid() != 0:
        raise NotRun("loop devices need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    clear_left()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=support.SCRATCH))
    # A name space of our own for mounts: the kernel takes them back, however we end.
    private_mounts()
    try:
        yield Disk(folder)
    finally:
        clear(folder)


def private_mounts():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) != 0:  # CLONE_NEWNS
        raise NotRun(f"unshare: {os.strerror(ctypes.get_errno())}")
    tool("mount", "--make-rprivate", "/")


def clear(folder):
    subprocess.run(["umount", str(folder / "mounted")], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def clear_left():
    for folder in pathlib.Path(support.SCRATCH or tempfile.gettempdir()).glob(PREFIX + "*"):
        pid = re.match(PREFIX + r"(\d+)-", folder.name)
        if pid and not os.path.exists(f"/proc/{pid[1]}"):
            clear(folder)


# --- the control ---

def control(disk_, seconds):
    """As a database commits: a journal, the data, the journal emptied; each step synced. Counts what was lost."""
    place, done = disk_.place, 0
    journal, data = (os.open(place / name, os.O_RDWR | os.O_CREAT) for name in ("journal", "data"))
    commit(journal, data, 0)
    sync_folder(place)
    with disk_.cut_after(seconds) as power:
        try:
            while power.is_alive():
                commit(journal, data, done + 1)
                done += 1
        except OSError:
            pass  # the power is gone
        finally:
            os.close(journal)
            os.close(data)
    return done - (lasting(place) or 0)


def sync_folder(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def commit(journal, data, n):
    for fd in (journal, data):
        os.pwrite(fd, struct.pack("Q", n) * 1000, 0)
        os.fsync(fd)
    os.ftruncate(journal, 0)
    os.fsync(journal)


def lasting(place):
    """The newest commit that is there. A journal that is whole says that its commit is not finished."""
    journal, data = (whole((place / name).read_bytes()) for name in ("journal", "data"))
    return data if journal is None else journal - 1


def whole(content):
    """The number that was written, or None where not all of it is there."""
    n = struct.unpack_from("Q", content)[0] if len(content) == 8000 else 0
    return n if content == struct.pack("Q", n) * 1000 else None


# --- rounds ---

class Rounds:
    """Rounds on one disk. `env`: for the self-test."""

    def __init__(self, disk_, rng, env=None):
        self.disk, self.rng, self.env = disk_, rng, env or {}
        self.judge, self.archive, self.count = Judge(), None, 0
        self.path = disk_.place / "a"

    def fresh_archive(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self.archive = Archive(self.path)
        self.archive.acknowledged.told(support.must(*support.init_words(self.path), **self.env))

    def documents(self, folder, sizes):
        made = {}
        for i, size in enumerate(sizes):
            made.update(support.write_documents(folder, [f"{self.count}-{i}"], size))
        self.count += 1
        return made

    def import_until_cut(self, sizes, most):
        """Imports one after the other until the power goes. Gives the one that it hit, or the last."""
        with support.scratch() as scratch, contextlib.ExitStack() as hold:
            for i in range(100):
                made = self.documents(scratch / str(i), sizes())
                if i == 0:
                    power = hold.enter_context(self.disk.cut_after(self.rng.random() * most))
                result = self.archive.put(scratch / str(i), made, **self.env)
                if result.code != 0 or not power.is_alive():
                    break
            hold.close()
            self.settle((scratch / str(i), made))

    def settle(self, rerun=None):
        self.judge.archive(self.archive, rerun)
        known = self.archive.acknowledged
        newest = max(known.checkpoints)  # the judge found that it extends all others
        known.checkpoints = {newest: known.checkpoints[newest]}

    def small(self, n):
        if n % ARCHIVE_ROUNDS["small"] == 0:
            self.fresh_archive()
        self.import_until_cut(lambda: [60] * self.rng.randrange(1, 4), 0.25)

    def large(self, n):
        """Batches of hundreds, some documents larger than a mebibyte: space for them is reserved first."""
        if n % ARCHIVE_ROUNDS["large"] == 0:
            self.fresh_archive()
        self.import_until_cut(lambda: [60 + 30 * i for i in range(200)] + [(1 << 20) + 9, 1 << 20, 3 << 19], 0.4)

    def ahead(self, n):
        """Documents enough that some are stored while those before them are recorded."""
        if n % ARCHIVE_ROUNDS["ahead"] == 0:
            self.fresh_archive()
        self.import_until_cut(lambda: [60] * 600, 0.5)

    def recover(self, n):
        """An import that is killed, and then the power goes while `recover` mends it."""
        if n % ARCHIVE_ROUNDS["small"] == 0:
            self.fresh_archive()
        with support.scratch() as scratch:
            made = self.documents(scratch, [60] * 20)
            with self.disk.cut_after(self.rng.random() * 0.04):
                self.archive.put(scratch, made, **self.env)
            with self.disk.cut_after(self.rng.random() * 0.03):
                self.archive.run("recover", **self.env)
            self.settle((scratch, made))

    def init(self, _n):
        shutil.rmtree(self.path, ignore_errors=True)
        self.archive = Archive(self.path)
        with self.disk.cut_after(self.rng.random() * 0.12):
            told = support.run(*support.init_words(self.path), **self.env)
        if told.code == 0:
            self.archive.acknowledged.told(told)
        else:
            support.try_init_again(self.archive)
        self.settle()


def harness(tally, options):
    rng, asked = random.Random(options.seed), 0
    count = {name: both[0 if options.quick else 1] for name, both in ROUNDS.items()}
    with disk() as disk_:
        check_control(disk_, rng, tally, count.pop("control"))
        rounds = Rounds(disk_, rng)
        for name in [n for n in count if options.only in n]:
            for i in range(count[name]):
                with tally.point(f"{name}, cut {i}"):
                    getattr(rounds, name)(i)
            asked += count[name]
    return asked


def check_control(disk_, rng, tally, rounds):
    for _ in range(rounds):
        if control(disk_, rng.random() * 0.2) > 0:
            raise NotRun("void: plain writes and syncs were lost as well, so this file system cannot tell")
    tally.more["control"] = rounds


def self_test(make_tally, options):
    """Without a single sync, a cut must lose something."""
    seen = {}
    no_syncs = {"LD_PRELOAD": support.built("fault_record_io"), "RECORD_IO_SWALLOW": "*"}
    with disk() as disk_, open(os.devnull, "w", encoding="utf-8") as null:
        for name in list(ROUNDS)[1:]:
            tally, rounds = make_tally(), Rounds(disk_, random.Random(options.seed), no_syncs)
            while tally.injected < SELF_TEST and not tally.lost + tally.wrong:
                with tally.point(name, null):
                    getattr(rounds, name)(tally.injected - 1)
            seen[f"no syncs, {name}"] = tally.lost + tally.wrong > 0
    return seen


if __name__ == "__main__":
    sys.exit(support.main("power-cut", harness, self_test))
