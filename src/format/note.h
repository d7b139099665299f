/* SPDX-License-Identifier: MIT */
/* Signed notes (C2SP signed-note v1.0.0): a text, a blank line, signature lines. */
#ifndef VDM_FORMAT_NOTE_H
#define VDM_FORMAT_NOTE_H

#include "base/limits.h"
#include "format/vkey.h"

struct vdm_note_signature {
    struct vdm_bytes name;
    uint32_t id;
    struct vdm_bytes base64; /* key id and signature, checked to be canonical base64 */
};

/* Borrows from the bytes that were decoded. */
struct vdm_note {
    struct vdm_bytes text; /* ends with its LF, which is signed */
    size_t signatures;     /* at least one */
    struct vdm_note_signature signature[VDM_SIGNATURES_MAX];
};

/* At most VDM_NOTE_MAX bytes. */
bool vdm_note_decode(struct vdm_bytes whole, struct vdm_note *out,
                     struct vdm_err *err) VDM_MUST_CHECK;

/* Copies no more of the table of signatures than is filled: most notes have one. */
void vdm_note_copy(struct vdm_note *to, const struct vdm_note *from);

/* What a note says of one key. Lines by other keys are ignored; every line by this one must be
 * good. */
enum vdm_note_verdict {
    VDM_NOTE_NOT_BY,
    VDM_NOTE_GOOD,
    VDM_NOTE_BAD,
};
/* A key of type 4 checks a cosignature/v1 line; then *cosigned_at (may be NULL) is its time. */
enum vdm_note_verdict vdm_note_verify(const struct vdm_note *note, struct vdm_crypto *c,
                                      const struct vdm_vkey *key, uint64_t *cosigned_at);

/* The signature of a type 1 line; false if it has another length. */
bool vdm_note_signature_ed25519(const struct vdm_note_signature *line,
                                struct vdm_sig *out) VDM_MUST_CHECK;

/* A note is written as text, LF, then one of these for each signature. */
void vdm_note_put_signature(struct vdm_buf *out, struct vdm_bytes name, uint32_t id,
                            const struct vdm_sig *sig);

/* What a cosignature/v1 signs: its header and the checkpoint's text (C2SP tlog-cosignature). */
void vdm_cosigned_message_append(struct vdm_buf *out, uint64_t posix_seconds,
                                 struct vdm_bytes text);

#endif
