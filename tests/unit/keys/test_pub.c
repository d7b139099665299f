/* SPDX-License-Identifier: MIT */
#include "keys_test.h"

#include "keys/pub.h"

#define SECRET                                                                                     \
    "PRIVATE+KEY+amal@archive.example.org+227151d2+AQQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

static void test_round_trip(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k = vkey_of(p, AMAL), again;
    mode_t before = umask(022);
    assert_true(vdm_pub_write(p->fd, "amal.pub", &k, &err));
    umask(before);
    assert_file(p, "amal.pub", VDM_LIT(AMAL "\n"), 0644);
    assert_true(vdm_pub_read(p->c, p->fd, "amal.pub", &again, &err));
    assert_true(vdm_vkey_equal(&k, &again));
}

static void test_write_never_overwrites(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey amal = vkey_of(p, AMAL), eve = vkey_of(p, EVE);
    assert_true(vdm_pub_write(p->fd, "k.pub", &amal, &err));
    assert_false(vdm_pub_write(p->fd, "k.pub", &eve, &err));
    assert_error(&err, VDM_ERR_FAILED, "exists");
    struct vdm_vkey there;
    assert_true(vdm_pub_read(p->c, p->fd, "k.pub", &there, &err));
    assert_true(vdm_vkey_equal(&there, &amal));
}

static void test_line_end_may_be_missing(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k, amal = vkey_of(p, AMAL);
    put_text(p, "k.pub", AMAL);
    assert_true(vdm_pub_read(p->c, p->fd, "k.pub", &k, &err));
    assert_true(vdm_vkey_equal(&k, &amal));
}

static void test_anything_else_is_malformed(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        AMAL "\n\n",
        AMAL "\n" EVE "\n",
        AMAL "\n" EVE,
        AMAL "\n#",
        "\n" AMAL "\n",
        AMAL "\r\n",
        AMAL " \n",
        " " AMAL "\n",
        "\xEF\xBB\xBF" AMAL "\n",
        "amal@archive.example.org+227151d3+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58\n",
        "amal@archive.example.org+227151d2+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r5\n",
        SECRET "\n",
    };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_err err = {0};
        struct vdm_vkey k = {.id = 7};
        put_text(p, "k.pub", bad[i]);
        assert_false(vdm_pub_read(p->c, p->fd, "k.pub", &k, &err));
        assert_error(&err, VDM_ERR_MALFORMED, "k.pub: ");
        assert_int_equal(k.id, 7);
    }
}

static void test_nul_in_line_is_malformed(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k;
    put_file(p, "k.pub", VDM_LIT(AMAL "\0\n"), 0600);
    assert_false(vdm_pub_read(p->c, p->fd, "k.pub", &k, &err));
    assert_error(&err, VDM_ERR_MALFORMED, "k.pub");
}

