#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the documents name what is there, and all of it?

usage: check_docs.py [ROOT]         prints each fault; exit status 1 if there is one
       check_docs.py --self-test    plants each kind of fault in a copy and sees it found

- Every path of this tree that a document names in backticks, or links to, exists.
- Every kind of finding and notice of src/ops/report.c, and every verdict, stands in docs/FORMATS.md and docs/vidimus.1.in.
- Every record field of src/format/record.c and every table of src/ledger/schema.c stands in docs/FORMATS.md.
"""
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "src/README.md", "keys/README.md",
             "store/README.md", "samples/README.md"]
# What an archive fills at run time (keys/, store/) and what a bundle holds (vidimus/, data/) is not of this tree.
OURS = re.compile(r"(?:\.ci|cmake|completions|docs|samples|scripts|src|tests)/[\w./*-]*\w|"
                  r"[A-Z][A-Za-z]+\.(?:md|txt|json)|LICENSE|\.clang-format|\.editorconfig")
NOT_OURS = {"INDEX.txt", "VERIFY.txt"}


def read(root, name):
    return (root / name).read_text(encoding="utf-8")


def documents(root):
    return sorted(path for pattern in DOCUMENTS for path in root.glob(pattern))


def without_blocks(text):
    return re.sub(r"^(```.*?^```)", "", text, flags=re.S | re.M)


def named_paths(text):
    for words in re.findall(r"`([^`\n]+)`", without_blocks(text)):
        for word in words.split():
            word = word.rstrip(":,;").removesuffix("/")
            if OURS.fullmatch(word) and word not in NOT_OURS:
                yield word


def linked_paths(text):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", target):
            yield target


def check_paths(root):
    for document in documents(root):
        name, text = document.relative_to(root), document.read_text(encoding="utf-8")
        for path in named_paths(text):
            if not any(root.glob(path)):
                yield f"{name}: `{path}` is not there"
        for path in linked_paths(text):
            if not (document.parent / path).exists():
                yield f"{name}: the link to {path} leads nowhere"


def missing(words, text, where, what):
    """Words that do not stand in the text as words of their own."""
    if not words:
        yield f"no {what} was found in the source: this check has lost its way"
    for word in words:
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
            yield f"{where}: the {what} {word} is not named"


def man_page(root):
    """As a reader sees it: a hyphen is written \\- in places, and macros stand at the front of lines."""
    return read(root, "docs/vidimus.1.in").replace("\\-", "-")


def check_findings(root):
    report = read(root, "src/ops/report.c")
    kinds = re.findall(r'\[VDM_\w+\] = "([a-z-]+)"', report)
    verdicts = re.findall(r'"([A-Z][A-Z, ]{4,})"', report)
    for where, text in (("docs/FORMATS.md", read(root, "docs/FORMATS.md")), ("docs/vidimus.1.in", man_page(root))):
        yield from missing(kinds, text, where, "kind")
        yield from missing(verdicts, text, where, "verdict")


def check_formats(root):
    formats = read(root, "docs/FORMATS.md")
    fields = re.findall(r'\[VDM_FIELD_\w+\] = \{NAME\("([a-z-]+)"', read(root, "src/format/record.c"))
    lines = "\n".join(re.findall(r"^    ([a-z-]+) ", formats, re.M))
    yield from missing(fields, lines, "docs/FORMATS.md", "record field")
    tables = re.findall(r'"CREATE TABLE (\w+)', read(root, "src/ledger/schema.c").split("vdm_catalog_schema")[0])
    yield from missing(tables, formats, "docs/FORMATS.md", "table")


CHECKS = [check_paths, check_findings, check_formats]


def check(root):
    return [fault for one in CHECKS for fault in one(root)]


# File, what is replaced in it, by what, and a part of the fault that must be told.
PLANTS = [
    ("docs/ARCHITECTURE.md", "`src/base/limits.h`", "`src/base/limit.h`", "src/base/limit.h"),
    ("docs/THREATS.md", "`tests/unit/keys/test_guard.c`", "`tests/unit/keys/test_gard.c`", "test_gard.c"),
    ("src/README.md", "`docs/ARCHITECTURE.md`", "[it](../docs/NOWHERE.md)", "NOWHERE.md"),
    ("docs/FORMATS.md", "`leaf-mismatch`", "`leaf-other`", "kind leaf-mismatch"),
    ("docs/FORMATS.md", "`evidence-not-checked`", "`evidence`", "kind evidence-not-checked"),
    ("docs/FORMATS.md", "`INCOMPLETE`", "`INCOMPLET`", "verdict INCOMPLETE"),
    ("docs/vidimus.1.in", "quorum-unmet", "quorum", "kind quorum-unmet"),
    ("docs/FORMATS.md", "    issued-as-written ", "    as-written ", "record field issued-as-written"),
    ("src/ops/report.c", '"forked"', '"new-finding"', "kind new-finding"),
    ("src/ops/report.c", "[VDM_", "[XDM_", "lost its way"),
]


def copy_of(root, folder):
    copy = Path(folder) / "tree"
    ignore = shutil.ignore_patterns("build*", ".git", "__pycache__", "malformed")
    shutil.copytree(root, copy, ignore=ignore)
    (copy / "tests/vectors/malformed").mkdir(exist_ok=True)
    (copy / "tests/vectors/malformed/index.json").touch()
    return copy


def self_test():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of(ROOT, folder)
        before = set(check(copy))
        for name, old, new, told in PLANTS:
            path = copy / name
            original = path.read_text(encoding="utf-8")
            path.write_text(original.replace(old, new), encoding="utf-8")
            if old not in original or not any(told in fault for fault in set(check(copy)) - before):
                print(f"self-test: {name}: {old} -> {new}: not found", file=sys.stderr)
                failed += 1
            path.write_text(original, encoding="utf-8")
    print(f"self-test: {len(PLANTS)} faults planted, {len(PLANTS) - failed} found")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(1 if self_test() else 0)
    faults = check(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
