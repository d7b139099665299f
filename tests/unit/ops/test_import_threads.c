/* SPDX-License-Identifier: MIT */
/* Import file by file, with one thread, two, or eight: the same entries, records, acknowledgements, counts and errors, in
 * the same order, of a mix of inputs that were made to be trouble. */
#include "unit/ops/archive_kit.h"

#include "ops/import.h"

#include <pthread.h>

/* --- I3: what is recorded is durable before, whichever handle it went through --- */

#define PUTS 16384

static struct {
    pthread_mutex_t lock;
    struct {
        struct vdm_digest id;
        const struct vdm_store *by;
        bool synced;
    } put[PUTS];
    size_t puts;
    struct vdm_digest recorded[PUTS]; /* since the last commit */
    size_t records, checked;
    unsigned too_early;
    size_t room; /* for so many puts */
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = SIZE_MAX};

static bool see_put(struct vdm_store *s, const struct vdm_stored *stored, struct vdm_err *err)
{
    pthread_mutex_lock(&seen.lock);
    bool room = seen.room > 0;
    assert_true(seen.puts < PUTS);
    if (room) {
        seen.room -= seen.room != SIZE_MAX;
        seen.put[seen.puts].id = stored->id;
        seen.put[seen.puts].by = s;
        seen.put[seen.puts++].synced = false;
    }
    pthread_mutex_unlock(&seen.lock);
    return room || vdm_fail(err, "store: write: No space left on device");
}

bool __real_vdm_store_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                          struct vdm_stored *out, struct vdm_err *err);
bool __wrap_vdm_store_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                          struct vdm_stored *out, struct vdm_err *err);
bool __wrap_vdm_store_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                          struct vdm_stored *out, struct vdm_err *err)
{
    return __real_vdm_store_put(s, read, ctx, size_hint, out, err) && see_put(s, out, err);
}

bool __real_vdm_store_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n,
                              size_t *done, struct vdm_err *err);
bool __wrap_vdm_store_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n,
                              size_t *done, struct vdm_err *err);
bool __wrap_vdm_store_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n,
                              size_t *done, struct vdm_err *err)
{
    if (!__real_vdm_store_put_all(s, d, n, done, err))
        return false;
    for (*done = 0; *done < n; ++*done)
        if (!see_put(s, &d[*done].stored, err))
            return false;
    return true;
}

bool __real_vdm_store_sync(struct vdm_store *s, struct vdm_err *err);
bool __wrap_vdm_store_sync(struct vdm_store *s, struct vdm_err *err);
bool __wrap_vdm_store_sync(struct vdm_store *s, struct vdm_err *err)
{
    if (!__real_vdm_store_sync(s, err))
        return false;
    pthread_mutex_lock(&seen.lock);
    for (size_t i = 0; i < seen.puts; i++)
        seen.put[i].synced = seen.put[i].synced || seen.put[i].by == s;
    pthread_mutex_unlock(&seen.lock);
    return true;
}

bool __real_vdm_ledger_put_record(struct vdm_ledger *l, uint64_t n, struct vdm_bytes text,
                                  struct vdm_err *err);
bool __wrap_vdm_ledger_put_record(struct vdm_ledger *l, uint64_t n, struct vdm_bytes text,
                                  struct vdm_err *err);
bool __wrap_vdm_ledger_put_record(struct vdm_ledger *l, uint64_t n, struct vdm_bytes text,
                                  struct vdm_err *err)
{
    struct vdm_record r;
    assert_true(vdm_record_decode(text, &r, err) && seen.records < PUTS);
    seen.recorded[seen.records++] = r.document;
    return __real_vdm_ledger_put_record(l, n, text, err);
}

/* The first put of it is the one that wrote it, as far as this import goes. */
static bool is_durable(struct vdm_digest id)
{
    for (size_t i = 0; i < seen.puts; i++)
        if (vdm_digest_equal(seen.put[i].id, id))
            return seen.put[i].synced;
    return false;
}

bool __real_vdm_ledger_commit(struct vdm_ledger *l, uint64_t size, struct vdm_bytes checkpoint,
                              struct vdm_err *err);
bool __wrap_vdm_ledger_commit(struct vdm_ledger *l, uint64_t size, struct vdm_bytes checkpoint,
                              struct vdm_err *err);
bool __wrap_vdm_ledger_commit(struct vdm_ledger *l, uint64_t size, struct vdm_bytes checkpoint,
                              struct vdm_err *err)
{
    pthread_mutex_lock(&seen.lock);
    for (size_t i = 0; i < seen.records; i++)
        seen.too_early += !is_durable(seen.recorded[i]);
    seen.checked += seen.records;
    seen.records = 0;
    pthread_mutex_unlock(&seen.lock);
    return __real_vdm_ledger_commit(l, size, checkpoint, err);
}

