# SPDX-License-Identifier: MIT
"""The text of a document and its fingerprint, written from docs/FORMATS.md ("Text fingerprint") with nothing but the
standard library. Its parser of HTML is that of Python, which does not repair pages as the HTML standard has it: for pages
whose tags are closed and nested.
"""
import hashlib
import html.parser
import re
import unicodedata

LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
SPACES = "\t \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
NOTHING = "\xad\u200b\u2060\ufeff"
UNSEEN = set("title script style template noscript noframes noembed iframe object audio video canvas svg select "
             "datalist".split())
BLOCKS = set("address article aside blockquote body br caption center dd details dir div dl dt fieldset figcaption figure "
             "footer form h1 h2 h3 h4 h5 h6 header hr legend li listing main menu nav ol p plaintext pre section summary "
             "table tbody textarea tfoot thead tr ul xmp".split())
CELLS = {"td", "th"}
KEEPS_LINES = set("pre textarea listing plaintext xmp".split())
VOID = set("area base br col embed hr img input link meta param source track wbr".split())
WESTERN = set("windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 latin1 l1 us-ascii ascii".split())


def one_form(text):
    text = "".join(c for c in text if c not in NOTHING)
    lines = re.split(f"[{LINE_ENDS}]", text)
    lines = [" ".join(re.split(f"[{SPACES}]+", line)).strip(" ") for line in lines]
    return unicodedata.normalize("NFC", "".join(line + "\n" for line in lines if line))


def windows_1252(data):
    def one(byte):
        try:
            return bytes([byte]).decode("cp1252")
        except UnicodeDecodeError:
            return chr(byte)
    return "".join(map(one, data))


def named_encoding(page):
    for tag in re.findall(rb"(?is)<meta[^>]*", page[:1024]):
        match = re.search(rb"(?is)charset[ \t\n\f\r]*=[ \t\n\f\r\"']*([^ \t\n\f\r\"';/>]*)", tag)
        if match and match.group(1):
            return match.group(1).decode("latin-1").lower()
    return None


def characters(data, encoding=None):
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            data, encoding = data[len(mark):], name
            if name != "utf-8":
                return data.decode(name, "replace")
            break
    if encoding in WESTERN:
        return windows_1252(data)
    if encoding and encoding not in ("utf-8", "utf8") and not encoding.startswith("utf-16"):
        try:
            return data.decode(encoding, "replace")
        except LookupError:
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return windows_1252(data)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.open = [], []

    def hidden(self):
        return any(hidden for _, hidden in self.open)

    def edge(self, tag):
        if not self.hidden():
            self.parts.append("\n" if tag in BLOCKS else " " if tag in CELLS else "")

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        style = re.sub(r"[ \t\n\f\r]", "", attrs.get("style") or "").lower()
        hidden = tag in UNSEEN or "hidden" in attrs or "display:none" in style or "visibility:hidden" in style
        if not hidden:
            self.edge(tag)
        if tag in VOID:
            if not hidden:
                self.edge(tag)
        else:
            self.open.append((tag, hidden))

    def handle_endtag(self, tag):
        if tag not in [name for name, _ in self.open]:
            return
        while True:
            name, hidden = self.open.pop()
            if not hidden:
                self.edge(name)
            if name == tag:
                return

    def handle_data(self, data):
        if self.hidden():
            return
        data = re.sub(r"[\0-\x08\x0b\x0e-\x1f]", "", data)
        if not any(name in KEEPS_LINES for name, _ in self.open):
            data = re.sub(r"[\t\n\f\r]", " ", data)
        self.parts.append(data)


def plain_text(document):
    return one_form(characters(document)).encode()


def page_text(document):
    page = Page()
    page.feed(characters(document, named_encoding(document)))
    page.close()
    return one_form("".join(page.parts)).encode()


def fingerprint(document, media_type):
    """What stands behind `text-fingerprint: `, without what made the tree; None: a document without a text."""
    kind = media_type.split(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        text, extractor = page_text(document), "html/2"
    elif kind.startswith("text/") and len(kind) > 5:
        text, extractor = plain_text(document), "plain/1"
    else:
        return None
    return f"sha256:{hashlib.sha256(text).hexdigest()} {len(text)} {extractor}"
