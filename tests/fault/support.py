# SPDX-License-Identifier: MIT
"""What the fault harnesses share: archives to hurt, what was acknowledged, and the judge.

A harness hurts an archive in one way at many points. Before each point it has an archive and a note of all that
the program acknowledged (`Acknowledged`). After the point the judge looks at what is left and says one of three:

  survived  the next command finished or undid the work, and everything acknowledged is there
  lost      something that was acknowledged is gone
  wrong     damage was accepted, or a command said "done" and was not, or it crashed, or it took more than `recover`
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from documents import stored  # noqa: E402 pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
VIDIMUS = os.environ.get("VIDIMUS") or str(HERE.parents[1] / "build" / "vidimus")
SECOND_VERIFIER = HERE.parent / "interop" / "vidimus_verify.py"
ORIGIN, SIGNER = "fault.example/log", "amal@fault.example"
# Most faults here do not need a disk, and memory is faster. A power cut needs one: it says where.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
SECONDS = 600  # no load of the machine makes a command take so long: this one hangs
SECOND_VERIFIER_EACH = 40


class Lost(Exception):
    """Something that was acknowledged is gone."""


class Wrong(Exception):
    """The program did or said what it must not."""


class NotRun(Exception):
    """The machine lacks what the harness needs."""


# --- running the program ---

class Result:
    """What a command printed and how it ended. `killed`: by the SIGKILL of a harness."""

    def __init__(self, words, done):
        self.words, self.code = [str(w) for w in words], done.returncode
        self.raw = done.stdout
        self.out, self.err = (b.decode("utf-8", "replace") for b in (done.stdout, done.stderr))
        self.killed = self.code in (-signal.SIGKILL, 128 + signal.SIGKILL)

    def __str__(self):
        return f"{' '.join(self.words)}: exit {self.code}: {(self.err or self.out).strip()[-300:]}"

    @property
    def json(self):
        """The object that was printed, or None: a command that was stopped prints none, or a part."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("VIDIMUS_ARCHIVE", "SOURCE_DATE_EPOCH")}
    return {**env, **more}


def run(*args, prefix=(), program=None, cwd=None, timeout=SECONDS, **env):
    """Runs vidimus. A crash or a hang is wrong, whatever the fault was."""
    words = [*prefix, program or VIDIMUS, *map(str, args)]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, timeout=timeout,
                              env=environment(**env), check=False)
    except subprocess.TimeoutExpired as late:
        raise Wrong(f"{' '.join(map(str, args))}: did not end in {timeout} seconds") from late
    result = Result(args, done)
    check_end(result)
    return result


def check_end(result):
    """Only our own SIGKILL may end the program, and only the exit statuses of the manual are its own."""
    if not result.killed and result.code not in (0, 1, 2, 3, 4):
        raise Wrong(f"crashed: {result}")


def must(*args, code=0, **more):
    """A command that has to work, where no fault is injected."""
    result = run(*args, **more)
    if result.code != code:
        raise Wrong(str(result))
    return result


# --- documents and what was acknowledged ---

