#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What each folder of src/ may include and call: the layer table of docs/ARCHITECTURE.md, enforced.

usage: check_layers.py [SRC]         prints each offending line; exit status 1 if there is one
       check_layers.py --self-test   plants each kind of violation in a copy and sees it found
"""

import pathlib
import re
import sys
import tempfile

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"

LOW = {"base", "crypto"}
SANDBOX = {"base", "sandbox"}
LAYER_2_USES = LOW | {"format", "tlog"}
MAY_INCLUDE = {
    "base": {"base"},
    "sandbox": SANDBOX,
    "crypto": LOW,
    "words": {"base", "words"},
    "dates": {"base", "words", "dates"},
    "format": LOW | {"format"},
    "tlog": LOW | {"tlog"},
    "keys": LAYER_2_USES | {"keys"},
    "capture": LAYER_2_USES | {"capture", "sandbox", "words"},
    "store": LAYER_2_USES | {"store"},
    "ledger": LAYER_2_USES | {"ledger", "words"},
    "bundle": LAYER_2_USES | {"bundle"},
    "ops": LAYER_2_USES | {"sandbox", "words", "dates", "keys", "capture", "store", "ledger", "bundle", "ops"},
    "cli": {"cli", "ops"} | SANDBOX,
}

# A library's header, and the folders that own the library.
THIRD_PARTY = [
    (r"sqlite3(ext)?\.h", {"ledger"}),
    (r"sodium(/.*)?\.h", {"crypto"}),
    (r"openssl/.*", {"crypto"}),
    (r"archive(_entry)?\.h", {"capture"}),
    (r"(zlib|zstd|zstd_errors)\.h", {"bundle", "capture"}),
    (r"(magic\.h|libxml/.*)", {"capture"}),
    (r"unicode/.*", {"words", "dates"}),
    (r"(seccomp|linux/(seccomp|landlock|capability)|sys/(prctl|wait))\.h", {"sandbox"}),
    (r"jansson\.h", {"capture", "cli"}),
]

# A call, where it may stand (a folder, or a file), and why.
CALLS = [
    (r"(?<!\w)(printf|puts|putchar|perror|vprintf)\s*\(", {"cli"}, "only cli prints"),
    (r"\b(stdout|stderr|STDOUT_FILENO|STDERR_FILENO)\b", {"cli"}, "only cli prints"),
    (r"\b(fopen|freopen)\s*\(", {"cli"}, "files are opened through base/file.h or a descriptor"),
    (r"/dev/tty", {"keys/passphrase.c"}, "only a passphrase is asked for on the terminal"),
    # A worker's end is not the program's.
    (r"(?<!\w)(exit|_exit|_Exit|quick_exit)\s*\(", {"cli", "sandbox/worker.c"},
     "only cli ends the program"),
    (r"(?<!\w)(v?fork|clone|posix_spawnp?|exec[lv]\w*|system|popen|kill)\s*\(", {"sandbox/worker.c", "sandbox/command.c"},
     "only a worker, or a command of the user's, is another process"),
    # Random bytes that are none must not be signed with: no way to go on.
    (r"(?<!\w)abort\s*\(", {"cli", "crypto/crypto.c"}, "only cli ends the program"),
    (r"(?<!\w)(time|clock|clock_gettime|gettimeofday|timespec_get)\s*\(", {"base/time.c"},
     "only base/time.c reads the clock"),
    (r"(?<!\w)(rename|renameat|renameat2|fsync|fdatasync|syncfs|sync_file_range)\s*\(",
     {"base/file.c"}, "only base/file.c renames and syncs"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_comments(text, strings_too):
    """The same lines, with comments (and the inside of strings) blanked out."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'" and not strings_too:
            return found
        return re.sub(r"[^\n]", " ", found)
    return COMMENT_OR_STRING.sub(blank, text)


def check_include(folder, ours, theirs):
    if ours:
        target = ours.split("/")[0]
        if "/" not in ours:
            return "an include names its folder"
        if target not in MAY_INCLUDE[folder]:
            return f"{folder} may not include {target}"
        return None
    for header, folders in THIRD_PARTY:
        if re.fullmatch(header, theirs) and folder not in folders:
            return f"<{theirs}> belongs to {' and '.join(sorted(folders))}"
    return None


