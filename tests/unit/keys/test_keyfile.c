/* SPDX-License-Identifier: MIT */
#include "keyfile_test.h"

#include "base/time.h"
#include "format/keyfile.h"
static void test_vectors_round_trip(void **state)
{
    static const char *const names[] = {"amal",    "authority", "eve", "ledger",
                                        "ledger2", "night",     "noor"};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct vdm_buf key VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf pub VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
        struct vdm_keyfile_info info;
        struct vdm_err err = {0};
        char path[64], again[64];
        snprintf(path, sizeof path, "keys/%s.pub", names[i]);
        if (!read_vector(path, &pub))
            skip();
        snprintf(path, sizeof path, "keys/%s.key", names[i]);
        assert_true(read_vector(path, &key));
        snprintf(path, sizeof path, "%s.key", names[i]);
        put_file(p, path, vdm_buf_bytes(&key), 0600);
        assert_true(vdm_keyfile_load(p->c, p->fd, path, NULL, &k, &err));
        vdm_buf_clear(&key);
        vdm_vkey_append(&key, &k.vkey);
        vdm_buf_putc(&key, '\n');
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&key), vdm_buf_bytes(&pub)));
        assert_true(vdm_keyfile_peek(p->c, p->fd, path, &info, &err));
        assert_int_equal(info.form, VDM_KEYFILE_CLEAR);
        assert_true(vdm_vkey_equal(&info.vkey, &k.vkey));
        snprintf(again, sizeof again, "%s-again.key", names[i]);
        assert_true(vdm_keyfile_save(&k, p->fd, again, NULL, &err));
        vdm_buf_clear(&key);
        assert_true(vdm_file_read(p->fd, path, 1024, &key, &err));
        assert_file(p, again, vdm_buf_bytes(&key), 0600);
    }
}

static void test_longest_name(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_keypair again VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    char name[VDM_VKEY_NAME_MAX + 1] = "";
    memset(name, 'n', 64);
    assert_true(vdm_signing_key_generate(&k.key, &err));
    struct vdm_pubkey public_key = vdm_signing_key_public(k.key);
    assert_true(vdm_vkey_make(p->c, vdm_str(name), &public_key, &k.vkey, &err));
    assert_true(vdm_keyfile_save(&k, p->fd, "a.key", NULL, &err));
    assert_true(vdm_keyfile_load(p->c, p->fd, "a.key", NULL, &again, &err));
    assert_true(vdm_vkey_equal(&k.vkey, &again.vkey));
    set_secret(&s, "x");
    struct vdm_keyfile_lock lock = {&s, &small};
    assert_true(vdm_keyfile_save(&k, p->fd, "b.key", &lock, &err));
    vdm_keypair_release(&again);
    assert_true(vdm_keyfile_load(p->c, p->fd, "b.key", &s, &again, &err));
    memset(name, 'n', 65);
    k.vkey = renamed(p, name, AMAL);
    k.vkey.key = public_key;
    assert_false(vdm_keyfile_save(&k, p->fd, "c.key", NULL, &err));
    assert_error(&err, VDM_ERR_USAGE, "name");
}

static void test_clear_without_line_end(void **state)
{
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(*state, AMAL_KEY);
    assert_string_equal(k.vkey.name, "amal@archive.example.org");
}

