#ifndef FLEXILIB_COMMAND_COMMAND_LINE_H
#define FLEXILIB_COMMAND_COMMAND_LINE_H

/* What the operator typed. */

#include "base/error.h"

enum command {
    COMMAND_SERVE = 1,
    COMMAND_CHECK,
    COMMAND_HEALTHCHECK,
    COMMAND_SERVER,
    COMMAND_METRICS,
    COMMAND_RELOAD,
    COMMAND_ROLLBACK,
    COMMAND_UPGRADE,
    COMMAND_STATUS,
    COMMAND_FILTER,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_VERSIONS,
};

enum {
    COMMAND_LINE_OPERANDS = 3,
};

struct command_line {
    enum command command;
    const char *file;   /* of -c, or NULL */
    const char *target; /* of healthcheck, or NULL */
    /* Of server: upstream, URL and "drain" or "ready"; the upstream alone; or none of them. */
    const char *operands[COMMAND_LINE_OPERANDS];
    size_t operand_count;
    char **rest; /* of filter: what stands behind it, NULL at the end */
    bool is_json;
    bool is_without_filters; /* --no-filters */
    bool may_use_last_good;  /* of serve: where the file is wrong */
};

/* Reads the arguments. Returns false and fills error, with what may have been meant. */
bool command_line_parse(int count, char **arguments, struct command_line *line, struct error *error)
    __attribute__((warn_unused_result));

/* One line, and the whole page. */
const char *command_line_usage(void);
const char *command_line_help(void);

#endif
