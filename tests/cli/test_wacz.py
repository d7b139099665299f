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
    """`change`: bytes of files that are put in place of what the hashes are of."""
    files = {"archive/data.warc.gz": warcs.by_record(*warcs.TWO) if warc is None else warc,
             "indexes/index.cdx": b"example,a)/ 20260102030405 {}\n", "pages/pages.jsonl": PAGES}
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

    def test_records_alone(self):
        a = self.archive()
        self.ok("-C", a, "import", "--warc", "records", wacz(self.dir / "x.wacz"))
        self.assertNotIn("x.wacz", self.records(a))
        b = self.archive(name="b")
        self.ok("-C", b, "import", "--warc", "whole", str(self.dir / "x.wacz"))
        self.assertEqual(list(self.records(b)), ["x.wacz"])

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
        self.refused("datapackage.json has another content than datapackage-digest.json says", taken=True,
                     change={"datapackage-digest.json": b'{"hash": "sha256:00"}'})
        self.refused("archive/more.warc is there, and datapackage.json does not name it", taken=True,
                     extra={"archive/more.warc": warcs.response(b"slipped in\n")})
        self.refused("archive/data.warc.gz is compressed in the WACZ", compress=True)
        self.refused("datapackage.json cannot be read", taken=True, change={"datapackage.json": b"{"})
        self.refused("lost.warc is missing, which datapackage.json names",
                     package={"resources": [new_form("archive/lost.warc", b"")]})

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
