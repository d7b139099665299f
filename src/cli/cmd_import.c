/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/import_tell.h"
#include "cli/stated.h"
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
            "are secret. Import a bundle of it. So is a file that is a secret key, wherever it "
            "lies.",
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
            "without that claim. So is one that has lost its bagit.txt: a manifest beside data/. "
            "What fetch.txt names is never downloaded.",
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
    struct vdm_import_telling t;
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
    if (!vdm_import_tell_open(&t, cli, vdm_args_value(args, "receipt"), err))
        return false;
    uint64_t started = vdm_clock_ms();
    bool ok = vdm_import(cli->archive, &r, &cli->signers, &cli->progress, vdm_import_tell, &t,
                         &done, err);
    vdm_progress_end(cli);
    bool any = ok || done.imported + done.known + done.refused > 0;
    if (any &&
        !vdm_import_tell_done(&t, &done, r.dry_run, vdm_clock_ms() - started, ok ? err : NULL))
        ok = false;
    /* One of nothing would only stand in the way of the next try. */
    bool receipt_ok = !any || vdm_import_tell_receipt(&t, &receipt_err);
    vdm_import_tell_release(&t);
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
