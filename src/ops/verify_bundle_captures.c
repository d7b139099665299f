/* SPDX-License-Identifier: MIT */
#include "ops/verify_bundle_state.h"

/* To the entry of capture n; found == false: what stands next stands behind it. */
static bool seek_capture(struct vdm_bundle_check *v, uint64_t n, bool *found, struct vdm_err *err)
{
    *found = false;
    while (vdm_bundle_before_evidence(v)) {
        uint64_t at = v->m.name.n;
        bool entry = v->m.name.kind == VDM_LAYOUT_ENTRY;
        if (at == n && v->m.name.kind > VDM_LAYOUT_INDEX) {
            *found = entry;
            return true;
        }
        if (entry && at > n && (vdm_bundle_is_selected(v, at) || vdm_bundle_is_newest(v, at)))
            return true;
        if (!vdm_bundle_take_stray(v, err))
            return false;
    }
    return true;
}

/* Without a selection that can be read: the captures as they come. */
static bool read_unselected(struct vdm_bundle_check *v, struct vdm_err *err)
{
    while (vdm_members_at(&v->m, VDM_LAYOUT_ENTRY)) {
        if (!vdm_members_load(&v->m, VDM_NOTE_MAX, err))
            return false;
        if (!v->m.here || !vdm_bundle_says(v, "capture/"))
            return true;
        if (!vdm_bundle_read_group(v, v->m.name.n, true, err))
            return false;
    }
    return true;
}

bool vdm_bundle_read_captures(struct vdm_bundle_check *v, struct vdm_err *err)
{
    bool found;
    if (!v->has_selection)
        return read_unselected(v, err);
    for (size_t i = 0; i < v->selecteds; i++) {
        if (!seek_capture(v, v->selected[i], &found, err))
            return false;
        if (vdm_members_broken_off(&v->m))
            return true;
        if (!vdm_bundle_read_group(v, v->selected[i], found, err))
            return false;
    }
    return true;
}

/* --- the newest entry, where it has not stood before --- */

static bool take_newest(struct vdm_bundle_check *v, struct vdm_err *err)
{
    const struct vdm_entry *e = &v->checked.entry;
    uint64_t n = v->m.name.n;
    if (!vdm_members_load(&v->m, VDM_NOTE_MAX, err))
        return false;
    bool key = vdm_bundle_says(v, "key/") || vdm_bundle_says(v, "genesis/");
    if (key && v->m.here)
        vdm_bundle_note(v, VDM_UNEXPECTED_MEMBER, n, v->m.path,
                        "a key entry stands before the captures");
    v->newest_seen = true;
    if (!vdm_bundle_take_entry(v, err))
        return false;
    bool amendment = v->checked.decoded && e->kind == VDM_ENTRY_AMENDMENT;
    bool withdrawal = v->checked.decoded && e->kind == VDM_ENTRY_WITHDRAWAL;
    uint64_t of = amendment ? e->capture.amends : withdrawal ? e->withdrawal.of : n;
    if ((amendment || withdrawal) && vdm_bundle_is_selected(v, of))
        vdm_bundle_note(v, VDM_BAG_INVALID, n, NULL, "it belongs to a selected capture");
    if ((amendment || withdrawal) && vdm_entry_check_is_key_entry(&v->check, of))
        vdm_bundle_note(v, VDM_ENTRY_MALFORMED, n, NULL, "what it is about is no capture");
    vdm_entry_check_end(&v->check);
    return true;
}

bool vdm_bundle_read_newest(struct vdm_bundle_check *v, struct vdm_err *err)
{
    while (vdm_bundle_before_evidence(v)) {
        bool newest = v->m.name.kind == VDM_LAYOUT_ENTRY && !v->newest_seen &&
                      (!v->has_head || vdm_bundle_is_newest(v, v->m.name.n));
        if (!(newest ? take_newest : vdm_bundle_take_stray)(v, err))
            return false;
    }
    if (v->has_head && !v->newest_seen)
        vdm_bundle_missing(
            v, VDM_BAG_INVALID,
            &(struct vdm_layout_member){.kind = VDM_LAYOUT_ENTRY, .n = v->head.size - 1}, NULL);
    return true;
}
