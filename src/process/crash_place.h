#ifndef FLEXILIB_PROCESS_CRASH_PLACE_H
#define FLEXILIB_PROCESS_CRASH_PLACE_H

/* Where a crash happened, as far as its record alone tells: no file is opened. */

#include "base/crash_record.h"
#include "base/text.h"

struct crash_place {
    uint64_t address;
    const struct crash_mapping *mapping; /* NULL: no code is there that is known */
    bool is_of_library;                  /* it stands in a file below the snapshot's folder */
    bool is_guess;                       /* it was on the stack, and looks like where a call returns to */
};

/* The innermost place in a library, where there is one: the very instruction, a caller by frame pointers, or, where
 * others' code has crashed on a thread that a library has started, what the stack looks like. Otherwise the very
 * instruction. snapshot is the generation's folder, NULL: there is none. */
struct crash_place crash_place_find(const struct crash_record *record, const char *snapshot);

/* Adds "crash.so+0x1139", or the address. */
void crash_place_print(const struct crash_record *record, uint64_t address, struct text *out);

/* Adds "#0 crash.so+0x1139" and its callers by frame pointers, a line each. */
void crash_place_print_frames(const struct crash_record *record, struct text *out);

#endif
