#ifndef FLEXILIB_FUZZ_H
#define FLEXILIB_FUZZ_H

/* What every fuzzer needs: libFuzzer's entry, and a claim that holds in all kinds of builds. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define CLAIM(condition) ((condition) ? (void)0 : claim_is_wrong(#condition, __FILE__, __LINE__))

static inline void claim_is_wrong(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, claim);
    abort();
}

#endif
