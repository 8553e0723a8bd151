/* What finding a route costs, from 10 routes to 10,000 of several shapes: nanoseconds for each look-up, and the ratio
 * of the largest table to the smallest. Every route is asked for equally often, in an order that caches cannot guess.
 */

#include "plan/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    RULES_AT_MOST = 10000,
    LOOKUPS = 500000,
    ROUNDS = 5,
    FIELDS = 12,
    TENANT_FIELD = 5,
};

/* The parts in which the requests differ. */
struct request {
    struct slice host;
    struct slice path;
    struct slice tenant;
};

/* requests[i] is for rules[i]. */
struct table {
    struct arena arena;
    size_t count;
    struct rule rules[RULES_AT_MOST];
    struct request requests[RULES_AT_MOST];
};

struct shape {
    const char *name;
    void (*make)(struct table *table, size_t number);
};

static struct pattern_list make_pattern(struct table *table, enum pattern_kind kind, struct slice text)
{
    struct pattern *pattern = arena_zalloc(&table->arena, sizeof(*pattern));
    *pattern = (struct pattern){.kind = kind, .text = text};
    return (struct pattern_list){pattern, 1};
}

static struct match_settings *make_match(struct table *table)
{
    return arena_zalloc(&table->arena, sizeof(struct match_settings));
}

static void set_header(struct table *table, struct match_settings *match, struct slice name, struct slice prefix)
{
    struct header_condition *header = arena_zalloc(&table->arena, sizeof(*header));
    *header = (struct header_condition){.name = name, .values = make_pattern(table, PATTERN_PREFIX, prefix)};
    match->headers = header;
    match->header_count = 1;
}

/* outer may be NULL. */
static struct request *set_rule(struct table *table, size_t number, const struct match_settings *outer,
                                const struct match_settings *match)
{
    const struct match_settings **matches = arena_alloc(&table->arena, 2 * sizeof(*matches));
    size_t count = 0;
    if (outer != NULL)
        matches[count++] = outer;
    matches[count++] = match;
    table->rules[number] = (struct rule){matches, count};
    table->requests[number] = (struct request){SLICE("www.example.com"), SLICE("/"), SLICE("none")};
    return &table->requests[number];
}

/* Numbers that are not in the order of the file. */
static size_t shuffle(size_t number)
{
    return number * 7919 % 10007;
}

static void make_path(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice path = arena_print(&table->arena, "/service-%zu/", shuffle(number));
    match->paths = make_pattern(table, PATTERN_SEGMENT, path);
    set_rule(table, number, NULL, match)->path = arena_print(&table->arena, "%.*sitems/4711", SLICE_ARG(path));
}

static void make_host(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice host = arena_print(&table->arena, "shop-%zu.example.com", shuffle(number));
    match->hosts = make_pattern(table, PATTERN_EXACT, host);
    set_rule(table, number, NULL, match)->host = host;
}

static void make_suffix(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice suffix = arena_print(&table->arena, ".zone-%zu.example.com", shuffle(number));
    match->hosts = make_pattern(table, PATTERN_SUFFIX, suffix);
    set_rule(table, number, NULL, match)->host = arena_print(&table->arena, "www%.*s", SLICE_ARG(suffix));
}

static void make_header(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice tenant = arena_print(&table->arena, "tenant-%zu-", shuffle(number));
    match->paths = make_pattern(table, PATTERN_PREFIX, SLICE("/"));
    set_header(table, match, SLICE("X-Tenant"), tenant);
    set_rule(table, number, NULL, match)->tenant = arena_print(&table->arena, "%.*sabc", SLICE_ARG(tenant));
}

static size_t grid_side(const struct table *table)
{
    size_t side = 1;
    while (side * side < table->count)
        ++side;
    return side;
}

static void make_grid(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    size_t side = grid_side(table);
    struct slice host = arena_print(&table->arena, "shop-%zu.example.com", number / side);
    struct slice path = arena_print(&table->arena, "/service-%zu", number % side);
    match->hosts = make_pattern(table, PATTERN_EXACT, host);
    match->paths = make_pattern(table, PATTERN_SEGMENT, path);
    struct request *request = set_rule(table, number, NULL, match);
    request->host = host;
    request->path = path;
}

static const struct match_settings *make_outer(struct table *table, struct slice suffix)
{
    struct match_settings *outer = make_match(table);
    outer->hosts = make_pattern(table, PATTERN_SUFFIX, suffix);
    outer->paths = make_pattern(table, PATTERN_SEGMENT, SLICE("/api"));
    return outer;
}

static void make_nested(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    size_t side = grid_side(table);
    struct slice host = arena_print(&table->arena, "www.shop-%zu.example.com", number / side);
    struct slice path = arena_print(&table->arena, "/api/service-%zu", number % side);
    match->paths = make_pattern(table, PATTERN_SEGMENT, path);
    const struct match_settings *outer =
        number % side == 0 ? make_outer(table, slice_skip(host, 3)) : table->rules[number - 1].matches[0];
    struct request *request = set_rule(table, number, outer, match);
    request->host = host;
    request->path = path;
}

/* Every rule is a raw prefix of others, the longest first. */
static void make_prefix(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice path = SLICE("/");
    for (size_t rest = table->count - number; rest > 1; rest /= 2)
        path = arena_print(&table->arena, "%.*s%c", SLICE_ARG(path), rest % 2 == 0 ? 'a' : 'b');
    match->paths = make_pattern(table, PATTERN_PREFIX, path);
    set_rule(table, number, NULL, match)->path = path;
}

