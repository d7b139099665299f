/* SPDX-License-Identifier: MIT */
#include "ops/dates.h"

#include "format/value.h"

#define LINES_MAX 16 /* of a record; more are not read */

bool vdm_record_dates(const struct vdm_record *r, struct vdm_dates *out, bool *any,
                      struct vdm_err *err)
{
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes lines[LINES_MAX], v;
    size_t ends[LINES_MAX], n = 0;
    while (n < LINES_MAX && (v = vdm_record_value(r, VDM_FIELD_ISSUED_AS_WRITTEN, n)).n) {
        vdm_value_decode(v, &plain);
        ends[n++] = plain.n;
    }
    *any = n > 0;
    if (!vdm_buf_ok(&plain, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t from = i ? ends[i - 1] : 0;
        lines[i] = (struct vdm_bytes){plain.p + from, ends[i] - from};
    }
    return vdm_dates_compare(out, lines, n, vdm_record_value(r, VDM_FIELD_ISSUED, 0), err);
}
