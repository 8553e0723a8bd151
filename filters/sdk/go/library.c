#include "library.h"

#include "_cgo_export.h"

#include <stdlib.h>

/* Filled before dlopen returns, since Go has no constants that C could see: the runtime starts first, as its own
 * constructor is linked in front of this one, and the call below waits until all init functions have run. */
FLEXILIB_EXPORT struct flexilib_library flexilib_library;

static struct flexilib_filter filters[FLEXILIB_GO_MOST_FILTERS];

struct flexilib_library flexilib_library = {
    .abi_major = FLEXILIB_ABI_MAJOR,
    .abi_minor = FLEXILIB_ABI_MINOR,
    .size = sizeof(struct flexilib_library),
    .filter_size = sizeof(struct flexilib_filter),
    .option_size = sizeof(struct flexilib_option),
    .value_size = sizeof(struct flexilib_value),
    .filters = filters,
};

__attribute__((constructor)) static void wait_for_go(void)
{
    flexilibGoDescribe();
}

/* What `filter` points to. */
struct use {
    const struct flexilib_core *core;
    uintptr_t handle;
};

static bool create_use(int number, const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct use *use = malloc(sizeof(*use));
    if (use == NULL)
        return false;
    *use = (struct use){
        .core = core,
        .handle = flexilibGoCreate(number, (struct flexilib_core *)core, (struct flexilib_value *)values),
    };
    *filter = use;
    if (use->handle != 0)
        return true;
    free(use);
    return false;
}

static uintptr_t handle_of(void *filter)
{
    return ((const struct use *)filter)->handle;
}

/* create does not say whose it is, so each place in the table has one of its own. */
#define CREATE(number)                                                                                                 \
    static bool create_##number(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)  \
    {                                                                                                                  \
        return create_use(number, core, values, filter);                                                               \
    }

CREATE(0)
CREATE(1)
CREATE(2)
CREATE(3)
CREATE(4)
CREATE(5)
CREATE(6)
CREATE(7)
CREATE(8)
CREATE(9)
CREATE(10)
CREATE(11)
CREATE(12)
CREATE(13)
CREATE(14)
CREATE(15)

typedef bool (*create_function)(const struct flexilib_core *core, const struct flexilib_value *values, void **filter);

static const create_function creates[FLEXILIB_GO_MOST_FILTERS] = {
    create_0, create_1, create_2,  create_3,  create_4,  create_5,  create_6,  create_7,
    create_8, create_9, create_10, create_11, create_12, create_13, create_14, create_15,
};

static void destroy(void *filter)
{
    flexilibGoDestroy(handle_of(filter));
    free(filter);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return flexilibGoHead(handle_of(filter), exchange, FLEXILIB_GO_REQUEST_HEAD);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    return flexilibGoHead(handle_of(filter), exchange, FLEXILIB_GO_RESPONSE_HEAD);
}

static flexilib_answer on_reply_body(void *filter, struct flexilib_exchange *exchange)
{
    return flexilibGoHead(handle_of(filter), exchange, FLEXILIB_GO_REPLY_BODY);
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    return flexilibGoBody(handle_of(filter), exchange, FLEXILIB_GO_REQUEST_BODY, (char *)data, length, last);
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    return flexilibGoBody(handle_of(filter), exchange, FLEXILIB_GO_RESPONSE_BODY, (char *)data, length, last);
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    return flexilibGoResume(handle_of(filter), exchange, (uintptr_t)result);
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    flexilibGoEnd(handle_of(filter), exchange);
}

/* For a filter that has no OnEnd. The way into Go costs more than the look whether it has a state to let go of. */
static void drop_state(void *filter, struct flexilib_exchange *exchange)
{
    if (((const struct use *)filter)->core->state(exchange) != NULL)
        on_end(filter, exchange);
}

static bool quiesce(void *filter)
{
    return flexilibGoQuiesce(handle_of(filter));
}

static void wake(void *filter)
{
    flexilibGoWake(handle_of(filter));
}

bool flexilib_go_add(const struct flexilib_filter *description, uint32_t hooks)
{
    uint32_t number = flexilib_library.filter_count;
    if (number == FLEXILIB_GO_MOST_FILTERS)
        return false;
    struct flexilib_filter *filter = &filters[number];
    *filter = *description;
    filter->create = creates[number];
    filter->destroy = destroy;
    filter->on_request_head = hooks & FLEXILIB_GO_REQUEST_HEAD ? on_request_head : NULL;
    filter->on_request_body = hooks & FLEXILIB_GO_REQUEST_BODY ? on_request_body : NULL;
    filter->on_response_head = hooks & FLEXILIB_GO_RESPONSE_HEAD ? on_response_head : NULL;
    filter->on_response_body = hooks & FLEXILIB_GO_RESPONSE_BODY ? on_response_body : NULL;
    filter->on_reply_body = hooks & FLEXILIB_GO_REPLY_BODY ? on_reply_body : NULL;
    filter->on_resume = hooks & FLEXILIB_GO_RESUME ? on_resume : NULL;
    filter->on_end = hooks & FLEXILIB_GO_END ? on_end : drop_state;
    filter->quiesce = hooks & FLEXILIB_GO_EXCLUSIVE ? quiesce : NULL;
    filter->wake = hooks & FLEXILIB_GO_EXCLUSIVE ? wake : NULL;
    flexilib_library.filter_count = number + 1;
    return true;
}

static void drop(void *result)
{
    flexilibGoDrop((uintptr_t)result);
}

void flexilib_go_resume(const struct flexilib_core *core, uint64_t ticket, uintptr_t result)
{
    core->resume(core, ticket, (void *)result, drop);
}

static void on_time(void *filter, void *data)
{
    flexilibGoTime((uintptr_t)data);
}

uint64_t flexilib_go_start_timer(const struct flexilib_timer *timer, const struct flexilib_core *core,
                                 uint64_t delay_ms, uint64_t repeat_ms, uintptr_t data)
{
    return timer->start(core, delay_ms, repeat_ms, on_time, (void *)data);
}

static void work(void *data)
{
    flexilibGoWork((uintptr_t)data);
}

bool flexilib_go_offload(const struct flexilib_offload *offload, const struct flexilib_core *core, uint64_t ticket,
                         uintptr_t data)
{
    return offload->run(core, ticket, work, (void *)data, drop);
}

static void on_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t field_count)
{
    flexilibGoFetchHead((uintptr_t)data, status, (struct flexilib_pair *)fields, field_count);
}

static bool on_body(void *data, const char *piece, size_t length)
{
    return flexilibGoFetchBody((uintptr_t)data, (char *)piece, length);
}

static void on_room(void *data)
{
    flexilibGoFetchRoom((uintptr_t)data);
}

static void on_over(void *data, int32_t failure)
{
    flexilibGoFetchOver((uintptr_t)data, failure);
}

uint64_t flexilib_go_fetch(const struct flexilib_fetch *fetch, const struct flexilib_core *core,
                           struct flexilib_exchange *exchange, const struct flexilib_fetch_request *request,
                           uintptr_t data)
{
    static const struct flexilib_fetch_events events = {sizeof(events), on_head, on_body, on_over, on_room};
    return fetch->start(core, exchange, request, &events, (void *)data);
}
