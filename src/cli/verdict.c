/* SPDX-License-Identifier: MIT */
#include "cli/verdict.h"

#include <string.h>

#define NOTICES_SHOWN 20 /* of one kind */

const char *vdm_shows_not(enum vdm_checked what)
{
    if (what == VDM_CHECKED_FORK_PROOF)
        return "It does not show which of the two is the true one, nor who holds the key.";
    return "It does not show that a statement is true, who wrote it, or that the source served it.";
}

const char *vdm_shows(const struct vdm_report *r, enum vdm_checked what)
{
    if (vdm_report_verdict(r) == VDM_NO_MATCH)
        return "What was checked is as it was recorded. The file that you gave is another: it was "
               "changed, or it is the document of something that is not here.";
    if (what == VDM_CHECKED_FORK_PROOF)
        return "This shows that the holder of the ledger's key signed two histories that "
               "contradict "
               "each other.";
    if (what == VDM_CHECKED_CHECKPOINT)
        return "This shows that the ledger's key signed this state of the ledger. No entry and no "
               "document was looked at.";
    if (what == VDM_CHECKED_PROOF)
        return "This shows that the ledger, in the state that its key signed, holds this entry. "
               "Its "
               "record and its document were not looked at.";
    if (r->documents == 0)
        return "This shows that the archive recorded documents of these digests under these keys, "
               "and that nothing before that point in its ledger was changed since. No document "
               "itself was looked at.";
    return "This shows that the archive recorded exactly these bytes under these keys, and that "
           "nothing before that point in its ledger was changed since.";
}

enum vdm_colour vdm_verdict_colour(enum vdm_verdict v)
{
    return v == VDM_VERIFIED ? VDM_GOOD : v == VDM_INTACT_UNTRUSTED ? VDM_DOUBTFUL : VDM_BAD;
}

void vdm_put_not_shown(FILE *to, const struct vdm_report *r)
{
    if (r->partly) {
        vdm_out_number(to, r->partly);
        fputs(" of ", to);
        vdm_out_count(to, r->captures, "capture", "captures");
        fputs(" PARTLY DISCLOSED: hidden lines may qualify or contradict what is shown", to);
    }
    if (r->absent) {
        fputs(r->partly ? "; " : "", to);
        vdm_out_count(to, r->absent, "document is", "documents are");
        fputs(" not here and not given, so not checked", to);
    }
}

static void print_finding(const struct vdm_finding *f)
{
    bool more = f->entry != VDM_NO_ENTRY || f->document;
    printf(more ? "  %-20s" : "  %s", vdm_kind_word(f->kind));
    if (f->entry != VDM_NO_ENTRY)
        printf(" entry %llu", (unsigned long long)f->entry);
    if (f->document) {
        fputs("  ", stdout);
        vdm_out_str(stdout, f->document);
    }
    fputs("\n    ", stdout);
    vdm_out_str(stdout, f->message ? f->message : "");
    puts("");
    if (f->expected) {
        fputs("    expected ", stdout);
        vdm_out_str(stdout, f->expected);
        puts("");
    }
    if (f->found) {
        fputs("    found    ", stdout);
        vdm_out_str(stdout, f->found);
        puts("");
    }
    if (f->repaired)
        puts("    repaired: a good copy has taken its place");
}

/* Thousands of one kind must not hide the verdict and the other kinds. */
static void print_notices(const struct vdm_report *r, bool all)
{
    uint64_t told[VDM_KINDS] = {0};
    for (size_t i = 0; i < r->notices.count; i++) {
        const struct vdm_finding *f = &r->notices.list[i];
        if (f->kind != VDM_COMPLETENESS_NOT_PROVED && (all || told[f->kind] < NOTICES_SHOWN)) {
            print_finding(f);
            told[f->kind]++;
        }
    }
    for (int kind = VDM_FINDING_KINDS; kind < VDM_KINDS; kind++) {
        if (kind == VDM_COMPLETENESS_NOT_PROVED || r->kinds[kind] <= told[kind])
            continue;
        printf("  %-20s and ", vdm_kind_word((enum vdm_finding_kind)kind));
        vdm_out_number(stdout, r->kinds[kind] - told[kind]);
        puts(all ? " more" : " more (-v shows more of them, --json too)");
    }
}

