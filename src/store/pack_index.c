/* SPDX-License-Identifier: MIT */
#include "store/pack_index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME         "index"
#define MAGIC        "vidimus-packs-1\n" /* 16 bytes */
#define MAGIC_RECENT "vidimus-packs-2\n" /* with a table of what is recent */
enum {
    AT_BITS = 16,
    AT_COUNTS = 24, /* and what is written with them */
    HEAD = 56,
    AT_MARKS = 4096,
    AT_SLOTS = AT_MARKS + VDM_PACKS_MAX * 8,
};
#define BITS_FIRST 12
#define BITS_MAX   36
/* Of 4 MiB, and so is an index that has none. Putting all of it among 10 million changes most of their pages, once each. */
#define BITS_RECENT 18
#define INDEX_MODE  0664 /* who shares the folder may write */

/* The second half of a slot. An empty slot is zeros; one that was forgotten has this half only. */
#define USED       UINT64_C(1)
#define ASIDE      VDM_SLOT_FLAG
#define BLOCK_AT   2
#define BLOCK_BITS 22
#define PACK_AT    (BLOCK_AT + BLOCK_BITS)

static uint64_t pack_place(struct vdm_pack_place p)
{
    return USED | (p.aside ? ASIDE : 0) | p.offset / 512 << BLOCK_AT | (uint64_t)p.pack << PACK_AT;
}

static struct vdm_pack_place take_place(uint64_t v)
{
    uint64_t blocks = v >> BLOCK_AT & ((UINT64_C(1) << BLOCK_BITS) - 1);
    return (struct vdm_pack_place){(uint32_t)(v >> PACK_AT), blocks * 512, v & ASIDE};
}

/* A load of 0.7 at most keeps the way to a slot short. */
static uint64_t most(const struct vdm_slots *t)
{
    return vdm_slots_count(t) / 10 * 7;
}

static void lay_out(struct vdm_pack_index *x, unsigned bits, bool recent)
{
    x->all = (struct vdm_slots){x->fd, AT_SLOTS, bits};
    x->recent = (struct vdm_slots){x->fd, AT_SLOTS + vdm_slots_count(&x->all) * VDM_SLOT_BYTES,
                                   recent ? BITS_RECENT : 0};
}

static uint64_t size_of(const struct vdm_pack_index *x)
{
    return x->recent.at + (x->recent.bits ? vdm_slots_count(&x->recent) * VDM_SLOT_BYTES : 0);
}

/* Every number of it lies within the file: that was looked at when it was opened. */
static bool read64(const struct vdm_pack_index *x, uint64_t at, uint64_t *v, struct vdm_err *err)
{
    uint8_t b[8];
    size_t got;
    if (!vdm_fd_read_at(x->fd, at, b, sizeof b, &got, err))
        return vdm_err_prefix(err, "packs/index");
    *v = vdm_le64(b);
    return got == sizeof b || vdm_fail(err, "packs/index: cut short");
}

static bool write_bytes(const struct vdm_pack_index *x, uint64_t at, const uint8_t *p, size_t n,
                        struct vdm_err *err)
{
    return vdm_fd_write_at(x->fd, at, (struct vdm_bytes){p, n}, err) ||
           vdm_err_prefix(err, "packs/index");
}

static bool write64(const struct vdm_pack_index *x, uint64_t at, uint64_t v, struct vdm_err *err)
{
    uint8_t b[8];
    vdm_le64_put(b, v);
    return write_bytes(x, at, b, sizeof b, err);
}

/* --- the numbers at its head --- */

/* Slots in use, and the newest member's pack and end: written together. */
struct counts {
    uint64_t all, pack, end, recent;
};

static struct counts take_counts(const uint8_t *p)
{
    return (struct counts){vdm_le64(p), vdm_le64(p + 8), vdm_le64(p + 16), vdm_le64(p + 24)};
}

static bool read_counts(const struct vdm_pack_index *x, struct counts *c, struct vdm_err *err)
{
    uint8_t b[HEAD - AT_COUNTS];
    size_t got;
    if (!vdm_fd_read_at(x->fd, AT_COUNTS, b, sizeof b, &got, err))
        return vdm_err_prefix(err, "packs/index");
    *c = take_counts(b);
    return got == sizeof b || vdm_fail(err, "packs/index: cut short");
}

