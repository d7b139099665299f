/* SPDX-License-Identifier: MIT */
/* The outermost layer of a bundle: plain bytes, one gzip member or one zstd frame over a file
 * descriptor, with nothing after it (docs/FORMATS.md, "Bundle"; RFC 1952; RFC 8878).
 *
 * zlib and libzstd are called directly: libarchive reads on over concatenated members and frames
 * and cannot say what stands after the end. */
#ifndef VDM_BUNDLE_STREAM_H
#define VDM_BUNDLE_STREAM_H

#include "base/buf.h"

enum vdm_stream_form {
    VDM_STREAM_PLAIN,
    VDM_STREAM_GZIP,
    VDM_STREAM_ZSTD,
};

/* A zstd frame may ask its reader for this much memory, and no more. */
#define VDM_STREAM_WINDOW_LOG_MAX 23
#define VDM_STREAM_WINDOW_MAX     (UINT64_C(1) << VDM_STREAM_WINDOW_LOG_MAX)

/* What the file's ending asks for: `.tar`, `.tar.gz` or `.tgz`, `.tar.zst`; VDM_ERR_USAGE for any
 * other. */
bool vdm_stream_form_of_name(const char *name, enum vdm_stream_form *out,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* --- reading --- */

/* Where a stream stands. All but MORE are final: later reads give no byte and the same state. The
 * bytes given before CORRUPT end somewhere before the damage. */
enum vdm_stream_state {
    VDM_STREAM_MORE,     /* more bytes may follow */
    VDM_STREAM_END,      /* a clean end: nothing follows, checksums hold */
    VDM_STREAM_CUT_OFF,  /* the input ended inside the member or frame (never for plain) */
    VDM_STREAM_TRAILING, /* the member or frame is whole, but bytes stand after it */
    VDM_STREAM_CORRUPT, /* not decodable, a wrong checksum, a skippable frame, a window too large */
};

/* Memory is bounded whatever the input says: buffers of a fixed size, and the window. A reader gets
 * no more than it asks for, so a small file that swells without end does no harm by itself. */
struct vdm_stream_reader;

/* Reads the first bytes of fd and tells the form by them, never by a name. What is neither gzip nor
 * zstd is plain, an empty file too. Borrows fd and reads it to its end, from where it stands. */
bool vdm_stream_reader_open(struct vdm_stream_reader **out, int fd,
                            struct vdm_err *err) VDM_MUST_CHECK;
void vdm_stream_reader_close(struct vdm_stream_reader *s);    /* NULL is fine; leaves fd open */
void vdm_stream_reader_cleanup(struct vdm_stream_reader **s); /* for VDM_CLEANUP */

/* Decoded bytes until cap are there or the stream is over; *got < cap only when it is
 * over. *state (also vdm_stream_state) is how it stands behind these bytes, which may already be
 * known to be the last. false: the descriptor could not be read, or no memory. */
bool vdm_stream_read(struct vdm_stream_reader *s, uint8_t *p, size_t cap, size_t *got,
                     enum vdm_stream_state *state, struct vdm_err *err) VDM_MUST_CHECK;

enum vdm_stream_form vdm_stream_form(const struct vdm_stream_reader *s);
enum vdm_stream_state vdm_stream_state(const struct vdm_stream_reader *s);
/* A phrase for any state but MORE and END, else an empty string; constant text. */
const char *vdm_stream_reason(const struct vdm_stream_reader *s);
/* Bytes given out so far; bytes of the descriptor they were made from. On TRAILING the second is
 * where the trailing bytes start; at a clean END it is the input's length. */
uint64_t vdm_stream_bytes(const struct vdm_stream_reader *s);
uint64_t vdm_stream_raw_bytes(const struct vdm_stream_reader *s);

/* --- writing --- */

/* The same bytes give the same output with the same level and library, however the writes were cut:
 * the gzip header has no name, no time and the OS byte 255; the zstd frame has a checksum and a
 * window of at most 8 MiB. */
struct vdm_stream_writer;

/* Level 0 is the default (gzip 6, zstd 3); else 1 to 9 for gzip, 1 to 19 for zstd (higher ones want
 * a larger window), 0 only for plain: VDM_ERR_USAGE. Borrows fd. */
bool vdm_stream_writer_open(struct vdm_stream_writer **out, int fd, enum vdm_stream_form form,
                            int level, struct vdm_err *err) VDM_MUST_CHECK;
/* Closing without finish leaves a cut-off stream behind: discard the file. */
void vdm_stream_writer_close(struct vdm_stream_writer *s);    /* NULL is fine; leaves fd open */
void vdm_stream_writer_cleanup(struct vdm_stream_writer **s); /* for VDM_CLEANUP */

bool vdm_stream_write(struct vdm_stream_writer *s, struct vdm_bytes data,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Ends the member or frame and hands everything to write(2); durability is the caller's. Afterwards
 * only close is left: writing or finishing again is refused. */
bool vdm_stream_writer_finish(struct vdm_stream_writer *s, struct vdm_err *err) VDM_MUST_CHECK;

#endif
