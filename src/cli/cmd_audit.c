/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "cli/audit.h"
#include "cli/cmd.h"
#include "ops/audit_record.h"
#include "ops/audit_repair.h"
#include "ops/repair_ledger.h"
#include "sandbox/command.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct vdm_opt audit_options[] = {
    {"max-time", 0, "TIME", "stop after this long: 90m, 2h, 1d"},
    {"max-bytes", 0, "SIZE", "stop after this much was read: 800M, 50G"},
    {"within", 0, "TIME", "as much as it takes to look at everything within this time: 30d"},
    {"sample", 0, "PCT", "blocks of 1,000 entries, drawn by lot from the newest checkpoint: 5%"},
    {"rate", 0, "SIZE", "read no more than this in a second: 20M"},
    {"idle", 0, NULL, "give way to all other work on the machine"},
    {"repair-from", 0, "PATH", "where good copies are: a mirror, another archive, or a bundle"},
    {"on-finding", 0, "COMMAND", "run this in a shell, with the findings as JSON on its input"},
    {"history", 0, NULL, "no audit: tell of all that the ledger records"},
    {"overdue", 0, "TIME", "no audit: is there a document that was not looked at for so long?"},
    {"format", 0, "FORM", "text, json, csv, premis, prometheus, nagios, html"},
    {"output", 'o', "FILE", "write that to a file, in place of an older one"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_audit = {
    .usage = "[--max-time TIME] [--within TIME] [--repair-from PATH]",
    .summary = "a check that fits a nightly window, goes round, and is recorded in the ledger",
    .paragraphs =
        {
            "Looks at the ledger as a whole (tree, checkpoints, guard; of what is new also form, "
            "chain and signatures) and at documents: those first that were looked at longest ago, "
            "until all were or the budget is used up; before all others what an earlier audit "
            "found "
            "bad and no later one has seen good. Then an entry, signed by an auditor's key, "
            "says what was covered and what was found. The next audit goes on from there.",
            "A document that is bad is read again before it is reported, past the page cache: "
            "document-corrupt and document-missing are so on the disk, document-unreadable is what "
            "the system refuses to give, read-unsteady was good when read again (memory or cable). "
            "What somebody is just writing to is left for the next audit. What was withdrawn is as "
            "it should be.",
            "With `--repair-from` a copy whose SHA-256 is right takes the place of a bad document; "
            "the bad one is kept aside (in its pack, or in store/tmp), and the entry counts the "
            "repair.",
            "`--history` and `--overdue` read what the ledger records and check nothing. Every "
            "form of --format is made from that. `--format nagios` answers in Nagios' own exit "
            "status: 0, 1 (overdue), 2 (findings that stand), 3.",
            "Audits that run by themselves need the keys of an auditor and of the ledger, and "
            "their "
            "passphrase, where nobody is asked: `man vidimus`, \"Scheduled audits\", says what "
            "their theft allows.",
        },
    .examples =
        {
            {"vidimus -C /srv/archive audit --within 30d --max-time 4h --idle \\\n    "
             "--passphrase-file /etc/vidimus/passphrase",
             "every night: everything once in 30 days, at most four hours"},
            {"vidimus -C /srv/archive audit --repair-from /media/mirror",
             "all of it, and repair what is bad"},
            {"vidimus -C /srv/archive audit --overdue 30d --format nagios", "for the monitoring"},
            {"vidimus -C /srv/archive audit --history --format html -o audits.html",
             "a page with a picture of what was covered when"},
        },
    .options = audit_options,
};

static const struct {
    const char *word;
    vdm_audit_form_fn *write;
} forms[] = {
    {"text", vdm_audit_as_text},     {"json", vdm_audit_as_json},
    {"csv", vdm_audit_as_csv},       {"premis", vdm_audit_as_premis},
    {"nagios", vdm_audit_as_nagios}, {"prometheus", vdm_audit_as_prometheus},
    {"html", vdm_audit_as_html},
};
#define FORMS (sizeof forms / sizeof *forms)

static bool only_tells(const struct vdm_args *args)
{
    return vdm_args_has(args, "history") || vdm_args_has(args, "overdue");
}

unsigned vdm_needs_of_audit(const struct vdm_args *args)
{
    return only_tells(args) ? VDM_NEEDS_READ
                            : VDM_NEEDS_WRITE | VDM_NEEDS_LEDGER | VDM_NEEDS_AUDITOR;
}

/* --- what is told of all audits --- */

static bool find_form(const struct vdm_args *args, vdm_audit_form_fn **out, struct vdm_err *err)
{
    const char *word = vdm_args_value(args, "format");
    *out = NULL;
    for (size_t i = 0; word && i < FORMS; i++)
        if (strcmp(word, forms[i].word) == 0)
            *out = forms[i].write;
    return !word || *out ||
           vdm_fail_as(err, VDM_ERR_USAGE,
                       "--format is text, json, csv, premis, prometheus, nagios or html, not %s",
                       word);
}

/* Is `folder` the archive's `part`, or below it? */
static bool lies_in(const char *folder, const char *archive, const char *part)
{
    char joined[PATH_MAX];
    snprintf(joined, sizeof joined, "%s/%s", archive, part);
    char *whole VDM_CLEANUP(vdm_free_string) = realpath(joined, NULL);
    char *real VDM_CLEANUP(vdm_free_string) = realpath(folder, NULL);
    size_t n = whole ? strlen(whole) : 0;
    return n && real && strncmp(real, whole, n) == 0 && (real[n] == 0 || real[n] == '/');
}

/* It takes the place of what is there: that must not be the archive itself, nor something that is no file. */
static bool may_write_to(const char *archive, const char *path, struct vdm_err *err)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    char *folder VDM_CLEANUP(vdm_free_string) =
        slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder)
        return vdm_fail_memory(err);
    if (lies_in(folder, archive, "keys") || lies_in(folder, archive, "store"))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "-o %s: a report does not belong there", path);
    return lstat(path, &st) != 0 || S_ISREG(st.st_mode) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "-o %s: there is something that is not a file", path);
}

