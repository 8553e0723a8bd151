#include "plan/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* Random rules over few letters, so that they overlap, shadow each other and are hit often. */

struct world {
    struct arena arena;
    uint64_t random;
    struct rule rules[400];
    size_t count;
    const struct match_settings *shared[6]; /* matches that several rules are nested in */
};

static size_t pick(struct world *world, size_t choices)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (size_t)(world->random >> 11) % choices;
}

static struct slice pick_text(struct world *world, const char *const *choices, size_t count)
{
    return slice_from_text(choices[pick(world, count)]);
}

#define PICK(world, ...)                                                                                               \
    pick_text(world, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static struct slice make_host(struct world *world)
{
    struct slice host = PICK(world, "a", "b", "ab");
    for (size_t i = pick(world, 3); i > 0; --i)
        host = arena_print(&world->arena, "%.*s.%.*s", SLICE_ARG(PICK(world, "a", "b", "ab")), SLICE_ARG(host));
    return host;
}

static struct slice make_path(struct world *world)
{
    struct slice path = SLICE("/");
    for (size_t i = pick(world, 4); i > 0; --i) {
        struct slice name = PICK(world, "a", "b", "ab", "a", "b");
        struct slice end = i > 1 || pick(world, 4) == 0 ? SLICE("/") : SLICE("");
        path = arena_print(&world->arena, "%.*s%.*s%.*s", SLICE_ARG(path), SLICE_ARG(name), SLICE_ARG(end));
    }
    return path;
}

static struct slice make_value(struct world *world)
{
    return PICK(world, "", "a", "b", "ab", "aba", "abb", "a/b");
}

static struct slice make_header_name(struct world *world)
{
    return PICK(world, "x", "X", "y", "Host", "host", "x-y");
}

typedef struct pattern make_pattern(struct world *world);

static struct pattern make_host_pattern(struct world *world)
{
    struct slice host = make_host(world);
    switch (pick(world, 4)) {
    case 0:
        return (struct pattern){PATTERN_SUFFIX, arena_print(&world->arena, ".%.*s", SLICE_ARG(host)), PLACE_NONE};
    case 1:
        return (struct pattern){PATTERN_PREFIX, pick(world, 4) == 0 ? SLICE("") : host, PLACE_NONE};
    default:
        return (struct pattern){PATTERN_EXACT, host, PLACE_NONE};
    }
}

static struct pattern make_path_pattern(struct world *world)
{
    static const enum pattern_kind kinds[] = {PATTERN_EXACT, PATTERN_PREFIX, PATTERN_SEGMENT, PATTERN_SEGMENT};
    return (struct pattern){kinds[pick(world, 4)], make_path(world), PLACE_NONE};
}

static struct pattern make_value_pattern(struct world *world)
{
    static const enum pattern_kind kinds[] = {PATTERN_EXACT, PATTERN_PREFIX, PATTERN_PREFIX, PATTERN_ABSENT};
    return (struct pattern){kinds[pick(world, 4)], make_value(world), PLACE_NONE};
}

static struct pattern make_method_pattern(struct world *world)
{
    return (struct pattern){PATTERN_EXACT, PICK(world, "GET", "POST", "get"), PLACE_NONE};
}

static struct pattern make_listener_pattern(struct world *world)
{
    return (struct pattern){PATTERN_EXACT, PICK(world, "one", "two"), PLACE_NONE};
}

/* With one of `odds` chances a list of one to three patterns, seldom of many, otherwise an empty one. */
static struct pattern_list make_list(struct world *world, size_t odds, make_pattern *make)
{
    struct pattern_list list = {0};
    if (pick(world, odds) != 0)
        return list;
    list.count = pick(world, 3) == 0 ? 2 + pick(world, 2) : 1;
    if (pick(world, 25) == 0)
        list.count = 20 + pick(world, 20);
    struct pattern *items = arena_alloc(&world->arena, list.count * sizeof(*items));
    for (size_t i = 0; i < list.count; ++i)
        items[i] = make(world);
    list.items = items;
    return list;
}

static const struct match_settings *make_match(struct world *world)
{
    struct match_settings *match = arena_zalloc(&world->arena, sizeof(*match));
    match->hosts = make_list(world, 3, make_host_pattern);
    match->paths = make_list(world, 2, make_path_pattern);
    match->methods = make_list(world, 6, make_method_pattern);
    match->listeners = make_list(world, 8, make_listener_pattern);
    match->header_count = pick(world, 3) == 0 ? 1 + pick(world, 2) : 0;
    match->is_raw_target = pick(world, 5) == 0;
    struct header_condition *headers = arena_zalloc(&world->arena, (match->header_count + 1) * sizeof(*headers));
    for (size_t i = 0; i < match->header_count; ++i) {
        headers[i].name = make_header_name(world);
        headers[i].values = make_list(world, 1, make_value_pattern);
    }
    match->headers = headers;
    return match;
}

/* The same lists, read in the other way. */
static const struct match_settings *make_twin(struct world *world, const struct match_settings *match)
{
    struct match_settings *twin = arena_alloc(&world->arena, sizeof(*twin));
    *twin = *match;
    twin->is_raw_target = !match->is_raw_target;
    return twin;
}

static struct rule make_rule(struct world *world)
{
    size_t depth = pick(world, 3);
    const struct match_settings **matches = arena_alloc(&world->arena, (depth + 1) * sizeof(*matches));
    for (size_t i = 0; i < depth; ++i)
        matches[i] = world->shared[pick(world, 6)];
    matches[depth] = pick(world, 8) == 0 ? make_twin(world, world->shared[pick(world, 6)]) : make_match(world);
    return (struct rule){matches, depth + 1};
}

static void make_world(struct world *world, uint64_t seed)
{
    *world = (struct world){.random = seed * 0x9e3779b97f4a7c15 + 1};
    arena_init(&world->arena, 0);
    for (size_t i = 0; i < 6; ++i)
        world->shared[i] = make_match(world);
    world->count = pick(world, 20) == 0 ? 400 : 1 + pick(world, 30);
    for (size_t i = 0; i < world->count; ++i)
        world->rules[i] = make_rule(world);
}

static struct slice make_authority(struct world *world)
{
    struct slice host = make_host(world);
    switch (pick(world, 8)) {
    case 0:
        return arena_print(&world->arena, "%.*s:8069", SLICE_ARG(host));
    case 1:
        return arena_print(&world->arena, "%.*s.", SLICE_ARG(host));
    case 2:
        return SLICE("");
    case 3:
        return PICK(world, "A.B", "aB", "[a]", "[ab]:1", ".a", "a..b", ":1", ".", "[", "]");
    default:
        return host;
    }
}

static struct request_head make_request(struct world *world)
{
    struct request_head head = {
        .method = PICK(world, "GET", "POST", "PUT"),
        .scheme = SLICE("http"),
        .authority = make_authority(world),
        .path = make_path(world),
        .minor_version = 1,
    };
    head.raw_target = pick(world, 3) == 0 ? make_path(world) : head.path;
    for (size_t i = pick(world, 4); i > 0; --i)
        headers_add(&head.headers, &world->arena, PICK(world, "x", "X", "Y", "x-y", "z"), make_value(world));
    return head;
}

static int find_naively(const struct world *world, const struct request_head *head, struct slice listener)
{
    for (size_t i = 0; i < world->count; ++i) {
        if (rule_matches(&world->rules[i], head, listener))
            return (int)i;
    }
    return ROUTER_NONE;
}

static void assert_finds_as_naively(uint64_t seed)
{
    struct world world;
    make_world(&world, seed);
    struct router *router = router_create(world.rules, world.count);
    for (int i = 0; i < 100; ++i) {
        struct request_head head = make_request(&world);
        struct slice listener = PICK(&world, "", "one", "two");
        int expected = find_naively(&world, &head, listener), found = router_find(router, &head, listener);
        if (found != expected)
            fail_msg("seed %llu, request %d: rule %d instead of %d", (unsigned long long)seed, i, found, expected);
        if (found == ROUTER_NONE)
            continue;
        int next = found + 1;
        while (next < (int)world.count && !rule_matches(&world.rules[next], &head, listener))
            ++next;
        int expected_next = next < (int)world.count ? next : ROUTER_NONE;
        assert_int_equal(router_find_from(router, &head, listener, found + 1), expected_next);
    }
    router_destroy(router);
    arena_finish(&world.arena);
}

static uint64_t fresh_seed(void)
{
    uint64_t seed = (uint64_t)time(NULL);
    print_message("# seed %llu\n", (unsigned long long)seed);
    return seed;
}

enum {
    FIXED_SEEDS = 4000,
    FRESH_SEEDS = 1000,
};

static void finds_what_trying_one_by_one_finds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FIXED_SEEDS; ++seed)
        assert_finds_as_naively(seed);
    uint64_t fresh = fresh_seed();
    for (uint64_t seed = fresh; seed < fresh + FRESH_SEEDS; ++seed)
        assert_finds_as_naively(seed);
}

