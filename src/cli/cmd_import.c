/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "cli/cmd.h"
#include "cli/stated.h"
#include "ops/import.h"
#include "ops/query.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct vdm_opt import_options[] = {
    {"metadata", 0, "FILE", "a table: CSV, JSON or JSON Lines, one row a file"},
    VDM_STATED_OPTIONS,
    {"require", 0, "KEYS", "refuse what says nothing of these, e.g. source,captured"},
    {"range", 0, "OFFSET,LENGTH",
     "a part of the document of --derived-from N, in bytes (may repeat; in a table: `range`)"},
    {"warc", 0, "WHAT", "of a WARC: whole, records, or both (the default)"},
    {"as-file", 0, NULL, "look into no container: each file is one document"},
    {"again", 0, NULL, "record once more what is known already"},
    {"receipt", 0, "FILE.csv",
     "write what became of each input (path, status, entry, digest, reason)"},
    {"no-text", 0, NULL, "record no fingerprints of the documents' text"},
    {"dry-run", 0, NULL, "write nothing, say what would be done"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_import = {
    .usage = "PATH... | --derived-from N --range OFFSET,LENGTH",
    .summary = "hashes, stores, signs and records documents",
    .paragraphs =
        {
            "PATH is a file, a folder (with all below it) or - for standard input. Symbolic links "
            "are followed only when they are named here. Standard input is kept as one document "
            "and not looked into. The source is never changed, and one that changes while it is "
            "read is refused.",
            "What is known of the documents comes from a metadata table (CSV, JSON or JSON Lines, "
            "one row a file, columns named as the options below, `file` relative to the table; "
            "`derived-from` with the method behind it, as in a record: there is no column "
            "derived-method) and from options, which fill what a row leaves empty. What is not "
            "stated is not made up. Inputs that say nothing of what --require names are refused; "
            "a WARC or WACZ that is kept beside its records is not, but each of its records is.",
            "A folder that is another archive (keys/ and store/ledger.db) is refused: its keys "
            "are secret. Import a bundle of it.",
            "A file that holds captures is known by its first bytes. A WARC (plain, gzip, zstd) "
            "is kept whole as a document, and the payload of each response, resource, conversion "
            "and revisit record in it is a document with the record's own source, time, id and "
            "headers, and with `derived-from` saying where in the WARC it stands. --warc whole "
            "keeps the WARC alone, --warc records what is in it alone (its requests and metadata "
            "are then not kept). What cannot be read is told with its place, the rest is "
            "imported; records in segments are not joined. What options and the table state of a "
            "WARC stands in its own record; its collection, captured time, people, languages and "
            "rights go for its records, too, where they say nothing themselves.",
            "Of a tar (plain or in one layer of gzip, bzip2, xz or zstd) and of a zip each file "
            "is a document, with its path and time in its record; `derived-from` says of which "
            "container and, where it is stored there as it is, which bytes. Links, devices and "
            "encrypted members are refused, the rest is imported. Nothing is unpacked to a path: "
            "names are only text (in a zip, backslashes in a name without `/` are read as `/`). "
            "Tars that stand one behind the other are one; what else stands before or behind what "
            "a container speaks of is told, with its place. A container that would unpack to more "
            "than 300 times its size (256 MiB are free) is read no further. One in a container is "
            "a document and not looked into; so are office documents, books and programs, which "
            "are zips as well. --as-file keeps every container whole.",
            "What options and the table state of a container that is not kept itself (a tar, a "
            "zip, with --warc records a WARC) stands in the record of each document in it, as of "
            "the files of a folder; in a WARC where the record says nothing itself. If it can be "
            "true of one document only (source, title, issued, issued-as-written, reference, "
            "derived-from, file-name, media-type, header; of a WARC record-id), the container is "
            "refused.",
            "A BagIt bag (0.97 or 1.0; a folder, or alone in a tar or a zip) is checked first: "
            "every manifest, every file, every tag file. If it is valid, all of its files are "
            "documents, its tag files too, and what bag-info.txt says stands in each record: "
            "Source-Organization as `received-from`, External-Identifier as `record-id`, the rest "
            "as `field`. A tar or a zip in it is kept as it is and not looked into; of a WARC in "
            "a folder the records are taken, too, with the bag's `received-from`. A bag that is "
            "not valid is refused as a whole, with what was found; --as-file takes its files "
            "without that claim. What fetch.txt names is never downloaded.",
            "A bundle of vidimus is verified, by the keys in keys/trusted/ and the archive's own. "
            "It is kept whole, as one document, so that what it proves can be shown again; its "
            "record says of which ledger it is, as of which size and root, and what the verdict "
            "was by which key. Its captures are somebody else's and are not recorded as captures "
            "of this archive. One that is altered or incomplete is refused with what was found; "
            "--as-file keeps it without a word about it.",
            "A WACZ is taken as a WARC is (--warc): kept whole, and each record of the WARCs in "
            "it a document. First the hashes in datapackage.json are checked; a WARC that does "
            "not fit is not read. One that the zip has packed once more is read as well, but no "
            "part of the WACZ can then be shown to be its record. Titles come from its list of "
            "pages. datapackage.json and datapackage-digest.json are documents, byte for byte; a "
            "signature in the latter is told as present, and is not verified.",
            "A page may hold several statements. With --derived-from N and --range, or a table "
            "with a column `range` and no PATH, parts of the document of capture N become "
            "documents of their own, each with its own title and date. Their `derived-from` says "
            "which bytes of the whole they are; verify compares them where it has both. What is "
            "known of the whole's collection, captured time, people and rights goes for its parts "
            "where nothing else is stated.",
            "The same document, source and captured time is already known and not recorded again, "
            "unless --again is given; so is what was taken from the same place of the same "
            "container or whole. A file of a bag is known if it was recorded with the same name, "
            "path and bag-info: what two bags hold is recorded for each if these differ, and so "
            "is what lay in a bag before and now comes without one. --receipt tells what became "
            "of each input; --dry-run writes nothing.",
            "The media type is guessed in a process without rights. Where that dies or does not "
            "answer, the type is application/octet-stream, and a warning says for how many. In "
            "another such process the text that a reader sees is taken out of HTML pages of up to "
            "8 MiB, and of plain texts that are not UTF-8; its SHA-256 goes into the record "
            "(field text-fingerprint), by which `vidimus history` tells a page that changed from "
            "one that was served with another captcha. A document without one is imported as "
            "well, and counted; --no-text makes none. The payload of a WARC record that was sent "
            "compressed (Content-Encoding) is kept as it was sent, and has none.",
            "Room for each document and for what is written about it is asked for before. Where "
            "there is none, what was taken so far is recorded and the import ends. Several "
            "imports may run at once; one that waits for long says for whom.",
            "The new checkpoint is printed at the end: keep it somewhere else.",
        },
    .examples =
        {
            {"vidimus import statements/ --metadata statements.csv \\\n    "
             "--require source,captured",
             "a folder and its table; files without source or time are refused"},
            {"vidimus import page.html --source https://council.example/r/12 \\\n    "
             "--captured 2026-11-21T10:00:00Z",
             "one file"},
            {"vidimus import delivery.tar.gz bag-2019-11/ --collection partner",
             "what is in an archive file, and a bag once it is found valid"},
            {"vidimus import crawl.warc.gz --collection 'Crawl of January'",
             "a WARC, and each page that is in it"},
            {"vidimus import --derived-from 17 --range 120,3400 --title 'First statement' \\\n    "
             "--issued 2019-11-28",
             "a statement that is a part of the page of entry 17"},
            {"vidimus import --derived-from 17 --metadata parts.csv",
             "several: a row for each part, with the columns range,title,issued"},
        },
    .options = import_options,
    .arguments = "file",
};

unsigned vdm_needs_of_import(const struct vdm_args *args)
{
    return vdm_args_has(args, "dry-run") ? VDM_NEEDS_READ
                                         : VDM_NEEDS_WRITE | VDM_NEEDS_SIGNER | VDM_NEEDS_LEDGER;
}

#define RANGES_MAX 256

/* Without a path: --derived-from says what parts are cut out of. */
static bool is_parts(const struct vdm_args *args)
{
    return vdm_args_has(args, "range") || (args->rests == 0 && vdm_args_has(args, "derived-from"));
}

static bool is_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

/* --- what is told --- */

struct telling {
    struct vdm_cli *cli;
    json_t *refusals, *problems;
    FILE *receipt; /* or NULL */
    struct vdm_new_file file;
    uint64_t listed_known;
};

/* Of a problem with its place. */
static void put_reason(struct vdm_buf *out, const struct vdm_input *in)
{
    if (in->status == VDM_INPUT_PROBLEM && in->offset != UINT64_MAX)
        vdm_buf_putf(out, "at byte %llu: ", (unsigned long long)in->offset);
    vdm_buf_puts(out, in->reason);
}

static void write_receipt(FILE *to, const struct vdm_input *in)
{
    static const char *const words[] = {"recorded", "already known", "refused", "would be recorded",
                                        "problem"};
    char hex[65] = "";
    struct vdm_buf reason VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_out_csv(to, in->path);
    fprintf(to, ",%s,", words[in->status]);
    if (in->status == VDM_INPUT_RECORDED || in->status == VDM_INPUT_KNOWN)
        fprintf(to, "%llu", (unsigned long long)in->entry);
    fputc(',', to);
    if (!in->reason) {
        vdm_digest_hex(in->digest, hex);
        fprintf(to, "sha256:%s", hex);
    }
    fputc(',', to);
    if (in->reason) {
        put_reason(&reason, in);
        vdm_out_csv(to, reason.failed ? vdm_str(in->reason) : vdm_buf_bytes(&reason));
    }
    fputs("\r\n", to);
}

static void print_differences(const struct vdm_input *in)
{
    fputs("known    ", stderr);
    vdm_out_text(stderr, in->path);
    fprintf(stderr, "    entry %llu says something else of:", (unsigned long long)in->entry);
    for (int f = 0; f < VDM_FIELDS; f++)
        if (in->differs >> f & 1)
            fprintf(stderr, " %s", vdm_field_name((enum vdm_field)f));
    fprintf(stderr, "   (`vidimus amend %llu` corrects it)\n", (unsigned long long)in->entry);
}

static void tell_refused(struct telling *t, const struct vdm_input *in)
{
    if (t->refusals && json_array_size(t->refusals) < VDM_FINDINGS_MAX)
        vdm_json_add(&t->refusals, json_pack("{s:o,s:o}", "path", vdm_json_bytes(in->path),
                                             "reason", vdm_json_bytes(vdm_str(in->reason))));
    if (t->cli->json)
        return;
    vdm_progress_end(t->cli);
    fputs("refused  ", stderr);
    vdm_out_text(stderr, in->path);
    fputs("    ", stderr);
    vdm_out_str(stderr, in->reason);
    fputc('\n', stderr);
}

static void tell_problem(struct telling *t, const struct vdm_input *in)
{
    struct vdm_buf reason VDM_CLEANUP(vdm_buf_release) = {0};
    if (t->problems && json_array_size(t->problems) < VDM_FINDINGS_MAX)
        vdm_json_add(
            &t->problems,
            json_pack("{s:o,s:o,s:o}", "path", vdm_json_bytes(in->path), "offset",
                      in->offset == UINT64_MAX ? json_null() : json_integer((json_int_t)in->offset),
                      "reason", vdm_json_bytes(vdm_str(in->reason))));
    if (t->cli->json)
        return;
    vdm_progress_end(t->cli);
    fputs("problem  ", stderr);
    vdm_out_text(stderr, in->path);
    fputs("    ", stderr);
    put_reason(&reason, in);
    vdm_out_text(stderr, reason.failed ? vdm_str(in->reason) : vdm_buf_bytes(&reason));
    fputc('\n', stderr);
}

static void tell(void *ctx, const struct vdm_input *in)
{
    struct telling *t = ctx;
    if (t->receipt)
        write_receipt(t->receipt, in);
    if (in->status == VDM_INPUT_REFUSED)
        tell_refused(t, in);
    if (in->status == VDM_INPUT_PROBLEM)
        tell_problem(t, in);
    if (in->status == VDM_INPUT_KNOWN && in->differs && !t->cli->json && !t->cli->quiet) {
        vdm_progress_end(t->cli);
        print_differences(in);
    }
}

/* What a recorded capture leaves open, and how to be strict about it. */
static void print_not_stated(const struct vdm_import_done *d)
{
    const char *first = NULL;
    for (size_t k = 0; k < vdm_counted_fields_n; k++) {
        enum vdm_field f = vdm_counted_fields[k];
        if (d->not_stated[f] == 0)
            continue;
        printf("%s%s ", first ? ", " : "  not stated: ", vdm_field_name(f));
        vdm_out_number(stdout, d->not_stated[f]);
        first = first ? first : vdm_field_name(f);
    }
    if (first)
        printf("   (--require %s refuses these)\n", first);
}

static void print_done(struct vdm_cli *cli, const struct vdm_import_done *d, bool dry, uint64_t ms)
{
    vdm_out_count(stdout, d->imported, "statement", "statements");
    printf(dry ? " would be recorded" : " recorded");
    if (d->imported && !dry) {
        printf(d->first == d->last ? " (entry " : " (entries ");
        vdm_out_number(stdout, d->first);
        if (d->last != d->first) {
            fputs(" to ", stdout);
            vdm_out_number(stdout, d->last);
        }
        fputs(")", stdout);
    }
    fputs(", ", stdout);
    vdm_out_size(stdout, d->bytes);
    printf(" in %.1f s\n", (double)ms / 1000);
    if (d->known) {
        fputs("  ", stdout);
        vdm_out_number(stdout, d->known);
        puts(" already known, nothing recorded again      (--again records a repeat)");
    }
    if (d->refused) {
        fputs("  ", stdout);
        vdm_out_number(stdout, d->refused);
        puts(" refused, listed above");
    }
    if (d->problems) {
        fputs("  ", stdout);
        vdm_out_count(stdout, d->problems, "problem", "problems");
        puts(" in containers and bags, listed above");
    }
    if (d->repaired) {
        fputs("  ", stdout);
        vdm_out_count(stdout, d->repaired, "damaged document was", "damaged documents were");
        puts(" replaced by good bytes");
    }
    print_not_stated(d);
    vdm_out_checkpoint(vdm_buf_bytes(&d->checkpoint));
    (void)cli;
}

static bool print_json(const struct vdm_import_done *d, bool dry, const struct telling *t,
                       struct vdm_err *err)
{
    bool recorded = d->imported > 0 && !dry;
    json_t *not_stated = json_object();
    for (size_t k = 0; k < vdm_counted_fields_n; k++) {
        char key[32];
        snprintf(key, sizeof key, "%s", vdm_field_name(vdm_counted_fields[k]));
        for (char *c = key; *c; c++)
            *c = *c == '-' ? '_' : *c;
        vdm_json_set(&not_stated, key,
                     json_integer((json_int_t)d->not_stated[vdm_counted_fields[k]]));
    }
    json_t *o =
        json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:o}", "imported", (json_int_t)d->imported,
                  "already_known", (json_int_t)d->known, "refused", (json_int_t)d->refused, "bytes",
                  (json_int_t)d->bytes, "not_stated", not_stated, "refusals", t->refusals,
                  "problems", (json_int_t)d->problems, "problem_list", t->problems);
    vdm_json_set(&o, "dry_run", json_boolean(dry));
    vdm_json_set(&o, "media_types_not_guessed", json_integer((json_int_t)d->unguessed.documents));
    vdm_json_set(&o, "texts_not_extracted", json_integer((json_int_t)d->textless.documents));
    vdm_json_set(&o, "first_entry", recorded ? json_integer((json_int_t)d->first) : json_null());
    vdm_json_set(&o, "last_entry", recorded ? json_integer((json_int_t)d->last) : json_null());
    vdm_json_set(&o, "checkpoint",
                 d->checkpoint.n ? vdm_json_value(vdm_buf_bytes(&d->checkpoint)) : json_null());
    return vdm_json_print(o, err);
}

