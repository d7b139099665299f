/* SPDX-License-Identifier: MIT */
#include "ops/audit_history.h"

#include <stdlib.h>
#include <string.h>

void vdm_audit_history_release(struct vdm_audit_history *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->audit[i].covered);
    free(h->audit);
    vdm_coverage_release(&h->coverage);
    *h = (struct vdm_audit_history){0};
}

const struct vdm_audit_past *vdm_audit_last(const struct vdm_audit_history *h)
{
    for (size_t i = h->n; i-- > 0;)
        if (h->audit[i].good)
            return &h->audit[i];
    return NULL;
}

#define DAY_SECONDS 86400

/* One of the future counts as none: else a clock that was ahead once would keep documents from being due for years. */
static bool is_good(struct vdm_archive *a, const struct vdm_keyring *ring,
                    const struct vdm_note *note, const struct vdm_entry *e)
{
    if (e->recorded.seconds > vdm_time_now().seconds + DAY_SECONDS)
        return false;
    const struct vdm_key_range *r = vdm_keyring_find(ring, e->signer, e->signer_id);
    return r && vdm_role_may_sign(r->role, e) && vdm_key_range_covers(r, e->n) &&
           e->audit.size <= e->n &&
           vdm_note_verify(note, a->crypto, &r->key, NULL) == VDM_NOTE_GOOD;
}

static bool mark(struct vdm_audit_history *h, struct vdm_audit_past *p, struct vdm_err *err)
{
    struct vdm_bytes rest = vdm_str(p->covered);
    uint64_t from, to;
    if (!vdm_coverage_grow(&h->coverage, p->n, err))
        return false;
    while (vdm_ranges_next(&rest, &from, &to)) {
        to = to < p->size ? to : p->size; /* it cannot have seen more than there was */
        p->entries += from < to ? to - from : 0;
        if (p->good && from < to && !vdm_coverage_mark(&h->coverage, from, to, p->n, err))
            return false;
    }
    return true;
}

static bool add(struct vdm_audit_history *h, const struct vdm_entry *e, bool good,
                struct vdm_err *err)
{
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 32;
        struct vdm_audit_past *grown = reallocarray(h->audit, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        h->audit = grown;
        h->cap = cap;
    }
    const struct vdm_audit *u = &e->audit;
    struct vdm_audit_past p = {.n = e->n,
                               .recorded = e->recorded,
                               .good = good,
                               .signer_id = e->signer_id,
                               .size = u->size,
                               .root = u->root,
                               .full = u->mode == VDM_AUDIT_FULL,
                               .covered = vdm_bytes_dup(u->covered),
                               .documents = u->documents,
                               .missing = u->missing,
                               .corrupt = u->corrupt,
                               .repaired = u->repaired,
                               .has_findings = u->has_findings,
                               .findings = u->findings};
    if (!p.covered)
        return vdm_fail_memory(err);
    memcpy(p.signer, e->signer.p, e->signer.n);
    h->audit[h->n++] = p;
    return mark(h, &h->audit[h->n - 1], err);
}

static bool read_audits(struct vdm_archive *a, const struct vdm_keyring *ring,
                        struct vdm_audit_history *h, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t n = 0;
    bool found = true;
    for (; found; n++) {
        struct vdm_note note;
        struct vdm_entry e;
        struct vdm_err why = {0};
        if (!vdm_ledger_next(a->ledger, VDM_LIT("vidimus/audit/v1\n"), n, h->size, &n, &found, err))
            return false;
        if (!found)
            break;
        if (!vdm_archive_entry(a, n, &bytes, &note, &e, &why)) {
            if (why.kind != VDM_ERR_MALFORMED)
                return vdm_fail_as(err, why.kind, "%s", why.text);
            continue; /* that is for the check of the ledger to tell */
        }
        if (e.n == n && !add(h, &e, is_good(a, ring, &note, &e), err))
            return false;
    }
    return vdm_coverage_grow(&h->coverage, h->size, err);
}

/* Which audit was the last to see how much. */
static void count_current(struct vdm_audit_history *h)
{
    for (size_t i = 0; i < h->coverage.n; i++) {
        const struct vdm_span *s = &h->coverage.span[i];
        size_t low = 0, high = h->n;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (h->audit[mid].n < s->seen)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < h->n && h->audit[low].n == s->seen)
            h->audit[low].current += s->to - s->from;
    }
}

