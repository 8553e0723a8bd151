/* Many short visits by TLS: each connects, does a handshake, asks once, and is closed by the server.
 *
 *     handshakes PORT PATH 1.2|1.3 full|resumed VISITORS SECONDS
 *
 * A visitor is a thread that begins its next visit when one is over. With `resumed` each resumes the session of its
 * first visit again and again, by ticket; one where the server declines counts as an error, and the next session is
 * that one's. Prints one line, like load.lua:
 * visits, duration, p50, p99 (all in microseconds), errors. */

#include "visit.h"

#include <openssl/err.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MOST_VISITORS = 1000,
};

struct run {
    struct visit_target target;
    bool is_resumed;
    uint64_t end_us;
};

struct visitor {
    const struct run *run;
    pthread_t thread;
    SSL_SESSION *session; /* that the next visit resumes; NULL before the first */
    uint32_t *times_us;
    size_t count, capacity;
    size_t errors;
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void note_time(struct visitor *visitor, uint64_t taken_us)
{
    if (visitor->count == visitor->capacity) {
        visitor->capacity = visitor->capacity == 0 ? 1024 : visitor->capacity * 2;
        visitor->times_us = realloc(visitor->times_us, visitor->capacity * sizeof(*visitor->times_us));
        if (visitor->times_us == NULL)
            fail("realloc");
    }
    visitor->times_us[visitor->count++] = (uint32_t)taken_us;
}

static void keep_session(struct visitor *visitor, struct visit *visit)
{
    if (visit->session == NULL)
        return;
    SSL_SESSION_free(visitor->session);
    visitor->session = visit->session;
    visit->session = NULL;
}

static void visit_once(struct visitor *visitor)
{
    const struct run *run = visitor->run;
    struct visit visit;
    uint64_t start_us = now_us();
    /* OpenSSL thinks that a session is used up when the server offers the next one */
    SSL_SESSION *session = visitor->session == NULL ? NULL : SSL_SESSION_dup(visitor->session);
    bool is_ok = visit_open(&visit, &run->target, session) && visit_ask(&visit);
    bool is_resumed = is_ok && SSL_session_reused(visit.tls) == 1;
    if (is_ok && (is_resumed || visitor->session == NULL))
        note_time(visitor, now_us() - start_us);
    else
        ++visitor->errors;
    if (run->is_resumed && !is_resumed)
        keep_session(visitor, &visit);
    visit_close(&visit);
    SSL_SESSION_free(session);
    ERR_clear_error();
}

static void *run_visitor(void *data)
{
    struct visitor *visitor = data;
    while (now_us() < visitor->run->end_us)
        visit_once(visitor);
    SSL_SESSION_free(visitor->session);
    return NULL;
}

static int compare_times(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

static void report(struct visitor *visitors, size_t count, uint64_t taken_us)
{
    struct visitor all = {0};
    for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < visitors[i].count; ++j)
            note_time(&all, visitors[i].times_us[j]);
        all.errors += visitors[i].errors;
        free(visitors[i].times_us);
    }
    uint32_t p50 = 0, p99 = 0;
    if (all.count != 0) {
        qsort(all.times_us, all.count, sizeof(*all.times_us), compare_times);
        p50 = all.times_us[all.count / 2];
        p99 = all.times_us[all.count * 99 / 100];
    }
    printf("report %zu %llu %u %u %zu\n", all.count, (unsigned long long)taken_us, p50, p99, all.errors);
    free(all.times_us);
}

int main(int argc, char **argv)
{
    size_t count = argc == 7 ? strtoul(argv[5], NULL, 10) : 0;
    if (count == 0 || count > MOST_VISITORS) {
        fprintf(stderr, "usage: handshakes PORT PATH 1.2|1.3 full|resumed VISITORS SECONDS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int version = strcmp(argv[3], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    uint64_t start_us = now_us();
    struct run run = {
        .target = {.port = (uint16_t)atoi(argv[1]),
                   .path = argv[2],
                   .closes = true,
                   .tls = visit_tls_create(version, false)},
        .is_resumed = strcmp(argv[4], "resumed") == 0,
        .end_us = start_us + (uint64_t)(strtod(argv[6], NULL) * 1e6),
    };
    struct visitor *visitors = calloc(count, sizeof(*visitors));
    if (visitors == NULL)
        fail("calloc");
    for (size_t i = 0; i < count; ++i) {
        visitors[i].run = &run;
        if (pthread_create(&visitors[i].thread, NULL, run_visitor, &visitors[i]) != 0)
            fail("pthread_create");
    }
    for (size_t i = 0; i < count; ++i)
        pthread_join(visitors[i].thread, NULL);
    report(visitors, count, now_us() - start_us);
    free(visitors);
    SSL_CTX_free(run.target.tls);
    return 0;
}
