/* SPDX-License-Identifier: MIT */
#include "dates/compare.h"

#include "base/time.h"
#include "words/utf16.h"

#include <math.h>
#include <unicode/ucal.h>

/* --- the calendars --- */

#define UMM_AL_QURA_FIRST                                                                          \
    1300 /* what ICU has a table for; beside it, it takes the civil calendar */
#define UMM_AL_QURA_LAST 1600

static bool islamic_day(UCalendar *c, int year, int month, int day, int64_t *out,
                        struct vdm_err *err)
{
    UErrorCode code = U_ZERO_ERROR;
    ucal_clear(c);
    ucal_setDate(c, year, month - 1, day, &code);
    double ms = ucal_getMillis(c, &code);
    *out = (int64_t)floor(ms / 86400000.0);
    return U_SUCCESS(code) || vdm_fail_icu(code, "calendar", err);
}

static bool islamic_range(struct vdm_read_date *d, struct vdm_err *err)
{
    static const UChar utc[] = {'E', 't', 'c', '/', 'G', 'M', 'T', 0};
    UErrorCode code = U_ZERO_ERROR;
    const struct vdm_written_date *w = &d->written;
    d->umm_al_qura = w->year >= UMM_AL_QURA_FIRST && w->year <= UMM_AL_QURA_LAST;
    const char *name =
        d->umm_al_qura ? "en_US@calendar=islamic-umalqura" : "en_US@calendar=islamic-civil";
    UCalendar *c = ucal_open(utc, -1, name, UCAL_TRADITIONAL, &code);
    if (U_FAILURE(code))
        return vdm_fail_icu(code, "calendar", err);
    bool ok = islamic_day(c, w->year, w->month, w->day ? w->day : 1, &d->first, err);
    d->last = d->first;
    if (ok && !w->day) {
        bool december = w->month == 12;
        ok = islamic_day(c, w->year + december, december ? 1 : w->month + 1, 1, &d->last, err);
        d->last--;
    }
    ucal_close(c);
    return ok;
}

/* false: there is no such day. An Islamic month has 30 days at most, and may have 29 or 30 of them where
 * another has not. */
static bool is_day(const struct vdm_written_date *w)
{
    int most = w->calendar == VDM_GREGORIAN ? vdm_month_days(w->year, w->month) : 30;
    return w->day <= most;
}

static bool set_range(struct vdm_read_date *d, struct vdm_err *err)
{
    const struct vdm_written_date *w = &d->written;
    if (w->calendar == VDM_ISLAMIC)
        return islamic_range(d, err);
    d->first = vdm_days_of(w->year, w->month, w->day ? w->day : 1);
    d->last = w->day ? d->first : vdm_days_of(w->year, w->month, vdm_month_days(w->year, w->month));
    return true;
}

int vdm_weekday_of(int64_t day)
{
    return (int)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

/* --- reading --- */

static bool read_lines(struct vdm_dates *d, const struct vdm_bytes *lines, size_t n,
                       struct vdm_err *err)
{
    for (size_t i = 0; i < n && d->n < VDM_DATES_MAX; i++) {
        struct vdm_written_date found[VDM_DATES_MAX];
        size_t count;
        if (!vdm_written_read(lines[i], found, VDM_DATES_MAX - d->n, &count, err))
            return false;
        for (size_t k = 0; k < count; k++) {
            struct vdm_read_date *r = &d->read[d->n];
            *r = (struct vdm_read_date){.written = found[k], .line = i};
            if (!is_day(&found[k]))
                continue;
            if (!set_range(r, err))
                return false;
            d->n++;
        }
    }
    return true;
}

static void read_issued(struct vdm_dates *d, struct vdm_bytes issued)
{
    struct vdm_edtf e;
    bool is_one = vdm_edtf_decode(issued, &e);
    d->has_issued = is_one && e.has_first && e.has_last;
    d->is_open = is_one && !d->has_issued;
    if (d->has_issued) {
        d->issued_first = e.first;
        d->issued_last = e.last;
    }
}

/* --- one against the other --- */

struct days {
    int64_t first, last;
};

static struct days days_of(const struct vdm_dates *d, size_t i)
{
    return i == VDM_DATES_ISSUED ? (struct days){d->issued_first, d->issued_last}
                                 : (struct days){d->read[i].first, d->read[i].last};
}

static int64_t distance(struct days a, struct days b)
{
    if (a.first > b.last)
        return a.first - b.last;
    return b.first > a.last ? b.first - a.last : 0;
}

/* Of two Gregorian dates no day more or less is let pass. */
static int64_t tolerance(const struct vdm_dates *d, size_t i)
{
    return d->read[i].written.calendar == VDM_ISLAMIC ? 1 : 0;
}

/* 03/05 may be the third of May or the fifth of March: the latter only if that agrees and the former does
 * not. */
static bool try_other_way(struct vdm_dates *d, size_t i, size_t against, int64_t most,
                          struct vdm_err *err)
{
    struct vdm_read_date *r = &d->read[i], other = *r;
    if (i == VDM_DATES_ISSUED || !r->written.either)
        return true;
    other.written.day = r->written.month;
    other.written.month = r->written.day;
    if (!set_range(&other, err))
        return false;
    struct days b = days_of(d, against);
    if (distance((struct days){r->first, r->last}, b) > most &&
        distance((struct days){other.first, other.last}, b) <= most)
        *r = other;
    return true;
}

static bool hold_against(struct vdm_dates *d, size_t i, struct vdm_err *err)
{
    int64_t most = tolerance(d, i);
    if (!try_other_way(d, i, d->against, most, err))
        return false;
    if (d->against != VDM_DATES_ISSUED && !try_other_way(d, d->against, i, most, err))
        return false;
    struct days a = days_of(d, i), b = days_of(d, d->against);
    int64_t days = distance(a, b);
    bool told = d->told != VDM_DATES_ISSUED;
    bool worse = days > most ? d->verdict == VDM_DATES_AGREE || days > d->days
                             : d->verdict == VDM_DATES_AGREE && days > d->days;
    if (told && !worse)
        return true;
    d->told = i;
    d->days = days;
    d->verdict = days > most ? VDM_DATES_DIFFER : VDM_DATES_AGREE;
    d->part = a.first != a.last || b.first != b.last;
    return true;
}

static size_t first_gregorian(const struct vdm_dates *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->read[i].written.calendar == VDM_GREGORIAN)
            return i;
    return VDM_DATES_ISSUED;
}

