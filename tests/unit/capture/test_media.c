/* SPDX-License-Identifier: MIT */
#include "unit/capture/scratch.h"

#include "capture/media.h"

#include <signal.h>

static struct vdm_media *media;

static int setup(void **state)
{
    struct vdm_err err;
    (void)state;
    return vdm_media_open(&media, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    vdm_media_close(media);
    vdm_media_close(NULL);
    return 0;
}

static void expect(struct vdm_bytes head, const char *wanted)
{
    char type[VDM_MEDIA_TYPE_MAX + 1];
    memset(type, 'x', sizeof type);
    vdm_media_guess(media, head, type);
    assert_string_equal(type, wanted);
}

static void test_known(void **state)
{
    (void)state;
    expect(VDM_LIT("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"), "application/pdf");
    expect(VDM_LIT("<!DOCTYPE html>\n<html><head><title>x</title></head></html>\n"), "text/html");
    expect(VDM_LIT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"), "image/png");
    expect(VDM_LIT("The council met on Thursday.\n"), "text/plain");
    expect(VDM_LIT("\xd8\xa7\xd8\xac\xd8\xaa\xd9\x85\xd8\xb9\n"), "text/plain");
}

static void test_nothing_is_made_up(void **state)
{
    (void)state;
    expect((struct vdm_bytes){NULL, 0}, "");
    expect(VDM_LIT("\x01\x9c\xf3\x00\x17\xee\x85\x02\x90"), ""); /* application/octet-stream */
    uint8_t zeros[4096] = {0};
    expect((struct vdm_bytes){zeros, sizeof zeros}, "");
}

/* libmagic says video/MP2T. */
static void test_lower_case(void **state)
{
    (void)state;
    uint8_t stream[188 * 4];
    memset(stream, 0xff, sizeof stream);
    for (size_t i = 0; i < sizeof stream; i += 188)
        memcpy(stream + i, "\x47\x40\x00\x10", 4);
    expect((struct vdm_bytes){stream, sizeof stream}, "video/mp2t");
}

/* Long text is looked at in part; a character that is cut there must not make it binary. */
static void test_long_text(void **state)
{
    (void)state;
    struct vdm_buf b = {0};
    for (int start = 0; start < 2; start++) {
        vdm_buf_clear(&b);
        vdm_buf_puts(&b, start ? "x" : "");
        for (int i = 0; i < 60000; i++)
            vdm_buf_puts(&b, i % 30 ? "\xd8\xa7" : " ");
        expect(vdm_buf_bytes(&b), "text/plain");
    }
    vdm_buf_release(&b);
}

/* What tells a binary format may lie far in: an ISO image at 32 KiB. */
static void test_far_in(void **state)
{
    (void)state;
    uint8_t image[40000] = {0};
    memcpy(image + 32768, "\1CD001\1", 7);
    expect((struct vdm_bytes){image, sizeof image}, "application/x-iso9660-image");
}

/* Content that is compressed is not unpacked: a bomb is only its wrapper. */
static void test_not_unpacked(void **state)
{
    (void)state;
    expect(VDM_LIT("\x1f\x8b\x08\0\0\0\0\0\2\3\xcbH\xcd\xc9\xc9\7\0\x86\xa6\x10\x36\5\0\0\0"),
           "application/gzip");
}

/* --- the worker --- */

/* Of this process; 0: none. */
static pid_t child(void)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", gettid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return atoi(text);
}

/* One that dies is started again, but not for ever; what it was asked meanwhile is told and counted. */
static void test_worker_dies(void **state)
{
    (void)state;
    char type[VDM_MEDIA_TYPE_MAX + 1];
    for (int i = 0; i < 16; i++) {
        pid_t worker = child();
        if (worker)
            kill(worker, SIGKILL);
        vdm_media_guess(media, VDM_LIT("text\n"), type);
        assert_string_equal(type, "application/octet-stream");
        assert_int_equal(vdm_media_unguessed(media).documents, i + 1);
        assert_int_equal(child(), 0);
        vdm_media_guess(media, VDM_LIT("text\n"), type);
        assert_string_equal(type, i < 15 ? "text/plain" : "application/octet-stream");
    }
    assert_int_equal(child(), 0);
    assert_int_equal(vdm_media_unguessed(media).documents, 17);
    assert_non_null(strstr(vdm_media_unguessed(media).why, "was killed"));
}

static void test_each_has_its_own(void **state)
{
    (void)state;
    struct vdm_media *one, *two;
    struct vdm_err err;
    char type[VDM_MEDIA_TYPE_MAX + 1];
    assert_true(vdm_media_open(&one, &err));
    kill(child(), SIGKILL);
    assert_true(vdm_media_open(&two, &err));
    vdm_media_guess(two, VDM_LIT("text\n"), type);
    assert_string_equal(type, "text/plain");
    vdm_media_guess(one, VDM_LIT("text\n"), type);
    assert_string_equal(type, "application/octet-stream");
    assert_int_equal(vdm_media_unguessed(two).documents, 0);
    assert_string_equal(vdm_media_unguessed(two).why, "");
    vdm_media_close(one);
    vdm_media_close(two);
    assert_int_equal(child(), 0);
}

static void test_form(void **state)
{
    (void)state;
    static const char *const good[] = {"text/plain",
                                       "image/svg+xml",
                                       "application/vnd.ms-excel",
                                       "x/y",
                                       "application/x-7z-compressed",
                                       "a/b!#$&-^_.+"};
    static const char *const bad[] = {"",
                                      "text",
                                      "text/",
                                      "/plain",
                                      "text/plain; charset=x",
                                      "a/b/c",
                                      "Text/plain",
                                      "text/ plain",
                                      "text/pl\n",
                                      "-a/b",
                                      "a/.b",
                                      "a/\xff",
                                      "cannot open (No such file)"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(vdm_media_type_valid(vdm_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vdm_media_type_valid(vdm_str(bad[i])));
    assert_false(vdm_media_type_valid(VDM_LIT("a/b\0")));
    char longest[VDM_MEDIA_TYPE_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[1] = '/';
    struct vdm_bytes text = {(uint8_t *)longest, VDM_MEDIA_TYPE_MAX};
    assert_true(vdm_media_type_valid(text));
    text.n++;
    assert_false(vdm_media_type_valid(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_nothing_is_made_up),
        cmocka_unit_test(test_lower_case),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_far_in),
        cmocka_unit_test(test_not_unpacked),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_worker_dies), /* the last for this guesser */
        cmocka_unit_test(test_each_has_its_own),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
