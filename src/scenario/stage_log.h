#ifndef FLEXILIB_SCENARIO_STAGE_LOG_H
#define FLEXILIB_SCENARIO_STAGE_LOG_H

/* What was written to standard error, line by line: FlexiLib's log, and what libraries print. */

#include "base/arena.h"
#include "base/text.h"
#include "scenario/content.h"

struct stage_log_line {
    struct slice text; /* with its level in front, as "error: ..." */
    bool is_noticed;   /* an event has told of it */
};

struct stage_log {
    int fd;
    size_t read_bytes;
    struct text rest; /* of a line that is not finished */
    struct stage_log_line *lines;
    size_t count, capacity;
};

/* fd as in stage_options. What was written before is not looked at. */
void stage_log_init(struct stage_log *log, int fd);
void stage_log_finish(struct stage_log *log);

/* Reads what has come. */
void stage_log_read(struct stage_log *log, struct arena *arena);

/* Finds the first line that no event has told of and that holds what is wanted, and notes that one has. */
bool stage_log_notice(struct stage_log *log, const struct content *wanted);

/* The first line that no event has told of and that warns of something, or is worse; NULL where there is none. */
const struct stage_log_line *stage_log_find_trouble(const struct stage_log *log);

#endif
