/* mirror: sends a copy of requests to another upstream, whose responses nobody waits for.
 *
 *     filters:
 *       - mirror: { upstream: next, fraction: 0.1 }
 *
 * The copy is what goes to the real upstream: as later filters have left it. It never slows the request down: where the
 * other upstream does not take a body fast enough, or too many copies are under way, the copy is given up. */

#include "shared/field_name.h"

#include <flexilib/ext/fetch.h>
#include <flexilib/ext/metrics.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    OPTION_UPSTREAM,
    OPTION_FRACTION,
    OPTION_METHODS,
    OPTION_REMOVE,
    OPTION_SET,
    OPTION_MOST,
    OPTION_BUFFER,
    OPTION_TIMEOUT,
    OPTION_COUNT,
};

enum {
    FIRST_BYTES = 4096,
    PIECE_BYTES = 65536,
};

static const struct flexilib_option set_item[] = {
    {.type = FLEXILIB_OPTION_TEMPLATE},
};

static const struct flexilib_option options[] = {
    [OPTION_UPSTREAM] = {"upstream", FLEXILIB_OPTION_UPSTREAM, .required = true, .summary = "who gets the copies"},
    [OPTION_FRACTION] = {"fraction", FLEXILIB_OPTION_NUMBER, .fallback = "1", .minimum = 0, .maximum = 1,
                         .summary = "of how many requests copies are made, by chance: 0.1 is one in ten"},
    [OPTION_METHODS] = {"methods", FLEXILIB_OPTION_LIST, .summary = "of which only; else of all"},
    [OPTION_REMOVE] = {"remove", FLEXILIB_OPTION_LIST, .summary = "fields that copies do without, as authorization"},
    [OPTION_SET] = {"set", FLEXILIB_OPTION_MAP_OF, .fields = set_item, .field_count = 1,
                    .summary = "fields that copies have besides, or instead; one that comes out empty is left out"},
    [OPTION_MOST] = {"most", FLEXILIB_OPTION_INTEGER, .fallback = "100", .minimum = 1, .maximum = 1000,
                     .summary = "how many copies are under way at once, in each worker"},
    [OPTION_BUFFER] = {"buffer", FLEXILIB_OPTION_SIZE, .fallback = "1MB", .minimum = 0, .maximum = 1 << 30,
                       .summary = "how much of a body is kept in memory for an upstream that takes it slowly"},
    [OPTION_TIMEOUT] = {"timeout", FLEXILIB_OPTION_DURATION, .fallback = "10s", .minimum = 1, .maximum = 3600000,
                        .summary = "how long each may take"},
};

struct mirror {
    const struct flexilib_core *core;
    const struct flexilib_fetch *fetch;
    const struct flexilib_metrics *metrics; /* NULL: nothing is counted */
    const struct flexilib_series *sent, *failed, *given_up;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
    uint64_t random;
    size_t under_way;
};

/* A copy lives until its request is over and the exchange is too, in either order. */
struct copy {
    struct mirror *mirror;
    uint64_t fetch; /* 0: over */
    bool is_begun;  /* it was asked for */
    bool is_whole;  /* all of the request has been copied, or nothing yet */
    bool is_ended;  /* the exchange has */
    char *held;     /* of the body, what the upstream has not taken yet, from held_at on */
    size_t held_at, held_length, held_capacity;
};

static void declare_metrics(struct mirror *mirror)
{
    static const struct flexilib_text labels[] = {{FLEXILIB_ARG("upstream")}, {FLEXILIB_ARG("outcome")}};
    const struct flexilib_metric_declaration declaration = {
        .kind = FLEXILIB_METRICS_COUNTER,
        .name = FLEXILIB_TEXT("mirror_copies_total"),
        .help = FLEXILIB_TEXT("Copies of requests, by what became of them."),
        .labels = labels,
        .label_count = 2,
    };
    mirror->metrics = mirror->core->extension(mirror->core, FLEXILIB_METRICS);
    const struct flexilib_metric *metric =
        mirror->metrics == NULL ? NULL : mirror->metrics->declare(mirror->core, &declaration);
    if (metric == NULL) {
        mirror->metrics = NULL;
        return;
    }
    const struct flexilib_text upstream = mirror->values[OPTION_UPSTREAM].text;
    mirror->sent = mirror->metrics->series(metric, (struct flexilib_text[]){upstream, FLEXILIB_TEXT("sent")});
    mirror->failed = mirror->metrics->series(metric, (struct flexilib_text[]){upstream, FLEXILIB_TEXT("failed")});
    mirror->given_up = mirror->metrics->series(metric, (struct flexilib_text[]){upstream, FLEXILIB_TEXT("given up")});
}

static void count(const struct mirror *mirror, const struct flexilib_series *series)
{
    if (mirror->metrics != NULL)
        mirror->metrics->add(series, 1);
}

