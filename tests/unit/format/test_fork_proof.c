/* SPDX-License-Identifier: MIT */
#include "format/fork_proof.h"

#include "base/file.h"
#include "unit/format/fixture.h"

#include <fcntl.h>

#define FORKS VDM_SOURCE_DIR "/tests/vectors/forks/"

static void read_vector(const char *name, struct vdm_buf *out)
{
    char path[4096];
    struct vdm_err err = {0};
    snprintf(path, sizeof path, FORKS "%s.fork-proof", name);
    if (!vdm_file_read(AT_FDCWD, path, VDM_FORK_PROOF_MAX, out, &err))
        fail_msg("%s: %s", path, err.text);
}

static bool again(void *ctx, struct vdm_bytes text, struct vdm_buf *out)
{
    struct vdm_fork_proof p;
    struct vdm_err err = {0};
    if (!vdm_fork_proof_decode(ctx, text, &p, &err))
        return refused_by_a_rule(&err);
    vdm_fork_proof_append(out, &p);
    return true;
}

/* What is taken comes out as it went in, whatever was changed before. */
static void test_one_form(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    read_vector("power-of-two", &b);
    attack(vdm_buf_bytes(&b), again, *state);
    static const char *const others[] = {"same-size", "two-sizes", "cosigned"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        b.n = 0;
        read_vector(others[i], &b);
        assert_true(roundtrip(vdm_buf_bytes(&b), again, *state));
    }
}

static void test_fields_arrive(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_fork_proof p;
    struct vdm_err err = {0};
    read_vector("two-sizes", &b);
    assert_true(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    assert_string_equal(p.key.name, ORIGIN);
    assert_int_equal(p.head[0].size, 5);
    assert_int_equal(p.head[1].size, 8);
    assert_int_equal(p.hashes, 4);
    assert_false(vdm_digest_equal(p.root, p.head[0].root));
    assert_true(vdm_bytes_start_with(p.note[1], VDM_LIT(ORIGIN "\n8\n")));
    b.n = 0;
    read_vector("same-size", &b);
    assert_true(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    assert_true(p.hashes == 0 && p.head[0].size == 7 && p.head[1].size == 7);
}

/* A failure leaves the output alone and says that the bytes are at fault. */
static void test_refusals(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_fork_proof p = {.hashes = 4711};
    struct vdm_err err = {0};
    read_vector("two-sizes", &b);
    b.p[b.n - 3] ^= 0x80;
    assert_false(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_non_null(strstr(err.text, "checkpoint: "));
    assert_int_equal(p.hashes, 4711);
    b.n = 0;
    read_vector("two-sizes", &b);
    while (b.n <= VDM_FORK_PROOF_MAX)
        vdm_buf_put(&b, VDM_LIT("AAAAAAAAAAAAAAAA\n"));
    assert_false(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    assert_non_null(strstr(err.text, "not a fork proof"));
}

/* The parts of a good proof put together in another way: with or without its root, with so many
 * hashes, this checkpoint before that one. */
struct made {
    bool root;
    size_t hashes;
    int first, second;
    const char *why; /* NULL: it is taken */
};

static void check_made(struct vdm_crypto *c, const struct vdm_fork_proof *p, struct made m)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_fork_proof out;
    struct vdm_err err = {0};
    vdm_buf_puts(&text, "vidimus/fork-proof/v1\nledger-key ");
    vdm_vkey_append(&text, &p->key);
    vdm_buf_puts(&text, m.root ? "\nroot " : "\n");
    for (size_t i = 0; i < m.hashes + m.root; i++) {
        vdm_base64_append(&text, vdm_digest_bytes(&p->root));
        vdm_buf_putc(&text, '\n');
    }
    vdm_buf_putc(&text, '\n');
    vdm_buf_put(&text, p->note[m.first]);
    if (m.second >= 0) {
        vdm_buf_putc(&text, '\n');
        vdm_buf_put(&text, p->note[m.second]);
    }
    if (!m.why) {
        assert_true(roundtrip(vdm_buf_bytes(&text), again, c));
        return;
    }
    assert_false(vdm_fork_proof_decode(c, vdm_buf_bytes(&text), &out, &err));
    if (!strstr(err.text, m.why))
        fail_msg("%s, not: %s", err.text, m.why);
}

static void test_one_form_for_each_contradiction(void **state)
{
    static const struct made two_sizes[] = {
        {true, 4, 0, 1, NULL},
        {true, VDM_PROOF_HASHES_MAX, 0, 1, NULL},
        {true, VDM_PROOF_HASHES_MAX + 1, 0, 1, "not a root, hashes"},
        {true, 4, 0, -1, "not a root, hashes"},
        {true, 4, 1, 0, "the larger checkpoint stands first"},
        {false, 0, 1, 0, "the larger checkpoint stands first"},
        {false, 4, 0, 1, "no root, but two sizes"},
        {false, 0, 0, 1, "no root, but two sizes"},
    };
    static const struct made same_size[] = {
        {false, 0, 0, 1, NULL},
        {true, 0, 0, 1, "but one size"},
        {false, 1, 0, 1, "but one size"},
        {false, 0, 1, 0, "order of their roots"},
        {false, 0, 0, 0, "order of their roots"},
    };
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_fork_proof p;
    struct vdm_err err;
    read_vector("two-sizes", &b);
    assert_true(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    for (size_t i = 0; i < sizeof two_sizes / sizeof *two_sizes; i++)
        check_made(*state, &p, two_sizes[i]);
    vdm_buf_clear(&b);
    read_vector("same-size", &b);
    assert_true(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    for (size_t i = 0; i < sizeof same_size / sizeof *same_size; i++)
        check_made(*state, &p, same_size[i]);
}

static void expect_no_ledger_key(struct vdm_crypto *c, const struct vdm_vkey *key)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_fork_proof p;
    struct vdm_err err = {0};
    vdm_buf_puts(&text, "vidimus/fork-proof/v1\nledger-key ");
    vdm_vkey_append(&text, key);
    vdm_buf_putc(&text, '\n');
    assert_false(vdm_fork_proof_decode(c, vdm_buf_bytes(&text), &p, &err));
    assert_non_null(strstr(err.text, "no ledger key"));
}

/* A key that no ledger of ours has: a witness's, and one whose name is reserved. */
static void test_keys_of_no_ledger(void **state)
{
    struct signer witness VDM_CLEANUP(signer_close) = signer_open(*state, "w", 5);
    struct signer reserved VDM_CLEANUP(signer_close) = signer_open(*state, "vidimus/x", 5);
    witness.vkey.type = VDM_KEY_COSIGNATURE;
    witness.vkey.id = vdm_key_id(*state, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &witness.vkey.key);
    expect_no_ledger_key(*state, &witness.vkey);
    expect_no_ledger_key(*state, &reserved.vkey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_form),
        cmocka_unit_test(test_fields_arrive),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_one_form_for_each_contradiction),
        cmocka_unit_test(test_keys_of_no_ledger),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
