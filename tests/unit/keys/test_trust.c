/* SPDX-License-Identifier: MIT */
#include "keys_test.h"

#include "base/limits.h"
#include "keys/trust.h"

#define POLICY "log " LEDGER "\nquorum none\n"

static void add(struct place *p, const struct vdm_vkey *k)
{
    struct vdm_err err = {0};
    bool added = false;
    assert_true(vdm_trust_add(p->c, p->fd, k, &added, &err));
    assert_true(added);
}

static void add_text(struct place *p, const char *text)
{
    struct vdm_vkey k = vkey_of(p, text);
    add(p, &k);
}

static void test_no_folder_trusts_nobody(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_trusted_list l = {0};
    struct vdm_vkeys v = {0};
    assert_true(vdm_trust_list(p->c, p->fd, &l, &err));
    assert_int_equal(l.n, 0);
    vdm_trusted_list_release(&l);
    assert_false(vdm_trust_find(p->c, p->fd, VDM_LIT("amal"), &v, &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "no key named amal");
    assert_false(vdm_trust_remove(p->fd, "amal.pub", &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "trusted");
}

static void test_add(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k = vkey_of(p, LEDGER);
    bool added = true;
    mode_t before = umask(022);
    add(p, &k);
    umask(before);
    assert_file(p, "trusted/archive.example.org-statements.pub", VDM_LIT(LEDGER "\n"), 0644);
    assert_true(vdm_trust_add(p->c, p->fd, &k, &added, &err));
    assert_false(added);
    assert_true(vdm_trust_add(p->c, p->fd, &k, NULL, &err));
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    assert_true(vdm_trust_list(p->c, p->fd, &l, &err));
    assert_int_equal(l.n, 1);
}

static void test_add_knows_a_key_by_its_content(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_vkey k = vkey_of(p, AMAL);
    bool added = true;
    assert_int_equal(mkdirat(p->fd, "trusted", 0700), 0);
    put_text(p, "trusted/from the letter.pub", AMAL);
    assert_true(vdm_trust_add(p->c, p->fd, &k, &added, &err));
    assert_false(added);
}

static void test_clash(void **state)
{
    struct place *p = *state;
    add_text(p, LEDGER);
    add_text(p, LEDGER2);
    assert_file(p, "trusted/archive.example.org-statements.pub", VDM_LIT(LEDGER "\n"), 0644);
    assert_file(p, "trusted/archive.example.org-statements-b5fd9186.pub", VDM_LIT(LEDGER2 "\n"),
                0644);
}

static void test_hostile_names_stay_in_the_folder(void **state)
{
    struct place *p = *state;
    struct vdm_vkey k = renamed(p, "../../out", AMAL);
    add(p, &k);
    assert_int_equal(faccessat(p->fd, "trusted/_.-..-out.pub", F_OK, 0), 0);
    struct vdm_vkey witness = renamed(p, "..", EVE);
    witness.type = VDM_KEY_COSIGNATURE;
    witness.id = vdm_key_id(p->c, VDM_LIT(".."), witness.type, &witness.key);
    add(p, &witness);
    assert_int_equal(faccessat(p->fd, "trusted/_..pub", F_OK, 0), 0);
}

static void test_list(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    add_text(p, LEDGER);
    add_text(p, AMAL);
    assert_true(vdm_trust_add_policy(p->c, p->fd, VDM_LIT("court"), VDM_LIT(POLICY), &err));
    put_text(p, "trusted/README.md", "hello");
    put_text(p, "trusted/.pub", AMAL);
    put_text(p, "trusted/x.pub.bak", "");
    put_text(p, "trusted/b.pub", "damaged");
    put_text(p, "trusted/c.policy", "damaged");
    assert_int_equal(mkdirat(p->fd, "trusted/d.pub", 0700), 0);
    static const struct {
        const char *file;
        enum vdm_trusted_kind kind;
    } want[] = {
        {"amal@archive.example.org.pub", VDM_TRUSTED_KEY},
        {"archive.example.org-statements.pub", VDM_TRUSTED_KEY},
        {"b.pub", VDM_TRUSTED_DAMAGED},
        {"c.policy", VDM_TRUSTED_DAMAGED},
        {"court.policy", VDM_TRUSTED_POLICY},
        {"d.pub", VDM_TRUSTED_DAMAGED},
    };
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    assert_true(vdm_trust_list(p->c, p->fd, &l, &err));
    assert_int_equal(l.n, sizeof want / sizeof *want);
    for (size_t i = 0; i < l.n; i++) {
        assert_string_equal(l.item[i].file, want[i].file);
        assert_int_equal(l.item[i].kind, want[i].kind);
        assert_int_equal(l.item[i].problem[0] != 0, want[i].kind == VDM_TRUSTED_DAMAGED);
    }
    assert_string_equal(l.item[0].key.name, "amal@archive.example.org");
}

static void test_list_is_bounded(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    char file[64];
    assert_int_equal(mkdirat(p->fd, "trusted", 0700), 0);
    for (int i = 0; i < VDM_TRUSTED_MAX; i++) {
        snprintf(file, sizeof file, "trusted/%04d.pub", i);
        put_text(p, file, "");
    }
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    assert_true(vdm_trust_list(p->c, p->fd, &l, &err));
    assert_int_equal(l.n, VDM_TRUSTED_MAX);
    struct vdm_vkey k = vkey_of(p, AMAL);
    assert_false(vdm_trust_add(p->c, p->fd, &k, NULL, &err));
    assert_error(&err, VDM_ERR_FAILED, "1000");
    put_text(p, "trusted/one more.pub", AMAL);
    struct vdm_trusted_list more = {0};
    assert_false(vdm_trust_list(p->c, p->fd, &more, &err));
    assert_error(&err, VDM_ERR_FAILED, "more than 1000");
    assert_null(more.item);
}

static void test_remove(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    add_text(p, AMAL);
    put_text(p, "amal.pub", AMAL "\n");
    static const char *const bad[] = {"../amal.pub", "amal", "", ".pub", "/etc/passwd", "a/b.pub"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(vdm_trust_remove(p->fd, bad[i], &err));
        assert_error(&err, VDM_ERR_USAGE, "trusted/");
    }
    assert_int_equal(faccessat(p->fd, "amal.pub", F_OK, 0), 0);
    assert_false(vdm_trust_remove(p->fd, "eve.pub", &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "eve.pub");
    assert_true(vdm_trust_remove(p->fd, "amal@archive.example.org.pub", &err));
    struct vdm_vkeys v = {0};
    assert_false(vdm_trust_find(p->c, p->fd, VDM_LIT("amal@archive.example.org"), &v, &err));
    put_text(p, "trusted/damaged.pub", "x");
    assert_true(vdm_trust_remove(p->fd, "damaged.pub", &err));
}

static void test_find_all_of_a_name(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    add_text(p, LEDGER);
    add_text(p, LEDGER2);
    add_text(p, AMAL);
    put_text(p, "trusted/copy.pub", LEDGER);
    put_text(p, "trusted/damaged.pub", "x");
    struct vdm_vkeys v VDM_CLEANUP(vdm_vkeys_release) = {0};
    assert_true(vdm_trust_find(p->c, p->fd, VDM_LIT("archive.example.org/statements"), &v, &err));
    assert_int_equal(v.n, 2);
    assert_int_not_equal(v.key[0].id, v.key[1].id);
    for (size_t i = 0; i < v.n; i++)
        assert_string_equal(v.key[i].name, "archive.example.org/statements");
    struct vdm_vkeys none = {0};
    /* The name counts, not the file; whole and not its beginning. */
    static const char *const not_names[] = {"archive.example.org-statements", "archive.example.org",
                                            "copy", "", "damaged"};
    for (size_t i = 0; i < sizeof not_names / sizeof *not_names; i++) {
        assert_false(vdm_trust_find(p->c, p->fd, vdm_str(not_names[i]), &none, &err));
        assert_error(&err, VDM_ERR_NOT_FOUND, "(1 files there cannot be read)");
        assert_null(none.key);
    }
}

static void test_policies(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    mode_t before = umask(022);
    assert_true(vdm_trust_add_policy(p->c, p->fd, VDM_LIT("court"), VDM_LIT(POLICY), &err));
    umask(before);
    assert_file(p, "trusted/court.policy", VDM_LIT(POLICY), 0644);
    vdm_buf_puts(&text, "x");
    assert_true(vdm_trust_read_policy(p->c, p->fd, VDM_LIT("court"), &text, &err));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&text), "x" POLICY));
    assert_false(
        vdm_trust_add_policy(p->c, p->fd, VDM_LIT("court"), VDM_LIT("quorum none\n"), &err));
    assert_error(&err, VDM_ERR_FAILED, "exists");
    assert_false(vdm_trust_add_policy(p->c, p->fd, VDM_LIT("bad"), VDM_LIT("quorum x\n"), &err));
    assert_int_equal(faccessat(p->fd, "trusted/bad.policy", F_OK, 0), -1);
    static const char *const bad[] = {"", "../court", "a/b", ".court", "a b", "a+b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(vdm_trust_add_policy(p->c, p->fd, vdm_str(bad[i]), VDM_LIT(POLICY), &err));
        assert_error(&err, VDM_ERR_USAGE, "name");
        assert_false(vdm_trust_read_policy(p->c, p->fd, vdm_str(bad[i]), &text, &err));
        assert_error(&err, VDM_ERR_USAGE, "name");
    }
    assert_false(vdm_trust_read_policy(p->c, p->fd, VDM_LIT("none"), &text, &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "none.policy");
    put_text(p, "trusted/damaged.policy", "quorum x\n");
    assert_false(vdm_trust_read_policy(p->c, p->fd, VDM_LIT("damaged"), &text, &err));
    assert_error(&err, VDM_ERR_MALFORMED, "damaged.policy");
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&text), "x" POLICY));
}

