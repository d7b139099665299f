/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "ops/audit_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_US   20000 /* between two looks at a document that is bad ... */
#define PAUSES_MAX 100   /* ... unless many are */
#define SLEEP_MS   50

bool vdm_audit_room(void *list, size_t n, size_t *cap, size_t width, struct vdm_err *err)
{
    void **p = list;
    if (n < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = reallocarray(*p, more, width);
    if (!grown)
        return vdm_fail_memory(err);
    *p = grown;
    *cap = more;
    return true;
}

/* --- the rate --- */

/* Keep to the rate; who asks to stop does not wait for it. */
static void tick(void *ctx, uint64_t bytes)
{
    struct vdm_audit_run *r = ctx;
    r->done->bytes += bytes;
    if (r->o->rate == 0)
        return;
    uint64_t due = r->walk_ms + r->done->bytes * 1000 / r->o->rate;
    while (vdm_clock_ms() < due && !vdm_progress_stop(r->progress))
        usleep(SLEEP_MS * 1000);
}

/* --- documents --- */

static struct vdm_digest *recent(struct vdm_audit_run *r, struct vdm_digest d)
{
    return &r->recent[((size_t)d.b[0] << 8 | d.b[1]) % VDM_AUDIT_RECENT];
}

static bool note_bad(struct vdm_audit_run *r, struct vdm_audit_bad b, struct vdm_err *err)
{
    if (!vdm_audit_room(&r->bad, r->bads, &r->bads_cap, sizeof b, err))
        return false;
    r->bad[r->bads++] = b;
    return true;
}

/* A document that several captures are of is read once. */
static bool check_document(struct vdm_audit_run *r, struct vdm_audit_bad b, bool *covered,
                           struct vdm_err *err)
{
    struct vdm_inspection seen;
    if (vdm_digest_equal(*recent(r, b.digest), b.digest))
        return true;
    if (!vdm_store_inspect(r->a->store, b.digest, b.size, r->bads < PAUSES_MAX ? PAUSE_US : 0, tick,
                           r, &seen, err))
        return false;
    if (seen.state == VDM_INSPECTED_BUSY) {
        *covered = false;
        r->done->busy++;
        vdm_report_add(r->report, (struct vdm_seen){.kind = VDM_DOCUMENT_BUSY, .entry = b.n},
                       "its document is being written to: it is left for the next audit");
        return true;
    }
    bool there = seen.state != VDM_INSPECTED_MISSING && seen.state != VDM_INSPECTED_NOT_A_FILE;
    r->done->documents += there;
    r->done->piece[r->done->pieces - 1].documents += there;
    if (seen.state == VDM_INSPECTED_GOOD) {
        *recent(r, b.digest) = b.digest;
        return true;
    }
    b.state = seen.state;
    b.found = seen.found;
    b.problem = seen.problem[0] ? strdup(seen.problem) : NULL;
    return note_bad(r, b, err);
}

/* --- records --- */

const char *vdm_audit_record_problem(struct vdm_audit_run *r, const struct vdm_entry *e,
                                     const struct vdm_ledger_row *row, struct vdm_record *out)
{
    struct vdm_digest commitment;
    if (row->odd || !vdm_record_decode(row->bytes, out, NULL))
        return "its record is malformed";
    if (!vdm_record_commit(r->a->crypto, out, &commitment, NULL) ||
        !vdm_digest_equal(commitment, e->capture.record))
        return "its record is not the one that the entry commits to";
    return NULL;
}

static bool check_record(struct vdm_audit_run *r, const struct vdm_entry *e,
                         const struct vdm_ledger_row *row, bool *covered, struct vdm_err *err)
{
    struct vdm_record rec;
    const char *problem;
    uint64_t capture = e->kind == VDM_ENTRY_AMENDMENT ? e->capture.amends : e->n;
    struct vdm_audit_bad b = {
        .n = e->n, .capture = capture, .state = VDM_INSPECTED_MISSING, .record = true};
    if (!row)
        return note_bad(r, b, err);
    if ((problem = vdm_audit_record_problem(r, e, row, &rec))) {
        if (!r->file_differs) /* else it is told already */
            vdm_report_add(r->report, (struct vdm_seen){.kind = VDM_RECORD_MISMATCH, .entry = e->n},
                           "%s", problem);
        return true;
    }
    if (e->kind != VDM_ENTRY_CAPTURE)
        return true;
    b.record = false;
    b.digest = rec.document;
    b.size = rec.document_size;
    return check_document(r, b, covered, err);
}

bool vdm_audit_item(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                    const struct vdm_ledger_row *record, bool *covered, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err why = {0};
    *covered = true;
    if (row->odd || !vdm_entry_open(r->a->crypto, row->bytes, &note, &e, &why) || e.n != row->n)
        return why.kind != VDM_ERR_FAILED || vdm_fail(err, "%s", why.text); /* told by the pass */
    if (e.kind == VDM_ENTRY_CAPTURE || e.kind == VDM_ENTRY_AMENDMENT)
        return check_record(r, &e, record, covered, err);
    if (e.kind != VDM_ENTRY_AUDIT || !e.audit.has_findings)
        return true;
    struct vdm_audit_bad b = {.n = e.n,
                              .capture = VDM_NO_ENTRY,
                              .findings = true,
                              .digest = e.audit.findings,
                              .size = VDM_SIZE_UNKNOWN};
    return check_document(r, b, covered, err);
}
