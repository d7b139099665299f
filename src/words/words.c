/* SPDX-License-Identifier: MIT */
#include "words/words.h"

#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

/* Text in UTF-16, which is what ICU works on. */
struct units {
    UChar *p;
    int32_t n;
};

/* ICU's macros mix signs. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static UChar32 next_letter(const struct units *u, int32_t *at)
{
    UChar32 c;
    U16_NEXT(u->p, *at, u->n, c);
    return c;
}

static void put_utf16(UChar *p, int32_t *at, UChar32 c)
{
    U16_APPEND_UNSAFE(p, *at, c);
}

static void put_utf8(struct vdm_buf *out, UChar32 c)
{
    uint8_t utf8[U8_MAX_LENGTH];
    size_t n = 0;
    U8_APPEND_UNSAFE(utf8, n, c);
    vdm_buf_put(out, (struct vdm_bytes){utf8, n});
}
#pragma GCC diagnostic pop

static void units_release(struct units *u)
{
    free(u->p);
    *u = (struct units){0};
}

static bool fail_icu(UErrorCode code, struct vdm_err *err)
{
    return code == U_MEMORY_ALLOCATION_ERROR ? vdm_fail_memory(err)
                                             : vdm_fail(err, "words: %s", u_errorName(code));
}

static bool from_utf8(struct units *out, struct vdm_bytes text, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    if (text.n > INT32_MAX / 2)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too long a text for words");
    out->p = malloc((text.n + 1) * sizeof *out->p); /* UTF-16 never has more units than UTF-8 */
    if (!out->p)
        return vdm_fail_memory(err);
    u_strFromUTF8WithSub(out->p, (int32_t)text.n + 1, &out->n, (const char *)text.p,
                         (int32_t)text.n, 0xFFFD, NULL, &code);
    return U_SUCCESS(code) || fail_icu(code, err);
}

/* In place. */
static bool normalize(struct units *u, const UNormalizer2 *form, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    struct units made VDM_CLEANUP(units_release) = {0};
    int32_t need = unorm2_normalize(form, u->p, u->n, NULL, 0, &code);
    if (code != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(code))
        return fail_icu(code, err);
    code = U_ZERO_ERROR;
    made.p = malloc(((size_t)need + 1) * sizeof *made.p);
    if (!made.p)
        return vdm_fail_memory(err);
    made.n = unorm2_normalize(form, u->p, u->n, made.p, need + 1, &code);
    if (U_FAILURE(code))
        return fail_icu(code, err);
    struct units old = *u;
    *u = made;
    made = old;
    return true;
}

/* 0: no part of a word, and it does not part one either. */
static UChar32 fold_letter(UChar32 c)
{
    switch (c) {
    case 0x0640: /* tatweel */
        return 0;
    case 0x0649: /* alef maqsura */
    case 0x06CC: /* Persian yeh */
        return 0x064A;
    case 0x0629: /* teh marbuta */
        return 0x0647;
    case 0x06A9: /* Persian kaf */
        return 0x0643;
    case 0x3099: /* voicing of kana: another sound, not an accent */
    case 0x309A:
        return c;
    default:
        return u_charType(c) == U_NON_SPACING_MARK || u_charType(c) == U_ENCLOSING_MARK ? 0 : c;
    }
}

/* In place, on decomposed text: folding never makes it longer. */
static void fold_letters(struct units *u)
{
    int32_t to = 0;
    for (int32_t from = 0; from < u->n;) {
        UChar32 c = fold_letter(next_letter(u, &from));
        if (c)
            put_utf16(u->p, &to, c);
    }
    u->n = to;
}

/* Do its writers leave no space between words? */
static bool stands_alone(UChar32 c)
{
    UErrorCode code = U_ZERO_ERROR;
    switch ((int)uscript_getScript(c, &code)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
        return true;
    default:
        return false;
    }
}

static bool in_word(UChar32 c)
{
    return u_isalnum(c) || u_charType(c) == U_COMBINING_SPACING_MARK ||
           u_charType(c) == U_LETTER_NUMBER;
}

static void put_words(struct vdm_buf *out, const struct units *u)
{
    bool open = false; /* the word at the end of `out` may go on */
    for (int32_t i = 0; i < u->n;) {
        UChar32 c = next_letter(u, &i);
        bool letter = in_word(c), alone = letter && stands_alone(c);
        if (letter) {
            if ((!open || alone) && out->n)
                vdm_buf_putc(out, ' ');
            put_utf8(out, c);
        }
        open = letter && !alone;
    }
}

bool vdm_words_append(struct vdm_buf *out, struct vdm_bytes text, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *casefold = unorm2_getNFKCCasefoldInstance(&code);
    const UNormalizer2 *apart = unorm2_getNFDInstance(&code);
    const UNormalizer2 *together = unorm2_getNFCInstance(&code);
    struct units u VDM_CLEANUP(units_release) = {0};
    if (U_FAILURE(code))
        return fail_icu(code, err);
    if (!from_utf8(&u, text, err) || !normalize(&u, casefold, err) || !normalize(&u, apart, err))
        return false;
    fold_letters(&u);
    if (!normalize(&u, together, err))
        return false;
    put_words(out, &u);
    return vdm_buf_ok(out, err);
}
