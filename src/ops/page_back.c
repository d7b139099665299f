/* SPDX-License-Identifier: MIT */
#include "ops/page_words.h"

#include <stdlib.h>

/* A word at a site, and the text in which it came there. */
struct sighting {
    uint64_t hash;
    uint32_t site, born;
};

static int compare(const void *a, const void *b)
{
    const struct sighting *x = a, *y = b;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->born > y->born) - (x->born < y->born);
}

/* Sites where nothing would be left out anyway are not looked at: most are of one change. */
static void mark_wanted(const struct vdm_page_words *w, bool *wanted)
{
    for (size_t i = 0; i < w->places; i++)
        if (w->place[i].changes >= VDM_PAGE_CHANGES_MIN)
            wanted[w->place[i].site] = true;
}

/* With s NULL they are only counted. A word is seen where it stood, and where others replaced it:
 * the first words of a page have no place until then. */
static size_t find_sightings(const struct vdm_page_words *w, const bool *wanted, struct sighting *s)
{
    size_t n = 0;
    for (size_t i = 0; i < w->lives; i++) {
        const struct vdm_page_life *l = &w->life[i];
        const uint32_t at[] = {l->place, l->left};
        for (size_t k = 0; k < 2; k++) {
            uint32_t site = at[k] == VDM_PAGE_NEVER ? VDM_PAGE_NEVER : w->place[at[k]].site;
            if (site == VDM_PAGE_NEVER || !wanted[site])
                continue;
            if (s)
                s[n] = (struct sighting){l->hash, site, l->born};
            n++;
        }
    }
    return n;
}

bool vdm_page_words_find_back(struct vdm_page_words *w, struct vdm_err *err)
{
    bool *wanted = calloc((size_t)w->sites + 1, sizeof *wanted);
    w->back = calloc((size_t)w->sites + 1, sizeof *w->back);
    bool ok = wanted && w->back;
    if (ok)
        mark_wanted(w, wanted);
    size_t n = ok ? find_sightings(w, wanted, NULL) : 0;
    struct sighting *s = n ? reallocarray(NULL, n, sizeof *s) : NULL;
    ok = ok && (n == 0 || s);
    if (ok && n) {
        find_sightings(w, wanted, s);
        qsort(s, n, sizeof *s, compare);
    }
    for (size_t i = 1; ok && i < n; i++)
        if (s[i].site == s[i - 1].site && s[i].hash == s[i - 1].hash && s[i].born != s[i - 1].born)
            w->back[s[i].site] = true;
    free(s);
    free(wanted);
    return ok || vdm_fail_memory(err);
}
