/* A handler that asks an upstream, as the request's fields tell: x-upstream, x-method, x-path, x-host, x-timeout (in
 * milliseconds), x-field (a name and a value), x-do (words that are told below). It answers with what came of it: the
 * status, the fields, a blank line, the body; or "failure" and a number. With `path`, create fetches that from the
 * upstream of that name and is ready when it is there: its body is what /ready answers. */

#include <flexilib/ext/fetch.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_UPSTREAM,
    OPTION_PATH,
    OPTION_COUNT,
};

enum {
    MOST_FIELDS = 8,
};

static const struct flexilib_option options[] = {
    [OPTION_UPSTREAM] = {"upstream", FLEXILIB_OPTION_TEXT, .fallback = "", .summary = "asked by create"},
    [OPTION_PATH] = {"path", FLEXILIB_OPTION_TEXT, .fallback = "", .summary = "asked for by create"},
};

struct text {
    char *data; /* on the heap */
    size_t length, capacity;
};

struct asker;

struct question {
    struct asker *asker;
    struct question *next_held;
    uint64_t fetch, ticket;
    size_t sent; /* of body, by write */
    size_t body_bytes;
    struct text body, answer;
    /* stream: the body is streamed; once: in one piece; own: belongs to the filter, which answers at once; hold: takes
     * a piece, and the rest after a request for /release; more: says in on_body that it wants more, and then that it
     * does not; head, piece: cancels there; count: counts the bytes of the answer; copy: sends the fields that told it
     * what to do */
    bool is_streamed, is_at_once, is_own, is_held, is_greedy, cancels_head, cancels_piece, is_counted, is_copied;
};

struct asker {
    const struct flexilib_core *core;
    const struct flexilib_fetch *fetches;
    struct question *held;
    struct question *first; /* of create */
    struct text found;
};

static void add(struct text *text, const char *data, size_t length)
{
    if (text->length + length > text->capacity) {
        text->capacity = 2 * (text->length + length);
        text->data = realloc(text->data, text->capacity);
    }
    if (length != 0)
        memcpy(text->data + text->length, data, length);
    text->length += length;
}

static void print(struct text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    add(text, line, (size_t)length);
}

static void say(const struct asker *asker, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    asker->core->log(asker->core, NULL, FLEXILIB_INFO, line, (size_t)length);
}

static void free_question(struct question *question)
{
    free(question->body.data);
    free(question->answer.data);
    free(question);
}

static void write_body(struct question *question)
{
    const struct asker *asker = question->asker;
    while (question->sent < question->body.length) {
        size_t left = question->body.length - question->sent,
               piece = left < 50000 || question->is_at_once ? left : 50000;
        if (!asker->fetches->write(asker->core, question->fetch, question->body.data + question->sent, piece))
            return;
        question->sent += piece;
    }
    asker->fetches->finish(asker->core, question->fetch);
}

static void on_room(void *data)
{
    say(((struct question *)data)->asker, "there is room");
    write_body(data);
}

static void on_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t count)
{
    struct question *question = data;
    print(&question->answer, "%d\n", (int)status);
    for (size_t i = 0; i < count; ++i)
        print(&question->answer, "%.*s: %.*s\n", (int)fields[i].name.length, fields[i].name.data,
              (int)fields[i].value.length, fields[i].value.data);
    print(&question->answer, "\n");
    if (question->cancels_head && !question->asker->fetches->cancel(question->asker->core, question->fetch))
        abort();
}

static bool on_body(void *data, const char *piece, size_t length)
{
    struct question *question = data;
    struct asker *asker = question->asker;
    question->body_bytes += length;
    if (!question->is_counted)
        add(&question->answer, piece, length);
    if (question->cancels_piece && !asker->fetches->cancel(asker->core, question->fetch))
        abort();
    if (question->is_greedy) {
        asker->fetches->more(asker->core, question->fetch);
        return false;
    }
    if (!question->is_held)
        return true;
    say(asker, "holding");
    question->is_held = false;
    question->next_held = asker->held;
    asker->held = question;
    return false;
}

static void leave_held(struct question *question)
{
    struct question **link = &question->asker->held;
    while (*link != NULL && *link != question)
        link = &(*link)->next_held;
    if (*link != NULL)
        *link = question->next_held;
}

static void on_over(void *data, int32_t failure);

