#ifndef FLEXILIB_FRONT_REQUEST_FIELDS_H
#define FLEXILIB_FRONT_REQUEST_FIELDS_H

/* What the names of a request's header fields mean to the fronts. */

#include "base/slice.h"

enum request_field {
    REQUEST_FIELD_PLAIN = 0, /* goes on to filters and upstreams */
    REQUEST_FIELD_HOST,
    REQUEST_FIELD_CONNECTION,
    REQUEST_FIELD_PROXY_CONNECTION,
    REQUEST_FIELD_CONTENT_LENGTH,
    REQUEST_FIELD_TRANSFER_ENCODING,
    REQUEST_FIELD_EXPECT,
    REQUEST_FIELD_UPGRADE,
    REQUEST_FIELD_TE,
    REQUEST_FIELD_TRAILER,
    REQUEST_FIELD_DROPPED, /* belongs to this connection, or passes itself off as a field that we set */
};

enum request_field request_field_classify(struct slice name);

/* Whether a field is end-to-end by its nature, so that naming it in Connection must not make it disappear: a server
 * behind us may grant or refuse by it. */
bool request_field_is_protected(struct slice name);

#endif
