/* SPDX-License-Identifier: MIT */
#include "capture/warc_head.h"

#include <string.h>
#include <strings.h>

/* Of a line end at the front; 0: there is none. */
static size_t line_end(struct vdm_bytes b)
{
    if (vdm_bytes_start_with(b, VDM_LIT("\n")))
        return 1;
    return vdm_bytes_start_with(b, VDM_LIT("\r\n")) ? 2 : 0;
}

size_t vdm_head_end_from(struct vdm_bytes b, size_t from)
{
    const uint8_t *lf;
    size_t n = from == 0 ? line_end(b) : 0;
    while (n == 0 && from < b.n && (lf = memchr(b.p + from, '\n', b.n - from))) {
        from = (size_t)(lf - b.p) + 1;
        n = line_end(vdm_bytes_skip(b, from));
        if (n)
            return from + n;
    }
    return n;
}

size_t vdm_head_end(struct vdm_bytes b)
{
    return vdm_head_end_from(b, 0);
}

struct vdm_bytes vdm_trim(struct vdm_bytes s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = vdm_bytes_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

struct vdm_bytes vdm_without_angles(struct vdm_bytes s)
{
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        return (struct vdm_bytes){s.p + 1, s.n - 2};
    return s;
}

bool vdm_begins_with_letters(struct vdm_bytes a, const char *b)
{
    size_t n = strlen(b);
    return a.n >= n && strncasecmp((const char *)a.p, b, n) == 0;
}

bool vdm_same_letters(struct vdm_bytes a, const char *b)
{
    return a.n == strlen(b) && vdm_begins_with_letters(a, b);
}

static struct vdm_bytes cut_line(struct vdm_bytes *rest)
{
    const uint8_t *lf = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
    struct vdm_bytes line = {rest->p, n};
    *rest = vdm_bytes_skip(*rest, lf ? n + 1 : n);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* A line that begins with white space goes on with the value before it. In `text` values stand one behind
 * another with room for that, since the lines of the head stood so. */
static void fold(struct vdm_head *h, struct vdm_bytes more)
{
    struct vdm_bytes *value = &h->line[h->lines - 1].value;
    more = vdm_trim(more);
    if (more.n == 0)
        return;
    uint8_t *end = h->text + h->n;
    if (value->n)
        *end++ = ' ';
    memmove(end, more.p, more.n);
    if (value->n == 0)
        value->p = end;
    value->n += more.n + (size_t)(end - (h->text + h->n));
    h->n = (size_t)(end - h->text) + more.n;
}

static bool is_name(struct vdm_bytes name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
            return false;
    return name.n > 0;
}

static void add(struct vdm_head *h, struct vdm_bytes line)
{
    const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    struct vdm_bytes name = {line.p, colon ? (size_t)(colon - line.p) : 0};
    if (!is_name(name) || h->lines == VDM_HEAD_LINES_MAX) {
        h->odd = true;
        return;
    }
    struct vdm_bytes value = vdm_trim(vdm_bytes_skip(line, name.n + 1));
    uint8_t *to = h->text + h->n;
    memmove(to, name.p, name.n);
    memmove(to + name.n, value.p, value.n);
    h->line[h->lines].name = (struct vdm_bytes){to, name.n};
    h->line[h->lines].value = (struct vdm_bytes){to + name.n, value.n};
    h->lines++;
    h->n += name.n + value.n;
}

void vdm_head_parse(struct vdm_head *h, struct vdm_bytes b, bool first)
{
    h->lines = h->n = 0;
    h->odd = false;
    h->first = (struct vdm_bytes){NULL, 0};
    if (b.n > VDM_HEAD_BYTES_MAX)
        b.n = VDM_HEAD_BYTES_MAX;
    if (first) {
        struct vdm_bytes line = cut_line(&b);
        memcpy(h->text, line.p, line.n);
        h->first = (struct vdm_bytes){h->text, line.n};
        h->n = line.n;
    }
    while (b.n) {
        struct vdm_bytes line = cut_line(&b);
        if (line.n == 0)
            return;
        if ((line.p[0] == ' ' || line.p[0] == '\t') && h->lines)
            fold(h, line);
        else
            add(h, line);
    }
}

struct vdm_bytes vdm_head_value(const struct vdm_head *h, const char *name)
{
    for (size_t i = 0; i < h->lines; i++)
        if (vdm_same_letters(h->line[i].name, name))
            return h->line[i].value;
    return (struct vdm_bytes){NULL, 0};
}

/* --- stated digests --- */

static int digit(uint8_t c, int bits)
{
    if (bits == 5)
        return c >= '2' && c <= '7'                 ? c - '2' + 26
               : (c | 32) >= 'a' && (c | 32) <= 'z' ? (c | 32) - 'a'
                                                    : -1;
    if (bits == 4)
        return c >= '0' && c <= '9'                 ? c - '0'
               : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                    : -1;
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Exactly `bytes` bytes in digits of so many bits; what is left over of the last one must be zero. */
static bool decode(struct vdm_bytes text, int bits, uint8_t *out, size_t bytes)
{
    uint32_t have = 0;
    int held = 0;
    size_t n = 0;
    if (text.n != (bytes * 8 + (size_t)bits - 1) / (size_t)bits)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int d = digit(text.p[i], bits);
        if (d < 0)
            return false;
        have = (have << bits | (uint32_t)d) & 0xffff;
        held += bits;
        if (held >= 8) {
            held -= 8;
            out[n++] = (uint8_t)(have >> held);
        }
    }
    return n == bytes && (have & ((1u << held) - 1)) == 0;
}

void vdm_stated_sum_parse(struct vdm_bytes value, struct vdm_stated_sum *out)
{
    const uint8_t *colon = value.n ? memchr(value.p, ':', value.n) : NULL;
    out->kind = VDM_SUM_KINDS;
    enum vdm_sum_kind kind;
    if (!colon ||
        !vdm_sum_kind_from_name((struct vdm_bytes){value.p, (size_t)(colon - value.p)}, &kind))
        return;
    struct vdm_bytes text = vdm_bytes_skip(value, (size_t)(colon - value.p) + 1);
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    size_t bytes = vdm_sum_bytes(kind);
    if (decode(text, 4, out->b, bytes) || decode(text, 5, out->b, bytes) ||
        decode(text, 6, out->b, bytes))
        out->kind = kind;
}
