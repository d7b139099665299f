/* SPDX-License-Identifier: MIT */
#include "base/edtf.h"

#include "base/text.h"
#include "base/time.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

/* A recursive descent; what is understood of one date. */
struct parsed {
    int64_t first, last;
    bool uncertain, approximate, clock;
    int64_t at;    /* of a clock: nanoseconds behind the start of that day of UTC */
    int64_t width; /* how many it may mean */
};

static bool take(struct vdm_bytes *s, char c)
{
    if (s->n == 0 || s->p[0] != (uint8_t)c)
        return false;
    *s = vdm_bytes_skip(*s, 1);
    return true;
}

/* The n digits at the front as a number; -1: they are not all digits. */
static int64_t digits(struct vdm_bytes s, size_t n)
{
    int64_t value = 0;
    if (s.n < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}

/* Two digits in [low, high]; -1 if not. */
static int take_two(struct vdm_bytes *s, int low, int high)
{
    int value = (int)digits(*s, 2);
    if (value < low || value > high)
        return -1;
    *s = vdm_bytes_skip(*s, 2);
    return value;
}

static bool take_unspecified(struct vdm_bytes *s)
{
    if (s->n < 2 || s->p[0] != 'X' || s->p[1] != 'X')
        return false;
    *s = vdm_bytes_skip(*s, 2);
    return true;
}

/* --- the time of day --- */

/* *ahead: seconds that it is before UTC. */
static bool take_zone(struct vdm_bytes *s, int64_t *ahead)
{
    int hours, minutes = 0;
    *ahead = 0;
    if (take(s, 'Z') || s->n == 0)
        return true;
    bool minus = take(s, '-');
    if ((!minus && !take(s, '+')) || (hours = take_two(s, 0, 14)) < 0)
        return false;
    if (s->n && (!take(s, ':') || (minutes = take_two(s, 0, 59)) < 0))
        return false;
    *ahead = (minus ? -1 : 1) * (hours * 60 + minutes) * 60;
    return true;
}

static bool take_fraction(struct vdm_bytes *s, struct parsed *d)
{
    size_t n = 0;
    for (; n < 9 && digits(*s, 1) >= 0; n++) {
        d->width /= 10;
        d->at += digits(*s, 1) * d->width;
        *s = vdm_bytes_skip(*s, 1);
    }
    return n > 0;
}

static bool take_clock(struct vdm_bytes *s, struct parsed *d)
{
    int hour = take_two(s, 0, 24), minute, second;
    int64_t ahead;
    bool last = hour == 24; /* 24:00 is the end of the day, and nothing comes after it */
    if (hour < 0 || !take(s, ':') || (minute = take_two(s, 0, last ? 0 : 59)) < 0)
        return false;
    d->at = (hour * 60 + minute) * 60 * SECOND;
    d->width = 60 * SECOND;
    if (take(s, ':')) {
        if ((second = take_two(s, 0, last ? 0 : 60)) < 0)
            return false;
        d->at += second * SECOND;
        d->width = SECOND;
        if (take(s, '.') && (last || !take_fraction(s, d)))
            return false;
    }
    bool ok = take_zone(s, &ahead);
    d->at -= ahead * SECOND;
    return ok;
}

/* --- one date --- */

static void set_years(struct parsed *d, int64_t from, int64_t to)
{
    d->first = vdm_days_of(from, 1, 1);
    d->last = vdm_days_of(to, 12, 31);
}

static void set_months(struct parsed *d, int64_t year, int from, int to)
{
    d->first = vdm_days_of(year, from, 1);
    d->last = vdm_days_of(year, to, vdm_month_days(year, to));
}

/* `?`, `~` or `%` behind the whole, and then its end. */
static bool end_qualified(struct vdm_bytes s, struct parsed *d)
{
    bool both = take(&s, '%');
    d->uncertain = both || take(&s, '?');
    d->approximate = both || (!d->uncertain && take(&s, '~'));
    return s.n == 0;
}

/* `Y170000002`: years of more than four digits. */
static bool long_year(struct vdm_bytes s, struct parsed *d)
{
    bool minus = take(&s, '-');
    if (s.n < 5 || s.n > 12 || s.p[0] == '0')
        return false;
    int64_t year = digits(s, s.n);
    set_years(d, minus ? -year : year, minus ? -year : year);
    return year >= 0;
}

/* Four digits, the last one or two of which may be X; and a minus before. */
static bool take_year(struct vdm_bytes *s, int64_t *from, int64_t *to)
{
    bool minus = take(s, '-');
    int64_t known = digits(*s, 4), wide = 1;
    if (known < 0 && s->n >= 4 && s->p[3] == 'X') {
        bool two = s->p[2] == 'X';
        wide = two ? 100 : 10;
        known = digits(*s, two ? 2 : 3) * wide;
    }
    if (known < 0 || (minus && known == 0))
        return false;
    *from = minus ? -(known + wide - 1) : known;
    *to = minus ? -known : known + wide - 1;
    *s = vdm_bytes_skip(*s, 4);
    return true;
}

/* Behind `YYYY-`: a month, a season, or what is not known of both. */
static bool month_on(struct vdm_bytes s, int64_t year, struct parsed *d)
{
    int month, day;
    if (take_unspecified(&s)) {
        set_years(d, year, year);
        return (!take(&s, '-') || take_unspecified(&s)) && end_qualified(s, d);
    }
    if ((month = take_two(&s, 1, 24)) < 0 || (month > 12 && month < 21))
        return false;
    if (month > 12) { /* which months a season has depends on where it was: some time of the year */
        set_years(d, year, year);
        return end_qualified(s, d);
    }
    set_months(d, year, month, month);
    if (!take(&s, '-') || take_unspecified(&s))
        return end_qualified(s, d);
    if ((day = take_two(&s, 1, vdm_month_days(year, month))) < 0)
        return false;
    d->first = d->last = vdm_days_of(year, month, day);
    d->clock = take(&s, 'T');
    return d->clock ? take_clock(&s, d) && s.n == 0 : end_qualified(s, d);
}

static bool one_date(struct vdm_bytes s, struct parsed *d)
{
    int64_t from, to;
    *d = (struct parsed){0};
    if (take(&s, 'Y'))
        return long_year(s, d);
    if (!take_year(&s, &from, &to))
        return false;
    set_years(d, from, to);
    /* Behind a year such as 19XX nothing more is known. */
    return from == to && take(&s, '-') ? month_on(s, from, d) : end_qualified(s, d);
}

/* --- intervals --- */

static bool is_open(struct vdm_bytes s)
{
    return s.n == 0 || vdm_bytes_equal_str(s, "..");
}

static bool interval(struct vdm_bytes from, struct vdm_bytes to, struct vdm_edtf *out)
{
    struct parsed a = {0}, b = {0};
    out->interval = true;
    out->has_first = !is_open(from);
    out->has_last = !is_open(to);
    if ((out->has_first && (!one_date(from, &a) || a.clock)) ||
        (out->has_last && (!one_date(to, &b) || b.clock)))
        return false;
    out->first = a.first;
    out->last = b.last;
    out->uncertain = a.uncertain || b.uncertain;
    out->approximate = a.approximate || b.approximate;
    if (out->has_first && out->has_last)
        return a.first <= b.last;
    return out->has_first || out->has_last;
}

bool vdm_edtf_decode(struct vdm_bytes text, struct vdm_edtf *out)
{
    struct vdm_bytes from, to = text;
    struct parsed d;
    *out = (struct vdm_edtf){0};
    if (vdm_cut(&to, '/', &from))
        return interval(from, to, out);
    if (!one_date(text, &d))
        return false;
    *out = (struct vdm_edtf){.has_first = true,
                             .has_last = true,
                             .first = d.first,
                             .last = d.last,
                             .uncertain = d.uncertain,
                             .approximate = d.approximate};
    return true;
}

/* --- as moments --- */

static struct vdm_moment moment(int64_t day, int64_t ns)
{
    int64_t days = ns / DAY - (ns % DAY < 0);
    return (struct vdm_moment){day + days, ns - days * DAY};
}

bool vdm_edtf_moments(struct vdm_bytes text, struct vdm_moments *out)
{
    struct vdm_edtf e;
    struct parsed d;
    if (!vdm_edtf_decode(text, &e))
        return false;
    if (!e.interval && one_date(text, &d) && d.clock) {
        *out = (struct vdm_moments){moment(d.first, d.at), moment(d.first, d.at + d.width - 1)};
        return true;
    }
    out->first = (struct vdm_moment){e.has_first ? e.first : INT64_MIN, 0};
    out->last = (struct vdm_moment){e.has_last ? e.last : INT64_MAX, DAY - 1};
    return true;
}

struct vdm_moments vdm_moments_of_second(int64_t seconds)
{
    int64_t day = seconds / 86400 - (seconds % 86400 < 0), at = (seconds - day * 86400) * SECOND;
    return (struct vdm_moments){{day, at}, {day, at + SECOND - 1}};
}

int vdm_moment_compare(struct vdm_moment a, struct vdm_moment b)
{
    if (a.day != b.day)
        return a.day < b.day ? -1 : 1;
    return (a.ns > b.ns) - (a.ns < b.ns);
}

bool vdm_source_date_valid(struct vdm_bytes text)
{
    struct vdm_edtf d;
    return vdm_edtf_decode(text, &d);
}

bool vdm_source_date_no_such_day(struct vdm_bytes text)
{
    uint8_t other[60];
    struct vdm_bytes day = text.n >= 10 ? vdm_bytes_skip(text, 8) : text;
    if (text.n < 10 || text.n > sizeof other || text.p[7] != '-' || digits(day, 2) < 0 ||
        vdm_source_date_valid(text))
        return false;
    memcpy(other, text.p, text.n);
    other[8] = '0';
    other[9] = '1';
    return vdm_source_date_valid((struct vdm_bytes){other, text.n});
}
