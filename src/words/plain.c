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

/* Is this a byte of a letter, whatever stands beside it? Of those beyond ASCII only the characters that
 * begin with these five bytes may be something else. */
static bool is_letter_byte(uint8_t c)
{
    static const bool other[256] = {
        ['\t'] = true, ['\n'] = true, ['\v'] = true, ['\f'] = true, ['\r'] = true, [' '] = true,
        [0xC2] = true, [0xE1] = true, [0xE2] = true, [0xE3] = true, [0xEF] = true};
    return !other[c];
}

/* One space or one end of line stands between two letters. */
static bool is_between(uint8_t c)
{
    return c == ' ' || c == '\n';
}

/* What stands at `at`, and of how many bytes. Of a letter the first byte will do, where the others can only
 * be taken for letters. */
static enum part part_at(struct vdm_bytes s, size_t at, size_t *n)
{
    uint32_t c = s.p[at];
    *n = 1;
    if (is_letter_byte(s.p[at]))
        return PART_LETTER;
    if (c < 0x80)
        return part_of(c);
    *n = vdm_utf8_next(vdm_bytes_skip(s, at), &c);
    if (*n > 0)
        return part_of(c);
    *n = 1; /* no UTF-8: the caller's fault, to which there is an end */
    return PART_LETTER;
}

/* Is what stands at `at` in the one form, where what stands before it is? May say no of a letter. */
static bool goes_on(struct vdm_bytes s, size_t at, size_t *n)
{
    *n = 1;
    return is_between(s.p[at]) ? is_letter_byte(s.p[at - 1]) : part_at(s, at, n) == PART_LETTER;
}

/* The same number in each of eight bytes; and their highest bits, which answer for them. */
#define EACH(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGH    EACH(0x80)

/* Which of them are ASCII and not above the space? */
static uint64_t blanks(uint64_t b)
{
    return ~(((b & ~HIGH) + EACH(0x7F - ' ')) | b) & HIGH;
}

/* Of how many of eight bytes goes_on() surely says yes, without a branch for each: where words end cannot be
 * foreseen. Of the blanks that stand for a space or a line ' ' and '\n' alone have none of the bits of 5. */
static size_t eight_go_on(const uint8_t *p)
{
    uint64_t b = vdm_le64(p), others = (b & EACH(5)) + EACH(0x7F);
    uint64_t stops = (b & HIGH) | (blanks(b) & (blanks(vdm_le64(p - 1)) | others));
    return stops ? (size_t)__builtin_ctzll(stops) / 8 : 8;
}

/* Where that ends which is in the one form already, in a text of which a letter ends at `from`. */
static size_t good_end(struct vdm_bytes s, size_t from)
{
    size_t i = from, n = 0;
    do {
        i += n;
        for (n = 8; n == 8 && s.n - i >= 8; i += n)
            n = eight_go_on(s.p + i);
        while (i < s.n && is_letter_byte(s.p[i]))
            i++;
    } while (i < s.n && goes_on(s, i, &n));
    return is_between(s.p[i - 1]) ? i - 1 : i;
}

/* Never longer than the text and an end of line. */
static void put_lines(struct vdm_buf *out, struct vdm_bytes s)
{
    enum part before = PART_LINE; /* what stands between the last letter and the next */
    size_t had = out->n;
    uint8_t *start = vdm_buf_grow(out, s.n + 1), *p = start;
    if (!start)
        return;
    for (size_t i = 0, n; i < s.n; i += n) {
        enum part part = part_at(s, i, &n);
        if (part == PART_LINE || (part == PART_SPACE && before == PART_LETTER))
            before = part;
        if (part != PART_LETTER)
            continue;
        if (before != PART_LETTER && p > start)
            *p++ = before == PART_LINE ? '\n' : ' ';
        n = good_end(s, i + n) - i;
        memcpy(p, s.p + i, n);
        p += n;
        before = PART_LETTER;
    }
    if (p > start)
        *p++ = '\n';
    out->n = had + (size_t)(p - start);
}

/* --- normal form --- */

/* Is this no first byte of a character that is not quiet? A quiet one is its own normal form and stays apart from the
 * one before: all below U+0300, and of the others, for good, whole rows that have many letters: U+0400 to U+047F,
 * U+4000 to U+9FFF, U+B000 to U+CFFF. */
static bool is_quiet_byte(uint8_t c)
{
    return c < 0xCC || c == 0xD0 || c == 0xD1 || (c >= 0xE4 && c <= 0xE9) || c == 0xEB || c == 0xEC;
}

/* A piece of a text, from one character that stays apart from the one before to the next such one. */
#define PIECE_UNITS 256
#define PIECE_QUIET 8 /* so many quiet characters, and the rest is not looked at */
struct piece {
    UChar in[PIECE_UNITS], out[3 * PIECE_UNITS]; /* no text grows more in this form */
    int32_t n;
};

