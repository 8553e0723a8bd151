# Finds the headers of libdw and libdwfl (Debian: libdw-dev) as the target Elfutils::Headers. The library is loaded when it
# is needed.
find_package(PkgConfig REQUIRED)
pkg_check_modules(ELFUTILS REQUIRED IMPORTED_TARGET libdw)
if(NOT TARGET Elfutils::Headers)
  add_library(Elfutils::Headers INTERFACE IMPORTED)
  target_include_directories(Elfutils::Headers INTERFACE ${ELFUTILS_INCLUDE_DIRS})
endif()
