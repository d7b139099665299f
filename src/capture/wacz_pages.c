/* SPDX-License-Identifier: MIT */
/* pages/ *.jsonl: the titles that pages had when they were captured. */
#include "base/text.h"
#include "capture/wacz_private.h"

#include <stdlib.h>
#include <string.h>

static int by_url(const void *a, const void *b)
{
    return strcmp(((const struct vdm_wacz_page *)a)->url, ((const struct vdm_wacz_page *)b)->url);
}

/* The header of a list has no url, and a page need not have a title. */
static void add_line(struct vdm_wacz *w, struct vdm_bytes line)
{
    json_t *page = json_loadb((const char *)line.p, line.n, 0, NULL);
    if (json_string_value(json_object_get(page, "url")) &&
        json_string_value(json_object_get(page, "title")))
        json_array_append(w->pages_json, page);
    json_decref(page);
}

void vdm_wacz_read_pages(struct vdm_wacz *w)
{
    struct vdm_bytes rest = vdm_buf_bytes(&w->page_text), line;
    size_t i;
    json_t *page;
    w->pages_json = json_array();
    while (vdm_cut_line(&rest, &line))
        add_line(w, line);
    if (rest.n)
        add_line(w, rest);
    size_t n = json_array_size(w->pages_json);
    if (n == 0 || !(w->page = calloc(n, sizeof *w->page)))
        return;
    json_array_foreach(w->pages_json, i, page)
    {
        const char *ts = json_string_value(json_object_get(page, "ts"));
        w->page[w->pages++] =
            (struct vdm_wacz_page){json_string_value(json_object_get(page, "url")), ts ? ts : "",
                                   json_string_value(json_object_get(page, "title"))};
    }
    qsort(w->page, w->pages, sizeof *w->page, by_url);
}

/* To the second: some writers keep more, some less. */
static bool same_time(const char *ts, struct vdm_bytes captured)
{
    enum { SECOND = 19 };
    return strlen(ts) >= SECOND && captured.n >= SECOND && memcmp(ts, captured.p, SECOND) == 0;
}

static const char *find_title(const struct vdm_wacz *w, const char *url, struct vdm_bytes captured)
{
    const struct vdm_wacz_page key = {.url = url};
    const struct vdm_wacz_page *end = w->page + w->pages;
    const struct vdm_wacz_page *at =
        w->pages ? bsearch(&key, w->page, w->pages, sizeof key, by_url) : NULL;
    if (!at)
        return NULL;
    while (at > w->page && strcmp(at[-1].url, url) == 0)
        at--;
    for (; at < end && strcmp(at->url, url) == 0; at++)
        if (same_time(at->ts, captured))
            return at->title;
    return NULL;
}

void vdm_wacz_see_line(void *wacz, enum vdm_field f, struct vdm_bytes value)
{
    struct vdm_wacz *w = wacz;
    if (f != VDM_FIELD_SOURCE && f != VDM_FIELD_CAPTURED)
        return;
    struct vdm_buf *to = f == VDM_FIELD_SOURCE ? &w->source : &w->captured;
    vdm_buf_clear(to);
    vdm_buf_put(to, value);
    if (w->source.n == 0 || w->captured.n == 0)
        return;
    vdm_buf_putc(&w->source, 0);
    const char *title = w->source.failed || w->captured.failed
                            ? NULL
                            : find_title(w, (const char *)w->source.p, vdm_buf_bytes(&w->captured));
    vdm_buf_clear(&w->source);
    vdm_buf_clear(&w->captured);
    if (title)
        vdm_members_line(w->to, VDM_FIELD_TITLE, vdm_str(title));
}
