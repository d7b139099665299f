/* SPDX-License-Identifier: MIT */
/* Finding a document in the packs. */
#include "base/limits.h"
#include "base/text.h"
#include "base/time.h"
#include "store/store_packs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Members behind the marks that a reader looks through for one digest. */
#define TAIL_MEMBERS_MAX 65536
/* And for all that are asked of one handle. */
#define TAIL_LOOKS_MAX (1u << 20)

bool vdm_packs_lock(struct vdm_packs *p, int *locked, struct vdm_err *err)
{
    int result;
    do
        result = flock(p->dir, LOCK_EX);
    while (result != 0 && errno == EINTR);
    if (result != 0)
        return vdm_fail_errno(err, "lock packs");
    *locked = p->dir;
    return true;
}

void vdm_packs_unlock(int *locked)
{
    if (*locked >= 0)
        flock(*locked, LOCK_UN);
    *locked = -1;
}

/* --- packs --- */

struct vdm_pack_name vdm_pack_name(uint32_t number)
{
    struct vdm_pack_name n;
    snprintf(n.text, sizeof n.text, "%06u.tar", number % 1000000);
    return n;
}

uint64_t vdm_pack_length(off_t size)
{
    return (uint64_t)size < VDM_PACK_MOST ? (uint64_t)size : VDM_PACK_MOST;
}

static bool number_of(const char *name, uint32_t *number)
{
    uint32_t n = 0;
    for (int i = 0; i < 6; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        n = n * 10 + (uint32_t)(name[i] - '0');
    }
    *number = n;
    return strcmp(name + 6, ".tar") == 0 && n < VDM_PACKS_MAX;
}

