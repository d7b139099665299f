/* SPDX-License-Identifier: MIT */
/* Only this file exits, and only src/cli prints. */
#include "cli/apart.h"
#include "ops/doubt.h"
#include "ops/recover.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_error(const struct vdm_err *err)
{
    fputs("vidimus: ", stderr);
    vdm_out_str(stderr, err->text);
    fputc('\n', stderr);
}

static int status_of(const struct vdm_err *err)
{
    return err->kind == VDM_ERR_USAGE ? VDM_EXIT_USAGE : VDM_EXIT_FAILED;
}

static bool print_version(struct vdm_err *err)
{
    struct vdm_crypto *c VDM_CLEANUP(vdm_crypto_cleanup) = NULL;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    const struct vdm_worker_limits limits = vdm_apart_limits(0);
    struct vdm_protection p;
    if (!vdm_crypto_open(&c, err) || !vdm_protection_probe(&p, &limits, err))
        return false;
    vdm_crypto_describe(&text);
    vdm_buf_puts(&text, "\nforeign bytes are parsed under ");
    vdm_protection_describe(&p, &text);
    printf("vidimus " VDM_VERSION "\n%.*s\n", (int)text.n, (const char *)text.p);
    return true;
}

/* Does `first` (and `second`, which may be NULL) name it? *words says how many of the two did. */
static bool is_named(const struct vdm_command *c, const char *first, const char *second, int *words)
{
    size_t n = strlen(first);
    if (strncmp(c->name, first, n) != 0)
        return false;
    *words = c->name[n] == 0 ? 1 : 2;
    return *words == 1 || (c->name[n] == ' ' && second && strcmp(c->name + n + 1, second) == 0);
}

static const struct vdm_command *find_command(const char *first, const char *second, int *words)
{
    for (const struct vdm_command *c = vdm_commands; c->name; c++)
        if (is_named(c, first, second, words))
            return c;
    return NULL;
}

/* `key` alone names no command but begins several. */
static bool is_first_word(const struct vdm_command *c, const char *first)
{
    size_t n = strlen(first);
    return strncmp(c->name, first, n) == 0 && c->name[n] == ' ';
}

static bool no_such_command(const char *first, struct vdm_err *err)
{
    char words[200] = "";
    for (const struct vdm_command *c = vdm_commands; c->name; c++)
        if (is_first_word(c, first))
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s",
                     words[0] ? ", " : "", c->name + strlen(first) + 1);
    if (words[0])
        return vdm_fail_as(err, VDM_ERR_USAGE, "after `%s` comes one of: %s", first, words);
    return vdm_fail_as(err, VDM_ERR_USAGE, "no such command: %s (vidimus --help lists them)",
                       first);
}

/* Is there help to give for `key --help`? Then it is given. */
static bool print_help_for_first_word(const char *first, const char *second)
{
    bool any = false;
    if (!second || (strcmp(second, "--help") != 0 && strcmp(second, "-h") != 0))
        return false;
    for (const struct vdm_command *c = vdm_commands; c->name; c++)
        if (is_first_word(c, first)) {
            any = true;
            vdm_help_print_line(stdout, c);
        }
    if (any)
        printf("\nvidimus %s WORD --help tells more, with an example.\n", first);
    return any;
}

/* --- what a command needs --- */

struct passphrase_file {
    const char *path; /* NULL: ask */
};

static bool get_passphrase(void *ctx, const char *key_name, struct vdm_secret *out,
                           struct vdm_err *err)
{
    const struct passphrase_file *file = ctx;
    if (file->path)
        return vdm_passphrase_read(out, AT_FDCWD, file->path, err);
    return vdm_passphrase_ask(out, key_name, false, err);
}

static void tell_waiting(void *ctx, const char *holder)
{
    struct vdm_cli *cli = ctx;
    if (cli->quiet)
        return;
    vdm_progress_end(cli);
    fputs("vidimus: waiting for ", stderr);
    vdm_out_str(stderr, holder);
    fputs(", to finish writing\n", stderr);
}

static bool waits_no_longer(void *ctx)
{
    return vdm_progress_stop(&((struct vdm_cli *)ctx)->progress);
}