static void forget_puts(void)
{
    seen.puts = seen.records = seen.checked = 0;
    seen.too_early = 0;
}

/* --- the inputs --- */

#define PLAIN 300

static void put_file(const char *path, struct vdm_bytes bytes)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static void make_plain(const char *dir)
{
    char path[SCRATCH_PATH], text[200];
    for (int i = 0; i < PLAIN; i++) {
        snprintf(path, sizeof path, "%.350s/in/%02d/%03d.%s", dir, i / 50, i,
                 i % 9 ? "txt" : "html");
        /* Some are alike, some are pages, some are in Latin-1, some libmagic has to look at. */
        snprintf(text, sizeof text, "%sThe statement of witness %d, as it was heard.\n%s",
                 i % 9 ? "" : "<!DOCTYPE html>\n<p>", i % 70, i % 13 ? "" : "caf\xC0\n");
        if (i % 17 == 0)
            snprintf(text, sizeof text, "%d,%d\n#!", i, i * i);
        put_file(path, vdm_str(text));
    }
}

static void put_warc_record(struct vdm_buf *out, const char *type, int n, const char *more,
                            struct vdm_bytes block)
{
    vdm_buf_putf(out,
                 "WARC/1.1\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%08d>\r\n"
                 "WARC-Date: 2026-01-02T03:04:05Z\r\nWARC-Target-URI: https://e.example/%d\r\n"
                 "%sContent-Length: %zu\r\n\r\n",
                 type, n, n % 50, more, block.n);
    vdm_buf_put(out, block);
    vdm_buf_puts(out, "\r\n\r\n");
}

/* Records among them that repeat another that stands before, or nowhere; that are large; that are not as they say; and,
 * at the end, one that is cut off. */
static void make_warc(const char *path, int records, struct vdm_bytes large)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    char text[200], more[200];
    for (int i = 0; i < records; i++) {
        snprintf(text, sizeof text, "%sStatement %d of those that were read out.\n",
                 i % 7 ? "" : "<!DOCTYPE html>\n<p>", i % 170);
        snprintf(more, sizeof more,
                 "WARC-Refers-To: <urn:uuid:%08d>\r\nWARC-Profile: "
                 "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\n",
                 i % 46 ? i - 3 : 999999);
        if (i % 23 == 9 || (i && i % 46 == 0))
            put_warc_record(&out, "revisit", i, more, vdm_str(""));
        else if (i % 300 == 40)
            put_warc_record(&out, "resource", i, "", large);
        else if (i % 60 == 25)
            put_warc_record(&out, "resource", i,
                            "WARC-Block-Digest: sha1:22222222222222222222222222222222\r\n",
                            vdm_str(text));
        else
            put_warc_record(&out, "resource", i, "", vdm_str(text));
    }
    vdm_buf_puts(&out, "WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 9\r\n\r\n");
    put_file(path, vdm_buf_bytes(&out));
}

static void make_inputs(const struct kit *k)
{
    struct vdm_buf large VDM_CLEANUP(vdm_buf_release) = {0};
    char path[SCRATCH_PATH];
    shell("mkdir -p '%s/in/00' '%s/in/01' '%s/in/02' '%s/in/03' '%s/in/04' '%s/in/05'", k->dir,
          k->dir, k->dir, k->dir, k->dir, k->dir);
    make_plain(k->dir);
    for (int i = 0; large.n < (3u << 20); i++)
        vdm_buf_putf(&large, "line %d of many\r\n", i);
    snprintf(path, sizeof path, "%.350s/in/02/large.txt", k->dir);
    put_file(path, vdm_buf_bytes(&large));
    snprintf(path, sizeof path, "%.350s/in/01/few.warc", k->dir);
    const struct vdm_bytes some = {large.p, (1u << 20) + 4000};
    make_warc(path, 100, some);
    snprintf(path, sizeof path, "%.350s/in/05/many.warc", k->dir);
    make_warc(path, 500, some);
    shell("cd '%s/in' && tar --mtime=@0 -cf 00/some.tar 01/0*1.txt 01/0*3.txt && cp 00/some.tar "
          "03/again.tar && "
          "gzip -nc 04/201.txt > 02/one.gz && : > 01/empty && mkfifo 01/pipe && ln -s nowhere "
          "04/link "
          "&& "
          "head -c 200000 /dev/zero > 05/zeros && cp 05/zeros 00/zeros && "
          "printf 'PK\\003\\004no zip' > 03/false.zip && touch \"05/$(printf 'a\\nb')\" && "
          "printf 'x\\000\\377' > 02/bytes",
          k->dir);
    /* A bag between them. */
    shell(
        "cd '%s/in' && mkdir -p 03bag/data && echo held > 03bag/data/x && "
        "printf 'BagIt-Version: 1.0\\nTag-File-Character-Encoding: UTF-8\\n' > 03bag/bagit.txt && "
        "cd 03bag && sha256sum data/x > manifest-sha256.txt",
        k->dir);
}

