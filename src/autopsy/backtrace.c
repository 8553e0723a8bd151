#include "autopsy/backtrace.h"

#include "autopsy/demangler.h"
#include "autopsy/unwinding.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is known of one frame. */
struct frame {
    uint64_t pc, inside; /* inside: within the call itself where pc stands behind one */
    Dwfl_Module *module; /* NULL: its file is not there */
    const char *symbol;  /* NULL: not known */
    uint64_t offset;     /* from it */
    const char *file;    /* of the source, NULL: not known */
    int line;
};

struct printer {
    const struct unwinding *unwinding;
    struct demangler demangler;
    const char *snapshot;
    struct text place; /* where it was */
    struct text lines;
    unsigned number; /* of lines */
};

/* The last folder and the name: enough to find it by, and short. */
static const char *shorten(const char *path)
{
    const char *name = strrchr(path, '/');
    while (name != NULL && name > path) {
        if (*--name == '/')
            return name + 1;
    }
    return path;
}

static const char *find_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void print_file_place(const struct crash_record *record, uint64_t pc, struct text *out)
{
    const struct crash_mapping *mapping = crash_record_find_mapping(record, pc);
    const char *path = mapping == NULL ? "" : crash_record_path(record, mapping);
    if (path[0] == '\0')
        text_print(out, "0x%" PRIx64, pc);
    else
        text_print(out, "%s+0x%" PRIx64, find_base_name(path), pc - mapping->base);
}

static void print_source(const char *file, int line, struct text *out)
{
    if (file == NULL)
        return;
    text_print(out, " at %s", shorten(file));
    if (line > 0)
        text_print(out, ":%d", line);
}

static struct frame look_up(const struct unwinding *unwinding, size_t number)
{
    struct frame frame = {.pc = unwinding->frames[number]};
    const struct libdw *libdw = &unwinding->libdw;
    frame.inside = frame.pc - unwinding->is_call[number];
    frame.module = libdw->addrmodule(unwinding->dwfl, frame.inside);
    if (frame.module == NULL)
        return frame;
    GElf_Sym symbol;
    GElf_Off offset;
    frame.symbol = libdw->module_addrinfo(frame.module, frame.inside, &offset, &symbol, NULL, NULL, NULL);
    frame.offset = offset + (frame.pc - frame.inside);
    Dwfl_Line *line = libdw->module_getsrc(frame.module, frame.inside);
    if (line != NULL)
        frame.file = libdw->lineinfo(line, NULL, &frame.line, NULL, NULL, NULL);
    return frame;
}

static bool is_of_library(const struct printer *printer, uint64_t pc)
{
    const struct crash_record *record = printer->unwinding->record;
    const struct crash_mapping *mapping = crash_record_find_mapping(record, pc);
    size_t length = strlen(printer->snapshot);
    return mapping != NULL && length != 0 &&
           strncmp(crash_record_path(record, mapping), printer->snapshot, length) == 0;
}

static void note_place(struct printer *printer, const struct frame *frame, const char *name, const char *file, int line)
{
    if (printer->place.length != 0 || !is_of_library(printer, frame->pc))
        return;
    print_file_place(printer->unwinding->record, frame->pc, &printer->place);
    if (name == NULL)
        return;
    text_print(&printer->place, " (");
    demangler_print(&printer->demangler, name, &printer->place);
    print_source(file, line, &printer->place);
    text_print(&printer->place, ")");
}

static void print_inlined(struct printer *printer, const struct frame *frame, const char *name, const char *file,
                          int line)
{
    note_place(printer, frame, name, file, line);
    text_print(&printer->lines, "#%u %s (inlined)", printer->number++, name);
    print_source(file, line, &printer->lines);
    text_print(&printer->lines, "\n");
}