static void tell_doubt(struct vdm_cli *cli, const struct vdm_doubt *d)
{
    if (d->documents == 0)
        vdm_cli_say(cli, "vidimus: an earlier write failed; the whole archive was verified and is "
                         "good\n");
    else /* not to be missed, even with --quiet */
        fprintf(stderr,
                "vidimus: an earlier write failed; the whole archive was verified: documents are "
                "missing or damaged (%llu), all else is good. `vidimus verify` names them; import "
                "a good copy of each, which mends it\n",
                (unsigned long long)d->documents);
}

/* After a write that failed the whole archive is verified. */
static bool settle_doubt(struct vdm_cli *cli, struct vdm_err *err)
{
    struct vdm_doubt d;
    bool ok = vdm_doubt_settle(cli->archive, &cli->progress, &d, err);
    vdm_progress_end(cli);
    if (ok && d.verified)
        tell_doubt(cli, &d);
    return ok;
}

static const char *signer_file(const struct vdm_args *args, bool audits)
{
    const char *given = vdm_args_value(args, audits ? "auditor-key" : "signer-key");
    const char *own = getenv(audits ? "VIDIMUS_AUDITOR_KEY" : "VIDIMUS_SIGNER_KEY");
    return given ? given : own && *own ? own : NULL;
}

static bool open_needs(struct vdm_cli *cli, unsigned needs, const struct vdm_args *args,
                       struct vdm_err *err)
{
    unsigned keys = (needs & VDM_NEEDS_SIGNER ? VDM_USE_SIGNER : 0) |
                    (needs & VDM_NEEDS_AUDITOR ? VDM_USE_AUDITOR : 0) |
                    (needs & VDM_NEEDS_LEDGER ? VDM_USE_LEDGER : 0) |
                    (needs & VDM_NEEDS_AUTHORITY ? VDM_USE_AUTHORITY : 0);
    bool audits = needs & VDM_NEEDS_AUDITOR;
    if (!vdm_crypto_open(&cli->crypto, err))
        return false;
    if (needs & (VDM_NEEDS_READ | VDM_NEEDS_WRITE)) {
        enum vdm_archive_mode mode = needs & VDM_NEEDS_WRITE ? VDM_ARCHIVE_WRITE : VDM_ARCHIVE_READ;
        if (!vdm_archive_open(&cli->archive, cli->crypto, cli->path, mode, err))
            return false;
        cli->archive->wait = (struct vdm_ledger_wait){tell_waiting, waits_no_longer, cli};
        if (mode == VDM_ARCHIVE_WRITE && !settle_doubt(cli, err))
            return false;
        /* Rolled back or forked: told before anybody is asked for a passphrase. */
        bool guarded =
            mode == VDM_ARCHIVE_WRITE && keys && !audits; /* an audit tells it as a finding */
        if (guarded && !vdm_guard_allows(cli->archive, err))
            return false;
    }
    cli->unlock = (struct vdm_unlock){.keys = keys,
                                      .signer = vdm_args_value(args, audits ? "auditor" : "signer"),
                                      .signer_file = signer_file(args, audits),
                                      .authority_file = vdm_args_value(args, "authority-key")};
    if (cli->command->plan && !cli->command->plan(cli, args, err))
        return false;
    return !keys || vdm_unlock(cli->archive, &cli->unlock, &cli->passphrases, &cli->signers, err);
}

static void close_needs(struct vdm_cli *cli)
{
    vdm_progress_end(cli);
    vdm_signers_release(&cli->signers);
    vdm_passphrases_release(&cli->passphrases);
    vdm_buf_release(&cli->memory);
    vdm_takedown_release(&cli->takedown);
    free(cli->ledger_was);
    vdm_archive_close(cli->archive);
    vdm_crypto_close(cli->crypto);
}

/* What of its needs a command has with these arguments. */
static unsigned needs_of(const struct vdm_command *c, const struct vdm_args *args)
{
    unsigned needs = c->needs_with ? c->needs_with(args) : c->needs;
    unsigned allowed = c->needs | (c->needs & VDM_NEEDS_WRITE ? VDM_NEEDS_READ : 0);
    assert(!(needs & ~allowed));
    return needs;
}

static bool check_count(const struct vdm_command *c, const struct vdm_args *args,
                        struct vdm_err *err)
{
    if (args->rests < c->least)
        return vdm_fail_as(err, VDM_ERR_USAGE, "usage: vidimus %s %s", c->name, c->manual->usage);
    if (args->rests > c->most)
        return vdm_fail_as(err, VDM_ERR_USAGE, "too many arguments: %s (usage: vidimus %s %s)",
                           args->rest[c->most], c->name, c->manual->usage);
    return true;
}

