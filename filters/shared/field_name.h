#ifndef FLEXILIB_FILTERS_FIELD_NAME_H
#define FLEXILIB_FILTERS_FIELD_NAME_H

/* Names of header fields, as the bundled filters compare them. Knows nothing but the public contract; any thread may
 * call these. */

#include <flexilib/filter.h>

#include <string.h>
#include <strings.h>

/* A token (RFC 9110 section 5.6.2), as methods are too. */
static inline bool field_name_is_token(struct flexilib_text text)
{
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_word && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.length != 0;
}

/* The same but for case (RFC 9110 section 5.1), as codings and schemes are compared too. */
static inline bool field_name_is_same(struct flexilib_text a, struct flexilib_text b)
{
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

/* The same but for case, and for "_" in the place of "-": programs behind a CGI-like interface (RFC 3875 section
 * 4.1.18) cannot tell the two, so what a client writes by the other name means the same to them. */
static inline bool field_name_is_alike(struct flexilib_text a, struct flexilib_text b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; ++i) {
        char of_a = a.data[i] == '_' ? '-' : a.data[i], of_b = b.data[i] == '_' ? '-' : b.data[i];
        if (strncasecmp(&of_a, &of_b, 1) != 0)
            return false;
    }
    return true;
}

/* Whether the core refuses it to filters: the fields that frame a message or belong to the connection, and the host
 * (set_header in filter.h). It would do so for every request; whoever takes names as options says so at the start. */
static inline bool field_name_is_reserved(struct flexilib_text name)
{
    static const struct flexilib_text reserved[] = {
        {FLEXILIB_ARG("connection")},        {FLEXILIB_ARG("content-length")},   {FLEXILIB_ARG("host")},
        {FLEXILIB_ARG("keep-alive")},        {FLEXILIB_ARG("proxy-connection")}, {FLEXILIB_ARG("te")},
        {FLEXILIB_ARG("transfer-encoding")}, {FLEXILIB_ARG("trailer")},          {FLEXILIB_ARG("upgrade")}};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); ++i) {
        if (field_name_is_same(reserved[i], name))
            return true;
    }
    return false;
}

#endif
