#include "message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void message_finish(struct message *message)
{
    free(message->line);
    free(message->head);
    *message = (struct message){0};
}

void message_begin(struct message *message, enum message_kind kind)
{
    message_finish(message);
    message->kind = kind;
    message->line = malloc(LONGEST_HEAD_BYTES);
    if (message->line == NULL)
        abort();
}

static void *fail(struct message *message, const char *fault)
{
    if (message->fault == NULL)
        message->fault = fault;
    return NULL;
}

const char *message_field(const struct message *message, const char *name)
{
    for (size_t i = 0; i < message->field_count; ++i) {
        if (strcasecmp(message->fields[i].name, name) == 0)
            return message->fields[i].value;
    }
    return NULL;
}

uint64_t message_number(const struct message *message, const char *name)
{
    const char *value = message_field(message, name);
    return value == NULL ? 0 : strtoull(value, NULL, 10);
}

static size_t count_fields(const struct message *message, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < message->field_count; ++i)
        count += strcasecmp(message->fields[i].name, name) == 0;
    return count;
}

static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; ++c) {
        if (!isalnum((unsigned char)*c) && strchr("!#$%&'*+-.^_`|~", *c) == NULL)
            return false;
    }
    return *text != '\0';
}

static bool is_value(const char *text)
{
    for (const char *c = text; *c != '\0'; ++c) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    }
    return true;
}

/* Cuts the field in place. */
static void read_field(struct message *message, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || message->field_count == MOST_FIELDS) {
        fail(message, "a line of the head is no field, or there are too many");
        return;
    }
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    if (!is_token(line) || !is_value(value))
        fail(message, "a field is malformed");
    if (strcasecmp(line, "x-injected") == 0)
        fail(message, "a field was injected");
    message->fields[message->field_count++] = (struct message_field){line, value};
}

static void read_status_line(struct message *message, const char *line)
{
    if (strncmp(line, "HTTP/1.1 ", 9) != 0 || strspn(line + 9, "0123456789") != 3 || line[12] != ' ')
        fail(message, "the status line is malformed");
    else
        message->status = atoi(line + 9);
}

static void read_request_line(struct message *message, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target == NULL ? NULL : strchr(target + 1, ' ');
    if (version == NULL || strcmp(version, " HTTP/1.1") != 0 || target[1] != '/') {
        fail(message, "the request line is malformed");
        message->method = "";
        return;
    }
    *target = '\0';
    message->method = line;
    if (!is_token(line))
        fail(message, "the method is malformed");
}

/* What the fields say of the body. */
static void read_framing(struct message *message)
{
    const char *length = message_field(message, "content-length"),
               *coding = message_field(message, "transfer-encoding");
    if (count_fields(message, "content-length") > 1 || count_fields(message, "transfer-encoding") > 1 ||
        (length != NULL && coding != NULL))
        fail(message, "the body is framed twice");
    message->part = message->kind == MESSAGE_REQUEST ? PART_NOTHING : PART_TO_END;
    if (coding != NULL) {
        message->part = PART_CHUNK_SIZE;
        if (strcmp(coding, "chunked") != 0)
            fail(message, "a transfer coding is unknown");
    } else if (length != NULL) {
        message->left = strtoull(length, NULL, 10);
        message->part = message->left == 0 ? PART_NOTHING : PART_LENGTH;
        if (*length == '\0' || strspn(length, "0123456789") != strlen(length) || strlen(length) > 15)
            fail(message, "the length is malformed");
    }
}

static void settle_head(struct message *message)
{
    const char *connection = message_field(message, "connection");
    message->closes = connection != NULL && strcasecmp(connection, "close") == 0;
    read_framing(message);
    if (message->kind == MESSAGE_REQUEST) {
        if (count_fields(message, "host") != 1)
            fail(message, "there has to be one Host");
        return;
    }
    bool is_empty = message->status < 200 || message->status == 204;
    if (is_empty && (message_field(message, "content-length") || message_field(message, "transfer-encoding")))
        fail(message, "a body is framed where none can be");
    if (is_empty || message->status == 304 || message->kind == MESSAGE_RESPONSE_TO_HEAD)
        message->part = PART_NOTHING;
    if (message->part == PART_TO_END && !message->closes)
        fail(message, "nothing says where the body ends");
}

