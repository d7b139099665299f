/* SPDX-License-Identifier: MIT */
/* Key files as files: modes, owners, links, and what is never overwritten. */
#include "keyfile_test.h"

static void test_modes(void **state)
{
    static const mode_t good[] = {0600, 0400, 0700},
                        bad[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666, 0440, 0777};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
        struct vdm_err err = {0};
        put_file(p, "m.key", VDM_LIT(AMAL_KEY), good[i]);
        assert_true(vdm_keyfile_load(p->c, p->fd, "m.key", NULL, &k, &err));
        unlinkat(p->fd, "m.key", 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_keyfile_info info;
        struct vdm_err err = {0};
        char mode[16];
        put_file(p, "m.key", VDM_LIT(AMAL_KEY), bad[i]);
        snprintf(mode, sizeof mode, "mode %04o", (unsigned)bad[i]);
        assert_load_fails(p, "m.key", "x", VDM_ERR_FAILED, mode);
        assert_load_fails(p, "m.key", "x", VDM_ERR_FAILED, "chmod 600");
        assert_false(vdm_keyfile_peek(p->c, p->fd, "m.key", &info, &err));
        unlinkat(p->fd, "m.key", 0);
    }
}

static void test_owner(void **state)
{
    struct place *p = *state;
    if (geteuid() != 0)
        skip();
    put_text(p, "o.key", AMAL_KEY);
    assert_int_equal(fchownat(p->fd, "o.key", 12345, (gid_t)-1, 0), 0);
    assert_load_fails(p, "o.key", "x", VDM_ERR_FAILED, "another user (uid 12345)");
}

static void test_links_are_followed_to_what_counts(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
    put_text(p, "real.key", AMAL_KEY);
    assert_int_equal(symlinkat("real.key", p->fd, "link.key"), 0);
    assert_true(vdm_keyfile_load(p->c, p->fd, "link.key", NULL, &k, &err));
    assert_int_equal(fchmodat(p->fd, "real.key", 0644, 0), 0);
    assert_load_fails(p, "link.key", "x", VDM_ERR_FAILED, "mode 0644");
    assert_int_equal(unlinkat(p->fd, "real.key", 0), 0);
    assert_load_fails(p, "link.key", "x", VDM_ERR_NOT_FOUND, "link.key");
    assert_int_equal(mkfifoat(p->fd, "fifo.key", 0600), 0);
    assert_load_fails(p, "fifo.key", "x", VDM_ERR_REFUSED, "fifo.key");
}

static void test_save_never_overwrites(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    put_text(p, "amal.key", EVE_KEY "\n");
    assert_false(vdm_keyfile_save(&k, p->fd, "amal.key", NULL, &err));
    assert_error(&err, VDM_ERR_FAILED, "exists");
    assert_file(p, "amal.key", VDM_LIT(EVE_KEY "\n"), 0600);
    assert_int_equal(symlinkat("nowhere", p->fd, "link.key"), 0);
    assert_false(vdm_keyfile_save(&k, p->fd, "link.key", NULL, &err));
    assert_int_equal(faccessat(p->fd, "nowhere", F_OK, 0), -1);
}

static void test_save_refuses_a_pair_that_does_not_belong(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    k.vkey = vkey_of(p, EVE);
    assert_false(vdm_keyfile_save(&k, p->fd, "k.key", NULL, &err));
    assert_error(&err, VDM_ERR_USAGE, "do not belong");
}

static void test_save_again(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    struct vdm_keypair again VDM_CLEANUP(vdm_keypair_release) = {0};
    set_secret(&s, "new");
    struct vdm_keyfile_lock lock = {&s, &small};
    assert_false(vdm_keyfile_save_again(p->c, &k, p->fd, "amal.key", &lock, &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "amal.key");
    put_sealed(p, "amal.key");
    assert_true(vdm_keyfile_save_again(p->c, &k, p->fd, "amal.key", &lock, &err));
    assert_load_fails(p, "amal.key", "right", VDM_ERR_PASSPHRASE, "wrong passphrase");
    assert_true(vdm_keyfile_load(p->c, p->fd, "amal.key", &s, &again, &err));
    assert_true(vdm_keyfile_save_again(p->c, &k, p->fd, "amal.key", NULL, &err));
    assert_file(p, "amal.key", VDM_LIT(AMAL_KEY "\n"), 0600);
}

static void test_save_again_keeps_other_keys(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    put_text(p, "eve.key", EVE_KEY "\n");
    assert_false(vdm_keyfile_save_again(p->c, &k, p->fd, "eve.key", NULL, &err));
    assert_error(&err, VDM_ERR_FAILED, "holds another key, of eve@archive.example.org");
    assert_file(p, "eve.key", VDM_LIT(EVE_KEY "\n"), 0600);
    assert_int_equal(symlinkat("load.key", p->fd, "link.key"), 0);
    assert_false(vdm_keyfile_save_again(p->c, &k, p->fd, "link.key", NULL, &err));
    assert_error(&err, VDM_ERR_REFUSED, "link.key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_modes),
        PLACE_TEST(test_owner),
        PLACE_TEST(test_links_are_followed_to_what_counts),
        PLACE_TEST(test_save_never_overwrites),
        PLACE_TEST(test_save_refuses_a_pair_that_does_not_belong),
        PLACE_TEST(test_save_again),
        PLACE_TEST(test_save_again_keeps_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
