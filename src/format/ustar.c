/* SPDX-License-Identifier: MIT */
#include "format/ustar.h"

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

/* `digits` octal digits; the bytes after them are already zero. */
static void put_octal(uint8_t *p, size_t digits, uint64_t value)
{
    for (size_t i = digits; i-- > 0; value >>= 3)
        p[i] = (uint8_t)('0' + (value & 7));
}

static void put_size(uint8_t *p, uint64_t size)
{
    if (size <= VDM_USTAR_OCTAL_MAX) {
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
    for (size_t i = 0; i < VDM_USTAR_BLOCK; i++)
        sum += block[i];
    put_octal(block + AT_CHECKSUM, 6, sum);
    block[AT_CHECKSUM + 6] = 0;
}

void vdm_ustar_encode(const struct vdm_ustar *h, uint8_t block[VDM_USTAR_BLOCK])
{
    memset(block, 0, VDM_USTAR_BLOCK);
    memcpy(block + AT_NAME, h->name, strlen(h->name));
    put_octal(block + AT_MODE, 7, h->mode);
    put_octal(block + AT_UID, 7, 0);
    put_octal(block + AT_GID, 7, 0);
    put_size(block + AT_SIZE, h->size);
    put_octal(block + AT_MTIME, NUMBER_BYTES - 1, h->mtime);
    block[AT_TYPE] = '0';
    memcpy(block + AT_MAGIC,
           "ustar\0"
           "00",
           8);
    put_checksum(block);
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
        {AT_MODE, "tar header: the mode is another"},
        {AT_NAME, "tar header: bytes after the name are not zero"},
    };
    size_t i = 0;
    while (offset < fields[i].start)
        i++;
    return fields[i].reason;
}

bool vdm_ustar_checksum_right(const uint8_t block[VDM_USTAR_BLOCK])
{
    uint8_t copy[VDM_USTAR_BLOCK];
    memcpy(copy, block, sizeof copy);
    put_checksum(copy);
    return memcmp(copy + AT_CHECKSUM, block + AT_CHECKSUM, 6) == 0;
}

const char *vdm_ustar_decode(const uint8_t block[VDM_USTAR_BLOCK], unsigned mode,
                             struct vdm_ustar *out)
{
    struct vdm_ustar h = {
        .mode = mode, .size = take_size(block + AT_SIZE), .mtime = take_octal(block + AT_MTIME)};
    uint8_t again[VDM_USTAR_BLOCK];
    memcpy(h.name, block + AT_NAME, VDM_USTAR_NAME_MAX);
    *out = h;
    vdm_ustar_encode(&h, again);
    for (size_t i = 0; i < VDM_USTAR_BLOCK; i++) {
        /* A wrong byte elsewhere changes the sum as well; the field that is wrong is named. */
        bool in_checksum = i >= AT_CHECKSUM && i < AT_CHECKSUM + 6;
        if (!in_checksum && again[i] != block[i])
            return field_at(i);
    }
    return NULL;
}
