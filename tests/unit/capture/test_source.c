/* SPDX-License-Identifier: MIT */
#include "unit/capture/scratch.h"

#include "capture/source.h"

#include <signal.h>
#include <sys/wait.h>

static struct vdm_media *media;

static int group_setup(void **state)
{
    struct vdm_err err;
    (void)state;
    return vdm_media_open(&media, &err) ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    vdm_media_close(media);
    return 0;
}

static struct vdm_walk_item file_item(const char *path, bool follow)
{
    return (struct vdm_walk_item){
        .kind = VDM_WALK_FILE, .dir = AT_FDCWD, .name = path, .follow = follow};
}

static struct vdm_source *open_source(const char *path)
{
    struct vdm_walk_item item = file_item(path, false);
    struct vdm_source *s = NULL;
    struct vdm_err err;
    assert_true(vdm_source_open(&s, &item, media, &err));
    return s;
}

/* All of it, `step` bytes a time. */
static bool read_all(struct vdm_source *s, size_t step, struct vdm_buf *out, struct vdm_err *err)
{
    uint8_t *p = malloc(step);
    size_t got = 1;
    bool ok = true;
    while (ok && got) {
        ok = vdm_source_read(s, p, step, &got, err);
        if (ok)
            vdm_buf_put(out, (struct vdm_bytes){p, got});
    }
    free(p);
    return ok;
}

static void put_pattern(const char *path, size_t n)
{
    struct vdm_buf b = {0};
    uint8_t *p = vdm_buf_grow(&b, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 7 + i / 251);
    put_bytes(path, vdm_buf_bytes(&b));
    vdm_buf_release(&b);
}

static void test_every_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0,     1, 1000, VDM_MEDIA_LOOK_BYTES - 1, VDM_MEDIA_LOOK_BYTES, VDM_MEDIA_LOOK_BYTES + 1,
        300000};
    static const size_t steps[] = {1000, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_pattern("x", sizes[i]);
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            struct vdm_source *s VDM_CLEANUP(vdm_source_cleanup) = open_source("x");
            struct vdm_buf b = {0};
            struct vdm_err err;
            assert_true(vdm_source_facts(s)->has_size);
            assert_int_equal(vdm_source_facts(s)->size_bytes, sizes[i]);
            assert_true(read_all(s, steps[k], &b, &err));
            assert_true(vdm_source_finish(s, &err));
            assert_int_equal(b.n, sizes[i]);
            for (size_t j = 0; j < b.n; j++)
                assert_true(b.p[j] == (uint8_t)(j * 7 + j / 251));
            vdm_buf_release(&b);
        }
    }
    vdm_source_close(NULL);
}

static void test_facts(void **state)
{
    (void)state;
    assert_int_equal(mkdir("f", 0755), 0);
    put_text("f/a\n\xff.html", "<!DOCTYPE html><html><body>x</body></html>");
    struct vdm_source *s = open_source("f/a\n\xff.html");
    assert_bytes(vdm_source_facts(s)->name, "a\n\xff.html");
    assert_bytes(vdm_source_facts(s)->media_type, "text/html");
    vdm_source_close(s);

    put_text("f/empty", "");
    s = open_source("f/empty");
    assert_bytes(vdm_source_facts(s)->name, "empty");
    assert_bytes(vdm_source_facts(s)->media_type, "");
    vdm_source_close(s);

    struct vdm_walk_item item = file_item("f/empty", false);
    struct vdm_err err;
    assert_true(vdm_source_open(&s, &item, NULL, &err));
    assert_bytes(vdm_source_facts(s)->media_type, "");
    vdm_source_close(s);
}

/* What is done to the source between two reads, and what must come of it. */
enum meddling { NOTHING, APPEND, CUT, REWRITE, REPLACE, TOUCH, UNLINK };

static void meddle(enum meddling how)
{
    int fd;
    switch (how) {
    case NOTHING:
        return;
    case APPEND:
        fd = open("x", O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(fd, "more", 4), 4);
        close(fd);
        return;
    case CUT:
        assert_int_equal(truncate("x", 150000), 0);
        return;
    case REWRITE:
        fd = open("x", O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "other", 5, 250000), 5);
        close(fd);
        return;
    case REPLACE:
        put_pattern("y", 300000);
        assert_int_equal(rename("y", "x"), 0);
        return;
    case TOUCH:
        assert_int_equal(utimensat(AT_FDCWD, "x", NULL, 0), 0);
        return;
    case UNLINK:
        assert_int_equal(unlink("x"), 0);
        return;
    }
}

