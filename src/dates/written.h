/* SPDX-License-Identifier: MIT */
/* Dates as documents write them: `Thursday, 01st Rabii' II 1441 AH`, `28/11/2019 CE`, in English and
 * Arabic, with the digits of either. Nothing is guessed beyond what this header says. */
#ifndef VDM_DATES_WRITTEN_H
#define VDM_DATES_WRITTEN_H

#include "dates/names.h"

#define VDM_WRITTEN_LINE_MAX 1024 /* bytes of a line that is read */

struct vdm_written_date {
    enum vdm_calendar calendar;
    int year, month, day; /* day 0: not written */
    bool either; /* day and month are both numbers below 13, and may be the other way round */
    int weekday; /* 0: Sunday; -1: none, or more than one, in its line */
};

/* The dates of a line, in order, at most `cap`; how many. A date has a year of three or four digits and a
 * month, by name or number; three numbers are day, month and year, or year, month and day. Its calendar is
 * that of its month's name and of its era, which must not contradict each other; of numbers without an era
 * it is told by the year: 1300 to 1599 Islamic, 1700 to 2999 Gregorian. What else there is, is no date. */
bool vdm_written_read(struct vdm_bytes line, struct vdm_written_date *out, size_t cap, size_t *n,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
