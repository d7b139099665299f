/* SPDX-License-Identifier: MIT */
#include "ops/page_history.h"

#include "format/fingerprint.h"
#include "ops/page_words.h"

#include <stdlib.h>
#include <string.h>

const char *vdm_page_change_name(enum vdm_page_change c)
{
    static const char *const names[] = {
        [VDM_PAGE_FIRST] = "first",         [VDM_PAGE_SAME_BYTES] = "same-bytes",
        [VDM_PAGE_SAME_TEXT] = "same-text", [VDM_PAGE_SAME_WORDS] = "same-words",
        [VDM_PAGE_CHANGING] = "changing",   [VDM_PAGE_CHANGED] = "changed",
        [VDM_PAGE_UNKNOWN] = "unknown",
    };
    return names[c];
}

void vdm_page_history_release(struct vdm_page_history *h)
{
    for (size_t i = 0; i < h->edits; i++) {
        vdm_buf_release(&h->edit[i].before);
        vdm_buf_release(&h->edit[i].gone);
        vdm_buf_release(&h->edit[i].come);
        vdm_buf_release(&h->edit[i].after);
    }
    free(h->edit);
    free(h->capture);
    *h = (struct vdm_page_history){0};
}

/* The newest capture whose text is known, be it by its fingerprint alone. */
struct last {
    bool any;
    struct vdm_digest document, text;
    bool has_print; /* `text` is its fingerprint, by this program's extractor of this kind */
    enum vdm_text_kind kind;
};

struct comparing {
    struct vdm_archive *a;
    const struct vdm_progress *progress;
    struct vdm_text *extractor;
    struct vdm_page_history h;
    struct vdm_page_words words;
    struct last last;
    struct vdm_view before; /* to read its text, once it is needed */
    struct last unread;     /* of the captures since then whose text cannot be read, the newest */
    size_t unreads;         /* how many in a row have that one */
};

static struct vdm_page_capture *add_capture(struct vdm_page_history *h, uint64_t n,
                                            struct vdm_err *err)
{
    if (h->captures == h->captures_cap) {
        size_t cap = h->captures_cap ? h->captures_cap * 2 : 16;
        struct vdm_page_capture *grown = reallocarray(h->capture, cap, sizeof *grown);
        if (!grown) {
            vdm_fail_memory(err);
            return NULL;
        }
        h->capture = grown;
        h->captures_cap = cap;
    }
    struct vdm_page_capture *c = &h->capture[h->captures++];
    *c = (struct vdm_page_capture){.n = n, .with = UINT64_MAX};
    return c;
}

/* What the record says of the text, if this program's own extractor said it. */
static struct last known_of(const struct vdm_view *v)
{
    struct vdm_fingerprint f;
    struct last l = {.any = true, .document = v->record.document};
    l.kind = vdm_text_kind(vdm_record_value(&v->record, VDM_FIELD_MEDIA_TYPE, 0));
    l.has_print = l.kind != VDM_TEXT_NONE && vdm_record_fingerprint(&v->record, &f) &&
                  vdm_bytes_equal(f.extractor, vdm_text_extractor(l.kind));
    if (l.has_print)
        l.text = f.text;
    return l;
}

static bool same_print(const struct last *a, const struct last *b)
{
    return a->has_print && b->has_print && a->kind == b->kind && vdm_digest_equal(a->text, b->text);
}

/* Its text, and what its record said of it compared with that. */
static bool read_text(struct comparing *c, const struct vdm_view *v, struct vdm_page_capture *p,
                      struct last *now, struct vdm_text_words *out, bool *has, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    char why[VDM_PAGE_WHY_MAX];
    if (!vdm_page_text_read(c->a, c->extractor, v, &text, has, why, err))
        return false;
    if (!*has) {
        if (p)
            memcpy(p->why, why, sizeof why);
        return true;
    }
    struct vdm_digest found = vdm_sha256(c->a->crypto, vdm_buf_bytes(&text));
    if (p) {
        p->extracted = !now->has_print;
        p->differs = now->has_print && !vdm_digest_equal(found, now->text);
    }
    now->has_print = true;
    now->text = found;
    return vdm_text_words_split(out, &text, err);
}

/* The words of the capture before, if they were not needed until now. */
static bool load_before(struct comparing *c, bool *has, struct vdm_err *err)
{
    struct vdm_text_words words VDM_CLEANUP(vdm_text_words_release) = {0};
    *has = c->words.loaded;
    if (*has)
        return true;
    struct vdm_page_capture *p = NULL;
    for (size_t i = 0; i < c->h.captures; i++)
        if (c->h.capture[i].n == c->before.n)
            p = &c->h.capture[i];
    return read_text(c, &c->before, p, &c->last, &words, has, err) &&
           (!*has || vdm_page_words_first(&c->words, &words, err));
}

static bool remember(struct comparing *c, const struct vdm_view *v, const struct last *now,
                     struct vdm_err *err)
{
    c->last = *now;
    return vdm_view_open(c->a, v->n, &c->before, err);
}

