/* SPDX-License-Identifier: MIT */
#include "crypto/sign.h"

#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature. */
static const char *const known[][4] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

static struct vdm_secret secret(struct vdm_bytes bytes, size_t cap)
{
    struct vdm_secret s = {0};
    struct vdm_err err;
    assert_true(vdm_secret_open(&s, cap, &err));
    assert_true(bytes.n <= cap);
    if (bytes.n)
        memcpy(s.p, bytes.p, bytes.n);
    s.n = bytes.n;
    return s;
}

static void test_known_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t seed[32], key[32], message[8], sig[64];
        struct vdm_err err;
        size_t n = strlen(known[i][2]) / 2;
        assert_true(vdm_hex_decode(vdm_str(known[i][0]), seed, 32) &&
                    vdm_hex_decode(vdm_str(known[i][1]), key, 32) &&
                    vdm_hex_decode(vdm_str(known[i][2]), message, n) &&
                    vdm_hex_decode(vdm_str(known[i][3]), sig, 64));
        struct vdm_secret s VDM_CLEANUP(vdm_secret_release) =
            secret((struct vdm_bytes){seed, 32}, 32);
        struct vdm_signing_key *k = NULL;
        assert_true(vdm_signing_key_from_seed(&k, &s, &err));
        struct vdm_pubkey public_key = vdm_signing_key_public(k);
        struct vdm_sig made = vdm_sign(k, (struct vdm_bytes){message, n});
        assert_memory_equal(public_key.b, key, 32);
        assert_memory_equal(made.b, sig, 64);
        vdm_signing_key_close(k);
    }
}

static void test_keys_and_seeds(void **state)
{
    (void)state;
    struct vdm_err err = {0};
    struct vdm_signing_key *a = NULL, *b = NULL, *again = NULL;
    assert_true(vdm_signing_key_generate(&a, &err));
    assert_true(vdm_signing_key_generate(&b, &err));
    struct vdm_pubkey pa = vdm_signing_key_public(a);
    assert_false(vdm_pubkey_equal(pa, vdm_signing_key_public(b)));
    assert_true(vdm_pubkey_valid(&pa));

    /* The seed is appended, and only where there is room. */
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT(""), 63);
    assert_true(vdm_signing_key_seed(a, &seed, &err));
    assert_int_equal(seed.n, 32);
    assert_true(vdm_signing_key_from_seed(&again, &seed, &err));
    assert_true(vdm_pubkey_equal(pa, vdm_signing_key_public(again)));
    assert_false(vdm_signing_key_seed(a, &seed, &err));
    assert_int_equal(seed.n, 32);

    struct vdm_secret after VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT("x"), 33);
    assert_true(vdm_signing_key_seed(a, &after, &err));
    assert_true(after.n == 33 && after.p[0] == 'x');
    assert_memory_equal(after.p + 1, seed.p, 32);

    struct vdm_signing_key *none = NULL;
    for (size_t n = 0; n < 40; n++) {
        struct vdm_secret wrong VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT(""), 64);
        memset(wrong.p, 1, 64);
        wrong.n = n;
        if (n == 32)
            continue;
        assert_false(vdm_signing_key_from_seed(&none, &wrong, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    }
    assert_null(none);
    vdm_signing_key_close(a);
    vdm_signing_key_close(b);
    vdm_signing_key_close(again);
    vdm_signing_key_close(NULL);
}

static void test_signatures_bind_message_and_key(void **state)
{
    (void)state;
    struct vdm_err err;
    struct vdm_crypto *c VDM_CLEANUP(vdm_crypto_cleanup) = NULL;
    struct vdm_signing_key *a = NULL, *b = NULL;
    assert_true(vdm_crypto_open(&c, &err) && vdm_signing_key_generate(&a, &err) &&
                vdm_signing_key_generate(&b, &err));
    struct vdm_sig sig = vdm_sign(a, VDM_LIT("text"));
    struct vdm_pubkey pa = vdm_signing_key_public(a), pb = vdm_signing_key_public(b);
    assert_true(vdm_signature_valid(c, &pa, VDM_LIT("text"), &sig));
    assert_false(vdm_signature_valid(c, &pb, VDM_LIT("text"), &sig));
    assert_false(vdm_signature_valid(c, &pa, VDM_LIT("text "), &sig));
    struct vdm_sig second = vdm_sign(a, VDM_LIT("text"));
    assert_memory_equal(sig.b, second.b, 64);
    vdm_signing_key_close(a);
    vdm_signing_key_close(b);
}

/* The kernel says of memory that it cannot be written by refusing to read(2) into it. */
static bool writable(uint8_t *p)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    bool took = read(ends[0], p, 1) == 1;
    assert_true(took || errno == EFAULT);
    close(ends[0]);
    close(ends[1]);
    return took;
}

