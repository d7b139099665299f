/* SPDX-License-Identifier: MIT */
#include "format/policy.h"

#include "unit/format/fixture.h"

struct cast {
    struct vdm_crypto *c;
    struct signer log, other_log, w[3];
};

static struct signer witness_open(struct vdm_crypto *c, const char *name, uint8_t seed)
{
    struct signer s = signer_open(c, name, seed);
    s.vkey.type = VDM_KEY_COSIGNATURE;
    s.vkey.id = vdm_key_id(c, vdm_str(name), VDM_KEY_COSIGNATURE, &s.vkey.key);
    return s;
}

static int set_up(void **state)
{
    struct cast *cast = calloc(1, sizeof *cast);
    struct vdm_err err;
    if (!cast || !vdm_crypto_open(&cast->c, &err))
        return -1;
    cast->log = signer_open(cast->c, ORIGIN, 2);
    cast->other_log = signer_open(cast->c, "other.example.net", 3);
    cast->w[0] = witness_open(cast->c, "w.example.com/1", 11);
    cast->w[1] = witness_open(cast->c, "w.example.com/2", 12);
    cast->w[2] = witness_open(cast->c, "w.example.com/3", 13);
    *state = cast;
    return 0;
}

static int tear_down(void **state)
{
    struct cast *cast = *state;
    signer_close(&cast->log);
    signer_close(&cast->other_log);
    for (int i = 0; i < 3; i++)
        signer_close(&cast->w[i]);
    vdm_crypto_close(cast->c);
    free(cast);
    return 0;
}

/* @L, @O: the vkeys of the logs; @1 to @3: of the witnesses; @x: witness 1's key as a log. */
static void expand(const struct cast *cast, const char *template, struct vdm_buf *out)
{
    for (const char *p = template; *p; p++) {
        if (p[0] != '@') {
            vdm_buf_putc(out, *p);
            continue;
        }
        p++;
        if (*p == 'x') {
            struct vdm_vkey as_log;
            struct vdm_err err;
            assert_true(
                vdm_vkey_make(cast->c, VDM_LIT("third"), &cast->w[0].vkey.key, &as_log, &err));
            vdm_vkey_append(out, &as_log);
        } else {
            const struct signer *s = *p == 'L'   ? &cast->log
                                     : *p == 'O' ? &cast->other_log
                                                 : &cast->w[*p - '1'];
            vdm_vkey_append(out, &s->vkey);
        }
    }
}

static bool decodes(const struct cast *cast, const char *template, struct vdm_buf *text,
                    struct vdm_policy *p)
{
    struct vdm_err err = {0};
    vdm_buf_clear(text);
    expand(cast, template, text);
    bool ok = vdm_policy_decode(cast->c, vdm_buf_bytes(text), p, &err);
    if (!ok)
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    return ok;
}

#define WITNESSES "witness a @1\nwitness b @2\nwitness c @3\n"

