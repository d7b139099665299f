/* SPDX-License-Identifier: MIT */
/* Files: whole reads with a bound, complete writes, durable publication. file.c alone renames and
 * syncs (SQLite aside), so that what "durable" means stands in one place.
 *
 * Every fsync that fails is final: the kernel may have dropped the data, a second try would succeed
 * without writing it. Callers stop. */
#ifndef VDM_BASE_FILE_H
#define VDM_BASE_FILE_H

#include "base/buf.h"

#include <sys/types.h>

/* Where bytes come from. Reads up to `cap` bytes; *got == 0 means the end. */
typedef bool vdm_read_fn(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err);
/* Of what is in memory; ctx: a struct vdm_bytes, what is left. */
bool vdm_read_bytes(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err);

/* read(2) until cap bytes or the end; handles short reads and EINTR. */
bool vdm_fd_read(int fd, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_fd_write(int fd, struct vdm_bytes data, struct vdm_err *err) VDM_MUST_CHECK;
/* The same at an offset of the file; the descriptor's own stays where it is. */
bool vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t cap, size_t *got,
                    struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes data,
                     struct vdm_err *err) VDM_MUST_CHECK;
/* Close *fd if it is open (>= 0) and set it to -1. For VDM_CLEANUP; ignores the result. */
void vdm_fd_close(int *fd);
/* close(2) of a descriptor that was written to: its result counts. */
bool vdm_fd_finish(int *fd, struct vdm_err *err) VDM_MUST_CHECK;
/* A second descriptor of the same open file. */
bool vdm_fd_copy(int fd, int *out, struct vdm_err *err) VDM_MUST_CHECK;
/* Another descriptor for reading the same file, with an offset of its own. */
bool vdm_fd_open_again(int fd, int *again, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_fd_sync(int fd, struct vdm_err *err) VDM_MUST_CHECK;
/* fdatasync(2): its bytes and its length, not its times. */
bool vdm_fd_sync_data(int fd, struct vdm_err *err) VDM_MUST_CHECK;
/* A large file that is written from its front: the disk writes on while it is made, and what it has is not kept in memory,
 * where it would push out what others use (and on a virtual machine each page that was not in use before costs as much as
 * writing it). Nothing is durable by it. */
struct vdm_write_behind {
    uint64_t written, begun, dropped; /* up to here; begin with zeros */
};
/* After the next n bytes were written. What has no disk behind it is left alone. */
bool vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* The disk begins with these bytes, and nobody waits. An error is the disk's, and may not be told again by a sync. */
bool vdm_fd_begin_writing(int fd, uint64_t from, uint64_t to, struct vdm_err *err) VDM_MUST_CHECK;
/* syncfs(2): everything written so far on the file system that holds fd is durable. */
bool vdm_fd_sync_filesystem(int fd, struct vdm_err *err) VDM_MUST_CHECK;

/* Open a regular file for reading. With `follow` false the last component may be no link.
 * A missing file is VDM_ERR_NOT_FOUND; a device, socket, folder is refused without opening it. */
bool vdm_file_open(int dir, const char *path, bool follow, int *fd,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* The same for a file of the user's that was just seen to be a regular one: its time of access stays, where we may
 * ask for that. *st tells what it is now. */
struct stat;
bool vdm_file_open_source(int dir, const char *path, bool follow, int *fd, struct stat *st,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* The whole of a regular file of at most `limit` bytes, appended to out. Follows links. */
bool vdm_file_read(int dir, const char *path, size_t limit, struct vdm_buf *out,
                   struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err) VDM_MUST_CHECK;
/* Make a folder; one that is there already is as good, unless `must_be_new`. Not synced. */
bool vdm_dir_make(int dir, const char *path, mode_t mode, bool must_be_new,
                  struct vdm_err *err) VDM_MUST_CHECK;

/* A second name, in the same folder, that must be free. Not synced. */
bool vdm_file_link(int dir, const char *from, const char *to, struct vdm_err *err) VDM_MUST_CHECK;

/* Give a file of ours, whose bytes are synced first, another name on the same file system, in place of
 * one that may stand there; durable on return. */
bool vdm_file_move(int from_dir, const char *from, int to_dir, const char *to,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* Several users share an archive through a group. A folder is shared when it is setgid and its group
 * may write to it; what is made there gets the group's bits of its mode, whatever the umask. */
bool vdm_dir_shared(int dir);
/* `fd` is new in the folder `dir`: give the group what `mode` gives it, where the folder is shared. */
bool vdm_fd_share(int dir, int fd, mode_t mode, struct vdm_err *err) VDM_MUST_CHECK;
/* Give a folder of ours to a group, to share it. */
bool vdm_dir_give(int dir, const char *path, gid_t group, mode_t mode,
                  struct vdm_err *err) VDM_MUST_CHECK;

/* A file that appears under its name only when it is complete and durable. Until then it has none
 * (O_TMPFILE), so a process that is killed leaves nothing; where the file system cannot do that, the
 * name's folder holds it as `.NAME.<16 hex>.tmp`, as it does for the moment before a rename.
 * Syscalls: openat write* fsync link [rename] fsync(dir). Publish or discard; discard after publish
 * does nothing, so it may stand in a cleanup. */
struct vdm_new_file {
    int dir; /* of the name's folder */
    int fd;
    bool named; /* it stands in the folder as `temporary` */
    char name[256];
    char temporary[300];
};

bool vdm_new_file_open(struct vdm_new_file *f, int dir, const char *path, mode_t mode,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* With `replace` false, a file that stands there already is kept and that is an error. */
bool vdm_new_file_publish(struct vdm_new_file *f, bool replace, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_new_file_discard(struct vdm_new_file *f);
/* Removes what publishers of `name` in this folder left when they were killed. The caller knows that
 * none is at work. */
bool vdm_new_file_recover(int dir, const char *name, struct vdm_err *err) VDM_MUST_CHECK;

/* All of the above for bytes at hand. */
bool vdm_file_publish(int dir, const char *path, mode_t mode, bool replace, struct vdm_bytes data,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* Bytes that may still be written on the file system of `path`; INT64_MAX where it knows no bound. */
bool vdm_path_free(const char *path, uint64_t *bytes, struct vdm_err *err) VDM_MUST_CHECK;

/* Take a regular file away for good: its bytes are overwritten with zeros, then its name goes; durable
 * on return. VDM_ERR_NOT_FOUND: there is none; VDM_ERR_REFUSED: no regular file. Other names of the
 * same file keep the zeros. What the disk itself keeps of older versions is beyond it. */
bool vdm_file_erase(int dir, const char *path, struct vdm_err *err) VDM_MUST_CHECK;

/* A file without a name, for spooling; gone when closed. Where the folder `dir` (-1: none) cannot hold
 * one, it is in TMPDIR or /tmp. */
bool vdm_file_scratch(int dir, int *fd, struct vdm_err *err) VDM_MUST_CHECK;

#endif
