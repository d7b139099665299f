/* SPDX-License-Identifier: MIT */
#include "ops/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[VDM_KINDS] = {
    [VDM_DOCUMENT_MISSING] = "document-missing",
    [VDM_DOCUMENT_CORRUPT] = "document-corrupt",
    [VDM_DOCUMENT_UNMATCHED] = "document-unmatched",
    [VDM_SLICE_MISMATCH] = "slice-mismatch",
    [VDM_RECORD_MISSING] = "record-missing",
    [VDM_RECORD_MISMATCH] = "record-mismatch",
    [VDM_ENTRY_MALFORMED] = "entry-malformed",
    [VDM_ENTRY_OF_UNKNOWN_KIND] = "entry-unknown",
    [VDM_CHAIN_BROKEN] = "chain-broken",
    [VDM_SIGNATURE_INVALID] = "signature-invalid",
    [VDM_SIGNER_UNAUTHORIZED] = "signer-unauthorized",
    [VDM_LEAF_MISMATCH] = "leaf-mismatch",
    [VDM_CHECKPOINT_INVALID] = "checkpoint-invalid",
    [VDM_TREE_MISMATCH] = "tree-mismatch",
    [VDM_TRUNCATED] = "truncated",
    [VDM_ROLLED_BACK] = "rolled-back",
    [VDM_FORKED] = "forked",
    [VDM_CATALOG_MISMATCH] = "catalog-mismatch",
    [VDM_LEDGER_SCHEMA] = "ledger-schema",
    [VDM_BAG_INVALID] = "bag-invalid",
    [VDM_PROOF_INVALID] = "proof-invalid",
    [VDM_UNSEALED] = "unsealed",
    [VDM_UNEXPECTED_MEMBER] = "unexpected-member",
    [VDM_KEY_UNTRUSTED] = "key-untrusted",
    [VDM_QUORUM_UNMET] = "quorum-unmet",
    [VDM_DOCUMENT_UNREADABLE] = "document-unreadable",
    [VDM_READ_UNSTEADY] = "read-unsteady",
    [VDM_LEDGER_DAMAGED] = "ledger-damaged",
    [VDM_SLACK_ROT] = "slack-rot",
    [VDM_AUDIT_OVERDUE] = "audit-overdue",
    [VDM_CLOCK_BACKWARDS] = "clock-backwards",
    [VDM_FRESHNESS_UNKNOWN] = "freshness-unknown",
    [VDM_COMPLETENESS_NOT_PROVED] = "completeness-not-proved",
    [VDM_RE_ATTESTED] = "re-attested",
    [VDM_CATALOG_BEHIND] = "catalog-behind",
    [VDM_ORPHAN_DOCUMENT] = "orphan-document",
    [VDM_EVIDENCE_NOT_CHECKED] = "evidence-not-checked",
    [VDM_ERASURE_PENDING] = "erasure-pending",
    [VDM_DOCUMENT_BUSY] = "document-busy",
    [VDM_AUDIT_NOT_RECORDED] = "audit-not-recorded",
    [VDM_SLICE_NOT_CHECKED] = "slice-not-checked",
};

const char *vdm_kind_word(enum vdm_finding_kind kind)
{
    return words[kind];
}

const char *vdm_verdict_words(enum vdm_verdict v)
{
    static const char *const verdicts[] = {[VDM_VERIFIED] = "VERIFIED",
                                           [VDM_ALTERED] = "ALTERED",
                                           [VDM_INCOMPLETE] = "INCOMPLETE",
                                           [VDM_INTACT_UNTRUSTED] = "INTACT, KEY NOT TRUSTED",
                                           [VDM_COULD_NOT_CHECK] = "COULD NOT CHECK",
                                           [VDM_NO_MATCH] = "NO MATCH"};
    return verdicts[v];
}

int vdm_verdict_status(enum vdm_verdict v)
{
    static const int status[] = {
        [VDM_VERIFIED] = 0,         [VDM_ALTERED] = 1,         [VDM_INCOMPLETE] = 1,
        [VDM_INTACT_UNTRUSTED] = 4, [VDM_COULD_NOT_CHECK] = 3, [VDM_NO_MATCH] = 1};
    return status[v];
}

void vdm_report_init(struct vdm_report *r)
{
    memset(r, 0, sizeof *r);
}

static void release(struct vdm_findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->list[i].document);
        free(f->list[i].expected);
        free(f->list[i].found);
        free(f->list[i].message);
    }
    free(f->list);
}

void vdm_report_release(struct vdm_report *r)
{
    release(&r->findings);
    release(&r->notices);
    vdm_report_init(r);
}

static struct vdm_finding *new_finding(struct vdm_findings *f)
{
    f->total++;
    if (f->count == VDM_FINDINGS_MAX)
        return NULL;
    if (f->count == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;
        struct vdm_finding *grown = reallocarray(f->list, cap, sizeof *grown);
        if (!grown)
            return NULL;
        f->list = grown;
        f->cap = cap;
    }
    return &f->list[f->count++];
}

static char *copy(const char *s, bool *no_memory)
{
    char *c = s ? strdup(s) : NULL;
    *no_memory = *no_memory || (s && !c);
    return c;
}

void vdm_report_add(struct vdm_report *r, struct vdm_seen seen, const char *message, ...)
{
    struct vdm_findings *f = seen.kind < VDM_FINDING_KINDS ? &r->findings : &r->notices;
    r->kinds[seen.kind]++;
    struct vdm_finding *made = new_finding(f);
    if (!made) {
        r->no_memory = r->no_memory || f->count < VDM_FINDINGS_MAX;
        return;
    }
    *made = (struct vdm_finding){.kind = seen.kind,
                                 .entry = seen.entry,
                                 .document = copy(seen.document, &r->no_memory),
                                 .expected = copy(seen.expected, &r->no_memory),
                                 .found = copy(seen.found, &r->no_memory),
                                 .repaired = seen.repaired};
    va_list args;
    va_start(args, message);
    if (vasprintf(&made->message, message, args) < 0) {
        made->message = NULL;
        r->no_memory = true;
    }
    va_end(args);
}

uint64_t vdm_report_findings(const struct vdm_report *r)
{
    return r->findings.total;
}

/* Only something missing: the rest may well be as it was. */
static bool only_missing(const struct vdm_report *r, uint64_t bad)
{
    return r->kinds[VDM_TRUNCATED] + r->kinds[VDM_DOCUMENT_MISSING] +
               r->kinds[VDM_RECORD_MISSING] ==
           bad;
}

enum vdm_verdict vdm_report_verdict(const struct vdm_report *r)
{
    uint64_t unmatched = r->kinds[VDM_DOCUMENT_UNMATCHED];
    uint64_t bad = r->findings.total - r->kinds[VDM_KEY_UNTRUSTED] - unmatched;
    if (r->no_memory)
        return VDM_COULD_NOT_CHECK;
    if (bad > 0)
        return only_missing(r, bad) ? VDM_INCOMPLETE : VDM_ALTERED;
    if (unmatched > 0)
        return VDM_NO_MATCH;
    return r->kinds[VDM_KEY_UNTRUSTED] ? VDM_INTACT_UNTRUSTED : VDM_VERIFIED;
}

void vdm_progress_tell(const struct vdm_progress *p, const char *doing, uint64_t done,
                       uint64_t total, uint64_t bytes)
{
    if (p && p->tell)
        p->tell(p->ctx, doing, done, total, bytes);
}

bool vdm_progress_stop(const struct vdm_progress *p)
{
    return p && p->stop && p->stop(p->ctx);
}