/* --- the receipt file --- */

static bool open_receipt(struct telling *t, const char *path, struct vdm_err *err)
{
    if (!path)
        return true;
    if (access(path, F_OK) == 0)
        return vdm_fail(err, "--receipt: %s is there already, and is not written over", path);
    if (!vdm_new_file_open(&t->file, AT_FDCWD, path, 0644, err))
        return vdm_err_prefix(err, "--receipt");
    int fd = dup(t->file.fd);
    if (fd < 0 || !(t->receipt = fdopen(fd, "w"))) {
        vdm_fail_errno(err, "--receipt");
        vdm_fd_close(&fd);
        vdm_new_file_discard(&t->file);
        return false;
    }
    fputs("path,status,entry,digest,reason\r\n", t->receipt);
    return true;
}

static bool close_receipt(struct telling *t, struct vdm_err *err)
{
    if (!t->receipt)
        return true;
    bool written = fclose(t->receipt) == 0;
    t->receipt = NULL;
    if (!written)
        return vdm_fail_errno(err, "--receipt");
    return vdm_new_file_publish(&t->file, false, err) || vdm_err_prefix(err, "--receipt");
}

/* Once, at the end: which documents they are stands in their records. */
static void warn_unguessed(const struct vdm_import_done *d)
{
    if (d->unguessed.documents == 0)
        return;
    fputs("vidimus: warning: ", stderr);
    vdm_out_count(stderr, d->unguessed.documents, "media type", "media types");
    fputs(" could not be guessed (application/octet-stream): ", stderr);
    vdm_out_str(stderr, d->unguessed.why);
    fputc('\n', stderr);
}

