#ifndef FLEXILIB_RUNNER_LINK_H
#define FLEXILIB_RUNNER_LINK_H

/* One end of the stream between a worker and a runner, which frames travel on. It never blocks but where it is told to
 * wait; what cannot be sent yet is kept, and is no more than the other side has asked for. */

#include "base/text.h"
#include "net/loop.h"

enum frame_kind {
    /* From a worker. */
    FRAME_OPEN = 1, /* the library's path; answered by DESCRIBED or REFUSED */
    FRAME_CREATE,   /* for the step of the number in `exchange`; answered by CREATED or FAILED */
    FRAME_CALL,     /* isolated_call_print; answered by ANSWERED, FINISHED or GONE */
    FRAME_END,      /* of an exchange; isolated_visit_print_end, or nothing */
    /* From a runner. */
    FRAME_DESCRIBED, /* isolated_library_describe */
    FRAME_REFUSED,   /* why the library cannot be opened */
    FRAME_CREATED,   /* `call` is 1 where READY or FAILED is still to follow */
    FRAME_READY,     /* the use of a step that had to be waited for */
    FRAME_FAILED,    /* why a use cannot be created, or will not be ready; refusal.h */
    FRAME_ANSWERED,  /* isolated_answer_print */
    FRAME_FINISHED,  /* the same, and nothing is kept of the exchange */
    FRAME_GONE,      /* the call makes no sense here */
};

struct frame {
    enum frame_kind kind;
    uint64_t exchange; /* the worker's number for it, or that of a step */
    uint64_t call;     /* counts the calls of the link, from 1 */
    struct slice payload;
};

struct link_owner {
    /* Returns false where it has closed the link. The payload is valid until then. */
    bool (*take)(void *data, const struct frame *frame);
    /* The other side is gone, or speaks nonsense. The owner closes the link, at once or later. */
    void (*ended)(void *data);
};

struct link {
    const struct link_owner *owner;
    void *data;
    int fd; /* -1: closed */
    struct loop_watch *watch;
    char *in;
    size_t in_length, in_capacity;
    struct text out; /* of which that many bytes have been sent: */
    size_t out_sent;
    size_t most_payload_bytes; /* either way */
    size_t frame_start;        /* of the frame that is being made, in out */
    bool is_corked, is_waiting_for_room, is_held, is_ended;
};

/* Takes the descriptor. Returns false with errno set, and the descriptor closed, where none is left for the loop. */
bool link_open(struct link *link, struct loop *loop, int fd, const struct link_owner *owner, void *data)
    __attribute__((warn_unused_result));
void link_close(struct link *link);

/* Begins a frame: its payload is added to what is returned, and link_send sends it. Returns false, and nothing is sent,
 * where it has more than most_payload_bytes, which the other side would take for nonsense. */
struct text *link_begin(struct link *link, enum frame_kind kind, uint64_t exchange, uint64_t call);
bool link_send(struct link *link);

/* Keeps what is sent until uncork, so that it goes as one. */
void link_cork(struct link *link);
void link_uncork(struct link *link);

/* Takes no more frames until it goes on; the one at hand is given again. From within take. */
void link_hold(struct link *link);
void link_go_on(struct link *link);

/* Waits until something has come, and takes it. Returns false where the link has ended. */
bool link_wait(struct link *link) __attribute__((warn_unused_result));

#endif