static void test_no_file(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k;
    assert_false(vdm_pub_read(p->c, p->fd, "none.pub", &k, &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "none.pub");
    assert_int_equal(mkdirat(p->fd, "folder.pub", 0700), 0);
    assert_false(vdm_pub_read(p->c, p->fd, "folder.pub", &k, &err));
    assert_error(&err, VDM_ERR_REFUSED, "folder.pub");
}

static void assert_base(struct place *p, const char *name, bool with_id, const char *want)
{
    struct vdm_vkey k = renamed(p, name, AMAL);
    char base[VDM_KEY_FILE_BASE_MAX + 1], full[VDM_KEY_FILE_BASE_MAX + 1];
    vdm_key_file_base(&k, with_id, base);
    snprintf(full, sizeof full, with_id ? "%s-%08x" : "%s", want, k.id);
    assert_string_equal(base, full);
}

static void test_file_names(void **state)
{
    struct place *p = *state;
    assert_base(p, "amal@archive.example.org", false, "amal@archive.example.org");
    assert_base(p, "archive.example.org/statements", false, "archive.example.org-statements");
    assert_base(p, "a/b/c", true, "a-b-c");
    assert_base(p, "A_z-9/", false, "A_z-9-");
    assert_base(p, ".hidden", false, "_hidden");
    assert_base(p, "..", false, "_.");
    assert_base(p, "../../etc", false, "_.-..-etc");
    assert_base(p, "caf\xC3\xA9\"\x7F*", false, "caf_____");
}

static void test_long_names_are_cut(void **state)
{
    struct place *p = *state;
    char name[VDM_VKEY_NAME_MAX + 1], want[VDM_KEY_FILE_NAME_CUT + 1];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    memset(want, 'x', sizeof want - 1);
    want[sizeof want - 1] = 0;
    assert_base(p, name, false, want);
    assert_base(p, name, true, want);
}

static void assert_choice(struct place *p, const struct vdm_vkey *k, bool with_id)
{
    struct vdm_err err = {0};
    char got[VDM_KEY_FILE_BASE_MAX + 1], want[VDM_KEY_FILE_BASE_MAX + 1];
    vdm_key_file_base(k, with_id, want);
    assert_true(vdm_key_file_choose(p->c, p->fd, k, got, &err));
    assert_string_equal(got, want);
}

static void test_choose(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey one = renamed(p, "a/b", AMAL), two = renamed(p, "a-b", EVE);
    assert_choice(p, &one, false);
    assert_true(vdm_pub_write(p->fd, "a-b.pub", &one, &err));
    assert_choice(p, &one, false);
    assert_choice(p, &two, true);
    char base[VDM_KEY_FILE_BASE_MAX + 1], file[VDM_KEY_FILE_BASE_MAX + 5];
    vdm_key_file_base(&two, true, base);
    snprintf(file, sizeof file, "%s.pub", base);
    assert_true(vdm_pub_write(p->fd, file, &two, &err));
    assert_choice(p, &two, true);
    /* Where a key stands it stays, though the shorter name has come free. */
    assert_int_equal(unlinkat(p->fd, "a-b.pub", 0), 0);
    assert_choice(p, &two, true);
    assert_choice(p, &one, false);
}

static void test_choose_keeps_away_from_what_it_cannot_read(void **state)
{
    struct place *p = *state;
    struct vdm_vkey k = renamed(p, "a-b", AMAL);
    put_text(p, "a-b.key", "");
    assert_choice(p, &k, true);
    assert_int_equal(unlinkat(p->fd, "a-b.key", 0), 0);
    put_text(p, "a-b.pub", "damaged");
    assert_choice(p, &k, true);
    assert_int_equal(unlinkat(p->fd, "a-b.pub", 0), 0);
    assert_int_equal(symlinkat("nowhere", p->fd, "a-b.pub"), 0);
    assert_choice(p, &k, true);
    assert_int_equal(unlinkat(p->fd, "a-b.pub", 0), 0);
    assert_choice(p, &k, false);
}

static void test_choose_both_taken(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k = renamed(p, "a-b", AMAL);
    char base[VDM_KEY_FILE_BASE_MAX + 1] = "untouched", file[VDM_KEY_FILE_BASE_MAX + 5];
    put_text(p, "a-b.pub", EVE "\n");
    snprintf(file, sizeof file, "a-b-%08x.pub", k.id);
    put_text(p, file, EVE "\n");
    assert_false(vdm_key_file_choose(p->c, p->fd, &k, base, &err));
    assert_error(&err, VDM_ERR_FAILED, "taken");
    assert_string_equal(base, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_round_trip),
        PLACE_TEST(test_write_never_overwrites),
        PLACE_TEST(test_line_end_may_be_missing),
        PLACE_TEST(test_anything_else_is_malformed),
        PLACE_TEST(test_nul_in_line_is_malformed),
        PLACE_TEST(test_no_file),
        PLACE_TEST(test_file_names),
        PLACE_TEST(test_long_names_are_cut),
        PLACE_TEST(test_choose),
        PLACE_TEST(test_choose_keeps_away_from_what_it_cannot_read),
        PLACE_TEST(test_choose_both_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
