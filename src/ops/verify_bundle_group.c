/* SPDX-License-Identifier: MIT */
#include "format/disclosure.h"
#include "ops/verify_bundle_state.h"

#include <string.h>

/* A selected capture, its amendments and withdrawals, and its document, as far as they were read. */
struct group {
    struct vdm_bundle_item item;
    uint64_t findings_before;
    uint64_t last; /* the newest entry of the group */
    char signer[VDM_NAME_MAX + 1], amendment_signer[VDM_NAME_MAX + 1];
    struct vdm_buf text;
    struct vdm_buf why[VDM_ITEM_WITHDRAWALS]; /* what the withdrawals of the item borrow from */
    char member[VDM_LAYOUT_PATH_MAX + 1];
    bool has_ext; /* the capture's own record is good, so the file's name is known */
    char ext[VDM_LAYOUT_EXT_MAX + 1];
    bool record_fault; /* a record is here that could not be compared with anything, or is bad */
    /* Whether a record should be here is known only once a withdrawal may have stood. */
    uint64_t records_here, records_missing, first_here, first_missing;
};

static void keep_name(char to[VDM_NAME_MAX + 1], struct vdm_bytes name)
{
    size_t n = name.n < VDM_NAME_MAX ? name.n : VDM_NAME_MAX;
    memcpy(to, name.p, n);
    to[n] = 0;
}

/* --- records --- */

/* What a record or a disclosure says. */
struct shown {
    bool disclosure, has_document;
    uint64_t lines, hidden;
    struct vdm_digest document, commitment;
    uint64_t document_size;
    struct vdm_bytes file_name;
};

static struct vdm_bytes disclosed_file_name(const struct vdm_disclosure *d)
{
    struct vdm_bytes rest = d->body;
    struct vdm_disclosed_line line;
    while (vdm_disclosure_next(&rest, &line))
        if (line.open && line.line.field == VDM_FIELD_FILE_NAME)
            return line.line.value;
    return (struct vdm_bytes){0};
}

static bool decode_disclosure(struct vdm_crypto *c, struct vdm_bytes text, struct shown *out,
                              struct vdm_err *err)
{
    struct vdm_disclosure d;
    if (!vdm_disclosure_decode(c, text, &d, err))
        return false;
    *out = (struct shown){.disclosure = true,
                          .has_document = d.has_document,
                          .lines = d.lines,
                          .hidden = d.hidden,
                          .document = d.document,
                          .document_size = d.document_size,
                          .commitment = d.commitment,
                          .file_name = disclosed_file_name(&d)};
    return true;
}

static bool decode_shown(struct vdm_crypto *c, struct vdm_bytes text, struct shown *out,
                         struct vdm_err *err)
{
    struct vdm_record r;
    if (vdm_bytes_start_with(text, VDM_LIT("vidimus/disclosure/")))
        return decode_disclosure(c, text, out, err);
    if (!vdm_record_decode(text, &r, err))
        return false;
    *out = (struct shown){.has_document = true,
                          .lines = r.lines,
                          .document = r.document,
                          .document_size = r.document_size,
                          .file_name = vdm_record_value(&r, VDM_FIELD_FILE_NAME, 0)};
    return vdm_record_commit(c, &r, &out->commitment, err);
}

static void record_differs(struct vdm_bundle_check *v, uint64_t n, struct vdm_digest expected,
                           struct vdm_digest found, const char *message)
{
    char want[65], got[65];
    vdm_digest_hex(expected, want);
    vdm_digest_hex(found, got);
    vdm_report_add(v->report,
                   (struct vdm_seen){.kind = VDM_RECORD_MISMATCH,
                                     .entry = n,
                                     .document = v->m.path,
                                     .expected = want,
                                     .found = got},
                   "%s", message);
    v->m.faulty = true;
}

