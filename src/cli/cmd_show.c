/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/dates.h"
#include "cli/view.h"

#include <string.h>

const struct vdm_manual vdm_manual_show = {
    .usage = "N | sha256:HEX | FILE",
    .summary = "everything known about one",
    .paragraphs =
        {
            "A number is an entry; sha256:HEX the captures of a document; anything else a file "
            "on disk: are exactly these bytes in the ledger, since when, by whom? (./12 is a "
            "file called 12.) Exit status 1 if they are not.",
            "Where the record has the date lines that the document writes (issued-as-written), "
            "Islamic or Gregorian, in English or Arabic, it is told whether they agree with each "
            "other and with `issued`: they do within one day, since Islamic months begin by "
            "sighting of the moon. Else it is told by how many days they differ, or why that "
            "cannot be told; and also a day of the week that contradicts. Nothing is corrected.",
        },
    .examples =
        {
            {"vidimus show 17", "an entry"},
            {"vidimus show ~/Downloads/release-12.html", "is this file in the ledger?"},
        },
    .arguments = "file",
};

static json_t *number_or_null(uint64_t n)
{
    return n == UINT64_MAX ? json_null() : json_integer((json_int_t)n);
}

/* null: no date is written. */
static bool dates_json(const struct vdm_view *v, json_t **out, struct vdm_err *err)
{
    struct vdm_dates d;
    bool any = false;
    if (v->has_record && !vdm_record_dates(&v->record, &d, &any, err))
        return false;
    *out = any ? vdm_dates_json(&d) : json_null();
    return true;
}

static bool show_view(struct vdm_cli *cli, const struct vdm_view *v, struct vdm_err *err)
{
    if (!cli->json)
        return vdm_view_print(cli, v, err);
    json_t *amendments = NULL, *dates = NULL;
    if (!dates_json(v, &dates, err) || !vdm_amendments_json(cli, v, &amendments, err)) {
        json_decref(dates);
        return false;
    }
    json_t *o = vdm_view_json(v);
    if (o) {
        vdm_json_set(&o, "entry_note", vdm_json_value(vdm_buf_bytes(&v->note_bytes)));
        vdm_json_set(&o, "amendments", amendments);
        vdm_json_set(&o, "dates", dates);
        vdm_json_set(&o, "withdrawn", number_or_null(v->fate.withdrawn));
        vdm_json_set(&o, "evidence", json_array());
    }
    return vdm_json_print(o, err);
}

struct listing {
    struct vdm_cli *cli;
    uint64_t count;
    int *status;
};

static bool show_one(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    struct listing *l = ctx;
    if (l->count++ > 0 && !l->cli->json)
        puts("");
    if (v->record_mismatch)
        *l->status = VDM_EXIT_FINDING;
    return show_view(l->cli, v, err);
}

static bool show_document(struct vdm_cli *cli, struct vdm_digest digest, const char *what,
                          int *status, struct vdm_err *err)
{
    struct vdm_catalog_filter filter = {.document = &digest};
    struct listing l = {cli, 0, status};
    uint64_t behind;
    if (!vdm_query_catalog(cli->archive, &behind, err))
        return false;
    if (behind)
        return vdm_fail(err,
                        "the catalog lacks the newest %llu entries: run `vidimus reindex` first",
                        (unsigned long long)behind);
    if (!vdm_query_captures(cli->archive, &filter, 0, show_one, &l, err))
        return false;
    if (l.count > 0)
        return true;
    char hex[65];
    vdm_digest_hex(digest, hex);
    *status = VDM_EXIT_FINDING;
    if (cli->json)
        return vdm_json_print(json_pack("{s:n,s:o}", "entry", "document", vdm_json_digest(digest)),
                              err);
    vdm_out_str(stdout, what);
    printf(" is not in this ledger: no capture is of exactly these bytes (sha256 %s).\n", hex);
    return true;
}

VDM_COMMAND(show)
{
    struct vdm_bytes what = vdm_str(args->rest[0]);
    struct vdm_digest digest;
    struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
    uint64_t n, size;
    if (vdm_number_decode(what, &n)) {
        struct listing l = {cli, 0, status};
        return vdm_view_open(cli->archive, n, &v, err) && show_one(&l, &v, err);
    }
    if (vdm_bytes_start_with(what, VDM_LIT("sha256:"))) {
        if (!vdm_digest_from_hex(vdm_bytes_skip(what, 7), &digest))
            return vdm_fail_as(err, VDM_ERR_USAGE, "not sha256: and 64 lower-case hex digits: %s",
                               args->rest[0]);
    } else if (!vdm_query_file(cli->crypto, args->rest[0], &digest, &size, err)) {
        return false;
    }
    return show_document(cli, digest, args->rest[0], status, err);
}
