/* SPDX-License-Identifier: MIT */
/* What is told beside what is recorded keeps its place among it: the documents before it are told when they are
 * durable, so it waits with them. */
#include "ops/import_state.h"

#include <stdlib.h>

#define WAITING_MAX 10000

struct vdm_said {
    size_t before; /* the document of the batch */
    struct vdm_input input;
    char *path, *reason;
};

void vdm_import_say_until(struct vdm_importing *m, size_t before)
{
    for (; m->said_told < m->saids && m->said[m->said_told].before <= before; m->said_told++) {
        struct vdm_said *s = &m->said[m->said_told];
        m->tell(m->ctx, &s->input);
        free(s->path);
        free(s->reason);
    }
    if (m->said_told == m->saids)
        m->saids = m->said_told = 0;
}

static bool keep(struct vdm_importing *m, const struct vdm_input *input)
{
    if (!m->said && !(m->said = calloc(WAITING_MAX, sizeof *m->said)))
        return false;
    struct vdm_said *s = &m->said[m->saids];
    *s = (struct vdm_said){m->batched, *input, vdm_bytes_dup(input->path),
                           vdm_bytes_dup(vdm_str(input->reason))};
    if (!s->path || !s->reason) {
        free(s->path);
        free(s->reason);
        return false;
    }
    s->input.path.p = (const uint8_t *)s->path;
    s->input.reason = s->reason;
    m->saids++;
    return true;
}

/* Where there is no memory, or too much waits, it is told at once. */
void vdm_import_say(struct vdm_importing *m, const struct vdm_input *input)
{
    if (m->saids == WAITING_MAX)
        vdm_import_say_until(m, SIZE_MAX);
    if (m->batched > 0 && keep(m, input))
        return;
    vdm_import_say_until(m, SIZE_MAX);
    m->tell(m->ctx, input);
}
