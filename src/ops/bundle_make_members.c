/* SPDX-License-Identifier: MIT */
#include "format/proof.h"
#include "ops/bundle_make.h"

#include <inttypes.h>
#include <string.h>

#define RUN_VERIFY "; run `vidimus verify`"

static bool put_frame(struct vdm_bundle_job *j, struct vdm_bundle_frame *f, const char *path,
                      struct vdm_err *err)
{
    f->group = j->group;
    memcpy(f->path, path, strlen(path) + 1);
    return vdm_spool_put(&j->members, (struct vdm_bytes){(const uint8_t *)f, sizeof *f}, err);
}

/* A member whose bytes are at hand and which the tagmanifest lists. */
static bool put(struct vdm_bundle_job *j, enum vdm_layout_kind kind, uint64_t n,
                struct vdm_bytes data, struct vdm_err *err)
{
    struct vdm_layout_member m = {.kind = kind, .n = n};
    struct vdm_bundle_frame frame = {.n = n, .size = data.n};
    char path[VDM_LAYOUT_PATH_MAX + 1];
    if (!vdm_layout_encode(&m, path, err))
        return false;
    vdm_buf_clear(&j->line);
    vdm_manifest_append(&j->line, vdm_sha256(j->a->crypto, data), path);
    return vdm_buf_ok(&j->line, err) && vdm_spool_put(&j->tags, vdm_buf_bytes(&j->line), err) &&
           put_frame(j, &frame, path, err) && vdm_spool_put(&j->members, data, err);
}

/* --- entries and their proofs --- */

/* Is this entry under the root that was signed? */
static bool check_inclusion(struct vdm_bundle_job *j, uint64_t n, struct vdm_bytes entry,
                            const struct vdm_inclusion_proof *p, struct vdm_err *err)
{
    return vdm_inclusion_valid(j->a->crypto, n, j->head.size, vdm_tlog_leaf(j->a->crypto, entry),
                               j->head.root, p->hash, p->hashes) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "entry %" PRIu64 ": not what the checkpoint covers" RUN_VERIFY, n);
}

static bool put_proof(struct vdm_bundle_job *j, uint64_t n, struct vdm_bytes entry,
                      struct vdm_err *err)
{
    struct vdm_tree_proof path;
    struct vdm_inclusion_proof p = {.index = n, .checkpoint = vdm_buf_bytes(&j->checkpoint)};
    if (!vdm_prover_inclusion(j->prover, n, &path, err))
        return false;
    p.hashes = path.n;
    for (size_t i = 0; i < path.n; i++)
        p.hash[i] = path.hashes[i];
    vdm_buf_clear(&j->proof);
    vdm_inclusion_proof_append(&j->proof, &p);
    return check_inclusion(j, n, entry, &p, err) && vdm_buf_ok(&j->proof, err) &&
           put(j, VDM_LAYOUT_PROOF, n, vdm_buf_bytes(&j->proof), err);
}

/* Entry n and its proof; *e borrows from `bytes`. */
static bool put_entry(struct vdm_bundle_job *j, uint64_t n, struct vdm_buf *bytes,
                      struct vdm_entry *e, struct vdm_err *err)
{
    struct vdm_note note;
    if (!vdm_rows_entry(&j->rows, n, bytes, &note, e, err))
        return false;
    if (e->n != n)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "entry %" PRIu64 ": it says that it is entry %" PRIu64 RUN_VERIFY, n,
                           e->n);
    return put(j, VDM_LAYOUT_ENTRY, n, vdm_buf_bytes(bytes), err) &&
           put_proof(j, n, vdm_buf_bytes(bytes), err);
}

/* --- one selected capture --- */

struct group {
    uint64_t n;
    uint64_t fields; /* that are shown; 0: whole records */
    const struct vdm_follower *follower;
    size_t followers;
    bool record_withdrawn, document_withdrawn;
    bool doubted; /* so far: by its signer's key, and nobody vouches */
    uint64_t amended_by, withdrawn_by;
    struct vdm_entry capture;
    bool has_document; /* its record says which */
    struct vdm_digest document;
    uint64_t document_size;
    char ext[VDM_LAYOUT_EXT_MAX + 1];
};

