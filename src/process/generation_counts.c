#include "process/generation_counts.h"

#include "process/generation_own.h"

struct generation_counts generation_count(const struct generation *generation)
{
    struct generation_counts counts = {0};
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL)
            continue;
        struct slot slot = slots_read(&generation->supplies->slots, worker->slot);
        ++counts.workers;
        counts.requests += slot.requests;
        counts.tunnels += slot.tunnels;
        counts.connections += slot.connections;
    }
    return counts;
}

static void add_count(uint64_t count, const char *what, struct text *out, size_t start)
{
    if (count != 0)
        text_print(out, "%s%llu %s%s", out->length == start ? "" : ", ", (unsigned long long)count, what,
                   count == 1 ? "" : "s");
}

void generation_counts_explain(const struct generation_counts *counts, struct text *out)
{
    size_t start = out->length;
    /* Several requests of HTTP/2 may share a connection, so this is the least there can be. */
    uint64_t busy = counts->requests + counts->tunnels;
    add_count(counts->requests, "request", out, start);
    add_count(counts->tunnels, "tunnel", out, start);
    add_count(counts->connections > busy ? counts->connections - busy : 0, "idle connection", out, start);
    if (out->length == start)
        text_add(out, counts->connections != 0 ? SLICE("open connections") : SLICE("what filters have begun"));
}
