#ifndef FLEXILIB_PROCESS_LOGS_H
#define FLEXILIB_PROCESS_LOGS_H

/* The log files that workers write to. The supervisor opens them, since a worker may have given up the right to, and
 * opens them again under the same name when they were rotated away. */

#include "base/slice.h"

struct log_file {
    struct log_file *next;
    char *path; /* "-" for the supervisor's standard output */
    int fd;
    unsigned users;
};

struct logs {
    struct log_file *first;
};

/* Gives the log of that path, opening it for appending where it is not open; it counts one more user. Returns NULL with
 * errno set. */
struct log_file *logs_take(struct logs *logs, struct slice path);

/* Adds a log that a supervisor before us has opened, without users. */
void logs_restore(struct logs *logs, const char *path, int fd);

/* Whether the log of that path could be opened, as far as that can be told without making the file. Returns false with
 * errno set. */
bool logs_is_possible(const char *path);

/* One user less; without any, the file is closed. */
void logs_release(struct logs *logs, struct log_file *log);

/* Opens every file anew; where that fails the old one stays, the console says so, and it returns false. Standard output
 * stays. */
bool logs_reopen(struct logs *logs);

#endif
