/* SPDX-License-Identifier: MIT */
#include "ops/writer.h"

#include "keys/guard.h"
#include "ops/doubt.h"
#include "ops/recover.h"
#include "ops/takedown.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_SECONDS 120

/* Entries whose signatures are made side by side, while as many are composed; fewer of large ones. */
#define WAITING_MAX   256
#define WAITING_BYTES (1u << 20)
#define KEPT_BYTES    8192 /* of memory that is used again */

/* An entry that has its number and its text, and waits for its signature. */
struct waiting {
    uint64_t n;
    const struct vdm_signer *signer;
    struct vdm_buf text, record, note;
    struct vdm_err why; /* it could not be signed */
};

struct waiting_list {
    struct waiting *entry; /* WAITING_MAX */
    size_t n, bytes;
};

struct vdm_writer {
    struct vdm_archive *archive;
    const struct vdm_signer *ledger_key;
    struct vdm_tile_writer *tree;
    bool locked;
    uint64_t begun_at;           /* size at begin */
    struct vdm_digest last_text; /* hash of the newest entry's text */
    struct vdm_digest last_note;
    uint64_t keyring;
    bool withdraws; /* a withdrawal is among what was appended */
    const struct vdm_signer *old_ledger_key;
    struct vdm_keyring ring; /* as of the entries so far, if has_ring */
    bool has_ring;
    struct vdm_buf text, note, checkpoint;
    struct waiting_list composed, signing; /* first come those that are being signed */
    struct vdm_pool *pool;                 /* that signs them; or NULL */
};

bool vdm_writer_open(struct vdm_writer **out, struct vdm_archive *a,
                     const struct vdm_signer *ledger_key, struct vdm_err *err)
{
    struct vdm_writer *w = calloc(1, sizeof *w);
    if (!w)
        return vdm_fail_memory(err);
    vdm_keyring_init(&w->ring);
    w->archive = a;
    w->ledger_key = ledger_key;
    w->tree = malloc(sizeof *w->tree);
    w->composed.entry = calloc(WAITING_MAX, sizeof *w->composed.entry);
    w->signing.entry = calloc(WAITING_MAX, sizeof *w->signing.entry);
    if (!w->tree || !w->composed.entry || !w->signing.entry) {
        vdm_writer_close(w);
        return vdm_fail_memory(err);
    }
    *out = w;
    return true;
}

static void release_waiting(struct waiting_list *l)
{
    for (size_t i = 0; l->entry && i < WAITING_MAX; i++) {
        vdm_buf_release(&l->entry[i].text);
        vdm_buf_release(&l->entry[i].record);
        vdm_buf_release(&l->entry[i].note);
    }
    free(l->entry);
}

void vdm_writer_close(struct vdm_writer *w)
{
    if (!w)
        return;
    vdm_writer_abort(w);
    vdm_buf_release(&w->text);
    vdm_buf_release(&w->note);
    vdm_buf_release(&w->checkpoint);
    vdm_keyring_release(&w->ring);
    release_waiting(&w->composed);
    release_waiting(&w->signing);
    free(w->tree);
    free(w);
}

void vdm_writer_cleanup(struct vdm_writer **w)
{
    vdm_writer_close(*w);
    *w = NULL;
}

void vdm_writer_hand_over(struct vdm_writer *w, const struct vdm_signer *old)
{
    w->old_ledger_key = old;
}

/* --- begin --- */

/* Who may sign, as of the newest entry. */
static bool read_ring(struct vdm_writer *w, struct vdm_err *err)
{
    uint64_t size;
    w->has_ring = false;
    vdm_keyring_release(&w->ring);
    w->has_ring = vdm_archive_ring(w->archive, &w->ring, &size, err);
    return w->has_ring;
}

/* Go on from the newest entry: its hash and the newest key entry. */
static bool read_last(struct vdm_writer *w, uint64_t size, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (size == 0) {
        w->last_text = vdm_sha256(w->archive->crypto, (struct vdm_bytes){0});
        w->keyring = 0;
        vdm_keyring_release(&w->ring);
        w->has_ring = true;
        return true;
    }
    if (!vdm_archive_entry(w->archive, size - 1, &w->note, &note, &e, err))
        return false;
    w->last_text = vdm_sha256(w->archive->crypto, note.text);
    w->last_note = vdm_sha256(w->archive->crypto, vdm_buf_bytes(&w->note));
    uint64_t keyring = vdm_entry_is_key_entry(&e) ? e.n : e.keyring;
    bool same = w->has_ring && w->keyring == keyring;
    w->keyring = keyring;
    return same || read_ring(w, err);
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
    if (!vdm_doubt_none(a, err) || !vdm_ledger_size(a->ledger, &size, err) ||
        !vdm_recover_guard(a, size, NULL, err) || !vdm_archive_catch_up(a, size, NULL, err) ||
        !open_tree(w, size, err) || !read_last(w, size, err))
        return false;
    w->begun_at = size;
    w->withdraws = false;
    return vdm_ledger_begin(a->ledger, err) && vdm_catalog_begin(a->catalog, err);
}

