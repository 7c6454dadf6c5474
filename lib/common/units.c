/* units.c - see units.h */
#include "lib/common/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static int parse(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t number = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            goto invalid;
    if (at == text)
        goto invalid;
    for (; units->name; units++) {
        if (strcmp(at, units->name) == 0) {
            if (__builtin_mul_overflow(number, units->factor, &number))
                goto invalid;
            *value = number;
            return 0;
        }
    }
invalid:
    errno = EINVAL;
    return -1;
}

int ckpt_parse_duration_ms(const char *text, uint64_t *ms)
{
    static const struct unit units[] = {
        {"", 1000},     {"ms", 1},       {"s", 1000}, {"m", 60 * 1000},
        {"h", 3600000}, {"d", 86400000}, {NULL, 0},
    };
    return parse(text, units, ms);
}

int ckpt_parse_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"K", 1024},
        {"M", 1024 * 1024},
        {"G", 1024 * 1024 * 1024},
        {"T", 1024ull * 1024 * 1024 * 1024},
        {NULL, 0},
    };
    return parse(text, units, bytes);
}
