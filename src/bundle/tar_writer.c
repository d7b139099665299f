/* SPDX-License-Identifier: MIT */
#include "bundle/tar.h"

#include <string.h>

enum {
    BETWEEN = 1, /* members; not 0, so that a writer without init is refused */
    INSIDE,
    OVER, /* finished, or failed */
};

static const uint8_t zeros[2 * VDM_TAR_BLOCK];

static bool refuse(struct vdm_tar_writer *w, struct vdm_err *err, const char *why)
{
    w->state = OVER;
    return vdm_fail_as(err, VDM_ERR_REFUSED, "tar: %s", why);
}

static bool put(struct vdm_tar_writer *w, struct vdm_bytes data, struct vdm_err *err)
{
    if (!vdm_stream_write(w->out, data, err)) {
        w->state = OVER;
        return vdm_err_prefix(err, "tar");
    }
    w->bytes += data.n;
    return true;
}

bool vdm_tar_writer_init(struct vdm_tar_writer *w, struct vdm_stream_writer *out,
                         const char *folder, uint64_t mtime, struct vdm_err *err)
{
    if (!vdm_tar_folder_valid(vdm_str(folder)))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "tar: no name for a top folder: %s", folder);
    if (mtime > VDM_TAR_OCTAL_MAX)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "tar: this time has no form");
    *w = (struct vdm_tar_writer){.out = out, .mtime = mtime, .state = BETWEEN};
    memcpy(w->folder, folder, strlen(folder) + 1);
    return true;
}

bool vdm_tar_writer_begin(struct vdm_tar_writer *w, const char *path, uint64_t size,
                          struct vdm_err *err)
{
    struct vdm_tar_member m = {.size = size, .mtime = w->mtime};
    uint8_t block[VDM_TAR_BLOCK];
    if (w->state != BETWEEN)
        return refuse(w, err, "a member begins at the wrong time");
    if (strlen(w->folder) + 1 + strlen(path) >= sizeof m.name)
        return refuse(w, err, "a name of more than 100 bytes");
    strcpy(stpcpy(stpcpy(m.name, w->folder), "/"), path);
    if (!vdm_tar_header_encode(&m, block, err)) {
        w->state = OVER;
        return vdm_err_prefix(err, "tar");
    }
    w->state = INSIDE;
    w->left = size;
    w->padding = (unsigned)(-size % VDM_TAR_BLOCK);
    return put(w, (struct vdm_bytes){block, sizeof block}, err);
}

bool vdm_tar_writer_write(struct vdm_tar_writer *w, struct vdm_bytes data, struct vdm_err *err)
{
    if (w->state != INSIDE)
        return refuse(w, err, "content outside a member");
    if (data.n > w->left)
        return refuse(w, err, "more content than announced");
    w->left -= data.n;
    return put(w, data, err);
}

bool vdm_tar_writer_end(struct vdm_tar_writer *w, struct vdm_err *err)
{
    if (w->state != INSIDE)
        return refuse(w, err, "a member ends at the wrong time");
    if (w->left)
        return refuse(w, err, "less content than announced");
    w->state = BETWEEN;
    return put(w, (struct vdm_bytes){zeros, w->padding}, err);
}

bool vdm_tar_writer_add(struct vdm_tar_writer *w, const char *path, struct vdm_bytes data,
                        struct vdm_err *err)
{
    return vdm_tar_writer_begin(w, path, data.n, err) && vdm_tar_writer_write(w, data, err) &&
           vdm_tar_writer_end(w, err);
}

bool vdm_tar_writer_finish(struct vdm_tar_writer *w, struct vdm_err *err)
{
    if (w->state != BETWEEN)
        return refuse(w, err, "it ends at the wrong time");
    if (!put(w, (struct vdm_bytes){zeros, sizeof zeros}, err))
        return false;
    w->state = OVER;
    return true;
}
