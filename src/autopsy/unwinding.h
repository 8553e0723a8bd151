#ifndef FLEXILIB_AUTOPSY_UNWINDING_H
#define FLEXILIB_AUTOPSY_UNWINDING_H

/* The files of a crash record as libdwfl knows them, and the addresses of its calls by their unwinding tables. Stands
 * on the stack that was copied; nothing of the dead process is there any more. */

#include "autopsy/libdw.h"
#include "base/crash_record.h"

struct unwinding {
    struct libdw libdw;
    Dwfl_Callbacks files;
    struct crash_record *record;
    Dwfl *dwfl;
    bool is_thread_given;
    bool is_nowhere;  /* a call has led to where no code is: it is taken back */
    uint64_t nowhere; /* where that is */
    uint64_t frames[CRASH_FRAMES];
    bool is_call[CRASH_FRAMES]; /* the frame's address stands behind a call */
    size_t count;
};

/* Opens the files and fills frames; what cannot be read is left out. Returns false where libdw cannot be had. */
bool unwinding_open(struct unwinding *unwinding, struct crash_record *record);
void unwinding_close(struct unwinding *unwinding);

#endif
