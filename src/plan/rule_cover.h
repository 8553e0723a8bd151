#ifndef FLEXILIB_PLAN_RULE_COVER_H
#define FLEXILIB_PLAN_RULE_COVER_H

/* What follows from what: when one condition or rule holds for every request for which another one does. May say no
 * where that is hard to tell, never yes where it is not so. */

#include "plan/rule.h"

/* Whether no request can fail the condition. */
bool condition_always_holds(const struct condition *condition);

/* Whether `whole` holds whenever `part` does. */
bool condition_covers(const struct condition *whole, const struct condition *part);

/* Whether `whole` matches every request that `part` does. */
bool rule_covers(const struct rule *whole, const struct rule *part);

#endif
