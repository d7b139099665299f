/* SPDX-License-Identifier: MIT */
/* An archive of 50 entries, and what somebody with its files could do to it: each case plants one
 * thing, and the check must find that, at the entry where it is. Attacks on I1, I2, I5 and I6. */
#include "unit/ops/archive_kit.h"

#include "support/documents.h"

#include "format/policy.h"
#include "format/value.h"

/* Entries 0 to 49, checkpoints at 2, 10, 30, 45 and 50. Made once, copied for each case. */
struct base {
    struct kit kit;
    char path[SCRATCH_PATH];
};

static int base_setup(void **state)
{
    static const uint64_t until[] = {10, 30, 45, 50};
    struct base *b = calloc(1, sizeof *b);
    assert_non_null(b);
    *state = b;
    kit_start(&b->kit);
    kit_make(&b->kit, 0);
    for (size_t i = 0; i < 4; i++)
        capture_until(&b->kit, until[i]);
    kit_close(&b->kit);
    strcpy(b->path, b->kit.path);
    return 0;
}

static int base_teardown(void **state)
{
    struct base *b = *state;
    kit_end(&b->kit);
    free(b);
    return 0;
}

static struct kit *fresh(void **state)
{
    struct base *b = *state;
    struct kit *k = &b->kit;
    kit_close(k);
    snprintf(k->path, sizeof k->path, "%.380s/copy", k->dir);
    shell("rm -rf %s && cp -a %s %s", k->path, b->path, k->path);
    return k;
}

/* --- ledger.db edited --- */

#define NONE VDM_NO_ENTRY
#define MOVE "UPDATE entry SET n = -n - 1 WHERE n >= 20; UPDATE entry SET n = -n WHERE n < 0;"

static const struct {
    const char *sql;
    enum vdm_finding_kind kind;
    uint64_t entry;
} edits[] = {
    /* drop, swap, duplicate, insert */
    {"DELETE FROM entry WHERE n = 20", VDM_TRUNCATED, 20},
    {"DELETE FROM entry WHERE n = 0", VDM_TRUNCATED, 0},
    {"DELETE FROM entry WHERE n = 49", VDM_TRUNCATED, 49},
    {"DELETE FROM entry; DELETE FROM checkpoint", VDM_TRUNCATED, NONE},
    {"UPDATE entry SET n = -1 WHERE n = 20; UPDATE entry SET n = 20 WHERE n = 21; "
     "UPDATE entry SET n = 21 WHERE n = -1",
     VDM_ENTRY_MALFORMED, 20},
    {"UPDATE entry SET n = -1 WHERE n = 20; UPDATE entry SET n = 20 WHERE n = 21; "
     "UPDATE entry SET n = 21 WHERE n = -1",
     VDM_CHAIN_BROKEN, 21},
    {"UPDATE entry SET n = -1 WHERE n = 20; UPDATE entry SET n = 20 WHERE n = 21; "
     "UPDATE entry SET n = 21 WHERE n = -1",
     VDM_LEAF_MISMATCH, 21},
    {"UPDATE entry SET note = (SELECT note FROM entry WHERE n = 20) WHERE n = 21",
     VDM_ENTRY_MALFORMED, 21},
    {"INSERT INTO entry SELECT 50, note FROM entry WHERE n = 49", VDM_TREE_MISMATCH, 50},
    {"INSERT INTO entry SELECT -1, note FROM entry WHERE n = 49", VDM_TREE_MISMATCH, 50},
    {MOVE "INSERT INTO entry SELECT 20, note FROM entry WHERE n = 19", VDM_LEAF_MISMATCH, 20},
    /* change */
    {"UPDATE entry SET note = CAST(replace(note, 'recorded 20', 'recorded 19') AS BLOB) "
     "WHERE n = 20",
     VDM_SIGNATURE_INVALID, 20},
    {"UPDATE entry SET note = CAST(replace(note, 'amal@', 'nina@') AS BLOB) WHERE n = 20",
     VDM_SIGNER_UNAUTHORIZED, 20},
    {"UPDATE entry SET note = CAST(replace(note, 'capture/v1', 'capture/v2') AS BLOB) WHERE n = 20",
     VDM_SIGNATURE_INVALID, 20},
    {"UPDATE entry SET note = x'00' WHERE n = 20", VDM_ENTRY_MALFORMED, 20},
    {"UPDATE entry SET note = CAST(note || ' ' AS BLOB) WHERE n = 20", VDM_ENTRY_MALFORMED, 20},
    /* records */
    {"UPDATE record SET n = -1 WHERE n = 20; UPDATE record SET n = 20 WHERE n = 21; "
     "UPDATE record SET n = 21 WHERE n = -1",
     VDM_RECORD_MISMATCH, 20},
    {"UPDATE record SET text = CAST(replace(text, 'title of', 'Title of') AS BLOB) WHERE n = 20",
     VDM_RECORD_MISMATCH, 20},
    {"UPDATE record SET text = x'00' WHERE n = 20", VDM_RECORD_MISMATCH, 20},
    {"DELETE FROM record WHERE n = 20", VDM_RECORD_MISSING, 20},
    {"INSERT INTO record SELECT 0, text FROM record WHERE n = 20", VDM_RECORD_MISMATCH, 0},
    {"INSERT INTO record SELECT 50, text FROM record WHERE n = 20", VDM_RECORD_MISMATCH, NONE},
    {"INSERT INTO record SELECT -5, text FROM record WHERE n = 20", VDM_RECORD_MISMATCH, NONE},
    /* checkpoints */
    {"UPDATE checkpoint SET size = 31 WHERE size = 30", VDM_CHECKPOINT_INVALID, NONE},
    {"INSERT INTO checkpoint SELECT 40, note FROM checkpoint WHERE size = 45",
     VDM_CHECKPOINT_INVALID, NONE},
    {"INSERT INTO checkpoint SELECT -1, note FROM checkpoint WHERE size = 45",
     VDM_CHECKPOINT_INVALID, NONE},
    {"INSERT INTO checkpoint SELECT 60, note FROM checkpoint WHERE size = 50",
     VDM_CHECKPOINT_INVALID, NONE},
    {"UPDATE checkpoint SET note = x'00' WHERE size = 50", VDM_CHECKPOINT_INVALID, NONE},
    {"DELETE FROM checkpoint WHERE size = 50", VDM_ROLLED_BACK, NONE},
    {"DELETE FROM checkpoint WHERE size = 50", VDM_TREE_MISMATCH, 45},
    /* tiles */
    {"UPDATE tile SET hashes = CAST(substr(hashes, 1, 640) || zeroblob(32) || substr(hashes, 673) "
     "AS BLOB)",
     VDM_LEAF_MISMATCH, 20},
    {"UPDATE tile SET hashes = substr(hashes, 1, 1568)", VDM_TREE_MISMATCH, NONE},
    {"UPDATE tile SET hashes = CAST(hashes || zeroblob(32) AS BLOB)", VDM_TREE_MISMATCH, NONE},
    {"UPDATE tile SET level = 1", VDM_TREE_MISMATCH, NONE},
    {"DELETE FROM tile", VDM_TREE_MISMATCH, NONE},
    {"INSERT INTO tile SELECT 1, 0, hashes FROM tile", VDM_TREE_MISMATCH, NONE},
    /* more than this version keeps */
    {"INSERT INTO evidence VALUES(30, 'a', x'00')", VDM_LEDGER_SCHEMA, NONE},
    {"INSERT INTO pack VALUES(1, 0, 5)", VDM_LEDGER_SCHEMA, NONE},
    {"CREATE TABLE extra(a)", VDM_LEDGER_SCHEMA, NONE},
    {"CREATE VIEW extra AS SELECT * FROM entry", VDM_LEDGER_SCHEMA, NONE},
    {"CREATE TRIGGER extra AFTER INSERT ON entry BEGIN SELECT 1; END", VDM_LEDGER_SCHEMA, NONE},
    {"CREATE INDEX extra ON entry(note)", VDM_LEDGER_SCHEMA, NONE},
    {"PRAGMA user_version=2", VDM_LEDGER_SCHEMA, NONE},
};

