/* SPDX-License-Identifier: MIT */
/* Checkpoints, as the text of a note and as a whole note. */
#include "fuzz/fuzz.h"

#include "format/checkpoint.h"

static void check(const struct vdm_checkpoint *c, struct vdm_bytes text)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    FUZZ_CHECK(c->origin.n > 0 && c->size <= VDM_NUMBER_MAX);
    vdm_checkpoint_append(&again, c);
    fuzz_same(&again, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_checkpoint c;
    struct vdm_note note;
    if (vdm_checkpoint_decode(input, &c, NULL))
        check(&c, input);
    if (vdm_checkpoint_open(input, &note, &c, NULL))
        check(&c, note.text);
    return 0;
}
