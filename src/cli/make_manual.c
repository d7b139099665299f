/* SPDX-License-Identifier: MIT */
/* make_manual SOURCE OUTPUT: writes manual pages and completions into the folder OUTPUT.
 *
 * Run by the build, not installed. What is written by hand stands in templates of the folder SOURCE; a
 * line `@name@` in one gives way to what is made from the table of commands. */
#include "cli/complete.h"
#include "cli/mdoc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What comes in place of a line of a template. */
struct part {
    const char *line;
    bool (*write)(FILE *to);
};

static const struct part parts[] = {
    {"@commands@\n", vdm_mdoc_commands},
    {"@options@\n", vdm_mdoc_global_options},
    {"@bash@\n", vdm_complete_bash},
    {"@bash-globals@\n", vdm_complete_bash_globals},
    {"@zsh@\n", vdm_complete_zsh},
    {"@zsh-globals@\n", vdm_complete_zsh_globals},
    {"@zsh-commands@\n", vdm_complete_zsh_commands},
    {"@fish@\n", vdm_complete_fish},
};
#define PARTS (sizeof parts / sizeof *parts)

static FILE *open_in(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    FILE *f = NULL;
    errno = ENAMETOOLONG;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path)
        f = fopen(path, mode);
    if (!f)
        fprintf(stderr, "make_manual: %s/%s: %s\n", folder, name, strerror(errno));
    return f;
}

static bool close_written(FILE *f, bool ok, const char *name)
{
    ok = !ferror(f) && ok;
    ok = fclose(f) == 0 && ok;
    if (!ok)
        fprintf(stderr, "make_manual: %s: could not be written\n", name);
    return ok;
}

static bool write_line(FILE *to, const char *line)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(line, parts[i].line) == 0)
            return parts[i].write(to);
    return fputs(line, to) >= 0;
}

/* SOURCE/template becomes OUTPUT/name. */
static bool fill(const char *source, const char *template, const char *output, const char *name)
{
    char line[4096];
    FILE *from = open_in(source, template, "r");
    FILE *to = from ? open_in(output, name, "w") : NULL;
    bool ok = to;
    while (ok && fgets(line, sizeof line, from))
        ok = write_line(to, line);
    ok = ok && !ferror(from);
    if (from)
        fclose(from);
    return to ? close_written(to, ok, name) : false;
}

/* The date of the pages is that of the page written by hand. */
static bool read_date(const char *source, char line[128])
{
    FILE *f = open_in(source, "docs/vidimus.1.in", "r");
    bool found = false;
    while (f && !found && fgets(line, 128, f))
        found = strncmp(line, ".Dd ", 4) == 0;
    if (f)
        fclose(f);
    return found;
}

static bool write_page(const struct vdm_command *c, const char *date, const char *output)
{
    char name[64];
    snprintf(name, sizeof name, "vidimus-%s.1", c->name);
    for (char *p = name; *p; p++)
        *p = *p == ' ' ? '-' : *p;
    FILE *to = open_in(output, name, "w");
    return to && close_written(to, vdm_mdoc_page(to, c, date), name);
}

int main(int argc, char **argv)
{
    char date[128];
    if (argc != 3) {
        fputs("usage: make_manual SOURCE OUTPUT\n", stderr);
        return 2;
    }
    const char *source = argv[1], *output = argv[2];
    bool ok = read_date(source, date) && fill(source, "docs/vidimus.1.in", output, "vidimus.1") &&
              fill(source, "completions/vidimus.bash", output, "vidimus.bash") &&
              fill(source, "completions/_vidimus", output, "_vidimus") &&
              fill(source, "completions/vidimus.fish", output, "vidimus.fish");
    for (const struct vdm_command *c = vdm_commands; ok && c->name; c++)
        ok = write_page(c, date, output);
    return ok ? 0 : 1;
}
