/* SPDX-License-Identifier: MIT */
#include "format/note.h"

#include "unit/format/fixture.h"

#define DASH "\xE2\x80\x94 "
#define SIG  DASH "x AAAAAAE=\n" /* key id 0 and one byte */

static bool note_again(void *ctx, struct vdm_bytes whole, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_note n;
    if (!vdm_note_decode(whole, &n, NULL))
        return false;
    assert_true(n.text.n > 0 && n.text.p[n.text.n - 1] == '\n' && n.signatures > 0);
    vdm_buf_put(again, n.text);
    vdm_buf_putc(again, '\n');
    for (size_t i = 0; i < n.signatures; i++) {
        vdm_buf_puts(again, DASH);
        vdm_buf_put(again, n.signature[i].name);
        vdm_buf_putc(again, ' ');
        vdm_buf_put(again, n.signature[i].base64);
        vdm_buf_putc(again, '\n');
    }
    return true;
}

static void test_what_is_a_note(void **state)
{
    (void)state;
    static const char *const good[] = {
        "t\n\n" SIG,
        "t\n\n" SIG SIG,
        "\n\n" SIG, /* a text of one empty line */
        "a\n\nb\n\n" SIG,
        DASH "x AAAAAAE=\n\n" SIG, /* a text may look like a signature */
        "t\n\n" DASH "x\xC3\xA9~ AAAAAAE=\n",
        "t\x7f\n\n" SIG,
    };
    static const char *const bad[] = {
        "",
        "\n",
        "\n\n",
        "t\n",
        "t\n\n",
        "t\n" SIG,
        "t\n\nx\n",
        "t" SIG,
        "\n" SIG,
        SIG,
        "t\n\n\n" SIG "\n",
        "t\n\n" SIG "\n",
        "t\n\n" SIG "x\n",
        "t\n\n" SIG "x",
        "t\n\n" DASH "x AAAAAAE=",
        "t\n\n" DASH "x AAAAAA==\n", /* no signature behind the key id */
        "t\n\n" DASH "x AAAA\n",
        "t\n\n" DASH "x AAAAAAE\n",
        "t\n\n" DASH "x AAAAAAF=\n",
        "t\n\n" DASH "x AAAAAAE=AAAA\n",
        "t\n\n" DASH "x AAAAAAAA!AAA\n",
        "t\n\n" DASH "x AAAAAAE= \n",
        "t\n\n" DASH "x  AAAAAAE=\n",
        "t\n\n" DASH " AAAAAAE=\n",
        "t\n\n" DASH "x+y AAAAAAE=\n",
        "t\n\n" DASH "x\xC2\xA0y AAAAAAE=\n",
        "t\n\n" DASH "x\n",
        "t\n\n" DASH "x \n",
        "t\n\n- x AAAAAAE=\n",
        "t\n\n\xE2\x80\x94x AAAAAAE=\n",
        "t\n\n\xE2\x80\x93 x AAAAAAE=\n",
        "t\r\n\r\n" SIG,
        "t\tu\n\n" SIG,
        "t\x1b\n\n" SIG,
        "t\xFF\n\n" SIG,
        "t\xC3\n\n" SIG,
        "t\n\n" DASH "x AAAA\xC3\xA9"
        "E=\n", /* bytes that some base64 decoders take for `/` */
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!roundtrip(vdm_str(good[i]), note_again, NULL))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (roundtrip(vdm_str(bad[i]), note_again, NULL))
            fail_msg("taken: %s", bad[i]);
    assert_false(roundtrip(VDM_LIT("t\0\n\n" SIG), note_again, NULL));
}

/* A note of n bytes with this many signatures. */
static bool of_size(size_t bytes, size_t signatures)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    struct vdm_note n = {.signatures = 12345};
    for (size_t text = bytes - signatures * (sizeof SIG - 1) - 2; text-- > 0;)
        vdm_buf_putc(&whole, 't');
    vdm_buf_puts(&whole, "\n\n");
    for (size_t i = 0; i < signatures; i++)
        vdm_buf_puts(&whole, SIG);
    assert_int_equal(whole.n, bytes);
    if (vdm_note_decode(vdm_buf_bytes(&whole), &n, &err))
        return true;
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_int_equal(n.signatures, 12345);
    return false;
}

