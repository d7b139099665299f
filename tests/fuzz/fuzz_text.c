/* SPDX-License-Identifier: MIT */
/* Escaping: what comes out is safe, whatever goes in; values go there and back; UTF-8 and numbers
 * are read as a second, plainer reader here reads them. */
#include "fuzz/fuzz.h"

#include "base/limits.h"
#include "base/text.h"
#include "format/value.h"

#include <inttypes.h>
#include <string.h>

/* The table of the Unicode standard (3-7, "Well-Formed UTF-8 Byte Sequences"), row by row. */
static size_t utf8_length(struct vdm_bytes s)
{
    static const uint8_t row[][9] = {
        {1, 0x00, 0x7F},
        {2, 0xC2, 0xDF, 0x80, 0xBF},
        {3, 0xE0, 0xE0, 0xA0, 0xBF, 0x80, 0xBF},
        {3, 0xE1, 0xEC, 0x80, 0xBF, 0x80, 0xBF},
        {3, 0xED, 0xED, 0x80, 0x9F, 0x80, 0xBF},
        {3, 0xEE, 0xEF, 0x80, 0xBF, 0x80, 0xBF},
        {4, 0xF0, 0xF0, 0x90, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
        {4, 0xF1, 0xF3, 0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
        {4, 0xF4, 0xF4, 0x80, 0x8F, 0x80, 0xBF, 0x80, 0xBF},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        size_t n = row[i][0], k = 0;
        while (k < n && k < s.n && s.p[k] >= row[i][1 + 2 * k] && s.p[k] <= row[i][2 + 2 * k])
            k++;
        if (k == n)
            return n;
    }
    return 0;
}

/* What a terminal or a reader's eye would obey, as UTF-8: from, to. */
static bool obeyed(struct vdm_bytes c)
{
    static const char *const ranges[][2] = {
        {"\xC2\x80", "\xC2\x9F"},         {"\xC2\xAD", "\xC2\xAD"},
        {"\xD8\x9C", "\xD8\x9C"},         {"\xE1\xA0\x8E", "\xE1\xA0\x8E"},
        {"\xE2\x80\x8B", "\xE2\x80\x8F"}, {"\xE2\x80\xA8", "\xE2\x80\xAE"},
        {"\xE2\x81\xA0", "\xE2\x81\xAF"}, {"\xEF\xBB\xBF", "\xEF\xBB\xBF"},
        {"\xEF\xBF\xB9", "\xEF\xBF\xBB"}, {"\xF3\xA0\x80\x80", "\xF3\xA0\x81\xBF"},
    };
    if (c.n == 1)
        return c.p[0] < 0x20 || c.p[0] == 0x7F;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c.n == strlen(ranges[i][0]) && memcmp(c.p, ranges[i][0], c.n) >= 0 &&
            memcmp(c.p, ranges[i][1], c.n) <= 0)
            return true;
    return false;
}

static void check_printable(struct vdm_bytes input)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_printable_append(&out, input);
    FUZZ_CHECK(!out.failed && out.n <= 4 * input.n + (input.n == 0));
    for (struct vdm_bytes rest = vdm_buf_bytes(&out); rest.n;) {
        struct vdm_bytes c = {rest.p, utf8_length(rest)};
        FUZZ_CHECK(c.n > 0 && !obeyed(c));
        rest = vdm_bytes_skip(rest, c.n);
    }
}

static void check_value(struct vdm_bytes input)
{
    struct vdm_buf escaped VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf meant VDM_CLEANUP(vdm_buf_release) = {0};
    if (input.n == 0)
        return;
    vdm_value_append(&escaped, input);
    FUZZ_CHECK(vdm_value_valid(vdm_buf_bytes(&escaped)));
    vdm_value_decode(vdm_buf_bytes(&escaped), &meant);
    fuzz_same(&meant, input);
    if (!vdm_value_valid(input))
        return;
    vdm_buf_clear(&meant);
    vdm_buf_clear(&escaped);
    vdm_value_decode(input, &meant);
    vdm_value_append(&escaped, vdm_buf_bytes(&meant));
    fuzz_same(&escaped, input);
}

static void check_utf8(struct vdm_bytes input)
{
    bool valid = vdm_utf8_valid(input);
    while (input.n) {
        uint32_t code;
        size_t n = utf8_length(input);
        FUZZ_CHECK(vdm_utf8_next(input, &code) == n);
        if (n == 0)
            break;
        input = vdm_bytes_skip(input, n);
    }
    FUZZ_CHECK(valid == (input.n == 0));
}

static void check_number(struct vdm_bytes input)
{
    uint64_t n;
    char again[32];
    if (!vdm_number_decode(input, &n))
        return;
    snprintf(again, sizeof again, "%" PRIu64, n);
    FUZZ_CHECK(n <= VDM_NUMBER_MAX && vdm_bytes_equal_str(input, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    check_printable(input);
    check_value(input);
    check_utf8(input);
    check_number(input);
    return 0;
}
