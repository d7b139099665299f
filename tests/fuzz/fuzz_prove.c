/* SPDX-License-Identifier: MIT */
/* A single proof and a single checkpoint, checked with the vectors' ledger keys. What is verified is
 * signed: the checkpoint's text is the vectors' own, and so is the entry. */
#include "fuzz/fuzz.h"
#include "unit/ops/bundle_kit.h"

#include "format/proof.h"

struct known {
    struct vdm_vkey keys[2];
    struct vdm_buf checkpoint; /* the text that was signed */
    struct vdm_buf entry;      /* the note that the proof among the vectors is about */
};

static const struct known *known(void)
{
    static struct known k; /* the vectors are read once */
    struct vdm_note note;
    if (k.checkpoint.n)
        return &k;
    k.keys[0] = vkey_of(fuzz_crypto(), "ledger");
    k.keys[1] = vkey_of(fuzz_crypto(), "ledger2");
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = vector("checkpoint");
    FUZZ_CHECK(vdm_note_decode(vdm_buf_bytes(&whole), &note, NULL));
    vdm_buf_put(&k.checkpoint, note.text);
    k.entry = vector("entries/000004");
    return &k;
}

static void check_checkpoint(struct vdm_bytes input, const struct vdm_trust *trust)
{
    struct vdm_report report VDM_CLEANUP(vdm_report_release);
    struct vdm_note note;
    vdm_report_init(&report);
    if (!vdm_verify_checkpoint(fuzz_crypto(), input, trust, &report, NULL) ||
        vdm_report_verdict(&report) != VDM_VERIFIED)
        return;
    FUZZ_CHECK(vdm_note_decode(input, &note, NULL));
    FUZZ_CHECK(vdm_bytes_equal(note.text, vdm_buf_bytes(&known()->checkpoint)));
}

static void check_proof(struct vdm_bytes input, const struct vdm_trust *trust)
{
    struct vdm_report report VDM_CLEANUP(vdm_report_release);
    struct vdm_proved_entry entry VDM_CLEANUP(vdm_proved_entry_release) = {0};
    vdm_report_init(&report);
    if (!vdm_verify_proof(fuzz_crypto(), input, trust, &report, &entry, NULL) ||
        vdm_report_verdict(&report) != VDM_VERIFIED)
        return;
    FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(&entry.bytes), vdm_buf_bytes(&known()->entry)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_trust trust = {.key = known()->keys, .keys = 2};
    check_checkpoint((struct vdm_bytes){data, n}, &trust);
    check_proof((struct vdm_bytes){data, n}, &trust);
    return 0;
}
