/* SPDX-License-Identifier: MIT */
#include "ops/page_words.h"

#include <stdlib.h>

#define CONTEXT_WORDS 5
#define STEPS_MAX     (4 * VDM_PAGE_EDITS_MAX) /* kept of one text */
#define KEPT_MAX      (UINT64_C(32) << 20)     /* bytes kept of all */

static void release_step(struct vdm_page_step *s)
{
    vdm_buf_release(&s->before);
    vdm_buf_release(&s->after);
    vdm_buf_release(&s->bytes);
    free(s->life);
    free(s->end);
}

void vdm_page_words_release(struct vdm_page_words *w)
{
    for (size_t i = 0; i < w->steps; i++)
        release_step(&w->step[i]);
    vdm_text_words_release(&w->now);
    free(w->step);
    free(w->lives_now);
    free(w->life);
    free(w->place);
    free(w->back);
    free(w->capture_of);
    *w = (struct vdm_page_words){0};
}

/* Room for one more; NULL: no memory, and *list is as it was. */
static void *grow(void *list, size_t n, size_t *cap, size_t size, struct vdm_err *err)
{
    if (n < *cap)
        return list;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = reallocarray(list, more, size);
    if (grown)
        *cap = more;
    else
        vdm_fail_memory(err);
    return grown;
}

static bool add_text(struct vdm_page_words *w, size_t capture, struct vdm_err *err)
{
    size_t *grown = grow(w->capture_of, w->texts, &w->texts_cap, sizeof *grown, err);
    if (!grown)
        return false;
    w->capture_of = grown;
    w->capture_of[w->texts++] = capture;
    return true;
}

