/* SPDX-License-Identifier: MIT */
/* Bundles that hang together by themselves, put together by somebody who holds a signer's key and means
 * to deceive, or who made a mistake: manifests and seal are right, something else is not. */
#include "unit/ops/bundle_kit.h"

#include "format/checkpoint.h"
#include "format/disclosure.h"
#include "format/proof.h"

struct desk {
    struct vdm_crypto *c;
    struct vdm_vkey authority;
    struct vdm_bundle_options o;
    struct kit k; /* sample.tar, fresh for each test */
    struct told t;
};

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    assert_true(vdm_crypto_open(&d->c, NULL));
    d->authority = vkey_of(d->c, "authority");
    d->o.trust = (struct vdm_trust){.key = &d->authority, .keys = 1};
    kit_open(&d->k, d->c, "sample.tar");
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    kit_release(&d->k);
    vdm_crypto_close(d->c);
    free(d);
    return 0;
}

static void again(struct desk *d, const char *name)
{
    kit_release(&d->k);
    kit_open(&d->k, d->c, name);
}

static void check(struct desk *d)
{
    check_kit(&d->k, &d->o, &d->t);
}

static void remade_as_it_was(void **state)
{
    struct desk *d = *state;
    remake(&d->k);
    check(d);
    verdict(&d->t, VDM_VERIFIED);
}

/* --- the seal --- */

static void who_sealed(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *with, *as;
        enum vdm_finding_kind kind;
    } cases[] = {{"lena", "lena", VDM_FINDING_KINDS},
                 {"vera", "vera", VDM_SIGNER_UNAUTHORIZED},     /* revoked */
                 {"tomas", "tomas", VDM_SIGNER_UNAUTHORIZED},   /* retired */
                 {"weekly", "weekly", VDM_SIGNER_UNAUTHORIZED}, /* an auditor */
                 {"authority", "authority", VDM_SIGNER_UNAUTHORIZED},
                 {"vera", "lena", VDM_SIGNATURE_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        remake_bag(&d->k);
        reseal(&d->k, cases[i].with, cases[i].as, true);
        check(d);
        if (cases[i].kind == VDM_FINDING_KINDS)
            verdict(&d->t, VDM_VERIFIED);
        else
            only(&d->t, cases[i].kind, 1);
    }
}

static void a_stranger_seals(void **state)
{
    struct desk *d = *state;
    kit_edit(&d->k, "vidimus/seal", "lena@archive", "lina@archive");
    check(d);
    only(&d->t, VDM_SIGNER_UNAUTHORIZED, 1);
}

static void what_was_sealed(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *from, *to;
    } edits[] = {{"ledger archive.example.net", "ledger archive.example.com"},
                 {"checkpoint 22 N", "checkpoint 22 O"},
                 {"checkpoint 22 ", "checkpoint 21 "},
                 {"selection sha256:2", "selection sha256:3"},
                 {"tagmanifest sha256:a", "tagmanifest sha256:b"},
                 {"created 2021-03-05", "created 2021-03-06"}};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        kit_edit(&d->k, "vidimus/seal", edits[i].from, edits[i].to);
        reseal(&d->k, "lena", "lena", false);
        check(d);
        only(&d->t, VDM_BAG_INVALID, 1);
        again(d, "sample.tar");
    }
    kit_edit(&d->k, "vidimus/seal", "vidimus/seal/v1", "vidimus/seal/v2");
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);
}

static void unsealed(void **state)
{
    struct desk *d = *state;
    kit_drop_path(&d->k, "vidimus/seal");
    check(d);
    only(&d->t, VDM_UNSEALED, 1);
    d->o.allow_unsealed = true;
    check(d);
    verdict(&d->t, VDM_VERIFIED);
    kit_edit(&d->k, "vidimus/VERIFY.txt", "e", "E"); /* the manifests hold without a seal, too */
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);
}

/* --- the bag --- */

