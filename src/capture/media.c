/* SPDX-License-Identifier: MIT */
#include "capture/media.h"

#include <magic.h>
#include <stdlib.h>
#include <string.h>

struct vdm_media {
    magic_t cookie;
};

/* Documents are hostile input to libmagic: what unpacks or parses deeply and tells a media type
 * nothing is off (compressed content, details of programs), the rest is kept short. */
static bool set_limits(magic_t cookie)
{
    static const struct {
        int name;
        size_t value;
    } limits[] = {
        {MAGIC_PARAM_BYTES_MAX, VDM_MEDIA_LOOK_BYTES},
        {MAGIC_PARAM_INDIR_MAX, 15},
        {MAGIC_PARAM_NAME_MAX, 50},
        {MAGIC_PARAM_ELF_PHNUM_MAX, 128},
        {MAGIC_PARAM_ELF_SHNUM_MAX, 128},
        {MAGIC_PARAM_ELF_NOTES_MAX, 16},
        {MAGIC_PARAM_REGEX_MAX, 1024},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (magic_setparam(cookie, limits[i].name, &limits[i].value) != 0)
            return false;
    }
    return true;
}

bool vdm_media_open(struct vdm_media **out, struct vdm_err *err)
{
    struct vdm_media *m VDM_CLEANUP(vdm_media_cleanup) = calloc(1, sizeof *m);
    if (!m)
        return vdm_fail_memory(err);
    m->cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);
    if (!m->cookie)
        return vdm_fail_memory(err);
    if (!set_limits(m->cookie) || magic_load(m->cookie, NULL) != 0) {
        const char *why = magic_error(m->cookie);
        return vdm_fail(err, "libmagic: %s", why ? why : "cannot be set up");
    }
    *out = m;
    m = NULL;
    return true;
}

void vdm_media_close(struct vdm_media *m)
{
    if (!m)
        return;
    if (m->cookie)
        magic_close(m->cookie);
    free(m);
}

void vdm_media_cleanup(struct vdm_media **m)
{
    vdm_media_close(*m);
    *m = NULL;
}

static bool is_name(struct vdm_bytes s)
{
    /* A name begins with one of the first 36. */
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+";
    if (s.n == 0 || !memchr(allowed, s.p[0], 36))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!memchr(allowed, s.p[i], sizeof allowed - 1))
            return false;
    }
    return true;
}

bool vdm_media_type_valid(struct vdm_bytes type)
{
    const uint8_t *slash = type.n ? memchr(type.p, '/', type.n) : NULL;
    if (!slash || type.n > VDM_MEDIA_TYPE_MAX)
        return false;
    size_t n = (size_t)(slash - type.p);
    return is_name((struct vdm_bytes){type.p, n}) && is_name(vdm_bytes_skip(type, n + 1));
}

/* Text tells its type at its top, and libmagic is slow on text: it tries a thousand patterns, for
 * a millisecond on 4 KiB. */
static struct vdm_bytes worth_looking_at(struct vdm_bytes head)
{
    enum { TEXT_BYTES = 1024 };
    for (size_t i = 0; i < head.n && i < TEXT_BYTES; i++) {
        if (head.p[i] < 0x20 && !memchr("\t\n\f\r\x1b", head.p[i], 5))
            return head.n > VDM_MEDIA_LOOK_BYTES ? (struct vdm_bytes){head.p, VDM_MEDIA_LOOK_BYTES}
                                                 : head;
    }
    return head.n > TEXT_BYTES ? (struct vdm_bytes){head.p, TEXT_BYTES} : head;
}

/* The length, or 0 for a text that has no room. */
static size_t lower_case(char out[VDM_MEDIA_TYPE_MAX + 1], const char *text)
{
    size_t n = strlen(text);
    if (n > VDM_MEDIA_TYPE_MAX)
        return 0;
    for (size_t i = 0; i <= n; i++)
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    return n;
}

void vdm_media_guess(struct vdm_media *m, struct vdm_bytes head, char type[VDM_MEDIA_TYPE_MAX + 1])
{
    type[0] = 0;
    if (head.n == 0)
        return;
    struct vdm_bytes look = worth_looking_at(head);
    const char *guess = magic_buffer(m->cookie, look.p, look.n);
    if (!guess)
        return;
    char lower[VDM_MEDIA_TYPE_MAX + 1];
    struct vdm_bytes text = {(const uint8_t *)lower, lower_case(lower, guess)};
    if (!vdm_media_type_valid(text) || vdm_bytes_equal(text, VDM_LIT("application/octet-stream")))
        return;
    memcpy(type, lower, sizeof lower);
}
