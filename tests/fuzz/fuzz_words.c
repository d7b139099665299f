/* SPDX-License-Identifier: MIT */
/* Words to search by: whatever the text, they are UTF-8 with one space between two, no control
 * character among them, and not much longer than it. */
#include "fuzz/fuzz.h"

#include "base/text.h"
#include "words/words.h"

#define GROWTH_MAX 12 /* U+FDFA: three bytes that stand for eighteen letters */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf more VDM_CLEANUP(vdm_buf_release) = {0};
    FUZZ_CHECK(vdm_words_append(&words, (struct vdm_bytes){data, n}, NULL));
    FUZZ_CHECK(words.n <= GROWTH_MAX * n && vdm_utf8_valid(vdm_buf_bytes(&words)));
    for (size_t i = 0; i < words.n; i++) {
        bool edge = i == 0 || i + 1 == words.n;
        FUZZ_CHECK(words.p[i] >= 0x20 && words.p[i] != 0x7F);
        FUZZ_CHECK(words.p[i] != ' ' || (!edge && words.p[i + 1] != ' '));
    }
    vdm_buf_puts(&more, "word");
    FUZZ_CHECK(vdm_words_append(&more, (struct vdm_bytes){data, n}, NULL));
    FUZZ_CHECK(more.n == 4 + words.n + (words.n > 0));
    return 0;
}
