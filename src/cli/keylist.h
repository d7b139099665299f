/* SPDX-License-Identifier: MIT */
/* The keys of a ledger as lines, for status and `key list`. */
#ifndef VDM_CLI_KEYLIST_H
#define VDM_CLI_KEYLIST_H

#include "cli/cli.h"

void vdm_keys_print(struct vdm_cli *cli, const struct vdm_keyring *ring);
const char *vdm_key_state(const struct vdm_key_range *r);

#endif
