/* SPDX-License-Identifier: MIT */
#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

/* What the value of an option is, in the words of struct vdm_manual's `arguments`; "" is a text. */
static const char *kind_of(const struct vdm_opt *o)
{
    static const char *const kinds[][2] = {{"signer", "own-key"},
                                           {"trust", "trusted-key"},
                                           {"ledger-key", "trusted-key"},
                                           {"role", "role"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(o->name, kinds[i][0]) == 0)
            return kinds[i][1];
    if (strcmp(o->argument, "FOLDER") == 0)
        return "folder";
    return strncmp(o->argument, "FILE", 4) == 0 ? "file" : "";
}

/* Calls for each command with all its options; false: no memory. */
static bool each_command(FILE *to,
                         void (*tell)(FILE *, const struct vdm_command *, const struct vdm_opt *))
{
    for (const struct vdm_command *c = vdm_commands; c->name; c++) {
        struct vdm_opt *options = vdm_command_options(c);
        if (!options)
            return false;
        tell(to, c, options);
        free(options);
    }
    return true;
}

/* The inside of a string in single quotes; `also` is what a backslash goes before. */
static void put_quoted(FILE *to, const char *s, const char *also)
{
    for (; *s; s++) {
        if (strchr(also, *s))
            fputc('\\', to);
        fputs(*s == '\'' ? "'\\''" : (const char[]){*s, 0}, to);
    }
}

/* --- bash --- */

static void put_bash_options(FILE *to, const struct vdm_opt *o)
{
    for (; o->name; o++) {
        const char *equals = o->argument ? "=" : "", *kind = o->argument ? kind_of(o) : "";
        fprintf(to, " --%s%s%s", o->name, equals, kind);
        if (o->letter)
            fprintf(to, " -%c%s%s", o->letter, equals, kind);
    }
}

static void put_bash(FILE *to, const struct vdm_command *c, const struct vdm_opt *options)
{
    fprintf(to, "    '%s')\n        options+='", c->name);
    put_bash_options(to, options);
    fprintf(to, "'\n        arguments='%s'\n        ;;\n",
            c->manual->arguments ? c->manual->arguments : "");
}

bool vdm_complete_bash(FILE *to)
{
    return each_command(to, put_bash);
}

bool vdm_complete_bash_globals(FILE *to)
{
    fputs("    options='", to);
    put_bash_options(to, vdm_global_options);
    fputs("'\n    commands='", to);
    for (const struct vdm_command *c = vdm_commands; c->name; c++)
        fprintf(to, "%s%s", c == vdm_commands ? "" : ",", c->name);
    fputs("'\n", to);
    return true;
}

/* --- zsh --- */

static void put_zsh_option(FILE *to, const char *dashes, const char *name, const struct vdm_opt *o)
{
    fprintf(to, "            '*%s%s%s[", dashes, name, !o->argument ? "" : dashes[1] ? "=" : "+");
    put_quoted(to, o->help, "[]:\\");
    fputs("]", to);
    if (o->argument) {
        fputs(":", to);
        put_quoted(to, o->argument, "[]:\\");
        fprintf(to, ": _vidimus_value %s", kind_of(o));
    }
    fputs("'\n", to);
}

static void put_zsh_options(FILE *to, const struct vdm_opt *o)
{
    for (; o->name; o++) {
        put_zsh_option(to, "--", o->name, o);
        if (o->letter)
            put_zsh_option(to, "-", (const char[]){o->letter, 0}, o);
    }
}

static void put_zsh(FILE *to, const struct vdm_command *c, const struct vdm_opt *options)
{
    fprintf(to, "        '%s')\n            specs=(\n", c->name);
    put_zsh_options(to, options);
    if (c->manual->arguments)
        fprintf(to, "            '*:argument: _vidimus_value %s'\n", c->manual->arguments);
    fputs("            )\n            ;;\n", to);
}

bool vdm_complete_zsh(FILE *to)
{
    return each_command(to, put_zsh);
}

bool vdm_complete_zsh_globals(FILE *to)
{
    put_zsh_options(to, vdm_global_options);
    return true;
}

bool vdm_complete_zsh_commands(FILE *to)
{
    for (const struct vdm_command *c = vdm_commands; c->name; c++) {
        fprintf(to, "        '%s:", c->name);
        put_quoted(to, c->manual->summary, "");
        fputs("'\n", to);
    }
    return true;
}

/* --- fish --- */

static void put_fish_options(FILE *to, const char *condition, const struct vdm_opt *o)
{
    for (; o->name; o++) {
        fprintf(to, "complete -c vidimus%s -l %s", condition, o->name);
        if (o->letter)
            fprintf(to, " -s %c", o->letter);
        if (o->argument)
            fputs(" -x", to);
        if (o->argument && *kind_of(o))
            fprintf(to, " -a '(__vidimus_values %s)'", kind_of(o));
        fputs(" -d '", to);
        for (const char *s = o->help; *s; s++)
            fprintf(to, "%s%c", strchr("'\\", *s) ? "\\" : "", *s);
        fputs("'\n", to);
    }
}

static void put_fish(FILE *to, const struct vdm_command *c, const struct vdm_opt *options)
{
    char condition[64];
    const char *second = strchr(c->name, ' ');
    int first = (int)strcspn(c->name, " ");
    fprintf(to, "complete -c vidimus -n '__vidimus_is %s%.*s' -a %s -d '", second ? "" : "\"\"",
            second ? first : 0, c->name, second ? second + 1 : c->name);
    for (const char *s = c->manual->summary; *s; s++)
        fprintf(to, "%s%c", *s == '\'' ? "\\" : "", *s);
    fputs("'\n", to);
    snprintf(condition, sizeof condition, " -n '__vidimus_is %s'", c->name);
    if (c->manual->arguments)
        fprintf(to, "complete -c vidimus%s -a '(__vidimus_values %s)'\n", condition,
                c->manual->arguments);
    put_fish_options(to, condition, options);
}

bool vdm_complete_fish(FILE *to)
{
    put_fish_options(to, "", vdm_global_options);
    return each_command(to, put_fish);
}
