/* SPDX-License-Identifier: MIT */
/* What ledger.c and ledger_read.c share. */
#ifndef VDM_LEDGER_LEDGER_PRIVATE_H
#define VDM_LEDGER_LEDGER_PRIVATE_H

#include "ledger/db.h"
#include "ledger/ledger.h"

#define VDM_LEDGER_CACHED_TILES 16

enum vdm_ledger_statement {
    STMT_SIZE,
    STMT_ENTRY,
    STMT_RECORD,
    STMT_CHECKPOINT,
    STMT_TILE,
    STMT_SLICE_ENTRIES,
    STMT_SLICE_RECORDS,
    STMT_SLICE_CHECKPOINTS,
    STMT_PUT_ENTRY,
    STMT_PUT_RECORD,
    STMT_PUT_CHECKPOINT,
    STMT_PUT_TILE,
    STMT_GROW_TILE,
    STMT_ERASE_RECORD,
    STMT_FIRST_ROW,
    STMT_LAST_ROW,
    STMT_NEXT,
    STMT_NEXT_OF_TWO,
    STMT_LAST,
    STMT_COUNT,
    STATEMENTS
};

struct vdm_cached_tile {
    uint8_t level;
    uint64_t index;
    unsigned width; /* 0: there is none in this slot */
    struct vdm_digest hashes[VDM_TILE_WIDTH];
};

struct vdm_ledger {
    sqlite3 *db;
    char *path;
    int folder; /* the store folder: the lock is on it */
    bool writing;
    sqlite3_stmt *statement[STATEMENTS];
    struct vdm_cached_tile *cache;
};

/* Prepared at its first use. */
bool vdm_ledger_statement(struct vdm_ledger *l, enum vdm_ledger_statement which, sqlite3_stmt **out,
                          struct vdm_err *err) VDM_MUST_CHECK;

#endif
