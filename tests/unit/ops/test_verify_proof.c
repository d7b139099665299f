/* SPDX-License-Identifier: MIT */
/* A single proof and a single checkpoint: which keys can vouch, and what is checked. */
#include "unit/ops/bundle_kit.h"

#include "format/proof.h"

#define PROOF "entry-000004.tlog-proof"

struct seen {
    struct vdm_report report;
    struct vdm_proved_entry proved;
    struct vdm_err err;
    bool ran;
};

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

static void see(struct vdm_crypto *c, struct vdm_bytes proof, const char *key, struct seen *s)
{
    struct vdm_vkey trusted = {0};
    struct vdm_trust trust = {.key = &trusted, .keys = key ? 1 : 0};
    if (key)
        trusted = vkey_of(c, key);
    memset(s, 0, sizeof *s);
    vdm_report_init(&s->report);
    s->ran = vdm_verify_proof(c, proof, &trust, &s->report, &s->proved, &s->err);
}

static void done(struct seen *s)
{
    vdm_report_release(&s->report);
    vdm_proved_entry_release(&s->proved);
}

/* The proof with one change to its decoded form. */
static void edited(struct vdm_buf *out, void (*edit)(struct vdm_inclusion_proof *))
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector(PROOF);
    struct vdm_inclusion_proof p;
    assert_true(vdm_inclusion_proof_decode(vdm_buf_bytes(&b), &p, NULL));
    edit(&p);
    vdm_inclusion_proof_append(out, &p);
}

static void keys_that_vouch(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector(PROOF);
    static const struct {
        const char *key;
        enum vdm_verdict v;
        bool signature;
    } cases[] = {{"ledger", VDM_VERIFIED, false},
                 {"ledger2", VDM_VERIFIED, false},
                 {"authority", VDM_INTACT_UNTRUSTED, false},
                 {"lena", VDM_INTACT_UNTRUSTED, true}, /* signed the entry, vouches for no tree */
                 {NULL, VDM_INTACT_UNTRUSTED, false}};
    struct seen s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        see(*state, vdm_buf_bytes(&b), cases[i].key, &s);
        assert_true(s.ran && s.proved.decoded);
        assert_int_equal(s.proved.entry.n, 4);
        assert_int_equal(s.proved.entry.kind, VDM_ENTRY_CAPTURE);
        assert_int_equal(s.proved.signature_checked, cases[i].signature);
        assert_int_equal(s.report.size, 22);
        assert_int_equal(s.report.entries, 1);
        assert_false(s.report.is_bundle);
        assert_string_equal(s.report.origin, "archive.example.net/statements");
        assert_int_equal(s.report.trusted, cases[i].v == VDM_VERIFIED);
        assert_int_equal(vdm_report_verdict(&s.report), cases[i].v);
        done(&s);
    }
}

static void policies_vouch(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector(PROOF);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = vector("policies/met");
    struct vdm_policy p;
    struct vdm_trust trust = {.policy = &p};
    struct seen s = {0};
    assert_true(vdm_policy_decode(*state, vdm_buf_bytes(&text), &p, NULL));
    assert_true(vdm_verify_proof(*state, vdm_buf_bytes(&b), &trust, &s.report, &s.proved, NULL));
    assert_true(s.report.trusted); /* the log signed, the witnesses did not */
    assert_int_equal(s.report.kinds[VDM_QUORUM_UNMET], 1);
    assert_int_equal(vdm_report_findings(&s.report), 1);
    done(&s);
    p.has_quorum = false;
    assert_true(vdm_verify_proof(*state, vdm_buf_bytes(&b), &trust, &s.report, &s.proved, NULL));
    assert_int_equal(vdm_report_verdict(&s.report), VDM_VERIFIED);
    done(&s);
}

static void other_index(struct vdm_inclusion_proof *p)
{
    p->index = 5;
}
static void other_hash(struct vdm_inclusion_proof *p)
{
    p->hash[2].b[7] ^= 1;
}
static void one_hash_less(struct vdm_inclusion_proof *p)
{
    p->hashes--;
}
static void no_extra(struct vdm_inclusion_proof *p)
{
    p->extra.n = 0;
}
static void other_extra(struct vdm_inclusion_proof *p)
{
    p->extra = VDM_LIT("AAAA");
}
static void cut_checkpoint(struct vdm_inclusion_proof *p)
{
    p->checkpoint.n -= 30;
}

static void what_is_checked(void **state)
{
    static const struct {
        void (*edit)(struct vdm_inclusion_proof *);
        enum vdm_finding_kind kind, also;
    } cases[] = {{other_index, VDM_LEAF_MISMATCH, VDM_ENTRY_MALFORMED},
                 {other_hash, VDM_LEAF_MISMATCH, VDM_LEAF_MISMATCH},
                 {one_hash_less, VDM_LEAF_MISMATCH, VDM_LEAF_MISMATCH},
                 {other_extra, VDM_LEAF_MISMATCH, VDM_ENTRY_MALFORMED},
                 {cut_checkpoint, VDM_CHECKPOINT_INVALID, VDM_CHECKPOINT_INVALID}};
    struct seen s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
        edited(&b, cases[i].edit);
        see(*state, vdm_buf_bytes(&b), "ledger2", &s);
        assert_true(s.ran);
        assert_int_equal(s.report.kinds[cases[i].kind], 1);
        assert_int_equal(s.report.kinds[cases[i].also], 1);
        assert_int_equal(vdm_report_verdict(&s.report), VDM_ALTERED);
        done(&s);
    }
}

