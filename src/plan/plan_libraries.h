#ifndef FLEXILIB_PLAN_PLAN_LIBRARIES_H
#define FLEXILIB_PLAN_PLAN_LIBRARIES_H

/* The libraries of a plan: finds the file that a step means, and opens each file once. */

#include "config/settings.h"

struct library;
struct plan_libraries;
struct runtime;

/* All must outlive the result; bundled_folder is absolute. */
struct plan_libraries *plan_libraries_create(const struct settings *settings, struct source *source,
                                             struct runtime *runtime, const char *bundled_folder);

/* Closes what was opened. NULL is fine. */
void plan_libraries_destroy(struct plan_libraries *libraries);

/* Makes sure that the file of everything under `libraries:` is there, used or not; loads nothing. Returns false and
 * fills error. */
bool plan_libraries_check(struct plan_libraries *libraries, struct error *error);

/* Whether the step's library is given by a path at which there is no file. Such a file is waited for. */
bool plan_libraries_is_missing(struct plan_libraries *libraries, const struct step_settings *step);

/* The step's library, opened unless it is already. Belongs to libraries. Returns NULL and fills error with the step's
 * place. */
const struct library *plan_libraries_open(struct plan_libraries *libraries, const struct step_settings *step,
                                          struct error *error);

/* What has been opened so far, in that order. */
size_t plan_libraries_count(const struct plan_libraries *libraries);
const struct library *plan_libraries_get(const struct plan_libraries *libraries, size_t index);

#endif
