#include "worker/sightings.h"

#include "config/source.h"

static void on_sight(void *data, const struct source_sight *sight)
{
    const struct sightings *sightings = data;
    struct slice path = slice_from_text(sight->path);
    if (watch_mode_has(sightings->mode, sight->kind) && path.length <= CHANNEL_TEXT_BYTES && path.data[0] == '/')
        uplink_tell(sightings->uplink, MESSAGE_WATCH, path, sight->kind, (int64_t)sight->content,
                    (int64_t)sight->status);
}

void sightings_begin(struct sightings *sightings, struct uplink *uplink, struct source *source,
                     const struct settings *settings)
{
    *sightings = (struct sightings){uplink, settings == NULL ? WATCH_ALL : settings->watch};
    if (settings != NULL)
        uplink_tell(uplink, MESSAGE_WATCHING, SLICE_NONE, settings->watch, source_is_live(source), 0);
    source_observe(source, on_sight, sightings);
}
