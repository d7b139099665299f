/* SPDX-License-Identifier: MIT */
#include "words/utf16.h"

#include <stdlib.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

/* ICU's macros mix signs. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
UChar32 vdm_utf16_next(const struct vdm_utf16 *u, int32_t *at)
{
    UChar32 c;
    U16_NEXT(u->p, *at, u->n, c);
    return c;
}

void vdm_utf16_put(UChar *p, int32_t *at, UChar32 c)
{
    U16_APPEND_UNSAFE(p, *at, c);
}

void vdm_utf8_put(struct vdm_buf *out, UChar32 c)
{
    uint8_t utf8[U8_MAX_LENGTH];
    size_t n = 0;
    U8_APPEND_UNSAFE(utf8, n, c);
    vdm_buf_put(out, (struct vdm_bytes){utf8, n});
}
#pragma GCC diagnostic pop

bool vdm_fail_icu(UErrorCode code, const char *what, struct vdm_err *err)
{
    return code == U_MEMORY_ALLOCATION_ERROR ? vdm_fail_memory(err)
                                             : vdm_fail(err, "%s: %s", what, u_errorName(code));
}

void vdm_utf16_release(struct vdm_utf16 *u)
{
    free(u->p);
    *u = (struct vdm_utf16){0};
}

bool vdm_utf16_from(struct vdm_utf16 *out, struct vdm_bytes text, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    if (text.n > INT32_MAX / 2)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too long a text for words");
    out->p = malloc((text.n + 1) * sizeof *out->p); /* UTF-16 never has more units than UTF-8 */
    if (!out->p)
        return vdm_fail_memory(err);
    u_strFromUTF8WithSub(out->p, (int32_t)text.n + 1, &out->n, (const char *)text.p,
                         (int32_t)text.n, 0xFFFD, NULL, &code);
    return U_SUCCESS(code) || vdm_fail_icu(code, "words", err);
}

bool vdm_utf16_normalize(struct vdm_utf16 *u, const UNormalizer2 *form, struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    struct vdm_utf16 made VDM_CLEANUP(vdm_utf16_release) = {0};
    int32_t need = unorm2_normalize(form, u->p, u->n, NULL, 0, &code);
    if (code != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(code))
        return vdm_fail_icu(code, "words", err);
    code = U_ZERO_ERROR;
    made.p = malloc(((size_t)need + 1) * sizeof *made.p);
    if (!made.p)
        return vdm_fail_memory(err);
    made.n = unorm2_normalize(form, u->p, u->n, made.p, need + 1, &code);
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "words", err);
    struct vdm_utf16 old = *u;
    *u = made;
    made = old;
    return true;
}
