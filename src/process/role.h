#ifndef FLEXILIB_PROCESS_ROLE_H
#define FLEXILIB_PROCESS_ROLE_H

/* All that crosses the exec from supervisor to worker: what stands here, as arguments, and eight descriptors. */

#include <stdbool.h>
#include <stdint.h>

enum {
    ROLE_CHANNEL_FD = 3,
    ROLE_SLOTS_FD = 4,
    ROLE_SERVERS_FD = 5,
    ROLE_TICKETS_FD = 6,
    ROLE_CLIENTS_FD = 7,
    ROLE_DICTIONARY_FD = 8,
    ROLE_METRICS_FD = 9,
    ROLE_SUPERVISION_FD = 10,
};

struct role {
    const char *config;   /* the file, as the operator named it */
    bool is_live;         /* reads the file system and fills the snapshot; otherwise reads the snapshot only */
    const char *snapshot; /* folder */
    uint32_t generation;
    uint32_t number; /* of the worker in its generation, from 0 */
    uint32_t slot;
    bool is_first;       /* of its generation to start: it says what is wanted, and warns */
    bool is_late;        /* its generation serves already: it takes a dead one's place */
    const char *program; /* its path when the supervisor started */
    /* Who to become before anything is read: what the generation's first worker said, "" for nobody. */
    const char *user;
    uint32_t uid, gid;
    bool is_without_filters; /* no library is loaded */
    bool is_runner;          /* rather than a worker: number is that of the process among those of the runner */
    uint32_t runner;         /* its number in the settings */
};

/* The argument that makes the program go on in a supervisor's place (supervisor_handover.h), and what follows it. */
#define ROLE_SUPERVISOR        "--supervisor"
#define ROLE_SUPERVISOR_PROBE  "probe"
#define ROLE_SUPERVISOR_RESUME "resume"

/* The argument that makes the program a worker. */
#define ROLE_WORKER "--worker"

/* The argument that makes it a runner, which gets the channel, the slots, the dictionary and the metrics alone. */
#define ROLE_RUNNER "--runner"

/* Makes the argument list, NULL-terminated. The caller frees it with role_free_arguments. */
char **role_make_arguments(const struct role *role);
void role_free_arguments(char **arguments);

/* Reads the argument list back; role points into it. Returns false where it is none, or where the descriptors are not
 * there: the supervisor did not start this process. */
bool role_parse(int count, char **arguments, struct role *role) __attribute__((warn_unused_result));

#endif