static void test_limits(void **state)
{
    (void)state;
    assert_true(of_size(VDM_NOTE_MAX, 1));
    assert_false(of_size(VDM_NOTE_MAX + 1, 1));
    assert_true(of_size(10000, VDM_SIGNATURES_MAX));
    assert_false(of_size(10000, VDM_SIGNATURES_MAX + 1));
}

static void test_attacked_note(void **state)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(*state, "x", 9);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    sign_note(&whole, VDM_LIT("one\n\ntwo \xC3\xA9\n"), &s);
    attack(vdm_buf_bytes(&whole), note_again, NULL);
}

/* --- verification --- */

static struct vdm_note decoded(const struct vdm_buf *whole)
{
    struct vdm_note n;
    struct vdm_err err;
    assert_true(vdm_note_decode(vdm_buf_bytes(whole), &n, &err));
    return n;
}

static void test_verdicts(void **state)
{
    struct vdm_crypto *c = *state;
    struct signer a VDM_CLEANUP(signer_close) = signer_open(c, "a", 1);
    struct signer b VDM_CLEANUP(signer_close) = signer_open(c, "b", 2);
    struct signer same_name VDM_CLEANUP(signer_close) = signer_open(c, "a", 3);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text = VDM_LIT("text\n");
    sign_note(&whole, text, &a);
    struct vdm_note n = decoded(&whole);
    assert_int_equal(vdm_note_verify(&n, c, &a.vkey, NULL), VDM_NOTE_GOOD);
    assert_int_equal(vdm_note_verify(&n, c, &b.vkey, NULL), VDM_NOTE_NOT_BY);
    assert_int_equal(vdm_note_verify(&n, c, &same_name.vkey, NULL), VDM_NOTE_NOT_BY);
    put_signature(&whole, text, &b);
    put_signature(&whole, text, &a); /* the same line twice is no harm */
    n = decoded(&whole);
    assert_int_equal(n.signatures, 3);
    assert_int_equal(vdm_note_verify(&n, c, &a.vkey, NULL), VDM_NOTE_GOOD);
    assert_int_equal(vdm_note_verify(&n, c, &b.vkey, NULL), VDM_NOTE_GOOD);
    /* A second line by a that is bad: no good line before it helps. */
    put_signature(&whole, VDM_LIT("other\n"), &a);
    n = decoded(&whole);
    assert_int_equal(vdm_note_verify(&n, c, &a.vkey, NULL), VDM_NOTE_BAD);
    assert_int_equal(vdm_note_verify(&n, c, &b.vkey, NULL), VDM_NOTE_GOOD);
}

/* Another key may have the same id by chance: the name decides as well. */
static void test_the_same_id_under_another_name(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, "a", 1);
    struct signer b VDM_CLEANUP(signer_close) = signer_open(*state, "b", 2);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    sign_note(&whole, VDM_LIT("text\n"), &a);
    struct vdm_note n = decoded(&whole);
    b.vkey.id = a.vkey.id;
    assert_int_equal(vdm_note_verify(&n, *state, &b.vkey, NULL), VDM_NOTE_NOT_BY);
}

static void test_the_last_newline_is_signed(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, "a", 1);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&whole, "text\n\n");
    put_signature(&whole, VDM_LIT("text"), &a);
    struct vdm_note n = decoded(&whole);
    assert_int_equal(vdm_note_verify(&n, *state, &a.vkey, NULL), VDM_NOTE_BAD);
}

static void test_a_changed_text_is_bad(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, "a", 1);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    sign_note(&whole, VDM_LIT("some text\nof two lines\n"), &a);
    for (size_t i = 0; i < 22; i++) {
        whole.p[i] ^= 4;
        struct vdm_note n;
        if (vdm_note_decode(vdm_buf_bytes(&whole), &n, NULL))
            assert_int_equal(vdm_note_verify(&n, *state, &a.vkey, NULL), VDM_NOTE_BAD);
        whole.p[i] ^= 4;
    }
}