static const struct flexilib_fetch_events events = {sizeof(events), on_head, on_body, on_over, on_room};

static void on_over(void *data, int32_t failure)
{
    struct question *question = data;
    const struct asker *asker = question->asker;
    leave_held(question);
    if (asker->fetches->cancel(asker->core, question->fetch) ||
        asker->fetches->write(asker->core, question->fetch, "x", 1))
        abort();
    if (failure != 0) {
        question->answer.length = 0;
        print(&question->answer, "failure %d\n", (int)failure);
    } else if (question->is_counted) {
        print(&question->answer, "%zu bytes\n", question->body_bytes);
    }
    say(asker, "over: %d, %zu bytes", (int)failure, question->body_bytes);
    if (question->is_own)
        free_question(question);
    else
        asker->core->resume(asker->core, question->ticket, NULL, NULL);
}

/* Of what create asks for. */
static void on_found(void *data, int32_t failure)
{
    struct question *question = data;
    struct asker *asker = question->asker;
    char sentence[64];
    int length = snprintf(sentence, sizeof(sentence), "the first fetch failed: %d", (int)failure);
    say(asker, "first over: %d", (int)failure);
    asker->first = NULL;
    asker->found = question->answer;
    question->answer = (struct text){0};
    asker->core->set_ready(asker->core, sentence, failure == 0 ? 0 : (size_t)length);
    free_question(question);
}

static bool ask_first(struct asker *asker, struct flexilib_text upstream, struct flexilib_text path)
{
    static const struct flexilib_fetch_events found_events = {sizeof(found_events), on_head, on_body, on_found, NULL};
    struct flexilib_fetch_request request = {sizeof(request), .upstream = upstream, .path = path};
    asker->first = calloc(1, sizeof(*asker->first));
    asker->first->asker = asker;
    asker->core->defer_ready(asker->core);
    asker->first->fetch = asker->fetches->start(asker->core, NULL, &request, &found_events, asker->first);
    return asker->first->fetch != 0;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct asker *asker = calloc(1, sizeof(*asker));
    asker->core = core;
    asker->fetches = core->extension(core, FLEXILIB_FETCH);
    *filter = asker;
    if (values[OPTION_PATH].text.length == 0 ||
        ask_first(asker, values[OPTION_UPSTREAM].text, values[OPTION_PATH].text))
        return true;
    core->refuse(core, OPTION_UPSTREAM, FLEXILIB_ARG("it cannot be asked"));
    free_question(asker->first);
    free(asker);
    return false;
}

static void destroy(void *filter)
{
    struct asker *asker = filter;
    say(asker, "destroyed");
    free(asker->found.data);
    free(asker);
}

static struct flexilib_text field(const struct asker *asker, const struct flexilib_exchange *exchange, const char *name)
{
    struct flexilib_text value = {"", 0};
    asker->core->header(exchange, FLEXILIB_REQUEST, name, strlen(name), &value);
    return value;
}

static bool has_word(struct flexilib_text text, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= text.length; ++i) {
        if (memcmp(text.data + i, word, length) == 0)
            return true;
    }
    return false;
}

static struct question *make_question(struct asker *asker, const struct flexilib_exchange *exchange)
{
    struct flexilib_text words = field(asker, exchange, "x-do");
    struct question *question = calloc(1, sizeof(*question));
    question->asker = asker;
    question->is_streamed = has_word(words, "stream");
    question->is_at_once = has_word(words, "once");
    question->is_own = has_word(words, "own");
    question->is_held = has_word(words, "hold");
    question->is_greedy = has_word(words, "more");
    question->cancels_head = has_word(words, "head");
    question->cancels_piece = has_word(words, "piece");
    question->is_counted = has_word(words, "count");
    question->is_copied = has_word(words, "copy");
    return question;
}

/* Its own field, or with `copy` those that tell what to do, so that whoever is asked asks in turn. */
static size_t choose_fields(const struct question *question, const struct flexilib_exchange *exchange,
                            struct flexilib_pair fields[MOST_FIELDS])
{
    const struct asker *asker = question->asker;
    struct flexilib_text text = field(asker, exchange, "x-field");
    const char *blank = memchr(text.data, ' ', text.length);
    struct flexilib_pair pair;
    size_t count = 0;
    for (size_t i = 0; question->is_copied && asker->core->header_at(exchange, FLEXILIB_REQUEST, i, &pair); ++i) {
        if (count < MOST_FIELDS && memcmp(pair.name.data, "x-", 2) == 0)
            fields[count++] = pair;
    }
    if (question->is_copied)
        return count;
    fields[0] = (struct flexilib_pair){{"x-more", 6}, {"yes", 3}};
    if (blank != NULL) {
        fields[0].name = (struct flexilib_text){text.data, (size_t)(blank - text.data)};
        fields[0].value = (struct flexilib_text){blank + 1, text.length - fields[0].name.length - 1};
    }
    return 1;
}

