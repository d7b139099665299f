/* SPDX-License-Identifier: MIT */
#include "capture/walk.h"

#include "base/file.h"
#include "base/limits.h"
#include "capture/bag.h"
#include "capture/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder on the way down. Its names lie in the arena from names_start on; their offsets there, in
 * order, in `order` from order_start on. */
struct level {
    int fd;
    size_t names_start, order_start;
    size_t next, count; /* of its names */
    size_t shown_n, path_n;
};

struct vdm_walk {
    const char *const *paths;
    size_t n, next;
    bool stdin_taken, tell_bags, only_count;
    uid_t user;
    struct level levels[VDM_WALK_DEPTH_MAX + 1];
    size_t depth; /* levels in use */
    struct vdm_buf names, order;
    struct vdm_buf shown, path;
    struct vdm_path_cache cache;
    char *const *left_out; /* folders */
    size_t left_outs;
    const char *why_left_out;
    char reason[256];
    bool no_memory;
};

bool vdm_walk_open(struct vdm_walk **out, const char *const *paths, size_t n, struct vdm_err *err)
{
    struct vdm_walk *w = calloc(1, sizeof *w);
    if (!w)
        return vdm_fail_memory(err);
    w->paths = paths;
    w->n = n;
    w->user = geteuid();
    *out = w;
    return true;
}

void vdm_walk_leave_out(struct vdm_walk *w, char *const *folders, size_t n, const char *reason)
{
    w->left_out = folders;
    w->left_outs = n;
    w->why_left_out = reason;
}

/* Is what w->path names one of the folders that are left out, or below one? */
static bool is_left_out(const struct vdm_walk *w)
{
    for (size_t i = 0; i < w->left_outs; i++) {
        struct vdm_bytes folder = vdm_str(w->left_out[i]);
        if (vdm_bytes_start_with(vdm_buf_bytes(&w->path), folder) &&
            (w->path.n == folder.n || w->path.p[folder.n] == '/'))
            return true;
    }
    return false;
}

static void pop(struct vdm_walk *w)
{
    struct level *level = &w->levels[--w->depth];
    vdm_fd_close(&level->fd);
    w->names.n = level->names_start;
    w->order.n = level->order_start;
}

void vdm_walk_close(struct vdm_walk *w)
{
    if (!w)
        return;
    while (w->depth)
        pop(w);
    vdm_buf_release(&w->names);
    vdm_buf_release(&w->order);
    vdm_buf_release(&w->shown);
    vdm_buf_release(&w->path);
    vdm_path_cache_release(&w->cache);
    free(w);
}

void vdm_walk_cleanup(struct vdm_walk **w)
{
    vdm_walk_close(*w);
    *w = NULL;
}

/* A step gives an item, and says so by returning true. */
static bool refuse(struct vdm_walk *w, struct vdm_walk_item *item, const char *reason)
{
    snprintf(w->reason, sizeof w->reason, "%.*s", (int)sizeof w->reason - 1, reason);
    item->kind = VDM_WALK_REFUSED;
    item->reason = w->reason;
    return true;
}

/* Want of memory is no fault of the source's: it ends the walk. */
static bool refuse_errno(struct vdm_walk *w, struct vdm_walk_item *item, int reason)
{
    w->no_memory = w->no_memory || reason == ENOMEM;
    return refuse(w, item, strerror(reason));
}

static bool refuse_link(struct vdm_walk *w, struct vdm_walk_item *item, int target_errno)
{
    if (target_errno == ENOENT || target_errno == ENOTDIR)
        return refuse(w, item, "dangling link");
    return refuse(w, item, "a link: name it on the command line to import what it points to");
}

/* Offsets of names, compared through the arena. */
static int by_bytes(const void *a, const void *b, void *arena)
{
    const char *names = arena;
    return strcmp(names + *(const size_t *)a, names + *(const size_t *)b);
}

static size_t *order_of(const struct vdm_walk *w, const struct level *level)
{
    return (size_t *)(void *)w->order.p + level->order_start / sizeof(size_t);
}

