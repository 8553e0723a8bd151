#ifndef FLEXILIB_GO_LIBRARY_H
#define FLEXILIB_GO_LIBRARY_H

/* What the C half of the Go SDK is to the Go half: functions with the contract's types, whose `filter` and `result` are
 * handles (runtime/cgo) of Go values, and calls of the core, which Go cannot make through pointers to functions. */

#include <flexilib/ext/dictionary.h>
#include <flexilib/ext/fetch.h>
#include <flexilib/ext/metrics.h>
#include <flexilib/ext/offload.h>
#include <flexilib/ext/timer.h>
#include <flexilib/filter.h>

enum {
    FLEXILIB_GO_MOST_FILTERS = 16,
};

/* Which hooks a filter has, as bits. */
enum {
    FLEXILIB_GO_REQUEST_HEAD = 1 << 0,
    FLEXILIB_GO_REQUEST_BODY = 1 << 1,
    FLEXILIB_GO_RESPONSE_HEAD = 1 << 2,
    FLEXILIB_GO_RESPONSE_BODY = 1 << 3,
    FLEXILIB_GO_REPLY_BODY = 1 << 4,
    FLEXILIB_GO_RESUME = 1 << 5,
    FLEXILIB_GO_EXCLUSIVE = 1 << 6,
    FLEXILIB_GO_END = 1 << 7,
};

/* Adds a filter to the table that FlexiLib is shown; its number is that of its creation. False where there is no room.
 */
bool flexilib_go_add(const struct flexilib_filter *description, uint32_t hooks);

/* core->resume, with a handle as result. */
void flexilib_go_resume(const struct flexilib_core *core, uint64_t ticket, uintptr_t result);

/* Calls of extensions that take functions; data is a handle. */
uint64_t flexilib_go_start_timer(const struct flexilib_timer *timer, const struct flexilib_core *core,
                                 uint64_t delay_ms, uint64_t repeat_ms, uintptr_t data);
bool flexilib_go_offload(const struct flexilib_offload *offload, const struct flexilib_core *core, uint64_t ticket,
                         uintptr_t data);
uint64_t flexilib_go_fetch(const struct flexilib_fetch *fetch, const struct flexilib_core *core,
                           struct flexilib_exchange *exchange, const struct flexilib_fetch_request *request,
                           uintptr_t data);

#endif
