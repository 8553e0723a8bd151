/* canary: sends a part of the requests to another upstream, by weight, and the same client to the same one.
 *
 *     filters:
 *       - canary:
 *           choices: [{ upstream: stable, weight: 95 }, { upstream: next, weight: 5 }]
 *           by: "{jwt.sub}"
 *
 * A tester chooses by a header, where `header` names one; a choice is remembered by a cookie, where `cookie` names one;
 * by the text of `by`, of which equal ones meet equal choices; or by chance. The choice is there as {canary.choice}. */

#include "shared/field_name.h"

#include <flexilib/filter.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

enum {
    OPTION_CHOICES,
    OPTION_BY,
    OPTION_COOKIE,
    OPTION_COOKIE_AGE,
    OPTION_HEADER,
    OPTION_COUNT,
};

enum {
    CHOICE_UPSTREAM,
    CHOICE_WEIGHT,
    CHOICE_OPTION_COUNT,
};

enum {
    LONGEST_COOKIE_BYTES = 512,
};

static const struct flexilib_option choice_options[] = {
    [CHOICE_UPSTREAM] = {"upstream", FLEXILIB_OPTION_UPSTREAM, .required = true, .summary = "who may be chosen"},
    [CHOICE_WEIGHT] = {"weight", FLEXILIB_OPTION_INTEGER, .fallback = "1", .minimum = 0, .maximum = 1000000,
                       .summary = "its part, beside the others' weights; 0: only by header"},
};

static const struct flexilib_option choice_table[] = {
    {NULL, FLEXILIB_OPTION_TABLE, .fields = choice_options, .field_count = CHOICE_OPTION_COUNT},
};

static const struct flexilib_option options[] = {
    [OPTION_CHOICES] = {"choices", FLEXILIB_OPTION_LIST_OF, .required = true, .fields = choice_table, .field_count = 1,
                        .summary = "the upstreams and their weights"},
    [OPTION_BY] = {"by", FLEXILIB_OPTION_TEMPLATE,
                   .summary = "requests for which this is the same are sent the same way"},
    [OPTION_COOKIE] = {"cookie", FLEXILIB_OPTION_TEXT, .summary = "the name of a cookie that remembers the choice"},
    [OPTION_COOKIE_AGE] = {"cookie_age", FLEXILIB_OPTION_DURATION, .fallback = "1d", .minimum = 1000,
                           .maximum = INT64_C(31536000000), .summary = "how long it does"},
    [OPTION_HEADER] = {"header", FLEXILIB_OPTION_TEXT, .summary = "the name of a field by which testers choose"},
};

struct choice {
    struct flexilib_text upstream;
    double weight;
};

struct canary {
    const struct flexilib_core *core;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
    uint64_t random;
    size_t count;
    struct choice choices[];
};

static bool refuse(const struct flexilib_core *core, int32_t option, const char *sentence)
{
    core->refuse(core, option, sentence, strlen(sentence));
    return false;
}

/* RFC 6265 section 4.1.1: a token, as a field's name is. */
static bool is_cookie_name(struct flexilib_text name)
{
    return field_name_is_token(name) && name.length < 100;
}

