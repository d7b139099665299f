/* SPDX-License-Identifier: MIT */
/* What the files of an import share: import_files.c walks, import_input.c takes one file, import_member.c the members
 * of a container, import_batch.c records what was taken. */
#ifndef VDM_OPS_IMPORT_STATE_H
#define VDM_OPS_IMPORT_STATE_H

#include "ops/import.h"
#include "ops/import_record.h"
#include "ops/import_text.h"
#include "ops/keys.h"
#include "ops/writer.h"

/* An input that is read and stored, and waits for its entry. */
struct vdm_pending {
    char *path; /* as shown, path_n bytes */
    size_t path_n;
    struct vdm_digest digest;
    uint64_t size;
    unsigned
        part; /* number of the container that it is a part of (0: of none): known by its place in it */
    unsigned bag; /* number of the bag folder that it lies in (0: in none): known by its delivery */
    uint64_t
        below; /* entries from here on are of this import, or of others; of a part or a file of a bag */
    bool untrusted; /* a bundle by no key that is trusted here */
    bool stands_in; /* a revisit record, for the payload that was not found */
    struct vdm_pending *
        as_stand_in; /* of a revisit whose payload was found: how it was recorded if it was not, or NULL */
    struct vdm_import_lines lines;
    struct vdm_input result;
};

#define VDM_SECRETS 64 /* are drawn at once */

/* The places that captures were taken from (import_places.c). */
struct vdm_places {
    void *tree;
};

struct vdm_said;

struct vdm_importing {
    struct vdm_archive *a;
    const struct vdm_import_request *r;
    const struct vdm_signers *signers;
    const struct vdm_progress *progress;
    vdm_import_tell_fn *tell;
    void *ctx;
    struct vdm_import_done *done;
    struct vdm_media *media;
    struct vdm_import_text *text; /* NULL: no fingerprints are made */
    struct vdm_table_field columns[VDM_IMPORT_COLUMNS];
    struct vdm_table *table;
    struct vdm_table_row row;
    struct vdm_hash *hash; /* of what is not stored */
    struct vdm_writer *writer;
    struct vdm_crew *crew;      /* NULL: there was nothing for it yet */
    bool put;                   /* a->store was put to, and is not synced */
    struct vdm_anchors anchors; /* who may vouch for bundles */
    struct vdm_bag_folder *bag; /* that was judged last, or NULL */
    unsigned bags;              /* so far */
    uint64_t bag_below;         /* entries from here on are of the import of this bag */
    char *own[2];               /* canonical paths of the archive's own keys/ and store/ */
    struct vdm_pending *batch;
    size_t batched;
    struct vdm_said *said; /* what is told between the documents of the batch */
    size_t saids, said_told;
    uint64_t batch_bytes, batch_started, seen, total, bytes;
    uint64_t recorded_to; /* the next entry, as this import left the ledger */
    uint64_t others_to;   /* below it others have recorded meanwhile; 0: nobody has */
    unsigned containers;  /* so far */
    bool no_row_fits;     /* of those of the table, and that is not told yet */
    unsigned parts_of;    /* the container whose parts are looked for among what is known, */
    uint64_t parts_from;  /* from this entry on */
    struct vdm_places places;
    unsigned bag_of; /* the same of bags */
    uint64_t bag_from;
    unsigned looks; /* at captures of other deliveries */
    uint8_t secret[VDM_SECRETS][32];
    size_t secrets; /* of records, that are not used yet */
};

