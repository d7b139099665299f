/* SPDX-License-Identifier: MIT */
/* A ledger.db to attack, through the API and past it. The bytes in it mean nothing: ledger/ keeps
 * bytes. */
#ifndef VDM_TESTS_LEDGER_KIT_H
#define VDM_TESTS_LEDGER_KIT_H

#include "support/scratch.h"

#include "ledger/ledger_private.h"
#include "support/dump.h"
#include "support/must.h"

#include <signal.h>
#include <sys/wait.h>

struct kit {
    char dir[SCRATCH_PATH];
    char path[SCRATCH_PATH + 16]; /* of ledger.db */
    char copy[SCRATCH_PATH + 16]; /* room for another one */
    struct vdm_ledger *l;
    struct vdm_err err;
};

static inline struct vdm_digest some_hash(uint64_t n)
{
    struct vdm_digest d = {{0}};
    memcpy(d.b, &n, sizeof n);
    d.b[31] = 1;
    return d;
}

static inline bool put_tile(struct vdm_ledger *l, uint8_t level, uint64_t index, unsigned width,
                            struct vdm_err *err)
{
    struct vdm_digest hashes[VDM_TILE_WIDTH];
    for (unsigned i = 0; i < width; i++)
        hashes[i] = some_hash(index * VDM_TILE_WIDTH + i);
    return vdm_ledger_write_tile(l, level, index, width, hashes, err);
}

/* Entries from `from` to `to`, each with a record, a tile and a checkpoint; in one transaction. */
static inline void put_batch(struct kit *k, uint64_t from, uint64_t to)
{
    char text[64];
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (uint64_t n = from; n < to; n++) {
        snprintf(text, sizeof text, "entry %llu", (unsigned long long)n);
        MUST(vdm_ledger_put_entry(k->l, n, vdm_str(text), &k->err));
        MUST(vdm_ledger_put_record(k->l, n, VDM_LIT("record"), &k->err));
    }
    MUST(put_tile(k->l, 0, 0, (unsigned)to, &k->err));
    MUST(vdm_ledger_commit(k->l, to, VDM_LIT("checkpoint"), &k->err));
}

static inline void kit_reopen(struct kit *k, enum vdm_ledger_mode mode)
{
    vdm_ledger_close(k->l);
    k->l = NULL;
    MUST(vdm_ledger_open(&k->l, k->dir, mode, &k->err));
}

static inline int empty_setup(void **state)
{
    struct kit *k = calloc(1, sizeof *k);
    assert_non_null(k);
    *state = k;
    scratch_make(k->dir);
    snprintf(k->path, sizeof k->path, "%s/ledger.db", k->dir);
    snprintf(k->copy, sizeof k->copy, "%s/copy.db", k->dir);
    MUST(vdm_ledger_create(k->dir, 0, &k->err));
    kit_reopen(k, VDM_LEDGER_WRITE);
    return 0;
}

/* Five entries in two commits: of 3 and of 2. */
static inline int kit_setup(void **state)
{
    empty_setup(state);
    put_batch(*state, 0, 3);
    put_batch(*state, 3, 5);
    return 0;
}

static inline int kit_teardown(void **state)
{
    struct kit *k = *state;
    vdm_ledger_close(k->l);
    assert_int_equal(sqlite3_memory_used(), 0); /* every handle is closed, and its statements */
    scratch_drop(k->dir);
    free(k);
    return 0;
}

#define KIT_TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

/* Somebody with another program: none of our settings, no authorizer. */
static inline sqlite3 *raw_open(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static inline void raw_run(const char *path, const char *sql)
{
    sqlite3 *db = raw_open(path);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline struct vdm_buf dump_of(const char *path)
{
    struct vdm_buf b = {0};
    assert_true(dump_ledger(path, &b));
    return b;
}

static inline void assert_same_dump(const char *path, const struct vdm_buf *before)
{
    struct vdm_buf now VDM_CLEANUP(vdm_buf_release) = dump_of(path);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&now), vdm_buf_bytes(before)));
}

#endif
