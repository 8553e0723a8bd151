#include "command/server_print.h"

#include "base/characters.h"

#include <stdio.h>

enum {
    COLUMNS = 5,
};

static const struct server_row headline = {
    .upstream = {"UPSTREAM", 8},
    .url = {"SERVER", 6},
    .requests = {"REQUESTS", 8},
    .connections = {"CONNECTIONS", 11},
    .state = {"STATE", 5},
};

static struct slice get_column(const struct server_row *row, int column)
{
    const struct slice columns[COLUMNS] = {row->upstream, row->url, row->requests, row->connections, row->state};
    return columns[column];
}

static int measure(struct slice text)
{
    int width = 0;
    while (text.length != 0) {
        size_t length = character_length(text);
        width += length == 0 ? 1 : (int)character_width(slice_of(text.data, length));
        text = slice_skip(text, length == 0 ? 1 : length);
    }
    return width;
}

static void print_row(const struct server_row *row, const int widths[COLUMNS])
{
    for (int i = 0; i < COLUMNS - 1; ++i) {
        struct slice text = get_column(row, i);
        printf("%.*s%*s", SLICE_ARG(text), widths[i] - measure(text) + 2, "");
    }
    printf("%.*s\n", SLICE_ARG(row->state));
}

static void print_table(const struct server_row *rows, size_t count)
{
    int widths[COLUMNS];
    for (int i = 0; i < COLUMNS; ++i) {
        widths[i] = measure(get_column(&headline, i));
        for (size_t j = 0; j < count; ++j) {
            int width = measure(get_column(&rows[j], i));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    print_row(&headline, widths);
    for (size_t j = 0; j < count; ++j)
        print_row(&rows[j], widths);
}

/* Bytes that are no UTF-8 have no place in JSON. */
static void print_json_text(struct slice text)
{
    putchar('"');
    while (text.length != 0) {
        size_t length = character_length(text);
        if (text.data[0] == '"' || text.data[0] == '\\')
            printf("\\%c", text.data[0]);
        else if (length == 0)
            fputs("\\ufffd", stdout);
        else if (length == 1 && (unsigned char)text.data[0] < 0x20)
            printf("\\u%04x", (unsigned)text.data[0]);
        else
            printf("%.*s", (int)length, text.data);
        text = slice_skip(text, length == 0 ? 1 : length);
    }
    putchar('"');
}

static void print_json_number(const char *name, struct slice number)
{
    uint64_t value;
    if (slice_parse_number(number, &value))
        printf(", \"%s\": %.*s", name, SLICE_ARG(number));
    else
        printf(", \"%s\": null", name);
}

/* "ejected (8 s left)" is for people: programs get its parts. */
static void print_json_state(struct slice state)
{
    size_t length = slice_find(state, ' ');
    fputs(", \"state\": ", stdout);
    print_json_text(slice_of(state.data, length));
    struct slice rest = slice_skip(state, length);
    if (slice_starts_with(rest, SLICE(" (")) && rest.length > 2) {
        rest = slice_skip(rest, 2);
        print_json_number("seconds_left", slice_of(rest.data, slice_find(rest, ' ')));
    }
}

static void print_json(const struct server_row *row)
{
    fputs("{\"upstream\": ", stdout);
    print_json_text(row->upstream);
    fputs(", \"server\": ", stdout);
    print_json_text(row->url);
    print_json_number("requests", row->requests);
    print_json_number("connections", row->connections);
    print_json_state(row->state);
    putchar('}');
}

void server_print_list(const struct server_row *rows, size_t count, bool is_json)
{
    if (!is_json) {
        print_table(rows, count);
        return;
    }
    fputs("[", stdout);
    for (size_t i = 0; i < count; ++i) {
        fputs(i == 0 ? "\n  " : ",\n  ", stdout);
        print_json(&rows[i]);
    }
    fputs(count == 0 ? "]\n" : "\n]\n", stdout);
}

void server_print_one(const struct server_row *row, bool is_json)
{
    uint64_t requests;
    if (is_json) {
        print_json(row);
        putchar('\n');
        return;
    }
    printf("upstream '%.*s' server %.*s: %.*s", SLICE_ARG(row->upstream), SLICE_ARG(row->url), SLICE_ARG(row->state));
    if (slice_parse_number(row->requests, &requests))
        printf(", %.*s request%s in flight", SLICE_ARG(row->requests), requests == 1 ? "" : "s");
    putchar('\n');
}
