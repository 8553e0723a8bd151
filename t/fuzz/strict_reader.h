#ifndef FLEXILIB_FUZZ_STRICT_READER_H
#define FLEXILIB_FUZZ_STRICT_READER_H

/* HTTP/1.1 as RFC 9112 has it and nothing else, read from bytes that are all at hand: what the fronts are measured by,
 * so it shares nothing with them but the types. Slow and simple. */

#include "base/text.h"
#include "filter/headers.h"

enum {
    STRICT_MOST_FIELDS = 256,
};

enum strict_verdict {
    STRICT_PLAIN = 0, /* nobody has a reason to refuse it */
    STRICT_ODD,       /* it is clear, but a strict reader may refuse it */
    STRICT_PARTIAL,   /* more has to come */
    STRICT_BAD,       /* it must not be passed on */
};

struct strict_request {
    struct slice method, target, host, query;
    bool has_head; /* the head is whole, and not bad; the following is known then */
    bool has_query;
    bool ends_connection, may_end_connection;
    bool is_chunked, has_length;
    unsigned minor_version;
    struct header fields[STRICT_MOST_FIELDS];
    size_t field_count;
    struct header trailers[STRICT_MOST_FIELDS];
    size_t trailer_count;
    struct text path; /* in canonical form */
    struct text body; /* as far as it has come */
};

/* Takes a request off the front of *input: all of it where the result says that it is whole, which is PLAIN or ODD.
 * What it held before is freed. */
enum strict_verdict strict_read_request(struct slice *input, struct strict_request *request);

void strict_request_finish(struct strict_request *request);

/* Takes a final response off the front of *input, with interim ones before it. has_body: the request's method is not
 * HEAD; is_last: an announced body may be missing. Returns its status, 0 where there is none; aborts where that is not
 * a well-formed response. */
int strict_read_response(struct slice *input, bool has_body, bool is_last);

#endif
