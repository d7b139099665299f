/* SPDX-License-Identifier: MIT */
/* A vidimus bundle of some archive, in the middle of an import: verified in a worker, and kept whole, so that what it
 * proves can be shown again. Its captures are somebody else's: none is recorded as one of ours. */
#ifndef VDM_OPS_IMPORT_BUNDLE_H
#define VDM_OPS_IMPORT_BUNDLE_H

#include "capture/container.h"
#include "ops/import_state.h"
#include "ops/keys.h"

/* The keys that may vouch: those in keys/trusted, and the archive's own. */
bool vdm_import_anchors(struct vdm_importing *m, struct vdm_err *err) VDM_MUST_CHECK;

/* In the worker: the verifier, with the anchors in struct vdm_import_vouching as its context. It reads the container's
 * descriptor from where it stands. */
extern const struct vdm_container_format vdm_import_bundle_format;
struct vdm_import_vouching {
    struct vdm_crypto *crypto;
    const struct vdm_anchors *anchors;
};
/* In the parent: what is known of the bundle stands in vdm_container_about. VDM_ERR_REFUSED: it is not to be kept; why,
 * finding by finding, was told. */
bool vdm_import_bundle_judge(struct vdm_importing *m, struct vdm_container *c,
                             struct vdm_bytes shown, struct vdm_err *err) VDM_MUST_CHECK;
/* Of one that is kept: by no key that may vouch. */
bool vdm_import_bundle_untrusted(const struct vdm_container *c);

#endif
