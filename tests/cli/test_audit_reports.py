#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reports of audits, each read by a parser that is not ours or by the published rules of its form."""

import csv
import html.parser
import io
import json
import os
import pathlib
import re
import time
import xml.etree.ElementTree as ElementTree

import support
import test_audit

PREMIS = "{http://www.loc.gov/premis/v3}"
# PREMIS 3.0: the children of each element, in the order of its schema; those marked may repeat.
ORDER = {
    "premis": ["object*", "event*", "agent*", "rights*"],
    "object": ["objectIdentifier*"],
    "objectIdentifier": ["objectIdentifierType", "objectIdentifierValue"],
    "event": ["eventIdentifier", "eventType", "eventDateTime", "eventDetailInformation*", "eventOutcomeInformation*",
              "linkingAgentIdentifier*", "linkingObjectIdentifier*"],
    "eventIdentifier": ["eventIdentifierType", "eventIdentifierValue"],
    "eventDetailInformation": ["eventDetail"],
    "eventOutcomeInformation": ["eventOutcome", "eventOutcomeDetail*"],
    "eventOutcomeDetail": ["eventOutcomeDetailNote"],
    "linkingAgentIdentifier": ["linkingAgentIdentifierType", "linkingAgentIdentifierValue", "linkingAgentRole*"],
    "linkingObjectIdentifier": ["linkingObjectIdentifierType", "linkingObjectIdentifierValue", "linkingObjectRole*"],
    "agent": ["agentIdentifier*", "agentName*", "agentType"],
    "agentIdentifier": ["agentIdentifierType", "agentIdentifierValue"],
}
# Prometheus' text format: a comment, or a sample with labels and a value.
COMMENT = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{([a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"'
                    r'(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*)\} (-?[0-9.]+)')
# The plug-in guidelines of Nagios: 'label'=value[UOM];[warn];[crit];[min];[max]
FIGURE = re.compile(r"([^'=\s]+)=(-?[0-9.]+)(s|us|ms|%|B|KB|MB|TB|c)?(;[0-9.:~@]*){0,4}")


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.problems = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href") or name.startswith("on") or "http" in (value or ""):
                self.problems.append((tag, name, value))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(("end", tag))


class Reports(test_audit.AuditCase):
    def setUp(self):
        super().setUp()
        self.a = self.archive()
        self.audit(self.a, "--max-bytes", "4000")
        self.rot(self.path_of(self.a, 5))
        self.path_of(self.a, 9).unlink()
        self.audit(self.a, code=1)

    def report(self, form, *args, code=0):
        r = support.run("-C", self.a, "audit", "--history", "--format", form, *args)
        self.assertEqual((r.code, r.err), (code, ""), str(r))
        return r.out

    def repair(self):
        source = str(self.dir / "source")
        self.ok("init", source, "--origin", "other.example", "--signer", "x", "--no-passphrase")
        self.ok("-C", source, "import", str(self.shared / "src"), "-q")
        self.audit(self.a, "--repair-from", source, code=1)

    def test_premis(self):
        root = ElementTree.fromstring(self.report("premis"))
        self.assertEqual(root.tag, PREMIS + "premis")
        self.assertEqual(root.get("version"), "3.0")
        self.check_order(root)
        events = root.findall(PREMIS + "event")
        outcomes = [[o.find(PREMIS + "eventOutcome").text for o in e.findall(PREMIS + "eventOutcomeInformation")]
                    for e in events]
        self.assertEqual(outcomes, [["pass"], ["fail", "fail", "fail"]])
        self.assertEqual({e.find(PREMIS + "eventType").text for e in events}, {"fixity check"})
        agents = {tuple(v.text for v in a.find(PREMIS + "agentIdentifier")) for a in root.findall(PREMIS + "agent")}
        for event in events:
            for link in event.findall(PREMIS + "linkingAgentIdentifier"):
                self.assertIn(tuple(v.text for v in link)[:2], agents, "each agent is told of")

    def check_order(self, element):
        name = element.tag.removeprefix(PREMIS)
        children = [child.tag.removeprefix(PREMIS) for child in element]
        if name not in ORDER:
            self.assertEqual(children, [], name)
            self.assertTrue(element.text.strip(), name)
            return
        pattern = "".join(f"(?:{part[:-1]} )*" if part.endswith("*") else f"{part} " for part in ORDER[name])
        self.assertRegex("".join(child + " " for child in children), f"^{pattern}$", name)
        for child in element:
            self.check_order(child)

    def test_prometheus(self):
        text = self.report("prometheus")
        self.assertTrue(text.endswith("\n"))
        typed, values = {}, {}
        for line in text.splitlines():
            comment, sample = COMMENT.fullmatch(line), SAMPLE.fullmatch(line)
            self.assertTrue(comment or sample, line)
            if comment:
                if comment[1] == "TYPE":
                    self.assertIn(comment[3], ("gauge", "counter"))
                    self.assertNotIn(comment[2], typed, "one TYPE a name")
                    typed[comment[2]] = comment[3]
                continue
            self.assertIn(sample[1], typed, "its TYPE comes first")
            self.assertNotIn((sample[1], sample[2]), values, "each sample once")
            self.assertEqual(sample[1].endswith("_total"), typed[sample[1]] == "counter")
            values[(sample[1], sample[2])] = float(sample[3])
        ledger = f'ledger="{support.ORIGIN}"'
        self.assertEqual(values[("vidimus_findings", ledger + ',kind="document-corrupt"')], 1)
        self.assertEqual(values[("vidimus_findings", ledger + ',kind="document-missing"')], 1)
        self.assertEqual(values[("vidimus_captures", ledger)], self.DOCUMENTS)
        self.assertEqual(values[("vidimus_audits_total", ledger)], 2)

    def check_nagios(self, text, word):
        first, *rest = text.splitlines()
        self.assertRegex(first, rf"^VIDIMUS {word} - [^|]+ \| [^|]+$")
        for figure in first.split(" | ")[1].split(" "):
            self.assertRegex(figure, rf"^{FIGURE.pattern}$")
        self.assertFalse([line for line in rest if "|" in line])

    def test_nagios(self):
        self.check_nagios(self.report("nagios", code=2), "CRITICAL")
        self.repair()
        self.check_nagios(self.report("nagios"), "OK")
        late = support.run("-C", self.a, "audit", "--overdue", "1s", "--format", "nagios", LD_PRELOAD=test_audit.os.environ[
            "FAKE_CLOCK"], FAKE_TIME="4000000000", ASAN_OPTIONS="verify_asan_link_order=0")
        self.assertEqual(late.code, 1)
        self.check_nagios(late.out, "WARNING")

    def never_audited(self, time, form, code):
        r = support.run("-C", self.archive(name=f"never-{form}-{code}"), "audit", "--overdue", "30d", "--format", form,
                        LD_PRELOAD=test_audit.os.environ["FAKE_CLOCK"], FAKE_TIME=str(time),
                        ASAN_OPTIONS="verify_asan_link_order=0")
        self.assertEqual(r.code, code, str(r))
        return r.out

    def test_no_audit_yet(self):
        soon = int(time.time()) + 29 * 86400
        out = self.never_audited(soon, "nagios", 0)
        self.check_nagios(out, "OK")
        self.assertIn("no audit yet; nothing is older than 30 days", out)
        self.assertIn("no audit yet; nothing is older than 30 days", self.never_audited(soon, "text", 0))
        out = self.never_audited(soon + 2 * 86400, "nagios", 1)
        self.check_nagios(out, "WARNING")
        self.assertIn(f"{self.DOCUMENTS} captures not looked at in 30 days; no audit yet |", out)

    def test_the_term_as_it_was_given(self):
        self.repair()
        for term, words in (("1s", "1 second"), ("90m", "90 minutes"), ("36h", "36 hours"), ("2w", "14 days")):
            r = support.run("-C", self.a, "audit", "--overdue", term, LD_PRELOAD=test_audit.os.environ["FAKE_CLOCK"],
                            FAKE_TIME="4000000000", ASAN_OPTIONS="verify_asan_link_order=0")
            self.assertIn(f"not looked at in {words}\n", r.out)

    def test_one_finding_stands(self):
        a = self.archive(name="one")
        self.rot(self.path_of(a, 5))
        self.audit(a, code=1)
        r = support.run("-C", a, "audit", "--history", "--format", "nagios")
        self.assertIn("- 1 finding stands, first document-corrupt; last audit", r.out)

    def test_nagios_after_an_audit(self):
        r = support.run("-C", self.a, "audit", "--format", "nagios")
        self.assertEqual(r.code, 2, str(r))
        self.check_nagios(r.out, "CRITICAL")

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.report("csv"), newline="")))
        self.assertEqual([(r["audit"], r["finding"], r["entry"], r["state"]) for r in rows],
                         [("43", "", "", ""), ("44", "document-corrupt", "5", "open"), ("44", "document-missing", "9", "open")])
        self.assertTrue(all(None not in r and None not in r.values() for r in rows))

    def test_json_and_text(self):
        story = json.loads(self.report("json"))
        self.assertEqual([f["entry"] for f in story["findings"]], [5, 9])
        self.assertEqual(story["audits"][0]["covered"], "0-16")
        text = self.report("text")
        self.assertIn("findings that stand: 2", text)
        self.repair()
        self.assertIn("findings that stand: 0", self.report("text"))
        self.assertTrue(json.loads(self.report("json"))["ok"])

    def test_page(self):
        out = self.dir / "page.html"
        for _ in range(2):
            self.ok("-C", self.a, "audit", "--history", "--format", "html", "-o", str(out))
        text = out.read_text()
        page = Page()
        page.feed(text)
        self.assertEqual((page.open, page.problems), ([], []))
        self.assertNotIn("script", page.tags)
        self.assertEqual(page.tags.count("svg"), 2)
        self.assertIn("NEEDS ATTENTION", text)
        self.assertNotIn("url(http", text)

    def test_a_file_is_replaced_as_a_whole(self):
        out = pathlib.Path(self.file("x.prom", "old\n"))
        self.report("prometheus", "-o", str(out))
        self.assertTrue(out.read_text().startswith("# HELP"))
        self.expect(3, "-C", self.a, "audit", "--history", "--format", "csv", "-o", str(self.dir / "no/such"))

    def test_where_a_report_goes(self):
        """It takes the place of an older one, and of nothing else that counts."""
        a = self.archive(name="b")
        out = str(self.dir / "report.html")
        for _ in range(2):
            self.ok("-C", a, "audit", "--history", "--format", "html", "-o", out)
        self.assertIn("<html", pathlib.Path(out).read_text())
        before = {p: p.read_bytes() for p in pathlib.Path(a).rglob("*") if p.is_file()}
        os.mkfifo(self.dir / "fifo")
        os.symlink(a + "/store", self.dir / "link")
        for path in (a + "/store/ledger.db", a + "/keys/ledger.key", a + "/store/packs/000000.tar", a + "/keys/new.html",
                     str(self.dir / "link" / "ledger.db"), str(self.dir / "fifo")):
            r = self.expect(3, "-C", a, "audit", "--history", "--format", "html", "-o", path)
            self.assertIn("-o " + path, r.err)
        self.assertEqual({p: p.read_bytes() for p in pathlib.Path(a).rglob("*") if p.is_file()}, before)
        self.assertTrue((self.dir / "fifo").is_fifo())


if __name__ == "__main__":
    support.main()