def document(name, size=60):
    """Bytes that can be made again from their name."""
    line = hashlib.sha256(str(name).encode()).hexdigest().encode() + b"\n"
    return (f"{name}\n".encode() + line * (size // len(line) + 1))[:max(size, len(str(name)) + 1)]


def write_documents(folder, names, size=60):
    """Writes documents below `folder`. Gives what `Acknowledged.told` wants: bytes by their digest."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for name in names:
        data = document(name, size)
        (folder / f"{name}.txt").write_bytes(data)
        made[hashlib.sha256(data).hexdigest()] = data
    return made


class Acknowledged:
    """All that the program told its user about one archive. It only grows, but for what is taken down."""

    def __init__(self, size=0, documents=(), checkpoints=(), traces=(), withdrawn=(), amended=()):
        self.size = size                      # entries
        self.documents = dict(documents)      # SHA-256 in hex: bytes
        self.checkpoints = dict(checkpoints)  # size: the note
        self.traces = dict(traces)            # entry: bytes that are nowhere once it is withdrawn
        self.withdrawn = set(withdrawn)       # entries
        self.amended = dict(amended)          # entry: its amendment

    def copy(self):
        return Acknowledged(self.size, self.documents, self.checkpoints, self.traces, self.withdrawn, self.amended)

    def may_go(self, entry, data, *pieces):
        """A document that is about to be withdrawn, and what else shall not be found afterwards."""
        self.documents.pop(hashlib.sha256(data).hexdigest(), None)
        self.traces[entry] = [data, *data.splitlines(), *pieces]

    def told(self, result, documents=None, receipt=None):
        """Takes in what an `init` or an `import` printed, and its receipt if it left one."""
        documents = documents or {}
        told = result.json or {}
        notes = [told["checkpoint"]] if told.get("checkpoint") else []
        for note in notes or re.findall(r"^\S+\n\d+\n\S+\n\n(?:— \S+ \S+\n)+", result.out, re.M):
            self.checkpoint(note)
        self.withdrawn |= {each["entry"] for each in told.get("withdrawn", ())}
        self.amended.update({each["entry"]: each["amendment"] for each in told.get("entries", ())
                             if "amendment" in each})
        if told.get("last_entry") is not None:
            self.size = max(self.size, told["last_entry"] + 1)
        if result.code == 0:
            self.documents.update(documents)
        if receipt and os.path.exists(receipt):
            self.receipt(pathlib.Path(receipt).read_text("utf-8"), documents)

    def checkpoint(self, note):
        size = int(note.split("\n")[1])
        self.checkpoints[size] = note
        self.size = max(self.size, size)

    def receipt(self, text, documents):
        for line in text.splitlines()[1:]:
            found = re.search(r",(?:recorded|already known),(\d+),sha256:([0-9a-f]{64}),", line)
            if found:
                self.size = max(self.size, int(found[1]) + 1)
                self.documents[found[2]] = documents[found[2]]


class Archive:
    """An archive and what was acknowledged of it."""

    def __init__(self, path, acknowledged=None):
        self.path, self.acknowledged = pathlib.Path(path), acknowledged or Acknowledged()

    @classmethod
    def make(cls, path):
        archive = cls(path)
        archive.acknowledged.told(must(*init_words(path)))
        return archive

    def copy(self, path):
        shutil.copytree(self.path, path, symlinks=True)
        return Archive(path, self.acknowledged.copy())

    def run(self, *args, **more):
        return run("-C", self.path, *args, **more)

    def must(self, *args, **more):
        return must("-C", self.path, *args, **more)

    def put(self, folder, documents, **more):
        """An import, perhaps with a fault in `more`; what it acknowledged is remembered."""
        result = self.run("import", folder, "--json", **more)
        self.acknowledged.told(result, documents)
        return result

    def add(self, name, count=1, size=60):
        """An import that has to work."""
        with scratch() as folder:
            documents = write_documents(folder, [f"{name}-{i}" for i in range(count)], size)
            result = self.put(folder, documents)
        if result.code != 0:
            raise Wrong(f"a further import does not work: {result}")


def store_bytes(archive):
    """Every byte of store/, names of files included."""
    found = b""
    for path in sorted((archive.path / "store").rglob("*")):
        found += str(path).encode() + (path.read_bytes() if path.is_file() else b"")
    return found


def init_words(path):
    return ["init", path, "--origin", ORIGIN, "--signer", SIGNER, "--no-passphrase"]


def try_init_again(archive):
    """After an `init` that told nothing: as its messages say. Keys are never removed by the program itself."""
    result = run(*init_words(archive.path))
    if "holds an archive" in result.err:
        result = archive.run("recover")
    if "an interrupted `init` leaves" in result.err:
        shutil.rmtree(archive.path / "keys")
        if "remove keys/ and store/" in result.err:
            shutil.rmtree(archive.path / "store")
        result = must(*init_words(archive.path))
    if result.code != 0:
        raise Wrong(f"no way out: {result}")
    archive.acknowledged.told(result)


def built(name):
    """A library of this folder that stands in front of libc; the build puts it beside the program."""
    path = pathlib.Path(VIDIMUS).parent / "tests" / "fault" / f"lib{name}.so"
    if not path.exists():
        raise NotRun(f"no {path}; build the tests first")
    return str(path)


def planted(bug):
    """The environment that plants a bug, see plant.c."""
    return {"LD_PRELOAD": built("fault_plant"), "FAULT_PLANT": bug}


@contextlib.contextmanager
def scratch(where=None):
    folder = tempfile.mkdtemp(prefix="vidimus-fault-", dir=where or SCRATCH)
    try:
        yield pathlib.Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- the judge ---

class Judge:
    """Looks at an archive after a fault, as its user would, and raises Lost or Wrong."""

    def __init__(self):
        self.judged = 0

    def archive(self, archive, rerun=None):
        """`rerun`: (folder, documents) of the import that was hit. A user recovers, or tries again, or goes on
        with something else: each must be enough, so they take turns."""
        self.judged += 1
        self.remembered(archive)
        self.go_on(archive, rerun, self.judged % 3)
        archive.add(f"after-{self.judged}")
        self.intact(archive)
        if self.judged % SECOND_VERIFIER_EACH == 0:
            self.second_opinion(archive)

    @staticmethod
    def remembered(archive):
        """Before anything is mended: what was acknowledged, the guard knows."""
        path = archive.path / "keys" / "last-checkpoint"
        size = re.match(r"\S+\n(\d+)\n", path.read_text("utf-8") if path.exists() else "")
        if archive.acknowledged.size > (int(size[1]) if size else 0):
            raise Lost(f"keys/last-checkpoint does not know the {archive.acknowledged.size} entries acknowledged")

    @staticmethod
    def go_on(archive, rerun, way):
        if way == 1 and rerun:
            result = archive.put(*rerun)
        elif way == 2:
            with scratch() as folder:
                result = archive.put(folder, write_documents(folder, ["next"]))
        else:
            result = archive.run("recover", "--json")
            if (result.json or {}).get("guard_made"):
                raise Lost("the memory of what was signed: keys/last-checkpoint was gone")
        if "rolled-back" in result.err or "forked" in result.err:
            raise Lost(str(result))
        if result.code != 0:
            raise Wrong(f"it takes more than that to go on: {result}")

    def intact(self, archive):
        """Everything that was acknowledged is there, and nothing else is wrong."""
        known = archive.acknowledged
        self.checkpoints(archive, known)
        self.entries(archive, known)
        for entry in known.traces:
            self.taken_down(archive, entry)
        for entry, amendment in known.amended.items():
            if amendment not in [each["entry"] for each in archive.must("show", entry, "--json").json["amendments"]]:
                raise Lost(f"entry {entry} is not amended by {amendment}")
        # What is damaged is set aside there for good: a torn document that was not acknowledged, for one.
        litter = [p for p in (archive.path / "store" / "tmp").iterdir() if not p.name.startswith("damaged-")]
        litter += [p for p in (archive.path / "keys").iterdir() if p.name.startswith(".")]
        litter += [p for p in [archive.path / "keys" / "needs-verify"] if p.exists()]
        if litter:
            raise Wrong(f"left behind: {', '.join(map(str, litter))}")

    @staticmethod
    def checkpoints(archive, known):
        with scratch() as folder:
            words = []
            for size, note in known.checkpoints.items():
                (folder / str(size)).write_text(note, "utf-8")
                words += ["--checkpoint", folder / str(size)]
            result = archive.run("verify", "--json", *words)
        report = result.json or {}
        kinds = {f["kind"] for f in report.get("findings", [])}
        if kinds & {"rolled-back", "forked", "document-missing", "document-corrupt", "record-missing", "truncated"}:
            raise Lost(f"verify finds {', '.join(sorted(kinds))}")
        if result.code != 0 or report.get("verdict") != "VERIFIED":
            raise Wrong(f"not verified: {result}")
        if report["size"] < known.size:
            raise Lost(f"{report['size']} entries of {known.size} that were acknowledged")

    def entries(self, archive, known):
        """The ledger names each document; its object has its bytes; for one of them `cat` gives them too."""
        lines = [json.loads(line) for line in archive.must("log", "--json").out.splitlines()]
        entry = {line["document"].removeprefix("sha256:"): line["entry"] for line in lines if line.get("document")}
        there = stored(archive.path)
        for digest, data in known.documents.items():
            if digest not in entry:
                raise Lost(f"no entry for document {digest}")
            if there.get(digest) != data:
                raise Lost(f"document {digest} is missing or has other bytes")
        if known.documents:
            digest = list(known.documents)[self.judged % len(known.documents)]
            if archive.must("cat", entry[digest]).raw != known.documents[digest]:
                raise Wrong(f"`cat` of entry {entry[digest]} gives other bytes")

    @staticmethod
    def taken_down(archive, entry):
        """Withdrawn, and then nothing of it is left; or not, and then it is all there."""
        known, gone = archive.acknowledged, archive.must("show", entry, "--json").json["withdrawn"] is not None
        if gone:
            left = [piece for piece in known.traces[entry] if piece in store_bytes(archive)]
            if left:
                raise Wrong(f"entry {entry} is withdrawn, and {len(left)} traces are left: {left[-1][:70]}")
        elif entry in known.withdrawn:
            raise Lost(f"the withdrawal of entry {entry}")
        elif archive.must("cat", entry).raw != known.traces[entry][0]:
            raise Lost(f"the document of entry {entry}, which is not withdrawn")

    @staticmethod
    def second_opinion(archive):
        """A bundle of everything, read by the verifier that shares no code with vidimus."""
        with scratch() as folder:
            bundle = folder / "all.tar"
            archive.must("bundle", "--all", "-o", bundle)
            second_verifier(bundle, archive.path / "keys" / "authority.pub")


def second_verifier(bundle, key):
    done = subprocess.run([sys.executable, "-B", SECOND_VERIFIER, "--trust", key, bundle], capture_output=True,
                          check=False, timeout=SECONDS)
    if done.returncode != 0:
        raise Wrong(f"the second verifier refuses {bundle}: {(done.stdout + done.stderr).decode()[-600:]}")


# --- counting ---

class Tally:
    """Counts the points of one harness, and prints its line."""

    def __init__(self, name, seed):
        self.name, self.seed, self.started = name, seed, time.monotonic()
        self.injected = self.survived = self.lost = self.wrong = 0
        self.more = collections.Counter()  # printed behind the rest

    @contextlib.contextmanager
    def point(self, label, to=None):
        """One fault. What goes wrong inside is counted and told with its label, on standard error or `to`."""
        self.injected += 1
        try:
            yield
            self.survived += 1
        except Lost as e:
            self.lost += 1
            print(f"{self.name}: LOST at {label}: {e}", file=to or sys.stderr)
        except Wrong as e:
            self.wrong += 1
            print(f"{self.name}: WRONG at {label}: {e}", file=to or sys.stderr)

    def line(self):
        words = [f"injected={self.injected}", f"survived={self.survived}", f"lost={self.lost}",
                 f"wrong={self.wrong}", f"seed={self.seed}", f"seconds={time.monotonic() - self.started:.0f}"]
        return " ".join([self.name, *words, *(f"{k}={v}" for k, v in self.more.items())])

    def good(self, asked):
        return self.lost == self.wrong == 0 and self.injected == self.survived == asked > 0


def spread(points, count, seed):
    """`count` of the points, evenly over their order; where in each stretch, the seed says."""
    points = list(points)
    if count is None or count >= len(points):
        return points
    rng = random.Random(seed)
    edges = [i * len(points) // count for i in range(count + 1)]
    return [points[rng.randrange(a, b)] for a, b in zip(edges, edges[1:])]


def main(name, harness, self_test):
    """`harness(tally, options)` injects, and gives how many points were asked for. `self_test(make_tally, options)`
    plants bugs and gives {name of bug: True where the harness saw it}."""
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--quick", action="store_true", help="a selection, evenly spread")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="TEXT", default="", help="only points whose label holds this text")
    parser.add_argument("--self-test", action="store_true", help="plants bugs: each must be seen")
    options = parser.parse_args()
    try:
        if not os.access(VIDIMUS, os.X_OK):
            raise NotRun(f"no program at {VIDIMUS}; set VIDIMUS")
        if options.self_test:
            with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stderr(nothing):
                seen = self_test(lambda: Tally(name, options.seed), options)
            return report_self_test(name, seen)
        tally = Tally(name, options.seed)
        asked = harness(tally, options)
        print(tally.line(), flush=True)
        return 0 if tally.good(asked) else 1
    except NotRun as why:
        print(f"{name} not run: {why}", flush=True)
        return 1


def report_self_test(name, seen):
    missed = [bug for bug, ok in seen.items() if not ok]
    print(f"{name} self-test: planted={len(seen)} seen={len(seen) - len(missed)}"
          + "".join(f" NOT SEEN: {bug}" for bug in missed), flush=True)
    return 1 if missed or not seen else 0
