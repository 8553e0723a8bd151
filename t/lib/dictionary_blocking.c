/* The same on threads of the pool, for several exchanges at once. */

#define FLAGS (FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT)

#include "dictionary.c"
