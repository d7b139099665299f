/* SPDX-License-Identifier: MIT */
#include "dates/names.h"

#include <string.h>

#define NAME_MAX_BYTES 64
#define NAME_WORDS     4

/* Words joined; of letters that stand twice in Latin script one, so that `awwal` and `awal`, `rabii` and
 * `rabi` are one name. */
struct name {
    char s[NAME_MAX_BYTES + 1];
    size_t n;
};

static bool join(struct name *name, const struct vdm_bytes *words, size_t n)
{
    name->n = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < words[i].n; k++) {
            char c = (char)words[i].p[k];
            bool twice = c >= 'a' && c <= 'z' && name->n && name->s[name->n - 1] == c;
            if (twice)
                continue;
            if (name->n == NAME_MAX_BYTES)
                return false;
            name->s[name->n++] = c;
        }
    name->s[name->n] = 0;
    return true;
}

static bool is_among(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

/* Does s consist of a word of each list, one behind the other? */
static bool is_made_of(const char *s, const char *const *const *lists, size_t n)
{
    if (n == 0)
        return *s == 0;
    for (const char *const *w = lists[0]; *w; w++) {
        size_t length = strlen(*w);
        if (strncmp(s, *w, length) == 0 && is_made_of(s + length, lists + 1, n - 1))
            return true;
    }
    return false;
}

/* --- months of the Islamic calendar --- */

static const char *const article[] = {"al",  "ul",  "el", "il", "as", "us", "es", "ath", "uth",
                                      "eth", "ats", "at", "ut", "l",  "ol", "ال", "",    NULL};
static const char *const rabi[] = {"rabi",  "rabie", "rabia", "rabe",  "rabiu", "rabiah",
                                   "rabiy", "rabih", "rebi",  "rebiu", "ربيع",  NULL};
static const char *const jumada[] = {
    "jumada",  "jumadi",   "jumad",  "jamadi",  "jamada", "jomada", "jamad", "djumada", "joumada",
    "jumaada", "djoumada", "gumada", "jamadiu", "cumada", "جمادي",  "جماد",  NULL};
static const char *const first[] = {"awal", "awel", "aval", "evel", "ula",  "oula", "ola",
                                    "wal",  "awl",  "اول",  "اولي", "اولى", "1",    NULL};
static const char *const second[] = {
    "thani", "thany",  "sani",    "sany",  "tani",  "thaniyah", "thaniya", "thaniah", "thania",
    "akhir", "akhira", "akhirah", "akhar", "akher", "akhera",   "akherah", "ahir",    "akhr",
    "ثاني",  "ثانيه",  "اخر",     "اخره",  "اخري",  "2",        NULL};

static const char *const muharram[] = {"muharam",  "moharam", "muharem", "moharem",
                                       "mouharam", "محرم",    NULL};
static const char *const safar[] = {"safar", "safer", "sefer", "saphar", "صفر", NULL};
static const char *const rajab[] = {"rajab", "rajb", "radjab", "rejab", "recep", "رجب", NULL};
static const char *const shaban[] = {"shaban",  "sheban", "chaban", "chabane", "saban",
                                     "shabaan", "syaban", "شعبان",  NULL};
static const char *const ramadan[] = {"ramadan",  "ramadhan", "ramazan", "ramzan",
                                      "ramadzan", "ramathan", "رمضان",   NULL};
static const char *const shawwal[] = {"shawal", "shaval", "chawal", "sawal",
                                      "sheval", "syawal", "شوال",   NULL};
static const char *const dhu[] = {"dhul", "dhil", "dhu",  "dhi", "thul", "thil", "thu",
                                  "thi",  "zul",  "zil",  "zu",  "zi",   "zoul", "dhoul",
                                  "dul",  "du",   "zhul", "ذو",  "ذي",   "ذ",    NULL};
static const char *const qidah[] = {"qidah", "qida",   "qada",  "qadah", "qaida", "qaidah",
                                    "qadeh", "qad",    "kidah", "kada",  "kadah", "kida",
                                    "kaida", "kaidah", "kade",  "قعده",  NULL};
static const char *const hijjah[] = {"hijah", "hija", "hijat", "hajah", "haja", "hejah",
                                     "heja",  "haj",  "hij",   "hice",  "حجه",  NULL};

static const char *const *const plain_islamic[12] = {
    [0] = muharram, [1] = safar, [6] = rajab, [7] = shaban, [8] = ramadan, [9] = shawwal};

static int islamic_month(const char *s)
{
    const char *const *const made[][3] = {{rabi, article, first},
                                          {rabi, article, second},
                                          {jumada, article, first},
                                          {jumada, article, second}};
    const char *const *const eleventh[] = {dhu, article, qidah}, *const *const twelfth[] = {
                                                                     dhu, article, hijjah};
    for (int i = 0; i < 12; i++)
        if (plain_islamic[i] && (is_among(s, plain_islamic[i]) ||
                                 (strncmp(s, "al", 2) == 0 && is_among(s + 2, plain_islamic[i])) ||
                                 (strncmp(s, "ال", 4) == 0 && is_among(s + 4, plain_islamic[i]))))
            return i + 1;
    for (int i = 0; i < 4; i++)
        if (is_made_of(s, made[i], 3))
            return i + 3;
    return is_made_of(s, eleventh, 3) ? 11 : is_made_of(s, twelfth, 3) ? 12 : 0;
}

/* `Rabi II`: a Roman number is a word of its own, and would lose a letter. */
static int roman_month(const struct vdm_bytes *words, size_t n)
{
    struct name name;
    if (n < 2 || n > 3 || !join(&name, words, n - 1))
        return 0;
    bool two = vdm_bytes_equal_str(words[n - 1], "ii");
    if (!two && !vdm_bytes_equal_str(words[n - 1], "i"))
        return 0;
    const char *const *const r[] = {rabi, article}, *const *const j[] = {jumada, article};
    return is_made_of(name.s, r, 2) ? 3 + two : is_made_of(name.s, j, 2) ? 5 + two : 0;
}

/* --- months of the Gregorian calendar: English, and those of Egypt, the Levant, the Maghreb --- */

static int gregorian_month(const char *s)
{
    static const char *const names[12][12] = {
        {"january", "jan", "يناير", "كانونالثاني", "كانونثاني", "جانفي", "كانونالتاني", NULL},
        {"february", "feb", "فبراير", "شباط", "فيفري", NULL},
        {"march", "mar", "مارس", "اذار", NULL},
        {"april", "apr", "ابريل", "نيسان", "افريل", NULL},
        {"may", "مايو", "ايار", "ماي", NULL},
        {"june", "jun", "يونيو", "حزيران", "جوان", "يونيه", NULL},
        {"july", "jul", "يوليو", "تموز", "جويليه", "يوليوز", "يوليه", NULL},
        {"august", "aug", "اغسطس", "اب", "اوت", "غشت", NULL},
        {"september", "sep", "sept", "سبتمبر", "ايلول", "شتنبر", NULL},
        {"october", "oct", "اكتوبر", "تشرينالاول", "تشريناول", NULL},
        {"november", "nov", "نوفمبر", "تشرينالثاني", "تشرينثاني", "نونبر", NULL},
        {"december", "dec", "ديسمبر", "كانونالاول", "كانوناول", "دجنبر", NULL},
    };
    for (int i = 0; i < 12; i++)
        if (is_among(s, names[i]))
            return i + 1;
    return 0;
}

size_t vdm_month_name(const struct vdm_bytes *words, size_t n, enum vdm_calendar *calendar,
                      int *month)
{
    struct name name;
    for (size_t k = n < NAME_WORDS ? n : NAME_WORDS; k > 0; k--) {
        *calendar = VDM_ISLAMIC;
        if ((*month = roman_month(words, k)))
            return k;
        if (!join(&name, words, k))
            continue;
        if ((*month = islamic_month(name.s)))
            return k;
        *calendar = VDM_GREGORIAN;
        if ((*month = gregorian_month(name.s)))
            return k;
    }
    *calendar = VDM_CALENDAR_NONE;
    return 0;
}

/* --- the rest --- */

int vdm_weekday_name(struct vdm_bytes word, bool *brief)
{
    static const char *const full[7][4] = {{"sunday", "الاحد", NULL},
                                           {"monday", "الاثنين", "الاتنين", NULL},
                                           {"tuesday", "الثلاثاء", "الثلاثا", NULL},
                                           {"wednesday", "الاربعاء", "الاربعا", NULL},
                                           {"thursday", "الخميس", NULL},
                                           {"friday", "الجمعه", NULL},
                                           {"saturday", "السبت", NULL}};
    static const char *const shorter[7][4] = {{"sun", NULL},
                                              {"mon", NULL},
                                              {"tue", "tues", NULL},
                                              {"wed", NULL},
                                              {"thu", "thur", "thurs", NULL},
                                              {"fri", NULL},
                                              {"sat", NULL}};
    char s[32] = "";
    if (word.n >= sizeof s)
        return -1;
    memcpy(s, word.p, word.n);
    for (int i = 0; i < 7; i++) {
        *brief = is_among(s, shorter[i]);
        if (*brief || is_among(s, full[i]))
            return i;
    }
    return -1;
}

size_t vdm_era_name(const struct vdm_bytes *words, size_t n, enum vdm_calendar *calendar)
{
    static const char *const islamic[] = {"ah",    "h",    "hijri", "hijra", "hijriyah", "hijriya",
                                          "hejri", "هجري", "هجريه", "ه",     "للهجره",   NULL};
    static const char *const gregorian[] = {"ce",     "ad",      "gregorian", "م",
                                            "ميلادي", "ميلاديه", "للميلاد",   NULL};
    struct name name;
    for (size_t k = n < 2 ? n : 2; k > 0; k--) {
        bool letters = k == 2 && words[0].n == 1 && words[1].n == 1; /* A.H. */
        if ((k == 2 && !letters) || !join(&name, words, k))
            continue;
        *calendar = is_among(name.s, islamic)     ? VDM_ISLAMIC
                    : is_among(name.s, gregorian) ? VDM_GREGORIAN
                                                  : VDM_CALENDAR_NONE;
        if (*calendar)
            return k;
    }
    *calendar = VDM_CALENDAR_NONE;
    return 0;
}

bool vdm_is_filler(struct vdm_bytes word)
{
    static const char *const words[] = {"st",  "nd",  "rd",   "th",  "of",  "the",  "من",
                                        "شهر", "day", "لعام", "عام", "سنه", "year", NULL};
    char s[16] = "";
    if (word.n >= sizeof s)
        return false;
    memcpy(s, word.p, word.n);
    return is_among(s, words);
}
