/* SPDX-License-Identifier: MIT */
/* What is known of one input, put together: its row, then the options, then what the file tells. */
#ifndef VDM_OPS_IMPORT_RECORD_H
#define VDM_OPS_IMPORT_RECORD_H

#include "capture/source.h"
#include "capture/table.h"
#include "ops/import.h"

/* The fields of a record as columns of a table, for vdm_table_open. VDM_IMPORT_COLUMNS of them. */
#define VDM_IMPORT_COLUMNS (VDM_FIELDS - 2)
void vdm_import_columns(struct vdm_table_field out[VDM_IMPORT_COLUMNS]);

/* Owned lines of one input. Zero-initialise. */
struct vdm_import_lines {
    struct vdm_record_line *line;
    size_t n, cap;
    uint64_t stated; /* bit f: field f has a line, or is called unknown or inferred */
};
void vdm_import_lines_release(struct vdm_import_lines *l);

/* What is known of an input, besides the options. */
struct vdm_import_known {
    const struct vdm_table_row *row; /* or NULL; of a part: its container's */
    const struct vdm_source_facts *facts;
    const struct vdm_record_line
        *line; /* what the container states of itself, or of this part of it; plain */
    size_t lines;
    const struct vdm_record_line
        *bag; /* what the bag states that it, or its WARC, lies in; plain */
    size_t bag_lines;
    struct vdm_bytes bag_path; /* and `path: ` with its place in it; n == 0: it lies in none */
    /* A container that is kept beside what is in it, or what it says of itself: r->required is not asked of it. */
    bool keeps_parts;
    struct vdm_bytes derived_from; /* n > 0: it is a part of another document, taken so */
    bool of_warc;                  /* and that is a WARC or WACZ */
};
/* Can it be true of one document only, so that it may not be stated of several together? */
bool vdm_of_one_document(enum vdm_field f);
/* Can what is stated of a whole that is kept itself be said of its parts, too? */
bool vdm_goes_for_parts(enum vdm_field f);
/* Of a container that is not kept itself, what row and options state stands in the record of each member: as of a file
 * in a tar or zip; in a WARC where the record says nothing itself. VDM_ERR_REFUSED where it would not be true
 * there, with the field: nothing that is stated may be lost without a word. A record of a WARC has an id of its own. */
bool vdm_import_check_several(const struct vdm_import_request *r, const struct vdm_table_row *row,
                              bool warc, struct vdm_err *err) VDM_MUST_CHECK;
/* The row speaks first, then the options, then the file. Of a WARC its record does; of what is stated of the WARC,
 * what can be true of its records, too, fills what is left empty.
 * VDM_ERR_REFUSED where what is stated breaks a rule (a date that is none, a required field that is missing),
 * naming it. */
bool vdm_import_collect(struct vdm_import_lines *out, const struct vdm_import_request *r,
                        const struct vdm_import_known *known, struct vdm_err *err) VDM_MUST_CHECK;
/* What a row and options state, dates checked; nothing else is known. `row` may be NULL. */
bool vdm_import_state(struct vdm_import_lines *out, const struct vdm_record_line *given,
                      size_t givens, const struct vdm_table_row *row,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Add one line; the value is copied. */
bool vdm_import_add(struct vdm_import_lines *l, enum vdm_field f, struct vdm_bytes value,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Would the record still not be too long with `bytes` more? */
bool vdm_import_has_room(const struct vdm_import_lines *l, size_t bytes);
/* The first value of a field; p == NULL: none. */
struct vdm_bytes vdm_import_value(const struct vdm_import_lines *l, enum vdm_field f);
/* The fields (bits) of which a recorded record says something else. The text fingerprint is no
 * statement, so it counts in neither. */
bool vdm_import_differences(const struct vdm_import_lines *l, const struct vdm_record *recorded,
                            uint64_t *fields, struct vdm_err *err) VDM_MUST_CHECK;

#endif
