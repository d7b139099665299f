/* SPDX-License-Identifier: MIT */
#include "format/entry.h"

#include "unit/format/fixture.h"

#define ZERO "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define LENA "lena@archive.example.net"

/* A head; `signer` is only text here. */
#define HEAD_AT(type, n, keyring)                                                                  \
    "vidimus/" type "\nledger " ORIGIN "\nentry " n "\nprevious " ZERO "\nkeyring " keyring        \
    "\nrecorded 2020-01-02T03:04:05Z\nsigner " LENA "+0a1b2c3d\n"
#define HEAD(type) HEAD_AT(type, "7", "3")

static bool entry_again(void *c, struct vdm_bytes text, struct vdm_buf *again)
{
    struct vdm_entry e;
    struct vdm_err err = {0};
    if (!vdm_entry_decode(c, text, &e, &err))
        return refused_by_a_rule(&err);
    if (e.kind != VDM_ENTRY_UNKNOWN)
        e.type = (struct vdm_bytes){NULL, 0}; /* who makes an entry gives its kind alone */
    vdm_entry_append(again, &e);
    return true;
}

static void vkey_text(struct vdm_crypto *c, const char *name, uint8_t seed, struct vdm_buf *out)
{
    struct signer s VDM_CLEANUP(signer_close) = signer_open(c, name, seed);
    vdm_vkey_append(out, &s.vkey);
}

/* Text with @A, @L and @S for the vkeys of an authority, a ledger key and a signer, @W for a
 * witness's key. */
static void expand(struct vdm_crypto *c, const char *template, struct vdm_buf *out)
{
    for (const char *p = template; *p; p++) {
        if (p[0] != '@' || !strchr("ALSW", p[1])) {
            vdm_buf_putc(out, *p);
            continue;
        }
        p++;
        if (*p == 'W') {
            struct signer s VDM_CLEANUP(signer_close) = signer_open(c, "w", 9);
            s.vkey.type = VDM_KEY_COSIGNATURE;
            s.vkey.id = vdm_key_id(c, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &s.vkey.key);
            vdm_vkey_append(out, &s.vkey);
        } else {
            vkey_text(c,
                      *p == 'A'   ? ORIGIN "/authority"
                      : *p == 'L' ? ORIGIN
                                  : LENA,
                      *p == 'A'   ? 1
                      : *p == 'L' ? 2
                                  : 4,
                      out);
        }
    }
}

static bool taken(struct vdm_crypto *c, const char *template)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    expand(c, template, &text);
    return roundtrip(vdm_buf_bytes(&text), entry_again, c);
}

#define AUDIT                                                                                      \
    "checkpoint 7 " ROOT "\nmode partial\ncovered 1-4,6\ndocuments 3\nmissing 1\ncorrupt 0\n"      \
    "repaired 2\n"

static const char *const good[] = {
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware vidimus 0.1\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware vidimus 0.1\n"
                                    "continues old.example.net 12 " ROOT "\n",
    HEAD("key/v1") "action authorize\nrole signer\nkey @S\n",
    HEAD("key/v1") "action retire\nrole auditor\nkey @S\nreason moved on\n",
    HEAD("key/v1") "action revoke\nrole ledger\nkey @L\nsince 5\nreason laptop\\nstolen\n",
    HEAD("capture/v1") "record " ZERO "\n",
    HEAD("amendment/v1") "amends 6\nrecord " ZERO "\n",
    HEAD("withdrawal/v1") "withdraws 0\nscope both\ndecided-by decision 7\n",
    HEAD("withdrawal/v1") "withdraws 6\nscope document\ndecided-by x\nreason why\n",
    HEAD("audit/v1") AUDIT,
    HEAD("audit/v1") AUDIT "findings " ZERO "\n",
    HEAD("capture/v2") "anything goes\n\nin here\n",
    HEAD("later-kind/v9007199254740991"),
    HEAD("key/v2") "action shred\n",
    HEAD_AT("genesis/v2", "0", "0") "x y\n",
    HEAD_AT("capture/v1", "9007199254740991", "9007199254740990") "record " ZERO "\n",
    HEAD("a-zoo/v2"),
};