static void edited_ledger(void **state)
{
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct kit *k = fresh(state);
        edit_ledger(k, edits[i].sql);
        if (!kit_check(k, (struct asked){0}) || !has(k, edits[i].kind, edits[i].entry)) {
            print_message("%s\n", edits[i].sql);
            print_report(k);
            must_have(k, edits[i].kind, edits[i].entry);
        }
        enum vdm_verdict v = vdm_report_verdict(&k->report);
        assert_true(v == VDM_ALTERED || v == VDM_INCOMPLETE);
    }
}

static void only_the_edit(void **state)
{
    struct kit *k = fresh(state);
    must_be_clean(k, (struct asked){0});
    edit_ledger(k, "SELECT 1"); /* taking the triggers away and back is no change */
    must_be_clean(k, (struct asked){0});
    assert_int_equal(k->report.entries, 50);
    assert_int_equal(k->report.captures, 48);
    assert_int_equal(k->report.documents, 48);
}

static void wal_is_not_opened(void **state)
{
    struct kit *k = fresh(state);
    PATH(path, "%s/store/ledger.db", k->path);
    PATH(shm, "%s/store/ledger.db-shm", k->path);
    raw_exec(path, "PRAGMA journal_mode=WAL");
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_LEDGER_SCHEMA, NONE);
    assert_int_equal(access(shm, F_OK), -1); /* I7 */
}

/* --- documents --- */

static void document_path(struct kit *k, uint64_t n, char out[600])
{
    char text[64], hex[65];
    snprintf(text, sizeof text, "document %llu\n", (unsigned long long)n);
    vdm_digest_hex(vdm_sha256(k->c, vdm_str(text)), hex);
    snprintf(out, 600, "%s/store/objects/%.2s/%s", k->path, hex, hex + 2);
}

static void edited_documents(void **state)
{
    static const struct {
        const char *command; /* of the documents of entries 20 and 21 */
        enum vdm_finding_kind kind;
        uint64_t entry;
    } cases[] = {
        {"a=%s b=%s; mv $a x; mv $b $a; mv x $b", VDM_DOCUMENT_CORRUPT, 20},
        {"a=%s b=%s; mv $a x; mv $b $a; mv x $b", VDM_DOCUMENT_CORRUPT, 21},
        {"rm %s; : %s", VDM_DOCUMENT_MISSING, 20},
        {": %s; rm %s", VDM_DOCUMENT_MISSING, 21},
        {"a=%s; : %s; chmod 600 $a; echo document 02 > $a", VDM_DOCUMENT_CORRUPT, 20},
        {"a=%s; : %s; chmod 600 $a; : > $a", VDM_DOCUMENT_CORRUPT, 20},
        {"a=%s; : %s; mv $a x; ln -s $PWD/x $a", VDM_DOCUMENT_CORRUPT, 20},
        {"a=%s; : %s; rm $a; mkdir $a", VDM_DOCUMENT_CORRUPT, 20},
        {"a=%s; : %s; rm $a; mkfifo $a", VDM_DOCUMENT_CORRUPT, 20},
    };
    char a[600], b[600], command[1400];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit *k = fresh(state);
        PATH(store, "%s/store", k->path);
        documents_as_files(k->c, store);
        document_path(k, 20, a);
        document_path(k, 21, b);
        const char *at = strstr(cases[i].command, "%s"), *next = strstr(at + 2, "%s");
        snprintf(command, sizeof command, "%.*s%s%.*s%s%s", (int)(at - cases[i].command),
                 cases[i].command, a, (int)(next - at - 2), at + 2, b, next + 2);
        shell("cd %s && { %s; }", k->path, command);
        MUST(kit_check(k, (struct asked){0}));
        must_have(k, cases[i].kind, cases[i].entry);
        assert_int_equal(vdm_report_verdict(&k->report),
                         cases[i].kind == VDM_DOCUMENT_MISSING ? VDM_INCOMPLETE : VDM_ALTERED);
    }
}

