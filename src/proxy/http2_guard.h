#ifndef FLEXILIB_PROXY_HTTP2_GUARD_H
#define FLEXILIB_PROXY_HTTP2_GUARD_H

/* Tells clients from those who make a connection work for nothing (RFC 9113 section 10.5): streams that are begun to be
 * broken off at once, by themselves (CVE-2023-44487) or by us, whom they make do so (CVE-2025-8671), and frames that
 * lead to nothing. What counts is how much of it there is beside what is of use, within a window of time. */

#include "base/slice.h"

#include <stdint.h>

enum {
    HTTP2_GUARD_WINDOW_MS = 10 * 1000,
    HTTP2_GUARD_RESETS = 100,  /* of streams, where they are more than half of all */
    HTTP2_GUARD_FRAMES = 1000, /* that lead to nothing, plus HTTP2_GUARD_SPARE for each of use */
    HTTP2_GUARD_SPARE = 4,
};

/* Zero bytes at first. */
struct http2_guard {
    uint64_t window_end_ms;
    uint32_t streams, resets;
    uint32_t useful, idle;
    /* Where in the stream of frames the bytes of http2_guard_watch were. */
    uint32_t skipped_bytes, head_bytes;
    bool is_past_preface;
    unsigned char head[9];
};

/* Looks at what is received, in order and from the preface on: frames that cannot be of use in themselves count as
 * such.
 */
void http2_guard_watch(struct http2_guard *guard, struct slice data, uint64_t now_ms);

/* A stream was begun; it has ended before its time, for which the client is to blame; a frame was of use; it was not.
 */
void http2_guard_note_stream(struct http2_guard *guard, uint64_t now_ms);
void http2_guard_note_reset(struct http2_guard *guard, uint64_t now_ms);
void http2_guard_note_useful(struct http2_guard *guard, uint64_t now_ms);
void http2_guard_note_idle(struct http2_guard *guard, uint64_t now_ms);

/* What there is too much of, as a phrase for the log; NULL where all is well. */
const char *http2_guard_complaint(const struct http2_guard *guard);

#endif