/* Is this item of the walk one to be taken, or refused? Its row, if it has one, comes along. */
bool vdm_import_wants(struct vdm_importing *m, const struct vdm_walk_item *item,
                      struct vdm_table_row *row, bool *has_row, bool *wanted,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* By its first bytes; what is no document is REFUSED. */
bool vdm_import_may_keep(struct vdm_bytes head, struct vdm_err *err) VDM_MUST_CHECK;
/* --- import_say.c --- */

/* Tell what is no document of the batch (REFUSED, PROBLEM), in its place among them. */
void vdm_import_say(struct vdm_importing *m, const struct vdm_input *input);
/* What stands before this document of the batch, or beside it. */
void vdm_import_say_until(struct vdm_importing *m, size_t before);
void vdm_import_refuse(struct vdm_importing *m, struct vdm_bytes path, const char *reason);

/* --- import_batch.c --- */

#define VDM_BATCH_DOCUMENTS 10000
void vdm_pending_release(struct vdm_pending *p);
/* Takes *p over. Records the batch if it is full. */
bool vdm_batch_add(struct vdm_importing *m, struct vdm_pending *p,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* Record what was taken so far, and tell it. */
bool vdm_batch_finish(struct vdm_importing *m, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_batch_drop(struct vdm_importing *m);
/* What the ledger says now of a capture: its newest amendment's record, or its own. */
bool vdm_recorded_now(struct vdm_importing *m, uint64_t n, struct vdm_buf *text,
                      struct vdm_record *r, bool *found, struct vdm_err *err) VDM_MUST_CHECK;

/* --- import_places.c --- */

/* A run is all captures with the same document, source and captured time, a place is what one of them is derived
 * from: both are named by a hash. What is noted is a hint, the ledger decides. */

/* The entry up to which a run was read, to be moved on by the caller. NULL: it was not read yet. */
uint64_t *vdm_places_run(const struct vdm_places *s, struct vdm_digest run);
uint64_t *vdm_places_run_new(struct vdm_places *s, struct vdm_digest run,
                             struct vdm_err *err) VDM_MUST_CHECK;
/* Entries of a place are added in rising order. */
bool vdm_places_add(struct vdm_places *s, struct vdm_digest place, uint64_t entry,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* The first capture of a place from entry `from` on. */
bool vdm_places_next(const struct vdm_places *s, struct vdm_digest place, uint64_t from,
                     uint64_t *entry);
void vdm_places_release(struct vdm_places *s);

/* --- import_input.c --- */

/* One file with its row (or NULL): a document, or a container with its members. */
bool vdm_import_take(struct vdm_importing *m, const struct vdm_walk_item *item,
                     const struct vdm_table_row *row, struct vdm_err *err) VDM_MUST_CHECK;
/* May a file that begins so be a container, a bundle among them? */
bool vdm_import_may_be_container(struct vdm_bytes head);
/* Store, or only hash (dry run), what `read` gives; sets digest and size of *p. What was found of a text,
 * vdm_import_text_end adds to its lines, once they are all there. */
bool vdm_import_store(struct vdm_importing *m, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                      struct vdm_pending *p, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_import_hash(struct vdm_importing *m, vdm_read_fn *read, void *ctx,
                     struct vdm_digest *digest, uint64_t *size, struct vdm_err *err) VDM_MUST_CHECK;
/* Is there room for a document of this size, and for what is written about it? What was taken so far is
 * recorded first where it is getting narrow. */
bool vdm_import_room(struct vdm_importing *m, struct vdm_bytes shown, uint64_t size,
                     struct vdm_err *err) VDM_MUST_CHECK;
/* The same for so many documents together, without recording anything. */
bool vdm_import_has_room_for(struct vdm_importing *m, uint64_t bytes, size_t documents, bool *there,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* --- import_parts.c --- */

/* Parts of a document that is held: r->range, and the rows of the table. */
bool vdm_import_parts(struct vdm_importing *m, struct vdm_err *err) VDM_MUST_CHECK;

/* Is the document the slice that its table or options say it is, where that document is held? VDM_ERR_REFUSED: it is
 * not; recorded, it would be a finding for ever. */
bool vdm_import_check_slices(struct vdm_importing *m, const struct vdm_pending *p,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* --- import_member.c --- */

/* All members of a container whose bytes are these. `source` tells whether it changes meanwhile. *members: how many
 * there were, refused ones too. */
struct vdm_container;
bool vdm_import_members(struct vdm_importing *m, struct vdm_container *c,
                        const struct vdm_source *source, const struct vdm_walk_item *item,
                        struct vdm_digest whole, const struct vdm_table_row *row, uint64_t *members,
                        struct vdm_err *err) VDM_MUST_CHECK;

/* --- import_files.c --- */

/* All that the walk meets. VDM_ERR_INTERRUPTED: what was taken so far is recorded. */
struct vdm_walk;
bool vdm_import_files(struct vdm_importing *m, struct vdm_walk *walk,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
