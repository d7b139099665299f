/* SPDX-License-Identifier: MIT */
#include "words/compare.h"

#include "words/words.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

void vdm_text_words_release(struct vdm_text_words *t)
{
    vdm_buf_release(&t->text);
    free(t->word);
    *t = (struct vdm_text_words){0};
}

struct vdm_bytes vdm_text_word(const struct vdm_text_words *t, uint32_t i)
{
    return (struct vdm_bytes){t->text.p + t->word[i].at, t->word[i].n};
}

bool vdm_text_word_is_joined(const struct vdm_text_words *t, uint32_t i)
{
    return i > 0 && t->word[i].at == t->word[i - 1].at + t->word[i - 1].n;
}

/* At most: the last may have no end; characters of such scripts have three bytes or more, and part what is
 * around them. */
static size_t count_words(struct vdm_bytes s)
{
    size_t n = 1;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == ' ' || s.p[i] == '\n' ? 1 : s.p[i] >= 0xE0 ? 2 : 0;
    return n;
}

/* Where the word that begins at `from` ends. */
static size_t end_of_word(struct vdm_bytes s, size_t from)
{
    bool alone = false;
    for (size_t i = from, next = from; i < s.n; i = next) {
        UChar32 c = s.p[i];
        if (c < 0x80)
            next = i + 1;
        else
            U8_NEXT(s.p, next, s.n, c);
        if (c == ' ' || c == '\n')
            return i;
        bool mark = c >= 0x300 && (U_GET_GC_MASK(c) & U_GC_M_MASK);
        bool alone_too = c >= 0x800 && !mark && vdm_words_stands_alone(c);
        if (i > from && !mark && (alone || alone_too))
            return i;
        alone = alone || alone_too;
    }
    return s.n;
}

bool vdm_text_words_split(struct vdm_text_words *out, struct vdm_buf *text, struct vdm_err *err)
{
    struct vdm_bytes s = vdm_buf_bytes(text);
    if (s.n > UINT32_MAX / 2)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too long a text");
    size_t most = count_words(s);
    out->words = 0;
    if (!(out->word = reallocarray(NULL, most, sizeof *out->word)))
        return vdm_fail_memory(err);
    bool first = true;
    for (size_t from = 0, end; from < s.n; from = end) {
        if (s.p[from] == ' ' || s.p[from] == '\n') {
            first = first || s.p[from] == '\n';
            end = from + 1;
            continue;
        }
        end = end_of_word(s, from);
        out->word[out->words++] = (struct vdm_word){(uint32_t)from, (uint32_t)(end - from), first};
        first = false;
    }
    out->text = *text;
    *text = (struct vdm_buf){0};
    return true;
}

/* --- numbers for what is equal --- */

/* Pieces of both texts; equal ones get one number. By sorting: no input makes that slow. */
struct piece {
    struct vdm_bytes bytes;
    uint32_t *number;
};

static int by_bytes(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    return vdm_bytes_compare(x->bytes, y->bytes);
}

static void number(struct piece *p, size_t n)
{
    uint32_t next = 0;
    qsort(p, n, sizeof *p, by_bytes);
    for (size_t i = 0; i < n; i++) {
        next += i > 0 && !vdm_bytes_equal(p[i].bytes, p[i - 1].bytes);
        *p[i].number = next;
    }
}

/* A stretch of words or lines of one text: where each begins. */
struct stretch {
    const struct vdm_text_words *t;
    const uint32_t
        *start; /* of lines: the first word, and behind the last line the end; NULL: words */
    uint32_t from, n;
};

static struct vdm_bytes bytes_of(const struct stretch *s, uint32_t i)
{
    if (!s->start)
        return vdm_text_word(s->t, s->from + i);
    const struct vdm_word *a = &s->t->word[s->start[s->from + i]];
    const struct vdm_word *z = &s->t->word[s->start[s->from + i + 1] - 1];
    return (struct vdm_bytes){s->t->text.p + a->at, z->at + z->n - a->at};
}

static bool diff(struct vdm_hunks *out, const struct stretch *a, const struct stretch *b,
                 struct vdm_err *err)
{
    size_t n = (size_t)a->n + b->n;
    struct piece *p = n ? reallocarray(NULL, n, sizeof *p) : NULL;
    uint32_t *numbers = n ? reallocarray(NULL, n, sizeof *numbers) : NULL;
    bool ok = n == 0 || (p && numbers) || vdm_fail_memory(err);
    for (size_t i = 0; ok && i < n; i++)
        p[i] = (struct piece){i < a->n ? bytes_of(a, (uint32_t)i) : bytes_of(b, (uint32_t)i - a->n),
                              &numbers[i]};
    if (ok && n) {
        number(p, n);
        ok = vdm_diff(out, numbers, a->n, a->from, numbers + a->n, b->n, b->from, err);
    }
    free(p);
    free(numbers);
    return ok;
}

/* --- lines, then words --- */

/* The first word of each line, and the number of words at the end. The caller frees it. */
static uint32_t *lines_of(const struct vdm_text_words *t, uint32_t *lines)
{
    *lines = 0;
    for (uint32_t i = 0; i < t->words; i++)
        *lines += t->word[i].first;
    uint32_t *start = reallocarray(NULL, (size_t)*lines + 1, sizeof *start), at = 0;
    for (uint32_t i = 0; start && i < t->words; i++)
        if (t->word[i].first)
            start[at++] = i;
    if (start)
        start[*lines] = t->words;
    return start;
}

static bool add_words(struct vdm_hunks *out, const struct stretch *a, const struct stretch *b,
                      struct vdm_hunk lines, struct vdm_err *err)
{
    struct stretch wa = {a->t, NULL, a->start[lines.a_at], 0};
    struct stretch wb = {b->t, NULL, b->start[lines.b_at], 0};
    wa.n = a->start[lines.a_at + lines.a_n] - wa.from;
    wb.n = b->start[lines.b_at + lines.b_n] - wb.from;
    if (wa.n == 0 || wb.n == 0)
        return vdm_hunks_add(out, (struct vdm_hunk){wa.from, wa.n, wb.from, wb.n}, err);
    return diff(out, &wa, &wb, err);
}

/* Equal lines at both ends need no numbers. */
static void trim(struct stretch *a, struct stretch *b)
{
    while (a->n && b->n && vdm_bytes_equal(bytes_of(a, 0), bytes_of(b, 0))) {
        a->from++;
        b->from++;
        a->n--;
        b->n--;
    }
    while (a->n && b->n && vdm_bytes_equal(bytes_of(a, a->n - 1), bytes_of(b, b->n - 1))) {
        a->n--;
        b->n--;
    }
}

bool vdm_text_words_compare(struct vdm_hunks *out, const struct vdm_text_words *a,
                            const struct vdm_text_words *b, struct vdm_err *err)
{
    struct vdm_hunks lines VDM_CLEANUP(vdm_hunks_release) = {0};
    struct stretch la = {.t = a}, lb = {.t = b};
    uint32_t *starts_a = lines_of(a, &la.n), *starts_b = lines_of(b, &lb.n);
    bool ok = (starts_a && starts_b) || vdm_fail_memory(err);
    if (ok) {
        la.start = starts_a;
        lb.start = starts_b;
        trim(&la, &lb);
        ok = diff(&lines, &la, &lb, err);
    }
    for (size_t i = 0; ok && i < lines.n; i++)
        ok = add_words(out, &la, &lb, lines.h[i], err);
    free(starts_a);
    free(starts_b);
    return ok;
}
