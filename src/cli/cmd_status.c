/* SPDX-License-Identifier: MIT */
#include "cli/audit.h"
#include "cli/cmd.h"
#include "cli/keylist.h"
#include "ops/query.h"

const struct vdm_manual vdm_manual_status = {
    .usage = "",
    .summary = "what the archive holds",
    .paragraphs =
        {
            "Entries, documents, collections, keys, the newest checkpoint, space, and whether "
            "all is in order.",
        },
    .examples =
        {
            {"vidimus -C /srv/archive status", "a look at one archive"},
        },
};

static const char *const guard_words[] = {
    "agrees", "behind (an interrupted write: `vidimus recover`)",
    "AHEAD: the ledger was rolled back", "ANOTHER HISTORY: the ledger was forked",
    "missing (`vidimus recover`)"};

#define COLLECTIONS_SHOWN 10

struct collections {
    const struct vdm_cli *cli;
    json_t *json; /* NULL: print */
    size_t told;
};

static bool tell_collection(void *ctx, struct vdm_bytes name, uint64_t captures)
{
    struct collections *c = ctx;
    if (c->json) {
        vdm_json_add(&c->json, json_pack("{s:o,s:I}", "collection", vdm_json_value(name),
                                         "captures", (json_int_t)captures));
        return true;
    }
    if (c->told == COLLECTIONS_SHOWN && !c->cli->verbose) {
        puts("             ... (-v shows all)");
        return false;
    }
    fputs(c->told++ == 0 ? "collections  " : "             ", stdout);
    vdm_out_value(stdout, name);
    fputs(": ", stdout);
    vdm_out_count(stdout, captures, "capture", "captures");
    puts("");
    return true;
}

/* Findings of audits that no later one has seen good. */
static bool count_standing(struct vdm_cli *cli, uint64_t *count, struct vdm_err *err)
{
    struct vdm_audit_story story = {0};
    bool ok = vdm_audit_story_read(cli->archive, VDM_AUDIT_PROMISE_SECONDS, &story, err);
    *count = story.opens;
    vdm_audit_story_release(&story);
    return ok;
}

static bool print_standing(struct vdm_cli *cli, struct vdm_err *err)
{
    uint64_t count;
    if (!count_standing(cli, &count, err))
        return false;
    if (count) {
        fputs("\nNOT GOOD     ", stdout);
        vdm_out_count(stdout, count, "finding of an audit stands", "findings of audits stand");
        fputs(" (`vidimus audit --overdue 30d` lists them)", stdout);
    }
    return true;
}

static bool print(struct vdm_cli *cli, const struct vdm_status *s, const struct vdm_keyring *ring,
                  struct vdm_err *err)
{
    struct collections collections = {cli, NULL, 0};
    printf("ledger       %s\n", s->origin);
    vdm_out_continues("continues    ", &ring->continues);
    fputs("entries      ", stdout);
    vdm_out_number(stdout, s->size);
    fputs(", the newest recorded ", stdout);
    vdm_out_time(stdout, s->last);
    fputs("\ncaptures     ", stdout);
    if (s->has_catalog) {
        vdm_out_number(stdout, s->totals.captures);
        fputs(" of ", stdout);
        vdm_out_count(stdout, s->totals.documents, "document", "documents");
        fputs(", ", stdout);
        vdm_out_size(stdout, s->totals.bytes);
        if (s->behind)
            printf(" (the catalog lacks %llu entries: `vidimus %s`)", (unsigned long long)s->behind,
                   s->guard == VDM_GUARD_BEHIND || s->erasure_pending ? "recover" : "reindex");
    } else {
        fputs("unknown: there is no usable catalog (`vidimus reindex`)", stdout);
    }
    puts("");
    if (s->has_catalog &&
        !vdm_catalog_collections(cli->archive->catalog, tell_collection, &collections, err))
        return false;
    fputs("space        ledger.db ", stdout);
    vdm_out_size(stdout, s->ledger_bytes);
    fputs(", catalog.db ", stdout);
    vdm_out_size(stdout, s->catalog_bytes);
    fputs(", free ", stdout);
    vdm_out_size(stdout, s->free_bytes);
    fputs("\nlast audit   ", stdout);
    if (s->has_audit) {
        vdm_out_time(stdout, s->audited);
        printf(", by entry %llu (`vidimus audit --history`)", (unsigned long long)s->audit);
    } else {
        fputs("none", stdout);
    }
    if (!print_standing(cli, err))
        return false;
    printf("\nguard        keys/last-checkpoint %s\n", guard_words[s->guard]);
    if (s->erasure_pending)
        puts("erasing      something that was withdrawn is still stored: `vidimus recover` erases "
             "it");
    if (s->needs_verify)
        puts("in doubt     a write failed (keys/needs-verify): the next command that writes "
             "verifies "
             "all first");
    printf("checkpoint   ");
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_base64_append(&root, vdm_digest_bytes(&s->root));
    printf("%s  ", s->origin);
    vdm_out_number(stdout, s->size);
    printf("  %.*s\nkeys\n", (int)root.n, (const char *)root.p);
    vdm_keys_print(cli, ring);
    return true;
}

static bool print_json(struct vdm_cli *cli, const struct vdm_status *s, struct vdm_err *err)
{
    struct collections collections = {cli, json_array(), 0};
    static const char *const words[] = {"current", "behind", "rolled-back", "forked", "missing"};
    json_t *o = json_pack("{s:b,s:b,s:s,s:I,s:o,s:o,s:s,s:I,s:I,s:I}", "needs_verify",
                          s->needs_verify, "erasure_pending", s->erasure_pending, "origin",
                          s->origin, "size", (json_int_t)s->size, "root", vdm_json_root(s->root),
                          "time", vdm_json_time(s->last), "guard", words[s->guard], "ledger_bytes",
                          (json_int_t)s->ledger_bytes, "catalog_bytes",
                          (json_int_t)s->catalog_bytes, "free_bytes", (json_int_t)s->free_bytes);
    uint64_t standing;
    bool ok = count_standing(cli, &standing, err) &&
              (!s->has_catalog ||
               vdm_catalog_collections(cli->archive->catalog, tell_collection, &collections, err));
    if (!ok) {
        json_decref(o);
        json_decref(collections.json);
        return false;
    }
    vdm_json_set(&o, "last_audit", s->has_audit ? vdm_json_time(s->audited) : json_null());
    vdm_json_set(&o, "findings_standing", json_integer((json_int_t)standing));
    vdm_json_set(&o, "collections", collections.json);
    if (o && s->has_catalog) {
        vdm_json_set(&o, "captures", json_integer((json_int_t)s->totals.captures));
        vdm_json_set(&o, "documents", json_integer((json_int_t)s->totals.documents));
        vdm_json_set(&o, "bytes", json_integer((json_int_t)s->totals.bytes));
    }
    return vdm_json_print(o, err);
}

VDM_COMMAND(status)
{
    struct vdm_report nothing;
    struct vdm_entry_check check;
    struct vdm_status s;
    (void)args;
    (void)status;
    vdm_report_init(&nothing);
    vdm_entry_check_init(&check, cli->crypto, &nothing);
    bool ok = vdm_query_status(cli->archive, &s, &check, err);
    if (ok && cli->json)
        ok = print_json(cli, &s, err);
    else if (ok)
        ok = print(cli, &s, &check.keyring, err);
    vdm_entry_check_release(&check);
    vdm_report_release(&nothing);
    return ok;
}
