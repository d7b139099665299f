# SPDX-License-Identifier: MIT
"""One command, measured: seconds, CPU seconds, peak memory, bytes written. And on what."""

import os
import re
import shutil
import subprocess
import time

VERSIONS = {"borg": "--version", "restic": "version", "ostree": "--version", "tar": "--version", "bsdtar": "--version",
            "zstd": "--version", "openssl": "version", "sha256sum": "--version"}


class Measured:
    def __init__(self, status, seconds, usage, written):
        self.status = status
        self.seconds = seconds
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_kib = usage.ru_maxrss
        self.written = written


def bytes_written(pid):
    """What the process had written when it ended: /proc keeps that until it is waited for."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as f:
            return dict(line.split(": ") for line in f.read().splitlines())
    except (OSError, ValueError):
        return {}


def run(command, cwd, log):
    """`command` is a list, or a text for the shell. CPU seconds and bytes are those of all its processes, memory
    is that of the largest. Below what Python itself takes, 16 MiB or so, memory is not told apart."""
    shell = isinstance(command, str)
    arguments = ["sh", "-c", command] if shell else [str(c) for c in command]
    start = time.monotonic()
    child = subprocess.Popen(arguments, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    io = bytes_written(child.pid)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    return Measured(child.returncode, seconds, usage, int(io.get("write_bytes", 0)))


def version(program, how):
    said = subprocess.run([program, how], capture_output=True, text=True, errors="replace", check=False)
    found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return found[0] if found else "of no version"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        models = [line.partition(":")[2].strip() for line in f if line.startswith("model name")]
    return {"processor": models[0] if models else os.uname().machine, "processors": os.cpu_count(),
            "kernel": os.uname().release,
            "versions": {name: version(name, how) for name, how in VERSIONS.items() if shutil.which(name)}}
