/* SPDX-License-Identifier: MIT */
#include "store/pack_slots.h"

uint64_t vdm_slots_count(const struct vdm_slots *t)
{
    return UINT64_C(1) << t->bits;
}

void vdm_slots_begin_all(const struct vdm_slots *t, struct vdm_slots_probe *p)
{
    p->key = 0;
    p->slot = 0;
    p->left = vdm_slots_count(t);
    p->n = p->i = 0;
}

void vdm_slots_begin(const struct vdm_slots *t, uint64_t key, struct vdm_slots_probe *p)
{
    vdm_slots_begin_all(t, p);
    p->key = key;
    p->slot = key >> (64 - t->bits);
}

/* n slots from `first` on; *n is less at the end of the table. */
static bool read_slots(const struct vdm_slots *t, uint64_t first, uint8_t *p, size_t *n,
                       struct vdm_err *err)
{
    uint64_t to_end = vdm_slots_count(t) - first;
    size_t got;
    *n = *n < to_end ? *n : (size_t)to_end;
    if (!vdm_fd_read_at(t->fd, t->at + first * VDM_SLOT_BYTES, p, *n * VDM_SLOT_BYTES, &got, err))
        return vdm_err_prefix(err, "packs/index");
    return got == *n * VDM_SLOT_BYTES || vdm_fail(err, "packs/index: cut short");
}

static bool write_slots(const struct vdm_slots *t, uint64_t first, const uint8_t *p, size_t n,
                        struct vdm_err *err)
{
    struct vdm_bytes bytes = {p, n * VDM_SLOT_BYTES};
    return vdm_fd_write_at(t->fd, t->at + first * VDM_SLOT_BYTES, bytes, err) ||
           vdm_err_prefix(err, "packs/index");
}

/* Most searches end within the first few. In a large table these were not touched for long: each line of the
 * processor's cache that is read costs more than the call. */
#define FIRST_SLOTS 8

static bool fill(const struct vdm_slots *t, struct vdm_slots_probe *p, struct vdm_err *err)
{
    size_t wanted = p->n == 0 ? FIRST_SLOTS : VDM_PROBE_SLOTS;
    p->i = 0;
    p->n = p->left < wanted ? (size_t)p->left : wanted;
    return read_slots(t, p->slot, p->read, &p->n, err);
}

bool vdm_slots_next(const struct vdm_slots *t, struct vdm_slots_probe *p, uint64_t *key,
                    uint64_t *value, struct vdm_err *err)
{
    *value = 0;
    if (p->left == 0)
        return true;
    if (p->i == p->n && !fill(t, p, err))
        return false;
    *key = vdm_le64(p->read + p->i * VDM_SLOT_BYTES);
    *value = vdm_le64(p->read + p->i * VDM_SLOT_BYTES + 8);
    p->found = p->slot;
    p->slot = (p->slot + 1) & (vdm_slots_count(t) - 1);
    p->i++;
    p->left--;
    return true;
}

bool vdm_slots_put(const struct vdm_slots *t, uint64_t slot, uint64_t key, uint64_t value,
                   struct vdm_err *err)
{
    uint8_t b[VDM_SLOT_BYTES];
    vdm_le64_put(b, key);
    vdm_le64_put(b + 8, value);
    return write_slots(t, slot, b, 1, err);
}

static bool is_same(uint64_t k, uint64_t v, uint64_t key, uint64_t value)
{
    return k == key && (v | VDM_SLOT_FLAG) == (value | VDM_SLOT_FLAG);
}

bool vdm_slots_add(const struct vdm_slots *t, uint64_t key, uint64_t value, bool *added,
                   struct vdm_err *err)
{
    struct vdm_slots_probe p;
    uint64_t k, v;
    bool same;
    vdm_slots_begin(t, key, &p);
    do {
        if (!vdm_slots_next(t, &p, &k, &v, err))
            return false;
        same = is_same(k, v, key, value);
    } while (v && p.left && !same);
    *added = v == 0;
    if (v && !same)
        return vdm_fail(err, "packs/index: full");
    return vdm_slots_put(t, p.found, key, v | value, err);
}

/* --- many --- */

/* false: the window does not reach from the key's first slot to where it belongs. */
static bool add_within(struct vdm_slots_window *w, uint64_t key, uint64_t value, bool *added)
{
    uint64_t home = key >> (64 - w->t->bits);
    if (home < w->first || home - w->first >= w->n)
        return false;
    for (size_t i = (size_t)(home - w->first); i < w->n; i++) {
        uint8_t *slot = w->p + i * VDM_SLOT_BYTES;
        uint64_t k = vdm_le64(slot), v = vdm_le64(slot + 8);
        if (v && !is_same(k, v, key, value))
            continue;
        vdm_le64_put(slot, key);
        vdm_le64_put(slot + 8, v | value);
        w->from = w->from < i ? w->from : i;
        w->to = w->to > i + 1 ? w->to : i + 1;
        *added = v == 0;
        return true;
    }
    return false;
}

static bool move_window(struct vdm_slots_window *w, uint64_t first, struct vdm_err *err)
{
    size_t n = VDM_WINDOW_SLOTS;
    if (!vdm_slots_write(w, err) || !read_slots(w->t, first, w->p, &n, err))
        return false;
    w->first = first;
    w->from = w->n = n;
    w->to = 0;
    return true;
}

bool vdm_slots_add_next(struct vdm_slots_window *w, uint64_t key, uint64_t value, bool *added,
                        struct vdm_err *err)
{
    if (add_within(w, key, value, added))
        return true;
    if (!move_window(w, key >> (64 - w->t->bits), err))
        return false;
    /* What goes round at the end is put by itself. */
    return add_within(w, key, value, added) || vdm_slots_add(w->t, key, value, added, err);
}

bool vdm_slots_write(struct vdm_slots_window *w, struct vdm_err *err)
{
    if (w->from >= w->to)
        return true;
    size_t from = w->from;
    w->from = w->n;
    return write_slots(w->t, w->first + from, w->p + from * VDM_SLOT_BYTES, w->to - from, err);
}
