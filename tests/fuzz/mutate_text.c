/* SPDX-License-Identifier: MIT */
/* Changes to texts: often whole lines, because lines are what our texts are made of; and mostly with
 * hashes of keys that fit again, so that what stands behind a key is reached. */
#include "fuzz/fuzz.h"

#include <string.h>

/* One of the text's lines, its LF included. */
static struct vdm_bytes some_line(struct vdm_bytes text, unsigned roll)
{
    size_t from = roll % text.n, to = from;
    while (from > 0 && text.p[from - 1] != '\n')
        from--;
    while (to < text.n && text.p[to] != '\n')
        to++;
    return (struct vdm_bytes){text.p + from, to < text.n ? to + 1 - from : to - from};
}

static size_t drop(uint8_t *data, size_t n, struct vdm_bytes line)
{
    size_t at = (size_t)(line.p - data);
    memmove(data + at, data + at + line.n, n - at - line.n);
    return n - line.n;
}

/* A copy of `line` in front of `before`. */
static size_t copy(uint8_t *data, size_t n, size_t cap, struct vdm_bytes line,
                   struct vdm_bytes before)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    size_t at = (size_t)(before.p - data);
    if (n + line.n > cap)
        return n;
    vdm_buf_put(&whole, (struct vdm_bytes){data, at});
    vdm_buf_put(&whole, line);
    vdm_buf_put(&whole, (struct vdm_bytes){data + at, n - at});
    FUZZ_CHECK(!whole.failed);
    memcpy(data, whole.p, whole.n);
    return whole.n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t cap, unsigned seed)
{
    struct vdm_bytes text = {data, n};
    if (n && seed % 8 == 0)
        n = drop(data, n, some_line(text, seed >> 8));
    else if (n && seed % 8 < 3)
        n = copy(data, n, cap, some_line(text, seed >> 8), some_line(text, seed >> 16));
    if (seed % 8 >= 2)
        n = LLVMFuzzerMutate(data, n, cap);
    if (seed >> 4 & 3)
        fuzz_mend_keys(data, n);
    return n;
}
