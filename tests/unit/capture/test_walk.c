/* SPDX-License-Identifier: MIT */
#include "unit/capture/scratch.h"

#include "base/limits.h"
#include "base/time.h"
#include "capture/walk.h"

#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define A_LINK "a link: name it on the command line to import what it points to"

/* The whole walk as text: `shown` of a file, `shown: reason` of a refusal, one after another. */
static char *walk_without(const char *const *paths, size_t n, char *const *left_out, size_t k)
{
    struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    struct vdm_buf b = {0};
    bool more = true;
    assert_true(vdm_walk_open(&w, paths, n, &err));
    vdm_walk_leave_out(w, left_out, k, "left out");
    while (vdm_walk_next(w, &item, &more, &err) && more) {
        vdm_buf_put(&b, item.shown);
        if (item.kind == VDM_WALK_REFUSED)
            vdm_buf_putf(&b, ": %s", item.reason);
        vdm_buf_puts(&b, "|");
    }
    assert_false(more);
    assert_true(vdm_walk_next(w, &item, &more, &err)); /* the end stays the end */
    assert_false(more);
    char *text = vdm_bytes_dup(vdm_buf_bytes(&b));
    vdm_buf_release(&b);
    return text;
}

static char *walk(const char *const *paths, size_t n)
{
    return walk_without(paths, n, NULL, 0);
}

#define expect_walk(wanted, ...)                                                                   \
    do {                                                                                           \
        const char *const paths_[] = {__VA_ARGS__};                                                \
        char *text_ = walk(paths_, sizeof paths_ / sizeof *paths_);                                \
        assert_string_equal(text_, wanted);                                                        \
        free(text_);                                                                               \
    } while (0)

static void make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
}

static void test_nothing(void **state)
{
    (void)state;
    char *text = walk(NULL, 0);
    assert_string_equal(text, "");
    free(text);
    make_folder("empty");
    expect_walk("", "empty", "empty/");
    vdm_walk_close(NULL);
}

static void test_order(void **state)
{
    (void)state;
    make_folder("f");
    make_folder("f/b");
    make_folder("f/b/empty");
    put_text("f/b/2", "");
    put_text("f/b/10", "");
    put_text("f/b.txt", "");
    put_text("f/a", "");
    put_text("f/Z", "");
    put_text("f/\xff", "");
    put_text("f/\xc3\xa9", "");
    put_text("f/.hidden", "");
    expect_walk("f/.hidden|f/Z|f/a|f/b/10|f/b/2|f/b.txt|f/\xc3\xa9|f/\xff|", "f");
    expect_walk("f//b/2|f/b/10|f/b/2|./f/b/10|./f/b/2|", "f//b/2", "f/b/", "./f/b");
}

static void test_odd_names(void **state)
{
    (void)state;
    make_folder("f");
    put_text("f/a\nb", "");
    put_text("f/\x1b[31m\xff\xfe", "");
    put_text("f/ ", "");
    put_text("f/-", "");
    put_text("-", "");
    expect_walk("f/\x1b[31m\xff\xfe|f/ |f/-|f/a\nb|", "f");
    expect_walk("f/a\nb|./-|", "f/a\nb", "./-");
}

static void test_links(void **state)
{
    (void)state;
    make_folder("f");
    make_folder("f/sub");
    put_text("f/file", "x");
    put_text("f/sub/deep", "x");
    assert_int_equal(symlink("file", "f/to-file"), 0);
    assert_int_equal(symlink("sub", "f/to-folder"), 0);
    assert_int_equal(symlink(".", "f/to-self"), 0);
    assert_int_equal(symlink("nowhere", "f/to-nothing"), 0);
    assert_int_equal(symlink("file/below", "f/to-below-a-file"), 0);
    assert_int_equal(symlink("circle", "f/circle"), 0);
    expect_walk("f/circle: " A_LINK "|f/file|f/sub/deep|f/to-below-a-file: dangling link|"
                "f/to-file: " A_LINK "|f/to-folder: " A_LINK "|f/to-nothing: dangling link|"
                "f/to-self: " A_LINK "|",
                "f");
    /* Named, they are followed; below them the same rule holds again. */
    expect_walk("f/to-file|f/to-folder/deep|f/to-nothing: dangling link|"
                "f/circle: Too many levels of symbolic links|",
                "f/to-file", "f/to-folder", "f/to-nothing", "f/circle");
    assert_int_equal(symlink("../file", "f/sub/link"), 0);
    expect_walk("f/to-folder/deep|f/to-folder/link: " A_LINK "|", "f/to-folder/");
}