static void orphan(void **state)
{
    struct kit *k = fresh(state);
    kit_open(k);
    put_document(k, "nobody captured this");
    kit_close(k);
    must_be_clean(k, (struct asked){0});
    must_have(k, VDM_ORPHAN_DOCUMENT, NONE);
}

/* A digest of zeros is as missing as any other: nothing is good before it was read. */
static void document_of_zeros(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE};
    struct vdm_record r;
    static const uint8_t secret[32];
    kit_open(k);
    MUST(vdm_record_append(&text, secret, (struct vdm_digest){{0}}, 0, NULL, 0, NULL, &k->err));
    MUST(vdm_record_decode(vdm_buf_bytes(&text), &r, &k->err));
    MUST(vdm_record_commit(k->c, &r, &e.capture.record, &k->err));
    MUST(vdm_writer_begin(k->w, &k->err));
    append(k, &e, AMAL, vdm_buf_bytes(&text));
    MUST(vdm_writer_commit(k->w, &k->err));
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_DOCUMENT_MISSING, 50);
}

/* --- what the keys allow --- */

static void sign_checkpoint(struct kit *k, int by, uint64_t size, struct vdm_digest root,
                            struct vdm_buf *note)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head = {VDM_LIT(ORIGIN), size, root};
    vdm_checkpoint_append(&text, &head);
    MUST(vdm_signer_append_note(k->key[by], vdm_buf_bytes(&text), note, &k->err));
}

static void plant_blob(struct kit *k, const char *format, struct vdm_bytes blob)
{
    char *hex = malloc(blob.n * 2 + 1);
    struct vdm_buf sql VDM_CLEANUP(vdm_buf_release) = {0};
    assert_non_null(hex);
    for (size_t i = 0; i < blob.n; i++)
        snprintf(hex + 2 * i, 3, "%02x", blob.p[i]);
    const char *at = strstr(format, "%s");
    vdm_buf_putf(&sql, "%.*sx'%s'%s", (int)(at - format), format, hex, at + 2);
    vdm_buf_putc(&sql, 0);
    edit_ledger(k, (char *)sql.p);
    free(hex);
}

static void replaced_checkpoint(void **state)
{
    static const struct {
        int by;
        uint64_t size;
        enum vdm_finding_kind kind;
    } cases[] = {
        {LEDGER, 30, VDM_TREE_MISMATCH},        {LEDGER, 50, VDM_TREE_MISMATCH},
        {STRANGER, 30, VDM_CHECKPOINT_INVALID}, {AMAL, 30, VDM_CHECKPOINT_INVALID},
        {LEDGER, 29, VDM_CHECKPOINT_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
        struct kit *k = fresh(state);
        sign_checkpoint(k, cases[i].by, cases[i].size, vdm_sha256(k->c, VDM_LIT("x")), &note);
        plant_blob(k,
                   cases[i].size == 50 ? "UPDATE checkpoint SET note = %s WHERE size = 50"
                                       : "UPDATE checkpoint SET note = %s WHERE size = 30",
                   vdm_buf_bytes(&note));
        MUST(kit_check(k, (struct asked){0}));
        must_have(k, cases[i].kind, NONE);
    }
}

/* The same words under the same name, by somebody else's key. */
static void signed_by_a_stranger(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_buf old VDM_CLEANUP(vdm_buf_release) = {0},
                       forged VDM_CLEANUP(vdm_buf_release) = {0},
                       stranger VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note, other;
    struct vdm_entry e;
    struct vdm_sig sig;
    kit_open(k);
    MUST(vdm_archive_entry(k->a, 20, &old, &note, &e, &k->err));
    MUST(vdm_signer_append_note(k->key[STRANGER], note.text, &stranger, &k->err));
    MUST(vdm_note_decode(vdm_buf_bytes(&stranger), &other, &k->err));
    assert_true(vdm_note_signature_ed25519(&other.signature[0], &sig));
    vdm_buf_put(&forged, note.text);
    vdm_buf_putc(&forged, '\n');
    vdm_note_put_signature(&forged, e.signer, e.signer_id, &sig);
    plant_blob(k, "UPDATE entry SET note = %s WHERE n = 20", vdm_buf_bytes(&forged));
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_SIGNATURE_INVALID, 20);
    must_have(k, VDM_LEAF_MISMATCH, 20);
}

/* I2: an entry that its signer made with a head that does not fit where it stands. */
static void heads_that_do_not_fit(void **state)
{
    for (int which = 0; which < 3; which++) {
        struct kit *k = fresh(state);
        struct vdm_buf old VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf made VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_note note;
        struct vdm_entry e;
        kit_open(k);
        MUST(vdm_archive_entry(k->a, 20, &old, &note, &e, &k->err));
        if (which == 0)
            e.keyring = 0;
        else if (which == 1)
            e.previous.b[0] ^= 1;
        else
            e.ledger = VDM_LIT("archive.example.org/other");
        vdm_entry_append(&text, &e);
        MUST(vdm_signer_append_note(k->key[AMAL], vdm_buf_bytes(&text), &made, &k->err));
        plant_blob(k, "UPDATE entry SET note = %s WHERE n = 20", vdm_buf_bytes(&made));
        MUST(kit_check(k, (struct asked){0}));
        must_have(k, which == 2 ? VDM_ENTRY_MALFORMED : VDM_CHAIN_BROKEN, 20);
        must_have(k, VDM_LEAF_MISMATCH, 20);
    }
}