static void bag_info_is_right(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *from, *to;
    } edits[] = {{"archive.example.net", "archive.example.com"},
                 {"2021-03-05", "2021-03-04"},
                 {"Oxum: 747.4", "Oxum: 748.4"},
                 {"Oxum: 747.4", "Oxum: 747.5"},
                 {"Bagging-Date", "Bagging-Data"}};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        kit_edit(&d->k, "bag-info.txt", edits[i].from, edits[i].to);
        remake_manifest(&d->k, "tagmanifest-sha256.txt", false);
        reseal(&d->k, "lena", "lena", true);
        check(d);
        only(&d->t, VDM_BAG_INVALID, 1);
        again(d, "sample.tar");
    }
}

static void bagit_has_one_form(void **state)
{
    struct desk *d = *state;
    kit_edit(&d->k, "bagit.txt", "1.0", "0.97");
    remake(&d->k);
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);
}

static void manifests_list_what_is_here(void **state)
{
    struct desk *d = *state;
    kit_edit(&d->k, "manifest-sha256.txt", "data/files/000004.txt", "data/files/000004.txz");
    remake_manifest(&d->k, "tagmanifest-sha256.txt", false);
    reseal(&d->k, "lena", "lena", true);
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);
    again(d, "sample.tar");
    vdm_buf_puts(kit_at(&d->k, "tagmanifest-sha256.txt"), "\n");
    reseal(&d->k, "lena", "lena", true);
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);
    again(d, "sample.tar");
    kit_edit(&d->k, "data/INDEX.txt", "a", "b"); /* sealed as it was before */
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);
}

static void keys_are_those_that_are_named(void **state)
{
    struct desk *d = *state;
    size_t first = kit_find(&d->k, "vidimus/VERIFY.txt") + 1;
    uint8_t pem[VDM_KEY_PEM_BYTES];
    struct vdm_vkey other = vkey_of(d->c, "witness-east");
    struct vdm_layout_member name = {.kind = VDM_LAYOUT_KEY, .key = other.key};
    char path[VDM_LAYOUT_PATH_MAX + 1];
    assert_true(vdm_layout_encode(&name, path, NULL));
    vdm_key_pem_encode(&other.key, pem);
    size_t at = first;
    while (strcmp(d->k.piece[at].path, path) < 0 && strstr(d->k.piece[at].path, ".pem"))
        at++;
    kit_insert(&d->k, at, path, (struct vdm_bytes){pem, sizeof pem});
    remake(&d->k);
    check(d);
    only(&d->t, VDM_UNEXPECTED_MEMBER, 1);
    kit_drop(&d->k, at);

    kit_swap_content(&d->k, d->k.piece[first].path, d->k.piece[first + 1].path);
    remake(&d->k);
    check(d);
    only(&d->t, VDM_BAG_INVALID, 2);

    again(d, "sample.tar");
    kit_drop(&d->k, first);
    remake(&d->k);
    check(d);
    only(&d->t, VDM_BAG_INVALID, 1);

    again(d, "sample.tar");
    kit_swap(&d->k, first, first + 1);
    remake(&d->k);
    check(d);
    assert_non_null(strstr(d->t.report.findings.list[0].message, "order"));
    among(&d->t, VDM_UNEXPECTED_MEMBER, 3);
}

/* --- the checkpoint --- */

/* Another checkpoint, in all the proofs as well. */
static void put_checkpoint(struct kit *k, struct vdm_bytes note)
{
    for (size_t i = 0; i < k->n; i++) {
        struct vdm_inclusion_proof p;
        struct vdm_buf made = {0};
        if (!strstr(k->piece[i].path, ".tlog-proof"))
            continue;
        assert_true(vdm_inclusion_proof_decode(vdm_buf_bytes(&k->piece[i].content), &p, NULL));
        p.checkpoint = note;
        vdm_inclusion_proof_append(&made, &p);
        kit_set(k, k->piece[i].path, vdm_buf_bytes(&made));
        vdm_buf_release(&made);
    }
    kit_set(k, "vidimus/checkpoint", note);
}

