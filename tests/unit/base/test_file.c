/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What the doubles of read, write and fsync do: the linker puts them in the place of the real. */
static struct {
    size_t most;        /* bytes in one call; 0: as asked */
    unsigned interrupt; /* every n-th call is interrupted; 0: none */
    unsigned calls;
    unsigned fsyncs;
    unsigned failing_fsync; /* this one fails, counted from 1 */
    int write_errno;        /* write fails so, after it wrote once */
    bool no_proc;           /* as where files without a name cannot get one */
} play;

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_access(const char *path, int mode);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_access(const char *path, int mode);

static bool interrupted(void)
{
    errno = EINTR;
    return play.interrupt && ++play.calls % play.interrupt == 0;
}

ssize_t __wrap_read(int fd, void *p, size_t n)
{
    if (interrupted())
        return -1;
    return __real_read(fd, p, play.most && n > play.most ? play.most : n);
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    if (interrupted())
        return -1;
    if (play.write_errno && play.calls++ > 0) {
        errno = play.write_errno;
        return -1;
    }
    return __real_write(fd, p, play.most && n > play.most ? play.most : n);
}

int __wrap_fsync(int fd)
{
    if (++play.fsyncs == play.failing_fsync) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

int __wrap_access(const char *path, int mode)
{
    return play.no_proc && strncmp(path, "/proc/", 6) == 0 ? -1 : __real_access(path, mode);
}

/* --- a folder for each test --- */

struct folder {
    char path[64];
    int fd;
};

static int set_up(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    memset(&play, 0, sizeof play);
    strcpy(f->path, "/tmp/vdm-file-XXXXXX");
    if (!mkdtemp(f->path) || (f->fd = open(f->path, O_RDONLY | O_DIRECTORY)) < 0)
        return -1;
    *state = f;
    return 0;
}

/* The names in the folder; a test leaves no folder behind that is not flat. */
static size_t count_names(const struct folder *f, bool unlink_them)
{
    size_t n = 0;
    DIR *d = opendir(f->path);
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        if (unlink_them && unlinkat(f->fd, e->d_name, 0) != 0)
            unlinkat(f->fd, e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
    return n;
}

static int tear_down(void **state)
{
    struct folder *f = *state;
    count_names(f, true);
    close(f->fd);
    int result = rmdir(f->path);
    free(f);
    return result;
}

static void check_content(const struct folder *f, const char *name, struct vdm_bytes want)
{
    struct vdm_buf got VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    assert_true(vdm_file_read(f->fd, name, 1u << 20, &got, &err));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&got), want));
}

/* --- publishing --- */

