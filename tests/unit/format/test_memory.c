/* SPDX-License-Identifier: MIT */
/* Every encoder and decoder with memory that runs out: it says so, and never that good bytes are
 * bad. */
#include "base/file.h"
#include "format/checkpoint.h"
#include "format/disclosure.h"
#include "format/entry.h"
#include "format/findings.h"
#include "format/fork_proof.h"
#include "format/keyfile.h"
#include "format/keyring.h"
#include "format/policy.h"
#include "format/proof.h"
#include "format/request.h"
#include "format/seal.h"
#include "format/value.h"
#include "format/verified.h"
#include "support/scarce.h"
#include "unit/format/fixture.h"

#include <fcntl.h>

#define ZERO "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define HEX  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
/* Values with escapes: the long way of checking one. */
#define RECORD                                                                                     \
    "vidimus/record/v1\nsecret " HEX "\ndocument " ZERO " 0\ntitle A \\\\ title\nnote a\\nb\n"
#define WITHDRAWAL_BY(signer)                                                                      \
    "vidimus/withdrawal/v1\nledger " ORIGIN "\nentry 7\nprevious " ZERO "\nkeyring 3\nrecorded "   \
    "2020-01-02T03:04:05Z\nsigner " signer "\nwithdraws 0\nscope both\ndecided-by a \\\\ b\n"
#define WITHDRAWAL WITHDRAWAL_BY("lena+0a1b2c3d")
#define SEAL_TEXT                                                                                  \
    "vidimus/seal/v1\nledger " ORIGIN "\ncreated 2020-01-02T03:04:05Z\ncheckpoint 7 " ROOT         \
    "\nselection " ZERO "\ntagmanifest " ZERO "\n"
#define FINDINGS                                                                                   \
    "vidimus/findings/v1\nledger " ORIGIN "\ncheckpoint 7 " ROOT                                   \
    "\nbegun 2020-01-02T03:04:05Z\nended 2020-01-02T03:04:05Z\nfinding slack-rot - open x\n"

struct texts {
    struct vdm_crypto *c;
    struct signer signer, witness;
    struct vdm_buf note; /* a checkpoint, signed and cosigned */
    struct vdm_buf fork; /* a fork proof of two sizes */
};

static void cosign(struct texts *t, struct vdm_bytes text)
{
    struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_cosigned_message_append(&message, 1, text);
    struct vdm_sig sig = vdm_sign(t->witness.key, vdm_buf_bytes(&message));
    uint32_t id = t->witness.vkey.id;
    uint8_t blob[4 + 8 + 64] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                                (uint8_t)id, [11] = 1};
    memcpy(blob + 12, sig.b, sizeof sig.b);
    vdm_buf_puts(&t->note, "\xE2\x80\x94 w ");
    vdm_base64_append(&t->note, (struct vdm_bytes){blob, sizeof blob});
    vdm_buf_putc(&t->note, '\n');
}

static int set_up(void **state)
{
    struct texts *t = calloc(1, sizeof *t);
    struct vdm_bytes text = VDM_LIT(ORIGIN "\n7\n" ROOT "\n");
    struct vdm_err err;
    if (!t || !vdm_crypto_open(&t->c, &err) ||
        !vdm_file_read(AT_FDCWD, VDM_SOURCE_DIR "/tests/vectors/forks/two-sizes.fork-proof",
                       VDM_FORK_PROOF_MAX, &t->fork, &err))
        return -1;
    t->signer = signer_open(t->c, "lena", 4);
    t->witness = signer_open(t->c, "w", 5);
    t->witness.vkey.type = VDM_KEY_COSIGNATURE;
    t->witness.vkey.id = vdm_key_id(t->c, VDM_LIT("w"), VDM_KEY_COSIGNATURE, &t->witness.vkey.key);
    sign_note(&t->note, text, &t->signer);
    cosign(t, text);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct texts *t = *state;
    signer_close(&t->signer);
    signer_close(&t->witness);
    vdm_buf_release(&t->note);
    vdm_buf_release(&t->fork);
    vdm_crypto_close(t->c);
    free(t);
    return 0;
}

/* --- what needs no memory: its answer cannot depend on it --- */

