/* SPDX-License-Identifier: MIT */
/* The catalog's full text: the words of every record, for `find`. */
#include "format/fingerprint.h"
#include "format/value.h"
#include "ledger/catalog_private.h"
#include "words/words.h"

/* Between two values, so that no phrase is found across them: a word that no text folds into. */
#define BETWEEN "\uE000"

bool vdm_catalog_searches(enum vdm_field f)
{
    switch (f) {
    case VDM_FIELD_DOCUMENT:
    case VDM_FIELD_FOLLOWS:
    case VDM_FIELD_MEDIA_TYPE:
    case VDM_FIELD_DERIVED_FROM:
    case VDM_FIELD_UNKNOWN:
    case VDM_FIELDS:
        return false;
    case VDM_FIELD_COLLECTION:
    case VDM_FIELD_FILE_NAME:
    case VDM_FIELD_SOURCE:
    case VDM_FIELD_CAPTURED:
    case VDM_FIELD_CAPTURED_BY:
    case VDM_FIELD_METHOD:
    case VDM_FIELD_RECEIVED_FROM:
    case VDM_FIELD_RECORD_ID:
    case VDM_FIELD_TITLE:
    case VDM_FIELD_AUTHOR:
    case VDM_FIELD_ISSUER:
    case VDM_FIELD_PUBLISHER:
    case VDM_FIELD_ISSUED:
    case VDM_FIELD_ISSUED_AS_WRITTEN:
    case VDM_FIELD_REFERENCE:
    case VDM_FIELD_LANGUAGE:
    case VDM_FIELD_RIGHTS:
    case VDM_FIELD_INFERRED:
    case VDM_FIELD_NOTE:
    case VDM_FIELD_HEADER:
    case VDM_FIELD_FIELD:
        break;
    }
    return true;
}

/* The words of all searched values. */
static bool words_of(const struct vdm_record *r, struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_buf value VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = r->body;
    struct vdm_record_line l;
    while (vdm_record_next(&rest, &l)) {
        if (!vdm_catalog_searches(l.field) ||
            (l.field == VDM_FIELD_FIELD && vdm_fingerprint_named(l.value)))
            continue;
        vdm_buf_clear(&value);
        vdm_value_decode(l.value, &value);
        vdm_buf_puts(out, " " BETWEEN);
        if (!vdm_buf_ok(&value, err) || !vdm_words_append(out, vdm_buf_bytes(&value), err))
            return false;
    }
    return true;
}

bool vdm_catalog_learn_words(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                             struct vdm_err *err)
{
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    sqlite3_stmt *s;
    if (!words_of(r, &words, err))
        return false;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_ADD_WORDS, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    vdm_db_bind_text(s, 2, vdm_buf_bytes(&words));
    return vdm_db_run(s, err) || vdm_err_prefix(err, "catalog");
}

/* Words hold letters and numbers only, so that quotes cannot be broken out of. */
static void put_term(struct vdm_buf *out, const struct vdm_catalog_term *t)
{
    if (out->n)
        vdm_buf_puts(out, t->absent ? " NOT " : " AND ");
    vdm_buf_putc(out, '"');
    vdm_buf_put(out, t->words);
    vdm_buf_puts(out, t->begins ? "\"*" : "\"");
}

static void put_terms(struct vdm_buf *out, const struct vdm_catalog_filter *f, bool absent)
{
    for (size_t i = 0; i < f->terms; i++)
        if (f->term[i].absent == absent)
            put_term(out, &f->term[i]);
}

bool vdm_catalog_match(const struct vdm_catalog_filter *f, struct vdm_buf *out, struct vdm_err *err)
{
    put_terms(out, f, false);
    put_terms(out, f, true);
    return vdm_buf_ok(out, err);
}
