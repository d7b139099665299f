/* SPDX-License-Identifier: MIT */
#include "format/request.h"

#include "unit/format/fixture.h"

#define ZERO      "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define ROOT      "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define AUTHORITY ORIGIN "/authority"
#define RETIRE    "action retire\nrole signer\nkey @A\n"
#define EFFECT    "effect lena's key no longer signs\n"

/* What a request says; each test changes one thing. */
struct said {
    const char *size, *effects, *kind, *n, *keyring, *fields;
    const char *signer; /* name and id; NULL: the authority's */
};

static const struct said good = {
    .size = "7", .effects = EFFECT, .kind = "key/v1", .n = "7", .keyring = "3", .fields = RETIRE};

/* `fields` with the authority's key for each @A, and @L for the ledger's. */
static void put_fields(struct vdm_buf *out, const char *fields, const struct vdm_vkey *authority,
                       const struct vdm_vkey *ledger)
{
    for (const char *p = fields; *p; p++)
        if (*p != '@')
            vdm_buf_putc(out, *p);
        else
            vdm_vkey_append(out, *++p == 'A' ? authority : ledger);
}

static void put_request(struct vdm_crypto *c, struct vdm_buf *out, const struct said *s)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(c, AUTHORITY, 1);
    struct signer l VDM_CLEANUP(signer_close) = signer_open(c, ORIGIN, 2);
    vdm_buf_puts(out, "vidimus/request/v1\nauthority ");
    vdm_vkey_append(out, &a.vkey);
    vdm_buf_putf(out, "\ncheckpoint %s " ROOT "\n", s->size);
    vdm_buf_puts(out, s->effects);
    vdm_buf_putf(out, "\nvidimus/%s\nledger " ORIGIN "\nentry %s\nprevious " ZERO "\nkeyring %s\n",
                 s->kind, s->n, s->keyring);
    vdm_buf_puts(out, "recorded 2020-01-02T03:04:05Z\nsigner ");
    if (s->signer)
        vdm_buf_puts(out, s->signer);
    else
        vdm_signer_append(out, vdm_str(a.vkey.name), a.vkey.id);
    vdm_buf_putc(out, '\n');
    put_fields(out, s->fields, &a.vkey, &l.vkey);
}

static bool again(void *c, struct vdm_bytes text, struct vdm_buf *out)
{
    struct vdm_request r;
    struct vdm_err err = {0};
    if (!vdm_request_decode(c, text, &r, &err))
        return refused_by_a_rule(&err);
    vdm_request_append(out, &r);
    return true;
}

static void expect(struct vdm_crypto *c, struct said s, const char *why)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_request r = {.size = 4711};
    struct vdm_err err = {0};
    put_request(c, &text, &s);
    if (!why) {
        assert_true(roundtrip(vdm_buf_bytes(&text), again, c));
        return;
    }
    assert_false(vdm_request_decode(c, vdm_buf_bytes(&text), &r, &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    if (!strstr(err.text, why))
        fail_msg("%s, not: %s", err.text, why);
    assert_int_equal(r.size, 4711);
}

static void test_attacked_request(void **state)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    put_request(*state, &text, &good);
    attack(vdm_buf_bytes(&text), again, *state);
}

/* What an authority signs, and nothing else, with its own key, at the next place. */
static void test_what_fits(void **state)
{
    static const char no[] = "not one for this authority to sign here";
    struct said s = good;
    expect(*state, s, NULL);
    s.effects = "";
    expect(*state, s, NULL);
    s.effects = EFFECT EFFECT;
    expect(*state, s, NULL);
    s.size = "8";
    expect(*state, s, no);
    s = good, s.kind = "withdrawal/v1", s.fields = "withdraws 0\nscope both\ndecided-by x\n";
    expect(*state, s, NULL);
    s = good, s.kind = "capture/v1", s.fields = "record " ZERO "\n";
    expect(*state, s, no);
    s = good, s.kind = "key/v2";
    expect(*state, s, no);
    s = good, s.kind = "genesis/v1", s.size = s.n = s.keyring = "0";
    s.fields = "authority @A\nledger-key @L\nsoftware x\n";
    expect(*state, s, no);
    s = good, s.signer = AUTHORITY "+00000000";
    expect(*state, s, no);
}

