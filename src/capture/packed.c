/* SPDX-License-Identifier: MIT */
#include "capture/packed.h"

#include "base/limits.h"
#include "base/time.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE_BYTES (1u << 16)

struct vdm_packed {
    struct archive *a;
    struct vdm_span *s;
    enum vdm_packed_kind kind;
    size_t looked; /* bytes that libarchive was given last */
    struct vdm_packed_entry entry;
    bool sparse;
    uint64_t broke_at, stepped;
    char refused[VDM_MEMBER_NAME_MAX + 40];
    char why[200];
    uint8_t piece[PIECE_BYTES];
};

/* libarchive makes local time of the times in a zip, and converts names to the locale's characters: libc would
 * open files for both, and jansson one for the seed of its tables, which a worker cannot. */
void vdm_packed_prepare(void)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    setlocale(LC_CTYPE, "C.UTF-8");
    json_object_seed(0);
}

/* --- the container as libarchive reads it --- */

static la_ssize_t read_more(struct archive *a, void *ctx, const void **p)
{
    struct vdm_packed *u = ctx;
    vdm_span_take(u->s, u->looked);
    struct vdm_bytes b = vdm_span_look(u->s, 1);
    *p = b.p;
    u->looked = b.n;
    if (u->s->failed) {
        archive_set_error(a, EIO, "the file could not be read");
        return ARCHIVE_FATAL;
    }
    return (la_ssize_t)b.n;
}

static uint64_t position(const struct vdm_packed *u)
{
    return vdm_span_at(u->s) + u->looked;
}

static void move(struct vdm_packed *u, uint64_t to)
{
    u->looked = 0;
    vdm_span_seek(u->s, to);
}

static la_int64_t skip(struct archive *a, void *ctx, la_int64_t n)
{
    struct vdm_packed *u = ctx;
    (void)a;
    uint64_t from = position(u), left = u->s->end - from;
    uint64_t by = n < 0 ? 0 : (uint64_t)n < left ? (uint64_t)n : left;
    move(u, from + by);
    return (la_int64_t)by;
}

static la_int64_t seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct vdm_packed *u = ctx;
    (void)a;
    uint64_t size = u->s->end - u->s->start;
    la_int64_t base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? (la_int64_t)(position(u) - u->s->start)
                                           : (la_int64_t)size;
    la_int64_t to = base + offset;
    if (to < 0 || (uint64_t)to > size)
        return ARCHIVE_FATAL;
    move(u, u->s->start + (uint64_t)to);
    return to;
}

/* --- opening --- */

/* A filter that libarchive could only get by starting a program answers ARCHIVE_WARN. */
static bool allow(struct archive *a, enum vdm_packed_kind kind)
{
    if (kind == VDM_PACKED_ZIP)
        return archive_read_support_format_zip(a) == ARCHIVE_OK;
    return (kind == VDM_PACKED_LAYER
                ? archive_read_support_format_raw(a) == ARCHIVE_OK
                : archive_read_support_format_tar(a) == ARCHIVE_OK &&
                      archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1") ==
                          ARCHIVE_OK) &&
           archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
           archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
           archive_read_support_filter_xz(a) == ARCHIVE_OK &&
           archive_read_support_filter_zstd(a) == ARCHIVE_OK;
}

static bool start(struct vdm_packed *u)
{
    vdm_span_seek(u->s, u->s->start);
    return (u->a = archive_read_new()) && allow(u->a, u->kind) &&
           archive_read_set_read_callback(u->a, read_more) == ARCHIVE_OK &&
           archive_read_set_skip_callback(u->a, skip) == ARCHIVE_OK &&
           archive_read_set_seek_callback(u->a, seek) == ARCHIVE_OK &&
           archive_read_set_callback_data(u->a, u) == ARCHIVE_OK &&
           archive_read_open1(u->a) == ARCHIVE_OK;
}

struct vdm_packed *vdm_packed_open(struct vdm_span *s, enum vdm_packed_kind kind)
{
    struct vdm_packed *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->s = s;
    u->kind = kind;
    if (start(u) && archive_filter_count(u->a) <= 2) /* the file itself, and one layer */
        return u;
    vdm_packed_close(u);
    return NULL;
}

void vdm_packed_close(struct vdm_packed *u)
{
    if (u && u->a)
        archive_read_free(u->a);
    free(u);
}

void vdm_packed_cleanup(struct vdm_packed **u)
{
    vdm_packed_close(*u);
    *u = NULL;
}

/* --- entries --- */

static void keep_why(struct vdm_packed *u)
{
    const char *text = archive_error_string(u->a);
    snprintf(u->why, sizeof u->why, "%s", text ? text : "it cannot be read");
}

const char *vdm_packed_why(const struct vdm_packed *u)
{
    return u->why;
}

static const char *refuse_link(struct vdm_packed *u, const char *what, const char *to)
{
    snprintf(u->refused, sizeof u->refused, "a %s to %s", what,
             to ? to : "a name that cannot be read");
    return u->refused;
}