static bool write_counts(const struct vdm_pack_index *x, const struct counts *c,
                         struct vdm_err *err)
{
    uint8_t b[HEAD - AT_COUNTS];
    vdm_le64_put(b, c->all);
    vdm_le64_put(b + 8, c->pack);
    vdm_le64_put(b + 16, c->end);
    vdm_le64_put(b + 24, c->recent);
    return write_bytes(x, AT_COUNTS, b, sizeof b, err);
}

/* --- opening --- */

static const char *judge(struct vdm_pack_index *x, const uint8_t head[HEAD], uint64_t size)
{
    uint64_t bits = vdm_le64(head + AT_BITS);
    struct counts c = take_counts(head + AT_COUNTS);
    bool recent = memcmp(head, MAGIC_RECENT, 16) == 0;
    if (!recent && memcmp(head, MAGIC, 16) != 0)
        return "it is no index of this version";
    if (bits < BITS_FIRST || bits > BITS_MAX)
        return "its size makes no sense";
    lay_out(x, (unsigned)bits, recent);
    if (size != size_of(x))
        return "it is cut short or too long";
    bool full = c.all >= vdm_slots_count(&x->all) || c.recent >= UINT64_C(1) << BITS_RECENT;
    return full ? "it is full" : NULL;
}

/* Slots are read and written anywhere. What Linux reads ahead comes into its cache in large pieces, and ext4 passes
 * over the whole piece at each write of 16 bytes. */
static void advise(int fd)
{
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
}

