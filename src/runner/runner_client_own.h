#ifndef FLEXILIB_RUNNER_RUNNER_CLIENT_OWN_H
#define FLEXILIB_RUNNER_RUNNER_CLIENT_OWN_H

/* What runner_client.c (processes, links, uses) and runner_visits.c (exchanges) share. */

#include "filter/isolated_use.h"
#include "filter/numbers.h"
#include "runner/link.h"
#include "runner/progress.h"
#include "runner/runner_client.h"

LIST_HEAD(visits, isolated_visit);

/* One process, and those that take its place. */
struct runner_instance {
    struct runner_client *client;
    unsigned number;
    struct link link;
    bool is_joined;
    struct progress *progress; /* NULL: nobody knows */
    struct numbers exchanges;  /* of visits */
    struct visits visits;
    size_t visit_count;
    uint64_t calls;     /* that were sent by this link */
    struct timer retry; /* asks for another link */
    /* What an answer that is waited for has said. */
    bool is_answered;
    struct error refusal;
    struct text description;
};

/* A use of a filter, which each of them has to have. */
struct runner_use {
    unsigned step;
    const struct flexilib_core *core;
    bool *is_waited_for;   /* by instance: it is not ready there */
    bool is_being_created; /* for the first time */
    bool is_settled;
};

struct runner_client {
    const struct runner_settings *settings;
    struct loop *loop;
    struct runner_connector connector;
    struct runner_instance *instances; /* as many as settings says */
    char *path;                        /* of the library; NULL until it is to be opened */
    struct runner_use *uses;
    size_t use_count, use_capacity;
    struct visits waiting; /* for a process */
    bool is_patient;       /* nothing is served yet */
    bool is_late;          /* what they have to say is known already */
};

/* Of isolated_services; the context is the client. */
void runner_visits_call(void *context, struct isolated_visit *visit, flexilib_half which);
void runner_visits_end(void *context, struct isolated_visit *visit, bool wants_end);

/* Sends those that wait to processes, where there are any. */
void runner_visits_flush(struct runner_client *client);

/* Takes an answer. */
void runner_visits_take(struct runner_instance *instance, const struct frame *frame);

/* The process is gone: some calls are lost, others are made again. */
void runner_visits_leave(struct runner_instance *instance);

#endif
