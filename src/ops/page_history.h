/* SPDX-License-Identifier: MIT */
/* What became of the text of one source: its captures compared in order, word by word.
 *
 * Pages carry words that are other ones at each visit (a captcha, a counter). Each word is followed from
 * the capture that has it first to the one that has it no more. A word is told as **changing** if it was
 * seen in one capture alone and stands at a place where at least VDM_PAGE_CHANGES_MIN captures in a row
 * found other words than the one before, none of which came back: open, closed, open is an edit and
 * its undoing, not a counter. All other words that come or go are told as changes: a word that stood
 * in two captures was text to its readers. */
#ifndef VDM_OPS_PAGE_HISTORY_H
#define VDM_OPS_PAGE_HISTORY_H

#include "ops/page_text.h"
#include "ops/source_order.h"

#define VDM_PAGE_CHANGES_MIN 3
#define VDM_PAGE_WORDS_MAX   (1u << 22) /* words that are followed */
#define VDM_PAGE_EDITS_MAX   100        /* edits kept of one capture; more are counted */
#define VDM_PAGE_SIDE_MAX    200        /* words kept of one side of an edit */

enum vdm_page_change {
    VDM_PAGE_FIRST,      /* nothing to compare with */
    VDM_PAGE_SAME_BYTES, /* as the capture before whose text is known */
    VDM_PAGE_SAME_TEXT,
    VDM_PAGE_SAME_WORDS, /* other line ends alone */
    VDM_PAGE_CHANGING,   /* the same but for words that change again and again */
    VDM_PAGE_CHANGED,
    VDM_PAGE_UNKNOWN, /* no text, and `why` */
};
const char *vdm_page_change_name(enum vdm_page_change c);

struct vdm_page_capture {
    uint64_t n;
    enum vdm_page_change change;
    uint64_t with; /* the capture before it that it was compared with; UINT64_MAX: none */
    char why[VDM_PAGE_WHY_MAX]; /* UNKNOWN; of CHANGED: why it is not known what; else empty */
    uint64_t gone, come;        /* CHANGED: words */
    uint64_t changing;          /* words that come and change again and again */
    bool extracted; /* its text was extracted now, since its record has no fingerprint that fits */
    bool differs;   /* its record's fingerprint is not that of its text */
    size_t first_edit, edits; /* in `edit` */
    uint64_t edits_left_out;
};

/* What went and what came at one place, with the words around it; words with one space between two. */
struct vdm_page_edit {
    struct vdm_buf before, gone, come, after;
    uint64_t gone_left_out, come_left_out; /* words beyond VDM_PAGE_SIDE_MAX */
};

/* Zero-initialise, release. */
struct vdm_page_history {
    struct vdm_page_capture *capture; /* those that have a record, in order */
    size_t captures, captures_cap;
    struct vdm_page_edit *edit;
    size_t edits, edits_cap;
};
void vdm_page_history_release(struct vdm_page_history *h);

bool vdm_page_history(struct vdm_archive *a, const struct vdm_source_order *order,
                      const struct vdm_progress *progress, struct vdm_page_history *out,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
