/* SPDX-License-Identifier: MIT */
/* Import: what is recorded, what is known already, what is refused; and that nothing is acknowledged
 * which is not durable (I3), nothing stored that was not hashed, no source changed (I8). */
#include "unit/ops/archive_kit.h"

#include "support/documents.h"

#include "keys/mark.h"
#include "ops/doubt.h"
#include "ops/import.h"

#define TOLD 64

struct told {
    struct vdm_input input[TOLD]; /* path and reason are copies */
    char path[TOLD][128];
    char reason[TOLD][200];
    size_t n;
    struct vdm_import_done done;
    bool ok;
};

static void tell(void *ctx, const struct vdm_input *input)
{
    struct told *t = ctx;
    assert_true(t->n < TOLD);
    t->input[t->n] = *input;
    snprintf(t->path[t->n], sizeof t->path[0], "%.*s", (int)input->path.n,
             (const char *)input->path.p);
    snprintf(t->reason[t->n], sizeof t->reason[0], "%s", input->reason ? input->reason : "");
    t->n++;
}

static int setup(void **state)
{
    struct kit *k = calloc(1, sizeof *k);
    assert_non_null(k);
    *state = k;
    kit_start(k);
    kit_make(k, 0);
    assert_int_equal(chdir(k->dir), 0);
    return 0;
}

static int teardown(void **state)
{
    struct kit *k = *state;
    assert_int_equal(chdir("/"), 0);
    kit_end(k);
    free(k);
    return 0;
}

static void import(struct kit *k, const struct vdm_import_request *r,
                   const struct vdm_progress *progress, struct told *t)
{
    const struct vdm_signers signers = {.signer = k->key[AMAL], .ledger = k->key[LEDGER]};
    memset(t, 0, sizeof *t);
    k->err = (struct vdm_err){0};
    t->ok = vdm_import(k->a, r, &signers, progress, tell, t, &t->done, &k->err);
    assert_int_equal(t->done.checkpoint.n > 0, t->done.imported > 0 && !r->dry_run);
    vdm_buf_release(&t->done.checkpoint);
}

static void is_clean(struct kit *k)
{
    kit_close(k);
    must_be_clean(k, (struct asked){0});
    kit_open(k);
}

#define REQUEST(...)                                                                               \
    .paths = (const char *const[]){__VA_ARGS__},                                                   \
    .n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define GIVEN(...)                                                                                 \
    .given = (const struct vdm_record_line[]){__VA_ARGS__},                                        \
    .givens =                                                                                      \
        sizeof((const struct vdm_record_line[]){__VA_ARGS__}) / sizeof(struct vdm_record_line)
#define BIT(f) (UINT64_C(1) << (f))

static void expect(const struct told *t, size_t i, enum vdm_input_status status, const char *path)
{
    assert_true(i < t->n);
    if (t->input[i].status != status)
        fail_msg("%s: %s", t->path[i], t->reason[i]);
    assert_string_equal(t->path[i], path);
}

static struct vdm_buf record_of(struct kit *k, uint64_t n)
{
    struct vdm_buf b = {0};
    bool found;
    MUST(vdm_ledger_record(k->a->ledger, n, &b, &found, &k->err));
    assert_true(found);
    vdm_buf_putc(&b, 0);
    return b;
}

static void says(struct kit *k, uint64_t n, const char *line, bool yes)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = record_of(k, n);
    if ((strstr((char *)b.p, line) != NULL) != yes)
        fail_msg("entry %d: %s in\n%s", (int)n, line, (char *)b.p);
}

/* --- what is the same --- */

