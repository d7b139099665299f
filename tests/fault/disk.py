# SPDX-License-Identifier: MIT
"""What a disk may hold after a power cut, from the list of changes that record_io.c wrote down.

The rules are the weakest that POSIX allows, weaker than those of any file system in use. A change lasts once a sync
came after it: fsync or fdatasync of the file for its bytes and its size, fsync of the folder for the names in it,
syncfs for all. Of the changes that nothing synced, any may be on the disk and any not, in any order, and each write
may be torn at sectors: single sectors, the new size without the bytes (zeros then), or both. A file that was synced
has no name until its folder was. Only a rename is whole or not at all.
"""

import itertools
import os
import random

SECTOR = 512
ROOT = 0
EXHAUSTIVE = 7  # so many pending changes are tried in all combinations


# --- changes ---

class Change:
    """One change of one file or folder, `node`, until a sync makes it last."""

    def __init__(self, node):
        self.node = node


class Name(Change):
    """A name in a folder now leads to `target`, or (None) nowhere. A rename takes `old` away as well."""

    def __init__(self, folder, name, target, old=None):
        super().__init__(folder)
        self.name, self.target, self.old = name, target, old

    def apply(self, names, _torn=None):
        if self.old:
            names.pop(self.old, None)
        if self.target is None:
            names.pop(self.name, None)
        else:
            names[self.name] = self.target


class Size(Change):
    def __init__(self, node, size):
        super().__init__(node)
        self.size = size

    def apply(self, data, _torn=None):
        resize(data, self.size)