/* The head is there, with the empty line. */
static void read_head(struct message *message)
{
    message->head = message->line;
    message->line = malloc(LONGEST_HEAD_BYTES);
    if (message->line == NULL)
        abort();
    message->part = PART_NOTHING;
    if (memchr(message->head, '\0', message->line_length) != NULL) {
        fail(message, "there is a NUL in the head");
        return;
    }
    message->head[message->line_length - 2] = '\0';
    message->line_length = 0;
    char *line = message->head;
    for (bool is_first = true; *line != '\0'; is_first = false) {
        char *end = strstr(line, "\r\n");
        *end = '\0';
        if (strchr(line, '\n') != NULL || strchr(line, '\r') != NULL)
            fail(message, "a line of the head ends badly");
        if (!is_first)
            read_field(message, line);
        else if (message->kind == MESSAGE_REQUEST)
            read_request_line(message, line);
        else
            read_status_line(message, line);
        line = end + 2;
    }
    if (message->status == 0 && message->method == NULL)
        fail(message, "there is no first line");
    settle_head(message);
}

/* Takes bytes until what is there ends so; returns how many. */
static size_t read_until(struct message *message, const char *data, size_t length, const char *end, bool *is_there)
{
    size_t end_length = strlen(end);
    for (size_t i = 0; i < length; ++i) {
        if (message->line_length + 1 >= LONGEST_HEAD_BYTES) {
            fail(message, "a line has no end");
            return length;
        }
        message->line[message->line_length++] = data[i];
        size_t there = message->line_length;
        *is_there = there >= end_length && memcmp(message->line + there - end_length, end, end_length) == 0;
        if (*is_there)
            return i + 1;
    }
    return length;
}

static size_t read_bytes(struct message *message, const char *data, size_t length)
{
    size_t count = message->part == PART_TO_END || length < message->left ? length : (size_t)message->left;
    for (size_t i = 0; message->letter != 0 && i < count && message->fault == NULL; ++i) {
        if (data[i] == message->letter)
            continue;
        snprintf(message->wrong, sizeof(message->wrong), "the body has bytes of somebody else, at %llu: %.*s",
                 (unsigned long long)message->bytes + i, (int)(count - i), data + i);
        fail(message, message->wrong);
    }
    message->bytes += count;
    message->left -= message->part == PART_TO_END ? 0 : count;
    return count;
}

static void read_chunk_size(struct message *message)
{
    message->line[message->line_length] = '\0';
    size_t digits = strspn(message->line, "0123456789abcdefABCDEF");
    message->left = strtoull(message->line, NULL, 16);
    if (digits == 0 || digits > 12 || (message->line[digits] != '\r' && message->line[digits] != ';'))
        fail(message, "a chunk's size is malformed");
    message->part = message->left == 0 ? PART_TRAILER : PART_CHUNK;
}

/* Lines, until an empty one. */
static void read_trailer(struct message *message)
{
    message->line[message->line_length] = '\0';
    if (message->line_length == 2)
        message->part = PART_NOTHING;
    else if (strchr(message->line, ':') == NULL || strncasecmp(message->line, "x-injected", 10) == 0)
        fail(message, "a trailer is malformed");
}

static size_t read_line(struct message *message, const char *data, size_t length)
{
    bool is_there = false;
    size_t taken = read_until(message, data, length, "\r\n", &is_there);
    if (!is_there)
        return taken;
    if (message->part == PART_CHUNK_SIZE)
        read_chunk_size(message);
    else if (message->part == PART_TRAILER)
        read_trailer(message);
    else if (message->line_length != 2)
        fail(message, "a chunk is longer than it says");
    else
        message->part = PART_CHUNK_SIZE;
    message->line_length = 0;
    return taken;
}

static size_t read_some(struct message *message, const char *data, size_t length)
{
    size_t taken;
    bool is_there = false;
    switch (message->part) {
    case PART_HEAD:
        taken = read_until(message, data, length, "\r\n\r\n", &is_there);
        if (is_there)
            read_head(message);
        return taken;
    case PART_LENGTH:
    case PART_TO_END:
    case PART_CHUNK:
        taken = read_bytes(message, data, length);
        if (message->left == 0 && message->part != PART_TO_END)
            message->part = message->part == PART_CHUNK ? PART_CHUNK_END : PART_NOTHING;
        return taken;
    default:
        return read_line(message, data, length);
    }
}

size_t message_read(struct message *message, const char *data, size_t length)
{
    size_t taken = 0;
    while (taken < length && !message_is_whole(message) && message->fault == NULL) {
        bool had_head = message_has_head(message);
        taken += read_some(message, data + taken, length - taken);
        if (message_has_head(message) && !had_head)
            break;
    }
    return taken;
}

bool message_may_end(const struct message *message)
{
    return message->part == PART_TO_END || message_is_whole(message);
}
