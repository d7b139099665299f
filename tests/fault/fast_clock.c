/* SPDX-License-Identifier: MIT */
/* A clock that runs fast, so that an import ends its batches after a few documents (src/ops/import.c). */
#include <stdatomic.h>
#include <time.h>

#define STEP_MS 300

static _Atomic long long passed_ms;

/* Every look takes a while. Nothing here waits for a time of day. */
int clock_gettime(clockid_t id, struct timespec *out)
{
    if (id != CLOCK_MONOTONIC) {
        time_t now = time(NULL);
        *out = (struct timespec){.tv_sec = now};
        return 0;
    }
    long long ms = atomic_fetch_add(&passed_ms, STEP_MS) + STEP_MS;
    *out = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = ms % 1000 * 1000000};
    return 0;
}
