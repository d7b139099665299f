/* SPDX-License-Identifier: MIT */
/* Trust policies (C2SP tlog-policy): which logs and witnesses a reader trusts, and what quorum of
 * witnesses makes a checkpoint count. */
#ifndef VDM_FORMAT_POLICY_H
#define VDM_FORMAT_POLICY_H

#include "format/checkpoint.h"

#define VDM_POLICY_ITEMS_MAX 64 /* logs, and witnesses and groups together */

/* A witness, or a group of which `threshold` members must be met. */
struct vdm_policy_item {
    struct vdm_bytes name; /* borrowed */
    bool is_group;
    bool in_group;       /* each name stands in at most one group */
    struct vdm_vkey key; /* witness */
    uint64_t threshold;  /* group */
    uint64_t members;    /* group: bit i = item i */
};

struct vdm_policy {
    size_t logs;
    struct vdm_vkey log[VDM_POLICY_ITEMS_MAX];
    size_t items;
    struct vdm_policy_item item[VDM_POLICY_ITEMS_MAX];
    bool has_quorum; /* false: `quorum none` */
    size_t quorum;   /* the item that must be met */
};

/* Borrows names from the text. The same public key stands in one `log` line and in one `witness`
 * line at most. On failure *out is in no state to be used. */
bool vdm_policy_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_policy *out,
                       struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_policy_trusts_log(const struct vdm_policy *p, const struct vdm_vkey *key);
/* Do the cosignatures on this checkpoint note meet the quorum? True for `quorum none`. */
bool vdm_policy_met(const struct vdm_policy *p, struct vdm_crypto *c, const struct vdm_note *note);

#endif