static void warn_textless(const struct vdm_import_done *d)
{
    if (d->textless.documents == 0)
        return;
    fputs("vidimus: warning: ", stderr);
    vdm_out_count(stderr, d->textless.documents, "text", "texts");
    fputs(" could not be extracted (no text fingerprint): ", stderr);
    vdm_out_str(stderr, d->textless.why);
    fputc('\n', stderr);
}

static bool take_warc(const struct vdm_args *args, enum vdm_import_warc *out, struct vdm_err *err)
{
    static const char *const words[] = {
        [VDM_WARC_BOTH] = "both", [VDM_WARC_WHOLE] = "whole", [VDM_WARC_RECORDS] = "records"};
    const char *value = vdm_args_value(args, "warc");
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
        if (strcmp(value, words[i]) == 0) {
            *out = (enum vdm_import_warc)i;
            return true;
        }
    return !value ||
           vdm_fail_as(err, VDM_ERR_USAGE, "--warc is whole, records or both, not %s", value);
}

/* No paths: parts of a document. */
static bool take_parts(const struct vdm_args *args, const char **range,
                       struct vdm_import_request *r, struct vdm_err *err)
{
    const char *of = vdm_args_value(args, "derived-from");
    while (r->ranges < RANGES_MAX && (range[r->ranges] = vdm_args_nth(args, "range", r->ranges)))
        r->ranges++;
    if (r->ranges == RANGES_MAX)
        return vdm_fail_as(err, VDM_ERR_USAGE, "too many --range; put them into a table");
    r->range = range;
    r->parts = is_parts(args);
    r->part_method = vdm_args_value(args, "derived-method");
    if (!r->parts)
        return r->n > 0 ||
               vdm_fail_as(err, VDM_ERR_USAGE,
                           "import wants a file or folder, or --derived-from N and --range");
    if (r->n > 0)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--range cuts parts out of what is held: name no file");
    if (r->ranges == 0 && !r->table)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--range or a table with a column `range` is wanted");
    if (!of)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--derived-from N says what to cut the parts out of");
    return vdm_cli_number(of, "--derived-from", &r->part_of, err);
}

