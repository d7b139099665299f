/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/text.h"
#include "cli/apart.h"
#include "cli/cmd.h"
#include "cli/page.h"
#include "cli/since.h"
#include "ops/fork_proof.h"
#include "ops/keys.h"
#include "ops/query.h"
#include "ops/verify_archive.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct vdm_opt verify_options[] = {
    {"trust", 0, "KEY", "a public key, a file (.pub), or a name in keys/trusted/ (may repeat)"},
    {"policy", 0, "FILE", "a trust policy (C2SP tlog-policy); its quorum must be met"},
    {"checkpoint", 0, "FILE",
     "archive: it must extend this checkpoint, kept elsewhere (may repeat)"},
    {"since", 0, "FILE",
     "archive: signatures that FILE says you have checked are not checked again; FILE is written"},
    {"no-documents", 0, NULL, "archive: do not read the documents"},
    {"document", 0, "FILE",
     "bundle: check this file against the bundle or receipt (may repeat); a proof cannot tell"},
    {"allow-unsealed", 0, NULL, "bundle: a missing seal is no finding"},
    {"report", 0, "FILE.html", "bundle: write a page for a person, to a new file"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_verify = {
    .usage = "[BUNDLE...] [--trust KEY]...",
    .summary = "checks the whole archive, or bundles, offline",
    .paragraphs =
        {
            "Without an argument: the archive, against keys/authority.pub unless --trust says "
            "otherwise. With bundles or receipts (.tar, .tar.gz, .tar.zst) or proofs "
            "(.tlog-proof, .fork-proof): these alone, no archive needed. Nothing is written but "
            "the page of --report and the file of --since.",
            "KEY is a public key, a file (.pub), or the name of one in keys/trusted/ of the "
            "archive that -C names. Get the key from elsewhere than the bundle.",
            "With --since FILE, a check that ends VERIFIED notes in FILE how far it went. The next "
            "one reads and hashes all of it again, entries, records and documents, and rebuilds "
            "the tree; but the signatures that FILE covers, which take most of the time, are not "
            "checked once more. FILE is signed by nobody: keep it in a folder of your own, never "
            "with the archive. One that others could write is refused. Somebody who can forge it "
            "and holds the ledger's key could pass off entries that no archivist signed; so check "
            "without it now and then.",
            "Each of these files is read in a process of its own that has no rights but to read "
            "it (Landlock, seccomp, limits of memory and CPU time). If that process is killed, "
            "for its limits or by a fault, the file could not be checked. -v, --json and "
            "--report say what was in force; so does `vidimus --version`.",
        },
    .examples =
        {
            {"vidimus -C /srv/archive verify --checkpoint kept-elsewhere",
             "the whole archive, and that it goes on from a checkpoint kept elsewhere"},
            {"vidimus -C /srv/archive verify --since ~/.vidimus-checked",
             "every night: what was checked before costs only its hashes"},
            {"vidimus verify evidence.tar.zst --trust authority.pub \\\n    "
             "--report report.html",
             "a bundle, with a page for a person"},
        },
    .options = verify_options,
    .arguments = "file",
};

struct checking {
    struct vdm_cli *cli;
    const struct vdm_args *args;
    struct vdm_anchors anchors;
    struct vdm_given_document *given;
    bool *matched; /* which of them were found, over all bundles; then: was there a bundle? */
    size_t givens;
    struct vdm_items items; /* of the bundle at hand */
    struct vdm_page page;
    bool wants_page;
    struct vdm_pool *pool; /* in the worker */
};

static bool load_anchors(struct checking *k, struct vdm_err *err)
{
    const char *value, *policy = vdm_args_value(k->args, "policy");
    const char *archive = k->cli->path_given ? k->cli->path : NULL;
    for (size_t i = 0; (value = vdm_args_nth(k->args, "trust", i)); i++)
        if (!vdm_anchors_add(&k->anchors, k->cli->crypto, archive, value, err))
            return false;
    return !policy || vdm_anchors_set_policy(&k->anchors, k->cli->crypto, policy, err);
}

/* 1 before 3 before 4: something bad weighs more than something not looked at. */
static int worse(int a, int b)
{
    static const int weight[] = {[VDM_EXIT_DONE] = 0,
                                 [VDM_EXIT_FINDING] = 3,
                                 [VDM_EXIT_USAGE] = 2,
                                 [VDM_EXIT_FAILED] = 2,
                                 [VDM_EXIT_UNTRUSTED] = 1};
    return weight[a] >= weight[b] ? a : b;
}

static bool tell(struct checking *k, const struct vdm_report *r, enum vdm_checked what,
                 const char *name, int *status, struct vdm_err *err)
{
    vdm_progress_end(k->cli);
    *status = worse(*status, vdm_verdict_status(vdm_report_verdict(r)));
    if (r->no_memory || k->items.no_memory)
        return vdm_fail_memory(err);
    if (k->cli->json)
        return vdm_verdict_json(r, what, name, &k->items,
                                what == VDM_CHECKED_ARCHIVE ? NULL : &k->cli->protection, err);
    vdm_verdict_print(k->cli, r, what, name, &k->items);
    return true;
}

/* --- the archive --- */

static bool load_kept(struct checking *k, struct vdm_buf *memory, struct vdm_kept_checkpoint *kept,
                      size_t n, struct vdm_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *path = vdm_args_nth(k->args, "checkpoint", i);
        if (!vdm_file_read(AT_FDCWD, path, VDM_SMALL_FILE_MAX, &memory[i], err))
            return vdm_err_prefix(err, "--checkpoint %s", path);
        kept[i] = (struct vdm_kept_checkpoint){path, vdm_buf_bytes(&memory[i])};
    }
    return true;
}

