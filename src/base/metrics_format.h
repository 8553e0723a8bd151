#ifndef FLEXILIB_BASE_METRICS_FORMAT_H
#define FLEXILIB_BASE_METRICS_FORMAT_H

/* The words of Prometheus' text format 0.0.4, for whoever writes metrics in it. */

#include "base/text.h"

/* "# HELP name help" and "# TYPE name kind"; the first where help says something. */
void metrics_format_head(const char *name, const char *kind, const char *help, struct text *out);

/* A number, as short as it can be without becoming another one. */
void metrics_format_number(double number, struct text *out);

/* Adds `before` and label="value"; what needs that in the value is escaped. */
void metrics_format_label(char before, const char *label, struct slice value, struct text *out);

#endif
