/* SPDX-License-Identifier: MIT */
#include "ops/verify_bundle_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- members of which there is one, in their order --- */

/* Is this member next, once those that belong before it are passed over? */
static bool seek(struct vdm_bundle_check *v, enum vdm_layout_kind kind, bool *found,
                 struct vdm_err *err)
{
    while (v->m.here && v->m.name.kind < kind)
        if (!vdm_members_unexpected(&v->m, NULL, err))
            return false;
    *found = vdm_members_at(&v->m, kind);
    return true;
}

static void bag_invalid(struct vdm_bundle_check *v, const char *document, const char *message)
{
    vdm_bundle_note(v, VDM_BAG_INVALID, VDM_NO_ENTRY, document, message);
}

/* Found: loaded up to `limit` bytes (0: not at all). Not found: noted. */
static bool expect(struct vdm_bundle_check *v, enum vdm_layout_kind kind, size_t limit, bool *found,
                   struct vdm_err *err)
{
    if (!seek(v, kind, found, err))
        return false;
    if (!*found)
        vdm_bundle_missing(v, VDM_BAG_INVALID, &(struct vdm_layout_member){.kind = kind}, NULL);
    else if (limit && !vdm_members_load(&v->m, limit, err))
        return false;
    *found = *found && v->m.here;
    return true;
}

static bool read_fixed(struct vdm_bundle_check *v, enum vdm_layout_kind kind, struct vdm_err *err)
{
    bool found;
    return expect(v, kind, 0, &found, err) && (!found || vdm_members_take(&v->m, NULL, err));
}

static bool read_bag(struct vdm_bundle_check *v, struct vdm_err *err)
{
    struct vdm_err why = {0};
    bool found;
    if (!expect(v, VDM_LAYOUT_BAGIT, sizeof VDM_BAGIT_TEXT, &found, err))
        return false;
    if (found && !vdm_bagit_valid(v->m.content))
        bag_invalid(v, v->m.path, "not the declaration of a BagIt 1.0 bag");
    if ((found && !vdm_members_take(&v->m, NULL, err)) ||
        !expect(v, VDM_LAYOUT_BAG_INFO, VDM_BAG_INFO_MAX, &found, err))
        return false;
    v->has_info = found && vdm_bag_info_decode(v->m.content, &v->info, &why);
    v->report->no_memory |= vdm_err_is_memory(&why); /* no verdict */
    if (found && !v->has_info)
        bag_invalid(v, v->m.path, why.text);
    return !found || vdm_members_take(&v->m, NULL, err);
}

/* --- seal, checkpoint: kept until the keys are known --- */

static bool keep(struct vdm_bundle_check *v, struct vdm_buf *out, struct vdm_err *err)
{
    vdm_buf_put(out, v->m.content);
    return vdm_buf_ok(out, err);
}

static bool read_seal(struct vdm_bundle_check *v, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_err why = {0};
    bool found;
    if (!seek(v, VDM_LAYOUT_SEAL, &found, err))
        return false;
    if (!found) {
        if (!v->o->allow_unsealed && !vdm_members_broken_off(&v->m))
            vdm_bundle_note(v, VDM_UNSEALED, VDM_NO_ENTRY, "vidimus/seal",
                            "nobody signed for this selection");
        return true;
    }
    if (!vdm_members_load(&v->m, VDM_NOTE_MAX, err))
        return false;
    if (!v->m.here)
        return true;
    if (!keep(v, &v->seal_bytes, err))
        return false;
    v->has_seal = vdm_seal_open(vdm_buf_bytes(&v->seal_bytes), &note, &v->seal, &why);
    v->report->no_memory |= vdm_err_is_memory(&why); /* no verdict */
    if (!v->has_seal)
        bag_invalid(v, v->m.path, why.text);
    return vdm_members_take(&v->m, NULL, err);
}

static void take_head(struct vdm_bundle_check *v)
{
    struct vdm_note note;
    struct vdm_err why = {0};
    v->has_head = vdm_checkpoint_open(vdm_buf_bytes(&v->checkpoint), &note, &v->head, &why);
    v->report->no_memory |= vdm_err_is_memory(&why); /* no verdict */
    if (v->has_head && (!vdm_origin_valid(v->head.origin) || v->head.size == 0)) {
        v->has_head = false;
        vdm_fail(&why, "not the checkpoint of a ledger that holds anything");
    }
    if (!v->has_head) {
        vdm_bundle_note(v, VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY, v->m.path, why.text);
        return;
    }
    memcpy(v->report->origin, v->head.origin.p, v->head.origin.n);
    v->report->origin[v->head.origin.n] = 0;
    v->report->size = v->head.size;
    v->report->root = v->head.root;
    if (v->has_info && !vdm_bytes_equal_str(v->head.origin, v->info.origin))
        bag_invalid(v, "bag-info.txt", "External-Identifier is not the ledger's origin");
}

