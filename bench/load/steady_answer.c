#define _GNU_SOURCE

#include "steady.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_reset(struct connection *connection)
{
    connection->head_used = connection->length = connection->got = 0;
    connection->has_head = connection->closes = connection->is_wrong = false;
}

static enum answer_state refuse(struct steady *steady, struct connection *connection, enum failure failure,
                                const char *detail)
{
    connection->is_wrong = true;
    report_failure(steady, connection, failure, detail);
    return ANSWER_IS_WRONG;
}

static const char *find_field(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':')
            return line + 2 + length + 1 + strspn(line + 2 + length + 1, " ");
    return NULL;
}

static enum answer_state read_head(struct steady *steady, struct connection *connection)
{
    const char *head = connection->head;
    const char *wanted = connection->kind == KIND_TUNNEL ? "HTTP/1.1 101 " : "HTTP/1.1 200 ";
    if (strncmp(head, wanted, strlen(wanted)) != 0)
        return refuse(steady, connection, FAILURE_STATUS, strndupa(head, strcspn(head, "\r\n")));
    connection->has_head = true;
    const char *field = find_field(head, "connection");
    connection->closes = field != NULL && strncasecmp(field, "close", 5) == 0;
    if (connection->kind == KIND_TUNNEL)
        return ANSWER_IS_WHOLE;
    field = find_field(head, "content-length");
    if (field == NULL)
        return refuse(steady, connection, FAILURE_BODY, "no length is told");
    connection->length = strtoul(field, NULL, 10);
    if (connection->place->length != 0 ? connection->length != connection->place->length
                                       : connection->length >= BODY_BYTES)
        return refuse(steady, connection, FAILURE_BODY, "the length is wrong");
    return ANSWER_GOES_ON;
}

/* Older connections may have one more old answer, which is their last one. */
static enum answer_state judge_version(struct steady *steady, struct connection *connection, unsigned version)
{
    struct place *place = connection->place;
    char detail[128];
    report_version(place, version, connection->arrived_us);
    unsigned opened_floor = connection->opened_floors[place - steady->places];
    unsigned floor = connection->closes ? opened_floor : connection->asked_floor;
    if (version >= floor)
        return ANSWER_IS_WHOLE;
    snprintf(detail, sizeof(detail), "version %u where %u serves, %s", version, floor,
             version < opened_floor ? "on a new connection" : "on one that goes on");
    return refuse(steady, connection, FAILURE_STALE, detail);
}

static enum answer_state judge_body(struct steady *steady, struct connection *connection)
{
    struct place *place = connection->place;
    if (place->length != 0)
        return ANSWER_IS_WHOLE;
    connection->body[connection->got] = '\0';
    size_t length = strlen(place->name);
    char *end = connection->body;
    if (strncmp(connection->body, place->name, length) == 0 && connection->body[length] == ' ') {
        unsigned long version = strtoul(connection->body + length + 1, &end, 10);
        if (strcmp(end, "\n") == 0)
            return judge_version(steady, connection, (unsigned)version);
    }
    return refuse(steady, connection, FAILURE_BODY, connection->body);
}

static bool are_bytes_right(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (bytes[i] != 'x')
            return false;
    return true;
}

static enum answer_state take_body(struct steady *steady, struct connection *connection, const char *bytes,
                                   size_t count)
{
    if (count > connection->length - connection->got)
        return refuse(steady, connection, FAILURE_BODY, "more comes than was told");
    if (connection->place->length == 0)
        memcpy(connection->body + connection->got, bytes, count);
    else if (!are_bytes_right(bytes, count))
        return refuse(steady, connection, FAILURE_BODY, "the bytes are wrong");
    connection->got += count;
    return connection->got == connection->length ? judge_body(steady, connection) : ANSWER_GOES_ON;
}

enum answer_state answer_take(struct steady *steady, struct connection *connection, const char *bytes, size_t count)
{
    if (connection->has_head)
        return take_body(steady, connection, bytes, count);
    size_t before = connection->head_used;
    size_t taken = count < HEAD_BYTES - 1 - before ? count : HEAD_BYTES - 1 - before;
    memcpy(connection->head + before, bytes, taken);
    connection->head_used += taken;
    connection->head[connection->head_used] = '\0';
    const char *end = strstr(connection->head, "\r\n\r\n");
    if (end == NULL)
        return taken == count ? ANSWER_GOES_ON : refuse(steady, connection, FAILURE_BODY, "the head is too long");
    size_t of_head = (size_t)(end + 4 - connection->head) - before;
    connection->head[before + of_head - 2] = '\0';
    enum answer_state state = read_head(steady, connection);
    if (state != ANSWER_GOES_ON)
        return state == ANSWER_IS_WHOLE && of_head != count
                   ? refuse(steady, connection, FAILURE_BODY, "something comes behind the head")
                   : state;
    return take_body(steady, connection, bytes + of_head, count - of_head);
}