static void known_again(void **state)
{
    struct kit *k = *state;
    struct told t;
    struct vdm_import_request r = {REQUEST("one"),
                                   GIVEN({VDM_FIELD_SOURCE, VDM_LIT("https://example.org/1")},
                                         {VDM_FIELD_TITLE, VDM_LIT("First")})};
    file_write("one", VDM_LIT("content"));
    import(k, &r, NULL, &t);
    assert_true(t.ok);
    expect(&t, 0, VDM_INPUT_RECORDED, "one");
    assert_int_equal(t.input[0].entry, 2);
    assert_int_equal(t.done.first, 2);
    assert_int_equal(t.done.last, 2);
    import(k, &r, NULL, &t);
    expect(&t, 0, VDM_INPUT_KNOWN, "one");
    assert_int_equal(t.input[0].entry, 2);
    assert_int_equal(t.input[0].differs, 0);
    assert_int_equal(t.done.known, 1);
    assert_int_equal(t.done.imported, 0);
    /* Other words about the same are told, not recorded. */
    struct vdm_import_request other = {REQUEST("one"),
                                       GIVEN({VDM_FIELD_SOURCE, VDM_LIT("https://example.org/1")},
                                             {VDM_FIELD_TITLE, VDM_LIT("Second")},
                                             {VDM_FIELD_ISSUER, VDM_LIT("somebody")})};
    import(k, &other, NULL, &t);
    expect(&t, 0, VDM_INPUT_KNOWN, "one");
    assert_int_equal(t.input[0].differs, BIT(VDM_FIELD_TITLE) | BIT(VDM_FIELD_ISSUER));
    other.again = true;
    import(k, &other, NULL, &t);
    expect(&t, 0, VDM_INPUT_RECORDED, "one");
    assert_int_equal(t.input[0].entry, 3);
    says(k, 3, "\nfollows 2\n", true);
    says(k, 2, "\nfollows ", false);
    is_clean(k);
}

/* Document, source and captured time together say what is the same; and not stated is a value. */
static void what_makes_it_another(void **state)
{
    struct kit *k = *state;
    struct told t;
    file_write("one", VDM_LIT("content"));
    file_write("two", VDM_LIT("content"));
    struct vdm_import_request bare = {REQUEST("one")};
    struct vdm_import_request source = {REQUEST("one"), GIVEN({VDM_FIELD_SOURCE, VDM_LIT("s")})};
    struct vdm_import_request time = {
        REQUEST("one"),
        GIVEN({VDM_FIELD_SOURCE, VDM_LIT("s")}, {VDM_FIELD_CAPTURED, VDM_LIT("2020-01-01")})};
    const struct vdm_import_request *const different[] = {&bare, &source, &time};
    for (uint64_t i = 0; i < 3; i++) {
        import(k, different[i], NULL, &t);
        expect(&t, 0, VDM_INPUT_RECORDED, "one");
        assert_int_equal(t.input[0].entry, 2 + i);
    }
    says(k, 4, "\nfollows 3\n", true);
    /* The same bytes under another name, in one run, are the same. */
    struct vdm_import_request both = {REQUEST("two", "one")};
    import(k, &both, NULL, &t);
    expect(&t, 0, VDM_INPUT_KNOWN, "two");
    assert_int_equal(t.input[0].differs, BIT(VDM_FIELD_FILE_NAME));
    file_write("one", VDM_LIT("other content"));
    file_write("two", VDM_LIT("other content"));
    import(k, &both, NULL, &t);
    expect(&t, 0, VDM_INPUT_RECORDED, "two");
    expect(&t, 1, VDM_INPUT_KNOWN, "one");
    assert_int_equal(t.input[1].entry, t.input[0].entry);
    is_clean(k);
}

static void dry_run(void **state)
{
    struct kit *k = *state;
    struct told t;
    uint64_t size;
    struct vdm_import_request r = {REQUEST("one"), .dry_run = true};
    file_write("one", VDM_LIT("content"));
    shell("find a -type f -exec sha256sum {} + | sort > before");
    import(k, &r, NULL, &t);
    assert_true(t.ok);
    expect(&t, 0, VDM_INPUT_WOULD_RECORD, "one");
    MUST(vdm_ledger_size(k->a->ledger, &size, &k->err));
    assert_int_equal(size, 2);
    shell("find a -type f -exec sha256sum {} + | sort | cmp - before");
}

/* --- what is stated --- */