bool vdm_writer_begin(struct vdm_writer *w, struct vdm_err *err)
{
    if (!vdm_ledger_lock(w->archive->ledger, LOCK_SECONDS, &w->archive->wait, err))
        return false;
    w->locked = true;
    if (begin_locked(w, err))
        return true;
    vdm_writer_abort(w);
    return false;
}

uint64_t vdm_writer_next(const struct vdm_writer *w)
{
    return w->tree->tree.size + w->signing.n + w->composed.n;
}

/* The entry's text; what is not known before is set in *e. */
static bool compose(struct vdm_writer *w, struct vdm_entry *e, const struct vdm_signer *signer,
                    struct vdm_buf *text, struct vdm_err *err)
{
    const struct vdm_vkey *key = vdm_signer_vkey(signer);
    if (!vdm_time_encodable(e->recorded))
        return vdm_fail(err, "the clock says a time that is not of the years 0 to 9999: set it");
    e->n = vdm_writer_next(w);
    e->ledger = vdm_str(vdm_signer_vkey(w->ledger_key)->name);
    e->previous = w->last_text;
    e->keyring = w->keyring;
    e->signer = vdm_str(key->name);
    e->signer_id = key->id;
    vdm_buf_clear(text);
    vdm_entry_append(text, e);
    return vdm_buf_ok(text, err);
}

/* What was withdrawn is not amended any more (docs/FORMATS.md, "Entries"). */
static bool check_not_withdrawn(struct vdm_writer *w, const struct vdm_entry *e,
                                struct vdm_err *err)
{
    struct vdm_catalog_fate fate;
    bool found;
    if (e->kind != VDM_ENTRY_AMENDMENT)
        return true;
    if (!vdm_catalog_fate(w->archive->catalog, e->capture.amends, &fate, &found, err))
        return false;
    return !found || fate.withdrawn == UINT64_MAX ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "entry %llu was withdrawn by entry %llu",
                       (unsigned long long)e->capture.amends, (unsigned long long)fate.withdrawn);
}

/* A key entry counts from the next entry on, and for the checkpoint over it. */
static bool take_key_entry(struct vdm_writer *w, const struct vdm_entry *e, struct vdm_err *err)
{
    const char *without_effect;
    w->keyring = e->n;
    return vdm_keyring_feed(&w->ring, e, &without_effect, err);
}

/* What follows from the next entry being this one. */
static bool learn(struct vdm_writer *w, const struct vdm_entry *e, struct vdm_bytes text,
                  struct vdm_bytes record, struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    struct vdm_record decoded;
    bool has = record.n > 0;
    if (!check_not_withdrawn(w, e, err) || (has && !vdm_record_decode(record, &decoded, err)) ||
        !vdm_catalog_learn(a->catalog, e, has ? &decoded : NULL, err))
        return false;
    w->withdraws = w->withdraws || e->kind == VDM_ENTRY_WITHDRAWAL;
    w->last_text = vdm_sha256(a->crypto, text);
    bool changes_keys =
        vdm_entry_is_key_entry(e) || e->kind == VDM_ENTRY_GENESIS || e->kind == VDM_ENTRY_KEY;
    return !changes_keys || take_key_entry(w, e, err);
}

static bool put(struct vdm_writer *w, uint64_t n, struct vdm_bytes note, struct vdm_bytes record,
                struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    return vdm_ledger_put_entry(a->ledger, n, note, err) &&
           (record.n == 0 || vdm_ledger_put_record(a->ledger, n, record, err)) &&
           vdm_tile_writer_append(w->tree, vdm_tlog_leaf(a->crypto, note), err);
}

static void reuse(struct vdm_buf *b)
{
    if (b->cap > KEPT_BYTES)
        vdm_buf_release(b);
    vdm_buf_clear(b);
}

/* On any thread. */
static void sign_one(void *ctx, unsigned worker, size_t i)
{
    struct waiting_list *l = ctx;
    struct waiting *e = &l->entry[i];
    (void)worker;
    e->why = (struct vdm_err){0};
    reuse(&e->note);
    if (!vdm_signer_append_note(e->signer, vdm_buf_bytes(&e->text), &e->note, &e->why))
        vdm_err_prefix(&e->why, "entry %llu", (unsigned long long)e->n);
}

