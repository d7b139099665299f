/* SPDX-License-Identifier: MIT */
/* Times of ours have one form; dates of sources are printable ASCII, and every time of ours is one. */
#include "fuzz/fuzz.h"

#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_time t;
    char again[VDM_TIME_LEN + 1];
    bool valid = vdm_source_date_valid(input);
    if (vdm_time_decode(input, &t)) {
        vdm_time_encode(t, again);
        FUZZ_CHECK(vdm_bytes_equal_str(input, again));
        FUZZ_CHECK(valid);
    }
    for (size_t i = 0; valid && i < n; i++)
        FUZZ_CHECK(data[i] > 0x20 && data[i] < 0x7F);
    FUZZ_CHECK(!valid || n > 0);
    return 0;
}
