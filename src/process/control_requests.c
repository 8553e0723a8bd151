#include "process/control_requests.h"

#include "base/clock.h"
#include "process/console.h"

#include <stdlib.h>

static void add_number(struct text *answer, bool is_known, uint32_t number)
{
    struct text digits = TEXT_INIT;
    text_print(&digits, "%u", number);
    control_add_field(answer, is_known ? text_slice(&digits) : SLICE("-"));
    text_finish(&digits);
}

static void add_server(const struct server_table *table, int number, struct text *answer)
{
    const struct server_entry *entry = table->entries[number];
    const struct server_region *region = &table->region;
    struct server_state state = server_region_read(region, (uint32_t)number);
    struct server_count count = server_region_count(region, (uint32_t)number);
    bool is_counted = server_region_is_counted(region, (uint32_t)number);
    char words[SERVER_STATE_TEXT_BYTES];
    server_state_describe(&state, clock_monotonic_us() / 1000, words);
    control_add_field(answer, SLICE("server"));
    control_add_field(answer, entry->upstream);
    control_add_field(answer, entry->url);
    add_number(answer, is_counted, count.requests);
    add_number(answer, is_counted, count.connections);
    control_add_field(answer, slice_from_text(words));
    control_end_line(answer);
}

static void answer_servers(const struct control_view *view, const struct control_line *request, struct text *answer)
{
    size_t count;
    const int *numbers = generation_servers(view->serving, &count);
    for (size_t i = 0; i < count; ++i)
        add_server(view->servers, numbers[i], answer);
    control_end_answer(answer, EXIT_SUCCESS, NULL);
}

static void set_drained(const struct control_view *view, const struct control_line *request, bool is_drained,
                        struct text *answer)
{
    struct slice upstream = control_line_field(request, 1);
    struct slice url = control_line_field(request, 2);
    int number = server_table_find(view->servers, upstream, url);
    if (number == -1 || !generation_has_server(view->serving, number)) {
        control_end_answer(answer, EXIT_FAILURE, "upstream '%.*s' has no server '%.*s'", SLICE_ARG(upstream),
                           SLICE_ARG(url));
        return;
    }
    if (view->servers->entries[number]->is_drained != is_drained)
        console_log(LOG_LEVEL_INFO, "upstream '%.*s' server %.*s: %s (by hand)", SLICE_ARG(upstream), SLICE_ARG(url),
                    is_drained ? "draining" : "ready");
    server_table_drain(view->servers, number, is_drained);
    add_server(view->servers, number, answer);
    control_end_answer(answer, EXIT_SUCCESS, NULL);
}

static void answer_drain(const struct control_view *view, const struct control_line *request, struct text *answer)
{
    set_drained(view, request, true, answer);
}

static void answer_ready(const struct control_view *view, const struct control_line *request, struct text *answer)
{
    set_drained(view, request, false, answer);
}

struct kind {
    const char *word;
    size_t argument_count;
    void (*answer)(const struct control_view *view, const struct control_line *request, struct text *answer);
};

void control_requests_answer(const struct control_view *view, const struct control_line *request, struct text *answer)
{
    static const struct kind kinds[] = {
        {"servers", 0, answer_servers},
        {"drain", 2, answer_drain},
        {"ready", 2, answer_ready},
    };
    const struct kind *kind = NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && kind == NULL; ++i) {
        if (slice_equals(request->fields[0], slice_from_text(kinds[i].word)) &&
            request->count == kinds[i].argument_count + 1)
            kind = &kinds[i];
    }
    if (kind == NULL)
        control_end_answer(answer, EXIT_FAILURE, "the FlexiLib that runs does not know '%.*s'",
                           SLICE_ARG(request->fields[0]));
    else if (view->serving == NULL)
        control_end_answer(answer, EXIT_FAILURE, "no generation serves");
    else
        kind->answer(view, request, answer);
}
