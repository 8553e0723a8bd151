#ifndef FLEXILIB_DISPATCH_ACCESS_LOG_H
#define FLEXILIB_DISPATCH_ACCESS_LOG_H

/* One line for each exchange, collected and written at the end of a turn of the loop, never split: a line is shorter
 * than 4,096 bytes (what is too long is cut, then `...` stands at its end), and a pipe is given whole lines in
 * pieces that fit into it at once, so that workers which share it do not mix theirs. Lines that cannot be written are
 * dropped, and a warning in the program's log, once a minute at most, says so; serving goes on. */

#include "config/settings.h"
#include "filter/expansion.h"

struct access_log;

/* Takes over fd, or -1 for no log. settings may have a format of their own for its lines (access_format.h); they may be
 * NULL, and must outlive the log. Otherwise a line in the style of proxy.ini is exactly the original's:
 *
 *   127.0.0.1:59940 - - "GET / HTTP/1.1" 200 ttfb 2.420ms 11 ttlb 2.568ms (pre-alloc: 1569, alloc: 4350)
 *
 * and in the style of YAML the time and the request id stand in front of that, and behind it, where the request was
 * forwarded, what became of it there:
 *
 *   upstream shop server http://127.0.0.1:3001 tries 1 waited 0.000ms answered 2.104ms
 *
 * A file has to be opened for appending. Quotes, backslashes, control and 8-bit bytes of the request line appear as
 * \xHH, a client on a unix socket as `unix:`, one that a trusted proxy names without its port as the address alone. */
struct access_log *access_log_create(int fd, enum settings_style style, const struct access_log_settings *settings);

/* Writes what has been collected, and closes. NULL is fine. */
void access_log_destroy(struct access_log *log);

/* Adds the exchange's line. */
void access_log_add(struct access_log *log, struct exchange *exchange, const struct expansion_times *times);

/* Writes what has been collected. */
void access_log_flush(struct access_log *log);

/* Goes on in another file: takes over fd, after writing what belongs in the old one. */
void access_log_reopen(struct access_log *log, int fd);

#endif
