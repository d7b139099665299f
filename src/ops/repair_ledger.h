/* SPDX-License-Identifier: MIT */
/* A damaged ledger made good from a mirror's or another archive's, and from what of it can still be read:
 * the result must have the root that keys/last-checkpoint remembers, so nobody's word is taken. */
#ifndef VDM_OPS_REPAIR_LEDGER_H
#define VDM_OPS_REPAIR_LEDGER_H

#include "ops/archive.h"

/* *a is open for writing, and opened anew. The damaged file stays as store/ledger.db.damaged-<random>. An
 * error, and nothing changed, where what is lacking there cannot be read here. */
bool vdm_repair_ledger(struct vdm_archive **a, const char *from_store,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