static bool run(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_stated *g, int *status,
                struct vdm_err *err)
{
    struct telling t = {.cli = cli, .file = {.dir = -1, .fd = -1}};
    struct vdm_import_done done = {0};
    struct vdm_err receipt_err = {0};
    const char *require = vdm_args_value(args, "require");
    struct vdm_import_request r = {.paths = args->rest,
                                   .n = args->rests,
                                   .table = vdm_args_value(args, "metadata"),
                                   .given = g->line,
                                   .givens = g->n,
                                   .as_file = vdm_args_has(args, "as-file"),
                                   .again = vdm_args_has(args, "again"),
                                   .dry_run = vdm_args_has(args, "dry-run"),
                                   .no_text = vdm_args_has(args, "no-text")};
    if (require && !vdm_cli_fields(require, &r.required, err))
        return vdm_err_prefix(err, "--require");
    const char *range[RANGES_MAX];
    if (!take_warc(args, &r.warc, err) || !take_parts(args, range, &r, err))
        return false;
    if (!open_receipt(&t, vdm_args_value(args, "receipt"), err))
        return false;
    t.refusals = cli->json ? json_array() : NULL;
    t.problems = cli->json ? json_array() : NULL;
    uint64_t started = vdm_clock_ms();
    bool ok = vdm_import(cli->archive, &r, &cli->signers, &cli->progress, tell, &t, &done, err);
    vdm_progress_end(cli);
    warn_unguessed(&done);
    warn_textless(&done);
    bool receipt_ok = close_receipt(&t, &receipt_err);
    vdm_new_file_discard(&t.file);
    bool any = ok || done.imported + done.known + done.refused > 0;
    if (any && !cli->json)
        print_done(cli, &done, r.dry_run, vdm_clock_ms() - started);
    else if (any && !print_json(&done, r.dry_run, &t, ok ? err : NULL))
        ok = false;
    if (!any) {
        json_decref(t.refusals);
        json_decref(t.problems);
    }
    vdm_buf_release(&done.checkpoint);
    if (ok && !receipt_ok)
        return vdm_fail(err, "%s (everything else is done)", receipt_err.text);
    *status = done.refused || done.problems ? VDM_EXIT_FINDING : VDM_EXIT_DONE;
    return ok;
}

VDM_COMMAND(import)
{
    struct vdm_stated *g = calloc(1, sizeof *g);
    if (!g)
        return vdm_fail_memory(err);
    bool several = args->rests > 1 || (args->rests == 1 && !is_file(args->rest[0])) ||
                   vdm_args_nth(args, "range", 1) ||
                   (is_parts(args) && vdm_args_has(args, "metadata"));
    g->parts = is_parts(args);
    bool ok = (!several || vdm_stated_check_several(args, g->parts, err)) &&
              vdm_stated_collect(cli, args, g, err) && run(cli, args, g, status, err);
    vdm_stated_release(g);
    free(g);
    return ok;
}
