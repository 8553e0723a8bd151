#ifndef FLEXILIB_WORKER_EXCLUSIVE_H
#define FLEXILIB_WORKER_EXCLUSIVE_H

/* The worker's part in handing over what can be owned once (filter/quiesce.h, process/succession.h): asks before such
 * filters are created, and quiesces them when a successor asks. Requests that are under way get a fifth of the time
 * that the supervisor gives, those on threads four fifths of it. New ones are kept back until the supervisor has said
 * what becomes of the successor, but no longer than is good for a client. */

#include "net/loop.h"
#include "worker/uplink.h"

struct error;
struct runtime;

struct exclusive {
    struct loop *loop;
    struct runtime *runtime;
    struct uplink *uplink;
    bool has_leave; /* to create */
    int64_t round;  /* the successor's number; 0: there is none */
    char *names;    /* of filters that it needs */
    uint64_t since_ms, limit_ms;
    struct timer look_timer; /* for requests that are still in the way */
    struct timer keep_timer;
};

void exclusive_init(struct exclusive *exclusive, struct loop *loop, struct runtime *runtime, struct uplink *uplink);
void exclusive_finish(struct exclusive *exclusive);

/* Creates what was put off, where there is something, after having asked; runs the loop meanwhile. workers as the
 * settings have it. Returns false and fills error where a filter refuses. */
bool exclusive_create(struct exclusive *exclusive, int64_t workers, struct error *error);

/* What the supervisor says: QUIET, QUIESCE and WAKE. */
void exclusive_go_on(struct exclusive *exclusive);
void exclusive_quiesce(struct exclusive *exclusive, const struct message *message);
void exclusive_wake(struct exclusive *exclusive, const struct message *message);

/* The successor serves. */
void exclusive_retire(struct exclusive *exclusive);

#endif
