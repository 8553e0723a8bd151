#ifndef FLEXILIB_AUTOPSY_BACKTRACE_H
#define FLEXILIB_AUTOPSY_BACKTRACE_H

/* From a crash record to lines for people. */

#include "base/crash_record.h"
#include "base/text.h"

/* Adds a line that says where it was, "crash.so+0x1139 (boom at lib/crash.c:12)": in the innermost frame of a file
 * below the folder snapshot, where there is one, which is the library's; otherwise in the innermost of all. Then a line
 * for each frame, "#0 boom+0x4 at lib/crash.c:12 (crash.so+0x1139)", those of inlined functions too. The record
 * changes. Returns false where nothing can be told. */
bool backtrace_print(struct crash_record *record, const char *snapshot, struct text *out);

#endif
