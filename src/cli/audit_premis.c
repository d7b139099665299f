/* SPDX-License-Identifier: MIT */
/* PREMIS 3: each audit is one event (fixity check) with its agents and its outcome, and each finding of
 * it one more outcome, not one event a file. The order of the elements is that of the schema. */
#include "cli/audit.h"

#include <stdlib.h>
#include <string.h>

/* What XML 1.0 cannot hold is escaped already; the values are of this project's own texts. */
static void put(FILE *to, struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char *as = s.p[i] == '&'   ? "&amp;"
                         : s.p[i] == '<' ? "&lt;"
                         : s.p[i] == '>' ? "&gt;"
                         : s.p[i] == '"' ? "&quot;"
                                         : NULL;
        if (as)
            fputs(as, to);
        else
            fputc(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i], to);
    }
}

static void element(FILE *to, int depth, const char *name, const char *text)
{
    fprintf(to, "%*s<premis:%s>", depth * 2, "", name);
    put(to, vdm_str(text));
    fprintf(to, "</premis:%s>\n", name);
}

/* `<whose>Type` and `<whose>Value` */
static void identifier(FILE *to, int depth, const char *whose, const char *type, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "%sType", whose);
    element(to, depth, name, type);
    snprintf(name, sizeof name, "%sValue", whose);
    element(to, depth, name, value);
}

static void put_object(const struct vdm_audit_story *s, FILE *to)
{
    fputs("  <premis:object xsi:type=\"premis:intellectualEntity\">\n"
          "    <premis:objectIdentifier>\n",
          to);
    identifier(to, 3, "objectIdentifier", "vidimus ledger", s->history.origin);
    fputs("    </premis:objectIdentifier>\n  </premis:object>\n", to);
}

static void outcome_line(void *ctx, const struct vdm_audit_past *p, const char *kind,
                         uint64_t entry, bool repaired, struct vdm_bytes text)
{
    FILE *to = ctx;
    (void)p;
    fputs("    <premis:eventOutcomeInformation>\n", to);
    element(to, 3, "eventOutcome", repaired ? "repaired" : "fail");
    fputs("      <premis:eventOutcomeDetail>\n        <premis:eventOutcomeDetailNote>", to);
    fputs(kind, to);
    if (entry != VDM_NO_ENTRY)
        fprintf(to, ", entry %llu", (unsigned long long)entry);
    fputs(": ", to);
    put(to, text);
    fputs("</premis:eventOutcomeDetailNote>\n      </premis:eventOutcomeDetail>\n"
          "    </premis:eventOutcomeInformation>\n",
          to);
}

static void put_outcome(FILE *to, const struct vdm_audit_past *p)
{
    bool fail = p->has_findings || p->missing || p->corrupt;
    fputs("    <premis:eventOutcomeInformation>\n", to);
    element(to, 3, "eventOutcome", fail ? "fail" : "pass");
    fprintf(to,
            "      <premis:eventOutcomeDetail>\n        <premis:eventOutcomeDetailNote>%llu "
            "documents looked at, %llu missing, %llu corrupt, %llu repaired; entries "
            "%s</premis:eventOutcomeDetailNote>\n      </premis:eventOutcomeDetail>\n"
            "    </premis:eventOutcomeInformation>\n",
            (unsigned long long)p->documents, (unsigned long long)p->missing,
            (unsigned long long)p->corrupt, (unsigned long long)p->repaired, p->covered);
}

static void put_links(const struct vdm_audit_story *s, FILE *to, const struct vdm_audit_past *p)
{
    char key[VDM_NAME_MAX + 16];
    snprintf(key, sizeof key, "%s+%08x", p->signer, p->signer_id);
    fputs("    <premis:linkingAgentIdentifier>\n", to);
    identifier(to, 3, "linkingAgentIdentifier", "vidimus key", key);
    element(to, 3, "linkingAgentRole", "authorizer");
    fputs("    </premis:linkingAgentIdentifier>\n    <premis:linkingAgentIdentifier>\n", to);
    identifier(to, 3, "linkingAgentIdentifier", "software", "vidimus " VDM_VERSION);
    element(to, 3, "linkingAgentRole", "executing program");
    fputs("    </premis:linkingAgentIdentifier>\n    <premis:linkingObjectIdentifier>\n", to);
    identifier(to, 3, "linkingObjectIdentifier", "vidimus ledger", s->history.origin);
    fputs("    </premis:linkingObjectIdentifier>\n", to);
}

static bool put_event(const struct vdm_audit_story *s, FILE *to, size_t i, struct vdm_err *err)
{
    const struct vdm_audit_past *p = &s->history.audit[i];
    char time[VDM_TIME_LEN + 1], id[VDM_NAME_MAX + 32];
    bool lost = false;
    vdm_time_encode(p->recorded, time);
    snprintf(id, sizeof id, "%s %llu", s->history.origin, (unsigned long long)p->n);
    fputs("  <premis:event>\n    <premis:eventIdentifier>\n", to);
    identifier(to, 3, "eventIdentifier", "vidimus entry", id);
    fputs("    </premis:eventIdentifier>\n", to);
    element(to, 2, "eventType", "fixity check");
    element(to, 2, "eventDateTime", time);
    fputs("    <premis:eventDetailInformation>\n", to);
    element(to, 3, "eventDetail", "SHA-256 of each document against the signed ledger");
    fputs("    </premis:eventDetailInformation>\n", to);
    put_outcome(to, p);
    if (!vdm_audit_continues(s, i) && !vdm_audit_each_line(s, p, outcome_line, to, &lost, err))
        return false;
    put_links(s, to, p);
    fputs("  </premis:event>\n", to);
    return true;
}

static void put_agent(FILE *to, const char *type, const char *value, const char *name,
                      const char *kind)
{
    fputs("  <premis:agent>\n    <premis:agentIdentifier>\n", to);
    identifier(to, 3, "agentIdentifier", type, value);
    fputs("    </premis:agentIdentifier>\n", to);
    element(to, 2, "agentName", name);
    element(to, 2, "agentType", kind);
    fputs("  </premis:agent>\n", to);
}

/* Each key once. */
static void put_agents(const struct vdm_audit_story *s, FILE *to)
{
    for (size_t i = 0; i < s->history.n; i++) {
        const struct vdm_audit_past *p = &s->history.audit[i];
        char key[VDM_NAME_MAX + 16];
        size_t k = 0;
        while (s->history.audit[k].signer_id != p->signer_id ||
               strcmp(s->history.audit[k].signer, p->signer) != 0)
            k++;
        snprintf(key, sizeof key, "%s+%08x", p->signer, p->signer_id);
        if (k == i && p->good)
            put_agent(to, "vidimus key", key, p->signer, "person");
    }
    put_agent(to, "software", "vidimus " VDM_VERSION, "vidimus", "software");
}

bool vdm_audit_as_premis(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<premis:premis xmlns:premis=\"http://www.loc.gov/premis/v3\"\n"
          "    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" version=\"3.0\">\n",
          to);
    put_object(s, to);
    for (size_t i = 0; i < s->history.n; i++)
        if (s->history.audit[i].good && !put_event(s, to, i, err))
            return false;
    put_agents(s, to);
    fputs("</premis:premis>\n", to);
    return true;
}