static bool is_same(struct flexilib_text a, struct flexilib_text b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

static const struct choice *find_named(const struct canary *canary, struct flexilib_text name)
{
    for (size_t i = 0; i < canary->count; ++i) {
        if (is_same(canary->choices[i].upstream, name))
            return &canary->choices[i];
    }
    return NULL;
}

static bool read_choices(struct canary *canary, const struct flexilib_value *list)
{
    static const char twice[] = "this upstream is one of the choices already: add the weights up";
    double sum = 0;
    for (size_t i = 0; i < list->count; ++i) {
        const struct flexilib_value *fields = list->values[i].values;
        if (find_named(canary, fields[CHOICE_UPSTREAM].text) != NULL) {
            canary->core->refuse_value(canary->core, &fields[CHOICE_UPSTREAM], twice, sizeof(twice) - 1);
            return false;
        }
        ++canary->count;
        canary->choices[i] = (struct choice){fields[CHOICE_UPSTREAM].text, (double)fields[CHOICE_WEIGHT].integer};
        sum += canary->choices[i].weight;
    }
    return sum > 0 || refuse(canary->core, OPTION_CHOICES, "at least one weight is above 0");
}

static bool check_names(const struct canary *canary)
{
    for (int32_t i = OPTION_COOKIE; i <= OPTION_HEADER; ++i) {
        if (i != OPTION_COOKIE_AGE && canary->values[i].present && !is_cookie_name(canary->values[i].text))
            return refuse(canary->core, i, "a name is made of letters, digits, '-' and '_'");
    }
    return true;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    size_t count = values[OPTION_CHOICES].count;
    struct canary *canary = calloc(1, sizeof(*canary) + count * sizeof(canary->choices[0]));
    if (canary == NULL)
        return false;
    canary->core = core;
    memcpy(canary->values, values, sizeof(canary->values));
    if (getrandom(&canary->random, sizeof(canary->random), 0) != sizeof(canary->random))
        canary->random = (uint64_t)time(NULL);
    if (!read_choices(canary, &values[OPTION_CHOICES]) || !check_names(canary)) {
        free(canary);
        return false;
    }
    *filter = canary;
    return true;
}

/* One-to-one, and any change of the input changes about half of the output (as splitmix64 ends). */
static uint64_t scatter(uint64_t number)
{
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

static uint64_t hash_text(uint64_t hash, struct flexilib_text text)
{
    for (size_t i = 0; i < text.length; ++i)
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    return scatter(hash);
}

/* Each choice draws a number by its own hash of the seed, the larger the weight, the larger (rendezvous hashing). So a
 * change of one weight moves clients to or from that choice only. */
static const struct choice *choose(const struct canary *canary, uint64_t seed)
{
    const struct choice *best = NULL;
    double best_score = -INFINITY;
    for (size_t i = 0; i < canary->count; ++i) {
        const struct choice *choice = &canary->choices[i];
        double drawn = ((double)(hash_text(seed, choice->upstream) >> 11) + 0.5) * 0x1p-53;
        double score = log(drawn) / choice->weight;
        if (choice->weight > 0 && score > best_score) {
            best_score = score;
            best = choice;
        }
    }
    return best;
}

static const struct choice *find_by_header(const struct canary *canary, const struct flexilib_exchange *exchange)
{
    struct flexilib_text name = canary->values[OPTION_HEADER].text, value;
    if (!canary->values[OPTION_HEADER].present ||
        !canary->core->header(exchange, FLEXILIB_REQUEST, name.data, name.length, &value))
        return NULL;
    return find_named(canary, value);
}

static struct flexilib_text trim(struct flexilib_text text)
{
    while (text.length != 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        ++text.data;
        --text.length;
    }
    while (text.length != 0 && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        --text.length;
    return text;
}

/* Takes what stands in front of the next mark, and the mark, off the text. */
static struct flexilib_text take_item(struct flexilib_text *rest, char mark)
{
    const char *found = memchr(rest->data, mark, rest->length);
    struct flexilib_text item = {rest->data, found == NULL ? rest->length : (size_t)(found - rest->data)};
    size_t taken = found == NULL ? item.length : item.length + 1;
    rest->data += taken;
    rest->length -= taken;
    return item;
}

/* One that was chosen once and has no weight any more is not found: that is how a canary is called back. */
static const struct choice *find_in_cookies(const struct canary *canary, struct flexilib_text cookies)
{
    struct flexilib_text name = canary->values[OPTION_COOKIE].text;
    while (cookies.length != 0) {
        struct flexilib_text value = take_item(&cookies, ';'), own = trim(take_item(&value, '='));
        if (own.length != name.length || memcmp(own.data, name.data, name.length) != 0)
            continue;
        const struct choice *found = find_named(canary, trim(value));
        if (found != NULL && found->weight > 0)
            return found;
    }
    return NULL;
}

static const struct choice *find_by_cookie(const struct canary *canary, const struct flexilib_exchange *exchange)
{
    struct flexilib_pair field;
    const struct choice *found = NULL;
    if (!canary->values[OPTION_COOKIE].present)
        return NULL;
    for (size_t i = 0; found == NULL && canary->core->header_at(exchange, FLEXILIB_REQUEST, i, &field); ++i) {
        if (field.name.length == 6 && strncasecmp(field.name.data, "cookie", 6) == 0)
            found = find_in_cookies(canary, field.value);
    }
    return found;
}

static const struct choice *choose_anew(struct canary *canary, struct flexilib_exchange *exchange)
{
    struct flexilib_text by = {"", 0};
    if (canary->values[OPTION_BY].present)
        by = canary->core->expand(exchange, canary->values[OPTION_BY].expansion);
    if (by.length != 0)
        return choose(canary, hash_text(0, by));
    canary->random += UINT64_C(0x9e3779b97f4a7c15);
    return choose(canary, scatter(canary->random));
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct canary *canary = filter;
    const struct choice *choice = find_by_header(canary, exchange);
    bool is_lasting = choice == NULL;
    if (choice == NULL) {
        choice = find_by_cookie(canary, exchange);
        is_lasting = choice == NULL && canary->values[OPTION_COOKIE].present;
    }
    if (choice == NULL)
        choice = choose_anew(canary, exchange);
    /* the response tells the client to remember it */
    if (is_lasting)
        canary->core->set_state(exchange, (void *)choice);
    canary->core->set_attribute(exchange, FLEXILIB_ARG("canary.choice"), choice->upstream.data,
                                choice->upstream.length);
    return canary->core->set_upstream(exchange, choice->upstream.data, choice->upstream.length) ? FLEXILIB_CONTINUE
                                                                                                : FLEXILIB_FAIL;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct canary *canary = filter;
    const struct choice *choice = canary->core->state(exchange);
    struct flexilib_text name = canary->values[OPTION_COOKIE].text;
    char field[LONGEST_COOKIE_BYTES];
    if (choice == NULL || !canary->values[OPTION_COOKIE].present)
        return FLEXILIB_CONTINUE;
    bool is_secure = canary->core->scheme(exchange).length == 5; /* https */
    int length = snprintf(field, sizeof(field), "%.*s=%.*s; Max-Age=%lld; Path=/; HttpOnly; SameSite=Lax%s",
                          (int)name.length, name.data, (int)choice->upstream.length, choice->upstream.data,
                          (long long)(canary->values[OPTION_COOKIE_AGE].integer / 1000), is_secure ? "; Secure" : "");
    if (length < (int)sizeof(field))
        canary->core->add_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("set-cookie"), field, (size_t)length);
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "canary",
        .summary = "sends a part of the requests to another upstream",
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
