#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Manual pages and completions: do they say what --help says, and do shells complete with them?

They are made from one table. So what is made is read here on its own and compared with what the program prints."""

import os
import re
import subprocess
from pathlib import Path

import support
from support import run

MANUAL = Path(os.environ["MANUAL"])


def commands():
    return re.findall(r"^  ([a-z-]+(?: [a-z]+)?) +[a-z]", run("--help").out.split("\noptions\n")[0], re.M)


def options_in_help(text):
    """The short and long forms in a part of --help, as they are typed."""
    found = set()
    for short, long in re.findall(r"^ {2}(?:(-\w), | {4})(--[a-z-]+)", text, re.M):
        found |= {long, short} - {""}
    return found


def options_of(command):
    """The command's own options, and those of all."""
    own, everybody = run(*command.split(), "--help").out.split("options of every command")
    return options_in_help(own), options_in_help(everybody)


def options_in_page(name):
    """What the page's lists of options have as heads."""
    found = set()
    for head in re.findall(r"^\.It (Fl .*)$", (MANUAL / name).read_text(), re.M):
        found |= {"-" + word.replace("\\-", "-").replace("\\&", "") for word in re.findall(r"Fl (\S+)", head)}
    return found


def page_of(command):
    return f"vidimus-{command.replace(' ', '-')}.1"


def shell(*words, **more):
    return subprocess.run(words, text=True, capture_output=True, timeout=60, check=False, **more)


class Pages(support.Case):
    def test_a_page_for_each_command(self):
        self.assertEqual(sorted(p.name for p in MANUAL.glob("*.1")),
                         sorted(["vidimus.1"] + [page_of(c) for c in commands()]))

    def test_lint(self):
        done = shell("mandoc", "-T", "lint", *sorted(p.name for p in MANUAL.glob("*.1")), cwd=MANUAL)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        done = shell("mandoc", "-T", "lint", "-W", "warning", "vidimus-formats.5", cwd=MANUAL)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_options(self):
        for c in commands():
            own, everybody = options_of(c)
            self.assertEqual(options_in_page(page_of(c)), own, c)
        self.assertEqual(options_in_page("vidimus.1"), everybody)

    def test_words(self):
        """Usage, every paragraph and every example of --help can be read in the page."""
        for c in commands():
            text = run(*c.split(), "--help").out
            page = plain(shell("mandoc", "-T", "utf8", "-O", "width=1000", page_of(c), cwd=MANUAL).stdout)
            for paragraph in text.split("\noptions")[0].split("\n\n")[1:]:
                for line in paragraph.splitlines()[1:] if paragraph.startswith("example") else [paragraph]:
                    words = plain(line).strip().removeprefix("usage: ").removeprefix("# ")
                    self.assertIn(squeezed(words), squeezed(page), c)

    def test_the_program_s_page(self):
        text = (MANUAL / "vidimus.1").read_text()
        self.assertEqual(re.findall(r"^\.It Cm (.*)$", text, re.M), commands())
        self.assertNotRegex(text, r"(?m)^@")
        for heading in ("ENVIRONMENT", "FILES", "EXIT STATUS", "DIAGNOSTICS", "STANDARDS", "CAVEATS"):
            self.assertIn(f".Sh {heading}\n", text)


def plain(text):
    """Without the bold and underlined of a terminal, and with plain quotes."""
    return re.sub(".\b", "", text).translate(str.maketrans("‘’“”–", "''\"\"-")).replace("`", "'")


def squeezed(text):
    """What is left when it does not matter how lines were filled, where a sentence begins, and what is quoted."""
    return re.sub(r"[\s'\[\]|]", "", text).lower()


