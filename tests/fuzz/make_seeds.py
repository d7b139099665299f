#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzz targets: make_seeds.py FOLDER makes FOLDER/<name>/ for each target.

They come from the test vectors, from what is made here, and from seeds/<name>/ beside this file, where the
inputs stand that once found something. Few and small: a fuzzer goes on from there by itself."""
import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import shutil
import struct
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
LEDGER = VECTORS / "ledger"
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE.parent / "interop"))
import warcs  # noqa: E402
import vidimus_format as fmt  # noqa: E402
# One frame of zstd each; Python's library has none. `zstd -19` of 40 times "vidimus\n"; of nothing.
ZSTD = {"zstd": "KLUv/QRofQAAQHZpZGltdXMKAQA11csFF6Bd2A==",
        "zstd-empty": "KLUv/SQAAQAAmenYUQ=="}


def vector(*names):
    return {name.replace("/", "-"): (LEDGER / name).read_bytes() for name in names}


def folder(name):
    return {path.name: path.read_bytes() for path in sorted((LEDGER / name).iterdir())}


def text_of(note):
    """What a note signs."""
    return note[:note.rindex(b"\n\n") + 1]


def malformed(kind, count=6):
    """Some of the vectors with exactly one fault: the next change may mend it."""
    return {path.name: path.read_bytes()
            for path in sorted((VECTORS / "malformed").glob(f"{kind}-*"))[:count]}


def header(name, size, typeflag=b"0"):
    block = bytearray(512)
    block[:len(name)] = name
    for at, field in ((100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"),
                      (124, b"%011o\0" % size), (136, b"%011o\0" % 1614834367),
                      (148, b" " * 8), (156, typeflag), (257, b"ustar\x0000")):
        block[at:at + len(field)] = field
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def tar(*members):
    return b"".join(header(name, len(data)) + data + bytes(-len(data) % 512)
                    for name, data in members) + bytes(1024)


BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def bags():
    """Lists of files, see fuzz_bag.c."""
    one = b"=data/a\nfirst\n=manifest-md5.txt\n<md5>  data/a\n=bagit.txt\n" + BAGIT
    return {"one": one,
            "old": one.replace(b"1.0", b"0.97").replace(b"  data", b" *./data"),
            "encoded": one.replace(b"=data/a", b"=data/%").replace(b"  data/a", b"  data/%25"),
            "latin": one.replace(b"UTF-8", b"ISO-8859-1"),
            "tags": one.replace(b"=bagit", b"=tagmanifest-md5.txt\n<md5> manifest-md5.txt\n=bagit"),
            "info": one + b"=bag-info.txt\nPayload-Oxum: 6.1\nA: b\n  c\n=fetch.txt\nhttps://a.example/ 6 data/a\n"}


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name.decode(), (2019, 11, 28, 10, 0, 0)), data, compression)
    return out.getvalue()


def packs():
    bag = ((b"b/data/a", b"first\n"), (b"b/bagit.txt", BAGIT),
           (b"b/manifest-md5.txt", hashlib.md5(b"first\n").hexdigest().encode() + b"  data/a\n"))
    two = ((b"a.txt", b"first\n"), (b"d/b", b"x" * 700))
    link = header(b"l", 0, b"2") + header(b"h", 0, b"1") + header(b"c", 0, b"3") + tar(*two)
    pax = b"30 mtime=1574935200.123456789\n27 path=../new\xc3\xa4name\xff!!\n"
    over = header(b"x", len(pax), b"x") + pax + bytes(-len(pax) % 512) + tar(*two)
    warc = warcs.response(warcs.BODY)
    package = json.dumps({"title": "T", "resources": [
        {"path": "archive/a.warc", "hash": "sha256:" + hashlib.sha256(warc).hexdigest(), "bytes": len(warc)}]}).encode()
    wacz = zipped((b"archive/a.warc", warc), (b"datapackage.json", package),
                  (b"datapackage-digest.json", b'{"hash": "sha256:00", "signedData": {"domain": "a"}}'),
                  (b"pages/pages.jsonl", b'{"url": "https://a.example/", "ts": "2026-01-02T03:04:05Z", "title": "P"}\n'),
                  compression=zipfile.ZIP_STORED)
    packed = [zipped((b"datapackage.json", b"{"), (b"archive/a.warc", data)) for data in
              (warcs.record("resource", b"y" * 900, length=1500) + warc * 3, warcs.by_record(warc, warc))]
    return {"tar": tar(*two), "wacz": wacz, "wacz-packed": packed[0], "wacz-packed-gz": packed[1],
            "gz": gzip.compress(tar(*two), mtime=0), "xz": lzma.compress(tar(*two)),
            "bz2": bz2.compress(tar(*two)), "cut": tar(*two)[:1200], "links": link, "pax": over,
            "zip": zipped(*two), "stored": zipped(*two, compression=zipfile.ZIP_STORED),
            "bag": tar(*bag), "bag-zip": zipped(*bag), "document": zipped((b"[Content_Types].xml", b"<x/>"))}


def member(data, name=None):
    block = bytearray(header((name or hashlib.sha256(data).hexdigest()).encode(), len(data)))
    block[100:108], block[136:148] = b"0000444\0", b"00000000000\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data + bytes(-len(data) % 512)


def store_packs():
    """The store's, with documents; and what is written over an index."""
    three = member(b"one") + member(b"x" * 700) + member(b"")
    slot = hashlib.sha256(b"one").digest()[7::-1]
    return {"three": three, "twice": three + three, "torn": three[:-100], "withdrawn": member(b"", "withdrawn-0") + three,
            "inside": member(three) + three, "zeros": three + bytes(1024), "wrong": member(b"one", "0" * 64),
            "index": b"I" + bytes(2) + (slot + struct.pack("<Q", 1)) * 9, "full": b"I" + b"\xff" * 4000}


