/* SPDX-License-Identifier: MIT */
#include "store/store_memory.h"
#include "unit/store/store_contract.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void open_memory(struct store_fixture *x)
{
    assert_true(vdm_store_open_memory(&x->store, x->crypto, NULL));
}

static void close_memory(struct store_fixture *x)
{
    (void)x;
}

static void damage(struct store_fixture *x, struct vdm_digest id, enum damage how)
{
    struct vdm_buf *b = vdm_store_memory_bytes(x->store, id);
    assert_non_null(b);
    switch (how) {
    case DAMAGE_FLIP:
        b->p[b->n / 2] ^= 1;
        break;
    case DAMAGE_CUT:
        b->n--;
        break;
    case DAMAGE_EMPTY:
        b->n = 0;
        break;
    case DAMAGE_GROW:
        vdm_buf_putc(b, 'x');
        break;
    }
}

static void break_sync(struct store_fixture *x)
{
    vdm_store_memory_break_sync(x->store);
}

static size_t set_aside(struct store_fixture *x)
{
    return vdm_store_memory_set_aside(x->store);
}

static size_t leftovers(struct store_fixture *x)
{
    (void)x;
    return 0;
}

int main(void)
{
    static const struct store_backend memory = {
        .name = "memory",
        .open = open_memory,
        .close = close_memory,
        .damage = damage,
        .break_sync = break_sync,
        .set_aside = set_aside,
        .leftovers = leftovers,
    };
    return store_contract_run(&memory);
}