/* A check that came to a clean and trusted end covers all that it looked at. */
static bool note_verified(const char *path, const struct vdm_report *r, struct vdm_err *err)
{
    if (!path || vdm_report_verdict(r) != VDM_VERIFIED || !r->authority.name[0])
        return true;
    return vdm_since_write(path, r, err) || vdm_err_prefix(err, "--since");
}

static bool verify_archive(struct checking *k, int *status, struct vdm_err *err)
{
    struct vdm_report report;
    struct vdm_verified since;
    bool has_since = false;
    const char *path = vdm_args_value(k->args, "since");
    size_t kepts = 0;
    while (vdm_args_nth(k->args, "checkpoint", kepts))
        kepts++;
    struct vdm_buf *memory = calloc(kepts + 1, sizeof *memory);
    struct vdm_kept_checkpoint *kept = calloc(kepts + 1, sizeof *kept);
    vdm_report_init(&report);
    bool ok = (memory && kept) || vdm_fail_memory(err);
    if (ok && k->anchors.n == 0 && !k->anchors.policy)
        ok = vdm_anchors_add_own(&k->anchors, k->cli->crypto, k->cli->path, err);
    if (ok && path && !vdm_since_read(k->cli->crypto, path, k->cli->path, &since, &has_since, err))
        ok = vdm_err_prefix(err, "--since %s", path);
    struct vdm_verify_options o = {.since = has_since ? &since : NULL,
                                   .trust = k->anchors.key,
                                   .trusts = k->anchors.n,
                                   .policy = k->anchors.policy,
                                   .kept = kept,
                                   .kepts = kepts,
                                   .without_documents = vdm_args_has(k->args, "no-documents")};
    ok = ok && load_kept(k, memory, kept, kepts, err) &&
         vdm_verify_archive(k->cli->crypto, k->cli->path, &o, &k->cli->progress, &report, err) &&
         tell(k, &report, VDM_CHECKED_ARCHIVE, k->cli->path, status, err) &&
         note_verified(path, &report, err);
    for (size_t i = 0; memory && i < kepts; i++)
        vdm_buf_release(&memory[i]);
    free(memory);
    free(kept);
    vdm_report_release(&report);
    return ok;
}

