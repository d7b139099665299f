/* SPDX-License-Identifier: MIT */
/* The verdict on bags: made here, one fault each, and those of the conformance suite where it is at hand. */
#include "unit/capture/scratch.h"

#include <dirent.h>

#include "base/limits.h"
#include "capture/bag.h"

struct file {
    char *name;
    struct vdm_buf content;
};

struct made {
    struct file file[64];
    size_t n;
    bool data; /* an empty folder data/ */
};

static struct vdm_sums *sums;

static int setup(void **state)
{
    struct vdm_err err;
    (void)state;
    return vdm_sums_open(&sums, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    vdm_sums_close(sums);
    return 0;
}

static void release(struct made *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->file[i].name);
        vdm_buf_release(&m->file[i].content);
    }
}

static void sum_of(struct vdm_bytes content, enum vdm_sum_kind kind, uint8_t out[VDM_SUM_BYTES_MAX])
{
    struct vdm_sum sum = {VDM_SUM_KINDS, NULL};
    vdm_sum_begin(&sum, sums, kind);
    vdm_sum_add(&sum, content);
    assert_true(vdm_sum_end(&sum, out));
}

/* `<sha256 data/a>` in a content is the sum of a file that was put before. */
static void put_sum(const struct made *m, struct vdm_buf *out, const char *algorithm,
                    const char *name)
{
    enum vdm_sum_kind kind;
    uint8_t sum[VDM_SUM_BYTES_MAX];
    assert_true(vdm_sum_kind_from_name(vdm_str(algorithm), &kind));
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->file[i].name, name) == 0) {
            sum_of(vdm_buf_bytes(&m->file[i].content), kind, sum);
            for (size_t k = 0; k < vdm_sum_bytes(kind); k++)
                vdm_buf_putf(out, "%02x", sum[k]);
            return;
        }
    fail_msg("no %s", name);
}

static void put(struct made *m, const char *name, struct vdm_bytes content)
{
    struct file *f = &m->file[m->n];
    f->name = strdup(name);
    for (size_t i = 0; i < content.n; i++) {
        char algorithm[20], of[60];
        int used = 0;
        if (content.p[i] == '<' &&
            sscanf((const char *)content.p + i, "<%19[a-z0-9] %59[^>]>%n", algorithm, of, &used) ==
                2 &&
            used) {
            put_sum(m, &f->content, algorithm, of);
            i += (size_t)used - 1;
        } else {
            vdm_buf_putc(&f->content, (char)content.p[i]);
        }
    }
    m->n++;
}

static bool judge(const struct made *m, struct vdm_bag **out, struct vdm_err *err)
{
    struct vdm_bag *b;
    assert_true(vdm_bag_open(out, err));
    b = *out;
    for (size_t i = 0; i < m->n; i++)
        if (!vdm_bag_add(b, vdm_str(m->file[i].name), m->file[i].content.n, err))
            return false;
    if (m->data)
        vdm_bag_has_data(b);
    vdm_bag_listed(b);
    for (size_t i = 0; i < m->n; i++) {
        struct vdm_bytes name = vdm_str(m->file[i].name);
        struct vdm_bytes content = vdm_buf_bytes(&m->file[i].content);
        uint8_t values[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX] = {{0}};
        for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
            if (vdm_bag_sums(b) >> k & 1)
                sum_of(content, (enum vdm_sum_kind)k, values[k]);
        if (!vdm_bag_fill(b, name, (const uint8_t(*)[VDM_SUM_BYTES_MAX])values, content, err))
            return false;
    }
    return vdm_bag_judge(b, err);
}

