#ifndef FLEXILIB_PROCESS_START_TIMEOUT_H
#define FLEXILIB_PROCESS_START_TIMEOUT_H

/* How long a worker may take to be ready, and a check to be done: what FLEXILIB_START_TIMEOUT says, for libraries that
 * take longer than most to be created. A value that is no duration is told on the console, and left aside. */

#include <stdint.h>

int64_t start_timeout_ms(void);

/* How long one library may take to be loaded, or one filter to be created: the same where the variable says something.
 */
int64_t call_timeout_ms(void);

#endif
