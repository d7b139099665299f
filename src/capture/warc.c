/* SPDX-License-Identifier: MIT */
#include "capture/warc.h"

#include "base/limits.h"
#include "base/text.h"
#include "capture/warc_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vdm_warc_unpacked_place(const struct vdm_warc *w, char text[VDM_WARC_PLACE_MAX])
{
    char from[40] = "";
    if (w->begins)
        snprintf(from, sizeof from, " from byte %llu on", (unsigned long long)w->begins);
    snprintf(text, VDM_WARC_PLACE_MAX, "byte %llu of what it unpacks to%s",
             (unsigned long long)w->start, from);
}

void vdm_warc_problem(struct vdm_warc *w, const char *format, ...)
{
    char text[400], there[VDM_MEMBER_NAME_MAX + 500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, 300, format, args);
    va_end(args);
    if (w->amid) {
        strcat(text, ", at ");
        vdm_warc_unpacked_place(w, text + strlen(text));
    }
    if (w->within)
        snprintf(there, sizeof there, "%s, byte %llu: %s", w->within,
                 (unsigned long long)w->start_file, text);
    vdm_members_problem(w->to, w->within ? VDM_OFFSET_NONE : w->start_file,
                        w->within ? there : text);
}

/* --- the block --- */

/* A record that begins inside of the block: behind an empty line or a line's end. Of a plain file only: there one
 * can go back to it. */
static void look_inside(struct vdm_warc *w, struct vdm_bytes b)
{
    static const char mark[] = "\r\nWARC/1.";
    enum { LONG = sizeof mark - 1 };
    uint8_t seam[2 * LONG];
    if (w->inner || vdm_unpack_form(w->in) != VDM_UNPACK_PLAIN)
        return;
    size_t after = b.n < LONG - 1 ? b.n : LONG - 1;
    memcpy(seam, w->last, w->lasts);
    memcpy(seam + w->lasts, b.p, after);
    uint64_t at = vdm_unpack_at(w->in);
    const uint8_t *found = memmem(seam, w->lasts + after, mark, LONG);
    if (found)
        w->inner = at - w->lasts + (uint64_t)(found - seam) + 2;
    else if ((found = memmem(b.p, b.n, mark, LONG)))
        w->inner = at + (uint64_t)(found - b.p) + 2;
    if (b.n >= LONG - 1) {
        memcpy(w->last, b.p + b.n - (LONG - 1), LONG - 1);
        w->lasts = LONG - 1;
    } else {
        size_t keep = w->lasts + b.n < LONG - 1 ? w->lasts : LONG - 1 - b.n;
        memmove(w->last, w->last + w->lasts - keep, keep);
        memcpy(w->last + keep, b.p, b.n);
        w->lasts = keep + b.n;
    }
}

/* Where a record begins with a piece of its own, inside of the block, the block is told too long. */
static bool piece_is_record(struct vdm_warc *w)
{
    uint64_t at = vdm_unpack_at(w->in);
    if (vdm_unpack_form(w->in) == VDM_UNPACK_PLAIN || at == w->start ||
        !vdm_unpack_piece_begins(w->in))
        return false;
    if (vdm_bytes_start_with(vdm_unpack_look(w->in, 7), VDM_LIT("WARC/1.")))
        w->inner = at;
    return w->inner == at;
}

struct vdm_bytes vdm_warc_piece(struct vdm_warc *w, uint64_t left)
{
    struct vdm_bytes b = vdm_unpack_look(w->in, 1);
    uint64_t at = vdm_unpack_at(w->in), next = vdm_unpack_next_piece(w->in);
    if (b.n && ((w->suspect && w->inner) || piece_is_record(w)))
        return (struct vdm_bytes){NULL, 0};
    if (b.n > left)
        b.n = (size_t)left;
    if (b.n > next - at)
        b.n = (size_t)(next - at);
    if (b.n > VDM_UNPACK_LOOK_MAX)
        b.n = VDM_UNPACK_LOOK_MAX;
    if (b.n == 0)
        return b;
    look_inside(w, b);
    if (w->suspect && w->inner)
        b.n = w->inner > at ? (size_t)(w->inner - at) : 0;
    vdm_unpack_take(w->in, b.n);
    return b;
}