/* --- what is told --- */

static void tell(void *ctx, const struct vdm_input *in)
{
    struct vdm_buf *out = ctx;
    char hex[65];
    vdm_digest_hex(in->digest, hex);
    vdm_buf_putf(out, "%d %.*s %llu %s %llu %llx %s\n", (int)in->status, (int)in->path.n,
                 (const char *)in->path.p, (unsigned long long)in->entry, hex,
                 (unsigned long long)in->size, (unsigned long long)in->differs,
                 in->reason ? in->reason : "");
}

static void put_record(struct vdm_buf *out, struct kit *k, uint64_t n)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    bool found;
    MUST(vdm_ledger_record(k->a->ledger, n, &text, &found, &k->err));
    if (!found)
        return;
    MUST(vdm_record_decode(vdm_buf_bytes(&text), &r, &k->err));
    vdm_buf_putf(out, "%llu\n", (unsigned long long)n);
    vdm_buf_put(out, r.body);
}

static void put_done(struct vdm_buf *out, const struct vdm_import_done *d)
{
    vdm_buf_putf(out, "%llu %llu %llu %llu %llu %llu %llu %llu\n", (unsigned long long)d->imported,
                 (unsigned long long)d->known, (unsigned long long)d->refused,
                 (unsigned long long)d->problems, (unsigned long long)d->bytes,
                 (unsigned long long)d->repaired, (unsigned long long)d->first,
                 (unsigned long long)d->last);
    vdm_buf_putf(out, "%llu %s %llu %s\n", (unsigned long long)d->unguessed.documents,
                 d->unguessed.why, (unsigned long long)d->textless.documents, d->textless.why);
    for (size_t i = 0; i < vdm_counted_fields_n; i++)
        vdm_buf_putf(out, "%llu\n", (unsigned long long)d->not_stated[vdm_counted_fields[i]]);
}

static bool import(struct kit *k, struct vdm_import_request r, unsigned threads,
                   const struct vdm_progress *progress, struct vdm_buf *out)
{
    const struct vdm_signers signers = {.signer = k->key[AMAL], .ledger = k->key[LEDGER]};
    struct vdm_import_done done;
    r.threads = threads;
    k->err = (struct vdm_err){0};
    bool ok = vdm_import(k->a, &r, &signers, progress, tell, out, &done, &k->err);
    put_done(out, &done);
    vdm_buf_puts(out, k->err.text);
    vdm_buf_release(&done.checkpoint);
    return ok;
}

/* More than a group of files, none of which is handed back: one is recorded while the next is read. */
static void import_many(struct kit *k, unsigned threads, struct vdm_buf *out)
{
    static const char *const paths[] = {"many"};
    const struct vdm_import_request r = {.paths = paths, .n = 1, .no_text = true};
    char path[SCRATCH_PATH], text[64];
    shell("mkdir many && mkfifo many/100 many/500");
    for (int i = 0; i < 900; i++) {
        snprintf(path, sizeof path, "many/%03d.txt", i);
        snprintf(text, sizeof text, "A plain sentence that was said %d times.", i % 800);
        put_file(path, vdm_str(text));
    }
    assert_true(import(k, r, threads, NULL, out));
}

/* Folder by folder: each has so few files that without a number of threads none are started, and each file is taken
 * by itself. */
static void import_folders(struct kit *k, unsigned threads, struct vdm_buf *out)
{
    static const char *const folders[] = {"in/00", "in/01", "in/02", "in/03", "in/03bag", "in/05"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const struct vdm_import_request r = {.paths = &folders[i], .n = 1};
        assert_true(import(k, r, threads, NULL, out));
    }
}

/* Twice, so that the second time all is known. */
static void import_all(struct kit *k, unsigned threads, struct vdm_buf *out)
{
    static const char *const paths[] = {"in", "in/02/bytes", "missing", "/proc/self/limits",
                                        "in/04"};
    const struct vdm_record_line source[] = {{VDM_FIELD_SOURCE, VDM_LIT("https://e.example/")}};
    const struct vdm_import_request r = {.paths = paths, .n = 5, .given = source, .givens = 1};
    uint64_t size;
    kit_start(k);
    kit_make(k, 0);
    forget_puts();
    assert_int_equal(chdir(k->dir), 0);
    make_inputs(k);
    import_folders(k, threads, out);
    assert_true(import(k, r, threads, NULL, out));
    assert_true(import(k, r, threads, NULL, out));
    import_many(k, threads, out);
    assert_int_equal(seen.too_early, 0);
    assert_true(seen.checked > 1300);
    MUST(vdm_ledger_size(k->a->ledger, &size, &k->err));
    for (uint64_t n = 0; n < size; n++)
        put_record(out, k, n);
    assert_int_equal(chdir("/"), 0);
    kit_close(k);
    must_be_clean(k, (struct asked){0});
    kit_end(k);
}

