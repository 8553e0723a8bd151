#include "base/supervision.h"

#include <stdio.h>

void supervision_name_program(struct supervision *supervision, const char *program_version)
{
    snprintf(supervision->program_version, sizeof(supervision->program_version), "%s", program_version);
}

void supervision_init(struct supervision *supervision, const char *program_version, uint64_t now_ms)
{
    supervision->magic = SUPERVISION_MAGIC;
    supervision->version = SUPERVISION_VERSION;
    supervision->size = sizeof(*supervision);
    supervision->started_ms = now_ms;
    supervision_name_program(supervision, program_version);
}

bool supervision_is_known(const struct supervision *supervision)
{
    return supervision->magic == SUPERVISION_MAGIC && supervision->version == SUPERVISION_VERSION &&
           supervision->size == sizeof(*supervision);
}

/* There is one writer, so only readers have to be thought of: they see a whole number, old or new. */
static void show(uint32_t *place, uint32_t value)
{
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
}

static void add(uint64_t *place, uint64_t amount)
{
    __atomic_store_n(place, *place + amount, __ATOMIC_RELAXED);
}

void supervision_show_generation(struct supervision *supervision, uint32_t generation)
{
    show(&supervision->generation, generation);
}

void supervision_show_generations(struct supervision *supervision, uint32_t count)
{
    if (supervision->generations != count)
        show(&supervision->generations, count);
}

void supervision_show_stopping(struct supervision *supervision)
{
    show(&supervision->is_stopping, 1);
}

void supervision_show_starter(struct supervision *supervision, bool has_starter)
{
    show(&supervision->has_starter, has_starter);
}

void supervision_count_reload(struct supervision *supervision, enum supervision_reload result, uint64_t now_ms)
{
    add(&supervision->reloads[result], 1);
    __atomic_store_n(&supervision->last_reload_ms, now_ms, __ATOMIC_RELAXED);
    show(&supervision->last_reload, (uint32_t)result);
    show(&supervision->is_reload_known, 1);
}

void supervision_count_crash(struct supervision *supervision, enum supervision_crash kind)
{
    add(&supervision->crashes[kind], 1);
}

void supervision_count_loop(struct supervision *supervision, enum supervision_loop result)
{
    add(&supervision->loops[result], 1);
}

void supervision_show_libraries(struct supervision *supervision, uint32_t refused, uint32_t quarantined)
{
    show(&supervision->refused_libraries, refused);
    show(&supervision->quarantined_libraries, quarantined);
}

void supervision_count_restart(struct supervision *supervision)
{
    add(&supervision->restarts, 1);
}

void supervision_count_blocked(struct supervision *supervision, uint64_t blocked_us)
{
    add(&supervision->blocked_turns, 1);
    add(&supervision->blocked_us, blocked_us);
}

void supervision_add_blocked(struct supervision *supervision, uint64_t blocked_us)
{
    add(&supervision->blocked_us, blocked_us);
}

const char *supervision_reload_name(uint32_t result)
{
    static const char *const names[] = {"succeeded", "failed", "unchanged", "rolled_back"};
    return result < SUPERVISION_RELOAD_COUNT ? names[result] : "";
}

const char *supervision_crash_name(uint32_t kind)
{
    static const char *const names[] = {"signal", "exit", "stuck", "thread", "runner"};
    return kind < SUPERVISION_CRASH_COUNT ? names[kind] : "";
}

const char *supervision_loop_name(uint32_t result)
{
    static const char *const names[] = {"rolled_back", "quarantined", "restarting"};
    return result < SUPERVISION_LOOP_COUNT ? names[result] : "";
}