static void pass_block(struct vdm_warc *w)
{
    uint64_t end = w->block + w->length;
    if (vdm_unpack_form(w->in) == VDM_UNPACK_PLAIN && w->length > VDM_UNPACK_LOOK_MAX) {
        vdm_unpack_seek(w->in, end); /* no further than the end of the file */
        return;
    }
    for (uint64_t left = w->length; left && vdm_members_wanted(w->to);) {
        struct vdm_bytes b = vdm_warc_piece(w, left);
        if (b.n == 0)
            return;
        left -= b.n;
        vdm_members_passed(w->to, b.n);
    }
}

/* --- from record to record --- */

static bool is_record(struct vdm_bytes b)
{
    return vdm_bytes_start_with(b, VDM_LIT("WARC/"));
}

/* Line ends between records: two are right, none and more are met. Were there two? */
enum { LINE_ENDS_MAX = 8 };
static bool pass_line_ends(struct vdm_warc *w)
{
    int lines = 0;
    for (int i = 0; i < LINE_ENDS_MAX; i++) {
        struct vdm_bytes b = vdm_unpack_look(w->in, 1);
        if (b.n == 0 || (b.p[0] != '\r' && b.p[0] != '\n'))
            break;
        lines += b.p[0] == '\n';
        vdm_unpack_take(w->in, 1);
    }
    return lines >= 2;
}

enum vdm_warc_end vdm_warc_end(struct vdm_warc *w)
{
    uint64_t end = w->block + w->length, at;
    bool here = vdm_unpack_at(w->in) == end;
    enum vdm_unpack_kind kind;
    bool ended = here && pass_line_ends(w);
    struct vdm_bytes next = vdm_unpack_look(w->in, 5);
    const char *trouble = vdm_unpack_trouble(w->in, &at, &kind);
    if (trouble && kind == VDM_UNPACK_DAMAGED && at <= vdm_unpack_at(w->in))
        return VDM_WARC_DAMAGED;
    if (!here)
        return w->inner ? VDM_WARC_TOO_LONG : VDM_WARC_CUT;
    if (ended || next.n == 0 || is_record(next))
        return VDM_WARC_ENDS;
    return w->inner ? VDM_WARC_TOO_LONG : VDM_WARC_TOO_SHORT;
}

/* To the next `WARC/1.0` or `WARC/1.1` that is a line's end; false: there is none. */
static bool find_record(struct vdm_warc *w)
{
    enum { LONG = 9 };
    while (vdm_members_wanted(w->to)) {
        struct vdm_bytes b = vdm_unpack_look(w->in, VDM_UNPACK_LOOK_MAX);
        if (b.n < LONG)
            return false;
        const uint8_t *found = memmem(b.p, b.n, "WARC/1.", 7);
        size_t n = found ? (size_t)(found - b.p) : b.n - LONG + 1;
        if (n == 0 && memchr("01", b.p[7], 2) && memchr("\r\n", b.p[8], 2))
            return true;
        n = n ? n : 1;
        vdm_unpack_take(w->in, n);
        vdm_members_passed(w->to, n);
    }
    return false;
}

/* Behind what could not be read. */
static bool go_on(struct vdm_warc *w)
{
    uint64_t at;
    enum vdm_unpack_kind kind;
    w->salvaged = true;
    for (;;) {
        if (find_record(w))
            return true;
        if (!vdm_members_wanted(w->to) || !vdm_unpack_trouble(w->in, &at, &kind) ||
            kind == VDM_UNPACK_CUT)
            return false;
        if (!vdm_unpack_resume(w->in))
            return false;
        if (is_record(vdm_unpack_look(w->in, 5)))
            return true;
    }
}

void vdm_warc_tell_end(struct vdm_warc *w, enum vdm_warc_end end)
{
    uint64_t at;
    enum vdm_unpack_kind kind;
    const char *trouble = vdm_unpack_trouble(w->in, &at, &kind);
    unsigned long long there = vdm_unpack_at(w->in) - w->block, said = w->length;
    if (end == VDM_WARC_CUT)
        vdm_warc_problem(w, "the record breaks off after %llu of %llu bytes%s%s", there, said,
                         trouble ? ": " : "", trouble ? trouble : "");
    else if (end == VDM_WARC_DAMAGED)
        vdm_warc_problem(w, "the record cannot be read: %s", trouble);
    else if (end == VDM_WARC_TOO_LONG)
        vdm_warc_problem(w, "the record says %llu bytes, and another record begins inside of them",
                         said);
    else if (end == VDM_WARC_TOO_SHORT)
        vdm_warc_problem(w, "the record says %llu bytes, and does not end there", said);
}