class Write(Change):
    def __init__(self, node, offset, data):
        super().__init__(node)
        self.offset, self.data = offset, data

    def sectors(self):
        """Where the write may be torn: (from, to) in the file."""
        end = self.offset + len(self.data)
        edges = [self.offset, *range((self.offset // SECTOR + 1) * SECTOR, end, SECTOR), end]
        return list(zip(edges, edges[1:]))

    def apply(self, data, torn=None):
        """`torn`: (are the sizes on the disk?, which sectors are)."""
        end = self.offset + len(self.data)
        grows, kept = torn or (True, [(self.offset, end)])
        if grows and end > len(data):
            resize(data, end)
        for start, stop in kept:
            stop = min(stop, len(data))
            if start < stop:
                data[start:stop] = self.data[start - self.offset:stop - self.offset]

    def some_torn(self, rng):
        sectors = self.sectors()
        kept = rng.choice([sectors[:1], sectors[-1:], [], [s for s in sectors if rng.random() < 0.5]])
        return rng.random() < 0.8, kept


def resize(data, size):
    if size < len(data):
        del data[size:]
    else:
        data.extend(bytes(size - len(data)))


# --- the list that was written down ---

class Trace:
    """The changes of one or more commands, from a folder as it stood before. `steps`: Change, or ("sync", node or
    None for all), or ("told", what was acknowledged by then)."""

    def __init__(self, folder):
        self.nodes = {ROOT: {}}  # as before the first step: names, or bytes
        self.steps = []
        self._number = {os.stat(folder).st_ino: ROOT}  # inode numbers are used again, ours are not
        self._load(folder, ROOT)

    def _load(self, folder, node):
        for item in os.scandir(folder):
            number = self._new(item.inode(), {} if item.is_dir() else bytearray())
            self.nodes[node][item.name] = number
            if item.is_dir():
                self._load(item.path, number)
            else:
                with open(item.path, "rb") as f:
                    self.nodes[number] += f.read()

    def _new(self, inode, content):
        number = self._number[inode] = len(self.nodes)
        self.nodes[number] = content
        return number

    def node(self, path):
        """Of a file that was there before."""
        node = ROOT
        for name in path.split("/"):
            node = self.nodes[node][name]
        return node

    def told(self, acknowledged):
        self.steps.append(("told", acknowledged))

    def is_told(self, at):
        """Is something acknowledged at this step?"""
        return isinstance(self.steps[at], tuple) and self.steps[at][0] == "told"

    def read(self, log, said):
        """Takes in what record_io.c wrote. `said(count)`: what the user knew when so much had been printed."""
        with open(log, "rb") as f:
            while line := f.readline():
                word, *rest = line.decode().split()
                if word == "said":
                    self.told(said(int(rest[0])))
                elif word == "write":
                    data = f.read(int(rest[2]))
                    self._step(rest[0], lambda n, at=int(rest[1]), d=data: Write(n, at, d))
                else:
                    getattr(self, "_" + word)(*rest)

    def _step(self, inode, make):
        """Nodes that are unknown lie elsewhere: scratch files."""
        node = self._number.get(int(inode))
        if node is not None:
            self.steps.append(make(node))

    def _mkdir(self, folder, name, inode):
        self._name(folder, name, self._new(int(inode), {}))

    def _file(self, folder, name, inode):
        self._name(folder, name, self._new(int(inode), bytearray()))

    def _nameless(self, inode):
        self._new(int(inode), bytearray())

    def _name(self, folder, name, target, old=None):
        self._step(folder, lambda n: Name(n, name, target, old))

    def _link(self, inode, folder, name):
        self._name(folder, name, self._number[int(inode)])

    def _unlink(self, folder, name):
        self._name(folder, name, None)

    def _rename(self, before, old, folder, name):
        if before != folder:
            raise ValueError("a rename across folders is not known here")
        target = self._names_now(self._number[int(folder)]).get(old)
        self._name(folder, name, target, old)

    def _names_now(self, folder):
        names = dict(self.nodes[folder])
        for step in self.steps:
            if isinstance(step, Name) and step.node == folder:
                step.apply(names)
        return names

    def _size(self, inode, size):
        self._step(inode, lambda n: Size(n, int(size)))

    def _sync(self, inode):
        self._step(inode, lambda n: ("sync", n))

    def _syncfs(self):
        self.steps.append(("sync", None))


# --- states ---

class State:
    """What the disk may hold after step `at`: all that was synced, and of the pending changes those in `kept`
    (place in the list: how it is torn, or None)."""

    def __init__(self, at, nodes, pending, kept):
        self.at, self.kept = at, kept
        self._durable, self._pending = nodes, pending

    def __str__(self):
        torn = sum(t is not None for t in self.kept.values())
        return f"step {self.at}, {len(self.kept)} of {len(self._pending)} pending changes, {torn} torn"

    def nodes(self):
        nodes = dict(self._durable)
        for i, torn in sorted(self.kept.items()):
            change = self._pending[i]
            if nodes[change.node] is self._durable[change.node]:
                nodes[change.node] = self._durable[change.node].copy()
            change.apply(nodes[change.node], torn)
        return nodes

    def tree(self):
        """Path: bytes, or None for a folder. What no name leads to is gone."""
        nodes, found = self.nodes(), {}

        def look(node, path):
            for name, target in nodes[node].items():
                below = os.path.join(path, name)
                content = nodes[target]
                found[below] = None if isinstance(content, dict) else bytes(content)
                if isinstance(content, dict):
                    look(target, below)

        look(ROOT, "")
        return found


def write_tree(tree, folder):
    for path, content in tree.items():
        full = os.path.join(folder, path)
        if content is None:
            os.mkdir(full, 0o700)
        else:
            with open(os.open(full, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(content)


def read_tree(folder):
    found = {}
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(base, name)
            content = None
            if name in files:
                with open(path, "rb") as f:
                    content = f.read()
            found[os.path.relpath(path, folder)] = content
    return found


def stopped(trace, at=None):
    """The state after `at` steps (None: all) with everything on the disk: as if the program had been killed."""
    changes = [s for s in trace.steps[:at] if isinstance(s, Change)]
    return State(at or len(trace.steps), trace.nodes, changes, dict.fromkeys(range(len(changes))))


def states(trace, seed, samples):
    """All states to look at, as (state, acknowledged): for each step those that were not possible, or were not
    promised so much, before it. All combinations where few changes are pending, `samples` of them where not."""
    rng = random.Random(seed)
    nodes, pending, told, seen = dict(trace.nodes), [], None, set()
    for at, step in enumerate(trace.steps):
        if isinstance(step, Change):
            pending = [*pending, step]
        elif step[0] == "told":
            told = step[1]
        else:
            nodes, pending = synced(nodes, pending, step[1])
            continue
        for kept in choices(pending, isinstance(step, Change), rng, samples):
            state = State(at, nodes, pending, kept)
            mark = hash((frozenset(state.tree().items()), id(told)))
            if mark not in seen:
                seen.add(mark)
                yield state, told


def synced(nodes, pending, node):
    """The nodes and the pending changes after a sync of `node` (None: of all)."""
    nodes = dict(nodes)
    lasting = [c for c in pending if node in (None, c.node)]
    for target in {c.node for c in lasting}:
        nodes[target] = nodes[target].copy()
    for change in lasting:
        change.apply(nodes[change.node])
    return nodes, [c for c in pending if c not in lasting]


def choices(pending, with_last, rng, samples):
    """Which pending changes are on the disk. `with_last`: without the newest they were looked at a step before."""
    count = len(pending)
    last = {count - 1} if with_last else set()
    if count <= EXHAUSTIVE:
        for bits in itertools.product((False, True), repeat=count - len(last)):
            yield dict.fromkeys({i for i, bit in enumerate(bits) if bit} | last)
    else:
        for kept in sampled(pending, rng, samples):
            yield dict.fromkeys(kept | last)
    writes = [i for i, c in enumerate(pending) if isinstance(c, Write)]
    for _ in range(samples if writes else 0):
        kept = dict.fromkeys(one_sample(pending, rng) | last)
        for i in rng.sample(writes, min(len(writes), rng.choice((1, 1, 2, 5)))):
            kept[i] = pending[i].some_torn(rng)
        yield kept


def sampled(pending, rng, samples):
    """Nothing, everything, and some between."""
    yield set()
    yield set(range(len(pending)))
    for _ in range(samples):
        yield one_sample(pending, rng)


def one_sample(pending, rng):
    """Files tend to be written whole, so files are chosen first, then single changes of some."""
    everything = set(range(len(pending)))
    way = rng.randrange(4)
    if way == 0:
        return everything - {rng.randrange(len(pending))}
    if way == 1:
        return {rng.randrange(len(pending))}
    share = rng.choice((0.1, 0.5, 0.9))
    if way == 2:
        return {i for i in everything if rng.random() < share}
    files = {c.node: rng.random() < share for c in pending}
    return {i for i in everything if files[pending[i].node]}