static void make_deep(struct table *table, size_t number)
{
    static const char *const words[] = {"users", "orders", "items", "carts", "prices",
                                        "notes", "events", "files", "teams", "roles"};
    struct match_settings *match = make_match(table);
    struct slice path = SLICE("/api/v1");
    for (size_t rest = number, i = 0; i < 4; ++i, rest /= 10)
        path = arena_print(&table->arena, "%.*s/%s", SLICE_ARG(path), words[rest % 10]);
    match->paths = make_pattern(table, PATTERN_SEGMENT, path);
    set_rule(table, number, NULL, match)->path = path;
}

/* The original's `PATH = LIBRARY` */
static void make_ini_path(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice path = arena_print(&table->arena, "/service-%zu/", shuffle(number));
    match->is_raw_target = true;
    match->paths = make_pattern(table, PATTERN_PREFIX, path);
    set_rule(table, number, NULL, match)->path = arena_print(&table->arena, "%.*s?q=1", SLICE_ARG(path));
}

/* The original's `Host: NAME / = LIBRARY` */
static void make_ini_host(struct table *table, size_t number)
{
    struct match_settings *match = make_match(table);
    struct slice host = arena_print(&table->arena, "shop-%zu.example.com", shuffle(number));
    match->is_raw_target = true;
    match->paths = make_pattern(table, PATTERN_PREFIX, SLICE("/"));
    set_header(table, match, SLICE("Host"), host);
    set_rule(table, number, NULL, match)->host = host;
}

/* The original's `X-Tenant: VALUE / = LIBRARY` */
static void make_ini_header(struct table *table, size_t number)
{
    make_header(table, number);
    struct match_settings *match = make_match(table);
    *match = *table->rules[number].matches[0];
    match->is_raw_target = true;
    struct slice tenant = table->requests[number].tenant;
    set_rule(table, number, NULL, match)->tenant = tenant;
}

static const struct shape shapes[] = {
    {"paths", make_path},
    {"hosts", make_host},
    {"host suffixes", make_suffix},
    {"header values, one path", make_header},
    {"grid of hosts and paths", make_grid},
    {"nested in host suffixes", make_nested},
    {"prefixes of each other", make_prefix},
    {"deep segments", make_deep},
    {"proxy.ini: paths", make_ini_path},
    {"proxy.ini: Host", make_ini_host},
    {"proxy.ini: a header", make_ini_header},
};

/* As many fields as a browser sends. */
static void make_fields(struct header fields[FIELDS])
{
    static const char *const names[FIELDS] = {"Accept",        "Accept-Language", "User-Agent", "Referer",
                                              "Cookie",        "X-Tenant",        "DNT",        "Cache-Control",
                                              "Authorization", "Sec-Fetch-Mode",  "Origin",     "X-Request-Id"};
    for (size_t i = 0; i < FIELDS; ++i)
        fields[i] = (struct header){slice_from_text(names[i]), SLICE("a value of usual length")};
}

static void ask(const struct table *table, const struct router *router, size_t number, struct header *fields)
{
    const struct request *request = &table->requests[number];
    struct request_head head = {
        .method = SLICE("GET"),
        .authority = request->host,
        .path = request->path,
        .raw_target = request->path,
        .headers = {fields, FIELDS, FIELDS},
    };
    fields[TENANT_FIELD].value = request->tenant;
    if (router_find(router, &head, SLICE_NONE) == (int)number)
        return;
    fprintf(stderr, "the router found the wrong route for number %zu\n", number);
    exit(1);
}

/* Processor time, so that what else the machine does counts less. */
static uint64_t cpu_us(void)
{
    struct timespec taken;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &taken);
    return (uint64_t)taken.tv_sec * 1000000 + (uint64_t)taken.tv_nsec / 1000;
}

static uint64_t run_lookups(const struct table *table, const struct router *router)
{
    struct header fields[FIELDS];
    make_fields(fields);
    uint64_t random = 1, started_us = cpu_us();
    for (int i = 0; i < LOOKUPS; ++i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        ask(table, router, (random >> 33) % table->count, fields);
    }
    return cpu_us() - started_us;
}

static double measure_lookup_ns(struct table *table, const struct shape *shape, size_t count)
{
    arena_init(&table->arena, 0);
    table->count = count;
    for (size_t i = 0; i < count; ++i)
        shape->make(table, i);
    struct router *router = router_create(table->rules, count);
    uint64_t best_us = UINT64_MAX;
    for (int round = 0; round < ROUNDS; ++round) {
        uint64_t taken_us = run_lookups(table, router);
        best_us = taken_us < best_us ? taken_us : best_us;
    }
    router_destroy(router);
    arena_finish(&table->arena);
    return (double)best_us * 1000.0 / LOOKUPS;
}

int main(void)
{
    static const size_t counts[] = {10, 100, 1000, RULES_AT_MOST};
    struct table *table = malloc(sizeof(*table));
    if (table == NULL)
        return 1;
    printf("ns per look-up, with routes:%8s%8s%8s%8s   ratio\n", "10", "100", "1,000", "10,000");
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); ++i) {
        double first_ns = 0, taken_ns = 0;
        printf("%-28s", shapes[i].name);
        for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); ++j) {
            taken_ns = measure_lookup_ns(table, &shapes[i], counts[j]);
            first_ns = j == 0 ? taken_ns : first_ns;
            printf("%8.0f", taken_ns);
            fflush(stdout);
        }
        printf("%8.2f\n", taken_ns / first_ns);
    }
    free(table);
    return 0;
}
