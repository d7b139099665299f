/* SPDX-License-Identifier: MIT */
/* A bag as a list of files: `=NAME` LF, then the content up to the next line that begins so; `<md5>` stands for the sum
 * of the file before. What is judged valid is no longer so with one byte of its payload changed, or with a file
 * more. */
#include "fuzz/fuzz.h"

#include "base/text.h"
#include "capture/bag.h"

#include <string.h>

#define FILES_MAX 16

struct file {
    struct vdm_bytes name;
    struct vdm_buf content;
};

static struct vdm_sums *sums(void)
{
    static struct vdm_sums *s;
    FUZZ_CHECK(s || vdm_sums_open(&s, NULL));
    return s;
}

static void sum_of(struct vdm_bytes content, enum vdm_sum_kind kind, uint8_t out[VDM_SUM_BYTES_MAX])
{
    struct vdm_sum sum = {VDM_SUM_KINDS, NULL};
    vdm_sum_begin(&sum, sums(), kind);
    vdm_sum_add(&sum, content);
    FUZZ_CHECK(vdm_sum_end(&sum, out));
}

static void put_line(struct file *f, const struct file *before, struct vdm_bytes line)
{
    char hex[2 * VDM_SUM_BYTES_MAX + 1];
    uint8_t sum[VDM_SUM_BYTES_MAX];
    if (before && vdm_bytes_start_with(line, VDM_LIT("<md5>"))) {
        sum_of(vdm_buf_bytes(&before->content), VDM_SUM_MD5, sum);
        vdm_hex_encode(sum, 16, hex);
        vdm_buf_puts(&f->content, hex);
        line = vdm_bytes_skip(line, 5);
    }
    vdm_buf_put(&f->content, line);
    vdm_buf_putc(&f->content, '\n');
}

static size_t read_files(struct vdm_bytes input, struct file file[FILES_MAX])
{
    struct vdm_bytes line;
    size_t n = 0;
    while (vdm_cut_line(&input, &line)) {
        if (line.n && line.p[0] == '=' && n < FILES_MAX)
            file[n++] = (struct file){.name = vdm_bytes_skip(line, 1)};
        else if (n)
            put_line(&file[n - 1], n > 1 ? &file[n - 2] : NULL, line);
    }
    return n;
}

static bool is_valid(const struct file *file, size_t n)
{
    struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
    uint8_t values[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX] = {{0}};
    FUZZ_CHECK(vdm_bag_open(&b, NULL));
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(vdm_bag_add(b, file[i].name, file[i].content.n, NULL));
    vdm_bag_listed(b);
    for (size_t i = 0; i < n; i++) {
        struct vdm_bytes content = vdm_buf_bytes(&file[i].content);
        for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
            if (vdm_bag_sums(b) >> k & 1)
                sum_of(content, (enum vdm_sum_kind)k, values[k]);
        FUZZ_CHECK(vdm_bag_fill(b, file[i].name, (const uint8_t(*)[VDM_SUM_BYTES_MAX])values,
                                content, NULL));
    }
    FUZZ_CHECK(vdm_bag_judge(b, NULL));
    for (size_t i = 0; i < vdm_bag_elements(b); i++)
        FUZZ_CHECK(vdm_utf8_valid(vdm_bag_element(b, i).value));
    return vdm_bag_findings(b) == 0;
}

static void check_changed(struct file *file, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct vdm_buf *c = &file[i].content;
        if (!vdm_bytes_start_with(file[i].name, VDM_LIT("data/")) || c->n == 0)
            continue;
        c->p[c->n / 2] ^= 1;
        FUZZ_CHECK(!is_valid(file, n));
        c->p[c->n / 2] ^= 1;
    }
    if (n < FILES_MAX) {
        file[n] = (struct file){.name = VDM_LIT("data/one more")};
        FUZZ_CHECK(!is_valid(file, n + 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct file file[FILES_MAX] = {{.name = {NULL, 0}}};
    size_t files = read_files((struct vdm_bytes){data, n}, file);
    if (is_valid(file, files))
        check_changed(file, files);
    for (size_t i = 0; i < FILES_MAX; i++)
        vdm_buf_release(&file[i].content);
    return 0;
}
