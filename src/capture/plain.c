/* SPDX-License-Identifier: MIT */
#include "capture/plain.h"

#include "base/text.h"

#include <string.h>

bool vdm_plain_is_binary(struct vdm_bytes head)
{
    for (size_t i = 0; i < head.n && i < VDM_PLAIN_LOOK_BYTES; i++)
        if (head.p[i] < 0x20 && !memchr("\t\n\f\r\x1b", head.p[i], 5))
            return true;
    return false;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The text without a character that was cut in two at its end. */
static struct vdm_bytes whole_characters(struct vdm_bytes s)
{
    size_t back = 0;
    while (back < 3 && back < s.n && (s.p[s.n - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back < s.n && s.p[s.n - 1 - back] >= 0xc0)
        s.n -= back + 1;
    return s;
}

/* Only what stands in sentences: no sign of markup, programs or data. */
static bool has_signs_of_prose_only(struct vdm_bytes s)
{
    size_t letters = 0, others = 0, spaces = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (is_letter(c))
            letters++;
        else if (c == ' ' || c == '\n' || c == '\r')
            spaces++;
        else if (is_digit(c) || memchr(".,;:!?'\"()-/%&@$[]*#+_", c, 21))
            others++;
        else
            return false;
    }
    return spaces >= 4 && letters > 3 * others;
}

/* `Word:` heads mails, calendars and cards; a path or a number heads lists and images. */
static bool begins_like_prose(struct vdm_bytes s)
{
    size_t word = 0;
    if (s.n && s.p[0] == '"')
        s = vdm_bytes_skip(s, 1);
    while (word < s.n && (is_letter(s.p[word]) || s.p[word] == '-'))
        word++;
    return word > 0 && is_letter(s.p[0]) && word < s.n && !is_digit(s.p[word]) &&
           s.p[word] != ':' && s.p[word] != '/';
}

/* Do lines begin as those of programs, mark-up for printers or tables do? A table has as many commas in
 * each of its lines. */
static bool has_lines_of_prose(struct vdm_bytes s)
{
    size_t first_commas = 0, lines = 0;
    bool alike = true;
    struct vdm_bytes line;
    while (vdm_cut_line(&s, &line)) {
        size_t commas = 0;
        for (size_t i = 0; i < line.n; i++)
            commas += line.p[i] == ',';
        if (line.n > 0 && memchr(".'-", line.p[0], 3))
            return false;
        if (lines++ == 0)
            first_commas = commas;
        alike = alike && commas == first_commas;
    }
    return lines < 2 || !alike || first_commas == 0;
}

static bool begins_as_page(struct vdm_bytes s)
{
    static const char start[] = "<!doctype html";
    size_t n = sizeof start - 1;
    if (s.n <= n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]) != start[i])
            return false;
    return s.p[n] == '>' || s.p[n] == ' ';
}

const char *vdm_plain_type(struct vdm_bytes head)
{
    if (head.n > VDM_PLAIN_LOOK_BYTES)
        head = whole_characters((struct vdm_bytes){head.p, VDM_PLAIN_LOOK_BYTES});
    if (!vdm_utf8_valid(head))
        return NULL;
    /* Prose is not asked: a byte that no text has is no sign of it. */
    if (begins_as_page(head))
        return vdm_plain_is_binary(head) ? NULL : "text/html";
    if (begins_like_prose(head) && has_lines_of_prose(head) && has_signs_of_prose_only(head))
        return "text/plain";
    return NULL;
}