static bool read_checkpoint(struct vdm_bundle_check *v, struct vdm_err *err)
{
    bool found;
    if (!expect(v, VDM_LAYOUT_CHECKPOINT, VDM_NOTE_MAX, &found, err))
        return false;
    if (!found)
        return true;
    if (!keep(v, &v->checkpoint, err))
        return false;
    take_head(v);
    return vdm_members_take(&v->m, NULL, err);
}

/* --- selection --- */

static bool keep_number(struct vdm_bundle_check *v, uint64_t n, struct vdm_err *err)
{
    if (v->selecteds == v->selected_cap) {
        size_t cap = v->selected_cap ? v->selected_cap * 2 : 256;
        uint64_t *grown =
            cap <= VDM_SELECTED_MAX ? reallocarray(v->selected, cap, sizeof *v->selected) : NULL;
        if (cap > VDM_SELECTED_MAX)
            return vdm_fail(err, "the selection has more than %" PRIu64 " numbers",
                            VDM_SELECTED_MAX);
        if (!grown)
            return vdm_fail_memory(err);
        v->selected = grown;
        v->selected_cap = cap;
    }
    v->selected[v->selecteds++] = n;
    return true;
}

/* What is wrong with the text goes to `why`. */
static bool take_numbers(struct vdm_bundle_check *v, struct vdm_selection_decoder *d,
                         struct vdm_bytes piece, struct vdm_err *why, struct vdm_err *err)
{
    bool found = true;
    uint64_t n;
    while (found && why->kind == VDM_ERR_NONE) {
        if (!vdm_selection_decode(d, &piece, &found, &n, why))
            return true;
        if (found && v->has_head && n >= v->head.size)
            vdm_fail_as(why, VDM_ERR_MALFORMED, "it names entry %" PRIu64 ", beyond the checkpoint",
                        n);
        else if (found && !keep_number(v, n, err))
            return false;
    }
    return true;
}