/* --- bundles, proofs, checkpoints --- */

static bool load_documents(struct checking *k, struct vdm_err *err)
{
    size_t n = 0;
    while (vdm_args_nth(k->args, "document", n))
        n++;
    if (!(k->given = calloc(n + 1, sizeof *k->given)) ||
        !(k->matched = calloc(n + 1, sizeof *k->matched)))
        return vdm_fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct vdm_given_document *g = &k->given[i];
        g->name = vdm_args_nth(k->args, "document", i);
        g->fd = -1;
        k->givens = i + 1;
        if (!vdm_query_file(k->cli->crypto, g->name, &g->digest, &g->size, err) ||
            !vdm_file_open(AT_FDCWD, g->name, true, &g->fd, err))
            return vdm_err_prefix(err, "--document");
    }
    return true;
}

static void on_item(void *ctx, const struct vdm_bundle_item *item)
{
    struct checking *k = ctx;
    if (k->wants_page)
        vdm_page_item(&k->page, item);
    vdm_items_add(&k->items, item, k->cli->json);
    if (k->cli->verbose && !k->cli->json) {
        vdm_progress_end(k->cli);
        vdm_item_print(item);
    }
}

/* What a small file is, by its first bytes. */
static enum vdm_checked look(int fd, struct vdm_buf *whole)
{
    uint8_t *p = vdm_buf_grow(whole, VDM_EVIDENCE_MAX + 1);
    size_t got = 0;
    if (!p || !vdm_fd_read(fd, p, VDM_EVIDENCE_MAX + 1, &got, NULL))
        return VDM_CHECKED_BUNDLE;
    whole->n = got;
    struct vdm_bytes b = vdm_buf_bytes(whole), line, rest = b;
    if (got > VDM_EVIDENCE_MAX)
        return VDM_CHECKED_BUNDLE;
    if (vdm_bytes_start_with(b, VDM_LIT("c2sp.org/tlog-proof@")))
        return VDM_CHECKED_PROOF;
    if (vdm_bytes_start_with(b, VDM_LIT(VDM_FORK_PROOF_BEGIN)))
        return VDM_CHECKED_FORK_PROOF;
    bool text = vdm_cut_line(&rest, &line) && line.n > 0 && line.n <= VDM_NAME_MAX &&
                vdm_utf8_valid(b) && !memchr(b.p, 0, b.n);
    return text ? VDM_CHECKED_CHECKPOINT : VDM_CHECKED_BUNDLE;
}

static bool verify_fd(struct checking *k, int fd, const char *name, struct vdm_report *report,
                      enum vdm_checked *what, struct vdm_err *err)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_trust trust = {k->anchors.key, k->anchors.n, k->anchors.policy};
    struct vdm_proved_entry proved = {0};
    *what = look(fd, &whole);
    if (*what == VDM_CHECKED_FORK_PROOF)
        return vdm_verify_fork_proof(k->cli->crypto, vdm_buf_bytes(&whole), &trust, report, err);
    if (*what == VDM_CHECKED_CHECKPOINT)
        return vdm_verify_checkpoint(k->cli->crypto, vdm_buf_bytes(&whole), &trust, report, err);
    if (*what == VDM_CHECKED_PROOF) {
        bool ok =
            vdm_verify_proof(k->cli->crypto, vdm_buf_bytes(&whole), &trust, report, &proved, err);
        vdm_proved_entry_release(&proved);
        return ok;
    }
    if (lseek(fd, 0, SEEK_SET) != 0)
        return vdm_fail_errno(err, "seek");
    struct vdm_bundle_options o = {.trust = trust,
                                   .allow_unsealed = vdm_args_has(k->args, "allow-unsealed"),
                                   .given = k->given,
                                   .givens = k->givens,
                                   .pool = k->pool,
                                   .on_item = on_item,
                                   .ctx = k};
    return vdm_verify_bundle(k->cli->crypto, fd, name, &o, &k->cli->progress, report, err);
}

