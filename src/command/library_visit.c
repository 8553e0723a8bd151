#include "command/library_visit.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/suggest.h"
#include "filter/library.h"
#include "filter/runtime.h"
#include "process/program.h"
#include "process/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LIMIT_MS = 5000,
    STATUS_UNSAID = 2, /* of the copy: it has no way left to say what it has found */
};

static void ignore_wake(void *context)
{
}

static struct slice name_library(const char *path)
{
    struct slice name = slice_from_text(path);
    while (slice_find(name, '/') != name.length)
        name = slice_skip(name, slice_find(name, '/') + 1);
    if (slice_ends_with(name, SLICE(".so")))
        name.length -= strlen(".so");
    return name;
}

static char *refuse_name(const char *name, const char *folder)
{
    struct text pattern = TEXT_INIT;
    struct suggest suggest = suggest_start(slice_from_text(name));
    char phrase[SUGGEST_PHRASE_BYTES];
    glob_t found = {0};
    text_print(&pattern, "%s/*.so", folder);
    glob(pattern.data, GLOB_NOSORT, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; ++i)
        suggest_offer(&suggest, name_library(found.gl_pathv[i]));
    fprintf(stderr,
            "no filter '%s' comes with FlexiLib%s: there is none in '%s' (a path has a '/', or '.so' at its end)\n",
            name, suggest_phrase(&suggest, phrase), folder);
    globfree(&found);
    text_finish(&pattern);
    return NULL;
}

/* The file of a bundled library, or NULL where there is none, which is told then. */
static char *find_bundled(const char *name)
{
    struct program program;
    struct text path = TEXT_INIT;
    if (!program_open(&program)) {
        fprintf(stderr, "cannot find the program itself: %s\n", strerror(errno));
        return NULL;
    }
    char *folder = program_bundled_folder(program.path);
    text_print(&path, "%s/%s.so", folder, name);
    char *found = access(path.data, F_OK) == 0 ? path.data : refuse_name(name, folder);
    if (found == NULL)
        text_finish(&path);
    free(folder);
    program_close(&program);
    return found;
}

static char *find_file(const char *name)
{
    struct slice written = slice_from_text(name);
    bool is_path = slice_find(written, '/') != written.length || slice_ends_with(written, SLICE(".so"));
    return is_path ? mem_copy_text(name, strlen(name)) : find_bundled(name);
}

static bool visit_library(struct library_visit *visit, struct text *out, struct error *error)
{
    runtime_enter_library(visit->runtime, name_library(visit->path));
    struct library *library = library_open(visit->path, visit->path, error);
    runtime_leave_library(visit->runtime);
    visit->library = library;
    bool is_fine = library != NULL && visit->run(visit, out, error);
    library_close(library);
    return is_fine;
}

/* Standard output is for the answer alone, so a library's own is led to standard error while it may run. */
static int set_output_aside(void)
{
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return kept;
}

static bool print_answer(int fd, const struct text *answer)
{
    if (file_write_all(fd, text_slice(answer)))
        return true;
    fprintf(stderr, "flexilib: cannot write to standard output: %s\n", strerror(errno));
    return false;
}

static void print_error(const struct error *error)
{
    struct text description = TEXT_INIT;
    error_describe(error, &description);
    fprintf(stderr, "%s\n", description.data);
    text_finish(&description);
}

static int run_in_copy(struct slot *slot, struct slot_threads *threads, void *data)
{
    struct library_visit *visit = data;
    struct error error = ERROR_INIT;
    struct text answer = TEXT_INIT;
    struct runtime_services services = {.wake = ignore_wake};
    int output = set_output_aside();
    visit->runtime = runtime_create(&services, slot, 0);
    bool is_fine = visit_library(visit, &answer, &error);
    runtime_destroy(visit->runtime);
    fflush(stdout);
    if (is_fine)
        is_fine = print_answer(output, &answer);
    else
        print_error(&error);
    text_finish(&answer);
    return is_fine ? EXIT_SUCCESS : ferror(stderr) ? STATUS_UNSAID : EXIT_FAILURE;
}

int library_visit_run(struct library_visit *visit)
{
    char *path = find_file(visit->name);
    if (path == NULL)
        return EXIT_FAILURE;
    struct trial trial = {.run = run_in_copy, .data = visit, .what = visit->what, .limit_ms = LIMIT_MS};
    struct text sentence = TEXT_INIT;
    int status = EXIT_FAILURE;
    visit->path = path;
    if (trial_run(&trial, &status, &sentence) != TRIAL_RETURNED)
        fprintf(stderr, "%s: %s\n", path, sentence.data);
    else if (status == STATUS_UNSAID)
        fprintf(stderr, "%s: has closed what %s writes to: a library closes what it has opened itself\n", path,
                visit->what);
    text_finish(&sentence);
    free(path);
    return status == EXIT_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