/* The signer's key is no anchor, but it is good for the entry's own signature. */
static void the_signature_where_it_can_be(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector(PROOF);
    struct vdm_buf made VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf base64 VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf entry VDM_CLEANUP(vdm_buf_release) = vector("entries/000004");
    struct vdm_inclusion_proof p;
    struct seen s;
    assert_true(vdm_inclusion_proof_decode(vdm_buf_bytes(&b), &p, NULL));
    uint8_t *at = memmem(entry.p, entry.n, "recorded 2021", 13);
    assert_non_null(at);
    at[12] = '0';
    vdm_base64_append(&base64, vdm_buf_bytes(&entry));
    p.extra = vdm_buf_bytes(&base64);
    vdm_inclusion_proof_append(&made, &p);
    see(*state, vdm_buf_bytes(&made), "lena", &s);
    assert_true(s.proved.signature_checked);
    assert_int_equal(s.report.kinds[VDM_SIGNATURE_INVALID], 1);
    assert_int_equal(s.report.kinds[VDM_LEAF_MISMATCH], 1);
    done(&s);
    see(*state, vdm_buf_bytes(&made), "ledger2", &s);
    assert_int_equal(s.report.kinds[VDM_SIGNATURE_INVALID], 0);
    assert_int_equal(s.report.kinds[VDM_LEAF_MISMATCH], 1);
    done(&s);
}

static void what_is_no_proof(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct seen s;
    edited(&b, no_extra);
    see(*state, vdm_buf_bytes(&b), "ledger2", &s);
    assert_false(s.ran);
    assert_int_equal(s.err.kind, VDM_ERR_MALFORMED);
    done(&s);
    see(*state, VDM_LIT("Dear reader,\n"), "ledger2", &s);
    assert_false(s.ran);
    assert_int_equal(s.err.kind, VDM_ERR_MALFORMED);
    done(&s);
    see(*state, VDM_LIT("c2sp.org/tlog-proof@v1\nindex 04\n"), "ledger2", &s);
    assert_true(s.ran);
    assert_int_equal(s.report.kinds[VDM_PROOF_INVALID], 1);
    done(&s);
}

static void no_byte_is_free(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector(PROOF);
    struct seen s;
    /* The line of the key that is not trusted: nobody asks for it. */
    const uint8_t *line = memmem(b.p, b.n, "NWkV", 4), *end = memmem(b.p, b.n, "Erpb", 4);
    assert_true(line && end > line);
    size_t from = (size_t)(line - b.p) - 36, to = (size_t)(end - b.p) - 36;
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= (uint8_t)(1u << i % 7);
        see(*state, vdm_buf_bytes(&b), "ledger2", &s);
        if (s.ran && (i < from || i >= to) && vdm_report_verdict(&s.report) == VDM_VERIFIED)
            fail_msg("byte %zu is free", i);
        done(&s);
        b.p[i] ^= (uint8_t)(1u << i % 7);
    }
}

static void a_checkpoint_alone(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector("checkpoint");
    struct vdm_vkey key = vkey_of(*state, "ledger2"), authority = vkey_of(*state, "authority");
    struct vdm_trust trust = {.key = &key, .keys = 1}, other = {.key = &authority, .keys = 1};
    struct vdm_report r;
    struct vdm_err err = {0};
    vdm_report_init(&r);
    assert_true(vdm_verify_checkpoint(*state, vdm_buf_bytes(&b), &trust, &r, NULL));
    assert_int_equal(vdm_report_verdict(&r), VDM_VERIFIED);
    assert_string_equal(r.trusted_key, key.name);
    assert_int_equal(r.size, 22);
    vdm_report_release(&r);
    assert_true(vdm_verify_checkpoint(*state, vdm_buf_bytes(&b), &other, &r, NULL));
    assert_int_equal(vdm_report_verdict(&r), VDM_INTACT_UNTRUSTED);
    vdm_report_release(&r);
    b.p[b.n - 20] = b.p[b.n - 20] == 'A' ? 'B' : 'A';
    assert_true(vdm_verify_checkpoint(*state, vdm_buf_bytes(&b), &trust, &r, NULL));
    assert_int_equal(r.kinds[VDM_CHECKPOINT_INVALID], 1);
    assert_int_equal(vdm_report_verdict(&r), VDM_ALTERED);
    vdm_report_release(&r);
    assert_false(vdm_verify_checkpoint(*state, VDM_LIT("hello\n"), &trust, &r, &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
}

/* A good signature is not enough: it must be by a key that goes by the ledger's name. */
static void only_ledger_keys_vouch(void **state)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = vector("checkpoint");
    struct vdm_buf signed_by_lena VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_vkey key = vkey_of(*state, "lena");
    struct vdm_trust trust = {.key = &key, .keys = 1};
    struct vdm_note old;
    struct vdm_report r;
    vdm_report_init(&r);
    assert_true(vdm_note_decode(vdm_buf_bytes(&b), &old, NULL));
    sign_as(*state, &signed_by_lena, old.text, "lena", "lena");
    assert_true(vdm_verify_checkpoint(*state, vdm_buf_bytes(&signed_by_lena), &trust, &r, NULL));
    assert_false(r.trusted);
    assert_int_equal(vdm_report_verdict(&r), VDM_INTACT_UNTRUSTED);
    vdm_report_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_vouch),
        cmocka_unit_test(policies_vouch),
        cmocka_unit_test(what_is_checked),
        cmocka_unit_test(what_is_no_proof),
        cmocka_unit_test(no_byte_is_free),
        cmocka_unit_test(a_checkpoint_alone),
        cmocka_unit_test(the_signature_where_it_can_be),
        cmocka_unit_test(only_ledger_keys_vouch),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
