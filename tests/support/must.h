/* SPDX-License-Identifier: MIT */
/* Calls of ours in tests that have a `struct kit *k` with an `err` in it. After the headers of cmocka. */
#ifndef VDM_TESTS_SUPPORT_MUST_H
#define VDM_TESTS_SUPPORT_MUST_H

#include "base/err.h"

#include <string.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, k->err.text);                                                \
    } while (0)

/* Must fail, with these words. */
#define MUST_NOT(call, words)                                                                      \
    do {                                                                                           \
        k->err = (struct vdm_err){0};                                                              \
        assert_false(call);                                                                        \
        if (!strstr(k->err.text, words))                                                           \
            fail_msg("%s says: %s", #call, k->err.text);                                           \
    } while (0)

#endif