static bool notes(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_note note;
    struct vdm_checkpoint c;
    return vdm_checkpoint_open(vdm_buf_bytes(&t->note), &note, &c, err) &&
           vdm_note_verify(&note, t->c, &t->signer.vkey, NULL) == VDM_NOTE_GOOD &&
           vdm_note_verify(&note, t->c, &t->witness.vkey, NULL) == VDM_NOTE_GOOD;
}

static bool record(void *ctx, struct vdm_err *err)
{
    (void)ctx;
    struct vdm_record r;
    return vdm_record_decode(VDM_LIT(RECORD), &r, err);
}

static bool proof(void *ctx, struct vdm_err *err)
{
    (void)ctx;
    struct vdm_inclusion_proof p;
    struct vdm_consistency_proof q;
    return vdm_inclusion_proof_decode(
               VDM_LIT("c2sp.org/tlog-proof@v1\nextra Zm9v\nindex 0\n" ROOT "\n\nx"), &p, err) &&
           vdm_consistency_proof_decode(VDM_LIT("old 1\n" ROOT "\n\nx"), &q, err);
}

static bool policy(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    static struct vdm_policy p;
    return vdm_policy_decode(t->c, VDM_LIT("# nobody\nquorum none\n"), &p, err);
}

static void test_without_memory(void **state)
{
    assert_int_equal(scarce_sweep(notes, *state), 0);
    assert_int_equal(scarce_sweep(record, *state), 0);
    assert_int_equal(scarce_sweep(proof, *state), 0);
    assert_int_equal(scarce_sweep(policy, *state), 0);
}

/* --- decoders that write again what they understood --- */

static bool entry(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_entry e = {.n = 4711};
    bool ok = vdm_entry_decode(t->c, VDM_LIT(WITHDRAWAL), &e, err);
    assert_int_equal(e.n, ok ? 7 : 4711);
    return ok;
}

static bool seal(void *ctx, struct vdm_err *err)
{
    (void)ctx;
    struct vdm_seal s = {.size = 4711};
    bool ok = vdm_seal_decode(VDM_LIT(SEAL_TEXT), &s, err);
    assert_int_equal(s.size, ok ? 7 : 4711);
    return ok;
}

static bool findings(void *ctx, struct vdm_err *err)
{
    (void)ctx;
    struct vdm_findings_file f = {.size = 4711};
    bool ok = vdm_findings_decode(VDM_LIT(FINDINGS), &f, err);
    assert_int_equal(f.size, ok ? 7 : 4711);
    return ok;
}

static bool keyfile(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_keyfile k = {.kdf_ops = 4711}, in = {.kdf_ops = 3, .public_key = t->signer.vkey};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_keyfile_append(&text, &in);
    if (!vdm_buf_ok(&text, err))
        return false;
    bool ok = vdm_keyfile_decode(t->c, vdm_buf_bytes(&text), &k, err);
    assert_int_equal(k.kdf_ops, ok ? 3 : 4711);
    return ok;
}

static bool fork_proof(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_fork_proof p = {.hashes = 4711};
    bool ok = vdm_fork_proof_decode(t->c, vdm_buf_bytes(&t->fork), &p, err);
    assert_int_equal(p.hashes, ok ? 4 : 4711);
    return ok;
}

/* A withdrawal, for the key that signs it to sign. */
static bool request(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_request r = {.size = 4711};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&text, "vidimus/request/v1\nauthority ");
    vdm_vkey_append(&text, &t->signer.vkey);
    vdm_buf_putf(&text, "\ncheckpoint 7 " ROOT "\n\n" WITHDRAWAL_BY("lena+%08x"),
                 t->signer.vkey.id);
    if (!vdm_buf_ok(&text, err))
        return false;
    bool ok = vdm_request_decode(t->c, vdm_buf_bytes(&text), &r, err);
    assert_int_equal(r.size, ok ? 7 : 4711);
    return ok;
}

static bool verified(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_verified in = {.ledger = ORIGIN, .authority = t->signer.vkey, .size = 7};
    struct vdm_verified v = {.size = 4711};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_verified_append(&text, &in);
    if (!vdm_buf_ok(&text, err))
        return false;
    bool ok = vdm_verified_decode(t->c, vdm_buf_bytes(&text), &v, err);
    assert_int_equal(v.size, ok ? 7 : 4711);
    return ok;
}

