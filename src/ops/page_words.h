/* SPDX-License-Identifier: MIT */
/* The words of one source, followed through its captures; the inside of ops/page_history.c. */
#ifndef VDM_OPS_PAGE_WORDS_H
#define VDM_OPS_PAGE_WORDS_H

#include "ops/page_history.h"

#define VDM_PAGE_NEVER UINT32_MAX

/* A word from the text in which it is first to the one that has it no more; texts are counted as they
 * come. `place` says where it stands: words that replace each other again and again share one. */
struct vdm_page_life {
    uint32_t born, gone, place;
    uint32_t left; /* the place of those that replaced it */
    uint64_t hash; /* of its bytes */
};

/* A word that stays for a while ends a row of changes: what replaces it has a new place, at the
 * same site. */
struct vdm_page_place {
    uint32_t changes; /* how often in a row it changed */
    uint32_t site;
};

/* One place where words went and came: what is kept of it. */
struct vdm_page_step {
    size_t capture; /* index in vdm_page_history */
    struct vdm_buf before, after;
    uint32_t gone, come;     /* words kept, those that went first */
    uint32_t gone_n, come_n; /* words in all */
    uint32_t *life, *end;    /* of each word kept: its life, and where its bytes end */
    struct vdm_buf bytes;
};

struct vdm_page_words {
    bool loaded;
    struct vdm_text_words now;
    uint32_t *lives_now; /* of each word of `now`: its number in `life` */
    uint32_t texts;      /* `now` is the one before this number */
    uint32_t waiting;    /* captures more of a text whose words were not needed yet */
    struct vdm_page_life *life;
    size_t lives, lives_cap;
    struct vdm_page_place *place;
    size_t places, places_cap;
    uint32_t sites;
    bool *back; /* of each site, once all texts came: a word came back to it */
    struct vdm_page_step *step;
    size_t steps, steps_cap;
    size_t *capture_of; /* of each text: its index in vdm_page_history; SIZE_MAX: not compared */
    size_t texts_cap;
    uint64_t kept; /* bytes, over all steps */
};
void vdm_page_words_release(struct vdm_page_words *w);

/* The first text; takes over the words. */
bool vdm_page_words_first(struct vdm_page_words *w, struct vdm_text_words *words,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* One more capture of the text that is there. */
bool vdm_page_words_same(struct vdm_page_words *w, struct vdm_err *err) VDM_MUST_CHECK;
/* Another text, that of the capture `p`, which is number `capture` of its history; takes over the words.
 * *changes: places where words are others. */
bool vdm_page_words_next(struct vdm_page_words *w, struct vdm_text_words *words,
                         struct vdm_page_capture *p, size_t capture, size_t *changes,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* What comes is not compared with what was; what was found stays. */
void vdm_page_words_forget(struct vdm_page_words *w);

/* At the end, before they are told: the sites to which a word came back (ops/page_back.c). One that
 * is taken for another by its hash means that more is shown, never less. */
bool vdm_page_words_find_back(struct vdm_page_words *w, struct vdm_err *err) VDM_MUST_CHECK;
/* At the end: counts and edits of all captures. */
bool vdm_page_words_tell(struct vdm_page_words *w, struct vdm_page_history *h,
                         struct vdm_err *err) VDM_MUST_CHECK;

#endif
