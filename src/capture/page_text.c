/* SPDX-License-Identifier: MIT */
#include "capture/page_text.h"

#include <gumbo.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- memory: gumbo does not look whether it got some, and walks deep trees to give it back --- */

#define CHUNK_BYTES (1u << 20)

struct vdm_page_chunk {
    struct vdm_page_chunk *next;
    size_t size, used;
    max_align_t bytes[];
};

struct arena {
    struct vdm_page_memory *memory;
    jmp_buf out_of_memory;
};

void vdm_page_memory_release(struct vdm_page_memory *m)
{
    while (m->chunks) {
        struct vdm_page_chunk *next = m->chunks->next;
        free(m->chunks);
        m->chunks = next;
    }
    m->taken = 0;
}

static bool add_chunk(struct vdm_page_memory *m, size_t size)
{
    size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    if (m->taken + room > VDM_PAGE_MEMORY_MAX)
        return false;
    struct vdm_page_chunk *c = malloc(sizeof *c + room);
    if (!c)
        return false;
    *c = (struct vdm_page_chunk){m->chunks, room, 0};
    m->chunks = c;
    m->taken += room;
    return true;
}

static void *take(void *ctx, size_t size)
{
    struct arena *a = ctx;
    struct vdm_page_memory *m = a->memory;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if ((!m->chunks || m->chunks->size - m->chunks->used < size) && !add_chunk(m, size))
        longjmp(a->out_of_memory, 1);
    uint8_t *p = (uint8_t *)m->chunks->bytes + m->chunks->used;
    m->chunks->used += size;
    return p;
}

static void give_back(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

/* For the next page: one chunk stays. */
static void reset(struct vdm_page_memory *m)
{
    struct vdm_page_chunk *keep = m->chunks;
    if (!keep)
        return;
    m->chunks = keep->next;
    vdm_page_memory_release(m);
    if (keep->size > CHUNK_BYTES) {
        free(keep);
        return;
    }
    *keep = (struct vdm_page_chunk){NULL, keep->size, 0};
    m->chunks = keep;
    m->taken = keep->size;
}

/* --- what is seen --- */

enum shape { INLINE, BLOCK, CELL, LINE_BREAK, UNSEEN };

static enum shape shape_of(const GumboElement *e)
{
    if (e->tag_namespace == GUMBO_NAMESPACE_SVG)
        return UNSEEN;
    switch ((int)e->tag) {
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_DATALIST:
        return UNSEEN;
    case GUMBO_TAG_BR:
    case GUMBO_TAG_HR:
        return LINE_BREAK;
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
        return CELL;
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_DIR:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TBODY:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_TFOOT:
    case GUMBO_TAG_THEAD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_XMP:
        return BLOCK;
    default:
        return INLINE;
    }
}

static bool keeps_lines(const GumboElement *e)
{
    return e->tag == GUMBO_TAG_PRE || e->tag == GUMBO_TAG_TEXTAREA || e->tag == GUMBO_TAG_LISTING ||
           e->tag == GUMBO_TAG_PLAINTEXT || e->tag == GUMBO_TAG_XMP;
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

static bool is_hidden(const GumboElement *e)
{
    const GumboAttribute *style = gumbo_get_attribute(&e->attributes, "style");
    return gumbo_get_attribute(&e->attributes, "hidden") || (style && hides(style->value));
}

static bool is_seen(const GumboNode *n)
{
    return n->type == GUMBO_NODE_ELEMENT && shape_of(&n->v.element) != UNSEEN &&
           !is_hidden(&n->v.element);
}

/* --- the walk: without recursion, however deep the tree is --- */

static void put_text(struct vdm_buf *out, const char *text, bool lines)
{
    for (; *text; text++)
        vdm_buf_putc(out, !lines && strchr("\t\n\f\r", *text) ? ' ' : *text);
}

static void put_edge(struct vdm_buf *out, const GumboNode *n)
{
    enum shape shape = shape_of(&n->v.element);
    if (shape == BLOCK || shape == LINE_BREAK)
        vdm_buf_putc(out, '\n');
    else if (shape == CELL)
        vdm_buf_putc(out, ' ');
}

static const GumboVector *children(const GumboNode *n)
{
    return n->type == GUMBO_NODE_DOCUMENT ? &n->v.document.children : &n->v.element.children;
}

/* Says whether the walk goes into it. */
static bool enter(struct vdm_buf *out, const GumboNode *n, int *keeping)
{
    if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE ||
        n->type == GUMBO_NODE_CDATA)
        put_text(out, n->v.text.text, *keeping > 0);
    if (!is_seen(n))
        return false;
    put_edge(out, n);
    *keeping += keeps_lines(&n->v.element);
    return true;
}

static void leave(struct vdm_buf *out, const GumboNode *n, int *keeping)
{
    put_edge(out, n);
    *keeping -= keeps_lines(&n->v.element);
}

static void walk(struct vdm_buf *out, const GumboNode *top)
{
    const GumboNode *n = top;
    size_t at = 0; /* the next child of n */
    int keeping = 0;
    for (;;) {
        if (at < children(n)->length) {
            const GumboNode *child = children(n)->data[at++];
            if (enter(out, child, &keeping)) {
                n = child;
                at = 0;
            }
        } else if (n == top) {
            return;
        } else {
            leave(out, n, &keeping);
            at = n->index_within_parent + 1;
            n = n->parent;
        }
    }
}

bool vdm_page_text(struct vdm_buf *out, struct vdm_bytes page, struct vdm_page_memory *memory,
                   struct vdm_err *err)
{
    struct arena arena = {.memory = memory};
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = take;
    options.deallocator = give_back;
    options.userdata = &arena;
    options.max_errors = 0;
    if (setjmp(arena.out_of_memory)) {
        reset(memory);
        return vdm_fail(err, "the page takes more than %llu MiB of memory",
                        (unsigned long long)(VDM_PAGE_MEMORY_MAX >> 20));
    }
    GumboOutput *tree = gumbo_parse_with_options(&options, (const char *)page.p, page.n);
    walk(out, tree->document);
    reset(memory);
    return vdm_buf_ok(out, err);
}

/* --- the encoding --- */

#define LOOK_BYTES 1024 /* as the HTML standard has it */

static size_t find(struct vdm_bytes s, const char *word, size_t from)
{
    size_t n = strlen(word);
    for (size_t i = from; i + n <= s.n; i++)
        if (strncasecmp((const char *)s.p + i, word, n) == 0)
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