static void expect(const struct made *m, const char *what, const char *finding, const char *notice)
{
    struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
    struct vdm_err err = {0};
    bool found = !finding, told = !notice;
    if (!judge(m, &b, &err))
        fail_msg("%s: %s", what, err.text);
    for (size_t i = 0; i < vdm_bag_findings(b); i++) {
        if (!finding)
            fail_msg("%s: %s", what, vdm_bag_finding(b, i));
        found = found || strstr(vdm_bag_finding(b, i), finding);
    }
    for (size_t i = 0; i < vdm_bag_notices(b); i++)
        told = told || strstr(vdm_bag_notice(b, i), notice);
    if (!found)
        fail_msg("%s: not found: %s (%zu findings, the first: %s)", what, finding,
                 vdm_bag_findings(b), vdm_bag_finding(b, 0));
    if (!told)
        fail_msg("%s: not told: %s", what, notice);
}

/* --- made here --- */

#define BAGIT(version) "bagit.txt=BagIt-Version: " version "\nTag-File-Character-Encoding: UTF-8\n"
#define A              "data/a.txt=first\n"
#define B              "data/sub/b.txt=second\n"
#define SHA_AB                                                                                     \
    "manifest-sha256.txt=<sha256 data/a.txt>  data/a.txt\n<sha256 data/sub/b.txt>  "               \
    "data/sub/b.txt\n"
#define SHA_A "manifest-sha256.txt=<sha256 data/a.txt>  data/a.txt\n"
#define TAGS                                                                                       \
    "tagmanifest-sha256.txt=<sha256 bagit.txt> bagit.txt\n<sha256 manifest-sha256.txt> "           \
    "manifest-sha256.txt\n"

