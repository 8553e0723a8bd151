#ifndef FLEXILIB_EXT_FETCH_H
#define FLEXILIB_EXT_FETCH_H

/* Requests of a filter's own, to an upstream of the configuration: core->extension(core, FLEXILIB_FETCH), in create.
 * They go the way that forwarded requests go: balanced, over kept connections, by TLS, tried again and given up as the
 * upstream's settings say. No filter sees them, and no field is added but Host, Via and what frames the body; those of
 * the response are given as a filter in a chain would see them, and its body as it comes, compressed where it is. Not
 * there for isolated filters, nor for those marked FLEXILIB_BLOCKING. In a check, fetches start and none is ever sent.
 */

#include <flexilib/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLEXILIB_FETCH "flexilib.fetch/1"

struct flexilib_fetch_request {
    size_t size; /* sizeof(struct flexilib_fetch_request) */
    struct flexilib_text upstream;
    struct flexilib_text method;        /* empty: GET */
    struct flexilib_text authority;     /* Host; empty: the server's own */
    struct flexilib_text path;          /* begins with "/", may have a query */
    const struct flexilib_pair *fields; /* field_count of them; those that frame messages are refused */
    size_t field_count;
    struct flexilib_text body;
    bool streams_body;   /* more of the body comes by write, its end by finish */
    uint64_t timeout_ms; /* for all of it; 0: 30 seconds */
};

/* What becomes of a fetch. All on the loop thread, none from within start, write, finish or more; data is start's. What
 * they are given is borrowed until they return. */
struct flexilib_fetch_events {
    size_t size; /* sizeof(struct flexilib_fetch_events) */
    /* The response's head. May be NULL. */
    void (*on_head)(void *data, int32_t status, const struct flexilib_pair *fields, size_t field_count);
    /* A piece of its body; false: no more of it, and not its end, until `more`. May be NULL: the body is thrown away.
     */
    bool (*on_body)(void *data, const char *piece, size_t length);
    /* It is over, and the last call: 0 for a whole response, else the status that a client would have been answered
     * (502, 503, 504; 508 where it was sent in circles), also where the response broke off in the middle. Comes exactly
     * once, also where the filter has cancelled it, where its exchange has ended (before on_end) and where the filter
     * does (before destroy), all of which is FLEXILIB_FETCH_CANCELLED. Only after a create that fails nothing comes. */
    void (*on_over)(void *data, int32_t failure);
    /* After write has returned false for want of room: there is some again. May be NULL. */
    void (*on_room)(void *data);
};
#define FLEXILIB_FETCH_CANCELLED (-1)

struct flexilib_fetch {
    size_t size;

    /* Starts a fetch, which is cancelled when the exchange ends, or for NULL, before destroy; so one without an
     * exchange outlives the request that gave rise to it. Returns its number, or 0, with nothing called and a line in
     * the log, where the request cannot be made: no such upstream, a bad path, an exchange that is over, a thousand
     * fetches of this filter under way. To end a pause by it, take a ticket and call core->resume in on_over. [loop] */
    uint64_t (*start)(const struct flexilib_core *core, struct flexilib_exchange *exchange,
                      const struct flexilib_fetch_request *request, const struct flexilib_fetch_events *events,
                      void *data);

    /* Adds to the body of a request that streams it. False where nobody takes it any more, or where bytes wait for the
     * server that would be more than 256 KB with these: then nothing was added, and on_room tells when to try again.
     * [loop] */
    bool (*write)(const struct flexilib_core *core, uint64_t fetch, const char *data, size_t length);
    /* That was all of the body. [loop] */
    void (*finish)(const struct flexilib_core *core, uint64_t fetch);

    /* After on_body has returned false: goes on. [loop] */
    void (*more)(const struct flexilib_core *core, uint64_t fetch);

    /* Ends it: on_over is called, from within. False where it was over. [loop] */
    bool (*cancel)(const struct flexilib_core *core, uint64_t fetch);
};

#ifdef __cplusplus
}
#endif

#endif
