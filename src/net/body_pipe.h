#ifndef FLEXILIB_NET_BODY_PIPE_H
#define FLEXILIB_NET_BODY_PIPE_H

/* A pipe that the kernel moves body bytes through, from one connection to another: nobody copies them, and none of them
 * is ever in our memory. One is filled, then drained, by turns. There are only so many, and whoever gets none
 * copies. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct body_pipe {
    struct body_pipe *next; /* among those that wait */
    int read_fd, write_fd;
    size_t length; /* bytes that are in it */
};

/* Zero bytes at first. */
struct body_pipes {
    struct body_pipe *waiting;
    size_t waiting_count, count; /* count: of all, in use or waiting */
    bool is_refused;             /* the kernel does not move bytes that way: there is none to be had any more */
};

enum {
    /* What is moved at a time; as much as one write is given otherwise. */
    BODY_PIPE_BYTES = 128 * 1024,
};

/* An empty pipe, or NULL where there is none to be had. */
struct body_pipe *body_pipe_take(struct body_pipes *pipes);

/* Gives a pipe back; one that still holds bytes is closed. NULL is fine. */
void body_pipe_give(struct body_pipes *pipes, struct body_pipe *pipe);

/* Closes those that wait. */
void body_pipes_finish(struct body_pipes *pipes);

/* Moves at most capacity bytes from the socket into the empty pipe, without waiting. Returns what recv would. */
ssize_t body_pipe_fill(struct body_pipe *pipe, int fd, size_t capacity);

/* Whether that error of body_pipe_fill means that this kernel never does it for such a socket. */
bool body_pipe_is_refusal(int error);

/* Moves what the pipe holds into the socket, as much as that takes. Returns false with errno set where it takes no
 * more now (EAGAIN) or is broken. */
bool body_pipe_drain(struct body_pipe *pipe, int fd);

#endif
