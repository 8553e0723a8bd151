#ifndef FLEXILIB_FILES_FILE_CONDITIONS_H
#define FLEXILIB_FILES_FILE_CONDITIONS_H

/* Conditional requests (RFC 9110 section 13) for GET and HEAD. No I/O. */

#include "filter/headers.h"

#include <time.h>

/* What tells one state of a file from others. */
struct file_validators {
    struct slice tag; /* strong, with its quotes */
    time_t modified;
};

enum file_verdict {
    FILE_SEND = 0,
    FILE_NOT_MODIFIED, /* answer 304 */
    FILE_FAILED,       /* answer 412 */
};

/* If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of section 13.2.2. */
enum file_verdict file_conditions_judge(const struct headers *request, const struct file_validators *file);

/* Whether a Range counts, as far as If-Range is concerned. A date is good only for files that have not been changed
 * within the last second of now. */
bool file_conditions_allow_range(const struct headers *request, const struct file_validators *file, time_t now);

#endif
