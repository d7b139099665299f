/* SPDX-License-Identifier: MIT */
/* The dates that a record says its document writes, held against each other and against `issued`. */
#ifndef VDM_OPS_DATES_H
#define VDM_OPS_DATES_H

#include "dates/compare.h"
#include "format/record.h"

/* *any: the record has a line `issued-as-written`; else there is nothing to tell. */
bool vdm_record_dates(const struct vdm_record *r, struct vdm_dates *out, bool *any,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
