/* SPDX-License-Identifier: MIT */
#include "cli/out.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vdm_out_text(FILE *to, struct vdm_bytes s)
{
    struct vdm_buf safe VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_printable_append(&safe, s);
    if (safe.failed)
        fputs("(out of memory)", to);
    else
        fwrite(safe.p ? (const void *)safe.p : "", 1, safe.n, to);
}

void vdm_out_str(FILE *to, const char *s)
{
    vdm_out_text(to, vdm_str(s));
}

/* Escaped values hold no control characters, but may still hold what turns or hides text. */
void vdm_out_value(FILE *to, struct vdm_bytes s)
{
    while (s.n) {
        uint32_t code = 0;
        size_t n = vdm_utf8_next(s, &code);
        if (n == 0 || vdm_is_unprintable(code))
            for (size_t i = 0; i < (n ? n : 1); i++)
                fprintf(to, "\\x%02x", s.p[i]);
        else
            fwrite(s.p, 1, n, to);
        s = vdm_bytes_skip(s, n ? n : 1);
    }
}

void vdm_out_csv(FILE *to, struct vdm_bytes s)
{
    static const char begins[] = {'=', '+', '-', '@', '\t', '\r'};
    fputs(s.n && memchr(begins, s.p[0], sizeof begins) ? "\"'" : "\"", to);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputc('"', to);
        fputc(s.p[i], to);
    }
    fputc('"', to);
}

void vdm_out_number(FILE *to, uint64_t n)
{
    if (n >= 1000) {
        vdm_out_number(to, n / 1000);
        fprintf(to, ",%03u", (unsigned)(n % 1000));
    } else {
        fprintf(to, "%u", (unsigned)n);
    }
}

void vdm_out_size(FILE *to, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    int unit = -1;
    if (bytes < 100000) {
        vdm_out_count(to, bytes, "byte", "bytes");
        return;
    }
    while (value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    fprintf(to, "%.1f %s", value, units[unit]);
}

void vdm_out_time(FILE *to, struct vdm_time t)
{
    char text[VDM_TIME_LEN + 1];
    vdm_time_encode(t, text);
    fprintf(to, "%.10s %.9s", text, text + 11); /* with its Z: it is UTC */
}

void vdm_out_digest(FILE *to, struct vdm_digest d)
{
    char hex[65];
    vdm_digest_hex(d, hex);
    fprintf(to, "%.8s...%s", hex, hex + 59);
}

void vdm_out_count(FILE *to, uint64_t n, const char *one, const char *many)
{
    vdm_out_number(to, n);
    fprintf(to, " %s", n == 1 ? one : many);
}

void vdm_out_checkpoint(struct vdm_bytes note)
{
    if (note.n == 0)
        return;
    puts("Keep this checkpoint somewhere else; it proves later that nothing before it was "
         "changed:");
    fwrite(note.p, 1, note.n, stdout);
}

void vdm_out_continues(const char *label, const struct vdm_continued *c)
{
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    if (!c->origin[0])
        return;
    vdm_base64_append(&root, vdm_digest_bytes(&c->root));
    printf("%s%s, as of ", label, c->origin);
    vdm_out_count(stdout, c->size, "entry", "entries");
    printf(", %.*s\n", (int)root.n, (const char *)root.p);
}

bool vdm_out_has_colours(FILE *to)
{
    const char *no = getenv("NO_COLOR");
    return !(no && *no) && isatty(fileno(to));
}

void vdm_out_coloured(FILE *to, bool colours, enum vdm_colour colour, const char *words)
{
    static const char *const start[] = {"", "\033[1;32m", "\033[1;31m", "\033[1;33m"};
    bool plain = colour == VDM_PLAIN || !colours;
    fprintf(to, "%s%s%s", plain ? "" : start[colour], words, plain ? "" : "\033[0m");
}
