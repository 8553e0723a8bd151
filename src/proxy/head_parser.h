#ifndef FLEXILIB_PROXY_HEAD_PARSER_H
#define FLEXILIB_PROXY_HEAD_PARSER_H

/* Splits the head of an HTTP/1 message into its parts (libh2o's picohttpparser), and refuses every byte that RFC 9112
 * does: bare LF and CR, folded lines, blanks before a colon, control characters. What the fields mean is for
 * http1_request.c and http1_response.c to judge. */

#include "filter/headers.h"

enum head_result {
    HEAD_OK = 0,
    HEAD_INCOMPLETE,
    HEAD_BAD,
    HEAD_TOO_MANY_FIELDS,
};

struct parsed_head {
    struct slice method, target; /* requests */
    int status;                  /* responses */
    unsigned minor_version;
    struct header *fields; /* room for field_capacity, of the caller */
    size_t field_capacity;
    size_t field_count;
    size_t length; /* bytes that the head takes, blank line included */
};

/* Parses the head at the start of data; seen is how many of these bytes an earlier, incomplete try has seen (0 at
 * first). All slices point into data. On HEAD_BAD, *reason is a short phrase for the log. */
enum head_result head_parse_request(struct slice data, size_t seen, struct parsed_head *head, const char **reason);
enum head_result head_parse_response(struct slice data, size_t seen, struct parsed_head *head, const char **reason);

#endif