/* Counts the shadows among the rules, after making sure that each takes what its rule would. */
static size_t assert_shadows_are_sound(uint64_t seed)
{
    struct world world;
    make_world(&world, seed);
    struct router *router = router_create(world.rules, world.count);
    size_t shadows = 0;
    int shadow_of[sizeof(world.rules) / sizeof(world.rules[0])];
    for (size_t i = 0; i < world.count; ++i) {
        shadow_of[i] = router_find_shadow(router, (int)i);
        assert_true(shadow_of[i] < (int)i);
        shadows += shadow_of[i] != ROUTER_NONE;
    }
    for (int request = 0; request < 100; ++request) {
        struct request_head head = make_request(&world);
        struct slice listener = PICK(&world, "", "one", "two");
        for (size_t i = 0; i < world.count; ++i) {
            if (shadow_of[i] != ROUTER_NONE && rule_matches(&world.rules[i], &head, listener) &&
                !rule_matches(&world.rules[shadow_of[i]], &head, listener))
                fail_msg("seed %llu: rule %zu is not shadowed by %d", (unsigned long long)seed, i, shadow_of[i]);
        }
    }
    router_destroy(router);
    arena_finish(&world.arena);
    return shadows;
}

static void a_shadow_takes_all_that_its_rule_would(void **state)
{
    (void)state;
    size_t shadows = 0;
    for (uint64_t seed = 1; seed <= FIXED_SEEDS / 4; ++seed)
        shadows += assert_shadows_are_sound(seed);
    uint64_t fresh = fresh_seed();
    for (uint64_t seed = fresh; seed < fresh + FRESH_SEEDS / 4; ++seed)
        shadows += assert_shadows_are_sound(seed);
    assert_true(shadows > 1000);
}

