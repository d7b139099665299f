/* SPDX-License-Identifier: MIT */
/* A signer: a secret key with its name, ready to sign notes (C2SP signed-note, Ed25519). With it
 * come key files (keys/keyfile_io.h) and passphrases (keys/passphrase.h), in a library of its own
 * (vdm_signer): a program that only verifies links vdm_keys alone. */
#ifndef VDM_KEYS_SIGNER_H
#define VDM_KEYS_SIGNER_H

#include "format/note.h"
#include "keys/keyfile_io.h"

struct vdm_signer;

/* `c` must outlive the signer. A new key under a name of ours, not saved yet. */
bool vdm_signer_generate(struct vdm_signer **out, struct vdm_crypto *c, struct vdm_bytes name,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* As vdm_keyfile_load. */
bool vdm_signer_load(struct vdm_signer **out, struct vdm_crypto *c, int dir, const char *path,
                     const struct vdm_secret *passphrase, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_signer_close(struct vdm_signer *s);    /* wipes the key; NULL is fine */
void vdm_signer_cleanup(struct vdm_signer **s); /* for VDM_CLEANUP */

/* As vdm_keyfile_save and vdm_keyfile_save_again. */
bool vdm_signer_save(const struct vdm_signer *s, int dir, const char *path,
                     const struct vdm_keyfile_lock *lock, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_signer_save_again(const struct vdm_signer *s, int dir, const char *path,
                           const struct vdm_keyfile_lock *lock, struct vdm_err *err) VDM_MUST_CHECK;

/* Let the group of a shared folder (base/file.h) read a key file in it, and nobody else: 0640. */
bool vdm_signer_share(int dir, const char *path, struct vdm_err *err) VDM_MUST_CHECK;

/* Valid as long as the signer. */
const struct vdm_vkey *vdm_signer_vkey(const struct vdm_signer *s);

/* Append text, LF and the signature line to `note`: a whole note. The text must end in LF and be
 * one that a note can carry (UTF-8, no control character but LF), and text, LF and line together at
 * most VDM_NOTE_MAX bytes; else VDM_ERR_MALFORMED. The text must not lie in `note` itself. */
bool vdm_signer_append_note(const struct vdm_signer *s, struct vdm_bytes text, struct vdm_buf *note,
                            struct vdm_err *err) VDM_MUST_CHECK;
/* Append the signature line alone, for a note with several: the first by vdm_signer_append_note. */
bool vdm_signer_append_signature(const struct vdm_signer *s, struct vdm_bytes text,
                                 struct vdm_buf *out, struct vdm_err *err) VDM_MUST_CHECK;

#endif
