/* SPDX-License-Identifier: MIT */
/* The tables of ledger.db and catalog.db, as SQL that is run once and compared for ever. */
#ifndef VDM_LEDGER_SCHEMA_H
#define VDM_LEDGER_SCHEMA_H

#define VDM_LEDGER_APPLICATION_ID  0x7664316c /* "vd1l" */
#define VDM_CATALOG_APPLICATION_ID 0x76643163 /* "vd1c" */
#define VDM_LEDGER_SCHEMA_VERSION  1
#define VDM_CATALOG_SCHEMA_VERSION 2

/* One statement an element, NULL ends them. */
extern const char *const vdm_ledger_schema[];
extern const char *const vdm_catalog_schema[];
/* Of version 1, which is read, but made anew by who writes. */
extern const char *const vdm_catalog_schema_1[];

#endif
