/* SPDX-License-Identifier: MIT */
#include "format/entry.h"

#include "base/limits.h"
#include "base/text.h"
#include "format/value.h"

#include <string.h>

static const char *const kind_names[] = {"genesis",    "key",   "capture", "amendment",
                                         "withdrawal", "audit", NULL};
static const char *const action_names[] = {"authorize", "retire", "revoke", NULL};
static const char *const role_names[] = {"signer", "auditor", "ledger", NULL, "authority"};
static const char *const scope_names[] = {"document", "record", "both", NULL};
static const char *const mode_names[] = {"full", "partial", NULL};

const char *vdm_entry_kind_name(enum vdm_entry_kind kind)
{
    return kind == VDM_ENTRY_UNKNOWN ? "unknown" : kind_names[kind];
}

const char *vdm_role_name(enum vdm_key_role role)
{
    return role == VDM_ROLE_AUTHORITY ? "authority" : role_names[role];
}

const char *vdm_action_name(enum vdm_key_action action)
{
    return action_names[action];
}

const char *vdm_scope_name(enum vdm_scope scope)
{
    return scope_names[scope];
}

/* --- the kinds: for each, one function that reads its fields and one that writes them --- */

static bool take_vkey(struct vdm_crypto *c, struct vdm_bytes *rest, const char *key,
                      struct vdm_vkey *out)
{
    struct vdm_bytes value;
    return vdm_take_field(rest, key, &value) && vdm_vkey_decode(c, value, out, NULL) &&
           vdm_vkey_is_ours(out);
}

static void put_vkey(struct vdm_buf *out, const char *key, const struct vdm_vkey *k)
{
    vdm_buf_puts(out, key);
    vdm_buf_putc(out, ' ');
    vdm_vkey_append(out, k);
    vdm_buf_putc(out, '\n');
}

static bool take_continues(struct vdm_bytes *rest, struct vdm_genesis *g)
{
    struct vdm_bytes value, size;
    if (!vdm_take_field(rest, "continues", &value))
        return true;
    return vdm_cut(&value, ' ', &g->continues) && vdm_origin_valid(g->continues) &&
           vdm_cut(&value, ' ', &size) && vdm_number_decode(size, &g->continues_size) &&
           vdm_digest_from_base64(value, &g->continues_root);
}

static bool take_genesis(struct vdm_crypto *c, struct vdm_bytes *rest, struct vdm_genesis *g)
{
    return take_vkey(c, rest, "authority", &g->authority) &&
           take_vkey(c, rest, "ledger-key", &g->ledger_key) &&
           vdm_take_value(rest, "software", &g->software) && take_continues(rest, g);
}

static void put_genesis(struct vdm_buf *out, const struct vdm_genesis *g)
{
    put_vkey(out, "authority", &g->authority);
    put_vkey(out, "ledger-key", &g->ledger_key);
    vdm_put_field(out, "software", g->software);
    if (g->continues.n) {
        vdm_buf_puts(out, "continues ");
        vdm_buf_put(out, g->continues);
        vdm_put_tree(out, "", g->continues_size, g->continues_root);
    }
}

static bool take_key_event(struct vdm_crypto *c, struct vdm_bytes *rest, struct vdm_key_event *k)
{
    int action, role;
    if (!vdm_take_word(rest, "action", action_names, &action) ||
        !vdm_take_word(rest, "role", role_names, &role) || !take_vkey(c, rest, "key", &k->key))
        return false;
    k->action = (enum vdm_key_action)action;
    k->role = (enum vdm_key_role)role;
    if (k->action == VDM_KEY_REVOKE && !vdm_take_number(rest, "since", &k->since))
        return false;
    vdm_take_value(rest, "reason", &k->reason);
    return true;
}

static void put_key_event(struct vdm_buf *out, const struct vdm_key_event *k)
{
    vdm_put_field(out, "action", vdm_str(action_names[k->action]));
    vdm_put_field(out, "role", vdm_str(role_names[k->role]));
    put_vkey(out, "key", &k->key);
    if (k->action == VDM_KEY_REVOKE)
        vdm_put_number(out, "since", k->since);
    if (k->reason.n)
        vdm_put_field(out, "reason", k->reason);
}

static bool take_withdrawal(struct vdm_bytes *rest, struct vdm_withdrawal *w)
{
    int scope;
    if (!vdm_take_number(rest, "withdraws", &w->of) ||
        !vdm_take_word(rest, "scope", scope_names, &scope) ||
        !vdm_take_value(rest, "decided-by", &w->decided_by))
        return false;
    w->scope = (enum vdm_scope)scope;
    vdm_take_value(rest, "reason", &w->reason);
    return true;
}

