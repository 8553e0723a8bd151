#include "worker/sharing.h"

#include "base/alloc.h"

/* Servers that are asked for in one message. */
struct batch {
    struct uplink *uplink;
    uint32_t *numbers; /* of all servers */
    size_t first, count;
    struct text text;
};

static void send_batch(struct batch *batch)
{
    if (batch->count != 0)
        uplink_number_servers(batch->uplink, (int64_t)batch->first, batch->count, text_slice(&batch->text),
                              batch->numbers + batch->first);
    batch->first += batch->count;
    batch->count = 0;
    text_clear(&batch->text);
}

static void add_server(struct batch *batch, struct slice upstream, struct slice url)
{
    if (batch->count == CHANNEL_SERVERS || !channel_add_server(&batch->text, upstream, url)) {
        send_batch(batch);
        if (!channel_add_server(&batch->text, upstream, url)) {
            ++batch->first;
            return;
        }
    }
    ++batch->count;
}

uint32_t *sharing_number_servers(struct uplink *uplink, const struct settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->upstream_count; ++i)
        count += settings->upstreams[i]->server_count;
    struct batch batch = {.uplink = uplink, .numbers = mem_alloc((count + 1) * sizeof(*batch.numbers))};
    for (size_t i = 0; i < count; ++i)
        batch.numbers[i] = UINT32_MAX;
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        const struct upstream_settings *upstream = settings->upstreams[i];
        for (size_t j = 0; j < upstream->server_count; ++j)
            add_server(&batch, upstream->name, upstream->servers[j].url);
    }
    send_batch(&batch);
    text_finish(&batch.text);
    return batch.numbers;
}
