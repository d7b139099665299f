/* SPDX-License-Identifier: MIT */
#include "cli/item.h"

#include "base/limits.h"
#include "ops/bundle_item.h"

const char *vdm_item_document_words(enum vdm_item_document d)
{
    static const char *const words[] = {[VDM_ITEM_CHECKED] = "checked",
                                        [VDM_ITEM_GIVEN] = "checked (your file)",
                                        [VDM_ITEM_NOT_HERE] = "not in the bundle",
                                        [VDM_ITEM_MISSING] = "MISSING",
                                        [VDM_ITEM_CORRUPT] = "CORRUPT",
                                        [VDM_ITEM_UNDISCLOSED] = "not disclosed",
                                        [VDM_ITEM_WITHDRAWN] = "WITHDRAWN",
                                        [VDM_ITEM_RECORD_WITHDRAWN] =
                                            "not here: the record that names it is WITHDRAWN"};
    return words[d];
}

const char *vdm_item_state(const struct vdm_bundle_item *item)
{
    if (!item->good)
        return "BAD";
    if (item->record_withdrawn || item->document_withdrawn)
        return "WITHDRAWN";
    return item->hidden ? "PARTLY DISCLOSED" : "good";
}

void vdm_item_print(const struct vdm_bundle_item *item)
{
    struct vdm_bytes title = vdm_item_value(item, VDM_FIELD_TITLE);
    printf("  entry %-8llu %-16s document %s", (unsigned long long)item->n, vdm_item_state(item),
           vdm_item_document_words(item->document));
    if (title.n) {
        fputs("   ", stdout);
        vdm_out_value(stdout, title);
    }
    puts("");
    if (item->amended) {
        fputs("    amended ", stdout);
        vdm_item_put_amended(stdout, item);
        puts("");
    }
}

void vdm_item_put_amended(FILE *to, const struct vdm_bundle_item *item)
{
    char time[VDM_TIME_LEN + 1];
    vdm_time_encode(item->amendment_recorded, time);
    fprintf(to, "by entry %llu, recorded %s by %.*s, whose record is shown",
            (unsigned long long)item->text_of, time, (int)item->amendment_signer.n,
            (const char *)item->amendment_signer.p);
}

void vdm_item_put_hidden(FILE *to, const struct vdm_bundle_item *item)
{
    struct vdm_bytes rest = vdm_item_disclosure(item);
    uint64_t first, next = 0;
    bool more = vdm_item_next_hidden(&rest, &first);
    fprintf(to, "record %llu: hidden lines", (unsigned long long)item->text_of);
    for (const char *before = " "; more; before = ", ") {
        uint64_t last = first;
        while ((more = vdm_item_next_hidden(&rest, &next)) && next == last + 1)
            last = next;
        fprintf(to, "%s%llu", before, (unsigned long long)first);
        if (last > first)
            fprintf(to, "-%llu", (unsigned long long)last);
        first = next;
    }
    fprintf(to, " (of 0-%llu)", (unsigned long long)item->lines - 1);
}

void vdm_item_put_withdrawal(FILE *to, const struct vdm_item_withdrawal *w, vdm_item_value_fn *put)
{
    static const char *const gone[] = {[VDM_SCOPE_DOCUMENT] = "the document",
                                       [VDM_SCOPE_RECORD] = "the record",
                                       [VDM_SCOPE_BOTH] = "record and document"};
    char time[VDM_TIME_LEN + 1];
    vdm_time_encode(w->recorded, time);
    fprintf(to, "%s, by entry %llu, recorded %s, decided by ", gone[w->scope],
            (unsigned long long)w->n, time);
    put(to, w->decided_by);
    fputs(w->reason.n ? ", reason: " : ", no reason given", to);
    if (w->reason.n)
        put(to, w->reason);
}

/* --- all of a bundle --- */

void vdm_items_release(struct vdm_items *items)
{
    json_decref(items->json);
    vdm_buf_release(&items->lines);
    *items = (struct vdm_items){0};
}

