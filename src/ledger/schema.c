/* SPDX-License-Identifier: MIT */
#include "ledger/schema.h"

#include <stddef.h>

/* I1: the triggers guard against our own slips, INSERT OR REPLACE among them, which would delete a
 * row past a delete trigger; the signed tree guards against everybody else. Rows go in at the right
 * edge only. A tile at the right edge may grow by hashes and in no other way. */
const char *const vdm_ledger_schema[] = {
    "CREATE TABLE entry("
    "n INTEGER PRIMARY KEY CHECK(n >= 0), "
    "note BLOB NOT NULL CHECK(length(note) BETWEEN 1 AND 65535)) STRICT",

    "CREATE TABLE checkpoint("
    "size INTEGER PRIMARY KEY CHECK(size > 0), "
    "note BLOB NOT NULL CHECK(length(note) BETWEEN 1 AND 65535)) STRICT",

    "CREATE TABLE tile("
    "level INTEGER NOT NULL CHECK(level BETWEEN 0 AND 7), "
    "\"index\" INTEGER NOT NULL CHECK(\"index\" >= 0), "
    "hashes BLOB NOT NULL CHECK(length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0), "
    "PRIMARY KEY(level, \"index\")) STRICT, WITHOUT ROWID",

    "CREATE TABLE record("
    "n INTEGER PRIMARY KEY CHECK(n >= 0), "
    "text BLOB NOT NULL CHECK(length(text) BETWEEN 1 AND 65535)) STRICT",

    "CREATE TABLE evidence("
    "size INTEGER NOT NULL CHECK(size > 0), "
    "name TEXT NOT NULL, "
    "bytes BLOB NOT NULL CHECK(length(bytes) <= 1048576), "
    "PRIMARY KEY(size, name)) STRICT, WITHOUT ROWID",

    "CREATE TABLE pack("
    "\"commit\" INTEGER NOT NULL, "
    "id INTEGER NOT NULL CHECK(id >= 0), "
    "length INTEGER NOT NULL CHECK(length >= 0), "
    "PRIMARY KEY(\"commit\", id)) STRICT, WITHOUT ROWID",

    "CREATE TRIGGER entry_append BEFORE INSERT ON entry "
    "WHEN NEW.n IS NOT (SELECT coalesce(max(n) + 1, 0) FROM entry) "
    "BEGIN SELECT RAISE(ABORT, 'entries are dense'); END",
    "CREATE TRIGGER entry_keep_update BEFORE UPDATE ON entry "
    "BEGIN SELECT RAISE(ABORT, 'entries never change'); END",
    "CREATE TRIGGER entry_keep_delete BEFORE DELETE ON entry "
    "BEGIN SELECT RAISE(ABORT, 'entries never go away'); END",

    "CREATE TRIGGER checkpoint_append BEFORE INSERT ON checkpoint "
    "WHEN NEW.size IS NOT (SELECT max(n) + 1 FROM entry) "
    "OR EXISTS(SELECT 1 FROM checkpoint WHERE size >= NEW.size) "
    "BEGIN SELECT RAISE(ABORT, 'one checkpoint a size, over all entries'); END",
    "CREATE TRIGGER checkpoint_keep_update BEFORE UPDATE ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'checkpoints never change'); END",
    "CREATE TRIGGER checkpoint_keep_delete BEFORE DELETE ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'checkpoints never go away'); END",

    "CREATE TRIGGER tile_new BEFORE INSERT ON tile "
    "WHEN EXISTS(SELECT 1 FROM tile WHERE level = NEW.level AND \"index\" = NEW.\"index\") "
    "BEGIN SELECT RAISE(ABORT, 'the tile is there already'); END",
    "CREATE TRIGGER tile_grow BEFORE UPDATE ON tile "
    "WHEN NEW.level IS NOT OLD.level OR NEW.\"index\" IS NOT OLD.\"index\" "
    "OR length(NEW.hashes) < length(OLD.hashes) "
    "OR substr(NEW.hashes, 1, length(OLD.hashes)) IS NOT OLD.hashes "
    "BEGIN SELECT RAISE(ABORT, 'tiles only grow'); END",
    "CREATE TRIGGER tile_keep_delete BEFORE DELETE ON tile "
    "BEGIN SELECT RAISE(ABORT, 'tiles never go away'); END",

    "CREATE TRIGGER record_new BEFORE INSERT ON record "
    "WHEN NOT EXISTS(SELECT 1 FROM entry WHERE n = NEW.n) "
    "OR EXISTS(SELECT 1 FROM record WHERE n = NEW.n) "
    "BEGIN SELECT RAISE(ABORT, 'a record belongs to one entry'); END",
    "CREATE TRIGGER record_keep_update BEFORE UPDATE ON record "
    "BEGIN SELECT RAISE(ABORT, 'records never change'); END",
    /* Only after an entry that withdraws the capture's record; record n is that of capture n, or of an
     * amendment that names its capture. The newest entries are looked at first. */
    "CREATE TRIGGER record_erase BEFORE DELETE ON record "
    "WHEN (SELECT n FROM entry WHERE n > OLD.n "
    "AND substr(note, 1, 22) = CAST('vidimus/withdrawal/v1' || char(10) AS BLOB) "
    "AND instr(note, CAST(char(10) || 'scope document' || char(10) AS BLOB)) = 0 "
    "AND instr(note, CAST(char(10) || 'withdraws ' || (SELECT CASE "
    "WHEN substr(own.note, 1, 21) = CAST('vidimus/amendment/v1' || char(10) AS BLOB) "
    "THEN CAST(CAST(substr(own.note, instr(own.note, CAST(char(10) || 'amends ' AS BLOB)) + 8, 17) "
    "AS TEXT) AS INTEGER) ELSE own.n END FROM entry AS own WHERE own.n = OLD.n) "
    "|| char(10) AS BLOB)) > 0 ORDER BY n DESC LIMIT 1) IS NULL "
    "BEGIN SELECT RAISE(ABORT, 'only records of what is withdrawn go away'); END",
    NULL,
};

