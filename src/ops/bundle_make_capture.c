/* SPDX-License-Identifier: MIT */
/* The members of one capture, on any thread. */
#include "format/proof.h"
#include "ops/bundle_make.h"

#include <inttypes.h>
#include <string.h>

#define RUN_VERIFY "; run `vidimus verify`"

/* With this much waiting, what is made in its turn is put away. */
#define PART_BYTES ((size_t)1 << 20)

/* --- parts --- */

void vdm_bundle_part_release(struct vdm_bundle_part *p)
{
    vdm_buf_release(&p->index);
    vdm_buf_release(&p->files);
    vdm_buf_release(&p->tags);
    vdm_buf_release(&p->members);
}

void vdm_bundle_part_clear(struct vdm_bundle_part *p)
{
    vdm_buf_clear(&p->index);
    vdm_buf_clear(&p->files);
    vdm_buf_clear(&p->tags);
    vdm_buf_clear(&p->members);
    p->documents = p->document_bytes = p->withdrawn = p->partly = p->doubted = 0;
}

/* --- makers --- */

bool vdm_bundle_maker_open(struct vdm_bundle_maker *m, const struct vdm_bundle_job *j,
                           struct vdm_crypto *crypto, struct vdm_ledger *ledger,
                           struct vdm_err *err)
{
    const struct vdm_tiles tiles = {crypto, vdm_ledger_read_tile, ledger};
    m->j = j;
    m->crypto = crypto;
    m->rows = (struct vdm_rows){.crypto = crypto, .ledger = ledger, .end = j->head.size};
    return vdm_prover_open(&m->prover, &tiles, j->head.size, err);
}

void vdm_bundle_maker_release(struct vdm_bundle_maker *m)
{
    struct vdm_buf *bufs[] = {&m->capture, &m->entry, &m->proof,
                              &m->record,  &m->shown, &m->newest_shown};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        vdm_buf_release(bufs[i]);
    vdm_prover_close(m->prover);
    vdm_rows_release(&m->rows);
}

/* --- members --- */

static void put_frame(struct vdm_bundle_maker *m, struct vdm_bundle_frame *f, const char *path)
{
    f->group = m->group;
    memcpy(f->path, path, strlen(path) + 1);
    vdm_buf_put(&m->out->members, (struct vdm_bytes){(const uint8_t *)f, sizeof *f});
}

/* A member whose bytes are at hand and which the tagmanifest lists. */
static bool put(struct vdm_bundle_maker *m, enum vdm_layout_kind kind, uint64_t n,
                struct vdm_bytes data, struct vdm_err *err)
{
    struct vdm_layout_member member = {.kind = kind, .n = n};
    struct vdm_bundle_frame frame = {.n = n, .size = data.n};
    char path[VDM_LAYOUT_PATH_MAX + 1];
    if (!vdm_layout_encode(&member, path, err))
        return false;
    vdm_manifest_append(&m->out->tags, vdm_sha256(m->crypto, data), path);
    put_frame(m, &frame, path);
    vdm_buf_put(&m->out->members, data);
    return vdm_buf_ok(&m->out->tags, err) && vdm_buf_ok(&m->out->members, err);
}

/* --- entries and their proofs --- */

/* Is this entry under the root that was signed? */
static bool check_inclusion(struct vdm_bundle_maker *m, uint64_t n, struct vdm_bytes entry,
                            const struct vdm_inclusion_proof *p, struct vdm_err *err)
{
    return vdm_inclusion_valid_beside(m->crypto, n, m->j->head.size,
                                      vdm_tlog_leaf(m->crypto, entry), m->j->head.root, p->hash,
                                      p->hashes, &m->way) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "entry %" PRIu64 ": not what the checkpoint covers" RUN_VERIFY, n);
}

static bool put_proof(struct vdm_bundle_maker *m, uint64_t n, struct vdm_bytes entry,
                      struct vdm_err *err)
{
    struct vdm_tree_proof path;
    struct vdm_inclusion_proof p = {.index = n, .checkpoint = vdm_buf_bytes(&m->j->checkpoint)};
    if (!vdm_prover_inclusion(m->prover, n, &path, err))
        return false;
    p.hashes = path.n;
    for (size_t i = 0; i < path.n; i++)
        p.hash[i] = path.hashes[i];
    vdm_buf_clear(&m->proof);
    vdm_inclusion_proof_append(&m->proof, &p);
    return check_inclusion(m, n, entry, &p, err) && vdm_buf_ok(&m->proof, err) &&
           put(m, VDM_LAYOUT_PROOF, n, vdm_buf_bytes(&m->proof), err);
}

bool vdm_bundle_make_entry(struct vdm_bundle_maker *m, uint64_t n, struct vdm_buf *bytes,
                           struct vdm_entry *e, struct vdm_err *err)
{
    struct vdm_note note;
    if (!vdm_rows_entry(&m->rows, n, bytes, &note, e, err))
        return false;
    if (e->n != n)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "entry %" PRIu64 ": it says that it is entry %" PRIu64 RUN_VERIFY, n,
                           e->n);
    return put(m, VDM_LAYOUT_ENTRY, n, vdm_buf_bytes(bytes), err) &&
           put_proof(m, n, vdm_buf_bytes(bytes), err);
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

