/* SPDX-License-Identifier: MIT */
#include "store/pack_file.h"

#include "base/limits.h"
#include "base/text.h"
#include "format/ustar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MEMBER_MODE 0444

static uint64_t padded(uint64_t size)
{
    return (size + VDM_PACK_BLOCK - 1) / VDM_PACK_BLOCK * VDM_PACK_BLOCK;
}

uint64_t vdm_pack_span(uint64_t size)
{
    return VDM_PACK_BLOCK + padded(size);
}

static void withdrawn_name(uint64_t offset, char name[VDM_USTAR_NAME_MAX + 1])
{
    snprintf(name, VDM_USTAR_NAME_MAX + 1, "withdrawn-%llu", (unsigned long long)offset);
}

/* --- reading --- */

static bool is_member(const uint8_t block[VDM_PACK_BLOCK], struct vdm_pack_member *m)
{
    struct vdm_ustar h;
    char withdrawn[VDM_USTAR_NAME_MAX + 1];
    if (!vdm_ustar_checksum_right(block) || vdm_ustar_decode(block, MEMBER_MODE, &h) ||
        h.mtime != 0 || h.size > VDM_PACK_DOCUMENT_MAX)
        return false;
    m->size = h.size;
    withdrawn_name(m->offset, withdrawn);
    m->withdrawn = strcmp(h.name, withdrawn) == 0;
    return m->withdrawn || vdm_digest_from_hex(vdm_str(h.name), &m->id);
}

void vdm_pack_judge(struct vdm_bytes first, uint64_t offset, uint64_t length,
                    struct vdm_pack_member *m, enum vdm_pack_seen *seen)
{
    *m = (struct vdm_pack_member){.offset = offset};
    *seen = VDM_PACK_END;
    if (offset > length || length - offset < VDM_PACK_BLOCK)
        return;
    bool whole = first.n >= VDM_PACK_BLOCK && is_member(first.p, m) &&
                 vdm_pack_span(m->size) <= length - offset;
    *seen = whole ? VDM_PACK_MEMBER : VDM_PACK_BROKEN;
}

bool vdm_pack_look(int fd, uint64_t offset, uint64_t length, struct vdm_pack_member *m,
                   enum vdm_pack_seen *seen, struct vdm_err *err)
{
    uint8_t block[VDM_PACK_BLOCK];
    size_t got;
    if (!vdm_fd_read_at(fd, offset, block, sizeof block, &got, err))
        return false;
    vdm_pack_judge((struct vdm_bytes){block, got}, offset, length, m, seen);
    return true;
}

bool vdm_pack_good(int fd, const struct vdm_pack_member *m, struct vdm_hash *hash, uint8_t *copy,
                   bool *good, struct vdm_err *err)
{
    uint64_t at = m->offset + VDM_PACK_BLOCK, end = at + m->size;
    size_t got = 1;
    bool ok = true;
    while (ok && got && at < end) {
        size_t want = end - at < VDM_COPY_BYTES ? (size_t)(end - at) : VDM_COPY_BYTES;
        ok = vdm_fd_read_at(fd, at, copy, want, &got, err);
        if (ok)
            vdm_hash_update(hash, (struct vdm_bytes){copy, got});
        at += ok ? got : 0;
    }
    struct vdm_digest found = vdm_hash_end(hash);
    *good = at == end && vdm_digest_equal(found, m->id);
    return ok;
}

/* Headers that somebody made up are not followed without bound: damage is hashed eight times over, and a little. */
#define HASHED_TIMES 8
#define HASHED_MORE  (UINT64_C(16) << 20)

static bool is_good(struct vdm_pack_scan *s, const struct vdm_pack_member *m, uint64_t passed,
                    bool *good, struct vdm_err *err)
{
    *good = m->withdrawn;
    s->hashed += m->withdrawn ? 0 : m->size;
    return m->withdrawn || s->hashed > HASHED_TIMES * passed + HASHED_MORE ||
           vdm_pack_good(s->fd, m, s->hash, s->copy, good, err);
}

