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

static bool read_first_listener(const char *file, struct question *question)
{
    struct error error = ERROR_INIT;
    struct text description = TEXT_INIT;
    struct source *source = source_create_live(NULL);
    struct settings *settings = settings_load(source, file, &error);
    if (settings != NULL && settings->listener_count != 0) {
        const struct listener_settings *listener = &settings->listeners[0];
        question->is_unix = listener->is_unix;
        text_add(&question->host, listener->is_unix ? listener->host : reachable_host(listener->host));
        text_print(&question->port, "%u", listener->port);
        text_add(&question->path, SLICE("/"));
    } else {
        error_describe(&error, &description);
        fprintf(stderr, "%s\n", description.length == 0 ? "nothing listens" : description.data);
    }
    text_finish(&description);
    settings_destroy(settings);
    source_destroy(source);
    return question->host.length != 0;
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
    *reason = strerror(saved);
    return fd;
}

/* The status of the answer, 0 where there is none. */
static unsigned ask(int fd, const struct question *question)
{
    struct text request = TEXT_INIT;
    char answer[sizeof("HTTP/1.1 200")] = "";
    size_t length = 0;
    ssize_t got = 1;
    text_print(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: flexilib-healthcheck\r\nConnection: close\r\n\r\n",
               question->path.data, question->is_unix ? "localhost" : question->host.data);
    if (!file_write_all(fd, text_slice(&request)))
        got = 0;
    while (got > 0 && length < sizeof(answer) - 1) {
        got = read(fd, answer + length, sizeof(answer) - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    text_finish(&request);
    uint64_t status = 0;
    if (length != sizeof(answer) - 1 || !slice_starts_with(slice_of(answer, length), SLICE("HTTP/1.")) ||
        !slice_parse_number(slice_of(answer + length - 3, 3), &status))
        return 0;
    return (unsigned)status;
}

int healthcheck_run(const char *target, const char *file)
{
    struct question question = {0};
    int result = EXIT_FAILURE;
    const char *reason = "";
    if (target != NULL && !check_target(target))
        return EXIT_FAILURE;
    if (target != NULL)
        parse_target(target, &question);
    else if (!read_first_listener(file, &question))
        return STATUS_REFUSED;
    int fd = question.is_unix ? connect_unix(&question, &reason) : connect_tcp(&question, &reason);
    unsigned status = fd == -1 ? 0 : ask(fd, &question);
    if (fd == -1)
        fprintf(stderr, "cannot connect to %s: %s\n", question.host.data, reason);
    else if (status == 0)
        fprintf(stderr, "no answer from %s\n", question.host.data);
    else
        printf("%u\n", status);
    if (status != 0 && status < 500)
        result = EXIT_SUCCESS;
    if (fd != -1)
        close(fd);
    question_finish(&question);
    return result;
}
