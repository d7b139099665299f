/* SPDX-License-Identifier: MIT */
/* Every bound in one place: what a format allows, and what we are willing to hold in memory. */
#ifndef VDM_BASE_LIMITS_H
#define VDM_BASE_LIMITS_H

#include <stdint.h>

/* docs/FORMATS.md, "Text" and "Entries". */
#define VDM_NUMBER_MAX       ((UINT64_C(1) << 53) - 1) /* every number in our texts */
#define VDM_NAME_MAX         64                        /* bytes of an origin or key name */
#define VDM_NOTE_MAX         65535                     /* bytes of a note, a record or a proof */
#define VDM_EVIDENCE_MAX     (1u << 20)                /* bytes of an evidence file */
#define VDM_FORK_PROOF_MAX   (1u << 18) /* bytes of a fork proof: two notes and hashes */
#define VDM_KEY_ENTRIES_MAX  10000      /* key entries of one ledger */
#define VDM_SIGNATURES_MAX   100        /* signature lines of one note */
#define VDM_PROOF_HASHES_MAX 63         /* a tree of 2^63 leaves needs no more */

/* What we hold or accept. */
#define VDM_SMALL_FILE_MAX (1u << 20) /* keys, policies, checkpoints given as files */
#define VDM_COPY_BYTES     (1u << 16) /* streaming buffer */
#define VDM_PATH_MAX_BYTES 4096
#define VDM_WALK_DEPTH_MAX 64   /* folders below a folder that is imported */
#define VDM_FINDINGS_MAX   1000 /* findings listed one by one; more are counted */

/* Containers: what one may ask of us. The parent of the worker that reads it counts. */
#define VDM_MEMBERS_MAX       10000000u /* members of one container */
#define VDM_MEMBER_NAME_MAX   4096      /* bytes of a member's name */
#define VDM_MEMBER_LINES_MAX  400       /* lines that it states, with VDM_NOTE_MAX bytes */
#define VDM_UNPACK_RATIO_MAX  300       /* unpacked bytes for each byte of the container, */
#define VDM_UNPACK_FREE_BYTES (UINT64_C(256) << 20) /* these apart */
#define VDM_UNPACK_TOTAL_MAX  (UINT64_C(4) << 40)   /* unpacked bytes of one container */

/* Bags, whose files are all known before one is judged. */
#define VDM_BAG_FILES_MAX    500000u
#define VDM_BAG_TEXT_MAX     (64u << 20) /* bytes of all tag files that are read */
#define VDM_BAG_ELEMENTS_MAX 200u        /* elements of bag-info.txt that are told */

/* Unlocking a key: a key file that asks for more is refused, it would only exhaust the machine. */
#define VDM_KDF_OPS_MAX    16u
#define VDM_KDF_MEMORY_MAX (UINT64_C(1) << 30)

#endif
