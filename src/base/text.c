/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/limits.h"

#include <string.h>

static bool is_tail(uint8_t c)
{
    return (c & 0xC0) == 0x80;
}

size_t vdm_utf8_next(struct vdm_bytes s, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (s.n == 0)
        return 0;
    uint8_t c = s.p[0];
    size_t n = c < 0x80 ? 1 : (c & 0xE0) == 0xC0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : 4;
    if ((c >= 0x80 && c < 0xC0) || c >= 0xF8 || s.n < n)
        return 0;
    uint32_t u = n == 1 ? c : c & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (!is_tail(s.p[i]))
            return 0;
        u = u << 6 | (s.p[i] & 0x3Fu);
    }
    if ((n > 1 && u < least[n]) || u > 0x10FFFF || (u >= 0xD800 && u <= 0xDFFF))
        return 0;
    *code = u;
    return n;
}

size_t vdm_ascii_ahead(struct vdm_bytes s)
{
    uint64_t eight;
    size_t n = 0;
    for (; s.n - n >= sizeof eight; n += sizeof eight) {
        memcpy(&eight, s.p + n, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return n;
}

bool vdm_utf8_valid(struct vdm_bytes s)
{
    uint32_t code;
    while (s.n) {
        size_t n = vdm_ascii_ahead(s);
        if (n == 0)
            n = vdm_utf8_next(s, &code);
        if (n == 0)
            return false;
        s = vdm_bytes_skip(s, n);
    }
    return true;
}

void vdm_hex_encode(const uint8_t *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

/* One more than the value of a digit; 0: none. */
static const uint8_t hex_digit[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};

bool vdm_hex_decode(struct vdm_bytes text, uint8_t *out, size_t n)
{
    bool bad = text.n != 2 * n;
    for (size_t i = 0; i < text.n; i++)
        bad |= hex_digit[text.p[i]] == 0;
    if (bad)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] =
            (uint8_t)((hex_digit[text.p[2 * i]] - 1) << 4 | (hex_digit[text.p[2 * i + 1]] - 1));
    return true;
}

bool vdm_number_decode(struct vdm_bytes text, uint64_t *out)
{
    if (text.n == 0 || text.n > 16 || (text.n > 1 && text.p[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (value > VDM_NUMBER_MAX)
        return false;
    *out = value;
    return true;
}

bool vdm_cut(struct vdm_bytes *rest, char separator, struct vdm_bytes *before)
{
    const uint8_t *at = rest->n ? memchr(rest->p, separator, rest->n) : NULL;
    if (!at)
        return false;
    size_t n = (size_t)(at - rest->p);
    *before = (struct vdm_bytes){rest->p, n};
    *rest = vdm_bytes_skip(*rest, n + 1);
    return true;
}

bool vdm_cut_line(struct vdm_bytes *rest, struct vdm_bytes *line)
{
    return vdm_cut(rest, '\n', line);
}

bool vdm_is_unprintable(uint32_t u)
{
    /* Variation selectors (U+FE00 and on) stay: they choose the shape of a letter that is seen. */
    return u < 0x20 || (u >= 0x7F && u <= 0x9F) || u == 0xAD || u == 0x034F || u == 0x061C ||
           u == 0x115F || u == 0x1160 || u == 0x17B4 || u == 0x17B5 || u == 0x180E ||
           (u >= 0x200B && u <= 0x200F) || (u >= 0x2028 && u <= 0x202E) ||
           (u >= 0x2060 && u <= 0x206F) || u == 0x3164 || u == 0xFEFF || u == 0xFFA0 ||
           (u >= 0xFFF9 && u <= 0xFFFB) || (u >= 0xE0000 && u <= 0xE0FFF);
}

void vdm_printable_append(struct vdm_buf *out, struct vdm_bytes s)
{
    while (s.n) {
        uint32_t code = 0;
        size_t n = vdm_utf8_next(s, &code);
        if (n == 0 || vdm_is_unprintable(code)) {
            n = n ? n : 1;
            for (size_t i = 0; i < n; i++)
                vdm_buf_putf(out, "\\x%02x", s.p[i]);
        } else if (code == '\\') {
            vdm_buf_puts(out, "\\\\");
        } else {
            vdm_buf_put(out, (struct vdm_bytes){s.p, n});
        }
        s = vdm_bytes_skip(s, n);
    }
}
