/* SPDX-License-Identifier: MIT */
/* One file: read, hashed, stored; a container with all that is in it. */
#include "base/file.h"
#include "capture/container.h"
#include "keys/keyfile_io.h"
#include "ops/import_bag.h"
#include "ops/import_bundle.h"
#include "ops/import_state.h"

#include <stdio.h>
#include <stdlib.h>

/* Kept free on the store's disk for what a batch writes beside the documents: a fixed part, and for each
 * document its place in a folder, its entry, record and catalog rows, and the pages that the journals
 * save before they are changed. */
#define RESERVE_BYTES          (UINT64_C(64) << 10)
#define RESERVE_DOCUMENT_BYTES (UINT64_C(16) << 10)

/* --- bytes --- */

bool vdm_import_hash(struct vdm_importing *m, vdm_read_fn *read, void *ctx,
                     struct vdm_digest *digest, uint64_t *size, struct vdm_err *err)
{
    uint8_t piece[VDM_COPY_BYTES];
    size_t got;
    *size = 0;
    do {
        if (!read(ctx, piece, sizeof piece, &got, err)) {
            vdm_hash_end(m->hash);
            return false;
        }
        vdm_hash_update(m->hash, (struct vdm_bytes){piece, got});
        *size += got;
    } while (got > 0);
    *digest = vdm_hash_end(m->hash);
    return true;
}

/* On their way to the store the bytes are kept for the text that may be in them. */
struct passing {
    struct vdm_importing *m;
    vdm_read_fn *read;
    void *ctx;
};

static bool read_passing(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct passing *s = ctx;
    if (!s->read(s->ctx, p, cap, got, err))
        return false;
    vdm_import_text_take(s->m->text, (struct vdm_bytes){p, *got});
    return true;
}

bool vdm_import_store(struct vdm_importing *m, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                      struct vdm_pending *p, struct vdm_err *err)
{
    struct passing passing = {m, read, ctx};
    struct vdm_stored stored;
    if (m->r->dry_run)
        return vdm_import_hash(m, read, ctx, &p->digest, &p->size, err);
    vdm_import_text_begin(m->text, &p->lines);
    m->put = true;
    if (!vdm_store_put(m->a->store, read_passing, &passing, size_hint, &stored, err))
        return false;
    m->done->repaired += stored.repaired;
    p->digest = stored.id;
    p->size = stored.size_bytes;
    return true;
}

/* *needed: for so many more documents, with all that the batch will then write. */
static bool has_room(struct vdm_importing *m, uint64_t size, size_t documents, uint64_t *needed,
                     uint64_t *free_bytes, struct vdm_err *err)
{
    *needed = size + RESERVE_BYTES + (m->batched + documents) * RESERVE_DOCUMENT_BYTES;
    return vdm_path_free(m->a->store_path, free_bytes, err);
}

bool vdm_import_has_room_for(struct vdm_importing *m, uint64_t bytes, size_t documents, bool *there,
                             struct vdm_err *err)
{
    uint64_t needed, free_bytes;
    if (!has_room(m, bytes, documents, &needed, &free_bytes, err))
        return false;
    *there = needed <= free_bytes;
    return true;
}

/* Asked before a byte is stored: what was taken so far is recorded first, with the room that was kept for
 * it, so that no batch is left half done. The sizes of all inputs together say nothing: what is known
 * already takes no room for long. */
bool vdm_import_room(struct vdm_importing *m, struct vdm_bytes shown, uint64_t size,
                     struct vdm_err *err)
{
    uint64_t needed, there;
    if (m->r->dry_run)
        return true;
    if (!has_room(m, size, 1, &needed, &there, err))
        return false;
    if (needed <= there)
        return true;
    if (!vdm_batch_finish(m, err) || !has_room(m, size, 1, &needed, &there, err))
        return false;
    return needed <= there ||
           vdm_fail(
               err,
               "import %.*s: the disk is full: %llu bytes are needed, for it and for the ledger, "
               "and %llu are free",
               (int)shown.n, (const char *)shown.p, (unsigned long long)needed,
               (unsigned long long)there);
}

/* Whoever has the archive, or a bundle of it, would have the key. */
bool vdm_import_may_keep(struct vdm_bytes head, struct vdm_err *err)
{
    return !vdm_keyfile_is_secret(head) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "a secret key of an archive, and no document");
}

/* --- one file --- */

