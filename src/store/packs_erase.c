/* SPDX-License-Identifier: MIT */
/* Erasing from packs. The index is only a hint, and a document that was withdrawn must be gone also where the index or the
 * header of its member is damaged: unless every member of every pack is in its place, all of them are looked through. */
#include "store/store_packs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct erasing {
    struct vdm_packs *p;
    struct vdm_digest id;
    uint64_t size; /* or VDM_SIZE_UNKNOWN */
};

typedef bool seen_fn(struct erasing *e, uint32_t pack, int fd, const struct vdm_pack_member *m,
                     enum vdm_pack_seen seen, struct vdm_err *err);

static bool open_pack(struct vdm_packs *p, uint32_t number, int *fd, uint64_t *length,
                      struct vdm_err *err)
{
    struct stat st;
    *fd = vdm_packs_open_to_write(p, number);
    if (*fd < 0 || fstat(*fd, &st) != 0)
        return vdm_fail_errno(err, "open packs/%s", vdm_pack_name(number).text);
    *length = vdm_pack_length(st.st_size);
    return S_ISREG(st.st_mode) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "packs/%s: not a file", vdm_pack_name(number).text);
}

static bool scan_pack(struct erasing *e, uint32_t number, seen_fn *f, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_pack_member m;
    enum vdm_pack_seen seen = VDM_PACK_MEMBER;
    uint64_t length;
    if (!open_pack(e->p, number, &fd, &length, err))
        return false;
    struct vdm_pack_scan s = vdm_packs_scan(e->p, fd, 0, length);
    while (seen != VDM_PACK_END)
        if (!vdm_pack_next(&s, &m, &seen, err) ||
            (seen != VDM_PACK_END && !f(e, number, fd, &m, seen, err)))
            return vdm_err_prefix(err, "packs/%s", vdm_pack_name(number).text);
    return true;
}

static bool scan_packs(struct erasing *e, seen_fn *f, struct vdm_err *err)
{
    uint8_t there[VDM_PACKS_MAX / 8];
    bool stop = false;
    if (!vdm_packs_list(e->p, there, NULL, NULL, &stop, err))
        return false;
    for (uint32_t n = 0; n < e->p->packs; n++)
        if ((there[n / 8] >> n % 8 & 1) && !scan_pack(e, n, f, err))
            return false;
    return true;
}

/* --- may the index be believed? --- */

static bool is_led_to(struct erasing *e, uint32_t pack, int fd, const struct vdm_pack_member *m,
                      enum vdm_pack_seen seen, struct vdm_err *err)
{
    bool leads = true, aside;
    (void)fd;
    if (seen == VDM_PACK_MEMBER && !m->withdrawn &&
        !vdm_packs_leads(e->p, m->id, pack, m->offset, &leads, &aside, err))
        return false;
    e->p->sound = e->p->sound && leads && seen == VDM_PACK_MEMBER;
    return true;
}

/* --- one member --- */

/* Does a block that is no header any more stand before the document? */
static bool is_before_it(struct erasing *e, int fd, uint64_t offset, bool *yes, struct vdm_err *err)
{
    const struct vdm_pack_member m = {offset, e->size, false, e->id};
    *yes = false;
    return e->size > VDM_PACK_DOCUMENT_MAX ||
           vdm_pack_good(fd, &m, e->p->base.hash, e->p->base.copy, yes, err);
}

/* Where its size is not known, the index says where it stood, and it reaches to the next member. */
static bool wipe_led_to(struct erasing *e, uint32_t pack, int fd, const struct vdm_pack_member *m,
                        struct vdm_err *err)
{
    bool leads, aside;
    uint64_t most = vdm_pack_span(VDM_PACK_DOCUMENT_MAX);
    uint64_t span = m->size < most ? m->size : most;
    if (e->size != VDM_SIZE_UNKNOWN || span < VDM_PACK_BLOCK)
        return true;
    return vdm_packs_leads(e->p, e->id, pack, m->offset, &leads, &aside, err) &&
           (!leads || vdm_pack_wipe(fd, m->offset, span - VDM_PACK_BLOCK, err));
}

