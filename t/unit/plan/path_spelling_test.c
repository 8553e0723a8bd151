/* The spelling that patterns are held to is the one that requests are brought into. */

#include "config/path_spelling.h"

#include "plan/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const pieces[] = {"/",   "/",   "//",  ".",   "..",  "a",   "B",  "%2f", "%2F",   "%2e",
                                     "%41", "%7e", "%5C", "%20", "%00", "%zz", "%4", "~",   ";",     "|",
                                     "{",   "*",   ":",   "@",   "%3b", "%3B", "[",  "\"",  "%c3%a9"};

static void spelling_is_what_requests_become(void **state)
{
    unsigned seed = 1;
    size_t compared = 0;
    for (int round = 0; round < 200000; ++round) {
        struct arena arena;
        char path[128] = "/";
        arena_init(&arena, 1024);
        for (int i = rand_r(&seed) % 8; i > 0; --i)
            strcat(path, pieces[(size_t)rand_r(&seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
        struct slice canonical, spelling;
        bool is_request = path_canonicalize(slice_from_text(path), &arena, &canonical) == PATH_OK;
        const char *problem = path_spelling(slice_from_text(path), false, &arena, &spelling);
        if (is_request != (problem == NULL))
            fail_msg("%s: %s", path, problem);
        if (is_request && !slice_equals(canonical, spelling))
            fail_msg("%s: %.*s, not %.*s", path, SLICE_ARG(canonical), SLICE_ARG(spelling));
        compared += is_request;
        arena_finish(&arena);
    }
    assert_true(compared > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_is_what_requests_become),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
