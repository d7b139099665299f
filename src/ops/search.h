/* SPDX-License-Identifier: MIT */
/* Words to search the records by. */
#ifndef VDM_OPS_SEARCH_H
#define VDM_OPS_SEARCH_H

#include "ledger/catalog.h"

/* What is searched for; all of it must hold. Zero-initialise, release. */
struct vdm_search {
    struct vdm_catalog_term term[VDM_CATALOG_TERMS_MAX];
    struct vdm_buf memory[VDM_CATALOG_TERMS_MAX];
    size_t terms;
};
void vdm_search_release(struct vdm_search *s);

/* Add words as a user writes them: several stand side by side; a `*` at the end lets the last go on;
 * `absent`: a record with them is not wanted. VDM_ERR_USAGE if there is no word in it. */
bool vdm_search_add(struct vdm_search *s, struct vdm_bytes words, bool absent,
                    struct vdm_err *err) VDM_MUST_CHECK;

/* Why was a record found: do wanted words stand in this value of it (escaped, as in the record)? */
bool vdm_search_hits(const struct vdm_search *s, const struct vdm_record_line *line, bool *yes,
                     struct vdm_err *err) VDM_MUST_CHECK;

#endif