/* In what is no member: a header of the document whose content is other bytes, or its content behind anything. */
static bool wipe_in_damage(struct erasing *e, int fd, const struct vdm_pack_member *m,
                           struct vdm_err *err)
{
    uint64_t end = m->offset + m->size;
    for (uint64_t at = m->offset; at + VDM_PACK_BLOCK <= end; at += VDM_PACK_BLOCK) {
        struct vdm_pack_member here;
        enum vdm_pack_seen seen;
        bool before;
        at = vdm_pack_past_hole(fd, at + VDM_PACK_BLOCK, end) - VDM_PACK_BLOCK;
        if (!vdm_pack_look(fd, at, end, &here, &seen, err) ||
            !is_before_it(e, fd, at, &before, err))
            return false;
        bool named = seen == VDM_PACK_MEMBER && !here.withdrawn && vdm_digest_equal(here.id, e->id);
        if ((named || before) && !vdm_pack_wipe(fd, at, before ? e->size : here.size, err))
            return false;
    }
    return true;
}

static bool wipe_if_it(struct erasing *e, uint32_t pack, int fd, const struct vdm_pack_member *m,
                       enum vdm_pack_seen seen, struct vdm_err *err)
{
    if (seen == VDM_PACK_BROKEN)
        return wipe_led_to(e, pack, fd, m, err) && wipe_in_damage(e, fd, m, err);
    return m->withdrawn || !vdm_digest_equal(m->id, e->id) ||
           vdm_pack_wipe(fd, m->offset, m->size, err);
}

/* --- by the index --- */

/* *mine: nothing of the id is there any more, and the slot may go; also one that leads to something else. */
static bool erase_at(struct erasing *e, struct vdm_pack_place place, bool *mine,
                     struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_pack_member m;
    enum vdm_pack_seen seen;
    uint64_t length;
    struct vdm_err why = {0};
    *mine = true;
    if (place.pack >= VDM_PACKS_MAX)
        return true;
    if (!open_pack(e->p, place.pack, &fd, &length, &why))
        return why.kind == VDM_ERR_NOT_FOUND || vdm_fail_as(err, why.kind, "%s", why.text);
    if (!vdm_pack_look(fd, place.offset, length, &m, &seen, err))
        return false;
    if (seen != VDM_PACK_MEMBER || m.withdrawn)
        return true;
    if (vdm_digest_equal(m.id, e->id))
        return vdm_pack_wipe(fd, place.offset, m.size, err);
    *mine = memcmp(m.id.b, e->id.b, 8) != 0; /* else it is the slot of the other, too */
    return true;
}

static bool erase_by_index(struct erasing *e, struct vdm_err *err)
{
    struct vdm_pack_probe probe;
    struct vdm_pack_place place;
    bool more = true, mine, forgotten = false;
    for (vdm_pack_probe_begin(&e->p->index, e->id, &probe); more;) {
        if (!vdm_pack_probe_next(&e->p->index, &probe, &place, &more, err))
            return false;
        if (!more)
            break;
        if (!erase_at(e, place, &mine, err) ||
            (mine && !vdm_pack_index_forget(&e->p->index, &probe, err)))
            return false;
        forgotten = forgotten || mine;
    }
    return !forgotten || vdm_fd_sync_data(e->p->index.fd, err);
}

bool vdm_packs_erase(struct vdm_packs *p, struct vdm_digest id, uint64_t size_bytes,
                     struct vdm_err *err)
{
    struct erasing e = {p, id, size_bytes};
    if (p->index.fd < 0)
        return true; /* who opened for writing has made one, if there are packs */
    if (!p->sound) {
        p->sound = true;
        if (!scan_packs(&e, is_led_to, err)) {
            p->sound = false;
            return false;
        }
    }
    return (p->sound || scan_packs(&e, wipe_if_it, err)) && erase_by_index(&e, err);
}
