/* SPDX-License-Identifier: MIT */
/* The keys of a ledger as lines, for status and the key commands. */
#ifndef VDM_CLI_KEYLIST_H
#define VDM_CLI_KEYLIST_H

#include "cli/cli.h"
#include "ops/key_change.h"

/* Role, fingerprint and name after the words `before`. */
void vdm_key_print(struct vdm_cli *cli, const char *before, enum vdm_key_role role,
                   const struct vdm_vkey *k);
void vdm_keys_print(struct vdm_cli *cli, const struct vdm_keyring *ring);
const char *vdm_key_state(const struct vdm_key_range *r);
/* --role, which must be given and is never the authority's. */
bool vdm_cli_role(const struct vdm_args *args, enum vdm_key_role *out,
                  struct vdm_err *err) VDM_MUST_CHECK;
/* Check cli->key_change and say what it will do; the keys are then unlocked for it. */
bool vdm_cli_say_key_change(struct vdm_cli *cli, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_cli_print_key_changed(struct vdm_cli *cli, const struct vdm_key_changed *done,
                               struct vdm_err *err) VDM_MUST_CHECK;
/* A request for the entry n, to a new file, and what comes then. */
bool vdm_cli_write_request(struct vdm_cli *cli, const char *file, uint64_t n,
                           struct vdm_bytes request, struct vdm_err *err) VDM_MUST_CHECK;

#endif
