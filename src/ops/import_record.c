/* SPDX-License-Identifier: MIT */
#include "ops/import_record.h"

#include "base/edtf.h"
#include "base/text.h"
#include "format/fingerprint.h"
#include "format/value.h"

#include <stdlib.h>

/* A table has no say in `document` and `follows`; those are the first two fields. */
void vdm_import_columns(struct vdm_table_field out[VDM_IMPORT_COLUMNS])
{
    for (int f = VDM_FIELD_COLLECTION; f < VDM_FIELDS; f++)
        out[f - VDM_FIELD_COLLECTION] = (struct vdm_table_field){
            vdm_field_name((enum vdm_field)f), vdm_field_repeats((enum vdm_field)f)};
}

void vdm_import_lines_release(struct vdm_import_lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free((void *)(uintptr_t)l->line[i].value.p); /* ours: a copy made by add */
    free(l->line);
    *l = (struct vdm_import_lines){0};
}

static uint64_t bit(enum vdm_field f)
{
    return UINT64_C(1) << f;
}

/* `unknown source` and `inferred source ...` say something of the field source. */
static uint64_t says_of(enum vdm_field f, struct vdm_bytes value)
{
    struct vdm_bytes name = value, rest = value;
    enum vdm_field about;
    if (f == VDM_FIELD_INFERRED)
        vdm_cut(&rest, ' ', &name);
    if ((f == VDM_FIELD_UNKNOWN || f == VDM_FIELD_INFERRED) && vdm_field_from_name(name, &about))
        return bit(about) | bit(f);
    return bit(f);
}

bool vdm_import_add(struct vdm_import_lines *l, enum vdm_field f, struct vdm_bytes value,
                    struct vdm_err *err)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        struct vdm_record_line *grown = reallocarray(l->line, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        l->line = grown;
        l->cap = cap;
    }
    char *copy = vdm_bytes_dup(value);
    if (!copy)
        return vdm_fail_memory(err);
    l->line[l->n++] = (struct vdm_record_line){f, {(uint8_t *)copy, value.n}};
    l->stated |= says_of(f, value);
    return true;
}

struct vdm_bytes vdm_import_value(const struct vdm_import_lines *l, enum vdm_field f)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->line[i].field == f)
            return l->line[i].value;
    return (struct vdm_bytes){NULL, 0};
}

static bool states(const struct vdm_import_lines *l, enum vdm_field f, struct vdm_bytes value)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->line[i].field == f && vdm_bytes_equal(l->line[i].value, value))
            return true;
    return false;
}

static bool add_row(struct vdm_import_lines *l, const struct vdm_table_row *row,
                    struct vdm_err *err)
{
    for (size_t i = 0; row && i < row->n; i++) {
        enum vdm_field f;
        if (!vdm_field_from_name(vdm_str(row->cells[i].key), &f))
            return vdm_fail(err, "no such field: %s", row->cells[i].key);
        if (!vdm_import_add(l, f, row->cells[i].value, err))
            return false;
    }
    return true;
}

/* What was said before leaves room for this value: notes and the like come in addition, else its field is empty; what
 * `unknown` names is empty only if nothing is said of it. */
static bool is_open(uint64_t before, enum vdm_field f, struct vdm_bytes value)
{
    uint64_t says = says_of(f, value);
    if (f == VDM_FIELD_UNKNOWN || f == VDM_FIELD_INFERRED)
        says &= ~bit(f);
    return f == VDM_FIELD_NOTE || f == VDM_FIELD_FIELD || !(before & says);
}

/* Which fields of what is stated of one thing are said of another. */
typedef bool goes_fn(enum vdm_field f);

static bool all_go(enum vdm_field f)
{
    (void)f;
    return true;
}

/* Fill what is left empty; of a field that may repeat, all values or none. */
static bool fill(struct vdm_import_lines *l, const struct vdm_record_line *line, size_t n,
                 goes_fn *goes, struct vdm_err *err)
{
    uint64_t before = l->stated;
    for (size_t i = 0; i < n; i++)
        if (goes(line[i].field) && is_open(before, line[i].field, line[i].value) &&
            !vdm_import_add(l, line[i].field, line[i].value, err))
            return false;
    return true;
}

