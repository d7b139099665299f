#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bundles of strangers are checked in a worker without rights: what is in force is told truly, the worker
asks for nothing else, and one that is killed gives no verdict."""

import base64
import ctypes
import errno
import os
import re
import signal
import subprocess
import tarfile
import time

import support
from support import run

LIBC = ctypes.CDLL(None, use_errno=True)
SYS_SECCOMP, SYS_LANDLOCK = {"x86_64": (317, 444), "aarch64": (277, 444)}[os.uname().machine]
KILL_PROCESS = ctypes.c_uint32(0x80000000)
# The sanitizers' address space cannot be bounded, and they ask for more.
SANITIZED = "sanitizer build" in run("--version").out

# What may still be called between the filter and the end; src/sandbox/calls.c has a reason for each.
ALLOWED = {"read", "write", "lseek", "newfstatat", "fstat", "brk", "mmap", "munmap", "mremap", "madvise",
           "mprotect", "clock_gettime", "futex", "exit_group"}


def kernel_landlock():
    """The ABI, asked of the kernel without the program's help; 0: none."""
    return max(LIBC.syscall(SYS_LANDLOCK, None, 0, 1), 0)


def kernel_seccomp():
    return LIBC.syscall(SYS_SECCOMP, 2, 0, ctypes.byref(KILL_PROCESS)) == 0


def expected_words():
    """What --version must say on this kernel."""
    abi = kernel_landlock()
    landlock = f"Landlock ABI {abi} (files" if abi else "no Landlock (none is to be had here)"
    return landlock, ", seccomp, " if kernel_seccomp() else "no seccomp (none is to be had here)"


def after_filter(trace):
    """The system calls of each process that went under seccomp, from then on, and these processes: by the
    thread that asked for it, and by those that it had started before. It and they are one process."""
    calls, confined, asking, starting, process_of = [], set(), set(), set(), {}
    for line in trace.splitlines():
        # Two lines, where another process comes in between.
        resumed = re.match(r"(\d+) +<... seccomp resumed>.*= 0$", line)
        if resumed and resumed[1] in asking:
            confined.add(resumed[1])
        thread = re.match(r"(\d+) +(?:clone3?\(|<... clone3? resumed>)(?:.* = (\d+)$)?", line)
        if thread and "CLONE_THREAD" in line:
            starting.add(thread[1])
        if thread and thread[1] in starting and thread[2]:
            starting.remove(thread[1])
            process_of[thread[2]] = thread[1]
        match = re.match(r"(\d+) +(\w+)\(", line)
        if not match:
            continue
        pid, name = match.groups()
        if process_of.get(pid, pid) in confined:
            calls.append((pid, name))
        if name == "seccomp" and "SECCOMP_SET_MODE_FILTER" in line:
            (confined if line.rstrip().endswith("= 0") else asking).add(pid)
    return calls, confined


