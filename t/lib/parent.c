/* Has children, in the way that the end of a request's path names, and tells what becomes of them: /spawned is another
 * program, /forked a copy; both are told to end, and the answer is the signal that has ended them. /stays forks one
 * that ends when somebody tells it to, and answers its pid. */

#include <flexilib/filter.h>

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct flexilib_core *core;

static bool create(const struct flexilib_core *given, const struct flexilib_value *values, void **filter)
{
    core = given;
    return true;
}

static pid_t spawn_sleep(void)
{
    char name[] = "sleep", seconds[] = "1000";
    char *const arguments[] = {name, seconds, NULL}, *const environment[] = {NULL};
    pid_t pid;
    return posix_spawn(&pid, "/bin/sleep", NULL, NULL, arguments, environment) == 0 ? pid : -1;
}

/* Returns when the child is on its own. */
static pid_t fork_one(void)
{
    int ends[2];
    char byte;
    if (pipe(ends) == -1)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)!write(ends[1], "!", 1);
        for (;;)
            pause();
    }
    (void)!read(ends[0], &byte, 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static int end(pid_t pid, int number)
{
    int status = 0;
    if (pid == -1 || kill(pid, number) == -1 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool path_ends_with(const struct flexilib_exchange *exchange, const char *wanted)
{
    struct flexilib_text path = core->path(exchange);
    size_t length = strlen(wanted);
    return path.length >= length && memcmp(path.data + path.length - length, wanted, length) == 0;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    char text[40] = "nothing\n";
    if (path_ends_with(exchange, "/spawned"))
        snprintf(text, sizeof(text), "%d %d\n", end(spawn_sleep(), SIGTERM), end(spawn_sleep(), SIGPIPE));
    else if (path_ends_with(exchange, "/forked"))
        snprintf(text, sizeof(text), "%d %d\n", end(fork_one(), SIGTERM), end(fork_one(), SIGPIPE));
    else if (path_ends_with(exchange, "/stays"))
        snprintf(text, sizeof(text), "%d\n", (int)fork_one());
    return core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, strlen(text)) ? FLEXILIB_REPLY : FLEXILIB_FAIL;
}

static const struct flexilib_filter filters[] = {
    {.name = "parent", .summary = "has children", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