static const struct {
    const char *what;
    const char *files[10]; /* name=content */
    const char *finding, *notice;
} cases[] = {
    {"1.0", {BAGIT("1.0"), A, B, SHA_AB, TAGS}, NULL, NULL},
    {"0.97", {BAGIT("0.97"), A, B, SHA_AB, TAGS}, NULL, NULL},
    {"no tag manifest", {BAGIT("1.0"), A, B, SHA_AB}, NULL, "nothing vouches for the tag files"},
    {"other versions", {BAGIT("0.96"), A, SHA_A}, "its version is 0.96", NULL},
    {"a later version", {BAGIT("1.1"), A, SHA_A}, "its version is 1.1", NULL},
    {"0.100", {BAGIT("0.970"), A, SHA_A}, "its version is 0.970", NULL},
    {"no version", {BAGIT("1"), A, SHA_A}, "1 is not a version", NULL},
    {"no bagit.txt", {A, SHA_A}, "bagit.txt is missing", NULL},
    {"no manifest", {BAGIT("1.0"), A}, "there is no manifest", NULL},
    {"mark in bagit.txt",
     {"bagit.txt=\xEF\xBB\xBF"
      "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
      A, SHA_A},
     "byte order mark",
     NULL},
    {"a third line",
     {"bagit.txt=BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\nMore: 1\n", A, SHA_A},
     "not exactly the two lines",
     NULL},
    {"two blanks",
     {"bagit.txt=BagIt-Version:  1.0\nTag-File-Character-Encoding: UTF-8\n", A, SHA_A},
     "not exactly the two lines",
     NULL},
    {"two blanks in 0.97",
     {"bagit.txt=BagIt-Version:  0.97\nTag-File-Character-Encoding: UTF-8\n", A, SHA_A},
     NULL,
     NULL},
    {"lines that end in CR and CRLF",
     {"bagit.txt=BagIt-Version: 1.0\rTag-File-Character-Encoding: UTF-8\r\n", A,
      "manifest-sha256.txt=<sha256 data/a.txt>  data/a.txt\r\n"},
     NULL,
     NULL},
    {"unknown encoding",
     {"bagit.txt=BagIt-Version: 1.0\nTag-File-Character-Encoding: EBCDIC\n", A, SHA_A},
     "the encoding EBCDIC is not known",
     NULL},
    {"not in its encoding",
     {BAGIT("1.0"), "data/\xFF=x", "manifest-md5.txt=<md5 data/\xFF>  data/\xFF\n"},
     "manifest-md5.txt is not in the encoding",
     NULL},
    {"Latin-1",
     {"bagit.txt=BagIt-Version: 1.0\nTag-File-Character-Encoding: ISO-8859-1\n", "data/\xC3\xBC=x",
      "manifest-md5.txt=<md5 data/\xC3\xBC>  data/\xFC\n"},
     NULL,
     NULL},
    {"mark in a manifest",
     {BAGIT("1.0"), A, "manifest-md5.txt=\xEF\xBB\xBF<md5 data/a.txt>  data/a.txt\n"},
     "manifest-md5.txt begins with a byte order mark",
     NULL},
    {"mark in a manifest, 0.97",
     {BAGIT("0.97"), A, "manifest-md5.txt=\xEF\xBB\xBF<md5 data/a.txt>  data/a.txt\n"},
     NULL,
     "byte order mark"},
    {"changed",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 bagit.txt>  data/a.txt\n"},
     "data/a.txt has another content: its md5 is",
     NULL},
    {"sum cut off", {BAGIT("1.0"), A, "manifest-md5.txt=5f  data/a.txt\n"}, "says 5f", NULL},
    {"no sum", {BAGIT("1.0"), A, "manifest-md5.txt=data/a.txt\n"}, "none of a manifest", NULL},
    {"sum in capitals",
     {BAGIT("1.0"), "data/abc=abc",
      "manifest-md5.txt=900150983CD24FB0D6963F7D28E17F72  data/abc\n"},
     NULL,
     NULL},
    {"every algorithm",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 data/a.txt> data/a.txt",
      "manifest-sha1.txt=<sha1 data/a.txt> data/a.txt",
      "manifest-sha224.txt=<sha224 data/a.txt> data/a.txt",
      "manifest-sha384.txt=<sha384 data/a.txt> data/a.txt",
      "manifest-sha512.txt=<sha512 data/a.txt> data/a.txt",
      "manifest-sha3256.txt=<sha3256 data/a.txt> data/a.txt",
      "manifest-sha3512.txt=<sha3512 data/a.txt> data/a.txt",
      "manifest-blake2b.txt=<blake2b data/a.txt> data/a.txt"},
     NULL,
     NULL},
    {"one of two algorithms does not fit",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 data/a.txt> data/a.txt",
      "manifest-sha512.txt=<sha512 bagit.txt> data/a.txt"},
     "its sha512 is",
     NULL},
    {"unknown algorithm",
     {BAGIT("1.0"), A, "manifest-tiger.txt=00 data/a.txt\n"},
     "no manifest of an algorithm that is known",
     NULL},
    {"unknown algorithm beside a known one",
     {BAGIT("1.0"), A, SHA_A, "manifest-tiger.txt=00 data/a.txt\n"},
     NULL,
     "manifest-tiger.txt: its algorithm is not known"},
    {"named with unknown algorithms alone",
     {BAGIT("0.97"), A, B, SHA_A, "manifest-tiger.txt=00 data/sub/b.txt\n"},
     "b.txt is there, and in no manifest of an algorithm that is known here",
     NULL},
    {"named with unknown algorithms, too",
     {BAGIT("0.97"), A, B, SHA_AB, "manifest-tiger.txt=00 data/sub/b.txt\n"},
     NULL,
     NULL},
    {"missing",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 data/a.txt> data/a.txt\n00 data/b\n"},
     "data/b is missing",
     NULL},
    {"in another case",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 data/a.txt> data/A.txt\n"},
     "there is one in another case",
     NULL},
    {"not named", {BAGIT("1.0"), A, B, SHA_A}, "data/sub/b.txt is there, and in no manifest", NULL},
    {"not named in 0.97", {BAGIT("0.97"), A, B, SHA_A}, "b.txt is there, and in no manifest", NULL},
    {"named in one of two manifests",
     {BAGIT("1.0"), A, B, SHA_AB, "manifest-md5.txt=<md5 data/a.txt> data/a.txt\n"},
     "data/sub/b.txt is there, and not in every manifest",
     NULL},
    {"named in one of two manifests, 0.97",
     {BAGIT("0.97"), A, B, SHA_AB, "manifest-md5.txt=<md5 data/a.txt> data/a.txt\n"},
     NULL,
     NULL},
    {"named twice",
     {BAGIT("1.0"), A,
      "manifest-md5.txt=<md5 data/a.txt> data/a.txt\n<md5 data/a.txt> data/a.txt\n"},
     "names data/a.txt twice",
     NULL},
    {"named twice in 0.97",
     {BAGIT("0.97"), A,
      "manifest-md5.txt=<md5 data/a.txt> data/a.txt\n<md5 data/a.txt> data/a.txt\n"},
     NULL,
     "names data/a.txt twice"},
    {"md5sum",
     {BAGIT("0.97"), A, "manifest-md5.txt=<md5 data/a.txt> *data/a.txt\n"},
     NULL,
     "asterisk"},
    {"dot and slash",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 data/a.txt> ./data/a.txt\n"},
     NULL,
     "begin with ./"},
    {"dots",
     {BAGIT("1.0"), A, SHA_A, "manifest-md5.txt=00 data/../../etc/passwd\n"},
     "lies outside of the bag: data/../../etc/passwd",
     NULL},
    {"absolute",
     {BAGIT("1.0"), A, SHA_A, "manifest-md5.txt=00 /etc/passwd\n"},
     "lies outside of the bag: /etc/passwd",
     NULL},
    {"empty part",
     {BAGIT("1.0"), A, SHA_A, "manifest-md5.txt=00 data//a.txt\n"},
     "lies outside of the bag: data//a.txt",
     NULL},
    {"home",
     {BAGIT("1.0"), A, SHA_A, "manifest-md5.txt=00 ~/.profile\n"},
     "~/.profile, which does not lie below data/",
     NULL},
    {"encoded names",
     {BAGIT("1.0"), "data/a\nb=x", "data/100%=y", "data/c%0Dd=z",
      "manifest-md5.txt=<md5 data/a\nb> data/a%0ab\n<md5 data/100%> data/100%25\n<md5 data/c%0Dd> "
      "data/c%250Dd\n"},
     NULL,
     NULL},
    {"only these three are encoded",
     {BAGIT("1.0"), "data/%7Ea=x", "manifest-md5.txt=<md5 data/%7Ea> data/%7Ea\n"},
     NULL,
     NULL},
    {"0.97 encodes nothing",
     {BAGIT("0.97"), "data/a%25b=x", "manifest-md5.txt=<md5 data/a%25b> data/a%25b\n"},
     NULL,
     NULL},
    {"but some writers did",
     {BAGIT("0.97"), "data/a\nb=x", "manifest-md5.txt=<md5 data/a\nb> data/a%0Ab\n"},
     NULL,
     NULL},
    {"changed tag file",
     {BAGIT("1.0"), A, SHA_A,
      "tagmanifest-md5.txt=<md5 bagit.txt> manifest-sha256.txt\n<md5 bagit.txt> bagit.txt\n"},
     "manifest-sha256.txt has another content",
     NULL},
    {"missing tag file",
     {BAGIT("0.97"), A, SHA_A, "tagmanifest-md5.txt=<md5 bagit.txt> bag-info.txt\n"},
     "bag-info.txt is missing",
     NULL},
    {"tag manifest without a manifest",
     {BAGIT("1.0"), A, SHA_A, "tagmanifest-md5.txt=<md5 bagit.txt> bagit.txt\n"},
     "manifest-sha256.txt is not in every tag manifest",
     NULL},
    {"tag manifest without a manifest, 0.97",
     {BAGIT("0.97"), A, SHA_A, "tagmanifest-md5.txt=<md5 bagit.txt> bagit.txt\n"},
     NULL,
     NULL},
    {"tag manifest of the payload",
     {BAGIT("0.97"), A, SHA_A, "tagmanifest-md5.txt=<md5 data/a.txt> data/a.txt\n"},
     "data/a.txt, which is no tag file",
     NULL},
    {"tag manifest of a tag manifest",
     {BAGIT("0.97"), A, SHA_A, "tagmanifest-md5.txt=<md5 bagit.txt> tagmanifest-md5.txt\n"},
     "which is a tag manifest itself",
     NULL},
    {"Payload-Oxum", {BAGIT("1.0"), A, SHA_A, "bag-info.txt=Payload-Oxum: 6.1\n"}, NULL, NULL},
    {"Payload-Oxum, bytes",
     {BAGIT("1.0"), A, SHA_A, "bag-info.txt=payload-oxum: 7.1\n"},
     "Payload-Oxum is 7.1, the payload has 6 bytes in 1 files",
     NULL},
    {"Payload-Oxum, files",
     {BAGIT("1.0"), A, SHA_A, "bag-info.txt=Payload-Oxum: 6.2\n"},
     "Payload-Oxum is 6.2",
     NULL},
    {"Payload-Oxum, no numbers",
     {BAGIT("1.0"), A, SHA_A, "bag-info.txt=Payload-Oxum: 6\n"},
     "no two numbers",
     NULL},
    {"Payload-Oxum twice",
     {BAGIT("1.0"), A, SHA_A, "bag-info.txt=Payload-Oxum: 6.1\nPayload-Oxum: 6.1\n"},
     "more than once",
     NULL},
    {"no label", {BAGIT("1.0"), A, SHA_A, "bag-info.txt=just words\n"}, "without a label", NULL},
    {"blank before the colon",
     {BAGIT("1.0"), A, SHA_A, "bag-info.txt=A : b\n"},
     "blanks around the label",
     NULL},
    {"blank before the colon, 0.97", {BAGIT("0.97"), A, SHA_A, "bag-info.txt=A : b\n"}, NULL, NULL},
    {"fetched already",
     {BAGIT("1.0"), A, SHA_A, "fetch.txt=https://a.example/a.txt 6 data/a.txt\n"},
     NULL,
     NULL},
    {"to be fetched",
     {BAGIT("1.0"), A, "manifest-md5.txt=<md5 data/a.txt> data/a.txt\n00 data/b\n",
      "fetch.txt=https://a.example/b - data/b\n"},
     "data/b is to be fetched from https://a.example/b",
     NULL},
    {"fetch of a tag file",
     {BAGIT("1.0"), A, SHA_A, "fetch.txt=https://a.example/b - bagit.txt\n"},
     "fetch.txt names bagit.txt, which does not lie below data/",
     NULL},
    {"fetch outside",
     {BAGIT("1.0"), A, SHA_A, "fetch.txt=https://a.example/b 1 ../b\n"},
     "lies outside of the bag: ../b",
     NULL},
    {"fetch of no length",
     {BAGIT("1.0"), A, SHA_A, "fetch.txt=https://a.example/b x data/b\n"},
     "fetch.txt has a line that is none",
     NULL},
    {"no payload", {BAGIT("1.0"), "manifest-md5.txt="}, "the folder data/ is missing", NULL},
};

