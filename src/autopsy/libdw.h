#ifndef FLEXILIB_AUTOPSY_LIBDW_H
#define FLEXILIB_AUTOPSY_LIBDW_H

/* What we need of elfutils' libdw, which unwinds and knows names. It is loaded by this role alone, when it is needed:
 * linked to the program it would cost every worker a third of a megabyte and its start a millisecond. The names are
 * those of elfutils/libdwfl.h and elfutils/libdw.h without what they begin with. */

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdbool.h>

struct libdw {
    __typeof__(&dwfl_begin) begin;
    __typeof__(&dwfl_end) end;
    __typeof__(&dwfl_report_begin) report_begin;
    __typeof__(&dwfl_report_elf) report_elf;
    __typeof__(&dwfl_report_end) report_end;
    __typeof__(&dwfl_attach_state) attach_state;
    __typeof__(&dwfl_getthreads) getthreads;
    __typeof__(&dwfl_thread_getframes) thread_getframes;
    __typeof__(&dwfl_thread_state_registers) thread_state_registers;
    __typeof__(&dwfl_thread_state_register_pc) thread_state_register_pc;
    __typeof__(&dwfl_frame_pc) frame_pc;
    __typeof__(&dwfl_addrmodule) addrmodule;
    __typeof__(&dwfl_module_addrinfo) module_addrinfo;
    __typeof__(&dwfl_module_getsrc) module_getsrc;
    __typeof__(&dwfl_module_addrdie) module_addrdie;
    __typeof__(&dwfl_lineinfo) lineinfo;
    __typeof__(&dwfl_build_id_find_elf) build_id_find_elf;
    __typeof__(&dwfl_standard_find_debuginfo) standard_find_debuginfo;
    __typeof__(&dwarf_getscopes) getscopes;
    __typeof__(&dwarf_tag) tag;
    __typeof__(&dwarf_diename) diename;
    __typeof__(&dwarf_attr) attr;
    __typeof__(&dwarf_formudata) formudata;
    __typeof__(&dwarf_getsrcfiles) getsrcfiles;
    __typeof__(&dwarf_filesrc) filesrc;
};

/* Returns false where it is not installed, or lacks something. */
bool libdw_load(struct libdw *libdw) __attribute__((warn_unused_result));

/* A function of another library that may be there, NULL where it is not. */
void *library_function(const char *name, const char *function);

#endif