def foreign():
    """Bundles; and what begins as one does, or nearly so."""
    sample = (LEDGER / "sample.tar").read_bytes()
    near = {"bag": (b"b/bagit.txt", b"b/data/a"), "late": (b"b/a", b"b/bagit.txt", b"b/vidimus/seal"),
            "eighth": (b"b/bagit.txt", *(b"b/%d" % i for i in range(6)), b"b/vidimus/checkpoint"),
            "ninth": (b"b/bagit.txt", *(b"b/%d" % i for i in range(7)), b"b/vidimus/checkpoint"),
            "no-folder": (b"bagit.txt", b"vidimus/seal"), "deeper": (b"b/bagit.txt", b"b/c/vidimus/seal"),
            "other-folder": (b"b/bagit.txt", b"c/vidimus/seal")}
    return {**vector("sample.tar", "receipt.tar", "cosigned.tar"), "gzip": gzip.compress(sample, 9, mtime=0),
            "cut": sample[:9000], **{key: tar(*((name, b"x") for name in names)) for key, names in near.items()}}


def tars():
    two = tar((b"b/bagit.txt", b"BagIt-Version: 1.0\n"), (b"b/data/INDEX.txt", b"x" * 513))
    huge = bytearray(header(b"b/huge", 0))
    huge[124:136] = b"\x80" + struct.pack(">Q", 1 << 34).rjust(11, b"\0")
    return {"two": two, "empty": bytes(1024), "cut-off": two[:700], "huge": bytes(huge),
            "trailing": two + b"\0", "one-zero-block": two[:-512], "gzip": gzip.compress(two, 9, mtime=0)}


def streams():
    plain = b"vidimus\n" * 40
    packed = gzip.compress(plain, 9, mtime=0)
    # Every optional field of the header: extra, name, comment, its checksum.
    full = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x02\0xxname\0comment\0\0\0" + packed[10:]
    found = {"plain": plain, "gzip": packed, "gzip-twice": packed * 2, "gzip-fields": full,
             "gzip-cut-off": packed[:-3], "skippable": b"\x50\x2a\x4d\x18\x04\0\0\0abcd"}
    found.update((name, base64.b64decode(data)) for name, data in ZSTD.items())
    # A window of 2 GiB; a single segment whose content, so its window, is 16 MiB.
    found["zstd-window"] = b"\x28\xb5\x2f\xfd\x00\xa8\x01\0\0"
    found["zstd-segment"] = b"\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x01\x01\0\0"
    return found


def tables():
    csv = b'file,title,author,author\n"a.txt","A ""title""",one,two\r\nb.txt,,,\n'
    lines = b'{"file":"a.txt","title":"A","author":["one","two"]}\n{"file":"b.txt","note":null}\n'
    array = b"[" + lines.strip().replace(b"\n", b",") + b"]"
    return {"csv": b"\0" + csv, "csv-mark": b"\0\xef\xbb\xbf" + csv, "json": b"\1" + array,
            "lines": b"\2" + lines, "lines-escape": b'\2{"file":"\\u0061\\ud83d\\ude00"}\n'}


