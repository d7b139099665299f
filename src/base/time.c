/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include "base/text.h"

#include <string.h>
#include <time.h>

struct vdm_time vdm_time_now(void)
{
    return (struct vdm_time){(int64_t)time(NULL)};
}

uint64_t vdm_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. Years are counted from 1
 * March, so that the leap day is the last of its year and months have a simple formula. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t in_era = z - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    *day = (int)(in_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static int month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* The n digits at the front of s as a number; -1 if they are not all digits. */
static int digits(struct vdm_bytes s, size_t n)
{
    int value = 0;
    if (s.n < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}

static bool valid_date(int64_t year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= month_days(year, month);
}

bool vdm_time_decode(struct vdm_bytes s, struct vdm_time *out)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    if (s.n != VDM_TIME_LEN)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (shape[i] == 'd' ? digits(vdm_bytes_skip(s, i), 1) < 0 : s.p[i] != (uint8_t)shape[i])
            return false;
    int year = digits(s, 4), month = digits(vdm_bytes_skip(s, 5), 2);
    int day = digits(vdm_bytes_skip(s, 8), 2), hour = digits(vdm_bytes_skip(s, 11), 2);
    int minute = digits(vdm_bytes_skip(s, 14), 2), second = digits(vdm_bytes_skip(s, 17), 2);
    if (!valid_date(year, month, day) || hour > 23 || minute > 59 || second > 59)
        return false;
    out->seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

/* Two digits of a number below 100; the century and the year's rest are written alike. */
static void two(char *out, int value)
{
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

bool vdm_time_encodable(struct vdm_time t)
{
    return t.seconds >= days_of(0, 1, 1) * 86400 && t.seconds < days_of(10000, 1, 1) * 86400;
}

void vdm_time_encode(struct vdm_time t, char *out)
{
    int64_t days = t.seconds / 86400, rest = t.seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int year, month, day;
    date_of(days, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00Z", VDM_TIME_LEN + 1);
    two(out, year / 100);
    two(out + 2, year % 100);
    two(out + 5, month);
    two(out + 8, day);
    two(out + 11, (int)(rest / 3600));
    two(out + 14, (int)(rest / 60 % 60));
    two(out + 17, (int)(rest % 60));
}

/* --- dates of sources: a small recursive descent over W3CDTF and EDTF level 1 --- */

static bool take(struct vdm_bytes *s, char c)
{
    if (s->n == 0 || s->p[0] != (uint8_t)c)
        return false;
    *s = vdm_bytes_skip(*s, 1);
    return true;
}

/* Two digits in [low, high]; -1 if not. */
static int take_two(struct vdm_bytes *s, int low, int high)
{
    int value = digits(*s, 2);
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

static bool take_zone(struct vdm_bytes *s)
{
    if (take(s, 'Z') || s->n == 0)
        return true;
    if (!take(s, '+') && !take(s, '-'))
        return false;
    if (take_two(s, 0, 14) < 0)
        return false;
    return s->n == 0 || (take(s, ':') && take_two(s, 0, 59) >= 0);
}

static bool take_fraction(struct vdm_bytes *s)
{
    size_t n = 0;
    for (; n < 9 && digits(*s, 1) >= 0; n++)
        *s = vdm_bytes_skip(*s, 1);
    return n > 0;
}

static bool take_clock(struct vdm_bytes *s)
{
    int hour = take_two(s, 0, 24);
    bool last = hour == 24; /* 24:00 is the end of the day, and nothing comes after it */
    if (hour < 0 || !take(s, ':') || take_two(s, 0, last ? 0 : 59) < 0)
        return false;
    if (take(s, ':')) {
        if (take_two(s, 0, last ? 0 : 60) < 0)
            return false;
        if (take(s, '.') && (last || !take_fraction(s)))
            return false;
    }
    return take_zone(s);
}

/* `Y170000002`: years of more than four digits. */
static bool long_year(struct vdm_bytes s)
{
    take(&s, '-');
    if (s.n < 5 || s.n > 12)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (digits(vdm_bytes_skip(s, i), 1) < 0)
            return false;
    return s.p[0] != '0';
}

static bool take_year(struct vdm_bytes *s, int *year)
{
    bool minus = take(s, '-');
    if ((*year = digits(*s, 4)) == 0 && minus)
        return false;
    if (*year < 0) {
        bool unspecified = s->n >= 4 && s->p[3] == 'X' &&
                           (digits(*s, 3) >= 0 || (s->p[2] == 'X' && digits(*s, 2) >= 0));
        if (!unspecified)
            return false;
    }
    *s = vdm_bytes_skip(*s, 4);
    return true;
}

static bool qualified_end(struct vdm_bytes s)
{
    if (take(&s, '?') || take(&s, '~') || take(&s, '%'))
        return s.n == 0;
    return s.n == 0;
}

static bool one_date(struct vdm_bytes s)
{
    int year, month, day;
    if (take(&s, 'Y'))
        return long_year(s);
    if (!take_year(&s, &year))
        return false;
    if (year < 0 || !take(&s, '-')) /* nothing more is known after a year such as 19XX */
        return qualified_end(s);
    if (take_unspecified(&s))
        return (!take(&s, '-') || take_unspecified(&s)) && qualified_end(s);
    if ((month = take_two(&s, 1, 24)) < 0 || (month > 12 && month < 21))
        return false;
    if (month > 12 || !take(&s, '-'))
        return qualified_end(s);
    if (take_unspecified(&s))
        return qualified_end(s);
    if ((day = take_two(&s, 1, 31)) < 0 || !valid_date(year, month, day))
        return false;
    if (take(&s, 'T'))
        return take_clock(&s) && s.n == 0;
    return qualified_end(s);
}

bool vdm_source_date_valid(struct vdm_bytes s)
{
    struct vdm_bytes from, to = s;
    if (!vdm_cut(&to, '/', &from))
        return one_date(s);
    bool open_from = from.n == 0 || vdm_bytes_equal_str(from, "..");
    bool open_to = to.n == 0 || vdm_bytes_equal_str(to, "..");
    return (open_from || one_date(from)) && (open_to || one_date(to)) && !(open_from && open_to);
}
