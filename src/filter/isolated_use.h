#ifndef FLEXILIB_FILTER_ISOLATED_USE_H
#define FLEXILIB_FILTER_ISOLATED_USE_H

/* A filter that runs in another process, as a worker has it: a stand-in with the same hooks, each of which sends a call
 * and pauses. What the answer says is applied when the pause ends. The way to the process is the services' business,
 * and so is which process of several an exchange visits. */

#include "filter/exchange.h"
#include "filter/library_entry.h"

#include <sys/queue.h>

struct isolated_services;

/* What stands for one filter of the library. */
struct isolated_filter {
    const struct isolated_services *services;
    void *context;
    bool has_end;
};

/* An exchange that one isolated filter of its chain has been asked about; from the first call until on_end. */
struct isolated_visit {
    const struct isolated_filter *filter;
    struct exchange *exchange;
    bool is_known; /* the process knows the exchange */
    bool is_kept;  /* and keeps something of it between hooks */
    bool is_lost;  /* it has, and is gone */
    size_t attribute_bytes;
    uint64_t tickets[2];     /* of the pauses that wait for an answer, by half; 0: none does */
    const void *outcomes[2]; /* that are on their way to on_resume; only to know them by */
    /* The services'. */
    void *process;
    uint64_t number;
    uint64_t calls[2];
    LIST_ENTRY(isolated_visit) entry;
};

struct isolated_services {
    /* Has the filter created for the step of that number. When it is ready, or has failed to get so, core->set_ready is
     * called; is_waiting says whether that is still to come. Returns false and fills error, with the place in it. */
    bool (*create)(void *context, unsigned step, const struct flexilib_core *core, bool *is_waiting,
                   struct error *error);
    /* Sends what isolated_visit_print says for that half. One of isolated_visit_answer and isolated_visit_lose follows,
     * not from within. */
    void (*call)(void *context, struct isolated_visit *visit, flexilib_half which);
    /* The exchange is over. wants_end: on_end is to be called there. */
    void (*end)(void *context, struct isolated_visit *visit, bool wants_end);
};

/* Puts stand-ins in the place of the entry's filters, which tell by hooks that are not NULL, and by flags, what they
 * have. The arena keeps what is made, one for each filter; the context outlives it. */
const struct isolated_filter *isolated_use_make(struct library_entry *entry, const struct isolated_services *services,
                                                void *context, struct arena *arena);

/* Adds the call that the visit waits for in that half, or what on_end may look at. */
void isolated_visit_print(struct isolated_visit *visit, flexilib_half which, struct text *out);
/* How much of a body is in that call. */
size_t isolated_visit_piece_bytes(const struct isolated_visit *visit, flexilib_half which);
void isolated_visit_print_end(const struct isolated_visit *visit, struct text *out);

/* Whether that call is still waited for, and may be printed once more: what a thread has may not be looked at. */
bool isolated_visit_may_repeat(const struct isolated_visit *visit, flexilib_half which);

/* What the process has answered. The visit may be gone on return. */
void isolated_visit_answer(struct isolated_visit *visit, flexilib_half which, struct slice message);

/* No answer will come: the process has ended (502), was ended since it took too long (504), or cannot be sent so large
 * a body (413). The filter hears of it by and by, so the visit stays as it is for now. */
void isolated_visit_lose(struct isolated_visit *visit, flexilib_half which, int status);

#endif
