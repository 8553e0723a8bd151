#ifndef FLEXILIB_CONFIG_PLACEHOLDER_H
#define FLEXILIB_CONFIG_PLACEHOLDER_H

/* The names that templates may put in braces. Those of FlexiLib's own stand in one table; every other name with a dot
 * in it is an attribute, which a filter sets: "jwt.sub". So that none is ever taken for the other, attributes cannot
 * begin with a word that FlexiLib uses, or may come to use. The manual lists them all (doc/configuration.md). */

#include "base/arena.h"

enum placeholder_kind {
    PLACEHOLDER_TEXT = 0, /* none: the text between them */
    PLACEHOLDER_ATTRIBUTE,
    PLACEHOLDER_METHOD,
    PLACEHOLDER_SCHEME,
    PLACEHOLDER_HOST,
    PLACEHOLDER_PORT,
    PLACEHOLDER_PATH,
    PLACEHOLDER_QUERY,
    PLACEHOLDER_PARAMETER,
    PLACEHOLDER_URI,
    PLACEHOLDER_PROTOCOL,
    PLACEHOLDER_HEADER,
    PLACEHOLDER_COOKIE,
    PLACEHOLDER_REQUEST_ID,
    PLACEHOLDER_REQUEST_LINE,
    PLACEHOLDER_REQUEST_TARGET,
    PLACEHOLDER_REQUEST_BYTES,
    PLACEHOLDER_TRACE_ID,
    PLACEHOLDER_ROUTE,
    PLACEHOLDER_CLIENT_ADDRESS,
    PLACEHOLDER_CLIENT_NETWORK,
    PLACEHOLDER_CLIENT_PORT,
    PLACEHOLDER_CLIENT_NAME,
    PLACEHOLDER_PROXY_ADDRESS,
    PLACEHOLDER_TLS_VERSION,
    PLACEHOLDER_TLS_CIPHER,
    PLACEHOLDER_TLS_PROTOCOL,
    PLACEHOLDER_TLS_SNI,
    PLACEHOLDER_TLS_RESUMED,
    PLACEHOLDER_TLS_CLIENT_VERIFIED,
    PLACEHOLDER_TLS_CLIENT_SUBJECT,
    PLACEHOLDER_TLS_CLIENT_ISSUER,
    PLACEHOLDER_TLS_CLIENT_SERIAL,
    PLACEHOLDER_TLS_CLIENT_FINGERPRINT,
    PLACEHOLDER_TLS_CLIENT_NAMES,
    PLACEHOLDER_TLS_CLIENT_NOT_BEFORE,
    PLACEHOLDER_TLS_CLIENT_NOT_AFTER,
    PLACEHOLDER_TLS_CLIENT_CERT,
    PLACEHOLDER_STATUS,
    PLACEHOLDER_RESPONSE_HEADER,
    PLACEHOLDER_RESPONSE_BYTES,
    PLACEHOLDER_UPSTREAM,
    PLACEHOLDER_SERVER,
    PLACEHOLDER_TRIES,
    PLACEHOLDER_TIME,
    PLACEHOLDER_TIME_COMMON,
    PLACEHOLDER_TIME_UNIX,
    PLACEHOLDER_TIME_FIRST_BYTE,
    PLACEHOLDER_TIME_LAST_BYTE,
    PLACEHOLDER_TIME_WAITED,
    PLACEHOLDER_TIME_ANSWERED,
    PLACEHOLDER_MEMORY_READY,
    PLACEHOLDER_MEMORY_TAKEN,
};

/* Finds what a name between braces stands for, and in *own what it adds to the placeholder: the header's, cookie's,
 * parameter's or attribute's name, a part of `name`. Returns NULL; or a sentence in the arena, without a place, that
 * says what is wrong. */
const char *placeholder_find(struct slice name, enum placeholder_kind *kind, struct slice *own, struct arena *arena);

/* Whether its values are numbers. */
bool placeholder_is_number(enum placeholder_kind kind);

/* Whether attributes may have that name. Returns NULL, or what is wrong with it, as a sentence's end. */
const char *placeholder_refuse_attribute(struct slice name);

#endif
