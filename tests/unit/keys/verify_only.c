/* SPDX-License-Identifier: MIT */
/* What a program that only verifies is made of: it links vdm_keys, checks a checkpoint, and no code
 * that could sign or ask for a passphrase has come with it. */
#include "keys_test.h"

#include "keys/guard.h"
#include "keys/trust.h"

/* Weak: the address is NULL where no library brought the function along. */
__attribute__((weak)) void vdm_sign(void);
__attribute__((weak)) void vdm_secret_open(void);
__attribute__((weak)) void vdm_signer_load(void);
__attribute__((weak)) void vdm_keyfile_load(void);
__attribute__((weak)) void vdm_passphrase_ask(void);

static const char checkpoint[] =
    "archive.example.org/statements\n17\ndZ5IIZW4tScAWRZVKalPohwZy3JkmHuWy21GAhD0Wdk=\n\n"
    "\xE2\x80\x94 archive.example.org/statements "
    "PhyQjHtqjt53UFSfOgTyNFzfkuOFhihBfD3hj0GzBcmU3wtDG2BoyZjLiU60L/pms/ak9k3gLAmQWKeEmPjCfEKVSgg="
    "\n";

static void test_no_secret_side(void **state)
{
    (void)state;
    assert_true(vdm_sign == NULL);
    assert_true(vdm_secret_open == NULL);
    assert_true(vdm_signer_load == NULL);
    assert_true(vdm_keyfile_load == NULL);
    assert_true(vdm_passphrase_ask == NULL);
}

static void test_it_verifies(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkeys trusted VDM_CLEANUP(vdm_vkeys_release) = {0};
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    bool present = false;
    assert_true(vdm_trust_resolve(p->c, VDM_NO_KEYS, LEDGER, &trusted, &err));
    put_text(p, VDM_GUARD_FILE, checkpoint);
    assert_true(vdm_guard_read(p->fd, &present, &whole, &err));
    assert_true(vdm_note_decode(vdm_buf_bytes(&whole), &note, &err));
    assert_int_equal(vdm_note_verify(&note, p->c, &trusted.key[0], NULL), VDM_NOTE_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_secret_side),
        PLACE_TEST(test_it_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
