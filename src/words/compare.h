/* SPDX-License-Identifier: MIT */
/* Two texts compared word by word. A word is what stands between spaces and line ends of a text in its
 * one form (words/plain.h); in scripts that write no spaces between words, each character. */
#ifndef VDM_WORDS_COMPARE_H
#define VDM_WORDS_COMPARE_H

#include "words/diff.h"

struct vdm_word {
    uint32_t at, n; /* where its bytes stand in the text */
    bool first;     /* of its line */
};

/* A text and its words. Zero-initialise, release. */
struct vdm_text_words {
    struct vdm_buf text;
    struct vdm_word *word;
    uint32_t words;
};
void vdm_text_words_release(struct vdm_text_words *t);
/* Takes over the text, which is in its one form and shorter than 4 GiB. */
bool vdm_text_words_split(struct vdm_text_words *out, struct vdm_buf *text,
                          struct vdm_err *err) VDM_MUST_CHECK;
struct vdm_bytes vdm_text_word(const struct vdm_text_words *t, uint32_t i);
/* Does it follow the one before without a space? */
bool vdm_text_word_is_joined(const struct vdm_text_words *t, uint32_t i);

/* The words that changed from a to b, as hunks of words, appended. Lines are compared first, and words
 * in the lines that changed: so it ends soon also where much changed, if then not with the fewest words
 * (VDM_DIFF_CHANGES_MAX). Where lines are broken does not count. */
bool vdm_text_words_compare(struct vdm_hunks *out, const struct vdm_text_words *a,
                            const struct vdm_text_words *b, struct vdm_err *err) VDM_MUST_CHECK;

#endif
