#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Texts that may be good or bad, as name, as value, or as part of a target. */
static const struct flexilib_text names[] = {
    FLEXILIB_TEXT("x-chaos-a"),
    FLEXILIB_TEXT("X-Chaos-B"),
    FLEXILIB_TEXT("content-type"),
    FLEXILIB_TEXT("cache-control"),
    FLEXILIB_TEXT("ETag"),
    FLEXILIB_TEXT("set-cookie"),
    FLEXILIB_TEXT("accept-encoding"),
    FLEXILIB_TEXT("range"),
    FLEXILIB_TEXT("if-none-match"),
    FLEXILIB_TEXT("date"),
    FLEXILIB_TEXT("via"),
    FLEXILIB_TEXT("trailer"),
    FLEXILIB_TEXT("expect"),
    FLEXILIB_TEXT("content-length"),
    FLEXILIB_TEXT("Transfer-Encoding"),
    FLEXILIB_TEXT("connection"),
    FLEXILIB_TEXT("keep-alive"),
    FLEXILIB_TEXT("upgrade"),
    FLEXILIB_TEXT("host"),
    FLEXILIB_TEXT(""),
    FLEXILIB_TEXT("two words"),
    FLEXILIB_TEXT("x:y"),
    FLEXILIB_TEXT("x\r\nx-injected"),
    FLEXILIB_TEXT("x\0y"),
    FLEXILIB_TEXT(":status"),
    FLEXILIB_TEXT("caf\xc3\xa9"),
};

static const struct flexilib_text values[] = {
    FLEXILIB_TEXT("1"),
    FLEXILIB_TEXT(""),
    FLEXILIB_TEXT("a value"),
    FLEXILIB_TEXT("chunked"),
    FLEXILIB_TEXT("7"),
    FLEXILIB_TEXT("bytes=1-2"),
    FLEXILIB_TEXT("\"tag\""),
    FLEXILIB_TEXT("text/plain"),
    FLEXILIB_TEXT("gzip"),
    FLEXILIB_TEXT("tab\tinside"),
    FLEXILIB_TEXT("caf\xc3\xa9"),
    FLEXILIB_TEXT(" blank"),
    FLEXILIB_TEXT("a\r\nx-injected: 1"),
    FLEXILIB_TEXT("a\r\n\r\nHTTP/1.1 200 OK\r\nx-injected: 1\r\n\r\n"),
    FLEXILIB_TEXT("a\nx-injected: 1"),
    FLEXILIB_TEXT("nul\0inside"),
};

static const struct flexilib_text targets[] = {
    FLEXILIB_TEXT("/changed"),
    FLEXILIB_TEXT("/a%20b"),
    FLEXILIB_TEXT("//twice/../up"),
    FLEXILIB_TEXT("/"),
    FLEXILIB_TEXT(""),
    FLEXILIB_TEXT("relative"),
    FLEXILIB_TEXT("/a b"),
    FLEXILIB_TEXT("/a?b"),
    FLEXILIB_TEXT("/a#b"),
    FLEXILIB_TEXT("/%zz"),
    FLEXILIB_TEXT("/ HTTP/1.1\r\nx-injected: 1"),
};

static const struct flexilib_text words[] = {
    FLEXILIB_TEXT("GET"),       FLEXILIB_TEXT("HEAD"),     FLEXILIB_TEXT("POST"),        FLEXILIB_TEXT("OPTIONS"),
    FLEXILIB_TEXT("PURGE"),     FLEXILIB_TEXT("CONNECT"),  FLEXILIB_TEXT("TRACE"),       FLEXILIB_TEXT("get it"),
    FLEXILIB_TEXT(""),          FLEXILIB_TEXT("http"),     FLEXILIB_TEXT("https"),       FLEXILIB_TEXT("gopher"),
    FLEXILIB_TEXT("localhost"), FLEXILIB_TEXT("a:80\r\n"), FLEXILIB_TEXT("example.com"), FLEXILIB_TEXT("[::1]:80"),
};

static const struct flexilib_text attributes[] = {
    FLEXILIB_TEXT("chaos.a"), FLEXILIB_TEXT("chaos.b"),   FLEXILIB_TEXT("chaos.c.d"),
    FLEXILIB_TEXT("chaos"),   FLEXILIB_TEXT("header.x"),  FLEXILIB_TEXT("request.id"),
    FLEXILIB_TEXT(""),        FLEXILIB_TEXT("Chaos.Bad"), FLEXILIB_TEXT("chaos.\r\n"),
};

