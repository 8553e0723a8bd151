#ifndef FLEXILIB_SCENARIO_DIFFERENCE_H
#define FLEXILIB_SCENARIO_DIFFERENCE_H

/* What differs between two texts, line by line, for people. */

#include "base/text.h"

/* Adds the lines of both, each with two characters in front: "- " for one that was expected and is not there, "+ " for
 * one that is there and was not, blanks for one that is the same; of many that are the same only those near others are
 * shown. Bytes that are no text are shown as \xNN, and long lines are cut. */
void difference_print(struct slice expected, struct slice seen, struct text *out);

#endif
