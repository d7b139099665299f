/* SPDX-License-Identifier: MIT */
#include "store/pack_index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME  "index"
#define MAGIC "vidimus-packs-1\n" /* 16 bytes */
enum {
    AT_BITS = 16,
    AT_COUNT = 24, /* and behind it, written together: the newest member's pack, its end */
    LAST = 24,
    AT_MARKS = 4096,
    AT_SLOTS = AT_MARKS + VDM_PACKS_MAX * 8,
    SLOT = 16,
};
#define BITS_FIRST 12
#define BITS_MAX   36
#define INDEX_MODE 0664 /* who shares the folder may write */

/* The second half of a slot. An empty slot is zeros; one that was forgotten has this half only. */
#define USED       UINT64_C(1)
#define ASIDE      UINT64_C(2)
#define BLOCK_AT   2
#define BLOCK_BITS 22
#define PACK_AT    (BLOCK_AT + BLOCK_BITS)

static uint64_t take64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++, v >>= 8)
        p[i] = (uint8_t)v;
}

static uint64_t key_of(struct vdm_digest id)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | id.b[i];
    return v;
}

static uint64_t pack_place(struct vdm_pack_place p)
{
    return USED | (p.aside ? ASIDE : 0) | p.offset / 512 << BLOCK_AT | (uint64_t)p.pack << PACK_AT;
}

static struct vdm_pack_place take_place(uint64_t v)
{
    uint64_t blocks = v >> BLOCK_AT & ((UINT64_C(1) << BLOCK_BITS) - 1);
    return (struct vdm_pack_place){(uint32_t)(v >> PACK_AT), blocks * 512, v & ASIDE};
}

static uint64_t slots_of(const struct vdm_pack_index *x)
{
    return UINT64_C(1) << x->bits;
}

/* Every number of it lies within the file: that was looked at when it was opened. */
static bool read64(const struct vdm_pack_index *x, uint64_t at, uint64_t *v, struct vdm_err *err)
{
    uint8_t b[8];
    size_t got;
    if (!vdm_fd_read_at(x->fd, at, b, sizeof b, &got, err))
        return vdm_err_prefix(err, "packs/index");
    *v = take64(b);
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
    put64(b, v);
    return write_bytes(x, at, b, sizeof b, err);
}

/* --- opening --- */

static const char *judge(struct vdm_pack_index *x, const uint8_t head[32], uint64_t size)
{
    uint64_t bits = take64(head + AT_BITS), count = take64(head + AT_COUNT);
    if (memcmp(head, MAGIC, 16) != 0)
        return "it is no index of this version";
    if (bits < BITS_FIRST || bits > BITS_MAX)
        return "its size makes no sense";
    x->bits = (unsigned)bits;
    if (size != AT_SLOTS + slots_of(x) * SLOT)
        return "it is cut short or too long";
    return count < slots_of(x) ? NULL : "it is full";
}