static void expect_meddling(enum meddling how, size_t before_bytes)
{
    put_pattern("x", 300000);
    usleep(12000); /* a clock tick: see the head of source.h */
    struct vdm_source *s VDM_CLEANUP(vdm_source_cleanup) = open_source("x");
    struct vdm_buf b = {0};
    struct vdm_err err = {0};
    uint8_t p[1000];
    size_t got, n = 0;
    while (n < before_bytes) {
        assert_true(vdm_source_read(s, p, sizeof p, &got, &err));
        n += got;
    }
    meddle(how);
    bool ok = read_all(s, 65536, &b, &err) && vdm_source_finish(s, &err);
    vdm_buf_release(&b);
    assert_int_equal(ok, how == NOTHING);
    if (!ok) {
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        assert_string_equal(err.text, "changed while it was read");
    }
}

static void test_changed(void **state)
{
    (void)state;
    for (enum meddling how = NOTHING; how <= UNLINK; how++) {
        expect_meddling(how, 0);
        expect_meddling(how, 200000);
        expect_meddling(how, 300000);
    }
}

/* A log that grows faster than it is read: reading ends all the same. */
static void test_growing(void **state)
{
    (void)state;
    put_pattern("x", 200000);
    struct vdm_source *s VDM_CLEANUP(vdm_source_cleanup) = open_source("x");
    struct vdm_err err;
    uint8_t p[65536];
    size_t got = 0, steps = 0;
    while (vdm_source_read(s, p, sizeof p, &got, &err) && steps++ < 100) {
        assert_true(got > 0);
        int fd = open("x", O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(fd, p, got), (ssize_t)got);
        close(fd);
    }
    assert_true(steps < 10);
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_string_equal(err.text, "changed while it was read");
}

/* What the system says of a file's size may be old, on a file system of another machine. */
static off_t hidden_bytes;

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
    int result = __real_fstat64(fd, st);
    st->st_size -= hidden_bytes;
    return result;
}

static void test_old_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 1000, 65536, 65537, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_pattern("x", sizes[i]);
        hidden_bytes = 1;
        struct vdm_source *s VDM_CLEANUP(vdm_source_cleanup) = open_source("x");
        struct vdm_buf b = {0};
        struct vdm_err err = {0};
        assert_false(read_all(s, 65536, &b, &err) && vdm_source_finish(s, &err));
        assert_string_equal(err.text, "changed while it was read");
        vdm_buf_release(&b);
        hidden_bytes = 0;
    }
}

