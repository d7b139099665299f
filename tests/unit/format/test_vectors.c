/* SPDX-License-Identifier: MIT */
/* A whole sample ledger that another implementation wrote: each file is read, written again, and
 * made anew from its parts, keys included, byte for byte. */
#include "base/file.h"
#include "format/checkpoint.h"
#include "format/disclosure.h"
#include "format/entry.h"
#include "format/keyring.h"
#include "format/policy.h"
#include "format/proof.h"
#include "format/seal.h"
#include "format/value.h"
#include "unit/format/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#define OWN      VDM_SOURCE_DIR "/tests/vectors"
#define KEYS_MAX 16

/* The ledger at `root` and its signing keys. */
struct sample {
    struct vdm_crypto *c;
    char root[4096];
    struct signer key[KEYS_MAX];
    size_t keys;
};

static bool at_hand(const char *path, struct vdm_buf *out)
{
    struct vdm_err err = {0};
    vdm_buf_clear(out);
    if (vdm_file_read(AT_FDCWD, path, 1u << 20, out, &err))
        return true;
    if (err.kind != VDM_ERR_NOT_FOUND)
        fail_msg("%s: %s", path, err.text);
    return false;
}

VDM_PRINTF(3, 4)
static bool read_member(const struct sample *s, struct vdm_buf *out, const char *format, ...)
{
    char name[128], path[4300];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    snprintf(path, sizeof path, "%s/%s", s->root, name);
    return at_hand(path, out);
}

static const char *shared_root(char *path, size_t cap, const char *below)
{
    const char *root = getenv("VIDIMUS_SHARED");
    snprintf(path, cap, "%s/%s", root ? root : VDM_SOURCE_DIR "/../shared", below);
    return path;
}

/* --- keys --- */

/* `PRIVATE+KEY+<name>+<hash>+<base64 of 1 and seed>` */
static struct signer signer_from_file(struct vdm_crypto *c, struct vdm_bytes line)
{
    struct signer s = {.key = NULL};
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_bytes name = {NULL, 0}, hash;
    struct vdm_err err;
    uint8_t raw[33];
    size_t n;
    assert_true(vdm_take_literal(&line, "PRIVATE+KEY+") && vdm_cut(&line, '+', &name) &&
                vdm_cut(&line, '+', &hash));
    assert_true(vdm_base64_decode(line, raw, sizeof raw, &n) && n == 33 && raw[0] == 1);
    assert_true(vdm_secret_open(&seed, 32, &err));
    memcpy(seed.p, raw + 1, 32);
    seed.n = 32;
    assert_true(vdm_signing_key_from_seed(&s.key, &seed, &err));
    struct vdm_pubkey public_key = vdm_signing_key_public(s.key);
    assert_true(vdm_vkey_make(c, name, &public_key, &s.vkey, &err));
    return s;
}

/* The one line of a key file. */
static struct vdm_bytes only_line(const struct vdm_buf *file)
{
    struct vdm_bytes rest = vdm_buf_bytes(file), line = {NULL, 0};
    if (!vdm_cut_line(&rest, &line))
        line = rest;
    else
        assert_int_equal(rest.n, 0);
    return line;
}

static void check_public_key(struct vdm_crypto *c, const struct vdm_buf *file)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_vkey k;
    struct vdm_err err;
    assert_true(vdm_vkey_decode(c, only_line(file), &k, &err));
    vdm_vkey_append(&again, &k);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), only_line(file)));
}

static void load_keys(struct sample *s)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    char path[4200];
    snprintf(path, sizeof path, "%s/keys", s->root);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char *end = strrchr(e->d_name, '.');
        if (!end || (strcmp(end, ".pub") != 0 && strcmp(end, ".key") != 0))
            continue;
        assert_true(read_member(s, &file, "keys/%s", e->d_name));
        if (strcmp(end, ".pub") == 0)
            check_public_key(s->c, &file);
        if (strcmp(end, ".key") != 0)
            continue;
        assert_true(s->keys < KEYS_MAX);
        struct signer *k = &s->key[s->keys++];
        *k = signer_from_file(s->c, only_line(&file));
        struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_vkey_append(&vkey, &k->vkey);
        assert_true(read_member(s, &file, "keys/%.*s.pub", (int)(end - e->d_name), e->d_name));
        assert_true(vdm_bytes_equal(only_line(&file), vdm_buf_bytes(&vkey)));
    }
    closedir(d);
    assert_true(s->keys > 0);
}

