/* json.h - write JSON to stdout, member by member
 *
 *     json_object(&j, NULL);
 *     json_text(&j, "name", "s1");
 *     json_array(&j, "jobs");
 *     ...
 *     json_close(&j);
 *     json_close(&j);
 *
 * Keeps the commas; every text becomes valid UTF-8 (bytes that are not appear
 * as U+FFFD).
 */
#ifndef CKPT_CLI_JSON_H
#define CKPT_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 8 };

struct json {
    FILE *out;
    int depth;
    char close[JSON_DEPTH];
    bool filled[JSON_DEPTH];
};

struct json json_to(FILE *out);

/* `name` is NULL inside arrays and at the top. */
void json_object(struct json *j, const char *name);
void json_array(struct json *j, const char *name);
/* End the innermost one; a newline after the last. */
void json_close(struct json *j);

void json_text(struct json *j, const char *name, const char *text);
void json_int(struct json *j, const char *name, int64_t value);
void json_uint(struct json *j, const char *name, uint64_t value);
void json_real(struct json *j, const char *name, double value);
void json_bool(struct json *j, const char *name, bool value);
void json_null(struct json *j, const char *name);

#endif
