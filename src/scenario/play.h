#ifndef FLEXILIB_SCENARIO_PLAY_H
#define FLEXILIB_SCENARIO_PLAY_H

/* Plays a scenario: does what its events say and checks what they expect, in their order, and stops at the first one
 * that does not hold. What no event tells of fails too, where it should not happen unseen: a request that an upstream
 * gets, a response that is cut, a warning in the log. */

#include "scenario/scenario.h"
#include "scenario/stage.h"

struct play;

struct play *play_create(const struct scenario *scenario, const struct stage_options *options);

/* Returns whether everything holds, and otherwise adds to report what does not: lines for people, the first one with
 * the place in the file. */
bool play_run(struct play *play, struct text *report);

/* Ends the chain, which may run code of libraries. */
void play_destroy(struct play *play);

#endif
