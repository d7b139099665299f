/* SPDX-License-Identifier: MIT */
/* Makes the files that the benchmarks are run on, the same ones each time:
 *
 *     corpus FORM FOLDER COUNT [FIRST]
 *
 *   S  texts and small HTML pages, a log-normal size with a median of 6 KB
 *   M  200 KB: half of them text, half of them noise that does not compress
 *   L  1 GiB of noise
 *   T  100 bytes of text
 *
 * FOLDER/0000/0000000.txt and so on, a thousand in a folder. What a file holds depends on FORM and its
 * number alone, so a corpus is grown by asking for the numbers from FIRST on. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS 4096
#define PIECE (1u << 20)

struct maker {
    uint64_t random;
    char word[WORDS][12];
    uint8_t piece[PIECE];
};

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "corpus: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* SplitMix64 */
static uint64_t draw(struct maker *m)
{
    uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double fraction(struct maker *m)
{
    return ((double)(draw(m) >> 11) + 0.5) / 9007199254740992.0;
}

static void make_words(struct maker *m)
{
    m->random = 1;
    for (int i = 0; i < WORDS; i++) {
        int n = 2 + (int)(draw(m) % 9);
        for (int k = 0; k < n; k++)
            m->word[i][k] =
                (char)('a' + (k % 2 ? "aeiou"[draw(m) % 5] - 'a' : (int)(draw(m) % 26)));
    }
}

static size_t add(uint8_t *p, size_t at, size_t end, const char *s)
{
    for (; *s && at < end; s++)
        p[at++] = (uint8_t)*s;
    return at;
}

/* Words, the frequent ones often, in sentences and paragraphs. */
static void fill_text(struct maker *m, size_t at, size_t end)
{
    while (at < end) {
        int sentence = 5 + (int)(draw(m) % 15);
        for (int i = 0; i < sentence && at < end; i++) {
            double rank = exp(fraction(m) * log(WORDS)) - 1;
            size_t start = at;
            at = add(m->piece, at, end, m->word[(int)rank % WORDS]);
            if (i == 0 && start < at)
                m->piece[start] = (uint8_t)(m->piece[start] - 32);
            at = add(m->piece, at, end, i + 1 < sentence ? " " : ".");
        }
        at = add(m->piece, at, end, draw(m) % 6 ? " " : "\n\n");
    }
}

static void fill_noise(struct maker *m, size_t end)
{
    for (size_t i = 0; i < end; i += sizeof(uint64_t)) {
        uint64_t r = draw(m);
        memcpy(m->piece + i, &r, sizeof r);
    }
}

static void write_piece(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0)
            die("write");
        p += k;
        n -= (size_t)k;
    }
}

static void put_page(struct maker *m, int fd, uint64_t number, size_t bytes, int html)
{
    char head[160];
    snprintf(head, sizeof head, "%s%" PRIu64 "%s",
             html ? "<!DOCTYPE html>\n<html><head><title>Statement " : "Statement ", number,
             html ? "</title></head>\n<body><p>" : "\n\n");
    size_t at = add(m->piece, 0, bytes, head);
    fill_text(m, at, bytes);
    write_piece(fd, m->piece, bytes);
}

static void put_noise(struct maker *m, int fd, uint64_t bytes)
{
    while (bytes > 0) {
        size_t n = bytes < PIECE ? (size_t)bytes : PIECE;
        fill_noise(m, n);
        write_piece(fd, m->piece, n);
        bytes -= n;
    }
}

/* Box and Muller; the deviation makes a mean of 10 KB. */
static size_t small_size(struct maker *m)
{
    double normal = sqrt(-2 * log(fraction(m))) * cos(6.283185307179586 * fraction(m));
    double size = 6144 * exp(normal);
    return size < 200 ? 200 : size > 1000000 ? 1000000 : (size_t)size;
}

static void put_file(struct maker *m, char form, uint64_t number, int fd)
{
    m->random = number * UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)form;
    if (form == 'S') {
        size_t bytes = small_size(m);
        put_page(m, fd, number, bytes, number % 5 == 0);
    } else if (form == 'M') {
        size_t bytes = (150u << 10) + draw(m) % (100u << 10);
        if (number % 2)
            put_noise(m, fd, bytes);
        else
            put_page(m, fd, number, bytes, 0);
    } else if (form == 'T') {
        put_page(m, fd, number, 100, 0);
    } else {
        put_noise(m, fd, UINT64_C(1) << 30);
    }
}

static int make_file(const char *folder, char form, uint64_t number)
{
    char path[4096];
    const char *ending = form == 'S' && number % 5 == 0               ? "html"
                         : form == 'L' || (form == 'M' && number % 2) ? "bin"
                                                                      : "txt";
    snprintf(path, sizeof path, "%s/%04" PRIu64, folder, number / 1000);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        die(path);
    snprintf(path, sizeof path, "%s/%04" PRIu64 "/%07" PRIu64 ".%s", folder, number / 1000, number,
             ending);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        die(path);
    return fd;
}

int main(int argc, char **argv)
{
    if ((argc != 4 && argc != 5) || !strchr("SMLT", argv[1][0]) || argv[1][1]) {
        fprintf(stderr, "corpus S|M|L|T FOLDER COUNT [FIRST]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[3], NULL, 10),
             first = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    struct maker *m = calloc(1, sizeof *m);
    if (!m || (mkdir(argv[2], 0777) != 0 && errno != EEXIST))
        die(argv[2]);
    make_words(m);
    for (uint64_t n = first; n < first + count; n++) {
        int fd = make_file(argv[2], argv[1][0], n);
        put_file(m, argv[1][0], n, fd);
        if (close(fd) != 0)
            die("close");
    }
    free(m);
    return 0;
}
