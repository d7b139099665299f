/* SPDX-License-Identifier: MIT */
/* The check of a fork proof (docs/FORMATS.md, "Fork proof"): offline, without an archive. */
#ifndef VDM_OPS_FORK_PROOF_H
#define VDM_OPS_FORK_PROOF_H

#include "format/fork_proof.h"
#include "ops/trust_check.h"

#define VDM_FORK_PROOF_BEGIN "vidimus/fork-proof/"

/* Does it show that the holder of its key signed two histories? Notes what is wrong. */
bool vdm_fork_proof_holds(struct vdm_crypto *c, const struct vdm_fork_proof *p,
                          struct vdm_report *report);

/* A proof file: everything that is wrong with it is a finding. Only the key that it names can vouch,
 * as a ledger key that the reader trusts or as a log of his policy; a quorum of witnesses is not asked
 * for, since two contradicting checkpoints are a fork whoever cosigned them. */
bool vdm_verify_fork_proof(struct vdm_crypto *c, struct vdm_bytes proof,
                           const struct vdm_trust *trust, struct vdm_report *report,
                           struct vdm_err *err) VDM_MUST_CHECK;

#endif
