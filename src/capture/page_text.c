/* SPDX-License-Identifier: MIT */
#include "capture/page_text.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- what is seen --- */

enum shape { INLINE, BLOCK, CELL, UNSEEN };

struct element {
    const char *name;
    enum shape shape;
    bool keeps_lines;
};

/* In the order of their names. */
static const struct element elements[] = {
    {"address", BLOCK, false},    {"article", BLOCK, false},    {"aside", BLOCK, false},
    {"audio", UNSEEN, false},     {"blockquote", BLOCK, false}, {"body", BLOCK, false},
    {"br", BLOCK, false},         {"canvas", UNSEEN, false},    {"caption", BLOCK, false},
    {"center", BLOCK, false},     {"datalist", UNSEEN, false},  {"dd", BLOCK, false},
    {"details", BLOCK, false},    {"dir", BLOCK, false},        {"div", BLOCK, false},
    {"dl", BLOCK, false},         {"dt", BLOCK, false},         {"fieldset", BLOCK, false},
    {"figcaption", BLOCK, false}, {"figure", BLOCK, false},     {"footer", BLOCK, false},
    {"form", BLOCK, false},       {"h1", BLOCK, false},         {"h2", BLOCK, false},
    {"h3", BLOCK, false},         {"h4", BLOCK, false},         {"h5", BLOCK, false},
    {"h6", BLOCK, false},         {"header", BLOCK, false},     {"hr", BLOCK, false},
    {"iframe", UNSEEN, false},    {"legend", BLOCK, false},     {"li", BLOCK, false},
    {"listing", BLOCK, true},     {"main", BLOCK, false},       {"menu", BLOCK, false},
    {"nav", BLOCK, false},        {"noembed", UNSEEN, false},   {"noframes", UNSEEN, false},
    {"noscript", UNSEEN, false},  {"object", UNSEEN, false},    {"ol", BLOCK, false},
    {"p", BLOCK, false},          {"plaintext", BLOCK, true},   {"pre", BLOCK, true},
    {"script", UNSEEN, false},    {"section", BLOCK, false},    {"select", UNSEEN, false},
    {"style", UNSEEN, false},     {"summary", BLOCK, false},    {"svg", UNSEEN, false},
    {"table", BLOCK, false},      {"tbody", BLOCK, false},      {"td", CELL, false},
    {"template", UNSEEN, false},  {"textarea", BLOCK, true},    {"tfoot", BLOCK, false},
    {"th", CELL, false},          {"thead", BLOCK, false},      {"title", UNSEEN, false},
    {"tr", BLOCK, false},         {"ul", BLOCK, false},         {"video", UNSEEN, false},
    {"xmp", BLOCK, true},
};

/* Most are told apart by their first letter, for which no call is made. */
static int compare(const void *name, const void *element)
{
    const char *a = name, *b = ((const struct element *)element)->name;
    return *a == *b ? strcmp(a, b) : *a < *b ? -1 : 1;
}

static struct element element_of(const xmlChar *name)
{
    static const struct element other = {"", INLINE, false};
    const struct element *e =
        bsearch(name, elements, sizeof elements / sizeof *elements, sizeof *elements, compare);
    return e ? *e : other;
}

/* `display:none` or `visibility:hidden` in a style attribute, however it is spaced. */
static bool hides(const char *style)
{
    static const char *const words[] = {"display:none", "visibility:hidden"};
    for (size_t w = 0; w < 2; w++) {
        for (const char *from = style; *from; from++) {
            const char *s = from, *p = words[w];
            while (*p && *s) {
                if ((*s >= 'A' && *s <= 'Z' ? *s + 32 : *s) == *p)
                    p++;
                else if (!strchr(" \t\n\f\r", *s) || p == words[w])
                    break;
                s++;
            }
            if (!*p)
                return true;
        }
    }
    return false;
}

/* Names and values in turn; an attribute without a value has NULL. */
static bool is_hidden(const xmlChar *const *attribute)
{
    for (; attribute && attribute[0]; attribute += 2) {
        const char *name = (const char *)attribute[0], *value = (const char *)attribute[1];
        if (strcmp(name, "hidden") == 0 || (value && strcmp(name, "style") == 0 && hides(value)))
            return true;
    }
    return false;
}

/* --- the parser says what it meets --- */

struct page {
    struct vdm_buf *out;
    size_t unseen;  /* elements that are open, from the one on that is not seen; 0: all are seen */
    size_t keeping; /* that keep their lines */
};

static void put_edge(struct page *p, enum shape shape)
{
    if (shape == BLOCK)
        vdm_buf_putc(p->out, '\n');
    else if (shape == CELL)
        vdm_buf_putc(p->out, ' ');
}

static void begin(void *ctx, const xmlChar *name, const xmlChar **attributes)
{
    struct page *p = ctx;
    const struct element e = element_of(name);
    if (p->unseen || e.shape == UNSEEN || is_hidden((const xmlChar *const *)attributes)) {
        p->unseen++;
        return;
    }
    put_edge(p, e.shape);
    p->keeping += e.keeps_lines;
}

