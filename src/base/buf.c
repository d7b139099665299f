/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vdm_bytes vdm_str(const char *s)
{
    return (struct vdm_bytes){(const uint8_t *)s, strlen(s)};
}

bool vdm_bytes_equal(struct vdm_bytes a, struct vdm_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int vdm_bytes_compare(struct vdm_bytes a, struct vdm_bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool vdm_bytes_start_with(struct vdm_bytes a, struct vdm_bytes prefix)
{
    return a.n >= prefix.n && vdm_bytes_equal((struct vdm_bytes){a.p, prefix.n}, prefix);
}

bool vdm_bytes_equal_str(struct vdm_bytes a, const char *s)
{
    return vdm_bytes_equal(a, vdm_str(s));
}

struct vdm_bytes vdm_bytes_skip(struct vdm_bytes a, size_t n)
{
    if (n >= a.n)
        return (struct vdm_bytes){a.p ? a.p + a.n : NULL, 0};
    return (struct vdm_bytes){a.p + n, a.n - n};
}

size_t vdm_bytes_take(struct vdm_bytes *left, uint8_t *p, size_t cap)
{
    size_t n = left->n < cap ? left->n : cap;
    if (n)
        memcpy(p, left->p, n);
    *left = vdm_bytes_skip(*left, n);
    return n;
}

void vdm_buf_release(struct vdm_buf *b)
{
    free(b->p);
    *b = (struct vdm_buf){0};
}

void vdm_buf_clear(struct vdm_buf *b)
{
    b->n = 0;
    b->failed = false;
}

/* One spare byte is always kept, so that vdm_buf_putf may let vsnprintf write its NUL. */
static bool reserve(struct vdm_buf *b, size_t n)
{
    size_t need;
    if (b->failed || __builtin_add_overflow(b->n, n, &need) ||
        __builtin_add_overflow(need, 1, &need)) {
        b->failed = true;
        return false;
    }
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    uint8_t *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

uint8_t *vdm_buf_grow(struct vdm_buf *b, size_t n)
{
    if (!reserve(b, n))
        return NULL;
    uint8_t *room = b->p + b->n;
    b->n += n;
    return room;
}

void vdm_buf_put(struct vdm_buf *b, struct vdm_bytes data)
{
    uint8_t *room = vdm_buf_grow(b, data.n);
    if (room && data.n)
        memcpy(room, data.p, data.n);
}

void vdm_buf_puts(struct vdm_buf *b, const char *s)
{
    vdm_buf_put(b, vdm_str(s));
}

void vdm_buf_putc(struct vdm_buf *b, char c)
{
    uint8_t *room = vdm_buf_grow(b, 1);
    if (room)
        *room = (uint8_t)c;
}

void vdm_buf_putn(struct vdm_buf *b, uint64_t n)
{
    uint8_t digit[20];
    size_t first = sizeof digit;
    do
        digit[--first] = (uint8_t)('0' + n % 10);
    while (n /= 10);
    vdm_buf_put(b, (struct vdm_bytes){digit + first, sizeof digit - first});
}

void vdm_buf_putf(struct vdm_buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    /* Mostly it fits, and need not be made twice. */
    size_t room = b->failed ? 0 : b->cap - b->n;
    int n = vsnprintf(room ? (char *)b->p + b->n : NULL, room, format, args);
    va_end(args);
    if (n < 0)
        b->failed = true;
    else if ((size_t)n < room)
        b->n += (size_t)n;
    else if (reserve(b, (size_t)n)) {
        vsnprintf((char *)b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

struct vdm_bytes vdm_buf_bytes(const struct vdm_buf *b)
{
    return (struct vdm_bytes){b->p, b->n};
}

bool vdm_buf_ok(const struct vdm_buf *b, struct vdm_err *err)
{
    return b->failed ? vdm_fail_memory(err) : true;
}

char *vdm_bytes_dup(struct vdm_bytes a)
{
    char *s = malloc(a.n + 1);
    if (!s)
        return NULL;
    if (a.n)
        memcpy(s, a.p, a.n);
    s[a.n] = 0;
    return s;
}

void vdm_free_string(char **s)
{
    free(*s);
    *s = NULL;
}