static void checkpoint_is_by_the_ledger(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *with, *as;
        enum vdm_finding_kind kind;
    } cases[] = {{"ledger2", "ledger2", VDM_FINDING_KINDS}, /* the old key's line may be missing */
                 {"ledger", "ledger", VDM_CHECKPOINT_INVALID},
                 {"lena", "lena", VDM_CHECKPOINT_INVALID},
                 {"lena", "ledger2", VDM_CHECKPOINT_INVALID},
                 {"authority", "authority", VDM_CHECKPOINT_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_note old;
        assert_true(
            vdm_note_decode(vdm_buf_bytes(kit_at(&d->k, "vidimus/checkpoint")), &old, NULL));
        sign_as(d->c, &note, old.text, cases[i].with, cases[i].as);
        put_checkpoint(&d->k, vdm_buf_bytes(&note));
        remake(&d->k);
        check(d);
        if (cases[i].kind == VDM_FINDING_KINDS)
            verdict(&d->t, VDM_VERIFIED);
        else
            only(&d->t, cases[i].kind, 1);
        again(d, "sample.tar");
    }
}

/* A ledger key that is trusted must have signed this very checkpoint. */
static void trust_in_a_ledger_key(void **state)
{
    struct desk *d = *state;
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note old;
    struct vdm_vkey key = vkey_of(d->c, "ledger");
    assert_true(vdm_note_decode(vdm_buf_bytes(kit_at(&d->k, "vidimus/checkpoint")), &old, NULL));
    sign_as(d->c, &note, old.text, "ledger2", "ledger2");
    put_checkpoint(&d->k, vdm_buf_bytes(&note));
    remake(&d->k);
    d->o.trust.key = &key;
    check(d);
    assert_int_equal(vdm_report_verdict(&d->t.report), VDM_INTACT_UNTRUSTED);
    only(&d->t, VDM_KEY_UNTRUSTED, 1);
}

static void another_tree(void **state)
{
    struct desk *d = *state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0}, note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note old;
    struct vdm_checkpoint head;
    struct vdm_bytes was = vdm_buf_bytes(kit_at(&d->k, "vidimus/checkpoint"));
    assert_true(vdm_checkpoint_open(was, &old, &head, NULL));
    head.root.b[0] ^= 1;
    vdm_checkpoint_append(&text, &head);
    sign_as(d->c, &note, vdm_buf_bytes(&text), "ledger2", "ledger2");
    put_checkpoint(&d->k, vdm_buf_bytes(&note));
    remake(&d->k);
    check(d);
    among(&d->t, VDM_LEAF_MISMATCH, 30);
}

/* --- entries and proofs --- */

static void proofs_are_checked(void **state)
{
    struct desk *d = *state;
    const char *path = "vidimus/proofs/000005.tlog-proof";
    static const struct {
        const char *from, *to;
        enum vdm_finding_kind kind;
    } edits[] = {{"index 5", "index 4", VDM_PROOF_INVALID},
                 {"@v1\n", "@v1\nextra AAAA\n", VDM_PROOF_INVALID},
                 {"@v1", "@v2", VDM_PROOF_INVALID},
                 {"\n\narchive", "\n\narchiva", VDM_PROOF_INVALID},
                 {"\n\narchive", "\n3A+5edYTno9IiA4hei0kqExsFMoFUeNNxYVtx9RNELw=\n\narchive",
                  VDM_LEAF_MISMATCH}};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        kit_edit(&d->k, path, edits[i].from, edits[i].to);
        remake(&d->k);
        check(d);
        assert_int_equal(d->t.report.findings.list[0].entry, 5);
        assert_false(d->t.item[1].good);
        only(&d->t, edits[i].kind, 1);
        again(d, "sample.tar");
    }
    kit_swap_content(&d->k, path, "vidimus/proofs/000008.tlog-proof");
    remake(&d->k);
    check(d);
    only(&d->t, VDM_PROOF_INVALID, 2);
}

