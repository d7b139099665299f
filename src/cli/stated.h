/* SPDX-License-Identifier: MIT */
/* What the options of import and amend state of documents: lines of a record. */
#ifndef VDM_CLI_STATED_H
#define VDM_CLI_STATED_H

#include "cli/cli.h"

#define VDM_STATED_OPTIONS                                                                         \
    {"source", 0, "URL", "where the document was obtained"},                                       \
        {"captured", 0, "TIME",                                                                    \
         "when, as precise as known: 2019, 2019-11-28T10:00:00Z, 2019-11~"},                       \
        {"captured-by", 0, "WHO", "person, organisation or tool that captured it"},                \
        {"method", 0, "HOW", "browser, crawler and version, scan, e-mail, copied by hand ..."},    \
        {"received-from", 0, "WHO", "who handed it over (may repeat)"},                            \
        {"record-id", 0, "ID", "WARC-Record-ID, accession number ... (may repeat)"},               \
        {"derived-from", 0, "N|not-held",                                                          \
         "the whole document of capture N, or one that is not held"},                              \
        {"derived-method", 0, "TEXT", "how it was derived"},                                       \
        {"collection", 0, "NAME", "collection it belongs to"}, {"title", 0, "TEXT", "title"},      \
        {"author", 0, "NAME", "author (may repeat)"},                                              \
        {"issuer", 0, "NAME", "who made the statement (may repeat)"},                              \
        {"publisher", 0, "NAME", "where it appeared (may repeat)"},                                \
        {"issued", 0, "DATE", "date or time of the statement"},                                    \
        {"issued-as-written", 0, "TEXT", "the date line as the document has it (may repeat)"},     \
        {"reference", 0, "NUMBER", "the issuer's own number (may repeat)"},                        \
        {"language", 0, "TAG", "BCP 47: en, ar, zh-Hant (may repeat)"},                            \
        {"rights", 0, "TEXT", "rights, text or URL (may repeat)"},                                 \
        {"unknown", 0, "KEY", "looked for and not found, e.g. author (may repeat)"},               \
        {"note", 0, "TEXT", "a note (may repeat)"},                                                \
    {                                                                                              \
        "field", 0, "K=V", "anything else (may repeat)"                                            \
    }

struct vdm_stated {
    struct vdm_record_line line[512];
    size_t n;
    struct vdm_buf derived, field[64]; /* values that were put together */
    size_t fields;
    bool parts; /* set before: --derived-from names what parts are cut out of, and is no line */
};
/* `cli->archive` is open: --derived-from names one of its captures. Zero-initialise. */
bool vdm_stated_collect(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_stated *out,
                        struct vdm_err *err) VDM_MUST_CHECK;
void vdm_stated_release(struct vdm_stated *s);

/* VDM_ERR_USAGE where an option was given that can be true of one document only. `parts`: --derived-from may. */
bool vdm_stated_check_several(const struct vdm_args *args, bool parts,
                              struct vdm_err *err) VDM_MUST_CHECK;

#endif