/* What was printed into a full disk or a closed pipe was not told. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "vidimus: standard output: %s\n", strerror(errno));
    return status == VDM_EXIT_DONE ? VDM_EXIT_FAILED : status;
}

static int run_command(const struct vdm_command *c, const struct vdm_args *args)
{
    const char *from_environment = getenv("VIDIMUS_ARCHIVE");
    const char *given = vdm_args_value(args, "archive");
    struct passphrase_file file = {vdm_args_value(args, "passphrase-file")};
    struct vdm_err err = {0};
    int status = VDM_EXIT_DONE;
    struct vdm_cli cli = {
        .command = c,
        .path = given                                   ? given
                : from_environment && *from_environment ? from_environment
                                                        : ".",
        .path_given = given || (from_environment && *from_environment),
        .json = vdm_args_has(args, "json"),
        .quiet = vdm_args_has(args, "quiet"),
        .verbose = vdm_args_has(args, "verbose"),
        .colours = vdm_out_has_colours(stdout),
        .passphrases = {get_passphrase, &file, file.path ? 1 : VDM_PASSPHRASE_TRIES, {0}},
    };
    vdm_progress_start(&cli, !cli.quiet && !cli.json && !vdm_args_has(args, "no-progress"));
    bool ok = check_count(c, args, &err) && open_needs(&cli, needs_of(c, args), args, &err);
    ok = ok && c->run(&cli, args, &status, &err);
    vdm_progress_end(&cli);
    if (!ok && err.kind != VDM_ERR_NONE) {
        print_error(&err);
        status = status_of(&err);
    }
    close_needs(&cli);
    return ok ? finish_output(status) : status;
}

static void take_out(int *argc, char **argv, const char *first, int words)
{
    int at = 1;
    while (argv[at] != first)
        at++;
    memmove(argv + at, argv + at + words, (size_t)(*argc - at - words + 1) * sizeof *argv);
    *argc -= words;
}

/* The command is the first argument that is no global option and no such option's value; if it has
 * two words, with the one behind it. Its words are taken out of argv, so that options before and after
 * them are parsed alike. */
static const struct vdm_command *choose(int *argc, char **argv, struct vdm_err *err)
{
    struct vdm_args before = {0};
    if (!vdm_args_parse(&before, *argc, argv, vdm_global_options, NULL, true, err))
        return NULL;
    const struct vdm_command *c = NULL;
    const char *second = before.rests > 1 ? before.rest[1] : NULL;
    int words = 0;
    if (vdm_args_has(&before, "version")) {
        print_version(err);
    } else if (vdm_args_has(&before, "help") || before.rests == 0) {
        vdm_help_print(before.rests == 0 && before.givens == 0 ? stderr : stdout);
        if (before.rests == 0 && !vdm_args_has(&before, "help"))
            err->kind = VDM_ERR_USAGE;
    } else if (!(c = find_command(before.rest[0], second, &words)) &&
               !print_help_for_first_word(before.rest[0], second)) {
        no_such_command(before.rest[0], err);
    }
    if (c)
        take_out(argc, argv, before.rest[0], words);
    vdm_args_release(&before);
    return c;
}

/* A file that is opened must not become descriptor 0, 1 or 2 where the caller has closed these: it
 * would be read as input or printed into. What is put there gives an error for such use, as before. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* A file that outgrows `ulimit -f` is an error of that write (EFBIG), as a full disk is. */
static void refuse_no_size(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
    struct vdm_err err = {0};
    struct vdm_args args = {0};
    hold_standard_descriptors();
    refuse_no_size();
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct vdm_command *c = choose(&argc, argv, &err);
    if (!c) {
        if (err.text[0])
            print_error(&err);
        return err.kind == VDM_ERR_NONE ? VDM_EXIT_DONE : status_of(&err);
    }
    struct vdm_opt *options = vdm_command_options(c);
    int status = VDM_EXIT_FAILED;
    if (!options)
        (void)!vdm_fail_memory(&err);
    if (options && vdm_args_parse(&args, argc, argv, vdm_global_options, options, false, &err)) {
        if (vdm_args_has(&args, "help"))
            vdm_help_print_command(c, options), status = VDM_EXIT_DONE;
        else
            status = run_command(c, &args);
    } else {
        print_error(&err);
        status = status_of(&err);
    }
    vdm_args_release(&args);
    free(options);
    return status;
}
