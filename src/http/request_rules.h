#ifndef FLEXILIB_HTTP_REQUEST_RULES_H
#define FLEXILIB_HTTP_REQUEST_RULES_H

/* What every version of HTTP asks of a request (RFC 9110), so that a request cannot mean one thing to one of the fronts
 * and another to the other. No I/O. */

#include "filter/exchange.h"

/* Why a request gets no further; status 0 where it does. */
struct request_refusal {
    int status;
    const char *reason; /* a phrase for the log and the client */
};

#define REQUEST_ACCEPTED           ((struct request_refusal){0, NULL})
#define REQUEST_REFUSED(code, ...) ((struct request_refusal){(code), __VA_ARGS__})

enum {
    REQUEST_TARGET_LIMIT_BYTES = 16 * 1024, /* more is answered 414 */
    REQUEST_AUTHORITY_LIMIT_BYTES = 1024,   /* a name of DNS has 253 */
};

/* The methods that FlexiLib lets through by itself, for the field Allow. */
#define REQUEST_ALLOWED_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

/* Refuses methods that a reverse proxy has no use for. */
struct request_refusal request_rules_check_method(struct slice method);

/* Whether the text is HOST or HOST:PORT as a Host field may hold it. Stricter than RFC 3986: no percent escapes and
 * sub-delims, which no name in use has and which routes could only misunderstand. It is copied to many places, and
 * therefore not long either. */
bool request_rules_is_authority(struct slice text);

/* Whether the text holds nothing that no target may: it is not empty and made of 0x21 to 0x7e without "#". */
bool request_rules_is_target(struct slice text);

/* Splits a target in origin form, of such bytes, into request->path, which becomes canonical, and request->query. */
struct request_refusal request_rules_take_path(struct request_head *request, struct slice target, struct arena *arena);

#endif