struct reading {
    struct vdm_importing *m;
    struct vdm_source *source;
    uint64_t read;
};

/* The source is asked at its end whether it changed, while the store can still drop what it took. */
static bool read_source(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct reading *r = ctx;
    if (!vdm_source_read(r->source, p, cap, got, err))
        return false;
    r->read += *got;
    vdm_progress_tell(r->m->progress, "importing", r->m->seen, r->m->total, r->m->bytes + r->read);
    return *got > 0 || vdm_source_finish(r->source, err);
}

/* What a file is, and what becomes of it. */
struct input {
    const struct vdm_walk_item *item;
    const struct vdm_table_row *row; /* or NULL */
    struct vdm_source *source;
    struct vdm_container *container; /* NULL: it is none, or is not looked into */
    int own;                         /* what it is read from */
    bool whole;                      /* it is a document itself */
    bool keeps_parts;                /* and so is what is in it */
};

static void release(struct input *in)
{
    vdm_container_close(in->container);
    vdm_fd_close(&in->own);
    vdm_source_close(in->source);
}

static bool should_stop(const void *progress)
{
    return vdm_progress_stop(progress);
}

enum { FORMATS_MAX = 16 };

static void list_formats(const struct vdm_container_format *out[FORMATS_MAX])
{
    out[0] = &vdm_import_bundle_format;
    for (size_t i = 0; vdm_container_formats[i] && i + 2 < FORMATS_MAX; i++)
        out[i + 1] = vdm_container_formats[i];
}

bool vdm_import_may_be_container(struct vdm_bytes head)
{
    const struct vdm_container_format *formats[FORMATS_MAX] = {NULL};
    list_formats(formats);
    return vdm_container_may_be(formats, head);
}

/* The worker has a descriptor of its own: the offset of this one is moved by who stores the file. */
static bool open_container(struct vdm_importing *m, struct input *in, int fd, struct vdm_err *err)
{
    const struct vdm_container_format *formats[FORMATS_MAX] = {NULL};
    const struct vdm_import_vouching v = {m->a->crypto, &m->anchors};
    const struct vdm_container_with with = {&v, should_stop, m->progress};
    list_formats(formats);
    return !vdm_container_may_be(formats, vdm_source_head(in->source)) ||
           (vdm_fd_open_again(fd, &in->own, err) &&
            vdm_container_open_with(&in->container, in->own, formats, &with, err));
}

static void tell_problem(struct vdm_importing *m, const struct input *in, const char *reason)
{
    m->done->problems++;
    vdm_import_say(m, &(struct vdm_input){.status = VDM_INPUT_PROBLEM,
                                          .path = in->item->shown,
                                          .reason = reason,
                                          .offset = UINT64_MAX});
}

/* Damage in the first block of a layer hides what it is. Only the name is left to tell. */
static void tell_promised(struct vdm_importing *m, const struct input *in)
{
    char reason[120];
    const char *what = vdm_container_promised(in->item->shown);
    snprintf(reason, sizeof reason,
             "by its name it is %s, and cannot be read as one: kept as it is, as a file", what);
    if (what)
        tell_problem(m, in, reason);
}

/* Standard input cannot be read twice. */
static bool look_inside(struct vdm_importing *m, struct input *in, struct vdm_err *err)
{
    int fd = vdm_source_fd(in->source);
    in->whole = true;
    if (m->r->as_file || fd < 0)
        return true;
    if (!open_container(m, in, fd, err))
        return false;
    if (!in->container) {
        tell_promised(m, in);
        return true;
    }
    const struct vdm_container_format *format = vdm_container_format(in->container);
    if (format == &vdm_import_bundle_format)
        return vdm_import_bundle_judge(m, in->container, in->item->shown, err);
    /* All files of a bag are documents, and a container in a container is not looked into. */
    bool in_bag = vdm_import_in_bag(m, in->item);
    in->whole = format->warc ? m->r->warc != VDM_WARC_RECORDS : in_bag;
    if (format->warc ? m->r->warc == VDM_WARC_WHOLE : in_bag) {
        vdm_container_close(in->container);
        in->container = NULL;
    }
    in->keeps_parts = in->whole && in->container;
    return in->whole || vdm_import_check_several(m->r, in->row, format->warc, err);
}

struct looking {
    int fd;
    uint64_t at;
};