static void test_decoders(void **state)
{
    assert_true(scarce_sweep(verified, *state) > 0);
    assert_true(scarce_sweep(request, *state) > 0);
    assert_true(scarce_sweep(fork_proof, *state) > 0);
    assert_true(scarce_sweep(entry, *state) > 0);
    assert_true(scarce_sweep(seal, *state) > 0);
    assert_true(scarce_sweep(findings, *state) > 0);
    assert_true(scarce_sweep(keyfile, *state) > 0);
}

/* --- records, what they commit to, and disclosures --- */

static bool record_written(void *ctx, struct vdm_err *err)
{
    (void)ctx;
    static const uint8_t secret[32] = {1};
    static const struct vdm_digest document = {{2}};
    const struct vdm_record_line title = {VDM_FIELD_TITLE, VDM_LIT("a\nb")};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    return vdm_record_append(&text, secret, document, 5, &title, 1, NULL, err);
}

static bool commitment(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_record r;
    struct vdm_digest d = {{0}}, untouched = d;
    if (!vdm_record_decode(VDM_LIT(RECORD), &r, err))
        return false;
    bool ok = vdm_record_commit(t->c, &r, &d, err);
    assert_int_equal(vdm_digest_equal(d, untouched), !ok);
    return ok;
}

static bool disclosure(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_record r;
    struct vdm_disclosure d = {.lines = 4711};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_record_decode(VDM_LIT(RECORD), &r, err) ||
        !vdm_disclosure_append(&text, t->c, &r, 1u << VDM_FIELD_TITLE, err))
        return false;
    bool ok = vdm_disclosure_decode(t->c, vdm_buf_bytes(&text), &d, err);
    assert_int_equal(d.lines, ok ? 3 : 4711);
    return ok;
}

static void test_records(void **state)
{
    assert_true(scarce_sweep(record_written, *state) > 0);
    assert_true(scarce_sweep(commitment, *state) > 0);
    assert_true(scarce_sweep(disclosure, *state) > 1);
}

/* --- the keyring --- */

static bool fed(struct vdm_keyring *k, const struct vdm_entry *e, struct vdm_err *err)
{
    const char *why;
    bool ok = vdm_keyring_feed(k, e, &why, err);
    assert_null(why);
    assert_int_equal(ok, !scarce_failed);
    return ok;
}

static bool keyring(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_keyring k VDM_CLEANUP(vdm_keyring_release);
    struct vdm_entry genesis = {.kind = VDM_ENTRY_GENESIS, .ledger = VDM_LIT("lena")};
    struct vdm_entry more = {.kind = VDM_ENTRY_KEY, .n = 1};
    genesis.genesis.authority = genesis.genesis.ledger_key = more.key.key = t->signer.vkey;
    strcpy(genesis.genesis.authority.name, "authority");
    genesis.genesis.authority.key.b[0] ^= 1;
    strcpy(more.key.key.name, "tomas");
    more.key.key.key.b[0] ^= 2;
    vdm_keyring_init(&k);
    return fed(&k, &genesis, err) && fed(&k, &more, err) && k.count == 3;
}

static void test_keyring(void **state)
{
    assert_int_equal(scarce_sweep(keyring, *state), 3);
}

/* --- texts that only grow: a piece that is missing shows at the end --- */

static bool encoders(void *ctx, struct vdm_err *err)
{
    struct texts *t = ctx;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    const struct vdm_checkpoint c = {.origin = VDM_LIT(ORIGIN)};
    const struct vdm_inclusion_proof p = {.extra = VDM_LIT("Zm9v"), .hashes = 2};
    const struct vdm_consistency_proof q = {.hashes = 63};
    const struct vdm_sig sig = {{0}};
    vdm_checkpoint_append(&out, &c);
    vdm_inclusion_proof_append(&out, &p);
    vdm_consistency_proof_append(&out, &q);
    vdm_note_put_signature(&out, VDM_LIT("name"), 7, &sig);
    vdm_vkey_append(&out, &t->signer.vkey);
    vdm_value_append(&out, VDM_LIT(" a\n"));
    vdm_value_decode(VDM_LIT("\\x20a\\n"), &out);
    return vdm_buf_ok(&out, err);
}

static void test_encoders(void **state)
{
    assert_true(scarce_sweep(encoders, *state) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_memory), cmocka_unit_test(test_decoders),
        cmocka_unit_test(test_records),        cmocka_unit_test(test_keyring),
        cmocka_unit_test(test_encoders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
