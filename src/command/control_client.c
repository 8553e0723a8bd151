#include "command/control_client.h"

#include "process/control_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TIMEOUT_S = 10,
    MOST_STATUS = 255,
    ANSWER_LIMIT_BYTES = 64 * 1024 * 1024,
};

/* Not file_write_all: a supervisor that leaves would end us by a signal. */
static bool send_all(int fd, struct slice data)
{
    while (data.length != 0) {
        ssize_t length = send(fd, data.data, data.length, MSG_NOSIGNAL);
        if (length == -1 && errno != EINTR)
            return false;
        data = slice_skip(data, length == -1 ? 0 : (size_t)length);
    }
    return true;
}

static bool receive_all(int fd, struct text *answer)
{
    for (;;) {
        ssize_t length = recv(fd, text_reserve(answer, 65536), 65536, 0);
        if (length == 0)
            return true;
        if (length == -1 && errno == EINTR)
            continue;
        if (length == -1 || answer->length > ANSWER_LIMIT_BYTES)
            return false;
        answer->length += (size_t)length;
    }
}

/* Where the last line begins; it has a line break at its end. */
static size_t find_last_line(struct slice text)
{
    size_t start = text.length - 1;
    while (start != 0 && text.data[start - 1] != '\n')
        --start;
    return start;
}

/* The status, or -1. */
static int read_answer(const struct text *answer, struct text *lines, struct error *error)
{
    struct slice text = text_slice(answer);
    struct control_line end;
    uint64_t status;
    if (text.length == 0 || text.data[text.length - 1] != '\n') {
        error_set(error, "FlexiLib's answer is not complete");
        return -1;
    }
    size_t start = find_last_line(text);
    if (!control_line_parse(slice_of(text.data + start, text.length - start - 1), &end) ||
        !slice_equals(end.fields[0], SLICE("end")) || end.count < 2 || !slice_parse_number(end.fields[1], &status) ||
        status > MOST_STATUS) {
        error_set(error, "FlexiLib's answer makes no sense");
        return -1;
    }
    if (status != 0)
        error_set(error, "%.*s", SLICE_ARG(control_line_field(&end, 2)));
    text_add(lines, slice_of(text.data, start));
    return (int)status;
}

static int ask(const char *file, int timeout_s, const struct text *request, struct text *lines, struct error *error)
{
    struct text answer = TEXT_INIT;
    int fd = control_socket_connect(file, timeout_s, error);
    if (fd == -1)
        return -1;
    bool is_answered = send_all(fd, text_slice(request)) && receive_all(fd, &answer);
    int saved = errno, status = -1;
    close(fd);
    if (is_answered)
        status = read_answer(&answer, lines, error);
    else if (saved == EAGAIN)
        error_set(error, "FlexiLib does not answer within %d s: its process may be stopped, or get no CPU", timeout_s);
    else
        error_set(error, "FlexiLib does not answer: %s", strerror(saved));
    text_finish(&answer);
    return status;
}

bool control_client_ask(const char *file, const struct text *request, struct text *lines, struct error *error)
{
    return ask(file, TIMEOUT_S, request, lines, error) == 0;
}

int control_client_await(const char *file, const struct text *request, struct text *lines, struct error *error)
{
    return ask(file, 0, request, lines, error);
}
