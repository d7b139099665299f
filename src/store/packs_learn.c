/* SPDX-License-Identifier: MIT */
/* What the packs hold, told to their index. */
#include "store/store_packs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool insert(struct vdm_packs *p, const struct vdm_pack_member *m,
                   struct vdm_pack_place place, struct vdm_err *err)
{
    const struct vdm_pack_slot slot = {m->id, place, m->offset + vdm_pack_span(m->size)};
    return vdm_pack_index_insert(&p->index, &slot, 1, err);
}

/* A second member of one digest: one of them was bad, or a writer did not see the other. A good one counts,
 * the later one if both are. */
static bool learn_again(struct vdm_packs *p, int fd, const struct vdm_packed *old,
                        const struct vdm_pack_member *m, struct vdm_pack_place place,
                        struct vdm_err *err)
{
    bool good;
    if (!vdm_pack_good(fd, m, p->base.hash, p->base.copy, &good, err))
        return false;
    if (good && !vdm_pack_index_set_aside(&p->index, &old->probe, old->place, err))
        return false;
    place.aside = !good;
    return insert(p, m, place, err);
}

static bool learn_member(struct vdm_packs *p, int fd, uint32_t number,
                         const struct vdm_pack_member *m, struct vdm_err *err)
{
    struct vdm_pack_place place = {number, m->offset, false};
    struct vdm_packed old;
    bool leads, aside, found;
    if (m->withdrawn)
        return true;
    if (!vdm_packs_leads(p, m->id, number, m->offset, &leads, &aside, err) || leads)
        return leads;
    if (!vdm_packs_find(p, m->id, &old, &found, err))
        return false;
    return found ? learn_again(p, fd, &old, m, place, err) : insert(p, m, place, err);
}

bool vdm_packs_learn(struct vdm_packs *p, int fd, uint32_t number, uint64_t from, bool cut,
                     uint64_t *end, struct vdm_err *err)
{
    struct stat st;
    struct vdm_pack_member m;
    enum vdm_pack_seen seen = VDM_PACK_MEMBER;
    if (fstat(fd, &st) != 0)
        return vdm_fail_errno(err, "stat");
    struct vdm_pack_scan s = vdm_packs_scan(p, fd, from, vdm_pack_length(st.st_size));
    *end = s.length;
    while (seen != VDM_PACK_END) {
        if (!vdm_pack_next(&s, &m, &seen, err) ||
            (seen == VDM_PACK_MEMBER && !learn_member(p, fd, number, &m, err)))
            return false;
        if (!cut || seen != VDM_PACK_BROKEN || s.at != s.length)
            continue;
        if (ftruncate(fd, (off_t)m.offset) != 0)
            return vdm_fail_errno(err, "cut off what was not written to its end");
        *end = m.offset;
    }
    return true;
}

/* All that is in it is in the index, and both are durable: then the mark may say so. */
static bool settle(struct vdm_packs *p, int fd, uint32_t number, uint64_t from, bool cut,
                   struct vdm_err *err)
{
    uint64_t end;
    return vdm_packs_learn(p, fd, number, from, cut, &end, err) && vdm_fd_sync_data(fd, err) &&
           vdm_fd_sync_data(p->index.fd, err) && vdm_pack_index_mark(&p->index, number, end, err);
}

static bool each_pack(struct vdm_packs *p,
                      bool (*f)(struct vdm_packs *, uint32_t, void *, struct vdm_err *), void *ctx,
                      struct vdm_err *err)
{
    uint8_t there[VDM_PACKS_MAX / 8];
    bool stop = false;
    if (!vdm_packs_list(p, there, NULL, NULL, &stop, err))
        return false;
    for (uint32_t n = 0; n < p->packs; n++)
        if ((there[n / 8] >> n % 8 & 1) && !f(p, n, ctx, err))
            return vdm_err_prefix(err, "packs/%s", vdm_pack_name(n).text);
    return true;
}

/* --- anew --- */

static bool learn_all(struct vdm_packs *p, uint32_t number, void *ctx, struct vdm_err *err)
{
    int fd;
    uint64_t length, end;
    (void)ctx;
    /* Nothing is cut off here: what stands at the end may have been acknowledged, and be damaged since. */
    return vdm_packs_open(p, number, &fd, &length, err) && vdm_fd_sync_data(fd, err) &&
           vdm_packs_learn(p, fd, number, 0, false, &end, err) &&
           vdm_pack_index_mark(&p->index, number, end, err);
}

bool vdm_packs_reindex(struct vdm_packs *p, struct vdm_err *err)
{
    struct vdm_pack_index old = p->index;
    if (!vdm_pack_index_make(&p->index, p->dir, err)) {
        p->index = old;
        return false;
    }
    if (!each_pack(p, learn_all, NULL, err) || !vdm_pack_index_publish(&p->index, err)) {
        vdm_pack_index_close(&p->index);
        p->index = old;
        return false;
    }
    vdm_pack_index_close(&old);
    return true;
}

/* --- what was added --- */

/* *fits is false: the pack is shorter than what was durable, or of another archive. */
static bool catch_up(struct vdm_packs *p, uint32_t number, void *ctx, struct vdm_err *err)
{
    bool *fits = ctx;
    struct stat st;
    uint64_t mark;
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (fstatat(p->dir, vdm_pack_name(number).text, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return vdm_fail_errno(err, "stat");
    if (!vdm_pack_index_marked(&p->index, number, &mark, err))
        return false;
    *fits = *fits && mark <= vdm_pack_length(st.st_size);
    if (!*fits || mark == (uint64_t)st.st_size)
        return true;
    fd = openat(p->dir, vdm_pack_name(number).text, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return vdm_fail_errno(err, "open");
    return settle(p, fd, number, mark, true, err);
}

bool vdm_packs_catch_up(struct vdm_packs *p, struct vdm_err *err)
{
    bool fits = true;
    if (!vdm_pack_index_refresh(&p->index, err))
        return false;
    if (p->index.fd < 0) {
        vdm_packs_count(p);
        return p->packs == 0 || vdm_packs_reindex(p, err); /* the first pack brings one */
    }
    return each_pack(p, catch_up, &fits, err) && (fits || vdm_packs_reindex(p, err));
}
