/* SPDX-License-Identifier: MIT */
/* Times of ours have one form; dates of sources are printable ASCII and days of the calendar; every
 * time of ours is one. */
#include "fuzz/fuzz.h"

#include "base/edtf.h"
#include "base/text.h"
#include "base/time.h"

#include <string.h>
#include <time.h>

/* A plain date is one that the C library's calendar has. */
static void check_calendar(struct vdm_bytes date)
{
    char text[11] = {0};
    struct tm t = {0};
    int year, month, day, end = 0;
    memcpy(text, date.p, 10);
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || end != 10 ||
        strspn(text, "0123456789-") != 10)
        return;
    t.tm_year = year - 1900;
    t.tm_mon = month - 1;
    t.tm_mday = day;
    timegm(&t);
    FUZZ_CHECK(t.tm_year == year - 1900 && t.tm_mon == month - 1 && t.tm_mday == day);
}

/* It means some day; of an interval the ends are what they mean alone, and no date is wider than the
 * century that `19XX` is. */
static void check_days(struct vdm_bytes date, const struct vdm_edtf *d)
{
    struct vdm_bytes to = date, from;
    struct vdm_edtf end;
    FUZZ_CHECK(d->has_first || d->has_last);
    FUZZ_CHECK(!(d->has_first && d->has_last) || d->first <= d->last);
    FUZZ_CHECK(d->interval == vdm_cut(&to, '/', &from));
    if (!d->interval) {
        FUZZ_CHECK(d->has_first && d->has_last && d->last - d->first < 36525);
        return;
    }
    if (d->has_first)
        FUZZ_CHECK(vdm_edtf_decode(from, &end) && end.first == d->first && !end.interval);
    if (d->has_last)
        FUZZ_CHECK(vdm_edtf_decode(to, &end) && end.last == d->last && !end.interval);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_time t;
    char again[VDM_TIME_LEN + 1];
    struct vdm_edtf d;
    bool valid = vdm_edtf_decode(input, &d);
    FUZZ_CHECK(valid == vdm_source_date_valid(input));
    if (valid)
        check_days(input, &d);
    if (vdm_time_decode(input, &t)) {
        vdm_time_encode(t, again);
        FUZZ_CHECK(vdm_bytes_equal_str(input, again));
        FUZZ_CHECK(valid);
    }
    for (size_t i = 0; valid && i < n; i++)
        FUZZ_CHECK(data[i] > 0x20 && data[i] < 0x7F);
    FUZZ_CHECK(!valid || n > 0);
    if (valid && n == 10)
        check_calendar(input);
    return 0;
}
