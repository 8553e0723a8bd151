#include "worker/listening.h"

#include "base/fork_guard.h"
#include "base/text.h"
#include "process/identity.h"

#include <errno.h>
#include <string.h>

static const char *find_advice(int number, const struct listener_settings *listener)
{
    switch (number) {
    case EACCES:
        return listener->is_unix ? " (may the user write in that folder?)"
                                 : " (ports below 1024 are for root, or for who has CAP_NET_BIND_SERVICE)";
    case EPERM:
        return listener->is_unix ? " (only root can give a socket to another user, and to a group it is not in)" : "";
    case EADDRINUSE:
        return listener->is_unix ? " (another program listens there, or the file is no socket)"
                                 : " (another program listens there: `ss -ltnp` tells which)";
    case EADDRNOTAVAIL:
        return " (no network interface here has that address)";
    case ENOENT:
        return " (the socket's folder is missing)";
    case EINVAL:
        return listener->is_unix ? " (the path must be absolute and shorter than 108 bytes)" : "";
    default:
        return "";
    }
}

static void print_address(const struct listener_settings *listener, struct text *out)
{
    bool is_six = memchr(listener->host.data, ':', listener->host.length) != NULL;
    if (listener->is_unix)
        text_print(out, "unix:%.*s", SLICE_ARG(listener->host));
    else
        text_print(out, is_six ? "[%.*s]:%u" : "%.*s:%u", SLICE_ARG(listener->host), listener->port);
}

/* strerror with a small letter in front, as it stands inside a sentence. */
static void print_reason(int number, struct text *out)
{
    const char *reason = strerror(number);
    text_add_char(out, ascii_lower(reason[0]));
    text_add(out, slice_from_text(reason + 1));
}

static void describe_refusal(int number, const struct listener_settings *listener, struct error *error)
{
    struct text sentence = TEXT_INIT;
    text_print(&sentence, "cannot listen on ");
    print_address(listener, &sentence);
    text_print(&sentence, ": ");
    print_reason(number, &sentence);
    text_print(&sentence, "%s", find_advice(number, listener));
    error_set_at(error, listener->place, "%s", sentence.data);
    text_finish(&sentence);
}

static bool find_options(const struct listener_settings *listener, struct listen_options *options, struct error *error)
{
    *options = LISTEN_OPTIONS_NONE;
    options->backlog = (int)listener->backlog;
    if (listener->has_mode)
        options->mode = (int)listener->mode;
    return (listener->owner.length == 0 ||
            identity_find_user(listener->owner.data, listener->owner_place, &options->owner, error)) &&
           (listener->group.length == 0 ||
            identity_find_group(listener->group.data, listener->group_place, &options->group, error));
}

int listening_open(struct uplink *uplink, size_t index, const struct listener_settings *listener, struct error *error)
{
    struct text address = TEXT_INIT;
    struct listen_options options;
    if (!find_options(listener, &options, error))
        return -1;
    if (listener->is_unix)
        text_print(&address, "unix %.*s", SLICE_ARG(listener->host));
    else
        text_print(&address, "tcp %.*s %u", SLICE_ARG(listener->host), listener->port);
    int fd = uplink_listen(uplink, (int64_t)index, &options, listener->name, text_slice(&address));
    if (fd == -1)
        describe_refusal(errno, listener, error);
    else
        fork_guard_keep_back(fd);
    text_finish(&address);
    return fd;
}