static void test_a_signature_of_another_length(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, "a", 1);
    for (size_t bytes = 1; bytes < 80; bytes++) {
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        uint8_t blob[84] = {(uint8_t)(a.vkey.id >> 24), (uint8_t)(a.vkey.id >> 16),
                            (uint8_t)(a.vkey.id >> 8), (uint8_t)a.vkey.id};
        struct vdm_sig sig = vdm_sign(a.key, VDM_LIT("text\n")), got = {{7}};
        memcpy(blob + 4, sig.b, 64);
        vdm_buf_puts(&whole, "text\n\n" DASH "a ");
        vdm_base64_append(&whole, (struct vdm_bytes){blob, 4 + bytes});
        vdm_buf_putc(&whole, '\n');
        struct vdm_note n = decoded(&whole);
        assert_int_equal(vdm_note_verify(&n, *state, &a.vkey, NULL),
                         bytes == 64 ? VDM_NOTE_GOOD : VDM_NOTE_BAD);
        assert_int_equal(vdm_note_signature_ed25519(&n.signature[0], &got), bytes == 64);
        assert_int_equal(got.b[0], bytes == 64 ? sig.b[0] : 7);
    }
}

/* --- cosignatures --- */

static void cosign(struct vdm_buf *out, const struct signer *w, uint64_t said, uint64_t signed_time,
                   struct vdm_bytes text)
{
    struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t blob[4 + 8 + 64];
    vdm_buf_putf(&message, "cosignature/v1\ntime %llu\n", (unsigned long long)signed_time);
    vdm_buf_put(&message, text);
    struct vdm_sig sig = vdm_sign(w->key, vdm_buf_bytes(&message));
    for (size_t i = 0; i < 4; i++)
        blob[i] = (uint8_t)(w->vkey.id >> (24 - 8 * i));
    for (size_t i = 0; i < 8; i++)
        blob[4 + i] = (uint8_t)(said >> (56 - 8 * i));
    memcpy(blob + 12, sig.b, 64);
    vdm_buf_putf(out, DASH "%s ", w->vkey.name);
    vdm_base64_append(out, (struct vdm_bytes){blob, sizeof blob});
    vdm_buf_putc(out, '\n');
}

