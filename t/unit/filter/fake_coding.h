#ifndef T_UNIT_FILTER_FAKE_CODING_H
#define T_UNIT_FILTER_FAKE_CODING_H

/* A content coding that a test can write by hand: "a3b1" stands for "aaab". Another digit than 1 to 9 is an error. What
 * comes out comes in pieces of four bytes at most. */

#include "fake.h"

#include "filter/decoding_services.h"

#include <limits.h>

enum {
    FAKE_OUTPUT_BYTES = 4,
};

struct decoding {
    char output[FAKE_OUTPUT_BYTES];
    char letter; /* whose number comes next; 0: a letter does */
    char repeated;
    unsigned left; /* of that one */
    bool is_settled;
};

/* As context: how many are open, and how many may be. */
struct fake_codings {
    unsigned open, most;
};

static struct fake_codings fake_codings;

static inline bool fake_knows(struct slice coding)
{
    return slice_equals_nocase(coding, SLICE("run"));
}

static inline struct decoding *fake_open(void *context, struct slice coding, size_t *shared)
{
    struct fake_codings *codings = context;
    assert_true(fake_knows(coding));
    if (codings->open == codings->most)
        return NULL;
    ++codings->open;
    return calloc(1, sizeof(struct decoding));
}

static inline enum decoding_state fake_work(struct decoding *decoding, struct slice *input, struct slice *output)
{
    size_t length = 0;
    assert_false(decoding->is_settled);
    for (;;) {
        for (; decoding->left != 0 && length < FAKE_OUTPUT_BYTES; --decoding->left)
            decoding->output[length++] = decoding->repeated;
        *output = slice_of(decoding->output, length);
        if (decoding->left != 0)
            return DECODING_BUSY;
        if (input->length == 0)
            return decoding->letter == 0 ? DECODING_ENDED : DECODING_HUNGRY;
        char next = input->data[0];
        *input = slice_skip(*input, 1);
        if (decoding->letter == 0) {
            decoding->letter = next;
        } else if (next >= '1' && next <= '9') {
            decoding->repeated = decoding->letter;
            decoding->left = (unsigned)(next - '0');
            decoding->letter = 0;
        } else {
            return DECODING_BROKEN;
        }
    }
}

static inline void fake_settle(struct decoding *decoding)
{
    decoding->is_settled = true;
}

static inline void fake_leave(struct decoding *decoding)
{
}

static inline void fake_close(struct decoding *decoding)
{
    --fake_codings.open;
    free(decoding);
}

static const struct decoding_services fake_decoding_services = {
    .knows = fake_knows,
    .open = fake_open,
    .work = fake_work,
    .settle = fake_settle,
    .leave = fake_leave,
    .close = fake_close,
};

static inline void use_fake_coding(struct world *world)
{
    fake_codings = (struct fake_codings){.most = UINT_MAX};
    runtime_use_decodings(world->runtime, &fake_decoding_services, &fake_codings);
}

#endif
