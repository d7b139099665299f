/* SPDX-License-Identifier: MIT */
/* The members of a container, each taken as a file is: what is known of it, its bytes, its entry. */
#include "base/limits.h"
#include "capture/container.h"
#include "format/value.h"
#include "ops/import_bag.h"
#include "ops/import_groups.h"
#include "ops/import_revisit.h"

#include <stdlib.h>
#include <string.h>

/* A larger one is not held in memory: it is taken as it comes. */
#define MEMBER_BYTES (1u << 20)
#define GROUP_BYTES  (UINT64_C(8) << 20) /* two of them are in memory */

struct members {
    struct vdm_importing *m;
    struct vdm_container *c;
    const struct vdm_source *source;
    struct vdm_bytes shown; /* the container */
    struct vdm_digest whole;
    const struct vdm_table_row *row;   /* the container's, or NULL */
    const struct vdm_record_line *bag; /* what the bag says that the container lies in */
    size_t bag_lines;
    uint64_t below;      /* entries from here on are of this import */
    uint64_t taken;      /* members so far; how many there are, nobody knows */
    struct vdm_buf path; /* of the member at hand, as shown */
    struct vdm_buf head; /* its first bytes */
};

/* One that was read to its end. */
struct kept {
    struct vdm_member member; /* its texts lie behind its lines */
    struct vdm_bytes path, bytes;
    struct vdm_record_line line[];
};

/* --- bytes --- */

/* Those of a member, from the front: some are in memory, the rest comes from the container. */
struct reading {
    const struct members *s;
    struct vdm_bytes head; /* what is not handed out yet of it */
    bool ended;            /* nothing comes behind it */
    uint64_t taken;
};

/* Is the container still the one whose digest is known? */
static bool check_same(const struct members *s, struct vdm_err *err)
{
    return vdm_source_same(s->source) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "its container changed while it was read");
}

static bool read_member(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct reading *r = ctx;
    const struct members *s = r->s;
    *got = vdm_bytes_take(&r->head, p, cap);
    if (*got == 0 && !r->ended && !vdm_container_read(s->c, p, cap, got, err))
        return false;
    r->taken += *got;
    vdm_progress_tell(s->m->progress, "importing", s->taken, 0, s->m->bytes + r->taken);
    return *got > 0 || r->ended || check_same(s, err);
}

/* Up to MEMBER_BYTES of it. */
static bool read_head(struct members *s, bool *ended, struct vdm_err *err)
{
    uint8_t piece[VDM_COPY_BYTES];
    size_t got = 1;
    vdm_buf_clear(&s->head);
    while (s->head.n < MEMBER_BYTES && got > 0) {
        size_t left = MEMBER_BYTES - s->head.n;
        if (!vdm_container_read(s->c, piece, left < sizeof piece ? left : sizeof piece, &got, err))
            return false;
        vdm_buf_put(&s->head, (struct vdm_bytes){piece, got});
    }
    *ended = got == 0;
    return vdm_buf_ok(&s->head, err) && (!*ended || check_same(s, err));
}

/* --- what is known of it --- */

