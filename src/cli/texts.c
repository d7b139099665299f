/* SPDX-License-Identifier: MIT */
#include "cli/texts.h"

#define HUNKS_MAX     1000 /* told of one comparison */
#define SIDE_MAX      2000 /* words of one side of a hunk */
#define CONTEXT_WORDS 6

static void put_marked(const struct vdm_cli *cli, bool gone, struct vdm_bytes words)
{
    static const char *const open[] = {"{+", "[-"}, *const close[] = {"+}", "-]"};
    const char *colour = !cli->colours ? "" : gone ? "\033[31m" : "\033[32m";
    fputs(colour, stdout);
    fputs(open[gone], stdout);
    vdm_out_text(stdout, words);
    fputs(close[gone], stdout);
    if (cli->colours)
        fputs("\033[0m", stdout);
}

static void left_out(uint64_t n)
{
    if (n)
        printf(" (%llu more)", (unsigned long long)n);
}

void vdm_edit_print(const struct vdm_cli *cli, const struct vdm_page_edit *e, int indent)
{
    printf("%*s", indent, "");
    vdm_out_text(stdout, vdm_buf_bytes(&e->before));
    if (e->before.n)
        putchar(' ');
    if (e->gone.n)
        put_marked(cli, true, vdm_buf_bytes(&e->gone));
    left_out(e->gone.n ? e->gone_left_out : 0);
    if (e->gone.n && e->come.n)
        putchar(' ');
    if (e->come.n)
        put_marked(cli, false, vdm_buf_bytes(&e->come));
    left_out(e->come.n ? e->come_left_out : 0);
    if (e->after.n)
        putchar(' ');
    vdm_out_text(stdout, vdm_buf_bytes(&e->after));
    puts("");
}

static json_t *text_json(const struct vdm_buf *b)
{
    return vdm_json_bytes(vdm_buf_bytes(b));
}

json_t *vdm_edit_json(const struct vdm_page_edit *e)
{
    return json_pack("{s:o,s:o,s:o,s:o}", "before", text_json(&e->before), "gone",
                     text_json(&e->gone), "new", text_json(&e->come), "after",
                     text_json(&e->after));
}

/* --- two texts --- */

/* Words of one side; each line of them is marked on a line of its own. */
static void print_side(const struct vdm_cli *cli, const struct vdm_text_words *t, uint32_t at,
                       uint32_t n, bool gone)
{
    uint32_t most = n < SIDE_MAX ? n : SIDE_MAX;
    for (uint32_t i = 0, from = 0; i < most; i++) {
        if (i + 1 < most && !t->word[at + i + 1].first)
            continue;
        const struct vdm_word *a = &t->word[at + from], *z = &t->word[at + i];
        if (from > 0)
            fputs("\n  ", stdout);
        put_marked(cli, gone, (struct vdm_bytes){t->text.p + a->at, z->at + z->n - a->at});
        from = i + 1;
    }
    left_out(n - most);
}

/* What stands before this word. */
static void print_gap(const struct vdm_text_words *t, uint32_t i)
{
    if (i == t->words || !vdm_text_word_is_joined(t, i))
        putchar(' ');
}

static void print_words(const struct vdm_text_words *t, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        vdm_out_text(stdout, vdm_text_word(t, i));
        print_gap(t, i + 1);
    }
}

/* How many words before and behind a hunk stand in its line, a few at most. */
static uint32_t words_before(const struct vdm_text_words *t, uint32_t at)
{
    uint32_t n = 0;
    while (n < at && n < CONTEXT_WORDS && (at - n == t->words || !t->word[at - n].first))
        n++;
    return n;
}

static uint32_t words_after(const struct vdm_text_words *t, uint32_t at)
{
    uint32_t n = 0;
    while (at + n < t->words && n < CONTEXT_WORDS && !t->word[at + n].first)
        n++;
    return n;
}

static void print_hunk(const struct vdm_cli *cli, const struct vdm_page_diff *d,
                       const struct vdm_hunk *h)
{
    print_side(cli, &d->a, h->a_at, h->a_n, true);
    if (h->a_n && h->b_n)
        putchar(' ');
    print_side(cli, &d->b, h->b_at, h->b_n, false);
    print_gap(&d->b, h->b_at + h->b_n);
}

/* Hunks of one line that stand close together share a line. */
void vdm_page_diff_print(const struct vdm_cli *cli, const struct vdm_page_diff *d)
{
    uint32_t told = 0; /* words of b up to here are on the screen */
    bool open = false;
    size_t most = d->hunks.n < HUNKS_MAX ? d->hunks.n : HUNKS_MAX;
    for (size_t i = 0; i < most; i++) {
        const struct vdm_hunk *h = &d->hunks.h[i];
        uint32_t before = words_before(&d->b, h->b_at);
        if (open && h->b_at - told > before) { /* too far for the line that is begun */
            print_words(&d->b, told, told + words_after(&d->b, told));
            puts("");
            open = false;
        }
        if (!open)
            fputs("  ", stdout);
        print_words(&d->b, open ? told : h->b_at - before, h->b_at);
        print_hunk(cli, d, h);
        told = h->b_at + h->b_n;
        open = true;
    }
    if (open) {
        print_words(&d->b, told, told + words_after(&d->b, told));
        puts("");
    }
    if (d->hunks.n > most)
        printf("  %zu more places are not shown\n", d->hunks.n - most);
}

static json_t *side_json(const struct vdm_text_words *t, uint32_t at, uint32_t n)
{
    if (n == 0)
        return json_string("");
    const struct vdm_word *a = &t->word[at], *z = &t->word[at + (n < SIDE_MAX ? n : SIDE_MAX) - 1];
    return vdm_json_bytes((struct vdm_bytes){t->text.p + a->at, z->at + z->n - a->at});
}

static json_t *hunk_json(const struct vdm_page_diff *d, const struct vdm_hunk *h)
{
    uint32_t end = h->b_at + h->b_n, before = words_before(&d->b, h->b_at);
    return json_pack("{s:o,s:o,s:o,s:o}", "before", side_json(&d->b, h->b_at - before, before),
                     "gone", side_json(&d->a, h->a_at, h->a_n), "new",
                     side_json(&d->b, h->b_at, h->b_n), "after",
                     side_json(&d->b, end, words_after(&d->b, end)));
}

void vdm_page_diff_json(json_t **to, const struct vdm_page_diff *d)
{
    json_t *edits = json_array();
    json_int_t gone = 0, come = 0;
    size_t most = d->hunks.n < HUNKS_MAX ? d->hunks.n : HUNKS_MAX;
    for (size_t i = 0; i < d->hunks.n; i++) {
        gone += d->hunks.h[i].a_n;
        come += d->hunks.h[i].b_n;
        if (i < most)
            vdm_json_add(&edits, hunk_json(d, &d->hunks.h[i]));
    }
    vdm_json_set(to, "words_gone", json_integer(gone));
    vdm_json_set(to, "words_new", json_integer(come));
    vdm_json_set(to, "edits", edits);
    vdm_json_set(to, "edits_left_out", json_integer((json_int_t)(d->hunks.n - most)));
}