static void rows_before_options(void **state)
{
    struct kit *k = *state;
    struct told t;
    file_write("one", VDM_LIT("1"));
    file_write("two", VDM_LIT("2"));
    file_write("three", VDM_LIT("3"));
    file_write("t.csv", VDM_LIT("file,title,issuer,issuer,note\n"
                                "one,Row title,A,B,from the row\n"
                                "two,,,,\n"
                                "gone,x,,,\n"));
    struct vdm_import_request r = {
        REQUEST("one", "two", "three"), .table = "t.csv",
        GIVEN({VDM_FIELD_TITLE, VDM_LIT("Option title")}, {VDM_FIELD_ISSUER, VDM_LIT("C")},
              {VDM_FIELD_NOTE, VDM_LIT("from the option")}, {VDM_FIELD_UNKNOWN, VDM_LIT("source")},
              {VDM_FIELD_UNKNOWN, VDM_LIT("issued")})};
    import(k, &r, NULL, &t);
    assert_true(t.ok);
    assert_int_equal(t.n, 4);
    expect(&t, 0, VDM_INPUT_REFUSED, "three");
    expect(&t, 1, VDM_INPUT_REFUSED, "gone");
    expect(&t, 2, VDM_INPUT_RECORDED, "one");
    expect(&t, 3, VDM_INPUT_RECORDED, "two");
    says(k, 2, "\ntitle Row title\n", true);
    says(k, 2, "Option title", false);
    says(k, 2, "\nissuer A\nissuer B\n", true);
    says(k, 2, "issuer C", false);
    says(k, 2, "\nnote from the row\nnote from the option\n", true);
    says(k, 2, "\nunknown source\nunknown issued\n", true);
    says(k, 3, "\ntitle Option title\n", true);
    says(k, 3, "\nissuer C\n", true);
    assert_int_equal(t.done.not_stated[VDM_FIELD_TITLE], 0);
    assert_int_equal(t.done.not_stated[VDM_FIELD_SOURCE], 0); /* said to be unknown */
    assert_int_equal(t.done.not_stated[VDM_FIELD_CAPTURED], 2);
    is_clean(k);
}

static void refused_and_the_rest_goes_on(void **state)
{
    struct kit *k = *state;
    struct told t;
    file_write("one", VDM_LIT("1"));
    file_write("two", VDM_LIT("2"));
    file_write("t.csv", VDM_LIT("file,captured,issued,title\n"
                                "one,yesterday,,\n"
                                "two,2020-02-28,2020-01~,T\n"));
    struct vdm_import_request r = {REQUEST("one", "two", "none"), .table = "t.csv"};
    import(k, &r, NULL, &t);
    assert_true(t.ok);
    assert_int_equal(t.n, 3);
    expect(&t, 0, VDM_INPUT_REFUSED, "one");
    assert_non_null(strstr(t.reason[0], "captured is not a date"));
    expect(&t, 1, VDM_INPUT_RECORDED, "two"); /* told in the order of the inputs */
    expect(&t, 2, VDM_INPUT_REFUSED, "none");
    /* 30 February is no date either. */
    struct vdm_import_request bad = {REQUEST("one"),
                                     GIVEN({VDM_FIELD_ISSUED, VDM_LIT("2020-02-30")})};
    import(k, &bad, NULL, &t);
    expect(&t, 0, VDM_INPUT_REFUSED, "one");
    assert_non_null(strstr(t.reason[0], "issued-as-written"));
    struct vdm_import_request required = {REQUEST("one"),
                                          .required = BIT(VDM_FIELD_TITLE) | BIT(VDM_FIELD_SOURCE),
                                          GIVEN({VDM_FIELD_TITLE, VDM_LIT("T")})};
    import(k, &required, NULL, &t);
    expect(&t, 0, VDM_INPUT_REFUSED, "one");
    assert_non_null(strstr(t.reason[0], "source is required"));
    struct vdm_import_request unknown = {
        REQUEST("one"), .required = BIT(VDM_FIELD_TITLE) | BIT(VDM_FIELD_SOURCE),
        GIVEN({VDM_FIELD_TITLE, VDM_LIT("T")}, {VDM_FIELD_UNKNOWN, VDM_LIT("source")})};
    import(k, &unknown, NULL, &t);
    expect(&t, 0, VDM_INPUT_RECORDED, "one");
    is_clean(k);
}

