/* SPDX-License-Identifier: MIT */
/* Changes to a tar: mostly with checksums that fit again. */
#include "fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t cap, unsigned seed)
{
    n = LLVMFuzzerMutate(data, n, cap);
    if (seed % 4)
        fuzz_mend_tar(data, n);
    return n;
}
