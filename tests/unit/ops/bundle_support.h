/* SPDX-License-Identifier: MIT */
/* What the tests of bundles share: a small archive, made through the writer, and programs that are
 * not ours to look at what comes out of it. */
#ifndef TESTS_OPS_BUNDLE_SUPPORT_H
#define TESTS_OPS_BUNDLE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "ops/bundle.h"
#include "ops/writer.h"
#include "store/store_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORIGIN "archive.example.org/statements"

struct fixture {
    char dir[40]; /* of this test; `archive` is in it */
    struct vdm_crypto *c;
    struct vdm_signer *authority, *ledger, *amal, *auditor, *old, *stranger;
    struct vdm_archive *a;
    struct vdm_writer *w;
    bool begun;
    struct vdm_err err;
};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, f->err.text);                                                \
    } while (0)

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* Runs a command in the fixture's folder; its exit status. Output goes to the file `output`. */
VDM_PRINTF(2, 3)
static inline int run(const struct fixture *f, const char *format, ...)
{
    char command[2048], whole[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int n = snprintf(whole, sizeof whole, "cd %s && { %s\n} > %s/output 2>&1 < /dev/null", f->dir,
                     command, f->dir);
    assert_true(n > 0 && n < (int)sizeof whole);
    int status = system(whole);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The whole of a file below the fixture's folder, as a string the caller frees. */
static inline char *content(struct fixture *f, const char *name)
{
    struct vdm_buf b = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    MUST(vdm_file_read(AT_FDCWD, path, 64u << 20, &b, &f->err));
    vdm_buf_putc(&b, 0);
    return (char *)b.p;
}

static inline void must_run(struct fixture *f, const char *command)
{
    if (run(f, "%s", command) != 0) {
        char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
        fail_msg("%s\n%s", command, said);
    }
}

/* --- an archive --- */

static inline void begin(struct fixture *f)
{
    if (!f->begun)
        MUST(vdm_writer_begin(f->w, &f->err));
    f->begun = true;
}

static inline struct vdm_time tick(const struct fixture *f)
{
    return (struct vdm_time){1577934186 + 61 * (int64_t)vdm_writer_next(f->w)};
}

static inline void append(struct fixture *f, struct vdm_entry *e, const struct vdm_signer *by,
                          struct vdm_bytes record)
{
    begin(f);
    e->recorded = tick(f);
    MUST(vdm_writer_append(f->w, e, by, record, &f->err));
}

static inline void append_key(struct fixture *f, enum vdm_key_action action, enum vdm_key_role role,
                              const struct vdm_signer *key)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_KEY};
    e.key = (struct vdm_key_event){.action = action, .role = role, .key = *vdm_signer_vkey(key)};
    append(f, &e, f->authority, (struct vdm_bytes){0});
}

static inline void append_genesis(struct fixture *f)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_GENESIS};
    e.genesis = (struct vdm_genesis){.authority = *vdm_signer_vkey(f->authority),
                                     .ledger_key = *vdm_signer_vkey(f->ledger),
                                     .software = VDM_LIT("vidimus test")};
    append(f, &e, f->authority, (struct vdm_bytes){0});
    append_key(f, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, f->amal);
    append_key(f, VDM_KEY_AUTHORIZE, VDM_ROLE_AUDITOR, f->auditor);
    append_key(f, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, f->old);
    append_key(f, VDM_KEY_RETIRE, VDM_ROLE_SIGNER, f->old);
}

static inline struct vdm_digest keep(struct fixture *f, struct vdm_bytes document)
{
    struct vdm_stored stored;
    struct vdm_bytes left = document;
    MUST(vdm_store_put(f->a->store, vdm_read_bytes, &left, document.n, &stored, &f->err));
    return stored.id;
}

/* Text fields, in the order of the record; a NULL value ends them. */
struct said {
    enum vdm_field field;
    const char *value;
};
#define SAID(...) ((const struct said[17]){__VA_ARGS__})
#define NOTHING   ((const struct said[1]){{VDM_FIELD_DOCUMENT, NULL}})

static inline void make_record(struct fixture *f, struct vdm_digest document, size_t size,
                               const struct said *said, struct vdm_buf *out)
{
    struct vdm_record_line line[16];
    uint8_t secret[32];
    size_t n = 0;
    memset(secret, (int)(vdm_writer_next(f->w) & 0xFF), sizeof secret);
    for (; said[n].value; n++)
        line[n] = (struct vdm_record_line){said[n].field, vdm_str(said[n].value)};
    MUST(vdm_record_append(out, secret, document, size, line, n, NULL, &f->err));
}

/* Number of the new entry. `amends` == 0: a capture. */
static inline uint64_t append_record(struct fixture *f, uint64_t amends, const char *document,
                                     const struct said *said)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = amends ? VDM_ENTRY_AMENDMENT : VDM_ENTRY_CAPTURE};
    struct vdm_record r;
    begin(f);
    make_record(f, keep(f, vdm_str(document)), strlen(document), said, &text);
    MUST(vdm_record_decode(vdm_buf_bytes(&text), &r, &f->err));
    MUST(vdm_record_commit(f->c, &r, &e.capture.record, &f->err));
    e.capture.amends = amends;
    append(f, &e, f->amal, vdm_buf_bytes(&text));
    return vdm_writer_next(f->w) - 1;
}