static void judge_followers(struct group *g)
{
    g->amended_by = g->withdrawn_by = UINT64_MAX;
    for (size_t i = 0; i < g->followers; i++) {
        const struct vdm_follower *f = &g->follower[i];
        if (f->amendment) {
            g->amended_by = f->n;
            continue;
        }
        g->withdrawn_by = f->n;
        g->record_withdrawn |= f->scope != VDM_SCOPE_DOCUMENT;
        g->document_withdrawn |= f->scope != VDM_SCOPE_RECORD;
    }
}

static bool shows(const struct group *g, enum vdm_field f)
{
    return g->fields == 0 || (g->fields >> f & 1);
}

/* The record of entry e as the ledger keeps it, *out borrowing from j->record. */
static bool read_record(struct vdm_bundle_job *j, const struct vdm_entry *e, struct vdm_record *out,
                        struct vdm_err *err)
{
    struct vdm_digest commitment;
    bool found;
    vdm_buf_clear(&j->record);
    if (!vdm_rows_record(&j->rows, e->n, &j->record, &found, err))
        return false;
    if (!found)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "its record is missing" RUN_VERIFY);
    if (!vdm_record_decode(vdm_buf_bytes(&j->record), out, err))
        return false;
    if (!vdm_record_commit(j->a->crypto, out, &commitment, err))
        return false;
    return vdm_digest_equal(commitment, e->capture.record) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "its record is not the one that it commits to" RUN_VERIFY);
}

/* What every record of a capture must agree on, and what its own record names the file. */
static bool note_document(struct group *g, const struct vdm_record *record, struct vdm_err *err)
{
    if (g->has_document)
        return (vdm_digest_equal(g->document, record->document) &&
                g->document_size == record->document_size) ||
               vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "it is about another document than capture %" PRIu64 RUN_VERIFY, g->n);
    g->has_document = true;
    g->document = record->document;
    g->document_size = record->document_size;
    struct vdm_bytes name = {0};
    if (shows(g, VDM_FIELD_FILE_NAME))
        name = vdm_record_value(record, VDM_FIELD_FILE_NAME, 0);
    vdm_layout_ext(name, g->ext);
    return true;
}

/* The record of a capture or amendment, whole or as a disclosure. */
static bool put_record(struct vdm_bundle_job *j, struct group *g, const struct vdm_entry *e,
                       struct vdm_err *err)
{
    struct vdm_record record;
    struct vdm_bytes text;
    if (!read_record(j, e, &record, err) || !note_document(g, &record, err))
        return vdm_err_prefix(err, "entry %" PRIu64, e->n);
    text = vdm_buf_bytes(&j->record);
    if (g->fields) {
        vdm_buf_clear(&j->shown);
        if (!vdm_disclosure_append(&j->shown, j->a->crypto, &record, g->fields, err))
            return vdm_err_prefix(err, "entry %" PRIu64, e->n);
        text = vdm_buf_bytes(&j->shown);
    }
    vdm_buf_clear(&j->newest_shown);
    vdm_buf_put(&j->newest_shown, text);
    return put(j, VDM_LAYOUT_RECORD, e->n, text, err) && vdm_buf_ok(&j->newest_shown, err);
}

/* As a verifier does it (entry_check.c): what is signed by a good key settles what was in doubt before. */
static void judge_signer(const struct vdm_bundle_job *j, struct group *g, const struct vdm_entry *e)
{
    if (e->kind == VDM_ENTRY_WITHDRAWAL) {
        g->doubted = g->doubted && e->withdrawal.scope == VDM_SCOPE_DOCUMENT;
        return;
    }
    const struct vdm_key_range *r = vdm_keyring_find(&j->keys.keyring, e->signer, e->signer_id);
    g->doubted = !r || !vdm_key_range_covers(r, e->n);
}

static bool put_followers(struct vdm_bundle_job *j, struct group *g, struct vdm_err *err)
{
    for (size_t i = 0; i < g->followers; i++) {
        struct vdm_entry e;
        if (!put_entry(j, g->follower[i].n, &j->entry, &e, err) ||
            (g->follower[i].amendment && !g->record_withdrawn && !put_record(j, g, &e, err)))
            return false;
        judge_signer(j, g, &e);
    }
    return true;
}

/* --- documents --- */

