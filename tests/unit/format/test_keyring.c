/* SPDX-License-Identifier: MIT */
#include "format/keyring.h"

#include "unit/format/fixture.h"

#include <jansson.h>

/* --- entries from their parts; only what the keyring looks at --- */

static struct vdm_vkey vkey(struct vdm_crypto *c, const char *name, uint8_t seed)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(c, name, seed);
    return s.vkey;
}

static struct vdm_entry genesis(struct vdm_vkey authority, struct vdm_vkey ledger_key)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_GENESIS, .ledger = VDM_LIT(ORIGIN)};
    e.type = VDM_LIT("genesis/v1");
    e.genesis.authority = authority;
    e.genesis.ledger_key = ledger_key;
    return e;
}

static struct vdm_entry event(uint64_t n, enum vdm_key_action action, enum vdm_key_role role,
                              struct vdm_vkey key, uint64_t since)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_KEY, .n = n, .ledger = VDM_LIT(ORIGIN)};
    e.type = VDM_LIT("key/v1");
    e.key = (struct vdm_key_event){.action = action, .role = role, .key = key, .since = since};
    return e;
}

/* Whether the entry had effect. */
static bool feed(struct vdm_keyring *k, struct vdm_entry e)
{
    const char *why = "unset";
    struct vdm_err err;
    uint64_t entries = k->entries;
    assert_true(vdm_keyring_feed(k, &e, &why, &err));
    assert_true(k->entries == entries + 1);
    return why == NULL;
}

/* Genesis with authority (seed 1) and first ledger key (seed 2). */
static void start(struct vdm_keyring *k, struct vdm_crypto *c)
{
    vdm_keyring_init(k);
    assert_true(feed(k, genesis(vkey(c, ORIGIN "/authority", 1), vkey(c, ORIGIN, 2))));
}

static const struct vdm_key_range *find(const struct vdm_keyring *k, const struct vdm_vkey *key)
{
    return vdm_keyring_find(k, vdm_str(key->name), key->id);
}

static bool covers(const struct vdm_keyring *k, const struct vdm_vkey *key, uint64_t n)
{
    const struct vdm_key_range *r = find(k, key);
    return r && vdm_key_range_covers(r, n);
}

#define KEYRING                                                                                    \
    struct vdm_keyring k VDM_CLEANUP(vdm_keyring_release);                                         \
    start(&k, *state)

/* --- genesis --- */

static void test_genesis(void **state)
{
    struct vdm_vkey authority = vkey(*state, ORIGIN "/authority", 1);
    struct vdm_vkey ledger = vkey(*state, ORIGIN, 2);
    KEYRING;
    assert_string_equal(k.origin, ORIGIN);
    assert_int_equal(k.count, 2);
    assert_true(covers(&k, &authority, 0));
    assert_true(covers(&k, &authority, UINT64_C(1) << 52));
    assert_false(covers(&k, &ledger, 0));
    assert_true(covers(&k, &ledger, 1));
    assert_true(vdm_keyring_is_authority(&k, &authority));
    assert_false(vdm_keyring_is_authority(&k, &ledger));
    assert_int_equal(k.range[0].role, VDM_ROLE_AUTHORITY);
    assert_int_equal(k.range[1].role, VDM_ROLE_LEDGER);
    assert_false(feed(&k, genesis(vkey(*state, "other", 7), vkey(*state, ORIGIN, 8))));
    assert_int_equal(k.count, 2);
}

static void test_genesis_that_goes_on(void **state)
{
    struct vdm_entry e = genesis(vkey(*state, ORIGIN "/authority", 1), vkey(*state, ORIGIN, 2));
    struct vdm_keyring plain VDM_CLEANUP(vdm_keyring_release);
    struct vdm_keyring k VDM_CLEANUP(vdm_keyring_release);
    start(&plain, *state);
    assert_string_equal(plain.continues.origin, "");
    assert_int_equal(plain.continues.size, 0);
    e.genesis.continues = VDM_LIT("before.example.net");
    e.genesis.continues_size = 12;
    e.genesis.continues_root.b[31] = 7;
    vdm_keyring_init(&k);
    assert_true(feed(&k, e));
    assert_string_equal(k.continues.origin, "before.example.net");
    assert_int_equal(k.continues.size, 12);
    assert_int_equal(k.continues.root.b[31], 7);
}

