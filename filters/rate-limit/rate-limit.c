/* rate-limit: lets each client have so many requests in a time, and answers 429 beyond that.
 *
 *     filters:
 *       - rate-limit: { requests: 100, per: 1m, burst: 20, by: "{jwt.sub}" }
 *
 * Counts are shared by all workers, and go on over reloads. See README.md beside this file. */

#include "bucket.h"

#include <flexilib/ext/metrics.h>
#include <flexilib/ext/timer.h>

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OPTION_REQUESTS,
    OPTION_PER,
    OPTION_BURST,
    OPTION_BY,
    OPTION_NAME,
    OPTION_HEADERS,
    OPTION_DRY_RUN,
    OPTION_STATUS,
    OPTION_COUNT,
};

enum {
    MOST_KEY_BYTES = FLEXILIB_DICTIONARY_MOST_KEY_BYTES,
    LONGEST_NAME_BYTES = 64,
    LONGEST_FIELD_BYTES = 192,
    LEAST_INTERVAL_NS = 1000,
};

static const uint64_t longest_fill_ns = UINT64_C(1) << 62;

static const struct flexilib_option options[] = {
    [OPTION_REQUESTS] = {"requests", FLEXILIB_OPTION_INTEGER, .required = true, .minimum = 1, .maximum = 1000000000,
                         .summary = "how many requests are allowed"},
    [OPTION_PER] = {"per", FLEXILIB_OPTION_DURATION, .fallback = "1s", .minimum = 1, .maximum = INT64_C(2678400000),
                    .summary = "in which time"},
    [OPTION_BURST] = {"burst", FLEXILIB_OPTION_INTEGER, .minimum = 1, .maximum = 1000000000,
                      .summary = "how many at once, after a rest; else as many as requests"},
    [OPTION_BY] = {"by", FLEXILIB_OPTION_TEMPLATE, .fallback = "{client.network}",
                   .summary = "whose requests are counted together: those for which this is the same"},
    [OPTION_NAME] = {"name", FLEXILIB_OPTION_TEXT, .fallback = "default",
                     .summary = "the limit's name, as clients see it; equal limits of one name count together"},
    [OPTION_HEADERS] = {"headers", FLEXILIB_OPTION_BOOL, .fallback = "yes",
                        .summary = "responses tell the limit and what is left of it"},
    [OPTION_DRY_RUN] = {"dry_run", FLEXILIB_OPTION_BOOL, .fallback = "no",
                        .summary =
                            "requests beyond the limit pass too; {rate-limit.verdict} says what would have been"},
    [OPTION_STATUS] = {"status", FLEXILIB_OPTION_INTEGER, .fallback = "429", .minimum = 400, .maximum = 599,
                       .summary = "what they are answered"},
};

struct rate_limit {
    const struct flexilib_core *core;
    const struct flexilib_dictionary *dictionary;
    const struct flexilib_dictionary_name *counts;
    const struct flexilib_timer *timer;     /* NULL: for filters that may block there is none */
    const struct flexilib_metrics *metrics; /* NULL: nothing is counted */
    const struct flexilib_series *passed, *refused;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
    struct bucket_rule rule;
    char policy[LONGEST_FIELD_BYTES]; /* the field RateLimit-Policy */
};

static bool refuse(const struct flexilib_core *core, int32_t option, const char *sentence)
{
    core->refuse(core, option, sentence, strlen(sentence));
    return false;
}

static uint64_t round_up_s(uint64_t time_ns)
{
    return (time_ns + 999999999) / 1000000000;
}