static void ask(struct question *question, struct flexilib_exchange *exchange)
{
    const struct asker *asker = question->asker;
    struct flexilib_pair fields[MOST_FIELDS];
    struct flexilib_text timeout = field(asker, exchange, "x-timeout");
    struct flexilib_fetch_request request = {
        .size = sizeof(request),
        .upstream = field(asker, exchange, "x-upstream"),
        .method = field(asker, exchange, "x-method"),
        .authority = field(asker, exchange, "x-host"),
        .path = field(asker, exchange, "x-path"),
        .fields = fields,
        .field_count = choose_fields(question, exchange, fields),
        .streams_body = question->is_streamed,
        .timeout_ms = timeout.length == 0 ? 0 : strtoul(timeout.data, NULL, 10),
    };
    if (!question->is_streamed)
        request.body = (struct flexilib_text){question->body.data, question->body.length};
    question->fetch =
        asker->fetches->start(asker->core, question->is_own ? NULL : exchange, &request, &events, question);
    if (question->fetch != 0 && question->is_streamed)
        write_body(question);
}

static flexilib_answer reply(const struct asker *asker, struct flexilib_exchange *exchange, const char *data,
                             size_t length)
{
    asker->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), data, length);
    return FLEXILIB_REPLY;
}

static flexilib_answer ask_by_request(struct asker *asker, struct flexilib_exchange *exchange,
                                      struct question *question)
{
    uint64_t ticket = question->ticket = asker->core->ticket(exchange);
    bool is_own = question->is_own;
    if (is_own)
        asker->core->set_state(exchange, NULL);
    ask(question, exchange);
    if (question->fetch == 0) {
        asker->core->set_state(exchange, NULL);
        free_question(question);
        return reply(asker, exchange, FLEXILIB_ARG("refused\n"));
    }
    if (is_own)
        return reply(asker, exchange, FLEXILIB_ARG("begun\n"));
    say(asker, "asking");
    return ticket == 0 ? FLEXILIB_FAIL : FLEXILIB_PAUSE;
}

static flexilib_answer release(struct asker *asker, struct flexilib_exchange *exchange)
{
    while (asker->held != NULL) {
        struct question *question = asker->held;
        asker->held = question->next_held;
        asker->fetches->more(asker->core, question->fetch);
        asker->fetches->more(asker->core, question->fetch);
    }
    return reply(asker, exchange, FLEXILIB_ARG("released\n"));
}

static bool has_path(const struct asker *asker, const struct flexilib_exchange *exchange, const char *path)
{
    struct flexilib_text own = asker->core->path(exchange);
    return own.length == strlen(path) && memcmp(own.data, path, own.length) == 0;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct asker *asker = filter;
    if (has_path(asker, exchange, "/release"))
        return release(asker, exchange);
    if (has_path(asker, exchange, "/ready"))
        return reply(asker, exchange, asker->found.data, asker->found.length);
    asker->core->set_state(exchange, make_question(asker, exchange));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    struct asker *asker = filter;
    struct question *question = asker->core->state(exchange);
    add(&question->body, data, length);
    return last ? ask_by_request(asker, exchange, question) : FLEXILIB_CONTINUE;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    const struct asker *asker = filter;
    const struct question *question = asker->core->state(exchange);
    return reply(asker, exchange, question->answer.data, question->answer.length);
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct asker *asker = filter;
    struct question *question = asker->core->state(exchange);
    if (question != NULL)
        free_question(question);
    say(asker, "end");
}

static const struct flexilib_filter filters[] = {
    {.name = "fetch",
     .summary = "asks an upstream",
     .version = "1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head,
     .on_request_body = on_request_body,
     .on_resume = on_resume,
     .on_end = on_end},
};

FLEXILIB_LIBRARY(filters);
