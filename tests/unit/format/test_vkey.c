/* SPDX-License-Identifier: MIT */
#include "format/vkey.h"

#include "base/limits.h"
#include "unit/format/fixture.h"

static void name_of(char *out, size_t n)
{
    memset(out, 'n', n);
    out[n] = 0;
}

static void test_names_of_ours(void **state)
{
    (void)state;
    char name[80];
    assert_true(vdm_name_valid(VDM_LIT("a")));
    assert_true(vdm_name_valid(VDM_LIT("AZaz09._@/-")));
    name_of(name, VDM_NAME_MAX);
    assert_true(vdm_name_valid(vdm_str(name)));
    name_of(name, VDM_NAME_MAX + 1);
    assert_false(vdm_name_valid(vdm_str(name)));
    assert_false(vdm_name_valid((struct vdm_bytes){NULL, 0}));
    assert_false(vdm_name_valid(VDM_LIT("a\0b")));
    for (unsigned b = 0; b < 256; b++) {
        const uint8_t byte = (uint8_t)b;
        bool good = (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') ||
                    (b && strchr("._@/-", (int)b));
        assert_int_equal(vdm_name_valid((struct vdm_bytes){&byte, 1}), good);
    }
}

static void test_origins(void **state)
{
    (void)state;
    assert_true(vdm_origin_valid(VDM_LIT(ORIGIN)));
    assert_true(vdm_origin_valid(VDM_LIT("vidimus")));
    assert_true(vdm_origin_valid(VDM_LIT("example.net/vidimus/x")));
    assert_false(vdm_origin_valid(VDM_LIT("vidimus/")));
    assert_false(vdm_origin_valid(VDM_LIT("vidimus/entry")));
    assert_false(vdm_origin_valid(VDM_LIT("cosignature/v1")));
    assert_false(vdm_origin_valid(VDM_LIT("")));
    assert_false(vdm_origin_valid(VDM_LIT("an origin")));
}

static void test_names_of_others(void **state)
{
    (void)state;
    assert_true(vdm_note_name_valid(VDM_LIT("log.example.org~\xC3\xA9,:")));
    assert_true(vdm_note_name_valid(VDM_LIT("\xE2\x80\x8B\xE2\x82\xAC"))); /* beside the spaces */
    static const char *const bad[] = {
        "",
        "a b",
        "a+b",
        "a\tb",
        "a\nb",
        "a\x1f",
        "\xC2\x85",
        "\xC2\xA0",
        "\xE1\x9A\x80",
        "\xE2\x80\x80",
        "\xE2\x80\x8A",
        "\xE2\x80\xA8",
        "\xE2\x80\xA9",
        "\xE2\x80\xAF",
        "\xE2\x81\x9F",
        "\xE3\x80\x80",
        "\xFF",
        "a\xC3",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vdm_note_name_valid(vdm_str(bad[i])));
    assert_false(vdm_note_name_valid(VDM_LIT("a\0b")));
}

static void test_make_and_read_again(void **state)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(*state, "lena@archive.example.net", 4);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_vkey k;
    struct vdm_err err;
    vdm_vkey_append(&text, &s.vkey);
    assert_true(vdm_vkey_decode(*state, vdm_buf_bytes(&text), &k, &err));
    assert_true(vdm_vkey_equal(&k, &s.vkey));
    assert_true(vdm_vkey_is_ours(&k));
    /* The key id, by hand. */
    uint8_t raw[1 + 33] = {'\n', 1};
    memcpy(raw + 2, s.vkey.key.b, 32);
    struct vdm_bytes parts[] = {vdm_str(s.vkey.name), {raw, sizeof raw}};
    struct vdm_digest d = vdm_sha256_parts(*state, parts, 2);
    char hex[9];
    vdm_hex_encode(d.b, 4, hex);
    assert_memory_equal(text.p + strlen(s.vkey.name) + 1, hex, 8);

    struct vdm_vkey other = k;
    other.id ^= 1;
    assert_false(vdm_vkey_equal(&k, &other));
    other = k;
    other.type = VDM_KEY_COSIGNATURE;
    assert_false(vdm_vkey_equal(&k, &other));
    assert_false(vdm_vkey_is_ours(&other));
    other = k;
    other.name[0] = 'L';
    assert_false(vdm_vkey_equal(&k, &other));
    other = k;
    other.key.b[0] ^= 1;
    assert_false(vdm_vkey_equal(&k, &other));
}

