/* SPDX-License-Identifier: MIT */
#include "capture/path.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

void vdm_path_cache_release(struct vdm_path_cache *cache)
{
    vdm_buf_release(&cache->folder);
    vdm_buf_release(&cache->resolved);
}

struct vdm_bytes vdm_path_name(struct vdm_bytes path)
{
    const uint8_t *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    return slash ? vdm_bytes_skip(path, (size_t)(slash - path.p) + 1) : path;
}

/* `.`, `..` and doubled slashes of an absolute path resolved by its text alone, into empty `out`. */
static void make_normal(struct vdm_buf *out, struct vdm_bytes path)
{
    while (path.n) {
        const uint8_t *slash = memchr(path.p, '/', path.n);
        struct vdm_bytes part = {path.p, slash ? (size_t)(slash - path.p) : path.n};
        path = vdm_bytes_skip(path, part.n + 1);
        if (part.n == 0 || vdm_bytes_equal(part, VDM_LIT(".")))
            continue;
        if (!vdm_bytes_equal(part, VDM_LIT(".."))) {
            vdm_buf_putc(out, '/');
            vdm_buf_put(out, part);
            continue;
        }
        while (out->n && out->p[--out->n] != '/')
            ;
    }
}

/* The folder that `path` is in, as text that realpath(3) takes. */
static void append_folder(struct vdm_buf *out, const char *base, struct vdm_bytes path)
{
    size_t n = path.n - vdm_path_name(path).n;
    bool absolute = n && path.p[0] == '/';
    if (!absolute)
        vdm_buf_puts(out, base ? base : ".");
    if (!absolute && n)
        vdm_buf_putc(out, '/');
    vdm_buf_put(out, (struct vdm_bytes){path.p, n});
    vdm_buf_putc(out, 0);
}

static bool resolve(struct vdm_path_cache *cache, const struct vdm_buf *folder, struct vdm_err *err)
{
    if (cache->folder.n && vdm_bytes_equal(vdm_buf_bytes(&cache->folder), vdm_buf_bytes(folder)))
        return true;
    const char *text = (const char *)folder->p;
    char *real VDM_CLEANUP(vdm_free_string) = realpath(text, NULL);
    if (!real && text[0] != '/')
        return vdm_fail_errno(err, "folder");
    vdm_buf_clear(&cache->folder);
    vdm_buf_clear(&cache->resolved);
    make_normal(&cache->resolved, vdm_str(real ? real : text));
    vdm_buf_put(&cache->folder, vdm_buf_bytes(folder));
    if (vdm_buf_ok(&cache->folder, err) && vdm_buf_ok(&cache->resolved, err))
        return true;
    vdm_path_cache_release(cache);
    return false;
}

bool vdm_path_canonical(struct vdm_path_cache *cache, const char *base, struct vdm_bytes path,
                        struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_bytes name = vdm_path_name(path);
    if (name.n == 0 || vdm_bytes_equal(name, VDM_LIT(".")) || vdm_bytes_equal(name, VDM_LIT("..")))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not the path of a file");
    if (memchr(path.p, 0, path.n))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a path with a NUL");
    struct vdm_buf folder VDM_CLEANUP(vdm_buf_release) = {0};
    append_folder(&folder, base, path);
    if (!vdm_buf_ok(&folder, err) || !resolve(cache, &folder, err))
        return false;
    if (cache->resolved.n + 1 + name.n > VDM_PATH_MAX_BYTES)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a path of more than %d bytes",
                           VDM_PATH_MAX_BYTES);
    size_t start = out->n;
    vdm_buf_put(out, vdm_buf_bytes(&cache->resolved));
    vdm_buf_putc(out, '/');
    vdm_buf_put(out, name);
    if (out->failed)
        out->n = start;
    return vdm_buf_ok(out, err);
}
