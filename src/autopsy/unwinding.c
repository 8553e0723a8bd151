#include "autopsy/unwinding.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char own_program[] = "/proc/self/exe";

/* The program itself may have been replaced since it was started; what runs here is the one that the worker was. */
static const char *find_file(const char *path)
{
    char own[4096];
    ssize_t length = readlink(own_program, own, sizeof(own) - 1);
    own[length < 0 ? 0 : length] = '\0';
    return strcmp(path, own) == 0 ? own_program : path;
}

static int open_file(const char *path)
{
    struct stat status;
    int fd = open(find_file(path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd != -1 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fd;
    if (fd != -1)
        close(fd);
    return -1;
}

static bool is_known(const struct crash_record *record, uint32_t number)
{
    const struct crash_mapping *mapping = &record->mappings[number];
    for (uint32_t i = 0; i < number; ++i) {
        if (record->mappings[i].base == mapping->base &&
            strcmp(crash_record_path(record, &record->mappings[i]), crash_record_path(record, mapping)) == 0)
            return true;
    }
    return false;
}

static void report_files(struct unwinding *unwinding)
{
    const struct crash_record *record = unwinding->record;
    const struct libdw *libdw = &unwinding->libdw;
    libdw->report_begin(unwinding->dwfl);
    for (uint32_t i = 0; i < record->mapping_count; ++i) {
        const char *path = crash_record_path(record, &record->mappings[i]);
        int fd = path[0] != '/' || is_known(record, i) ? -1 : open_file(path);
        if (fd != -1 && libdw->report_elf(unwinding->dwfl, path, path, fd, record->mappings[i].base, false) == NULL)
            close(fd);
    }
    libdw->report_end(unwinding->dwfl, NULL, NULL);
}

static pid_t give_thread(Dwfl *dwfl, void *data, void **thread_data)
{
    struct unwinding *unwinding = data;
    if (unwinding->is_thread_given)
        return 0;
    unwinding->is_thread_given = true;
    *thread_data = unwinding;
    return 1;
}

static bool set_registers(Dwfl_Thread *thread, void *data)
{
    const struct unwinding *unwinding = data;
    const struct crash_record *record = unwinding->record;
    unsigned count = record->machine == CRASH_MACHINE_X86_64 ? 17 : 32;
    unwinding->libdw.thread_state_register_pc(thread, record->pc);
    return unwinding->libdw.thread_state_registers(thread, 0, count, record->registers);
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *data)
{
    uint64_t value;
    bool is_read = crash_record_read_stack(((struct unwinding *)data)->record, address, &value);
    if (is_read)
        *word = value;
    return is_read;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = give_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

static int keep_frame(Dwfl_Frame *frame, void *data)
{
    struct unwinding *unwinding = data;
    Dwarf_Addr pc;
    bool is_activation;
    if (unwinding->count == CRASH_FRAMES || !unwinding->libdw.frame_pc(frame, &pc, &is_activation) || pc == 0)
        return DWARF_CB_ABORT;
    unwinding->is_call[unwinding->count] = !is_activation || (unwinding->count == 0 && unwinding->is_nowhere);
    unwinding->frames[unwinding->count++] = pc;
    return DWARF_CB_OK;
}

static int keep_thread(Dwfl_Thread *thread, void *data)
{
    ((struct unwinding *)data)->libdw.thread_getframes(thread, keep_frame, data);
    return DWARF_CB_ABORT;
}

/* Where there are no tables, frame pointers may lead further. */
static void walk_instead(struct unwinding *unwinding)
{
    uint64_t frames[CRASH_FRAMES];
    size_t count = crash_record_walk(unwinding->record, frames, CRASH_FRAMES);
    if (unwinding->count > 1 || count <= unwinding->count)
        return;
    unwinding->count = count;
    for (size_t i = 0; i < count; ++i) {
        unwinding->frames[i] = frames[i];
        unwinding->is_call[i] = i != 0 || unwinding->is_nowhere;
    }
}

bool unwinding_open(struct unwinding *unwinding, struct crash_record *record)
{
    const struct libdw *libdw = &unwinding->libdw;
    *unwinding = (struct unwinding){.record = record, .nowhere = record->pc};
    if (!libdw_load(&unwinding->libdw))
        return false;
    unwinding->files.find_elf = libdw->build_id_find_elf;
    unwinding->files.find_debuginfo = libdw->standard_find_debuginfo;
    unwinding->dwfl = libdw->begin(&unwinding->files);
    if (unwinding->dwfl == NULL)
        return false;
    report_files(unwinding);
    unwinding->is_nowhere = crash_record_leave_nowhere(record);
    if (record->machine != CRASH_MACHINE_UNKNOWN &&
        libdw->attach_state(unwinding->dwfl, NULL, 1, &thread_callbacks, unwinding))
        libdw->getthreads(unwinding->dwfl, keep_thread, unwinding);
    walk_instead(unwinding);
    return true;
}

void unwinding_close(struct unwinding *unwinding)
{
    if (unwinding->dwfl != NULL)
        unwinding->libdw.end(unwinding->dwfl);
    unwinding->dwfl = NULL;
}
