/* SPDX-License-Identifier: MIT */
/* Inputs in groups: while one group is recorded, the next is hashed, stored and looked at by the crew, and the one behind
 * it is gathered. Where the inputs come from (files of a walk, members of a container), their source says.
 *
 * What one input turns out to be is found out by the crew; all that is more than one plain document is handed back, and
 * taken by the caller in its turn. So the entries, their order and all that is told do not depend on the number of
 * threads. Few inputs are all handed back: to start threads takes longer than what they would do. */
#ifndef VDM_OPS_IMPORT_GROUPS_H
#define VDM_OPS_IMPORT_GROUPS_H

#include "ops/import_crew.h"
#include "ops/import_state.h"

enum vdm_job_outcome {
    VDM_JOB_NOT_BEGUN, /* the user wants to stop, or something before failed */
    VDM_JOB_HELD,      /* in memory; not after the run that it is in */
    VDM_JOB_DONE,
    VDM_JOB_REFUSED, /* `why` */
    VDM_JOB_PROBLEM, /* of its container: `why`, at `offset` */
    VDM_JOB_FAILED,  /* `why`; the import ends */
    VDM_JOB_BACK,    /* to be taken by the caller */
};

/* One input. */
struct vdm_import_job {
    void *input;            /* the source's own, with all that `shown` leads to */
    struct vdm_bytes shown; /* its path for the user */
    uint64_t size;          /* as far as known, for the bounds on a group */
    enum vdm_job_outcome outcome;
    struct vdm_pending p; /* DONE; without its path */
    char *why;
    enum vdm_err_kind kind; /* FAILED */
    uint64_t offset;
    char *textless;   /* why it has no text; NULL: it has one, or is of no kind that has */
    bool repaired;    /* the object that stood there */
    bool asked_media; /* the answer of a worker is in it */
    bool asked_text;
};

enum vdm_met {
    VDM_MET_NOTHING, /* that is wanted */
    VDM_MET_JOB,
    VDM_MET_LAST_OF_GROUP, /* a job, and there is no room for another behind it */
    VDM_MET_SPECIAL,       /* what only the caller can take, with nothing else under way */
    VDM_MET_END,
};

struct vdm_import_source {
    /* What comes next, in their order, for the group in `place`. *j is zero; may fill in why it is REFUSED or a PROBLEM,
     * or hand it BACK at once. */
    bool (*next)(void *ctx, unsigned place, struct vdm_import_job *j, enum vdm_met *met,
                 struct vdm_err *err);
    /* On any thread: into p, by vdm_hand_store. May hand it BACK. VDM_ERR_REFUSED, VDM_ERR_NOT_FOUND: it alone is
     * refused. */
    bool (*take)(void *ctx, struct vdm_hand *h, struct vdm_import_job *j, struct vdm_err *err);
    /* By the caller, in its turn: from the input to the batch. Tells itself what it refuses. */
    bool (*take_back)(void *ctx, struct vdm_import_job *j, struct vdm_err *err);
    bool (*take_special)(void *ctx, unsigned place, struct vdm_err *err);
    void (*release)(void *input);
    void (*clear)(void *ctx, unsigned place); /* what else was kept for a group; or NULL */
    void *ctx;
    uint64_t *seen, total; /* inputs so far, and in all (0: nobody knows), for the progress */
    uint64_t group_bytes;  /* a group ends there, once it has a few inputs */
};

/* *cut: the user wants to stop, and not all was taken. What is recorded of the last inputs may wait in the batch. */
bool vdm_import_groups(struct vdm_importing *m, const struct vdm_import_source *s, bool *cut,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* --- import_hand.c: for `take` --- */

/* What `read` gives is looked at for its text, and stored; a small one at the end of the run, with others. The job's lines
 * are all there. `size` is that of the document (else `read` fails), or VDM_SIZE_UNKNOWN. */
bool vdm_hand_store(struct vdm_hand *h, vdm_read_fn *read, void *ctx, uint64_t size,
                    struct vdm_import_job *j, struct vdm_err *err);
/* The media type by its first bytes. false: no worker answers, the job goes BACK. */
bool vdm_hand_gave_type(const struct vdm_hand *h, uint64_t asked_before, struct vdm_import_job *j);

bool vdm_hand_is_full(const struct vdm_hand *h);
/* NULL: each is DONE, or goes BACK. Else the first that failed, and those behind it count as not begun. */
struct vdm_import_job *vdm_hand_put_held(struct vdm_hand *h, struct vdm_err *err);

#endif