/* Whom a bag is from, and its name there, by its own words, where something else was stated. */
static bool keep_words_of_bag(struct vdm_import_lines *l, const struct vdm_record_line *line,
                              size_t n, struct vdm_err *err)
{
    for (size_t i = 0; i < n; i++) {
        enum vdm_field f = line[i].field;
        const char *label = f == VDM_FIELD_RECEIVED_FROM ? "Source-Organization: "
                            : f == VDM_FIELD_RECORD_ID   ? "External-Identifier: "
                                                         : NULL;
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        if (!label || states(l, f, line[i].value))
            continue;
        vdm_buf_puts(&text, label);
        vdm_buf_put(&text, line[i].value);
        if (!vdm_buf_ok(&text, err) ||
            !vdm_import_add(l, VDM_FIELD_FIELD, vdm_buf_bytes(&text), err))
            return false;
    }
    return true;
}

static bool add_fact(struct vdm_import_lines *l, enum vdm_field f, struct vdm_bytes value,
                     struct vdm_err *err)
{
    return value.n == 0 || (l->stated & bit(f)) || vdm_import_add(l, f, value, err);
}

static bool not_a_date(enum vdm_field f, struct vdm_bytes v, struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_REFUSED, "%s is %s: %.*s%s", vdm_field_name(f),
                       vdm_source_date_no_such_day(v)
                           ? "no date: there is no such day"
                           : "not a date like 2019, 2019-11-28, 2019-11-28T10:00:00Z or 2019-11~",
                       (int)(v.n < 60 ? v.n : 60), (const char *)v.p,
                       f == VDM_FIELD_ISSUED ? " (keep it as issued-as-written)" : "");
}

static bool check_dates(const struct vdm_import_lines *l, struct vdm_err *err)
{
    static const enum vdm_field dates[] = {VDM_FIELD_CAPTURED, VDM_FIELD_ISSUED};
    for (size_t i = 0; i < 2; i++) {
        struct vdm_bytes v = vdm_import_value(l, dates[i]);
        if (v.p && !vdm_source_date_valid(v))
            return not_a_date(dates[i], v, err);
    }
    return true;
}

static bool check_required(const struct vdm_import_lines *l, uint64_t required, struct vdm_err *err)
{
    uint64_t missing = required & ~l->stated;
    for (int f = 0; f < VDM_FIELDS; f++)
        if (missing & bit((enum vdm_field)f))
            return vdm_fail_as(err, VDM_ERR_REFUSED, "%s is required and not stated",
                               vdm_field_name((enum vdm_field)f));
    return true;
}

/* It is found out and not stated, so nobody may state it. */
static bool check_fingerprint(const struct vdm_import_lines *l, struct vdm_err *err)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->line[i].field == VDM_FIELD_FIELD && vdm_fingerprint_named(l->line[i].value))
            return vdm_fail_as(err, VDM_ERR_REFUSED,
                               VDM_FINGERPRINT_NAME " is found out of the document, not stated");
    return true;
}

/* Write the record once with a secret of zeros: every rule of the format is then checked at one
 * place, before anything is stored. With `more` bytes it must not be too long. */
static bool write_once(const struct vdm_import_lines *l, size_t more, struct vdm_err *why)
{
    static const uint8_t secret[32];
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    return vdm_record_append(&text, secret, (struct vdm_digest){{0}}, VDM_NUMBER_MAX, l->line, l->n,
                             NULL, why) &&
           text.n + more <= VDM_NOTE_MAX - sizeof "follows 9007199254740991\n";
}

/* More than its first lines take, or the name of a field; and than what an escape makes of a byte. */
#define HEAD_MOST   256
#define NAME_MOST   64
#define ESCAPE_MOST 4

bool vdm_import_has_room(const struct vdm_import_lines *l, size_t bytes)
{
    struct vdm_err why = {0};
    size_t most = HEAD_MOST + bytes;
    for (size_t i = 0; i < l->n; i++)
        most += NAME_MOST + ESCAPE_MOST * l->line[i].value.n;
    return most < VDM_NOTE_MAX / 2 || write_once(l, bytes, &why);
}