static void only_findings(struct kit *k, enum vdm_finding_kind kind, const uint64_t *entries,
                          size_t n)
{
    MUST(kit_check(k, (struct asked){0}));
    for (size_t i = 0; i < n; i++)
        must_have(k, kind, entries[i]);
    if (vdm_report_findings(&k->report) != n)
        print_report(k);
    assert_int_equal(vdm_report_findings(&k->report), n);
}

static void begin(struct kit *k)
{
    kit_open(k);
    MUST(vdm_writer_begin(k->w, &k->err));
}

static void commit(struct kit *k)
{
    MUST(vdm_store_sync(k->a->store, &k->err));
    MUST(vdm_writer_commit(k->w, &k->err));
    kit_close(k);
}

/* Before, while and after a key is authorized, retired, revoked: all nine in one ledger. */
static void who_may_sign(void **state)
{
    static const uint64_t bad[] = {50, 54, 57, 58, 60};
    struct kit *k = fresh(state);
    begin(k);
    append_capture(k, NINA, "50", 0);              /* not authorized yet */
    append_key(k, VDM_KEY_AUTHORIZE, NINA, 0);     /* 51 */
    append_capture(k, NINA, "52", 0);              /* good */
    append_key(k, VDM_KEY_RETIRE, NINA, 0);        /* 53 */
    append_capture(k, NINA, "54", 0);              /* retired */
    append_key(k, VDM_KEY_AUTHORIZE, STRANGER, 0); /* 55: named like the ledger: malformed */
    append_capture(k, AMAL, "56", 0);              /* good: before `since` */
    append_capture(k, AMAL, "57", 0);              /* at `since` */
    append_capture(k, AMAL, "58", 0);              /* between */
    append_key(k, VDM_KEY_REVOKE, AMAL, 57);       /* 59 */
    append_capture(k, AMAL, "60", 0);              /* afterwards */
    commit(k);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_ENTRY_MALFORMED, 55);
    for (size_t i = 0; i < 5; i++)
        must_have(k, VDM_SIGNER_UNAUTHORIZED, bad[i]);
    if (vdm_report_findings(&k->report) != 6)
        print_report(k);
    assert_int_equal(vdm_report_findings(&k->report), 6);
}

static void vouched_for_again(void **state)
{
    struct kit *k = fresh(state);
    begin(k);
    append_key(k, VDM_KEY_AUTHORIZE, NINA, 0); /* 50 */
    append_capture(k, AMAL, "51", 0);
    append_capture(k, AMAL, "52", 0);
    append_key(k, VDM_KEY_REVOKE, AMAL, 51);
    append_capture(k, NINA, "51", 51); /* an amendment */
    commit(k);
    only_findings(k, VDM_SIGNER_UNAUTHORIZED, (const uint64_t[]){52}, 1);
    must_have(k, VDM_RE_ATTESTED, 51);
    begin(k);
    append_capture(k, NINA, "of another document", 52); /* 55: with a finding of its own */
    commit(k);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_RECORD_MISMATCH, 55);
    must_have(k, VDM_SIGNER_UNAUTHORIZED, 52);
    /* A bit of the amendment's signature: it vouches for nothing. */
    edit_ledger(k, "UPDATE entry SET note = CAST(substr(note, 1, length(note) - 8) || 'AAAA' || "
                   "substr(note, length(note) - 3) AS BLOB) WHERE n = 54");
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_SIGNATURE_INVALID, 54);
    must_have(k, VDM_SIGNER_UNAUTHORIZED, 51);
    assert_int_equal(k->report.kinds[VDM_RE_ATTESTED], 0);
}

static void roles(void **state)
{
    struct kit *k = fresh(state);
    begin(k);
    append_withdrawal(k, AMAL, 20, VDM_SCOPE_BOTH); /* only the authority withdraws */
    append_capture(k, AUTHORITY, "51", 0);          /* which captures nothing */
    append_capture(k, LEDGER, "52", 0);
    commit(k);
    only_findings(k, VDM_SIGNER_UNAUTHORIZED, (const uint64_t[]){50, 51, 52}, 3);
    edit_ledger(k, "DELETE FROM record WHERE n = 20"); /* and so its word excuses nothing */
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_RECORD_MISSING, 20);
}

static void key_entry_against_the_rules(void **state)
{
    struct kit *k = fresh(state);
    begin(k);
    append_key(k, VDM_KEY_AUTHORIZE, AMAL, 0); /* once more */
    append_key(k, VDM_KEY_RETIRE, NINA, 0);    /* never authorized */
    commit(k);
    only_findings(k, VDM_ENTRY_MALFORMED, (const uint64_t[]){50, 51}, 2);
}

/* --- amendments, withdrawals, kinds to come --- */