/* The files that come before a stop are recorded, and no other; nothing is half done. */
static bool stop_after(void *ctx)
{
    unsigned *left = ctx;
    return *left == 0 || --*left == 0;
}

static void stopped(void **state)
{
    (void)state;
    static const char *const paths[] = {"in"};
    const struct vdm_import_request r = {.paths = paths, .n = 1};
    for (unsigned asks = 1; asks < 3000; asks = asks * 4 + 40) {
        struct kit *k = calloc(1, sizeof *k);
        struct vdm_buf out = {0};
        unsigned left = asks;
        assert_non_null(k);
        const struct vdm_progress p = {.stop = stop_after, .ctx = &left};
        forget_puts();
        kit_start(k);
        kit_make(k, 0);
        assert_int_equal(chdir(k->dir), 0);
        make_inputs(k);
        if (!import(k, r, 3, &p, &out))
            assert_int_equal(k->err.kind, VDM_ERR_INTERRUPTED);
        vdm_buf_release(&out);
        if (!import(k, r, 3, NULL, &out)) /* goes on where it was left */
            fail_msg("asked %u times: %s", asks, k->err.text);
        assert_int_equal(chdir("/"), 0);
        kit_close(k);
        must_be_clean(k, (struct asked){0});
        kit_end(k);
        vdm_buf_release(&out);
        free(k);
    }
}

static void the_same(void **state)
{
    (void)state;
    static const unsigned threads[] = {0, 1, 2, 8};
    struct vdm_buf first = {0};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct kit *k = calloc(1, sizeof *k);
        struct vdm_buf out = {0};
        assert_non_null(k);
        import_all(k, threads[i], i ? &out : &first);
        free(k);
        if (i == 0)
            continue;
        size_t at = 0;
        while (at < out.n && at < first.n && out.p[at] == first.p[at])
            at++;
        if (at < out.n || at < first.n)
            fail_msg("%u threads: not '%.200s' but '%.200s'", threads[i],
                     (const char *)first.p + at - (at > 60 ? 60 : at),
                     (const char *)out.p + at - (at > 60 ? 60 : at));
        vdm_buf_release(&out);
    }
    vdm_buf_release(&first);
}

/* What came before something that could not be stored is recorded. */
static void full_disk(void **state)
{
    (void)state;
    static const char *const paths[] = {"in"};
    const struct vdm_import_request r = {.paths = paths, .n = 1};
    struct kit *k = calloc(1, sizeof *k);
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    char path[SCRATCH_PATH];
    assert_non_null(k);
    kit_start(k);
    kit_make(k, 0);
    forget_puts();
    assert_int_equal(chdir(k->dir), 0);
    shell("mkdir in");
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "in/%03d.txt", i);
        put_file(path, vdm_str(path));
    }
    seen.room = 280;
    assert_false(import(k, r, 1, NULL, &out));
    seen.room = SIZE_MAX;
    assert_non_null(strstr(k->err.text, "in/280.txt: store: write: No space left"));
    vdm_buf_putc(&out, 0);
    assert_non_null(strstr((const char *)out.p, "\n280 0 0 0 ")); /* imported */
    assert_int_equal(chdir("/"), 0);
    kit_close(k);
    must_be_clean(k, (struct asked){0});
    kit_end(k);
    free(k);
}

/* The files of the second group wait in the batch when the container's own groups begin. */
static void container_in_second_group(void **state)
{
    (void)state;
    static const char *const paths[] = {"in"};
    const struct vdm_import_request r = {.paths = paths, .n = 1};
    struct kit *k = calloc(1, sizeof *k);
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf warc VDM_CLEANUP(vdm_buf_release) = {0};
    char path[SCRATCH_PATH];
    assert_non_null(k);
    kit_start(k);
    kit_make(k, 0);
    forget_puts();
    assert_int_equal(chdir(k->dir), 0);
    shell("mkdir in");
    for (int i = 0; i < 700; i++) {
        snprintf(path, sizeof path, "Statement %d\n", i);
        put_warc_record(&warc, "resource", i, "", vdm_str(path));
    }
    put_file("in/last.warc", vdm_buf_bytes(&warc));
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "in/%03d.txt", i);
        put_file(path, vdm_str(path));
    }
    assert_true(import(k, r, 2, NULL, &out));
    assert_int_equal(seen.too_early, 0);
    assert_true(seen.checked > 900);
    assert_int_equal(chdir("/"), 0);
    kit_close(k);
    kit_end(k);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same),
        cmocka_unit_test(stopped),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(container_in_second_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
