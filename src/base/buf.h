/* SPDX-License-Identifier: MIT */
/* Bytes: borrowed (vdm_bytes) and owned (vdm_buf). */
#ifndef VDM_BASE_BUF_H
#define VDM_BASE_BUF_H

#include "base/err.h"

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed: valid as long as what it points into; never freed through this. */
struct vdm_bytes {
    const uint8_t *p;
    size_t n;
};

/* The bytes of a string literal, and of a NUL-terminated string. */
#define VDM_LIT(s) ((struct vdm_bytes){(const uint8_t *)("" s), sizeof(s) - 1})
struct vdm_bytes vdm_str(const char *s);

bool vdm_bytes_equal(struct vdm_bytes a, struct vdm_bytes b);
/* Order by unsigned bytes, shorter first where one begins the other: <0, 0, >0. */
int vdm_bytes_compare(struct vdm_bytes a, struct vdm_bytes b);
bool vdm_bytes_start_with(struct vdm_bytes a, struct vdm_bytes prefix);
bool vdm_bytes_equal_str(struct vdm_bytes a, const char *s);
/* Cut n bytes (at most a.n) from the front. */
struct vdm_bytes vdm_bytes_skip(struct vdm_bytes a, size_t n);
/* Copy up to `cap` bytes from the front of what is left to `p`, and cut them off; how many. */
size_t vdm_bytes_take(struct vdm_bytes *left, uint8_t *p, size_t cap);

/* Eight bytes as a number, little-endian or big-endian. A loop over them is compiled as one. */
static inline uint64_t vdm_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline uint64_t vdm_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static inline void vdm_le64_put(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

/* Owned and growing; zero-initialise, release when done. Appending never fails on the spot: running
 * out of memory sets `failed`, and vdm_buf_ok() turns that into an error once, at the end. */
struct vdm_buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    bool failed;
};

void vdm_buf_release(struct vdm_buf *b);
void vdm_buf_clear(struct vdm_buf *b); /* keeps the memory */
void vdm_buf_put(struct vdm_buf *b, struct vdm_bytes data);
void vdm_buf_puts(struct vdm_buf *b, const char *s);
void vdm_buf_putc(struct vdm_buf *b, char c);
void vdm_buf_putn(struct vdm_buf *b, uint64_t n); /* in decimal digits */
void vdm_buf_putf(struct vdm_buf *b, const char *format, ...) VDM_PRINTF(2, 3);
/* Room for n more bytes, counted in at once; NULL (and failed) without memory. */
uint8_t *vdm_buf_grow(struct vdm_buf *b, size_t n);
struct vdm_bytes vdm_buf_bytes(const struct vdm_buf *b);
bool vdm_buf_ok(const struct vdm_buf *b, struct vdm_err *err) VDM_MUST_CHECK;

/* A NUL-terminated copy the caller frees, or NULL without memory. */
char *vdm_bytes_dup(struct vdm_bytes a);

/* For VDM_CLEANUP on a `char *`. */
void vdm_free_string(char **s);

#endif
