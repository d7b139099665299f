/* SPDX-License-Identifier: MIT */
/* Secret key files `<file>.key` on disk (docs/FORMATS.md, "Key files"). Two forms:
 *
 *     PRIVATE+KEY+<name>+<hash>+<base64>    in the clear, as Go's note package has it; one line
 *     vidimus/key/v1 ...                    sealed under a passphrase (format/keyfile.h)
 *
 * What is secret is read, decoded and written in guarded memory only. A file is refused
 * (VDM_ERR_FAILED) where group or others have any permission, or where it belongs neither to the
 * caller nor to root; but see keys/private.h for the ledger key of a group. Links are followed for reading: what counts is the file behind them. Keys are
 * of ours (vdm_vkey_is_ours). */
#ifndef VDM_KEYS_KEYFILE_IO_H
#define VDM_KEYS_KEYFILE_IO_H

#include "crypto/sign.h"
#include "format/vkey.h"

/* Do these first bytes of a file say that it is a secret key, of whatever archive? */
bool vdm_keyfile_is_secret(struct vdm_bytes head);

enum vdm_keyfile_form {
    VDM_KEYFILE_CLEAR,
    VDM_KEYFILE_SEALED, /* needs a passphrase */
};
struct vdm_keyfile_info {
    enum vdm_keyfile_form form;
    struct vdm_vkey vkey; /* of a sealed file: what it says, proved only by loading it */
};

/* What a key file is, without a passphrase. */
bool vdm_keyfile_peek(struct vdm_crypto *c, int dir, const char *path, struct vdm_keyfile_info *out,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* A secret key and the name and public key it goes by. */
struct vdm_keypair {
    struct vdm_vkey vkey;
    struct vdm_signing_key *key; /* owned */
};
void vdm_keypair_release(struct vdm_keypair *k); /* wipes; a zeroed one is fine */

/* A passphrase is needed for a sealed file (VDM_ERR_USAGE without) and left unused for the other
 * (NULL is fine). A wrong one is VDM_ERR_PASSPHRASE, and cannot be told from damage to what is sealed.
 * The public key must be the one that the file names. */
bool vdm_keyfile_load(struct vdm_crypto *c, int dir, const char *path,
                      const struct vdm_secret *passphrase, struct vdm_keypair *out,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* How to seal. The passphrase must not be empty; of `kdf` the work and the memory count (within the
 * bounds of base/limits.h), the salt is chosen afresh for each file. */
struct vdm_keyfile_lock {
    const struct vdm_secret *passphrase;
    const struct vdm_kdf *kdf;
};
/* Mode 0600, durable on return. `lock` NULL: in the clear. A file that is there already is kept,
 * and that is an error. */
bool vdm_keyfile_save(const struct vdm_keypair *k, int dir, const char *path,
                      const struct vdm_keyfile_lock *lock, struct vdm_err *err) VDM_MUST_CHECK;
/* For another passphrase: replace a key file, which must be there, be no link, and name this same
 * key. A crash leaves the old one or the new one. What the old one held may stay on the disk. */
bool vdm_keyfile_save_again(struct vdm_crypto *c, const struct vdm_keypair *k, int dir,
                            const char *path, const struct vdm_keyfile_lock *lock,
                            struct vdm_err *err) VDM_MUST_CHECK;

#endif
