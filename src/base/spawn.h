#ifndef FLEXILIB_BASE_SPAWN_H
#define FLEXILIB_BASE_SPAWN_H

/* Child processes, and the program that takes this one's place; nothing else in FlexiLib calls fork or exec. A child
 * starts with every signal at its default, and with no descriptor but those it is given. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn {
    int program_fd;         /* the program is run from this descriptor, so that replacing its file changes nothing */
    char *const *arguments; /* NULL-terminated, the program's name first */
    const int *descriptors; /* become 0, 1, 2, ... in the child; -1 stands for /dev/null */
    size_t descriptor_count;
    bool keeps_signals_blocked; /* what is blocked here stays so until the program decides about it */
    const int *kept;            /* keep their numbers, which are above those of descriptors */
    size_t kept_count;
};

/* Starts the program. Returns its pid, or -1 with errno set. Where the child cannot execute it, it says so on its
 * standard error and exits with status 127. */
pid_t spawn_program(const struct spawn *spawn);

/* Runs the program in place of this one: the process keeps its pid, its children, its first three descriptors and those
 * of kept, and its signals as they are, blocked and pending. descriptors have no meaning here. Comes back only where
 * that cannot be, with errno set and all as it was. */
void spawn_replacement(const struct spawn *spawn);

/* Runs a function in a copy of this process, which exits with what it returns (without running exit handlers). Only for
 * a process that has no threads. Returns the pid, or -1 with errno set. */
pid_t spawn_copy(int (*run)(void *data), void *data);

#endif
