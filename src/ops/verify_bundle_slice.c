/* SPDX-License-Identifier: MIT */
/* What a record says to be a slice of another document, where one can go back to that: a document that stood before in a
 * plain bundle, or one that the reader gave. */
#include "format/disclosure.h"
#include "ops/slice.h"
#include "ops/verify_bundle_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Documents of a bundle that are remembered, 48 bytes each. */
#define WHOLES_MAX 65536

bool vdm_bundle_note_whole(struct vdm_bundle_check *v, struct vdm_digest digest, uint64_t size,
                           uint64_t offset, struct vdm_err *err)
{
    const struct vdm_bundle_whole whole = {digest, size, offset};
    if (v->wholes.n / sizeof whole == WHOLES_MAX)
        return true;
    vdm_buf_put(&v->wholes, (struct vdm_bytes){(const uint8_t *)&whole, sizeof whole});
    return vdm_buf_ok(&v->wholes, err);
}

struct reading {
    int fd;
    uint64_t at;
};

static bool read_at(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct reading *r = ctx;
    ssize_t k;
    while ((k = pread(r->fd, p, cap, (off_t)r->at)) < 0 && errno == EINTR)
        ;
    *got = k > 0 ? (size_t)k : 0;
    r->at += *got;
    return k >= 0 || vdm_fail_errno(err, "read");
}

static bool compare(struct vdm_bundle_check *v, const struct vdm_bundle_item *item,
                    const struct vdm_slice *s, int fd, uint64_t start, uint64_t size,
                    struct vdm_err *err)
{
    struct reading r = {fd, start + s->offset};
    struct vdm_digest found;
    bool whole;
    if (s->offset > size || s->length > size - s->offset) {
        vdm_slice_differs(v->report, item->n, s, "that one is shorter");
        return true;
    }
    if (!vdm_slice_hash(v->crypto, read_at, &r, s->length, &found, &whole, err))
        return false;
    if (!whole || !vdm_digest_equal(found, item->document_digest))
        vdm_slice_differs(v->report, item->n, s, "there are other bytes");
    else
        v->report->slices++;
    return true;
}

/* In the bundle: *seen, and compared, or told where one cannot go back. */
static bool look_in_bundle(struct vdm_bundle_check *v, const struct vdm_bundle_item *item,
                           const struct vdm_slice *s, bool *seen, struct vdm_err *err)
{
    const struct vdm_bundle_whole *w = (const void *)v->wholes.p;
    for (size_t i = 0; i < v->wholes.n / sizeof *w && !*seen; i++) {
        if (!vdm_digest_equal(w[i].digest, s->of))
            continue;
        *seen = true;
        if (w[i].offset != VDM_NO_OFFSET)
            return compare(v, item, s, v->fd, w[i].offset, w[i].size, err);
        vdm_bundle_note(
            v, VDM_SLICE_NOT_CHECKED, item->n, NULL,
            "whether it is cut out of that document cannot be looked at in a compressed bundle: "
            "unpack the tar, or give the document (--document)");
    }
    return true;
}

static bool check_slice(struct vdm_bundle_check *v, const struct vdm_bundle_item *item,
                        const struct vdm_slice *s, struct vdm_err *err)
{
    bool seen = false;
    if (s->length != item->document_size) {
        vdm_slice_differs(v->report, item->n, s, "the document has another length");
        return true;
    }
    for (size_t i = 0; i < v->o->givens && !seen; i++) {
        struct vdm_given_document *d = &v->o->given[i];
        if (d->fd < 0 || !vdm_digest_equal(d->digest, s->of))
            continue;
        d->matched = seen = true;
        if (!compare(v, item, s, d->fd, 0, d->size, err))
            return false;
    }
    return seen || look_in_bundle(v, item, s, &seen, err);
}

/* The next line of a record or a disclosure that is shown. */
static bool next_line(bool disclosure, struct vdm_bytes *rest, struct vdm_record_line *out)
{
    struct vdm_disclosed_line l;
    if (!disclosure)
        return vdm_record_next(rest, out);
    do {
        if (!vdm_disclosure_next(rest, &l))
            return false;
    } while (!l.open);
    *out = l.line;
    return true;
}

bool vdm_bundle_check_slices(struct vdm_bundle_check *v, const struct vdm_bundle_item *item,
                             struct vdm_err *err)
{
    struct vdm_record r;
    struct vdm_disclosure d;
    struct vdm_record_line line;
    struct vdm_slice s;
    if (item->text.n == 0 || !item->has_document || item->document_withdrawn)
        return true;
    if (!(item->disclosure ? vdm_disclosure_decode(v->crypto, item->text, &d, NULL)
                           : vdm_record_decode(item->text, &r, NULL)))
        return true; /* it was told */
    struct vdm_bytes rest = item->disclosure ? d.body : r.body;
    while (next_line(item->disclosure, &rest, &line))
        if (line.field == VDM_FIELD_DERIVED_FROM && vdm_slice_decode(line.value, &s) &&
            !check_slice(v, item, &s, err))
            return false;
    return true;
}