static const int32_t statuses[] = {200, 200, 204, 304, 404, 500, 503, 206, 205, 599, 101, 100, 199, 600, 0, -1};

#define ANY(moment, array) ((array)[roll((moment)->dice, sizeof(array) / sizeof((array)[0]))])

/* Mostly the half of the hook. */
static flexilib_half roll_half(struct moment *moment)
{
    bool is_request = moment->hook == HOOK_REQUEST_HEAD || moment->hook == HOOK_REQUEST_BODY;
    switch (roll(moment->dice, 12)) {
    case 0:
        return roll(moment->dice, 8) == 0 ? 7 : FLEXILIB_REQUEST;
    case 1:
        return FLEXILIB_RESPONSE;
    default:
        return is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE;
    }
}

char *letters_for(uint64_t number, size_t length)
{
    char *letters = malloc(length + 1);
    memset(letters, letter_of(number), length + 1);
    return letters;
}

void write_letters(struct moment *moment, size_t length)
{
    char *letters = letters_for(moment->course->number, length);
    moment->core->write(moment->exchange, letters, length);
    free(letters);
}

struct loan {
    struct chaos *chaos;
    char *letters;
};

static void give_back(void *data)
{
    struct loan *loan = data;
    --loan->chaos->lent;
    free(loan->letters);
    free(loan);
}

static bool lend_reply(struct moment *moment, int32_t status, struct flexilib_text type, size_t length)
{
    struct loan *loan = malloc(sizeof(*loan));
    *loan = (struct loan){moment->chaos, letters_for(moment->course->number, length)};
    ++moment->chaos->lent;
    return moment->core->reply_lent(moment->exchange, status, type.data, type.length, loan->letters, length, give_back,
                                    loan);
}

static bool copy_reply(struct moment *moment, int32_t status, struct flexilib_text type, size_t length)
{
    char *letters = letters_for(moment->course->number, length);
    bool is_set = moment->core->reply(moment->exchange, status, type.data, type.length, letters, length);
    free(letters);
    return is_set;
}

static bool set_reply(struct moment *moment, int32_t status, struct flexilib_text type)
{
    switch (roll(moment->dice, 3)) {
    case 0:
        moment->course->pieces_left = 1 + roll(moment->dice, 6);
        return moment->core->reply_stream(moment->exchange, status, type.data, type.length);
    case 1:
        return lend_reply(moment, status, type, roll_length(moment->dice));
    default:
        return copy_reply(moment, status, type, roll_length(moment->dice));
    }
}

bool set_good_reply(struct moment *moment)
{
    static const int32_t good[] = {200, 200, 200, 201, 204, 304, 404, 503};
    char text[24];
    int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)moment->course->number);
    if (!set_reply(moment, ANY(moment, good), (struct flexilib_text)FLEXILIB_TEXT("text/plain")))
        return false;
    return moment->core->set_header(moment->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-reply"), text, (size_t)length);
}

void set_any_reply(struct moment *moment)
{
    set_reply(moment, ANY(moment, statuses), ANY(moment, values));
}

static void change_field(struct moment *moment)
{
    const struct flexilib_core *core = moment->core;
    struct flexilib_exchange *exchange = moment->exchange;
    flexilib_half half = roll_half(moment);
    struct flexilib_text name = ANY(moment, names), value = ANY(moment, values);
    switch (roll(moment->dice, 3)) {
    case 0:
        core->set_header(exchange, half, name.data, name.length, value.data, value.length);
        break;
    case 1:
        core->add_header(exchange, half, name.data, name.length, value.data, value.length);
        break;
    default:
        core->remove_header(exchange, half, name.data, name.length);
        break;
    }
}

static void add_long_field(struct moment *moment)
{
    size_t length = roll(moment->dice, 6000);
    char *letters = letters_for(moment->course->number, length);
    moment->core->set_header(moment->exchange, roll_half(moment), FLEXILIB_ARG("x-long"), letters, length);
    free(letters);
}

static void change_request(struct moment *moment)
{
    const struct flexilib_core *core = moment->core;
    struct flexilib_exchange *exchange = moment->exchange;
    struct flexilib_text word = ANY(moment, words), target = ANY(moment, targets);
    switch (roll(moment->dice, 5)) {
    case 0:
        core->set_method(exchange, word.data, word.length);
        break;
    case 1:
        core->set_scheme(exchange, word.data, word.length);
        break;
    case 2:
        core->set_authority(exchange, word.data, word.length);
        break;
    case 3:
        core->set_path(exchange, target.data, target.length);
        break;
    default:
        core->set_query(exchange, target.data, target.length);
        break;
    }
}

