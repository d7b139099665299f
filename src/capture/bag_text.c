/* SPDX-License-Identifier: MIT */
#include "capture/bag_text.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

bool vdm_bag_same_label(struct vdm_bytes a, struct vdm_bytes b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

bool vdm_bag_encoding_from_name(struct vdm_bytes name, enum vdm_bag_encoding *out)
{
    static const struct {
        const char *name;
        enum vdm_bag_encoding is;
    } known[] = {
        {"UTF-8", VDM_BAG_UTF8},       {"UTF8", VDM_BAG_UTF8},         {"US-ASCII", VDM_BAG_UTF8},
        {"ASCII", VDM_BAG_UTF8},       {"ISO-8859-1", VDM_BAG_LATIN1}, {"LATIN1", VDM_BAG_LATIN1},
        {"ISO8859-1", VDM_BAG_LATIN1}, {"UTF-16", VDM_BAG_UTF16},      {"UTF16", VDM_BAG_UTF16},
        {"UTF-16LE", VDM_BAG_UTF16LE}, {"UTF-16BE", VDM_BAG_UTF16BE},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (vdm_bag_same_label(name, vdm_str(known[i].name))) {
            *out = known[i].is;
            return true;
        }
    return false;
}

static void put_code(struct vdm_buf *out, uint32_t u)
{
    if (u < 0x80) {
        vdm_buf_putc(out, (char)u);
    } else if (u < 0x800) {
        vdm_buf_putc(out, (char)(0xC0 | u >> 6));
        vdm_buf_putc(out, (char)(0x80 | (u & 0x3F)));
    } else if (u < 0x10000) {
        vdm_buf_putc(out, (char)(0xE0 | u >> 12));
        vdm_buf_putc(out, (char)(0x80 | (u >> 6 & 0x3F)));
        vdm_buf_putc(out, (char)(0x80 | (u & 0x3F)));
    } else {
        vdm_buf_putc(out, (char)(0xF0 | u >> 18));
        vdm_buf_putc(out, (char)(0x80 | (u >> 12 & 0x3F)));
        vdm_buf_putc(out, (char)(0x80 | (u >> 6 & 0x3F)));
        vdm_buf_putc(out, (char)(0x80 | (u & 0x3F)));
    }
}

static bool decode_utf16(struct vdm_bytes s, bool big, struct vdm_buf *out)
{
    uint32_t high = 0;
    if (s.n % 2)
        return false;
    for (; s.n; s = vdm_bytes_skip(s, 2)) {
        uint32_t u = big ? (uint32_t)s.p[0] << 8 | s.p[1] : (uint32_t)s.p[1] << 8 | s.p[0];
        bool is_high = u >= 0xD800 && u < 0xDC00, is_low = u >= 0xDC00 && u < 0xE000;
        if (is_low != (high != 0))
            return false;
        if (is_low)
            put_code(out, 0x10000 + ((high - 0xD800) << 10) + (u - 0xDC00));
        else if (!is_high)
            put_code(out, u);
        high = is_high ? u : 0;
    }
    return high == 0;
}

static bool take_mark(struct vdm_bytes *s, struct vdm_bytes mark, bool *had_mark)
{
    if (!vdm_bytes_start_with(*s, mark))
        return false;
    *s = vdm_bytes_skip(*s, mark.n);
    *had_mark = true;
    return true;
}

bool vdm_bag_text_decode(struct vdm_bytes text, enum vdm_bag_encoding encoding, struct vdm_buf *out,
                         bool *had_mark)
{
    *had_mark = false;
    switch (encoding) {
    case VDM_BAG_UTF8:
        take_mark(&text, VDM_LIT("\xEF\xBB\xBF"), had_mark);
        if (!vdm_utf8_valid(text))
            return false;
        vdm_buf_put(out, text);
        return true;
    case VDM_BAG_LATIN1:
        for (size_t i = 0; i < text.n; i++)
            put_code(out, text.p[i]);
        return true;
    case VDM_BAG_UTF16:
        if (take_mark(&text, VDM_LIT("\xFF\xFE"), had_mark))
            return decode_utf16(text, false, out);
        take_mark(&text, VDM_LIT("\xFE\xFF"), had_mark);
        return decode_utf16(text, true, out);
    case VDM_BAG_UTF16LE:
        take_mark(&text, VDM_LIT("\xFF\xFE"), had_mark);
        return decode_utf16(text, false, out);
    case VDM_BAG_UTF16BE:
        take_mark(&text, VDM_LIT("\xFE\xFF"), had_mark);
        return decode_utf16(text, true, out);
    }
    return false;
}

bool vdm_bag_line(struct vdm_bytes *rest, struct vdm_bytes *line)
{
    size_t n = 0;
    if (rest->n == 0)
        return false;
    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    *line = (struct vdm_bytes){rest->p, n};
    *rest = vdm_bytes_skip(*rest, n);
    if (rest->n && rest->p[0] == '\r')
        *rest = vdm_bytes_skip(*rest, 1);
    if (rest->n && rest->p[0] == '\n')
        *rest = vdm_bytes_skip(*rest, 1);
    return true;
}

bool vdm_bag_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct vdm_bytes vdm_bag_trim(struct vdm_bytes s)
{
    while (s.n && vdm_bag_is_blank(s.p[0]))
        s = vdm_bytes_skip(s, 1);
    while (s.n && vdm_bag_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}