static bool read_looking(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct looking *l = ctx;
    if (!vdm_fd_read_at(l->fd, l->at, p, cap, got, err))
        return false;
    l->at += *got;
    return true;
}

/* What is refused for that is not left in the store. It is asked again of what was stored. */
static bool check_slices_first(struct vdm_importing *m, const struct input *in,
                               struct vdm_pending *p, struct vdm_err *err)
{
    struct looking l = {vdm_source_fd(in->source), 0};
    return l.fd < 0 || !vdm_import_value(&p->lines, VDM_FIELD_DERIVED_FROM).p ||
           (vdm_import_hash(m, read_looking, &l, &p->digest, &p->size, err) &&
            vdm_import_check_slices(m, p, err));
}

/* Its lines, then its bytes. */
static bool read_input(struct vdm_importing *m, struct input *in, struct vdm_pending *p,
                       struct vdm_err *err)
{
    struct vdm_buf path VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_import_known known = {.row = in->row};
    if (!vdm_source_open(&in->source, in->item, m->media, err) ||
        !vdm_import_may_keep(vdm_source_head(in->source), err) || !look_inside(m, in, err))
        return false;
    const struct vdm_source_facts *facts = vdm_source_facts(in->source);
    uint64_t hint = facts->has_size ? facts->size_bytes : VDM_SIZE_UNKNOWN;
    struct reading r = {m, in->source, 0};
    known.facts = facts;
    known.keeps_parts = in->keeps_parts;
    if (!vdm_import_bag_lines(m, in->item, p, &known, &path, err))
        return false;
    if (in->container)
        known.line = vdm_container_about(in->container, &known.lines);
    p->untrusted = in->container &&
                   vdm_container_format(in->container) == &vdm_import_bundle_format &&
                   vdm_import_bundle_untrusted(in->container);
    bool read = in->whole ? vdm_import_collect(&p->lines, m->r, &known, err) &&
                                check_slices_first(m, in, p, err) &&
                                vdm_import_store(m, read_source, &r, hint, p, err) &&
                                vdm_import_text_end(m->text, &p->lines, p->digest, err) &&
                                vdm_import_check_slices(m, p, err)
                          : vdm_import_hash(m, read_source, &r, &p->digest, &p->size, err);
    return read && vdm_import_bag_same(m, in->item, p->digest, err);
}

static bool add_document(struct vdm_importing *m, const struct input *in, struct vdm_pending *p,
                         struct vdm_err *err)
{
    if (!in->whole)
        return true;
    p->path_n = in->item->shown.n;
    if (!(p->path = vdm_bytes_dup(in->item->shown))) {
        vdm_import_lines_release(&p->lines);
        return vdm_fail_memory(err);
    }
    return vdm_batch_add(m, p, err);
}

/* An input of which nothing is kept does not go by without a word. */
static bool take_members(struct vdm_importing *m, struct input *in, struct vdm_digest digest,
                         struct vdm_err *err)
{
    uint64_t members, problems = m->done->problems;
    if (!vdm_import_members(m, in->container, in->source, in->item, digest, in->row, &members, err))
        return false;
    if (members == 0 && !in->whole && m->done->problems == problems &&
        !vdm_progress_stop(m->progress))
        tell_problem(m, in, "nothing in it is of a kind that is taken");
    return true;
}

static bool take(struct vdm_importing *m, struct input *in, struct vdm_err *err)
{
    const struct vdm_bytes shown = in->item->shown;
    struct vdm_pending p = {0};
    struct vdm_err why = {0};
    if (!read_input(m, in, &p, &why)) {
        vdm_import_lines_release(&p.lines);
        if (why.kind != VDM_ERR_REFUSED && why.kind != VDM_ERR_NOT_FOUND)
            return vdm_fail_as(err, why.kind, "import %.*s: %s", (int)shown.n,
                               (const char *)shown.p, why.text);
        vdm_import_refuse(m, shown, why.text);
        return true;
    }
    return add_document(m, in, &p, err) && (!in->container || take_members(m, in, p.digest, err));
}

bool vdm_import_take(struct vdm_importing *m, const struct vdm_walk_item *item,
                     const struct vdm_table_row *row, struct vdm_err *err)
{
    struct input in VDM_CLEANUP(release) = {.item = item, .row = row, .own = -1};
    return vdm_import_room(m, item->shown, item->size_bytes, err) && take(m, &in, err);
}
