/* SPDX-License-Identifier: MIT */
/* Seals, as the text of a note and as a whole note. */
#include "fuzz/fuzz.h"

#include "format/seal.h"

static void check(const struct vdm_seal *s, struct vdm_bytes text)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    FUZZ_CHECK(vdm_origin_valid(s->ledger) && s->size <= VDM_NUMBER_MAX);
    vdm_seal_append(&again, s);
    fuzz_same(&again, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_seal s;
    struct vdm_note note;
    if (vdm_seal_decode(input, &s, NULL))
        check(&s, input);
    if (vdm_seal_open(input, &note, &s, NULL)) {
        FUZZ_CHECK(note.signatures == 1);
        check(&s, note.text);
    }
    return 0;
}
