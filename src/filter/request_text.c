#include "filter/request_text.h"

#include "filter/headers.h"

/* Only printable ASCII without the marks that end this part of a target. */
static bool is_target_part(struct slice text, const char *excluded)
{
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i];
        if (c <= ' ' || c > '~' || strchr(excluded, c) != NULL)
            return false;
    }
    return true;
}

static bool has_good_escapes(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] == '%' && ascii_escaped(slice_skip(text, i)) <= 0)
            return false;
    }
    return true;
}

/* RFC 3986 section 3.2.2 without user information: letters, digits and the marks of names, addresses and ports. */
static bool is_authority(struct slice text)
{
    static const char marks[] = "-._~!$&'()*+,;=%:[]";
    for (size_t i = 0; i < text.length; ++i) {
        char c = ascii_lower(text.data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return text.length != 0;
}

const char *request_text_judge_method(struct slice method)
{
    if (!header_is_name(method))
        return "a method is one word without separators";
    if (slice_equals(method, SLICE("CONNECT")) || slice_equals(method, SLICE("TRACE")))
        return "CONNECT and TRACE are not forwarded";
    return NULL;
}

const char *request_text_judge_authority(struct slice authority)
{
    return is_authority(authority) ? NULL : "HOST or HOST:PORT is needed";
}

const char *request_text_judge_path(struct slice path)
{
    if (path.length == 0 || path.data[0] != '/')
        return "a path begins with '/'";
    return is_target_part(path, "?#") && has_good_escapes(path) ? NULL
                                                                : "it holds what has to be escaped, or a broken escape";
}

const char *request_text_judge_query(struct slice query)
{
    return is_target_part(query, "#") ? NULL : "it holds what has to be escaped";
}
