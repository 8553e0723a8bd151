#ifndef FLEXILIB_CONFIG_YAML_PROBLEM_H
#define FLEXILIB_CONFIG_YAML_PROBLEM_H

/* Says in plain words, with the place, why libyaml cannot read a text. */

#include "base/arena.h"
#include "base/error.h"

#include <yaml.h>

/* Fills error from a parser that has failed on the text. Returns false. */
bool yaml_problem_report(const yaml_parser_t *parser, const struct source_text *text, struct arena *arena,
                         struct error *error);

#endif
