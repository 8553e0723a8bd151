#include "net/failure_log.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void tell_rest(struct failure_log *log)
{
    if (log->left_out != 0)
        log_line(LOG_LEVEL_ERROR, "upstream '%.*s'%s%.*s: %" PRIu64 " more failure%s within %d s, the last: %s",
                 SLICE_ARG(log->upstream), log->server.length != 0 ? " server " : "", SLICE_ARG(log->server),
                 log->left_out, log->left_out == 1 ? "" : "s", FAILURE_LOG_MS / 1000, log->last);
    log->left_out = 0;
    log->line_count = log->alike_count = 0;
}

static void on_timeout(struct timer *timer)
{
    tell_rest(timer->data);
}

void failure_log_init(struct failure_log *log, struct loop *loop, struct slice upstream, struct slice server)
{
    *log = (struct failure_log){.loop = loop, .upstream = upstream, .server = server};
    log->timer = (struct timer){.on_timeout = on_timeout, .data = log};
}

void failure_log_add(struct failure_log *log, const char *reason, struct slice request_id)
{
    if (log->line_count == 0)
        timer_start(log->loop, &log->timer, FAILURE_LOG_MS);
    if (strncmp(log->last, reason, sizeof(log->last) - 1) != 0) {
        snprintf(log->last, sizeof(log->last), "%s", reason);
        log->alike_count = 0;
    }
    if (log->line_count == FAILURE_LOG_LINES || log->alike_count == FAILURE_LOG_ALIKE) {
        ++log->left_out;
        return;
    }
    ++log->line_count;
    ++log->alike_count;
    log_line(LOG_LEVEL_ERROR, "upstream '%.*s'%s%.*s: %s (request %.*s)", SLICE_ARG(log->upstream),
             log->server.length != 0 ? " server " : "", SLICE_ARG(log->server), reason, SLICE_ARG(request_id));
}

void failure_log_finish(struct failure_log *log)
{
    tell_rest(log);
    timer_stop(log->loop, &log->timer);
}
