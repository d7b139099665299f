/* SPDX-License-Identifier: MIT */
/* Date lines in the forms in which documents have them, and what they say together. */
#include "base/time.h"
#include "dates/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* `H1441-04-01 G2019-11-28/either Thu` and so on. */
static void reads(const char *line, const char *wanted)
{
    static const char *const days[] = {"", " Sun", " Mon", " Tue", " Wed", " Thu", " Fri", " Sat"};
    struct vdm_written_date d[4];
    char got[256] = "";
    size_t n, at = 0;
    assert_true(vdm_written_read(vdm_str(line), d, 4, &n, NULL));
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%c%04d-%02d-%02d%s%s", i ? " " : "",
                               d[i].calendar == VDM_ISLAMIC ? 'H' : 'G', d[i].year, d[i].month,
                               d[i].day, d[i].either ? "/either" : "", days[d[i].weekday + 1]);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: read as %s", line, got);
}

static void test_forms(void **state)
{
    (void)state;
    reads("Thursday, 01st Rabii’ II 1441 AH", "H1441-04-01 Thu");
    reads("28/11/2019 CE", "G2019-11-28");
    reads("Thursday 1 Rabi' al-Thani 1441 H / 28 November 2019", "H1441-04-01 Thu G2019-11-28 Thu");
    reads("الخميس، ١ ربيع الآخر ١٤٤١هـ الموافق ٢٨ تشرين الثاني/نوفمبر ٢٠١٩م",
          "H1441-04-01 Thu G2019-11-28 Thu");
    reads("١٤٤١/٤/١ هـ - ٢٠١٩/١١/٢٨ م", "H1441-04-01 G2019-11-28");
    reads("۱۴۴۱/۴/۱", "H1441-04-01");
    reads("November 28th, 2019", "G2019-11-28");
    reads("28th of November, 2019", "G2019-11-28");
    reads("Thu 28 Nov 2019", "G2019-11-28 Thu");
    reads("2019-11-28", "G2019-11-28");
    reads("28.11.2019", "G2019-11-28");
    reads("11/28/2019", "G2019-11-28");
    reads("03/05/2019", "G2019-05-03/either");
    reads("05/05/2019", "G2019-05-05");
    reads("01-04-1441", "H1441-04-01/either");
    reads("01-04-1441 A.H.", "H1441-04-01/either");
    reads("AH 1441, Rabi II", "");
    reads("Rabi II AH 1441", "H1441-04-00");
    reads("November 2019", "G2019-11-00");
    reads("3 Muharram 61 AH", "");
    reads("3 Muharram 061 AH", "H0061-01-03");
    reads("15 May 2019", "G2019-05-15");
    reads("٣ محرم الحرام ١٤٤١", "");
    reads("3 محرم 1441 للهجرة", "H1441-01-03");
}

static void test_months(void **state)
{
    (void)state;
    static const char *const names[12][12] = {
        {"Muharram", "Moharram", "al-Muharram", "Mouharram", "محرّم", "المحرم"},
        {"Safar", "Safer", "صفر"},
        {"Rabi' al-Awwal", "Rabi I", "Rabii' I", "Rabi` ul-Awal", "Rabīʿ al-awwal", "Rabiulawal",
         "Rabi 1", "ربيع الأول", "ربيع أول", "Rabee al Awwal"},
        {"Rabi' al-Thani", "Rabi II", "Rabi al-Akhir", "Rabi' ath-Thani", "Rabi us Sani",
         "ربيع الثاني", "ربيع الآخر", "Rabi‘ 2", "Rabiʻ al-Ākhir"},
        {"Jumada al-Ula", "Jumada al-Awwal", "Jumada I", "Jumādā al-ūlā", "Jamadi ul Awwal",
         "جمادى الأولى", "جمادى الأول", "Jumada al-Oula"},
        {"Jumada al-Akhirah", "Jumada al-Thaniya", "Jumada II", "Jamadi us Sani",
         "Jumaada al-Aakhirah", "جمادى الآخرة", "جمادى الثانية", "Jumada ath-Thani"},
        {"Rajab", "Rejab", "رجب"},
        {"Sha'ban", "Shaaban", "Shaʿbān", "Chaabane", "Şaban", "شعبان"},
        {"Ramadan", "Ramadhan", "Ramaḍān", "Ramazan", "رمضان"},
        {"Shawwal", "Shawal", "Chawwal", "شوّال", "شوال"},
        {"Dhu al-Qi'dah", "Dhul Qa'dah", "Dhu'l-Qa‘da", "Thul-Qidah", "Zulkaidah", "ذو القعدة",
         "ذي القعدة", "Dhū al-Qaʿdah", "Zilqad"},
        {"Dhu al-Hijjah", "Dhul-Hijja", "Thul Hijjah", "Zul Hijjah", "Zilhicce", "ذو الحجة",
         "ذي الحجة", "Dhū l-Ḥijja"},
    };
    char line[128], wanted[32];
    for (int m = 0; m < 12; m++)
        for (int i = 0; i < 12 && names[m][i]; i++) {
            snprintf(line, sizeof line, "7 %s 1441", names[m][i]);
            snprintf(wanted, sizeof wanted, "H1441-%02d-07", m + 1);
            reads(line, wanted);
        }
}

