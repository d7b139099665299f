#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Import of WACZ: hashes checked, records taken from where they lie, titles, signatures kept and not believed."""

import hashlib
import json
import pathlib
import sys
import zipfile

import support
from support import run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import warcs  # noqa: E402

PAGES = (b'{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}\n'
         b'{"url": "https://a.example/", "ts": "2026-01-02T03:04:05.678Z", "title": "The council met"}\n'
         b'{"url": "https://a.example/2", "ts": "2031-01-01T00:00:00Z", "title": "Of another day"}\n')


def new_form(path, data):
    """1.1 and 1.2."""
    return {"name": path.split("/")[-1], "path": path, "hash": "sha256:" + hashlib.sha256(data).hexdigest(),
            "bytes": len(data)}


def old_form(path, data):
    """1.0, as Frictionless has it."""
    return {"path": path, "stats": {"hash": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
            "hashing": "sha256"}


def md5_form(path, data):
    return {"path": path, "hash": "md5:" + hashlib.md5(data).hexdigest(), "bytes": len(data)}


def wacz(path, *, form=new_form, warc=None, change=None, signed=None, package=None, compress=False,
         digest=True, extra=None):
    """`change`: bytes of files that are put in place of what the hashes are of; None: it is not there."""
    files = {"indexes/index.cdx": b"example,a)/ 20260102030405 {}\n",
             "archive/data.warc.gz": warcs.by_record(*warcs.TWO) if warc is None else warc, "pages/pages.jsonl": PAGES}
    about = {"profile": "wacz", "wacz_version": "1.1.1", "title": "A crawl", "software": "crawler 1.0",
             "created": "2026-01-03T00:00:00Z", "resources": [form(k, v) for k, v in files.items()],
             **(package or {})}
    text = json.dumps(about, indent=1).encode()
    files.update({"datapackage.json": text, **(extra or {})})
    if digest:
        files["datapackage-digest.json"] = json.dumps(
            {"path": "datapackage.json", "hash": "sha256:" + hashlib.sha256(text).hexdigest(),
             **({"signedData": signed} if signed else {})}).encode()
    files.update(change or {})
    with zipfile.ZipFile(path, "w") as z:
        for name, data in files.items():
            if data is None:
                continue
            z.writestr(name, data, zipfile.ZIP_DEFLATED if compress or not name.startswith("archive/")
                       else zipfile.ZIP_STORED)
    return str(path)


class Wacz(support.Case):
    def records(self, a):
        return {(r.get("source") or r["file_name"]): r for r in
                (line["record"] for line in self.ok("-C", a, "log", "--json").lines)}

    def test_taken(self):
        for form in (new_form, old_form):
            a = self.archive(name=form.__name__)
            path = wacz(self.dir / "x.wacz", form=form)
            r = self.ok("-C", a, "import", path)
            got = self.records(a)
            self.assertEqual(sorted(got), ["datapackage-digest.json", "datapackage.json", "https://a.example/",
                                           "https://a.example/2", "x.wacz"], r)
            whole = got["x.wacz"]
            self.assertEqual((whole["title"], whole["method"]), ("A crawl", "crawler 1.0"))
            self.assertIn("wacz: 3 files checked against datapackage.json, 0 do not fit", whole["field"])
            page = got["https://a.example/"]
            self.assertEqual((page["title"], page["captured"], page["captured_by"]),
                             ("The council met", "2026-01-02T03:04:05Z", "A Library"))
            self.assertNotIn("title", got["https://a.example/2"])  # that title is of another day
            digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
            self.assertTrue(page["derived_from"][0].startswith(f"sha256:{digest} "))
            self.ok("-C", a, "verify")

    def test_places(self):
        """A plain WARC in it: a record is a slice of the WACZ."""
        a = self.archive()
        block = warcs.record("resource", warcs.BODY, content_type="text/plain")
        path = wacz(self.dir / "x.wacz", warc=block)
        self.ok("-C", a, "import", path)
        origin = self.records(a)["https://a.example/"]["derived_from"][0].split(" ")
        data = pathlib.Path(path).read_bytes()
        self.assertTrue(origin[3].startswith("slice"))
        self.assertEqual(data[int(origin[1]):int(origin[1]) + int(origin[2])], warcs.BODY)

    def test_packed_by_the_zip(self):
        """Who packs a WACZ again with a program for zips packs its WARCs too: each record as if it were not so."""
        plain = b"".join(warcs.TWO)
        big = b"".join(warcs.response(b"%d\n" % i * 20000, id=i + 1, uri=f"https://a.example/{i}") for i in range(30))
        forms = {"by-record": warcs.by_record(*warcs.TWO), "plain": plain, "big": big, "big-gzip": warcs.gzip.compress(big),
                 "by-file": warcs.gzip.compress(plain)}
        for name, warc in forms.items():
            got = []
            for compress in (False, True):
                a = self.archive(name=f"{name}-{compress}")
                path = wacz(self.dir / "x.wacz", warc=warc, compress=compress)
                self.ok("-C", a, "import", path)
                again = self.ok("-C", a, "import", path, "--json").json
                self.assertEqual(again["imported"], 0, name)
                got.append(self.records(a))
                self.ok("-C", a, "verify")
            stored, packed = got
            self.assertEqual(stored.keys(), packed.keys())
            for source in stored:
                if source.startswith("https:"):
                    origin = packed[source]["derived_from"][0].split(" ", 3)
                    self.assertEqual(origin[1:3], ["-", "-"])
                    self.assertRegex(origin[3], r"of the WARC record .*at byte \d+ of .*archive/data.warc.gz$")
                    for r in (stored[source], packed[source]):
                        r.pop("derived_from")
                    self.assertEqual(stored[source], packed[source], name)
                    self.assertEqual("in the gzip member" in origin[3], name == "by-record", origin)
            origins = [r["derived_from"] for r in self.records(a).values() if "record_id" in r]
            self.assertEqual(len(origins), len(set(map(str, origins))))

    def test_two_with_the_same_places(self):
        """Records of two WARCs may stand at the same place in what each unpacks to: they are told apart."""
        a = self.archive()
        warc = [warcs.gzip.compress(warcs.warcinfo() + warcs.response(warcs.BODY, uri=f"https://a.example/{i}", id=i))
                for i in (1, 2)]
        files = {"archive/1.warc.gz": warc[0], "archive/2.warc.gz": warc[1]}
        about = {"resources": [new_form(k, v) for k, v in files.items()]}
        path = wacz(self.dir / "x.wacz", extra=files, package=about)
        self.expect(1, "-C", a, "import", path)  # the others are not named
        got = [self.records(a)[f"https://a.example/{i}"]["derived_from"] for i in (1, 2)]
        data = pathlib.Path(path).read_bytes()
        at = len(warcs.warcinfo())
        for i in (0, 1):
            self.assertEqual(got[i][0].split(" ", 3)[3], f"payload of the WARC record at byte {at} of what it unpacks to "
                             f"from byte {data.index(warc[i])} on")

    def test_packed_and_broken(self):
        """What is wrong in a WARC that is packed is told with its place there, and what follows is taken; where one must
        go back, it is unpacked again, and that counts."""
        def packed(warc, code=1):
            a = self.archive(name=f"p{len(list(self.dir.iterdir()))}")
            r = self.expect(code, "-C", a, "import", wacz(self.dir / "x.wacz", warc=warc, compress=True), "--json").json
            self.ok("-C", a, "verify")
            return r, self.records(a)
        page = {i: warcs.response(b"%d\n" % i * 20000, id=i, uri=f"https://a.example/{i}") for i in range(1, 9)}
        lies = warcs.record("resource", b"y" * 300000, id=70, length=500000, uri="https://a.example/lies")
        r, got = packed(page[1] + lies + page[2] + page[3])
        self.assertIn("another record begins inside", str(r["problem_list"]))
        self.assertIn(f"archive/data.warc.gz, byte {len(page[1])}: ", str(r["problem_list"]))
        self.assertEqual([i for i in page if f"https://a.example/{i}" in got], [1, 2, 3])
        damaged = bytearray(warcs.by_record(*page.values()))
        damaged[len(warcs.by_record(page[1])) + 200] ^= 0xff
        r, got = packed(bytes(damaged))
        self.assertEqual([i for i in page if f"https://a.example/{i}" in got], [1, 3, 4, 5, 6, 7, 8])
        r, got = packed(page[1] + page[2][:1000])
        self.assertIn("breaks off", str(r["problem_list"]))
        r, got = packed(b"no WARC at all\n" * 100)
        self.assertIn("archive/data.warc.gz is no WARC", str(r["problem_list"]))
        many = [warcs.record("resource", b"z" * 70000, id=i, length=100000) for i in range(400)]
        r, got = packed(b"".join(many))
        self.assertTrue([p for p in r["problem_list"] if "unpacks to more" in p["reason"]])

    def test_packed_under_names_that_do_not_tell(self):
        """A record is known again by the WARC's name: where that names two, or is cut, none is taken."""
        a = self.archive()
        path = wacz(self.dir / "x.wacz", compress=True, change={"datapackage.json": b"{"},
                    extra={"archive/" + "n" * 300: b"".join(warcs.TWO)})
        with self.assertWarns(UserWarning), zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as z:
            z.writestr("archive/data.warc.gz", warcs.by_record(warcs.response(b"slipped in\n", id=9, uri="https://b/")))
        r = self.expect(1, "-C", a, "import", path)
        self.assertIn("is packed, and another has its name", r.err)
        self.assertIn("is packed, and its name is too long", r.err)
        got = self.records(a)
        self.assertIn("https://a.example/", got)
        self.assertNotIn("https://b/", got)

    def test_records_alone(self):
        a = self.archive()
        self.ok("-C", a, "import", "--warc", "records", wacz(self.dir / "x.wacz"))
        self.assertNotIn("x.wacz", self.records(a))
        b = self.archive(name="b")
        self.ok("-C", b, "import", "--warc", "whole", str(self.dir / "x.wacz"))
        self.assertEqual(list(self.records(b)), ["x.wacz"])

    def test_require_is_of_the_records(self):
        """What the package says of itself has no source; the records have."""
        a = self.archive()
        path = wacz(self.dir / "x.wacz")
        r = self.ok("-C", a, "import", path, "--require", "source,captured", "--json").json
        self.assertEqual((r["imported"], r["refused"]), (5, 0))
        r = self.expect(1, "-C", a, "import", path, "--require", "author", "--again", "--json").json
        self.assertEqual((r["imported"], r["refused"]), (3, 2))

    def test_signature_is_kept_and_not_believed(self):
        a = self.archive()
        signed = {"hash": "sha256:00", "signature": "AAAA", "domain": "sign.example"}
        path = wacz(self.dir / "x.wacz", signed=signed)
        self.ok("-C", a, "import", path)
        got = self.records(a)
        self.assertIn("signature: present, not verified here; it says it is by sign.example",
                      got["x.wacz"]["field"])
        entry = [x["entry"] for x in self.ok("-C", a, "log", "--json").lines
                 if x["record"].get("file_name") == "datapackage-digest.json"]
        kept = self.ok("-C", a, "cat", str(entry[0]))
        with zipfile.ZipFile(path) as z:
            self.assertEqual(kept.raw_out, z.read("datapackage-digest.json"))

    def refused(self, wanted, taken=None, **how):
        a = self.archive(name=f"a{len(list(self.dir.iterdir()))}")
        r = run("-C", a, "import", wacz(self.dir / "x.wacz", **how))
        self.assertEqual(r.code, 1, r)
        self.assertIn(wanted, r.err)
        got = self.records(a)
        self.assertIn("x.wacz", got)  # what came is kept, whatever it is
        self.assertEqual("https://a.example/" in got, bool(taken), wanted)
        return got

    def test_what_does_not_fit(self):
        changed = warcs.by_record(warcs.TWO[0], warcs.response(b"forged\n"))
        got = self.refused("archive/data.warc.gz has another size", change={"archive/data.warc.gz": changed})
        self.assertIn("wacz: 3 files checked against datapackage.json, 1 do not fit", got["x.wacz"]["field"])
        flipped = bytearray(warcs.by_record(*warcs.TWO))
        flipped[40] ^= 1
        self.refused("archive/data.warc.gz has another content", change={"archive/data.warc.gz": bytes(flipped)})
        self.refused("pages/pages.jsonl has another", taken=True, change={"pages/pages.jsonl": b"{}\n"})
        got = self.refused("datapackage.json has another content than datapackage-digest.json says", taken=True,
                           change={"datapackage-digest.json": b'{"hash": "sha256:00"}'})
        self.assertIn("wacz: 3 files checked against datapackage.json, 0 do not fit; it is not what "
                      "datapackage-digest.json says", got["x.wacz"]["field"])
        self.refused("archive/more.warc is there, and datapackage.json does not name it", taken=True,
                     extra={"archive/more.warc": warcs.response(b"slipped in\n")})
        got = self.refused("datapackage.json cannot be read", taken=True, change={"datapackage.json": b"{"})
        self.assertIn("wacz: datapackage.json cannot be read: no file was checked", got["x.wacz"]["field"])
        data = warcs.by_record(*warcs.TWO)
        for size in (-5, 1e300, "9"):
            self.refused("archive/data.warc.gz is said to have a size that is none: datapackage.json says ",
                         package={"resources": [{**new_form("archive/data.warc.gz", data), "bytes": size}]})
        self.refused("archive/data.warc.gz has no hash: datapackage.json says no hash, no size",
                     package={"resources": [{"path": "archive/data.warc.gz"}]})
        self.refused("lost.warc is missing, which datapackage.json names",
                     package={"resources": [new_form("archive/lost.warc", b"")]})

    def test_the_only_warc_is_missing(self):
        """It is a WACZ by what datapackage.json says, not by what is there."""
        gone = {"archive/data.warc.gz": None}
        missing = "archive/data.warc.gz is missing, which datapackage.json names"
        got = self.refused(missing, change=gone)
        self.assertIn("wacz: 3 files checked against datapackage.json, 1 do not fit", got["x.wacz"]["field"])
        self.refused(missing, change=gone, package={"wacz_version": None})
        without = {"resources": [new_form("archive/lost.warc", b"")]}
        text = json.dumps(without).encode()
        self.refused("archive/lost.warc is missing", change={**gone, "datapackage.json": text})
        self.refused("datapackage.json cannot be read", change={**gone, "datapackage.json": b'{"wacz_version": "1"}'})
        a = self.archive()  # others have a datapackage.json as well
        text = json.dumps({"resources": [{"path": "data.csv"}, {"path": 7}, 7]}).encode()
        self.ok("-C", a, "import", wacz(self.dir / "x.wacz", change={**gone, "datapackage.json": text}))
        self.assertNotIn("x.wacz", self.records(a))

    def test_without_its_package(self):
        told = "it looks like a WACZ, but has no datapackage.json"
        for gone, looks in (((), True), (("pages/pages.jsonl",), True), (("archive/data.warc.gz",), False),
                            (("pages/pages.jsonl", "indexes/index.cdx"), False)):
            a = self.archive(name=f"a{len(list(self.dir.iterdir()))}")
            path = wacz(self.dir / "x.wacz", change=dict.fromkeys(("datapackage.json", *gone)))
            r = self.expect(1 if looks else 0, "-C", a, "import", path)
            self.assertEqual(told in r.err, looks, gone)
            self.assertEqual("data.warc.gz" in self.records(a), "archive/data.warc.gz" not in gone)

    def test_what_stands_behind(self):
        a = self.archive()
        path = pathlib.Path(wacz(self.dir / "x.wacz"))
        size = path.stat().st_size
        path.write_bytes(path.read_bytes() + b"text")
        r = self.expect(1, "-C", a, "import", str(path))
        self.assertIn(f"at byte {size}: what follows is behind the end of the zip", r.err)
        self.assertIn("https://a.example/", self.records(a))

    def test_md5_is_no_evidence(self):
        a = self.archive()
        self.ok("-C", a, "import", wacz(self.dir / "x.wacz", form=md5_form))
        self.assertIn("(by MD5, which shows accidents and is no evidence)",
                      " ".join(self.records(a)["x.wacz"]["field"]))

    def test_hostile_texts(self):
        a = self.archive()
        path = wacz(self.dir / "x.wacz", package={"title": "\x1b[2J\u202e", "description": "a\nb", "created": 7},
                    change={"pages/pages.jsonl": b"\xff\xfe\n[]\n{\"url\": 1}\n" + b"{" * 100000})
        r = run("-C", a, "import", path)
        self.assertEqual(r.code, 1)
        self.assertNotRegex(r.out + r.err + self.ok("-C", a, "log").out, support.FORBIDDEN)


if __name__ == "__main__":
    support.main()