void vdm_findings_print(const struct vdm_findings *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->list[i].kind != VDM_COMPLETENESS_NOT_PROVED) /* has a line of its own */
            print_finding(&list->list[i]);
    if (list->total > list->count)
        printf("  ... and %llu more\n", (unsigned long long)(list->total - list->count));
}

static void print_extent(const struct vdm_report *r)
{
    fputs("  checked       ", stdout);
    if (r->is_bundle)
        vdm_out_count(stdout, r->captures, "capture", "captures");
    else
        vdm_out_count(stdout, r->entries, "entry", "entries");
    fputs(", ", stdout);
    vdm_out_count(stdout, r->documents, "document", "documents");
    fputs(", ", stdout);
    vdm_out_size(stdout, r->bytes);
    if (r->withdrawn) {
        fputs("; ", stdout);
        vdm_out_number(stdout, r->withdrawn);
        fputs(" WITHDRAWN", stdout);
    }
    puts("");
}

static void print_ledger(const struct vdm_report *r)
{
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    if (!r->origin[0])
        return;
    vdm_base64_append(&root, vdm_digest_bytes(&r->root));
    printf("  ledger        %s, as of ", r->origin);
    vdm_out_count(stdout, r->size, "entry", "entries");
    if (r->has_time) {
        fputs(", ", stdout);
        vdm_out_time(stdout, r->time);
    }
    printf("\n  root          %.*s\n", (int)root.n, (const char *)root.p);
    if (r->trusted_key[0])
        printf("  %s   %s, %s\n", r->trusted ? "trusted key" : "its key    ", r->trusted_key,
               r->fingerprint);
    vdm_out_continues("  continues     ", &r->continues);
    if (r->extended)
        printf("  extends       %s that %s kept elsewhere\n",
               r->extended == 1 ? "the checkpoint" : "all checkpoints",
               r->extended == 1 ? "was" : "were");
    if (r->slices) {
        fputs("  slices        ", stdout);
        vdm_out_number(stdout, r->slices);
        puts(" compared with the document that it is cut out of, as its record says");
    }
    if (r->covered) {
        fputs("  signatures    of the first ", stdout);
        vdm_out_count(stdout, r->covered, "entry", "entries");
        fputs(" not checked again: you did, on ", stdout);
        vdm_out_time(stdout, r->covered_at);
        puts("");
    }
    if (r->has_time)
        puts("  time          recorded by the archive's own clock; no outside timestamp");
    if (r->is_bundle && r->captures)
        puts("  selection     chosen entries; completeness not proved");
}

/* Of a fork proof: the checkpoint that contradicts the one above. */
static void print_other(const struct vdm_report *r)
{
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_base64_append(&root, vdm_digest_bytes(&r->other_root));
    fputs("  contradicts   ", stdout);
    vdm_out_count(stdout, r->other_size, "entry", "entries");
    printf("\n  with root     %.*s\n", (int)root.n, (const char *)root.p);
}

static void print_protection(const struct vdm_protection *p)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_protection_describe(p, &text);
    printf("  checked under %.*s\n", (int)text.n, (const char *)text.p);
}

void vdm_verdict_print(struct vdm_cli *cli, const struct vdm_report *r, enum vdm_checked what,
                       const char *name, const struct vdm_items *items)
{
    enum vdm_verdict v = vdm_report_verdict(r);
    uint64_t findings = vdm_report_findings(r);
    vdm_out_coloured(stdout, cli->colours, vdm_verdict_colour(v), vdm_verdict_words(v));
    fputs("  ", stdout);
    if (findings) {
        vdm_out_count(stdout, findings, "finding", "findings");
        fputs(" in ", stdout);
    }
    vdm_out_str(stdout, name);
    puts("");
    if (r->partly || r->absent) {
        fputs("  not shown     ", stdout);
        vdm_put_not_shown(stdout, r);
        puts("");
    }
    vdm_findings_print(&r->findings);
    if (what <= VDM_CHECKED_BUNDLE)
        print_extent(r);
    print_ledger(r);
    if (r->other_size)
        print_other(r);
    vdm_items_print(items);
    if (cli->verbose && what != VDM_CHECKED_ARCHIVE)
        print_protection(&cli->protection);
    if (!cli->quiet)
        print_notices(r, cli->verbose);
    if (v == VDM_VERIFIED || v == VDM_NO_MATCH)
        puts(vdm_shows(r, what));
    puts(vdm_shows_not(what));
}

