/* SPDX-License-Identifier: MIT */
#include "capture/warc_private.h"

#include <string.h>

static void keep(char to[VDM_WARCINFO_TEXT_MAX], struct vdm_bytes value)
{
    size_t n = value.n < VDM_WARCINFO_TEXT_MAX ? value.n : VDM_WARCINFO_TEXT_MAX - 1;
    if (value.n && memchr(value.p, 0, n))
        n = 0;
    if (n)
        memcpy(to, value.p, n);
    to[n] = 0;
}

/* Its fields are `name: value` lines without one in front; of a long one the beginning is read. */
void vdm_warc_take_info(struct vdm_warc *w)
{
    static const char end[] = "\r\n\r\n";
    struct vdm_warcinfo *i = &w->infos[w->informed % VDM_WARCINFOS_MAX];
    uint8_t *text = w->http.text; /* not in use now */
    size_t n = 0;
    uint64_t left = w->length;
    struct vdm_bytes b;
    while (left && (b = vdm_warc_piece(w, left)).n) {
        size_t room = VDM_HEAD_BYTES_MAX - sizeof end - n, k = b.n < room ? b.n : room;
        memcpy(text + n, b.p, k);
        n += k;
        left -= b.n;
        vdm_members_passed(w->to, b.n);
    }
    memcpy(text + n, end, sizeof end - 1);
    vdm_head_parse(&w->info, (struct vdm_bytes){text, n + sizeof end - 1}, false);
    keep(i->id, vdm_without_angles(vdm_head_value(&w->head, "WARC-Record-ID")));
    keep(i->operator_, vdm_head_value(&w->info, "operator"));
    keep(i->software, vdm_head_value(&w->info, "software"));
    w->informed++;
}

const struct vdm_warcinfo *vdm_warc_info(const struct vdm_warc *w)
{
    struct vdm_bytes id = vdm_without_angles(vdm_head_value(&w->head, "WARC-Warcinfo-ID"));
    size_t known = w->informed < VDM_WARCINFOS_MAX ? w->informed : VDM_WARCINFOS_MAX;
    for (size_t i = 0; id.n && i < known; i++)
        if (vdm_bytes_equal_str(id, w->infos[i].id))
            return &w->infos[i];
    if (id.n || w->informed == 0)
        return NULL; /* the one that it names is not here */
    return &w->infos[(w->informed - 1) % VDM_WARCINFOS_MAX];
}