static void not_itself(void **state)
{
    struct kit *k = *state;
    struct told t;
    uint64_t size;
    file_write("one", VDM_LIT("1"));
    assert_int_equal(symlink("a/store", "link"), 0);
    struct vdm_import_request r = {REQUEST("a", "a/keys/last-checkpoint", "link", "one")};
    import(k, &r, NULL, &t);
    assert_true(t.ok);
    assert_int_equal(t.n, 5); /* keys/ and store/ of the first, and one for each of the rest */
    for (size_t i = 0; i + 1 < t.n; i++) {
        assert_int_equal(t.input[i].status, VDM_INPUT_REFUSED);
        assert_non_null(strstr(t.reason[i], "archive itself"));
    }
    expect(&t, t.n - 1, VDM_INPUT_RECORDED, "one");
    MUST(vdm_ledger_size(k->a->ledger, &size, &k->err));
    assert_int_equal(size, 3);
    is_clean(k);
}

/* --- I8: a source that changes under way --- */

struct meddler {
    const char *path;
    int kind;
    bool done;
};

static void meddle(void *ctx, const char *doing, uint64_t done, uint64_t total, uint64_t bytes)
{
    struct meddler *m = ctx;
    (void)done;
    (void)total;
    if (m->done || strcmp(doing, "importing") != 0 || bytes == 0)
        return;
    m->done = true;
    int fd = open(m->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    if (m->kind == 0)
        assert_int_equal(pwrite(fd, "x", 1, 1 << 20), 1);
    else if (m->kind == 1)
        assert_int_equal(ftruncate(fd, 1 << 19), 0);
    else
        assert_int_equal(pwrite(fd, "x", 1, 1 << 21), 1);
    close(fd);
}

static void source_changes(void **state)
{
    static uint8_t large[1 << 21];
    for (int kind = 0; kind < 3; kind++) {
        struct kit *k = *state;
        struct told t;
        struct meddler m = {"large", kind, false};
        const struct vdm_progress p = {.tell = meddle, .ctx = &m};
        struct vdm_import_request r = {REQUEST("large", "small")};
        file_write("large", (struct vdm_bytes){large, sizeof large});
        file_write("small", (struct vdm_bytes){large, 1 + (size_t)kind});
        import(k, &r, &p, &t);
        assert_true(t.ok && m.done);
        expect(&t, 0, VDM_INPUT_REFUSED, "large");
        assert_non_null(strstr(t.reason[0], "changed while it was read"));
        expect(&t, 1, VDM_INPUT_RECORDED, "small");
        is_clean(k);
        assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], 0);
    }
}

static void write_warc(const char *path)
{
    static const char record[] =
        "WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:%d>\r\n"
        "WARC-Date: 2026-01-02T03:04:05Z\r\nWARC-Target-URI: https://e.example/%d\r\n"
        "Content-Length: 9\r\n\r\nStatement\r\n\r\n";
    struct vdm_buf warc VDM_CLEANUP(vdm_buf_release) = {0};
    for (int i = 0; i < 3; i++)
        vdm_buf_putf(&warc, record, i, i % 2);
    file_write(path, vdm_buf_bytes(&warc));
}

/* Of a container's members nobody knows how many there are. */
static void meddle_at_members(void *ctx, const char *doing, uint64_t done, uint64_t total,
                              uint64_t bytes)
{
    struct meddler *m = ctx;
    (void)done;
    if (m->done || strcmp(doing, "importing") != 0 || total > 0 || bytes == 0)
        return;
    m->done = true;
    file_write(m->path, VDM_LIT("something else"));
}

