/* SPDX-License-Identifier: MIT */
/* The keys that a reader brings: what --trust and --policy name. */
#ifndef VDM_OPS_KEYS_H
#define VDM_OPS_KEYS_H

#include "format/policy.h"
#include "keys/trust.h"

/* Everything that vouches for a reader, owned. Zero-initialise, release. */
struct vdm_anchors {
    struct vdm_vkey *key;
    size_t n;
    struct vdm_policy *policy;  /* NULL: none */
    struct vdm_buf policy_text; /* what it borrows from */
};
void vdm_anchors_release(struct vdm_anchors *a);
/* Add what one --trust argument names. `archive` (NULL: none) is where NAME is looked up. */
bool vdm_anchors_add(struct vdm_anchors *a, struct vdm_crypto *c, const char *archive,
                     const char *argument, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_anchors_set_policy(struct vdm_anchors *a, struct vdm_crypto *c, const char *path,
                            struct vdm_err *err) VDM_MUST_CHECK;
/* keys/authority.pub of an archive. */
bool vdm_anchors_add_own(struct vdm_anchors *a, struct vdm_crypto *c, const char *archive,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* All keys of keys/trusted/; `keys` is the open folder keys/. Policies and damaged files are passed over. */
bool vdm_anchors_add_trusted(struct vdm_anchors *a, struct vdm_crypto *c, int keys,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* A vkey, or the path of a file with one; never a name. */
bool vdm_trust_file_or_key(struct vdm_crypto *c, const char *argument, struct vdm_vkeys *out,
                           struct vdm_err *err) VDM_MUST_CHECK;

/* Append the key as PEM, for openssl. */
bool vdm_key_append_pem(struct vdm_buf *out, const struct vdm_vkey *k,
                        struct vdm_err *err) VDM_MUST_CHECK;

#endif