static void test_make_refuses(void **state)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(*state, "x", 4);
    struct vdm_vkey k = {.name = "untouched"};
    struct vdm_err err;
    struct vdm_pubkey small = {{1}};
    char name[80];
    name_of(name, VDM_NAME_MAX + 1);
    assert_false(vdm_vkey_make(*state, vdm_str(name), &s.vkey.key, &k, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    assert_false(vdm_vkey_make(*state, VDM_LIT("a b"), &s.vkey.key, &k, &err));
    assert_false(vdm_vkey_make(*state, VDM_LIT("a+b"), &s.vkey.key, &k, &err));
    assert_false(vdm_vkey_make(*state, VDM_LIT(""), &s.vkey.key, &k, &err));
    assert_false(vdm_vkey_make(*state, VDM_LIT("x"), &small, &k, &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    /* Of a name without end, the sentence holds no more than a line or two. */
    char endless[1000];
    memset(endless, 'n', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    assert_false(vdm_vkey_make(*state, vdm_str(endless), &s.vkey.key, &k, &err));
    assert_true(strlen(err.text) > 200 && strlen(err.text) < 300);
    assert_string_equal(k.name, "untouched");
}

/* A vkey of any type and key, with the id that belongs to it. */
static void any_vkey(struct vdm_buf *out, struct vdm_crypto *c, const char *name, uint8_t type,
                     const uint8_t *key, size_t n)
{
    uint8_t raw[2 + 64] = {'\n', type};
    assert_true(n <= 64);
    memcpy(raw + 2, key, n);
    struct vdm_bytes parts[] = {vdm_str(name), {raw, n + 2}};
    struct vdm_digest d = vdm_sha256_parts(c, parts, 2);
    char hex[9];
    vdm_hex_encode(d.b, 4, hex);
    vdm_buf_clear(out);
    vdm_buf_putf(out, "%s+%s+", name, hex);
    vdm_base64_append(out, (struct vdm_bytes){raw + 1, n + 1});
}

static bool decodes(struct vdm_crypto *c, const struct vdm_buf *text)
{
    struct vdm_vkey k = {.name = "untouched"};
    struct vdm_err err = {0};
    if (vdm_vkey_decode(c, vdm_buf_bytes(text), &k, &err))
        return true;
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_string_equal(k.name, "untouched");
    return false;
}

static void test_types_lengths_and_points(void **state)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(*state, "x", 4);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t key[64] = {0};
    memcpy(key, s.vkey.key.b, 32);
    for (unsigned type = 0; type < 256; type++) {
        any_vkey(&text, *state, "w.example.com/1", (uint8_t)type, key, 32);
        assert_int_equal(decodes(*state, &text), type == 1 || type == 4);
    }
    for (size_t n = 0; n <= 64; n++) {
        any_vkey(&text, *state, "x", 1, key, n);
        assert_int_equal(decodes(*state, &text), n == 32);
    }
    any_vkey(&text, *state, "x", 1, key, 32);
    assert_true(decodes(*state, &text));
    text.p[0] = 'y'; /* the id is of x */
    assert_false(decodes(*state, &text));
    static const uint8_t small[32] = {1};
    any_vkey(&text, *state, "x", 1, small, 32);
    assert_false(decodes(*state, &text));
    char name[300];
    name_of(name, VDM_VKEY_NAME_MAX);
    any_vkey(&text, *state, name, 4, key, 32);
    assert_true(decodes(*state, &text));
    name_of(name, VDM_VKEY_NAME_MAX + 1);
    any_vkey(&text, *state, name, 4, key, 32);
    assert_false(decodes(*state, &text));
    any_vkey(&text, *state, "a b", 1, key, 32);
    assert_false(decodes(*state, &text));
}

static bool vkey_again(void *c, struct vdm_bytes text, struct vdm_buf *again)
{
    struct vdm_vkey k;
    if (!vdm_vkey_decode(c, text, &k, NULL))
        return false;
    vdm_vkey_append(again, &k);
    return true;
}

static void expect_said(struct vdm_crypto *c, struct vdm_bytes text, const char *why)
{
    struct vdm_vkey k;
    struct vdm_err err = {0};
    assert_false(vdm_vkey_decode(c, text, &k, &err));
    assert_string_equal(err.text, why);
}

/* The first thing that is wrong is what the user is told. */
static void test_what_is_wrong_with_it(void **state)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(*state, "x", 4);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    any_vkey(&text, *state, "x", VDM_KEY_ED25519, s.vkey.key.b, 31);
    expect_said(*state, vdm_buf_bytes(&text), "not an Ed25519 public key");
    any_vkey(&text, *state, "x", VDM_KEY_ED25519, s.vkey.key.b, 32);
    text.p[2] = 'g';
    expect_said(*state, vdm_buf_bytes(&text), "not a public key of the form name+hash+base64");
}

static void test_attacked_vkey(void **state)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(*state, "x@y", 4);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_vkey_append(&text, &s.vkey);
    attack(vdm_buf_bytes(&text), vkey_again, *state);
}

static void test_signers(void **state)
{
    (void)state;
    struct vdm_bytes name = {NULL, 0};
    uint32_t id = 7;
    static const char *const bad[] = {
        "",           "x",          "x+",           "+00000000",   "x+0000000",   "x+000000000",
        "x+0000000G", "x+ABCDEF01", "x y+00000000", "x+00000000+", "x++00000000", "x+00000000 ",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vdm_signer_decode(vdm_str(bad[i]), &name, &id));
    assert_true(name.p == NULL && id == 7);
    assert_true(vdm_signer_decode(VDM_LIT("lena@x+00a0b0ff"), &name, &id));
    assert_true(vdm_bytes_equal_str(name, "lena@x") && id == 0xA0B0FF);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_signer_append(&text, name, id);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&text), "lena@x+00a0b0ff"));
}

static void test_fingerprint(void **state)
{
    struct vdm_pubkey key = {{0}};
    char text[40];
    memset(text, '!', sizeof text);
    vdm_fingerprint(*state, &key, text);
    /* SHA-256 of 32 zero bytes: 66687aadf862bd77... */
    assert_string_equal(text, "6668 7aad f862 bd77");
    for (size_t i = 20; i < sizeof text; i++)
        assert_int_equal(text[i], '!');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_ours),   cmocka_unit_test(test_origins),
        cmocka_unit_test(test_names_of_others), cmocka_unit_test(test_make_and_read_again),
        cmocka_unit_test(test_make_refuses),    cmocka_unit_test(test_types_lengths_and_points),
        cmocka_unit_test(test_attacked_vkey),   cmocka_unit_test(test_signers),
        cmocka_unit_test(test_fingerprint),     cmocka_unit_test(test_what_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
