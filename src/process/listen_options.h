#ifndef FLEXILIB_PROCESS_LISTEN_OPTIONS_H
#define FLEXILIB_PROCESS_LISTEN_OPTIONS_H

/* How a listening socket is to be, beside its address: what LISTEN says of it. */

#include "base/text.h"

#include <sys/types.h>

struct listen_options {
    int backlog; /* 0: the usual one */
    /* Of a unix socket's file; -1: as it comes. */
    int mode;
    int64_t owner, group;
};

#define LISTEN_OPTIONS_NONE ((struct listen_options){.mode = -1, .owner = -1, .group = -1})

/* Adds the options as words, with a space behind each. */
void listen_options_print(const struct listen_options *options, struct text *out);

/* Takes them off the text. Returns false where they are none. */
bool listen_options_take(struct slice *rest, struct listen_options *options) __attribute__((warn_unused_result));

/* Gives the socket file the mode and owner that the options want, while nobody can connect to it yet or under those who
 * can. Links are not followed. Returns false with errno set. */
bool listen_options_settle_file(const struct listen_options *options, const char *path)
    __attribute__((warn_unused_result));

/* What has to be done so that a file which was made by `old` is as `wanted`: what is no longer wanted becomes as it
 * comes. */
struct listen_options listen_options_change(const struct listen_options *old, const struct listen_options *wanted);

#endif
