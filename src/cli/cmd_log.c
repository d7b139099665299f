/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/view.h"

static const struct vdm_opt log_options[] = {
    VDM_FILTER_OPTIONS,
    {"limit", 0, "N", "at most N captures (default: all)"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_log = {
    .usage = "",
    .summary = "lists captures, newest first",
    .paragraphs =
        {
            "With options: the captures that fit all of them. The list comes from the catalog, "
            "which `vidimus reindex` makes anew.",
        },
    .examples =
        {
            {"vidimus log --issuer 'Council Press Office' --from 2026-11",
             "one issuer's statements, recorded since November"},
        },
    .options = log_options,
};

static bool tell(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    const struct vdm_cli *cli = ctx;
    if (cli->json)
        return vdm_json_print(vdm_view_json(v), err);
    vdm_view_print_line(v);
    return !vdm_progress_stop(&cli->progress) ||
           vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
}

VDM_COMMAND(log)
{
    struct vdm_cli_filter f = {0};
    const char *limit = vdm_args_value(args, "limit");
    uint64_t most = 0;
    (void)status;
    bool ok = (!limit || vdm_cli_number(limit, "--limit", &most, err)) &&
              vdm_cli_filter(args, &f, err) && vdm_cli_warn_behind(cli, err);
    f.filter.newest_first = true;
    if (ok && !(limit && most == 0))
        ok = vdm_query_captures(cli->archive, &f.filter, most, tell, cli, err);
    vdm_cli_filter_release(&f);
    return ok;
}