static bool check_format(const struct vdm_import_lines *l, struct vdm_err *err)
{
    struct vdm_err why = {0};
    if (write_once(l, 0, &why))
        return true;
    if (why.kind == VDM_ERR_FAILED)
        return vdm_fail(err, "%s", why.text);
    return vdm_fail_as(err, VDM_ERR_REFUSED, "%s", why.kind ? why.text : "its record is too long");
}

bool vdm_of_one_document(enum vdm_field f)
{
    static const enum vdm_field single[] = {
        VDM_FIELD_FILE_NAME,         VDM_FIELD_MEDIA_TYPE, VDM_FIELD_SOURCE,
        VDM_FIELD_DERIVED_FROM,      VDM_FIELD_TITLE,      VDM_FIELD_ISSUED,
        VDM_FIELD_ISSUED_AS_WRITTEN, VDM_FIELD_REFERENCE,  VDM_FIELD_HEADER};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (single[i] == f)
            return true;
    return false;
}

static bool goes_for_several(enum vdm_field f)
{
    return !vdm_of_one_document(f);
}

/* What is stated of a container may be said of its parts, but not what can be true of one document only, nor what
 * is remarked on the container. */
bool vdm_goes_for_parts(enum vdm_field f)
{
    static const enum vdm_field shared[] = {
        VDM_FIELD_COLLECTION,    VDM_FIELD_CAPTURED, VDM_FIELD_CAPTURED_BY, VDM_FIELD_METHOD,
        VDM_FIELD_RECEIVED_FROM, VDM_FIELD_AUTHOR,   VDM_FIELD_ISSUER,      VDM_FIELD_PUBLISHER,
        VDM_FIELD_LANGUAGE,      VDM_FIELD_RIGHTS};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (shared[i] == f)
            return true;
    return false;
}

static bool fill_from_row(struct vdm_import_lines *l, const struct vdm_table_row *row,
                          goes_fn *goes, struct vdm_err *err)
{
    uint64_t before = l->stated;
    for (size_t i = 0; row && i < row->n; i++) {
        enum vdm_field f;
        if (!vdm_field_from_name(vdm_str(row->cells[i].key), &f))
            return vdm_fail(err, "no such field: %s", row->cells[i].key);
        if (goes(f) && is_open(before, f, row->cells[i].value) &&
            !vdm_import_add(l, f, row->cells[i].value, err))
            return false;
    }
    return true;
}

/* What is remarked on a WARC stands in its own record where it has one, else in those of what is in it. */
static bool state_of_warc(struct vdm_import_lines *l, const struct vdm_import_request *r,
                          const struct vdm_import_known *k, struct vdm_err *err)
{
    goes_fn *goes = r->warc == VDM_WARC_RECORDS ? goes_for_several : vdm_goes_for_parts;
    return fill(l, k->line, k->lines, all_go, err) && fill_from_row(l, k->row, goes, err) &&
           fill(l, r->given, r->givens, goes, err) && fill(l, k->bag, k->bag_lines, goes, err);
}

static bool state_file(struct vdm_import_lines *l, const struct vdm_import_request *r,
                       const struct vdm_import_known *k, struct vdm_err *err)
{
    return add_row(l, k->row, err) && fill(l, r->given, r->givens, all_go, err) &&
           fill(l, k->line, k->lines, all_go, err) && fill(l, k->bag, k->bag_lines, all_go, err) &&
           keep_words_of_bag(l, k->line, k->lines, err) &&
           keep_words_of_bag(l, k->bag, k->bag_lines, err) &&
           (k->bag_path.n == 0 || vdm_import_add(l, VDM_FIELD_FIELD, k->bag_path, err));
}

