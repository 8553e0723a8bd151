#ifndef FLEXILIB_PROCESS_NOTIFY_H
#define FLEXILIB_PROCESS_NOTIFY_H

/* What the supervisor tells a service manager (systemd's Type=notify): that it serves, reloads or stops, how it stands,
 * and that it is alive. One datagram each, to the socket that $NOTIFY_SOCKET names; without that variable nothing
 * happens. Nobody is waited for: what the socket does not take now is sent a little later. Our own hundred lines, since
 * libsystemd would bring seven libraries and more memory than the supervisor has. */

#include "base/text.h"

#include <sys/socket.h>
#include <sys/un.h>

struct handover;
struct handover_reader;

/* How things stand. */
struct notify_state {
    bool is_serving;     /* the first generation has taken over */
    bool is_busy;        /* a reload or an upgrade waits or is under way: */
    unsigned last_id;    /* the last one that was asked for */
    bool has_failed;     /* the last one did */
    bool is_stopping;    /* told to stop */
    unsigned generation; /* that serves */
    unsigned workers;    /* it has */
    unsigned draining;   /* older generations */
};

struct notify {
    struct sockaddr_un address;
    socklen_t length;         /* 0: nobody wants to know */
    int fd;                   /* -1 until the first message */
    uint64_t watchdog_us;     /* how often it wants to hear of us; 0: never */
    uint64_t next_us;         /* when the next sign of life is due */
    struct text waiting;      /* what the socket did not take yet, and */
    uint64_t retry_us;        /* when to try again */
    struct notify_state told; /* what was told last */
    bool was_ready;           /* READY was told, and is true still */
    struct text status;       /* that was told last */
    bool was_failure_told;    /* in the log, that nobody is there */
};

/* Reads the variables, and removes them: they are not for workers. */
void notify_open(struct notify *notify, uint64_t now_us);
void notify_close(struct notify *notify);

/* Tells what is new. Called after each event. */
void notify_step(struct notify *notify, const struct notify_state *state, uint64_t now_us);

/* Tells why nothing serves, before the program ends. */
void notify_failure(struct notify *notify, const char *sentence);

/* When there is something to tell without an event; 0: never. */
uint64_t notify_deadline(const struct notify *notify);

/* For the program that takes this one's place. Takes its record: false where the reader stands at another one. */
void notify_hand_over(const struct notify *notify, struct handover *handover);
bool notify_take_over(struct notify *notify, struct handover_reader *reader);

#endif
