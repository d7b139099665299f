/* SPDX-License-Identifier: MIT */
/* The small texts of a bundle, both ways. */
#include "unit/bundle/support.h"

#include "bundle/layout.h"

#include <stdio.h>

#define A50    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ORIGIN "External-Identifier: archive.example.org/statements\n"
#define DATE   "Bagging-Date: 2020-01-03\n"
#define OXUM   "Payload-Oxum: 156.4\n"
#define AGENT  "Bag-Software-Agent: vidimus 0.0-vectors\n"

static void test_bagit(void **state)
{
    (void)state;
    assert_true(vdm_bagit_valid(VDM_LIT("BagIt-Version: 1.0\n"
                                        "Tag-File-Character-Encoding: UTF-8\n")));
    struct vdm_bytes text = VDM_LIT(VDM_BAGIT_TEXT);
    char changed[sizeof VDM_BAGIT_TEXT];
    memcpy(changed, VDM_BAGIT_TEXT, sizeof changed);
    for (size_t i = 0; i < text.n; i++) {
        changed[i] ^= 0x20;
        assert_false(vdm_bagit_valid(vdm_str(changed)));
        changed[i] ^= 0x20;
        assert_false(vdm_bagit_valid((struct vdm_bytes){text.p, i}));
    }
    assert_false(vdm_bagit_valid(VDM_LIT(VDM_BAGIT_TEXT "\n")));
    assert_false(vdm_bagit_valid(VDM_LIT("\xef\xbb\xbf" VDM_BAGIT_TEXT)));
}

static void test_bag_info(void **state)
{
    (void)state;
    static const char text[] = ORIGIN DATE OXUM AGENT;
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bag_info info;
    struct vdm_time t;
    assert_true(vdm_bag_info_decode(vdm_str(text), &info, NULL));
    assert_string_equal(info.origin, "archive.example.org/statements");
    assert_string_equal(info.date, "2020-01-03");
    assert_int_equal(info.payload_bytes, 156);
    assert_int_equal(info.payload_files, 4);
    assert_string_equal(info.agent, "vidimus 0.0-vectors");
    assert_true(vdm_time_decode(VDM_LIT("2020-01-03T23:59:59Z"), &t));
    memset(info.date, 'x', sizeof info.date);
    vdm_bag_date(t, info.date);
    assert_true(vdm_bag_info_encode(&info, &again, NULL));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&again), text));
    assert_true(again.n <= VDM_BAG_INFO_MAX);
}

static void test_largest_bag_info_fits(void **state)
{
    (void)state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bag_info info = {.date = "9999-12-31",
                                .payload_bytes = VDM_NUMBER_MAX,
                                .payload_files = VDM_NUMBER_MAX},
                        back;
    memset(info.origin, 'o', sizeof info.origin - 1);
    memset(info.agent, 'a', sizeof info.agent - 1);
    assert_true(vdm_bag_info_encode(&info, &text, NULL));
    assert_true(text.n <= VDM_BAG_INFO_MAX);
    assert_true(vdm_bag_info_decode(vdm_buf_bytes(&text), &back, NULL));
    assert_string_equal(back.agent, info.agent);
}

