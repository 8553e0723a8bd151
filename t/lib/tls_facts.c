/* Tells what is known of the client's TLS, one fact a line with its number, as the answer; some of it again when the
 * exchange is over, in the log. */

#include <flexilib/filter.h>

#include <stdio.h>
#include <string.h>

enum {
    LAST_FACT = 20, /* some that there are not */
    ROOM_BYTES = 16 * 1024,
};

struct teller {
    const struct flexilib_core *core;
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *options, void **filter)
{
    static struct teller teller;
    teller.core = core;
    *filter = &teller;
    return core->size >= offsetof(struct flexilib_core, tls) + sizeof(core->tls);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct teller *)filter)->core;
    char *room = core->allocate(exchange, ROOM_BYTES);
    size_t length = 0;
    for (int32_t fact = -1; fact <= LAST_FACT; ++fact) {
        struct flexilib_text text;
        if (!core->tls(exchange, fact, &text) || text.length > ROOM_BYTES - length - 16)
            continue;
        length += (size_t)snprintf(room + length, 16, "%d=", (int)fact);
        memcpy(room + length, text.data, text.length);
        length += text.length;
        room[length++] = '\n';
    }
    core->reply(exchange, 200, FLEXILIB_ARG("application/octet-stream"), room, length);
    return FLEXILIB_REPLY;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct teller *)filter)->core;
    char line[256];
    struct flexilib_text subject = {"nobody", 6}, issuer = {"nobody", 6};
    core->tls(exchange, FLEXILIB_TLS_CLIENT_SUBJECT, &subject);
    core->tls(exchange, FLEXILIB_TLS_CLIENT_ISSUER, &issuer);
    int length = snprintf(line, sizeof(line), "it was %.*s by %.*s", (int)subject.length, subject.data,
                          (int)issuer.length, issuer.data);
    core->log(core, exchange, FLEXILIB_INFO, line, (size_t)length);
}

/* Waits for ever, so that clients leave in the meantime. */
static flexilib_answer pause(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct teller *)filter)->core;
    core->log(core, exchange, FLEXILIB_INFO, FLEXILIB_ARG("it waits"));
    core->ticket(exchange);
    return FLEXILIB_PAUSE;
}

static const struct flexilib_filter filters[] = {
    {.name = "tell", .create = create, .on_request_head = on_request_head, .on_end = on_end},
    {.name = "late", .create = create, .on_request_head = pause, .on_end = on_end},
};

FLEXILIB_LIBRARY(filters);
