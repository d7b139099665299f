/* SPDX-License-Identifier: MIT */
#include "bundle/tar.h"

#include "base/limits.h"
#include "base/text.h"
#include "format/ustar.h"

#include <string.h>

static bool is_alnum(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_name_byte(uint8_t c)
{
    return is_alnum(c) || c == '.' || c == '_' || c == '-';
}

static bool part_valid(struct vdm_bytes part)
{
    for (size_t i = 0; i < part.n; i++)
        if (!is_name_byte(part.p[i]))
            return false;
    return part.n > 0 && !vdm_bytes_equal_str(part, ".") && !vdm_bytes_equal_str(part, "..");
}

bool vdm_tar_folder_valid(struct vdm_bytes folder)
{
    return folder.n <= VDM_TAR_FOLDER_MAX && part_valid(folder) && is_alnum(folder.p[0]);
}

static bool name_valid(const struct vdm_tar_member *m)
{
    struct vdm_bytes rest = {(const uint8_t *)m->name, strnlen(m->name, sizeof m->name)}, part;
    if (rest.n > VDM_TAR_NAME_MAX || !vdm_cut(&rest, '/', &part) || !vdm_tar_folder_valid(part))
        return false;
    while (vdm_cut(&rest, '/', &part))
        if (!part_valid(part))
            return false;
    return part_valid(rest);
}

/* --- headers --- */

#define MODE 0644

bool vdm_tar_header_encode(const struct vdm_tar_member *m, uint8_t out[VDM_TAR_BLOCK],
                           struct vdm_err *err)
{
    if (!name_valid(m))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "no name for a member of a bundle: %.*s",
                           VDM_TAR_NAME_MAX, m->name);
    if (m->size > VDM_NUMBER_MAX)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%s: too large for a tar", m->name);
    if (m->mtime > VDM_TAR_OCTAL_MAX)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%s: its time has no form in a tar", m->name);
    struct vdm_ustar h = {.mode = MODE, .size = m->size, .mtime = m->mtime};
    memcpy(h.name, m->name, sizeof h.name);
    vdm_ustar_encode(&h, out);
    return true;
}

bool vdm_tar_header_decode(const uint8_t block[VDM_TAR_BLOCK], struct vdm_tar_member *out,
                           const char **reason)
{
    struct vdm_ustar h;
    const char *wrong = vdm_ustar_decode(block, MODE, &h);
    struct vdm_tar_member m = {.size = h.size, .mtime = h.mtime};
    memcpy(m.name, h.name, sizeof m.name);
    *reason = "tar header: the checksum is wrong";
    if (!vdm_ustar_checksum_right(block))
        return false;
    *reason = "tar header: not a name that a bundle has";
    if (!name_valid(&m))
        return false;
    *reason = "tar header: the size is too large";
    if (m.size > VDM_NUMBER_MAX)
        return false;
    *reason = wrong ? wrong : "";
    if (wrong)
        return false;
    *out = m;
    return true;
}

const char *vdm_tar_path(const struct vdm_tar_member *m)
{
    const char *slash = strchr(m->name, '/');
    return slash ? slash + 1 : m->name;
}
