/* SPDX-License-Identifier: MIT */
/* Fork proofs: which hold, and who can vouch for them. How they are made: tests/cli/test_forks.py. */
#include "unit/ops/bundle_kit.h"

#include "ops/fork_proof.h"

#include <jansson.h>

#define FORKS VDM_SOURCE_DIR "/tests/vectors/forks/"

static int setup(void **state)
{
    struct vdm_crypto *c;
    assert_true(vdm_crypto_open(&c, NULL));
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    vdm_crypto_close(*state);
    return 0;
}

static struct vdm_buf proof(const char *file)
{
    char path[4096];
    snprintf(path, sizeof path, FORKS "%s", file);
    return slurp(path);
}

static enum vdm_verdict judge(struct vdm_crypto *c, struct vdm_bytes text, const char *key,
                              struct vdm_report *r)
{
    struct vdm_vkey trusted = {0};
    struct vdm_trust trust = {.key = &trusted, .keys = key ? 1 : 0};
    struct vdm_err err = {0};
    if (key)
        trusted = vkey_of(c, key);
    vdm_report_init(r);
    if (!vdm_verify_fork_proof(c, text, &trust, r, &err))
        fail_msg("%s", err.text);
    return vdm_report_verdict(r);
}

static void which_hold(void **state)
{
    json_t *table = json_load_file(FORKS "index.json", 0, NULL), *one;
    size_t i, good = 0;
    json_array_foreach(table, i, one)
    {
        const char *file = json_string_value(json_object_get(one, "file"));
        bool holds = json_is_true(json_object_get(one, "holds"));
        struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = proof(file);
        struct vdm_report r;
        if (judge(*state, vdm_buf_bytes(&b), "ledger", &r) != (holds ? VDM_VERIFIED : VDM_ALTERED))
            fail_msg("%s: %s", file, json_string_value(json_object_get(one, "why")));
        assert_int_equal(r.kinds[VDM_PROOF_INVALID] + r.kinds[VDM_CHECKPOINT_INVALID], !holds);
        good += holds;
        vdm_report_release(&r);
    }
    assert_true(good > 0 && good < i);
    json_decref(table);
}

static void who_vouches(void **state)
{
    static const char *const others[] = {"authority", "ledger2", "lena", NULL};
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = proof("two-sizes.fork-proof");
    struct vdm_report r;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(judge(*state, vdm_buf_bytes(&b), others[i], &r), VDM_INTACT_UNTRUSTED);
        assert_false(r.trusted);
        vdm_report_release(&r);
    }
    assert_int_equal(judge(*state, vdm_buf_bytes(&b), "ledger", &r), VDM_VERIFIED);
    assert_true(r.trusted && r.size == 8 && r.other_size == 5);
    assert_string_equal(r.origin, "archive.example.net/statements");
    assert_string_equal(r.trusted_key, r.origin);
    vdm_report_release(&r);
}

/* A log of the policy vouches; its quorum is not asked for. */
static void policy_vouches(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = proof("same-size.fork-proof");
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf key VDM_CLEANUP(vdm_buf_release) = vector("keys/ledger.pub");
    struct vdm_policy p;
    struct vdm_trust trust = {.policy = &p};
    struct vdm_report r;
    vdm_buf_puts(&text, "log ");
    vdm_buf_put(&text, vdm_buf_bytes(&key));
    vdm_buf_puts(&text, "witness w ");
    struct vdm_buf witness VDM_CLEANUP(vdm_buf_release) = vector("keys/witness-north.pub");
    vdm_buf_put(&text, vdm_buf_bytes(&witness));
    vdm_buf_puts(&text, "quorum w\n");
    assert_true(vdm_policy_decode(*state, vdm_buf_bytes(&text), &p, NULL));
    vdm_report_init(&r);
    assert_true(vdm_verify_fork_proof(*state, vdm_buf_bytes(&b), &trust, &r, NULL));
    assert_int_equal(vdm_report_verdict(&r), VDM_VERIFIED);
    vdm_report_release(&r);
}

static void malformed_is_a_finding(void **state)
{
    struct vdm_report r;
    assert_int_equal(judge(*state, VDM_LIT(VDM_FORK_PROOF_BEGIN "v1\n"), "ledger", &r),
                     VDM_ALTERED);
    assert_int_equal(r.kinds[VDM_PROOF_INVALID], 1);
    assert_int_equal(r.other_size, 0);
    vdm_report_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_hold),
        cmocka_unit_test(who_vouches),
        cmocka_unit_test(policy_vouches),
        cmocka_unit_test(malformed_is_a_finding),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