static void entries_are_checked(void **state)
{
    struct desk *d = *state;
    const char *path = "vidimus/entries/000005";
    kit_edit(&d->k, path, "recorded 2021", "recorded 2020"); /* signature and place in the tree */
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.report.kinds[VDM_LEAF_MISMATCH], 1);
    among(&d->t, VDM_SIGNATURE_INVALID, 3);

    again(d, "sample.tar"); /* signed again, rightly: the tree knows */
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note old;
    kit_edit(&d->k, path, "recorded 2021", "recorded 2020");
    assert_true(vdm_note_decode(vdm_buf_bytes(kit_at(&d->k, path)), &old, NULL));
    sign_as(d->c, &note, old.text, "tomas", "tomas");
    kit_set(&d->k, path, vdm_buf_bytes(&note));
    remake(&d->k);
    check(d);
    among(&d->t, VDM_LEAF_MISMATCH, 2);

    again(d, "sample.tar");
    kit_swap_content(&d->k, path, "vidimus/entries/000009");
    remake(&d->k);
    check(d);
    among(&d->t, VDM_ENTRY_MALFORMED, 16);

    again(d, "sample.tar");
    kit_set(&d->k, path, VDM_LIT("nothing"));
    remake(&d->k);
    check(d);
    assert_false(d->t.item[1].has_entry);
    assert_true(d->t.item[2].good);
    among(&d->t, VDM_ENTRY_MALFORMED, 3);
}

static void an_entry_is_too_long(void **state)
{
    struct desk *d = *state;
    struct vdm_buf *b = kit_at(&d->k, "vidimus/entries/000005");
    while (b->n <= VDM_NOTE_MAX)
        vdm_buf_putc(b, 'x');
    remake(&d->k);
    check(d);
    only(&d->t, VDM_ENTRY_MALFORMED, 1);
}

static void neighbours_are_chained(void **state)
{
    struct desk *d = *state;
    const char *path = "vidimus/entries/000005";
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note old;
    kit_edit(&d->k, path, "previous sha256:4b", "previous sha256:5b");
    assert_true(vdm_note_decode(vdm_buf_bytes(kit_at(&d->k, path)), &old, NULL));
    sign_as(d->c, &note, old.text, "tomas", "tomas");
    kit_set(&d->k, path, vdm_buf_bytes(&note));
    remake(&d->k);
    check(d); /* 4 stands just before it */
    assert_int_equal(d->t.report.kinds[VDM_CHAIN_BROKEN], 1);
    among(&d->t, VDM_LEAF_MISMATCH, 2);
}

static void no_key_entry_is_left_out(void **state)
{
    struct desk *d = *state;
    static const char *const entry[] = {"000001", "000013", "000016"};
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "vidimus/entries/%s", entry[i]);
        kit_drop_path(&d->k, path);
        snprintf(path, sizeof path, "vidimus/proofs/%s.tlog-proof", entry[i]);
        kit_drop_path(&d->k, path);
        remake(&d->k);
        check(d);
        among(&d->t, VDM_CHAIN_BROKEN, 16);
        again(d, "sample.tar");
    }
}

static void key_entries_rise(void **state)
{
    struct desk *d = *state;
    size_t at = kit_find(&d->k, "vidimus/entries/000002");
    kit_swap(&d->k, at, at + 2);
    kit_swap(&d->k, at + 1, at + 3);
    remake(&d->k);
    check(d);
    among(&d->t, VDM_UNEXPECTED_MEMBER, 16);
}

static void genesis_is_there(void **state)
{
    struct desk *d = *state;
    kit_drop_path(&d->k, "vidimus/entries/000000");
    kit_drop_path(&d->k, "vidimus/proofs/000000.tlog-proof");
    remake(&d->k);
    check(d);
    assert_false(d->t.report.trusted);
    assert_true(d->t.report.kinds[VDM_BAG_INVALID] > 0);
    verdict(&d->t, VDM_ALTERED);
}

