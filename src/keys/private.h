/* SPDX-License-Identifier: MIT */
/* Files that hold a secret, for keyfile_io.c and passphrase.c. */
#ifndef VDM_KEYS_PRIVATE_H
#define VDM_KEYS_PRIVATE_H

#include "crypto/sign.h"

/* Read the first bytes of a file, at most `cap`, straight into guarded memory; opens `out`, which
 * the caller releases. A longer file is cut, so `cap` is one more than what is accepted.
 *
 * Refused (VDM_ERR_FAILED) where group or others have any permission, or where it belongs neither
 * to the caller nor to root. The file that was opened is asked, not its name. Two more are taken: */
enum vdm_private_kind {
    /* in a folder that a group shares (base/file.h), one that this group may read and nobody else:
     * the ledger key */
    VDM_PRIVATE_KEY,
    /* root's, of group 0, with mode 0440: so systemd hands credentials to a service */
    VDM_PRIVATE_PASSPHRASE,
};
bool vdm_private_read(enum vdm_private_kind kind, int dir, const char *path, bool follow,
                      size_t cap, struct vdm_secret *out, struct vdm_err *err) VDM_MUST_CHECK;

#endif