/* One file, already open. */
struct checked_file {
    struct checking *k;
    const char *name;
    int fd;
    bool last;
};

/* Documents are compared with records, and only bundles hold those. So without a bundle nothing can be
 * said of a document; what is wrong with the file itself comes first. */
static bool check_documents(struct checking *k, enum vdm_checked what, struct vdm_report *r,
                            struct vdm_err *err)
{
    static const char *const holds[] = {
        [VDM_CHECKED_PROOF] =
            "a proof holds an entry, but no document and not the record that says "
            "which document it is",
        [VDM_CHECKED_CHECKPOINT] = "a checkpoint holds no entry and no document",
        [VDM_CHECKED_FORK_PROOF] = "a fork proof holds no entry and no document"};
    enum vdm_verdict alone = vdm_report_verdict(r);
    if (k->matched[k->givens])
        vdm_check_given(k->given, k->givens, r);
    if (k->givens == 0 || k->matched[k->givens] || vdm_verdict_status(alone) == VDM_EXIT_FINDING)
        return true;
    return vdm_fail(err,
                    "%s, so the file of --document cannot be compared with it. By itself, without "
                    "--document, it is %s. To have a document checked, ask whoever sent it for a "
                    "bundle or a receipt",
                    holds[what], vdm_verdict_words(alone));
}

/* In the worker: from the first byte that a stranger wrote to the verdict. */
static bool check_file(void *ctx, struct vdm_cli *cli, int *status, struct vdm_err *err)
{
    struct checked_file *f = ctx;
    struct checking *k = f->k;
    enum vdm_checked what = VDM_CHECKED_BUNDLE;
    struct vdm_report report;
    vdm_report_init(&report);
    report.is_bundle = true;
    bool ok = verify_fd(k, f->fd, f->name, &report, &what, err);
    for (size_t i = 0; i < k->givens; i++)
        k->matched[i] = k->given[i].matched;
    k->matched[k->givens] = k->matched[k->givens] || what == VDM_CHECKED_BUNDLE;
    ok = ok && (!f->last || check_documents(k, what, &report, err)) &&
         tell(k, &report, what, f->name, status, err) &&
         (!k->wants_page ||
          vdm_page_bundle(&k->page, &report, what, f->name, &cli->protection, err));
    vdm_report_release(&report);
    vdm_items_release(&k->items);
    return ok;
}

static void free_numbers(int **p)
{
    free(*p);
}

static bool run_apart(struct checked_file *f, int *status, struct vdm_err *err)
{
    struct checking *k = f->k;
    struct stat st;
    int *keep VDM_CLEANUP(free_numbers) = calloc(k->givens + 3, sizeof *keep);
    if (!keep)
        return vdm_fail_memory(err);
    if (fstat(f->fd, &st) != 0)
        return vdm_fail_errno(err, "size");
    keep[0] = f->fd;
    keep[1] = k->wants_page ? k->page.body : -1;
    keep[2] = k->wants_page ? fileno(k->page.items) : -1;
    for (size_t i = 0; i < k->givens; i++)
        keep[3 + i] = k->given[i].fd;
    const struct vdm_apart a = {.run = check_file,
                                .ctx = f,
                                .keep = keep,
                                .keeps = k->givens + 3,
                                .bytes = (uint64_t)st.st_size,
                                .pool = &k->pool,
                                .flag = k->matched,
                                .flags = k->givens + 1};
    bool ok = vdm_apart_run(k->cli, &a, status, err);
    for (size_t i = 0; i < k->givens; i++)
        k->given[i].matched = k->matched[i];
    return ok;
}

