# SPDX-License-Identifier: MIT
"""What is measured: for each job the way of vidimus, and those of the peers that a user would take instead.

A way is a function of the place where it works: it gives a command, which may leave files that later jobs
read. A command that is not installed is said, never passed over in silence.
"""

import os
import shutil


class Way:
    def __init__(self, name, command, needs=(), prepare=None, makes=None):
        self.name = name
        self.command = command  # of a Place: a list, or a text for the shell
        self.needs = needs
        self.makes = makes  # a file
        self.prepare = prepare  # of a Place: what must be there before, unmeasured

    def missing(self):
        for need in self.needs:
            if need == "BAGIT":
                if not os.path.exists(os.environ.get("BAGIT", "")):
                    return "BAGIT does not name bagit.py"
            elif not shutil.which(need):
                return f"{need} is not installed"
        return None


class Place:
    """A folder for one round; `corpus` is only read."""

    def __init__(self, path, corpus, vidimus, floor):
        self.path = path
        self.corpus = corpus
        self.vidimus = vidimus
        self.floor = floor  # what the machine can do at most (floor.c)

    def __truediv__(self, name):
        return os.path.join(self.path, name)


def archive(p, name="archive"):
    return [[p.vidimus, "init", p / name, "--origin", "bench.example/archive", "--signer", "bench@bench.example",
             "--no-passphrase"]]


BORG = "BORG_BASE_DIR={0}/borg-home BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes borg"
RESTIC = "RESTIC_PASSWORD=bench restic --no-cache -q -r {0}/restic"


def shell(text):
    return lambda p: text.format(p.path, p.corpus, os.environ.get("BAGIT", ""))


WITHOUT_TEXT = "vidimus --no-text"  # no peer looks at what a reader sees of a document

IMPORT = [
    Way("vidimus", lambda p: [p.vidimus, "-C", p / "archive", "import", p.corpus, "--no-progress"], prepare=archive),
    Way(WITHOUT_TEXT, lambda p: [p.vidimus, "-C", p / "plain", "import", p.corpus, "--no-progress", "--no-text"],
        prepare=lambda p: archive(p, "plain")),
    Way("floor: read, hash, sign, write", lambda p: [p.floor, "sign", p.corpus, p / "floor"]),
    Way("floor, and two rows of a database", lambda p: [p.floor, "keep", p.corpus, p / "floor-rows"]),
    Way("cp -r and sync", shell("cp -r {1} {0}/copy && sync -f {0}/copy")),
    Way("cp -r and bagit.py", shell("cp -r {1} {0}/bag && python3 {2} --sha256 --processes 2 --quiet {0}/bag"),
        needs=["BAGIT"]),
    Way("borg", shell(BORG + " create -C none {0}/borg::1 {1}"), needs=["borg"],
        prepare=lambda p: [shell("mkdir {0}/borg-home && " + BORG + " init -e none {0}/borg")(p)]),
    Way("restic", shell(RESTIC + " backup {1}"), needs=["restic"], prepare=lambda p: [shell(RESTIC + " init")(p)]),
    Way("ostree", shell("ostree --repo={0}/ostree commit -b bench {1}"), needs=["ostree"],
        prepare=lambda p: [shell("ostree --repo={0}/ostree init --mode=bare-user-only")(p)]),
]

# Few large files are not left to one process.
OPENSSL = shell("find {1} -type f -print0 | xargs -0 -P2 -n $(($(find {1} -type f -size -8192k | wc -l) > 8 ? 500 : 1)) "
                "openssl dgst -sha256 >/dev/null")

AGAIN = [
    Way("vidimus", lambda p: [p.vidimus, "-C", p / "archive", "verify", "--since", p / "checked"],
        prepare=lambda p: [[p.vidimus, "-C", p / "archive", "verify", "--since", p / "checked"]]),
    Way("floor: read, hash", lambda p: [p.floor, "hash", p.corpus]),
    Way("sha256sum -c", shell("sha256sum -c --quiet {0}/sums")),
    Way("xargs -P2 openssl dgst", OPENSSL),
]

# What was just imported is not in the page cache: what is large is written behind and let go.
WARM = "find {0}/archive/store -type f -exec cat {{}} + >/dev/null"

VERIFY = [
    Way("vidimus", lambda p: [p.vidimus, "-C", p / "archive", "verify"], prepare=lambda p: [shell(WARM)(p)]),
    Way("floor: read, hash, check a signature", lambda p: [p.floor, "check", p.corpus, p / "floor"]),
    Way("sha256sum -c", shell("sha256sum -c --quiet {0}/sums"),
        prepare=lambda p: [shell("find {1} -type f -print0 | xargs -0 sha256sum >{0}/sums")(p)]),
    Way("xargs -P2 openssl dgst", OPENSSL),
    Way("bagit.py --validate", shell("python3 {2} --validate --processes 2 --quiet {0}/bag"), needs=["BAGIT"]),
    Way("borg check", shell(BORG + " check --verify-data {0}/borg"), needs=["borg"]),
    Way("restic check", shell(RESTIC + " check --read-data"), needs=["restic"]),
    Way("ostree fsck", shell("ostree --repo={0}/ostree fsck -q"), needs=["ostree"]),
]

BUNDLE = [
    Way("vidimus", lambda p: [p.vidimus, "-C", p / "archive", "bundle", "--all", "-o", p / "bundle.tar"],
        makes="bundle.tar"),
    Way("tar", shell("tar -cf {0}/tar.tar -C {1} ."), makes="tar.tar"),
    Way("bsdtar", shell("bsdtar -cf {0}/bsdtar.tar -C {1} ."), needs=["bsdtar"], makes="bsdtar.tar"),
]

PACKED = [
    Way("vidimus", lambda p: [p.vidimus, "-C", p / "archive", "bundle", "--all", "-o", p / "bundle.tar.zst"],
        makes="bundle.tar.zst"),
    Way("tar | zstd -T2", shell("tar -cf - -C {1} . | zstd -q -3 -T2 -o {0}/tar.tar.zst"), needs=["zstd"],
        makes="tar.tar.zst"),
]

CHECK = [
    Way("vidimus", lambda p: [p.vidimus, "verify", p / "bundle.tar", "--trust", p / "archive/keys/authority.pub"]),
    Way("vidimus verify, the archive", lambda p: [p.vidimus, "-C", p / "archive", "verify"]),
]

START = [
    Way("vidimus log --limit 1", lambda p: [p.vidimus, "-C", p / "archive", "log", "--limit", "1"]),
    Way("vidimus prove", lambda p: [p.vidimus, "-C", p / "archive", "prove", "2", "-o", "-"]),
    Way("vidimus --help: the libraries", lambda p: [p.vidimus, "--help"]),
    Way("true", lambda p: ["true"]),
]

JOBS = {
    "import": IMPORT,
    "verify": VERIFY,
    "verify again": AGAIN,  # reads what `verify` leaves
    "bundle": BUNDLE,
    "bundle.zst": PACKED,
    "verify bundle": CHECK,
    "start": START,
}
