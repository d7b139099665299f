/* SPDX-License-Identifier: MIT */
/* The text of a page, whatever the page is: UTF-8, in the one form, which stays as it is when it is put
 * into it again. Here in one process, so that the parser's own faults show too. */
#include "fuzz/fuzz.h"

#include "base/text.h"
#include "capture/page_text.h"
#include "plain_slowly.h"
#include "words/plain.h"

#define PAGE_MAX 65536 /* more takes long and shows nothing else */

static void check_form(struct vdm_bytes text)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    FUZZ_CHECK(vdm_utf8_valid(text));
    FUZZ_CHECK(vdm_plain_append(&again, text, NULL));
    FUZZ_CHECK(vdm_bytes_equal(text, vdm_buf_bytes(&again)));
    FUZZ_CHECK(text.n == 0 || (text.p[text.n - 1] == '\n' && text.p[0] != ' '));
    for (size_t i = 0; i + 1 < text.n; i++) {
        bool parts = text.p[i] == ' ' || text.p[i] == '\n';
        FUZZ_CHECK(!parts || (text.p[i + 1] != ' ' && text.p[i + 1] != '\n'));
    }
}

static void check_same(struct vdm_bytes utf8, struct vdm_bytes text)
{
    struct vdm_buf slow VDM_CLEANUP(vdm_buf_release) = {0};
    plain_slowly(&slow, utf8);
    FUZZ_CHECK(vdm_bytes_equal(text, vdm_buf_bytes(&slow)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n < PAGE_MAX ? n : PAGE_MAX};
    struct vdm_buf utf8 VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf seen VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    FUZZ_CHECK(vdm_plain_decode(&utf8, input, vdm_page_encoding(input), NULL));
    FUZZ_CHECK(vdm_utf8_valid(vdm_buf_bytes(&utf8)));
    FUZZ_CHECK(vdm_plain_append(&plain, vdm_buf_bytes(&utf8), NULL));
    check_form(vdm_buf_bytes(&plain));
    check_same(vdm_buf_bytes(&utf8), vdm_buf_bytes(&plain));
    if (!vdm_page_text(&seen, vdm_buf_bytes(&utf8), NULL))
        return 0;
    FUZZ_CHECK(vdm_plain_append(&text, vdm_buf_bytes(&seen), NULL));
    check_form(vdm_buf_bytes(&text));
    check_same(vdm_buf_bytes(&seen), vdm_buf_bytes(&text));
    return 0;
}
