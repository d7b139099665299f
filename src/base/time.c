/* SPDX-License-Identifier: MIT */
#include "base/time.h"

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

/* Years are counted from 1 March, so that the leap day is the last of its year and months have a simple
 * formula. */
int64_t vdm_days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

void vdm_date_of(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t in_era = z - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    *day = (int)(in_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

int vdm_month_days(int64_t year, int month)
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
    return month >= 1 && month <= 12 && day >= 1 && day <= vdm_month_days(year, month);
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
    out->seconds = ((vdm_days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
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
    return t.seconds >= vdm_days_of(0, 1, 1) * 86400 &&
           t.seconds < vdm_days_of(10000, 1, 1) * 86400;
}

void vdm_time_encode(struct vdm_time t, char *out)
{
    int64_t days = t.seconds / 86400, rest = t.seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t full;
    int month, day;
    vdm_date_of(days, &full, &month, &day);
    int year = (int)full;
    memcpy(out, "0000-00-00T00:00:00Z", VDM_TIME_LEN + 1);
    two(out, year / 100);
    two(out + 2, year % 100);
    two(out + 5, month);
    two(out + 8, day);
    two(out + 11, (int)(rest / 3600));
    two(out + 14, (int)(rest / 60 % 60));
    two(out + 17, (int)(rest % 60));
}
