/* Puts a server under a steady load, as steady.h tells.
 *
 *     steady PORT KEPT THINK_MS TUNNELS DOWNLOADS DELAY_MS NAME=PATH[:LENGTH]...
 *
 * The last place is what downloads ask for, and nobody else. Lines on standard input:
 *
 *     look NAME VERSION     visitors come every few ms until that version answers, or a later one
 *     floor NAME VERSION    that version serves for sure from now on
 *     phase NAME            prints the figures since the last one
 *
 * Prints `first NAME VERSION TIME` when a version is seen for the first time (microseconds of the monotonic clock), a
 * line for each of the first failures, and `phase NAME KEY=VALUE...`. Ends with its input. */

#define _GNU_SOURCE

#include "steady.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    VISITORS = 16,
    VISIT_PAUSE_US = 4000,
    EVENTS = 256,
    LINE_BYTES = 256,
};

uint64_t steady_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * US + (uint64_t)now.tv_nsec / 1000;
}

uint64_t steady_random(struct steady *steady, uint64_t below)
{
    steady->random = steady->random * 6364136223846793005u + 1442695040888963407u;
    return (steady->random >> 33) % below;
}

static struct place *find_place(struct steady *steady, const char *name)
{
    for (unsigned i = 0; i < steady->place_count; ++i)
        if (strcmp(steady->places[i].name, name) == 0)
            return &steady->places[i];
    return NULL;
}

static void obey(struct steady *steady, const char *line)
{
    char word[32], name[64];
    unsigned version = 0;
    int count = sscanf(line, "%31s %63s %u", word, name, &version);
    struct place *place = count == 3 ? find_place(steady, name) : NULL;
    if (count == 2 && strcmp(word, "phase") == 0)
        report_phase(steady, name);
    else if (place != NULL && strcmp(word, "look") == 0)
        place->wanted = version > place->highest ? version : 0;
    else if (place != NULL && strcmp(word, "floor") == 0)
        place->floor = version;
    else
        fprintf(stderr, "steady: what is '%s'?\n", line);
}

static void read_orders(struct steady *steady)
{
    static char buffer[LINE_BYTES];
    static size_t used;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, buffer + used, sizeof(buffer) - 1 - used);
        if (got <= 0) {
            steady->is_over = steady->is_over || got == 0 || errno != EAGAIN;
            return;
        }
        used += (size_t)got;
        buffer[used] = '\0';
        char *line = buffer;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            obey(steady, line);
        }
        used -= (size_t)(line - buffer);
        memmove(buffer, line, used);
    }
}

/* One more visitor for each place where a version is looked for, as far as there are any at home. */
static void send_visitors(struct steady *steady, struct connection *visitors)
{
    unsigned next = 0;
    for (unsigned i = 0; i < steady->place_count; ++i) {
        if (steady->places[i].wanted == 0)
            continue;
        while (next < VISITORS && (visitors[next].state != STATE_AWAY || visitors[next].due_us != UINT64_MAX))
            ++next;
        if (next == VISITORS)
            return;
        visitors[next].place = &steady->places[i];
        visitors[next].due_us = steady->now_us;
    }
}

static void run(struct steady *steady, struct connection *connections, unsigned count)
{
    struct epoll_event events[EVENTS];
    struct connection *visitors = connections + count - VISITORS;
    uint64_t visit_us = 0;
    while (!steady->is_over) {
        steady->now_us = steady_clock_us();
        if (visit_us <= steady->now_us) {
            send_visitors(steady, visitors);
            visit_us = steady->now_us + VISIT_PAUSE_US;
        }
        uint64_t due_us = visit_us;
        for (unsigned i = 0; i < count; ++i) {
            uint64_t next_us = connection_step(steady, &connections[i]);
            due_us = next_us < due_us ? next_us : due_us;
        }
        steady->now_us = steady_clock_us();
        int wait_ms = due_us <= steady->now_us ? 0 : (int)((due_us - steady->now_us + 999) / 1000);
        int found = epoll_wait(steady->poller, events, EVENTS, wait_ms);
        steady->now_us = steady_clock_us();
        for (int i = 0; i < found; ++i) {
            if (events[i].data.ptr == NULL)
                read_orders(steady);
            else
                connection_on_event(steady, events[i].data.ptr, events[i].events);
        }
    }
}

static bool add_place(struct steady *steady, char *text)
{
    char *path = strchr(text, '=');
    if (path == NULL || steady->place_count == MOST_PLACES)
        return false;
    *path++ = '\0';
    char *length = strchr(path, ':');
    if (length != NULL)
        *length++ = '\0';
    steady->places[steady->place_count++] =
        (struct place){.name = text, .path = path, .length = length == NULL ? 0 : strtoul(length, NULL, 10)};
    return true;
}

/* Not all at once. */
static unsigned begin_all(struct steady *steady, struct connection *connections)
{
    unsigned counts[] = {steady->kept, steady->downloads, steady->tunnels, VISITORS};
    static const enum kind kinds[] = {KIND_KEPT, KIND_DOWNLOAD, KIND_TUNNEL, KIND_VISITOR};
    unsigned count = 0;
    for (int i = 0; i < 4; ++i)
        for (unsigned j = 0; j < counts[i]; ++j)
            connection_begin(steady, &connections[count++], kinds[i],
                             kinds[i] == KIND_VISITOR ? UINT64_MAX : steady->now_us + steady_random(steady, 100000));
    return count;
}

int main(int argc, char **argv)
{
    static struct steady steady;
    bool is_fine = argc > 8;
    for (int i = 7; is_fine && i < argc; ++i)
        is_fine = add_place(&steady, argv[i]);
    if (!is_fine) {
        fprintf(stderr, "usage: steady PORT KEPT THINK_MS TUNNELS DOWNLOADS DELAY_MS NAME=PATH[:LENGTH]...\n");
        return 2;
    }
    steady.port = (uint16_t)atoi(argv[1]);
    steady.kept = (unsigned)atoi(argv[2]);
    steady.think_ms = (unsigned)atoi(argv[3]);
    steady.tunnels = (unsigned)atoi(argv[4]);
    steady.downloads = (unsigned)atoi(argv[5]);
    steady.delay_ms = (unsigned)atoi(argv[6]);
    steady.now_us = steady.random = steady_clock_us();
    steady.poller = epoll_create1(EPOLL_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    struct connection *connections =
        calloc(steady.kept + steady.downloads + steady.tunnels + VISITORS, sizeof(*connections));
    struct epoll_event orders = {.events = EPOLLIN | EPOLLHUP, .data.ptr = NULL};
    if (steady.poller < 0 || connections == NULL ||
        epoll_ctl(steady.poller, EPOLL_CTL_ADD, STDIN_FILENO, &orders) != 0) {
        perror("steady");
        return 1;
    }
    run(&steady, connections, begin_all(&steady, connections));
    return 0;
}
