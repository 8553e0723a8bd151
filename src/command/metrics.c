#include "command/metrics.h"

#include "command/control_client.h"

#include <stdio.h>
#include <stdlib.h>

/* Lines of other kinds are for commands that know them. */
static void print_lines(struct slice lines)
{
    static const struct slice kind = {"text\t", 5};
    while (lines.length != 0) {
        size_t end = slice_find(lines, '\n');
        struct slice line = slice_of(lines.data, end);
        if (slice_starts_with(line, kind)) {
            line = slice_skip(line, kind.length);
            fwrite(line.data, 1, line.length, stdout);
            putchar('\n');
        }
        lines = slice_skip(lines, end < lines.length ? end + 1 : end);
    }
}

int metrics_run(const char *file)
{
    struct error error = ERROR_INIT;
    struct text request = TEXT_INIT, lines = TEXT_INIT;
    control_begin_request(&request, SLICE("metrics"));
    control_end_line(&request);
    bool is_answered = control_client_ask(file, &request, &lines, &error);
    if (is_answered)
        print_lines(text_slice(&lines));
    else
        fprintf(stderr, "error: %s\n", error.message);
    text_finish(&request);
    text_finish(&lines);
    return is_answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
