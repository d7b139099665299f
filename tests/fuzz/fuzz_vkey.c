/* SPDX-License-Identifier: MIT */
/* Public keys as text, and how entries name their signer. */
#include "fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n}, name;
    struct vdm_vkey key;
    uint32_t id;
    if (vdm_vkey_decode(fuzz_crypto(), input, &key, NULL)) {
        FUZZ_CHECK(strlen(key.name) <= VDM_VKEY_NAME_MAX && vdm_note_name_valid(vdm_str(key.name)));
        FUZZ_CHECK(vdm_pubkey_valid(&key.key));
        vdm_vkey_append(&again, &key);
        fuzz_same(&again, input);
    }
    if (vdm_signer_decode(input, &name, &id)) {
        FUZZ_CHECK(vdm_name_valid(name) && name.n <= VDM_NAME_MAX);
        vdm_buf_clear(&again);
        vdm_signer_append(&again, name, id);
        fuzz_same(&again, input);
    }
    return 0;
}
