/* SPDX-License-Identifier: MIT */
#include "ops/fork_make.h"

#include "ops/fork_proof.h"
#include "ops/fork_side.h"

#include <stdlib.h>
#include <string.h>

/* What two checkpoints have to do with each other; the worse for a proof, the later. */
enum relation {
    CONSISTENT,
    UNKNOWN, /* nothing here leads from one to the other */
    OF_TWO_LEDGERS,
    BY_TWO_KEYS, /* they contradict each other, but no key at hand signed both */
    CONTRADICTION,
};

struct comparing {
    struct vdm_crypto *crypto;
    const struct vdm_fork_request *r;
    struct vdm_fork_side side[2];
    enum relation found;
    const struct vdm_seen_checkpoint
        *seen[2]; /* those for which `found` holds, the smaller first */
    const char *name[2];
    struct vdm_fork_proof p;
    struct vdm_seen_checkpoint chosen; /* the second one of p, where it is */
};

/* --- the key --- */

static bool signed_by(struct comparing *k, const struct vdm_seen_checkpoint *s,
                      const struct vdm_vkey *key)
{
    return vdm_bytes_equal_str(s->head.origin, key->name) &&
           vdm_note_verify(&s->note, k->crypto, key, NULL) == VDM_NOTE_GOOD;
}

/* A key that signed x and a checkpoint of y's history that covers as much. That one is in `chosen`. */
static bool try_keys(struct comparing *k, const struct vdm_vkey *key, size_t n,
                     const struct vdm_seen_checkpoint *x, struct vdm_fork_side *side,
                     const struct vdm_seen_checkpoint *y, bool *found, struct vdm_err *err)
{
    for (size_t i = 0; !*found && i < n; i++) {
        if (!vdm_vkey_is_ours(&key[i]) || !signed_by(k, x, &key[i]))
            continue;
        if (!vdm_fork_side_choose(side, x->head.size, &key[i], y, &k->chosen, found, err))
            return false;
        if (*found)
            k->p.key = key[i];
    }
    return true;
}

static bool find_key(struct comparing *k, const struct vdm_seen_checkpoint *x,
                     struct vdm_fork_side *side, const struct vdm_seen_checkpoint *y, bool *found,
                     struct vdm_err *err)
{
    *found = false;
    return try_keys(k, k->r->key, k->r->keys, x, side, y, found, err) &&
           try_keys(k, k->side[0].key, k->side[0].keys, x, side, y, found, err) &&
           try_keys(k, k->side[1].key, k->side[1].keys, x, side, y, found, err);
}

/* --- one pair --- */

static void set(struct vdm_fork_proof *p, int i, const struct vdm_seen_checkpoint *s)
{
    p->note[i] = vdm_buf_bytes(&s->bytes);
    p->head[i] = s->head;
}

/* Of equal sizes, the one with the smaller root stands first. */
static void set_equal(struct vdm_fork_proof *p, const struct vdm_seen_checkpoint *x,
                      const struct vdm_seen_checkpoint *y)
{
    bool first = memcmp(x->head.root.b, y->head.root.b, sizeof x->head.root.b) < 0;
    set(p, 0, first ? x : y);
    set(p, 1, first ? y : x);
}

static bool note(struct comparing *k, enum relation found, const struct vdm_seen_checkpoint *x,
                 const char *x_name, const struct vdm_seen_checkpoint *y, const char *y_name)
{
    if (found < k->found || (found == k->found && k->seen[0]))
        return true;
    k->found = found;
    k->seen[0] = x;
    k->seen[1] = y;
    k->name[0] = x_name;
    k->name[1] = y_name;
    return true;
}

/* Their roots differ at the size of x: what proves it. */
static bool prove(struct comparing *k, const struct vdm_seen_checkpoint *x,
                  struct vdm_fork_side *side, const struct vdm_seen_checkpoint *y,
                  struct vdm_digest root, struct vdm_err *err)
{
    struct vdm_tree_proof path;
    if (k->chosen.head.size == x->head.size) {
        set_equal(&k->p, x, &k->chosen);
        return true;
    }
    if (!vdm_fork_side_path(side, x->head.size, side->archive ? &k->chosen : y, &path, err))
        return false;
    set(&k->p, 0, x);
    set(&k->p, 1, &k->chosen);
    k->p.root = root;
    k->p.hashes = path.n;
    memcpy(k->p.hash, path.hashes, path.n * sizeof *path.hashes);
    return true;
}

