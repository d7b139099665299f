/* SPDX-License-Identifier: MIT */
#include "format/keyfile.h"

#include "unit/format/fixture.h"

static struct vdm_keyfile sample(struct vdm_crypto *c)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(c, "lena@archive.example.net", 4);
    struct vdm_keyfile k = {.kdf_ops = 3, .kdf_memory_bytes = 1u << 28, .public_key = s.vkey};
    for (uint8_t i = 0; i < 16; i++)
        k.salt[i] = i;
    for (uint8_t i = 0; i < 24; i++)
        k.nonce[i] = (uint8_t)(100 + i);
    for (uint8_t i = 0; i < 48; i++)
        k.sealed[i] = (uint8_t)(200 - i);
    return k;
}

static bool keyfile_again(void *c, struct vdm_bytes text, struct vdm_buf *again)
{
    struct vdm_keyfile k;
    struct vdm_err err = {0};
    if (!vdm_keyfile_decode(c, text, &k, &err))
        return refused_by_a_rule(&err);
    vdm_keyfile_append(again, &k);
    return true;
}

static void test_text(void **state)
{
    struct vdm_keyfile k = sample(*state), back;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf want VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf associated VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    vdm_keyfile_append(&text, &k);
    vdm_vkey_append(&vkey, &k.public_key);
    vdm_buf_putf(&want,
                 "vidimus/key/v1\nkdf argon2id 3 268435456 AAECAwQFBgcICQoLDA0ODw==\n"
                 "cipher xchacha20poly1305 ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7\npublic %.*s\n",
                 (int)vkey.n, (const char *)vkey.p);
    vdm_keyfile_append_associated(&associated, &k);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&associated), vdm_buf_bytes(&want)));
    assert_true(vdm_bytes_start_with(vdm_buf_bytes(&text), vdm_buf_bytes(&want)));
    struct vdm_bytes rest = vdm_bytes_skip(vdm_buf_bytes(&text), want.n);
    assert_true(vdm_bytes_start_with(rest, VDM_LIT("sealed yMfGxcTD")));
    assert_true(vdm_keyfile_decode(*state, vdm_buf_bytes(&text), &back, &err));
    assert_true(vdm_vkey_equal(&back.public_key, &k.public_key));
    assert_true(back.kdf_ops == k.kdf_ops && back.kdf_memory_bytes == k.kdf_memory_bytes);
    assert_memory_equal(back.salt, k.salt, sizeof k.salt);
    assert_memory_equal(back.nonce, k.nonce, sizeof k.nonce);
    assert_memory_equal(back.sealed, k.sealed, sizeof k.sealed);
}

static void test_attacked_keyfile(void **state)
{
    struct vdm_keyfile k = sample(*state);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_keyfile_append(&text, &k);
    attack(vdm_buf_bytes(&text), keyfile_again, *state);
}

static void expect_refused(struct vdm_crypto *c, const char *from, const char *to)
{
    struct vdm_keyfile k = sample(c), out = {.kdf_ops = 4711};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf changed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_keyfile_append(&text, &k);
    replaced(&changed, vdm_buf_bytes(&text), vdm_str(from), vdm_str(to));
    if (vdm_keyfile_decode(c, vdm_buf_bytes(&changed), &out, &err))
        fail_msg("taken: %s", to);
    refused_by_a_rule(&err);
    assert_int_equal(out.kdf_ops, 4711);
}

static void test_refused(void **state)
{
    expect_refused(*state, "key/v1", "key/v2");
    expect_refused(*state, "argon2id", "argon2i");
    expect_refused(*state, "argon2id ", "");
    expect_refused(*state, "xchacha20poly1305 ", "");
    expect_refused(*state, "argon2id 3", "argon2id 03");
    expect_refused(*state, "argon2id 3", "argon2id -3");
    expect_refused(*state, "argon2id 3 ", "argon2id ");
    expect_refused(*state, "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0O");
    expect_refused(*state, "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODxA=");
    expect_refused(*state, "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODw==AAAA");
    expect_refused(*state, "xchacha20poly1305", "aes");
    expect_refused(*state, "ZGVm", "");
    expect_refused(*state, "public ", "private ");
    expect_refused(*state, "public lena", "public lina"); /* the hash no longer fits */
    expect_refused(*state, "sealed yMfG", "sealed ");
    expect_refused(*state, "sealed ", "\nsealed ");
    expect_refused(*state, "sealed ", "sealed  ");
}

static void test_a_bad_public_key_is_named(void **state)
{
    struct vdm_keyfile k = sample(*state), out;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf changed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_keyfile_append(&text, &k);
    replaced(&changed, vdm_buf_bytes(&text), VDM_LIT("public lena"), VDM_LIT("public lina"));
    assert_false(vdm_keyfile_decode(*state, vdm_buf_bytes(&changed), &out, &err));
    assert_string_equal(err.text, "key file: the key's name and hash do not fit the key");
}

/* A witness's key, or a name that only others may have, is no key file of ours. */
static void test_only_keys_of_ours(void **state)
{
    struct vdm_keyfile k = sample(*state), out;
    struct vdm_err err = {0};
    struct vdm_vkey ours = k.public_key;
    for (int i = 0; i < 2; i++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        k.public_key = ours;
        if (i == 0)
            k.public_key.type = VDM_KEY_COSIGNATURE;
        else
            strcpy(k.public_key.name, "lena~");
        k.public_key.id =
            vdm_key_id(*state, vdm_str(k.public_key.name), k.public_key.type, &k.public_key.key);
        vdm_keyfile_append(&text, &k);
        assert_false(vdm_keyfile_decode(*state, vdm_buf_bytes(&text), &out, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_attacked_keyfile),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_bad_public_key_is_named),
        cmocka_unit_test(test_only_keys_of_ours),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
