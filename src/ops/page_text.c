/* SPDX-License-Identifier: MIT */
#include "ops/page_text.h"

#include <stdio.h>

static bool keep(void *ctx, struct vdm_bytes piece, struct vdm_err *err)
{
    struct vdm_buf *document = ctx;
    vdm_buf_put(document, piece);
    return vdm_buf_ok(document, err);
}

/* What stands against reading it at all; NULL: nothing. */
static const char *obstacle(const struct vdm_view *v, enum vdm_text_kind kind)
{
    if (!v->has_record)
        return v->has_withdrawal ? "it was withdrawn" : "its record is missing";
    if (v->has_withdrawal)
        return "its document was withdrawn";
    if (!vdm_record_value(&v->record, VDM_FIELD_MEDIA_TYPE, 0).n)
        return "its media type is not known";
    if (kind == VDM_TEXT_NONE)
        return "neither HTML nor plain text";
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
    const char *reason = obstacle(v, kind);
    *has = false;
    if (!reason && !vdm_query_document(a, v->n, keep, &document, &damage)) {
        if (document.failed)
            return vdm_fail_memory(err);
        reason = damage.text; /* missing or damaged: what `verify` is for */
    }
    if (!reason)
        *has = vdm_text_extract(extractor, kind, vdm_buf_bytes(&document), out, &reason);
    if (!*has)
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
