/* SPDX-License-Identifier: MIT */
#include "format/keyfile.h"

#include "base/text.h"
#include "format/value.h"

static bool take_base64(struct vdm_bytes text, uint8_t *out, size_t want)
{
    size_t n = 0;
    return vdm_base64_decode(text, out, want, &n) && n == want;
}

static bool take_kdf(struct vdm_bytes *rest, struct vdm_keyfile *k)
{
    struct vdm_bytes value, ops, memory;
    return vdm_take_field(rest, "kdf", &value) && vdm_take_literal(&value, "argon2id ") &&
           vdm_cut(&value, ' ', &ops) && vdm_number_decode(ops, &k->kdf_ops) &&
           vdm_cut(&value, ' ', &memory) && vdm_number_decode(memory, &k->kdf_memory_bytes) &&
           take_base64(value, k->salt, sizeof k->salt);
}

static bool take_cipher(struct vdm_bytes *rest, struct vdm_keyfile *k)
{
    struct vdm_bytes value;
    return vdm_take_field(rest, "cipher", &value) &&
           vdm_take_literal(&value, "xchacha20poly1305 ") &&
           take_base64(value, k->nonce, sizeof k->nonce);
}

bool vdm_keyfile_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_keyfile *out,
                        struct vdm_err *err)
{
    struct vdm_bytes rest = text, vkey, sealed;
    struct vdm_keyfile k;
    if (!vdm_take_literal(&rest, "vidimus/key/v1\n") || !take_kdf(&rest, &k) ||
        !take_cipher(&rest, &k) || !vdm_take_field(&rest, "public", &vkey) ||
        !vdm_take_field(&rest, "sealed", &sealed) ||
        !take_base64(sealed, k.sealed, sizeof k.sealed) || rest.n != 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed key file");
    if (!vdm_vkey_decode(c, vkey, &k.public_key, err))
        return vdm_err_prefix(err, "key file");
    if (!vdm_vkey_is_ours(&k.public_key))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "key file: not a key of ours");
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_keyfile_append(&again, &k);
    if (!vdm_same_bytes(&again, text, "the key file", err))
        return false;
    *out = k;
    return true;
}

static void put_base64_line(struct vdm_buf *out, const char *start, const uint8_t *p, size_t n)
{
    vdm_buf_puts(out, start);
    vdm_base64_append(out, (struct vdm_bytes){p, n});
    vdm_buf_putc(out, '\n');
}

void vdm_keyfile_append_associated(struct vdm_buf *out, const struct vdm_keyfile *k)
{
    vdm_buf_putf(out, "vidimus/key/v1\nkdf argon2id %llu %llu", (unsigned long long)k->kdf_ops,
                 (unsigned long long)k->kdf_memory_bytes);
    put_base64_line(out, " ", k->salt, sizeof k->salt);
    put_base64_line(out, "cipher xchacha20poly1305 ", k->nonce, sizeof k->nonce);
    vdm_buf_puts(out, "public ");
    vdm_vkey_append(out, &k->public_key);
    vdm_buf_putc(out, '\n');
}

void vdm_keyfile_append(struct vdm_buf *out, const struct vdm_keyfile *k)
{
    vdm_keyfile_append_associated(out, k);
    put_base64_line(out, "sealed ", k->sealed, sizeof k->sealed);
}