static void test_no_files(void **state)
{
    (void)state;
    make_folder("f");
    assert_int_equal(mkfifo("f/fifo", 0644), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "f/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    put_text("f/z", "");
    expect_walk("f/fifo: not a file|f/socket: not a file|f/z|", "f");
    expect_walk("f/fifo: not a file|f/socket: not a file|/dev/null: not a file|f/z|", "f/fifo",
                "f/socket", "/dev/null", "f/z");
    close(fd);
}

static void test_missing(void **state)
{
    (void)state;
    put_text("file", "");
    expect_walk("none: No such file or directory|no/ne: No such file or directory|"
                "file/: Not a directory|: No such file or directory|file|",
                "none", "no/ne", "file/", "", "file");
}

static void test_unreadable(void **state)
{
    (void)state;
    make_folder("f");
    make_folder("f/closed");
    put_text("f/closed/x", "");
    put_text("f/secret", "");
    put_text("f/z", "");
    assert_int_equal(chmod("f/secret", 0), 0);
    assert_int_equal(chmod("f/closed", 0), 0);
    /* root reads everything, so it becomes somebody else */
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(chmod(".", 0755) | seteuid(65534), 0);
    expect_walk("f/closed: Permission denied|f/secret: Permission denied|f/z|", "f");
    expect_walk("f/closed: Permission denied|f/closed/x: Permission denied|"
                "f/secret: Permission denied|",
                "f/closed", "f/closed/x", "f/secret");
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod("f/closed", 0755), 0);
}

static void test_stdin(void **state)
{
    (void)state;
    const char *const paths[] = {"-", "-"};
    struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    bool more;
    assert_true(vdm_walk_open(&w, paths, 2, &err));
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_int_equal(item.kind, VDM_WALK_STDIN);
    assert_bytes(item.shown, "-");
    assert_bytes(item.path, "-");
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_int_equal(item.kind, VDM_WALK_REFUSED);
    assert_string_equal(item.reason, "standard input can be read only once");
}

static void expect_path(const char *argument, const char *folder, const char *rest)
{
    struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    bool more;
    char wanted[4096];
    snprintf(wanted, sizeof wanted, "%s%s", folder, rest);
    assert_true(vdm_walk_open(&w, &argument, 1, &err));
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_bytes(item.path, wanted);
}

static void test_path(void **state)
{
    const char *here = *state;
    make_folder("f");
    make_folder("f/sub");
    put_text("f/sub/x", "");
    assert_int_equal(symlink("f", "way"), 0);
    assert_int_equal(symlink("f/sub/x", "to-x"), 0);
    expect_path("f", here, "/f/sub/x");
    expect_path(".", here, "/f/sub/x");
    expect_path("f/sub/../sub//x", here, "/f/sub/x");
    expect_path("f/sub/..", here, "/f/sub/x");
    expect_path("way", here, "/f/sub/x");
    expect_path("way/", here, "/f/sub/x");
    expect_path("way/sub/x", here, "/f/sub/x");
    expect_path("to-x", here, "/to-x");
    expect_path(here, here, "/f/sub/x");
    assert_int_equal(unlink("f/sub/x"), 0);
    assert_int_equal(mkfifo("f/sub/x", 0644), 0);
    expect_path("f", here, "/f/sub/x"); /* refused, but its row in a table is known */
}