static void expect_bad_genesis(struct vdm_crypto *c, struct vdm_entry e)
{
    struct vdm_keyring k VDM_CLEANUP(vdm_keyring_release);
    struct vdm_vkey lena = vkey(c, "lena", 4);
    vdm_keyring_init(&k);
    assert_false(feed(&k, e));
    /* Nothing can be authorized on it; and nobody becomes the authority by coming first. */
    assert_false(feed(&k, event(1, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_int_equal(k.count, 0);
    assert_false(vdm_keyring_is_authority(&k, &lena));
}

static void test_genesis_that_breaks_a_rule(void **state)
{
    struct vdm_vkey authority = vkey(*state, ORIGIN "/authority", 1);
    struct vdm_vkey ledger = vkey(*state, ORIGIN, 2);
    expect_bad_genesis(*state, genesis(authority, vkey(*state, "another.example.net", 2)));
    expect_bad_genesis(*state, genesis(vkey(*state, ORIGIN, 1), ledger));
    expect_bad_genesis(*state, genesis(authority, vkey(*state, ORIGIN, 1)));
    struct vdm_entry late = genesis(authority, ledger);
    late.n = 1;
    expect_bad_genesis(*state, late);
}

/* --- the nine cases --- */

static void test_authorized_retired_revoked(void **state)
{
    struct vdm_vkey lena = vkey(*state, "lena", 4);
    KEYRING;
    assert_null(find(&k, &lena));
    assert_true(feed(&k, event(3, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_false(covers(&k, &lena, 2));
    assert_false(covers(&k, &lena, 3));
    assert_true(covers(&k, &lena, 4));
    assert_true(feed(&k, event(9, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, lena, 0)));
    assert_true(covers(&k, &lena, 8));
    assert_false(covers(&k, &lena, 9));
    assert_false(covers(&k, &lena, 10));
    assert_true(feed(&k, event(12, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 7)));
    assert_true(covers(&k, &lena, 6));
    assert_false(covers(&k, &lena, 7));
    assert_false(covers(&k, &lena, 8));
    const struct vdm_key_range *r = find(&k, &lena);
    assert_int_equal(r->authorized_at, 3);
    assert_int_equal(r->ended_at, 12);
    assert_int_equal(r->first_ended_at, 9);
    assert_int_equal(r->ended_by, VDM_KEY_REVOKE);
}

static void test_id_and_name_find_together(void **state)
{
    struct vdm_vkey lena = vkey(*state, "lena", 4);
    KEYRING;
    assert_true(feed(&k, event(3, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_null(vdm_keyring_find(&k, VDM_LIT("lena"), lena.id ^ 1));
    assert_null(vdm_keyring_find(&k, VDM_LIT("len"), lena.id));
    assert_non_null(vdm_keyring_find(&k, VDM_LIT("lena"), lena.id));
}

/* --- rules of key entries, each broken once --- */

static void test_authorize_rules(void **state)
{
    struct vdm_vkey lena = vkey(*state, "lena", 4), tomas = vkey(*state, "tomas", 5);
    KEYRING;
    assert_true(feed(&k, event(3, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_AUDITOR, lena, 0)));
    struct vdm_vkey renamed = vkey(*state, "magdalena", 4);
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, renamed, 0)));
    struct vdm_vkey collides = tomas; /* another key whose name and id are lena's */
    strcpy(collides.name, "lena");
    collides.id = lena.id;
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, collides, 0)));
    struct vdm_vkey authority = vkey(*state, ORIGIN "/authority", 1);
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, authority, 0)));
    struct vdm_vkey like_origin = vkey(*state, ORIGIN, 5);
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, like_origin, 0)));
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_AUDITOR, like_origin, 0)));
    assert_false(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_LEDGER, tomas, 0)));
    assert_int_equal(k.count, 3);
    assert_true(feed(&k, event(4, VDM_KEY_AUTHORIZE, VDM_ROLE_LEDGER, like_origin, 0)));
    assert_int_equal(k.count, 4);
}

