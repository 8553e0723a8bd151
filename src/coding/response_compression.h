#ifndef FLEXILIB_CODING_RESPONSE_COMPRESSION_H
#define FLEXILIB_CODING_RESPONSE_COMPRESSION_H

/* Whether a response is sent compressed, and what its head says then. Asked of a response that is final but for this:
 * it comes after all filters. No I/O; compressed_body.h is about the bytes. */

#include "filter/exchange.h"

/* Whether exchange->response is to be sent in a content coding, and in which. Notes in its head that this depends on
 * the client (Vary) wherever it does, also where the answer is no. */
bool response_compression_choose(const struct compression_settings *settings, struct exchange *exchange,
                                 enum coding *coding);

/* Whether another coding than the chosen one would do too. */
bool response_compression_takes(const struct compression_settings *settings, const struct exchange *exchange,
                                enum coding coding);

/* Makes exchange->response the head of a body in that coding, whose length is not known. */
void response_compression_announce(struct exchange *exchange, enum coding coding);

/* With the last piece of such a body: takes out of the trailers what was said of the other one's bytes, and weakens a
 * tag. */
void response_compression_settle_trailers(struct exchange *exchange);

/* Whether the response comes in pieces each of which its reader waits for. */
bool response_compression_is_event_stream(const struct exchange *exchange);

#endif