static void test_bad_bag_info(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"", "line 1"},
        {ORIGIN, "line 2"},
        {ORIGIN DATE OXUM, "line 4"},
        {ORIGIN DATE OXUM AGENT "\n", "more than"},
        {ORIGIN DATE OXUM AGENT AGENT, "more than"},
        {DATE ORIGIN OXUM AGENT, "line 1"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: x", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: \n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent:  x\n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: x \n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: x\r\n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: x\ty\n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: \xc3\xa9\n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: \x7f\n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent: " A50 A50 A50 A50 "a\n", "line 4"},
        {ORIGIN DATE OXUM "bag-software-agent: x\n", "line 4"},
        {ORIGIN DATE OXUM "Bag-Software-Agent:x\n", "line 4"},
        {"External-Identifier: \n" DATE OXUM AGENT, "line 1"},
        {"External-Identifier: a b\n" DATE OXUM AGENT, "line 1"},
        {"External-Identifier: a+b\n" DATE OXUM AGENT, "line 1"},
        {"External-Identifier: " A50 "123456789012345\n" DATE OXUM AGENT, "line 1"},
        {ORIGIN "Bagging-Date: 2020-02-30\n" OXUM AGENT, "line 2"},
        {ORIGIN "Bagging-Date: 2020-1-3\n" OXUM AGENT, "line 2"},
        {ORIGIN "Bagging-Date: 2020-01-03T00:00:00Z\n" OXUM AGENT, "line 2"},
        {ORIGIN "Bagging-Date: 20-01-2003\n" OXUM AGENT, "line 2"},
        {ORIGIN DATE "Payload-Oxum: 156\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: 156.\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: .4\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: 0156.4\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: 156.04\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: 156.4.1\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: -1.4\n" AGENT, "line 3"},
        {ORIGIN DATE "Payload-Oxum: 9007199254740992.4\n" AGENT, "line 3"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_bag_info info;
        struct vdm_err err = {0};
        assert_false(vdm_bag_info_decode(vdm_str(bad[i].text), &info, &err));
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
        if (!strstr(err.text, bad[i].word))
            fail_msg("%zu: %s", i, err.text);
    }
}

static void test_nul_in_bag_info(void **state)
{
    (void)state;
    static const struct vdm_bytes bad[] = {
        {(const uint8_t *)"External-Identifier: a\0b\n" DATE OXUM AGENT,
         sizeof "External-Identifier: a\0b\n" DATE OXUM AGENT - 1},
        {(const uint8_t *)ORIGIN DATE OXUM "Bag-Software-Agent: a\0b\n",
         sizeof ORIGIN DATE OXUM "Bag-Software-Agent: a\0b\n" - 1},
    };
    struct vdm_bag_info info;
    for (size_t i = 0; i < 2; i++)
        assert_false(vdm_bag_info_decode(bad[i], &info, NULL));
}

/* Alone in its field: taken, or not. */
static bool taken(const char *label, char c)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bag_info info;
    bool origin = strcmp(label, "External-Identifier: ") == 0;
    if (!origin)
        vdm_buf_puts(&text, ORIGIN DATE OXUM);
    vdm_buf_puts(&text, label);
    vdm_buf_putc(&text, c);
    vdm_buf_puts(&text, origin ? "\n" DATE OXUM AGENT : "\n");
    return vdm_bag_info_decode(vdm_buf_bytes(&text), &info, NULL);
}

