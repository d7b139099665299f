/* SPDX-License-Identifier: MIT */
/* What a machine can do at most: the work that a job cannot do without, by the same libraries, on all processors, and
 * nothing else. Nothing that is composed or checked, no tree, no catalog, no look whether something is known.
 *
 *     floor sign FOLDER PACK     reads each file, hashes it, signs, writes it into one file that is synced
 *     floor keep FOLDER PACK     the same, and puts two rows of an entry's and a record's length into a database
 *     floor check FOLDER PACK    reads each file, hashes it, checks the signature that `sign` made
 *     floor hash FOLDER          reads each file and hashes it */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define THREADS_MAX 16
#define RUN         32           /* files that a thread takes, and writes, at a time */
#define PIECE       (256u << 10) /* of a large file */
#define BLOCK       512
#define BEHIND      (4 << 20) /* the disk begins with so much while the next is made */
#define ENTRY       448       /* bytes that are signed: about those of an entry */
#define ROWS                                                                                       \
    1024 /* bytes of the two rows; the first is as long as what is signed, and a signature */
#define COMMIT 8192 /* files */

struct signature {
    unsigned char b[crypto_sign_BYTES];
};

static struct {
    enum { SIGN, KEEP, CHECK, HASH } job;
    char **path;
    size_t files;
    atomic_size_t next;
    struct signature *signature;
    unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    int pack;
    atomic_llong end; /* of the pack */
    EVP_MD *sha256;
    sqlite3 *db;
    sqlite3_stmt *put[2];
    pthread_mutex_t lock; /* on the rows */
    size_t rows;
} all = {.pack = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

struct hand {
    EVP_MD_CTX *hash;
    unsigned char *bytes; /* of the files of a run */
    size_t n, cap;
    size_t size[RUN];
};

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(3);
}

static bool writes(void)
{
    return all.job == SIGN || all.job == KEEP;
}

static void find_files(char *folder)
{
    char *const roots[] = {folder, NULL};
    FTS *f = fts_open(roots, FTS_PHYSICAL | FTS_NOSTAT, NULL);
    FTSENT *e;
    size_t cap = 0;
    if (!f)
        die(folder);
    while ((e = fts_read(f))) {
        if (e->fts_info != FTS_F && e->fts_info != FTS_NSOK)
            continue;
        if (all.files == cap &&
            !(all.path = reallocarray(all.path, cap = cap ? 2 * cap : 1024, sizeof *all.path)))
            die("memory");
        if (!(all.path[all.files++] = strdup(e->fts_path)))
            die("memory");
    }
    fts_close(f);
}

/* Behind what is held of the run, where it is to be written; else in its place. */
static unsigned char *room(struct hand *h, size_t n)
{
    if (h->cap - h->n < n && !(h->bytes = realloc(h->bytes, h->cap = 2 * (h->n + n))))
        die("memory");
    return h->bytes + h->n;
}

static void take_piece(struct hand *h, size_t n)
{
    if (writes())
        h->n += n;
}

static void write_run(struct hand *h, size_t files)
{
    static unsigned char header[BLOCK];
    struct iovec v[2 * RUN];
    size_t at = 0, span = 0;
    for (size_t i = 0; i < files; i++) {
        v[2 * i] = (struct iovec){header, sizeof header};
        v[2 * i + 1] = (struct iovec){h->bytes + at, h->size[i]};
        at += h->size[i];
        span += sizeof header + h->size[i];
    }
    long long where = atomic_fetch_add(&all.end, (long long)span);
    if (span && pwritev(all.pack, v, (int)(2 * files), where) != (ssize_t)span)
        die("write");
    long long from = where / BEHIND * BEHIND, to = (where + (long long)span) / BEHIND * BEHIND;
    if (to > from)
        sync_file_range(all.pack, from, to - from, SYNC_FILE_RANGE_WRITE);
    h->n = 0;
}

