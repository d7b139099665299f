/* SPDX-License-Identifier: MIT */
#include "keys/keyfile_io.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/keyfile.h"
#include "format/value.h"
#include "keys/private.h"

#include <assert.h>
#include <string.h>

#define CLEAR_START  "PRIVATE+KEY+"
#define SEALED_START "vidimus/key/v1\n"
#define RAW_BYTES    33 /* signature type, seed */
#define FILE_MAX     1024
/* Start, name, `+<hash>+`, base64, LF; and what vdm_buf and the encoder write past the end. */
#define CLEAR_MAX (sizeof CLEAR_START + VDM_NAME_MAX + 10 + 44 + 1 + 2)

/* Entries about keys begin as sealed ones do, but for the second line. */
bool vdm_keyfile_is_secret(struct vdm_bytes head)
{
    return vdm_bytes_start_with(head, VDM_LIT(CLEAR_START)) ||
           vdm_bytes_start_with(head, VDM_LIT(SEALED_START "kdf "));
}

void vdm_keypair_release(struct vdm_keypair *k)
{
    vdm_signing_key_close(k->key);
    *k = (struct vdm_keypair){0};
}

/* What a file said: the key itself where it is in the clear, what is left to unseal elsewhere. */
struct content {
    enum vdm_keyfile_form form;
    struct vdm_keypair pair; /* sealed: without the key */
    struct vdm_keyfile sealed;
};

static void content_release(struct content *f)
{
    vdm_keypair_release(&f->pair);
}

/* Takes the seed that `raw` holds after the type byte; `raw` is used up. */
static bool pair_from_raw(struct vdm_crypto *c, struct vdm_bytes name, struct vdm_secret *raw,
                          struct vdm_keypair *out, struct vdm_err *err)
{
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
    memmove(raw->p, raw->p + 1, RAW_BYTES - 1);
    raw->n = RAW_BYTES - 1;
    if (!vdm_signing_key_from_seed(&k.key, raw, err))
        return false;
    struct vdm_pubkey public_key = vdm_signing_key_public(k.key);
    if (!vdm_vkey_make(c, name, &public_key, &k.vkey, err))
        return false;
    *out = k;
    k.key = NULL;
    return true;
}

static bool decode_clear(struct vdm_crypto *c, struct vdm_bytes line, struct vdm_keypair *out,
                         struct vdm_err *err)
{
    struct vdm_secret raw VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_bytes name, hash, signer, rest = line;
    uint32_t id;
    if (rest.n && rest.p[rest.n - 1] == '\n')
        rest.n--;
    if (!vdm_secret_open(&raw, RAW_BYTES, err))
        return false;
    if (!vdm_take_literal(&rest, CLEAR_START))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a key file");
    signer.p = rest.p;
    if (!vdm_cut(&rest, '+', &name) || !vdm_cut(&rest, '+', &hash))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed key");
    signer.n = name.n + 1 + hash.n;
    if (!vdm_signer_decode(signer, &name, &id) || !vdm_secret_from_base64(&raw, rest) ||
        raw.n != RAW_BYTES || raw.p[0] != VDM_KEY_ED25519)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed key");
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = {0};
    if (!pair_from_raw(c, name, &raw, &k, err))
        return false;
    if (k.vkey.id != id)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the key does not fit its name and hash");
    *out = k;
    k.key = NULL;
    return true;
}

static bool decode_sealed(struct vdm_crypto *c, struct vdm_bytes text, struct content *f,
                          struct vdm_err *err)
{
    if (!vdm_keyfile_decode(c, text, &f->sealed, err))
        return false;
    f->form = VDM_KEYFILE_SEALED;
    f->pair.vkey = f->sealed.public_key;
    return true;
}

/* The caller prefixes the path to errors of decoding. */
static bool content_decode(struct vdm_crypto *c, const struct vdm_secret *file, struct content *f,
                           struct vdm_err *err)
{
    struct vdm_bytes text = {file->p, file->n};
    if (text.n > FILE_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a key file: larger than %d bytes",
                           FILE_MAX);
    if (vdm_bytes_start_with(text, VDM_LIT(SEALED_START)))
        return decode_sealed(c, text, f, err);
    f->form = VDM_KEYFILE_CLEAR;
    return decode_clear(c, text, &f->pair, err);
}

static bool content_read(struct vdm_crypto *c, int dir, const char *path, bool follow,
                         struct content *f, struct vdm_err *err)
{
    struct vdm_secret file VDM_CLEANUP(vdm_secret_release) = {0};
    if (!vdm_private_read(VDM_PRIVATE_KEY, dir, path, follow, FILE_MAX + 1, &file, err))
        return false;
    if (!content_decode(c, &file, f, err))
        return vdm_err_prefix(err, "%s", path);
    return true;
}

bool vdm_keyfile_peek(struct vdm_crypto *c, int dir, const char *path, struct vdm_keyfile_info *out,
                      struct vdm_err *err)
{
    struct content f VDM_CLEANUP(content_release) = {0};
    if (!content_read(c, dir, path, true, &f, err))
        return false;
    *out = (struct vdm_keyfile_info){.form = f.form, .vkey = f.pair.vkey};
    return true;
}

