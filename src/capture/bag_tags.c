/* SPDX-License-Identifier: MIT */
/* bagit.txt, bag-info.txt and fetch.txt. */
#include "capture/bag_private.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* --- bagit.txt --- */

static bool decode_version(struct vdm_bytes s, unsigned *major, unsigned *minor)
{
    struct vdm_bytes before;
    uint64_t a;
    if (!vdm_cut(&s, '.', &before) || !vdm_number_decode(before, &a) || a > 1000 || s.n == 0 ||
        s.n > 3)
        return false;
    *minor = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *minor = *minor * 10 + (s.p[i] - '0');
    }
    *major = (unsigned)a;
    return true;
}

/* `Label: value`. In 1.0 exactly so; before, blanks around the colon did no harm. */
static bool cut_declared(struct vdm_bytes line, const char *label, struct vdm_bytes *value,
                         bool *exact)
{
    struct vdm_bytes before, rest = line;
    if (!vdm_cut(&rest, ':', &before) || !vdm_bag_same_label(vdm_bag_trim(before), vdm_str(label)))
        return false;
    *value = vdm_bag_trim(rest);
    *exact =
        *exact && vdm_bytes_equal_str(before, label) && rest.n == value->n + 1 && rest.p[0] == ' ';
    return true;
}

static bool read_two_lines(struct vdm_bag *b, struct vdm_bytes text, struct vdm_bytes *encoding,
                           bool *exact)
{
    struct vdm_bytes line, version;
    if (!vdm_bag_line(&text, &line) || !cut_declared(line, "BagIt-Version", &version, exact)) {
        vdm_bag_fault(b, "bagit.txt does not begin with a line BagIt-Version");
        return false;
    }
    if (!decode_version(version, &b->major, &b->minor)) {
        vdm_bag_fault(b, "bagit.txt: %.*s is not a version", (int)(version.n < 40 ? version.n : 40),
                      version.p);
        return false;
    }
    if (!vdm_bag_line(&text, &line) ||
        !cut_declared(line, "Tag-File-Character-Encoding", encoding, exact)) {
        vdm_bag_fault(b, "bagit.txt has no second line Tag-File-Character-Encoding");
        return false;
    }
    *exact = *exact && text.n == 0;
    return true;
}

/* bagit.txt is always UTF-8, without a mark. */
bool vdm_bag_read_declaration(struct vdm_bag *b)
{
    const struct vdm_bag_file *f = vdm_bag_find(b, VDM_LIT("bagit.txt"));
    struct vdm_bytes encoding;
    bool exact = true;
    if (!f) {
        vdm_bag_fault(b, "bagit.txt is missing");
        return false;
    }
    if (vdm_bytes_start_with(f->text, VDM_LIT("\xEF\xBB\xBF"))) {
        vdm_bag_fault(b, "bagit.txt begins with a byte order mark");
        return false;
    }
    if (!read_two_lines(b, f->text, &encoding, &exact))
        return false;
    if (!(b->major == 0 && b->minor == 97) && !(b->major == 1 && b->minor == 0)) {
        b->version_unknown = true;
        vdm_bag_fault(b, "its version is %u.%u: only 0.97 and 1.0 are known here", b->major,
                      b->minor);
        return false;
    }
    if (!exact && vdm_bag_is_strict(b))
        vdm_bag_fault(b, "bagit.txt is not exactly the two lines that 1.0 asks for");
    if (!vdm_bag_encoding_from_name(encoding, &b->encoding)) {
        vdm_bag_fault(b, "bagit.txt: the encoding %.*s is not known here",
                      (int)(encoding.n < 40 ? encoding.n : 40), encoding.p);
        return false;
    }
    return true;
}

/* --- bag-info.txt --- */

static bool decode_decimal(struct vdm_bytes s, uint64_t *out)
{
    while (s.n > 1 && s.p[0] == '0')
        s = vdm_bytes_skip(s, 1);
    return vdm_number_decode(s, out);
}

static void check_oxum(struct vdm_bag *b, struct vdm_bytes oxum)
{
    uint64_t octets = 0, streams = 0, bytes, files;
    struct vdm_bytes before, rest = oxum;
    for (size_t i = 0; i < b->files; i++)
        if (vdm_bag_is_payload(b->file[i].name)) {
            octets += b->file[i].size;
            streams++;
        }
    if (!vdm_cut(&rest, '.', &before) || !decode_decimal(before, &bytes) ||
        !decode_decimal(rest, &files))
        vdm_bag_fault(b, "bag-info.txt: Payload-Oxum is no two numbers: %.*s",
                      (int)(oxum.n < 60 ? oxum.n : 60), oxum.p);
    else if (bytes != octets || files != streams)
        vdm_bag_fault(
            b, "bag-info.txt: Payload-Oxum is %.*s, the payload has %llu bytes in %llu files",
            (int)oxum.n, oxum.p, (unsigned long long)octets, (unsigned long long)streams);
}

