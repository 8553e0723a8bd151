#include "filter/original.h"

#include "base/alloc.h"
#include "filter/core_calls.h"
#include "filter/library_own.h"
#include "filter/offload.h"
#include "filter/original_memory.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    MOST_HEADERS = 10000,
    RETRY_AFTER_S = 1,
};

/* More than any machine has. */
static const size_t most_content_bytes = (size_t)1 << 39;

/* One request on its way to the library and back. */
struct original_call {
    const struct original *original;
    struct original_memory memory;
    struct flexilib_original_request request;
    /* The response, in the call's memory. */
    const char *problem; /* why there is none; NULL: there is one */
    size_t status;
    char *content; /* has memory of its own, as it may be large */
    size_t content_length;
    struct header *headers;
    size_t header_count;
};

static void drop_call(void *data)
{
    struct original_call *call = data;
    original_memory_finish(&call->memory);
    free(call->content);
    free(call);
}

static char *copy_text(struct original_call *call, struct slice text)
{
    return original_memory_copy(&call->memory, text.data, text.length);
}

static void add_header(struct original_call *call, struct slice name, struct slice value)
{
    call->request.headers[call->request.header_count++] = (struct flexilib_original_header){
        .name = copy_text(call, name),
        .name_length = name.length,
        .value = copy_text(call, value),
        .value_length = value.length,
    };
}

/* The fields that are FlexiLib's concern were the library's own in the original. */
static void copy_headers(struct original_call *call, const struct exchange *exchange, size_t content_length)
{
    const struct headers *headers = &exchange->request.headers;
    struct arena *arena = &call->memory.arena;
    call->request.headers = arena_alloc(arena, (headers->count + 2) * sizeof(*call->request.headers));
    if (exchange->request.authority.length != 0)
        add_header(call, SLICE("Host"), exchange->request.authority);
    for (size_t i = 0; i < headers->count; ++i)
        add_header(call, headers->items[i].name, headers->items[i].value);
    if (content_length != 0)
        add_header(call, SLICE("Content-Length"), arena_print(arena, "%zu", content_length));
}

static struct original_call *create_call(const struct original *original, const struct exchange *exchange,
                                         struct slice content)
{
    struct original_call *call = mem_zalloc(sizeof(*call));
    const struct request_head *head = &exchange->request;
    call->original = original;
    original_memory_init(&call->memory);
    struct slice target = arena_print(&call->memory.arena, "%.*s%s%.*s", SLICE_ARG(head->path),
                                      head->has_query ? "?" : "", SLICE_ARG(head->query));
    call->request = (struct flexilib_original_request){
        .target = copy_text(call, target),
        .target_length = target.length,
        .method = copy_text(call, head->method),
        .method_length = head->method.length,
        .content = copy_text(call, content),
        .content_length = content.length,
    };
    copy_headers(call, exchange, content.length);
    return call;
}

static struct slice keep_text(struct original_call *call, const char *data, size_t length)
{
    return arena_copy(&call->memory.arena, slice_of(data, length));
}

/* The library chooses how much it is, so memory may be missing. */
static bool keep_content(struct original_call *call, const struct flexilib_original_response *response)
{
    if (response->content_length == 0)
        return true;
    call->content = mem_try_realloc(NULL, response->content_length);
    if (call->content == NULL)
        return false;
    memcpy(call->content, response->content, response->content_length);
    call->content_length = response->content_length;
    return true;
}

/* Copies the response, which is gone when the library was told that its request is over. */
static const char *take_response(struct original_call *call, const struct flexilib_original_response *response)
{
    if (response == NULL)
        return "handle_request gave no response";
    if (response->status != 0 && (response->status < 200 || response->status > 599))
        return "the response's status is none from 200 to 599: is its struct that of flexilib/original.h?";
    if (response->header_count > MOST_HEADERS)
        return "the response has more than 10000 header fields: is its struct that of flexilib/original.h?";
    if (response->content_length > most_content_bytes)
        return "the response's body has more bytes than there are: is its struct that of flexilib/original.h?";
    if (!keep_content(call, response))
        return "there is no memory for a copy of the response's body";
    call->status = response->status == 0 ? 200 : response->status;
    call->headers = arena_alloc(&call->memory.arena, response->header_count * sizeof(*call->headers));
    for (size_t i = 0; i < response->header_count; ++i) {
        const struct flexilib_original_header *header = &response->headers[i];
        call->headers[call->header_count++] = (struct header){
            .name = keep_text(call, header->name, header->name_length),
            .value = keep_text(call, header->value, header->value_length),
        };
    }
    return NULL;
}

