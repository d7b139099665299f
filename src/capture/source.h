/* SPDX-License-Identifier: MIT */
/* A file that is being captured, as a stream.
 *
 * I8, the half of it that is ours: the source is only ever read, from one descriptor, from its first
 * byte to its last; its access time stays where the system lets us (O_NOATIME). A source that is not
 * the same at the end as when it was opened is refused: number of bytes read, size, time of
 * modification and of change, inode.
 * What cannot be seen: writes through a mapping that the kernel has not stamped yet; and, on
 * kernels before 6.13, a write that keeps the size and falls into the same clock tick (a few
 * milliseconds) as a write before the source was opened. What is stored is what was hashed all the same.
 *
 * Every failure here, memory aside, is VDM_ERR_REFUSED: it concerns this source alone, and the rest
 * may go on. A caller that copies from a source to a store can so tell whose fault it was. */
#ifndef VDM_CAPTURE_SOURCE_H
#define VDM_CAPTURE_SOURCE_H

#include "base/file.h"
#include "capture/media.h"
#include "capture/walk.h"

/* What the source itself tells, and nothing else. Standard input has neither size nor name. */
struct vdm_source_facts {
    bool has_size;
    uint64_t size_bytes;         /* when it was opened */
    struct vdm_bytes name;       /* last part of the path, as found; empty: none */
    struct vdm_bytes media_type; /* by its first bytes; empty: not known */
};

struct vdm_source;

/* Opens an item of kind VDM_WALK_FILE or VDM_WALK_STDIN and reads its first bytes. The item is
 * not needed afterwards; `media` (NULL: do not guess a type) neither. */
bool vdm_source_open(struct vdm_source **out, const struct vdm_walk_item *item,
                     struct vdm_media *media, struct vdm_err *err) VDM_MUST_CHECK;
/* Borrowed until close. */
const struct vdm_source_facts *vdm_source_facts(const struct vdm_source *s);
/* Its first bytes, VDM_MEDIA_LOOK_BYTES at most; empty where no type was guessed. */
struct vdm_bytes vdm_source_head(const struct vdm_source *s);
/* Its descriptor, where it is a file that can be read from anywhere; else -1. */
int vdm_source_fd(const struct vdm_source *s);
/* Has it stayed as it was when it was opened? */
bool vdm_source_same(const struct vdm_source *s);
/* A vdm_read_fn; ctx is the source. A file that grows past its size fails at once, so that reading
 * a log that is being written ends. */
bool vdm_source_read(void *ctx, uint8_t *p, size_t cap, size_t *got,
                     struct vdm_err *err) VDM_MUST_CHECK;
/* To be asked once all is read, before anything is recorded: "changed while it was read" if it was,
 * or if it was not read to its end. */
bool vdm_source_finish(struct vdm_source *s, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_source_close(struct vdm_source *s);    /* NULL is fine; standard input stays open */
void vdm_source_cleanup(struct vdm_source **s); /* for VDM_CLEANUP */

#endif