static bool read_selection(struct vdm_bundle_check *v, struct vdm_err *err)
{
    struct vdm_selection_decoder d = {0};
    struct vdm_err why = {0};
    struct vdm_accounted as = {0};
    uint8_t piece[4096];
    size_t got = 1;
    bool found;
    if (!expect(v, VDM_LAYOUT_SELECTION, 0, &found, err))
        return false;
    if (!found)
        return true;
    while (got > 0 && v->m.here)
        if (!vdm_members_read(&v->m, piece, sizeof piece, &got, err) ||
            !take_numbers(v, &d, (struct vdm_bytes){piece, got}, &why, err))
            return false;
    if (!vdm_members_digest(&v->m, &as.digest, err))
        return false;
    if (!v->m.here)
        return true;
    v->has_selection = why.kind == VDM_ERR_NONE && vdm_selection_end(&d, &why);
    if (!v->has_selection)
        bag_invalid(v, v->m.path, why.text);
    v->has_selection_file = true;
    v->selection_digest = as.digest;
    as.size = v->m.member.size;
    return vdm_members_take(&v->m, &as, err);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool vdm_bundle_is_selected(const struct vdm_bundle_check *v, uint64_t n)
{
    return v->has_selection &&
           bsearch(&n, v->selected, v->selecteds, sizeof *v->selected, compare_numbers);
}

/* --- vidimus/keys --- */

static bool read_keys(struct vdm_bundle_check *v, struct vdm_err *err)
{
    struct vdm_pubkey key;
    bool found;
    for (;;) {
        if (!seek(v, VDM_LAYOUT_KEY, &found, err))
            return false;
        if (!found)
            return true;
        size_t n = v->pems.n / sizeof key;
        bool rises =
            n == 0 || memcmp(v->pems.p + (n - 1) * sizeof key, v->m.name.key.b, sizeof key) < 0;
        if (!rises || n > VDM_KEY_ENTRIES_MAX + 1) {
            if (!vdm_members_unexpected(&v->m, rises ? NULL : "not in the order of keys", err))
                return false;
            continue;
        }
        if (!vdm_members_load(&v->m, VDM_KEY_PEM_BYTES, err))
            return false;
        if (v->m.here &&
            !(vdm_key_pem_decode(v->m.content, &key) && vdm_pubkey_equal(key, v->m.name.key)))
            bag_invalid(v, v->m.path, "not the key that it is named after");
        vdm_buf_put(&v->pems, (struct vdm_bytes){v->m.name.key.b, sizeof key});
        if (!vdm_buf_ok(&v->pems, err) || !vdm_members_take(&v->m, NULL, err))
            return false;
    }
}

bool vdm_bundle_read_head(struct vdm_bundle_check *v, struct vdm_err *err)
{
    return read_bag(v, err) && read_fixed(v, VDM_LAYOUT_MANIFEST, err) &&
           read_fixed(v, VDM_LAYOUT_TAGMANIFEST, err) && read_seal(v, err) &&
           read_checkpoint(v, err) && read_selection(v, err) &&
           read_fixed(v, VDM_LAYOUT_VERIFY, err) && read_keys(v, err) &&
           read_fixed(v, VDM_LAYOUT_INDEX, err);
}

/* --- genesis and key entries --- */

static void name_key(struct vdm_bundle_check *v, const struct vdm_vkey *k)
{
    vdm_buf_put(&v->named, (struct vdm_bytes){k->key.b, sizeof k->key.b});
}

static bool take_key_entry(struct vdm_bundle_check *v, struct vdm_err *err)
{
    const struct vdm_checked_entry *c = &v->checked;
    uint64_t n = v->m.name.n;
    if ((v->key_entries && n <= v->last_key_entry) || v->key_entries > VDM_KEY_ENTRIES_MAX)
        return vdm_bundle_take_stray(v, err);
    if (v->key_entries == 0 && n != 0)
        vdm_bundle_missing(v, VDM_BAG_INVALID,
                           &(struct vdm_layout_member){.kind = VDM_LAYOUT_ENTRY}, NULL);
    v->key_entries++;
    v->last_key_entry = n;
    if (!vdm_entry_check_feed(&v->check, v->m.content, n, err) || !vdm_bundle_take_entry(v, err))
        return false;
    if (c->decoded && c->entry.kind == VDM_ENTRY_GENESIS) {
        name_key(v, &c->entry.genesis.authority);
        name_key(v, &c->entry.genesis.ledger_key);
    } else if (c->decoded && c->entry.kind == VDM_ENTRY_KEY) {
        name_key(v, &c->entry.key.key);
    } else {
        v->names_known = false;
    }
    return vdm_buf_ok(&v->named, err);
}

/* Does the entry at hand end the row of key entries? One that is damaged is taken for a key entry where
 * nothing says that it is another. */
static bool is_other_entry(struct vdm_bundle_check *v)
{
    uint64_t n = v->m.name.n;
    if (vdm_bundle_says(v, "genesis/") || vdm_bundle_says(v, "key/"))
        return false;
    return vdm_bundle_says(v, "capture/") || vdm_bundle_is_selected(v, n) ||
           vdm_bundle_is_newest(v, n);
}

static bool take_key_or_stray(struct vdm_bundle_check *v, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (vdm_entry_open(v->crypto, v->m.content, &note, &e, NULL) && !vdm_entry_is_key_entry(&e))
        return vdm_bundle_take_stray(v, err);
    return take_key_entry(v, err);
}

/* --- what had to wait for the keys --- */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct vdm_pubkey));
}

static void note_key(struct vdm_bundle_check *v, const uint8_t *key, bool missing)
{
    struct vdm_layout_member name = {.kind = VDM_LAYOUT_KEY};
    char path[VDM_LAYOUT_PATH_MAX + 1];
    memcpy(name.key.b, key, sizeof name.key.b);
    if (missing)
        vdm_bundle_missing(v, VDM_BAG_INVALID, &name, NULL);
    else if (v->names_known && vdm_layout_encode(&name, path, NULL))
        vdm_bundle_note(v, VDM_UNEXPECTED_MEMBER, VDM_NO_ENTRY, path,
                        "no genesis or key entry names this key");
}

/* Two rising rows; `named` may say a key several times. */
static void check_keys(struct vdm_bundle_check *v)
{
    const size_t step = sizeof(struct vdm_pubkey);
    size_t i = 0, j = 0;
    if (v->named.n)
        qsort(v->named.p, v->named.n / step, step, compare_keys);
    while (i < v->pems.n || j < v->named.n) {
        const uint8_t *pem = v->pems.p + i, *named = v->named.p + j;
        int order = i == v->pems.n ? 1 : j == v->named.n ? -1 : memcmp(pem, named, step);
        if (order != 0)
            note_key(v, order < 0 ? pem : named, order > 0);
        if (order <= 0)
            i += step;
        if (order >= 0)
            for (j += step; j < v->named.n && memcmp(v->named.p + j, named, step) == 0;)
                j += step;
    }
}