static void assert_resolves(struct place *p, int keys, const char *argument, const char *want)
{
    struct vdm_err err = {0};
    struct vdm_vkeys v VDM_CLEANUP(vdm_vkeys_release) = {0};
    struct vdm_vkey k = vkey_of(p, want);
    if (!vdm_trust_resolve(p->c, keys, argument, &v, &err))
        fail_msg("%s: %s", argument, err.text);
    assert_int_equal(v.n, 1);
    assert_true(vdm_vkey_equal(&v.key[0], &k));
}

static void assert_resolve_fails(struct place *p, int keys, const char *argument,
                                 enum vdm_err_kind kind, const char *word)
{
    struct vdm_err err = {0};
    struct vdm_vkeys v = {0};
    assert_false(vdm_trust_resolve(p->c, keys, argument, &v, &err));
    assert_error(&err, kind, word);
    assert_null(v.key);
}

static void test_resolve_vkey(void **state)
{
    struct place *p = *state;
    assert_resolves(p, VDM_NO_KEYS, AMAL, AMAL);
    assert_resolves(p, p->fd, LEDGER, LEDGER);
    assert_resolve_fails(p, p->fd, "amal@archive.example.org+227151d2+AAAA", VDM_ERR_MALFORMED,
                         "not an Ed25519");
    assert_resolve_fails(p, p->fd, AMAL "\n", VDM_ERR_MALFORMED, "");
}

