/* SPDX-License-Identifier: MIT */
#include "keys_test.h"

#include "keys/guard.h"

#include <dirent.h>

#define SIGNED                                                                                     \
    "\n\xE2\x80\x94 archive.example.org/statements "                                               \
    "PhyQjHtqjt53UFSfOgTyNFzfkuOFhihBfD3hj0GzBcmU3wtDG2BoyZjLiU60L/"                               \
    "pms/ak9k3gLAmQWKeEmPjCfEKVSgg=\n"
#define ROOT "dZ5IIZW4tScAWRZVKalPohwZy3JkmHuWy21GAhD0Wdk=\n"
#define AT_17                                                                                      \
    "archive.example.org/statements\n"                                                             \
    "17\n" ROOT SIGNED
#define AT_18                                                                                      \
    "archive.example.org/statements\n"                                                             \
    "18\n" ROOT SIGNED

static void assert_guard(struct place *p, const char *want)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    bool present = !want;
    assert_true(vdm_guard_read(p->fd, &present, &note, &err));
    assert_int_equal(present, want != NULL);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&note), want ? want : ""));
}

static size_t files_in(struct place *p)
{
    size_t n = 0;
    DIR *d = opendir(p->path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void test_absent(void **state)
{
    assert_guard(*state, NULL);
}

static void test_replace_and_read(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    mode_t before = umask(022);
    assert_true(vdm_guard_replace(p->fd, VDM_LIT(AT_17), &err));
    assert_file(p, VDM_GUARD_FILE, VDM_LIT(AT_17), 0644);
    assert_guard(p, AT_17);
    assert_true(vdm_guard_replace(p->fd, VDM_LIT(AT_18), &err));
    umask(before);
    assert_file(p, VDM_GUARD_FILE, VDM_LIT(AT_18), 0644);
    assert_guard(p, AT_18);
    assert_int_equal(files_in(p), 1);
}

static void test_read_appends(void **state)
{
    struct place *p = *state;
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    bool present = false;
    vdm_buf_puts(&note, "before ");
    put_text(p, VDM_GUARD_FILE, AT_17);
    assert_true(vdm_guard_read(p->fd, &present, &note, &err));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&note), "before " AT_17));
}

static void assert_unreadable(struct place *p, enum vdm_err_kind kind)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    bool present = true;
    assert_false(vdm_guard_read(p->fd, &present, &note, &err));
    assert_error(&err, kind, VDM_GUARD_FILE);
    assert_true(present);
    assert_int_equal(note.n, 0);
}

static void test_damage_is_never_absence(void **state)
{
    struct place *p = *state;
    const char *text = AT_17;
    char part[sizeof AT_17];
    /* Every beginning of it: what a writer without fsync could leave. */
    for (size_t n = 0; n < sizeof AT_17 - 1; n++) {
        memcpy(part, text, n);
        put_file(p, VDM_GUARD_FILE, (struct vdm_bytes){(const uint8_t *)part, n}, 0600);
        assert_unreadable(p, VDM_ERR_MALFORMED);
    }
    put_text(p, VDM_GUARD_FILE, AT_17 "\n");
    assert_unreadable(p, VDM_ERR_MALFORMED);
    memset(part, 0, sizeof part);
    put_file(p, VDM_GUARD_FILE, (struct vdm_bytes){(const uint8_t *)part, sizeof part}, 0600);
    assert_unreadable(p, VDM_ERR_MALFORMED);
}

static void test_links_and_folders_are_never_absence(void **state)
{
    struct place *p = *state;
    assert_int_equal(symlinkat("nowhere", p->fd, VDM_GUARD_FILE), 0);
    assert_unreadable(p, VDM_ERR_REFUSED);
    put_text(p, "nowhere", AT_17);
    assert_unreadable(p, VDM_ERR_REFUSED);
    assert_int_equal(unlinkat(p->fd, VDM_GUARD_FILE, 0), 0);
    assert_int_equal(mkdirat(p->fd, VDM_GUARD_FILE, 0700), 0);
    assert_unreadable(p, VDM_ERR_REFUSED);
    assert_int_equal(unlinkat(p->fd, VDM_GUARD_FILE, AT_REMOVEDIR), 0);
    assert_int_equal(mkfifoat(p->fd, VDM_GUARD_FILE, 0600), 0);
    assert_unreadable(p, VDM_ERR_REFUSED);
}

