/* SPDX-License-Identifier: MIT */
/* Notes: one form only; a signature is good over its text and over no other. */
#include "fuzz/fuzz.h"

static void write_again(const struct vdm_note *note, struct vdm_buf *out)
{
    vdm_buf_put(out, note->text);
    vdm_buf_putc(out, '\n');
    for (size_t i = 0; i < note->signatures; i++) {
        vdm_buf_puts(out, "\xE2\x80\x94 ");
        vdm_buf_put(out, note->signature[i].name);
        vdm_buf_putc(out, ' ');
        vdm_buf_put(out, note->signature[i].base64);
        vdm_buf_putc(out, '\n');
    }
}

static enum vdm_note_verdict verdict(struct vdm_bytes whole, const struct vdm_vkey *key)
{
    struct vdm_note note;
    FUZZ_CHECK(vdm_note_decode(whole, &note, NULL));
    return vdm_note_verify(&note, fuzz_crypto(), key, NULL);
}

/* The same text, signed by a key of ours. */
static void sign(struct vdm_bytes text)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_signing_key *key = fuzz_key(1);
    struct vdm_pubkey public_key = vdm_signing_key_public(key);
    struct vdm_vkey k;
    struct vdm_sig sig = vdm_sign(key, text);
    FUZZ_CHECK(vdm_vkey_make(fuzz_crypto(), VDM_LIT("fuzz"), &public_key, &k, NULL));
    vdm_buf_put(&note, text);
    vdm_buf_putc(&note, '\n');
    vdm_note_put_signature(&note, vdm_str(k.name), k.id, &sig);
    vdm_signing_key_close(key);
    if (note.n > VDM_NOTE_MAX)
        return;
    FUZZ_CHECK(verdict(vdm_buf_bytes(&note), &k) == VDM_NOTE_GOOD);
    if (text.p[0] < 'a' || text.p[0] > 'y')
        return;
    note.p[0]++;
    FUZZ_CHECK(verdict(vdm_buf_bytes(&note), &k) == VDM_NOTE_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n};
    struct vdm_note note;
    if (!vdm_note_decode(input, &note, NULL))
        return 0;
    FUZZ_CHECK(n <= VDM_NOTE_MAX);
    FUZZ_CHECK(note.signatures >= 1 && note.signatures <= VDM_SIGNATURES_MAX);
    write_again(&note, &again);
    fuzz_same(&again, input);
    sign(note.text);
    return 0;
}