static bool refuse_lost(enum vdm_field f, bool warc, struct vdm_err *err)
{
    return (!vdm_of_one_document(f) && !(warc && f == VDM_FIELD_RECORD_ID)) ||
           vdm_fail_as(err, VDM_ERR_REFUSED,
                       "%s can be true of one document only, and is stated of a container that is "
                       "not kept itself (--as-file keeps it%s)",
                       vdm_field_name(f), warc ? ", and so does --warc both" : "");
}

bool vdm_import_check_several(const struct vdm_import_request *r, const struct vdm_table_row *row,
                              bool warc, struct vdm_err *err)
{
    struct vdm_import_lines l VDM_CLEANUP(vdm_import_lines_release) = {0};
    if (!add_row(&l, row, err) || !fill(&l, r->given, r->givens, all_go, err))
        return false;
    for (size_t i = 0; i < l.n; i++)
        if (!refuse_lost(l.line[i].field, warc, err))
            return false;
    return true;
}

bool vdm_import_collect(struct vdm_import_lines *out, const struct vdm_import_request *r,
                        const struct vdm_import_known *k, struct vdm_err *err)
{
    struct vdm_import_lines l VDM_CLEANUP(vdm_import_lines_release) = {0};
    if (!(k->of_warc ? state_of_warc : state_file)(&l, r, k, err) ||
        (k->derived_from.n && !vdm_import_add(&l, VDM_FIELD_DERIVED_FROM, k->derived_from, err)) ||
        !add_fact(&l, VDM_FIELD_FILE_NAME, k->facts->name, err) ||
        !add_fact(&l, VDM_FIELD_MEDIA_TYPE, k->facts->media_type, err) || !check_dates(&l, err) ||
        !check_fingerprint(&l, err) || !check_required(&l, k->keeps_parts ? 0 : r->required, err) ||
        !check_format(&l, err))
        return false;
    *out = l;
    l = (struct vdm_import_lines){0};
    return true;
}

bool vdm_import_state(struct vdm_import_lines *out, const struct vdm_record_line *given,
                      size_t givens, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct vdm_import_lines l VDM_CLEANUP(vdm_import_lines_release) = {0};
    if (!add_row(&l, row, err) || !fill(&l, given, givens, all_go, err) || !check_dates(&l, err) ||
        !check_fingerprint(&l, err))
        return false;
    *out = l;
    l = (struct vdm_import_lines){0};
    return true;
}

/* --- what is known already, and says something else --- */

static bool is_fingerprint(enum vdm_field f, struct vdm_bytes value)
{
    return f == VDM_FIELD_FIELD && vdm_fingerprint_named(value);
}

/* The next value that was stated; *k is where to look for it, and then for the one behind it. */
static struct vdm_bytes stated_value(const struct vdm_record *r, enum vdm_field f, size_t *k)
{
    struct vdm_bytes v;
    do
        v = vdm_record_value(r, f, (*k)++);
    while (v.n && is_fingerprint(f, v));
    return v;
}

static bool same_values(const struct vdm_import_lines *l, const struct vdm_record *recorded,
                        enum vdm_field f, bool *same, struct vdm_err *err)
{
    struct vdm_buf escaped VDM_CLEANUP(vdm_buf_release) = {0};
    size_t k = 0;
    *same = true;
    for (size_t i = 0; i < l->n; i++) {
        if (l->line[i].field != f || is_fingerprint(f, l->line[i].value))
            continue;
        vdm_buf_clear(&escaped);
        vdm_value_append(&escaped, l->line[i].value);
        if (!vdm_buf_ok(&escaped, err))
            return false;
        *same = *same && vdm_bytes_equal(vdm_buf_bytes(&escaped), stated_value(recorded, f, &k));
    }
    *same = *same && stated_value(recorded, f, &k).n == 0;
    return true;
}

bool vdm_import_differences(const struct vdm_import_lines *l, const struct vdm_record *recorded,
                            uint64_t *fields, struct vdm_err *err)
{
    *fields = 0;
    for (int f = VDM_FIELD_COLLECTION; f < VDM_FIELDS; f++) {
        bool same;
        if (!same_values(l, recorded, (enum vdm_field)f, &same, err))
            return false;
        if (!same)
            *fields |= bit((enum vdm_field)f);
    }
    return true;
}
