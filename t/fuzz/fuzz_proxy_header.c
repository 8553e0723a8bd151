#include "filter/exchange.h"
#include "fuzz.h"
#include "net/proxy_header.h"
#include "net/proxy_header_in.h"

#include <string.h>

/* The same bytes, in memory that ends with them, so that nothing beyond is read. */
static enum proxy_header_result read_part(struct slice data, struct proxy_header_in *header)
{
    const char *reason = NULL;
    char *copy = malloc(data.length);
    if (data.length != 0)
        memcpy(copy, data.data, data.length);
    enum proxy_header_result result = proxy_header_read(slice_of(copy, data.length), header, &reason);
    CLAIM((result == PROXY_HEADER_BAD) == (reason != NULL));
    CLAIM(result != PROXY_HEADER_WHOLE || (header->length != 0 && header->length <= data.length));
    free(copy);
    return result;
}

static bool is_same_end(const struct socket_end *a, const struct socket_end *b)
{
    return a->port == b->port && strcmp(a->address, b->address) == 0;
}

/* What was understood, said again by ourselves, means the same. */
static void say_again(const struct proxy_header_in *first)
{
    struct exchange exchange = {
        .peer_address = slice_from_text(first->source.address),
        .peer_port = first->source.port,
        .local_address = slice_from_text(first->target.address),
        .local_port = first->target.port,
    };
    bool is_unix = strcmp(first->source.address, "unix:") == 0;
    for (int protocol = PROXY_PROTOCOL_V1; protocol <= PROXY_PROTOCOL_V2; ++protocol) {
        struct proxy_header said;
        struct proxy_header_in again;
        proxy_header_build((enum proxy_protocol)protocol, &exchange, &said);
        CLAIM(read_part(slice_of(said.bytes, said.length), &again) == PROXY_HEADER_WHOLE);
        CLAIM(again.length == said.length && again.has_ends == !is_unix);
        CLAIM(is_unix || (is_same_end(&again.source, &first->source) && is_same_end(&again.target, &first->target)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = slice_of((const char *)bytes, size);
    struct proxy_header_in whole, part;
    enum proxy_header_result result = read_part(data, &whole), earlier = PROXY_HEADER_MORE;
    size_t length = 0;
    while (earlier == PROXY_HEADER_MORE && length <= size)
        earlier = read_part(slice_of(data.data, length++), &part);
    CLAIM(earlier == result);
    if (result != PROXY_HEADER_WHOLE)
        return 0;
    CLAIM(part.length == whole.length && part.length == length - 1 && part.has_ends == whole.has_ends);
    if (whole.has_ends)
        say_again(&whole);
    return 0;
}
