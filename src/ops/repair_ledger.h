/* SPDX-License-Identifier: MIT */
/* A damaged ledger made good from a mirror's or another archive's, and from what of it can still be read.
 * Nobody's word is taken: the new ledger is built row by row, its tree from the entries. Its entries must
 * have the root that keys/last-checkpoint remembers, what goes beyond that must be signed, and each record
 * must be the one that its entry commits to. */
#ifndef VDM_OPS_REPAIR_LEDGER_H
#define VDM_OPS_REPAIR_LEDGER_H

#include "ops/archive.h"

/* *a is open for writing, and opened anew. The damaged file stays as store/ledger.db.damaged-<random>. An
 * error, and nothing changed, where an entry, or a record that was not withdrawn, is good on neither side. */
bool vdm_repair_ledger(struct vdm_archive **a, const char *from_store,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
