/* SPDX-License-Identifier: MIT */
/* Withdrawals: a capture is taken down by the authority's decision; the ledger stays provable. */
#ifndef VDM_OPS_WITHDRAW_H
#define VDM_OPS_WITHDRAW_H

#include "ops/takedown.h"
#include "ops/unlock.h"

struct vdm_withdraw_request {
    const uint64_t *entry; /* captures, rising */
    size_t entries;
    enum vdm_scope scope;
    struct vdm_bytes decided_by; /* plain bytes, not empty */
    struct vdm_bytes reason;     /* n == 0: none */
    bool with_parts;             /* what was derived from their documents goes too */
    bool to_sign;                /* by the authority elsewhere: that is one capture at a time */
};

/* What the request takes down, all parts included, as the ledger is now: looks, changes nothing.
 * VDM_ERR_REFUSED: an entry that is no capture or is withdrawn so far already; a part that would
 * stay behind; a record alone, if no capture would tell of its document any more; more than one capture,
 * if it is to be signed elsewhere. Release *out. */
bool vdm_withdraw_plan(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                       struct vdm_takedown *out, struct vdm_err *err) VDM_MUST_CHECK;

/* The request (ops/request.h) to sign it on another machine, appended to `out`. A request is for one
 * entry: the plan was made with `to_sign`. `effects` as for vdm_request_make; *n: the number that the withdrawal gets. */
bool vdm_withdraw_ask(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                      const struct vdm_takedown *plan, struct vdm_bytes effects,
                      struct vdm_buf *out, uint64_t *n, struct vdm_err *err) VDM_MUST_CHECK;
/* What a withdrawal that was signed there takes down; refuses what vdm_withdraw_plan refuses. */
bool vdm_withdraw_plan_signed(struct vdm_archive *a, const struct vdm_withdrawal *w,
                              struct vdm_takedown *out, struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_withdraw_done {
    uint64_t first, last; /* the withdrawals' numbers */
    struct vdm_buf checkpoint;
};
/* Sign one withdrawal for each capture of the plan, commit them, erase. Under the ledger's lock the
 * plan is made again; where it comes out otherwise, somebody wrote meanwhile, and nothing is done. */
bool vdm_withdraw(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                  const struct vdm_takedown *plan, const struct vdm_signer *authority,
                  const struct vdm_signer *ledger, struct vdm_withdraw_done *done,
                  struct vdm_err *err) VDM_MUST_CHECK;

#endif
