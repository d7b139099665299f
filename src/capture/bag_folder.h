/* SPDX-License-Identifier: MIT */
/* A folder that is a bag. Its files are read and summed here, as files are; what its tag files say is a stranger's
 * word and is judged in a worker. */
#ifndef VDM_CAPTURE_BAG_FOLDER_H
#define VDM_CAPTURE_BAG_FOLDER_H

#include "capture/bag.h"
#include "crypto/crypto.h"
#include "format/record.h"

struct vdm_bag_folder;
/* Told of the bytes that were read; false: stop, which makes VDM_ERR_INTERRUPTED. */
typedef bool vdm_bag_read_fn(void *ctx, uint64_t bytes);
/* Reads all of it once. `path` is canonical. VDM_ERR_REFUSED: it cannot be judged, and why. */
bool vdm_bag_folder_open(struct vdm_bag_folder **out, const char *path, vdm_bag_read_fn *told,
                         void *ctx, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_bag_folder_close(struct vdm_bag_folder *f); /* NULL is fine */

/* None: the bag is valid. */
size_t vdm_bag_folder_findings(const struct vdm_bag_folder *f);
const char *vdm_bag_folder_finding(const struct vdm_bag_folder *f, size_t i);
/* What its bag-info.txt says, as lines for the record of each of its files; plain values. */
const struct vdm_record_line *vdm_bag_folder_lines(const struct vdm_bag_folder *f, size_t *n);
/* Is the file of this canonical path in it, and is this the content that was judged? */
bool vdm_bag_folder_holds(const struct vdm_bag_folder *f, struct vdm_bytes path);
/* The place of such a file in the bag. */
struct vdm_bytes vdm_bag_folder_name(const struct vdm_bag_folder *f, struct vdm_bytes path);
bool vdm_bag_folder_same(const struct vdm_bag_folder *f, struct vdm_bytes path,
                         struct vdm_digest digest);

#endif