static void test_cosignatures(void **state)
{
    struct vdm_crypto *c = *state;
    struct signer w VDM_CLEANUP(signer_close) = signer_open(c, "w", 5);
    struct vdm_vkey plain = w.vkey;
    w.vkey.type = VDM_KEY_COSIGNATURE;
    w.vkey.id = vdm_key_id(c, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &w.vkey.key);
    assert_int_not_equal(w.vkey.id, plain.id);
    struct vdm_bytes text = VDM_LIT("origin\n1\nroot\n");
    static const struct {
        uint64_t said, signed_time;
        bool good;
    } cases[] = {
        {1577934306, 1577934306, true},  {0, 0, true},
        {INT64_MAX, INT64_MAX, true},    {(uint64_t)INT64_MAX + 1, (uint64_t)INT64_MAX + 1, false},
        {UINT64_MAX, UINT64_MAX, false}, {1577934306, 1577934307, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        uint64_t at = 42;
        vdm_buf_put(&whole, text);
        vdm_buf_putc(&whole, '\n');
        cosign(&whole, &w, cases[i].said, cases[i].signed_time, text);
        struct vdm_note n = decoded(&whole);
        assert_int_equal(vdm_note_verify(&n, c, &w.vkey, &at),
                         cases[i].good ? VDM_NOTE_GOOD : VDM_NOTE_BAD);
        assert_true(at == (cases[i].good ? cases[i].said : 42));
        assert_int_equal(vdm_note_verify(&n, c, &w.vkey, NULL),
                         cases[i].good ? VDM_NOTE_GOOD : VDM_NOTE_BAD);
        assert_int_equal(vdm_note_verify(&n, c, &plain, NULL), VDM_NOTE_NOT_BY);
    }
    /* A plain signature is no cosignature. */
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    sign_note(&whole, text, &w);
    struct vdm_note n = decoded(&whole);
    assert_int_equal(vdm_note_verify(&n, c, &w.vkey, NULL), VDM_NOTE_BAD);
}

/* A cosignature with bytes cut off its end, or behind it, is none. */
static void test_a_cosignature_of_another_length(void **state)
{
    struct vdm_crypto *c = *state;
    struct signer w VDM_CLEANUP(signer_close) = signer_open(c, "w", 5);
    w.vkey.type = VDM_KEY_COSIGNATURE;
    w.vkey.id = vdm_key_id(c, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &w.vkey.key);
    struct vdm_bytes text = VDM_LIT("origin\n1\nroot\n");
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    cosign(&line, &w, 7, 7, text);
    uint8_t blob[80] = {0};
    size_t bytes = 0, base64 = strlen(DASH "w ");
    assert_true(vdm_base64_decode((struct vdm_bytes){line.p + base64, line.n - base64 - 1}, blob,
                                  sizeof blob, &bytes));
    assert_int_equal(bytes, 76);
    for (size_t n = 70; n <= sizeof blob; n++) {
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_buf_put(&whole, text);
        vdm_buf_puts(&whole, "\n" DASH "w ");
        vdm_base64_append(&whole, (struct vdm_bytes){blob, n});
        vdm_buf_putc(&whole, '\n');
        struct vdm_note note = decoded(&whole);
        assert_int_equal(vdm_note_verify(&note, c, &w.vkey, NULL),
                         n == bytes ? VDM_NOTE_GOOD : VDM_NOTE_BAD);
    }
}

/* The longest text that a note can have is cosigned like any other. */
static void test_a_long_cosigned_text(void **state)
{
    struct vdm_crypto *c = *state;
    struct signer w VDM_CLEANUP(signer_close) = signer_open(c, "w", 5);
    w.vkey.type = VDM_KEY_COSIGNATURE;
    w.vkey.id = vdm_key_id(c, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &w.vkey.key);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    cosign(&line, &w, INT64_MAX, INT64_MAX, VDM_LIT(""));
    for (size_t n = VDM_NOTE_MAX - line.n - 2; n-- > 0;)
        vdm_buf_putc(&text, 't');
    vdm_buf_putc(&text, '\n');
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&whole, vdm_buf_bytes(&text));
    vdm_buf_putc(&whole, '\n');
    cosign(&whole, &w, INT64_MAX, INT64_MAX, vdm_buf_bytes(&text));
    assert_int_equal(whole.n, VDM_NOTE_MAX);
    struct vdm_note note = decoded(&whole);
    assert_int_equal(vdm_note_verify(&note, c, &w.vkey, NULL), VDM_NOTE_GOOD);
}

static void test_copy(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, "a", 1);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    sign_note(&whole, VDM_LIT("text\n"), &a);
    put_signature(&whole, VDM_LIT("text\n"), &a);
    struct vdm_note n = decoded(&whole), copy = {.signatures = 0};
    vdm_note_copy(&copy, &n);
    assert_int_equal(copy.signatures, 2);
    assert_true(vdm_bytes_equal(copy.text, n.text));
    assert_int_equal(vdm_note_verify(&copy, *state, &a.vkey, NULL), VDM_NOTE_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_a_note),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_attacked_note),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_the_same_id_under_another_name),
        cmocka_unit_test(test_the_last_newline_is_signed),
        cmocka_unit_test(test_a_changed_text_is_bad),
        cmocka_unit_test(test_a_signature_of_another_length),
        cmocka_unit_test(test_cosignatures),
        cmocka_unit_test(test_a_cosignature_of_another_length),
        cmocka_unit_test(test_a_long_cosigned_text),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
