# SPDX-License-Identifier: MIT
"""WARCs for tests, with each edge case that is met in archives: made here, about nobody."""
import base64
import gzip
import hashlib

CRLF = b"\r\n"


def sha1(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def record(kind, block=b"", *, id=1, uri="https://a.example/", date="2026-01-02T03:04:05Z", length=None,
           version="1.1", end=CRLF * 2, line_end=CRLF, content_type=None, drop=(), **more):
    """One record; a name in `more` has _ for -. What is dropped is left out."""
    head = {"WARC-Type": kind, "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{id:012}>", "WARC-Date": date}
    if uri:
        head["WARC-Target-URI"] = uri
    if content_type:
        head["Content-Type"] = content_type
    head.update({name.replace("_", "-"): value for name, value in more.items()})
    head["Content-Length"] = str(len(block) if length is None else length)
    lines = [f"WARC/{version}"] + [f"{k}: {v}" for k, v in head.items() if k not in drop]
    text = b"".join(line.encode("utf-8", "surrogateescape") + line_end for line in lines)
    return text + line_end + block + end


def http(body, *headers, status="200 OK"):
    return f"HTTP/1.1 {status}\r\n".encode() + b"".join(h.encode() + CRLF for h in headers) + CRLF + body


def chunked(body, size=7):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def response(body, *headers, payload=None, digest=True, **more):
    block = http(body, "Content-Type: text/plain", *headers)
    if digest:
        more.setdefault("WARC_Block_Digest", sha1(block))
        more.setdefault("WARC_Payload_Digest", sha1(body if payload is None else payload))
    return record("response", block, content_type="application/http; msgtype=response", **more)


def warcinfo(text=b"software: crawler 1.0\r\noperator: A Library\r\n", **more):
    return record("warcinfo", text, uri=None, content_type="application/warc-fields", **{"id": 900, **more})


def by_record(*records):
    return b"".join(gzip.compress(r, 6, mtime=0) for r in records)


BODY = b"The council met on Thursday.\n"
TWO = (warcinfo(), response(BODY), response(b"Another page.\n", id=2, uri="https://a.example/2"))


def revisit(**more):
    block = http(b"", "Content-Type: text/plain", status="304 Not Modified")
    more = {"WARC_Profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
            "WARC_Payload_Digest": sha1(BODY), "id": 7, "date": "2026-02-01", **more}
    return record("revisit", block, content_type="application/http; msgtype=response", **more)


def cases():
    """{name: bytes}"""
    two = b"".join(TWO)
    return {
        "plain": two,
        "by-record": by_record(*TWO),
        "by-file": gzip.compress(two, 6, mtime=0),
        "across": b"".join(gzip.compress(two[i:i + 300], 6, mtime=0) for i in range(0, len(two), 300)),
        "empty-members": (gzip.compress(b"", mtime=0) * 100).join(by_record(r) for r in TWO) + gzip.compress(b"", mtime=0),
        "old": record("resource", BODY, version="0.18") + record("resource", BODY, version="1.0", id=2),
        "chunked": response(chunked(BODY), "Transfer-Encoding: chunked", payload=BODY),
        "chunked-digest": response(chunked(BODY), "Transfer-Encoding: chunked"),
        "not-chunked": response(BODY, "Transfer-Encoding: chunked"),
        "broken-chunks": response(chunked(BODY)[:-12] + b"zz\r\nxx", "Transfer-Encoding: chunked", payload=BODY),
        "bad-digest": response(BODY, payload=b"other"),
        "hex-digest": response(BODY, WARC_Payload_Digest="sha256:" + hashlib.sha256(BODY).hexdigest(),
                               WARC_Block_Digest="blake3:00"),
        "angles": response(BODY, uri="<https://a.example/x y>"),
        "bare-lf": record("resource", BODY, line_end=b"\n", end=b"\n\n") + record("resource", BODY, id=2),
        "folded": record("resource", BODY, WARC_JSON_Metadata='{"a":\r\n  1}'),
        "too-short": record("resource", BODY, length=10) + record("resource", BODY, id=2),
        "too-long": record("resource", BODY, length=4000) + record("resource", BODY, id=2) * 20,
        "too-long-gz": by_record(record("resource", BODY, length=4000), record("resource", BODY, id=2)),
        "no-length": record("resource", BODY, drop=("Content-Length",)) + record("resource", BODY, id=2),
        "no-date": record("resource", BODY, drop=("WARC-Date",)),
        "bad-date": record("resource", BODY, date="20260102030405"),
        "year": record("resource", BODY, date="2026") + record("resource", BODY, id=2, date="2026-01-02T03:04:05.123456Z"),
        "garbage": b"".join(TWO[:2]) + b"\0" * 700 + TWO[2],
        "cut": two[:-10],
        "cut-in-head": two[:-25],
        "cut-gz": by_record(*TWO)[:-30],
        "damaged-gz": by_record(*TWO[:1]) + damaged(by_record(TWO[1])) + by_record(TWO[2]),
        "bad-check-gz": by_record(*TWO[:1]) + by_record(TWO[1])[:-8] + bytes(8) + by_record(TWO[2]),
        "trailing-gz": by_record(*TWO) + b"not gzip at all",
        "revisit": TWO[1] + revisit(WARC_Refers_To_Target_URI="https://a.example/", WARC_Refers_To_Date="2026-01-02T03:04:05Z"),
        "revisit-id": TWO[1] + revisit(WARC_Refers_To="<urn:uuid:00000000-0000-0000-0000-000000000001>"),
        "revisit-digest": TWO[1] + revisit(),
        "revisit-unresolved": revisit(WARC_Refers_To_Target_URI="https://b.example/", WARC_Refers_To_Date="2020"),
        "revisit-other": TWO[1] + revisit(WARC_Refers_To_Target_URI="https://a.example/",
                                          WARC_Refers_To_Date="2026-01-02T03:04:05Z", WARC_Payload_Digest=sha1(b"x")),
        "segments": record("response", http(BODY), content_type="application/http", WARC_Segment_Number="1")
                    + record("continuation", b"more", WARC_Segment_Number="2", id=2),
        "twice": TWO[1] + TWO[1],
        "types": record("conversion", BODY) + record("metadata", b"via: x\r\n", id=2) + record("unheard", b"x", id=3)
                 + record("request", b"GET / HTTP/1.1\r\n\r\n", id=4),
        "dns": record("response", b"20260102 a.example. IN A 192.0.2.1\n", uri="dns:a.example", content_type="text/dns"),
        "empty-body": response(b"", "Location: https://a.example/2"),
        "infos": warcinfo() + warcinfo(b"software: other 2\r\n", id=901)
                 + record("resource", BODY, WARC_Warcinfo_ID="<urn:uuid:00000000-0000-0000-0000-000000000900>")
                 + record("resource", BODY, id=2),
        "hostile": record("resource", b"\x1b[31m\n", uri="https://a.example/\x1b]0;x\x07\u202e", WARC_X="\udcff" * 3),
        "nul": record("resource", BODY, uri="https://a.example/\0"),
        "long-head": record("resource", BODY, WARC_X="y" * 70000) + record("resource", BODY, id=2),
        "many-headers": record("resource", BODY, **{f"WARC_X{i}": "v" * 100 for i in range(400)}),
        "long-headers": record("resource", BODY, **{f"WARC_X{i}": "v" * 230 for i in range(250)}),
    }


def damaged(data):
    middle = len(data) // 2
    return data[:middle] + bytes(b ^ 0xff for b in data[middle:middle + 40]) + data[middle + 40:]
