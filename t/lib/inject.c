/* A handler that tries everything by which a filter could desynchronise a connection, and answers with what became of
 * each try. */

#include <flexilib/filter.h>

#include <stdio.h>
#include <string.h>

struct attempt {
    const char *name;
    struct flexilib_text value;
};

static const struct attempt fields[] = {
    {"x-good", {FLEXILIB_ARG("yes")}},
    {"x-cr", {FLEXILIB_ARG("a\rx-injected: 1")}},
    {"x-lf", {FLEXILIB_ARG("a\nx-injected: 1")}},
    {"x-crlf", {FLEXILIB_ARG("a\r\n\r\nHTTP/1.1 200 OK")}},
    {"x-nul", {FLEXILIB_ARG("a\0b")}},
    {"x-delete", {FLEXILIB_ARG("a\x7f")}},
    {"x-blank", {FLEXILIB_ARG(" a")}},
    {"x name", {FLEXILIB_ARG("a")}},
    {"x-name:", {FLEXILIB_ARG("a")}},
    {"x\r\nx-injected", {FLEXILIB_ARG("1")}},
    {"", {FLEXILIB_ARG("a")}},
    {"content-length", {FLEXILIB_ARG("0")}},
    {"Transfer-Encoding", {FLEXILIB_ARG("chunked")}},
    {"connection", {FLEXILIB_ARG("upgrade")}},
    {"keep-alive", {FLEXILIB_ARG("timeout=9")}},
    {"te", {FLEXILIB_ARG("trailers")}},
    {"trailer", {FLEXILIB_ARG("x")}},
    {"upgrade", {FLEXILIB_ARG("h2c")}},
    {"proxy-connection", {FLEXILIB_ARG("close")}},
};

struct page {
    char text[8192];
    size_t length;
};

static void note(struct page *page, const char *what, const char *value, bool is_accepted)
{
    int length = snprintf(page->text + page->length, sizeof(page->text) - page->length, "%s: ", what);
    page->length += (size_t)length;
    for (const char *c = value; *c != '\0'; ++c)
        page->text[page->length++] = (char)(*c < ' ' || *c == 0x7f ? '?' : *c);
    length = snprintf(page->text + page->length, sizeof(page->text) - page->length, " %s\n",
                      is_accepted ? "accepted" : "refused");
    page->length += (size_t)length;
}

static void try_fields(const struct flexilib_core *core, struct flexilib_exchange *exchange, flexilib_half half,
                       struct page *page)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
        const struct attempt *field = &fields[i];
        bool is_set =
            core->set_header(exchange, half, field->name, strlen(field->name), field->value.data, field->value.length);
        bool is_added =
            core->add_header(exchange, half, field->name, strlen(field->name), field->value.data, field->value.length);
        note(page, half == FLEXILIB_REQUEST ? "request" : "response", field->name, is_set || is_added);
    }
}

typedef bool (*setter)(struct flexilib_exchange *exchange, const char *data, size_t length);

static void try_texts(setter set, struct flexilib_exchange *exchange, const char *what, const char *const *texts,
                      struct page *page)
{
    for (; *texts != NULL; ++texts)
        note(page, what, *texts, set(exchange, *texts, strlen(*texts)));
}

static void try_all(const struct flexilib_core *core, struct flexilib_exchange *exchange, struct page *page)
{
    static const char *const methods[] = {"PUT", "G ET", "GET\r\n", "", "CONNECT", NULL};
    static const char *const paths[] = {"/good%20path", "bad", "", "/a b", "/a?b", "/a#b", "/a\r\nb", "/%zz", NULL};
    static const char *const queries[] = {"a=b&c=/?", "a b", "a#b", "a\nb", NULL};
    static const char *const hosts[] = {"example.com:80", "a b", "a/b", "u@a", "a\r\nb", "", NULL};
    try_fields(core, exchange, FLEXILIB_REQUEST, page);
    try_fields(core, exchange, FLEXILIB_RESPONSE, page);
    note(page, "request", "host", core->set_header(exchange, FLEXILIB_REQUEST, "host", 4, "a", 1));
    try_texts(core->set_method, exchange, "method", methods, page);
    try_texts(core->set_path, exchange, "path", paths, page);
    try_texts(core->set_query, exchange, "query", queries, page);
    try_texts(core->set_authority, exchange, "authority", hosts, page);
    note(page, "status", "", core->set_status(exchange, 200));
    note(page, "reply", "99", core->reply(exchange, 99, "", 0, "", 0));
    note(page, "reply", "600", core->reply(exchange, 600, "", 0, "", 0));
    note(page, "reply", "type", core->reply(exchange, 200, "a\r\nb", 4, "", 0));
    note(page, "pass", "", core->pass(exchange));
    note(page, "write", "", core->write(exchange, "a", 1));
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    struct page *page = core->allocate(exchange, sizeof(*page));
    page->length = 0;
    try_all(core, exchange, page);
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), page->text, page->length);
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "inject", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
