/* SPDX-License-Identifier: MIT */
#include "keys_test.h"

#include "keys/signer.h"

#define LEDGER_KEY                                                                                 \
    "PRIVATE+KEY+archive.example.org/statements+3e1c908c+"                                         \
    "AQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC\n"
#define LEDGER2_KEY                                                                                \
    "PRIVATE+KEY+archive.example.org/statements+b5fd9186+"                                         \
    "AQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD\n"

/* The vectors' own checkpoint, which both keys signed. */
#define TEXT "archive.example.org/statements\n17\ndZ5IIZW4tScAWRZVKalPohwZy3JkmHuWy21GAhD0Wdk=\n"
#define LINE                                                                                       \
    "\xE2\x80\x94 archive.example.org/statements "                                                 \
    "PhyQjHtqjt53UFSfOgTyNFzfkuOFhihBfD3hj0GzBcmU3wtDG2BoyZjLiU60L/"                               \
    "pms/ak9k3gLAmQWKeEmPjCfEKVSgg=\n"
#define LINE2                                                                                      \
    "\xE2\x80\x94 archive.example.org/statements "                                                 \
    "tf2RhlKjVF/Glzah0tJphZMtQJmhB364EKkF2DGO2S3rothIN/"                                           \
    "wsAhpsrbp17BziXvTEJjQf6rn40gsvldtzCMuqrQ0=\n"

static struct vdm_signer *signer(struct place *p, const char *key)
{
    struct vdm_signer *s = NULL;
    struct vdm_err err = {0};
    put_text(p, "s.key", key);
    if (!vdm_signer_load(&s, p->c, p->fd, "s.key", NULL, &err))
        fail_msg("%s", err.text);
    return s;
}

static void test_generate(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_signer *a VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    struct vdm_signer *b VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    assert_true(vdm_signer_generate(&a, p->c, VDM_LIT("amal@example.org"), &err));
    assert_true(vdm_signer_generate(&b, p->c, VDM_LIT("amal@example.org"), &err));
    const struct vdm_vkey *k = vdm_signer_vkey(a);
    assert_string_equal(k->name, "amal@example.org");
    assert_int_equal(k->type, VDM_KEY_ED25519);
    assert_int_equal(k->id, vdm_key_id(p->c, VDM_LIT("amal@example.org"), k->type, &k->key));
    assert_false(vdm_pubkey_equal(k->key, vdm_signer_vkey(b)->key));
}

static void test_generate_refuses_names(void **state)
{
    static const char *const bad[] = {
        "", "a b", "a+b", "caf\xC3\xA9",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_signer *s = NULL;
        struct vdm_err err = {0};
        assert_false(vdm_signer_generate(&s, p->c, vdm_str(bad[i]), &err));
        assert_error(&err, VDM_ERR_USAGE, "name");
        assert_null(s);
    }
}

static void save_both_ways(struct place *p, const struct vdm_signer *s,
                           const struct vdm_keyfile_lock *lock)
{
    struct vdm_err err = {0};
    assert_true(vdm_signer_save(s, p->fd, "sealed.key", lock, &err));
    assert_true(vdm_signer_save(s, p->fd, "clear.key", NULL, &err));
    assert_false(vdm_signer_save(s, p->fd, "clear.key", lock, &err));
    assert_error(&err, VDM_ERR_FAILED, "exists");
    assert_true(vdm_signer_save_again(s, p->fd, "clear.key", lock, &err));
}

static void test_save_and_load(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    struct vdm_secret passphrase VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_kdf small = {.ops = 1, .memory_bytes = 8192};
    struct vdm_keyfile_lock lock = {&passphrase, &small};
    assert_true(vdm_secret_open(&passphrase, 4, &err));
    passphrase.n = 4;
    memcpy(passphrase.p, "word", 4);
    assert_true(vdm_signer_generate(&s, p->c, VDM_LIT("a/b"), &err));
    save_both_ways(p, s, &lock);
    static const char *const files[] = {"sealed.key", "clear.key"};
    for (size_t i = 0; i < 2; i++) {
        struct vdm_signer *again VDM_CLEANUP(vdm_signer_cleanup) = NULL;
        assert_false(vdm_signer_load(&again, p->c, p->fd, files[i], NULL, &err));
        assert_error(&err, VDM_ERR_USAGE, "a/b needs a passphrase");
        assert_true(vdm_signer_load(&again, p->c, p->fd, files[i], &passphrase, &err));
        assert_true(vdm_vkey_equal(vdm_signer_vkey(again), vdm_signer_vkey(s)));
    }
}

