/* SPDX-License-Identifier: MIT */
/* A container: a file that holds captures (a WARC, a tar, a zip, a bag). It is known by its bytes, not
 * by its name, and never unpacked to a path.
 *
 * Its bytes are a stranger's, so a format runs in a worker (sandbox/worker.h) with the descriptor of the
 * container and nothing else. There it *pushes* what it finds, by the calls below: members with what the
 * container says of them, their bytes, and problems. The parent *pulls* one member after the other, and
 * takes each as it takes a file. It believes the worker no further than the form of its messages: known
 * fields, bounded lengths, and the bounds against bombs (base/limits.h), which it counts itself.
 *
 * One member is under way at a time; memory does not grow with the container. */
#ifndef VDM_CAPTURE_CONTAINER_H
#define VDM_CAPTURE_CONTAINER_H

#include "base/file.h"
#include "crypto/sum.h"
#include "format/record.h"

/* --- for formats: in the worker --- */

/* Bytes that are unpacked while they are read, from front to back. */
struct vdm_flow {
    const char *name;                                  /* of what they are of, in the container */
    size_t (*read)(void *ctx, uint8_t *p, size_t cap); /* 0: the end, or they cannot be read on */
    bool (*again)(void *ctx); /* from the front; false: it cannot be done */
    void *ctx;
};

/* The container, a part of it that is stored in one piece, or a flow, through one buffer. Offsets are always
 * those in the file; of a flow those in the flow. */
struct vdm_span {
    int fd;                      /* borrowed; -1: a flow */
    const struct vdm_flow *flow; /* NULL: a file */
    uint64_t start, end;
    uint8_t *p; /* VDM_SPAN_BYTES, which hold `n` bytes of the file from `at` on */
    uint64_t at;
    size_t from, n; /* the next byte is p[from] */
    bool failed;    /* a read did, or there is no memory: looks like the end */
};
#define VDM_SPAN_BYTES (1u << 17)
bool vdm_span_init(struct vdm_span *s, int fd, uint64_t start, uint64_t end);
/* The flow stands at its front and has `size` bytes. To go back behind what the buffer holds is to begin again. */
bool vdm_span_init_flow(struct vdm_span *s, const struct vdm_flow *flow, uint64_t size);
void vdm_span_release(struct vdm_span *s);
uint64_t vdm_span_at(const struct vdm_span *s); /* offset of the next byte */
/* At least `want` (at most VDM_SPAN_BYTES) bytes that follow, without taking them; fewer only at the end. */
struct vdm_bytes vdm_span_look(struct vdm_span *s, size_t want);
void vdm_span_take(struct vdm_span *s, size_t n); /* of those that were looked at */
void vdm_span_seek(struct vdm_span *s, uint64_t offset);
bool vdm_span_zeros(struct vdm_span *s,
                    uint64_t from); /* nothing else from there to the end? Goes there. */

/* Where a format puts what it finds. Nothing here fails: once the parent is gone, or a bound is reached,
 * nothing more is sent, and vdm_members_wanted says so. */
struct vdm_members;
/* MD5, SHA-1, SHA-256 and SHA-512 of others; they cannot be had later than this. */
const struct vdm_sums *vdm_members_sums(const struct vdm_members *m);
/* What vdm_container_open_with was given. */
const void *vdm_members_context(const struct vdm_members *m);
/* A line of the record of the container itself. Before the first member. */
void vdm_members_about(struct vdm_members *m, enum vdm_field f, struct vdm_bytes value);
/* After the last of them: says if some were left out, for want of room. */
void vdm_members_about_done(struct vdm_members *m);
/* A member begins. `name`: what the user is shown, within the container; any bytes but no NUL. */
void vdm_members_begin(struct vdm_members *m, struct vdm_bytes name);
/* A line of the member's record, plain bytes (not escaped); `document`, `follows` and `derived-from` are
 * the parent's. Lines that are known come before the bytes: an input that is refused for what they say
 * is then refused before it is stored. Empty values are passed over. */
void vdm_members_line(struct vdm_members *m, enum vdm_field f, struct vdm_bytes value);
/* Where it comes from: bytes of the container, and how the document is made of them. A method that
 * begins with the word `slice` says that the document is these bytes as they stand (docs/FORMATS.md). Without
 * this or the next the method is `member <name>`. What a member comes from (`derived-from`) tells it from all
 * others of the container: no two may have the same. */
void vdm_members_place(struct vdm_members *m, uint64_t offset, uint64_t length, const char *method);
/* Without an offset: from the container as a whole, so. */
void vdm_members_method(struct vdm_members *m, const char *method);
/* Its document is that of another capture (a revisit): of this record-id, or else of this source at this
 * time. What follows as bytes is taken in its place where no such capture is known. */
void vdm_members_repeats(struct vdm_members *m, struct vdm_bytes record_id, struct vdm_bytes source,
                         struct vdm_bytes captured);