static void test_every_character(void **state)
{
    (void)state;
    static const char names[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789._@/-";
    for (int c = 0; c < 256; c++) {
        assert_int_equal(taken("External-Identifier: ", (char)c), c && strchr(names, c));
        assert_int_equal(taken("Bag-Software-Agent: ", (char)c), c > ' ' && c <= '~');
    }
}

static void test_bag_info_without_a_form(void **state)
{
    (void)state;
    const struct vdm_bag_info right = {"o", "2020-01-03", 1, 1, "a"};
    struct vdm_bag_info bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = right;
    bad[0].origin[0] = 0;
    bad[1].origin[0] = '\n';
    bad[2].date[9] = 0;
    bad[3].payload_bytes = VDM_NUMBER_MAX + 1;
    bad[4].payload_files = VDM_NUMBER_MAX + 1;
    bad[5].agent[0] = '\n';
    memset(bad[6].origin, 'o', sizeof bad[6].origin); /* no NUL */
    memset(bad[7].agent, 'a', sizeof bad[7].agent);
    bad[8].agent[0] = 0;
    for (size_t i = 0; i < 9; i++) {
        struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_err err = {0};
        assert_false(vdm_bag_info_encode(&bad[i], &out, &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        assert_int_equal(out.n, 0);
    }
}

/* --- manifests --- */

#define HEX "fcb938a9ff0c50c99b8f093eeb3a9036203f98b3fd7f6159c5f497404377fd36"

static void test_manifest_lines(void **state)
{
    (void)state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest d = {{0}}, back;
    struct vdm_layout_member m;
    assert_true(vdm_digest_from_hex(VDM_LIT(HEX), &d));
    vdm_manifest_append(&text, d, "data/INDEX.txt");
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&text), HEX "  data/INDEX.txt\n"));
    text.n--;
    assert_true(vdm_manifest_line_decode(vdm_buf_bytes(&text), &back, &m));
    assert_true(vdm_digest_equal(d, back));
    assert_int_equal(m.kind, VDM_LAYOUT_INDEX);

    static const char *const bad[] = {
        "",
        HEX,
        HEX "  ",
        HEX " data/INDEX.txt",
        HEX "   data/INDEX.txt",
        HEX "\t data/INDEX.txt",
        HEX " *data/INDEX.txt",
        HEX "  ./data/INDEX.txt",
        HEX "  data/INDEX.txt ",
        HEX "  data/INDEX.txt\r",
        HEX "  data/INDEX.txt\n",
        HEX "0  data/INDEX.txt",
        "0" HEX "  data/INDEX.txt",
        "FCB938A9ff0c50c99b8f093eeb3a9036203f98b3fd7f6159c5f497404377fd36  data/INDEX.txt",
        "fcb938a9ff0c50c99b8f093eeb3a9036203f98b3fd7f6159c5f497404377fdxx  data/INDEX.txt",
        "data/INDEX.txt",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vdm_manifest_line_decode(vdm_str(bad[i]), &back, &m));

    /* The beginnings of a line, with nothing readable behind them. */
    for (size_t n = 0; n <= 66; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, text.p, n);
        assert_false(vdm_manifest_line_decode((struct vdm_bytes){cut, n}, &back, &m));
        free(cut);
    }
}

static void test_longest_manifest_line(void **state)
{
    (void)state;
    struct vdm_layout_member m = {.kind = VDM_LAYOUT_EVIDENCE, .n = VDM_NUMBER_MAX};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    char path[VDM_LAYOUT_PATH_MAX + 1];
    memset(m.name, 'a', VDM_LAYOUT_EVIDENCE_NAME_MAX);
    assert_true(vdm_layout_encode(&m, path, NULL));
    vdm_manifest_append(&text, (struct vdm_digest){{0}}, path);
    assert_int_equal(text.n, VDM_MANIFEST_LINE_MAX);
}

/* --- keys --- */

