/* SPDX-License-Identifier: MIT */
/* Invariants kept here, and what attacks them in tests/unit/store/:
 *   I3, its first half: what sync returned for is durable; a failed sync is final.  test_packs, test_packs_disk
 *   I8, its second half: only bytes that were hashed get an object's name.  store_contract */
#include "store/store_packs.h"

#include "base/limits.h"
#include "store/pack_met.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct vdm_packs *of(struct vdm_store *s)
{
    return (struct vdm_packs *)s;
}

/* --- get --- */

static bool window_read(void *ctx, uint8_t *out, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_store_reader *r = ctx;
    uint64_t left = r->end - r->at;
    if (r->ahead.n && r->turn == r->pack->of->ahead.turn) {
        *got = vdm_bytes_take(&r->ahead, out, cap);
    } else if (!vdm_fd_read_at(r->fd, r->at, out, left < cap ? (size_t)left : cap, got, err)) {
        return false;
    }
    r->at += *got;
    return true;
}

static void window_close(struct vdm_store_reader *r)
{
    vdm_pack_let_go(r->pack);
}

static bool header_damaged(const struct vdm_packed *f, struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_REFUSED, "packs/%s: its header at %llu is damaged",
                       vdm_pack_name(f->place.pack).text, (unsigned long long)f->place.offset);
}

/* What was read behind the header. */
static void give_ahead(const struct vdm_packs *p, const struct vdm_packed *f,
                       struct vdm_store_reader *r)
{
    size_t header = f->ahead.n < VDM_PACK_BLOCK ? f->ahead.n : VDM_PACK_BLOCK;
    r->ahead = vdm_bytes_skip(f->ahead, header);
    r->ahead.n = r->ahead.n < r->size_bytes ? r->ahead.n : (size_t)r->size_bytes;
    r->turn = p->ahead.turn;
}

static bool find_to_read(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *f,
                         bool *found, struct vdm_err *err)
{
    if (!p->ahead.p && !(p->ahead.p = malloc(VDM_PACK_AHEAD)))
        return vdm_fail_memory(err);
    p->reads_ahead = true;
    /* Where the index at hand leads, the document is, whether or not another index has taken its place. */
    bool ok = vdm_packs_look_up(p, id, f, found, err) &&
              ((*found && !f->broken) || vdm_packs_find(p, id, f, found, err));
    p->reads_ahead = false;
    return ok;
}

static bool get(struct vdm_store *s, struct vdm_digest id, struct vdm_store_reader *r,
                struct vdm_err *err)
{
    struct vdm_packs *p = of(s);
    struct vdm_packed f;
    bool found;
    if (!find_to_read(p, id, &f, &found, err))
        return false;
    if (!found)
        return p->files->ops->get(p->files, id, r, err);
    if (f.broken)
        return header_damaged(&f, err);
    vdm_pack_met_add(s->met, f.place.pack, f.place.offset, vdm_pack_span(f.m.size));
    *r = (struct vdm_store_reader){
        .read = window_read, .close = window_close, .fd = f.fd, .size_bytes = f.m.size};
    r->window = true;
    r->at = f.place.offset + VDM_PACK_BLOCK;
    r->end = r->at + f.m.size;
    r->pack = f.pack;
    r->pack->users++;
    give_ahead(p, &f, r);
    return true;
}

static bool plainly_holds(struct vdm_store *s, struct vdm_digest id, bool *yes, struct vdm_err *err)
{
    struct vdm_packed f;
    if (!vdm_packs_look_up(of(s), id, &f, yes, err))
        return false;
    *yes = *yes && !f.broken;
    return true;
}

/* --- sync --- */

static bool sync_packs(struct vdm_store *s, struct vdm_err *err)
{
    struct vdm_packs *p = of(s);
    if (p->files_touched && !p->files->ops->sync(p->files, err))
        return false;
    p->files_touched = false;
    return vdm_packs_sync(p, err);
}

/* --- each --- */

struct visiting {
    vdm_store_visit_fn *visit;
    void *ctx;
    bool stop;
};

static bool tell(struct visiting *v, uint32_t pack, const char *what, uint64_t at,
                 enum vdm_store_trouble trouble, struct vdm_err *err)
{
    char path[80];
    if (what)
        snprintf(path, sizeof path, "packs/%s, %s at %llu", vdm_pack_name(pack).text, what,
                 (unsigned long long)at);
    else
        snprintf(path, sizeof path, "packs/index");
    struct vdm_store_item item = {.stranger = path, .trouble = trouble};
    return v->visit(v->ctx, &item, &v->stop, err);
}

