/* SPDX-License-Identifier: MIT */
#include "keys/pub.h"

#include "base/file.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool vdm_pub_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_vkey *out,
                    struct vdm_err *err)
{
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    if (text.n == 0 || memchr(text.p, '\n', text.n))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not one line with a public key");
    return vdm_vkey_decode(c, text, out, err);
}

bool vdm_pub_read(struct vdm_crypto *c, int dir, const char *path, struct vdm_vkey *out,
                  struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_file_read(dir, path, VDM_SMALL_FILE_MAX, &text, err) ||
        !vdm_pub_decode(c, vdm_buf_bytes(&text), out, err))
        return vdm_err_prefix(err, "%s", path);
    return true;
}

bool vdm_pub_write(int dir, const char *path, const struct vdm_vkey *k, struct vdm_err *err)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_vkey_append(&line, k);
    vdm_buf_putc(&line, '\n');
    if (!vdm_buf_ok(&line, err) ||
        !vdm_file_publish(dir, path, 0644, false, vdm_buf_bytes(&line), err))
        return vdm_err_prefix(err, "public key");
    return true;
}

static char file_byte(uint8_t c, bool first)
{
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (c == '/')
        return '-';
    if (c == '.')
        return first ? '_' : '.'; /* no hidden files */
    return letter || c == '_' || c == '@' || c == '-' ? (char)c : '_';
}

void vdm_key_file_base(const struct vdm_vkey *k, bool with_id, char out[VDM_KEY_FILE_BASE_MAX + 1])
{
    size_t n = 0;
    for (; n < VDM_KEY_FILE_NAME_CUT && k->name[n]; n++)
        out[n] = file_byte((uint8_t)k->name[n], n == 0);
    out[n] = 0;
    if (with_id)
        snprintf(out + n, 10, "-%08x", k->id);
}

enum place {
    PLACE_FREE,
    PLACE_OURS,
    PLACE_TAKEN,
};

static bool look_at(struct vdm_crypto *c, int dir, const char *base, const struct vdm_vkey *k,
                    enum place *out, struct vdm_err *err)
{
    char path[VDM_KEY_FILE_BASE_MAX + 5];
    struct vdm_vkey there;
    struct stat st;
    snprintf(path, sizeof path, "%.*s.pub", VDM_KEY_FILE_BASE_MAX, base);
    if (vdm_pub_read(c, dir, path, &there, NULL)) {
        *out = vdm_vkey_equal(&there, k) ? PLACE_OURS : PLACE_TAKEN;
        return true;
    }
    *out = PLACE_TAKEN;
    /* What cannot be read, a link to nowhere for one, has taken the name all the same. */
    if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    snprintf(path, sizeof path, "%.*s.key", VDM_KEY_FILE_BASE_MAX, base);
    if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (errno != ENOENT)
        return vdm_fail_errno(err, "%s", path);
    *out = PLACE_FREE;
    return true;
}

bool vdm_key_file_choose(struct vdm_crypto *c, int dir, const struct vdm_vkey *k,
                         char out[VDM_KEY_FILE_BASE_MAX + 1], struct vdm_err *err)
{
    enum place place[2];
    char base[2][VDM_KEY_FILE_BASE_MAX + 1];
    for (size_t i = 0; i < 2; i++) {
        vdm_key_file_base(k, i == 1, base[i]);
        if (!look_at(c, dir, base[i], k, &place[i], err))
            return false;
    }
    bool ours = place[0] == PLACE_OURS || place[1] == PLACE_OURS;
    enum place wanted = ours ? PLACE_OURS : PLACE_FREE;
    for (size_t i = 0; i < 2; i++)
        if (place[i] == wanted) {
            memcpy(out, base[i], sizeof base[i]);
            return true;
        }
    return vdm_fail(err, "%s.pub and %s.pub are taken by other keys", base[0], base[1]);
}
