/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/keylist.h"
#include "ops/withdraw.h"

#include <dirent.h>
#include <string.h>

static const struct vdm_opt withdraw_options[] = {
    {"decided-by", 0, "TEXT", "whose decision it is, for everybody to read"},
    {"scope", 0, "SCOPE", "document, record or both (default)"},
    {"reason", 0, "TEXT", "why, for everybody to read: it names nothing that shall go"},
    {"with-parts", 0, NULL, "also what was derived from the documents"},
    {"request", 0, "FILE", "write a request for `key sign` on another machine; sign nothing"},
    {"yes", 0, NULL, "do not ask"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_withdraw = {
    .usage = "N... --decided-by TEXT",
    .summary = "takes captures down; the ledger stays provable",
    .paragraphs =
        {
            "Signed by the authority, whose secret key may lie elsewhere (--authority-key). Of "
            "captures (3 5-7) with all their amendments it erases the records with their "
            "secrets, and the documents. The entries stay, and verify; what was erased is told "
            "as WITHDRAWN.",
            "--scope document erases the document alone, --scope record the records alone. A "
            "document that several captures share goes with the last of them. A record alone "
            "is refused where no capture would tell of its document any more: withdraw both, or "
            "first record what may be known of it (`vidimus import --again`).",
            "--decided-by and --reason are signed and stay for everybody to read: they must not "
            "name what shall go. What was derived from a document names its digest and is "
            "refused to stay behind: --with-parts withdraws it too. It says what it will erase, "
            "and asks, before it asks for a passphrase; --yes answers.",
            "For an authority whose machine is never connected, --request writes what is to be "
            "signed, of one capture, and withdraws nothing; then come `vidimus key sign` there "
            "and `vidimus key submit` here, which erases. The request names the document's "
            "digest: remove that file afterwards.",
            "Afterwards nobody can tell from the archive what it was: the same bytes can be "
            "imported again. If the erasing is interrupted, the next command that writes, or "
            "`vidimus recover`, goes on with it.",
            "store/ledger.db is written anew as a whole, so that nothing is left in it; that "
            "takes time, and as much space again, some of it in /var/tmp.",
            "Out of reach are bundles, receipts and proofs that were handed out, backups, other "
            "names of the same file (hard links), the list that --receipt wrote, and what the "
            "disk keeps: blocks that journals and older versions of the files lay in, copies "
            "that a file system with snapshots or a flash drive makes by itself. Where that "
            "matters, keep the archive on an encrypted disk.",
        },
    .examples =
        {
            {"vidimus withdraw 17 --decided-by 'data protection officer, 12/2026' \\\n    "
             "--reason 'private address'",
             "one capture, document and record"},
            {"vidimus withdraw 40-52 --decided-by 'court order 3 K 7/26' \\\n    "
             "--authority-key /media/usb/authority.key",
             "several, with the authority's key from another disk"},
        },
    .options = withdraw_options,
};

static bool take_scope(const struct vdm_args *args, enum vdm_scope *out, struct vdm_err *err)
{
    static const enum vdm_scope all[] = {VDM_SCOPE_DOCUMENT, VDM_SCOPE_RECORD, VDM_SCOPE_BOTH};
    const char *text = vdm_args_value(args, "scope");
    *out = VDM_SCOPE_BOTH;
    for (size_t i = 0; text && i < sizeof all / sizeof *all; i++)
        if (strcmp(text, vdm_scope_name(all[i])) == 0) {
            *out = all[i];
            return true;
        }
    return !text ||
           vdm_fail_as(err, VDM_ERR_USAGE, "--scope is document, record or both, not %s", text);
}

/* `numbers` holds what *out borrows. */
static bool read_request(const struct vdm_args *args, struct vdm_buf *numbers,
                         struct vdm_withdraw_request *out, struct vdm_err *err)
{
    const char *by = vdm_args_value(args, "decided-by"), *reason = vdm_args_value(args, "reason");
    if (!by || !*by || (reason && !*reason))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           !by || !*by ? "--decided-by TEXT is needed: whose decision it is"
                                       : "--reason is empty");
    for (size_t i = 0; i < args->rests; i++)
        if (!vdm_cli_ranges(args->rest[i], numbers, err))
            return false;
    *out = (struct vdm_withdraw_request){.entry = (const uint64_t *)(const void *)numbers->p,
                                         .entries = numbers->n / sizeof *out->entry,
                                         .decided_by = vdm_str(by),
                                         .reason =
                                             reason ? vdm_str(reason) : (struct vdm_bytes){NULL, 0},
                                         .with_parts = vdm_args_has(args, "with-parts"),
                                         .to_sign = vdm_args_has(args, "request")};
    return take_scope(args, &out->scope, err);
}

/* --- what it will do, in words --- */

static void put_one(const struct vdm_taken *t, struct vdm_buf *out)
{
    char hex[65];
    vdm_buf_putf(out, "  entry %llu: %s", (unsigned long long)t->capture,
                 t->record ? "its record and those of its amendments" : "its record stays");
    if (!t->has_record) {
        vdm_buf_puts(out, "; nobody knows any more which document it was\n");
        return;
    }
    vdm_digest_hex(t->digest, hex);
    if (t->kept_for != UINT64_MAX)
        vdm_buf_putf(out, "; its document stays: entry %llu is a capture of it, too\n",
                     (unsigned long long)t->kept_for);
    else if (t->document)
        vdm_buf_putf(out, "; its document, %llu bytes, sha256 %s\n", (unsigned long long)t->size,
                     hex);
    else
        vdm_buf_puts(out, "; its document is not here\n");
}

static bool put_takedown(const struct vdm_takedown *t, struct vdm_buf *out, struct vdm_err *err)
{
    vdm_buf_puts(out, "This withdraws for good, and erases from this archive:\n");
    for (size_t i = 0; i < t->takens; i++)
        put_one(&t->taken[i], out);
    vdm_buf_puts(out, "What was handed out and what lies in backups is beyond its reach.\n");
    return vdm_buf_ok(out, err);
}

/* Evidence of what went wrong, so it is not ours to remove; but the records are still in it. */
static bool put_damaged_ledgers(const struct vdm_cli *cli, struct vdm_buf *out, struct vdm_err *err)
{
    DIR *d = opendir(cli->archive->store_path);
    if (!d)
        return vdm_fail_errno(err, "list the folder store");
    for (const struct dirent *e; (e = readdir(d));)
        if (strncmp(e->d_name, "ledger.db.damaged-", 18) == 0) {
            vdm_buf_puts(out, "store/");
            vdm_printable_append(out, vdm_str(e->d_name));
            vdm_buf_puts(out, ", from before a repair, may hold what is withdrawn: remove it once "
                              "you have looked at it.\n");
        }
    closedir(d);
    return vdm_buf_ok(out, err);
}

bool vdm_cli_say_takedown(const struct vdm_cli *cli, struct vdm_err *err)
{
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    if (!put_takedown(&cli->takedown, &words, err) || !put_damaged_ledgers(cli, &words, err))
        return false;
    vdm_cli_say(cli, "%.*s", (int)words.n, (const char *)words.p);
    return true;
}

bool vdm_plan_withdraw(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_withdraw_request r;
    char question[80];
    if (!read_request(args, &cli->memory, &r, err) ||
        !vdm_withdraw_plan(cli->archive, &r, &cli->takedown, err) ||
        !vdm_cli_say_takedown(cli, err))
        return false;
    snprintf(question, sizeof question, "Withdraw %zu capture%s?", cli->takedown.takens,
             cli->takedown.takens == 1 ? "" : "s");
    return vdm_args_has(args, "request") || vdm_cli_confirm(args, question, err);
}

unsigned vdm_needs_of_withdraw(const struct vdm_args *args)
{
    return vdm_args_has(args, "request") ? VDM_NEEDS_READ
                                         : VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER;
}

/* --- doing it --- */

static bool print_json(struct vdm_cli *cli, uint64_t first, struct vdm_bytes checkpoint,
                       struct vdm_err *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < cli->takedown.takens; i++) {
        const struct vdm_taken *t = &cli->takedown.taken[i];
        vdm_json_add(&list, json_pack("{s:I,s:I,s:b,s:b}", "entry", (json_int_t)t->capture,
                                      "withdrawal", (json_int_t)(first + i), "record_erased",
                                      t->record, "document_erased", vdm_takedown_erases(t)));
    }
    return vdm_json_print(
        json_pack("{s:o,s:o}", "withdrawn", list, "checkpoint", vdm_json_value(checkpoint)), err);
}