/* All names of the folder, sorted; false with errno. */
static bool read_names(struct vdm_walk *w, struct level *level)
{
    int copy = fcntl(level->fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return false;
    DIR *folder = fdopendir(copy);
    if (!folder) {
        close(copy);
        return false;
    }
    const struct dirent *d;
    while (errno = 0, (d = readdir(folder)) != NULL) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        vdm_buf_putc(&w->names, (char)d->d_type);
        size_t offset = w->names.n;
        vdm_buf_put(&w->names,
                    (struct vdm_bytes){(const uint8_t *)d->d_name, strlen(d->d_name) + 1});
        vdm_buf_put(&w->order, (struct vdm_bytes){(const uint8_t *)&offset, sizeof offset});
    }
    int failure = errno;
    closedir(folder);
    errno = failure;
    if (failure || w->names.failed || w->order.failed)
        return false;
    level->count = (w->order.n - level->order_start) / sizeof(size_t);
    if (level->count)
        qsort_r(order_of(w, level), level->count, sizeof(size_t), by_bytes, w->names.p);
    return true;
}

static bool is_bag(const struct vdm_walk *w, const struct level *level)
{
    unsigned marks = 0;
    for (size_t i = 0; i < level->count; i++) {
        const char *name = (const char *)w->names.p + order_of(w, level)[i];
        if (name[-1] == DT_REG || name[-1] == DT_UNKNOWN)
            marks |= vdm_bag_mark(vdm_str(name));
        if ((name[-1] == DT_DIR || name[-1] == DT_UNKNOWN) && strcmp(name, "data") == 0)
            marks |= vdm_bag_mark(VDM_LIT("data/"));
    }
    return vdm_bag_is_marked(marks);
}

/* Go into the folder that fd is open on and that shown and path name. Gives an item only if it
 * cannot be read, or is to be told. */
static bool descend(struct vdm_walk *w, int fd, struct vdm_walk_item *item)
{
    struct level *level = &w->levels[w->depth++];
    *level = (struct level){.fd = fd,
                            .names_start = w->names.n,
                            .order_start = w->order.n,
                            .shown_n = w->shown.n,
                            .path_n = w->path.n};
    /* Only the owner may ask for this; for anybody else the time of access moves. */
    (void)fcntl(fd, F_SETFL, O_NOATIME);
    if (read_names(w, level)) {
        if (!w->tell_bags || !is_bag(w, level))
            return false;
        item->kind = VDM_WALK_BAG;
        return true;
    }
    int failure = errno;
    pop(w);
    return refuse_errno(w, item, failure);
}

/* An archive that is not the one whose folders are left out: its keys are secret, its documents have entries. */
static bool is_other_archive(const struct vdm_walk *w, int fd)
{
    struct stat st;
    if (w->left_outs == 0 || fstatat(fd, "store/ledger.db", &st, 0) != 0 ||
        fstatat(fd, "keys", &st, 0) != 0 || !S_ISDIR(st.st_mode))
        return false;
    for (size_t i = 0; i < w->left_outs; i++)
        if (vdm_bytes_start_with(vdm_str(w->left_out[i]), vdm_buf_bytes(&w->path)) &&
            strcmp(w->left_out[i] + w->path.n, "/keys") == 0)
            return false;
    return true;
}

static bool enter(struct vdm_walk *w, int fd, struct vdm_walk_item *item)
{
    if (!is_other_archive(w, fd))
        return descend(w, fd, item);
    vdm_fd_close(&fd);
    return refuse(w, item, "another archive: import a bundle of it");
}

static bool step_folder(struct vdm_walk *w, const struct level *parent, const char *name,
                        struct vdm_walk_item *item)
{
    char reason[64];
    if (is_left_out(w))
        return refuse(w, item, w->why_left_out);
    if (w->depth > VDM_WALK_DEPTH_MAX) {
        snprintf(reason, sizeof reason, "more than %d folders deep", VDM_WALK_DEPTH_MAX);
        return refuse(w, item, reason);
    }
    int fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    /* It was a folder a moment ago. */
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return refuse(w, item, "changed while it was read");
    if (fd < 0)
        return refuse_errno(w, item, errno);
    return enter(w, fd, item);
}

/* Mostly its mode says so already. */
static bool may_read(const struct vdm_walk *w, int dir, const char *name, const struct stat *st)
{
    return (st->st_uid == w->user && (st->st_mode & S_IRUSR)) ||
           faccessat(dir, name, R_OK, AT_EACCESS) == 0;
}

static bool file_item(struct vdm_walk *w, struct vdm_walk_item *item, int dir, const char *name,
                      const struct stat *st, bool follow)
{
    if (!may_read(w, dir, name, st))
        return refuse_errno(w, item, errno);
    item->kind = VDM_WALK_FILE;
    item->size_bytes = (uint64_t)st->st_size;
    item->dir = dir;
    item->name = name;
    item->follow = follow;
    return true;
}

