/* SPDX-License-Identifier: MIT */
/* The members of a container, each taken as a file is: what is known of it, its bytes, its entry. */
#include "capture/container.h"
#include "format/value.h"
#include "ops/import_revisit.h"
#include "ops/import_state.h"

#include <stdlib.h>
#include <string.h>

struct members {
    struct vdm_importing *m;
    struct vdm_container *c;
    const struct vdm_source *source;
    struct vdm_bytes shown; /* the container */
    struct vdm_digest whole;
    const struct vdm_table_row *row; /* the container's, or NULL */
    uint64_t below;                  /* entries from here on are of this import */
    struct vdm_buf path;             /* of the member, as shown */
    /* Of the member at hand: its first bytes, not handed out from `used` on. */
    uint8_t head[VDM_MEDIA_LOOK_BYTES];
    size_t n, used;
    bool ended; /* all of it is in `head` */
    uint64_t read;
    uint64_t taken; /* members so far; how many there are, nobody knows */
};

/* --- bytes --- */

static bool read_head(struct members *s, struct vdm_err *err)
{
    s->n = s->used = 0;
    s->read = 0;
    s->ended = false;
    while (s->n < sizeof s->head && !s->ended) {
        size_t got;
        if (!vdm_container_read(s->c, s->head + s->n, sizeof s->head - s->n, &got, err))
            return false;
        s->n += got;
        s->ended = got == 0;
    }
    return true;
}

/* At the end the container is asked whether it is still the one whose digest is known. */
static bool read_member(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct members *s = ctx;
    size_t left = s->n - s->used;
    *got = left < cap ? left : cap;
    if (left) {
        memcpy(p, s->head + s->used, *got);
        s->used += *got;
    } else if (!s->ended && !vdm_container_read(s->c, p, cap, got, err)) {
        return false;
    }
    s->read += *got;
    vdm_progress_tell(s->m->progress, "importing", s->taken, 0, s->m->bytes + s->read);
    return *got > 0 || vdm_source_same(s->source) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "its container changed while it was read");
}

/* --- what is known of it --- */

static void derived_from(const struct members *s, bool repeats, struct vdm_buf *out)
{
    const struct vdm_member *m = vdm_container_member(s->c);
    vdm_digest_append(out, s->whole);
    if (m->placed)
        vdm_buf_putf(out, " %llu %llu ", (unsigned long long)m->offset,
                     (unsigned long long)m->length);
    else
        vdm_buf_puts(out, " - - ");
    if (repeats) {
        vdm_buf_puts(out, "the document that this record repeats");
        return;
    }
    if (m->method.n == 0)
        vdm_buf_puts(out, "member ");
    vdm_buf_put(out, m->method.n ? m->method : m->name);
}

static bool collect(struct members *s, struct vdm_pending *p, const char *type, bool repeats,
                    struct vdm_err *err)
{
    struct vdm_buf from VDM_CLEANUP(vdm_buf_release) = {0};
    const struct vdm_member *m = vdm_container_member(s->c);
    derived_from(s, repeats, &from);
    const struct vdm_source_facts facts = {.media_type = vdm_str(type)};
    const struct vdm_import_known known = {.row = s->row,
                                           .facts = &facts,
                                           .line = m->line,
                                           .lines = m->lines,
                                           .keeps_parts = m->describes,
                                           .derived_from = vdm_buf_bytes(&from)};
    vdm_import_lines_release(&p->lines);
    if (!vdm_buf_ok(&from, err) || !vdm_import_collect(&p->lines, s->m->r, &known, err))
        return false;
    p->stands_in = m->repeats && !repeats;
    return !p->stands_in ||
           vdm_import_add(&p->lines, VDM_FIELD_FIELD, VDM_LIT(VDM_REVISIT_UNRESOLVED), err);
}

/* A revisit's document is there already. Its own bytes are passed over, for the lines that come behind. */
static bool take_repeat(struct members *s, struct vdm_pending *p, struct vdm_err *err)
{
    uint8_t piece[1024];
    size_t got;
    do {
        if (!read_member(s, piece, sizeof piece, &got, err))
            return false;
    } while (got > 0);
    return collect(s, p, "", true, err);
}