/* By the clock that FlexiLib's timers go by, which all workers share. */
static uint64_t read_clock_ns(const struct rate_limit *limit)
{
    struct timespec now;
    if (limit->timer != NULL)
        return limit->timer->now_ms() * 1000000;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_name(struct flexilib_text name)
{
    for (size_t i = 0; i < name.length; ++i) {
        if (name.data[i] < 0x20 || name.data[i] > 0x7e || name.data[i] == '"' || name.data[i] == '\\')
            return false;
    }
    return name.length != 0 && name.length <= LONGEST_NAME_BYTES;
}

static bool read_rule(struct rate_limit *limit)
{
    const struct flexilib_value *values = limit->values;
    struct flexilib_text name = values[OPTION_NAME].text;
    uint64_t requests = (uint64_t)values[OPTION_REQUESTS].integer;
    limit->rule.interval_ns = (uint64_t)values[OPTION_PER].integer * 1000000 / requests;
    limit->rule.burst = values[OPTION_BURST].present ? (uint64_t)values[OPTION_BURST].integer : requests;
    if (limit->rule.interval_ns < LEAST_INTERVAL_NS)
        return refuse(limit->core, OPTION_REQUESTS, "more than a million requests a second cannot be told apart");
    if (limit->rule.burst >= longest_fill_ns / limit->rule.interval_ns)
        return refuse(limit->core, OPTION_BURST, "a bucket of that size would not be full in a hundred years");
    if (!is_name(name))
        return refuse(limit->core, OPTION_NAME, "a name is 1 to 64 printable characters without '\"' and '\\'");
    snprintf(limit->policy, sizeof(limit->policy), "\"%.*s\";q=%llu;w=%llu", (int)name.length, name.data,
             (unsigned long long)limit->rule.burst,
             (unsigned long long)round_up_s(limit->rule.interval_ns * limit->rule.burst));
    return true;
}

static void declare_metrics(struct rate_limit *limit)
{
    static const struct flexilib_text labels[] = {{FLEXILIB_ARG("limit")}, {FLEXILIB_ARG("verdict")}};
    const struct flexilib_metric_declaration declaration = {
        .kind = FLEXILIB_METRICS_COUNTER,
        .name = FLEXILIB_TEXT("rate_limit_requests_total"),
        .help = FLEXILIB_TEXT("Requests that met a limit, by what became of them."),
        .labels = labels,
        .label_count = 2,
    };
    limit->metrics = limit->core->extension(limit->core, FLEXILIB_METRICS);
    const struct flexilib_metric *metric =
        limit->metrics == NULL ? NULL : limit->metrics->declare(limit->core, &declaration);
    if (metric == NULL) {
        limit->metrics = NULL;
        return;
    }
    const struct flexilib_text name = limit->values[OPTION_NAME].text;
    limit->passed = limit->metrics->series(metric, (struct flexilib_text[]){name, FLEXILIB_TEXT("passed")});
    limit->refused = limit->metrics->series(metric, (struct flexilib_text[]){name, FLEXILIB_TEXT("refused")});
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct rate_limit *limit = calloc(1, sizeof(*limit));
    if (limit == NULL)
        return false;
    limit->core = core;
    memcpy(limit->values, values, sizeof(limit->values));
    limit->timer = core->extension(core, FLEXILIB_TIMER);
    limit->dictionary = core->extension(core, FLEXILIB_DICTIONARY);
    if (limit->dictionary != NULL)
        limit->counts = limit->dictionary->open(core, FLEXILIB_ARG("rate-limit"));
    if (limit->counts == NULL)
        refuse(core, -1, "the shared dictionary is not there");
    if (limit->counts == NULL || !read_rule(limit)) {
        free(limit);
        return false;
    }
    declare_metrics(limit);
    *filter = limit;
    return true;
}

/* The limit with its numbers, so that others of its name are left alone, and who it is. Of a very long one the end
 * counts by its hash. */
static size_t write_key(const struct rate_limit *limit, struct flexilib_text by, char key[MOST_KEY_BYTES])
{
    struct flexilib_text name = limit->values[OPTION_NAME].text;
    size_t length = (size_t)snprintf(key, MOST_KEY_BYTES, "%.*s %" PRIu64 " %" PRIu64 "\n", (int)name.length, name.data,
                                     limit->rule.interval_ns, limit->rule.burst);
    size_t room = MOST_KEY_BYTES - length - SHA256_DIGEST_LENGTH, kept = by.length <= room ? by.length : room;
    memcpy(key + length, by.data, kept);
    length += kept;
    if (kept == by.length)
        return length;
    SHA256((const unsigned char *)by.data + kept, by.length - kept, (unsigned char *)key + length);
    return length + SHA256_DIGEST_LENGTH;
}

/* draft-ietf-httpapi-ratelimit-headers, section 3 and 4. Who is refused is told of the same moment as by Retry-After.
 */
static void tell(const struct rate_limit *limit, struct flexilib_exchange *exchange,
                 const struct bucket_verdict *verdict)
{
    struct flexilib_text name = limit->values[OPTION_NAME].text;
    char field[LONGEST_FIELD_BYTES];
    uint64_t until_s = round_up_s(verdict->is_allowed ? verdict->reset_ns : verdict->wait_ns);
    int length = snprintf(field, sizeof(field), "\"%.*s\";r=%" PRIu64 ";t=%" PRIu64, (int)name.length, name.data,
                          verdict->left, until_s);
    if (!limit->values[OPTION_HEADERS].boolean)
        return;
    limit->core->add_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("ratelimit-policy"), limit->policy,
                            strlen(limit->policy));
    limit->core->add_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("ratelimit"), field, (size_t)length);
}