/* x is not the larger; y is a checkpoint of `side`. */
static bool compare(struct comparing *k, const struct vdm_seen_checkpoint *x, const char *x_name,
                    struct vdm_fork_side *side, const struct vdm_seen_checkpoint *y,
                    struct vdm_err *err)
{
    struct vdm_digest root = y->head.root;
    bool known = true, found;
    if (!vdm_bytes_equal(x->head.origin, y->head.origin))
        return note(k, OF_TWO_LEDGERS, x, x_name, y, side->name);
    if (x->head.size == 0)
        return note(k, CONSISTENT, x, x_name, y, side->name);
    if (x->head.size < y->head.size &&
        !vdm_fork_side_root(side, x->head.size, y, &root, &known, err))
        return false;
    if (!known)
        return note(k, UNKNOWN, x, x_name, y, side->name);
    if (vdm_digest_equal(root, x->head.root))
        return note(k, CONSISTENT, x, x_name, y, side->name);
    if (!find_key(k, x, side, y, &found, err))
        return false;
    if (!found)
        return note(k, BY_TWO_KEYS, x, x_name, y, side->name);
    return prove(k, x, side, y, root, err) && note(k, CONTRADICTION, x, x_name, y, side->name);
}

static bool compare_all(struct comparing *k, struct vdm_err *err)
{
    struct vdm_fork_side *a = &k->side[0], *b = &k->side[1];
    for (size_t i = 0; i < a->seens; i++)
        for (size_t j = 0; k->found != CONTRADICTION && j < b->seens; j++) {
            const struct vdm_seen_checkpoint *x = a->seen[i], *y = b->seen[j];
            bool ok = x->head.size <= y->head.size ? compare(k, x, a->name, b, y, err)
                                                   : compare(k, y, b->name, a, x, err);
            if (!ok)
                return false;
        }
    return true;
}

/* --- the outcome --- */

static bool fail_undecided(const struct comparing *k, struct vdm_err *err)
{
    unsigned long long small = k->seen[0]->head.size, large = k->seen[1]->head.size;
    bool no_key = k->side[0].keys + k->side[1].keys + k->r->keys == 0;
    if (k->found == OF_TWO_LEDGERS)
        return vdm_fail(err, "%s and %s are of two ledgers: these cannot contradict each other",
                        k->name[0], k->name[1]);
    if (k->found == UNKNOWN)
        return vdm_fail(err,
                        "%s covers %llu entries and %s %llu: these alone cannot show whether one "
                        "extends the other. Give the whole archive that the larger is of, or two "
                        "of one size",
                        k->name[0], small, k->name[1], large);
    if (no_key)
        return vdm_fail(err,
                        "%s and %s contradict each other, but neither holds the public key: give "
                        "it with --ledger-key KEY",
                        k->name[0], k->name[1]);
    return vdm_fail(err,
                    "%s and %s contradict each other, but no key at hand signed both. A fork proof "
                    "is about one key: give checkpoints by the same one",
                    k->name[0], k->name[1]);
}

/* What was made is read and checked as others will: a damaged archive gives no proof. */
static bool finish(struct comparing *k, struct vdm_fork_made *out, struct vdm_err *err)
{
    struct vdm_report report;
    vdm_fork_proof_append(&out->text, &k->p);
    if (!vdm_buf_ok(&out->text, err) ||
        !vdm_fork_proof_decode(k->crypto, vdm_buf_bytes(&out->text), &out->p, err))
        return false;
    vdm_report_init(&report);
    out->contradiction = vdm_fork_proof_holds(k->crypto, &out->p, &report);
    vdm_report_release(&report);
    return out->contradiction ||
           vdm_fail(err, "the proof does not hold: %s is damaged; run `vidimus verify`",
                    k->name[1]);
}

static bool run(struct comparing *k, const struct vdm_progress *progress, struct vdm_fork_made *out,
                struct vdm_err *err)
{
    for (int i = 0; i < 2; i++)
        if (!vdm_fork_side_open(&k->side[i], k->crypto, k->r->path[i], progress, err))
            return false;
    if (!compare_all(k, err))
        return false;
    if (k->found == CONTRADICTION)
        return finish(k, out, err);
    return k->found == CONSISTENT || fail_undecided(k, err);
}

bool vdm_fork_make(struct vdm_crypto *c, const struct vdm_fork_request *r,
                   const struct vdm_progress *progress, struct vdm_fork_made *out,
                   struct vdm_err *err)
{
    *out = (struct vdm_fork_made){0};
    struct comparing *k = calloc(1, sizeof *k);
    if (!k)
        return vdm_fail_memory(err);
    k->crypto = c;
    k->r = r;
    bool ok = run(k, progress, out, err);
    vdm_fork_side_release(&k->side[0]);
    vdm_fork_side_release(&k->side[1]);
    vdm_seen_checkpoint_release(&k->chosen);
    free(k);
    return ok;
}
