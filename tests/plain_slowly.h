/* SPDX-License-Identifier: MIT */
/* The one form of a text, character by character and normalised as a whole: what words/plain.c must give,
 * however it goes about it. */
#ifndef VDM_TESTS_PLAIN_SLOWLY_H
#define VDM_TESTS_PLAIN_SLOWLY_H

#include "base/buf.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

static inline char plain_part(uint32_t c)
{
    static const uint32_t line[] = {'\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029};
    static const uint32_t space[] = {' ', '\t', 0xA0, 0x1680, 0x202F, 0x205F, 0x3000};
    static const uint32_t nothing[] = {0xAD, 0x200B, 0x2060, 0xFEFF};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        if (c == line[i])
            return '\n';
    for (size_t i = 0; i < sizeof space / sizeof *space; i++)
        if (c == space[i])
            return ' ';
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (c == nothing[i])
            return 0;
    return c >= 0x2000 && c <= 0x200A ? ' ' : 'x';
}

static inline void plain_lines_slowly(struct vdm_buf *out, struct vdm_bytes s)
{
    char before = '\n';
    bool any = false;
    uint32_t c;
    for (size_t n; (n = vdm_utf8_next(s, &c)) > 0; s = vdm_bytes_skip(s, n)) {
        char part = plain_part(c);
        if (part == '\n' || (part == ' ' && before == 'x'))
            before = part;
        if (part != 'x')
            continue;
        if (before != 'x' && any)
            vdm_buf_putc(out, before);
        vdm_buf_put(out, (struct vdm_bytes){s.p, n});
        before = 'x';
        any = true;
    }
    if (any)
        vdm_buf_putc(out, '\n');
}

static inline void plain_slowly(struct vdm_buf *out, struct vdm_bytes utf8)
{
    struct vdm_buf lines VDM_CLEANUP(vdm_buf_release) = {0};
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFCInstance(&code);
    plain_lines_slowly(&lines, utf8);
    int32_t cap = 3 * (int32_t)lines.n + 1, n = 0;
    UChar *text = malloc((size_t)cap * sizeof *text), *made = malloc((size_t)cap * sizeof *made);
    assert(text && made && !lines.failed);
    u_strFromUTF8(text, cap, &n, (const char *)lines.p, (int32_t)lines.n, &code);
    n = unorm2_normalize(form, text, n, made, cap, &code);
    int32_t bytes = 0;
    uint8_t *p = vdm_buf_grow(out, 3 * (size_t)n + 1);
    assert(p);
    u_strToUTF8((char *)p, 3 * n + 1, &bytes, made, n, &code);
    assert(U_SUCCESS(code));
    out->n -= (size_t)(3 * n + 1 - bytes);
    free(text);
    free(made);
}

#endif
