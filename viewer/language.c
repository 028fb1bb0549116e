#include "viewer/language.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

// ISO 639: the code of two letters and those of three that mean the same, the second of which,
// where there is one, is what libraries use.
static const char *const codes[] = {
    // clang-format off
    "aa aar", "ab abk", "ae ave", "af afr", "ak aka", "am amh", "an arg", "ar ara", "as asm",
    "av ava", "ay aym", "az aze", "ba bak", "be bel", "bg bul", "bi bis", "bm bam", "bn ben",
    "bo bod tib", "br bre", "bs bos", "ca cat", "ce che", "ch cha", "co cos", "cr cre",
    "cs ces cze", "cu chu", "cv chv", "cy cym wel", "da dan", "de deu ger", "dv div", "dz dzo",
    "ee ewe", "el ell gre", "en eng", "eo epo", "es spa", "et est", "eu eus baq", "fa fas per",
    "ff ful", "fi fin", "fj fij", "fo fao", "fr fra fre", "fy fry", "ga gle", "gd gla", "gl glg",
    "gn grn", "gu guj", "gv glv", "ha hau", "he heb", "hi hin", "ho hmo", "hr hrv", "ht hat",
    "hu hun", "hy hye arm", "hz her", "ia ina", "id ind", "ie ile", "ig ibo", "ii iii", "ik ipk",
    "io ido", "is isl ice", "it ita", "iu iku", "ja jpn", "jv jav", "ka kat geo", "kg kon",
    "ki kik", "kj kua", "kk kaz", "kl kal", "km khm", "kn kan", "ko kor", "kr kau", "ks kas",
    "ku kur", "kv kom", "kw cor", "ky kir", "la lat", "lb ltz", "lg lug", "li lim", "ln lin",
    "lo lao", "lt lit", "lu lub", "lv lav", "mg mlg", "mh mah", "mi mri mao", "mk mkd mac",
    "ml mal", "mn mon", "mr mar", "ms msa may", "mt mlt", "my mya bur", "na nau", "nb nob",
    "nd nde", "ne nep", "ng ndo", "nl nld dut", "nn nno", "no nor", "nr nbl", "nv nav", "ny nya",
    "oc oci", "oj oji", "om orm", "or ori", "os oss", "pa pan", "pi pli", "pl pol", "ps pus",
    "pt por", "qu que", "rm roh", "rn run", "ro ron rum", "ru rus", "rw kin", "sa san", "sc srd",
    "sd snd", "se sme", "sg sag", "sh hbs", "si sin", "sk slk slo", "sl slv", "sm smo", "sn sna",
    "so som", "sq sqi alb", "sr srp", "ss ssw", "st sot", "su sun", "sv swe", "sw swa", "ta tam",
    "te tel", "tg tgk", "th tha", "ti tir", "tk tuk", "tl tgl", "tn tsn", "to ton", "tr tur",
    "ts tso", "tt tat", "tw twi", "ty tah", "ug uig", "uk ukr", "ur urd", "uz uzb", "ve ven",
    "vi vie", "vo vol", "wa wln", "wo wol", "xh xho", "yi yid", "yo yor", "za zha", "zh zho chi",
    "zu zul",
    // clang-format on
};

static bool equal(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

// Index of the codes among which this one is; -1: none.
static int find(const char *code, size_t length)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        for (const char *c = codes[i]; *c; c += strcspn(c, " "), c += *c == ' ')
            if (equal(code, length, c, strcspn(c, " ")))
                return (int)i;
    return -1;
}

static bool same(const char *wish, size_t length, const char *language)
{
    size_t other = strcspn(language, "-_");
    int index = find(wish, length);

    if (index >= 0)
        return find(language, other) == index;
    return length > 0 && equal(wish, length, language, other);
}

int language_wish(const char *wishes, const char *language)
{
    int i = 0;

    for (const char *w = wishes; w && *w; w += strcspn(w, ","), w += *w == ',', i++) {
        w += strspn(w, " ");
        if (same(w, strcspn(w, " ,-_"), language))
            return i;
    }
    return -1;
}