static void test_sealed_round_trip(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_keyfile_info info;
    struct vdm_vkey amal = vkey_of(p, AMAL);
    struct stat st;
    put_sealed(p, "amal.key");
    assert_int_equal(fstatat(p->fd, "amal.key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(vdm_keyfile_peek(p->c, p->fd, "amal.key", &info, &err));
    assert_int_equal(info.form, VDM_KEYFILE_SEALED);
    assert_true(vdm_vkey_equal(&info.vkey, &amal));
    set_secret(&s, "right");
    assert_true(vdm_keyfile_load(p->c, p->fd, "amal.key", &s, &k, &err));
    assert_true(vdm_vkey_equal(&k.vkey, &amal));
    assert_true(vdm_keyfile_save(&k, p->fd, "clear.key", NULL, &err));
    assert_file(p, "clear.key", VDM_LIT(AMAL_KEY "\n"), 0600);
}

static void test_each_file_has_its_own_salt_and_nonce(void **state)
{
    struct place *p = *state;
    char a[1024], b[1024];
    put_sealed(p, "a.key");
    put_sealed(p, "b.key");
    read_text(p, "a.key", a, sizeof a);
    read_text(p, "b.key", b, sizeof b);
    struct vdm_keyfile one, two;
    struct vdm_err err = {0};
    assert_true(vdm_keyfile_decode(p->c, vdm_str(a), &one, &err));
    assert_true(vdm_keyfile_decode(p->c, vdm_str(b), &two, &err));
    assert_memory_not_equal(one.salt, two.salt, sizeof one.salt);
    assert_memory_not_equal(one.nonce, two.nonce, sizeof one.nonce);
    assert_memory_not_equal(one.sealed, two.sealed, sizeof one.sealed);
    assert_memory_not_equal(one.salt, small.salt, sizeof one.salt);
    assert_int_equal(one.kdf_ops, 1);
    assert_int_equal(one.kdf_memory_bytes, 8192);
}

static void test_wrong_passphrase(void **state)
{
    static const char *const wrong[] = {"wrong", "", "righ", "right ", "Right"};
    struct place *p = *state;
    put_sealed(p, "amal.key");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_load_fails(
            p, "amal.key", wrong[i], VDM_ERR_PASSPHRASE,
            "wrong passphrase for amal@archive.example.org, or the key file was damaged");
}

static void test_missing_passphrase(void **state)
{
    struct place *p = *state;
    struct vdm_keypair k = {0};
    struct vdm_err err = {0};
    put_sealed(p, "amal.key");
    assert_false(vdm_keyfile_load(p->c, p->fd, "amal.key", NULL, &k, &err));
    assert_error(&err, VDM_ERR_USAGE, "amal@archive.example.org needs a passphrase");
}

static void test_empty_passphrase_does_not_seal(void **state)
{
    struct place *p = *state;
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    struct vdm_err err = {0};
    set_secret(&s, "");
    struct vdm_keyfile_lock lock = {&s, &small};
    assert_false(vdm_keyfile_save(&k, p->fd, "amal.key", &lock, &err));
    assert_error(&err, VDM_ERR_USAGE, "empty");
    assert_int_equal(faccessat(p->fd, "amal.key", F_OK, 0), -1);
}

/* Every byte of either form counts. */
static void assert_each_byte_counts(struct place *p, const char *text)
{
    char damaged[1024];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
        struct vdm_keypair k = {0};
        struct vdm_err err = {0};
        memcpy(damaged, text, n);
        damaged[i] ^= 1;
        put_file(p, "damaged.key", (struct vdm_bytes){(uint8_t *)damaged, n}, 0600);
        set_secret(&s, "right");
        if (vdm_keyfile_load(p->c, p->fd, "damaged.key", &s, &k, &err))
            fail_msg("byte %zu of %s does not count", i, text);
        assert_error(&err, err.kind, "damaged.key: ");
    }
}

static void test_damage(void **state)
{
    struct place *p = *state;
    char sealed[1024];
    put_sealed(p, "amal.key");
    read_text(p, "amal.key", sealed, sizeof sealed);
    assert_each_byte_counts(p, sealed);
    assert_each_byte_counts(p, AMAL_KEY "\n");
}

/* Each line once taken from another key's file, and once left out. */
static void test_exchanged_lines(void **state)
{
    struct place *p = *state;
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair eve VDM_CLEANUP(vdm_keypair_release) = load_text(p, EVE_KEY);
    struct vdm_err err = {0};
    char text[2][1024], mixed[1100];
    set_secret(&s, "right");
    struct vdm_keyfile_lock lock = {&s, &small};
    put_sealed(p, "a.key");
    assert_true(vdm_keyfile_save(&eve, p->fd, "e.key", &lock, &err));
    read_text(p, "a.key", text[0], sizeof text[0]);
    read_text(p, "e.key", text[1], sizeof text[1]);
    for (int line = 1; line < 5; line++)
        for (int drop = 0; drop < 2; drop++) {
            struct vdm_bytes a = vdm_str(text[0]), e = vdm_str(text[1]);
            size_t n = 0;
            for (int i = 0; i < 5; i++) {
                size_t na = (size_t)((uint8_t *)memchr(a.p, '\n', a.n) - a.p) + 1;
                size_t ne = (size_t)((uint8_t *)memchr(e.p, '\n', e.n) - e.p) + 1;
                struct vdm_bytes take = i == line ? (struct vdm_bytes){e.p, drop ? 0 : ne}
                                                  : (struct vdm_bytes){a.p, na};
                memcpy(mixed + n, take.p, take.n);
                n += take.n;
                a = vdm_bytes_skip(a, na);
                e = vdm_bytes_skip(e, ne);
            }
            mixed[n] = 0;
            put_text(p, "mixed.key", mixed);
            assert_load_fails(p, "mixed.key", "right",
                              drop ? VDM_ERR_MALFORMED : VDM_ERR_PASSPHRASE,
                              drop ? "malformed" : "wrong passphrase");
        }
}

/* Sealed by somebody who knows the passphrase, with a seed that is not the named key's. */
static void test_sealed_seed_of_another_key(void **state)
{
    struct place *p = *state;
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_buf associated VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_keyfile f = {.kdf_ops = 1, .kdf_memory_bytes = 8192, .public_key = vkey_of(p, AMAL)};
    struct vdm_err err = {0};
    set_secret(&s, "right");
    set_secret(&seed, "");
    memset(seed.p, 7, 32); /* eve's */
    seed.n = 32;
    vdm_keyfile_append_associated(&associated, &f);
    assert_true(vdm_seal(&small, &s, f.nonce, vdm_buf_bytes(&associated), &seed, &sealed, &err));
    memcpy(f.sealed, sealed.p, sizeof f.sealed);
    vdm_keyfile_append(&file, &f);
    put_file(p, "swapped.key", vdm_buf_bytes(&file), 0600);
    assert_load_fails(p, "swapped.key", "right", VDM_ERR_MALFORMED, "another key than it names");
}

static void test_clear_malformed(void **state)
{
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"", "not a key file"},
        {"\n", "not a key file"},
        {"vidimus/key/v2\n", "not a key file"},
        {AMAL "\n", "not a key file"},
        {"PRIVATE+KEY+", "malformed"},
        {"PRIVATE+KEY+amal", "malformed"},
        {AMAL_KEY "\n\n", "malformed"},
        {AMAL_KEY "\r\n", "malformed"},
        {AMAL_KEY "\n" EVE_KEY "\n", "malformed"},
        {AMAL_KEY "==", "malformed"},
        {"\n" AMAL_KEY, "not a key file"},
        /* amal's name and hash with eve's seed; without a seed; with half of one */
        {"PRIVATE+KEY+amal@archive.example.org+227151d2+"
         "AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH",
         "does not fit"},
        {"PRIVATE+KEY+amal@archive.example.org+227151d2+", "malformed"},
        {"PRIVATE+KEY+amal@archive.example.org+227151d2+AQQEBAQEBAQEBAQEBAQEBAQE", "malformed"},
        /* a longer one, another type, a name that is not ours */
        {AMAL_KEY "BAQE", "malformed"},
        {"PRIVATE+KEY+amal@archive.example.org+227151d2+"
         "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
         "malformed"},
        {"PRIVATE+KEY+amal archive+227151d2+AQQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
         "malformed"},
        {"PRIVATE+KEY+amal@archive.example.org+227151D2+"
         "AQQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
         "malformed"},
    };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_keyfile_info info;
        struct vdm_err err = {0};
        put_text(p, "bad.key", bad[i].text);
        assert_load_fails(p, "bad.key", "x", VDM_ERR_MALFORMED, bad[i].word);
        assert_false(vdm_keyfile_peek(p->c, p->fd, "bad.key", &info, &err));
        assert_error(&err, VDM_ERR_MALFORMED, "bad.key: ");
        assert_null(strstr(err.text, "BAQE")); /* what is secret is not repeated */
    }
}

