/* SPDX-License-Identifier: MIT */
#include "ops/query.h"

#include "base/file.h"
#include "format/proof.h"
#include "keys/mark.h"
#include "ops/takedown.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void vdm_view_release(struct vdm_view *v)
{
    vdm_buf_release(&v->note_bytes);
    vdm_buf_release(&v->record_text);
    vdm_buf_release(&v->withdrawal_bytes);
    *v = (struct vdm_view){0};
}

/* The catalog leads to it; what it is, the entry itself says. */
static bool read_withdrawal(struct vdm_archive *a, struct vdm_view *v, struct vdm_err *err)
{
    struct vdm_note note;
    v->has_withdrawal = v->fate.withdrawn != UINT64_MAX;
    if (!v->has_withdrawal)
        return true;
    if (!vdm_archive_entry(a, v->fate.withdrawn, &v->withdrawal_bytes, &note, &v->withdrawal, err))
        return false;
    return (v->withdrawal.kind == VDM_ENTRY_WITHDRAWAL && v->withdrawal.withdrawal.of == v->n) ||
           vdm_catalog_lies(v->n, err);
}

static bool takes_record(const struct vdm_entry *withdrawal)
{
    return withdrawal->withdrawal.scope != VDM_SCOPE_DOCUMENT;
}

/* Of an amendment: was the record of its capture withdrawn, which goes with all its amendments? */
static bool is_record_withdrawn(struct vdm_archive *a, const struct vdm_view *v, bool *yes,
                                struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_fate fate = v->fate;
    struct vdm_note note;
    struct vdm_entry e;
    *yes = fate.record || (v->has_withdrawal && takes_record(&v->withdrawal));
    if (v->entry.kind != VDM_ENTRY_AMENDMENT)
        return true;
    if (!vdm_fate_read(a, v->entry.capture.amends, &fate, err) ||
        (fate.withdrawn != UINT64_MAX &&
         !vdm_archive_entry(a, fate.withdrawn, &bytes, &note, &e, err)))
        return false;
    *yes = fate.record ||
           (fate.withdrawn != UINT64_MAX && e.kind == VDM_ENTRY_WITHDRAWAL && takes_record(&e));
    return true;
}

bool vdm_query_record(struct vdm_archive *a, const struct vdm_entry *e, struct vdm_buf *text,
                      struct vdm_record *out, enum vdm_record_state *state, struct vdm_err *err)
{
    struct vdm_digest commitment;
    bool found;
    *state = VDM_RECORD_NONE;
    if (!vdm_ledger_record(a->ledger, e->n, text, &found, err) || !found)
        return !found;
    *state = VDM_RECORD_OTHER;
    if (!vdm_record_decode(vdm_buf_bytes(text), out, NULL))
        return true;
    if (!vdm_record_commit(a->crypto, out, &commitment, err))
        return false;
    if (vdm_digest_equal(commitment, e->capture.record))
        *state = VDM_RECORD_SIGNED;
    return true;
}

/* Of the newest amendment, where there is one. */
static bool read_record(struct vdm_archive *a, struct vdm_view *v, enum vdm_record_state *state,
                        struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = v->entry;
    struct vdm_note note;
    if (v->fate.amended != UINT64_MAX &&
        !vdm_archive_entry(a, v->fate.amended, &bytes, &note, &e, err))
        return false;
    return vdm_query_record(a, &e, &v->record_text, &v->record, state, err);
}

bool vdm_view_open(struct vdm_archive *a, uint64_t n, struct vdm_view *v, struct vdm_err *err)
{
    enum vdm_record_state state;
    v->n = n;
    v->has_record = false;
    v->fate = (struct vdm_fate){UINT64_MAX, UINT64_MAX, false};
    v->record_withdrawn = v->record_mismatch = false;
    vdm_buf_clear(&v->record_text);
    if (!vdm_archive_entry(a, n, &v->note_bytes, &v->note, &v->entry, err))
        return false;
    if (v->entry.kind == VDM_ENTRY_CAPTURE && !vdm_fate_read(a, n, &v->fate, err))
        return false;
    if (!read_withdrawal(a, v, err) || !is_record_withdrawn(a, v, &v->record_withdrawn, err))
        return false;
    if (v->record_withdrawn) /* also where it is still stored: the erasing was interrupted */
        return true;
    if (!read_record(a, v, &state, err))
        return false;
    v->has_record = state == VDM_RECORD_SIGNED;
    v->record_mismatch = state == VDM_RECORD_OTHER;
    return true;
}

