/* SPDX-License-Identifier: MIT */
/* The one way in which entries get into a ledger: numbered, chained, signed, with the checkpoint that
 * covers them, in the order that makes them safe (I3, I4, I6):
 *
 *   documents durable -> ledger commit durable -> what is withdrawn erased -> keys/last-checkpoint
 *   -> catalog -> acknowledged
 *
 * begin takes the ledger's lock and commit (or abort) gives it back; several programs may take turns. */
#ifndef VDM_OPS_WRITER_H
#define VDM_OPS_WRITER_H

#include "base/pool.h"
#include "keys/signer.h"
#include "ops/archive.h"

struct vdm_writer;

/* `ledger_key` signs the checkpoints; it and the archive are borrowed. */
bool vdm_writer_open(struct vdm_writer **out, struct vdm_archive *a,
                     const struct vdm_signer *ledger_key, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_writer_close(struct vdm_writer *w); /* aborts; NULL is fine */
/* Where a commit changes the ledger key, its checkpoint also carries a line by `old`, if that is the
 * key in force until then: readers who hold it can follow. Borrowed; NULL is fine. */
void vdm_writer_hand_over(struct vdm_writer *w, const struct vdm_signer *old);
void vdm_writer_cleanup(struct vdm_writer **w);

/* Refuses where the ledger is not what the guard remembers: rolled back, forked, guard missing. What
 * a crash left unacknowledged is acknowledged first. */
bool vdm_writer_begin(struct vdm_writer *w, struct vdm_err *err) VDM_MUST_CHECK;
/* After begin: may this key sign captures now? Keys change while a long import is under way. */
bool vdm_writer_may_capture(struct vdm_writer *w, const struct vdm_signer *signer,
                            struct vdm_err *err) VDM_MUST_CHECK;
uint64_t vdm_writer_next(const struct vdm_writer *w); /* number of the next entry */
/* Append one entry: fill `kind` and the kind's fields, and `recorded`; the rest of the head is set here.
 * `record` (n == 0: none) is the text that it commits to, kept beside it.
 * VDM_ERR_REFUSED: an amendment of what was withdrawn. */
bool vdm_writer_append(struct vdm_writer *w, struct vdm_entry *e, const struct vdm_signer *signer,
                       struct vdm_bytes record, struct vdm_err *err) VDM_MUST_CHECK;
/* The same for many captures: what is appended so is signed together with others, side by side in the pool
 * (NULL: one by one), and is in the ledger after the commit at the latest. Its record can be read by
 * vdm_writer_record at once, and the catalog knows it. */
bool vdm_writer_add(struct vdm_writer *w, struct vdm_pool *pool, struct vdm_entry *e,
                    const struct vdm_signer *signer, struct vdm_bytes record,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* As vdm_ledger_record. */
bool vdm_writer_record(struct vdm_writer *w, uint64_t n, struct vdm_buf *text, bool *found,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* Append an entry without a record that was signed elsewhere. It must go on from the newest one; whether
 * its signer may sign it is the caller's to ask. */
bool vdm_writer_append_signed(struct vdm_writer *w, struct vdm_bytes whole,
                              struct vdm_err *err) VDM_MUST_CHECK;
/* Sign the checkpoint and make all of it durable. Without entries: only gives the lock back. Refuses
 * where the ledger key is not, or no longer, the one in force. */
bool vdm_writer_commit(struct vdm_writer *w, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_writer_abort(struct vdm_writer *w);
/* The newest checkpoint that commit signed and made durable; valid until the next one. */
struct vdm_bytes vdm_writer_checkpoint(const struct vdm_writer *w);

#endif