static void test_close_takes_null(void **state)
{
    (void)state;
    vdm_signer_close(NULL);
}

/* Ed25519 leaves no choice: the same bytes as every other implementation. */
static void test_note_as_the_vectors_have_it(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_signer *one VDM_CLEANUP(vdm_signer_cleanup) = signer(p, LEDGER_KEY);
    struct vdm_signer *two VDM_CLEANUP(vdm_signer_cleanup) = signer(p, LEDGER2_KEY);
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(vdm_signer_append_note(one, VDM_LIT(TEXT), &note, &err));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&note), TEXT "\n" LINE));
    assert_true(vdm_signer_append_signature(two, VDM_LIT(TEXT), &note, &err));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&note), TEXT "\n" LINE LINE2));
}

static void test_this_is_what_the_vectors_have(void **state)
{
    (void)state;
    struct vdm_buf vector VDM_CLEANUP(vdm_buf_release) = {0};
    if (!read_vector("checkpoint", &vector))
        skip();
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&vector), TEXT "\n" LINE LINE2));
}

static void test_note_verifies(void **state)
{
    static const char *const texts[] = {"x\n",
                                        "\n",
                                        "a\n\nb\n",
                                        "a\n\n",
                                        "a\n\n\n\n",
                                        "\xE2\x80\x94 not a signature\n",
                                        "a\n\n\xE2\x80\x94 fake AAAAAAA=\n"};
    struct place *p = *state;
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = signer(p, LEDGER_KEY);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_note note;
        struct vdm_err err = {0};
        vdm_buf_puts(&whole, "before");
        assert_true(vdm_signer_append_note(s, vdm_str(texts[i]), &whole, &err));
        struct vdm_bytes bytes = vdm_bytes_skip(vdm_buf_bytes(&whole), 6);
        assert_true(vdm_note_decode(bytes, &note, &err));
        assert_true(vdm_bytes_equal_str(note.text, texts[i]));
        assert_int_equal(note.signatures, 1);
        assert_int_equal(vdm_note_verify(&note, p->c, vdm_signer_vkey(s), NULL), VDM_NOTE_GOOD);
    }
}

static void assert_not_signed(struct vdm_signer *s, struct vdm_bytes text)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_buf_puts(&out, "before");
    assert_false(vdm_signer_append_note(s, text, &out, &err));
    assert_error(&err, VDM_ERR_MALFORMED, "sign: ");
    assert_false(vdm_signer_append_signature(s, text, &out, &err));
    assert_error(&err, VDM_ERR_MALFORMED, "sign: ");
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&out), "before"));
}

static void test_what_no_note_can_carry(void **state)
{
    struct place *p = *state;
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = signer(p, LEDGER_KEY);
    assert_not_signed(s, VDM_LIT(""));
    assert_not_signed(s, VDM_LIT("x"));
    assert_not_signed(s, VDM_LIT("x\ny"));
    assert_not_signed(s, VDM_LIT("x\n\ny"));
    assert_not_signed(s, VDM_LIT("x\n\n\xE2\x80\x94 fake AAAAAAA="));
    assert_not_signed(s, VDM_LIT("x\r\n"));
    assert_not_signed(s, VDM_LIT("x\0\n"));
    assert_not_signed(s, VDM_LIT("\x1B[2J\n"));
    assert_not_signed(s, VDM_LIT("caf\xE9\n"));
}

static void test_size_limit(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = signer(p, LEDGER_KEY);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    const size_t at_most = VDM_NOTE_MAX - 1 - (sizeof LINE - 1);
    while (text.n < at_most - 1)
        vdm_buf_putc(&text, 'x');
    vdm_buf_putc(&text, '\n');
    assert_true(vdm_signer_append_note(s, vdm_buf_bytes(&text), &note, &err));
    assert_int_equal(note.n, VDM_NOTE_MAX);
    vdm_buf_putc(&text, '\n');
    assert_not_signed(s, vdm_buf_bytes(&text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_generate),
        PLACE_TEST(test_generate_refuses_names),
        PLACE_TEST(test_save_and_load),
        PLACE_TEST(test_close_takes_null),
        PLACE_TEST(test_note_as_the_vectors_have_it),
        cmocka_unit_test(test_this_is_what_the_vectors_have),
        PLACE_TEST(test_note_verifies),
        PLACE_TEST(test_what_no_note_can_carry),
        PLACE_TEST(test_size_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
