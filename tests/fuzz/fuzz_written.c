/* SPDX-License-Identifier: MIT */
/* Date lines as documents write them: whatever a line says, what is read of it is a month, a day or none,
 * and a year; and what two lines say together is one of the three verdicts, the same in either order where
 * each has one date. */
#include "fuzz/fuzz.h"

#include "dates/compare.h"

#include <string.h>

static void check_read(const struct vdm_dates *d)
{
    FUZZ_CHECK(d->n <= VDM_DATES_MAX);
    for (size_t i = 0; i < d->n; i++) {
        const struct vdm_written_date *w = &d->read[i].written;
        FUZZ_CHECK(w->calendar == VDM_GREGORIAN || w->calendar == VDM_ISLAMIC);
        FUZZ_CHECK(w->month >= 1 && w->month <= 12 && w->day >= 0 && w->day <= 31);
        FUZZ_CHECK(w->year >= 0 && w->year <= 9999 && w->weekday >= -1 && w->weekday <= 6);
        FUZZ_CHECK(d->read[i].first <= d->read[i].last && d->read[i].last - d->read[i].first <= 30);
        FUZZ_CHECK(w->day == 0 || d->read[i].first == d->read[i].last);
    }
    FUZZ_CHECK((d->verdict == VDM_DATES_CANNOT_TELL) == (d->why != NULL));
    FUZZ_CHECK(d->verdict != VDM_DATES_AGREE || d->days <= 1);
    FUZZ_CHECK(d->verdict != VDM_DATES_DIFFER || d->days >= 1);
    FUZZ_CHECK(d->verdict == VDM_DATES_CANNOT_TELL || d->told < d->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_dates d, back;
    const uint8_t *end = n ? memchr(data, '\n', n) : NULL;
    size_t first = end ? (size_t)(end - data) : n;
    struct vdm_bytes lines[2] = {{data, first}, {data + first, n - first}};
    struct vdm_bytes other[2] = {lines[1], lines[0]};
    FUZZ_CHECK(vdm_dates_compare(&d, lines, 2, VDM_LIT("2019-11-28"), NULL));
    check_read(&d);
    FUZZ_CHECK(vdm_dates_compare(&back, other, 2, VDM_LIT("2019-11-28"), NULL));
    check_read(&back);
    FUZZ_CHECK(d.n == back.n || d.n == VDM_DATES_MAX);
    bool one_each = d.n == 2 && d.read[0].line != d.read[1].line &&
                    d.read[0].written.calendar != d.read[1].written.calendar;
    FUZZ_CHECK(!one_each || (d.verdict == back.verdict && d.days == back.days));
    return 0;
}
