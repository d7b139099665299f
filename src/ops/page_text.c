/* SPDX-License-Identifier: MIT */
#include "ops/page_text.h"

#include "base/text.h"
#include "capture/warc_head.h"

#include <stdio.h>

static bool keep(void *ctx, struct vdm_bytes piece, struct vdm_err *err)
{
    struct vdm_buf *document = ctx;
    vdm_buf_put(document, piece);
    return vdm_buf_ok(document, err);
}

static struct vdm_bytes header(const struct vdm_record *r, const char *wanted)
{
    struct vdm_bytes value, name;
    for (size_t k = 0; (value = vdm_record_value(r, VDM_FIELD_HEADER, k)).n; k++)
        if (vdm_cut(&value, ':', &name) && vdm_same_letters(name, wanted))
            return vdm_trim(value);
    return (struct vdm_bytes){0};
}

void vdm_page_text_none(const struct vdm_record *r, char why[VDM_PAGE_WHY_MAX])
{
    enum { SHOWN = 40 };
    struct vdm_bytes coding = header(r, "Content-Encoding");
    bool had_text = vdm_text_kind(header(r, "Content-Type")) != VDM_TEXT_NONE;
    if (!vdm_record_value(r, VDM_FIELD_MEDIA_TYPE, 0).n)
        snprintf(why, VDM_PAGE_WHY_MAX, "its media type is not known");
    else if (had_text && coding.n && !vdm_same_letters(coding, "identity"))
        snprintf(why, VDM_PAGE_WHY_MAX, "it is stored as it was sent, in the content encoding %.*s",
                 (int)(coding.n < SHOWN ? coding.n : SHOWN), (const char *)coding.p);
    else
        snprintf(why, VDM_PAGE_WHY_MAX, "neither HTML nor plain text");
}

/* What stands against reading it at all; NULL: nothing. */
static const char *obstacle(const struct vdm_view *v, enum vdm_text_kind kind,
                            char why[VDM_PAGE_WHY_MAX])
{
    if (!v->has_record)
        return v->has_withdrawal ? "it was withdrawn" : "its record is missing";
    if (v->has_withdrawal)
        return "its document was withdrawn";
    if (kind == VDM_TEXT_NONE) {
        vdm_page_text_none(&v->record, why);
        return why;
    }
    return v->record.document_size > VDM_TEXT_DOCUMENT_MAX ? "it is too large" : NULL;
}

bool vdm_page_text_read(struct vdm_archive *a, struct vdm_text *extractor, const struct vdm_view *v,
                        struct vdm_buf *out, bool *has, char why[VDM_PAGE_WHY_MAX],
                        struct vdm_err *err)
{
    struct vdm_buf document VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err damage = {0};
    enum vdm_text_kind kind = VDM_TEXT_NONE;
    if (v->has_record)
        kind = vdm_text_kind(vdm_record_value(&v->record, VDM_FIELD_MEDIA_TYPE, 0));
    const char *reason = obstacle(v, kind, why);
    *has = false;
    if (!reason && !vdm_query_document(a, v->n, keep, &document, &damage)) {
        if (document.failed)
            return vdm_fail_memory(err);
        reason = damage.text; /* missing or damaged: what `verify` is for */
    }
    if (!reason)
        *has = vdm_text_extract(extractor, kind, vdm_buf_bytes(&document), out, &reason);
    if (!*has && reason != why)
        snprintf(why, VDM_PAGE_WHY_MAX, "%s", reason);
    return true;
}

void vdm_page_diff_release(struct vdm_page_diff *d)
{
    vdm_text_words_release(&d->a);
    vdm_text_words_release(&d->b);
    vdm_hunks_release(&d->hunks);
}

static bool read_one(struct vdm_archive *archive, struct vdm_text *extractor, uint64_t n,
                     struct vdm_text_words *out, struct vdm_digest *document, struct vdm_err *err)
{
    struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    char why[VDM_PAGE_WHY_MAX];
    bool has;
    if (!vdm_view_open(archive, n, &v, err))
        return false;
    if (v.entry.kind != VDM_ENTRY_CAPTURE)
        return vdm_fail_as(err, VDM_ERR_USAGE, "entry %llu is no capture but a %s",
                           (unsigned long long)n, vdm_entry_kind_name(v.entry.kind));
    if (!vdm_page_text_read(archive, extractor, &v, &text, &has, why, err))
        return false;
    if (!has)
        return vdm_fail(err, "entry %llu has no text to compare: %s", (unsigned long long)n, why);
    *document = v.record.document;
    return vdm_text_words_split(out, &text, err);
}

bool vdm_page_diff(struct vdm_archive *archive, uint64_t a, uint64_t b, struct vdm_page_diff *out,
                   struct vdm_err *err)
{
    struct vdm_text *extractor VDM_CLEANUP(vdm_text_cleanup) = NULL;
    struct vdm_page_diff d VDM_CLEANUP(vdm_page_diff_release) = {0};
    struct vdm_digest document_a, document_b;
    if (!vdm_text_open(&extractor, err) ||
        !read_one(archive, extractor, a, &d.a, &document_a, err) ||
        !read_one(archive, extractor, b, &d.b, &document_b, err) ||
        !vdm_text_words_compare(&d.hunks, &d.a, &d.b, err))
        return false;
    d.same_bytes = vdm_digest_equal(document_a, document_b);
    d.same_text = vdm_bytes_equal(vdm_buf_bytes(&d.a.text), vdm_buf_bytes(&d.b.text));
    *out = d;
    d = (struct vdm_page_diff){0};
    return true;
}
