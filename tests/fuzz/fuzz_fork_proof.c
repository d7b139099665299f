/* SPDX-License-Identifier: MIT */
/* Fork proofs: one form; and the checkpoints of one that is taken contradict each other by their
 * words alone, whoever signed them. */
#include "fuzz/fuzz.h"

#include "format/fork_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n};
    struct vdm_fork_proof p;
    if (!vdm_fork_proof_decode(fuzz_crypto(), input, &p, NULL))
        return 0;
    bool same_size = p.head[0].size == p.head[1].size;
    FUZZ_CHECK(n <= VDM_FORK_PROOF_MAX && p.hashes <= VDM_PROOF_HASHES_MAX);
    FUZZ_CHECK(p.head[0].size >= 1 && p.head[0].size <= p.head[1].size);
    FUZZ_CHECK(!same_size || p.hashes == 0);
    FUZZ_CHECK(!vdm_digest_equal(p.head[0].root, same_size ? p.head[1].root : p.root));
    for (int i = 0; i < 2; i++)
        FUZZ_CHECK(vdm_bytes_equal_str(p.head[i].origin, p.key.name));
    vdm_fork_proof_append(&again, &p);
    fuzz_same(&again, input);
    return 0;
}
