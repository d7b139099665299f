/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/view.h"

const struct vdm_manual vdm_manual_history = {
    .usage = "SOURCE",
    .summary = "captures of one source in order, and whether its bytes changed",
    .paragraphs =
        {
            "SOURCE is written exactly as the records have it. Each line says whether the bytes "
            "are those of the capture before it.",
        },
    .examples =
        {
            {"vidimus history https://council.example/r/12", "what became of one page"},
        },
};

/* What is remembered of each capture that was told. */
struct seen {
    uint64_t n;
    struct vdm_digest document;
};

struct history {
    struct vdm_cli *cli;
    struct vdm_buf seen; /* of struct seen, in order */
};

enum change { FIRST, SAME, CHANGED };

/* How the bytes stand to those before: *as is the earliest capture of the same bytes. */
static enum change compare(const struct history *h, struct vdm_digest document, uint64_t *as)
{
    const struct seen *s = (const void *)h->seen.p;
    size_t count = h->seen.n / sizeof *s;
    *as = UINT64_MAX;
    for (size_t i = 0; i < count && *as == UINT64_MAX; i++)
        if (vdm_digest_equal(s[i].document, document))
            *as = s[i].n;
    if (count == 0)
        return FIRST;
    return vdm_digest_equal(s[count - 1].document, document) ? SAME : CHANGED;
}

static void print_line(const struct vdm_view *v, enum change change, uint64_t as)
{
    struct vdm_bytes captured = vdm_record_value(&v->record, VDM_FIELD_CAPTURED, 0);
    printf("%8llu  ", (unsigned long long)v->n);
    if (captured.n) {
        fputs("captured ", stdout);
        vdm_out_value(stdout, captured);
    } else {
        fputs("recorded ", stdout);
        vdm_out_time(stdout, v->entry.recorded);
    }
    fputs("  ", stdout);
    vdm_out_number(stdout, v->record.document_size);
    fputs(" bytes  ", stdout);
    vdm_out_digest(stdout, v->record.document);
    switch (change) {
    case FIRST:
        puts("  first");
        return;
    case SAME:
        puts("  same bytes");
        return;
    case CHANGED:
        if (as == UINT64_MAX)
            puts("  changed");
        else
            printf("  changed, back to the bytes of %llu\n", (unsigned long long)as);
        return;
    }
}

static bool print_json(const struct vdm_view *v, enum change change, uint64_t as,
                       struct vdm_err *err)
{
    static const char *const words[] = {"first", "same", "changed"};
    json_t *o = vdm_view_json(v);
    if (o) {
        vdm_json_set(&o, "change", json_string(words[change]));
        vdm_json_set(&o, "same_bytes_as",
                     as == UINT64_MAX ? json_null() : json_integer((json_int_t)as));
    }
    return vdm_json_print(o, err);
}

static bool tell(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    struct history *h = ctx;
    uint64_t as;
    if (!v->has_record) { /* withdrawn: nobody knows what it was */
        vdm_view_print_line(v);
        return true;
    }
    struct seen now = {v->n, v->record.document};
    enum change change = compare(h, now.document, &as);
    vdm_buf_put(&h->seen, (struct vdm_bytes){(const uint8_t *)&now, sizeof now});
    if (!vdm_buf_ok(&h->seen, err))
        return false;
    if (h->cli->json)
        return print_json(v, change, as, err);
    print_line(v, change, as);
    return true;
}

VDM_COMMAND(history)
{
    struct vdm_buf source VDM_CLEANUP(vdm_buf_release) = {0};
    struct history h = {.cli = cli};
    (void)status;
    if (!vdm_cli_escape(&source, args->rest[0], err) || !vdm_cli_warn_behind(cli, err))
        return false;
    struct vdm_catalog_filter filter = {.source = vdm_buf_bytes(&source)};
    bool ok = vdm_query_captures(cli->archive, &filter, 0, tell, &h, err);
    if (ok && h.seen.n == 0)
        vdm_cli_say(cli, "vidimus: no capture has exactly this source (`vidimus find` searches by "
                         "words)\n");
    vdm_buf_release(&h.seen);
    return ok;
}
