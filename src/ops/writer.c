/* SPDX-License-Identifier: MIT */
#include "ops/writer.h"

#include "keys/guard.h"
#include "ops/recover.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_SECONDS 120

struct vdm_writer {
    struct vdm_archive *archive;
    const struct vdm_signer *ledger_key;
    struct vdm_tile_writer *tree;
    bool locked;
    uint64_t begun_at;           /* size at begin */
    struct vdm_digest last_text; /* hash of the newest entry's text */
    struct vdm_digest last_note;
    uint64_t keyring;
    struct vdm_buf text, note, checkpoint;
};

bool vdm_writer_open(struct vdm_writer **out, struct vdm_archive *a,
                     const struct vdm_signer *ledger_key, struct vdm_err *err)
{
    struct vdm_writer *w = calloc(1, sizeof *w);
    if (!w || !(w->tree = malloc(sizeof *w->tree))) {
        free(w);
        return vdm_fail_memory(err);
    }
    w->archive = a;
    w->ledger_key = ledger_key;
    *out = w;
    return true;
}

void vdm_writer_close(struct vdm_writer *w)
{
    if (!w)
        return;
    vdm_writer_abort(w);
    vdm_buf_release(&w->text);
    vdm_buf_release(&w->note);
    vdm_buf_release(&w->checkpoint);
    free(w->tree);
    free(w);
}

void vdm_writer_cleanup(struct vdm_writer **w)
{
    vdm_writer_close(*w);
    *w = NULL;
}

/* Go on from the newest entry: its hash and the newest key entry. */
static bool read_last(struct vdm_writer *w, uint64_t size, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (size == 0) {
        w->last_text = vdm_sha256(w->archive->crypto, (struct vdm_bytes){0});
        w->keyring = 0;
        return true;
    }
    if (!vdm_archive_entry(w->archive, size - 1, &w->note, &note, &e, err))
        return false;
    w->last_text = vdm_sha256(w->archive->crypto, note.text);
    w->last_note = vdm_sha256(w->archive->crypto, vdm_buf_bytes(&w->note));
    w->keyring = vdm_entry_is_key_entry(&e) ? e.n : e.keyring;
    return true;
}

/* The stored tree must have the root that was signed; else what we sign next would cover damage. */
static bool open_tree(struct vdm_writer *w, uint64_t size, struct vdm_err *err)
{
    struct vdm_tiles tiles = vdm_archive_tiles(w->archive);
    if (!vdm_tile_writer_init(w->tree, &tiles, size, vdm_ledger_write_tile, w->archive->ledger,
                              err))
        return false;
    if (size == 0)
        return true;
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    if (!vdm_archive_head(w->archive, &note, &head, err))
        return false;
    struct vdm_digest root = vdm_tile_writer_root(w->tree);
    return vdm_digest_equal(root, head.root) ||
           vdm_fail(err, "the ledger is damaged: its tree has not the root that was signed; "
                         "run `vidimus verify`");
}

static bool begin_locked(struct vdm_writer *w, struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    uint64_t size;
    if (!vdm_ledger_size(a->ledger, &size, err) || !vdm_recover_guard(a, size, NULL, err) ||
        !vdm_archive_catch_up(a, size, NULL, err) || !open_tree(w, size, err) ||
        !read_last(w, size, err))
        return false;
    w->begun_at = size;
    return vdm_ledger_begin(a->ledger, err) && vdm_catalog_begin(a->catalog, err);
}

bool vdm_writer_begin(struct vdm_writer *w, struct vdm_err *err)
{
    if (!vdm_ledger_lock(w->archive->ledger, LOCK_SECONDS, err))
        return false;
    w->locked = true;
    if (begin_locked(w, err))
        return true;
    vdm_writer_abort(w);
    return false;
}

uint64_t vdm_writer_next(const struct vdm_writer *w)
{
    return w->tree->tree.size;
}