static bool cannot_tell(struct vdm_dates *d, const char *why)
{
    d->verdict = VDM_DATES_CANNOT_TELL;
    d->why = why;
    return true;
}

static bool judge(struct vdm_dates *d, struct vdm_err *err)
{
    if (d->n == 0)
        return cannot_tell(d, "no date is read in what is written");
    d->told = VDM_DATES_ISSUED;
    d->against = first_gregorian(d);
    bool alone = d->n == 1 && d->against != VDM_DATES_ISSUED;
    if (d->is_open && (alone || d->against == VDM_DATES_ISSUED))
        return cannot_tell(d, "what is stated as issued has no beginning or no end");
    if (d->against == VDM_DATES_ISSUED && !d->has_issued)
        return cannot_tell(d, "no Gregorian date is written or stated as issued");
    if (alone && !d->has_issued)
        return cannot_tell(d, "one date is written, and none is stated as issued");
    if (alone)
        d->against = VDM_DATES_ISSUED;
    for (size_t i = 0; i < d->n; i++)
        if (i != d->against && !hold_against(d, i, err))
            return false;
    if (d->against != VDM_DATES_ISSUED && d->has_issued) {
        d->issued_days = distance(days_of(d, VDM_DATES_ISSUED), days_of(d, d->against));
        d->issued_differs = d->issued_days > 0;
    }
    return true;
}

/* --- the day of the week --- */

/* The day that a weekday in the line of date i is told of: exact where a Gregorian day is known for it,
 * else within one day. */
static void judge_weekday(struct vdm_dates *d, size_t i)
{
    const struct vdm_read_date *r = &d->read[i];
    struct days day = {r->first, r->last};
    int64_t slack = r->written.calendar == VDM_ISLAMIC;
    if (slack && d->verdict == VDM_DATES_AGREE) {
        struct days known = days_of(d, d->against);
        if (known.first == known.last) {
            day = known;
            slack = 0;
        }
    }
    if (day.first != day.last)
        return;
    d->weekday = VDM_WEEKDAY_CONTRADICTS;
    d->weekday_of = day.first;
    d->weekday_written = r->written.weekday;
    for (int64_t k = -slack; k <= slack; k++)
        if (vdm_weekday_of(day.first + k) == r->written.weekday)
            d->weekday = VDM_WEEKDAY_FITS;
}

bool vdm_dates_compare(struct vdm_dates *out, const struct vdm_bytes *lines, size_t n,
                       struct vdm_bytes issued, struct vdm_err *err)
{
    *out = (struct vdm_dates){.told = VDM_DATES_ISSUED, .against = VDM_DATES_ISSUED};
    read_issued(out, issued);
    if (!read_lines(out, lines, n, err) || !judge(out, err))
        return false;
    for (size_t i = 0; i < out->n && out->weekday != VDM_WEEKDAY_CONTRADICTS; i++)
        if (out->read[i].written.weekday >= 0)
            judge_weekday(out, i);
    return true;
}