/* Writing past its end, or at all after release, must not pass unseen. */
static void test_secrets_are_guarded(void **state)
{
    (void)state;
    struct vdm_secret s = secret(VDM_LIT("passphrase"), 32);
    assert_true(writable(s.p + s.cap - 1));
    assert_false(writable(s.p + s.cap));
    vdm_secret_release(&s);
    assert_null(s.p);
    assert_int_equal(s.n + s.cap, 0);
    vdm_secret_release(&s);
}

/* A child process, a worker for one, has no copy: the memory is not there. */
static void test_secrets_stay_with_us(void **state)
{
    (void)state;
    for (size_t cap = 1; cap < 20000; cap = cap * 5 + 3) {
        struct vdm_secret s = secret(VDM_LIT("p"), cap);
        pid_t child = fork();
        if (child == 0)
            _exit(writable(s.p) || writable(s.p + cap - 1) ? 1 : 0);
        int status = 0;
        assert_true(waitpid(child, &status, 0) == child);
        assert_int_equal(status, 0);
        assert_true(writable(s.p));
        vdm_secret_release(&s);
    }
}

/* --- sealing --- */

static const struct vdm_kdf cheap = {.ops = 1, .memory_bytes = 8192, .salt = {1, 2, 3}};
static const uint8_t nonce[VDM_SEAL_NONCE] = {9};
#define ASSOCIATED VDM_LIT("vidimus/key/v1\npublic ...\n")
#define SEED       VDM_LIT("0123456789abcdef0123456789abcdef")

static void seal(struct vdm_buf *sealed)
{
    struct vdm_err err;
    struct vdm_secret pass VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT("horse"), 64);
    struct vdm_secret plain VDM_CLEANUP(vdm_secret_release) = secret(SEED, 32);
    assert_true(vdm_seal(&cheap, &pass, nonce, ASSOCIATED, &plain, sealed, &err));
}

static bool opens(const struct vdm_kdf *kdf, struct vdm_bytes passphrase, const uint8_t *with_nonce,
                  struct vdm_bytes associated, struct vdm_bytes sealed)
{
    struct vdm_err err;
    struct vdm_secret pass VDM_CLEANUP(vdm_secret_release) = secret(passphrase, 64);
    struct vdm_secret plain VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT(""), 32);
    bool right = false;
    assert_true(vdm_unseal(kdf, &pass, with_nonce, associated, sealed, &plain, &right, &err));
    if (!right)
        assert_int_equal(plain.n, 0);
    else
        assert_true(vdm_bytes_equal((struct vdm_bytes){plain.p, plain.n}, SEED));
    return right;
}

static void test_sealing_opens_with_all_that_was_used(void **state)
{
    (void)state;
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&sealed, "before");
    seal(&sealed);
    assert_int_equal(sealed.n, 6 + 32 + VDM_SEAL_EXTRA);
    struct vdm_bytes box = vdm_bytes_skip(vdm_buf_bytes(&sealed), 6);
    assert_true(opens(&cheap, VDM_LIT("horse"), nonce, ASSOCIATED, box));
    assert_false(opens(&cheap, VDM_LIT("Horse"), nonce, ASSOCIATED, box));
    assert_false(opens(&cheap, VDM_LIT("horse\n"), nonce, ASSOCIATED, box));
    assert_false(opens(&cheap, VDM_LIT(""), nonce, ASSOCIATED, box));
    assert_false(opens(&cheap, VDM_LIT("horse"), nonce, VDM_LIT(""), box));
    assert_false(
        opens(&cheap, VDM_LIT("horse"), nonce, VDM_LIT("vidimus/key/v1\npublic ..!\n"), box));
    uint8_t other[VDM_SEAL_NONCE] = {9, 1};
    assert_false(opens(&cheap, VDM_LIT("horse"), other, ASSOCIATED, box));
    struct vdm_kdf kdf = cheap;
    kdf.salt[15] ^= 1;
    assert_false(opens(&kdf, VDM_LIT("horse"), nonce, ASSOCIATED, box));
    kdf = cheap;
    kdf.ops = 2;
    assert_false(opens(&kdf, VDM_LIT("horse"), nonce, ASSOCIATED, box));
    kdf = cheap;
    kdf.memory_bytes = 16384;
    assert_false(opens(&kdf, VDM_LIT("horse"), nonce, ASSOCIATED, box));
}

static void test_every_sealed_byte_counts(void **state)
{
    (void)state;
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    seal(&sealed);
    assert_memory_not_equal(sealed.p, SEED.p, 32);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.p[i] ^= 0x10;
        assert_false(opens(&cheap, VDM_LIT("horse"), nonce, ASSOCIATED, vdm_buf_bytes(&sealed)));
        sealed.p[i] ^= 0x10;
    }
    struct vdm_bytes shorter = {sealed.p, sealed.n - 1};
    assert_false(opens(&cheap, VDM_LIT("horse"), nonce, ASSOCIATED, shorter));
}