static void end(void *ctx, const xmlChar *name)
{
    struct page *p = ctx;
    const struct element e = element_of(name);
    if (p->unseen) {
        p->unseen--;
        return;
    }
    put_edge(p, e.shape);
    if (e.keeps_lines && p->keeping)
        p->keeping--;
}

/* Ends of lines and tabs are spaces. They are rare, so they are searched for, which is quicker than to look at
 * each byte. */
static void make_spaces(uint8_t *text, size_t n)
{
    for (const char *kind = "\n\t\r\f"; *kind; kind++)
        for (uint8_t *p = text; (p = memchr(p, *kind, n - (size_t)(p - text))) != NULL;)
            *p++ = ' ';
}

static void put_text(void *ctx, const xmlChar *text, int length)
{
    struct page *p = ctx;
    if (p->unseen || length <= 0)
        return;
    size_t n = (size_t)length;
    uint8_t *to = vdm_buf_grow(p->out, n);
    if (!to)
        return;
    memcpy(to, text, n);
    if (!p->keeping)
        make_spaces(to, n);
}

/* The parser takes a NUL for the end. */
static bool without_nuls(struct vdm_buf *out, struct vdm_bytes *page, struct vdm_err *err)
{
    if (!page->n || !memchr(page->p, 0, page->n))
        return true;
    for (size_t i = 0; i < page->n; i++)
        if (page->p[i])
            vdm_buf_putc(out, (char)page->p[i]);
    *page = vdm_buf_bytes(out);
    return vdm_buf_ok(out, err);
}

static bool parse(struct page *p, struct vdm_bytes utf8, struct vdm_err *err)
{
    static const int options = HTML_PARSE_RECOVER | HTML_PARSE_NODEFDTD | HTML_PARSE_NOERROR |
                               HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC;
    htmlSAXHandler handler = {.startElement = begin,
                              .endElement = end,
                              .characters = put_text,
                              .cdataBlock = put_text,
                              .ignorableWhitespace = put_text};
    htmlParserCtxtPtr c = htmlCreateMemoryParserCtxt((const char *)utf8.p, (int)utf8.n);
    if (!c)
        return vdm_fail_memory(err);
    htmlSAXHandlerPtr own = c->sax;
    c->sax = &handler;
    c->userData = p;
    htmlCtxtUseOptions(c, options);
    xmlSwitchEncoding(c, XML_CHAR_ENCODING_UTF8);
    htmlParseDocument(c);
    bool ended = c->errNo != XML_ERR_NO_MEMORY && c->input && c->input->cur >= c->input->end;
    c->sax = own;
    htmlFreeParserCtxt(c);
    return ended || vdm_fail(err, "the page could not be read to its end");
}

bool vdm_page_text(struct vdm_buf *out, struct vdm_bytes utf8, struct vdm_err *err)
{
    struct vdm_buf copy VDM_CLEANUP(vdm_buf_release) = {0};
    struct page p = {.out = out};
    if (utf8.n > INT32_MAX)
        return vdm_fail(err, "the page is too long");
    return without_nuls(&copy, &utf8, err) && (utf8.n == 0 || parse(&p, utf8, err)) &&
           vdm_buf_ok(out, err);
}

/* --- the encoding --- */

#define LOOK_BYTES 1024 /* as the HTML standard has it */

/* `word` is in small letters, of whose kind a capital has all bits but one. */
static size_t find(struct vdm_bytes s, const char *word, size_t from)
{
    size_t n = strlen(word);
    for (size_t i = from; i + n <= s.n; i++)
        if ((s.p[i] | 0x20) == word[0] && strncasecmp((const char *)s.p + i, word, n) == 0)
            return i;
    return s.n;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* What follows `charset` in one tag: = and a value, quoted or not. */
static struct vdm_bytes value_after(struct vdm_bytes tag, size_t at)
{
    while (at < tag.n && is_space(tag.p[at]))
        at++;
    if (at == tag.n || tag.p[at] != '=')
        return (struct vdm_bytes){NULL, 0};
    at++;
    while (at < tag.n && (is_space(tag.p[at]) || tag.p[at] == '"' || tag.p[at] == '\''))
        at++;
    size_t end = at;
    while (end < tag.n && !is_space(tag.p[end]) && !memchr("\"';/>", tag.p[end], 5))
        end++;
    return (struct vdm_bytes){tag.p + at, end - at};
}

struct vdm_bytes vdm_page_encoding(struct vdm_bytes page)
{
    struct vdm_bytes top = {page.p, page.n < LOOK_BYTES ? page.n : LOOK_BYTES};
    for (size_t at = find(top, "<meta", 0); at < top.n; at = find(top, "<meta", at + 5)) {
        size_t end = find(top, ">", at);
        struct vdm_bytes tag = {top.p + at, end - at};
        size_t name = find(tag, "charset", 0);
        if (name == tag.n)
            continue;
        struct vdm_bytes value = value_after(tag, name + 7);
        if (value.n)
            return value;
    }
    return (struct vdm_bytes){NULL, 0};
}