static void print_function(struct printer *printer, const struct frame *frame, const char *name, const char *file,
                           int line)
{
    note_place(printer, frame, name, file, line);
    text_print(&printer->lines, "#%u ", printer->number++);
    demangler_print(&printer->demangler, name == NULL ? "??" : name, &printer->lines);
    if (frame->symbol != NULL)
        text_print(&printer->lines, "+0x%" PRIx64, frame->offset);
    print_source(file, line, &printer->lines);
    text_print(&printer->lines, " (");
    print_file_place(printer->unwinding->record, frame->pc, &printer->lines);
    text_print(&printer->lines, ")\n");
}

/* Where the function was called that has been inlined. */
static void find_call(const struct libdw *libdw, Dwarf_Die *inlined, Dwarf_Die *unit, const char **file, int *line)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number;
    Dwarf_Files *files;
    size_t count;
    *file = NULL;
    *line = 0;
    if (libdw->formudata(libdw->attr(inlined, DW_AT_call_file, &attribute), &number) == 0 &&
        libdw->getsrcfiles(unit, &files, &count) == 0 && number < count)
        *file = libdw->filesrc(files, number, NULL, NULL);
    if (libdw->formudata(libdw->attr(inlined, DW_AT_call_line, &attribute), &number) == 0)
        *line = (int)number;
}

static void print_frame(struct printer *printer, const struct frame *frame)
{
    const struct libdw *libdw = &printer->unwinding->libdw;
    Dwarf_Addr bias;
    Dwarf_Die *unit = frame->module == NULL ? NULL : libdw->module_addrdie(frame->module, frame->inside, &bias);
    Dwarf_Die *scopes = NULL, *function = NULL;
    const char *file = frame->file;
    int line = frame->line, count = unit == NULL ? 0 : libdw->getscopes(unit, frame->inside - bias, &scopes);
    for (int i = 0; i < count && function == NULL; ++i) {
        int tag = libdw->tag(&scopes[i]);
        const char *name = libdw->diename(&scopes[i]);
        if (tag == DW_TAG_subprogram) {
            function = &scopes[i];
        } else if (tag == DW_TAG_inlined_subroutine && name != NULL) {
            print_inlined(printer, frame, name, file, line);
            find_call(libdw, &scopes[i], unit, &file, &line);
        }
    }
    const char *name = frame->symbol == NULL && function != NULL ? libdw->diename(function) : frame->symbol;
    print_function(printer, frame, name, file, line);
    free(scopes);
}

static void print_frames(struct printer *printer)
{
    const struct unwinding *unwinding = printer->unwinding;
    if (unwinding->is_nowhere)
        text_print(&printer->lines, "#%u 0x%" PRIx64 ", where no code is\n", printer->number++, unwinding->nowhere);
    for (size_t i = 0, same = 0; i < unwinding->count; ++i) {
        bool is_again = i != 0 && unwinding->frames[i] == unwinding->frames[i - 1];
        bool goes_on = is_again && i + 1 < unwinding->count && unwinding->frames[i + 1] == unwinding->frames[i];
        same += is_again;
        if (is_again && !goes_on)
            text_print(&printer->lines, "   and %zu more like this\n", same);
        if (is_again)
            continue;
        same = 0;
        struct frame frame = look_up(unwinding, i);
        print_frame(printer, &frame);
    }
}

bool backtrace_print(struct crash_record *record, const char *snapshot, struct text *out)
{
    struct unwinding unwinding;
    struct printer printer = {.unwinding = &unwinding, .snapshot = snapshot};
    if (!unwinding_open(&unwinding, record))
        return false;
    demangler_load(&printer.demangler);
    print_frames(&printer);
    if (printer.place.length == 0 && unwinding.count != 0)
        print_file_place(record, unwinding.is_nowhere ? unwinding.nowhere : unwinding.frames[0], &printer.place);
    bool is_told = printer.number != 0;
    if (is_told)
        text_print(out, "%s\n%s", printer.place.data == NULL ? "" : printer.place.data, printer.lines.data);
    text_finish(&printer.place);
    text_finish(&printer.lines);
    unwinding_close(&unwinding);
    return is_told;
}
