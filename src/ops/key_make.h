/* SPDX-License-Identifier: MIT */
/* Secret key files: making one, changing its passphrase. No ledger is written. */
#ifndef VDM_OPS_KEY_MAKE_H
#define VDM_OPS_KEY_MAKE_H

#include "keys/pub.h"
#include "ops/unlock.h"

/* May a new key of this role have this name? Only ledger keys are named like the ledger, so for them
 * *name may be NULL and is filled in (borrowing from the archive). */
bool vdm_key_check_name(struct vdm_archive *a, enum vdm_key_role role, const char **name,
                        struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_key_made {
    struct vdm_vkey vkey;
    char base[VDM_KEY_FILE_BASE_MAX + 1]; /* of its files in keys/, without `.key` and `.pub` */
};
/* `lock` NULL: in the clear. Overwrites nothing. */
bool vdm_key_make(struct vdm_archive *a, const char *name, const struct vdm_keyfile_lock *lock,
                  struct vdm_key_made *out, struct vdm_err *err) VDM_MUST_CHECK;

/* A key file that was opened, to be sealed anew. Zero-initialise, release. */
struct vdm_key_opened {
    char *path;
    struct vdm_signer *signer;
};
void vdm_key_opened_release(struct vdm_key_opened *k);
/* `what` is a file (ends in `.key`), or the name of a key or a file's name without `.key` in keys/ of
 * the archive at this path. */
bool vdm_key_file_open(struct vdm_crypto *c, const char *archive, const char *what,
                       struct vdm_passphrases *p, struct vdm_key_opened *out,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* The file holds the old form or the new one at every moment. */
bool vdm_key_file_lock(const struct vdm_key_opened *k, const struct vdm_keyfile_lock *lock,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
