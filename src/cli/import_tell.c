/* SPDX-License-Identifier: MIT */
#include "cli/import_tell.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* --- of one input --- */

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

static void tell_refused(struct vdm_import_telling *t, const struct vdm_input *in)
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

static void tell_problem(struct vdm_import_telling *t, const struct vdm_input *in)
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

void vdm_import_tell(void *ctx, const struct vdm_input *in)
{
    struct vdm_import_telling *t = ctx;
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

/* --- of all --- */

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

/* Of `n`, where there are any: how many, and what of them. */
static void print_count(uint64_t n, const char *one, const char *several, const char *what)
{
    if (n == 0)
        return;
    fputs("  ", stdout);
    vdm_out_count(stdout, n, one, several);
    puts(what);
}

static void print_done(const struct vdm_import_done *d, bool dry, uint64_t ms)
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
    print_count(d->problems, "problem", "problems", " in containers and bags, listed above");
    print_count(d->repaired, "damaged document was", "damaged documents were",
                " replaced by good bytes");
    print_count(d->bundles_untrusted, "bundle is", "bundles are",
                " by a key that is not trusted here   (`vidimus trust` says how)");
    print_count(d->revisits_unresolved, "revisit repeats", "revisits repeat",
                " what is not here: its record is kept in place of the payload");
    print_not_stated(d);
    vdm_out_checkpoint(vdm_buf_bytes(&d->checkpoint));
}

static bool print_json(struct vdm_import_telling *t, const struct vdm_import_done *d, bool dry,
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
    t->refusals = t->problems = NULL;
    vdm_json_set(&o, "dry_run", json_boolean(dry));
    vdm_json_set(&o, "media_types_not_guessed", json_integer((json_int_t)d->unguessed.documents));
    vdm_json_set(&o, "texts_not_extracted", json_integer((json_int_t)d->textless.documents));
    vdm_json_set(&o, "bundles_untrusted", json_integer((json_int_t)d->bundles_untrusted));
    vdm_json_set(&o, "revisits_unresolved", json_integer((json_int_t)d->revisits_unresolved));
    vdm_json_set(&o, "first_entry", recorded ? json_integer((json_int_t)d->first) : json_null());
    vdm_json_set(&o, "last_entry", recorded ? json_integer((json_int_t)d->last) : json_null());
    vdm_json_set(&o, "checkpoint",
                 d->checkpoint.n ? vdm_json_value(vdm_buf_bytes(&d->checkpoint)) : json_null());
    return vdm_json_print(o, err);
}

bool vdm_import_tell_done(struct vdm_import_telling *t, const struct vdm_import_done *d, bool dry,
                          uint64_t ms, struct vdm_err *err)
{
    vdm_progress_end(t->cli);
    warn_unguessed(d);
    warn_textless(d);
    if (t->cli->json)
        return print_json(t, d, dry, err);
    print_done(d, dry, ms);
    return true;
}

/* --- the receipt file --- */

static bool open_receipt(struct vdm_import_telling *t, const char *path, struct vdm_err *err)
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

bool vdm_import_tell_receipt(struct vdm_import_telling *t, struct vdm_err *err)
{
    if (!t->receipt)
        return true;
    bool written = fclose(t->receipt) == 0;
    t->receipt = NULL;
    if (!written)
        return vdm_fail_errno(err, "--receipt");
    return vdm_new_file_publish(&t->file, false, err) || vdm_err_prefix(err, "--receipt");
}

/* --- begin and end --- */

bool vdm_import_tell_open(struct vdm_import_telling *t, struct vdm_cli *cli, const char *receipt,
                          struct vdm_err *err)
{
    *t = (struct vdm_import_telling){.cli = cli, .file = {.dir = -1, .fd = -1}};
    if (!open_receipt(t, receipt, err))
        return false;
    t->refusals = cli->json ? json_array() : NULL;
    t->problems = cli->json ? json_array() : NULL;
    return true;
}

void vdm_import_tell_release(struct vdm_import_telling *t)
{
    if (t->receipt)
        fclose(t->receipt);
    vdm_new_file_discard(&t->file);
    json_decref(t->refusals);
    json_decref(t->problems);
}