static bool write_out(const char *archive, const char *path, struct vdm_bytes text,
                      struct vdm_err *err)
{
    if (path && strcmp(path, "-") != 0)
        return may_write_to(archive, path, err) &&
               vdm_file_publish(AT_FDCWD, path, 0644, true, text, err);
    return fwrite(text.p, 1, text.n, stdout) == text.n || vdm_fail_errno(err, "standard output");
}

/* In memory first: a file is there as a whole or not at all. */
static bool write_form(const struct vdm_audit_story *s, vdm_audit_form_fn *form,
                       const char *archive, const char *path, struct vdm_err *err)
{
    char *text VDM_CLEANUP(vdm_free_string) = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return vdm_fail_memory(err);
    bool ok = form(s, to, err);
    if (fclose(to) != 0 && ok)
        ok = vdm_fail_memory(err);
    return ok && write_out(archive, path, (struct vdm_bytes){(uint8_t *)text, n}, err);
}

static bool tell_story(struct vdm_cli *cli, const struct vdm_args *args, vdm_audit_form_fn *form,
                       uint64_t within, int *status, struct vdm_err *err)
{
    struct vdm_audit_story s = {0};
    bool ok = vdm_audit_story_read(cli->archive, within, &s, err) &&
              write_form(&s, form, cli->path, vdm_args_value(args, "output"), err);
    if (ok && form == vdm_audit_as_nagios)
        *status = vdm_audit_nagios_status(&s);
    else if (ok && vdm_args_has(args, "overdue") && vdm_audit_story_bad(&s))
        *status = VDM_EXIT_FINDING;
    vdm_audit_story_release(&s);
    return ok;
}

/* --- an audit --- */

static bool read_budget(const struct vdm_args *args, struct vdm_audit_options *o,
                        struct vdm_err *err)
{
    const char *time = vdm_args_value(args, "max-time"), *bytes = vdm_args_value(args, "max-bytes");
    const char *sample = vdm_args_value(args, "sample"), *rate = vdm_args_value(args, "rate");
    const char *within = vdm_args_value(args, "within");
    if ((time && !vdm_cli_duration(time, "--max-time", &o->max_ms, err)) ||
        (bytes && !vdm_cli_bytes(bytes, "--max-bytes", &o->max_bytes, err)) ||
        (rate && !vdm_cli_bytes(rate, "--rate", &o->rate, err)) ||
        (sample && !vdm_cli_percent(sample, "--sample", &o->sample, err)) ||
        (within && !vdm_cli_duration(within, "--within", &o->within_seconds, err)))
        return false;
    o->max_ms *= 1000;
    o->idle = vdm_args_has(args, "idle");
    if (sample && within && !only_tells(args))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--sample draws by lot, --within goes round: it is one or the other");
    return true;
}

static bool run_command(struct vdm_cli *cli, const struct vdm_args *args,
                        const struct vdm_audit_done *d, struct vdm_err *err)
{
    const char *command = vdm_args_value(args, "on-finding");
    int ended = 0;
    if (!command || vdm_report_findings(&d->report) == 0)
        return true;
    json_t *o = vdm_audit_json(d, cli->path);
    char *text VDM_CLEANUP(vdm_free_string) = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text)
        return vdm_fail_memory(err);
    if (!vdm_command_run(command, vdm_str(text), &ended, err))
        return vdm_err_prefix(err, "--on-finding");
    if (ended != 0)
        fprintf(stderr, "vidimus: the command of --on-finding ended with status %d\n", ended);
    return true;
}

