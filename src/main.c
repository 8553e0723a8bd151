#include "autopsy/autopsy.h"
#include "base/file.h"
#include "command/check.h"
#include "command/command_line.h"
#include "command/default_file.h"
#include "command/filter.h"
#include "command/healthcheck.h"
#include "command/metrics.h"
#include "command/reload.h"
#include "command/server.h"
#include "command/status.h"
#include "command/version.h"
#include "process/autopsies.h"
#include "process/control_socket.h"
#include "process/role.h"
#include "process/supervisor.h"
#include "process/supervisor_handover.h"
#include "worker/runner.h"
#include "worker/thread_guard.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_USAGE = 2,
    STATUS_REFUSED = 78,
};

static int run_server(const struct command_line *line, const char *file)
{
    struct server_command command = {
        .file = file,
        .upstream = line->operands[0],
        .url = line->operands[1],
        .verb = line->operands[2],
        .is_json = line->is_json,
    };
    return server_run(&command);
}

/* Commands that ask a FlexiLib that runs. */
static bool is_for_running(const struct command_line *line)
{
    return line->command == COMMAND_SERVER || line->command == COMMAND_METRICS || line->command == COMMAND_RELOAD ||
           line->command == COMMAND_ROLLBACK || line->command == COMMAND_UPGRADE || line->command == COMMAND_STATUS;
}

static int ask_running(const struct command_line *line, const char *file)
{
    switch (line->command) {
    case COMMAND_SERVER:
        return run_server(line, file);
    case COMMAND_RELOAD:
        return reload_run(file);
    case COMMAND_ROLLBACK:
        return rollback_run(file);
    case COMMAND_UPGRADE:
        return upgrade_run(file);
    case COMMAND_STATUS:
        return status_run(file, line->is_json);
    default:
        return metrics_run(file);
    }
}

static int run_with_file(const struct command_line *line)
{
    struct error error = ERROR_INIT;
    const char *file = line->file != NULL ? line->file : default_file_find(&error);
    if (line->command == COMMAND_HEALTHCHECK && line->target != NULL)
        return healthcheck_run(line->target, NULL);
    if (is_for_running(line) && (file != NULL || control_socket_is_named()))
        return ask_running(line, file);
    if (file == NULL) {
        fprintf(stderr, "error: %s\n", error.message);
        return STATUS_REFUSED;
    }
    if (line->command == COMMAND_CHECK)
        return check_run(file);
    if (line->command == COMMAND_HEALTHCHECK)
        return healthcheck_run(NULL, file);
    const struct supervisor_options options = {
        .config = file, .may_use_last_good = line->may_use_last_good, .is_without_filters = line->is_without_filters};
    return supervisor_run(&options);
}

static int run_command(const struct command_line *line)
{
    switch (line->command) {
    case COMMAND_HELP:
        fputs(command_line_help(), stdout);
        return EXIT_SUCCESS;
    case COMMAND_VERSION:
        version_print();
        return EXIT_SUCCESS;
    case COMMAND_VERSIONS:
        version_print_all();
        return EXIT_SUCCESS;
    case COMMAND_FILTER:
        return filter_run(line->rest);
    default:
        return run_with_file(line);
    }
}

/* Nobody has read an answer that could not be written. */
static int flush_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "flexilib: cannot write to standard output: %s\n", strerror(errno));
    return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}

int main(int count, char **arguments)
{
    struct command_line line;
    struct error error = ERROR_INIT;
    thread_guard_open();
    file_fill_standard_descriptors();
    if (count > 1 && strcmp(arguments[1], ROLE_WORKER) == 0)
        worker_run(count, arguments);
    if (count > 1 && strcmp(arguments[1], ROLE_RUNNER) == 0)
        runner_run(count, arguments);
    if (count > 1 && strcmp(arguments[1], ROLE_SUPERVISOR) == 0)
        return supervisor_resume(count, arguments);
    if (count > 1 && strcmp(arguments[1], ROLE_AUTOPSY) == 0)
        autopsy_run(count, arguments);
    if (command_line_parse(count, arguments, &line, &error))
        return flush_output(run_command(&line));
    fprintf(stderr, "flexilib: %s\n%s\n", error.message, command_line_usage());
    return STATUS_USAGE;
}