/* f, then `below` folders below it, each in the other, and a file in the last. */
static void make_deep(int below)
{
    assert_int_equal(chdir("f"), 0);
    for (int i = 0; i < below; i++) {
        make_folder("d");
        assert_int_equal(chdir("d"), 0);
    }
    put_text("x", "");
}

static void test_depth(void **state)
{
    make_folder("f");
    make_deep(VDM_WALK_DEPTH_MAX);
    assert_int_equal(chdir(*state), 0);
    put_text("f/y", "");
    const char *const path = "f";
    char *text = walk(&path, 1);
    assert_non_null(strstr(text, "/d/x|f/y|"));
    assert_null(strstr(text, "deep"));
    free(text);

    make_folder("g");
    assert_int_equal(rename("f", "g/f"), 0);
    const char *const longer = "g";
    text = walk(&longer, 1);
    assert_non_null(strstr(text, "/d/d: more than 64 folders deep|g/f/y|"));
    assert_null(strstr(text, "/x|"));
    free(text);
}

static void test_long_paths(void **state)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = 0;
    for (int i = 0; i < 17; i++) {
        make_folder(name);
        assert_int_equal(chdir(name), 0);
    }
    assert_int_equal(chdir(*state), 0);
    put_text("z", "");
    const char *const here = ".";
    char *text = walk(&here, 1);
    const char *end = strstr(text, ": File name too long|./z|");
    assert_non_null(end);
    assert_true(end - text > VDM_PATH_MAX_BYTES - 256);
    free(text);
    /* remove(3) takes no path that long either */
    for (int i = 0; i < 16; i++)
        assert_int_equal(chdir(name), 0);
    for (int i = 0; i < 16; i++)
        assert_int_equal(rmdir(name) | chdir(".."), 0);
}