/* A good record: what it shows becomes what the item shows. */
static bool show(struct vdm_bundle_check *v, struct group *g, uint64_t n, const struct shown *s,
                 struct vdm_err *err)
{
    struct vdm_bundle_item *item = &g->item;
    if (s->has_document && item->has_document &&
        (!vdm_digest_equal(s->document, item->document_digest) ||
         s->document_size != item->document_size))
        record_differs(v, n, item->document_digest, s->document,
                       "an amendment is about the same document as its capture");
    if (s->has_document && !item->has_document) {
        item->has_document = true;
        item->document_digest = s->document;
        item->document_size = s->document_size;
    }
    if (n == item->n) {
        g->has_ext = true;
        vdm_layout_ext(s->file_name, g->ext);
    }
    item->text_of = n;
    item->amended = n != item->n;
    if (item->amended) {
        item->amendment_recorded = v->checked.entry.recorded;
        keep_name(g->amendment_signer, v->checked.entry.signer);
    }
    item->disclosure = s->disclosure;
    item->lines = s->lines;
    item->hidden = s->hidden;
    vdm_buf_clear(&g->text);
    vdm_buf_put(&g->text, v->m.content);
    return vdm_buf_ok(&g->text, err);
}

static bool check_record(struct vdm_bundle_check *v, struct group *g, uint64_t n,
                         struct vdm_err *err)
{
    const struct vdm_entry *e = &v->checked.entry;
    struct shown s;
    struct vdm_err why = {0};
    g->record_fault = true;
    if (!decode_shown(v->crypto, v->m.content, &s, &why)) {
        vdm_bundle_note(v, VDM_RECORD_MISMATCH, n, v->m.path, why.text);
        return why.kind == VDM_ERR_MALFORMED || vdm_fail(err, "%s", why.text);
    }
    /* The entry has a finding of its own then, and there is nothing to compare with. */
    if (!v->checked.decoded || (e->kind != VDM_ENTRY_CAPTURE && e->kind != VDM_ENTRY_AMENDMENT))
        return true;
    if (!vdm_digest_equal(s.commitment, e->capture.record)) {
        record_differs(v, n, e->capture.record, s.commitment,
                       "not the record that the entry commits to");
        return true;
    }
    g->record_fault = false;
    return show(v, g, n, &s, err);
}

/* The record of entry n, which has just been taken. */
static bool take_record(struct vdm_bundle_check *v, struct group *g, uint64_t n,
                        struct vdm_err *err)
{
    bool fault = g->record_fault;
    if (!vdm_members_at_number(&v->m, VDM_LAYOUT_RECORD, n)) {
        if (g->records_missing++ == 0)
            g->first_missing = n;
        return true;
    }
    if (g->records_here++ == 0)
        g->first_here = n;
    if (!vdm_members_load(&v->m, VDM_NOTE_MAX, err) || (v->m.here && !check_record(v, g, n, err)))
        return false;
    g->record_fault = g->record_fault || fault;
    return vdm_members_take(&v->m, NULL, err);
}

/* --- amendments and withdrawals --- */

/* Is the loaded entry an amendment or withdrawal of capture n? */
static bool is_about(struct vdm_bundle_check *v, uint64_t n)
{
    struct vdm_note note;
    struct vdm_entry e;
    return vdm_entry_open(v->crypto, v->m.content, &note, &e, NULL) &&
           ((e.kind == VDM_ENTRY_AMENDMENT && e.capture.amends == n) ||
            (e.kind == VDM_ENTRY_WITHDRAWAL && e.withdrawal.of == n));
}

static bool take_withdrawal(struct group *g, const struct vdm_entry *e, struct vdm_err *err)
{
    struct vdm_bundle_item *item = &g->item;
    const struct vdm_withdrawal *w = &e->withdrawal;
    item->record_withdrawn = item->record_withdrawn || w->scope != VDM_SCOPE_DOCUMENT;
    item->document_withdrawn = item->document_withdrawn || w->scope != VDM_SCOPE_RECORD;
    if (item->withdrawn_by == VDM_ITEM_WITHDRAWALS)
        return true;
    struct vdm_buf *why = &g->why[item->withdrawn_by];
    vdm_buf_put(why, w->decided_by);
    vdm_buf_put(why, w->reason);
    if (!vdm_buf_ok(why, err))
        return false;
    item->withdrawal[item->withdrawn_by++] =
        (struct vdm_item_withdrawal){.n = e->n,
                                     .scope = w->scope,
                                     .recorded = e->recorded,
                                     .decided_by = {why->p, w->decided_by.n},
                                     .reason = {why->p + w->decided_by.n, w->reason.n}};
    return true;
}

