/* SPDX-License-Identifier: MIT */
#include "bundle/tar.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* Where the fields of a ustar header start; each reaches to the next. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_UNAME = 265,
    AT_GNAME = 297,
    AT_DEVICE = 329,
    AT_PREFIX = 345,
    AT_REST = 500,
};

#define NUMBER_BYTES 12 /* of size and mtime */

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

/* --- numbers --- */

/* `digits` octal digits; the bytes after them are already zero. */
static void put_octal(uint8_t *p, size_t digits, uint64_t value)
{
    for (size_t i = digits; i-- > 0; value >>= 3)
        p[i] = (uint8_t)('0' + (value & 7));
}

static void put_size(uint8_t *p, uint64_t size)
{
    if (size <= VDM_TAR_OCTAL_MAX) {
        put_octal(p, NUMBER_BYTES - 1, size);
        return;
    }
    p[0] = 0x80;
    for (size_t i = NUMBER_BYTES; i-- > 4; size >>= 8)
        p[i] = (uint8_t)size;
}

/* Whatever the digits make; that they have the one form is seen when they are encoded again. */
static uint64_t take_octal(const uint8_t *p)
{
    uint64_t value = 0;
    for (size_t i = 0; i < NUMBER_BYTES - 1; i++)
        value = value << 3 | (p[i] & 7);
    return value;
}

static uint64_t take_size(const uint8_t *p)
{
    if (!(p[0] & 0x80))
        return take_octal(p);
    uint64_t value = 0;
    for (size_t i = 4; i < NUMBER_BYTES; i++)
        value = value << 8 | p[i];
    return value;
}

/* The sum of all bytes, those of the field itself taken as spaces. */
static void put_checksum(uint8_t *block)
{
    uint64_t sum = 0;
    memset(block + AT_CHECKSUM, ' ', AT_TYPE - AT_CHECKSUM);
    for (size_t i = 0; i < VDM_TAR_BLOCK; i++)
        sum += block[i];
    put_octal(block + AT_CHECKSUM, 6, sum);
    block[AT_CHECKSUM + 6] = 0;
}

/* --- headers --- */

/* For fields that have a form. */
static void encode(const struct vdm_tar_member *m, uint8_t *block)
{
    memset(block, 0, VDM_TAR_BLOCK);
    memcpy(block + AT_NAME, m->name, strlen(m->name));
    memcpy(block + AT_MODE, "0000644", 7);
    memcpy(block + AT_UID, "0000000", 7);
    memcpy(block + AT_GID, "0000000", 7);
    put_size(block + AT_SIZE, m->size);
    put_octal(block + AT_MTIME, NUMBER_BYTES - 1, m->mtime);
    block[AT_TYPE] = '0';
    memcpy(block + AT_MAGIC,
           "ustar\0"
           "00",
           8);
    put_checksum(block);
}

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
    encode(m, out);
    return true;
}

static const char *field_at(size_t offset)
{
    static const struct {
        size_t start;
        const char *reason;
    } fields[] = {
        {AT_REST, "tar header: bytes after the fields are not zero"},
        {AT_PREFIX, "tar header: there is a name prefix"},
        {AT_DEVICE, "tar header: there is a device number"},
        {AT_GNAME, "tar header: there is a group name"},
        {AT_UNAME, "tar header: there is an owner name"},
        {AT_MAGIC, "tar header: not POSIX ustar"},
        {AT_LINK, "tar header: there is a link name"},
        {AT_TYPE, "tar header: not a regular file"},
        {AT_CHECKSUM, "tar header: the checksum is not in its form"},
        {AT_MTIME, "tar header: the time is not in its form"},
        {AT_SIZE, "tar header: the size is not in its form"},
        {AT_GID, "tar header: the group is not 0"},
        {AT_UID, "tar header: the owner is not 0"},
        {AT_MODE, "tar header: the mode is not 0644"},
        {AT_NAME, "tar header: bytes after the name are not zero"},
    };
    size_t i = 0;
    while (offset < fields[i].start)
        i++;
    return fields[i].reason;
}

static bool checksum_right(const uint8_t *block)
{
    uint8_t copy[VDM_TAR_BLOCK];
    memcpy(copy, block, sizeof copy);
    put_checksum(copy);
    return memcmp(copy + AT_CHECKSUM, block + AT_CHECKSUM, 6) == 0;
}

bool vdm_tar_header_decode(const uint8_t block[VDM_TAR_BLOCK], struct vdm_tar_member *out,
                           const char **reason)
{
    struct vdm_tar_member m = {.size = take_size(block + AT_SIZE),
                               .mtime = take_octal(block + AT_MTIME)};
    memcpy(m.name, block + AT_NAME, VDM_TAR_NAME_MAX);
    *reason = "tar header: the checksum is wrong";
    if (!checksum_right(block))
        return false;
    *reason = "tar header: not a name that a bundle has";
    if (!name_valid(&m))
        return false;
    *reason = "tar header: the size is too large";
    if (m.size > VDM_NUMBER_MAX)
        return false;
    /* One form for each member: what does not encode to the same bytes is refused. */
    uint8_t again[VDM_TAR_BLOCK];
    encode(&m, again);
    for (size_t i = 0; i < VDM_TAR_BLOCK; i++) {
        /* A wrong byte elsewhere changes the sum as well; the field that is wrong is named. */
        bool in_checksum = i >= AT_CHECKSUM && i < AT_CHECKSUM + 6;
        if (!in_checksum && again[i] != block[i]) {
            *reason = field_at(i);
            return false;
        }
    }
    *reason = "";
    *out = m;
    return true;
}

const char *vdm_tar_path(const struct vdm_tar_member *m)
{
    const char *slash = strchr(m->name, '/');
    return slash ? slash + 1 : m->name;
}
