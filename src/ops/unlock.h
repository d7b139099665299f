/* SPDX-License-Identifier: MIT */
/* Finding and opening the keys that an archive's commands sign with. */
#ifndef VDM_OPS_UNLOCK_H
#define VDM_OPS_UNLOCK_H

#include "keys/passphrase.h"
#include "keys/signer.h"
#include "ops/archive.h"

/* Where a passphrase comes from: the terminal or a file, as the user said. `out` is opened by get. */
struct vdm_passphrases {
    bool (*get)(void *ctx, const char *key_name, struct vdm_secret *out, struct vdm_err *err);
    void *ctx;
    unsigned
        tries; /* how often it is asked for while it opens nothing; a file says the same each time */
    struct vdm_secret last; /* the one that opened a key last is tried first; release when done */
};
void vdm_passphrases_release(struct vdm_passphrases *p);

/* Open, out of keys/ of the archive, the key of this role that may sign entry (or checkpoint) number n.
 * With several archivists' keys `name` says whose; NULL where there is only one. */
bool vdm_unlock(struct vdm_archive *a, const struct vdm_keyring *ring, enum vdm_key_role role,
                const char *name, uint64_t n, struct vdm_passphrases *p, struct vdm_signer **out,
                struct vdm_err *err) VDM_MUST_CHECK;

/* The signer and the ledger key together: what writing takes. */
struct vdm_signers {
    struct vdm_signer *signer, *ledger;
};
bool vdm_unlock_for_writing(struct vdm_archive *a, const char *signer, struct vdm_passphrases *p,
                            struct vdm_signers *out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_signers_release(struct vdm_signers *s);

#endif