/* --- JSON --- */

static json_t *text_or_null(const char *s)
{
    return s ? vdm_json_bytes(vdm_str(s)) : json_null();
}

json_t *vdm_findings_json(const struct vdm_findings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct vdm_finding *f = &list->list[i];
        json_t *o =
            json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "kind", vdm_kind_word(f->kind), "entry",
                      f->entry == VDM_NO_ENTRY ? json_null() : json_integer((json_int_t)f->entry),
                      "document", text_or_null(f->document), "expected", text_or_null(f->expected),
                      "found", text_or_null(f->found), "message", text_or_null(f->message));
        if (f->repaired)
            vdm_json_set(&o, "repaired", json_true());
        vdm_json_add(&array, o);
    }
    return array;
}

static json_t *protection_json(const struct vdm_protection *p)
{
    return json_pack(
        "{s:o,s:b,s:o,s:I}", "landlock", p->landlock ? json_integer(p->landlock) : json_null(),
        "seccomp", p->seccomp, "memory_bytes",
        p->limits.memory_bytes ? json_integer((json_int_t)p->limits.memory_bytes) : json_null(),
        "cpu_seconds", (json_int_t)p->limits.cpu_seconds);
}

static const char *const kinds[] = {"archive", "bundle", "proof", "checkpoint", "fork-proof"};

bool vdm_verdict_json(const struct vdm_report *r, enum vdm_checked what, const char *name,
                      struct vdm_items *items, const struct vdm_protection *protection,
                      struct vdm_err *err)
{
    enum vdm_verdict v = vdm_report_verdict(r);
    json_t *o = json_pack(
        "{s:o,s:s,s:b,s:s,s:s,s:I,s:o,s:o,s:I,s:I,s:I,s:b,s:I,s:o,s:o}", "name",
        vdm_json_bytes(vdm_str(name)), "verdict", vdm_verdict_words(v), "ok", v == VDM_VERIFIED,
        "kind", kinds[what], "origin", r->origin, "size", (json_int_t)r->size, "root",
        vdm_json_root(r->root), "time", r->has_time ? vdm_json_time(r->time) : json_null(),
        "entries_checked", (json_int_t)r->entries, "documents_checked", (json_int_t)r->documents,
        "bytes_checked", (json_int_t)r->bytes, "trusted", r->trusted, "findings_total",
        (json_int_t)vdm_report_findings(r), "findings", vdm_findings_json(&r->findings), "notices",
        vdm_findings_json(&r->notices));
    if (what == VDM_CHECKED_BUNDLE || !r->is_bundle)
        vdm_json_set(&o, "slices_checked", json_integer((json_int_t)r->slices));
    if (o && r->continues.origin[0])
        json_object_set_new(o, "continues", vdm_json_continues(&r->continues));
    if (o && r->covered)
        vdm_json_set(&o, "signatures_checked_before",
                     json_pack("{s:I,s:o}", "entries", (json_int_t)r->covered, "time",
                               vdm_json_time(r->covered_at)));
    if (o && r->other_size)
        vdm_json_set(&o, "contradicts",
                     json_pack("{s:I,s:o}", "size", (json_int_t)r->other_size, "root",
                               vdm_json_root(r->other_root)));
    if (what == VDM_CHECKED_BUNDLE) {
        vdm_json_set(&o, "partly_disclosed", json_integer((json_int_t)r->partly));
        vdm_json_set(&o, "documents_absent", json_integer((json_int_t)r->absent));
        vdm_json_set(&o, "items", vdm_items_json(items));
    }
    if (protection)
        vdm_json_set(&o, "protection", protection_json(protection));
    return vdm_json_print(o, err);
}

bool vdm_verdict_json_failed(const char *name, enum vdm_checked what, const char *why,
                             struct vdm_err *err)
{
    return vdm_json_print(json_pack("{s:o,s:s,s:b,s:s,s:o}", "name", vdm_json_bytes(vdm_str(name)),
                                    "verdict", vdm_verdict_words(VDM_COULD_NOT_CHECK), "ok", 0,
                                    "kind", kinds[what], "message", vdm_json_bytes(vdm_str(why))),
                          err);
}