static void test_the_signer_has_the_authoritys_name(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, AUTHORITY, 1);
    char name[200];
    struct said s = good;
    snprintf(name, sizeof name, "another+%08x", a.vkey.id);
    s.signer = name;
    expect(*state, s, "not one for this authority to sign here");
}

/* The first thing that is wrong is what the user is told. */
static void test_what_is_malformed(void **state)
{
    struct said s = good;
    s.kind = "key";
    expect(*state, s, "the entry in the request: a malformed entry head");
    s = good, s.effects = "effect \n";
    expect(*state, s, "a malformed request");
    s = good, s.size = "07";
    expect(*state, s, "not a request of this version");
}

/* Of two keys that are none of ours: a witness's, and one with a letter changed. */
static void test_other_authorities(void **state)
{
    struct signer w VDM_CLEANUP(signer_close) = signer_open(*state, "w", 5);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf key VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf other VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_request r;
    struct vdm_err err = {0};
    put_request(*state, &text, &good);
    replaced(&other, vdm_buf_bytes(&text), VDM_LIT("authority archive"),
             VDM_LIT("authority Archive"));
    assert_false(vdm_request_decode(*state, vdm_buf_bytes(&other), &r, &err));
    assert_string_equal(err.text, "not a request of this version, or malformed");
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, AUTHORITY, 1);
    vdm_vkey_append(&key, &a.vkey);
    vdm_buf_clear(&other);
    w.vkey.type = VDM_KEY_COSIGNATURE;
    w.vkey.id = vdm_key_id(*state, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &w.vkey.key);
    struct vdm_buf witness VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_vkey_append(&witness, &w.vkey);
    replaced(&other, vdm_buf_bytes(&text), vdm_buf_bytes(&key), vdm_buf_bytes(&witness));
    assert_false(vdm_request_decode(*state, vdm_buf_bytes(&other), &r, &err));
    assert_string_equal(err.text, "not a request of this version, or malformed");
}

static void test_size_limit(void **state)
{
    struct vdm_buf effects VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct said s = good;
    put_request(*state, &text, &s);
    vdm_buf_puts(&effects, "effect ");
    for (size_t n = VDM_NOTE_MAX - text.n + strlen(EFFECT) - strlen("effect \n"); n-- > 0;)
        vdm_buf_putc(&effects, 'x');
    vdm_buf_put(&effects, (struct vdm_bytes){(const uint8_t *)"\n", 2});
    s.effects = (const char *)effects.p;
    expect(*state, s, NULL);
    effects.p[effects.n - 2] = 'x';
    effects.p[effects.n - 1] = '\n';
    vdm_buf_putc(&effects, 0);
    s.effects = (const char *)effects.p;
    expect(*state, s, "not a request of this version, or malformed");
}

static void test_effects(void **state)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf effects VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_request r;
    struct vdm_err err = {0};
    struct said s = good;
    vdm_request_append_effect(&effects, VDM_LIT("a\nb"));
    vdm_request_append_effect(&effects, VDM_LIT("c"));
    vdm_buf_putc(&effects, 0);
    s.effects = (const char *)effects.p;
    put_request(*state, &text, &s);
    assert_true(vdm_request_decode(*state, vdm_buf_bytes(&text), &r, &err));
    assert_true(r.size == 7 && r.entry.n == 7 && r.root.b[0] == 0xe3);
    struct vdm_bytes value;
    assert_true(vdm_request_next_effect(&r.effects, &value) && vdm_bytes_equal_str(value, "a\\nb"));
    assert_true(vdm_request_next_effect(&r.effects, &value) && vdm_bytes_equal_str(value, "c"));
    assert_false(vdm_request_next_effect(&r.effects, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attacked_request),
        cmocka_unit_test(test_what_fits),
        cmocka_unit_test(test_the_signer_has_the_authoritys_name),
        cmocka_unit_test(test_what_is_malformed),
        cmocka_unit_test(test_other_authorities),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_effects),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
