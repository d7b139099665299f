/* SPDX-License-Identifier: MIT */
/* Text in UTF-16, which is what ICU works on. For words/ and dates/ only. */
#ifndef VDM_WORDS_UTF16_H
#define VDM_WORDS_UTF16_H

#include "base/buf.h"

#include <unicode/unorm2.h>
#include <unicode/utypes.h>

struct vdm_utf16 {
    UChar *p;
    int32_t n;
};
void vdm_utf16_release(struct vdm_utf16 *u);

/* What ICU says, behind the word; want of memory as any other. Returns false. */
bool vdm_fail_icu(UErrorCode code, const char *what, struct vdm_err *err);

/* What is not well-formed UTF-8 becomes U+FFFD. Zero-initialise `out`, release it. */
bool vdm_utf16_from(struct vdm_utf16 *out, struct vdm_bytes utf8,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* In place. */
bool vdm_utf16_normalize(struct vdm_utf16 *u, const UNormalizer2 *form,
                         struct vdm_err *err) VDM_MUST_CHECK;

UChar32 vdm_utf16_next(const struct vdm_utf16 *u, int32_t *at);
void vdm_utf16_put(UChar *p, int32_t *at, UChar32 c); /* there is room */
void vdm_utf8_put(struct vdm_buf *out, UChar32 c);

#endif