static void withdrawn(void **state)
{
    static const struct {
        enum vdm_scope scope;
        bool record, document; /* what is taken away */
        bool excused;
    } cases[] = {
        {VDM_SCOPE_DOCUMENT, false, true, true}, {VDM_SCOPE_RECORD, true, false, true},
        {VDM_SCOPE_BOTH, true, true, true},      {VDM_SCOPE_DOCUMENT, true, false, false},
        {VDM_SCOPE_RECORD, false, true, false},
    };
    char path[600];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit *k = fresh(state);
        begin(k);
        append_withdrawal(k, AUTHORITY, 20, cases[i].scope);
        commit(k);
        document_path(k, 20, path);
        if (cases[i].document)
            shell("rm -f %s", path);
        if (cases[i].record)
            edit_ledger(k, "DELETE FROM record WHERE n = 20");
        if (cases[i].excused) {
            must_be_clean(k, (struct asked){0});
            assert_int_equal(k->report.withdrawn, 1);
        } else if (cases[i].record) {
            MUST(kit_check(k, (struct asked){0}));
            must_have(k, VDM_RECORD_MISSING, 20);
        }
    }
}

static void amended(void **state)
{
    struct kit *k = fresh(state);
    begin(k);
    append_capture(k, AMAL, "document 20\n", 20);
    commit(k);
    must_be_clean(k, (struct asked){0});
    begin(k);
    append_capture(k, AMAL, "another document", 21); /* 51 */
    append_capture(k, AMAL, "document 20\n", 1);     /* of what is no capture */
    append_withdrawal(k, AUTHORITY, 50, VDM_SCOPE_BOTH);
    commit(k);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_RECORD_MISMATCH, 51);
    must_have(k, VDM_ENTRY_MALFORMED, 52);
    must_have(k, VDM_ENTRY_MALFORMED, 53);
}

/* A capture of `document` whose record says that it is so many bytes of `whole`. */
static uint64_t append_part(struct kit *k, const char *document, const char *whole, unsigned offset,
                            unsigned length, const char *method)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf from VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE};
    struct vdm_record r;
    const uint8_t secret[32] = {7};
    vdm_digest_append(&from, vdm_sha256(k->c, vdm_str(whole)));
    vdm_buf_putf(&from, " %u %u %s", offset, length, method);
    const struct vdm_record_line line = {VDM_FIELD_DERIVED_FROM, vdm_buf_bytes(&from)};
    MUST(vdm_record_append(&text, secret, put_document(k, document), strlen(document), &line, 1,
                           NULL, &k->err));
    MUST(vdm_record_decode(vdm_buf_bytes(&text), &r, &k->err));
    MUST(vdm_record_commit(k->c, &r, &e.capture.record, &k->err));
    append(k, &e, AMAL, vdm_buf_bytes(&text));
    return e.n;
}

/* What is not held, or not called a slice, is not judged. */
static void slices(void **state)
{
    struct kit *k = fresh(state);
    const char *whole = "document 20\n", *absent = "nobody has it";
    begin(k);
    append_part(k, "ocum", whole, 1, 4, "slice");
    append_part(k, "20\n", whole, 9, 3, "slice: the number");
    append_part(k, "other", whole, 0, 5, "sliced by hand");
    append_part(k, "other", absent, 0, 5, "slice");
    commit(k);
    must_be_clean(k, (struct asked){0});
    begin(k);
    uint64_t bytes = append_part(k, "OCUM", whole, 1, 4, "slice");
    uint64_t length = append_part(k, "ocum", whole, 1, 5, "slice");
    uint64_t beyond = append_part(k, "20\n", whole, 10, 3, "slice: the number");
    uint64_t longer = append_part(k, "ocum", absent, 1, 5, "slice");
    commit(k);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_SLICE_MISMATCH, bytes);
    must_have(k, VDM_SLICE_MISMATCH, length);
    must_have(k, VDM_SLICE_MISMATCH, beyond);
    must_have(k, VDM_SLICE_MISMATCH, longer);
}

/* Somebody who makes the catalog forget the withdrawal gets the amendment written, and it is found. */
static void amended_after_withdrawal(void **state)
{
    struct kit *k = fresh(state);
    begin(k);
    append_withdrawal(k, AUTHORITY, 20, VDM_SCOPE_DOCUMENT);
    commit(k);
    edit_catalog(k, "UPDATE capture SET withdrawn = NULL");
    begin(k);
    append_capture(k, AMAL, "document 20\n", 20);
    append_capture(k, AMAL, "document 21\n", 21);
    append_withdrawal(k, AUTHORITY, 21, VDM_SCOPE_DOCUMENT);
    commit(k);
    MUST(kit_check(k, (struct asked){.without_documents = true}));
    must_have(k, VDM_ENTRY_MALFORMED, 51);
    assert_int_equal(k->report.kinds[VDM_ENTRY_MALFORMED], 1);
}

/* A catalog that has forgotten what came after a capture, of which the entry about it tells. */
static void edited_fate(void **state)
{
    static const struct {
        const char *sql;
        uint64_t entry;
    } cases[] = {
        {"UPDATE capture SET amended = NULL WHERE n = 20", 20},
        {"UPDATE capture SET amended = 50 WHERE n = 20", 20},
        {"UPDATE capture SET amended = 50, title = 'title of 50', source = 'title of 50' "
         "WHERE n = 20",
         20},
        {"UPDATE capture SET withdrawn = NULL WHERE n = 21", 21},
        {"UPDATE capture SET withdrawn = 52 WHERE n = 21", 21},
    };
    struct kit *k = fresh(state);
    begin(k);
    append_capture(k, AMAL, "document 20\n", 20);
    append_capture(k, AMAL, "document 20\n", 20);
    append_withdrawal(k, AUTHORITY, 21, VDM_SCOPE_DOCUMENT);
    append_withdrawal(k, AUTHORITY, 21, VDM_SCOPE_BOTH);
    commit(k);
    kit_close(k);
    PATH(store, "%s/store", k->path);
    shell("cp %s/catalog.db %s/kept", store, store);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        edit_catalog(k, cases[i].sql);
        MUST(kit_check(k, (struct asked){0}));
        must_have(k, VDM_CATALOG_MISMATCH, cases[i].entry);
        shell("cp %s/kept %s/catalog.db", store, store);
    }
}

