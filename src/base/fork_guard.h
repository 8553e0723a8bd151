#ifndef FLEXILIB_BASE_FORK_GUARD_H
#define FLEXILIB_BASE_FORK_GUARD_H

/* A library may fork, and its child may do as it likes and end; but one that returns to us (where exec has failed,
 * perhaps, and nobody has thought of that) would serve the same connections as its parent, answer a request once more,
 * and keep the listeners open when the parent is long gone. Such a child is ended as soon as the library's code
 * returns. One that stays lives without our listeners and connections: ports would not be free when the program has
 * stopped, and clients and upstreams not see that a connection is closed. Nor has it the sockets between
 * supervisor, workers and runners, by whose end one learns that the other is dead. What forks without telling the C
 * library, as vfork does, is not noticed. */

#include <stdbool.h>

/* Rule 0: the C library's handler is told nothing, and this is looked at after every call. */
extern bool fork_guard_is_child;

/* To be called once, after crash_handler_open where that is called. */
void fork_guard_open(void);

/* Has children close this listener and what it has accepted, told by their address, as descriptors come and go. */
void fork_guard_keep_back(int fd);

/* Has children close what has this number, which is a connection of ours until it is said not to be: as cheap as it has
 * to be for each of them. */
void fork_guard_mark(int fd, bool is_ours);

/* Has children close this socket, whatever numbers it has, until it is removed. */
void fork_guard_add(int fd);
void fork_guard_remove(int fd);

void fork_guard_leave(void) __attribute__((noreturn, cold));

/* To be called when the code of a library has returned. [any thread] */
static inline void fork_guard_check(void)
{
    if (__builtin_expect(fork_guard_is_child, false))
        fork_guard_leave();
}

#endif
