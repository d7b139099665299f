/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void set(struct vdm_err *err, enum vdm_err_kind kind,
                                                      const char *format, va_list args)
{
    if (!err)
        return;
    err->kind = kind;
    vsnprintf(err->text, sizeof err->text, format, args);
}

bool vdm_fail(struct vdm_err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(err, VDM_ERR_FAILED, format, args);
    va_end(args);
    return false;
}

bool vdm_fail_as(struct vdm_err *err, enum vdm_err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(err, kind, format, args);
    va_end(args);
    return false;
}

bool vdm_fail_errno(struct vdm_err *err, const char *format, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, format);
    set(err, VDM_ERR_FAILED, format, args);
    va_end(args);
    if (err) {
        size_t n = strlen(err->text);
        snprintf(err->text + n, sizeof err->text - n, ": %s", strerror(saved));
    }
    return false;
}

static const char no_memory[] = "out of memory";

bool vdm_fail_memory(struct vdm_err *err)
{
    return vdm_fail(err, "%s", no_memory);
}

/* Layers put their words in front, so it stands at the end. */
bool vdm_err_is_memory(const struct vdm_err *err)
{
    size_t n = strlen(err->text), end = sizeof no_memory - 1;
    return n >= end && strcmp(err->text + n - end, no_memory) == 0;
}

bool vdm_err_prefix(struct vdm_err *err, const char *format, ...)
{
    if (!err)
        return false;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t n = strlen(err->text);
    snprintf(err->text + n, sizeof err->text - n, ": %.*s", (int)(sizeof old - 1), old);
    return false;
}
