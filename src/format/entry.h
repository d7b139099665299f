/* SPDX-License-Identifier: MIT */
/* Entries: what the ledger is made of (docs/FORMATS.md, "Entries"). An entry is a signed note with
 * one signature line; its text is a head, the same for every kind, and the kind's own fields. */
#ifndef VDM_FORMAT_ENTRY_H
#define VDM_FORMAT_ENTRY_H

#include "base/time.h"
#include "format/note.h"

enum vdm_entry_kind {
    VDM_ENTRY_GENESIS,
    VDM_ENTRY_KEY,
    VDM_ENTRY_CAPTURE,
    VDM_ENTRY_AMENDMENT,
    VDM_ENTRY_WITHDRAWAL,
    VDM_ENTRY_AUDIT,
    VDM_ENTRY_UNKNOWN, /* a kind or version that came later: only the head is understood */
};

enum vdm_key_action { VDM_KEY_AUTHORIZE, VDM_KEY_RETIRE, VDM_KEY_REVOKE };
enum vdm_key_role { VDM_ROLE_SIGNER, VDM_ROLE_AUDITOR, VDM_ROLE_LEDGER, VDM_ROLE_AUTHORITY };
enum vdm_scope { VDM_SCOPE_DOCUMENT, VDM_SCOPE_RECORD, VDM_SCOPE_BOTH };
enum vdm_audit_mode { VDM_AUDIT_FULL, VDM_AUDIT_PARTIAL };

struct vdm_genesis {
    struct vdm_vkey authority;
    struct vdm_vkey ledger_key;
    struct vdm_bytes software;
    struct vdm_bytes continues; /* origin of the ledger that this one goes on from; n == 0: none */
    uint64_t continues_size;
    struct vdm_digest continues_root;
};

struct vdm_key_event {
    enum vdm_key_action action;
    enum vdm_key_role role; /* never VDM_ROLE_AUTHORITY */
    struct vdm_vkey key;
    uint64_t since;          /* VDM_KEY_REVOKE only */
    struct vdm_bytes reason; /* optional */
};

struct vdm_withdrawal {
    uint64_t of;
    enum vdm_scope scope;
    struct vdm_bytes decided_by;
    struct vdm_bytes reason; /* optional */
};

struct vdm_audit {
    uint64_t size;
    struct vdm_digest root;
    enum vdm_audit_mode mode;
    struct vdm_bytes covered;
    uint64_t documents, missing, corrupt, repaired;
    bool has_findings;
    struct vdm_digest findings;
};

/* Borrows from the text; text values stand escaped (format/value.h). */
struct vdm_entry {
    enum vdm_entry_kind kind;
    struct vdm_bytes type; /* `<kind>/v<version>` as in the first line */
    struct vdm_bytes ledger;
    uint64_t n;
    struct vdm_digest previous;
    uint64_t keyring;
    struct vdm_time recorded;
    struct vdm_bytes signer;
    uint32_t signer_id;
    struct vdm_bytes unknown; /* VDM_ENTRY_UNKNOWN: the lines after the head, as they stand */
    union {
        struct vdm_genesis genesis;
        struct vdm_key_event key;
        struct { /* VDM_ENTRY_CAPTURE, VDM_ENTRY_AMENDMENT */
            struct vdm_digest record;
            uint64_t amends;
        } capture;
        struct vdm_withdrawal withdrawal;
        struct vdm_audit audit;
    };
};

/* Refuses also what no ledger could hold at this number: a genesis elsewhere than at 0, another kind
 * at 0, a `keyring`, `amends` or `withdraws` that names no earlier entry. */
bool vdm_entry_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_entry *out,
                      struct vdm_err *err) VDM_MUST_CHECK;
void vdm_entry_append(struct vdm_buf *out, const struct vdm_entry *e);

/* A whole entry: the note, one Ed25519 signature line, by the signer that the head names. The
 * signature itself is not checked here. */
bool vdm_entry_open(struct vdm_crypto *c, struct vdm_bytes whole, struct vdm_note *note,
                    struct vdm_entry *out, struct vdm_err *err) VDM_MUST_CHECK;

/* Does this entry count for `keyring`: is it a genesis or key entry, of whatever version? */
bool vdm_entry_is_key_entry(const struct vdm_entry *e);

/* Ranges `1-400,512`: rising, merged, not empty. */
bool vdm_ranges_valid(struct vdm_bytes text);

const char *vdm_entry_kind_name(enum vdm_entry_kind kind);
const char *vdm_role_name(enum vdm_key_role role);
const char *vdm_action_name(enum vdm_key_action action);
const char *vdm_scope_name(enum vdm_scope scope);

#endif