/* One pattern for each subject, in short: NULL is no condition. "=" exact, "~" absent, "x*" prefix, "*x" suffix,
 * otherwise what is usual: a segment for paths, exact for hosts and methods, a prefix for header values. */
struct shorthand {
    const char *host, *path, *method, *listener, *header, *value;
    bool is_raw;
};

struct shorthand_match {
    struct match_settings match;
    struct header_condition header;
    struct pattern patterns[5];
};

static struct pattern_list expand_pattern(const char *text, enum pattern_kind usual, struct pattern *pattern)
{
    if (text == NULL)
        return (struct pattern_list){0};
    struct slice rest = slice_from_text(text);
    *pattern = (struct pattern){.kind = usual, .text = rest};
    if (usual != PATTERN_PREFIX && slice_ends_with(rest, SLICE("*")))
        *pattern = (struct pattern){.kind = PATTERN_PREFIX, .text = slice_of(text, rest.length - 1)};
    else if (slice_starts_with(rest, SLICE("*")))
        *pattern = (struct pattern){.kind = PATTERN_SUFFIX, .text = slice_skip(rest, 1)};
    else if (slice_starts_with(rest, SLICE("=")))
        *pattern = (struct pattern){.kind = PATTERN_EXACT, .text = slice_skip(rest, 1)};
    else if (slice_equals(rest, SLICE("~")))
        *pattern = (struct pattern){.kind = PATTERN_ABSENT};
    return (struct pattern_list){pattern, 1};
}

