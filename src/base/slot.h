#ifndef FLEXILIB_BASE_SLOT_H
#define FLEXILIB_BASE_SLOT_H

/* A worker's slot in shared memory: what it is doing right now, so that a crash or a blocked loop can be put down to a
 * filter after the fact. The worker writes its own slot without locks; the supervisor reads it and trusts nothing in
 * it. */

#include "base/slice.h"

#include <stdint.h>

enum {
    SLOT_FILTER_BYTES = 64,
    SLOT_REQUEST_BYTES = 24,
    SLOT_MAGIC = 0x464c584c, /* "FLXL" */
    SLOT_VERSION = 3,
};

enum slot_hook {
    SLOT_HOOK_NONE = 0,
    SLOT_HOOK_LOAD,
    SLOT_HOOK_CREATE,
    SLOT_HOOK_DESTROY,
    SLOT_HOOK_REQUEST_HEAD,
    SLOT_HOOK_REQUEST_BODY,
    SLOT_HOOK_RESPONSE_HEAD,
    SLOT_HOOK_RESPONSE_BODY,
    SLOT_HOOK_RESUME,
    SLOT_HOOK_END,
};

struct slot {
    uint32_t magic;
    uint32_t version;
    uint32_t size;
    int32_t pid;
    uint32_t generation;
    uint32_t is_accepting; /* new connections */
    uint32_t connections;  /* of clients, those with a tunnel included */
    uint32_t tunnels;
    uint32_t turns;                   /* of its event loop so far: while they grow it is alive */
    uint32_t hook;                    /* enum slot_hook; SLOT_HOOK_NONE outside of filters */
    char filter[SLOT_FILTER_BYTES];   /* the running filter's name, or the library that loads; NUL-terminated */
    char request[SLOT_REQUEST_BYTES]; /* the id of the request it runs for, NUL-terminated */
};

/* Fills shown, which is zero, with the name; of a long one, as paths are, with its end. */
void slot_show_name(struct slice name, char shown[SLOT_FILTER_BYTES]);

/* The hook's name for people: "on_request_head"; "" for none and for numbers it does not know. */
const char *slot_hook_name(uint32_t hook);

#endif