static void test_not_read_to_its_end(void **state)
{
    (void)state;
    put_pattern("x", 1000);
    struct vdm_source *s VDM_CLEANUP(vdm_source_cleanup) = open_source("x");
    struct vdm_err err;
    uint8_t p[1000];
    size_t got;
    assert_false(vdm_source_finish(s, &err));
    assert_true(vdm_source_read(s, p, sizeof p, &got, &err));
    assert_int_equal(got, 1000);
    assert_false(vdm_source_finish(s, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_true(vdm_source_read(s, p, sizeof p, &got, &err));
    assert_int_equal(got, 0);
    assert_true(vdm_source_finish(s, &err));
}

static void expect_refused(struct vdm_walk_item item, const char *reason)
{
    struct vdm_source *const untouched = (struct vdm_source *)(void *)&item;
    struct vdm_source *s = untouched;
    struct vdm_err err;
    assert_false(vdm_source_open(&s, &item, media, &err));
    assert_ptr_equal(s, untouched);
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_string_equal(err.text, reason);
}

static void test_refused(void **state)
{
    (void)state;
    put_text("file", "x");
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(mkdir("folder", 0755), 0);
    assert_int_equal(mkfifo("fifo", 0644), 0);
    expect_refused(file_item("link", false), "not a file");
    expect_refused(file_item("folder", true), "not a file");
    expect_refused(file_item("fifo", true), "not a file"); /* and does not hang */
    expect_refused(file_item("none", true), "no such file");
    struct vdm_walk_item refusal = {.kind = VDM_WALK_REFUSED, .reason = "because"};
    expect_refused(refusal, "because");

    struct vdm_walk_item item = file_item("link", true);
    struct vdm_source *s = NULL;
    struct vdm_err err;
    assert_true(vdm_source_open(&s, &item, media, &err));
    assert_bytes(vdm_source_facts(s)->name, "link");
    vdm_source_close(s);
}

static void test_unreadable(void **state)
{
    (void)state;
    bool root = geteuid() == 0;
    put_text("file", "x");
    assert_int_equal(chmod("file", 0) | chmod(".", 0755), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    expect_refused(file_item("file", true), "open: Permission denied");
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void test_source_untouched(void **state)
{
    (void)state;
    put_pattern("x", 100000);
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1500000000}};
    assert_int_equal(utimensat(AT_FDCWD, "x", old, 0), 0);
    struct stat before, after;
    assert_int_equal(stat("x", &before), 0);
    struct vdm_source *s = open_source("x");
    struct vdm_buf b = {0};
    struct vdm_err err;
    assert_true(read_all(s, 4096, &b, &err) && vdm_source_finish(s, &err));
    vdm_source_close(s);
    vdm_buf_release(&b);
    assert_int_equal(stat("x", &after), 0);
    assert_int_equal(before.st_atim.tv_sec, after.st_atim.tv_sec);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
    assert_int_equal(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

/* O_NOATIME is for the owner; for anybody else the file must open without. */
static void test_somebody_elses_file(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    put_text("x", "text\n");
    assert_int_equal(chmod(".", 0755) | seteuid(65534), 0);
    struct vdm_source *s = open_source("x");
    struct vdm_buf b = {0};
    struct vdm_err err;
    assert_true(read_all(s, 4096, &b, &err) && vdm_source_finish(s, &err));
    vdm_source_close(s);
    vdm_buf_release(&b);
    assert_int_equal(seteuid(0), 0);
}

/* Standard input becomes `fd`; gives what it was. */
static int swap_stdin(int fd)
{
    int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    return saved;
}

static void restore_stdin(int saved)
{
    if (saved < 0)
        close(STDIN_FILENO);
    else
        assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    if (saved >= 0)
        close(saved);
}

/* A child that writes to the pipe in small pieces; a reader that is non-blocking must wait. */
static void expect_pipe(int ends[2])
{
    pid_t child = fork();
    if (child == 0) {
        static const char line[] = "a line of text\n";
        for (int i = 0; i < 10000; i++) {
            if (i % 2500 == 1)
                usleep(5000);
            if (write(ends[1], line, sizeof line - 1) < 0)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    int saved = swap_stdin(ends[0]);
    struct vdm_walk_item item = {.kind = VDM_WALK_STDIN};
    struct vdm_source *s = NULL;
    struct vdm_buf b = {0};
    struct vdm_err err;
    assert_true(vdm_source_open(&s, &item, media, &err));
    assert_false(vdm_source_facts(s)->has_size);
    assert_bytes(vdm_source_facts(s)->name, "");
    assert_bytes(vdm_source_facts(s)->media_type, "text/plain");
    assert_false(vdm_source_finish(s, &err));
    assert_true(read_all(s, 5000, &b, &err));
    assert_true(vdm_source_finish(s, &err));
    vdm_source_close(s);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* not ours to close */
    assert_int_equal(b.n, 150000);
    for (size_t i = 0; i < b.n; i += 15)
        assert_memory_equal(b.p + i, "a line of text\n", 15);
    vdm_buf_release(&b);
    restore_stdin(saved);
    waitpid(child, NULL, 0);
}

static void test_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    expect_pipe(ends);
}

/* The times of a named pipe move as it is used: that is no change of the source. */
static void test_named_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(mkfifo("fifo", 0644), 0);
    ends[0] = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ends[1] = open("fifo", O_WRONLY | O_CLOEXEC);
    expect_pipe(ends);
}

static void test_stdin_from_a_file(void **state)
{
    (void)state;
    for (int change = 0; change < 2; change++) {
        put_pattern("x", 300000);
        usleep(12000);
        int saved = swap_stdin(open("x", O_RDONLY | O_CLOEXEC));
        struct vdm_walk_item item = {.kind = VDM_WALK_STDIN};
        struct vdm_source *s = NULL;
        struct vdm_buf b = {0};
        struct vdm_err err;
        assert_true(vdm_source_open(&s, &item, media, &err));
        assert_false(vdm_source_facts(s)->has_size);
        if (change)
            meddle(REWRITE);
        assert_true(read_all(s, 65536, &b, &err));
        assert_int_equal(b.n, 300000);
        assert_int_equal(vdm_source_finish(s, &err), !change);
        vdm_source_close(s);
        vdm_buf_release(&b);
        restore_stdin(saved);
    }
}

static void test_stdin_closed(void **state)
{
    (void)state;
    int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    close(STDIN_FILENO);
    struct vdm_walk_item item = {.kind = VDM_WALK_STDIN};
    expect_refused(item, "read: Bad file descriptor");
    if (saved >= 0)
        restore_stdin(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_every_byte),
        SCRATCH_TEST(test_facts),
        SCRATCH_TEST(test_changed),
        SCRATCH_TEST(test_growing),
        SCRATCH_TEST(test_old_size),
        SCRATCH_TEST(test_not_read_to_its_end),
        SCRATCH_TEST(test_refused),
        SCRATCH_TEST(test_unreadable),
        SCRATCH_TEST(test_source_untouched),
        SCRATCH_TEST(test_somebody_elses_file),
        SCRATCH_TEST(test_pipe),
        SCRATCH_TEST(test_named_pipe),
        SCRATCH_TEST(test_stdin_from_a_file),
        SCRATCH_TEST(test_stdin_closed),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
