/* SPDX-License-Identifier: MIT */
#include "ops/import_revisit.h"

#include "format/value.h"

/* What is looked for; values escaped, as in records. p == NULL: not said. */
struct wanted {
    struct vdm_buf text[4];
    struct vdm_bytes record_id, source, captured, payload;
};

static void release(struct wanted *w)
{
    for (size_t i = 0; i < 4; i++)
        vdm_buf_release(&w->text[i]);
}

static struct vdm_bytes escaped(struct vdm_buf *out, struct vdm_bytes value)
{
    if (value.n == 0)
        return (struct vdm_bytes){NULL, 0};
    vdm_value_append(out, value);
    return vdm_buf_bytes(out);
}

static struct vdm_bytes line_of(const struct vdm_record_line *line, size_t n, enum vdm_field f,
                                struct vdm_bytes prefix)
{
    for (size_t i = 0; i < n; i++)
        if (line[i].field == f && vdm_bytes_start_with(line[i].value, prefix))
            return line[i].value;
    return (struct vdm_bytes){NULL, 0};
}

#define PAYLOAD VDM_LIT("WARC-Payload-Digest: ")
#define ANY     ((struct vdm_bytes){NULL, 0})

static bool prepare(struct wanted *w, const struct vdm_member *m, struct vdm_err *err)
{
    struct vdm_bytes source =
        m->of_source.n ? m->of_source : line_of(m->line, m->lines, VDM_FIELD_SOURCE, ANY);
    w->record_id = escaped(&w->text[0], m->of_record_id);
    w->source = escaped(&w->text[1], source);
    w->captured = escaped(&w->text[2], m->of_captured);
    w->payload = escaped(&w->text[3], line_of(m->line, m->lines, VDM_FIELD_HEADER, PAYLOAD));
    for (size_t i = 0; i < 4; i++)
        if (!vdm_buf_ok(&w->text[i], err))
            return false;
    return true;
}

/* What a capture says of itself, escaped. */
struct said {
    struct vdm_bytes record_id, source, captured, payload;
};

static bool is_it(const struct wanted *w, const struct said *s)
{
    if (w->payload.p && s->payload.p && !vdm_bytes_equal(w->payload, s->payload))
        return false;
    if (w->record_id.p && s->record_id.p)
        return vdm_bytes_equal(w->record_id, s->record_id);
    if (w->payload.p && !s->payload.p)
        return false;
    if (!w->source.p || !vdm_bytes_equal(w->source, s->source))
        return false;
    if (w->captured.p)
        return vdm_bytes_equal(w->captured, s->captured);
    return w->payload.p;
}

/* The values here are not escaped yet; comparing them as they are is right for all that needs no escapes, and a
 * revisit of one that does is looked up once it is recorded. */
static bool find_waiting(const struct vdm_importing *m, const struct wanted *w, size_t *at)
{
    for (size_t i = m->batched; i-- > 0;) {
        const struct vdm_import_lines *l = &m->batch[i].lines;
        const struct said s = {vdm_import_value(l, VDM_FIELD_RECORD_ID),
                               vdm_import_value(l, VDM_FIELD_SOURCE),
                               vdm_import_value(l, VDM_FIELD_CAPTURED),
                               line_of(l->line, l->n, VDM_FIELD_HEADER, PAYLOAD)};
        *at = i;
        if (!m->batch[i].stands_in && is_it(w, &s))
            return true;
    }
    return false;
}

static struct vdm_bytes header_of(const struct vdm_record *r)
{
    struct vdm_bytes v;
    for (size_t k = 0; (v = vdm_record_value(r, VDM_FIELD_HEADER, k)).n; k++)
        if (vdm_bytes_start_with(v, PAYLOAD))
            return v;
    return ANY;
}

/* Its document is a payload, not a revisit record for want of one. */
static bool holds_payload(const struct vdm_record *r)
{
    struct vdm_bytes v;
    for (size_t k = 0; (v = vdm_record_value(r, VDM_FIELD_FIELD, k)).n; k++)
        if (vdm_bytes_equal_str(v, VDM_REVISIT_UNRESOLVED))
            return false;
    return true;
}

static bool look_at(struct vdm_importing *m, uint64_t n, const struct wanted *w,
                    struct vdm_digest *digest, uint64_t *size, bool *found, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    *found = false;
    if (!vdm_recorded_now(m, n, &text, &r, found, err))
        return false;
    if (!*found)
        return true;
    const struct said s = {vdm_record_value(&r, VDM_FIELD_RECORD_ID, 0),
                           vdm_record_value(&r, VDM_FIELD_SOURCE, 0),
                           vdm_record_value(&r, VDM_FIELD_CAPTURED, 0), header_of(&r)};
    *found = is_it(w, &s) && holds_payload(&r);
    if (*found && !vdm_store_holds(m->a->store, r.document, found, err))
        return false;
    *digest = r.document;
    *size = r.document_size;
    return true;
}

bool vdm_import_repeated(struct vdm_importing *m, const struct vdm_member *member,
                         struct vdm_digest *digest, uint64_t *size, bool *found,
                         struct vdm_err *err)
{
    struct wanted w VDM_CLEANUP(release) = {0};
    uint64_t n[VDM_REVISIT_LOOK];
    size_t count, at;
    *found = false;
    if (!prepare(&w, member, err))
        return false;
    if (find_waiting(m, &w, &at)) {
        *digest = m->batch[at].digest;
        *size = m->batch[at].size;
        *found = true;
        return true;
    }
    if (!w.source.p || !m->a->catalog)
        return true;
    const struct vdm_catalog_filter of = {.source = w.source, .newest_first = true};
    if (!vdm_catalog_list(m->a->catalog, &of, UINT64_MAX, n, VDM_REVISIT_LOOK, &count, err))
        return false;
    for (size_t i = 0; i < count && !*found; i++)
        if (!look_at(m, n[i], &w, digest, size, found, err))
            return false;
    return true;
}