/* A size that no ledger has is no work. */
static void far_checkpoint(void **state)
{
    struct kit *k = fresh(state);
    edit_ledger(k, "UPDATE checkpoint SET size = 4611686018427387904 WHERE size = 50");
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_TRUNCATED, 50);
}

static void of_a_kind_to_come(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_entry e = {
        .kind = VDM_ENTRY_UNKNOWN, .type = VDM_LIT("blessing/v1"), .unknown = VDM_LIT("by whom\n")};
    begin(k);
    append(k, &e, AMAL, (struct vdm_bytes){0});
    commit(k);
    only_findings(k, VDM_ENTRY_OF_UNKNOWN_KIND, (const uint64_t[]){50}, 1);
}

static void clock_backwards(void **state)
{
    struct kit *k = fresh(state);
    begin(k);
    append_capture(k, AMAL, "50", 0);
    struct vdm_entry e = {.kind = VDM_ENTRY_AUDIT, .recorded = {1000000000}};
    e.audit = (struct vdm_audit){.size = 5, .mode = VDM_AUDIT_FULL, .covered = VDM_LIT("0-4")};
    append(k, &e, AMAL, (struct vdm_bytes){0});
    commit(k);
    must_be_clean(k, (struct asked){0});
    must_have(k, VDM_CLOCK_BACKWARDS, 51);
}

/* --- the catalog --- */

static void edited_catalog(void **state)
{
    static const struct {
        const char *sql;
        uint64_t entry;
    } cases[] = {
        {"UPDATE capture SET title = 'x' WHERE n = 20", 20},
        {"UPDATE capture SET source = NULL WHERE n = 20", 20},
        {"UPDATE capture SET collection = 'x' WHERE n = 20", 20},
        {"UPDATE capture SET captured = 'x' WHERE n = 20", 20},
        {"UPDATE capture SET issued = 'x' WHERE n = 20", 20},
        {"UPDATE capture SET document = zeroblob(32) WHERE n = 20", 20},
        {"UPDATE capture SET size = 1 WHERE n = 20", 20},
        {"UPDATE capture SET recorded = '2001-01-01T00:00:00Z' WHERE n = 20", 20},
        {"UPDATE capture SET amended = 30 WHERE n = 20", 20},
        {"UPDATE capture SET amended = 99 WHERE n = 20", 20},
        {"UPDATE capture SET withdrawn = 30, title = 'x' WHERE n = 20", 20},
        {"DELETE FROM capture WHERE n = 20", 20},
        {"DELETE FROM issuer WHERE n = 20", 20},
        {"INSERT INTO issuer VALUES('x', 20)", 20},
        {"INSERT INTO capture SELECT 99, NULL, NULL, recorded, document, size, source, captured, "
         "collection, title, issued FROM capture WHERE n = 20",
         NONE},
        {"DELETE FROM lead0 WHERE n = 20", NONE},
        {"UPDATE lead0 SET n = 21 WHERE n = 20", NONE},
        {"UPDATE lead0 SET key = key + 1 WHERE n = 20", NONE},
        {"INSERT INTO lead2 SELECT key, n FROM lead0 WHERE n = 20", NONE},
        {"UPDATE reached SET last = zeroblob(32)", NONE},
        {"UPDATE reached SET entries = 99", NONE},
        {"UPDATE reached SET entries = 30", NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit *k = fresh(state);
        edit_catalog(k, cases[i].sql);
        MUST(kit_check(k, (struct asked){0}));
        if (!has(k, VDM_CATALOG_MISMATCH, cases[i].entry))
            print_message("%s\n", cases[i].sql);
        must_have(k, VDM_CATALOG_MISMATCH, cases[i].entry);
        kit_open(k); /* what is derived is made anew */
        MUST(vdm_catalog_remove(k->a->store_path, &k->err));
        begin(k);
        vdm_writer_abort(k->w);
        kit_close(k);
        must_be_clean(k, (struct asked){0});
        assert_int_equal(k->report.kinds[VDM_CATALOG_BEHIND], 0);
    }
}

static void no_catalog(void **state)
{
    struct kit *k = fresh(state);
    shell("rm %s/store/catalog.db", k->path);
    must_be_clean(k, (struct asked){0});
    must_have(k, VDM_CATALOG_BEHIND, NONE);
    PATH(catalog, "%s/store/catalog.db", k->path);
    file_write(catalog, VDM_LIT("garbage"));
    must_be_clean(k, (struct asked){0});
    must_have(k, VDM_CATALOG_BEHIND, NONE);
    begin(k); /* whoever writes makes it anew */
    vdm_writer_abort(k->w);
    kit_close(k);
    shell("cp -a %s %s-old", catalog, catalog);
    begin(k);
    append_capture(k, AMAL, "50", 0);
    commit(k);
    shell("mv %s-old %s", catalog, catalog);
    must_be_clean(k, (struct asked){0});
    must_have(k, VDM_CATALOG_BEHIND, NONE);
}

/* Damage to what can be rebuilt keeps nothing else from being checked. */
static void damaged_catalog(void **state)
{
    struct kit *k = fresh(state);
    PATH(catalog, "%s/store/catalog.db", k->path);
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = file_content(catalog);
    memset(b.p + 3 * 4096, 0xA5, b.n - 3 * 4096);
    file_write(catalog, vdm_buf_bytes(&b));
    MUST(kit_check(k, (struct asked){0}));
    assert_true(k->report.kinds[VDM_CATALOG_MISMATCH] > 0);
    assert_int_equal(k->report.entries, 50);
    assert_int_equal(k->report.documents, 48);
}

/* --- older states and other histories --- */

static struct vdm_buf guard_of(struct kit *k)
{
    PATH(path, "%s/keys/last-checkpoint", k->path);
    return file_content(path);
}

#define TAIL                                                                                       \
    "DELETE FROM entry WHERE n >= 45; DELETE FROM record WHERE n >= 45;"                           \
    "DELETE FROM checkpoint WHERE size > 45; UPDATE tile SET hashes = substr(hashes, 1, 1440)"

static void truncated_tail(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_buf kept VDM_CLEANUP(vdm_buf_release) = guard_of(k);
    edit_ledger(k, TAIL);
    edit_catalog(k,
                 "DELETE FROM reached; DELETE FROM capture; DELETE FROM issuer; DELETE FROM lead0");
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_ROLLED_BACK, NONE);
    assert_int_equal(vdm_report_findings(&k->report), 1);
    /* Without the guard only a checkpoint kept elsewhere can tell; and it is said that none was. */
    shell("rm %s/keys/last-checkpoint", k->path);
    must_be_clean(k, (struct asked){0});
    must_have(k, VDM_FRESHNESS_UNKNOWN, NONE);
    MUST(kit_check(k, (struct asked){.kept = vdm_buf_bytes(&kept)}));
    must_have(k, VDM_ROLLED_BACK, NONE);
    assert_int_equal(k->report.kinds[VDM_FRESHNESS_UNKNOWN], 0);
    kit_open(k);
    MUST_NOT(vdm_writer_begin(k->w, &k->err), "is missing");
}

