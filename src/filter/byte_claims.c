#include "filter/byte_claims.h"

#define DIGEST(literal)                                                                                                \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

const struct slice byte_claims_digests[BYTE_CLAIMS_DIGESTS] = {
    DIGEST("content-digest"),
    DIGEST("repr-digest"),
    DIGEST("digest"),
    DIGEST("content-md5"),
};

void byte_claims_drop_digests(struct headers *headers)
{
    for (size_t i = 0; i < BYTE_CLAIMS_DIGESTS && headers->count != 0; ++i)
        headers_remove(headers, byte_claims_digests[i]);
}

bool byte_claims_is_strong_tag(struct slice tag)
{
    return tag.length >= 2 && tag.data[0] == '"';
}

struct slice byte_claims_weaken(struct arena *arena, struct slice tag)
{
    return arena_print(arena, "W/%.*s", SLICE_ARG(tag));
}

void byte_claims_weaken_tag(struct headers *headers, struct arena *arena)
{
    struct header *tag = headers_find(headers, SLICE("etag"));
    if (tag != NULL && byte_claims_is_strong_tag(tag->value))
        tag->value = byte_claims_weaken(arena, tag->value);
}
