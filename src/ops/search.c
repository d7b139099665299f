/* SPDX-License-Identifier: MIT */
#include "ops/search.h"

#include "format/value.h"
#include "words/words.h"

#include <string.h>

void vdm_search_release(struct vdm_search *s)
{
    for (size_t i = 0; i < s->terms; i++)
        vdm_buf_release(&s->memory[i]);
    s->terms = 0;
}

bool vdm_search_add(struct vdm_search *s, struct vdm_bytes words, bool absent, struct vdm_err *err)
{
    if (s->terms == VDM_CATALOG_TERMS_MAX)
        return vdm_fail_as(err, VDM_ERR_USAGE, "more than %d words or phrases",
                           VDM_CATALOG_TERMS_MAX);
    struct vdm_buf *memory = &s->memory[s->terms];
    *memory = (struct vdm_buf){0};
    struct vdm_catalog_term *t = &s->term[s->terms++];
    if (!vdm_words_append(memory, words, err))
        return false;
    if (memory->n == 0)
        return vdm_fail_as(err, VDM_ERR_USAGE, "no word to search for in: %.*s", (int)words.n,
                           (const char *)words.p);
    *t = (struct vdm_catalog_term){vdm_buf_bytes(memory), words.p[words.n - 1] == '*', absent};
    return true;
}

/* Both are words with one space between two, so that a word begins where a space stands before it. */
static bool stands_in(struct vdm_bytes text, const struct vdm_catalog_term *t)
{
    for (size_t i = 0; i + t->words.n <= text.n; i++) {
        size_t end = i + t->words.n;
        if (memcmp(text.p + i, t->words.p, t->words.n) == 0 && (i == 0 || text.p[i - 1] == ' ') &&
            (end == text.n || text.p[end] == ' ' || t->begins))
            return true;
    }
    return false;
}

bool vdm_search_hits(const struct vdm_search *s, const struct vdm_record_line *line, bool *yes,
                     struct vdm_err *err)
{
    struct vdm_buf value VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    *yes = false;
    if (!vdm_catalog_searches(line->field))
        return true;
    vdm_value_decode(line->value, &value);
    if (!vdm_buf_ok(&value, err) || !vdm_words_append(&words, vdm_buf_bytes(&value), err))
        return false;
    for (size_t i = 0; i < s->terms && !*yes; i++)
        *yes = !s->term[i].absent && stands_in(vdm_buf_bytes(&words), &s->term[i]);
    return true;
}
