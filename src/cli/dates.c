/* SPDX-License-Identifier: MIT */
#include "cli/dates.h"

#include "base/time.h"

static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

/* 2019-11-28, or 2019-11-28 to 2019-12-26 */
#define DAYS_TEXT 64
static void days_text(char out[DAYS_TEXT], int64_t first, int64_t last)
{
    int64_t year;
    int month, day;
    vdm_date_of(first, &year, &month, &day);
    int n = snprintf(out, DAYS_TEXT, "%04lld-%02d-%02d", (long long)year, month, day);
    if (first == last)
        return;
    vdm_date_of(last, &year, &month, &day);
    snprintf(out + n, DAYS_TEXT - (size_t)n, " to %04lld-%02d-%02d", (long long)year, month, day);
}

/* 1441-04-01, or 1441-04 */
static void written_text(char out[DAYS_TEXT], const struct vdm_written_date *w)
{
    int n = snprintf(out, DAYS_TEXT, "%04d-%02d", w->year, w->month);
    if (w->day)
        snprintf(out + n, DAYS_TEXT - (size_t)n, "-%02d", w->day);
}

static const char *calendar_name(const struct vdm_read_date *r)
{
    if (r->written.calendar == VDM_GREGORIAN)
        return "gregorian";
    return r->umm_al_qura ? "islamic-umalqura" : "islamic-civil";
}

/* `1441-04-01 AH is 2019-11-28 (Umm al-Qura)` */
static void print_told(const struct vdm_read_date *r)
{
    char written[DAYS_TEXT], days[DAYS_TEXT];
    written_text(written, &r->written);
    if (r->written.calendar == VDM_GREGORIAN) {
        printf("%s is written", written);
        return;
    }
    days_text(days, r->first, r->last);
    printf("%s AH is %s (%s)", written, days,
           r->umm_al_qura ? "Umm al-Qura" : "civil Islamic calendar");
}

static void print_against(const struct vdm_dates *d)
{
    char days[DAYS_TEXT];
    if (d->against == VDM_DATES_ISSUED) {
        days_text(days, d->issued_first, d->issued_last);
        printf("issued is %s", days);
    } else {
        written_text(days, &d->read[d->against].written);
        printf("%s is written", days);
    }
}

static void print_verdict(const struct vdm_dates *d)
{
    switch (d->verdict) {
    case VDM_DATES_AGREE:
        fputs(d->part ? "agree as far as they go: " : "agree: ", stdout);
        break;
    case VDM_DATES_DIFFER:
        fputs("differ by ", stdout);
        vdm_out_count(stdout, (uint64_t)d->days, "day", "days");
        fputs(": ", stdout);
        break;
    case VDM_DATES_CANNOT_TELL:
        printf("cannot tell: %s\n", d->why);
        return;
    }
    print_told(&d->read[d->told]);
    fputs(", ", stdout);
    print_against(d);
    puts(d->verdict == VDM_DATES_AGREE && d->days ? " (a day apart: months begin by sighting)"
                                                  : "");
}

void vdm_dates_print(const struct vdm_dates *d, void (*label)(const char *name))
{
    char day[DAYS_TEXT];
    label("dates");
    print_verdict(d);
    if (d->issued_differs) {
        label("");
        fputs("issued differs by ", stdout);
        vdm_out_count(stdout, (uint64_t)d->issued_days, "day", "days");
        puts(" from what is written");
    }
    if (d->weekday != VDM_WEEKDAY_CONTRADICTS)
        return;
    days_text(day, d->weekday_of, d->weekday_of);
    label("");
    printf("the day of the week contradicts: %s is written, %s was a %s\n",
           weekdays[d->weekday_written], day, weekdays[vdm_weekday_of(d->weekday_of)]);
}

/* --- JSON --- */

static json_t *read_json(const struct vdm_read_date *r)
{
    char written[DAYS_TEXT], first[DAYS_TEXT], last[DAYS_TEXT];
    written_text(written, &r->written);
    days_text(first, r->first, r->first);
    days_text(last, r->last, r->last);
    json_t *o = json_pack("{s:I,s:s,s:s,s:s,s:s,s:b}", "line", (json_int_t)r->line, "calendar",
                          calendar_name(r), "date", written, "first_day", first, "last_day", last,
                          "day_and_month_either_way", r->written.either);
    if (o)
        vdm_json_set(&o, "weekday",
                     r->written.weekday < 0 ? json_null()
                                            : json_string(weekdays[r->written.weekday]));
    return o;
}

static json_t *place(size_t i)
{
    return i == VDM_DATES_ISSUED ? json_string("issued") : json_integer((json_int_t)i);
}

json_t *vdm_dates_json(const struct vdm_dates *d)
{
    static const char *const verdicts[] = {"agree", "differ", "cannot-tell"};
    bool told = d->verdict != VDM_DATES_CANNOT_TELL;
    json_t *read = json_array();
    for (size_t i = 0; i < d->n; i++)
        vdm_json_add(&read, read_json(&d->read[i]));
    json_t *o = json_pack("{s:s,s:o,s:b}", "verdict", verdicts[d->verdict], "read", read, "part",
                          told && d->part);
    if (!o)
        return NULL;
    vdm_json_set(&o, "why", told ? json_null() : json_string(d->why));
    vdm_json_set(&o, "days", told ? json_integer((json_int_t)d->days) : json_null());
    vdm_json_set(&o, "compared", told ? place(d->told) : json_null());
    vdm_json_set(&o, "with", told ? place(d->against) : json_null());
    vdm_json_set(&o, "issued_differs_by",
                 d->issued_differs ? json_integer((json_int_t)d->issued_days) : json_null());
    vdm_json_set(&o, "weekday_fits",
                 d->weekday == VDM_WEEKDAY_NONE ? json_null()
                                                : json_boolean(d->weekday == VDM_WEEKDAY_FITS));
    return o;
}
