#ifndef FLEXILIB_BASE_SLOT_H
#define FLEXILIB_BASE_SLOT_H

/* A worker's slot in shared memory: what it is doing right now, so that a crash or a blocked loop can be put down to a
 * filter after the fact. The worker writes its own slot without locks; the supervisor reads it and trusts nothing in
 * it. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SLOT_FILTER_BYTES = 64,
    SLOT_REQUEST_BYTES = 24,
    SLOT_LINE_BYTES = 104,
    SLOT_MAGIC = 0x464c584c, /* "FLXL" */
    SLOT_VERSION = 6,
    SLOT_THREADS = 64, /* of a worker's pool, that are shown; those behind are not */
};

/* A request in the shape of the slot: zero where something runs for none. */
struct slot_request {
    char id[SLOT_REQUEST_BYTES]; /* NUL-terminated, as all texts here */
    char line[SLOT_LINE_BYTES];  /* "GET /path?query", as far as it fits */
};

/* For what runs for no request. */
extern const struct slot_request slot_no_request;

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
    SLOT_HOOK_REPLY_BODY,
    SLOT_HOOK_TIMER,
    SLOT_HOOK_OFFLOAD,
    SLOT_HOOK_HANDLE_REQUEST,
    SLOT_HOOK_FETCH_HEAD,
    SLOT_HOOK_FETCH_BODY,
    SLOT_HOOK_FETCH_ROOM,
    SLOT_HOOK_FETCH_OVER,
    SLOT_HOOK_QUIESCE,
    SLOT_HOOK_WAKE,
};

/* A call into a library: who is called, and what for. */
struct slot_call {
    uint32_t hook;                  /* enum slot_hook; SLOT_HOOK_NONE: nothing is called */
    char filter[SLOT_FILTER_BYTES]; /* the running filter's name, or the library that loads; NUL-terminated */
    struct slot_request request;    /* that it runs for */
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
    uint32_t turns;        /* twice those of its event loop, and odd while it works; while they grow it is alive */
    struct slot_call call; /* on its event loop */
    uint32_t requests;     /* of clients, under way; those that have become tunnels are none any more */
    uint32_t called;       /* grows when a call begins */
};

/* The same for the threads of a worker's pool: each writes the entry of its number. */
struct slot_threads {
    struct slot_call calls[SLOT_THREADS];
    uint32_t count;               /* of those that were ever written */
    uint32_t turns[SLOT_THREADS]; /* of each: grows when a call begins */
    int32_t clocks[SLOT_THREADS]; /* of each: the id of its CPU clock, for its own process */
};

/* Fills shown, which is zero, with the name; of a long one, as paths are, with its end. */
void slot_show_name(struct slice name, char shown[SLOT_FILTER_BYTES]);

/* Fills request, which is zero, with what there is to show of one. */
void slot_show_request(struct slice id, struct slice method, struct slice target, struct slot_request *request);

/* Ends the texts of a call that anybody may have written, and makes them fit to print. */
void slot_make_printable(struct slot_call *call);

/* Looks at a call that another thread may be writing at this very moment: then a text is half another one, but never
 * too long. Nothing that looks for races looks here. [any thread] */
bool slot_call_is_running(const struct slot_call *call);
uint32_t slot_call_hook(const struct slot_call *call);
void slot_call_copy(const struct slot_call *call, struct slot_call *copy);

/* The hook's name for people: "on_request_head"; "" for none and for numbers it does not know. */
const char *slot_hook_name(uint32_t hook);

#endif