static void test_publish_new_and_replace(void **state)
{
    struct folder *f = *state;
    struct vdm_err err = {0};
    struct stat st;
    assert_true(vdm_file_publish(f->fd, "a", 0600, false, VDM_LIT("one"), &err));
    check_content(f, "a", VDM_LIT("one"));
    assert_int_equal(fstatat(f->fd, "a", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(play.fsyncs, 2); /* the file, then its folder */

    assert_false(vdm_file_publish(f->fd, "a", 0600, false, VDM_LIT("two"), &err));
    assert_non_null(strstr(err.text, "File exists"));
    check_content(f, "a", VDM_LIT("one"));
    assert_true(vdm_file_publish(f->fd, "a", 0600, true, VDM_LIT("three"), &err));
    check_content(f, "a", VDM_LIT("three"));
    assert_true(vdm_file_publish(f->fd, "empty", 0600, true, (struct vdm_bytes){NULL, 0}, &err));
    check_content(f, "empty", VDM_LIT(""));
    assert_int_equal(count_names(f, false), 2);
}

/* Until then a killed process leaves nothing; or, where files need a name, one that is found again. */
static void test_what_a_killed_process_leaves(void **state)
{
    struct folder *f = *state;
    struct vdm_err err = {0};
    struct vdm_new_file killed = {.dir = -1, .fd = -1};
    static const char *const others[] = {".a.0123456789abcde.tmp", ".a.0123456789abcdeg.tmp",
                                         ".b.0123456789abcdef.tmp", ".a.0123456789abcdef.tmp~",
                                         "a"};
    for (size_t i = 0; i < 5; i++)
        assert_true(vdm_file_publish(f->fd, others[i], 0600, false, VDM_LIT("x"), &err));
    for (int named = 0; named < 2; named++) {
        play.no_proc = named;
        assert_true(vdm_new_file_open(&killed, f->fd, "a", 0600, &err));
        assert_int_equal(count_names(f, false), 5 + (size_t)named);
        vdm_fd_close(&killed.fd);
        vdm_fd_close(&killed.dir);
    }
    assert_true(vdm_new_file_recover(f->fd, "a", &err));
    assert_int_equal(count_names(f, false), 5);
    assert_true(vdm_new_file_recover(f->fd, "a", &err));
    assert_false(vdm_new_file_recover(-1, "a", &err));
}

static void test_publish_with_a_temporary_name(void **state)
{
    play.no_proc = true;
    test_publish_new_and_replace(state);
    struct folder *f = *state;
    struct vdm_new_file n VDM_CLEANUP(vdm_new_file_discard) = {.dir = -1, .fd = -1};
    struct vdm_err err = {0};
    assert_true(vdm_new_file_open(&n, f->fd, "b", 0600, &err));
    assert_int_equal(count_names(f, false), 3);
    vdm_new_file_discard(&n);
    assert_int_equal(count_names(f, false), 2);
}

static void test_nothing_under_the_name_before_publication(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    struct vdm_new_file n VDM_CLEANUP(vdm_new_file_discard) = {.dir = -1, .fd = -1};
    struct stat st;
    assert_true(vdm_new_file_open(&n, f->fd, "deed", 0644, &err));
    assert_true(vdm_fd_write(n.fd, VDM_LIT("half"), &err));
    assert_int_equal(count_names(f, false), 0);
    vdm_new_file_discard(&n);
    play.no_proc = true;
    assert_true(vdm_new_file_open(&n, f->fd, "deed", 0644, &err));
    assert_int_equal(fstatat(f->fd, "deed", &st, 0), -1);
    assert_int_equal(fstatat(f->fd, n.temporary, &st, 0), 0);
    assert_memory_equal(n.temporary, ".deed.", 6);
    vdm_new_file_discard(&n);
    vdm_new_file_discard(&n);
    assert_int_equal(count_names(f, false), 0);
    assert_int_equal(n.fd, -1);
    assert_int_equal(n.dir, -1);
}

static void test_discard_after_publish_does_nothing(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    struct vdm_new_file n;
    assert_true(vdm_new_file_open(&n, f->fd, "a", 0600, &err));
    assert_true(vdm_fd_write(n.fd, VDM_LIT("whole"), &err));
    assert_true(vdm_new_file_publish(&n, true, &err));
    vdm_new_file_discard(&n);
    check_content(f, "a", VDM_LIT("whole"));
    assert_int_equal(count_names(f, false), 1);
}

static void test_a_write_that_fails_leaves_nothing(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    play.most = 3;
    play.write_errno = ENOSPC;
    assert_false(vdm_file_publish(f->fd, "a", 0600, true, VDM_LIT("too much"), &err));
    assert_string_equal(err.text, "write: No space left on device");
    assert_int_equal(count_names(f, false), 0);
}

static void test_a_sync_that_fails_is_final(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    assert_true(vdm_file_publish(f->fd, "a", 0600, true, VDM_LIT("old"), &err));
    play.failing_fsync = play.fsyncs + 1;
    assert_false(vdm_file_publish(f->fd, "a", 0600, true, VDM_LIT("new"), &err));
    assert_string_equal(err.text, "fsync: Input/output error");
    assert_int_equal(play.fsyncs, play.failing_fsync); /* no second try */
    check_content(f, "a", VDM_LIT("old"));
    assert_int_equal(count_names(f, false), 1);
    play.failing_fsync = play.fsyncs + 2; /* the folder's: it stands there, but is not promised */
    assert_false(vdm_file_publish(f->fd, "a", 0600, true, VDM_LIT("new"), &err));
    check_content(f, "a", VDM_LIT("new"));
    assert_int_equal(count_names(f, false), 1);
}

static void test_short_and_interrupted_calls(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    uint8_t data[1000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31);
    play.most = 7;
    play.interrupt = 3;
    struct vdm_bytes whole = {data, sizeof data};
    assert_true(vdm_file_publish(f->fd, "a", 0600, true, whole, &err));
    check_content(f, "a", whole);
    play.interrupt = 2;
    check_content(f, "a", whole);
}

static void test_names_that_cannot_be_published(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    struct vdm_bytes x = VDM_LIT("x");
    char longest[257];
    memset(longest, 'n', sizeof longest);
    longest[256] = 0;
    assert_false(vdm_file_publish(f->fd, longest, 0600, true, x, &err));
    assert_false(vdm_file_publish(f->fd, "", 0600, true, x, &err));
    assert_false(vdm_file_publish(f->fd, "sub/", 0600, true, x, &err));
    assert_false(vdm_file_publish(f->fd, "..", 0600, true, x, &err));
    assert_false(vdm_file_publish(f->fd, "missing/a", 0600, true, x, &err));
    assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
    assert_int_equal(count_names(f, false), 0);
    longest[255] = 0;
    assert_true(vdm_file_publish(f->fd, longest, 0600, true, x, &err));
    assert_true(vdm_dir_make(f->fd, "sub", 0700, true, &err));
    assert_false(vdm_file_publish(f->fd, "sub", 0600, true, x, &err)); /* not over a folder */
    assert_int_equal(count_names(f, false), 2);
}

static void test_publish_into_a_folder_below_and_by_full_path(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    char path[128];
    assert_true(vdm_dir_make(f->fd, "sub", 0700, true, &err));
    assert_true(vdm_file_publish(f->fd, "sub/a", 0600, false, VDM_LIT("x"), &err));
    check_content(f, "sub/a", VDM_LIT("x"));
    snprintf(path, sizeof path, "%s/sub/a", f->path);
    assert_true(vdm_file_publish(AT_FDCWD, path, 0600, true, VDM_LIT("y"), &err));
    check_content(f, "sub/a", VDM_LIT("y"));
    assert_int_equal(unlinkat(f->fd, "sub/a", 0), 0);
}

/* A link that stands under the name is replaced; what it points to is not written through. */
static void test_publish_follows_no_link(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    assert_true(vdm_file_publish(f->fd, "kept", 0600, true, VDM_LIT("kept"), &err));
    assert_int_equal(symlinkat("kept", f->fd, "link"), 0);
    assert_false(vdm_file_publish(f->fd, "link", 0600, false, VDM_LIT("x"), &err));
    assert_true(vdm_file_publish(f->fd, "link", 0600, true, VDM_LIT("new"), &err));
    check_content(f, "kept", VDM_LIT("kept"));
    check_content(f, "link", VDM_LIT("new"));
}

/* --- reading --- */

static void test_read_limits(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    static const size_t sizes[] = {0, 1, 10, 65535, 65536, 65537, 131072, 200000};
    uint8_t *data = calloc(1, 200000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct vdm_buf got VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_bytes whole = {data, sizes[i]};
        assert_true(vdm_file_publish(f->fd, "a", 0600, true, whole, &err));
        vdm_buf_puts(&got, "before");
        assert_true(vdm_file_read(f->fd, "a", sizes[i], &got, &err));
        assert_int_equal(got.n, sizes[i] + 6);
        if (sizes[i] == 0)
            continue;
        assert_false(vdm_file_read(f->fd, "a", sizes[i] - 1, &got, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
        assert_int_equal(got.n, sizes[i] + 6);
        assert_memory_equal(got.p, "before", 6);
    }
    free(data);
}

static void expect_kind(const struct folder *f, const char *name, bool follow,
                        enum vdm_err_kind kind)
{
    struct vdm_err err = {0};
    int fd = -1;
    bool opened = vdm_file_open(f->fd, name, follow, &fd, &err);
    assert_int_equal(opened, kind == VDM_ERR_NONE);
    assert_int_equal(fd >= 0, opened);
    assert_int_equal(err.kind, kind);
    vdm_fd_close(&fd);
}

static void test_what_may_be_opened(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    alarm(10); /* a FIFO without a writer would hang */
    assert_true(vdm_file_publish(f->fd, "file", 0600, true, VDM_LIT("x"), &err));
    assert_true(vdm_dir_make(f->fd, "folder", 0700, true, &err));
    assert_int_equal(symlinkat("file", f->fd, "link"), 0);
    assert_int_equal(symlinkat("folder", f->fd, "link-to-folder"), 0);
    assert_int_equal(symlinkat("nowhere", f->fd, "dangling"), 0);
    assert_int_equal(symlinkat("/dev/zero", f->fd, "device"), 0);
    assert_int_equal(mkfifoat(f->fd, "fifo", 0600), 0);
    expect_kind(f, "file", false, VDM_ERR_NONE);
    expect_kind(f, "file", true, VDM_ERR_NONE);
    expect_kind(f, "link", true, VDM_ERR_NONE);
    expect_kind(f, "link", false, VDM_ERR_REFUSED);
    expect_kind(f, "missing", true, VDM_ERR_NOT_FOUND);
    expect_kind(f, "dangling", true, VDM_ERR_NOT_FOUND);
    expect_kind(f, "dangling", false, VDM_ERR_REFUSED);
    expect_kind(f, "file/below", true, VDM_ERR_FAILED);
    static const char *const no_files[] = {"folder", "fifo", "link-to-folder", "device"};
    for (size_t i = 0; i < 4; i++) {
        expect_kind(f, no_files[i], true, VDM_ERR_REFUSED);
        expect_kind(f, no_files[i], false, VDM_ERR_REFUSED);
        struct vdm_buf got VDM_CLEANUP(vdm_buf_release) = {0};
        assert_false(vdm_file_read(f->fd, no_files[i], 100, &got, &err));
    }
    alarm(0);
}

static void test_fd_read_to_the_end(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    uint8_t p[8];
    size_t got = 99;
    assert_true(vdm_file_publish(f->fd, "a", 0600, true, VDM_LIT("0123456789"), &err));
    int fd = -1;
    assert_true(vdm_file_open(f->fd, "a", false, &fd, &err));
    play.most = 3;
    assert_true(vdm_fd_read(fd, p, sizeof p, &got, &err));
    assert_int_equal(got, 8);
    assert_true(vdm_fd_read(fd, p, sizeof p, &got, &err));
    assert_int_equal(got, 2);
    assert_true(vdm_fd_read(fd, p, sizeof p, &got, &err));
    assert_int_equal(got, 0);
    assert_true(vdm_fd_finish(&fd, &err));
    assert_int_equal(fd, -1);
    assert_false(vdm_fd_read(-1, p, sizeof p, &got, &err));
    assert_false(vdm_fd_finish(&fd, &err));
    vdm_fd_close(&fd);
}

/* --- folders and scratch --- */

static void test_folders(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    int fd = -1;
    assert_true(vdm_dir_make(f->fd, "d", 0700, true, &err));
    assert_true(vdm_dir_make(f->fd, "d", 0700, false, &err));
    assert_false(vdm_dir_make(f->fd, "d", 0700, true, &err));
    assert_false(vdm_dir_make(f->fd, "no/d", 0700, false, &err));
    assert_true(vdm_file_publish(f->fd, "file", 0600, true, VDM_LIT("x"), &err));
    assert_false(vdm_dir_make(f->fd, "file", 0700, false, &err));
    assert_false(vdm_dir_open(f->fd, "file", &fd, &err));
    assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
    assert_false(vdm_dir_open(f->fd, "no", &fd, &err));
    assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
    assert_int_equal(fd, -1);
    assert_true(vdm_dir_open(f->fd, "d", &fd, &err));
    assert_true(vdm_fd_sync(fd, &err));
    assert_true(vdm_fd_sync_filesystem(fd, &err));
    vdm_fd_close(&fd);
    assert_false(vdm_fd_sync_filesystem(-1, &err));
}

static void test_scratch_has_no_name(void **state)
{
    struct folder *f = *state;
    struct vdm_err err;
    struct stat st;
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    uint8_t p[4];
    size_t got;
    assert_int_equal(setenv("TMPDIR", f->path, 1), 0);
    assert_true(vdm_file_scratch(-1, &fd, &err));
    unsetenv("TMPDIR");
    assert_int_equal(count_names(f, false), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_true(vdm_fd_write(fd, VDM_LIT("data"), &err));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_true(vdm_fd_read(fd, p, sizeof p, &got, &err));
    assert_memory_equal(p, "data", 4);
    assert_int_equal(setenv("TMPDIR", "/no/such/folder", 1), 0);
    int none = -1;
    assert_false(vdm_file_scratch(-1, &none, &err));
    unsetenv("TMPDIR");
    assert_int_equal(none, -1);
}

/* --- written behind --- */

static struct {
    uint64_t begun, waited, dropped; /* up to here */
    int fails_with;                  /* each wait */
} disk;

int __wrap_sync_file_range(int fd, off_t from, off_t n, unsigned flags);
int __wrap_sync_file_range(int fd, off_t from, off_t n, unsigned flags)
{
    (void)fd;
    if (!(flags & SYNC_FILE_RANGE_WAIT_AFTER)) {
        assert_int_equal(from, disk.begun);
        disk.begun += (uint64_t)n;
        return 0;
    }
    assert_int_equal(from, disk.waited);
    disk.waited += (uint64_t)n;
    assert_true(disk.waited < disk.begun); /* one window is always on its way */
    errno = disk.fails_with;
    return disk.fails_with ? -1 : 0;
}

int __wrap_posix_fadvise64(int fd, off_t from, off_t n, int advice);
int __wrap_posix_fadvise64(int fd, off_t from, off_t n, int advice)
{
    (void)fd;
    assert_int_equal(advice, POSIX_FADV_DONTNEED);
    assert_int_equal(from, disk.dropped);
    disk.dropped += (uint64_t)n;
    assert_true(disk.dropped <= disk.waited);
    return 0;
}

/* In steps that fit no window: a file of a few MiB stays in memory, of a large one some windows do. */
static void test_written_behind(void **state)
{
    (void)state;
    struct vdm_write_behind b = {0};
    const size_t step = 100001;
    const uint64_t window = 8 << 20;
    memset(&disk, 0, sizeof disk);
    for (uint64_t n = step; n < 20 * window; n += step) {
        assert_true(vdm_fd_write_behind(-1, &b, step, NULL));
        assert_true(n >= window || disk.begun == 0);
        assert_true(disk.begun <= n && n < disk.begun + window);
        assert_true(n >= 2 * window || disk.dropped == 0);
        assert_true(n < disk.dropped + 3 * window);
    }
}

static void test_written_behind_fails(void **state)
{
    (void)state;
    /* Of a pipe, a device or a file system that cannot: no failure. */
    static const struct {
        int number;
        bool is_one;
    } all[] = {{EIO, true},     {ENOSPC, true},      {EDQUOT, true}, {ENODATA, true},
               {ESTALE, true},  {EREMOTEIO, true},   {EROFS, true},  {EINVAL, false},
               {ESPIPE, false}, {EOPNOTSUPP, false}, {ENOSYS, false}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct vdm_write_behind b = {0};
        struct vdm_err err = {0};
        memset(&disk, 0, sizeof disk);
        disk.fails_with = all[i].number;
        assert_true(vdm_fd_write_behind(-1, &b, 9 << 20, &err));
        assert_int_equal(vdm_fd_write_behind(-1, &b, 9 << 20, &err), !all[i].is_one);
        assert_true(!all[i].is_one || strstr(err.text, "write"));
        assert_true(!all[i].is_one || disk.dropped == 0);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_publish_new_and_replace),
        IN_FOLDER(test_publish_with_a_temporary_name),
        IN_FOLDER(test_what_a_killed_process_leaves),
        IN_FOLDER(test_nothing_under_the_name_before_publication),
        IN_FOLDER(test_discard_after_publish_does_nothing),
        IN_FOLDER(test_a_write_that_fails_leaves_nothing),
        IN_FOLDER(test_a_sync_that_fails_is_final),
        IN_FOLDER(test_short_and_interrupted_calls),
        IN_FOLDER(test_names_that_cannot_be_published),
        IN_FOLDER(test_publish_into_a_folder_below_and_by_full_path),
        IN_FOLDER(test_publish_follows_no_link),
        IN_FOLDER(test_read_limits),
        IN_FOLDER(test_what_may_be_opened),
        IN_FOLDER(test_fd_read_to_the_end),
        IN_FOLDER(test_folders),
        IN_FOLDER(test_scratch_has_no_name),
        cmocka_unit_test(test_written_behind),
        cmocka_unit_test(test_written_behind_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
