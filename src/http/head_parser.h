#ifndef FLEXILIB_HTTP_HEAD_PARSER_H
#define FLEXILIB_HTTP_HEAD_PARSER_H

/* Splits the head of an HTTP/1 message into its parts (libh2o's picohttpparser), and refuses every byte that RFC 9112
 * does: bare LF and CR, folded lines, blanks before a colon, control characters. What the fields mean is for
 * http1_request.c and http1_response.c to judge.
 *
 * Sure afterwards: the method and all names are tokens; a target is not empty and made of 0x21 to 0x7e without "#";
 * values hold no control characters but TAB, may hold 8-bit bytes, and have no blanks at their ends. */

#include "filter/headers.h"

enum head_result {
    HEAD_OK = 0,
    HEAD_INCOMPLETE,
    HEAD_BAD,
    HEAD_TOO_MANY_FIELDS,
    HEAD_OTHER_VERSION, /* requests: a whole other HTTP than HTTP/1 */
};

struct parsed_head {
    struct slice method, target; /* requests */
    int status;                  /* responses: 100 to 599 */
    unsigned minor_version;      /* requests: 0 to 9, where 2 and more mean 1; responses: 0 or 1 */
    struct header *fields;       /* room for field_capacity, of the caller */
    size_t field_capacity;
    size_t field_count;
    size_t length; /* bytes that the head takes: from the start of data, blank line included */
};

/* Parses the head at the start of data; seen is how many of these bytes an earlier, incomplete try has seen (0 at
 * first), so that a head that comes byte by byte is not searched from its start each time. All slices point into data.
 * On all but HEAD_OK and HEAD_INCOMPLETE, *reason is a short phrase for the log. Up to four empty lines in front of a
 * request are passed over; limits of size are the caller's. */
enum head_result head_parse_request(struct slice data, size_t seen, struct parsed_head *head, const char **reason);
enum head_result head_parse_response(struct slice data, size_t seen, struct parsed_head *head, const char **reason);

#endif
