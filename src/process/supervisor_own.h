#ifndef FLEXILIB_PROCESS_SUPERVISOR_OWN_H
#define FLEXILIB_PROCESS_SUPERVISOR_OWN_H

/* What supervisor.c and supervisor_handover.c share. */

#include "process/control.h"
#include "process/last_good.h"
#include "process/notify.h"
#include "process/reloads.h"
#include "process/supervisor.h"
#include "process/upgrade.h"

enum supervisor_status {
    SUPERVISOR_OK = 0,
    SUPERVISOR_FAILED = 1,
    SUPERVISOR_REFUSED = 78, /* EX_CONFIG */
};

enum stop_level {
    STOP_NONE = 0,
    STOP_PATIENT, /* QUIT: without limit */
    STOP_LIMITED, /* TERM, INT: until shutdown_timeout */
    STOP_NOW,
};

struct supervisor {
    struct supplies supplies;
    struct generations generations;
    struct reloads reloads;
    struct upgrade upgrade;
    struct notify notify;
    struct last_good last_good;
    int signal_fd;
    struct poller_watch signals;
    struct control control;
    enum stop_level stop;
    enum stop_level delayed_stop; /* what it becomes when shutdown_delay is over */
    uint64_t stop_at_us;
    uint64_t write_until_us; /* that long a stop waits for what is refused to be on disk */
    bool may_use_last_good;  /* where the first generation fails */
    char *refusal;           /* why it was refused, for a library that was rolled back; NULL: it was not */
    bool has_served;         /* the first generation has taken over */
    bool is_under_starter;   /* start_server has started us */
    bool is_wait_told;       /* that it waits so */
    bool is_stop_told;       /* that nobody accepts any more */
    int status;
};

/* Makes one that has nothing yet, in memory that the caller frees. What options point to must outlive it. */
void supervisor_prepare(struct supervisor *supervisor, const struct supervisor_options *options);

/* From here on signals wait in a descriptor. Returns false and fills error. */
bool supervisor_open_signals(struct supervisor *supervisor, struct error *error) __attribute__((warn_unused_result));
bool supervisor_watch_signals(struct supervisor *supervisor, struct error *error) __attribute__((warn_unused_result));

/* Runs until it is over, and returns the exit status. Everything is open. */
int supervisor_serve(struct supervisor *supervisor);

/* What serves now is kept for --last-good. */
void supervisor_note_good(struct supervisor *supervisor);

/* Reaps children that are dead. */
void supervisor_bury_dead(struct supervisor *supervisor);

/* Closes everything. */
void supervisor_close(struct supervisor *supervisor);

/* Asks for an upgrade. Returns its id, or that of the one that is under way; 0 while the supervisor stops. */
unsigned supervisor_want_upgrade(struct supervisor *supervisor);

/* Tells those who wait for an upgrade why it has not taken effect. */
void supervisor_on_upgrade_failed(void *data, unsigned id, const char *sentence);

/* Does what an upgrade is waiting for: supervisor_handover.c. */
void supervisor_upgrade_step(struct supervisor *supervisor, uint64_t now_us);

#endif
