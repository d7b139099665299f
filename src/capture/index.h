/* SPDX-License-Identifier: MIT */
/* Where the rows of a table are, by the hash of what they are about. In the table's order. */
#ifndef VDM_CAPTURE_INDEX_H
#define VDM_CAPTURE_INDEX_H

#include "base/buf.h"

struct vdm_row_place {
    uint64_t offset : 63; /* in the file; in .json the place in the array */
    uint64_t used : 1;
    uint32_t line;
    uint32_t hash;
};

struct vdm_row_index {
    struct vdm_row_place *rows;
    size_t n, cap;
    uint32_t *slots; /* open addressing, at most half full: number of a row and one, or 0 */
    size_t slot_count;
};

void vdm_row_index_release(struct vdm_row_index *index);
/* Fails without memory, or beyond VDM_TABLE_ROWS_MAX. */
bool vdm_row_index_add(struct vdm_row_index *index, struct vdm_row_place place,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* Rows with this hash, one a call, then NULL; *probe is 0 to begin with. Adding ends it. */
struct vdm_row_place *vdm_row_index_next(const struct vdm_row_index *index, uint32_t hash,
                                         size_t *probe);

#endif