static bool verify_one(struct checking *k, const char *name, bool last, int *status,
                       struct vdm_err *err)
{
    struct checked_file f = {.k = k, .name = name, .fd = -1, .last = last};
    bool ok = (!k->wants_page || vdm_page_begin(&k->page, err)) &&
              vdm_file_open(AT_FDCWD, name, true, &f.fd, err) && run_apart(&f, status, err);
    vdm_fd_close(&f.fd);
    if (!ok && strncmp(err->text, name, strlen(name)) != 0)
        vdm_err_prefix(err, "%s", name);
    return ok;
}

/* What was stopped, or asked for in a wrong way, is no verdict. */
static bool tell_failed(struct checking *k, const char *name, enum vdm_checked what,
                        const struct vdm_err *why, int *status, struct vdm_err *err)
{
    if (why->kind == VDM_ERR_INTERRUPTED || why->kind == VDM_ERR_USAGE)
        return vdm_fail_as(err, why->kind, "%s", why->text);
    vdm_progress_end(k->cli);
    *status = worse(*status, VDM_EXIT_FAILED);
    fprintf(stderr, "vidimus: %s: ", vdm_verdict_words(VDM_COULD_NOT_CHECK));
    vdm_out_str(stderr, why->text);
    fputc('\n', stderr);
    return (!k->cli->json || vdm_verdict_json_failed(name, what, why->text, err)) &&
           (!k->wants_page || vdm_page_failed(&k->page, name, why->text, err));
}

/* Each is looked at, also when one before could not be. */
static bool verify_all(struct checking *k, int *status, struct vdm_err *err)
{
    for (size_t i = 0; i < k->args->rests; i++) {
        struct vdm_err why = {0};
        const char *name = k->args->rest[i];
        if (verify_one(k, name, i + 1 == k->args->rests, status, &why))
            continue;
        if (!tell_failed(k, name, VDM_CHECKED_BUNDLE, &why, status, err))
            return false;
    }
    return true;
}

/* Options that belong to the other kind of check are mistakes, not to be passed over. */
static bool check_options(const struct vdm_args *args, struct vdm_err *err)
{
    if (vdm_args_has(args, "since") && vdm_args_has(args, "no-documents"))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--since is for whole checks, not for --no-documents");
    static const char *const of_archives[] = {"checkpoint", "since", "no-documents", NULL};
    static const char *const of_bundles[] = {"document", "allow-unsealed", "report", NULL};
    for (const char *const *o = args->rests ? of_archives : of_bundles; *o; o++)
        if (vdm_args_has(args, *o))
            return vdm_fail_as(err, VDM_ERR_USAGE, "--%s is for %s", *o,
                               args->rests ? "archives, not for bundles" : "bundles: name one");
    return true;
}

static bool check(struct checking *k, int *status, struct vdm_err *err)
{
    const char *page = vdm_args_value(k->args, "report");
    struct vdm_err why = {0};
    k->wants_page = page != NULL;
    if (!check_options(k->args, err))
        return false;
    if (page && access(page, F_OK) == 0)
        return vdm_fail(err, "--report: %s is there already, and is not written over", page);
    if (!load_anchors(k, err))
        return false;
    if (k->args->rests == 0)
        return verify_archive(k, status, &why) ||
               tell_failed(k, k->cli->path, VDM_CHECKED_ARCHIVE, &why, status, err);
    return load_documents(k, err) && (!page || vdm_page_open(&k->page, err)) &&
           verify_all(k, status, err) && (!page || vdm_page_publish(&k->page, page, err));
}

VDM_COMMAND(verify)
{
    struct checking k = {.cli = cli, .args = args, .page = {.body = -1}};
    bool ok = check(&k, status, err);
    vdm_page_release(&k.page);
    vdm_anchors_release(&k.anchors);
    for (size_t i = 0; i < k.givens; i++)
        vdm_fd_close(&k.given[i].fd);
    free(k.given);
    free(k.matched);
    return ok;
}
