/* SPDX-License-Identifier: MIT */
/* Disclosures: as many lines as they say, in order, and the commitment of exactly these lines. */
#include "fuzz/fuzz.h"

#include "format/disclosure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_disclosure d;
    struct vdm_disclosed_line line;
    uint64_t lines = 0, open = 0;
    int last = 0;
    if (!vdm_disclosure_decode(fuzz_crypto(), input, &d, NULL))
        return 0;
    struct vdm_bytes rest = d.body;
    while (vdm_disclosure_next(&rest, &line)) {
        FUZZ_CHECK(line.i == lines++);
        if (!line.open)
            continue;
        open++;
        FUZZ_CHECK((line.i == 0) == (line.line.field == VDM_FIELD_DOCUMENT));
        FUZZ_CHECK(line.line.value.n > 0 && (int)line.line.field >= last);
        last = (int)line.line.field;
    }
    FUZZ_CHECK(rest.n == 0 && lines == d.lines && open + d.hidden == d.lines);
    FUZZ_CHECK(n <= VDM_NOTE_MAX && d.hidden <= d.lines);
    return 0;
}
