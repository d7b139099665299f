/* SPDX-License-Identifier: MIT */
/* Notes that others published: examples of the signed-note page, of Go's note package, of a public
 * log, and a checkpoint with a witness's cosignature. They are not kept in this tree. */
#include "base/file.h"
#include "format/checkpoint.h"
#include "format/note.h"
#include "format/proof.h"
#include "unit/format/fixture.h"

#include <fcntl.h>

static void read_shared(const char *name, struct vdm_buf *out)
{
    const char *root = getenv("VIDIMUS_SHARED");
    struct vdm_err err = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/vectors/%s", root ? root : VDM_SOURCE_DIR "/../shared", name);
    if (!vdm_file_read(AT_FDCWD, path, 1u << 20, out, &err)) {
        if (err.kind != VDM_ERR_NOT_FOUND)
            fail_msg("%s: %s", path, err.text);
        skip();
    }
}

/* The vkey on the first line that a `+` makes look like one; comments are passed over. */
static struct vdm_vkey first_vkey(struct vdm_crypto *c, const struct vdm_buf *file)
{
    struct vdm_bytes rest = vdm_buf_bytes(file), line;
    struct vdm_vkey k;
    while (rest.n) {
        if (!vdm_cut_line(&rest, &line)) {
            line = rest;
            rest.n = 0;
        }
        if (vdm_vkey_decode(c, line, &k, NULL))
            return k;
    }
    fail_msg("no vkey");
    return k;
}

static void check_note(struct vdm_crypto *c, const char *note_name, const char *key_name,
                       size_t signatures)
{
    struct vdm_buf note_file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf key_file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note n;
    struct vdm_err err = {0};
    read_shared(note_name, &note_file);
    read_shared(key_name, &key_file);
    struct vdm_vkey k = first_vkey(c, &key_file);
    if (!vdm_note_decode(vdm_buf_bytes(&note_file), &n, &err))
        fail_msg("%s: %s", note_name, err.text);
    assert_int_equal(n.signatures, signatures);
    assert_int_equal(vdm_note_verify(&n, c, &k, NULL), VDM_NOTE_GOOD);
    note_file.p[0] ^= 1;
    assert_true(vdm_note_decode(vdm_buf_bytes(&note_file), &n, &err));
    assert_int_equal(vdm_note_verify(&n, c, &k, NULL), VDM_NOTE_BAD);
}

static void test_published_notes(void **state)
{
    check_note(*state, "signed-note/c2sp-example.note", "signed-note/c2sp-example.vkey", 1);
    check_note(*state, "signed-note/peterneumann.note", "signed-note/peterneumann.keys", 2);
    check_note(*state, "signed-note/sumdb-35225469.note", "signed-note/sumdb.vkey", 1);
}

/* The second signer's seed is 32 zero bytes. */
static void test_second_signature(void **state)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note n;
    struct vdm_err err;
    read_shared("signed-note/peterneumann.note", &file); /* may skip: nothing is open yet */
    struct signer zero VDM_CLEANUP(signer_close) = signer_open(*state, "EnochRoot", 0);
    assert_true(vdm_note_decode(vdm_buf_bytes(&file), &n, &err));
    assert_int_equal(vdm_note_verify(&n, *state, &zero.vkey, NULL), VDM_NOTE_GOOD);
    put_signature(&again, n.text, &zero);
    struct vdm_bytes whole = vdm_buf_bytes(&file);
    assert_true(whole.n > again.n);
    assert_memory_equal(whole.p + whole.n - again.n, again.p, again.n);
}

static void test_bad_vkeys(void **state)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    read_shared("signed-note/bad-vkeys.txt", &file);
    struct vdm_bytes rest = vdm_buf_bytes(&file), line;
    size_t seen = 0;
    for (; vdm_cut_line(&rest, &line); seen++) {
        struct vdm_vkey k;
        assert_false(vdm_vkey_decode(*state, line, &k, NULL));
    }
    assert_true(seen >= 2);
}

/* Cosigned, and the same checkpoint in a proof and in a consistency proof. */
static void test_cosigned_checkpoint(void **state)
{
    struct vdm_buf key_file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf signed_file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint c;
    struct vdm_note n;
    struct vdm_err err;
    uint64_t at = 0;
    read_shared("derived/witness.vkey", &key_file);
    read_shared("derived/checkpoint.15.cosigned", &file);
    read_shared("derived/cosignature-signed-message.bin", &signed_file);
    struct vdm_vkey k = first_vkey(*state, &key_file);
    assert_int_equal(k.type, VDM_KEY_COSIGNATURE);
    assert_true(vdm_checkpoint_open(vdm_buf_bytes(&file), &n, &c, &err));
    assert_int_equal(c.size, 15);
    assert_int_equal(vdm_note_verify(&n, *state, &k, &at), VDM_NOTE_GOOD);
    vdm_cosigned_message_append(&message, at, n.text);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&message), vdm_buf_bytes(&signed_file)));
}

static void test_published_proofs(void **state)
{
    (void)state;
    struct vdm_buf a VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_inclusion_proof p;
    struct vdm_consistency_proof q;
    struct vdm_err err;
    read_shared("derived/entry5.tlog-proof", &a);
    read_shared("derived/add-checkpoint-6-to-15.body", &b);
    assert_true(vdm_inclusion_proof_decode(vdm_buf_bytes(&a), &p, &err));
    assert_int_equal(p.index, 5);
    vdm_inclusion_proof_append(&again, &p);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), vdm_buf_bytes(&a)));
    assert_true(vdm_consistency_proof_decode(vdm_buf_bytes(&b), &q, &err));
    assert_int_equal(q.old_size, 6);
    vdm_buf_clear(&again);
    vdm_consistency_proof_append(&again, &q);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), vdm_buf_bytes(&b)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_notes),  cmocka_unit_test(test_second_signature),
        cmocka_unit_test(test_bad_vkeys),        cmocka_unit_test(test_cosigned_checkpoint),
        cmocka_unit_test(test_published_proofs),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