static void put_withdrawal(struct vdm_buf *out, const struct vdm_withdrawal *w)
{
    vdm_put_number(out, "withdraws", w->of);
    vdm_put_field(out, "scope", vdm_str(scope_names[w->scope]));
    vdm_put_field(out, "decided-by", w->decided_by);
    if (w->reason.n)
        vdm_put_field(out, "reason", w->reason);
}

bool vdm_ranges_valid(struct vdm_bytes text)
{
    uint64_t least = 0; /* the next range starts here or later */
    if (text.n == 0)
        return false;
    while (text.n) {
        struct vdm_bytes item;
        if (!vdm_cut(&text, ',', &item)) {
            item = text;
            text.n = 0;
        } else if (text.n == 0) {
            return false;
        }
        uint64_t a, b;
        struct vdm_bytes from = item, to = item;
        bool pair = vdm_cut(&to, '-', &from);
        if (!vdm_number_decode(from, &a) || !vdm_number_decode(to, &b))
            return false;
        if ((pair && b <= a) || a < least)
            return false;
        least = b + 2; /* b + 1 would belong to the same range */
    }
    return true;
}

static bool take_audit(struct vdm_bytes *rest, struct vdm_audit *a)
{
    int mode;
    if (!vdm_take_tree(rest, "checkpoint", &a->size, &a->root) ||
        !vdm_take_word(rest, "mode", mode_names, &mode) ||
        !vdm_take_field(rest, "covered", &a->covered) || !vdm_ranges_valid(a->covered) ||
        !vdm_take_number(rest, "documents", &a->documents) ||
        !vdm_take_number(rest, "missing", &a->missing) ||
        !vdm_take_number(rest, "corrupt", &a->corrupt) ||
        !vdm_take_number(rest, "repaired", &a->repaired))
        return false;
    a->mode = (enum vdm_audit_mode)mode;
    a->has_findings = vdm_take_digest(rest, "findings", &a->findings);
    return true;
}

static void put_audit(struct vdm_buf *out, const struct vdm_audit *a)
{
    vdm_put_tree(out, "checkpoint", a->size, a->root);
    vdm_put_field(out, "mode", vdm_str(mode_names[a->mode]));
    vdm_put_field(out, "covered", a->covered);
    vdm_put_number(out, "documents", a->documents);
    vdm_put_number(out, "missing", a->missing);
    vdm_put_number(out, "corrupt", a->corrupt);
    vdm_put_number(out, "repaired", a->repaired);
    if (a->has_findings)
        vdm_put_digest(out, "findings", a->findings);
}

/* --- head and dispatch --- */

/* `vidimus/<kind>/v<version>`. A kind is lower-case letters and `-`; versions count from 1. */
static bool take_type(struct vdm_bytes *rest, struct vdm_entry *e)
{
    struct vdm_bytes line, kind, version;
    if (!vdm_cut_line(rest, &line) || !vdm_take_literal(&line, "vidimus/"))
        return false;
    e->type = version = line;
    uint64_t v;
    if (!vdm_cut(&version, '/', &kind) || kind.n == 0 || !vdm_take_literal(&version, "v") ||
        !vdm_number_decode(version, &v) || v == 0)
        return false;
    for (size_t i = 0; i < kind.n; i++)
        if ((kind.p[i] < 'a' || kind.p[i] > 'z') && kind.p[i] != '-')
            return false;
    e->kind = VDM_ENTRY_UNKNOWN;
    for (int i = 0; v == 1 && kind_names[i]; i++)
        if (vdm_bytes_equal_str(kind, kind_names[i]))
            e->kind = (enum vdm_entry_kind)i;
    return true;
}

static bool take_head(struct vdm_bytes *rest, struct vdm_entry *e)
{
    struct vdm_bytes signer;
    return take_type(rest, e) && vdm_take_field(rest, "ledger", &e->ledger) &&
           vdm_origin_valid(e->ledger) && vdm_take_number(rest, "entry", &e->n) &&
           vdm_take_digest(rest, "previous", &e->previous) &&
           vdm_take_number(rest, "keyring", &e->keyring) &&
           vdm_take_time(rest, "recorded", &e->recorded) &&
           vdm_take_field(rest, "signer", &signer) &&
           vdm_signer_decode(signer, &e->signer, &e->signer_id);
}

