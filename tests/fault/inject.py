# SPDX-License-Identifier: MIT
"""System calls of a command, counted, and made to kill it or to fail: strace does both.

strace numbers the calls of each kind for itself. A first run with `trace` says which there are; `killed_at` and
`failing_at` are prefixes for the runs that follow.
"""

import collections
import re
import shutil
import subprocess

import support

WRITING = ("openat", "write", "pwrite64", "pwritev", "fsync", "fdatasync", "syncfs", "ftruncate", "fallocate", "linkat",
           "renameat", "renameat2", "rename", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "fchown", "fchmod",
           "fcntl", "flock", "close")
READING = ("openat", "read", "pread64", "preadv", "getdents64", "newfstatat", "statfs", "fstatfs", "lseek")

# One call: its kind, which of its kind it is, and the text that strace shows.
Call = collections.namedtuple("Call", "kind number text")


def need_strace():
    if not shutil.which("strace"):
        raise support.NotRun("strace is not installed")
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if done.returncode:
        raise support.NotRun("strace may not trace here")


def _prefix(kinds, more, env, output="/dev/null"):
    """`env` is for the program alone, not for strace."""
    given = [word for k, v in env.items() for word in ("-E", f"{k}={v}")]
    return ["strace", "-f", "-qqq", "-y", "-o", str(output), "-s", "0", *given,
            "-e", f"trace={','.join(kinds)}", *more]


def trace(words, kinds, touches, **env):
    """Runs a command and gives its calls of these kinds, from the first on that touches the path: what the
    loader does before is no part of the program. Also gives the command's result.

    strace counts each process for itself. A worker's call whose number is one of the loader's is left out."""
    with support.scratch() as folder:
        result = support.run(*words, prefix=_prefix(kinds, [], env, folder / "trace"))
        lines = (folder / "trace").read_text("utf-8", "replace").splitlines()
    calls, seen, loader = [], collections.Counter(), None
    for line in lines:
        found = re.match(r"(\d+) +(\w+)\(", line)
        if not found:
            continue
        process, kind = found[1], found[2]
        if loader is None and str(touches) in line:
            loader = {k: n for (_, k), n in seen.items()}
        seen[process, kind] += 1
        if loader is not None and seen[process, kind] > loader.get(kind, 0):
            calls.append(Call(kind, seen[process, kind], line))
    return calls, result


def changes(call):
    """Could the disk be another one after this call?"""
    if call.kind == "openat":
        return "O_CREAT" in call.text or "O_TMPFILE" in call.text
    return call.kind not in ("fcntl", "flock", "close")


def killed_at(call, **env):
    return _prefix([call.kind], ["-e", f"inject={call.kind}:signal=KILL:when={call.number}"], env)


def failing_at(call, error, times, output, **env):
    """`times`: how often in a row the call fails, or None for every one from there on. `output` shows whether
    it did, see `was_injected`."""
    last = "+" if times is None else f"..{call.number + times - 1}"
    when = f"{call.number}" if times == 1 else f"{call.number}{last}"
    return _prefix([call.kind], ["-e", f"inject={call.kind}:error={error}:when={when}"], env, output)


def was_injected(output):
    return "(INJECTED)" in output.read_text("utf-8", "replace")