static void test_key_pem(void **state)
{
    (void)state;
    static const char text[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MCowBQYDK2VwAyEAbnoc3Smwt4/ROvTFWY/v9O8qlxZuPKby5Pv8zYBQW/E=\n"
                               "-----END PUBLIC KEY-----\n";
    struct vdm_pubkey key, back;
    struct vdm_digest d;
    uint8_t out[VDM_KEY_PEM_BYTES];
    assert_true(vdm_digest_from_hex(
        VDM_LIT("6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1"), &d));
    memcpy(key.b, d.b, 32);
    vdm_key_pem_encode(&key, out);
    assert_int_equal(sizeof text - 1, VDM_KEY_PEM_BYTES);
    assert_memory_equal(out, text, sizeof out);
    assert_true(vdm_key_pem_decode(vdm_str(text), &back));
    assert_true(vdm_pubkey_equal(key, back));
}

static void test_every_byte_of_a_key_pem_changed(void **state)
{
    (void)state;
    struct vdm_pubkey key, back;
    uint8_t text[VDM_KEY_PEM_BYTES + 1] = {0}, again[VDM_KEY_PEM_BYTES];
    for (uint8_t i = 0; i < 32; i++)
        key.b[i] = (uint8_t)(i * 7);
    vdm_key_pem_encode(&key, text);
    for (size_t i = 0; i < VDM_KEY_PEM_BYTES; i++) {
        assert_false(vdm_key_pem_decode((struct vdm_bytes){text, i}, &back));
        for (unsigned v = 1; v < 256; v++) {
            text[i] ^= (uint8_t)v;
            if (vdm_key_pem_decode((struct vdm_bytes){text, VDM_KEY_PEM_BYTES}, &back)) {
                vdm_key_pem_encode(&back, again);
                assert_memory_equal(again, text, VDM_KEY_PEM_BYTES);
                assert_true(i >= 27 + 16 && i < 27 + 60);
            }
            text[i] ^= (uint8_t)v;
        }
    }
    assert_false(vdm_key_pem_decode((struct vdm_bytes){text, VDM_KEY_PEM_BYTES + 1}, &back));
}

/* --- selection --- */

/* The whole text in pieces of `step` bytes; the sum and count of what came out. */
static bool decode_selection(struct vdm_bytes text, size_t step, uint64_t *count, uint64_t *sum,
                             struct vdm_err *err)
{
    struct vdm_selection_decoder d = {0};
    *count = *sum = 0;
    while (text.n) {
        struct vdm_bytes piece = {text.p, text.n < step ? text.n : step};
        text = vdm_bytes_skip(text, piece.n);
        bool found = true;
        while (found) {
            uint64_t n = 0;
            if (!vdm_selection_decode(&d, &piece, &found, &n, err))
                return false;
            *count += found;
            *sum += n;
        }
        assert_int_equal(piece.n, 0);
    }
    return vdm_selection_end(&d, err);
}

static void test_selection_both_ways(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 5, 6, 7, 9, 10, 1000000, VDM_NUMBER_MAX};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t want = 0;
    for (size_t i = 0; i < 8; i++) {
        vdm_selection_append(&text, numbers[i]);
        want += numbers[i];
    }
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&text),
                                    "0\n5\n6\n7\n9\n10\n1000000\n9007199254740991\n"));
    for (size_t step = 1; step <= text.n; step++) {
        uint64_t count, sum;
        assert_true(decode_selection(vdm_buf_bytes(&text), step, &count, &sum, NULL));
        assert_int_equal(count, 8);
        assert_int_equal(sum, want);
    }
}

static void test_bad_selections(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"", "empty"},
        {"5", "line 1 is cut off"},
        {"5\n6", "line 2 is cut off"},
        {"\n", "line 1 is no number"},
        {"5\n\n", "line 2 is no number"},
        {"5\n5\n", "line 2 does not rise"},
        {"5\n4\n", "line 2 does not rise"},
        {"0\n0\n", "line 2 does not rise"},
        {"05\n", "line 1 is no number"},
        {"00\n", "line 1 is no number"},
        {"000005\n", "line 1 is no number"},
        {" 5\n", "line 1 is no number"},
        {"5 \n", "line 1 is no number"},
        {"5\r\n", "line 1 is no number"},
        {"+5\n", "line 1 is no number"},
        {"-5\n", "line 1 is no number"},
        {"5,6\n", "line 1 is no number"},
        {"9007199254740992\n", "line 1 is no number"},
        {"11111111111111111\n", "line 1 is no number"},
        {"111111111111111111111111111111", "line 1 is no number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t step = 1; step < 5; step++) {
            struct vdm_err err = {0};
            uint64_t count, sum;
            assert_false(decode_selection(vdm_str(bad[i].text), step, &count, &sum, &err));
            assert_int_equal(err.kind, VDM_ERR_MALFORMED);
            if (!strstr(err.text, bad[i].word))
                fail_msg("%zu: %s", i, err.text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bagit),
        cmocka_unit_test(test_bag_info),
        cmocka_unit_test(test_largest_bag_info_fits),
        cmocka_unit_test(test_bad_bag_info),
        cmocka_unit_test(test_nul_in_bag_info),
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_bag_info_without_a_form),
        cmocka_unit_test(test_manifest_lines),
        cmocka_unit_test(test_longest_manifest_line),
        cmocka_unit_test(test_key_pem),
        cmocka_unit_test(test_every_byte_of_a_key_pem_changed),
        cmocka_unit_test(test_selection_both_ways),
        cmocka_unit_test(test_bad_selections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
