#ifndef FLEXILIB_HTTP_WEBSOCKET_FRAMES_H
#define FLEXILIB_HTTP_WEBSOCKET_FRAMES_H

/* Where the frames of a WebSocket end (RFC 6455 section 5.2), in one direction: all that has to be known to put a frame
 * of one's own behind them. Judges nothing and changes nothing. Zero bytes are a beginning. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WEBSOCKET_HEAD_BYTES = 14, /* the longest */
};

struct websocket_frames {
    unsigned char head[WEBSOCKET_HEAD_BYTES]; /* of the frame that has begun */
    unsigned head_length;                     /* so far; 0 between two frames */
    uint64_t left_bytes;                      /* of a frame whose head is whole */
    bool is_closing;                          /* a close frame has begun: nothing may follow it */
};

/* These bytes pass. */
void websocket_frames_pass(struct websocket_frames *frames, struct slice bytes);

/* A close frame that says that this end goes away (status 1001), masked as clients' are where to_server: in room, which
 * has space for 8 bytes. Empty where no frame can follow: within a frame, or after another close. */
struct slice websocket_frames_say_going_away(const struct websocket_frames *frames, bool to_server, char *room);

#endif
