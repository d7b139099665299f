/* SPDX-License-Identifier: MIT */
/* Findings and notices of a report as a text, so that two reports can be compared. */
#ifndef VDM_TESTS_SUPPORT_FINDINGS_H
#define VDM_TESTS_SUPPORT_FINDINGS_H

#include "ops/report.h"

static inline void describe_findings(struct vdm_buf *out, const struct vdm_report *r)
{
    const struct vdm_findings *list[] = {&r->findings, &r->notices};
    for (size_t k = 0; k < 2; k++) {
        vdm_buf_putf(out, "%llu\n", (unsigned long long)list[k]->total);
        for (size_t i = 0; i < list[k]->count; i++) {
            const struct vdm_finding *g = &list[k]->list[i];
            vdm_buf_putf(out, "%s %lld %s %s %s %s\n", vdm_kind_word(g->kind), (long long)g->entry,
                         g->document ? g->document : "-", g->expected ? g->expected : "-",
                         g->found ? g->found : "-", g->message);
        }
    }
}

#endif
