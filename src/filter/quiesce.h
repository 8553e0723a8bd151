#ifndef FLEXILIB_FILTER_QUIESCE_H
#define FLEXILIB_FILTER_QUIESCE_H

/* Filters that own something of which there is one, as a port (FLEXILIB_EXCLUSIVE). In a new generation their create is
 * put off until everything else is ready; in the old one they are quiesced first, and woken where the new one fails.
 * From when a quiesce is on its way, new requests whose chain has such a filter are kept back: they start when the
 * filter is woken, or when they are let go. Those under way go on. Who is asked, and when, is decided above; no clock
 * runs here. On the loop thread. */

#include "base/error.h"
#include "base/text.h"

#include <sys/queue.h>

struct exchange;
struct exchange_state;
struct runtime;
struct step_settings;
struct use;

/* Of a use. */
struct quiescence {
    LIST_ENTRY(use) entry;            /* among the runtime's exclusive ones */
    const struct step_settings *step; /* of a create that is put off; NULL: there is none */
    bool is_keeping;                  /* new requests are kept back */
    bool is_quiet;                    /* quiesce has returned true */
    uint32_t round;                   /* for which of its successors */
};

LIST_HEAD(exclusive_uses, use);
TAILQ_HEAD(kept_exchanges, exchange_state);

/* Puts off the create of uses that are made from here on. Before the first one. */
void runtime_put_off_exclusive(struct runtime *runtime);

/* Whether there are uses whose create was put off; adds the filters' own names, each once, with blanks between. */
bool runtime_lists_exclusive(const struct runtime *runtime, struct text *names);

/* Calls each create that was put off. Returns false and fills error as use_create does. */
bool runtime_create_exclusive(struct runtime *runtime, struct error *error);

/* How much a quiesce may cost requests that are under way. */
enum quiesce_patience {
    QUIESCE_PATIENT = 1,     /* none of them is in the filter's chain any more, tunnels aside */
    QUIESCE_IMPATIENT,       /* no hook of the filter runs on a thread */
    QUIESCE_OUT_OF_PATIENCE, /* it is given up */
};

enum quiesce_result {
    QUIESCE_DONE = 1, /* all filters of those names are quiet */
    QUIESCE_WAITING,  /* for requests: ask again soon */
    QUIESCE_REFUSED,  /* reason tells why */
};

/* Keeps back new requests of the filters with these names (as runtime_lists_exclusive has them), and quiesces those for
 * which it is time. */
enum quiesce_result runtime_quiesce(struct runtime *runtime, struct slice names, uint32_t round,
                                    enum quiesce_patience patience, struct text *reason);

/* Wakes the filters that were quiesced for that successor, and lets requests start again. */
void runtime_wake_exclusive(struct runtime *runtime, uint32_t round);

/* Lets requests start although the filter is quiet. */
void runtime_let_go(struct runtime *runtime);

/* For use_create and use_destroy: notes the use where it is an exclusive one. The first returns true where its create
 * is put off. */
bool quiescence_notes(struct use *use, const struct step_settings *step);
void quiescence_forget(struct use *use);

/* For exchanges, where runtime->keeps_exchanges: whether this one, which is about to start, is kept back. It may end
 * before it is let go. */
bool quiescence_keeps(struct runtime *runtime, struct exchange *exchange);
void quiescence_stops_keeping(struct runtime *runtime, struct exchange_state *state);

#endif
