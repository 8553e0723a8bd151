#include "filter/byte_claims.h"
#include "filter/core_calls.h"
#include "filter/decoding_services.h"
#include "filter/isolated_own.h"

enum {
    /* of a list of codings: longer ones say something twice, and what they say then is left out */
    NARROWED_BYTES = 256,
};

static bool is_known(const struct exchange *exchange, struct slice coding)
{
    const struct decoding_services *services = exchange->runtime->decoding_services;
    return services != NULL && services->knows(coding);
}

/* The one coding that the body is in; empty where it is in none. Returns false where there are several: whoever nests
 * them can do without us. */
static bool find_coding(const struct headers *headers, struct slice *coding)
{
    *coding = SLICE_NONE;
    for (size_t i = 0; i < headers->count; ++i) {
        struct slice list = headers->items[i].value;
        if (!slice_equals_nocase(headers->items[i].name, SLICE("content-encoding")))
            continue;
        while (list.length != 0) {
            struct slice item = slice_next_item(&list, ',');
            if (item.length == 0 || slice_equals_nocase(item, SLICE("identity")))
                continue;
            if (coding->length != 0)
                return false;
            *coding = item;
        }
    }
    return true;
}

/* Of other responses Content-Range tells nothing about the body (RFC 9110 section 14.4). */
static bool is_part(const struct exchange *exchange)
{
    return exchange->response.status == 206;
}

/* The head is now that of the plain body. */
static void change_head(struct exchange *exchange, flexilib_half which)
{
    struct headers *headers = which == FLEXILIB_REQUEST ? &exchange->request.headers : &exchange->response.headers;
    headers_remove(headers, SLICE("content-encoding"));
    byte_claims_drop_digests(headers);
    if (which == FLEXILIB_REQUEST) {
        exchange->request_length = -1;
        return;
    }
    headers_remove(headers, SLICE("accept-ranges"));
    byte_claims_weaken_tag(headers, exchange_memory(exchange));
    exchange->response.body_length = -1;
}

/* Decoders are the loop's, as is the room for them: on another thread, and in a runner, it is only noted that one is
 * wanted. */
static bool begin(struct exchange *exchange, struct half *half, struct slice coding)
{
    if (!exchange_is_leased(exchange) && !exchange_is_guest(exchange))
        return exchange_begin_decoding(exchange, half, coding);
    half->asked_coding = coding;
    return true;
}

static bool decode_half(struct exchange *exchange, struct half *half)
{
    struct slice coding;
    bool is_request = half->which == FLEXILIB_REQUEST;
    const struct headers *headers = is_request ? &exchange->request.headers : &exchange->response.headers;
    if (!find_coding(headers, &coding) || (!is_request && is_part(exchange)))
        return false;
    if (coding.length == 0)
        return true;
    if (!is_known(exchange, coding) || half->decoding != NULL)
        return false;
    /* by the status there may be no body now, and one again before the head goes on */
    bool may_have_body = is_request || !exchange->state->is_client_head;
    if (may_have_body && !begin(exchange, half, coding))
        return refuse_call(exchange, "decode", "no room is left to decode another body");
    change_head(exchange, half->which);
    return true;
}

/* Leaves in Accept-Encoding what can be decoded. */
static void narrow(struct exchange *exchange, struct header *field)
{
    struct slice list = field->value;
    char *kept = arena_alloc(exchange_memory(exchange), NARROWED_BYTES);
    size_t length = 0;
    while (list.length != 0) {
        struct slice item = slice_next_item(&list, ','), rest = item;
        struct slice coding = slice_next_item(&rest, ';');
        size_t comma_length = length == 0 ? 0 : 2;
        bool is_wanted = is_known(exchange, coding) || slice_equals_nocase(coding, SLICE("identity"));
        if (!is_wanted || comma_length + item.length > NARROWED_BYTES - length)
            continue;
        memcpy(kept + length, ", ", comma_length);
        memcpy(kept + length + comma_length, item.data, item.length);
        length += comma_length + item.length;
    }
    field->value = length == 0 ? SLICE("identity") : slice_of(kept, length);
}

static bool prepare_response(struct exchange *exchange)
{
    struct headers *headers = &exchange->request.headers;
    headers_remove(headers, SLICE("range"));
    headers_remove(headers, SLICE("if-range"));
    for (size_t i = 0; i < headers->count; ++i) {
        if (slice_equals_nocase(headers->items[i].name, SLICE("accept-encoding")))
            narrow(exchange, &headers->items[i]);
    }
    return true;
}

bool core_decode(struct flexilib_exchange *seen, flexilib_half which)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = working_half(exchange);
    if (half != NULL && half->hook == SLOT_HOOK_REQUEST_HEAD && which == FLEXILIB_RESPONSE)
        return prepare_response(exchange);
    if (half == NULL || !is_head_hook(half) || half->which != which)
        return refuse_call(exchange, "decode", "it belongs into the head hook of that half");
    return decode_half(exchange, half);
}