static void expand(const struct shorthand *shorthand, struct shorthand_match *out)
{
    enum pattern_kind path_kind = shorthand->is_raw ? PATTERN_PREFIX : PATTERN_SEGMENT;
    out->match = (struct match_settings){
        .hosts = expand_pattern(shorthand->host, PATTERN_EXACT, &out->patterns[0]),
        .paths = expand_pattern(shorthand->path, path_kind, &out->patterns[1]),
        .methods = expand_pattern(shorthand->method, PATTERN_EXACT, &out->patterns[2]),
        .listeners = expand_pattern(shorthand->listener, PATTERN_EXACT, &out->patterns[3]),
        .headers = &out->header,
        .header_count = shorthand->header != NULL,
        .is_raw_target = shorthand->is_raw,
    };
    out->header = (struct header_condition){
        .name = slice_from_text(shorthand->header),
        .values = expand_pattern(shorthand->value, PATTERN_PREFIX, &out->patterns[4]),
    };
}

struct match_case {
    struct shorthand rule;
    const char *method, *authority, *path, *raw_target, *listener;
    const char *x1, *x2; /* values of fields called X */
    bool matches;
};

#define FITS  .matches = true
#define MISS  .matches = false
#define PATH  .path
#define HOST  .authority
#define ASKED .method = "GET", .listener = "main", .raw_target = "/raw?q"

