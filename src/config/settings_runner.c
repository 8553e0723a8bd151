#include "config/settings_reader.h"
#include "config/wording.h"

const char *const runner_isolations[] = {"no", "process", NULL};

enum {
    ISOLATE_PROCESS = 1, /* in runner_isolations */
    USUAL_INSTANCES = 1,
    USUAL_MEMORY_MB = 512,
    USUAL_CALL_TIMEOUT_MS = 10000,
};

static struct runner_settings *add(struct settings_reader *reader, struct slice name, struct place place)
{
    struct settings *settings = reader->settings;
    struct runner_settings *runner = arena_zalloc(reader->arena, sizeof(*runner));
    *runner = (struct runner_settings){
        .number = (unsigned)settings->runner_count,
        .name = name,
        .instances = USUAL_INSTANCES,
        .memory_bytes = (int64_t)USUAL_MEMORY_MB * SETTINGS_MB,
        .call_timeout_ms = USUAL_CALL_TIMEOUT_MS,
        .place = place,
    };
    reader->runner_list = arena_grow(reader->arena, reader->runner_list, settings->runner_count,
                                     &reader->runner_capacity, sizeof(*reader->runner_list));
    reader->runner_list[settings->runner_count++] = runner;
    settings->runners = (const struct runner_settings *const *)reader->runner_list;
    return runner;
}

/* No thread has more of a CPU than it has of time, so a larger one would never count. */
static bool check_cpu_time(struct settings_reader *reader, const struct field_value values[RUNNER_FIELDS])
{
    int64_t timeout_ms = values[RUNNER_CALL_TIMEOUT].integer;
    if (values[RUNNER_CALL_CPU_TIME].integer <= timeout_ms)
        return true;
    return error_set_at(reader->error, values[RUNNER_CALL_CPU_TIME].place,
                        "'call_cpu_time' must not be longer than 'call_timeout', which is %s",
                        wording_duration(reader->arena, timeout_ms));
}

bool runner_read(struct settings_reader *reader, const struct field_value values[RUNNER_FIELDS],
                 struct library_settings *library)
{
    static const char *const names[] = {
        [RUNNER_INSTANCES] = "instances",         [RUNNER_MEMORY] = "memory", [RUNNER_CALL_TIMEOUT] = "call_timeout",
        [RUNNER_CALL_CPU_TIME] = "call_cpu_time", [RUNNER_NICE] = "nice",
    };
    bool is_isolated = values[RUNNER_ISOLATE].integer == ISOLATE_PROCESS;
    for (size_t i = RUNNER_INSTANCES; i < RUNNER_FIELDS && !is_isolated; ++i) {
        if (values[i].written)
            return error_set_at(reader->error, values[i].place,
                                "'%s' is about processes that the library would run in: it needs 'isolate: process'",
                                names[i]);
    }
    if (!is_isolated)
        return true;
    if (!check_cpu_time(reader, values))
        return false;
    struct runner_settings *runner = add(reader, library->name, library->place);
    runner->library = library->name;
    runner->instances = (unsigned)values[RUNNER_INSTANCES].integer;
    runner->memory_bytes = values[RUNNER_MEMORY].integer;
    runner->call_timeout_ms = values[RUNNER_CALL_TIMEOUT].integer;
    runner->call_cpu_time_ms = values[RUNNER_CALL_CPU_TIME].integer;
    runner->nice = (unsigned)values[RUNNER_NICE].integer;
    library->runner = runner;
    return true;
}

/* Steps of one library run in the same process, unless it has one by what stands under `libraries:`. */
static const struct runner_settings *find(const struct settings_reader *reader, const struct step_settings *step)
{
    const struct settings *settings = reader->settings;
    for (size_t i = 0; i < settings->runner_count; ++i) {
        const struct runner_settings *runner = settings->runners[i];
        if (runner->library_is_path == step->library_is_path && slice_equals(runner->library, step->library))
            return runner;
    }
    return NULL;
}

void runner_read_step(struct settings_reader *reader, const struct field_value *isolate, struct step_settings *step)
{
    if (!isolate->written)
        return;
    step->runner = NULL;
    if (isolate->integer != ISOLATE_PROCESS)
        return;
    step->runner = find(reader, step);
    if (step->runner != NULL)
        return;
    struct runner_settings *runner = add(reader, step->library, step->place);
    runner->library = step->library;
    runner->library_is_path = step->library_is_path;
    step->runner = runner;
}

void runner_note_step(const struct settings_reader *reader, const struct step_settings *step)
{
    if (step->runner != NULL)
        reader->runner_list[step->runner->number]->is_used = true;
}
