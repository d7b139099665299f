/* SPDX-License-Identifier: MIT */
/* Files that every reader must refuse, each with one fault; and the good ones, which the same
 * readers take: else the refusals would prove nothing. */
#include "base/file.h"
#include "format/checkpoint.h"
#include "format/disclosure.h"
#include "format/entry.h"
#include "format/fork_proof.h"
#include "format/proof.h"
#include "format/request.h"
#include "format/seal.h"
#include "unit/format/fixture.h"

#include <fcntl.h>
#include <jansson.h>

#define OWN VDM_SOURCE_DIR "/tests/vectors"

static void read_file(const char *path, struct vdm_buf *out)
{
    struct vdm_err err = {0};
    vdm_buf_clear(out);
    if (!vdm_file_read(AT_FDCWD, path, 1u << 20, out, &err))
        fail_msg("%s: %s", path, err.text);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Whether bytes of this type are taken, by the rules for those of our own ledger. */
static bool reader_takes(struct vdm_crypto *c, const char *type, struct vdm_bytes b)
{
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_record r;
    struct vdm_disclosure d;
    struct vdm_checkpoint k;
    struct vdm_inclusion_proof p;
    struct vdm_fork_proof f;
    struct vdm_seal s;
    struct vdm_request q;
    struct vdm_vkey v;
    if (strcmp(type, "vkey") == 0 && b.n && b.p[b.n - 1] == '\n')
        b.n--; /* a key file is one line */
    if (strcmp(type, "note") == 0)
        return vdm_note_decode(b, &note, NULL);
    if (strcmp(type, "vkey") == 0)
        return vdm_vkey_decode(c, b, &v, NULL) && vdm_vkey_is_ours(&v);
    if (strcmp(type, "entry") == 0)
        return vdm_entry_open(c, b, &note, &e, NULL);
    if (strcmp(type, "record") == 0)
        return vdm_record_decode(b, &r, NULL);
    if (strcmp(type, "disclosure") == 0)
        return vdm_disclosure_decode(c, b, &d, NULL);
    if (strcmp(type, "fork-proof") == 0)
        return vdm_fork_proof_decode(c, b, &f, NULL);
    if (strcmp(type, "request") == 0)
        return vdm_request_decode(c, b, &q, NULL);
    if (strcmp(type, "seal") == 0)
        return vdm_seal_open(b, &note, &s, NULL);
    if (strcmp(type, "proof") == 0) {
        if (!vdm_inclusion_proof_decode(b, &p, NULL))
            return false;
        b = p.checkpoint;
    } else if (strcmp(type, "checkpoint") != 0) {
        fail_msg("no reader of type %s", type);
    }
    return vdm_checkpoint_open(b, &note, &k, NULL) && vdm_origin_valid(k.origin);
}

static void test_malformed(void **state)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    json_t *table = json_load_file(OWN "/malformed/index.json", 0, NULL), *one;
    size_t i;
    assert_true(json_array_size(table) > 0);
    json_array_foreach(table, i, one)
    {
        char path[4096];
        snprintf(path, sizeof path, OWN "/malformed/%s", text_of(one, "file"));
        read_file(path, &file);
        if (reader_takes(*state, text_of(one, "type"), vdm_buf_bytes(&file)))
            fail_msg("taken: %s: %s", text_of(one, "file"), text_of(one, "why"));
    }
    json_decref(table);
}

static void test_readers_take_the_good(void **state)
{
    static const struct {
        const char *type, *path;
    } good[] = {{"note", OWN "/ledger/entries/000000"},
                {"vkey", OWN "/ledger/keys/authority.pub"},
                {"entry", OWN "/ledger/entries/000004"},
                {"record", OWN "/ledger/records/000004"},
                {"disclosure", OWN "/ledger/disclosures/000004"},
                {"checkpoint", OWN "/ledger/checkpoint"},
                {"proof", OWN "/ledger/proofs/000004.tlog-proof"},
                {"fork-proof", OWN "/forks/same-size.fork-proof"},
                {"fork-proof", OWN "/forks/two-sizes.fork-proof"},
                {"request", OWN "/ledger/request"},
                {"seal", OWN "/ledger/seal"}};
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        read_file(good[i].path, &file);
        assert_true(reader_takes(*state, good[i].type, vdm_buf_bytes(&file)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_readers_take_the_good),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