/* The record of entry e as the ledger keeps it, *out borrowing from m->record. */
static bool read_record(struct vdm_bundle_maker *m, const struct vdm_entry *e,
                        struct vdm_record *out, struct vdm_err *err)
{
    struct vdm_digest commitment;
    bool found;
    vdm_buf_clear(&m->record);
    if (!vdm_rows_record(&m->rows, e->n, &m->record, &found, err))
        return false;
    if (!found)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "its record is missing" RUN_VERIFY);
    if (!vdm_record_decode(vdm_buf_bytes(&m->record), out, err))
        return false;
    if (!vdm_record_commit(m->crypto, out, &commitment, err))
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
static bool put_record(struct vdm_bundle_maker *m, struct group *g, const struct vdm_entry *e,
                       struct vdm_err *err)
{
    struct vdm_record record;
    struct vdm_bytes text;
    if (!read_record(m, e, &record, err) || !note_document(g, &record, err))
        return vdm_err_prefix(err, "entry %" PRIu64, e->n);
    text = vdm_buf_bytes(&m->record);
    if (g->fields) {
        vdm_buf_clear(&m->shown);
        if (!vdm_disclosure_append(&m->shown, m->crypto, &record, g->fields, err))
            return vdm_err_prefix(err, "entry %" PRIu64, e->n);
        text = vdm_buf_bytes(&m->shown);
    }
    vdm_buf_clear(&m->newest_shown);
    vdm_buf_put(&m->newest_shown, text);
    return put(m, VDM_LAYOUT_RECORD, e->n, text, err) && vdm_buf_ok(&m->newest_shown, err);
}

/* As a verifier does it (entry_check.c): what is signed by a good key settles what was in doubt before. */
static void judge_signer(const struct vdm_bundle_maker *m, struct group *g,
                         const struct vdm_entry *e)
{
    if (e->kind == VDM_ENTRY_WITHDRAWAL) {
        g->doubted = g->doubted && e->withdrawal.scope == VDM_SCOPE_DOCUMENT;
        return;
    }
    const struct vdm_key_range *r = vdm_keyring_find(&m->j->keys.keyring, e->signer, e->signer_id);
    g->doubted = !r || !vdm_key_range_covers(r, e->n);
}

static bool put_followers(struct vdm_bundle_maker *m, struct group *g, struct vdm_err *err)
{
    for (size_t i = 0; i < g->followers; i++) {
        struct vdm_entry e;
        if (!vdm_bundle_make_entry(m, g->follower[i].n, &m->entry, &e, err) ||
            (g->follower[i].amendment && !g->record_withdrawn && !put_record(m, g, &e, err)))
            return false;
        judge_signer(m, g, &e);
        if (m->in_turn && m->out->members.n > PART_BYTES &&
            !vdm_bundle_put_part(m->in_turn, m->out, err))
            return false;
    }
    return true;
}

/* --- documents --- */

static bool list_document(struct vdm_bundle_maker *m, const struct group *g, const char *path,
                          struct vdm_err *err)
{
    struct vdm_bundle_frame frame = {
        .n = g->n, .size = g->document_size, .is_document = true, .document = g->document};
    vdm_manifest_append(&m->out->files, g->document, path);
    put_frame(m, &frame, path);
    m->out->documents++;
    m->out->document_bytes += g->document_size;
    return vdm_buf_ok(&m->out->files, err) && vdm_buf_ok(&m->out->members, err);
}

/* `path` stays empty where no document goes along. */
static bool document_path(const struct vdm_bundle_maker *m, const struct group *g, char *path,
                          struct vdm_err *err)
{
    path[0] = 0;
    if (m->j->r->without_documents || g->document_withdrawn || !g->has_document ||
        !shows(g, VDM_FIELD_DOCUMENT))
        return true;
    struct vdm_layout_member file = {.kind = VDM_LAYOUT_FILE, .n = g->n};
    memcpy(file.ext, g->ext, sizeof file.ext);
    return vdm_layout_encode(&file, path, err);
}

/* --- the index and the counts --- */

static bool describe(struct vdm_bundle_maker *m, const struct group *g, const char *path,
                     struct vdm_err *err)
{
    struct vdm_index_item item = {.entry = &g->capture,
                                  .shown = vdm_buf_bytes(&m->newest_shown),
                                  .amended_by = g->amended_by,
                                  .withdrawn_by = g->withdrawn_by,
                                  .scope = !g->document_withdrawn ? VDM_SCOPE_RECORD
                                           : g->record_withdrawn  ? VDM_SCOPE_BOTH
                                                                  : VDM_SCOPE_DOCUMENT,
                                  .file = path[0] ? path : NULL};
    uint64_t hidden = 0;
    if (!vdm_bundle_index_item(m->crypto, &item, &m->out->index, &hidden, err))
        return vdm_err_prefix(err, "entry %" PRIu64, g->n);
    m->out->withdrawn += g->withdrawn_by != UINT64_MAX;
    m->out->partly += hidden > 0;
    return vdm_buf_ok(&m->out->index, err);
}

static bool put_capture(struct vdm_bundle_maker *m, struct group *g, struct vdm_err *err)
{
    char path[VDM_LAYOUT_PATH_MAX + 1];
    judge_followers(g);
    vdm_buf_clear(&m->newest_shown);
    if (!vdm_bundle_make_entry(m, g->n, &m->capture, &g->capture, err))
        return false;
    judge_signer(m, g, &g->capture);
    if ((!g->record_withdrawn && !put_record(m, g, &g->capture, err)) ||
        !put_followers(m, g, err) || !document_path(m, g, path, err))
        return false;
    m->out->doubted += g->doubted;
    return (!path[0] || list_document(m, g, path, err)) && describe(m, g, path, err);
}

bool vdm_bundle_make_capture(struct vdm_bundle_maker *m, size_t i,
                             const struct vdm_follower *follower, size_t followers,
                             struct vdm_err *err)
{
    const struct vdm_selected *s = &m->j->selected;
    struct group g = {
        .n = s->n[i], .fields = s->fields[i], .follower = follower, .followers = followers};
    m->group = i + 1;
    return (!vdm_rows_dense(s->n, s->count, i) || vdm_rows_ahead(&m->rows, g.n, err)) &&
           put_capture(m, &g, err);
}
