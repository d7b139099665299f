/* SPDX-License-Identifier: MIT */
/* Proof files, inclusion and consistency. */
#include "fuzz/fuzz.h"

#include "format/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n};
    struct vdm_inclusion_proof inclusion;
    struct vdm_consistency_proof consistency;
    bool is_inclusion = vdm_inclusion_proof_decode(input, &inclusion, NULL);
    bool is_consistency = vdm_consistency_proof_decode(input, &consistency, NULL);
    FUZZ_CHECK(!(is_inclusion && is_consistency));
    if (is_inclusion) {
        FUZZ_CHECK(inclusion.hashes <= VDM_PROOF_HASHES_MAX && n <= VDM_NOTE_MAX);
        vdm_inclusion_proof_append(&again, &inclusion);
        fuzz_same(&again, input);
    }
    if (is_consistency) {
        FUZZ_CHECK(consistency.hashes <= VDM_PROOF_HASHES_MAX && n <= VDM_NOTE_MAX);
        vdm_consistency_proof_append(&again, &consistency);
        fuzz_same(&again, input);
    }
    return 0;
}
