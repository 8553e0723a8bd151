#ifndef FLEXILIB_SCENARIO_EXPECTATION_H
#define FLEXILIB_SCENARIO_EXPECTATION_H

/* Compares what an event says that somebody sees with what was seen. */

#include "scenario/message.h"
#include "scenario/scenario.h"

enum expectation_result {
    EXPECTATION_HOLDS = 1,
    EXPECTATION_WAITS, /* it does not hold yet: something has to come */
    EXPECTATION_FAILS,
};

/* For EVENT_SEE and EVENT_SEE_MORE. */
enum expectation_result expectation_check(const struct event *event, const struct message *seen);

/* Notes what an event has told of, when it holds. */
void expectation_notice(const struct event *event, struct message *seen);

/* Adds the lines that differ. */
void expectation_explain(const struct event *event, const struct message *seen, struct arena *arena, struct text *out);

#endif
