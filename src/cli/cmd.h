/* SPDX-License-Identifier: MIT */
/* One function a command, in a file of its own; commands.c puts them into the table. */
#ifndef VDM_CLI_CMD_H
#define VDM_CLI_CMD_H

#include "cli/cli.h"

#define VDM_COMMAND(name)                                                                          \
    bool vdm_cmd_##name(struct vdm_cli *cli, const struct vdm_args *args, int *status,             \
                        struct vdm_err *err)

VDM_COMMAND(init);
VDM_COMMAND(import);
VDM_COMMAND(amend);
VDM_COMMAND(withdraw);
VDM_COMMAND(log);
VDM_COMMAND(find);
VDM_COMMAND(history);
VDM_COMMAND(show);
VDM_COMMAND(cat);
VDM_COMMAND(verify);
VDM_COMMAND(bundle);
VDM_COMMAND(checkpoint);
VDM_COMMAND(prove);
VDM_COMMAND(fork_proof);
VDM_COMMAND(recover);
VDM_COMMAND(reindex);
VDM_COMMAND(status);
VDM_COMMAND(key_list);
VDM_COMMAND(key_new);
VDM_COMMAND(key_change);
VDM_COMMAND(key_sign);
VDM_COMMAND(key_submit);
VDM_COMMAND(key_passwd);
VDM_COMMAND(key_export);
VDM_COMMAND(trust);

unsigned vdm_needs_of_bundle(const struct vdm_args *args);
unsigned vdm_needs_of_import(const struct vdm_args *args);
unsigned vdm_needs_of_amend(const struct vdm_args *args);
bool vdm_plan_withdraw(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);
unsigned vdm_needs_of_key_change(const struct vdm_args *args);
bool vdm_plan_key_submit(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);
bool vdm_plan_key_change(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);

extern const struct vdm_opt vdm_opts_init[], vdm_opts_import[], vdm_opts_amend[],
    vdm_opts_withdraw[], vdm_opts_log[], vdm_opts_verify[], vdm_opts_bundle[],
    vdm_opts_checkpoint[], vdm_opts_prove[], vdm_opts_fork_proof[], vdm_opts_key_new[],
    vdm_opts_key_authorize[], vdm_opts_key_retire[], vdm_opts_key_revoke[], vdm_opts_key_sign[],
    vdm_opts_key_passwd[], vdm_opts_key_export[], vdm_opts_find[];

#endif