static bool sign_entry(struct vdm_writer *w, struct vdm_entry *e, const struct vdm_signer *signer,
                       struct vdm_err *err)
{
    const struct vdm_vkey *key = vdm_signer_vkey(signer);
    e->n = vdm_writer_next(w);
    e->ledger = vdm_str(vdm_signer_vkey(w->ledger_key)->name);
    e->previous = w->last_text;
    e->keyring = w->keyring;
    e->signer = vdm_str(key->name);
    e->signer_id = key->id;
    vdm_buf_clear(&w->text);
    vdm_buf_clear(&w->note);
    vdm_entry_append(&w->text, e);
    return vdm_buf_ok(&w->text, err) &&
           vdm_signer_append_note(signer, vdm_buf_bytes(&w->text), &w->note, err);
}

bool vdm_writer_append(struct vdm_writer *w, struct vdm_entry *e, const struct vdm_signer *signer,
                       struct vdm_bytes record, struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    struct vdm_record decoded;
    bool has = record.n > 0;
    if (!sign_entry(w, e, signer, err) || (has && !vdm_record_decode(record, &decoded, err)))
        return false;
    struct vdm_bytes note = vdm_buf_bytes(&w->note);
    if (!vdm_ledger_put_entry(a->ledger, e->n, note, err) ||
        (has && !vdm_ledger_put_record(a->ledger, e->n, record, err)) ||
        !vdm_tile_writer_append(w->tree, vdm_tlog_leaf(a->crypto, note), err) ||
        !vdm_catalog_learn(a->catalog, e, has ? &decoded : NULL, err))
        return false;
    w->last_text = vdm_sha256(a->crypto, vdm_buf_bytes(&w->text));
    w->last_note = vdm_sha256(a->crypto, note);
    if (vdm_entry_is_key_entry(e) || e->kind == VDM_ENTRY_GENESIS || e->kind == VDM_ENTRY_KEY)
        w->keyring = e->n;
    return true;
}

/* Into w->note: it is shown to nobody before it is committed. */
static bool sign_checkpoint(struct vdm_writer *w, struct vdm_err *err)
{
    struct vdm_checkpoint head = {.origin = vdm_str(vdm_signer_vkey(w->ledger_key)->name),
                                  .size = vdm_writer_next(w),
                                  .root = vdm_tile_writer_root(w->tree)};
    vdm_buf_clear(&w->text);
    vdm_buf_clear(&w->note);
    vdm_checkpoint_append(&w->text, &head);
    return vdm_buf_ok(&w->text, err) &&
           vdm_signer_append_note(w->ledger_key, vdm_buf_bytes(&w->text), &w->note, err);
}

bool vdm_writer_commit(struct vdm_writer *w, struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    uint64_t size = vdm_writer_next(w);
    if (size == w->begun_at) {
        vdm_writer_abort(w);
        return true;
    }
    struct vdm_catalog_reach reach = {size, w->last_note};
    bool ok = vdm_tile_writer_flush(w->tree, err) && sign_checkpoint(w, err) &&
              vdm_ledger_commit(a->ledger, size, vdm_buf_bytes(&w->note), err) &&
              vdm_guard_replace(a->keys, vdm_buf_bytes(&w->note), err);
    if (ok) {
        vdm_buf_clear(&w->checkpoint);
        vdm_buf_put(&w->checkpoint, vdm_buf_bytes(&w->note));
        ok = vdm_buf_ok(&w->checkpoint, err) && vdm_catalog_commit(a->catalog, reach, err);
    }
    vdm_writer_abort(w); /* what is committed stays; this gives back the rest */
    return ok;
}

void vdm_writer_abort(struct vdm_writer *w)
{
    if (!w->locked)
        return;
    vdm_catalog_rollback(w->archive->catalog);
    vdm_ledger_rollback(w->archive->ledger);
    vdm_ledger_unlock(w->archive->ledger);
    w->locked = false;
}

struct vdm_bytes vdm_writer_checkpoint(const struct vdm_writer *w)
{
    return vdm_buf_bytes(&w->checkpoint);
}
