/* SPDX-License-Identifier: MIT */
#include "cli/item.h"

#include "base/limits.h"
#include "ops/bundle_item.h"

const char *vdm_item_document_words(enum vdm_item_document d)
{
    static const char *const words[] = {"checked",           "checked (your file)",
                                        "not in the bundle", "MISSING",
                                        "CORRUPT",           "not disclosed"};
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

/* --- all of a bundle --- */

void vdm_items_release(struct vdm_items *items)
{
    json_decref(items->json);
    vdm_buf_release(&items->partly);
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

static json_t *item_json(const struct vdm_bundle_item *item)
{
    return json_pack("{s:I,s:b,s:b,s:b,s:o,s:o,s:o}", "entry", (json_int_t)item->n, "good",
                     item->good, "withdrawn", item->record_withdrawn || item->document_withdrawn,
                     "partly_disclosed", item->hidden > 0, "record",
                     item->text.n ? json_integer((json_int_t)item->text_of) : json_null(),
                     "amended", amended_json(item), "hidden_lines", hidden_json(item));
}

static void add_partly(struct vdm_items *items, const struct vdm_bundle_item *item)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to) {
        items->no_memory = true;
        return;
    }
    fprintf(to, "  entry %-8llu PARTLY DISCLOSED, ", (unsigned long long)item->n);
    vdm_item_put_hidden(to, item);
    fputc('\n', to);
    if (fclose(to) == 0)
        vdm_buf_put(&items->partly, (struct vdm_bytes){(uint8_t *)text, n});
    else
        items->no_memory = true;
    items->no_memory = items->no_memory || items->partly.failed;
    vdm_free_string(&text);
}

void vdm_items_add(struct vdm_items *items, const struct vdm_bundle_item *item, bool json)
{
    if (!json && item->hidden == 0)
        return;
    if (items->n++ >= VDM_FINDINGS_MAX)
        return;
    if (!json) {
        add_partly(items, item);
        return;
    }
    if (items->n == 1)
        items->json = json_array();
    vdm_json_add(&items->json, item_json(item));
}

void vdm_items_print(const struct vdm_items *items)
{
    if (items->partly.n)
        fwrite(items->partly.p, 1, items->partly.n, stdout);
    if (items->n > VDM_FINDINGS_MAX)
        printf("  ... and %llu more that are PARTLY DISCLOSED\n",
               (unsigned long long)(items->n - VDM_FINDINGS_MAX));
}

json_t *vdm_items_json(struct vdm_items *items)
{
    json_t *list = items->n ? items->json : json_array();
    items->json = NULL;
    return list;
}
