/* test_json.c - what the listings write is JSON, whatever is in it */
#include "cli/json.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_document)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    struct json j = json_to(out);

    json_array(&j, NULL);
    json_object(&j, NULL);
    json_text(&j, "a", "x\"\\\n\x01 \xc3\xa9 \xff\xc3");
    json_int(&j, "b", -1);
    json_null(&j, "c");
    json_bool(&j, "d", true);
    json_real(&j, "e", 0.5);
    json_array(&j, "f");
    json_close(&j);
    json_close(&j);
    json_uint(&j, NULL, 7);
    json_close(&j);
    fclose(out);
    ck_assert_str_eq(text,
                     "[\n  {\n    \"a\": \"x\\\"\\\\\\u000a\\u0001 \xc3\xa9 "
                     "\\ufffd\\ufffd\",\n    \"b\": -1,\n    \"c\": null,\n"
                     "    \"d\": true,\n    \"e\": 0.5,\n    \"f\": []\n  },\n"
                     "  7\n]\n");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("json");

    tcase_add_test(tc, test_document);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
