/* SPDX-License-Identifier: MIT */
/* The amendments of a capture, and what each changed. */
#include "cli/view.h"

#include "ops/history.h"

static void print_values(char sign, const struct vdm_record *r, enum vdm_field f)
{
    struct vdm_bytes value;
    for (size_t k = 0; (value = vdm_record_value(r, f, k)).n; k++) {
        printf("  %c %-16s ", sign, vdm_field_name(f));
        vdm_out_value(stdout, value);
        puts("");
    }
}

void vdm_changes_print(const struct vdm_record *before, const struct vdm_record *after)
{
    uint64_t differ = vdm_record_differences(before, after);
    for (int f = 0; f < VDM_FIELDS; f++)
        if (differ >> f & 1) {
            print_values('-', before, (enum vdm_field)f);
            print_values('+', after, (enum vdm_field)f);
        }
    if (differ == 0)
        puts("  nothing changed: it vouches for the record as it was");
}

static json_t *values_json(const struct vdm_record *r, enum vdm_field f)
{
    json_t *list = json_array();
    struct vdm_bytes value;
    for (size_t k = 0; (value = vdm_record_value(r, f, k)).n; k++)
        vdm_json_add(&list, vdm_json_value(value));
    return list;
}

json_t *vdm_changes_json(const struct vdm_record *before, const struct vdm_record *after)
{
    uint64_t differ = vdm_record_differences(before, after);
    json_t *list = json_array();
    for (int f = 0; f < VDM_FIELDS; f++)
        if (differ >> f & 1)
            vdm_json_add(&list,
                         json_pack("{s:s,s:o,s:o}", "field", vdm_field_name((enum vdm_field)f),
                                   "was", values_json(before, (enum vdm_field)f), "now",
                                   values_json(after, (enum vdm_field)f)));
    return list;
}

/* --- of a capture --- */

/* An entry about a capture, and the record that it brought. */
struct step {
    enum vdm_record_state state; /* NONE: also where there is none any more */
    struct vdm_buf note_bytes, text;
    struct vdm_note note;
    struct vdm_entry entry;
    struct vdm_record record;
};

static void release(struct step *s)
{
    vdm_buf_release(&s->note_bytes);
    vdm_buf_release(&s->text);
}

/* `gone`: the records are withdrawn, whether they are erased yet or not. */
static bool read_step(struct vdm_archive *a, uint64_t n, bool gone, struct step *s,
                      struct vdm_err *err)
{
    vdm_buf_clear(&s->text);
    s->state = VDM_RECORD_NONE;
    return vdm_archive_entry(a, n, &s->note_bytes, &s->note, &s->entry, err) &&
           (gone || s->entry.kind == VDM_ENTRY_WITHDRAWAL ||
            vdm_query_record(a, &s->entry, &s->text, &s->record, &s->state, err));
}

typedef bool step_fn(void *ctx, const struct step *before, const struct step *now,
                     struct vdm_err *err);

/* Newest first: each amendment with the step before it. */
static bool each_amendment(struct vdm_archive *a, const struct vdm_view *v, step_fn *tell,
                           void *ctx, struct vdm_err *err)
{
    struct vdm_history h VDM_CLEANUP(vdm_history_release) = {0};
    struct step steps[2] = {0};
    int now = 0;
    bool ok = vdm_history_read(a, v->n, &h, err);
    size_t i = h.count;
    do {
        uint64_t n = i > 0 ? h.n[i - 1] : v->n;
        struct step *s = &steps[1 - now];
        ok = ok && read_step(a, n, v->record_withdrawn, s, err);
        if (!ok || s->entry.kind == VDM_ENTRY_WITHDRAWAL)
            continue;
        if (steps[now].note_bytes.n)
            ok = tell(ctx, s, &steps[now], err);
        now = 1 - now;
    } while (ok && i-- > 0);
    release(&steps[0]);
    release(&steps[1]);
    return ok;
}

static bool is_known(const struct step *before, const struct step *now)
{
    return before->state == VDM_RECORD_SIGNED && now->state == VDM_RECORD_SIGNED;
}

static bool print_step(void *ctx, const struct step *before, const struct step *s,
                       struct vdm_err *err)
{
    (void)ctx;
    (void)err;
    printf("entry %llu   amendment   recorded ", (unsigned long long)s->entry.n);
    vdm_out_time(stdout, s->entry.recorded);
    printf(" by %.*s\n", (int)s->entry.signer.n, (const char *)s->entry.signer.p);
    if (is_known(before, s))
        vdm_changes_print(&before->record, &s->record);
    else if (before->state == VDM_RECORD_OTHER || s->state == VDM_RECORD_OTHER)
        puts("  what it changed is not known: a record is not what was signed");
    else
        puts("  what it changed is not in the ledger any more");
    return true;
}

bool vdm_amendments_print(struct vdm_cli *cli, const struct vdm_view *v, struct vdm_err *err)
{
    return v->fate.amended == UINT64_MAX || each_amendment(cli->archive, v, print_step, NULL, err);
}

static bool json_step(void *ctx, const struct step *before, const struct step *s,
                      struct vdm_err *err)
{
    bool known = is_known(before, s);
    json_t *o =
        json_pack("{s:I,s:o,s:o,s:o}", "entry", (json_int_t)s->entry.n, "recorded",
                  vdm_json_time(s->entry.recorded), "signer", vdm_json_value(s->entry.signer),
                  "changes", known ? vdm_changes_json(&before->record, &s->record) : json_null());
    return json_array_append_new(ctx, o) == 0 || vdm_fail_memory(err);
}

bool vdm_amendments_json(struct vdm_cli *cli, const struct vdm_view *v, json_t **out,
                         struct vdm_err *err)
{
    json_t *list = json_array();
    if (v->fate.amended == UINT64_MAX || each_amendment(cli->archive, v, json_step, list, err)) {
        *out = list;
        return true;
    }
    json_decref(list);
    return false;
}
