#ifndef FLEXILIB_FUZZ_HTTP2_FRAMES_H
#define FLEXILIB_FUZZ_HTTP2_FRAMES_H

/* Frames of HTTP/2 as bytes. */

#include "base/slice.h"

/* What a server sends, from its first frame on: must be whole frames that a server may send, whose fields unpack, and
 * nothing may follow on a stream that has ended. */
void http2_frames_check(struct slice answers);

/* How many frames of a client begin with fields. */
size_t http2_frames_count_heads(struct slice frames);

#endif