def layout_texts():
    found = vector("keys/authority.pub")
    for i, path in enumerate((b"bagit.txt", b"vidimus/entries/000012", b"data/files/1234567.txt",
                              b"vidimus/proofs/000012.tlog-proof", b"vidimus/evidence/9/a.tsr",
                              b"vidimus/keys/" + b"0a" * 32 + b".pem")):
        found[f"path-{i}"] = path
        found[f"line-{i}"] = b"00" * 32 + b"  " + path
    sample = (LEDGER / "sample.tar").read_bytes()
    at = sample.index(b"-----BEGIN")
    found["pem"] = sample[at:at + 113]
    at = sample.index(b"External-Identifier")
    found["bag-info"] = sample[at:sample.index(b"\0", at)]
    return found


def media():
    return {"html": b"<!DOCTYPE html><title>x</title>", "pdf": b"%PDF-1.4\n", "gzip": gzip.compress(b"x"),
            "warc": b"WARC/1.0\r\nWARC-Type: response\r\n", "text": b"plain words\n", "type": b"text/html",
            "zip": b"PK\x03\x04\x14\0\0\0", "empty": b""}


def dates():
    texts = ("2021-03-04T05:06:07Z", "2021-03-04T05:06:07.89+01:00", "2021", "2021-03", "2021-03-04",
             "2021-03-04T05:06Z", "2021-21", "201X", "2021-XX-04", "1984?", "1984~/2004-06%", "../1985-04",
             "1985/", "Y170000002", "-1985", "0000-02-29T00:00:00Z", "2021-04-30")
    return {f"{i:02}": text.encode() for i, text in enumerate(texts)}


def written_dates():
    texts = ("Thursday, 01st Rabii\u2019 II 1441 AH\n28/11/2019 CE", "الخميس، ١ ربيع الآخر ١٤٤١هـ الموافق ٢٨ تشرين الثاني/نوفمبر ٢٠١٩م",
             "Rabi II 1441\nNovember 2019", "03/05/2019", "1 Dhu al-Hijjah 1299 A.H.\nFri 2019-11-28", "۱۴۴۱/۴/۱\n11/28/2019")
    return {f"{i:02}": text.encode() for i, text in enumerate(texts)}


def pages():
    return {"page": b"<!doctype html><meta charset=utf-8><title>t</title><body><p>a <b>b</b><br>c&nbsp;&amp;</p><pre>\n x\n</pre>",
            "tables": b"<table><p>out<tr><td>1<th>2</table><select><option>3</select>", "hidden": b"<p hidden>a<p style='display: none'>b<svg>c",
            "encoding": b"<meta charset='windows-1256'>\xc7\xcc<p>\xe3", "utf16": b"\xff\xfe<\0p\0>\0a\0\x27\x06\0\xd8",
            "nested": b"<b><i></b><a><a><form><form></p><script><!--<script></script>--></script><template><tr></template>x",
            "marks": "e\u0301\u0327 \u1100\u1161 \u2028\xad\u200b\ufeff<plaintext>a\n b".encode()}


def texts():
    return {"escapes": b"a\\\\b\\n\\x00\\xc2\\x9b\\x20", "plain": "Grüße — ﷽".encode(),
            "terminal": b"\x1b]8;;http://e\x1b\\x\x1b]8;;\x07\xc2\x9b31m", "bidi": "\u202eabc\u2066d".encode(),
            "broken": b"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x80", "number": b"9007199254740991",
            "spaces": b" both ends ", "empty": b""}


def at_the_limits():
    """As many hashes and signatures as there may be: one more is a change away."""
    checkpoint = (LEDGER / "checkpoint").read_bytes()
    hashes = (b"A" * 43 + b"=\n") * 63
    return {"inclusion-63": b"c2sp.org/tlog-proof@v1\nindex 1\n" + hashes + b"\n" + checkpoint,
            "consistency-63": b"old 3\n" + hashes + b"\n" + checkpoint}


def keyfiles():
    vkey = (LEDGER / "keys/lena.pub").read_text().strip()

    def sealed(operations, memory):
        return (f"vidimus/key/v1\nkdf argon2id {operations} {memory} {'A' * 22}==\n"
                f"cipher xchacha20poly1305 {'A' * 32}\npublic {vkey}\nsealed {'A' * 64}\n").encode()

    return {**vector("keys/lena.key", "keys/authority.key"), "sealed": sealed(1, 8192),
            "too-much": sealed(17, 1 << 31), "bytes": bytes(range(40))}