static bool take_follower(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    const struct vdm_entry *e = &v->checked.entry;
    struct vdm_bundle_item *item = &g->item;
    uint64_t n = v->m.name.n;
    bool amendment = vdm_bundle_says(v, "amendment/");
    g->last = n;
    if (!vdm_bundle_take_entry(v, err))
        return false;
    bool known = v->checked.decoded && e->kind != VDM_ENTRY_UNKNOWN;
    if (known && (amendment ? e->capture.amends : e->withdrawal.of) != item->n) {
        vdm_report_add(v->report, (struct vdm_seen){.kind = VDM_BAG_INVALID, .entry = n},
                       "it stands with capture %llu, but is about another",
                       (unsigned long long)item->n);
        known = false;
    }
    if (known && amendment && (item->record_withdrawn || item->document_withdrawn)) {
        vdm_report_add(v->report, (struct vdm_seen){.kind = VDM_ENTRY_MALFORMED, .entry = n},
                       "it amends entry %llu, which was withdrawn before",
                       (unsigned long long)item->n);
        known = false;
    }
    item->amendments += amendment;
    item->withdrawals += !amendment;
    if (known && v->entry_good && !vdm_entry_check_vouch(&v->check, e, err))
        return false;
    if (amendment)
        return take_record(v, g, n, err);
    return !known || !v->entry_good || take_withdrawal(g, e, err);
}

/* Does the member at hand (an entry: loaded) belong behind this group? */
static bool ends_group(struct vdm_bundle_check *v, const struct group *g)
{
    uint64_t n = v->m.name.n;
    if (n > g->item.n && vdm_bundle_is_selected(v, n))
        return true;
    if (v->m.name.kind != VDM_LAYOUT_ENTRY)
        return n == g->item.n && v->m.name.kind == VDM_LAYOUT_FILE;
    if (n > g->item.n && !v->has_selection && vdm_bundle_says(v, "capture/"))
        return true;
    return n > g->last && vdm_bundle_is_newest(v, n) && !is_about(v, g->item.n);
}

static bool read_followers(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    while (vdm_bundle_before_evidence(v)) {
        bool entry = v->m.name.kind == VDM_LAYOUT_ENTRY;
        if (entry && !vdm_members_load(&v->m, VDM_NOTE_MAX, err))
            return false;
        if (!v->m.here || ends_group(v, g))
            return true;
        bool follows = entry && v->m.name.n > g->last &&
                       (vdm_bundle_says(v, "amendment/") || vdm_bundle_says(v, "withdrawal/"));
        if (!(follows ? take_follower(v, g, err) : vdm_bundle_take_stray(v, err)))
            return false;
    }
    return true;
}

/* --- the document --- */

static bool is_given(struct vdm_bundle_check *v, const struct vdm_bundle_item *item)
{
    bool given = false;
    for (size_t i = 0; i < v->o->givens; i++) {
        struct vdm_given_document *d = &v->o->given[i];
        if (d->size != item->document_size || !vdm_digest_equal(d->digest, item->document_digest))
            continue;
        d->matched = true;
        given = true;
    }
    return given;
}

static void count_document(struct vdm_bundle_check *v, const struct vdm_bundle_item *item)
{
    v->report->documents++;
    v->report->bytes += item->document_size;
}

