/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int month_days(int year, int month)
{
    bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
    return month == 2 ? 28 + leap : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Counts days one by one from 0000-01-01, which shares nothing with the formulas under test. */
static void test_every_day_of_ten_thousand_years(void **state)
{
    (void)state;
    int64_t day_number = -719528;
    unsigned turn = 0;
    for (int year = 0; year <= 9999; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= month_days(year, month); day++, day_number++) {
                /* Every seventeenth day, and the edges of each month. */
                if (day != 1 && day < 28 && turn++ % 17 != 0)
                    continue;
                char text[64], again[VDM_TIME_LEN + 1];
                int64_t clock = (day_number * 7919 % 86400 + 86400) % 86400;
                snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day,
                         (int)(clock / 3600), (int)(clock / 60 % 60), (int)(clock % 60));
                struct vdm_time t;
                assert_true(vdm_time_decode(vdm_str(text), &t));
                if (t.seconds != day_number * 86400 + clock)
                    fail_msg("%s is %lld", text, (long long)t.seconds);
                vdm_time_encode(t, again);
                assert_string_equal(again, text);
            }
    assert_true(day_number == 2932897);
}

static void test_known_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } known[] = {{"1970-01-01T00:00:00Z", 0},
                 {"1969-12-31T23:59:59Z", -1},
                 {"2000-02-29T12:00:00Z", 951825600},
                 {"2038-01-19T03:14:08Z", INT64_C(2147483648)},
                 {"0000-01-01T00:00:00Z", INT64_C(-62167219200)},
                 {"9999-12-31T23:59:59Z", INT64_C(253402300799)}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct vdm_time t;
        char again[VDM_TIME_LEN + 1];
        assert_true(vdm_time_decode(vdm_str(known[i].text), &t));
        assert_true(t.seconds == known[i].seconds);
        vdm_time_encode(t, again);
        assert_string_equal(again, known[i].text);
    }
}

static void test_times_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2020-01-02",
        "2020-01-02T03:04:05",
        "2020-01-02T03:04:05z",
        "2020-01-02t03:04:05Z",
        "2020-01-02 03:04:05Z",
        "2020-01-02T03:04:05ZZ",
        "2020-01-02T03:04:05+00:00",
        "2020-01-02T03:04:05.0Z",
        "2020-1-02T03:04:05Z0",
        "20200-1-02T03:04:05Z",
        "+020-01-02T03:04:05Z",
        "-020-01-02T03:04:05Z",
        "2020-00-02T03:04:05Z",
        "2020-13-02T03:04:05Z",
        "2020-01-00T03:04:05Z",
        "2020-01-32T03:04:05Z",
        "2020-04-31T03:04:05Z",
        "2020-02-30T03:04:05Z",
        "2019-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2100-02-29T03:04:05Z",
        "2020-01-02T24:00:00Z",
        "2020-01-02T23:60:00Z",
        "2020-01-02T23:59:60Z",
        "2020-01-02T0a:04:05Z",
        "202\xD9\xA0-01-02T03:04:5Z",
        " 020-01-02T03:04:05Z",
    };
    struct vdm_time t = {42};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vdm_time_decode(vdm_str(bad[i]), &t))
            fail_msg("taken: %s", bad[i]);
    assert_false(vdm_time_decode(VDM_LIT("2020-01-02T03:04:05\0"), &t));
    assert_int_equal(t.seconds, 42);
}

static void test_clocks(void **state)
{
    (void)state;
    struct vdm_time now = vdm_time_now();
    uint64_t a = vdm_clock_ms(), b = vdm_clock_ms();
    assert_true(now.seconds > INT64_C(1577836800)); /* after 2020 */
    assert_true(b >= a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day_of_ten_thousand_years),
        cmocka_unit_test(test_known_times),
        cmocka_unit_test(test_times_that_are_none),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
