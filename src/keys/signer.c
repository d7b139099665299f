/* SPDX-License-Identifier: MIT */
#include "keys/signer.h"

#include "base/file.h"

#include <stdlib.h>

struct vdm_signer {
    struct vdm_crypto *c;
    struct vdm_keypair pair;
};

static bool signer_open(struct vdm_signer **out, struct vdm_crypto *c, struct vdm_err *err)
{
    struct vdm_signer *s = calloc(1, sizeof *s);
    if (!s)
        return vdm_fail_memory(err);
    s->c = c;
    *out = s;
    return true;
}

void vdm_signer_close(struct vdm_signer *s)
{
    if (!s)
        return;
    vdm_keypair_release(&s->pair);
    free(s);
}

void vdm_signer_cleanup(struct vdm_signer **s)
{
    vdm_signer_close(*s);
    *s = NULL;
}

bool vdm_signer_generate(struct vdm_signer **out, struct vdm_crypto *c, struct vdm_bytes name,
                         struct vdm_err *err)
{
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    if (!signer_open(&s, c, err) || !vdm_signing_key_generate(&s->pair.key, err))
        return false;
    struct vdm_pubkey public_key = vdm_signing_key_public(s->pair.key);
    if (!vdm_vkey_make(c, name, &public_key, &s->pair.vkey, err))
        return false;
    *out = s;
    s = NULL;
    return true;
}

bool vdm_signer_load(struct vdm_signer **out, struct vdm_crypto *c, int dir, const char *path,
                     const struct vdm_secret *passphrase, struct vdm_err *err)
{
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    if (!signer_open(&s, c, err) || !vdm_keyfile_load(c, dir, path, passphrase, &s->pair, err))
        return false;
    *out = s;
    s = NULL;
    return true;
}

bool vdm_signer_save(const struct vdm_signer *s, int dir, const char *path,
                     const struct vdm_keyfile_lock *lock, struct vdm_err *err)
{
    return vdm_keyfile_save(&s->pair, dir, path, lock, err);
}

bool vdm_signer_save_again(const struct vdm_signer *s, int dir, const char *path,
                           const struct vdm_keyfile_lock *lock, struct vdm_err *err)
{
    return vdm_keyfile_save_again(s->c, &s->pair, dir, path, lock, err);
}

bool vdm_signer_share(int dir, const char *path, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    return (vdm_file_open(dir, path, false, &fd, err) && vdm_fd_share(dir, fd, 0640, err)) ||
           vdm_err_prefix(err, "%s", path);
}

const struct vdm_vkey *vdm_signer_vkey(const struct vdm_signer *s)
{
    return &s->pair.vkey;
}

/* What was put together is read as others will read it: a text that comes back as another, or not
 * at all, is not given out with our signature. */
static bool compose(const struct vdm_signer *s, struct vdm_bytes text, struct vdm_buf *whole,
                    struct vdm_err *err)
{
    struct vdm_note parts;
    struct vdm_sig sig = vdm_sign(s->pair.key, text);
    vdm_buf_put(whole, text);
    vdm_buf_putc(whole, '\n');
    vdm_note_put_signature(whole, vdm_str(s->pair.vkey.name), s->pair.vkey.id, &sig);
    if (!vdm_buf_ok(whole, err) || !vdm_note_decode(vdm_buf_bytes(whole), &parts, err))
        return false;
    return vdm_bytes_equal(parts.text, text) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED, "a text that a note cannot carry");
}

bool vdm_signer_append_note(const struct vdm_signer *s, struct vdm_bytes text, struct vdm_buf *note,
                            struct vdm_err *err)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    if (!compose(s, text, &whole, err))
        return vdm_err_prefix(err, "sign");
    vdm_buf_put(note, vdm_buf_bytes(&whole));
    return vdm_buf_ok(note, err);
}

bool vdm_signer_append_signature(const struct vdm_signer *s, struct vdm_bytes text,
                                 struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    if (!compose(s, text, &whole, err))
        return vdm_err_prefix(err, "sign");
    vdm_buf_put(out, vdm_bytes_skip(vdm_buf_bytes(&whole), text.n + 1));
    return vdm_buf_ok(out, err);
}
