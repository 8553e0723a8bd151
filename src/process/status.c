#include "process/status.h"

#include "base/clock.h"
#include "process/generation_counts.h"
#include "process/manifest.h"
#include "process/runners.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void add_print(struct text *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_print(struct text *answer, const char *format, ...)
{
    char field[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(field, sizeof(field), format, arguments);
    va_end(arguments);
    control_add_field(answer, slice_from_text(field));
}

static const char *state_name(const struct generation *generation)
{
    static const char *const names[] = {
        [GENERATION_STARTING] = "starting", [GENERATION_READY] = "ready",   [GENERATION_SERVING] = "serving",
        [GENERATION_DRAINING] = "draining", [GENERATION_FAILED] = "failed",
    };
    return names[generation_state(generation)];
}

static void add_generation(const struct generation *generation, struct text *answer)
{
    struct generation_counts counts = generation_count(generation);
    if (generation_state(generation) == GENERATION_FAILED && counts.workers == 0)
        return;
    control_add_field(answer, SLICE("generation"));
    add_print(answer, "%u", generation_number(generation));
    control_add_field(answer, slice_from_text(state_name(generation)));
    add_print(answer, "%u", counts.workers);
    add_print(answer, "%llu", (unsigned long long)counts.requests);
    add_print(answer, "%llu", (unsigned long long)counts.tunnels);
    add_print(answer, "%llu", (unsigned long long)counts.connections);
    add_print(answer, "%.3f", (double)(clock_monotonic_us() - generation_began_us(generation)) / 1e6);
    control_end_line(answer);
    if (generation_snapshot(generation)->number != generation_number(generation)) {
        control_add_field(answer, SLICE("snapshot"));
        add_print(answer, "%u", generation_number(generation));
        add_print(answer, "%u", generation_snapshot(generation)->number);
        control_end_line(answer);
    }
    if (generation_state(generation) != GENERATION_DRAINING)
        return;
    struct text why = TEXT_INIT;
    generation_counts_explain(&counts, &why);
    control_add_field(answer, SLICE("draining"));
    add_print(answer, "%u", generation_number(generation));
    control_add_field(answer, text_slice(&why));
    control_end_line(answer);
    text_finish(&why);
}

static void add_runners(const struct generation *generation, struct text *answer)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        const struct runner_group *group = generation_runner(generation, i);
        if (group->name == NULL)
            continue;
        control_add_field(answer, SLICE("runner"));
        add_print(answer, "%u", generation_number(generation));
        control_add_field(answer, slice_from_text(group->name));
        add_print(answer, "%u", runner_group_count(group));
        add_print(answer, "%u", group->deaths);
        control_end_line(answer);
    }
}

static void add_manifest(const struct generation *generation, struct text *answer)
{
    struct manifest manifest;
    if (!manifest_open(&manifest, generation_snapshot(generation)->folder))
        return;
    for (size_t i = 0; i < manifest.count; ++i) {
        const struct manifest_line *line = &manifest.lines[i];
        if (!slice_equals(line->kind, SLICE("library")) && !slice_equals(line->kind, SLICE("route")))
            continue;
        control_add_field(answer, line->kind);
        control_add_field(answer, line->name);
        control_add_field(answer, line->digest);
        control_add_field(answer, line->third);
        control_add_field(answer, line->fourth);
        control_end_line(answer);
    }
    manifest_close(&manifest);
}

static void add_reload(const struct reload *reload, const char *result, struct text *answer)
{
    struct text causes = TEXT_INIT;
    if (reload == NULL)
        return;
    uint64_t now_ms = clock_unix_ms();
    reload_print_causes(reload, &causes);
    control_add_field(answer, SLICE("reload"));
    add_print(answer, "%u", reload->id);
    control_add_field(answer, text_slice(&causes));
    control_add_field(answer, slice_from_text(result == NULL ? reload_result_name(reload->result) : result));
    add_print(answer, "%.3f", now_ms > reload->began_ms ? (double)(now_ms - reload->began_ms) / 1e3 : 0.0);
    add_print(answer, "%u", reload->generation);
    control_add_field(answer, text_slice(&reload->sentence));
    control_end_line(answer);
    text_finish(&causes);
}

static void add_refused(void *data, struct slice library, struct slice hash)
{
    struct text *answer = data;
    control_add_field(answer, SLICE("refused"));
    control_add_field(answer, library);
    control_add_field(answer, hash);
    control_end_line(answer);
}

static void add_crashing(const struct generations *generations, struct text *answer)
{
    const struct crash_policy *policy = &generations->supplies->crashes;
    crash_policy_each_refused(policy, add_refused, answer);
    for (const struct crashing_library *library = policy->quarantined; library != NULL; library = library->next) {
        if (generations->serving == NULL || library->generation != generation_number(generations->serving))
            continue;
        control_add_field(answer, SLICE("quarantine"));
        control_add_field(answer, slice_from_text(library->path));
        control_end_line(answer);
    }
    for (const struct crashing_library *library = policy->going_on; library != NULL; library = library->next) {
        if (generations->serving == NULL || library->generation != generation_number(generations->serving))
            continue;
        control_add_field(answer, SLICE("crashing"));
        control_add_field(answer, slice_from_text(library->path));
        add_print(answer, "%u", library->loops);
        add_print(answer, "%.3f", (double)(clock_monotonic_us() - library->last_us) / 1e6);
        control_end_line(answer);
    }
}

void status_print(const struct reloads *reloads, struct text *answer)
{
    const struct generations *generations = reloads->generations;
    control_add_field(answer, SLICE("program"));
    control_add_field(answer, SLICE(FLEXILIB_VERSION));
    add_print(answer, "%d", (int)getpid());
    control_add_field(answer, slice_from_text(generations->supplies->config));
    control_add_field(answer, slice_from_text(generations->supplies->is_without_filters ? "off" : "on"));
    control_end_line(answer);
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next)
        add_generation(entry->generation, answer);
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next)
        add_runners(entry->generation, answer);
    if (generations->serving != NULL)
        add_manifest(generations->serving, answer);
    add_crashing(generations, answer);
    add_reload(reloads->last, NULL, answer);
    add_reload(reloads->current, "under way", answer);
    add_reload(reloads->wanted_rollback, "waits", answer);
    add_reload(reloads->wanted, "waits", answer);
    for (int i = 0; i < RELOADS_KEPT && reloads->kept[i] != NULL; ++i) {
        control_add_field(answer, SLICE("kept"));
        add_print(answer, "%u", reloads->kept[i]->number);
        control_end_line(answer);
    }
}
