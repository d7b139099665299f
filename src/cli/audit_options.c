/* SPDX-License-Identifier: MIT */
/* Durations, sizes and shares on the command line. */
#include "base/text.h"
#include "cli/audit.h"

#include <stdio.h>
#include <string.h>

/* `12d`: a number and one of `units`, which multiplies it; one without a unit is taken as it is. */
static bool with_unit(const char *text, const char *units, const uint64_t *factor, uint64_t *out)
{
    size_t n = strlen(text);
    const char *unit = n > 1 ? strchr(units, text[n - 1]) : NULL;
    uint64_t number, times = unit ? factor[unit - units] : 1;
    struct vdm_bytes digits = {(const uint8_t *)text, unit ? n - 1 : n};
    if (!vdm_number_decode(digits, &number) || number == 0 || number > VDM_NUMBER_MAX / times)
        return false;
    *out = number * times;
    return true;
}

bool vdm_cli_duration(const char *text, const char *what, uint64_t *seconds, struct vdm_err *err)
{
    static const char units[] = "smhdw";
    static const uint64_t factor[] = {1, 60, 3600, 86400, 604800};
    size_t n = strlen(text);
    /* 30 what? Who means days must not get seconds. */
    if (n > 0 && !strchr(units, text[n - 1]) && with_unit(text, units, factor, seconds))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "%s: %s of what? Say %ss, %sm, %sh, %sd or %sw (seconds to weeks)", what,
                           text, text, text, text, text, text);
    return with_unit(text, units, factor, seconds) ||
           vdm_fail_as(err, VDM_ERR_USAGE, "%s: no time like 90m, 2h or 30d: %s", what, text);
}

const char *vdm_cli_duration_text(uint64_t seconds, char out[VDM_DURATION_TEXT])
{
    static const struct {
        uint64_t factor;
        const char *word;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    while (seconds % units[i].factor)
        i++;
    uint64_t n = seconds / units[i].factor;
    snprintf(out, VDM_DURATION_TEXT, "%llu %s%s", (unsigned long long)n, units[i].word,
             n == 1 ? "" : "s");
    return out;
}

bool vdm_cli_bytes(const char *text, const char *what, uint64_t *bytes, struct vdm_err *err)
{
    static const uint64_t factor[] = {1000, 1000, 1000000, 1000000000, 1000000000000};
    return with_unit(text, "kKMGT", factor, bytes) ||
           vdm_fail_as(err, VDM_ERR_USAGE, "%s: no size like 800M or 50G: %s", what, text);
}

bool vdm_cli_percent(const char *text, const char *what, unsigned *out, struct vdm_err *err)
{
    size_t n = strlen(text);
    struct vdm_bytes rest = {(const uint8_t *)text, n && text[n - 1] == '%' ? n - 1 : n}, whole;
    uint64_t units = 0, parts = 0;
    bool pointed = vdm_cut(&rest, '.', &whole);
    bool ok = vdm_number_decode(pointed ? whole : rest, &units) && units <= 100;
    if (ok && pointed) {
        ok = rest.n == 1 || rest.n == 2;
        for (size_t i = 0; ok && i < 2; i++) {
            ok = i >= rest.n || (rest.p[i] >= '0' && rest.p[i] <= '9');
            parts = parts * 10 + (ok && i < rest.n ? (uint64_t)(rest.p[i] - '0') : 0);
        }
    }
    *out = (unsigned)(units * 100 + parts);
    return (ok && *out > 0 && *out <= 10000) ||
           vdm_fail_as(err, VDM_ERR_USAGE, "%s: no share like 5%% or 0.25%%: %s", what, text);
}