/* FNV-1a */
static uint64_t hash_of(struct vdm_bytes word)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < word.n; i++)
        hash = (hash ^ word.p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* A word of the text that just came was not there before. */
static bool add_life(struct vdm_page_words *w, struct vdm_bytes word, uint32_t place,
                     uint32_t *number, struct vdm_err *err)
{
    if (w->lives == VDM_PAGE_WORDS_MAX)
        return vdm_fail(err, "this source has too much text to follow its words (--diff compares "
                             "two captures, --no-text only bytes)");
    struct vdm_page_life *grown = grow(w->life, w->lives, &w->lives_cap, sizeof *grown, err);
    if (!grown)
        return false;
    w->life = grown;
    *number = (uint32_t)w->lives;
    w->life[w->lives++] = (struct vdm_page_life){
        .born = w->texts - 1,
        .gone = VDM_PAGE_NEVER,
        .place = place,
        .left = VDM_PAGE_NEVER,
        .hash = hash_of(word),
    };
    return true;
}

/* At this site, or a new one. */
static bool add_place(struct vdm_page_words *w, uint32_t site, uint32_t *place, struct vdm_err *err)
{
    struct vdm_page_place *grown = grow(w->place, w->places, &w->places_cap, sizeof *grown, err);
    if (!grown)
        return false;
    w->place = grown;
    *place = (uint32_t)w->places;
    w->place[w->places++] =
        (struct vdm_page_place){.site = site == VDM_PAGE_NEVER ? w->sites++ : site};
    return true;
}

bool vdm_page_words_first(struct vdm_page_words *w, struct vdm_text_words *words,
                          struct vdm_err *err)
{
    if (!add_text(w, SIZE_MAX, err))
        return false;
    w->lives_now = reallocarray(NULL, (size_t)words->words + 1, sizeof *w->lives_now);
    if (!w->lives_now)
        return vdm_fail_memory(err);
    for (uint32_t i = 0; i < words->words; i++)
        if (!add_life(w, vdm_text_word(words, i), VDM_PAGE_NEVER, &w->lives_now[i], err))
            return false;
    w->now = *words;
    *words = (struct vdm_text_words){0};
    w->loaded = true;
    for (; w->waiting; w->waiting--)
        if (!add_text(w, SIZE_MAX, err))
            return false;
    return true;
}

/* A text that is there once more makes its words a text older. */
bool vdm_page_words_same(struct vdm_page_words *w, struct vdm_err *err)
{
    if (w->loaded)
        return add_text(w, SIZE_MAX, err);
    w->waiting++;
    return true;
}

void vdm_page_words_forget(struct vdm_page_words *w)
{
    vdm_text_words_release(&w->now);
    free(w->lives_now);
    w->lives_now = NULL;
    w->loaded = false;
    w->waiting = 0;
}

/* --- one place where words are others --- */

/* A word that came with the text before, and goes with this one. */
static bool is_fresh(const struct vdm_page_words *w, uint32_t i)
{
    return w->life[w->lives_now[i]].born + 2 == w->texts;
}

/* The place that words share with the fresh word i, which they replace. One of the first text that was
 * compared has no place yet. */
static bool place_of(struct vdm_page_words *w, uint32_t i, uint32_t *place, struct vdm_err *err)
{
    struct vdm_page_life *l = &w->life[w->lives_now[i]];
    if (l->place == VDM_PAGE_NEVER && !add_place(w, VDM_PAGE_NEVER, &l->place, err))
        return false;
    *place = l->place;
    w->place[*place].changes++;
    return true;
}

/* Which words of the hunk stand where others of the last text stood: those at its head and at its end,
 * as many as there went fresh words at that end. */
struct places {
    uint32_t head, tail;             /* words */
    uint32_t head_place, tail_place; /* of those */
    uint32_t place;                  /* of the words between */
};

/* The site of the words between, by the first of them that has one. */
static uint32_t site_between(const struct vdm_page_words *w, const struct vdm_hunk *h,
                             const struct places *p)
{
    for (uint32_t i = p->head; i < h->a_n - p->tail; i++) {
        uint32_t place = w->life[w->lives_now[h->a_at + i]].place;
        if (place != VDM_PAGE_NEVER)
            return w->place[place].site;
    }
    return VDM_PAGE_NEVER;
}

static bool find_places(struct vdm_page_words *w, const struct vdm_hunk *h, struct places *p,
                        struct vdm_err *err)
{
    *p = (struct places){0};
    while (p->head < h->a_n && is_fresh(w, h->a_at + p->head))
        p->head++;
    bool all = p->head == h->a_n;
    while (!all && p->tail < h->a_n && is_fresh(w, h->a_at + h->a_n - 1 - p->tail))
        p->tail++;
    if (p->head && !place_of(w, h->a_at, &p->head_place, err))
        return false;
    if (p->tail && !place_of(w, h->a_at + h->a_n - 1, &p->tail_place, err))
        return false;
    if (!add_place(w, site_between(w, h, p), &p->place, err))
        return false;
    w->place[p->place].changes = 1;
    /* Of fresh words alone all that comes stands at their place, however many. */
    if (all && p->head)
        p->head = UINT32_MAX;
    return true;
}

static uint32_t place_at(const struct places *p, uint32_t i, uint32_t n)
{
    if (i < p->head)
        return p->head_place;
    return n - i <= p->tail ? p->tail_place : p->place;
}

static bool change_words(struct vdm_page_words *w, const struct vdm_hunk *h,
                         const struct vdm_text_words *next, uint32_t *lives, struct vdm_err *err)
{
    struct places p;
    if (!find_places(w, h, &p, err))
        return false;
    /* A fresh word at the head or end that had no place shares that of its neighbours. */
    for (uint32_t i = 0; i < h->a_n; i++) {
        struct vdm_page_life *l = &w->life[w->lives_now[h->a_at + i]];
        if (l->place == VDM_PAGE_NEVER && is_fresh(w, h->a_at + i))
            l->place = place_at(&p, i, h->a_n);
        l->left = place_at(&p, i, h->a_n);
        l->gone = w->texts - 1;
    }
    for (uint32_t i = 0; i < h->b_n; i++)
        if (!add_life(w, vdm_text_word(next, h->b_at + i), place_at(&p, i, h->b_n),
                      &lives[h->b_at + i], err))
            return false;
    return true;
}

/* --- what is kept of it, for people --- */

/* The word, with the space before it where there is one. */
static void put_apart(struct vdm_buf *out, const struct vdm_text_words *t, uint32_t i)
{
    if (!vdm_text_word_is_joined(t, i))
        vdm_buf_putc(out, ' ');
    vdm_buf_put(out, vdm_text_word(t, i));
}

/* No space stands at the front. */
static void put_word(struct vdm_buf *out, struct vdm_bytes apart)
{
    vdm_buf_put(out, out->n || apart.p[0] != ' ' ? apart : vdm_bytes_skip(apart, 1));
}

static void put_context_word(struct vdm_buf *out, const struct vdm_text_words *t, uint32_t i,
                             uint32_t front)
{
    if (i == front)
        vdm_buf_put(out, vdm_text_word(t, i));
    else
        put_apart(out, t, i);
}

/* Words of the same line around it. */
static void put_context(struct vdm_page_step *s, const struct vdm_text_words *t, uint32_t from,
                        uint32_t to)
{
    uint32_t at = from;
    while (at > 0 && from - at < CONTEXT_WORDS && (at == t->words || !t->word[at].first))
        at--;
    for (uint32_t i = at; i < from; i++)
        put_context_word(&s->before, t, i, at);
    for (at = to; at < t->words && at - to < CONTEXT_WORDS && !t->word[at].first; at++)
        put_context_word(&s->after, t, at, to);
}

static uint32_t keep_words(struct vdm_page_step *s, uint32_t kept, const struct vdm_text_words *t,
                           const uint32_t *lives, uint32_t at, uint32_t n)
{
    uint32_t i = 0;
    for (; i < n && i < VDM_PAGE_SIDE_MAX; i++) {
        put_apart(&s->bytes, t, at + i);
        s->life[kept + i] = lives[at + i];
        s->end[kept + i] = (uint32_t)s->bytes.n;
    }
    return i;
}

static bool keep_step(struct vdm_page_words *w, const struct vdm_text_words *next,
                      const uint32_t *lives, const struct vdm_hunk *h, size_t capture,
                      struct vdm_err *err)
{
    struct vdm_page_step *grown = grow(w->step, w->steps, &w->steps_cap, sizeof *grown, err);
    if (!grown)
        return false;
    w->step = grown;
    struct vdm_page_step *s = &w->step[w->steps++];
    *s = (struct vdm_page_step){.capture = capture, .gone_n = h->a_n, .come_n = h->b_n};
    size_t most = (h->a_n < VDM_PAGE_SIDE_MAX ? h->a_n : VDM_PAGE_SIDE_MAX) +
                  (h->b_n < VDM_PAGE_SIDE_MAX ? h->b_n : VDM_PAGE_SIDE_MAX);
    s->life = reallocarray(NULL, most, sizeof *s->life);
    s->end = reallocarray(NULL, most, sizeof *s->end);
    if (!s->life || !s->end)
        return vdm_fail_memory(err);
    s->gone = keep_words(s, 0, &w->now, w->lives_now, h->a_at, h->a_n);
    s->come = keep_words(s, s->gone, next, lives, h->b_at, h->b_n);
    put_context(s, next, h->b_at, h->b_at + h->b_n);
    w->kept += sizeof *s + most * 8 + s->bytes.cap + s->before.cap + s->after.cap;
    return vdm_buf_ok(&s->bytes, err) && vdm_buf_ok(&s->before, err) && vdm_buf_ok(&s->after, err);
}

/* --- one text after the other --- */

/* Words outside of the hunks go on. */
static bool follow(struct vdm_page_words *w, const struct vdm_hunks *hunks,
                   const struct vdm_text_words *next, uint32_t *lives, struct vdm_err *err)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i <= hunks->n; i++) {
        uint32_t until = i < hunks->n ? hunks->h[i].b_at : next->words;
        while (b < until)
            lives[b++] = w->lives_now[a++];
        if (i == hunks->n)
            return true;
        if (!change_words(w, &hunks->h[i], next, lives, err))
            return false;
        a += hunks->h[i].a_n;
        b += hunks->h[i].b_n;
    }
    return true;
}

