/* SPDX-License-Identifier: MIT */
#include "dates/written.h"

#include "base/text.h"
#include "words/words.h"

#include <stdlib.h>
#include <string.h>

#define TOKENS_MAX 256

/* A number or a word of the line. A number has its text too: `Rabi 2` is a month. */
struct token {
    struct vdm_bytes text;
    int value, digits; /* digits 0: a word */
};

struct reading {
    struct vdm_buf folded, ascii;
    struct token token[TOKENS_MAX];
    struct vdm_bytes text[TOKENS_MAX]; /* of each token */
    size_t n;
};

static void release(struct reading *r)
{
    vdm_buf_release(&r->folded);
    vdm_buf_release(&r->ascii);
}

/* --- tokens --- */

/* Marks that stand for hamza and ayn, and would part words. */
static bool is_apostrophe(uint32_t c)
{
    switch (c) {
    case '\'':
    case '`':
    case 0xB4:
    case 0x2018:
    case 0x2019:
    case 0x201B:
    case 0x2032:
    case 0x2BB:
    case 0x2BC:
    case 0x2BE:
    case 0x2BF:
    case 0xFF07:
        return true;
    default:
        return false;
    }
}

static bool fold(struct reading *r, struct vdm_bytes line, struct vdm_err *err)
{
    struct vdm_buf kept VDM_CLEANUP(vdm_buf_release) = {0};
    while (line.n) {
        uint32_t c = 0;
        size_t n = vdm_utf8_next(line, &c);
        if (!n || !is_apostrophe(c))
            vdm_buf_put(&kept, (struct vdm_bytes){line.p, n ? n : 1});
        line = vdm_bytes_skip(line, n ? n : 1);
    }
    return vdm_buf_ok(&kept, err) && vdm_words_append(&r->folded, vdm_buf_bytes(&kept), err);
}

/* ASCII, Arabic-Indic and Persian digits; -1: none. */
static int digit(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    if (c >= 0x660 && c <= 0x669)
        return (int)(c - 0x660);
    return c >= 0x6F0 && c <= 0x6F9 ? (int)(c - 0x6F0) : -1;
}

/* Digits become ASCII, and a space parts them from letters. */
static bool spell(struct reading *r, struct vdm_err *err)
{
    struct vdm_bytes rest = vdm_buf_bytes(&r->folded);
    bool number = false, word = false;
    uint32_t c;
    for (size_t n; (n = vdm_utf8_next(rest, &c)) > 0; rest = vdm_bytes_skip(rest, n)) {
        int value = digit(c);
        if ((value >= 0 && word) || (value < 0 && number && c != ' '))
            vdm_buf_putc(&r->ascii, ' ');
        number = value >= 0;
        word = value < 0 && c != ' ';
        if (number)
            vdm_buf_putc(&r->ascii, (char)('0' + value));
        else
            vdm_buf_put(&r->ascii, (struct vdm_bytes){rest.p, n});
    }
    return vdm_buf_ok(&r->ascii, err);
}

static struct token token_of(struct vdm_bytes text)
{
    struct token t = {.text = text};
    if (text.p[0] < '0' || text.p[0] > '9')
        return t;
    t.digits = (int)text.n;
    for (size_t i = 0; i < text.n && i < 6; i++)
        t.value = t.value * 10 + (text.p[i] - '0');
    return t;
}

static bool read_tokens(struct reading *r, struct vdm_bytes line, struct vdm_err *err)
{
    if (!fold(r, line, err) || !spell(r, err))
        return false;
    vdm_buf_putc(&r->ascii, ' ');
    struct vdm_bytes rest = vdm_buf_bytes(&r->ascii), text;
    while (r->n < TOKENS_MAX && vdm_cut(&rest, ' ', &text))
        if (text.n) {
            r->token[r->n] = token_of(text);
            r->text[r->n++] = text;
        }
    return vdm_buf_ok(&r->ascii, err);
}

/* --- one date --- */

static bool is_year(const struct reading *r, size_t i)
{
    return i < r->n && (r->token[i].digits == 3 || r->token[i].digits == 4);
}

static bool is_day(const struct reading *r, size_t i)
{
    return i < r->n && r->token[i].digits >= 1 && r->token[i].digits <= 2 &&
           r->token[i].value >= 1 && r->token[i].value <= 31;
}

static size_t pass_fillers(const struct reading *r, size_t i)
{
    while (i < r->n && !r->token[i].digits && vdm_is_filler(r->text[i]))
        i++;
    return i;
}

/* Takes a month's name, and the same month's other name behind it (تشرين الثاني/نوفمبر). */
static bool take_month(const struct reading *r, size_t *i, struct vdm_written_date *d)
{
    enum vdm_calendar other;
    int month;
    size_t n = vdm_month_name(r->text + *i, r->n - *i, &d->calendar, &d->month);
    *i += n;
    size_t more = n ? vdm_month_name(r->text + *i, r->n - *i, &other, &month) : 0;
    if (more && other == d->calendar && month == d->month)
        *i += more;
    return n > 0;
}