class Sandbox(support.Case):
    def setUp(self):
        super().setUp()
        self.a = self.archive(3)
        self.key = self.a + "/keys/authority.pub"
        self.bundle = str(self.dir / "b.tar")
        self.ok("-C", self.a, "bundle", "-o", self.bundle, "--all")

    def bomb(self, window_log=20, blocks=65535):
        """Some KiB that unpack to 8 GiB: a true bundle as far as the header of its first document, which
        is made as long as a tar can have it, then zeros as zstd blocks of one repeated byte."""
        with tarfile.open(self.bundle) as t:
            member = next(m for m in t if "/data/" in m.name and m.size == 41)
        with open(self.bundle, "rb") as f:
            head = f.read(member.offset_data)
        header = bytearray(head[-512:])
        header[124:136] = b"77777777777\0"
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        frame = b"\x28\xb5\x2f\xfd\0" + bytes([(window_log - 10) << 3])
        whole = head[:-512] + header
        for at in range(0, len(whole), 1 << 17):
            piece = whole[at:at + (1 << 17)]
            frame += (len(piece) << 3).to_bytes(3, "little") + piece
        frame += ((1 << 17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0") * blocks
        return self.file("b.bomb.tar.zst", frame + (1 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0")

    def start(self, *args):
        p = subprocess.Popen([support.VIDIMUS, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             start_new_session=True, env=support.environment())
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        return p

    @staticmethod
    def status_of(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)

    def worker_of(self, p):
        """The worker, once it works: without rights."""
        for _ in range(400):
            try:
                with open(f"/proc/{p.pid}/task/{p.pid}/children", encoding="ascii") as f:
                    children = [int(word) for word in f.read().split()]
                if children and self.status_of(children[0])["NoNewPrivs"] == "1":
                    time.sleep(0.2)
                    return children[0]
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.02)
        self.fail("no worker was seen")

    def traced(self, *args, options=()):
        log = self.dir / "trace"
        r = run(*args, prefix=("strace", "-f", "-qq", "-o", str(log), *options),
                ASAN_OPTIONS="detect_leaks=0")
        return r, log.read_text(errors="replace")


class InForce(Sandbox):
    def test_what_the_kernel_has_is_used(self):
        """Fails where the kernel has Landlock or seccomp and the program goes without; where it has none,
        the program must say so."""
        landlock, seccomp = expected_words()
        print(f"kernel: Landlock ABI {kernel_landlock()}, seccomp {kernel_seccomp()}")
        said = self.ok("--version").out
        self.assertIn(landlock, said)
        self.assertIn(seccomp, said)
        told = self.ok("verify", self.bundle, "--trust", self.key, "--json").json["protection"]
        self.assertEqual(told, {"landlock": kernel_landlock() or None, "seccomp": kernel_seccomp(),
                                "memory_bytes": None if SANITIZED else 512 << 20, "cpu_seconds": 300})

    def test_kernel_agrees(self):
        """What the kernel says of each thread of a worker while it works, not what the program says."""
        p = self.start("verify", self.bomb())
        worker = self.worker_of(p)
        threads = os.listdir(f"/proc/{worker}/task")
        self.assertEqual(len(threads), min(len(os.sched_getaffinity(0)), 16))
        for thread in threads:
            status = self.status_of(f"{worker}/task/{thread}")
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2" if kernel_seccomp() else "0")
            self.assertEqual([int(status["Cap" + which], 16) for which in ("Inh", "Prm", "Eff", "Amb")], [0] * 4)

    def test_page_and_detail_name_it(self):
        landlock, seccomp = expected_words()
        page = self.dir / "r.html"
        said = self.ok("verify", self.bundle, "--trust", self.key, "-v", "--report", str(page)).out
        for text in (said, page.read_text()):
            self.assertIn("checked under", text)
            self.assertIn(landlock, text)
            self.assertIn(seccomp, text)

    def test_nothing_else_is_asked_for(self):
        """Between the filter and the verdict: no open, no socket, no exec, nothing that is not listed."""
        if not kernel_seccomp():
            self.skipTest("this kernel has no seccomp")
        receipt = str(self.dir / "r.tar.zst")
        self.ok("-C", self.a, "bundle", "-o", receipt, "--all", "--without-documents")
        proof = str(self.dir / "p.tlog-proof")
        self.ok("-C", self.a, "prove", "2", "-o", proof)
        document = str(self.dir / "a-src" / "d00000.txt")
        # Of three documents one thread may have looked at all before another has a processor.
        many = str(self.dir / "many.tar")
        self.ok("-C", self.archive(1000, "many"), "bundle", "-o", many, "--all")
        for more in (["-v"], ["--json"], ["--report", str(self.dir / "page.html"), "--document", document]):
            r, trace = self.traced("verify", self.bundle, receipt, proof, many, *more)
            self.assertEqual(r.code, 4, str(r))
            calls, confined = after_filter(trace)
            self.assertEqual(len(confined), 4, trace[-2000:])
            self.assertGreater(len(calls), 20)
            if len(os.sched_getaffinity(0)) > 1:
                self.assertTrue({pid for pid, _ in calls} - confined, "no thread was seen")
            if not SANITIZED:
                self.assertEqual({name for _, name in calls} - ALLOWED, set())
            self.assertNotIn("openat", {name for _, name in calls})


class Without(Sandbox):
    """A kernel that lacks something, played by strace."""

    LACKS_LANDLOCK = ("-e", "inject=landlock_create_ruleset:error=ENOSYS")
    LACKS_SECCOMP = ("-e", "inject=seccomp:error=ENOSYS")

    def test_verifies_and_says_so(self):
        for lacking, landlock, seccomp in ((self.LACKS_LANDLOCK, None, kernel_seccomp()),
                                           (self.LACKS_SECCOMP, kernel_landlock() or None, False),
                                           (self.LACKS_LANDLOCK + self.LACKS_SECCOMP, None, False)):
            r, _ = self.traced("verify", self.bundle, "--trust", self.key, "--json", options=lacking)
            self.assertEqual(r.code, 0, str(r))
            self.assertEqual(r.json["verdict"], "VERIFIED")
            self.assertEqual(r.json["protection"]["landlock"], landlock)
            self.assertEqual(r.json["protection"]["seccomp"], seccomp)

    def test_container_that_forbids(self):
        """A filter around the program, as a container's: it works, and says what it goes without. What the kernel
        answers under that filter is asked again here, so that this tells "lacks it" from "does not use it"."""
        library = ctypes.CDLL("libseccomp.so.2")
        library.seccomp_init.restype = ctypes.c_void_p

        def forbid(calls, error):
            f = ctypes.c_void_p(library.seccomp_init(0x7FFF0000))
            for call in calls:
                if library.seccomp_rule_add(f, 0x00050000 | error, call, 0) != 0:
                    os._exit(97)
            if library.seccomp_load(f) != 0:
                os._exit(98)

        both = (SYS_LANDLOCK, SYS_SECCOMP)
        for calls in ((SYS_LANDLOCK,), (SYS_SECCOMP,), both):
            for error in (errno.ENOSYS, errno.EPERM):
                def told(*words):
                    p = subprocess.run([support.VIDIMUS, *words], capture_output=True, text=True, check=False,
                                       env=support.environment(), preexec_fn=lambda: forbid(calls, error))
                    self.assertEqual(p.returncode, 0, p)
                    return p.stdout
                landlock = kernel_landlock() if SYS_LANDLOCK not in calls else 0
                seccomp = kernel_seccomp() and SYS_SECCOMP not in calls
                said = told("--version")
                self.assertIn(f"Landlock ABI {landlock} (" if landlock else "no Landlock (none is to be had", said)
                self.assertIn(", seccomp, " if seccomp else "no seccomp (none is to be had", said)
                report = support.json.loads(told("verify", self.bundle, "--trust", self.key, "--json"))
                self.assertEqual(report["verdict"], "VERIFIED")
                self.assertEqual((report["protection"]["landlock"], report["protection"]["seccomp"]),
                                 (landlock or None, seccomp))
                page = self.file(f"{error}-{len(calls)}-{calls[0]}.html", f"<!DOCTYPE html><p>{error} {calls}")
                made = support.json.loads(told("-C", self.a, "import", page, "--json"))
                self.assertEqual((made["imported"], made["media_types_not_guessed"]), (1, 0))

    def test_half_is_not_enough(self):
        """What is there but cannot be put in force is no reason to go on without."""
        if not kernel_landlock():
            self.skipTest("this kernel has no Landlock")
        r, _ = self.traced("verify", self.bundle, options=("-e", "inject=landlock_restrict_self:error=EPERM"))
        self.assertEqual((r.code, r.out), (3, ""), str(r))
        self.assertIn("COULD NOT CHECK", r.err)
        self.assertIn("cannot give up its rights: Landlock", r.err)


class Bounded(Sandbox):
    def test_too_much_cpu(self):
        bomb = self.bomb()
        started = time.monotonic()
        r = run("verify", bomb, self.bundle, "--trust", self.key, prefix=("prlimit", "--cpu=1:2"))
        self.assertEqual(r.code, 3, str(r))
        self.assertIn(f"COULD NOT CHECK: {bomb}: the worker used up its 1 s of CPU time", r.err)
        self.assertNotIn(bomb, r.out)
        # The next one is checked all the same.
        self.assertIn(f"VERIFIED  {self.bundle}", r.out)
        self.assertLess(time.monotonic() - started, 40)

    def test_too_much_memory(self):
        """A frame that wants 8 MiB of window, where there is room for less: at some bound the program
        still starts, and says COULD NOT CHECK and no verdict."""
        if SANITIZED:
            self.skipTest("the sanitizers' address space cannot be bounded")
        bomb, seen = self.bomb(window_log=23, blocks=80), set()
        for mib in range(60, 8, -2):
            r = run("verify", bomb, "--json", prefix=("prlimit", f"--as={mib << 20}"))
            if not r.out:
                break
            if r.code == 3:
                self.assertEqual(r.json["verdict"], "COULD NOT CHECK")
                seen.add(r.json["message"].split(": ", 1)[1])
        ran_out = [m for m in seen if re.search(r"out of memory: the worker ran out of its \d+ MiB$", m)]
        self.assertTrue(ran_out, seen)


class Ended(Sandbox):
    def end(self, p, code):
        out, err = p.communicate(timeout=30)
        self.assertEqual(p.returncode, code, (out, err))
        return out.decode(), err.decode()

    def gone(self, pid):
        """Neither running nor a zombie."""
        for _ in range(100):
            if not os.path.exists(f"/proc/{pid}"):
                return
            time.sleep(0.05)
        self.fail(f"{pid} is still there")

    def test_worker_killed(self):
        bomb, page = self.bomb(), self.dir / "page.html"
        for how, word in ((signal.SIGSEGV, "the worker crashed (Segmentation fault)"),
                          (signal.SIGKILL, "the worker was killed, perhaps by the system")):
            p = self.start("verify", bomb, self.bundle, "--trust", self.key, "--json", "--report", str(page))
            worker = self.worker_of(p)
            os.kill(worker, how)
            out, err = self.end(p, 3)
            first, second = map(support.json.loads, out.splitlines())
            self.assertEqual((first["verdict"], first["ok"]), ("COULD NOT CHECK", False))
            self.assertIn(word, first["message"])
            self.assertIn(word, err)
            self.assertEqual(second["verdict"], "VERIFIED")
            self.assertEqual(page.read_text().count("COULD NOT CHECK"), 1)
            self.assertEqual(page.read_text().count("VERIFIED"), 1)
            self.gone(worker)
            page.unlink()

    def test_interrupted(self):
        for to_group in (False, True):
            p = self.start("verify", self.bomb())
            worker = self.worker_of(p)
            (os.killpg if to_group else os.kill)(p.pid, signal.SIGINT)
            out, err = self.end(p, 3)
            self.assertEqual(out, "")
            self.assertTrue(err.endswith(": interrupted\n"), err)
            self.gone(worker)

    def test_parent_killed(self):
        p = self.start("verify", self.bomb())
        worker = self.worker_of(p)
        p.kill()
        p.communicate()
        self.gone(worker)


class MediaTypes(Sandbox):
    """libmagic reads what import takes; its worker is killed here while import waits for its input."""

    def waiting(self):
        """An import that has guessed one type and waits for its standard input. Another would follow."""
        last = self.file("z-last.html", "<!DOCTYPE html>\n<html></html>\n")
        p = subprocess.Popen([support.VIDIMUS, "-C", self.a, "import", self.file("first.txt"), "-", last, "--json"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=support.environment())
        self.addCleanup(p.kill)
        return p, self.worker_of(p)

    def types(self):
        return [self.ok("-C", self.a, "show", str(n), "--json").json["record"]["media_type"] for n in (5, 6, 7)]

    def imported(self, p, text):
        out, err = p.communicate(text, timeout=60)
        self.assertEqual(p.returncode, 0, (out, err))
        return support.json.loads(out), err.decode()

    def killed(self, how, word):
        p, worker = self.waiting()
        os.kill(worker, how)
        told, err = self.imported(p, b"some text\n")
        self.assertEqual((told["imported"], told["media_types_not_guessed"]), (3, 1))
        self.assertEqual(err.count("warning"), 1, err)
        self.assertIn("1 media type could not be guessed (application/octet-stream): " + word, err)
        self.assertEqual(self.types(), ["text/plain", "application/octet-stream", "text/html"])
        self.verified(self.a)

    def test_crash(self):
        self.killed(signal.SIGSEGV, "the worker crashed (Segmentation fault)")

    def test_no_answer(self):
        self.killed(signal.SIGSTOP, "the worker gave no answer")

    def test_interrupted_wait(self):
        """Ctrl-C reaches the worker too; it does not end it, and the type is still guessed."""
        p, worker = self.waiting()
        os.kill(worker, signal.SIGINT)
        told, err = self.imported(p, b"some text\n")
        self.assertEqual((told["media_types_not_guessed"], err), (0, ""))
        self.assertEqual(self.types(), ["text/plain", "text/plain", "text/html"])

    def test_it_has_no_rights_and_no_keys(self):
        p, worker = self.waiting()
        status = self.status_of(worker)
        self.assertEqual(status["Seccomp"], "2" if kernel_seccomp() else "0")
        self.assertEqual(int(status["CapEff"], 16), 0)
        if support.IS_ROOT:
            self.assertTrue(self.finds_key(p.pid), "this test has lost its way: the importer has the key")
            self.assertFalse(self.finds_key(worker))
        self.imported(p, b"x")

    def finds_key(self, pid):
        """Is the ledger key's seed in the memory of this process, raw or as it stands in its file?"""
        with open(self.a + "/keys/ledger.key", encoding="ascii") as f:
            text = f.read().strip().split("+", 4)[4]
        seed = base64.b64decode(text)[1:]
        self.assertEqual(len(seed), 32)
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for mapped in maps:
                start, end = (int(word, 16) for word in mapped.split()[0].split("-"))
                # Terabytes are a sanitizer's, and no place for a key.
                if not mapped.split()[1].startswith("r") or end - start > 1 << 28:
                    continue
                try:
                    memory.seek(start)
                    piece = memory.read(end - start)
                except (OSError, OverflowError, ValueError):
                    continue  # the kernel's own pages
                if seed in piece or text[4:].encode() in piece:
                    return True
        return False


class Printed(Sandbox):
    def test_colours_and_progress(self):
        """They are the parent's: the worker has no terminal."""
        r = support.on_terminal("verify", self.bundle, "--trust", self.key)
        self.assertEqual(r.code, 0, str(r))
        self.assertIn(f"\033[1;32mVERIFIED\033[0m  {self.bundle}", r.out)
        r = support.on_terminal("verify", self.bundle, "--trust", self.key, NO_COLOR="1")
        self.assertIn(f"VERIFIED  {self.bundle}", r.out)
        r = support.on_terminal("verify", self.bundle, "--trust", self.key, "--document", self.file("other"))
        self.assertEqual(r.code, 1, str(r))
        self.assertIn("\033[1;31m", r.out)
        a = self.archive(1500, name="many")
        self.ok("-C", a, "bundle", "-o", str(self.dir / "many.tar"), "--all")
        r = support.on_terminal("verify", str(self.dir / "many.tar"), "--trust", self.key)
        self.assertEqual(r.code, 0, str(r))
        self.assertIn("░", r.out)

    def test_standard_descriptors_missing(self):
        """A bundle that is opened as descriptor 0 is still the bundle."""
        p = subprocess.run(["sh", "-c", 'exec "$0" "$@" <&-', support.VIDIMUS, "verify", self.bundle,
                            "--trust", self.key], capture_output=True, env=support.environment(), check=False)
        self.assertEqual(p.returncode, 0, p)
        self.assertIn(b"VERIFIED", p.stdout)

    def test_children_ignored(self):
        """Who starts the program may have said that nobody waits for children."""
        p = subprocess.run([support.VIDIMUS, "verify", self.bundle, "--trust", self.key], capture_output=True,
                           env=support.environment(), check=False,
                           preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(p.returncode, 0, p)


class Hardened(support.Case):
    def test_program(self):
        """Position independent, its tables read-only once it runs, no stack that executes."""
        def readelf(what):
            return subprocess.run(["readelf", "-W", what, support.VIDIMUS], capture_output=True, text=True,
                                  check=True).stdout
        self.assertRegex(readelf("-h"), r"Type: +DYN \(Position-Independent Executable")
        segments, dynamic = readelf("-l"), readelf("-d")
        self.assertRegex(segments, r"GNU_RELRO")
        self.assertRegex(segments, r"GNU_STACK.* RW +0x")
        self.assertNotRegex(segments, r"LOAD.* RWE ")
        self.assertRegex(dynamic, r"BIND_NOW|FLAGS.* NOW")
        self.assertNotRegex(dynamic, r"TEXTREL|RPATH|RUNPATH")


if __name__ == "__main__":
    support.main()
