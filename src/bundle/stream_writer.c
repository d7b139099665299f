/* SPDX-License-Identifier: MIT */
#define ZLIB_CONST
#include "base/file.h"
#include "base/limits.h"
#include "bundle/stream.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_OS_UNKNOWN 255

/* libzstd keeps no queue: a job goes to a thread that has nothing to do when it is handed out. With a third, two processors
 * are busy although the writer is late now and then. */
#define ZSTD_THREADS 3
/* Small ones keep the memory small: some six of them are held. */
#define ZSTD_JOB_BYTES (2 << 20)
/* A job begins with so much of what stands before it, a 64th of the window. An eighth, which is the library's choice, costs
 * each job more than it gives. */
#define ZSTD_OVERLAP_LOG 3

struct vdm_stream_writer {
    int fd;
    enum vdm_stream_form form;
    bool over;        /* finished, or failed */
    z_stream gzip;    /* open where form is GZIP */
    gz_header header; /* deflate keeps a pointer to it */
    ZSTD_CStream *zstd;
    struct vdm_write_behind behind;
    size_t held; /* bytes waiting in `in` */
    uint8_t in[VDM_COPY_BYTES];
    uint8_t out[VDM_COPY_BYTES];
};

bool vdm_stream_form_of_name(const char *name, enum vdm_stream_form *out, struct vdm_err *err)
{
    static const struct {
        const char *ending;
        enum vdm_stream_form form;
    } endings[] = {
        {".tar", VDM_STREAM_PLAIN},
        {".tar.gz", VDM_STREAM_GZIP},
        {".tgz", VDM_STREAM_GZIP},
        {".tar.zst", VDM_STREAM_ZSTD},
    };
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t k = strlen(endings[i].ending);
        if (n >= k && strcmp(name + n - k, endings[i].ending) == 0) {
            *out = endings[i].form;
            return true;
        }
    }
    return vdm_fail_as(err, VDM_ERR_USAGE,
                       "a bundle's name ends in .tar, .tar.gz, .tgz or .tar.zst, not as %s", name);
}

static bool open_gzip(struct vdm_stream_writer *s, int level, struct vdm_err *err)
{
    int strength = level ? level : 6;
    if (deflateInit2(&s->gzip, strength, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return vdm_fail_memory(err);
    s->form = VDM_STREAM_GZIP;
    s->header.os = GZIP_OS_UNKNOWN;
    return deflateSetHeader(&s->gzip, &s->header) == Z_OK || vdm_fail(err, "gzip: no header");
}

static bool open_zstd(struct vdm_stream_writer *s, int level, struct vdm_err *err)
{
    s->form = VDM_STREAM_ZSTD;
    s->zstd = ZSTD_createCStream();
    if (!s->zstd)
        return vdm_fail_memory(err);
    int strength = level ? level : 3;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, strength)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 1)))
        return vdm_fail(err, "zstd: no level %d", strength);
    /* One frame from several threads, the same bytes each time. A library without threads refuses all three and
     * does the work alone. */
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_nbWorkers, ZSTD_THREADS);
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_jobSize, ZSTD_JOB_BYTES);
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_overlapLog, ZSTD_OVERLAP_LOG);
    return true;
}

bool vdm_stream_writer_open(struct vdm_stream_writer **out, int fd, enum vdm_stream_form form,
                            int level, struct vdm_err *err)
{
    int most = form == VDM_STREAM_PLAIN ? 0 : form == VDM_STREAM_GZIP ? 9 : 19;
    if (level < 0 || level > most)
        return vdm_fail_as(err, VDM_ERR_USAGE, "no compression level %d: 0 to %d", level, most);
    struct vdm_stream_writer *s VDM_CLEANUP(vdm_stream_writer_cleanup) = calloc(1, sizeof *s);
    if (!s)
        return vdm_fail_memory(err);
    s->fd = fd;
    if ((form == VDM_STREAM_GZIP && !open_gzip(s, level, err)) ||
        (form == VDM_STREAM_ZSTD && !open_zstd(s, level, err)))
        return false;
    *out = s;
    s = NULL;
    return true;
}

void vdm_stream_writer_close(struct vdm_stream_writer *s)
{
    if (!s)
        return;
    if (s->form == VDM_STREAM_GZIP)
        deflateEnd(&s->gzip);
    ZSTD_freeCStream(s->zstd);
    free(s);
}

void vdm_stream_writer_cleanup(struct vdm_stream_writer **s)
{
    vdm_stream_writer_close(*s);
    *s = NULL;
}

static bool send(struct vdm_stream_writer *s, struct vdm_bytes made, struct vdm_err *err)
{
    return vdm_fd_write(s->fd, made, err) && vdm_fd_write_behind(s->fd, &s->behind, made.n, err);
}

static bool put_gzip(struct vdm_stream_writer *s, bool last, struct vdm_err *err)
{
    s->gzip.next_in = s->in;
    s->gzip.avail_in = (uInt)s->held;
    do {
        s->gzip.next_out = s->out;
        s->gzip.avail_out = sizeof s->out;
        /* Z_BUF_ERROR only says that there was nothing left to do. */
        if (deflate(&s->gzip, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
            return vdm_fail(err, "gzip: the encoder fails");
        struct vdm_bytes made = {s->out, sizeof s->out - s->gzip.avail_out};
        if (!send(s, made, err))
            return false;
    } while (s->gzip.avail_out == 0);
    return true;
}

static bool put_zstd(struct vdm_stream_writer *s, bool last, struct vdm_err *err)
{
    ZSTD_inBuffer in = {s->in, s->held, 0};
    for (;;) {
        ZSTD_outBuffer out = {s->out, sizeof s->out, 0};
        size_t left = ZSTD_compressStream2(s->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return vdm_fail(err, "zstd: %s", ZSTD_getErrorName(left));
        if (!send(s, (struct vdm_bytes){s->out, out.pos}, err))
            return false;
        if (last ? left == 0 : in.pos == in.size)
            return true;
    }
}

/* The encoders only ever see whole pieces of `in` and the last one, so their output does not depend
 * on how the caller cut its writes. */
static bool put(struct vdm_stream_writer *s, bool last, struct vdm_err *err)
{
    bool ok = s->form == VDM_STREAM_GZIP   ? put_gzip(s, last, err)
              : s->form == VDM_STREAM_ZSTD ? put_zstd(s, last, err)
                                           : send(s, (struct vdm_bytes){s->in, s->held}, err);
    s->held = 0;
    s->over = last || !ok;
    return ok;
}

bool vdm_stream_write(struct vdm_stream_writer *s, struct vdm_bytes data, struct vdm_err *err)
{
    if (s->over)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the stream is finished or has failed");
    while (data.n) {
        size_t room = sizeof s->in - s->held, n = data.n < room ? data.n : room;
        memcpy(s->in + s->held, data.p, n);
        s->held += n;
        data = vdm_bytes_skip(data, n);
        if (s->held == sizeof s->in && !put(s, false, err))
            return false;
    }
    return true;
}

bool vdm_stream_writer_finish(struct vdm_stream_writer *s, struct vdm_err *err)
{
    if (s->over)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the stream is finished or has failed");
    return put(s, true, err);
}
