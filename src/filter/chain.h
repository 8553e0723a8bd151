#ifndef FLEXILIB_FILTER_CHAIN_H
#define FLEXILIB_FILTER_CHAIN_H

/* A configured filter (use) and the order in which a route runs them (chain). A use may stand in many chains; the plan
 * owns uses and chains, and ends them when no exchange is left. */

#include "base/error.h"
#include "config/settings.h"
#include "flexilib/filter.h"

struct library;
struct option_scope;
struct runtime;
struct use;

/* Reads the step's options, and calls the filter's create. library must outlive the use; scope, which is what options
 * may refer to, may be NULL. Of an exclusive filter the create may be put off (quiesce.h); then step must live until it
 * comes. Returns NULL and fills error with the place of the option or the step. */
struct use *use_create(struct runtime *runtime, const struct library *library, const struct flexilib_filter *filter,
                       const struct step_settings *step, const struct option_scope *scope, struct error *error);

/* Calls the filter's destroy. NULL is fine. */
void use_destroy(struct use *use);

/* What the configuration calls it. Lives as long as the use. */
struct slice use_name(const struct use *use);

/* The path of its library, as messages call it. Lives as long as the library. */
const char *use_library_path(const struct use *use);

/* Whether its library's routes are to be put out of service where it crashes again and again. */
bool use_wants_quarantine(const struct use *use);

struct chain {
    struct use **uses; /* in the order of the request half */
    size_t count;
    bool ends_in_handler; /* the last one has to answer: if it does not, the answer is 500 and it is blamed */
};

#endif