static const struct signer *key_of(const struct sample *s, struct vdm_bytes name, uint32_t id)
{
    for (size_t i = 0; i < s->keys; i++)
        if (s->key[i].vkey.id == id && vdm_bytes_equal_str(name, s->key[i].vkey.name))
            return &s->key[i];
    fail_msg("no key %.*s", (int)name.n, (const char *)name.p);
    return NULL;
}

/* The note made anew: text, and a signature by the key of each line. */
static void check_signed_anew(const struct sample *s, struct vdm_bytes whole,
                              const struct vdm_note *note, const struct vdm_buf *text)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&again, vdm_buf_bytes(text));
    vdm_buf_putc(&again, '\n');
    for (size_t i = 0; i < note->signatures; i++) {
        const struct signer *k = key_of(s, note->signature[i].name, note->signature[i].id);
        assert_int_equal(vdm_note_verify(note, s->c, &k->vkey, NULL), VDM_NOTE_GOOD);
        put_signature(&again, vdm_buf_bytes(text), k);
    }
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), whole));
}

/* --- the sample, once for each place where one lies --- */

static bool sample_open(struct sample *s, struct vdm_crypto *c, const char *root)
{
    *s = (struct sample){.c = c};
    snprintf(s->root, sizeof s->root, "%s", root);
    if (access(root, R_OK) != 0)
        return false;
    load_keys(s);
    return true;
}

static void sample_close(struct sample *s)
{
    for (size_t i = 0; i < s->keys; i++)
        signer_close(&s->key[i]);
}

static const struct vdm_key_range *authorized(const struct vdm_keyring *ring,
                                              const struct vdm_entry *e)
{
    const struct vdm_key_range *r = vdm_keyring_find(ring, e->signer, e->signer_id);
    return r && vdm_key_range_covers(r, e->n) && vdm_role_may_sign(r->role, e) ? r : NULL;
}

/* Every entry: chain, keyring number, signature, and the same note from its fields and key. Returns
 * how many there are. */
static uint64_t check_entries(const struct sample *s, struct vdm_keyring *ring)
{
    struct vdm_digest previous = vdm_sha256(s->c, VDM_LIT(""));
    uint64_t n = 0, newest_key_entry = 0;
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    for (; read_member(s, &file, "entries/%06d", (int)n); n++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_note note;
        struct vdm_entry e;
        struct vdm_err err = {0};
        const char *why = NULL;
        if (!vdm_entry_open(s->c, vdm_buf_bytes(&file), &note, &e, &err))
            fail_msg("entry %d: %s", (int)n, err.text);
        assert_true(e.n == n && e.keyring == newest_key_entry);
        assert_true(vdm_digest_equal(e.previous, previous));
        previous = vdm_sha256(s->c, note.text);
        vdm_entry_append(&text, &e);
        check_signed_anew(s, vdm_buf_bytes(&file), &note, &text);
        if (vdm_entry_is_key_entry(&e)) {
            assert_true(vdm_keyring_feed(ring, &e, &why, &err));
            assert_null(why);
            newest_key_entry = n;
        }
        assert_non_null(authorized(ring, &e));
    }
    assert_true(n > 0);
    return n;
}

/* The record made anew from its values. */
static void check_record_text(const struct vdm_record *r, struct vdm_bytes text)
{
    struct vdm_record_line line[64], l;
    struct vdm_buf value[64] = {{0}}, again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    size_t n = 0;
    for (struct vdm_bytes rest = r->body; vdm_record_next(&rest, &l);) {
        if (l.field == VDM_FIELD_DOCUMENT)
            continue;
        assert_true(n < 64);
        vdm_value_decode(l.value, &value[n]);
        line[n] = (struct vdm_record_line){l.field, vdm_buf_bytes(&value[n])};
        n++;
    }
    if (!vdm_record_append(&again, r->secret, r->document, r->document_size, line, n, NULL, &err))
        fail_msg("%s", err.text);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), text));
    for (size_t i = 0; i < n; i++)
        vdm_buf_release(&value[i]);
}

static void check_disclosure(const struct sample *s, int n, const struct vdm_record *r,
                             struct vdm_digest commitment)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_disclosure d;
    struct vdm_disclosed_line l;
    struct vdm_err err = {0};
    uint64_t shown = 0;
    if (!read_member(s, &file, "disclosures/%06d", n))
        return;
    if (!vdm_disclosure_decode(s->c, vdm_buf_bytes(&file), &d, &err))
        fail_msg("disclosure %d: %s", n, err.text);
    assert_true(vdm_digest_equal(d.commitment, commitment));
    assert_true(d.lines == r->lines);
    for (struct vdm_bytes rest = d.body; vdm_disclosure_next(&rest, &l);)
        if (l.open)
            shown |= UINT64_C(1) << l.line.field;
    assert_true(vdm_disclosure_append(&again, s->c, r, shown, &err));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), vdm_buf_bytes(&file)));
}

