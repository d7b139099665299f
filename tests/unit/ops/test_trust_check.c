/* SPDX-License-Identifier: MIT */
/* What vouches for a verdict: which of the reader's keys, and for what. */
#include "ops/trust_check.h"

#include "keys/pub.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEDGER VDM_SOURCE_DIR "/tests/vectors/ledger/"

/* The sample ledger's checkpoint, of size 22: a line by the ledger key that was retired, then one by
 * the key in force. The keyring is made by hand, so that a test can give it another fate. */
struct scene {
    struct vdm_crypto *crypto;
    struct vdm_report report;
    struct vdm_entry_check check;
    struct vdm_buf checkpoint;
    struct vdm_vkey authority, old, now, signer;
};
enum { AUTHORITY, OLD, NOW, SIGNER, RANGES };

static struct vdm_vkey key_of(struct scene *s, const char *path)
{
    struct vdm_vkey k;
    struct vdm_err err = {0};
    if (!vdm_pub_read(s->crypto, AT_FDCWD, path, &k, &err))
        fail_msg("%s: %s", path, err.text);
    return k;
}

static void add_range(struct scene *s, const struct vdm_vkey *key, enum vdm_key_role role)
{
    struct vdm_keyring *k = &s->check.keyring;
    k->range[k->count++] = (struct vdm_key_range){.key = *key,
                                                  .role = role,
                                                  .until = UINT64_MAX,
                                                  .ended_at = UINT64_MAX,
                                                  .first_ended_at = UINT64_MAX};
}

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_true(vdm_crypto_open(&s->crypto, NULL));
    vdm_report_init(&s->report);
    vdm_entry_check_init(&s->check, s->crypto, &s->report);
    s->authority = key_of(s, LEDGER "keys/authority.pub");
    s->old = key_of(s, LEDGER "keys/ledger.pub");
    s->now = key_of(s, LEDGER "keys/ledger2.pub");
    s->signer = key_of(s, LEDGER "keys/lena.pub");
    s->check.keyring.range = calloc(RANGES, sizeof *s->check.keyring.range);
    assert_non_null(s->check.keyring.range);
    strcpy(s->check.keyring.origin, s->now.name);
    add_range(s, &s->authority, VDM_ROLE_AUTHORITY);
    add_range(s, &s->old, VDM_ROLE_LEDGER);
    add_range(s, &s->now, VDM_ROLE_LEDGER);
    add_range(s, &s->signer, VDM_ROLE_SIGNER);
    assert_true(vdm_file_read(AT_FDCWD, LEDGER "checkpoint", VDM_NOTE_MAX, &s->checkpoint, NULL));
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;
    vdm_entry_check_release(&s->check);
    vdm_report_release(&s->report);
    vdm_buf_release(&s->checkpoint);
    vdm_crypto_close(s->crypto);
    free(s);
    return 0;
}

static bool judge(struct scene *s, const struct vdm_trust *trust)
{
    vdm_report_release(&s->report);
    vdm_check_trust(&s->check, trust, vdm_buf_bytes(&s->checkpoint), (struct vdm_bytes){0});
    assert_int_equal(s->report.kinds[VDM_KEY_UNTRUSTED], !s->report.trusted);
    return s->report.trusted;
}

static bool trusts_key(struct scene *s, const struct vdm_vkey *key)
{
    return judge(s, &(struct vdm_trust){.key = key, .keys = 1});
}

static bool trusts_log(struct scene *s, const struct vdm_vkey *key)
{
    struct vdm_policy *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->logs = 1;
    p->log[0] = *key;
    bool yes = judge(s, &(struct vdm_trust){.policy = p});
    free(p);
    return yes;
}

static void end(struct scene *s, size_t range, enum vdm_key_action by)
{
    s->check.keyring.range[range].ended_at = 20;
    s->check.keyring.range[range].until = 15;
    s->check.keyring.range[range].ended_by = by;
}

static void test_keys_that_vouch(void **state)
{
    struct scene *s = *state;
    assert_true(trusts_key(s, &s->authority));
    assert_string_equal(s->report.trusted_key, s->authority.name);
    assert_true(trusts_key(s, &s->now));
    assert_string_equal(s->report.trusted_key, s->now.name);
    assert_false(trusts_key(s, &s->signer));
    assert_false(judge(s, &(struct vdm_trust){0}));
}

/* So that a reader who holds the old key can follow a change. */
static void test_retired_ledger_key_vouches(void **state)
{
    struct scene *s = *state;
    end(s, OLD, VDM_KEY_RETIRE);
    assert_true(trusts_key(s, &s->old));
}

static void test_revoked_ledger_key_does_not(void **state)
{
    struct scene *s = *state;
    end(s, OLD, VDM_KEY_REVOKE);
    assert_false(trusts_key(s, &s->old));
    assert_false(trusts_log(s, &s->old));
    assert_true(trusts_key(s, &s->now));
}

static void test_ledger_key_must_have_signed(void **state)
{
    struct scene *s = *state;
    char *size = strstr((char *)s->checkpoint.p, "\n22\n");
    assert_non_null(size);
    size[1] = '3';
    assert_false(trusts_key(s, &s->now));
    assert_true(trusts_key(s, &s->authority));
    s->checkpoint.n = 0;
    assert_false(trusts_key(s, &s->now));
}

static void test_ledger_key_must_be_one_here(void **state)
{
    struct scene *s = *state;
    s->check.keyring.range[NOW].role = VDM_ROLE_AUDITOR;
    assert_false(trusts_key(s, &s->now));
    s->check.keyring.count = NOW;
    assert_false(trusts_key(s, &s->now));
}

static void test_policy_names_logs(void **state)
{
    struct scene *s = *state;
    assert_true(trusts_log(s, &s->now));
    assert_false(trusts_log(s, &s->authority));
    assert_false(trusts_log(s, &s->signer));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys_that_vouch),
        TEST(test_retired_ledger_key_vouches),
        TEST(test_revoked_ledger_key_does_not),
        TEST(test_ledger_key_must_have_signed),
        TEST(test_ledger_key_must_be_one_here),
        TEST(test_policy_names_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
