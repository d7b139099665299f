/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/view.h"
#include "ops/search.h"

#define FOUND_BY_DEFAULT "50"

static const struct vdm_opt find_options[] = {
    VDM_FILTER_OPTIONS,
    {"without", 0, "WORDS", "not where these stand"},
    {"limit", 0, "N", "at most N captures (default: " FOUND_BY_DEFAULT "; 0: all)"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_find = {
    .usage = "WORDS...",
    .summary = "captures whose record has these words, newest first",
    .paragraphs =
        {
            "Looks through titles, names, notes and all else that records say, in any script; "
            "capitals, accents and vowel signs do not matter. An argument of several words finds "
            "them side by side; a * at the end lets the last one go on. --without leaves out "
            "records that have these words.",
            "What was found outside of title and source stands below the capture. What is "
            "searched is the catalog: it is not signed, and `vidimus reindex` makes it anew.",
        },
    .examples =
        {
            {"vidimus find council 'opening hours'", "the word, and the two words side by side"},
            {"vidimus find 'librar*' --without museum --from 2026-11",
             "library or libraries, and no museum"},
        },
    .options = find_options,
};

struct finding {
    struct vdm_cli *cli;
    const struct vdm_search *search;
    uint64_t count;
};

/* The title stands in the line itself; what else was found is shown below it. */
static bool print_hits(const struct finding *f, const struct vdm_view *v, struct vdm_err *err)
{
    struct vdm_bytes rest = v->record.body;
    struct vdm_record_line l;
    bool hit;
    while (v->has_record && vdm_record_next(&rest, &l)) {
        if (l.field == VDM_FIELD_TITLE || l.field == VDM_FIELD_SOURCE)
            continue;
        if (!vdm_search_hits(f->search, &l, &hit, err))
            return false;
        if (hit) {
            printf("          %-18s ", vdm_field_name(l.field));
            vdm_out_value(stdout, l.value);
            puts("");
        }
    }
    return true;
}

static bool tell(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    struct finding *f = ctx;
    f->count++;
    if (f->cli->json)
        return vdm_json_print(vdm_view_json(v), err);
    vdm_view_print_line(v);
    return print_hits(f, v, err) && (!vdm_progress_stop(&f->cli->progress) ||
                                     vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted"));
}

static bool add_words(struct vdm_search *s, const struct vdm_args *args, struct vdm_err *err)
{
    const char *absent;
    for (size_t i = 0; i < args->rests; i++)
        if (!vdm_search_add(s, vdm_str(args->rest[i]), false, err))
            return false;
    for (size_t k = 0; (absent = vdm_args_nth(args, "without", k)); k++)
        if (!vdm_search_add(s, vdm_str(absent), true, err))
            return false;
    return true;
}

static bool find(struct vdm_cli *cli, const struct vdm_search *search,
                 struct vdm_catalog_filter *filter, uint64_t limit, struct vdm_err *err)
{
    struct finding f = {cli, search, 0};
    filter->term = search->term;
    filter->terms = search->terms;
    filter->newest_first = true;
    if (!vdm_query_captures(cli->archive, filter, limit, tell, &f, err))
        return false;
    if (f.count == 0)
        vdm_cli_say(cli, "vidimus: no record has all of these words\n");
    else if (f.count == limit)
        vdm_cli_say(cli, "vidimus: the newest %llu are shown; there may be more (--limit)\n",
                    (unsigned long long)limit);
    return true;
}

VDM_COMMAND(find)
{
    struct vdm_search search VDM_CLEANUP(vdm_search_release) = {0};
    struct vdm_cli_filter f = {0};
    const char *limit = vdm_args_value(args, "limit");
    uint64_t most;
    (void)status;
    bool ok = vdm_cli_number(limit ? limit : FOUND_BY_DEFAULT, "--limit", &most, err) &&
              vdm_cli_filter(args, &f, err) && add_words(&search, args, err) &&
              vdm_cli_warn_behind(cli, err) && find(cli, &search, &f.filter, most, err);
    vdm_cli_filter_release(&f);
    return ok;
}