static bool unseal(const struct vdm_keyfile *k, const struct vdm_secret *passphrase,
                   struct vdm_signing_key **out, struct vdm_err *err)
{
    struct vdm_buf associated VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_kdf kdf = {.ops = k->kdf_ops, .memory_bytes = k->kdf_memory_bytes};
    struct vdm_bytes sealed = {k->sealed, sizeof k->sealed};
    bool right = false;
    if (!passphrase)
        return vdm_fail_as(err, VDM_ERR_USAGE, "the key of %s needs a passphrase",
                           k->public_key.name);
    memcpy(kdf.salt, k->salt, sizeof kdf.salt);
    vdm_keyfile_append_associated(&associated, k);
    if (!vdm_buf_ok(&associated, err) || !vdm_secret_open(&seed, RAW_BYTES - 1, err) ||
        !vdm_unseal(&kdf, passphrase, k->nonce, vdm_buf_bytes(&associated), sealed, &seed, &right,
                    err))
        return false;
    if (!right)
        return vdm_fail_as(err, VDM_ERR_PASSPHRASE,
                           "wrong passphrase for %s, or the key file was damaged",
                           k->public_key.name);
    return vdm_signing_key_from_seed(out, &seed, err);
}

bool vdm_keyfile_load(struct vdm_crypto *c, int dir, const char *path,
                      const struct vdm_secret *passphrase, struct vdm_keypair *out,
                      struct vdm_err *err)
{
    struct content f VDM_CLEANUP(content_release) = {0};
    if (!content_read(c, dir, path, true, &f, err))
        return false;
    if (f.form == VDM_KEYFILE_SEALED && !unseal(&f.sealed, passphrase, &f.pair.key, err))
        return vdm_err_prefix(err, "%s", path);
    if (!vdm_pubkey_equal(vdm_signing_key_public(f.pair.key), f.pair.vkey.key))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%s: it holds another key than it names", path);
    *out = f.pair;
    f.pair.key = NULL;
    return true;
}

/* The line is put together by a vdm_buf that lies on guarded memory. It is large enough for every
 * name of ours, so the buffer never moves it to the heap. */
static bool compose_clear(const struct vdm_keypair *k, struct vdm_secret *file, struct vdm_err *err)
{
    struct vdm_secret raw VDM_CLEANUP(vdm_secret_release) = {0};
    if (!vdm_secret_open(&raw, RAW_BYTES, err) || !vdm_secret_open(file, CLEAR_MAX, err))
        return false;
    raw.p[raw.n++] = VDM_KEY_ED25519;
    if (!vdm_signing_key_seed(k->key, &raw, err))
        return false;
    struct vdm_buf line = {.p = file->p, .cap = file->cap};
    vdm_buf_puts(&line, CLEAR_START);
    vdm_signer_append(&line, vdm_str(k->vkey.name), k->vkey.id);
    vdm_buf_putc(&line, '+');
    vdm_secret_append_base64(&raw, &line);
    vdm_buf_putc(&line, '\n');
    assert(line.p == file->p && !line.failed);
    file->n = line.n;
    return true;
}

static bool compose_sealed(const struct vdm_keypair *k, const struct vdm_keyfile_lock *lock,
                           struct vdm_buf *file, struct vdm_err *err)
{
    struct vdm_keyfile f = {.public_key = k->vkey};
    struct vdm_kdf kdf = *lock->kdf;
    struct vdm_buf associated VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = {0};
    if (lock->passphrase->n == 0)
        return vdm_fail_as(err, VDM_ERR_USAGE, "an empty passphrase protects nothing");
    vdm_random(kdf.salt, sizeof kdf.salt);
    vdm_random(f.nonce, sizeof f.nonce);
    memcpy(f.salt, kdf.salt, sizeof f.salt);
    f.kdf_ops = kdf.ops;
    f.kdf_memory_bytes = kdf.memory_bytes;
    vdm_keyfile_append_associated(&associated, &f);
    if (!vdm_buf_ok(&associated, err) || !vdm_secret_open(&seed, RAW_BYTES - 1, err) ||
        !vdm_signing_key_seed(k->key, &seed, err) ||
        !vdm_seal(&kdf, lock->passphrase, f.nonce, vdm_buf_bytes(&associated), &seed, &sealed, err))
        return false;
    assert(sealed.n == sizeof f.sealed);
    memcpy(f.sealed, sealed.p, sizeof f.sealed);
    vdm_keyfile_append(file, &f);
    return vdm_buf_ok(file, err);
}

static bool save(const struct vdm_keypair *k, int dir, const char *path,
                 const struct vdm_keyfile_lock *lock, bool replace, struct vdm_err *err)
{
    struct vdm_secret clear VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_vkey_is_ours(&k->vkey) ||
        !vdm_pubkey_equal(vdm_signing_key_public(k->key), k->vkey.key))
        return vdm_fail_as(err, VDM_ERR_USAGE, "a secret key and a name that do not belong");
    if (lock ? !compose_sealed(k, lock, &sealed, err) : !compose_clear(k, &clear, err))
        return vdm_err_prefix(err, "%s", path);
    struct vdm_bytes file = lock ? vdm_buf_bytes(&sealed) : (struct vdm_bytes){clear.p, clear.n};
    return vdm_file_publish(dir, path, 0600, replace, file, err) || vdm_err_prefix(err, "key file");
}

bool vdm_keyfile_save(const struct vdm_keypair *k, int dir, const char *path,
                      const struct vdm_keyfile_lock *lock, struct vdm_err *err)
{
    return save(k, dir, path, lock, false, err);
}

bool vdm_keyfile_save_again(struct vdm_crypto *c, const struct vdm_keypair *k, int dir,
                            const char *path, const struct vdm_keyfile_lock *lock,
                            struct vdm_err *err)
{
    struct content f VDM_CLEANUP(content_release) = {0};
    if (!content_read(c, dir, path, false, &f, err))
        return false;
    if (!vdm_vkey_equal(&f.pair.vkey, &k->vkey))
        return vdm_fail(err, "%s: holds another key, of %s", path, f.pair.vkey.name);
    return save(k, dir, path, lock, true, err);
}