static void change_status(struct moment *moment)
{
    moment->core->set_status(moment->exchange, ANY(moment, statuses));
}

static void choose_upstream(struct moment *moment)
{
    static const struct flexilib_text upstreams[] = {FLEXILIB_TEXT("main"), FLEXILIB_TEXT("other"),
                                                     FLEXILIB_TEXT("dead"), FLEXILIB_TEXT("nobody"), FLEXILIB_TEXT("")};
    struct flexilib_text name = ANY(moment, upstreams);
    moment->core->set_upstream(moment->exchange, name.data, name.length);
}

static void set_attribute(struct moment *moment)
{
    struct flexilib_text name = ANY(moment, attributes), value = ANY(moment, values);
    moment->core->set_attribute(moment->exchange, name.data, name.length, value.data, value.length);
}

static void look_at_text(struct flexilib_text text)
{
    volatile unsigned sum = 0;
    for (size_t i = 0; i < text.length; ++i)
        sum += (unsigned char)text.data[i];
}

static void look_at_fields(struct moment *moment)
{
    const struct flexilib_core *core = moment->core;
    flexilib_half half = roll_half(moment);
    struct flexilib_pair field;
    struct flexilib_text name = ANY(moment, names), value;
    for (size_t i = 0; core->header_at(moment->exchange, half, i, &field); ++i) {
        look_at_text(field.name);
        look_at_text(field.value);
    }
    core->header_at(moment->exchange, half, core->header_count(moment->exchange, half), &field);
    core->header_at(moment->exchange, half, SIZE_MAX, &field);
    if (core->header(moment->exchange, half, name.data, name.length, &value))
        look_at_text(value);
}

static void look_at_everything(struct moment *moment)
{
    const struct flexilib_core *core = moment->core;
    const struct flexilib_exchange *exchange = moment->exchange;
    struct flexilib_text value, attribute = ANY(moment, attributes);
    look_at_text(core->method(exchange));
    look_at_text(core->scheme(exchange));
    look_at_text(core->authority(exchange));
    look_at_text(core->path(exchange));
    look_at_text(core->query(exchange));
    look_at_text(core->peer_address(exchange));
    look_at_text(core->route(exchange));
    look_at_text(core->request_id(exchange));
    look_at_text(core->trace_id(exchange));
    core->peer_port(exchange);
    core->status(exchange);
    if (core->tls(exchange, (flexilib_tls_fact)roll(moment->dice, 20), &value))
        look_at_text(value);
    if (core->attribute(exchange, attribute.data, attribute.length, &value))
        look_at_text(value);
}

static void compute(struct moment *moment)
{
    const struct flexilib_core *core = moment->core;
    struct chaos *chaos = moment->chaos;
    struct flexilib_text path = core->path(moment->exchange), address = core->peer_address(moment->exchange);
    struct flexilib_text groups[3], text = core->expand(moment->exchange, chaos->expansion);
    look_at_text(text);
    if (core->match(chaos->regex, path.data, path.length, roll(moment->dice, 8), groups, roll(moment->dice, 4)) != 0)
        core->match(chaos->regex, text.data, text.length, 0, groups, 3);
    core->in_ranges(chaos->ranges, address.data, address.length);
    core->in_ranges(chaos->ranges, text.data, text.length);
}

static void remember(struct moment *moment)
{
    struct chaos *chaos = moment->chaos;
    int64_t sum;
    char key = letter_of(moment->course->number);
    if (chaos->names != NULL) {
        chaos->dictionary->increment(chaos->names, &key, 1, 1, roll(moment->dice, 2), &sum);
        chaos->dictionary->set(chaos->names, &key, roll(moment->dice, 2), "value", 5, roll(moment->dice, 20));
    }
    if (chaos->series != NULL)
        chaos->metrics->add(chaos->series, (double)roll(moment->dice, 3) - 1);
}

static void allocate(struct moment *moment)
{
    size_t size = roll_length(moment->dice);
    memset(moment->core->allocate(moment->exchange, size), 'c', size);
}

static void take_idle_ticket(struct moment *moment)
{
    take_ticket(moment);
}

