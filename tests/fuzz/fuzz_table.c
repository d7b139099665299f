/* SPDX-License-Identifier: MIT */
/* Metadata tables: CSV, JSON, JSON Lines; the first byte says which. Every row that a table has is
 * found again, each once, and states what a row may state. CSV that is read, written with every cell
 * quoted, reads the same. */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "capture/csv.h"
#include "capture/table.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct vdm_table_field fields[] = {{"title", false}, {"author", true}, {"note", true}};
#define FIELDS (sizeof fields / sizeof *fields)

/* --- records of CSV --- */

static void put_cell(struct vdm_buf *out, struct vdm_bytes cell)
{
    vdm_buf_putc(out, '"');
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"')
            vdm_buf_putc(out, '"');
        vdm_buf_putc(out, (char)cell.p[i]);
    }
    vdm_buf_putc(out, '"');
}

static bool quote_all(struct vdm_bytes input, struct vdm_buf *out)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    struct vdm_input in VDM_CLEANUP(vdm_input_release) = {0};
    struct vdm_csv_record record VDM_CLEANUP(vdm_csv_record_release) = {0};
    bool more = true;
    FUZZ_CHECK(vdm_input_init(&in, fd, NULL));
    for (;;) {
        if (!vdm_csv_read(&in, &record, &more, NULL))
            return false;
        if (!more)
            return true;
        FUZZ_CHECK(vdm_csv_cells(&record) >= 1 && vdm_csv_cells(&record) <= VDM_TABLE_COLUMNS_MAX);
        for (size_t i = 0; i < vdm_csv_cells(&record); i++) {
            if (i)
                vdm_buf_putc(out, ',');
            put_cell(out, vdm_csv_cell(&record, i));
        }
        vdm_buf_putc(out, '\n');
    }
}

static void check_csv(struct vdm_bytes input)
{
    struct vdm_buf first VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf second VDM_CLEANUP(vdm_buf_release) = {0};
    if (!quote_all(input, &first) || first.n == 0)
        return;
    FUZZ_CHECK(quote_all(vdm_buf_bytes(&first), &second));
    fuzz_same(&second, vdm_buf_bytes(&first));
}

/* --- tables --- */

struct seen {
    size_t rows;
    uint64_t line;
};

static bool check_row(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct seen *seen = ctx;
    (void)err;
    FUZZ_CHECK(row->file.n > 0 && !memchr(row->file.p, 0, row->file.n));
    FUZZ_CHECK(row->line > seen->line);
    seen->line = row->line;
    seen->rows++;
    for (size_t i = 0; i < row->n; i++) {
        const struct vdm_table_cell *cell = &row->cells[i];
        bool known = false;
        for (size_t k = 0; k < FIELDS; k++)
            known = known || cell->key == fields[k].name;
        FUZZ_CHECK(known && cell->value.n > 0 && !memchr(cell->value.p, 0, cell->value.n));
        for (size_t k = 0; k < i && cell->key == fields[0].name; k++)
            FUZZ_CHECK(row->cells[k].key != cell->key);
    }
    return true;
}

static void check_table(const char *path)
{
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = NULL;
    struct vdm_table_row row = {0};
    struct seen seen = {0};
    struct vdm_err err = {0};
    bool found;
    if (!vdm_table_open(&t, path, fields, FIELDS, &err)) {
        FUZZ_CHECK(err.kind == VDM_ERR_MALFORMED && err.text[0]);
        return;
    }
    FUZZ_CHECK(vdm_table_find(t, VDM_LIT("/no/such/file"), &row, &found, NULL));
    FUZZ_CHECK(vdm_table_each_unused(t, check_row, &seen, NULL));
    FUZZ_CHECK(seen.rows + found == vdm_table_rows(t));
    vdm_table_row_release(&row);
}

/* Files in a folder of our own, gone afterwards: what a table is, its name says. */
static char folder[64];

static void remove_folder(void)
{
    rmdir(folder);
}

static const char *path_of(unsigned kind)
{
    static char path[80];
    static const char *const endings[] = {"csv", "json", "jsonl"};
    if (!folder[0]) {
        strcpy(folder,
               access("/dev/shm", W_OK) == 0 ? "/dev/shm/vdm-fuzz-XXXXXX" : "/tmp/vdm-fuzz-XXXXXX");
        FUZZ_CHECK(mkdtemp(folder) && atexit(remove_folder) == 0);
    }
    snprintf(path, sizeof path, "%s/t.%s", folder, endings[kind % 3]);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    const char *path = path_of((unsigned)fuzz_number(&input, 1));
    int fd VDM_CLEANUP(vdm_fd_close) = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && vdm_fd_write(fd, input, NULL));
    check_csv(input);
    check_table(path);
    FUZZ_CHECK(unlink(path) == 0);
    return 0;
}
