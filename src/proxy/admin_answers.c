#include "proxy/admin_answers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metrics_text.h"
#include "base/state_text.h"
#include "files/fixed_response.h"

#include <stdlib.h>

/* A page's text goes to out. Returns the status. */
struct admin_page {
    const char *path;
    const char *type;
    int (*write)(const struct admin_sources *sources, struct text *out);
};

static int write_health(const struct admin_sources *sources, struct text *out)
{
    text_add(out, SLICE("ok\n"));
    return 200;
}

/* Nobody is here before a generation serves, and while one follows another somebody serves all the time. */
static int write_readiness(const struct admin_sources *sources, struct text *out)
{
    const struct supervision *supervision = sources->supervision;
    bool is_stopping = sources->is_stopping;
    if (supervision != NULL)
        is_stopping = is_stopping || __atomic_load_n(&supervision->is_stopping, __ATOMIC_RELAXED) != 0;
    text_add(out, is_stopping ? SLICE("stopping\n") : SLICE("ready\n"));
    return is_stopping ? 503 : 200;
}

/* One that an upstream names twice is told once. */
static bool note(uint64_t seen[SERVER_STATES_COUNT / 64], uint32_t number)
{
    uint64_t bit = UINT64_C(1) << number % 64;
    if (number >= SERVER_STATES_COUNT || (seen[number / 64] & bit) != 0)
        return false;
    seen[number / 64] |= bit;
    return true;
}

static void add_servers(const struct admin_sources *sources, struct text *out)
{
    const struct settings *settings = sources->settings;
    const uint32_t *number = sources->server_numbers;
    uint64_t seen[SERVER_STATES_COUNT / 64] = {0};
    struct state_server *servers = mem_alloc(SERVER_STATES_COUNT * sizeof(*servers));
    size_t count = 0;
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        const struct upstream_settings *upstream = settings->upstreams[i];
        for (size_t j = 0; j < upstream->server_count; ++j, ++number) {
            if (note(seen, *number))
                servers[count++] = (struct state_server){.upstream = upstream->name,
                                                         .url = upstream->servers[j].url,
                                                         .state = &sources->servers->states[*number]};
        }
    }
    state_text_add_servers(servers, count, clock_monotonic_us() / 1000, out);
    free(servers);
}

static int write_metrics(const struct admin_sources *sources, struct text *out)
{
    if (sources->supervision != NULL)
        state_text_add_supervision(sources->supervision, out);
    if (sources->servers != NULL)
        add_servers(sources, out);
    uint32_t serving = sources->supervision == NULL ? UINT32_MAX : sources->supervision->generation;
    if (sources->metrics != NULL)
        metrics_text_add(sources->metrics, serving, out);
    return 200;
}

static const struct admin_page *find_page(struct slice path)
{
    static const struct admin_page pages[] = {
        {"/healthz", "text/plain; charset=utf-8", write_health},
        {"/readyz", "text/plain; charset=utf-8", write_readiness},
        {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); ++i) {
        if (slice_equals(path, slice_from_text(pages[i].path)))
            return &pages[i];
    }
    return NULL;
}

static void add_header(struct exchange *exchange, struct slice name, struct slice value)
{
    headers_add(&exchange->response.headers, &exchange->arena, name, value);
}

static struct response_source refuse(struct exchange *exchange, int status, struct slice text,
                                     void (*on_over)(struct exchange *exchange))
{
    add_header(exchange, SLICE("content-type"), SLICE("text/plain; charset=utf-8"));
    return fixed_response_send(exchange, status, text, on_over);
}

static bool is_read(struct slice method)
{
    return slice_equals(method, SLICE("GET")) || slice_equals(method, SLICE("HEAD"));
}

struct response_source admin_answers_give(void *data, struct exchange *exchange,
                                          void (*on_over)(struct exchange *exchange))
{
    const struct admin_page *page = find_page(exchange->request.path);
    struct text text = TEXT_INIT;
    if (page == NULL)
        return refuse(exchange, 404, SLICE("/healthz, /readyz and /metrics are here\n"), on_over);
    if (!is_read(exchange->request.method)) {
        add_header(exchange, SLICE("allow"), SLICE("GET, HEAD"));
        return refuse(exchange, 405, SLICE("GET and HEAD are allowed here\n"), on_over);
    }
    int status = page->write(data, &text);
    struct slice body = arena_copy(&exchange->arena, text_slice(&text));
    text_finish(&text);
    add_header(exchange, SLICE("content-type"), slice_from_text(page->type));
    add_header(exchange, SLICE("cache-control"), SLICE("no-store"));
    return fixed_response_send(exchange, status, body, on_over);
}