static void test_resolve_file(void **state)
{
    struct place *p = *state;
    char path[96], back[64];
    put_text(p, "a+b+c.pub", AMAL "\n");
    put_text(p, "key.txt", EVE "\n");
    snprintf(path, sizeof path, "%s/a+b+c.pub", p->path);
    assert_resolves(p, VDM_NO_KEYS, path, AMAL);
    snprintf(path, sizeof path, "%s/key.txt", p->path);
    assert_resolves(p, p->fd, path, EVE);
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(fchdir(p->fd), 0);
    assert_resolves(p, VDM_NO_KEYS, "a+b+c.pub", AMAL);
    assert_resolves(p, VDM_NO_KEYS, "./key.txt", EVE);
    assert_resolve_fails(p, p->fd, "none.pub", VDM_ERR_NOT_FOUND, "none.pub");
    assert_resolve_fails(p, p->fd, "../none", VDM_ERR_NOT_FOUND, "../none");
    put_text(p, "bad.pub", "x\n");
    assert_resolve_fails(p, p->fd, "bad.pub", VDM_ERR_MALFORMED, "bad.pub");
    assert_int_equal(chdir(back), 0);
}

static void test_resolve_name(void **state)
{
    struct place *p = *state;
    struct vdm_err err = {0};
    char back[256];
    add_text(p, LEDGER);
    assert_resolves(p, p->fd, "archive.example.org/statements", LEDGER);
    assert_resolve_fails(p, VDM_NO_KEYS, "archive.example.org/statements", VDM_ERR_USAGE,
                         "no archive");
    assert_resolve_fails(p, p->fd, "eve", VDM_ERR_NOT_FOUND, "no key named eve");
    assert_resolve_fails(p, p->fd, "", VDM_ERR_NOT_FOUND, "");
    /* A file of that name in the current folder stands in for nobody. */
    assert_int_equal(mkdirat(p->fd, "archive.example.org", 0700), 0);
    put_text(p, "archive.example.org/statements", EVE "\n");
    put_text(p, "eve", EVE "\n");
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(fchdir(p->fd), 0);
    assert_resolves(p, p->fd, "archive.example.org/statements", LEDGER);
    assert_resolve_fails(p, p->fd, "eve", VDM_ERR_NOT_FOUND, "eve");
    assert_int_equal(chdir(back), 0);
    add_text(p, LEDGER2);
    struct vdm_vkeys v VDM_CLEANUP(vdm_vkeys_release) = {0};
    assert_true(vdm_trust_resolve(p->c, p->fd, "archive.example.org/statements", &v, &err));
    assert_int_equal(v.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_no_folder_trusts_nobody),
        PLACE_TEST(test_add),
        PLACE_TEST(test_add_knows_a_key_by_its_content),
        PLACE_TEST(test_clash),
        PLACE_TEST(test_hostile_names_stay_in_the_folder),
        PLACE_TEST(test_list),
        PLACE_TEST(test_list_is_bounded),
        PLACE_TEST(test_remove),
        PLACE_TEST(test_find_all_of_a_name),
        PLACE_TEST(test_policies),
        PLACE_TEST(test_resolve_vkey),
        PLACE_TEST(test_resolve_file),
        PLACE_TEST(test_resolve_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
