#include "process/generation_own.h"

#include "base/alloc.h"

#include <stdlib.h>

bool generation_has_server(const struct generation *generation, int number)
{
    return (generation->server_bits[number / 64] >> (number % 64) & 1) != 0;
}

bool generation_add_server(struct generation *generation, int number)
{
    if (generation_has_server(generation, number))
        return false;
    generation->server_bits[number / 64] |= (uint64_t)1 << (number % 64);
    generation->servers = mem_grow(generation->servers, generation->server_count, &generation->server_capacity,
                                   sizeof(*generation->servers));
    generation->servers[generation->server_count++] = number;
    return true;
}

/* Only the first worker, which has read the configuration and run no code of a library, makes servers known; its
 * siblings get what it got. */
static int number_server(struct generation *generation, const struct worker_process *worker, struct slice upstream,
                         struct slice url)
{
    struct server_table *table = &generation->supplies->servers;
    int number = worker->is_first ? server_table_take(table, upstream, url) : server_table_find(table, upstream, url);
    if (number == -1 || generation_has_server(generation, number))
        return number;
    if (!worker->is_first)
        return -1;
    generation_add_server(generation, number);
    server_table_use(table, number);
    return number;
}

static void tell_shortage(struct generation *generation, struct slice upstream, struct slice url)
{
    if (generation->was_shortage_told)
        return;
    generation->was_shortage_told = true;
    console_log(LOG_LEVEL_WARNING,
                "upstream '%.*s' server %.*s: there is no more room to share what is known of servers (%d have it); "
                "each worker knows this one, and those behind it, for itself",
                SLICE_ARG(upstream), SLICE_ARG(url), SERVER_STATES_COUNT);
}

bool generation_number_servers(struct generation *generation, struct worker_process *worker,
                               const struct message *message)
{
    struct text numbers = TEXT_INIT;
    struct slice rest = message->text;
    int64_t left = message->numbers[1];
    bool is_fine = left > 0 && left <= CHANNEL_SERVERS;
    for (; is_fine && left != 0; --left) {
        struct slice upstream, url;
        is_fine = channel_take_server(&rest, &upstream, &url);
        int number = is_fine ? number_server(generation, worker, upstream, url) : -1;
        if (number != -1)
            text_print(&numbers, "%d ", number);
        else
            text_add(&numbers, SLICE("- "));
        if (is_fine && number == -1)
            tell_shortage(generation, upstream, url);
    }
    is_fine = is_fine && rest.length == 0;
    if (is_fine)
        worker_process_answer(worker, MESSAGE_NUMBERED, message->numbers[0], text_slice(&numbers));
    text_finish(&numbers);
    return is_fine;
}

void generation_release_servers(struct generation *generation)
{
    for (size_t i = 0; i < generation->server_count; ++i)
        server_table_release(&generation->supplies->servers, generation->servers[i]);
    free(generation->servers);
}

const int *generation_servers(const struct generation *generation, size_t *count)
{
    *count = generation->server_count;
    return generation->servers;
}
