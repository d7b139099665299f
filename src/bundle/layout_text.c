/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "bundle/layout.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

bool vdm_bagit_valid(struct vdm_bytes text)
{
    return vdm_bytes_equal(text, VDM_LIT(VDM_BAGIT_TEXT));
}

/* --- bag-info.txt --- */

static const char *const labels[4] = {
    "External-Identifier: ", "Bagging-Date: ", "Payload-Oxum: ", "Bag-Software-Agent: "};

static bool is_name_byte(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("._@/-", c));
}

static bool origin_valid(struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_name_byte(s.p[i]))
            return false;
    return s.n >= 1 && s.n <= VDM_NAME_MAX;
}

static bool date_valid(struct vdm_bytes s)
{
    uint8_t whole[VDM_TIME_LEN];
    struct vdm_time t;
    if (s.n != 10)
        return false;
    memcpy(whole, s.p, 10);
    memcpy(whole + 10, "T00:00:00Z", 10);
    return vdm_time_decode((struct vdm_bytes){whole, sizeof whole}, &t);
}

static bool agent_valid(struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7E)
            return false;
    return s.n >= 1 && s.n <= VDM_BAG_INFO_AGENT_MAX && s.p[0] != ' ' && s.p[s.n - 1] != ' ';
}

static struct vdm_bytes text_of(const char *field, size_t cap)
{
    return (struct vdm_bytes){(const uint8_t *)field, strnlen(field, cap)};
}

void vdm_bag_date(struct vdm_time t, char *out)
{
    char whole[VDM_TIME_LEN + 1];
    vdm_time_encode(t, whole);
    memcpy(out, whole, 10);
    out[10] = 0;
}

bool vdm_bag_info_encode(const struct vdm_bag_info *info, struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_bytes origin = text_of(info->origin, sizeof info->origin);
    struct vdm_bytes date = text_of(info->date, sizeof info->date);
    struct vdm_bytes agent = text_of(info->agent, sizeof info->agent);
    if (!origin_valid(origin) || !date_valid(date) || info->payload_bytes > VDM_NUMBER_MAX ||
        info->payload_files > VDM_NUMBER_MAX || !agent_valid(agent))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "bag-info.txt: a field has no form");
    vdm_buf_putf(out, "%s%s\n%s%s\n", labels[0], info->origin, labels[1], info->date);
    vdm_buf_putf(out, "%s%" PRIu64 ".%" PRIu64 "\n", labels[2], info->payload_bytes,
                 info->payload_files);
    vdm_buf_putf(out, "%s%s\n", labels[3], info->agent);
    return vdm_buf_ok(out, err);
}

static void copy(char *out, struct vdm_bytes s)
{
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static bool value_decode(size_t i, struct vdm_bytes value, struct vdm_bag_info *info)
{
    struct vdm_bytes before;
    switch (i) {
    case 0:
        if (!origin_valid(value))
            return false;
        copy(info->origin, value);
        return true;
    case 1:
        if (!date_valid(value))
            return false;
        copy(info->date, value);
        return true;
    case 2:
        return vdm_cut(&value, '.', &before) && vdm_number_decode(before, &info->payload_bytes) &&
               vdm_number_decode(value, &info->payload_files);
    default:
        if (!agent_valid(value))
            return false;
        copy(info->agent, value);
        return true;
    }
}

bool vdm_bag_info_decode(struct vdm_bytes text, struct vdm_bag_info *out, struct vdm_err *err)
{
    struct vdm_bag_info info = {0};
    struct vdm_bytes line;
    for (size_t i = 0; i < 4; i++) {
        struct vdm_bytes label = vdm_str(labels[i]);
        if (!vdm_cut_line(&text, &line) || !vdm_bytes_start_with(line, label) ||
            !value_decode(i, vdm_bytes_skip(line, label.n), &info))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "bag-info.txt: line %zu is no `%s...`",
                               i + 1, labels[i]);
    }
    if (text.n)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "bag-info.txt: more than four lines");
    *out = info;
    return true;
}

/* --- manifests --- */

void vdm_manifest_append(struct vdm_buf *out, struct vdm_digest digest, const char *path)
{
    char hex[65];
    vdm_digest_hex(digest, hex);
    vdm_buf_puts(out, hex);
    vdm_buf_puts(out, "  ");
    vdm_buf_puts(out, path);
    vdm_buf_putc(out, '\n');
}

