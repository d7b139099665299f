/* SPDX-License-Identifier: MIT */
/* Small archives made through the writer, to be attacked, and what the check then says of them. */
#ifndef VDM_TESTS_ARCHIVE_KIT_H
#define VDM_TESTS_ARCHIVE_KIT_H

#include "support/must.h"
#include "support/scratch.h"

#include "base/file.h"
#include "ledger/schema.h"
#include "ops/verify_archive.h"
#include "ops/writer.h"
#include "store/store_folder.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define ORIGIN "archive.example.org/tests"

enum { AUTHORITY, LEDGER, AMAL, NINA, STRANGER, SIGNERS };

struct kit {
    char dir[SCRATCH_PATH];  /* of this test */
    char path[SCRATCH_PATH]; /* of the archive in it */
    struct vdm_crypto *c;
    struct vdm_signer *key[SIGNERS];
    struct vdm_archive *a;
    struct vdm_writer *w;
    struct vdm_err err;
    struct vdm_report report;
    uint64_t seen[VDM_KINDS]; /* in all reports of this test */
};

/* --- a new archive --- */

static inline void kit_close(struct kit *k)
{
    vdm_writer_close(k->w);
    vdm_archive_close(k->a);
    k->w = NULL;
    k->a = NULL;
}

static inline void kit_open(struct kit *k)
{
    kit_close(k);
    MUST(vdm_archive_open(&k->a, k->c, k->path, VDM_ARCHIVE_WRITE, &k->err));
    MUST(vdm_writer_open(&k->w, k->a, k->key[LEDGER], &k->err));
}

/* Keys do not pass on to child processes: there they are read from files, which stay, since another child
 * may be reading them. */
static inline pid_t kit_fork(struct kit *k)
{
    char path[SIGNERS][SCRATCH_PATH];
    for (int i = 0; i < SIGNERS; i++) {
        snprintf(path[i], sizeof path[i], "%.380s/%d.key", k->dir, i);
        if (access(path[i], F_OK) != 0)
            MUST(vdm_signer_save(k->key[i], AT_FDCWD, path[i], NULL, &k->err));
    }
    pid_t child = fork();
    for (int i = 0; child == 0 && i < SIGNERS; i++)
        MUST(vdm_signer_load(&k->key[i], k->c, AT_FDCWD, path[i], NULL, &k->err));
    return child;
}

static inline void kit_start(struct kit *k)
{
    static const char *const names[SIGNERS] = {ORIGIN "/authority", ORIGIN, "amal@example.org",
                                               "nina@example.org", ORIGIN};
    scratch_make(k->dir);
    snprintf(k->path, sizeof k->path, "%.380s/a", k->dir);
    vdm_report_init(&k->report);
    MUST(vdm_crypto_open(&k->c, &k->err));
    for (int i = 0; i < SIGNERS; i++)
        MUST(vdm_signer_generate(&k->key[i], k->c, vdm_str(names[i]), &k->err));
}

static inline void append(struct kit *k, struct vdm_entry *e, int by, struct vdm_bytes record)
{
    if (!e->recorded.seconds)
        e->recorded.seconds = 1600000000 + (int64_t)vdm_writer_next(k->w);
    MUST(vdm_writer_append(k->w, e, k->key[by], record, &k->err));
}

static inline void append_key(struct kit *k, enum vdm_key_action action, int key, uint64_t since)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_KEY};
    e.key = (struct vdm_key_event){.action = action,
                                   .role = VDM_ROLE_SIGNER,
                                   .key = *vdm_signer_vkey(k->key[key]),
                                   .since = since};
    append(k, &e, AUTHORITY, (struct vdm_bytes){0});
}

/* Entries 0 (genesis) and 1 (amal may sign), committed. */
static inline void kit_make(struct kit *k, int page_size)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_GENESIS};
    e.genesis = (struct vdm_genesis){.authority = *vdm_signer_vkey(k->key[AUTHORITY]),
                                     .ledger_key = *vdm_signer_vkey(k->key[LEDGER]),
                                     .software = VDM_LIT("vidimus tests")};
    PATH(keys, "%s/keys", k->path);
    PATH(store, "%s/store", k->path);
    assert_int_equal(mkdir(k->path, 0700), 0);
    assert_int_equal(mkdir(keys, 0700), 0);
    MUST(vdm_store_create_folder(store, true, &k->err));
    MUST(vdm_ledger_create(store, page_size, &k->err));
    kit_open(k);
    MUST(vdm_writer_begin(k->w, &k->err));
    append(k, &e, AUTHORITY, (struct vdm_bytes){0});
    append_key(k, VDM_KEY_AUTHORIZE, AMAL, 0);
    MUST(vdm_writer_commit(k->w, &k->err));
    kit_open(k); /* an archive reads its own name when it is opened */
}

static inline void kit_end(struct kit *k)
{
    kit_close(k);
    vdm_report_release(&k->report);
    for (int i = 0; i < SIGNERS; i++)
        vdm_signer_close(k->key[i]);
    vdm_crypto_close(k->c);
    scratch_drop(k->dir);
}

/* --- entries --- */

static inline struct vdm_digest put_document(struct kit *k, const char *text)
{
    struct vdm_bytes left = vdm_str(text);
    struct vdm_stored stored;
    MUST(vdm_store_put(k->a->store, vdm_read_bytes, &left, left.n, &stored, &k->err));
    return stored.id;
}

