#include "proxy/server_health.h"

bool server_is_healthy(const struct server *server, uint64_t now_ms)
{
    return true;
}

bool server_is_usable(const struct server *server, uint64_t now_ms)
{
    return __atomic_load_n(&server->state->is_drained, __ATOMIC_RELAXED) == 0 && server_is_healthy(server, now_ms);
}

uint32_t server_weight(const struct server *server, uint64_t now_ms)
{
    uint32_t weight = server->settings->weight;
    return weight == 0 ? 1 : weight * SERVER_WEIGHT_UNIT;
}
