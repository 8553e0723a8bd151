#include "command/filter_new.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/suggest.h"
#include "command/filter.h"
#include "process/program.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATUS_USAGE = 2,
    MOST_FILES = 4,
    LONGEST_NAME_BYTES = 63,
    LARGEST_FILE_BYTES = 64 * 1024,
};

/* The name that the filters of filters/new have. */
static const char model_name[] = "my-filter";

struct language {
    const char *name;
    const char *files[MOST_FILES]; /* in its folder */
};

static const struct language languages[] = {
    {"c", {"my-filter.c", "Makefile"}},
    {"cpp", {"my-filter.cpp", "Makefile"}},
    {"rust", {"my-filter.rs", "Makefile"}},
    {"go", {"my-filter.go", "go.mod", "Makefile"}},
};

enum {
    LANGUAGE_COUNT = sizeof(languages) / sizeof(languages[0]),
};

struct filter_new {
    const char *name;
    const struct language *language;
    char *program;
    char *data_folder;
    char *include_folder;
    char *sdk_folder;
};

static bool refuse(const char *format, const char *argument, const char *hint)
{
    struct text sentence = TEXT_INIT;
    text_print(&sentence, format, argument, hint);
    filter_refuse("new", sentence.data);
    text_finish(&sentence);
    return false;
}

static bool read_language(struct filter_new *new, const char *name)
{
    struct suggest suggest = suggest_start(slice_from_text(name));
    for (int i = 0; i < LANGUAGE_COUNT; ++i) {
        if (strcmp(languages[i].name, name) == 0) {
            new->language = &languages[i];
            return true;
        }
        suggest_offer(&suggest, slice_from_text(languages[i].name));
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    return refuse("there is no SDK for '%s'%s", name, suggest_phrase(&suggest, phrase));
}

/* As the contract wants it. */
static bool check_name(const char *name)
{
    size_t length = strlen(name);
    bool is_fine = name[0] >= 'a' && name[0] <= 'z' && length <= LONGEST_NAME_BYTES && name[length - 1] != '-';
    for (size_t i = 0; i < length; ++i)
        is_fine = is_fine && ((name[i] >= 'a' && name[i] <= 'z') || ascii_is_digit(name[i]) || name[i] == '-');
    return is_fine || refuse("'%s' cannot be the name of a filter: it is made of a-z, 0-9 and '-'%s", name, "");
}

static bool read_arguments(struct filter_new *new, char **arguments)
{
    static const struct option options[] = {{"language", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
    int count = 0, option;
    while (arguments[count] != NULL)
        ++count;
    while ((option = getopt_long(count, arguments, ":", options, NULL)) != -1) {
        if (option == ':')
            return refuse("'%s' wants a value%s", arguments[optind - 1], "");
        if (option != 'l')
            return refuse("unknown option '%s'%s", arguments[optind - 1], "");
        if (!read_language(new, optarg))
            return false;
    }
    new->name = arguments[optind];
    if (new->name == NULL)
        return refuse("filter new wants the filter's name%s%s", "", "");
    return check_name(new->name) &&
           (arguments[optind + 1] == NULL || refuse("'%s' is one too many%s", arguments[optind + 1], ""));
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Where no links lead, as builds last longer than links. */
static char *resolve(const char *folder, const char *path)
{
    char *absolute = file_absolute(folder, path);
    char *real = realpath(absolute, NULL);
    if (real == NULL)
        return absolute;
    free(absolute);
    return real;
}

static bool find_folders(struct filter_new *new)
{
    struct program program;
    if (!program_open(&program)) {
        fprintf(stderr, "flexilib: cannot find the program itself: %s\n", strerror(errno));
        return false;
    }
    new->program = mem_copy_text(program.path, strlen(program.path));
    new->data_folder = program_data_folder(program.path);
    program_close(&program);
    new->include_folder = resolve(new->data_folder, "include");
    if (!is_folder(new->include_folder)) {
        free(new->include_folder);
        new->include_folder = resolve(new->data_folder, "../../include");
    }
    new->sdk_folder = resolve(new->data_folder, "sdk");
    return true;
}

/* Copies text with names and folders put in. */
static void fill_in(const struct filter_new *new, struct slice text, struct text *out)
{
    const struct {
        struct slice mark;
        const char *value;
    } marks[] = {
        {slice_from_text(model_name), new->name},
        {SLICE("@INCLUDE@"), new->include_folder},
        {SLICE("@SDK@"), new->sdk_folder},
        {SLICE("@FLEXILIB@"), new->program},
    };
    enum {
        MARK_COUNT = sizeof(marks) / sizeof(marks[0]),
    };
    while (text.length != 0) {
        int i = 0;
        while (i < MARK_COUNT && !slice_starts_with(text, marks[i].mark))
            ++i;
        if (i == MARK_COUNT)
            text_add_char(out, text.data[0]);
        else
            text_add(out, slice_from_text(marks[i].value));
        text = slice_skip(text, i == MARK_COUNT ? 1 : marks[i].mark.length);
    }
}

static bool report_failure(const char *verb, const char *path)
{
    fprintf(stderr, "flexilib: cannot %s '%s': %s\n", verb, path, strerror(errno));
    return false;
}

static bool make_file(const struct filter_new *new, const char *folder, const char *file)
{
    struct text from = TEXT_INIT, to = TEXT_INIT, model = TEXT_INIT, content = TEXT_INIT;
    text_print(&from, "%s/new/%s/%s", new->data_folder, folder, file);
    text_print(&to, "%s/", new->name);
    fill_in(new, slice_from_text(file), &to);
    bool is_read = file_read(from.data, LARGEST_FILE_BYTES, &model) || report_failure("read", from.data);
    if (is_read)
        fill_in(new, text_slice(&model), &content);
    bool is_made = is_read && (file_write(to.data, text_slice(&content), 0644) || report_failure("write", to.data));
    if (is_made)
        printf("made %s\n", to.data);
    text_finish(&from);
    text_finish(&to);
    text_finish(&model);
    text_finish(&content);
    return is_made;
}

static bool make_files(const struct filter_new *new)
{
    struct text models = TEXT_INIT;
    text_print(&models, "%s/new/%s", new->data_folder, new->language->name);
    bool has_models = is_folder(models.data);
    if (!has_models)
        fprintf(stderr, "flexilib: there is no folder '%s': what filters are made of is not installed\n", models.data);
    text_finish(&models);
    if (!has_models)
        return false;
    if (mkdir(new->name, 0777) == -1)
        return report_failure("make a folder", new->name);
    bool is_made = true;
    for (int i = 0; i < MOST_FILES && new->language->files[i] != NULL; ++i)
        is_made = is_made && make_file(new, new->language->name, new->language->files[i]);
    return is_made && make_file(new, "all", "my-filter.test.yaml");
}

int filter_new_run(char **arguments)
{
    struct filter_new new = {.language = &languages[0]};
    if (!read_arguments(&new, arguments))
        return STATUS_USAGE;
    bool is_made = find_folders(&new) && make_files(&new);
    if (is_made)
        printf("build it, and play its scenarios: make -C %s test\n", new.name);
    free(new.program);
    free(new.data_folder);
    free(new.include_folder);
    free(new.sdk_folder);
    return is_made ? EXIT_SUCCESS : EXIT_FAILURE;
}