static void test_gregorian_months(void **state)
{
    (void)state;
    static const char *const names[] = {
        "كانون الثاني", "شباط",   "آذار",   "نيسان",       "أيار",         "حزيران",
        "تموز",         "آب",     "أيلول",  "تشرين الأول", "تشرين الثاني", "كانون الأول",
        "يناير",        "فبراير", "مارس",   "أبريل",       "مايو",         "يونيو",
        "يوليو",        "أغسطس",  "سبتمبر", "أكتوبر",      "نوفمبر",       "ديسمبر"};
    char line[128], wanted[32];
    for (int i = 0; i < 24; i++) {
        snprintf(line, sizeof line, "٩ %s ٢٠١٩ م", names[i]);
        snprintf(wanted, sizeof wanted, "G2019-%02d-09", i % 12 + 1);
        reads(line, wanted);
    }
}

/* What is no date, or says two things, is not read as one. */
static void test_no_dates(void **state)
{
    (void)state;
    reads("", "");
    reads("yesterday", "");
    reads("28/11/19", "");
    reads("28 November 1441 AH", "");
    reads("1 Rabi II 2019 CE", "");
    reads("1 Rabi 1441", "");
    reads("1 Jumada al-Foo 1441", "");
    reads("1/4/1650", "");
    reads("32 November 2019", "");
    reads("13/13/2019", "");
    reads("No. 12/2019", "");
    reads("12345678901234567890/11/2019", "");
    reads("\xff\xfe\x80 28/11/2019", "G2019-11-28");
    reads("Sunday or Monday 28/11/2019", "G2019-11-28");
    reads("the sun rose, 28/11/2019", "G2019-11-28");
}

struct verdict {
    const char *a, *b, *issued;
    enum vdm_dates_verdict verdict;
    int64_t days;
};

static void judges(const struct verdict *v, struct vdm_dates *d)
{
    struct vdm_bytes lines[2] = {vdm_str(v->a), vdm_str(v->b)};
    assert_true(vdm_dates_compare(d, lines, 2, vdm_str(v->issued), NULL));
    if (d->verdict != v->verdict || (v->verdict != VDM_DATES_CANNOT_TELL && d->days != v->days))
        fail_msg("%s | %s | %s: verdict %d, %lld days", v->a, v->b, v->issued, (int)d->verdict,
                 (long long)d->days);
    assert_int_equal(d->verdict == VDM_DATES_CANNOT_TELL, d->why != NULL);
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"Thursday, 01st Rabii’ II 1441 AH", "28/11/2019 CE", "", VDM_DATES_AGREE, 0},
        {"28/11/2019 CE", "Thursday, 01st Rabii’ II 1441 AH", "2019-11-28", VDM_DATES_AGREE, 0},
        {"2 Rabi II 1441 AH", "28/11/2019", "", VDM_DATES_AGREE, 1},
        {"30 Rabi I 1441 AH", "28/11/2019", "", VDM_DATES_AGREE, 1},
        {"3 Rabi II 1441 AH", "28/11/2019", "", VDM_DATES_DIFFER, 2},
        {"1 Rabi I 1441 AH", "28/11/2019", "", VDM_DATES_DIFFER, 30},
        {"1 Rabi II 1441 AH", "", "2019-11-28", VDM_DATES_AGREE, 0},
        {"1 Rabi II 1441 AH", "", "2019-11-25", VDM_DATES_DIFFER, 3},
        {"1 Rabi II 1441 AH", "", "2019-11", VDM_DATES_AGREE, 0},
        {"1 Rabi II 1441 AH", "", "2019-11-01/..", VDM_DATES_CANNOT_TELL, 0},
        {"1 Rabi II 1441 AH", "", "", VDM_DATES_CANNOT_TELL, 0},
        {"28/11/2019", "", "", VDM_DATES_CANNOT_TELL, 0},
        {"28/11/2019", "", "2019-11-28T10:00Z", VDM_DATES_AGREE, 0},
        {"28/11/2019", "", "2019-11-29", VDM_DATES_DIFFER, 1},
        {"28/11/2019", "29 November 2019", "", VDM_DATES_DIFFER, 1},
        {"Rabi II 1441", "November 2019", "", VDM_DATES_AGREE, 0},
        {"Rabi II 1441", "October 2019", "", VDM_DATES_DIFFER, 28},
        {"yesterday", "", "2019-11-28", VDM_DATES_CANNOT_TELL, 0},
        {"12/04/1441 AH", "09/12/2019", "", VDM_DATES_AGREE, 0}, /* days first */
        {"01/04/1441 AH", "28/11/2019", "", VDM_DATES_AGREE, 0},
        {"04/01/1441 AH", "28/11/2019", "", VDM_DATES_AGREE, 0}, /* the month first */
        {"03/05/2019", "", "2019-03-05", VDM_DATES_AGREE, 0},
        {"03/05/2019", "", "2019-05-03", VDM_DATES_AGREE, 0},
        {"03/05/2019", "", "2019-07-01", VDM_DATES_DIFFER, 59},
        {"31 November 2019", "", "2019-11-30", VDM_DATES_CANNOT_TELL, 0},
        {"1 Muharram 1299 AH", "23 November 1881", "", VDM_DATES_AGREE, 0}, /* the civil calendar */
        {"1 Muharram 0001 AH", "19 July 0622", "", VDM_DATES_AGREE, 0},
    };
    struct vdm_dates d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        judges(&cases[i], &d);
    judges(&cases[15], &d);
    assert_true(d.part);
    judges(&cases[0], &d);
    assert_true(!d.part && d.read[d.told].umm_al_qura);
    judges(&cases[25], &d);
    assert_false(d.read[d.told].umm_al_qura);
}

