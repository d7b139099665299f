/* SPDX-License-Identifier: MIT */
/* Finding and opening the secret keys that a command signs with. */
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

enum vdm_key_use {
    VDM_USE_SIGNER = 1,
    VDM_USE_LEDGER = 2,
    VDM_USE_AUTHORITY = 4,
    VDM_USE_AUDITOR = 8, /* in place of a signer's */
};

/* Which secret keys a command needs, and where they are. */
struct vdm_unlock {
    unsigned keys;           /* enum vdm_key_use */
    const char *signer;      /* whose key signs; NULL: keys/ holds one that may. Or the auditor */
    const char *signer_file; /* as for open(2); NULL: look in keys/ */
    const char *authority_file; /* as for open(2); NULL: keys/authority.key */
    /* What this write does to the keys: then the ledger key is the one in force after it. NULL:
     * nothing. */
    const struct vdm_key_event *change;
};

/* What was opened; the rest is NULL. */
struct vdm_signers {
    struct vdm_signer *signer, *ledger, *authority; /* signer: or auditor */
    struct vdm_signer *old_ledger; /* in force until `change`, where keys/ holds it */
};
void vdm_signers_release(struct vdm_signers *s);

/* Open the keys that may sign the next entry and the checkpoint over it, the authority's first. Asks
 * for one passphrase where the keys have the same. */
bool vdm_unlock(struct vdm_archive *a, const struct vdm_unlock *u, struct vdm_passphrases *p,
                struct vdm_signers *out, struct vdm_err *err) VDM_MUST_CHECK;

/* One key file, path as for openat(2). */
bool vdm_unlock_file(struct vdm_crypto *c, int dir, const char *path, struct vdm_passphrases *p,
                     struct vdm_signer **out, struct vdm_err *err) VDM_MUST_CHECK;

/* Does keys/ hold the secret key of `key`? Its file's name goes to `file` (may be NULL). What cannot be
 * read is passed over. */
bool vdm_key_at_hand(struct vdm_archive *a, const struct vdm_vkey *key, char file[256]);

#endif