/* Where the next piece begins: at the character before the first that may need something. */
static size_t next_piece(struct vdm_bytes s, size_t at)
{
    size_t i = at;
    while (i < s.n && is_quiet_byte(s.p[i]))
        i++;
    if (i == s.n || i == at)
        return i;
    for (i--; i > at && (s.p[i] & 0xC0) == 0x80;)
        i--;
    return i;
}

/* Before c, which is quiet or not, behind so many quiet ones? */
static bool ends_piece(const UNormalizer2 *form, const struct piece *p, int before, bool quiet,
                       uint32_t c)
{
    if (p->n < PIECE_UNITS / 2)
        return quiet && before >= PIECE_QUIET;
    return quiet || unorm2_hasBoundaryBefore(form, (UChar32)c);
}

/* The bytes of the piece that begins the text; 0: it is too long. */
static size_t take_piece(const UNormalizer2 *form, struct piece *p, struct vdm_bytes s)
{
    size_t at = 0, n;
    uint32_t c;
    int before = 0;
    p->n = 0;
    while ((n = vdm_utf8_next(vdm_bytes_skip(s, at), &c)) > 0) {
        bool quiet = is_quiet_byte(s.p[at]);
        if (ends_piece(form, p, before, quiet, c))
            break;
        if (p->n + 2 > PIECE_UNITS)
            return 0;
        vdm_utf16_put(p->in, &p->n, (UChar32)c);
        before = quiet ? before + 1 : 0;
        at += n;
    }
    return at;
}

static bool put_piece(struct vdm_buf *out, const UNormalizer2 *form, struct piece *p,
                      struct vdm_bytes as_it_is, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    if (unorm2_quickCheck(form, p->in, p->n, &code) == UNORM_YES && U_SUCCESS(code)) {
        vdm_buf_put(out, as_it_is);
        return true;
    }
    struct vdm_utf16 made = {p->out, 0};
    made.n = unorm2_normalize(form, p->in, p->n, p->out, 3 * PIECE_UNITS, &code);
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "text", err);
    return put_units(out, &made, err);
}

/* Piece by piece: to put marks in order takes the square of their number. */
static bool normalize_pieces(struct vdm_buf *out, struct vdm_bytes s, bool *done,
                             struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFCInstance(&code);
    size_t had = out->n, at = 0, n;
    struct piece p;
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "text", err);
    for (*done = true; at < s.n; at += n) {
        size_t start = next_piece(s, at);
        vdm_buf_put(out, (struct vdm_bytes){s.p + at, start - at});
        at = start;
        if (at == s.n)
            break;
        n = take_piece(form, &p, vdm_bytes_skip(s, at));
        if (n == 0) {
            out->n = had;
            *done = false;
            return true;
        }
        if (!put_piece(out, form, &p, (struct vdm_bytes){s.p + at, n}, err))
            return false;
    }
    return vdm_buf_ok(out, err);
}

static bool normalize_whole(struct vdm_buf *out, struct vdm_bytes s, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    struct vdm_utf16 u VDM_CLEANUP(vdm_utf16_release) = {0};
    const UNormalizer2 *form = unorm2_getNFCInstance(&code);
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "text", err);
    return vdm_utf16_from(&u, s, err) && vdm_utf16_normalize(&u, form, err) &&
           put_units(out, &u, err);
}

static bool needs_normalizing(struct vdm_bytes s)
{
    while ((s = vdm_bytes_skip(s, vdm_ascii_ahead(s))).n && is_quiet_byte(s.p[0]))
        s = vdm_bytes_skip(s, 1);
    return s.n > 0;
}

bool vdm_plain_append_bounded(struct vdm_buf *out, struct vdm_bytes utf8, bool *done,
                              struct vdm_err *err)
{
    struct vdm_buf lines VDM_CLEANUP(vdm_buf_release) = {0};
    *done = true;
    if (!needs_normalizing(utf8)) {
        put_lines(out, utf8);
        return vdm_buf_ok(out, err);
    }
    put_lines(&lines, utf8);
    return vdm_buf_ok(&lines, err) && normalize_pieces(out, vdm_buf_bytes(&lines), done, err);
}

bool vdm_plain_append(struct vdm_buf *out, struct vdm_bytes utf8, struct vdm_err *err)
{
    struct vdm_buf lines VDM_CLEANUP(vdm_buf_release) = {0};
    bool done;
    if (!vdm_plain_append_bounded(out, utf8, &done, err) || done)
        return done;
    put_lines(&lines, utf8);
    return vdm_buf_ok(&lines, err) && normalize_whole(out, vdm_buf_bytes(&lines), err);
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
