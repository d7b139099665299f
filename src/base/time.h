/* SPDX-License-Identifier: MIT */
/* Times of ours: `YYYY-MM-DDTHH:MM:SSZ`, real calendar dates, UTC. time.c alone reads the clock. */
#ifndef VDM_BASE_TIME_H
#define VDM_BASE_TIME_H

#include "base/buf.h"

#define VDM_TIME_LEN 20 /* characters of the text form, without NUL */

/* Seconds since 1970-01-01T00:00:00Z; years 0000 to 9999 have a text form. */
struct vdm_time {
    int64_t seconds;
};

/* The clock; with SOURCE_DATE_EPOCH nothing changes here: that is the caller's business. */
struct vdm_time vdm_time_now(void);
/* Milliseconds of a clock that never jumps, for rates and progress. */
uint64_t vdm_clock_ms(void);

bool vdm_time_decode(struct vdm_bytes text, struct vdm_time *out) VDM_MUST_CHECK;
/* `out` takes VDM_TIME_LEN + 1 bytes. The time must lie in years 0000 to 9999. */
void vdm_time_encode(struct vdm_time t, char *out);
/* Has it that form? Years 0 to 9999 have. */
bool vdm_time_encodable(struct vdm_time t);

/* The proleptic Gregorian calendar: days since 1970-01-01, and back. */
int64_t vdm_days_of(int64_t year, int month, int day);
void vdm_date_of(int64_t days, int64_t *year, int *month, int *day);
int vdm_month_days(int64_t year, int month);

#endif
