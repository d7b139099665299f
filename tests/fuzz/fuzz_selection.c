/* SPDX-License-Identifier: MIT */
/* The list of selected entries: however it is cut into pieces, it reads the same and has one form.
 * The first byte says how long the pieces are. */
#include "fuzz/fuzz.h"

#include "bundle/layout.h"

/* Writes what it understands to `again`; false if it is refused. */
static bool decode(struct vdm_bytes text, size_t step, struct vdm_buf *again)
{
    struct vdm_selection_decoder d = {0};
    uint64_t n = 0, last = 0, count = 0;
    bool found;
    while (text.n) {
        struct vdm_bytes piece = fuzz_take(&text, step);
        do {
            if (!vdm_selection_decode(&d, &piece, &found, &n, NULL))
                return false;
            if (!found)
                break;
            FUZZ_CHECK(n <= VDM_NUMBER_MAX && (count == 0 || n > last));
            last = n;
            count++;
            vdm_selection_append(again, n);
        } while (true);
        FUZZ_CHECK(piece.n == 0);
    }
    FUZZ_CHECK(d.count == count);
    return vdm_selection_end(&d, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf cut VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n};
    size_t step = 1 + (size_t)fuzz_number(&input, 1);
    bool good = decode(input, input.n + 1, &whole);
    FUZZ_CHECK(decode(input, step, &cut) == good);
    FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(&whole), vdm_buf_bytes(&cut)));
    if (good)
        fuzz_same(&whole, input);
    return 0;
}