static json_t *hidden_json(const struct vdm_bundle_item *item)
{
    struct vdm_bytes rest = vdm_item_disclosure(item);
    json_t *list = json_array();
    for (uint64_t n; vdm_item_next_hidden(&rest, &n);)
        vdm_json_add(&list, json_integer((json_int_t)n));
    return list;
}

static json_t *amended_json(const struct vdm_bundle_item *item)
{
    return item->amended ? json_pack("{s:I,s:o,s:o}", "entry", (json_int_t)item->text_of,
                                     "recorded", vdm_json_time(item->amendment_recorded), "signer",
                                     vdm_json_bytes(item->amendment_signer))
                         : json_null();
}

static json_t *withdrawals_json(const struct vdm_bundle_item *item)
{
    json_t *list = json_array();
    for (size_t i = 0; i < item->withdrawn_by; i++) {
        const struct vdm_item_withdrawal *w = &item->withdrawal[i];
        vdm_json_add(&list,
                     json_pack("{s:I,s:o,s:s,s:o,s:o}", "entry", (json_int_t)w->n, "recorded",
                               vdm_json_time(w->recorded), "scope", vdm_scope_name(w->scope),
                               "decided_by", vdm_json_value(w->decided_by), "reason",
                               w->reason.n ? vdm_json_value(w->reason) : json_null()));
    }
    return list;
}

static json_t *item_json(const struct vdm_bundle_item *item)
{
    return json_pack("{s:I,s:b,s:b,s:o,s:b,s:o,s:o,s:o}", "entry", (json_int_t)item->n, "good",
                     item->good, "withdrawn", item->record_withdrawn || item->document_withdrawn,
                     "withdrawals", withdrawals_json(item), "partly_disclosed", item->hidden > 0,
                     "record", item->text.n ? json_integer((json_int_t)item->text_of) : json_null(),
                     "amended", amended_json(item), "hidden_lines", hidden_json(item));
}

static void put_item(FILE *to, const struct vdm_bundle_item *item)
{
    for (size_t i = 0; i < item->withdrawn_by; i++) {
        fprintf(to, "  entry %-8llu WITHDRAWN, ", (unsigned long long)item->n);
        vdm_item_put_withdrawal(to, &item->withdrawal[i], vdm_out_value);
        fputc('\n', to);
    }
    if (item->hidden) {
        fprintf(to, "  entry %-8llu PARTLY DISCLOSED, ", (unsigned long long)item->n);
        vdm_item_put_hidden(to, item);
        fputc('\n', to);
    }
}

static void add_lines(struct vdm_items *items, const struct vdm_bundle_item *item)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to) {
        items->no_memory = true;
        return;
    }
    put_item(to, item);
    if (fclose(to) == 0)
        vdm_buf_put(&items->lines, (struct vdm_bytes){(uint8_t *)text, n});
    else
        items->no_memory = true;
    items->no_memory = items->no_memory || items->lines.failed;
    vdm_free_string(&text);
}

void vdm_items_add(struct vdm_items *items, const struct vdm_bundle_item *item, bool json)
{
    if (!json && item->hidden == 0 && item->withdrawn_by == 0)
        return;
    if (items->n++ >= VDM_FINDINGS_MAX)
        return;
    if (!json) {
        add_lines(items, item);
        return;
    }
    if (items->n == 1)
        items->json = json_array();
    vdm_json_add(&items->json, item_json(item));
}

void vdm_items_print(const struct vdm_items *items)
{
    if (items->lines.n)
        fwrite(items->lines.p, 1, items->lines.n, stdout);
    if (items->n > VDM_FINDINGS_MAX)
        printf("  ... and %llu more that are WITHDRAWN or PARTLY DISCLOSED\n",
               (unsigned long long)(items->n - VDM_FINDINGS_MAX));
}

json_t *vdm_items_json(struct vdm_items *items)
{
    json_t *list = items->n ? items->json : json_array();
    items->json = NULL;
    return list;
}
