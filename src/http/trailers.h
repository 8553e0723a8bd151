#ifndef FLEXILIB_HTTP_TRAILERS_H
#define FLEXILIB_HTTP_TRAILERS_H

/* Trailer fields (RFC 9110 section 6.5): which of them are passed on, and how those of HTTP/1.1 are kept while they
 * come. They stand in lists of their own and never become header fields. Whatever decides about a message before its
 * body is read has no business behind it, and is left out. No I/O. */

#include "base/text.h"
#include "filter/headers.h"

enum {
    TRAILERS_ANNOUNCED_BYTES = 512, /* of names in a field Trailer that we write */
};

/* What comes behind the last chunk of a body. */
struct trailer_section {
    struct text lines; /* the fields as they came, a line feed behind each */
    size_t most_bytes, most_fields;
    size_t field_count;
    bool is_too_large;         /* and therefore taken for malformed */
    const struct slice *named; /* fields that belong to the connection, as the head said */
    size_t named_count;
};

/* Whether a field may stand in a trailer section: it is none that frames or routes the message, modifies or authorizes
 * the request, controls the response, says what the content is or who the client is; nor does it look like one to those
 * who cannot tell "_" from "-". */
bool trailers_allow(struct slice name);

/* Adds a copy of the field in the arena, where it is allowed. Returns false where it is malformed. */
bool trailers_add(struct headers *trailers, struct arena *arena, const struct header *field);

/* Adds those of a section that is complete. */
void trailers_take(struct headers *trailers, struct arena *arena, const struct trailer_section *section);

/* What of a field Trailer may be told further, behind what was found in an earlier one: SLICE_NONE, or what the last
 * call returned, which is continued in place. Names that find no room any more are left out: they may come all the
 * same. */
struct slice trailers_announce(struct arena *arena, struct slice earlier, struct slice value);

/* The last chunk, the fields, and the end of a body. */
struct slice trailers_write_end(struct arena *arena, const struct headers *trailers);

#endif