static void test_every_kind(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!taken(*state, good[i]))
            fail_msg("refused: %s", good[i]);
}

static void test_every_kind_attacked(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        expand(*state, good[i], &text);
        attack(vdm_buf_bytes(&text), entry_again, *state);
    }
}

static const char *const bad[] = {
    "",
    "vidimus/capture/v1\n",
    HEAD("capture/v1"),
    HEAD("capture/v1") "record " ZERO,
    HEAD("capture/v1") "record " ZERO "\n\n",
    HEAD("capture/v1") "record " ZERO "\nnote x\n",
    HEAD("capture/v1") "record " ZERO "\nrecord " ZERO "\n",
    HEAD("capture/v0") "record " ZERO "\n",
    HEAD("capture/v01") "record " ZERO "\n",
    HEAD("capture/1") "record " ZERO "\n",
    HEAD("capture/v") "record " ZERO "\n",
    HEAD("/v1") "record " ZERO "\n",
    HEAD("Capture/v2") "record " ZERO "\n",
    HEAD("capture/v2") "no end",
    HEAD("cap`ture/v2"),
    HEAD("cap{ture/v2"),
    HEAD("capture/v2/x") "record " ZERO "\n",
    HEAD("cap ture/v2") "record " ZERO "\n",
    "vidimus/capture/v1\nledger vidimus/x\nentry 7\nprevious " ZERO
    "\nkeyring 3\nrecorded 2020-01-02T03:04:05Z\nsigner " LENA "+0a1b2c3d\nrecord " ZERO "\n",
    "vidimus/capture/v1\nentry 7\nledger " ORIGIN "\nprevious " ZERO
    "\nkeyring 3\nrecorded 2020-01-02T03:04:05Z\nsigner " LENA "+0a1b2c3d\nrecord " ZERO "\n",
    HEAD_AT("capture/v1", "07", "3") "record " ZERO "\n",
    HEAD_AT("capture/v1", "9007199254740992", "3") "record " ZERO "\n",
    /* numbers that do not lead back */
    HEAD_AT("capture/v1", "0", "0") "record " ZERO "\n",
    HEAD_AT("later/v1", "0", "0") "record " ZERO "\n",
    HEAD_AT("capture/v1", "7", "7") "record " ZERO "\n",
    HEAD_AT("capture/v1", "7", "8") "record " ZERO "\n",
    HEAD_AT("capture/v2", "7", "7") "x\n",
    HEAD_AT("genesis/v1", "7", "3") "authority @A\nledger-key @L\nsoftware vidimus 0.1\n",
    HEAD_AT("genesis/v2", "7", "3") "x\n",
    HEAD_AT("genesis/v1", "0", "1") "authority @A\nledger-key @L\nsoftware vidimus 0.1\n",
    HEAD("amendment/v1") "amends 7\nrecord " ZERO "\n",
    HEAD("amendment/v1") "amends 8\nrecord " ZERO "\n",
    HEAD("withdrawal/v1") "withdraws 7\nscope both\ndecided-by decision 7\n",
    /* genesis */
    HEAD_AT("genesis/v1", "0", "0") "ledger-key @L\nauthority @A\nsoftware vidimus 0.1\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @W\nledger-key @L\nsoftware vidimus 0.1\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware \n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware v 1\ncontinues x\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware v 1\ncontinues x 1\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware v 1\n"
                                    "continues cosignature/x 12 " ROOT "\n",
    HEAD_AT("genesis/v1", "0", "0") "authority @A\nledger-key @L\nsoftware v 1\n"
                                    "continues x 012 " ROOT "\n",
    /* keys */
    HEAD("key/v1") "action authorise\nrole signer\nkey @S\n",
    HEAD("key/v1") "action authorize\nrole authority\nkey @S\n",
    HEAD("key/v1") "action authorize\nrole signer\nkey @W\n",
    HEAD("key/v1") "action authorize\nrole signer\nkey " LENA "+00000000+AAAA\n",
    HEAD("key/v1") "action authorize\nrole signer\nkey @S\nsince 5\n",
    HEAD("key/v1") "action retire\nrole signer\nkey @S\nsince 5\n",
    HEAD("key/v1") "action revoke\nrole signer\nkey @S\n",
    HEAD("key/v1") "action revoke\nrole signer\nkey @S\nreason x\nsince 5\n",
    HEAD("key/v1") "action retire\nrole signer\nkey @S\nreason \n",
    HEAD("key/v1") "action retire\nrole signer\nkey @S\nreason x\nreason y\n",
    HEAD("key/v1") "action retire\nrole signer\nkey @S\nreason x \n",
    /* withdrawals */
    HEAD("withdrawal/v1") "withdraws 6\nscope none\ndecided-by x\n",
    HEAD("withdrawal/v1") "withdraws 6\nscope both\n",
    HEAD("withdrawal/v1") "withdraws 6\nscope both\nreason x\ndecided-by x\n",
    /* audits */
    HEAD("audit/v1") "checkpoint 7 " ROOT "\nmode some\ncovered 1\ndocuments 1\nmissing 0\n"
                     "corrupt 0\nrepaired 0\n",
    HEAD("audit/v1") "checkpoint 7 " ROOT "\nmode full\ncovered 1,2\ndocuments 1\nmissing 0\n"
                     "corrupt 0\nrepaired 0\n",
    HEAD("audit/v1") "checkpoint 7 " ROOT "\nmode full\ncovered 1\ndocuments 1\nmissing 0\n"
                     "repaired 0\n",
    HEAD("audit/v1") AUDIT "findings 0\n",
    HEAD("audit/v1") AUDIT "findings " ZERO "\nfindings " ZERO "\n",
};

