#include "command/reload.h"

#include "command/control_client.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_kind(const struct control_line *line, struct slice kind)
{
    return slice_equals(line->fields[0], kind);
}

/* `change SIGN KIND NAME OLD NEW`; OLD and NEW may be empty. */
static void print_change(const struct control_line *line)
{
    struct slice kind = control_line_field(line, 2), name = control_line_field(line, 3);
    struct slice old = control_line_field(line, 4), new = control_line_field(line, 5);
    printf("  %.*s %.*s%s%.*s", SLICE_ARG(control_line_field(line, 1)), SLICE_ARG(kind), name.length == 0 ? "" : " ",
           SLICE_ARG(name));
    if (old.length != 0 && new.length != 0 && !slice_equals(old, new))
        printf(" (%.*s, was %.*s)", SLICE_ARG(new), SLICE_ARG(old));
    else if (old.length != 0 || new.length != 0)
        printf(" (%.*s)", SLICE_ARG(new.length != 0 ? new : old));
    putchar('\n');
}

/* Lines of other kinds are for commands that know them. */
static void print_success(const struct control_line *line)
{
    struct slice sentence = control_line_field(line, 4);
    if (is_kind(line, SLICE("upgrade")))
        printf("flexilib %.*s has taken over from flexilib %.*s\n", SLICE_ARG(control_line_field(line, 2)),
               SLICE_ARG(control_line_field(line, 1)));
    else if (is_kind(line, SLICE("reload")))
        printf("reload %.*s: %.*s\n", SLICE_ARG(line->fields[1]), SLICE_ARG(sentence));
    else if (is_kind(line, SLICE("change")))
        print_change(line);
}

static void print_failure(const struct control_line *line)
{
    if (is_kind(line, SLICE("upgrade")))
        print_success(line);
    if (is_kind(line, SLICE("text")))
        fprintf(stderr, "%.*s\n", SLICE_ARG(control_line_field(line, 1)));
}

static void for_each_line(const struct text *lines, void (*print)(const struct control_line *line))
{
    struct slice rest = text_slice(lines);
    while (rest.length != 0) {
        struct control_line line;
        size_t end = slice_find(rest, '\n');
        if (control_line_parse(slice_of(rest.data, end), &line) && line.count > 0)
            print(&line);
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
}

static int run(const char *file, struct slice word)
{
    struct error error = ERROR_INIT;
    struct text request = TEXT_INIT, lines = TEXT_INIT;
    control_begin_request(&request, word);
    control_end_line(&request);
    int status = control_client_await(file, &request, &lines, &error);
    if (status == 0) {
        for_each_line(&lines, print_success);
    } else {
        fprintf(stderr, "error: %s\n", error.message);
        for_each_line(&lines, print_failure);
    }
    text_finish(&request);
    text_finish(&lines);
    return status == -1 ? EXIT_FAILURE : status;
}

int reload_run(const char *file)
{
    return run(file, SLICE("reload"));
}

int rollback_run(const char *file)
{
    return run(file, SLICE("rollback"));
}

int upgrade_run(const char *file)
{
    return run(file, SLICE("upgrade"));
}