static void test_sealed_file_of_a_foreign_key(void **state)
{
    struct place *p = *state;
    struct vdm_keyfile f = {.kdf_ops = 1, .kdf_memory_bytes = 8192};
    for (int i = 0; i < 2; i++) {
        struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
        f.public_key = renamed(p, i ? "witness" : "not,ours", AMAL);
        if (i) {
            f.public_key.type = VDM_KEY_COSIGNATURE;
            f.public_key.id =
                vdm_key_id(p->c, VDM_LIT("witness"), VDM_KEY_COSIGNATURE, &f.public_key.key);
        }
        vdm_keyfile_append(&file, &f);
        put_file(p, "foreign.key", vdm_buf_bytes(&file), 0600);
        assert_load_fails(p, "foreign.key", "x", VDM_ERR_MALFORMED, "not a key of ours");
    }
}

static void test_size_is_bounded(void **state)
{
    struct place *p = *state;
    struct vdm_buf big VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&big, AMAL_KEY);
    while (big.n < 1024)
        vdm_buf_putc(&big, '\n');
    put_file(p, "big.key", vdm_buf_bytes(&big), 0600);
    assert_load_fails(p, "big.key", "x", VDM_ERR_MALFORMED, "malformed");
    vdm_buf_putc(&big, '\n');
    put_file(p, "big.key", vdm_buf_bytes(&big), 0600);
    assert_load_fails(p, "big.key", "x", VDM_ERR_MALFORMED, "larger than 1024");
}