bool vdm_pack_index_open(struct vdm_pack_index *x, int dir, bool writable, struct vdm_err *err)
{
    uint8_t head[HEAD] = {0};
    struct stat st;
    size_t got;
    *x = (struct vdm_pack_index){.dir = dir, .fd = -1, .writable = writable};
    x->made = (struct vdm_new_file){.dir = -1, .fd = -1};
    x->fd = openat(dir, NAME, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (x->fd < 0 && (errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO)) {
        x->problem = errno == ENOENT ? "there is none" : "it is not a file";
        return true;
    }
    if (x->fd < 0 || fstat(x->fd, &st) != 0)
        return vdm_fail_errno(err, "open packs/index");
    bool file = S_ISREG(st.st_mode);
    if (file && !vdm_fd_read_at(x->fd, 0, head, sizeof head, &got, err))
        return vdm_err_prefix(err, "packs/index");
    x->problem = file ? judge(x, head, (uint64_t)st.st_size) : "it is not a file";
    if (x->problem)
        vdm_fd_close(&x->fd);
    else
        advise(x->fd);
    return true;
}

bool vdm_pack_index_refresh(struct vdm_pack_index *x, struct vdm_err *err)
{
    struct stat st;
    if (x->made.fd >= 0)
        return true;
    if (x->fd >= 0 && fstat(x->fd, &st) == 0 && st.st_nlink > 0)
        return true;
    vdm_fd_close(&x->fd);
    return vdm_pack_index_open(x, x->dir, x->writable, err);
}

void vdm_pack_index_close(struct vdm_pack_index *x)
{
    if (x->made.fd >= 0)
        x->fd = -1;
    vdm_fd_close(&x->fd);
    vdm_new_file_discard(&x->made);
}

/* --- making --- */

static bool make(struct vdm_pack_index *x, int dir, unsigned bits, struct vdm_err *err)
{
    uint8_t head[HEAD] = {0};
    *x = (struct vdm_pack_index){.dir = dir, .fd = -1, .writable = true};
    x->made = (struct vdm_new_file){.dir = -1, .fd = -1};
    if (!vdm_new_file_recover(dir, NAME, err) ||
        !vdm_new_file_open(&x->made, dir, NAME, INDEX_MODE, err))
        return vdm_err_prefix(err, "packs/index");
    x->fd = x->made.fd;
    advise(x->fd);
    lay_out(x, bits, bits > BITS_RECENT);
    memcpy(head, x->recent.bits ? MAGIC_RECENT : MAGIC, 16);
    vdm_le64_put(head + AT_BITS, bits);
    if (ftruncate(x->fd, (off_t)size_of(x)) == 0 && write_bytes(x, 0, head, sizeof head, err))
        return true;
    vdm_fail_errno(err, "make packs/index");
    vdm_pack_index_close(x);
    return false;
}

bool vdm_pack_index_make(struct vdm_pack_index *x, int dir, struct vdm_err *err)
{
    return make(x, dir, BITS_FIRST, err);
}

bool vdm_pack_index_publish(struct vdm_pack_index *x, struct vdm_err *err)
{
    bool ok = vdm_new_file_publish(&x->made, true, err) || vdm_err_prefix(err, "packs/index");
    x->fd = -1; /* it was the new file's */
    return ok && vdm_pack_index_open(x, x->dir, true, err);
}

/* --- marks --- */

bool vdm_pack_index_marked(const struct vdm_pack_index *x, uint32_t pack, uint64_t *length,
                           struct vdm_err *err)
{
    return read64(x, AT_MARKS + (uint64_t)pack * 8, length, err);
}

bool vdm_pack_index_mark(struct vdm_pack_index *x, uint32_t pack, uint64_t length,
                         struct vdm_err *err)
{
    return write64(x, AT_MARKS + (uint64_t)pack * 8, length, err);
}

/* --- slots --- */

static const struct vdm_slots *table_of(const struct vdm_pack_index *x,
                                        const struct vdm_pack_probe *p)
{
    return p->recent ? &x->recent : &x->all;
}

void vdm_pack_probe_begin(const struct vdm_pack_index *x, struct vdm_digest id,
                          struct vdm_pack_probe *p)
{
    p->recent = x->recent.bits > 0;
    vdm_slots_begin(table_of(x, p), vdm_be64(id.b), &p->slots);
}

bool vdm_pack_probe_next(const struct vdm_pack_index *x, struct vdm_pack_probe *p,
                         struct vdm_pack_place *place, bool *found, struct vdm_err *err)
{
    uint64_t key = 0, value = 0;
    do {
        if (!vdm_slots_next(table_of(x, p), &p->slots, &key, &value, err))
            return false;
        if (!value && p->recent) {
            p->recent = false;
            vdm_slots_begin(&x->all, p->slots.key, &p->slots);
            value = ASIDE; /* go on there */
        }
    } while (value && (key != p->slots.key || !(value & USED)));
    *found = value != 0;
    *place = take_place(value);
    return true;
}

struct moved {
    uint64_t all, added;
};

/* Those of one table into another. */
static bool add_all(const struct vdm_slots *from, const struct vdm_slots *to, struct moved *n,
                    struct vdm_err *err)
{
    struct vdm_slots_probe p;
    struct vdm_slots_window w = {.t = to};
    for (vdm_slots_begin_all(from, &p); p.left;) {
        uint64_t key, value;
        bool added;
        if (!vdm_slots_next(from, &p, &key, &value, err))
            return false;
        if (!(value & USED))
            continue;
        if (!vdm_slots_add_next(&w, key, value, &added, err))
            return false;
        n->all++;
        n->added += added;
    }
    return vdm_slots_write(&w, err);
}

/* --- another size --- */

static bool copy_marks(const struct vdm_pack_index *from, const struct vdm_pack_index *to,
                       struct vdm_err *err)
{
    uint8_t piece[4096];
    for (uint64_t at = AT_MARKS; at < AT_SLOTS; at += sizeof piece) {
        size_t got;
        if (!vdm_fd_read_at(from->fd, at, piece, sizeof piece, &got, err) ||
            !write_bytes(to, at, piece, got, err))
            return false;
    }
    return true;
}

static bool copy_slots(const struct vdm_pack_index *from, const struct vdm_pack_index *to,
                       struct vdm_err *err)
{
    struct moved n = {0};
    if (!add_all(&from->all, &to->all, &n, err) ||
        (from->recent.bits && !add_all(&from->recent, &to->all, &n, err)))
        return false;
    const struct counts c = {.all = n.added};
    return write_counts(to, &c, err);
}

/* One that has room for more takes its place. Who has the old one open sees that it lost its name. */
static bool replace(struct vdm_pack_index *x, unsigned bits, struct vdm_err *err)
{
    struct vdm_pack_index other;
    bool aside = x->made.fd >= 0;
    if (bits > BITS_MAX)
        return vdm_fail(err, "packs/index: too many documents");
    if (!make(&other, x->dir, bits, err))
        return false;
    if (!copy_marks(x, &other, err) || !copy_slots(x, &other, err) ||
        (!aside && !vdm_pack_index_publish(&other, err))) {
        vdm_pack_index_close(&other);
        return false;
    }
    vdm_pack_index_close(x);
    *x = other;
    return true;
}

/* --- what is recent --- */

static bool clear(const struct vdm_pack_index *x, const struct vdm_slots *t, struct vdm_err *err)
{
    static const uint8_t zeros[64 << 10];
    uint64_t end = t->at + vdm_slots_count(t) * VDM_SLOT_BYTES;
    for (uint64_t at = t->at; at < end; at += sizeof zeros)
        if (!write_bytes(x, at, zeros, sizeof zeros, err))
            return false;
    return true;
}

/* At any moment, after a loss of power too, every slot is in one of the two. What was broken off is done again: a slot may
 * then be in both, or be counted twice, but none is in use and not counted. */
static bool settle(const struct vdm_pack_index *x, struct counts *c, struct vdm_err *err)
{
    struct moved n = {0};
    if (!add_all(&x->recent, &x->all, &n, err))
        return false;
    c->all += n.all;
    if (!write_counts(x, c, err) || !vdm_fd_sync_data(x->fd, err) || !clear(x, &x->recent, err) ||
        !vdm_fd_sync_data(x->fd, err))
        return false;
    c->recent = 0;
    return write_counts(x, c, err);
}

/* --- inserting --- */

static bool make_room(struct vdm_pack_index *x, size_t n, struct counts *c, struct vdm_err *err)
{
    for (;;) {
        if (!read_counts(x, c, err))
            return false;
        bool large = x->all.bits > BITS_RECENT;
        if (c->all + c->recent + n > most(&x->all)) {
            if (!replace(x, x->all.bits + 1, err))
                return false;
        } else if (large && !x->recent.bits) {
            if (!replace(x, x->all.bits, err))
                return false;
        } else if (large && c->recent + n > most(&x->recent)) {
            if (!settle(x, c, err))
                return false;
        } else {
            return true;
        }
    }
}

bool vdm_pack_index_insert(struct vdm_pack_index *x, const struct vdm_pack_slot *slot, size_t n,
                           struct vdm_err *err)
{
    struct counts c;
    bool added;
    if (!make_room(x, n, &c, err))
        return false;
    bool recent = x->recent.bits > 0;
    /* The slots first: where one is missing, the end must not say that none is. */
    for (size_t i = 0; i < n; i++)
        if (!vdm_slots_add(recent ? &x->recent : &x->all, vdm_be64(slot[i].id.b),
                           pack_place(slot[i].place), &added, err))
            return false;
    *(recent ? &c.recent : &c.all) += n;
    c.pack = slot[n - 1].place.pack;
    c.end = slot[n - 1].end;
    return write_counts(x, &c, err);
}

bool vdm_pack_index_ends(const struct vdm_pack_index *x, uint32_t pack, uint64_t length, bool *ends,
                         struct vdm_err *err)
{
    struct counts c;
    if (!read_counts(x, &c, err))
        return false;
    *ends = c.pack == pack && c.end == length;
    return true;
}

static bool put_again(const struct vdm_pack_index *x, const struct vdm_pack_probe *p, uint64_t key,
                      uint64_t value, struct vdm_err *err)
{
    return vdm_slots_put(table_of(x, p), p->slots.found, key, value, err);
}

bool vdm_pack_index_set_aside(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                              struct vdm_pack_place place, struct vdm_err *err)
{
    place.aside = true;
    return put_again(x, p, p->slots.key, pack_place(place), err);
}

bool vdm_pack_index_insist(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                           struct vdm_pack_place place, struct vdm_err *err)
{
    place.aside = false;
    return put_again(x, p, p->slots.key, pack_place(place), err);
}

/* Nothing of the digest stays; the slot does, so that those behind it are found. */
bool vdm_pack_index_forget(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                           struct vdm_err *err)
{
    return put_again(x, p, 0, ASIDE, err);
}
