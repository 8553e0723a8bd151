#include "base/state_text.h"

#include "base/metrics_format.h"

#include <inttypes.h>
#include <string.h>

static uint64_t read_number(const uint64_t *place)
{
    return __atomic_load_n(place, __ATOMIC_RELAXED);
}

static void add_one(const char *name, const char *kind, const char *help, double value, struct text *out)
{
    metrics_format_head(name, kind, help, out);
    text_print(out, "%s ", name);
    metrics_format_number(value, out);
    text_add_char(out, '\n');
}

static void add_version(const struct supervision *supervision, struct text *out)
{
    static const char name[] = "flexilib_build_info";
    const char *version = supervision->program_version;
    metrics_format_head(name, "gauge", "Which FlexiLib this is; always 1.", out);
    text_add(out, slice_from_text(name));
    metrics_format_label('{', "version", slice_of(version, strnlen(version, SUPERVISION_TEXT_BYTES)), out);
    text_add(out, SLICE("} 1\n"));
}

/* One sample for each name. */
static void add_each(const char *name, const char *help, const char *label, const uint64_t *counts, uint32_t count,
                     const char *(*name_of)(uint32_t), struct text *out)
{
    metrics_format_head(name, "counter", help, out);
    for (uint32_t i = 0; i < count; ++i) {
        text_add(out, slice_from_text(name));
        metrics_format_label('{', label, slice_from_text(name_of(i)), out);
        text_print(out, "} %" PRIu64 "\n", read_number(&counts[i]));
    }
}

static void add_last_reload(const struct supervision *supervision, struct text *out)
{
    uint32_t result = __atomic_load_n(&supervision->last_reload, __ATOMIC_RELAXED);
    if (__atomic_load_n(&supervision->is_reload_known, __ATOMIC_RELAXED) == 0)
        return;
    add_one("flexilib_last_reload_success", "gauge", "Whether the last reload did not fail.",
            result != SUPERVISION_RELOAD_FAILED, out);
    add_one("flexilib_last_reload_timestamp_seconds", "gauge", "When it was over, in seconds since 1970.",
            (double)read_number(&supervision->last_reload_ms) / 1e3, out);
}

void state_text_add_supervision(const struct supervision *supervision, struct text *out)
{
    add_version(supervision, out);
    add_one("flexilib_start_time_seconds", "gauge", "When the program was started, in seconds since 1970.",
            (double)supervision->started_ms / 1e3, out);
    add_one("flexilib_generation", "gauge", "The number of the generation that serves.",
            __atomic_load_n(&supervision->generation, __ATOMIC_RELAXED), out);
    add_one("flexilib_generations", "gauge", "Generations that have processes, with those that start or drain.",
            __atomic_load_n(&supervision->generations, __ATOMIC_RELAXED), out);
    add_one("flexilib_stopping", "gauge", "Whether the program was told to stop.",
            __atomic_load_n(&supervision->is_stopping, __ATOMIC_RELAXED), out);
    add_each("flexilib_reloads_total", "Reloads that are over.", "result", supervision->reloads,
             SUPERVISION_RELOAD_COUNT, supervision_reload_name, out);
    add_last_reload(supervision, out);
    add_each("flexilib_crashes_total", "Ends of workers that nobody has asked for.", "kind", supervision->crashes,
             SUPERVISION_CRASH_COUNT, supervision_crash_name, out);
    add_each("flexilib_crash_loops_total", "How often a library crashed or hung again and again.", "result",
             supervision->loops, SUPERVISION_LOOP_COUNT, supervision_loop_name, out);
    add_one("flexilib_refused_libraries", "gauge", "Libraries that are refused, for they were rolled back.",
            __atomic_load_n(&supervision->refused_libraries, __ATOMIC_RELAXED), out);
    add_one("flexilib_quarantined_libraries", "gauge", "Libraries whose routes answer 503, for they crashed.",
            __atomic_load_n(&supervision->quarantined_libraries, __ATOMIC_RELAXED), out);
    add_one("flexilib_worker_restarts_total", "counter", "Workers that were started in place of one that had crashed.",
            (double)read_number(&supervision->restarts), out);
    add_one("flexilib_blocked_turns_total", "counter",
            "How often a worker's loop stood still for longer than it should.",
            (double)read_number(&supervision->blocked_turns), out);
    add_one("flexilib_blocked_seconds_total", "counter", "How long, together.",
            (double)read_number(&supervision->blocked_us) / 1e6, out);
}

static bool is_up(const struct server_state *state, uint64_t now_ms)
{
    char words[SERVER_STATE_TEXT_BYTES];
    server_state_describe(state, now_ms, words);
    return strcmp(words, "ready") == 0 || strcmp(words, "starting") == 0;
}

void state_text_add_servers(const struct state_server *servers, size_t count, uint64_t now_ms, struct text *out)
{
    static const char name[] = "flexilib_upstream_server_up";
    if (count == 0)
        return;
    metrics_format_head(name, "gauge", "Whether a server gets requests: it is not drained, unhealthy or ejected.", out);
    for (size_t i = 0; i < count; ++i) {
        text_add(out, slice_from_text(name));
        metrics_format_label('{', "upstream", servers[i].upstream, out);
        metrics_format_label(',', "server", servers[i].url, out);
        text_print(out, "} %d\n", is_up(servers[i].state, now_ms));
    }
}
