/* SPDX-License-Identifier: MIT */
/* What months, days of the week and eras are called in English and Arabic date lines, in the many ways in
 * which Arabic names are written in Latin letters. Words come folded (words/words.h) and without
 * apostrophes. */
#ifndef VDM_DATES_NAMES_H
#define VDM_DATES_NAMES_H

#include "base/buf.h"

enum vdm_calendar { VDM_CALENDAR_NONE, VDM_GREGORIAN, VDM_ISLAMIC };

/* A month at the front of these words: how many of them it takes (0: none), the longest name first.
 * `1` and `2` count as words: `Rabi 2`. */
size_t vdm_month_name(const struct vdm_bytes *words, size_t n, enum vdm_calendar *calendar,
                      int *month);
/* 0: Sunday ... 6: Saturday; -1: none. *brief: a word that is short for it, and may be another word. */
int vdm_weekday_name(struct vdm_bytes word, bool *brief);
/* How many words an era takes (0: none). */
size_t vdm_era_name(const struct vdm_bytes *words, size_t n, enum vdm_calendar *calendar);
/* `st`, `of` and the like, between the parts of a date. */
bool vdm_is_filler(struct vdm_bytes word);

#endif
