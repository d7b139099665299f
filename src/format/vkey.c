/* SPDX-License-Identifier: MIT */
#include "format/vkey.h"

#include "base/limits.h"
#include "base/text.h"
#include "format/value.h"

#include <ctype.h>
#include <string.h>

bool vdm_name_valid(struct vdm_bytes name)
{
    if (name.n == 0 || name.n > VDM_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr("._@/-", c)))
            return false;
    }
    return true;
}

bool vdm_origin_valid(struct vdm_bytes name)
{
    return vdm_name_valid(name) && !vdm_bytes_start_with(name, VDM_LIT("vidimus/")) &&
           !vdm_bytes_start_with(name, VDM_LIT("cosignature/"));
}

static bool is_space(uint32_t u)
{
    return u == ' ' || u == 0x85 || u == 0xA0 || u == 0x1680 || (u >= 0x2000 && u <= 0x200A) ||
           u == 0x2028 || u == 0x2029 || u == 0x202F || u == 0x205F || u == 0x3000;
}

bool vdm_note_name_valid(struct vdm_bytes name)
{
    if (name.n == 0)
        return false;
    while (name.n) {
        uint32_t code;
        size_t n = vdm_utf8_next(name, &code);
        if (n == 0 || code < 0x20 || code == '+' || is_space(code))
            return false;
        name = vdm_bytes_skip(name, n);
    }
    return true;
}

uint32_t vdm_key_id(struct vdm_crypto *c, struct vdm_bytes name, enum vdm_key_type type,
                    const struct vdm_pubkey *key)
{
    uint8_t mark[2] = {'\n', (uint8_t)type};
    struct vdm_bytes parts[] = {name, {mark, 2}, {key->b, sizeof key->b}};
    struct vdm_digest d = vdm_sha256_parts(c, parts, 3);
    return (uint32_t)d.b[0] << 24 | (uint32_t)d.b[1] << 16 | (uint32_t)d.b[2] << 8 | d.b[3];
}

bool vdm_vkey_make(struct vdm_crypto *c, struct vdm_bytes name, const struct vdm_pubkey *key,
                   struct vdm_vkey *out, struct vdm_err *err)
{
    if (!vdm_name_valid(name))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "a key name is 1 to %d of A-Z a-z 0-9 . _ @ / - : %.*s", VDM_NAME_MAX,
                           (int)(name.n < 200 ? name.n : 200), (const char *)name.p);
    if (!vdm_pubkey_valid(key))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a valid Ed25519 public key");
    struct vdm_vkey k = {.type = VDM_KEY_ED25519, .key = *key};
    memcpy(k.name, name.p, name.n);
    k.id = vdm_key_id(c, name, k.type, key);
    *out = k;
    return true;
}

static bool id_decode(struct vdm_bytes hex, uint32_t *id)
{
    uint8_t b[4];
    if (!vdm_hex_decode(hex, b, sizeof b))
        return false;
    *id = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

bool vdm_vkey_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_vkey *out,
                     struct vdm_err *err)
{
    struct vdm_bytes name, hash, rest = text;
    struct vdm_vkey k = {0};
    uint8_t raw[33];
    size_t n = 0;
    if (!vdm_cut(&rest, '+', &name) || !vdm_cut(&rest, '+', &hash) || !vdm_note_name_valid(name) ||
        name.n > VDM_VKEY_NAME_MAX || !id_decode(hash, &k.id))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a public key of the form name+hash+base64");
    if (!vdm_base64_decode(rest, raw, sizeof raw, &n) || n != sizeof raw ||
        (raw[0] != VDM_KEY_ED25519 && raw[0] != VDM_KEY_COSIGNATURE))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not an Ed25519 public key");
    memcpy(k.name, name.p, name.n);
    k.type = (enum vdm_key_type)raw[0];
    memcpy(k.key.b, raw + 1, sizeof k.key.b);
    if (k.id != vdm_key_id(c, name, k.type, &k.key))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the key's name and hash do not fit the key");
    if (!vdm_pubkey_valid(&k.key))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a valid Ed25519 public key");
    *out = k;
    return true;
}

void vdm_vkey_append(struct vdm_buf *out, const struct vdm_vkey *k)
{
    uint8_t raw[33] = {(uint8_t)k->type};
    memcpy(raw + 1, k->key.b, sizeof k->key.b);
    vdm_signer_append(out, vdm_str(k->name), k->id);
    vdm_buf_putc(out, '+');
    vdm_base64_append(out, (struct vdm_bytes){raw, sizeof raw});
}

bool vdm_vkey_is_ours(const struct vdm_vkey *k)
{
    return k->type == VDM_KEY_ED25519 && vdm_name_valid(vdm_str(k->name));
}

bool vdm_vkey_equal(const struct vdm_vkey *a, const struct vdm_vkey *b)
{
    return strcmp(a->name, b->name) == 0 && a->id == b->id && a->type == b->type &&
           vdm_pubkey_equal(a->key, b->key);
}

bool vdm_signer_decode(struct vdm_bytes text, struct vdm_bytes *name, uint32_t *id)
{
    struct vdm_bytes rest = text, before;
    if (!vdm_cut(&rest, '+', &before) || !vdm_name_valid(before) || !id_decode(rest, id))
        return false;
    *name = before;
    return true;
}

void vdm_signer_append(struct vdm_buf *out, struct vdm_bytes name, uint32_t id)
{
    vdm_buf_put(out, name);
    vdm_buf_putf(out, "+%08x", id);
}

void vdm_fingerprint(struct vdm_crypto *c, const struct vdm_pubkey *key, char *out)
{
    struct vdm_digest d = vdm_sha256(c, (struct vdm_bytes){key->b, sizeof key->b});
    for (size_t i = 0; i < 4; i++) {
        vdm_hex_encode(d.b + 2 * i, 2, out + 5 * i);
        out[5 * i + 4] = i < 3 ? ' ' : 0;
    }
}