static void derived_from(const struct members *s, const struct vdm_member *m, bool repeats,
                         struct vdm_buf *out)
{
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

static bool collect(const struct members *s, const struct vdm_member *m, struct vdm_pending *p,
                    const char *type, bool repeats, struct vdm_err *err)
{
    struct vdm_buf from VDM_CLEANUP(vdm_buf_release) = {0};
    derived_from(s, m, repeats, &from);
    const struct vdm_source_facts facts = {.media_type = vdm_str(type)};
    const struct vdm_import_known known = {.row = s->row,
                                           .facts = &facts,
                                           .line = m->line,
                                           .lines = m->lines,
                                           .bag = s->bag,
                                           .bag_lines = s->bag_lines,
                                           .keeps_parts = m->describes,
                                           .derived_from = vdm_buf_bytes(&from),
                                           .of_warc = vdm_container_format(s->c)->warc};
    vdm_import_lines_release(&p->lines);
    if (!vdm_buf_ok(&from, err) || !vdm_import_collect(&p->lines, s->m->r, &known, err))
        return false;
    p->part = s->m->containers;
    p->below = s->below;
    p->stands_in = m->repeats && !repeats;
    return !p->stands_in ||
           vdm_import_add(&p->lines, VDM_FIELD_FIELD, VDM_LIT(VDM_REVISIT_UNRESOLVED), err);
}

static struct vdm_bytes look(struct vdm_bytes head)
{
    return (struct vdm_bytes){head.p,
                              head.n < VDM_MEDIA_LOOK_BYTES ? head.n : VDM_MEDIA_LOOK_BYTES};
}

/* --- by the caller --- */

/* A revisit's document is there already. Its own bytes, and the lines behind them, tell whether the record was taken
 * in before, without it. */
static bool take_repeat(struct reading *r, const struct vdm_member *m, struct vdm_pending *p,
                        struct vdm_err *err)
{
    struct vdm_importing *im = r->s->m;
    struct vdm_pending *own = p->as_stand_in = calloc(1, sizeof *own);
    char type[VDM_MEDIA_TYPE_MAX + 1];
    if (!own)
        return vdm_fail_memory(err);
    vdm_media_guess(im->media, look(r->head), type);
    return vdm_import_hash(im, read_member, r, &own->digest, &own->size, err) &&
           collect(r->s, m, own, type, false, err) && collect(r->s, m, p, "", true, err);
}

static bool take_bytes(struct reading *r, const struct vdm_member *m, struct vdm_pending *p,
                       struct vdm_err *err)
{
    struct vdm_importing *im = r->s->m;
    char type[VDM_MEDIA_TYPE_MAX + 1];
    uint64_t size = r->ended ? r->head.n : VDM_SIZE_UNKNOWN;
    vdm_media_guess(im->media, look(r->head), type);
    /* Lines may follow behind the bytes; but what is to be refused is so before it is stored. */
    return collect(r->s, m, p, type, false, err) &&
           vdm_import_store(im, read_member, r, size, p, err) &&
           (r->ended || collect(r->s, m, p, type, false, err)) &&
           vdm_import_text_end(im->text, &p->lines, p->digest, err);
}

static bool read_one(struct reading *r, const struct vdm_member *m, struct vdm_pending *p,
                     struct vdm_err *err)
{
    bool found = false;
    if (m->repeats && !vdm_import_repeated(r->s->m, m, &p->digest, &p->size, &found, err))
        return false;
    return found ? take_repeat(r, m, p, err) : take_bytes(r, m, p, err);
}

static bool take_now(struct reading *r, const struct vdm_member *m, struct vdm_bytes path,
                     struct vdm_err *err)
{
    struct vdm_importing *im = r->s->m;
    struct vdm_pending p = {0};
    struct vdm_err why = {0};
    if (!vdm_import_room(im, path, r->head.n, err))
        return false;
    if (!read_one(r, m, &p, &why)) {
        vdm_pending_release(&p);
        if (why.kind != VDM_ERR_REFUSED && why.kind != VDM_ERR_NOT_FOUND)
            return vdm_fail_as(err, why.kind, "import %.*s: %s", (int)path.n, (const char *)path.p,
                               why.text);
        vdm_import_refuse(im, path, why.text);
        return true;
    }
    p.path_n = path.n;
    if (!(p.path = vdm_bytes_dup(path))) {
        vdm_pending_release(&p);
        return vdm_fail_memory(err);
    }
    return vdm_batch_add(im, &p, err);
}

static bool take_back(void *ctx, struct vdm_import_job *j, struct vdm_err *err)
{
    const struct kept *k = j->input;
    struct reading r = {.s = ctx, .head = k->bytes, .ended = true};
    return take_now(&r, &k->member, k->path, err);
}

/* The large one, of which `head` is read. */
static bool take_large(void *ctx, unsigned place, struct vdm_err *err)
{
    struct members *s = ctx;
    struct reading r = {.s = s, .head = vdm_buf_bytes(&s->head)};
    (void)place;
    s->taken++;
    return take_now(&r, vdm_container_member(s->c), vdm_buf_bytes(&s->path), err);
}

/* --- by the crew --- */

static bool take(void *ctx, struct vdm_hand *h, struct vdm_import_job *j, struct vdm_err *err)
{
    const struct kept *k = j->input;
    struct vdm_bytes left = k->bytes;
    char type[VDM_MEDIA_TYPE_MAX + 1];
    uint64_t asked = vdm_media_asked(h->media);
    vdm_media_guess(h->media, look(k->bytes), type);
    return !vdm_hand_gave_type(h, asked, j) ||
           (collect(ctx, &k->member, &j->p, type, false, err) &&
            vdm_hand_store(h, vdm_read_bytes, &left, k->bytes.n, j, err));
}

/* --- gathering --- */

static struct vdm_bytes put(uint8_t **at, struct vdm_bytes text)
{
    const struct vdm_bytes copy = {*at, text.n};
    if (text.n)
        memcpy(*at, text.p, text.n);
    *at += text.n;
    return copy;
}

static size_t text_size(const struct members *s, const struct vdm_member *m)
{
    size_t n = s->path.n + s->head.n + m->name.n + m->method.n + m->of_record_id.n +
               m->of_source.n + m->of_captured.n;
    for (size_t i = 0; i < m->lines; i++)
        n += m->line[i].value.n;
    return n;
}

/* A copy of the member at hand; NULL: no memory. */
static struct kept *keep(const struct members *s, const struct vdm_member *m, size_t texts)
{
    size_t lines = m->lines * sizeof *m->line;
    struct kept *k = malloc(sizeof *k + lines + texts);
    if (!k)
        return NULL;
    uint8_t *at = (uint8_t *)k->line + lines;
    k->path = put(&at, vdm_buf_bytes(&s->path));
    k->bytes = put(&at, vdm_buf_bytes(&s->head));
    k->member = *m;
    k->member.line = k->line;
    k->member.name = put(&at, m->name);
    k->member.method = put(&at, m->method);
    k->member.of_record_id = put(&at, m->of_record_id);
    k->member.of_source = put(&at, m->of_source);
    k->member.of_captured = put(&at, m->of_captured);
    for (size_t i = 0; i < m->lines; i++)
        k->line[i] = (struct vdm_record_line){m->line[i].field, put(&at, m->line[i].value)};
    return k;
}

static bool add_kept(struct members *s, struct vdm_import_job *j, struct vdm_err *err)
{
    const struct vdm_member *m = vdm_container_member(s->c);
    size_t texts = text_size(s, m);
    struct kept *k = keep(s, m, texts);
    if (!k)
        return vdm_fail_memory(err);
    j->input = k;
    j->shown = k->path;
    j->size = texts;
    j->outcome =
        m->repeats ? VDM_JOB_BACK : VDM_JOB_NOT_BEGUN; /* what it repeats comes before it */
    return true;
}

/* Nothing of it is known but its path, and why. */
static bool add_told(struct vdm_bytes path, const char *why, struct vdm_import_job *j,
                     struct vdm_err *err)
{
    char *copy = vdm_bytes_dup(path);
    j->input = copy;
    j->why = strdup(why);
    if (!copy || !j->why)
        return vdm_fail_memory(err);
    j->shown = (struct vdm_bytes){(const uint8_t *)copy, path.n};
    return true;
}

static bool next_member(struct members *s, struct vdm_import_job *j, enum vdm_met *met,
                        struct vdm_err *err)
{
    struct vdm_err why = {0};
    bool ended;
    vdm_buf_clear(&s->path);
    vdm_buf_put(&s->path, s->shown);
    vdm_buf_puts(&s->path, " > ");
    vdm_buf_put(&s->path, vdm_container_member(s->c)->name);
    struct vdm_bytes path = vdm_buf_bytes(&s->path);
    if (!vdm_buf_ok(&s->path, err))
        return false;
    if (read_head(s, &ended, &why) && vdm_import_may_keep(vdm_buf_bytes(&s->head), &why)) {
        *met = ended ? VDM_MET_JOB : VDM_MET_SPECIAL;
        return !ended || add_kept(s, j, err);
    }
    if (why.kind != VDM_ERR_REFUSED)
        return vdm_fail_as(err, why.kind, "import %.*s: %s", (int)path.n, (const char *)path.p,
                           why.text);
    j->outcome = VDM_JOB_REFUSED;
    return add_told(path, why.text, j, err);
}

static bool next_problem(struct members *s, struct vdm_import_job *j, struct vdm_err *err)
{
    const char *reason = vdm_container_problem(s->c, &j->offset);
    j->outcome = j->offset == VDM_OFFSET_REFUSED ? VDM_JOB_REFUSED : VDM_JOB_PROBLEM;
    return add_told(s->shown, reason, j, err);
}

static bool next(void *ctx, unsigned place, struct vdm_import_job *j, enum vdm_met *met,
                 struct vdm_err *err)
{
    struct members *s = ctx;
    enum vdm_container_step step;
    (void)place;
    if (!vdm_container_next(s->c, &step, err))
        return false;
    *met = step == VDM_CONTAINER_END ? VDM_MET_END : VDM_MET_JOB;
    if (step == VDM_CONTAINER_PROBLEM)
        return next_problem(s, j, err);
    return step == VDM_CONTAINER_END || next_member(s, j, met, err);
}

static bool take_all(struct members *s, struct vdm_err *err)
{
    const struct vdm_import_source source = {.next = next,
                                             .take = take,
                                             .take_back = take_back,
                                             .take_special = take_large,
                                             .release = free,
                                             .ctx = s,
                                             .seen = &s->taken,
                                             .group_bytes = GROUP_BYTES};
    bool cut;
    return vdm_import_groups(s->m, &source, &cut, err);
}

bool vdm_import_members(struct vdm_importing *m, struct vdm_container *c,
                        const struct vdm_source *source, const struct vdm_walk_item *item,
                        struct vdm_digest whole, const struct vdm_table_row *row, uint64_t *members,
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
    if (vdm_import_in_bag(m, item))
        s->bag = vdm_bag_folder_lines(m->bag, &s->bag_lines);
    m->containers++;
    bool ok = vdm_ledger_size(m->a->ledger, &s->below, err);
    s->below += m->batched;
    ok = ok && take_all(s, err);
    *members = s->taken;
    vdm_buf_release(&s->path);
    vdm_buf_release(&s->head);
    free(s);
    return ok;
}