bool vdm_page_words_next(struct vdm_page_words *w, struct vdm_text_words *words,
                         struct vdm_page_capture *p, size_t capture, size_t *changes,
                         struct vdm_err *err)
{
    struct vdm_hunks hunks VDM_CLEANUP(vdm_hunks_release) = {0};
    uint32_t *lives = reallocarray(NULL, (size_t)words->words + 1, sizeof *lives);
    bool ok = lives || vdm_fail_memory(err);
    ok = ok && vdm_text_words_compare(&hunks, &w->now, words, err) && add_text(w, capture, err) &&
         follow(w, &hunks, words, lives, err);
    for (size_t i = 0; ok && i < hunks.n; i++) {
        if (i < STEPS_MAX && w->kept < KEPT_MAX)
            ok = keep_step(w, words, lives, &hunks.h[i], capture, err);
        else
            p->edits_left_out++;
    }
    *changes = hunks.n;
    if (!ok) {
        free(lives);
        return false;
    }
    vdm_page_words_forget(w);
    w->now = *words;
    *words = (struct vdm_text_words){0};
    w->lives_now = lives;
    w->loaded = true;
    return true;
}

/* --- the end: what came to stay, and what changes again and again --- */

static bool is_changing(const struct vdm_page_words *w, const struct vdm_page_life *l)
{
    uint32_t until = l->gone == VDM_PAGE_NEVER ? w->texts : l->gone;
    if (l->place == VDM_PAGE_NEVER || until - l->born != 1)
        return false;
    const struct vdm_page_place *place = &w->place[l->place];
    return place->changes >= VDM_PAGE_CHANGES_MIN && !w->back[place->site];
}

