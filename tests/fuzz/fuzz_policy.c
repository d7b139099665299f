/* SPDX-License-Identifier: MIT */
/* Trust policies. They have no single form, so what was understood is written plainly, and must
 * then mean the same. */
#include "fuzz/fuzz.h"

#include "format/policy.h"

#include <string.h>

static void write_item(const struct vdm_policy *p, const struct vdm_policy_item *item,
                       struct vdm_buf *out)
{
    vdm_buf_puts(out, item->is_group ? "group " : "witness ");
    vdm_buf_put(out, item->name);
    vdm_buf_putc(out, ' ');
    if (!item->is_group) {
        vdm_vkey_append(out, &item->key);
    } else {
        vdm_buf_putf(out, "%llu", (unsigned long long)item->threshold);
        for (size_t i = 0; i < p->items; i++)
            if (item->members >> i & 1) {
                vdm_buf_putc(out, ' ');
                vdm_buf_put(out, p->item[i].name);
            }
    }
    vdm_buf_putc(out, '\n');
}

static void write_plainly(const struct vdm_policy *p, struct vdm_buf *out)
{
    for (size_t i = 0; i < p->logs; i++) {
        vdm_buf_puts(out, "log ");
        vdm_vkey_append(out, &p->log[i]);
        vdm_buf_putc(out, '\n');
    }
    for (size_t i = 0; i < p->items; i++)
        write_item(p, &p->item[i], out);
    vdm_buf_puts(out, "quorum ");
    vdm_buf_put(out, p->has_quorum ? p->item[p->quorum].name : VDM_LIT("none"));
    vdm_buf_putc(out, '\n');
    FUZZ_CHECK(!out->failed);
}

static void check(const struct vdm_policy *p)
{
    uint64_t grouped = 0;
    FUZZ_CHECK(p->logs <= VDM_POLICY_ITEMS_MAX && p->items <= VDM_POLICY_ITEMS_MAX);
    FUZZ_CHECK(!p->has_quorum || p->quorum < p->items);
    for (size_t i = 0; i < p->items; i++) {
        const struct vdm_policy_item *item = &p->item[i];
        FUZZ_CHECK(item->name.n > 0);
        if (!item->is_group)
            continue;
        FUZZ_CHECK(item->members >> i == 0 && (item->members & grouped) == 0);
        FUZZ_CHECK(item->threshold >= 1 &&
                   item->threshold <= (uint64_t)__builtin_popcountll(item->members));
        grouped |= item->members;
    }
}

/* By nobody whom a policy could name: a quorum of witnesses is never met by it. */
static bool met_by_nobody(const struct vdm_policy *p)
{
    struct vdm_note note;
    FUZZ_CHECK(
        vdm_note_decode(VDM_LIT("log\n0\nAAAA\n\n\xE2\x80\x94 nobody AAAAAAA=\n"), &note, NULL));
    return vdm_policy_met(p, fuzz_crypto(), &note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf first VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf second VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_policy p, again;
    if (!vdm_policy_decode(fuzz_crypto(), (struct vdm_bytes){data, n}, &p, NULL))
        return 0;
    check(&p);
    FUZZ_CHECK(met_by_nobody(&p) == !p.has_quorum);
    write_plainly(&p, &first);
    FUZZ_CHECK(vdm_policy_decode(fuzz_crypto(), vdm_buf_bytes(&first), &again, NULL));
    write_plainly(&again, &second);
    FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(&first), vdm_buf_bytes(&second)));
    return 0;
}