static const struct match_case match_cases[] = {
    {{0}, ASKED, PATH = "/", FITS},
    {{.path = "/"}, ASKED, PATH = "/", FITS},
    {{.path = "/"}, ASKED, PATH = "/a/b", FITS},
    {{.path = "/admin"}, ASKED, PATH = "/admin", FITS},
    {{.path = "/admin"}, ASKED, PATH = "/admin/", FITS},
    {{.path = "/admin"}, ASKED, PATH = "/admin/x", FITS},
    {{.path = "/admin"}, ASKED, PATH = "/administrator", MISS},
    {{.path = "/admin"}, ASKED, PATH = "/adm", MISS},
    {{.path = "/admin"}, ASKED, PATH = "/Admin", MISS},
    {{.path = "/admin"}, ASKED, PATH = "/admin;x", MISS},
    {{.path = "/admin"}, ASKED, PATH = "/x/admin", MISS},
    {{.path = "/admin/"}, ASKED, PATH = "/admin", MISS},
    {{.path = "/admin/"}, ASKED, PATH = "/admin/", FITS},
    {{.path = "/admin/"}, ASKED, PATH = "/admin/x", FITS},
    {{.path = "/admin*"}, ASKED, PATH = "/administrator", FITS},
    {{.path = "/admin*"}, ASKED, PATH = "/admin", FITS},
    {{.path = "/admin*"}, ASKED, PATH = "/adm", MISS},
    {{.path = "=/admin"}, ASKED, PATH = "/admin", FITS},
    {{.path = "=/admin"}, ASKED, PATH = "/admin/", MISS},
    {{.path = "=/"}, ASKED, PATH = "/", FITS},
    {{.path = "=/"}, ASKED, PATH = "/a", MISS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "example.com", FITS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "EXAMPLE.Com", FITS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "example.com:8069", FITS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "example.com.", FITS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "example.com.:80", FITS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "example.com..", MISS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "www.example.com", MISS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "example.community", MISS},
    {{.host = "example.com"}, ASKED, PATH = "/", HOST = "", MISS},
    {{.host = "*.example.com"}, ASKED, PATH = "/", HOST = "www.example.com", FITS},
    {{.host = "*.example.com"}, ASKED, PATH = "/", HOST = "a.b.Example.com:80", FITS},
    {{.host = "*.example.com"}, ASKED, PATH = "/", HOST = "example.com", MISS},
    {{.host = "*.example.com"}, ASKED, PATH = "/", HOST = "badexample.com", MISS},
    {{.host = "api*"}, ASKED, PATH = "/", HOST = "api.example.com", FITS},
    {{.host = "api*"}, ASKED, PATH = "/", HOST = "API2", FITS},
    {{.host = "api*"}, ASKED, PATH = "/", HOST = "ap", MISS},
    {{.host = "*"}, ASKED, PATH = "/", HOST = "any", FITS},
    {{.host = "*"}, ASKED, PATH = "/", HOST = "", MISS},
    {{.host = "::1"}, ASKED, PATH = "/", HOST = "[::1]", FITS},
    {{.host = "::1"}, ASKED, PATH = "/", HOST = "[::1]:8069", FITS},
    {{.host = "2001:db8::a"}, ASKED, PATH = "/", HOST = "[2001:DB8::A]", FITS},
    {{.host = "127.0.0.1"}, ASKED, PATH = "/", HOST = "127.0.0.1:80", FITS},
    {{.method = "GET"}, ASKED, PATH = "/", FITS},
    {{.method = "get"}, ASKED, PATH = "/", MISS},
    {{.method = "POST"}, ASKED, PATH = "/", MISS},
    {{.listener = "main"}, ASKED, PATH = "/", FITS},
    {{.listener = "other"}, ASKED, PATH = "/", MISS},
    {{.header = "x", .value = "a"}, ASKED, PATH = "/", .x1 = "abc", FITS},
    {{.header = "X", .value = "a"}, ASKED, PATH = "/", .x1 = "abc", FITS},
    {{.header = "x", .value = "A"}, ASKED, PATH = "/", .x1 = "abc", MISS},
    {{.header = "x", .value = "=a"}, ASKED, PATH = "/", .x1 = "abc", MISS},
    {{.header = "x", .value = "=abc"}, ASKED, PATH = "/", .x1 = "abc", FITS},
    {{.header = "x", .value = ""}, ASKED, PATH = "/", .x1 = "", FITS},
    {{.header = "x", .value = ""}, ASKED, PATH = "/", MISS},
    {{.header = "x", .value = "~"}, ASKED, PATH = "/", FITS},
    {{.header = "x", .value = "~"}, ASKED, PATH = "/", .x1 = "", MISS},
    {{.header = "x", .value = "b"}, ASKED, PATH = "/", .x1 = "a", .x2 = "b", FITS},
    {{.header = "x", .value = "b", .is_raw = true}, ASKED, PATH = "/", .x1 = "a", .x2 = "b", MISS},
    {{.header = "x", .value = "a", .is_raw = true}, ASKED, PATH = "/", .x1 = "a", .x2 = "b", FITS},
    {{.header = "host", .value = "iam"}, ASKED, PATH = "/", HOST = "iam.example:80", FITS},
    {{.header = "Host", .value = "iam"}, ASKED, PATH = "/", HOST = "Iam", MISS},
    {{.header = "host", .value = "=iam:80"}, ASKED, PATH = "/", HOST = "iam:80", FITS},
    {{.header = "host", .value = "~"}, ASKED, PATH = "/", HOST = "", FITS},
    {{.header = "host", .value = "~"}, ASKED, PATH = "/", HOST = "a", MISS},
    {{.path = "/raw", .is_raw = true}, ASKED, PATH = "/", FITS},
    {{.path = "/raw?q", .is_raw = true}, ASKED, PATH = "/", FITS},
    {{.path = "/r", .is_raw = true}, ASKED, PATH = "/", FITS},
    {{.path = "/raw?q=1", .is_raw = true}, ASKED, PATH = "/", MISS},
    {{.path = "/x", .is_raw = true}, ASKED, PATH = "/x", MISS},
    {{.path = "/a", .host = "h", .method = "GET"}, ASKED, PATH = "/a", HOST = "h", FITS},
    {{.path = "/a", .host = "h", .method = "GET"}, ASKED, PATH = "/a", HOST = "i", MISS},
    {{.path = "/a", .host = "h", .method = "GET"}, ASKED, PATH = "/b", HOST = "h", MISS},
    {{.path = "/a", .host = "h", .method = "PUT"}, ASKED, PATH = "/a", HOST = "h", MISS},
};