static bool same_text(const struct last *a, const struct last *b)
{
    return a->any && a->kind == b->kind &&
           (vdm_digest_equal(a->document, b->document) || same_print(a, b));
}

static void note_unread(struct comparing *c, const struct last *now)
{
    c->unreads = same_text(&c->unread, now) ? c->unreads + 1 : 1;
    c->unread = *now;
}

/* A text that came before, where it could not be read, is older than that. */
static bool count_unread(struct comparing *c, const struct last *now, struct vdm_err *err)
{
    for (; same_text(&c->unread, now) && c->unreads; c->unreads--)
        if (!vdm_page_words_same(&c->words, err))
            return false;
    c->unread = (struct last){0};
    c->unreads = 0;
    return true;
}

static bool compare_words(struct comparing *c, struct vdm_page_capture *p, struct last *now,
                          struct vdm_text_words *words, struct vdm_err *err)
{
    size_t changes = 0;
    if (same_print(&c->last, now)) {
        p->change = VDM_PAGE_SAME_TEXT;
        return vdm_page_words_same(&c->words, err);
    }
    if (!vdm_page_words_next(&c->words, words, p, (size_t)(p - c->h.capture), &changes, err))
        return false;
    p->change = changes ? VDM_PAGE_CHANGED : VDM_PAGE_SAME_WORDS;
    return true;
}

/* Neither bytes nor fingerprint are those before: both texts are read. */
static bool compare_texts(struct comparing *c, const struct vdm_view *v, struct vdm_page_capture *p,
                          struct last *now, struct vdm_err *err)
{
    struct vdm_text_words words VDM_CLEANUP(vdm_text_words_release) = {0};
    bool has_before, has;
    bool both_known = c->last.has_print && now->has_print && c->last.kind == now->kind;
    if (!load_before(c, &has_before, err) || !read_text(c, v, p, now, &words, &has, err))
        return false;
    p = &c->h.capture[c->h.captures - 1];
    if (has_before && has)
        return compare_words(c, p, now, &words, err) && count_unread(c, now, err) &&
               remember(c, v, now, err);
    p->change = both_known ? VDM_PAGE_CHANGED : VDM_PAGE_UNKNOWN;
    p->with = both_known ? p->with : UINT64_MAX;
    if (has)
        memcpy(p->why, "the text before it cannot be read any more",
               sizeof "the text before it cannot be read any more");
    if (!has) {
        note_unread(c, now);
        return true; /* the next one is compared with the one before */
    }
    vdm_page_words_forget(&c->words);
    return vdm_page_words_first(&c->words, &words, err) && count_unread(c, now, err) &&
           remember(c, v, now, err);
}

static bool compare_one(struct comparing *c, const struct vdm_view *v, struct vdm_err *err)
{
    struct last now = known_of(v);
    struct vdm_page_capture *p = add_capture(&c->h, v->n, err);
    if (!p)
        return false;
    bool same_kind = c->last.any && now.kind == c->last.kind;
    if (now.kind == VDM_TEXT_NONE) {
        p->change = VDM_PAGE_UNKNOWN;
        vdm_page_text_none(&v->record, p->why);
        return true;
    }
    if (!c->last.any)
        return remember(c, v, &now, err);
    p->with = c->before.n;
    if (same_kind && vdm_digest_equal(now.document, c->last.document)) {
        p->change = VDM_PAGE_SAME_BYTES;
        if (!vdm_page_words_same(&c->words, err))
            return false;
        now.has_print = now.has_print || c->last.has_print;
        now.text = c->last.has_print ? c->last.text : now.text;
        return v->has_withdrawal || remember(c, v, &now, err);
    }
    if (same_print(&now, &c->last)) {
        p->change = VDM_PAGE_SAME_TEXT;
        return vdm_page_words_same(&c->words, err) &&
               (v->has_withdrawal || remember(c, v, &now, err));
    }
    return compare_texts(c, v, p, &now, err);
}

static bool take(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    struct comparing *c = ctx;
    if (!v->has_record)
        return true; /* withdrawn: nobody knows what it was */
    vdm_progress_tell(c->progress, "comparing texts", c->h.captures, 0, 0);
    if (vdm_progress_stop(c->progress))
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    return compare_one(c, v, err);
}

bool vdm_page_history(struct vdm_archive *a, const struct vdm_source_order *order,
                      const struct vdm_progress *progress, struct vdm_page_history *out,
                      struct vdm_err *err)
{
    struct comparing c = {.a = a, .progress = progress};
    bool ok = vdm_text_open(&c.extractor, err) && vdm_source_captures(a, order, take, &c, err) &&
              vdm_page_words_tell(&c.words, &c.h, err);
    vdm_text_close(c.extractor);
    vdm_view_release(&c.before);
    vdm_page_words_release(&c.words);
    if (ok)
        *out = c.h;
    else
        vdm_page_history_release(&c.h);
    return ok;
}
