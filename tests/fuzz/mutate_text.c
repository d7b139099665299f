/* SPDX-License-Identifier: MIT */
/* Changes to texts that hold keys: mostly with hashes that fit again, so that what stands behind a
 * key is reached. */
#include "fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t cap, unsigned seed)
{
    n = LLVMFuzzerMutate(data, n, cap);
    if (seed % 4)
        fuzz_mend_keys(data, n);
    return n;
}
