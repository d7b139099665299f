/* SPDX-License-Identifier: MIT */
/* Text as words to search by, in any script. What is indexed and what is asked for go through the same
 * folding, so that a search finds what a reader takes for the same word:
 *
 *   - compatibility forms, case and marks above and below letters are folded away (NFKC_Casefold, then
 *     without nonspacing marks: e for é, alef for alef with hamza, no vowel signs in Arabic and Hebrew);
 *   - Arabic tatweel goes, alef maqsura is yeh, teh marbuta is heh, Persian kaf and yeh are the Arabic;
 *   - scripts that write no spaces between words (Han, Kana, Thai, Lao, Khmer, Burmese) give one word a
 *     character: a search for several finds them where they stand side by side. No dictionary decides
 *     what a word is, so two characters are found inside of a longer run;
 *   - everything that is neither letter nor number parts words.
 *
 * Memory only; ICU knows the characters. */
#ifndef VDM_WORDS_WORDS_H
#define VDM_WORDS_WORDS_H

#include "base/buf.h"

/* Is this character of a script whose writers leave no space between words? */
bool vdm_words_stands_alone(int32_t c);

/* Append the words of a text, one space between two. Invalid UTF-8 parts words. Text that holds no word
 * appends nothing; a space comes first if `out` holds words already. Fails without memory. */
bool vdm_words_append(struct vdm_buf *out, struct vdm_bytes text,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