/* In a receipt the payload is data/INDEX.txt alone. */
static void document_absent(struct vdm_bundle_check *v, struct group *g, bool given)
{
    struct vdm_bundle_item *item = &g->item;
    struct vdm_layout_member name = {.kind = VDM_LAYOUT_FILE, .n = item->n};
    struct vdm_accounted as = {item->document_digest, item->document_size};
    if (given)
        count_document(v, item);
    item->document = given ? VDM_ITEM_GIVEN : VDM_ITEM_NOT_HERE;
    if (v->has_info && v->info.payload_files == 1)
        return;
    item->document = VDM_ITEM_MISSING;
    memcpy(name.ext, g->ext, sizeof name.ext);
    vdm_bundle_missing(v, VDM_DOCUMENT_MISSING, &name, &as);
}

static bool check_document(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    struct vdm_bundle_item *item = &g->item;
    struct vdm_accounted as = {item->document_digest, item->document_size};
    struct vdm_digest found;
    char want[65], got[65];
    bool plain = vdm_stream_form(v->m.stream) == VDM_STREAM_PLAIN;
    uint64_t offset = plain ? v->m.at->offset : VDM_NO_OFFSET;
    if (!vdm_members_digest(&v->m, &found, err))
        return false;
    if (!v->m.here)
        return true;
    if (vdm_digest_equal(found, item->document_digest) && v->m.member.size == item->document_size) {
        item->document = VDM_ITEM_CHECKED;
        count_document(v, item);
        return vdm_bundle_note_whole(v, found, item->document_size, offset, err) &&
               vdm_members_take(&v->m, &as, err);
    }
    item->document = VDM_ITEM_CORRUPT;
    vdm_digest_hex(item->document_digest, want);
    vdm_digest_hex(found, got);
    vdm_report_add(v->report,
                   (struct vdm_seen){.kind = VDM_DOCUMENT_CORRUPT,
                                     .entry = item->n,
                                     .document = v->m.path,
                                     .expected = want,
                                     .found = got},
                   "not the bytes that were recorded (%llu bytes then, %llu here)",
                   (unsigned long long)item->document_size, (unsigned long long)v->m.member.size);
    return vdm_members_take(&v->m, &as, err);
}

static void name_document(struct vdm_bundle_check *v, struct group *g, bool here)
{
    struct vdm_layout_member name = {.kind = VDM_LAYOUT_FILE, .n = g->item.n};
    if (!g->has_ext)
        memcpy(g->ext, here ? v->m.name.ext : "bin", here ? sizeof g->ext : 4);
    memcpy(name.ext, g->ext, sizeof name.ext);
    if (!vdm_layout_encode(&name, g->member, NULL))
        g->member[0] = 0;
    if (here && strcmp(v->m.name.ext, g->ext) != 0)
        vdm_report_add(v->report,
                       (struct vdm_seen){.kind = VDM_UNEXPECTED_MEMBER,
                                         .entry = g->item.n,
                                         .document = v->m.path,
                                         .expected = g->member},
                       "the document has another name than its record gives it");
}

static bool take_document(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    struct vdm_bundle_item *item = &g->item;
    bool here = vdm_members_at_number(&v->m, VDM_LAYOUT_FILE, item->n);
    bool given = item->has_document && is_given(v, item);
    item->document = item->document_withdrawn ? VDM_ITEM_WITHDRAWN
                     : item->record_withdrawn ? VDM_ITEM_RECORD_WITHDRAWN
                                              : VDM_ITEM_UNDISCLOSED;
    if (item->has_document && !item->document_withdrawn) {
        name_document(v, g, here);
        if (here)
            return check_document(v, g, err);
        document_absent(v, g, given);
        return true;
    }
    if (!here)
        return true;
    bool none = item->document_withdrawn || item->record_withdrawn ||
                (item->has_entry && !g->record_fault && g->records_missing == 0);
    if (none)
        return vdm_members_unexpected(
            &v->m, "no document belongs here: it was withdrawn, or it is not disclosed", err);
    return vdm_members_take(&v->m, NULL, err);
}

/* --- the whole --- */

