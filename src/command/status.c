#include "command/status.h"

#include "command/control_client.h"
#include "command/status_json.h"
#include "process/manifest.h"

#include <stdio.h>
#include <stdlib.h>

struct page {
    unsigned routes;
    struct text generations, listed, reloads, kept;
};

/* "4.2 s", "12 min", "3 h", "8 d". */
static void print_age(struct slice seconds, struct text *out)
{
    char number[32];
    snprintf(number, sizeof(number), "%.*s", SLICE_ARG(seconds));
    double age = strtod(number, NULL);
    if (age < 60)
        text_print(out, "%.1f s", age);
    else if (age < 2 * 3600)
        text_print(out, "%.0f min", age / 60);
    else if (age < 2 * 86400)
        text_print(out, "%.0f h", age / 3600);
    else
        text_print(out, "%.0f d", age / 86400);
}

static void print_generation(const struct control_line *line, struct text *out)
{
    text_print(out, "%sgeneration %.*s: %.*s, ", out->length == 0 ? "" : "\n", SLICE_ARG(control_line_field(line, 1)),
               SLICE_ARG(control_line_field(line, 2)));
    print_age(control_line_field(line, 7), out);
    text_print(out, "; workers %.*s, requests %.*s, tunnels %.*s, connections %.*s",
               SLICE_ARG(control_line_field(line, 3)), SLICE_ARG(control_line_field(line, 4)),
               SLICE_ARG(control_line_field(line, 5)), SLICE_ARG(control_line_field(line, 6)));
}

static void print_library(const struct control_line *line, struct text *out)
{
    struct slice versions = control_line_field(line, 4);
    text_print(out, "library %.*s: sha256 %.*s, abi %.*s%s%.*s\n", SLICE_ARG(control_line_field(line, 1)),
               SLICE_ARG(manifest_short_digest(control_line_field(line, 2))), SLICE_ARG(control_line_field(line, 3)),
               versions.length == 0 ? "" : ", ", SLICE_ARG(versions));
}

static void print_crashing(const struct control_line *line, struct text *out)
{
    struct slice loops = control_line_field(line, 2);
    text_print(out, "library %.*s: crashes or hangs again and again (%.*s time%s, the last one ",
               SLICE_ARG(control_line_field(line, 1)), SLICE_ARG(loops), slice_equals(loops, SLICE("1")) ? "" : "s");
    print_age(control_line_field(line, 3), out);
    text_print(out, " ago), and goes on, for no change has brought it lately\n");
}

static void print_runner(const struct control_line *line, struct text *out)
{
    struct slice count = control_line_field(line, 3), deaths = control_line_field(line, 4);
    text_print(out, "library '%.*s' of generation %.*s: isolated, %.*s process%s",
               SLICE_ARG(control_line_field(line, 2)), SLICE_ARG(control_line_field(line, 1)), SLICE_ARG(count),
               slice_equals(count, SLICE("1")) ? "" : "es");
    if (!slice_equals(deaths, SLICE("0")))
        text_print(out, ", %.*s died", SLICE_ARG(deaths));
    text_print(out, "\n");
}

static void print_reload(const struct control_line *line, struct text *out)
{
    struct slice sentence = control_line_field(line, 6);
    text_print(out, "reload %.*s (%.*s): %.*s, ", SLICE_ARG(control_line_field(line, 1)),
               SLICE_ARG(control_line_field(line, 2)), SLICE_ARG(control_line_field(line, 3)));
    print_age(control_line_field(line, 4), out);
    text_print(out, " ago%s%.*s\n", sentence.length == 0 ? "" : ": ", SLICE_ARG(sentence));
}

static bool is_kind(const struct control_line *line, const char *kind)
{
    return slice_equals(line->fields[0], slice_from_text(kind));
}

/* Lines of other kinds are for commands that know them. */
static void add_line(struct page *page, const struct control_line *line)
{
    if (is_kind(line, "program")) {
        bool is_without_filters = slice_equals(control_line_field(line, 4), SLICE("off"));
        printf("FlexiLib %.*s, process %.*s, serves %.*s%s\n", SLICE_ARG(control_line_field(line, 1)),
               SLICE_ARG(control_line_field(line, 2)), SLICE_ARG(control_line_field(line, 3)),
               is_without_filters ? " without any filters (--no-filters)" : "");
    } else if (is_kind(line, "generation")) {
        print_generation(line, &page->generations);
    } else if (is_kind(line, "snapshot")) {
        text_print(&page->generations, "; does what generation %.*s did", SLICE_ARG(control_line_field(line, 2)));
    } else if (is_kind(line, "draining")) {
        text_print(&page->generations, "; still has %.*s", SLICE_ARG(control_line_field(line, 2)));
    } else if (is_kind(line, "library")) {
        print_library(line, &page->listed);
    } else if (is_kind(line, "runner")) {
        print_runner(line, &page->listed);
    } else if (is_kind(line, "refused")) {
        text_print(&page->listed, "library %.*s: sha256 %.*s is refused, for it was rolled back for crashing\n",
                   SLICE_ARG(control_line_field(line, 1)),
                   SLICE_ARG(manifest_short_digest(control_line_field(line, 2))));
    } else if (is_kind(line, "quarantine")) {
        text_print(&page->listed, "library %.*s: in quarantine, its routes answer 503\n",
                   SLICE_ARG(control_line_field(line, 1)));
    } else if (is_kind(line, "crashing")) {
        print_crashing(line, &page->listed);
    } else if (is_kind(line, "route")) {
        ++page->routes;
    } else if (is_kind(line, "reload")) {
        print_reload(line, &page->reloads);
    } else if (is_kind(line, "kept")) {
        text_print(&page->kept, "%s%.*s", page->kept.length == 0 ? "rollback goes back to generation " : ", then ",
                   SLICE_ARG(control_line_field(line, 1)));
    }
}

static void print_page(const struct text *lines)
{
    struct page page = {0};
    struct slice rest = text_slice(lines);
    while (rest.length != 0) {
        struct control_line line;
        size_t end = slice_find(rest, '\n');
        if (control_line_parse(slice_of(rest.data, end), &line))
            add_line(&page, &line);
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    printf("%.*s\n%.*s%u route%s\n%.*s", SLICE_ARG(text_slice(&page.generations)), SLICE_ARG(text_slice(&page.listed)),
           page.routes, page.routes == 1 ? "" : "s", SLICE_ARG(text_slice(&page.reloads)));
    if (page.kept.length != 0)
        printf("%s\n", page.kept.data);
    text_finish(&page.generations);
    text_finish(&page.listed);
    text_finish(&page.reloads);
    text_finish(&page.kept);
}

int status_run(const char *file, bool is_json)
{
    struct error error = ERROR_INIT;
    struct text request = TEXT_INIT, lines = TEXT_INIT;
    control_begin_request(&request, SLICE("status"));
    control_end_line(&request);
    bool is_answered = control_client_ask(file, &request, &lines, &error);
    if (!is_answered)
        fprintf(stderr, "error: %s\n", error.message);
    else if (is_json)
        status_json_print(&lines);
    else
        print_page(&lines);
    text_finish(&request);
    text_finish(&lines);
    return is_answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