bool vdm_audit_history_read(struct vdm_archive *a, struct vdm_audit_history *out,
                            struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_audit_history h = {0};
    struct vdm_checkpoint head;
    uint64_t size;
    if (!vdm_archive_head(a, &note, &head, err) || !vdm_archive_ring(a, &ring, &size, err))
        return false;
    h.size = head.size;
    h.root = head.root;
    memcpy(h.origin, a->origin, sizeof a->origin);
    if (!read_audits(a, &ring, &h, err)) {
        vdm_audit_history_release(&h);
        return false;
    }
    count_current(&h);
    *out = h;
    return true;
}

/* --- how old --- */

bool vdm_audit_recorded(struct vdm_archive *a, uint64_t n, struct vdm_time *out,
                        struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    if (!vdm_archive_entry(a, n, &bytes, &note, &e, err))
        return false;
    *out = e.recorded;
    return true;
}

/* Times rise with the numbers, where the archive's clock went well. */
bool vdm_audit_first_since(struct vdm_archive *a, uint64_t from, uint64_t to, struct vdm_time limit,
                           uint64_t *out, struct vdm_err *err)
{
    while (from < to) {
        uint64_t mid = from + (to - from) / 2;
        struct vdm_time t;
        if (!vdm_audit_recorded(a, mid, &t, err))
            return false;
        if (t.seconds < limit.seconds)
            from = mid + 1;
        else
            to = mid;
    }
    *out = from;
    return true;
}

static bool next_capture(struct vdm_archive *a, uint64_t from, uint64_t to, uint64_t *n,
                         bool *found, struct vdm_err *err)
{
    return vdm_ledger_next(a->ledger, VDM_LIT("vidimus/capture/v1\n"), from, to, n, found, err);
}

static void note_oldest(struct vdm_audit_age *out, uint64_t n, struct vdm_time seen, bool never)
{
    if (out->has_oldest && out->seen.seconds <= seen.seconds)
        return;
    out->has_oldest = true;
    out->oldest = n;
    out->seen = seen;
    out->never = never;
}

static bool span_age(struct vdm_archive *a, const struct vdm_span *s, struct vdm_time limit,
                     struct vdm_audit_age *out, struct vdm_err *err)
{
    struct vdm_time seen = {0};
    uint64_t first, end = s->from, captures, late;
    bool found, never = s->seen == VDM_NEVER;
    if (!next_capture(a, s->from, s->to, &first, &found, err))
        return false;
    if (!found)
        return true;
    if (!vdm_audit_recorded(a, never ? first : s->seen, &seen, err) ||
        !vdm_ledger_count(a->ledger, VDM_LIT("vidimus/capture/v1\n"), s->from, s->to, &captures,
                          err))
        return false;
    if (never && !vdm_audit_first_since(a, s->from, s->to, limit, &end, err))
        return false;
    if (!never)
        end = seen.seconds < limit.seconds ? s->to : s->from;
    if (!vdm_ledger_count(a->ledger, VDM_LIT("vidimus/capture/v1\n"), s->from, end, &late, err))
        return false;
    out->captures += captures;
    out->overdue += late;
    out->unaudited += never ? captures : 0;
    note_oldest(out, first, seen, never);
    return true;
}

bool vdm_audit_age(struct vdm_archive *a, const struct vdm_audit_history *h, struct vdm_time limit,
                   struct vdm_audit_age *out, struct vdm_err *err)
{
    *out = (struct vdm_audit_age){0};
    for (size_t i = 0; i < h->coverage.n; i++)
        if (!span_age(a, &h->coverage.span[i], limit, out, err))
            return false;
    return true;
}

/* --- findings --- */

bool vdm_audit_findings(struct vdm_archive *a, const struct vdm_audit_past *p, struct vdm_buf *out,
                        enum vdm_store_state *state, struct vdm_err *err)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {.fd = -1};
    struct vdm_err why = {0};
    size_t got = 1;
    vdm_buf_clear(out);
    if (!vdm_store_get(a->store, p->findings, &r, &why)) {
        *state = VDM_STORE_MISSING;
        return why.kind == VDM_ERR_NOT_FOUND || why.kind == VDM_ERR_REFUSED ||
               vdm_fail_as(err, why.kind, "%s", why.text);
    }
    *state = VDM_STORE_DAMAGED;
    while (got > 0 && out->n <= VDM_FINDINGS_FILE_MAX) {
        uint8_t *at = vdm_buf_grow(out, VDM_COPY_BYTES);
        if (!at)
            return vdm_fail_memory(err);
        out->n -= VDM_COPY_BYTES;
        if (!r.read(&r, at, VDM_COPY_BYTES, &got, err))
            return false;
        out->n += got;
    }
    if (vdm_digest_equal(vdm_sha256(a->crypto, vdm_buf_bytes(out)), p->findings))
        *state = VDM_STORE_GOOD;
    return true;
}
