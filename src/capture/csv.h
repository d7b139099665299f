/* SPDX-License-Identifier: MIT */
/* CSV, RFC 4180: `cell *(COMMA cell) CRLF`, where LF alone and the end of the file end a record as
 * well, and a cell is bytes without quote, comma, CR, LF, or anything between quotes with quotes
 * doubled. Strict: what RFC 4180 does not allow is an error, because readers differ on it. NUL is an
 * error everywhere. */
#ifndef VDM_CAPTURE_CSV_H
#define VDM_CAPTURE_CSV_H

#include "capture/input.h"

/* Cells of one record. Zero-initialise, use again, release. */
struct vdm_csv_record {
    struct vdm_buf text; /* of all cells, one after another */
    struct vdm_buf ends; /* size_t: where each cell ends in text */
};
void vdm_csv_record_release(struct vdm_csv_record *record);
size_t vdm_csv_cells(const struct vdm_csv_record *record);
/* Borrowed from the record. */
struct vdm_bytes vdm_csv_cell(const struct vdm_csv_record *record, size_t i);

/* The next record, or *more false at the end. At most VDM_TABLE_ROW_MAX bytes and
 * VDM_TABLE_COLUMNS_MAX cells. A malformed one is told with the line where it goes wrong. */
bool vdm_csv_read(struct vdm_input *in, struct vdm_csv_record *record, bool *more,
                  struct vdm_err *err) VDM_MUST_CHECK;

#endif
