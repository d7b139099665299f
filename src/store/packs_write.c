/* SPDX-License-Identifier: MIT */
/* Appending to packs, and making that durable. */
#include "store/store_packs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACK_MODE 0664 /* the folder decides who may read and, where a group shares it, append */

/* --- appending --- */

int vdm_packs_open_to_write(struct vdm_packs *p, uint32_t number)
{
    return openat(p->dir, vdm_pack_name(number).text, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* Its name is durable before anything in it is. */
static bool begin_pack(struct vdm_packs *p, struct vdm_err *err)
{
    if (p->active >= 0 && !vdm_packs_sync(p, err)) {
        p->base.failed = true;
        return false;
    }
    vdm_fd_close(&p->active);
    for (;;) {
        vdm_packs_count(p);
        if (p->packs >= VDM_PACKS_MAX)
            return vdm_fail(err, "there are %d packs already", VDM_PACKS_MAX);
        p->active = openat(p->dir, vdm_pack_name(p->packs).text,
                           O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, PACK_MODE);
        if (p->active < 0 && errno != EEXIST)
            return vdm_fail_errno(err, "create packs/%s", vdm_pack_name(p->packs).text);
        if (p->active < 0)
            continue;
        p->active_number = p->packs++;
        p->active_end = 0;
        return vdm_fd_share(p->dir, p->active, PACK_MODE, err) && vdm_fd_sync(p->dir, err);
    }
}

/* The newest pack is the one that is appended to. One that cannot be opened so (of another user, say) is
 * left as it is. */
static bool use_newest(struct vdm_packs *p, struct vdm_err *err)
{
    struct stat st;
    vdm_packs_count(p);
    if (p->active >= 0 && p->active_number + 1 == p->packs)
        return true;
    if (p->active >= 0 && !vdm_packs_sync(p, err)) {
        p->base.failed = true;
        return false;
    }
    vdm_fd_close(&p->active);
    if (p->packs == 0)
        return begin_pack(p, err);
    p->active = vdm_packs_open_to_write(p, p->packs - 1);
    if (p->active >= 0 && (fstat(p->active, &st) != 0 || !S_ISREG(st.st_mode)))
        vdm_fd_close(&p->active);
    if (p->active < 0)
        return begin_pack(p, err);
    p->active_number = p->packs - 1;
    return vdm_pack_index_marked(&p->index, p->active_number, &p->active_end, err);
}

/* What others left half done is looked at, and where it is only what others appended, passed over. */
static bool find_end(struct vdm_packs *p, struct vdm_err *err)
{
    struct stat st;
    bool ends;
    if (fstat(p->active, &st) != 0)
        return vdm_fail_errno(err, "stat");
    uint64_t length = (uint64_t)st.st_size;
    if (length == p->active_end)
        return true;
    if (!vdm_pack_index_ends(&p->index, p->active_number, length, &ends, err))
        return false;
    if (!ends)
        return vdm_packs_learn(p, p->active, p->active_number, p->active_end, true, &p->active_end,
                               err);
    p->active_end = length;
    return true;
}

/* Where the next member goes. */
static bool make_room(struct vdm_packs *p, uint64_t span, struct vdm_err *err)
{
    if (!use_newest(p, err) || !find_end(p, err))
        return false;
    bool fits = p->active_end % VDM_PACK_BLOCK == 0 &&
                (p->active_end == 0 || p->active_end + span <= p->limit);
    return fits || begin_pack(p, err);
}

/* The disk begins with what is whole, whoever appended it, so that the sync finds little left to do; and so it is the sync
 * that fails where the disk does. */
#define WRITE_BEHIND_BYTES (UINT64_C(4) << 20)

static void write_behind(struct vdm_packs *p, uint64_t before, uint64_t end)
{
    uint64_t from = before / WRITE_BEHIND_BYTES * WRITE_BEHIND_BYTES;
    uint64_t to = end / WRITE_BEHIND_BYTES * WRITE_BEHIND_BYTES;
    if (to > from && !vdm_fd_begin_writing(p->active, from, to, NULL))
        p->base.failed = true;
}

/* All of them, or none. */
static bool append_there(struct vdm_packs *p, const struct vdm_pack_new *member, size_t n,
                         struct vdm_err *err)
{
    struct vdm_pack_slot slot[VDM_PACK_TOGETHER];
    uint64_t at = p->active_end;
    for (size_t i = 0; i < n; i++) {
        slot[i].id = member[i].id;
        slot[i].place = (struct vdm_pack_place){p->active_number, at, false};
        slot[i].end = at += vdm_pack_span(member[i].document.n);
    }
    if (!vdm_pack_append(p->active, p->active_end, member, n, err))
        return vdm_err_prefix(err, "packs/%s", vdm_pack_name(p->active_number).text);
    /* The slots last: who finds one finds the whole member. */
    if (!vdm_pack_index_insert(&p->index, slot, n, err)) {
        int ignored = ftruncate(p->active, (off_t)p->active_end);
        (void)ignored;
        return false;
    }
    write_behind(p, p->active_end, at);
    p->active_end = at;
    return true;
}

/* How many of them one call may write, behind the first, for which there is room. */
static size_t fitting(const struct vdm_packs *p, const struct vdm_pack_new *member, size_t n)
{
    uint64_t end = p->active_end + vdm_pack_span(member[0].document.n);
    size_t i = 1;
    while (i < n && i < VDM_PACK_TOGETHER &&
           (end += vdm_pack_span(member[i].document.n)) <= p->limit)
        i++;
    return i;
}

bool vdm_packs_append(struct vdm_packs *p, const struct vdm_pack_new *member, size_t n,
                      size_t *done, struct vdm_err *err)
{
    *done = 0;
    if (p->index.fd < 0 && !vdm_packs_reindex(p, err))
        return false;
    while (*done < n) {
        const struct vdm_pack_new *next = member + *done;
        if (!make_room(p, vdm_pack_span(next->document.n), err))
            return false;
        size_t k = fitting(p, next, n - *done);
        /* Where the disk is nearly full, there may be room for some of them. */
        if (!append_there(p, next, k, err) && (k == 1 || !append_there(p, next, k = 1, err)))
            return false;
        *done += k;
    }
    return true;
}

/* --- durable --- */

/* The mark moves on only after both are durable. It need not be durable itself. */
static bool move_mark(struct vdm_packs *p, uint32_t number, uint64_t end, struct vdm_err *err)
{
    uint64_t mark;
    return vdm_pack_index_refresh(&p->index, err) && p->index.fd >= 0 &&
           vdm_pack_index_marked(&p->index, number, &mark, err) &&
           (mark >= end || vdm_pack_index_mark(&p->index, number, end, err));
}

/* A put that found its document there already answers for it, too: it may be in a pack that another
 * process has just begun. Older packs were synced before the next one was begun. */
static bool sync_newest(struct vdm_packs *p, struct vdm_err *err)
{
    int fd;
    uint64_t length;
    vdm_packs_count(p);
    if (!p->touched || p->packs == 0 || (p->active >= 0 && p->active_number + 1 == p->packs))
        return true;
    return vdm_packs_open(p, p->packs - 1, &fd, &length, err) && vdm_fd_sync_data(fd, err);
}

bool vdm_packs_sync(struct vdm_packs *p, struct vdm_err *err)
{
    uint64_t end = p->active_end;
    if (p->active >= 0 && !vdm_fd_sync_data(p->active, err))
        return false;
    if (!sync_newest(p, err))
        return false;
    p->touched = false;
    if (p->active < 0)
        return true;
    return vdm_pack_index_refresh(&p->index, err) &&
           (p->index.fd < 0 ||
            (vdm_fd_sync_data(p->index.fd, err) && move_mark(p, p->active_number, end, err)));
}

/* --- taking away --- */

bool vdm_packs_set_aside(struct vdm_packs *p, struct vdm_digest id, struct vdm_err *err)
{
    struct vdm_pack_probe probe;
    struct vdm_pack_place place;
    bool more = true;
    if (p->index.fd < 0)
        return true;
    for (vdm_pack_probe_begin(&p->index, id, &probe); more;)
        if (!vdm_pack_probe_next(&p->index, &probe, &place, &more, err) ||
            (more && !place.aside && !vdm_pack_index_set_aside(&p->index, &probe, place, err)))
            return false;
    return true;
}