static void put_name(struct vdm_buf *b, size_t n, const char *name)
{
    b->n = n;
    if (n == 0 || b->p[n - 1] != '/')
        vdm_buf_putc(b, '/');
    vdm_buf_puts(b, name);
}

/* The next name of the innermost folder. */
static bool step_below(struct vdm_walk *w, struct vdm_walk_item *item)
{
    struct level *level = &w->levels[w->depth - 1];
    if (level->next == level->count) {
        pop(w);
        return false;
    }
    const char *name = (const char *)w->names.p + order_of(w, level)[level->next++];
    put_name(&w->shown, level->shown_n, name);
    put_name(&w->path, level->path_n, name);
    if (w->path.n > VDM_PATH_MAX_BYTES)
        return refuse_errno(w, item, ENAMETOOLONG);
    struct stat st;
    if (w->only_count && name[-1] == DT_REG) {
        item->kind = VDM_WALK_FILE;
        return true;
    }
    if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return refuse_errno(w, item, errno);
    if (S_ISLNK(st.st_mode))
        return refuse_link(w, item, fstatat(level->fd, name, &st, 0) == 0 ? 0 : errno);
    if (S_ISDIR(st.st_mode))
        return step_folder(w, level, name, item);
    if (!S_ISREG(st.st_mode))
        return refuse(w, item, "not a file");
    return file_item(w, item, level->fd, name, &st, false);
}

static bool argument_folder(struct vdm_walk *w, const char *argument, struct vdm_walk_item *item)
{
    char *real VDM_CLEANUP(vdm_free_string) = realpath(argument, NULL);
    if (!real)
        return refuse_errno(w, item, errno);
    vdm_buf_puts(&w->path, real);
    if (is_left_out(w))
        return refuse(w, item, w->why_left_out);
    int fd = open(argument, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? refuse_errno(w, item, errno) : enter(w, fd, item);
}

static bool argument_stdin(struct vdm_walk *w, struct vdm_walk_item *item)
{
    if (w->stdin_taken)
        return refuse(w, item, "standard input can be read only once");
    w->stdin_taken = true;
    vdm_buf_puts(&w->path, "-");
    item->kind = VDM_WALK_STDIN;
    return true;
}

/* The next path of the command line. */
static bool step_argument(struct vdm_walk *w, struct vdm_walk_item *item)
{
    const char *argument = w->paths[w->next++];
    vdm_buf_clear(&w->shown);
    vdm_buf_clear(&w->path);
    vdm_buf_puts(&w->shown, argument);
    if (strcmp(argument, "-") == 0)
        return argument_stdin(w, item);
    struct stat st;
    int failure = stat(argument, &st) == 0 ? 0 : errno;
    if (!failure && S_ISDIR(st.st_mode))
        return argument_folder(w, argument, item);
    struct vdm_err err;
    bool named = vdm_path_canonical(&w->cache, NULL, vdm_str(argument), &w->path, &err);
    if ((failure == ENOENT || failure == ENOTDIR) && lstat(argument, &st) == 0)
        return refuse(w, item, "dangling link");
    if (failure)
        return refuse_errno(w, item, failure);
    if (!S_ISREG(st.st_mode))
        return refuse(w, item, "not a file");
    if (!named)
        return vdm_err_is_memory(&err) ? refuse_errno(w, item, ENOMEM) : refuse(w, item, err.text);
    return is_left_out(w) ? refuse(w, item, w->why_left_out)
                          : file_item(w, item, AT_FDCWD, argument, &st, true);
}

void vdm_walk_only_count(struct vdm_walk *w)
{
    w->only_count = true;
}

void vdm_walk_tell_bags(struct vdm_walk *w)
{
    w->tell_bags = true;
}

void vdm_walk_pass_over(struct vdm_walk *w)
{
    pop(w);
}

bool vdm_walk_next(struct vdm_walk *w, struct vdm_walk_item *item, bool *more, struct vdm_err *err)
{
    struct vdm_walk_item next = {.dir = -1};
    bool given = false;
    while (!given && (w->depth || w->next < w->n)) {
        given = w->depth ? step_below(w, &next) : step_argument(w, &next);
        if (!vdm_buf_ok(&w->names, err) || !vdm_buf_ok(&w->order, err) ||
            !vdm_buf_ok(&w->shown, err) || !vdm_buf_ok(&w->path, err))
            return false;
        if (w->no_memory)
            return vdm_fail_memory(err);
    }
    *more = given;
    if (given) {
        next.shown = vdm_buf_bytes(&w->shown);
        next.path = vdm_buf_bytes(&w->path);
        *item = next;
    }
    return true;
}