/* The WARC is what was stored of it; its members are no part of that any more. */
static void container_changes(void **state)
{
    struct kit *k = *state;
    struct told t;
    struct meddler m = {"in.warc", 0, false};
    const struct vdm_progress p = {.tell = meddle_at_members, .ctx = &m};
    struct vdm_import_request r = {REQUEST("in.warc")};
    write_warc("in.warc");
    import(k, &r, &p, &t);
    assert_true(t.ok && m.done);
    expect(&t, 0, VDM_INPUT_RECORDED, "in.warc");
    assert_true(t.n > 1);
    for (size_t i = 1; i < t.n; i++) {
        assert_int_equal(t.input[i].status, VDM_INPUT_REFUSED);
        assert_non_null(strstr(t.reason[i], "its container changed while it was read"));
    }
    is_clean(k);
}

static void source_is_left_alone(void **state)
{
    struct kit *k = *state;
    struct told t;
    assert_int_equal(mkdir("in", 0700), 0);
    file_write("in/one", VDM_LIT("1"));
    file_write("in/two", VDM_LIT("2"));
    shell("touch -a -d 2001-01-01 in/one in/two");
    shell("find in -printf '%%p %%s %%A@ %%T@ %%m %%i\\n' | sort > before");
    struct vdm_import_request r = {REQUEST("in")};
    import(k, &r, NULL, &t);
    assert_int_equal(t.done.imported, 2);
    shell("find in -type f -printf '%%p %%s %%A@ %%T@ %%m %%i\\n' | sort > after;"
          "grep -v '^in ' before | cmp - after");
}

/* --- I3: acknowledged is what is durable --- */

