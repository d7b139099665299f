/* SPDX-License-Identifier: MIT */
/* What `import` tells: of each input, as it becomes certain, and at the end of all. */
#ifndef VDM_CLI_IMPORT_TELL_H
#define VDM_CLI_IMPORT_TELL_H

#include "base/file.h"
#include "cli/cmd.h"
#include "ops/import.h"

struct vdm_import_telling {
    struct vdm_cli *cli;
    json_t *refusals, *problems; /* with --json */
    FILE *receipt;               /* or NULL */
    struct vdm_new_file file;
};

/* `receipt`: the file of --receipt, or NULL. */
bool vdm_import_tell_open(struct vdm_import_telling *t, struct vdm_cli *cli, const char *receipt,
                          struct vdm_err *err) VDM_MUST_CHECK;
void vdm_import_tell_release(struct vdm_import_telling *t);

/* For vdm_import; ctx is the struct. */
void vdm_import_tell(void *ctx, const struct vdm_input *in);
/* Of all, once. */
bool vdm_import_tell_done(struct vdm_import_telling *t, const struct vdm_import_done *d, bool dry,
                          uint64_t ms, struct vdm_err *err) VDM_MUST_CHECK;
/* The receipt is whole, and gets its name. */
bool vdm_import_tell_receipt(struct vdm_import_telling *t, struct vdm_err *err) VDM_MUST_CHECK;

#endif