static void each_condition_means_what_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); ++i) {
        const struct match_case *c = &match_cases[i];
        struct shorthand_match expanded;
        expand(&c->rule, &expanded);
        const struct match_settings *matches[] = {&expanded.match};
        struct rule rule = {matches, 1};
        struct header fields[] = {{SLICE("Accept"), SLICE("*/*")},
                                  {SLICE("X"), slice_from_text(c->x1)},
                                  {SLICE("X"), slice_from_text(c->x2)}};
        struct request_head head = {
            .method = slice_from_text(c->method),
            .authority = slice_from_text(c->authority),
            .path = slice_from_text(c->path),
            .raw_target = slice_from_text(c->raw_target),
            .headers = {.items = fields,
                        .count = c->x2 != NULL   ? 3
                                 : c->x1 != NULL ? 2
                                                 : 1},
        };
        struct router *router = router_create(&rule, 1);
        if (rule_matches(&rule, &head, slice_from_text(c->listener)) != c->matches)
            fail_msg("case %zu, tried by itself", i);
        if ((router_find(router, &head, slice_from_text(c->listener)) == 0) != c->matches)
            fail_msg("case %zu, found by the router", i);
        router_destroy(router);
    }
}

static void a_host_too_long_for_a_name_counts_as_none(void **state)
{
    (void)state;
    struct shorthand_match expanded;
    expand(&(struct shorthand){.host = "*"}, &expanded);
    const struct match_settings *matches[] = {&expanded.match};
    struct rule rule = {matches, 1};
    char host[300];
    memset(host, 'a', sizeof(host));
    struct request_head head = {.path = SLICE("/"), .authority = slice_of(host, 256)};
    struct router *router = router_create(&rule, 1);
    assert_int_equal(router_find(router, &head, SLICE("")), 0);
    head.authority.length = 257;
    assert_int_equal(router_find(router, &head, SLICE("")), ROUTER_NONE);
    router_destroy(router);
}

/* Rules that differ in the length of a text alone, so that the tree's labels have all lengths. */
static void texts_of_any_length_are_told_apart(void **state)
{
    (void)state;
    enum {
        LONGEST = 100,
    };
    static struct shorthand_match expanded[LONGEST];
    static char paths[LONGEST][LONGEST + 4];
    const struct match_settings *matches[LONGEST];
    struct rule rules[LONGEST];
    for (size_t i = 0; i < LONGEST; ++i) {
        memset(paths[i], 'a', i + 2);
        memcpy(paths[i], "=/", 2);
        memcpy(paths[i] + i + 2, i % 2 == 0 ? "b" : "c", 2);
        expand(&(struct shorthand){.path = paths[i]}, &expanded[i]);
        matches[i] = &expanded[i].match;
        rules[i] = (struct rule){&matches[i], 1};
    }
    for (size_t count = 1; count <= LONGEST; ++count) {
        struct router *router = router_create(&rules[LONGEST - count], count);
        for (size_t i = 0; i < LONGEST; ++i) {
            struct request_head head = {.path = slice_from_text(paths[i] + 1)};
            int expected = i < LONGEST - count ? ROUTER_NONE : (int)(i - (LONGEST - count));
            assert_int_equal(router_find(router, &head, SLICE("")), expected);
            --head.path.length;
            assert_int_equal(router_find(router, &head, SLICE("")), ROUTER_NONE);
        }
        router_destroy(router);
    }
}

struct shadow_case {
    struct shorthand first, second;
    bool is_shadowed;
};

