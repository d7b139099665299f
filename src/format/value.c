/* SPDX-License-Identifier: MIT */
#include "format/value.h"

#include "base/text.h"

#include <string.h>

/* Characters that have no place in a line of text: C1 controls and the two line separators. */
static bool escaped_character(uint32_t code)
{
    return code < 0x20 || code == 0x7F || (code >= 0x80 && code <= 0x9F) || code == 0x2028 ||
           code == 0x2029;
}

static const char *named_escape(uint8_t c)
{
    return c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
}

/* One character, or one byte that begins none, and how it is written. */
struct piece {
    size_t bytes;
    size_t n;
    char text[4 * 4 + 1]; /* four bytes as \xHH, and a NUL that the last one leaves */
};

static struct piece escape_next(struct vdm_bytes rest, bool at_edge)
{
    uint32_t code = 0; /* stays 0, which is escaped, where no character begins */
    size_t n = vdm_utf8_next(rest, &code);
    struct piece p = {.bytes = n ? n : 1};
    const char *name = named_escape(rest.p[0]);
    if (name) {
        p.n = 2;
        memcpy(p.text, name, p.n);
    } else if ((at_edge && code == ' ') || escaped_character(code)) {
        for (; p.n < 4 * p.bytes; p.n += 4) {
            memcpy(p.text + p.n, "\\x", 2);
            vdm_hex_encode(rest.p + p.n / 4, 1, p.text + p.n + 2);
        }
    } else {
        p.n = n;
        memcpy(p.text, rest.p, n);
    }
    return p;
}

/* How many bytes at the front stand for themselves wherever they are. */
static size_t plain_ahead(struct vdm_bytes s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] > ' ' && s.p[n] < 0x7F && s.p[n] != '\\')
        n++;
    return n;
}

void vdm_value_append(struct vdm_buf *out, struct vdm_bytes value)
{
    struct vdm_bytes rest = value;
    for (;;) {
        size_t plain = plain_ahead(rest);
        vdm_buf_put(out, (struct vdm_bytes){rest.p, plain});
        rest = vdm_bytes_skip(rest, plain);
        if (rest.n == 0)
            return;
        struct piece p = escape_next(rest, rest.n == value.n || rest.n == 1);
        vdm_buf_put(out, (struct vdm_bytes){(const uint8_t *)p.text, p.n});
        rest = vdm_bytes_skip(rest, p.bytes);
    }
}

static uint8_t unescaped(uint8_t c)
{
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : '\\';
}

/* The byte that the front of an escaped text stands for; returns how long that front is. */
static size_t unescape_next(struct vdm_bytes s, uint8_t *byte)
{
    *byte = s.p[0];
    if (s.p[0] != '\\' || s.n < 2)
        return 1;
    if (s.p[1] == 'x' && s.n >= 4 && vdm_hex_decode((struct vdm_bytes){s.p + 2, 2}, byte, 1))
        return 4;
    *byte = unescaped(s.p[1]);
    return 2;
}

void vdm_value_decode(struct vdm_bytes s, struct vdm_buf *out)
{
    if (s.n && !memchr(s.p, '\\', s.n)) {
        vdm_buf_put(out, s);
        return;
    }
    while (s.n) {
        uint8_t byte;
        s = vdm_bytes_skip(s, unescape_next(s, &byte));
        vdm_buf_putc(out, (char)byte);
    }
}

/* Most values hold nothing to escape: plain UTF-8 without backslash and without edge spaces. */
static bool plainly_valid(struct vdm_bytes s)
{
    if (s.p[0] == ' ' || s.p[s.n - 1] == ' ')
        return false;
    while ((s = vdm_bytes_skip(s, plain_ahead(s))).n) {
        uint32_t code;
        size_t n = vdm_utf8_next(s, &code);
        if (n == 0 || code == '\\' || escaped_character(code))
            return false;
        s = vdm_bytes_skip(s, n);
    }
    return true;
}

/* What is meant is written again, character by character, and must be what stands there. Without
 * memory of its own: an answer that depends on it would call a good value bad. */
bool vdm_value_valid(struct vdm_bytes escaped)
{
    if (escaped.n == 0)
        return false;
    if (plainly_valid(escaped))
        return true;
    for (struct vdm_bytes rest = escaped; rest.n;) {
        uint8_t meant[4]; /* no character is longer */
        size_t n = 0;
        for (struct vdm_bytes after = rest; n < sizeof meant && after.n; n++)
            after = vdm_bytes_skip(after, unescape_next(after, &meant[n]));
        struct piece p = escape_next((struct vdm_bytes){meant, n}, rest.n == escaped.n || n == 1);
        if (!vdm_bytes_start_with(rest, (struct vdm_bytes){(const uint8_t *)p.text, p.n}))
            return false;
        rest = vdm_bytes_skip(rest, p.n);
    }
    return true;
}

