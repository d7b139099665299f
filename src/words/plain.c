/* SPDX-License-Identifier: MIT */
#include "words/plain.h"

#include "base/text.h"
#include "words/utf16.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/uclean.h>
#include <unicode/ucnv.h>

/* --- bytes to UTF-8 --- */

/* Of 0x80 to 0x9F; the rest of windows-1252 is that of Unicode. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

static bool decode_windows(struct vdm_buf *out, struct vdm_bytes s, struct vdm_err *err)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c < 0x80)
            vdm_buf_putc(out, (char)c);
        else
            vdm_utf8_put(out, c < 0xA0 ? windows_1252[c - 0x80] : c);
    }
    return vdm_buf_ok(out, err);
}

static bool put_units(struct vdm_buf *out, const struct vdm_utf16 *u, struct vdm_err *err)
{
    for (int32_t i = 0; i < u->n;) {
        UChar32 c = vdm_utf16_next(u, &i);
        vdm_utf8_put(out, c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c);
    }
    return vdm_buf_ok(out, err);
}

static bool same_name(struct vdm_bytes name, const char *known)
{
    return strlen(known) == name.n && strncasecmp(known, (const char *)name.p, name.n) == 0;
}

/* Names that web pages use for windows-1252; and those of UTF-8, which need no converter. */
static bool is_among(struct vdm_bytes name, const char *const *names)
{
    for (; *names; names++)
        if (same_name(name, *names))
            return true;
    return false;
}

static const char *const western[] = {"windows-1252", "cp1252", "x-cp1252", "iso-8859-1",
                                      "iso8859-1",    "latin1", "l1",       "us-ascii",
                                      "ascii",        NULL};
static const char *const unicode[] = {"utf-8", "utf8", NULL};

static bool convert(struct vdm_buf *out, struct vdm_bytes s, UConverter *from, struct vdm_err *err)
{
    struct vdm_utf16 u VDM_CLEANUP(vdm_utf16_release) = {0};
    UErrorCode code = U_ZERO_ERROR;
    if (s.n > INT32_MAX / 4)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too long a text");
    /* ICU takes a byte for at most two units. */
    u.p = malloc((2 * s.n + 1) * sizeof *u.p);
    if (!u.p)
        return vdm_fail_memory(err);
    u.n = ucnv_toUChars(from, u.p, (int32_t)(2 * s.n + 1), (const char *)s.p, (int32_t)s.n, &code);
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "text", err);
    return put_units(out, &u, err);
}

/* An encoding that ICU knows by this name; *known says whether. */
static bool decode_named(struct vdm_buf *out, struct vdm_bytes s, struct vdm_bytes encoding,
                         bool *known, struct vdm_err *err)
{
    char name[UCNV_MAX_CONVERTER_NAME_LENGTH] = "";
    UErrorCode code = U_ZERO_ERROR;
    *known = false;
    if (encoding.n == 0 || encoding.n >= sizeof name || memchr(encoding.p, 0, encoding.n))
        return true;
    memcpy(name, encoding.p, encoding.n);
    UConverter *from = ucnv_open(name, &code);
    if (code == U_MEMORY_ALLOCATION_ERROR)
        return vdm_fail_memory(err);
    if (U_FAILURE(code))
        return true;
    *known = true;
    bool ok = convert(out, s, from, err);
    ucnv_close(from);
    return ok;
}

static bool is_utf16_name(struct vdm_bytes e)
{
    return e.n >= 6 && strncasecmp((const char *)e.p, "utf-16", 6) == 0;
}

bool vdm_plain_decode(struct vdm_buf *out, struct vdm_bytes s, struct vdm_bytes encoding,
                      struct vdm_err *err)
{
    bool known = false;
    if (vdm_bytes_start_with(s, VDM_LIT("\xEF\xBB\xBF"))) {
        s = vdm_bytes_skip(s, 3);
        encoding = VDM_LIT("utf-8");
    } else if (vdm_bytes_start_with(s, VDM_LIT("\xFF\xFE"))) {
        return decode_named(out, vdm_bytes_skip(s, 2), VDM_LIT("UTF-16LE"), &known, err);
    } else if (vdm_bytes_start_with(s, VDM_LIT("\xFE\xFF"))) {
        return decode_named(out, vdm_bytes_skip(s, 2), VDM_LIT("UTF-16BE"), &known, err);
    }
    /* A page whose ASCII names UTF-16 is not in UTF-16. */
    bool by_name = encoding.n && !is_among(encoding, unicode) && !is_utf16_name(encoding);
    if (by_name && is_among(encoding, western))
        return decode_windows(out, s, err);
    if (by_name && (!decode_named(out, s, encoding, &known, err) || known))
        return known;
    if (!vdm_utf8_valid(s))
        return decode_windows(out, s, err);
    vdm_buf_put(out, s);
    return vdm_buf_ok(out, err);
}

/* --- the one form --- */

enum part { PART_LETTER, PART_SPACE, PART_LINE, PART_NOTHING };

static enum part part_of(uint32_t c)
{
    if (c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == 0x85 || c == 0x2028 || c == 0x2029)
        return PART_LINE;
    if (c == ' ' || c == '\t' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
        c == 0x202F || c == 0x205F || c == 0x3000)
        return PART_SPACE;
    if (c == 0xAD || c == 0x200B || c == 0x2060 || c == 0xFEFF)
        return PART_NOTHING;
    return PART_LETTER;
}

/* Below U+0300 every character is its own normal form, and stays apart from the next. */
static bool needs_normalizing(struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 0xCC)
            return true;
    return false;
}

static bool normalize(struct vdm_buf *out, struct vdm_bytes s, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    struct vdm_utf16 u VDM_CLEANUP(vdm_utf16_release) = {0};
    const UNormalizer2 *form = unorm2_getNFCInstance(&code);
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "text", err);
    return vdm_utf16_from(&u, s, err) && vdm_utf16_normalize(&u, form, err) &&
           put_units(out, &u, err);
}

static void put_lines(struct vdm_buf *out, struct vdm_bytes s)
{
    enum part before = PART_LINE; /* what stands between the last letter and the next */
    bool any = false;
    uint32_t c;
    for (size_t n; (n = vdm_utf8_next(s, &c)) > 0; s = vdm_bytes_skip(s, n)) {
        enum part part = part_of(c);
        if (part == PART_LINE || (part == PART_SPACE && before == PART_LETTER))
            before = part;
        if (part != PART_LETTER)
            continue;
        if (before != PART_LETTER && any)
            vdm_buf_putc(out, before == PART_LINE ? '\n' : ' ');
        vdm_buf_put(out, (struct vdm_bytes){s.p, n});
        before = PART_LETTER;
        any = true;
    }
    if (any)
        vdm_buf_putc(out, '\n');
}

bool vdm_plain_append(struct vdm_buf *out, struct vdm_bytes utf8, struct vdm_err *err)
{
    struct vdm_buf lines VDM_CLEANUP(vdm_buf_release) = {0};
    if (!needs_normalizing(utf8)) {
        put_lines(out, utf8);
        return vdm_buf_ok(out, err);
    }
    put_lines(&lines, utf8);
    return vdm_buf_ok(&lines, err) && normalize(out, vdm_buf_bytes(&lines), err);
}

bool vdm_plain_prepare(struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    u_init(&code);
    if (U_SUCCESS(code))
        unorm2_getNFCInstance(&code);
    if (U_SUCCESS(code))
        ucnv_close(ucnv_open("windows-1256", &code)); /* the table of names comes with it */
    return U_SUCCESS(code) || vdm_fail_icu(code, "ICU", err);
}