uint64_t vdm_pack_past_hole(int fd, uint64_t at, uint64_t length)
{
    off_t data = lseek(fd, (off_t)at, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? length : at;
    uint64_t block = (uint64_t)data / VDM_PACK_BLOCK * VDM_PACK_BLOCK;
    return block > at ? block : at;
}

/* Blocks of zeros, which tar programs put at the end, are passed over here too. */
static bool pass_damage(struct vdm_pack_scan *s, struct vdm_err *err)
{
    bool good = false;
    uint64_t start = s->at;
    s->hashed = 0;
    for (s->at += VDM_PACK_BLOCK; !good && s->at < s->length; s->at += good ? 0 : VDM_PACK_BLOCK) {
        struct vdm_pack_member m;
        enum vdm_pack_seen seen;
        s->at = vdm_pack_past_hole(s->fd, s->at, s->length);
        if (s->at >= s->length)
            break;
        if (!vdm_pack_look(s->fd, s->at, s->length, &m, &seen, err) ||
            (seen == VDM_PACK_MEMBER && !is_good(s, &m, s->at - start, &good, err)))
            return false;
    }
    if (s->at > s->length)
        s->at = s->length;
    return true;
}

static bool look_in_window(struct vdm_pack_scan *s, struct vdm_pack_member *m,
                           enum vdm_pack_seen *seen, struct vdm_err *err)
{
    uint64_t skipped = s->at - s->window_at;
    if (skipped + VDM_PACK_BLOCK > s->window_n) {
        /* Behind a large member another one is likely. */
        size_t want = skipped < VDM_PACK_WINDOW ? VDM_PACK_WINDOW : VDM_PACK_BLOCK;
        s->window_at = s->at;
        if (!vdm_fd_read_at(s->fd, s->at, s->window, want, &s->window_n, NULL)) {
            s->window_n = 0; /* it may be a document that the disk does not give */
            return vdm_pack_look(s->fd, s->at, s->length, m, seen, err);
        }
        skipped = 0;
    }
    struct vdm_bytes first = {s->window + skipped, s->window_n - (size_t)skipped};
    vdm_pack_judge(first, s->at, s->length, m, seen);
    return true;
}

bool vdm_pack_next(struct vdm_pack_scan *s, struct vdm_pack_member *m, enum vdm_pack_seen *seen,
                   struct vdm_err *err)
{
    if (!(s->window ? look_in_window(s, m, seen, err)
                    : vdm_pack_look(s->fd, s->at, s->length, m, seen, err)))
        return false;
    if (*seen == VDM_PACK_MEMBER) {
        s->at += vdm_pack_span(m->size);
        return true;
    }
    if (s->at == s->length)
        return true;
    *seen = VDM_PACK_BROKEN;
    if (!pass_damage(s, err))
        return false;
    m->size = s->at - m->offset;
    return true;
}

/* --- writing --- */

static void encode(const char *name, uint64_t size, uint8_t block[VDM_PACK_BLOCK])
{
    struct vdm_ustar h = {.mode = MEMBER_MODE, .size = size};
    memcpy(h.name, name, strlen(name));
    vdm_ustar_encode(&h, block);
}

/* What one call did not write: cut short by a signal or a disk that is nearly full. The rest is tried, and
 * tells which. */
static bool write_rest(int fd, uint64_t at, const struct iovec *v, size_t n, uint64_t done,
                       struct vdm_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t skipped = done < v[i].iov_len ? done : v[i].iov_len;
        struct vdm_bytes left = {(const uint8_t *)v[i].iov_base + skipped, v[i].iov_len - skipped};
        if (left.n && !vdm_fd_write_at(fd, at + skipped, left, err))
            return false;
        at += v[i].iov_len;
        done -= skipped;
    }
    return true;
}

/* One call, so that a member is either there or torn, and a torn one is seen by its length. */
static bool write_members(int fd, uint64_t at, const struct vdm_pack_new *member, size_t n,
                          struct vdm_err *err)
{
    static const uint8_t zeros[VDM_PACK_BLOCK];
    uint8_t header[VDM_PACK_TOGETHER][VDM_PACK_BLOCK];
    struct iovec v[VDM_PACK_TOGETHER * 3];
    for (size_t i = 0; i < n; i++) {
        struct vdm_bytes d = member[i].document;
        char hex[65];
        vdm_digest_hex(member[i].id, hex);
        encode(hex, d.n, header[i]);
        union {
            const void *in;
            void *out;
        } body = {d.p}, rest = {zeros};
        v[3 * i] = (struct iovec){header[i], VDM_PACK_BLOCK};
        v[3 * i + 1] = (struct iovec){body.out, d.n};
        v[3 * i + 2] = (struct iovec){rest.out, (size_t)(padded(d.n) - d.n)};
    }
    ssize_t done;
    do
        done = pwritev(fd, v, (int)(3 * n), (off_t)at);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return vdm_fail_errno(err, "write");
    return write_rest(fd, at, v, 3 * n, (uint64_t)done, err);
}

bool vdm_pack_append(int fd, uint64_t at, const struct vdm_pack_new *member, size_t n,
                     struct vdm_err *err)
{
    if (write_members(fd, at, member, n, err))
        return true;
    /* If this fails too, the next writer cuts it off. */
    int ignored = ftruncate(fd, (off_t)at);
    (void)ignored;
    return false;
}

static bool write_zeros(int fd, uint64_t at, uint64_t n, struct vdm_err *err)
{
    static const uint8_t zeros[4096];
    while (n) {
        struct vdm_bytes piece = {zeros, n < sizeof zeros ? (size_t)n : sizeof zeros};
        if (!vdm_fd_write_at(fd, at, piece, err))
            return false;
        at += piece.n;
        n -= piece.n;
    }
    return true;
}

bool vdm_pack_wipe(int fd, uint64_t offset, uint64_t size, struct vdm_err *err)
{
    char name[VDM_USTAR_NAME_MAX + 1];
    uint8_t block[VDM_PACK_BLOCK];
    uint64_t content = offset + VDM_PACK_BLOCK;
    withdrawn_name(offset, name);
    encode(name, size, block);
    /* Zeros first: as long as it has its name, a crash in between is seen and this is done again. */
    if (!write_zeros(fd, content, padded(size), err) || !vdm_fd_sync_data(fd, err) ||
        !vdm_fd_write_at(fd, offset, (struct vdm_bytes){block, sizeof block}, err) ||
        !vdm_fd_sync_data(fd, err))
        return false;
    /* Give the room back, where the file system can. */
    if (size)
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)content,
                  (off_t)padded(size));
    return true;
}