static bool check_names(const struct flexilib_core *core, const struct flexilib_value *values)
{
    const struct flexilib_value *set = &values[OPTION_SET];
    for (size_t i = 0; i < set->count; ++i) {
        if (!field_name_is_token(set->list[i]))
            core->refuse_value(core, &set->values[i],
                               FLEXILIB_ARG("a field's name is made of letters, digits and '-'"));
        else if (field_name_is_reserved(set->list[i]))
            core->refuse_value(core, &set->values[i],
                               FLEXILIB_ARG("fields that frame a message, and the host, are not for filters"));
        else
            continue;
        return false;
    }
    return true;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_fetch *fetch = core->extension(core, FLEXILIB_FETCH);
    if (fetch == NULL) {
        core->refuse(core, -1,
                     FLEXILIB_ARG("requests of a filter's own are not there for one that is isolated or blocking"));
        return false;
    }
    struct mirror *mirror = check_names(core, values) ? calloc(1, sizeof(*mirror)) : NULL;
    if (mirror == NULL)
        return false;
    mirror->core = core;
    mirror->fetch = fetch;
    memcpy(mirror->values, values, sizeof(mirror->values));
    if (getrandom(&mirror->random, sizeof(mirror->random), 0) != sizeof(mirror->random))
        mirror->random = (uint64_t)time(NULL);
    declare_metrics(mirror);
    *filter = mirror;
    return true;
}

/* From 0 to 1, 1 excluded. */
static double draw(struct mirror *mirror)
{
    mirror->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t number = mirror->random;
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((number ^ (number >> 31)) >> 11) * 0x1p-53;
}

static bool is_listed(const struct flexilib_value *list, struct flexilib_text name)
{
    for (size_t i = 0; i < list->count; ++i) {
        if (field_name_is_same(list->list[i], name))
            return true;
    }
    return false;
}

static bool is_meant(const struct flexilib_value *list, struct flexilib_text field)
{
    for (size_t i = 0; i < list->count; ++i) {
        if (field_name_is_alike(list->list[i], field))
            return true;
    }
    return false;
}

static bool is_wanted(struct mirror *mirror, const struct flexilib_exchange *exchange)
{
    const struct flexilib_value *methods = &mirror->values[OPTION_METHODS];
    if (methods->present && !is_listed(methods, mirror->core->method(exchange)))
        return false;
    return draw(mirror) < mirror->values[OPTION_FRACTION].number;
}

static void free_if_over(struct copy *copy)
{
    if (!copy->is_ended || copy->fetch != 0)
        return;
    free(copy->held);
    free(copy);
}

static void on_over(void *data, int32_t failure)
{
    struct copy *copy = data;
    struct mirror *mirror = copy->mirror;
    --mirror->under_way;
    count(mirror, failure == 0                          ? mirror->sent
                  : failure == FLEXILIB_FETCH_CANCELLED ? mirror->given_up
                                                        : mirror->failed);
    copy->fetch = 0;
    free_if_over(copy);
}

struct field_list {
    struct flexilib_pair *items;
    size_t count;
};

