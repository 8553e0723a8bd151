#include "command/healthcheck.h"

#include "base/alloc.h"
#include "base/file.h"
#include "config/settings.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    STATUS_REFUSED = 78,
    TIMEOUT_S = 5,
    ANSWER_BYTES = 1024,
};

struct question {
    struct text host; /* without brackets, or a socket's path */
    struct text port;
    struct text path;
    bool is_unix;
};

static void question_finish(struct question *question)
{
    text_finish(&question->host);
    text_finish(&question->port);
    text_finish(&question->path);
}

static void parse_host_port(struct slice authority, struct question *question)
{
    size_t colon = authority.length;
    while (colon != 0 && authority.data[colon - 1] != ':' && authority.data[colon - 1] != ']')
        --colon;
    bool has_port = colon != 0 && authority.data[colon - 1] == ':';
    struct slice host = slice_of(authority.data, has_port ? colon - 1 : authority.length);
    if (host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = slice_of(host.data + 1, host.length - 2);
    text_add(&question->host, host);
    text_add(&question->port, has_port ? slice_skip(authority, colon) : SLICE("80"));
}

static bool check_target(const char *target)
{
    bool is_other_scheme = strstr(target, "://") != NULL && strncmp(target, "http://", strlen("http://")) != 0;
    if (target[0] != '\0' && !is_other_scheme)
        return true;
    fprintf(stderr, "cannot ask '%s': HOST:PORT, http://HOST:PORT/PATH and unix:/PATH are possible\n", target);
    return false;
}

static void parse_target(const char *target, struct question *question)
{
    struct slice rest = slice_from_text(target);
    question->is_unix = slice_starts_with(rest, SLICE("unix:"));
    if (question->is_unix) {
        text_add(&question->host, slice_skip(rest, 5));
        text_add(&question->path, SLICE("/"));
        return;
    }
    if (slice_starts_with(rest, SLICE("http://")))
        rest = slice_skip(rest, 7);
    size_t slash = slice_find(rest, '/');
    parse_host_port(slice_of(rest.data, slash), question);
    text_add(&question->path, slash < rest.length ? slice_skip(rest, slash) : SLICE("/"));
}

/* Who listens on every address is asked on the loopback one. */
static struct slice reachable_host(struct slice host)
{
    if (slice_equals(host, SLICE("0.0.0.0")))
        return SLICE("127.0.0.1");
    return slice_equals(host, SLICE("::")) ? SLICE("::1") : host;
}

static void ask_listener(const struct listener_settings *listener, const char *path, struct question *question)
{
    question_finish(question);
    question->is_unix = listener->is_unix;
    text_add(&question->host, listener->is_unix ? listener->host : reachable_host(listener->host));
    text_print(&question->port, "%u", listener->port);
    text_print(&question->path, "%s", path);
}

static int connect_address(int family, const struct sockaddr *address, socklen_t length)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, address, length) == 0)
        return fd;
    file_close_quietly(fd);
    return -1;
}

static int connect_unix(const struct question *question, const char **reason)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (question->host.length >= sizeof(address.sun_path)) {
        *reason = strerror(ENAMETOOLONG);
        return -1;
    }
    memcpy(address.sun_path, question->host.data, question->host.length);
    int fd = connect_address(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
    if (fd == -1)
        *reason = strerror(errno);
    return fd;
}

static int connect_tcp(const struct question *question, const char **reason)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1;
    int problem = getaddrinfo(question->host.data, question->port.data, &hints, &found);
    if (problem != 0) {
        *reason = gai_strerror(problem);
        return -1;
    }
    for (const struct addrinfo *address = found; address != NULL && fd == -1; address = address->ai_next)
        fd = connect_address(address->ai_family, address->ai_addr, address->ai_addrlen);
    int saved = errno;
    freeaddrinfo(found);
    if (fd == -1)
        *reason = strerror(saved);
    return fd;
}

/* Returns how much of the answer's beginning there is in room. */
static size_t exchange_texts(int fd, const struct question *question, char *room, size_t capacity)
{
    struct text request = TEXT_INIT;
    size_t length = 0;
    ssize_t got = 1;
    text_print(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: flexilib-healthcheck\r\nConnection: close\r\n\r\n",
               question->path.data, question->is_unix ? "localhost" : question->host.data);
    if (!file_write_all(fd, text_slice(&request)))
        got = 0;
    while (got > 0 && length < capacity) {
        got = read(fd, room + length, capacity - length);
        length += got > 0 ? (size_t)got : 0;
    }
    text_finish(&request);
    return length;
}

/* The status of the answer, 0 where there is none. */
static unsigned ask(int fd, const struct question *question, bool *is_ok)
{
    static const size_t least = sizeof("HTTP/1.1 200") - 1;
    char room[ANSWER_BYTES];
    struct slice answer = slice_of(room, exchange_texts(fd, question, room, sizeof(room)));
    uint64_t status = 0;
    *is_ok = slice_ends_with(answer, SLICE("\r\n\r\nok\n"));
    if (answer.length < least || !slice_starts_with(answer, SLICE("HTTP/1.")) ||
        !slice_parse_number(slice_of(answer.data + least - 3, 3), &status))
        return 0;
    return (unsigned)status;
}

static unsigned put(const struct question *question, bool *is_ok, const char **reason)
{
    int fd = question->is_unix ? connect_unix(question, reason) : connect_tcp(question, reason);
    *is_ok = false;
    if (fd == -1)
        return 0;
    unsigned status = ask(fd, question, is_ok);
    close(fd);
    return status;
}

static int ask_target(const struct question *question)
{
    const char *reason = NULL;
    bool is_ok;
    unsigned status = put(question, &is_ok, &reason);
    if (reason != NULL)
        fprintf(stderr, "cannot connect to %s: %s\n", question->host.data, reason);
    else if (status == 0)
        fprintf(stderr, "no answer from %s\n", question->host.data);
    else
        printf("%u\n", status);
    return status != 0 && status < 500 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The admin listener answers even where clients have to wait. Where nobody has chosen its address, another program may
 * have it, and then there is none. */
static int ask_program(const struct settings *settings, struct question *question)
{
    const struct admin_settings *admin = &settings->admin;
    const char *reason = NULL;
    bool is_ok = false;
    if (admin->is_on && (admin->listener.is_unix || admin->listener.port != 0)) {
        ask_listener(&admin->listener, "/healthz", question);
        if (!admin->is_usual)
            return ask_target(question);
        unsigned status = put(question, &is_ok, &reason);
        if (is_ok) {
            printf("%u\n", status);
            return status == 200 ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    }
    ask_listener(&settings->listeners[0], "/", question);
    return ask_target(question);
}

static int ask_configured(const char *file, struct question *question)
{
    struct error error = ERROR_INIT;
    struct text description = TEXT_INIT;
    struct source *source = source_create_live(NULL);
    struct settings *settings = settings_load(source, file, &error);
    int result = STATUS_REFUSED;
    if (settings != NULL) {
        result = ask_program(settings, question);
    } else {
        error_describe(&error, &description);
        fprintf(stderr, "%s\n", description.data);
    }
    text_finish(&description);
    settings_destroy(settings);
    source_destroy(source);
    return result;
}

int healthcheck_run(const char *target, const char *file)
{
    struct question question = {0};
    int result = EXIT_FAILURE;
    if (target == NULL) {
        result = ask_configured(file, &question);
    } else if (check_target(target)) {
        parse_target(target, &question);
        result = ask_target(&question);
    }
    question_finish(&question);
    return result;
}