/* What no slot leads to may have been withdrawn since it was read: its header goes before its slot. */
static bool look_again(struct vdm_packs *p, uint32_t pack, const struct vdm_pack_scan *s,
                       struct vdm_pack_member *m, bool *leads, bool *aside, struct vdm_err *err)
{
    enum vdm_pack_seen seen;
    struct vdm_pack_member now;
    if (!vdm_pack_index_refresh(&p->index, err) ||
        !vdm_packs_leads(p, m->id, pack, m->offset, leads, aside, err) ||
        !vdm_pack_look(s->fd, m->offset, s->length, &now, &seen, err))
        return false;
    m->withdrawn = seen == VDM_PACK_MEMBER && now.withdrawn;
    return true;
}

/* A member that the index does not lead to is no object: the index is damaged, if it was ever complete up
 * to there. */
static bool visit_member(struct vdm_packs *p, struct visiting *v, uint32_t pack, uint64_t mark,
                         const struct vdm_pack_scan *s, struct vdm_pack_member *m, bool *told,
                         struct vdm_err *err)
{
    bool leads, aside;
    if (m->withdrawn)
        return true;
    if (!vdm_packs_leads(p, m->id, pack, m->offset, &leads, &aside, err))
        return false;
    if (!leads && m->offset < mark && !look_again(p, pack, s, m, &leads, &aside, err))
        return false;
    if (m->withdrawn)
        return true;
    if (!leads && m->offset < mark && !*told) {
        *told = true;
        if (!tell(v, pack, NULL, 0, VDM_STORE_INDEX_WRONG, err))
            return false;
    }
    if (aside || v->stop)
        return true;
    struct vdm_store_item item = {.id = m->id, .size_bytes = m->size};
    return v->visit(v->ctx, &item, &v->stop, err);
}

static bool visit_all(struct vdm_packs *p, struct visiting *v, uint32_t pack,
                      struct vdm_pack_scan *s, bool *told, struct vdm_err *err)
{
    struct vdm_pack_member m;
    enum vdm_pack_seen seen = VDM_PACK_MEMBER;
    uint64_t mark = UINT64_MAX;
    if (p->index.fd >= 0 && !vdm_pack_index_marked(&p->index, pack, &mark, err))
        return false;
    while (seen != VDM_PACK_END && !v->stop) {
        uint64_t past = vdm_pack_met_past(p->base.met, pack, s->at);
        s->at = past < s->length ? past : s->length;
        if (!vdm_pack_next(s, &m, &seen, err) ||
            (seen == VDM_PACK_MEMBER && !visit_member(p, v, pack, mark, s, &m, told, err)))
            return false;
        /* Behind the mark somebody may be writing it. */
        if (seen == VDM_PACK_BROKEN && m.offset < mark &&
            !tell(v, pack, "no document", m.offset, VDM_STORE_STRANGE, err))
            return false;
    }
    return true;
}

/* The visitor may use this handle, and with it another pack in the place of this one. */
static bool each_member(struct vdm_packs *p, struct visiting *v, uint32_t pack, bool *told,
                        struct vdm_err *err)
{
    uint64_t length;
    int fd;
    if (!vdm_packs_open(p, pack, &fd, &length, err))
        return false;
    struct vdm_pack_in_hand *h = p->in_hand[pack % VDM_PACKS_IN_HAND];
    struct vdm_pack_scan s = vdm_packs_scan(p, fd, 0, length);
    s.window = malloc(VDM_PACK_WINDOW);
    h->users++;
    bool ok = s.window ? visit_all(p, v, pack, &s, told, err) : vdm_fail_memory(err);
    vdm_pack_let_go(h);
    free(s.window);
    return ok;
}

static bool each(struct vdm_store *s, vdm_store_visit_fn *visit, void *ctx, struct vdm_err *err)
{
    struct vdm_packs *p = of(s);
    struct visiting v = {visit, ctx, false};
    uint8_t there[VDM_PACKS_MAX / 8];
    bool told = false;
    if (!vdm_packs_list(p, there, visit, ctx, &v.stop, err) ||
        !vdm_pack_index_refresh(&p->index, err))
        return false;
    for (uint32_t n = 0; n < p->packs && !v.stop; n++)
        if ((there[n / 8] >> n % 8 & 1) && !each_member(p, &v, n, &told, err))
            return false;
    return v.stop || p->files->ops->each(p->files, visit, ctx, err);
}

/* --- erase, repair --- */

