#include "base/file.h"
#include "fuzz.h"
#include "scenario/play.h"

#include <unistd.h>

/* Reads the bytes as a scenario file, and plays what it tells, without any library: clients and upstreams do what they
 * can think of, in any order, to exchanges that are real. */

static const char *get_path(void)
{
    static char path[64];
    if (path[0] == '\0')
        snprintf(path, sizeof(path), "%s/flexilib-fuzz-%d.test.yaml",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    return path;
}

static void __attribute__((destructor)) remove_file(void)
{
    unlink(get_path());
}

static void play_scenario(const struct scenario_file *file, const struct scenario *scenario, size_t chunk_bytes)
{
    const struct stage_options options = {
        .source = file->source,
        .bundled_folder = "/nowhere",
        .chunk_bytes = chunk_bytes,
        .log_fd = -1,
        .trace_fd = -1,
    };
    struct text report = TEXT_INIT;
    struct play *play = play_create(scenario, &options);
    bool holds = play_run(play, &report);
    CLAIM(holds == (report.length == 0));
    play_destroy(play);
    text_finish(&report);
}

/* What takes long and proves nothing more. */
static bool is_large(const struct scenario *scenario)
{
    size_t bytes = 0;
    for (size_t i = 0; i < scenario->event_count; ++i)
        bytes += scenario->events[i].body.length;
    return bytes > 10000 || scenario->event_count > 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct error error = ERROR_INIT;
    CLAIM(file_write(get_path(), slice_of((const char *)bytes, size), 0600));
    struct scenario_file *file = scenario_file_load(get_path(), NULL, 0, &error);
    CLAIM((file == NULL) == error.is_set);
    for (size_t i = 0; file != NULL && i < file->scenario_count && i < 20; ++i) {
        if (!is_large(&file->scenarios[i]))
            play_scenario(file, &file->scenarios[i], size % 4);
    }
    scenario_file_destroy(file);
    return 0;
}
