/* SPDX-License-Identifier: MIT */
/* Requests to an authority: one form; the entry is one that an authority signs, and every effect is
 * an escaped line of its own. */
#include "fuzz/fuzz.h"

#include "format/request.h"
#include "format/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf effects VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf meant VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n}, value;
    struct vdm_request r;
    if (!vdm_request_decode(fuzz_crypto(), input, &r, NULL))
        return 0;
    FUZZ_CHECK(r.entry.n == r.size && r.size > 0);
    FUZZ_CHECK(r.entry.kind == VDM_ENTRY_KEY || r.entry.kind == VDM_ENTRY_WITHDRAWAL);
    struct vdm_bytes rest = r.effects;
    while (vdm_request_next_effect(&rest, &value)) {
        vdm_buf_clear(&meant);
        vdm_value_decode(value, &meant);
        vdm_request_append_effect(&effects, vdm_buf_bytes(&meant));
    }
    FUZZ_CHECK(rest.n == 0);
    fuzz_same(&effects, r.effects);
    vdm_request_append(&again, &r);
    fuzz_same(&again, input);
    return 0;
}
