/* SPDX-License-Identifier: MIT */
#include "ops/audit_record.h"

#include "format/findings.h"
#include "format/value.h"
#include "ops/audit_state.h"
#include "ops/doubt.h"
#include "ops/writer.h"

#include <string.h>

#define COVERED_MAX 32768 /* bytes of ranges in one entry */
#define TEXT_MAX    600   /* of one finding */

/* --- the findings --- */

/* A message of the system may name the file of an object, and so a document that may be withdrawn later:
 * no digest is kept. */
static void put_without_digests(struct vdm_buf *out, const char *message)
{
    static const char digest[] = "0123456789abcdef/";
    while (*message && out->n < TEXT_MAX) {
        size_t n = strspn(message, digest);
        if (n >= 60)
            vdm_buf_puts(out, "...");
        else
            vdm_buf_put(out, (struct vdm_bytes){(const uint8_t *)message, n ? n : 1});
        message += n ? n : 1;
    }
}

static void append_finding(struct vdm_buf *out, const struct vdm_finding *f)
{
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    const char *message = f->message && f->message[0] ? f->message : "-";
    put_without_digests(&plain, message);
    vdm_value_append(&text, vdm_buf_bytes(&plain));
    struct vdm_findings_line line = {vdm_str(vdm_kind_word(f->kind)), f->entry, f->repaired,
                                     vdm_buf_bytes(&text)};
    vdm_findings_append_line(out, &line);
    out->failed = out->failed || text.failed || plain.failed;
}

static bool write_findings(const struct vdm_archive *a, const struct vdm_audit_done *d,
                           struct vdm_buf *out, struct vdm_err *err)
{
    const struct vdm_findings *list = &d->report.findings;
    struct vdm_findings_file head = {.ledger = vdm_str(a->origin),
                                     .size = d->size,
                                     .root = d->root,
                                     .begun = d->begun,
                                     .ended = d->ended};
    vdm_findings_append_head(out, &head);
    for (size_t i = 0; i < list->count; i++)
        append_finding(out, &list->list[i]);
    vdm_findings_append_end(out, list->total - list->count);
    return vdm_buf_ok(out, err) && vdm_findings_decode(vdm_buf_bytes(out), &head, err);
}

static bool read_buf(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_bytes *rest = ctx;
    (void)err;
    *got = rest->n < cap ? rest->n : cap;
    if (*got)
        memcpy(p, rest->p, *got);
    *rest = vdm_bytes_skip(*rest, *got);
    return true;
}

static bool keep_findings(struct vdm_archive *a, const struct vdm_audit_done *d,
                          struct vdm_audit *u, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_stored stored;
    if (vdm_report_findings(&d->report) == 0)
        return true;
    if (!write_findings(a, d, &text, err))
        return false;
    struct vdm_bytes rest = vdm_buf_bytes(&text);
    if (!vdm_store_put(a->store, read_buf, &rest, text.n, &stored, err))
        return false;
    if (!vdm_store_sync(a->store, err))
        return vdm_doubt_raise(a, err);
    u->has_findings = true;
    u->findings = stored.id;
    return true;
}

/* --- the entry --- */

static void append_range(struct vdm_buf *out, const struct vdm_audit_piece *p)
{
    vdm_buf_putf(out, p->to - p->from > 1 ? "%s%llu-%llu" : "%s%llu", out->n ? "," : "",
                 (unsigned long long)p->from, (unsigned long long)(p->to - 1));
}

/* As many pieces as one entry holds, from *at on. */
static bool append_entry(struct vdm_writer *w, struct vdm_audit_done *d,
                         const struct vdm_signer *signer, struct vdm_audit u, size_t *at,
                         struct vdm_err *err)
{
    struct vdm_buf covered VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_AUDIT, .recorded = vdm_time_now()};
    for (; *at < d->pieces && covered.n < COVERED_MAX; ++*at) {
        const struct vdm_audit_piece *p = &d->piece[*at];
        append_range(&covered, p);
        u.documents += p->documents;
        u.missing += p->missing;
        u.corrupt += p->corrupt;
        u.repaired += p->repaired;
    }
    u.covered = vdm_buf_bytes(&covered);
    e.audit = u;
    if (!vdm_buf_ok(&covered, err) || !vdm_writer_append(w, &e, signer, (struct vdm_bytes){0}, err))
        return false;
    d->first_entry = d->first_entry ? d->first_entry : e.n;
    d->last_entry = e.n;
    return true;
}

/* Keys change while a long audit is under way. */
static bool may_audit(struct vdm_archive *a, const struct vdm_signer *signer, uint64_t n,
                      struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    const struct vdm_vkey *key = vdm_signer_vkey(signer);
    const struct vdm_entry audit = {.kind = VDM_ENTRY_AUDIT};
    uint64_t size;
    if (!vdm_archive_ring(a, &ring, &size, err))
        return false;
    const struct vdm_key_range *k = vdm_keyring_find(&ring, vdm_str(key->name), key->id);
    return (k && vdm_role_may_sign(k->role, &audit) && vdm_key_range_covers(k, n)) ||
           vdm_fail(err, "the key of %s may no longer sign: it was ended meanwhile", key->name);
}

static bool append_all(struct vdm_archive *a, struct vdm_writer *w, struct vdm_audit_done *d,
                       const struct vdm_signers *s, const struct vdm_audit *u, struct vdm_err *err)
{
    if (!may_audit(a, s->signer, vdm_writer_next(w), err))
        return false;
    for (size_t at = 0; at < d->pieces;)
        if (!append_entry(w, d, s->signer, *u, &at, err))
            return false;
    return true;
}

bool vdm_audit_record(struct vdm_archive *a, struct vdm_audit_done *d, const struct vdm_signers *s,
                      struct vdm_err *err)
{
    struct vdm_writer *w VDM_CLEANUP(vdm_writer_cleanup) = NULL;
    struct vdm_audit u = {.size = d->size,
                          .root = d->root,
                          .mode = vdm_audit_is_full(d) ? VDM_AUDIT_FULL : VDM_AUDIT_PARTIAL};
    if (d->pieces == 0)
        return true;
    if (!keep_findings(a, d, &u, err) || !vdm_writer_open(&w, a, s->ledger, err) ||
        !vdm_writer_begin(w, err))
        return false;
    if (!append_all(a, w, d, s, &u, err) || !vdm_writer_commit(w, err)) {
        d->first_entry = d->last_entry = 0;
        return false;
    }
    vdm_buf_put(&d->checkpoint, vdm_writer_checkpoint(w));
    vdm_audit_remember_file(a);
    return vdm_buf_ok(&d->checkpoint, err);
}
