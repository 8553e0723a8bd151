#include "key_source.h"

#include <flexilib/ext/dictionary.h>
#include <flexilib/ext/fetch.h>
#include <flexilib/ext/timer.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_DOCUMENT_BYTES = 1024 * 1024,
    FIRST_DOCUMENT_BYTES = 4096,
    MOST_WAITING = 10000,
    FIRST_RETRY_MS = 200, /* while the worker waits to be ready */
};

enum {
    SERVER_UPSTREAM,
    SERVER_PATH,
    SERVER_AUTHORITY,
    SERVER_REFRESH,
    SERVER_RETRY,
};

const struct flexilib_option key_server_options[KEY_SERVER_OPTION_COUNT] = {
    [SERVER_UPSTREAM] = {"upstream", FLEXILIB_OPTION_UPSTREAM, .required = true,
                         .summary = "where the keys are served"},
    [SERVER_PATH] = {"path", FLEXILIB_OPTION_TEXT, .fallback = "/.well-known/jwks.json",
                     .summary = "what is asked for"},
    [SERVER_AUTHORITY] = {"host", FLEXILIB_OPTION_TEXT, .summary = "as which Host; else the server's own name"},
    [SERVER_REFRESH] = {"refresh", FLEXILIB_OPTION_DURATION, .fallback = "10m", .minimum = 1000, .maximum = 86400000,
                        .summary = "how old keys may become before they are fetched again"},
    [SERVER_RETRY] = {"retry", FLEXILIB_OPTION_DURATION, .fallback = "10s", .minimum = 100, .maximum = 86400000,
                      .summary = "the least time between two questions: after a failure, and for unknown keys"},
};

struct key_source {
    const struct flexilib_core *core;
    struct key_set *keys;

    /* Of a server. */
    const struct flexilib_fetch *fetch; /* NULL: there is none */
    const struct flexilib_timer *timer;
    const struct flexilib_dictionary *dictionary; /* NULL: nothing is shared */
    const struct flexilib_dictionary_name *shared;
    const struct flexilib_value *options;
    bool was_ready;
    uint64_t fetching; /* 0: nothing is under way */
    uint64_t asked_ms; /* when the last answer came, or what came in its place */
    uint64_t next;     /* the timer of the next question */
    int32_t status;
    char *document;
    size_t length, capacity;
    bool is_too_long;
    uint64_t *waiting; /* tickets */
    size_t waiting_count;
};

/* What is in the dictionary: when it was fetched, by the clock of all workers, and the document. Whoever could write it
 * there could change keys: other filters of the same FlexiLib, which is no border. */
struct shared_document {
    uint64_t fetched_ms;
    char document[FLEXILIB_DICTIONARY_MOST_VALUE_BYTES - sizeof(uint64_t)];
};

static void ask(struct key_source *source);

static struct flexilib_text option_text(const struct key_source *source, int option)
{
    return source->options[option].text;
}

