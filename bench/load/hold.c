/* Holds connections open on which nothing happens.
 *
 *     hold PORT PATH COUNT KIND...        KIND: http1, http2, https1, https2
 *
 * Opens so many connections, of each kind in turn, with one answered request on each, and prints `held COUNT`. For
 * every line that comes on standard input it asks once more on each and prints `answered COUNT`. At the end of the
 * input all are reset. Fails with a sentence where a connection cannot be opened or its first request is not answered.
 */

#define _GNU_SOURCE

#include "visit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    MOST_KINDS = 4,
};

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool parse_kind(const char *word, struct visit_target *target)
{
    bool is_secure = strncmp(word, "https", 5) == 0;
    const char *version = word + (is_secure ? 5 : 4);
    if (strncmp(word, "http", 4) != 0 || (strcmp(version, "1") != 0 && strcmp(version, "2") != 0))
        return false;
    target->is_http2 = version[0] == '2';
    target->tls = is_secure ? visit_tls_create(0, target->is_http2) : NULL;
    return true;
}

static size_t open_all(struct visit *held, size_t count, const struct visit_target *targets, size_t kinds)
{
    for (size_t i = 0; i < count; ++i) {
        if (!visit_open(&held[i], &targets[i % kinds], NULL)) {
            fprintf(stderr, "connection %zu is not opened\n", i + 1);
            return i;
        }
        if (!visit_ask(&held[i])) {
            fprintf(stderr, "connection %zu is not answered\n", i + 1);
            return i;
        }
    }
    return count;
}

static void ask_all(struct visit *held, size_t count)
{
    size_t answered = 0;
    for (size_t i = 0; i < count; ++i)
        answered += visit_ask(&held[i]);
    printf("answered %zu\n", answered);
}

int main(int argc, char **argv)
{
    struct visit_target targets[MOST_KINDS] = {0};
    size_t kinds = 0, count = argc > 4 ? strtoul(argv[3], NULL, 10) : 0;
    for (int i = 4; i < argc && kinds < MOST_KINDS; ++i, ++kinds) {
        targets[kinds].port = (uint16_t)atoi(argv[1]);
        targets[kinds].path = argv[2];
        if (!parse_kind(argv[i], &targets[kinds]))
            count = 0;
    }
    if (count == 0) {
        fprintf(stderr, "usage: hold PORT PATH COUNT http1|http2|https1|https2...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    raise_descriptor_limit();
    struct visit *held = calloc(count, sizeof(*held));
    if (held == NULL || open_all(held, count, targets, kinds) != count)
        return 1;
    printf("held %zu\n", count);
    char line[64];
    while (fgets(line, sizeof(line), stdin) != NULL)
        ask_all(held, count);
    for (size_t i = 0; i < count; ++i)
        visit_close(&held[i]);
    for (size_t i = 0; i < kinds; ++i)
        SSL_CTX_free(targets[i].tls);
    free(held);
    return 0;
}