/* It is no capture, but what the container says of itself. */
void vdm_members_describes(struct vdm_members *m);
void vdm_members_bytes(struct vdm_members *m, struct vdm_bytes data);
/* It ends: whole, or refused with the reason (what was taken of it is dropped). */
void vdm_members_done(struct vdm_members *m);
void vdm_members_refuse(struct vdm_members *m, const char *reason);
/* Something at this offset of the container could not be read. May stand inside a member. */
#define VDM_OFFSET_NONE UINT64_MAX /* it concerns the container as a whole */
#define VDM_OFFSET_REFUSED                                                                         \
    (UINT64_MAX - 1) /* so, and nothing of it is taken: it counts as refused */
void vdm_members_problem(struct vdm_members *m, uint64_t offset, const char *reason);
/* To be called for unpacked bytes that become no member: they count against the bounds, and the parent sees
 * that the worker is alive. */
void vdm_members_passed(struct vdm_members *m, uint64_t bytes);
bool vdm_members_wanted(const struct vdm_members *m);

struct vdm_container_format {
    const char *name; /* "WARC" */
    bool warc; /* --warc says what becomes of it; of others the members alone are documents */
    bool (*may_be)(
        struct vdm_bytes head); /* in the parent: a comparison of the first bytes, no more */
    bool (*is)(
        struct vdm_span *s); /* in the worker: is it one? `s` is at its start, before and after */
    void (*run)(struct vdm_span *s, struct vdm_members *to);
};
/* All there are, NULL at the end; the first that says yes has it. */
extern const struct vdm_container_format *const vdm_container_formats[];
/* What a file is by the ending of its name alone, if that is a compressed tar or WARC: "a tar". Else NULL. */
const char *vdm_container_promised(struct vdm_bytes name);

/* --- for who takes the members: in the parent --- */

#define VDM_CONTAINER_LOOK_BYTES 512 /* of a file, for vdm_container_may_be */
/* Might a file that begins so be one? What may not be one needs no worker. */
bool vdm_container_may_be(const struct vdm_container_format *const *formats, struct vdm_bytes head);

struct vdm_container;
/* `fd`: a regular file, borrowed until close, read from its start; its offset does not move. *out NULL: it is no
 * container. Reads what it says of itself. */
bool vdm_container_open(struct vdm_container **out, int fd,
                        const struct vdm_container_format *const *formats,
                        struct vdm_err *err) VDM_MUST_CHECK;
struct vdm_container_with {
    const void *context; /* for the format, as it is when the worker is started */
    /* Should we stop? Asked for each message of the worker and while it is waited for; NULL: never. */
    bool (*stop)(const void *ctx);
    const void *stop_ctx;
};
/* Once it is to stop, the worker is: opening and reading end as VDM_ERR_REFUSED, and the next step is the end. */
bool vdm_container_open_with(struct vdm_container **out, int fd,
                             const struct vdm_container_format *const *formats,
                             const struct vdm_container_with *with,
                             struct vdm_err *err) VDM_MUST_CHECK;
/* The end came since we were to stop: there may be more in it. */
bool vdm_container_stopped(const struct vdm_container *c);
void vdm_container_close(struct vdm_container *c); /* NULL is fine; may be done at any time */
void vdm_container_cleanup(struct vdm_container **c);
const struct vdm_container_format *vdm_container_format(const struct vdm_container *c);
/* The lines that the container states of itself. */
const struct vdm_record_line *vdm_container_about(const struct vdm_container *c, size_t *lines);

/* Borrowed until the next step; lines may grow until the member is read to its end. */
struct vdm_member {
    struct vdm_bytes name;
    const struct vdm_record_line *line; /* plain values; fields that do not repeat stand once */
    size_t lines;
    bool placed;
    uint64_t offset, length; /* if placed */
    struct vdm_bytes method; /* empty: not said */
    bool describes;          /* the container: nothing is required of it that a capture has */
    bool repeats;
    struct vdm_bytes of_record_id, of_source, of_captured; /* if it repeats; empty: not said */
};
enum vdm_container_step {
    VDM_CONTAINER_MEMBER,
    VDM_CONTAINER_PROBLEM, /* offset and reason */
    VDM_CONTAINER_END,
};
/* What comes next; what is left of the member before is passed over. A worker that dies or falls silent is
 * a problem, and then the end. Fails only without memory. */
bool vdm_container_next(struct vdm_container *c, enum vdm_container_step *step,
                        struct vdm_err *err) VDM_MUST_CHECK;
const struct vdm_member *vdm_container_member(const struct vdm_container *c);
/* Of the problem that was met; `reason` is the worker's word, NUL-terminated. */
const char *vdm_container_problem(const struct vdm_container *c, uint64_t *offset);
/* Bytes of the member: a vdm_read_fn, ctx is the container. VDM_ERR_REFUSED: the member is not to be
 * taken, and why. */
bool vdm_container_read(void *ctx, uint8_t *p, size_t cap, size_t *got,
                        struct vdm_err *err) VDM_MUST_CHECK;

#endif