static void the_newest_entry_is_there(void **state)
{
    struct desk *d = *state;
    kit_drop_path(&d->k, "vidimus/entries/000021");
    kit_drop_path(&d->k, "vidimus/proofs/000021.tlog-proof");
    remake(&d->k);
    check(d);
    assert_false(d->t.report.has_time);
    only(&d->t, VDM_BAG_INVALID, 1);
}

/* --- selection and groups --- */

static void move_group(struct kit *k, const char *from, size_t count, size_t to)
{
    size_t at = kit_find(k, from);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = at + i; j > to + i; j--)
            kit_swap(k, j, j - 1);
    }
}

static void the_selection_is_what_follows(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *text;
        enum vdm_finding_kind kind;
        uint64_t most;
    } cases[] = {{"4\n5\n9\n10\n", VDM_UNEXPECTED_MEMBER, 3},   /* 11 was not chosen */
                 {"4\n5\n7\n9\n10\n11\n", VDM_BAG_INVALID, 1},  /* 7 is not here */
                 {"4\n5\n9\n10\n11\n20\n", VDM_BAG_INVALID, 1}, /* nor 20 */
                 {"4\n5\n9\n10\n11\n21\n", VDM_BAG_INVALID, 2}, /* 21 is an audit */
                 {"3\n4\n5\n9\n10\n11\n", VDM_BAG_INVALID, 1},  /* 3 is a key entry */
                 {"4\n5\n9\n10\n11\n22\n", VDM_BAG_INVALID, 1}, /* beyond the checkpoint */
                 {"5\n4\n9\n10\n11\n", VDM_BAG_INVALID, 1},     /* not rising */
                 {"4\n5\n9\n10\n11", VDM_BAG_INVALID, 1},       {"", VDM_BAG_INVALID, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kit_set(&d->k, "vidimus/selection", vdm_str(cases[i].text));
        remake(&d->k);
        check(d);
        among(&d->t, cases[i].kind, cases[i].most);
    }
}

static void groups_stand_in_order(void **state)
{
    struct desk *d = *state;
    move_group(&d->k, "vidimus/entries/000005", 7, kit_find(&d->k, "vidimus/entries/000004"));
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.report.kinds[VDM_UNEXPECTED_MEMBER] > 0, 1);
    among(&d->t, VDM_BAG_INVALID, 10);
}

static void an_amendment_with_another_capture(void **state)
{
    struct desk *d = *state;
    move_group(&d->k, "vidimus/entries/000008", 3, kit_find(&d->k, "data/files/000004.txt"));
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.item[0].amendments, 1);
    assert_int_equal(d->t.report.kinds[VDM_RECORD_MISMATCH], 1);
    among(&d->t, VDM_BAG_INVALID, 2);
}

static void records_are_what_was_committed_to(void **state)
{
    struct desk *d = *state;
    kit_swap_content(&d->k, "vidimus/records/000005", "vidimus/records/000010");
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.report.findings.list[0].entry, 5);
    only(&d->t, VDM_RECORD_MISMATCH, 2);

    again(d, "sample.tar");
    kit_set(&d->k, "vidimus/records/000005", VDM_LIT("vidimus/record/v1\n"));
    remake(&d->k);
    check(d);
    only(&d->t, VDM_RECORD_MISMATCH, 1);

    again(d, "sample.tar");
    kit_drop_path(&d->k, "vidimus/records/000008"); /* of an amendment, remade */
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.item[1].text_of, 5);
    only(&d->t, VDM_RECORD_MISSING, 1);
}

static void a_withdrawn_record_stays_away(void **state)
{
    struct desk *d = *state;
    size_t at = kit_find(&d->k, "vidimus/proofs/000011.tlog-proof") + 1;
    struct vdm_bytes other = vdm_buf_bytes(kit_at(&d->k, "vidimus/records/000010"));
    kit_insert(&d->k, at, "vidimus/records/000011", other);
    remake(&d->k);
    check(d);
    among(&d->t, VDM_UNEXPECTED_MEMBER, 2);
    again(d, "sample.tar");
    at = kit_find(&d->k, "vidimus/proofs/000018.tlog-proof") + 1;
    kit_insert(&d->k, at, "data/files/000010.bin", VDM_LIT("it was withdrawn"));
    remake(&d->k);
    check(d);
    among(&d->t, VDM_UNEXPECTED_MEMBER, 3);
}

