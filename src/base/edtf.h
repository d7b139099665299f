/* SPDX-License-Identifier: MIT */
/* Dates as sources give them, as precise as they are known: W3CDTF, and EDTF (ISO 8601-2, as published by
 * the Library of Congress in 2019) levels 0 and 1. Docs: docs/FORMATS.md, "Dates of sources". */
#ifndef VDM_BASE_EDTF_H
#define VDM_BASE_EDTF_H

#include "base/buf.h"

/* Days since 1970-01-01 of the proleptic Gregorian calendar. The day of a time is that of its own zone. */
struct vdm_edtf {
    bool interval;
    bool has_first, has_last;    /* false: an end that is open or not known */
    int64_t first, last;         /* the earliest and the latest day that it may mean */
    bool uncertain, approximate; /* `?` and `~` (`%`: both), of either end */
};

/* Years have at most twelve digits. */
bool vdm_edtf_decode(struct vdm_bytes text, struct vdm_edtf *out) VDM_MUST_CHECK;

/* A day of UTC and nanoseconds of it. */
struct vdm_moment {
    int64_t day, ns;
};
/* From the first to the last moment that a date may mean: of `10:05` all of that minute. What names
 * no zone is taken as UTC; an end that is open or not known is INT64_MIN or INT64_MAX days away. */
struct vdm_moments {
    struct vdm_moment first, last;
};
bool vdm_edtf_moments(struct vdm_bytes text, struct vdm_moments *out) VDM_MUST_CHECK;
struct vdm_moments vdm_moments_of_second(int64_t seconds); /* since 1970-01-01T00:00:00Z */
int vdm_moment_compare(struct vdm_moment a, struct vdm_moment b);

/* Is it one of these at all? */
bool vdm_source_date_valid(struct vdm_bytes text);
/* Of one that is not: would it be, with another day of its month? As 2025-02-30, for a message. */
bool vdm_source_date_no_such_day(struct vdm_bytes text);

#endif