/* An audit that saw something is told also where it cannot be recorded: that is a finding of its own. */
static bool record(struct vdm_cli *cli, struct vdm_audit_done *d, struct vdm_err *err)
{
    struct vdm_err why = {0};
    vdm_progress_end(cli);
    if (vdm_audit_record(cli->archive, d, &cli->signers, &why))
        return true;
    if (vdm_report_findings(&d->report) == 0)
        return vdm_fail_as(err, why.kind, "%s", why.text);
    vdm_report_add(&d->report,
                   (struct vdm_seen){.kind = VDM_AUDIT_NOT_RECORDED, .entry = VDM_NO_ENTRY}, "%s",
                   why.text);
    return true;
}

static bool tell(struct vdm_cli *cli, const struct vdm_args *args, const struct vdm_audit_done *d,
                 vdm_audit_form_fn *form, uint64_t within, int *status, struct vdm_err *err)
{
    *status = vdm_report_findings(&d->report) ? VDM_EXIT_FINDING : VDM_EXIT_DONE;
    if (!run_command(cli, args, d, err))
        return false;
    if (form && !tell_story(cli, args, form, within, status, err))
        return false;
    if (form && !vdm_args_value(args, "output"))
        return true;
    if (cli->json)
        return vdm_json_print(vdm_audit_json(d, cli->path), err);
    vdm_audit_print(cli, d);
    return true;
}

/* --- a ledger that is damaged --- */

static void note_earlier(struct vdm_audit_done *d, enum vdm_finding_kind kind, uint64_t entry,
                         bool repaired, const char *text)
{
    vdm_report_add(&d->report,
                   (struct vdm_seen){.kind = kind, .entry = entry, .repaired = repaired}, "%s",
                   text);
    bool missing = kind == VDM_DOCUMENT_MISSING;
    bool corrupt = kind == VDM_DOCUMENT_CORRUPT || kind == VDM_DOCUMENT_UNREADABLE;
    d->missing += missing;
    d->corrupt += corrupt;
    d->repaired += repaired;
    if (d->pieces == 0)
        return;
    d->piece[0].missing += missing;
    d->piece[0].corrupt += corrupt;
    d->piece[0].repaired += repaired;
}

/* Before any key is opened: where the ledger cannot even say who may sign, nothing else can be done. */
bool vdm_plan_audit(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_repair *repair VDM_CLEANUP(vdm_repair_cleanup) = NULL;
    struct vdm_err why = {0};
    const char *from = vdm_args_value(args, "repair-from");
    uint64_t size;
    if (only_tells(args) || vdm_archive_ring(cli->archive, &ring, &size, &why))
        return true;
    if (why.kind != VDM_ERR_MALFORMED || !from)
        return vdm_fail_as(err, why.kind, "ledger-damaged: %s%s", why.text,
                           why.kind == VDM_ERR_MALFORMED
                               ? " (--repair-from a mirror or another archive makes it good)"
                               : "");
    if (!vdm_repair_open(&repair, cli->crypto, from, err))
        return false;
    if (!vdm_repair_store(repair))
        return vdm_fail(err, "ledger-damaged: %s, and a bundle has no ledger to repair it from",
                        why.text);
    if (!vdm_repair_ledger(&cli->archive, vdm_repair_store(repair), err))
        return false;
    cli->ledger_was = vdm_bytes_dup(vdm_str(why.text));
    return cli->ledger_was || vdm_fail_memory(err);
}

/* Of what an audit finds in the ledger, what another copy of it can make good. */
static bool is_of_ledger(const struct vdm_finding *f)
{
    static const enum vdm_finding_kind kinds[] = {
        VDM_LEDGER_DAMAGED, VDM_LEAF_MISMATCH,  VDM_TREE_MISMATCH,      VDM_ENTRY_MALFORMED,
        VDM_CHAIN_BROKEN,   VDM_TRUNCATED,      VDM_CHECKPOINT_INVALID, VDM_SIGNATURE_INVALID,
        VDM_RECORD_MISSING, VDM_RECORD_MISMATCH};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (f->kind == kinds[i])
            return true;
    return false;
}

static bool ledger_is_bad(const struct vdm_report *r)
{
    for (size_t i = 0; i < r->findings.count; i++)
        if (is_of_ledger(&r->findings.list[i]))
            return true;
    return false;
}

/* What was repaired stays told; what was found of the ledger too, if it is not found again. */
static void carry_over(const struct vdm_audit_done *before, struct vdm_audit_done *now)
{
    bool good = !ledger_is_bad(&now->report);
    for (size_t i = 0; i < before->report.findings.count; i++) {
        const struct vdm_finding *f = &before->report.findings.list[i];
        if (f->repaired || (good && is_of_ledger(f)))
            note_earlier(now, f->kind, f->entry, true, f->message);
    }
}