static flexilib_answer answer(const struct rate_limit *limit, struct flexilib_exchange *exchange,
                              const struct bucket_verdict *verdict)
{
    char wait[24];
    int length = snprintf(wait, sizeof(wait), "%" PRIu64, round_up_s(verdict->wait_ns));
    tell(limit, exchange, verdict);
    limit->core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("retry-after"), wait, (size_t)length);
    limit->core->reply(exchange, (int32_t)limit->values[OPTION_STATUS].integer, FLEXILIB_ARG("text/plain"),
                       FLEXILIB_ARG("too many requests\n"));
    return FLEXILIB_REPLY;
}

/* Of several limits in one chain, the one that refuses counts. */
static void note_verdict(const struct rate_limit *limit, struct flexilib_exchange *exchange, bool is_allowed)
{
    static const struct flexilib_text refused = {FLEXILIB_ARG("refused")};
    struct flexilib_text earlier = {"", 0}, word = is_allowed ? FLEXILIB_TEXT("passed") : refused;
    limit->core->attribute(exchange, FLEXILIB_ARG("rate-limit.verdict"), &earlier);
    if (earlier.length != refused.length || memcmp(earlier.data, refused.data, refused.length) != 0)
        limit->core->set_attribute(exchange, FLEXILIB_ARG("rate-limit.verdict"), word.data, word.length);
    if (limit->metrics != NULL)
        limit->metrics->add(is_allowed ? limit->passed : limit->refused, 1);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct rate_limit *limit = filter;
    char text[MOST_KEY_BYTES];
    struct bucket_key key = {limit->counts, text, 0};
    key.length = write_key(limit, limit->core->expand(exchange, limit->values[OPTION_BY].expansion), text);
    struct bucket_verdict *verdict = limit->core->allocate(exchange, sizeof(*verdict));
    *verdict = bucket_take(limit->dictionary, &key, &limit->rule, read_clock_ns(limit));
    note_verdict(limit, exchange, verdict->is_allowed);
    if (!verdict->is_allowed && !limit->values[OPTION_DRY_RUN].boolean)
        return answer(limit, exchange, verdict);
    limit->core->set_state(exchange, verdict);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct rate_limit *limit = filter;
    const struct bucket_verdict *verdict = limit->core->state(exchange);
    if (verdict != NULL)
        tell(limit, exchange, verdict);
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "rate-limit",
        .summary = "lets each client have so many requests in a time",
        .version = "1.0",
        .options = options,
        .option_count = OPTION_COUNT,
        .create = create,
        .destroy = free,
        .on_request_head = on_request_head,
        .on_response_head = on_response_head,
    },
};

FLEXILIB_LIBRARY(filters);