/* Of a record that is no member. */
static void pass_record(struct vdm_warc *w, enum vdm_warc_end *end)
{
    if (vdm_unpack_at(w->in) == w->block)
        pass_block(w);
    *end = vdm_warc_end(w);
    vdm_warc_tell_end(w, *end);
}

static bool is_member(struct vdm_bytes type)
{
    return vdm_same_letters(type, "response") || vdm_same_letters(type, "resource") ||
           vdm_same_letters(type, "conversion") || vdm_same_letters(type, "revisit");
}

/* Types that are known and hold no capture; others are passed over, as the standard says. */
static enum vdm_warc_end take_block(struct vdm_warc *w)
{
    struct vdm_bytes type = vdm_head_value(&w->head, "WARC-Type");
    enum vdm_warc_end end;
    if (is_member(type)) {
        vdm_warc_take_member(w);
        return w->end;
    }
    if (type.n == 0)
        vdm_warc_problem(w, "the record has no WARC-Type");
    if (vdm_same_letters(type, "continuation"))
        vdm_warc_problem(w, "a segment of a record: segments are not joined");
    if (vdm_same_letters(type, "warcinfo"))
        vdm_warc_take_info(w);
    pass_record(w, &end);
    return end;
}

/* What vdm_warc_end will find behind the block: is it where a record may end? */
static bool ends_there(struct vdm_bytes after)
{
    size_t n = 0, lines = 0;
    while (n < after.n && n < LINE_ENDS_MAX && (after.p[n] == '\r' || after.p[n] == '\n'))
        lines += after.p[n++] == '\n';
    return lines >= 2 || n == after.n || is_record(vdm_bytes_skip(after, n));
}

/* Asked before a block is read: with a length that cannot be right it ends where another record begins. Else each of
 * many such records would be read to the end of the file, only to go back to the next. */
static bool is_suspect(struct vdm_warc *w)
{
    uint8_t p[LINE_ENDS_MAX + 5];
    uint64_t end = w->block + w->length;
    if (!vdm_unpack_peeks(w->in))
        return false;
    if (w->length > 0 && vdm_unpack_peek(w->in, end - 1, p, 1) == 0)
        return true; /* behind the end of the file */
    return !ends_there((struct vdm_bytes){p, vdm_unpack_peek(w->in, end, p, sizeof p)});
}

/* The head at hand, to its end; n == 0: it does not end within VDM_HEAD_BYTES_MAX. Many heads may begin where none
 * ends: what was looked through for one of them (up to w->headless) is not looked through again for the next. */
static struct vdm_bytes find_head(struct vdm_warc *w)
{
    enum { END = 3 }; /* bytes of a line's end and an empty line, at most */
    uint64_t at = vdm_unpack_at(w->in);
    size_t n = 0;
    for (size_t want = 1024; n == 0 && want <= VDM_UNPACK_LOOK_MAX; want *= 64) {
        struct vdm_bytes b = vdm_unpack_look(w->in, want);
        size_t from = w->headless > at ? (size_t)(w->headless - at) : 0;
        n = vdm_head_end_from(b, from);
        if (n && n <= VDM_HEAD_BYTES_MAX)
            return (struct vdm_bytes){b.p, n};
        size_t through = n ? n : b.n;
        if (through > from + END)
            w->headless = at + through - END;
    }
    return (struct vdm_bytes){NULL, 0};
}

static void pass_endless_head(struct vdm_warc *w, uint64_t headless)
{
    enum { PASS = 5 };
    uint64_t at;
    enum vdm_unpack_kind kind;
    const char *trouble = vdm_unpack_trouble(w->in, &at, &kind);
    vdm_warc_problem(w, "the head of a record does not end%s%s", trouble ? ": " : "",
                     trouble ? trouble : "");
    if (headless < vdm_unpack_at(w->in))
        headless = vdm_unpack_at(w->in);
    vdm_unpack_take(w->in, PASS);
    vdm_members_passed(w->to, PASS + (w->headless > headless ? w->headless - headless : 0));
}