static void add_field(struct field_list *list, struct flexilib_text name, struct flexilib_text value)
{
    list->items[list->count++] = (struct flexilib_pair){name, value};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Templates hold no other control characters. What a client says in one must not keep its request from being copied. */
static bool can_be_value(struct flexilib_text text)
{
    return text.length != 0 && !is_blank(text.data[0]) && !is_blank(text.data[text.length - 1]);
}

static void collect_fields(const struct mirror *mirror, struct flexilib_exchange *exchange, struct field_list *list)
{
    const struct flexilib_value *set = &mirror->values[OPTION_SET];
    struct flexilib_pair field;
    size_t most = set->count + mirror->core->header_count(exchange, FLEXILIB_REQUEST);
    list->items = mirror->core->allocate(exchange, most * sizeof(list->items[0]));
    for (size_t i = 0; i < set->count; ++i) {
        struct flexilib_text value = mirror->core->expand(exchange, set->values[i].expansion);
        if (can_be_value(value))
            add_field(list, set->list[i], value);
    }
    for (size_t i = 0; mirror->core->header_at(exchange, FLEXILIB_REQUEST, i, &field); ++i) {
        if (!is_meant(&mirror->values[OPTION_REMOVE], field.name) && !is_meant(set, field.name))
            add_field(list, field.name, field.value);
    }
}

static struct flexilib_text write_target(const struct flexilib_core *core, struct flexilib_exchange *exchange)
{
    struct flexilib_text path = core->path(exchange), query = core->query(exchange);
    char *target = core->allocate(exchange, path.length + 1 + query.length);
    memcpy(target, path.data, path.length);
    if (query.length == 0)
        return path;
    target[path.length] = '?';
    memcpy(target + path.length + 1, query.data, query.length);
    return (struct flexilib_text){target, path.length + 1 + query.length};
}

/* Twice as much each time, since pieces may be small. */
static bool make_room(struct copy *copy, size_t length)
{
    size_t capacity = copy->held_capacity == 0 ? FIRST_BYTES : copy->held_capacity;
    while (capacity < copy->held_length + length)
        capacity *= 2;
    char *grown = capacity == copy->held_capacity ? copy->held : realloc(copy->held, capacity);
    if (grown == NULL)
        return false;
    copy->held = grown;
    copy->held_capacity = capacity;
    return true;
}

/* Keeps it for later; false where it is more than may be. */
static bool hold(struct mirror *mirror, struct copy *copy, const char *data, size_t length)
{
    size_t waiting = copy->held_length - copy->held_at;
    if (waiting + length > (size_t)mirror->values[OPTION_BUFFER].integer)
        return false;
    if (length == 0)
        return true;
    if (copy->held_at != 0)
        memmove(copy->held, copy->held + copy->held_at, waiting);
    copy->held_at = 0;
    copy->held_length = waiting;
    if (!make_room(copy, length))
        return false;
    memcpy(copy->held + waiting, data, length);
    copy->held_length += length;
    return true;
}

static void finish_if_whole(struct mirror *mirror, struct copy *copy)
{
    if (copy->is_whole && copy->held_at == copy->held_length)
        mirror->fetch->finish(mirror->core, copy->fetch);
}

static void add_piece(struct mirror *mirror, struct copy *copy, const char *data, size_t length, bool last)
{
    if (copy->fetch == 0)
        return;
    copy->is_whole = last;
    bool must_wait =
        copy->held_at != copy->held_length || !mirror->fetch->write(mirror->core, copy->fetch, data, length);
    if (must_wait && !hold(mirror, copy, data, length))
        mirror->fetch->cancel(mirror->core, copy->fetch);
    else
        finish_if_whole(mirror, copy);
}

static void on_room(void *data)
{
    struct copy *copy = data;
    struct mirror *mirror = copy->mirror;
    while (copy->held_at != copy->held_length) {
        size_t left = copy->held_length - copy->held_at, length = left < PIECE_BYTES ? left : PIECE_BYTES;
        if (!mirror->fetch->write(mirror->core, copy->fetch, copy->held + copy->held_at, length))
            return;
        copy->held_at += length;
    }
    finish_if_whole(mirror, copy);
}

static bool has_room(const struct mirror *mirror)
{
    return mirror->under_way < (size_t)mirror->values[OPTION_MOST].integer;
}

/* With the first piece of the body it is known whether there is one, and whether it is whole. Others may have begun
 * since the head. */
static void start(struct mirror *mirror, struct copy *copy, struct flexilib_exchange *exchange,
                  struct flexilib_text piece, bool last)
{
    static const struct flexilib_fetch_events events = {.size = sizeof(events), .on_over = on_over, .on_room = on_room};
    struct field_list fields = {.count = 0};
    if (!has_room(mirror)) {
        count(mirror, mirror->given_up);
        return;
    }
    collect_fields(mirror, exchange, &fields);
    const struct flexilib_fetch_request request = {
        .size = sizeof(request),
        .upstream = mirror->values[OPTION_UPSTREAM].text,
        .method = mirror->core->method(exchange),
        .authority = mirror->core->authority(exchange),
        .path = write_target(mirror->core, exchange),
        .fields = fields.items,
        .field_count = fields.count,
        .body = piece,
        .streams_body = !last,
        .timeout_ms = (uint64_t)mirror->values[OPTION_TIMEOUT].integer,
    };
    copy->is_whole = last;
    copy->fetch = mirror->fetch->start(mirror->core, NULL, &request, &events, copy);
    if (copy->fetch != 0)
        ++mirror->under_way;
    else
        count(mirror, mirror->failed);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct mirror *mirror = filter;
    struct copy *copy = NULL;
    if (!is_wanted(mirror, exchange)) {
        mirror->core->skip_body(exchange, FLEXILIB_REQUEST);
        return FLEXILIB_CONTINUE;
    }
    if (has_room(mirror))
        copy = calloc(1, sizeof(*copy));
    if (copy == NULL) {
        count(mirror, mirror->given_up);
        mirror->core->skip_body(exchange, FLEXILIB_REQUEST);
        return FLEXILIB_CONTINUE;
    }
    copy->mirror = mirror;
    copy->is_whole = true;
    mirror->core->set_state(exchange, copy);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    struct mirror *mirror = filter;
    struct copy *copy = mirror->core->state(exchange);
    if (copy == NULL)
        return FLEXILIB_CONTINUE;
    if (copy->is_begun)
        add_piece(mirror, copy, data, length, last);
    else
        start(mirror, copy, exchange, (struct flexilib_text){data, length}, last);
    copy->is_begun = true;
    return FLEXILIB_CONTINUE;
}

/* A request that breaks off must not be taken for a whole one over there either. */
static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    struct mirror *mirror = filter;
    struct copy *copy = mirror->core->state(exchange);
    if (copy == NULL)
        return;
    if (copy->fetch != 0 && !copy->is_whole)
        mirror->fetch->cancel(mirror->core, copy->fetch);
    copy->is_ended = true;
    free_if_over(copy);
}

static const struct flexilib_filter filters[] = {
    {
        .name = "mirror",
        .summary = "sends a copy of requests to another upstream",
        .version = "1.0",
        .options = options,
        .option_count = OPTION_COUNT,
        .create = create,
        .destroy = free,
        .on_request_head = on_request_head,
        .on_request_body = on_request_body,
        .on_end = on_end,
        .flags = FLEXILIB_OBSERVES,
    },
};

FLEXILIB_LIBRARY(filters);
