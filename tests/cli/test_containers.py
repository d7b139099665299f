#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Import of tars, zips and bags: what becomes a document, what is refused, what is left untouched."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import resource
import signal
import struct
import subprocess
import sys
import tarfile
import time
import zipfile

import support
from support import run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import warcs  # noqa: E402

DECLARED = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def tar(path, members, mode="w"):
    """`members`: name to bytes, or to a tarfile type with a link's target."""
    with tarfile.open(path, mode) as t:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.mtime = 1574935200
            if isinstance(content, tuple):
                info.type, info.linkname = content
                t.addfile(info)
            else:
                info.size = len(content)
                t.addfile(info, io.BytesIO(content))
    return str(path)


def bag(payload, info=b"", version=DECLARED, algorithm="sha256"):
    """The files of a bag, as name to bytes."""
    files = {"bagit.txt": version}
    if info:
        files["bag-info.txt"] = info
    files.update({f"data/{k}": v for k, v in payload.items()})
    lines = [f"{hashlib.new(algorithm, v).hexdigest()}  {k}\n" for k, v in files.items()
             if k.startswith("data/")]
    files[f"manifest-{algorithm}.txt"] = "".join(lines).encode()
    return files


def lay_out(folder, files):
    for name, content in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


class Records(support.Case):
    def records(self, a):
        return [line["record"] for line in self.ok("-C", a, "log", "--json").lines]

    def named(self, a):
        return {r["file_name"]: r for r in self.records(a)}


