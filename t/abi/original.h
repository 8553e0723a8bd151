#ifndef FLEXILIB_ORIGINAL_H
#define FLEXILIB_ORIGINAL_H

/* What libraries of the original FlexiLib are made of: a shared object that exports handle_request. FlexiLib still
 * loads them, as handlers; for new ones there is flexilib/filter.h.
 *
 *     struct flexilib_original_response *handle_request(struct flexilib_original_request *request);
 *     void request_deinit(void);
 *     void zigInit(const struct flexilib_zig_allocator *allocator);
 *
 * The last two are optional. For each request zigInit is called first, then handle_request, and request_deinit when the
 * response has been copied, all on one thread; several requests on as many threads at once, unless the configuration
 * says `serialize: yes`. So they may block. What the request points to is the library's until request_deinit returned.
 * NULL instead of a response is answered 500. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flexilib_original_header {
    char *name;
    size_t name_length;
    char *value;
    size_t value_length;
};

/* All texts have a NUL behind them. */
struct flexilib_original_request {
    char *target; /* the path in canonical form, and the query behind "?" */
    size_t target_length;
    char *method;
    size_t method_length;
    char *content; /* the body */
    size_t content_length;
    struct flexilib_original_header *headers; /* Host comes first */
    size_t header_count;
};

/* Early versions of the original ended at header_count. Libraries that were built with those are fine where they have
 * the response's memory of the allocator, as all do that are written in Zig: then what is missing reads as zero. */
struct flexilib_original_response {
    char *content; /* the body */
    size_t content_length;
    struct flexilib_original_header *headers; /* Content-Type is text/plain where it is not among them */
    size_t header_count;
    size_t status; /* 0 means 200 */
    char *reason;  /* not sent: HTTP/2 has none, and clients do without */
    size_t reason_length;
};

/* A std.mem.Allocator of Zig 0.11 to 0.13. What is allocated is zero, and is freed when the response has been copied,
 * and not before: free does nothing. Alignments are given as powers of two, and only their lowest byte counts. */
struct flexilib_zig_allocator_calls {
    void *(*alloc)(void *context, size_t length, size_t alignment, uintptr_t return_address);
    bool (*resize)(void *context, void *data, size_t length, size_t alignment, size_t new_length,
                   uintptr_t return_address);
    void (*free)(void *context, void *data, size_t length, size_t alignment, uintptr_t return_address);
};

struct flexilib_zig_allocator {
    void *context;
    const struct flexilib_zig_allocator_calls *calls;
};

#endif