bool vdm_query_catalog(struct vdm_archive *a, uint64_t *behind, struct vdm_err *err)
{
    struct vdm_catalog_reach reach;
    uint64_t size;
    if (!a->catalog)
        return vdm_fail(err, "the catalog cannot be used (%s): run `vidimus reindex`",
                        a->catalog_problem);
    if (!vdm_catalog_reached(a->catalog, &reach, err) || !vdm_ledger_size(a->ledger, &size, err))
        return false;
    *behind = size > reach.entries ? size - reach.entries : 0;
    return true;
}

/* The catalog only leads to entries; what an entry's document is, its record says. */
static bool agrees(const struct vdm_view *v, const struct vdm_catalog_filter *f,
                   struct vdm_err *err)
{
    return !f->document || !v->has_record || vdm_digest_equal(*f->document, v->record.document) ||
           vdm_catalog_lies(v->n, err);
}

bool vdm_query_captures(struct vdm_archive *a, const struct vdm_catalog_filter *filter,
                        uint64_t limit, vdm_view_fn *tell, void *ctx, struct vdm_err *err)
{
    uint64_t n[256], after = UINT64_MAX, told = 0;
    size_t count;
    struct vdm_view v = {0};
    bool ok = true;
    do {
        ok = vdm_catalog_list(a->catalog, filter, after, n, sizeof n / sizeof *n, &count, err);
        for (size_t i = 0; ok && i < count && (limit == 0 || told < limit); i++, told++)
            ok = vdm_view_open(a, n[i], &v, err) && agrees(&v, filter, err) && tell(ctx, &v, err);
        after = count ? n[count - 1] : after;
    } while (ok && count == sizeof n / sizeof *n && (limit == 0 || told < limit));
    vdm_view_release(&v);
    return ok;
}

static bool hash_stream(struct vdm_crypto *c, vdm_read_fn *read, void *ctx, vdm_bytes_fn *take,
                        void *take_ctx, struct vdm_digest *digest, uint64_t *size,
                        struct vdm_err *err)
{
    struct vdm_hash *hash VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    uint8_t piece[VDM_COPY_BYTES];
    size_t got;
    if (!vdm_hash_open(&hash, c, err))
        return false;
    for (*size = 0;; *size += got) {
        if (!read(ctx, piece, sizeof piece, &got, err))
            return false;
        if (got == 0)
            break;
        struct vdm_bytes b = {piece, got};
        vdm_hash_update(hash, b);
        if (take && !take(take_ctx, b, err))
            return false;
    }
    *digest = vdm_hash_end(hash);
    return true;
}

static bool read_fd(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    return vdm_fd_read(*(int *)ctx, p, cap, got, err);
}

bool vdm_query_file(struct vdm_crypto *c, const char *path, struct vdm_digest *digest,
                    uint64_t *size, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_file_open(AT_FDCWD, path, true, &fd, err) ||
        !hash_stream(c, read_fd, &fd, NULL, NULL, digest, size, err))
        return vdm_err_prefix(err, "%s", path);
    return true;
}

static bool read_object(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_store_reader *r = ctx;
    return r->read(r, p, cap, got, err);
}

bool vdm_query_document(struct vdm_archive *a, uint64_t n, vdm_bytes_fn *take, void *ctx,
                        struct vdm_err *err)
{
    struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_digest digest;
    uint64_t size;
    if (!vdm_view_open(a, n, &v, err))
        return false;
    if (v.entry.kind != VDM_ENTRY_CAPTURE)
        return vdm_fail_as(err, VDM_ERR_USAGE, "entry %llu is no capture but a %s",
                           (unsigned long long)n, vdm_entry_kind_name(v.entry.kind));
    if (v.has_withdrawal)
        return vdm_fail(err, "entry %llu was withdrawn by entry %llu, decided by %.*s",
                        (unsigned long long)n, (unsigned long long)v.withdrawal.n,
                        (int)v.withdrawal.withdrawal.decided_by.n,
                        (const char *)v.withdrawal.withdrawal.decided_by.p);
    if (!v.has_record)
        return vdm_fail(err, "the record of entry %llu is missing: run `vidimus verify`",
                        (unsigned long long)n);
    if (!vdm_store_get(a->store, v.record.document, &r, err) ||
        !hash_stream(a->crypto, read_object, &r, take, ctx, &digest, &size, err))
        return vdm_err_prefix(err, "document of entry %llu", (unsigned long long)n);
    return vdm_digest_equal(digest, v.record.document) ||
           vdm_fail(err, "the stored document of entry %llu is damaged (run `vidimus verify`)",
                    (unsigned long long)n);
}