static bool list_document(struct vdm_bundle_job *j, const struct group *g, const char *path,
                          struct vdm_err *err)
{
    vdm_buf_clear(&j->line);
    vdm_manifest_append(&j->line, g->document, path);
    j->documents++;
    j->document_bytes += g->document_size;
    struct vdm_bundle_frame frame = {
        .n = g->n, .size = g->document_size, .is_document = true, .document = g->document};
    return vdm_buf_ok(&j->line, err) && vdm_spool_put(&j->files, vdm_buf_bytes(&j->line), err) &&
           put_frame(j, &frame, path, err);
}

/* `path` stays empty where no document goes along. */
static bool document_path(const struct vdm_bundle_job *j, const struct group *g, char *path,
                          struct vdm_err *err)
{
    path[0] = 0;
    if (j->r->without_documents || g->document_withdrawn || !g->has_document ||
        !shows(g, VDM_FIELD_DOCUMENT))
        return true;
    struct vdm_layout_member m = {.kind = VDM_LAYOUT_FILE, .n = g->n};
    for (size_t i = 0; i <= VDM_LAYOUT_EXT_MAX; i++)
        m.ext[i] = g->ext[i];
    return vdm_layout_encode(&m, path, err);
}

/* --- the index and the counts --- */

static bool describe(struct vdm_bundle_job *j, const struct group *g, const char *path,
                     struct vdm_err *err)
{
    struct vdm_index_item item = {.entry = &g->capture,
                                  .shown = vdm_buf_bytes(&j->newest_shown),
                                  .amended_by = g->amended_by,
                                  .withdrawn_by = g->withdrawn_by,
                                  .scope = !g->document_withdrawn ? VDM_SCOPE_RECORD
                                           : g->record_withdrawn  ? VDM_SCOPE_BOTH
                                                                  : VDM_SCOPE_DOCUMENT,
                                  .file = path[0] ? path : NULL};
    uint64_t hidden = 0;
    vdm_buf_clear(&j->line);
    if (!vdm_bundle_index_item(j->a->crypto, &item, &j->line, &hidden, err))
        return vdm_err_prefix(err, "entry %" PRIu64, g->n);
    j->withdrawn += g->withdrawn_by != UINT64_MAX;
    j->partly += hidden > 0;
    return vdm_buf_ok(&j->line, err) && vdm_spool_put(&j->index, vdm_buf_bytes(&j->line), err);
}

static bool put_group(struct vdm_bundle_job *j, struct group *g, struct vdm_err *err)
{
    char path[VDM_LAYOUT_PATH_MAX + 1];
    judge_followers(g);
    vdm_buf_clear(&j->newest_shown);
    if (!put_entry(j, g->n, &j->capture, &g->capture, err))
        return false;
    judge_signer(j, g, &g->capture);
    if ((!g->record_withdrawn && !put_record(j, g, &g->capture, err)) ||
        !put_followers(j, g, err) || !document_path(j, g, path, err))
        return false;
    j->doubted += g->doubted;
    return (!path[0] || list_document(j, g, path, err)) && describe(j, g, path, err);
}

/* --- all --- */

static bool put_captures(struct vdm_bundle_job *j, bool *newest_stood, struct vdm_err *err)
{
    const struct vdm_selected *s = &j->selected;
    uint64_t bytes = 0;
    size_t f = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct group g = {.n = s->n[i], .fields = s->fields[i], .follower = &s->follower[f]};
        while (f < s->followers && s->follower[f].capture == g.n)
            f++, g.followers++;
        j->group = i + 1;
        if (vdm_progress_stop(j->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if ((vdm_rows_dense(s->n, s->count, i) && !vdm_rows_ahead(&j->rows, g.n, err)) ||
            !put_group(j, &g, err))
            return false;
        *newest_stood |= g.n == j->head.size - 1 ||
                         (g.followers && g.follower[g.followers - 1].n == j->head.size - 1);
        bytes += g.document_size;
        vdm_progress_tell(j->progress, "preparing", i + 1, s->count, bytes);
    }
    return true;
}

bool vdm_bundle_make_members(struct vdm_bundle_job *j, struct vdm_err *err)
{
    struct vdm_entry e;
    uint64_t newest = j->head.size - 1;
    bool newest_stood = false;
    for (size_t i = 0; i < j->keys.key_entries; i++) {
        uint64_t n = j->keys.key_entry[i].n;
        if (!put_entry(j, n, &j->entry, &e, err))
            return false;
        newest_stood |= n == newest;
    }
    if (!put_captures(j, &newest_stood, err))
        return false;
    return newest_stood || put_entry(j, newest, &j->entry, &e, err);
}