/* I6: the store put back, the keys not; and two copies that both went on. */
static void other_histories(void **state)
{
    struct kit *k = fresh(state);
    shell("cp -a %s/store %s/older", k->path, k->path);
    begin(k);
    append_capture(k, AMAL, "one", 0);
    commit(k);
    struct vdm_buf one VDM_CLEANUP(vdm_buf_release) = guard_of(k);
    shell("cd %s && mv store one && mv older store", k->path);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_ROLLED_BACK, NONE);
    kit_open(k);
    MUST_NOT(vdm_writer_begin(k->w, &k->err), "rolled-back");
    kit_close(k);
    shell("cd %s && cp keys/last-checkpoint mine && rm keys/last-checkpoint", k->path);
    PATH(guard, "%s/keys/last-checkpoint", k->path);
    struct base *b = *state;
    shell("cp %s/keys/last-checkpoint %s", b->path, guard);
    begin(k);
    append_capture(k, AMAL, "two", 0);
    append_capture(k, AMAL, "three", 0);
    commit(k);
    must_be_clean(k, (struct asked){0});
    MUST(kit_check(k, (struct asked){.kept = vdm_buf_bytes(&one)}));
    must_have(k, VDM_FORKED, NONE);
    shell("cd %s && cp mine keys/last-checkpoint", k->path);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_FORKED, NONE);
    kit_open(k);
    MUST_NOT(vdm_writer_begin(k->w, &k->err), "forked");
}

static void kept_elsewhere(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_buf good VDM_CLEANUP(vdm_buf_release) = {0},
                        forged VDM_CLEANUP(vdm_buf_release) = {0};
    bool found;
    kit_open(k);
    MUST(vdm_ledger_checkpoint(k->a->ledger, 30, &good, &found, &k->err));
    kit_close(k);
    must_be_clean(k, (struct asked){.kept = vdm_buf_bytes(&good)});
    assert_int_equal(k->report.kinds[VDM_FRESHNESS_UNKNOWN], 0);
    sign_checkpoint(k, STRANGER, 30, vdm_sha256(k->c, VDM_LIT("x")), &forged);
    MUST(kit_check(k, (struct asked){.kept = vdm_buf_bytes(&forged)}));
    must_have(k, VDM_CHECKPOINT_INVALID, NONE);
    assert_false(kit_check(k, (struct asked){.kept = VDM_LIT("nonsense")}));
}

/* Somebody who can write to the store, while an acknowledgement is open, gets nothing signed. */
static void injected_while_behind(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = guard_of(k);
    struct vdm_buf good VDM_CLEANUP(vdm_buf_release) = {0},
                        forged VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    kit_open(k);
    MUST(vdm_writer_begin(k->w, &k->err));
    append_capture(k, AMAL, "50", 0);
    MUST(vdm_writer_commit(k->w, &k->err));
    MUST(vdm_archive_head(k->a, &good, &head, &k->err));
    sign_checkpoint(k, STRANGER, 51, head.root, &forged);
    plant_blob(k, "UPDATE checkpoint SET note = %s WHERE size = 51", vdm_buf_bytes(&forged));
    kit_open(k);
    PATH(guard, "%s/keys/last-checkpoint", k->path);
    file_write(guard, vdm_buf_bytes(&before));
    MUST_NOT(vdm_writer_begin(k->w, &k->err), "not signed by this ledger's key");
    struct vdm_buf after VDM_CLEANUP(vdm_buf_release) = guard_of(k);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&before), vdm_buf_bytes(&after)));
    kit_close(k);
    MUST(kit_check(k, (struct asked){0}));
    must_have(k, VDM_CHECKPOINT_INVALID, NONE);
}

/* Nor does the writer sign with a key that is not, or no longer, in force. */
static void another_ledger_key(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_writer *forger = NULL;
    kit_open(k);
    MUST(vdm_writer_open(&forger, k->a, k->key[STRANGER], &k->err));
    MUST(vdm_writer_begin(forger, &k->err));
    struct vdm_writer *mine = k->w;
    k->w = forger;
    append_capture(k, AMAL, "50", 0);
    k->w = mine;
    MUST_NOT(vdm_writer_commit(forger, &k->err), "not the one in force");
    vdm_writer_close(forger);
    kit_close(k);
    must_be_clean(k, (struct asked){0});
}