/* The record, document and disclosure of entry n, where there are. Returns whether there is one. */
static bool check_record(const struct sample *s, int n)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf document VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf note_file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    struct vdm_digest commitment;
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err err = {0};
    if (!read_member(s, &file, "records/%06d", n))
        return false;
    if (!vdm_record_decode(vdm_buf_bytes(&file), &r, &err))
        fail_msg("record %d: %s", n, err.text);
    check_record_text(&r, vdm_buf_bytes(&file));
    assert_true(vdm_record_commit(s->c, &r, &commitment, &err));
    assert_true(read_member(s, &note_file, "entries/%06d", n));
    assert_true(vdm_entry_open(s->c, vdm_buf_bytes(&note_file), &note, &e, &err));
    assert_true(e.kind == VDM_ENTRY_CAPTURE || e.kind == VDM_ENTRY_AMENDMENT);
    assert_true(vdm_digest_equal(e.capture.record, commitment));
    assert_true(read_member(s, &document, "documents/%06d", n));
    assert_true(vdm_digest_equal(r.document, vdm_sha256(s->c, vdm_buf_bytes(&document))));
    assert_true(r.document_size == document.n);
    check_disclosure(s, n, &r, commitment);
    return true;
}

/* The checkpoint over all entries, by the key of the keyring and, before it, the one of old. */
static void check_checkpoint(const struct sample *s, const struct vdm_keyring *ring, uint64_t size,
                             struct vdm_buf *whole)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_checkpoint c;
    struct vdm_err err;
    const struct vdm_key_range *before, *key = vdm_keyring_ledger_key(ring, size, &before);
    assert_true(read_member(s, whole, "checkpoint"));
    assert_true(vdm_checkpoint_open(vdm_buf_bytes(whole), &note, &c, &err));
    assert_true(vdm_bytes_equal_str(c.origin, ring->origin) && c.size == size);
    vdm_checkpoint_append(&text, &c);
    check_signed_anew(s, vdm_buf_bytes(whole), &note, &text);
    assert_int_equal(vdm_note_verify(&note, s->c, &key->key, NULL), VDM_NOTE_GOOD);
    assert_int_equal(note.signature[note.signatures - 1].id, key->key.id);
    if (note.signatures == 2)
        assert_true(before && note.signature[0].id == before->key.id);
}

static void check_proofs(const struct sample *s, uint64_t size, const struct vdm_buf *checkpoint)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    for (uint64_t n = 0; n < size; n++) {
        struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_inclusion_proof p;
        struct vdm_err err;
        assert_true(read_member(s, &file, "proofs/%06d.tlog-proof", (int)n));
        assert_true(vdm_inclusion_proof_decode(vdm_buf_bytes(&file), &p, &err));
        assert_true(p.index == n && p.extra.n == 0 && p.hashes > 0);
        assert_true(vdm_bytes_equal(p.checkpoint, vdm_buf_bytes(checkpoint)));
        vdm_inclusion_proof_append(&again, &p);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), vdm_buf_bytes(&file)));
    }
}

static void check_seal(const struct sample *s, const struct vdm_keyring *ring, uint64_t size)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_seal seal;
    struct vdm_err err;
    assert_true(read_member(s, &file, "seal"));
    assert_true(vdm_seal_open(vdm_buf_bytes(&file), &note, &seal, &err));
    assert_true(vdm_bytes_equal_str(seal.ledger, ring->origin) && seal.size <= size);
    vdm_seal_append(&text, &seal);
    check_signed_anew(s, vdm_buf_bytes(&file), &note, &text);
    const struct vdm_key_range *r =
        vdm_keyring_find(ring, note.signature[0].name, note.signature[0].id);
    assert_true(r && r->role == VDM_ROLE_SIGNER && vdm_key_range_covers(r, seal.size));
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void check_escapes(const struct sample *s)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(read_member(s, &file, "escapes.json"));
    json_t *table = json_loadb((const char *)file.p, file.n, 0, NULL), *one;
    size_t i;
    assert_true(json_array_size(table) > 0);
    json_array_foreach(table, i, one)
    {
        const char *refuse = text_of(one, "refuse"), *hex = text_of(one, "value_hex");
        const char *line = text_of(one, "line");
        if (refuse && vdm_value_valid(vdm_str(refuse)))
            fail_msg("taken: %s", refuse);
        if (!hex || !line)
            continue; /* null: a value that has no form, the empty one */
        struct vdm_buf value VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf escaped VDM_CLEANUP(vdm_buf_release) = {0};
        uint8_t *p = vdm_buf_grow(&value, strlen(hex) / 2);
        assert_true(vdm_hex_decode(vdm_str(hex), p, value.n));
        vdm_value_append(&escaped, vdm_buf_bytes(&value));
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&escaped), vdm_str(line)));
        assert_true(vdm_value_valid(vdm_str(line)));
        vdm_buf_clear(&escaped);
        vdm_value_decode(vdm_str(line), &escaped);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&escaped), vdm_buf_bytes(&value)));
    }
    json_decref(table);
}