/* Parts of vdm_catalog_schema: derived, rebuildable. Text values stand escaped, as in records; NULL: not stated. */
#define REACHED                                                                                    \
    "CREATE TABLE reached(id INTEGER PRIMARY KEY CHECK(id = 0), "                                  \
    "entries INTEGER NOT NULL, "                                                                   \
    "last BLOB NOT NULL) STRICT" /* SHA-256 of the newest entry's note: which ledger this is of */

#define CAPTURE                                                                                    \
    "CREATE TABLE capture("                                                                        \
    "n INTEGER PRIMARY KEY, "                                                                      \
    "amended INTEGER, " /* the newest amendment, whose record the columns below are from */        \
    "withdrawn INTEGER, "                                                                          \
    "recorded TEXT NOT NULL, "                                                                     \
    "document BLOB NOT NULL, " /* empty: withdrawn with its record */                              \
    "size INTEGER NOT NULL, "                                                                      \
    "source TEXT, "                                                                                \
    "captured TEXT, "                                                                              \
    "collection TEXT, "                                                                            \
    "title TEXT, "                                                                                 \
    "issued TEXT) STRICT",                                                                         \
        "CREATE INDEX capture_amended ON capture(amended) WHERE amended IS NOT NULL"

#define COLLECTION                                                                                 \
    "CREATE INDEX capture_collection ON capture(collection) WHERE collection IS NOT NULL"

#define ISSUER                                                                                     \
    "CREATE TABLE issuer(name TEXT NOT NULL, n INTEGER NOT NULL, "                                 \
    "PRIMARY KEY(name, n)) STRICT, WITHOUT ROWID",                                                 \
        "CREATE INDEX issuer_n ON issuer(n)"

/* The words of each record, by the entry that the record belongs to; words/words.h has folded them,
 * so there is nothing left to do but to part them at spaces. */
#define WORDS                                                                                      \
    "CREATE VIRTUAL TABLE words USING fts5(text, content='', columnsize=0, tokenize='ascii')"

/* Which captures may be of a document or a source: ledger/catalog_leads.h. */
#define LEADS(level)                                                                               \
    "CREATE TABLE lead" level "(key INTEGER NOT NULL, n INTEGER NOT NULL, "                        \
    "PRIMARY KEY(key, n)) STRICT, WITHOUT ROWID"

const char *const vdm_catalog_schema[] = {
    REACHED,
    CAPTURE,
    COLLECTION,
    LEADS("0"),
    LEADS("1"),
    LEADS("2"),
    "CREATE TABLE lead_turn(id INTEGER PRIMARY KEY CHECK(id = 0), key INTEGER NOT NULL) STRICT",
    ISSUER,
    WORDS,
    NULL,
};

const char *const vdm_catalog_schema_1[] = {
    REACHED,
    CAPTURE,
    "CREATE INDEX capture_document ON capture(document)",
    "CREATE INDEX capture_source ON capture(source) WHERE source IS NOT NULL",
    COLLECTION,
    ISSUER,
    WORDS,
    NULL,
};
