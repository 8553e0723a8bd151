#include "config/anchors.h"

bool anchors_add(struct anchors *anchors, struct arena *arena, struct anchor anchor)
{
    if (anchors->count == ANCHORS_MAXIMUM)
        return false;
    struct anchor *kept = arena_alloc(arena, sizeof(*kept));
    *kept = anchor;
    kept->name = arena_copy(arena, anchor.name);
    kept->older = anchors->newest;
    anchors->newest = kept;
    ++anchors->count;
    return true;
}

const struct anchor *anchors_find(const struct anchors *anchors, struct slice name)
{
    const struct anchor *anchor = anchors->newest;
    while (anchor != NULL && !slice_equals(anchor->name, name))
        anchor = anchor->older;
    return anchor;
}