static inline void append_withdrawal(struct fixture *f, uint64_t of, enum vdm_scope scope)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_WITHDRAWAL};
    e.withdrawal = (struct vdm_withdrawal){of, scope, VDM_LIT("court, 12/2020"), {NULL, 0}};
    append(f, &e, f->authority, (struct vdm_bytes){0});
}

static inline void append_audit(struct fixture *f)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_AUDIT};
    e.audit = (struct vdm_audit){.size = 5, .mode = VDM_AUDIT_FULL, .covered = VDM_LIT("0-4")};
    append(f, &e, f->auditor, (struct vdm_bytes){0});
}

static inline void commit(struct fixture *f)
{
    MUST(vdm_store_sync(f->a->store, &f->err));
    MUST(vdm_writer_commit(f->w, &f->err));
    f->begun = false;
}

static inline void open_fixture(struct fixture *f)
{
    char path[300];
    snprintf(path, sizeof path, "%s/archive", f->dir);
    MUST(vdm_archive_open(&f->a, f->c, path, VDM_ARCHIVE_WRITE, &f->err));
    MUST(vdm_writer_open(&f->w, f->a, f->ledger, &f->err));
}

static inline void close_fixture(struct fixture *f)
{
    vdm_writer_close(f->w);
    vdm_archive_close(f->a);
    f->w = NULL;
    f->a = NULL;
}

