#ifndef FLEXILIB_FILTER_DECODING_SERVICES_H
#define FLEXILIB_FILTER_DECODING_SERVICES_H

/* What takes content codings off bodies, for the layer that knows them: see runtime_use_decodings. However much comes
 * out of a body, it comes in pieces of bounded size, and only when the next one is asked for. */

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* One body at work. */
struct decoding;

enum decoding_state {
    DECODING_HUNGRY = 1, /* has taken all of the input, and the body goes on */
    DECODING_BUSY,       /* has more to give before it takes more */
    DECODING_ENDED,      /* here the body may end; what follows begins another one in the same coding */
    DECODING_BROKEN,     /* that is not what the coding looks like */
    DECODING_NO_ROOM,    /* bodies that are being decoded take all the memory that they, or those of one client, may */
};

struct decoding_services {
    bool (*knows)(struct slice coding);
    /* What it takes is counted in *shared too, with that of other bodies of the same client, until close or leave.
     * shared may be NULL. Returns NULL where there is no room, for all or for that client. */
    struct decoding *(*open)(void *context, struct slice coding, size_t *shared);
    /* Takes bytes off the front of input, and makes output the next piece, which may be empty and is good until the
     * next call, or close. */
    enum decoding_state (*work)(struct decoding *decoding, struct slice *input, struct slice *output);
    /* Gives back all memory but for the output. */
    void (*settle)(struct decoding *decoding);
    /* Counts in shared no more, which is about to go. */
    void (*leave)(struct decoding *decoding);
    void (*close)(struct decoding *decoding);
};

#endif
