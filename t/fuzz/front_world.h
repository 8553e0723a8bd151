#ifndef FLEXILIB_FUZZ_FRONT_WORLD_H
#define FLEXILIB_FUZZ_FRONT_WORLD_H

/* A whole worker's proxy in this process, turned by hand, between a client and a server of ours: one connection of a
 * client for each input, and everything that comes to the server because of it. */

#include "base/text.h"
#include "strict_reader.h"

enum {
    WORLD_MOST_REQUESTS = 256,
};

/* Connects a client. The server answers a request as soon as it has its head where answers_early, otherwise when it has
 * all of it. */
void world_begin(bool answers_early);

/* Sends in one piece where seed is 0, or in pieces whose sizes vary with it: the larger it is, the larger they are. */
void world_send(struct slice input, unsigned seed);

/* Has everything happen that can happen without more bytes. */
void world_settle(void);

/* What has come to the client. */
struct slice world_answers(void);

/* Whether the proxy has closed the client's connection. */
bool world_is_closed(void);

/* How many requests the server has seen, whole ones or beginnings, in the order of their heads; and each, read again. A
 * head that is not whole counts too. */
size_t world_request_count(void);
enum strict_verdict world_read_request(size_t index, struct strict_request *request);

/* Whether a request that the server has seen has no fields but the client's, of which no trailer is one, and those that
 * the proxy adds. None of them may belong to the client's connection in any case. */
bool world_are_fields_known(const struct strict_request *seen, const struct header *client, size_t client_count);

/* Whether each trailer that the server has seen is one of the client's. */
bool world_are_trailers_known(const struct strict_request *seen, const struct strict_request *sent);

/* Whether what the server has seen is this request; the body, where one of both was cut, as far as it goes. */
bool world_is_same(const struct strict_request *seen, bool is_seen_whole, const struct strict_request *sent,
                   bool is_sent_whole);

/* Disconnects the client, and the server's connections. */
void world_end(void);

#endif