static bool take_bytes(struct members *s, struct vdm_pending *p, struct vdm_err *err)
{
    char type[VDM_MEDIA_TYPE_MAX + 1];
    vdm_media_guess(s->m->media, (struct vdm_bytes){s->head, s->n}, type);
    /* Lines may follow behind the bytes; but what is to be refused is so before it is stored. */
    return collect(s, p, type, false, err) &&
           vdm_import_store(s->m, read_member, s, s->ended ? s->n : VDM_SIZE_UNKNOWN, p, err) &&
           (s->ended || collect(s, p, type, false, err)) &&
           vdm_import_text_end(s->m->text, &p->lines, p->digest, err);
}

static bool read_one(struct members *s, struct vdm_pending *p, struct vdm_err *err)
{
    const struct vdm_member *m = vdm_container_member(s->c);
    bool found = false;
    if (!read_head(s, err) ||
        (m->repeats && !vdm_import_repeated(s->m, m, &p->digest, &p->size, &found, err)))
        return false;
    return found ? take_repeat(s, p, err) : take_bytes(s, p, err);
}

/* --- each --- */

static bool take_member(struct members *s, struct vdm_err *err)
{
    struct vdm_pending p = {.part = s->m->containers, .below = s->below};
    struct vdm_err why = {0};
    vdm_buf_clear(&s->path);
    vdm_buf_put(&s->path, s->shown);
    vdm_buf_puts(&s->path, " > ");
    vdm_buf_put(&s->path, vdm_container_member(s->c)->name);
    struct vdm_bytes path = vdm_buf_bytes(&s->path);
    s->taken++;
    if (!vdm_buf_ok(&s->path, err) || !vdm_import_room(s->m, path, 0, err))
        return false;
    if (!read_one(s, &p, &why)) {
        vdm_import_lines_release(&p.lines);
        if (why.kind != VDM_ERR_REFUSED && why.kind != VDM_ERR_NOT_FOUND)
            return vdm_fail_as(err, why.kind, "import %.*s: %s", (int)path.n, (const char *)path.p,
                               why.text);
        vdm_import_refuse(s->m, path, why.text);
        return true;
    }
    p.path_n = path.n;
    if (!(p.path = vdm_bytes_dup(path))) {
        vdm_import_lines_release(&p.lines);
        return vdm_fail_memory(err);
    }
    return vdm_batch_add(s->m, &p, err);
}

static void tell_problem(struct members *s)
{
    struct vdm_input told = {.status = VDM_INPUT_PROBLEM, .path = s->shown};
    told.reason = vdm_container_problem(s->c, &told.offset);
    if (told.offset == VDM_OFFSET_REFUSED) {
        vdm_import_refuse(s->m, s->shown, told.reason);
        return;
    }
    s->m->done->problems++;
    vdm_import_say(s->m, &told);
}

static bool take_all(struct members *s, struct vdm_err *err)
{
    enum vdm_container_step step = VDM_CONTAINER_MEMBER;
    while (step != VDM_CONTAINER_END && !vdm_progress_stop(s->m->progress)) {
        if (!vdm_container_next(s->c, &step, err))
            return false;
        if (step == VDM_CONTAINER_PROBLEM)
            tell_problem(s);
        else if (step == VDM_CONTAINER_MEMBER && !take_member(s, err))
            return false;
    }
    return true;
}

bool vdm_import_members(struct vdm_importing *m, struct vdm_container *c,
                        const struct vdm_source *source, const struct vdm_walk_item *item,
                        struct vdm_digest whole, const struct vdm_table_row *row,
                        struct vdm_err *err)
{
    struct members *s = calloc(1, sizeof *s);
    if (!s)
        return vdm_fail_memory(err);
    s->m = m;
    s->c = c;
    s->source = source;
    s->shown = item->shown;
    s->whole = whole;
    s->row = row;
    m->containers++;
    bool ok = vdm_ledger_size(m->a->ledger, &s->below, err);
    s->below += m->batched;
    ok = ok && take_all(s, err);
    vdm_buf_release(&s->path);
    free(s);
    return ok;
}