static void log_something(struct moment *moment)
{
    struct flexilib_text text = ANY(moment, values);
    bool is_known = roll(moment->dice, 2);
    moment->core->log(moment->core, is_known ? moment->exchange : NULL, (flexilib_level)roll(moment->dice, 6) - 1,
                      text.data, text.length);
}

static void pass(struct moment *moment)
{
    if (!moment->is_careful)
        moment->core->pass(moment->exchange);
}

static void write_some(struct moment *moment)
{
    if (!moment->is_careful || moment->hook == HOOK_REPLY_BODY)
        write_letters(moment, roll_length(moment->dice));
}

static void end_reply(struct moment *moment)
{
    moment->core->end_reply(moment->exchange);
}

static void collect(struct moment *moment)
{
    bool is_small = roll(moment->dice, 3) == 0;
    moment->core->collect(moment->exchange, roll_half(moment), is_small ? roll_length(moment->dice) : UINT64_MAX);
}

static void hold_head(struct moment *moment)
{
    moment->core->hold_head(moment->exchange, roll_half(moment));
}

static void skip_body(struct moment *moment)
{
    moment->core->skip_body(moment->exchange, roll_half(moment));
}

static void decode(struct moment *moment)
{
    moment->core->decode(moment->exchange, (flexilib_half)roll(moment->dice, 2));
}

/* Filters that block may; now and then for longer than they are given. */
static void dawdle(struct moment *moment)
{
    if (moment->chaos->timer == NULL)
        usleep(roll(moment->dice, 20) == 0 ? 150000 : roll(moment->dice, 3000));
}

static void ask_in_passing(struct moment *moment)
{
    ask(moment, 0);
}

/* Hooks as bits, to say where an act may come to something. */
enum {
    REQUEST_HEAD = 1 << HOOK_REQUEST_HEAD,
    RESPONSE_HEAD = 1 << HOOK_RESPONSE_HEAD,
    HEADS = REQUEST_HEAD | RESPONSE_HEAD,
    BODIES = 1 << HOOK_REQUEST_BODY | 1 << HOOK_RESPONSE_BODY,
    REPLY_BODY = 1 << HOOK_REPLY_BODY,
    RESUME = 1 << HOOK_RESUME,
    ANYWHERE = ~0,
};

#define ACT(name, hooks)                                                                                               \
    {                                                                                                                  \
#name, name, hooks                                                                                             \
    }

static const struct {
    const char *name;
    void (*act)(struct moment *moment);
    int hooks;
} acts[] = {
    ACT(change_field, HEADS | BODIES | RESUME),
    ACT(change_field, HEADS),
    ACT(add_long_field, HEADS),
    ACT(change_request, REQUEST_HEAD | RESUME),
    ACT(change_status, RESPONSE_HEAD | RESUME),
    ACT(set_any_reply, HEADS | BODIES | RESUME),
    ACT(choose_upstream, REQUEST_HEAD | RESUME),
    ACT(set_attribute, ANYWHERE),
    ACT(look_at_fields, ANYWHERE),
    ACT(look_at_everything, ANYWHERE),
    ACT(compute, ANYWHERE),
    ACT(remember, ANYWHERE),
    ACT(allocate, ANYWHERE),
    ACT(take_idle_ticket, ANYWHERE),
    ACT(log_something, RESUME),
    ACT(pass, BODIES | RESUME),
    ACT(write_some, BODIES | REPLY_BODY | RESUME),
    ACT(write_some, BODIES | REPLY_BODY | RESUME),
    ACT(end_reply, REPLY_BODY | RESUME),
    ACT(collect, HEADS | RESUME),
    ACT(collect, HEADS),
    ACT(hold_head, HEADS | RESUME),
    ACT(hold_head, HEADS),
    ACT(skip_body, HEADS),
    ACT(decode, HEADS),
    ACT(decode, HEADS),
    ACT(resume_old, ANYWHERE),
    ACT(ask_in_passing, ANYWHERE),
    ACT(touch_fetch, ANYWHERE),
    ACT(start_clock, ANYWHERE),
    ACT(run_job, ANYWHERE),
    ACT(dawdle, ANYWHERE),
    ACT(dawdle, HEADS | BODIES),
};

/* Mostly one that may come to something. */
void act(struct moment *moment)
{
    bool is_blind = roll(moment->dice, 6) == 0;
    size_t number;
    do
        number = roll(moment->dice, sizeof(acts) / sizeof(acts[0]));
    while (!is_blind && (acts[number].hooks & 1 << moment->hook) == 0);
    watch(moment, acts[number].name);
    acts[number].act(moment);
}
