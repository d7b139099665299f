/* SPDX-License-Identifier: MIT */
/* The check of a whole archive: I1 to I6, every entry, signature, record and document, the tree and
 * every checkpoint, the catalog, and what stands in the store without belonging there. Reads in short
 * slices, so that a writer is never held up; writes nothing; memory does not grow with the archive. */
#ifndef VDM_OPS_VERIFY_ARCHIVE_H
#define VDM_OPS_VERIFY_ARCHIVE_H

#include "format/verified.h"
#include "ops/archive.h"

/* A checkpoint that was kept elsewhere: its note, and the file's name for messages. */
struct vdm_kept_checkpoint {
    const char *name;
    struct vdm_bytes note;
};

struct vdm_verify_options {
    /* Keys that the reader trusts: the authority's, or a ledger key that signed the newest checkpoint. */
    const struct vdm_vkey *trust;
    size_t trusts;
    /* A trust policy (or NULL), in addition. */
    const struct vdm_policy *policy;
    /* The archive must extend each. */
    const struct vdm_kept_checkpoint *kept;
    size_t kepts;
    /* What this reader's own check has covered (or NULL): the signatures of these entries are not checked
     * again. That they are the same entries is: the tree that is rebuilt must have the same root. */
    const struct vdm_verified *since;
    bool without_documents; /* their bytes are not read */
    unsigned threads;       /* 0: one for each processor; what is found does not depend on it */
};

/* False only where the check could not be carried out. */
bool vdm_verify_archive(struct vdm_crypto *c, const char *path, const struct vdm_verify_options *o,
                        const struct vdm_progress *progress, struct vdm_report *report,
                        struct vdm_err *err) VDM_MUST_CHECK;

#endif