static void read_and_hash(struct hand *h, size_t i, size_t k, unsigned char digest[32])
{
    int fd = open(all.path[i], O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;
    size_t size = 0;
    if (fd < 0 || !EVP_DigestInit_ex2(h->hash, all.sha256, NULL))
        die(all.path[i]);
    while (n > 0) {
        unsigned char *p = room(h, PIECE);
        if ((n = read(fd, p, PIECE)) < 0 || !EVP_DigestUpdate(h->hash, p, (size_t)n))
            die(all.path[i]);
        take_piece(h, (size_t)n);
        size += (size_t)n;
        if ((size_t)n < PIECE && size < PIECE) /* a small file is at its end */
            break;
    }
    close(fd);
    h->size[k] = size;
    if (!EVP_DigestFinal_ex(h->hash, digest, NULL))
        die("hash");
}

static void take(struct hand *h, size_t i, size_t k)
{
    unsigned char entry[ENTRY] = {0};
    read_and_hash(h, i, k, entry);
    if (writes())
        crypto_sign_detached(all.signature[i].b, NULL, entry, sizeof entry, all.secret);
    else if (all.job == CHECK &&
             crypto_sign_verify_detached(all.signature[i].b, entry, sizeof entry, all.public))
        die("a signature is wrong");
}

/* --- rows --- */

static void ask(const char *sql)
{
    if (sqlite3_exec(all.db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(all.db));
}

static void begin_rows(const char *pack)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.db", pack);
    if (sqlite3_open_v2(path, &all.db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
        die(path);
    ask("PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=EXTRA; PRAGMA cache_size=-4096;"
        "CREATE TABLE entry(n INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
        "CREATE TABLE record(n INTEGER PRIMARY KEY, bytes BLOB NOT NULL); BEGIN");
    static const char *const sql[] = {"INSERT INTO entry VALUES(?1, ?2)",
                                      "INSERT INTO record VALUES(?1, ?2)"};
    for (int i = 0; i < 2; i++)
        if (sqlite3_prepare_v2(all.db, sql[i], -1, &all.put[i], NULL))
            die(sqlite3_errmsg(all.db));
}

static void put_row(int table, const unsigned char *p, size_t n)
{
    sqlite3_bind_int64(all.put[table], 1, (sqlite3_int64)all.rows);
    sqlite3_bind_blob(all.put[table], 2, p, (int)n, SQLITE_STATIC);
    if (sqlite3_step(all.put[table]) != SQLITE_DONE || sqlite3_reset(all.put[table]))
        die(sqlite3_errmsg(all.db));
}

static void keep_rows(size_t files)
{
    static const unsigned char rows[ROWS];
    const size_t entry = ENTRY + sizeof(struct signature);
    pthread_mutex_lock(&all.lock);
    for (size_t i = 0; i < files; i++) {
        put_row(0, rows, entry);
        put_row(1, rows + entry, sizeof rows - entry);
        if (++all.rows % COMMIT == 0)
            ask("COMMIT; BEGIN");
    }
    pthread_mutex_unlock(&all.lock);
}

static void end_rows(void)
{
    ask("COMMIT");
    for (int i = 0; i < 2; i++)
        sqlite3_finalize(all.put[i]);
    sqlite3_close(all.db);
}

/* --- on all processors --- */

static void *work(void *arg)
{
    struct hand h = {.hash = EVP_MD_CTX_new()};
    size_t first;
    (void)arg;
    while ((first = atomic_fetch_add(&all.next, RUN)) < all.files) {
        size_t n = all.files - first < RUN ? all.files - first : RUN, held = 0;
        for (size_t i = 0; i < n; i++) {
            take(&h, first + i, held++);
            if (writes() && h.n >= 4u << 20) {
                write_run(&h, held);
                held = 0;
            }
        }
        if (writes())
            write_run(&h, held);
        if (all.job == KEEP)
            keep_rows(n);
    }
    EVP_MD_CTX_free(h.hash);
    free(h.bytes);
    return NULL;
}

static void work_on_all_processors(void)
{
    pthread_t thread[THREADS_MAX];
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    n = n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
    for (long i = 1; i < n; i++)
        if (pthread_create(&thread[i], NULL, work, NULL))
            die("thread");
    work(NULL);
    for (long i = 1; i < n; i++)
        pthread_join(thread[i], NULL);
}

/* The signatures stand beside the pack, in the order in which the folder is read. */
static FILE *beside(const char *pack, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.signatures", pack);
    FILE *f = fopen(path, mode);
    if (!f)
        die(path);
    return f;
}

static void begin(const char *pack)
{
    unsigned char seed[crypto_sign_SEEDBYTES] = {1};
    if (sodium_init() < 0 || !(all.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)) ||
        !(all.signature = calloc(all.files + 1, sizeof *all.signature)))
        die("start");
    crypto_sign_seed_keypair(all.public, all.secret, seed);
    if (all.job == KEEP)
        begin_rows(pack);
    if (writes() && (all.pack = open(pack, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666)) < 0)
        die(pack);
    if (all.job == CHECK) {
        FILE *f = beside(pack, "rb");
        if (fread(all.signature, sizeof *all.signature, all.files, f) != all.files)
            die("signatures");
        fclose(f);
    }
}

static void end(const char *pack)
{
    if (!writes())
        return;
    FILE *f = beside(pack, "wb");
    if (fwrite(all.signature, sizeof *all.signature, all.files, f) != all.files || fflush(f) ||
        fdatasync(fileno(f)) || fclose(f) || fdatasync(all.pack))
        die("sync");
    if (all.job == KEEP)
        end_rows();
}

int main(int argc, char **argv)
{
    static const char *const jobs[] = {"sign", "keep", "check", "hash"};
    while (argc > 2 && all.job <= HASH && strcmp(argv[1], jobs[all.job]) != 0)
        all.job++;
    if (argc != (all.job == HASH ? 3 : 4) || all.job > HASH) {
        fprintf(stderr, "usage: floor sign|keep|check FOLDER PACK\n       floor hash FOLDER\n");
        return 2;
    }
    find_files(argv[2]);
    begin(argv[3]);
    work_on_all_processors();
    end(argv[3]);
    return 0;
}