static const char *why_refused(struct vdm_packed *u, struct archive_entry *e)
{
    if (archive_entry_hardlink(e))
        return refuse_link(u, "hard link", archive_entry_hardlink(e));
    switch (archive_entry_filetype(e)) {
    case AE_IFREG:
    case AE_IFDIR:
        break;
    case AE_IFLNK:
        return refuse_link(u, "symbolic link", archive_entry_symlink(e));
    case AE_IFCHR:
    case AE_IFBLK:
        return "a device";
    case AE_IFIFO:
        return "a pipe";
    default:
        return "neither a file nor a folder";
    }
    return archive_entry_is_data_encrypted(e) ? "it is encrypted" : NULL;
}

/* A zip states local times, of a zone that nobody knows. */
static void put_modified(struct vdm_packed *u, struct archive_entry *e)
{
    u->entry.modified[0] = 0;
    la_int64_t at = archive_entry_mtime_is_set(e) ? archive_entry_mtime(e) : 0;
    if (at <= 0 || at > INT64_C(253402300799))
        return;
    vdm_time_encode((struct vdm_time){at}, u->entry.modified);
    if (u->kind == VDM_PACKED_ZIP)
        strcpy(u->entry.modified + VDM_TIME_LEN - 1, ", zone not stated");
}

static void take_entry(struct vdm_packed *u, struct archive_entry *e)
{
    const char *name = archive_entry_pathname(e);
    if (!name)
        name = archive_entry_pathname_utf8(e);
    u->entry.name = vdm_str(name ? name : "");
    u->entry.refused = name ? why_refused(u, e) : "its name cannot be read";
    u->entry.folder = !u->entry.refused && archive_entry_filetype(e) == AE_IFDIR;
    la_int64_t size = archive_entry_size(e);
    u->entry.size = archive_entry_size_is_set(e) && size >= 0 ? (uint64_t)size : UINT64_MAX;
    u->sparse = archive_entry_sparse_count(e) > 0;
    put_modified(u, e);
}

bool vdm_packed_skips(const struct vdm_packed *u)
{
    return archive_filter_count(u->a) < 2;
}

static uint64_t passed(const struct vdm_packed *u, int filter)
{
    la_int64_t at = archive_filter_bytes(u->a, filter);
    return u->s->start + (at > 0 ? (uint64_t)at : 0);
}

static uint64_t reached(const struct vdm_packed *u)
{
    return passed(u, 0);
}

uint64_t vdm_packed_end(const struct vdm_packed *u)
{
    return passed(u, -1);
}

uint64_t vdm_packed_stepped(const struct vdm_packed *u)
{
    return u->stepped;
}

uint64_t vdm_packed_broke_at(const struct vdm_packed *u)
{
    return u->broke_at;
}

/* Tars are filled up with zeros, of which libarchive takes less than a block for a header that is cut off. */
static bool is_padding(const struct vdm_packed *u)
{
    return u->kind == VDM_PACKED_TAR && vdm_packed_skips(u) && u->s->end - u->broke_at < 512 &&
           vdm_span_zeros(u->s, u->broke_at);
}

enum vdm_packed_step vdm_packed_next(struct vdm_packed *u)
{
    struct archive_entry *e = NULL;
    uint64_t before = reached(u);
    int result = archive_read_next_header(u->a, &e);
    u->stepped = vdm_packed_skips(u) || reached(u) < before ? 512 : reached(u) - before;
    if (result == ARCHIVE_EOF)
        return VDM_PACKED_END;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
        keep_why(u);
        u->broke_at = reached(u);
        if (result == ARCHIVE_RETRY && u->broke_at >= 512)
            u->broke_at -= 512; /* a tar's header, of which it has seen that it is none */
        return is_padding(u) ? VDM_PACKED_END : VDM_PACKED_BROKEN;
    }
    take_entry(u, e);
    return VDM_PACKED_ENTRY;
}

const struct vdm_packed_entry *vdm_packed_entry(const struct vdm_packed *u)
{
    return &u->entry;
}

bool vdm_packed_read(struct vdm_packed *u, struct vdm_bytes *piece)
{
    la_ssize_t n = archive_read_data(u->a, u->piece, sizeof u->piece);
    *piece = (struct vdm_bytes){u->piece, n > 0 ? (size_t)n : 0};
    if (n < 0)
        keep_why(u);
    return n >= 0;
}

/* libarchive stands at the data of the entry, once its header was read. A sparse file has holes, which are not
 * there. */
bool vdm_packed_stored(const struct vdm_packed *u, uint64_t *offset)
{
    const char *format = archive_format_name(u->a);
    *offset = reached(u);
    return u->kind == VDM_PACKED_ZIP ? format && strstr(format, "(uncompressed)")
                                     : vdm_packed_skips(u) && !u->sparse;
}

bool vdm_packed_took(const struct vdm_packed *u, uint64_t from, uint64_t bytes)
{
    uint64_t padded = u->kind == VDM_PACKED_TAR ? (bytes + 511) / 512 * 512 : bytes;
    return reached(u) - from == padded;
}
