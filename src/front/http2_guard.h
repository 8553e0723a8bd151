#ifndef FLEXILIB_FRONT_HTTP2_GUARD_H
#define FLEXILIB_FRONT_HTTP2_GUARD_H

/* Tells clients from those who make a connection work for nothing (RFC 9113 section 10.5): streams that are begun to be
 * broken off at once, by themselves (CVE-2023-44487) or by us, whom they make do so (CVE-2025-8671), and frames that
 * lead to nothing. What counts is how much of it there is beside what is of use, within a window of time. */

#include "base/slice.h"

#include <stdint.h>

enum {
    HTTP2_GUARD_WINDOW_MS = 10 * 1000,
    HTTP2_GUARD_RESETS = 100, /* of streams, plus one for every two that have ended well */
    HTTP2_GUARD_MEMORY = 400, /* streams that have ended well, and make good for none yet, count in later windows too */
    HTTP2_GUARD_STALLS = 20,  /* of responses that were given up as nobody took them, at any time */
    HTTP2_GUARD_PARDON = 8,   /* streams that have ended well make good for one of those */
    HTTP2_GUARD_FRAMES = 1000, /* that lead to nothing, plus HTTP2_GUARD_SPARE for each of use */
    HTTP2_GUARD_SPARE = 4,
};

/* Zero bytes at first. */
struct http2_guard {
    uint64_t window_end_ms;
    uint32_t good, resets, stalls;
    uint32_t useful, idle;
    uint32_t unjudged; /* frames that may be of use: libnghttp2 tells */
    /* Where in the stream of frames the bytes of http2_guard_watch were. */
    uint32_t skipped_bytes, head_bytes;
    bool is_past_preface;
    unsigned char head[9];
};

/* Looks at what is received, in order and from the preface on: frames that cannot be of use in themselves count as
 * such. All others do so at http2_guard_settle, after which each must have been noted that was of use. */
void http2_guard_watch(struct http2_guard *guard, struct slice data, uint64_t now_ms);
void http2_guard_settle(struct http2_guard *guard, uint64_t now_ms);

/* A stream has ended well; before its time, for which the client is to blame; because the client took nothing of the
 * response. A frame was of use; it was not. */
void http2_guard_note_good(struct http2_guard *guard, uint64_t now_ms);
void http2_guard_note_reset(struct http2_guard *guard, uint64_t now_ms);
void http2_guard_note_stall(struct http2_guard *guard);
void http2_guard_note_useful(struct http2_guard *guard, uint64_t now_ms);
void http2_guard_note_idle(struct http2_guard *guard, uint64_t now_ms);

/* How many more streams may be at work, so that no more than HTTP2_GUARD_RESETS can have been so in vain when the
 * connection is ended for it. */
uint32_t http2_guard_patience(const struct http2_guard *guard);

/* What there is too much of, as a phrase for the log; NULL where all is well. */
const char *http2_guard_complaint(const struct http2_guard *guard);

#endif