bool vdm_manifest_line_decode(struct vdm_bytes line, struct vdm_digest *digest,
                              struct vdm_layout_member *member)
{
    struct vdm_digest d;
    struct vdm_bytes rest = vdm_bytes_skip(line, 64);
    /* With the two spaces in their place there are 64 bytes before them. */
    if (!vdm_bytes_start_with(rest, VDM_LIT("  ")) ||
        !vdm_digest_from_hex((struct vdm_bytes){line.p, 64}, &d) ||
        !vdm_layout_decode(vdm_bytes_skip(rest, 2), member))
        return false;
    *digest = d;
    return true;
}

/* --- keys --- */

#define PEM_HEAD  "-----BEGIN PUBLIC KEY-----\n"
#define PEM_TAIL  "\n-----END PUBLIC KEY-----\n"
#define DER_BYTES 44

/* SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }: RFC 8410, section 4. */
static const uint8_t der_prefix[DER_BYTES - 32] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

void vdm_key_pem_encode(const struct vdm_pubkey *key, uint8_t *out)
{
    /* In a room that holds it: a check that may lack memory could call a good key bad. */
    uint8_t der[DER_BYTES], room[2 * VDM_KEY_PEM_BYTES];
    struct vdm_buf text = {.p = room, .cap = sizeof room};
    memcpy(der, der_prefix, sizeof der_prefix);
    memcpy(der + sizeof der_prefix, key->b, sizeof key->b);
    vdm_buf_puts(&text, PEM_HEAD);
    vdm_base64_append(&text, (struct vdm_bytes){der, sizeof der});
    vdm_buf_puts(&text, PEM_TAIL);
    assert(text.p == room && text.n == VDM_KEY_PEM_BYTES);
    memcpy(out, room, VDM_KEY_PEM_BYTES);
}

bool vdm_key_pem_decode(struct vdm_bytes text, struct vdm_pubkey *out)
{
    struct vdm_bytes head = VDM_LIT(PEM_HEAD), tail = VDM_LIT(PEM_TAIL);
    uint8_t der[DER_BYTES], again[VDM_KEY_PEM_BYTES];
    struct vdm_pubkey key;
    size_t n = 0;
    if (text.n != VDM_KEY_PEM_BYTES)
        return false;
    struct vdm_bytes base64 = {text.p + head.n, text.n - head.n - tail.n};
    if (!vdm_base64_decode(base64, der, sizeof der, &n) || n != sizeof der)
        return false;
    memcpy(key.b, der + sizeof der_prefix, sizeof key.b);
    /* One form for each key: everything else is seen when it is encoded again. */
    vdm_key_pem_encode(&key, again);
    if (memcmp(again, text.p, sizeof again) != 0)
        return false;
    *out = key;
    return true;
}

/* --- selection --- */

void vdm_selection_append(struct vdm_buf *out, uint64_t n)
{
    vdm_buf_putf(out, "%" PRIu64 "\n", n);
}

static bool selection_fault(const struct vdm_selection_decoder *d, const char *what,
                            struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_MALFORMED, "selection: line %" PRIu64 " %s", d->count + 1,
                       what);
}

bool vdm_selection_decode(struct vdm_selection_decoder *d, struct vdm_bytes *piece, bool *found,
                          uint64_t *n, struct vdm_err *err)
{
    while (piece->n) {
        char c = (char)piece->p[0];
        *piece = vdm_bytes_skip(*piece, 1);
        if (c != '\n') {
            if (d->digits == sizeof d->line)
                return selection_fault(d, "is no number", err);
            d->line[d->digits++] = c;
            continue;
        }
        uint64_t value;
        if (!vdm_number_decode((struct vdm_bytes){(const uint8_t *)d->line, d->digits}, &value))
            return selection_fault(d, "is no number", err);
        if (d->count > 0 && value <= d->last)
            return selection_fault(d, "does not rise", err);
        d->count++;
        d->last = value;
        d->digits = 0;
        *n = value;
        *found = true;
        return true;
    }
    *found = false;
    return true;
}

bool vdm_selection_end(const struct vdm_selection_decoder *d, struct vdm_err *err)
{
    if (d->digits)
        return selection_fault(d, "is cut off", err);
    if (d->count == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "selection: empty");
    return true;
}
