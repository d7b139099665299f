/* SPDX-License-Identifier: MIT */
/* What the files of the WARC reader share: warc.c goes from record to record, warc_record.c takes one as a
 * member, warc_info.c remembers warcinfo records. */
#ifndef VDM_CAPTURE_WARC_PRIVATE_H
#define VDM_CAPTURE_WARC_PRIVATE_H

#include "capture/warc_head.h"
#include "capture/warc_http.h"
#include "capture/warc_unpack.h"

#define VDM_WARCINFO_TEXT_MAX 512
#define VDM_WARCINFOS_MAX     32

/* What a warcinfo record says of the records that follow. */
struct vdm_warcinfo {
    char id[VDM_WARCINFO_TEXT_MAX], operator_[VDM_WARCINFO_TEXT_MAX],
        software[VDM_WARCINFO_TEXT_MAX];
};

enum vdm_warc_end {
    VDM_WARC_ENDS,      /* as it should */
    VDM_WARC_CUT,       /* the file ends in it */
    VDM_WARC_DAMAGED,   /* its data cannot be unpacked */
    VDM_WARC_TOO_LONG,  /* its length takes in the record that follows */
    VDM_WARC_TOO_SHORT, /* something follows that is no record */
};

struct vdm_warc {
    struct vdm_unpack *in;
    struct vdm_members *to;
    const char *
        within; /* what of the container it is, where that is packed; NULL: offsets are those in the file */
    uint64_t begins; /* where it begins in the file: 0, or in a container that holds several */
    struct vdm_head head, http, info;
    /* The record at hand. */
    uint64_t start, start_file; /* unpacked, and where to look in the file */
    bool amid; /* in a piece that has begun before: start_file is not enough to find it */
    uint64_t block, length;          /* unpacked position and length of its block */
    uint8_t raw[VDM_HEAD_BYTES_MAX]; /* its head as it stands */
    size_t raw_n;
    bool suspect;     /* plain: where the block should end, nothing ends */
    uint64_t inner;   /* plain: where in the block a record seems to begin; 0: nowhere */
    uint8_t last[16]; /* the end of the piece before, to find that */
    size_t lasts;
    uint64_t headless; /* no head ends from where one was last met to here */
    enum vdm_warc_end end;
    bool salvaged;                                /* records before this one could not be read */
    struct vdm_warcinfo infos[VDM_WARCINFOS_MAX]; /* a ring; the newest is in force */
    size_t informed;
};

#define VDM_WARC_PLACE_MAX 90
/* "byte 17 of what it unpacks to": where the record at hand begins, where the file has no byte for that. Of several
 * WARCs in one file each may have a record there, so it says which. */
void vdm_warc_unpacked_place(const struct vdm_warc *w, char text[VDM_WARC_PLACE_MAX]);
/* With the place of what is at hand. */
void vdm_warc_problem(struct vdm_warc *w, const char *format, ...) VDM_PRINTF(2, 3);
/* The next piece of the block, at most `left` bytes; empty: the file ends or is damaged there. */
struct vdm_bytes vdm_warc_piece(struct vdm_warc *w, uint64_t left);

/* The record as a member; says in w->end how it ends. */
void vdm_warc_take_member(struct vdm_warc *w);
/* Behind a block that was read: takes the record's end. A record that is damaged or too long is not to be kept. */
enum vdm_warc_end vdm_warc_end(struct vdm_warc *w);
void vdm_warc_tell_end(struct vdm_warc *w, enum vdm_warc_end end); /* the problem, if it is one */

void vdm_warc_take_info(struct vdm_warc *w);
const struct vdm_warcinfo *vdm_warc_info(const struct vdm_warc *w); /* NULL: none is in force */

#endif