/* Takes an era, if there is one; false: it contradicts the month's name. */
static bool take_era(const struct reading *r, size_t *i, struct vdm_written_date *d)
{
    enum vdm_calendar era;
    size_t n = vdm_era_name(r->text + *i, r->n - *i, &era);
    if (n && d->calendar && era != d->calendar)
        return false;
    if (n)
        d->calendar = era;
    *i += n;
    return true;
}

static bool take_year(const struct reading *r, size_t *i, struct vdm_written_date *d)
{
    *i = pass_fillers(r, *i);
    if (!take_era(r, i, d) || !is_year(r, *i))
        return false;
    d->year = r->token[(*i)++].value;
    return take_era(r, i, d);
}

/* `28 November 2019`, `November 28th, 2019`, `November 2019`. */
static bool named_date(const struct reading *r, size_t *at, struct vdm_written_date *d)
{
    size_t i = *at;
    if (is_day(r, i)) {
        d->day = r->token[i].value;
        i = pass_fillers(r, i + 1);
    }
    if (i >= r->n || r->token[i].digits || !take_month(r, &i, d))
        return false;
    if (!d->day && is_day(r, i)) {
        d->day = r->token[i].value;
        i = pass_fillers(r, i + 1);
    }
    if (!take_year(r, &i, d))
        return false;
    *at = i;
    return true;
}

/* Years that tell their calendar. */
static enum vdm_calendar calendar_of(int year)
{
    if (year >= 1300 && year <= 1599)
        return VDM_ISLAMIC;
    return year >= 1700 && year <= 2999 ? VDM_GREGORIAN : VDM_CALENDAR_NONE;
}

/* `28/11/2019`, `2019-11-28`. */
static bool numeric_date(const struct reading *r, size_t *at, struct vdm_written_date *d)
{
    size_t i = *at;
    if (is_year(r, i) && is_day(r, i + 1) && is_day(r, i + 2)) {
        d->year = r->token[i].value;
        d->month = r->token[i + 1].value;
        d->day = r->token[i + 2].value;
    } else if (is_day(r, i) && is_day(r, i + 1) && is_year(r, i + 2)) {
        d->day = r->token[i].value;
        d->month = r->token[i + 1].value;
        d->year = r->token[i + 2].value;
        if (d->month > 12) { /* the month stands first */
            d->day = r->token[i + 1].value;
            d->month = r->token[i].value;
        } else {
            d->either = d->day <= 12 && d->day != d->month;
        }
    } else {
        return false;
    }
    i += 3;
    if (d->month > 12 || !take_era(r, &i, d))
        return false;
    if (!d->calendar)
        d->calendar = calendar_of(d->year);
    *at = i;
    return d->calendar != VDM_CALENDAR_NONE;
}

/* --- the line --- */

/* A full name anywhere; a short one only beside a date that starts at `date`. */
static void add_weekday(const struct reading *r, size_t i, bool beside, int *day, bool *several)
{
    bool brief;
    int found = r->token[i].digits ? -1 : vdm_weekday_name(r->text[i], &brief);
    if (found < 0 || (brief && !beside))
        return;
    *several = *several || (*day >= 0 && *day != found);
    *day = found;
}

bool vdm_written_read(struct vdm_bytes line, struct vdm_written_date *out, size_t cap, size_t *n,
                      struct vdm_err *err)
{
    struct reading *r = calloc(1, sizeof *r);
    int weekday = -1;
    bool several = false;
    *n = 0;
    if (!r)
        return vdm_fail_memory(err);
    bool ok = line.n > VDM_WRITTEN_LINE_MAX || read_tokens(r, line, err);
    for (size_t i = 0; ok && i < r->n && *n < cap;) {
        struct vdm_written_date named = {.weekday = -1}, numbers = named;
        size_t from = i;
        /* A number before a month that is no day of it makes it no date. */
        bool after_number = from > 0 && r->token[from - 1].digits;
        if (named_date(r, &i, &named) && (named.day || !after_number))
            out[(*n)++] = named;
        else if (i = from, numeric_date(r, &i, &numbers))
            out[(*n)++] = numbers;
        else
            i = from + 1;
        if (i > from + 1 && from > 0)
            add_weekday(r, from - 1, true, &weekday, &several);
    }
    for (size_t i = 0; ok && i < r->n; i++)
        add_weekday(r, i, false, &weekday, &several);
    for (size_t i = 0; i < *n; i++)
        out[i].weekday = several ? -1 : weekday;
    release(r);
    free(r);
    return ok;
}