static void put_case(struct made *m, const char *const *files)
{
    for (; *files; files++) {
        const char *equals = strchr(*files, '=');
        char *name VDM_CLEANUP(vdm_free_string) = strndup(*files, (size_t)(equals - *files));
        put(m, name, vdm_str(equals + 1));
    }
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made m = {0};
        put_case(&m, cases[i].files);
        expect(&m, cases[i].what, cases[i].finding, cases[i].notice);
        release(&m);
    }
}

static void test_empty_payload(void **state)
{
    (void)state;
    struct made m = {.data = true};
    put_case(&m, (const char *const[]){
                     BAGIT("1.0"), "manifest-md5.txt=", "bag-info.txt=Payload-Oxum: 0.0", NULL});
    expect(&m, "an empty payload", NULL, NULL);
    release(&m);
}

/* Every byte of a tag file counts: a bag whose manifest or declaration is changed anywhere is found. */
static void test_changed_anywhere(void **state)
{
    (void)state;
    struct made m = {0};
    put_case(&m, (const char *const[]){BAGIT("1.0"), A, B, SHA_AB, TAGS, NULL});
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < m.file[i].content.n; k++) {
            struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
            struct vdm_err err = {0};
            m.file[i].content.p[k] ^= 1;
            assert_true(judge(&m, &b, &err));
            if (vdm_bag_findings(b) == 0)
                fail_msg("%s: byte %zu", m.file[i].name, k);
            m.file[i].content.p[k] ^= 1;
        }
    release(&m);
}

