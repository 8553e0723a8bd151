#include "process/role.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
    ARGUMENT_COUNT = 15,
};

static char *print_number(uint32_t number)
{
    struct text text = TEXT_INIT;
    text_print(&text, "%u", number);
    return text.data;
}

static char *copy(const char *text)
{
    return mem_copy_text(text, strlen(text));
}

char **role_make_arguments(const struct role *role)
{
    char **arguments = mem_alloc((ARGUMENT_COUNT + 1) * sizeof(*arguments));
    char **next = arguments;
    *next++ = copy("flexilib");
    *next++ = copy(role->is_runner ? ROLE_RUNNER : ROLE_WORKER);
    *next++ = copy(role->config);
    *next++ = copy(role->is_live ? "live" : "snapshot");
    *next++ = copy(role->snapshot);
    *next++ = print_number(role->generation);
    *next++ = print_number(role->number);
    *next++ = print_number(role->slot);
    *next++ = copy(role->program);
    *next++ = copy(role->user);
    *next++ = print_number(role->uid);
    *next++ = print_number(role->gid);
    *next++ = copy(role->is_without_filters ? "without-filters" : "");
    *next++ = copy(role->is_first ? "first" : role->is_late ? "late" : "sibling");
    *next++ = print_number(role->runner);
    *next = NULL;
    return arguments;
}

void role_free_arguments(char **arguments)
{
    for (char **argument = arguments; *argument != NULL; ++argument)
        free(*argument);
    free(arguments);
}

static bool parse_number(const char *text, uint32_t *number)
{
    uint64_t wide;
    bool is_number = slice_parse_number(slice_from_text(text), &wide) && wide <= UINT32_MAX;
    *number = is_number ? (uint32_t)wide : 0;
    return is_number;
}

static bool is_channel(int fd)
{
    int type = 0;
    socklen_t length = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

bool role_parse(int count, char **arguments, struct role *role)
{
    if (count != ARGUMENT_COUNT)
        return false;
    *role = (struct role){
        .config = arguments[2],
        .is_live = strcmp(arguments[3], "live") == 0,
        .snapshot = arguments[4],
        .program = arguments[8],
        .user = arguments[9],
        .is_without_filters = strcmp(arguments[12], "without-filters") == 0,
        .is_first = strcmp(arguments[13], "first") == 0,
        .is_late = strcmp(arguments[13], "late") == 0,
        .is_runner = strcmp(arguments[1], ROLE_RUNNER) == 0,
    };
    return parse_number(arguments[5], &role->generation) && parse_number(arguments[6], &role->number) &&
           parse_number(arguments[7], &role->slot) && parse_number(arguments[10], &role->uid) &&
           parse_number(arguments[11], &role->gid) && parse_number(arguments[14], &role->runner) &&
           is_channel(ROLE_CHANNEL_FD);
}
