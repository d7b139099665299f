/* SPDX-License-Identifier: MIT */
/* Dates of sources: the examples of the specifications and what is none of them, from a table that the
 * second implementation reads too. */
#include "base/edtf.h"

#include "base/text.h"
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_end(const char *text, bool has, int64_t day, const char *wanted)
{
    if (has != (strcmp(wanted, "-") != 0) || (has && day != atoll(wanted)))
        fail_msg("%s: %lld instead of %s", text, (long long)day, wanted);
}

static void check_line(const char *line, int *good, int *bad)
{
    char text[64], first[32], last[32];
    struct vdm_edtf d;
    if (line[0] == '#')
        return;
    if (sscanf(line, "good %63s %31s %31s", text, first, last) == 3) {
        (*good)++;
        if (!vdm_edtf_decode(vdm_str(text), &d))
            fail_msg("refused: %s", text);
        check_end(text, d.has_first, d.first, first);
        check_end(text, d.has_last, d.last, last);
    } else if (sscanf(line, "bad %63s", text) == 1) {
        (*bad)++;
        if (vdm_edtf_decode(vdm_str(text), &d))
            fail_msg("taken: %s", text);
    } else {
        fail_msg("what is this: %s", line);
    }
}

static void test_table(void **state)
{
    (void)state;
    char line[256];
    int good = 0, bad = 0;
    FILE *f = fopen(VDM_SOURCE_DIR "/tests/vectors/dates.txt", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        check_line(line, &good, &bad);
    fclose(f);
    assert_true(good >= 80 && bad >= 100);
}

static void qualified(const char *text, bool uncertain, bool approximate)
{
    struct vdm_edtf d;
    assert_true(vdm_edtf_decode(vdm_str(text), &d));
    assert_int_equal(d.uncertain, uncertain);
    assert_int_equal(d.approximate, approximate);
}

static void test_qualified(void **state)
{
    (void)state;
    qualified("1984", false, false);
    qualified("1984?", true, false);
    qualified("1984-06~", false, true);
    qualified("1984-06-02%", true, true);
    qualified("1984?/2004~", true, true);
    qualified("1984/..", false, false);
}

static void test_bytes(void **state)
{
    (void)state;
    struct vdm_edtf d;
    assert_false(vdm_edtf_decode((struct vdm_bytes){NULL, 0}, &d));
    assert_false(vdm_edtf_decode(VDM_LIT("2019\0"), &d));
    assert_false(vdm_edtf_decode(VDM_LIT(" 2019"), &d));
    assert_false(vdm_edtf_decode(VDM_LIT("2019 "), &d));
    assert_false(vdm_edtf_decode(VDM_LIT("1984 / 2004"), &d));
    assert_false(vdm_edtf_decode(VDM_LIT("2019-11-28\n"), &d));
    assert_false(vdm_edtf_decode(VDM_LIT("201\xd9\xa9"), &d));
    assert_true(vdm_source_date_valid(VDM_LIT("2019")));
    assert_false(vdm_source_date_valid(VDM_LIT("20l9")));
    assert_true(vdm_source_date_no_such_day(VDM_LIT("2025-02-30")));
    assert_false(vdm_source_date_no_such_day(VDM_LIT("2025-02-28")));
    assert_false(vdm_source_date_no_such_day(VDM_LIT("2025-13-30")));
    assert_false(vdm_source_date_no_such_day(VDM_LIT("2025-02-3x")));
    assert_false(vdm_source_date_no_such_day((struct vdm_bytes){NULL, 0}));
}

static void spans(const char *text, int64_t first, int64_t first_ns, int64_t last, int64_t last_ns)
{
    struct vdm_moments s;
    assert_true(vdm_edtf_moments(vdm_str(text), &s));
    if (s.first.day != first || s.first.ns != first_ns || s.last.day != last ||
        s.last.ns != last_ns)
        fail_msg("%s: %lld+%lld to %lld+%lld", text, (long long)s.first.day, (long long)s.first.ns,
                 (long long)s.last.day, (long long)s.last.ns);
}

/* The first and the last moment, in UTC. */
static void test_spans(void **state)
{
    const int64_t s = 1000000000, end = 86400 * s - 1;
    struct vdm_moments none;
    (void)state;
    spans("1970-01-02", 1, 0, 1, end);
    spans("1970", 0, 0, 364, end);
    spans("1970-01/1970-02", 0, 0, 58, end);
    spans("1970/..", 0, 0, INT64_MAX, end);
    spans("/1970", INT64_MIN, 0, 364, end);
    spans("1970-01-02T00:01", 1, 60 * s, 1, 120 * s - 1);
    spans("1970-01-02T00:00:02Z", 1, 2 * s, 1, 3 * s - 1);
    spans("1970-01-02T00:00:02.25", 1, 2250000000, 1, 2259999999);
    spans("1970-01-02T00:00:00.123456789Z", 1, 123456789, 1, 123456789);
    spans("1970-01-02T01:00:00+02:30", 0, 22 * 3600 * s + 1800 * s, 0,
          22 * 3600 * s + 1801 * s - 1);
    spans("1970-01-02T23:00:00-02", 2, 3600 * s, 2, 3601 * s - 1);
    spans("1970-01-01T24:00", 1, 0, 1, 60 * s - 1);
    spans("1970-01-01T23:59:60Z", 1, 0, 1, s - 1);
    spans("1969-12-31T23:59:59Z", -1, end + 1 - s, -1, end);
    assert_false(vdm_edtf_moments(VDM_LIT("soon"), &none));
    for (int64_t at = -86401; at <= 86400; at += 86401 / 2) {
        struct vdm_moments one = vdm_moments_of_second(at);
        assert_true(one.first.day * 86400 + one.first.ns / s == at);
        assert_true(one.first.ns >= 0 && one.last.ns <= end && one.last.ns - one.first.ns == s - 1);
        assert_int_equal(vdm_moment_compare(one.first, one.last), -1);
        assert_int_equal(vdm_moment_compare(one.last, one.first), 1);
        assert_int_equal(vdm_moment_compare(one.last, one.last), 0);
        assert_int_equal(vdm_moment_compare(one.last, vdm_moments_of_second(at + 86400).first), -1);
    }
}

/* Each day of some thousand years and its number, there and back. */
static void test_calendar(void **state)
{
    (void)state;
    int64_t day = vdm_days_of(-401, 1, 1);
    for (int64_t year = -401; year <= 2401; year++)
        for (int month = 1; month <= 12; month++)
            for (int d = 1; d <= vdm_month_days(year, month); d++, day++) {
                int64_t y;
                int m, back;
                assert_int_equal(vdm_days_of(year, month, d), day);
                vdm_date_of(day, &y, &m, &back);
                assert_true(y == year && m == month && back == d);
            }
    assert_int_equal(vdm_days_of(1970, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),    cmocka_unit_test(test_qualified),
        cmocka_unit_test(test_bytes),    cmocka_unit_test(test_spans),
        cmocka_unit_test(test_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
