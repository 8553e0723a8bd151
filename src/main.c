#include "base/file.h"
#include "command/check.h"
#include "command/command_line.h"
#include "command/default_file.h"
#include "command/healthcheck.h"
#include "command/server.h"
#include "command/version.h"
#include "process/control_socket.h"
#include "process/role.h"
#include "process/supervisor.h"
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

static int run_with_file(const struct command_line *line)
{
    struct error error = ERROR_INIT;
    const char *file = line->file != NULL ? line->file : default_file_find(&error);
    if (line->command == COMMAND_HEALTHCHECK && line->target != NULL)
        return healthcheck_run(line->target, NULL);
    if (line->command == COMMAND_SERVER && (file != NULL || control_socket_is_named()))
        return run_server(line, file);
    if (file == NULL) {
        fprintf(stderr, "error: %s\n", error.message);
        return STATUS_REFUSED;
    }
    if (line->command == COMMAND_CHECK)
        return check_run(file);
    return line->command == COMMAND_HEALTHCHECK ? healthcheck_run(NULL, file) : supervisor_run(file);
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
    file_fill_standard_descriptors();
    if (count > 1 && strcmp(arguments[1], ROLE_WORKER) == 0)
        worker_run(count, arguments);
    if (command_line_parse(count, arguments, &line, &error))
        return flush_output(run_command(&line));
    fprintf(stderr, "flexilib: %s\n%s\n", error.message, command_line_usage());
    return STATUS_USAGE;
}
