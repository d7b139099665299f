/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <string.h>

#define WIDTH         80
#define OPTION_COLUMN 35
#define NAME_COLUMN   17

/* Words of `text`, written from column `at` on; further lines begin at column `indent`. */
static void fill(FILE *to, const char *text, size_t at, size_t indent)
{
    bool first = true;
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t n = strcspn(text, " ");
        if (!first && at + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        fprintf(to, "%s%.*s", first ? "" : " ", (int)n, text);
        at += n + (first ? 0 : 1);
        first = false;
        text += n;
    }
    fputc('\n', to);
}

/* `left`, and at a column of its own what it is. */
static void print_pair(FILE *to, const char *left, size_t column, const char *right)
{
    size_t n = strlen(left);
    if (n >= column)
        fprintf(to, "%s\n%*s", left, (int)column, "");
    else
        fprintf(to, "%-*s", (int)column, left);
    fill(to, right, column, column);
}

static void print_options(FILE *to, const struct vdm_opt *opts)
{
    for (; opts && opts->name; opts++) {
        char letter[] = "-x, ", left[64];
        letter[1] = opts->letter;
        snprintf(left, sizeof left, "  %s--%s%s%s", opts->letter ? letter : "    ", opts->name,
                 opts->argument ? " " : "", opts->argument ? opts->argument : "");
        print_pair(to, left, OPTION_COLUMN, opts->help);
    }
}

void vdm_help_print_line(FILE *to, const struct vdm_command *c)
{
    char left[64];
    snprintf(left, sizeof left, "  %s", c->name);
    print_pair(to, left, NAME_COLUMN, c->manual->summary);
}

void vdm_help_print(FILE *to)
{
    const char *group = "";
    fputs("vidimus keeps statements so that anybody can check later what was kept, and when.\n\n"
          "usage: vidimus [-C ARCHIVE] [options] COMMAND ...\n",
          to);
    for (const struct vdm_command *c = vdm_commands; c->name; c++) {
        if (strcmp(group, c->group) != 0)
            fprintf(to, "\n%s\n", c->group);
        group = c->group;
        vdm_help_print_line(to, c);
    }
    fputs("\noptions\n", to);
    print_options(to, vdm_global_options);
    fputs("\nvidimus COMMAND --help tells more, with an example.\n", to);
}

const char *vdm_exit_meaning(int status)
{
    static const char *const meanings[] = {
        [VDM_EXIT_DONE] = "done; of a check: everything is good",
        [VDM_EXIT_FINDING] = "a finding, or some inputs were refused while the rest was done",
        [VDM_EXIT_USAGE] = "the command line is wrong",
        [VDM_EXIT_FAILED] = "it could not be done",
        [VDM_EXIT_UNTRUSTED] = "intact, but no trusted key vouches for it",
    };
    return meanings[status];
}

static void print_examples(const struct vdm_manual *m)
{
    puts(m->examples[1].command ? "\nexamples:" : "\nexample:");
    for (size_t i = 0; i < VDM_EXAMPLES && m->examples[i].command; i++) {
        const char *rest = m->examples[i].command;
        printf("  # ");
        fill(stdout, m->examples[i].purpose, 4, 4);
        while (*rest) {
            size_t n = strcspn(rest, "\n");
            printf("  %.*s\n", (int)n, rest);
            rest += n + (rest[n] == '\n');
        }
    }
}

void vdm_help_print_command(const struct vdm_command *c, const struct vdm_opt *options)
{
    const struct vdm_manual *m = c->manual;
    printf("vidimus %s: ", c->name);
    fill(stdout, m->summary, 10 + strlen(c->name), 4);
    printf("\nusage: vidimus [-C ARCHIVE] %s ", c->name);
    fill(stdout, m->usage, 29 + strlen(c->name), 11);
    for (size_t i = 0; i < VDM_PARAGRAPHS && m->paragraphs[i]; i++) {
        puts("");
        fill(stdout, m->paragraphs[i], 0, 0);
    }
    print_examples(m);
    if (options->name)
        puts("\noptions");
    print_options(stdout, options);
    puts("\noptions of every command");
    print_options(stdout, vdm_global_options);
    puts("\nexit status");
    for (int status = VDM_EXIT_DONE; status <= VDM_EXIT_UNTRUSTED; status++)
        printf("  %d  %s\n", status, vdm_exit_meaning(status));
}
