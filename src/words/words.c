/* SPDX-License-Identifier: MIT */
#include "words/words.h"

#include "words/utf16.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

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
static void fold_letters(struct vdm_utf16 *u)
{
    int32_t to = 0;
    for (int32_t from = 0; from < u->n;) {
        UChar32 c = fold_letter(vdm_utf16_next(u, &from));
        if (c)
            vdm_utf16_put(u->p, &to, c);
    }
    u->n = to;
}

bool vdm_words_stands_alone(int32_t c)
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

static void put_words(struct vdm_buf *out, const struct vdm_utf16 *u)
{
    bool open = false; /* the word at the end of `out` may go on */
    for (int32_t i = 0; i < u->n;) {
        UChar32 c = vdm_utf16_next(u, &i);
        bool letter = in_word(c), alone = letter && vdm_words_stands_alone(c);
        if (letter) {
            if ((!open || alone) && out->n)
                vdm_buf_putc(out, ' ');
            vdm_utf8_put(out, c);
        }
        open = letter && !alone;
    }
}

/* What comes of ASCII by all the above, without ICU; false: it is none. */
static bool put_ascii_words(struct vdm_buf *out, struct vdm_bytes text)
{
    bool open = false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 0x80)
            return false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i], low = c | 0x20;
        bool upper = c >= 'A' && c <= 'Z';
        bool in = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
        if (in && !open && out->n)
            vdm_buf_putc(out, ' ');
        if (in)
            vdm_buf_putc(out, (char)(upper ? low : c));
        open = in;
    }
    return true;
}

bool vdm_words_append(struct vdm_buf *out, struct vdm_bytes text, struct vdm_err *err)
{
    if (put_ascii_words(out, text))
        return vdm_buf_ok(out, err);
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *casefold = unorm2_getNFKCCasefoldInstance(&code);
    const UNormalizer2 *apart = unorm2_getNFDInstance(&code);
    const UNormalizer2 *together = unorm2_getNFCInstance(&code);
    struct vdm_utf16 u VDM_CLEANUP(vdm_utf16_release) = {0};
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "words", err);
    if (!vdm_utf16_from(&u, text, err) || !vdm_utf16_normalize(&u, casefold, err) ||
        !vdm_utf16_normalize(&u, apart, err))
        return false;
    fold_letters(&u);
    if (!vdm_utf16_normalize(&u, together, err))
        return false;
    put_words(out, &u);
    return vdm_buf_ok(out, err);
}