static void run_call(void *data)
{
    struct original_call *call = data;
    const struct original *original = call->original;
    if (original->zig_init != NULL)
        original->zig_init(&call->memory.allocator);
    call->problem = take_response(call, original->handle_request(&call->request));
    if (original->request_deinit != NULL)
        original->request_deinit();
}

/* FlexiLib's own answer in place of the library's. */
static flexilib_answer answer_instead(struct exchange *exchange, int status, unsigned retry_after_s)
{
    exchange->state->retry_after_s = retry_after_s;
    exchange_answer(exchange, status, NULL);
    return FLEXILIB_CONTINUE;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = use_of_core_changing(core);
    return true;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *seen, const char *data, size_t length,
                                       bool last)
{
    struct use *use = filter;
    struct exchange *exchange = exchange_of(seen);
    struct original_call *call = create_call(library_original(use->library), exchange, slice_of(data, length));
    bool is_serial = use->declared != NULL && use->declared->is_serial;
    const struct offload_task task = {
        .work = run_call,
        .drop = drop_call,
        .data = call,
        .line = is_serial ? &runtime_share_of(use->runtime, use)->line : NULL,
        .hook = SLOT_HOOK_HANDLE_REQUEST,
    };
    if (offload_run(use, core_ticket(seen), &task))
        return FLEXILIB_PAUSE;
    drop_call(call);
    runtime_tell_crowd(use->runtime, use, exchange->id);
    return answer_instead(exchange, 503, RETRY_AFTER_S);
}

/* Returns whether the library has said of what type the content is. */
static bool set_headers(const struct original_call *call, struct flexilib_exchange *seen)
{
    bool has_type = false;
    for (size_t i = 0; i < call->header_count; ++i) {
        const struct header *header = &call->headers[i];
        if (header_is_hop_by_hop(header->name))
            continue;
        bool is_set = core_add_header(seen, FLEXILIB_RESPONSE, header->name.data, header->name.length,
                                      header->value.data, header->value.length);
        if (is_set && slice_equals_nocase(header->name, SLICE("content-type")))
            has_type = true;
    }
    return has_type;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *seen, void *result)
{
    struct original_call *call = result;
    if (call->problem != NULL) {
        struct exchange *exchange = exchange_of(seen);
        exchange_blame(exchange, working_half(exchange)->step, "%s", call->problem);
        drop_call(call);
        return answer_instead(exchange, 500, 0);
    }
    struct slice type = set_headers(call, seen) ? SLICE_NONE : SLICE("text/plain");
    /* the loop has no time to copy it once more */
    core_reply_lent(seen, (int32_t)call->status, type.data, type.length, call->content, call->content_length, drop_call,
                    call);
    return FLEXILIB_REPLY;
}

bool original_find(void *handle, struct original *original)
{
    void *symbols[] = {dlsym(handle, "handle_request"), dlsym(handle, "request_deinit"), dlsym(handle, "zigInit")};
    memcpy(&original->handle_request, &symbols[0], sizeof(symbols[0]));
    memcpy(&original->request_deinit, &symbols[1], sizeof(symbols[1]));
    memcpy(&original->zig_init, &symbols[2], sizeof(symbols[2]));
    return original->handle_request != NULL;
}

/* The file's name without its end, in the letters that a filter's name is made of. */
static const char *make_name(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    struct slice name = slice_from_text(slash == NULL ? path : slash + 1);
    name.length = slice_find(name, '.');
    if (name.length == 0)
        name = SLICE("library");
    if (name.length >= SLOT_FILTER_BYTES)
        name.length = SLOT_FILTER_BYTES - 1;
    char *made = (char *)(uintptr_t)arena_copy(arena, name).data;
    for (size_t i = 0; i < name.length; ++i) {
        made[i] = ascii_lower(made[i]);
        if (!(made[i] >= 'a' && made[i] <= 'z') && !ascii_is_digit(made[i]))
            made[i] = '-';
    }
    return made;
}

void original_make_entry(const char *path, struct arena *arena, struct library_entry *entry)
{
    struct flexilib_filter *filter = arena_zalloc(arena, sizeof(*filter));
    *filter = (struct flexilib_filter){
        .name = make_name(path, arena),
        .summary = "answers by the handle_request of the original FlexiLib",
        .version = "",
        .create = create,
        .on_request_body = on_request_body,
        .on_resume = on_resume,
    };
    *entry = (struct library_entry){
        .filters = filter,
        .filter_count = 1,
        .value_size = sizeof(struct flexilib_value),
        .wants_whole_requests = true,
    };
}
