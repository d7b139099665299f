/* SPDX-License-Identifier: MIT */
#include "cli/mdoc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH        78
#define SEE_ALSO_MAX 16 /* at most so many other commands are named */

/* --- words --- */

/* A word that is typed as it stands: nothing in it becomes a macro, a dash or a typographic quote. */
static void put_literal(FILE *to, const char *s, size_t n)
{
    bool may_be_macro = n <= 3 && isupper((unsigned char)s[0]);
    if (n == 1 || s[0] == '.' || may_be_macro)
        fputs("\\&", to);
    for (size_t i = 0; i < n; i++)
        switch (s[i]) {
        case '\\':
            fputs("\\e", to);
            break;
        case '-':
            fputs("\\-", to);
            break;
        case '\'':
            fputs("\\(aq", to);
            break;
        case '"':
            fputs("\\(dq", to);
            break;
        case '~':
            fputs("\\(ti", to);
            break;
        default:
            fputc(s[i], to);
        }
}

/* Several, as arguments of one macro. */
static void put_literals(FILE *to, const char *s, size_t n)
{
    for (const char *end = s + n; s < end;) {
        size_t k = 0;
        while (s + k < end && s[k] != ' ')
            k++;
        fputc(' ', to);
        put_literal(to, s, k);
        s += k + (s + k < end);
    }
}

/* A word of a sentence. */
static void put_plain(FILE *to, const char *s, size_t n)
{
    if (s[0] == '.' || s[0] == '\'')
        fputs("\\&", to);
    if (n == 1 && s[0] == '-')
        fputs("\\-", to);
    else
        for (size_t i = 0; i < n; i++)
            fputs(s[i] == '\\' ? "\\e" : (const char[]){s[i], 0}, to);
}

/* Does WORD stand in the usage, as what the user puts in its place? */
static bool is_value(const char *usage, const char *word, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (n == 0 || strspn(word, letters) < n)
        return false;
    for (const char *p = usage + strcspn(usage, letters); *p; p += strcspn(p, letters)) {
        size_t k = strspn(p, letters);
        if (k == n && memcmp(p, word, n) == 0)
            return true;
        p += k;
    }
    return false;
}

/* --- sentences --- */

struct filling {
    FILE *to;
    const char *usage;
    size_t at; /* column; 0: a new line */
};

static void end_line(struct filling *f)
{
    if (f->at)
        fputc('\n', f->to);
    f->at = 0;
}

/* A line `.Fl \-output ,`: punctuation around the word stands apart from it. */
static void put_macro(struct filling *f, const char *macro, struct vdm_bytes whole,
                      struct vdm_bytes core)
{
    const char *all = (const char *)whole.p, *word = (const char *)core.p;
    end_line(f);
    fprintf(f->to, ".%s", macro);
    if (all[0] == '(')
        fputs(" (", f->to);
    put_literals(f->to, word, core.n);
    for (const char *p = word + core.n; p < all + whole.n; p++)
        if (*p != '`')
            fprintf(f->to, " %c", *p);
    fputc('\n', f->to);
}

/* A sentence ends its line, as mdoc has it. */
static void put_text(struct filling *f, const char *s, size_t n)
{
    size_t last = n;
    while (last > 1 && strchr(")\"", s[last - 1]))
        last--;
    if (f->at && f->at + 1 + n > WIDTH)
        end_line(f);
    if (f->at)
        fputc(' ', f->to);
    put_plain(f->to, s, n);
    f->at += n + 1;
    if (strchr(".?!:", s[last - 1]))
        end_line(f);
}

/* One word, or what stands between backticks, with the punctuation around it. */
static size_t next_piece(const char *s)
{
    size_t n = strcspn(s, " `");
    if (s[n] == '`')
        n += 1 + strcspn(s + n + 1, "`");
    return n + strcspn(s + n, " ");
}

static void put_piece(struct filling *f, const char *s, size_t n)
{
    size_t from = strspn(s, "("), to = n;
    const struct vdm_bytes whole = {(const uint8_t *)s, n};
    bool code = s[from] == '`';
    while (to > from && strchr(code ? ").,;:?" : "().,;:?", s[to - 1]))
        to--;
    struct vdm_bytes core = {(const uint8_t *)s + from, to - from};
    if (code)
        put_macro(f, "Ql", whole, (struct vdm_bytes){core.p + 1, core.n - 2});
    else if (core.n > 1 && s[from] == '-')
        put_macro(f, "Fl", whole, (struct vdm_bytes){core.p + 1, core.n - 1});
    else if (is_value(f->usage, s + from, core.n))
        put_macro(f, "Ar", whole, core);
    else
        put_text(f, s, n);
}

