#ifndef FLEXILIB_PROXY_HTTP1_FIELDS_H
#define FLEXILIB_PROXY_HTTP1_FIELDS_H

/* What the names of a request's header fields mean to the front. */

#include "base/slice.h"

enum http1_field {
    HTTP1_FIELD_PLAIN = 0, /* goes on to filters and upstreams */
    HTTP1_FIELD_HOST,
    HTTP1_FIELD_CONNECTION,
    HTTP1_FIELD_PROXY_CONNECTION,
    HTTP1_FIELD_CONTENT_LENGTH,
    HTTP1_FIELD_TRANSFER_ENCODING,
    HTTP1_FIELD_EXPECT,
    HTTP1_FIELD_UPGRADE,
    HTTP1_FIELD_DROPPED, /* belongs to this connection, or passes itself off as a field that we set */
};

enum http1_field http1_field_classify(struct slice name);

/* Whether a field is end-to-end by its nature, so that naming it in Connection must not make it disappear: a server
 * behind us may grant or refuse by it. */
bool http1_field_is_protected(struct slice name);

#endif