static void tell(const struct key_source *source, flexilib_level level, const char *what, const char *why)
{
    struct flexilib_text upstream = option_text(source, SERVER_UPSTREAM);
    char line[512];
    int length =
        snprintf(line, sizeof(line), "keys of upstream '%.*s': %s%s", (int)upstream.length, upstream.data, what, why);
    source->core->log(source->core, NULL, level, line, length < (int)sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

/* The upstream by its number: a generation that has others behind the same name has keys of its own. */
static size_t write_place(const struct key_source *source, char place[FLEXILIB_DICTIONARY_MOST_KEY_BYTES])
{
    struct flexilib_text path = option_text(source, SERVER_PATH), host = option_text(source, SERVER_AUTHORITY);
    int length = snprintf(place, FLEXILIB_DICTIONARY_MOST_KEY_BYTES, "%016" PRIx64 " %.*s %.*s",
                          (uint64_t)source->options[SERVER_UPSTREAM].integer, (int)host.length, host.data,
                          (int)path.length, path.data);
    return length < FLEXILIB_DICTIONARY_MOST_KEY_BYTES ? (size_t)length : 0;
}

static bool take_document(struct key_source *source, const char *document, size_t length,
                          char reason[KEY_SET_REASON_BYTES])
{
    struct key_set *keys = key_set_read(document, length, reason);
    if (keys == NULL)
        return false;
    key_set_destroy(source->keys);
    source->keys = keys;
    return true;
}

static void share_document(struct key_source *source)
{
    char place[FLEXILIB_DICTIONARY_MOST_KEY_BYTES];
    size_t place_length = write_place(source, place);
    struct shared_document *shared;
    if (source->shared == NULL || place_length == 0 || source->length > sizeof(shared->document))
        return;
    shared = malloc(sizeof(*shared));
    if (shared == NULL)
        return;
    shared->fetched_ms = source->asked_ms;
    memcpy(shared->document, source->document, source->length);
    source->dictionary->set(source->shared, place, place_length, shared,
                            offsetof(struct shared_document, document) + source->length, 0);
    free(shared);
}

/* Takes what another worker has fetched after that moment. */
static bool take_shared(struct key_source *source, uint64_t after_ms)
{
    char place[FLEXILIB_DICTIONARY_MOST_KEY_BYTES], reason[KEY_SET_REASON_BYTES];
    size_t place_length = write_place(source, place), length;
    struct shared_document *shared = source->shared == NULL ? NULL : malloc(sizeof(*shared));
    bool is_taken =
        shared != NULL && place_length != 0 &&
        source->dictionary->get(source->shared, place, place_length, shared, sizeof(*shared), &length) &&
        length > offsetof(struct shared_document, document) && length <= sizeof(*shared) &&
        shared->fetched_ms > after_ms &&
        take_document(source, shared->document, length - offsetof(struct shared_document, document), reason);
    if (is_taken)
        source->asked_ms = shared->fetched_ms;
    free(shared);
    return is_taken;
}

static void wake_waiting(struct key_source *source)
{
    for (size_t i = 0; i < source->waiting_count; ++i)
        source->core->resume(source->core, source->waiting[i], NULL, NULL);
    source->waiting_count = 0;
}

static void on_time(void *filter, void *data)
{
    struct key_source *source = data;
    source->next = 0;
    ask(source);
}

static void ask_after(struct key_source *source, uint64_t delay_ms)
{
    if (source->next != 0)
        source->timer->stop(source->core, source->next);
    source->next = source->timer->start(source->core, delay_ms, 0, on_time, source);
}

static uint64_t option_ms(const struct key_source *source, int option)
{
    return (uint64_t)source->options[option].integer;
}

/* Whoever shared what it got may have looked at the clock a moment after us. */
static uint64_t find_age(const struct key_source *source)
{
    uint64_t now_ms = source->timer->now_ms();
    return now_ms > source->asked_ms ? now_ms - source->asked_ms : 0;
}

/* Up to a tenth earlier, each worker at a moment of its own: so one of them asks, and the others find what it got. */
static uint64_t until_refresh(const struct key_source *source)
{
    uint64_t refresh_ms = option_ms(source, SERVER_REFRESH);
    uint64_t age_ms = find_age(source);
    uint64_t due_ms = refresh_ms - (uint64_t)getpid() * 7919 % (refresh_ms / 10 + 1);
    return due_ms > age_ms ? due_ms - age_ms : 0;
}

static void become_ready(struct key_source *source)
{
    if (!source->was_ready)
        source->core->set_ready(source->core, "", 0);
    source->was_ready = true;
}

/* Whoever starts while the server is ill is better off with what others still have, however old it is. */
static void bear_failure(struct key_source *source, const char *failure, const char *why)
{
    tell(source, FLEXILIB_ERROR, failure, why);
    if (!source->was_ready && take_shared(source, 0)) {
        source->asked_ms = source->timer->now_ms();
        become_ready(source);
    }
    ask_after(source, source->was_ready ? option_ms(source, SERVER_RETRY) : FIRST_RETRY_MS);
}

static void finish_asking(struct key_source *source, const char *failure, const char *why)
{
    source->fetching = 0;
    source->asked_ms = source->timer->now_ms();
    if (failure == NULL) {
        share_document(source);
        become_ready(source);
        ask_after(source, until_refresh(source));
    } else {
        bear_failure(source, failure, why);
    }
    free(source->document);
    source->document = NULL;
    source->length = source->capacity = 0;
    wake_waiting(source);
}

static void on_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t field_count)
{
    struct key_source *source = data;
    source->status = status;
}

/* Room is doubled, so that a document may come byte by byte. */
static bool make_room(struct key_source *source, size_t length)
{
    size_t capacity = source->capacity == 0 ? FIRST_DOCUMENT_BYTES : source->capacity;
    if (source->length + length > MOST_DOCUMENT_BYTES)
        return false;
    while (capacity < source->length + length)
        capacity *= 2;
    char *grown = capacity == source->capacity ? source->document : realloc(source->document, capacity);
    if (grown == NULL)
        return false;
    source->document = grown;
    source->capacity = capacity;
    return true;
}

static bool on_body(void *data, const char *piece, size_t length)
{
    struct key_source *source = data;
    if (!make_room(source, length)) {
        source->is_too_long = true;
        source->fetch->cancel(source->core, source->fetching);
        return false;
    }
    memcpy(source->document + source->length, piece, length);
    source->length += length;
    return true;
}

static void on_over(void *data, int32_t failure)
{
    struct key_source *source = data;
    char reason[KEY_SET_REASON_BYTES];
    snprintf(reason, sizeof(reason), "%d", failure != 0 ? (int)failure : (int)source->status);
    if (source->is_too_long)
        finish_asking(source, "the document is larger than 1 MB", "");
    else if (failure == FLEXILIB_FETCH_CANCELLED)
        source->fetching = 0; /* the filter is about to end */
    else if (failure != 0)
        finish_asking(source, "they cannot be fetched: status ", reason);
    else if (source->status != 200)
        finish_asking(source, "the server answered with status ", reason);
    else if (!take_document(source, source->document, source->length, reason))
        finish_asking(source, "the document is of no use: ", reason);
    else
        finish_asking(source, NULL, NULL);
}

static uint64_t before_now(const struct key_source *source, int option)
{
    uint64_t now_ms = source->timer->now_ms(), age_ms = option_ms(source, option);
    return now_ms > age_ms ? now_ms - age_ms : 0;
}

/* From which moment on what another worker has fetched will do. Who waits for a key that may have come since is not
 * served by what is older than another question may be. */
static uint64_t oldest_of_use(const struct key_source *source)
{
    uint64_t oldest_ms = source->was_ready ? source->asked_ms : before_now(source, SERVER_REFRESH);
    uint64_t recent_ms = source->waiting_count == 0 ? 0 : before_now(source, SERVER_RETRY);
    return recent_ms > oldest_ms ? recent_ms : oldest_ms;
}

static void ask(struct key_source *source)
{
    static const struct flexilib_fetch_events events = {
        .size = sizeof(events), .on_head = on_head, .on_body = on_body, .on_over = on_over};
    static const struct flexilib_pair fields[] = {
        {{FLEXILIB_ARG("accept")}, {FLEXILIB_ARG("application/jwk-set+json, application/json")}}};
    if (source->fetching != 0)
        return;
    if (take_shared(source, oldest_of_use(source))) {
        become_ready(source);
        ask_after(source, until_refresh(source));
        wake_waiting(source);
        return;
    }
    const struct flexilib_fetch_request request = {.size = sizeof(request),
                                                   .upstream = option_text(source, SERVER_UPSTREAM),
                                                   .authority = option_text(source, SERVER_AUTHORITY),
                                                   .path = option_text(source, SERVER_PATH),
                                                   .fields = fields,
                                                   .field_count = 1};
    source->status = 0;
    source->is_too_long = false;
    source->fetching = source->fetch->start(source->core, NULL, &request, &events, source);
    if (source->fetching == 0)
        finish_asking(source, "they cannot be asked for", "");
}

static bool prepare_server(struct key_source *source, const struct key_source_options *options)
{
    const struct flexilib_core *core = source->core;
    source->options = options->server->values;
    source->fetch = core->extension(core, FLEXILIB_FETCH);
    source->timer = core->extension(core, FLEXILIB_TIMER);
    source->dictionary = core->extension(core, FLEXILIB_DICTIONARY);
    if (source->fetch == NULL || source->timer == NULL) {
        core->refuse_value(core, options->server,
                           FLEXILIB_ARG("keys of a server need requests of the filter's own, which are not there for "
                                        "one that is isolated or blocking"));
        return false;
    }
    if (option_text(source, SERVER_PATH).length == 0 || option_text(source, SERVER_PATH).data[0] != '/') {
        core->refuse_value(core, &source->options[SERVER_PATH], FLEXILIB_ARG("a path begins with '/'"));
        return false;
    }
    if (source->dictionary != NULL)
        source->shared = source->dictionary->open(core, FLEXILIB_ARG("jwt"));
    core->defer_ready(core);
    ask_after(source, 0);
    return true;
}

static bool read_file(struct key_source *source, const struct flexilib_value *file)
{
    char reason[KEY_SET_REASON_BYTES];
    source->keys = key_set_read(file->text.data, file->text.length, reason);
    if (source->keys == NULL)
        source->core->refuse_value(source->core, file, reason, strlen(reason));
    return source->keys != NULL;
}

static bool read_secret(struct key_source *source, const struct flexilib_value *secret)
{
    if (secret->text.length < KEY_SET_LEAST_SECRET_BYTES) {
        source->core->refuse_value(source->core, secret, FLEXILIB_ARG("a shared secret has at least 32 bytes"));
        return false;
    }
    source->keys = key_set_from_secret(secret->text.data, secret->text.length);
    return source->keys != NULL;
}

struct key_source *key_source_create(const struct flexilib_core *core, const struct key_source_options *options)
{
    struct key_source *source = calloc(1, sizeof(*source));
    if (source == NULL)
        return NULL;
    source->core = core;
    bool is_made = false;
    if (options->file->present + options->secret->present + options->server->present != 1)
        core->refuse(core, -1, FLEXILIB_ARG("one of 'jwks_file', 'jwks' and 'secret' is needed: where the keys are"));
    else if (options->file->present)
        is_made = read_file(source, options->file);
    else if (options->secret->present)
        is_made = read_secret(source, options->secret);
    else
        is_made = prepare_server(source, options);
    if (is_made)
        return source;
    key_source_destroy(source);
    return NULL;
}

void key_source_destroy(struct key_source *source)
{
    if (source == NULL)
        return;
    if (source->fetching != 0)
        source->fetch->cancel(source->core, source->fetching);
    key_set_destroy(source->keys);
    free(source->document);
    free(source->waiting);
    free(source);
}

const struct key_set *key_source_keys(const struct key_source *source)
{
    return source->keys;
}

bool key_source_look_again(struct key_source *source, uint64_t ticket)
{
    if (source->fetch == NULL || source->waiting_count == MOST_WAITING)
        return false;
    if (source->fetching == 0 && find_age(source) < option_ms(source, SERVER_RETRY))
        return false;
    uint64_t *grown = realloc(source->waiting, (source->waiting_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return false;
    source->waiting = grown;
    grown[source->waiting_count++] = ticket;
    ask_after(source, 0);
    return true;
}

void key_source_forget(struct key_source *source, uint64_t ticket)
{
    for (size_t i = 0; i < source->waiting_count; ++i) {
        if (source->waiting[i] == ticket) {
            source->waiting[i] = source->waiting[--source->waiting_count];
            return;
        }
    }
}
