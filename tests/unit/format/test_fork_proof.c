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
    if (!vdm_fork_proof_decode(ctx, text, &p, NULL))
        return false;
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
    assert_int_equal(p.hashes, 4711);
    b.n = 0;
    read_vector("two-sizes", &b);
    while (b.n <= VDM_FORK_PROOF_MAX)
        vdm_buf_put(&b, VDM_LIT("AAAAAAAAAAAAAAAA\n"));
    assert_false(vdm_fork_proof_decode(*state, vdm_buf_bytes(&b), &p, &err));
    assert_non_null(strstr(err.text, "not a fork proof"));
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
        cmocka_unit_test(test_keys_of_no_ledger),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