static void first_day(const char *written, int year, int month, int day)
{
    struct vdm_dates d;
    struct vdm_bytes line = vdm_str(written);
    assert_true(vdm_dates_compare(&d, &line, 1, vdm_str(""), NULL));
    assert_int_equal(d.n, 1);
    assert_int_equal(d.read[0].first, vdm_days_of(year, month, day));
}

/* As the tables of Umm al-Qura have them, and the civil calendar's rule; not a day off. */
static void test_days(void **state)
{
    (void)state;
    first_day("1 Rabi II 1441 AH", 2019, 11, 28);
    first_day("1 Muharram 1441 AH", 2019, 8, 31); /* the civil calendar: 1 September */
    first_day("1 Muharram 1447 AH", 2025, 6, 26);
    first_day("1 Ramadan 1446 AH", 2025, 3, 1);
    first_day("1 Muharram 1300 AH", 1882, 11, 12);
    first_day("1 Muharram 0001 AH", 622, 7, 19);
    first_day("Muharram 1441 AH", 2019, 8, 31);
}

static void test_issued_beside_both(void **state)
{
    (void)state;
    struct vdm_dates d;
    judges(&(struct verdict){"1 Rabi II 1441 AH", "28/11/2019", "2019-11-30", VDM_DATES_AGREE, 0},
           &d);
    assert_true(d.issued_differs && d.issued_days == 2);
    judges(&(struct verdict){"1 Rabi II 1441 AH", "28/11/2019", "2019", VDM_DATES_AGREE, 0}, &d);
    assert_false(d.issued_differs);
}

static void weekday(const char *a, const char *b, const char *issued,
                    enum vdm_weekday_verdict wanted)
{
    struct vdm_dates d;
    struct vdm_bytes lines[2] = {vdm_str(a), vdm_str(b)};
    assert_true(vdm_dates_compare(&d, lines, 2, vdm_str(issued), NULL));
    if (d.weekday != wanted)
        fail_msg("%s | %s | %s: %d", a, b, issued, (int)d.weekday);
}

static void test_weekdays(void **state)
{
    (void)state;
    weekday("Thursday, 1 Rabi II 1441 AH", "28/11/2019", "", VDM_WEEKDAY_FITS);
    weekday("Friday, 1 Rabi II 1441 AH", "28/11/2019", "", VDM_WEEKDAY_CONTRADICTS);
    weekday("Friday, 1 Rabi II 1441 AH", "", "", VDM_WEEKDAY_FITS); /* within a day */
    weekday("Saturday, 1 Rabi II 1441 AH", "", "", VDM_WEEKDAY_CONTRADICTS);
    weekday("Friday, 1 Rabi II 1441 AH", "", "2019-11-28", VDM_WEEKDAY_CONTRADICTS);
    weekday("الخميس 28/11/2019", "", "", VDM_WEEKDAY_FITS);
    weekday("Friday 28/11/2019", "", "", VDM_WEEKDAY_CONTRADICTS);
    weekday("Friday, November 2019", "", "", VDM_WEEKDAY_NONE);
    weekday("28/11/2019", "", "", VDM_WEEKDAY_NONE);
    assert_int_equal(vdm_weekday_of(vdm_days_of(2019, 11, 28)), 4);
    assert_int_equal(vdm_weekday_of(vdm_days_of(1960, 1, 3)), 0);
}

/* Months follow each other in both calendars, the table's and the rule's. */
static void test_calendars(void **state)
{
    (void)state;
    struct vdm_dates d;
    char a[64];
    int64_t before = 0;
    for (int year = 1290; year <= 1610; year += 5)
        for (int month = 1; month <= 12; month++) {
            snprintf(a, sizeof a, "01/%02d/%d AH", month, year);
            struct vdm_bytes line = vdm_str(a);
            assert_true(vdm_dates_compare(&d, &line, 1, vdm_str(""), NULL));
            assert_int_equal(d.n, 1);
            assert_true(month == 1 ||
                        (d.read[0].first - before >= 29 - 1 && d.read[0].first - before <= 31));
            before = d.read[0].first;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_months),
        cmocka_unit_test(test_gregorian_months),
        cmocka_unit_test(test_no_dates),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_issued_beside_both),
        cmocka_unit_test(test_weekdays),
        cmocka_unit_test(test_calendars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
