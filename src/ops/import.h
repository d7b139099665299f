/* SPDX-License-Identifier: MIT */
/* Import: from files to documents in the store and captures in the ledger, batch by batch. */
#ifndef VDM_OPS_IMPORT_H
#define VDM_OPS_IMPORT_H

#include "capture/media.h"
#include "capture/text_extract.h"
#include "format/record.h"
#include "ops/unlock.h"

/* What becomes of a WARC. */
enum vdm_import_warc {
    VDM_WARC_BOTH,    /* it is a document, and so is each payload in it */
    VDM_WARC_WHOLE,   /* it is a document, as any file */
    VDM_WARC_RECORDS, /* each payload in it is a document */
};

struct vdm_import_request {
    const char *const *paths;
    size_t n;
    const char *table; /* metadata table, or NULL */
    /* Instead of paths, parts of the document of capture `part_of`: OFFSET,LENGTH each, and by the rows of the
     * table, which are about a `range`. */
    bool parts;
    uint64_t part_of;
    const char *part_method; /* or NULL */
    const char *const *range;
    size_t ranges;
    /* Stated for every input that does not state it itself; plain bytes, not escaped. */
    const struct vdm_record_line *given;
    size_t givens;
    uint64_t required; /* bit (1 << field): an input that says nothing of the field is refused */
    enum vdm_import_warc warc;
    bool as_file;     /* look into no container */
    bool again;       /* record what is known already once more */
    bool dry_run;     /* write nothing */
    bool no_text;     /* make no text fingerprints */
    unsigned threads; /* 0: as many as there are processors, where there is enough to do */
};

enum vdm_input_status {
    VDM_INPUT_RECORDED,
    VDM_INPUT_KNOWN, /* same document, source and captured time are recorded already (in a bag: by it) */
    VDM_INPUT_REFUSED,
    VDM_INPUT_WOULD_RECORD, /* of a dry run */
    VDM_INPUT_PROBLEM, /* at `offset` of a container something could not be read, or is not as it says */
};

/* What became of one input. Told once, when it is certain: what was recorded, after the commit. */
struct vdm_input {
    enum vdm_input_status status;
    struct vdm_bytes path;    /* as named by the user, unescaped */
    uint64_t entry;           /* RECORDED: its number; KNOWN: the one that was there */
    struct vdm_digest digest; /* unless REFUSED or PROBLEM */
    uint64_t size;
    const char *reason; /* REFUSED, PROBLEM */
    uint64_t offset;    /* PROBLEM; UINT64_MAX: it concerns the whole of it */
    uint64_t differs;   /* KNOWN: fields (bits) whose values are other than those recorded */
};
typedef void vdm_import_tell_fn(void *ctx, const struct vdm_input *input);

struct vdm_import_done {
    uint64_t imported, known, refused, problems, bytes, repaired;
    uint64_t bundles_untrusted;   /* of the imported: by no key that is trusted here */
    uint64_t revisits_unresolved; /* of the imported: the record of one in place of the payload */
    uint64_t first, last;         /* entries, if imported > 0 */
    uint64_t not_stated[VDM_FIELDS]; /* how many of the imported say nothing of a field */
    struct vdm_unguessed unguessed;  /* media types that could not be guessed */
    struct vdm_textless textless;    /* documents without a text fingerprint that should have one */
    struct vdm_buf checkpoint;       /* the newest; n == 0: nothing was recorded */
};

/* `signers` may be NULL for a dry run. Also after an error *done tells what was acknowledged before;
 * VDM_ERR_INTERRUPTED: stopped at the user's wish, after a whole batch. */
bool vdm_import(struct vdm_archive *a, const struct vdm_import_request *r,
                const struct vdm_signers *signers, const struct vdm_progress *progress,
                vdm_import_tell_fn *tell, void *ctx, struct vdm_import_done *done,
                struct vdm_err *err) VDM_MUST_CHECK;

/* The fields whose absence is counted and shown. */
extern const enum vdm_field vdm_counted_fields[];
extern const size_t vdm_counted_fields_n;

#endif