bool vdm_query_checkpoint(struct vdm_archive *a, uint64_t size, struct vdm_buf *note,
                          struct vdm_err *err)
{
    bool found;
    if (size == 0 && !vdm_ledger_size(a->ledger, &size, err))
        return false;
    if (!vdm_ledger_checkpoint(a->ledger, size, note, &found, err))
        return false;
    return found ||
           vdm_fail_as(err, VDM_ERR_USAGE,
                       "no checkpoint of size %llu was signed (there is one for each commit)",
                       (unsigned long long)size);
}

bool vdm_query_proof(struct vdm_archive *a, uint64_t n, struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf entry VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf extra VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    struct vdm_tree_proof path;
    struct vdm_tiles tiles = vdm_archive_tiles(a);
    bool found;
    if (!vdm_archive_head(a, &note, &head, err) ||
        !vdm_ledger_entry(a->ledger, n, &entry, &found, err))
        return false;
    if (!found || n >= head.size)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "there is no entry %llu", (unsigned long long)n);
    if (!vdm_tiles_inclusion(&tiles, n, head.size, &path, err))
        return false;
    struct vdm_digest leaf = vdm_tlog_leaf(a->crypto, vdm_buf_bytes(&entry));
    if (!vdm_inclusion_valid(a->crypto, n, head.size, leaf, head.root, path.hashes, path.n))
        return vdm_fail(err,
                        "the ledger is damaged: entry %llu is not under its root; run `vidimus "
                        "verify`",
                        (unsigned long long)n);
    struct vdm_inclusion_proof p = {
        .index = n, .hashes = path.n, .checkpoint = vdm_buf_bytes(&note)};
    memcpy(p.hash, path.hashes, path.n * sizeof *p.hash);
    vdm_base64_append(&extra, vdm_buf_bytes(&entry));
    p.extra = vdm_buf_bytes(&extra);
    vdm_inclusion_proof_append(out, &p);
    return vdm_buf_ok(&extra, err) && vdm_buf_ok(out, err);
}

static uint64_t file_bytes(const char *store, const char *name)
{
    char *path VDM_CLEANUP(vdm_free_string) = NULL;
    struct stat st;
    if (asprintf(&path, "%s/%s", store, name) < 0 || stat(path, &st) != 0)
        return 0;
    return (uint64_t)st.st_size;
}

static bool status_of_catalog(struct vdm_archive *a, struct vdm_status *s, struct vdm_err *err)
{
    s->has_catalog = a->catalog != NULL;
    return !a->catalog || (vdm_query_catalog(a, &s->behind, err) &&
                           vdm_catalog_totals(a->catalog, &s->totals, err));
}

bool vdm_query_status(struct vdm_archive *a, struct vdm_status *s, struct vdm_entry_check *check,
                      struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
    struct vdm_checkpoint head;
    uint64_t size, guarded;
    *s = (struct vdm_status){0};
    memcpy(s->origin, a->origin, sizeof s->origin);
    if (!vdm_archive_head(a, &note, &head, err) || !vdm_archive_keyring(a, head.size, check, err) ||
        !vdm_view_open(a, head.size - 1, &v, err) || !status_of_catalog(a, s, err) ||
        !vdm_archive_guard_now(a, &size, &s->guard, &guarded, err) ||
        !vdm_erase_is_pending(a, head.size, &s->erasure_pending, err))
        return false;
    if (!vdm_ledger_last(a->ledger, VDM_LIT("vidimus/audit/v1\n"), head.size, &s->audit,
                         &s->has_audit, err))
        return false;
    s->last = v.entry.recorded;
    if (s->has_audit && !vdm_view_open(a, s->audit, &v, err))
        return false;
    s->audited = v.entry.recorded;
    s->needs_verify = vdm_mark_is_set(a->keys);
    s->size = head.size;
    s->root = head.root;
    s->has_last = true;
    if (!vdm_path_free(a->store_path, &s->free_bytes, NULL))
        s->free_bytes = 0;
    s->ledger_bytes = file_bytes(a->store_path, "ledger.db");
    s->catalog_bytes = file_bytes(a->store_path, "catalog.db");
    return true;
}
