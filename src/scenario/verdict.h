#ifndef FLEXILIB_SCENARIO_VERDICT_H
#define FLEXILIB_SCENARIO_VERDICT_H

/* Finds what an event is about among all that has happened on a stage, and says why an event does not hold. */

#include "scenario/stage.h"

/* The first request at that upstream that waits for its answer; for the rest of it; that nobody waits for any more, and
 * no event has said so. NULL where there is none. */
struct ask *verdict_find_unanswered(const struct stage *stage, struct slice upstream);
struct ask *verdict_find_unfinished_answer(const struct stage *stage, struct slice upstream);
struct ask *verdict_find_left(const struct stage *stage, struct slice upstream);

/* What somebody has seen, for EVENT_SEE and EVENT_SEE_MORE; NULL where that is nothing. */
struct message *verdict_find_message(const struct stage *stage, const struct event *event);

/* Notes that an event has told of the request which verdict_find_message gives. */
void verdict_notice(const struct stage *stage, const struct event *event);

/* Whether the text holds what is wanted, or is like it. */
bool verdict_holds_text(const struct content *wanted, struct slice text);

/* Add to report why the event does not hold, or that the chain was not refused as it should have been. */
void verdict_explain(struct stage *stage, const struct event *event, struct text *report);
void verdict_explain_refusal(const struct scenario *scenario, struct slice seen, struct text *report);

/* Looks for what should not happen unseen. Returns false and adds to report what has. */
bool verdict_check_rest(const struct stage *stage, struct text *report);

#endif
