#ifndef FLEXILIB_SCENARIO_STAGE_H
#define FLEXILIB_SCENARIO_STAGE_H

/* The world that a scenario is played in: filters and exchanges are real, and everything around them is here. There is
 * no network; clients and upstreams do what the scenario says, and write down what they are given. Time stands still
 * unless the scenario lets it pass. Used by play.c alone; a stage is for one scenario. */

#include "coding/body_decodings.h"
#include "plan/plan.h"
#include "scenario/message.h"
#include "scenario/piece_queue.h"
#include "scenario/scenario.h"
#include "scenario/stage_clock.h"
#include "scenario/stage_log.h"

struct ask;
struct fetch_services;
struct slot;
struct slot_threads;
struct stage;

/* A client's TLS, of which only that is known what the scenario says. */
struct tls_facts {
    struct exchange_tls tls; /* at the front */
    const struct tls_rule *rules;
    size_t count;
};

struct stage_options {
    struct source *source; /* what the settings were read through */
    const char *bundled_folder;
    size_t chunk_bytes;           /* cuts bodies into pieces of this size; 0: as they are written */
    int log_fd;                   /* where standard error goes to, readable too; -1: what is logged is not looked at */
    uint64_t longest_wait_us;     /* for what other threads do; 0: they are not waited for */
    int trace_fd;                 /* is told what happens; -1: nobody is */
    struct slot *slot;            /* NULL: nobody wants to know what is called */
    struct slot_threads *threads; /* likewise */
};

/* Who sends requests, one at a time. */
struct stage_client {
    struct stage *stage;
    struct slice name;
    struct exchange *exchange; /* NULL: none is under way */
    struct ask *ask;           /* whom it was forwarded to; NULL: to nobody (any more) */
    struct tls_facts tls;
    struct piece_queue upload;
    bool is_pulled; /* the next piece of the request's body is wanted */
    struct message seen;
    bool is_sending;     /* something was handed over that is not read yet */
    bool is_stopped;     /* and will not be, for now */
    struct alarm *pause; /* a filter pauses, until this comes at the latest; NULL: none does */
};

/* Who is asked. */
struct stage_upstream {
    struct slice name;
    bool is_stopped; /* reads no bodies */
};

/* Who has sent a request to an upstream, and gets the answer: an exchange or a filter. */
struct asker {
    /* Asks for the next piece of the request's body, for ask_give_body. */
    void (*pull_body)(struct ask *ask);
    void (*take_head)(struct ask *ask, const struct response_head *head);
    void (*take_piece)(struct ask *ask, struct slice piece, bool last);
    /* No more comes; a status for a head that has not come. The asker is gone then. */
    void (*take_failure)(struct ask *ask, int status);
};

/* A request that an upstream has got, and how it is answered. */
struct ask {
    struct stage *stage;
    struct stage_upstream *upstream;
    const struct asker *asker; /* NULL once nobody wants the answer any more */
    void *asker_data;
    struct message seen;
    bool is_asked;    /* for a piece of the request's body */
    bool is_noticed;  /* an event has told of it */
    bool is_answered; /* the response's head was given */
    bool is_left;
    bool is_left_noticed;
    struct piece_queue answer;
    bool is_pulled;     /* the next piece of the answer is wanted */
    int failure_status; /* what the answer ends with; 0: well */
};

struct stage {
    const struct scenario *scenario;
    struct stage_options options;
    struct arena arena;
    struct runtime *runtime;
    struct plan *plan;
    const struct plan_route *route;
    struct stage_client **clients;
    size_t client_count, client_capacity;
    struct stage_upstream **upstreams;
    size_t upstream_count, upstream_capacity;
    struct ask **asks; /* in the order in which they came */
    size_t ask_count, ask_capacity;
    struct stage_log log;
    struct body_decodings decodings;
    struct stage_clock clock;
    struct alarm *create_end; /* the chain is given up if it is not ready by then */
    bool is_ready;            /* the chain can serve */
    struct error refusal;     /* why it cannot */
    uint64_t next_id;
    int wake_fd;
    _Atomic bool is_woken;
};

/* Makes the chain. Where that fails, or the chain fails to get ready later, `refusal` is set. */
void stage_init(struct stage *stage, const struct scenario *scenario, const struct stage_options *options);

/* Has clients leave, and ends the chain. Libraries may hang here, and crash. */
void stage_close(struct stage *stage);

/* Closes what is not closed, and frees everything. */
void stage_finish(struct stage *stage);

/* Has everything happen that can happen by itself. */
void stage_settle(struct stage *stage);

/* Waits until another thread has done something, and settles. Returns false where nobody is left who might, or the
 * time that a scenario waits for anything is over. */
bool stage_wait(struct stage *stage, uint64_t began_us);

/* The same where nobody can know whether a thread is left. */
bool stage_wait_for_anybody(struct stage *stage, uint64_t began_us);

/* Lets time pass, with all that is to happen meanwhile. */
void stage_pass_time(struct stage *stage, uint64_t duration_ms);

/* Says on the trace what happens. */
void stage_tell(const struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* stage_client.c: the client of that name, made when it is first asked for. */
struct stage_client *stage_find_client(struct stage *stage, struct slice name);

/* Sends the event's request; the client's earlier exchange is over. */
void stage_client_send(struct stage_client *client, const struct event *event);

/* Goes away, in the middle of something or not. */
void stage_client_leave(struct stage_client *client);

/* Does one thing that is due: sends on, or reads. Returns false where there is none. */
bool stage_client_move(struct stage_client *client);

/* stage_upstream.c: the upstream of that name, as stage_client. */
struct stage_upstream *stage_find_upstream(struct stage *stage, struct slice name);

/* A request that has come to the upstream; the caller fills what is seen of it. */
struct ask *ask_add(struct stage *stage, struct stage_upstream *upstream, const struct asker *asker, void *asker_data);

/* Notes what the request begins with, fields and the body's length, which is not told where it is not known or 0. */
void ask_show_head(struct ask *ask, struct slice method, struct slice path, const struct slice *query);
void ask_show_length(struct ask *ask, int64_t length);

/* A piece of the request's body. */
void ask_give_body(struct ask *ask, struct slice piece, bool last);

/* Nobody wants the answer any more. */
void ask_leave(struct ask *ask);

/* Answers with the event's head, and its body's beginning. */
void ask_answer(struct ask *ask, const struct event *event);

/* Breaks the answer off when what was sent before is through: a head that was not sent yet becomes that status. */
void ask_fail(struct ask *ask, int status);

/* The answer's next piece is wanted. */
void ask_pull(struct ask *ask);

/* As stage_client_move. */
bool ask_move(struct ask *ask);

/* stage_forward.c: hands an exchange's request to its upstream. */
struct ask *forward_start(struct stage_client *client);

/* stage_fetch.c: filters' own requests, for runtime_use_fetches; the context is the stage. */
extern const struct fetch_services stage_fetch_services;

#endif
