#include "autopsy/autopsy.h"

#include "autopsy/backtrace.h"
#include "base/file.h"
#include "process/autopsies.h"
#include "process/identity.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STATUS_USAGE = 2,
    LONGEST_S = 10, /* should nobody be there to end it */
    NICENESS = 5,   /* behind the worker that takes the dead one's place */
};

static void limit(int resource, rlim_t most)
{
    setrlimit(resource, &(struct rlimit){most, most});
}

/* After the change of the user, which takes some of it back. No library is asked for over the network, which libdw
 * would do where a variable says so. */
static void prepare_process(void)
{
    prctl(PR_SET_NAME, "flexilib");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    unsetenv("DEBUGINFOD_URLS");
    limit(RLIMIT_CPU, LONGEST_S);
    limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    limit(RLIMIT_AS, (rlim_t)4 << 30); /* of addresses: files are mapped */
#endif
    setpriority(PRIO_PROCESS, 0, NICENESS);
    alarm(LONGEST_S);
}

static bool become(const struct autopsy_role *role)
{
    struct error error = ERROR_INIT;
    struct identity identity = {.name = role->user, .uid = role->uid, .gid = role->gid};
    return role->user[0] == '\0' || identity_assume(&identity, &error);
}

static struct crash_record *read_record(void)
{
    struct crash_record *record = malloc(sizeof(*record));
    if (record != NULL && pread(AUTOPSY_RECORD_FD, record, sizeof(*record), 0) == (ssize_t)sizeof(*record) &&
        crash_record_check(record))
        return record;
    free(record);
    return NULL;
}

static int run(const struct autopsy_role *role)
{
    struct text answer = TEXT_INIT;
    bool is_become = become(role);
    prepare_process();
    struct crash_record *record = is_become ? read_record() : NULL;
    bool is_done = record != NULL && backtrace_print(record, role->snapshot, &answer);
    if (is_done) {
        text_print(&answer, AUTOPSY_END "\n");
        is_done = file_write_all(STDOUT_FILENO, text_slice(&answer));
    }
    text_finish(&answer);
    free(record);
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

void autopsy_run(int count, char **arguments)
{
    struct autopsy_role role;
    int status = STATUS_USAGE;
    if (autopsy_role_parse(count, arguments, &role))
        status = run(&role);
    else
        fprintf(stderr, "flexilib: %s is how the supervisor has crashes looked at; it is of no other use\n",
                ROLE_AUTOPSY);
    fflush(NULL);
    _exit(status);
}