static void take_info(struct vdm_bag *b, struct vdm_bytes label, struct vdm_bytes value,
                      unsigned *oxums)
{
    vdm_bag_string(&b->info, label);
    vdm_bag_string(&b->info, value);
    if (!vdm_bag_same_label(label, VDM_LIT("Payload-Oxum")))
        return;
    check_oxum(b, value);
    if (++*oxums == 2 && vdm_bag_is_strict(b))
        vdm_bag_fault(b, "bag-info.txt has Payload-Oxum more than once");
}

/* One element with its folded lines, which are joined by one blank, into *value. */
static bool cut_element(struct vdm_bag *b, struct vdm_bytes *text, struct vdm_bytes *label,
                        struct vdm_buf *value)
{
    struct vdm_bytes line, rest, before;
    do
        if (!vdm_bag_line(text, &line))
            return false;
    while (vdm_bag_trim(line).n == 0);
    rest = line;
    vdm_buf_clear(value);
    bool good = vdm_cut(&rest, ':', &before) && vdm_bag_trim(before).n;
    *label = good ? vdm_bag_trim(before) : (struct vdm_bytes){NULL, 0};
    if (!good)
        vdm_bag_fault(b, "bag-info.txt has a line without a label: %.*s",
                      (int)(line.n < 200 ? line.n : 200), line.p);
    else if (vdm_bag_is_strict(b) && label->n != before.n)
        vdm_bag_fault(b, "bag-info.txt has blanks around the label %.*s", (int)label->n, label->p);
    vdm_buf_put(value, vdm_bag_trim(rest));
    while (text->n && vdm_bag_is_blank(text->p[0]) && vdm_bag_line(text, &line)) {
        vdm_buf_putc(value, ' ');
        vdm_buf_put(value, vdm_bag_trim(line));
    }
    return true;
}

void vdm_bag_read_info(struct vdm_bag *b)
{
    const struct vdm_bag_file *f = vdm_bag_find(b, VDM_LIT("bag-info.txt"));
    struct vdm_buf value VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text, label;
    unsigned oxums = 0;
    if (!f || !vdm_bag_decode(b, f, &text))
        return;
    while (cut_element(b, &text, &label, &value))
        if (label.n && b->info.counted + 2 <= 2 * VDM_BAG_ELEMENTS_MAX)
            take_info(b, label, vdm_buf_bytes(&value), &oxums);
    b->decoded.failed = b->decoded.failed || value.failed;
}

/* --- fetch.txt --- */

static struct vdm_bytes cut_word(struct vdm_bytes *rest)
{
    size_t n = 0;
    while (n < rest->n && !vdm_bag_is_blank(rest->p[n]))
        n++;
    struct vdm_bytes word = {rest->p, n};
    *rest = vdm_bytes_skip(*rest, n);
    while (rest->n && vdm_bag_is_blank(rest->p[0]))
        *rest = vdm_bytes_skip(*rest, 1);
    return word;
}

static void take_fetch_line(struct vdm_bag *b, struct vdm_bytes line, struct vdm_buf *path)
{
    struct vdm_bytes where = VDM_LIT("fetch.txt"), rest = line;
    struct vdm_bytes url = cut_word(&rest), length = cut_word(&rest);
    uint64_t bytes;
    if (url.n == 0 || rest.n == 0 ||
        (!vdm_bytes_equal(length, VDM_LIT("-")) && !decode_decimal(length, &bytes))) {
        vdm_bag_fault(b, "fetch.txt has a line that is none: %.*s",
                      (int)(line.n < 200 ? line.n : 200), line.p);
        return;
    }
    if (!vdm_bag_path(b, rest, where, path))
        return;
    struct vdm_bytes name = vdm_buf_bytes(path);
    if (!vdm_bag_is_payload(name))
        vdm_bag_fault(b, "fetch.txt names %.*s, which does not lie below data/", (int)name.n,
                      name.p);
    else if (!vdm_bag_find(b, name))
        vdm_bag_fault(b, "%.*s is to be fetched from %.*s: nothing is downloaded here", (int)name.n,
                      name.p, (int)url.n, url.p);
}

void vdm_bag_read_fetch(struct vdm_bag *b)
{
    const struct vdm_bag_file *f = vdm_bag_find(b, VDM_LIT("fetch.txt"));
    struct vdm_buf path VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text, line;
    if (!f || !vdm_bag_decode(b, f, &text))
        return;
    while (vdm_bag_line(&text, &line))
        if (vdm_bag_trim(line).n)
            take_fetch_line(b, line, &path);
    b->decoded.failed = b->decoded.failed || path.failed;
}
