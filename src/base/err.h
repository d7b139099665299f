/* SPDX-License-Identifier: MIT */
/* Errors: a caller-owned sentence that each layer prefixes on its way up.
 *
 * A fallible function returns bool and takes `struct vdm_err *err` last. false means err is set and
 * the outputs are untouched. A finding of a check is not an error: it goes into a report. */
#ifndef VDM_BASE_ERR_H
#define VDM_BASE_ERR_H

#include <stdbool.h>

#define VDM_MUST_CHECK     __attribute__((warn_unused_result))
#define VDM_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define VDM_CLEANUP(fn)    __attribute__((cleanup(fn)))

/* What a caller may want to do about an error; everything else is in the text. */
enum vdm_err_kind {
    VDM_ERR_NONE = 0,
    VDM_ERR_FAILED,      /* could not do it: I/O, memory, locks, permissions */
    VDM_ERR_MALFORMED,   /* the bytes break their format */
    VDM_ERR_REFUSED,     /* this one input is refused; the rest may go on */
    VDM_ERR_USAGE,       /* the caller's request makes no sense */
    VDM_ERR_NOT_FOUND,   /* what was named does not exist */
    VDM_ERR_INTERRUPTED, /* the user asked to stop */
    VDM_ERR_RECOVER,     /* an interrupted write must be recovered first */
    VDM_ERR_PASSPHRASE,  /* not the one that opens the key: worth asking again */
    VDM_ERR_KINDS
};

struct vdm_err {
    enum vdm_err_kind kind;
    char text[1024]; /* NUL-terminated, may hold bytes from documents: escape before printing */
};

/* Set err; all return false so that `return vdm_fail(...)` reads as one step. err may be NULL. */
bool vdm_fail(struct vdm_err *err, const char *format, ...) VDM_PRINTF(2, 3);
bool vdm_fail_as(struct vdm_err *err, enum vdm_err_kind kind, const char *format, ...)
    VDM_PRINTF(3, 4);
/* As vdm_fail, with ": " and the text of the current errno at the end. */
bool vdm_fail_errno(struct vdm_err *err, const char *format, ...) VDM_PRINTF(2, 3);
bool vdm_fail_memory(struct vdm_err *err);
/* Did it start with vdm_fail_memory? It is VDM_ERR_FAILED like others; this is for who knows a bound
 * that the user could be told. */
bool vdm_err_is_memory(const struct vdm_err *err);

/* Put "<formatted>: " before the text that is already there; keeps the kind. Returns false. */
bool vdm_err_prefix(struct vdm_err *err, const char *format, ...) VDM_PRINTF(2, 3);

#endif
