#include "autopsy/libdw.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

struct entry {
    const char *name;
    size_t offset;
};

#define DWFL(name)                                                                                                     \
    {                                                                                                                  \
        "dwfl_" #name, offsetof(struct libdw, name)                                                                    \
    }
#define DWARF(name)                                                                                                    \
    {                                                                                                                  \
        "dwarf_" #name, offsetof(struct libdw, name)                                                                   \
    }

static const struct entry entries[] = {
    DWFL(begin),
    DWFL(end),
    DWFL(report_begin),
    DWFL(report_elf),
    DWFL(report_end),
    DWFL(attach_state),
    DWFL(getthreads),
    DWFL(thread_getframes),
    DWFL(thread_state_registers),
    DWFL(thread_state_register_pc),
    DWFL(frame_pc),
    DWFL(addrmodule),
    DWFL(module_addrinfo),
    DWFL(module_getsrc),
    DWFL(module_addrdie),
    DWFL(lineinfo),
    DWFL(build_id_find_elf),
    DWFL(standard_find_debuginfo),
    DWARF(getscopes),
    DWARF(tag),
    DWARF(diename),
    DWARF(attr),
    DWARF(formudata),
    DWARF(getsrcfiles),
    DWARF(filesrc),
};

void *library_function(const char *name, const char *function)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return library == NULL ? NULL : dlsym(library, function);
}

bool libdw_load(struct libdw *libdw)
{
    void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); ++i) {
        void *function = dlsym(library, entries[i].name);
        if (function == NULL)
            return false;
        memcpy((char *)libdw + entries[i].offset, &function, sizeof(function));
    }
    return true;
}