class Containers(Records):
    def test_tar(self):
        a = self.archive()
        path = tar(self.dir / "x.tar", {"x/a.txt": b"first\n", "x/b.txt": b"second\n"})
        before = os.stat(path)
        r = self.ok("-C", a, "import", path)
        self.assertIn("2 statements recorded (entries 2 to 3), 13 bytes", r.out)
        self.assertEqual(os.stat(path).st_mtime_ns, before.st_mtime_ns)
        whole = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
        record = self.named(a)["a.txt"]
        self.assertEqual(record["field"][:2], ["path: x/a.txt", "modified: 2019-11-28T10:00:00Z"])
        self.assertEqual(record["media_type"], "text/plain")
        origin = record["derived_from"][0].split(" ")
        self.assertEqual((origin[0], origin[3]), ("sha256:" + whole, "slice"))
        data = pathlib.Path(path).read_bytes()
        self.assertEqual(data[int(origin[1]):int(origin[1]) + int(origin[2])], b"first\n")
        # Once more: every member is known by its place.
        again = self.ok("-C", a, "import", path, "--json").json
        self.assertEqual((again["imported"], again["already_known"]), (0, 2))
        self.ok("-C", a, "verify")

    def test_as_file(self):
        a = self.archive()
        path = tar(self.dir / "x.tar.gz", {"a.txt": b"first\n"}, "w:gz")
        self.ok("-C", a, "import", "--as-file", path)
        self.assertEqual(list(self.named(a)), ["x.tar.gz"])

    def test_layers_and_zip(self):
        a = self.archive()
        for mode in ("gz", "bz2", "xz"):
            tar(self.dir / f"{mode}.tar.{mode}", {f"{mode}.txt": mode.encode()}, f"w:{mode}")
        with zipfile.ZipFile(self.dir / "z.zip", "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr(zipfile.ZipInfo("d/z.txt", (2019, 11, 28, 10, 0, 2)), "zipped")
        self.ok("-C", a, "import", *map(str, sorted(self.dir.glob("*.*"))))
        named = self.named(a)
        self.assertEqual(sorted(named), ["bz2.txt", "gz.txt", "xz.txt", "z.txt"])
        self.assertEqual(named["z.txt"]["field"][:2],
                         ["path: d/z.txt", "modified: 2019-11-28T10:00:02, zone not stated"])

    def test_links_are_refused(self):
        a = self.archive()
        path = tar(self.dir / "x.tar", {"l": (tarfile.SYMTYPE, "/etc/passwd"),
                                        "h": (tarfile.LNKTYPE, "l"),
                                        "n": (tarfile.CHRTYPE, ""), "p": (tarfile.FIFOTYPE, ""),
                                        "a": b"1"})
        r = run("-C", a, "import", path, "--json")
        self.assertEqual(r.code, 1)
        self.assertEqual({x["path"].rsplit(" > ", 1)[1]: x["reason"] for x in r.json["refusals"]},
                         {"l": "a symbolic link to /etc/passwd", "h": "a hard link to l",
                          "n": "a device", "p": "a pipe"})
        self.assertEqual(list(self.named(a)), ["a"])

    def test_names_are_only_text(self):
        a = self.archive()
        names = ["/abs/olute", "../../up", "new\nline", "\udcff\udcfe", "bidi\u202e", "e" * 255,
                 "long/" * 100 + "x"]
        outside = support.listing(self.dir)
        path = tar(self.dir / "x.tar", {n: str(i).encode() for i, n in enumerate(names)})
        r = self.ok("-C", a, "import", path)
        self.assertNotRegex(r.out + r.err, support.FORBIDDEN)
        out = self.ok("-C", a, "log").out + self.ok("-C", a, "show", "4").out
        self.assertNotRegex(out, support.FORBIDDEN)
        self.assertEqual(len(self.records(a)), len(names))
        now = support.listing(self.dir)
        for p in outside:
            if not p.startswith(os.fsencode(a)) and p != os.fsencode(self.dir):
                self.assertEqual(now[p], outside[p], p)
        self.assertFalse(os.path.exists("/abs/olute"))
        self.assertFalse((self.dir.parent / "up").exists())

    def test_backslashes_in_a_zip(self):
        """As libarchive reads them, and the manual says: as slashes, where a name has no other."""
        a = self.archive()
        with zipfile.ZipFile(self.dir / "x.zip", "w") as z:
            for name in ("a\\b.txt", "c/d\\e.txt"):
                z.writestr(name, name)
        self.ok("-C", a, "import", str(self.dir / "x.zip"))
        self.assertEqual(sorted(r["field"][0] for r in self.records(a)), ["path: a/b.txt", "path: c/d\\\\e.txt"])

    def test_cut_off(self):
        """What can be read is taken, the rest is told."""
        a = self.archive()
        path = tar(self.dir / "x.tar", {"a": b"first", "b": b"x" * 5000})
        with open(path, "r+b") as f:
            f.truncate(3000)
        r = run("-C", a, "import", path)
        self.assertEqual(r.code, 1)
        self.assertIn("> b ", r.err)
        self.assertIn("Truncated", r.err)
        self.assertEqual(list(self.named(a)), ["a"])

    def test_pax_overrides(self):
        """A size that a pax header overrides; a name with another one in its header."""
        a = self.archive()
        path = str(self.dir / "x.tar")
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as t:
            info = tarfile.TarInfo("short")
            info.pax_headers = {"path": "../other/näme", "size": "6", "mtime": "1574935200.5"}
            info.size = 6
            t.addfile(info, io.BytesIO(b"first\n"))
            t.addfile(tarfile.TarInfo("last"), io.BytesIO(b""))
        self.ok("-C", a, "import", path)
        self.assertEqual(sorted(self.named(a)), ["last", "näme"])
        self.assertIn("path: ../other/näme", self.named(a)["näme"]["field"])

    def test_nested(self):
        """A container in a container is a document, and is not looked into."""
        a = self.archive()
        inner = pathlib.Path(tar(self.dir / "inner.tar", {"a": b"1"})).read_bytes()
        self.ok("-C", a, "import", tar(self.dir / "x.tar", {"inner.tar": inner, "b": b"2"}))
        self.assertEqual(sorted(self.named(a)), ["b", "inner.tar"])

    def test_zip_bomb(self):
        a = self.archive()
        path = str(self.dir / "x.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as z:
            z.writestr("small", "1")
            with z.open("bomb", "w") as f:
                for _ in range(300):
                    f.write(bytes(1 << 20))
        r = run("-C", a, "import", path)
        self.assertEqual(r.code, 1)
        self.assertIn("it unpacks to more than a container of its size may", r.err)
        self.assertEqual(list(self.named(a)), ["small"])
        self.ok("-C", a, "verify")

    def test_office_documents_stay_whole(self):
        a = self.archive()
        with zipfile.ZipFile(self.dir / "x.docx", "w") as z:
            z.writestr("[Content_Types].xml", "<Types/>")
            z.writestr("word/document.xml", "<w/>")
        self.ok("-C", a, "import", str(self.dir / "x.docx"))
        self.assertEqual(list(self.named(a)), ["x.docx"])


class Stated(Records):
    """What is stated of a container that is not kept itself: in each member's record, or refused. Never lost."""

    ONE = {"source": "https://s.example/", "title": "T", "issued": "2024", "issued-as-written": "1 May",
           "reference": "R 1"}
    EACH = {"collection": "C", "captured": "2019", "captured-by": "W", "method": "M", "received-from": "F",
            "record-id": "I", "author": "A", "issuer": "S", "publisher": "P", "language": "en", "rights": "O",
            "note": "N", "unknown": "title"}

    def containers(self):
        yield tar(self.dir / "x.tar", {"a.txt": b"first\n", "b.txt": b"second\n"})
        yield tar(self.dir / "x.tar.gz", {"c.txt": b"third\n"}, "w:gz")
        with zipfile.ZipFile(self.dir / "x.zip", "w") as z:
            z.writestr("z.txt", "zipped")
        yield str(self.dir / "x.zip")
        yield tar(self.dir / "bag.tar", {f"b/{k}": v for k, v in bag({"d.txt": b"first\n"}, Bags.INFO).items()})

    def ways(self, stated, path):
        """As options, and as a row of a table."""
        yield [w for k, v in stated.items() for w in ("--" + k, v)]
        row = {"file": os.path.basename(path), **stated}
        yield ["--metadata", self.file("t.json", json.dumps([row]))]

    def test_of_one_document(self):
        """A field that can be true of one document only: nothing is recorded, and what to do is said."""
        a = self.archive()
        for path in self.containers():
            for field, value in self.ONE.items():
                for words in self.ways({field: value}, path):
                    r = self.expect(1, "-C", a, "import", path, *words, "--json").json
                    self.assertEqual((r["imported"], r["refused"]), (0, 1), words)
                    self.assertEqual(r["refusals"], [{"path": path, "reason": field + " can be true of one document "
                                     "only, and is stated of a container that is not kept itself (--as-file keeps it)"}])
        self.expect(1, "-C", a, "import", path, "--derived-from", "not-held", "--derived-method", "ocr")
        for field in ("file-name", "media-type", "header"):
            row = json.dumps([{"file": os.path.basename(path), field: "text/plain"}])
            self.expect(1, "-C", a, "import", path, "--metadata", self.file("t.json", row))
        self.assertEqual(self.records(a), [])
        self.ok("-C", a, "import", "--as-file", path, "--title", "T", "--record-id", "I")
        self.assertEqual(self.named(a)["bag.tar"]["title"], "T")

    def test_of_each(self):
        """As of the files of a folder: what the user says comes first, and what is said in addition is."""
        for path in self.containers():
            for words in self.ways(self.EACH, path):
                a = self.archive(name=f"a-{os.path.basename(path)}-{len(words)}")
                self.ok("-C", a, "import", path, *words, "--field", "k=v")
                self.assertTrue(self.records(a))
                for r in self.records(a):
                    for field, value in self.EACH.items():
                        stated = r[field.replace("-", "_")]
                        self.assertEqual(stated, [value] if isinstance(stated, list) else value, (path, words, field))
                    self.assertEqual(r["field"][0], "k: v")
                    self.assertTrue(any(f.startswith("path: ") for f in r["field"]))

    def test_require(self):
        a = self.archive()
        path = next(self.containers())
        r = self.expect(1, "-C", a, "import", path, "--require", "author", "--json").json
        self.assertEqual((r["imported"], r["refused"]), (0, 2))
        r = self.ok("-C", a, "import", path, "--require", "author", "--unknown", "author", "--json").json
        self.assertEqual(r["imported"], 2)

    def test_in_a_folder(self):
        """A row that says too much of a container keeps the other files from nothing."""
        a = self.archive()
        path = next(self.containers())
        lay_out(self.dir / "in", {"x.tar": pathlib.Path(path).read_bytes(), "y.txt": b"y\n"})
        table = self.file("t.csv", "file,title\nin/x.tar,T\nin/y.txt,Y\n")
        r = self.expect(1, "-C", a, "import", str(self.dir / "in"), "--metadata", table, "--json").json
        self.assertEqual((r["imported"], r["refused"]), (1, 1))
        self.assertEqual(list(self.named(a)), ["y.txt"])


class Ends(Records):
    """What stands before or behind the end of a container is taken or told, not dropped."""

    def setUp(self):
        super().setUp()
        self.tars = [pathlib.Path(tar(self.dir / f"{n}.tar", {n: n.encode() * 100})).read_bytes() for n in "ab"]
        self.zips = []
        for n, comment in (("a", b"which has a comment"), ("b", b"")):
            with zipfile.ZipFile(self.dir / f"{n}.zip", "w") as z:
                z.writestr(n, n * 100)
                z.comment = comment
            self.zips.append((self.dir / f"{n}.zip").read_bytes())

    def taken(self, name, content, wanted, *problems):
        """`problems`: offset (or None) and the beginning of the reason."""
        a = self.archive(name=f"of-{name}")
        r = self.expect(1 if problems else 0, "-C", a, "import", self.file(name, content), "--json").json
        self.assertEqual("".join(sorted(self.named(a))), wanted, name)
        told = [(p["offset"], p["reason"]) for p in r["problem_list"]]
        self.assertEqual(len(told), len(problems), (name, told))
        for (offset, reason), (at, start) in zip(told, problems):
            self.assertTrue(offset == at and reason.startswith(start), (name, told))

    LAYERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}

    def test_tars_one_behind_the_other(self):
        a, b = self.tars
        self.taken("two.tar", a + b, "ab")
        self.taken("two-padded.tar", a + bytes(512 * 77) + b + bytes(9000), "ab")
        for name, pack in self.LAYERS.items():
            self.taken("one-layer." + name, pack(a + b), "ab")
            self.taken("two-layers." + name, pack(a) + pack(b), "ab")

    def test_zeros_behind_a_tar(self):
        for n in (1, 511, 512, 513, 10240, 1000001):
            self.taken(f"zeros{n}", self.tars[0] + bytes(n), "a")
            self.taken(f"zeros{n}.gz", gzip.compress(self.tars[0]) + bytes(n), "a")

    def test_very_many_zeros(self):
        """They count as what a container unpacks to."""
        zeros = gzip.compress(bytes(200 << 20)) * 3
        for name, behind in (("end", b""), ("between", gzip.compress(self.tars[1]))):
            a = self.archive(name=name)
            path = self.file(name + ".tar.gz", gzip.compress(self.tars[0]) + zeros + behind)
            self.assertIn("it unpacks to more than a container", self.expect(1, "-C", a, "import", path).err)

    def test_something_behind_a_tar(self):
        a, b = self.tars
        self.taken("short.tar", a + b"text", "a", (len(a), "Truncated tar archive"))
        self.taken("long.tar", a + b + b"text" * 1000, "ab", (len(a + b), "Damaged tar archive"))
        self.taken("zeros-text.tar", a + bytes(1000) + b"text", "a", (len(a) + 512, "Truncated tar archive"))
        self.taken("within.gz", gzip.compress(a + b"text" * 1000), "a",
                   (None, f"Damaged tar archive, at byte {len(a)} of what it unpacks to"))
        for name in ("gz", "bz2"):
            packed = self.LAYERS[name](a)
            self.taken("behind." + name, packed + b"\0text", "a", (len(packed), "what follows is behind the end"))

    def test_a_damaged_header(self):
        two = bytearray(pathlib.Path(tar(self.dir / "x.tar", {"a": b"1", "b": b"2"})).read_bytes())
        two[1024 + 7] ^= 1
        self.taken("damaged.tar", bytes(two), "a", (1024, "Damaged tar archive"))
        self.taken("damaged.gz", gzip.compress(two), "a",
                   (None, "Damaged tar archive, at byte 1024 of what it unpacks to"))

    def zstd(self, data):
        return subprocess.run(["zstd", "-q", "-c", "--check"], input=data, stdout=subprocess.PIPE, check=True).stdout

    def test_a_damaged_layer(self):
        """Which of the files it touches nobody can tell: none is taken for what it was."""
        content = hashlib.shake_256(b"members").digest(1200000)  # bzip2 has more than one block
        two = pathlib.Path(tar(self.dir / "x.tar", {"a": content, "b": content[::-1]})).read_bytes()
        layers = {"gz": gzip.compress(two, 0), "gz6": gzip.compress(two), "two.gz": gzip.compress(two) * 2,
                  "bz2": bz2.compress(two), "xz": lzma.compress(two), "zst": self.zstd(two)}
        for name, whole in layers.items():
            for at in (len(whole) * 3 // 4, -4):
                damaged = bytearray(whole)
                damaged[at] ^= 4
                a = self.archive(name=f"{name}{at}")
                path = self.file(f"{name}{at}.tar.x", bytes(damaged))
                self.assertIn("its compression is damaged", self.expect(1, "-C", a, "import", path).err, name)
                self.assertEqual(self.named(a), {}, (name, at))
                self.ok("-C", a, "import", "--as-file", path)
            self.taken("good." + name, whole, "ab")

    def test_a_name_that_promises_more(self):
        """Damage at the front of a layer hides what it is: kept as a file, and told."""
        two = pathlib.Path(tar(self.dir / "x.tar", {"a": b"first\n", "b": b"second\n"})).read_bytes()
        for ending, pack, what in (("tar.gz", gzip.compress, "a tar"), ("TGZ", gzip.compress, "a tar"),
                                   ("tar.bz2", bz2.compress, "a tar"), ("txz", lzma.compress, "a tar"),
                                   ("tar.zst", self.zstd, "a tar"), ("warc.zst", self.zstd, "a WARC")):
            whole = pack(two)
            a = self.archive(name="cut-" + ending)
            r = self.expect(1, "-C", a, "import", self.file("cut." + ending, whole[:len(whole) // 2]), "--json").json
            self.assertEqual([p["reason"] for p in r["problem_list"]],
                             [f"by its name it is {what}, and cannot be read as one: kept as it is, as a file"], ending)
            self.assertEqual(list(self.named(a)), ["cut." + ending])
        self.ok("-C", a, "import", self.file("notes.gz", gzip.compress(b"only a text\n")))
        self.ok("-C", a, "import", "--as-file", str(self.dir / "cut.tar.gz"))

    def test_around_a_zip(self):
        a, b = self.zips
        self.taken("whole.zip", a, "a")
        self.taken("two.zip", a + b, "b", (0, f"{len(a)} bytes are more than its directory speaks of"))
        self.taken("behind.zip", a + b"text", "a", (len(a), "what follows is behind the end of the zip"))
        self.taken("both.zip", b + a + b"text", "a", (0, f"{len(b)} bytes are more"), (len(a + b), "what follows"))
        lies = bytearray(b)  # of a directory behind the end of the file
        lies[-6:-2] = b"\xff" * 4
        r = run("-C", self.archive(), "import", self.file("lies.zip", bytes(lies)))
        self.assertNotIn("more than its directory", r.err)

    def test_around_a_zip64(self):
        """Its own end of the directory, as written for more than 65,535 entries, stands before the other."""
        b = self.zips[1]
        at, size, start = len(b) - 22, *struct.unpack("<II", b[-10:-2])
        end64 = struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, 1, 1, size, start)
        end = struct.pack("<IIQI", 0x07064b50, 0, at, 1) + b[at:]
        self.taken("64.zip", b[:at] + end64 + end, "b")
        self.taken("64-behind.zip", b[:at] + end64 + end + b"text", "b", (at + 98, "what follows is behind"))
        moved = struct.pack("<IIQI", 0x07064b50, 0, at - 7, 1)  # it is not where it is said to be
        self.taken("64-before.zip", b[:at] + end64 + moved + b[at:], "64-before.zip")

    def test_around_a_bag(self):
        files = {f"b/{k}": v for k, v in bag({"a.txt": b"first\n"}).items()}
        with zipfile.ZipFile(self.dir / "bag.zip", "w") as z:
            for name, content in files.items():
                z.writestr(name, content)
        content = (self.dir / "bag.zip").read_bytes()
        self.taken("bag-and.zip", content + b"text", "a.txtbagit.txtmanifest-sha256.txt", (len(content), "what follows"))


class EqualParts(support.Case):
    """Many parts of equal bytes in many containers: each is known by its place, in time that grows with their number."""

    def empty_files(self, name, n):
        path = self.dir / name
        with zipfile.ZipFile(path, "w") as z:
            for i in range(n):
                z.writestr(zipfile.ZipInfo(f"{name}/{i}", (2019, 11, 28, 10, 0, 0)), b"")
        return str(path)

    def bring(self, a, *paths):
        """What an import tells, and the seconds of the processor that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        r = self.ok("-C", a, "import", *paths, "--json").json
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (r["imported"], r["already_known"]), (after.ru_utime + after.ru_stime - before.ru_utime -
                                                     before.ru_stime)

    def taken_once(self, a, n):
        origins = [tuple(line["record"]["derived_from"])
                   for line in self.ok("-C", a, "log", "--json").lines if "record" in line]
        self.assertEqual((len(origins), len(set(origins))), (n, n))

    def test_cost(self):
        a = self.archive()
        one, two = self.empty_files("one.zip", 2000), self.empty_files("two.zip", 3000)
        told, first = self.bring(a, one)
        self.assertEqual(told, (2000, 0))
        told, second = self.bring(a, two)
        self.assertEqual(told, (3000, 0))
        told, again = self.bring(a, two, one)
        self.assertEqual(told, (0, 5000))
        # Half as many again, with the same work for each: looked for one by one it was 50 times as much.
        self.assertLess(second, 8 * first)
        self.assertLess(again, 8 * first)
        self.taken_once(a, 5000)

    def stopped(self, a, path, seconds):
        """How many parts an import recorded that was stopped after so long."""
        p = subprocess.Popen([support.VIDIMUS, "-C", a, "import", path, "--json"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=support.environment())
        time.sleep(seconds)
        p.send_signal(signal.SIGTERM)
        out, err = p.communicate(timeout=30)
        self.assertIn(p.returncode, (0, 3, -signal.SIGTERM), err)
        return json.loads(out)["imported"] if out else 0

    def test_after_a_stop(self):
        """What was recorded of a container before its import was stopped is known, the rest is not."""
        a = self.archive()
        self.bring(a, self.empty_files("one.zip", 100))
        n, total = 3000, 100
        for i in range(5):  # until one is stopped in the middle; more parts take longer
            path, some, seconds = self.empty_files(f"{i}.zip", n), 0, 0.1
            while not some:
                some, seconds = self.stopped(a, path, seconds), seconds + 0.05
            told, _ = self.bring(a, path)
            self.assertEqual(told, (n - some, some))
            total += n
            if some < n:
                break
            n *= 2
        self.assertLess(some, n)
        self.taken_once(a, total)


class PartsThatCameAgain(Records):
    def test_a_part_that_was_withdrawn(self):
        """It stands behind those that follow it in its container: these are known all the same."""
        for count, content in ((5, lambda i: b"%d\n" % i), (5, lambda _: b"all alike\n"), (40, lambda _: b"all alike\n")):
            a = self.archive(name=f"a{count}-{content(7).decode().strip()}")
            path = tar(self.dir / "x.tar", {f"{i}.txt": content(i) for i in range(count)})
            self.ok("-C", a, "import", path)
            self.ok("-C", a, "withdraw", "3", "5", "--decided-by", "x", "--yes")
            told = [self.ok("-C", a, "import", path, "--json").json["imported"] for _ in range(3)]
            self.assertEqual(told, [2, 0, 0], count)


class Bags(Records):
    INFO = (b"Source-Organization: The Library\nExternal-Identifier: acc-7\n"
            b"Contact-Name: Edna\nPayload-Oxum: 6.1\n")

    def check_taken(self, a):
        named = self.named(a)
        self.assertEqual(sorted(named), ["a.txt", "bag-info.txt", "bagit.txt", "manifest-sha256.txt"])
        r = named["a.txt"]
        self.assertEqual((r["received_from"], r["record_id"]), (["The Library"], ["acc-7"]))
        for line in ("bag: valid, BagIt 1.0, sha256", "Contact-Name: Edna", "Payload-Oxum: 6.1"):
            self.assertIn(line, r["field"])

    def test_bag_folder(self):
        a = self.archive()
        src = lay_out(self.dir / "in" / "b", bag({"a.txt": b"first\n"}, self.INFO))
        before = support.listing(src)
        self.ok("-C", a, "import", str(self.dir / "in"))
        self.assertEqual(support.listing(src), before)
        self.check_taken(a)

    def test_bag_tar_and_zip(self):
        for how in ("w", "w:gz"):
            a = self.archive(name="a" + how[2:])
            files = bag({"a.txt": b"first\n"}, self.INFO)
            self.ok("-C", a, "import", tar(self.dir / "b.tar", {f"b/{k}": v for k, v in files.items()},
                                           how))
            self.check_taken(a)

    def test_options_and_bag(self):
        """What the user says comes first; of what may repeat and holds anything, all is kept."""
        a = self.archive()
        src = lay_out(self.dir / "b", bag({"a.txt": b"first\n"}, self.INFO))
        self.ok("-C", a, "import", src, "--received-from", "Me", "--field", "x=y")
        r = self.named(a)["a.txt"]
        self.assertEqual(r["received_from"], ["Me"])
        self.assertEqual(r["field"][0], "x: y")
        self.assertIn("Contact-Name: Edna", r["field"])

    def test_invalid_is_refused_as_a_whole(self):
        files = bag({"a.txt": b"first\n", "b.txt": b"second\n"})
        files["data/a.txt"] = b"forged\n"
        lay_out(self.dir / "in" / "bad", files)
        lay_out(self.dir / "in" / "good", bag({"c.txt": b"third\n"}))
        for path in (str(self.dir / "in"),
                     tar(self.dir / "bad.tar", {f"bad/{k}": v for k, v in files.items()})):
            a = self.archive(name="a-" + os.path.basename(path))
            r = run("-C", a, "import", path)
            self.assertEqual(r.code, 1)
            self.assertIn("the bag is not valid: nothing of it was taken", r.err)
            self.assertIn("data/a.txt has another content: its sha256 is", r.err)
            self.assertNotIn("b.txt", self.named(a))
            self.assertEqual("c.txt" in self.named(a), path.endswith("in"))

    def test_refused_bags_are_counted(self):
        """As refused, once each; and one of a version that is not known is not called invalid."""
        old, bad = bag({"a.txt": b"first\n"}), bag({"b.txt": b"second\n"})
        old["bagit.txt"] = old["bagit.txt"].replace(b"1.0", b"0.96")
        bad["data/b.txt"] = b"forged\n"
        lay_out(self.dir / "in" / "old", old)
        lay_out(self.dir / "in" / "bad", bad)
        tar(self.dir / "in" / "old.tar", {f"old/{k}": v for k, v in old.items()})
        tar(self.dir / "in" / "bad.tar", {f"bad/{k}": v for k, v in bad.items()})
        a = self.archive()
        r = run("-C", a, "import", str(self.dir / "in"), "--json")
        self.assertEqual((r.code, r.json["imported"], r.json["refused"], r.json["problems"]), (1, 0, 4, 4), str(r))
        said = {os.path.basename(x["path"]): x["reason"] for x in r.json["refusals"]}
        for name in ("old", "old.tar"):
            self.assertIn("a bag of BagIt 0.96 is not taken, only of 0.97 and 1.0", said[name])
        for name in ("bad", "bad.tar"):
            self.assertEqual(said[name], "the bag is not valid: nothing of it was taken")
        text = run("-C", a, "import", str(self.dir / "in"))
        self.assertIn("4 refused", text.out)
        self.assertEqual(text.err.count("is not valid"), 2)

    def test_order_in_a_tar(self):
        """What stands beside a bag hides none, wherever it stands."""
        whole = {f"bag/{k}": v for k, v in bag({"a.txt": b"first\n"}).items()}
        lost = {k: v for k, v in whole.items() if k != "bag/bagit.txt"}
        beside = {"README": b"read me\n"}, {"x/README": b"read me\n"}, {"._bag": b"mac\n"}
        for n, files in enumerate(f for other in beside for b in (whole, lost) for f in ({**other, **b}, {**b, **other})):
            a = self.archive(name=f"a{n}")
            r = run("-C", a, "import", tar(self.dir / f"{n}.tar", files))
            self.assertEqual((r.code, self.named(a)), (1, {}), str(list(files)))
            self.assertIn("a bag must be the only thing in its container", r.err)

    def test_no_bag(self):
        """A link, a pipe or a folder does not make one."""
        a = self.archive()
        for n, make in enumerate((lambda p: (p / "data").symlink_to("nowhere"), lambda p: os.mkfifo(p / "data"))):
            at = self.dir / f"odd-{n}"
            at.mkdir()
            (at / "manifest-md5.txt").write_text(f"no manifest {n}\n")
            make(at)
            r = run("-C", a, "import", str(at))
            self.assertIn("1 statement recorded", r.out, r.err)
        (self.dir / "odd" / "data").mkdir(parents=True)
        (self.dir / "odd" / "manifest-md5.txt").mkdir()
        (self.dir / "odd" / "data" / "x").write_text("x\n")
        self.assertIn("1 statement recorded", self.ok("-C", a, "import", str(self.dir / "odd")).out)

    def test_unpacked_bundle(self):
        """What somebody else signed does not become this archive's by unpacking it."""
        other = self.archive(3, "other")
        self.ok("-C", other, "bundle", "--all", "-o", str(self.dir / "b.tar"))
        at = self.dir / "unpacked"
        with tarfile.open(self.dir / "b.tar") as t:
            t.extractall(at)
        a = self.archive()
        with tarfile.open(self.dir / "again.tar", "w") as t:
            t.add(next(at.iterdir()), "z", filter=lambda i: i if i.name == "z" or not i.isdir() else i)
        for path in (at, self.dir / "again.tar"):
            r = self.expect(1, "-C", a, "import", str(path))
            self.assertEqual(self.named(a), {})
            self.assertRegex(r.err, "a bundle of vidimus that was unpacked|this bundle of .* is not kept")

    def test_words_of_a_bag(self):
        """What is stated beside them takes nothing away; and what has no room is told."""
        info = b"Source-Organization: Partner Library\nExternal-Identifier: K 7\n"
        a = self.archive()
        for path in (lay_out(self.dir / "b", bag({"a.txt": b"first\n"}, info)),
                     tar(self.dir / "c.tar", {f"c/{k}": v for k, v in bag({"c.txt": b"third\n"}, info).items()})):
            self.ok("-C", a, "import", path, "--received-from", "Courier", "--record-id", "box 3")
        for name in ("a.txt", "c.txt"):
            record = self.named(a)[name]
            self.assertEqual((record["received_from"], record["record_id"]), (["Courier"], ["box 3"]))
            for line in info.decode().splitlines():
                self.assertIn(line, record["field"])
        long = bag({"d.txt": b"fourth\n"}, b"External-Description: " + b"x" * 100000 + b"\n")
        self.ok("-C", a, "import", lay_out(self.dir / "d", long))
        self.assertIn("left-out: lines that the container states of it, for want of room", self.named(a)["d.txt"]["field"])

    def test_lost_declaration(self):
        """A bag whose bagit.txt was lost is refused, not taken unchecked; a manifest or a data/ alone makes no bag."""
        files = bag({"a.txt": b"first\n"})
        del files["bagit.txt"]
        files["data/a.txt"] = b"forged\n"
        below = {f"lost/{k}": v for k, v in files.items()}
        with zipfile.ZipFile(self.dir / "lost.zip", "w") as z:
            for name, content in files.items():
                z.writestr(name, content)
        a = self.archive()
        for path in (lay_out(self.dir / "lost", files), tar(self.dir / "lost.tar", below),
                     tar(self.dir / "bare.tar", files), str(self.dir / "lost.zip")):
            r = run("-C", a, "import", path)
            self.assertEqual(r.code, 1, path)
            self.assertIn("the bag is not valid: nothing of it was taken", r.err)
            self.assertIn("bagit.txt is missing", r.err)
        self.assertEqual(self.named(a), {})
        for at, name in enumerate(files):
            alone = self.dir / f"alone-{at}"
            self.ok("-C", a, "import", lay_out(alone, {name: files[name]}))
        (self.dir / "odd").mkdir()
        (self.dir / "odd" / "data").write_bytes(b"no folder\n")
        (self.dir / "odd" / "manifest-md5.txt").write_bytes(b"no manifest\n")
        self.ok("-C", a, "import", str(self.dir / "odd"))
        self.assertEqual(sorted(self.named(a)), ["a.txt", "data", "manifest-md5.txt", "manifest-sha256.txt"])

    def test_invalid_as_files(self):
        """Whoever holds a broken bag can keep what is in it, without the claim that it is one."""
        a = self.archive()
        files = bag({"a.txt": b"first\n"}, self.INFO)
        files["data/a.txt"] = b"forged\n"
        self.ok("-C", a, "import", "--as-file", lay_out(self.dir / "bad", files))
        self.assertEqual(self.named(a)["a.txt"].get("received_from"), None)

    def counts(self, a, *words):
        r = self.ok("-C", a, "import", "--json", *words).json
        return r["imported"], r["already_known"]

    def test_two_bags_share_a_document(self):
        """Each delivery is recorded, each once; nobody is told to overwrite who delivered it first."""
        a = self.archive()
        one, two = (lay_out(self.dir / n, bag({"a.txt": b"shared\n"},
                                              f"Source-Organization: {n}\n".encode()))
                    for n in ("one", "two"))
        self.assertEqual(self.counts(a, one), (4, 0))
        r = self.ok("-C", a, "import", two)
        self.assertNotIn("amend", r.err)
        self.assertEqual([x["received_from"] for x in self.records(a) if x["file_name"] == "a.txt"],
                         [["two"], ["one"]])
        for paths in ([one], [two], [two, one], [str(self.dir / "one"), two]):
            self.assertEqual(self.counts(a, *paths), (0, 4 * len(paths)), paths)
        # What is amended is still that delivery.
        n = [x["entry"] for x in self.ok("-C", a, "log", "--json").lines
             if x["record"]["file_name"] == "a.txt"][-1]
        self.ok("-C", a, "amend", str(n), "--received-from", "The One")
        self.assertEqual(self.counts(a, one, two), (0, 8))
        # The same delivery, of which something else is said now, is no new one.
        self.assertIn("says something else of: collection", self.ok("-C", a, "import", one, "--collection", "c").err)
        self.ok("-C", a, "verify")

    def test_alike_files_of_one_bag(self):
        a = self.archive()
        src = lay_out(self.dir / "b", bag({n: b"same\n" for n in ("a.txt", "b.txt", "x/a.txt")}))
        self.assertEqual(self.counts(a, src), (5, 0))
        paths = [f for r in self.records(a) for f in r["field"] if f.startswith("path: data/")]
        self.assertEqual(sorted(paths), ["path: data/a.txt", "path: data/b.txt", "path: data/x/a.txt"])
        self.assertEqual(self.counts(a, src), (0, 5))
        # A file more, in the middle of the others.
        lay_out(self.dir / "b", bag({n: b"same\n" for n in ("a.txt", "b.txt", "aa.txt", "x/a.txt")}))
        self.assertEqual(self.counts(a, src), (2, 4), "aa.txt, and the manifest that names it")
        self.assertEqual(self.counts(a, src), (0, 6), "they were not recorded in their order")

    def test_invalid_after_valid(self):
        """What a bag vouched for is not what comes without one."""
        a = self.archive()
        src = lay_out(self.dir / "b", bag({"a.txt": b"first\n", "b.txt": b"second\n"}, b"Contact-Name: Edna\n"))
        self.assertEqual(self.counts(a, src), (5, 0))
        (self.dir / "b" / "data" / "b.txt").write_bytes(b"forged\n")
        r = self.ok("-C", a, "import", "--as-file", src)
        self.assertNotIn("amend", r.err)
        self.assertIn("5 statements recorded", r.out)
        newest = next(x for x in self.records(a) if x["file_name"] == "a.txt")
        self.assertFalse([f for f in newest.get("field", []) if f.startswith("bag: ")])
        self.assertEqual(self.counts(a, "--as-file", src), (0, 5))
        # The newest is now of a bag again; the one without is found behind it.
        other = lay_out(self.dir / "c", bag({"a.txt": b"first\n"}))
        self.ok("-C", a, "import", other)
        self.assertEqual(self.counts(a, "--as-file", src), (0, 5))

    def test_bag_that_changes(self):
        """What the check of the bag saw and what is taken must be the same bytes."""
        a = self.archive()
        src = lay_out(self.dir / "b", bag({"a.txt": b"first\n", "b.txt": b"second\n"}))
        r = self.expect(1, "-C", a, "import", src, "--json", LD_PRELOAD=os.environ["FAKE_DISK"], READ_OF="data/a.txt",
                        READ_AS="later", ASAN_OPTIONS="verify_asan_link_order=0")
        told = [(i["path"], i["reason"]) for i in r.json["refusals"]]
        self.assertEqual(told, [(f"{src}/data/a.txt", "it was changed after its bag was checked")])
        self.verified(a)
        again = self.ok("-C", a, "import", src, "--json").json
        self.assertEqual((again["imported"], again["already_known"]), (1, 3))

    def test_link_in_a_bag(self):
        a = self.archive()
        src = lay_out(self.dir / "b", bag({"a.txt": b"first\n"}))
        os.symlink("/etc/passwd", self.dir / "b" / "data" / "l")
        r = run("-C", a, "import", src)
        self.assertEqual(r.code, 1)
        self.assertIn("data/l: a link", r.err)
        self.assertEqual(self.records(a), [])

    def test_hostile_tag_files(self):
        """Names and lines that a terminal would obey; paths that lead outside."""
        files = bag({"a.txt": b"first\n"}, b"X\x1b[31m: \x1b]0;x\x07\xe2\x80\xae\n")
        files["manifest-sha256.txt"] += b"00  ../../etc/passwd\n00  data/\x1b[2J\n"
        a = self.archive()
        r = run("-C", a, "import", lay_out(self.dir / "b", files))
        self.assertEqual(r.code, 1)
        self.assertIn("outside of the bag: ../../etc/passwd", r.err)
        self.assertNotRegex(r.out + r.err, support.FORBIDDEN)
        files = bag({"a.txt": b"first\n"}, b"X\x1b[31m: \x1b]0;x\x07\xe2\x80\xae\n")
        self.ok("-C", a, "import", lay_out(self.dir / "c", files))
        self.assertNotRegex(self.ok("-C", a, "show", "2").out, support.FORBIDDEN)

    def test_bag_in_a_bag_is_payload(self):
        a = self.archive()
        inner = {f"inner/{k}": v for k, v in bag({"x": b"1"}).items()}
        inner["inner/data/x"] = b"changed"
        self.ok("-C", a, "import", lay_out(self.dir / "b", bag(inner)))
        self.assertIn("x", self.named(a))

    def test_containers_in_a_bag(self):
        """In a bag folder as in a bag in a tar: each file is a document with the bag's lines, and not looked into."""
        payload = {"x.tar": pathlib.Path(tar(self.dir / "x.tar", {"inner.txt": b"1"})).read_bytes()}
        with zipfile.ZipFile(self.dir / "x.zip", "w") as z:
            z.writestr("inner-2.txt", "zipped")
        payload["x.zip"] = (self.dir / "x.zip").read_bytes()
        files = bag(payload, self.INFO.replace(b"Payload-Oxum: 6.1\n", b""))
        for way, path in (("folder", lay_out(self.dir / "b", files)),
                          ("tar", tar(self.dir / "b.tar", {f"b/{k}": v for k, v in files.items()}))):
            a = self.archive(name="a-" + way)
            self.ok("-C", a, "import", path, "--note", "N")
            named = self.named(a)
            self.assertEqual(sorted(named), ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "x.tar", "x.zip"])
            for name in payload:
                r = named[name]
                self.assertEqual((r["received_from"], r["record_id"], r["note"]), (["The Library"], ["acc-7"], ["N"]))
                self.assertIn("bag: valid, BagIt 1.0, sha256", r["field"])
                self.assertTrue([f for f in r["field"] if f.startswith("path: ") and f.endswith("data/" + name)])
            self.assertEqual(self.ok("-C", a, "import", path, "--note", "N", "--json").json["already_known"], 5)
            self.ok("-C", a, "verify")
        a = self.archive(name="outside")
        self.ok("-C", a, "import", str(self.dir / "x.tar"))
        self.assertEqual(list(self.named(a)), ["inner.txt"])

    def test_warc_in_a_bag(self):
        """It is a document of the bag, and what is in it came with the bag."""
        info = self.INFO.replace(b"Payload-Oxum: 6.1\n", b"")
        src = lay_out(self.dir / "b", bag({"x.warc": b"".join(warcs.TWO[:2])}, info))
        for way in ("both", "records"):
            a = self.archive(name="a-" + way)
            self.ok("-C", a, "import", src, "--warc", way)
            named = {r.get("file_name", "-"): r for r in self.records(a)}
            self.assertEqual("x.warc" in named, way == "both")
            r = named["-"]
            self.assertEqual(r["received_from"], ["The Library"])
            self.assertTrue(r["record_id"][0].startswith("urn:uuid:"))
            self.assertEqual("Contact-Name: Edna" in r["field"], way == "records")
            if way == "both":
                r = named["x.warc"]
                self.assertEqual((r["received_from"], r["record_id"]), (["The Library"], ["acc-7"]))
                self.assertIn("path: data/x.warc", r["field"])
                self.assertIn("Contact-Name: Edna", r["field"])

    def test_bag_with_a_table(self):
        a = self.archive()
        lay_out(self.dir / "b", bag({"a.txt": b"first\n"}, self.INFO))
        rows = ["file,title"] + [f"b/{p.relative_to(self.dir / 'b')},T" for p in
                                 sorted((self.dir / "b").rglob("*")) if p.is_file()]
        table = self.file("t.csv", "\n".join(rows) + "\n")
        self.ok("-C", a, "import", str(self.dir / "b"), "--metadata", table)
        r = self.named(a)["a.txt"]
        self.assertEqual((r["title"], r["received_from"]), ("T", ["The Library"]))

    def test_dry_run(self):
        a = self.archive()
        src = lay_out(self.dir / "b", bag({"a.txt": b"first\n"}, self.INFO))
        self.assertIn("4 statements would be recorded", self.ok("-C", a, "import", "--dry-run", src).out)
        self.assertEqual(self.records(a), [])


if __name__ == "__main__":
    support.main()