static bool sync_fails;
bool __real_vdm_fd_sync_filesystem(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_filesystem(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_filesystem(int fd, struct vdm_err *err)
{
    return sync_fails ? vdm_fail(err, "Input/output error")
                      : __real_vdm_fd_sync_filesystem(fd, err);
}

bool __real_vdm_fd_sync_data(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_data(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_data(int fd, struct vdm_err *err)
{
    return sync_fails ? vdm_fail(err, "Input/output error") : __real_vdm_fd_sync_data(fd, err);
}

static void sync_that_fails(void **state)
{
    struct kit *k = *state;
    struct told t;
    uint64_t size;
    struct vdm_import_request r = {REQUEST("one")};
    file_write("one", VDM_LIT("1"));
    sync_fails = true;
    import(k, &r, NULL, &t);
    sync_fails = false;
    assert_false(t.ok);
    assert_non_null(strstr(k->err.text, "Input/output error"));
    assert_int_equal(t.n, 0);
    assert_int_equal(t.done.imported, 0);
    MUST(vdm_ledger_size(k->a->ledger, &size, &k->err));
    assert_int_equal(size, 2);
    import(k, &r, NULL, &t); /* the handle is not to be used again */
    assert_false(t.ok);
    kit_open(k);
    import(k, &r, NULL, &t); /* nor is anything written before all was verified */
    assert_false(t.ok);
    assert_non_null(strstr(k->err.text, "a write failed here"));
    struct vdm_doubt doubt;
    MUST(vdm_doubt_settle(k->a, NULL, &doubt, &k->err));
    assert_true(doubt.verified);
    assert_int_equal(doubt.documents, 0);
    import(k, &r, NULL, &t);
    assert_int_equal(t.done.imported, 1);
    is_clean(k);
}

struct stopper {
    unsigned after;
};

static bool stop(void *ctx)
{
    struct stopper *s = ctx;
    return s->after-- == 0;
}

/* The mark goes only after a verification that came to its end. */
static void doubt_interrupted(void **state)
{
    struct kit *k = *state;
    struct stopper s = {0};
    struct vdm_progress p = {.stop = stop, .ctx = &s};
    struct vdm_doubt doubt;
    MUST(vdm_mark_set(k->a->keys, "why", &k->err));
    assert_false(vdm_doubt_settle(k->a, &p, &doubt, &k->err));
    assert_int_equal(k->err.kind, VDM_ERR_INTERRUPTED);
    assert_true(vdm_mark_is_set(k->a->keys));
    MUST(vdm_doubt_settle(k->a, NULL, &doubt, &k->err));
    assert_false(vdm_mark_is_set(k->a->keys));
    MUST(vdm_doubt_settle(k->a, NULL, &doubt, &k->err));
    assert_false(doubt.verified);
}

/* One that somebody else sets while we verify is not taken away. */
static void doubt_renewed(void **state)
{
    struct kit *k = *state;
    MUST(vdm_mark_set(k->a->keys, "one", &k->err));
    uint64_t id = vdm_mark_id(k->a->keys);
    usleep(20000); /* time stamps of files have the grain of a clock tick */
    MUST(vdm_mark_set(k->a->keys, "two", &k->err));
    MUST(vdm_mark_clear(k->a->keys, id, &k->err));
    assert_true(vdm_mark_is_set(k->a->keys));
    MUST(vdm_mark_clear(k->a->keys, vdm_mark_id(k->a->keys), &k->err));
    assert_false(vdm_mark_is_set(k->a->keys));
}

static void interrupted(void **state)
{
    struct kit *k = *state;
    struct told t;
    uint64_t size;
    char name[16];
    assert_int_equal(mkdir("in", 0700), 0);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "in/%d", i);
        file_write(name, vdm_str(name));
    }
    struct stopper s = {
        10 + 11 + 4}; /* asked for each file when compared, gathered (and for the end) and taken */
    const struct vdm_progress p = {.stop = stop, .ctx = &s};
    struct vdm_import_request r = {REQUEST("in")};
    import(k, &r, &p, &t);
    assert_false(t.ok);
    assert_int_equal(k->err.kind, VDM_ERR_INTERRUPTED);
    assert_int_equal(t.done.imported, 4);
    assert_int_equal(t.n, 4);
    MUST(vdm_ledger_size(k->a->ledger, &size, &k->err));
    assert_int_equal(size, 6);
    is_clean(k);
    import(k, &r, NULL, &t);
    assert_int_equal(t.done.known, 4);
    assert_int_equal(t.done.imported, 6);
    is_clean(k);
}

/* Batches end at 64 MiB: the first is acknowledged before the second begins, whose failure leaves it. */
static void several_batches(void **state)
{
    struct kit *k = *state;
    struct told t;
    uint64_t checkpoints = 0;
    static const char *const names[] = {"in/1", "in/2", "in/3"};
    assert_int_equal(mkdir("in", 0700), 0);
    for (int i = 0; i < 3; i++) {
        file_write(names[i], vdm_str(names[i]));
        assert_int_equal(truncate(names[i], (33 << 20) + i), 0);
    }
    struct vdm_import_request r = {REQUEST("in")};
    import(k, &r, NULL, &t);
    assert_true(t.ok);
    assert_int_equal(t.done.imported, 3);
    for (uint64_t n = 3; n <= 5; n++) {
        struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
        bool found;
        MUST(vdm_ledger_checkpoint(k->a->ledger, n, &b, &found, &k->err));
        checkpoints += found;
        assert_true(found || n < 5);
    }
    assert_true(checkpoints >= 2);
    is_clean(k);
}

/* --- the guard --- */

static void guard_behind(void **state)
{
    struct kit *k = *state;
    struct told t;
    struct vdm_import_request first = {REQUEST("one")}, second = {REQUEST("two")};
    file_write("one", VDM_LIT("1"));
    file_write("two", VDM_LIT("2"));
    shell("cp a/keys/last-checkpoint older");
    import(k, &first, NULL, &t);
    shell("cp older a/keys/last-checkpoint"); /* as if killed between commit and guard */
    import(k, &second, NULL, &t);
    assert_true(t.ok);
    assert_int_equal(t.done.imported, 1);
    is_clean(k);
    /* ... but not where the document of what was not acknowledged is gone. */
    documents_as_files(k->c, "a/store");
    shell("cp older a/keys/last-checkpoint; rm -r a/store/objects/6b");
    file_write("three", VDM_LIT("3"));
    struct vdm_import_request third = {REQUEST("three")};
    import(k, &third, NULL, &t);
    assert_false(t.ok);
    assert_non_null(strstr(k->err.text, "missing or damaged"));
    assert_int_equal(t.n, 0);
}

static void guard_missing(void **state)
{
    struct kit *k = *state;
    struct told t;
    struct vdm_import_request r = {REQUEST("one")};
    file_write("one", VDM_LIT("1"));
    shell("rm a/keys/last-checkpoint");
    import(k, &r, NULL, &t);
    assert_false(t.ok);
    assert_non_null(strstr(k->err.text, "last-checkpoint is missing"));
    assert_int_equal(t.n, 0);
    shell("ln -s /dev/null a/keys/last-checkpoint"); /* nor is anything else taken for it */
    import(k, &r, NULL, &t);
    assert_false(t.ok);
}

/* --- several at once --- */

static void import_folder(struct kit *k, const char *folder)
{
    struct told t;
    const char *const paths[] = {folder};
    struct vdm_import_request r = {.paths = paths, .n = 1};
    k->a = NULL; /* the parent's: locks go with who opened */
    k->w = NULL;
    kit_open(k);
    import(k, &r, NULL, &t);
    _exit(t.ok && t.done.imported == 20 ? 0 : 1);
}

static void two_importers(void **state)
{
    struct kit *k = *state;
    char name[32];
    pid_t child[2];
    for (int f = 0; f < 2; f++) {
        snprintf(name, sizeof name, "in%d", f);
        assert_int_equal(mkdir(name, 0700), 0);
        for (int i = 0; i < 20; i++) {
            snprintf(name, sizeof name, "in%d/%d", f, i);
            file_write(name, vdm_str(name));
        }
    }
    kit_close(k);
    for (int f = 0; f < 2; f++) {
        child[f] = kit_fork(k);
        if (child[f] == 0)
            import_folder(k, f ? "in1" : "in0");
    }
    for (int f = 0; f < 2; f++) {
        int status;
        assert_int_equal(waitpid(child[f], &status, 0), child[f]);
        assert_int_equal(status, 0);
    }
    is_clean(k);
    assert_int_equal(k->report.captures, 40);
}

/* Somebody else takes in the same container while we begin with it. */
static void other_importer(void *ctx, const char *doing, uint64_t done, uint64_t total,
                           uint64_t bytes)
{
    struct kit *k = *(struct kit **)ctx;
    struct told t;
    struct vdm_import_request r = {REQUEST("in.warc")};
    (void)done;
    if (!k || strcmp(doing, "importing") != 0 || total > 0 || bytes == 0)
        return;
    *(struct kit **)ctx = NULL;
    pid_t child = kit_fork(k);
    if (child == 0) {
        k->a = NULL;
        k->w = NULL;
        kit_open(k);
        import(k, &r, NULL, &t);
        _exit(t.ok && t.done.imported == 4 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void same_container_at_once(void **state)
{
    struct kit *k = *state, *waiting = k;
    struct told t;
    const struct vdm_progress p = {.tell = other_importer, .ctx = &waiting};
    struct vdm_import_request r = {REQUEST("in.warc")};
    write_warc("in.warc");
    import(k, &r, &p, &t);
    assert_true(t.ok && !waiting);
    assert_int_equal(t.done.known, 4);
    assert_int_equal(t.done.imported, 0);
    is_clean(k);
    assert_int_equal(k->report.captures, 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_again),
        TEST(what_makes_it_another),
        TEST(dry_run),
        TEST(rows_before_options),
        TEST(refused_and_the_rest_goes_on),
        TEST(not_itself),
        TEST(source_changes),
        TEST(container_changes),
        TEST(source_is_left_alone),
        TEST(sync_that_fails),
        TEST(interrupted),
        TEST(doubt_interrupted),
        TEST(doubt_renewed),
        TEST(several_batches),
        TEST(guard_behind),
        TEST(guard_missing),
        TEST(two_importers),
        TEST(same_container_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
