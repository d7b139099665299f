/* SPDX-License-Identifier: MIT */
/* Records: written anew from the bytes that their values mean, they are the same; and what is
 * disclosed of one has the commitment of the whole, whichever fields are hidden. */
#include "fuzz/fuzz.h"

#include "format/disclosure.h"
#include "format/value.h"

/* Which fields are shown is made from the record itself, so that an input is a plain record. */
static uint64_t some_fields(const struct vdm_record *r)
{
    struct vdm_digest d = vdm_sha256(fuzz_crypto(), r->body);
    uint64_t fields = 0;
    for (size_t i = 0; i < 8; i++)
        fields = fields << 8 | d.b[i];
    return fields;
}

static void check_disclosed(const struct vdm_record *r)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest commitment;
    struct vdm_disclosure d;
    uint64_t fields = some_fields(r);
    FUZZ_CHECK(vdm_record_commit(fuzz_crypto(), r, &commitment, NULL));
    if (!vdm_disclosure_append(&text, fuzz_crypto(), r, fields, NULL))
        return; /* longer than a disclosure may be */
    FUZZ_CHECK(vdm_disclosure_decode(fuzz_crypto(), vdm_buf_bytes(&text), &d, NULL));
    FUZZ_CHECK(vdm_digest_equal(d.commitment, commitment));
    FUZZ_CHECK(d.lines == r->lines && d.hidden <= d.lines);
    FUZZ_CHECK(d.has_document == ((fields >> VDM_FIELD_DOCUMENT & 1) != 0));
    FUZZ_CHECK(!d.has_document ||
               (vdm_digest_equal(d.document, r->document) && d.document_size == r->document_size));
}

static void check_written_again(const struct vdm_record *r, struct vdm_bytes input)
{
    struct vdm_record_line *lines = calloc(r->lines, sizeof *lines), line;
    struct vdm_buf meant VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = r->body;
    size_t count = 0;
    FUZZ_CHECK(lines && vdm_buf_grow(&meant, input.n)); /* room for all: nothing moves */
    vdm_buf_clear(&meant);
    while (vdm_record_next(&rest, &line)) {
        size_t from = meant.n;
        if (line.field == VDM_FIELD_DOCUMENT)
            continue;
        vdm_value_decode(line.value, &meant);
        lines[count++] = (struct vdm_record_line){line.field, {meant.p + from, meant.n - from}};
    }
    FUZZ_CHECK(rest.n == 0 && count + 1 == r->lines);
    FUZZ_CHECK(vdm_record_append(&again, r->secret, r->document, r->document_size, lines, count,
                                 NULL, NULL));
    fuzz_same(&again, input);
    free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct vdm_record r;
    if (!vdm_record_decode(input, &r, NULL))
        return 0;
    FUZZ_CHECK(n <= VDM_NOTE_MAX && r.lines >= 1);
    check_written_again(&r, input);
    check_disclosed(&r);
    return 0;
}