static void finish_signing(struct vdm_writer *w)
{
    if (w->pool && w->signing.n)
        vdm_pool_finish_soon(w->pool);
}

/* What is signed goes into the ledger, in its order. */
static bool put_signed(struct vdm_writer *w, struct vdm_err *err)
{
    const struct waiting_list *l = &w->signing;
    size_t n = l->n;
    if (n == 0)
        return true;
    finish_signing(w);
    w->signing.n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct waiting *e = &l->entry[i];
        if (e->why.kind)
            return vdm_fail_as(err, e->why.kind, "%s", e->why.text);
        if (!put(w, e->n, vdm_buf_bytes(&e->note), vdm_buf_bytes(&e->record), err))
            return false;
    }
    w->last_note = vdm_sha256(w->archive->crypto, vdm_buf_bytes(&l->entry[n - 1].note));
    return true;
}

/* What is composed is signed while the next are composed, and put when those are. */
static bool sign_composed(struct vdm_writer *w, struct vdm_err *err)
{
    if (!put_signed(w, err))
        return false;
    if (w->composed.n == 0) /* and maybe no pool any more */
        return true;
    struct waiting_list l = w->composed;
    w->composed = w->signing;
    w->composed.bytes = 0;
    w->signing = l;
    if (w->pool)
        vdm_pool_start_soon(w->pool, l.n, sign_one, &w->signing);
    for (size_t i = 0; !w->pool && i < l.n; i++)
        sign_one(&w->signing, 0, i);
    return true;
}

static bool put_waiting(struct vdm_writer *w, struct vdm_err *err)
{
    return sign_composed(w, err) && put_signed(w, err);
}

bool vdm_writer_add(struct vdm_writer *w, struct vdm_pool *pool, struct vdm_entry *e,
                    const struct vdm_signer *signer, struct vdm_bytes record, struct vdm_err *err)
{
    struct waiting_list *l = &w->composed;
    if (pool != w->pool && !put_waiting(w, err))
        return false;
    w->pool = pool;
    if ((l->n == WAITING_MAX || l->bytes >= WAITING_BYTES) && !sign_composed(w, err))
        return false;
    struct waiting *next = &l->entry[l->n];
    next->signer = signer;
    reuse(&next->text);
    reuse(&next->record);
    vdm_buf_put(&next->record, record);
    if (!compose(w, e, signer, &next->text, err) || !vdm_buf_ok(&next->record, err) ||
        !learn(w, e, vdm_buf_bytes(&next->text), record, err))
        return false;
    next->n = e->n;
    l->bytes += next->text.n + record.n;
    l->n++;
    return true;
}

bool vdm_writer_append(struct vdm_writer *w, struct vdm_entry *e, const struct vdm_signer *signer,
                       struct vdm_bytes record, struct vdm_err *err)
{
    return vdm_writer_add(w, NULL, e, signer, record, err) && put_waiting(w, err);
}

bool vdm_writer_record(struct vdm_writer *w, uint64_t n, struct vdm_buf *text, bool *found,
                       struct vdm_err *err)
{
    uint64_t first = w->tree->tree.size;
    if (n < first || n >= vdm_writer_next(w))
        return vdm_ledger_record(w->archive->ledger, n, text, found, err);
    size_t i = (size_t)(n - first);
    const struct waiting *e =
        i < w->signing.n ? &w->signing.entry[i] : &w->composed.entry[i - w->signing.n];
    *found = true;
    vdm_buf_put(text, vdm_buf_bytes(&e->record));
    return vdm_buf_ok(text, err);
}

bool vdm_writer_append_signed(struct vdm_writer *w, struct vdm_bytes whole, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (!put_waiting(w, err) || !vdm_entry_open(w->archive->crypto, whole, &note, &e, err))
        return false;
    if (e.n != vdm_writer_next(w) || e.keyring != w->keyring ||
        !vdm_digest_equal(e.previous, w->last_text))
        return vdm_fail(err, "the signed entry does not go on from the newest one");
    if (!learn(w, &e, note.text, (struct vdm_bytes){0}, err) ||
        !put(w, e.n, whole, (struct vdm_bytes){0}, err))
        return false;
    w->last_note = vdm_sha256(w->archive->crypto, whole);
    return true;
}

bool vdm_writer_may_capture(struct vdm_writer *w, const struct vdm_signer *signer,
                            struct vdm_err *err)
{
    const struct vdm_vkey *key = vdm_signer_vkey(signer);
    const struct vdm_key_range *r = vdm_keyring_find(&w->ring, vdm_str(key->name), key->id);
    return (r && r->role == VDM_ROLE_SIGNER && vdm_key_range_covers(r, vdm_writer_next(w))) ||
           vdm_fail(err, "the key of %s may no longer sign: it was ended meanwhile", key->name);
}

