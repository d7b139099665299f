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

static void append_hex(struct vdm_buf *out, struct vdm_bytes s)
{
    char hex[3];
    for (size_t i = 0; i < s.n; i++) {
        vdm_hex_encode(s.p + i, 1, hex);
        vdm_buf_puts(out, "\\x");
        vdm_buf_puts(out, hex);
    }
}

static const char *named_escape(uint8_t c)
{
    return c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
}

void vdm_value_append(struct vdm_buf *out, struct vdm_bytes value)
{
    struct vdm_bytes rest = value;
    while (rest.n) {
        uint32_t code = 0;
        size_t n = vdm_utf8_next(rest, &code);
        struct vdm_bytes piece = {rest.p, n ? n : 1};
        bool edge = rest.p[0] == ' ' && (rest.n == value.n || rest.n == 1);
        const char *name = named_escape(rest.p[0]);
        if (name)
            vdm_buf_puts(out, name);
        else if (n == 0 || edge || escaped_character(code))
            append_hex(out, piece);
        else
            vdm_buf_put(out, piece);
        rest = vdm_bytes_skip(rest, piece.n);
    }
}

static char unescaped(uint8_t c)
{
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : '\\';
}

void vdm_value_decode(struct vdm_bytes s, struct vdm_buf *out)
{
    uint8_t byte;
    while (s.n) {
        size_t n = 1;
        if (s.p[0] != '\\' || s.n < 2) {
            vdm_buf_putc(out, (char)s.p[0]);
        } else if (s.p[1] == 'x' && s.n >= 4 &&
                   vdm_hex_decode((struct vdm_bytes){s.p + 2, 2}, &byte, 1)) {
            vdm_buf_putc(out, (char)byte);
            n = 4;
        } else {
            vdm_buf_putc(out, unescaped(s.p[1]));
            n = 2;
        }
        s = vdm_bytes_skip(s, n);
    }
}

/* Most values hold nothing to escape: plain UTF-8 without backslash and without edge spaces. */
static bool plainly_valid(struct vdm_bytes s)
{
    if (s.p[0] == ' ' || s.p[s.n - 1] == ' ')
        return false;
    while (s.n) {
        uint32_t code;
        size_t n = vdm_utf8_next(s, &code);
        if (n == 0 || code == '\\' || escaped_character(code))
            return false;
        s = vdm_bytes_skip(s, n);
    }
    return true;
}

bool vdm_value_valid(struct vdm_bytes escaped)
{
    if (escaped.n == 0)
        return false;
    if (plainly_valid(escaped))
        return true;
    struct vdm_buf meant VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_value_decode(escaped, &meant);
    vdm_value_append(&again, vdm_buf_bytes(&meant));
    return meant.n > 0 && !meant.failed && !again.failed &&
           vdm_bytes_equal(vdm_buf_bytes(&again), escaped);
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
    vdm_buf_putf(out, "%s %llu\n", key, (unsigned long long)value);
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
    vdm_buf_putf(out, "%s %llu ", key, (unsigned long long)size);
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
