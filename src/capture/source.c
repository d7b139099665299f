/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include "base/limits.h"
#include "capture/path.h"
#include "capture/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct vdm_source {
    int fd;
    bool standard_input;
    struct vdm_stamp stamp;
    struct vdm_buf
        head; /* first bytes, read to guess the type, not yet handed out from `used` on */
    size_t used;
    uint64_t got_bytes;  /* from fd */
    bool at_end;         /* of fd */
    bool ended;          /* the reader was told so */
    uint64_t read_bytes; /* handed out */
    struct vdm_buf name;
    char type[VDM_MEDIA_TYPE_MAX + 1];
    struct vdm_source_facts facts;
};

static bool changed(struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_REFUSED, "changed while it was read");
}

/* One read(2). Standard input may have been set non-blocking by whoever shares it with us. */
static bool read_once(struct vdm_source *s, uint8_t *p, size_t cap, size_t *got,
                      struct vdm_err *err)
{
    ssize_t k;
    while ((k = read(s->fd, p, cap)) < 0) {
        struct pollfd wait = {.fd = s->fd, .events = POLLIN};
        if (errno == EAGAIN)
            (void)poll(&wait, 1, -1);
        else if (errno != EINTR)
            break;
    }
    if (k < 0)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "read: %s", strerror(errno));
    s->got_bytes += (uint64_t)k;
    /* A file gave less than there was room for, and just as much as it has: no need to ask again. */
    bool all = s->facts.has_size && (size_t)k < cap && s->got_bytes == s->facts.size_bytes;
    s->at_end = cap > 0 && (k == 0 || all);
    *got = (size_t)k;
    return true;
}

static bool open_file(struct vdm_source *s, const struct vdm_walk_item *item, struct vdm_err *err)
{
    struct stat st;
    if (!vdm_file_open_source(item->dir, item->name, item->follow, &s->fd, &st, err)) {
        if (err)
            err->kind = VDM_ERR_REFUSED;
        return false;
    }
    s->stamp = vdm_stamp_of(&st);
    vdm_buf_put(&s->name, vdm_path_name(vdm_str(item->name)));
    return vdm_buf_ok(&s->name, err);
}

static bool guess_type(struct vdm_source *s, struct vdm_media *media, struct vdm_err *err)
{
    size_t want = VDM_MEDIA_LOOK_BYTES;
    if (s->facts.has_size && s->facts.size_bytes < want)
        want = (size_t)s->facts.size_bytes + 1; /* so that its end is seen */
    uint8_t *p = vdm_buf_grow(&s->head, want);
    if (!p)
        return vdm_fail_memory(err);
    size_t n = 0;
    while (n < want && !s->at_end) {
        size_t got = 0;
        if (!read_once(s, p + n, want - n, &got, err))
            return false;
        n += got;
    }
    s->head.n = n;
    vdm_media_guess(media, vdm_buf_bytes(&s->head), s->type);
    return true;
}

bool vdm_source_open(struct vdm_source **out, const struct vdm_walk_item *item,
                     struct vdm_media *media, struct vdm_err *err)
{
    struct vdm_source *s VDM_CLEANUP(vdm_source_cleanup) = calloc(1, sizeof *s);
    if (!s)
        return vdm_fail_memory(err);
    s->standard_input = item->kind == VDM_WALK_STDIN;
    s->fd = s->standard_input ? STDIN_FILENO : -1;
    if (item->kind == VDM_WALK_REFUSED)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%s", item->reason);
    if (!s->standard_input && !open_file(s, item, err))
        return false;
    if (s->standard_input && !vdm_stamp_take(s->fd, &s->stamp))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "read: %s", strerror(errno));
    s->facts.has_size = !s->standard_input;
    s->facts.size_bytes = s->standard_input ? 0 : s->stamp.size_bytes;
    if (media && !guess_type(s, media, err))
        return false;
    s->facts.name = vdm_buf_bytes(&s->name);
    s->facts.media_type = vdm_str(s->type);
    *out = s;
    s = NULL;
    return true;
}

const struct vdm_source_facts *vdm_source_facts(const struct vdm_source *s)
{
    return &s->facts;
}

struct vdm_bytes vdm_source_head(const struct vdm_source *s)
{
    return vdm_buf_bytes(&s->head);
}

int vdm_source_fd(const struct vdm_source *s)
{
    return s->standard_input ? -1 : s->fd;
}

bool vdm_source_same(const struct vdm_source *s)
{
    return vdm_stamp_same(s->fd, &s->stamp);
}

bool vdm_source_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_source *s = ctx;
    struct vdm_bytes head = vdm_bytes_skip(vdm_buf_bytes(&s->head), s->used);
    size_t n = 0;
    if (head.n) {
        n = head.n < cap ? head.n : cap;
        memcpy(p, head.p, n);
        s->used += n;
    } else if (!s->at_end && !read_once(s, p, cap, &n, err)) {
        return false;
    }
    s->read_bytes += n;
    if (s->facts.has_size && s->read_bytes > s->facts.size_bytes)
        return changed(err);
    s->ended = s->at_end && n == 0;
    *got = n;
    return true;
}

bool vdm_source_finish(struct vdm_source *s, struct vdm_err *err)
{
    if (!s->ended)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "not read to its end");
    if (s->facts.has_size && s->read_bytes != s->facts.size_bytes)
        return changed(err);
    return vdm_stamp_same(s->fd, &s->stamp) || changed(err);
}

void vdm_source_close(struct vdm_source *s)
{
    if (!s)
        return;
    if (!s->standard_input)
        vdm_fd_close(&s->fd);
    vdm_buf_release(&s->head);
    vdm_buf_release(&s->name);
    free(s);
}

void vdm_source_cleanup(struct vdm_source **s)
{
    vdm_source_close(*s);
    *s = NULL;
}