/* A withdrawal that is not good withdraws nothing. */
static void a_false_withdrawal(void **state)
{
    struct desk *d = *state;
    kit_edit(&d->k, "vidimus/entries/000019", "scope both", "scope record");
    remake(&d->k);
    check(d);
    assert_false(d->t.item[4].record_withdrawn);
    assert_int_equal(d->t.report.kinds[VDM_RECORD_MISSING], 1);
    among(&d->t, VDM_SIGNATURE_INVALID, 3);

    again(d, "sample.tar"); /* nor does one whose place in the ledger is not shown */
    kit_edit(&d->k, "vidimus/proofs/000019.tlog-proof", "index 19", "index 18");
    remake(&d->k);
    check(d);
    assert_false(d->t.item[4].record_withdrawn);
    assert_int_equal(d->t.report.kinds[VDM_RECORD_MISSING], 1);
    among(&d->t, VDM_PROOF_INVALID, 2);
}

/* Without the amendment that vouches for it again, a capture by a revoked key is not good. */
static void re_attestation(void **state)
{
    struct desk *d = *state;
    kit_drop_path(&d->k, "vidimus/entries/000017");
    kit_drop_path(&d->k, "vidimus/proofs/000017.tlog-proof");
    kit_drop_path(&d->k, "vidimus/records/000017");
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.report.kinds[VDM_RE_ATTESTED], 0);
    assert_false(d->t.item[2].good);
    assert_int_equal(d->t.report.findings.list[0].entry, 9);
    only(&d->t, VDM_SIGNER_UNAUTHORIZED, 1);
}

/* --- disclosures and documents --- */

static void disclose(struct desk *d, const char *path, uint64_t fields)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    assert_true(vdm_record_decode(vdm_buf_bytes(kit_at(&d->k, path)), &r, NULL));
    assert_true(vdm_disclosure_append(&out, d->c, &r, fields, NULL));
    kit_set(&d->k, path, vdm_buf_bytes(&out));
}

static void a_hidden_document(void **state)
{
    struct desk *d = *state;
    disclose(d, "vidimus/records/000005", 0);
    disclose(d, "vidimus/records/000008", 0);
    remake(&d->k);
    check(d); /* which document it is nobody may say, but the file is here */
    only(&d->t, VDM_UNEXPECTED_MEMBER, 1);
    kit_drop_path(&d->k, "data/files/000005.bin");
    remake(&d->k);
    check(d);
    assert_true(d->t.item[1].good && d->t.item[1].hidden == d->t.item[1].lines);
    assert_int_equal(d->t.item[1].document, VDM_ITEM_UNDISCLOSED);
    assert_false(d->t.item[1].has_document);
    assert_int_equal(d->t.report.partly, 2);
    verdict(&d->t, VDM_VERIFIED);
}

/* The amendment alone says which document it is; then that has to be here. */
static void disclosed_by_the_amendment(void **state)
{
    struct desk *d = *state;
    disclose(d, "vidimus/records/000005", 0);
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.item[1].document, VDM_ITEM_CHECKED);
    verdict(&d->t, VDM_VERIFIED);
}

static void all_files_or_none(void **state)
{
    struct desk *d = *state;
    kit_drop_path(&d->k, "data/files/000005.bin");
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.item[1].document, VDM_ITEM_MISSING);
    assert_string_equal(d->t.report.findings.list[0].document, "data/files/000005.bin");
    assert_int_equal(d->t.report.kinds[VDM_DOCUMENT_MISSING], 1);
    only(&d->t, VDM_DOCUMENT_MISSING, 1); /* although the bag was made without it */
    kit_drop_path(&d->k, "data/files/000004.txt");
    kit_drop_path(&d->k, "data/files/000009.bin");
    remake(&d->k);
    check(d);
    assert_int_equal(d->t.item[1].document, VDM_ITEM_NOT_HERE);
    verdict(&d->t, VDM_VERIFIED);
}