static void test_end_rules(void **state)
{
    struct vdm_vkey lena = vkey(*state, "lena", 4), tomas = vkey(*state, "tomas", 5);
    struct vdm_vkey authority = vkey(*state, ORIGIN "/authority", 1);
    KEYRING;
    assert_true(feed(&k, event(3, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_false(feed(&k, event(9, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, tomas, 0)));
    assert_false(feed(&k, event(9, VDM_KEY_RETIRE, VDM_ROLE_AUDITOR, lena, 0)));
    assert_false(feed(&k, event(9, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, authority, 0)));
    assert_false(feed(&k, event(9, VDM_KEY_REVOKE, VDM_ROLE_LEDGER, authority, 5)));
    struct vdm_vkey renamed = vkey(*state, "magdalena", 4);
    assert_false(feed(&k, event(9, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, renamed, 0)));
    assert_false(feed(&k, event(9, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 3)));
    assert_false(feed(&k, event(9, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 2)));
    assert_false(feed(&k, event(9, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 10)));
    assert_true(covers(&k, &lena, 100)); /* none of them had effect */
    assert_int_equal(find(&k, &lena)->ended_at, UINT64_MAX);

    /* Ranges only shrink. */
    assert_true(feed(&k, event(9, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 9)));
    assert_false(feed(&k, event(10, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, lena, 0)));
    assert_false(feed(&k, event(11, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 9)));
    assert_false(feed(&k, event(11, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 10)));
    assert_int_equal(find(&k, &lena)->until, 9);
    assert_true(feed(&k, event(11, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 8)));
    assert_true(feed(&k, event(12, VDM_KEY_REVOKE, VDM_ROLE_SIGNER, lena, 4)));
    assert_false(covers(&k, &lena, 4)); /* never valid at all */
    assert_false(feed(&k, event(13, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
}

static void test_roles(void **state)
{
    (void)state;
    static const enum vdm_key_role S = VDM_ROLE_SIGNER, A = VDM_ROLE_AUDITOR, L = VDM_ROLE_LEDGER,
                                   X = VDM_ROLE_AUTHORITY;
    /* genesis, key, capture, amendment, withdrawal, audit */
    static const bool may[4][6] = {
        {false, false, true, true, false, true},
        {false, false, false, false, false, true},
        {false, false, false, false, false, false},
        {true, true, false, false, true, false},
    };
    const enum vdm_key_role roles[] = {S, A, L, X};
    for (size_t i = 0; i < 4; i++) {
        for (int kind = 0; kind < 6; kind++) {
            struct vdm_entry e = {.kind = (enum vdm_entry_kind)kind};
            assert_int_equal(vdm_role_may_sign(roles[i], &e), may[i][kind]);
        }
        struct vdm_entry later = {.kind = VDM_ENTRY_UNKNOWN};
        assert_true(vdm_role_may_sign(roles[i], &later));
    }
}

static void test_later_versions_leave_it_undecided(void **state)
{
    struct vdm_entry later = {.kind = VDM_ENTRY_UNKNOWN, .n = 5};
    later.type = VDM_LIT("key/v2");
    struct vdm_vkey lena = vkey(*state, "lena", 4);
    KEYRING;
    assert_true(k.undecided_after == UINT64_MAX);
    assert_true(feed(&k, later));
    assert_int_equal(k.undecided_after, 5);
    later.n = 9;
    assert_true(feed(&k, later));
    assert_int_equal(k.undecided_after, 5);
    assert_true(feed(&k, event(10, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
    assert_true(covers(&k, &lena, 11));
}

static void test_number_of_key_entries(void **state)
{
    struct vdm_vkey tomas = vkey(*state, "tomas", 5);
    struct vdm_entry none = event(1, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, tomas, 0);
    const char *why;
    struct vdm_err err = {0};
    KEYRING;
    for (unsigned i = 0; i < VDM_KEY_ENTRIES_MAX; i++)
        assert_false(feed(&k, none));
    assert_false(vdm_keyring_feed(&k, &none, &why, &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
}

/* --- ledger keys --- */

static void expect_ledger_key(const struct vdm_keyring *k, uint64_t size,
                              const struct vdm_vkey *key, const struct vdm_vkey *before)
{
    const struct vdm_key_range *earlier = &k->range[0];
    const struct vdm_key_range *r = vdm_keyring_ledger_key(k, size, &earlier);
    assert_int_equal(r != NULL, key != NULL);
    assert_int_equal(earlier != NULL, before != NULL);
    if (r)
        assert_true(vdm_vkey_equal(&r->key, key));
    if (earlier)
        assert_true(vdm_vkey_equal(&earlier->key, before));
}

static void test_change_of_ledger_key(void **state)
{
    struct vdm_vkey a = vkey(*state, ORIGIN, 2), b = vkey(*state, ORIGIN, 3);
    KEYRING;
    expect_ledger_key(&k, 0, NULL, NULL);
    expect_ledger_key(&k, 1, &a, NULL);
    assert_true(feed(&k, event(12, VDM_KEY_AUTHORIZE, VDM_ROLE_LEDGER, b, 0)));
    expect_ledger_key(&k, 12, &a, NULL); /* the new key stands at entry 12, above this tree */
    expect_ledger_key(&k, 13, &b, &a);
    assert_true(feed(&k, event(14, VDM_KEY_RETIRE, VDM_ROLE_LEDGER, a, 0)));
    expect_ledger_key(&k, 12, &a, NULL);
    expect_ledger_key(&k, 14, &b, &a);
    expect_ledger_key(&k, 15, &b, &a);
    expect_ledger_key(&k, 1000, &b, &a);
}

/* The newest key ends while the one before it is still good: that one signs again. */
static void test_back_to_the_older_ledger_key(void **state)
{
    struct vdm_vkey a = vkey(*state, ORIGIN, 2), b = vkey(*state, ORIGIN, 3);
    KEYRING;
    assert_true(feed(&k, event(12, VDM_KEY_AUTHORIZE, VDM_ROLE_LEDGER, b, 0)));
    assert_true(feed(&k, event(20, VDM_KEY_REVOKE, VDM_ROLE_LEDGER, b, 15)));
    expect_ledger_key(&k, 13, &b, &a);
    expect_ledger_key(&k, 17, &b, &a); /* when it was signed, nobody knew */
    expect_ledger_key(&k, 20, &b, &a);
    expect_ledger_key(&k, 21, &a, &b);
    assert_true(feed(&k, event(30, VDM_KEY_RETIRE, VDM_ROLE_LEDGER, a, 0)));
    expect_ledger_key(&k, 30, &a, &b);
    expect_ledger_key(&k, 31, NULL, &a);
}

/* A retired key that is revoked later stays ended from its retirement on. */
static void test_retired_then_revoked_ledger_key(void **state)
{
    struct vdm_vkey a = vkey(*state, ORIGIN, 2), b = vkey(*state, ORIGIN, 3);
    KEYRING;
    assert_true(feed(&k, event(12, VDM_KEY_AUTHORIZE, VDM_ROLE_LEDGER, b, 0)));
    assert_true(feed(&k, event(15, VDM_KEY_RETIRE, VDM_ROLE_LEDGER, b, 0)));
    assert_true(feed(&k, event(40, VDM_KEY_REVOKE, VDM_ROLE_LEDGER, b, 13)));
    expect_ledger_key(&k, 15, &b, &a);
    expect_ledger_key(&k, 16, &a, &b);
    expect_ledger_key(&k, 41, &a, &b);
}

/* --- the table of the other implementation --- */

static json_t *load_table(void)
{
    json_error_t error;
    json_t *t = json_load_file(VDM_SOURCE_DIR "/tests/vectors/keyring.json", 0, &error);
    if (!t)
        fail_msg("keyring.json: line %d: %s", error.line, error.text);
    return t;
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void test_table_of_validity(void **state)
{
    struct vdm_vkey lena = vkey(*state, "lena", 4);
    json_t *table = load_table(), *one;
    size_t i;
    json_array_foreach(json_object_get(table, "validity"), i, one)
    {
        KEYRING;
        assert_true(feed(
            &k, event(number_of(one, "authorized"), VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
        if (json_is_integer(json_object_get(one, "retired")))
            assert_true(feed(
                &k, event(number_of(one, "retired"), VDM_KEY_RETIRE, VDM_ROLE_SIGNER, lena, 0)));
        if (json_is_integer(json_object_get(one, "revoked")))
            assert_true(feed(&k, event(number_of(one, "revoked"), VDM_KEY_REVOKE, VDM_ROLE_SIGNER,
                                       lena, number_of(one, "since"))));
        assert_int_equal(covers(&k, &lena, number_of(one, "entry")),
                         json_is_true(json_object_get(one, "valid")));
    }
    assert_int_equal(i, 9);
    json_decref(table);
}

static int word(const json_t *object, const char *key, const char *(*name)(int), int n)
{
    const char *s = json_string_value(json_object_get(object, key));
    for (int i = 0; i < n; i++)
        if (strcmp(s, name(i)) == 0)
            return i;
    fail_msg("%s: %s", key, s);
    return 0;
}

static const char *action_name(int i)
{
    return vdm_action_name((enum vdm_key_action)i);
}

static const char *role_name(int i)
{
    return vdm_role_name((enum vdm_key_role)i);
}

static struct vdm_entry table_event(struct vdm_crypto *c, const json_t *row)
{
    struct vdm_vkey key;
    struct vdm_err err;
    const char *text = json_string_value(json_object_get(row, "key"));
    assert_true(vdm_vkey_decode(c, vdm_str(text), &key, &err));
    return event(number_of(row, "entry"), (enum vdm_key_action)word(row, "action", action_name, 3),
                 (enum vdm_key_role)word(row, "role", role_name, 3), key, number_of(row, "since"));
}

static bool lists(const json_t *array, uint64_t n)
{
    json_t *one;
    size_t i;
    json_array_foreach(array, i, one) if ((uint64_t)json_integer_value(one) == n) return true;
    return false;
}

static struct vdm_vkey vkey_of_file(struct vdm_crypto *c, const char *name)
{
    char path[4096], text[200] = {0};
    snprintf(path, sizeof path, VDM_SOURCE_DIR "/tests/vectors/ledger/keys/%s.pub", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    text[strcspn(text, "\n")] = 0;
    struct vdm_vkey k;
    struct vdm_err err;
    assert_true(vdm_vkey_decode(c, vdm_str(text), &k, &err));
    return k;
}

static void test_table_of_rules(void **state)
{
    struct vdm_vkey lena = vkey_of_file(*state, "lena");
    json_t *table = load_table(), *one, *row;
    size_t i, j;
    json_array_foreach(json_object_get(table, "rules"), i, one)
    {
        struct vdm_keyring k VDM_CLEANUP(vdm_keyring_release);
        vdm_keyring_init(&k);
        assert_true(
            feed(&k, genesis(vkey_of_file(*state, "authority"), vkey_of_file(*state, "ledger"))));
        assert_true(feed(&k, event(3, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, lena, 0)));
        const char *why = json_string_value(json_object_get(one, "why"));
        json_array_foreach(json_object_get(one, "entries"), j, row)
        {
            struct vdm_entry e = table_event(*state, row);
            if (feed(&k, e) == lists(json_object_get(one, "malformed"), e.n))
                fail_msg("%s: entry %d", why, (int)e.n);
        }
        json_t *end = json_object_get(one, "end");
        uint64_t until = json_is_null(end) ? UINT64_MAX : (uint64_t)json_integer_value(end);
        if (find(&k, &lena)->until != until)
            fail_msg("%s: ends elsewhere", why);
    }
    assert_true(i > 10);
    json_decref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_genesis),
        cmocka_unit_test(test_genesis_that_goes_on),
        cmocka_unit_test(test_genesis_that_breaks_a_rule),
        cmocka_unit_test(test_authorized_retired_revoked),
        cmocka_unit_test(test_id_and_name_find_together),
        cmocka_unit_test(test_authorize_rules),
        cmocka_unit_test(test_end_rules),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_later_versions_leave_it_undecided),
        cmocka_unit_test(test_number_of_key_entries),
        cmocka_unit_test(test_change_of_ledger_key),
        cmocka_unit_test(test_back_to_the_older_ledger_key),
        cmocka_unit_test(test_retired_then_revoked_ledger_key),
        cmocka_unit_test(test_table_of_validity),
        cmocka_unit_test(test_table_of_rules),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
