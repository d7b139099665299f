/* SPDX-License-Identifier: MIT */
#include "ops/fate.h"

#include "base/list.h"

#include <stdlib.h>
#include <string.h>

/* An amendment or withdrawal of a capture, entry n. */
struct event {
    uint64_t capture, n;
    bool withdraws, record;
};

/* All of entries from <= n < to: a list of captures asks for them again and again. */
struct vdm_fate_memory {
    uint64_t from, to;
    struct event *event; /* by capture, then by number */
    size_t events, events_cap;
};

void vdm_fate_forget(struct vdm_fate_memory *m)
{
    if (m)
        free(m->event);
    free(m);
}

static int by_capture(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return x->capture != y->capture ? (x->capture < y->capture ? -1 : 1)
                                    : (x->n > y->n) - (x->n < y->n);
}

static bool remember(struct vdm_fate_memory *m, struct event e, struct vdm_err *err)
{
    size_t at = vdm_list_place(m->event, m->events, sizeof e, &e, by_capture);
    if (!vdm_list_grow(&m->event, m->events, &m->events_cap, sizeof e, err))
        return false;
    memmove(m->event + at + 1, m->event + at, (m->events++ - at) * sizeof e);
    m->event[at] = e;
    return true;
}

/* One that cannot be read is for verify to tell. */
static bool take(struct vdm_archive *a, uint64_t n, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err why = {0};
    if (!vdm_archive_entry(a, n, &bytes, &note, &e, &why))
        return why.kind == VDM_ERR_MALFORMED || vdm_fail_as(err, why.kind, "%s", why.text);
    struct event seen = {.n = n};
    if (e.kind == VDM_ENTRY_AMENDMENT) {
        seen.capture = e.capture.amends;
    } else if (e.kind == VDM_ENTRY_WITHDRAWAL) {
        seen.capture = e.withdrawal.of;
        seen.withdraws = true;
        seen.record = e.withdrawal.scope != VDM_SCOPE_DOCUMENT;
    } else {
        return true;
    }
    return remember(a->fates, seen, err);
}

static bool take_all(struct vdm_archive *a, struct vdm_bytes beginning, uint64_t from, uint64_t to,
                     struct vdm_err *err)
{
    bool found = true;
    for (uint64_t n = from; found && n < to; n++) {
        if (!vdm_ledger_next(a->ledger, beginning, n, to, &n, &found, err) ||
            (found && !take(a, n, err)))
            return false;
    }
    return true;
}

static bool look(struct vdm_archive *a, uint64_t from, uint64_t to, struct vdm_err *err)
{
    struct vdm_fate_memory *m = a->fates;
    if (!m && !(m = a->fates = calloc(1, sizeof *m)))
        return vdm_fail_memory(err);
    if (m->from != from || m->to > to) {
        m->from = m->to = from;
        m->events = 0;
    }
    uint64_t seen = m->to;
    if (seen >= to)
        return true;
    m->to = from; /* until all is there; a failure must not leave half of it */
    if (!take_all(a, VDM_LIT("vidimus/amendment/"), seen, to, err) ||
        !take_all(a, VDM_LIT("vidimus/withdrawal/"), seen, to, err)) {
        m->events = 0;
        return false;
    }
    m->to = to;
    return true;
}

static void add_remembered(const struct vdm_fate_memory *m, uint64_t capture, struct vdm_fate *out)
{
    const struct event wanted = {.capture = capture};
    size_t at = vdm_list_place(m->event, m->events, sizeof wanted, &wanted, by_capture);
    for (; at < m->events && m->event[at].capture == capture; at++) {
        const struct event *e = &m->event[at];
        *(e->withdraws ? &out->withdrawn : &out->amended) = e->n;
        out->record = out->record || e->record;
    }
}

bool vdm_fate_read(struct vdm_archive *a, uint64_t capture, struct vdm_fate *out,
                   struct vdm_err *err)
{
    struct vdm_catalog_fate known = {UINT64_MAX, UINT64_MAX};
    struct vdm_catalog_reach reach = {0};
    bool found = false;
    uint64_t size;
    /* The reach first: who writes meanwhile can only make it say too little. */
    if (a->catalog && (!vdm_catalog_reached(a->catalog, &reach, err) ||
                       !vdm_catalog_fate(a->catalog, capture, &known, &found, err)))
        return false;
    if (!vdm_ledger_size(a->ledger, &size, err))
        return false;
    uint64_t from = found || capture >= reach.entries ? reach.entries : 0;
    *out = (struct vdm_fate){known.amended, known.withdrawn, false};
    if (from < size) {
        if (!look(a, from, size, err))
            return false;
        add_remembered(a->fates, capture, out);
    }
    return true;
}