static const struct shadow_case shadow_cases[] = {
    {{0}, {.path = "/a"}, true},
    {{.path = "/"}, {0}, true},
    {{.path = "/*"}, {.host = "h"}, true},
    {{.path = "=/"}, {0}, false},
    {{.path = "/a"}, {.path = "/a"}, true},
    {{.path = "/a"}, {.path = "/a/b"}, true},
    {{.path = "/a"}, {.path = "/a/"}, true},
    {{.path = "/a/"}, {.path = "/a"}, false},
    {{.path = "/a"}, {.path = "=/a"}, true},
    {{.path = "/a"}, {.path = "/a*"}, false},
    {{.path = "/a"}, {.path = "/a/*"}, true},
    {{.path = "/a"}, {.path = "/ab"}, false},
    {{.path = "/a*"}, {.path = "/ab"}, true},
    {{.path = "=/a"}, {.path = "/a"}, false},
    {{.path = "/a"}, {.path = "/b"}, false},
    {{.path = "/a"}, {0}, false},
    {{.host = "h", .path = "/"}, {.path = "/"}, false},
    {{.host = "h", .path = "/"}, {.host = "h", .path = "/x"}, true},
    {{.host = "*.b"}, {.host = "a.b"}, true},
    {{.host = "*.b"}, {.host = "*.a.b"}, true},
    {{.host = "*.a.b"}, {.host = "*.b"}, false},
    {{.host = "*.b"}, {.host = "b"}, false},
    {{.host = "a*"}, {.host = "a.b"}, true},
    {{.host = "a*"}, {.host = "*.a"}, false},
    {{.host = "*"}, {.host = "b"}, true},
    {{.host = "*"}, {0}, false},
    {{.method = "GET"}, {.method = "GET", .path = "/a"}, true},
    {{.method = "GET"}, {.method = "POST"}, false},
    {{.method = "GET"}, {0}, false},
    {{.listener = "one"}, {.listener = "one", .method = "GET"}, true},
    {{.header = "x", .value = "a"}, {.header = "X", .value = "ab"}, true},
    {{.header = "x", .value = "ab"}, {.header = "x", .value = "a"}, false},
    {{.header = "x", .value = "a"}, {.header = "y", .value = "a"}, false},
    {{.header = "x", .value = "~"}, {.header = "x", .value = "~"}, true},
    {{.header = "x", .value = ""}, {.header = "x", .value = "=a"}, true},
    {{.header = "x", .value = ""}, {0}, false},
    {{.header = "x", .value = "a", .is_raw = true}, {.header = "x", .value = "a"}, false},
    {{.header = "x", .value = "a"}, {.header = "x", .value = "a", .is_raw = true}, true},
    {{.path = "/a", .is_raw = true}, {.path = "/a/b", .is_raw = true}, true},
    {{.path = "/a", .is_raw = true}, {.path = "/a/b"}, false},
    {{.path = "/", .is_raw = true}, {0}, false},
};

static void a_rule_that_cannot_match_is_told_with_what_takes_its_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shadow_cases) / sizeof(shadow_cases[0]); ++i) {
        struct shorthand_match first, second, other;
        expand(&shadow_cases[i].first, &first);
        expand(&shadow_cases[i].second, &second);
        expand(&(struct shorthand){.host = "other", .path = "/other"}, &other);
        const struct match_settings *matches[] = {&other.match, &first.match, &other.match, &second.match};
        struct rule rules[] = {{&matches[0], 1}, {&matches[1], 1}, {&matches[3], 1}};
        struct router *router = router_create(rules, 3);
        int shadow = router_find_shadow(router, 2);
        if (shadow != (shadow_cases[i].is_shadowed ? 1 : ROUTER_NONE))
            fail_msg("case %zu: %d", i, shadow);
        router_destroy(router);
    }
}

static void a_router_without_rules_finds_nothing(void **state)
{
    (void)state;
    struct router *router = router_create(NULL, 0);
    struct request_head head = {.path = SLICE("/")};
    assert_int_equal(router_find(router, &head, SLICE("")), ROUTER_NONE);
    router_destroy(router);
    router_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_means_what_it_should),
        cmocka_unit_test(a_host_too_long_for_a_name_counts_as_none),
        cmocka_unit_test(a_router_without_rules_finds_nothing),
        cmocka_unit_test(texts_of_any_length_are_told_apart),
        cmocka_unit_test(finds_what_trying_one_by_one_finds),
        cmocka_unit_test(a_rule_that_cannot_match_is_told_with_what_takes_its_requests),
        cmocka_unit_test(a_shadow_takes_all_that_its_rule_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