static void check_sample(const struct sample *s)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release);
    struct vdm_buf checkpoint VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_keyring_init(&ring);
    uint64_t size = check_entries(s, &ring);
    size_t records = 0;
    for (int n = 0; n < (int)size; n++)
        records += check_record(s, n);
    assert_true(records > 0);
    check_checkpoint(s, &ring, size, &checkpoint);
    check_proofs(s, size, &checkpoint);
    check_seal(s, &ring, size);
    check_escapes(s);
}

static void test_our_sample(void **state)
{
    struct sample s VDM_CLEANUP(sample_close);
    assert_true(sample_open(&s, *state, OWN "/ledger"));
    check_sample(&s);
}

static void test_shared_sample(void **state)
{
    char path[4096];
    struct sample s VDM_CLEANUP(sample_close);
    if (!sample_open(&s, *state, shared_root(path, sizeof path, "vectors/vidimus")))
        skip();
    check_sample(&s);
}

/* A proof to hand out: its extra line is the entry itself. */
static void test_proof_with_entry(void **state)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf entry VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf extra VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_inclusion_proof p;
    struct vdm_err err;
    (void)state;
    assert_true(at_hand(OWN "/ledger/entry-000004.tlog-proof", &file));
    assert_true(at_hand(OWN "/ledger/entries/000004", &entry));
    assert_true(vdm_inclusion_proof_decode(vdm_buf_bytes(&file), &p, &err));
    assert_int_equal(p.index, 4);
    vdm_base64_append(&extra, vdm_buf_bytes(&entry));
    assert_true(vdm_bytes_equal(p.extra, vdm_buf_bytes(&extra)));
    vdm_buf_clear(&extra);
    vdm_inclusion_proof_append(&extra, &p);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&extra), vdm_buf_bytes(&file)));
}

static void test_policies(void **state)
{
    static const char *const names[] = {"met", "unmet"};
    for (size_t i = 0; i < 2; i++) {
        struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_policy *p = malloc(sizeof *p);
        struct vdm_err err = {0};
        char path[4096];
        snprintf(path, sizeof path, OWN "/ledger/policies/%s", names[i]);
        assert_true(at_hand(path, &file));
        if (!vdm_policy_decode(*state, vdm_buf_bytes(&file), p, &err))
            fail_msg("%s: %s", path, err.text);
        assert_true(p->logs == 1 && p->items > 0 && p->has_quorum);
        free(p);
    }
}

/* Which ledger key signs which size of our sample. */
static void test_ledger_keys_of_sizes(void **state)
{
    struct sample s VDM_CLEANUP(sample_close);
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release);
    vdm_keyring_init(&ring);
    assert_true(sample_open(&s, *state, OWN "/ledger"));
    check_entries(&s, &ring);
    json_t *table = json_load_file(OWN "/keyring.json", 0, NULL), *one;
    size_t i;
    assert_true(json_array_size(json_object_get(table, "checkpoints")) > 0);
    json_array_foreach(json_object_get(table, "checkpoints"), i, one)
    {
        struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
        const struct vdm_key_range *before;
        uint64_t size = (uint64_t)json_integer_value(json_object_get(one, "size"));
        vdm_vkey_append(&vkey, &vdm_keyring_ledger_key(&ring, size, &before)->key);
        assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&vkey), text_of(one, "key")));
    }
    json_decref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_sample),           cmocka_unit_test(test_shared_sample),
        cmocka_unit_test(test_proof_with_entry),     cmocka_unit_test(test_policies),
        cmocka_unit_test(test_ledger_keys_of_sizes),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
