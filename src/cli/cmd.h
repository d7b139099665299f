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
VDM_COMMAND(audit);
VDM_COMMAND(mirror);
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

unsigned vdm_needs_of_audit(const struct vdm_args *args);
bool vdm_plan_audit(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);
unsigned vdm_needs_of_bundle(const struct vdm_args *args);
unsigned vdm_needs_of_import(const struct vdm_args *args);
unsigned vdm_needs_of_amend(const struct vdm_args *args);
unsigned vdm_needs_of_withdraw(const struct vdm_args *args);
bool vdm_plan_withdraw(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);
unsigned vdm_needs_of_key_change(const struct vdm_args *args);
bool vdm_plan_key_submit(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);
bool vdm_plan_key_change(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);

extern const struct vdm_manual vdm_manual_init, vdm_manual_import, vdm_manual_amend,
    vdm_manual_withdraw, vdm_manual_status, vdm_manual_log, vdm_manual_find, vdm_manual_history,
    vdm_manual_show, vdm_manual_cat, vdm_manual_verify, vdm_manual_audit, vdm_manual_mirror,
    vdm_manual_bundle, vdm_manual_checkpoint, vdm_manual_prove, vdm_manual_fork_proof,
    vdm_manual_recover, vdm_manual_reindex, vdm_manual_key_list, vdm_manual_key_new,
    vdm_manual_key_authorize, vdm_manual_key_retire, vdm_manual_key_revoke, vdm_manual_key_sign,
    vdm_manual_key_submit, vdm_manual_key_passwd, vdm_manual_key_export, vdm_manual_trust;

#endif
