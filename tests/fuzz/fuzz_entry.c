/* SPDX-License-Identifier: MIT */
/* Entries of every kind, as the text of a note and as a whole note. */
#include "fuzz/fuzz.h"

#include "format/entry.h"

static void check(const struct vdm_entry *e, struct vdm_bytes text)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    FUZZ_CHECK(vdm_origin_valid(e->ledger) && vdm_name_valid(e->signer));
    FUZZ_CHECK(e->n <= VDM_NUMBER_MAX && (e->n == 0 ? e->keyring == 0 : e->keyring < e->n));
    FUZZ_CHECK(e->kind == VDM_ENTRY_UNKNOWN || (e->n == 0) == (e->kind == VDM_ENTRY_GENESIS));
    FUZZ_CHECK(e->kind != VDM_ENTRY_AMENDMENT || e->capture.amends < e->n);
    FUZZ_CHECK(e->kind != VDM_ENTRY_WITHDRAWAL || e->withdrawal.of < e->n);
    vdm_entry_append(&again, e);
    fuzz_same(&again, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_entry e;
    struct vdm_note note;
    if (vdm_entry_decode(fuzz_crypto(), input, &e, NULL))
        check(&e, input);
    if (vdm_entry_open(fuzz_crypto(), input, &note, &e, NULL)) {
        FUZZ_CHECK(note.signatures == 1 && note.signature[0].id == e.signer_id);
        FUZZ_CHECK(vdm_bytes_equal(note.signature[0].name, e.signer));
        check(&e, note.text);
    }
    return 0;
}