BASH = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
IFS=$' \\t\\n' read -ra COMP_WORDS <<<"$3"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vidimus vidimus
printf '%s\\n' "${COMPREPLY[@]}"
"""


# Stands in for zsh's _arguments: as that does, it takes the words before the command away; then it asks for values.
ZSH = """
words=(vidimus -C a verify '')
asked=$2
_arguments() {
    words=(verify '')
    _vidimus_value $asked
}
compadd() { print -rl -- ${(P)2} }
_files() { print -r -- FILES }
fpath=(${1:h}) source $1
"""


class Completions(support.Case):
    def bash(self, line, **environment):
        """What bash would offer at the end of the line."""
        broken = re.sub(r"([@=:])", r" \1 ", line)
        done = shell("bash", "-c", BASH, "bash", str(MANUAL / "vidimus.bash"), line, broken, cwd=self.dir,
                     env={**os.environ, **environment})
        self.assertEqual(done.stderr, "", line)
        return sorted(word for word in done.stdout.split("\n") if word)

    def fish(self, line):
        done = shell("fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]',
                     str(MANUAL / "vidimus.fish"), line, cwd=self.dir,
                     env={**os.environ, "HOME": str(self.dir)})
        self.assertEqual(done.stderr, "", line)
        return sorted(word.split("\t")[0] for word in done.stdout.splitlines())

    def shells(self):
        return (self.bash, self.fish)

    def test_they_parse(self):
        for words in (["bash", "-n", "vidimus.bash"], ["zsh", "-n", "_vidimus"], ["fish", "-n", "vidimus.fish"]):
            done = shell(*words, cwd=MANUAL)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)

    def test_bash_options(self):
        for c in commands():
            own, everybody = options_of(c)
            self.assertEqual(set(self.bash(f"vidimus {c} -")), own | everybody, c)

    def test_zsh_options(self):
        text = (MANUAL / "_vidimus").read_text()
        for c in commands():
            part = text.split(f"        '{c}')\n")[1].split(";;")[0]
            self.assertEqual(set(re.findall(r"^ +'\*(--?[a-z-]+)[=+]?\[", part, re.M)), options_of(c)[0], c)
        part = text.split("    globals=(\n")[1].split("    )\n")[0]
        self.assertEqual(set(re.findall(r"^ +'\*(--?[A-Za-z-]+)[=+]?\[", part, re.M)), options_of("log")[1])

    def test_zsh_values(self):
        """The archive that stands before the command is known where a value is asked for."""
        a = self.archive(1)
        self.ok("-C", a, "trust", "add", a + "/keys/authority.pub")
        for kind, names in {"own-key": {support.SIGNER, "authority", "ledger"},
                            "trusted-key": {support.ORIGIN + "/authority", "FILES"}}.items():
            done = shell("zsh", "-f", "-c", ZSH, "zsh", str(MANUAL / "_vidimus"), kind, cwd=self.dir)
            self.assertEqual((set(done.stdout.split()), done.stderr), (names, ""), kind)
        # A space before an action: without, _arguments hands it words of its own.
        self.assertNotIn(":_vidimus", (MANUAL / "_vidimus").read_text())

    def test_fish_options(self):
        text = (MANUAL / "vidimus.fish").read_text()
        for c in commands():
            lines = re.findall(rf"^complete -c vidimus -n '__vidimus_is {c}' (.*)$", text, re.M)
            found = {"--" + name for line in lines for name in re.findall(r"^-l (\S+)", line)}
            found |= {"-" + name for line in lines for name in re.findall(r"^-l \S+ -s (\w)", line)}
            self.assertEqual(found, options_of(c)[0], c)

    def test_commands(self):
        first = sorted({c.split()[0] for c in commands()})
        second = sorted(c.split()[1] for c in commands() if " " in c)
        for complete in self.shells():
            self.assertEqual(complete("vidimus "), first)
            self.assertEqual(complete("vidimus -C a rein"), ["reindex"])
            self.assertEqual(complete("vidimus key "), second)
            self.assertEqual(complete("vidimus --json key ret"), ["retire"])
            self.assertEqual(complete("vidimus key new --role "), ["auditor", "ledger", "signer"])
            self.assertEqual(complete("vidimus log --limit "), [])

    def test_files(self):
        self.file("a table.csv", "x")
        (self.dir / "folder").mkdir()
        self.assertEqual(self.bash("vidimus import --metadata "), ["a table.csv", "folder"])
        self.assertEqual(self.bash("vidimus import --metadata=fol"), ["folder"])
        self.assertEqual(self.bash("vidimus import a"), ["a table.csv"])
        self.assertEqual(self.bash("vidimus -C "), ["folder"])
        self.assertEqual(self.fish("vidimus -C "), ["folder/"])
        self.assertEqual(self.fish("vidimus import fol"), ["folder/"])

    def test_keys_of_the_archive(self):
        a = self.archive(1)
        signer = next(p.stem for p in Path(a, "keys").glob("*@*.pub"))
        self.ok("-C", a, "trust", "add", a + "/keys/authority.pub")
        trusted = support.ORIGIN + "/authority"
        for complete in self.shells():
            self.assertIn(signer, complete("vidimus -C a key retire "))
            self.assertIn(signer, complete("vidimus -C a import x --signer "))
            self.assertIn(trusted, complete("vidimus -C a verify x.tar --trust "))
            self.assertIn("add", complete("vidimus -C a trust "))
        self.assertEqual(self.bash(f"vidimus key retire {signer[:3]}", VIDIMUS_ARCHIVE=a), [signer])
        self.assertEqual(self.bash(f"vidimus -C a bundle --signer={signer[:3]}"), [signer])
        user, host = signer.split("@")
        self.assertEqual(self.bash(f"vidimus -C a key retire {user}@{host[:2]}"), [host])


if __name__ == "__main__":
    support.main()
