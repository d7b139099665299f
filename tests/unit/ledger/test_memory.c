/* SPDX-License-Identifier: MIT */
/* Ledger and catalog with memory that runs out, SQLite's and ours: each call says so, or does without
 * and is right. None takes what it could not read for what is there. */
#include "support/scarce.h"

static const bool goes_without = true; /* SQLite does without some of it */

#include "unit/ledger/calls.h"

#include <malloc.h>

/* --- SQLite's memory is taken from ours --- */

static void *give(int n)
{
    return malloc((size_t)n);
}

static void *move(void *p, int n)
{
    return realloc(p, (size_t)n);
}

static int size_of(void *p)
{
    return (int)malloc_usable_size(p);
}

static int round_up(int n)
{
    return (n + 7) & ~7;
}

static int begin(void *ctx)
{
    (void)ctx;
    return SQLITE_OK;
}

static void end(void *ctx)
{
    (void)ctx;
}

static int share_memory(void **state)
{
    static const sqlite3_mem_methods ours = {give, free, move, size_of, round_up, begin, end, NULL};
    (void)state;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK ? 0 : -1;
}

/* Of thousands not each is tried. */
static unsigned next_request(unsigned n)
{
    return n + 1 + n / 64;
}

static bool told(const struct vdm_err *err)
{
    return strstr(err->text, "out of memory") || strstr(err->text, strerror(ENOMEM));
}

int main(void)
{
    return cmocka_run_group_tests(calls, share_memory, NULL);
}