bool vdm_cli_print_withdrawn(struct vdm_cli *cli, uint64_t first, uint64_t last,
                             struct vdm_bytes checkpoint, struct vdm_err *err)
{
    if (cli->json)
        return print_json(cli, first, checkpoint, err);
    vdm_out_count(stdout, cli->takedown.takens, "capture", "captures");
    printf(first == last ? " withdrawn (entry %llu)" : " withdrawn (entries %llu",
           (unsigned long long)first);
    if (first != last)
        printf(" to %llu)", (unsigned long long)last);
    puts(" and erased from this archive.");
    vdm_out_checkpoint(checkpoint);
    return true;
}

static bool write_request(struct vdm_cli *cli, const struct vdm_withdraw_request *r,
                          const char *file, struct vdm_err *err)
{
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf request VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t n;
    return put_takedown(&cli->takedown, &words, err) &&
           vdm_withdraw_ask(cli->archive, r, &cli->takedown, vdm_buf_bytes(&words), &request, &n,
                            err) &&
           vdm_cli_write_request(cli, file, n, vdm_buf_bytes(&request), err);
}

VDM_COMMAND(withdraw)
{
    struct vdm_buf numbers VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_withdraw_request r;
    struct vdm_withdraw_done done = {0};
    const char *request = vdm_args_value(args, "request");
    (void)status;
    if (!read_request(args, &numbers, &r, err))
        return false;
    if (request)
        return write_request(cli, &r, request, err);
    bool ok =
        vdm_withdraw(cli->archive, &r, &cli->takedown, cli->signers.authority, cli->signers.ledger,
                     &done, err) &&
        vdm_cli_print_withdrawn(cli, done.first, done.last, vdm_buf_bytes(&done.checkpoint), err);
    vdm_buf_release(&done.checkpoint);
    return ok;
}