/* A folder that becomes a link while its parent is walked leads nowhere. */
static void test_swapped_for_a_link(void **state)
{
    (void)state;
    make_folder("f");
    make_folder("f/b");
    make_folder("outside");
    put_text("f/a", "");
    put_text("f/b/x", "");
    put_text("outside/secret", "");
    const char *const path = "f";
    struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    bool more;
    assert_true(vdm_walk_open(&w, &path, 1, &err));
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_bytes(item.shown, "f/a");
    assert_int_equal(rename("f", "moved"), 0);
    assert_int_equal(symlink("outside", "f"), 0);
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_int_equal(item.kind, VDM_WALK_FILE);
    assert_bytes(item.shown, "f/b/x"); /* still the folder that was opened */
    struct stat seen, real;
    assert_int_equal(fstatat(item.dir, item.name, &seen, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(stat("moved/b/x", &real), 0);
    assert_int_equal(seen.st_ino, real.st_ino);
    assert_true(vdm_walk_next(w, &item, &more, &err));
    assert_false(more);
}

/* Another process that trades a folder for a link, again and again, between every two of our calls
 * some time: the link is never followed. */
static void test_swapped_all_the_time(void **state)
{
    (void)state;
    make_folder("f");
    make_folder("f/b");
    put_text("f/b/x", "");
    make_folder("outside");
    put_text("outside/secret", "");
    assert_int_equal(symlink("../outside", "f/link"), 0);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            (void)renameat2(AT_FDCWD, "f/b", AT_FDCWD, "f/link", RENAME_EXCHANGE);
    }
    bool met = false;
    uint64_t end = vdm_clock_ms() + 300;
    while (!met && vdm_clock_ms() < end) {
        const char *const path = "f";
        char *text = walk(&path, 1);
        met = strstr(text, "secret");
        free(text);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_false(met);
}

static void test_vanished(void **state)
{
    (void)state;
    make_folder("f");
    put_text("f/a", "");
    put_text("f/b", "");
    put_text("f/c", "");
    const char *const path = "f";
    struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    bool more;
    assert_true(vdm_walk_open(&w, &path, 1, &err));
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_int_equal(unlink("f/b"), 0);
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_int_equal(item.kind, VDM_WALK_REFUSED);
    assert_string_equal(item.reason, "No such file or directory");
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    assert_bytes(item.shown, "f/c");
}

/* Closed half-way down, it leaves no descriptor open. */
static void test_closes_all(void **state)
{
    (void)state;
    make_folder("f");
    make_folder("f/g");
    put_text("f/g/x", "");
    const char *const path = "f";
    int before = dup(STDIN_FILENO);
    close(before);
    struct vdm_walk *w = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    bool more;
    assert_true(vdm_walk_open(&w, &path, 1, &err));
    assert_true(vdm_walk_next(w, &item, &more, &err) && more);
    int inside = dup(STDIN_FILENO);
    close(inside);
    assert_int_equal(inside, before + 2);
    vdm_walk_cleanup(&w);
    assert_null(w);
    int after = dup(STDIN_FILENO);
    close(after);
    assert_int_equal(after, before);
}

static size_t held(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* Names are kept only for the folders on the way down, not for all that were seen. */
static void test_memory(void **state)
{
    (void)state;
    enum { FOLDERS = 20, FILES = 20 };
    char path[300], tail[200];
    memset(tail, 'n', sizeof tail);
    tail[sizeof tail - 1] = 0;
    for (int i = 0; i < FOLDERS; i++) {
        snprintf(path, sizeof path, "%d", i);
        make_folder(path);
        for (int k = 0; k < FILES; k++) {
            snprintf(path, sizeof path, "%d/%d%s", i, k, tail);
            put_text(path, "");
        }
    }
    const char *const here = ".";
    struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    struct vdm_err err;
    bool more = true;
    int files = 0;
    size_t before = held(), most = 0;
    assert_true(vdm_walk_open(&w, &here, 1, &err));
    while (vdm_walk_next(w, &item, &more, &err) && more) {
        size_t now = held() - before;
        most = now > most ? now : most;
        files++;
    }
    assert_int_equal(files, FOLDERS * FILES);
    /* Under the sanitizers there is nothing to count. */
    assert_true(most < 40000);
}

/* Each once, however it is reached, with all below it; and nothing that is only called alike. */
static void test_left_out(void **state)
{
    char folder[4200], *left_out[] = {folder};
    const char *const paths[] = {"f", "f/own", "f/own/in", "f/own/in/x", "link", "f/own/../own/y"};
    snprintf(folder, sizeof folder, "%s/f/own", (char *)*state);
    make_folder("f");
    make_folder("f/own");
    make_folder("f/own/in");
    put_text("f/own/in/x", "");
    put_text("f/own/y", "");
    make_folder("f/own2");
    put_text("f/own2/z", "");
    assert_int_equal(symlink("f/own", "link"), 0);
    char *text = walk_without(paths, sizeof paths / sizeof *paths, left_out, 1);
    assert_string_equal(text, "f/own: left out|f/own2/z|f/own: left out|f/own/in: left out|"
                              "f/own/in/x: left out|link: left out|f/own/../own/y: left out|");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_nothing),
        SCRATCH_TEST(test_order),
        SCRATCH_TEST(test_odd_names),
        SCRATCH_TEST(test_links),
        SCRATCH_TEST(test_no_files),
        SCRATCH_TEST(test_missing),
        SCRATCH_TEST(test_unreadable),
        SCRATCH_TEST(test_stdin),
        SCRATCH_TEST(test_path),
        SCRATCH_TEST(test_depth),
        SCRATCH_TEST(test_long_paths),
        SCRATCH_TEST(test_swapped_for_a_link),
        SCRATCH_TEST(test_vanished),
        SCRATCH_TEST(test_closes_all),
        SCRATCH_TEST(test_swapped_all_the_time),
        SCRATCH_TEST(test_memory),
        SCRATCH_TEST(test_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
