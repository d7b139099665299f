/* SPDX-License-Identifier: MIT */
/* What audits found. */
#include "fuzz/fuzz.h"

#include "format/findings.h"
#include "format/value.h"
#include "format/vkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n};
    struct vdm_findings_file f;
    struct vdm_findings_line line;
    size_t lines = 0;
    if (!vdm_findings_decode(input, &f, NULL))
        return 0;
    FUZZ_CHECK(vdm_origin_valid(f.ledger) && f.size <= VDM_NUMBER_MAX);
    vdm_findings_append_head(&again, &f);
    for (; vdm_findings_next(&f.lines, &line); lines++) {
        FUZZ_CHECK(line.kind.n >= 1 && line.kind.n <= 64 && vdm_value_valid(line.text));
        vdm_findings_append_line(&again, &line);
    }
    FUZZ_CHECK(lines > 0);
    vdm_findings_append_end(&again, f.more);
    fuzz_same(&again, input);
    return 0;
}