/* --- commit --- */

/* The key in force must be ours. *old gets the one that signs before it, at a change. */
static bool check_ledger_key(struct vdm_writer *w, uint64_t size, const struct vdm_signer **old,
                             struct vdm_err *err)
{
    const struct vdm_key_range *before, *now = vdm_keyring_ledger_key(&w->ring, size, &before);
    const struct vdm_key_range *begun = vdm_keyring_ledger_key(&w->ring, w->begun_at, &before);
    const struct vdm_signer *o = w->old_ledger_key;
    *old = NULL;
    if (!now || !vdm_vkey_equal(&now->key, vdm_signer_vkey(w->ledger_key)))
        return vdm_fail(err,
                        "the ledger key at hand is not the one in force for %llu entries; was "
                        "it changed meanwhile? Nothing was written: try again",
                        (unsigned long long)size);
    if (o && begun && begun != now && vdm_vkey_equal(&begun->key, vdm_signer_vkey(o)))
        *old = o;
    return true;
}

/* Into w->note: it is shown to nobody before it is committed. */
static bool sign_checkpoint(struct vdm_writer *w, struct vdm_err *err)
{
    struct vdm_checkpoint head = {.origin = vdm_str(vdm_signer_vkey(w->ledger_key)->name),
                                  .size = vdm_writer_next(w),
                                  .root = vdm_tile_writer_root(w->tree)};
    const struct vdm_signer *old;
    vdm_buf_clear(&w->text);
    vdm_buf_clear(&w->note);
    vdm_checkpoint_append(&w->text, &head);
    if (!vdm_buf_ok(&w->text, err) || !check_ledger_key(w, head.size, &old, err))
        return false;
    struct vdm_bytes text = vdm_buf_bytes(&w->text);
    return vdm_signer_append_note(old ? old : w->ledger_key, text, &w->note, err) &&
           (!old || vdm_signer_append_signature(w->ledger_key, text, &w->note, err));
}

/* What is committed stays; all else is undone. */
static void give_back(struct vdm_writer *w)
{
    if (!w->locked)
        return;
    vdm_catalog_rollback(w->archive->catalog);
    vdm_ledger_rollback(w->archive->ledger);
    vdm_ledger_unlock(w->archive->ledger);
    w->locked = false;
}

/* Where the ledger or the guard fails, what the disk holds is in doubt. What is withdrawn goes in
 * between: as long as the guard is behind, recovery goes on with it. */
static bool make_durable(struct vdm_writer *w, uint64_t size, struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    struct vdm_bytes checkpoint = vdm_buf_bytes(&w->note);
    if (!vdm_ledger_commit(a->ledger, size, checkpoint, err))
        return vdm_doubt_raise(a, err);
    if (w->withdraws && !vdm_erase_withdrawn(a, w->begun_at, size, NULL, err))
        return false;
    return vdm_guard_replace(a->keys, checkpoint, err) || vdm_doubt_raise(a, err);
}

bool vdm_writer_commit(struct vdm_writer *w, struct vdm_err *err)
{
    struct vdm_archive *a = w->archive;
    uint64_t size = vdm_writer_next(w);
    if (size == w->begun_at) {
        give_back(w);
        return true;
    }
    if (!put_waiting(w, err)) {
        vdm_writer_abort(w);
        return false;
    }
    struct vdm_catalog_reach reach = {size, w->last_note};
    if (w->withdraws) /* it is made anew, or caught up, once all is erased */
        vdm_catalog_rollback(a->catalog);
    bool ok = vdm_tile_writer_flush(w->tree, err) && sign_checkpoint(w, err) &&
              make_durable(w, size, err);
    if (ok) {
        vdm_buf_clear(&w->checkpoint);
        vdm_buf_put(&w->checkpoint, vdm_buf_bytes(&w->note));
        ok = vdm_buf_ok(&w->checkpoint, err) &&
             (w->withdraws ? vdm_archive_catch_up(a, size, NULL, err)
                           : vdm_catalog_commit(a->catalog, reach, err));
    }
    if (ok)
        give_back(w);
    else
        vdm_writer_abort(w);
    return ok;
}

void vdm_writer_abort(struct vdm_writer *w)
{
    finish_signing(w);
    w->signing.n = w->composed.n = 0;
    w->composed.bytes = 0;
    w->has_ring = false; /* it may know key entries that nobody will see */
    give_back(w);
}

struct vdm_bytes vdm_writer_checkpoint(const struct vdm_writer *w)
{
    return vdm_buf_bytes(&w->checkpoint);
}
