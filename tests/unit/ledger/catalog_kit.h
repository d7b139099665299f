/* SPDX-License-Identifier: MIT */
/* A catalog that is taught entries by hand, and asked. */
#ifndef VDM_TESTS_CATALOG_KIT_H
#define VDM_TESTS_CATALOG_KIT_H

#include "support/must.h"
#include "support/scratch.h"

#include "ledger/catalog_private.h"

#include <sqlite3.h>

struct kit {
    char dir[SCRATCH_PATH];
    struct vdm_catalog *c;
    struct vdm_err err;
};

static inline int setup(void **state)
{
    struct kit *k = calloc(1, sizeof *k);
    assert_non_null(k);
    *state = k;
    scratch_make(k->dir);
    MUST(vdm_catalog_open(&k->c, k->dir, VDM_LEDGER_WRITE, &k->err));
    return 0;
}

static inline int teardown(void **state)
{
    struct kit *k = *state;
    vdm_catalog_close(k->c);
    assert_int_equal(sqlite3_memory_used(), 0); /* every handle is closed, and its statements */
    scratch_drop(k->dir);
    free(k);
    return 0;
}

static inline struct vdm_digest digest(int of)
{
    struct vdm_digest d;
    memset(&d, of, sizeof d);
    return d;
}

#define SECRET "secret 0000000000000000000000000000000000000000000000000000000000000000\n"

/* A record of document `of` with these lines after `document`. */
static inline void record(struct kit *k, struct vdm_buf *text, int of, const char *lines,
                          struct vdm_record *out)
{
    char hex[65];
    vdm_digest_hex(digest(of), hex);
    vdm_buf_clear(text);
    vdm_buf_putf(text, "vidimus/record/v1\n" SECRET "document sha256:%s %d\n%s", hex, of * 10,
                 lines);
    MUST(vdm_record_decode(vdm_buf_bytes(text), out, &k->err));
}

static inline void learn(struct kit *k, enum vdm_entry_kind kind, uint64_t n, uint64_t about,
                         int of, const char *lines)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = kind, .n = n, .recorded = {1600000000 + (int64_t)n}};
    struct vdm_record r;
    if (kind == VDM_ENTRY_AMENDMENT)
        e.capture.amends = about;
    if (kind == VDM_ENTRY_WITHDRAWAL)
        e.withdrawal = (struct vdm_withdrawal){.of = about, .scope = (enum vdm_scope)of};
    if (lines)
        record(k, &text, of, lines, &r);
    MUST(vdm_catalog_learn(k->c, &e, lines ? &r : NULL, &k->err));
}

/* Captures 2 to 5 and 9, of which 3 is amended by 6, 4 withdrawn by 7, 5 by 8. */
static inline void learn_all(struct kit *k)
{
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_GENESIS, 0, 0, 0, NULL);
    learn(k, VDM_ENTRY_KEY, 1, 0, 0, NULL);
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 1,
          "collection c\nsource s\ncaptured 2020\ntitle T\nissuer A\nissuer B\nissuer A\n");
    learn(k, VDM_ENTRY_CAPTURE, 3, 0, 2, "source s\ntitle old\nissuer A\n");
    learn(k, VDM_ENTRY_CAPTURE, 4, 0, 3, "source s\nissuer C\n");
    learn(k, VDM_ENTRY_CAPTURE, 5, 0, 4, "source s5\nissuer C\n");
    learn(k, VDM_ENTRY_AMENDMENT, 6, 3, 2, "source s\ntitle new\nissuer B\n");
    learn(k, VDM_ENTRY_WITHDRAWAL, 7, 4, VDM_SCOPE_DOCUMENT, NULL);
    learn(k, VDM_ENTRY_WITHDRAWAL, 8, 5, VDM_SCOPE_BOTH, NULL);
    learn(k, VDM_ENTRY_CAPTURE, 9, 0, 1, "");
    MUST(vdm_catalog_commit(k->c, (struct vdm_catalog_reach){10, digest(9)}, &k->err));
}

static inline void reopen(struct kit *k, enum vdm_ledger_mode mode)
{
    vdm_catalog_close(k->c);
    k->c = NULL;
    MUST(vdm_catalog_open(&k->c, k->dir, mode, &k->err));
}

static inline void compare(struct kit *k, uint64_t n, int of, const char *lines, bool want)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    struct vdm_catalog_compared is;
    if (lines)
        record(k, &text, of, lines, &r);
    MUST(vdm_catalog_compare(k->c, n, (struct vdm_time){0}, lines ? &r : NULL, &is, &k->err));
    if (is.same_record != want)
        fail_msg("entry %d: %s", (int)n, lines ? lines : "nothing");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
