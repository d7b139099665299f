/* SPDX-License-Identifier: MIT */
/* A call made again and again while something is scarce: each time another request fails. A test that includes this
 * says what: it has `scarce_left` (how many requests until one fails; 0: none will), `scarce_failed`, how far the
 * sweep goes on after request n, which errors are right, and whether a call may do without. */
#ifndef VDM_TESTS_LEDGER_SWEEP_H
#define VDM_TESTS_LEDGER_SWEEP_H

#include "unit/ledger/ledger_kit.h"

static unsigned next_request(unsigned n);
static bool told(const struct vdm_err *err);

/* One request fails, the next time another, until there are no more. Between two tries there is plenty. */
static inline void sweep(struct kit *k, bool (*f)(struct kit *, struct vdm_err *),
                         void (*before)(struct kit *), void (*after)(struct kit *, bool ok))
{
    for (unsigned n = 1;; n = next_request(n)) {
        struct vdm_err err = {0};
        before(k);
        scarce_failed = false;
        scarce_left = n;
        bool ok = f(k, &err);
        scarce_left = 0;
        after(k, ok);
        if (!ok && !told(&err))
            fail_msg("request %u: %s", n, err.text);
        if (ok && !goes_without && scarce_failed)
            fail_msg("request %u failed, and nothing is said of it", n);
        assert_true(ok || scarce_failed);
        if (!scarce_failed)
            return;
    }
}

static inline void open_to_read(struct kit *k)
{
    kit_reopen(k, VDM_LEDGER_READ);
}

static inline void open_to_write(struct kit *k)
{
    kit_reopen(k, VDM_LEDGER_WRITE);
}

static inline void close_it(struct kit *k)
{
    vdm_ledger_close(k->l);
    k->l = NULL;
}

static inline void nothing(struct kit *k, bool ok)
{
    (void)k;
    (void)ok;
}

static inline void nothing_before(struct kit *k)
{
    (void)k;
}

#endif
