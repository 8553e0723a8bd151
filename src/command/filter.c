#include "command/filter.h"

#include "base/suggest.h"
#include "command/filter_check.h"
#include "command/filter_info.h"
#include "command/filter_new.h"
#include "command/filter_test.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STATUS_USAGE = 2,
};

struct tool {
    const char *name;
    int (*run)(char **arguments); /* its name first */
    const char *takes;            /* behind the name */
    const char *summary;
};

static const struct tool tools[] = {
    {"new", filter_new_run, "NAME [--language c|cpp|rust|go]",
     "make a folder with a small filter, its scenario file and a Makefile"},
    {"info", filter_info_run, "LIBRARY [--json]", "what a library offers: filters, and the options they take"},
    {"check", filter_check_run, "LIBRARY [--filter NAME] [--options '{ KEY: VALUE }']",
     "load a library, create its filters and destroy them again"},
    {"test", filter_test_run, "[--chunk N] [--library [NAME=]PATH] [--verbose] FILE...",
     "play scenario files, which say what filters are to do; --chunk cuts bodies into pieces of N bytes, --library\n"
     "      puts another library in the place of the file's"},
};

enum {
    TOOL_COUNT = sizeof(tools) / sizeof(tools[0]),
};

static void print_page(FILE *out)
{
    fputs("usage: flexilib filter COMMAND ...\n\n", out);
    for (size_t i = 0; i < TOOL_COUNT; ++i)
        fprintf(out, "  flexilib filter %s %s\n      %s\n", tools[i].name, tools[i].takes, tools[i].summary);
    fputs(
        "\nLIBRARY is a path, or the name of a filter that comes with FlexiLib. Exit status: 0, 1 where something is\n"
        "wrong with a library, 2 for a wrong command line.\n",
        out);
}

static const struct tool *find_tool(const char *name)
{
    for (size_t i = 0; i < TOOL_COUNT; ++i) {
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    }
    return NULL;
}

static int refuse_name(const char *name)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    struct suggest suggest = suggest_start(slice_from_text(name));
    for (size_t i = 0; i < TOOL_COUNT; ++i)
        suggest_offer(&suggest, slice_from_text(tools[i].name));
    fprintf(stderr, "flexilib: unknown command 'filter %s'%s\n", name, suggest_phrase(&suggest, phrase));
    print_page(stderr);
    return STATUS_USAGE;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static bool wants_help(char **arguments)
{
    if (arguments[0] != NULL && strcmp(arguments[0], "help") == 0)
        return true;
    for (; *arguments != NULL; ++arguments) {
        if (is_help(*arguments))
            return true;
    }
    return false;
}

int filter_run(char **arguments)
{
    if (wants_help(arguments)) {
        print_page(stdout);
        return EXIT_SUCCESS;
    }
    if (arguments[0] == NULL) {
        print_page(stderr);
        return STATUS_USAGE;
    }
    const struct tool *tool = find_tool(arguments[0]);
    return tool == NULL ? refuse_name(arguments[0]) : tool->run(arguments);
}

int filter_refuse(const char *name, const char *sentence)
{
    const struct tool *tool = find_tool(name);
    fprintf(stderr, "flexilib: %s\nusage: flexilib filter %s %s\n", sentence, name, tool->takes);
    return STATUS_USAGE;
}