static struct vdm_page_capture *capture_at(const struct vdm_page_words *w,
                                           struct vdm_page_history *h, uint32_t text)
{
    return text == VDM_PAGE_NEVER || w->capture_of[text] == SIZE_MAX
               ? NULL
               : &h->capture[w->capture_of[text]];
}

static void count(const struct vdm_page_words *w, struct vdm_page_history *h)
{
    for (size_t i = 0; i < w->lives; i++) {
        const struct vdm_page_life *l = &w->life[i];
        struct vdm_page_capture *born = capture_at(w, h, l->born),
                                *gone = capture_at(w, h, l->gone);
        bool changing = is_changing(w, l);
        if (born && changing)
            born->changing++;
        else if (born)
            born->come++;
        if (gone && !changing)
            gone->gone++;
    }
    for (size_t i = 0; i < h->captures; i++)
        if (h->capture[i].change == VDM_PAGE_CHANGED && !h->capture[i].why[0] &&
            h->capture[i].gone + h->capture[i].come == 0)
            h->capture[i].change = VDM_PAGE_CHANGING;
}

static void tell_words(const struct vdm_page_words *w, const struct vdm_page_step *s, uint32_t from,
                       uint32_t n, struct vdm_buf *out)
{
    for (uint32_t i = from; i < from + n; i++) {
        uint32_t start = i ? s->end[i - 1] : 0;
        if (!is_changing(w, &w->life[s->life[i]]))
            put_word(out, (struct vdm_bytes){s->bytes.p + start, s->end[i] - start});
    }
}

static bool tell_step(const struct vdm_page_words *w, struct vdm_page_step *s,
                      struct vdm_page_history *h, struct vdm_err *err)
{
    struct vdm_page_capture *p = &h->capture[s->capture];
    struct vdm_page_edit e = {.gone_left_out = s->gone_n - s->gone,
                              .come_left_out = s->come_n - s->come};
    struct vdm_page_edit *grown = grow(h->edit, h->edits, &h->edits_cap, sizeof *grown, err);
    if (!grown)
        return false;
    h->edit = grown;
    tell_words(w, s, 0, s->gone, &e.gone);
    tell_words(w, s, s->gone, s->come, &e.come);
    bool ok = vdm_buf_ok(&e.gone, err) && vdm_buf_ok(&e.come, err);
    bool wanted = ok && (e.gone.n || e.come.n);
    if (!wanted || p->edits == VDM_PAGE_EDITS_MAX) {
        p->edits_left_out += wanted;
        vdm_buf_release(&e.gone);
        vdm_buf_release(&e.come);
        return ok;
    }
    e.before = s->before;
    e.after = s->after;
    s->before = s->after = (struct vdm_buf){0};
    if (p->edits++ == 0)
        p->first_edit = h->edits;
    h->edit[h->edits++] = e;
    return true;
}

bool vdm_page_words_tell(struct vdm_page_words *w, struct vdm_page_history *h, struct vdm_err *err)
{
    bool ok = vdm_page_words_find_back(w, err);
    if (ok)
        count(w, h);
    for (size_t i = 0; ok && i < w->steps; i++)
        ok = tell_step(w, &w->step[i], h, err);
    return ok;
}
