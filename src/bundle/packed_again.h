/* SPDX-License-Identifier: MIT */
/* A guess for a message: is a tar that is no bundle what somebody made of one, who unpacked it and packed
 * it again? Then it has a bundle's members, but in another order or under headers of another program. */
#ifndef VDM_BUNDLE_PACKED_AGAIN_H
#define VDM_BUNDLE_PACKED_AGAIN_H

#include "bundle/stream.h"

/* What is said of such a file. */
#define VDM_PACKED_AGAIN                                                                           \
    "it looks like a bundle that was unpacked and packed again. Ask for the file as it was "       \
    "handed out"

/* `in` stands at the start. Reads any tar, plain or compressed, until a member `vidimus/checkpoint`, which
 * every bundle has; through a bounded number of members and bytes. false: none was found, or it is no
 * tar, or it cannot be read. Nothing that it reads is trusted, and nothing follows from it. */
bool vdm_packed_again(struct vdm_stream_reader *in);

#endif