static void files_are_named_by_their_records(void **state)
{
    struct desk *d = *state;
    size_t at = kit_find(&d->k, "data/files/000004.txt");
    strcpy(d->k.piece[at].path, "data/files/000004.pdf");
    remake(&d->k);
    check(d);
    only(&d->t, VDM_UNEXPECTED_MEMBER, 1);
}

/* --- evidence --- */

static void evidence_checkpoint(struct desk *d, const char *with, bool fork)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0}, note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note old;
    struct vdm_checkpoint head;
    struct vdm_bytes was = vdm_buf_bytes(kit_at(&d->k, "vidimus/checkpoint"));
    assert_true(vdm_checkpoint_open(was, &old, &head, NULL));
    head.root.b[0] ^= fork;
    vdm_checkpoint_append(&text, &head);
    sign_as(d->c, &note, vdm_buf_bytes(&text), with, with);
    kit_set(&d->k, "vidimus/evidence/22/checkpoint", vdm_buf_bytes(&note));
}

static void forks(void **state)
{
    struct desk *d = *state;
    again(d, "cosigned.tar");
    evidence_checkpoint(d, "ledger2", true);
    check(d);
    only(&d->t, VDM_FORKED, 1);
    evidence_checkpoint(d, "ledger", true); /* no longer in force, but a ledger key */
    check(d);
    only(&d->t, VDM_FORKED, 1);
    evidence_checkpoint(d, "lena", true); /* anybody can write this */
    check(d);
    assert_int_equal(d->t.report.kinds[VDM_EVIDENCE_NOT_CHECKED], 2);
    verdict(&d->t, VDM_VERIFIED);
}

/* Is there a notice with these words? */
static bool told_of(struct desk *d, const char *words)
{
    bool found = false;
    check(d);
    for (size_t i = 0; i < d->t.report.notices.count; i++)
        found = found || strstr(d->t.report.notices.list[i].message, words);
    told_release(&d->t);
    return found;
}

static void evidence_is_looked_at(void **state)
{
    struct desk *d = *state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = vector("policies/met");
    struct vdm_buf made VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_consistency_proof proof;
    struct vdm_policy p;
    assert_true(vdm_policy_decode(d->c, vdm_buf_bytes(&text), &p, NULL));
    d->o.trust.policy = &p;
    again(d, "cosigned.tar");
    const char *consistency = "vidimus/evidence/12/consistency";
    assert_true(
        vdm_consistency_proof_decode(vdm_buf_bytes(kit_at(&d->k, consistency)), &proof, NULL));
    proof.hash[0].b[0] ^= 1;
    vdm_consistency_proof_append(&made, &proof);
    kit_set(&d->k, consistency, vdm_buf_bytes(&made));
    assert_true(told_of(d, "does not show that the bundle's tree extends"));

    again(d, "cosigned.tar");
    kit_edit(&d->k, "vidimus/evidence/22/checkpoint", "south mCGGDwAAAABgQb0vN",
             "south mCGGDwAAAABgQb0vM");
    assert_true(told_of(d, "or a witness of your policy is not good"));

    again(d, "cosigned.tar");
    kit_set(&d->k, "vidimus/evidence/12/checkpoint",
            vdm_buf_bytes(kit_at(&d->k, "vidimus/evidence/22/checkpoint")));
    assert_true(told_of(d, "and this size"));

    again(d, "cosigned.tar");
    evidence_checkpoint(d, "lena", false);
    assert_true(told_of(d, "not signed by the ledger key in force"));
}

static uint64_t notices(struct desk *d)
{
    check(d);
    uint64_t n = d->t.report.kinds[VDM_EVIDENCE_NOT_CHECKED];
    verdict(&d->t, VDM_VERIFIED);
    return n;
}