static void test_lengths_are_checked_before_work(void **state)
{
    (void)state;
    struct vdm_err err;
    struct vdm_secret pass VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT("horse"), 64);
    struct vdm_secret plain VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT(""), 32);
    uint8_t box[64] = {0};
    bool right = true;
    static const size_t wrong[] = {0, 1, VDM_SEAL_EXTRA - 1, 32 + VDM_SEAL_EXTRA + 1, 64};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct vdm_bytes sealed = {box, wrong[i]};
        assert_false(vdm_unseal(&cheap, &pass, nonce, ASSOCIATED, sealed, &plain, &right, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    }
    assert_true(right);
}

static void test_a_file_cannot_ask_for_too_much(void **state)
{
    (void)state;
    static const struct {
        uint64_t ops, memory;
    } wrong[] = {{0, 8192}, {VDM_KDF_OPS_MAX + 1, 8192}, {UINT64_C(9007199254740991), 8192}, {1, 0},
                 {1, 8191}, {1, VDM_KDF_MEMORY_MAX + 1}, {1, UINT64_C(9007199254740991)}};
    struct vdm_err err;
    struct vdm_secret pass VDM_CLEANUP(vdm_secret_release) = secret(VDM_LIT("horse"), 64);
    struct vdm_secret plain VDM_CLEANUP(vdm_secret_release) = secret(SEED, 32);
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct vdm_kdf kdf = {.ops = wrong[i].ops, .memory_bytes = wrong[i].memory};
        assert_false(vdm_seal(&kdf, &pass, nonce, ASSOCIATED, &plain, &sealed, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    }
    assert_int_equal(sealed.n, 0);
}

static void test_chosen_parameters(void **state)
{
    (void)state;
    struct vdm_kdf a, b;
    vdm_kdf_choose(&a);
    vdm_kdf_choose(&b);
    assert_true(a.ops >= 1 && a.ops <= VDM_KDF_OPS_MAX);
    assert_true(a.memory_bytes == UINT64_C(256) << 20 && a.memory_bytes <= VDM_KDF_MEMORY_MAX);
    assert_memory_not_equal(a.salt, b.salt, sizeof a.salt);
}

/* Of any length, wherever a byte is wrong: libsodium's decoder, which secrets go through, says the same. */
static void test_base64_two_decoders(void **state)
{
    (void)state;
    static const size_t lengths[] = {32, 68, 190, 191, 192, 193, 194, 384, 385};
    uint8_t data[385] = {0}, out[400]; /* zeros: a `=` inside ends a piece as it should end */
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_err err;
    size_t n;
    assert_true(vdm_secret_open(&s, sizeof out, &err));
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf same VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_base64_append(&text, (struct vdm_bytes){data, lengths[k]});
        assert_true(vdm_secret_from_base64(&s, vdm_buf_bytes(&text)) && s.n == lengths[k]);
        vdm_secret_append_base64(&s, &same);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&text), vdm_buf_bytes(&same)));
        for (size_t i = 0; i < text.n * 256; i++) {
            uint8_t good = text.p[i / 256];
            text.p[i / 256] = (uint8_t)i;
            bool taken = vdm_secret_from_base64(&s, vdm_buf_bytes(&text));
            assert_int_equal(vdm_base64_valid(vdm_buf_bytes(&text)), taken);
            assert_int_equal(vdm_base64_decode(vdm_buf_bytes(&text), out, sizeof out, &n), taken);
            assert_int_equal(n, taken ? s.n : 0);
            assert_memory_equal(out, s.p, n);
            text.p[i / 256] = good;
        }
        assert_false(vdm_base64_valid((struct vdm_bytes){text.p, text.n - 1}));
        text.p[text.n - 4] = '=', text.p[text.n - 3] = '=';
        assert_false(vdm_base64_valid(vdm_buf_bytes(&text)));
        assert_false(vdm_secret_from_base64(&s, vdm_buf_bytes(&text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_two_decoders),
        cmocka_unit_test(test_known_signatures),
        cmocka_unit_test(test_keys_and_seeds),
        cmocka_unit_test(test_signatures_bind_message_and_key),
        cmocka_unit_test(test_secrets_are_guarded),
        cmocka_unit_test(test_secrets_stay_with_us),
        cmocka_unit_test(test_sealing_opens_with_all_that_was_used),
        cmocka_unit_test(test_every_sealed_byte_counts),
        cmocka_unit_test(test_lengths_are_checked_before_work),
        cmocka_unit_test(test_a_file_cannot_ask_for_too_much),
        cmocka_unit_test(test_chosen_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