static bool repair_and_repeat(struct vdm_cli *cli, const struct vdm_audit_options *o,
                              struct vdm_audit_done *d, struct vdm_err *err)
{
    struct vdm_audit_done before = *d;
    struct vdm_err why = {0};
    *d = (struct vdm_audit_done){0};
    if (!vdm_repair_ledger(&cli->archive, vdm_repair_store(o->repair), &why)) {
        *d = before;
        vdm_progress_end(cli);
        fputs("vidimus: ", stderr);
        vdm_out_str(stderr, why.text);
        fputc('\n', stderr);
        return true;
    }
    struct vdm_audit_options again = *o;
    again.again = true;
    bool ok = vdm_audit(cli->archive, &again, &cli->progress, d, err);
    if (ok)
        carry_over(&before, d);
    vdm_audit_done_release(&before);
    return ok;
}

static bool look(struct vdm_cli *cli, const struct vdm_audit_options *o, struct vdm_audit_done *d,
                 struct vdm_err *err)
{
    if (!vdm_audit(cli->archive, o, &cli->progress, d, err))
        return false;
    bool can = o->repair && vdm_repair_store(o->repair);
    if (can && ledger_is_bad(&d->report) && !repair_and_repeat(cli, o, d, err))
        return false;
    if (cli->ledger_was)
        note_earlier(d, VDM_LEDGER_DAMAGED, VDM_NO_ENTRY, true, cli->ledger_was);
    return true;
}

/* What is wrong with the ledger itself, the audit will tell. */
static bool find_standing(struct vdm_cli *cli, struct vdm_audit_options *o, uint64_t **list,
                          struct vdm_err *err)
{
    struct vdm_audit_story s = {0};
    struct vdm_err why = {0};
    bool ok = vdm_audit_story_read(cli->archive, VDM_AUDIT_PROMISE_SECONDS, &s, &why) ||
              why.kind == VDM_ERR_MALFORMED || vdm_fail_as(err, why.kind, "%s", why.text);
    if (ok && !(*list = calloc(s.opens + 1, sizeof **list)))
        ok = vdm_fail_memory(err);
    for (size_t i = 0; ok && i < s.opens; i++)
        if (s.open[i].entry != VDM_NO_ENTRY)
            (*list)[o->standings++] = s.open[i].entry;
    o->standing = *list;
    vdm_audit_story_release(&s);
    return ok;
}

static void free_list(uint64_t **list)
{
    free(*list);
}

static bool audit(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_audit_options *o,
                  vdm_audit_form_fn *form, int *status, struct vdm_err *err)
{
    struct vdm_repair *repair VDM_CLEANUP(vdm_repair_cleanup) = NULL;
    uint64_t *standing VDM_CLEANUP(free_list) = NULL;
    int lock VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_audit_done d = {0};
    const char *from = vdm_args_value(args, "repair-from");
    if ((from && !vdm_repair_open(&repair, cli->crypto, from, err)) ||
        !vdm_audit_lock(cli->archive, &lock, err) || !find_standing(cli, o, &standing, err))
        return false;
    o->repair = repair;
    uint64_t within = o->within_seconds ? o->within_seconds : VDM_AUDIT_PROMISE_SECONDS;
    bool ok = look(cli, o, &d, err) && record(cli, &d, err) &&
              tell(cli, args, &d, form, within, status, err);
    vdm_audit_done_release(&d);
    return ok;
}

static bool check_options(const struct vdm_args *args, struct vdm_err *err)
{
    static const char *const of_audits[] = {"max-time", "max-bytes",   "sample",     "rate",
                                            "idle",     "repair-from", "on-finding", NULL};
    for (const char *const *o = of_audits; *o && only_tells(args); o++)
        if (vdm_args_has(args, *o))
            return vdm_fail_as(err, VDM_ERR_USAGE,
                               "--%s is for an audit, not for what is told of "
                               "earlier ones",
                               *o);
    if (vdm_args_has(args, "output") && !vdm_args_has(args, "format") && !only_tells(args))
        return vdm_fail_as(err, VDM_ERR_USAGE, "-o needs a --format");
    return true;
}

VDM_COMMAND(audit)
{
    struct vdm_audit_options o = {0};
    vdm_audit_form_fn *form;
    const char *overdue = vdm_args_value(args, "overdue");
    uint64_t within = VDM_AUDIT_PROMISE_SECONDS;
    if (!check_options(args, err) || !find_form(args, &form, err) || !read_budget(args, &o, err) ||
        (overdue && !vdm_cli_duration(overdue, "--overdue", &within, err)))
        return false;
    if (!only_tells(args))
        return audit(cli, args, &o, form, status, err);
    if (!overdue && o.within_seconds)
        within = o.within_seconds;
    if (!form)
        form = cli->json ? vdm_audit_as_json : vdm_audit_as_text;
    return tell_story(cli, args, form, within, status, err);
}