static void test_what_is_one(void **state)
{
    static const char *const good[] = {
        "quorum none\n",
        "# a comment\n\n \t \n\t# another\nquorum none\n",
        "log @L\nquorum none\n",
        "log @L https://log.example.net/\nlog @O\nquorum none\n",
        "\tlog\t@L  https://x \t\nquorum none \n",
        "witness a @1\nquorum a\n",
        "witness a @1 https://w.example.com/1/\nquorum a\n",
        WITNESSES "group g all a b c\nquorum g\n",
        WITNESSES "group g any a b c\nquorum g\n",
        WITNESSES "group g 2 a b c\nquorum g\n",
        WITNESSES "group g 1 a\ngroup h all g b\nquorum h\n",
        WITNESSES "group g any a b\nquorum c\n",
        "quorum none\nwitness a @1\n",
        "witness a @1\ngroup g any a\nwitness b @2\nquorum b\n",
        "witness caf\xC3\xA9\xFF @1\nquorum caf\xC3\xA9\xFF\n",
        "log @x\nwitness a @1\nquorum a\n", /* one key as log and as witness: two lists */
        "witness none-such @1\nquorum none-such\n",
    };
    static const char *const bad[] = {
        "",
        "log @L\n",
        "quorum none",
        "quorum none\n# no end",
        "quorum\n",
        "quorum a\n",
        "quorum none none\n",
        "quorum none\nquorum none\n",
        "witness a @1\nquorum a\nquorum none\n",
        "quorum a\nwitness a @1\n",
        "Quorum none\n",
        "quorum None\n",
        "nonsense\nquorum none\n",
        "log\nquorum none\n",
        "log @1\nquorum none\n",
        "log @L x y\nquorum none\n",
        "log @L\nlog @L\nquorum none\n",
        "log " ORIGIN "\nquorum none\n",
        "witness a\nquorum none\n",
        "witness a @L\nquorum none\n",
        "witness @1\nquorum none\n",
        "witness none @1\nquorum none\n",
        "witness a @1 x y\nquorum none\n",
        "witness a @1\nwitness a @2\nquorum none\n",
        "witness a @1\nwitness b @1\nquorum none\n",
        WITNESSES "group a any b\nquorum none\n",
        WITNESSES "group none any a\nquorum none\n",
        WITNESSES "group g any\nquorum none\n",
        WITNESSES "group g\nquorum none\n",
        WITNESSES "group\nquorum none\n",
        WITNESSES "group g some a\nquorum none\n",
        WITNESSES "group g 0 a\nquorum none\n",
        WITNESSES "group g 2 a\nquorum none\n",
        WITNESSES "group g 01 a\nquorum none\n",
        WITNESSES "group g any none\nquorum none\n",
        WITNESSES "group g any d\nquorum none\n",
        WITNESSES "group g any g\nquorum none\n",
        WITNESSES "group g 2 a a\nquorum g\n",
        WITNESSES "group g any a\ngroup h any a\nquorum g\n",
        WITNESSES "group g any h\ngroup h any a\nquorum g\n",
        "quorum none\r\n",
        "quorum none\f\n",
        "# \x7f\nquorum none\n",
        "# \x1b[0m\nquorum none\n",
    };
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_policy *p = malloc(sizeof *p);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!decodes(*state, good[i], &text, p))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (decodes(*state, bad[i], &text, p))
            fail_msg("taken: %s", bad[i]);
    assert_false(
        vdm_policy_decode(((struct cast *)*state)->c, VDM_LIT("# \0\nquorum none\n"), p, NULL));
    free(p);
}

static void test_logs(void **state)
{
    struct cast *cast = *state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_policy *p = malloc(sizeof *p);
    assert_true(decodes(cast, "log @L\nquorum none\n", &text, p));
    assert_true(vdm_policy_trusts_log(p, &cast->log.vkey));
    assert_false(vdm_policy_trusts_log(p, &cast->other_log.vkey));
    struct vdm_vkey renamed = cast->log.vkey;
    renamed.name[0] = 'A';
    assert_false(vdm_policy_trusts_log(p, &renamed));
    assert_true(decodes(cast, "\tlog\t@L  https://x \t\nquorum none\n", &text, p));
    assert_true(vdm_policy_trusts_log(p, &cast->log.vkey));
    free(p);
}

/* --- the quorum --- */

static void test_the_line_that_is_wrong_is_named(void **state)
{
    struct cast *cast = *state;
    struct vdm_policy *p = malloc(sizeof *p);
    struct vdm_err err = {0};
    assert_false(vdm_policy_decode(cast->c, VDM_LIT("quorum none\nquorum none\n"), p, &err));
    assert_string_equal(err.text, "policy: line 2 is malformed");
    assert_false(vdm_policy_decode(cast->c, VDM_LIT("\n"), p, &err));
    assert_string_equal(err.text, "policy: no quorum line");
    free(p);
}

#define CHECKPOINT ORIGIN "\n1\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"

