/* SPDX-License-Identifier: MIT */
#include "store/store_inspect.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct inspecting {
    struct vdm_store *s;
    struct vdm_digest id;
    uint64_t expected;
    vdm_store_tick_fn *tick;
    void *ctx;
    struct vdm_inspection *out;
};

/* What the object was opened on and is now: another file, or one that is written to, differs. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* A lease for reading is refused while anybody has the file open for writing. Only the owner may ask;
 * for others the times of the file must do. */
static bool open_for_writing(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

static bool hash_all(struct inspecting *i, struct vdm_store_reader *r, uint64_t *total,
                     struct vdm_digest *digest, struct vdm_err *err)
{
    size_t got = 0;
    bool ok;
    *total = 0;
    do {
        ok = r->read(r, i->s->copy, VDM_COPY_BYTES, &got, err);
        if (!ok)
            break;
        vdm_hash_update(i->s->hash, (struct vdm_bytes){i->s->copy, got});
        *total += got;
        i->out->read += got;
        if (i->tick && got)
            i->tick(i->ctx, got);
    } while (got && *total <= r->size_bytes); /* one that grows for ever must not hold us */
    *digest = vdm_hash_end(i->s->hash);
    return ok;
}

/* What one reading says. */
static bool read_once(struct inspecting *i, struct vdm_err *err)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {.fd = -1};
    struct vdm_inspection *out = i->out;
    struct stat before = {0}, after = {0};
    struct vdm_err why = {0};
    if (!i->s->ops->get(i->s, i->id, &r, &why)) {
        if (vdm_err_is_memory(&why))
            return vdm_fail_memory(err);
        out->state = why.kind == VDM_ERR_NOT_FOUND ? VDM_INSPECTED_MISSING
                     : why.kind == VDM_ERR_REFUSED ? VDM_INSPECTED_NOT_A_FILE
                                                   : VDM_INSPECTED_UNREADABLE;
        snprintf(out->problem, sizeof out->problem, "%.190s", why.text);
        return true;
    }
    r.ahead = (struct vdm_bytes){0}; /* it is the disk that is asked */
    if (r.fd >= 0) {
        posix_fadvise(r.fd, (off_t)r.at, (off_t)(r.end - r.at), POSIX_FADV_DONTNEED);
        fstat(r.fd, &before);
    }
    if (!hash_all(i, &r, &out->found_size, &out->found, &why)) {
        out->state = VDM_INSPECTED_UNREADABLE;
        snprintf(out->problem, sizeof out->problem, "%.190s", why.text);
        return true;
    }
    bool fits = i->expected == VDM_SIZE_UNKNOWN || i->expected == out->found_size;
    if (fits && vdm_digest_equal(out->found, i->id)) {
        out->state = VDM_INSPECTED_GOOD;
        return true;
    }
    /* A pack is appended to all the time; that says nothing of one member. */
    bool busy = r.fd >= 0 && !r.window &&
                (fstat(r.fd, &after) != 0 || !same_file(&before, &after) || open_for_writing(r.fd));
    out->state = busy ? VDM_INSPECTED_BUSY : VDM_INSPECTED_CHANGED;
    return true;
}

/* While a bad object makes room for a good one there is a moment in which there is none; and a page of
 * memory that went bad reads otherwise once it is read anew. */
bool vdm_store_inspect(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                       unsigned pause_us, vdm_store_tick_fn *tick, void *ctx,
                       struct vdm_inspection *out, struct vdm_err *err)
{
    *out = (struct vdm_inspection){.state = VDM_INSPECTED_GOOD};
    struct inspecting i = {s, id, size_bytes, tick, ctx, out};
    if (!read_once(&i, err))
        return false;
    if (out->state == VDM_INSPECTED_GOOD || out->state == VDM_INSPECTED_NOT_A_FILE)
        return true;
    enum vdm_inspected first = out->state;
    usleep(pause_us);
    if (!read_once(&i, err))
        return false;
    if (out->state == VDM_INSPECTED_GOOD &&
        (first == VDM_INSPECTED_CHANGED || first == VDM_INSPECTED_UNREADABLE))
        out->state = VDM_INSPECTED_UNSTEADY;
    else if (first == VDM_INSPECTED_BUSY && out->state == VDM_INSPECTED_CHANGED)
        out->state = VDM_INSPECTED_BUSY; /* it stood still in between */
    return true;
}