static void put_sentences(FILE *to, const char *s, const char *usage)
{
    struct filling f = {to, usage, 0};
    for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
        size_t n = next_piece(s);
        put_piece(&f, s, n);
        s += n;
    }
    end_line(&f);
}

/* One line that says what something is: as a sentence. */
static bool put_line(FILE *to, const char *s, const char *usage)
{
    size_t n = strlen(s);
    char *line = malloc(n + 2);
    if (!line)
        return false;
    snprintf(line, n + 2, "%s%s", s, n && strchr(".?", s[n - 1]) ? "" : ".");
    if (islower((unsigned char)line[0]) && (islower((unsigned char)line[1]) || line[1] == ' '))
        line[0] = (char)toupper((unsigned char)line[0]);
    put_sentences(to, line, usage);
    free(line);
    return true;
}

/* --- parts of a page --- */

static void put_usage_word(FILE *to, const char *s, size_t n)
{
    bool repeated = n > 3 && memcmp(s + n - 3, "...", 3) == 0;
    bool value = isupper((unsigned char)s[0]) || isdigit((unsigned char)s[0]) || memchr(s, ':', n);
    if (n == 3 && s[0] == '.') {
        fputs("\\&...\n", to);
        return;
    }
    bool option = s[0] == '-';
    fprintf(to, ".%s ", option ? "Fl" : value ? "Ar" : "Cm");
    put_literal(to, s + option, n - option - (repeated ? 3 : 0));
    fputs(repeated ? " ...\n" : "\n", to);
}

/* `[--trust KEY]... a|b`, a macro a line. */
static void put_usage(FILE *to, const char *usage)
{
    for (const char *p = usage; *p;) {
        size_t n = strcspn(p, " []|");
        if (n) {
            put_usage_word(to, p, n);
            p += n;
        } else if (*p == ']' && strncmp(p, "]...", 4) == 0) {
            fputs(".Oc Ns ...\n", to);
            p += 4;
        } else {
            fputs(*p == '[' ? ".Oo\n" : *p == ']' ? ".Oc\n" : *p == '|' ? "|\n" : "", to);
            p++;
        }
    }
}

/* `key list` is told in vidimus-key-list(1). */
static void put_page_name(FILE *to, const struct vdm_command *c, const char *end)
{
    fputs("vidimus-", to);
    for (const char *p = c->name; *p; p++)
        fputc(*p == ' ' ? '-' : *p, to);
    fputs(end, to);
}

static bool put_options(FILE *to, const struct vdm_opt *opts, const char *usage)
{
    bool ok = true;
    fputs(".Bl -tag -width Ds\n", to);
    for (; opts->name && ok; opts++) {
        fputs(".It ", to);
        if (opts->letter)
            fprintf(to, "Fl %c , ", opts->letter);
        fputs("Fl \\-", to);
        put_literal(to, opts->name, strlen(opts->name));
        if (opts->argument) {
            fputs(" Ar ", to);
            put_literal(to, opts->argument, strlen(opts->argument));
        }
        fputc('\n', to);
        ok = put_line(to, opts->help, usage);
    }
    fputs(".El\n", to);
    return ok;
}

static bool put_examples(FILE *to, const struct vdm_manual *m)
{
    fputs(".Sh EXAMPLES\n", to);
    for (size_t i = 0; i < VDM_EXAMPLES && m->examples[i].command; i++) {
        if (i)
            fputs(".Pp\n", to);
        if (!put_line(to, m->examples[i].purpose, ""))
            return false;
        fputs(".Bd -literal -offset indent\n", to);
        for (const char *p = m->examples[i].command; *p;) {
            size_t n = strcspn(p, "\n");
            put_literal(to, p, n);
            fputc('\n', to);
            p += n + (p[n] == '\n');
        }
        fputs(".Ed\n", to);
    }
    return true;
}