static void test_bound(void **state)
{
    struct place *p = *state;
    struct vdm_buf big VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    const char *const text = "archive.example.org/statements\n17\n" ROOT "\n";
    /* Two signatures of other kinds: as long as can be, then one byte too long. */
    for (int more = 0; more < 2; more++) {
        vdm_buf_clear(&big);
        vdm_buf_puts(&big, text);
        vdm_buf_puts(&big, "\xE2\x80\x94 other AAAAAAAA\n\xE2\x80\x94 o");
        while ((VDM_NOTE_MAX + (size_t)more - big.n) % 4 != 2)
            vdm_buf_putc(&big, 'o');
        vdm_buf_putc(&big, ' ');
        while (big.n < VDM_NOTE_MAX + (size_t)more - 1)
            vdm_buf_puts(&big, "AAAA");
        vdm_buf_putc(&big, '\n');
        assert_int_equal(big.n, VDM_NOTE_MAX + more);
        assert_int_equal(vdm_guard_replace(p->fd, vdm_buf_bytes(&big), &err), !more);
        vdm_buf_putc(&big, '\n');
        put_file(p, VDM_GUARD_FILE, vdm_buf_bytes(&big), 0600);
        assert_unreadable(p, VDM_ERR_MALFORMED);
        big.n--;
    }
    assert_error(&err, VDM_ERR_MALFORMED, "more than 65535");
    put_file(p, VDM_GUARD_FILE, vdm_buf_bytes(&big), 0600);
    assert_unreadable(p, VDM_ERR_MALFORMED);
}

static void test_replace_takes_checkpoints_only(void **state)
{
    static const char *const bad[] = {
        "",
        "archive.example.org/statements\n17\n" ROOT,
        "archive.example.org/statements\n017\n" ROOT SIGNED,
        "archive.example.org/statements\n17\n" ROOT "extension\n" SIGNED,
        "vidimus/capture/v1\n" SIGNED,
        AT_17 "x",
    };
    struct place *p = *state;
    struct vdm_err err = {0};
    assert_true(vdm_guard_replace(p->fd, VDM_LIT(AT_17), &err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(vdm_guard_replace(p->fd, vdm_str(bad[i]), &err));
        assert_error(&err, VDM_ERR_MALFORMED, VDM_GUARD_FILE);
    }
    assert_guard(p, AT_17);
    assert_int_equal(files_in(p), 1);
}

static void test_replace_takes_the_place_of_a_link(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    put_text(p, "elsewhere", "kept");
    assert_int_equal(symlinkat("elsewhere", p->fd, VDM_GUARD_FILE), 0);
    mode_t before = umask(022);
    assert_true(vdm_guard_replace(p->fd, VDM_LIT(AT_17), &err));
    umask(before);
    assert_file(p, "elsewhere", VDM_LIT("kept"), 0600);
    assert_file(p, VDM_GUARD_FILE, VDM_LIT(AT_17), 0644);
}

static void test_no_folder(void **state)
{
    (void)state;
    struct vdm_err err = {0};
    assert_false(vdm_guard_replace(-1, VDM_LIT(AT_17), &err));
    assert_error(&err, VDM_ERR_FAILED, VDM_GUARD_FILE);
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    bool present;
    assert_false(vdm_guard_read(-1, &present, &note, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_absent),
        PLACE_TEST(test_replace_and_read),
        PLACE_TEST(test_read_appends),
        PLACE_TEST(test_damage_is_never_absence),
        PLACE_TEST(test_links_and_folders_are_never_absence),
        PLACE_TEST(test_bound),
        PLACE_TEST(test_replace_takes_checkpoints_only),
        PLACE_TEST(test_replace_takes_the_place_of_a_link),
        PLACE_TEST(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
