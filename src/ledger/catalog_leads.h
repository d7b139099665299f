/* SPDX-License-Identifier: MIT */
/* Where the captures of a document or a source are. An index over digests or URLs has its keys in no
 * order: in a large archive every document that is taken in would change a page of its own. So the
 * catalog keeps leads (key, n): capture n may be of what has this key. There is one for the document of
 * each row of `capture` that has one, and one for its source, as the row says them; the row decides.
 *
 * They stand in three tables. New ones go into lead0, which the page cache holds. Once it is full, all of
 * it goes into lead1, in the order of keys, so that a page takes many of them at once; and what lead1
 * then has too many of goes into lead2, one range of keys after the other (`lead_turn` says where it goes
 * on), so that no single commit has to write all of it. */
#ifndef VDM_LEDGER_CATALOG_LEADS_H
#define VDM_LEDGER_CATALOG_LEADS_H

#include "ledger/catalog.h"

#define VDM_LEADS_ROWS 65536 /* from so many rows on lead0 is full */
#define VDM_LEADS_AGE  12    /* lead1 holds so many times as much */

/* Of a document's digest, or of bytes that are none: then no capture has it. 0 and above. */
int64_t vdm_lead_document(struct vdm_bytes digest);
/* Of a source, by its SHA-256: nobody can have many sources share a key. Below 0. */
bool vdm_lead_source(struct vdm_catalog *c, struct vdm_bytes source, int64_t *key,
                     struct vdm_err *err) VDM_MUST_CHECK;

/* Capture n will have the document and source of r (NULL: none): to be called before its row is changed,
 * which says what it has had so far. Where there is no such row, nothing is done. */
bool vdm_leads_change(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Of a row that was just made. */
bool vdm_leads_add(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* Before the commit: move what is too many. */
bool vdm_leads_settle(struct vdm_catalog *c, struct vdm_err *err) VDM_MUST_CHECK;
/* For tests: lead0 is full from so many rows on. */
void vdm_leads_limit(struct vdm_catalog *c, uint64_t rows);

#endif