static bool erase(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                  struct vdm_err *err)
{
    int locked VDM_CLEANUP(vdm_packs_unlock) = -1;
    struct vdm_packs *p = of(s);
    return vdm_packs_lock(p, &locked, err) && vdm_pack_index_refresh(&p->index, err) &&
           vdm_packs_erase(p, id, size_bytes, err) &&
           p->files->ops->erase(p->files, id, size_bytes, err);
}

static bool set_aside(struct vdm_store *s, struct vdm_digest id, struct vdm_err *err)
{
    int locked VDM_CLEANUP(vdm_packs_unlock) = -1;
    struct vdm_packs *p = of(s);
    return vdm_packs_lock(p, &locked, err) && vdm_pack_index_refresh(&p->index, err) &&
           vdm_packs_set_aside(p, id, err) && p->files->ops->set_aside(p->files, id, err);
}

static bool reindex(struct vdm_store *s, struct vdm_err *err)
{
    int locked VDM_CLEANUP(vdm_packs_unlock) = -1;
    struct vdm_packs *p = of(s);
    return vdm_packs_lock(p, &locked, err) && vdm_packs_reindex(p, err);
}

/* --- opening --- */

static void close_packs(struct vdm_store *s)
{
    struct vdm_packs *p = of(s);
    vdm_store_close(p->files);
    vdm_pack_index_close(&p->index);
    for (size_t i = 0; i < VDM_PACKS_IN_HAND; i++)
        vdm_pack_let_go(p->in_hand[i]);
    free(p->ahead.p);
    vdm_fd_close(&p->active);
    vdm_fd_close(&p->dir);
    free(p->document);
    vdm_store_release(&p->base);
    free(p);
}

static const struct vdm_store_ops packs_ops = {
    .put = vdm_packs_put,
    .put_all = vdm_packs_put_all,
    .sync = sync_packs,
    .get = get,
    .plainly_holds = plainly_holds,
    .each = each,
    .erase = erase,
    .set_aside = set_aside,
    .reindex = reindex,
    .close = close_packs,
};

static bool look_around(struct vdm_packs *p, int store, struct vdm_err *err)
{
    int locked VDM_CLEANUP(vdm_packs_unlock) = -1;
    uint8_t there[VDM_PACKS_MAX / 8];
    bool stop = false;
    if (!vdm_packs_list(p, there, NULL, NULL, &stop, err) ||
        !vdm_pack_index_open(&p->index, p->dir, p->base.writable, err))
        return false;
    return !p->base.writable || (vdm_packs_look_for_older(p, store, err) &&
                                 vdm_packs_lock(p, &locked, err) && vdm_packs_catch_up(p, err));
}

static bool wrap(struct vdm_store **files, int store, int *dir, struct vdm_crypto *crypto,
                 struct vdm_store **out, struct vdm_err *err)
{
    struct vdm_packs *p = calloc(1, sizeof *p);
    if (!p)
        return vdm_fail_memory(err);
    if (!vdm_store_init(&p->base, &packs_ops, (*files)->writable, crypto, err)) {
        free(p);
        return false;
    }
    p->files = *files;
    p->dir = *dir;
    p->active = -1;
    p->limit = VDM_PACK_BYTES;
    p->index = (struct vdm_pack_index){.dir = -1, .fd = -1, .made = {.dir = -1, .fd = -1}};
    *files = NULL; /* the handle owns them */
    *dir = -1;
    if (look_around(p, store, err)) {
        *out = &p->base;
        return true;
    }
    close_packs(&p->base);
    return false;
}

bool vdm_store_open_folder(struct vdm_store **out, struct vdm_crypto *crypto, const char *path,
                           bool writable, struct vdm_err *err)
{
    struct vdm_store *files VDM_CLEANUP(vdm_store_cleanup) = NULL;
    struct vdm_err why = {0};
    int store VDM_CLEANUP(vdm_fd_close) = -1, dir VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_store_open_files(&files, crypto, path, writable, err))
        return false;
    if (!vdm_dir_open(AT_FDCWD, path, &store, err))
        return vdm_err_prefix(err, "store %s", path);
    if (vdm_store_open_dir(store, "packs", &dir, &why))
        return wrap(&files, store, &dir, crypto, out, err) || vdm_err_prefix(err, "store %s", path);
    if (why.kind != VDM_ERR_NOT_FOUND)
        return vdm_fail_as(err, why.kind, "store %s: %s", path, why.text);
    *out = files;
    files = NULL;
    return true;
}

void vdm_store_packs_limit(struct vdm_store *s, uint64_t bytes)
{
    if (s->ops == &packs_ops)
        of(s)->limit = bytes;
}