static void bad_evidence_is_ignored(void **state)
{
    struct desk *d = *state;
    again(d, "cosigned.tar");
    uint64_t usual = notices(d);
    kit_edit(&d->k, "vidimus/evidence/12/consistency", "old 12\n", "old 11\n");
    assert_int_equal(notices(d), usual + 1);
    again(d, "cosigned.tar");
    kit_drop_path(&d->k, "vidimus/evidence/12/consistency");
    assert_int_equal(notices(d), usual + 1);
    again(d, "cosigned.tar");
    kit_drop_path(&d->k, "vidimus/evidence/12/checkpoint");
    assert_true(notices(d) > 0);
    again(d, "cosigned.tar");
    kit_swap_content(&d->k, "vidimus/evidence/12/checkpoint", "vidimus/evidence/22/checkpoint");
    assert_true(notices(d) >= 2);
    again(d, "cosigned.tar");
    kit_insert(&d->k, d->k.n, "vidimus/evidence/22/stamp.tsr", VDM_LIT("?"));
    kit_insert(&d->k, d->k.n, "vidimus/evidence/22/x.ots", VDM_LIT("?"));
    assert_int_equal(notices(d), usual + 2);
}

static void evidence_rises(void **state)
{
    struct desk *d = *state;
    again(d, "cosigned.tar");
    kit_insert(&d->k, d->k.n, "vidimus/evidence/22/a.tsr", VDM_LIT("?"));
    check(d);
    only(&d->t, VDM_UNEXPECTED_MEMBER, 1);
    again(d, "cosigned.tar");
    kit_insert(&d->k, kit_find(&d->k, "vidimus/entries/000021"), "vidimus/evidence/3/a.tsr",
               VDM_LIT("?"));
    check(d); /* what stands behind evidence does not belong there */
    among(&d->t, VDM_UNEXPECTED_MEMBER, 4);
}

/* Cosignatures count for this checkpoint only, and only under the ledger's own signature. */
static void cosignatures_of_another_tree(void **state)
{
    struct desk *d = *state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = vector("policies/met");
    struct vdm_policy p;
    assert_true(vdm_policy_decode(d->c, vdm_buf_bytes(&text), &p, NULL));
    d->o.trust.policy = &p;
    again(d, "cosigned.tar");
    check(d);
    verdict(&d->t, VDM_VERIFIED);
    kit_swap_content(&d->k, "vidimus/evidence/12/checkpoint", "vidimus/evidence/22/checkpoint");
    check(d);
    only(&d->t, VDM_QUORUM_UNMET, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(remade_as_it_was),
        TEST(who_sealed),
        TEST(a_stranger_seals),
        TEST(what_was_sealed),
        TEST(unsealed),
        TEST(bag_info_is_right),
        TEST(bagit_has_one_form),
        TEST(manifests_list_what_is_here),
        TEST(keys_are_those_that_are_named),
        TEST(checkpoint_is_by_the_ledger),
        TEST(trust_in_a_ledger_key),
        TEST(another_tree),
        TEST(proofs_are_checked),
        TEST(entries_are_checked),
        TEST(an_entry_is_too_long),
        TEST(neighbours_are_chained),
        TEST(no_key_entry_is_left_out),
        TEST(key_entries_rise),
        TEST(genesis_is_there),
        TEST(the_newest_entry_is_there),
        TEST(the_selection_is_what_follows),
        TEST(groups_stand_in_order),
        TEST(an_amendment_with_another_capture),
        TEST(records_are_what_was_committed_to),
        TEST(a_withdrawn_record_stays_away),
        TEST(a_false_withdrawal),
        TEST(re_attestation),
        TEST(a_hidden_document),
        TEST(disclosed_by_the_amendment),
        TEST(all_files_or_none),
        TEST(files_are_named_by_their_records),
        TEST(forks),
        TEST(evidence_is_looked_at),
        TEST(bad_evidence_is_ignored),
        TEST(evidence_rises),
        TEST(cosignatures_of_another_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
