#ifndef FLEXILIB_PROCESS_ADDRESS_H
#define FLEXILIB_PROCESS_ADDRESS_H

/* Addresses to listen on, in the form that stands in LISTEN messages and that listeners are told apart by: `tcp HOST
 * PORT` with a numeric host, or `unix PATH` with an absolute one. */

#include "base/slice.h"
#include "base/text.h"

#include <stdint.h>
#include <sys/socket.h>

enum {
    ADDRESS_BYTES = 160, /* room for the canonical text of any address and a NUL */
};

struct address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* Reads the canonical text. Returns false where it is none. */
bool address_parse(struct slice text, struct address *address) __attribute__((warn_unused_result));

/* Fills address with what a socket is bound to. Returns false where that is neither TCP nor a unix path. */
bool address_of_socket(int fd, struct address *address) __attribute__((warn_unused_result));

bool address_is_unix(const struct address *address);

/* 0 for a unix socket. */
uint16_t address_port(const struct address *address);

/* The path of a unix socket, otherwise NULL. Points into the address. */
const char *address_path(const struct address *address);

/* Adds the canonical text. */
void address_print(const struct address *address, struct text *out);

/* Adds it as people write it: 127.0.0.1:80, [::1]:80, unix:/path. */
void address_print_nicely(const struct address *address, struct text *out);

#endif
