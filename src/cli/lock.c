/* SPDX-License-Identifier: MIT */
/* The passphrase that new key files are sealed under. */
#include "cli/cli.h"

#include <fcntl.h>

static bool get(struct vdm_cli_lock *l, const char *file, const char *what, struct vdm_err *err)
{
    return file ? vdm_passphrase_read(&l->passphrase, AT_FDCWD, file, err)
                : vdm_passphrase_ask(&l->passphrase, what, true, err);
}

bool vdm_cli_lock(struct vdm_cli_lock *l, const struct vdm_args *args, const char *file_option,
                  const char *what, struct vdm_err *err)
{
    const char *file = vdm_args_value(args, file_option);
    *l = (struct vdm_cli_lock){.locked = !vdm_args_has(args, "no-passphrase")};
    if (!l->locked)
        return !file || vdm_fail_as(err, VDM_ERR_USAGE,
                                    "--%s and --no-passphrase exclude each other", file_option);
    vdm_kdf_choose(&l->kdf);
    return get(l, file, what, err);
}

const struct vdm_keyfile_lock *vdm_cli_lock_of(struct vdm_cli_lock *l)
{
    l->lock = (struct vdm_keyfile_lock){&l->passphrase, &l->kdf};
    return l->locked ? &l->lock : NULL;
}

void vdm_cli_lock_release(struct vdm_cli_lock *l)
{
    vdm_secret_release(&l->passphrase);
}