bool vdm_pack_index_open(struct vdm_pack_index *x, int dir, bool writable, struct vdm_err *err)
{
    uint8_t head[32] = {0};
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
    uint8_t head[32] = MAGIC;
    *x = (struct vdm_pack_index){.dir = dir, .fd = -1, .writable = true, .bits = bits};
    x->made = (struct vdm_new_file){.dir = -1, .fd = -1};
    if (!vdm_new_file_recover(dir, NAME, err) ||
        !vdm_new_file_open(&x->made, dir, NAME, INDEX_MODE, err))
        return vdm_err_prefix(err, "packs/index");
    x->fd = x->made.fd;
    put64(head + AT_BITS, bits);
    if (ftruncate(x->fd, (off_t)(AT_SLOTS + slots_of(x) * SLOT)) == 0 &&
        write_bytes(x, 0, head, sizeof head, err))
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

static void probe(const struct vdm_pack_index *x, uint64_t key, struct vdm_pack_probe *p)
{
    p->key = key;
    p->slot = key >> (64 - x->bits);
    p->left = slots_of(x);
    p->n = p->i = 0;
}

void vdm_pack_probe_begin(const struct vdm_pack_index *x, struct vdm_digest id,
                          struct vdm_pack_probe *p)
{
    probe(x, key_of(id), p);
}

static bool fill(const struct vdm_pack_index *x, struct vdm_pack_probe *p, struct vdm_err *err)
{
    uint64_t to_end = slots_of(x) - p->slot, n = VDM_PROBE_SLOTS;
    size_t got;
    n = n < to_end ? n : to_end;
    n = n < p->left ? n : p->left;
    if (!vdm_fd_read_at(x->fd, AT_SLOTS + p->slot * SLOT, p->read, (size_t)n * SLOT, &got, err))
        return vdm_err_prefix(err, "packs/index");
    if (got != n * SLOT)
        return vdm_fail(err, "packs/index: cut short");
    p->n = (size_t)n;
    p->i = 0;
    return true;
}

/* The next slot: its halves; *value 0 at an empty one and after the last. */
static bool next_slot(const struct vdm_pack_index *x, struct vdm_pack_probe *p, uint64_t *key,
                      uint64_t *value, struct vdm_err *err)
{
    *value = 0;
    if (p->left == 0)
        return true;
    if (p->i == p->n && !fill(x, p, err))
        return false;
    *key = take64(p->read + p->i * SLOT);
    *value = take64(p->read + p->i * SLOT + 8);
    p->found = p->slot;
    p->slot = (p->slot + 1) & (slots_of(x) - 1);
    p->i++;
    p->left--;
    return true;
}

bool vdm_pack_probe_next(const struct vdm_pack_index *x, struct vdm_pack_probe *p,
                         struct vdm_pack_place *place, bool *found, struct vdm_err *err)
{
    uint64_t key = 0, value = 0;
    do
        if (!next_slot(x, p, &key, &value, err))
            return false;
    while (value && (key != p->key || !(value & USED)));
    *found = value != 0;
    *place = take_place(value);
    return true;
}

static bool put_slot(struct vdm_pack_index *x, uint64_t slot, uint64_t key, uint64_t value,
                     struct vdm_err *err)
{
    uint8_t b[SLOT];
    put64(b, key);
    put64(b + 8, value);
    return write_bytes(x, AT_SLOTS + slot * SLOT, b, sizeof b, err);
}

static bool add(struct vdm_pack_index *x, uint64_t key, uint64_t value, struct vdm_err *err)
{
    struct vdm_pack_probe p;
    uint64_t k, v;
    probe(x, key, &p);
    do
        if (!next_slot(x, &p, &k, &v, err))
            return false;
    while (v && p.left);
    if (v)
        return vdm_fail(err, "packs/index: full");
    return put_slot(x, p.found, key, value, err);
}

/* In the order of the table, so that the new one is written from front to back, too. */
static bool copy_slots(const struct vdm_pack_index *from, struct vdm_pack_index *to,
                       struct vdm_err *err)
{
    struct vdm_pack_probe p = {.left = slots_of(from)};
    uint64_t count = 0;
    while (p.left) {
        uint64_t key, value;
        if (!next_slot(from, &p, &key, &value, err))
            return false;
        if (!value || (key == 0 && !(value & USED)))
            continue;
        if (!add(to, key, value, err))
            return false;
        count++;
    }
    return write64(to, AT_COUNT, count, err);
}

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

/* Twice the size. Who has the old one open sees that it lost its name. */
static bool grow(struct vdm_pack_index *x, struct vdm_err *err)
{
    struct vdm_pack_index bigger;
    bool aside = x->made.fd >= 0;
    if (x->bits == BITS_MAX)
        return vdm_fail(err, "packs/index: too many documents");
    if (!make(&bigger, x->dir, x->bits + 1, err))
        return false;
    if (!copy_marks(x, &bigger, err) || !copy_slots(x, &bigger, err) ||
        (!aside && !vdm_pack_index_publish(&bigger, err))) {
        vdm_pack_index_close(&bigger);
        return false;
    }
    vdm_pack_index_close(x);
    *x = bigger;
    return true;
}

/* A load of 0.7 at most keeps the way to a slot short. */
static bool make_room(struct vdm_pack_index *x, size_t n, uint64_t *count, struct vdm_err *err)
{
    if (!read64(x, AT_COUNT, count, err))
        return false;
    while (*count + n > slots_of(x) / 10 * 7)
        if (!grow(x, err) || !read64(x, AT_COUNT, count, err))
            return false;
    return true;
}

bool vdm_pack_index_insert(struct vdm_pack_index *x, const struct vdm_pack_slot *slot, size_t n,
                           struct vdm_err *err)
{
    uint64_t count;
    uint8_t last[LAST];
    if (!make_room(x, n, &count, err))
        return false;
    /* The slots first: where one is missing, the end must not say that none is. */
    for (size_t i = 0; i < n; i++)
        if (!add(x, key_of(slot[i].id), pack_place(slot[i].place), err))
            return false;
    put64(last, count + n);
    put64(last + 8, slot[n - 1].place.pack);
    put64(last + 16, slot[n - 1].end);
    return write_bytes(x, AT_COUNT, last, sizeof last, err);
}

bool vdm_pack_index_ends(const struct vdm_pack_index *x, uint32_t pack, uint64_t length, bool *ends,
                         struct vdm_err *err)
{
    uint8_t last[LAST];
    size_t got;
    if (!vdm_fd_read_at(x->fd, AT_COUNT, last, sizeof last, &got, err))
        return vdm_err_prefix(err, "packs/index");
    *ends = got == sizeof last && take64(last + 8) == pack && take64(last + 16) == length;
    return true;
}

bool vdm_pack_index_set_aside(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                              struct vdm_pack_place place, struct vdm_err *err)
{
    place.aside = true;
    return put_slot(x, p->found, p->key, pack_place(place), err);
}

bool vdm_pack_index_insist(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                           struct vdm_pack_place place, struct vdm_err *err)
{
    place.aside = false;
    return put_slot(x, p->found, p->key, pack_place(place), err);
}

/* Nothing of the digest stays; the slot does, so that those behind it are found. */
bool vdm_pack_index_forget(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                           struct vdm_err *err)
{
    return put_slot(x, p->found, 0, ASIDE, err);
}
