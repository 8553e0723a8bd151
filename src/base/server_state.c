#include "base/server_state.h"

#include <inttypes.h>
#include <stdio.h>

void server_state_drain(struct server_state *state)
{
    __atomic_store_n(&state->is_drained, 1, __ATOMIC_RELAXED);
}

void server_state_make_ready(struct server_state *state, uint64_t now_ms)
{
    if (__atomic_load_n(&state->is_drained, __ATOMIC_RELAXED) == 0)
        return;
    /* whoever sees it ready sees that it starts slowly */
    __atomic_store_n(&state->recovered_ms, now_ms, __ATOMIC_RELAXED);
    __atomic_store_n(&state->is_drained, 0, __ATOMIC_RELEASE);
}

void server_state_describe(const struct server_state *state, uint64_t now_ms, char text[SERVER_STATE_TEXT_BYTES])
{
    uint64_t ejected_until_ms = __atomic_load_n(&state->ejected_until_ms, __ATOMIC_RELAXED);
    uint64_t recovered_ms = __atomic_load_n(&state->recovered_ms, __ATOMIC_RELAXED);
    uint64_t slow_start_ms = __atomic_load_n(&state->slow_start_ms, __ATOMIC_RELAXED);
    const char *word = "ready";
    if (__atomic_load_n(&state->is_drained, __ATOMIC_RELAXED) != 0) {
        word = "draining";
    } else if (__atomic_load_n(&state->check, __ATOMIC_RELAXED) == SERVER_CHECK_BAD) {
        word = "unhealthy";
    } else if (ejected_until_ms > now_ms) {
        uint64_t left_ms = ejected_until_ms - now_ms;
        snprintf(text, SERVER_STATE_TEXT_BYTES, "ejected (%" PRIu64 " s left)", left_ms / 1000 + (left_ms % 1000 != 0));
        return;
    } else if (recovered_ms != 0 && recovered_ms <= now_ms && now_ms - recovered_ms < slow_start_ms) {
        word = "starting";
    }
    snprintf(text, SERVER_STATE_TEXT_BYTES, "%s", word);
}