static void test_utf16(void **state)
{
    (void)state;
    static const char *const orders[] = {"UTF-16", "UTF-16", "UTF-16LE", "UTF-16BE"};
    for (int i = 0; i < 4; i++) {
        struct made m = {0};
        struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf wide VDM_CLEANUP(vdm_buf_release) = {0};
        bool little = i == 1 || i == 2;
        put(&m, "data/\xC3\xBC\xF0\x9F\x93\x9C", VDM_LIT("x"));
        put_sum(&m, &plain, "md5", m.file[0].name);
        vdm_buf_puts(&plain, "  data/");
        if (i < 2)
            vdm_buf_put(&wide, little ? VDM_LIT("\xFF\xFE") : VDM_LIT("\xFE\xFF"));
        for (size_t k = 0; k < plain.n; k++) {
            vdm_buf_putc(&wide, little ? (char)plain.p[k] : 0);
            vdm_buf_putc(&wide, little ? 0 : (char)plain.p[k]);
        }
        vdm_buf_put(&wide, little ? VDM_LIT("\xFC\0\x3D\xD8\xDC\xDC\n\0")
                                  : VDM_LIT("\0\xFC\xD8\x3D\xDC\xDC\0\n"));
        put(&m, "manifest-md5.txt", vdm_buf_bytes(&wide));
        char declared[100];
        snprintf(declared, sizeof declared,
                 "BagIt-Version: 0.97\nTag-File-Character-Encoding: %s\n", orders[i]);
        put(&m, "bagit.txt", vdm_str(declared));
        expect(&m, orders[i], NULL, NULL);
        m.file[1].content.n--;
        expect(&m, orders[i], "manifest-md5.txt is not in the encoding", NULL);
        release(&m);
    }
}