static void test_kdf_beyond_limits_is_refused_at_once(void **state)
{
    static const char *const asked[] = {"17 8192", "1 1073741825", "0 8192", "1 8191",
                                        "9007199254740991 9007199254740991"};
    struct place *p = *state;
    char text[1024], changed[1100];
    put_sealed(p, "amal.key");
    read_text(p, "amal.key", text, sizeof text);
    char *at = strstr(text, "1 8192 ");
    assert_non_null(at);
    uint64_t start = vdm_clock_ms();
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, asked[i], at + 6);
        put_text(p, "changed.key", changed);
        assert_load_fails(p, "changed.key", "right", VDM_ERR_MALFORMED, "too much");
    }
    assert_true(vdm_clock_ms() - start < 500);
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    struct vdm_err err = {0};
    set_secret(&s, "right");
    struct vdm_kdf huge = {.ops = 1, .memory_bytes = UINT64_C(1) << 40};
    struct vdm_keyfile_lock lock = {&s, &huge};
    assert_false(vdm_keyfile_save(&k, p->fd, "huge.key", &lock, &err));
    assert_int_equal(faccessat(p->fd, "huge.key", F_OK, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_vectors_round_trip),
        PLACE_TEST(test_longest_name),
        PLACE_TEST(test_clear_without_line_end),
        PLACE_TEST(test_sealed_round_trip),
        PLACE_TEST(test_each_file_has_its_own_salt_and_nonce),
        PLACE_TEST(test_wrong_passphrase),
        PLACE_TEST(test_missing_passphrase),
        PLACE_TEST(test_empty_passphrase_does_not_seal),
        PLACE_TEST(test_damage),
        PLACE_TEST(test_exchanged_lines),
        PLACE_TEST(test_sealed_seed_of_another_key),
        PLACE_TEST(test_clear_malformed),
        PLACE_TEST(test_sealed_file_of_a_foreign_key),
        PLACE_TEST(test_size_is_bounded),
        PLACE_TEST(test_kdf_beyond_limits_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
