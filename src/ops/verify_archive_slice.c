/* SPDX-License-Identifier: MIT */
#include "ops/slice.h"
#include "ops/verify_archive_state.h"

static bool check_slice(struct vdm_verify *v, uint64_t n, const struct vdm_record *r,
                        const struct vdm_slice *s, struct vdm_err *err)
{
    struct vdm_store_reader reader VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_digest found;
    struct vdm_err why = {0};
    bool whole;
    if (!vdm_store_get(v->a->store, s->of, &reader, &why))
        return why.kind != VDM_ERR_FAILED || vdm_fail(err, "%s", why.text); /* it is not here */
    if (!vdm_store_reader_skip(&reader, s->offset, err) ||
        !vdm_slice_hash(v->a->crypto, reader.read, &reader, s->length, &found, &whole, err))
        return false;
    if (!whole)
        vdm_slice_differs(v->report, n, s, "that one is shorter");
    else if (!vdm_digest_equal(found, r->document))
        vdm_slice_differs(v->report, n, s, "there are other bytes");
    else
        v->report->slices++;
    return true;
}

bool vdm_verify_slices(struct vdm_verify *v, uint64_t n, const struct vdm_record *r,
                       struct vdm_err *err)
{
    struct vdm_bytes value;
    struct vdm_slice s;
    for (size_t k = 0; (value = vdm_record_value(r, VDM_FIELD_DERIVED_FROM, k)).n; k++) {
        if (!vdm_slice_decode(value, &s))
            continue;
        if (s.length != r->document_size)
            vdm_slice_differs(v->report, n, &s, "the document has another length");
        else if (!v->o->without_documents && !check_slice(v, n, r, &s, err))
            return false;
    }
    return true;
}

/* Where the whole is not here, nobody can tell: yes. */
static bool is_slice(struct vdm_archive *a, const struct vdm_slice *s, struct vdm_digest document,
                     uint64_t size, bool *yes, struct vdm_err *err)
{
    struct vdm_store_reader reader VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_digest found;
    struct vdm_err why = {0};
    *yes = s->length == size;
    if (!*yes)
        return true;
    if (!vdm_store_get(a->store, s->of, &reader, &why))
        return why.kind != VDM_ERR_FAILED || vdm_fail(err, "%s", why.text);
    if (!vdm_store_reader_skip(&reader, s->offset, err) ||
        !vdm_slice_hash(a->crypto, reader.read, &reader, s->length, &found, yes, err))
        return false;
    *yes = *yes && vdm_digest_equal(found, document);
    return true;
}

bool vdm_slice_refuse_wrong(struct vdm_archive *a, struct vdm_bytes derived_from,
                            struct vdm_digest document, uint64_t size, struct vdm_err *err)
{
    struct vdm_slice s;
    bool yes = true;
    return (!vdm_slice_decode(derived_from, &s) || is_slice(a, &s, document, size, &yes, err)) &&
           (yes ||
            vdm_fail_as(
                err, VDM_ERR_REFUSED,
                "derived-from says that it is a slice of a document that is held, and it is not"));
}