/* Does what is told about `c` name the command `other`, as `vidimus other`? */
static bool names(const struct vdm_manual *m, const struct vdm_command *other)
{
    char words[64];
    size_t n = (size_t)snprintf(words, sizeof words, "vidimus %s", other->name);
    const char *texts[VDM_PARAGRAPHS + VDM_EXAMPLES];
    size_t count = 0;
    for (size_t i = 0; i < VDM_PARAGRAPHS; i++)
        texts[count++] = m->paragraphs[i];
    for (size_t i = 0; i < VDM_EXAMPLES; i++)
        texts[count++] = m->examples[i].command;
    for (size_t i = 0; i < count; i++) {
        const char *at = texts[i] ? strstr(texts[i], words) : NULL;
        if (at && strchr(" `", at[n]))
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct vdm_command *const *)a)->name,
                  (*(const struct vdm_command *const *)b)->name);
}

/* In the order of the alphabet; the pages of section 5 come last. */
static void put_see_also(FILE *to, const struct vdm_command *c)
{
    const struct vdm_command *named[SEE_ALSO_MAX];
    size_t n = 0;
    for (const struct vdm_command *o = vdm_commands; o->name && n < SEE_ALSO_MAX; o++)
        if (o != c && names(c->manual, o))
            named[n++] = o;
    qsort(named, n, sizeof *named, by_name);
    fputs(".Sh SEE ALSO\n.Xr vidimus 1 ,\n", to);
    for (size_t i = 0; i < n; i++) {
        fputs(".Xr ", to);
        put_page_name(to, named[i], " 1 ,\n");
    }
    fputs(".Xr vidimus-formats 5\n", to);
}

static bool put_exit_status(FILE *to)
{
    bool ok = true;
    fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", to);
    for (int status = VDM_EXIT_DONE; ok && status <= VDM_EXIT_UNTRUSTED; status++) {
        fprintf(to, ".It %d\n", status);
        ok = put_line(to, vdm_exit_meaning(status), "");
    }
    fputs(".El\n", to);
    return ok;
}

static void put_head(FILE *to, const struct vdm_command *c, const char *date)
{
    fprintf(to, "%s.Dt VIDIMUS-", date);
    for (const char *p = c->name; *p; p++)
        fputc(*p == ' ' ? '-' : toupper((unsigned char)*p), to);
    fputs(" 1\n.Os\n.Sh NAME\n.Nm ", to);
    put_page_name(to, c, "\n.Nd ");
    fprintf(to, "%s\n.Sh SYNOPSIS\n.Nm vidimus\n.Op Fl C Ar ARCHIVE\n.Cm %s\n", c->manual->summary,
            c->name);
    put_usage(to, c->manual->usage);
    fputs(".Op Ar options\n", to);
}

bool vdm_mdoc_page(FILE *to, const struct vdm_command *c, const char *date)
{
    const struct vdm_manual *m = c->manual;
    struct vdm_opt *options = vdm_command_options(c);
    if (!options)
        return false;
    put_head(to, c, date);
    fputs(".Sh DESCRIPTION\n", to);
    for (size_t i = 0; i < VDM_PARAGRAPHS && m->paragraphs[i]; i++) {
        if (i)
            fputs(".Pp\n", to);
        put_sentences(to, m->paragraphs[i], m->usage);
    }
    fputs(".Sh OPTIONS\n", to);
    bool ok = !options->name || put_options(to, options, m->usage);
    fputs("The options of every command stand in\n.Xr vidimus 1 .\n", to);
    ok = ok && put_exit_status(to) && put_examples(to, m);
    put_see_also(to, c);
    free(options);
    return ok;
}

/* --- parts of the page of the program --- */

bool vdm_mdoc_global_options(FILE *to)
{
    return put_options(to, vdm_global_options, "");
}

bool vdm_mdoc_commands(FILE *to)
{
    const char *group = "";
    for (const struct vdm_command *c = vdm_commands; c->name; c++) {
        if (strcmp(group, c->group) != 0)
            fprintf(to, "%s.Ss %c%s\n.Bl -tag -width Ds\n", *group ? ".El\n" : "",
                    toupper((unsigned char)c->group[0]), c->group + 1);
        group = c->group;
        fprintf(to, ".It Cm %s\n", c->name);
        if (!put_line(to, c->manual->summary, ""))
            return false;
        fputs("See\n.Xr ", to);
        put_page_name(to, c, " 1 .\n");
    }
    fputs(".El\n", to);
    return true;
}
