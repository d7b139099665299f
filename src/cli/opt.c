/* SPDX-License-Identifier: MIT */
#include "cli/opt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void vdm_args_release(struct vdm_args *a)
{
    free(a->given);
    free(a->rest);
    *a = (struct vdm_args){0};
}

static const struct vdm_opt *find_long(const struct vdm_opt *opts, const char *name, size_t n)
{
    for (; opts && opts->name; opts++)
        if (strlen(opts->name) == n && memcmp(opts->name, name, n) == 0)
            return opts;
    return NULL;
}

static const struct vdm_opt *find_letter(const struct vdm_opt *opts, char letter)
{
    for (; opts && opts->name; opts++)
        if (opts->letter && opts->letter == letter)
            return opts;
    return NULL;
}

struct parse {
    struct vdm_args *out;
    int argc, at;
    char **argv;
    const struct vdm_opt *globals, *own;
};

static void give(struct parse *p, const struct vdm_opt *opt, const char *value)
{
    p->out->given[p->out->givens++] = (struct vdm_given){opt, value};
}

/* The value stands behind `=`, or is the next argument. */
static bool give_value(struct parse *p, const struct vdm_opt *opt, const char *attached,
                       struct vdm_err *err)
{
    if (!opt->argument && attached)
        return vdm_fail_as(err, VDM_ERR_USAGE, "--%s takes no value", opt->name);
    if (opt->argument && !attached) {
        if (p->at + 1 >= p->argc)
            return vdm_fail_as(err, VDM_ERR_USAGE, "--%s needs a value: %s", opt->name,
                               opt->argument);
        attached = p->argv[++p->at];
    }
    give(p, opt, attached);
    return true;
}

static bool take_long(struct parse *p, const char *word, struct vdm_err *err)
{
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const struct vdm_opt *opt = find_long(p->own, word, n);
    if (!opt)
        opt = find_long(p->globals, word, n);
    if (!opt)
        return vdm_fail_as(err, VDM_ERR_USAGE, "unknown option --%.*s", (int)n, word);
    return give_value(p, opt, equals ? equals + 1 : NULL, err);
}

static bool take_letters(struct parse *p, const char *word, struct vdm_err *err)
{
    for (; *word; word++) {
        const struct vdm_opt *opt = find_letter(p->own, *word);
        if (!opt)
            opt = find_letter(p->globals, *word);
        if (!opt)
            return vdm_fail_as(err, VDM_ERR_USAGE, "unknown option -%c", *word);
        if (opt->argument)
            return give_value(p, opt, word[1] ? word + 1 : NULL, err);
        give(p, opt, NULL);
    }
    return true;
}

static bool take_all(struct parse *p, bool stop_at_word, struct vdm_err *err)
{
    bool words_only = false;
    for (p->at = 1; p->at < p->argc; p->at++) {
        const char *word = p->argv[p->at];
        if (words_only || word[0] != '-' || word[1] == 0) {
            p->out->rest[p->out->rests++] = word;
            words_only = words_only || stop_at_word;
        } else if (strcmp(word, "--") == 0) {
            words_only = true;
        } else if (word[1] == '-' ? !take_long(p, word + 2, err)
                                  : !take_letters(p, word + 1, err)) {
            return false;
        }
    }
    return true;
}

bool vdm_args_parse(struct vdm_args *out, int argc, char **argv, const struct vdm_opt *globals,
                    const struct vdm_opt *own, bool stop_at_word, struct vdm_err *err)
{
    size_t letters = 1; /* no argument gives more options than it has characters */
    for (int i = 1; i < argc; i++)
        letters += strlen(argv[i]) + 1;
    struct vdm_args a = {calloc(letters, sizeof *a.given), 0,
                         calloc((size_t)argc + 1, sizeof *a.rest), 0};
    struct parse p = {&a, argc, 1, argv, globals, own};
    bool ok = (a.given && a.rest) || vdm_fail_memory(err);
    if (ok && take_all(&p, stop_at_word, err)) {
        *out = a;
        return true;
    }
    vdm_args_release(&a);
    return false;
}

const char *vdm_args_nth(const struct vdm_args *a, const char *name, size_t k)
{
    for (size_t i = 0; i < a->givens; i++)
        if (strcmp(a->given[i].opt->name, name) == 0 && k-- == 0)
            return a->given[i].value ? a->given[i].value : "";
    return NULL;
}

bool vdm_args_has(const struct vdm_args *a, const char *name)
{
    return vdm_args_nth(a, name, 0) != NULL;
}

const char *vdm_args_value(const struct vdm_args *a, const char *name)
{
    const char *last = NULL, *next;
    for (size_t k = 0; (next = vdm_args_nth(a, name, k)); k++)
        last = next;
    return last;
}
