#ifndef T_CHAOS_CHAOS_H
#define T_CHAOS_CHAOS_H

/* The library `chaos`: filters that do anything at any time, much of it wrong. What they never do is break the rules of
 * C towards FlexiLib: a pointer to an exchange is not used after on_end, nor are borrowed texts; so whatever crashes,
 * leaks or mixes up connections is a defect of FlexiLib's.
 *
 * chaos.c has the filters, hooks.c what a hook does, acts.c what it does to messages, waits.c how pauses end, and
 * fetches.c what is asked of upstreams. Two fields are left alone, so that every message can be told whose it is:
 * x-number, of requests, and x-answer, of the backend's responses; so is x-coded, of messages whose bodies are coded. A
 * reply has x-reply in place of that, and all that passes the filter `stamp` gets x-stamp, with the same number. */

#include "dice.h"

#include <flexilib/ext/dictionary.h>
#include <flexilib/ext/fetch.h>
#include <flexilib/ext/metrics.h>
#include <flexilib/ext/offload.h>
#include <flexilib/ext/timer.h>
#include <flexilib/filter.h>

#include <pthread.h>
#include <stdatomic.h>

enum {
    OLD_NUMBERS = 64,
    OLD_TICKETS = 16,
    MOST_CLOCKS = 16,
    MOST_ERRANDS = 4096,
    LONGEST_BODY_BYTES = 200000,
};

/* Numbers that were good once, for those who come late with them. */
struct memory {
    _Atomic uint64_t numbers[OLD_NUMBERS];
    _Atomic unsigned next;
};

struct chaos;

/* A pause that a thread is to end. */
struct errand {
    uint64_t ticket;
    unsigned delay_us;
    bool is_twice;
};

/* The filter's own threads. */
struct messengers {
    pthread_t threads[2];
    pthread_mutex_t mutex;
    pthread_cond_t has_errand;
    struct errand errands[MOST_ERRANDS];
    unsigned first, count;
    bool is_ending;
};

/* A timer that comes a number of times and stops itself. */
struct clock {
    struct chaos *chaos;
    uint64_t timer; /* 0: free */
    unsigned left;
};

/* One use. */
struct chaos {
    const struct flexilib_core *core;
    const struct flexilib_timer *timer;
    const struct flexilib_fetch *fetch;
    const struct flexilib_offload *offload;
    const struct flexilib_dictionary *dictionary;
    const struct flexilib_dictionary_name *names;
    const struct flexilib_metrics *metrics;
    const struct flexilib_series *series;
    const struct flexilib_template *expansion;
    const struct flexilib_regex *regex;
    const struct flexilib_ranges *ranges;
    uint64_t seed, who;
    uint64_t watched; /* the number of a request of which everything is logged; 0: none */
    unsigned wild;    /* in how many hooks of a hundred it does something */
    bool answers;     /* it is used as a handler */
    bool observes;    /* it says that it only looks */
    struct memory tickets, fetches;
    struct messengers messengers;
    struct clock clocks[MOST_CLOCKS];
    _Atomic long begun, lent, asked; /* what has not ended, come back, or been answered yet */
};

/* One exchange, as the filter remembers it. */
struct course {
    struct dice dice;
    uint64_t number;
    unsigned pieces_left;          /* of a reply that is streamed */
    uint64_t tickets[OLD_TICKETS]; /* that it has taken, the last one where `taken` says */
    unsigned taken;
    bool has_reply; /* set before a pause, so that it may be too late behind it */
};

enum hook {
    HOOK_REQUEST_HEAD = 0,
    HOOK_REQUEST_BODY,
    HOOK_RESPONSE_HEAD,
    HOOK_RESPONSE_BODY,
    HOOK_REPLY_BODY,
    HOOK_RESUME,
    HOOK_END,
};

/* One call of a hook. */
struct moment {
    struct chaos *chaos;
    const struct flexilib_core *core;
    struct flexilib_exchange *exchange;
    struct course *course;
    struct dice *dice; /* the course's */
    enum hook hook;
    bool is_last;
    bool is_careful; /* bodies may be coded, and what is done to coded bytes makes any bytes of them */
};

/* hooks.c */

/* Logs that this is done, where the request is being watched. */
void watch(const struct moment *moment, const char *what);

flexilib_answer chaos_on_request_head(void *filter, struct flexilib_exchange *exchange);
flexilib_answer chaos_on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                      bool last);
flexilib_answer chaos_on_response_head(void *filter, struct flexilib_exchange *exchange);
flexilib_answer chaos_on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last);
flexilib_answer chaos_on_reply_body(void *filter, struct flexilib_exchange *exchange);
flexilib_answer chaos_on_resume(void *filter, struct flexilib_exchange *exchange, void *result);
void chaos_on_end(void *filter, struct flexilib_exchange *exchange);

/* The number in the request's x-number, 0 without it. */
uint64_t number_of(const struct flexilib_core *core, const struct flexilib_exchange *exchange);

/* acts.c */

/* Does one thing, which may be wrong here. */
void act(struct moment *moment);

/* Sets a good reply of some kind; false where it was refused. */
bool set_good_reply(struct moment *moment);

/* Sets some reply, perhaps one that is refused. */
void set_any_reply(struct moment *moment);

/* Writes some of a body; in on_reply_body of the reply. */
void write_letters(struct moment *moment, size_t length);

/* As many of the number's letters, up to LONGEST_BODY_BYTES; the caller frees them. */
char *letters_for(uint64_t number, size_t length);

/* waits.c */

uint64_t take_ticket(struct moment *moment);

/* Has the pause at hand ended in some way, or in none. */
flexilib_answer pause_somehow(struct moment *moment);

/* What comes with the end of a pause. */
void *parcel_create(uint64_t ticket);
void parcel_free(void *parcel);

/* Whether it was sent for that ticket. */
bool parcel_is_for(const void *parcel, uint64_t ticket);

/* Ends some pause of long ago once more. */
void resume_old(struct moment *moment);

void start_clock(struct moment *moment);
void run_job(struct moment *moment);

void messengers_start(struct chaos *chaos);
void messengers_end(struct chaos *chaos);

void memory_keep(struct memory *memory, uint64_t number);
uint64_t memory_recall(struct memory *memory, struct dice *dice);

/* fetches.c */

/* Asks an upstream; with a ticket, its pause ends when the fetch is over. False where nothing was begun. */
bool ask(struct moment *moment, uint64_t ticket);

/* Does something to a fetch, perhaps one that is over. */
void touch_fetch(struct moment *moment);

#endif
