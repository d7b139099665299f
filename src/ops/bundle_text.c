/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "format/value.h"
#include "ops/bundle_make.h"

#include <inttypes.h>

/* --- what a record or a disclosure shows --- */

bool vdm_shown_open(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_shown *out,
                    struct vdm_err *err)
{
    struct vdm_record record;
    struct vdm_disclosure part;
    bool whole = vdm_bytes_start_with(text, VDM_LIT("vidimus/record/"));
    if (whole ? !vdm_record_decode(text, &record, err)
              : !vdm_disclosure_decode(c, text, &part, err))
        return false;
    *out = whole ? (struct vdm_shown){.whole = true, .rest = record.body}
                 : (struct vdm_shown){.rest = part.body, .hidden = part.hidden};
    return true;
}

bool vdm_shown_next(struct vdm_shown *s, struct vdm_record_line *out)
{
    struct vdm_disclosed_line line;
    if (s->whole)
        return vdm_record_next(&s->rest, out);
    while (vdm_disclosure_next(&s->rest, &line)) {
        if (line.open) {
            *out = line.line;
            return true;
        }
    }
    return false;
}

/* --- INDEX.txt --- */

void vdm_bundle_index_head(const struct vdm_bundle_job *j, struct vdm_buf *out)
{
    char as_of[VDM_TIME_LEN + 1];
    vdm_time_encode(j->as_of, as_of);
    vdm_buf_putf(
        out, "%zu capture%s of %s,\nas of %" PRIu64 " entries, %s by the archive's clock\n",
        j->selected.count, j->selected.count == 1 ? "" : "s", j->a->origin, j->head.size, as_of);
    vdm_buf_puts(
        out, "\n"
             "These are the sender's words. They help to find things and prove nothing: what\n"
             "counts is what `vidimus verify` prints, or what you check by hand as\n"
             "vidimus/VERIFY.txt tells. A title, a source or a date here was stated by whoever\n"
             "recorded the document; dates are marked (claimed). Characters that could mislead\n"
             "the eye stand as \\x and two digits. This is a selection: other captures,\n"
             "amendments and withdrawals may exist.\n");
}

static void put_label(struct vdm_buf *out, const char *label)
{
    vdm_buf_putf(out, "  %-18s", label);
}

static void put_text(struct vdm_buf *out, const char *label, struct vdm_bytes escaped,
                     const char *mark)
{
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_value_decode(escaped, &plain);
    put_label(out, label);
    vdm_printable_append(out, vdm_buf_bytes(&plain));
    vdm_buf_putf(out, "%s\n", mark);
    out->failed |= plain.failed;
}

#define BIT(f) (UINT64_C(1) << VDM_FIELD_##f)

/* The fields that people look for. */
static const uint64_t listed = BIT(FILE_NAME) | BIT(MEDIA_TYPE) | BIT(SOURCE) | BIT(CAPTURED) |
                               BIT(TITLE) | BIT(AUTHOR) | BIT(ISSUER) | BIT(PUBLISHER) |
                               BIT(ISSUED) | BIT(ISSUED_AS_WRITTEN) | BIT(REFERENCE) |
                               BIT(LANGUAGE) | BIT(UNKNOWN) | BIT(NOTE);
static const uint64_t dates = BIT(CAPTURED) | BIT(ISSUED) | BIT(ISSUED_AS_WRITTEN);

static bool is_among(uint64_t fields, enum vdm_field f)
{
    return fields >> f & 1;
}

static void put_inferred(struct vdm_buf *out, struct vdm_bytes value)
{
    struct vdm_bytes key;
    enum vdm_field f;
    if (vdm_cut(&value, ' ', &key) && vdm_field_from_name(key, &f) && is_among(listed, f))
        put_text(out, vdm_field_name(f), value,
                 is_among(dates, f) ? " (claimed, inferred)" : " (inferred)");
}

static bool put_shown(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_buf *out,
                      struct vdm_bytes *document, uint64_t *hidden, struct vdm_err *err)
{
    struct vdm_shown shown;
    struct vdm_record_line line;
    if (!vdm_shown_open(c, text, &shown, err))
        return false;
    *hidden = shown.hidden;
    while (vdm_shown_next(&shown, &line)) {
        if (line.field == VDM_FIELD_DOCUMENT)
            *document = line.value;
        else if (line.field == VDM_FIELD_INFERRED)
            put_inferred(out, line.value);
        else if (is_among(listed, line.field))
            put_text(out, vdm_field_name(line.field), line.value,
                     is_among(dates, line.field) ? " (claimed)" : "");
    }
    return true;
}

static void put_state(struct vdm_buf *out, const struct vdm_index_item *item, uint64_t hidden)
{
    static const char *const gone[] = {[VDM_SCOPE_DOCUMENT] = "the document",
                                       [VDM_SCOPE_RECORD] = "the record",
                                       [VDM_SCOPE_BOTH] = "record and document"};
    if (item->withdrawn_by != UINT64_MAX) {
        put_label(out, "WITHDRAWN");
        vdm_buf_putf(out, "%s, by entry %" PRIu64 "\n", gone[item->scope], item->withdrawn_by);
    }
    if (hidden > 0) {
        put_label(out, "PARTLY DISCLOSED");
        vdm_buf_putf(out,
                     "%" PRIu64 " line%s of the record not shown; they may qualify or "
                     "contradict what is\n",
                     hidden, hidden == 1 ? " is" : "s are");
    }
    if (item->amended_by != UINT64_MAX) {
        put_label(out, "amended");
        vdm_buf_putf(out, "by entry %" PRIu64 "%s\n", item->amended_by,
                     item->shown.n ? ", whose record is shown here" : "");
    }
}

bool vdm_bundle_index_item(struct vdm_crypto *c, const struct vdm_index_item *item,
                           struct vdm_buf *out, uint64_t *hidden, struct vdm_err *err)
{
    struct vdm_buf details VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes document = {0};
    char recorded[VDM_TIME_LEN + 1];
    *hidden = 0;
    if (item->shown.n && !put_shown(c, item->shown, &details, &document, hidden, err))
        return false;
    vdm_time_encode(item->entry->recorded, recorded);
    vdm_buf_putf(out, "\nentry %" PRIu64 "\n", item->entry->n);
    put_state(out, item, *hidden);
    vdm_buf_put(out, vdm_buf_bytes(&details));
    put_label(out, "recorded");
    vdm_buf_putf(out, "%s (by the archive's clock)\n", recorded);
    put_text(out, "signer", item->entry->signer, "");
    if (document.n)
        put_text(out, "document", document, " bytes");
    put_label(out, "file here");
    vdm_buf_putf(out, "%s\n", item->file ? item->file : "none");
    return vdm_buf_ok(&details, err) && vdm_buf_ok(out, err);
}