void vdm_packs_count(struct vdm_packs *p)
{
    while (p->packs < VDM_PACKS_MAX &&
           faccessat(p->dir, vdm_pack_name(p->packs).text, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        p->packs++;
}

static bool meet(struct vdm_packs *p, const char *name, uint8_t *there, vdm_store_visit_fn *visit,
                 void *ctx, bool *stop, struct vdm_err *err)
{
    struct stat st;
    uint32_t n;
    char path[8 + 256];
    bool file = fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (file && strcmp(name, "index") == 0))
        return true;
    if (file && number_of(name, &n)) {
        there[n / 8] |= (uint8_t)(1u << n % 8);
        p->packs = n >= p->packs ? n + 1 : p->packs;
        return true;
    }
    if (!visit || strncmp(name, ".index.", 7) == 0) /* one that is being made */
        return true;
    snprintf(path, sizeof path, "packs/%s", name);
    struct vdm_store_item item = {.stranger = path};
    return visit(ctx, &item, stop, err);
}

bool vdm_packs_list(struct vdm_packs *p, uint8_t there[VDM_PACKS_MAX / 8],
                    vdm_store_visit_fn *visit, void *ctx, bool *stop, struct vdm_err *err)
{
    int fd = openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    bool ok = true;
    memset(there, 0, VDM_PACKS_MAX / 8);
    if (!d) {
        vdm_fail_errno(err, "list packs");
        vdm_fd_close(&fd);
        return false;
    }
    for (errno = 0; ok && !*stop && (e = readdir(d)); errno = 0)
        ok = meet(p, e->d_name, there, visit, ctx, stop, err);
    if (ok && !*stop && errno)
        ok = vdm_fail_errno(err, "list packs");
    closedir(d);
    return ok;
}

void vdm_pack_let_go(struct vdm_pack_in_hand *h)
{
    if (!h || --h->users)
        return;
    vdm_fd_close(&h->fd);
    free(h);
}

static bool ask_length(struct vdm_pack_in_hand *h, struct vdm_err *err)
{
    struct stat st;
    if (fstat(h->fd, &st) != 0)
        return vdm_fail_errno(err, "stat packs/%s", vdm_pack_name(h->number).text);
    h->length = vdm_pack_length(st.st_size);
    return true;
}

static bool open_pack(struct vdm_packs *p, uint32_t number, struct vdm_pack_in_hand **out,
                      struct vdm_err *err)
{
    struct vdm_pack_in_hand *h = malloc(sizeof *h);
    if (!h)
        return vdm_fail_memory(err);
    *h = (struct vdm_pack_in_hand){.number = number, .users = 1, .of = p};
    if (!vdm_file_open(p->dir, vdm_pack_name(number).text, false, &h->fd, err)) {
        free(h);
        return vdm_err_prefix(err, "packs/%s", vdm_pack_name(number).text);
    }
    if (!ask_length(h, err)) {
        vdm_pack_let_go(h);
        return false;
    }
    *out = h;
    return true;
}

/* Its length is what it was when it was asked for last. */
static bool take_in_hand(struct vdm_packs *p, uint32_t number, struct vdm_pack_in_hand **out,
                         struct vdm_err *err)
{
    struct vdm_pack_in_hand **h = &p->in_hand[number % VDM_PACKS_IN_HAND];
    if (!*h || (*h)->number != number) {
        vdm_pack_let_go(*h);
        *h = NULL;
        if (!open_pack(p, number, h, err))
            return false;
    }
    *out = *h;
    return true;
}

bool vdm_packs_open(struct vdm_packs *p, uint32_t number, int *fd, uint64_t *length,
                    struct vdm_err *err)
{
    struct vdm_pack_in_hand *h;
    if (!take_in_hand(p, number, &h, err) || !ask_length(h, err))
        return false;
    *fd = h->fd;
    *length = h->length;
    return true;
}

struct vdm_pack_scan vdm_packs_scan(struct vdm_packs *p, int fd, uint64_t from, uint64_t length)
{
    return (struct vdm_pack_scan){
        .fd = fd, .hash = p->base.hash, .copy = p->base.copy, .at = from, .length = length};
}

/* --- digests --- */

#define AHEAD_MS 1000

/* From this place on, of what was read before. */
static struct vdm_bytes read_before(const struct vdm_pack_ahead *a,
                                    const struct vdm_pack_place *place)
{
    if (place->pack != a->pack || place->offset - a->at > a->n)
        return (struct vdm_bytes){0};
    return vdm_bytes_skip((struct vdm_bytes){a->p, a->n}, (size_t)(place->offset - a->at));
}

/* Is the whole member there, behind the one that was had last? */
static bool was_read(const struct vdm_packs *p, struct vdm_packed *f, enum vdm_pack_seen *seen)
{
    f->ahead = read_before(&p->ahead, &f->place);
    if (p->base.writable || f->ahead.n < VDM_PACK_BLOCK || f->place.offset < p->ahead.next ||
        vdm_clock_ms() - p->ahead.read_ms > AHEAD_MS)
        return false;
    vdm_pack_judge(f->ahead, f->place.offset, f->pack->length, &f->m, seen);
    return *seen == VDM_PACK_MEMBER && f->ahead.n - VDM_PACK_BLOCK >= f->m.size;
}

static bool look_ahead(struct vdm_packs *p, struct vdm_packed *f, enum vdm_pack_seen *seen,
                       struct vdm_err *err)
{
    struct vdm_pack_ahead *a = &p->ahead;
    bool had = was_read(p, f, seen), goes_on = !p->base.writable && f->ahead.p;
    a->next = f->place.offset + 1;
    if (had)
        return true;
    a->turn++;
    a->pack = f->place.pack;
    a->at = f->place.offset;
    a->read_ms = vdm_clock_ms();
    if (!vdm_fd_read_at(f->fd, a->at, a->p, goes_on ? VDM_PACK_AHEAD : VDM_PACK_ALONG, &a->n, NULL))
        a->n = 0; /* it may be a neighbour that the disk does not give */
    f->ahead = (struct vdm_bytes){a->p, a->n};
    if (a->n == 0)
        return vdm_pack_look(f->fd, f->place.offset, f->pack->length, &f->m, seen, err);
    vdm_pack_judge(f->ahead, a->at, f->pack->length, &f->m, seen);
    return true;
}

static bool look_once(struct vdm_packs *p, struct vdm_packed *f, enum vdm_pack_seen *seen,
                      struct vdm_err *err)
{
    return (p->reads_ahead
                ? look_ahead(p, f, seen, err)
                : vdm_pack_look(f->fd, f->place.offset, f->pack->length, &f->m, seen, err)) ||
           vdm_err_prefix(err, "packs/%s", vdm_pack_name(f->place.pack).text);
}

/* What stands there. The pack may have grown since its length was asked for. */
static bool look(struct vdm_packs *p, struct vdm_packed *f, enum vdm_pack_seen *seen,
                 struct vdm_err *err)
{
    if (!take_in_hand(p, f->place.pack, &f->pack, err))
        return false;
    f->fd = f->pack->fd;
    return look_once(p, f, seen, err) &&
           (*seen == VDM_PACK_MEMBER || (ask_length(f->pack, err) && look_once(p, f, seen, err)));
}

/* What the slot leads to: *ours, or *broken. */
static bool follow(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *f, bool *ours,
                   bool *broken, struct vdm_err *err)
{
    struct vdm_err why = {0};
    enum vdm_pack_seen seen;
    *ours = *broken = false;
    if (f->place.pack >= VDM_PACKS_MAX)
        return true;
    if (!look(p, f, &seen, &why))
        return why.kind == VDM_ERR_NOT_FOUND || vdm_fail_as(err, why.kind, "%s", why.text);
    *broken = seen == VDM_PACK_BROKEN;
    *ours = seen == VDM_PACK_MEMBER && !f->m.withdrawn && vdm_digest_equal(f->m.id, id);
    return true;
}

static bool find_by_index(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *out,
                          bool *found, struct vdm_err *err)
{
    struct vdm_packed f = {.fd = -1};
    bool more = true;
    *found = false;
    for (vdm_pack_probe_begin(&p->index, id, &f.probe); more;) {
        bool ours, broken;
        if (!vdm_pack_probe_next(&p->index, &f.probe, &f.place, &more, err))
            return false;
        if (!more || f.place.aside)
            continue;
        if (!follow(p, id, &f, &ours, &broken, err))
            return false;
        if (!ours && !broken)
            continue;
        f.broken = broken;
        *out = f;
        *found = true;
        if (ours)
            return true;
    }
    return true;
}

static bool find_in_tail(struct vdm_packs *p, struct vdm_digest id, uint32_t number, uint64_t from,
                         struct vdm_packed *out, bool *found, struct vdm_err *err)
{
    int fd;
    uint64_t length;
    struct vdm_pack_member m;
    enum vdm_pack_seen seen = VDM_PACK_MEMBER;
    if (!vdm_packs_open(p, number, &fd, &length, err))
        return false;
    struct vdm_pack_scan s = vdm_packs_scan(p, fd, from, length);
    for (unsigned i = 0; seen != VDM_PACK_END; i++) {
        if (i == TAIL_MEMBERS_MAX || ++p->tail_looks > TAIL_LOOKS_MAX)
            return vdm_fail(err, "packs/index is older than the packs: run `vidimus recover`");
        if (!vdm_pack_next(&s, &m, &seen, err))
            return false;
        if (seen != VDM_PACK_MEMBER || m.withdrawn || !vdm_digest_equal(m.id, id))
            continue;
        out->m = m; /* the last one: if there are several, it mends the others */
        out->place = (struct vdm_pack_place){number, m.offset, false};
        out->broken = false;
        *found = true;
    }
    out->ahead = (struct vdm_bytes){0};
    if (!*found || !take_in_hand(p, number, &out->pack, err))
        return !*found;
    out->fd = out->pack->fd;
    return true;
}

/* Slots of what was not yet synced may be lost with the power, or the index may be of an older copy. Who
 * writes has made up for that when it was opened; who reads looks behind the marks. Packs are filled one
 * after the other, so the newest that has no more than its mark ends the search. */
static bool find_behind_marks(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *out,
                              bool *found, struct vdm_err *err)
{
    vdm_packs_count(p);
    for (uint32_t n = p->packs; n-- > 0 && !*found;) {
        uint64_t mark, length;
        int fd;
        struct vdm_err why = {0};
        if (!vdm_pack_index_marked(&p->index, n, &mark, err))
            return false;
        if (!vdm_packs_open(p, n, &fd, &length, &why)) {
            if (why.kind != VDM_ERR_NOT_FOUND)
                return vdm_fail_as(err, why.kind, "%s", why.text);
            continue;
        }
        if (length == mark)
            return true;
        if (length < mark)
            return vdm_fail(err, "packs/index is not of these packs: run `vidimus reindex`");
        if (!find_in_tail(p, id, n, mark, out, found, err))
            return false;
    }
    return true;
}

/* A large one is no member of any pack: the tails need not be read for it. */
static bool is_a_file(struct vdm_packs *p, struct vdm_digest id)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    return p->files->ops->get(p->files, id, &r, NULL);
}

