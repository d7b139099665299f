/* SPDX-License-Identifier: MIT */
/* The state of the check of one bundle, for verify_bundle.c and the files beside it, in the order in
 * which a bundle stands:
 *
 *   verify_bundle_head.c       up to data/INDEX.txt; genesis and key entries; then what had to wait for them
 *   verify_bundle_entry.c      an entry and its proof, wherever they stand
 *   verify_bundle_captures.c   the selected captures, one after the other; the newest entry
 *   verify_bundle_group.c      one of them, with what belongs to it
 *   verify_bundle_slice.c      of a capture: whether it is the slice of another document that it says to be
 *   verify_bundle_evidence.c   evidence
 *
 * They take the members from verify_bundle_members.c, which has them from verify_bundle_ahead.c.
 *
 * Each of these functions returns with the first member that is not its own at hand, or none. */
#ifndef VDM_OPS_VERIFY_BUNDLE_STATE_H
#define VDM_OPS_VERIFY_BUNDLE_STATE_H

#include "format/checkpoint.h"
#include "format/seal.h"
#include "ops/verify_bundle.h"
#include "ops/verify_bundle_members.h"
#include "tlog/proof.h"

#include <sys/types.h>

/* Numbers of a selection that are held, 8 bytes each. */
#define VDM_SELECTED_MAX (UINT64_C(1) << 22)

/* A document of the bundle, and where it begins in the file; VDM_NO_OFFSET: it is compressed. */
#define VDM_NO_OFFSET UINT64_MAX
struct vdm_bundle_whole {
    struct vdm_digest digest;
    uint64_t size, offset;
};

struct vdm_bundle_check {
    struct vdm_crypto *crypto;
    const struct vdm_bundle_options *o;
    const struct vdm_progress *progress;
    struct vdm_report *report;
    struct vdm_members m;
    struct vdm_entry_check check;

    /* from the head */
    bool has_info;
    struct vdm_bag_info info;
    bool has_seal; /* `seal` borrows from seal_bytes */
    struct vdm_buf seal_bytes;
    struct vdm_seal seal;
    struct vdm_buf checkpoint; /* the note, n == 0: missing */
    bool has_head;             /* it decodes; `head` borrows from it */
    struct vdm_checkpoint head;
    bool has_selection; /* a valid one */
    bool has_selection_file;
    struct vdm_digest selection_digest;
    uint64_t *selected;
    size_t selecteds, selected_cap;
    struct vdm_buf pems;  /* public keys that stand in vidimus/keys, rising */
    struct vdm_buf named; /* public keys that genesis and key entries name */
    bool names_known;     /* false: a key entry could not be read */
    size_t key_entries;
    uint64_t last_key_entry;

    /* the entry that was read last, and what its check says; that borrows from it */
    struct vdm_buf entry;
    bool entry_whole; /* false: longer than any entry */
    struct vdm_checked_entry checked;
    bool entry_good;              /* neither it nor its proof has a finding */
    struct vdm_inclusion_way way; /* of the proof that held last */
    bool newest_seen;
    struct vdm_time newest_recorded;
    bool newest_decoded;

    int fd;                  /* of the bundle */
    off_t start;             /* where it begins there; -1: one cannot go back */
    struct vdm_buf wholes;   /* struct vdm_bundle_whole: documents that were good */
    struct vdm_buf cosigned; /* the evidence checkpoint of the bundle's own size */
};

/* --- verify_bundle_head.c --- */
bool vdm_bundle_read_head(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_bundle_read_keyring(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_bundle_is_selected(const struct vdm_bundle_check *v, uint64_t n);

/* --- verify_bundle_entry.c --- */

/* What kind the loaded member says it is, before anything of it is checked. */
bool vdm_bundle_says(const struct vdm_bundle_check *v, const char *kind);
/* The member at hand is an entry: check it, and the proof that must follow. The result is in
 * v->checked until the next one. */
bool vdm_bundle_take_entry(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;
/* A member that belongs elsewhere or nowhere; of an entry also the rest that goes by its number. */
bool vdm_bundle_take_stray(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;
/* Note that a member is missing, unless the bundle is cut off. */
void vdm_bundle_missing(struct vdm_bundle_check *v, enum vdm_finding_kind kind,
                        const struct vdm_layout_member *name, const struct vdm_accounted *as);
bool vdm_bundle_is_newest(const struct vdm_bundle_check *v, uint64_t n);
/* Is a member at hand that stands before the evidence? */
bool vdm_bundle_before_evidence(const struct vdm_bundle_check *v);
/* Note something; of a `document` that is the member at hand it is a fault. */
void vdm_bundle_note(struct vdm_bundle_check *v, enum vdm_finding_kind kind, uint64_t entry,
                     const char *document, const char *message);

/* --- verify_bundle_group.c --- */
/* Capture n. found: its entry is at hand; else it is missing, and what there is of the rest is taken. */
bool vdm_bundle_read_group(struct vdm_bundle_check *v, uint64_t n, bool found,
                           struct vdm_err *err) VDM_MUST_CHECK;

/* --- verify_bundle_captures.c --- */
bool vdm_bundle_read_captures(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_bundle_read_newest(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;

/* --- verify_bundle_slice.c --- */
bool vdm_bundle_note_whole(struct vdm_bundle_check *v, struct vdm_digest digest, uint64_t size,
                           uint64_t offset, struct vdm_err *err) VDM_MUST_CHECK;
/* After all that belongs to a capture was read. */
bool vdm_bundle_check_slices(struct vdm_bundle_check *v, const struct vdm_bundle_item *item,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* --- verify_bundle_evidence.c --- */
bool vdm_bundle_read_evidence(struct vdm_bundle_check *v, struct vdm_err *err) VDM_MUST_CHECK;

#endif
