#include "command/filter_test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/leaks.h"
#include "command/filter.h"
#include "process/program.h"
#include "process/trial.h"
#include "scenario/play.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    STATUS_USAGE = 2,
    LIMIT_MS = 5000, /* for what a scenario waits for, and for libraries that do not even let it wait */
    MOST_CHUNK_BYTES = 1 << 30,
};

struct filter_test {
    size_t chunk_bytes;
    bool is_verbose;
    struct scenario_library *libraries;
    size_t library_count, library_capacity;
    char **files; /* NULL behind the last one */
    char *bundled_folder;
    unsigned number; /* of the last scenario */
    unsigned failures;
};

/* What the throw-away process works on. The two files are in memory; it writes them and we read. */
struct attempt {
    const struct filter_test *test;
    const struct scenario_file *file;
    const struct scenario *scenario;
    int log_fd;
    int report_fd;
};

/* What a sanitizer says of lost memory goes where the report does. */
static bool check_leaks(const struct attempt *attempt)
{
    dup2(attempt->report_fd, STDERR_FILENO);
    return leaks_are_there();
}

static int play(struct slot *slot, struct slot_threads *threads, void *data)
{
    const struct attempt *attempt = data;
    int trace_fd = attempt->test->is_verbose ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    dup2(attempt->log_fd, STDOUT_FILENO);
    dup2(attempt->log_fd, STDERR_FILENO);
    setvbuf(stdout, NULL, _IONBF, 0); /* in lines would no longer work, as it was written to */
    const struct stage_options options = {
        .source = attempt->file->source,
        .bundled_folder = attempt->test->bundled_folder,
        .chunk_bytes = attempt->test->chunk_bytes,
        .log_fd = attempt->log_fd,
        .longest_wait_us = LIMIT_MS * 1000,
        .trace_fd = trace_fd,
        .slot = slot,
        .threads = threads,
    };
    struct text report = TEXT_INIT;
    struct play *scene = play_create(attempt->scenario, &options);
    bool holds = play_run(scene, &report);
    /* before anything ends that could hang */
    bool is_told = file_write_all(attempt->report_fd, text_slice(&report));
    play_destroy(scene);
    text_finish(&report);
    return holds && is_told && !check_leaks(attempt) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Each line as a comment, which TAP takes it for. */
static void print_comments(struct slice text, FILE *out)
{
    while (text.length != 0) {
        size_t end = slice_find(text, '\n');
        fprintf(out, "# %.*s\n", (int)end, text.data);
        text = slice_skip(text, end + (end != text.length));
    }
}

static void print_file(int fd, FILE *out)
{
    char buffer[4096];
    ssize_t length;
    struct text text = TEXT_INIT;
    off_t at = 0;
    while ((length = pread(fd, buffer, sizeof(buffer), at)) > 0) {
        text_add(&text, slice_of(buffer, (size_t)length));
        at += length;
    }
    print_comments(text_slice(&text), out);
    text_finish(&text);
}

/* A name in TAP: '#' begins a directive there. */
static void print_result(struct filter_test *test, const struct scenario *scenario, bool holds)
{
    printf("%sok %u - ", holds ? "" : "not ", ++test->number);
    for (size_t i = 0; i < scenario->name.length; ++i) {
        char c = scenario->name.data[i];
        if (c == '#')
            putchar('\\');
        putchar((unsigned char)c < 0x20 || c == 0x7f ? '?' : c);
    }
    putchar('\n');
    fflush(stdout);
    test->failures += !holds;
}

static void play_in_trial(struct filter_test *test, struct attempt *attempt)
{
    const struct trial trial = {.run = play, .data = attempt, .what = "the scenario", .limit_ms = LIMIT_MS};
    struct text sentence = TEXT_INIT;
    int status = EXIT_FAILURE;
    fflush(stdout);
    enum trial_outcome outcome = trial_run(&trial, &status, &sentence);
    print_result(test, attempt->scenario, outcome == TRIAL_RETURNED && status == EXIT_SUCCESS);
    print_file(attempt->report_fd, stderr);
    if (outcome != TRIAL_RETURNED) {
        struct place place = attempt->scenario->place;
        fprintf(stderr, "# %s:%u:%u: %s\n", place.text->path, place.line, place.column, sentence.data);
        print_file(attempt->log_fd, stderr);
    }
    text_finish(&sentence);
}

static void run_scenario(struct filter_test *test, const struct scenario_file *file, const struct scenario *scenario)
{
    struct attempt attempt = {test, file, scenario, -1, -1};
    attempt.log_fd = memfd_create("flexilib-log", MFD_CLOEXEC);
    attempt.report_fd = memfd_create("flexilib-report", MFD_CLOEXEC);
    if (attempt.log_fd == -1 || attempt.report_fd == -1 || fcntl(attempt.log_fd, F_SETFL, O_APPEND) == -1) {
        fprintf(stderr, "flexilib: cannot make a file in memory: %s\n", strerror(errno));
        exit(EXIT_FAILURE);
    }
    play_in_trial(test, &attempt);
    close(attempt.log_fd);
    close(attempt.report_fd);
}

static void run_file(struct filter_test *test, const char *path)
{
    struct error error = ERROR_INIT;
    struct scenario_file *file = scenario_file_load(path, test->libraries, test->library_count, &error);
    printf("# %s\n", path);
    fflush(stdout);
    if (file == NULL) {
        struct text description = TEXT_INIT;
        error_describe(&error, &description);
        printf("not ok %u - %s can be read\n", ++test->number, path);
        fflush(stdout);
        print_comments(text_slice(&description), stderr);
        text_finish(&description);
        ++test->failures;
        return;
    }
    for (size_t i = 0; i < file->scenario_count; ++i)
        run_scenario(test, file, &file->scenarios[i]);
    scenario_file_destroy(file);
}

static bool refuse(const char *format, const char *argument)
{
    struct text sentence = TEXT_INIT;
    text_print(&sentence, format, argument);
    filter_refuse("test", sentence.data);
    text_finish(&sentence);
    return false;
}

static bool read_chunk(struct filter_test *test, const char *text)
{
    uint64_t number;
    if (!slice_parse_number(slice_from_text(text), &number) || number > MOST_CHUNK_BYTES)
        return refuse("--chunk wants a number of bytes, or 0 for bodies as they are written, not '%s'", text);
    test->chunk_bytes = (size_t)number;
    return true;
}

static bool read_library(struct filter_test *test, char *text)
{
    char *equals = strchr(text, '=');
    bool has_name = equals != NULL && memchr(text, '/', (size_t)(equals - text)) == NULL;
    const char *path = has_name ? equals + 1 : text;
    if (path[0] == '\0')
        return refuse("--library wants the path of a library%s", "");
    if (has_name)
        *equals = '\0';
    test->libraries = mem_grow(test->libraries, test->library_count, &test->library_capacity, sizeof(*test->libraries));
    test->libraries[test->library_count++] =
        (struct scenario_library){.name = has_name ? text : NULL, .path = file_absolute(NULL, path)};
    return true;
}

static bool read_option(struct filter_test *test, int option, char *const *arguments)
{
    switch (option) {
    case 'c':
        return read_chunk(test, optarg);
    case 'l':
        return read_library(test, optarg);
    case 'v':
        test->is_verbose = true;
        return true;
    case ':':
        return refuse("'%s' wants a value", arguments[optind - 1]);
    default:
        return refuse("unknown option '%s'", arguments[optind - 1]);
    }
}

static bool read_arguments(struct filter_test *test, char **arguments)
{
    static const struct option options[] = {
        {"chunk", required_argument, NULL, 'c'},
        {"library", required_argument, NULL, 'l'},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int count = 0, option;
    while (arguments[count] != NULL)
        ++count;
    while ((option = getopt_long(count, arguments, ":", options, NULL)) != -1) {
        if (!read_option(test, option, arguments))
            return false;
    }
    test->files = arguments + optind;
    return test->files[0] != NULL || refuse("filter test wants a scenario file%s", "");
}

static void run_files(struct filter_test *test)
{
    for (char **file = test->files; *file != NULL; ++file)
        run_file(test, *file);
    printf("1..%u\n", test->number);
}

static void finish(struct filter_test *test)
{
    while (test->library_count != 0)
        free(test->libraries[--test->library_count].path);
    free(test->libraries);
    free(test->bundled_folder);
}

int filter_test_run(char **arguments)
{
    struct filter_test test = {0};
    struct program program;
    int status = STATUS_USAGE;
    if (!read_arguments(&test, arguments)) {
        finish(&test);
        return status;
    }
    if (program_open(&program)) {
        test.bundled_folder = program_bundled_folder(program.path);
        program_close(&program);
        run_files(&test);
        status = test.failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    } else {
        fprintf(stderr, "flexilib: cannot find the program itself: %s\n", strerror(errno));
        status = EXIT_FAILURE;
    }
    finish(&test);
    return status;
}
