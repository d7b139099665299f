/* SPDX-License-Identifier: MIT */
/* The dates that a document writes, held against each other. Nothing is corrected: both lines stay, and
 * this says whether they agree.
 *
 * Islamic dates are those of Umm al-Qura from 1300 to 1600 AH, and of the civil calendar (which has a
 * rule) before and after, as ICU has them. Months begin by sighting of the moon in many places: a day
 * more or less is no contradiction. */
#ifndef VDM_DATES_COMPARE_H
#define VDM_DATES_COMPARE_H

#include "base/edtf.h"
#include "dates/written.h"

#define VDM_DATES_MAX 16 /* that are read */

struct vdm_read_date {
    struct vdm_written_date written;
    size_t line;         /* in which line, from 0 */
    int64_t first, last; /* days since 1970-01-01; one unless the day is not written */
    bool umm_al_qura;    /* Islamic: else the civil calendar */
};

enum vdm_dates_verdict {
    VDM_DATES_AGREE,
    VDM_DATES_DIFFER,
    VDM_DATES_CANNOT_TELL, /* `why` */
};
enum vdm_weekday_verdict { VDM_WEEKDAY_NONE, VDM_WEEKDAY_FITS, VDM_WEEKDAY_CONTRADICTS };

#define VDM_DATES_ISSUED SIZE_MAX /* instead of a place in `read` */

struct vdm_dates {
    struct vdm_read_date read[VDM_DATES_MAX];
    size_t n;
    bool has_issued; /* a date or an interval with both ends */
    bool is_open;    /* an interval without one of them */
    int64_t issued_first, issued_last;
    /* All are held against one: the first Gregorian date of the lines, or else what was stated as issued.
     * Of those that are not, the one that differs most is told of. */
    enum vdm_dates_verdict verdict;
    const char *why; /* CANNOT_TELL */
    size_t told, against;
    int64_t days; /* by how many they differ; of AGREE 0 or 1 */
    bool part;    /* AGREE: only as far as months or years, since a day is not given */
    /* What was stated as issued is no day that the lines say. */
    bool issued_differs;
    int64_t issued_days;
    enum vdm_weekday_verdict weekday;
    int64_t weekday_of;  /* the day that it is told of */
    int weekday_written; /* 0: Sunday */
};
int vdm_weekday_of(int64_t day);

/* `issued` is empty where there is none. */
bool vdm_dates_compare(struct vdm_dates *out, const struct vdm_bytes *lines, size_t n,
                       struct vdm_bytes issued, struct vdm_err *err) VDM_MUST_CHECK;

#endif