def check_file(src, path):
    name = path.relative_to(src).as_posix()
    folder = name.split("/")[0]
    if folder not in MAY_INCLUDE:
        return [(name, 1, "a folder that is not in the layer table")]
    text = path.read_text(encoding="utf-8")
    found = []
    with_strings = without_comments(text, False).split("\n")
    for number, line in enumerate(with_strings, 1):
        include = INCLUDE.match(line)
        problem = check_include(folder, *include.groups()) if include else None
        if problem:
            found.append((name, number, problem))
    bare = without_comments(text, True).split("\n")
    for number, line in enumerate(bare, 1):
        for pattern, allowed, why in CALLS:
            where = with_strings[number - 1] if pattern.startswith("/") else line
            if not allowed & {folder, name} and re.search(pattern, where):
                found.append((name, number, why))
    return found


def check(src):
    found = []
    for path in sorted(src.rglob("*.[ch]")):
        found += check_file(src, path)
    return found


PLANTS = [
    ("base/err.c", '#include "crypto/crypto.h"'),
    ("crypto/crypto.c", '#include "format/note.h"'),
    ("format/note.c", '#include "tlog/tree.h"'),
    ("tlog/tree.c", '#include "format/note.h"'),
    ("words/words.c", '#include "dates/names.h"'),
    ("keys/pub.c", '#include "store/store.h"'),
    ("store/store.c", '#include "ledger/ledger.h"'),
    ("ledger/db.c", '#include "ops/report.h"'),
    ("ops/import.c", '#include "cli/out.h"'),
    ("cli/out.c", '#include "ledger/ledger.h"'),
    ("ops/import.c", "#include <sqlite3.h>"),
    ("keys/pub.c", "#include <sodium.h>"),
    ("format/note.c", "#  include <openssl/sha.h>"),
    ("ops/bundle.c", "#include <archive.h>"),
    ("bundle/tar.c", "#include <archive_entry.h>"),
    ("ops/import.c", "#include <zlib.h>"),
    ("store/store.c", "#include <zstd.h>"),
    ("ops/import.c", "#include <magic.h>"),
    ("ops/page_text.c", "#include <libxml/HTMLparser.h>"),
    ("ops/import.c", "#include <jansson.h>"),
    ("ops/import.c", 'void f(void) { printf("x"); }'),
    ("store/store.c", 'void f(void) { fprintf(stderr, "x"); }'),
    ("capture/walk.c", 'void f(void) { fopen("x", "r"); }'),
    ("ledger/db.c", "void f(void) { exit(1); }"),
    ("ops/import.c", "void f(void) { _exit(1); }"),
    ("ops/import.c", "long f(void) { return time(NULL); }"),
    ("keys/guard.c", 'int f(void) { return rename("a", "b"); }'),
    ("store/store_folder.c", "int f(void) { return fsync(1); }"),
    ("capture/source.c", 'char *f(void) { return "/dev/tty"; }'),
    ("ops/import.c", "#include <seccomp.h>"),
    ("crypto/crypto.c", '#include "sandbox/worker.h"'),
    ("ops/import.c", "int f(void) { return fork(); }"),
    ("sandbox/calls.c", "int f(void) { return posix_spawn(0, 0, 0, 0, 0, 0); }"),
    ("cli/progress.c", "int f(void) { return system(0); }"),
    ("sandbox/confine.c", "void f(void) { _exit(1); }"),
    ("evil/evil.c", "int f(void);"),
    ("base/err.c", '#include "err.h"'),
]
ALLOWED = [
    ("ops/import.c", "/* printf(x); exit(1); time(NULL); */ // stderr"),
    ("ops/import.c", 'const char *f(void) { return "printf(x) exit(1) stderr"; }'),
    ("ops/import.c", "int my_exit(int); int f(void) { return my_exit(1); }"),
    ("ops/import.c", "int vdm_time(int); int f(void) { return vdm_time(1); }"),
    ("cli/main.c", "#include <jansson.h>"),
]


def found_with(folder, name, line):
    """How many more lines of a file are found once `line` is planted at its end."""
    copy = pathlib.Path(folder) / name
    copy.parent.mkdir(exist_ok=True)
    original = SRC / name
    text = original.read_text(encoding="utf-8") if original.exists() else ""
    copy.write_text(text, encoding="utf-8")
    before = len(check(pathlib.Path(folder))) if text else 0
    copy.write_text(text + "\n" + line + "\n", encoding="utf-8")
    more = len(check(pathlib.Path(folder))) - before
    copy.unlink()
    return more


def self_test():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, line in PLANTS + ALLOWED:
            more = found_with(folder, name, line)
            if (more > 0) != ((name, line) in PLANTS):
                print(f"self-test: {name}: {line}: {more} found", file=sys.stderr)
                failed += 1
    if not failed:
        print(f"self-test: {len(PLANTS)} violations planted and found, {len(ALLOWED)} lines let through")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(1 if self_test() else 0)
    src = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SRC
    found = check(src)
    for name, number, problem in found:
        print(f"src/{name}:{number}: {problem}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
