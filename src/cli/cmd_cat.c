/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "ops/query.h"

const struct vdm_manual vdm_manual_cat = {
    .usage = "N",
    .summary = "a document's bytes, to standard output",
    .paragraphs =
        {
            "The bytes are hashed on the way; damage is an error (exit status 3).",
        },
    .examples =
        {
            {"vidimus cat 17 > release.html", "the document of entry 17 as a file"},
        },
};

static bool write_piece(void *ctx, struct vdm_bytes piece, struct vdm_err *err)
{
    (void)ctx;
    return fwrite(piece.p, 1, piece.n, stdout) == piece.n || vdm_fail_errno(err, "write");
}

VDM_COMMAND(cat)
{
    uint64_t n;
    (void)status;
    if (cli->json)
        return vdm_fail_as(err, VDM_ERR_USAGE, "cat gives a document's bytes, which are no JSON");
    return vdm_cli_number(args->rest[0], "the entry", &n, err) &&
           vdm_query_document(cli->archive, n, write_piece, NULL, err);
}