static void test_what_is_none(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (taken(*state, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void test_failure_leaves_the_output(void **state)
{
    struct vdm_entry e = {.n = 4711};
    struct vdm_err err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        expand(*state, bad[i], &text);
        assert_false(vdm_entry_decode(*state, vdm_buf_bytes(&text), &e, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
        assert_int_equal(e.n, 4711);
    }
}

static struct vdm_entry decoded(struct vdm_crypto *c, const char *template, struct vdm_buf *text)
{
    struct vdm_entry e;
    struct vdm_err err;
    vdm_buf_clear(text);
    expand(c, template, text);
    assert_true(vdm_entry_decode(c, vdm_buf_bytes(text), &e, &err));
    return e;
}

static void test_fields_arrive(void **state)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = decoded(*state, good[1], &text);
    assert_int_equal(e.kind, VDM_ENTRY_GENESIS);
    assert_true(vdm_bytes_equal_str(e.type, "genesis/v1"));
    assert_true(vdm_bytes_equal_str(e.ledger, ORIGIN));
    assert_true(vdm_bytes_equal_str(e.signer, LENA) && e.signer_id == 0x0a1b2c3d);
    assert_int_equal(e.recorded.seconds, 1577934245);
    assert_string_equal(e.genesis.authority.name, ORIGIN "/authority");
    assert_string_equal(e.genesis.ledger_key.name, ORIGIN);
    assert_true(vdm_bytes_equal_str(e.genesis.continues, "old.example.net"));
    assert_int_equal(e.genesis.continues_size, 12);
    assert_int_equal(e.genesis.continues_root.b[0], 0xe3);
    e = decoded(*state, good[4], &text);
    assert_int_equal(e.key.action, VDM_KEY_REVOKE);
    assert_int_equal(e.key.role, VDM_ROLE_LEDGER);
    assert_int_equal(e.key.since, 5);
    assert_true(vdm_bytes_equal_str(e.key.reason, "laptop\\nstolen"));
    assert_int_equal(e.n, 7);
    assert_int_equal(e.keyring, 3);
    e = decoded(*state, good[6], &text);
    assert_int_equal(e.capture.amends, 6);
    e = decoded(*state, good[8], &text);
    assert_int_equal(e.withdrawal.of, 6);
    assert_int_equal(e.withdrawal.scope, VDM_SCOPE_DOCUMENT);
    assert_true(vdm_bytes_equal_str(e.withdrawal.decided_by, "x"));
    assert_true(vdm_bytes_equal_str(e.withdrawal.reason, "why"));
    e = decoded(*state, good[10], &text);
    assert_int_equal(e.audit.mode, VDM_AUDIT_PARTIAL);
    assert_true(vdm_bytes_equal_str(e.audit.covered, "1-4,6"));
    assert_int_equal(e.audit.size * 10000 + e.audit.documents * 1000 + e.audit.missing * 100 +
                         e.audit.corrupt * 10 + e.audit.repaired,
                     73102);
    assert_true(e.audit.has_findings);
    e = decoded(*state, good[9], &text);
    assert_false(e.audit.has_findings);
}

static void test_later_kinds_keep_their_lines(void **state)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = decoded(*state, good[11], &text);
    assert_int_equal(e.kind, VDM_ENTRY_UNKNOWN);
    assert_true(vdm_bytes_equal_str(e.type, "capture/v2"));
    assert_true(vdm_bytes_equal_str(e.unknown, "anything goes\n\nin here\n"));
    assert_false(vdm_entry_is_key_entry(&e));
    e = decoded(*state, good[12], &text);
    assert_int_equal(e.unknown.n, 0);
    e = decoded(*state, good[13], &text);
    assert_int_equal(e.kind, VDM_ENTRY_UNKNOWN);
    assert_true(vdm_entry_is_key_entry(&e));
    e = decoded(*state, good[14], &text);
    assert_true(vdm_entry_is_key_entry(&e));
    e = decoded(*state, good[2], &text);
    assert_true(vdm_entry_is_key_entry(&e));
    e = decoded(*state, good[5], &text);
    assert_false(vdm_entry_is_key_entry(&e));
}

static void test_ranges(void **state)
{
    (void)state;
    static const char *const fine[] = {"0",         "7",   "0-1",
                                       "1-400,512", "1,3", "1-2,4-5,7,9-9007199254740991"};
    static const char *const wrong[] = {
        "",    ",",       "1,",   ",1",    "1,,3",  "1-",    "-1",
        "1-1", "2-1",     "1,2",  "1-2,3", "1-5,5", "1-5,3", "3,1",
        "01",  "1-02",    "1 ,3", "1, 3",  "a",     "1-2-3", "1-9007199254740992",
        "0,1", "1-3,4-6", "5,5",
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (!vdm_ranges_valid(vdm_str(fine[i])))
            fail_msg("refused: %s", fine[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (vdm_ranges_valid(vdm_str(wrong[i])))
            fail_msg("taken: %s", wrong[i]);
}

static void test_names_of_words(void **state)
{
    (void)state;
    assert_string_equal(vdm_entry_kind_name(VDM_ENTRY_GENESIS), "genesis");
    assert_string_equal(vdm_entry_kind_name(VDM_ENTRY_AUDIT), "audit");
    assert_string_equal(vdm_entry_kind_name(VDM_ENTRY_UNKNOWN), "unknown");
    assert_string_equal(vdm_role_name(VDM_ROLE_SIGNER), "signer");
    assert_string_equal(vdm_role_name(VDM_ROLE_AUTHORITY), "authority");
    assert_string_equal(vdm_action_name(VDM_KEY_REVOKE), "revoke");
    assert_string_equal(vdm_scope_name(VDM_SCOPE_BOTH), "both");
}

/* --- the whole note --- */

static bool opens(struct vdm_crypto *c, const struct vdm_buf *whole)
{
    struct vdm_note note = {.signatures = 4711};
    struct vdm_entry e = {.n = 4711};
    struct vdm_err err = {0};
    if (vdm_entry_open(c, vdm_buf_bytes(whole), &note, &e, &err)) {
        assert_int_equal(note.signatures, 1);
        return true;
    }
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_int_equal(note.signatures, 4711);
    assert_int_equal(e.n, 4711);
    return false;
}

/* The text of a capture by this signer. */
static void capture_by(struct vdm_buf *out, const struct signer *s)
{
    struct vdm_bytes head = VDM_LIT(HEAD("capture/v1") "record " ZERO "\n");
    char name[400];
    snprintf(name, sizeof name, "%s+%08x", s->vkey.name, s->vkey.id);
    replaced(out, head, VDM_LIT(LENA "+0a1b2c3d"), vdm_str(name));
}

static void test_whole_entries(void **state)
{
    struct signer lena VDM_CLEANUP(signer_close) = signer_open(*state, LENA, 4);
    struct signer tomas VDM_CLEANUP(signer_close) = signer_open(*state, "tomas", 5);
    struct signer lena2 VDM_CLEANUP(signer_close) = signer_open(*state, LENA, 6);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    capture_by(&text, &lena);
    sign_note(&whole, vdm_buf_bytes(&text), &lena);
    assert_true(opens(*state, &whole));
    put_signature(&whole, vdm_buf_bytes(&text), &tomas);
    assert_false(opens(*state, &whole));
    vdm_buf_clear(&whole);
    sign_note(&whole, vdm_buf_bytes(&text), &tomas);
    assert_false(opens(*state, &whole));
    vdm_buf_clear(&whole);
    sign_note(&whole, vdm_buf_bytes(&text), &lena2); /* the name fits, the id does not */
    assert_false(opens(*state, &whole));
    vdm_buf_clear(&whole);
    tomas.vkey.id = lena.vkey.id; /* the id fits, the name does not */
    sign_note(&whole, vdm_buf_bytes(&text), &tomas);
    assert_false(opens(*state, &whole));
    vdm_buf_clear(&whole);
    vdm_buf_put(&whole, vdm_buf_bytes(&text));
    assert_false(opens(*state, &whole));
}

/* The first thing that is wrong is what the user is told. */
static void test_a_signed_text_that_is_no_entry(void **state)
{
    struct signer lena VDM_CLEANUP(signer_close) = signer_open(*state, LENA, 4);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err err = {0};
    sign_note(&whole, VDM_LIT("some other text\n"), &lena);
    assert_false(vdm_entry_open(*state, vdm_buf_bytes(&whole), &note, &e, &err));
    assert_string_equal(err.text, "a malformed entry head");
}

static void test_signature_of_another_length(void **state)
{
    struct signer lena VDM_CLEANUP(signer_close) = signer_open(*state, LENA, 4);
    for (size_t n = 60; n < 80; n++) {
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        uint8_t blob[84] = {(uint8_t)(lena.vkey.id >> 24), (uint8_t)(lena.vkey.id >> 16),
                            (uint8_t)(lena.vkey.id >> 8), (uint8_t)lena.vkey.id};
        capture_by(&whole, &lena);
        vdm_buf_puts(&whole, "\n\xE2\x80\x94 " LENA " ");
        vdm_base64_append(&whole, (struct vdm_bytes){blob, 4 + n});
        vdm_buf_putc(&whole, '\n');
        assert_int_equal(opens(*state, &whole), n == 64);
    }
}

static void test_size_limit(void **state)
{
    struct signer lena VDM_CLEANUP(signer_close) = signer_open(*state, LENA, 4);
    for (size_t over = 0; over < 2; over++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_buf_puts(&text, HEAD("withdrawal/v1") "withdraws 6\nscope both\ndecided-by x\nreason ");
        char id[9];
        snprintf(id, sizeof id, "%08x", lena.vkey.id);
        struct vdm_bytes at = VDM_LIT("0a1b2c3d");
        memcpy(memmem(text.p, text.n, at.p, at.n), id, 8);
        /* blank line, dash, name, base64 of 68 bytes */
        size_t rest = 1 + 4 + strlen(LENA) + 1 + 92 + 1;
        while (text.n + 1 + rest < VDM_NOTE_MAX + over)
            vdm_buf_putc(&text, 'r');
        vdm_buf_putc(&text, '\n');
        sign_note(&whole, vdm_buf_bytes(&text), &lena);
        assert_int_equal(whole.n, VDM_NOTE_MAX + over);
        assert_int_equal(opens(*state, &whole), !over);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_every_kind_attacked),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_failure_leaves_the_output),
        cmocka_unit_test(test_fields_arrive),
        cmocka_unit_test(test_later_kinds_keep_their_lines),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_names_of_words),
        cmocka_unit_test(test_whole_entries),
        cmocka_unit_test(test_a_signed_text_that_is_no_entry),
        cmocka_unit_test(test_signature_of_another_length),
        cmocka_unit_test(test_size_limit),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