/* Halves of a pair: a high one that no low one follows, a low one alone. */
static void test_utf16_halves(void **state)
{
    (void)state;
    const struct vdm_bytes halves[] = {{(const uint8_t *)"\xD8\x3D\0A", 4},
                                       {(const uint8_t *)"\xDC\xDC", 2},
                                       {(const uint8_t *)"\xD8\x3D", 2}};
    for (size_t i = 0; i < 3; i++) {
        struct made m = {0};
        put_case(&m, (const char *const[]){
                         "bagit.txt=BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-16BE\n", A,
                         NULL});
        put(&m, "manifest-md5.txt", halves[i]);
        expect(&m, "half a pair", "manifest-md5.txt is not in the encoding", NULL);
        release(&m);
    }
}

static void test_info(void **state)
{
    (void)state;
    struct made m = {0};
    struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    put_case(&m, (const char *const[]){BAGIT("1.0"), A, SHA_A,
                                       "manifest-sha512.txt=<sha512 data/a.txt> data/a.txt",
                                       "bag-info.txt=Source-Organization: The Library\r\n"
                                       "External-Description: Letters of\r\n   the council\r\n"
                                       "\tand more\r\n\r\nEmpty:\r\nContact-Name: A: B\r\n",
                                       NULL});
    assert_true(judge(&m, &b, &err));
    assert_int_equal(vdm_bag_findings(b), 0);
    for (size_t i = 0; i < vdm_bag_elements(b); i++)
        vdm_buf_putf(&text, "%.*s=%.*s;", (int)vdm_bag_element(b, i).label.n,
                     vdm_bag_element(b, i).label.p, (int)vdm_bag_element(b, i).value.n,
                     vdm_bag_element(b, i).value.p);
    vdm_bag_describe(b, &text);
    assert_bytes(vdm_buf_bytes(&text),
                 "Source-Organization=The Library;External-Description=Letters of the council and "
                 "more;Empty=;Contact-Name=A: B;BagIt 1.0, sha256 sha512");
    release(&m);
}

