/* SPDX-License-Identifier: MIT */
/* From a record of CSV or an object of JSON to a row: the same rules for both. */
#ifndef VDM_CAPTURE_ROW_H
#define VDM_CAPTURE_ROW_H

#include "capture/csv.h"
#include "capture/table.h"

#include <jansson.h>

struct vdm_fields {
    const char *about; /* the column that says what a row is about */
    const struct vdm_table_field *p;
    size_t n;
};

/* What each column of a CSV is; NULL for the one that says what a row is about. */
struct vdm_header {
    const struct vdm_table_field **columns;
    size_t n;
    const char *about;
};
bool vdm_header_from_csv(struct vdm_header *out, struct vdm_fields fields,
                         const struct vdm_csv_record *record, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_header_release(struct vdm_header *header);

/* Both overwrite the row, `line` aside, and leave it undefined on failure. */
bool vdm_row_from_csv(struct vdm_table_row *row, const struct vdm_header *header,
                      const struct vdm_csv_record *record, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_row_from_json(struct vdm_table_row *row, struct vdm_fields fields, json_t *object,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
