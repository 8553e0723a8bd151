#include "http/head_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1
#define LINE          "GET / HTTP/1.1\r\n"
#define OK_LINE       "HTTP/1.1 200 OK\r\n"

enum {
    FIELDS = 4,
};

struct row {
    const char *data;
    size_t length;
    enum head_result result;
    const char *outcome; /* the parts as describe_head writes them, or the reason */
};

static const struct row requests[] = {
    {TEXT("GET / HTTP/1.1\r\n\r\n"), HEAD_OK, "GET / 1"},
    {TEXT("GET / HTTP/1.0\r\n\r\n"), HEAD_OK, "GET / 0"},
    {TEXT("GET / HTTP/1.2\r\n\r\n"), HEAD_OK, "GET / 2"},
    {TEXT("GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), HEAD_OK, "GET / 1"},
    {TEXT("GET / HTTP/1.1\r\n\r\nPOST"), HEAD_OK, "GET / 1"},
    {TEXT("FOO * HTTP/1.1\r\n\r\n"), HEAD_OK, "FOO * 1"},
    {TEXT("M-SEARCH!#$%&'*+-.^_`|~09az * HTTP/1.1\r\n\r\n"), HEAD_OK, "M-SEARCH!#$%&'*+-.^_`|~09az * 1"},
    {TEXT("GET http://a/b?c HTTP/1.1\r\n\r\n"), HEAD_OK, "GET http://a/b?c 1"},
    {TEXT("GET !\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~ HTTP/1.1\r\n\r\n"), HEAD_OK,
     "GET !\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~ 1"},
    {TEXT(LINE "Host: a\r\n\r\n"), HEAD_OK, "GET / 1|Host=a"},
    {TEXT(LINE "Host:a\r\nB:\r\nC: \t \r\n\r\n"), HEAD_OK, "GET / 1|Host=a|B=|C="},
    {TEXT(LINE "A: \t b c\t d \t \r\n\r\n"), HEAD_OK, "GET / 1|A=b c\t d"},
    {TEXT(LINE "A: b:c: d\r\n\r\n"), HEAD_OK, "GET / 1|A=b:c: d"},
    {TEXT(LINE "A: \xff\x80\xc3\xa9\r\n\r\n"), HEAD_OK, "GET / 1|A=\xff\x80\xc3\xa9"},
    {TEXT(LINE "!#$%&'*+-.^_`|~09aZ: x\r\n\r\n"), HEAD_OK, "GET / 1|!#$%&'*+-.^_`|~09aZ=x"},
    {TEXT(LINE "A: 1\r\nA: 2\r\na: 3\r\nB: 4\r\n\r\n"), HEAD_OK, "GET / 1|A=1|A=2|a=3|B=4"},
    {TEXT("\r\n" LINE "\r\n"), HEAD_OK, "GET / 1"},
    {TEXT("\r\n\r\n\r\n\r\n" LINE "A: b\r\n\r\n"), HEAD_OK, "GET / 1|A=b"},

    {TEXT(""), HEAD_INCOMPLETE, NULL},
    {TEXT("\r"), HEAD_INCOMPLETE, NULL},
    {TEXT("\r\n"), HEAD_INCOMPLETE, NULL},
    {TEXT("\r\n\r\n\r\n\r\n\r"), HEAD_INCOMPLETE, NULL},
    {TEXT("G"), HEAD_INCOMPLETE, NULL},
    {TEXT("GET "), HEAD_INCOMPLETE, NULL},
    {TEXT("GET / HTTP/1."), HEAD_INCOMPLETE, NULL},
    {TEXT("GET / HTTP/1.1\r"), HEAD_INCOMPLETE, NULL},
    {TEXT("GET / HTTP/1.1\r\n"), HEAD_INCOMPLETE, NULL},
    {TEXT("GET / HTTP/1.1\r\n\r"), HEAD_INCOMPLETE, NULL},
    {TEXT(LINE "Host"), HEAD_INCOMPLETE, NULL},
    {TEXT(LINE "Host: a"), HEAD_INCOMPLETE, NULL},
    {TEXT(LINE "Host: a\r\n"), HEAD_INCOMPLETE, NULL},
    {TEXT(LINE "Host: a\r\n\r"), HEAD_INCOMPLETE, NULL},

    {TEXT("\n" LINE "\r\n"), HEAD_BAD, "an empty line before the request is not CRLF"},
    {TEXT("\r\r\n" LINE "\r\n"), HEAD_BAD, "an empty line before the request is not CRLF"},
    {TEXT("\r\n\n" LINE "\r\n"), HEAD_BAD, "an empty line before the request is not CRLF"},
    {TEXT("\r\n\r\n\r\n\r\n\r\n"), HEAD_BAD, "too many empty lines before the request"},
    {TEXT("GET /\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET /\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / X\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT(" / HTTP/1.1\r\n\r\n"), HEAD_BAD, "the method is not a token"},
    {TEXT(" GET / HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET  / HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET  HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request target holds a byte that it must not"},
    {TEXT("GET /  HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / a HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/1.1 \r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT("GET\t/\tHTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/2.0\r\n\r\n"), HEAD_OTHER_VERSION, "the HTTP version is not 1"},
    {TEXT("GET / HTTP/01.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/0.9\r\n\r\n"), HEAD_OTHER_VERSION, "the HTTP version is not 1"},
    {TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HEAD_OTHER_VERSION, "the HTTP version is not 1"},
    {TEXT("GET / a HTTP/2.0\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/x.0\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / http/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/1.10\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT("GET / HTTP/1.\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/1,1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTPS/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("G=\":<>(e),[T];?\" / HTTP/1.1\r\n\r\n"), HEAD_BAD, "the method is not a token"},
    {TEXT("G(T / HTTP/1.1\r\n\r\n"), HEAD_BAD, "the method is not a token"},
    {TEXT("G\xc9T / HTTP/1.1\r\n\r\n"), HEAD_BAD, "the method is not a token"},
    {TEXT("GET /\xff HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request target holds a byte that it must not"},
    {TEXT("GET /a#b HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request target holds a byte that it must not"},
    {TEXT("GET /\x7f HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET /\0 HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET /\x01 HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET /\r HTTP/1.1\r\n\r\n"), HEAD_BAD, "the request line is malformed"},
    {TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), HEAD_BAD, "the request line is malformed"},
    {TEXT("GET / HTTP/1.1\n\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT("GET / HTTP/1.1\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT("GET / HTTP/1.1\n\r\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT("GET / HTTP/1.1\r\n\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT(LINE "Host: a\nB: c\r\n\r\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT(LINE "Host: a\n\r\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT(LINE "Host: a\r\n\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT(LINE "Host: a\rb\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Host: a\r\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "\r\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Host: a\0b\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Host: a\x0b\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Host: a\x7f\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Foo: bar\r\n Content-Length: 9\r\n\r\n"), HEAD_BAD, "a header line is folded"},
    {TEXT(LINE "Foo: bar\r\n\tbaz\r\n\r\n"), HEAD_BAD, "a header line is folded"},
    {TEXT(LINE "Foo: bar\r\n \r\n\r\n"), HEAD_BAD, "a header line is folded"},
    {TEXT(LINE " Foo: bar\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Transfer-Encoding : chunked\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Transfer-Encoding\t: chunked\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "No colon\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "Nocolon\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE ": empty\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "A(b: c\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "A\xe9: c\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "A\0b: c\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(LINE "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n"), HEAD_TOO_MANY_FIELDS, "too many header fields"},
    {TEXT(LINE "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE"), HEAD_TOO_MANY_FIELDS, "too many header fields"},
};

static const struct row responses[] = {
    {TEXT("HTTP/1.1 200 OK\r\n\r\n"), HEAD_OK, "200 1"},
    {TEXT("HTTP/1.0 404 Not Found\r\n\r\n"), HEAD_OK, "404 0"},
    {TEXT("HTTP/1.1 200\r\n\r\n"), HEAD_OK, "200 1"},
    {TEXT("HTTP/1.1 200 \r\n\r\n"), HEAD_OK, "200 1"},
    {TEXT("HTTP/1.1 200\r\nA: b\r\n\r\nbody"), HEAD_OK, "200 1|A=b"},
    {TEXT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), HEAD_OK, "100 1"},
    {TEXT("HTTP/1.1 599 \xe9\tx  y \r\n\r\n"), HEAD_OK, "599 1"},
    {TEXT(OK_LINE "A: b \r\nC:\xff\r\n\r\n"), HEAD_OK, "200 1|A=b|C=\xff"},

    {TEXT(""), HEAD_INCOMPLETE, NULL},
    {TEXT("H"), HEAD_INCOMPLETE, NULL},
    {TEXT("HTTP/1."), HEAD_INCOMPLETE, NULL},
    {TEXT("HTTP/1.1 200"), HEAD_INCOMPLETE, NULL},
    {TEXT("HTTP/1.1 200 OK\r\n"), HEAD_INCOMPLETE, NULL},
    {TEXT(OK_LINE "A: b\r\n"), HEAD_INCOMPLETE, NULL},
    {TEXT(OK_LINE "A: b\r\n\r"), HEAD_INCOMPLETE, NULL},

    {TEXT("\r\nHTTP/1.1 200 OK\r\n\r\n"), HEAD_BAD, "it does not begin with HTTP/1"},
    {TEXT("SSH-2.0-x\r\n"), HEAD_BAD, "it does not begin with HTTP/1"},
    {TEXT("X"), HEAD_BAD, "it does not begin with HTTP/1"},
    {TEXT("HTTP/2"), HEAD_BAD, "it does not begin with HTTP/1"},
    {TEXT("HTTP/2.0 200 OK\r\n\r\n"), HEAD_BAD, "it does not begin with HTTP/1"},
    {TEXT("http/1.1 200 OK\r\n\r\n"), HEAD_BAD, "it does not begin with HTTP/1"},
    {TEXT("HTTP/1.2 200 OK\r\n\r\n"), HEAD_BAD, "the HTTP version is neither 1.0 nor 1.1"},
    {TEXT("HTTP/1.x 200 OK\r\n\r\n"), HEAD_BAD, "the HTTP version is neither 1.0 nor 1.1"},
    {TEXT("HTTP/1.\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1 20\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.11 200 OK\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1 1000 OK\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1 200OK\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1 200\tOK\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1\t200 OK\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1  200 OK\r\n\r\n"), HEAD_BAD, "the status line is malformed"},
    {TEXT("HTTP/1.1  99 OK\r\n\r\n"), HEAD_BAD, "the status is not a number of three digits"},
    {TEXT("HTTP/1.1 -20 OK\r\n\r\n"), HEAD_BAD, "the status is not a number of three digits"},
    {TEXT("HTTP/1.1 2 0 OK\r\n\r\n"), HEAD_BAD, "the status is not a number of three digits"},
    {TEXT("HTTP/1.1 000 OK\r\n\r\n"), HEAD_BAD, "the status is not between 100 and 599"},
    {TEXT("HTTP/1.1 099 OK\r\n\r\n"), HEAD_BAD, "the status is not between 100 and 599"},
    {TEXT("HTTP/1.1 600 OK\r\n\r\n"), HEAD_BAD, "the status is not between 100 and 599"},
    {TEXT("HTTP/1.1 200 O\0K\r\n\r\n"), HEAD_BAD, "the reason phrase holds a control character"},
    {TEXT("HTTP/1.1 200 O\rK\r\n\r\n"), HEAD_BAD, "the reason phrase holds a control character"},
    {TEXT("HTTP/1.1 200 OK\n\r\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT("HTTP/1.1 200 OK\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT(OK_LINE "A: b\n\n"), HEAD_BAD, "a line ends in a bare LF"},
    {TEXT(OK_LINE "A: b\r\n c\r\n\r\n"), HEAD_BAD, "a header line is folded"},
    {TEXT(OK_LINE " A: b\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(OK_LINE "A b: c\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(OK_LINE "A: b\rc\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(OK_LINE "A: b\0c\r\n\r\n"), HEAD_BAD, "a header line is malformed"},
    {TEXT(OK_LINE "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n"), HEAD_TOO_MANY_FIELDS, "too many header fields"},
};

typedef enum head_result parse(struct slice data, size_t seen, struct parsed_head *head, const char **reason);

static void describe_head(const struct parsed_head *head, bool is_request, char *text, size_t size)
{
    int length = is_request ? snprintf(text, size, "%.*s %.*s %u", SLICE_ARG(head->method), SLICE_ARG(head->target),
                                       head->minor_version)
                            : snprintf(text, size, "%d %u", head->status, head->minor_version);
    for (size_t i = 0; i < head->field_count; ++i)
        length += snprintf(text + length, size - (size_t)length, "|%.*s=%.*s", SLICE_ARG(head->fields[i].name),
                           SLICE_ARG(head->fields[i].value));
}

/* Parses a copy that ends where memory ends, so that a sanitizer sees a read beyond it. */
static void check_whole(const struct row *row, parse *parser, size_t number)
{
    struct header fields[FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = FIELDS};
    const char *reason = NULL;
    char *copy = malloc(row->length == 0 ? 1 : row->length);
    memcpy(copy, row->data, row->length);
    char text[512] = "";
    enum head_result result = parser(slice_of(copy, row->length), 0, &head, &reason);
    if (result == HEAD_OK)
        describe_head(&head, parser == head_parse_request, text, sizeof(text));
    const char *outcome = result == HEAD_OK ? text : reason;
    if (result != row->result || (row->outcome != NULL && (outcome == NULL || strcmp(outcome, row->outcome) != 0)))
        fail_msg("row %zu: %d, '%s' in place of %d, '%s'", number, result, outcome == NULL ? "" : outcome, row->result,
                 row->outcome == NULL ? "" : row->outcome);
    free(copy);
}

/* Byte by byte the same is found, except that what is bad may show only at the head's end. */
static void check_in_pieces(const struct row *row, parse *parser, size_t number, size_t step)
{
    struct header fields[FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = FIELDS};
    const char *reason = NULL;
    enum head_result result = HEAD_INCOMPLETE;
    size_t seen = 0, end = step;
    for (; result == HEAD_INCOMPLETE && seen < row->length; seen = end, end += step) {
        if (end > row->length)
            end = row->length;
        char *copy = malloc(end);
        memcpy(copy, row->data, end);
        result = parser(slice_of(copy, end), seen, &head, &reason);
        if (result == HEAD_OK)
            assert_true(head.length <= end);
        free(copy);
    }
    bool is_whole = memmem(row->data, row->length, "\r\n\r\n", 4) != NULL;
    bool may_wait = row->result != HEAD_OK && !is_whole;
    if (result != row->result && !(may_wait && result == HEAD_INCOMPLETE))
        fail_msg("row %zu, %zu at a time: %d in place of %d (%s)", number, step, result, row->result,
                 reason == NULL ? "" : reason);
}

static void check_rows(const struct row *rows, size_t count, parse *parser)
{
    for (size_t i = 0; i < count; ++i) {
        check_whole(&rows[i], parser, i);
        for (size_t step = 1; step < 8; ++step)
            check_in_pieces(&rows[i], parser, i, step);
    }
}

static void requests_are_split_or_refused(void **state)
{
    check_rows(requests, sizeof(requests) / sizeof(requests[0]), head_parse_request);
}

static void responses_are_split_or_refused(void **state)
{
    check_rows(responses, sizeof(responses) / sizeof(responses[0]), head_parse_response);
}

static void the_length_counts_all_of_the_head(void **state)
{
    struct header fields[FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = FIELDS};
    const char *reason;
    struct slice request = SLICE("\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nbody");
    assert_int_equal(head_parse_request(request, 0, &head, &reason), HEAD_OK);
    assert_int_equal(head.length, request.length - 4);
    struct slice response = SLICE("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody");
    assert_int_equal(head_parse_response(response, 0, &head, &reason), HEAD_OK);
    assert_int_equal(head.length, response.length - 4);
}

/* Every byte in a method, a target, a name and a value. */
static void each_byte_is_judged_by_its_place(void **state)
{
    static const char token_marks[] = "!#$%&'*+-.^_`|~";
    struct header fields[FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = FIELDS};
    const char *reason;
    for (int c = 0; c < 256; ++c) {
        bool is_token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c != 0 && strchr(token_marks, c) != NULL);
        bool is_value = c == '\t' || (c >= 0x20 && c != 0x7f);
        bool is_target = c > 0x20 && c < 0x7f && c != '#';
        bool expected[] = {is_token, is_target, is_token, is_value};
        size_t places[] = {1, 5, 18, 24};
        for (int i = 0; i < 4; ++i) {
            char data[] = "GET /ab HTTP/1.1\r\nXyz: abc\r\n\r\n";
            data[places[i]] = (char)c;
            enum head_result result = head_parse_request(slice_of(data, sizeof(data) - 1), 0, &head, &reason);
            if ((result == HEAD_OK) != expected[i])
                fail_msg("byte %#x at place %d: %d", (unsigned)c, i, result);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_split_or_refused),
        cmocka_unit_test(responses_are_split_or_refused),
        cmocka_unit_test(the_length_counts_all_of_the_head),
        cmocka_unit_test(each_byte_is_judged_by_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
