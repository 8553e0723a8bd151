#include "command/server.h"

#include "base/alloc.h"
#include "base/suggest.h"
#include "command/control_client.h"
#include "command/server_print.h"
#include "config/server_url.h"

#include <stdio.h>
#include <stdlib.h>

/* What stands in the lines of an answer; the rows point into text. */
struct server_list {
    struct text text;
    struct server_row *rows;
    size_t count, capacity;
};

static void finish_list(struct server_list *list)
{
    text_finish(&list->text);
    free(list->rows);
}

static void read_rows(struct server_list *list)
{
    struct slice rest = text_slice(&list->text);
    while (rest.length != 0) {
        struct control_line line;
        size_t end = slice_find(rest, '\n');
        /* Lines of other kinds are for commands that know them. */
        if (control_line_parse(slice_of(rest.data, end), &line) && line.count >= 6 &&
            slice_equals(line.fields[0], SLICE("server"))) {
            list->rows = mem_grow(list->rows, list->count, &list->capacity, sizeof(*list->rows));
            list->rows[list->count++] = (struct server_row){
                .upstream = line.fields[1],
                .url = line.fields[2],
                .requests = line.fields[3],
                .connections = line.fields[4],
                .state = line.fields[5],
            };
        }
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
}

/* Asks with up to two arguments. Returns false and fills error. */
static bool ask(const char *file, const char *word, struct slice upstream, struct slice url, struct server_list *list,
                struct error *error)
{
    struct text request = TEXT_INIT;
    control_begin_request(&request, slice_from_text(word));
    if (url.length != 0) {
        control_add_field(&request, upstream);
        control_add_field(&request, url);
    }
    control_end_line(&request);
    bool is_answered = control_client_ask(file, &request, &list->text, error);
    text_finish(&request);
    read_rows(list);
    return is_answered;
}

/* Adds the name once; rows of the same upstream stand together. */
static void add_name(struct text *names, struct slice name, struct slice previous)
{
    if (slice_equals(name, previous))
        return;
    if (names->length != 0)
        text_add(names, SLICE(", "));
    text_add(names, name);
}

static bool refuse_upstream(const struct server_list *list, struct slice wanted, struct error *error)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    struct suggest suggest = suggest_start(wanted);
    struct text names = TEXT_INIT;
    for (size_t i = 0; i < list->count; ++i) {
        suggest_offer(&suggest, list->rows[i].upstream);
        add_name(&names, list->rows[i].upstream, i == 0 ? SLICE_NONE : list->rows[i - 1].upstream);
    }
    if (names.length == 0)
        error_set(error, "there is no upstream '%.*s': the configuration has none", SLICE_ARG(wanted));
    else
        error_set(error, "there is no upstream '%.*s'%s; there are: %s", SLICE_ARG(wanted),
                  suggest_phrase(&suggest, phrase), names.data);
    text_finish(&names);
    return false;
}

static bool refuse_url(const struct server_list *list, struct slice upstream, struct slice wanted, struct error *error)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    struct suggest suggest = suggest_start(wanted);
    struct text urls = TEXT_INIT;
    for (size_t i = 0; i < list->count; ++i) {
        if (!slice_equals(list->rows[i].upstream, upstream))
            continue;
        suggest_offer(&suggest, list->rows[i].url);
        add_name(&urls, list->rows[i].url, SLICE_NONE);
    }
    error_set(error, "upstream '%.*s' has no server '%.*s'%s; it has: %s", SLICE_ARG(upstream), SLICE_ARG(wanted),
              suggest_phrase(&suggest, phrase), urls.data);
    text_finish(&urls);
    return false;
}

static bool is_same_url(struct slice written, struct slice given)
{
    struct error error = ERROR_INIT;
    struct arena arena;
    struct node nodes[2] = {{.kind = NODE_SCALAR, .text = written}, {.kind = NODE_SCALAR, .text = given}};
    struct server_settings servers[2] = {0};
    arena_init(&arena, 0);
    bool is_http = slice_starts_with_nocase(written, SLICE("http")) && slice_find(written, '+') == written.length &&
                   slice_find(given, '+') == given.length;
    bool is_same = is_http && server_url_read(&nodes[0], &arena, &servers[0], &error) &&
                   server_url_read(&nodes[1], &arena, &servers[1], &error) && servers[0].port == servers[1].port &&
                   servers[0].is_tls == servers[1].is_tls && slice_equals_nocase(servers[0].host, servers[1].host);
    arena_finish(&arena);
    return is_same;
}

/* As it was written comes first. */
static const struct server_row *find_row(const struct server_list *list, struct slice upstream, struct slice url)
{
    for (int is_normalised = 0; is_normalised < 2; ++is_normalised) {
        for (size_t i = 0; i < list->count; ++i) {
            const struct server_row *row = &list->rows[i];
            if (slice_equals(row->upstream, upstream) &&
                (is_normalised ? is_same_url(row->url, url) : slice_equals(row->url, url)))
                return row;
        }
    }
    return NULL;
}

static bool has_upstream(const struct server_list *list, struct slice upstream)
{
    for (size_t i = 0; i < list->count; ++i) {
        if (slice_equals(list->rows[i].upstream, upstream))
            return true;
    }
    return false;
}

static void keep_upstream(struct server_list *list, struct slice upstream)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; ++i) {
        if (slice_equals(list->rows[i].upstream, upstream))
            list->rows[count++] = list->rows[i];
    }
    list->count = count;
}

static bool set_server(const struct server_command *command, const struct server_list *list, struct slice upstream,
                       struct error *error)
{
    struct slice url = slice_from_text(command->url);
    const struct server_row *row = find_row(list, upstream, url);
    if (row == NULL)
        return refuse_url(list, upstream, url, error);
    struct server_list answer = {0};
    bool is_set = ask(command->file, command->verb, row->upstream, row->url, &answer, error);
    for (size_t i = 0; is_set && i < answer.count; ++i)
        server_print_one(&answer.rows[i], command->is_json);
    finish_list(&answer);
    return is_set;
}

static bool run(const struct server_command *command, struct server_list *list, struct error *error)
{
    struct slice upstream = slice_from_text(command->upstream);
    if (!ask(command->file, "servers", SLICE_NONE, SLICE_NONE, list, error))
        return false;
    if (command->upstream != NULL && !has_upstream(list, upstream))
        return refuse_upstream(list, upstream, error);
    if (command->url != NULL)
        return set_server(command, list, upstream, error);
    if (command->upstream != NULL)
        keep_upstream(list, upstream);
    server_print_list(list->rows, list->count, command->is_json);
    return true;
}

int server_run(const struct server_command *command)
{
    struct error error = ERROR_INIT;
    struct server_list list = {0};
    bool is_done = run(command, &list, &error);
    finish_list(&list);
    if (is_done)
        return EXIT_SUCCESS;
    fprintf(stderr, "error: %s\n", error.message);
    return EXIT_FAILURE;
}