/* A capture, or (`amends` != 0) an amendment; its number. The writer must have begun. */
static inline uint64_t append_capture(struct kit *k, int by, const char *document, uint64_t amends)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = amends ? VDM_ENTRY_AMENDMENT : VDM_ENTRY_CAPTURE};
    char title[64];
    snprintf(title, sizeof title, "title of %llu", (unsigned long long)vdm_writer_next(k->w));
    const struct vdm_record_line lines[] = {
        {VDM_FIELD_SOURCE, vdm_str(title)},
        {VDM_FIELD_TITLE, vdm_str(title)},
        {VDM_FIELD_ISSUER, VDM_LIT("the issuer")},
    };
    uint8_t secret[32];
    struct vdm_record r;
    memset(secret, (int)vdm_writer_next(k->w), sizeof secret);
    MUST(vdm_record_append(&text, secret, put_document(k, document), strlen(document), lines, 3,
                           NULL, &k->err));
    MUST(vdm_record_decode(vdm_buf_bytes(&text), &r, &k->err));
    MUST(vdm_record_commit(k->c, &r, &e.capture.record, &k->err));
    e.capture.amends = amends;
    append(k, &e, by, vdm_buf_bytes(&text));
    return e.n;
}

static inline void append_withdrawal(struct kit *k, int by, uint64_t of, enum vdm_scope scope)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_WITHDRAWAL};
    e.withdrawal = (struct vdm_withdrawal){of, scope, VDM_LIT("a court"), {NULL, 0}};
    append(k, &e, by, (struct vdm_bytes){0});
}

/* Captures up to number `to`, not included, in one commit. Document n is "document <n>\n". */
static inline void capture_until(struct kit *k, uint64_t to)
{
    char text[64];
    MUST(vdm_writer_begin(k->w, &k->err));
    while (vdm_writer_next(k->w) < to) {
        snprintf(text, sizeof text, "document %llu\n", (unsigned long long)vdm_writer_next(k->w));
        append_capture(k, AMAL, text, 0);
    }
    MUST(vdm_store_sync(k->a->store, &k->err));
    MUST(vdm_writer_commit(k->w, &k->err));
}

/* --- attacks --- */

static inline void raw_exec(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Change ledger.db with the triggers out of the way, and put them back as they were. */
static inline void edit_ledger(struct kit *k, const char *sql)
{
    struct vdm_buf all VDM_CLEANUP(vdm_buf_release) = {0};
    PATH(path, "%s/store/ledger.db", k->path);
    kit_close(k);
    vdm_buf_puts(&all, "PRAGMA ignore_check_constraints=ON; BEGIN;");
    for (int put_back = 0; put_back < 2; put_back++) {
        for (const char *const *s = vdm_ledger_schema; *s; s++) {
            char name[64];
            if (sscanf(*s, "CREATE TRIGGER %63s", name) != 1)
                continue;
            if (put_back)
                vdm_buf_putf(&all, "%s;", *s);
            else
                vdm_buf_putf(&all, "DROP TRIGGER %s;", name);
        }
        if (!put_back)
            vdm_buf_putf(&all, "%s;", sql);
    }
    vdm_buf_puts(&all, "COMMIT");
    vdm_buf_putc(&all, 0);
    raw_exec(path, (char *)all.p);
}

static inline void edit_catalog(struct kit *k, const char *sql)
{
    PATH(path, "%s/store/catalog.db", k->path);
    kit_close(k);
    raw_exec(path, sql);
}

static inline void VDM_PRINTF(1, 2) shell(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    assert_true(vsnprintf(command, sizeof command, format, args) < (int)sizeof command);
    va_end(args);
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* --- the check --- */

struct asked {
    bool no_trust;
    const struct vdm_policy *policy;
    struct vdm_bytes kept;
    bool without_documents;
    unsigned threads;
};

static inline bool kit_check(struct kit *k, struct asked asked)
{
    struct vdm_kept_checkpoint kept = {"the one kept", asked.kept};
    struct vdm_verify_options o = {
        .trust = vdm_signer_vkey(k->key[asked.no_trust ? STRANGER : AUTHORITY]),
        .trusts = 1,
        .policy = asked.policy,
        .kept = &kept,
        .kepts = asked.kept.n > 0,
        .without_documents = asked.without_documents,
        .threads = asked.threads};
    k->err = (struct vdm_err){0};
    vdm_report_release(&k->report);
    bool ran = vdm_verify_archive(k->c, k->path, &o, NULL, &k->report, &k->err);
    for (int i = 0; i < VDM_KINDS; i++)
        k->seen[i] += k->report.kinds[i];
    return ran;
}

static inline void print_list(const struct vdm_findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        print_message("  %s entry %lld: %s\n", vdm_kind_word(f->list[i].kind),
                      (long long)f->list[i].entry, f->list[i].message);
}

static inline void print_report(const struct kit *k)
{
    print_message("  %s\n", k->err.text);
    print_list(&k->report.findings);
    print_list(&k->report.notices);
}

static inline bool has(const struct kit *k, enum vdm_finding_kind kind, uint64_t entry)
{
    const struct vdm_findings *f =
        kind < VDM_FINDING_KINDS ? &k->report.findings : &k->report.notices;
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].kind == kind && f->list[i].entry == entry)
            return true;
    return false;
}

static inline void must_have(const struct kit *k, enum vdm_finding_kind kind, uint64_t entry)
{
    if (has(k, kind, entry))
        return;
    print_report(k);
    fail_msg("no %s of entry %lld", vdm_kind_word(kind), (long long)entry);
}

static inline void must_be_clean(struct kit *k, struct asked asked)
{
    MUST(kit_check(k, asked));
    if (vdm_report_findings(&k->report))
        print_report(k);
    assert_int_equal(vdm_report_findings(&k->report), 0);
    assert_int_equal(vdm_report_verdict(&k->report), VDM_VERIFIED);
}

#endif