/* --- who lists the files may be wrong, too --- */

static void test_listing(void **state)
{
    (void)state;
    struct made m = {0};
    put_case(&m, (const char *const[]){BAGIT("1.0"), A, A, SHA_A, NULL});
    expect(&m, "a file that is there twice", "data/a.txt is there twice", NULL);
    release(&m);
    m = (struct made){0};
    put_case(&m, (const char *const[]){BAGIT("1.0"), A, SHA_A, "../x=1", NULL});
    expect(&m, "a file outside", "../x is no name of a file in a bag", NULL);
    release(&m);
}

static void test_not_filled_in(void **state)
{
    (void)state;
    struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
    struct vdm_err err = {0};
    uint8_t none[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX] = {{0}};
    assert_true(vdm_bag_open(&b, &err));
    assert_true(vdm_bag_add(b, VDM_LIT("data/a"), 1, &err));
    vdm_bag_listed(b);
    assert_false(vdm_bag_fill(b, VDM_LIT("data/b"), (const uint8_t(*)[VDM_SUM_BYTES_MAX])none,
                              VDM_LIT(""), &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_true(vdm_bag_judge(b, &err));
    assert_string_equal(vdm_bag_finding(b, 0), "data/a could not be read");
}

static void test_bounds(void **state)
{
    (void)state;
    struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
    struct vdm_err err = {0};
    uint8_t none[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX] = {{0}};
    uint8_t *long_text = calloc(1, VDM_BAG_TEXT_MAX);
    assert_true(vdm_bag_open(&b, &err));
    assert_true(vdm_bag_add(b, VDM_LIT("bag-info.txt"), VDM_BAG_TEXT_MAX, &err));
    assert_true(vdm_bag_add(b, VDM_LIT("bagit.txt"), 1, &err));
    vdm_bag_listed(b);
    assert_true(vdm_bag_fill(b, VDM_LIT("bag-info.txt"), (const uint8_t(*)[VDM_SUM_BYTES_MAX])none,
                             (struct vdm_bytes){long_text, VDM_BAG_TEXT_MAX}, &err));
    assert_false(vdm_bag_fill(b, VDM_LIT("bagit.txt"), (const uint8_t(*)[VDM_SUM_BYTES_MAX])none,
                              VDM_LIT("x"), &err));
    assert_string_equal(err.text, "the tag files of the bag have more than 64 MiB");
    free(long_text);
}

/* --- the conformance suite --- */

static struct made *folder;
static size_t folder_skip;

static int put_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)at;
    if (kind != FTW_F)
        return 0;
    uint8_t *p = malloc((size_t)st->st_size + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(p && fd >= 0);
    assert_int_equal(read(fd, p, (size_t)st->st_size), st->st_size);
    close(fd);
    struct file *f = &folder->file[folder->n++];
    f->name = strdup(path + folder_skip);
    vdm_buf_put(&f->content, (struct vdm_bytes){p, (size_t)st->st_size});
    free(p);
    return 0;
}

/* What is not simply valid below valid/ and invalid elsewhere. */
static const struct {
    const char *bag, *finding, *notice;
} suite[] = {
    {"v0.93/", "its version is 0.93", NULL},
    {"v0.94/", "its version is 0.94", NULL},
    {"v0.95/", "its version is 0.95", NULL},
    {"v0.96/", "its version is 0.96", NULL},
    {"v0.97/invalid/baginfo-missing-encoding", "no second line", NULL},
    {"v0.97/invalid/bom-in-bagit.txt", "byte order mark", NULL},
    {"v0.97/invalid/corrupt-data-file", "another content", NULL},
    {"v0.97/invalid/corrupt-tag-file", "bag-info.txt has another content", NULL},
    {"v0.97/invalid/extra-file-in-bag", "data/bar is there, and in no manifest", NULL},
    {"v0.97/invalid/invalid-version-number", ".97 is not a version", NULL},
    {"v0.97/invalid/missing-baginfo", "bag-info.txt is missing", NULL},
    {"v0.97/invalid/missing-bagit.txt", "bagit.txt is missing", NULL},
    {"v0.97/invalid/out-of-scope", "outside of the bag: ../../../", NULL},
    {"v0.97/invalid/same-filename", "another content", NULL},
    {"v0.97/linux-only/out-of-scope-file-paths-using-absolute", "outside of the bag: /tmp/", NULL},
    {"v0.97/linux-only/out-of-scope", "which does not lie below data/", NULL},
    {"v0.97/windows-only/", "which does not lie below data/", NULL},
    {"v0.97/warning/duplicate-file-with-different-case", "data/HELLO.txt is missing", NULL},
    {"v0.97/warning/made-with-md5sum-tools", NULL, "asterisk"},
    {"v0.97/warning/relative-path", NULL, "begin with ./"},
    {"v0.97/warning/same-filename-listed-twice-with-different-normalization", "0.96", NULL},
    {"v0.97/warning/same-filename-listed-twice-with-the-same-hash", NULL, "twice"},
    /* The copy at hand lacks its hidden file. */
    {"v0.97/warning/special-system-files", "data/.DS_Store is missing", NULL},
    {"v0.97/valid/bag-with-leading-dot-slash", NULL, "begin with ./"},
    {"v0.97/valid/", NULL, NULL},
    {"v1.0/invalid/bagit-with-invalid-whitespace", "not exactly the two lines", NULL},
    {"v1.0/invalid/notAllManifestsListAllFiles", "in no manifest", NULL},
    {"v1.0/invalid/same-filename-listed-twice-with-different", "another content", NULL},
    {"v1.0/invalid/same-filename-listed-twice-with-the-same", "names data/README twice", NULL},
    {"v1.0/valid/", NULL, NULL},
};

static size_t judge_below(const char *root, const char *version, const char *group)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/%s/%s", root, version, group);
    DIR *dir = opendir(path);
    struct dirent *entry;
    size_t judged = 0;
    while (dir && (entry = readdir(dir))) {
        char bag[4096];
        struct made m = {0};
        size_t i = 0;
        snprintf(bag, sizeof bag, "%s/%s", path, entry->d_name);
        struct stat st;
        if (entry->d_name[0] == '.' || stat(bag, &st) != 0 || !S_ISDIR(st.st_mode))
            continue;
        folder = &m;
        folder_skip = strlen(bag) + 1;
        assert_int_equal(nftw(bag, put_file, 16, FTW_PHYS), 0);
        const char *name = bag + strlen(root) + 1;
        while (i < sizeof suite / sizeof *suite &&
               strncmp(name, suite[i].bag, strlen(suite[i].bag)) != 0)
            i++;
        if (i == sizeof suite / sizeof *suite)
            fail_msg("%s: no verdict is expected", name);
        expect(&m, name, suite[i].finding, suite[i].notice);
        release(&m);
        judged++;
    }
    if (dir)
        closedir(dir);
    return judged;
}

static void test_conformance(void **state)
{
    (void)state;
    static const char *const versions[] = {"v0.93", "v0.94", "v0.95", "v0.96", "v0.97", "v1.0"};
    static const char *const groups[] = {"valid", "invalid", "warning", "linux-only",
                                         "windows-only"};
    const char *shared = getenv("VIDIMUS_SHARED");
    char root[1024];
    size_t judged = 0;
    snprintf(root, sizeof root, "%s/corpus/bagit-conformance",
             shared ? shared : VDM_SOURCE_DIR "/../shared");
    if (access(root, R_OK) != 0)
        skip();
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++)
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
            judged += judge_below(root, versions[v], groups[g]);
    assert_int_equal(judged, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_empty_payload),
        cmocka_unit_test(test_changed_anywhere),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_utf16_halves),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_listing),
        cmocka_unit_test(test_not_filled_in),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_conformance),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
