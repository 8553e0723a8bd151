#include "bearer.h"

#include "shared/field_name.h"

#include <string.h>
#include <strings.h>

struct search {
    const struct flexilib_core *core;
    const struct flexilib_exchange *exchange;
    struct bearer *bearer;
    enum bearer_result result;
};

static void note(struct search *search, struct flexilib_text token)
{
    const struct flexilib_text *first = &search->bearer->token;
    if (search->result == BEARER_NONE) {
        search->bearer->token = token;
        search->result = BEARER_FOUND;
    } else if (first->length != token.length || memcmp(first->data, token.data, token.length) != 0) {
        search->result = BEARER_AMBIGUOUS;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct flexilib_text trim(struct flexilib_text text)
{
    while (text.length != 0 && is_blank(text.data[0])) {
        ++text.data;
        --text.length;
    }
    while (text.length != 0 && is_blank(text.data[text.length - 1]))
        --text.length;
    return text;
}

/* RFC 6750 section 2.1, and whatever others may take for it. False for other schemes. */
static bool take_scheme(struct flexilib_text value, bool is_authorization, struct flexilib_text *token)
{
    static const char scheme[] = "bearer";
    size_t length = sizeof(scheme) - 1;
    *token = value;
    if (value.length < length || strncasecmp(value.data, scheme, length) != 0 ||
        (value.length != length && !is_blank(value.data[length])))
        return !is_authorization;
    *token = trim((struct flexilib_text){value.data + length, value.length - length});
    return true;
}

static void search_field(struct search *search, struct flexilib_text name)
{
    bool is_authorization = field_name_is_same(name, FLEXILIB_TEXT("authorization"));
    struct flexilib_pair field;
    struct flexilib_text token;
    size_t count = 0;
    for (size_t i = 0; search->core->header_at(search->exchange, FLEXILIB_REQUEST, i, &field); ++i) {
        if (!field_name_is_alike(name, field.name))
            continue;
        if (++count > 1) {
            search->result = BEARER_AMBIGUOUS;
        } else if (take_scheme(field.value, is_authorization, &token)) {
            search->bearer->field = field.name;
            note(search, token);
        }
    }
}

/* Takes what stands in front of the next mark, and the mark, off the text. */
static struct flexilib_text take_item(struct flexilib_text *rest, char mark)
{
    const char *found = memchr(rest->data, mark, rest->length);
    struct flexilib_text item = {rest->data, found == NULL ? rest->length : (size_t)(found - rest->data)};
    size_t taken = found == NULL ? item.length : item.length + 1;
    rest->data += taken;
    rest->length -= taken;
    return item;
}

static void search_cookies(struct search *search, struct flexilib_text cookies, struct flexilib_text name)
{
    while (cookies.length != 0) {
        struct flexilib_text value = take_item(&cookies, ';'), own = trim(take_item(&value, '='));
        value = trim(value);
        if (own.length != name.length || memcmp(own.data, name.data, name.length) != 0)
            continue;
        if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
            value = (struct flexilib_text){value.data + 1, value.length - 2};
        note(search, value);
    }
}

static void search_cookie_fields(struct search *search, struct flexilib_text name)
{
    struct flexilib_pair field;
    for (size_t i = 0; search->core->header_at(search->exchange, FLEXILIB_REQUEST, i, &field); ++i) {
        if (field_name_is_same(field.name, FLEXILIB_TEXT("cookie")))
            search_cookies(search, field.value, name);
    }
}

static int find_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Whether a parameter's name is this one once its escapes are decoded. A token itself needs none. */
static bool is_parameter(struct flexilib_text written, struct flexilib_text name)
{
    size_t at = 0;
    for (size_t i = 0; i < name.length; ++i) {
        if (at == written.length)
            return false;
        char c = written.data[at] == '+' ? ' ' : written.data[at];
        int high = written.length - at > 2 ? find_digit(written.data[at + 1]) : -1;
        int low = written.length - at > 2 ? find_digit(written.data[at + 2]) : -1;
        bool is_escape = c == '%' && high >= 0 && low >= 0;
        if ((is_escape ? (char)(high * 16 + low) : c) != name.data[i])
            return false;
        at += is_escape ? 3 : 1;
    }
    return at == written.length;
}

/* Some take ";" for "&" (HTML 4 section B.2.2); there is none in a token. */
static void search_query(struct search *search, struct flexilib_text name)
{
    struct flexilib_text rest = search->core->query(search->exchange);
    while (rest.length != 0) {
        struct flexilib_text pairs = take_item(&rest, '&');
        while (pairs.length != 0) {
            struct flexilib_text value = take_item(&pairs, ';'), own = take_item(&value, '=');
            if (is_parameter(own, name))
                note(search, value);
        }
    }
}

enum bearer_result bearer_find(const struct bearer_places *places, const struct flexilib_core *core,
                               struct flexilib_exchange *exchange, struct bearer *bearer)
{
    struct search search = {.core = core, .exchange = exchange, .bearer = bearer};
    *bearer = (struct bearer){{"", 0}, {"", 0}};
    if (places->header.length != 0)
        search_field(&search, places->header);
    if (places->cookie.length != 0)
        search_cookie_fields(&search, places->cookie);
    if (places->query.length != 0)
        search_query(&search, places->query);
    return search.result;
}
