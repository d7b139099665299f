/* SPDX-License-Identifier: MIT */
#include "ops/repair_bundle.h"

#include "base/time.h"
#include "bundle/stream.h"
#include "bundle/tar.h"
#include "capture/container_members.h"
#include "sandbox/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE        65536
#define MEMORY_BYTES (UINT64_C(256) << 20)

/* The first byte of a message: a piece of a document, or its end. */
enum { SAYS_PIECE = 'p', SAYS_END = 'e' };

/* --- in the worker --- */

static bool send_document(struct vdm_tar_reader *t, int channel, uint8_t *message)
{
    enum vdm_tar_status status;
    size_t got = 0;
    do {
        if (!vdm_tar_reader_read(t, message + 1, PIECE, &got, &status, NULL) ||
            status != VDM_TAR_OK)
            return false;
        message[0] = got ? SAYS_PIECE : SAYS_END;
        if (!vdm_message_send(channel, (struct vdm_bytes){message, got + 1}))
            return false;
    } while (got > 0);
    return true;
}

static void take_apart(void *ctx, int channel, const struct vdm_protection *p)
{
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader t;
    struct vdm_tar_member m;
    enum vdm_tar_status status;
    uint8_t *message = malloc(PIECE + 1);
    (void)p;
    if (message && vdm_stream_reader_open(&in, *(int *)ctx, NULL)) {
        vdm_tar_reader_init(&t, in);
        while (vdm_tar_reader_next(&t, &status, &m, NULL) && status == VDM_TAR_OK)
            if (vdm_bytes_start_with(vdm_str(vdm_tar_path(&m)), VDM_LIT("data/files/")) &&
                !send_document(&t, channel, message))
                break;
    }
    free(message);
}

/* --- here --- */

int vdm_spooled_compare(const void *a, const void *b)
{
    return memcmp(((const struct vdm_spooled *)a)->id.b, ((const struct vdm_spooled *)b)->id.b, 32);
}

/* The document ends at `at`; one that nobody wants gives its place to the next. */
static uint64_t end_document(struct vdm_spooled *wanted, size_t n, struct vdm_digest id,
                             uint64_t begun, uint64_t at)
{
    struct vdm_spooled key = {.id = id};
    struct vdm_spooled *w = n ? bsearch(&key, wanted, n, sizeof key, vdm_spooled_compare) : NULL;
    if (!w || w->found)
        return begun;
    w->found = true;
    w->offset = begun;
    w->size = at - begun;
    return at;
}

struct spooling {
    const struct vdm_worker *worker;
    const struct vdm_progress *progress;
    struct vdm_hash *hash;
    int scratch;
    struct vdm_spooled *wanted; /* sorted */
    size_t n;
    uint64_t left; /* bytes that may still come */
    uint8_t *message;
};

/* *got 0: the worker is at its end. */
static bool receive(const struct spooling *s, size_t *got, struct vdm_err *err)
{
    enum { LOOK_MS = 100, PATIENCE_MS = 60000 };
    uint64_t until = vdm_clock_ms() + PATIENCE_MS;
    enum vdm_heard heard = VDM_HEARD_NOTHING;
    *got = 0;
    while (heard == VDM_HEARD_NOTHING) {
        if (vdm_progress_stop(s->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if (vdm_clock_ms() > until)
            return vdm_fail(err, "the worker that reads the bundle gave no sign of life");
        heard = vdm_message_receive(s->worker->channel, LOOK_MS, s->message, PIECE + 1, got);
    }
    return true;
}

static bool take_all(struct spooling *s, struct vdm_err *err)
{
    uint64_t begun = 0, at = 0;
    size_t got;
    for (;;) {
        if (!receive(s, &got, err))
            return false;
        if (got == 0)
            return true;
        struct vdm_bytes piece = {s->message + 1, got - 1};
        if (s->message[0] == SAYS_PIECE) {
            if (piece.n > s->left)
                return vdm_fail(err, "it unpacks to more than a bundle of its size may");
            s->left -= piece.n;
            vdm_hash_update(s->hash, piece);
            if (!vdm_fd_write(s->scratch, piece, err))
                return vdm_err_prefix(err, "spool");
            at += piece.n;
            continue;
        }
        begun = at = end_document(s->wanted, s->n, vdm_hash_end(s->hash), begun, at);
        if (lseek(s->scratch, (off_t)at, SEEK_SET) < 0)
            return vdm_fail_errno(err, "spool");
    }
}

static void stop(struct vdm_worker *w)
{
    vdm_worker_stop(w);
}

bool vdm_repair_spool(struct vdm_crypto *c, int fd, int scratch, struct vdm_spooled *wanted,
                      size_t n, const struct vdm_progress *progress, struct vdm_err *err)
{
    struct stat st;
    struct vdm_hash *h VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    struct vdm_worker worker VDM_CLEANUP(stop) = VDM_WORKER_NONE;
    struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t *p = vdm_buf_grow(&message, PIECE + 1);
    const struct vdm_worker_job job = {.run = take_apart,
                                       .ctx = &fd,
                                       .keep = &fd,
                                       .keeps = 1,
                                       .out = -1,
                                       .limits = {.memory_bytes = MEMORY_BYTES}};
    if (!vdm_buf_ok(&message, err) || !vdm_hash_open(&h, c, err))
        return false;
    if (fstat(fd, &st) != 0)
        return vdm_fail_errno(err, "look at the bundle");
    struct spooling s = {&worker, progress, h, scratch, wanted, n, 0, p};
    s.left = vdm_unpack_max((uint64_t)st.st_size);
    if (!vdm_worker_start(&worker, &job, err) || !take_all(&s, err))
        return false;
    return vdm_worker_end(&worker, err) || vdm_err_prefix(err, "reading the bundle");
}