static void cosign(struct vdm_buf *out, const struct signer *w, struct vdm_bytes text)
{
    struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t blob[4 + 8 + 64] = {(uint8_t)(w->vkey.id >> 24), (uint8_t)(w->vkey.id >> 16),
                                (uint8_t)(w->vkey.id >> 8), (uint8_t)w->vkey.id};
    blob[11] = 99;
    vdm_cosigned_message_append(&message, 99, text);
    struct vdm_sig sig = vdm_sign(w->key, vdm_buf_bytes(&message));
    memcpy(blob + 12, sig.b, 64);
    vdm_buf_putf(out, "\xE2\x80\x94 %s ", w->vkey.name);
    vdm_base64_append(out, (struct vdm_bytes){blob, sizeof blob});
    vdm_buf_putc(out, '\n');
}

/* Is the policy met by the log and the witnesses whose bit is set? `bad` cosign another text. */
static bool met(const struct cast *cast, const char *template, unsigned who, unsigned bad)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_policy *p = malloc(sizeof *p);
    struct vdm_note note;
    assert_true(decodes(cast, template, &text, p));
    sign_note(&whole, VDM_LIT(CHECKPOINT), &cast->log);
    for (unsigned i = 0; i < 3; i++)
        if (who >> i & 1)
            cosign(&whole, &cast->w[i], bad >> i & 1 ? VDM_LIT("x\n") : VDM_LIT(CHECKPOINT));
    assert_true(vdm_note_decode(vdm_buf_bytes(&whole), &note, NULL));
    bool result = vdm_policy_met(p, cast->c, &note);
    free(p);
    return result;
}

static void test_quorums(void **state)
{
    for (unsigned who = 0; who < 8; who++) {
        bool a = who & 1, b = who >> 1 & 1, c = who >> 2 & 1;
        int n = a + b + c;
        assert_true(met(*state, "quorum none\n", who, 0));
        assert_int_equal(met(*state, WITNESSES "quorum a\n", who, 0), a);
        assert_int_equal(met(*state, WITNESSES "group g any a b c\nquorum g\n", who, 0), n >= 1);
        assert_int_equal(met(*state, WITNESSES "group g 2 a b c\nquorum g\n", who, 0), n >= 2);
        assert_int_equal(met(*state, WITNESSES "group g all a b c\nquorum g\n", who, 0), n == 3);
        assert_int_equal(
            met(*state, WITNESSES "group g any a b\ngroup h all g c\nquorum h\n", who, 0),
            (a || b) && c);
        /* A cosignature of something else counts for nothing. */
        assert_false(met(*state, WITNESSES "group g any a b c\nquorum g\n", who, 7));
        assert_int_equal(met(*state, WITNESSES "group g any a b c\nquorum g\n", who, 1), b || c);
    }
}

/* As many logs as there may be, and witnesses and groups together; one more is too many. */
static void test_limits(void **state)
{
    struct cast *cast = *state;
    for (unsigned n = VDM_POLICY_ITEMS_MAX; n <= VDM_POLICY_ITEMS_MAX + 1; n++) {
        struct vdm_buf logs VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf items VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_policy *p = malloc(sizeof *p);
        for (unsigned i = 0; i < n; i++) {
            struct signer s VDM_CLEANUP(signer_close) =
                signer_open(cast->c, "x", (uint8_t)(100 + i));
            vdm_buf_puts(&logs, "log ");
            vdm_vkey_append(&logs, &s.vkey);
            struct signer w VDM_CLEANUP(signer_close) =
                witness_open(cast->c, "x", (uint8_t)(100 + i));
            if (i < 32) {
                vdm_buf_putf(&items, "witness w%u ", i);
                vdm_vkey_append(&items, &w.vkey);
            } else {
                vdm_buf_putf(&items, "group w%u any w%u", i, i - 1);
            }
            vdm_buf_putc(&items, '\n');
            vdm_buf_putc(&logs, '\n');
        }
        vdm_buf_puts(&logs, "quorum none\n");
        vdm_buf_putf(&items, "quorum w%u\n", n - 1);
        bool fits = n == VDM_POLICY_ITEMS_MAX;
        assert_int_equal(vdm_policy_decode(cast->c, vdm_buf_bytes(&logs), p, NULL), fits);
        assert_int_equal(vdm_policy_decode(cast->c, vdm_buf_bytes(&items), p, NULL), fits);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_the_line_that_is_wrong_is_named),
        cmocka_unit_test(test_quorums),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