/* The head into w->head, and w->raw; false: there is none that can be used. */
static bool take_head(struct vdm_warc *w)
{
    uint64_t length, headless = w->headless;
    struct vdm_bytes b = find_head(w);
    size_t n = b.n;
    if (n == 0) {
        pass_endless_head(w, headless);
        return false;
    }
    memcpy(w->raw, b.p, n);
    w->raw_n = n;
    vdm_head_parse(&w->head, (struct vdm_bytes){w->raw, n}, true);
    vdm_unpack_take(w->in, n);
    vdm_members_passed(w->to, n);
    if (!vdm_number_decode(vdm_head_value(&w->head, "Content-Length"), &length)) {
        vdm_warc_problem(w, "the record has no Content-Length that is a number");
        return false;
    }
    w->block = vdm_unpack_at(w->in);
    w->length = length;
    w->suspect = is_suspect(w);
    return true;
}

static bool version_known(const struct vdm_warc *w)
{
    static const char *const known[] = {"WARC/1.0", "WARC/1.1", "WARC/0.17", "WARC/0.18"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (vdm_bytes_equal_str(vdm_trim(w->head.first), known[i]))
            return true;
    return false;
}

static void note_place(struct vdm_warc *w)
{
    w->start = vdm_unpack_at(w->in);
    w->start_file = vdm_unpack_file_at(w->in);
    w->amid = vdm_unpack_form(w->in) != VDM_UNPACK_PLAIN && !vdm_unpack_piece_begins(w->in);
}

static bool take_record(struct vdm_warc *w)
{
    enum vdm_warc_end end;
    note_place(w);
    w->inner = 0;
    w->lasts = 0;
    if (!take_head(w))
        return go_on(w);
    if (!version_known(w)) {
        vdm_warc_problem(w, "a record of a version that is not known: %.*s",
                         w->head.first.n < 20 ? (int)w->head.first.n : 20,
                         (const char *)w->head.first.p);
        pass_record(w, &end);
    } else {
        end = take_block(w);
    }
    if (end == VDM_WARC_TOO_LONG) {
        w->salvaged = true;
        vdm_unpack_seek(w->in, w->inner);
        return true;
    }
    if (end == VDM_WARC_CUT && vdm_unpack_form(w->in) == VDM_UNPACK_PLAIN)
        return false;
    return end == VDM_WARC_ENDS || go_on(w);
}

void vdm_warc_read(struct vdm_span *s, struct vdm_members *to)
{
    struct vdm_warc *w = calloc(1, sizeof *w);
    uint64_t at;
    enum vdm_unpack_kind kind;
    bool more = true;
    if (!w || !(w->in = vdm_unpack_open(s))) {
        vdm_members_problem(to, s->start, "out of memory");
        free(w);
        return;
    }
    w->to = to;
    w->begins = s->start;
    w->within = s->flow ? s->flow->name : NULL;
    while (more && vdm_members_wanted(to)) {
        pass_line_ends(w);
        if (vdm_unpack_look(w->in, 5).n == 0 && !vdm_unpack_trouble(w->in, &at, &kind))
            break;
        if (is_record(vdm_unpack_look(w->in, 5))) {
            more = take_record(w);
            continue;
        }
        const char *trouble = vdm_unpack_trouble(w->in, &at, &kind);
        note_place(w);
        vdm_warc_problem(w, "%s", trouble ? trouble : "no record begins here");
        more = go_on(w);
    }
    vdm_unpack_close(w->in);
    free(w);
}

/* --- what it is --- */

static bool may_be(struct vdm_bytes head)
{
    bool skippable =
        head.n >= 4 && (head.p[0] & 0xf0) == 0x50 && memcmp(head.p + 1, "\x2a\x4d\x18", 3) == 0;
    return is_record(head) || skippable || vdm_bytes_start_with(head, VDM_LIT("\x1f\x8b\x08")) ||
           vdm_bytes_start_with(head, VDM_LIT("\x28\xb5\x2f\xfd"));
}

bool vdm_warc_is(struct vdm_span *s)
{
    struct vdm_unpack *u = vdm_unpack_open(s);
    bool is = false;
    if (u) {
        struct vdm_bytes b = vdm_unpack_look(u, 8);
        is = is_record(b) && b.n >= 8 && b.p[5] >= '0' && b.p[5] <= '9' && b.p[6] == '.';
    }
    vdm_unpack_close(u);
    return is;
}

const struct vdm_container_format vdm_warc_format = {"WARC", true, may_be, vdm_warc_is,
                                                     vdm_warc_read};