/* --- trust --- */

static void foreign_key(void **state)
{
    struct kit *k = fresh(state);
    MUST(kit_check(k, (struct asked){.no_trust = true}));
    must_have(k, VDM_KEY_UNTRUSTED, NONE);
    assert_int_equal(vdm_report_verdict(&k->report), VDM_INTACT_UNTRUSTED);
    assert_int_equal(vdm_verdict_status(vdm_report_verdict(&k->report)), 4);
    edit_ledger(k, "DELETE FROM record WHERE n = 20");
    MUST(kit_check(k, (struct asked){.no_trust = true})); /* what is wrong is not hidden by it */
    assert_int_equal(vdm_report_verdict(&k->report), VDM_INCOMPLETE);
}

static void quorum(void **state)
{
    struct kit *k = fresh(state);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_policy *policy = malloc(sizeof *policy);
    struct vdm_vkey w = *vdm_signer_vkey(k->key[NINA]);
    assert_non_null(policy);
    w.type = VDM_KEY_COSIGNATURE;
    w.id = vdm_key_id(k->c, vdm_str(w.name), w.type, &w.key);
    vdm_buf_puts(&text, "log ");
    vdm_vkey_append(&text, vdm_signer_vkey(k->key[LEDGER]));
    vdm_buf_puts(&text, "\nwitness w ");
    vdm_vkey_append(&text, &w);
    vdm_buf_puts(&text, "\nquorum w\n");
    MUST(vdm_policy_decode(k->c, vdm_buf_bytes(&text), policy, &k->err));
    MUST(kit_check(k, (struct asked){.policy = policy}));
    must_have(k, VDM_QUORUM_UNMET, NONE);
    assert_int_equal(vdm_report_verdict(&k->report), VDM_ALTERED);
    free(policy);
}

/* --- verifying writes nothing --- */

static void nothing_is_written(void **state)
{
    struct kit *k = fresh(state);
    shell("cd %s && find . -printf '%%p %%s %%T@ %%C@ %%m\\n' | sort > ../before", k->path);
    must_be_clean(k, (struct asked){0});
    shell("cd %s && find . -printf '%%p %%s %%T@ %%C@ %%m\\n' | sort | cmp - ../before", k->path);
}

static void every_kind_was_seen(void **state)
{
    struct base *b = *state;
    unsigned long findings = 0, kinds = 0;
    for (int i = 0; i < VDM_KINDS; i++) {
        if (i == VDM_ERASURE_PENDING) /* what a crash leaves: tests/cli/test_withdraw.py */
            continue;
        bool of_bundles = i == VDM_DOCUMENT_UNMATCHED || i == VDM_BAG_INVALID ||
                          i == VDM_PROOF_INVALID || i == VDM_UNSEALED ||
                          i == VDM_UNEXPECTED_MEMBER || i == VDM_COMPLETENESS_NOT_PROVED ||
                          i == VDM_EVIDENCE_NOT_CHECKED || i == VDM_SLICE_NOT_CHECKED;
        bool of_audits = i == VDM_DOCUMENT_UNREADABLE || i == VDM_READ_UNSTEADY ||
                         i == VDM_LEDGER_DAMAGED || i == VDM_SLACK_ROT || i == VDM_AUDIT_OVERDUE ||
                         i == VDM_DOCUMENT_BUSY || i == VDM_AUDIT_NOT_RECORDED;
        if (!of_bundles && !of_audits && b->kit.seen[i] == 0)
            fail_msg("no case has %s", vdm_kind_word((enum vdm_finding_kind)i));
        findings += b->kit.seen[i];
        kinds += b->kit.seen[i] > 0;
    }
    printf("edits-archive findings=%lu kinds=%lu\n", findings, kinds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_edit),
        cmocka_unit_test(edited_ledger),
        cmocka_unit_test(wal_is_not_opened),
        cmocka_unit_test(edited_documents),
        cmocka_unit_test(orphan),
        cmocka_unit_test(document_of_zeros),
        cmocka_unit_test(replaced_checkpoint),
        cmocka_unit_test(signed_by_a_stranger),
        cmocka_unit_test(heads_that_do_not_fit),
        cmocka_unit_test(who_may_sign),
        cmocka_unit_test(vouched_for_again),
        cmocka_unit_test(roles),
        cmocka_unit_test(key_entry_against_the_rules),
        cmocka_unit_test(withdrawn),
        cmocka_unit_test(amended),
        cmocka_unit_test(slices),
        cmocka_unit_test(amended_after_withdrawal),
        cmocka_unit_test(of_a_kind_to_come),
        cmocka_unit_test(clock_backwards),
        cmocka_unit_test(edited_catalog),
        cmocka_unit_test(edited_fate),
        cmocka_unit_test(far_checkpoint),
        cmocka_unit_test(no_catalog),
        cmocka_unit_test(damaged_catalog),
        cmocka_unit_test(truncated_tail),
        cmocka_unit_test(other_histories),
        cmocka_unit_test(kept_elsewhere),
        cmocka_unit_test(injected_while_behind),
        cmocka_unit_test(another_ledger_key),
        cmocka_unit_test(foreign_key),
        cmocka_unit_test(quorum),
        cmocka_unit_test(nothing_is_written),
        cmocka_unit_test(every_kind_was_seen),
    };
    return cmocka_run_group_tests(tests, base_setup, base_teardown);
}