bool vdm_packs_find(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *out, bool *found,
                    struct vdm_err *err)
{
    *found = false;
    if (!vdm_pack_index_refresh(&p->index, err))
        return false;
    if (p->index.fd < 0) {
        vdm_packs_count(p);
        if (p->packs == 0)
            return true;
        /* Another may have begun the first pack since: its index was there before it. */
        if (!vdm_pack_index_refresh(&p->index, err))
            return false;
    }
    if (p->index.fd < 0)
        return vdm_fail(err, "packs/index: %s; `vidimus reindex` makes it", p->index.problem);
    return find_by_index(p, id, out, found, err) &&
           (*found || p->base.writable || is_a_file(p, id) ||
            find_behind_marks(p, id, out, found, err));
}

bool vdm_packs_look_up(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *out,
                       bool *found, struct vdm_err *err)
{
    *found = false;
    return p->index.fd < 0 || find_by_index(p, id, out, found, err);
}

bool vdm_packs_leads(struct vdm_packs *p, struct vdm_digest id, uint32_t pack, uint64_t offset,
                     bool *leads, bool *aside, struct vdm_err *err)
{
    struct vdm_pack_probe probe;
    struct vdm_pack_place place;
    bool more = true;
    *leads = *aside = false;
    if (p->index.fd < 0)
        return true;
    for (vdm_pack_probe_begin(&p->index, id, &probe); more && !*leads;) {
        if (!vdm_pack_probe_next(&p->index, &probe, &place, &more, err))
            return false;
        *leads = more && place.pack == pack && place.offset == offset;
        *aside = *leads && place.aside;
    }
    return true;
}
