# SPDX-License-Identifier: MIT
"""What the tests of the command line share: running the program, archives to try things on."""

import hashlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from documents import Document, as_files, documents, erase, members, put, set_aside  # noqa: E402,F401 pylint: disable=wrong-import-position

SECONDS = int(os.environ.get("VIDIMUS_TEST_SECONDS", "60"))  # longer than that, a command hangs
VIDIMUS = os.environ.get("VIDIMUS") or str(
    pathlib.Path(__file__).resolve().parents[2] / "build" / "vidimus")
ORIGIN = "test.example/log"
SIGNER = "amal@test.example"
IS_ROOT = os.geteuid() == 0
# No test here needs what outlives a power cut: memory spares the disk thousands of syncs.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None

# Whatever a terminal or a reader's eye would obey. Tab and newline are for us alone to write.
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
                       "\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]")


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if k not in ("VIDIMUS_ARCHIVE", "NO_COLOR", "SOURCE_DATE_EPOCH")}
    env.update(more)
    return env


def easy_passphrases():
    """From now on: what a passphrase costs in earnest is seconds of these tests and shows nothing more each time."""
    if "EASY_KDF" in os.environ:
        os.environ["LD_PRELOAD"] = os.environ["EASY_KDF"]
        os.environ["ASAN_OPTIONS"] = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code = args, code
        self.raw_out, self.raw_err = out, err
        self.out = out.decode("utf-8", "surrogateescape")
        self.err = err.decode("utf-8", "surrogateescape")

    def __str__(self):
        return (f"{self.args}\nexit {self.code}\n--- stdout\n{self.out[:3000]}"
                f"\n--- stderr\n{self.err[:3000]}")

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*args, stdin=b"", cwd=None, timeout=SECONDS, prefix=(), program=VIDIMUS, **env):
    words = [*prefix, program, *args]
    done = subprocess.run(words, input=stdin, capture_output=True, cwd=cwd, timeout=timeout,
                          env=environment(**env), check=False)
    return Result(args, done.returncode, done.stdout, done.stderr)


def as_nobody(*args, **more):
    """The program run by somebody whom file modes hold back."""
    if not IS_ROOT:
        return run(*args, **more)
    # A copy: the folder of the build need not be open to everybody.
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(VIDIMUS, folder)
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        return run(*args, prefix=prefix, program=program, **more)


def on_terminal(*args, answers=(), cwd=None, seconds=20, **env):
    """Runs with a terminal for everything. `answers`: (text to wait for, what to type then)."""
    child, fd = pty.fork()
    if child == 0:
        os.chdir(cwd or "/")
        os.execve(VIDIMUS, [VIDIMUS, *args], environment(**env))
    seen, at, todo = b"", 0, list(answers)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
        while todo and (place := seen.find(todo[0][0].encode(), at)) >= 0:
            at = place + len(todo[0][0])
            os.write(fd, todo.pop(0)[1].encode())
    else:
        os.kill(child, 9)
    os.close(fd)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Result(args, code, seen, b"")


def listing(folder):
    """Every path below with what would tell a change: kind, mode, size, mtime, content."""
    found = {}
    for base, dirs, files in os.walk(os.fsencode(folder)):
        for name in dirs + files:
            path = os.path.join(base, name)
            st = os.lstat(path)
            content = None
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    content = hashlib.sha256(f.read()).hexdigest()
            found[path] = (st.st_mode, st.st_size, st.st_mtime_ns, content)
    st = os.lstat(folder)
    found[os.fsencode(folder)] = (st.st_mode, st.st_mtime_ns)
    return found


class Case(unittest.TestCase):
    """Each test has a folder of its own; `archive()` copies one that was made once for the class."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="vidimus-cli-", dir=SCRATCH))
        cls.addClassCleanup(shutil.rmtree, cls.shared, True)
        os.chmod(cls.shared, 0o755)
        made = run("init", str(cls.shared / "template"), "--origin", ORIGIN, "--signer", SIGNER,
                   "--no-passphrase")
        if made.code != 0:
            raise AssertionError(str(made))

    @classmethod
    def fill(cls, times=1):
        """An archive `filled` with six documents of two sources, three collections and six issuers."""
        archive, src = cls.shared / "filled", cls.shared / "docs"
        shutil.copytree(cls.shared / "template", archive)
        src.mkdir()
        lines = ["file,title,source,collection,issuer"]
        for i in range(6):
            (src / f"d{i}.txt").write_text(f"statement {i}\n" * times)
            lines.append(f"docs/d{i}.txt,Title {i},https://e/{i % 2},C{i % 3},Issuer {i}")
        (cls.shared / "t.csv").write_text("\n".join(lines) + "\n")
        r = run("-C", str(archive), "import", str(src), "--metadata", str(cls.shared / "t.csv"))
        if r.code:
            raise AssertionError(str(r))
        return str(archive), src

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=self.shared))
        os.chmod(self.dir, 0o755)

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def archive(self, documents=0, name="a"):
        target = self.dir / name
        shutil.copytree(self.shared / "template", target, copy_function=shutil.copy2)
        if documents:
            src = self.folder(documents, name + "-src")
            self.ok("-C", str(target), "import", str(src), "--collection", "first")
        return str(target)

    def folder(self, documents, name="src", size=40):
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        for i in range(documents):
            (folder / f"d{i:05}.txt").write_text(f"{name} {i} ".ljust(size, "x") + "\n")
        return folder

    def file(self, name, content="content\n"):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def expect(self, code, *args, **more):
        result = run(*args, **more)
        self.assertEqual(result.code, code, str(result))
        if code in (2, 3):
            self.one_clear_line(result)
        return result

    def ok(self, *args, **more):
        return self.expect(0, *args, **more)

    def one_clear_line(self, result):
        lines = [l for l in result.err.splitlines() if l.startswith("vidimus: ")]
        self.assertEqual(len(lines), 1, str(result))
        self.assertLess(len(lines[0]), 400, str(result))

    def safe(self, result):
        """Nothing in what was printed is for a terminal to obey."""
        for name, raw in (("stdout", result.raw_out), ("stderr", result.raw_err)):
            text = raw.decode("utf-8", "strict") if self.is_utf8(raw) else None
            self.assertIsNotNone(text, f"{name} is not UTF-8: {raw!r}")
            self.assertIsNone(FORBIDDEN.search(text), f"{name}: {text!r}")

    @staticmethod
    def is_utf8(raw):
        try:
            raw.decode("utf-8", "strict")
            return True
        except UnicodeDecodeError:
            return False

    def verified(self, archive, entries=None):
        report = self.ok("-C", archive, "verify", "--json").json
        self.assertEqual(report["verdict"], "VERIFIED")
        if entries is not None:
            self.assertEqual(report["entries_checked"], entries)
        return report


def main():
    unittest.main(verbosity=1)