static bool take_fields(struct vdm_crypto *c, struct vdm_bytes *rest, struct vdm_entry *e)
{
    switch (e->kind) {
    case VDM_ENTRY_GENESIS:
        return take_genesis(c, rest, &e->genesis);
    case VDM_ENTRY_KEY:
        return take_key_event(c, rest, &e->key);
    case VDM_ENTRY_AMENDMENT:
        return vdm_take_number(rest, "amends", &e->capture.amends) &&
               vdm_take_digest(rest, "record", &e->capture.record);
    case VDM_ENTRY_CAPTURE:
        return vdm_take_digest(rest, "record", &e->capture.record);
    case VDM_ENTRY_WITHDRAWAL:
        return take_withdrawal(rest, &e->withdrawal);
    case VDM_ENTRY_AUDIT:
        return take_audit(rest, &e->audit);
    case VDM_ENTRY_UNKNOWN:
    default:
        break;
    }
    e->unknown = *rest;
    rest->n = 0;
    return e->unknown.n == 0 || e->unknown.p[e->unknown.n - 1] == '\n';
}

static void put_fields(struct vdm_buf *out, const struct vdm_entry *e)
{
    switch (e->kind) {
    case VDM_ENTRY_GENESIS:
        put_genesis(out, &e->genesis);
        return;
    case VDM_ENTRY_KEY:
        put_key_event(out, &e->key);
        return;
    case VDM_ENTRY_AMENDMENT:
        vdm_put_number(out, "amends", e->capture.amends);
        vdm_put_digest(out, "record", e->capture.record);
        return;
    case VDM_ENTRY_CAPTURE:
        vdm_put_digest(out, "record", e->capture.record);
        return;
    case VDM_ENTRY_WITHDRAWAL:
        put_withdrawal(out, &e->withdrawal);
        return;
    case VDM_ENTRY_AUDIT:
        put_audit(out, &e->audit);
        return;
    case VDM_ENTRY_UNKNOWN:
    default:
        vdm_buf_put(out, e->unknown);
        return;
    }
}

void vdm_entry_append(struct vdm_buf *out, const struct vdm_entry *e)
{
    vdm_buf_puts(out, "vidimus/");
    if (e->kind == VDM_ENTRY_UNKNOWN) {
        vdm_buf_put(out, e->type);
    } else {
        vdm_buf_puts(out, kind_names[e->kind]);
        vdm_buf_puts(out, "/v1");
    }
    vdm_buf_putc(out, '\n');
    vdm_put_field(out, "ledger", e->ledger);
    vdm_put_number(out, "entry", e->n);
    vdm_put_digest(out, "previous", e->previous);
    vdm_put_number(out, "keyring", e->keyring);
    vdm_put_time(out, "recorded", e->recorded);
    vdm_buf_puts(out, "signer ");
    vdm_signer_append(out, e->signer, e->signer_id);
    vdm_buf_putc(out, '\n');
    put_fields(out, e);
}

/* Every number that an entry holds about other entries leads back, and genesis alone is entry 0. */
static bool well_placed(const struct vdm_entry *e)
{
    bool genesis = vdm_bytes_start_with(e->type, VDM_LIT("genesis/"));
    if (genesis != (e->n == 0) || (e->n == 0 ? e->keyring != 0 : e->keyring >= e->n))
        return false;
    if (e->kind == VDM_ENTRY_AMENDMENT)
        return e->capture.amends < e->n;
    return e->kind != VDM_ENTRY_WITHDRAWAL || e->withdrawal.of < e->n;
}

bool vdm_entry_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_entry *out,
                      struct vdm_err *err)
{
    struct vdm_bytes rest = text;
    struct vdm_entry e = {0};
    if (!take_head(&rest, &e))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed entry head");
    if (!take_fields(c, &rest, &e) || rest.n != 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "malformed fields of a %s entry",
                           vdm_entry_kind_name(e.kind));
    if (!well_placed(&e))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%s entry that cannot stand at this number",
                           vdm_entry_kind_name(e.kind));
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_entry_append(&again, &e);
    if (!vdm_same_bytes(&again, text, "the entry", err))
        return false;
    *out = e;
    return true;
}

bool vdm_entry_open(struct vdm_crypto *c, struct vdm_bytes whole, struct vdm_note *note,
                    struct vdm_entry *out, struct vdm_err *err)
{
    struct vdm_note n;
    struct vdm_entry e;
    struct vdm_sig sig;
    if (!vdm_note_decode(whole, &n, err) || !vdm_entry_decode(c, n.text, &e, err))
        return false;
    if (n.signatures != 1)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "an entry with %zu signatures, not one",
                           n.signatures);
    if (n.signature[0].id != e.signer_id || !vdm_bytes_equal(n.signature[0].name, e.signer))
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "the signature line is not by the signer that the entry names");
    if (!vdm_note_signature_ed25519(&n.signature[0], &sig))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the signature is not of the Ed25519 length");
    vdm_note_copy(note, &n);
    *out = e;
    return true;
}

bool vdm_entry_is_key_entry(const struct vdm_entry *e)
{
    return vdm_bytes_start_with(e->type, VDM_LIT("genesis/")) ||
           vdm_bytes_start_with(e->type, VDM_LIT("key/"));
}
