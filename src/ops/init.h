/* SPDX-License-Identifier: MIT */
/* A new archive: keys, store, ledger with genesis and the first signer's authorization. */
#ifndef VDM_OPS_INIT_H
#define VDM_OPS_INIT_H

#include "keys/signer.h"

struct vdm_init_request {
    const char *path;                    /* made if it is not there */
    const char *origin;                  /* the ledger's name */
    const char *signer;                  /* name of the first archivist's key */
    const struct vdm_keyfile_lock *lock; /* NULL: keys in the clear */
    const char *group; /* name or number of the group that shares it; NULL: for its owner only */
    const char *continues; /* file with the last checkpoint of an older ledger; NULL: none */
};
struct vdm_init_done {
    struct vdm_vkey authority, ledger, signer;
    char signer_file[300]; /* below keys/, without suffix */
    struct vdm_buf checkpoint;
};

/* Could it be made: are the names good, is the place free? To be asked before a passphrase is. */
bool vdm_init_check(const struct vdm_init_request *r, struct vdm_err *err) VDM_MUST_CHECK;

/* Refuses (VDM_ERR_REFUSED) a folder that holds an archive or keys already. After an error what was
 * made is gone again. */
bool vdm_init(struct vdm_crypto *c, const struct vdm_init_request *r, struct vdm_init_done *out,
              struct vdm_err *err) VDM_MUST_CHECK;

#endif