def found_by_audits():
    """What audits keep: one finding, several, more than are listed."""
    head = {"ledger": "archive.example.net/statements", "checkpoint": (17, bytes(range(32))),
            "begun": "2020-01-03T00:00:00Z", "ended": "2020-01-03T01:00:00Z"}
    one = fmt.Finding("document-corrupt", 5, False, b"other bytes")
    other = fmt.Finding("slack-rot", None, True, "a\tb \u2028 \u00e9".encode())
    return {"one": fmt.encode_findings(head, [one], 0), "more": fmt.encode_findings(head, [one, other], 7)}


def sets():
    """{target: {file name: content}}"""
    entries, records = folder("entries"), folder("records")
    note_of = {name: entries[name] for name in ("000000", "000006", "000013", "000021")}
    proofs = {"bundle": (LEDGER / "proofs/000007.tlog-proof").read_bytes(),
              **vector("entry-000004.tlog-proof")}
    consistency = b"old 3\n" + b"A" * 43 + b"=\n\n" + (LEDGER / "checkpoint").read_bytes()
    return {
        "note": {**note_of, "signatures-100": b"text\n\n" + "\u2014 a AAAAAAA=\n".encode() * 100, **vector("checkpoint", "seal"), **malformed("note")},
        "vkey": {**{k: v.strip() for k, v in folder("keys").items() if k.endswith(".pub")},
                 "signer": b"lena@archive.example.net+0123abcd"},
        "checkpoint": {**vector("checkpoint"), "text": text_of((LEDGER / "checkpoint").read_bytes())},
        "entry": {**{name: text_of(note) for name, note in list(entries.items())[::2]},
                  **{f"note-{name}": note for name, note in note_of.items()}},
        "record": {**dict(list(records.items())[:8]), **malformed("record")},
        "disclosure": {**folder("disclosures"), **malformed("disclosure")},
        "proof": {**proofs, "consistency": consistency, **at_the_limits(), **malformed("proof")},
        "prove": {**proofs, **vector("checkpoint")},
        "seal": {**vector("seal"), "text": text_of((LEDGER / "seal").read_bytes())},
        "findings": found_by_audits(),
        "fork_proof": {path.name: path.read_bytes() for path in sorted((VECTORS / "forks").iterdir())
                       if path.suffix != ".json"},
        "request": {**vector("request"), **malformed("request")},
        "page": pages(),
        "written": written_dates(),
        "words": {**texts(), "scripts": "Ménage الأُمّ 阅览室 ไทย \ufdfa ﬁ".encode()},
        "keyring": {"empty": b"", "events": bytes.fromhex("00 00 00 10 00 00 01 02 02 00 01 02 08 10 00 03"
                                                          "00 06 11 00 00 00 07 08 00 00 00 ff 12 00 00")},
        "policy": {**folder("policies"), "none": b"# nobody\nquorum none\n"},
        "keyfile": keyfiles(),
        "layout": layout_texts(),
        "selection": {"some": b"\x05" + b"4\n5\n7\n9007199254740991\n", "not": b"\x01" + b"5\n4\n"},
        "tar": tars(),
        "bag": bags(),
        "pack": packs(),
        "packs": store_packs(),
        "stream": streams(),
        "bundle": vector("sample.tar", "receipt.tar", "cosigned.tar"),
        "foreign": foreign(),
        "table": tables(),
        "media": media(),
        "warc": {k: v for k, v in warcs.cases().items() if len(v) < 8000},
        "date": dates(),
        "text": texts(),
        "tlog": {"small": bytes(24), "any": struct.pack(">HHIQQ", 600, 257, 70, 3, 7) + bytes(96)},
        "ledger": {"none": b"", "flip": struct.pack(">I", 4000 << 8 | 100) + b"\x03",
                   "cut": struct.pack(">I", 9000 << 8 | 230) + b"\0"},
    }


def main():
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    for name, seeds in sets().items():
        place = target / name
        place.mkdir(parents=True)
        found = HERE / "seeds" / name
        kept = {p.name: p.read_bytes() for p in found.iterdir()} if found.is_dir() else {}
        for file, content in {**seeds, **kept}.items():
            (place / file).write_bytes(content)


if __name__ == "__main__":
    main()