static inline void make_signers(struct fixture *f)
{
    const struct {
        struct vdm_signer **key;
        const char *name;
    } keys[] = {
        {&f->authority, ORIGIN "/authority"},   {&f->ledger, ORIGIN},
        {&f->amal, "amal@archive.example.org"}, {&f->auditor, "audit@archive.example.org"},
        {&f->old, "old@archive.example.org"},   {&f->stranger, ORIGIN},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        MUST(vdm_signer_generate(keys[i].key, f->c, vdm_str(keys[i].name), &f->err));
}

/* Genesis and keys are entries 0 to 4, committed. */
static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char path[300];
    assert_non_null(f);
    *state = f;
    /* In memory where there is such a place: this is not about what survives a power cut. */
    bool memory = access("/dev/shm", W_OK) == 0;
    strcpy(f->dir, memory ? "/dev/shm/vdm-bundle-XXXXXX" : "/tmp/vdm-bundle-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    MUST(vdm_crypto_open(&f->c, &f->err));
    make_signers(f);
    snprintf(path, sizeof path, "%s/archive", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/archive/keys", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/archive/store", f->dir);
    MUST(vdm_store_create_folder(path, true, &f->err));
    MUST(vdm_ledger_create(path, 0, &f->err));
    open_fixture(f);
    append_genesis(f);
    commit(f);
    close_fixture(f); /* an archive reads its own name when it is opened */
    open_fixture(f);
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    close_fixture(f);
    struct vdm_signer *keys[] = {f->authority, f->ledger, f->amal, f->auditor, f->old, f->stranger};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        vdm_signer_close(keys[i]);
    vdm_crypto_close(f->c);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

#define DEED "<html>A deed of gift</html>\n"

/* Entries 5 to 16. */
static inline void fill(struct fixture *f)
{
    append_record(
        f, 0, DEED,
        SAID({VDM_FIELD_FILE_NAME, "Deed of Gift.HTML"},
             {VDM_FIELD_SOURCE, "https://council.example/r/12"}, {VDM_FIELD_CAPTURED, "2019-11-28"},
             {VDM_FIELD_TITLE, "The \x1b[31mcouncil\xE2\x80\xAE met \xC5\x81"},
             {VDM_FIELD_ISSUED, "2019-11-28"}, {VDM_FIELD_NOTE, "a hidden remark"})); /* 5 */
    append_record(f, 0, "plain\n", NOTHING);                                /* 6: nothing stated */
    append_record(f, 5, DEED, SAID({VDM_FIELD_TITLE, "The council met!"})); /* 7 */
    append_record(f, 0, "withdrawn document\n", SAID({VDM_FIELD_TITLE, "Doc gone"}));
    append_record(f, 0, "withdrawn record\n", SAID({VDM_FIELD_TITLE, "Rec gone"}));
    append_record(f, 0, "both withdrawn\n", SAID({VDM_FIELD_TITLE, "All gone"}));
    append_record(f, 9, "withdrawn record\n", SAID({VDM_FIELD_TITLE, "Rec gone too"})); /* 11 */
    append_withdrawal(f, 8, VDM_SCOPE_DOCUMENT);                                        /* 12 */
    append_withdrawal(f, 9, VDM_SCOPE_RECORD);                                          /* 13 */
    append_withdrawal(f, 10, VDM_SCOPE_BOTH);                                           /* 14 */
    append_record(f, 5, DEED, SAID({VDM_FIELD_TITLE, "The council met at noon"}));      /* 15 */
    append_record(f, 0, "", SAID({VDM_FIELD_INFERRED, "issued 1999"}));                 /* 16 */
    commit(f);
}

/* Behind the back of the program. */
static inline void edit_ledger(struct fixture *f, const char *sql)
{
    close_fixture(f);
    int status =
        run(f,
            "/usr/bin/python3 -c \"import sqlite3; d = sqlite3.connect('archive/store/ledger.db')\n"
            "for t in d.execute(\\\"select name from sqlite_master where type='trigger'\\\")"
            ".fetchall(): d.execute('drop trigger ' + t[0])\n"
            "d.execute('''%s'''); d.commit()\"",
            sql);
    if (status != 0)
        skip();
    open_fixture(f);
}

/* --- bundles --- */

struct wish {
    const char *name; /* of the file, in the fixture's folder */
    const uint64_t *entry;
    size_t entries;
    const struct vdm_catalog_filter *filter;
    uint64_t fields;
    bool receipt, unsealed, replace;
    unsigned threads;
    const struct vdm_signer *sealer; /* NULL: amal */
    const struct vdm_progress *progress;
};
#define ENTRIES(...)                                                                               \
    .entry = (const uint64_t[]){__VA_ARGS__},                                                      \
    .entries = sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static inline bool try_bundle(struct fixture *f, const struct wish *w, struct vdm_bundle_made *made)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", f->dir, w->name);
    struct vdm_bundle_request r = {.output = path,
                                   .replace = w->replace,
                                   .entry = w->entry,
                                   .entries = w->entries,
                                   .filter = w->filter,
                                   .fields = w->fields,
                                   .without_documents = w->receipt,
                                   .created = {1600000000},
                                   .agent = "vidimus test",
                                   .threads = w->threads};
    const struct vdm_signer *sealer = w->unsealed ? NULL : w->sealer ? w->sealer : f->amal;
    f->err = (struct vdm_err){0};
    return vdm_bundle_write(f->a, &r, sealer, w->progress, made, &f->err);
}

static inline struct vdm_bundle_made bundle(struct fixture *f, struct wish w)
{
    struct vdm_bundle_made made = {0};
    MUST(try_bundle(f, &w, &made));
    return made;
}

/* It must fail so, with these words, and leave nothing but what was in the folder before. */
static inline void refuse_bundle(struct fixture *f, struct wish w, enum vdm_err_kind kind,
                                 const char *words)
{
    struct vdm_bundle_made made = {0};
    assert_int_equal(run(f, "ls -A | grep -v output > archive/before"), 0);
    if (try_bundle(f, &w, &made))
        fail_msg("%s was written", w.name);
    if (f->err.kind != kind || !strstr(f->err.text, words))
        fail_msg("kind %d, not %d (%s): %s", f->err.kind, kind, words, f->err.text);
    assert_null(made.checkpoint.p);
    must_run(f, "ls -A | grep -v output | diff archive/before - ");
}

/* With the program that shares no code with this one. `options` beside --trust. */
static inline void check_with_python(struct fixture *f, const char *name, const char *options,
                                     const char *words)
{
    struct vdm_buf key VDM_CLEANUP(vdm_buf_release) = {0};
    if (access(VDM_SOURCE_DIR "/tests/interop/vidimus_verify.py", R_OK) != 0 ||
        access("/usr/bin/python3", X_OK) != 0)
        return;
    vdm_vkey_append(&key, vdm_signer_vkey(f->authority));
    vdm_buf_putc(&key, 0);
    int status = run(f, "/usr/bin/python3 -B %s/tests/interop/vidimus_verify.py --trust %s %s %s",
                     VDM_SOURCE_DIR, (char *)key.p, options, name);
    char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
    if (status != 0 || !strstr(said, words))
        fail_msg("exit %d, not '%s' in:\n%s", status, words, said);
}

/* Into the folder `bag`, afresh. */
static inline void unpack(struct fixture *f, const char *name)
{
    char command[300];
    snprintf(command, sizeof command,
             "rm -rf bag && mkdir bag && tar -xaf %s -C bag --strip-components=1", name);
    must_run(f, command);
}

/* The commands of VERIFY.txt, as they stand in it. */
static inline int verify_by_hand(struct fixture *f)
{
    return run(f, "cd bag && sed -n 's/^    //p' vidimus/VERIFY.txt > ../by-hand.sh && "
                  "sh ../by-hand.sh");
}

static inline void check_by_hand(struct fixture *f)
{
    int status = verify_by_hand(f);
    char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
    char *last = strstr(said, "GOOD: all of it holds under the authority key " ORIGIN);
    if (status != 0 || !last || (last != said && last[-1] != '\n'))
        fail_msg("exit %d:\n%s", status, said);
}

#endif
