/* SPDX-License-Identifier: MIT */
/* The members of a bundle one after another, each read once, while both manifests are made again from
 * them. For verify_bundle.c and the files beside it.
 *
 * A member that no bundle has, and one that stands twice, is noted here and passed over; nobody else
 * sees it. Where the tar ends, well or not, `here` is false and `tar.status` says how; nothing that was
 * read of a member that is not whole may be judged, so look at `here` after every read. */
#ifndef VDM_OPS_VERIFY_BUNDLE_MEMBERS_H
#define VDM_OPS_VERIFY_BUNDLE_MEMBERS_H

#include "ops/verify_bundle_ahead.h"

/* A manifest, as the members make it and as it stands in the bundle. */
struct vdm_remade {
    struct vdm_hash *hash; /* over the lines of what is here */
    struct vdm_hash *full; /* and of documents that should be here: whoever left them out may have
                            * left the manifest as it was, or not */
    struct vdm_digest file;
    bool has_file;
    /* What its lines should be cannot be told: one of its members is missing, stands where it
     * should not, or has a finding of its own. */
    bool undecided;
};

struct vdm_members {
    struct vdm_crypto *crypto;
    struct vdm_report *report;
    const struct vdm_progress *progress;
    struct vdm_stream_reader *stream;
    struct vdm_tar_reader tar;
    struct vdm_bundle_ahead *ahead;
    struct vdm_bundle_member
        *at; /* the member at hand, while it is; what stays readable after that: */
    bool here;
    struct vdm_tar_member member;
    struct vdm_layout_member name;
    const char *path;         /* of `member`, below the top folder */
    struct vdm_hash *hash;    /* over its content so far, where it is read piece by piece */
    struct vdm_bytes content; /* what was loaded of it */
    struct vdm_buf own;       /* where it is, if it was not in memory */
    bool loaded;
    bool faulty; /* it has a finding of its own: set by whoever finds it */
    bool has_mtime, mtimes_differ;
    bool packed_again; /* by another program: said with what is wrong with its first header */
    uint64_t mtime;
    struct vdm_remade payload, tags;
    uint64_t payload_bytes, payload_files; /* of what is here */
    uint64_t absent_bytes, absent_files;   /* of documents that should be here */
};

/* Goes to the first member. VDM_ERR_MALFORMED: not a bundle. Close it in any case. */
bool vdm_members_open(struct vdm_members *m, struct vdm_crypto *c, int fd,
                      struct vdm_report *report, const struct vdm_progress *progress,
                      struct vdm_err *err) VDM_MUST_CHECK;
void vdm_members_close(struct vdm_members *m);
/* From the next one on they are looked at ahead: as vdm_bundle_ahead_begin. */
bool vdm_members_look_ahead(struct vdm_members *m, struct vdm_pool *pool,
                            const struct vdm_entry_check *check,
                            struct vdm_err *err) VDM_MUST_CHECK;

/* Is the member at hand of this kind (and number)? */
bool vdm_members_at(const struct vdm_members *m, enum vdm_layout_kind kind);
bool vdm_members_at_number(const struct vdm_members *m, enum vdm_layout_kind kind, uint64_t n);

/* Did the tar end before its proper end? */
bool vdm_members_broken_off(const struct vdm_members *m);

/* Content of the member at hand into `content`; of a longer one than `limit`, limit + 1 bytes, which no
 * decoder takes. A second call gives the same. */
bool vdm_members_load(struct vdm_members *m, size_t limit, struct vdm_err *err) VDM_MUST_CHECK;
/* The loaded member is an entry: its bytes as they were loaded, to be kept. NULL, or what is known of it
 * already, which borrows from them. */
const struct vdm_known_entry *vdm_members_entry(struct vdm_members *m, struct vdm_buf *bytes);
/* Piece by piece, for what is not loaded; *got == 0 at its end. */
bool vdm_members_read(struct vdm_members *m, uint8_t *p, size_t cap, size_t *got,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* Read the member at hand to its end; *digest is of all of it. It stays at hand. */
bool vdm_members_digest(struct vdm_members *m, struct vdm_digest *digest,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* Account for the member at hand in its manifest and go on to the next. After vdm_members_digest pass
 * the digest and size that the manifest should have of it; else NULL. */
struct vdm_accounted {
    struct vdm_digest digest;
    uint64_t size;
};
bool vdm_members_take(struct vdm_members *m, const struct vdm_accounted *as,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Go on to the next without accounting for this one; its manifest is not compared then. */
bool vdm_members_skip(struct vdm_members *m, struct vdm_err *err) VDM_MUST_CHECK;
/* The same, and note it as unexpected-member. */
bool vdm_members_unexpected(struct vdm_members *m, const char *why,
                            struct vdm_err *err) VDM_MUST_CHECK;

/* A member of this name is not here. Of a document it is known what its line would be. Returns whether
 * that may be told: not where the bundle is cut off, everything would be missing then. */
bool vdm_members_absent(struct vdm_members *m, const struct vdm_layout_member *name,
                        const struct vdm_accounted *as);

/* Is this the size of the payload, with or without the documents that are missing? */
bool vdm_members_payload_is(const struct vdm_members *m, uint64_t bytes, uint64_t files);

/* After the last member: how the tar ended, the manifests, the members' times. */
void vdm_members_end(struct vdm_members *m);

#endif
