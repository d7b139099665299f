/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/view.h"

const struct vdm_opt vdm_opts_log[] = {
    VDM_FILTER_OPTIONS,
    {"limit", 0, "N", "at most N captures (default: all)"},
    {NULL, 0, NULL, NULL},
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

static bool warn_behind(struct vdm_cli *cli, struct vdm_err *err)
{
    uint64_t behind;
    if (!vdm_query_catalog(cli->archive, &behind, err))
        return false;
    if (behind)
        vdm_cli_say(
            cli,
            "vidimus: the catalog lacks the newest %llu entries; `vidimus reindex` adds them\n",
            (unsigned long long)behind);
    return true;
}

VDM_COMMAND(log)
{
    struct vdm_cli_filter f = {0};
    const char *limit = vdm_args_value(args, "limit");
    uint64_t most = 0;
    (void)status;
    bool ok = (!limit || vdm_cli_number(limit, "--limit", &most, err)) &&
              vdm_cli_filter(args, &f, err) && warn_behind(cli, err);
    f.filter.newest_first = true;
    if (ok && !(limit && most == 0))
        ok = vdm_query_captures(cli->archive, &f.filter, most, tell, cli, err);
    vdm_cli_filter_release(&f);
    return ok;
}
