#ifndef FLEXILIB_FRONT_HTTP1_WRITER_H
#define FLEXILIB_FRONT_HTTP1_WRITER_H

/* What an HTTP/1.1 response looks like on the wire: how its body is framed, the text of its head, and what stands
 * around a chunk. No I/O. */

#include "filter/exchange.h"

enum http1_ending {
    HTTP1_ENDING_NONE = 0, /* no body bytes follow the head */
    HTTP1_ENDING_LENGTH,   /* exactly as many as Content-Length says */
    HTTP1_ENDING_CHUNKED,
    HTTP1_ENDING_CLOSE, /* ends with the connection */
};

/* How the front will send a response, decided before its head is written. */
struct http1_delivery {
    enum http1_ending ending;
    bool keep_alive;       /* the connection serves another request afterwards */
    bool tells_keep_alive; /* to an HTTP/1.0 client, which otherwise expects the end */
    bool passes_trailers;  /* HTTP1_ENDING_CHUNKED: they are announced, and sent; for the front to set */
};

/* has_body: whether body bytes may follow (not for HEAD, 204, 304). keep_alive: whether client and server both would
 * like to go on; an unknown length to an HTTP/1.0 client prevents it. */
struct http1_delivery http1_writer_plan(const struct response_head *response, bool has_body, unsigned minor_version,
                                        bool keep_alive);

/* The head's text, blank line included, in the arena. date is added unless the response has one. */
struct slice http1_writer_head(struct arena *arena, const struct response_head *response,
                               const struct http1_delivery *delivery, struct slice date);

/* The same for an interim response. */
struct slice http1_writer_interim(struct arena *arena, const struct response_head *interim);

/* Room for http1_writer_chunk_start's text: 16 digits, CR and LF. */
enum {
    HTTP1_CHUNK_START_BYTES = 18,
};

/* Writes what stands before a chunk's data (length is not 0) and returns how long that is. Behind the data comes
 * CR LF, and behind the last one HTTP1_LAST_CHUNK too. */
size_t http1_writer_chunk_start(char text[HTTP1_CHUNK_START_BYTES], size_t length);

#define HTTP1_CHUNK_END  "\r\n"
#define HTTP1_LAST_CHUNK "0\r\n\r\n"

#endif
