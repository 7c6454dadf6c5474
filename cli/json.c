/* json.c - see json.h */
#include "cli/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct json json_to(FILE *out)
{
    return (struct json){.out = out};
}

/* Bytes of the UTF-8 sequence at `s`; 0: it is not one. */
static size_t utf8_length(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead, low;
    } forms[] = {
        {0x80, 0x00, 0}, {0xe0, 0xc0, 0xc2}, {0xf0, 0xe0, 0}, {0xf8, 0xf0, 0}};

    for (size_t n = 1; n <= 4; n++) {
        if ((s[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        for (size_t i = 1; i < n; i++)
            if ((s[i] & 0xc0) != 0x80)
                return 0;
        /* overlong, surrogate, above U+10FFFF */
        if (s[0] < forms[n - 1].low || (s[0] == 0xe0 && s[1] < 0xa0) ||
            (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
            (s[0] == 0xf4 && s[1] > 0x8f) || s[0] > 0xf4)
            return 0;
        return n;
    }
    return 0;
}

static void put_string(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    fputc('"', out);
    while (*s) {
        size_t n = utf8_length(s);
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s < ' ' || *s == 0x7f)
            fprintf(out, "\\u%04x", *s);
        else if (n == 0)
            fputs("\\ufffd", out);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    fputc('"', out);
}

/* Comma, new line, name. */
static void begin(struct json *j, const char *name)
{
    if (j->depth > 0) {
        fprintf(j->out, "%s\n%*s", j->filled[j->depth - 1] ? "," : "",
                2 * j->depth, "");
        j->filled[j->depth - 1] = true;
    }
    if (name) {
        put_string(j->out, name);
        fputs(": ", j->out);
    }
}

static void open_level(struct json *j, const char *name, char open, char close)
{
    begin(j, name);
    fputc(open, j->out);
    assert(j->depth < JSON_DEPTH);
    j->close[j->depth] = close;
    j->filled[j->depth] = false;
    j->depth++;
}

void json_object(struct json *j, const char *name)
{
    open_level(j, name, '{', '}');
}

void json_array(struct json *j, const char *name)
{
    open_level(j, name, '[', ']');
}

void json_close(struct json *j)
{
    assert(j->depth > 0);
    j->depth--;
    if (j->filled[j->depth])
        fprintf(j->out, "\n%*s", 2 * j->depth, "");
    fputc(j->close[j->depth], j->out);
    if (j->depth == 0)
        fputc('\n', j->out);
}

void json_text(struct json *j, const char *name, const char *text)
{
    begin(j, name);
    put_string(j->out, text ? text : "");
}

void json_int(struct json *j, const char *name, int64_t value)
{
    begin(j, name);
    fprintf(j->out, "%" PRId64, value);
}

void json_uint(struct json *j, const char *name, uint64_t value)
{
    begin(j, name);
    fprintf(j->out, "%" PRIu64, value);
}

void json_real(struct json *j, const char *name, double value)
{
    begin(j, name);
    if (isfinite(value))
        fprintf(j->out, "%.6g", value);
    else
        fputs("null", j->out);
}

void json_bool(struct json *j, const char *name, bool value)
{
    begin(j, name);
    fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *name)
{
    begin(j, name);
    fputs("null", j->out);
}
