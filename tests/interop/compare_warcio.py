#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `import` takes out of WARCs, beside what warcio.js reads in them: URIs, dates, payloads, stated digests.

usage: npm install --prefix FOLDER warcio
       VIDIMUS=<program> compare_warcio.py FOLDER FILE.warc...

It needs node and a package from a registry, so it is no part of the suite. Differences that have a reason are told with it;
exit status 1 if there is one without.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VIDIMUS = os.environ["VIDIMUS"]
READER = """
import {WARCParser} from 'warcio'; import fs from 'fs';
for (const f of process.argv.slice(2)) {
  const found = [];
  try {
    for await (const r of new WARCParser(fs.createReadStream(f)))
      if (['response', 'resource', 'conversion', 'revisit'].includes(r.warcType)) {
        const payload = await r.readFully(false);
        found.push({type: r.warcType, uri: r.warcTargetURI, date: r.warcDate, digest: r.warcPayloadDigest || null,
                    chunked: (r.httpHeaders?.headers.get('transfer-encoding') || '') === 'chunked',
                    payload: Buffer.from(payload).toString('base64')});
      }
  } catch (e) { found.push({error: String(e)}); }
  console.log(JSON.stringify(found));
}
"""


def unchunked(body):
    """Without its chunks, or as it is where it is in none."""
    out, rest = b"", body
    try:
        while True:
            line, rest = rest.split(b"\r\n", 1)
            size = int(line.split(b";")[0], 16)
            if size == 0:
                return out
            out, rest = out + rest[:size], rest[size + 2:]
    except ValueError:
        return body


def theirs(folder, files):
    script = Path(folder) / "read_warcs.mjs"
    script.write_text(READER)
    out = subprocess.run(["node", script, *files], stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"[")]


def ours(file):
    """The captures in it, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        a = str(Path(folder) / "a")
        run = lambda *words: subprocess.run([VIDIMUS, "-C", a, *words], capture_output=True, check=False).stdout
        run("init", a, "--origin", "compare.example/log", "--signer", "a@compare.example", "--no-passphrase")
        run("import", "--warc", "records", file)
        return [json.loads(line) for line in reversed(run("log", "--json").splitlines())]


def stated(record):
    return next((h.split(": ", 1)[1] for h in record.get("header", ()) if h.startswith("WARC-Payload-Digest: ")), None)


def compare(mine, yours):
    """Why they differ: a list of words, '' at the front of those without a reason."""
    why = []
    record, payload = mine["record"], base64.b64decode(yours["payload"])
    if record.get("source") != yours["uri"]:
        why.append(f"!source {record.get('source')} / {yours['uri']}")
    if record.get("captured") != yours["date"]:
        why.append(f"!date {record.get('captured')} / {yours['date']}")
    if stated(record) != yours["digest"]:
        why.append(f"!digest {stated(record)} / {yours['digest']}")
    digest = mine["document"][7:]
    if yours["type"] == "revisit":
        why.append("revisit: warcio gives no payload, here it is the document that it repeats, or the record")
    elif hashlib.sha256(payload).hexdigest() == digest:
        pass
    elif yours["chunked"] and hashlib.sha256(unchunked(payload)).hexdigest() == digest:
        why.append("chunked: warcio gives the chunks, here they are removed")
    else:
        why.append(f"!payload {mine['size']} bytes / {len(payload)} bytes")
    return why


def main():
    folder, *files = sys.argv[1:]
    bad = 0
    for file, read in zip(files, theirs(folder, files)):
        mine = ours(file)
        print(f"{Path(file).name}: {len(mine)} captures, warcio {len(read)}")
        bad += len(mine) != len(read)
        for m, y in zip(mine, read):
            why = ["!" + y["error"]] if "error" in y else compare(m, y)
            bad += any(w.startswith("!") for w in why)
            print(f"  {m['record'].get('source', '-')}  {m['size']} bytes  {'; '.join(why) or 'the same'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
