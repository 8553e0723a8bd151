#ifndef T_CHAOS_CODED_H
#define T_CHAOS_CODED_H

/* Bodies as gzip has them. */

#include "bytes.h"

#include <zlib.h>

static inline struct bytes coded_of(struct bytes plain)
{
    struct bytes coded = {0};
    z_stream stream = {0};
    deflateInit2(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    size_t bound = deflateBound(&stream, bytes_length(&plain)) + 64;
    stream.next_in = (unsigned char *)plain.data;
    stream.avail_in = (unsigned)bytes_length(&plain);
    stream.next_out = (unsigned char *)bytes_reserve(&coded, bound);
    stream.avail_out = (unsigned)bound;
    deflate(&stream, Z_FINISH);
    coded.end += bound - stream.avail_out;
    deflateEnd(&stream);
    bytes_finish(&plain);
    return coded;
}

#endif
