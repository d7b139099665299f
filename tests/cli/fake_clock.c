/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: the time of day is what FAKE_TIME says, in seconds since 1970. Nothing else is touched. */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out)
{
    const char *said = getenv("FAKE_TIME");
    time_t now = said ? (time_t)strtoll(said, NULL, 10) : 0;
    if (out)
        *out = now;
    return now;
}
