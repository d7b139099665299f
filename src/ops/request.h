/* SPDX-License-Identifier: MIT */
/* An authority whose machine is never connected: the archive writes a request, the other machine signs
 * it, the archive takes the signed entry in. */
#ifndef VDM_OPS_REQUEST_H
#define VDM_OPS_REQUEST_H

#include "format/request.h"
#include "ops/key_change.h"

/* The request to sign `e`, appended to `out`. Fill `kind` and the kind's fields, and `recorded`; the
 * rest of the head is set here. `effects`: plain lines, what this
 * machine says of it. */
bool vdm_request_make(struct vdm_archive *a, struct vdm_entry *e, struct vdm_bytes effects,
                      struct vdm_buf *out, struct vdm_err *err) VDM_MUST_CHECK;

/* The signed entry, appended to `out`. `authority` must be the key that the request names. */
bool vdm_request_sign(const struct vdm_request *r, const struct vdm_signer *authority,
                      struct vdm_buf *out, struct vdm_err *err) VDM_MUST_CHECK;

/* Does this signed entry, of kind key or withdrawal, fit the ledger as it is, by number, chain and
 * signature? Says how to make a new
 * one where the ledger went on since. *out borrows from `note`. */
bool vdm_submit_check(struct vdm_archive *a, struct vdm_bytes note, struct vdm_entry *out,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Checks again under the ledger's lock, what it does too, appends it and commits; a withdrawal then
 * erases. */
bool vdm_submit_apply(struct vdm_archive *a, struct vdm_bytes note,
                      const struct vdm_signers *signers, struct vdm_key_changed *out,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