static void check_seal_words(struct vdm_bundle_check *v)
{
    const struct vdm_seal *s = &v->seal;
    const char *path = "vidimus/seal";
    char date[11];
    if (v->has_head && !vdm_bytes_equal(s->ledger, v->head.origin))
        bag_invalid(v, path, "the seal was made for another ledger");
    if (v->has_head && (s->size != v->head.size || !vdm_digest_equal(s->root, v->head.root)))
        bag_invalid(v, path, "the seal was made for another checkpoint");
    if (v->has_selection_file && !vdm_digest_equal(s->selection, v->selection_digest))
        bag_invalid(v, path, "the seal was made for another selection");
    if (v->m.tags.has_file && !vdm_digest_equal(s->tagmanifest, v->m.tags.file))
        bag_invalid(v, path, "the seal was made for another tagmanifest");
    vdm_bag_date(s->created, date);
    if (v->has_info && strcmp(date, v->info.date) != 0)
        vdm_report_add(v->report,
                       (struct vdm_seen){.kind = VDM_BAG_INVALID,
                                         .entry = VDM_NO_ENTRY,
                                         .document = "bag-info.txt",
                                         .expected = date,
                                         .found = v->info.date},
                       "Bagging-Date is not the day on which the seal was made");
}

static void check_seal_signer(struct vdm_bundle_check *v)
{
    struct vdm_note note;
    const char *path = "vidimus/seal";
    if (!v->has_head || !v->check.has_genesis ||
        !vdm_note_decode(vdm_buf_bytes(&v->seal_bytes), &note, NULL))
        return;
    const struct vdm_note_signature *line = &note.signature[0];
    const struct vdm_key_range *r = vdm_keyring_find(&v->check.keyring, line->name, line->id);
    if (r && vdm_note_verify(&note, v->crypto, &r->key, NULL) != VDM_NOTE_GOOD)
        vdm_bundle_note(v, VDM_SIGNATURE_INVALID, VDM_NO_ENTRY, path,
                        "the seal's signature does not fit it and its signer's key");
    else if (v->check.keyring.undecided_after >= v->head.size &&
             !(r && r->role == VDM_ROLE_SIGNER && vdm_key_range_covers(r, v->head.size)))
        vdm_report_add(v->report,
                       (struct vdm_seen){.kind = VDM_SIGNER_UNAUTHORIZED,
                                         .entry = VDM_NO_ENTRY,
                                         .document = path},
                       "%.*s, who sealed it, is no signer whose key is valid at this checkpoint",
                       (int)line->name.n, (const char *)line->name.p);
}

static void check_checkpoint(struct vdm_bundle_check *v)
{
    struct vdm_note note;
    if (!v->has_head || !v->check.has_genesis ||
        !vdm_note_decode(vdm_buf_bytes(&v->checkpoint), &note, NULL))
        return;
    if (!vdm_bytes_equal_str(v->head.origin, v->check.keyring.origin))
        vdm_bundle_note(v, VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY, "vidimus/checkpoint",
                        "it is of another ledger than genesis");
    (void)vdm_check_checkpoint_signature(&v->check, &note, v->head.size, NULL);
}

bool vdm_bundle_read_keyring(struct vdm_bundle_check *v, struct vdm_err *err)
{
    while (vdm_bundle_before_evidence(v)) {
        bool entry = v->m.name.kind == VDM_LAYOUT_ENTRY;
        if (entry && !vdm_members_load(&v->m, VDM_NOTE_MAX, err))
            return false;
        if (!v->m.here || (entry && is_other_entry(v)))
            break;
        if (!(entry ? take_key_or_stray : vdm_bundle_take_stray)(v, err))
            return false;
    }
    if (vdm_members_broken_off(&v->m))
        return true;
    if (v->key_entries == 0)
        vdm_bundle_missing(v, VDM_BAG_INVALID,
                           &(struct vdm_layout_member){.kind = VDM_LAYOUT_ENTRY}, NULL);
    if (v->key_entries)
        check_keys(v);
    check_checkpoint(v);
    if (v->has_seal) {
        check_seal_words(v);
        check_seal_signer(v);
    }
    return true;
}