static void settle_records(struct vdm_bundle_check *v, struct group *g)
{
    struct vdm_layout_member name = {.kind = VDM_LAYOUT_RECORD, .n = g->first_missing};
    if (g->records_missing && !g->item.record_withdrawn)
        vdm_bundle_missing(v, VDM_RECORD_MISSING, &name, NULL);
    if (g->records_here && g->item.record_withdrawn)
        vdm_bundle_note(v, VDM_UNEXPECTED_MEMBER, g->first_here, NULL,
                        "its record stands here although it was withdrawn");
}

/* Was no document of this capture looked at, although one could have been? */
static bool is_absent(const struct vdm_bundle_item *item)
{
    return item->has_entry && !item->record_withdrawn && !item->document_withdrawn &&
           item->document != VDM_ITEM_CHECKED && item->document != VDM_ITEM_GIVEN &&
           item->document != VDM_ITEM_CORRUPT;
}

static bool finish(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    struct vdm_bundle_item *item = &g->item;
    if (vdm_members_broken_off(&v->m))
        return true;
    settle_records(v, g);
    vdm_entry_check_end(&v->check);
    item->text = vdm_buf_bytes(&g->text);
    if (!vdm_bundle_check_slices(v, item, err))
        return false;
    item->good = item->has_entry && vdm_report_findings(v->report) == g->findings_before;
    item->signer = vdm_str(g->signer);
    item->amendment_signer = vdm_str(g->amendment_signer);
    item->member = g->member;
    v->report->captures++;
    v->report->withdrawn += item->record_withdrawn || item->document_withdrawn;
    v->report->partly += item->hidden > 0;
    v->report->absent += is_absent(item);
    if (v->o->on_item)
        v->o->on_item(v->o->ctx, item);
    vdm_progress_tell(v->progress, "checking", v->report->captures, v->selecteds, v->report->bytes);
    return true;
}

static bool take_capture(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    const struct vdm_entry *e = &v->checked.entry;
    uint64_t n = g->item.n;
    if (!vdm_bundle_take_entry(v, err))
        return false;
    g->item.has_entry = v->checked.decoded;
    if (v->checked.decoded) {
        g->item.recorded = e->recorded;
        g->item.signer_id = e->signer_id;
        keep_name(g->signer, e->signer);
    }
    if (v->checked.decoded && e->kind != VDM_ENTRY_CAPTURE) {
        if (e->kind != VDM_ENTRY_UNKNOWN)
            vdm_bundle_note(v, VDM_BAG_INVALID, n, NULL, "it is selected, but is no capture");
        return true;
    }
    return take_record(v, g, n, err);
}

/* What is left of a capture whose entry is missing: here, but with nothing to check it against. */
static bool take_remains(struct vdm_bundle_check *v, struct group *g, struct vdm_err *err)
{
    uint64_t n = g->item.n;
    vdm_bundle_missing(v, VDM_BAG_INVALID,
                       &(struct vdm_layout_member){.kind = VDM_LAYOUT_ENTRY, .n = n}, NULL);
    while (vdm_members_at_number(&v->m, VDM_LAYOUT_PROOF, n) ||
           vdm_members_at_number(&v->m, VDM_LAYOUT_RECORD, n))
        if (!vdm_members_take(&v->m, NULL, err))
            return false;
    return true;
}

bool vdm_bundle_read_group(struct vdm_bundle_check *v, uint64_t n, bool found, struct vdm_err *err)
{
    struct group g = {.item = {.n = n}, .last = n, .ext = "bin"};
    g.findings_before = vdm_report_findings(v->report);
    bool ok = (found ? take_capture : take_remains)(v, &g, err) && read_followers(v, &g, err) &&
              take_document(v, &g, err) && finish(v, &g, err);
    vdm_buf_release(&g.text);
    for (size_t i = 0; i < VDM_ITEM_WITHDRAWALS; i++)
        vdm_buf_release(&g.why[i]);
    return ok;
}