bool vdm_take_literal(struct vdm_bytes *rest, const char *literal)
{
    struct vdm_bytes want = vdm_str(literal);
    if (!vdm_bytes_start_with(*rest, want))
        return false;
    *rest = vdm_bytes_skip(*rest, want.n);
    return true;
}

bool vdm_take_field(struct vdm_bytes *rest, const char *key, struct vdm_bytes *value)
{
    struct vdm_bytes after = *rest, line;
    if (!vdm_take_literal(&after, key) || !vdm_take_literal(&after, " ") ||
        !vdm_cut_line(&after, &line) || line.n == 0)
        return false;
    *rest = after;
    *value = line;
    return true;
}

bool vdm_take_value(struct vdm_bytes *rest, const char *key, struct vdm_bytes *escaped)
{
    struct vdm_bytes after = *rest, value;
    if (!vdm_take_field(&after, key, &value) || !vdm_value_valid(value))
        return false;
    *rest = after;
    *escaped = value;
    return true;
}

bool vdm_take_number(struct vdm_bytes *rest, const char *key, uint64_t *out)
{
    struct vdm_bytes after = *rest, value;
    if (!vdm_take_field(&after, key, &value) || !vdm_number_decode(value, out))
        return false;
    *rest = after;
    return true;
}

bool vdm_digest_decode(struct vdm_bytes text, struct vdm_digest *out)
{
    return vdm_take_literal(&text, "sha256:") && vdm_digest_from_hex(text, out);
}

bool vdm_take_digest(struct vdm_bytes *rest, const char *key, struct vdm_digest *out)
{
    struct vdm_bytes after = *rest, value;
    if (!vdm_take_field(&after, key, &value) || !vdm_digest_decode(value, out))
        return false;
    *rest = after;
    return true;
}

bool vdm_take_time(struct vdm_bytes *rest, const char *key, struct vdm_time *out)
{
    struct vdm_bytes after = *rest, value;
    if (!vdm_take_field(&after, key, &value) || !vdm_time_decode(value, out))
        return false;
    *rest = after;
    return true;
}

bool vdm_take_word(struct vdm_bytes *rest, const char *key, const char *const *words, int *index)
{
    struct vdm_bytes after = *rest, value;
    if (!vdm_take_field(&after, key, &value))
        return false;
    for (int i = 0; words[i]; i++)
        if (vdm_bytes_equal_str(value, words[i])) {
            *rest = after;
            *index = i;
            return true;
        }
    return false;
}

bool vdm_take_tree(struct vdm_bytes *rest, const char *key, uint64_t *size, struct vdm_digest *root)
{
    struct vdm_bytes after = *rest, value, number;
    uint64_t n;
    if (!vdm_take_field(&after, key, &value) || !vdm_cut(&value, ' ', &number) ||
        !vdm_number_decode(number, &n) || !vdm_digest_from_base64(value, root))
        return false;
    *size = n;
    *rest = after;
    return true;
}

void vdm_digest_append(struct vdm_buf *out, struct vdm_digest d)
{
    char hex[65];
    vdm_digest_hex(d, hex);
    vdm_buf_puts(out, "sha256:");
    vdm_buf_puts(out, hex);
}

static void put_key(struct vdm_buf *out, const char *key)
{
    vdm_buf_puts(out, key);
    vdm_buf_putc(out, ' ');
}

void vdm_put_field(struct vdm_buf *out, const char *key, struct vdm_bytes value)
{
    put_key(out, key);
    vdm_buf_put(out, value);
    vdm_buf_putc(out, '\n');
}

void vdm_put_number(struct vdm_buf *out, const char *key, uint64_t value)
{
    put_key(out, key);
    vdm_buf_putn(out, value);
    vdm_buf_putc(out, '\n');
}

void vdm_put_digest(struct vdm_buf *out, const char *key, struct vdm_digest d)
{
    put_key(out, key);
    vdm_digest_append(out, d);
    vdm_buf_putc(out, '\n');
}

void vdm_put_time(struct vdm_buf *out, const char *key, struct vdm_time t)
{
    char text[VDM_TIME_LEN + 1];
    vdm_time_encode(t, text);
    vdm_put_field(out, key, vdm_str(text));
}

void vdm_put_tree(struct vdm_buf *out, const char *key, uint64_t size, struct vdm_digest root)
{
    put_key(out, key);
    vdm_buf_putn(out, size);
    vdm_buf_putc(out, ' ');
    vdm_base64_append(out, vdm_digest_bytes(&root));
    vdm_buf_putc(out, '\n');
}

bool vdm_same_bytes(const struct vdm_buf *again, struct vdm_bytes text, const char *what,
                    struct vdm_err *err)
{
    if (!vdm_buf_ok(again, err))
        return false;
    if (!vdm_bytes_equal(vdm_buf_bytes(again), text))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%s is not in its one form", what);
    return true;
}
