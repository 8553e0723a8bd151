#include "process/control_requests.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/state_text.h"
#include "process/console.h"
#include "process/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void add_server_states(const struct control_view *view, struct text *lines)
{
    size_t count;
    const int *numbers = generation_servers(view->serving, &count);
    struct state_server *servers = mem_alloc((count + 1) * sizeof(*servers));
    struct server_state *states = mem_alloc((count + 1) * sizeof(*states));
    for (size_t i = 0; i < count; ++i) {
        const struct server_entry *entry = view->servers->entries[numbers[i]];
        states[i] = server_region_read(&view->servers->region, (uint32_t)numbers[i]);
        servers[i] = (struct state_server){.upstream = entry->upstream, .url = entry->url, .state = &states[i]};
    }
    state_text_add_servers(servers, count, clock_monotonic_us() / 1000, lines);
    free(states);
    free(servers);
}

static void answer_metrics(const struct control_view *view, const struct control_line *request, struct text *answer)
{
    struct text lines = TEXT_INIT;
    state_text_add_supervision(view->supervision, &lines);
    add_server_states(view, &lines);
    if (!metrics_region_print(view->metrics, generation_number(view->serving), &lines)) {
        control_end_answer(answer, EXIT_FAILURE, "cannot read the shared memory of metrics: %s", strerror(errno));
        text_finish(&lines);
        return;
    }
    struct slice rest = text_slice(&lines);
    while (rest.length != 0) {
        control_add_field(answer, SLICE("text"));
        control_add_field(answer, slice_next_item(&rest, '\n'));
        control_end_line(answer);
    }
    text_finish(&lines);
    control_end_answer(answer, EXIT_SUCCESS, NULL);
}

static void answer_status(const struct control_view *view, const struct control_line *request, struct text *answer)
{
    status_print(view->reloads, answer);
    control_end_answer(answer, EXIT_SUCCESS, NULL);
}

static unsigned answer_reload(const struct control_view *view, struct text *answer)
{
    return reloads_want(view->reloads, RELOAD_COMMAND);
}

static unsigned answer_rollback(const struct control_view *view, struct text *answer)
{
    struct text refusal = TEXT_INIT;
    unsigned id = reloads_roll_back(view->reloads, "by hand", &refusal);
    if (id == 0)
        control_end_answer(answer, EXIT_FAILURE, "%s", refusal.data);
    text_finish(&refusal);
    return id;
}

static unsigned answer_upgrade(const struct control_view *view, struct text *answer)
{
    unsigned id = view->want_upgrade(view->data);
    if (id == 0)
        control_end_answer(answer, EXIT_FAILURE, "FlexiLib stops");
    return id;
}

struct kind {
    const char *word;
    size_t argument_count;
    void (*answer)(const struct control_view *view, const struct control_line *request, struct text *answer);
    unsigned (*begin)(const struct control_view *view, struct text *answer); /* what is answered later */
};

unsigned control_requests_answer(const struct control_view *view, const struct control_line *request,
                                 struct text *answer)
{
    static const struct kind kinds[] = {
        {"upgrade", 0, NULL, answer_upgrade}, {"servers", 0, answer_servers, NULL},
        {"drain", 2, answer_drain, NULL},     {"ready", 2, answer_ready, NULL},
        {"metrics", 0, answer_metrics, NULL}, {"status", 0, answer_status, NULL},
        {"reload", 0, NULL, answer_reload},   {"rollback", 0, NULL, answer_rollback},
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
    else if (kind->begin != NULL)
        return kind->begin(view, answer);
    else
        kind->answer(view, request, answer);
    return 0;
}
