/* SPDX-License-Identifier: MIT */
#include "store/store_memory.h"

#include <stdlib.h>
#include <string.h>

struct object {
    struct vdm_digest id;
    struct vdm_buf bytes;
    struct object *next; /* among those set aside */
};

struct memory {
    struct vdm_store base;
    struct object **sorted; /* by id */
    size_t n, cap;
    struct object *aside;
    bool sync_fails;
};

static struct memory *of(struct vdm_store *s)
{
    return (struct memory *)s;
}

static void object_free(struct object **o)
{
    if (*o)
        vdm_buf_release(&(*o)->bytes);
    free(*o);
    *o = NULL;
}

/* Where the id stands, or would. */
static size_t place(const struct memory *m, struct vdm_digest id, bool *found)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(m->sorted[middle]->id.b, id.b, sizeof id.b) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < m->n && vdm_digest_equal(m->sorted[low]->id, id);
    return low;
}

static bool insert(struct memory *m, size_t at, struct object *o, struct vdm_err *err)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        struct object **p = reallocarray(m->sorted, cap, sizeof *p);
        if (!p)
            return vdm_fail_memory(err);
        m->sorted = p;
        m->cap = cap;
    }
    memmove(m->sorted + at + 1, m->sorted + at, (m->n - at) * sizeof *m->sorted);
    m->sorted[at] = o;
    m->n++;
    return true;
}

static bool append(void *ctx, struct vdm_bytes data, struct vdm_err *err)
{
    struct vdm_buf *b = ctx;
    vdm_buf_put(b, data);
    return vdm_buf_ok(b, err);
}

/* Readers of the bad object may be open: it lives on, out of sight. */
static void replace(struct memory *m, size_t at, struct object *fresh)
{
    struct object *bad = m->sorted[at];
    bad->next = m->aside;
    m->aside = bad;
    m->sorted[at] = fresh;
}

static bool put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                struct vdm_stored *out, struct vdm_err *err)
{
    (void)size_hint;
    struct memory *m = of(s);
    struct object *fresh VDM_CLEANUP(object_free) = calloc(1, sizeof *fresh);
    struct vdm_stored done = {0};
    if (!fresh)
        return vdm_fail_memory(err);
    if (!vdm_store_copy(s, read, ctx, append, &fresh->bytes, &done, err))
        return false;
    fresh->id = done.id;
    enum vdm_store_state state;
    if (!vdm_store_look(s, done.id, done.size_bytes, &state, err))
        return vdm_err_prefix(err, "store");
    bool found;
    size_t at = place(m, done.id, &found);
    if (!found && !insert(m, at, fresh, err))
        return vdm_err_prefix(err, "store");
    done.was_new = !found;
    done.repaired = found && state != VDM_STORE_GOOD;
    if (done.repaired)
        replace(m, at, fresh);
    if (done.was_new || done.repaired)
        fresh = NULL; /* the store owns it now */
    *out = done;
    return true;
}

static bool sync(struct vdm_store *s, struct vdm_err *err)
{
    bool fails = of(s)->sync_fails;
    of(s)->sync_fails = false;
    return !fails || vdm_fail(err, "sync: broken on request");
}

static bool reader_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    (void)err;
    struct vdm_store_reader *r = ctx;
    size_t n = r->rest.n < cap ? r->rest.n : cap;
    if (n)
        memcpy(p, r->rest.p, n);
    r->rest = vdm_bytes_skip(r->rest, n);
    *got = n;
    return true;
}

static bool get(struct vdm_store *s, struct vdm_digest id, struct vdm_store_reader *r,
                struct vdm_err *err)
{
    const struct vdm_buf *b = vdm_store_memory_bytes(s, id);
    if (!b)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no such object");
    *r = (struct vdm_store_reader){.read = reader_read, .size_bytes = b->n, .fd = -1};
    r->rest = vdm_buf_bytes(b);
    return true;
}

/* Finds its place again at each step, so that a visitor may put. */
static bool each(struct vdm_store *s, vdm_store_visit_fn *visit, void *ctx, struct vdm_err *err)
{
    const struct memory *m = of(s);
    bool stop = false;
    for (size_t i = 0; i < m->n && !stop;) {
        const struct object *o = m->sorted[i];
        struct vdm_store_item item = {.id = o->id, .size_bytes = o->bytes.n};
        if (!visit(ctx, &item, &stop, err))
            return false;
        bool found;
        i = place(m, item.id, &found) + 1;
    }
    return true;
}

static void wipe(struct object **o)
{
    if ((*o)->bytes.n)
        memset((*o)->bytes.p, 0, (*o)->bytes.n);
    object_free(o);
}

static bool erase(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                  struct vdm_err *err)
{
    (void)size_bytes;
    struct memory *m = of(s);
    bool found;
    size_t at = place(m, id, &found);
    (void)err;
    if (found) {
        wipe(&m->sorted[at]);
        memmove(m->sorted + at, m->sorted + at + 1, (--m->n - at) * sizeof *m->sorted);
    }
    for (struct object **o = &m->aside; *o;) {
        struct object *next = (*o)->next;
        if (!vdm_digest_equal((*o)->id, id)) {
            o = &(*o)->next;
            continue;
        }
        wipe(o);
        *o = next;
    }
    return true;
}

static bool set_aside(struct vdm_store *s, struct vdm_digest id, struct vdm_err *err)
{
    struct memory *m = of(s);
    bool found;
    size_t at = place(m, id, &found);
    (void)err;
    if (!found)
        return true;
    m->sorted[at]->next = m->aside;
    m->aside = m->sorted[at];
    memmove(m->sorted + at, m->sorted + at + 1, (--m->n - at) * sizeof *m->sorted);
    return true;
}

static void close_memory(struct vdm_store *s)
{
    struct memory *m = of(s);
    for (size_t i = 0; i < m->n; i++)
        object_free(&m->sorted[i]);
    while (m->aside) {
        struct object *o = m->aside;
        m->aside = o->next;
        object_free(&o);
    }
    free(m->sorted);
    vdm_store_release(&m->base);
    free(m);
}

static const struct vdm_store_ops memory_ops = {
    .put = put,
    .sync = sync,
    .get = get,
    .each = each,
    .erase = erase,
    .set_aside = set_aside,
    .close = close_memory,
};

bool vdm_store_open_memory(struct vdm_store **out, struct vdm_crypto *crypto, struct vdm_err *err)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m)
        return vdm_fail_memory(err);
    if (!vdm_store_init(&m->base, &memory_ops, true, crypto, err)) {
        free(m);
        return false;
    }
    *out = &m->base;
    return true;
}

struct vdm_buf *vdm_store_memory_bytes(struct vdm_store *s, struct vdm_digest id)
{
    bool found;
    size_t at = place(of(s), id, &found);
    return found ? &of(s)->sorted[at]->bytes : NULL;
}

size_t vdm_store_memory_set_aside(const struct vdm_store *s)
{
    size_t n = 0;
    for (const struct object *o = ((const struct memory *)s)->aside; o; o = o->next)
        n++;
    return n;
}

void vdm_store_memory_break_sync(struct vdm_store *s)
{
    of(s)->sync_fails = true;
}
